#include "core/ctx.h"
#include "core/event.h"
#include "core/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/readable.h"

/* The child answers with the line of its first failed check, 0 for none. Then it is killed: a leak
 * checker that looks at its end would find what is the parent's to free. */
static int answer_fd;

static void answer(int line)
{
    if (write(answer_fd, &line, sizeof line) == sizeof line)
        raise(SIGKILL);
    abort();
}

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            answer(__LINE__);                                                                      \
    } while (0)

static void in_child(void (*fn)(homelab_ctx *ctx, void *userdata), homelab_ctx *ctx, void *userdata)
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    answer_fd = fds[1];
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fn(ctx, userdata);
        answer(0);
    }
    int line = -1, status;
    close(fds[1]);
    assert_int_equal(read(fds[0], &line, sizeof line), sizeof line);
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(line, 0);
}

/* A peer, and work that the context does with it. */
struct peer {
    homelab_ctx *ctx;
    int ours, theirs;
    struct hl_source source;
    struct hl_timer timer;
    struct hl_task task;
    struct hl_closer closer;
    homelab_op *op;
    struct hl_secret_wait *wait;
    int heard, fired, ran, answered;
};

static void on_peer(struct hl_loop *loop, int fd, uint32_t events, void *userdata)
{
    (void)loop, (void)events;
    struct peer *peer = userdata;
    char byte;
    peer->heard += read(fd, &byte, 1) == 1;
}

static void on_timer(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    ((struct peer *)userdata)->fired++;
}

static void on_task(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    ((struct peer *)userdata)->ran++;
}

static void on_answer(const char *secret, const struct hl_error *error, void *userdata)
{
    (void)secret, (void)error;
    ((struct peer *)userdata)->answered++;
}

static void on_close(void *userdata)
{
    struct peer *peer = userdata;
    struct hl_loop *loop = hl_ctx_loop(peer->ctx);
    struct hl_error error;
    hl_error_format(&error, HOMELAB_E_CLOSED, 0, "peer", "peer: closed");
    hl_loop_remove(loop, peer->source);
    hl_timer_disarm(loop, &peer->timer);
    hl_loop_release_timer(loop);
    hl_loop_unpost(loop, &peer->task);
    hl_op_complete(peer->op, &error);
    hl_log(peer->ctx, HOMELAB_LOG_INFO, "test", "closed");
    /* What a real part does: says good-bye, but not in the child of a fork. */
    if (!hl_ctx_forked(peer->ctx))
        assert_int_equal(write(peer->ours, "bye", 3), 3);
    close(peer->ours);
}

static void open_peer(homelab_ctx *ctx, struct peer *peer)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    *peer = (struct peer){.ctx = ctx, .ours = fds[0], .theirs = fds[1]};
    peer->task = (struct hl_task){.fn = on_task, .userdata = peer};
    peer->closer = (struct hl_closer){.fn = on_close, .userdata = peer};
    hl_timer_init(&peer->timer, on_timer, peer);
    assert_int_equal(hl_ctx_enter(ctx), 0);
    struct hl_loop *loop = hl_ctx_loop(ctx);
    assert_int_equal(hl_loop_reserve_timer(loop), 0);
    hl_timer_arm(loop, &peer->timer, hl_loop_now(loop) + 50000);
    assert_int_equal(hl_loop_add(loop, &peer->source, peer->ours, EPOLLIN, on_peer, peer), 0);
    assert_int_equal(hl_op_new(&peer->op, ctx, NULL, NULL), 0);
    assert_int_equal(hl_secret_ask(ctx, HOMELAB_SECRET_KIND_API_KEY, "env:HL_TEST_KEY", "x", 1,
                                   on_answer, peer, &peer->wait),
                     0);
    hl_ctx_add_closer(ctx, &peer->closer);
    hl_ctx_leave(ctx);
}

static void every_call_says_forked(homelab_ctx *ctx, void *userdata)
{
    (void)userdata;
    homelab_event *event;
    CHECK(homelab_ctx_fd(ctx) == HOMELAB_E_FORKED);
    CHECK(homelab_ctx_timeout_ms(ctx) == 0);
    CHECK(homelab_ctx_dispatch(ctx, 0) == HOMELAB_E_FORKED);
    CHECK(homelab_error_code() == HOMELAB_E_FORKED);
    CHECK(strstr(homelab_error_message(), "used in its child"));
    CHECK(homelab_ctx_wait(ctx, -1) == HOMELAB_E_FORKED);
    CHECK(homelab_ctx_wakeup(ctx) == HOMELAB_E_FORKED);
    CHECK(homelab_ctx_next_event(ctx, &event) == HOMELAB_E_FORKED);
    CHECK(homelab_ctx_start_thread(ctx) == HOMELAB_E_FORKED);
    CHECK(homelab_ctx_set_log(ctx, 0, NULL, NULL, NULL) == HOMELAB_E_FORKED);
    CHECK(homelab_ctx_set_secret_provider(ctx, NULL, NULL, NULL) == HOMELAB_E_FORKED);
    CHECK(!homelab_ctx_log_text(ctx) && homelab_error_code() == HOMELAB_E_FORKED);
    CHECK(!homelab_ctx_stats_json(ctx) && homelab_error_code() == HOMELAB_E_FORKED);
    CHECK(homelab_ctx_close(ctx) == HOMELAB_OK);
    CHECK(homelab_ctx_close(ctx) == HOMELAB_OK);
    CHECK(homelab_ctx_dispatch(ctx, 0) == HOMELAB_E_FORKED);
    homelab_ctx_unref(ctx);
}

