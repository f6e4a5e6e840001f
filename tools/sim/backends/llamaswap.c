/* llama-swap v250: starts a model's server when asked for it. */
#include "backend.h"

#include <string.h>

#define TYPE_JSON "application/json; charset=utf-8"

static const struct sim_openai_style style = {"llama-swap", TYPE_JSON, "fp_llamaswap"};

static void plain(const struct sim_call *call, int status, const char *text)
{
    sim_answer_text(call->answer, status, "text/plain; charset=utf-8", text);
}

static void refuse(const struct sim_call *call, int status)
{
    plain(call, status, sim_reason(status));
}

static void health(const struct sim_call *call)
{
    plain(call, 200, "OK");
}

static void version(const struct sim_call *call)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "version", call->endpoint->config->version);
    cJSON_AddStringToObject(json, "commit", "0123456789abcdef");
    cJSON_AddStringToObject(json, "build_date", "2026-08-01T00:00:00Z");
    sim_answer_json(call->answer, 200, json, TYPE_JSON);
}

static void hardware(const struct sim_call *call)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "os", "linux");
    cJSON_AddStringToObject(json, "arch", "amd64");
    cJSON_AddItemToObject(json, "accelerators", cJSON_CreateArray());
    sim_answer_json(call->answer, 200, json, TYPE_JSON);
}

static const char *state_of(const struct sim_call *call, const struct sim_model_run *run)
{
    if (run->load_until_ms != SIM_NEVER || (run->loaded && call->endpoint->state.loading))
        return "starting";
    return run->loaded ? "ready" : NULL;
}

static void running(const struct sim_call *call)
{
    struct sim_model_run *runs[256];
    size_t count = sim_endpoint_models(call->endpoint, runs, 256);
    cJSON *json = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(json, "running");
    for (size_t i = 0; i < count; i++) {
        const char *state = state_of(call, runs[i]);
        if (state == NULL)
            continue;
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "model", runs[i]->config->name);
        cJSON_AddStringToObject(entry, "state", state);
        cJSON_AddStringToObject(entry, "cmd", "llama-server --port 5800");
        cJSON_AddStringToObject(entry, "proxy", "http://localhost:5800");
        cJSON_AddNumberToObject(entry, "ttl", 0);
        cJSON_AddStringToObject(entry, "name", runs[i]->config->name);
        cJSON_AddStringToObject(entry, "description", "");
        cJSON_AddItemToArray(list, entry);
    }
    sim_answer_json(call->answer, 200, json, TYPE_JSON);
}

static void models(const struct sim_call *call)
{
    sim_answer_json(call->answer, 200, sim_openai_list(call, style.owned_by), TYPE_JSON);
}

static void unload(const struct sim_call *call)
{
    for (size_t i = 0; i < call->endpoint->config->model_count; i++)
        sim_model_unload(call->endpoint, &call->endpoint->models[i]);
    plain(call, 200, "OK");
}

/* /upstream/<model>/… starts the model, whatever the rest of the path asks. */
static void upstream(const struct sim_call *call)
{
    const char *name = call->request->path + strlen("/upstream/");
    size_t length = strcspn(name, "/");
    for (size_t i = 0; i < call->endpoint->config->model_count; i++) {
        struct sim_model_run *model = &call->endpoint->models[i];
        bool same = strlen(model->config->name) == length &&
                    strncmp(model->config->name, name, length) == 0;
        if (same) {
            sim_start_job(call, SIM_JOB_LOAD, model, 0, false);
            return;
        }
    }
    plain(call, 404, "model not found");
}

static void handle(const struct sim_call *call)
{
    static const struct sim_path paths[] = {
        {"GET", "/health", health},
        {"GET", "/running", running},
        {"GET", "/v1/models", models},
        {"GET", "/api/version", version},
        {"GET", "/api/hardware", hardware},
        {"GET", "/unload", unload},
        {"POST", "/api/models/unload", unload},
        {NULL, NULL, NULL},
    };
    if (strcmp(call->request->path, "/health") != 0 && !sim_key_accepted(call)) {
        plain(call, 401, "unauthorized: invalid or missing API key");
        return;
    }
    if (sim_starts_with(call->request->path, "/upstream/")) {
        upstream(call);
        return;
    }
    enum sim_openai_result result = sim_openai_start(call);
    if (result == SIM_OPENAI_NO_MODEL || result == SIM_OPENAI_BAD_REQUEST)
        plain(call, 400, "could not find real modelID");
    else if (result == SIM_OPENAI_OTHER && sim_dispatch(call, paths) != SIM_DISPATCHED)
        plain(call, 404, "404 page not found");
}

static void complete(const struct sim_call *call)
{
    if (call->job->kind == SIM_JOB_LOAD)
        sim_answer_text(call->answer, 200, TYPE_JSON, "{\"status\":\"ok\"}");
    else
        sim_openai_complete(call, &style);
}

const struct sim_backend sim_backend_llamaswap = {
    .handle = handle, .complete = complete, .refuse = refuse};
