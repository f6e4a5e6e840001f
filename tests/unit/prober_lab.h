/* A prober with a clock that stands still and a network that the test plays. */
#ifndef PROBER_LAB_H
#define PROBER_LAB_H

#define HOMELAB_UNSTABLE
#include <homelab/homelab.h>
#include <homelab/testing.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define SECOND     INT64_C(1000000)
#define LAB_HOSTS  300
#define LAB_WALL   INT64_C(1764000000000000)
#define LAB_HOLD   1 /* in place of a status: the test answers later */
#define LAB_EVENTS 64

/* What endpoint N, http://eN.test, does: a status of 200 and more, HOLD, or a negative code. */
struct lab {
    homelab_ctx *ctx;
    homelab_opts *opts;
    homelab_prober *prober;
    int does[LAB_HOSTS];
    int asked[LAB_HOSTS];
    homelab_testing_request *held[LAB_HOSTS];
    int order[2048]; /* of the questions */
    size_t order_count;
};

static inline int lab_host(const homelab_testing_request *request)
{
    int host = -1;
    assert_int_equal(sscanf(homelab_testing_request_url(request), "http://e%d.test", &host), 1);
    assert_in_range(host, 0, LAB_HOSTS - 1);
    return host;
}

static inline void lab_answer(homelab_testing_request *request, int does)
{
    if (does < 0)
        assert_int_equal(homelab_testing_request_fail(request, does), HOMELAB_OK);
    else
        assert_int_equal(homelab_testing_request_answer(request, does, NULL, "hello"), HOMELAB_OK);
}

static inline void lab_transport(homelab_testing_request *request, void *userdata)
{
    struct lab *lab = userdata;
    int host = lab_host(request);
    lab->asked[host]++;
    if (lab->order_count < sizeof lab->order / sizeof *lab->order)
        lab->order[lab->order_count++] = host;
    if (lab->does[host] == LAB_HOLD)
        lab->held[host] = request;
    else
        lab_answer(request, lab->does[host]);
}

static inline homelab_inventory *lab_inventory(const char *text)
{
    homelab_inventory *inventory = NULL;
    int code = homelab_inventory_load_text(&inventory, text, strlen(text), HOMELAB_FORMAT_AUTO,
                                           "lab", NULL);
    if (code)
        fail_msg("inventory: %s", homelab_error_message());
    return inventory;
}

/* count plain endpoints local/eN, or remote/eN from the second half on. */
static inline homelab_inventory *lab_plain(int count)
{
    static char text[LAB_HOSTS * 120];
    size_t at = (size_t)sprintf(text, "{\"endpoints\":{");
    for (int i = 0; i < count; i++)
        at += (size_t)sprintf(text + at,
                              "%s\"%s/e%d\":{\"url\":\"http://e%d.test\",\"tier\":\"%s\","
                              "\"backend\":\"http\",\"timeout\":5}",
                              i ? "," : "", i < (count + 1) / 2 ? "local" : "remote", i, i,
                              i < (count + 1) / 2 ? "local" : "remote");
    sprintf(text + at, "}}");
    return lab_inventory(text);
}

static inline void lab_open(struct lab *lab)
{
    memset(lab, 0, sizeof *lab);
    for (int i = 0; i < LAB_HOSTS; i++)
        lab->does[i] = 200;
    assert_int_equal(homelab_opts_new(&lab->opts), HOMELAB_OK);
    assert_int_equal(homelab_opts_set_double(lab->opts, "health.jitter", 0), HOMELAB_OK);
    assert_int_equal(homelab_ctx_new(&lab->ctx, NULL), HOMELAB_OK);
    assert_int_equal(homelab_testing_freeze_clock(lab->ctx, 1000 * SECOND, LAB_WALL), HOMELAB_OK);
    assert_int_equal(homelab_testing_set_transport(lab->ctx, lab_transport, lab, NULL), HOMELAB_OK);
}

static inline void lab_start(struct lab *lab, homelab_inventory *inventory)
{
    if (homelab_prober_new(&lab->prober, lab->ctx, inventory, lab->opts))
        fail_msg("prober: %s", homelab_error_message());
    homelab_inventory_unref(inventory);
}

static inline void lab_close(struct lab *lab)
{
    homelab_prober_unref(lab->prober);
    homelab_ctx_unref(lab->ctx);
    homelab_opts_free(lab->opts);
}

/* Works until nothing is left to do at this time. */
static inline void lab_settle(struct lab *lab)
{
    for (int i = 0; i < 50; i++)
        assert_true(homelab_ctx_dispatch(lab->ctx, 0) >= 0);
}

static inline void lab_advance(struct lab *lab, int64_t by_us)
{
    assert_int_equal(homelab_testing_advance_clock(lab->ctx, by_us), HOMELAB_OK);
    lab_settle(lab);
}

/* From timer to timer, as time goes by. */
static inline void lab_pass(struct lab *lab, int64_t by_us)
{
    while (by_us > 0) {
        int64_t step_us = homelab_testing_next_timer_us(lab->ctx);
        if (step_us < 0 || step_us > by_us)
            step_us = by_us;
        lab_advance(lab, step_us);
        by_us -= step_us ? step_us : 1;
    }
}

static inline void lab_release(struct lab *lab, int host, int does)
{
    homelab_testing_request *request = lab->held[host];
    assert_non_null(request);
    lab->held[host] = NULL;
    lab_answer(request, does);
    lab_settle(lab);
}

/* Takes all events and counts those of a type and subject ("" for any); the last one's value after
 * and cause go into *after and *cause. */
static inline int lab_events(struct lab *lab, int type, const char *subject, int *after, int *cause)
{
    homelab_event *event;
    int count = 0;
    int64_t generation = 0;
    while (homelab_ctx_next_event(lab->ctx, &event) == 1) {
        if (homelab_event_type(event) >= HOMELAB_EVENT_ENDPOINT) {
            assert_true(homelab_event_generation(event) >= generation);
            generation = homelab_event_generation(event);
        }
        if (homelab_event_type(event) == type &&
            (!*subject || strcmp(homelab_event_subject(event), subject) == 0)) {
            count++;
            if (after)
                *after = homelab_event_after(event);
            if (cause)
                *cause = homelab_event_cause(event);
        }
        homelab_event_unref(event);
    }
    return count;
}

static inline void lab_forget_events(struct lab *lab)
{
    lab_events(lab, -1, "", NULL, NULL);
}

static inline homelab_snapshot *lab_snapshot(struct lab *lab)
{
    homelab_snapshot *snapshot = NULL;
    assert_int_equal(homelab_prober_snapshot(lab->prober, &snapshot), HOMELAB_OK);
    return snapshot;
}

static inline int lab_verdict(struct lab *lab, size_t endpoint)
{
    homelab_snapshot *snapshot = lab_snapshot(lab);
    int verdict = homelab_snapshot_endpoint_verdict(snapshot, endpoint);
    homelab_snapshot_unref(snapshot);
    return verdict;
}

static inline int lab_cause(struct lab *lab, size_t endpoint)
{
    homelab_snapshot *snapshot = lab_snapshot(lab);
    int cause = homelab_snapshot_endpoint_cause(snapshot, endpoint);
    homelab_snapshot_unref(snapshot);
    return cause;
}

#endif
