#include "core/value_reader.h"

#include "core/alloc.h"
#include "core/error.h"
#include "core/utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int hl_reader_init(struct hl_value_reader *reader, int max_depth, hl_problem_fn fn, void *userdata)
{
    *reader = (struct hl_value_reader){.fn = fn, .userdata = userdata};
    reader->max_depth = max_depth > 0 ? (size_t)max_depth : 1;
    reader->open = hl_calloc(reader->max_depth, sizeof *reader->open);
    return reader->open ? HOMELAB_OK : hl_error_nomem();
}

int hl_reader_finish(struct hl_value_reader *reader, struct hl_value **out)
{
    hl_free(reader->open);
    hl_free(reader->key);
    if (reader->error) {
        hl_value_free(reader->root);
        return reader->error;
    }
    *out = reader->root;
    return reader->duplicates ? HOMELAB_E_SYNTAX : HOMELAB_OK;
}

const struct hl_value *hl_reader_container(const struct hl_value_reader *reader)
{
    return reader->depth ? reader->open[reader->depth - 1] : NULL;
}

bool hl_reader_nomem(struct hl_value_reader *reader)
{
    reader->error = hl_error_nomem();
    return false;
}

/* Path of the next value. */
static void put_path(const struct hl_value_reader *reader, struct hl_buf *path)
{
    for (size_t i = 0; i < reader->depth; i++) {
        const struct hl_value *container = reader->open[i];
        bool innermost = i + 1 == reader->depth;
        if (container->type == HL_VALUE_LIST)
            hl_value_path_index(path, innermost ? container->count : container->count - 1);
        else if (!innermost)
            hl_value_path_key(path, container->items[container->count - 1]->key);
        else if (reader->keyed)
            hl_value_path_key(path, reader->key);
    }
}

static void tell(struct hl_value_reader *reader, struct hl_position at, const char *path,
                 const char *message)
{
    if (reader->fn)
        reader->fn(at.line, at.column, path, message, reader->userdata);
}

bool hl_reader_fail(struct hl_value_reader *reader, int code, struct hl_position at,
                    const char *format, ...)
{
    struct hl_buf path;
    hl_buf_init(&path, HL_VALUE_MAX_TEXT);
    put_path(reader, &path);
    char message[384];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    message[hl_utf8_cut(message, strlen(message), sizeof message - 4)] = '\0';
    reader->error = path.failed ? hl_error_nomem() : code;
    if (!path.failed)
        tell(reader, at, path.data ? path.data : "", message);
    hl_buf_free(&path);
    return false;
}

bool hl_reader_key(struct hl_value_reader *reader, struct hl_position at, const char *text,
                   size_t length)
{
    hl_free(reader->key);
    reader->key = hl_strndup(text, length);
    if (!reader->key)
        return hl_reader_nomem(reader);
    reader->key_position = at;
    reader->keyed = true;
    return true;
}

/* Puts value where the next value belongs; frees it on failure. */
static bool attach(struct hl_value_reader *reader, struct hl_value *value, struct hl_position at)
{
    value->line = at.line;
    value->column = at.column;
    if (++reader->values > HL_VALUE_MAX_COUNT) {
        hl_value_free(value);
        return hl_reader_fail(reader, HOMELAB_E_LIMIT, at,
                              "found more than %d values, expected fewer", HL_VALUE_MAX_COUNT);
    }
    if (reader->depth == 0) {
        reader->root = value;
        return true;
    }
    struct hl_value *container = reader->open[reader->depth - 1];
    if (hl_grow((void **)&container->items, &container->capacity, container->count,
                sizeof *container->items)) {
        hl_value_free(value);
        return hl_reader_nomem(reader);
    }
    if (container->type == HL_VALUE_MAP) {
        value->key = reader->key;
        value->key_line = reader->key_position.line;
        value->key_column = reader->key_position.column;
        reader->key = NULL;
        reader->keyed = false;
    }
    container->items[container->count++] = value;
    return true;
}

bool hl_reader_open(struct hl_value_reader *reader, struct hl_position at, enum hl_value_type type)
{
    if (reader->depth == reader->max_depth)
        return hl_reader_fail(reader, HOMELAB_E_LIMIT, at,
                              "found nesting deeper than %zu levels, expected at most that",
                              reader->max_depth);
    struct hl_value *value = NULL;
    if (hl_value_new(&value, type))
        return hl_reader_nomem(reader);
    if (!attach(reader, value, at))
        return false;
    reader->open[reader->depth++] = value;
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    const struct hl_value *one = *(struct hl_value *const *)a;
    const struct hl_value *two = *(struct hl_value *const *)b;
    int order = strcmp(one->key, two->key);
    if (order)
        return order;
    if (one->key_line != two->key_line)
        return one->key_line < two->key_line ? -1 : 1;
    return (one->key_column > two->key_column) - (one->key_column < two->key_column);
}

static bool tell_duplicate(struct hl_value_reader *reader, const struct hl_value *again,
                           const struct hl_value *first)
{
    struct hl_buf path;
    struct hl_buf message;
    hl_buf_init(&path, HL_VALUE_MAX_TEXT);
    hl_buf_init(&message, HL_VALUE_MAX_TEXT);
    put_path(reader, &path);
    hl_value_path_key(&path, again->key);
    hl_buf_printf(&message, "found the key a second time (first in line %d), expected it once",
                  first->key_line);
    bool told = !path.failed && !message.failed;
    if (told)
        tell(reader, (struct hl_position){again->key_line, again->key_column}, path.data,
             message.data);
    hl_buf_free(&path);
    hl_buf_free(&message);
    return told || hl_reader_nomem(reader);
}

