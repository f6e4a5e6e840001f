#include "core/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(literal) literal, sizeof literal - 1

static void takes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {TEXT("{}")},
        {TEXT(" \t\r\n[1, 2.5e3, -0, true, null] \n")},
        {TEXT("\"x\"")},
        {TEXT("{\"a\":{\"b\":[{}]}}")},
        {TEXT("\"\\u00e9 \\ud83d\\ude00 \xc3\xa9 { [ \\\" \\\\\"")},
        {TEXT("\"]]]]]]]]]\"")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        print_message("%s\n", cases[i].text);
        cJSON *document = hl_json_parse(cases[i].text, cases[i].length, 4);
        assert_non_null(document);
        cJSON_Delete(document);
    }
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {TEXT("")},
        {TEXT("   ")},
        {TEXT("{")},
        {TEXT("}")},
        {TEXT("][")},
        {TEXT("{\"a\":1")},
        {TEXT("{\"a\":1} x")},
        {TEXT("{}{}")},
        {TEXT("{}\0")},
        {TEXT("{\0}")},
        {TEXT("\"a\0b\"")},
        {TEXT("\"a\\u0000b\"")},
        {TEXT("\"\\u00")},
        {TEXT("\"\\u00zz\"")},
        {TEXT("\"\\ud800\"")},
        {TEXT("\"\\x\"")},
        {TEXT("\"open")},
        {TEXT("\"open\\")},
        {TEXT("\"line\nbreak\"")},
        {TEXT("\"\xff\"")},
        {TEXT("\"\xc0\x80\"")},
        {TEXT("\"\xed\xa0\x80\"")},
        {TEXT("\xef\xbb\xbf{}")},
        {TEXT("[1,]")},
        {TEXT("{a:1}")},
        {TEXT("// x\n{}")},
        {TEXT("nul")},
        {TEXT("\x01{}")},
        {TEXT("[[[[[]]]]]")},
        {TEXT("<html></html>")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* An exact heap copy lets the sanitizer see a read past the end. */
        char *copy = malloc(cases[i].length + !cases[i].length);
        assert_non_null(copy);
        memcpy(copy, cases[i].text, cases[i].length);
        cJSON *document = hl_json_parse(copy, cases[i].length, 4);
        free(copy);
        print_message("%zu: %s\n", i, cases[i].text);
        assert_null(document);
    }
    assert_null(hl_json_parse(NULL, 0, 4));
}

static void refuses_deep_nesting_before_recursing(void **state)
{
    (void)state;
    size_t length = 8 << 20;
    char *text = malloc(length);
    assert_non_null(text);
    memset(text, '[', length);
    assert_null(hl_json_parse(text, length, 512));
    free(text);
}

static void getters_are_typed(void **state)
{
    (void)state;
    static const char text[] = "{\"s\":\"x\",\"n\":2.5,\"i\":-7,\"big\":1e300,\"huge\":1e999,"
                               "\"limit\":9007199254740992,\"t\":true,\"f\":false,\"z\":null,"
                               "\"a\":[1],\"o\":{\"k\":1},\"S\":1}";
    cJSON *object = hl_json_parse(text, sizeof text - 1, 8);
    assert_non_null(object);
    assert_string_equal(hl_json_string(object, "s"), "x");
    assert_null(hl_json_string(object, "n"));
    assert_null(hl_json_string(object, "absent"));
    assert_true(hl_json_number(object, "n", 0) == 2.5);
    assert_true(hl_json_number(object, "s", -1) == -1);
    assert_true(hl_json_number(object, "huge", -1) == -1);
    assert_int_equal(hl_json_int(object, "i", 0), -7);
    assert_int_equal(hl_json_int(object, "n", -1), -1);
    assert_int_equal(hl_json_int(object, "big", -1), -1);
    assert_int_equal(hl_json_int(object, "limit", -1), INT64_C(9007199254740992));
    assert_int_equal(hl_json_int(object, "t", -1), -1);
    assert_int_equal(hl_json_bool(object, "t"), 1);
    assert_int_equal(hl_json_bool(object, "f"), 0);
    assert_int_equal(hl_json_bool(object, "z"), -1);
    assert_int_equal(hl_json_bool(object, "i"), -1);
    assert_non_null(hl_json_array(object, "a"));
    assert_null(hl_json_array(object, "o"));
    assert_non_null(hl_json_get(object, "o"));
    assert_null(hl_json_get(hl_json_get(object, "a"), "k"));
    assert_null(hl_json_get(NULL, "k"));
    assert_int_equal(hl_json_int(NULL, "k", 3), 3);
    assert_int_equal(hl_json_bool(NULL, "k"), -1);
    assert_null(hl_json_array(NULL, "k"));
    cJSON_Delete(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes),
        cmocka_unit_test(refuses),
        cmocka_unit_test(refuses_deep_nesting_before_recursing),
        cmocka_unit_test(getters_are_typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
