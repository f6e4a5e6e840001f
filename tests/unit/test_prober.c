#include "prober_lab.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- Sweeps --- */

static void sweep(void **state)
{
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab.does[1] = HOMELAB_E_NET_REFUSED;
    lab.does[2] = 404;
    lab_start(&lab, lab_plain(4));
    assert_int_equal(lab_verdict(&lab, 0), HOMELAB_VERDICT_UNKNOWN);
    homelab_op *op = NULL;
    assert_int_equal(homelab_prober_check(lab.prober, 0, &op), HOMELAB_OK);
    assert_int_equal(homelab_op_result(op), HOMELAB_E_PENDING);
    lab_settle(&lab);
    assert_int_equal(homelab_op_result(op), HOMELAB_OK);
    homelab_op_unref(op);
    homelab_snapshot *snapshot = lab_snapshot(&lab);
    assert_int_equal(homelab_snapshot_endpoint_verdict(snapshot, 0), HOMELAB_VERDICT_HEALTHY);
    assert_int_equal(homelab_snapshot_endpoint_verdict(snapshot, 1), HOMELAB_VERDICT_DOWN);
    assert_int_equal(homelab_snapshot_endpoint_cause(snapshot, 1), HOMELAB_CAUSE_REFUSED);
    assert_int_equal(homelab_snapshot_endpoint_verdict(snapshot, 2), HOMELAB_VERDICT_MISCONFIGURED);
    assert_int_equal(homelab_snapshot_tier_verdict(snapshot, 0), HOMELAB_VERDICT_DEGRADED);
    assert_int_equal(homelab_snapshot_endpoint_probed_us(snapshot, 0), LAB_WALL);
    assert_true(homelab_snapshot_generation(snapshot) >= 4);
    homelab_snapshot_unref(snapshot);
    assert_int_equal(lab.asked[0], 1);
    assert_int_equal(lab.asked[1], 2); /* an early failure is confirmed once */
    /* Nothing is planned after a sweep. */
    assert_int_equal(homelab_testing_next_timer_us(lab.ctx), -1);
    lab_close(&lab);
}

static void tier_events_wait_for_all_endpoints(void **state)
{
    (void)state;
    struct lab lab;
    int after = -1;
    lab_open(&lab);
    lab.does[1] = LAB_HOLD;
    lab_start(&lab, lab_plain(4));
    assert_int_equal(homelab_prober_check(lab.prober, 0, NULL), HOMELAB_OK);
    lab_settle(&lab);
    assert_int_equal(lab_events(&lab, HOMELAB_EVENT_TIER, "local", NULL, NULL), 0);
    lab_release(&lab, 1, 404);
    assert_int_equal(lab_events(&lab, HOMELAB_EVENT_TIER, "local", &after, NULL), 1);
    assert_int_equal(after, HOMELAB_VERDICT_DEGRADED);
    lab.does[1] = 200;
    assert_int_equal(homelab_prober_check(lab.prober, 0, NULL), HOMELAB_OK);
    lab_settle(&lab);
    assert_int_equal(lab_events(&lab, HOMELAB_EVENT_PROGNOSIS, "", &after, NULL), 1);
    assert_int_equal(after, HOMELAB_VERDICT_HEALTHY);
    lab_close(&lab);
}

/* A flaky start is not an outage: the second try counts, the first one stays as evidence. */
static void early_failure_is_tried_again(void **state)
{
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab.does[0] = LAB_HOLD;
    lab_start(&lab, lab_plain(1));
    assert_int_equal(homelab_prober_check(lab.prober, 0, NULL), HOMELAB_OK);
    lab_settle(&lab);
    lab_release(&lab, 0, HOMELAB_E_NET_RESET);
    assert_int_equal(lab.asked[0], 2);
    lab_release(&lab, 0, 200);
    homelab_snapshot *snapshot = lab_snapshot(&lab);
    assert_int_equal(homelab_snapshot_endpoint_verdict(snapshot, 0), HOMELAB_VERDICT_HEALTHY);
    size_t last = homelab_snapshot_evidence_count(snapshot, 0) - 1;
    assert_non_null(strstr(homelab_snapshot_evidence_text(snapshot, 0, last), "first try failed"));
    homelab_snapshot_unref(snapshot);
    lab_close(&lab);
}