static void drop_marked(struct hl_value *map)
{
    size_t kept = 0;
    for (size_t i = 0; i < map->count; i++) {
        if (map->items[i]->key_line < 0)
            hl_value_free(map->items[i]);
        else
            map->items[kept++] = map->items[i];
    }
    map->count = kept;
}

/* Sorting keeps this fast where somebody hands in a million keys. */
static bool check_duplicates(struct hl_value_reader *reader, struct hl_value *map)
{
    if (map->count < 2)
        return true;
    struct hl_value **sorted = hl_reallocarray(NULL, map->count, sizeof *sorted);
    if (!sorted)
        return hl_reader_nomem(reader);
    memcpy(sorted, map->items, map->count * sizeof *sorted);
    qsort(sorted, map->count, sizeof *sorted, compare_keys);
    const struct hl_value *first = sorted[0];
    bool duplicates = false;
    for (size_t i = 1; i < map->count && !reader->error; i++) {
        if (strcmp(first->key, sorted[i]->key) != 0) {
            first = sorted[i];
            continue;
        }
        duplicates = true;
        if (tell_duplicate(reader, sorted[i], first))
            sorted[i]->key_line = -1;
    }
    hl_free(sorted);
    if (duplicates)
        drop_marked(map);
    reader->duplicates |= duplicates;
    return !reader->error;
}

bool hl_reader_close(struct hl_value_reader *reader)
{
    struct hl_value *value = reader->open[reader->depth - 1];
    if (value->type == HL_VALUE_MAP) {
        /* Paths of duplicates are those of keys in this mapping, so it is still open. */
        reader->keyed = false;
        if (!check_duplicates(reader, value))
            return false;
    }
    reader->depth--;
    return true;
}

static struct hl_value *new_text(enum hl_value_type type, const char *text, size_t length)
{
    struct hl_value *value = NULL;
    if (hl_value_new(&value, type))
        return NULL;
    value->text = hl_strndup(text, length);
    if (value->text)
        return value;
    hl_value_free(value);
    return NULL;
}

bool hl_reader_string(struct hl_value_reader *reader, struct hl_position at, const char *text,
                      size_t length)
{
    struct hl_value *value = new_text(HL_VALUE_STRING, text, length);
    return value ? attach(reader, value, at) : hl_reader_nomem(reader);
}

bool hl_reader_number(struct hl_value_reader *reader, struct hl_position at, const char *text,
                      size_t length)
{
    struct hl_value *value = new_text(HL_VALUE_NUMBER, text, length);
    if (!value)
        return hl_reader_nomem(reader);
    if (hl_value_number(value->text, &value->number) && isfinite(value->number))
        return attach(reader, value, at);
    hl_value_free(value);
    return hl_reader_fail(reader, HOMELAB_E_SYNTAX, at,
                          "found a number beyond the range of a double, expected at most 1.79e308");
}

bool hl_reader_bool(struct hl_value_reader *reader, struct hl_position at, bool boolean)
{
    struct hl_value *value = NULL;
    if (hl_value_new(&value, HL_VALUE_BOOL))
        return hl_reader_nomem(reader);
    value->boolean = boolean;
    return attach(reader, value, at);
}

bool hl_reader_null(struct hl_value_reader *reader, struct hl_position at)
{
    struct hl_value *value = NULL;
    if (hl_value_new(&value, HL_VALUE_NULL))
        return hl_reader_nomem(reader);
    return attach(reader, value, at);
}

struct hl_position hl_position_advance(struct hl_position position, const char *from,
                                       const char *to)
{
    for (const char *c = from; c < to; c++) {
        bool line_end = *c == '\n' || (*c == '\r' && !(c + 1 < to && c[1] == '\n'));
        if (line_end) {
            position.line++;
            position.column = 1;
        } else if (((unsigned char)*c & 0xC0) != 0x80) {
            position.column++;
        }
    }
    return position;
}

bool hl_reader_check_text(struct hl_value_reader *reader, const char *text, size_t length)
{
    struct hl_position start = {1, 1};
    if (length > HL_VALUE_MAX_TEXT)
        return hl_reader_fail(reader, HOMELAB_E_LIMIT, start,
                              "found a text of %zu bytes, expected at most %zu", length,
                              HL_VALUE_MAX_TEXT);
    bool utf16 =
        length >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0);
    if (utf16)
        return hl_reader_fail(reader, HOMELAB_E_SYNTAX, start,
                              "found UTF-16, expected UTF-8 without a byte order mark");
    for (size_t at = 0; at < length;) {
        size_t step = hl_utf8_sequence(text + at, length - at);
        if (step == 0)
            return hl_reader_fail(
                reader, HOMELAB_E_SYNTAX, hl_position_advance(start, text, text + at),
                "found the byte 0x%02X, expected UTF-8", (unsigned)(unsigned char)text[at]);
        at += step;
    }
    return true;
}
