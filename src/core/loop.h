/* The event loop: one epoll set with descriptors, a deadline heap behind one timerfd, and an
 * eventfd for tasks from other threads. Belongs to one thread at a time; only hl_loop_post() and
 * hl_loop_wakeup() may be called from others.
 *
 * Within a pass descriptors come first, then timers, then tasks; and timers wait until every ready
 * descriptor was served, so that an answer that has arrived always wins over its time-out. */
#ifndef HL_CORE_LOOP_H
#define HL_CORE_LOOP_H

#include "core/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hl_loop;

/* The clock is borrowed. 0, HOMELAB_E_NOMEM or HOMELAB_E_SYSTEM with a record. */
int hl_loop_new(struct hl_loop **out, const struct hl_clock *clock);
void hl_loop_free(struct hl_loop *loop);
/* Readable when there is something to dispatch. Changes when the loop had to make its epoll set
 * anew; an outer epoll set given to hl_loop_attach() follows. */
int hl_loop_fd(const struct hl_loop *loop);
int hl_loop_attach(struct hl_loop *loop, int outer_epoll_fd);
void hl_loop_detach(struct hl_loop *loop);
/* Closes the loop's descriptors. What is called later changes memory only. */
void hl_loop_abandon(struct hl_loop *loop);
/* The same in the child of a fork, where another thread may have held the loop's mutex. */
void hl_loop_forked(struct hl_loop *loop);

int64_t hl_loop_now(const struct hl_loop *loop); /* one clock reading per dispatch pass */
/* After the clock was frozen or advanced. */
void hl_loop_clock_changed(struct hl_loop *loop);

/* Waits for something to dispatch, at most timeout_ms (-1: no limit), and keeps what was reported
 * for the next hl_loop_dispatch(). May run while another thread works on the loop under a lock. */
void hl_loop_poll(struct hl_loop *loop, int timeout_ms);
/* Does what is due until nothing is left or budget_us is spent. True when work is left, which keeps
 * the descriptor readable. */
bool hl_loop_dispatch(struct hl_loop *loop, int64_t budget_us);
/* The descriptor turns readable. Any thread. */
void hl_loop_wakeup(struct hl_loop *loop);
/* Around several changes from outside of a dispatch: the timerfd is set once, at the end. */
void hl_loop_begin(struct hl_loop *loop);
void hl_loop_end(struct hl_loop *loop);

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
 * release. HOMELAB_E_NOMEM with a record. */
int hl_loop_reserve_timer(struct hl_loop *loop);
void hl_loop_release_timer(struct hl_loop *loop);
void hl_timer_arm(struct hl_loop *loop, struct hl_timer *timer, int64_t due_us);
void hl_timer_disarm(struct hl_loop *loop, struct hl_timer *timer);
/* Monotonic time of the next timer, -1 without one. */
int64_t hl_loop_next_due(const struct hl_loop *loop);

/* --- Tasks: run once in a later pass of the loop, in the order of posting; embedded in their
 * owner (zero it, set fn and userdata), posting a posted task does nothing. From any thread. --- */
struct hl_task {
    void (*fn)(struct hl_loop *loop, void *userdata);
    void *userdata;
    struct hl_task *next, *previous;
    uint64_t pass; /* in which it was posted */
    bool posted;
};
void hl_loop_post(struct hl_loop *loop, struct hl_task *task);
/* Takes a posted task back, before its owner is freed. On the loop's thread. */
void hl_loop_unpost(struct hl_loop *loop, struct hl_task *task);

struct hl_loop_stats {
    uint64_t dispatches; /* passes that found work */
    uint64_t spurious;   /* passes that found none */
    uint64_t longest_us; /* longest pass */
};
void hl_loop_stats(const struct hl_loop *loop, struct hl_loop_stats *out);

#endif
