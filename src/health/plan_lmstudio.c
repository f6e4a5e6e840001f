#include "core/error.h"
#include "health/model_list.h"

#include <string.h>

static uint32_t abilities_of_type(const char *type)
{
    if (!type)
        return 0;
    if (!strcmp(type, "embedding") || !strcmp(type, "embeddings"))
        return HL_ABILITY_EMBEDDING;
    if (!strcmp(type, "vlm"))
        return HL_ABILITY_COMPLETION | HL_ABILITY_VISION;
    return !strcmp(type, "llm") ? HL_ABILITY_COMPLETION : 0;
}

/* --- /api/v1/models --- */

static bool ask_native(struct hl_probe *probe)
{
    return hl_ask_get(probe, "/api/v1/models", true);
}

static bool native_fits(const cJSON *root)
{
    const cJSON *models = hl_json_array(root, "models"), *item;
    if (!models)
        return false;
    cJSON_ArrayForEach(item, models)
    {
        if (!hl_json_string(item, "key"))
            return false;
    }
    return true;
}

static void take_native_model(struct hl_probe *probe, const cJSON *item)
{
    struct hl_model_state *model = hl_found_model(probe, hl_json_string(item, "key"));
    if (!model)
        return;
    const cJSON *capabilities = hl_json_get(item, "capabilities");
    const cJSON *instance = cJSON_GetArrayItem(hl_json_array(item, "loaded_instances"), 0);
    model->abilities = abilities_of_type(hl_json_string(item, "type"));
    if (hl_json_bool(capabilities, "vision") == 1)
        model->abilities |= HL_ABILITY_VISION;
    if (hl_json_bool(capabilities, "trained_for_tool_use") == 1)
        model->abilities |= HL_ABILITY_TOOLS;
    model->size_bytes = hl_json_int(item, "size_bytes", -1);
    model->context = hl_json_int(item, "max_context_length", -1);
    model->loaded = instance != NULL;
    int64_t context = hl_json_int(hl_json_get(instance, "config"), "context_length", -1);
    if (context > 0)
        model->context = context;
}

static void take_native(struct hl_probe *probe, const struct hl_http_result *result)
{
    bool older = result->code == HOMELAB_OK && result->status == 404;
    if (!older && !hl_accept(probe, result))
        return;
    cJSON *root = hl_answer_json(probe, result);
    const cJSON *item;
    probe->fell_back = !native_fits(root);
    if (!probe->fell_back) {
        probe->seen.models_known = true;
        cJSON_ArrayForEach(item, hl_json_array(root, "models")) take_native_model(probe, item);
        hl_say_models(probe, result);
    }
    cJSON_Delete(root);
}

/* --- /api/v0/models, of older releases --- */

static bool ask_legacy(struct hl_probe *probe)
{
    return probe->fell_back && hl_ask_get(probe, "/api/v0/models", true);
}

static bool legacy_fits(const cJSON *root)
{
    const cJSON *data = hl_json_array(root, "data"), *item;
    if (!data)
        return false;
    cJSON_ArrayForEach(item, data)
    {
        if (!hl_json_string(item, "id") || !hl_json_string(item, "state"))
            return false;
    }
    return true;
}

static void take_legacy_model(struct hl_probe *probe, const cJSON *item)
{
    struct hl_model_state *model = hl_found_model(probe, hl_json_string(item, "id"));
    if (!model)
        return;
    model->abilities = abilities_of_type(hl_json_string(item, "type"));
    model->loaded = !strcmp(hl_json_string(item, "state"), "loaded");
    model->context = hl_json_int(item, "loaded_context_length", -1);
    if (model->context <= 0)
        model->context = hl_json_int(item, "max_context_length", -1);
}

static void take_legacy(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_accept(probe, result))
        return;
    cJSON *root = hl_answer_json(probe, result);
    const cJSON *item;
    if (legacy_fits(root)) {
        probe->seen.models_known = true;
        cJSON_ArrayForEach(item, hl_json_array(root, "data")) take_legacy_model(probe, item);
        hl_say_models(probe, result);
    } else {
        hl_wrong_body(probe, result, "LM Studio's list of models was expected");
    }
    cJSON_Delete(root);
}

/* --- canary --- */

static bool ask_canary(struct hl_probe *probe)
{
    return hl_canary_loaded(probe, "", "no model is loaded");
}

static void conclude(struct hl_probe *probe)
{
    hl_progress_unseen(probe,
                       "whether its work goes on cannot be seen: LM Studio tells no counters");
}

static const struct hl_step steps[] = {
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_native, take_native},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_legacy, take_legacy},
    {HL_LAYER_CANARY, HL_DEPTH_CANARY, false, ask_canary, hl_canary_take},
};
const struct hl_plan hl_plan_lmstudio = {HOMELAB_BACKEND_LMSTUDIO, steps,
                                         sizeof steps / sizeof *steps, conclude};
