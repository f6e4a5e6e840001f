#include "health/prober_private.h"

#include "core/options.h"
#include "net/http.h"

/* --- Life --- */

static void read_settings(struct hl_settings *settings, const homelab_opts *opts)
{
    int depth = hl_depth_from_name(hl_opt_string(opts, HL_OPT_PROBE_DEPTH));
    *settings = (struct hl_settings){
        .rise = (int)hl_opt_int(opts, HL_OPT_HEALTH_RISE),
        .fall = (int)hl_opt_int(opts, HL_OPT_HEALTH_FALL),
        .patience_us = hl_opt_int(opts, HL_OPT_HEALTH_PATIENCE_MS) * 1000,
        .slow_us = hl_opt_int(opts, HL_OPT_HEALTH_SLOW_MS) * 1000,
        .interval_us = hl_opt_int(opts, HL_OPT_HEALTH_INTERVAL_MS) * 1000,
        .fast_interval_us = hl_opt_int(opts, HL_OPT_HEALTH_FAST_INTERVAL_MS) * 1000,
        .down_interval_us = hl_opt_int(opts, HL_OPT_HEALTH_DOWN_INTERVAL_MS) * 1000,
        .confirm_us = hl_opt_int(opts, HL_OPT_PROBE_CONFIRM_MS) * 1000,
        .canary_timeout_us = hl_opt_int(opts, HL_OPT_PROBE_CANARY_TIMEOUT_MS) * 1000,
        .jitter = hl_opt_double(opts, HL_OPT_HEALTH_JITTER),
        .history = (uint32_t)hl_opt_int(opts, HL_OPT_HEALTH_HISTORY),
        .max_in_flight = (size_t)hl_opt_int(opts, HL_OPT_PROBE_MAX_IN_FLIGHT),
        .max_json_depth = (int)hl_opt_int(opts, HL_OPT_JSON_MAX_DEPTH),
        .foreign_backends = hl_opt_bool(opts, HL_OPT_HEALTH_FOREIGN_BACKENDS),
        .depth = depth < 0 ? HL_DEPTH_UNSET : (enum hl_depth)depth,
    };
}

static int check_depth(const homelab_opts *opts)
{
    const char *name = hl_opt_string(opts, HL_OPT_PROBE_DEPTH);
    if (!name[0] || hl_depth_from_name(name) >= 0)
        return 0;
    return hl_error_set(HOMELAB_E_OPTION_VALUE, 0, "probe.depth",
                        "option 'probe.depth': found '%s', expected tcp, http, scheduler, progress "
                        "or canary",
                        name);
}

/* Ends all work; what has been seen stays. */
static void shut(homelab_prober *prober)
{
    if (prober->closed)
        return;
    prober->closed = true;
    prober->running = false;
    while (prober->sweeps)
        hl_sweep_end(prober->sweeps, HOMELAB_E_CLOSED);
    for (size_t i = 0; i < prober->count; i++) {
        hl_scheduler_stop(prober->runners[i]);
        hl_run_forget_key(prober->runners[i]);
    }
    hl_scheduler_end(prober);
}

static void destroy(homelab_prober *prober)
{
    shut(prober);
    hl_ctx_remove_closer(prober->ctx, &prober->closer);
    hl_prober_drop_all(prober);
    hl_loop_release_timer(hl_prober_loop(prober));
    hl_probe_pool_clear(&prober->probes);
    hl_observation_clear(&prober->seen);
    hl_maintenance_clear(&prober->maintenance);
    hl_tally_clear(&prober->tally);
    hl_roster_unref(prober->roster);
    homelab_inventory_unref(prober->inventory);
    hl_free(prober->runners);
    hl_free(prober->selected);
    hl_free(prober->told_tiers);
    hl_free(prober->only);
    hl_free(prober);
}

static void on_close(void *userdata)
{
    homelab_prober *prober = userdata;
    shut(prober);
    if (prober->orphaned)
        destroy(prober);
}

static int make(homelab_prober **out, homelab_ctx *ctx, homelab_inventory *inventory,
                const homelab_opts *opts)
{
    homelab_prober *prober = hl_calloc(1, sizeof *prober);
    if (!prober)
        return hl_error_nomem();
    atomic_init(&prober->references, 1);
    prober->ctx = ctx;
    prober->allocator = hl_ctx_allocator(ctx);
    prober->closer = (struct hl_closer){.fn = on_close, .userdata = prober};
    hl_observation_init(&prober->seen);
    int code = hl_scheduler_init(prober);
    if (code) {
        hl_free(prober);
        return code;
    }
    read_settings(&prober->settings, opts);
    prober->only = hl_strdup(hl_opt_string(opts, HL_OPT_PROBE_ONLY));
    code = prober->only ? hl_prober_adopt(prober, inventory) : hl_error_nomem();
    if (code) {
        struct hl_error error;
        hl_error_save(&error);
        destroy(prober);
        return hl_error_restore(&error);
    }
    hl_ctx_add_closer(ctx, &prober->closer);
    *out = prober;
    return HOMELAB_OK;
}

