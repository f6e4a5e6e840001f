/* A word: 32 bits of the key's hash, 16 of the time in units of eight seconds, 16 of the line. */
#include "route/router_private.h"

#define UNIT_MS 8192

static _Atomic uint64_t *place(const struct hl_affinity *affinity, uint64_t key)
{
    return (_Atomic uint64_t *)&affinity->words[key % HL_AFFINITY_COUNT];
}

int32_t hl_affinity_find(const struct hl_affinity *affinity, uint64_t key, int64_t ttl_ms,
                         int64_t now_ms)
{
    uint64_t word = atomic_load_explicit(place(affinity, key), memory_order_relaxed);
    if (!word || word >> 32 != key >> 32)
        return -1;
    uint16_t age = (uint16_t)((uint64_t)(now_ms / UNIT_MS) - (word >> 16));
    return (int64_t)age * UNIT_MS <= ttl_ms ? (int32_t)(word & 0xffff) : -1;
}

void hl_affinity_bind(struct hl_affinity *affinity, uint64_t key, uint16_t line, int64_t now_ms)
{
    uint64_t time = (uint64_t)(now_ms / UNIT_MS) & 0xffff;
    uint64_t word = (key >> 32) << 32 | time << 16 | line;
    atomic_store_explicit(place(affinity, key), word, memory_order_relaxed);
}
