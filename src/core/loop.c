#include "core/alloc.h"
#include "core/error.h"
#include "core/loop_private.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define CALLS_PER_CHECK 4 /* callbacks between two looks at the budget */
/* How long timers may wait for ready descriptors to be served when these never end. */
#define TIMER_DEFER_US  1000000

/* What the timerfd is set to, besides a deadline. */
#define NEVER   INT64_MAX
#define EXPIRED INT64_MIN

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int hl_loop_watch_own(const struct hl_loop *loop, int epoll_fd)
{
    return hl_epoll_watch(epoll_fd, loop->timer_fd, EPOLLIN, hl_source_pack(HL_SLOT_TIMER, 0)) |
           hl_epoll_watch(epoll_fd, loop->wake_fd, EPOLLIN, hl_source_pack(HL_SLOT_WAKE, 0));
}

static int open_fds(struct hl_loop *loop)
{
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0)
        return hl_error_system("loop", "epoll_create1", errno);
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (loop->timer_fd < 0)
        return hl_error_system("loop", "timerfd_create", errno);
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->wake_fd < 0)
        return hl_error_system("loop", "eventfd", errno);
    if (hl_loop_watch_own(loop, loop->epoll_fd) != 0)
        return hl_error_system("loop", "epoll_ctl", errno);
    return HOMELAB_OK;
}

int hl_loop_new(struct hl_loop **out, const struct hl_clock *clock)
{
    struct hl_loop *loop = hl_calloc(1, sizeof *loop);
    if (!loop)
        return hl_error_nomem();
    loop->clock = clock;
    loop->epoll_fd = loop->timer_fd = loop->wake_fd = loop->outer_fd = -1;
    loop->free_slot = HL_NO_SLOT;
    loop->programmed_us = NEVER;
    loop->now_us = loop->seen_us = hl_clock_now(clock);
    pthread_mutex_init(&loop->mutex, NULL);
    int code = open_fds(loop);
    if (code) {
        hl_loop_free(loop);
        return code;
    }
    *out = loop;
    return HOMELAB_OK;
}

void hl_loop_free(struct hl_loop *loop)
{
    if (!loop)
        return;
    hl_loop_abandon(loop);
    hl_heap_free(&loop->heap);
    hl_free(loop->slots);
    hl_free(loop->by_fd);
    pthread_mutex_destroy(&loop->mutex);
    hl_free(loop);
}

void hl_loop_abandon(struct hl_loop *loop)
{
    close_fd(&loop->epoll_fd);
    close_fd(&loop->timer_fd);
    pthread_mutex_lock(&loop->mutex); /* others may be about to write to it */
    close_fd(&loop->wake_fd);
    pthread_mutex_unlock(&loop->mutex);
    loop->outer_fd = -1;
}

void hl_loop_forked(struct hl_loop *loop)
{
    /* One that a thread of the parent holds would never be given back. */
    if (pthread_mutex_trylock(&loop->mutex) == 0)
        pthread_mutex_unlock(&loop->mutex);
    else
        pthread_mutex_init(&loop->mutex, NULL);
    hl_loop_abandon(loop);
}

int hl_loop_fd(const struct hl_loop *loop)
{
    return loop->epoll_fd;
}

int hl_loop_attach(struct hl_loop *loop, int outer_epoll_fd)
{
    if (hl_epoll_watch(outer_epoll_fd, loop->epoll_fd, EPOLLIN, 0) != 0)
        return hl_error_system("loop", "epoll_ctl", errno);
    loop->outer_fd = outer_epoll_fd;
    return HOMELAB_OK;
}

void hl_loop_detach(struct hl_loop *loop)
{
    if (loop->outer_fd >= 0)
        epoll_ctl(loop->outer_fd, EPOLL_CTL_DEL, loop->epoll_fd, NULL);
    loop->outer_fd = -1;
}

int64_t hl_loop_now(const struct hl_loop *loop)
{
    return loop->batches ? loop->now_us : hl_clock_now(loop->clock);
}

/* --- Wake-up and tasks --- */

/* With the mutex held. */
static void signal_locked(struct hl_loop *loop)
{
    if (loop->signalled || loop->wake_fd < 0)
        return;
    uint64_t one = 1;
    loop->signalled = write(loop->wake_fd, &one, sizeof one) == sizeof one;
}

void hl_loop_wakeup(struct hl_loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    signal_locked(loop);
    pthread_mutex_unlock(&loop->mutex);
}

static void drain_wakeup(struct hl_loop *loop)
{
    uint64_t count;
    pthread_mutex_lock(&loop->mutex);
    if (read(loop->wake_fd, &count, sizeof count) == sizeof count || errno == EAGAIN)
        loop->signalled = false;
    pthread_mutex_unlock(&loop->mutex);
}

static void unlink_task(struct hl_loop *loop, struct hl_task *task)
{
    *(task->previous ? &task->previous->next : &loop->first) = task->next;
    *(task->next ? &task->next->previous : &loop->last) = task->previous;
    task->next = task->previous = NULL;
    task->posted = false;
}

