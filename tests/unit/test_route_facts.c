#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "route/approx.h"
#include "route/facts.h"

static const uint32_t C = HL_ABILITY_COMPLETION, E = HL_ABILITY_EMBEDDING, V = HL_ABILITY_VISION,
                      T = HL_ABILITY_TOOLS;

static void test_abilities(void **state)
{
    (void)state;
    const struct {
        struct hl_model_facts facts;
        uint32_t expected;
    } cases[] = {
        {{.name = "llama3.1:8b"}, C},
        {{.name = "qwen2.5vl:7b"}, C | V},
        {{.name = "Qwen2-VL-7B-Instruct"}, C | V},
        {{.name = "nomic-embed-text"}, E},
        {{.name = "bge-m3:latest"}, E},
        {{.name = "bge-reranker-v2"}, E},
        {{.name = "jina-reranker"}, 0},
        {{.name = "gpt-oss-20b", .reported = C | T}, C | T},
        {{.name = "gemma3:12b", .reported = C | V}, C | V},
        /* What is reported beats the name, but never makes an embedding model talk. */
        {{.name = "llava", .reported = C}, C},
        {{.name = "nomic-embed-text", .reported = C}, E},
        {{.name = "nomic-embed-text", .declared = C}, C},
        {{.name = "x", .declared = V}, C | V},
        {{.name = "x", .roles = 1u << HL_CAP_VISION}, C | V},
        {{.name = "x", .roles = 1u << HL_CAP_EMBED}, E},
        {{.name = "x", .roles = 1u << HL_CAP_CODE, .reported = C | T}, C | T},
        {{.name = ""}, C},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (hl_model_abilities(&cases[i].facts) != cases[i].expected)
            fail_msg("%s: found %u, expected %u", cases[i].facts.name,
                     hl_model_abilities(&cases[i].facts), cases[i].expected);
}

static void test_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t size_bytes;
        double expected;
    } cases[] = {
        {"llama3.1:8b", 0, 8},      {"qwen2.5:1.5b-instruct", 0, 1.5},
        {"smollm2:135m", 0, 0.135}, {"mixtral:8x7b", 0, 56},
        {"qwen3-30b-a3b", 0, 30},   {"gpt-oss-20B", 0, 20},
        {"phi4", 6000000000, 10},   {"phi4", 0, 0},
        {"v1.2.3b4", 0, 0},         {"99999999999999b", 0, 0},
        {"q4_k_m", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hl_model_facts facts = {.name = cases[i].name, .size_bytes = cases[i].size_bytes};
        double found = hl_model_parameters(&facts);
        if (found < cases[i].expected * 0.999 || found > cases[i].expected * 1.001)
            fail_msg("%s: found %f, expected %f", cases[i].name, found, cases[i].expected);
    }
}

static void assert_better(const char *first, const char *second, int task)
{
    struct hl_model_facts one = {.name = first}, two = {.name = second};
    if (hl_model_fit(&one, task) <= hl_model_fit(&two, task))
        fail_msg("%s is not better than %s for %s", first, second,
                 hl_capability_name((size_t)task));
}

static void test_fit(void **state)
{
    (void)state;
    assert_better("qwen2.5-coder:7b", "llama3.1:8b", HL_CAP_CODE);
    assert_better("llama3.1:8b", "qwen2.5-coder:7b", HL_CAP_CHAT);
    assert_better("qwen2.5-coder:14b", "qwen2.5-coder:7b", HL_CAP_CODE);
    assert_better("deepseek-r1:14b", "qwen2.5:14b", HL_CAP_REASON);
    assert_better("qwen2.5:1.5b", "qwen2.5:14b", HL_CAP_FAST);
    assert_better("qwen2.5:3b", "deepseek-r1:1.5b", HL_CAP_FAST);
    assert_better("llama3.1:8b", "llama3.1:8b-text-q4", HL_CAP_CHAT);
    struct hl_model_facts meant = {.name = "x", .roles = 1u << HL_CAP_CHAT};
    assert_true(hl_model_fit(&meant, HL_CAP_CHAT) > hl_model_fit(&meant, HL_CAP_CODE) + 5);
}

static void test_speed(void **state)
{
    (void)state;
    struct hl_speed_facts gpu = {.size_bytes = 4700000000, .vram_bytes = -1, .gpu = true};
    struct hl_speed_facts cpu = {.size_bytes = 4700000000, .vram_bytes = -1};
    struct hl_speed_facts fast = gpu, fallen = gpu;
    fast.bandwidth_bytes = 1008000000000;
    fallen.vram_bytes = 0;
    assert_true(hl_expected_speed(&fast) > hl_expected_speed(&gpu));
    assert_true(hl_expected_speed(&gpu) > hl_expected_speed(&cpu));
    assert_true(hl_expected_speed(&fallen) <= hl_expected_speed(&cpu));
}

static void assert_near(double found, double expected)
{
    if (found < expected - 1e-3 || found > expected + 1e-3)
        fail_msg("found %f, expected %f", found, expected);
}

static void test_approximations(void **state)
{
    (void)state;
    assert_near(hl_log2(1), 0);
    assert_near(hl_log2(8), 3);
    assert_near(hl_log2(10), 3.321928);
    assert_near(hl_log2(0.3), -1.736966);
    assert_near(hl_exp(0), 1);
    assert_near(hl_exp(-1), 0.367879);
    assert_near(hl_exp(-0.1), 0.904837);
    assert_near(hl_exp(-7.3), 0.000676);
    assert_near(hl_exp(-1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_abilities),
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_speed),
        cmocka_unit_test(test_approximations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
