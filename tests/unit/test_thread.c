#define HOMELAB_UNSTABLE
#include "core/ctx.h"
#include "core/event.h"
#include "core/secret.h"

#include <homelab/testing.h>

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/readable.h"

static pthread_t host;

static int with_thread(void **state)
{
    homelab_ctx *ctx;
    host = pthread_self();
    int code = homelab_ctx_new(&ctx, NULL);
    if (code)
        return code;
    int fd = homelab_ctx_fd(ctx);
    code = homelab_ctx_start_thread(ctx);
    *state = ctx;
    return code ? code : fd != homelab_ctx_fd(ctx);
}

static int without_ctx(void **state)
{
    homelab_ctx_unref(*state);
    return 0;
}

static bool on_host(void)
{
    return pthread_equal(pthread_self(), host);
}

static int take(homelab_ctx *ctx)
{
    homelab_event *event = NULL;
    int got = homelab_ctx_next_event(ctx, &event);
    homelab_event_unref(event);
    return got;
}

/* A timer that fires on the library's thread and leaves an event. */
struct ticker {
    homelab_ctx *ctx;
    struct hl_timer timer;
    int64_t every_us;
    int left;
    atomic_int ticks;
};

static void on_tick(struct hl_loop *loop, void *userdata)
{
    struct ticker *ticker = userdata;
    assert_false(on_host());
    atomic_fetch_add(&ticker->ticks, 1);
    hl_event_queue(ticker->ctx, &(struct hl_event_fields){.type = HOMELAB_EVENT_TIER});
    if (--ticker->left > 0)
        hl_timer_arm(loop, &ticker->timer, hl_loop_now(loop) + ticker->every_us);
}

static void tick(homelab_ctx *ctx, struct ticker *ticker, int64_t every_us, int count)
{
    *ticker = (struct ticker){.ctx = ctx, .every_us = every_us, .left = count};
    hl_timer_init(&ticker->timer, on_tick, ticker);
    assert_int_equal(hl_ctx_enter(ctx), 0);
    assert_int_equal(hl_loop_reserve_timer(hl_ctx_loop(ctx)), 0);
    hl_timer_arm(hl_ctx_loop(ctx), &ticker->timer, hl_loop_now(hl_ctx_loop(ctx)) + every_us);
    hl_ctx_leave(ctx);
}

static void stop(homelab_ctx *ctx, struct ticker *ticker)
{
    hl_ctx_lock(ctx);
    hl_timer_disarm(hl_ctx_loop(ctx), &ticker->timer);
    hl_ctx_unlock(ctx);
}

static void test_same_contract(void **state)
{
    homelab_ctx *ctx = *state;
    struct ticker ticker;
    int fd = homelab_ctx_fd(ctx);
    assert_false(readable(fd));
    tick(ctx, &ticker, 5000, 1);
    assert_true(readable_within(fd, 5000));
    assert_int_equal(homelab_ctx_dispatch(ctx, 0), 1);
    assert_true(readable(fd));
    assert_int_equal(take(ctx), 1);
    assert_false(readable(fd));
    assert_int_equal(homelab_ctx_dispatch(ctx, 0), 0);

    tick(ctx, &ticker, 5000, 1);
    assert_int_equal(homelab_ctx_wait(ctx, 10000), 1);
    assert_int_equal(take(ctx), 1);
    assert_int_equal(homelab_ctx_wait(ctx, 10), 0);
    assert_int_equal(homelab_ctx_start_thread(ctx), HOMELAB_E_STATE);
    assert_string_equal(homelab_error_message(), "context: found start_thread called before");
}

static void test_wakeup(void **state)
{
    homelab_ctx *ctx = *state;
    homelab_ctx_wakeup(ctx);
    assert_int_equal(homelab_ctx_wait(ctx, -1), 0);
    homelab_ctx_wakeup(ctx);
    assert_true(readable(homelab_ctx_fd(ctx)));
    assert_int_equal(homelab_ctx_dispatch(ctx, 0), 0);
    assert_false(readable(homelab_ctx_fd(ctx)));
}

/* --- Blocking calls --- */

struct goal {
    homelab_ctx *ctx;
    struct hl_timer timer;
    bool reached;
};

static void on_goal(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    struct goal *goal = userdata;
    goal->reached = true;
    hl_ctx_poke(goal->ctx);
}

static bool is_reached(void *userdata)
{
    return ((const struct goal *)userdata)->reached;
}

