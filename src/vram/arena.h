/* Memory that is taken piece by piece and given back at once. Running out is remembered, so a long
 * chain of takes needs one check at its end. */
#ifndef HL_VRAM_ARENA_H
#define HL_VRAM_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct hl_arena_block;

struct hl_arena {
    struct hl_arena_block *first, *current;
    bool failed;
};

void hl_arena_init(struct hl_arena *arena);
void hl_arena_free(struct hl_arena *arena);
/* Empties it and keeps its blocks for what comes next. */
void hl_arena_reset(struct hl_arena *arena);
/* Zeroed memory for count items of size bytes; NULL when there is none. */
void *hl_arena_take(struct hl_arena *arena, size_t count, size_t size);

#endif
