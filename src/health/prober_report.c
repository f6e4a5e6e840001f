#include "health/prober_private.h"

#include "core/error.h"

#include <stdio.h>
#include <string.h>

static const char *node_of(const struct hl_runner *runner)
{
    return runner->prober->roster->entries[runner->index].node;
}

static const char *tier_of(const struct hl_runner *runner)
{
    return runner->prober->roster->tiers[runner->endpoint->tier];
}

static bool in_maintenance(const struct hl_runner *runner)
{
    const homelab_prober *prober = runner->prober;
    return prober->maintenance.count &&
           hl_maintenance_covers(&prober->maintenance, runner->endpoint->id, node_of(runner),
                                 tier_of(runner), hl_prober_wall(prober));
}

/* --- The record --- */

static void add_state(struct hl_facts *facts, const struct hl_runner *runner,
                      struct hl_latency_point *points)
{
    facts->verdict = runner->state.verdict;
    facts->cause = runner->state.cause;
    facts->text = runner->state.text;
    facts->uptime = hl_history_uptime(&runner->history);
    facts->latency = points;
    facts->latency_count = hl_history_latency(&runner->history, points);
    facts->maintenance = in_maintenance(runner);
    facts->can = runner->serves.can;
}

int hl_report_first(struct hl_runner *runner)
{
    const struct hl_inventory_data *data = runner->prober->data;
    int backend = runner->endpoint->backend;
    runner->serves = hl_serves_of(data, runner->index, backend, NULL, 0, false);
    struct hl_facts facts = {.backend = backend,
                             .verdict = HOMELAB_VERDICT_UNKNOWN,
                             .text = "not looked at yet",
                             .latency_us = -1,
                             .slots = -1,
                             .uptime = -1,
                             .gateway = hl_is_gateway(data, runner->index, backend),
                             .can = runner->serves.can};
    return hl_record_write(&runner->record, &facts);
}

static int write_look(struct hl_runner *runner, const struct hl_observation *seen)
{
    struct hl_latency_point points[HL_LATENCY_POINTS];
    struct hl_record_evidence evidence[HL_EVIDENCE_MAX];
    for (size_t i = 0; i < seen->evidence_count; i++) {
        const struct hl_evidence *one = &seen->evidence[i];
        evidence[i] = (struct hl_record_evidence){one->layer, one->cause, one->code,
                                                  one->elapsed_us, one->text};
    }
    struct hl_facts facts = {
        .backend = seen->backend,
        .version = seen->version[0] ? seen->version : NULL,
        .latency_us = seen->latency_us,
        .probed_us = hl_prober_wall(runner->prober),
        .slots = seen->slots,
        .gateway = hl_is_gateway(runner->prober->data, runner->index, seen->backend),
        .evidence = evidence,
        .evidence_count = seen->evidence_count,
        .models = seen->models,
        .model_count = seen->model_count,
    };
    add_state(&facts, runner, points);
    /* A look that could not be made changes no state, but says why. */
    if (seen->verdict == HOMELAB_VERDICT_UNKNOWN && seen->evidence_count)
        facts.text = seen->evidence[0].text;
    return hl_record_write(&runner->record, &facts);
}

/* The present record with what changed since; extra is one more piece of evidence or NULL. */
static int rewrite(struct hl_runner *runner, const struct hl_record_evidence *extra)
{
    struct hl_latency_point points[HL_LATENCY_POINTS];
    struct hl_record_evidence evidence[HL_EVIDENCE_MAX + 1];
    /* Held, so that it is not written in place: the facts point into it. */
    struct hl_record *old = hl_record_ref(runner->record);
    struct hl_facts facts = old->facts;
    size_t count = 0;
    for (size_t i = 0; i < facts.evidence_count && count < HL_EVIDENCE_MAX; i++)
        if (!extra || facts.evidence[i].layer != extra->layer)
            evidence[count++] = facts.evidence[i];
    if (extra)
        evidence[count++] = *extra;
    facts.evidence = evidence;
    facts.evidence_count = count;
    if (runner->looks || extra)
        add_state(&facts, runner, points);
    facts.maintenance = in_maintenance(runner);
    int code = hl_record_write(&runner->record, &facts);
    hl_record_unref(old);
    return code;
}

