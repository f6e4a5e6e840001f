#include "core/loop.h"

#include "core/alloc.h"

#include <homelab/error.h>

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/failmalloc.h"
#include "support/readable.h"

#define BUDGET 1000000 /* never the reason, also under valgrind */
#define LITTLE 3000

static struct hl_clock real;

static int with_loop(void **state)
{
    return hl_loop_new((struct hl_loop **)state, &real);
}

static int without_loop(void **state)
{
    hl_loop_free(*state);
    return 0;
}

struct pipe_end {
    int read, write;
    struct hl_source source;
    int calls;
    uint32_t events;
    struct pipe_end *removes; /* closes and takes out this one when called */
    bool greedy;              /* leaves what is there */
};

static void open_pipe(struct pipe_end *end)
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    *end = (struct pipe_end){.read = fds[0], .write = fds[1]};
}

static void close_pipe(struct pipe_end *end)
{
    if (end->read >= 0)
        close(end->read);
    close(end->write);
}

static void feed(const struct pipe_end *end)
{
    assert_int_equal(write(end->write, "x", 1), 1);
}

static void on_pipe(struct hl_loop *loop, int fd, uint32_t events, void *userdata)
{
    struct pipe_end *end = userdata;
    char byte;
    assert_int_equal(fd, end->read);
    end->calls++;
    end->events = events;
    if (!end->greedy)
        assert_true(read(fd, &byte, 1) >= 0);
    if (end->removes) {
        hl_loop_remove(loop, end->removes->source);
        close(end->removes->read);
        end->removes->read = -1;
    }
}

static void watch(struct hl_loop *loop, struct pipe_end *end)
{
    assert_int_equal(hl_loop_add(loop, &end->source, end->read, EPOLLIN, on_pipe, end), 0);
}

static void test_source_and_drain(void **state)
{
    struct hl_loop *loop = *state;
    struct pipe_end end;
    open_pipe(&end);
    watch(loop, &end);
    assert_false(readable(hl_loop_fd(loop)));
    feed(&end);
    assert_true(readable(hl_loop_fd(loop)));
    assert_false(hl_loop_dispatch(loop, BUDGET));
    assert_int_equal(end.calls, 1);
    assert_int_equal(end.events, EPOLLIN);
    assert_false(readable(hl_loop_fd(loop)));
    hl_loop_dispatch(loop, BUDGET);
    assert_int_equal(end.calls, 1);

    /* Level-triggered: what is left is reported again. */
    feed(&end);
    feed(&end);
    hl_loop_dispatch(loop, BUDGET);
    assert_int_equal(end.calls, 2);
    assert_true(readable(hl_loop_fd(loop)));
    hl_loop_dispatch(loop, BUDGET);
    assert_int_equal(end.calls, 3);
    assert_false(readable(hl_loop_fd(loop)));

    struct hl_loop_stats stats;
    hl_loop_stats(loop, &stats);
    assert_int_equal(stats.dispatches, 3);
    assert_int_equal(stats.spurious, 1);

    hl_loop_remove(loop, end.source);
    feed(&end);
    assert_false(readable(hl_loop_fd(loop)));
    hl_loop_remove(loop, end.source);
    assert_int_equal(hl_loop_modify(loop, end.source, EPOLLOUT), HOMELAB_E_STATE);
    close_pipe(&end);
}

static void test_modify(void **state)
{
    struct hl_loop *loop = *state;
    struct pipe_end end;
    open_pipe(&end);
    watch(loop, &end);
    assert_int_equal(hl_loop_modify(loop, end.source, 0), 0);
    feed(&end);
    hl_loop_dispatch(loop, BUDGET);
    assert_int_equal(end.calls, 0);
    assert_int_equal(hl_loop_modify(loop, end.source, EPOLLIN), 0);
    assert_int_equal(hl_loop_modify(loop, end.source, EPOLLIN), 0);
    hl_loop_dispatch(loop, BUDGET);
    assert_int_equal(end.calls, 1);
    hl_loop_remove(loop, end.source);
    close_pipe(&end);
}

