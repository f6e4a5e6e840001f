#include "vram/gguf.h"

#include <homelab/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static homelab_gguf *load(const char *name)
{
    char path[512];
    homelab_gguf *gguf = NULL;
    (void)snprintf(path, sizeof path, "%s/gguf/%s.hdr", TESTS_DATA, name);
    if (homelab_gguf_load_file(&gguf, path, NULL))
        fail_msg("%s", homelab_error_message());
    return gguf;
}

static void reads_a_header(void **state)
{
    (void)state;
    homelab_gguf *gguf = load("llama-3.2-1b.Q4_K_M");
    assert_string_equal(gguf->architecture, "llama");
    assert_int_equal(gguf->version, 3);
    assert_false(gguf->big_endian);
    assert_false(gguf->complete);
    assert_int_equal(gguf->data_offset, gguf->file_bytes);
    assert_int_equal(hl_gguf_layers(gguf), 16);
    assert_int_equal(hl_gguf_vocabulary(gguf), 128256);
    assert_int_equal(hl_gguf_arch_layer(gguf, "attention.head_count", 3, 0), 32);
    assert_int_equal(hl_gguf_arch_int(gguf, "nothing", -7), -7);
    assert_int_equal(gguf->tensor_count, 147);
    const struct hl_gguf_tensor *tensor = hl_gguf_tensor(gguf, "blk.0.attn_q.weight");
    assert_non_null(tensor);
    assert_int_equal(tensor->type, HL_GGML_Q4_K);
    assert_int_equal(tensor->ne[0], 2048);
    assert_int_equal(tensor->ne[1], 2048);
    assert_int_equal(tensor->ne[2], 1);
    assert_int_equal(tensor->bytes, 2048 * 2048 / 256 * 144);
    assert_null(hl_gguf_tensor(gguf, "blk.99.attn_q.weight"));
    homelab_gguf_unref(gguf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
