#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "route/breaker.h"

static const struct hl_breaker_policy policy = {.failures = 3, .open_ms = 1000, .max_ms = 3000};

static void test_opens_after_failures_in_a_row(void **state)
{
    (void)state;
    uint64_t word = hl_breaker_failure(0, &policy, false, 10);
    word = hl_breaker_failure(word, &policy, false, 20);
    assert_int_equal(hl_breaker_state(word, 30), HL_BREAKER_CLOSED);
    assert_int_equal(hl_breaker_success(), 0);
    word = hl_breaker_failure(word, &policy, false, 30);
    assert_int_equal(hl_breaker_state(word, 1029), HL_BREAKER_OPEN);
    assert_int_equal(hl_breaker_until_ms(word, 40), 1030);
    assert_int_equal(hl_breaker_state(word, 1030), HL_BREAKER_READY);
    assert_int_equal(hl_breaker_until_ms(word, 1030), 0);
}

static void test_one_is_enough(void **state)
{
    (void)state;
    uint64_t word = hl_breaker_failure(0, &policy, true, 0);
    assert_int_equal(hl_breaker_state(word, 999), HL_BREAKER_OPEN);
}

static void test_one_trial_at_a_time(void **state)
{
    (void)state;
    uint64_t word = hl_breaker_claim(hl_breaker_failure(0, &policy, true, 0), 1000);
    assert_int_equal(hl_breaker_state(word, 1001), HL_BREAKER_TRIAL);
    assert_int_equal(hl_breaker_state(hl_breaker_give_back(word, 1001), 1001), HL_BREAKER_READY);
    /* Whoever has it never came back. */
    assert_int_equal(hl_breaker_state(word, 1000 + 600000), HL_BREAKER_READY);
}

static void test_each_failed_trial_doubles(void **state)
{
    (void)state;
    static const int64_t expected[] = {1000, 2000, 3000, 3000, 3000};
    uint64_t word = hl_breaker_failure(0, &policy, true, 0);
    int64_t now_ms = 0;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_int_equal(hl_breaker_until_ms(word, now_ms), now_ms + expected[i]);
        now_ms += expected[i];
        word = hl_breaker_failure(hl_breaker_claim(word, now_ms), &policy, false, now_ms);
    }
}

static void test_late_failures_tell_nothing_new(void **state)
{
    (void)state;
    uint64_t word = hl_breaker_failure(0, &policy, true, 0);
    word = hl_breaker_failure(word, &policy, true, 900);
    assert_int_equal(hl_breaker_until_ms(word, 900), 1000);
}

static void test_pause(void **state)
{
    (void)state;
    uint64_t word = hl_breaker_pause(0, 200, 50);
    assert_int_equal(hl_breaker_until_ms(word, 60), 250);
    /* A shorter one does not end a longer one. */
    word = hl_breaker_failure(0, &policy, true, 0);
    assert_int_equal(hl_breaker_until_ms(hl_breaker_pause(word, 100, 10), 10), 1000);
}

static void test_what_is_but_a_pause(void **state)
{
    (void)state;
    assert_false(hl_breaker_is_pause(0));
    uint64_t word = hl_breaker_failure(0, &policy, false, 0);
    assert_false(hl_breaker_is_pause(word));
    word = hl_breaker_pause(word, 200, 50);
    assert_true(hl_breaker_is_pause(word));
    word = hl_breaker_claim(word, 300);
    assert_true(hl_breaker_is_pause(word));
    /* The one that tried failed; a pause on top of that does not make it good. */
    word = hl_breaker_failure(word, &policy, false, 310);
    assert_false(hl_breaker_is_pause(word));
    assert_false(hl_breaker_is_pause(hl_breaker_pause(word, 5000, 320)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opens_after_failures_in_a_row),
        cmocka_unit_test(test_one_is_enough),
        cmocka_unit_test(test_one_trial_at_a_time),
        cmocka_unit_test(test_each_failed_trial_doubles),
        cmocka_unit_test(test_late_failures_tell_nothing_new),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_what_is_but_a_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
