/* What real servers answered, and what none would. */
#include "support/failmalloc.h"
#include "vram/gguf.h"

#include <homelab/homelab.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

/* The body of a recorded answer. */
static char *body_of(const char *name)
{
    static char text[65536];
    char path[512];
    (void)snprintf(path, sizeof path, "%s/wire/%s", TESTS_DATA, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    char *body = strstr(text, "\r\n\r\n");
    if (!body)
        body = strstr(text, "\n\n");
    assert_non_null(body);
    return body + strspn(body, "\r\n");
}

static void ollama(void **state)
{
    (void)state;
    const char *body = body_of("ollama/loaded__post-api-show.http");
    homelab_gguf *gguf = NULL;
    assert_int_equal(homelab_gguf_load_show(&gguf, body, strlen(body), NULL), 0);
    assert_int_equal(homelab_gguf_source(gguf), HOMELAB_GGUF_SOURCE_OLLAMA);
    assert_false(homelab_gguf_is_certain(gguf));
    assert_false(homelab_gguf_is_complete(gguf));
    assert_string_equal(homelab_gguf_architecture(gguf), "llama");
    assert_int_equal(homelab_gguf_layer_count(gguf), 30);
    assert_int_equal(homelab_gguf_file_type(gguf), 3);
    assert_int_equal(homelab_gguf_vocabulary_size(gguf), 49152);
    assert_int_equal(homelab_gguf_tensor_count(gguf), 272);
    assert_int_equal(homelab_gguf_version(gguf), 0);
    assert_int_equal(hl_gguf_arch_layer(gguf, "attention.head_count_kv", 4, 0), 3);
    assert_true(hl_gguf_real(hl_gguf_arch_key(gguf, "rope.freq_base"), 0, 0) == 100000);
    assert_true(hl_gguf_real(hl_gguf_arch_key(gguf, "attention.layer_norm_rms_epsilon"), 0, 0) ==
                1e-5);
    assert_null(hl_gguf_key(gguf, "tokenizer.ggml.tokens"));
    int64_t i = homelab_gguf_tensor_find(gguf, "blk.0.ffn_down.weight");
    assert_true(i >= 0);
    assert_int_equal(homelab_gguf_tensor_bytes(gguf, (size_t)i), 1536 * 576 / 32 * 20);
    char *json = homelab_gguf_json(gguf);
    assert_non_null(strstr(json, "\"version\":null,\"byte_order\":null,"));
    assert_non_null(strstr(json, "\"certain\":false}"));
    homelab_free(json);
    homelab_gguf_unref(gguf);
}

/* llama.cpp tells the same model's bytes, which are the tensors' that Ollama lists. */
static void llamacpp(void **state)
{
    (void)state;
    const char *body = body_of("llamacpp/ready__v1-models.http");
    homelab_gguf *gguf = NULL;
    assert_int_equal(homelab_gguf_load_models(&gguf, body, strlen(body), "smollm2", NULL), 0);
    assert_int_equal(homelab_gguf_source(gguf), HOMELAB_GGUF_SOURCE_LLAMACPP);
    assert_false(homelab_gguf_is_certain(gguf));
    assert_null(homelab_gguf_architecture(gguf));
    assert_string_equal(homelab_gguf_name(gguf), "smollm2");
    assert_int_equal(homelab_gguf_layer_count(gguf), -1);
    assert_int_equal(homelab_gguf_trained_context(gguf), 8192);
    assert_int_equal(homelab_gguf_embedding_length(gguf), 576);
    assert_int_equal(homelab_gguf_vocabulary_size(gguf), 49152);
    assert_int_equal(homelab_gguf_file_type(gguf), 3);
    int64_t bytes = homelab_gguf_tensor_total_bytes(gguf);
    homelab_gguf_unref(gguf);
    body = body_of("ollama/loaded__post-api-show.http");
    assert_int_equal(homelab_gguf_load_show(&gguf, body, strlen(body), NULL), 0);
    assert_true(bytes == homelab_gguf_tensor_total_bytes(gguf));
    homelab_gguf_unref(gguf);
}

static void estimates_from_them(void **state)
{
    (void)state;
    const char *body = body_of("ollama/loaded__post-api-show.http");
    homelab_gguf *gguf = NULL;
    homelab_estimate *estimate = NULL;
    assert_int_equal(homelab_gguf_load_show(&gguf, body, strlen(body), NULL), 0);
    assert_int_equal(homelab_estimate_new(&estimate, gguf, NULL), 0);
    assert_int_equal(homelab_estimate_confidence(estimate), HOMELAB_CONFIDENCE_BOUND);
    assert_true(homelab_estimate_weights_bytes(estimate, 0) >=
                homelab_gguf_tensor_total_bytes(gguf));
    homelab_estimate_unref(estimate);
    homelab_gguf_unref(gguf);
    /* Neither layers nor tensors are guessed. */
    body = body_of("llamacpp/ready__v1-models.http");
    assert_int_equal(homelab_gguf_load_models(&gguf, body, strlen(body), NULL, NULL), 0);
    assert_int_equal(homelab_estimate_new(&estimate, gguf, NULL), HOMELAB_E_INVALID);
    homelab_gguf_unref(gguf);
    body = "{\"model_info\":{\"general.architecture\":\"llama\",\"llama.block_count\":2,"
           "\"llama.embedding_length\":64,\"llama.attention.head_count\":2}}";
    assert_int_equal(homelab_gguf_load_show(&gguf, body, strlen(body), NULL), 0);
    assert_int_equal(homelab_estimate_new(&estimate, gguf, NULL), HOMELAB_E_INVALID);
    homelab_gguf_unref(gguf);
}

static void arrays_and_odd_values(void **state)
{
    (void)state;
    static const char body[] =
        "{\"model_info\":{\"general.architecture\":\"x\",\"x.a\":[1,2,-3],\"x.b\":[1,2.5],"
        "\"x.c\":[true,false],\"x.d\":[\"t\",\"u\"],\"x.e\":[1,\"u\"],\"x.f\":{},\"x.g\":1e300,"
        "\"x.h\":[2.5,3],\"x.i\":[]}}";
    homelab_gguf *gguf = NULL;
    assert_int_equal(homelab_gguf_load_show(&gguf, body, strlen(body), NULL), 0);
    assert_int_equal(hl_gguf_arch_layer(gguf, "a", 2, 0), -3);
    assert_true(hl_gguf_real(hl_gguf_arch_key(gguf, "b"), 1, 0) == 2.5);
    assert_true(hl_gguf_real(hl_gguf_arch_key(gguf, "h"), 1, 0) == 3);
    assert_true(hl_gguf_flag(hl_gguf_arch_key(gguf, "c"), 0, false));
    assert_int_equal(hl_gguf_arch_key(gguf, "d")->count, 2);
    assert_null(hl_gguf_arch_key(gguf, "e"));
    assert_null(hl_gguf_arch_key(gguf, "f"));
    assert_null(hl_gguf_arch_key(gguf, "i"));
    assert_true(hl_gguf_real(hl_gguf_arch_key(gguf, "g"), 0, 0) == 1e300);
    assert_int_equal(hl_gguf_arch_int(gguf, "g", -1), -1);
    homelab_gguf_unref(gguf);
}

#define SHOW(tensors) "{\"model_info\":{},\"tensors\":[" tensors "]}"

static void wrong_answers(void **state)
{
    static const struct {
        const char *body;
        int code;
    } cases[] = {
        {"", HOMELAB_E_SYNTAX},
        {"{", HOMELAB_E_SYNTAX},
        {"{}", HOMELAB_E_FORMAT},
        {"{\"error\":\"model 'x' not found\"}", HOMELAB_E_FORMAT},
        {"{\"model_info\":[]}", HOMELAB_E_FORMAT},
        {"{\"model_info\":{\"\":1}}", HOMELAB_E_LIMIT},
        {"{\"model_info\":{\"a\":1,\"a\":2}}", HOMELAB_E_FORMAT},
        {SHOW("{}"), HOMELAB_E_FORMAT},
        {SHOW("{\"name\":\"t\",\"type\":\"Q9\",\"shape\":[1]}"), HOMELAB_E_FORMAT},
        {SHOW("{\"name\":\"t\",\"type\":\"F32\"}"), HOMELAB_E_FORMAT},
        {SHOW("{\"name\":\"t\",\"type\":\"F32\",\"shape\":[1,2,3,4,5]}"), HOMELAB_E_FORMAT},
        {SHOW("{\"name\":\"t\",\"type\":\"F32\",\"shape\":[\"1\"]}"), HOMELAB_E_FORMAT},
        {SHOW("{\"name\":\"t\",\"type\":\"F32\",\"shape\":[-1]}"), HOMELAB_E_FORMAT},
        {SHOW("{\"name\":\"t\",\"type\":\"F32\",\"shape\":[1e300]}"), HOMELAB_E_FORMAT},
        {SHOW("{\"name\":\"t\",\"type\":\"F32\",\"shape\":[9e15,9e15]}"), HOMELAB_E_FORMAT},
        {SHOW("{\"name\":\"t\",\"type\":\"F64\",\"shape\":[9e15,1000]}"), HOMELAB_E_FORMAT},
        {SHOW("{\"name\":\"t\",\"type\":\"Q4_K\",\"shape\":[100]}"), HOMELAB_E_FORMAT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        homelab_gguf *gguf = NULL;
        int code = homelab_gguf_load_show(&gguf, cases[i].body, strlen(cases[i].body), NULL);
        if (code != cases[i].code)
            fail_msg("%s: found %s '%s'", cases[i].body, homelab_error_name(code),
                     homelab_error_message());
        assert_null(gguf);
    }
    const char *body = body_of("llamacpp/ready__v1-models.http");
    homelab_gguf *gguf = NULL;
    assert_int_equal(homelab_gguf_load_models(&gguf, body, strlen(body), "other", NULL),
                     HOMELAB_E_NOT_FOUND);
    static const char not_loaded[] = "{\"data\":[{\"id\":\"m\",\"meta\":null}]}";
    assert_int_equal(homelab_gguf_load_models(&gguf, not_loaded, strlen(not_loaded), NULL, NULL),
                     HOMELAB_E_FORMAT);
    assert_int_equal(homelab_gguf_load_show(NULL, "{}", 2, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_gguf_load_models(&gguf, NULL, 0, NULL, NULL), HOMELAB_E_INVALID);
    assert_null(gguf);
}

static void file_types(void **state)
{
    (void)state;
    static const char body[] = "{\"data\":[{\"id\":\"m\",\"aliases\":[\"n\"],\"meta\":{\"ftype\":"
                               "\"Q4_K - Medium\",\"size\":100}}]}";
    homelab_gguf *gguf = NULL;
    assert_int_equal(homelab_gguf_load_models(&gguf, body, strlen(body), "n", NULL), 0);
    assert_int_equal(homelab_gguf_file_type(gguf), 15);
    assert_int_equal(homelab_gguf_tensor_total_bytes(gguf), 100);
    homelab_gguf_unref(gguf);
}

/* What cJSON cannot allocate is no JSON to us. */
static int load(void *userdata)
{
    homelab_gguf *gguf;
    int code = homelab_gguf_load_show(&gguf, userdata, strlen(userdata), NULL);
    if (code)
        return failmalloc_failed(code);
    homelab_gguf_unref(gguf);
    return code;
}

static void without_memory(void **state)
{
    (void)state;
    static char body[] = "{\"model_info\":{\"general.architecture\":\"x\",\"x.a\":[1,2]},"
                         "\"tensors\":[{\"name\":\"t\",\"type\":\"F32\",\"shape\":[1]}]}";
    fail_each_allocation(load, body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ollama),
        cmocka_unit_test(llamacpp),
        cmocka_unit_test(estimates_from_them),
        cmocka_unit_test(file_types),
        cmocka_unit_test(arrays_and_odd_values),
        cmocka_unit_test(wrong_answers),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
