/* llama.cpp's llama-server, build 11549: one model. */
#include "llamacpp.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct sim_openai_style style = {"llamacpp", SIM_LLAMACPP_TYPE, "b11549-5f6c0a1"};

/* The library under the real server closes after anything but success. */
static void send_error(const struct sim_call *call, int status, cJSON *json)
{
    sim_answer_header(call->answer, "Connection", "close");
    sim_answer_json(call->answer, status, json, SIM_LLAMACPP_TYPE);
}

void sim_llamacpp_error(const struct sim_call *call, int status, const char *type,
                        const char *message)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *error = cJSON_AddObjectToObject(json, "error");
    cJSON_AddNumberToObject(error, "code", status);
    cJSON_AddStringToObject(error, "message", message);
    cJSON_AddStringToObject(error, "type", type);
    send_error(call, status, json);
}

/* What is answered before any handler has its members in another order. */
static void early_error(const struct sim_call *call, int status, const char *type,
                        const char *message)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *error = cJSON_AddObjectToObject(json, "error");
    cJSON_AddStringToObject(error, "message", message);
    cJSON_AddStringToObject(error, "type", type);
    cJSON_AddNumberToObject(error, "code", status);
    send_error(call, status, json);
}

static void refuse(const struct sim_call *call, int status)
{
    sim_answer_header(call->answer, "Server", "llama.cpp");
    if (status == 401)
        early_error(call, 401, "authentication_error", "Invalid API Key");
    else if (status == 503)
        early_error(call, 503, "unavailable_error", "Loading model");
    else
        sim_llamacpp_error(call, status, "server_error", sim_reason(status));
}

void sim_llamacpp_unknown(const struct sim_call *call)
{
    early_error(call, 404, "not_found_error", "File Not Found");
}

static cJSON *capability_list(const struct sim_model *model)
{
    cJSON *list = sim_strings("completion", (char *)NULL);
    if ((model->capabilities & SIM_CAN_SEE) != 0)
        cJSON_AddItemToArray(list, cJSON_CreateString("multimodal"));
    return list;
}

static cJSON *ollama_like(const struct sim_model *model)
{
    static const char *const empty[] = {"modified_at", "size", "digest"};
    static const char *const details[] = {"family", "parameter_size", "quantization_level"};
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", model->name);
    cJSON_AddStringToObject(json, "model", model->name);
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++)
        cJSON_AddStringToObject(json, empty[i], "");
    cJSON_AddStringToObject(json, "type", "model");
    cJSON_AddStringToObject(json, "description", "");
    cJSON_AddItemToObject(json, "tags", sim_strings("", (char *)NULL));
    cJSON_AddItemToObject(json, "capabilities", capability_list(model));
    cJSON_AddStringToObject(json, "parameters", "");
    cJSON *object = cJSON_AddObjectToObject(json, "details");
    cJSON_AddStringToObject(object, "parent_model", "");
    cJSON_AddStringToObject(object, "format", "gguf");
    for (size_t i = 0; i < sizeof details / sizeof details[0]; i++)
        cJSON_AddStringToObject(object, details[i], "");
    cJSON_AddItemToObject(object, "families", sim_strings("", (char *)NULL));
    return json;
}

void sim_llamacpp_modalities(cJSON *json, const struct sim_model *model)
{
    bool sees = (model->capabilities & SIM_CAN_SEE) != 0;
    cJSON *architecture = cJSON_AddObjectToObject(json, "architecture");
    cJSON_AddItemToObject(architecture, "input_modalities",
                          sees ? sim_strings("text", "image", (char *)NULL)
                               : sim_strings("text", (char *)NULL));
    cJSON_AddItemToObject(architecture, "output_modalities", sim_strings("text", (char *)NULL));
}

