#include "core/error.h"
#include "health/model_list.h"

#include <string.h>

/* --- /running: the only harmless path that is llama-swap's own; /upstream/… would start models ---
 */

static bool ask_running(struct hl_probe *probe)
{
    return hl_ask_get(probe, "/running", true);
}

static void take_process(struct hl_probe *probe, const struct hl_http_result *result,
                         const cJSON *item)
{
    const char *name = hl_json_string(item, "model"), *state = hl_json_string(item, "state");
    struct hl_model_state *model = name ? hl_found_model(probe, name) : NULL;
    if (!model || !state)
        return;
    model->loaded = !strcmp(state, "ready");
    model->abilities |= hl_declared_abilities(probe, name);
    if (model->loaded)
        probe->children.awake++;
    if (strcmp(state, "starting"))
        return;
    probe->children.loading++;
    if (hl_is_required(probe, name))
        hl_say(probe, result, HOMELAB_CAUSE_LOADING, "required model %.60s is being started", name);
}

static void take_running(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_accept(probe, result))
        return;
    cJSON *root = hl_answer_json(probe, result);
    const cJSON *running = hl_json_array(root, "running"), *item;
    if (running) {
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "%d running", cJSON_GetArraySize(running));
        cJSON_ArrayForEach(item, running) take_process(probe, result, item);
        if (probe->children.loading && !probe->children.awake)
            hl_say(probe, result, HOMELAB_CAUSE_LOADING, "its only active model is being started");
    } else {
        hl_wrong_body(probe, result, "llama-swap's list of processes was expected");
    }
    cJSON_Delete(root);
}

static bool ask_list(struct hl_probe *probe)
{
    return hl_ask_get(probe, "/v1/models", true);
}

static void take_list(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_accept(probe, result))
        return;
    cJSON *root = hl_answer_json(probe, result);
    if (hl_model_list_take(probe, root)) {
        hl_say_models(probe, result);
        for (size_t i = 0; i < probe->seen.model_count; i++)
            probe->seen.models[i].loaded = probe->seen.models[i].loaded == 1;
    } else {
        hl_wrong_body(probe, result, "a list of models was expected");
    }
    cJSON_Delete(root);
}

static bool ask_version(struct hl_probe *probe)
{
    return hl_ask_version(probe, "/api/version", true);
}

static bool ask_canary(struct hl_probe *probe)
{
    return hl_canary_loaded(probe, "", "no model of a declared capability is ready");
}

static void conclude(struct hl_probe *probe)
{
    hl_progress_unseen(probe, "not looked at: the servers behind it, which asking could start");
}

static const struct hl_step steps[] = {
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_running, take_running},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_list, take_list},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_version, hl_version_take},
    {HL_LAYER_CANARY, HL_DEPTH_CANARY, false, ask_canary, hl_canary_take},
};
const struct hl_plan hl_plan_llamaswap = {HOMELAB_BACKEND_LLAMASWAP, steps,
                                          sizeof steps / sizeof *steps, conclude};
