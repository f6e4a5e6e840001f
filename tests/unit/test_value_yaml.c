#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/error.h"
#include "unit/value_problems.h"

#include <stdlib.h>

#define DEPTH 32

static int read_text(struct hl_value **out, const char *text, struct problems *problems)
{
    return hl_value_read_yaml(out, text, strlen(text), DEPTH, take_problem, problems);
}

static void test_scalars(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum hl_value_type type;
        const char *as_text;
        double number;
        bool boolean;
    } cases[] = {
        {"null", HL_VALUE_NULL, NULL, 0, false},
        {"Null", HL_VALUE_NULL, NULL, 0, false},
        {"NULL", HL_VALUE_NULL, NULL, 0, false},
        {"~", HL_VALUE_NULL, NULL, 0, false},
        {"", HL_VALUE_NULL, NULL, 0, false},
        {"nUll", HL_VALUE_STRING, "nUll", 0, false},
        {"true", HL_VALUE_BOOL, NULL, 0, true},
        {"True", HL_VALUE_BOOL, NULL, 0, true},
        {"TRUE", HL_VALUE_BOOL, NULL, 0, true},
        {"tRUE", HL_VALUE_STRING, "tRUE", 0, false},
        {"false", HL_VALUE_BOOL, NULL, 0, false},
        {"FALSE", HL_VALUE_BOOL, NULL, 0, false},
        {"yes", HL_VALUE_STRING, "yes", 0, false},
        {"no", HL_VALUE_STRING, "no", 0, false},
        {"on", HL_VALUE_STRING, "on", 0, false},
        {"off", HL_VALUE_STRING, "off", 0, false},
        {"y", HL_VALUE_STRING, "y", 0, false},
        {"0", HL_VALUE_NUMBER, "0", 0, false},
        {"-1", HL_VALUE_NUMBER, "-1", -1, false},
        {"8", HL_VALUE_NUMBER, "8", 8, false},
        {"2.5", HL_VALUE_NUMBER, "2.5", 2.5, false},
        {"1e3", HL_VALUE_NUMBER, "1e3", 1000, false},
        {"+1", HL_VALUE_STRING, "+1", 0, false},
        {"012", HL_VALUE_STRING, "012", 0, false},
        {"0x1F", HL_VALUE_STRING, "0x1F", 0, false},
        {"0o17", HL_VALUE_STRING, "0o17", 0, false},
        {"1_000", HL_VALUE_STRING, "1_000", 0, false},
        {"12:30", HL_VALUE_STRING, "12:30", 0, false},
        {".5", HL_VALUE_STRING, ".5", 0, false},
        {"5.", HL_VALUE_STRING, "5.", 0, false},
        {".inf", HL_VALUE_STRING, ".inf", 0, false},
        {".nan", HL_VALUE_STRING, ".nan", 0, false},
        {"2026-01-01", HL_VALUE_STRING, "2026-01-01", 0, false},
        {"'1'", HL_VALUE_STRING, "1", 0, false},
        {"\"true\"", HL_VALUE_STRING, "true", 0, false},
        {"''", HL_VALUE_STRING, "", 0, false},
        {"|\n    12\n", HL_VALUE_STRING, "12\n", 0, false},
        {">-\n    a\n    b\n", HL_VALUE_STRING, "a b", 0, false},
        {"\"\\x41\\u00e9\\U0001F600\"", HL_VALUE_STRING, "A\xC3\xA9\xF0\x9F\x98\x80", 0, false},
        {"aa:bb:cc:dd:ee:ff", HL_VALUE_STRING, "aa:bb:cc:dd:ee:ff", 0, false},
        {"http://h:1/x # comment", HL_VALUE_STRING, "http://h:1/x", 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        snprintf(text, sizeof text, "k: %s", cases[i].text);
        struct problems problems = {0};
        struct hl_value *root = NULL;
        if (read_text(&root, text, &problems))
            fail_msg("%s: %s", text, problems.text);
        const struct hl_value *value = hl_value_get(root, "k");
        assert_non_null(value);
        if (value->type != cases[i].type)
            fail_msg("%s is %s", text, hl_value_type_name(value->type));
        if (cases[i].as_text)
            assert_string_equal(value->text, cases[i].as_text);
        assert_true(value->number >= cases[i].number && value->number <= cases[i].number);
        assert_int_equal(value->boolean, cases[i].boolean);
        hl_value_free(root);
    }
}

static void test_tree_and_positions(void **state)
{
    (void)state;
    struct problems problems = {0};
    struct hl_value *root = NULL;
    assert_int_equal(read_text(&root,
                               "---\n# first\n\xC3\xA9\xC3\xA9: \xC3\xA9 b\nendpoints:\n"
                               "  local/ollama:\n    timeout: 8\n    models: [a, 'b c']\n"
                               "  1: {}\nempty:\n...\n",
                               &problems),
                     HOMELAB_OK);
    assert_int_equal(root->count, 3);
    assert_int_equal(root->line, 3);
    assert_int_equal(root->column, 1);
    assert_int_equal(root->items[0]->column, 5);
    const struct hl_value *endpoints = hl_value_get(root, "endpoints");
    assert_int_equal(endpoints->key_line, 4);
    assert_int_equal(endpoints->line, 5);
    const struct hl_value *ollama = hl_value_get(endpoints, "local/ollama");
    const struct hl_value *timeout = hl_value_get(ollama, "timeout");
    assert_int_equal(timeout->line, 6);
    assert_int_equal(timeout->column, 14);
    assert_int_equal(timeout->key_column, 5);
    assert_string_equal(hl_value_get(ollama, "models")->items[1]->text, "b c");
    assert_int_equal(hl_value_get(endpoints, "1")->type, HL_VALUE_MAP);
    assert_int_equal(hl_value_get(root, "empty")->type, HL_VALUE_NULL);
    hl_value_free(root);
}

