/* Estimates as a user has them. */
#include <homelab/error.h>
#include <homelab/memory.h>
#include <homelab/vram.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* After what it needs. */
#include <cmocka.h>

#include "support/failmalloc.h"

#define MIB 1048576

static homelab_gguf *load(const char *name)
{
    char path[512];
    homelab_gguf *gguf = NULL;
    snprintf(path, sizeof(path), "%s/gguf/%s.hdr", TESTS_DATA, name);
    assert_int_equal(homelab_gguf_load_file(&gguf, path, NULL), HOMELAB_OK);
    return gguf;
}

/* key=value texts, NULL at the end. */
static homelab_opts *options(const char *first, ...)
{
    homelab_opts *opts = NULL;
    assert_int_equal(homelab_opts_new(&opts), HOMELAB_OK);
    va_list list;
    va_start(list, first);
    for (const char *text = first; text; text = va_arg(list, const char *)) {
        char key[64];
        const char *value = strchr(text, '=');
        snprintf(key, sizeof(key), "%.*s", (int)(value - text), text);
        assert_int_equal(homelab_opts_set_text(opts, key, value + 1), HOMELAB_OK);
    }
    va_end(list);
    return opts;
}

static homelab_estimate *estimate(const char *name, homelab_opts *opts)
{
    homelab_gguf *gguf = load(name);
    homelab_estimate *made = NULL;
    int code = homelab_estimate_new(&made, gguf, opts);
    if (code)
        fail_msg("%s", homelab_error_message());
    homelab_gguf_unref(gguf);
    homelab_opts_free(opts);
    return made;
}

static void refuse(const char *name, homelab_opts *opts, int expected)
{
    homelab_gguf *gguf = load(name);
    homelab_estimate *made = NULL;
    assert_int_equal(homelab_estimate_new(&made, gguf, opts), expected);
    assert_null(made);
    assert_true(homelab_error_message()[0] != '\0');
    homelab_gguf_unref(gguf);
    homelab_opts_free(opts);
}

static void test_measured(void **state)
{
    (void)state;
    homelab_estimate *e =
        estimate("llama-3.2-1b.Q4_K_M",
                 options("vram.context=8192", "vram.parallel=1", "vram.fit_figures=true", NULL));
    assert_int_equal(homelab_estimate_device_count(e), 2);
    assert_string_equal(homelab_estimate_device_name(e, 0), "CUDA0");
    assert_string_equal(homelab_estimate_device_name(e, 1), "HOST");
    assert_int_equal(homelab_estimate_context_bytes(e, 0), 268435456);
    int64_t sum = homelab_estimate_weights_bytes(e, 0) + homelab_estimate_context_bytes(e, 0) +
                  homelab_estimate_compute_bytes(e, 0);
    assert_int_equal(sum, 1139611904); /* as llama.cpp printed it */
    assert_int_equal(homelab_estimate_overhead_bytes(e, 0), 457 * MIB);
    assert_int_equal(homelab_estimate_total_bytes(e, 0), sum + 457 * MIB);
    assert_int_equal(homelab_estimate_overhead_bytes(e, 1), 0);
    assert_int_equal(homelab_estimate_output_buffer_bytes(e), 128256 * 4);
    assert_int_equal(homelab_estimate_context_tokens(e), 8192);
    assert_int_equal(homelab_estimate_gpu_layers(e), 17);
    assert_int_equal(homelab_estimate_confidence(e), HOMELAB_CONFIDENCE_EXACT);
    assert_true(homelab_estimate_flash_attention(e));
    homelab_estimate_unref(e);
}

