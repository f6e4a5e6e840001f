#define HOMELAB_UNSTABLE
#include "core/event.h"

#include "core/ctx.h"

#include <homelab/testing.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failmalloc.h"

#define CAP 16

static int with_small_queue(void **state)
{
    homelab_opts *opts;
    int code = homelab_opts_new(&opts);
    if (!code)
        code = homelab_opts_set_int(opts, HOMELAB_OPT_QUEUE_EVENTS, CAP);
    if (!code)
        code = homelab_ctx_new((homelab_ctx **)state, opts);
    homelab_opts_free(opts);
    return code ? code : homelab_testing_freeze_clock(*state, 0, 1700000000000000);
}

static int without_ctx(void **state)
{
    homelab_ctx_unref(*state);
    return 0;
}

static void queue(homelab_ctx *ctx, int number)
{
    assert_int_equal(hl_ctx_enter(ctx), 0);
    hl_event_queue(ctx, &(struct hl_event_fields){.type = HOMELAB_EVENT_TIER, .after = number});
    hl_ctx_leave(ctx);
}

/* Takes one event and gives its value, or -1 without one, or -2 times the losses it tells of. */
static int take(homelab_ctx *ctx)
{
    homelab_event *event;
    int got = homelab_ctx_next_event(ctx, &event);
    if (got != 1)
        return got == 0 ? -1 : got;
    int value = homelab_event_after(event);
    if (homelab_event_type(event) == HOMELAB_EVENT_OVERFLOW)
        value *= -2;
    homelab_event_unref(event);
    return value;
}

static void test_fields(void **state)
{
    homelab_ctx *ctx = *state;
    homelab_event *event;
    struct hl_event_fields fields = {.type = HOMELAB_EVENT_ENDPOINT,
                                     .generation = 7,
                                     .subject = "local/ollama",
                                     .before = 1,
                                     .after = 6,
                                     .cause = 40,
                                     .before_name = "HEALTHY",
                                     .text = "a \"line\"\n"};
    assert_int_equal(hl_ctx_enter(ctx), 0);
    hl_event_queue(ctx, &fields);
    hl_ctx_leave(ctx);
    assert_int_equal(homelab_ctx_next_event(ctx, &event), 1);
    assert_int_equal(homelab_event_type(event), HOMELAB_EVENT_ENDPOINT);
    assert_int_equal(homelab_event_time_us(event), 1700000000000000);
    assert_int_equal(homelab_event_generation(event), 7);
    assert_string_equal(homelab_event_subject(event), "local/ollama");
    assert_int_equal(homelab_event_before(event), 1);
    assert_int_equal(homelab_event_after(event), 6);
    assert_int_equal(homelab_event_cause(event), 40);
    assert_string_equal(homelab_event_text(event), "a \"line\"\n");
    assert_null(homelab_event_op(event));
    char *json = homelab_event_json(event);
    assert_string_equal(json,
                        "{\"schema\":1,\"type\":\"endpoint\",\"time_us\":1700000000000000,"
                        "\"generation\":7,\"subject\":\"local/ollama\",\"before\":\"HEALTHY\","
                        "\"after\":6,\"cause\":40,\"text\":\"a \\\"line\\\"\\n\"}");
    homelab_free(json);
    assert_ptr_equal(homelab_event_ref(event), event);
    homelab_event_unref(event);
    homelab_event_unref(event);
}

static void test_type_names(void **state)
{
    static const struct {
        int type;
        const char *name;
    } cases[] = {
        {HOMELAB_EVENT_OVERFLOW, "overflow"},   {HOMELAB_EVENT_OP_DONE, "op-done"},
        {HOMELAB_EVENT_ENDPOINT, "endpoint"},   {HOMELAB_EVENT_TIER, "tier"},
        {HOMELAB_EVENT_PROGNOSIS, "prognosis"}, {HOMELAB_EVENT_CAPABILITY, "capability"},
        {HOMELAB_EVENT_INVENTORY, "inventory"}, {999, "unknown"},
    };
    homelab_ctx *ctx = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        homelab_event *event;
        char expected[64];
        hl_event_queue(ctx, &(struct hl_event_fields){.type = cases[i].type});
        assert_int_equal(homelab_ctx_next_event(ctx, &event), 1);
        char *json = homelab_event_json(event);
        snprintf(expected, sizeof expected, "\"type\":\"%s\"", cases[i].name);
        assert_non_null(strstr(json, expected));
        assert_string_equal(homelab_event_subject(event), "");
        assert_string_equal(homelab_event_text(event), "");
        homelab_free(json);
        homelab_event_unref(event);
    }
}

static void test_null(void **state)
{
    (void)state;
    assert_null(homelab_event_ref(NULL));
    homelab_event_unref(NULL);
    assert_int_equal(homelab_event_type(NULL), 0);
    assert_int_equal(homelab_event_time_us(NULL), 0);
    assert_int_equal(homelab_event_generation(NULL), 0);
    assert_null(homelab_event_subject(NULL));
    assert_int_equal(homelab_event_before(NULL), 0);
    assert_int_equal(homelab_event_after(NULL), 0);
    assert_int_equal(homelab_event_cause(NULL), 0);
    assert_null(homelab_event_text(NULL));
    assert_null(homelab_event_op(NULL));
    assert_null(homelab_event_json(NULL));
    assert_int_equal(homelab_error_code(), HOMELAB_E_INVALID);
}

