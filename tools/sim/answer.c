#include "answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_request_free(struct sim_request *request)
{
    free(request->authorization);
    free(request->x_api_key);
    free(request->query_model);
    sim_buf_free(&request->body);
    cJSON_Delete(request->json);
}

bool sim_request_is(const struct sim_request *request, const char *method, const char *path)
{
    bool same = strcmp(request->method, method) == 0 ||
                (strcmp(method, "GET") == 0 && strcmp(request->method, "HEAD") == 0);
    return same && strcmp(request->path, path) == 0;
}

const char *sim_request_string(const struct sim_request *request, const char *key,
                               const char *fallback)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request->json, key));
    return text != NULL ? text : fallback;
}

bool sim_request_flag(const struct sim_request *request, const char *key, bool fallback)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(request->json, key);
    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}

void sim_answer_free(struct sim_answer *answer)
{
    for (size_t i = 0; i < answer->header_count; i++)
        free(answer->headers[i].value);
    for (size_t i = 0; i < answer->piece_count; i++)
        free(answer->pieces[i]);
    free(answer->pieces);
    sim_buf_free(&answer->body);
}

void sim_answer_reset(struct sim_answer *answer)
{
    sim_answer_free(answer);
    *answer = (struct sim_answer){0};
}

void sim_answer_header(struct sim_answer *answer, const char *name, const char *value)
{
    if (answer->header_count == SIM_MAX_HEADERS)
        return;
    struct sim_header header = {.name = name, .value = sim_strdup(value)};
    answer->headers[answer->header_count++] = header;
}

void sim_answer_text(struct sim_answer *answer, int status, const char *type, const char *text)
{
    answer->status = status;
    if (type != NULL)
        sim_answer_header(answer, "Content-Type", type);
    sim_buf_puts(&answer->body, text);
}

void sim_answer_json(struct sim_answer *answer, int status, cJSON *json, const char *type)
{
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    sim_answer_text(answer, status, type != NULL ? type : "application/json",
                    text != NULL ? text : "null");
    cJSON_free(text);
}

void sim_answer_piece(struct sim_answer *answer, const char *text)
{
    answer->pieces =
        sim_realloc(answer->pieces, (answer->piece_count + 1) * sizeof *answer->pieces);
    answer->pieces[answer->piece_count++] = sim_strdup(text);
    answer->kind = SIM_BODY_STREAM;
}

const char *sim_reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status)
            return reasons[i].text;
    }
    return "Status";
}

static void add_stream(const struct sim_answer *answer, struct sim_buf *out)
{
    for (size_t i = 0; i < answer->piece_count; i++)
        sim_buf_printf(out, "%zx\r\n%s\r\n", strlen(answer->pieces[i]), answer->pieces[i]);
    sim_buf_puts(out, "0\r\n\r\n");
}

void sim_answer_serialise(const struct sim_answer *answer, bool head_only, struct sim_buf *out,
                          size_t *header_length)
{
    bool streams = answer->kind == SIM_BODY_STREAM;
    sim_buf_printf(out, "HTTP/1.1 %d %s\r\n", answer->status, sim_reason(answer->status));
    for (size_t i = 0; i < answer->header_count; i++)
        sim_buf_printf(out, "%s: %s\r\n", answer->headers[i].name, answer->headers[i].value);
    if (streams)
        sim_buf_puts(out, "Transfer-Encoding: chunked\r\n\r\n");
    else
        sim_buf_printf(out, "Content-Length: %zu\r\n\r\n", answer->body.length);
    *header_length = out->length;
    if (head_only)
        return;
    if (streams)
        add_stream(answer, out);
    else
        sim_buf_add(out, answer->body.data, answer->body.length);
}
