#include "core/ctx_private.h"

#include <signal.h>

void hl_ctx_run_loop(homelab_ctx *ctx)
{
    uint64_t before = hl_alloc_count();
    ctx->work_left = hl_loop_dispatch(ctx->loop, ctx->budget_us);
    ctx->allocations += hl_alloc_count() - before;
}

/* One turn under the lock. False when the thread is to end. */
static bool turn(homelab_ctx *ctx)
{
    hl_ctx_lock(ctx);
    bool stop = ctx->stop;
    if (!stop)
        hl_ctx_run_loop(ctx);
    hl_ctx_unlock(ctx);
    return !stop && !atomic_load(&ctx->orphaned);
}

static void *run(void *userdata)
{
    homelab_ctx *ctx = userdata;
    HL_API(ctx->allocator);
    pthread_setname_np(pthread_self(), "homelab");
    atomic_store(&ctx->thread_tag, hl_thread_tag());
    /* The one who starts it holds the lock until everything is in place. */
    hl_ctx_lock(ctx);
    bool going = !ctx->stop;
    hl_ctx_unlock(ctx);
    while (going) {
        if (!ctx->work_left)
            hl_loop_poll(ctx->loop, -1);
        going = turn(ctx);
    }
    if (atomic_load(&ctx->orphaned)) {
        pthread_detach(pthread_self());
        hl_ctx_finish(ctx);
    }
    return NULL;
}

/* The host's signal handlers never run on the library's thread. */
static int create(homelab_ctx *ctx)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&ctx->thread, NULL, run, ctx);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error ? hl_error_system("context", "pthread_create", error) : HOMELAB_OK;
}

static int start(homelab_ctx *ctx)
{
    if (atomic_load(&ctx->threaded) || ctx->driving)
        return hl_error_set(HOMELAB_E_STATE, 0, "context", "context: found start_thread %s",
                            ctx->driving ? "inside a callback or a dispatch" : "called before");
    int code = create(ctx);
    if (code)
        return code;
    atomic_store(&ctx->threaded, true);
    code = hl_notify_to_thread(ctx);
    ctx->stop = code != HOMELAB_OK;
    return code;
}

int homelab_ctx_start_thread(homelab_ctx *ctx)
{
    HL_API(hl_ctx_allocator(ctx));
    int code = hl_ctx_enter(ctx);
    if (code)
        return code;
    code = start(ctx);
    bool failed = ctx->stop;
    hl_ctx_leave(ctx);
    if (failed)
        hl_thread_stop(ctx);
    return code;
}

void hl_thread_stop(homelab_ctx *ctx)
{
    if (!atomic_load(&ctx->threaded) || atomic_load(&ctx->thread_tag) == hl_thread_tag())
        return;
    hl_ctx_lock(ctx);
    ctx->stop = true;
    hl_loop_wakeup(ctx->loop);
    hl_ctx_unlock(ctx);
    pthread_join(ctx->thread, NULL);
    atomic_store(&ctx->threaded, false);
    atomic_store(&ctx->thread_tag, 0);
    ctx->stop = false;
}