static void late_failure_is_not_tried_again(void **state)
{
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab.does[0] = LAB_HOLD;
    lab_start(&lab, lab_plain(1));
    assert_int_equal(homelab_prober_check(lab.prober, 0, NULL), HOMELAB_OK);
    lab_settle(&lab);
    lab_advance(&lab, 5 * SECOND);
    assert_int_equal(lab.asked[0], 1);
    assert_int_equal(lab_verdict(&lab, 0), HOMELAB_VERDICT_BUSY);
    assert_int_equal(lab_cause(&lab, 0), HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT);
    lab_close(&lab);
}

static void two_sweeps_share_a_look(void **state)
{
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab.does[0] = LAB_HOLD;
    lab_start(&lab, lab_plain(2));
    homelab_op *first = NULL, *second = NULL;
    assert_int_equal(homelab_prober_check(lab.prober, 0, &first), HOMELAB_OK);
    lab_settle(&lab);
    assert_int_equal(homelab_prober_check(lab.prober, 0, &second), HOMELAB_OK);
    lab_settle(&lab);
    assert_int_equal(lab.asked[0], 1);
    assert_int_equal(lab.asked[1], 2);
    assert_int_equal(homelab_op_cancel(first), HOMELAB_OK);
    assert_int_equal(homelab_op_result(first), HOMELAB_E_CANCELLED);
    lab_release(&lab, 0, 200);
    assert_int_equal(homelab_op_result(second), HOMELAB_OK);
    assert_int_equal(lab_events(&lab, HOMELAB_EVENT_OP_DONE, "", NULL, NULL), 2);
    homelab_op_unref(first);
    homelab_op_unref(second);
    lab_close(&lab);
}

static void cancel_and_close_end_looks(void **state)
{
    (void)state;
    struct lab lab;
    lab_open(&lab);
    for (int i = 0; i < 3; i++)
        lab.does[i] = LAB_HOLD;
    lab_start(&lab, lab_plain(3));
    homelab_op *op = NULL;
    assert_int_equal(homelab_prober_check(lab.prober, 0, &op), HOMELAB_OK);
    lab_settle(&lab);
    assert_int_equal(homelab_op_cancel(op), HOMELAB_OK);
    lab_settle(&lab);
    assert_int_equal(homelab_testing_next_timer_us(lab.ctx), -1);
    homelab_op_unref(op);
    assert_int_equal(homelab_prober_check(lab.prober, 0, &op), HOMELAB_OK);
    lab_settle(&lab);
    assert_int_equal(homelab_prober_close(lab.prober), HOMELAB_OK);
    assert_int_equal(homelab_op_result(op), HOMELAB_E_CLOSED);
    assert_int_equal(homelab_prober_close(lab.prober), HOMELAB_OK);
    assert_int_equal(homelab_prober_check(lab.prober, 0, NULL), HOMELAB_E_CLOSED);
    assert_int_equal(lab_verdict(&lab, 0), HOMELAB_VERDICT_UNKNOWN); /* snapshots still work */
    lab_settle(&lab);
    assert_int_equal(lab_events(&lab, HOMELAB_EVENT_OP_DONE, "", NULL, NULL), 2);
    homelab_op_unref(op);
    lab_close(&lab);
}

static void context_close_ends_sweeps(void **state)
{
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab.does[0] = LAB_HOLD;
    lab_start(&lab, lab_plain(1));
    homelab_op *op = NULL;
    assert_int_equal(homelab_prober_check(lab.prober, 0, &op), HOMELAB_OK);
    lab_settle(&lab);
    assert_int_equal(homelab_ctx_close(lab.ctx), HOMELAB_OK);
    assert_int_equal(homelab_op_result(op), HOMELAB_E_CLOSED);
    assert_int_equal(homelab_prober_start(lab.prober, 0), HOMELAB_E_CLOSED);
    homelab_op_unref(op);
    lab_close(&lab);
}

