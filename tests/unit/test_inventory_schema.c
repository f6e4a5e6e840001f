/* schema/inventory.schema.json and the key tables of docs/inventory.md are made from the table of
 * src/inventory/schema_keys.c: this compares them, and writes them when HOMELAB_UPDATE is set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/error.h"
#include "inventory/inventory.h"
#include "inventory/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOT TESTS_DATA "/../.."

static struct hl_value *new_value(enum hl_value_type type)
{
    struct hl_value *value = NULL;
    assert_int_equal(hl_value_new(&value, type), 0);
    return value;
}

static void put(struct hl_value *container, const char *key, struct hl_value *value)
{
    assert_int_equal(hl_value_put(container, key, value), 0);
}

static void put_text(struct hl_value *container, const char *key, const char *text)
{
    struct hl_value *value = NULL;
    assert_int_equal(hl_value_new_string(&value, text), 0);
    put(container, key, value);
}

static void put_number(struct hl_value *container, const char *key, double number)
{
    struct hl_value *value = NULL;
    assert_int_equal(hl_value_new_number(&value, number), 0);
    put(container, key, value);
}

static void put_bool(struct hl_value *container, const char *key, bool boolean)
{
    struct hl_value *value = new_value(HL_VALUE_BOOL);
    value->boolean = boolean;
    put(container, key, value);
}

static struct hl_value *put_map(struct hl_value *container, const char *key)
{
    struct hl_value *map = new_value(HL_VALUE_MAP);
    put(container, key, map);
    return map;
}

static struct hl_value *put_list(struct hl_value *container, const char *key)
{
    struct hl_value *list = new_value(HL_VALUE_LIST);
    put(container, key, list);
    return list;
}

static void put_words(struct hl_value *map, const char *const *words)
{
    struct hl_value *list = put_list(map, "enum");
    for (size_t i = 0; words[i]; i++)
        put_text(list, NULL, words[i]);
}

static void put_string(struct hl_value *map, const char *pattern)
{
    put_text(map, "type", "string");
    if (pattern)
        put_text(map, "pattern", pattern);
    else
        put_number(map, "minLength", 1);
}

static void put_range(struct hl_value *map, const struct hl_schema_key *key)
{
    put_text(map, "type", key->kind == HL_KIND_INTEGER ? "integer" : "number");
    put_number(map, "minimum", key->min);
    put_number(map, "maximum", key->max);
}

/* A mapping that needs no key may be null: in YAML all its entries may be commented out. */
static void put_object_type(struct hl_value *map, bool needs_keys)
{
    if (needs_keys) {
        put_text(map, "type", "object");
        return;
    }
    struct hl_value *types = put_list(map, "type");
    put_text(types, NULL, "object");
    put_text(types, NULL, "null");
}

static const char *id_pattern(enum hl_id_rule rule)
{
    switch (rule) {
    case HL_ID_TIER:
        return "^[A-Za-z0-9._-]{1,64}$";
    case HL_ID_CONTAINER:
        return "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$";
    case HL_ID_MODEL:
        return "^[^\\u0000-\\u001f\\u007f]{1,256}$";
    case HL_ID_ITEM:
        break;
    }
    return "^[^\\u0000-\\u0020\\u007f,\"'\\\\]{1,128}$";
}

static void put_schema(struct hl_value *map, const struct hl_schema_key *key);

static void put_object(struct hl_value *map, const struct hl_schema_key *keys)
{
    struct hl_value *required = new_value(HL_VALUE_LIST);
    for (size_t i = 0; keys[i].name; i++)
        if (keys[i].required)
            put_text(required, NULL, keys[i].name);
    put_object_type(map, required->count > 0);
    struct hl_value *properties = put_map(map, "properties");
    for (size_t i = 0; keys[i].name; i++)
        put_schema(put_map(properties, keys[i].name), &keys[i]);
    if (required->count)
        put(map, "required", required);
    else
        hl_value_free(required);
    put_bool(map, "additionalProperties", false);
}

static void put_array(struct hl_value *map, const struct hl_schema_key *key)
{
    put_text(map, "type", "array");
    struct hl_value *items = put_map(map, "items");
    if (key->kind == HL_KIND_OBJECTS) {
        put_object(items, key->keys);
        return;
    }
    if (key->kind == HL_KIND_WORDS)
        put_words(items, key->words);
    else
        put_string(items, NULL);
    put_bool(map, "uniqueItems", true);
}

