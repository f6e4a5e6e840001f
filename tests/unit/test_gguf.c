/* What right files say, however they come. */
#include "support/gguf_model.h"
#include "vram/gguf_build.h"

#include <homelab/error.h>
#include <homelab/memory.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static homelab_gguf *load(const char *folder, const char *name)
{
    char path[512];
    homelab_gguf *gguf = NULL;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    if (homelab_gguf_load_file(&gguf, path, NULL))
        fail_msg("%s", homelab_error_message());
    return gguf;
}

static homelab_gguf *load_memory(const struct gguf_writer *writer)
{
    homelab_gguf *gguf = NULL;
    if (homelab_gguf_load_memory(&gguf, (const char *)writer->data, writer->length, NULL, NULL))
        fail_msg("%s", homelab_error_message());
    return gguf;
}

static void a_published_model(void **state)
{
    (void)state;
    homelab_gguf *gguf = load(TESTS_DATA "/gguf", "llama-3.2-1b.Q4_K_M.hdr");
    assert_int_equal(homelab_gguf_source(gguf), HOMELAB_GGUF_SOURCE_FILE);
    assert_true(homelab_gguf_is_certain(gguf));
    assert_string_equal(homelab_gguf_architecture(gguf), "llama");
    assert_int_equal(homelab_gguf_version(gguf), 3);
    assert_false(homelab_gguf_is_big_endian(gguf));
    assert_false(homelab_gguf_is_complete(gguf));
    assert_int_equal(homelab_gguf_data_offset(gguf), 9344);
    assert_int_equal(homelab_gguf_file_bytes(gguf), 9344);
    assert_int_equal(homelab_gguf_layer_count(gguf), 16);
    assert_int_equal(homelab_gguf_trained_context(gguf), 131072);
    assert_int_equal(homelab_gguf_embedding_length(gguf), 2048);
    assert_int_equal(homelab_gguf_vocabulary_size(gguf), 128256);
    assert_int_equal(homelab_gguf_file_type(gguf), 15);
    assert_string_equal(homelab_gguf_file_type_name(15), "Q4_K_M");
    assert_null(homelab_gguf_file_type_name(5));
    assert_null(homelab_gguf_file_type_name(-1));
    assert_int_equal(homelab_gguf_tensor_count(gguf), 147);
    int64_t i = homelab_gguf_tensor_find(gguf, "blk.0.attn_q.weight");
    assert_true(i >= 0);
    assert_string_equal(homelab_gguf_tensor_name(gguf, (size_t)i), "blk.0.attn_q.weight");
    assert_string_equal(homelab_gguf_tensor_type_name(gguf, (size_t)i), "q4_K");
    assert_int_equal(homelab_gguf_tensor_elements(gguf, (size_t)i, 0), 2048);
    assert_int_equal(homelab_gguf_tensor_elements(gguf, (size_t)i, 2), 1);
    assert_int_equal(homelab_gguf_tensor_elements(gguf, (size_t)i, 4), 0);
    assert_int_equal(homelab_gguf_tensor_bytes(gguf, (size_t)i), 2048 * 2048 / 256 * 144);
    assert_int_equal(homelab_gguf_tensor_find(gguf, "blk.99.attn_q.weight"), -1);
    assert_int_equal(hl_gguf_arch_layer(gguf, "attention.head_count", 3, 0), 32);
    homelab_gguf_unref(gguf);
}

static int64_t int_of(const homelab_gguf *gguf, const char *name, size_t item)
{
    int64_t i = homelab_gguf_key_find(gguf, name);
    assert_true(i >= 0);
    return homelab_gguf_key_int(gguf, (size_t)i, item, 12345);
}

