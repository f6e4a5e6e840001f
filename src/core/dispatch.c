#include "core/ctx_private.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

/* Makes the calling thread the one that drives the context; it holds a reference meanwhile, since a
 * callback may drop the last one of the host. */
static int begin(homelab_ctx *ctx)
{
    int code = hl_ctx_enter(ctx);
    if (code)
        return code;
    bool busy = ctx->driving;
    if (!busy) {
        ctx->driving = true;
        ctx->woken_seen = false;
        homelab_ctx_ref(ctx);
    }
    hl_ctx_leave(ctx);
    if (busy)
        return hl_error_set(HOMELAB_E_STATE, 0, "context",
                            "context: found dispatch inside a callback or another dispatch");
    return HOMELAB_OK;
}

static int end(homelab_ctx *ctx)
{
    hl_ctx_lock(ctx);
    ctx->driving = false;
    size_t count = hl_events_waiting(ctx);
    hl_ctx_unlock(ctx);
    homelab_ctx_unref(ctx);
    /* What failed on the way was dealt with. */
    hl_error_clear();
    return count > INT_MAX ? INT_MAX : (int)count;
}

/* Whether a callback did something that the loop could go on with at once. */
static bool deliver(homelab_ctx *ctx, struct hl_sigpipe *guard)
{
    /* The host's own code runs with the host's own signal mask. */
    hl_sigpipe_restore(guard);
    bool answered = hl_secrets_deliver(ctx);
    hl_log_deliver(ctx);
    hl_sigpipe_block(guard);
    return answered;
}

/* Whether callbacks of the host are due. */
static bool run_once(homelab_ctx *ctx)
{
    hl_ctx_lock(ctx);
    if (atomic_load(&ctx->threaded))
        hl_notify_drain(ctx);
    else
        hl_ctx_run_loop(ctx);
    bool due = hl_log_due(ctx) || hl_secrets_due(ctx);
    hl_ctx_unlock(ctx);
    return due;
}

/* Does what is due, callbacks included. True when there is something to tell the caller of wait. */
static bool step(homelab_ctx *ctx, struct hl_sigpipe *guard)
{
    int64_t until_us = hl_clock_real() + ctx->budget_us;
    bool again = true;
    while (again)
        again = run_once(ctx) && deliver(ctx, guard) && hl_clock_real() < until_us;
    hl_ctx_lock(ctx);
    bool told = ctx->woken_seen || hl_events_waiting(ctx) > 0;
    hl_ctx_unlock(ctx);
    return told;
}

static void sleep_until(homelab_ctx *ctx, int timeout_ms)
{
    if (atomic_load(&ctx->threaded)) {
        struct pollfd notify = {.fd = ctx->notify_fd, .events = POLLIN};
        poll(&notify, 1, timeout_ms);
    } else if (!ctx->work_left) {
        hl_loop_poll(ctx->loop, timeout_ms);
    }
}

int homelab_ctx_dispatch(homelab_ctx *ctx, uint32_t flags)
{
    HL_API(hl_ctx_allocator(ctx));
    if (flags)
        return hl_error_flags(flags);
    int code = begin(ctx);
    if (code)
        return code;
    struct hl_sigpipe guard;
    hl_sigpipe_block(&guard);
    step(ctx, &guard);
    hl_sigpipe_restore(&guard);
    return end(ctx);
}

int homelab_ctx_wait(homelab_ctx *ctx, int timeout_ms)
{
    HL_API(hl_ctx_allocator(ctx));
    if (timeout_ms < -1)
        return hl_error_argument("timeout_ms", "-1 or more");
    int code = begin(ctx);
    if (code)
        return code;
    int64_t until_us = hl_clock_real() + (int64_t)timeout_ms * 1000;
    struct hl_sigpipe guard;
    hl_sigpipe_block(&guard);
    while (!step(ctx, &guard)) {
        int64_t left_us = timeout_ms < 0 ? -1 : until_us - hl_clock_real();
        if (timeout_ms >= 0 && left_us <= 0)
            break;
        sleep_until(ctx, timeout_ms < 0 ? -1 : (int)((left_us + 999) / 1000));
    }
    hl_sigpipe_restore(&guard);
    return end(ctx);
}

static void be_patient(homelab_ctx *ctx, bool patient)
{
    hl_ctx_lock(ctx);
    ctx->patient = patient;
    hl_ctx_unlock(ctx);
}

static bool asks_done(homelab_ctx *ctx, bool (*done)(void *userdata), void *userdata)
{
    hl_ctx_lock(ctx);
    bool is_done = done(userdata);
    hl_ctx_unlock(ctx);
    return is_done;
}

static int wait_until(homelab_ctx *ctx, bool (*done)(void *userdata), void *userdata,
                      int timeout_ms)
{
    int64_t until_us = hl_clock_real() + (int64_t)timeout_ms * 1000;
    struct hl_sigpipe guard;
    hl_sigpipe_block(&guard);
    bool is_done = asks_done(ctx, done, userdata);
    while (!is_done) {
        step(ctx, &guard);
        is_done = asks_done(ctx, done, userdata);
        int64_t left_us = until_us - hl_clock_real();
        if (is_done || left_us <= 0)
            break;
        sleep_until(ctx, (int)((left_us + 999) / 1000));
    }
    hl_sigpipe_restore(&guard);
    return is_done ? HOMELAB_OK : HOMELAB_E_TIMEOUT;
}

int hl_ctx_wait_until(homelab_ctx *ctx, bool (*done)(void *userdata), void *userdata,
                      int timeout_ms)
{
    int code = begin(ctx);
    if (code)
        return code;
    be_patient(ctx, true);
    int result = wait_until(ctx, done, userdata, timeout_ms);
    be_patient(ctx, false);
    if (ctx->woken_seen)
        homelab_ctx_wakeup(ctx);
    code = end(ctx);
    return code < 0 ? code : result;
}

int homelab_ctx_wakeup(homelab_ctx *ctx)
{
    /* No error record, no lock, no memory: this may run in a signal handler. */
    if (!ctx)
        return HOMELAB_E_INVALID;
    if (ctx->pid != getpid())
        return HOMELAB_E_FORKED;
    /* In this order, so that who reads the write also sees the flag. */
    int before = errno;
    uint64_t one = 1;
    atomic_store(&ctx->woken, true);
    ssize_t written = write(ctx->notify_fd, &one, sizeof one);
    (void)written;
    errno = before;
    return HOMELAB_OK;
}

int homelab_ctx_fd(homelab_ctx *ctx)
{
    HL_API(hl_ctx_allocator(ctx));
    int code = hl_ctx_check(ctx);
    return code ? code : ctx->public_fd;
}

int homelab_ctx_timeout_ms(homelab_ctx *ctx)
{
    HL_API(hl_ctx_allocator(ctx));
    if (!ctx)
        return hl_error_argument("ctx", "a context");
    return atomic_load(&ctx->closed) || hl_ctx_forked(ctx) ? 0 : -1;
}
