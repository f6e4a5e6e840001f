#include "inventory/validate.h"

#include "core/alloc.h"
#include "core/secret.h"
#include "inventory/text.h"

#include <stdlib.h>
#include <string.h>

struct walk {
    homelab_report *report;
    struct hl_buf path;
};

static const char *path_of(const struct walk *walk)
{
    return walk->path.data ? walk->path.data : "";
}

/* Goes back to the path as it was when it had that length. */
static void pop(struct walk *walk, size_t length)
{
    walk->path.length = length;
    if (walk->path.data)
        walk->path.data[length] = '\0';
}

/* Adds the message; takes it. */
static void problem(struct walk *walk, int line, int column, struct hl_buf *message)
{
    if (message->failed || walk->path.failed)
        hl_report_nomem(walk->report);
    else
        hl_report_add(walk->report, line, column, path_of(walk), "%s", message->data);
    hl_buf_free(message);
}

static void start_message(struct hl_buf *message)
{
    hl_buf_init(message, HL_VALUE_MAX_TEXT);
    hl_buf_puts(message, "found ");
}

static void wrong_value(struct walk *walk, const struct hl_value *value,
                        const struct hl_schema_key *key)
{
    if (hl_report_full(walk->report))
        return;
    struct hl_buf message;
    start_message(&message);
    bool text = value->type == HL_VALUE_STRING;
    if (key->kind == HL_KIND_SECRET)
        hl_buf_puts(&message, hl_value_type_name(value->type));
    else if (text && !*value->text)
        hl_buf_puts(&message, "an empty text");
    else
        hl_report_describe(&message, value);
    hl_buf_puts(&message, ", expected ");
    hl_schema_expected(&message, key);
    bool scalar = value->type == HL_VALUE_NUMBER || value->type == HL_VALUE_BOOL;
    if (key->kind == HL_KIND_TEXT && scalar)
        hl_buf_puts(&message, " (in quotes)");
    if (key->words && text)
        hl_report_suggest(&message, value->text, key->words, hl_schema_word_count(key->words));
    problem(walk, value->line, value->column, &message);
}

static void check_secret(struct walk *walk, const struct hl_value *value)
{
    const char *expected = NULL;
    if (hl_secret_reference_valid(value->text, &expected))
        return;
    struct hl_buf message;
    start_message(&message);
    hl_buf_printf(&message,
                  "what is no reference (not repeated here: it may be a secret), expected %s",
                  expected ? expected : "a reference such as env:NAME");
    problem(walk, value->line, value->column, &message);
}

/* Pasted where the name of a file belongs. */
static void check_text(struct walk *walk, const struct hl_value *value,
                       const struct hl_schema_key *key)
{
    if (!strstr(value->text, "PRIVATE KEY-----"))
        return;
    struct hl_buf message;
    start_message(&message);
    hl_buf_puts(&message, "a private key (not repeated here), expected ");
    hl_schema_expected(&message, key);
    problem(walk, value->line, value->column, &message);
}

static bool is_number(const struct hl_value *value, const struct hl_schema_key *key)
{
    if (value->type != HL_VALUE_NUMBER)
        return false;
    bool within = value->number >= key->min && value->number <= key->max;
    if (!within || key->kind == HL_KIND_NUMBER)
        return within;
    double whole = (double)(int64_t)value->number;
    return whole >= value->number && whole <= value->number;
}

static bool is_word(const struct hl_value *value, const char *const *words)
{
    for (size_t i = 0; words[i]; i++)
        if (strcmp(words[i], value->text) == 0)
            return true;
    return false;
}

static bool scalar_fits(const struct hl_value *value, const struct hl_schema_key *key)
{
    char mac[HL_MAC_SIZE];
    bool text = value->type == HL_VALUE_STRING && *value->text;
    switch (key->kind) {
    case HL_KIND_NUMBER:
    case HL_KIND_INTEGER:
        return is_number(value, key);
    case HL_KIND_BOOL:
        return value->type == HL_VALUE_BOOL;
    case HL_KIND_WORD:
        return text && is_word(value, key->words);
    case HL_KIND_MAC:
        return text && hl_mac_normalize(mac, value->text);
    default:
        return text;
    }
}

static int compare_texts(const void *a, const void *b)
{
    const struct hl_value *one = *(const struct hl_value *const *)a;
    const struct hl_value *two = *(const struct hl_value *const *)b;
    int order = strcmp(one->text, two->text);
    if (order)
        return order;
    if (one->line != two->line)
        return one->line < two->line ? -1 : 1;
    return (one->column > two->column) - (one->column < two->column);
}

static void tell_repeated(struct walk *walk, const struct hl_value *again)
{
    struct hl_buf message;
    start_message(&message);
    hl_report_quote(&message, again->text);
    hl_buf_puts(&message, " a second time, expected it once");
    problem(walk, again->line, again->column, &message);
}

/* Sorted first: a hostile list may be long. */
static void check_repeated(struct walk *walk, const struct hl_value *list)
{
    if (list->count < 2)
        return;
    const struct hl_value **sorted = hl_reallocarray(NULL, list->count, sizeof *sorted);
    if (!sorted) {
        hl_report_nomem(walk->report);
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i]->type == HL_VALUE_STRING)
            sorted[count++] = list->items[i];
    qsort(sorted, count, sizeof *sorted, compare_texts);
    for (size_t i = 1; i < count; i++)
        if (strcmp(sorted[i - 1]->text, sorted[i]->text) == 0)
            tell_repeated(walk, sorted[i]);
    hl_free(sorted);
}