void hl_loop_post(struct hl_loop *loop, struct hl_task *task)
{
    pthread_mutex_lock(&loop->mutex);
    if (!task->posted) {
        task->posted = true;
        task->pass = loop->pass;
        task->next = NULL;
        task->previous = loop->last;
        *(loop->last ? &loop->last->next : &loop->first) = task;
        loop->last = task;
        if (!loop->dispatching)
            signal_locked(loop);
    }
    pthread_mutex_unlock(&loop->mutex);
}

void hl_loop_unpost(struct hl_loop *loop, struct hl_task *task)
{
    pthread_mutex_lock(&loop->mutex);
    if (task->posted)
        unlink_task(loop, task);
    pthread_mutex_unlock(&loop->mutex);
}

/* The oldest task that was posted before this pass. */
static struct hl_task *next_task(struct hl_loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    struct hl_task *task = loop->first;
    if (task && task->pass == loop->pass)
        task = NULL;
    if (task)
        unlink_task(loop, task);
    pthread_mutex_unlock(&loop->mutex);
    return task;
}

static bool tasks_left(struct hl_loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    bool left = loop->first != NULL;
    pthread_mutex_unlock(&loop->mutex);
    return left;
}

/* --- Timers --- */

void hl_timer_init(struct hl_timer *timer, hl_timer_fn fn, void *userdata)
{
    *timer = (struct hl_timer){.fn = fn, .userdata = userdata};
}

int hl_loop_reserve_timer(struct hl_loop *loop)
{
    return hl_heap_reserve(&loop->heap) ? hl_error_nomem() : HOMELAB_OK;
}

void hl_loop_release_timer(struct hl_loop *loop)
{
    hl_heap_release(&loop->heap);
}

int64_t hl_loop_next_due(const struct hl_loop *loop)
{
    return loop->heap.count ? loop->heap.entries[0].due_us : -1;
}

static void set_timerfd(struct hl_loop *loop, int64_t due_us)
{
    struct itimerspec when = {0};
    if (due_us != NEVER) {
        /* Zero would disarm; the past fires at once. */
        int64_t at = due_us > 0 ? due_us : 0;
        when.it_value.tv_sec = at / 1000000;
        when.it_value.tv_nsec = at % 1000000 * 1000 + (at == 0);
    }
    if (loop->timer_fd >= 0)
        timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    loop->programmed_us = due_us;
}

/* Makes the descriptor turn readable at the next deadline. Setting the timerfd also drops an expiry
 * that was not read, so it is never read. */
static void program_timer(struct hl_loop *loop)
{
    int64_t due_us = loop->heap.count ? loop->heap.entries[0].due_us : NEVER;
    if (loop->clock->frozen) {
        if (loop->programmed_us != NEVER)
            set_timerfd(loop, NEVER);
        if (due_us <= loop->clock->now_us)
            hl_loop_wakeup(loop);
    } else if (due_us != loop->programmed_us) {
        set_timerfd(loop, due_us);
    }
}

void hl_loop_begin(struct hl_loop *loop)
{
    if (loop->batches++ == 0)
        loop->now_us = hl_clock_now(loop->clock);
}

void hl_loop_end(struct hl_loop *loop)
{
    if (--loop->batches == 0)
        program_timer(loop);
}

void hl_timer_arm(struct hl_loop *loop, struct hl_timer *timer, int64_t due_us)
{
    hl_heap_put(&loop->heap, timer, due_us);
    if (!loop->batches)
        program_timer(loop);
}

void hl_timer_disarm(struct hl_loop *loop, struct hl_timer *timer)
{
    hl_heap_take(&loop->heap, timer);
    if (!loop->batches)
        program_timer(loop);
}

void hl_loop_clock_changed(struct hl_loop *loop)
{
    loop->now_us = hl_clock_now(loop->clock);
    if (loop->seen_us > loop->now_us)
        loop->seen_us = loop->now_us;
    if (!loop->batches)
        program_timer(loop);
}

/* --- Dispatch --- */

struct budget {
    int64_t until_us;
    unsigned calls;
    bool spent;
};

static bool spend(struct budget *budget)
{
    if (++budget->calls % CALLS_PER_CHECK == 0)
        budget->spent = hl_clock_real() >= budget->until_us;
    return budget->spent;
}

/* A few timers and tasks run whatever the descriptors before them took, else they could starve. */
static bool allowed(const struct budget *budget, size_t done)
{
    return !budget->spent || done < CALLS_PER_CHECK;
}

/* What a spent budget left unserved is kept, for one-shot events are reported only once. */
static bool reports_left(const struct hl_loop *loop)
{
    return loop->ready_next < loop->ready_count;
}

void hl_loop_poll(struct hl_loop *loop, int timeout_ms)
{
    if (reports_left(loop))
        return;
    int count = epoll_wait(loop->epoll_fd, loop->ready, HL_LOOP_BATCH, timeout_ms);
    loop->ready_count = count > 0 ? count : 0;
    loop->ready_next = 0;
    loop->collected = true;
}

