/* What a call of the public API costs in C; the same calls across the bindings are in calls.py and
 * calls.lua.
 *
 *     calls INVENTORY ROUNDS
 *
 * Prints the least of all rounds, in nanoseconds per call. */
#include "bench.h"

#include <homelab/homelab.h>

#define CALLS 200000

static void require(int code)
{
    if (code >= 0)
        return;
    fprintf(stderr, "calls: %s\n", homelab_error_message());
    exit(1);
}

struct subject {
    homelab_ctx *ctx;
    homelab_snapshot *snapshot;
};

static void nothing(const struct subject *subject)
{
    (void)subject;
}

static void verdict(const struct subject *subject)
{
    homelab_snapshot_verdict(subject->snapshot);
}

static void endpoint_id(const struct subject *subject)
{
    homelab_snapshot_endpoint_id(subject->snapshot, 0);
}

static void dispatch(const struct subject *subject)
{
    homelab_ctx_dispatch(subject->ctx, 0);
}

static double least_ns(const struct subject *subject, void (*volatile call)(const struct subject *),
                       int rounds)
{
    double least = 0;
    for (int round = 0; round < rounds; round++) {
        int64_t start = bench_now_ns();
        for (int i = 0; i < CALLS; i++)
            call(subject);
        double each = (double)(bench_now_ns() - start) / CALLS;
        if (round == 0 || each < least)
            least = each;
    }
    return least;
}

int main(int argument_count, char **arguments)
{
    if (argument_count != 3) {
        fprintf(stderr, "usage: %s INVENTORY ROUNDS\n", arguments[0]);
        return 2;
    }
    int rounds = atoi(arguments[2]);
    struct subject subject;
    homelab_inventory *inventory;
    homelab_prober *prober;
    require(homelab_inventory_load_file(&inventory, arguments[1], NULL));
    require(homelab_ctx_new(&subject.ctx, NULL));
    require(homelab_prober_new(&prober, subject.ctx, inventory, NULL));
    require(homelab_prober_snapshot(prober, &subject.snapshot));
    double loop = least_ns(&subject, nothing, rounds);
    printf("C verdict=%.1f endpoint_id=%.1f dispatch=%.1f\n",
           least_ns(&subject, verdict, rounds) - loop,
           least_ns(&subject, endpoint_id, rounds) - loop,
           least_ns(&subject, dispatch, rounds) - loop);
    homelab_snapshot_unref(subject.snapshot);
    homelab_prober_unref(prober);
    homelab_ctx_unref(subject.ctx);
    homelab_inventory_unref(inventory);
    return 0;
}
