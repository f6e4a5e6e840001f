#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/alloc.h"
#include "core/error.h"
#include "unit/value_problems.h"

#include <math.h>
#include <stdlib.h>

#define DEPTH 32

static struct hl_value *from_json(const char *text)
{
    struct problems problems = {0};
    struct hl_value *value = NULL;
    if (hl_value_read_json(&value, text, strlen(text), DEPTH, take_problem, &problems))
        fail_msg("%s: %s", text, problems.text);
    return value;
}

static void test_exact_texts(void **state)
{
    (void)state;
    struct hl_value *value = from_json(
        "{\"a\":{\"url\":\"http://h:1/x\",\"num\":8.50,\"t\":true,\"l\":[\"a\",\"b "
        "c\",1],\"z\":null,"
        "\"e\":{},\"f\":[]},\"g\":[{\"name\":\"no\",\"x\":\"1\"}],\"o k\":\"a\\nb\\u0001\"}");
    char *json = hl_value_write_json(value);
    assert_string_equal(json, "{\n"
                              "  \"a\": {\n"
                              "    \"url\": \"http://h:1/x\",\n"
                              "    \"num\": 8.50,\n"
                              "    \"t\": true,\n"
                              "    \"l\": [\"a\", \"b c\", 1],\n"
                              "    \"z\": null,\n"
                              "    \"e\": {},\n"
                              "    \"f\": []\n"
                              "  },\n"
                              "  \"g\": [\n"
                              "    {\n"
                              "      \"name\": \"no\",\n"
                              "      \"x\": \"1\"\n"
                              "    }\n"
                              "  ],\n"
                              "  \"o k\": \"a\\nb\\u0001\"\n"
                              "}\n");
    char *yaml = hl_value_write_yaml(value);
    assert_string_equal(yaml, "a:\n"
                              "  url: http://h:1/x\n"
                              "  num: 8.50\n"
                              "  t: true\n"
                              "  l: [a, \"b c\", 1]\n"
                              "  z: null\n"
                              "  e: {}\n"
                              "  f: []\n"
                              "g:\n"
                              "- name: \"no\"\n"
                              "  x: \"1\"\n"
                              "\"o k\": \"a\\nb\\x01\"\n");
    hl_free(json);
    hl_free(yaml);
    hl_value_free(value);
}

static void assert_round_trip(const struct hl_value *value)
{
    for (int yaml = 0; yaml < 2; yaml++) {
        char *text = yaml ? hl_value_write_yaml(value) : hl_value_write_json(value);
        assert_non_null(text);
        struct problems problems = {0};
        struct hl_value *again = NULL;
        int error =
            yaml ? hl_value_read_yaml(&again, text, strlen(text), DEPTH, take_problem, &problems)
                 : hl_value_read_json(&again, text, strlen(text), DEPTH, take_problem, &problems);
        if (error || !same_value(value, again))
            fail_msg("%d %s\n%s", error, problems.text, text);
        hl_value_free(again);
        hl_free(text);
    }
}

/* Texts that a careless writer would change. */
static const char *const texts[] = {
    "",
    "null",
    "~",
    "true",
    "False",
    "yes",
    "1",
    "-1.5e3",
    ".5",
    "0x1F",
    "012",
    "- a",
    "a: b",
    "a #b",
    "#",
    "'",
    "\"",
    " lead",
    "trail ",
    "a\nb",
    "a\n",
    "\n",
    "\t",
    "a\tb",
    "%a",
    "@a",
    "`a",
    "!a",
    "&a",
    "*a",
    "|",
    ">",
    "{a",
    "[a",
    "a,b",
    "a]",
    "?",
    "? a",
    ":",
    "a:",
    "---",
    "...",
    "\x01",
    "\x7F",
    "\r",
    "\r\n",
    "\xC2\x85",
    "\xE2\x80\xA8",
    "<<",
    "=",
    "\\",
    "\xEF\xBB\xBF",
    "\xEF\xBF\xBE",
    "\xF0\x9F\x98\x80",
    "\xC2\xA0",
    "a  b",
    "a\n\n b",
    "local/ollama",
    "qwen2.5-coder:7b",
    "${HOST}:1",
    "env:NAME",
    "\xEF\xBF\xBF",
    ("a long text with many words that a folding emitter would break into several lines at its "
     "width"),
};

