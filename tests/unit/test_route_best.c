/* The best of many scores, against a plain sort. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "route/best.h"

#include <stdlib.h>
#include <string.h>

#define MOST 200

/* Numbers that are the same in every run. */
static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static float scores[MOST];

static int by_score(const void *a, const void *b)
{
    uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
    if (scores[i] > scores[j] || scores[i] < scores[j])
        return scores[i] > scores[j] ? -1 : 1;
    return i < j ? -1 : 1;
}

/* Blocks of the most that fits, or of fewer, as groups that are cut leave them. */
static void take(struct hl_verdict *out, unsigned top, uint32_t count, uint32_t most)
{
    struct hl_block block;
    memset(&block, 0x5a, sizeof block);
    block.from = 0;
    block.trials = 0;
    out->count = 0;
    while (block.from < count) {
        block.count = count - block.from < most ? count - block.from : most;
        for (uint32_t i = 0; i < block.count; i++) {
            block.score[i] = scores[block.from + i];
            block.trials |= (uint64_t)((block.from + i) % 3 == 0) << i;
        }
        hl_take_best(out, top, &block);
    }
}

static void assert_best(unsigned top, uint32_t count, uint32_t most)
{
    struct hl_verdict verdict;
    uint32_t places[MOST], passed = 0;
    for (uint32_t i = 0; i < count; i++) {
        places[i] = i;
        passed += hl_is_score(scores[i]);
    }
    qsort(places, count, sizeof *places, by_score);
    take(&verdict, top, count, most);
    assert_int_equal(verdict.count, passed < top ? passed : top);
    for (uint32_t i = 0; i < verdict.count; i++) {
        assert_int_equal(verdict.top[i].expert, places[i]);
        assert_memory_equal(&verdict.top[i].score, &scores[places[i]], sizeof(float));
        assert_int_equal(verdict.top[i].trial, places[i] % 3 == 0);
        assert_false(verdict.top[i].sticky);
    }
}

static void test_like_a_plain_sort(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 2, 4, 15, 16, 17, 63, 64, 65, 127, 128, 200};
    uint32_t seed = 1;
    for (unsigned top = 1; top <= HL_TOP_MAX; top++) {
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            for (uint32_t unlike = 2; unlike <= 2048; unlike *= 32) {
                for (uint32_t i = 0; i < counts[c]; i++) {
                    uint32_t drawn = next(&seed);
                    scores[i] = (float)(int32_t)(drawn % unlike) / 64 - 8;
                    if (drawn >> 16 & 1 && counts[c] % 2)
                        scores[i] = -HL_NEVER;
                }
                assert_best(top, counts[c], HL_BLOCK);
                assert_best(top, counts[c], 1 + next(&seed) % HL_BLOCK);
            }
        }
    }
}

static void test_order_at_the_ends(void **state)
{
    (void)state;
    static const float ends[] = {0.0f,    -0.5f,         1e-38f, -1e-38f, 1e20f, -1e20f,
                                 1e-42f,  -HL_NEVER,     5.0f,   5.0f,    -5.0f, -5.0f,
                                 1000.0f, -HL_NEVER * 2, 0.25f,  0.0f};
    memcpy(scores, ends, sizeof ends);
    for (unsigned top = 1; top <= HL_TOP_MAX; top++)
        assert_best(top, sizeof ends / sizeof *ends, HL_BLOCK);
}

static void test_nothing_passes(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MOST; i++)
        scores[i] = -HL_NEVER;
    assert_best(HL_TOP_MAX, MOST, HL_BLOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_a_plain_sort),
        cmocka_unit_test(test_order_at_the_ends),
        cmocka_unit_test(test_nothing_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
