/* The context, from the inside: what parts built on it use. */
#ifndef HL_CORE_CTX_H
#define HL_CORE_CTX_H

#include "core/api.h"
#include "core/loop.h"

#include <homelab/ctx.h>

homelab_allocator *hl_ctx_allocator(const homelab_ctx *ctx); /* NULL ctx: NULL */
struct hl_loop *hl_ctx_loop(homelab_ctx *ctx);               /* lives as long as the context */
struct hl_clock *hl_ctx_clock(homelab_ctx *ctx);
/* The context's options, immutable. */
const homelab_opts *hl_ctx_opts(const homelab_ctx *ctx);

/* --- Guards. A public function that works on a context starts with hl_ctx_enter(), which is 0, or
 * HOMELAB_E_INVALID, _FORKED or _CLOSED with a record, and ends with hl_ctx_leave(). In between it
 * has the context for itself, also in thread mode. Nests. Drop no reference of the context in
 * between: it may be the last. Callbacks of the loop run inside already. --- */
int hl_ctx_enter(homelab_ctx *ctx);
void hl_ctx_leave(homelab_ctx *ctx);
/* The guard alone. */
int hl_ctx_check(homelab_ctx *ctx);
/* As enter and leave, for functions that work after close too; not to be called after a fork. */
void hl_ctx_lock(homelab_ctx *ctx);
void hl_ctx_unlock(homelab_ctx *ctx);
/* Whether this process is a child of the one that made the context: then memory may be freed, but
 * no byte may go to a peer and no lock may be taken. One system call. */
bool hl_ctx_forked(const homelab_ctx *ctx);

/* Drives the context as homelab_ctx_wait() does until done() says so under the lock: events that
 * wait do not end it, and a wake-up by the host is left for its next wait. 0, HOMELAB_E_TIMEOUT, or
 * what homelab_ctx_wait() would give. Outside of enter and leave. */
int hl_ctx_wait_until(homelab_ctx *ctx, bool (*done)(void *userdata), void *userdata,
                      int timeout_ms);
/* Makes a thread in hl_ctx_wait_until() ask again. */
void hl_ctx_poke(homelab_ctx *ctx);

/* --- Services: what parts above the core keep once per context, such as the HTTP client. Made when
 * first asked for, freed when the context closes, after the closers, latest first; in the child of
 * a fork (hl_ctx_forked()) quietly. Its address is the key:
 *
 *     static const struct hl_service http_service = {"http", make_http, free_http};
 *     void *client;
 *     int code = hl_ctx_service(ctx, &http_service, &client);
 * --- */
struct hl_service {
    const char *name;
    int (*make)(void **out, homelab_ctx *ctx); /* 0, or a negative code with a record */
    void (*free)(void *service);
};
int hl_ctx_service(homelab_ctx *ctx, const struct hl_service *type, void **out);
/* NULL when nobody asked for it yet. */
void *hl_ctx_service_peek(homelab_ctx *ctx, const struct hl_service *type);

/* --- Parts with work in a context register to be told of its close, once, before services and loop
 * end: they complete their operations and take back what they have in the loop. Latest first. In
 * the child of a fork the loop takes no system call any more, so the same code serves. Embedded,
 * cannot fail. --- */
struct hl_closer {
    void (*fn)(void *userdata);
    void *userdata;
    struct hl_closer *next, *previous;
    bool added;
};
void hl_ctx_add_closer(homelab_ctx *ctx, struct hl_closer *closer);
/* Also when it ran already. */
void hl_ctx_remove_closer(homelab_ctx *ctx, struct hl_closer *closer);

/* The memory of a context, without what it works on: for what may outlive it and only needs its
 * lock. */
void hl_ctx_hold(homelab_ctx *ctx);
void hl_ctx_release(homelab_ctx *ctx);

/* Log. The message is formatted only if somebody listens or the ring keeps it (it keeps
 * HOMELAB_LOG_INFO and more severe, and whatever the host's callback asked for). Delivered in the
 * host's next dispatch. Never pass a secret. subsystem is static. */
void hl_log(homelab_ctx *ctx, int level, const char *subsystem, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Counters for homelab_ctx_stats_json(); to be changed inside enter and leave. */
struct hl_counters {
    uint64_t transfers, connections, probes;
    uint64_t events, events_dropped; /* kept by the core */
};
struct hl_counters *hl_ctx_counters(homelab_ctx *ctx);

#endif
