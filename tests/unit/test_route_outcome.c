/* What a refusal says, and when it is of use to ask again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "route/outcome.h"

#include <homelab/router.h>
#include <string.h>

#define LOADING "{\"error\":{\"code\":503,\"message\":\"Loading model\"}}"

static int64_t again(int status, int64_t retry_after_s, const char *body, int64_t waited_ms)
{
    struct hl_http_result result = {.status = status,
                                    .body = body,
                                    .body_length = strlen(body),
                                    .retry_after_s = retry_after_s};
    return hl_again_ms(&result, waited_ms);
}

static void test_statuses(void **state)
{
    (void)state;
    assert_int_equal(hl_outcome_of_status(403), HOMELAB_OUTCOME_AUTH);
    assert_int_equal(hl_outcome_of_status(404), HOMELAB_OUTCOME_MODEL);
    assert_int_equal(hl_outcome_of_status(302), HOMELAB_OUTCOME_MODEL);
    assert_int_equal(hl_outcome_of_status(308), HOMELAB_OUTCOME_MODEL);
    assert_int_equal(hl_outcome_of_status(429), HOMELAB_OUTCOME_BUSY);
    assert_int_equal(hl_outcome_of_status(422), HOMELAB_OUTCOME_REJECTED);
    assert_int_equal(hl_outcome_of_status(502), HOMELAB_OUTCOME_SERVER_ERROR);
    assert_int_equal(hl_outcome_of_code(HOMELAB_E_NET_DNS), HOMELAB_OUTCOME_UNREACHABLE);
    assert_int_equal(hl_outcome_of_code(HOMELAB_E_NET_TIMEOUT), HOMELAB_OUTCOME_TIMEOUT);
}

static void test_when_to_ask_again(void **state)
{
    (void)state;
    assert_int_equal(again(429, 7, "", 0), 7000);
    assert_int_equal(again(429, 1, "", 3600000), 1000);
    /* At once is not taken at its word. */
    assert_int_equal(again(503, 0, "", 0), 500);
    assert_int_equal(again(429, 0, "", 8000), 2000);
    assert_int_equal(again(429, 0, "", 3600000), 4000);
    assert_int_equal(again(503, INT64_MAX, "", 0), INT64_C(86400000));
    assert_int_equal(again(503, -1, "Service Unavailable", 0), -1);
    assert_int_equal(again(429, -1, LOADING, 0), -1);
    assert_int_equal(again(500, 7, "", 0), -1);
    assert_int_equal(again(404, 7, LOADING, 0), -1);
    /* The longer it took so far, the longer it will take. */
    assert_int_equal(again(503, -1, LOADING, 0), 500);
    assert_int_equal(again(503, -1, LOADING, 8000), 2000);
    assert_int_equal(again(503, -1, LOADING, 3600000), 4000);
}

static void test_too_long(void **state)
{
    (void)state;
    assert_true(hl_says_too_long("{\"error\":{\"type\":\"exceed_context_size_error\"}}"));
    assert_true(hl_says_too_long("{\"error\":{\"code\":\"context_length_exceeded\"}}"));
    assert_false(hl_says_too_long("{\"error\":\"temperature\"}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_when_to_ask_again),
        cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
