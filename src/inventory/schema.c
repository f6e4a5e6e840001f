#include "inventory/schema.h"

#include <string.h>

size_t hl_schema_find(const struct hl_schema_key *keys, const char *name)
{
    for (size_t i = 0; keys[i].name; i++)
        if (strcmp(keys[i].name, name) == 0)
            return i;
    return HL_SCHEMA_UNKNOWN;
}

size_t hl_schema_count(const struct hl_schema_key *keys)
{
    size_t count = 0;
    while (keys[count].name)
        count++;
    return count;
}

size_t hl_schema_word_count(const char *const *words)
{
    size_t count = 0;
    while (words[count])
        count++;
    return count;
}

static void put_words(struct hl_buf *buf, const char *const *words)
{
    for (size_t i = 0; words[i]; i++) {
        hl_buf_puts(buf, i ? ", " : "");
        hl_buf_puts(buf, words[i]);
    }
}

static void put_range(struct hl_buf *buf, const char *what, const struct hl_schema_key *key)
{
    hl_buf_puts(buf, what);
    hl_buf_puts(buf, " from ");
    hl_buf_number(buf, key->min);
    hl_buf_puts(buf, " to ");
    hl_buf_number(buf, key->max);
}

void hl_schema_expected(struct hl_buf *buf, const struct hl_schema_key *key)
{
    static const char *const fixed[] = {
        [HL_KIND_TEXT] = "a text",
        [HL_KIND_BOOL] = "true or false",
        [HL_KIND_ADDRESS] = "an address such as http://host:11434/api/tags",
        [HL_KIND_HOST] = "a host name or IP address",
        [HL_KIND_MAC] = "six pairs of hexadecimal digits such as aa:bb:cc:dd:ee:ff",
        [HL_KIND_SECRET] = "a reference such as env:NAME",
        [HL_KIND_ID] = "a text",
        [HL_KIND_TEXTS] = "a list of texts",
        [HL_KIND_IDS] = "a list of texts",
        [HL_KIND_OBJECT] = "a mapping",
        [HL_KIND_OBJECTS] = "a list of mappings",
        [HL_KIND_ITEMS] = "a mapping from ids to mappings",
    };
    switch (key->kind) {
    case HL_KIND_NUMBER:
        put_range(buf, "a number", key);
        break;
    case HL_KIND_INTEGER:
        put_range(buf, "a whole number", key);
        break;
    case HL_KIND_WORD:
        hl_buf_puts(buf, "one of ");
        put_words(buf, key->words);
        break;
    case HL_KIND_WORDS:
        hl_buf_puts(buf, "a list of ");
        put_words(buf, key->words);
        break;
    default:
        hl_buf_puts(buf, fixed[key->kind]);
        break;
    }
}

const char *hl_schema_id_expected(enum hl_id_rule rule)
{
    switch (rule) {
    case HL_ID_TIER:
        return "1 to 64 letters, digits, '.', '_' or '-'";
    case HL_ID_CONTAINER:
        return "1 to 128 letters, digits, '.', '_' or '-', the first one a letter or digit";
    case HL_ID_MODEL:
        return "1 to 256 bytes without control characters";
    case HL_ID_ITEM:
        break;
    }
    return "1 to 128 bytes without white space, commas, quotes and control characters";
}

static bool only(const char *id, const char *extra)
{
    for (; *id; id++) {
        bool letter = (*id >= 'a' && *id <= 'z') || (*id >= 'A' && *id <= 'Z');
        bool digit = *id >= '0' && *id <= '9';
        if (!letter && !digit && !strchr(extra, *id))
            return false;
    }
    return true;
}

static bool without(const char *id, const char *banned)
{
    for (; *id; id++)
        if ((unsigned char)*id < 0x20 || *id == 0x7F || strchr(banned, *id))
            return false;
    return true;
}

bool hl_schema_id_valid(enum hl_id_rule rule, const char *id)
{
    size_t length = strlen(id);
    size_t max = rule == HL_ID_TIER ? 64 : rule == HL_ID_MODEL ? 256 : 128;
    if (length == 0 || length > max)
        return false;
    switch (rule) {
    case HL_ID_TIER:
        return only(id, "._-");
    case HL_ID_CONTAINER:
        return only(id, "._-") && !strchr("._-", *id);
    case HL_ID_MODEL:
        return without(id, "");
    case HL_ID_ITEM:
        break;
    }
    return without(id, " ,\"'\\");
}

static void sort_keys(struct hl_value *map, const struct hl_schema_key *keys)
{
    for (size_t i = 1; i < map->count; i++) {
        struct hl_value *moved = map->items[i];
        size_t rank = hl_schema_find(keys, moved->key);
        size_t at = i;
        for (; at > 0 && hl_schema_find(keys, map->items[at - 1]->key) > rank; at--)
            map->items[at] = map->items[at - 1];
        map->items[at] = moved;
    }
}

void hl_schema_sort(struct hl_value *value, const struct hl_schema_key *key)
{
    struct hl_schema_key item = *key;
    item.kind = HL_KIND_OBJECT;
    switch (key->kind) {
    case HL_KIND_OBJECT:
        if (value->type != HL_VALUE_MAP)
            return;
        sort_keys(value, key->keys);
        for (size_t i = 0; i < value->count; i++) {
            size_t index = hl_schema_find(key->keys, value->items[i]->key);
            if (index != HL_SCHEMA_UNKNOWN)
                hl_schema_sort(value->items[i], &key->keys[index]);
        }
        break;
    case HL_KIND_OBJECTS:
    case HL_KIND_ITEMS:
        for (size_t i = 0; i < value->count; i++)
            hl_schema_sort(value->items[i], &item);
        break;
    default:
        break;
    }
}
