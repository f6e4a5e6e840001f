#include "core/buf.h"

#include "core/alloc.h"
#include "core/error.h"
#include "core/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hl_buf_init(struct hl_buf *buf, size_t max)
{
    *buf = (struct hl_buf){.max = max};
}

void hl_buf_free(struct hl_buf *buf)
{
    hl_free(buf->data);
    hl_buf_init(buf, buf->max);
}

void hl_buf_reset(struct hl_buf *buf)
{
    buf->length = 0;
    buf->failed = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

/* Makes room for length bytes and the final NUL. */
static bool reserve(struct hl_buf *buf, size_t length)
{
    if (buf->failed)
        return false;
    if (length > buf->max || buf->length > buf->max - length) {
        buf->failed = HOMELAB_E_LIMIT;
        return false;
    }
    size_t needed = buf->length + length + 1;
    if (needed <= buf->capacity)
        return true;
    size_t capacity = buf->capacity ? buf->capacity : 64;
    while (capacity < needed)
        capacity *= 2;
    char *data = hl_realloc(buf->data, capacity);
    if (!data) {
        buf->failed = HOMELAB_E_NOMEM;
        return false;
    }
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

void hl_buf_append(struct hl_buf *buf, const void *data, size_t length)
{
    if (!reserve(buf, length))
        return;
    if (length)
        memcpy(buf->data + buf->length, data, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
}

void hl_buf_puts(struct hl_buf *buf, const char *text)
{
    hl_buf_append(buf, text, strlen(text));
}

void hl_buf_putc(struct hl_buf *buf, char c)
{
    hl_buf_append(buf, &c, 1);
}

void hl_buf_printf(struct hl_buf *buf, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length >= 0 && reserve(buf, (size_t)length)) {
        vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
    va_end(arguments);
}

static void put_escape(struct hl_buf *buf, unsigned char c)
{
    static const char shorthand[] = "\bb\ff\nn\rr\tt\"\"\\\\";
    for (size_t i = 0; shorthand[i]; i += 2) {
        if ((unsigned char)shorthand[i] == c) {
            hl_buf_putc(buf, '\\');
            hl_buf_putc(buf, shorthand[i + 1]);
            return;
        }
    }
    hl_buf_printf(buf, "\\u%04x", c);
}

void hl_buf_json(struct hl_buf *buf, const char *text)
{
    if (!text) {
        hl_buf_puts(buf, "null");
        return;
    }
    hl_buf_json_bytes(buf, text, strlen(text));
}

void hl_buf_json_bytes(struct hl_buf *buf, const char *text, size_t length)
{
    hl_buf_putc(buf, '"');
    for (size_t at = 0; at < length;) {
        unsigned char c = (unsigned char)text[at];
        size_t step = hl_utf8_sequence(text + at, length - at);
        if (step == 0) {
            hl_buf_puts(buf, "\xEF\xBF\xBD");
            at++;
            continue;
        }
        if (c < 0x20 || c == '"' || c == '\\')
            put_escape(buf, c);
        else
            hl_buf_append(buf, text + at, step);
        at += step;
    }
    hl_buf_putc(buf, '"');
}

void hl_buf_number(struct hl_buf *buf, double value)
{
    if (!isfinite(value)) {
        hl_buf_puts(buf, "null");
        return;
    }
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    /* A host's locale may print another decimal point. */
    for (char *c = text; *c; c++)
        if (!strchr("+-0123456789e", *c))
            *c = '.';
    hl_buf_puts(buf, text);
}

char *hl_buf_take(struct hl_buf *buf)
{
    int failed = buf->failed;
    char *text = buf->data;
    if (!failed && !text) {
        text = hl_strdup("");
        failed = text ? 0 : HOMELAB_E_NOMEM;
    }
    hl_buf_init(buf, buf->max);
    if (!failed)
        return text;
    hl_free(text);
    if (failed == HOMELAB_E_NOMEM)
        hl_error_nomem();
    else
        hl_error_set(failed, 0, NULL, "text exceeds %zu bytes", buf->max);
    return NULL;
}
