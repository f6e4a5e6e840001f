/**
 * @file
 * @brief The prober: looks at the endpoints of an inventory, once or for as long as it runs.
 *
 * What a probe promises (tested against real servers): it never loads, evicts, wakes or aborts a
 * model, never keeps a sleeping one awake, never reads llama.cpp's `/slots`, never calls LiteLLM's
 * `/health`, never follows a redirect, never sends a key to another host than the endpoint's, and
 * connects only to hosts of the inventory (a gateway's backends are tried only where they are among
 * them, or option `health.foreign_backends` is set). The canary depth, off unless asked for, asks
 * an already loaded model of a known capability for one token or one embedding and never cuts that
 * request short.
 */
#ifndef HOMELAB_PROBER_H
#define HOMELAB_PROBER_H

#include <homelab/ctx.h>
#include <homelab/event.h>
#include <homelab/export.h>
#include <homelab/inventory.h>
#include <homelab/snapshot.h>

HOMELAB_BEGIN_DECLS

/** Probes the endpoints of an inventory. Reference-counted; belongs to its context's thread. @since
 * 0.1.0 */
typedef struct homelab_prober homelab_prober;

/** A request of the caller succeeded. @since 0.1.0 */
#define HOMELAB_OUTCOME_OK           0
/** It could not connect. @since 0.1.0 */
#define HOMELAB_OUTCOME_UNREACHABLE  1
/** It timed out after connecting. @since 0.1.0 */
#define HOMELAB_OUTCOME_TIMEOUT      2
/** It was answered 5xx, or cut. @since 0.1.0 */
#define HOMELAB_OUTCOME_SERVER_ERROR 3
/** It was answered 429 or Ollama's 503. @since 0.1.0 */
#define HOMELAB_OUTCOME_BUSY         4

/**
 * @brief Makes a prober; it does nothing until homelab_prober_check() or homelab_prober_start().
 * @param opts Options (`health.*`, `probe.*`), or NULL for those of the context.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM, HOMELAB_E_CLOSED, HOMELAB_E_FORKED,
 * HOMELAB_E_OPTION_VALUE for a wrong `probe.depth`, or
 * HOMELAB_E_NOT_FOUND when option `probe.only` names an unknown endpoint.
 * @since 0.1.0
 */
HOMELAB_API int homelab_prober_new(homelab_prober **out, homelab_ctx *ctx,
                                   homelab_inventory *inventory, const homelab_opts *opts);

/** @brief Takes a reference. @return The same prober; NULL for NULL. @since 0.1.0 */
HOMELAB_API homelab_prober *homelab_prober_ref(homelab_prober *prober);
/** @brief Drops a reference; the last one closes and frees. NULL is allowed. @since 0.1.0 */
HOMELAB_API void homelab_prober_unref(homelab_prober *prober);
/** @brief Stops all probing; running checks complete with HOMELAB_E_CLOSED. Idempotent. Snapshots
 * may still be taken. @since 0.1.0 */
HOMELAB_API int homelab_prober_close(homelab_prober *prober);

/**
 * @brief Starts one sweep: each endpoint is probed once, unclear ones confirmed as option
 * `probe.confirm_ms` says. An endpoint that is being probed already is not probed again; that probe
 * counts. Several sweeps may run at one time.
 * @param flags 0.
 * @param[out] op Completes when the sweep ended; may be NULL. The caller drops its reference.
 * @return HOMELAB_OK or a negative code.
 * @since 0.1.0
 */
HOMELAB_API int homelab_prober_check(homelab_prober *prober, uint32_t flags, homelab_op **op);

/**
 * @brief Sweeps once and waits for the end.
 * @param timeout_ms At most this long, 1 or more; a sweep is bounded by the longest time-out of an
 * endpoint anyway.
 * @return HOMELAB_OK, HOMELAB_E_TIMEOUT (the sweep is cancelled), or another negative code.
 * @since 0.1.0
 */
HOMELAB_API int homelab_prober_check_now(homelab_prober *prober, int timeout_ms);

/** @brief Starts monitoring: probes at the intervals of the inventory and queues an event on every
 * change. HOMELAB_E_STATE when it runs. @since 0.1.0 */
HOMELAB_API int homelab_prober_start(homelab_prober *prober, uint32_t flags);
/** @brief Stops monitoring; state and history stay. HOMELAB_OK also when it does not run. @since
 * 0.1.0 */
HOMELAB_API int homelab_prober_stop(homelab_prober *prober);

/** @brief The present state. @return HOMELAB_OK, HOMELAB_E_INVALID or HOMELAB_E_NOMEM. Works after
 * close. @since 0.1.0 */
HOMELAB_API int homelab_prober_snapshot(homelab_prober *prober, homelab_snapshot **out);

/**
 * @brief Takes a changed inventory; endpoints with the same id and URL keep history and state,
 * without events for them.
 * @return HOMELAB_OK or a negative code; on failure the old inventory stays.
 * @since 0.1.0
 */
HOMELAB_API int homelab_prober_set_inventory(homelab_prober *prober, homelab_inventory *inventory);

/**
 * @brief Reports what a caller's own request to an endpoint met; it feeds the same counters as a
 * probe.
 * @param endpoint Its id.
 * @param outcome HOMELAB_OUTCOME_…
 * @param elapsed_us How long the request took, 0 or more.
 * @return HOMELAB_OK, HOMELAB_E_INVALID or HOMELAB_E_NOT_FOUND.
 * @since 0.1.0
 */
HOMELAB_API int homelab_prober_observe(homelab_prober *prober, const char *endpoint, int outcome,
                                       int64_t elapsed_us);

/**
 * @brief Plans maintenance: failures inside the window queue no events and count in no history.
 * @param subject Id of an endpoint or node, or name of a tier.
 * @param from_us, until_us Wall-clock microseconds since 1970-01-01 UTC; from before until.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM, HOMELAB_E_NOT_FOUND or HOMELAB_E_LIMIT
 * (64 windows).
 * @since 0.1.0
 */
HOMELAB_API int homelab_prober_add_maintenance(homelab_prober *prober, const char *subject,
                                               int64_t from_us, int64_t until_us);

HOMELAB_END_DECLS

#endif
