/* Selection: how long a decision takes, with and without reasons, and that it takes no memory and
 * no lock.
 *
 *     bench_route [EXPERTS [ROUNDS]]
 *
 * Public API only. The task is fixed, so that no text is classified; bench_classify times that.
 * Prints nanoseconds a decision, the median of the rounds and the least, and how often memory was
 * taken and locks were in all rounds, by whatever code in the process. */
#include "bench.h"
#include "calls_counted.h"

#include <homelab/homelab.h>

#define DECISIONS  2000
#define ROUNDS_MAX 10000

/* Nanoseconds a decision, a round each. */
struct rounds {
    int count;
    int64_t picoseconds[ROUNDS_MAX];
};

static struct rounds rounds;

static void add_round(int64_t from_ns)
{
    rounds.picoseconds[rounds.count++] = (bench_now_ns() - from_ns) * 1000 / DECISIONS;
}

static void print_rounds(const char *name, size_t experts)
{
    qsort(rounds.picoseconds, (size_t)rounds.count, sizeof *rounds.picoseconds, bench_compare);
    printf("%s experts=%zu ns=%.1f least=%.1f", name, experts,
           (double)rounds.picoseconds[rounds.count / 2] / 1e3, (double)rounds.picoseconds[0] / 1e3);
    rounds.count = 0;
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

static void measure_pass(int experts, int count)
{
    struct record *records = calloc((size_t)experts, sizeof *records);
    volatile int sink = 0;
    if (!records)
        exit(1);
    for (int i = 0; i < experts; i++)
        records[i] = (struct record){.can = 255,
                                     .context = 8192,
                                     .points = (float)(i * 37 % 23),
                                     .wait_s = 1,
                                     .token_s = 0.02f};
    for (int round = 0; round < count; round++) {
        int64_t from = bench_now_ns();
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
        add_round(from);
    }
    (void)sink;
    free(records);
    print_rounds("plain-pass", (size_t)experts);
    puts("");
}

static void measure(const struct setup *setup, const char *name, uint32_t flags, int count)
{
    struct calls_counted before = calls_counted();
    for (int round = 0; round < count; round++) {
        int64_t from = bench_now_ns();
        for (int i = 0; i < DECISIONS; i++)
            if (homelab_router_decide(setup->router, setup->request, NULL, 0, setup->decision,
                                      flags) < 1)
                exit(1);
        add_round(from);
    }
    struct calls_counted after = calls_counted();
    print_rounds(name, homelab_router_expert_count(setup->router));
    printf(" allocations=%llu locks=%llu first=%s\n",
           (unsigned long long)(after.allocations - before.allocations),
           (unsigned long long)(after.locks - before.locks),
           homelab_decision_model(setup->decision, 0));
}

/* One endpoint is out of order, so that every breaker is looked at. */
static void fail_one(const struct setup *setup)
{
    int64_t ticket = homelab_router_begin(setup->router, setup->decision, 0);
    if (ticket < 0 || homelab_router_finish(setup->router, ticket, HOMELAB_OUTCOME_UNREACHABLE, -1,
                                            -1, -1, -1) != HOMELAB_OK)
        exit(1);
}

/* Requests in flight, two for each expert, where they are decided to go. */
static void begin_many(const struct setup *setup)
{
    for (size_t i = 0; i < 2 * homelab_router_expert_count(setup->router); i++)
        if (homelab_router_decide(setup->router, setup->request, NULL, 0, setup->decision, 0) < 1 ||
            homelab_router_begin(setup->router, setup->decision, 0) < 0)
            exit(1);
}

int main(int argc, char **argv)
{
    int experts = argc > 1 ? atoi(argv[1]) : 64, count = argc > 2 ? atoi(argv[2]) : 500;
    homelab_inventory *inventory = make_inventory(experts);
    homelab_snapshot *snapshot = NULL;
    struct setup setup = {0};
    if (count < 1 || count > ROUNDS_MAX || homelab_snapshot_assume(&snapshot, inventory) ||
        homelab_router_new(&setup.router, inventory, snapshot, NULL) ||
        homelab_request_new(&setup.request, NULL) ||
        homelab_decision_new(&setup.decision, setup.router) ||
        homelab_request_set_task(setup.request, HOMELAB_TASK_CODE)) {
        fprintf(stderr, "%s\n", homelab_error_message());
        return 1;
    }
    measure_pass(experts, count);
    measure(&setup, "select", 0, count);
    measure(&setup, "select-explained", HOMELAB_DECIDE_EXPLAIN, count);
    homelab_request_set_affinity(setup.request, "conversation");
    measure(&setup, "select-affinity", 0, count);
    homelab_request_set_affinity(setup.request, NULL);
    begin_many(&setup);
    measure(&setup, "select-busy", 0, count);
    fail_one(&setup);
    measure(&setup, "select-breaker-open", 0, count);
    homelab_decision_free(setup.decision);
    homelab_request_free(setup.request);
    homelab_router_unref(setup.router);
    homelab_snapshot_unref(snapshot);
    homelab_inventory_unref(inventory);
    return 0;
}
