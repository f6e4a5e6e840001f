/* Ollama 0.17: its own API and OpenAI's. */
#include "backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_JSON "application/json; charset=utf-8"

static const struct sim_openai_style style = {"library", "application/json", "fp_ollama"};

static void error(const struct sim_call *call, int status, const char *message)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "error", message);
    sim_answer_json(call->answer, status, json, TYPE_JSON);
}

static void refuse(const struct sim_call *call, int status)
{
    /* A Host header that is not allowed is answered with an empty body. */
    if (status == 403)
        sim_answer_text(call->answer, status, NULL, "");
    else if (status == 503)
        error(call, status, "server busy, please try again.  maximum pending requests exceeded");
    else
        error(call, status, sim_reason(status));
}

static void no_model(const struct sim_call *call, const char *name)
{
    char text[300];
    snprintf(text, sizeof text, "model '%.200s' not found", name != NULL ? name : "");
    error(call, 404, text);
}

static cJSON *details(const struct sim_model *model)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "parent_model", "");
    cJSON_AddStringToObject(json, "format", "gguf");
    cJSON_AddStringToObject(json, "family", model->family);
    cJSON_AddItemToObject(json, "families", sim_strings(model->family, (char *)NULL));
    cJSON_AddStringToObject(json, "parameter_size", model->parameter_size);
    cJSON_AddStringToObject(json, "quantization_level", model->quantization);
    return json;
}

static cJSON *capability_list(const struct sim_model *model)
{
    static const char *const names[] = {"completion", "tools",     "insert",
                                        "vision",     "embedding", "thinking"};
    cJSON *list = cJSON_CreateArray();
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((model->capabilities & (1U << i)) != 0)
            cJSON_AddItemToArray(list, cJSON_CreateString(names[i]));
    }
    return list;
}

static cJSON *model_entry(const struct sim_model *model)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", model->name);
    cJSON_AddStringToObject(json, "model", model->name);
    if (model->remote_host != NULL) {
        cJSON_AddStringToObject(json, "remote_model", model->name);
        cJSON_AddStringToObject(json, "remote_host", model->remote_host);
    }
    return json;
}

static void tags(const struct sim_call *call)
{
    struct sim_model_run *models[256];
    size_t count = sim_endpoint_models(call->endpoint, models, 256);
    cJSON *json = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(json, "models");
    for (size_t i = 0; i < count; i++) {
        const struct sim_model *model = models[i]->config;
        cJSON *entry = model_entry(model);
        cJSON_AddStringToObject(entry, "modified_at", "2026-09-01T08:15:30.123456789Z");
        cJSON_AddNumberToObject(entry, "size", (double)model->size_bytes);
        cJSON_AddStringToObject(entry, "digest", model->digest);
        cJSON_AddItemToObject(entry, "details", details(model));
        cJSON_AddItemToArray(list, entry);
    }
    sim_answer_json(call->answer, 200, json, TYPE_JSON);
}

static void ps(const struct sim_call *call)
{
    struct sim_model_run *models[256];
    size_t count = sim_endpoint_models(call->endpoint, models, 256);
    cJSON *json = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(json, "models");
    for (size_t i = 0; i < count; i++) {
        /* Seen: a model being loaded is not listed. */
        if (!models[i]->loaded || call->endpoint->state.loading)
            continue;
        const struct sim_model *model = models[i]->config;
        char expires[40];
        sim_format_time(expires, models[i]->expires_us);
        cJSON *entry = model_entry(model);
        cJSON_AddNumberToObject(entry, "size", (double)model->size_bytes);
        cJSON_AddStringToObject(entry, "digest", model->digest);
        cJSON_AddItemToObject(entry, "details", details(model));
        cJSON_AddStringToObject(entry, "expires_at", expires);
        cJSON_AddNumberToObject(entry, "size_vram",
                                (double)sim_model_vram(call->endpoint, models[i]));
        cJSON_AddNumberToObject(entry, "context_length", (double)model->context);
        cJSON_AddItemToArray(list, entry);
    }
    sim_answer_json(call->answer, 200, json, TYPE_JSON);
}

static void add_info(cJSON *info, const struct sim_model *model, const char *key, double value)
{
    char name[128];
    snprintf(name, sizeof name, "%.60s.%s", model->architecture, key);
    cJSON_AddNumberToObject(info, name, value);
}

