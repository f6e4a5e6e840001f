/* Timers ordered by deadline, first armed first among equals. Room is reserved ahead, so that
 * arming can neither fail nor allocate. */
#ifndef HL_CORE_HEAP_H
#define HL_CORE_HEAP_H

#include "core/loop.h"

struct hl_heap_entry {
    int64_t due_us;
    uint64_t order; /* rises with each arming */
    struct hl_timer *timer;
};

struct hl_heap {
    struct hl_heap_entry *entries;
    size_t count, capacity;
    size_t reserved;
    uint64_t next_order;
};

int hl_heap_reserve(struct hl_heap *heap);
void hl_heap_release(struct hl_heap *heap);
/* Leaves the timers alone: their owners may be gone. */
void hl_heap_free(struct hl_heap *heap);
/* Arms or moves. Without a reservation left it does nothing. */
void hl_heap_put(struct hl_heap *heap, struct hl_timer *timer, int64_t due_us);
/* Takes out; nothing when it is not armed. */
void hl_heap_take(struct hl_heap *heap, struct hl_timer *timer);

#endif