static void check_now_leaves_events(void **state)
{
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab_start(&lab, lab_plain(2));
    assert_int_equal(homelab_prober_check_now(lab.prober, 1000), HOMELAB_OK);
    assert_int_equal(homelab_prober_check_now(lab.prober, 1000), HOMELAB_OK);
    assert_int_equal(lab_events(&lab, HOMELAB_EVENT_OP_DONE, "", NULL, NULL), 0);
    lab.does[0] = LAB_HOLD;
    assert_int_equal(homelab_prober_check_now(lab.prober, 30), HOMELAB_E_TIMEOUT);
    assert_true(homelab_error_is_timeout(homelab_error_code()));
    lab_settle(&lab);
    assert_int_equal(homelab_testing_next_timer_us(lab.ctx), -1);
    lab_close(&lab);
}

static void in_flight_cap(void **state)
{
    (void)state;
    struct lab lab;
    lab_open(&lab);
    for (int i = 0; i < 10; i++)
        lab.does[i] = LAB_HOLD;
    assert_int_equal(homelab_opts_set_int(lab.opts, "probe.max_in_flight", 3), HOMELAB_OK);
    lab_start(&lab, lab_plain(10));
    assert_int_equal(homelab_prober_check(lab.prober, 0, NULL), HOMELAB_OK);
    for (int done = 0; done < 10; done++) {
        lab_settle(&lab);
        assert_int_equal(lab.order_count, done + 3 < 10 ? done + 3 : 10);
        lab_release(&lab, lab.order[done], 200);
    }
    assert_int_equal(homelab_testing_next_timer_us(lab.ctx), -1);
    lab_close(&lab);
}

/* Endpoints that used up their time last time are asked first. */
static void known_dead_first(void **state)
{
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab.does[5] = LAB_HOLD;
    lab_start(&lab, lab_plain(8));
    assert_int_equal(homelab_prober_check(lab.prober, 0, NULL), HOMELAB_OK);
    lab_settle(&lab);
    lab_advance(&lab, 5 * SECOND);
    lab.order_count = 0;
    assert_int_equal(homelab_prober_check(lab.prober, 0, NULL), HOMELAB_OK);
    lab_settle(&lab);
    assert_int_equal(lab.order[0], 5);
    assert_int_equal(lab.order[1], 0);
    lab_close(&lab);
}

static void only_some(void **state)
{
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab.does[0] = HOMELAB_E_NET_REFUSED;
    assert_int_equal(homelab_opts_set_string(lab.opts, "probe.only", "local/e1,remote/e2"), 0);
    lab_start(&lab, lab_plain(3));
    assert_int_equal(homelab_prober_check_now(lab.prober, 1000), HOMELAB_OK);
    homelab_snapshot *snapshot = lab_snapshot(&lab);
    assert_int_equal(homelab_snapshot_endpoint_verdict(snapshot, 0), HOMELAB_VERDICT_UNKNOWN);
    assert_int_equal(homelab_snapshot_verdict(snapshot), HOMELAB_VERDICT_HEALTHY);
    homelab_snapshot_unref(snapshot);
    homelab_prober *other = NULL;
    homelab_inventory *inventory = lab_plain(1);
    assert_int_equal(homelab_prober_new(&other, lab.ctx, inventory, lab.opts), HOMELAB_E_NOT_FOUND);
    assert_null(other);
    assert_string_equal(homelab_error_subject(), "local/e1");
    homelab_inventory_unref(inventory);
    lab_close(&lab);
}

/* --- Confirming --- */

static void silent_for(struct lab *lab, int host, int64_t by_us)
{
    for (; by_us > 0; by_us -= SECOND / 10) {
        if (lab->held[host] && lab->asked[host] < 0)
            return;
        lab_advance(lab, SECOND / 10);
    }
}

