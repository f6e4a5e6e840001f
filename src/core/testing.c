#define HOMELAB_UNSTABLE
#include "core/ctx_private.h"

#include <homelab/testing.h>

int homelab_testing_freeze_clock(homelab_ctx *ctx, int64_t now_us, int64_t wall_us)
{
    HL_API(hl_ctx_allocator(ctx));
    if (now_us < 0 || wall_us < 0)
        return hl_error_argument("time", "0 or more");
    int code = hl_ctx_enter(ctx);
    if (code)
        return code;
    ctx->clock = (struct hl_clock){true, now_us, wall_us};
    hl_loop_clock_changed(ctx->loop);
    hl_ctx_leave(ctx);
    return HOMELAB_OK;
}

static int advance(struct hl_clock *clock, int64_t by_us)
{
    if (!clock->frozen)
        return hl_error_set(HOMELAB_E_STATE, 0, "clock", "clock: not frozen");
    int64_t now_us, wall_us;
    if (__builtin_add_overflow(clock->now_us, by_us, &now_us) ||
        __builtin_add_overflow(clock->wall_us, by_us, &wall_us))
        return hl_error_argument("by_us", "a time that fits 64 bits");
    clock->now_us = now_us;
    clock->wall_us = wall_us;
    return HOMELAB_OK;
}

int homelab_testing_advance_clock(homelab_ctx *ctx, int64_t by_us)
{
    HL_API(hl_ctx_allocator(ctx));
    if (by_us < 0)
        return hl_error_argument("by_us", "0 or more");
    int code = hl_ctx_enter(ctx);
    if (code)
        return code;
    code = advance(&ctx->clock, by_us);
    if (!code)
        hl_loop_clock_changed(ctx->loop);
    hl_ctx_leave(ctx);
    return code;
}

int64_t homelab_testing_next_timer_us(homelab_ctx *ctx)
{
    HL_API(hl_ctx_allocator(ctx));
    if (hl_ctx_enter(ctx))
        return -1;
    int64_t due_us = hl_loop_next_due(ctx->loop);
    int64_t left_us = due_us - hl_clock_now(&ctx->clock);
    hl_ctx_leave(ctx);
    if (due_us < 0)
        return -1;
    return left_us > 0 ? left_us : 0;
}
