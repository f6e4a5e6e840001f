#include "core/event.h"

#include "core/ctx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failmalloc.h"
#include "support/patient.h"

static int with_ctx(void **state)
{
    return patient_ctx_new((homelab_ctx **)state);
}

static int without_ctx(void **state)
{
    homelab_ctx_unref(*state);
    return 0;
}

/* Work that a cancel ends at once, or a timer later. */
struct work {
    homelab_op *op;
    int cancels;
    bool slow;
};

static void finish(struct work *work, int code)
{
    struct hl_error error;
    hl_error_format(&error, code, 0, "work", "work: ended with %d", code);
    homelab_op *op = work->op;
    work->op = NULL;
    hl_op_complete(op, code ? &error : NULL);
}

static void on_cancel(homelab_op *op, void *userdata)
{
    struct work *work = userdata;
    assert_ptr_equal(op, work->op);
    work->cancels++;
    if (!work->slow)
        finish(work, HOMELAB_E_CANCELLED);
}

static homelab_op *start(homelab_ctx *ctx, struct work *work)
{
    assert_int_equal(hl_ctx_enter(ctx), 0);
    assert_int_equal(hl_op_new(&work->op, ctx, on_cancel, work), 0);
    homelab_op *op = homelab_op_ref(work->op);
    hl_ctx_leave(ctx);
    return op;
}

static int completions(homelab_ctx *ctx, const homelab_op *op)
{
    int count = 0;
    homelab_event *event;
    while (homelab_ctx_next_event(ctx, &event) == 1) {
        if (homelab_event_op(event) == op) {
            assert_int_equal(homelab_event_after(event), homelab_op_result(op));
            assert_string_equal(homelab_event_text(event), homelab_op_message(op));
            count++;
        }
        homelab_event_unref(event);
    }
    return count;
}

static void test_success(void **state)
{
    struct work work = {0};
    homelab_op *op = start(*state, &work);
    assert_false(homelab_op_is_done(op));
    assert_int_equal(homelab_op_result(op), HOMELAB_E_PENDING);
    assert_string_equal(homelab_op_message(op), "");
    hl_ctx_enter(*state);
    finish(&work, HOMELAB_OK);
    hl_ctx_leave(*state);
    assert_true(homelab_op_is_done(op));
    assert_int_equal(homelab_op_result(op), HOMELAB_OK);
    assert_string_equal(homelab_op_message(op), "");
    assert_int_equal(homelab_op_cancel(op), HOMELAB_OK);
    assert_int_equal(work.cancels, 0);
    assert_int_equal(homelab_ctx_wait(*state, -1), 1);
    assert_int_equal(completions(*state, op), 1);
    homelab_op_unref(op);
}

static void test_cancel(void **state)
{
    for (int slow = 0; slow < 2; slow++) {
        struct work work = {.slow = slow};
        homelab_op *op = start(*state, &work);
        assert_int_equal(homelab_op_cancel(op), HOMELAB_OK);
        assert_int_equal(homelab_op_is_done(op), !slow);
        if (slow) {
            assert_int_equal(completions(*state, op), 0);
            hl_ctx_enter(*state);
            finish(&work, HOMELAB_E_CANCELLED);
            hl_ctx_leave(*state);
        }
        assert_int_equal(homelab_op_result(op), HOMELAB_E_CANCELLED);
        assert_string_equal(homelab_op_message(op), "work: ended with -12");
        assert_int_equal(homelab_op_cancel(op), HOMELAB_OK);
        assert_int_equal(completions(*state, op), 1);
        assert_int_equal(work.cancels, 1);
        homelab_op_unref(op);
    }
}

static void test_dropped_by_the_host(void **state)
{
    struct work work = {0};
    homelab_op_unref(start(*state, &work));
    hl_ctx_enter(*state);
    finish(&work, HOMELAB_E_TIMEOUT);
    hl_ctx_leave(*state);
    homelab_event *event;
    assert_int_equal(homelab_ctx_next_event(*state, &event), 1);
    assert_int_equal(homelab_op_result(homelab_event_op(event)), HOMELAB_E_TIMEOUT);
    homelab_event_unref(event);
}

static void test_keeps_the_context(void **state)
{
    (void)state;
    homelab_ctx *ctx;
    struct work work = {0};
    assert_int_equal(homelab_ctx_new(&ctx, NULL), 0);
    homelab_op *op = start(ctx, &work);
    homelab_ctx_unref(ctx);
    /* The last reference of the context goes while it is cancelled. */
    assert_int_equal(homelab_op_cancel(op), HOMELAB_OK);
    assert_int_equal(homelab_op_result(op), HOMELAB_E_CANCELLED);
    homelab_op_unref(op);
}

static void test_closed(void **state)
{
    struct work work = {.slow = true};
    homelab_op *op = start(*state, &work);
    homelab_ctx_close(*state);
    assert_int_equal(homelab_op_cancel(op), HOMELAB_E_CLOSED);
    finish(&work, HOMELAB_E_CLOSED);
    assert_int_equal(homelab_op_cancel(op), HOMELAB_OK);
    assert_int_equal(completions(*state, op), 1);
    homelab_op_unref(op);
}

static void test_discard(void **state)
{
    struct work work = {0};
    homelab_op *op = start(*state, &work);
    hl_op_discard(work.op);
    assert_int_equal(completions(*state, op), 0);
    homelab_op_unref(op);
}

static void test_null(void **state)
{
    (void)state;
    assert_null(homelab_op_ref(NULL));
    homelab_op_unref(NULL);
    assert_int_equal(homelab_op_cancel(NULL), HOMELAB_E_INVALID);
    assert_false(homelab_op_is_done(NULL));
    assert_int_equal(homelab_op_result(NULL), HOMELAB_E_INVALID);
    assert_null(homelab_op_message(NULL));
}

static int one_run(void *userdata)
{
    homelab_ctx *ctx = userdata;
    struct work work = {0};
    hl_error_clear();
    int code = hl_op_new(&work.op, ctx, on_cancel, &work);
    if (code)
        return failmalloc_failed(code);
    homelab_op *op = homelab_op_ref(work.op);
    code = homelab_op_cancel(op);
    assert_int_equal(code, HOMELAB_OK);
    homelab_event *event;
    code = homelab_ctx_next_event(ctx, &event);
    assert_int_equal(code, 1);
    homelab_event_unref(event);
    homelab_op_unref(op);
    return HOMELAB_OK;
}

static void test_out_of_memory(void **state)
{
    fail_each_allocation(one_run, *state);
}

#define ON_CTX(test) cmocka_unit_test_setup_teardown(test, with_ctx, without_ctx)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_CTX(test_success),
        ON_CTX(test_cancel),
        ON_CTX(test_dropped_by_the_host),
        cmocka_unit_test(test_keeps_the_context),
        ON_CTX(test_closed),
        ON_CTX(test_discard),
        cmocka_unit_test(test_null),
        ON_CTX(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
