#include "core/error.h"
#include "health/metrics.h"
#include "health/model_list.h"

static bool ask_list(struct hl_probe *probe)
{
    return hl_ask_get(probe, "/v1/models", true);
}

static void take_models(struct hl_probe *probe, const cJSON *root)
{
    hl_model_list_take(probe, root);
    for (size_t i = 0; i < probe->seen.model_count; i++) {
        probe->seen.models[i].loaded = 1; /* it serves what it was started with */
        probe->seen.models[i].abilities |= hl_declared_abilities(probe, probe->seen.models[i].name);
    }
}

static void take_list(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_accept(probe, result))
        return;
    cJSON *root = hl_answer_json(probe, result);
    struct hl_list_facts facts = {0};
    bool fits = hl_model_list_facts(root, &facts) && (facts.owners & ~(unsigned)HL_OWNER_VLLM) == 0;
    if (fits && ((facts.owners & HL_OWNER_VLLM) || facts.max_model_len)) {
        take_models(probe, root);
        hl_say_models(probe, result);
    } else {
        hl_wrong_body(probe, result, "vLLM's list of models was expected");
    }
    cJSON_Delete(root);
}

static bool ask_health(struct hl_probe *probe)
{
    return hl_ask_get(probe, "/health", false);
}

static void take_health(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (hl_accept(probe, result))
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "the engine is not known to be dead");
}

static bool ask_version(struct hl_probe *probe)
{
    return hl_ask_version(probe, "/version", false);
}

static bool ask_metrics(struct hl_probe *probe)
{
    return hl_ask_get(probe, "/metrics", true);
}

static void take_progress(struct hl_probe *probe, const struct hl_http_result *result)
{
    enum {
        RUNNING,
        WAITING,
        GENERATED,
        PROMPTED,
        COUNT
    };
    struct hl_metric metrics[COUNT] = {[RUNNING] = {.name = "vllm:num_requests_running"},
                                       [WAITING] = {.name = "vllm:num_requests_waiting"},
                                       [GENERATED] = {.name = "vllm:generation_tokens_total"},
                                       [PROMPTED] = {.name = "vllm:prompt_tokens_total"}};
    if (!hl_metrics_read(result->body, result->body_length, metrics, COUNT) ||
        !metrics[RUNNING].found) {
        hl_wrong_body(probe, result, "vLLM's metrics were expected");
        return;
    }
    probe->processing = metrics[RUNNING].sum;
    probe->waiting = metrics[WAITING].sum;
    hl_found_progress(probe, result, metrics[GENERATED].sum + metrics[PROMPTED].sum,
                      metrics[GENERATED].found);
}

static void take_metrics(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (hl_metrics_absent(probe, result) || !hl_accept(probe, result))
        return;
    take_progress(probe, result);
}

static bool ask_canary(struct hl_probe *probe)
{
    if (probe->working) {
        hl_canary_not_sent(probe, "it is at work, its counters tell whether that goes on");
        return false;
    }
    for (size_t i = 0; i < probe->seen.model_count; i++) {
        const struct hl_model_state *model = &probe->seen.models[i];
        if (model->abilities & (HL_ABILITY_COMPLETION | HL_ABILITY_EMBEDDING))
            return hl_canary_openai(probe, model->name, model->abilities, "");
    }
    hl_canary_not_sent(probe, "vLLM does not tell what a model can do, nor does the inventory");
    return false;
}

static const struct hl_step steps[] = {
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_list, take_list},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_health, take_health},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_version, hl_version_take},
    {HL_LAYER_SCHEDULER, HL_DEPTH_SCHEDULER, false, ask_metrics, take_metrics},
    {HL_LAYER_CANARY, HL_DEPTH_CANARY, false, ask_canary, hl_canary_take},
};
const struct hl_plan hl_plan_vllm = {HOMELAB_BACKEND_VLLM, steps, sizeof steps / sizeof *steps,
                                     NULL};
