/* The parser: takes the bytes of one file in order, in pieces of any length, and fills a
 * homelab_gguf. It holds no bytes itself: what a piece ends in the middle of is handed in again
 * with the next piece. Pure. */
#ifndef HL_VRAM_GGUF_PARSE_H
#define HL_VRAM_GGUF_PARSE_H

#include "core/options.h"
#include "vram/gguf.h"

/* A piece of this length always gets the parser on, whatever the options allow. */
#define HL_GGUF_WINDOW 65536

struct hl_gguf_caps {
    uint64_t header_bytes, keys, tensors, kept_bytes, key_bytes, name_bytes, text_bytes, items;
    uint64_t parts;
    int redirects; /* of one file */
};

struct hl_gguf_parser {
    homelab_gguf *gguf;
    const char *name; /* of the file, for messages */
    struct hl_gguf_caps caps;
    uint64_t total; /* bytes of the file, UINT64_MAX where unknown */
    uint64_t at;    /* offset of what comes next */
    uint64_t skip;  /* bytes to pass over before it */
    bool swap;
    int state;
    uint32_t part, version;
    size_t first_key; /* of this file in gguf->keys */
    uint64_t key_total, tensor_total;
    uint64_t key_done, tensor_done;
    uint64_t kept;          /* bytes */
    struct hl_gguf_key key; /* that is being read */
    uint64_t items_left;    /* of its value */
    uint32_t alignment;
    uint64_t data_offset;
    uint64_t data_bytes;                          /* of the tensors so far, padded */
    uint64_t end;                                 /* of the last tensor's bytes, from data_offset */
    int64_t split_no, split_count, split_tensors; /* -1 without the key */
};

void hl_gguf_caps(struct hl_gguf_caps *caps, const homelab_opts *opts);
/* Begins a file; gguf takes what it holds. name must outlive the parser. */
void hl_gguf_parser_init(struct hl_gguf_parser *parser, homelab_gguf *gguf, const char *name,
                         const struct hl_gguf_caps *caps, uint32_t part, uint64_t total);
/* 1: the infos are complete; 0: more is needed, from parser->at + parser->skip on; or a negative
 * code with a record that names offset and field. *used bytes are done with; the others go in again
 * with those that follow. */
int hl_gguf_parse(struct hl_gguf_parser *parser, const unsigned char *data, size_t length,
                  size_t *used);
/* The caller passed over parser->skip bytes itself. */
void hl_gguf_parse_skip(struct hl_gguf_parser *parser);
/* The input ended where more was needed, `rest` bytes beyond parser->at. Returns the code. */
int hl_gguf_parse_end(const struct hl_gguf_parser *parser, size_t rest);
/* "NAME: byte OFFSET: FIELD: …". Returns code. */
int hl_gguf_fail(const struct hl_gguf_parser *parser, int code, uint64_t offset, const char *field,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