int homelab_prober_new(homelab_prober **out, homelab_ctx *ctx, homelab_inventory *inventory,
                       const homelab_opts *opts)
{
    HL_API(hl_ctx_allocator(ctx));
    if (!out || !inventory)
        return hl_error_argument(out ? "inventory" : "out", "not NULL");
    int code = hl_ctx_enter(ctx);
    if (code)
        return code;
    const homelab_opts *used = opts ? opts : hl_ctx_opts(ctx);
    code = check_depth(used);
    if (!code)
        code = hl_http_prepare(ctx);
    if (!code)
        code = make(out, ctx, inventory, used);
    if (!code)
        homelab_ctx_ref(ctx);
    hl_ctx_leave(ctx);
    return code;
}

homelab_prober *homelab_prober_ref(homelab_prober *prober)
{
    if (prober)
        atomic_fetch_add(&prober->references, 1);
    return prober;
}

void homelab_prober_unref(homelab_prober *prober)
{
    HL_API(prober ? prober->allocator : NULL);
    if (!prober || atomic_fetch_sub(&prober->references, 1) != 1)
        return;
    homelab_ctx *ctx = prober->ctx;
    if (hl_ctx_forked(ctx)) {
        /* What it has in the loop goes when the context closes; until then nothing may be touched.
         */
        prober->orphaned = true;
    } else {
        hl_ctx_lock(ctx);
        destroy(prober);
        hl_ctx_unlock(ctx);
    }
    homelab_ctx_unref(ctx);
}

int homelab_prober_close(homelab_prober *prober)
{
    HL_API(prober ? prober->allocator : NULL);
    if (!prober)
        return hl_error_argument("prober", "not NULL");
    if (hl_ctx_forked(prober->ctx))
        return hl_ctx_check(prober->ctx);
    hl_ctx_lock(prober->ctx);
    shut(prober);
    hl_ctx_unlock(prober->ctx);
    return HOMELAB_OK;
}

/* Enters the context of a prober that is open. */
static int enter(homelab_prober *prober)
{
    if (!prober)
        return hl_error_argument("prober", "not NULL");
    int code = hl_ctx_enter(prober->ctx);
    if (code || !prober->closed)
        return code;
    hl_ctx_leave(prober->ctx);
    return hl_error_set(HOMELAB_E_CLOSED, 0, "prober", "prober: closed");
}

/* --- One sweep --- */

int homelab_prober_check(homelab_prober *prober, uint32_t flags, homelab_op **op)
{
    HL_API(prober ? prober->allocator : NULL);
    if (flags)
        return hl_error_flags(flags);
    int code = enter(prober);
    if (code)
        return code;
    code = hl_sweep_start(prober, op, NULL, NULL);
    hl_ctx_leave(prober->ctx);
    return code;
}

static bool has_result(void *userdata)
{
    return *(const int *)userdata != HOMELAB_E_PENDING;
}

int homelab_prober_check_now(homelab_prober *prober, int timeout_ms)
{
    HL_API(prober ? prober->allocator : NULL);
    if (timeout_ms < 1)
        return hl_error_argument("timeout_ms", "1 or more");
    int code = enter(prober);
    if (code)
        return code;
    int result = HOMELAB_E_PENDING;
    struct hl_sweep *sweep = NULL;
    code = hl_sweep_start(prober, NULL, &result, &sweep);
    hl_ctx_leave(prober->ctx);
    if (code)
        return code;
    homelab_prober_ref(prober);
    code = hl_ctx_wait_until(prober->ctx, has_result, &result, timeout_ms);
    hl_ctx_lock(prober->ctx);
    if (result == HOMELAB_E_PENDING)
        hl_sweep_end(sweep, code ? code : HOMELAB_E_TIMEOUT);
    hl_ctx_unlock(prober->ctx);
    homelab_prober_unref(prober);
    if (result == HOMELAB_OK)
        return result;
    if (result == HOMELAB_E_TIMEOUT)
        return hl_error_set(result, 0, "sweep", "sweep: not complete after %d ms", timeout_ms);
    return hl_error_set(result, 0, "sweep", "sweep: ended early: %s", homelab_error_name(result));
}

/* --- Monitoring --- */

int homelab_prober_start(homelab_prober *prober, uint32_t flags)
{
    HL_API(prober ? prober->allocator : NULL);
    if (flags)
        return hl_error_flags(flags);
    int code = enter(prober);
    if (code)
        return code;
    if (prober->running) {
        code = hl_error_set(HOMELAB_E_STATE, 0, "prober", "prober: runs already");
    } else {
        prober->running = true;
        hl_loop_begin(hl_prober_loop(prober));
        for (size_t i = 0; i < prober->count; i++)
            if (prober->runners[i]->selected)
                hl_scheduler_request(prober->runners[i]);
        hl_loop_end(hl_prober_loop(prober));
    }
    hl_ctx_leave(prober->ctx);
    return code;
}

