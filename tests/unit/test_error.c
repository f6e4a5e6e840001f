#include "core/error.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_record(void **state)
{
    (void)state;
    hl_error_clear();
    assert_int_equal(homelab_error_code(), 0);
    assert_string_equal(homelab_error_message(), "");
    assert_string_equal(homelab_error_subject(), "");
    assert_int_equal(hl_error_set(HOMELAB_E_NOT_FOUND, 404, "gpu0", "node '%s': not found", "gpu0"),
                     HOMELAB_E_NOT_FOUND);
    assert_int_equal(homelab_error_code(), HOMELAB_E_NOT_FOUND);
    assert_int_equal(homelab_error_sub_code(), 404);
    assert_string_equal(homelab_error_subject(), "gpu0");
    assert_string_equal(homelab_error_message(), "node 'gpu0': not found");
    struct hl_error kept;
    hl_error_save(&kept);
    hl_error_clear();
    assert_int_equal(hl_error_restore(&kept), HOMELAB_E_NOT_FOUND);
    assert_string_equal(homelab_error_message(), "node 'gpu0': not found");
    homelab_error_clear();
    assert_int_equal(homelab_error_code(), 0);
    assert_string_equal(homelab_error_message(), "");
}

static void test_texts_are_one_clean_line(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'm', sizeof text);
    /* The cut falls into a sequence of two. */
    memcpy(text + HL_ERROR_MESSAGE_MAX - 2, "\xc3\xa9", 2);
    memcpy(text + HL_ERROR_SUBJECT_MAX - 2, "\xc3\xa9", 2);
    text[sizeof text - 1] = '\0';
    hl_error_set(HOMELAB_E_INVALID, 0, text, "%s", text);
    assert_int_equal(strlen(homelab_error_message()), HL_ERROR_MESSAGE_MAX - 2);
    assert_int_equal(strlen(homelab_error_subject()), HL_ERROR_SUBJECT_MAX - 2);
    hl_error_set(HOMELAB_E_INVALID, 0, "a\nb", "a\r\nb\t\x7f\x1b[31mc");
    assert_string_equal(homelab_error_subject(), "a b");
    assert_string_equal(homelab_error_message(), "a  b   [31mc");
}

static void test_helpers(void **state)
{
    (void)state;
    assert_int_equal(hl_error_nomem(), HOMELAB_E_NOMEM);
    assert_string_equal(homelab_error_message(), "out of memory");
    assert_int_equal(hl_error_argument("timeout_ms", "1 or more"), HOMELAB_E_INVALID);
    assert_string_equal(homelab_error_message(), "timeout_ms: expected 1 or more");
    assert_int_equal(hl_error_system("file", "open", ENOENT), HOMELAB_E_SYSTEM);
    assert_string_equal(homelab_error_message(), "file: open: No such file or directory");
    assert_int_equal(homelab_error_sub_code(), ENOENT);
    assert_int_equal(hl_error_flags(0x10), HOMELAB_E_INVALID);
    struct hl_error error;
    hl_error_format(&error, -5, 6, NULL, "%d", 7);
    assert_int_equal(error.code, -5);
    assert_string_equal(error.message, "7");
    assert_string_equal(error.subject, "");
}

static void *other_thread(void *userdata)
{
    (void)userdata;
    assert_int_equal(homelab_error_code(), 0);
    hl_error_nomem();
    return NULL;
}

static void test_each_thread_has_its_own(void **state)
{
    (void)state;
    pthread_t thread;
    hl_error_set(HOMELAB_E_LIMIT, 0, NULL, "mine");
    assert_int_equal(pthread_create(&thread, NULL, other_thread, NULL), 0);
    pthread_join(thread, NULL);
    assert_string_equal(homelab_error_message(), "mine");
}

static void test_predicates_and_names(void **state)
{
    (void)state;
    static const struct {
        int code;
        const char *name;
        bool retryable, timeout, auth;
    } cases[] = {
        {HOMELAB_OK, "HOMELAB_OK", false, false, false},
        {HOMELAB_E_INVALID, "HOMELAB_E_INVALID", false, false, false},
        {HOMELAB_E_NOMEM, "HOMELAB_E_NOMEM", true, false, false},
        {HOMELAB_E_TIMEOUT, "HOMELAB_E_TIMEOUT", true, true, false},
        {HOMELAB_E_NET_DNS, "HOMELAB_E_NET_DNS", true, false, false},
        {HOMELAB_E_NET_CONNECT_TIMEOUT, "HOMELAB_E_NET_CONNECT_TIMEOUT", true, true, false},
        {HOMELAB_E_NET_CLOSED, "HOMELAB_E_NET_CLOSED", true, false, false},
        {HOMELAB_E_NET_CERTIFICATE, "HOMELAB_E_NET_CERTIFICATE", false, false, false},
        {HOMELAB_E_SECRET_REFUSED, "HOMELAB_E_SECRET_REFUSED", false, false, true},
        {HOMELAB_E_SECRET_UNAVAILABLE, "HOMELAB_E_SECRET_UNAVAILABLE", true, false, true},
        {-999, "HOMELAB_E_?", false, false, false},
        {5, "HOMELAB_E_?", false, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(homelab_error_name(cases[i].code), cases[i].name);
        assert_int_equal(homelab_error_is_retryable(cases[i].code), cases[i].retryable);
        assert_int_equal(homelab_error_is_timeout(cases[i].code), cases[i].timeout);
        assert_int_equal(homelab_error_is_auth(cases[i].code), cases[i].auth);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_texts_are_one_clean_line),
        cmocka_unit_test(test_helpers),
        cmocka_unit_test(test_each_thread_has_its_own),
        cmocka_unit_test(test_predicates_and_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
