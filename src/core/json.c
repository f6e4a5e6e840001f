#include "core/json.h"

#include "core/utf8.h"

#include <math.h>
#include <string.h>

#define WHOLE_MAX 9007199254740992.0 /* 2^53: whole numbers of a double are exact up to here */

static bool space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Steps over printable ASCII but quotes and backslashes, eight at a time. */
static const char *skip_plain(const char *at, const char *end)
{
    static const uint64_t ones = UINT64_C(0x0101010101010101);
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
        /* The high bit of each byte that is zero, below a space, or not ASCII. */
        uint64_t found = (quote - ones) | (backslash - ones) | (word - ones * 0x20) | word;
        if (found & ones * 0x80)
            break;
        at += 8;
    }
    return at;
}

/* Steps over a string from behind its opening quote; NULL when it does not end or holds what cJSON
 * would take but strict JSON or a C string would not: raw control characters, an escaped NUL. */
static const char *skip_string(const char *at, const char *end)
{
    while (at < end) {
        at = skip_plain(at, end);
        if (at == end)
            return NULL;
        unsigned char c = (unsigned char)*at++;
        if (c == '"')
            return at;
        if (c < 0x20)
            return NULL;
        if (c != '\\')
            continue;
        if (at == end)
            return NULL;
        if (*at++ != 'u')
            continue;
        if (end - at < 4)
            return NULL;
        int value = 0;
        for (int i = 0; i < 4; i++, at++) {
            int digit = hex_digit(*at);
            if (digit < 0)
                return NULL;
            value = value * 16 + digit;
        }
        if (value == 0)
            return NULL;
    }
    return NULL;
}

/* cJSON recurses and takes any control character for white space, so what could hurt is refused
 * before it looks. */
static bool acceptable(const char *text, size_t length, int max_depth)
{
    const char *end = text + length;
    int depth = 0;
    for (const char *at = text; at < end;) {
        unsigned char c = (unsigned char)*at++;
        if (c == '"') {
            at = skip_string(at, end);
            if (!at)
                return false;
        } else if (c == '{' || c == '[') {
            if (++depth > max_depth)
                return false;
        } else if (c == '}' || c == ']') {
            depth--;
        } else if ((c < 0x20 && !space((char)c)) || c >= 0x7f) {
            return false;
        }
    }
    return depth == 0;
}

cJSON *hl_json_parse(const char *text, size_t length, int max_depth)
{
    if (!text || !acceptable(text, length, max_depth) || !hl_utf8_valid(text, length))
        return NULL;
    const char *end = NULL;
    cJSON *document = cJSON_ParseWithLengthOpts(text, length, &end, false);
    if (!document)
        return NULL;
    while (end < text + length && space(*end))
        end++;
    if (end == text + length)
        return document;
    cJSON_Delete(document);
    return NULL;
}

const cJSON *hl_json_get(const cJSON *object, const char *key)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

const char *hl_json_string(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(hl_json_get(object, key));
}

double hl_json_number(const cJSON *object, const char *key, double other)
{
    const cJSON *item = hl_json_get(object, key);
    return cJSON_IsNumber(item) && isfinite(item->valuedouble) ? item->valuedouble : other;
}

int64_t hl_json_int(const cJSON *object, const char *key, int64_t other)
{
    double value = hl_json_number(object, key, NAN);
    if (!(value >= -WHOLE_MAX && value <= WHOLE_MAX))
        return other;
    int64_t whole = (int64_t)value;
    return (double)whole == value ? whole : other;
}

int hl_json_bool(const cJSON *object, const char *key)
{
    const cJSON *item = hl_json_get(object, key);
    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : -1;
}

const cJSON *hl_json_array(const cJSON *object, const char *key)
{
    const cJSON *item = hl_json_get(object, key);
    return cJSON_IsArray(item) ? item : NULL;
}
