/* vLLM's OpenAI server (uvicorn). Its port is closed until the weights are loaded. */
#include "backend.h"

#include <stdio.h>

static const struct sim_openai_style style = {"vllm", "application/json", "fp_vllm"};

static void refuse(const struct sim_call *call, int status)
{
    sim_answer_header(call->answer, "server", "uvicorn");
    if (status == 401)
        sim_answer_text(call->answer, 401, "application/json", "{\"error\":\"Unauthorized\"}");
    else if (status == 503)
        sim_answer_text(call->answer, 503, NULL, "");
    else
        sim_openai_error(call, status, "Error", sim_reason(status), NULL);
}

static void empty(const struct sim_call *call)
{
    sim_answer_text(call->answer, 200, NULL, "");
}

static void version(const struct sim_call *call)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "version", call->endpoint->config->version);
    sim_answer_json(call->answer, 200, json, NULL);
}

static void models(const struct sim_call *call)
{
    struct sim_model_run *runs[256];
    size_t count = sim_endpoint_models(call->endpoint, runs, 256);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "object", "list");
    cJSON *data = cJSON_AddArrayToObject(json, "data");
    for (size_t i = 0; i < count; i++) {
        const struct sim_model *config = runs[i]->config;
        cJSON *model = sim_openai_model(call, config->name, style.owned_by);
        cJSON_AddStringToObject(model, "root", config->name);
        cJSON_AddNullToObject(model, "parent");
        cJSON_AddNumberToObject(model, "max_model_len", (double)config->context);
        cJSON_AddItemToObject(model, "permission", cJSON_CreateArray());
        cJSON_AddItemToArray(data, model);
    }
    sim_answer_json(call->answer, 200, json, NULL);
}

static void add_metric(struct sim_buf *out, const char *name, const char *type, const char *model,
                       double value)
{
    sim_buf_printf(out, "# HELP vllm:%s %s of the engine.\n# TYPE vllm:%s %s\n", name, name, name,
                   type);
    sim_buf_printf(out, "vllm:%s{engine=\"0\",model_name=\"%s\"} %.1f\n", name, model, value);
}

static void metrics(const struct sim_call *call)
{
    const struct sim_endpoint *endpoint = call->endpoint;
    const struct sim_model_run *run = sim_endpoint_find_model(call->endpoint, NULL);
    const char *model = run != NULL ? run->config->name : "";
    double running = (double)sim_endpoint_processing(endpoint);
    struct sim_buf out = {0};
    if (!endpoint->config->metrics) {
        sim_answer_text(call->answer, 404, "application/json", "{\"detail\":\"Not Found\"}");
        return;
    }
    add_metric(&out, "num_requests_running", "gauge", model, running);
    add_metric(&out, "num_requests_waiting", "gauge", model, endpoint->waiting);
    add_metric(&out, "kv_cache_usage_perc", "gauge", model, running > 0 ? 0.2 : 0);
    add_metric(&out, "prompt_tokens_total", "counter", model,
               (double)(int64_t)endpoint->counters.prompt_tokens);
    add_metric(&out, "generation_tokens_total", "counter", model,
               (double)(int64_t)(endpoint->counters.predicted_tokens + endpoint->counters.decodes));
    sim_answer_text(call->answer, 200, "text/plain; version=0.0.4; charset=utf-8", out.data);
    sim_buf_free(&out);
}

static bool guarded(const char *path)
{
    return sim_starts_with(path, "/v1") || sim_starts_with(path, "/v2") ||
           sim_starts_with(path, "/inference") || sim_starts_with(path, "/cohere");
}

static void handle(const struct sim_call *call)
{
    static const struct sim_path paths[] = {
        {"GET", "/health", empty},     {"GET", "/ping", empty},      {"GET", "/version", version},
        {"GET", "/v1/models", models}, {"GET", "/metrics", metrics}, {NULL, NULL, NULL},
    };
    sim_answer_header(call->answer, "server", "uvicorn");
    if (guarded(call->request->path) && !sim_key_accepted(call)) {
        sim_answer_text(call->answer, 401, "application/json", "{\"error\":\"Unauthorized\"}");
        return;
    }
    enum sim_openai_result result = sim_openai_start(call);
    if (result == SIM_OPENAI_STARTED)
        return;
    if (result == SIM_OPENAI_NO_MODEL) {
        sim_openai_error(call, 404, "NotFoundError", "The model does not exist.", NULL);
        return;
    }
    if (result == SIM_OPENAI_BAD_REQUEST) {
        sim_openai_error(call, 400, "BadRequestError", "invalid request", NULL);
        return;
    }
    enum sim_dispatch found = sim_dispatch(call, paths);
    if (found == SIM_UNKNOWN_PATH)
        sim_answer_text(call->answer, 404, "application/json", "{\"detail\":\"Not Found\"}");
    else if (found == SIM_WRONG_METHOD)
        sim_answer_text(call->answer, 405, "application/json",
                        "{\"detail\":\"Method Not Allowed\"}");
}

static void complete(const struct sim_call *call)
{
    sim_answer_header(call->answer, "server", "uvicorn");
    sim_openai_complete(call, &style);
}

const struct sim_backend sim_backend_vllm = {
    .handle = handle, .complete = complete, .refuse = refuse, .closed_while_loading = true};