static void confirm_tells_wedged(void **state)
{
    (void)state;
    static const int seconds[] = {1, 3, 8, 20};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        struct lab lab;
        lab_open(&lab);
        lab.does[0] = LAB_HOLD;
        assert_int_equal(homelab_opts_set_int(lab.opts, "probe.confirm_ms", 1000 * seconds[i]), 0);
        lab_start(&lab, lab_plain(2));
        homelab_op *op = NULL;
        assert_int_equal(homelab_prober_check(lab.prober, 0, &op), HOMELAB_OK);
        lab_settle(&lab);
        silent_for(&lab, 0, (seconds[i] + 5) * SECOND + SECOND / 10);
        assert_int_equal(homelab_op_result(op), HOMELAB_OK);
        assert_int_equal(lab_verdict(&lab, 0), HOMELAB_VERDICT_WEDGED);
        assert_int_equal(lab.asked[1], 1); /* a clear one is not asked again */
        homelab_op_unref(op);
        lab_close(&lab);
    }
}

static void confirm_stops_when_it_answers(void **state)
{
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab.does[0] = LAB_HOLD;
    assert_int_equal(homelab_opts_set_int(lab.opts, "probe.confirm_ms", 30000), 0);
    lab_start(&lab, lab_plain(1));
    homelab_op *op = NULL;
    assert_int_equal(homelab_prober_check(lab.prober, 0, &op), HOMELAB_OK);
    lab_settle(&lab);
    silent_for(&lab, 0, 6 * SECOND);
    assert_int_equal(homelab_op_result(op), HOMELAB_E_PENDING);
    lab.does[0] = 200;
    silent_for(&lab, 0, 10 * SECOND);
    assert_int_equal(homelab_op_result(op), HOMELAB_OK);
    assert_int_equal(lab_verdict(&lab, 0), HOMELAB_VERDICT_HEALTHY);
    homelab_op_unref(op);
    lab_close(&lab);
}

/* --- Monitoring --- */

static void intervals(void **state)
{
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab_start(&lab, lab_plain(1));
    assert_int_equal(homelab_prober_start(lab.prober, 0), HOMELAB_OK);
    assert_int_equal(homelab_prober_start(lab.prober, 0), HOMELAB_E_STATE);
    lab_settle(&lab);
    assert_int_equal(lab.asked[0], 1);
    lab_advance(&lab, homelab_testing_next_timer_us(lab.ctx)); /* the start offset */
    assert_int_equal(lab.asked[0], 2);
    assert_int_equal(homelab_testing_next_timer_us(lab.ctx), 15 * SECOND);
    lab_advance(&lab, 15 * SECOND - 1);
    assert_int_equal(lab.asked[0], 2);
    lab_advance(&lab, 1);
    assert_int_equal(lab.asked[0], 3);
    /* A first bad look: look faster. Server errors are believed after `fall` of them. */
    lab.does[0] = 500;
    lab_advance(&lab, 15 * SECOND);
    assert_int_equal(lab_verdict(&lab, 0), HOMELAB_VERDICT_HEALTHY);
    assert_int_equal(homelab_testing_next_timer_us(lab.ctx), 2 * SECOND);
    lab_advance(&lab, 2 * SECOND);
    assert_int_equal(lab_verdict(&lab, 0), HOMELAB_VERDICT_DOWN);
    assert_int_equal(homelab_testing_next_timer_us(lab.ctx), 30 * SECOND);
    /* Back: fast until `rise` good ones. */
    lab.does[0] = 200;
    lab_advance(&lab, 30 * SECOND);
    assert_int_equal(lab_verdict(&lab, 0), HOMELAB_VERDICT_DOWN);
    lab_advance(&lab, 2 * SECOND);
    assert_int_equal(lab_verdict(&lab, 0), HOMELAB_VERDICT_HEALTHY);
    assert_int_equal(homelab_prober_stop(lab.prober), HOMELAB_OK);
    assert_int_equal(homelab_prober_stop(lab.prober), HOMELAB_OK);
    assert_int_equal(homelab_testing_next_timer_us(lab.ctx), -1);
    homelab_snapshot *snapshot = lab_snapshot(&lab);
    double uptime = homelab_snapshot_endpoint_uptime(snapshot, 0);
    assert_true(uptime > 0.7 && uptime < 0.8); /* 5 of 7 */
    homelab_snapshot_unref(snapshot);
    lab_close(&lab);
}

