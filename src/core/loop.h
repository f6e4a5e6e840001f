/* The event loop: one epoll set with descriptors, a deadline heap behind one timerfd, and a wake-up
 * eventfd. Belongs to one thread at a time; only hl_loop_post() and hl_loop_wakeup() may be called
 * from others. */
#ifndef HL_CORE_LOOP_H
#define HL_CORE_LOOP_H

#include "core/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hl_loop;

int hl_loop_new(struct hl_loop **out, const struct hl_clock *clock);
void hl_loop_free(struct hl_loop *loop);
int hl_loop_fd(const struct hl_loop *loop);
int64_t hl_loop_now(const struct hl_loop *loop); /* one clock reading per dispatch pass */

/* Does what is due until nothing is left or budget_us is spent. True when work is left. */
bool hl_loop_dispatch(struct hl_loop *loop, int64_t budget_us);
/* Any thread, signal-safe: the descriptor turns readable. */
void hl_loop_wakeup(struct hl_loop *loop);

/* --- Descriptors. A source is a slot with a generation, so an event for a descriptor that was
 * removed, closed and whose number was taken again is never delivered to the wrong source. --- */
struct hl_source {
    uint32_t slot;
    uint32_t generation;
};
typedef void (*hl_source_fn)(struct hl_loop *loop, int fd, uint32_t events, void *userdata);
int hl_loop_add(struct hl_loop *loop, struct hl_source *out, int fd, uint32_t events,
                hl_source_fn fn, void *userdata);
int hl_loop_modify(struct hl_loop *loop, struct hl_source source, uint32_t events);
/* Before the descriptor is closed; tolerates one that is closed already and a stale source. */
void hl_loop_remove(struct hl_loop *loop, struct hl_source source);

/* --- Timers, embedded in their owner. Arming an armed timer moves it. Never allocates when armed
 * again. --- */
typedef void (*hl_timer_fn)(struct hl_loop *loop, void *userdata);
struct hl_timer {
    hl_timer_fn fn;
    void *userdata;
    int64_t due_us;
    size_t position; /* in the heap, from 1; 0 when not armed */
};
void hl_timer_init(struct hl_timer *timer, hl_timer_fn fn, void *userdata);
/* Room for one more timer, so that arming cannot fail: to be called once per timer, given back with
 * release. */
int hl_loop_reserve_timer(struct hl_loop *loop);
void hl_loop_release_timer(struct hl_loop *loop);
void hl_timer_arm(struct hl_loop *loop, struct hl_timer *timer, int64_t due_us);
void hl_timer_disarm(struct hl_loop *loop, struct hl_timer *timer);
/* Monotonic time of the next timer, -1 without one. */
int64_t hl_loop_next_due(const struct hl_loop *loop);

/* --- Tasks: run once in a later pass of the loop; embedded in their owner, posting a posted task
 * does nothing. From any thread. --- */
struct hl_task {
    void (*fn)(struct hl_loop *loop, void *userdata);
    void *userdata;
    struct hl_task *next;
    bool posted;
};
void hl_loop_post(struct hl_loop *loop, struct hl_task *task);
/* Takes a posted task back, before its owner is freed. */
void hl_loop_unpost(struct hl_loop *loop, struct hl_task *task);

struct hl_loop_stats {
    uint64_t dispatches; /* passes that found work */
    uint64_t spurious;   /* passes that found none */
    uint64_t longest_us; /* longest pass */
};
void hl_loop_stats(const struct hl_loop *loop, struct hl_loop_stats *out);

#endif
