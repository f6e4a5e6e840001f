#include "route/router_private.h"

#include "core/error.h"
#include "core/options.h"

#include <homelab/prober.h>
#include <stdio.h>
#include <string.h>

/* --- Tables come and go --- */

void hl_router_acquire(homelab_router *router, struct hl_table **held)
{
    struct hl_table *present = atomic_load(&router->table);
    /* Whoever holds a table keeps its address from being used again, so equal means the same. */
    if (present == *held)
        return;
    atomic_fetch_add(&router->entering, 1);
    present = hl_table_ref(atomic_load(&router->table));
    atomic_fetch_sub(&router->entering, 1);
    hl_table_unref(*held);
    *held = present;
}

static void drop_retired(homelab_router *router)
{
    if (atomic_load(&router->entering) != 0)
        return;
    for (size_t i = 0; i < router->retired_count; i++)
        hl_table_unref(router->retired[i]);
    router->retired_count = 0;
}

/* Makes a table and puts it in place of the present one. With the mutex. */
static int replace(homelab_router *router, homelab_inventory *inventory, homelab_snapshot *snapshot,
                   struct hl_classifier *classifier)
{
    drop_retired(router);
    int code = hl_grow((void **)&router->retired, &router->retired_capacity, router->retired_count,
                       sizeof(struct hl_table *));
    struct hl_table *table = NULL, *old = atomic_load(&router->table);
    if (!code)
        code = hl_table_new(&table, router->ledger, inventory, snapshot, classifier,
                            &router->settings);
    else
        hl_error_nomem();
    if (code)
        return code;
    atomic_store(&router->table, table);
    if (old)
        router->retired[router->retired_count++] = old;
    drop_retired(router);
    return HOMELAB_OK;
}

static void destroy(homelab_router *router)
{
    atomic_store(&router->entering, 0);
    drop_retired(router);
    hl_table_unref(atomic_load(&router->table));
    hl_classifier_unref(router->classifier);
    hl_ledger_unref(router->ledger);
    hl_free(router->retired);
    pthread_mutex_destroy(&router->mutex);
    hl_free(router);
}

int homelab_router_new(homelab_router **out, homelab_inventory *inventory,
                       homelab_snapshot *snapshot, const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    if (!out || !inventory)
        return hl_error_argument(out ? "inventory" : "out",
                                 out ? "an inventory" : "a place for the result");
    homelab_router *router = hl_calloc(1, sizeof *router);
    if (!router)
        return hl_error_nomem();
    if (pthread_mutex_init(&router->mutex, NULL) != 0) {
        hl_free(router);
        return hl_error_nomem();
    }
    atomic_init(&router->references, 1);
    router->allocator = hl_opt_allocator(opts);
    hl_route_settings_read(&router->settings, opts);
    int code = hl_ledger_new(&router->ledger);
    if (!code)
        code = replace(router, inventory, snapshot, NULL);
    if (code) {
        struct hl_error error;
        hl_error_save(&error);
        destroy(router);
        return hl_error_restore(&error);
    }
    *out = router;
    return HOMELAB_OK;
}

homelab_router *homelab_router_ref(homelab_router *router)
{
    if (router)
        atomic_fetch_add_explicit(&router->references, 1, memory_order_relaxed);
    return router;
}

void homelab_router_unref(homelab_router *router)
{
    if (router && atomic_fetch_sub_explicit(&router->references, 1, memory_order_acq_rel) == 1)
        destroy(router);
}

int homelab_router_update(homelab_router *router, homelab_inventory *inventory,
                          homelab_snapshot *snapshot)
{
    HL_API(router ? router->allocator : NULL);
    if (!router)
        return hl_error_argument("router", "a router");
    pthread_mutex_lock(&router->mutex);
    const struct hl_table *present = atomic_load(&router->table);
    int code = replace(router, inventory ? inventory : present->inventory,
                       snapshot ? snapshot : present->snapshot, router->classifier);
    pthread_mutex_unlock(&router->mutex);
    return code;
}

