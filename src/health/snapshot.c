#include "health/snapshot.h"

#include "core/api.h"

#include <string.h>

static void destroy(homelab_snapshot *snapshot)
{
    if (snapshot->records)
        for (size_t i = 0; i < snapshot->roster->count; i++)
            hl_record_unref(snapshot->records[i]);
    hl_free(snapshot->records);
    hl_roster_unref(snapshot->roster);
    hl_forecast_clear(&snapshot->forecast);
    hl_free(snapshot);
}

struct hl_forecast_endpoint hl_snapshot_forecast_endpoint(const struct hl_roster *roster, size_t i,
                                                          const struct hl_facts *facts)
{
    return (struct hl_forecast_endpoint){.id = roster->entries[i].id,
                                         .tier = roster->entries[i].tier,
                                         .verdict = facts->verdict,
                                         .cause = facts->cause,
                                         .gateway = facts->gateway,
                                         .can = facts->can};
}

static int make_forecast(homelab_snapshot *snapshot, uint32_t declared)
{
    const struct hl_roster *roster = snapshot->roster;
    struct hl_forecast_endpoint *endpoints = hl_calloc(roster->count + 1, sizeof *endpoints);
    if (!endpoints)
        return HOMELAB_E_NOMEM;
    for (size_t i = 0; i < roster->count; i++)
        endpoints[i] = hl_snapshot_forecast_endpoint(roster, i, &snapshot->records[i]->facts);
    int code = hl_forecast_make(&snapshot->forecast, roster->tiers, roster->tier_count, endpoints,
                                roster->count, declared);
    hl_free(endpoints);
    return code;
}

int hl_snapshot_make(homelab_snapshot **out, homelab_allocator *allocator, struct hl_roster *roster,
                     struct hl_record *const *records, uint32_t declared, int64_t generation,
                     int64_t time_us)
{
    homelab_snapshot *snapshot = hl_calloc(1, sizeof *snapshot);
    if (!snapshot)
        return hl_error_nomem();
    atomic_init(&snapshot->references, 1);
    snapshot->allocator = allocator;
    snapshot->generation = generation;
    snapshot->time_us = time_us;
    snapshot->roster = hl_roster_ref(roster);
    snapshot->records = hl_calloc(roster->count + 1, sizeof *snapshot->records);
    if (snapshot->records)
        for (size_t i = 0; i < roster->count; i++)
            snapshot->records[i] = hl_record_ref(records[i]);
    if (!snapshot->records || make_forecast(snapshot, declared)) {
        destroy(snapshot);
        return hl_error_nomem();
    }
    *out = snapshot;
    return 0;
}

homelab_snapshot *homelab_snapshot_ref(homelab_snapshot *snapshot)
{
    HL_API(NULL);
    if (snapshot)
        atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void homelab_snapshot_unref(homelab_snapshot *snapshot)
{
    HL_API(NULL);
    if (snapshot && atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) == 1)
        destroy(snapshot);
}

/* --- Accessors --- */

static const struct hl_facts *facts_of(const homelab_snapshot *snapshot, size_t i)
{
    return snapshot && i < snapshot->roster->count ? &snapshot->records[i]->facts : NULL;
}

static const struct hl_record_evidence *evidence_of(const homelab_snapshot *snapshot,
                                                    size_t endpoint, size_t i)
{
    const struct hl_facts *facts = facts_of(snapshot, endpoint);
    return facts && i < facts->evidence_count ? &facts->evidence[i] : NULL;
}

static const struct hl_model_state *model_of(const homelab_snapshot *snapshot, size_t endpoint,
                                             size_t i)
{
    const struct hl_facts *facts = facts_of(snapshot, endpoint);
    return facts && i < facts->model_count ? &facts->models[i] : NULL;
}

int64_t homelab_snapshot_generation(const homelab_snapshot *snapshot)
{
    HL_API(NULL);
    return snapshot ? snapshot->generation : 0;
}

int64_t homelab_snapshot_time_us(const homelab_snapshot *snapshot)
{
    HL_API(NULL);
    return snapshot ? snapshot->time_us : 0;
}

int homelab_snapshot_verdict(const homelab_snapshot *snapshot)
{
    HL_API(NULL);
    return snapshot ? snapshot->forecast.verdict : HOMELAB_VERDICT_UNKNOWN;
}

const char *homelab_snapshot_text(const homelab_snapshot *snapshot)
{
    HL_API(NULL);
    return snapshot ? snapshot->forecast.text : NULL;
}

size_t homelab_snapshot_capability_count(const homelab_snapshot *snapshot)
{
    HL_API(NULL);
    return snapshot ? HL_CAP_COUNT : 0;
}

