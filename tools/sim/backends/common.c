/* What several backends share, above all OpenAI's protocol. */
#include "backend.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct sim_backend *sim_backend_of(enum sim_backend_kind kind)
{
    static const struct sim_backend *const backends[SIM_BACKEND_KINDS] = {
        [SIM_OLLAMA] = &sim_backend_ollama,       [SIM_LLAMACPP] = &sim_backend_llamacpp,
        [SIM_LITELLM] = &sim_backend_litellm,     [SIM_VLLM] = &sim_backend_vllm,
        [SIM_LMSTUDIO] = &sim_backend_lmstudio,   [SIM_TABBYAPI] = &sim_backend_tabbyapi,
        [SIM_LLAMASWAP] = &sim_backend_llamaswap, [SIM_OPENAI] = &sim_backend_openai,
        [SIM_HTTP] = &sim_backend_http,
    };
    return backends[kind];
}

enum sim_dispatch sim_dispatch(const struct sim_call *call, const struct sim_path *paths)
{
    enum sim_dispatch result = SIM_UNKNOWN_PATH;
    for (; paths->path != NULL; paths++) {
        if (sim_request_is(call->request, paths->method, paths->path)) {
            paths->answer(call);
            return SIM_DISPATCHED;
        }
        if (strcmp(paths->path, call->request->path) == 0)
            result = SIM_WRONG_METHOD;
    }
    return result;
}

double sim_unix_now(void)
{
    return floor((double)sim_wall_us() / 1e6);
}

cJSON *sim_strings(const char *first, ...)
{
    cJSON *list = cJSON_CreateArray();
    va_list args;
    va_start(args, first);
    for (const char *text = first; text != NULL; text = va_arg(args, const char *))
        cJSON_AddItemToArray(list, cJSON_CreateString(text));
    va_end(args);
    return list;
}

bool sim_key_accepted(const struct sim_call *call)
{
    const char *key = call->endpoint->config->api_key;
    const struct sim_request *request = call->request;
    if (key == NULL)
        return true;
    if (request->x_api_key != NULL && strcmp(request->x_api_key, key) == 0)
        return true;
    return request->authorization != NULL && sim_starts_with(request->authorization, "Bearer ") &&
           strcmp(request->authorization + strlen("Bearer "), key) == 0;
}

void sim_start_job(const struct sim_call *call, enum sim_job_kind kind, struct sim_model_run *model,
                   int max_tokens, bool stream)
{
    int words = 0;
    while (sim_reply_word(call, words) != NULL)
        words++;
    *call->job = (struct sim_job){
        .kind = kind,
        .model = model,
        .stream = stream && kind == SIM_JOB_GENERATE,
        .keep_alive_ms = SIM_NEVER,
        .prompt_tokens = (int)(call->request->body.length / 4) + 1,
        .tokens = kind == SIM_JOB_EMBED ? 1 : words,
    };
    if (max_tokens > 0 && max_tokens < call->job->tokens)
        call->job->tokens = max_tokens;
}

const char *sim_reply_word(const struct sim_call *call, int index)
{
    static const char *const words[] = {"Hello", " from", " the", " simulated", " endpoint", " "};
    enum {
        WORDS = sizeof words / sizeof words[0]
    };
    if (index < WORDS)
        return words[index];
    if (index == WORDS)
        return call->endpoint->config->id;
    return index == WORDS + 1 ? "." : NULL;
}

cJSON *sim_embedding(const struct sim_call *call)
{
    const struct sim_model *model = call->job->model->config;
    cJSON *vector = cJSON_CreateArray();
    unsigned state = (unsigned)model->digest[0] * 31U + (unsigned)model->digest[1];
    for (int64_t i = 0; i < model->embedding_length; i++) {
        state = state * 1664525U + 1013904223U;
        double value = ((double)(state >> 8) / (double)(1U << 24) - 0.5) * 0.1;
        cJSON_AddItemToArray(vector, cJSON_CreateNumber(round(value * 1e6) / 1e6));
    }
    return vector;
}

