/* What image projectors take, against what llama.cpp's mtmd reserved for the same files. */
#include "vram/gguf.h"
#include "vram/projector.h"

#include <homelab/error.h>
#include <homelab/gguf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
/* After what it needs. */
#include <cmocka.h>

static homelab_gguf *load(const char *name)
{
    char path[512];
    homelab_gguf *gguf = NULL;
    snprintf(path, sizeof(path), "%s/gguf/%s.F16.hdr", TESTS_DATA, name);
    assert_int_equal(homelab_gguf_load_file(&gguf, path, NULL), HOMELAB_OK);
    return gguf;
}

static struct hl_backends machine(bool cuda)
{
    struct hl_backends backends = {.count = cuda ? 2 : 1, .reserve_f16_kv = true};
    if (cuda)
        backends.at[0] = (struct hl_backend){HL_BACKEND_CUDA, 890};
    backends.at[backends.count - 1].kind = HL_BACKEND_CPU;
    return backends;
}

static void test_reserved_bytes(void **state)
{
    static const struct {
        const char *name;
        bool cuda;
        enum hl_switch flash;
        uint64_t weights, compute, host;
    } cases[] = {
        {"mmproj-llava-1.5-7b", true, HL_AUTO, 625594368, 22593152, 1359392},
        {"mmproj-llava-1.5-7b", true, HL_OFF, 625594368, 34479872, 1359392},
        {"mmproj-llava-1.5-7b", false, HL_AUTO, 625594368, 22593056, 0},
        {"mmproj-llava-1.5-7b", false, HL_OFF, 625594368, 34479712, 0},
        {"mmproj-gemma-3-4b", true, HL_AUTO, 849871296, 127139840, 9633792},
        {"mmproj-gemma-3-4b", true, HL_OFF, 849871296, 1186988032, 9633792},
        {"mmproj-gemma-3-4b", false, HL_AUTO, 849871296, 127139840, 0},
        {"mmproj-qwen2.5-vl-7b", true, HL_AUTO, 1354131456, 739025920, 306616896},
        {"mmproj-qwen2.5-vl-7b", true, HL_OFF, 1354131456, 5108210432, 306616896},
        {"mmproj-qwen2.5-vl-7b", false, HL_AUTO, 1354131456, 739025728, 0},
        {"mmproj-qwen2.5-vl-7b", false, HL_OFF, 1354131456, 5108210240, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        homelab_gguf *gguf = load(cases[i].name);
        const struct hl_backends backends = machine(cases[i].cuda);
        struct hl_measure measure;
        assert_true(hl_projector_is(gguf));
        assert_int_equal(hl_projector_measure(&measure, gguf, &backends, cases[i].flash), 0);
        assert_int_equal(measure.confidence, HL_CONFIDENCE_EXACT);
        assert_int_equal(measure.usage.weights[0], cases[i].weights);
        assert_int_equal(measure.usage.compute[0], cases[i].compute);
        assert_int_equal(measure.usage.compute[1], cases[i].host);
        assert_int_equal(measure.flash, cases[i].flash == HL_AUTO);
        homelab_gguf_unref(gguf);
    }
}

/* Changes a value in place, as long as the text or number is. */
static homelab_gguf *load_changed(const char *name, const char *find, size_t skip,
                                  const void *value, size_t size)
{
    static unsigned char bytes[64 * 1024];
    char path[512];
    snprintf(path, sizeof(path), "%s/gguf/%s.F16.hdr", TESTS_DATA, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    unsigned char *at = memmem(bytes, length, find, strlen(find));
    assert_non_null(at);
    memcpy(at + strlen(find) + skip, value, size);
    homelab_gguf *gguf = NULL;
    int fd = memfd_create("projector", MFD_CLOEXEC);
    assert_int_equal(write(fd, bytes, length), length);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    assert_int_equal(homelab_gguf_load_file(&gguf, path, NULL), HOMELAB_OK);
    close(fd);
    return gguf;
}

/* In a file four bytes of type, and for a text eight of length, stand between key and value. */
#define BEFORE_NUMBER 4
#define BEFORE_TEXT   12

static void test_unknown_kind_is_a_bound(void **state)
{
    (void)state;
    const struct hl_backends backends = machine(true);
    homelab_gguf *gguf =
        load_changed("mmproj-gemma-3-4b", "clip.projector_type", BEFORE_TEXT, "nobody", 6);
    struct hl_measure measure;
    assert_int_equal(hl_projector_measure(&measure, gguf, &backends, HL_AUTO), 0);
    assert_int_equal(measure.confidence, HL_CONFIDENCE_BOUND);
    assert_int_equal(measure.usage.weights[0], 849871296);
    assert_true(measure.usage.compute[0] >= 1186988032);
    homelab_gguf_unref(gguf);
}

static void test_absurd_numbers_are_errors(void **state)
{
    static const struct {
        const char *key;
        uint32_t value;
        const char *said;
    } cases[] = {
        {"clip.vision.patch_size", 0, "clip.vision.patch_size = 0"},
        {"clip.vision.patch_size", UINT32_MAX, "clip.vision.patch_size = 4294967295"},
        {"clip.vision.image_size", 0, "clip.vision.image_size = 0"},
        {"clip.vision.image_size", UINT32_MAX, "expected 1 to 16384"},
        {"clip.vision.image_size", 13, "clip.vision.patch_size = 0"},
        {"clip.vision.image_size", 100, "its tensors do not fit"},
        {"clip.vision.embedding_length", 0, "clip.vision.embedding_length = 0"},
        {"clip.vision.embedding_length", 64, "its tensors do not fit"},
        {"clip.vision.attention.head_count", 0, "clip.vision.attention.head_count = 0"},
        {"clip.vision.attention.head_count", 1153, "expected 1 to 1152"},
        {"clip.vision.block_count", 0, "clip.vision.block_count = 0"},
        {"clip.vision.block_count", 28, "its tensors do not fit"},
        {"clip.vision.block_count", 1000000, "expected 1 to 1024"},
    };
    (void)state;
    const struct hl_backends backends = machine(true);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        homelab_gguf *gguf = load_changed("mmproj-gemma-3-4b", cases[i].key, BEFORE_NUMBER,
                                          &cases[i].value, sizeof(cases[i].value));
        struct hl_measure measure;
        assert_int_equal(hl_projector_measure(&measure, gguf, &backends, HL_AUTO),
                         HOMELAB_E_INVALID);
        if (!strstr(homelab_error_message(), cases[i].said))
            fail_msg("%s = %u: said \"%s\"", cases[i].key, cases[i].value, homelab_error_message());
        homelab_gguf_unref(gguf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reserved_bytes),
        cmocka_unit_test(test_unknown_kind_is_a_bound),
        cmocka_unit_test(test_absurd_numbers_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