const char *homelab_snapshot_capability_name(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    return snapshot && i < HL_CAP_COUNT ? hl_capability_name(i) : NULL;
}

size_t homelab_snapshot_server_count(const homelab_snapshot *snapshot, size_t capability)
{
    HL_API(NULL);
    return snapshot && capability < HL_CAP_COUNT ? snapshot->forecast.server_count[capability] : 0;
}

int homelab_snapshot_server_at(const homelab_snapshot *snapshot, size_t capability, size_t j)
{
    HL_API(NULL);
    if (!snapshot || capability >= HL_CAP_COUNT)
        return hl_error_argument("snapshot", "a snapshot and the index of a capability");
    if (j >= snapshot->forecast.server_count[capability])
        return hl_error_set(HOMELAB_E_NOT_FOUND, 0, hl_capability_name(capability),
                            "%s: no server %zu, there are %zu", hl_capability_name(capability), j,
                            snapshot->forecast.server_count[capability]);
    return (int)snapshot->forecast.servers[capability][j];
}

bool homelab_snapshot_capability_lost(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    return snapshot && i < HL_CAP_COUNT && snapshot->forecast.lost & 1u << i;
}

size_t homelab_snapshot_tier_count(const homelab_snapshot *snapshot)
{
    HL_API(NULL);
    return snapshot ? snapshot->roster->tier_count : 0;
}

const char *homelab_snapshot_tier_name(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    return snapshot && i < snapshot->roster->tier_count ? snapshot->roster->tiers[i] : NULL;
}

int homelab_snapshot_tier_verdict(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    return snapshot && i < snapshot->roster->tier_count ? snapshot->forecast.tiers[i].verdict
                                                        : HOMELAB_VERDICT_UNKNOWN;
}

const char *homelab_snapshot_tier_text(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    return snapshot && i < snapshot->roster->tier_count ? snapshot->forecast.tiers[i].text : NULL;
}

size_t homelab_snapshot_endpoint_count(const homelab_snapshot *snapshot)
{
    HL_API(NULL);
    return snapshot ? snapshot->roster->count : 0;
}

int homelab_snapshot_endpoint_find(const homelab_snapshot *snapshot, const char *id)
{
    HL_API(NULL);
    if (!snapshot || !id)
        return hl_error_argument(snapshot ? "id" : "snapshot", "not NULL");
    size_t found = hl_roster_find(snapshot->roster, id);
    if (found == HL_NONE)
        return hl_error_set(HOMELAB_E_NOT_FOUND, 0, id, "endpoint '%s' is not in the snapshot", id);
    return (int)found;
}

const char *homelab_snapshot_endpoint_id(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    return snapshot && i < snapshot->roster->count ? snapshot->roster->entries[i].id : NULL;
}

const char *homelab_snapshot_endpoint_tier(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    if (!snapshot || i >= snapshot->roster->count)
        return NULL;
    return snapshot->roster->tiers[snapshot->roster->entries[i].tier];
}

const char *homelab_snapshot_endpoint_node(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    return snapshot && i < snapshot->roster->count ? snapshot->roster->entries[i].node : NULL;
}

int homelab_snapshot_endpoint_backend(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    const struct hl_facts *facts = facts_of(snapshot, i);
    return facts ? facts->backend : HOMELAB_BACKEND_AUTO;
}

const char *homelab_snapshot_endpoint_version(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    const struct hl_facts *facts = facts_of(snapshot, i);
    return facts ? facts->version : NULL;
}

int homelab_snapshot_endpoint_verdict(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    const struct hl_facts *facts = facts_of(snapshot, i);
    return facts ? facts->verdict : HOMELAB_VERDICT_UNKNOWN;
}

int homelab_snapshot_endpoint_cause(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    const struct hl_facts *facts = facts_of(snapshot, i);
    return facts ? facts->cause : HOMELAB_CAUSE_NONE;
}

const char *homelab_snapshot_endpoint_text(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    const struct hl_facts *facts = facts_of(snapshot, i);
    return facts ? facts->text : NULL;
}

int64_t homelab_snapshot_endpoint_latency_us(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    const struct hl_facts *facts = facts_of(snapshot, i);
    return facts ? facts->latency_us : -1;
}

int64_t homelab_snapshot_endpoint_probed_us(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    const struct hl_facts *facts = facts_of(snapshot, i);
    return facts ? facts->probed_us : 0;
}

int homelab_snapshot_endpoint_slots(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    const struct hl_facts *facts = facts_of(snapshot, i);
    return facts ? facts->slots : -1;
}

