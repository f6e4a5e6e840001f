#include "health/snapshot.h"

#include "core/api.h"
#include "core/buf.h"

#include <homelab/inventory.h>

/* Percentiles written; a parsed snapshot knows these. */
static const int percents[] = {50, 90, 99};

static void put_ms(struct hl_buf *out, int64_t us)
{
    if (us < 0)
        hl_buf_puts(out, "null");
    else
        hl_buf_number(out, (double)us / 1000);
}

static void put_int(struct hl_buf *out, int64_t value)
{
    if (value < 0)
        hl_buf_puts(out, "null");
    else
        hl_buf_printf(out, "%lld", (long long)value);
}

static void put_capabilities(struct hl_buf *out, uint32_t set)
{
    hl_buf_putc(out, '[');
    bool first = true;
    for (size_t i = 0; i < HL_CAP_COUNT; i++) {
        if (!(set & 1u << i))
            continue;
        hl_buf_printf(out, "%s\"%s\"", first ? "" : ",", hl_capability_name(i));
        first = false;
    }
    hl_buf_putc(out, ']');
}

static void put_servers(struct hl_buf *out, const homelab_snapshot *snapshot, size_t capability)
{
    const struct hl_forecast *forecast = &snapshot->forecast;
    hl_buf_printf(out, "%s\"%s\":[", capability ? "," : "", hl_capability_name(capability));
    for (size_t i = 0; i < forecast->server_count[capability]; i++) {
        if (i)
            hl_buf_putc(out, ',');
        hl_buf_json(out, snapshot->roster->entries[forecast->servers[capability][i]].id);
    }
    hl_buf_putc(out, ']');
}

static void put_prognosis(struct hl_buf *out, const homelab_snapshot *snapshot)
{
    const struct hl_forecast *forecast = &snapshot->forecast;
    hl_buf_printf(out, "\"prognosis\":{\"verdict\":\"%s\",\"text\":",
                  homelab_verdict_name(forecast->verdict));
    hl_buf_json(out, forecast->text);
    hl_buf_puts(out, ",\"capabilities\":{");
    for (size_t i = 0; i < HL_CAP_COUNT; i++)
        put_servers(out, snapshot, i);
    hl_buf_puts(out, "},\"lost\":");
    put_capabilities(out, forecast->lost);
    hl_buf_puts(out, ",\"declared\":");
    put_capabilities(out, forecast->declared);
    hl_buf_putc(out, '}');
}

static void put_tiers(struct hl_buf *out, const homelab_snapshot *snapshot)
{
    hl_buf_puts(out, "\"tiers\":[");
    for (size_t i = 0; i < snapshot->roster->tier_count; i++) {
        const struct hl_forecast_tier *tier = &snapshot->forecast.tiers[i];
        hl_buf_puts(out, i ? ",{\"name\":" : "{\"name\":");
        hl_buf_json(out, snapshot->roster->tiers[i]);
        hl_buf_printf(out, ",\"verdict\":\"%s\",\"text\":", homelab_verdict_name(tier->verdict));
        hl_buf_json(out, tier->text);
        hl_buf_putc(out, '}');
    }
    hl_buf_putc(out, ']');
}

static void put_evidence(struct hl_buf *out, const struct hl_record_evidence *evidence)
{
    hl_buf_printf(out,
                  "{\"layer\":\"%s\",\"cause\":\"%s\",\"code\":", hl_layer_name(evidence->layer),
                  homelab_cause_name(evidence->cause));
    put_int(out, evidence->code > 0 ? evidence->code : -1);
    hl_buf_puts(out, ",\"elapsed_ms\":");
    put_ms(out, evidence->elapsed_us);
    hl_buf_puts(out, ",\"text\":");
    hl_buf_json(out, evidence->text);
    hl_buf_putc(out, '}');
}

static void put_model(struct hl_buf *out, const struct hl_model_state *model)
{
    hl_buf_puts(out, "{\"name\":");
    hl_buf_json(out, model->name);
    hl_buf_printf(out, ",\"loaded\":%s,\"capabilities\":[",
                  model->loaded < 0 ? "null"
                  : model->loaded   ? "true"
                                    : "false");
    bool first = true;
    for (size_t i = 0; i < HL_ABILITY_COUNT; i++) {
        if (!(model->abilities & 1u << i))
            continue;
        hl_buf_printf(out, "%s\"%s\"", first ? "" : ",", hl_ability_name(i));
        first = false;
    }
    hl_buf_puts(out, "],\"context\":");
    put_int(out, model->context);
    hl_buf_puts(out, ",\"size_bytes\":");
    put_int(out, model->size_bytes);
    hl_buf_puts(out, ",\"vram_bytes\":");
    put_int(out, model->vram_bytes);
    hl_buf_putc(out, '}');
}

