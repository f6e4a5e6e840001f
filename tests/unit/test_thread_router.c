/* Threads decide and tell what came of it while the table is replaced under them. Of use under the
 * thread sanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <homelab/homelab.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 3
#define ROUNDS  3000
#define SWAPS   300

struct shared {
    homelab_router *router;
    atomic_int working;
};

static homelab_inventory *make_inventory(int first, int count)
{
    char text[8192];
    size_t length = (size_t)snprintf(text, sizeof text, "endpoints:\n");
    for (int i = first; i < first + count; i++)
        length += (size_t)snprintf(text + length, sizeof text - length,
                                   "  e%d: {url: 'http://h%d', tier: local, backend: vllm, models: "
                                   "[a-7b, b-coder-14b, c-embed]}\n",
                                   i, i);
    homelab_inventory *inventory = NULL;
    assert_int_equal(
        homelab_inventory_load_text(&inventory, text, length, HOMELAB_FORMAT_YAML, NULL, NULL), 0);
    return inventory;
}

static void one_request(struct shared *shared, homelab_request *request, homelab_decision *decision,
                        int i)
{
    char key[16];
    snprintf(key, sizeof key, "k%d", i % 50);
    homelab_request_set_affinity(request, i % 3 ? key : NULL);
    homelab_request_set_task(request, 1 + i % HOMELAB_TASK_COUNT);
    int count = homelab_router_decide(shared->router, request, NULL, 0, decision,
                                      i % 2 ? HOMELAB_DECIDE_EXPLAIN : 0);
    if (count < 1)
        return;
    if (strlen(homelab_decision_model(decision, 0)) < 4 ||
        !homelab_decision_url(decision, (size_t)count - 1))
        abort();
    int64_t ticket = homelab_router_begin(shared->router, decision, 0);
    if (ticket > 0)
        homelab_router_finish(shared->router, ticket, i % HOMELAB_OUTCOME_CANCELLED, i * 10, i * 20,
                              i, 1);
}

static void *work(void *userdata)
{
    struct shared *shared = userdata;
    homelab_request *request = NULL;
    homelab_decision *decision = NULL;
    if (homelab_request_new(&request, NULL) || homelab_decision_new(&decision, shared->router))
        abort();
    for (int i = 0; i < ROUNDS; i++)
        one_request(shared, request, decision, i);
    homelab_decision_free(decision);
    homelab_request_free(request);
    atomic_fetch_sub(&shared->working, 1);
    return NULL;
}

static void test_tables_come_and_go(void **state)
{
    (void)state;
    struct shared shared = {.working = THREADS};
    homelab_inventory *inventories[3];
    homelab_snapshot *snapshots[3] = {NULL};
    homelab_opts *opts = NULL;
    assert_int_equal(homelab_opts_new(&opts), 0);
    homelab_opts_set_int(opts, "router.breaker_open_ms", 1);
    homelab_opts_set_int(opts, "router.breaker_max_ms", 2);
    for (int i = 0; i < 3; i++) {
        inventories[i] = make_inventory(i * 5, 8 + i * 10);
        assert_int_equal(homelab_snapshot_assume(&snapshots[i], inventories[i]), 0);
    }
    assert_int_equal(homelab_router_new(&shared.router, inventories[0], snapshots[0], opts), 0);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &shared), 0);
    for (int i = 0; i < SWAPS || atomic_load(&shared.working) > 0; i++)
        assert_int_equal(homelab_router_update(shared.router, inventories[i % 3], snapshots[i % 3]),
                         0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(homelab_router_update(shared.router, inventories[2], snapshots[2]), 0);
    for (int i = 10; i < 38; i++) {
        char id[8];
        snprintf(id, sizeof id, "e%d", i);
        assert_int_equal(homelab_router_in_flight(shared.router, id), 0);
    }
    homelab_router_unref(shared.router);
    for (int i = 0; i < 3; i++) {
        homelab_snapshot_unref(snapshots[i]);
        homelab_inventory_unref(inventories[i]);
    }
    homelab_opts_free(opts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tables_come_and_go)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