static cJSON *openai_like(const struct sim_call *call, const struct sim_model *model)
{
    cJSON *json = sim_openai_model(call, model->name, style.owned_by);
    cJSON_AddItemToObject(json, "aliases", sim_strings(model->name, (char *)NULL));
    cJSON_AddItemToObject(json, "tags", cJSON_CreateArray());
    sim_llamacpp_modalities(json, model);
    cJSON *meta = cJSON_AddObjectToObject(json, "meta");
    cJSON_AddNumberToObject(meta, "vocab_type", 2);
    cJSON_AddNumberToObject(meta, "n_vocab", 152064);
    cJSON_AddNumberToObject(meta, "n_ctx", (double)model->context);
    cJSON_AddNumberToObject(meta, "n_ctx_train", (double)model->context_train);
    cJSON_AddNumberToObject(meta, "n_embd", (double)model->embedding_length);
    cJSON_AddNumberToObject(meta, "n_params", (double)model->parameters);
    cJSON_AddNumberToObject(meta, "size", (double)model->size_bytes);
    cJSON_AddStringToObject(meta, "ftype", model->quantization);
    return json;
}

static void models(const struct sim_call *call)
{
    struct sim_model_run *runs[256];
    size_t count = sim_endpoint_models(call->endpoint, runs, 256);
    cJSON *json = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(json, "models");
    cJSON_AddStringToObject(json, "object", "list");
    cJSON *data = cJSON_AddArrayToObject(json, "data");
    for (size_t i = 0; i < count; i++) {
        cJSON_AddItemToArray(list, ollama_like(runs[i]->config));
        cJSON_AddItemToArray(data, openai_like(call, runs[i]->config));
    }
    sim_answer_json(call->answer, 200, json, SIM_LLAMACPP_TYPE);
}

static void health(const struct sim_call *call)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "status", "ok");
    sim_answer_json(call->answer, 200, json, SIM_LLAMACPP_TYPE);
}

void sim_llamacpp_props(const struct sim_call *call, const struct sim_model_run *model)
{
    const struct sim_endpoint_config *config = call->endpoint->config;
    bool sees = model != NULL && (model->config->capabilities & SIM_CAN_SEE) != 0;
    char path[300];
    snprintf(path, sizeof path, "/models/%.250s.gguf", model != NULL ? model->config->name : "");
    cJSON *json = cJSON_CreateObject();
    cJSON *settings = cJSON_AddObjectToObject(json, "default_generation_settings");
    cJSON *params = cJSON_AddObjectToObject(settings, "params");
    cJSON_AddNumberToObject(params, "temperature", 0.8);
    cJSON_AddNumberToObject(params, "n_predict", -1);
    cJSON_AddNumberToObject(settings, "n_ctx", model != NULL ? (double)model->config->context : 0);
    cJSON_AddNumberToObject(json, "total_slots", (double)config->slots);
    cJSON_AddStringToObject(json, "model_alias", model != NULL ? model->config->name : "");
    cJSON_AddStringToObject(json, "model_ftype", model != NULL ? model->config->quantization : "");
    cJSON_AddStringToObject(json, "model_path", path);
    cJSON *modalities = cJSON_AddObjectToObject(json, "modalities");
    cJSON_AddBoolToObject(modalities, "vision", sees);
    cJSON_AddBoolToObject(modalities, "video", false);
    cJSON_AddBoolToObject(modalities, "audio", false);
    cJSON_AddStringToObject(json, "media_marker", "<__media__>");
    cJSON_AddBoolToObject(json, "endpoint_slots", config->slots_route);
    cJSON_AddBoolToObject(json, "endpoint_props", false);
    cJSON_AddBoolToObject(json, "endpoint_metrics", config->metrics);
    cJSON_AddBoolToObject(json, "ui", true);
    cJSON_AddStringToObject(json, "chat_template", "{{ messages }}");
    cJSON_AddStringToObject(json, "bos_token", "<|im_start|>");
    cJSON_AddStringToObject(json, "eos_token", "<|im_end|>");
    cJSON_AddStringToObject(json, "build_info", config->version);
    cJSON_AddBoolToObject(json, "is_sleeping", sim_endpoint_asleep(call->endpoint, call->now_ms));
    sim_answer_json(call->answer, 200, json, SIM_LLAMACPP_TYPE);
}

static void props(const struct sim_call *call)
{
    sim_llamacpp_props(call, sim_endpoint_find_model(call->endpoint, NULL));
}

