/* A decision as JSON. Of the request only what it came to stands there: no text, no key. */
#include "route/router_private.h"

#include "core/buf.h"
#include "core/error.h"

#include <inttypes.h>

#define JSON_MAX (16u * 1024 * 1024)

static void put_key(struct hl_buf *out, const char *key, const char *text)
{
    hl_buf_printf(out, ",\"%s\":", key);
    hl_buf_json(out, text);
}

static void put_number(struct hl_buf *out, const char *key, double value)
{
    hl_buf_printf(out, ",\"%s\":", key);
    /* To a thousandth, as far as estimates can go. */
    int64_t thousandths = (int64_t)(value * 1000 + (value < 0 ? -0.5 : 0.5));
    hl_buf_number(out, (double)thousandths / 1000);
}

static void put_task(struct hl_buf *out, const homelab_decision *decision)
{
    put_key(out, "task", homelab_task_name(homelab_decision_task(decision)));
    put_key(out, "task_source", homelab_decision_task_source(decision));
    hl_buf_printf(out, ",\"mixed\":%s,\"probabilities\":{",
                  decision->errand.mixed ? "true" : "false");
    for (int task = 1; task <= HOMELAB_TASK_COUNT; task++) {
        hl_buf_printf(out, "%s\"%s\":", task > 1 ? "," : "", homelab_task_name(task));
        hl_buf_number(
            out, (double)(int64_t)(homelab_decision_probability(decision, task) * 1e4 + 0.5) / 1e4);
    }
    hl_buf_puts(out, "}");
}

static void put_needs(struct hl_buf *out, const struct hl_errand *errand)
{
    static const struct {
        uint32_t can;
        const char *name;
    } names[] = {{HL_CAN_CHAT, "completion"},
                 {HL_CAN_EMBED, "embedding"},
                 {HL_CAN_VISION, "vision"},
                 {HL_CAN_TOOLS, "tools"},
                 {HL_CAN_OLLAMA, "ollama"}};
    const char *comma = "";
    hl_buf_puts(out, ",\"needs\":[");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(errand->needs & names[i].can))
            continue;
        hl_buf_printf(out, "%s\"%s\"", comma, names[i].name);
        comma = ",";
    }
    hl_buf_printf(out, "],\"context_tokens\":%" PRIu32 ",\"answer_tokens\":%" PRIu32,
                  errand->context, errand->answer);
}

static void put_timeouts(struct hl_buf *out, const homelab_decision *decision, size_t i)
{
    hl_buf_printf(out,
                  ",\"timeouts_ms\":{\"connect\":%" PRId64 ",\"first_byte\":%" PRId64
                  ",\"stall\":%" PRId64 ",\"total\":%" PRId64 "}",
                  homelab_decision_connect_ms(decision, i),
                  homelab_decision_first_byte_ms(decision, i),
                  homelab_decision_stall_ms(decision, i), homelab_decision_total_ms(decision, i));
}

static void put_loaded(struct hl_buf *out, int loaded)
{
    hl_buf_printf(out, ",\"loaded\":%s", loaded < 0 ? "null" : loaded ? "true" : "false");
}

static void put_candidate(struct hl_buf *out, const homelab_decision *decision, size_t i)
{
    const struct hl_endpoint_info *endpoint = hl_endpoint_of(decision, i);
    bool ollama = homelab_decision_dialect(decision, i) == HOMELAB_DIALECT_OLLAMA;
    hl_buf_puts(out, i ? ",{\"endpoint\":" : "{\"endpoint\":");
    hl_buf_json(out, endpoint->endpoint->id);
    put_key(out, "model", homelab_decision_model(decision, i));
    put_key(out, "url", homelab_decision_url(decision, i));
    put_key(out, "dialect", ollama ? "ollama" : "openai");
    put_key(out, "backend", homelab_backend_name(endpoint->backend));
    put_key(out, "tier", endpoint->tier);
    put_key(out, "node", endpoint->node);
    put_key(out, "api_key", endpoint->endpoint->api_key);
    put_key(out, "verdict", homelab_verdict_name(endpoint->verdict));
    put_number(out, "weight", homelab_decision_weight(decision, i));
    put_number(out, "score", homelab_decision_score(decision, i));
    hl_buf_puts(out, ",\"terms\":{\"points\":{");
    for (int term = 0; term < HOMELAB_TERM_COUNT; term++) {
        hl_buf_printf(out, "%s\"%s\":", term ? "," : "", homelab_term_name(term));
        hl_buf_number(out, (double)(int64_t)(hl_candidate_term(decision, i, term) * 1000) / 1000);
    }
    struct hl_candidate candidate = hl_candidate_of(decision, i);
    hl_buf_puts(out, "},\"seconds\":{\"load\":");
    hl_buf_number(out, (double)(int64_t)(candidate.load_s * 1000) / 1000);
    put_number(out, "queue", (double)candidate.queue_s);
    put_number(out, "latency", (double)candidate.first_s);
    put_number(out, "speed", (double)candidate.answer_s);
    hl_buf_puts(out, "}}");
    put_loaded(out, homelab_decision_loaded(decision, i));
    hl_buf_printf(out, ",\"sticky\":%s,\"trial\":%s", candidate.sticky ? "true" : "false",
                  candidate.trial ? "true" : "false");
    put_timeouts(out, decision, i);
    hl_buf_puts(out, "}");
}

static void put_rejected(struct hl_buf *out, const homelab_decision *decision)
{
    const struct hl_table *table = decision->table;
    size_t all = table->count < decision->room ? table->count : decision->room;
    const char *comma = "";
    hl_buf_puts(out, ",\"rejected\":[");
    for (size_t i = 0; decision->explained && i < all; i++) {
        if (!decision->why[i])
            continue;
        hl_buf_printf(out, "%s{\"endpoint\":", comma);
        hl_buf_json(out, table->endpoints[table->experts[i].endpoint].endpoint->id);
        put_key(out, "model", table->info[i].model);
        put_key(out, "why", homelab_reject_name(decision->why[i]));
        hl_buf_puts(out, "}");
        comma = ",";
    }
    hl_buf_puts(out, "],\"rejected_by\":{");
    comma = "";
    for (int reject = 1; reject <= HOMELAB_REJECT_BREAKER; reject++) {
        if (!decision->verdict.rejected[reject])
            continue;
        hl_buf_printf(out, "%s\"%s\":%" PRIu32, comma, homelab_reject_name(reject),
                      decision->verdict.rejected[reject]);
        comma = ",";
    }
    hl_buf_puts(out, "}");
}

char *homelab_decision_json(const homelab_decision *decision)
{
    HL_API(decision ? decision->allocator : NULL);
    if (!decision || !decision->decided) {
        hl_error_argument("decision", "one that was made");
        return NULL;
    }
    struct hl_buf out;
    hl_buf_init(&out, JSON_MAX);
    hl_buf_printf(&out, "{\"schema\":1,\"generation\":%" PRId64,
                  homelab_decision_generation(decision));
    put_task(&out, decision);
    put_needs(&out, &decision->errand);
    hl_buf_puts(&out, ",\"candidates\":[");
    for (size_t i = 0; i < decision->verdict.count; i++)
        put_candidate(&out, decision, i);
    hl_buf_printf(&out, "],\"eligible\":%" PRIu32, decision->verdict.eligible);
    put_rejected(&out, decision);
    if (decision->verdict.retry_ms >= 0)
        hl_buf_printf(&out, ",\"retry_ms\":%" PRId64, decision->verdict.retry_ms);
    hl_buf_puts(&out, "}");
    return hl_buf_take(&out);
}
