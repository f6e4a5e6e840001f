/* A monitor at rest: what it costs the host between probes, and how long a dispatch takes.
 *
 *     idle PORT COUNT SECONDS */
#include "bench.h"

#include <homelab/homelab.h>

#include <poll.h>

#define INTERVAL_MS 250
#define WARM_UP_S   5

static uint64_t allocations;

static void *count_malloc(size_t size, void *userdata)
{
    (void)userdata;
    allocations++;
    return malloc(size);
}

static void *count_realloc(void *block, size_t size, void *userdata)
{
    (void)userdata;
    allocations++;
    return realloc(block, size);
}

static void count_free(void *block, void *userdata)
{
    (void)userdata;
    free(block);
}

static void fail(void)
{
    fprintf(stderr, "%s\n", homelab_error_message());
    exit(1);
}

int main(int argument_count, char **arguments)
{
    if (argument_count != 4) {
        fprintf(stderr, "usage: %s PORT COUNT SECONDS\n", arguments[0]);
        return 2;
    }
    int port = atoi(arguments[1]), count = atoi(arguments[2]), seconds = atoi(arguments[3]);
    homelab_allocator *allocator;
    homelab_opts *opts;
    homelab_ctx *ctx;
    homelab_builder *builder;
    homelab_inventory *inventory;
    homelab_prober *prober;
    if (homelab_allocator_new(&allocator, count_malloc, count_realloc, count_free, NULL) ||
        homelab_opts_new(&opts) || homelab_opts_set_allocator(opts, allocator) ||
        homelab_opts_set_int(opts, "health.interval_ms", INTERVAL_MS) ||
        homelab_opts_set_int(opts, "health.history", 16) || homelab_ctx_new(&ctx, opts) ||
        homelab_builder_new(&builder, NULL, opts))
        fail();
    for (int i = 0; i < count; i++) {
        char id[32], url[64], address[32];
        bench_address(i, address, sizeof address);
        snprintf(id, sizeof id, "local/e%d", i);
        snprintf(url, sizeof url, "http://%s:%d" BENCH_PATH, address, port);
        if (homelab_builder_set_string(builder, "endpoints", id, "url", url) ||
            homelab_builder_set_string(builder, "endpoints", id, "tier", "LOCAL") ||
            homelab_builder_set_string(builder, "endpoints", id, "depth", "http") ||
            homelab_builder_set_string(builder, "endpoints", id, "backend", "openai"))
            fail();
    }
    if (homelab_builder_build(builder, &inventory) ||
        homelab_prober_new(&prober, ctx, inventory, opts) || homelab_prober_start(prober, 0))
        fail();
    homelab_builder_free(builder);

    /* The first seconds fill pools, and histories up to their bound. */
    int64_t start_us = bench_now_us(), steady_us = start_us + WARM_UP_S * INT64_C(1000000);
    int64_t until_us = steady_us + seconds * INT64_C(1000000), longest_us = 0, sum_us = 0;
    uint64_t wakeups = 0, before = 0;
    static int64_t took[1000000];
    for (int64_t now_us; (now_us = bench_now_us()) < until_us;) {
        struct pollfd fd = {.fd = homelab_ctx_fd(ctx), .events = POLLIN};
        if (poll(&fd, 1, (int)((until_us - now_us) / 1000) + 1) <= 0)
            continue;
        int64_t began_us = bench_now_us();
        uint64_t allocated = allocations;
        int events = homelab_ctx_dispatch(ctx, 0);
        int64_t took_us = bench_now_us() - began_us;
        homelab_event *event;
        while (events > 0 && homelab_ctx_next_event(ctx, &event) == 1)
            homelab_event_unref(event);
        if (began_us < steady_us)
            continue;
        before += allocations - allocated;
        if (wakeups < sizeof took / sizeof *took)
            took[wakeups] = took_us;
        wakeups++;
        sum_us += took_us;
        if (took_us > longest_us)
            longest_us = took_us;
    }
    qsort(took, wakeups, sizeof *took, bench_compare);
    char *stats = homelab_ctx_stats_json(ctx);
    printf("idle endpoints=%d seconds=%d dispatches=%llu dispatches_per_probe=%.2f "
           "allocations=%llu longest_us=%lld p99_us=%lld mean_us=%.1f\n%s\n",
           count, seconds, (unsigned long long)wakeups,
           (double)wakeups / (count * seconds * 1000 / INTERVAL_MS), (unsigned long long)before,
           (long long)longest_us, wakeups ? (long long)took[wakeups * 99 / 100] : 0,
           wakeups ? (double)sum_us / (double)wakeups : 0, stats);
    homelab_free(stats);
    homelab_prober_unref(prober);
    homelab_inventory_unref(inventory);
    homelab_ctx_unref(ctx);
    homelab_opts_free(opts);
    homelab_allocator_free(allocator);
    return 0;
}
