/**
 * @file
 * @brief Where the library's own memory comes from.
 *
 * Objects take their memory from the allocator that stands in the options they were made with, and
 * from libc without one. Memory of libcurl, cJSON and the parsers is theirs and is not covered.
 */
#ifndef HOMELAB_MEMORY_H
#define HOMELAB_MEMORY_H

#include <homelab/export.h>

HOMELAB_BEGIN_DECLS

/** A set of allocation functions. @since 0.1.0 */
typedef struct homelab_allocator homelab_allocator;

/** Returns size bytes aligned as by malloc(), or NULL. May be called from any thread. @since 0.1.0
 */
typedef void *(*homelab_malloc_fn)(size_t size, void *userdata);
/** Resizes a block as realloc() does; block may be NULL. May be called from any thread. @since
 * 0.1.0 */
typedef void *(*homelab_realloc_fn)(void *block, size_t size, void *userdata);
/** Frees a block; never called with NULL. May be called from any thread. @since 0.1.0 */
typedef void (*homelab_free_fn)(void *block, void *userdata);

/**
 * @brief Makes an allocator.
 * @param[out] out The allocator; untouched on failure.
 * @param malloc_fn, realloc_fn, free_fn The functions; none may be NULL. They must not call the
 * library.
 * @param userdata Handed to each function.
 * @return HOMELAB_OK, HOMELAB_E_INVALID or HOMELAB_E_NOMEM.
 *
 * The caller frees it with homelab_allocator_free() after every object made with it is gone.
 * @since 0.1.0
 */
HOMELAB_API int homelab_allocator_new(homelab_allocator **out, homelab_malloc_fn malloc_fn,
                                      homelab_realloc_fn realloc_fn, homelab_free_fn free_fn,
                                      void *userdata);

/** @brief Frees an allocator; NULL is allowed. No block from it may be alive. @since 0.1.0 */
HOMELAB_API void homelab_allocator_free(homelab_allocator *allocator);

/** @brief Frees a string that a function of the library returned for the caller to free; NULL is
 * allowed. @since 0.1.0 */
HOMELAB_API void homelab_free(void *block);

HOMELAB_END_DECLS

#endif
