#include "core/options.h"

#include "core/nearest.h"

#include <homelab/error.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failmalloc.h"

static int with_bag(void **state)
{
    return homelab_opts_new((homelab_opts **)state);
}

static int without_bag(void **state)
{
    homelab_opts_free(*state);
    return 0;
}

static void test_defaults_are_of_their_type_and_in_range(void **state)
{
    homelab_opts *opts = *state;
    assert_int_equal(homelab_option_count(), HL_OPT_COUNT);
    for (size_t i = 0; i < homelab_option_count(); i++) {
        const char *key = homelab_option_key(i);
        if (homelab_opts_set_text(opts, key, homelab_option_default(i)) != HOMELAB_OK)
            fail_msg("%s: %s", key, homelab_error_message());
        assert_true(strlen(homelab_option_text(i)) > 10);
        const char *since = homelab_option_since(i);
        assert_true(strcmp(since, "0.1.0") == 0 || strcmp(since, "0.2.0") == 0);
        assert_non_null(homelab_option_unit(i));
        assert_true(homelab_option_min(i) <= homelab_option_max(i));
    }
}

static void test_past_the_end(void **state)
{
    (void)state;
    size_t end = homelab_option_count();
    assert_null(homelab_option_key(end));
    assert_int_equal(homelab_option_type(end), 0);
    assert_null(homelab_option_default(end));
    assert_true(homelab_option_min(end) == 0 && homelab_option_max(end) == 0);
    assert_null(homelab_option_unit(end));
    assert_null(homelab_option_text(end));
    assert_null(homelab_option_since(SIZE_MAX));
}

