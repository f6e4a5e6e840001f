/**
 * @file
 * @brief Export and language-linkage macros. Nothing here is part of the API surface by itself.
 */
#ifndef HOMELAB_EXPORT_H
#define HOMELAB_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(HOMELAB_BUILDING)
#define HOMELAB_API __attribute__((visibility("default")))
#else
#define HOMELAB_API
#endif

#ifdef __cplusplus
#define HOMELAB_BEGIN_DECLS extern "C" {
#define HOMELAB_END_DECLS   }
#else
#define HOMELAB_BEGIN_DECLS
#define HOMELAB_END_DECLS
#endif

#endif
