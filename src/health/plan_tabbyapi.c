#include "core/error.h"
#include "health/model_list.h"
#include "net/refusal.h"

#include <string.h>

/* --- /.well-known/serviceinfo: first, so that /health is asked of nobody else --- */

static bool ask_service(struct hl_probe *probe)
{
    return hl_ask_get(probe, "/.well-known/serviceinfo", false);
}

static void take_service(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_accept(probe, result))
        return;
    cJSON *root = hl_answer_json(probe, result);
    const cJSON *software = hl_json_get(root, "software");
    const char *name = hl_json_string(software, "name");
    if (name && !strcmp(name, "TabbyAPI"))
        hl_found_version(probe, hl_json_string(software, "version"));
    else
        hl_wrong_body(probe, result, "TabbyAPI's service information was expected");
    cJSON_Delete(root);
}

/* --- /health --- */

static bool ask_health(struct hl_probe *probe)
{
    return hl_ask_get(probe, "/health", false);
}

/* TabbyAPI never clears an issue, so one failed generation makes this 503 until a restart: worth
 * telling, but no sign of the present state. */
static bool take_issues(struct hl_probe *probe, const struct hl_http_result *result,
                        const cJSON *root)
{
    const cJSON *issues = hl_json_array(root, "issues");
    int count = cJSON_GetArraySize(issues);
    const char *text =
        count ? hl_json_string(cJSON_GetArrayItem(issues, count - 1), "description") : NULL;
    if (!hl_json_string(root, "status"))
        return false;
    if (count)
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "%d issues kept since its start, the last: %.80s",
               count, text ? text : "?");
    else
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "no issues");
    return true;
}

static void take_health(struct hl_probe *probe, const struct hl_http_result *result)
{
    bool kept = result->code == HOMELAB_OK && result->status == 503 && !hl_says_loading(result);
    cJSON *root = NULL;
    if (!kept && !hl_accept(probe, result))
        return;
    root = hl_answer_json(probe, result);
    if (!take_issues(probe, result, root)) {
        if (kept)
            hl_accept(probe, result);
        else
            hl_wrong_body(probe, result, "TabbyAPI's health was expected");
    }
    cJSON_Delete(root);
}

/* --- /v1/models and the one that is loaded --- */

static bool ask_list(struct hl_probe *probe)
{
    return hl_ask_get(probe, "/v1/models", true);
}

static void take_list(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_accept(probe, result))
        return;
    cJSON *root = hl_answer_json(probe, result);
    if (hl_model_list_take(probe, root))
        hl_say_models(probe, result);
    else
        hl_wrong_body(probe, result, "a list of models was expected");
    cJSON_Delete(root);
}

static bool ask_current(struct hl_probe *probe)
{
    return hl_ask_get(probe, "/v1/model", true);
}

static void take_current(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (result->code == HOMELAB_OK && (result->status == 503 || result->status == 400) &&
        !hl_says_loading(result)) {
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "no model is loaded");
        return;
    }
    if (!hl_accept(probe, result))
        return;
    cJSON *root = hl_answer_json(probe, result);
    const char *name = hl_json_string(root, "id");
    struct hl_model_state *model = name ? hl_found_model(probe, name) : NULL;
    if (!name)
        hl_wrong_body(probe, result, "the loaded model was expected");
    for (size_t i = 0; model && i < probe->seen.model_count; i++)
        probe->seen.models[i].loaded = 0;
    if (model) {
        const cJSON *parameters = hl_json_get(root, "parameters");
        model->loaded = 1;
        model->abilities |= HL_ABILITY_COMPLETION;
        if (hl_json_bool(parameters, "use_vision") == 1)
            model->abilities |= HL_ABILITY_VISION;
        model->context = hl_json_int(parameters, "max_seq_len", -1);
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "%.60s is loaded", model->name);
    }
    cJSON_Delete(root);
}

static bool ask_canary(struct hl_probe *probe)
{
    return hl_canary_loaded(probe, "", "no model is loaded");
}

static void conclude(struct hl_probe *probe)
{
    hl_progress_unseen(probe,
                       "whether its work goes on cannot be seen: TabbyAPI tells no counters");
}

static const struct hl_step steps[] = {
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_service, take_service},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_health, take_health},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_list, take_list},
    {HL_LAYER_SCHEDULER, HL_DEPTH_SCHEDULER, false, ask_current, take_current},
    {HL_LAYER_CANARY, HL_DEPTH_CANARY, false, ask_canary, hl_canary_take},
};
const struct hl_plan hl_plan_tabbyapi = {HOMELAB_BACKEND_TABBYAPI, steps,
                                         sizeof steps / sizeof *steps, conclude};
