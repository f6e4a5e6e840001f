#include "core/error.h"
#include "health/metrics.h"
#include "health/model_list.h"

#include <string.h>

/* Children of a router whose counters are read in one probe. */
#define CHILDREN_MAX 16

/* --- /v1/models --- */

static bool ask_list(struct hl_probe *probe)
{
    return hl_ask_get(probe, strcmp(hl_own_path(probe), "/models") ? "/v1/models" : "/models",
                      true);
}

/* In router mode each model has a status; a model that is being loaded holds up only those who need
 * it. */
static void take_status(struct hl_probe *probe, const struct hl_http_result *result,
                        const cJSON *item)
{
    const cJSON *status = hl_json_get(item, "status");
    const char *value = hl_json_string(status, "value"), *name = hl_json_string(item, "id");
    if (!value)
        return;
    probe->router = true;
    bool required = hl_is_required(probe, name);
    if (!strcmp(value, "loaded"))
        probe->children.awake++;
    else if (!strcmp(value, "sleeping"))
        probe->children.asleep++;
    else if (!strcmp(value, "loading"))
        probe->children.loading++;
    if (required && !strcmp(value, "loading"))
        hl_say(probe, result, HOMELAB_CAUSE_LOADING, "required model %.60s is being loaded", name);
    if (required && hl_json_bool(status, "failed") == 1)
        hl_say(probe, result, HOMELAB_CAUSE_MODEL_MISSING,
               "required model %.60s failed to load, exit code %lld", name,
               (long long)hl_json_int(status, "exit_code", -1));
}

static void conclude_router(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (probe->children.awake)
        return;
    if (probe->children.loading)
        hl_say(probe, result, HOMELAB_CAUSE_LOADING, "its only active model is being loaded");
    else if (probe->children.asleep)
        hl_say(probe, result, HOMELAB_CAUSE_SLEEPING, "its active models sleep");
}

static void take_models(struct hl_probe *probe, const struct hl_http_result *result,
                        const cJSON *root)
{
    const cJSON *item;
    hl_model_list_take(probe, root);
    hl_say_models(probe, result);
    cJSON_ArrayForEach(item, hl_json_array(root, "data")) take_status(probe, result, item);
    if (probe->router)
        conclude_router(probe, result);
    for (size_t i = 0; !probe->router && i < probe->seen.model_count; i++)
        probe->seen.models[i].loaded = 1;
}

static void take_list(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_accept(probe, result))
        return;
    cJSON *root = hl_answer_json(probe, result);
    struct hl_list_facts facts = {0};
    bool own =
        hl_model_list_facts(root, &facts) &&
        (hl_tell_tale(result) == HOMELAB_BACKEND_LLAMACPP || facts.owners == HL_OWNER_LLAMACPP);
    if (own)
        take_models(probe, result, root);
    else
        hl_wrong_body(probe, result, "llama.cpp's list of models was expected");
    cJSON_Delete(root);
}

/* --- /health, where the inventory names it --- */

static bool ask_health(struct hl_probe *probe)
{
    const char *path = hl_own_path(probe);
    return (!strcmp(path, "/health") || !strcmp(path, "/v1/health")) && hl_ask_own(probe);
}

static void take_health(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_accept(probe, result))
        return;
    cJSON *root = hl_answer_json(probe, result);
    const char *status = hl_json_string(root, "status");
    if (status)
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "status %.40s", status);
    else
        hl_wrong_body(probe, result, "a status was expected");
    cJSON_Delete(root);
}

/* --- /props --- */

static bool ask_props(struct hl_probe *probe)
{
    const struct hl_probe_memory *memory = probe->memory;
    if (probe->target.depth >= HL_DEPTH_SCHEDULER || !memory->version[0])
        return hl_ask_get(probe, "/props?autoload=false", true);
    hl_found_version(probe, memory->version);
    if (memory->slots > 0)
        probe->seen.slots = memory->slots;
    return false;
}

static void take_slots(struct hl_probe *probe, const cJSON *root)
{
    int64_t slots = hl_json_int(root, "total_slots", -1);
    if (slots <= 0 || slots > 1000000)
        return;
    probe->seen.slots = probe->memory->slots = (int)slots;
}

static void take_server_props(struct hl_probe *probe, const cJSON *root)
{
    int64_t context = hl_json_int(hl_json_get(root, "default_generation_settings"), "n_ctx", -1);
    bool vision = hl_json_bool(hl_json_get(root, "modalities"), "vision") == 1;
    take_slots(probe, root);
    for (size_t i = 0; i < probe->seen.model_count; i++) {
        struct hl_model_state *model = &probe->seen.models[i];
        if (context > 0)
            model->context = context;
        if (vision)
            model->abilities |= HL_ABILITY_VISION;
        model->loaded = !probe->sleeping;
    }
}

