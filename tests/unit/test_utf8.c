#include "core/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_sequences(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length, sequence;
    } cases[] = {
        {"", 0, 0},
        {"a", 1, 1},
        {"\0", 1, 1},
        {"\x7f", 1, 1},
        {"\x80", 1, 0},             /* a continuation alone */
        {"\xc0\x80", 2, 0},         /* overlong NUL */
        {"\xc1\xbf", 2, 0},         /* overlong */
        {"\xc2\x80", 2, 2},         /* U+0080 */
        {"\xc2", 1, 0},             /* cut */
        {"\xc2\x41", 2, 0},         /* no continuation */
        {"\xdf\xbf", 2, 2},         /* U+07FF */
        {"\xe0\x9f\xbf", 3, 0},     /* overlong */
        {"\xe0\xa0\x80", 3, 3},     /* U+0800 */
        {"\xed\x9f\xbf", 3, 3},     /* U+D7FF */
        {"\xed\xa0\x80", 3, 0},     /* surrogate */
        {"\xee\x80\x80", 3, 3},     /* U+E000 */
        {"\xef\xbf\xbf", 3, 3},     /* U+FFFF */
        {"\xe2\x82", 2, 0},         /* cut */
        {"\xf0\x8f\xbf\xbf", 4, 0}, /* overlong */
        {"\xf0\x90\x80\x80", 4, 4}, /* U+10000 */
        {"\xf4\x8f\xbf\xbf", 4, 4}, /* U+10FFFF */
        {"\xf4\x90\x80\x80", 4, 0}, /* above */
        {"\xf5\x80\x80\x80", 4, 0}, /* above */
        {"\xf0\x9f\x98", 3, 0},     /* cut */
        {"\xff", 1, 0},             /* never */
        {"\xf8\x88\x80\x80", 4, 0}, /* five bytes of old */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(hl_utf8_sequence(cases[i].bytes, cases[i].length), cases[i].sequence);
        assert_int_equal(hl_utf8_valid(cases[i].bytes, cases[i].length),
                         cases[i].length == cases[i].sequence);
    }
}

static void encode(uint32_t point, char *out, size_t *length)
{
    if (point < 0x80) {
        out[0] = (char)point;
        *length = 1;
    } else if (point < 0x800) {
        out[0] = (char)(0xC0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3F));
        *length = 2;
    } else if (point < 0x10000) {
        out[0] = (char)(0xE0 | point >> 12);
        out[1] = (char)(0x80 | (point >> 6 & 0x3F));
        out[2] = (char)(0x80 | (point & 0x3F));
        *length = 3;
    } else {
        out[0] = (char)(0xF0 | point >> 18);
        out[1] = (char)(0x80 | (point >> 12 & 0x3F));
        out[2] = (char)(0x80 | (point >> 6 & 0x3F));
        out[3] = (char)(0x80 | (point & 0x3F));
        *length = 4;
    }
}

static void test_every_code_point(void **state)
{
    (void)state;
    for (uint32_t point = 0; point < 0x110000; point++) {
        char bytes[4];
        size_t length = 0;
        encode(point, bytes, &length);
        bool surrogate = point >= 0xD800 && point < 0xE000;
        assert_int_equal(hl_utf8_valid(bytes, length), !surrogate);
    }
}

static void test_cut(void **state)
{
    (void)state;
    const char *text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
    static const size_t cuts[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11};
    for (size_t max = 0; max < sizeof cuts / sizeof *cuts; max++)
        assert_int_equal(hl_utf8_cut(text, strlen(text), max), cuts[max]);
    assert_int_equal(hl_utf8_cut("\x80\x80\x80", 3, 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
