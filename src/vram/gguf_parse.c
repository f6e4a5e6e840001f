#include "vram/gguf_parse_private.h"

#include "core/utf8.h"

#include <stdarg.h>
#include <stdio.h>

#define LONGEST_QUOTE 80
#define LONGEST_FILE  200

/* --- Errors --- */

int hl_gguf_fail(const struct hl_gguf_parser *parser, int code, uint64_t offset, const char *field,
                 const char *format, ...)
{
    char text[HL_ERROR_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0)
        text[0] = '\0';
    const char *name = parser->name;
    size_t rest = strlen(name);
    bool cut = rest > LONGEST_FILE;
    /* The end of a path says more than its start. */
    while (rest > LONGEST_FILE) {
        size_t sequence = hl_utf8_sequence(name, rest);
        name += sequence ? sequence : 1;
        rest -= sequence ? sequence : 1;
    }
    return hl_error_set(code, 0, parser->name, "%s%s: byte %llu: %s: %s", cut ? "…" : "", name,
                        (unsigned long long)offset, field, text);
}

static const char *numbered(char *to, size_t size, const char *what, uint64_t number,
                            const char *name)
{
    size_t cut = hl_utf8_cut(name, strlen(name), LONGEST_QUOTE);
    (void)snprintf(to, size, "%s %llu '%.*s%s'", what, (unsigned long long)number, (int)cut, name,
                   name[cut] ? "…" : "");
    return to;
}

const char *hl_gguf_field(const struct hl_gguf_parser *parser, char *to, size_t size)
{
    uint64_t item = parser->key.count - parser->items_left - (parser->skip > 0);
    size_t length;
    switch ((enum hl_gguf_state)parser->state) {
    case HL_GGUF_HEADER:
        return "header";
    case HL_GGUF_KEY:
        (void)snprintf(to, size, "key %llu", (unsigned long long)parser->key_done);
        return to;
    case HL_GGUF_TENSOR:
    case HL_GGUF_END:
        (void)snprintf(to, size, "tensor %llu", (unsigned long long)parser->tensor_done);
        return to;
    case HL_GGUF_TEXTS:
        numbered(to, size, "key", parser->key_done, parser->key.name);
        length = strlen(to);
        (void)snprintf(to + length, size - length, ": item %llu", (unsigned long long)item);
        return to;
    case HL_GGUF_TEXT:
    case HL_GGUF_NUMBERS:
    case HL_GGUF_PASSED:
        break;
    }
    return numbered(to, size, "key", parser->key_done, parser->key.name);
}

int hl_gguf_check_room(const struct hl_gguf_parser *parser, uint64_t offset, uint64_t start,
                       uint64_t bytes, const char *what, uint64_t count)
{
    uint64_t left = parser->total > start ? parser->total - start : 0;
    uint64_t allowed = parser->caps.header_bytes > start ? parser->caps.header_bytes - start : 0;
    if (bytes > left)
        return HL_GGUF_FAIL(parser, HOMELAB_E_FORMAT, offset,
                            "%s: found %llu, but the file has %llu bytes left", what,
                            (unsigned long long)count, (unsigned long long)left);
    if (bytes > allowed)
        return HL_GGUF_FAIL(parser, HOMELAB_E_LIMIT, offset,
                            "%s: found %llu, which takes the header beyond %llu bytes", what,
                            (unsigned long long)count,
                            (unsigned long long)parser->caps.header_bytes);
    return HOMELAB_OK;
}

/* --- Shared by keys and tensors --- */

