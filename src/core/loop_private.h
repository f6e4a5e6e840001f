/* The loop's state, for the files that make it up. */
#ifndef HL_CORE_LOOP_PRIVATE_H
#define HL_CORE_LOOP_PRIVATE_H

#include "core/heap.h"
#include "core/loop.h"

#include <pthread.h>
#include <sys/epoll.h>

#define HL_LOOP_BATCH 256

#define HL_SLOT_TIMER UINT32_MAX
#define HL_SLOT_WAKE  (UINT32_MAX - 1)
#define HL_NO_SLOT    (UINT32_MAX - 2)

struct hl_slot {
    int fd; /* -1: free, or its descriptor was closed and taken again by another source */
    uint32_t generation;
    uint32_t events;
    uint32_t next_free;
    bool used;
    hl_source_fn fn;
    void *userdata;
};

struct hl_loop {
    const struct hl_clock *clock;
    int epoll_fd, timer_fd, wake_fd;
    int outer_fd; /* epoll set that contains ours, or -1 */
    int64_t now_us;
    int64_t seen_us; /* when the last complete report was asked for */

    struct hl_slot *slots;
    size_t slot_count, slot_capacity;
    uint32_t free_slot;
    uint32_t *by_fd; /* slot of a descriptor, HL_NO_SLOT without one */
    size_t by_fd_count;

    struct hl_heap heap;
    int64_t programmed_us; /* what the timerfd is set to */
    int64_t deferred_since_us;
    int batches; /* nested hl_loop_begin() and dispatches */

    struct epoll_event ready[HL_LOOP_BATCH];
    int ready_count, ready_next;
    bool collected;  /* by hl_loop_poll() */
    bool suspicious; /* a descriptor was closed before its source was removed */
    bool rebuild;    /* and the kernel still reports it */

    struct hl_loop_stats stats;

    pthread_mutex_t mutex; /* of what follows */
    struct hl_task *first, *last;
    uint64_t pass;
    bool signalled;   /* the eventfd was written */
    bool dispatching; /* it need not be: tasks are looked at before the dispatch ends */
};

/* Slot and generation as epoll carries them. */
static inline uint64_t hl_source_pack(uint32_t slot, uint32_t generation)
{
    return (uint64_t)generation << 32 | slot;
}

/* Adds a descriptor to an epoll set, or changes it when it is there. 0, or -1 with errno. */
int hl_epoll_watch(int epoll_fd, int fd, uint32_t events, uint64_t data);
/* The timerfd and the eventfd. 0, or -1 with errno. */
int hl_loop_watch_own(const struct hl_loop *loop, int epoll_fd);
/* NULL when the source was removed. */
struct hl_slot *hl_loop_find(struct hl_loop *loop, struct hl_source source);
/* Moves everything into a new epoll set. */
void hl_loop_rebuild(struct hl_loop *loop);

#endif