static void serve(struct hl_loop *loop, const struct epoll_event *event)
{
    struct hl_source source = {(uint32_t)event->data.u64, (uint32_t)(event->data.u64 >> 32)};
    if (source.slot == HL_SLOT_TIMER) {
        loop->programmed_us = EXPIRED;
        return;
    }
    if (source.slot == HL_SLOT_WAKE) {
        drain_wakeup(loop);
        return;
    }
    struct hl_slot *slot = hl_loop_find(loop, source);
    if (slot)
        slot->fn(loop, slot->fd, event->events, slot->userdata);
    else if (loop->suspicious)
        loop->rebuild = true;
}

/* True when every ready descriptor was served. */
static bool run_sources(struct hl_loop *loop, struct budget *budget)
{
    while (reports_left(loop)) {
        serve(loop, &loop->ready[loop->ready_next++]);
        if (spend(budget))
            break;
    }
    return !reports_left(loop) && loop->ready_count < HL_LOOP_BATCH;
}

static bool timers_due(const struct hl_loop *loop, int64_t until_us)
{
    return loop->heap.count && loop->heap.entries[0].due_us <= until_us;
}

/* Timers that were due by this time may run: by that of the last complete report, once all in it
 * was served. */
static int64_t timers_until(struct hl_loop *loop, bool served)
{
    if (!timers_due(loop, loop->now_us)) {
        loop->deferred_since_us = 0;
        return INT64_MIN;
    }
    if (served && timers_due(loop, loop->seen_us)) {
        loop->deferred_since_us = 0;
        return loop->seen_us;
    }
    int64_t now_us = hl_clock_real();
    if (!loop->deferred_since_us)
        loop->deferred_since_us = now_us;
    return now_us - loop->deferred_since_us >= TIMER_DEFER_US ? loop->now_us : INT64_MIN;
}

static size_t run_timers(struct hl_loop *loop, struct budget *budget, int64_t until_us)
{
    /* What is armed in this pass waits for the next one. */
    uint64_t limit = loop->heap.next_order;
    size_t count = 0;
    while (timers_due(loop, until_us) && loop->heap.entries[0].order < limit &&
           allowed(budget, count)) {
        struct hl_timer *timer = loop->heap.entries[0].timer;
        hl_heap_take(&loop->heap, timer);
        timer->fn(loop, timer->userdata);
        count++;
        spend(budget);
    }
    return count;
}

static size_t run_tasks(struct hl_loop *loop, struct budget *budget)
{
    size_t count = 0;
    for (struct hl_task *task; allowed(budget, count) && (task = next_task(loop)) != NULL;
         count++) {
        task->fn(loop, task->userdata);
        spend(budget);
    }
    return count;
}

/* One look at everything; adds to *work, and says whether another pass would find more. */
static bool pass(struct hl_loop *loop, struct budget *budget, size_t *work)
{
    /* The clock is read before the descriptors are looked at, so that all that had arrived by then
     * is in the report. One that a blocking wait brought, or that was left over, is older. */
    if (!loop->collected && !reports_left(loop)) {
        loop->seen_us = hl_clock_now(loop->clock);
        hl_loop_poll(loop, 0);
    }
    loop->collected = false;
    loop->now_us = hl_clock_now(loop->clock);
    pthread_mutex_lock(&loop->mutex);
    loop->pass++;
    pthread_mutex_unlock(&loop->mutex);

    *work += (size_t)(loop->ready_count - loop->ready_next);
    bool served = run_sources(loop, budget);
    *work += run_timers(loop, budget, timers_until(loop, served));
    *work += run_tasks(loop, budget);
    return !served || timers_due(loop, loop->now_us) || tasks_left(loop);
}

static void set_dispatching(struct hl_loop *loop, bool dispatching)
{
    pthread_mutex_lock(&loop->mutex);
    loop->dispatching = dispatching;
    if (!dispatching && (loop->first || reports_left(loop)))
        signal_locked(loop);
    pthread_mutex_unlock(&loop->mutex);
}

bool hl_loop_dispatch(struct hl_loop *loop, int64_t budget_us)
{
    int64_t start_us = hl_clock_real();
    struct budget budget = {.until_us = start_us + budget_us};
    size_t work = 0;
    bool more = true;
    hl_loop_begin(loop);
    set_dispatching(loop, true);
    while (more && !budget.spent) {
        more = pass(loop, &budget, &work);
        if (more)
            budget.spent = hl_clock_real() >= budget.until_us;
    }
    if (loop->rebuild)
        hl_loop_rebuild(loop);
    set_dispatching(loop, false);
    hl_loop_end(loop);

    uint64_t took_us = (uint64_t)(hl_clock_real() - start_us);
    *(work ? &loop->stats.dispatches : &loop->stats.spurious) += 1;
    if (took_us > loop->stats.longest_us)
        loop->stats.longest_us = took_us;
    return more;
}

void hl_loop_stats(const struct hl_loop *loop, struct hl_loop_stats *out)
{
    *out = loop->stats;
}