int hl_report_refresh(struct hl_runner *runner)
{
    if (runner->record->facts.maintenance == in_maintenance(runner))
        return 0;
    return rewrite(runner, NULL);
}

/* --- Events --- */

static void tell_endpoint(struct hl_runner *runner)
{
    homelab_prober *prober = runner->prober;
    const struct hl_state *state = &runner->state;
    char text[HL_EVIDENCE_TEXT + 320];
    snprintf(text, sizeof text, "%s %s%s%s%s: %s", runner->endpoint->id,
             homelab_verdict_name(state->verdict), state->cause ? " (" : "",
             state->cause ? homelab_cause_name(state->cause) : "", state->cause ? ")" : "",
             state->text);
    hl_log(prober->ctx, HOMELAB_LOG_INFO, "prober", "%s", text);
    hl_event_queue(prober->ctx, &(struct hl_event_fields){
                                    .type = HOMELAB_EVENT_ENDPOINT,
                                    .generation = prober->generation,
                                    .subject = runner->endpoint->id,
                                    .before = runner->told.verdict,
                                    .after = state->verdict,
                                    .cause = state->cause,
                                    .before_name = homelab_verdict_name(runner->told.verdict),
                                    .after_name = homelab_verdict_name(state->verdict),
                                    .cause_name = homelab_cause_name(state->cause),
                                    .text = text,
                                });
}

/* What events said about the cluster is kept apart from what snapshots show: inside a maintenance
 * window failures are shown, but not told. */
static void tell(struct hl_runner *runner)
{
    homelab_prober *prober = runner->prober;
    const struct hl_state *state = &runner->state;
    if (in_maintenance(runner) && !hl_verdict_usable(state->verdict))
        return;
    bool gateway = runner->record->facts.gateway;
    bool changed = runner->told.verdict != state->verdict || runner->told.cause != state->cause;
    if (!changed && runner->told.can == runner->serves.can && runner->told.gateway == gateway)
        return;
    if (changed)
        tell_endpoint(runner);
    hl_tally_remove(&prober->tally, &runner->told);
    runner->told.verdict = state->verdict;
    runner->told.cause = state->cause;
    runner->told.can = runner->serves.can;
    runner->told.gateway = gateway;
    hl_tally_add(&prober->tally, &runner->told);
    hl_report_cluster(prober);
}

static int told_forecast(const homelab_prober *prober, struct hl_forecast *out)
{
    struct hl_forecast_endpoint *endpoints = hl_calloc(prober->count + 1, sizeof *endpoints);
    if (!endpoints)
        return hl_error_nomem();
    for (size_t i = 0; i < prober->count; i++)
        endpoints[i] = prober->runners[i]->told;
    int code = hl_forecast_make(out, prober->roster->tiers, prober->roster->tier_count, endpoints,
                                prober->count, prober->declared);
    hl_free(endpoints);
    return code;
}

static void tell_verdict(homelab_prober *prober, int type, const char *subject, int before,
                         int after, const char *text)
{
    hl_event_queue(prober->ctx, &(struct hl_event_fields){
                                    .type = type,
                                    .generation = prober->generation,
                                    .subject = subject,
                                    .before = before,
                                    .after = after,
                                    .before_name = homelab_verdict_name(before),
                                    .after_name = homelab_verdict_name(after),
                                    .text = text,
                                });
}

static void tell_tiers(homelab_prober *prober, const struct hl_forecast *forecast)
{
    for (size_t i = 0; i < prober->roster->tier_count; i++) {
        int verdict = hl_tally_tier_verdict(&prober->tally, i);
        if (prober->tally.tiers[i].known < prober->selected[i] || verdict == prober->told_tiers[i])
            continue;
        char text[sizeof forecast->tiers[i].text + 160];
        snprintf(text, sizeof text, "%s: %s", prober->roster->tiers[i],
                 forecast ? forecast->tiers[i].text : homelab_verdict_name(verdict));
        tell_verdict(prober, HOMELAB_EVENT_TIER, prober->roster->tiers[i], prober->told_tiers[i],
                     verdict, text);
        prober->told_tiers[i] = verdict;
    }
}

