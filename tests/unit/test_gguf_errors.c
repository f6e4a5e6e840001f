/* What is wrong with a file is said with offset and field, and nothing is left behind. */
#include "support/failmalloc.h"
#include "support/gguf_model.h"

#include <homelab/error.h>
#include <homelab/gguf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static void expect(const struct gguf_writer *writer, const homelab_opts *opts, int code,
                   const char *message)
{
    homelab_gguf *gguf = NULL;
    unsigned char *exact = malloc(writer->length ? writer->length : 1);
    if (writer->length)
        memcpy(exact, writer->data, writer->length);
    int found = homelab_gguf_load_memory(&gguf, (const char *)exact, writer->length, "model", opts);
    free(exact);
    if (found != code || strcmp(homelab_error_message(), message) != 0)
        fail_msg("found %s '%s', expected %s '%s'", homelab_error_name(found),
                 homelab_error_message(), homelab_error_name(code), message);
    assert_null(gguf);
}

/* --- Broken headers, one builder each --- */

static void empty(struct gguf_writer *writer)
{
    (void)writer;
}

static void text_file(struct gguf_writer *writer)
{
    gguf_bytes(writer, "hello, world", 12);
}

static void short_header(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, 0);
    writer->length = 23;
}

static void version_1(struct gguf_writer *writer)
{
    gguf_begin(writer, 1, 0, 0);
}

static void version_4_of_the_other_order(struct gguf_writer *writer)
{
    writer->big_endian = true;
    gguf_begin(writer, 4, 0, 0);
}

static void many_tensors(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, UINT64_MAX, 0);
}

static void more_tensors_than_bytes(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 1000, 0);
}

static void many_keys(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, UINT64_C(1) << 63);
}

static void long_key(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, 1);
    gguf_number(writer, UINT64_MAX, 8);
    gguf_bytes(writer, "abcdefgh", 8);
}

static void key_above_the_limit(struct gguf_writer *writer)
{
    char name[1100];
    memset(name, 'k', sizeof name);
    name[1025] = '\0';
    gguf_begin(writer, 3, 0, 1);
    gguf_key_u32(writer, name, 1);
}

static void unnamed_key(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, 1);
    gguf_key_u32(writer, "", 1);
}

static void key_that_is_no_text(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, 1);
    gguf_key_u32(writer, "a\xff", 1);
}

static void type_13(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, 1);
    gguf_key(writer, "some", 13);
    gguf_number(writer, 0, 8);
}

static void array_of_arrays(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, 1);
    gguf_key_array(writer, "some", 9, 1);
    gguf_number(writer, 0, 8);
}

static void endless_array(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, 1);
    gguf_key_array(writer, "some", 4, UINT64_MAX / 2);
}

static void endless_texts(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, 1);
    gguf_key_array(writer, "tokens", 8, UINT64_MAX);
}

static void long_text(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, 1);
    gguf_key(writer, "some", 8);
    gguf_number(writer, UINT64_MAX - 7, 8);
}

static void long_item(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, 1);
    gguf_key_array(writer, "tokens", 8, 2);
    gguf_text(writer, "one");
    gguf_number(writer, 100, 8);
    gguf_bytes(writer, "two", 3);
}

static void missing_items(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, 1);
    gguf_key_array(writer, "tokens", 8, 2);
    gguf_text(writer, "sixteen bytes...");
}

static void same_key_twice(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, 2);
    gguf_key_u32(writer, "some", 1);
    gguf_key_u32(writer, "some", 2);
}

static void alignment_3(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, 1);
    gguf_key_u32(writer, "general.alignment", 3);
}

static void alignment_0(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, 1);
    gguf_key_u32(writer, "general.alignment", 0);
}

static void alignment_as_text(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, 1);
    gguf_key_text(writer, "general.alignment", "32");
}

static void negative_part(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 0, 1);
    gguf_key(writer, "split.no", 5);
    gguf_number(writer, (uint64_t)-1, 4);
}

static void long_tensor_name(struct gguf_writer *writer)
{
    char name[65];
    memset(name, 't', sizeof name);
    name[64] = '\0';
    gguf_begin(writer, 3, 1, 0);
    gguf_tensor(writer, name, 1, 0, 0, 0);
}