static void check_list(struct walk *walk, const struct hl_value *list,
                       const struct hl_schema_key *key)
{
    struct hl_schema_key item = *key;
    item.kind = key->kind == HL_KIND_WORDS ? HL_KIND_WORD : HL_KIND_TEXT;
    for (size_t i = 0; i < list->count; i++) {
        size_t length = walk->path.length;
        hl_value_path_index(&walk->path, i);
        if (!scalar_fits(list->items[i], &item))
            wrong_value(walk, list->items[i], &item);
        pop(walk, length);
    }
    check_repeated(walk, list);
}

static void unknown_key(struct walk *walk, const struct hl_value *value,
                        const struct hl_schema_key *keys)
{
    if (hl_report_full(walk->report))
        return;
    struct hl_buf message;
    start_message(&message);
    hl_buf_puts(&message, "an unknown key, expected one of ");
    const char *names[32];
    size_t count = hl_schema_count(keys);
    if (count > sizeof names / sizeof *names)
        count = sizeof names / sizeof *names;
    for (size_t i = 0; i < count; i++) {
        names[i] = keys[i].name;
        hl_buf_printf(&message, "%s%s", i ? ", " : "", keys[i].name);
    }
    hl_report_suggest(&message, value->key, names, count);
    problem(walk, value->key_line, value->key_column, &message);
}

static void check_required(struct walk *walk, const struct hl_value *map,
                           const struct hl_schema_key *keys)
{
    bool keyed = map->key_line > 0;
    for (size_t i = 0; keys[i].name; i++) {
        if (!keys[i].required || hl_value_get(map, keys[i].name))
            continue;
        size_t length = walk->path.length;
        hl_value_path_key(&walk->path, keys[i].name);
        struct hl_buf message;
        start_message(&message);
        hl_buf_puts(&message, "nothing, expected ");
        hl_schema_expected(&message, &keys[i]);
        problem(walk, keyed ? map->key_line : map->line, keyed ? map->key_column : map->column,
                &message);
        pop(walk, length);
    }
}

static void check_value(struct walk *walk, const struct hl_value *value,
                        const struct hl_schema_key *key);

static void check_object(struct walk *walk, const struct hl_value *map,
                         const struct hl_schema_key *keys)
{
    for (size_t i = 0; i < map->count; i++) {
        const struct hl_value *value = map->items[i];
        size_t length = walk->path.length;
        hl_value_path_key(&walk->path, value->key);
        size_t index = hl_schema_find(keys, value->key);
        if (index == HL_SCHEMA_UNKNOWN)
            unknown_key(walk, value, keys);
        else
            check_value(walk, value, &keys[index]);
        pop(walk, length);
    }
    check_required(walk, map, keys);
}

static void check_id(struct walk *walk, const struct hl_value *value, enum hl_id_rule rule)
{
    if (hl_schema_id_valid(rule, value->key))
        return;
    struct hl_buf message;
    start_message(&message);
    hl_buf_puts(&message, "the name ");
    hl_report_quote(&message, value->key);
    hl_buf_printf(&message, ", expected %s", hl_schema_id_expected(rule));
    problem(walk, value->key_line, value->key_column, &message);
}

static void check_items(struct walk *walk, const struct hl_value *map,
                        const struct hl_schema_key *key)
{
    struct hl_schema_key item = *key;
    item.kind = HL_KIND_OBJECT;
    for (size_t i = 0; i < map->count; i++) {
        size_t length = walk->path.length;
        hl_value_path_key(&walk->path, map->items[i]->key);
        check_id(walk, map->items[i], key->id_rule);
        check_value(walk, map->items[i], &item);
        pop(walk, length);
    }
}

static void check_objects(struct walk *walk, const struct hl_value *list,
                          const struct hl_schema_key *key)
{
    struct hl_schema_key item = *key;
    item.kind = HL_KIND_OBJECT;
    for (size_t i = 0; i < list->count; i++) {
        size_t length = walk->path.length;
        hl_value_path_index(&walk->path, i);
        check_value(walk, list->items[i], &item);
        pop(walk, length);
    }
}

/* Whether it is a container of the right kind. In YAML a mapping whose entries are all commented
 * out is null: that is an empty one. */
static bool container_fits(struct walk *walk, const struct hl_value *value,
                           const struct hl_schema_key *key, enum hl_value_type type)
{
    bool empty = type == HL_VALUE_MAP && value->type == HL_VALUE_NULL;
    if (value->type == type || empty)
        return true;
    wrong_value(walk, value, key);
    return false;
}

static void check_value(struct walk *walk, const struct hl_value *value,
                        const struct hl_schema_key *key)
{
    switch (key->kind) {
    case HL_KIND_OBJECT:
        if (container_fits(walk, value, key, HL_VALUE_MAP))
            check_object(walk, value, key->keys);
        return;
    case HL_KIND_ITEMS:
        if (container_fits(walk, value, key, HL_VALUE_MAP))
            check_items(walk, value, key);
        return;
    case HL_KIND_OBJECTS:
        if (container_fits(walk, value, key, HL_VALUE_LIST))
            check_objects(walk, value, key);
        return;
    case HL_KIND_TEXTS:
    case HL_KIND_IDS:
    case HL_KIND_WORDS:
        if (container_fits(walk, value, key, HL_VALUE_LIST))
            check_list(walk, value, key);
        return;
    default:
        break;
    }
    if (!scalar_fits(value, key))
        wrong_value(walk, value, key);
    else if (key->kind == HL_KIND_SECRET)
        check_secret(walk, value);
    else if (key->kind == HL_KIND_TEXT)
        check_text(walk, value, key);
}

void hl_inventory_validate(homelab_report *report, const struct hl_value *root)
{
    struct walk walk = {.report = report};
    hl_buf_init(&walk.path, HL_VALUE_MAX_TEXT);
    check_value(&walk, root, &hl_schema_document);
    hl_buf_free(&walk.path);
}
