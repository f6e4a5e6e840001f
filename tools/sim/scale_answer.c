#include "scale_answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char model[] =
    "{\"name\":\"qwen2.5-coder:7b\",\"model\":\"qwen2.5-coder:7b\","
    "\"modified_at\":\"2026-09-01T08:15:30.123456789Z\",\"size\":4683087332,"
    "\"digest\":\"dae161e27b0e90dd1856c8bb3209201fd6736d8eb66298e75ed87571486f4364\","
    "\"details\":{\"parent_model\":\"\",\"format\":\"gguf\",\"family\":\"qwen2\","
    "\"families\":[\"qwen2\"],\"parameter_size\":\"7.6B\",\"quantization_level\":\"Q4_K_M\"}";

static void add(struct sim_scale_answers *answers, const char *path, int status, const char *type,
                const char *body)
{
    struct sim_buf *bytes = &answers->items[answers->count].bytes;
    answers->items[answers->count++].path = path;
    sim_buf_printf(bytes,
                   "HTTP/1.1 %s\r\nContent-Type: %s\r\nDate: Mon, 23 Nov 2026 20:00:00 GMT\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   status == 200 ? "200 OK" : "404 Not Found", type, strlen(body), body);
}

static void make_ollama(struct sim_scale_answers *answers)
{
    static const char json[] = "application/json; charset=utf-8";
    char *tags = sim_printf("{\"models\":[%s}]}", model);
    char *ps = sim_printf("{\"models\":[%s,\"expires_at\":\"2318-01-01T00:00:00Z\","
                          "\"size_vram\":4683087332,\"context_length\":4096}]}",
                          model);
    add(answers, "/api/tags", 200, json, tags);
    add(answers, "/api/ps", 200, json, ps);
    add(answers, "/api/version", 200, json, "{\"version\":\"0.17.4\"}");
    add(answers, "/", 200, "text/plain; charset=utf-8", "Ollama is running");
    add(answers, "/api/show", 200, json,
        "{\"details\":{\"family\":\"qwen2\"},\"model_info\":{\"general.architecture\":\"qwen2\","
        "\"qwen2.context_length\":32768},\"capabilities\":[\"completion\",\"tools\"]}");
    free(tags);
    free(ps);
}

void sim_scale_answers_make(struct sim_scale_answers *answers, bool openai)
{
    *answers = (struct sim_scale_answers){0};
    if (openai)
        add(answers, "/v1/models", 200, "application/json",
            "{\"object\":\"list\",\"data\":[{\"id\":\"qwen2.5-coder-7b\",\"object\":\"model\","
            "\"created\":1790000000,\"owned_by\":\"organization\"}]}");
    else
        make_ollama(answers);
    add(answers, NULL, 404, "text/plain", "404 page not found");
}

void sim_scale_answers_free(struct sim_scale_answers *answers)
{
    for (size_t i = 0; i < answers->count; i++)
        sim_buf_free(&answers->items[i].bytes);
}

static size_t content_length(const char *header, size_t length)
{
    static const char name[] = "\r\ncontent-length:";
    for (size_t i = 0; i + sizeof name <= length; i++) {
        if (header[i] == '\r' && strncasecmp(header + i, name, sizeof name - 1) == 0)
            return strtoul(header + i + sizeof name - 1, NULL, 10);
    }
    return 0;
}

static const struct sim_buf *find(const struct sim_scale_answers *answers, const char *path,
                                  size_t length)
{
    size_t last = answers->count - 1;
    for (size_t i = 0; i < last; i++) {
        const char *known = answers->items[i].path;
        if (strlen(known) == length && memcmp(known, path, length) == 0)
            return &answers->items[i].bytes;
    }
    return &answers->items[last].bytes;
}

size_t sim_scale_take(const struct sim_scale_answers *answers, const char *input, size_t length,
                      const struct sim_buf **out)
{
    const char *end = memmem(input, length, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    size_t header = (size_t)(end - input) + 4;
    size_t whole = header;
    /* Only a GET, by far the most, is known to have no body. */
    if (input[0] != 'G')
        whole += content_length(input, header);
    if (whole < header || whole > length)
        return 0;
    const char *path = memchr(input, ' ', header);
    path = path != NULL ? path + 1 : end;
    *out = find(answers, path, strcspn(path, " ?\r"));
    return whole;
}