static void five_dimensions(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 1, 0);
    gguf_text(writer, "t");
    gguf_number(writer, 5, 4);
    for (int i = 0; i < 7; i++)
        gguf_number(writer, 1, 8);
}

static void negative_dimension(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 1, 0);
    gguf_tensor(writer, "t", UINT64_MAX, 0, 0, 0);
}

static void too_many_elements(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 1, 0);
    gguf_tensor(writer, "t", UINT64_C(1) << 40, UINT64_C(1) << 40, 0, 0);
}

static void too_many_bytes(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 1, 0);
    gguf_tensor(writer, "t", UINT64_C(1) << 62, 0, 0, 0);
}

static void more_bytes_than_a_file(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 1, 0);
    gguf_tensor(writer, "t", (UINT64_C(1) << 61) - 1, 1, 0, 0);
}

static void removed_type(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 1, 0);
    gguf_tensor(writer, "t", 32, 0, 31, 0);
}

static void unknown_type(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 1, 0);
    gguf_tensor(writer, "t", 32, 0, 0xffffffff, 0);
}

static void part_of_a_block(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 1, 0);
    gguf_tensor(writer, "t", 100, 2, 12, 0);
}

static void unaligned(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 1, 0);
    gguf_tensor(writer, "t", 8, 0, 0, 31);
}

static void overlapping(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 2, 0);
    gguf_tensor(writer, "one", 16, 0, 0, 0);
    gguf_tensor(writer, "two", 16, 0, 0, 32);
}

static void gap(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 2, 0);
    gguf_tensor(writer, "one", 8, 0, 0, 0);
    gguf_tensor(writer, "two", 8, 0, 0, 64);
}

static void same_tensor_twice(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 2, 0);
    gguf_tensor(writer, "one", 8, 0, 0, 0);
    gguf_tensor(writer, "one", 8, 0, 0, 32);
}

static void missing_tensor(struct gguf_writer *writer)
{
    gguf_begin(writer, 3, 2, 0);
    gguf_tensor(writer, "a name so long that it takes the place of one", 8, 0, 0, 0);
}