static void take_props(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (result->code == HOMELAB_OK && (result->status == 404 || result->status == 501)) {
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "slots and sleep cannot be seen");
        return;
    }
    if (!hl_accept(probe, result))
        return;
    cJSON *root = hl_answer_json(probe, result);
    const char *role = hl_json_string(root, "role");
    probe->router = probe->router || (role && !strcmp(role, "router"));
    probe->sleeping = hl_json_bool(root, "is_sleeping") == 1;
    if (!root) {
        hl_wrong_body(probe, result, "llama.cpp's properties were expected");
        return;
    }
    hl_found_version(probe, hl_json_string(root, "build_info"));
    if (!probe->router)
        take_server_props(probe, root);
    if (probe->sleeping)
        hl_say(probe, result, HOMELAB_CAUSE_SLEEPING, "asleep by its idle timer, left so");
    cJSON_Delete(root);
}

/* --- /metrics --- */

/* Behind a router: the next child that is awake. */
static const char *next_child(struct hl_probe *probe)
{
    for (; probe->cursor < probe->seen.model_count; probe->cursor++)
        if (probe->seen.models[probe->cursor].loaded == 1)
            return probe->seen.models[probe->cursor++].name;
    return NULL;
}

static bool ask_metrics(struct hl_probe *probe)
{
    if (probe->sleeping || (probe->router && !probe->children.awake))
        return false;
    if (!probe->router)
        return hl_ask_get(probe, "/metrics?autoload=false", true);
    const char *child = probe->children.read < CHILDREN_MAX ? next_child(probe) : NULL;
    if (!child)
        return false;
    probe->children.read++;
    hl_ask_get(probe, "/metrics?model=", true);
    hl_buf_query(&probe->path, child);
    hl_buf_puts(&probe->path, "&autoload=false");
    return true;
}

static void take_counters(struct hl_probe *probe, const struct hl_http_result *result)
{
    enum {
        PROCESSING,
        DEFERRED,
        DECODED,
        PREDICTED,
        PROMPTED,
        COUNT
    };
    struct hl_metric metrics[COUNT] = {[PROCESSING] = {.name = "llamacpp:requests_processing"},
                                       [DEFERRED] = {.name = "llamacpp:requests_deferred"},
                                       [DECODED] = {.name = "llamacpp:n_decode_total"},
                                       [PREDICTED] = {.name = "llamacpp:tokens_predicted_total"},
                                       [PROMPTED] = {.name = "llamacpp:prompt_tokens_total"}};
    if (!hl_metrics_read(result->body, result->body_length, metrics, COUNT) ||
        !metrics[PROCESSING].found) {
        hl_wrong_body(probe, result, "llama.cpp's metrics were expected");
        return;
    }
    /* Builds before n_decode_total have only the token counters, which lag behind. */
    double counter = metrics[DECODED].found ? metrics[DECODED].sum
                                            : metrics[PREDICTED].sum + metrics[PROMPTED].sum;
    probe->processing += metrics[PROCESSING].sum;
    probe->waiting += metrics[DEFERRED].sum;
    hl_found_progress(probe, result, (double)probe->seen.progress.counter + counter, true);
}

static void take_metrics(struct hl_probe *probe, const struct hl_http_result *result)
{
    probe->again = probe->router;
    /* The child was unloaded since the list was read. */
    if (probe->router && result->code == HOMELAB_OK && result->status == 400)
        return;
    if (hl_metrics_absent(probe, result) || !hl_accept(probe, result))
        return;
    take_counters(probe, result);
}

/* --- canary --- */

static bool ask_canary(struct hl_probe *probe)
{
    if (probe->working) {
        hl_canary_not_sent(probe, "it is at work, its counters tell whether that goes on");
        return false;
    }
    return hl_canary_loaded(probe, "?autoload=false",
                            probe->sleeping ? "it sleeps" : "no model is loaded");
}

static const struct hl_step steps[] = {
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_list, take_list},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_health, take_health},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_props, take_props},
    {HL_LAYER_SCHEDULER, HL_DEPTH_SCHEDULER, false, ask_metrics, take_metrics},
    {HL_LAYER_CANARY, HL_DEPTH_CANARY, false, ask_canary, hl_canary_take},
};
const struct hl_plan hl_plan_llamacpp = {HOMELAB_BACKEND_LLAMACPP, steps,
                                         sizeof steps / sizeof *steps, NULL};
