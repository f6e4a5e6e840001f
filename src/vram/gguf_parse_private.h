/* What the files of the parser share. */
#ifndef HL_VRAM_GGUF_PARSE_PRIVATE_H
#define HL_VRAM_GGUF_PARSE_PRIVATE_H

#include "core/alloc.h"
#include "core/error.h"
#include "vram/gguf_build.h"

#include <string.h>

#define HL_GGUF_FIELD_MAX       160
/* The shortest entries there can be: a name of one byte with a value of one; no name, no
 * dimension. */
#define HL_GGUF_SHORTEST_KEY    (8 + 1 + 4 + 1)
#define HL_GGUF_SHORTEST_TENSOR (8 + 4 + 4 + 8)

enum hl_gguf_state {
    HL_GGUF_HEADER,
    HL_GGUF_KEY,
    HL_GGUF_TEXT,
    HL_GGUF_NUMBERS,
    HL_GGUF_TEXTS,
    HL_GGUF_PASSED, /* a value that was not kept */
    HL_GGUF_TENSOR,
    HL_GGUF_END
};

/* What is left of the piece, and where in the file it is. */
struct hl_gguf_cursor {
    const unsigned char *at, *end;
    const unsigned char *start; /* of the piece */
    uint64_t base;              /* its offset */
    bool swap;
};

static inline size_t hl_gguf_left(const struct hl_gguf_cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

static inline uint64_t hl_gguf_offset(const struct hl_gguf_cursor *cursor)
{
    return cursor->base + (uint64_t)(cursor->at - cursor->start);
}

static inline uint32_t hl_gguf_u32(const unsigned char *at, bool swap)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return swap ? __builtin_bswap32(value) : value;
}

static inline uint64_t hl_gguf_u64(const unsigned char *at, bool swap)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return swap ? __builtin_bswap64(value) : value;
}

/* What is being read, for messages. */
const char *hl_gguf_field(const struct hl_gguf_parser *parser, char *to, size_t size);
#define HL_GGUF_FAIL(parser, code, offset, ...)                                                    \
    hl_gguf_fail(parser, code, offset,                                                             \
                 hl_gguf_field(parser, (char[HL_GGUF_FIELD_MAX]){0}, HL_GGUF_FIELD_MAX),           \
                 __VA_ARGS__)
/* Whether `bytes` from start on fit into the file and under the cap; if not, the error says that
 * `what` at offset was found to be `count`. */
int hl_gguf_check_room(const struct hl_gguf_parser *parser, uint64_t offset, uint64_t start,
                       uint64_t bytes, const char *what, uint64_t count);
char *hl_gguf_keep_text(struct hl_gguf_parser *parser, const unsigned char *text, size_t length);

/* The steps: each does one entry. 1 when it did, 0 when the piece ends in it, or a code; only with
 * 1 has the cursor moved, but for values that come in parts. */

/* A name of up to max bytes with its length in front, and `more` bytes behind it. */
int hl_gguf_step_name(const struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor,
                      uint64_t max, size_t more, const unsigned char **name, size_t *length);
int hl_gguf_step_key(struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor);
int hl_gguf_step_value(struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor);
int hl_gguf_step_tensor(struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor);

#endif