char *hl_gguf_keep_text(struct hl_gguf_parser *parser, const unsigned char *text, size_t length)
{
    char *copy = hl_gguf_keep(parser->gguf, length + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

int hl_gguf_step_name(const struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor,
                      uint64_t max, size_t more, const unsigned char **name, size_t *length)
{
    if (hl_gguf_left(cursor) < 8)
        return 0;
    uint64_t offset = hl_gguf_offset(cursor), found = hl_gguf_u64(cursor->at, cursor->swap);
    int code = hl_gguf_check_room(parser, offset, offset + 8, found, "name length", found);
    if (code)
        return code;
    if (found > max)
        return HL_GGUF_FAIL(parser, HOMELAB_E_LIMIT, offset,
                            "name length: found %llu, expected at most %llu",
                            (unsigned long long)found, (unsigned long long)max);
    if (hl_gguf_left(cursor) - 8 < found + more)
        return 0;
    *name = cursor->at + 8;
    *length = (size_t)found;
    if (memchr(*name, '\0', *length) || !hl_utf8_valid((const char *)*name, *length))
        return HL_GGUF_FAIL(parser, HOMELAB_E_FORMAT, offset + 8,
                            "name: found bytes that are no UTF-8 text");
    cursor->at += 8 + found;
    return 1;
}

/* --- The header --- */

static int check_count(const struct hl_gguf_parser *parser, uint64_t offset, const char *what,
                       uint64_t count, uint64_t max, uint64_t shortest)
{
    if (count > max)
        return hl_gguf_fail(parser, HOMELAB_E_LIMIT, offset, what,
                            "found %llu, expected at most %llu", (unsigned long long)count,
                            (unsigned long long)max);
    return hl_gguf_check_room(parser, offset, 24, count * shortest, what, count);
}

static int take_version(struct hl_gguf_parser *parser, const unsigned char *at)
{
    /* A version is a small number, so it tells the byte order. */
    parser->swap = (hl_gguf_u32(at, false) & 0xffff) == 0;
    uint32_t version = hl_gguf_u32(at, parser->swap);
    if (version != 2 && version != 3)
        return hl_gguf_fail(parser, HOMELAB_E_UNSUPPORTED, 4, "version",
                            "found %u, expected 2 or 3", version);
    parser->version = version;
    return HOMELAB_OK;
}

static int step_header(struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor)
{
    const unsigned char *at = cursor->at;
    size_t length = hl_gguf_left(cursor);
    if (length >= 4 && memcmp(at, "GGUF", 4) != 0)
        return hl_gguf_fail(parser, HOMELAB_E_FORMAT, 0, "magic",
                            "found 0x%02x%02x%02x%02x, expected 'GGUF'", at[0], at[1], at[2],
                            at[3]);
    int code = length >= 8 ? take_version(parser, at + 4) : HOMELAB_OK;
    if (code || length < 24)
        return code;
    cursor->swap = parser->swap;
    parser->tensor_total = hl_gguf_u64(at + 8, parser->swap);
    parser->key_total = hl_gguf_u64(at + 16, parser->swap);
    code = check_count(parser, 8, "tensor count", parser->tensor_total, parser->caps.tensors,
                       HL_GGUF_SHORTEST_TENSOR);
    if (!code)
        code = check_count(parser, 16, "key count", parser->key_total, parser->caps.keys,
                           HL_GGUF_SHORTEST_KEY);
    if (code)
        return code;
    cursor->at += 24;
    parser->state = parser->key_total ? HL_GGUF_KEY : HL_GGUF_TENSOR;
    return 1;
}

/* --- The drive --- */

void hl_gguf_caps(struct hl_gguf_caps *caps, const homelab_opts *opts)
{
    *caps = (struct hl_gguf_caps){
        .header_bytes = (uint64_t)hl_opt_int(opts, HL_OPT_GGUF_MAX_HEADER_BYTES),
        .keys = (uint64_t)hl_opt_int(opts, HL_OPT_GGUF_MAX_KEYS),
        .tensors = (uint64_t)hl_opt_int(opts, HL_OPT_GGUF_MAX_TENSORS),
        .kept_bytes = (uint64_t)hl_opt_int(opts, HL_OPT_GGUF_MAX_KEPT_BYTES),
        .key_bytes = (uint64_t)hl_opt_int(opts, HL_OPT_GGUF_MAX_KEY_BYTES),
        .name_bytes = (uint64_t)hl_opt_int(opts, HL_OPT_GGUF_MAX_NAME_BYTES),
        .text_bytes = (uint64_t)hl_opt_int(opts, HL_OPT_GGUF_MAX_TEXT_BYTES),
        .items = (uint64_t)hl_opt_int(opts, HL_OPT_GGUF_MAX_ITEMS),
        .parts = (uint64_t)hl_opt_int(opts, HL_OPT_GGUF_MAX_PARTS),
        .redirects = (int)hl_opt_int(opts, HL_OPT_GGUF_MAX_REDIRECTS),
    };
}

void hl_gguf_parser_init(struct hl_gguf_parser *parser, homelab_gguf *gguf, const char *name,
                         const struct hl_gguf_caps *caps, uint32_t part, uint64_t total)
{
    *parser = (struct hl_gguf_parser){
        .gguf = gguf,
        .name = name,
        .caps = *caps,
        .total = total,
        .part = part,
        .first_key = gguf->key_count,
        .alignment = 32,
        .split_no = -1,
        .split_count = -1,
        .split_tensors = -1,
    };
}

/* What is passed over may be more than the piece. */
static int step_skip(struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor)
{
    size_t length = hl_gguf_left(cursor);
    if (parser->skip < length)
        length = (size_t)parser->skip;
    cursor->at += length;
    parser->skip -= length;
    return parser->skip ? 0 : 1;
}

static int step_end(struct hl_gguf_parser *parser, const struct hl_gguf_cursor *cursor)
{
    uint64_t at = hl_gguf_offset(cursor), mask = parser->alignment - 1;
    /* As llama.cpp has it: without tensors nothing is aligned. */
    parser->data_offset = parser->tensor_total ? (at + mask) & ~mask : at;
    parser->state = HL_GGUF_END;
    uint64_t end;
    if (__builtin_add_overflow(parser->data_offset, parser->end, &end) || end > INT64_MAX)
        return HL_GGUF_FAIL(parser, HOMELAB_E_FORMAT, at,
                            "found tensors of more bytes than a file can have");
    return 1;
}

static int step(struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor)
{
    if (parser->skip)
        return step_skip(parser, cursor);
    switch ((enum hl_gguf_state)parser->state) {
    case HL_GGUF_HEADER:
        return step_header(parser, cursor);
    case HL_GGUF_KEY:
        return hl_gguf_step_key(parser, cursor);
    case HL_GGUF_TEXT:
    case HL_GGUF_NUMBERS:
    case HL_GGUF_TEXTS:
    case HL_GGUF_PASSED:
        return hl_gguf_step_value(parser, cursor);
    case HL_GGUF_TENSOR:
        return parser->tensor_done < parser->tensor_total ? hl_gguf_step_tensor(parser, cursor)
                                                          : step_end(parser, cursor);
    case HL_GGUF_END:
        break;
    }
    return 0;
}

int hl_gguf_parse(struct hl_gguf_parser *parser, const unsigned char *data, size_t length,
                  size_t *used)
{
    struct hl_gguf_cursor cursor = {
        .at = data,
        .end = data + length,
        .start = data,
        .base = parser->at,
        .swap = parser->swap,
    };
    int code;
    do
        code = step(parser, &cursor);
    while (code == 1 && parser->state != HL_GGUF_END);
    *used = (size_t)(cursor.at - data);
    parser->at += *used;
    if (code == 0 && parser->at > parser->caps.header_bytes)
        return HL_GGUF_FAIL(parser, HOMELAB_E_LIMIT, parser->at,
                            "found a header of more than %llu bytes",
                            (unsigned long long)parser->caps.header_bytes);
    return code;
}

void hl_gguf_parse_skip(struct hl_gguf_parser *parser)
{
    parser->at += parser->skip;
    parser->skip = 0;
}

int hl_gguf_parse_end(const struct hl_gguf_parser *parser, size_t rest)
{
    return HL_GGUF_FAIL(parser, HOMELAB_E_FORMAT, parser->at + rest, "the file ends here");
}