static void broken_headers(void **state)
{
    static const struct {
        void (*build)(struct gguf_writer *writer);
        int code;
        const char *message;
    } cases[] = {
        {empty, HOMELAB_E_FORMAT, "model: byte 0: header: the file ends here"},
        {text_file, HOMELAB_E_FORMAT, "model: byte 0: magic: found 0x68656c6c, expected 'GGUF'"},
        {short_header, HOMELAB_E_FORMAT, "model: byte 23: header: the file ends here"},
        {version_1, HOMELAB_E_UNSUPPORTED, "model: byte 4: version: found 1, expected 2 or 3"},
        {version_4_of_the_other_order, HOMELAB_E_UNSUPPORTED,
         "model: byte 4: version: found 4, expected 2 or 3"},
        {many_tensors, HOMELAB_E_LIMIT,
         "model: byte 8: tensor count: found 18446744073709551615, expected at most 131072"},
        {more_tensors_than_bytes, HOMELAB_E_FORMAT,
         "model: byte 8: header: tensor count: found 1000, but the file has 0 bytes left"},
        {many_keys, HOMELAB_E_LIMIT,
         "model: byte 16: key count: found 9223372036854775808, expected at most 65536"},
        {long_key, HOMELAB_E_FORMAT,
         "model: byte 24: key 0: name length: found 18446744073709551615, but the file has 8 bytes "
         "left"},
        {key_above_the_limit, HOMELAB_E_LIMIT,
         "model: byte 24: key 0: name length: found 1025, expected at most 1024"},
        {unnamed_key, HOMELAB_E_FORMAT,
         "model: byte 24: key 0: name length: found 0, expected a name"},
        {key_that_is_no_text, HOMELAB_E_FORMAT,
         "model: byte 32: key 0: name: found bytes that are no UTF-8 text"},
        {type_13, HOMELAB_E_FORMAT,
         "model: byte 36: key 0 'some': type: found 13, expected 0 to 12"},
        {array_of_arrays, HOMELAB_E_FORMAT,
         "model: byte 40: key 0 'some': type: found 9, expected 0 to 8 or 10 to 12 for an item"},
        {endless_array, HOMELAB_E_FORMAT,
         "model: byte 44: key 0 'some': item count: found 9223372036854775807, but the file has 0 "
         "bytes left"},
        {endless_texts, HOMELAB_E_FORMAT,
         "model: byte 46: key 0 'tokens': item count: found 18446744073709551615, but the file has "
         "0 bytes left"},
        {long_text, HOMELAB_E_FORMAT,
         "model: byte 40: key 0 'some': text length: found 18446744073709551608, but the file has "
         "0 "
         "bytes left"},
        {long_item, HOMELAB_E_FORMAT,
         "model: byte 65: key 0 'tokens': item 1: text length: found 100, but the file has 3 bytes "
         "left"},
        {missing_items, HOMELAB_E_FORMAT,
         "model: byte 78: key 0 'tokens': item 1: the file ends here"},
        {same_key_twice, HOMELAB_E_FORMAT, "model: byte 44: key: found 'some' a second time"},
        {alignment_3, HOMELAB_E_FORMAT,
         "model: byte 24: key 0 'general.alignment': expected a power of two of type 4"},
        {alignment_0, HOMELAB_E_FORMAT,
         "model: byte 24: key 0 'general.alignment': expected a power of two of type 4"},
        {alignment_as_text, HOMELAB_E_FORMAT,
         "model: byte 24: key 0 'general.alignment': expected a power of two of type 4"},
        {negative_part, HOMELAB_E_FORMAT,
         "model: byte 24: key 0 'split.no': expected a whole number of 0 or more"},
        {long_tensor_name, HOMELAB_E_LIMIT,
         "model: byte 24: tensor 0: name length: found 64, expected at most 63"},
        {five_dimensions, HOMELAB_E_FORMAT,
         "model: byte 33: tensor 0: dimensions: found 5, expected at most 4"},
        {negative_dimension, HOMELAB_E_FORMAT,
         "model: byte 37: tensor 0: 't': dimension 0: found 18446744073709551615, more elements "
         "than can be counted"},
        {too_many_elements, HOMELAB_E_FORMAT,
         "model: byte 45: tensor 0: 't': dimension 1: found 1099511627776, more elements than can "
         "be counted"},
        {too_many_bytes, HOMELAB_E_FORMAT,
         "model: byte 45: tensor 0: 't': found more bytes than can be counted"},
        {more_bytes_than_a_file, HOMELAB_E_FORMAT,
         "model: byte 65: tensor 1: found tensors of more bytes than a file can have"},
        {removed_type, HOMELAB_E_FORMAT,
         "model: byte 45: tensor 0: 't': type: found 31, which is no ggml type in use"},
        {unknown_type, HOMELAB_E_FORMAT,
         "model: byte 45: tensor 0: 't': type: found 4294967295, which is no ggml type in use"},
        {part_of_a_block, HOMELAB_E_FORMAT,
         "model: byte 53: tensor 0: 't': type q4_K: found rows of 100 elements, expected a "
         "multiple "
         "of 256"},
        {unaligned, HOMELAB_E_FORMAT,
         "model: byte 49: tensor 0: 't': offset: found 31, expected a multiple of 32"},
        {overlapping, HOMELAB_E_FORMAT,
         "model: byte 86: tensor 1: 'two': offset: found 32, which overlaps the tensor before; "
         "expected 64"},
        {gap, HOMELAB_E_FORMAT,
         "model: byte 86: tensor 1: 'two': offset: found 64, which leaves a gap; expected 32"},
        {same_tensor_twice, HOMELAB_E_FORMAT, "model: byte 59: tensor: found 'one' a second time"},
        {missing_tensor, HOMELAB_E_FORMAT, "model: byte 101: tensor 1: the file ends here"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gguf_writer writer = {0};
        cases[i].build(&writer);
        expect(&writer, NULL, cases[i].code, cases[i].message);
        free(writer.data);
    }
}

/* Wherever a good header ends, there is an error, and no byte beyond is read. */
static void every_cut(void **state)
{
    (void)state;
    struct gguf_writer writer = {0};
    gguf_model_header(&writer, 3);
    size_t whole = writer.length;
    homelab_gguf *gguf = NULL;
    size_t read = 0;
    for (size_t length = 0; length <= whole; length++) {
        char *exact = malloc(length ? length : 1);
        memcpy(exact, writer.data, length);
        int code = homelab_gguf_load_memory(&gguf, exact, length, "model", NULL);
        free(exact);
        assert_true(code == HOMELAB_OK || code == HOMELAB_E_FORMAT);
        assert_true(code == HOMELAB_OK ||
                    strncmp(homelab_error_message(), "model: byte ", 12) == 0);
        read += code == HOMELAB_OK;
        homelab_gguf_unref(gguf);
        gguf = NULL;
    }
    /* Only the padding before the tensor data may be missing. */
    assert_in_range(read, 1, 64);
    free(writer.data);
}

static void limits(void **state)
{
    static const struct {
        const char *option;
        int64_t value;
        const char *message;
    } cases[] = {
        {"gguf.max_keys", 16, "model: byte 16: key count: found 17, expected at most 16"},
        {"gguf.max_tensors", 3, "model: byte 8: tensor count: found 4, expected at most 3"},
        {"gguf.max_key_bytes", 18,
         "model: byte 24: key 0: name length: found 20, expected at most 18"},
        {"gguf.max_name_bytes", 16,
         "model: byte 683: tensor 0: name length: found 17, expected at most 16"},
    };
    (void)state;
    struct gguf_writer writer = {0};
    gguf_model_header(&writer, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        homelab_opts *opts;
        assert_int_equal(homelab_opts_new(&opts), 0);
        assert_int_equal(homelab_opts_set_int(opts, cases[i].option, cases[i].value), 0);
        expect(&writer, opts, HOMELAB_E_LIMIT, cases[i].message);
        homelab_opts_free(opts);
    }
    free(writer.data);
}

static void much_to_keep(void **state)
{
    (void)state;
    struct gguf_writer writer = {0};
    char name[32];
    homelab_opts *opts;
    gguf_begin(&writer, 3, 0, 100);
    for (uint32_t i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "key.%05u", i);
        gguf_key_u32(&writer, name, i);
    }
    assert_int_equal(homelab_opts_new(&opts), 0);
    assert_int_equal(homelab_opts_set_int(opts, "gguf.max_kept_bytes", 4096), 0);
    homelab_gguf *gguf = NULL;
    assert_int_equal(
        homelab_gguf_load_memory(&gguf, (const char *)writer.data, writer.length, "model", opts),
        HOMELAB_E_LIMIT);
    assert_non_null(strstr(homelab_error_message(), "found more than 4096 bytes of keys to keep"));
    assert_int_equal(homelab_opts_set_int(opts, "gguf.max_header_bytes", 1024), 0);
    assert_int_equal(
        homelab_gguf_load_memory(&gguf, (const char *)writer.data, writer.length, "model", opts),
        HOMELAB_E_LIMIT);
    assert_non_null(strstr(homelab_error_message(), "beyond 1024 bytes"));
    homelab_opts_free(opts);
    free(writer.data);
}