static void test_long_texts_are_cut(void **state)
{
    homelab_ctx *ctx = *state;
    homelab_event *event;
    char *text = malloc(5001);
    for (size_t i = 0; i < 5000; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    text[5000] = '\0';
    hl_event_queue(ctx, &(struct hl_event_fields){
                            .type = HOMELAB_EVENT_TIER, .subject = text + 4999, .text = text});
    assert_int_equal(homelab_ctx_next_event(ctx, &event), 1);
    assert_int_equal(strlen(homelab_event_text(event)), 1024);
    char *json = homelab_event_json(event);
    assert_non_null(json);
    homelab_free(json);
    homelab_event_unref(event);
    free(text);
}

static void test_overflow_is_told_where_it_happened(void **state)
{
    homelab_ctx *ctx = *state;
    for (int i = 0; i < CAP + 3; i++)
        queue(ctx, i);
    assert_int_equal(homelab_ctx_dispatch(ctx, 0), CAP + 1);
    assert_int_equal(take(ctx), 0);
    assert_int_equal(take(ctx), 1);
    queue(ctx, 100);
    for (int i = 2; i < CAP; i++)
        assert_int_equal(take(ctx), i);
    assert_int_equal(take(ctx), -6);
    assert_int_equal(take(ctx), 100);
    assert_int_equal(take(ctx), -1);

    /* And again, without what was kept for it the first time. */
    for (int i = 0; i < CAP + 1; i++)
        queue(ctx, i);
    for (int i = 0; i < CAP; i++)
        assert_int_equal(take(ctx), i);
    assert_int_equal(take(ctx), -2);
    assert_int_equal(take(ctx), -1);
    char *stats = homelab_ctx_stats_json(ctx);
    assert_non_null(strstr(stats, "\"events_dropped\":4,"));
    homelab_free(stats);
}

static void test_short_of_memory(void **state)
{
    homelab_ctx *ctx = *state;
    for (int round = 0; round < 2; round++) {
        failmalloc_arm(1, true);
        queue(ctx, 1);
        queue(ctx, 2);
        int got = take(ctx);
        int code = homelab_error_code();
        failmalloc_disarm();
        if (round == 0) {
            assert_int_equal(got, -4);
            continue;
        }
        /* The reserve is gone: the loss is told when there is memory again. */
        assert_int_equal(got, HOMELAB_E_NOMEM);
        assert_int_equal(code, HOMELAB_E_NOMEM);
        assert_int_equal(homelab_ctx_dispatch(ctx, 0), 1);
        assert_int_equal(take(ctx), -4);
    }
    assert_int_equal(take(ctx), -1);
}

/* The completion of an operation is never lost. */
static void test_operations_pass_the_cap(void **state)
{
    homelab_ctx *ctx = *state;
    homelab_op *ops[3];
    for (int i = 0; i < CAP + 5; i++)
        queue(ctx, i);
    assert_int_equal(hl_ctx_enter(ctx), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hl_op_new(&ops[i], ctx, NULL, NULL), 0);
        hl_op_complete(ops[i], NULL);
    }
    hl_ctx_leave(ctx);
    int done = 0;
    homelab_event *event;
    while (homelab_ctx_next_event(ctx, &event) == 1) {
        done += homelab_event_type(event) == HOMELAB_EVENT_OP_DONE;
        homelab_event_unref(event);
    }
    assert_int_equal(done, 3);
}

static void test_outlives_the_context(void **state)
{
    (void)state;
    homelab_ctx *ctx;
    homelab_event *event;
    homelab_op *op;
    assert_int_equal(homelab_ctx_new(&ctx, NULL), 0);
    assert_int_equal(hl_ctx_enter(ctx), 0);
    assert_int_equal(hl_op_new(&op, ctx, NULL, NULL), 0);
    hl_op_complete(op, NULL);
    hl_event_queue(ctx, &(struct hl_event_fields){.type = HOMELAB_EVENT_TIER, .subject = "nas"});
    hl_event_queue(ctx, &(struct hl_event_fields){.type = HOMELAB_EVENT_TIER});
    hl_ctx_leave(ctx);
    assert_int_equal(homelab_ctx_next_event(ctx, &event), 1);
    homelab_ctx_unref(ctx); /* with two events that nobody took */
    assert_int_equal(homelab_op_result(homelab_event_op(event)), HOMELAB_OK);
    assert_int_equal(homelab_op_cancel(homelab_event_op(event)), HOMELAB_OK);
    homelab_event_unref(event);
}

#define SMALL(test) cmocka_unit_test_setup_teardown(test, with_small_queue, without_ctx)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SMALL(test_fields),
        SMALL(test_type_names),
        cmocka_unit_test(test_null),
        SMALL(test_long_texts_are_cut),
        SMALL(test_overflow_is_told_where_it_happened),
        SMALL(test_short_of_memory),
        SMALL(test_operations_pass_the_cap),
        cmocka_unit_test(test_outlives_the_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
