/* The library as a program uses it: an inventory, a prober, one sweep after another. Every body is
 * parsed and judged; each endpoint must serve the model that it answers with. */
#include "bench.h"

#include <homelab/homelab.h>

#include <unistd.h>

static void fail(void)
{
    fprintf(stderr, "%s\n", homelab_error_message());
    exit(1);
}

static char *inventory_text(const struct bench *bench)
{
    size_t room = (size_t)bench->count * 192 + 64, at = 0;
    char *text = malloc(room);
    if (!text)
        exit(1);
    at += (size_t)snprintf(text, room, "{\"endpoints\":{");
    for (int i = 0; i < bench->count; i++) {
        char address[32];
        bench_address(i, address, sizeof address);
        at += (size_t)snprintf(text + at, room - at,
                               "%s\"local/e%d\":{\"url\":\"http://%s:%d" BENCH_PATH
                               "\",\"tier\":\"LOCAL\",\"backend\":\"openai\",\"depth\":\"http\","
                               "\"timeout\":%d.%03d,\"models\":[\"" BENCH_MODEL "\"]}",
                               i ? "," : "", i, address, bench->port, bench->timeout_ms / 1000,
                               bench->timeout_ms % 1000);
    }
    snprintf(text + at, room - at, "}}");
    return text;
}

static int healthy(homelab_prober *prober)
{
    homelab_snapshot *snapshot;
    int count = 0;
    if (homelab_prober_snapshot(prober, &snapshot) != HOMELAB_OK)
        fail();
    for (size_t i = 0; i < homelab_snapshot_endpoint_count(snapshot); i++)
        count += homelab_snapshot_endpoint_verdict(snapshot, i) == HOMELAB_VERDICT_HEALTHY;
    homelab_snapshot_unref(snapshot);
    return count;
}

int main(int argument_count, char **arguments)
{
    struct bench bench = bench_arguments(argument_count, arguments);
    struct bench_sweep *sweeps = calloc((size_t)bench.sweeps, sizeof *sweeps);
    homelab_ctx *ctx;
    homelab_inventory *inventory;
    homelab_prober *prober;
    char *text = inventory_text(&bench);
    if (!sweeps ||
        homelab_inventory_load_text(&inventory, text, strlen(text), HOMELAB_FORMAT_JSON, NULL,
                                    NULL) ||
        homelab_ctx_new(&ctx, NULL) || homelab_prober_new(&prober, ctx, inventory, NULL))
        fail();
    free(text);
    for (int i = 0; i < bench.sweeps; i++) {
        sweeps[i] = (struct bench_sweep){.wall_us = bench_now_us(), .cpu_us = bench_cpu_us()};
        if (homelab_prober_check_now(prober, 600000) != HOMELAB_OK)
            fail();
        sweeps[i].wall_us = bench_now_us() - sweeps[i].wall_us;
        sweeps[i].cpu_us = bench_cpu_us() - sweeps[i].cpu_us;
        sweeps[i].answered = healthy(prober);
        usleep(100000);
    }
    bench_report("homelab", &bench, sweeps);
    char *stats = homelab_ctx_stats_json(ctx);
    fprintf(stderr, "%s\n", stats);
    homelab_free(stats);
    homelab_prober_unref(prober);
    homelab_inventory_unref(inventory);
    homelab_ctx_unref(ctx);
    return 0;
}