static void looks_are_spread(void **state)
{
    (void)state;
    struct lab lab;
    lab_open(&lab);
    assert_int_equal(homelab_opts_set_double(lab.opts, "health.jitter", 0.1), HOMELAB_OK);
    lab_start(&lab, lab_plain(200));
    assert_int_equal(homelab_prober_start(lab.prober, 0), HOMELAB_OK);
    lab_settle(&lab);
    assert_int_equal(lab.order_count, 200);
    size_t most = 0;
    for (int second = 0; second < 30; second++) {
        size_t before = lab.order_count;
        lab_pass(&lab, SECOND);
        most = lab.order_count - before > most ? lab.order_count - before : most;
    }
    assert_in_range(most, 10, 45); /* 13.3 on average */
    lab_close(&lab);
}

static void each_change_is_one_event(void **state)
{
    (void)state;
    struct lab lab;
    int after = -1, cause = -1;
    lab_open(&lab);
    lab_start(&lab, lab_plain(2));
    assert_int_equal(homelab_prober_start(lab.prober, 0), HOMELAB_OK);
    lab_settle(&lab);
    assert_int_equal(lab_events(&lab, HOMELAB_EVENT_ENDPOINT, "", &after, NULL), 2);
    lab_pass(&lab, 100 * SECOND);
    assert_int_equal(lab_events(&lab, HOMELAB_EVENT_ENDPOINT, "", NULL, NULL), 0);
    lab.does[0] = HOMELAB_E_NET_REFUSED; /* believed at once: confirmed on a second connection */
    lab_pass(&lab, 60 * SECOND);
    assert_int_equal(lab_events(&lab, HOMELAB_EVENT_ENDPOINT, "local/e0", &after, &cause), 1);
    assert_int_equal(after, HOMELAB_VERDICT_DOWN);
    assert_int_equal(cause, HOMELAB_CAUSE_REFUSED);
    lab_close(&lab);
}

static void failing_now_and_then_is_flapping(void **state)
{
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab_start(&lab, lab_plain(1));
    assert_int_equal(homelab_prober_start(lab.prober, 0), HOMELAB_OK);
    lab_settle(&lab);
    for (int i = 0; i < 8; i++) {
        lab.does[0] = i % 2 ? 200 : 500;
        lab_advance(&lab, homelab_testing_next_timer_us(lab.ctx));
    }
    assert_int_equal(lab_verdict(&lab, 0), HOMELAB_VERDICT_DEGRADED);
    assert_int_equal(lab_cause(&lab, 0), HOMELAB_CAUSE_FLAPPING);
    lab_close(&lab);
}

static void maintenance(void **state)
{
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab_start(&lab, lab_plain(2));
    assert_int_equal(homelab_prober_start(lab.prober, 0), HOMELAB_OK);
    lab_settle(&lab);
    assert_int_equal(
        homelab_prober_add_maintenance(lab.prober, "local", LAB_WALL, LAB_WALL + 100 * SECOND), 0);
    assert_int_equal(homelab_prober_add_maintenance(lab.prober, "nope", 1, 2), HOMELAB_E_NOT_FOUND);
    assert_int_equal(homelab_prober_add_maintenance(lab.prober, "local", 2, 2), HOMELAB_E_INVALID);
    lab_forget_events(&lab);
    lab.does[0] = HOMELAB_E_NET_REFUSED;
    lab_pass(&lab, 60 * SECOND);
    homelab_snapshot *snapshot = lab_snapshot(&lab);
    assert_int_equal(homelab_snapshot_endpoint_verdict(snapshot, 0), HOMELAB_VERDICT_DOWN);
    assert_true(homelab_snapshot_endpoint_in_maintenance(snapshot, 0));
    assert_false(homelab_snapshot_endpoint_in_maintenance(snapshot, 1));
    assert_true(homelab_snapshot_endpoint_uptime(snapshot, 0) == 1);
    homelab_snapshot_unref(snapshot);
    assert_int_equal(lab_events(&lab, HOMELAB_EVENT_ENDPOINT, "", NULL, NULL), 0);
    lab_pass(&lab, 80 * SECOND); /* still down when the window is over: now it is told */
    snapshot = lab_snapshot(&lab);
    assert_false(homelab_snapshot_endpoint_in_maintenance(snapshot, 0));
    homelab_snapshot_unref(snapshot);
    assert_int_equal(lab_events(&lab, HOMELAB_EVENT_ENDPOINT, "local/e0", NULL, NULL), 1);
    for (int i = 0; i < 63; i++)
        assert_int_equal(
            homelab_prober_add_maintenance(lab.prober, "local", LAB_WALL * 2, LAB_WALL * 3),
            HOMELAB_OK);
    int code = 0;
    for (int i = 0; i < 2 && !code; i++)
        code = homelab_prober_add_maintenance(lab.prober, "local", LAB_WALL * 2, LAB_WALL * 3);
    assert_int_equal(code, HOMELAB_E_LIMIT);
    lab_close(&lab);
}

