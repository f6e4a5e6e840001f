#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/error.h"
#include "support/failmalloc.h"
#include "unit/value_problems.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

#define DEPTH 32

static int read_text(struct hl_value **out, const char *text, struct problems *problems)
{
    return hl_value_read_json(out, text, strlen(text), DEPTH, take_problem, problems);
}

/* What RFC 8259 allows. */
static void test_accepts(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[]",
        "{}",
        " [ ] ",
        "[[]   ]",
        "[\"\"]",
        "[123]",
        "[123e65]",
        "[0e+1]",
        "[0e1]",
        "[ 4]",
        "[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]",
        "[20e1]",
        "[-0]",
        "[-123]",
        "[-1]",
        "[1E22]",
        "[1E-2]",
        "[1E+2]",
        "[123e45]",
        "[123.456e78]",
        "[1e-2]",
        "[1e+2]",
        "[123.456789]",
        "[1e-400]",
        "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}",
        "{\"\":0}",
        "{\"a\":[]}",
        "{\"title\":\"\\u041f\\u043e\\u043b\"}",
        "{\"a\":\n1\r\n}",
        "[\"\\u0060\\u012a\\u12AB\"]",
        "[\"\\uD801\\udc37\"]",
        "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]",
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
        "[\"\\\\u0000\"]",
        "[\"\\\\ud800\"]",
        "[\"\\\"\"]",
        "[\"a/*b*/c/*d//e\"]",
        "[\"\xF4\x8F\xBF\xBF\"]",
        "[\"\xEF\xBF\xBF\"]",
        "[\"\\uDBFF\\uDFFF\"]",
        "[\"new\\u000Aline\"]",
        "[\"\x7F\"]",
        "[\"\xE2\x80\xA8\"]",
        "[\"\\uFFFE\"]",
        "[\"\xE2\x8D\x82\xE3\x88\xB4\xE2\x8D\x82\"]",
        "false",
        "42",
        "-0.1",
        "null",
        "\"asd\"",
        "true",
        "[\"a\"]\n",
        "[true]",
        " [] ",
        "\t\n\r[\t1\n,\r2 ]\t",
        "42 ",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct problems problems = {0};
        struct hl_value *value = NULL;
        if (read_text(&value, texts[i], &problems))
            fail_msg("%s: %s", texts[i], problems.text);
        assert_non_null(value);
        hl_value_free(value);
    }
}