static void slots_listing(const struct sim_call *call)
{
    const struct sim_endpoint *endpoint = call->endpoint;
    const struct sim_model_run *model = sim_endpoint_find_model(call->endpoint, NULL);
    int64_t processing = sim_endpoint_processing(endpoint);
    if (call->request->fail_on_no_slot && processing >= endpoint->config->slots) {
        sim_llamacpp_error(call, 503, "unavailable_error", "no slot available");
        return;
    }
    cJSON *list = cJSON_CreateArray();
    for (int64_t i = 0; i < endpoint->config->slots; i++) {
        cJSON *slot = cJSON_CreateObject();
        cJSON_AddNumberToObject(slot, "id", (double)i);
        cJSON_AddNumberToObject(slot, "n_ctx", model != NULL ? (double)model->config->context : 0);
        cJSON_AddBoolToObject(slot, "speculative", false);
        cJSON_AddBoolToObject(slot, "is_processing", i < processing);
        if (i < processing) {
            cJSON_AddNumberToObject(slot, "id_task", (double)(i + 1));
            cJSON_AddNumberToObject(slot, "n_prompt_tokens", 7000);
            cJSON_AddNumberToObject(slot, "n_prompt_tokens_processed",
                                    (double)(int64_t)endpoint->counters.prompt_tokens);
        }
        cJSON_AddItemToArray(list, slot);
    }
    sim_answer_json(call->answer, 200, list, SIM_LLAMACPP_TYPE);
}

/* Reading the slots wakes a sleeping server and keeps an awake one from sleeping. */
void sim_llamacpp_slots(const struct sim_call *call)
{
    call->endpoint->stats.slots_reads++;
    if (!call->endpoint->config->slots_route) {
        sim_llamacpp_error(call, 501, "not_supported_error",
                           "This server does not support slots endpoint. Start it with `--slots`");
        return;
    }
    if (sim_endpoint_asleep(call->endpoint, call->now_ms)) {
        *call->job = (struct sim_job){.kind = SIM_JOB_WAKE, .keep_alive_ms = SIM_NEVER};
        return;
    }
    call->endpoint->active_ms = call->now_ms;
    slots_listing(call);
}

struct metric {
    const char *name, *type, *help;
    double value;
};

static void print_metrics(struct sim_buf *out, const struct metric *metrics, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct metric *metric = &metrics[i];
        sim_buf_printf(out, "# HELP llamacpp:%s %s\n", metric->name, metric->help);
        sim_buf_printf(out, "# TYPE llamacpp:%s %s\n", metric->name, metric->type);
        sim_buf_printf(out, "llamacpp:%s %.10g\n", metric->name, metric->value);
    }
}

static double per_second(double amount, double seconds)
{
    return seconds > 0 ? amount / seconds : 0;
}

void sim_llamacpp_metrics(const struct sim_call *call)
{
    const struct sim_endpoint *endpoint = call->endpoint;
    const struct sim_counters *counters = &endpoint->counters;
    if (!endpoint->config->metrics) {
        sim_llamacpp_error(
            call, 501, "not_supported_error",
            "This server does not support metrics endpoint. Start it with `--metrics`");
        return;
    }
    /* Whole tokens and whole batches. */
    double prompt = floor(counters->prompt_tokens);
    double predicted = floor(counters->predicted_tokens);
    double decodes = floor(counters->decodes);
    const struct metric metrics[] = {
        {"prompt_tokens_total", "counter",
         "Number of prompt tokens processed, excluding cached tokens", prompt},
        {"prompt_tokens_cached_total", "counter", "Number of prompt tokens reused from the cache",
         0},
        {"prompt_seconds_total", "counter", "Total time spent processing prompts",
         counters->prompt_seconds},
        {"tokens_predicted_total", "counter", "Number of generation tokens processed", predicted},
        {"tokens_predicted_seconds_total", "counter", "Total time spent generating tokens",
         counters->predicted_seconds},
        {"n_decode_total", "counter",
         "Total number of llama_decode() calls, excluding speculative decoding and multimodal "
         "decoding",
         decodes},
        {"n_tokens_max", "counter", "Largest observed sequence length (prompt + generation)",
         prompt},
        {"spec_decode_num_draft_tokens_total", "counter",
         "Speculative: Total draft tokens generated", 0},
        {"spec_decode_num_accepted_tokens_total", "counter",
         "Speculative: Total draft tokens accepted by the target model", 0},
        {"spec_decode_num_drafts_total", "counter",
         "Speculative: Total speculative decoding verification steps", 0},
        {"prompt_tokens_seconds", "gauge", "Average prompt throughput in tokens/s",
         per_second(prompt, counters->prompt_seconds)},
        {"predicted_tokens_seconds", "gauge", "Average generation throughput in tokens/s",
         per_second(predicted, counters->predicted_seconds)},
        {"requests_processing", "gauge", "Number of requests processing",
         (double)sim_endpoint_processing(endpoint)},
        {"requests_deferred", "gauge", "Number of requests deferred",
         endpoint->state.wedged ? 0 : (double)endpoint->waiting},
        {"n_busy_slots_per_decode", "gauge", "Average number of busy slots per llama_decode() call",
         decodes > 0 ? 1 : 0},
    };
    struct sim_buf out = {0};
    print_metrics(&out, metrics, sizeof metrics / sizeof metrics[0]);
    sim_answer_header(call->answer, "Process-Start-Time-Unix", "1790000000");
    sim_answer_text(call->answer, 200, "text/plain; version=0.0.4", out.data);
    sim_buf_free(&out);
}

