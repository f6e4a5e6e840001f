#include "core/value.h"

#include "core/alloc.h"
#include "core/error.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *hl_value_type_name(enum hl_value_type type)
{
    static const char *const names[] = {
        [HL_VALUE_NULL] = "null",       [HL_VALUE_BOOL] = "true or false",
        [HL_VALUE_NUMBER] = "a number", [HL_VALUE_STRING] = "a text",
        [HL_VALUE_LIST] = "a list",     [HL_VALUE_MAP] = "a mapping",
    };
    return (size_t)type < sizeof names / sizeof *names ? names[type] : "?";
}

const struct hl_value *hl_value_get(const struct hl_value *map, const char *key)
{
    if (!map || map->type != HL_VALUE_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i]->key, key) == 0)
            return map->items[i];
    return NULL;
}

void hl_value_free(struct hl_value *value)
{
    if (!value)
        return;
    for (size_t i = 0; i < value->count; i++)
        hl_value_free(value->items[i]);
    hl_free(value->items);
    hl_free(value->text);
    hl_free(value->key);
    hl_free(value);
}

static bool plain_key(const char *key)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-$";
    return *key && key[strspn(key, plain)] == '\0';
}

void hl_value_path_key(struct hl_buf *path, const char *key)
{
    if (path->length)
        hl_buf_putc(path, '.');
    if (plain_key(key))
        hl_buf_puts(path, key);
    else
        hl_buf_json(path, key);
}

void hl_value_path_index(struct hl_buf *path, size_t index)
{
    hl_buf_printf(path, "[%zu]", index);
}

static const char *skip_digits(const char *text)
{
    return text + strspn(text, "0123456789");
}

/* RFC 8259 section 6. */
static bool json_number(const char *text)
{
    const char *at = *text == '-' ? text + 1 : text;
    const char *end = *at == '0' ? at + 1 : skip_digits(at);
    if (end == at)
        return false;
    if (*end == '.') {
        at = end + 1;
        end = skip_digits(at);
        if (end == at)
            return false;
    }
    if (*end == 'e' || *end == 'E') {
        at = end + 1;
        if (*at == '+' || *at == '-')
            at++;
        end = skip_digits(at);
        if (end == at)
            return false;
    }
    return *end == '\0';
}

bool hl_value_number(const char *text, double *number)
{
    if (!json_number(text))
        return false;
    /* glibc hands out its static "C" locale here: no allocation, nothing to fail. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    *number = c ? strtod_l(text, NULL, c) : NAN;
    if (c)
        freelocale(c);
    return true;
}

int hl_value_new(struct hl_value **out, enum hl_value_type type)
{
    struct hl_value *value = hl_calloc(1, sizeof *value);
    if (!value)
        return hl_error_nomem();
    value->type = type;
    *out = value;
    return HOMELAB_OK;
}

static int new_with_text(struct hl_value **out, enum hl_value_type type, char *text)
{
    struct hl_value *value = NULL;
    if (!text || hl_value_new(&value, type)) {
        hl_free(text);
        return hl_error_nomem();
    }
    value->text = text;
    *out = value;
    return HOMELAB_OK;
}

int hl_value_new_string(struct hl_value **out, const char *text)
{
    return new_with_text(out, HL_VALUE_STRING, hl_strdup(text));
}

int hl_value_new_number(struct hl_value **out, double number)
{
    struct hl_buf text;
    hl_buf_init(&text, 64);
    hl_buf_number(&text, number);
    int error = new_with_text(out, HL_VALUE_NUMBER, hl_buf_take(&text));
    if (!error)
        (*out)->number = number;
    return error;
}

static int copy_text(char **out, const char *text)
{
    *out = text ? hl_strdup(text) : NULL;
    return text && !*out ? hl_error_nomem() : HOMELAB_OK;
}

static int copy_items(struct hl_value *copy, const struct hl_value *value)
{
    if (value->count == 0)
        return HOMELAB_OK;
    copy->items = hl_reallocarray(NULL, value->count, sizeof *copy->items);
    if (!copy->items)
        return hl_error_nomem();
    copy->capacity = value->count;
    for (size_t i = 0; i < value->count; i++) {
        int error = hl_value_copy(&copy->items[i], value->items[i]);
        if (error)
            return error;
        copy->count++;
    }
    return HOMELAB_OK;
}

int hl_value_copy(struct hl_value **out, const struct hl_value *value)
{
    struct hl_value *copy = NULL;
    int error = hl_value_new(&copy, value->type);
    if (error)
        return error;
    copy->line = value->line;
    copy->column = value->column;
    copy->key_line = value->key_line;
    copy->key_column = value->key_column;
    copy->boolean = value->boolean;
    copy->number = value->number;
    error = copy_text(&copy->text, value->text);
    if (!error)
        error = copy_text(&copy->key, value->key);
    if (!error)
        error = copy_items(copy, value);
    if (error) {
        hl_value_free(copy);
        return error;
    }
    *out = copy;
    return HOMELAB_OK;
}

int hl_value_put(struct hl_value *container, const char *key, struct hl_value *value)
{
    for (size_t i = 0; key && i < container->count; i++) {
        struct hl_value *before = container->items[i];
        if (strcmp(before->key, key) != 0)
            continue;
        hl_free(value->key);
        value->key = before->key;
        before->key = NULL;
        hl_value_free(before);
        container->items[i] = value;
        return HOMELAB_OK;
    }
    if (hl_grow((void **)&container->items, &container->capacity, container->count,
                sizeof *container->items))
        return hl_error_nomem();
    char *name = NULL;
    if (copy_text(&name, key))
        return HOMELAB_E_NOMEM;
    hl_free(value->key);
    value->key = name;
    container->items[container->count++] = value;
    return HOMELAB_OK;
}

void hl_value_remove(struct hl_value *container, size_t index)
{
    hl_value_free(container->items[index]);
    container->count--;
    memmove(container->items + index, container->items + index + 1,
            (container->count - index) * sizeof *container->items);
}