int homelab_prober_stop(homelab_prober *prober)
{
    HL_API(prober ? prober->allocator : NULL);
    int code = enter(prober);
    if (code)
        return code;
    prober->running = false;
    for (size_t i = 0; i < prober->count; i++)
        if (!prober->runners[i]->waiters)
            hl_scheduler_stop(prober->runners[i]);
    hl_ctx_leave(prober->ctx);
    return HOMELAB_OK;
}

int homelab_prober_set_inventory(homelab_prober *prober, homelab_inventory *inventory)
{
    HL_API(prober ? prober->allocator : NULL);
    if (!inventory)
        return hl_error_argument("inventory", "not NULL");
    int code = enter(prober);
    if (code)
        return code;
    code = hl_prober_adopt(prober, inventory);
    if (!code) {
        prober->generation++;
        hl_event_queue(prober->ctx, &(struct hl_event_fields){.type = HOMELAB_EVENT_INVENTORY,
                                                              .generation = prober->generation,
                                                              .subject = "",
                                                              .text = "changed inventory taken"});
        hl_report_cluster(prober);
        for (size_t i = 0; i < prober->count; i++)
            if (prober->running && prober->runners[i]->selected && !prober->runners[i]->looks)
                hl_scheduler_request(prober->runners[i]);
    }
    hl_ctx_leave(prober->ctx);
    return code;
}

/* --- What callers tell --- */

int homelab_prober_observe(homelab_prober *prober, const char *endpoint, int outcome,
                           int64_t elapsed_us)
{
    HL_API(prober ? prober->allocator : NULL);
    if (!endpoint || outcome < HOMELAB_OUTCOME_OK || outcome > HOMELAB_OUTCOME_BUSY ||
        elapsed_us < 0)
        return hl_error_argument(!endpoint        ? "endpoint"
                                 : elapsed_us < 0 ? "elapsed_us"
                                                  : "outcome",
                                 !endpoint        ? "the id of an endpoint"
                                 : elapsed_us < 0 ? "0 or more"
                                                  : "one of HOMELAB_OUTCOME_");
    int code = enter(prober);
    if (code)
        return code;
    size_t i = hl_roster_find(prober->roster, endpoint);
    if (i == HL_NONE) {
        code = hl_error_set(HOMELAB_E_NOT_FOUND, 0, endpoint,
                            "endpoint '%s' is not in the inventory", endpoint);
    } else {
        struct hl_runner *runner = prober->runners[i];
        struct hl_state_policy policy = hl_scheduler_policy(runner);
        if (hl_state_observe(&runner->state, &policy, outcome, elapsed_us, hl_prober_now(prober)))
            hl_report_passive(runner);
        if (outcome != HOMELAB_OUTCOME_OK)
            hl_scheduler_hurry(runner);
    }
    hl_ctx_leave(prober->ctx);
    return code;
}

static bool is_known(const homelab_prober *prober, const char *subject)
{
    for (size_t i = 0; i < prober->roster->tier_count; i++)
        if (hl_maintenance_names(subject, prober->roster->tiers[i]))
            return true;
    for (size_t i = 0; i < prober->data->node_count; i++)
        if (hl_maintenance_names(subject, prober->data->nodes[i].id))
            return true;
    return hl_roster_find(prober->roster, subject) != HL_NONE;
}

int homelab_prober_add_maintenance(homelab_prober *prober, const char *subject, int64_t from_us,
                                   int64_t until_us)
{
    HL_API(prober ? prober->allocator : NULL);
    if (!subject)
        return hl_error_argument("subject", "the name of an endpoint, node or tier");
    if (from_us < 0 || from_us >= until_us)
        return hl_error_argument("until_us", "a time after from_us");
    int code = enter(prober);
    if (code)
        return code;
    if (!is_known(prober, subject))
        code = hl_error_set(HOMELAB_E_NOT_FOUND, 0, subject,
                            "'%s' is no endpoint, node or tier of the inventory", subject);
    else
        code = hl_maintenance_add(&prober->maintenance, subject, from_us, until_us,
                                  hl_prober_wall(prober));
    hl_ctx_leave(prober->ctx);
    return code;
}

/* --- The present state --- */

static int make_snapshot(homelab_prober *prober, homelab_snapshot **out)
{
    struct hl_record **records = hl_calloc(prober->count + 1, sizeof *records);
    int code = records ? 0 : hl_error_nomem();
    for (size_t i = 0; i < prober->count && !code; i++) {
        code = hl_report_refresh(prober->runners[i]);
        records[i] = prober->runners[i]->record;
    }
    if (!code)
        code = hl_snapshot_make(out, prober->allocator, prober->roster, records, prober->declared,
                                prober->generation, hl_prober_wall(prober));
    hl_free(records);
    return code;
}

int homelab_prober_snapshot(homelab_prober *prober, homelab_snapshot **out)
{
    HL_API(prober ? prober->allocator : NULL);
    if (!prober || !out)
        return hl_error_argument(out ? "prober" : "out", "not NULL");
    if (hl_ctx_forked(prober->ctx))
        return hl_ctx_check(prober->ctx);
    hl_ctx_lock(prober->ctx);
    int code = make_snapshot(prober, out);
    hl_ctx_unlock(prober->ctx);
    return code;
}