void sim_stream_json(struct sim_answer *answer, const char *prefix, cJSON *json, const char *suffix)
{
    char *text = cJSON_PrintUnformatted(json);
    char *line = sim_printf("%s%s%s", prefix, text, suffix);
    sim_answer_piece(answer, line);
    free(line);
    cJSON_free(text);
    cJSON_Delete(json);
}

cJSON *sim_openai_model(const struct sim_call *call, const char *name, const char *owned_by)
{
    (void)call;
    cJSON *model = cJSON_CreateObject();
    cJSON_AddStringToObject(model, "id", name);
    cJSON_AddStringToObject(model, "object", "model");
    cJSON_AddNumberToObject(model, "created", sim_unix_now());
    cJSON_AddStringToObject(model, "owned_by", owned_by);
    return model;
}

cJSON *sim_openai_list(const struct sim_call *call, const char *owned_by)
{
    struct sim_model_run *models[256];
    size_t count = sim_endpoint_models(call->endpoint, models, 256);
    cJSON *list = cJSON_CreateObject();
    cJSON_AddStringToObject(list, "object", "list");
    cJSON *data = cJSON_AddArrayToObject(list, "data");
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(data, sim_openai_model(call, models[i]->config->name, owned_by));
    return list;
}

void sim_openai_error(const struct sim_call *call, int status, const char *type,
                      const char *message, const char *content_type)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *error = cJSON_AddObjectToObject(json, "error");
    cJSON_AddStringToObject(error, "message", message);
    cJSON_AddStringToObject(error, "type", type);
    cJSON_AddNullToObject(error, "param");
    cJSON_AddNumberToObject(error, "code", status);
    sim_answer_json(call->answer, status, json, content_type);
}

static int max_tokens(const struct sim_request *request)
{
    static const char *const keys[] = {"max_completion_tokens", "max_tokens", "n_predict"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(request->json, keys[i]);
        if (cJSON_IsNumber(item))
            return item->valueint;
    }
    return 0;
}

/* Seen: a llama.cpp started for embeddings still completes. */
static bool model_serves(const struct sim_call *call, const struct sim_model_run *model,
                         bool embeds)
{
    unsigned needed = embeds ? SIM_CAN_EMBED : SIM_CAN_COMPLETE;
    if (!embeds && call->endpoint->config->backend == SIM_LLAMACPP)
        return true;
    return (model->config->capabilities & needed) != 0;
}

enum sim_openai_result sim_openai_start(const struct sim_call *call)
{
    const char *path = call->request->path;
    bool chat = sim_ends_with(path, "/chat/completions");
    bool embeds = sim_ends_with(path, "/embeddings");
    if (strcmp(call->request->method, "POST") != 0)
        return SIM_OPENAI_OTHER;
    if (!chat && !embeds && !sim_ends_with(path, "/completions"))
        return SIM_OPENAI_OTHER;
    if (!cJSON_IsObject(call->request->json))
        return SIM_OPENAI_BAD_REQUEST;
    const char *name = sim_request_string(call->request, "model", NULL);
    struct sim_model_run *model = sim_endpoint_find_model(call->endpoint, name);
    if (model == NULL)
        return SIM_OPENAI_NO_MODEL;
    if (!model_serves(call, model, embeds))
        return SIM_OPENAI_BAD_REQUEST;
    sim_start_job(call, embeds ? SIM_JOB_EMBED : SIM_JOB_GENERATE, model, max_tokens(call->request),
                  sim_request_flag(call->request, "stream", false));
    call->job->chat = chat;
    return SIM_OPENAI_STARTED;
}

static cJSON *usage(const struct sim_job *job)
{
    cJSON *json = cJSON_CreateObject();
    int completion = job->kind == SIM_JOB_GENERATE ? job->tokens : 0;
    cJSON_AddNumberToObject(json, "prompt_tokens", job->prompt_tokens);
    if (job->kind == SIM_JOB_GENERATE)
        cJSON_AddNumberToObject(json, "completion_tokens", completion);
    cJSON_AddNumberToObject(json, "total_tokens", job->prompt_tokens + completion);
    return json;
}

