/* LiteLLM proxy 1.106, in its two forms: from pip (no database client), and images with prisma. */
#include "backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../cluster.h"

static const struct sim_openai_style style = {"openai", "application/json", "fp_litellm"};

static void plain_error(const struct sim_call *call, int status)
{
    sim_answer_reset(call->answer);
    sim_answer_header(call->answer, "Connection", "close");
    sim_answer_text(call->answer, status, "text/plain; charset=utf-8", sim_reason(status));
}

static void add_headers(const struct sim_call *call)
{
    sim_answer_header(call->answer, "Vary", "Origin");
    sim_answer_header(call->answer, "X-Frame-Options", "DENY");
    sim_answer_header(call->answer, "Content-Security-Policy", "frame-ancestors 'none'");
    sim_answer_header(call->answer, "X-Content-Type-Options", "nosniff");
}

static void error(const struct sim_call *call, int status, const char *type, const char *message)
{
    char code[16];
    snprintf(code, sizeof code, "%d", status);
    cJSON *json = cJSON_CreateObject();
    cJSON *object = cJSON_AddObjectToObject(json, "error");
    cJSON_AddStringToObject(object, "message", message);
    cJSON_AddStringToObject(object, "type", type);
    if (call->endpoint->config->prisma)
        cJSON_AddStringToObject(object, "param", "None");
    else
        cJSON_AddNullToObject(object, "param");
    cJSON_AddStringToObject(object, "code", code);
    sim_answer_json(call->answer, status, json, NULL);
}

static void refuse(const struct sim_call *call, int status)
{
    add_headers(call);
    if (status == 500)
        plain_error(call, status);
    else
        error(call, status, status == 401 ? "auth_error" : "None", sim_reason(status));
}

/* Without prisma an unknown key cannot be looked up, which is answered as a database problem, and
 * a missing one not at all well. */
static void deny(const struct sim_call *call)
{
    bool sent = call->request->authorization != NULL || call->request->x_api_key != NULL;
    if (call->endpoint->config->prisma)
        error(call, 401, "auth_error",
              sent ? "Authentication Error, Invalid proxy server token passed."
                   : "Authentication Error, No api key passed in.");
    else if (sent)
        error(call, 400, "no_db_connection", "No connected db.");
    else
        plain_error(call, 500);
}

static void alive(const struct sim_call *call)
{
    sim_answer_text(call->answer, 200, "application/json", "\"I'm alive!\"");
}

static void ready(const struct sim_call *call)
{
    bool database = call->endpoint->config->prisma;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "status", "healthy");
    cJSON_AddStringToObject(json, "db", database ? "connected" : "Not connected");
    if (database) {
        cJSON_AddNullToObject(json, "cache");
        cJSON_AddStringToObject(json, "litellm_version", call->endpoint->config->version);
        cJSON_AddItemToObject(json, "success_callbacks", cJSON_CreateArray());
        cJSON_AddStringToObject(json, "last_updated", "2026-09-01T08:15:30.123456");
    }
    sim_answer_json(call->answer, 200, json, NULL);
}

static const struct sim_deployment *find(const struct sim_call *call, const char *name)
{
    const struct sim_endpoint_config *config = call->endpoint->config;
    for (size_t i = 0; i < config->deployment_count; i++) {
        if (name == NULL || strcmp(config->deployments[i].name, name) == 0)
            return &config->deployments[i];
    }
    return NULL;
}

static void models(const struct sim_call *call)
{
    const struct sim_endpoint_config *config = call->endpoint->config;
    cJSON *json = cJSON_CreateObject();
    cJSON *data = cJSON_AddArrayToObject(json, "data");
    cJSON_AddStringToObject(json, "object", "list");
    for (size_t i = 0; i < config->deployment_count; i++) {
        /* Equal names are one group, listed once. */
        if (find(call, config->deployments[i].name) != &config->deployments[i])
            continue;
        cJSON *model = sim_openai_model(call, config->deployments[i].name, style.owned_by);
        cJSON_ReplaceItemInObject(model, "created", cJSON_CreateNumber(1677610602));
        cJSON_AddItemToArray(data, model);
    }
    sim_answer_json(call->answer, 200, json, NULL);
}

static void add_api_base(const struct sim_call *call, const struct sim_deployment *deployment,
                         cJSON *params)
{
    char *url = deployment->api_base != NULL
                    ? sim_strdup(deployment->api_base)
                    : sim_cluster_url(call->endpoint->sim, deployment->endpoint);
    bool openai = deployment->api_base == NULL && sim_starts_with(deployment->model, "openai/");
    char *base = sim_printf("%s%s", url, openai ? "/v1" : "");
    cJSON_AddStringToObject(params, "api_base", base);
    free(url);
    free(base);
}

static void model_info(const struct sim_call *call)
{
    const struct sim_endpoint_config *config = call->endpoint->config;
    cJSON *json = cJSON_CreateObject();
    cJSON *data = cJSON_AddArrayToObject(json, "data");
    for (size_t i = 0; i < config->deployment_count; i++) {
        const struct sim_deployment *deployment = &config->deployments[i];
        char id[80];
        snprintf(id, sizeof id, "%060zx", i + 1);
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddStringToObject(entry, "model_name", deployment->name);
        cJSON *params = cJSON_AddObjectToObject(entry, "litellm_params");
        add_api_base(call, deployment, params);
        cJSON_AddBoolToObject(params, "use_in_pass_through", false);
        cJSON_AddBoolToObject(params, "use_litellm_proxy", false);
        cJSON_AddBoolToObject(params, "merge_reasoning_content_in_choices", false);
        cJSON_AddStringToObject(params, "model", deployment->model);
        cJSON *info = cJSON_AddObjectToObject(entry, "model_info");
        cJSON_AddStringToObject(info, "id", id);
        cJSON_AddBoolToObject(info, "db_model", false);
        cJSON_AddBoolToObject(info, "member_auto_router", false);
        cJSON_AddItemToObject(info, "pricing_overrides", cJSON_CreateArray());
        cJSON_AddItemToArray(data, entry);
    }
    sim_answer_json(call->answer, 200, json, NULL);
}

