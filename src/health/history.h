/* What the last probes of an endpoint met: a ring with a cap, for uptime and latency. */
#ifndef HL_HEALTH_HISTORY_H
#define HL_HEALTH_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hl_history {
    uint32_t *samples; /* latency in microseconds, HL_SAMPLE_NONE without one; top bit: unusable */
    uint32_t count, next, capacity, max;
    uint32_t usable; /* how many of the samples found it usable */
};

/* One point of a latency distribution: this share of the samples is at most that slow. */
struct hl_latency_point {
    uint32_t latency_us;
    float share;
};
#define HL_LATENCY_POINTS 64

void hl_history_init(struct hl_history *history, uint32_t max);
void hl_history_clear(struct hl_history *history);
/* latency_us -1: none. Takes memory only while the ring grows; without memory the oldest sample
 * gives way early. */
void hl_history_add(struct hl_history *history, bool usable, int64_t latency_us);
double hl_history_uptime(const struct hl_history *history); /* -1 without samples */
/* The distribution in at most HL_LATENCY_POINTS points, fastest first, each within 1.6 % of the
 * samples it stands for, the first and last exact. Returns how many. */
size_t hl_history_latency(const struct hl_history *history, struct hl_latency_point *points);
/* Pure: the percentile (0 to 100) of a distribution, -1 without points. */
int64_t hl_latency_percentile(const struct hl_latency_point *points, size_t count, double percent);

#endif