static void callers_reports(void **state)
{
    (void)state;
    struct lab lab;
    int after = -1;
    lab_open(&lab);
    lab_start(&lab, lab_plain(1));
    assert_int_equal(homelab_prober_start(lab.prober, 0), HOMELAB_OK);
    lab_settle(&lab);
    lab_advance(&lab, homelab_testing_next_timer_us(lab.ctx));
    lab_forget_events(&lab);
    int before = lab.asked[0];
    lab.does[0] = LAB_HOLD;
    assert_int_equal(homelab_prober_observe(lab.prober, "local/e0", HOMELAB_OUTCOME_UNREACHABLE, 5),
                     HOMELAB_OK);
    assert_true(homelab_testing_next_timer_us(lab.ctx) <= 2 * SECOND); /* looks sooner */
    assert_int_equal(homelab_prober_observe(lab.prober, "local/e0", HOMELAB_OUTCOME_UNREACHABLE, 5),
                     HOMELAB_OK);
    assert_int_equal(lab_events(&lab, HOMELAB_EVENT_ENDPOINT, "local/e0", &after, NULL), 1);
    assert_int_equal(after, HOMELAB_VERDICT_DOWN);
    homelab_snapshot *snapshot = lab_snapshot(&lab);
    size_t last = homelab_snapshot_evidence_count(snapshot, 0) - 1;
    assert_string_equal(homelab_snapshot_evidence_layer(snapshot, 0, last), "passive");
    homelab_snapshot_unref(snapshot);
    lab_advance(&lab, 2 * SECOND);
    assert_int_equal(lab.asked[0], before + 1);
    assert_int_equal(homelab_prober_observe(lab.prober, "x", HOMELAB_OUTCOME_OK, 5),
                     HOMELAB_E_NOT_FOUND);
    assert_int_equal(homelab_prober_observe(lab.prober, "local/e0", 9, 5), HOMELAB_E_INVALID);
    assert_int_equal(homelab_prober_observe(lab.prober, "local/e0", 0, -1), HOMELAB_E_INVALID);
    lab_close(&lab);
}

