#include "reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double longest_seconds = 1e7;

void sim_reader_free(struct sim_reader *reader)
{
    sim_buf_free(&reader->problems);
}

void sim_problem(struct sim_reader *reader, const char *where, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *separator = where[0] != '\0' ? ": " : "";
    sim_buf_printf(&reader->problems, "%s: %s%s%s\n", reader->name, where, separator, text);
    reader->count++;
}

cJSON *sim_read_text(struct sim_reader *reader, const char *text, size_t length)
{
    const char *end = text;
    cJSON *json = cJSON_ParseWithLengthOpts(text, length, &end, 0);
    size_t at = json != NULL ? (size_t)(end - text) : (size_t)(cJSON_GetErrorPtr() - text);
    if (json != NULL) {
        while (at < length && strchr(" \t\r\n", text[at]) != NULL && text[at] != '\0')
            at++;
        if (at == length)
            return json;
        cJSON_Delete(json);
    }
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < at && i < length; i++) {
        column = text[i] == '\n' ? 1 : column + 1;
        line += text[i] == '\n';
    }
    char where[64];
    snprintf(where, sizeof where, "%zu:%zu", line, column);
    sim_problem(reader, where, "found no valid JSON from here on, expected one JSON object");
    return NULL;
}

static const char *kind_name(const cJSON *json)
{
    if (cJSON_IsObject(json))
        return "an object";
    if (cJSON_IsArray(json))
        return "a list";
    if (cJSON_IsString(json))
        return "a string";
    if (cJSON_IsNumber(json))
        return "a number";
    if (cJSON_IsBool(json))
        return "a boolean";
    return "null";
}

static bool plain_key(const char *key)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return key[0] != '\0' && strspn(key, plain) == strlen(key);
}

void sim_object_where(const struct sim_object *object, const char *key, char out[static 256])
{
    const char *dot = object->where[0] != '\0' ? "." : "";
    const char *quote = plain_key(key) ? "" : "\"";
    int length = snprintf(out, 256, "%s%s%s%s%s", object->where, dot, quote, key, quote);
    if (length >= 256)
        memcpy(out + 252, "...", 4);
}

static void complain_about(struct sim_object *object, const char *key, const char *found,
                           const char *expected)
{
    char where[256];
    sim_object_where(object, key, where);
    sim_problem(object->reader, where, "found %s, expected %s", found, expected);
}

static void check_key(struct sim_object *object, const cJSON *item, const char *const *known)
{
    for (const cJSON *earlier = object->json->child; earlier != item; earlier = earlier->next) {
        if (strcmp(earlier->string, item->string) == 0)
            complain_about(object, item->string, "this key twice", "it once");
    }
    if (known == NULL)
        return;
    for (const char *const *name = known; *name != NULL; name++) {
        if (strcmp(*name, item->string) == 0)
            return;
    }
    char expected[128];
    const char *nearest = sim_nearest(item->string, known);
    if (nearest != NULL)
        snprintf(expected, sizeof expected, "a known one; the nearest is \"%s\"", nearest);
    else
        snprintf(expected, sizeof expected, "a known one, such as \"%s\"", known[0]);
    complain_about(object, item->string, "an unknown key", expected);
}

bool sim_object_open(struct sim_object *object, struct sim_reader *reader, const cJSON *json,
                     const char *where, const char *const *known)
{
    *object = (struct sim_object){.reader = reader, .json = json};
    snprintf(object->where, sizeof object->where, "%s", where);
    if (!cJSON_IsObject(json)) {
        sim_problem(reader, where, "found %s, expected an object", kind_name(json));
        return false;
    }
    for (const cJSON *item = json->child; item != NULL; item = item->next)
        check_key(object, item, known);
    return true;
}

static const cJSON *get(struct sim_object *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object->json, key);
}

const char *sim_get_string(struct sim_object *object, const char *key, const char *fallback)
{
    const cJSON *item = get(object, key);
    if (item == NULL)
        return fallback;
    if (cJSON_IsString(item))
        return item->valuestring;
    complain_about(object, key, kind_name(item), "a string");
    return fallback;
}

bool sim_get_bool(struct sim_object *object, const char *key, bool fallback)
{
    const cJSON *item = get(object, key);
    if (item == NULL)
        return fallback;
    if (cJSON_IsBool(item))
        return cJSON_IsTrue(item);
    complain_about(object, key, kind_name(item), "true or false");
    return fallback;
}

static double number_in_range(struct sim_object *object, const char *key, double low, double high,
                              bool whole, double fallback)
{
    const cJSON *item = get(object, key);
    if (item == NULL)
        return fallback;
    char expected[96];
    char found[64];
    snprintf(expected, sizeof expected, "%s from %.15g to %.15g", whole ? "an integer" : "a number",
             low, high);
    if (!cJSON_IsNumber(item)) {
        complain_about(object, key, kind_name(item), expected);
        return fallback;
    }
    double value = item->valuedouble;
    if (value >= low && value <= high && (!whole || floor(value) == value))
        return value;
    snprintf(found, sizeof found, "%.15g", value);
    complain_about(object, key, found, expected);
    return fallback;
}

double sim_get_number(struct sim_object *object, const char *key, double low, double high,
                      double fallback)
{
    return number_in_range(object, key, low, high, false, fallback);
}

int64_t sim_get_integer(struct sim_object *object, const char *key, int64_t low, int64_t high,
                        int64_t fallback)
{
    if (get(object, key) == NULL)
        return fallback;
    return (int64_t)number_in_range(object, key, (double)low, (double)high, true, (double)fallback);
}

int64_t sim_get_seconds(struct sim_object *object, const char *key, int64_t fallback_ms)
{
    if (get(object, key) == NULL)
        return fallback_ms;
    double seconds = number_in_range(object, key, 0, longest_seconds, false, -1);
    return seconds < 0 ? fallback_ms : (int64_t)llround(seconds * 1000);
}

int sim_get_choice(struct sim_object *object, const char *key, const char *const *names)
{
    const char *word = sim_get_string(object, key, NULL);
    if (word == NULL)
        return -1;
    struct sim_buf all = {0};
    for (int i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], word) == 0) {
            sim_buf_free(&all);
            return i;
        }
        sim_buf_printf(&all, "%s%s", i > 0 ? ", " : "one of ", names[i]);
    }
    char *found = sim_printf("\"%.60s\"", word);
    complain_about(object, key, found, all.data);
    free(found);
    sim_buf_free(&all);
    return -1;
}

char **sim_get_strings(struct sim_object *object, const char *key, size_t *count)
{
    *count = 0;
    const cJSON *list = get(object, key);
    if (list == NULL)
        return NULL;
    if (!cJSON_IsArray(list)) {
        complain_about(object, key, kind_name(list), "a list of strings");
        return NULL;
    }
    char **strings = sim_calloc((size_t)cJSON_GetArraySize(list), sizeof *strings);
    for (const cJSON *item = list->child; item != NULL; item = item->next) {
        if (cJSON_IsString(item))
            strings[(*count)++] = sim_strdup(item->valuestring);
        else
            complain_about(object, key, kind_name(item), "only strings in the list");
    }
    return strings;
}

void sim_strings_free(char **strings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(strings[i]);
    free(strings);
}
