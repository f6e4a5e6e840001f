/* Prometheus' text exposition format 0.0.4. */
#include "health/snapshot.h"

#include "core/api.h"
#include "core/buf.h"
#include "health/state.h"

/* Label values escape backslash, quote and line feed, nothing else. */
static void put_label(struct hl_buf *out, const char *name, const char *value)
{
    hl_buf_printf(out, "%s=\"", name);
    for (const char *at = value ? value : ""; *at; at++) {
        if (*at == '\n')
            hl_buf_puts(out, "\\n");
        else if (*at == '\\' || *at == '"')
            hl_buf_printf(out, "\\%c", *at);
        else
            hl_buf_putc(out, *at);
    }
    hl_buf_putc(out, '"');
}

static void put_head(struct hl_buf *out, const char *name, const char *help)
{
    hl_buf_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void put_value(struct hl_buf *out, double value)
{
    hl_buf_putc(out, ' ');
    hl_buf_number(out, value);
    hl_buf_putc(out, '\n');
}

static void open_endpoint(struct hl_buf *out, const char *name, const homelab_snapshot *snapshot,
                          size_t i)
{
    const struct hl_roster_entry *entry = &snapshot->roster->entries[i];
    hl_buf_printf(out, "%s{", name);
    put_label(out, "endpoint", entry->id);
    hl_buf_putc(out, ',');
    put_label(out, "tier", snapshot->roster->tiers[entry->tier]);
    hl_buf_putc(out, ',');
    put_label(out, "node", entry->node);
}

/* A value of an endpoint; false where it has none. */
typedef bool (*value_fn)(const struct hl_facts *facts, double *out);

static bool up(const struct hl_facts *facts, double *out)
{
    *out = hl_verdict_usable(facts->verdict);
    return facts->verdict != HOMELAB_VERDICT_UNKNOWN;
}

static bool latency(const struct hl_facts *facts, double *out)
{
    *out = (double)facts->latency_us / 1e6;
    return facts->latency_us >= 0;
}

static bool probed(const struct hl_facts *facts, double *out)
{
    *out = (double)facts->probed_us / 1e6;
    return facts->probed_us > 0;
}

static bool uptime(const struct hl_facts *facts, double *out)
{
    *out = facts->uptime;
    return facts->uptime >= 0;
}

static bool slots(const struct hl_facts *facts, double *out)
{
    *out = facts->slots;
    return facts->slots >= 0;
}

static bool maintenance(const struct hl_facts *facts, double *out)
{
    *out = facts->maintenance;
    return true;
}

static const struct {
    const char *name, *help;
    value_fn value;
} gauges[] = {
    {"homelab_endpoint_up", "Whether the endpoint is usable now or soon.", up},
    {"homelab_endpoint_latency_seconds", "Time to the first complete answer of the last probe.",
     latency},
    {"homelab_endpoint_probed_timestamp_seconds", "Time of the last probe.", probed},
    {"homelab_endpoint_uptime_ratio", "Share of probes in the history that found it usable.",
     uptime},
    {"homelab_endpoint_slots", "Requests it works on at once.", slots},
    {"homelab_endpoint_maintenance", "Whether a maintenance window covers it.", maintenance},
};

static void put_gauge(struct hl_buf *out, const homelab_snapshot *snapshot, size_t gauge)
{
    put_head(out, gauges[gauge].name, gauges[gauge].help);
    for (size_t i = 0; i < snapshot->roster->count && !out->failed; i++) {
        double value;
        if (!gauges[gauge].value(&snapshot->records[i]->facts, &value))
            continue;
        open_endpoint(out, gauges[gauge].name, snapshot, i);
        hl_buf_putc(out, '}');
        put_value(out, value);
    }
}

static void put_verdicts(struct hl_buf *out, const homelab_snapshot *snapshot)
{
    put_head(out, "homelab_endpoint_verdict",
             "1 for the present verdict and cause of the endpoint.");
    for (size_t i = 0; i < snapshot->roster->count && !out->failed; i++) {
        const struct hl_facts *facts = &snapshot->records[i]->facts;
        open_endpoint(out, "homelab_endpoint_verdict", snapshot, i);
        hl_buf_printf(out, ",verdict=\"%s\",cause=\"%s\"} 1\n",
                      homelab_verdict_name(facts->verdict), homelab_cause_name(facts->cause));
    }
}

static void put_infos(struct hl_buf *out, const homelab_snapshot *snapshot)
{
    put_head(out, "homelab_endpoint_info", "Backend and version of the endpoint.");
    for (size_t i = 0; i < snapshot->roster->count && !out->failed; i++) {
        const struct hl_facts *facts = &snapshot->records[i]->facts;
        open_endpoint(out, "homelab_endpoint_info", snapshot, i);
        hl_buf_printf(out, ",backend=\"%s\",", homelab_backend_name(facts->backend));
        put_label(out, "version", facts->version);
        hl_buf_puts(out, "} 1\n");
    }
}

static void open_model(struct hl_buf *out, const char *name, const homelab_snapshot *snapshot,
                       size_t i, const struct hl_model_state *model)
{
    hl_buf_printf(out, "%s{", name);
    put_label(out, "endpoint", snapshot->roster->entries[i].id);
    hl_buf_putc(out, ',');
    put_label(out, "model", model->name);
    hl_buf_putc(out, '}');
}

static void put_loaded(struct hl_buf *out, const homelab_snapshot *snapshot)
{
    put_head(out, "homelab_model_loaded", "Whether the model is loaded.");
    for (size_t i = 0; i < snapshot->roster->count && !out->failed; i++) {
        const struct hl_facts *facts = &snapshot->records[i]->facts;
        for (size_t j = 0; j < facts->model_count; j++) {
            if (facts->models[j].loaded < 0)
                continue;
            open_model(out, "homelab_model_loaded", snapshot, i, &facts->models[j]);
            put_value(out, facts->models[j].loaded);
        }
    }
}

static void put_vram(struct hl_buf *out, const homelab_snapshot *snapshot)
{
    put_head(out, "homelab_model_vram_bytes", "Bytes of a loaded model that are on a GPU.");
    for (size_t i = 0; i < snapshot->roster->count && !out->failed; i++) {
        const struct hl_facts *facts = &snapshot->records[i]->facts;
        for (size_t j = 0; j < facts->model_count; j++) {
            if (facts->models[j].vram_bytes < 0)
                continue;
            open_model(out, "homelab_model_vram_bytes", snapshot, i, &facts->models[j]);
            put_value(out, (double)facts->models[j].vram_bytes);
        }
    }
}

static void put_cluster(struct hl_buf *out, const homelab_snapshot *snapshot)
{
    const struct hl_forecast *forecast = &snapshot->forecast;
    put_head(out, "homelab_tier_verdict", "1 for the present verdict of the tier.");
    for (size_t i = 0; i < snapshot->roster->tier_count; i++) {
        hl_buf_puts(out, "homelab_tier_verdict{");
        put_label(out, "tier", snapshot->roster->tiers[i]);
        hl_buf_printf(out, ",verdict=\"%s\"} 1\n",
                      homelab_verdict_name(forecast->tiers[i].verdict));
    }
    put_head(out, "homelab_capability_servers", "Usable endpoints that serve the capability.");
    for (size_t i = 0; i < HL_CAP_COUNT; i++)
        hl_buf_printf(out, "homelab_capability_servers{capability=\"%s\"} %zu\n",
                      hl_capability_name(i), forecast->server_count[i]);
    put_head(out, "homelab_capability_lost",
             "Whether the capability is declared but served by no usable endpoint.");
    for (size_t i = 0; i < HL_CAP_COUNT; i++)
        hl_buf_printf(out, "homelab_capability_lost{capability=\"%s\"} %d\n", hl_capability_name(i),
                      forecast->lost & 1u << i ? 1 : 0);
    put_head(out, "homelab_prognosis", "1 for the present verdict on the whole cluster.");
    hl_buf_printf(out, "homelab_prognosis{verdict=\"%s\"} 1\n",
                  homelab_verdict_name(forecast->verdict));
    put_head(out, "homelab_snapshot_generation", "Generation of the snapshot.");
    hl_buf_printf(out, "homelab_snapshot_generation %lld\n", (long long)snapshot->generation);
}

char *homelab_snapshot_prometheus(const homelab_snapshot *snapshot)
{
    HL_API(snapshot ? snapshot->allocator : NULL);
    if (!snapshot) {
        hl_error_argument("snapshot", "not NULL");
        return NULL;
    }
    struct hl_buf out;
    hl_buf_init(&out, HL_SNAPSHOT_TEXT_MAX);
    put_cluster(&out, snapshot);
    put_verdicts(&out, snapshot);
    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        put_gauge(&out, snapshot, i);
    put_infos(&out, snapshot);
    put_loaded(&out, snapshot);
    put_vram(&out, snapshot);
    return hl_buf_take(&out);
}