static void test_wrong_descriptors(void **state)
{
    struct hl_loop *loop = *state;
    struct hl_source source;
    assert_int_equal(hl_loop_add(loop, &source, -1, EPOLLIN, on_pipe, NULL), HOMELAB_E_INVALID);
    assert_int_equal(hl_loop_add(loop, &source, 1000, EPOLLIN, on_pipe, NULL), HOMELAB_E_SYSTEM);
    assert_int_equal(homelab_error_sub_code(), 9 /* EBADF */);
    hl_loop_remove(loop, (struct hl_source){12345, 1});
    /* The failed one left nothing behind. */
    struct pipe_end end;
    open_pipe(&end);
    watch(loop, &end);
    assert_int_equal(end.source.slot, 0);
    hl_loop_remove(loop, end.source);
    close_pipe(&end);
}

/* Of two ready ones the first removes the other, closes it, and its number is taken again. */
static void test_removed_in_the_same_pass(void **state)
{
    struct hl_loop *loop = *state;
    struct pipe_end a, b, c;
    open_pipe(&a);
    open_pipe(&b);
    watch(loop, &a);
    watch(loop, &b);
    a.removes = &b;
    b.removes = &a;
    feed(&a);
    feed(&b);
    hl_loop_dispatch(loop, BUDGET);
    assert_int_equal(a.calls + b.calls, 1);
    struct pipe_end *gone = a.calls ? &b : &a;
    struct pipe_end *left = a.calls ? &a : &b;
    open_pipe(&c);
    watch(loop, &c);
    assert_int_equal(c.source.slot, gone->source.slot);
    assert_int_not_equal(c.source.generation, gone->source.generation);
    /* Late removal of the stale one must not hit the new one. */
    hl_loop_remove(loop, gone->source);
    feed(&c);
    hl_loop_dispatch(loop, BUDGET);
    assert_int_equal(c.calls, 1);
    hl_loop_remove(loop, left->source);
    hl_loop_remove(loop, c.source);
    close_pipe(&a);
    close_pipe(&b);
    close_pipe(&c);
}

static void test_closed_without_a_word(void **state)
{
    struct hl_loop *loop = *state;
    struct pipe_end old, fresh;
    open_pipe(&old);
    watch(loop, &old);
    int number = old.read;
    close(old.read);
    open_pipe(&fresh);
    assert_int_equal(fresh.read, number);
    watch(loop, &fresh);
    hl_loop_remove(loop, old.source);
    feed(&fresh);
    hl_loop_dispatch(loop, BUDGET);
    assert_int_equal(fresh.calls, 1);
    assert_int_equal(old.calls, 0);
    assert_int_equal(hl_loop_modify(loop, fresh.source, EPOLLIN | EPOLLRDHUP), 0);
    hl_loop_remove(loop, fresh.source);
    old.read = -1;
    close_pipe(&old);
    close_pipe(&fresh);
}

/* A descriptor that another process holds too goes on reporting after it was closed here. */
static void test_closed_but_still_reporting(void **state)
{
    struct hl_loop *loop = *state;
    int outer = epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(hl_loop_attach(loop, outer), 0);
    struct pipe_end gone, live;
    open_pipe(&gone);
    open_pipe(&live);
    watch(loop, &gone);
    watch(loop, &live);
    int held = dup(gone.read);
    close(gone.read);
    gone.read = -1;
    hl_loop_remove(loop, gone.source);
    feed(&gone);
    assert_true(readable(outer));
    hl_loop_dispatch(loop, BUDGET);
    assert_int_equal(gone.calls, 0);
    assert_false(readable(outer));
    feed(&live);
    assert_true(readable(outer));
    hl_loop_dispatch(loop, BUDGET);
    assert_int_equal(live.calls, 1);
    assert_false(readable(outer));
    hl_loop_detach(loop);
    feed(&live);
    assert_false(readable(outer));
    hl_loop_remove(loop, live.source);
    close(held);
    close(outer);
    close_pipe(&gone);
    close_pipe(&live);
}

/* --- Tasks --- */

struct job {
    struct hl_task task;
    char name;
    struct job *posts, *unposts;
};

static char journal[64];

static void on_task(struct hl_loop *loop, void *userdata)
{
    struct job *job = userdata;
    size_t length = strlen(journal);
    journal[length] = job->name;
    journal[length + 1] = '\0';
    if (job->posts)
        hl_loop_post(loop, &job->posts->task);
    if (job->unposts)
        hl_loop_unpost(loop, &job->unposts->task);
}