static void changed_inventory(void **state)
{
    (void)state;
    struct lab lab;
    int after = -1;
    lab_open(&lab);
    lab_start(&lab, lab_plain(4));
    assert_int_equal(homelab_prober_start(lab.prober, 0), HOMELAB_OK);
    lab_settle(&lab);
    lab_pass(&lab, 100 * SECOND);
    lab_forget_events(&lab);
    lab.does[0] = lab.does[7] = LAB_HOLD; /* a look under way over the change */
    int asked = lab.asked[0];
    homelab_inventory *next = lab_inventory(
        "{\"endpoints\":{"
        "\"remote/e2\":{\"url\":\"http://e2.test\",\"tier\":\"remote\",\"backend\":\"http\"},"
        "\"local/e0\":{\"url\":\"http://e0.test\",\"tier\":\"near\",\"backend\":\"http\"},"
        "\"local/e1\":{\"url\":\"http://e6.test\",\"tier\":\"local\",\"backend\":\"http\"},"
        "\"nas/e7\":{\"url\":\"http://e7.test\",\"tier\":\"nas\",\"backend\":\"http\"}}}");
    homelab_op *op = NULL;
    assert_int_equal(homelab_prober_check(lab.prober, 0, &op), HOMELAB_OK);
    lab_settle(&lab);
    assert_int_equal(homelab_prober_set_inventory(lab.prober, next), HOMELAB_OK);
    homelab_inventory_unref(next);
    lab_settle(&lab);
    homelab_snapshot *snapshot = lab_snapshot(&lab);
    assert_int_equal(homelab_snapshot_endpoint_count(snapshot), 4);
    assert_int_equal(homelab_snapshot_endpoint_verdict(snapshot, 0), HOMELAB_VERDICT_HEALTHY);
    assert_string_equal(homelab_snapshot_endpoint_tier(snapshot, 1), "near");
    assert_int_equal(homelab_snapshot_endpoint_verdict(snapshot, 3), HOMELAB_VERDICT_UNKNOWN);
    assert_true(homelab_snapshot_endpoint_uptime(snapshot, 0) == 1);
    homelab_snapshot_unref(snapshot);
    homelab_event *event;
    int inventories = 0, endpoints = 0;
    while (homelab_ctx_next_event(lab.ctx, &event) == 1) {
        inventories += homelab_event_type(event) == HOMELAB_EVENT_INVENTORY;
        endpoints += homelab_event_type(event) == HOMELAB_EVENT_ENDPOINT &&
                     strcmp(homelab_event_subject(event), "local/e1") != 0;
        homelab_event_unref(event);
    }
    assert_int_equal(inventories, 1);
    assert_int_equal(endpoints, 0);
    assert_int_equal(lab.asked[0], asked + 1);
    lab_release(&lab, 0, 200);
    lab_release(&lab, 7, 200);
    assert_int_equal(homelab_op_result(op), HOMELAB_OK);
    assert_int_equal(lab_events(&lab, HOMELAB_EVENT_ENDPOINT, "nas/e7", &after, NULL), 1);
    assert_int_equal(lab_events(&lab, HOMELAB_EVENT_ENDPOINT, "local/e0", NULL, NULL), 0);
    homelab_op_unref(op);
    lab_close(&lab);
}

/* --- Rest --- */

static homelab_inventory *keyed(const char *reference)
{
    char text[256];
    snprintf(text, sizeof text,
             "{\"endpoints\":{\"local/e0\":{\"url\":\"http://e0.test\",\"tier\":\"local\","
             "\"backend\":\"http\",\"api_key\":\"%s\"}}}",
             reference);
    return lab_inventory(text);
}

/* Answers a look, and its second try, with a refusal that repeats what it was sent. */
static void refuse(struct lab *lab, const char *body)
{
    for (int i = 0; i < 3 && lab->held[0]; i++) {
        homelab_testing_request *request = lab->held[0];
        lab->held[0] = NULL;
        assert_int_equal(homelab_testing_request_answer(request, 500, NULL, body), HOMELAB_OK);
        lab_settle(lab);
    }
}

static void assert_told(struct lab *lab, const char *text)
{
    homelab_snapshot *snapshot = lab_snapshot(lab);
    char *json = homelab_snapshot_json(snapshot);
    assert_null(strstr(json, "secret"));
    assert_non_null(strstr(json, text));
    homelab_free(json);
    homelab_snapshot_unref(snapshot);
}

/* A look that is under way keeps its key, and keeps it out of what is told; the next one has the
 * new one. */
static void changed_key(void **state)
{
    (void)state;
    struct lab lab;
    setenv("LAB_KEY_1", "secret-one", 1);
    setenv("LAB_KEY_2", "secret-second", 1);
    lab_open(&lab);
    lab.does[0] = LAB_HOLD;
    lab_start(&lab, keyed("env:LAB_KEY_1"));
    assert_int_equal(homelab_prober_check(lab.prober, 0, NULL), HOMELAB_OK);
    lab_settle(&lab);
    homelab_inventory *next = keyed("env:LAB_KEY_2");
    assert_int_equal(homelab_prober_set_inventory(lab.prober, next), HOMELAB_OK);
    homelab_inventory_unref(next);
    refuse(&lab, "bad secret-one");
    assert_told(&lab, "bad **********");
    assert_int_equal(homelab_prober_check(lab.prober, 0, NULL), HOMELAB_OK);
    lab_settle(&lab);
    refuse(&lab, "bad secret-second");
    assert_told(&lab, "bad *************");
    lab_close(&lab);
}