static void check_model(const homelab_gguf *gguf, uint32_t version, bool big_endian, bool complete)
{
    assert_int_equal(homelab_gguf_version(gguf), version);
    assert_int_equal(homelab_gguf_is_big_endian(gguf), big_endian);
    assert_int_equal(homelab_gguf_is_complete(gguf), complete);
    assert_int_equal(homelab_gguf_part_count(gguf), 1);
    assert_int_equal(homelab_gguf_alignment(gguf), 64);
    assert_int_equal(homelab_gguf_data_offset(gguf) % 64, 0);
    assert_string_equal(homelab_gguf_name(gguf), "Small ? model");
    assert_int_equal(homelab_gguf_key_count(gguf), GGUF_MODEL_KEYS);
    assert_int_equal(homelab_gguf_vocabulary_size(gguf), GGUF_MODEL_TOKENS);
    assert_int_equal(int_of(gguf, "llama.attention.head_count_kv", 0), 8);
    assert_int_equal(int_of(gguf, "llama.attention.head_count_kv", 1), -1);
    assert_int_equal(int_of(gguf, "llama.attention.head_count_kv", 2), 12345);
    assert_int_equal(int_of(gguf, "llama.attention.sliding_window_pattern", 0), 1);
    assert_int_equal(int_of(gguf, "llama.attention.sliding_window_pattern", 1), 0);
    assert_int_equal(int_of(gguf, "llama.block_count", 77), 2);
    assert_int_equal(int_of(gguf, "llama.rope.freq_base", 0), 12345);
    assert_int_equal(int_of(gguf, "test.int8", 0), -5);
    assert_int_equal(int_of(gguf, "test.int16", 0), -500);
    assert_int_equal(int_of(gguf, "test.uint8", 0), 200);
    assert_int_equal(int_of(gguf, "test.uint64", 0), 12345);
    assert_true(int_of(gguf, "test.int64", 0) == -7000000000);
    size_t i = (size_t)homelab_gguf_key_find(gguf, "llama.rope.freq_base");
    assert_true(homelab_gguf_key_double(gguf, i, 0, 0) == 10000);
    assert_int_equal(homelab_gguf_key_type(gguf, i), 6);
    assert_null(homelab_gguf_key_text(gguf, i));
    i = (size_t)homelab_gguf_key_find(gguf, "test.float64");
    assert_true(homelab_gguf_key_double(gguf, i, 0, 0) == 1.5);
    i = (size_t)homelab_gguf_key_find(gguf, "tokenizer.ggml.tokens");
    assert_true(homelab_gguf_key_is_array(gguf, i));
    assert_int_equal(homelab_gguf_key_length(gguf, i), GGUF_MODEL_TOKENS);
    assert_int_equal(homelab_gguf_tensor_count(gguf), GGUF_MODEL_TENSORS);
    assert_int_equal(homelab_gguf_tensor_total_bytes(gguf), GGUF_MODEL_BYTES);
    assert_int_equal(homelab_gguf_tensor_offset(gguf, 2), 1280);
    assert_int_equal(homelab_gguf_tensor_bytes(gguf, 2), 34 * 8);
    assert_int_equal(homelab_gguf_tensor_part(gguf, 2), 0);
    assert_true(hl_gguf_flag(hl_gguf_arch_key(gguf, "attention.sliding_window_pattern"), 0, false));
}

static void versions_and_byte_orders(void **state)
{
    (void)state;
    for (int big_endian = 0; big_endian < 2; big_endian++) {
        for (uint32_t version = 2; version <= 3; version++) {
            struct gguf_writer writer = {.big_endian = big_endian};
            gguf_model_header(&writer, version);
            homelab_gguf *gguf = load_memory(&writer);
            check_model(gguf, version, big_endian, false);
            homelab_gguf_unref(gguf);
            for (int i = 0; i < 1600 + 3; i++)
                gguf_number(&writer, 0, 1);
            gguf = load_memory(&writer);
            check_model(gguf, version, big_endian, false);
            homelab_gguf_unref(gguf);
            gguf_number(&writer, 0, 1);
            gguf = load_memory(&writer);
            check_model(gguf, version, big_endian, true);
            homelab_gguf_unref(gguf);
            free(writer.data);
        }
    }
}

/* Hands the bytes over in pieces; what a piece ends in the middle of comes again. */
static homelab_gguf *load_in_pieces(const struct gguf_writer *writer, size_t piece)
{
    struct hl_gguf_parser parser;
    struct hl_gguf_caps caps;
    homelab_gguf *gguf;
    size_t at = 0, end = 0;
    int code = 0;
    hl_gguf_caps(&caps, NULL);
    assert_int_equal(hl_gguf_new(&gguf, HOMELAB_GGUF_SOURCE_MEMORY, NULL), 0);
    hl_gguf_parser_init(&parser, gguf, "pieces", &caps, 0, writer->length);
    while (!code) {
        size_t used;
        end = end + piece < writer->length ? end + piece : writer->length;
        unsigned char *copy = malloc(end - at + 1);
        memcpy(copy, writer->data + at, end - at);
        code = hl_gguf_parse(&parser, copy, end - at, &used);
        free(copy);
        at += used;
        assert_true(code || end < writer->length);
    }
    if (code != 1 || hl_gguf_end_part(&parser) || hl_gguf_finish(&parser))
        fail_msg("pieces of %zu: %s", piece, homelab_error_message());
    return gguf;
}