static void put_kind(struct hl_value *map, const struct hl_schema_key *key)
{
    switch (key->kind) {
    case HL_KIND_TEXT:
    case HL_KIND_ID:
        put_string(map, NULL);
        break;
    case HL_KIND_NUMBER:
    case HL_KIND_INTEGER:
        put_range(map, key);
        break;
    case HL_KIND_BOOL:
        put_text(map, "type", "boolean");
        break;
    case HL_KIND_WORD:
        put_words(map, key->words);
        break;
    case HL_KIND_ADDRESS:
        put_string(map, "^([Hh][Tt][Tt][Pp][Ss]?://|[Tt][Cc][Pp]://|\\$\\{[A-Za-z_])");
        break;
    case HL_KIND_HOST:
        put_string(map, "^[^/@\\s]+$");
        break;
    case HL_KIND_MAC:
        put_string(map, "^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$");
        break;
    case HL_KIND_SECRET:
        put_string(map, "^env:[A-Za-z_][A-Za-z0-9_]*$");
        break;
    case HL_KIND_TEXTS:
    case HL_KIND_IDS:
    case HL_KIND_WORDS:
    case HL_KIND_OBJECTS:
        put_array(map, key);
        break;
    case HL_KIND_OBJECT:
        put_object(map, key->keys);
        break;
    case HL_KIND_ITEMS:
        put_object_type(map, false);
        put_text(put_map(map, "propertyNames"), "pattern", id_pattern(key->id_rule));
        put_object(put_map(map, "additionalProperties"), key->keys);
        break;
    }
}

static struct hl_value *parse_example(const struct hl_schema_key *key)
{
    struct hl_value *example = NULL;
    if (hl_value_read_json(&example, key->example, strlen(key->example), 32, NULL, NULL))
        fail_msg("%s: its example is not JSON: %s", key->name, key->example);
    return example;
}

static void put_schema(struct hl_value *map, const struct hl_schema_key *key)
{
    char text[512];
    bool fallback = key->fallback && strcmp(key->fallback, "none") != 0;
    snprintf(text, sizeof text, "%s%s%s%s", key->text, fallback ? " Default: " : "",
             fallback ? key->fallback : "", fallback ? "." : "");
    put_text(map, "description", text);
    put_kind(map, key);
    put(put_list(map, "examples"), NULL, parse_example(key));
}

static char *make_schema(void)
{
    struct hl_value *root = new_value(HL_VALUE_MAP);
    put_text(root, "$schema", "https://json-schema.org/draft/2020-12/schema");
    put_text(root, "$id", "urn:libhomelab:inventory:1");
    put_text(root, "title", "libhomelab inventory");
    put_text(root, "description",
             "Tiers, nodes, endpoints, containers and models of a home cluster. Made from "
             "src/inventory/schema_keys.c; the reference is docs/inventory.md.");
    put_object(root, hl_schema_document.keys);
    char *text = hl_value_write_json(root);
    hl_value_free(root);
    assert_non_null(text);
    return text;
}

static void put_type(struct hl_buf *buf, const struct hl_schema_key *key)
{
    static const char *const names[] = {
        [HL_KIND_TEXT] = "text",
        [HL_KIND_BOOL] = "true or false",
        [HL_KIND_ADDRESS] = "address",
        [HL_KIND_HOST] = "host",
        [HL_KIND_MAC] = "MAC address",
        [HL_KIND_SECRET] = "reference to a secret",
        [HL_KIND_ID] = "id",
        [HL_KIND_TEXTS] = "list of texts",
        [HL_KIND_IDS] = "list of ids",
        [HL_KIND_OBJECT] = "mapping, below",
        [HL_KIND_OBJECTS] = "list of mappings, below",
        [HL_KIND_ITEMS] = "mapping from ids, below",
    };
    switch (key->kind) {
    case HL_KIND_NUMBER:
    case HL_KIND_INTEGER:
    case HL_KIND_WORD:
    case HL_KIND_WORDS:
        hl_schema_expected(buf, key);
        break;
    default:
        hl_buf_puts(buf, names[key->kind]);
        break;
    }
}

static void put_table(struct hl_buf *buf, const char *path, const struct hl_schema_key *keys)
{
    hl_buf_printf(
        buf, "### %s\n\n| key | value | default | example | meaning |\n|---|---|---|---|---|\n",
        path);
    for (size_t i = 0; keys[i].name; i++) {
        hl_buf_printf(buf, "| `%s` | ", keys[i].name);
        put_type(buf, &keys[i]);
        hl_buf_printf(buf, " | %s | `%s` | %s |\n",
                      keys[i].required ? "**required**" : keys[i].fallback, keys[i].example,
                      keys[i].text);
    }
    hl_buf_putc(buf, '\n');
    for (size_t i = 0; keys[i].name; i++) {
        static const char *const forms[] = {
            [HL_KIND_OBJECT] = "", [HL_KIND_OBJECTS] = "[]", [HL_KIND_ITEMS] = ".ID"};
        if (!keys[i].keys)
            continue;
        char below[128];
        bool top = strcmp(path, "The document") == 0;
        snprintf(below, sizeof below, "%s%s%s%s", top ? "" : path, top ? "" : ".", keys[i].name,
                 forms[keys[i].kind]);
        put_table(buf, below, keys[i].keys);
    }
}

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    size_t length = fread(text, 1, (1 << 20) - 1, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

static void compare_or_write(const char *path, const char *wanted)
{
    if (getenv("HOMELAB_UPDATE")) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(fputs(wanted, file) >= 0, 1);
        assert_int_equal(fclose(file), 0);
        return;
    }
    char *found = read_whole(path);
    if (!found || strcmp(found, wanted) != 0)
        fail_msg("%s: not what src/inventory/schema_keys.c says; run this test with "
                 "HOMELAB_UPDATE=1",
                 path);
    free(found);
}

