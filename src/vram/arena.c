#include "vram/arena.h"

#include "core/alloc.h"

#include <stdint.h>
#include <string.h>

#define BLOCK_BYTES 262144

struct hl_arena_block {
    struct hl_arena_block *next;
    size_t used, size;
    max_align_t data[];
};

void hl_arena_init(struct hl_arena *arena)
{
    *arena = (struct hl_arena){0};
}

void hl_arena_free(struct hl_arena *arena)
{
    struct hl_arena_block *next;
    for (struct hl_arena_block *block = arena->first; block; block = next) {
        next = block->next;
        hl_free(block);
    }
    hl_arena_init(arena);
}

void hl_arena_reset(struct hl_arena *arena)
{
    for (struct hl_arena_block *block = arena->first; block; block = block->next)
        block->used = 0;
    arena->current = arena->first;
    arena->failed = false;
}

/* The current block, or a later one, or a new one behind it. */
static struct hl_arena_block *block_for(struct hl_arena *arena, size_t bytes)
{
    struct hl_arena_block *last = NULL;
    for (struct hl_arena_block *block = arena->current; block; block = block->next) {
        if (block->size - block->used >= bytes)
            return block;
        last = block;
    }
    size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    struct hl_arena_block *block = hl_malloc(sizeof(*block) + size);
    if (!block)
        return NULL;
    *block = (struct hl_arena_block){.size = size};
    if (last)
        last->next = block;
    else
        arena->first = block;
    return block;
}

void *hl_arena_take(struct hl_arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (arena->failed || __builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 4) {
        arena->failed = true;
        return NULL;
    }
    bytes = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    struct hl_arena_block *block = block_for(arena, bytes);
    if (!block) {
        arena->failed = true;
        return NULL;
    }
    arena->current = block;
    void *memory = (char *)block->data + block->used;
    block->used += bytes;
    memset(memory, 0, bytes);
    return memory;
}
