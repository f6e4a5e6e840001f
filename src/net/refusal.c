#include "net/refusal.h"

#include "core/json.h"
#include "core/utf8.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define REFUSAL_DEPTH 16

static void take(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
    hl_text_clean(out, size);
}

static const char *first_string(const cJSON *object)
{
    static const char *const keys[] = {"message", "error", "detail", "status"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *text = hl_json_string(object, keys[i]);
        if (text)
            return text;
    }
    return "";
}

static void read_json(struct hl_refusal *out, const cJSON *root)
{
    const cJSON *error = hl_json_get(root, "error");
    const cJSON *source = cJSON_IsObject(error) ? error : root;
    take(out->message, sizeof out->message, first_string(source));
    const char *type = hl_json_string(source, "type");
    take(out->type, sizeof out->type, type ? type : "");
}

static bool is_html(const char *body, size_t length)
{
    while (length && (*body == ' ' || *body == '\n' || *body == '\r' || *body == '\t')) {
        body++;
        length--;
    }
    return length >= 5 && (!strncasecmp(body, "<!doc", 5) || !strncasecmp(body, "<html", 5));
}

/* The first line, at most size - 1 bytes. */
static void first_line(char *out, size_t size, const char *body, size_t length)
{
    size_t end = 0;
    while (end < length && end < size - 1 && body[end] && body[end] != '\n' && body[end] != '\r')
        end++;
    memcpy(out, body, end);
    out[end] = '\0';
    hl_text_clean(out, size);
}

void hl_refusal_read(struct hl_refusal *out, const char *body, size_t length)
{
    out->message[0] = out->type[0] = '\0';
    if (!body || !length)
        return;
    cJSON *root = hl_json_parse(body, length, REFUSAL_DEPTH);
    if (cJSON_IsObject(root))
        read_json(out, root);
    else if (is_html(body, length))
        take(out->message, sizeof out->message, "an HTML page");
    else
        first_line(out->message, sizeof out->message, body, length);
    cJSON_Delete(root);
}

bool hl_says_loading(const struct hl_http_result *result)
{
    if (result->code != HOMELAB_OK || result->status != 503)
        return false;
    struct hl_refusal error;
    hl_refusal_read(&error, result->body, result->body_length);
    return strcasestr(error.message, "loading") != NULL;
}

void hl_body_sample(char *out, size_t size, const char *body, size_t length)
{
    char line[41];
    if (!body || !length) {
        snprintf(out, size, "an empty body");
    } else if (is_html(body, length)) {
        snprintf(out, size, "an HTML page");
    } else {
        first_line(line, sizeof line, body, length);
        snprintf(out, size, "'%s'%s", line, length > strlen(line) ? " …" : "");
    }
}
