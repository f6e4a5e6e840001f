#include "health/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static void empty(void **state)
{
    (void)state;
    struct hl_history history;
    struct hl_latency_point points[HL_LATENCY_POINTS];
    hl_history_init(&history, 16);
    assert_true(hl_history_uptime(&history) < 0);
    assert_int_equal(hl_history_latency(&history, points), 0);
    assert_int_equal(hl_latency_percentile(points, 0, 50), -1);
    hl_history_add(&history, false, -1);
    assert_true(hl_history_uptime(&history) == 0);
    assert_int_equal(hl_history_latency(&history, points), 0);
    hl_history_clear(&history);
}

/* The newest max samples count, whatever came before. */
static void ring(void **state)
{
    (void)state;
    struct hl_history history;
    hl_history_init(&history, 20);
    for (int i = 0; i < 1000; i++) {
        hl_history_add(&history, i % 4 != 0, i);
        int from = i < 20 ? 0 : i - 19, usable = 0;
        for (int j = from; j <= i; j++)
            usable += j % 4 != 0;
        double expected = (double)usable / (i - from + 1);
        assert_true(hl_history_uptime(&history) == expected);
    }
    assert_int_equal(history.capacity, 20);
    struct hl_latency_point points[HL_LATENCY_POINTS];
    size_t count = hl_history_latency(&history, points);
    assert_int_equal(hl_latency_percentile(points, count, 0), 980);
    assert_int_equal(hl_latency_percentile(points, count, 100), 999);
    hl_history_clear(&history);
}

static void percentiles_are_near(void **state)
{
    (void)state;
    static const int64_t scales[] = {1, 37, 1000, 250000};
    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
        struct hl_history history;
        hl_history_init(&history, 1000);
        for (int64_t i = 1; i <= 1000; i++)
            hl_history_add(&history, true, (i * 7919 % 1000 + 1) * scales[s]);
        struct hl_latency_point points[HL_LATENCY_POINTS];
        size_t count = hl_history_latency(&history, points);
        assert_true(count > 10 && count <= HL_LATENCY_POINTS);
        for (int percent = 5; percent <= 100; percent += 5) {
            double exact = 10.0 * percent * (double)scales[s];
            double got = (double)hl_latency_percentile(points, count, percent);
            if (got < exact * 0.9 || got > exact * 1.15)
                fail_msg("scale %d, %d %%: %f instead of %f", (int)scales[s], percent, got, exact);
        }
        hl_history_clear(&history);
    }
}

static void odd_values(void **state)
{
    (void)state;
    struct hl_history history;
    struct hl_latency_point points[HL_LATENCY_POINTS];
    hl_history_init(&history, 4);
    hl_history_add(&history, true, 0);
    hl_history_add(&history, true, INT64_MAX);
    hl_history_add(&history, false, -1);
    size_t count = hl_history_latency(&history, points);
    assert_int_equal(count, 2);
    assert_int_equal(hl_latency_percentile(points, count, 0), 0);
    assert_int_equal(hl_latency_percentile(points, count, 100), 0x7ffffffe);
    assert_int_equal(hl_latency_percentile(points, count, -1), -1);
    assert_int_equal(hl_latency_percentile(points, count, 100.1), -1);
    hl_history_clear(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty),
        cmocka_unit_test(ring),
        cmocka_unit_test(percentiles_are_near),
        cmocka_unit_test(odd_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
