/* The public descriptor is an epoll set of its own around what it stands for: the loop's epoll set,
 * or, when a thread of the library works on that, an eventfd that is readable while events or
 * callbacks wait for the host. So its number never changes, and the loop may make its set anew.
 *
 * The eventfd serves both modes. Without a thread the loop itself watches it, so that waiting on
 * the loop sees everything with one system call. */
#include "core/ctx_private.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void on_notify(struct hl_loop *loop, int fd, uint32_t events, void *userdata)
{
    (void)loop, (void)fd, (void)events;
    hl_notify_drain(userdata);
}

int hl_notify_open(homelab_ctx *ctx)
{
    ctx->public_fd = epoll_create1(EPOLL_CLOEXEC);
    if (ctx->public_fd < 0)
        return hl_error_system("context", "epoll_create1", errno);
    ctx->notify_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (ctx->notify_fd < 0)
        return hl_error_system("context", "eventfd", errno);
    int code = hl_loop_add(ctx->loop, &ctx->notify_source, ctx->notify_fd, EPOLLIN, on_notify, ctx);
    return code ? code : hl_loop_attach(ctx->loop, ctx->public_fd);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void hl_notify_close(homelab_ctx *ctx)
{
    close_fd(&ctx->public_fd);
}

void hl_notify_free(homelab_ctx *ctx)
{
    close_fd(&ctx->public_fd);
    close_fd(&ctx->notify_fd);
}

static void raise_notify(homelab_ctx *ctx)
{
    uint64_t one = 1;
    /* It cannot fail: the counter never comes near its end. */
    ssize_t written = write(ctx->notify_fd, &one, sizeof one);
    (void)written;
}

static void lower_notify(homelab_ctx *ctx)
{
    uint64_t count;
    ssize_t got = read(ctx->notify_fd, &count, sizeof count);
    (void)got; /* EAGAIN: a wake-up that was seen before its write */
}

void hl_ctx_poke(homelab_ctx *ctx)
{
    if (ctx->patient)
        raise_notify(ctx);
}

void hl_notify_settle(homelab_ctx *ctx)
{
    bool events = hl_events_waiting(ctx) > 0 && !ctx->patient;
    bool due = events || hl_log_due(ctx) || hl_secrets_due(ctx);
    if (due == ctx->notified || ctx->notify_fd < 0)
        return;
    ctx->notified = due;
    if (due) {
        raise_notify(ctx);
        return;
    }
    lower_notify(ctx);
    /* The write of a wake-up that nobody saw yet may have been read along. */
    if (atomic_load(&ctx->woken))
        raise_notify(ctx);
}

void hl_notify_drain(homelab_ctx *ctx)
{
    if (atomic_exchange(&ctx->woken, false)) {
        ctx->woken_seen = true;
        ctx->wakeups++;
    }
    if (!ctx->notified)
        lower_notify(ctx);
}

int hl_notify_to_thread(homelab_ctx *ctx)
{
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(ctx->public_fd, EPOLL_CTL_ADD, ctx->notify_fd, &event) != 0)
        return hl_error_system("context", "epoll_ctl", errno);
    hl_loop_detach(ctx->loop);
    hl_loop_remove(ctx->loop, ctx->notify_source);
    return HOMELAB_OK;
}