double homelab_snapshot_endpoint_uptime(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    const struct hl_facts *facts = facts_of(snapshot, i);
    return facts ? facts->uptime : -1;
}

int64_t homelab_snapshot_endpoint_percentile_us(const homelab_snapshot *snapshot, size_t i,
                                                double percent)
{
    HL_API(NULL);
    const struct hl_facts *facts = facts_of(snapshot, i);
    return facts ? hl_latency_percentile(facts->latency, facts->latency_count, percent) : -1;
}

bool homelab_snapshot_endpoint_in_maintenance(const homelab_snapshot *snapshot, size_t i)
{
    HL_API(NULL);
    const struct hl_facts *facts = facts_of(snapshot, i);
    return facts && facts->maintenance;
}

size_t homelab_snapshot_evidence_count(const homelab_snapshot *snapshot, size_t endpoint)
{
    HL_API(NULL);
    const struct hl_facts *facts = facts_of(snapshot, endpoint);
    return facts ? facts->evidence_count : 0;
}

const char *homelab_snapshot_evidence_layer(const homelab_snapshot *snapshot, size_t endpoint,
                                            size_t i)
{
    HL_API(NULL);
    const struct hl_record_evidence *evidence = evidence_of(snapshot, endpoint, i);
    return evidence ? hl_layer_name(evidence->layer) : NULL;
}

int homelab_snapshot_evidence_cause(const homelab_snapshot *snapshot, size_t endpoint, size_t i)
{
    HL_API(NULL);
    const struct hl_record_evidence *evidence = evidence_of(snapshot, endpoint, i);
    return evidence ? evidence->cause : HOMELAB_CAUSE_NONE;
}

int homelab_snapshot_evidence_code(const homelab_snapshot *snapshot, size_t endpoint, size_t i)
{
    HL_API(NULL);
    const struct hl_record_evidence *evidence = evidence_of(snapshot, endpoint, i);
    return evidence ? evidence->code : 0;
}

int64_t homelab_snapshot_evidence_elapsed_us(const homelab_snapshot *snapshot, size_t endpoint,
                                             size_t i)
{
    HL_API(NULL);
    const struct hl_record_evidence *evidence = evidence_of(snapshot, endpoint, i);
    return evidence ? evidence->elapsed_us : 0;
}

const char *homelab_snapshot_evidence_text(const homelab_snapshot *snapshot, size_t endpoint,
                                           size_t i)
{
    HL_API(NULL);
    const struct hl_record_evidence *evidence = evidence_of(snapshot, endpoint, i);
    return evidence ? evidence->text : NULL;
}

size_t homelab_snapshot_model_count(const homelab_snapshot *snapshot, size_t endpoint)
{
    HL_API(NULL);
    const struct hl_facts *facts = facts_of(snapshot, endpoint);
    return facts ? facts->model_count : 0;
}

const char *homelab_snapshot_model_name(const homelab_snapshot *snapshot, size_t endpoint, size_t i)
{
    HL_API(NULL);
    const struct hl_model_state *model = model_of(snapshot, endpoint, i);
    return model ? model->name : NULL;
}

int homelab_snapshot_model_loaded(const homelab_snapshot *snapshot, size_t endpoint, size_t i)
{
    HL_API(NULL);
    const struct hl_model_state *model = model_of(snapshot, endpoint, i);
    return model ? model->loaded : -1;
}

bool homelab_snapshot_model_has(const homelab_snapshot *snapshot, size_t endpoint, size_t i,
                                const char *capability)
{
    HL_API(NULL);
    const struct hl_model_state *model = model_of(snapshot, endpoint, i);
    for (size_t bit = 0; model && capability && bit < HL_ABILITY_COUNT; bit++)
        if (strcmp(capability, hl_ability_name(bit)) == 0)
            return model->abilities & 1u << bit;
    return false;
}

int64_t homelab_snapshot_model_context(const homelab_snapshot *snapshot, size_t endpoint, size_t i)
{
    HL_API(NULL);
    const struct hl_model_state *model = model_of(snapshot, endpoint, i);
    return model ? model->context : -1;
}

int64_t homelab_snapshot_model_size_bytes(const homelab_snapshot *snapshot, size_t endpoint,
                                          size_t i)
{
    HL_API(NULL);
    const struct hl_model_state *model = model_of(snapshot, endpoint, i);
    return model ? model->size_bytes : -1;
}

int64_t homelab_snapshot_model_vram_bytes(const homelab_snapshot *snapshot, size_t endpoint,
                                          size_t i)
{
    HL_API(NULL);
    const struct hl_model_state *model = model_of(snapshot, endpoint, i);
    return model ? model->vram_bytes : -1;
}
