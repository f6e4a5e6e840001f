#define HOMELAB_UNSTABLE
#include "core/ctx.h"
#include "core/event.h"

#include <homelab/testing.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/failmalloc.h"
#include "support/patient.h"
#include "support/readable.h"

static int with_ctx(void **state)
{
    return patient_ctx_new((homelab_ctx **)state);
}

static int without_ctx(void **state)
{
    homelab_ctx_unref(*state);
    return 0;
}

static void queue(homelab_ctx *ctx, const char *subject)
{
    assert_int_equal(hl_ctx_enter(ctx), 0);
    hl_event_queue(ctx,
                   &(struct hl_event_fields){.type = HOMELAB_EVENT_ENDPOINT, .subject = subject});
    hl_ctx_leave(ctx);
}

static int take(homelab_ctx *ctx)
{
    homelab_event *event = NULL;
    int got = homelab_ctx_next_event(ctx, &event);
    homelab_event_unref(event);
    return got;
}

static void test_null(void **state)
{
    (void)state;
    assert_int_equal(homelab_ctx_new(NULL, NULL), HOMELAB_E_INVALID);
    assert_null(homelab_ctx_ref(NULL));
    homelab_ctx_unref(NULL);
    assert_int_equal(homelab_ctx_close(NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_ctx_fd(NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_ctx_timeout_ms(NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_ctx_dispatch(NULL, 0), HOMELAB_E_INVALID);
    assert_int_equal(homelab_ctx_wait(NULL, 0), HOMELAB_E_INVALID);
    assert_int_equal(homelab_ctx_wakeup(NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_ctx_start_thread(NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_ctx_next_event(NULL, &(homelab_event *){NULL}), HOMELAB_E_INVALID);
    assert_null(homelab_ctx_log_text(NULL));
    assert_int_equal(homelab_error_code(), HOMELAB_E_INVALID);
    assert_null(homelab_ctx_stats_json(NULL));
    assert_null(hl_ctx_allocator(NULL));
    hl_log(NULL, HOMELAB_LOG_ERROR, "test", "nobody");
}

static void test_arguments(void **state)
{
    homelab_ctx *ctx = *state;
    assert_int_equal(homelab_ctx_dispatch(ctx, 4), HOMELAB_E_INVALID);
    assert_string_equal(homelab_error_message(), "flags: found unknown bits 0x4");
    assert_int_equal(homelab_ctx_wait(ctx, -2), HOMELAB_E_INVALID);
    assert_int_equal(homelab_ctx_next_event(ctx, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_ctx_timeout_ms(ctx), -1);
    assert_int_equal(homelab_ctx_dispatch(ctx, 0), 0);
    assert_int_equal(homelab_error_code(), 0);
}

static void test_descriptor(void **state)
{
    homelab_ctx *ctx = *state;
    int fd = homelab_ctx_fd(ctx);
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_false(readable(fd));
    queue(ctx, "a");
    queue(ctx, "b");
    /* Readable while something waits, however often it was dispatched. */
    assert_true(readable(fd));
    assert_int_equal(homelab_ctx_dispatch(ctx, 0), 2);
    assert_true(readable(fd));
    assert_int_equal(take(ctx), 1);
    assert_true(readable(fd));
    assert_int_equal(take(ctx), 1);
    assert_false(readable(fd));
    assert_int_equal(take(ctx), 0);
    assert_int_equal(homelab_ctx_dispatch(ctx, 0), 0);
    assert_int_equal(homelab_ctx_fd(ctx), fd);
}

static void list_fds(bool *out, int count)
{
    for (int fd = 0; fd < count; fd++)
        out[fd] = fcntl(fd, F_GETFD) >= 0;
}

/* Each descriptor that a context opens may be the one too many. */
static void test_out_of_descriptors(void **state)
{
    (void)state;
    struct rlimit before, few;
    bool at_first[256], at_last[256];
    getrlimit(RLIMIT_NOFILE, &before);
    list_fds(at_first, 256);
    int free_fd = dup(0);
    close(free_fd);
    homelab_ctx *ctx = NULL;
    int code = HOMELAB_E_SYSTEM;
    int failures = 0;
    for (rlim_t allowed = (rlim_t)free_fd; code; allowed++) {
        few = (struct rlimit){allowed, before.rlim_max};
        setrlimit(RLIMIT_NOFILE, &few);
        code = homelab_ctx_new(&ctx, NULL);
        setrlimit(RLIMIT_NOFILE, &before);
        assert_int_equal(homelab_error_code(), code);
        if (!code)
            break;
        failures++;
        assert_int_equal(code, HOMELAB_E_SYSTEM);
        assert_int_equal(homelab_error_sub_code(), EMFILE);
        assert_null(ctx);
        list_fds(at_last, 256);
        assert_memory_equal(at_first, at_last, sizeof at_first);
    }
    assert_int_equal(failures, 5);
    homelab_ctx_unref(ctx);
}

/* Everything that the process opens on behalf of a context is closed in a program it executes. */
static void test_close_on_exec(void **state)
{
    (void)state;
    bool before[256];
    list_fds(before, 256);
    homelab_ctx *ctx;
    assert_int_equal(homelab_ctx_new(&ctx, NULL), 0);
    for (int fd = 0; fd < 256; fd++)
        if (!before[fd] && fcntl(fd, F_GETFD) >= 0)
            assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    homelab_ctx_unref(ctx);
    for (int fd = 0; fd < 256; fd++)
        assert_int_equal(fcntl(fd, F_GETFD) >= 0, before[fd]);
}

static void test_wakeup(void **state)
{
    homelab_ctx *ctx = *state;
    int fd = homelab_ctx_fd(ctx);
    assert_int_equal(homelab_ctx_wakeup(ctx), 0);
    assert_int_equal(homelab_ctx_wakeup(ctx), 0);
    assert_true(readable(fd));
    assert_int_equal(homelab_ctx_wait(ctx, -1), 0);
    assert_false(readable(fd));
    assert_int_equal(homelab_ctx_wait(ctx, 1), 0);

    /* Taking the last event must not swallow a wake-up. */
    queue(ctx, "a");
    assert_int_equal(homelab_ctx_dispatch(ctx, 0), 1);
    homelab_ctx_wakeup(ctx);
    assert_int_equal(take(ctx), 1);
    assert_true(readable(fd));
    assert_int_equal(homelab_ctx_dispatch(ctx, 0), 0);
    assert_false(readable(fd));
}

static homelab_ctx *signalled;

static void on_signal(int number)
{
    (void)number;
    homelab_ctx_wakeup(signalled);
}

static void test_wakeup_from_a_signal_handler(void **state)
{
    signalled = *state;
    struct sigaction action = {.sa_handler = on_signal}, before;
    sigaction(SIGALRM, &action, &before);
    timer_t timer;
    assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
    struct itimerspec soon = {.it_value.tv_nsec = 20000000};
    timer_settime(timer, 0, &soon, NULL);
    assert_int_equal(homelab_ctx_wait(*state, -1), 0);
    timer_delete(timer);
    sigaction(SIGALRM, &before, NULL);
}

static void test_wait_for_an_event(void **state)
{
    homelab_ctx *ctx = *state;
    int64_t start_us = hl_clock_real();
    assert_int_equal(homelab_ctx_wait(ctx, 30), 0);
    assert_true(hl_clock_real() - start_us >= 30000);
    queue(ctx, "a");
    assert_int_equal(homelab_ctx_wait(ctx, -1), 1);
    assert_int_equal(homelab_ctx_wait(ctx, -1), 1);
    assert_int_equal(take(ctx), 1);
}

static void count_call(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    ++*(int *)userdata;
}

static void queue_event(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    hl_event_queue(userdata, &(struct hl_event_fields){.type = HOMELAB_EVENT_TIER});
}

static void test_wait_runs_timers(void **state)
{
    homelab_ctx *ctx = *state;
    struct hl_timer count, finish;
    int calls = 0;
    hl_timer_init(&count, count_call, &calls);
    hl_timer_init(&finish, queue_event, ctx);
    assert_int_equal(hl_ctx_enter(ctx), 0);
    struct hl_loop *loop = hl_ctx_loop(ctx);
    assert_int_equal(hl_loop_reserve_timer(loop) | hl_loop_reserve_timer(loop), 0);
    hl_timer_arm(loop, &count, hl_loop_now(loop) + 10000);
    hl_timer_arm(loop, &finish, hl_loop_now(loop) + 30000);
    hl_ctx_leave(ctx);
    assert_int_equal(homelab_ctx_wait(ctx, 10000), 1);
    assert_int_equal(calls, 1);
    assert_int_equal(take(ctx), 1);
    /* At first nothing was due; then two timers, at most two dispatches. */
    struct hl_loop_stats stats;
    hl_loop_stats(loop, &stats);
    assert_in_range(stats.dispatches, 1, 2);
    assert_in_range(stats.spurious, 0, 1);
}

/* --- Blocking calls --- */

static bool is_set(void *userdata)
{
    return *(const int *)userdata > 0;
}

static void test_wait_until(void **state)
{
    homelab_ctx *ctx = *state;
    struct hl_timer timer;
    int calls = 0;
    hl_timer_init(&timer, count_call, &calls);
    assert_int_equal(hl_ctx_enter(ctx), 0);
    assert_int_equal(hl_loop_reserve_timer(hl_ctx_loop(ctx)), 0);
    hl_timer_arm(hl_ctx_loop(ctx), &timer, hl_loop_now(hl_ctx_loop(ctx)) + 20000);
    hl_ctx_leave(ctx);
    /* Events and wake-ups do not end it, and are there afterwards. */
    queue(ctx, "a");
    homelab_ctx_wakeup(ctx);
    assert_int_equal(hl_ctx_wait_until(ctx, is_set, &calls, 10000), HOMELAB_OK);
    assert_int_equal(calls, 1);
    assert_true(readable(homelab_ctx_fd(ctx)));
    assert_int_equal(take(ctx), 1);
    assert_true(readable(homelab_ctx_fd(ctx)));
    assert_int_equal(homelab_ctx_wait(ctx, -1), 0);
    assert_false(readable(homelab_ctx_fd(ctx)));

    calls = 0;
    uint64_t before = hl_alloc_count();
    assert_int_equal(hl_ctx_wait_until(ctx, is_set, &calls, 10), HOMELAB_E_TIMEOUT);
    assert_int_equal(hl_alloc_count(), before);
    hl_ctx_poke(ctx);
    assert_false(readable(homelab_ctx_fd(ctx)));
    homelab_ctx_close(ctx);
    assert_int_equal(hl_ctx_wait_until(ctx, is_set, &calls, 10), HOMELAB_E_CLOSED);
}

/* The script of a host's loop, with a clock that the test moves: as many dispatches as reasons. */
static void test_number_of_dispatches(void **state)
{
    homelab_ctx *ctx = *state;
    struct hl_timer timers[3];
    int calls = 0, dispatches = 0;
    assert_int_equal(homelab_testing_freeze_clock(ctx, 0, 0), 0);
    assert_int_equal(homelab_testing_next_timer_us(ctx), -1);
    assert_int_equal(hl_ctx_enter(ctx), 0);
    for (int i = 0; i < 3; i++) {
        hl_timer_init(&timers[i], count_call, &calls);
        assert_int_equal(hl_loop_reserve_timer(hl_ctx_loop(ctx)), 0);
        hl_timer_arm(hl_ctx_loop(ctx), &timers[i], i < 2 ? 500 : 900);
    }
    hl_ctx_leave(ctx);
    for (int64_t now_us = 0; now_us < 2000; now_us += 100) {
        while (readable(homelab_ctx_fd(ctx))) {
            homelab_ctx_dispatch(ctx, 0);
            dispatches++;
        }
        assert_int_equal(homelab_testing_advance_clock(ctx, 100), 0);
    }
    assert_int_equal(calls, 3);
    assert_int_equal(dispatches, 2);
}

static void test_frozen_clock_arguments(void **state)
{
    homelab_ctx *ctx = *state;
    assert_int_equal(homelab_testing_advance_clock(ctx, 1), HOMELAB_E_STATE);
    assert_int_equal(homelab_testing_freeze_clock(ctx, -1, 0), HOMELAB_E_INVALID);
    assert_int_equal(homelab_testing_freeze_clock(NULL, 0, 0), HOMELAB_E_INVALID);
    assert_int_equal(homelab_testing_freeze_clock(ctx, 5, 7), 0);
    assert_int_equal(homelab_testing_advance_clock(ctx, -1), HOMELAB_E_INVALID);
    assert_int_equal(homelab_testing_advance_clock(ctx, INT64_MAX), HOMELAB_E_INVALID);
    assert_int_equal(homelab_testing_advance_clock(ctx, 10), 0);
    assert_int_equal(hl_clock_now(hl_ctx_clock(ctx)), 15);
    assert_int_equal(hl_clock_wall(hl_ctx_clock(ctx)), 17);
    struct hl_timer timer;
    int calls = 0;
    hl_timer_init(&timer, count_call, &calls);
    assert_int_equal(hl_loop_reserve_timer(hl_ctx_loop(ctx)), 0);
    hl_timer_arm(hl_ctx_loop(ctx), &timer, 20);
    assert_int_equal(homelab_testing_next_timer_us(ctx), 5);
    assert_int_equal(homelab_testing_advance_clock(ctx, 50), 0);
    assert_int_equal(homelab_testing_next_timer_us(ctx), 0);
    assert_int_equal(homelab_testing_next_timer_us(NULL), -1);
    hl_timer_disarm(hl_ctx_loop(ctx), &timer);
}

/* --- Idle --- */

static void test_idle_does_nothing(void **state)
{
    homelab_ctx *ctx = *state;
    struct hl_timer timer;
    int calls = 0;
    hl_timer_init(&timer, count_call, &calls);
    assert_int_equal(hl_ctx_enter(ctx), 0);
    assert_int_equal(hl_loop_reserve_timer(hl_ctx_loop(ctx)), 0);
    hl_timer_arm(hl_ctx_loop(ctx), &timer, hl_loop_now(hl_ctx_loop(ctx)) + 200000);
    hl_ctx_leave(ctx);
    uint64_t before = hl_alloc_count();
    int wakes = 0;
    while (!calls && wakes < 100) {
        assert_true(readable_within(homelab_ctx_fd(ctx), 5000));
        homelab_ctx_dispatch(ctx, 0);
        wakes++;
    }
    assert_int_equal(wakes, 1);
    assert_int_equal(hl_alloc_count(), before);
}

/* --- SIGPIPE --- */

static void break_pipe(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    assert_int_equal(write(fds[1], "x", 1), -1);
    *(int *)userdata = errno;
    close(fds[1]);
}

static void test_sigpipe_stays_inside(void **state)
{
    homelab_ctx *ctx = *state;
    int error = 0;
    struct hl_task task = {.fn = break_pipe, .userdata = &error};
    sigset_t mask, pending;
    signal(SIGPIPE, SIG_DFL);
    hl_loop_post(hl_ctx_loop(ctx), &task);
    assert_int_equal(homelab_ctx_dispatch(ctx, 0), 0);
    assert_int_equal(error, EPIPE);
    hl_loop_post(hl_ctx_loop(ctx), &task);
    assert_int_equal(homelab_ctx_wait(ctx, 0), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_false(sigismember(&mask, SIGPIPE));

    /* One that the host blocked itself, and what is pending of it, is the host's. */
    sigemptyset(&mask);
    sigaddset(&mask, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &mask, NULL);
    raise(SIGPIPE);
    assert_int_equal(homelab_ctx_dispatch(ctx, 0), 0);
    sigpending(&pending);
    assert_true(sigismember(&pending, SIGPIPE));
    sigtimedwait(&mask, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
}

/* --- Log --- */

struct listener {
    homelab_ctx *ctx;
    char text[2048];
    int calls, destroyed, code;
    bool inside; /* tries what is not allowed inside a callback */
};

static void on_log(int level, const char *subsystem, const char *message, void *userdata)
{
    struct listener *listener = userdata;
    size_t length = strlen(listener->text);
    listener->calls++;
    snprintf(listener->text + length, sizeof listener->text - length, "%d %s %s\n", level,
             subsystem, message);
    if (!listener->inside)
        return;
    assert_int_equal(homelab_ctx_dispatch(listener->ctx, 0), HOMELAB_E_STATE);
    assert_int_equal(homelab_ctx_wait(listener->ctx, 0), HOMELAB_E_STATE);
    assert_int_equal(homelab_ctx_close(listener->ctx), HOMELAB_E_STATE);
    assert_int_equal(homelab_ctx_start_thread(listener->ctx), HOMELAB_E_STATE);
    assert_int_equal(homelab_ctx_wakeup(listener->ctx), 0);
    /* Replaced while it runs: destroyed after it returned. */
    assert_int_equal(homelab_ctx_set_log(listener->ctx, 0, NULL, NULL, NULL), 0);
    assert_int_equal(listener->destroyed, 0);
    hl_log(listener->ctx, HOMELAB_LOG_ERROR, "test", "from inside");
}

static void on_destroy(void *userdata)
{
    ((struct listener *)userdata)->destroyed++;
}

static void test_log(void **state)
{
    homelab_ctx *ctx = *state;
    struct listener listener = {.ctx = ctx};
    assert_int_equal(homelab_testing_freeze_clock(ctx, 0, INT64_C(1795392000042000)), 0);
    hl_log(ctx, HOMELAB_LOG_INFO, "test", "before anybody listens");
    assert_false(readable(homelab_ctx_fd(ctx)));
    assert_int_equal(homelab_ctx_set_log(ctx, HOMELAB_LOG_WARN, on_log, &listener, on_destroy), 0);
    hl_log(ctx, HOMELAB_LOG_WARN, "test", "line %d\n\x01with\tcontrols", 1);
    hl_log(ctx, HOMELAB_LOG_INFO, "test", "for the ring only");
    hl_log(ctx, HOMELAB_LOG_DEBUG, "test", "for nobody");
    assert_int_equal(listener.calls, 0);
    assert_true(readable(homelab_ctx_fd(ctx)));
    assert_int_equal(homelab_ctx_dispatch(ctx, 0), 0);
    assert_false(readable(homelab_ctx_fd(ctx)));
    assert_string_equal(listener.text, "20 test line 1  with controls\n");
    char *text = homelab_ctx_log_text(ctx);
    assert_string_equal(text, "2026-11-23T00:00:00.042Z info test: before anybody listens\n"
                              "2026-11-23T00:00:00.042Z warn test: line 1  with controls\n"
                              "2026-11-23T00:00:00.042Z info test: for the ring only\n");
    homelab_free(text);
    assert_int_equal(homelab_ctx_set_log(ctx, 0, NULL, NULL, NULL), 0);
    assert_int_equal(listener.destroyed, 1);
}

static void test_log_from_inside(void **state)
{
    homelab_ctx *ctx = *state;
    struct listener listener = {.ctx = ctx, .inside = true};
    homelab_ctx_set_log(ctx, HOMELAB_LOG_DEBUG, on_log, &listener, on_destroy);
    hl_log(ctx, HOMELAB_LOG_DEBUG, "test", "a");
    hl_log(ctx, HOMELAB_LOG_DEBUG, "test", "b");
    assert_int_equal(homelab_ctx_dispatch(ctx, 0), 0);
    assert_int_equal(homelab_error_code(), 0);
    assert_int_equal(listener.calls, 1);
    assert_int_equal(listener.destroyed, 1);
}

static void test_log_limits(void **state)
{
    (void)state;
    homelab_opts *opts;
    homelab_ctx *ctx;
    assert_int_equal(homelab_opts_new(&opts), 0);
    assert_int_equal(homelab_opts_set_int(opts, HOMELAB_OPT_LOG_RING, 2), 0);
    assert_int_equal(homelab_ctx_new(&ctx, opts), 0);
    homelab_opts_free(opts);
    struct listener listener = {.ctx = ctx};
    homelab_ctx_set_log(ctx, HOMELAB_LOG_INFO, on_log, &listener, on_destroy);
    for (int i = 0; i < 70; i++)
        hl_log(ctx, HOMELAB_LOG_INFO, "test", "%d", i);
    char *text = homelab_ctx_log_text(ctx);
    assert_non_null(strstr(text, "Z info test: 68\n"));
    assert_null(strstr(text, "test: 67\n"));
    assert_string_equal(text + strlen(text) - 14, "info test: 69\n");
    homelab_free(text);
    homelab_ctx_dispatch(ctx, 0);
    /* 64 that there was room for, and one that tells of the rest. */
    assert_int_equal(listener.calls, 65);
    assert_non_null(strstr(listener.text, "20 log 6 lines were lost\n"));
    assert_null(strstr(listener.text, "30 test 5\n"));
    assert_non_null(strstr(listener.text, "30 test 6\n"));
    char long_line[2000];
    memset(long_line, 'x', sizeof long_line);
    long_line[sizeof long_line - 1] = '\0';
    listener.text[0] = '\0';
    hl_log(ctx, HOMELAB_LOG_INFO, "test", "%s", long_line);
    homelab_ctx_dispatch(ctx, 0);
    assert_int_equal(strlen(listener.text), strlen("30 test \n") + 511);
    homelab_ctx_unref(ctx);
    assert_int_equal(listener.destroyed, 1);
}

static void test_destroy_when_registering_fails(void **state)
{
    homelab_ctx *ctx = *state;
    struct listener listener = {.ctx = ctx};
    assert_int_equal(homelab_ctx_set_log(NULL, 10, on_log, &listener, on_destroy),
                     HOMELAB_E_INVALID);
    assert_int_equal(homelab_error_code(), HOMELAB_E_INVALID);
    assert_int_equal(listener.destroyed, 1);
    failmalloc_arm(1, true);
    int code = homelab_ctx_set_log(ctx, 10, on_log, &listener, on_destroy);
    failmalloc_disarm();
    assert_int_equal(code, HOMELAB_E_NOMEM);
    assert_int_equal(listener.destroyed, 2);
    homelab_ctx_close(ctx);
    assert_int_equal(homelab_ctx_set_log(ctx, 10, on_log, &listener, on_destroy), HOMELAB_E_CLOSED);
    assert_int_equal(listener.destroyed, 3);
}

/* --- Services and closers --- */

static char journal[64];

static void note(const char *what)
{
    strcat(journal, what);
}

static int make_service(void **out, homelab_ctx *ctx)
{
    (void)ctx;
    note("make ");
    *out = hl_strdup("service");
    return *out ? HOMELAB_OK : hl_error_nomem();
}

static void free_service(void *service)
{
    note("free ");
    hl_free(service);
}

static void on_close(void *userdata)
{
    note(userdata);
}

static const struct hl_service service_type = {"test", make_service, free_service};

static void test_services_and_closers(void **state)
{
    homelab_ctx *ctx = *state;
    void *service, *again;
    struct hl_closer first = {.fn = on_close, .userdata = "first "};
    struct hl_closer second = {.fn = on_close, .userdata = "second "};
    struct hl_closer third = {.fn = on_close, .userdata = "third "};
    journal[0] = '\0';
    assert_null(hl_ctx_service_peek(ctx, &service_type));
    assert_int_equal(hl_ctx_service(ctx, &service_type, &service), 0);
    assert_int_equal(hl_ctx_service(ctx, &service_type, &again), 0);
    assert_ptr_equal(service, again);
    hl_ctx_add_closer(ctx, &first);
    hl_ctx_add_closer(ctx, &second);
    hl_ctx_add_closer(ctx, &third);
    hl_ctx_remove_closer(ctx, &second);
    hl_ctx_remove_closer(ctx, &second);
    queue(ctx, "left");
    assert_int_equal(homelab_ctx_close(ctx), 0);
    assert_string_equal(journal, "make third first free ");
    assert_int_equal(homelab_ctx_close(ctx), 0);
    assert_string_equal(journal, "make third first free ");

    assert_int_equal(homelab_ctx_fd(ctx), HOMELAB_E_CLOSED);
    assert_int_equal(homelab_ctx_timeout_ms(ctx), 0);
    assert_int_equal(homelab_ctx_dispatch(ctx, 0), HOMELAB_E_CLOSED);
    assert_int_equal(homelab_ctx_wait(ctx, -1), HOMELAB_E_CLOSED);
    assert_int_equal(homelab_ctx_start_thread(ctx), HOMELAB_E_CLOSED);
    assert_int_equal(homelab_ctx_wakeup(ctx), 0);
    assert_int_equal(hl_ctx_service(ctx, &service_type, &service), HOMELAB_E_CLOSED);
    assert_int_equal(take(ctx), 1);
    assert_int_equal(take(ctx), 0);
    assert_int_equal(homelab_error_code(), 0);
    hl_ctx_remove_closer(ctx, &first);
}

/* --- Memory --- */

struct account {
    long blocks;
    long calls;
};

static void *account_malloc(size_t size, void *userdata)
{
    struct account *account = userdata;
    account->blocks++;
    account->calls++;
    return malloc(size);
}

static void *account_realloc(void *block, size_t size, void *userdata)
{
    struct account *account = userdata;
    account->blocks += !block;
    account->calls++;
    return realloc(block, size);
}

static void account_free(void *block, void *userdata)
{
    ((struct account *)userdata)->blocks--;
    free(block);
}

static void test_allocator(void **state)
{
    (void)state;
    struct account account = {0};
    homelab_allocator *allocator;
    homelab_opts *opts;
    homelab_ctx *ctx;
    homelab_event *event;
    assert_int_equal(
        homelab_allocator_new(&allocator, account_malloc, account_realloc, account_free, &account),
        0);
    assert_int_equal(homelab_opts_new(&opts), 0);
    assert_int_equal(homelab_opts_set_allocator(opts, allocator), 0);
    assert_int_equal(homelab_ctx_new(&ctx, opts), 0);
    homelab_opts_free(opts);
    long before = account.calls;
    long live = failmalloc_live();
    assert_true(before > 5);
    queue(ctx, "a");
    hl_log(ctx, HOMELAB_LOG_ERROR, "test", "x");
    assert_int_equal(homelab_ctx_next_event(ctx, &event), 1);
    char *json = homelab_event_json(event);
    char *text = homelab_ctx_log_text(ctx);
    char *stats = homelab_ctx_stats_json(ctx);
    /* Outside of a public function's scope the library takes libc's. */
    assert_true(account.calls >= before + 3);
    assert_true(failmalloc_live() > live);
    homelab_ctx_unref(ctx);
    homelab_event_unref(event);
    homelab_free(json);
    homelab_free(text);
    homelab_free(stats);
    assert_int_equal(account.blocks, 1); /* the allocator itself */
    homelab_allocator_free(allocator);
    assert_int_equal(account.blocks, 0);
}

static int use(homelab_ctx *ctx)
{
    void *service;
    struct listener listener = {.ctx = ctx};
    int code = homelab_ctx_set_log(ctx, HOMELAB_LOG_DEBUG, on_log, &listener, NULL);
    if (code)
        return failmalloc_failed(code);
    journal[0] = '\0';
    code = hl_ctx_service(ctx, &service_type, &service);
    if (code)
        return failmalloc_failed(code);
    hl_log(ctx, HOMELAB_LOG_INFO, "test", "a line");
    queue(ctx, "subject");
    code = homelab_ctx_dispatch(ctx, 0);
    if (code != 1)
        return failmalloc_failed(code < 0 ? code : HOMELAB_E_STATE);
    char *json = homelab_ctx_stats_json(ctx);
    if (!json)
        return failmalloc_failed(homelab_error_code());
    homelab_free(json);
    homelab_event *event;
    code = homelab_ctx_next_event(ctx, &event);
    if (code < 0)
        return failmalloc_failed(code);
    json = homelab_event_json(event);
    homelab_event_unref(event);
    if (!json)
        return failmalloc_failed(homelab_error_code());
    homelab_free(json);
    return homelab_ctx_close(ctx);
}

static int live(void *userdata)
{
    (void)userdata;
    homelab_ctx *ctx;
    int code = homelab_ctx_new(&ctx, NULL);
    if (code)
        return failmalloc_failed(code);
    code = use(ctx);
    homelab_ctx_unref(ctx);
    return code;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(live, NULL);
}

#define ON_CTX(test) cmocka_unit_test_setup_teardown(test, with_ctx, without_ctx)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null),
        ON_CTX(test_arguments),
        ON_CTX(test_descriptor),
        cmocka_unit_test(test_close_on_exec),
        cmocka_unit_test(test_out_of_descriptors),
        ON_CTX(test_wakeup),
        ON_CTX(test_wakeup_from_a_signal_handler),
        ON_CTX(test_wait_for_an_event),
        ON_CTX(test_wait_runs_timers),
        ON_CTX(test_wait_until),
        ON_CTX(test_number_of_dispatches),
        ON_CTX(test_frozen_clock_arguments),
        ON_CTX(test_idle_does_nothing),
        ON_CTX(test_sigpipe_stays_inside),
        ON_CTX(test_log),
        ON_CTX(test_log_from_inside),
        cmocka_unit_test(test_log_limits),
        ON_CTX(test_destroy_when_registering_fails),
        ON_CTX(test_services_and_closers),
        cmocka_unit_test(test_allocator),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