static void test_wait_until(void **state)
{
    struct goal goal = {.ctx = *state};
    struct ticker ticker;
    hl_timer_init(&goal.timer, on_goal, &goal);
    tick(*state, &ticker, 1000, 5);
    for (int i = 0; i < 20; i++) {
        hl_ctx_enter(*state);
        goal.reached = false;
        if (i == 0)
            assert_int_equal(hl_loop_reserve_timer(hl_ctx_loop(*state)), 0);
        hl_timer_arm(hl_ctx_loop(*state), &goal.timer, hl_loop_now(hl_ctx_loop(*state)) + 500 * i);
        hl_ctx_leave(*state);
        assert_int_equal(hl_ctx_wait_until(*state, is_reached, &goal, 10000), HOMELAB_OK);
    }
    hl_ctx_lock(*state);
    goal.reached = false;
    hl_ctx_unlock(*state);
    assert_int_equal(hl_ctx_wait_until(*state, is_reached, &goal, 5), HOMELAB_E_TIMEOUT);
    for (int i = 0; i < 5; i++)
        assert_int_equal(take(*state), 1);
    stop(*state, &ticker);
}

static void *wake_later(void *userdata)
{
    for (int i = 0; i < 200; i++) {
        homelab_ctx_wakeup(userdata);
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    }
    return NULL;
}

static void test_wakeups_from_a_thread(void **state)
{
    homelab_ctx *ctx = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_later, ctx), 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(homelab_ctx_wait(ctx, 5), 0);
    pthread_join(thread, NULL);
    /* The last one may be left; then it is quiet. */
    homelab_ctx_wait(ctx, 0);
    homelab_ctx_wait(ctx, 0);
    assert_false(readable(homelab_ctx_fd(ctx)));
}