static cJSON *envelope(const struct sim_call *call, const struct sim_openai_style *style,
                       const char *object)
{
    cJSON *json = cJSON_CreateObject();
    char id[64];
    snprintf(id, sizeof id, "%s-sim%llu", call->job->chat ? "chatcmpl" : "cmpl",
             (unsigned long long)call->endpoint->stats.generations);
    cJSON_AddStringToObject(json, "id", id);
    cJSON_AddStringToObject(json, "object", object);
    cJSON_AddNumberToObject(json, "created", sim_unix_now());
    cJSON_AddStringToObject(json, "model", call->job->model->config->name);
    cJSON_AddStringToObject(json, "system_fingerprint", style->fingerprint);
    return json;
}

static cJSON *add_choice(cJSON *json)
{
    cJSON *choice = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "choices"), choice);
    cJSON_AddNumberToObject(choice, "index", 0);
    return choice;
}

static void complete_whole(const struct sim_call *call, const struct sim_openai_style *style)
{
    struct sim_buf text = {0};
    for (int i = 0; i < call->job->tokens; i++)
        sim_buf_puts(&text, sim_reply_word(call, i));
    cJSON *json = envelope(call, style, call->job->chat ? "chat.completion" : "text_completion");
    cJSON *choice = add_choice(json);
    if (call->job->chat) {
        cJSON *message = cJSON_AddObjectToObject(choice, "message");
        cJSON_AddStringToObject(message, "role", "assistant");
        cJSON_AddStringToObject(message, "content", text.data);
    } else {
        cJSON_AddStringToObject(choice, "text", text.data);
    }
    bool all = sim_reply_word(call, call->job->tokens) == NULL;
    cJSON_AddStringToObject(choice, "finish_reason", all ? "stop" : "length");
    cJSON_AddItemToObject(json, "usage", usage(call->job));
    sim_answer_json(call->answer, 200, json, style->type);
    sim_buf_free(&text);
}

static void complete_stream(const struct sim_call *call, const struct sim_openai_style *style)
{
    const char *object = call->job->chat ? "chat.completion.chunk" : "text_completion";
    for (int i = 0; i <= call->job->tokens; i++) {
        bool last = i == call->job->tokens;
        cJSON *json = envelope(call, style, object);
        cJSON *choice = add_choice(json);
        const char *word = last ? "" : sim_reply_word(call, i);
        if (!call->job->chat) {
            cJSON_AddStringToObject(choice, "text", word);
        } else {
            cJSON *delta = cJSON_AddObjectToObject(choice, "delta");
            if (!last)
                cJSON_AddStringToObject(delta, "content", word);
        }
        if (last)
            cJSON_AddStringToObject(choice, "finish_reason", "stop");
        else
            cJSON_AddNullToObject(choice, "finish_reason");
        sim_stream_json(call->answer, "data: ", json, "\n\n");
    }
    sim_answer_piece(call->answer, "data: [DONE]\n\n");
    sim_answer_text(call->answer, 200, "text/event-stream", "");
    call->answer->piece_ms = call->endpoint->config->token_ms;
}

static void complete_embedding(const struct sim_call *call, const struct sim_openai_style *style)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "model", call->job->model->config->name);
    cJSON_AddStringToObject(json, "object", "list");
    cJSON_AddItemToObject(json, "usage", usage(call->job));
    cJSON *item = cJSON_CreateObject();
    cJSON_AddItemToObject(item, "embedding", sim_embedding(call));
    cJSON_AddNumberToObject(item, "index", 0);
    cJSON_AddStringToObject(item, "object", "embedding");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(json, "data"), item);
    sim_answer_json(call->answer, 200, json, style->type);
}

void sim_openai_complete(const struct sim_call *call, const struct sim_openai_style *style)
{
    if (call->job->kind == SIM_JOB_EMBED)
        complete_embedding(call, style);
    else if (call->job->stream)
        complete_stream(call, style);
    else
        complete_whole(call, style);
}
