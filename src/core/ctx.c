#include "core/ctx_private.h"

#include "core/options.h"

#include <unistd.h>

uintptr_t hl_thread_tag(void)
{
    static _Thread_local char here;
    return (uintptr_t)&here;
}

/* --- Making and freeing --- */

static int build(homelab_ctx *ctx, const homelab_opts *opts)
{
    int code = hl_opts_copy(&ctx->opts, opts);
    if (!code)
        code = hl_loop_new(&ctx->loop, &ctx->clock);
    if (!code)
        code = hl_log_init(ctx);
    if (!code)
        code = hl_events_init(ctx);
    if (!code)
        code = hl_notify_open(ctx);
    ctx->budget_us = hl_opt_int(opts, HL_OPT_DISPATCH_BUDGET_US);
    return code;
}

static void free_state(homelab_ctx *ctx)
{
    hl_notify_free(ctx);
    hl_events_free(ctx);
    hl_secrets_free(ctx);
    hl_log_free(ctx);
    homelab_opts_free(ctx->opts);
    /* An operation that outlives the context may still take the lock. */
    pthread_mutex_lock(&ctx->mutex);
    struct hl_loop *loop = ctx->loop;
    ctx->loop = NULL;
    pthread_mutex_unlock(&ctx->mutex);
    hl_loop_free(loop);
}

void hl_ctx_hold(homelab_ctx *ctx)
{
    atomic_fetch_add(&ctx->weak, 1);
}

void hl_ctx_release(homelab_ctx *ctx)
{
    if (atomic_fetch_sub(&ctx->weak, 1) != 1)
        return;
    pthread_mutex_destroy(&ctx->mutex);
    pthread_mutex_destroy(&ctx->gate);
    hl_free(ctx);
}

int homelab_ctx_new(homelab_ctx **out, const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    if (!out)
        return hl_error_argument("out", "a place for the result");
    homelab_ctx *ctx = hl_calloc(1, sizeof *ctx);
    if (!ctx)
        return hl_error_nomem();
    ctx->allocator = hl_opt_allocator(opts);
    ctx->pid = getpid();
    ctx->public_fd = ctx->notify_fd = -1;
    atomic_init(&ctx->strong, 1);
    atomic_init(&ctx->weak, 1);
    pthread_mutex_init(&ctx->mutex, NULL);
    pthread_mutex_init(&ctx->gate, NULL);
    int code = build(ctx, opts);
    if (code) {
        free_state(ctx);
        hl_ctx_release(ctx);
        return code;
    }
    *out = ctx;
    return HOMELAB_OK;
}

homelab_ctx *homelab_ctx_ref(homelab_ctx *ctx)
{
    if (ctx)
        atomic_fetch_add(&ctx->strong, 1);
    return ctx;
}

void homelab_ctx_unref(homelab_ctx *ctx)
{
    if (!ctx || atomic_fetch_sub(&ctx->strong, 1) != 1 || atomic_load(&ctx->finishing))
        return;
    HL_API(ctx->allocator);
    /* A thread cannot wait for its own end: it finishes when its dispatch is over. */
    if (atomic_load(&ctx->thread_tag) == hl_thread_tag() && !hl_ctx_forked(ctx))
        atomic_store(&ctx->orphaned, true);
    else
        hl_ctx_finish(ctx);
}

/* --- Close --- */

static void run_closers(homelab_ctx *ctx)
{
    struct hl_closer *closer;
    while ((closer = ctx->closers) != NULL) {
        hl_ctx_remove_closer(ctx, closer);
        closer->fn(closer->userdata);
    }
}

static void free_services(homelab_ctx *ctx)
{
    struct hl_service_slot *slot;
    while ((slot = ctx->services) != NULL) {
        ctx->services = slot->next;
        slot->type->free(slot->service);
        hl_free(slot);
    }
}

static void close_locked(homelab_ctx *ctx)
{
    struct hl_sigpipe guard;
    hl_sigpipe_block(&guard);
    run_closers(ctx);
    hl_secrets_close(ctx);
    free_services(ctx);
    hl_loop_abandon(ctx->loop);
    hl_notify_close(ctx);
    hl_sigpipe_restore(&guard);
}

/* Whether a mutex was free at the fork. One that a thread of the parent holds is made anew: nobody
 * in this process would give it back. */
static bool was_free(pthread_mutex_t *mutex)
{
    if (pthread_mutex_trylock(mutex) == 0) {
        pthread_mutex_unlock(mutex);
        return true;
    }
    pthread_mutex_init(mutex, NULL);
    return false;
}

/* The descriptors go first, since the epoll set behind them is the parent's too. When a thread held
 * the lock at the fork, what it guards is unfinished and cannot be freed. */
static void close_forked(homelab_ctx *ctx)
{
    hl_loop_forked(ctx->loop);
    hl_notify_free(ctx);
    was_free(&ctx->gate);
    ctx->unsound = !was_free(&ctx->mutex);
    atomic_store(&ctx->owner, 0);
    if (ctx->unsound)
        return;
    hl_ctx_lock(ctx);
    run_closers(ctx);
    hl_secrets_close(ctx);
    free_services(ctx);
    hl_ctx_unlock(ctx);
}

