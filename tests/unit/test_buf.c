#include "core/buf.h"

#include "core/alloc.h"

#include <homelab/error.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failmalloc.h"

static void test_building(void **state)
{
    (void)state;
    struct hl_buf buf;
    hl_buf_init(&buf, 1000);
    hl_buf_puts(&buf, "a");
    hl_buf_putc(&buf, 'b');
    hl_buf_append(&buf, "cde", 2);
    hl_buf_append(&buf, NULL, 0);
    hl_buf_printf(&buf, "%d-%s", 5, "x");
    assert_string_equal(buf.data, "abcd5-x");
    assert_int_equal(buf.length, 7);
    hl_buf_reset(&buf);
    assert_string_equal(buf.data, "");
    for (int i = 0; i < 100; i++)
        hl_buf_printf(&buf, "%010d", i);
    assert_int_equal(buf.length, 1000);
    char *text = hl_buf_take(&buf);
    assert_int_equal(strlen(text), 1000);
    hl_free(text);
    assert_null(buf.data);
    text = hl_buf_take(&buf);
    assert_string_equal(text, "");
    hl_free(text);
    hl_buf_reset(&buf);
    hl_buf_free(&buf);
}

static void test_cap(void **state)
{
    (void)state;
    struct hl_buf buf;
    hl_buf_init(&buf, 4);
    hl_buf_puts(&buf, "1234");
    assert_int_equal(buf.failed, 0);
    hl_buf_putc(&buf, '5');
    assert_int_equal(buf.failed, HOMELAB_E_LIMIT);
    assert_string_equal(buf.data, "1234");
    hl_buf_append(&buf, "", 0); /* nothing more until it is taken */
    assert_null(hl_buf_take(&buf));
    assert_int_equal(homelab_error_code(), HOMELAB_E_LIMIT);
    assert_string_equal(homelab_error_message(), "text exceeds 4 bytes");
    hl_buf_append(&buf, "x", SIZE_MAX);
    assert_int_equal(buf.failed, HOMELAB_E_LIMIT);
    hl_buf_free(&buf);
    hl_buf_init(&buf, 0);
    hl_buf_puts(&buf, "");
    assert_string_equal(buf.data, "");
    hl_buf_free(&buf);
}

static void test_json(void **state)
{
    (void)state;
    static const struct {
        const char *text, *json;
    } cases[] = {
        {NULL, "null"},
        {"", "\"\""},
        {"a\"b\\c/", "\"a\\\"b\\\\c/\""},
        {"\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\""},
        {"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {"a\xff\xc3", "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hl_buf buf;
        hl_buf_init(&buf, 100);
        hl_buf_json(&buf, cases[i].text);
        assert_string_equal(buf.data, cases[i].json);
        hl_buf_free(&buf);
    }
    struct hl_buf buf;
    hl_buf_init(&buf, 100);
    hl_buf_json_bytes(&buf, "\0a\0\xc3", 4);
    assert_string_equal(buf.data, "\"\\u0000a\\u0000\xef\xbf\xbd\"");
    hl_buf_free(&buf);
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1, "1"},
        {0.1, "0.1"},
        {1.5, "1.5"},
        {-2.25, "-2.25"},
        {1e21, "1e+21"},
        {1e-7, "1e-07"},
        {0.1 + 0.2, "0.30000000000000004"},
        {9007199254740991, "9007199254740991"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {5e-324, "4.94065645841247e-324"},
        {NAN, "null"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hl_buf buf;
        hl_buf_init(&buf, 100);
        hl_buf_number(&buf, cases[i].value);
        assert_string_equal(buf.data, cases[i].text);
        if (isfinite(cases[i].value))
            assert_true(strtod(buf.data, NULL) == cases[i].value);
        hl_buf_free(&buf);
    }
}

/* A thread of the host may have another locale. */
static void test_numbers_in_another_locale(void **state)
{
    (void)state;
    locale_t german = newlocale(LC_NUMERIC_MASK, "de_DE.UTF-8", (locale_t)0);
    if (!german)
        skip();
    locale_t before = uselocale(german);
    struct hl_buf buf;
    hl_buf_init(&buf, 100);
    hl_buf_number(&buf, 1234.5);
    uselocale(before);
    freelocale(german);
    assert_string_equal(buf.data, "1234.5");
    hl_buf_free(&buf);
}

static int one_run(void *userdata)
{
    (void)userdata;
    struct hl_buf buf;
    hl_buf_init(&buf, 100000);
    for (int i = 0; i < 300; i++) {
        hl_buf_printf(&buf, "%d ", i);
        hl_buf_json(&buf, "text\n");
        hl_buf_number(&buf, i / 3.0);
    }
    char *text = hl_buf_take(&buf);
    if (!text)
        return failmalloc_failed(homelab_error_code());
    hl_free(text);
    text = hl_buf_take(&buf);
    if (!text)
        return failmalloc_failed(homelab_error_code());
    hl_free(text);
    return HOMELAB_OK;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(one_run, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_building),
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_numbers_in_another_locale),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
