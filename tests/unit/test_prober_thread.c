/* The prober while a thread of the library does the work. */
#include "prober_lab.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static atomic_int asked;

static void transport(homelab_testing_request *request, void *userdata)
{
    (void)userdata;
    atomic_fetch_add(&asked, 1);
    if (atomic_load(&asked) % 7 == 0)
        homelab_testing_request_fail(request, HOMELAB_E_NET_REFUSED);
    else
        homelab_testing_request_answer(request, 200, NULL, "hello");
}

static void nap(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* Snapshots belong to nobody: this thread only reads. */
static void *reader(void *userdata)
{
    homelab_snapshot *snapshot = userdata;
    for (int i = 0; i < 20; i++) {
        char *json = homelab_snapshot_json(snapshot);
        homelab_free(json);
    }
    homelab_snapshot_unref(snapshot);
    return NULL;
}

static void open_threaded(struct lab *lab, int endpoints)
{
    memset(lab, 0, sizeof *lab);
    atomic_store(&asked, 0);
    assert_int_equal(homelab_opts_new(&lab->opts), HOMELAB_OK);
    homelab_opts_set_int(lab->opts, "health.interval_ms", 100);
    homelab_opts_set_int(lab->opts, "health.fast_interval_ms", 100);
    homelab_opts_set_int(lab->opts, "health.down_interval_ms", 100);
    assert_int_equal(homelab_ctx_new(&lab->ctx, NULL), HOMELAB_OK);
    homelab_testing_set_transport(lab->ctx, transport, lab, NULL);
    lab_start(lab, lab_plain(endpoints));
    assert_int_equal(homelab_ctx_start_thread(lab->ctx), HOMELAB_OK);
}

static void everything_at_once(void **state)
{
    (void)state;
    struct lab lab;
    pthread_t threads[10];
    open_threaded(&lab, 20);
    assert_int_equal(homelab_prober_start(lab.prober, 0), HOMELAB_OK);
    for (int i = 0; i < 10; i++) {
        homelab_snapshot *snapshot = lab_snapshot(&lab);
        assert_int_equal(pthread_create(&threads[i], NULL, reader, snapshot), 0);
        assert_int_equal(homelab_prober_check_now(lab.prober, 5000), HOMELAB_OK);
        assert_int_equal(homelab_prober_observe(lab.prober, "local/e0", HOMELAB_OUTCOME_OK, 10),
                         HOMELAB_OK);
        homelab_inventory *inventory = lab_plain(10 + i);
        assert_int_equal(homelab_prober_set_inventory(lab.prober, inventory), HOMELAB_OK);
        homelab_inventory_unref(inventory);
        lab_forget_events(&lab);
        nap(20);
    }
    for (int i = 0; i < 10; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(homelab_prober_stop(lab.prober), HOMELAB_OK);
    int before = atomic_load(&asked);
    nap(300);
    assert_int_equal(atomic_load(&asked), before);
    lab_close(&lab);
}

static void ops_complete_once(void **state)
{
    (void)state;
    struct lab lab;
    int done = 0;
    open_threaded(&lab, 5);
    for (int i = 0; i < 20; i++) {
        homelab_op *op = NULL;
        assert_int_equal(homelab_prober_check(lab.prober, 0, &op), HOMELAB_OK);
        if (i % 2)
            homelab_op_cancel(op);
        homelab_op_unref(op);
    }
    for (int i = 0; i < 100 && done < 20; i++) {
        assert_true(homelab_ctx_wait(lab.ctx, 100) >= 0);
        done += lab_events(&lab, HOMELAB_EVENT_OP_DONE, "", NULL, NULL);
    }
    assert_int_equal(done, 20);
    lab_close(&lab);
}

static void dropped_while_it_works(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        struct lab lab;
        open_threaded(&lab, 30);
        assert_int_equal(homelab_prober_start(lab.prober, 0), HOMELAB_OK);
        nap(i);
        if (i % 2)
            assert_int_equal(homelab_ctx_close(lab.ctx), HOMELAB_OK);
        lab_close(&lab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_at_once),
        cmocka_unit_test(ops_complete_once),
        cmocka_unit_test(dropped_while_it_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
