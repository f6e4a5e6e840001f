/**
 * @file
 * @brief Version of the headers and of the library that is loaded.
 */
#ifndef HOMELAB_VERSION_H
#define HOMELAB_VERSION_H

#include <homelab/export.h>

HOMELAB_BEGIN_DECLS

/** Version of these headers, major part. @since 0.1.0 */
#define HOMELAB_VERSION_MAJOR  0
/** Version of these headers, minor part. @since 0.1.0 */
#define HOMELAB_VERSION_MINOR  2
/** Version of these headers, patch part. @since 0.1.0 */
#define HOMELAB_VERSION_PATCH  0
/** Version of these headers as text. @since 0.1.0 */
#define HOMELAB_VERSION        "0.2.0"
/** Version of these headers as one comparable number, major * 10000 + minor * 100 + patch. @since
 * 0.1.0 */
#define HOMELAB_VERSION_NUMBER 200

/**
 * @brief Version of the loaded library as text, such as "0.2.0".
 * @return A static string; never NULL. Any thread.
 * @since 0.1.0
 */
HOMELAB_API const char *homelab_version(void);

/**
 * @brief Version of the loaded library as a number comparable with HOMELAB_VERSION_NUMBER.
 * @return major * 10000 + minor * 100 + patch. Any thread.
 * @since 0.1.0
 */
HOMELAB_API int homelab_version_number(void);

HOMELAB_END_DECLS

#endif
