/* What the C programs of the benchmark share: the endpoints, the clock, the figures. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define BENCH_SWEEPS_MAX 256

struct bench {
    int port, count, dead_percent, timeout_ms, sweeps;
};

/* server and clients agree: endpoint i has an address of its own, and these never answer. */
static inline void bench_address(int i, char *text, size_t size)
{
    snprintf(text, size, "127.%d.%d.%d", 1 + i / 62500, i / 250 % 250, i % 250 + 1);
}

static inline bool bench_dead(const struct bench *bench, int i)
{
    return i * bench->dead_percent / 100 != (i + 1) * bench->dead_percent / 100;
}

static inline int bench_live_count(const struct bench *bench)
{
    int live = 0;
    for (int i = 0; i < bench->count; i++)
        live += !bench_dead(bench, i);
    return live;
}

/* PORT COUNT DEAD_PERCENT TIMEOUT_MS SWEEPS */
static inline struct bench bench_arguments(int count, char **values)
{
    if (count != 6) {
        fprintf(stderr, "usage: %s PORT COUNT DEAD_PERCENT TIMEOUT_MS SWEEPS\n", values[0]);
        exit(2);
    }
    struct bench bench = {atoi(values[1]), atoi(values[2]), atoi(values[3]), atoi(values[4]),
                          atoi(values[5])};
    if (bench.sweeps > BENCH_SWEEPS_MAX)
        bench.sweeps = BENCH_SWEEPS_MAX;
    return bench;
}

static inline int64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int64_t bench_now_us(void)
{
    return bench_now_ns() / 1000;
}

static inline int64_t bench_cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

struct bench_sweep {
    int64_t wall_us, cpu_us;
    int answered; /* with the expected body */
};

static inline int bench_compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* One line: the first sweep apart, of the others the medians. */
static inline void bench_report(const char *name, const struct bench *bench,
                                const struct bench_sweep *sweeps)
{
    int64_t wall[BENCH_SWEEPS_MAX], cpu[BENCH_SWEEPS_MAX];
    int warm = bench->sweeps - 1, live = bench_live_count(bench), missed = 0;
    for (int i = 0; i < bench->sweeps; i++) {
        missed += live - sweeps[i].answered;
        if (i > 0) {
            wall[i - 1] = sweeps[i].wall_us;
            cpu[i - 1] = sweeps[i].cpu_us;
        }
    }
    qsort(wall, (size_t)warm, sizeof *wall, bench_compare);
    qsort(cpu, (size_t)warm, sizeof *cpu, bench_compare);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf(
        "%s cold_ms=%.1f cold_cpu_us=%.1f warm_ms=%.1f warm_cpu_us=%.1f missed=%d peak_mib=%.1f\n",
        name, (double)sweeps[0].wall_us / 1e3, (double)sweeps[0].cpu_us / bench->count,
        warm ? (double)wall[warm / 2] / 1e3 : 0, warm ? (double)cpu[warm / 2] / bench->count : 0,
        missed, (double)usage.ru_maxrss / 1024);
}

/* What every endpoint answers. */
#define BENCH_MODEL "qwen3-coder-30b-a3b"
#define BENCH_PATH  "/v1/models"
#define BENCH_BODY                                                                                 \
    "{\"object\":\"list\",\"data\":[{\"id\":\"" BENCH_MODEL                                        \
    "\",\"object\":\"model\",\"created\":1760000000,\"owned_by\":\"vllm\"}]}"

#endif