static struct job job(char name)
{
    return (struct job){.name = name, .task = {.fn = on_task}};
}

static void test_tasks(void **state)
{
    struct hl_loop *loop = *state;
    struct job a = job('a'), b = job('b'), c = job('c'), d = job('d');
    a.task.userdata = &a;
    b.task.userdata = &b;
    c.task.userdata = &c;
    d.task.userdata = &d;
    a.posts = &d;
    b.unposts = &c;
    journal[0] = '\0';
    hl_loop_post(loop, &a.task);
    hl_loop_post(loop, &a.task);
    hl_loop_post(loop, &b.task);
    hl_loop_post(loop, &c.task);
    assert_true(readable(hl_loop_fd(loop)));
    assert_false(hl_loop_dispatch(loop, BUDGET));
    /* What a task posts runs after all that were there before. */
    assert_string_equal(journal, "abd");
    assert_false(readable(hl_loop_fd(loop)));
    struct hl_loop_stats stats;
    hl_loop_stats(loop, &stats);
    assert_int_equal(stats.dispatches, 1);

    hl_loop_post(loop, &c.task);
    hl_loop_unpost(loop, &c.task);
    hl_loop_unpost(loop, &c.task);
    hl_loop_dispatch(loop, BUDGET);
    assert_string_equal(journal, "abd");
}

static void test_endless_task_leaves_the_budget(void **state)
{
    struct hl_loop *loop = *state;
    struct job again = job('x');
    again.task.userdata = &again;
    again.posts = &again;
    again.name = '\0'; /* writes nothing */
    hl_loop_post(loop, &again.task);
    int64_t start_us = hl_clock_real();
    assert_true(hl_loop_dispatch(loop, LITTLE));
    assert_in_range(hl_clock_real() - start_us, LITTLE / 2, 500000);
    assert_true(readable(hl_loop_fd(loop)));
    hl_loop_unpost(loop, &again.task);
    hl_loop_dispatch(loop, LITTLE);
    assert_false(readable(hl_loop_fd(loop)));
}

struct posting {
    struct hl_loop *loop;
    struct job job;
};

static void *post(void *userdata)
{
    struct posting *posting = userdata;
    hl_loop_post(posting->loop, &posting->job.task);
    return NULL;
}

static void test_task_from_a_thread(void **state)
{
    struct posting posting = {.loop = *state, .job = job('t')};
    posting.job.task.userdata = &posting.job;
    journal[0] = '\0';
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, post, &posting), 0);
    for (int i = 0; i < 100 && !journal[0]; i++) {
        hl_loop_poll(posting.loop, 1000);
        hl_loop_dispatch(posting.loop, BUDGET);
    }
    pthread_join(thread, NULL);
    assert_string_equal(journal, "t");
}

static void test_wakeup(void **state)
{
    struct hl_loop *loop = *state;
    hl_loop_wakeup(loop);
    hl_loop_wakeup(loop);
    assert_true(readable(hl_loop_fd(loop)));
    hl_loop_dispatch(loop, BUDGET);
    assert_false(readable(hl_loop_fd(loop)));
    hl_loop_wakeup(loop);
    assert_true(readable(hl_loop_fd(loop)));
}

/* --- Budget and order --- */

#define MANY 600 /* more than one batch of epoll */

static void on_timer(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    ++*(int *)userdata;
}

struct crowd {
    struct pipe_end ends[MANY];
    struct hl_timer timer;
    int fired;
    int served_when_fired;
    int served;
};

static void on_member(struct hl_loop *loop, int fd, uint32_t events, void *userdata)
{
    (void)loop, (void)events;
    struct crowd *crowd = userdata;
    char byte;
    assert_int_equal(read(fd, &byte, 1), 1);
    crowd->served++;
}

static void on_crowd_timer(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    struct crowd *crowd = userdata;
    crowd->fired++;
    crowd->served_when_fired = crowd->served;
}