static void test_nothing(void **state)
{
    (void)state;
    homelab_estimate *e = NULL;
    assert_int_equal(homelab_estimate_new(NULL, NULL, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_estimate_new(&e, NULL, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_estimate_calibrate(&e, NULL, 0, 0), HOMELAB_E_INVALID);
    assert_null(homelab_estimate_ref(NULL));
    homelab_estimate_unref(NULL);
    assert_int_equal(homelab_estimate_device_count(NULL), 0);
    assert_null(homelab_estimate_device_name(NULL, 0));
    assert_int_equal(homelab_estimate_weights_bytes(NULL, 0), -1);
    assert_int_equal(homelab_estimate_context_bytes(NULL, 0), -1);
    assert_int_equal(homelab_estimate_compute_bytes(NULL, 0), -1);
    assert_int_equal(homelab_estimate_overhead_bytes(NULL, 0), -1);
    assert_int_equal(homelab_estimate_correction_bytes(NULL, 0), 0);
    assert_int_equal(homelab_estimate_total_bytes(NULL, 0), -1);
    assert_int_equal(homelab_estimate_output_buffer_bytes(NULL), -1);
    assert_int_equal(homelab_estimate_context_tokens(NULL), -1);
    assert_int_equal(homelab_estimate_slot_tokens(NULL), -1);
    assert_int_equal(homelab_estimate_gpu_layers(NULL), -1);
    assert_int_equal(homelab_estimate_confidence(NULL), -1);
    assert_false(homelab_estimate_flash_attention(NULL));
    assert_null(homelab_estimate_json(NULL));
    assert_string_equal(homelab_confidence_name(0), "exact");
    assert_string_equal(homelab_confidence_name(1), "bound");
    assert_string_equal(homelab_confidence_name(7), "?");
}

static void test_options(void **state)
{
    static const char *const bad[] = {
        "vram.devices=gpu",           "vram.devices=cuda:x", "vram.devices=cuda:0.1",
        "vram.tensor_split=1,2",      "vram.tensor_split=a", "vram.free_mib=-1",
        "vram.flash_attention=yes",   "vram.type_k=q3",      "vram.type_v=",
        "vram.runtime=vllm",          "vram.unified=1",      "vram.runtime_date=2026",
        "vram.runtime_date=20260101",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        refuse("llama-3.2-1b.Q4_K_M", options(bad[i], NULL), HOMELAB_E_OPTION_VALUE);
    refuse("llama-3.2-1b.Q4_K_M", options("vram.type_v=q8_0", "vram.flash_attention=off", NULL),
           HOMELAB_E_UNSUPPORTED);
    refuse("deepseek-v2-lite.Q4_K_M", options("vram.type_k=q8_0", NULL), HOMELAB_E_UNSUPPORTED);
}

static void test_devices(void **state)
{
    (void)state;
    homelab_estimate *e = estimate("llama-3.2-1b.Q4_K_M",
                                   options("vram.devices=cuda:7.5,rocm,cuda,rpc,rpc:10.0.0.2:50052",
                                           "vram.context=4096", NULL));
    static const char *const names[] = {"CUDA0", "ROCm0", "CUDA1", "RPC0", "RPC0[10.0.0.2:50052]",
                                        "HOST"};
    assert_int_equal(homelab_estimate_device_count(e), 6);
    int64_t layers = 0;
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(homelab_estimate_device_name(e, i), names[i]);
        layers += homelab_estimate_weights_bytes(e, i) > 0;
    }
    assert_int_equal(layers, 6);
    assert_null(homelab_estimate_device_name(e, 6));
    homelab_estimate_unref(e);
    e = estimate("llama-3.2-1b.Q4_K_M", options("vram.devices=", "vram.context=4096", NULL));
    assert_int_equal(homelab_estimate_device_count(e), 1);
    homelab_estimate_unref(e);
}

static void test_runtimes(void **state)
{
    (void)state;
    homelab_estimate *e = estimate("llama-3.2-1b.Q4_K_M", options("vram.context=8192", NULL));
    assert_int_equal(homelab_estimate_slot_tokens(e), 8192); /* four slots, one cache */
    assert_int_equal(homelab_estimate_output_buffer_bytes(e), 4 * 128256 * 4);
    homelab_estimate_unref(e);
    static const struct {
        const char *memory;
        int64_t context;
    } defaults[] = {{"vram.free_mib=8000", 4096},
                    {"vram.free_mib=24000", 32768},
                    {"vram.free_mib=49000", 131072}};
    for (size_t i = 0; i < 3; i++) {
        e = estimate("llama-3.2-1b.Q4_K_M",
                     options("vram.runtime=ollama", defaults[i].memory, NULL));
        assert_int_equal(homelab_estimate_context_tokens(e), defaults[i].context);
        homelab_estimate_unref(e);
    }
    e = estimate("llama-3.2-1b.Q4_K_M",
                 options("vram.runtime=ollama", "vram.context=2048", "vram.parallel=3", NULL));
    assert_int_equal(homelab_estimate_context_tokens(e), 3 * 2048);
    assert_int_equal(homelab_estimate_slot_tokens(e), 2048);
    homelab_estimate_unref(e);
}

/* Weights on the device with one of 17 layers there: the output layer, or the last block. */
static int64_t first_layer(const char *date)
{
    homelab_estimate *e =
        estimate("llama-3.2-1b.Q4_K_M",
                 options("vram.gpu_layers=1", "vram.context=300", "vram.parallel=1", date, NULL));
    int64_t bytes = homelab_estimate_weights_bytes(e, 0);
    int64_t tokens = homelab_estimate_context_tokens(e);
    assert_int_equal(tokens, strcmp(date, "vram.runtime_date=2025-11-06") > 0 ? 512 : 300);
    homelab_estimate_unref(e);
    return bytes;
}

static int64_t host_compute(const char *date)
{
    homelab_estimate *e =
        estimate("llama-3.2-1b.Q4_K_M", options("vram.devices=", "vram.context=4096", date, NULL));
    int64_t bytes = homelab_estimate_compute_bytes(e, 0);
    homelab_estimate_unref(e);
    return bytes;
}

static void test_dates(void **state)
{
    (void)state;
    int64_t block = first_layer("vram.runtime_date=2025-12-17");
    int64_t output = first_layer("vram.runtime_date=2025-12-18");
    assert_true(output > 200 * MIB && block < 60 * MIB);
    assert_int_equal(first_layer("vram.runtime_date=2025-11-01"), block);
    homelab_estimate *e = estimate(
        "llama-3.2-1b.Q4_K_M", options("vram.runtime_date=2025-08-01", "vram.context=4096", NULL));
    assert_int_equal(homelab_estimate_gpu_layers(e), 0); /* devices were asked for then */
    assert_false(homelab_estimate_flash_attention(e));
    homelab_estimate_unref(e);
    /* A batch of 512 embeddings from outside, copied. */
    int64_t before = host_compute("vram.runtime_date=2026-10-05");
    int64_t after = host_compute("vram.runtime_date=2026-10-06");
    assert_int_equal(host_compute("vram.runtime_date="), before);
    assert_in_range(after - before, 512 * 2048 * 4, 512 * 2048 * 4 + 65536);
}

static void test_fit(void **state)
{
    (void)state;
    homelab_gguf *gguf = load("qwen3-30b-a3b.Q4_K_M");
    homelab_estimate *e = NULL;
    homelab_opts *opts =
        options("vram.free_mib=12000", "vram.context=8192", "vram.parallel=1", NULL);
    assert_int_equal(homelab_estimate_fit_layers(&e, gguf, opts), HOMELAB_OK);
    int64_t layers = homelab_estimate_gpu_layers(e), limit = (12000 - 1024) * (int64_t)MIB;
    assert_in_range(layers, 1, 47);
    assert_true(homelab_estimate_total_bytes(e, 0) - homelab_estimate_overhead_bytes(e, 0) <=
                limit);
    homelab_estimate_unref(e);
    assert_int_equal(homelab_opts_set_int(opts, "vram.gpu_layers", layers + 1), HOMELAB_OK);
    assert_int_equal(homelab_estimate_new(&e, gguf, opts), HOMELAB_OK);
    assert_true(homelab_estimate_total_bytes(e, 0) - homelab_estimate_overhead_bytes(e, 0) > limit);
    homelab_estimate_unref(e);
    assert_int_equal(homelab_opts_set_string(opts, "vram.free_mib", "1030"), HOMELAB_OK);
    e = NULL;
    assert_int_equal(homelab_estimate_fit_layers(&e, gguf, opts), HOMELAB_E_NOT_FOUND);
    assert_null(e);
    assert_int_equal(homelab_opts_set_string(opts, "vram.free_mib", ""), HOMELAB_OK);
    assert_int_equal(homelab_estimate_fit_layers(&e, gguf, opts), HOMELAB_E_OPTION_VALUE);
    homelab_opts_free(opts);
    homelab_gguf_unref(gguf);
}

static void test_calibration(void **state)
{
    (void)state;
    homelab_estimate *e = estimate("llama-3.2-1b.Q4_K_M", options("vram.context=4096", NULL));
    homelab_estimate *corrected = NULL;
    int64_t total = homelab_estimate_total_bytes(e, 0);
    assert_int_equal(homelab_estimate_calibrate(&corrected, e, 0, total - 100 * MIB), HOMELAB_OK);
    assert_int_equal(homelab_estimate_total_bytes(corrected, 0), total - 100 * MIB);
    assert_int_equal(homelab_estimate_correction_bytes(corrected, 0), -100 * MIB);
    assert_int_equal(homelab_estimate_overhead_bytes(corrected, 0), 357 * MIB);
    assert_int_equal(homelab_estimate_correction_bytes(e, 0), 0);
    assert_int_equal(homelab_estimate_calibrate(&corrected, e, 2, 1), HOMELAB_E_INVALID);
    assert_int_equal(homelab_estimate_calibrate(&corrected, e, 0, -1), HOMELAB_E_INVALID);
    homelab_estimate_unref(e);
    char *json = homelab_estimate_json(corrected);
    assert_non_null(strstr(json, "\"correction\":-104857600"));
    assert_non_null(strstr(json, "\"confidence\":\"exact\""));
    homelab_free(json);
    homelab_estimate_unref(homelab_estimate_ref(corrected));
    homelab_estimate_unref(corrected);
}

/* The same header under another architecture's name of the same length. */
static homelab_gguf *renamed(const char *name, const char *from, const char *to)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/gguf/%s.hdr", TESTS_DATA, name);
    FILE *file = fopen(path, "rbe");
    assert_non_null(file);
    static char data[200000];
    size_t length = fread(data, 1, sizeof(data), file), size = strlen(from);
    fclose(file);
    for (size_t i = 0; i + size <= length; i++) {
        if (memcmp(data + i, from, size) == 0)
            memcpy(data + i, to, size);
    }
    homelab_gguf *gguf = NULL;
    assert_int_equal(homelab_gguf_load_memory(&gguf, data, length, NULL, NULL), HOMELAB_OK);
    return gguf;
}

static void test_unknown_architecture(void **state)
{
    static const char *const settings[] = {"vram.gpu_layers=-1", "vram.gpu_layers=7",
                                           "vram.flash_attention=off", "vram.ubatch=2048"};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        homelab_gguf *gguf = renamed("llama-3.2-1b.Q4_K_M", "llama", "llamb");
        homelab_opts *opts = options("vram.context=8192", settings[i], NULL);
        homelab_estimate *bound = NULL;
        assert_int_equal(homelab_estimate_new(&bound, gguf, opts), HOMELAB_OK);
        homelab_opts_free(opts);
        homelab_estimate *exact =
            estimate("llama-3.2-1b.Q4_K_M", options("vram.context=8192", settings[i], NULL));
        assert_int_equal(homelab_estimate_confidence(bound), HOMELAB_CONFIDENCE_BOUND);
        for (size_t d = 0; d < 2; d++)
            assert_true(homelab_estimate_total_bytes(bound, d) >=
                        homelab_estimate_total_bytes(exact, d));
        homelab_estimate_unref(bound);
        homelab_estimate_unref(exact);
        homelab_gguf_unref(gguf);
    }
}