static void refuse_request(const struct sim_call *call)
{
    if (sim_ends_with(call->request->path, "/embeddings"))
        sim_llamacpp_error(call, 501, "not_supported_error",
                           "This server does not support embeddings. Start it with `--embeddings`");
    else
        sim_llamacpp_error(call, 400, "invalid_request_error", "invalid request");
}

bool sim_llamacpp_start(const struct sim_call *call)
{
    switch (sim_openai_start(call)) {
    case SIM_OPENAI_STARTED:
        return true;
    case SIM_OPENAI_NO_MODEL:
        sim_llamacpp_error(call, 404, "not_found_error", "model not found");
        return true;
    case SIM_OPENAI_BAD_REQUEST:
        refuse_request(call);
        return true;
    default:
        return false;
    }
}

static bool is_public(const char *path)
{
    return strcmp(path, "/health") == 0 || strcmp(path, "/v1/health") == 0;
}

/* The page of the web interface, which is there in compressed form only. */
static void page(const struct sim_call *call)
{
    sim_answer_header(call->answer, "Connection", "close");
    sim_answer_text(call->answer, 415, "text/plain",
                    "Error: gzip is not supported by this browser");
}

static void handle(const struct sim_call *call)
{
    static const struct sim_path paths[] = {
        {"GET", "/health", health},
        {"GET", "/v1/health", health},
        {"GET", "/v1/models", models},
        {"GET", "/models", models},
        {"GET", "/props", props},
        {"GET", "/slots", sim_llamacpp_slots},
        {"GET", "/metrics", sim_llamacpp_metrics},
        {NULL, NULL, NULL},
    };
    const char *path = call->request->path;
    sim_answer_header(call->answer, "Server", "llama.cpp");
    if (strcmp(path, "/") == 0) {
        page(call);
        return;
    }
    /* Loading is answered before the key is looked at. */
    if (call->endpoint->state.loading && !call->endpoint->config->router) {
        early_error(call, 503, "unavailable_error", "Loading model");
        return;
    }
    if (!is_public(path) && !sim_key_accepted(call)) {
        early_error(call, 401, "authentication_error", "Invalid API Key");
        return;
    }
    if (call->endpoint->config->router)
        sim_llamacpp_router_handle(call);
    else if (!sim_llamacpp_start(call) && sim_dispatch(call, paths) != SIM_DISPATCHED)
        sim_llamacpp_unknown(call);
}

static void complete(const struct sim_call *call)
{
    sim_answer_header(call->answer, "Server", "llama.cpp");
    if (call->job->kind == SIM_JOB_WAKE)
        slots_listing(call);
    else if (strcmp(call->request->path, "/props") == 0)
        sim_llamacpp_props(call, call->job->model);
    else if (strcmp(call->request->path, "/slots") == 0)
        slots_listing(call);
    else if (strcmp(call->request->path, "/metrics") == 0)
        sim_llamacpp_metrics(call);
    else
        sim_openai_complete(call, &style);
}

const struct sim_backend sim_backend_llamacpp = {
    .handle = handle, .complete = complete, .refuse = refuse};