/* An answer that is there wins over the time-out that is due too, however many there are. */
static void test_timers_wait_for_ready_descriptors(void **state)
{
    struct hl_loop *loop = *state;
    struct crowd *crowd = calloc(1, sizeof *crowd);
    for (size_t i = 0; i < MANY; i++) {
        struct pipe_end *end = &crowd->ends[i];
        open_pipe(end);
        assert_int_equal(hl_loop_add(loop, &end->source, end->read, EPOLLIN, on_member, crowd), 0);
        feed(end);
    }
    hl_timer_init(&crowd->timer, on_crowd_timer, crowd);
    assert_int_equal(hl_loop_reserve_timer(loop), 0);
    hl_timer_arm(loop, &crowd->timer, 0);
    for (int i = 0; i < 1000 && !crowd->fired; i++)
        hl_loop_dispatch(loop, 100);
    assert_int_equal(crowd->fired, 1);
    assert_int_equal(crowd->served_when_fired, MANY);
    for (size_t i = 0; i < MANY; i++) {
        hl_loop_remove(loop, crowd->ends[i].source);
        close_pipe(&crowd->ends[i]);
    }
    hl_loop_release_timer(loop);
    free(crowd);
}

/* Slow work leaves reports unserved; none is lost, though one-shot events are reported only once,
 * and what arrived since then still comes before the timer. */
struct slow_crowd {
    struct pipe_end ends[40];
    struct hl_timer timer;
    int served, fired, served_when_fired;
};

static void on_slow_member(struct hl_loop *loop, int fd, uint32_t events, void *userdata)
{
    (void)loop, (void)events;
    char byte;
    assert_int_equal(read(fd, &byte, 1), 1);
    usleep(1000);
    ((struct slow_crowd *)userdata)->served++;
}

static void on_slow_timer(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    struct slow_crowd *crowd = userdata;
    crowd->fired++;
    crowd->served_when_fired = crowd->served;
}

static void test_reports_left_by_a_spent_budget(void **state)
{
    struct hl_loop *loop = *state;
    struct slow_crowd crowd = {0};
    for (size_t i = 0; i < 40; i++) {
        struct pipe_end *end = &crowd.ends[i];
        open_pipe(end);
        assert_int_equal(hl_loop_add(loop, &end->source, end->read, EPOLLIN | EPOLLONESHOT,
                                     on_slow_member, &crowd),
                         0);
        if (i < 30)
            feed(end);
    }
    hl_timer_init(&crowd.timer, on_slow_timer, &crowd);
    assert_int_equal(hl_loop_reserve_timer(loop), 0);
    assert_true(hl_loop_dispatch(loop, 100));
    assert_in_range(crowd.served, 1, 29);
    assert_true(readable(hl_loop_fd(loop)));
    for (size_t i = 30; i < 40; i++)
        feed(&crowd.ends[i]);
    hl_timer_arm(loop, &crowd.timer, hl_loop_now(loop));
    for (int i = 0; i < 1000 && !crowd.fired; i++) {
        hl_loop_poll(loop, 1000); /* as a thread does */
        hl_loop_dispatch(loop, 100);
    }
    assert_int_equal(crowd.served_when_fired, 40);
    hl_loop_dispatch(loop, BUDGET);
    assert_false(readable(hl_loop_fd(loop)));
    assert_int_equal(hl_loop_modify(loop, crowd.ends[0].source, EPOLLIN | EPOLLONESHOT), 0);
    feed(&crowd.ends[0]);
    assert_true(readable(hl_loop_fd(loop)));
    for (size_t i = 0; i < 40; i++) {
        hl_loop_remove(loop, crowd.ends[i].source);
        close_pipe(&crowd.ends[i]);
    }
    hl_loop_release_timer(loop);
}

/* Descriptors that never run dry starve neither tasks nor, for long, timers. */
static void test_nothing_starves(void **state)
{
    struct hl_loop *loop = *state;
    struct pipe_end *ends = calloc(MANY, sizeof *ends);
    for (size_t i = 0; i < MANY; i++) {
        open_pipe(&ends[i]);
        watch(loop, &ends[i]);
        ends[i].greedy = true;
        feed(&ends[i]);
    }
    int fired = 0;
    struct hl_timer timer;
    hl_timer_init(&timer, on_timer, &fired);
    assert_int_equal(hl_loop_reserve_timer(loop), 0);
    hl_timer_arm(loop, &timer, 0);
    struct job task = job('k');
    task.task.userdata = &task;
    journal[0] = '\0';
    hl_loop_post(loop, &task.task);
    hl_loop_dispatch(loop, 100);
    assert_string_equal(journal, "k");
    int64_t start_us = hl_clock_real();
    while (!fired && hl_clock_real() - start_us < 10000000)
        hl_loop_dispatch(loop, 100);
    assert_int_equal(fired, 1);
    for (size_t i = 0; i < MANY; i++) {
        hl_loop_remove(loop, ends[i].source);
        close_pipe(&ends[i]);
    }
    hl_loop_release_timer(loop);
    free(ends);
}