/* --- Files --- */

static char folder[] = "/tmp/homelab-gguf-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void path_of(char *path, size_t size, int no, int count)
{
    (void)snprintf(path, size, "%s/m-%05d-of-%05d.gguf", folder, no, count);
}

static void write_part(int no, int count, const struct gguf_writer *writer)
{
    char path[512];
    path_of(path, sizeof path, no, count);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(writer->data, 1, writer->length, file), writer->length);
    fclose(file);
}

static void write_model(int count)
{
    for (int i = 0; i < count; i++) {
        struct gguf_writer writer = {0};
        gguf_model_part(&writer, (uint16_t)i, (uint16_t)count);
        write_part(i + 1, count, &writer);
        free(writer.data);
    }
}

static void remove_model(int count)
{
    char path[512];
    for (int i = 1; i <= count; i++) {
        path_of(path, sizeof path, i, count);
        unlink(path);
    }
}

static void expect_part(int no, int count, int code, const char *message)
{
    char path[512];
    homelab_gguf *gguf = NULL;
    path_of(path, sizeof path, no, count);
    int found = homelab_gguf_load_file(&gguf, path, NULL);
    if (found != code || !strstr(homelab_error_message(), message))
        fail_msg("found %s '%s', expected '%s'", homelab_error_name(found), homelab_error_message(),
                 message);
}

static void replace_part(int at, int count, uint16_t says_no, uint16_t says_count)
{
    struct gguf_writer writer = {0};

    gguf_model_part(&writer, says_no, says_count);
    write_part(at, count, &writer);
    free(writer.data);
}