/* The expensive one: a generation on every deployment. */
static void health(const struct sim_call *call)
{
    const struct sim_endpoint_config *config = call->endpoint->config;
    cJSON *json = cJSON_CreateObject();
    cJSON *good = cJSON_AddArrayToObject(json, "healthy_endpoints");
    cJSON *bad = cJSON_AddArrayToObject(json, "unhealthy_endpoints");
    call->endpoint->stats.gateway_health++;
    for (size_t i = 0; i < config->deployment_count; i++) {
        bool works = sim_cluster_generate(call->endpoint->sim, config->deployments[i].endpoint);
        cJSON *entry = cJSON_CreateObject();
        add_api_base(call, &config->deployments[i], entry);
        cJSON_AddStringToObject(entry, "model", config->deployments[i].model);
        cJSON_AddItemToArray(works ? good : bad, entry);
    }
    cJSON_AddNumberToObject(json, "healthy_count", cJSON_GetArraySize(good));
    cJSON_AddNumberToObject(json, "unhealthy_count", cJSON_GetArraySize(bad));
    sim_answer_json(call->answer, 200, json, NULL);
}

static void root(const struct sim_call *call)
{
    sim_answer_text(call->answer, 200, "text/html; charset=utf-8",
                    "<!DOCTYPE html><html><head><title>LiteLLM API - Swagger UI</title></head>"
                    "<body><div id=\"swagger-ui\"></div></body></html>");
}

static void not_found(const struct sim_call *call)
{
    sim_answer_text(call->answer, 404, "application/json", "{\"detail\":\"Not Found\"}");
}

static void wrong_method(const struct sim_call *call)
{
    sim_answer_text(call->answer, 405, "application/json", "{\"detail\":\"Method Not Allowed\"}");
}

static bool is_generation(const struct sim_request *request)
{
    return strcmp(request->method, "POST") == 0 && (sim_ends_with(request->path, "/completions") ||
                                                    sim_ends_with(request->path, "/embeddings"));
}

static void generate(const struct sim_call *call)
{
    const char *name = sim_request_string(call->request, "model", "");
    const struct sim_deployment *deployment = find(call, name);
    char text[300];
    if (deployment == NULL) {
        snprintf(text, sizeof text, "/chat/completions: Invalid model name passed in model=%.200s",
                 name);
        error(call, 400, "None", text);
        return;
    }
    if (!sim_cluster_generate(call->endpoint->sim, deployment->endpoint)) {
        error(call, 500, "None",
              "litellm.InternalServerError: InternalServerError: OpenAIException "
              "- Connection error.");
        return;
    }
    cJSON *json = sim_openai_model(call, "chatcmpl-sim", "litellm");
    cJSON_DeleteItemFromObject(json, "owned_by");
    cJSON_ReplaceItemInObject(json, "object", cJSON_CreateString("chat.completion"));
    cJSON_AddStringToObject(json, "model", name);
    cJSON *choice = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "choices"), choice);
    cJSON_AddNumberToObject(choice, "index", 0);
    cJSON *message = cJSON_AddObjectToObject(choice, "message");
    cJSON_AddStringToObject(message, "role", "assistant");
    cJSON_AddStringToObject(message, "content", "Hello from the simulated gateway.");
    cJSON_AddStringToObject(choice, "finish_reason", "stop");
    sim_answer_json(call->answer, 200, json, NULL);
}

static void keyed(const struct sim_call *call)
{
    static const struct sim_path paths[] = {
        {"GET", "/v1/models", models},      {"GET", "/models", models},
        {"GET", "/model/info", model_info}, {"GET", "/v1/model/info", model_info},
        {"GET", "/health", health},         {NULL, NULL, NULL},
    };
    if (!sim_key_accepted(call))
        deny(call);
    else if (sim_dispatch(call, paths) != SIM_DISPATCHED)
        generate(call);
}

static void handle(const struct sim_call *call)
{
    static const struct sim_path open_paths[] = {
        {"GET", "/health/liveliness", alive},
        {"GET", "/health/liveness", alive},
        {"GET", "/health/readiness", ready},
        {"GET", "/", root},
        {NULL, NULL, NULL},
    };
    /* The path is looked up before the key. */
    static const struct sim_path keyed_paths[] = {
        {"GET", "/v1/models", keyed},     {"GET", "/models", keyed}, {"GET", "/model/info", keyed},
        {"GET", "/v1/model/info", keyed}, {"GET", "/health", keyed}, {NULL, NULL, NULL},
    };
    add_headers(call);
    enum sim_dispatch found = sim_dispatch(call, open_paths);
    if (found == SIM_UNKNOWN_PATH && is_generation(call->request)) {
        keyed(call);
        return;
    }
    if (found == SIM_UNKNOWN_PATH)
        found = sim_dispatch(call, keyed_paths);
    if (found == SIM_UNKNOWN_PATH)
        not_found(call);
    else if (found == SIM_WRONG_METHOD)
        wrong_method(call);
}

const struct sim_backend sim_backend_litellm = {
    .handle = handle, .refuse = refuse, .closed_while_loading = true};
