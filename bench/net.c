/* The library's HTTP client alone, without probes: what the sweep adds to it is the difference. */
#include "bench.h"

#include "core/ctx.h"
#include "net/http.h"

#include <homelab/homelab.h>

#include <poll.h>
#include <unistd.h>

static struct bench bench;
static char (*urls)[64];
static bool *failed;
static int ended, answered;

static void on_done(const struct hl_http_result *result, void *userdata)
{
    bool *slot = userdata;
    *slot = result->code != HOMELAB_OK || result->status != 200 ||
            result->body_length != sizeof BENCH_BODY - 1;
    answered += !*slot;
    ended++;
}

static void start(homelab_ctx *ctx, int i, int64_t deadline_us)
{
    struct hl_transfer *transfer;
    struct hl_http_request request = {.method = "GET", .url = urls[i], .deadline_us = deadline_us};
    if (hl_http_start(ctx, &request, on_done, &failed[i], &transfer) != HOMELAB_OK) {
        fprintf(stderr, "%s\n", homelab_error_message());
        exit(1);
    }
}

static struct bench_sweep sweep(homelab_ctx *ctx)
{
    struct bench_sweep result = {.wall_us = bench_now_us(), .cpu_us = bench_cpu_us()};
    int64_t deadline_us = result.wall_us + bench.timeout_ms * 1000;
    ended = answered = 0;
    hl_ctx_enter(ctx);
    bool *first = calloc((size_t)bench.count, sizeof *first);
    for (int i = 0; i < bench.count; i++)
        if ((first[i] = failed[i]))
            start(ctx, i, deadline_us);
    for (int i = 0; i < bench.count; i++)
        if (!first[i])
            start(ctx, i, deadline_us);
    free(first);
    hl_ctx_leave(ctx);
    struct pollfd fd = {.fd = homelab_ctx_fd(ctx), .events = POLLIN};
    while (ended < bench.count && poll(&fd, 1, -1) >= 0)
        homelab_ctx_dispatch(ctx, 0);
    result.wall_us = bench_now_us() - result.wall_us;
    result.cpu_us = bench_cpu_us() - result.cpu_us;
    result.answered = answered;
    return result;
}

int main(int argument_count, char **arguments)
{
    bench = bench_arguments(argument_count, arguments);
    urls = calloc((size_t)bench.count, sizeof *urls);
    failed = calloc((size_t)bench.count, sizeof *failed);
    struct bench_sweep *sweeps = calloc((size_t)bench.sweeps, sizeof *sweeps);
    homelab_ctx *ctx;
    if (!urls || !failed || !sweeps || homelab_ctx_new(&ctx, NULL) != HOMELAB_OK)
        return 1;
    for (int i = 0; i < bench.count; i++) {
        char address[32];
        bench_address(i, address, sizeof address);
        snprintf(urls[i], sizeof *urls, "http://%s:%d" BENCH_PATH, address, bench.port);
    }
    for (int i = 0; i < bench.sweeps; i++) {
        sweeps[i] = sweep(ctx);
        usleep(100000);
    }
    bench_report("homelab-net", &bench, sweeps);
    char *stats = homelab_ctx_stats_json(ctx);
    fprintf(stderr, "%s\n", stats);
    homelab_free(stats);
    homelab_ctx_unref(ctx);
    return 0;
}
