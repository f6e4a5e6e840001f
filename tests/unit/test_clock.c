#include "core/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static void test_system(void **state)
{
    (void)state;
    struct hl_clock clock = {0};
    int64_t now_us = hl_clock_now(&clock);
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    assert_true((int64_t)start.tv_sec * 1000000 + start.tv_nsec / 1000 - now_us < 1000000);
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    assert_true(hl_clock_now(&clock) >= now_us + 2000);
    assert_true(hl_clock_real() >= now_us + 2000);
    assert_true(llabs((long long)time(NULL) - hl_clock_wall(&clock) / 1000000) <= 2);
}

static void test_frozen(void **state)
{
    (void)state;
    struct hl_clock clock = {.frozen = true, .now_us = 5, .wall_us = 9};
    assert_int_equal(hl_clock_now(&clock), 5);
    assert_int_equal(hl_clock_wall(&clock), 9);
    assert_true(hl_clock_real() > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_system),
        cmocka_unit_test(test_frozen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
