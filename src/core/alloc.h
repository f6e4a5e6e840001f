/* The library's own memory. Each block remembers its allocator, so freeing needs none; new blocks
 * come from the allocator of the API call that is running on this thread (see api.h), libc's
 * outside of one. All return NULL on failure; sizes are checked for overflow. */
#ifndef HL_CORE_ALLOC_H
#define HL_CORE_ALLOC_H

#include <homelab/memory.h>

void *hl_malloc(size_t size);
void *hl_calloc(size_t count, size_t size);
/* Keeps the block's own allocator; block may be NULL. */
void *hl_realloc(void *block, size_t size);
void *hl_reallocarray(void *block, size_t count, size_t size);
void hl_free(void *block);
char *hl_strdup(const char *text);
char *hl_strndup(const char *text, size_t length);
/* Overwrites the text, also where the compiler sees no further use, and frees it. */
void hl_free_secret(char *text);

/* Grows *items (of size bytes each) so that one more fits beyond count; capacity doubles. 0 or
 * HOMELAB_E_NOMEM. */
int hl_grow(void **items, size_t *capacity, size_t count, size_t size);

/* Makes allocator the one for new blocks on this thread; returns the one before, to be put back.
 * NULL is libc. */
homelab_allocator *hl_allocator_swap(homelab_allocator *allocator);
/* Number of blocks this thread ever took; for the zero-allocation figures. */
uint64_t hl_alloc_count(void);

#endif
