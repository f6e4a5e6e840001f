#include "core/alloc.h"

#include "core/api.h"

#include <stdlib.h>
#include <string.h>

struct homelab_allocator {
    homelab_malloc_fn malloc_fn;
    homelab_realloc_fn realloc_fn;
    homelab_free_fn free_fn;
    void *userdata;
};

/* Precedes each block; its alignment keeps the block as aligned as malloc()'s. */
struct header {
    _Alignas(max_align_t) homelab_allocator *allocator;
};

static _Thread_local homelab_allocator *current_allocator;
static _Thread_local uint64_t allocations;

static void *take(homelab_allocator *allocator, size_t size)
{
    allocations++;
    return allocator ? allocator->malloc_fn(size, allocator->userdata) : malloc(size);
}

static void *resize(homelab_allocator *allocator, void *block, size_t size)
{
    allocations++;
    return allocator ? allocator->realloc_fn(block, size, allocator->userdata)
                     : realloc(block, size);
}

static void *with_header(struct header *header, homelab_allocator *allocator)
{
    if (!header)
        return NULL;
    header->allocator = allocator;
    return header + 1;
}

void *hl_malloc(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct header))
        return NULL;
    return with_header(take(current_allocator, size + sizeof(struct header)), current_allocator);
}

void *hl_calloc(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    void *block = hl_malloc(count * size);
    return block ? memset(block, 0, count * size) : NULL;
}

void *hl_realloc(void *block, size_t size)
{
    if (!block)
        return hl_malloc(size);
    if (size > SIZE_MAX - sizeof(struct header))
        return NULL;
    struct header *header = (struct header *)block - 1;
    homelab_allocator *allocator = header->allocator;
    return with_header(resize(allocator, header, size + sizeof *header), allocator);
}

void *hl_reallocarray(void *block, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    return hl_realloc(block, count * size);
}

void hl_free(void *block)
{
    if (!block)
        return;
    struct header *header = (struct header *)block - 1;
    homelab_allocator *allocator = header->allocator;
    if (allocator)
        allocator->free_fn(header, allocator->userdata);
    else
        free(header);
}

char *hl_strndup(const char *text, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = hl_malloc(length + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *hl_strdup(const char *text)
{
    return hl_strndup(text, strlen(text));
}

void hl_free_secret(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    hl_free(text);
}

int hl_grow(void **items, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return HOMELAB_OK;
    size_t wanted = *capacity ? *capacity * 2 : 8;
    void *grown = wanted > *capacity ? hl_reallocarray(*items, wanted, size) : NULL;
    if (!grown)
        return HOMELAB_E_NOMEM;
    *items = grown;
    *capacity = wanted;
    return HOMELAB_OK;
}

homelab_allocator *hl_allocator_swap(homelab_allocator *allocator)
{
    homelab_allocator *before = current_allocator;
    current_allocator = allocator;
    return before;
}

uint64_t hl_alloc_count(void)
{
    return allocations;
}

int homelab_allocator_new(homelab_allocator **out, homelab_malloc_fn malloc_fn,
                          homelab_realloc_fn realloc_fn, homelab_free_fn free_fn, void *userdata)
{
    hl_error_clear();
    if (!out || !malloc_fn || !realloc_fn || !free_fn)
        return hl_error_argument("allocator", "out and all three functions");
    homelab_allocator *allocator = malloc_fn(sizeof *allocator, userdata);
    if (!allocator)
        return hl_error_nomem();
    *allocator = (homelab_allocator){malloc_fn, realloc_fn, free_fn, userdata};
    *out = allocator;
    return HOMELAB_OK;
}

void homelab_allocator_free(homelab_allocator *allocator)
{
    if (allocator)
        allocator->free_fn(allocator, allocator->userdata);
}

void homelab_free(void *block)
{
    hl_free(block);
}