static void test_thread_takes_no_signals(void **state)
{
    homelab_ctx *ctx = *state;
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    kill(getpid(), SIGUSR1);
    struct ticker ticker;
    tick(ctx, &ticker, 1000, 1);
    assert_int_equal(homelab_ctx_wait(ctx, 5000), 1);
    assert_int_equal(sigtimedwait(&set, NULL, &(struct timespec){.tv_sec = 1}), SIGUSR1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* --- Callbacks --- */

struct host_side {
    atomic_int logs, secrets, elsewhere;
};

static void on_log(int level, const char *subsystem, const char *message, void *userdata)
{
    (void)level, (void)subsystem, (void)message;
    struct host_side *side = userdata;
    side->logs++;
    side->elsewhere += !on_host();
}

static int on_secret(homelab_secret_request *request, void *userdata)
{
    struct host_side *side = userdata;
    side->secrets++;
    side->elsewhere += !on_host();
    homelab_secret_request_answer(request, "hush");
    return HOMELAB_SECRET_DONE;
}

struct client {
    homelab_ctx *ctx;
    struct hl_task task;
    atomic_int answered;
};

static void on_answer(const char *secret, const struct hl_error *error, void *userdata)
{
    struct client *client = userdata;
    (void)error;
    assert_string_equal(secret, "hush");
    assert_false(on_host());
    atomic_fetch_add(&client->answered, 1);
    hl_event_queue(client->ctx, &(struct hl_event_fields){.type = HOMELAB_EVENT_TIER});
}

static void ask(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    struct client *client = userdata;
    struct hl_secret_wait *wait;
    assert_int_equal(hl_secret_ask(client->ctx, HOMELAB_SECRET_KIND_API_KEY, "env:KEY", "x", 1,
                                   on_answer, client, &wait),
                     0);
    hl_log(client->ctx, HOMELAB_LOG_INFO, "test", "asked");
}

static void test_callbacks_on_the_host_thread(void **state)
{
    homelab_ctx *ctx = *state;
    struct host_side side = {0};
    struct client client = {.ctx = ctx, .task = {.fn = ask, .userdata = &client}};
    homelab_ctx_set_log(ctx, HOMELAB_LOG_INFO, on_log, &side, NULL);
    homelab_ctx_set_secret_provider(ctx, on_secret, &side, NULL);
    hl_loop_post(hl_ctx_loop(ctx), &client.task);
    assert_int_equal(homelab_ctx_wait(ctx, 10000), 1);
    assert_int_equal(client.answered, 1);
    assert_int_equal(side.secrets, 1);
    assert_int_equal(side.logs, 1);
    assert_int_equal(side.elsewhere, 0);
    assert_int_equal(take(ctx), 1);
    homelab_ctx_set_log(ctx, 0, NULL, NULL, NULL);
    homelab_ctx_set_secret_provider(ctx, NULL, NULL, NULL);
}

/* --- Load --- */

static void test_busy_thread_lets_the_host_in(void **state)
{
    homelab_ctx *ctx = *state;
    struct ticker ticker;
    tick(ctx, &ticker, 0, 1000000000); /* always due */
    int64_t start_us = hl_clock_real();
    for (int i = 0; i < 200; i++) {
        assert_int_equal(hl_ctx_enter(ctx), 0);
        hl_ctx_leave(ctx);
        while (take(ctx) == 1 && hl_clock_real() - start_us < 20000000)
            ;
    }
    /* Each turn of the thread is a budget long at most; a host that starved would take minutes. */
    assert_true(hl_clock_real() - start_us < 20000000);
    stop(ctx, &ticker);
}

static void test_events_and_operations_under_load(void **state)
{
    homelab_ctx *ctx = *state;
    struct ticker tickers[4];
    for (size_t i = 0; i < 4; i++)
        tick(ctx, &tickers[i], 100, 250);
    int got = 0;
    int64_t start_us = hl_clock_real();
    while (got < 1000 && hl_clock_real() - start_us < 30000000) {
        assert_true(homelab_ctx_wait(ctx, 1000) >= 0);
        while (take(ctx) == 1)
            got++;
        char *stats = homelab_ctx_stats_json(ctx);
        homelab_free(stats);
    }
    assert_int_equal(got, 1000);
}

static void test_frozen_clock(void **state)
{
    homelab_ctx *ctx = *state;
    struct ticker ticker;
    assert_int_equal(homelab_testing_freeze_clock(ctx, 1000, 0), 0);
    tick(ctx, &ticker, 1000000, 1);
    assert_int_equal(homelab_ctx_wait(ctx, 20), 0);
    assert_int_equal(homelab_testing_next_timer_us(ctx), 1000000);
    assert_int_equal(homelab_testing_advance_clock(ctx, 1000000), 0);
    assert_int_equal(homelab_ctx_wait(ctx, 10000), 1);
}

/* --- End --- */

static void test_close_while_it_works(void **state)
{
    homelab_ctx *ctx = *state;
    struct ticker ticker;
    tick(ctx, &ticker, 0, 1000000000);
    assert_int_equal(homelab_ctx_close(ctx), 0);
    int ticks = ticker.ticks;
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    assert_int_equal(ticker.ticks, ticks);
    assert_int_equal(homelab_ctx_close(ctx), 0);
    assert_int_equal(homelab_ctx_dispatch(ctx, 0), HOMELAB_E_CLOSED);
    assert_int_equal(homelab_ctx_wakeup(ctx), 0);
    stop(ctx, &ticker);
}

static void test_started_again_and_again(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        homelab_ctx *ctx;
        assert_int_equal(homelab_ctx_new(&ctx, NULL), 0);
        assert_int_equal(homelab_ctx_start_thread(ctx), 0);
        homelab_ctx_unref(ctx);
    }
}

/* The host drops everything while an operation runs: the thread ends itself. */
struct orphan {
    homelab_op *op;
    struct hl_timer timer;
};

static void finish_orphan(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    struct orphan *orphan = userdata;
    hl_op_complete(orphan->op, NULL);
}

static atomic_bool gone;

static void on_gone(void *userdata)
{
    (void)userdata;
    atomic_store(&gone, true);
}

static void nothing(int level, const char *subsystem, const char *message, void *userdata)
{
    (void)level, (void)subsystem, (void)message, (void)userdata;
}

static void test_last_reference_on_the_thread(void **state)
{
    (void)state;
    static struct orphan orphan;
    homelab_ctx *ctx;
    host = pthread_self();
    assert_int_equal(homelab_ctx_new(&ctx, NULL), 0);
    assert_int_equal(homelab_ctx_start_thread(ctx), 0);
    homelab_ctx_set_log(ctx, HOMELAB_LOG_ERROR, nothing, NULL, on_gone);
    assert_int_equal(hl_ctx_enter(ctx), 0);
    assert_int_equal(hl_op_new(&orphan.op, ctx, NULL, NULL), 0);
    hl_timer_init(&orphan.timer, finish_orphan, &orphan);
    assert_int_equal(hl_loop_reserve_timer(hl_ctx_loop(ctx)), 0);
    hl_timer_arm(hl_ctx_loop(ctx), &orphan.timer, hl_loop_now(hl_ctx_loop(ctx)) + 10000);
    hl_ctx_leave(ctx);
    homelab_ctx_unref(ctx);
    for (int i = 0; i < 5000 && !atomic_load(&gone); i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_true(atomic_load(&gone));
    /* Its last steps come after that; a leak checker would see a thread that did not end. */
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
}

#define ON_THREAD(test) cmocka_unit_test_setup_teardown(test, with_thread, without_ctx)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_THREAD(test_same_contract),
        ON_THREAD(test_wakeup),
        ON_THREAD(test_wait_until),
        ON_THREAD(test_wakeups_from_a_thread),
        ON_THREAD(test_thread_takes_no_signals),
        ON_THREAD(test_callbacks_on_the_host_thread),
        ON_THREAD(test_busy_thread_lets_the_host_in),
        ON_THREAD(test_events_and_operations_under_load),
        ON_THREAD(test_frozen_clock),
        ON_THREAD(test_close_while_it_works),
        cmocka_unit_test(test_started_again_and_again),
        cmocka_unit_test(test_last_reference_on_the_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