static void test_texts(void **state)
{
    static const struct {
        const char *key, *text;
        int code;
        const char *message; /* a part of it */
    } cases[] = {
        {"log.ring", "0", 0, NULL},
        {"log.ring", "100000", 0, NULL},
        {"log.ring", "100001", HOMELAB_E_OPTION_VALUE, "found 100001, expected 0 to 100000 lines"},
        {"log.ring", "-1", HOMELAB_E_OPTION_VALUE, "found -1"},
        {"log.ring", "", HOMELAB_E_OPTION_VALUE, "found '', expected a whole number"},
        {"log.ring", "-", HOMELAB_E_OPTION_VALUE, "expected a whole number"},
        {"log.ring", " 5", HOMELAB_E_OPTION_VALUE, "expected a whole number"},
        {"log.ring", "5 ", HOMELAB_E_OPTION_VALUE, "expected a whole number"},
        {"log.ring", "+5", HOMELAB_E_OPTION_VALUE, "expected a whole number"},
        {"log.ring", "0x10", HOMELAB_E_OPTION_VALUE, "expected a whole number"},
        {"log.ring", "5.0", HOMELAB_E_OPTION_VALUE, "expected a whole number"},
        {"log.ring", "99999999999999999999", HOMELAB_E_OPTION_VALUE, "expected a whole number"},
        {"health.jitter", "0.25", 0, NULL},
        {"health.jitter", "5e-1", 0, NULL},
        {"health.jitter", "0,25", HOMELAB_E_OPTION_VALUE, "expected a number"},
        {"health.jitter", "nan", HOMELAB_E_OPTION_VALUE, "expected a number"},
        {"health.jitter", "1e999", HOMELAB_E_OPTION_VALUE, "expected a number"},
        {"health.jitter", "0.6", HOMELAB_E_OPTION_VALUE, "found 0.6, expected 0 to 0.5 share"},
        {"health.jitter", "", HOMELAB_E_OPTION_VALUE, "expected a number"},
        {"http.insecure", "true", 0, NULL},
        {"http.insecure", "no", 0, NULL},
        {"http.insecure", "TRUE", HOMELAB_E_OPTION_VALUE, "expected true or false"},
        {"http.insecure", "2", HOMELAB_E_OPTION_VALUE, "found '2'"},
        {"http.proxy", "", 0, NULL},
        {"http.proxy", "http://p:1", 0, NULL},
        {"http.proxy", "\xff", HOMELAB_E_OPTION_VALUE, "expected UTF-8"},
        {"log.rong", "1", HOMELAB_E_OPTION_UNKNOWN, "'log.rong': unknown, nearest is 'log.ring'"},
        {"LOG.RING", "1", HOMELAB_E_OPTION_UNKNOWN, "nearest is 'log.ring'"},
        {"", "1", HOMELAB_E_OPTION_UNKNOWN, "option '': unknown"},
        {"something.else.entirely", "1", HOMELAB_E_OPTION_UNKNOWN, "unknown"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int code = homelab_opts_set_text(*state, cases[i].key, cases[i].text);
        if (code != cases[i].code || code != homelab_error_code())
            fail_msg("%s=%s: %d %s", cases[i].key, cases[i].text, code, homelab_error_message());
        if (cases[i].message && !strstr(homelab_error_message(), cases[i].message))
            fail_msg("%s=%s: %s", cases[i].key, cases[i].text, homelab_error_message());
        assert_string_equal(homelab_error_subject(), code ? cases[i].key : "");
    }
}

static void test_typed_setters(void **state)
{
    homelab_opts *opts = *state;
    assert_int_equal(homelab_opts_set_int(opts, "log.ring", 7), 0);
    assert_int_equal(homelab_opts_get_int(opts, "log.ring"), 7);
    assert_int_equal(homelab_opts_set_int(opts, "log.ring", INT64_MAX), HOMELAB_E_OPTION_VALUE);
    assert_int_equal(homelab_opts_set_int(opts, "log.ring", INT64_MIN), HOMELAB_E_OPTION_VALUE);
    assert_int_equal(homelab_opts_get_int(opts, "log.ring"), 7);
    assert_int_equal(homelab_opts_set_double(opts, "log.ring", 7), HOMELAB_E_OPTION_VALUE);
    assert_string_equal(homelab_error_message(),
                        "option 'log.ring': found a number, expected a whole number");
    assert_int_equal(homelab_opts_set_double(opts, "health.jitter", NAN), HOMELAB_E_OPTION_VALUE);
    assert_int_equal(homelab_opts_set_double(opts, "health.jitter", 0.5), 0);
    assert_true(homelab_opts_get_double(opts, "health.jitter") == 0.5);
    assert_int_equal(homelab_opts_set_bool(opts, "http.insecure", true), 0);
    assert_true(homelab_opts_get_bool(opts, "http.insecure"));
    assert_int_equal(homelab_opts_set_bool(opts, "http.proxy", true), HOMELAB_E_OPTION_VALUE);
    assert_int_equal(homelab_opts_set_string(opts, "http.proxy", "a"), 0);
    assert_int_equal(homelab_opts_set_string(opts, "http.proxy", "b"), 0);
    assert_string_equal(homelab_opts_get_string(opts, "http.proxy"), "b");
    char *long_text = calloc(1, 4098);
    memset(long_text, 'x', 4097);
    assert_int_equal(homelab_opts_set_string(opts, "http.proxy", long_text),
                     HOMELAB_E_OPTION_VALUE);
    free(long_text);
}

static void test_wrong_arguments(void **state)
{
    homelab_opts *opts = *state;
    assert_int_equal(homelab_opts_new(NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_opts_set_int(NULL, "log.ring", 1), HOMELAB_E_INVALID);
    assert_int_equal(homelab_opts_set_bool(opts, NULL, true), HOMELAB_E_INVALID);
    assert_int_equal(homelab_opts_set_string(opts, "http.proxy", NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_opts_set_text(opts, "http.proxy", NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_opts_set_text(NULL, "http.proxy", ""), HOMELAB_E_INVALID);
    assert_int_equal(homelab_opts_set_allocator(NULL, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_opts_get_int(opts, "http.proxy"), 0);
    assert_int_equal(homelab_error_code(), HOMELAB_E_OPTION_VALUE);
    assert_null(homelab_opts_get_string(opts, "nope"));
    assert_int_equal(homelab_error_code(), HOMELAB_E_OPTION_UNKNOWN);
    assert_false(homelab_opts_get_bool(NULL, "http.insecure"));
    assert_true(homelab_opts_get_double(NULL, "health.jitter") == 0);
    homelab_opts_free(NULL);
}

static void test_inside(void **state)
{
    homelab_opts *opts = *state, *copy;
    assert_int_equal(hl_opt_int(NULL, HL_OPT_LOG_RING), 256);
    assert_true(hl_opt_double(NULL, HL_OPT_HEALTH_JITTER) == 0.1);
    assert_false(hl_opt_bool(NULL, HL_OPT_HTTP_INSECURE));
    assert_string_equal(hl_opt_string(NULL, HL_OPT_HTTP_PROXY), "");
    homelab_opts_set_int(opts, "log.ring", 9);
    homelab_opts_set_string(opts, "http.proxy", "p");
    assert_int_equal(hl_opts_copy(&copy, opts), 0);
    homelab_opts_set_string(opts, "http.proxy", "q");
    assert_int_equal(hl_opt_int(copy, HL_OPT_LOG_RING), 9);
    assert_int_equal(hl_opt_int(copy, HL_OPT_HEALTH_RISE), 2);
    assert_string_equal(hl_opt_string(copy, HL_OPT_HTTP_PROXY), "p");
    homelab_opts_free(copy);
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"endpoints", "nodes", "tiers", "models"};
    static const struct {
        const char *text, *nearest;
    } cases[] = {
        {"endpoint", "endpoints"},
        {"enpdoints", "endpoints"},
        {"Nodes", "nodes"},
        {"teirs", "tiers"},
        {"model", "models"},
        {"xyz", NULL},
        {"", NULL},
        {"containers", NULL},
        {"modes", "nodes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *nearest = hl_nearest(cases[i].text, names, 4);
        if (!cases[i].nearest)
            assert_null(nearest);
        else
            assert_string_equal(nearest, cases[i].nearest);
    }
    char endless[200] = {0};
    memset(endless, 'n', sizeof endless - 1);
    assert_null(hl_nearest(endless, names, 4));
}

static int make_and_copy(void *userdata)
{
    homelab_opts *opts, *copy;
    int code = homelab_opts_new(&opts);
    if (code)
        return failmalloc_failed(code);
    code = homelab_opts_set_string(opts, "http.proxy", userdata);
    if (!code)
        code = hl_opts_copy(&copy, opts);
    if (code)
        failmalloc_failed(code);
    else
        homelab_opts_free(copy);
    homelab_opts_free(opts);
    return code;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(make_and_copy, "http://127.0.0.1:1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults_are_of_their_type_and_in_range, with_bag,
                                        without_bag),
        cmocka_unit_test(test_past_the_end),
        cmocka_unit_test_setup_teardown(test_texts, with_bag, without_bag),
        cmocka_unit_test_setup_teardown(test_typed_setters, with_bag, without_bag),
        cmocka_unit_test_setup_teardown(test_wrong_arguments, with_bag, without_bag),
        cmocka_unit_test_setup_teardown(test_inside, with_bag, without_bag),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