static const struct {
    const char *text, *problem;
} refused[] = {
    {"", "1:1: : found the end of the text, expected a value"},
    {" \n ", "2:2: : found the end of the text, expected a value"},
    {"[", "1:2: [0]: found the end of the text, expected a value or ']'"},
    {"[1", "1:3: [1]: found the end of the text, expected ',' or ']'"},
    {"[1,", "1:4: [1]: found the end of the text, expected a value"},
    {"{", "1:2: : found the end of the text, expected a key in double quotes or '}'"},
    {"{\"a\"", "1:5: a: found the end of the text, expected ':'"},
    {"{\"a\":", "1:6: a: found the end of the text, expected a value"},
    {"{\"a\":1", "1:7: : found the end of the text, expected ',' or '}'"},
    {"[1,]", "1:4: [1]: found ']', expected a value"},
    {"[1,,2]", "1:4: [1]: found ',', expected a value"},
    {"[,1]", "1:2: [0]: found ',', expected a value or ']'"},
    {"[1 2]", "1:4: [1]: found a number, expected ',' or ']'"},
    {"[1:2]", "1:3: [1]: found ':', expected ',' or ']'"},
    {"[1}", "1:3: [1]: found '}', expected ',' or ']'"},
    {"[\"a\" \"b\"]", "1:6: [1]: found a string, expected ',' or ']'"},
    {"{\"a\":1,}", "1:8: : found '}', expected a key in double quotes"},
    {"{,\"a\":1}", "1:2: : found ',', expected a key in double quotes or '}'"},
    {"{\"a\" 1}", "1:6: a: found a number, expected ':'"},
    {"{\"a\",1}", "1:5: a: found ',', expected ':'"},
    {"{\"a\"::1}", "1:6: a: found ':', expected a value"},
    {"{\"a\":1 \"b\":2}", "1:8: : found a string, expected ',' or '}'"},
    {"{\"a\":1,,\"b\":2}", "1:8: : found ',', expected a key in double quotes"},
    {"{1:1}", "1:2: : found a number, expected a key in double quotes or '}'"},
    {"{null:1}", "1:2: : found 'null', expected a key in double quotes or '}'"},
    {"{a:1}", "1:2: : found text without quotes, expected a key in double quotes or '}'"},
    {"{'a':1}", "1:2: : found a single quote, expected a key in double quotes or '}'"},
    {"{[]:1}", "1:2: : found '[', expected a key in double quotes or '}'"},
    {"{\"a\":1}}", "1:8: : found '}', expected the end of the text"},
    {"[1] x", "1:5: : found text without quotes, expected the end of the text"},
    {"[1][2]", "1:4: : found '[', expected the end of the text"},
    {"1 2", "1:3: : found a number, expected the end of the text"},
    {"1,", "1:2: : found ',', expected the end of the text"},
    {"]", "1:1: : found ']', expected a value"},
    {"[tru]", "1:2: [0]: found text without quotes, expected a value or ']'"},
    {"[truex]", "1:6: [1]: found a malformed value, expected ',' or ']'"},
    {"[True]", "1:2: [0]: found 'True', expected a value or ']'"},
    {"[None]", "1:2: [0]: found 'None', expected a value or ']'"},
    {"[NaN]", "1:2: [0]: found 'NaN', expected a value or ']'"},
    {"[-Infinity]", "1:2: [0]: found '-Infinity', expected a value or ']'"},
    {"nul", "1:1: : found text without quotes, expected a value"},
    {"[01]", "1:3: [1]: found a malformed value, expected ',' or ']'"},
    {"[-01]", "1:4: [1]: found a malformed value, expected ',' or ']'"},
    {"[+1]", "1:2: [0]: found a malformed number, expected a value or ']'"},
    {"[.5]", "1:2: [0]: found a malformed number, expected a value or ']'"},
    {"[1.]", "1:2: [0]: found a malformed number, expected a value or ']'"},
    {"[1.e1]", "1:2: [0]: found a malformed number, expected a value or ']'"},
    {"[1e]", "1:2: [0]: found a malformed number, expected a value or ']'"},
    {"[1e+]", "1:2: [0]: found a malformed number, expected a value or ']'"},
    {"[-]", "1:2: [0]: found a malformed number, expected a value or ']'"},
    {"[--1]", "1:2: [0]: found a malformed number, expected a value or ']'"},
    {"[0x1]", "1:3: [1]: found a malformed value, expected ',' or ']'"},
    {"[1_000]", "1:3: [1]: found a malformed value, expected ',' or ']'"},
    {"[\xEF\xBC\x91]", "1:2: [0]: found text without quotes, expected a value or ']'"},
    {"-", "1:1: : found a malformed number, expected a value"},
    {"[1e400]", "1:2: [0]: found a number beyond the range of a double, expected at most 1.79e308"},
    {"[-1e999]",
     "1:2: [0]: found a number beyond the range of a double, expected at most 1.79e308"},
    {"['a']", "1:2: [0]: found a single quote, expected a value or ']'"},
    {"[\"a]", "1:2: [0]: found a string without an end, expected '\"' behind it"},
    {"[\"a\\", "1:2: [0]: found a string without an end, expected '\"' behind it"},
    {"[\"a\\\"]", "1:2: [0]: found a string without an end, expected '\"' behind it"},
    {"[\"a\nb\"]", "1:4: [0]: found a line break in a string, expected an escape such as \\n"},
    {"[\"a\tb\"]", "1:4: [0]: found the control character U+0009 in a string, expected an escape "
                   "such as \\n"},
    {"[\"\x1F\"]", "1:3: [0]: found the control character U+001F in a string, expected an escape "
                   "such as \\n"},
    {"[\"\xC3\xA9\\x\"]", "1:4: [0]: found the escape '\\x', expected one of \\\" \\\\ \\/ \\b \\f "
                          "\\n \\r \\t \\uXXXX"},
    {"[\"\\\xC3\xA9\"]", "1:3: [0]: found the escape '\\\xC3\xA9', expected one of \\\" \\\\ \\/ "
                         "\\b \\f \\n \\r \\t \\uXXXX"},
    {"[\"\\\t\"]", "1:3: [0]: found the escape '\\', expected one of \\\" \\\\ \\/ \\b \\f \\n \\r "
                   "\\t \\uXXXX"},
    {"[\"\\u12\"]",
     "1:3: [0]: found an unfinished escape '\\u', expected four hexadecimal digits after it"},
    {"[\"\\u12G4\"]",
     "1:3: [0]: found an unfinished escape '\\u', expected four hexadecimal digits after it"},
    {"[\"\\U0041\"]", "1:3: [0]: found the escape '\\U', expected one of \\\" \\\\ \\/ \\b \\f \\n "
                      "\\r \\t \\uXXXX"},
    {"[\"\\u0000\"]", "1:3: [0]: found the escape '\\u0000', expected a text without U+0000"},
    {"{\"a\\u0000\":1}", "1:4: : found the escape '\\u0000', expected a text without U+0000"},
    {"[\"x\\ud800\"]", "1:4: [0]: found the escape '\\ud800', expected a pair of surrogates"},
    {"[\"\\uDC00\"]", "1:3: [0]: found the escape '\\uDC00', expected a pair of surrogates"},
    {"[\"\\ud800\\ud800\"]", "1:3: [0]: found the escape '\\ud800', expected a pair of surrogates"},
    {"[\"\\ud800\\n\"]", "1:3: [0]: found the escape '\\ud800', expected a pair of surrogates"},
    {"[\"\\ud83d\\ude39\\ude39\"]",
     "1:15: [0]: found the escape '\\ude39', expected a pair of surrogates"},
    {"{\"\\ud800\":1}", "1:3: : found the escape '\\ud800', expected a pair of surrogates"},
    {"[1]\f", "1:4: : found the character U+000C, expected a space, tab or line break"},
    {"[\v1]", "1:2: : found the character U+000B, expected a space, tab or line break"},
    {"[1\x01]", "1:3: [1]: found the character U+0001, expected ',' or ']'"},
    {"// a\n[1]", "1:1: : found '/' (JSON has no comments), expected a value"},
    {"[1 /* b */]", "1:4: [1]: found '/' (JSON has no comments), expected ',' or ']'"},
    {"# a\n[1]", "1:1: : found '#', expected a value"},
    {"\xEF\xBB\xBF[1]", "1:1: : found a byte order mark, expected UTF-8 without one"},
    {"\xFF\xFE[", "1:1: : found UTF-16, expected UTF-8 without a byte order mark"},
    {"[\"\xC3\"]", "1:3: : found the byte 0xC3, expected UTF-8"},
    {"[\"\xE2\x82", "1:3: : found the byte 0xE2, expected UTF-8"},
    {"[\"\xC0\xAF\"]", "1:3: : found the byte 0xC0, expected UTF-8"},
    {"[\"\xED\xA0\x80\"]", "1:3: : found the byte 0xED, expected UTF-8"},
    {"[\"\xF4\x90\x80\x80\"]", "1:3: : found the byte 0xF4, expected UTF-8"},
    {"[\"\xE9\"]", "1:3: : found the byte 0xE9, expected UTF-8"},
    {"[\xC2\xA0]", "1:2: [0]: found text without quotes, expected a value or ']'"},
    {"{\"a\":{\"b c\":[1,\n  {\"d\" x}]}}", "2:8: a.\"b c\"[1].d: found text without quotes, "
                                            "expected ':'"},
    {"{\"api_key\":sk-1234}", "1:12: api_key: found text without quotes, expected a value"},
    {"{\r\n\"a\": 1,\r\"b\": x}", "3:6: b: found text without quotes, expected a value"},
};