static void wrong_parts(void **state)
{
    char path[512], other[512];
    (void)state;
    write_model(3);
    replace_part(2, 3, 0, 3);
    expect_part(1, 3, HOMELAB_E_FORMAT,
                "m-00002-of-00003.gguf: byte 0: split.no: found 0, expected 1");
    replace_part(2, 3, 1, 4);
    expect_part(1, 3, HOMELAB_E_FORMAT,
                "m-00002-of-00003.gguf: byte 0: split.count: found 4, expected 3");
    path_of(path, sizeof path, 2, 3);
    unlink(path);
    expect_part(3, 3, HOMELAB_E_SYSTEM, "m-00002-of-00003.gguf: cannot be opened");
    /* A link that makes a circle of them. */
    path_of(other, sizeof other, 1, 3);
    assert_int_equal(symlink(other, path), 0);
    expect_part(1, 3, HOMELAB_E_FORMAT, "split.no: found 0, expected 1");
    expect_part(3, 3, HOMELAB_E_FORMAT, "split.no: found 0, expected 1");
    unlink(path);
    /* The first one says that it is the last, and so on. */
    replace_part(1, 3, 2, 3);
    expect_part(1, 3, HOMELAB_E_FORMAT, "split.no: found 2, expected 0");
    replace_part(1, 3, 3, 3);
    expect_part(1, 3, HOMELAB_E_FORMAT, "split.no: found 3, expected 0 to 2");
    replace_part(1, 3, 0, 65535);
    expect_part(1, 3, HOMELAB_E_LIMIT, "split.count: found 65535, expected at most 1024");
    replace_part(1, 3, 0, 5);
    expect_part(
        1, 3, HOMELAB_E_FORMAT,
        "file name: found one part of 5, expected a name that ends in -00001-of-00005.gguf");
    remove_model(3);
}

static void tensors_that_are_missing_or_twice(void **state)
{
    (void)state;
    struct gguf_writer writer = {0};
    write_model(2);
    gguf_begin(&writer, 3, 0, 2);
    gguf_key_u16(&writer, "split.no", 1);
    gguf_key_u16(&writer, "split.count", 2);
    write_part(2, 2, &writer);
    expect_part(1, 2, HOMELAB_E_FORMAT,
                "split.tensors.count: found 1 tensors in all parts, expected 2");
    writer.length = 0;
    gguf_begin(&writer, 3, 1, 2);
    gguf_key_u16(&writer, "split.no", 1);
    gguf_key_u16(&writer, "split.count", 2);
    gguf_tensor(&writer, "blk.0.attn_norm.weight", 8, 0, 0, 0);
    write_part(2, 2, &writer);
    expect_part(1, 2, HOMELAB_E_FORMAT, "found 'blk.0.attn_norm.weight' a second time");
    free(writer.data);
    remove_model(2);
}

static void files_that_cannot_be_read(void **state)
{
    (void)state;
    homelab_gguf *gguf = NULL;
    assert_int_equal(homelab_gguf_load_file(&gguf, "/nowhere/model.gguf", NULL), HOMELAB_E_SYSTEM);
    assert_int_equal(homelab_error_sub_code(), 2);
    assert_int_equal(homelab_gguf_load_file(&gguf, "/", NULL), HOMELAB_E_SYSTEM);
    assert_null(gguf);
}

/* --- No memory --- */

static int load_parts(void *userdata)
{
    homelab_gguf *gguf;
    int code = homelab_gguf_load_file(&gguf, userdata, NULL);
    if (code)
        return failmalloc_failed(code);
    char *json = homelab_gguf_json(gguf);
    if (!json)
        code = failmalloc_failed(homelab_error_code());
    homelab_free(json);
    homelab_gguf_unref(gguf);
    return code;
}

static void without_memory(void **state)
{
    (void)state;
    char path[512];
    write_model(3);
    path_of(path, sizeof path, 2, 3);
    fail_each_allocation(load_parts, path);
    remove_model(3);
    fail_each_allocation(load_parts,
                         (void *)(uintptr_t)(TESTS_DATA "/gguf/llama-3.2-1b.Q4_K_M.hdr"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_headers),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(limits),
        cmocka_unit_test(much_to_keep),
        cmocka_unit_test(wrong_parts),
        cmocka_unit_test(tensors_that_are_missing_or_twice),
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
