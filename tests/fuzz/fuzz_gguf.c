/* A header is refused with a place, or what was read is consistent; and it makes no difference in
 * which pieces the bytes come. The first byte chooses the pieces. */
#include "fuzz/fuzz.h"
#include "vram/gguf_build.h"

#include <homelab/error.h>

#include <stdlib.h>
#include <string.h>

static void check_tensors(const homelab_gguf *gguf)
{
    int64_t total = 0;
    for (size_t i = 0; i < homelab_gguf_tensor_count(gguf); i++) {
        FUZZ_EXPECT(homelab_gguf_tensor_bytes(gguf, i) >= 0);
        FUZZ_EXPECT(homelab_gguf_tensor_offset(gguf, i) >= total);
        FUZZ_EXPECT(homelab_gguf_tensor_offset(gguf, i) % homelab_gguf_alignment(gguf) == 0);
        FUZZ_EXPECT(homelab_gguf_tensor_type_name(gguf, i));
        FUZZ_EXPECT(homelab_gguf_tensor_find(gguf, homelab_gguf_tensor_name(gguf, i)) ==
                    (int64_t)i);
        total += homelab_gguf_tensor_bytes(gguf, i);
    }
    FUZZ_EXPECT(homelab_gguf_tensor_total_bytes(gguf) == total);
}

static void check_keys(const homelab_gguf *gguf)
{
    for (size_t i = 0; i < homelab_gguf_key_count(gguf); i++) {
        FUZZ_EXPECT(homelab_gguf_key_find(gguf, homelab_gguf_key_name(gguf, i)) == (int64_t)i);
        uint64_t length = homelab_gguf_key_length(gguf, i);
        FUZZ_EXPECT(homelab_gguf_key_is_array(gguf, i) || length == 1);
        (void)homelab_gguf_key_int(gguf, i, length ? (size_t)length - 1 : 0, 0);
        FUZZ_EXPECT(!homelab_gguf_key_is_array(gguf, i) ||
                    homelab_gguf_key_int(gguf, i, (size_t)length, -77) == -77);
        const char *text = homelab_gguf_key_text(gguf, i);
        FUZZ_EXPECT(!text || homelab_gguf_key_type(gguf, i) == HL_GGUF_STRING);
    }
}

static int load_whole(char **json, const uint8_t *data, size_t size)
{
    homelab_gguf *gguf = NULL;
    int code = homelab_gguf_load_memory(&gguf, (const char *)data, size, "fuzz", NULL);
    FUZZ_EXPECT((code == 0) == (gguf != NULL));
    *json = NULL;
    if (code) {
        FUZZ_EXPECT(strncmp(homelab_error_message(), "fuzz: byte ", 11) == 0);
        return code;
    }
    check_tensors(gguf);
    check_keys(gguf);
    *json = homelab_gguf_json(gguf);
    FUZZ_EXPECT(*json);
    homelab_gguf_unref(gguf);
    return code;
}

/* What a piece ends in the middle of comes again, in a block of its own. */
static int parse_pieces(struct hl_gguf_parser *parser, const uint8_t *data, size_t size,
                        size_t piece)
{
    size_t at = 0, end = 0, used;
    for (;;) {
        end = size - end < piece ? size : end + piece;
        uint8_t *copy = malloc(end - at + 1);
        if (!copy)
            return HOMELAB_E_NOMEM;
        if (end > at)
            memcpy(copy, data + at, end - at);
        int code = hl_gguf_parse(parser, copy, end - at, &used);
        free(copy);
        at += used;
        FUZZ_EXPECT(at <= end);
        if (code)
            return code;
        if (end == size)
            return hl_gguf_parse_end(parser, end - at);
    }
}

static int load_pieces(char **json, const uint8_t *data, size_t size, size_t piece)
{
    struct hl_gguf_parser parser;
    struct hl_gguf_caps caps;
    homelab_gguf *gguf;
    *json = NULL;
    hl_gguf_caps(&caps, NULL);
    if (hl_gguf_new(&gguf, HOMELAB_GGUF_SOURCE_MEMORY, NULL))
        return HOMELAB_E_NOMEM;
    hl_gguf_parser_init(&parser, gguf, "fuzz", &caps, 0, size);
    int code = parse_pieces(&parser, data, size, piece);
    if (code == 1)
        code = hl_gguf_end_part(&parser);
    if (!code)
        code = hl_gguf_finish(&parser);
    if (!code)
        *json = homelab_gguf_json(gguf);
    homelab_gguf_unref(gguf);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *whole, *pieces, message[600];
    if (!size)
        return 0;
    size_t piece = data[0] ? data[0] : 300;
    int code = load_whole(&whole, data + 1, size - 1);
    (void)strncpy(message, code ? homelab_error_message() : "", sizeof message - 1);
    message[sizeof message - 1] = '\0';
    FUZZ_EXPECT(load_pieces(&pieces, data + 1, size - 1, piece) == code);
    if (code)
        FUZZ_EXPECT(strcmp(message, homelab_error_message()) == 0);
    else if (strstr(whole, "\"parts\":1}"))
        FUZZ_EXPECT(strcmp(whole, pieces) == 0);
    homelab_free(whole);
    homelab_free(pieces);
    return 0;
}