static void test_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct problems problems = {0};
        struct hl_value *value = NULL;
        int error = read_text(&value, refused[i].text, &problems);
        if (error != HOMELAB_E_SYNTAX || strcmp(problems.text, refused[i].problem) != 0)
            fail_msg("%s: %d %s", refused[i].text, error, problems.text);
        assert_null(value);
        assert_int_equal(problems.count, 1);
    }
}

static void test_embedded_nul(void **state)
{
    (void)state;
    static const char outside[] = "[1,\0 2]";
    static const char inside[] = "[\"a\0b\"]";
    struct problems problems = {0};
    struct hl_value *value = NULL;
    assert_int_equal(
        hl_value_read_json(&value, outside, sizeof outside - 1, DEPTH, take_problem, &problems),
        HOMELAB_E_SYNTAX);
    assert_string_equal(problems.text, "1:4: [1]: found the character U+0000, expected a value");
    problems = (struct problems){0};
    assert_int_equal(
        hl_value_read_json(&value, inside, sizeof inside - 1, DEPTH, take_problem, &problems),
        HOMELAB_E_SYNTAX);
    assert_string_equal(problems.text, "1:4: [0]: found the control character U+0000 in a string, "
                                       "expected an escape such as \\n");
}

static void test_duplicates_are_all_told(void **state)
{
    (void)state;
    struct problems problems = {0};
    struct hl_value *value = NULL;
    int error = read_text(
        &value, "{\"a\": 1,\n \"b\": {\"x\": 1, \"\\u0078\": 2},\n \"a\": 3, \"a\": 4}", &problems);
    assert_int_equal(error, HOMELAB_E_SYNTAX);
    assert_string_equal(
        problems.text,
        "2:16: b.x: found the key a second time (first in line 2), expected it once\n"
        "3:2: a: found the key a second time (first in line 1), expected it once\n"
        "3:10: a: found the key a second time (first in line 1), expected it once");
    assert_non_null(value);
    assert_int_equal(value->count, 2);
    assert_string_equal(hl_value_get(value, "a")->text, "1");
    hl_value_free(value);
}