static void null_and_wrong_arguments(void **state)
{
    (void)state;
    struct lab lab;
    homelab_snapshot *snapshot = NULL;
    lab_open(&lab);
    lab_start(&lab, lab_plain(1));
    assert_int_equal(homelab_prober_new(NULL, lab.ctx, NULL, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_prober_check(NULL, 0, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_prober_check(lab.prober, 1, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_prober_check_now(lab.prober, 0), HOMELAB_E_INVALID);
    assert_int_equal(homelab_prober_start(NULL, 0), HOMELAB_E_INVALID);
    assert_int_equal(homelab_prober_start(lab.prober, 4), HOMELAB_E_INVALID);
    assert_int_equal(homelab_prober_snapshot(NULL, &snapshot), HOMELAB_E_INVALID);
    assert_int_equal(homelab_prober_snapshot(lab.prober, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_prober_set_inventory(lab.prober, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_prober_close(NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_prober_observe(lab.prober, NULL, 0, 0), HOMELAB_E_INVALID);
    homelab_prober_unref(NULL);
    assert_null(homelab_prober_ref(NULL));
    homelab_opts *opts = NULL;
    homelab_prober *prober = NULL;
    assert_int_equal(homelab_opts_new(&opts), HOMELAB_OK);
    assert_int_equal(homelab_opts_set_string(opts, "probe.depth", "deep"), HOMELAB_OK);
    homelab_inventory *inventory = lab_plain(1);
    assert_int_equal(homelab_prober_new(&prober, lab.ctx, inventory, opts), HOMELAB_E_OPTION_VALUE);
    homelab_inventory_unref(inventory);
    homelab_opts_free(opts);
    lab_close(&lab);
}

static void in_a_child_of_a_fork(void **state)
{
    (void)state;
    struct lab lab;
    lab_open(&lab);
    lab.does[0] = LAB_HOLD;
    lab_start(&lab, lab_plain(2));
    assert_int_equal(homelab_prober_start(lab.prober, 0), HOMELAB_OK);
    lab_settle(&lab);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        homelab_snapshot *snapshot = NULL;
        bool right = homelab_prober_check(lab.prober, 0, NULL) == HOMELAB_E_FORKED &&
                     homelab_prober_snapshot(lab.prober, &snapshot) == HOMELAB_E_FORKED &&
                     homelab_prober_stop(lab.prober) == HOMELAB_E_FORKED;
        homelab_prober_unref(lab.prober);
        homelab_ctx_unref(lab.ctx);
        /* Killed where all is well: a leak checker would look at what is the parent's to free. */
        if (right)
            raise(SIGKILL);
        _exit(1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    lab_release(&lab, 0, 200);
    assert_int_equal(lab_verdict(&lab, 0), HOMELAB_VERDICT_HEALTHY);
    lab_close(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sweep),
        cmocka_unit_test(tier_events_wait_for_all_endpoints),
        cmocka_unit_test(early_failure_is_tried_again),
        cmocka_unit_test(late_failure_is_not_tried_again),
        cmocka_unit_test(two_sweeps_share_a_look),
        cmocka_unit_test(cancel_and_close_end_looks),
        cmocka_unit_test(context_close_ends_sweeps),
        cmocka_unit_test(check_now_leaves_events),
        cmocka_unit_test(in_flight_cap),
        cmocka_unit_test(known_dead_first),
        cmocka_unit_test(only_some),
        cmocka_unit_test(confirm_tells_wedged),
        cmocka_unit_test(confirm_stops_when_it_answers),
        cmocka_unit_test(intervals),
        cmocka_unit_test(looks_are_spread),
        cmocka_unit_test(each_change_is_one_event),
        cmocka_unit_test(failing_now_and_then_is_flapping),
        cmocka_unit_test(maintenance),
        cmocka_unit_test(callers_reports),
        cmocka_unit_test(changed_inventory),
        cmocka_unit_test(changed_key),
        cmocka_unit_test(null_and_wrong_arguments),
        cmocka_unit_test(in_a_child_of_a_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
