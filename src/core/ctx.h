/* The context, from the inside: what parts built on it use. */
#ifndef HL_CORE_CTX_H
#define HL_CORE_CTX_H

#include "core/api.h"
#include "core/loop.h"

#include <homelab/ctx.h>

struct hl_http;

homelab_allocator *hl_ctx_allocator(const homelab_ctx *ctx); /* NULL ctx: NULL */
struct hl_loop *hl_ctx_loop(homelab_ctx *ctx);
struct hl_clock *hl_ctx_clock(homelab_ctx *ctx);
/* The context's options, immutable. */
const homelab_opts *hl_ctx_opts(const homelab_ctx *ctx);
/* The context's HTTP client, made when first asked for (set by the net part through
 * hl_ctx_set_http). NULL with a record. */
struct hl_http *hl_ctx_http(homelab_ctx *ctx);
/* 0, or HOMELAB_E_INVALID / CLOSED / FORKED with a record: the guard at the start of each public
 * function that works. */
int hl_ctx_check(homelab_ctx *ctx);
/* As hl_ctx_check(), but also enters the context: in thread mode takes its lock. Pair with
 * hl_ctx_leave(). */
int hl_ctx_enter(homelab_ctx *ctx);
void hl_ctx_leave(homelab_ctx *ctx);
/* Whether this process is a child of the one that made the context. */
bool hl_ctx_forked(const homelab_ctx *ctx);

/* Parts with work in a context register to be told of its close, once, before the loop goes.
 * Embedded, cannot fail. */
struct hl_closer {
    void (*fn)(void *userdata);
    void *userdata;
    struct hl_closer *next, *previous;
};
void hl_ctx_add_closer(homelab_ctx *ctx, struct hl_closer *closer);
void hl_ctx_remove_closer(homelab_ctx *ctx, struct hl_closer *closer);

/* Log. The message is formatted only if somebody listens or the ring keeps it; never pass a secret.
 */
void hl_log(homelab_ctx *ctx, int level, const char *subsystem, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Counters for homelab_ctx_stats_json(). */
struct hl_counters {
    uint64_t transfers, connections, events, events_dropped, probes;
};
struct hl_counters *hl_ctx_counters(homelab_ctx *ctx);

#endif
