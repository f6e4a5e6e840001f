#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/error.h"
#include "core/pattern.h"
#include "support/failmalloc.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool matches(const char *pattern, const char *text, bool fold)
{
    struct hl_pattern *compiled = NULL;
    assert_int_equal(hl_pattern_new(&compiled, pattern, fold), 0);
    bool found = hl_pattern_match(compiled, text, strlen(text), 0);
    hl_pattern_free(compiled);
    return found;
}

static void test_matches(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool fold, found;
    } cases[] = {
        {"", "", false, true},
        {"", "x", false, true},
        {"b", "abc", false, true},
        {"d", "abc", false, false},
        {"^b", "abc", false, false},
        {"c$", "abc", false, true},
        {"^abc$", "abc", false, true},
        {"a.c", "xabcx", false, true},
        {"a.c", "aäc", false, true},
        {"a..c", "aäc", false, false},
        {"[ä-ü]", "für", false, true},
        {"[^a-z]", "abc", false, false},
        {"[^a-z]", "aBc", false, true},
        {"[]x]", "]", false, true},
        {"[a-]", "-", false, true},
        {"ab*c", "ac", false, true},
        {"ab+c", "ac", false, false},
        {"ab?c", "abbc", false, false},
        {"(ab){2}", "ab", false, false},
        {"(ab){2}", "abab", false, true},
        {"^a{2,3}$", "a", false, false},
        {"^a{2,3}$", "aaa", false, true},
        {"^a{2,3}$", "aaaa", false, false},
        {"^a{0,2}$", "", false, true},
        {"^a{0,2}b$", "aaab", false, false},
        {"^a{2,}$", "aaaaaa", false, true},
        {"^(a|bc)+$", "abcbca", false, true},
        {"^(a|bc)+$", "abca b", false, false},
        {"one|two|three", "xx three", false, true},
        {"[[:digit:]]+-[[:alpha:]]", "17-b", false, true},
        {"\\d+\\s\\w", "17 b", false, true},
        {"\\bsql\\b", "some sql here", false, true},
        {"\\bsql\\b", "mysqld", false, false},
        {"\\.", "abc", false, false},
        {"\\.", "a.c", false, true},
        {"SELECT", "select 1", true, true},
        {"[S-U]elect", "select 1", true, true},
        {"SELECT", "select 1", false, false},
        {"(((a)))", "a", false, true},
        {"()", "", false, true},
        {"(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaac", false, false},
        {"日本", "これは日本語です", false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (matches(cases[i].pattern, cases[i].text, cases[i].fold) != cases[i].found)
            fail_msg("'%s' on '%s': expected %d", cases[i].pattern, cases[i].text, cases[i].found);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"(",
                                        "(a",
                                        "[a",
                                        "a{",
                                        "a{2",
                                        "a{3,2}",
                                        "*a",
                                        "a|*",
                                        "[z-a]",
                                        "\\",
                                        "(a)\\1",
                                        "a{256}",
                                        "[[:nope:]]",
                                        "((a{100}){100})",
                                        "a{99999999999}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct hl_pattern *compiled = NULL;
        if (hl_pattern_new(&compiled, wrong[i], false) != HOMELAB_E_SYNTAX)
            fail_msg("'%s' was taken", wrong[i]);
        assert_null(compiled);
        assert_non_null(strstr(homelab_error_message(), "expected"));
    }
    char deep[512];
    memset(deep, '(', 200);
    memset(deep + 200, ')', 200);
    deep[400] = '\0';
    struct hl_pattern *compiled = NULL;
    assert_int_equal(hl_pattern_new(&compiled, deep, false), HOMELAB_E_SYNTAX);
}

static void test_part_of_a_text(void **state)
{
    (void)state;
    struct hl_pattern *compiled = NULL;
    assert_int_equal(hl_pattern_new(&compiled, "^a|b$", false), 0);
    assert_true(hl_pattern_match(compiled, "ax", 2, 0));
    assert_false(hl_pattern_match(compiled, "ax", 2, HL_PATTERN_NOT_START));
    assert_true(hl_pattern_match(compiled, "xb", 2, 0));
    assert_false(hl_pattern_match(compiled, "xb", 2, HL_PATTERN_NOT_END));
    hl_pattern_free(compiled);
}

/* Random patterns, judged by the C library's own matcher. */
static void put_random(char *to, size_t *at, unsigned *seed, int depth)
{
    static const char *const atoms[] = {"a", "b", "c", ".", "[ab]", "[^a]", "ab"};
    for (int parts = rand_r(seed) % 3 + 1; parts > 0; parts--) {
        bool group = depth > 0 && rand_r(seed) % 3 == 0;
        if (group) {
            to[(*at)++] = '(';
            put_random(to, at, seed, depth - 1);
            if (rand_r(seed) % 2) {
                to[(*at)++] = '|';
                put_random(to, at, seed, depth - 1);
            }
            to[(*at)++] = ')';
        } else {
            const char *atom = atoms[rand_r(seed) % 7];
            memcpy(to + *at, atom, strlen(atom));
            *at += strlen(atom);
        }
        static const char *const repeats[] = {"", "", "", "*", "+", "?", "{2}", "{0,2}", "{1,}"};
        const char *repeat = repeats[rand_r(seed) % 9];
        memcpy(to + *at, repeat, strlen(repeat));
        *at += strlen(repeat);
    }
}

static void test_agrees_with_libc(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int i = 0; i < 3000; i++) {
        char pattern[2048], text[16];
        size_t length = 0;
        bool start = rand_r(&seed) % 2, end = rand_r(&seed) % 2;
        if (start)
            pattern[length++] = '^';
        pattern[length++] = '(';
        put_random(pattern, &length, &seed, 2);
        pattern[length++] = ')';
        if (end)
            pattern[length++] = '$';
        pattern[length] = '\0';
        struct hl_pattern *ours = NULL;
        regex_t theirs;
        assert_int_equal(hl_pattern_new(&ours, pattern, false), 0);
        assert_int_equal(regcomp(&theirs, pattern, REG_EXTENDED | REG_NOSUB), 0);
        for (int j = 0; j < 20; j++) {
            size_t size = (size_t)rand_r(&seed) % 9;
            for (size_t k = 0; k < size; k++)
                text[k] = (char)('a' + rand_r(&seed) % 3);
            text[size] = '\0';
            bool expected = regexec(&theirs, text, 0, NULL, 0) == 0;
            if (hl_pattern_match(ours, text, size, 0) != expected)
                fail_msg("'%s' on '%s': expected %d", pattern, text, expected);
        }
        regfree(&theirs);
        hl_pattern_free(ours);
    }
}

static void test_any_bytes(void **state)
{
    (void)state;
    struct hl_pattern *compiled = NULL;
    assert_int_equal(hl_pattern_new(&compiled, "x.y", false), 0);
    assert_true(hl_pattern_match(compiled, "x\xffy", 3, 0));
    assert_true(hl_pattern_match(compiled, "\xc3x\0y", 4, 0));
    assert_false(hl_pattern_match(compiled, "x\xf0\x9f", 3, 0));
    hl_pattern_free(compiled);
}

static int make(void *userdata)
{
    (void)userdata;
    struct hl_pattern *compiled = NULL;
    int code = hl_pattern_new(&compiled, "a", false);
    hl_pattern_free(compiled);
    return code ? failmalloc_failed(code) : 0;
}

static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation(make, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_part_of_a_text), cmocka_unit_test(test_agrees_with_libc),
        cmocka_unit_test(test_any_bytes),      cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