static void pieces(void **state)
{
    (void)state;
    struct gguf_writer writer = {0};
    gguf_model_header(&writer, 3);
    for (size_t piece = 1; piece < 400; piece++) {
        homelab_gguf *gguf = load_in_pieces(&writer, piece);
        check_model(gguf, 3, false, false);
        homelab_gguf_unref(gguf);
    }
    free(writer.data);
}

/* --- Several files --- */

static void write_file(const char *folder, const char *name, const struct gguf_writer *writer)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(writer->data, 1, writer->length, file), writer->length);
    fclose(file);
}

static void remove_file(const char *folder, const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

static void part_file(char *name, size_t size, int no, int count)
{
    (void)snprintf(name, size, "model-%05d-of-%05d.gguf", no, count);
}

static void several_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/homelab-gguf-XXXXXX", name[64];
    uint64_t bytes = 0;
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < 3; i++) {
        struct gguf_writer writer = {0};
        gguf_model_part(&writer, (uint16_t)i, 3);
        part_file(name, sizeof name, i + 1, 3);
        write_file(folder, name, &writer);
        bytes += writer.length;
        free(writer.data);
    }
    for (int i = 1; i <= 3; i++) {
        part_file(name, sizeof name, i, 3);
        homelab_gguf *gguf = load(folder, name);
        assert_int_equal(homelab_gguf_part_count(gguf), 3);
        assert_int_equal(homelab_gguf_tensor_count(gguf), 3);
        assert_int_equal(homelab_gguf_key_count(gguf), 5);
        assert_int_equal(homelab_gguf_layer_count(gguf), 3);
        assert_int_equal(homelab_gguf_tensor_total_bytes(gguf), 3 * 64);
        assert_int_equal(homelab_gguf_tensor_part(gguf, 2), 2);
        assert_true(homelab_gguf_file_bytes(gguf) == (int64_t)bytes);
        assert_true(homelab_gguf_is_complete(gguf));
        homelab_gguf_unref(gguf);
    }
    for (int i = 1; i <= 3; i++) {
        part_file(name, sizeof name, i, 3);
        remove_file(folder, name);
    }
    rmdir(folder);
}

static void one_part_in_memory(void **state)
{
    (void)state;
    struct gguf_writer writer = {0};
    gguf_model_part(&writer, 0, 3);
    homelab_gguf *gguf = load_memory(&writer);
    assert_int_equal(homelab_gguf_part_count(gguf), 3);
    assert_false(homelab_gguf_is_complete(gguf));
    assert_int_equal(homelab_gguf_tensor_count(gguf), 1);
    homelab_gguf_unref(gguf);
    free(writer.data);
}

/* --- What is kept --- */

static void long_values_are_counted(void **state)
{
    (void)state;
    struct gguf_writer writer = {0};
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    gguf_begin(&writer, 3, 0, 4);
    gguf_key_text(&writer, "tokenizer.chat_template", text);
    gguf_key_array(&writer, "tokenizer.ggml.scores", 6, 5000);
    for (int i = 0; i < 5000; i++)
        gguf_number(&writer, 0, 4);
    gguf_key_array(&writer, "empty", 8, 0);
    gguf_key_u32(&writer, "last", 1);
    homelab_gguf *gguf = load_memory(&writer);
    assert_null(homelab_gguf_key_text(gguf, 0));
    assert_int_equal(homelab_gguf_key_type(gguf, 0), 8);
    assert_int_equal(homelab_gguf_key_length(gguf, 1), 5000);
    assert_true(homelab_gguf_key_double(gguf, 1, 0, -1) == -1);
    assert_int_equal(homelab_gguf_key_length(gguf, 2), 0);
    assert_int_equal(homelab_gguf_key_int(gguf, 3, 0, 0), 1);
    assert_true(homelab_gguf_is_complete(gguf));
    homelab_gguf_unref(gguf);
    free(writer.data);
}

static void from_a_pipe(void **state)
{
    (void)state;
    struct gguf_writer writer = {0};
    int ends[2];
    char path[64];
    gguf_model_header(&writer, 3);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], writer.data, writer.length), writer.length);
    close(ends[1]);
    (void)snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    homelab_gguf *gguf;
    assert_int_equal(homelab_gguf_load_file(&gguf, path, NULL), 0);
    check_model(gguf, 3, false, false);
    assert_int_equal(homelab_gguf_file_bytes(gguf), -1);
    homelab_gguf_unref(gguf);
    close(ends[0]);
    free(writer.data);
}

/* --- The object --- */