static void put_history(struct hl_buf *out, const struct hl_facts *facts)
{
    hl_buf_puts(out, ",\"uptime\":");
    if (facts->uptime < 0)
        hl_buf_puts(out, "null");
    else
        hl_buf_number(out, facts->uptime);
    hl_buf_puts(out, ",\"latency_percentiles_ms\":{");
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        hl_buf_printf(out, "%s\"%d\":", i ? "," : "", percents[i]);
        put_ms(out, hl_latency_percentile(facts->latency, facts->latency_count, percents[i]));
    }
    hl_buf_putc(out, '}');
}

static void put_identity(struct hl_buf *out, const homelab_snapshot *snapshot, size_t i)
{
    const struct hl_roster_entry *entry = &snapshot->roster->entries[i];
    const struct hl_facts *facts = &snapshot->records[i]->facts;
    hl_buf_puts(out, "{\"id\":");
    hl_buf_json(out, entry->id);
    hl_buf_puts(out, ",\"tier\":");
    hl_buf_json(out, snapshot->roster->tiers[entry->tier]);
    hl_buf_puts(out, ",\"node\":");
    hl_buf_json(out, entry->node);
    hl_buf_puts(out, ",\"backend\":");
    hl_buf_json(out, facts->backend == HOMELAB_BACKEND_AUTO ? NULL
                                                            : homelab_backend_name(facts->backend));
    hl_buf_puts(out, ",\"version\":");
    hl_buf_json(out, facts->version);
}

static void put_endpoint(struct hl_buf *out, const homelab_snapshot *snapshot, size_t i)
{
    const struct hl_facts *facts = &snapshot->records[i]->facts;
    put_identity(out, snapshot, i);
    hl_buf_printf(out, ",\"verdict\":\"%s\",\"cause\":\"%s\",\"text\":",
                  homelab_verdict_name(facts->verdict), homelab_cause_name(facts->cause));
    hl_buf_json(out, facts->text);
    hl_buf_puts(out, ",\"latency_ms\":");
    put_ms(out, facts->latency_us);
    hl_buf_puts(out, ",\"probed_us\":");
    put_int(out, facts->probed_us > 0 ? facts->probed_us : -1);
    hl_buf_puts(out, ",\"slots\":");
    put_int(out, facts->slots);
    put_history(out, facts);
    hl_buf_printf(out, ",\"maintenance\":%s,\"gateway\":%s,\"serves\":",
                  facts->maintenance ? "true" : "false", facts->gateway ? "true" : "false");
    put_capabilities(out, facts->can);
    hl_buf_puts(out, ",\"evidence\":[");
    for (size_t j = 0; j < facts->evidence_count; j++) {
        if (j)
            hl_buf_putc(out, ',');
        put_evidence(out, &facts->evidence[j]);
    }
    hl_buf_puts(out, "],\"models\":[");
    for (size_t j = 0; j < facts->model_count; j++) {
        if (j)
            hl_buf_putc(out, ',');
        put_model(out, &facts->models[j]);
    }
    hl_buf_puts(out, "]}");
}

char *homelab_snapshot_json(const homelab_snapshot *snapshot)
{
    HL_API(snapshot ? snapshot->allocator : NULL);
    if (!snapshot) {
        hl_error_argument("snapshot", "not NULL");
        return NULL;
    }
    struct hl_buf out;
    hl_buf_init(&out, HL_SNAPSHOT_TEXT_MAX);
    hl_buf_printf(&out, "{\"schema\":1,\"generation\":%lld,\"time_us\":%lld,",
                  (long long)snapshot->generation, (long long)snapshot->time_us);
    put_prognosis(&out, snapshot);
    hl_buf_putc(&out, ',');
    put_tiers(&out, snapshot);
    hl_buf_puts(&out, ",\"endpoints\":[");
    for (size_t i = 0; i < snapshot->roster->count && !out.failed; i++) {
        hl_buf_puts(&out, i ? ",\n" : "\n");
        put_endpoint(&out, snapshot, i);
    }
    hl_buf_puts(&out, "]}\n");
    return hl_buf_take(&out);
}
