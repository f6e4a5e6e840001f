/**
 * @file
 * @brief What a GGUF file says of its model: metadata and tensor infos, without the vocabulary and
 * without the tensors.
 *
 * Reading takes the header only, in one pass through a 64 KiB window; a file that is cut where the
 * tensor data begin is read all the same. The result is immutable and reference-counted; any thread
 * may use it, without a context and after a fork.
 */
#ifndef HOMELAB_GGUF_H
#define HOMELAB_GGUF_H

#include <homelab/export.h>
#include <homelab/options.h>

HOMELAB_BEGIN_DECLS

/** A model's header. Immutable, reference-counted. @since 0.2.0 */
typedef struct homelab_gguf homelab_gguf;

/** Read from a file. @since 0.2.0 */
#define HOMELAB_GGUF_SOURCE_FILE 0

/**
 * @brief Reads a file.
 * @param[out] out The header; untouched on failure.
 * @param path The file, which may be a pipe.
 * @param opts Options (`gguf.*`), or NULL for the defaults.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM, HOMELAB_E_SYSTEM, HOMELAB_E_FORMAT for
 * what is no GGUF file, HOMELAB_E_UNSUPPORTED for another version, or HOMELAB_E_LIMIT. Messages
 * name offset and field.
 * @since 0.2.0
 */
HOMELAB_API int homelab_gguf_load_file(homelab_gguf **out, const char *path,
                                       const homelab_opts *opts);

/** @brief Takes a reference. @return The same header; NULL for NULL. Any thread. @since 0.2.0 */
HOMELAB_API homelab_gguf *homelab_gguf_ref(homelab_gguf *gguf);

/** @brief Drops a reference; the last one frees. NULL is allowed. Any thread. @since 0.2.0 */
HOMELAB_API void homelab_gguf_unref(homelab_gguf *gguf);

HOMELAB_END_DECLS

#endif
