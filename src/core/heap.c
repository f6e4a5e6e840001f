#include "core/heap.h"

#include "core/alloc.h"

#include <homelab/error.h>

int hl_heap_reserve(struct hl_heap *heap)
{
    if (hl_grow((void **)&heap->entries, &heap->capacity, heap->reserved, sizeof *heap->entries))
        return HOMELAB_E_NOMEM;
    heap->reserved++;
    return HOMELAB_OK;
}

void hl_heap_release(struct hl_heap *heap)
{
    if (heap->reserved > 0)
        heap->reserved--;
}

void hl_heap_free(struct hl_heap *heap)
{
    hl_free(heap->entries);
    *heap = (struct hl_heap){0};
}

static bool before(const struct hl_heap_entry *a, const struct hl_heap_entry *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->order < b->order;
}

static void place(struct hl_heap *heap, size_t at, struct hl_heap_entry entry)
{
    heap->entries[at] = entry;
    entry.timer->position = at + 1;
}

/* Puts entry into the hole at `at`, moving the hole to where the order holds. */
static void settle(struct hl_heap *heap, size_t at, struct hl_heap_entry entry)
{
    while (at > 0 && before(&entry, &heap->entries[(at - 1) / 2])) {
        place(heap, at, heap->entries[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (size_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && before(&heap->entries[child + 1], &heap->entries[child]))
            child++;
        if (!before(&heap->entries[child], &entry))
            break;
        place(heap, at, heap->entries[child]);
    }
    place(heap, at, entry);
}

void hl_heap_put(struct hl_heap *heap, struct hl_timer *timer, int64_t due_us)
{
    size_t at = heap->count;
    if (timer->position)
        at = timer->position - 1;
    else if (heap->count == heap->capacity)
        return;
    else
        heap->count++;
    timer->due_us = due_us;
    settle(heap, at, (struct hl_heap_entry){due_us, heap->next_order++, timer});
}

void hl_heap_take(struct hl_heap *heap, struct hl_timer *timer)
{
    if (!timer->position)
        return;
    size_t at = timer->position - 1;
    timer->position = 0;
    heap->count--;
    if (at < heap->count)
        settle(heap, at, heap->entries[heap->count]);
}