static void test_tree_and_positions(void **state)
{
    (void)state;
    struct problems problems = {0};
    struct hl_value *root = NULL;
    assert_int_equal(
        read_text(&root,
                  "{\n  \"\xC3\xA9\xC3\xA9\": \"\xF0\x9F\x98\x80\", \"n\" : [ -1.50e1, true,\n"
                  "\tnull, {\"k\":\"a\\u00e9\\ud83d\\ude00\\/\"} ]\n}\n",
                  &problems),
        HOMELAB_OK);
    assert_int_equal(root->type, HL_VALUE_MAP);
    assert_int_equal(root->count, 2);
    const struct hl_value *first = root->items[0];
    assert_string_equal(first->key, "\xC3\xA9\xC3\xA9");
    assert_string_equal(first->text, "\xF0\x9F\x98\x80");
    assert_int_equal(first->key_line, 2);
    assert_int_equal(first->key_column, 3);
    assert_int_equal(first->column, 9);
    const struct hl_value *list = hl_value_get(root, "n");
    assert_int_equal(list->key_column, 14);
    assert_int_equal(list->column, 20);
    assert_int_equal(list->count, 4);
    assert_string_equal(list->items[0]->text, "-1.50e1");
    assert_true(list->items[0]->number <= -15 && list->items[0]->number >= -15);
    assert_true(list->items[1]->boolean);
    assert_int_equal(list->items[1]->column, 31);
    assert_int_equal(list->items[2]->type, HL_VALUE_NULL);
    assert_int_equal(list->items[2]->line, 3);
    assert_int_equal(list->items[2]->column, 2);
    assert_string_equal(hl_value_get(list->items[3], "k")->text, "a\xC3\xA9\xF0\x9F\x98\x80/");
    assert_null(hl_value_get(root, "absent"));
    assert_null(hl_value_get(list, "n"));
    hl_value_free(root);
}

static void test_depth(void **state)
{
    (void)state;
    char text[2 * (DEPTH + 1) + 1];
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    text[2 * DEPTH] = '\0';
    struct problems problems = {0};
    struct hl_value *value = NULL;
    assert_int_equal(read_text(&value, text, &problems), HOMELAB_OK);
    hl_value_free(value);
    value = NULL;
    memset(text, '[', DEPTH + 1);
    text[DEPTH + 1] = '\0';
    assert_int_equal(read_text(&value, text, &problems), HOMELAB_E_LIMIT);
    assert_null(value);
    assert_non_null(strstr(problems.text, "1:33: [0]"));
    assert_non_null(strstr(problems.text, "found nesting deeper than 32 levels"));
}

