/* The canary: one token, or one embedding, of a model that is loaded already. */
#include "core/error.h"
#include "health/plan.h"
#include "net/refusal.h"

bool hl_canary_openai(struct hl_probe *probe, const char *model, uint32_t abilities,
                      const char *query)
{
    bool completion = abilities & HL_ABILITY_COMPLETION;
    hl_ask_post(probe, completion ? "/v1/completions" : "/v1/embeddings", true);
    hl_buf_puts(&probe->path, query);
    hl_buf_puts(&probe->body, "{\"model\":");
    hl_buf_json(&probe->body, model);
    hl_buf_puts(&probe->body, completion ? ",\"prompt\":\"Hi\",\"max_tokens\":1,\"stream\":false}"
                                         : ",\"input\":\"Hi\"}");
    probe->ask.canary = true;
    return true;
}

bool hl_canary_loaded(struct hl_probe *probe, const char *query, const char *otherwise)
{
    for (size_t i = 0; i < probe->seen.model_count; i++) {
        const struct hl_model_state *model = &probe->seen.models[i];
        if (model->loaded == 1 &&
            (model->abilities & (HL_ABILITY_COMPLETION | HL_ABILITY_EMBEDDING)))
            return hl_canary_openai(probe, model->name, model->abilities, query);
    }
    hl_canary_not_sent(probe, otherwise);
    return false;
}

/* The answer holds text (choices, response, content) or an embedding (data, embeddings). */
static bool has_result(const cJSON *root)
{
    return cJSON_GetArraySize(hl_json_array(root, "choices")) > 0 ||
           cJSON_GetArraySize(hl_json_array(root, "data")) > 0 ||
           cJSON_GetArraySize(hl_json_array(root, "embeddings")) > 0 ||
           hl_json_string(root, "response") || hl_json_string(root, "content");
}

void hl_canary_take(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_answered(probe, result))
        return;
    struct hl_refusal error;
    if (result->status == 429 || result->status == 503 || result->status == 401 ||
        result->status == 403) {
        hl_accept(probe, result);
        return;
    }
    cJSON *root = hl_answer_json(probe, result);
    if (result->status >= 200 && result->status < 300 && has_result(root)) {
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "the canary lives");
    } else {
        hl_refusal_read(&error, result->body, result->body_length);
        hl_say(probe, result, HOMELAB_CAUSE_CANARY_FAILED, "the canary failed: %s", error.message);
    }
    cJSON_Delete(root);
}

void hl_canary_not_sent(struct hl_probe *probe, const char *why)
{
    if (probe->target.depth >= HL_DEPTH_CANARY)
        hl_note(probe, HL_LAYER_CANARY, "no canary sent: %s", why);
}
