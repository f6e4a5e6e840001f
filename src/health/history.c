#include "health/history.h"

#include "core/alloc.h"

#include <string.h>

#define UNUSABLE    0x80000000u
#define SAMPLE_NONE 0x7fffffffu
#define FIRST_ROOM  8u

/* Buckets as wide as 1/32 of their octave. */
#define FINE_BITS 5
#define BUCKETS   ((32 - FINE_BITS) << FINE_BITS)

void hl_history_init(struct hl_history *history, uint32_t max)
{
    *history = (struct hl_history){.max = max ? max : 1};
}

void hl_history_clear(struct hl_history *history)
{
    hl_free(history->samples);
    hl_history_init(history, history->max);
}

/* Only while the ring was never full, so that the samples lie in order from 0. */
static void grow(struct hl_history *history)
{
    uint32_t capacity = history->capacity ? 2 * history->capacity : FIRST_ROOM;
    if (capacity > history->max)
        capacity = history->max;
    uint32_t *samples = hl_reallocarray(history->samples, capacity, sizeof *samples);
    if (!samples)
        return;
    history->samples = samples;
    history->capacity = capacity;
    history->next = history->count;
}

void hl_history_add(struct hl_history *history, bool usable, int64_t latency_us)
{
    bool in_order = history->next == 0;
    if (history->count == history->capacity && history->capacity < history->max && in_order)
        grow(history);
    if (!history->capacity)
        return;
    uint32_t sample = SAMPLE_NONE;
    if (latency_us >= 0)
        sample = latency_us < SAMPLE_NONE ? (uint32_t)latency_us : SAMPLE_NONE - 1;
    uint32_t *place = &history->samples[history->next];
    if (history->count == history->capacity)
        history->usable -= !(*place & UNUSABLE);
    else
        history->count++;
    *place = sample | (usable ? 0 : UNUSABLE);
    history->usable += usable;
    history->next = (history->next + 1) % history->capacity;
}

double hl_history_uptime(const struct hl_history *history)
{
    return history->count ? (double)history->usable / history->count : -1;
}

static unsigned bucket_of(uint32_t value)
{
    if (value < 1u << (FINE_BITS + 1))
        return value;
    unsigned shift = 31u - (unsigned)__builtin_clz(value) - FINE_BITS;
    return (shift << FINE_BITS) + (value >> shift);
}

static uint32_t middle_of(unsigned bucket)
{
    if (bucket < 1u << (FINE_BITS + 1))
        return bucket;
    unsigned shift = (bucket >> FINE_BITS) - 1;
    uint32_t low = (bucket - (shift << FINE_BITS)) << shift;
    return low + (1u << shift) / 2;
}

struct spread {
    uint32_t counts[BUCKETS];
    uint32_t total, least, most;
    unsigned filled;
};

static void collect(struct spread *spread, const struct hl_history *history)
{
    memset(spread, 0, sizeof *spread);
    spread->least = UINT32_MAX;
    for (uint32_t i = 0; i < history->count; i++) {
        uint32_t value = history->samples[i] & ~UNUSABLE;
        if (value == SAMPLE_NONE)
            continue;
        unsigned bucket = bucket_of(value);
        spread->filled += !spread->counts[bucket]++;
        spread->total++;
        spread->least = value < spread->least ? value : spread->least;
        spread->most = value > spread->most ? value : spread->most;
    }
}

size_t hl_history_latency(const struct hl_history *history, struct hl_latency_point *points)
{
    if (!history->count)
        return 0;
    struct spread spread;
    collect(&spread, history);
    if (!spread.total)
        return 0;
    /* Samples that spread wider than the points reach are taken several buckets at a time. */
    unsigned group = (spread.filled + HL_LATENCY_POINTS - 2) / (HL_LATENCY_POINTS - 1);
    size_t count = 0;
    uint32_t below = 0;
    unsigned in_group = 0;
    for (unsigned i = bucket_of(spread.least); i <= bucket_of(spread.most); i++) {
        if (!spread.counts[i])
            continue;
        below += spread.counts[i];
        if (++in_group < group && below < spread.total && count)
            continue;
        in_group = 0;
        points[count++] =
            (struct hl_latency_point){middle_of(i), (float)((double)below / (double)spread.total)};
    }
    points[0].latency_us = spread.least;
    points[count - 1].latency_us = spread.most;
    points[count - 1].share = 1;
    return count;
}

int64_t hl_latency_percentile(const struct hl_latency_point *points, size_t count, double percent)
{
    if (!count || !(percent >= 0 && percent <= 100))
        return -1;
    for (size_t i = 0; i < count; i++)
        /* Shares are floats: 0.9 is a little less. */
        if ((double)points[i].share * 100 + 1e-4 >= percent)
            return points[i].latency_us;
    return points[count - 1].latency_us;
}