static void test_hostile_sizes(void **state)
{
    (void)state;
    /* A million of each: open brackets, one string with and without escapes, digits, keys. */
    const size_t size = 1 << 20;
    char *text = malloc(size + 16);
    assert_non_null(text);
    struct problems problems = {0};
    struct hl_value *value = NULL;
    memset(text, '[', size);
    assert_int_equal(hl_value_read_json(&value, text, size, 512, take_problem, &problems),
                     HOMELAB_E_LIMIT);
    memset(text, 'x', size);
    text[0] = text[size - 1] = '"';
    assert_int_equal(hl_value_read_json(&value, text, size, DEPTH, take_problem, &problems),
                     HOMELAB_OK);
    assert_int_equal(strlen(value->text), size - 2);
    hl_value_free(value);
    for (size_t i = 1; i + 2 < size; i += 2)
        memcpy(text + i, "\\n", 2);
    text[size - 1] = '"';
    value = NULL;
    assert_int_equal(hl_value_read_json(&value, text, size, DEPTH, take_problem, &problems),
                     HOMELAB_OK);
    assert_int_equal(strlen(value->text), (size - 2) / 2);
    hl_value_free(value);
    value = NULL;
    memset(text, '9', size);
    assert_int_equal(hl_value_read_json(&value, text, size, DEPTH, take_problem, &problems),
                     HOMELAB_E_SYNTAX);
    free(text);
}

static void test_value_count_is_bounded(void **state)
{
    (void)state;
    size_t size = 2 * (size_t)HL_VALUE_MAX_COUNT + 2;
    char *text = malloc(size);
    assert_non_null(text);
    for (size_t i = 0; i < size; i += 2)
        memcpy(text + i, "0,", 2);
    text[0] = '[';
    text[1] = ' ';
    text[size - 1] = ']';
    struct problems problems = {0};
    struct hl_value *value = NULL;
    assert_int_equal(hl_value_read_json(&value, text, size, DEPTH, take_problem, &problems),
                     HOMELAB_E_LIMIT);
    assert_non_null(strstr(problems.text, "found more than 1000000 values"));
    free(text);
}

/* The decimal point of a host's locale changes nothing. */
static void test_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8"};
    const char *set = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !set; i++)
        set = setlocale(LC_NUMERIC, names[i]);
    struct problems problems = {0};
    struct hl_value *value = NULL;
    assert_int_equal(read_text(&value, "[1.5]", &problems), HOMELAB_OK);
    assert_true(value->items[0]->number > 1.4 && value->items[0]->number < 1.6);
    hl_value_free(value);
    setlocale(LC_NUMERIC, "C");
}

static int read_both(void *userdata)
{
    const char *text = userdata;
    for (int yaml = 0; yaml < 2; yaml++) {
        struct problems problems = {0};
        struct hl_value *value = NULL;
        int error =
            yaml ? hl_value_read_yaml(&value, text, strlen(text), DEPTH, take_problem, &problems)
                 : read_text(&value, text, &problems);
        char *json = error == HOMELAB_OK ? hl_value_write_json(value) : NULL;
        char *again = error == HOMELAB_OK ? hl_value_write_yaml(value) : NULL;
        bool failed = error == HOMELAB_OK && (!json || !again);
        hl_free(json);
        hl_free(again);
        hl_value_free(value);
        if (error == HOMELAB_E_NOMEM || failed)
            return failmalloc_failed(HOMELAB_E_NOMEM);
    }
    return HOMELAB_OK;
}

/* YAJL itself checks nothing that its allocator returns. */
static void test_allocation_failures(void **state)
{
    (void)state;
    static char text[] =
        "{\"endpoints\": {\"a\\nb\": {\"url\": \"x\\ty\", \"list\": [1, 2.5, true, null, \"z\"]},"
        "\"c\": {\"d\": 1, \"e\": 2}}}";
    static char duplicates[] = "{\"c\": {\"d\": 1, \"d\": 2}, \"e\": [[]]}";
    static char broken[] = "{\"c\": {\"d\": 1, \"d\": ]";
    fail_each_allocation(read_both, text);
    fail_each_allocation(read_both, duplicates);
    fail_each_allocation(read_both, broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_embedded_nul),
        cmocka_unit_test(test_duplicates_are_all_told),
        cmocka_unit_test(test_tree_and_positions),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_hostile_sizes),
        cmocka_unit_test(test_value_count_is_bounded),
        cmocka_unit_test(test_locale),
        cmocka_unit_test(test_allocation_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
