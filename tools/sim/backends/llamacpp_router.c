/* llama-server started without a model: a router that loads models on demand. */
#include <stdio.h>
#include <string.h>

#include "llamacpp.h"

static const char *status_of(const struct sim_call *call, const struct sim_model_run *model)
{
    if (model->load_until_ms != SIM_NEVER || call->endpoint->state.loading)
        return "loading";
    if (!model->loaded)
        return "unloaded";
    return sim_endpoint_asleep(call->endpoint, call->now_ms) ? "sleeping" : "loaded";
}

static cJSON *entry(const struct sim_call *call, const struct sim_model_run *model)
{
    char path[300];
    snprintf(path, sizeof path, "/models/%.250s.gguf", model->config->name);
    cJSON *json = sim_openai_model(call, model->config->name, "llamacpp");
    cJSON_AddBoolToObject(json, "in_cache", true);
    cJSON_AddStringToObject(json, "path", path);
    cJSON *status = cJSON_AddObjectToObject(json, "status");
    cJSON_AddStringToObject(status, "value", status_of(call, model));
    cJSON_AddItemToObject(status, "args", sim_strings("llama-server", "-m", path, (char *)NULL));
    sim_llamacpp_modalities(json, model->config);
    return json;
}

static void models(const struct sim_call *call)
{
    struct sim_model_run *runs[256];
    size_t count = sim_endpoint_models(call->endpoint, runs, 256);
    cJSON *json = cJSON_CreateObject();
    cJSON *data = cJSON_AddArrayToObject(json, "data");
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(data, entry(call, runs[i]));
    cJSON_AddStringToObject(json, "object", "list");
    sim_answer_json(call->answer, 200, json, SIM_LLAMACPP_TYPE);
}

static void router_props(const struct sim_call *call)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "role", "router");
    cJSON_AddNumberToObject(json, "max_instances", (double)call->endpoint->config->max_loaded);
    cJSON_AddBoolToObject(json, "models_autoload", true);
    cJSON_AddStringToObject(json, "model_alias", "llama-server");
    cJSON_AddStringToObject(json, "model_path", "none");
    cJSON *settings = cJSON_AddObjectToObject(json, "default_generation_settings");
    cJSON_AddNullToObject(settings, "params");
    cJSON_AddNumberToObject(settings, "n_ctx", 0);
    cJSON_AddStringToObject(json, "build_info", call->endpoint->config->version);
    sim_answer_json(call->answer, 200, json, SIM_LLAMACPP_TYPE);
}

static void invalid(const struct sim_call *call, const char *message)
{
    sim_llamacpp_error(call, 400, "invalid_request_error", message);
}

/* Reads of a child by ?model=: they load it unless autoload=false. */
static void child_read(const struct sim_call *call)
{
    struct sim_model_run *model =
        sim_endpoint_find_model(call->endpoint, call->request->query_model);
    if (model == NULL) {
        invalid(call, "model not found");
        return;
    }
    if (!model->loaded && !call->request->autoload) {
        invalid(call, "model is not loaded");
        return;
    }
    if (!model->loaded) {
        sim_start_job(call, SIM_JOB_LOAD, model, 0, false);
        return;
    }
    if (strcmp(call->request->path, "/props") == 0)
        sim_llamacpp_props(call, model);
    else if (strcmp(call->request->path, "/slots") == 0)
        sim_llamacpp_slots(call);
    else
        sim_llamacpp_metrics(call);
}

static void child_get(const struct sim_call *call)
{
    bool named = call->request->query_model != NULL && call->request->query_model[0] != '\0';
    if (named)
        child_read(call);
    else if (strcmp(call->request->path, "/props") == 0)
        router_props(call);
    else
        invalid(call, "model name is missing from the request");
}

static void health(const struct sim_call *call)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "status", "ok");
    sim_answer_json(call->answer, 200, json, SIM_LLAMACPP_TYPE);
}

static struct sim_model_run *named_model(const struct sim_call *call)
{
    const char *name = sim_request_string(call->request, "model", "");
    struct sim_model_run *model =
        name[0] != '\0' ? sim_endpoint_find_model(call->endpoint, name) : NULL;
    if (model == NULL)
        sim_llamacpp_error(call, 404, "not_found_error", "model is not found");
    return model;
}

static void success(const struct sim_call *call)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddBoolToObject(json, "success", true);
    sim_answer_json(call->answer, 200, json, SIM_LLAMACPP_TYPE);
}

/* Answered at once; the model is loaded in the background. */
static void load(const struct sim_call *call)
{
    struct sim_model_run *model = named_model(call);
    if (model == NULL)
        return;
    if (model->loaded) {
        invalid(call, "model is already loaded");
        return;
    }
    call->endpoint->stats.loads++;
    model->loaded = true;
    success(call);
}

static void unload(const struct sim_call *call)
{
    struct sim_model_run *model = named_model(call);
    if (model == NULL)
        return;
    if (!model->loaded) {
        invalid(call, "model is not running");
        return;
    }
    sim_model_unload(call->endpoint, model);
    success(call);
}

void sim_llamacpp_router_handle(const struct sim_call *call)
{
    static const struct sim_path paths[] = {
        {"GET", "/health", health},         {"GET", "/v1/health", health},
        {"GET", "/v1/models", models},      {"GET", "/models", models},
        {"GET", "/props", child_get},       {"GET", "/slots", child_get},
        {"GET", "/metrics", child_get},     {"POST", "/models/load", load},
        {"POST", "/models/unload", unload}, {NULL, NULL, NULL},
    };
    if (!sim_llamacpp_start(call) && sim_dispatch(call, paths) != SIM_DISPATCHED)
        sim_llamacpp_unknown(call);
}