static void test_contradictions(void **state)
{
    (void)state;
    /* A header of Phi-3 says nothing that Mamba needs. */
    homelab_gguf *gguf = renamed("phi-3-mini-4k.Q8_0", "phi3", "bert");
    homelab_estimate *e = NULL;
    assert_int_equal(homelab_estimate_new(&e, gguf, NULL), HOMELAB_E_INVALID);
    assert_null(e);
    homelab_gguf_unref(gguf);
}

struct build {
    homelab_gguf *gguf;
    homelab_opts *opts;
};

static int build(void *userdata)
{
    const struct build *in = userdata;
    homelab_estimate *e = NULL;
    int code = homelab_estimate_new(&e, in->gguf, in->opts);
    if (code)
        return failmalloc_failed(code);
    homelab_estimate_unref(e);
    code = homelab_estimate_fit_layers(&e, in->gguf, in->opts);
    if (code)
        return failmalloc_failed(code);
    char *json = homelab_estimate_json(e);
    if (!json)
        code = failmalloc_failed(HOMELAB_E_NOMEM);
    homelab_free(json);
    homelab_estimate_unref(e);
    return code;
}

static void test_failing_allocations(void **state)
{
    (void)state;
    struct build in = {.gguf = load("nomic-embed-text-v1.5.F16"),
                       .opts = options("vram.context=2048", "vram.free_mib=2000",
                                       "vram.embeddings=true", "vram.batch=512", NULL)};
    fail_each_allocation(build, &in);
    homelab_gguf_unref(in.gguf);
    homelab_opts_free(in.opts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measured),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_runtimes),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_fit),
        cmocka_unit_test(test_calibration),
        cmocka_unit_test(test_unknown_architecture),
        cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
