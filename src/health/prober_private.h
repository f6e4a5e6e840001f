/* The prober's state, for the files that make it up:
 *
 *     prober.c            what the host calls
 *     prober_inventory.c  runners for an inventory, and for a changed one
 *     prober_sweep.c      sweeps: who waits for which looks, and when an unclear one is repeated
 *     scheduler.c         when which endpoint is looked at: queue, cap, intervals
 *     prober_run.c        one look at one endpoint: key, requests, second try
 *     prober_canary.c     canary requests, which outlive the look that asked for them
 *     prober_report.c     what a look changes: history, record, events
 */
#ifndef HL_HEALTH_PROBER_PRIVATE_H
#define HL_HEALTH_PROBER_PRIVATE_H

#include "core/clock.h"
#include "core/ctx.h"
#include "core/event.h"
#include "core/loop.h"
#include "core/secret.h"
#include "health/history.h"
#include "health/maintenance.h"
#include "health/probe.h"
#include "health/snapshot.h"
#include "health/state.h"

#include <homelab/prober.h>

struct hl_settings {
    int rise, fall;
    int64_t patience_us, slow_us, interval_us, fast_interval_us, down_interval_us;
    int64_t confirm_us, canary_timeout_us;
    double jitter;
    uint32_t history;
    size_t max_in_flight;
    int max_json_depth;
    bool foreign_backends;
    enum hl_depth depth; /* UNSET: as the inventory says */
};

enum hl_phase {
    HL_PHASE_IDLE,
    HL_PHASE_QUEUED, /* waits for its turn */
    HL_PHASE_KEY,    /* waits for its API key */
    HL_PHASE_ASKING, /* waits for an answer */
    HL_PHASE_CANARY, /* waits for the canary's answer */
};

struct hl_waiter;
struct hl_canary;

/* One endpoint. */
struct hl_runner {
    homelab_prober *prober;
    size_t index;
    const struct hl_endpoint *endpoint; /* of the prober's inventory */
    bool selected;                      /* by option probe.only */
    bool kept;                          /* while an inventory is being replaced */

    /* Over time */
    struct hl_state state;
    struct hl_history history;
    struct hl_probe_memory *memory;
    struct hl_record *record;
    struct hl_serves serves;
    bool serves_known; /* models were seen once */
    bool slow_to_fail; /* the last look used up its time */
    uint32_t looks;
    struct hl_forecast_endpoint told; /* what events said last, and what stands in the tally */

    /* When */
    enum hl_phase phase;
    struct hl_timer timer;             /* idle: next look; else the limit of the phase */
    struct hl_runner *next, *previous; /* in the queue */
    struct hl_waiter *waiters;
    int64_t still_since_us; /* while a sweep confirms: start of the standstill it watches */

    /* The look under way */
    homelab_inventory *inventory; /* the probe borrows from it */
    struct hl_probe *probe;
    struct hl_probe_ask ask;
    struct hl_transfer *transfer;
    int64_t started_us, deadline_us;
    int64_t slowest_us; /* of its answers */
    bool second_try;    /* the first one failed early */
    int first_cause;    /* of the first try */
    enum hl_layer first_layer;
    char first_text[96];
    bool asked_afresh; /* this question was repeated on a fresh connection */

    /* Its key */
    char *key;
    bool key_is_old; /* the inventory names another one, for the next look */
    int key_attempt;
    struct hl_secret_wait *secret;
    char key_error[160]; /* why there is none */

    struct hl_canary *canary; /* in flight */
};

/* Runs until each of its endpoints was looked at. */
struct hl_waiter {
    struct hl_sweep *sweep;
    struct hl_waiter *next; /* of the same runner */
};
struct hl_sweep {
    homelab_prober *prober;
    homelab_op *op; /* or NULL */
    int *result;    /* or NULL: set when it ends, HOMELAB_E_PENDING before */
    size_t remaining;
    int64_t limit_us; /* of confirming */
    struct hl_sweep *next, *previous;
    struct hl_waiter waiters[];
};

