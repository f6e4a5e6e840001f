#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    EVENTS_A_TURN = 128
};

struct sim_watch {
    int fd;
    bool removed;
    sim_watch_fn *fn;
    void *arg;
    struct sim_watch *next_removed;
};

struct sim_loop {
    int epoll_fd;
    bool stopped;
    struct sim_watch *removed;
    struct sim_timer **heap; /* heap[0] is due first */
    size_t timer_count;
    size_t timer_capacity;
};

struct sim_loop *sim_loop_new(void)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        return NULL;
    struct sim_loop *loop = sim_calloc(1, sizeof *loop);
    loop->epoll_fd = fd;
    return loop;
}

/* A removed watch may still be named by an event of the batch at hand, so it is freed after it. */
static void free_removed(struct sim_loop *loop)
{
    while (loop->removed != NULL) {
        struct sim_watch *watch = loop->removed;
        loop->removed = watch->next_removed;
        free(watch);
    }
}

void sim_loop_free(struct sim_loop *loop)
{
    if (loop == NULL)
        return;
    free_removed(loop);
    free(loop->heap);
    close(loop->epoll_fd);
    free(loop);
}

struct sim_watch *sim_watch_add(struct sim_loop *loop, int fd, uint32_t events, sim_watch_fn *fn,
                                void *arg)
{
    struct sim_watch *watch = sim_calloc(1, sizeof *watch);
    *watch = (struct sim_watch){.fd = fd, .fn = fn, .arg = arg};
    struct epoll_event event = {.events = events, .data.ptr = watch};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
        return watch;
    free(watch);
    return NULL;
}

void sim_watch_change(struct sim_loop *loop, struct sim_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void sim_watch_remove(struct sim_loop *loop, struct sim_watch *watch)
{
    if (watch == NULL || watch->removed)
        return;
    epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->removed = true;
    watch->next_removed = loop->removed;
    loop->removed = watch;
}

static void heap_place(struct sim_loop *loop, size_t slot, struct sim_timer *timer)
{
    loop->heap[slot - 1] = timer;
    timer->slot = slot;
}

static void heap_up(struct sim_loop *loop, struct sim_timer *timer)
{
    size_t slot = timer->slot;
    while (slot > 1 && loop->heap[slot / 2 - 1]->at_ms > timer->at_ms) {
        heap_place(loop, slot, loop->heap[slot / 2 - 1]);
        slot /= 2;
    }
    heap_place(loop, slot, timer);
}

static void heap_down(struct sim_loop *loop, struct sim_timer *timer)
{
    size_t slot = timer->slot;
    for (size_t child = slot * 2; child <= loop->timer_count; child = slot * 2) {
        if (child < loop->timer_count && loop->heap[child]->at_ms < loop->heap[child - 1]->at_ms)
            child++;
        if (loop->heap[child - 1]->at_ms >= timer->at_ms)
            break;
        heap_place(loop, slot, loop->heap[child - 1]);
        slot = child;
    }
    heap_place(loop, slot, timer);
}

void sim_timer_init(struct sim_timer *timer, sim_timer_fn *fn, void *arg)
{
    *timer = (struct sim_timer){.at_ms = SIM_NEVER, .fn = fn, .arg = arg};
}

void sim_timer_clear(struct sim_loop *loop, struct sim_timer *timer)
{
    timer->at_ms = SIM_NEVER;
    if (timer->slot == 0)
        return;
    struct sim_timer *last = loop->heap[loop->timer_count - 1];
    size_t slot = timer->slot;
    loop->timer_count--;
    timer->slot = 0;
    if (last == timer)
        return;
    heap_place(loop, slot, last);
    heap_up(loop, last);
    heap_down(loop, last);
}

void sim_timer_set(struct sim_loop *loop, struct sim_timer *timer, int64_t at_ms)
{
    sim_timer_clear(loop, timer);
    if (at_ms == SIM_NEVER)
        return;
    if (loop->timer_count == loop->timer_capacity) {
        loop->timer_capacity = loop->timer_capacity > 0 ? loop->timer_capacity * 2 : 32;
        loop->heap = sim_realloc(loop->heap, loop->timer_capacity * sizeof *loop->heap);
    }
    timer->at_ms = at_ms;
    loop->timer_count++;
    heap_place(loop, loop->timer_count, timer);
    heap_up(loop, timer);
}

static void fire_due_timers(struct sim_loop *loop)
{
    int64_t now = sim_monotonic_ms();
    while (!loop->stopped && loop->timer_count > 0 && loop->heap[0]->at_ms <= now) {
        struct sim_timer *timer = loop->heap[0];
        sim_timer_clear(loop, timer);
        timer->fn(timer->arg);
    }
}

static int wait_ms(const struct sim_loop *loop)
{
    if (loop->timer_count == 0)
        return -1;
    int64_t left = loop->heap[0]->at_ms - sim_monotonic_ms();
    if (left <= 0)
        return 0;
    return left < INT32_MAX ? (int)left : INT32_MAX;
}

bool sim_loop_run(struct sim_loop *loop)
{
    struct epoll_event events[EVENTS_A_TURN];
    while (!loop->stopped) {
        int count = epoll_wait(loop->epoll_fd, events, EVENTS_A_TURN, wait_ms(loop));
        if (count < 0 && errno != EINTR)
            return false;
        for (int i = 0; i < count && !loop->stopped; i++) {
            struct sim_watch *watch = events[i].data.ptr;
            if (!watch->removed)
                watch->fn(watch->arg, events[i].events);
        }
        fire_due_timers(loop);
        free_removed(loop);
    }
    return true;
}

void sim_loop_stop(struct sim_loop *loop)
{
    loop->stopped = true;
}
