#include "route/answer.h"

#include "core/alloc.h"
#include "core/error.h"
#include "core/json.h"

#include <stdio.h>
#include <string.h>

void hl_answer_init(struct hl_answer *answer, bool ollama, bool streamed, size_t max_bytes,
                    int max_depth, hl_answer_text_fn fn, void *userdata)
{
    *answer = (struct hl_answer){.ollama = ollama,
                                 .streamed = streamed,
                                 .max_depth = max_depth,
                                 .fn = fn,
                                 .userdata = userdata,
                                 .prompt_tokens = -1,
                                 .answer_tokens = -1};
    hl_buf_init(&answer->pending, max_bytes);
    hl_buf_init(&answer->document, max_bytes);
}

void hl_answer_clear(struct hl_answer *answer)
{
    hl_buf_free(&answer->pending);
    hl_buf_free(&answer->document);
}

static int unexpected(void)
{
    return hl_error_set(HOMELAB_E_NET_PROTOCOL, 0, "answer",
                        "answer: found what is no JSON object, expected the JSON of a chat or of "
                        "embeddings");
}

static int tell(struct hl_answer *answer, const char *text)
{
    if (!text || !*text)
        return HOMELAB_OK;
    answer->pieces++;
    return answer->fn ? answer->fn(text, strlen(text), answer->userdata) : HOMELAB_OK;
}

static void note_finish(struct hl_answer *answer, const char *reason)
{
    if (reason)
        snprintf(answer->finish, sizeof answer->finish, "%.31s", reason);
}

static void note_tokens(int64_t *to, const cJSON *object, const char *key)
{
    int64_t tokens = hl_json_int(object, key, -1);
    if (tokens >= 0)
        *to = tokens;
}

static int take_openai(struct hl_answer *answer, const cJSON *root)
{
    const cJSON *usage = hl_json_get(root, "usage");
    note_tokens(&answer->prompt_tokens, usage, "prompt_tokens");
    note_tokens(&answer->answer_tokens, usage, "completion_tokens");
    /* llama.cpp counts without being asked for usage. */
    const cJSON *timings = hl_json_get(root, "timings");
    note_tokens(&answer->prompt_tokens, timings, "prompt_n");
    note_tokens(&answer->answer_tokens, timings, "predicted_n");
    const cJSON *choices = hl_json_array(root, "choices");
    const cJSON *choice = choices ? cJSON_GetArrayItem(choices, 0) : NULL;
    if (!choice)
        return HOMELAB_OK;
    note_finish(answer, hl_json_string(choice, "finish_reason"));
    /* Some servers answer in one piece, whatever was asked for. */
    const cJSON *delta = answer->streamed ? hl_json_get(choice, "delta") : NULL;
    const cJSON *message = cJSON_IsObject(delta) ? NULL : hl_json_get(choice, "message");
    answer->whole |= cJSON_IsObject(message);
    return tell(answer, hl_json_string(message ? message : delta, "content"));
}

static int take_ollama(struct hl_answer *answer, const cJSON *root)
{
    note_tokens(&answer->prompt_tokens, root, "prompt_eval_count");
    note_tokens(&answer->answer_tokens, root, "eval_count");
    note_finish(answer, hl_json_string(root, "done_reason"));
    answer->ended |= hl_json_bool(root, "done") == 1;
    return tell(answer, hl_json_string(hl_json_get(root, "message"), "content"));
}

static cJSON *as_object(cJSON *root)
{
    if (cJSON_IsObject(root))
        return root;
    cJSON_Delete(root);
    return NULL;
}

/* An escaped NUL, which no C string can hold, reads as U+FFFD. */
static cJSON *parse_without_nul(const struct hl_answer *answer, const char *text, size_t length)
{
    char *copy = hl_strndup(text, length);
    if (!copy)
        return NULL;
    for (size_t i = 0; i + 6 <= length; i++) {
        if (copy[i] != '\\')
            continue;
        if (memcmp(copy + i, "\\u0000", 6) == 0)
            memcpy(copy + i, "\\ufffd", 6);
        i++;
    }
    cJSON *root = hl_json_parse(copy, length, answer->max_depth);
    hl_free(copy);
    return as_object(root);
}

/* NULL: no JSON object. */
static cJSON *parse(const struct hl_answer *answer, const char *text, size_t length)
{
    if (memmem(text, length, "\\u0000", 6))
        return parse_without_nul(answer, text, length);
    return as_object(hl_json_parse(text, length, answer->max_depth));
}

static int take_document(struct hl_answer *answer, cJSON *root)
{
    if (!root)
        return unexpected();
    const cJSON *error = hl_json_get(root, "error");
    int code = HOMELAB_OK;
    answer->documents++;
    if (error && !cJSON_IsNull(error))
        answer->failed = true;
    else
        code = answer->ollama ? take_ollama(answer, root) : take_openai(answer, root);
    cJSON_Delete(root);
    return code;
}

