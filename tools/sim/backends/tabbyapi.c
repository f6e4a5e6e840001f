/* TabbyAPI (uvicorn, FastAPI). */
#include "backend.h"

static const struct sim_openai_style style = {"tabbyAPI", "application/json", "fp_tabby"};

static void detail(const struct sim_call *call, int status, const char *text)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "detail", text);
    sim_answer_json(call->answer, status, json, NULL);
}

static void refuse(const struct sim_call *call, int status)
{
    sim_answer_header(call->answer, "server", "uvicorn");
    detail(call, status, status == 401 ? "Please provide an API key" : sim_reason(status));
}

static struct sim_model_run *loaded_model(const struct sim_call *call)
{
    struct sim_model_run *model = sim_endpoint_find_model(call->endpoint, NULL);
    bool there = model != NULL && model->loaded && !call->endpoint->state.loading;
    return there ? model : NULL;
}

static void health(const struct sim_call *call)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "status", "healthy");
    cJSON_AddItemToObject(json, "issues", cJSON_CreateArray());
    sim_answer_json(call->answer, 200, json, NULL);
}

static void service_info(const struct sim_call *call)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "version", 0.1);
    cJSON *software = cJSON_AddObjectToObject(json, "software");
    cJSON_AddStringToObject(software, "name", "TabbyAPI");
    cJSON_AddStringToObject(software, "version", call->endpoint->config->version);
    cJSON_AddStringToObject(software, "repository", "https://github.com/theroyallab/tabbyAPI");
    cJSON_AddStringToObject(software, "homepage", "https://github.com/theroyallab/tabbyAPI");
    cJSON *api = cJSON_AddObjectToObject(json, "api");
    cJSON *openai = cJSON_AddObjectToObject(api, "openai");
    cJSON_AddStringToObject(openai, "name", "OpenAI API");
    sim_answer_json(call->answer, 200, json, NULL);
}

static cJSON *card(const struct sim_call *call, const struct sim_model *model)
{
    cJSON *json = sim_openai_model(call, model->name, style.owned_by);
    cJSON_AddNullToObject(json, "logging");
    cJSON *parameters = cJSON_AddObjectToObject(json, "parameters");
    cJSON_AddNumberToObject(parameters, "max_seq_len", (double)model->context);
    cJSON_AddNumberToObject(parameters, "cache_size",
                            (double)(model->context * call->endpoint->config->slots));
    cJSON_AddStringToObject(parameters, "cache_mode", "FP16");
    cJSON_AddNumberToObject(parameters, "max_batch_size", (double)call->endpoint->config->slots);
    cJSON_AddBoolToObject(parameters, "use_vision", (model->capabilities & SIM_CAN_SEE) != 0);
    return json;
}

static void current_model(const struct sim_call *call)
{
    const struct sim_model_run *model = loaded_model(call);
    if (model == NULL)
        detail(call, 503, "No models are currently loaded.");
    else
        sim_answer_json(call->answer, 200, card(call, model->config), NULL);
}

static void models(const struct sim_call *call)
{
    sim_answer_json(call->answer, 200, sim_openai_list(call, style.owned_by), NULL);
}

static void props(const struct sim_call *call)
{
    const struct sim_model_run *model = loaded_model(call);
    if (model == NULL) {
        detail(call, 503, "No models are currently loaded.");
        return;
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "total_slots", (double)call->endpoint->config->slots);
    cJSON_AddStringToObject(json, "chat_template", "{{ messages }}");
    cJSON *settings = cJSON_AddObjectToObject(json, "default_generation_settings");
    cJSON_AddNumberToObject(settings, "n_ctx", (double)model->config->context);
    sim_answer_json(call->answer, 200, json, NULL);
}

static bool is_public(const struct sim_request *request)
{
    return sim_request_is(request, "GET", "/health") ||
           sim_request_is(request, "GET", "/.well-known/serviceinfo");
}

static void handle(const struct sim_call *call)
{
    static const struct sim_path paths[] = {
        {"GET", "/health", health},
        {"GET", "/.well-known/serviceinfo", service_info},
        {"GET", "/v1/model", current_model},
        {"GET", "/v1/models", models},
        {"GET", "/v1/model/list", models},
        {"GET", "/props", props},
        {NULL, NULL, NULL},
    };
    sim_answer_header(call->answer, "server", "uvicorn");
    if (!is_public(call->request) && !sim_key_accepted(call)) {
        detail(call, 401, "Please provide an API key");
        return;
    }
    enum sim_openai_result result = sim_openai_start(call);
    if (result == SIM_OPENAI_NO_MODEL || result == SIM_OPENAI_BAD_REQUEST)
        detail(call, 400, "The request cannot be served by the loaded model.");
    else if (result == SIM_OPENAI_OTHER && sim_dispatch(call, paths) != SIM_DISPATCHED)
        detail(call, 404, "Not Found");
}

static void complete(const struct sim_call *call)
{
    sim_answer_header(call->answer, "server", "uvicorn");
    sim_openai_complete(call, &style);
}

const struct sim_backend sim_backend_tabbyapi = {
    .handle = handle, .complete = complete, .refuse = refuse};