int homelab_router_set_classifier(homelab_router *router, homelab_classifier_fn fn, void *userdata,
                                  homelab_destroy_fn destroy_fn)
{
    HL_API(router ? router->allocator : NULL);
    struct hl_classifier *classifier = router && fn ? hl_calloc(1, sizeof *classifier) : NULL;
    if (!router || (fn && !classifier)) {
        if (destroy_fn)
            destroy_fn(userdata);
        return router ? hl_error_nomem() : hl_error_argument("router", "a router");
    }
    if (classifier) {
        atomic_init(&classifier->references, 1);
        classifier->fn = fn;
        classifier->userdata = userdata;
        classifier->destroy = destroy_fn;
    } else if (destroy_fn) {
        destroy_fn(userdata);
    }
    pthread_mutex_lock(&router->mutex);
    const struct hl_table *present = atomic_load(&router->table);
    int code = replace(router, present->inventory, present->snapshot, classifier);
    struct hl_classifier *gone = classifier;
    if (!code) {
        gone = router->classifier;
        router->classifier = classifier;
    }
    pthread_mutex_unlock(&router->mutex);
    hl_classifier_unref(gone);
    return code;
}

/* A reference to the present table, for calls without a decision. */
static struct hl_table *take_table(homelab_router *router)
{
    struct hl_table *table = NULL;
    hl_router_acquire(router, &table);
    return table;
}

size_t homelab_router_expert_count(homelab_router *router)
{
    HL_API(NULL);
    if (!router)
        return 0;
    struct hl_table *table = take_table(router);
    size_t count = table->count;
    hl_table_unref(table);
    return count;
}

/* --- Deciding --- */

static const char *const reject_names[HOMELAB_REJECT_BREAKER + 1] = {
    NULL,
    [HOMELAB_REJECT_EXCLUDED] = "excluded",
    [HOMELAB_REJECT_PIN] = "pin",
    [HOMELAB_REJECT_CAPABILITY] = "capability",
    [HOMELAB_REJECT_DIALECT] = "dialect",
    [HOMELAB_REJECT_MISSING] = "missing",
    [HOMELAB_REJECT_CONTEXT] = "context",
    [HOMELAB_REJECT_VERDICT] = "verdict",
    [HOMELAB_REJECT_BREAKER] = "breaker"};

const char *homelab_reject_name(int reject)
{
    return reject > 0 && reject <= HOMELAB_REJECT_BREAKER ? reject_names[reject] : NULL;
}

/* "route: no model for vision: 5 experts: 3 capability, 2 verdict; try again in 4 s" */
static int no_route(const homelab_decision *decision)
{
    const struct hl_verdict *verdict = &decision->verdict;
    const char *task = homelab_task_name(hl_task_of_capability(decision->errand.task));
    char counts[256] = "";
    size_t length = 0;
    for (int i = 1; i <= HOMELAB_REJECT_BREAKER; i++)
        if (verdict->rejected[i] && length < sizeof counts)
            length += (size_t)snprintf(counts + length, sizeof counts - length, "%s%u %s",
                                       length ? ", " : ": ", verdict->rejected[i], reject_names[i]);
    char again[48] = "";
    if (verdict->retry_ms >= 0)
        snprintf(again, sizeof again, "; try again in %.1f s", (double)verdict->retry_ms / 1000);
    unsigned total = verdict->rejected[0];
    return hl_error_set(HOMELAB_E_ROUTE_NONE, 0, task, "route: no model for %s: %u expert%s%s%s",
                        task, total, total == 1 ? "" : "s", counts, again);
}

static void prepare_affinity(homelab_router *router, const struct hl_table *table,
                             struct hl_errand *errand, int64_t now_ms)
{
    if (errand->affinity) {
        uint64_t key = errand->affinity + (uint64_t)errand->task * UINT64_C(0x9e3779b97f4a7c15);
        errand->affinity = key;
        errand->spread = key;
        if (table->settings.affinity_ttl_ms > 0)
            errand->bound =
                hl_affinity_find(&router->affinity, key, table->settings.affinity_ttl_ms, now_ms);
    } else if (table->weighted) {
        errand->spread = atomic_load_explicit(&router->begun, memory_order_relaxed) *
                         UINT64_C(0x9e3779b97f4a7c15);
    }
}

static int decide(homelab_router *router, const homelab_request *request, const char *text,
                  size_t length, homelab_decision *decision, uint32_t flags, enum hl_heed heed)
{
    /* It takes no memory, so there is no allocator to choose. */
    hl_error_clear();
    if (!router || !request || !decision)
        return hl_error_argument(!router    ? "router"
                                 : !request ? "request"
                                            : "decision",
                                 "not NULL");
    if (flags & ~HOMELAB_DECIDE_EXPLAIN)
        return hl_error_flags(flags & ~HOMELAB_DECIDE_EXPLAIN);
    hl_router_acquire(router, &decision->table);
    decision->decided = false;
    int code = hl_errand_read(&decision->errand, decision->table, request, text, length);
    if (code)
        return code;
    decision->explained = flags & HOMELAB_DECIDE_EXPLAIN;
    if (!hl_ledger_troubled(router->ledger))
        heed = HL_HEED_NONE;
    int64_t now_ms = heed || decision->errand.affinity ? hl_route_now_ms() : 0;
    prepare_affinity(router, decision->table, &decision->errand, now_ms);
    hl_decide(&decision->verdict, decision->table, &decision->errand, heed, now_ms,
              decision->explained ? decision->why : NULL, decision->room);
    decision->decided = true;
    return decision->verdict.count ? (int)decision->verdict.count : no_route(decision);
}

