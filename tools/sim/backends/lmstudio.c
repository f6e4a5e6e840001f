/* LM Studio 0.3: answers 200 to anything, with an error text where there is nothing. */
#include "backend.h"

#include <stdio.h>
#include <stdlib.h>

#define TYPE_JSON "application/json; charset=utf-8"

static const struct sim_openai_style style = {"organization_owner", TYPE_JSON, "fp_lmstudio"};

static void refuse(const struct sim_call *call, int status)
{
    sim_answer_header(call->answer, "X-Powered-By", "Express");
    sim_openai_error(call, status, status == 401 ? "invalid_api_key" : "server_error",
                     sim_reason(status), TYPE_JSON);
}

static void unexpected(const struct sim_call *call)
{
    char *text = sim_printf("Unexpected endpoint or method. (%s %s)", call->request->method,
                            call->request->path);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "error", text);
    sim_answer_json(call->answer, 200, json, TYPE_JSON);
    free(text);
}

static void add_instance(const struct sim_call *call, cJSON *list, const struct sim_model *model)
{
    cJSON *instance = cJSON_CreateObject();
    cJSON_AddStringToObject(instance, "id", model->name);
    cJSON *config = cJSON_AddObjectToObject(instance, "config");
    cJSON_AddNumberToObject(config, "context_length", (double)model->context);
    cJSON_AddNumberToObject(config, "parallel", (double)call->endpoint->config->slots);
    cJSON_AddBoolToObject(config, "flash_attention", true);
    cJSON_AddItemToArray(list, instance);
}

static bool is_loaded(const struct sim_call *call, const struct sim_model_run *run)
{
    return run->loaded && !call->endpoint->state.loading;
}

static cJSON *native_model(const struct sim_call *call, const struct sim_model_run *run)
{
    const struct sim_model *model = run->config;
    bool embeds = (model->capabilities & SIM_CAN_EMBED) != 0;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "type", embeds ? "embedding" : "llm");
    cJSON_AddStringToObject(json, "publisher", "lmstudio-community");
    cJSON_AddStringToObject(json, "key", model->name);
    cJSON_AddStringToObject(json, "display_name", model->name);
    cJSON_AddStringToObject(json, "architecture", model->architecture);
    cJSON *quantization = cJSON_AddObjectToObject(json, "quantization");
    cJSON_AddStringToObject(quantization, "name", model->quantization);
    cJSON_AddNumberToObject(quantization, "bits_per_weight", 4);
    cJSON_AddNumberToObject(json, "size_bytes", (double)model->size_bytes);
    cJSON_AddStringToObject(json, "params_string", model->parameter_size);
    cJSON *instances = cJSON_AddArrayToObject(json, "loaded_instances");
    if (is_loaded(call, run))
        add_instance(call, instances, model);
    cJSON_AddNumberToObject(json, "max_context_length", (double)model->context_train);
    cJSON_AddStringToObject(json, "format", "gguf");
    if (!embeds) {
        cJSON *can = cJSON_AddObjectToObject(json, "capabilities");
        cJSON_AddBoolToObject(can, "vision", (model->capabilities & SIM_CAN_SEE) != 0);
        cJSON_AddBoolToObject(can, "trained_for_tool_use",
                              (model->capabilities & SIM_CAN_TOOLS) != 0);
    }
    return json;
}

static void native_models(const struct sim_call *call)
{
    struct sim_model_run *runs[256];
    size_t count = sim_endpoint_models(call->endpoint, runs, 256);
    cJSON *json = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(json, "models");
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, native_model(call, runs[i]));
    sim_answer_json(call->answer, 200, json, TYPE_JSON);
}

static const char *legacy_type(const struct sim_model *model)
{
    if ((model->capabilities & SIM_CAN_EMBED) != 0)
        return "embeddings";
    return (model->capabilities & SIM_CAN_SEE) != 0 ? "vlm" : "llm";
}

static void legacy_models(const struct sim_call *call)
{
    struct sim_model_run *runs[256];
    size_t count = sim_endpoint_models(call->endpoint, runs, 256);
    cJSON *json = cJSON_CreateObject();
    cJSON *data = cJSON_AddArrayToObject(json, "data");
    for (size_t i = 0; i < count; i++) {
        const struct sim_model *model = runs[i]->config;
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "id", model->name);
        cJSON_AddStringToObject(entry, "object", "model");
        cJSON_AddStringToObject(entry, "type", legacy_type(model));
        cJSON_AddStringToObject(entry, "publisher", "lmstudio-community");
        cJSON_AddStringToObject(entry, "arch", model->architecture);
        cJSON_AddStringToObject(entry, "compatibility_type", "gguf");
        cJSON_AddStringToObject(entry, "quantization", model->quantization);
        cJSON_AddStringToObject(entry, "state", is_loaded(call, runs[i]) ? "loaded" : "not-loaded");
        cJSON_AddNumberToObject(entry, "max_context_length", (double)model->context_train);
        if (is_loaded(call, runs[i]))
            cJSON_AddNumberToObject(entry, "loaded_context_length", (double)model->context);
        cJSON_AddItemToArray(data, entry);
    }
    cJSON_AddStringToObject(json, "object", "list");
    sim_answer_json(call->answer, 200, json, TYPE_JSON);
}

static void models(const struct sim_call *call)
{
    struct sim_model_run *runs[256];
    size_t count = sim_endpoint_models(call->endpoint, runs, 256);
    cJSON *json = cJSON_CreateObject();
    cJSON *data = cJSON_AddArrayToObject(json, "data");
    for (size_t i = 0; i < count; i++) {
        cJSON *model = sim_openai_model(call, runs[i]->config->name, style.owned_by);
        cJSON_DeleteItemFromObject(model, "created");
        cJSON_AddItemToArray(data, model);
    }
    cJSON_AddStringToObject(json, "object", "list");
    sim_answer_json(call->answer, 200, json, TYPE_JSON);
}

static void handle(const struct sim_call *call)
{
    static const struct sim_path paths[] = {
        {"GET", "/api/v1/models", native_models},
        {"GET", "/api/v0/models", legacy_models},
        {"GET", "/v1/models", models},
        {NULL, NULL, NULL},
    };
    sim_answer_header(call->answer, "X-Powered-By", "Express");
    if (!sim_key_accepted(call)) {
        sim_openai_error(call, 401, "invalid_api_key", "Malformed LM Studio API token provided",
                         TYPE_JSON);
        return;
    }
    enum sim_openai_result result = sim_openai_start(call);
    if (result == SIM_OPENAI_NO_MODEL)
        sim_openai_error(call, 404, "invalid_request_error", "Model not found", TYPE_JSON);
    else if (result == SIM_OPENAI_BAD_REQUEST)
        sim_openai_error(call, 400, "invalid_request_error", "invalid request", TYPE_JSON);
    else if (result == SIM_OPENAI_OTHER && sim_dispatch(call, paths) != SIM_DISPATCHED)
        unexpected(call);
}

static void complete(const struct sim_call *call)
{
    sim_answer_header(call->answer, "X-Powered-By", "Express");
    sim_openai_complete(call, &style);
}

const struct sim_backend sim_backend_lmstudio = {
    .handle = handle, .complete = complete, .refuse = refuse};