/* --- Memory --- */

static void test_steady_work_takes_no_memory(void **state)
{
    struct hl_loop *loop = *state;
    struct pipe_end end;
    int fired = 0;
    struct hl_timer timer;
    struct job task = job('\0');
    task.task.userdata = &task;
    open_pipe(&end);
    watch(loop, &end);
    hl_timer_init(&timer, on_timer, &fired);
    assert_int_equal(hl_loop_reserve_timer(loop), 0);
    uint64_t before = hl_alloc_count();
    for (int i = 0; i < 100; i++) {
        feed(&end);
        hl_timer_arm(loop, &timer, hl_loop_now(loop));
        hl_loop_post(loop, &task.task);
        hl_loop_remove(loop, end.source);
        watch(loop, &end);
        hl_loop_dispatch(loop, BUDGET);
    }
    assert_int_equal(hl_alloc_count(), before);
    assert_int_equal(end.calls, 100);
    assert_int_equal(fired, 100);
    hl_loop_remove(loop, end.source);
    hl_loop_release_timer(loop);
    close_pipe(&end);
}

static int add_all(struct hl_loop *loop, struct pipe_end *ends, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int code = hl_loop_add(loop, &ends[i].source, ends[i].read, EPOLLIN, on_pipe, &ends[i]);
        if (!code)
            code = hl_loop_reserve_timer(loop);
        if (code)
            return failmalloc_failed(code);
    }
    return HOMELAB_OK;
}

static int build(void *userdata)
{
    struct hl_loop *loop;
    int code = hl_loop_new(&loop, &real);
    if (code)
        return failmalloc_failed(code);
    code = add_all(loop, userdata, 20);
    hl_loop_free(loop);
    return code;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct pipe_end ends[20];
    for (size_t i = 0; i < 20; i++)
        open_pipe(&ends[i]);
    fail_each_allocation(build, ends);
    for (size_t i = 0; i < 20; i++)
        close_pipe(&ends[i]);
}

/* After a fork or a close everything may still be taken apart. */
static void test_abandoned(void **state)
{
    struct hl_loop *loop = *state;
    struct pipe_end end;
    struct job task = job('z');
    int fired = 0;
    struct hl_timer timer;
    open_pipe(&end);
    watch(loop, &end);
    hl_timer_init(&timer, on_timer, &fired);
    assert_int_equal(hl_loop_reserve_timer(loop), 0);
    hl_loop_forked(loop);
    hl_timer_arm(loop, &timer, 5);
    hl_timer_disarm(loop, &timer);
    hl_loop_post(loop, &task.task);
    hl_loop_unpost(loop, &task.task);
    hl_loop_wakeup(loop);
    hl_loop_remove(loop, end.source);
    assert_int_equal(hl_loop_add(loop, &end.source, end.read, EPOLLIN, on_pipe, &end),
                     HOMELAB_E_SYSTEM);
    hl_loop_release_timer(loop);
    close_pipe(&end);
}

#define ON_LOOP(test) cmocka_unit_test_setup_teardown(test, with_loop, without_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_LOOP(test_source_and_drain),
        ON_LOOP(test_modify),
        ON_LOOP(test_wrong_descriptors),
        ON_LOOP(test_removed_in_the_same_pass),
        ON_LOOP(test_closed_without_a_word),
        ON_LOOP(test_closed_but_still_reporting),
        ON_LOOP(test_tasks),
        ON_LOOP(test_endless_task_leaves_the_budget),
        ON_LOOP(test_task_from_a_thread),
        ON_LOOP(test_wakeup),
        ON_LOOP(test_timers_wait_for_ready_descriptors),
        ON_LOOP(test_reports_left_by_a_spent_budget),
        ON_LOOP(test_nothing_starves),
        ON_LOOP(test_steady_work_takes_no_memory),
        cmocka_unit_test(test_out_of_memory),
        ON_LOOP(test_abandoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