static void json(void **state)
{
    (void)state;
    homelab_gguf *gguf = load(TESTS_DATA "/gguf", "llama-3.2-1b.Q4_K_M.hdr");
    char *text = homelab_gguf_json(gguf);
    assert_string_equal(
        text, "{\"schema\":1,\"version\":3,\"byte_order\":\"little\",\"architecture\":\"llama\","
              "\"name\":\"llama-3.2-1b\",\"file_type\":15,\"n_layer\":16,\"n_ctx_train\":131072,"
              "\"n_embd\":2048,\"n_vocab\":128256,\"n_tensors\":147,\"n_kv\":16,\"alignment\":32,"
              "\"data_offset\":9344,\"tensor_bytes\":799862912,\"file_bytes\":9344,"
              "\"complete\":false,\"parts\":1}\n");
    homelab_free(text);
    homelab_gguf_unref(gguf);
}

static void nothing(void **state)
{
    (void)state;
    homelab_gguf *gguf = NULL;
    homelab_gguf_unref(NULL);
    assert_null(homelab_gguf_ref(NULL));
    assert_int_equal(homelab_gguf_load_file(NULL, "x", NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_gguf_load_file(&gguf, NULL, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_gguf_load_memory(&gguf, NULL, 1, NULL, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_gguf_load_memory(NULL, "", 0, NULL, NULL), HOMELAB_E_INVALID);
    assert_null(homelab_gguf_json(NULL));
    assert_null(homelab_gguf_name(NULL));
    assert_null(homelab_gguf_architecture(NULL));
    assert_int_equal(homelab_gguf_source(NULL), -1);
    assert_int_equal(homelab_gguf_version(NULL), 0);
    assert_int_equal(homelab_gguf_file_bytes(NULL), -1);
    assert_int_equal(homelab_gguf_key_count(NULL), 0);
    assert_int_equal(homelab_gguf_key_find(NULL, "x"), -1);
    assert_int_equal(homelab_gguf_tensor_find(NULL, "x"), -1);
    assert_null(homelab_gguf_tensor_name(NULL, 0));
    assert_null(homelab_gguf_tensor_type_name(NULL, 0));
    assert_int_equal(homelab_gguf_layer_count(NULL), -1);
    assert_null(gguf);
}

static void in_the_child_of_a_fork(void **state)
{
    (void)state;
    homelab_gguf *gguf = load(TESTS_DATA "/gguf", "llama-3.2-1b.Q4_K_M.hdr");
    pid_t child = fork();
    if (child == 0) {
        bool same = homelab_gguf_layer_count(gguf) == 16;
        homelab_gguf_unref(gguf);
        _exit(same ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    homelab_gguf_unref(gguf);
}

/* --- The reference headers, where they are --- */

static uint64_t padded(uint64_t bytes, uint64_t alignment)
{
    return (bytes + alignment - 1) / alignment * alignment;
}

static void check_reference(const char *folder, const char *line)
{
    char name[128], path[512];
    unsigned long long full;
    if (sscanf(line, "\"header_file\": \"%127[^\"]\"", name) != 1)
        return;
    const char *at = strstr(line, "\"full_file_bytes\": ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "\"full_file_bytes\": %llu", &full), 1);
    (void)snprintf(path, sizeof path, "%s/gguf-headers", folder);
    homelab_gguf *gguf = load(path, name);
    size_t last = homelab_gguf_tensor_count(gguf) - 1;
    uint64_t alignment = (uint64_t)homelab_gguf_alignment(gguf);
    uint64_t end = (uint64_t)homelab_gguf_data_offset(gguf) +
                   (uint64_t)homelab_gguf_tensor_offset(gguf, last) +
                   padded((uint64_t)homelab_gguf_tensor_bytes(gguf, last), alignment);
    assert_true(end == full);
    homelab_gguf_unref(gguf);
}

static void reference_headers(void **state)
{
    (void)state;
    const char *data = getenv("HOMELAB_DATA");
    char folder[400], path[512];
    static char text[65536];
    if (!data)
        skip();
    (void)snprintf(folder, sizeof folder, "%s/vram", data);
    (void)snprintf(path, sizeof path, "%s/gguf-headers/manifest.json", folder);
    FILE *file = fopen(path, "rb");
    if (!file)
        skip();
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, "\"header_file\"")); at++, count++)
        check_reference(folder, at);
    assert_true(count > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_published_model),
        cmocka_unit_test(versions_and_byte_orders),
        cmocka_unit_test(pieces),
        cmocka_unit_test(several_files),
        cmocka_unit_test(one_part_in_memory),
        cmocka_unit_test(long_values_are_counted),
        cmocka_unit_test(from_a_pipe),
        cmocka_unit_test(json),
        cmocka_unit_test(nothing),
        cmocka_unit_test(in_the_child_of_a_fork),
        cmocka_unit_test(reference_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