static void drop_it(homelab_ctx *ctx, void *userdata)
{
    (void)userdata;
    int fd = homelab_ctx_fd(ctx);
    CHECK(fd == HOMELAB_E_FORKED);
    homelab_ctx_unref(ctx);
}

static void op_calls(homelab_ctx *ctx, void *userdata)
{
    const struct peer *peer = userdata;
    CHECK(homelab_op_cancel(peer->op) == HOMELAB_E_FORKED);
    CHECK(homelab_op_result(peer->op) == HOMELAB_E_PENDING);
    homelab_ctx_unref(ctx);
    CHECK(homelab_op_result(peer->op) == HOMELAB_E_PENDING); /* it holds the context itself */
}

/* A context of the child's own works. */
static void own_context(homelab_ctx *ctx, void *userdata)
{
    (void)userdata;
    homelab_ctx *own;
    homelab_ctx_close(ctx);
    CHECK(homelab_ctx_new(&own, NULL) == 0);
    CHECK(homelab_ctx_wait(own, 1) == 0);
    homelab_ctx_unref(own);
    homelab_ctx_unref(ctx);
}

static void check_parent_works_on(homelab_ctx *ctx, struct peer *peer)
{
    char bytes[8];
    assert_int_equal(read(peer->theirs, bytes, sizeof bytes), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(write(peer->theirs, "x", 1), 1);
    assert_int_equal(homelab_ctx_wait(ctx, 100), 0);
    hl_ctx_lock(ctx);
    assert_int_equal(peer->heard, 1);
    assert_int_equal(peer->fired, 1);
    hl_ctx_unlock(ctx);
    assert_int_equal(homelab_ctx_close(ctx), 0);
    assert_int_equal(read(peer->theirs, bytes, sizeof bytes), 3);
    assert_int_equal(homelab_op_result(peer->op), HOMELAB_E_CLOSED);
    close(peer->theirs);
}

static void test_child(void **state)
{
    (void)state;
    void (*const children[])(homelab_ctx *, void *) = {every_call_says_forked, drop_it, op_calls,
                                                       own_context};
    for (int threaded = 0; threaded < 2; threaded++) {
        for (size_t i = 0; i < sizeof children / sizeof *children; i++) {
            homelab_ctx *ctx;
            struct peer peer;
            assert_int_equal(homelab_ctx_new(&ctx, NULL), 0);
            open_peer(ctx, &peer);
            if (threaded)
                assert_int_equal(homelab_ctx_start_thread(ctx), 0);
            in_child(children[i], ctx, &peer);
            homelab_op_ref(peer.op);
            check_parent_works_on(ctx, &peer);
            homelab_op_unref(peer.op);
            homelab_ctx_unref(ctx);
        }
    }
}

/* The thread holds the lock at the fork: the child can only let go. */
struct holder {
    homelab_ctx *ctx;
    atomic_bool holds, enough;
};

static void *hold_lock(void *userdata)
{
    struct holder *holder = userdata;
    hl_ctx_lock(holder->ctx);
    atomic_store(&holder->holds, true);
    while (!atomic_load(&holder->enough))
        usleep(1000);
    hl_ctx_unlock(holder->ctx);
    return NULL;
}

static void close_unsound(homelab_ctx *ctx, void *userdata)
{
    (void)userdata;
    alarm(5); /* where it waits for a lock that nobody gives back */
    CHECK(homelab_ctx_close(ctx) == HOMELAB_OK);
    homelab_ctx_unref(ctx);
}

static void test_fork_while_another_thread_works(void **state)
{
    (void)state;
    struct holder holder = {0};
    pthread_t thread;
    assert_int_equal(homelab_ctx_new(&holder.ctx, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, hold_lock, &holder), 0);
    while (!atomic_load(&holder.holds))
        usleep(1000);
    in_child(close_unsound, holder.ctx, NULL);
    atomic_store(&holder.enough, true);
    pthread_join(thread, NULL);
    homelab_ctx_unref(holder.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_child),
        cmocka_unit_test(test_fork_while_another_thread_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