static void test_byte_order_mark_is_skipped(void **state)
{
    (void)state;
    struct problems problems = {0};
    struct hl_value *root = NULL;
    assert_int_equal(read_text(&root, "\xEF\xBB\xBFkey: value\n", &problems), HOMELAB_OK);
    assert_string_equal(root->items[0]->key, "key");
    hl_value_free(root);
}

static void test_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"", "1:1: : found an empty text, expected a value"},
        {"# only a comment\n", "1:1: : found an empty text, expected a value"},
        {"a: &x 1\nb: *x\n", "1:4: a: found an anchor, expected a value without one"},
        {"a: *x\n", "1:4: a: found an alias, expected the value itself"},
        {"a: !!str 1\n", "1:4: a: found a tag, expected a value without one"},
        {"a: ! 1\n", "1:4: a: found a tag, expected a value without one"},
        {"a: !!map {}\n", "1:4: a: found a tag, expected a value without one"},
        {"a: &l [1]\n", "1:4: a: found an anchor, expected a value without one"},
        {"&k a: 1\n", "1:1: : found an anchor, expected a value without one"},
        {"%TAG !e! tag:example,2000:\n---\na: 1\n",
         "1:1: : found a %TAG directive, expected a document without one"},
        {"a: 1\n---\nb: 2\n", "2:1: : found a second document, expected the end of the text"},
        {"? {a: 1}\n: 2\n", "1:3: : found a mapping as a key, expected a text as a key"},
        {"? [a]\n: 2\n", "1:3: : found a list as a key, expected a text as a key"},
        {"a: 1\nb:\n  c: 1\n  c: 2\na: 2\n",
         "4:3: b.c: found the key a second time (first in line 3), expected it once\n"
         "5:1: a: found the key a second time (first in line 1), expected it once"},
        {"a: \"\\0\"\n", "1:4: a: found the character U+0000, expected a text without it"},
        {"a: 1e999\n",
         "1:4: a: found a number beyond the range of a double, expected at most 1.79e308"},
        {"a: [1, 2\nb: 3\n",
         "2:2: a[2]: found what is no YAML (while parsing a flow sequence: did not "
         "find expected ',' or ']'), expected YAML 1.1"},
        {"a: b: c\n", "1:5: : found what is no YAML (mapping values are not allowed in this "
                      "context), expected YAML 1.1"},
        {"a:\n\t- 1\n", "2:1: a: found what is no YAML (while scanning for the next token: found "
                        "character that cannot start any token), expected YAML 1.1"},
        {"a: 'b\n", "2:1: a: found what is no YAML (while scanning a quoted scalar: found "
                    "unexpected end of stream), expected YAML 1.1"},
        {"\xC3\xA9: 1\nb: \x01\n",
         "2:4: : found the character U+0001, expected printable characters"},
        {"\xEF\xBB\xBF\xC3\xA9: \x02\n",
         "1:4: : found the character U+0002, expected printable characters"},
        {"a: \xC3\n", "1:4: : found the byte 0xC3, expected UTF-8"},
        {"\xFE\xFF\x00a", "1:1: : found UTF-16, expected UTF-8 without a byte order mark"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct problems problems = {0};
        struct hl_value *value = NULL;
        int error = read_text(&value, cases[i].text, &problems);
        if (error != HOMELAB_E_SYNTAX || strcmp(problems.text, cases[i].problem) != 0)
            fail_msg("%s: %d %s", cases[i].text, error, problems.text);
        hl_value_free(value);
    }
}

static void test_surrogate_escape(void **state)
{
    (void)state;
    struct problems problems = {0};
    struct hl_value *value = NULL;
    assert_int_equal(read_text(&value, "a: \"\\uD800\"\n", &problems), HOMELAB_E_SYNTAX);
    assert_string_equal(
        problems.text,
        "1:7: a: found what is no YAML (while parsing a quoted scalar: found invalid "
        "Unicode character escape code), expected YAML 1.1");
    assert_null(value);
}

static void test_depth(void **state)
{
    (void)state;
    char text[4096];
    struct problems problems = {0};
    struct hl_value *value = NULL;
    memset(text, '[', sizeof text);
    assert_int_equal(hl_value_read_yaml(&value, text, sizeof text, DEPTH, take_problem, &problems),
                     HOMELAB_E_LIMIT);
    assert_non_null(strstr(problems.text, "found nesting deeper than 32 levels"));
    size_t length = 0;
    for (int depth = 0; depth <= DEPTH; depth++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%*sa:\n", depth, "");
    problems = (struct problems){0};
    assert_int_equal(hl_value_read_yaml(&value, text, length, DEPTH, take_problem, &problems),
                     HOMELAB_E_LIMIT);
}

static void test_hostile_sizes(void **state)
{
    (void)state;
    const size_t size = 1 << 20;
    char *text = malloc(size);
    assert_non_null(text);
    static const char fills[] = "[{-?:,a0 '\"|>&*!%@`#\n\t";
    for (size_t i = 0; i + 1 < sizeof fills; i++) {
        struct problems problems = {0};
        struct hl_value *value = NULL;
        memset(text, fills[i], size);
        hl_value_read_yaml(&value, text, size, DEPTH, take_problem, &problems);
        hl_value_free(value);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_tree_and_positions),
        cmocka_unit_test(test_byte_order_mark_is_skipped),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_surrogate_escape),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_hostile_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