static void show(const struct sim_call *call)
{
    const char *name =
        sim_request_string(call->request, "model", sim_request_string(call->request, "name", NULL));
    if (name == NULL) {
        error(call, 400, "model is required");
        return;
    }
    struct sim_model_run *run = sim_endpoint_find_model(call->endpoint, name);
    if (run == NULL) {
        no_model(call, name);
        return;
    }
    const struct sim_model *model = run->config;
    char parameters[64];
    snprintf(parameters, sizeof parameters, "num_ctx                        %lld",
             (long long)model->context);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "modelfile", "# Modelfile generated by \"ollama show\"\n");
    cJSON_AddStringToObject(json, "parameters", parameters);
    cJSON_AddStringToObject(json, "template", "{{ .Prompt }}");
    cJSON_AddItemToObject(json, "details", details(model));
    cJSON *info = cJSON_AddObjectToObject(json, "model_info");
    cJSON_AddStringToObject(info, "general.architecture", model->architecture);
    cJSON_AddNumberToObject(info, "general.parameter_count", (double)model->parameters);
    add_info(info, model, "attention.head_count_kv", 4);
    add_info(info, model, "block_count", 28);
    add_info(info, model, "context_length", (double)model->context_train);
    add_info(info, model, "embedding_length", (double)model->embedding_length);
    cJSON_AddArrayToObject(json, "tensors");
    cJSON_AddItemToObject(json, "capabilities", capability_list(model));
    cJSON_AddStringToObject(json, "modified_at", "2026-09-01T08:15:30.123456789Z");
    sim_answer_json(call->answer, 200, json, TYPE_JSON);
}

/* "5m", "30s", 300 or -1; SIM_NEVER when not given. */
static int64_t keep_alive(const struct sim_request *request)
{
    const int64_t forever = INT64_C(100) * 365 * 86400 * 1000;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(request->json, "keep_alive");
    double seconds = 0;
    if (cJSON_IsNumber(item)) {
        seconds = item->valuedouble;
    } else if (cJSON_IsString(item)) {
        char *end = NULL;
        seconds = strtod(item->valuestring, &end);
        seconds *= *end == 'h' ? 3600 : *end == 'm' ? 60 : 1;
    } else {
        return SIM_NEVER;
    }
    if (seconds < 0 || seconds * 1000 > (double)forever)
        return forever;
    return (int64_t)(seconds * 1000);
}

static bool asks_nothing(const struct sim_call *call)
{
    const cJSON *messages = cJSON_GetObjectItemCaseSensitive(call->request->json, "messages");
    return sim_request_string(call->request, "prompt", "")[0] == '\0' &&
           cJSON_GetArraySize(messages) == 0;
}

static bool is_embedding_path(const char *path)
{
    return strcmp(path, "/api/embed") == 0 || strcmp(path, "/api/embeddings") == 0;
}

static void start(const struct sim_call *call)
{
    const char *name = sim_request_string(call->request, "model", NULL);
    bool embeds = is_embedding_path(call->request->path);
    if (name == NULL) {
        error(call, 400,
              cJSON_IsObject(call->request->json) ? "model is required" : "missing request body");
        return;
    }
    struct sim_model_run *model = sim_endpoint_find_model(call->endpoint, name);
    if (model == NULL) {
        no_model(call, name);
        return;
    }
    if (!embeds && (model->config->capabilities & SIM_CAN_COMPLETE) == 0) {
        char text[300];
        snprintf(text, sizeof text, "\"%.200s\" does not support generate", name);
        error(call, 400, text);
        return;
    }
    const cJSON *options = cJSON_GetObjectItemCaseSensitive(call->request->json, "options");
    const cJSON *predict = cJSON_GetObjectItemCaseSensitive(options, "num_predict");
    enum sim_job_kind kind = embeds ? SIM_JOB_EMBED : SIM_JOB_GENERATE;
    if (!embeds && asks_nothing(call))
        kind = SIM_JOB_LOAD;
    sim_start_job(call, kind, model, cJSON_IsNumber(predict) ? predict->valueint : 0,
                  sim_request_flag(call->request, "stream", true));
    call->job->chat = strcmp(call->request->path, "/api/chat") == 0;
    call->job->keep_alive_ms = keep_alive(call->request);
    if (kind == SIM_JOB_LOAD && call->job->keep_alive_ms == 0) {
        sim_model_unload(call->endpoint, model);
        call->job->phase = SIM_PHASE_DONE;
    }
}

static cJSON *line(const struct sim_call *call, const char *text, bool last, const char *reason)
{
    char now[40];
    cJSON *json = cJSON_CreateObject();
    sim_format_time(now, sim_wall_us());
    cJSON_AddStringToObject(json, "model", call->job->model->config->name);
    cJSON_AddStringToObject(json, "created_at", now);
    if (call->job->chat) {
        cJSON *message = cJSON_AddObjectToObject(json, "message");
        cJSON_AddStringToObject(message, "role", "assistant");
        cJSON_AddStringToObject(message, "content", text);
    } else {
        cJSON_AddStringToObject(json, "response", text);
    }
    cJSON_AddBoolToObject(json, "done", last);
    if (reason != NULL)
        cJSON_AddStringToObject(json, "done_reason", reason);
    return json;
}

