/* Selection: how long a decision takes, with and without reasons, and that it takes no memory.
 *
 *     bench_route [EXPERTS [ROUNDS]]
 *
 * Public API only. The task is fixed, so that no text is classified; tests elsewhere time that.
 * Prints the least of the rounds' nanoseconds a decision, since others use the machine too. */
#include "bench.h"

#include <homelab/homelab.h>

#define DECISIONS 2000

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

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

/* Four models on each endpoint, on tiers of unlike order. */
static homelab_inventory *make_inventory(int experts)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    fputs("{\"endpoints\": {", out);
    for (int i = 0; i < experts / 4; i++)
        fprintf(out,
                "%s\"e%d\": {\"url\": \"http://h%d:8080\", \"tier\": \"%s\", \"backend\": "
                "\"llamacpp\", \"models\": [\"coder-%db\", \"chat-%db\", \"small-1.5b\", "
                "\"r1-14b\"]}",
                i ? ", " : "", i, i,
                i % 3 == 0   ? "local"
                : i % 3 == 1 ? "remote"
                             : "nas",
                3 + i % 9, 7 + i % 5);
    fputs("}}", out);
    fclose(out);
    homelab_inventory *inventory = NULL;
    if (homelab_inventory_load_text(&inventory, text, length, HOMELAB_FORMAT_JSON, NULL, NULL)) {
        fprintf(stderr, "%s\n", homelab_error_message());
        exit(1);
    }
    free(text);
    return inventory;
}

struct setup {
    homelab_router *router;
    homelab_request *request;
    homelab_decision *decision;
};

/* The yardstick: one pass over 64 records that finds the best one, and nothing else. */
struct record {
    uint32_t can, context;
    float points, wait_s, token_s;
    uint32_t rest[11];
};

static double measure_pass(int experts, int rounds)
{
    struct record *records = calloc((size_t)experts, sizeof *records);
    double best = 0;
    volatile int sink = 0;
    if (!records)
        exit(1);
    for (int i = 0; i < experts; i++)
        records[i] = (struct record){.can = 255,
                                     .context = 8192,
                                     .points = (float)(i * 37 % 23),
                                     .wait_s = 1,
                                     .token_s = 0.02f};
    for (int round = 0; round < rounds; round++) {
        int64_t from = now_ns();
        for (int i = 0; i < DECISIONS; i++) {
            int first = -1;
            float most = -1e30f;
            for (int j = 0; j < experts; j++) {
                const struct record *one = &records[j];
                float score = one->points - 0.1f * (one->wait_s + 400.0f * one->token_s);
                if ((one->can & 65) == 65 && one->context >= 4000 && score > most) {
                    most = score;
                    first = j;
                }
            }
            sink = first;
        }
        double each = (double)(now_ns() - from) / DECISIONS;
        if (round == 0 || each < best)
            best = each;
    }
    (void)sink;
    free(records);
    return best;
}

static double measure(const struct setup *setup, uint32_t flags, int rounds)
{
    double best = 0;
    for (int round = 0; round < rounds; round++) {
        int64_t from = now_ns();
        for (int i = 0; i < DECISIONS; i++)
            if (homelab_router_decide(setup->router, setup->request, NULL, 0, setup->decision,
                                      flags) < 1)
                exit(1);
        double each = (double)(now_ns() - from) / DECISIONS;
        if (round == 0 || each < best)
            best = each;
    }
    return best;
}

static void report(const struct setup *setup, const char *name, uint32_t flags, int rounds)
{
    uint64_t before = allocations;
    double ns = measure(setup, flags, rounds);
    printf("%s experts=%zu ns=%.1f allocations=%llu first=%s\n", name,
           homelab_router_expert_count(setup->router), ns,
           (unsigned long long)(allocations - before), homelab_decision_model(setup->decision, 0));
}

int main(int argc, char **argv)
{
    int experts = argc > 1 ? atoi(argv[1]) : 64, rounds = argc > 2 ? atoi(argv[2]) : 500;
    homelab_allocator *allocator = NULL;
    homelab_opts *opts = NULL;
    homelab_inventory *inventory = make_inventory(experts);
    homelab_snapshot *snapshot = NULL;
    struct setup setup = {0};
    if (homelab_allocator_new(&allocator, count_malloc, count_realloc, count_free, NULL) ||
        homelab_opts_new(&opts) || homelab_opts_set_allocator(opts, allocator) ||
        homelab_snapshot_assume(&snapshot, inventory) ||
        homelab_router_new(&setup.router, inventory, snapshot, opts) ||
        homelab_request_new(&setup.request, opts) ||
        homelab_decision_new(&setup.decision, setup.router) ||
        homelab_request_set_task(setup.request, HOMELAB_TASK_CODE)) {
        fprintf(stderr, "%s\n", homelab_error_message());
        return 1;
    }
    measure(&setup, 0, 1);
    printf("plain-pass experts=%d ns=%.1f\n", experts, measure_pass(experts, rounds));
    report(&setup, "select", 0, rounds);
    report(&setup, "select-explained", HOMELAB_DECIDE_EXPLAIN, rounds);
    homelab_request_set_affinity(setup.request, "conversation");
    report(&setup, "select-affinity", 0, rounds);
    homelab_request_set_affinity(setup.request, NULL);
    homelab_decision_free(setup.decision);
    homelab_request_free(setup.request);
    homelab_router_unref(setup.router);
    homelab_snapshot_unref(snapshot);
    homelab_inventory_unref(inventory);
    homelab_opts_free(opts);
    homelab_allocator_free(allocator);
    return 0;
}