static void test_schema_file(void **state)
{
    (void)state;
    char *schema = make_schema();
    compare_or_write(ROOT "/schema/inventory.schema.json", schema);
    hl_free(schema);
}

static void test_reference_page(void **state)
{
    (void)state;
    static const char page[] = ROOT "/docs/inventory.md";
    static const char start[] = "<!-- keys: made from src/inventory/schema_keys.c -->\n";
    static const char end[] = "<!-- end of keys -->\n";
    char *text = read_whole(page);
    assert_non_null(text);
    char *first = strstr(text, start);
    char *last = strstr(text, end);
    assert_non_null(first);
    assert_non_null(last);
    struct hl_buf wanted;
    hl_buf_init(&wanted, 1 << 20);
    hl_buf_append(&wanted, text, (size_t)(first - text) + strlen(start));
    hl_buf_putc(&wanted, '\n');
    put_table(&wanted, "The document", hl_schema_document.keys);
    hl_buf_puts(&wanted, last);
    free(text);
    char *whole = hl_buf_take(&wanted);
    assert_non_null(whole);
    compare_or_write(page, whole);
    hl_free(whole);
}

/* Every word of the table is one that the library knows, and the other way round. */
static void test_words(void **state)
{
    (void)state;
    const struct hl_schema_key *keys = hl_schema_document.keys;
    const struct hl_schema_key *endpoint = keys[hl_schema_find(keys, "endpoints")].keys;
    const struct hl_schema_key *model = keys[hl_schema_find(keys, "models")].keys;
    const struct hl_schema_key *backend = &endpoint[hl_schema_find(endpoint, "backend")];
    const struct hl_schema_key *depth = &endpoint[hl_schema_find(endpoint, "depth")];
    const struct hl_schema_key *roles = &model[hl_schema_find(model, "roles")];
    assert_int_equal(hl_schema_word_count(backend->words), HOMELAB_BACKEND_TCP + 1);
    for (size_t i = 0; backend->words[i]; i++)
        assert_int_equal(homelab_backend_from_name(backend->words[i]), i);
    assert_int_equal(hl_schema_word_count(depth->words), HL_DEPTH_CANARY);
    for (size_t i = 0; depth->words[i]; i++)
        assert_int_equal(hl_depth_from_name(depth->words[i]), i + 1);
    assert_int_equal(hl_schema_word_count(roles->words), HL_CAP_COUNT);
    for (size_t i = 0; roles->words[i]; i++)
        assert_int_equal(hl_capability_from_name(roles->words[i]), i);
}

static void check_table(const struct hl_schema_key *keys)
{
    for (size_t i = 0; keys[i].name; i++) {
        assert_non_null(keys[i].text);
        assert_non_null(keys[i].example);
        assert_int_equal(keys[i].required, keys[i].fallback == NULL);
        bool number = keys[i].kind == HL_KIND_NUMBER || keys[i].kind == HL_KIND_INTEGER;
        assert_int_equal(number, keys[i].max > keys[i].min);
        bool words = keys[i].kind == HL_KIND_WORD || keys[i].kind == HL_KIND_WORDS;
        assert_int_equal(words, keys[i].words != NULL);
        if (keys[i].keys)
            check_table(keys[i].keys);
    }
}

static void test_table_is_complete(void **state)
{
    (void)state;
    check_table(hl_schema_document.keys);
}

/* The files that a reader copies: without a problem, and the same in JSON and YAML. */
static void test_examples(void **state)
{
    (void)state;
    static const char *const names[] = {"smallest", "home"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *texts[2];
        for (int yaml = 0; yaml < 2; yaml++) {
            char path[512];
            homelab_inventory *inventory = NULL;
            snprintf(path, sizeof path, "%s/examples/inventory/%s.%s", ROOT, names[i],
                     yaml ? "yaml" : "json");
            if (homelab_inventory_load_file(&inventory, path, NULL))
                fail_msg("%s", homelab_error_message());
            texts[yaml] = homelab_inventory_write(inventory, HOMELAB_FORMAT_JSON);
            homelab_inventory_unref(inventory);
        }
        assert_string_equal(texts[0], texts[1]);
        homelab_free(texts[0]);
        homelab_free(texts[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_is_complete), cmocka_unit_test(test_words),
        cmocka_unit_test(test_schema_file),       cmocka_unit_test(test_reference_page),
        cmocka_unit_test(test_examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
