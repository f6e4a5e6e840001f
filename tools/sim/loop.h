/*
 * loop.h - one epoll set with watches and timers; everything the simulator does runs on it, in one
 * thread.
 */
#ifndef SIM_LOOP_H
#define SIM_LOOP_H

#include "util.h"

struct sim_loop;
struct sim_watch;

typedef void sim_watch_fn(void *arg, uint32_t events);
typedef void sim_timer_fn(void *arg);

/* Owned by whoever needs it; zero-initialised, then sim_timer_init(). */
struct sim_timer {
    int64_t at_ms; /* monotonic; SIM_NEVER = not set */
    size_t slot;   /* 1-based place in the heap; 0 = not in it */
    sim_timer_fn *fn;
    void *arg;
};

struct sim_loop *sim_loop_new(void);
void sim_loop_free(struct sim_loop *loop);

/* NULL with errno set when the descriptor cannot be watched. */
struct sim_watch *sim_watch_add(struct sim_loop *loop, int fd, uint32_t events, sim_watch_fn *fn,
                                void *arg);
void sim_watch_change(struct sim_loop *loop, struct sim_watch *watch, uint32_t events);
/* Before the descriptor is closed; NULL is allowed. */
void sim_watch_remove(struct sim_loop *loop, struct sim_watch *watch);

void sim_timer_init(struct sim_timer *timer, sim_timer_fn *fn, void *arg);
void sim_timer_set(struct sim_loop *loop, struct sim_timer *timer, int64_t at_ms);
void sim_timer_clear(struct sim_loop *loop, struct sim_timer *timer);

/* Runs until sim_loop_stop(); false with errno set when waiting failed. */
bool sim_loop_run(struct sim_loop *loop);
void sim_loop_stop(struct sim_loop *loop);

#endif