static void test_awkward_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct hl_value *map = NULL;
        struct hl_value *list = NULL;
        struct hl_value *item = NULL;
        assert_int_equal(hl_value_new(&map, HL_VALUE_MAP), 0);
        assert_int_equal(hl_value_new(&list, HL_VALUE_LIST), 0);
        assert_int_equal(hl_value_new_string(&item, texts[i]), 0);
        assert_int_equal(hl_value_put(list, NULL, item), 0);
        assert_int_equal(hl_value_put(map, texts[i], list), 0);
        assert_int_equal(hl_value_new_string(&item, texts[i]), 0);
        assert_int_equal(hl_value_put(map, "plain", item), 0);
        assert_round_trip(map);
        hl_value_free(map);
    }
}

static uint32_t draw(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static struct hl_value *random_value(uint32_t *seed, int depth)
{
    struct hl_value *value = NULL;
    uint32_t kind = draw(seed) % (depth < 5 ? 6 : 4);
    if (kind == HL_VALUE_STRING) {
        assert_int_equal(
            hl_value_new_string(&value, texts[draw(seed) % (sizeof texts / sizeof *texts)]), 0);
        return value;
    }
    if (kind == HL_VALUE_NUMBER) {
        double number = ldexp((double)draw(seed) - 2147483648.0, (int)(draw(seed) % 200) - 100);
        assert_int_equal(hl_value_new_number(&value, number), 0);
        return value;
    }
    assert_int_equal(hl_value_new(&value, (enum hl_value_type)kind), 0);
    value->boolean = kind == HL_VALUE_BOOL && draw(seed) % 2;
    if (kind < HL_VALUE_LIST)
        return value;
    for (uint32_t n = draw(seed) % 5; n > 0; n--) {
        const char *key = texts[draw(seed) % (sizeof texts / sizeof *texts)];
        struct hl_value *item = random_value(seed, depth + 1);
        assert_int_equal(hl_value_put(value, kind == HL_VALUE_MAP ? key : NULL, item), 0);
    }
    return value;
}

static void test_random_trees(void **state)
{
    (void)state;
    uint32_t seed = 12345;
    for (int i = 0; i < 2000; i++) {
        struct hl_value *value = random_value(&seed, 0);
        assert_round_trip(value);
        struct hl_value *copy = NULL;
        assert_int_equal(hl_value_copy(&copy, value), 0);
        assert_true(same_value(value, copy));
        hl_value_free(copy);
        hl_value_free(value);
    }
}

static void test_editing(void **state)
{
    (void)state;
    struct hl_value *map = from_json("{\"a\":1,\"b\":[1,2,3],\"c\":3}");
    struct hl_value *item = NULL;
    assert_int_equal(hl_value_new_string(&item, "new"), 0);
    assert_int_equal(hl_value_put(map, "a", item), 0);
    hl_value_remove(map, 2);
    hl_value_remove(map->items[1], 0);
    char *text = hl_value_write_json(map);
    assert_string_equal(text, "{\n  \"a\": \"new\",\n  \"b\": [2, 3]\n}\n");
    hl_free(text);
    hl_value_free(map);
}

static void test_paths(void **state)
{
    (void)state;
    struct hl_buf path;
    hl_buf_init(&path, 1000);
    hl_value_path_key(&path, "endpoints");
    hl_value_path_key(&path, "local/ollama");
    hl_value_path_key(&path, "gpus");
    hl_value_path_index(&path, 2);
    hl_value_path_key(&path, "a\"b\n");
    hl_value_path_key(&path, "");
    assert_string_equal(path.data, "endpoints.\"local/ollama\".gpus[2].\"a\\\"b\\n\".\"\"");
    hl_buf_free(&path);
}

static void test_numbers(void **state)
{
    (void)state;
    double number;
    static const char *const good[] = {
        "0", "-0", "1.5", "1e5", "1E-5", "1e999", "12345678901234567890"};
    static const char *const bad[] = {"",    "-",   "+1",  "01", "1.", ".1",  "1e",  "1e+",
                                      "0x1", "nan", "inf", "1 ", " 1", "1,5", "1_0", "--1"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(hl_value_number(good[i], &number));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(hl_value_number(bad[i], &number));
    assert_true(hl_value_number("1e999", &number) && isinf(number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_texts),  cmocka_unit_test(test_awkward_texts),
        cmocka_unit_test(test_random_trees), cmocka_unit_test(test_editing),
        cmocka_unit_test(test_paths),        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