static void tell_capabilities(homelab_prober *prober, uint32_t lost)
{
    uint32_t changed = lost ^ prober->told_lost;
    for (size_t i = 0; i < HL_CAP_COUNT; i++) {
        if (!(changed & 1u << i))
            continue;
        bool gone = lost & 1u << i;
        char text[64];
        snprintf(text, sizeof text, "%s %s", hl_capability_name(i), gone ? "lost" : "served again");
        hl_event_queue(prober->ctx,
                       &(struct hl_event_fields){.type = HOMELAB_EVENT_CAPABILITY,
                                                 .generation = prober->generation,
                                                 .subject = hl_capability_name(i),
                                                 .before = gone,
                                                 .after = !gone,
                                                 .before_name = gone ? "served" : "lost",
                                                 .after_name = gone ? "lost" : "served",
                                                 .text = text});
    }
    prober->told_lost = lost;
}

/* Nothing is said about a tier, or about the cluster, before each of its endpoints was looked at
 * once: its verdict would change with every first look. */
static bool all_known(const homelab_prober *prober)
{
    for (size_t i = 0; i < prober->roster->tier_count; i++)
        if (prober->tally.tiers[i].known < prober->selected[i])
            return false;
    return true;
}

static bool tier_changed(const homelab_prober *prober)
{
    for (size_t i = 0; i < prober->roster->tier_count; i++)
        if (prober->tally.tiers[i].known >= prober->selected[i] &&
            hl_tally_tier_verdict(&prober->tally, i) != prober->told_tiers[i])
            return true;
    return false;
}

void hl_report_cluster(homelab_prober *prober)
{
    bool all = all_known(prober);
    int verdict = hl_tally_verdict(&prober->tally);
    uint32_t lost = hl_tally_lost(&prober->tally, prober->declared);
    bool prognosis = all && (verdict != prober->told_verdict || lost != prober->told_lost);
    if (!prognosis && !tier_changed(prober))
        return;
    struct hl_forecast forecast;
    bool made = told_forecast(prober, &forecast) == 0;
    tell_tiers(prober, made ? &forecast : NULL);
    if (prognosis) {
        tell_capabilities(prober, lost);
        if (verdict != prober->told_verdict)
            tell_verdict(prober, HOMELAB_EVENT_PROGNOSIS, "", prober->told_verdict, verdict,
                         made ? forecast.text : homelab_verdict_name(verdict));
        prober->told_verdict = verdict;
    }
    if (made)
        hl_forecast_clear(&forecast);
}

/* --- What a look and a report change --- */

static void learn_serves(struct hl_runner *runner, const struct hl_observation *seen)
{
    if (!seen->models_known && runner->serves_known)
        return;
    runner->serves = hl_serves_of(runner->prober->data, runner->index, seen->backend, seen->models,
                                  seen->model_count, seen->models_known);
    runner->serves_known = seen->models_known;
    runner->prober->declared |= runner->serves.expected;
}

void hl_report_look(struct hl_runner *runner, struct hl_observation *seen)
{
    homelab_prober *prober = runner->prober;
    struct hl_state_policy policy = hl_scheduler_policy(runner);
    runner->looks++;
    prober->generation++;
    hl_state_look(&runner->state, &policy, seen, hl_prober_now(prober), hl_prober_wall(prober));
    bool usable = hl_verdict_usable(runner->state.look_verdict);
    bool learned = seen->verdict != HOMELAB_VERDICT_UNKNOWN;
    if (learned && (usable || !in_maintenance(runner)))
        hl_history_add(&runner->history, usable, seen->latency_us);
    if (learned)
        learn_serves(runner, seen);
    /* Without memory the record of the look before stays; the verdict is told all the same. */
    if (write_look(runner, seen))
        hl_log(prober->ctx, HOMELAB_LOG_ERROR, "prober", "%s: no memory for a record",
               runner->endpoint->id);
    tell(runner);
}

void hl_report_passive(struct hl_runner *runner)
{
    homelab_prober *prober = runner->prober;
    prober->generation++;
    struct hl_record_evidence evidence = {
        .layer = HL_LAYER_PASSIVE, .cause = runner->state.cause, .text = runner->state.text};
    if (rewrite(runner, &evidence))
        hl_log(prober->ctx, HOMELAB_LOG_ERROR, "prober", "%s: no memory for a record",
               runner->endpoint->id);
    tell(runner);
}