static bool is_blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
            return false;
    return true;
}

static int keep(struct hl_buf *buf, const char *data, size_t length)
{
    hl_buf_append(buf, data, length);
    if (buf->failed == HOMELAB_E_LIMIT)
        return hl_error_set(HOMELAB_E_LIMIT, 0, "answer",
                            "answer: found more than %zu bytes without an end, expected fewer",
                            buf->max);
    return buf->failed ? hl_error_nomem() : HOMELAB_OK;
}

static int keep_line(struct hl_answer *answer, const char *line, size_t length)
{
    int code = keep(&answer->document, line, length);
    return code ? code : keep(&answer->document, "\n", 1);
}

static int end_document(struct hl_answer *answer)
{
    struct hl_buf *document = &answer->document;
    if (!document->length)
        return HOMELAB_OK;
    int code = take_document(answer, parse(answer, document->data, document->length));
    hl_buf_reset(document);
    return code;
}

/* JSON outside of events: an answer in one piece, maybe over many lines, or an error amid them. */
static int take_bare(struct hl_answer *answer, const char *line, size_t length)
{
    cJSON *root = parse(answer, line, length);
    if (root || answer->documents || line[0] != '{')
        return take_document(answer, root);
    answer->bare = true;
    return keep_line(answer, line, length);
}

static size_t byte_order_mark(const char *text, size_t length)
{
    return length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* A line of an event's data. Nearly always it is all of it, and is taken without waiting for the
 * blank line, which some servers forget. */
static int take_data(struct hl_answer *answer, const char *data, size_t length)
{
    if (answer->document.length)
        return keep_line(answer, data, length);
    while (length && *data == ' ') {
        data++;
        length--;
    }
    while (length && (unsigned char)data[length - 1] <= ' ')
        length--;
    if (length == 6 && memcmp(data, "[DONE]", 6) == 0)
        answer->ended = true;
    if (answer->ended || is_blank(data, length))
        return HOMELAB_OK;
    cJSON *root = parse(answer, data, length);
    return root ? take_document(answer, root) : keep_line(answer, data, length);
}

/* Of an event stream only lines with data count; comments and names of events are passed over. */
static int take_line(struct hl_answer *answer, const char *line, size_t length)
{
    size_t mark = answer->began ? 0 : byte_order_mark(line, length);
    line += mark;
    length -= mark;
    answer->began = true;
    if (answer->failed)
        return HOMELAB_OK;
    if (answer->bare)
        return keep_line(answer, line, length);
    if (is_blank(line, length))
        return end_document(answer);
    if (answer->ollama)
        return take_bare(answer, line, length);
    if (length >= 5 && memcmp(line, "data:", 5) == 0)
        return take_data(answer, line + 5, length - 5);
    return line[0] == '{' ? take_bare(answer, line, length) : HOMELAB_OK;
}

/* Lines end in LF, CR or both. */
static const char *line_end(const char *data, size_t length)
{
    const char *feed = memchr(data, '\n', length);
    const char *cr = memchr(data, '\r', feed ? (size_t)(feed - data) : length);
    return cr ? cr : feed;
}

int hl_answer_feed(struct hl_answer *answer, const char *data, size_t length)
{
    int code = HOMELAB_OK;
    while (length > 0 && !code && !answer->ended) {
        if (answer->after_cr && *data == '\n') {
            data++;
            length--;
        }
        const char *end = answer->streamed ? line_end(data, length) : NULL;
        answer->after_cr = end && *end == '\r';
        size_t some = end ? (size_t)(end - data) : length;
        /* A whole line at once is the rule, and needs no copy. */
        if (end && answer->pending.length == 0) {
            code = take_line(answer, data, some);
        } else {
            code = keep(&answer->pending, data, some);
            if (!code && end) {
                code = take_line(answer, answer->pending.data ? answer->pending.data : "",
                                 answer->pending.length);
                hl_buf_reset(&answer->pending);
            }
        }
        some += end != NULL;
        data += some;
        length -= some;
    }
    return code;
}

int hl_answer_end(struct hl_answer *answer)
{
    int code = HOMELAB_OK;
    size_t length = answer->pending.length;
    if (!answer->streamed) {
        size_t mark = byte_order_mark(answer->pending.data, length);
        code = take_document(
            answer, length ? parse(answer, answer->pending.data + mark, length - mark) : NULL);
        answer->ended = !code && !answer->failed;
        return code;
    }
    if (length)
        code = take_line(answer, answer->pending.data, length);
    if (!code)
        code = end_document(answer);
    /* OpenAI's last word may be missing where the model's is there. */
    bool complete = answer->ended || answer->whole || (!answer->ollama && answer->finish[0]);
    if (!code && !complete && !answer->failed)
        code = hl_error_set(HOMELAB_E_NET_CLOSED, 0, "answer",
                            "answer: found its end in the middle, expected the server to say that "
                            "it is complete");
    return code;
}
