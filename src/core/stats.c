#include "core/ctx_private.h"

#include "core/buf.h"

#include <inttypes.h>

#define TEXT_MAX 4096

struct figure {
    const char *name;
    uint64_t value;
};

char *homelab_ctx_stats_json(homelab_ctx *ctx)
{
    HL_API(hl_ctx_allocator(ctx));
    if (!ctx || hl_ctx_forked(ctx)) {
        hl_ctx_check(ctx);
        return NULL;
    }
    hl_ctx_lock(ctx);
    struct hl_loop_stats loop;
    hl_loop_stats(ctx->loop, &loop);
    const struct figure figures[] = {
        {"dispatches", loop.dispatches},
        {"spurious_dispatches", loop.spurious},
        {"longest_dispatch_us", loop.longest_us},
        {"dispatch_allocations", ctx->allocations},
        {"wakeups", ctx->wakeups},
        {"events", ctx->counters.events},
        {"events_dropped", ctx->counters.events_dropped},
        {"events_waiting", hl_events_waiting(ctx)},
        {"log_lines", ctx->log.next},
        {"transfers", ctx->counters.transfers},
        {"connections", ctx->counters.connections},
        {"probes", ctx->counters.probes},
    };
    hl_ctx_unlock(ctx);
    struct hl_buf text;
    hl_buf_init(&text, TEXT_MAX);
    hl_buf_puts(&text, "{\"schema\":1");
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        hl_buf_printf(&text, ",\"%s\":%" PRIu64, figures[i].name, figures[i].value);
    hl_buf_puts(&text, "}");
    return hl_buf_take(&text);
}
