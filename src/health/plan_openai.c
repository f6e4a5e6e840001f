#include "core/error.h"
#include "health/guard.h"
#include "health/model_list.h"
#include "net/refusal.h"

#include <string.h>

static bool ask_list(struct hl_probe *probe)
{
    return hl_ask_get(probe, strcmp(hl_own_path(probe), "/models") ? "/v1/models" : "/models",
                      true);
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

/* A path of the user's own besides the list. */
static bool other_path(const struct hl_probe *probe)
{
    const char *path = hl_own_path(probe);
    return *path && strcmp(path, "/v1/models") && strcmp(path, "/models");
}

static bool ask_guard(struct hl_probe *probe)
{
    return other_path(probe) && hl_guard_ask(probe);
}

static bool ask_own(struct hl_probe *probe)
{
    return other_path(probe) && hl_guard_own(probe);
}

static void take_own(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (hl_accept(probe, result))
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "%zu bytes", result->body_length);
}

static void conclude(struct hl_probe *probe)
{
    if (probe->target.depth >= HL_DEPTH_PROGRESS)
        hl_note(probe, HL_LAYER_PROGRESS,
                "whether its work goes on cannot be seen through the common API");
    hl_canary_not_sent(probe, "it does not tell which models are loaded");
}

static const struct hl_step steps[] = {
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_list, take_list},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_guard, hl_guard_take},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_own, take_own},
};
const struct hl_plan hl_plan_openai = {HOMELAB_BACKEND_OPENAI, steps, 3, conclude};