int homelab_router_decide(homelab_router *router, const homelab_request *request, const char *text,
                          size_t length, homelab_decision *decision, uint32_t flags)
{
    return decide(router, request, text, length, decision, flags, HL_HEED_ALL);
}

int hl_router_decide_patiently(homelab_router *router, const homelab_request *request,
                               const char *text, size_t length, homelab_decision *decision,
                               uint32_t flags)
{
    return decide(router, request, text, length, decision, flags, HL_HEED_FAILURES);
}

/* --- Feedback --- */

int64_t homelab_router_begin(homelab_router *router, const homelab_decision *decision, size_t i)
{
    HL_API(NULL);
    if (!router || !decision || !decision->decided || i >= decision->verdict.count ||
        decision->table->ledger != router->ledger)
        return hl_error_argument("decision", "a candidate of a decision by this router");
    const struct hl_table *table = decision->table;
    const struct hl_expert *expert = hl_expert_of(decision, i);
    int64_t now_ms = hl_route_now_ms();
    int64_t ticket =
        hl_feedback_begin(router->ledger, expert, &table->gates[expert->endpoint], now_ms);
    if (ticket < 0)
        return hl_error_set(HOMELAB_E_STATE, 0, homelab_decision_endpoint(decision, i),
                            "endpoint '%s': it failed of late, and another request tries it now",
                            table->endpoints[expert->endpoint].endpoint->id);
    atomic_fetch_add_explicit(&router->begun, 1, memory_order_relaxed);
    if (decision->errand.affinity && table->settings.affinity_ttl_ms > 0)
        hl_affinity_bind(&router->affinity, decision->errand.affinity, expert->line, now_ms);
    return ticket;
}

int homelab_router_finish(homelab_router *router, int64_t ticket, int outcome,
                          int64_t first_byte_us, int64_t total_us, int64_t tokens, int64_t retry_ms)
{
    HL_API(NULL);
    if (!router || outcome < HOMELAB_OUTCOME_OK || outcome > HOMELAB_OUTCOME_CANCELLED)
        return hl_error_argument(router ? "outcome" : "router",
                                 router ? "one of HOMELAB_OUTCOME_" : "a router");
    struct hl_feedback feedback = {.outcome = outcome,
                                   .first_byte_us = first_byte_us,
                                   .total_us = total_us,
                                   .tokens = tokens,
                                   .retry_ms = retry_ms};
    return hl_feedback_end(router->ledger, ticket, &feedback, &router->settings.breaker,
                           hl_route_now_ms());
}

int homelab_router_report(homelab_router *router, homelab_prober *prober)
{
    HL_API(NULL);
    if (!router || !prober)
        return hl_error_argument(router ? "prober" : "router", "not NULL");
    struct hl_table *table = take_table(router);
    int code = HOMELAB_OK;
    for (size_t i = 0; i < table->endpoint_count && !code; i++) {
        struct hl_outcome outcomes[8];
        size_t count = hl_live_told(table->gates[i].live, outcomes);
        for (size_t j = 0; j < count && !code; j++)
            code = homelab_prober_observe(prober, table->endpoints[i].endpoint->id,
                                          outcomes[j].outcome, outcomes[j].elapsed_us);
        /* The prober may have another inventory. */
        if (code == HOMELAB_E_NOT_FOUND)
            code = HOMELAB_OK;
    }
    hl_table_unref(table);
    if (!code)
        hl_error_clear();
    return code;
}

int homelab_router_in_flight(homelab_router *router, const char *endpoint)
{
    HL_API(NULL);
    if (!router || !endpoint)
        return -1;
    struct hl_table *table = take_table(router);
    int count = -1;
    for (size_t i = 0; i < table->endpoint_count && count < 0; i++)
        if (strcmp(table->endpoints[i].endpoint->id, endpoint) == 0)
            count =
                (int)atomic_load_explicit(&table->gates[i].live->in_flight, memory_order_relaxed);
    hl_table_unref(table);
    return count;
}