static int close_ctx(homelab_ctx *ctx)
{
    if (hl_ctx_forked(ctx)) {
        if (!atomic_exchange(&ctx->closed, true))
            close_forked(ctx);
        return HOMELAB_OK;
    }
    hl_ctx_lock(ctx);
    bool busy = ctx->driving;
    bool done = busy || atomic_exchange(&ctx->closed, true);
    ctx->driving = true;
    hl_ctx_unlock(ctx);
    if (busy)
        return hl_error_set(HOMELAB_E_STATE, 0, "context",
                            "context: found close inside a callback or another dispatch");
    if (!done) {
        hl_thread_stop(ctx);
        hl_ctx_lock(ctx);
        close_locked(ctx);
        hl_ctx_unlock(ctx);
    }
    ctx->driving = false;
    return HOMELAB_OK;
}

int homelab_ctx_close(homelab_ctx *ctx)
{
    HL_API(hl_ctx_allocator(ctx));
    if (!ctx)
        return hl_error_argument("ctx", "a context");
    /* What closes may drop the last reference but this one. */
    homelab_ctx_ref(ctx);
    int code = close_ctx(ctx);
    if (!code)
        hl_error_clear();
    struct hl_error error;
    hl_error_save(&error);
    homelab_ctx_unref(ctx);
    hl_error_restore(&error);
    return code;
}

void hl_ctx_finish(homelab_ctx *ctx)
{
    atomic_store(&ctx->finishing, true);
    close_ctx(ctx);
    if (ctx->unsound)
        return;
    free_state(ctx);
    hl_ctx_release(ctx);
}

/* --- Guards --- */

bool hl_ctx_forked(const homelab_ctx *ctx)
{
    return ctx->pid != getpid();
}

int hl_ctx_check(homelab_ctx *ctx)
{
    if (!ctx)
        return hl_error_argument("ctx", "a context");
    if (hl_ctx_forked(ctx))
        return hl_error_set(HOMELAB_E_FORKED, 0, "context",
                            "context: made in process %ld, used in its child %ld", (long)ctx->pid,
                            (long)getpid());
    if (atomic_load(&ctx->closed))
        return hl_error_set(HOMELAB_E_CLOSED, 0, "context", "context: closed");
    return HOMELAB_OK;
}

int hl_ctx_enter(homelab_ctx *ctx)
{
    int code = hl_ctx_check(ctx);
    if (!code)
        hl_ctx_lock(ctx);
    return code;
}

void hl_ctx_leave(homelab_ctx *ctx)
{
    hl_ctx_unlock(ctx);
}

void hl_ctx_lock(homelab_ctx *ctx)
{
    if (atomic_load_explicit(&ctx->owner, memory_order_relaxed) == hl_thread_tag()) {
        ctx->depth++;
        return;
    }
    pthread_mutex_lock(&ctx->gate);
    pthread_mutex_lock(&ctx->mutex);
    pthread_mutex_unlock(&ctx->gate);
    atomic_store_explicit(&ctx->owner, hl_thread_tag(), memory_order_relaxed);
    ctx->depth = 1;
    if (ctx->loop)
        hl_loop_begin(ctx->loop);
}

void hl_ctx_unlock(homelab_ctx *ctx)
{
    if (--ctx->depth)
        return;
    if (ctx->loop) {
        hl_notify_settle(ctx);
        hl_loop_end(ctx->loop);
    }
    atomic_store_explicit(&ctx->owner, 0, memory_order_relaxed);
    pthread_mutex_unlock(&ctx->mutex);
}

/* --- What parts keep in a context --- */

homelab_allocator *hl_ctx_allocator(const homelab_ctx *ctx)
{
    return ctx ? ctx->allocator : NULL;
}

struct hl_loop *hl_ctx_loop(homelab_ctx *ctx)
{
    return ctx->loop;
}

struct hl_clock *hl_ctx_clock(homelab_ctx *ctx)
{
    return &ctx->clock;
}

const homelab_opts *hl_ctx_opts(const homelab_ctx *ctx)
{
    return ctx->opts;
}

struct hl_counters *hl_ctx_counters(homelab_ctx *ctx)
{
    return &ctx->counters;
}

void *hl_ctx_service_peek(homelab_ctx *ctx, const struct hl_service *type)
{
    for (struct hl_service_slot *slot = ctx->services; slot; slot = slot->next)
        if (slot->type == type)
            return slot->service;
    return NULL;
}

int hl_ctx_service(homelab_ctx *ctx, const struct hl_service *type, void **out)
{
    void *service = hl_ctx_service_peek(ctx, type);
    if (service) {
        *out = service;
        return HOMELAB_OK;
    }
    int code = hl_ctx_check(ctx);
    if (code)
        return code;
    struct hl_service_slot *slot = hl_malloc(sizeof *slot);
    if (!slot)
        return hl_error_nomem();
    code = type->make(&service, ctx);
    if (code) {
        hl_free(slot);
        return code;
    }
    *slot = (struct hl_service_slot){type, service, ctx->services};
    ctx->services = slot;
    *out = service;
    return HOMELAB_OK;
}

void hl_ctx_add_closer(homelab_ctx *ctx, struct hl_closer *closer)
{
    closer->previous = NULL;
    closer->next = ctx->closers;
    closer->added = true;
    if (ctx->closers)
        ctx->closers->previous = closer;
    ctx->closers = closer;
}

void hl_ctx_remove_closer(homelab_ctx *ctx, struct hl_closer *closer)
{
    if (!closer->added)
        return;
    *(closer->previous ? &closer->previous->next : &ctx->closers) = closer->next;
    if (closer->next)
        closer->next->previous = closer->previous;
    closer->next = closer->previous = NULL;
    closer->added = false;
}
