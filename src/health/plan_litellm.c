#include "core/error.h"
#include "health/gateway.h"
#include "health/model_list.h"

#include <string.h>

/* --- /health/liveliness: a constant, told without a key --- */

static bool ask_alive(struct hl_probe *probe)
{
    bool other = !strcmp(hl_own_path(probe), "/health/liveness");
    return hl_ask_get(probe, other ? "/health/liveness" : "/health/liveliness", false);
}

static void take_alive(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_accept(probe, result))
        return;
    if (strstr(result->body, "I'm alive!"))
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "alive");
    else
        hl_wrong_body(probe, result, "\"I'm alive!\" was expected");
}

/* --- /health/readiness and its details --- */

/* These releases stole credentials (PyPI, March 2026). */
static void check_version(struct hl_probe *probe)
{
    const char *version = probe->seen.version;
    if (!strcmp(version, "1.82.7") || !strcmp(version, "1.82.8"))
        hl_note(probe, HL_LAYER_HTTP,
                "LiteLLM %s is a compromised release: replace it, change the keys it saw", version);
}

static void take_version(struct hl_probe *probe, const cJSON *root)
{
    const char *version = hl_json_string(root, "litellm_version");
    if (version)
        hl_found_version(probe, version);
}

static bool ask_ready(struct hl_probe *probe)
{
    return hl_ask_get(probe, "/health/readiness", false);
}

static void take_ready(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_accept(probe, result))
        return;
    cJSON *root = hl_answer_json(probe, result);
    const char *status = hl_json_string(root, "status"), *db = hl_json_string(root, "db");
    if (status) {
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "%.40s, database: %.40s", status,
               db ? db : "not told");
        take_version(probe, root);
    } else {
        hl_wrong_body(probe, result, "LiteLLM's readiness was expected");
    }
    cJSON_Delete(root);
}

/* Releases that keep the version from strangers tell it here. */
static bool ask_details(struct hl_probe *probe)
{
    struct hl_probe_memory *memory = probe->memory;
    if (probe->seen.version[0])
        return false;
    if (memory->version[0])
        hl_found_version(probe, memory->version);
    if (memory->version[0] || memory->version_asked || probe->target.key_state <= 0)
        return false;
    memory->version_asked = true;
    return hl_ask_get(probe, "/health/readiness/details", true);
}

static void take_details(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_answered(probe, result) || result->status != 200)
        return;
    cJSON *root = hl_answer_json(probe, result);
    take_version(probe, root);
    cJSON_Delete(root);
}

/* --- /model/info: models and where they are served; some keys may not read it --- */

static bool ask_info(struct hl_probe *probe)
{
    check_version(probe);
    return hl_ask_get(probe, "/model/info", true);
}

static bool info_fits(const cJSON *root)
{
    const cJSON *data = hl_json_array(root, "data"), *item;
    if (!data)
        return false;
    cJSON_ArrayForEach(item, data)
    {
        if (!hl_json_string(item, "model_name"))
            return false;
    }
    return true;
}

static uint32_t abilities_of(const cJSON *info)
{
    const char *mode = hl_json_string(info, "mode");
    uint32_t abilities = 0;
    if (mode && !strcmp(mode, "embedding"))
        abilities |= HL_ABILITY_EMBEDDING;
    if (mode &&
        (!strcmp(mode, "chat") || !strcmp(mode, "completion") || !strcmp(mode, "responses")))
        abilities |= HL_ABILITY_COMPLETION;
    if (hl_json_bool(info, "supports_vision") == 1)
        abilities |= HL_ABILITY_VISION;
    if (hl_json_bool(info, "supports_function_calling") == 1)
        abilities |= HL_ABILITY_TOOLS;
    return abilities;
}

static void take_deployment(struct hl_probe *probe, const cJSON *item)
{
    const cJSON *info = hl_json_get(item, "model_info");
    struct hl_model_state *model = hl_found_model(probe, hl_json_string(item, "model_name"));
    if (model) {
        model->abilities |= abilities_of(info) | hl_declared_abilities(probe, model->name);
        int64_t context = hl_json_int(info, "max_input_tokens", -1);
        if (context > 0 && (model->context < 0 || context < model->context))
            model->context = context;
    }
    hl_gateway_add(probe, hl_json_string(hl_json_get(item, "litellm_params"), "api_base"));
}

/* Forms in which LiteLLM refuses a request on a keyed route: 401, 403, 400 no_db_connection (told
 * apart by hl_accept()) and, without a key and without a database, a plain 500. */
static bool keyless_500(const struct hl_probe *probe, const struct hl_http_result *result)
{
    return result->code == HOMELAB_OK && result->status == 500 && !probe->ask.send_key &&
           !strncmp(result->body, "Internal Server Error", 21);
}

static void take_info(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_answered(probe, result))
        return;
    /* What is wrong shows on /v1/models, which every key may read. */
    probe->fell_back = result->status != 200;
    if (probe->fell_back)
        return;
    cJSON *root = hl_answer_json(probe, result);
    const cJSON *item;
    if (info_fits(root)) {
        probe->seen.models_known = true;
        cJSON_ArrayForEach(item, hl_json_array(root, "data")) take_deployment(probe, item);
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "%zu models, %zu backends",
               probe->seen.model_count, probe->backend_count);
    } else {
        hl_wrong_body(probe, result, "LiteLLM's models were expected");
    }
    cJSON_Delete(root);
}

/* --- /v1/models --- */

static bool ask_list(struct hl_probe *probe)
{
    bool instead = probe->fell_back || probe->target.depth < HL_DEPTH_SCHEDULER;
    return instead && hl_ask_get(probe, "/v1/models", true);
}

static void take_list(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (keyless_500(probe, result)) {
        hl_say(probe, result, HOMELAB_CAUSE_AUTH, "a key is wanted (LiteLLM's form of saying so)");
        hl_stop(probe);
        return;
    }
    if (!hl_accept(probe, result))
        return;
    cJSON *root = hl_answer_json(probe, result);
    if (hl_model_list_take(probe, root)) {
        hl_say_models(probe, result);
        if (probe->fell_back)
            hl_note(probe, HL_LAYER_SCHEDULER,
                    "not looked at: its backends; this key may not read /model/info");
    } else {
        hl_wrong_body(probe, result, "a list of models was expected");
    }
    cJSON_Delete(root);
}

static void conclude(struct hl_probe *probe)
{
    if (probe->target.depth >= HL_DEPTH_SCHEDULER && !probe->fell_back)
        hl_gateway_conclude(probe);
    hl_canary_not_sent(probe, "through a gateway it could load a model");
}

static const struct hl_step steps[] = {
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_alive, take_alive},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_ready, take_ready},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, true, ask_details, take_details},
    {HL_LAYER_SCHEDULER, HL_DEPTH_SCHEDULER, false, ask_info, take_info},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_list, take_list},
    {HL_LAYER_SCHEDULER, HL_DEPTH_SCHEDULER, true, hl_gateway_ask, hl_gateway_take},
};
const struct hl_plan hl_plan_litellm = {HOMELAB_BACKEND_LITELLM, steps,
                                        sizeof steps / sizeof *steps, conclude};
