/* The context's state, for the files that make it up. */
#ifndef HL_CORE_CTX_PRIVATE_H
#define HL_CORE_CTX_PRIVATE_H

#include "core/ctx.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

/* A callback of the host, kept while it runs though it was replaced meanwhile. */
struct hl_hook {
    atomic_uint refs;
    union {
        homelab_log_fn log;
        homelab_secret_fn secret;
    } fn;
    void *userdata;
    homelab_destroy_fn destroy;
};
struct hl_hook *hl_hook_ref(struct hl_hook *hook); /* NULL for NULL */
void hl_hook_unref(struct hl_hook *hook);          /* outside of the lock */
/* Puts a new hook into *place, or none without a function. Calls destroy when it fails. */
int hl_hook_set(homelab_ctx *ctx, struct hl_hook **place, const struct hl_hook *hook, bool present);

struct hl_log_line {
    int64_t wall_us;
    int level;
    const char *subsystem;
    char *text;
    size_t capacity;
};

/* The last lines; those from `undelivered` on still go to the callback. */
struct hl_log {
    atomic_int level; /* least severe that is formatted */
    int wanted;       /* least severe that the callback gets */
    struct hl_hook *hook;
    struct hl_log_line *lines;
    size_t capacity, kept; /* kept: how many homelab_ctx_log_text() shows */
    uint64_t next;         /* number of the next line */
    uint64_t undelivered;
    uint64_t lost; /* never delivered */
};

struct hl_event_list {
    homelab_event *first, *last;
    size_t count;   /* events waiting, without the overflow event */
    size_t limited; /* of these, what counts against the cap */
    uint64_t next_number;
    uint64_t dropped;        /* not yet told */
    uint64_t dropped_after;  /* number of the first event that comes after the loss */
    homelab_event *overflow; /* kept for telling it without memory */
    size_t data_bytes;       /* of pieces of answers */
    struct hl_task *data_taken;
};

struct hl_secret_list {
    struct hl_hook *hook;
    struct hl_secret_wait *first;                  /* every wait */
    struct hl_secret_wait *pending, *pending_last; /* to be handed to the host */
};

struct hl_service_slot {
    const struct hl_service *type;
    void *service;
    struct hl_service_slot *next;
};

struct homelab_ctx {
    atomic_uint strong; /* host, children, operations that run */
    atomic_uint weak;   /* of the memory; the strong ones count as one */
    homelab_allocator *allocator;
    homelab_opts *opts;
    pid_t pid;
    struct hl_clock clock;
    struct hl_loop *loop;
    int64_t budget_us;

    int public_fd; /* epoll set with the loop's, or in thread mode with notify_fd */
    int notify_fd; /* eventfd, readable while something waits for the host */
    struct hl_source notify_source;
    bool notified;     /* it was written because of that */
    atomic_bool woken; /* by homelab_ctx_wakeup() */
    bool woken_seen;   /* in this dispatch */

    pthread_mutex_t gate; /* taken first, so that a waiting host gets its turn */
    pthread_mutex_t mutex;
    atomic_uintptr_t owner; /* the thread that holds the mutex */
    unsigned depth;

    atomic_bool closed;
    bool patient;   /* who drives waits for something else than events */
    bool work_left; /* by the last run of the loop, which must not wait then */
    bool driving;   /* a thread of the host is in dispatch, wait or close */
    atomic_bool finishing;
    bool unsound; /* forked in the middle of a change */

    atomic_bool threaded;
    bool stop;
    atomic_bool orphaned; /* the last reference was dropped on the library's thread */
    pthread_t thread;
    atomic_uintptr_t thread_tag;

    struct hl_closer *closers;
    struct hl_service_slot *services;
    struct hl_event_list events;
    struct hl_log log;
    struct hl_secret_list secrets;
    struct hl_counters counters;
    uint64_t wakeups;
    uint64_t allocations; /* during dispatches */
};

/* notify.c: the public descriptor. */
int hl_notify_open(homelab_ctx *ctx);
/* The public descriptor only: a wake-up may still come from another thread. */
void hl_notify_close(homelab_ctx *ctx);
void hl_notify_free(homelab_ctx *ctx);
/* Makes it readable when something waits for the host, and not when nothing does. */
void hl_notify_settle(homelab_ctx *ctx);
/* Sees wake-ups, and takes back readiness that has no reason. */
void hl_notify_drain(homelab_ctx *ctx);
/* From now on it stands for what the thread leaves for the host. */
int hl_notify_to_thread(homelab_ctx *ctx);

/* thread.c */
void hl_thread_stop(homelab_ctx *ctx);
/* Runs the loop once, counting what it allocates; with the lock held. */
void hl_ctx_run_loop(homelab_ctx *ctx);

/* ctx.c */
/* Names the running thread. */
uintptr_t hl_thread_tag(void);
/* Closes and frees; nobody else has a reference. */
void hl_ctx_finish(homelab_ctx *ctx);

/* sigpipe.c: SIGPIPE cannot reach the host between block and restore. */
struct hl_sigpipe {
    bool blocked; /* here, not by the host */
};
void hl_sigpipe_block(struct hl_sigpipe *guard);
void hl_sigpipe_restore(const struct hl_sigpipe *guard);

/* log.c */
int hl_log_init(homelab_ctx *ctx);
void hl_log_free(homelab_ctx *ctx);
bool hl_log_due(const homelab_ctx *ctx);
void hl_log_deliver(homelab_ctx *ctx); /* without the lock */

/* event.c */
int hl_events_init(homelab_ctx *ctx);
void hl_events_free(homelab_ctx *ctx);
size_t hl_events_waiting(const homelab_ctx *ctx);

/* secret.c */
void hl_secrets_close(homelab_ctx *ctx);
void hl_secrets_free(homelab_ctx *ctx);
bool hl_secrets_due(const homelab_ctx *ctx);
/* Without the lock. Whether any was handed out. */
bool hl_secrets_deliver(homelab_ctx *ctx);
/* secret_env.c: the built-in provider of the scheme `env`. */
int hl_secret_env(homelab_secret_request *request, void *userdata);

#endif