static void add_times(const struct sim_call *call, cJSON *json)
{
    const struct sim_job *job = call->job;
    double run_ns = (double)job->tokens * (double)call->endpoint->config->token_ms * 1e6;
    double load_ns = (double)job->load_ms * 1e6;
    cJSON_AddNumberToObject(json, "total_duration", load_ns + run_ns);
    cJSON_AddNumberToObject(json, "load_duration", load_ns);
    cJSON_AddNumberToObject(json, "prompt_eval_count", job->prompt_tokens);
    cJSON_AddNumberToObject(json, "prompt_eval_duration", (double)job->prompt_tokens * 1e6);
    cJSON_AddNumberToObject(json, "eval_count", job->tokens);
    /* What is zero is left out; a single token takes no time of its own. */
    if (job->tokens > 1)
        cJSON_AddNumberToObject(json, "eval_duration", run_ns);
}

static void complete_generate(const struct sim_call *call)
{
    struct sim_buf text = {0};
    sim_buf_puts(&text, "");
    for (int i = 0; i < call->job->tokens; i++) {
        const char *word = sim_reply_word(call, i);
        if (call->job->stream)
            sim_stream_json(call->answer, "", line(call, word, false, NULL), "\n");
        sim_buf_puts(&text, word);
    }
    bool all = sim_reply_word(call, call->job->tokens) == NULL;
    cJSON *last = line(call, call->job->stream ? "" : text.data, true, all ? "stop" : "length");
    add_times(call, last);
    sim_buf_free(&text);
    if (!call->job->stream) {
        sim_answer_json(call->answer, 200, last, TYPE_JSON);
        return;
    }
    sim_stream_json(call->answer, "", last, "\n");
    sim_answer_text(call->answer, 200, "application/x-ndjson", "");
    call->answer->piece_ms = call->endpoint->config->token_ms;
}

static void complete_embed(const struct sim_call *call)
{
    cJSON *json = cJSON_CreateObject();
    if (strcmp(call->request->path, "/api/embeddings") == 0) {
        cJSON_AddItemToObject(json, "embedding", sim_embedding(call));
    } else {
        cJSON_AddStringToObject(json, "model", call->job->model->config->name);
        cJSON *list = cJSON_AddArrayToObject(json, "embeddings");
        cJSON_AddItemToArray(list, sim_embedding(call));
        cJSON_AddNumberToObject(json, "prompt_eval_count", call->job->prompt_tokens);
    }
    sim_answer_json(call->answer, 200, json, TYPE_JSON);
}

static void complete(const struct sim_call *call)
{
    if (sim_starts_with(call->request->path, "/v1/"))
        sim_openai_complete(call, &style);
    else if (call->job->kind == SIM_JOB_EMBED)
        complete_embed(call);
    else if (call->job->kind == SIM_JOB_LOAD)
        sim_answer_json(call->answer, 200,
                        line(call, "", true, call->job->keep_alive_ms == 0 ? "unload" : "load"),
                        TYPE_JSON);
    else
        complete_generate(call);
}

static bool handle_openai(const struct sim_call *call)
{
    switch (sim_openai_start(call)) {
    case SIM_OPENAI_STARTED:
        return true;
    case SIM_OPENAI_NO_MODEL: {
        char text[300];
        snprintf(text, sizeof text, "model '%.200s' not found",
                 sim_request_string(call->request, "model", ""));
        sim_openai_error(call, 404, "not_found_error", text, TYPE_JSON);
        return true;
    }
    case SIM_OPENAI_BAD_REQUEST:
        sim_openai_error(call, 400, "invalid_request_error", "invalid request", TYPE_JSON);
        return true;
    default:
        return false;
    }
}

static void root(const struct sim_call *call)
{
    sim_answer_text(call->answer, 200, "text/plain; charset=utf-8", "Ollama is running");
}

static void version(const struct sim_call *call)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "version", call->endpoint->config->version);
    sim_answer_json(call->answer, 200, json, TYPE_JSON);
}

static void openai_models(const struct sim_call *call)
{
    sim_answer_json(call->answer, 200, sim_openai_list(call, style.owned_by), style.type);
    sim_buf_puts(&call->answer->body, "\n");
}

static void handle(const struct sim_call *call)
{
    static const struct sim_path paths[] = {
        {"GET", "/", root},
        {"GET", "/api/version", version},
        {"GET", "/api/tags", tags},
        {"GET", "/api/ps", ps},
        {"GET", "/v1/models", openai_models},
        {"POST", "/api/show", show},
        {"POST", "/api/generate", start},
        {"POST", "/api/chat", start},
        {"POST", "/api/embed", start},
        {"POST", "/api/embeddings", start},
        {NULL, NULL, NULL},
    };
    if (handle_openai(call))
        return;
    switch (sim_dispatch(call, paths)) {
    case SIM_WRONG_METHOD:
        sim_answer_text(call->answer, 405, "text/plain", "405 method not allowed");
        break;
    case SIM_UNKNOWN_PATH:
        sim_answer_text(call->answer, 404, "text/plain", "404 page not found");
        break;
    default:
        break;
    }
}

const struct sim_backend sim_backend_ollama = {
    .handle = handle, .complete = complete, .refuse = refuse};