struct homelab_prober {
    atomic_uint references;
    homelab_ctx *ctx;
    homelab_allocator *allocator;
    struct hl_closer closer;
    struct hl_settings settings;
    char *only; /* option probe.only */
    bool closed;
    bool orphaned; /* its last reference went in the child of a fork */
    bool running;  /* monitors */

    homelab_inventory *inventory;
    const struct hl_inventory_data *data;
    struct hl_roster *roster;
    struct hl_runner **runners; /* in the inventory's order */
    size_t count;

    struct hl_runner *first, *last; /* the queue */
    size_t in_flight;
    struct hl_timer pump;
    struct hl_sweep *sweeps;
    struct hl_maintenance maintenance;
    struct hl_probe_pool probes;
    struct hl_observation seen; /* of the look that ends just now; kept for its memory */

    int64_t generation;
    uint32_t declared;
    /* What events said last. */
    struct hl_tally tally;
    size_t *selected; /* endpoints a tier that are looked at */
    int *told_tiers;
    int told_verdict;
    uint32_t told_lost;
};

/* prober_inventory.c */
int hl_prober_adopt(homelab_prober *prober, homelab_inventory *inventory);
void hl_prober_drop_all(homelab_prober *prober);

/* prober_sweep.c */
int hl_sweep_start(homelab_prober *prober, homelab_op **op, int *result, struct hl_sweep **out);
void hl_sweep_end(struct hl_sweep *sweep, int code);
/* After a look, or when there will be none (looked false). */
void hl_sweep_looked(struct hl_runner *runner, bool looked);
/* Where a look that confirms must end; INT64_MAX for any other. */
int64_t hl_sweep_limit(const struct hl_runner *runner);
/* Whether another look is wanted before the sweep may end; *at_us says when. */
bool hl_sweep_wants(const struct hl_runner *runner, int64_t *at_us);

/* scheduler.c */
int hl_scheduler_init(homelab_prober *prober); /* 0 or HOMELAB_E_NOMEM */
void hl_scheduler_end(homelab_prober *prober);
void hl_scheduler_request(struct hl_runner *runner); /* a look as soon as there is room */
void hl_scheduler_ended(struct hl_runner *runner);   /* a look ended */
void hl_scheduler_next(struct hl_runner *runner);    /* plans the next one */
void hl_scheduler_hurry(struct hl_runner *runner);   /* something is wrong: look soon */
void hl_scheduler_stop(struct hl_runner *runner);    /* no look, now or later */
struct hl_state_policy hl_scheduler_policy(const struct hl_runner *runner);

/* prober_run.c */
void hl_run_start(struct hl_runner *runner);
void hl_run_cancel(struct hl_runner *runner);
/* Takes the answer to the present question. */
void hl_run_answer(struct hl_runner *runner, const struct hl_http_result *result);
/* The limit of the present phase was reached. */
void hl_run_limit(struct hl_runner *runner);
void hl_run_forget_key(struct hl_runner *runner);
/* The same once it is in use no more: a look under way goes on with the key that it began with. */
void hl_run_renew_key(struct hl_runner *runner);

/* prober_canary.c */
int hl_canary_start(struct hl_runner *runner, const struct hl_http_request *request);
/* Nobody will ask for the result; the request goes on until the context closes. */
void hl_canary_detach(struct hl_runner *runner);

/* prober_report.c */
int hl_report_first(struct hl_runner *runner); /* the record of an endpoint not looked at yet */
void hl_report_look(struct hl_runner *runner, struct hl_observation *seen);
void hl_report_passive(struct hl_runner *runner);
int hl_report_refresh(struct hl_runner *runner); /* what time alone changes */
void hl_report_cluster(homelab_prober *prober);  /* tiers, prognosis, capabilities */

static inline struct hl_loop *hl_prober_loop(const homelab_prober *prober)
{
    return hl_ctx_loop(prober->ctx);
}
static inline int64_t hl_prober_now(const homelab_prober *prober)
{
    return hl_loop_now(hl_prober_loop(prober));
}
static inline int64_t hl_prober_wall(const homelab_prober *prober)
{
    return hl_clock_wall(hl_ctx_clock(prober->ctx));
}

#endif
