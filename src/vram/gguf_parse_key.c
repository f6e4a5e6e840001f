/* Metadata: one entry is its name, its type, and a value that may come in many pieces. */
#include "vram/gguf_parse_private.h"

#include "core/utf8.h"

static const uint8_t item_bytes[HL_GGUF_TYPES] = {
    [HL_GGUF_UINT8] = 1,  [HL_GGUF_INT8] = 1,  [HL_GGUF_UINT16] = 2,  [HL_GGUF_INT16] = 2,
    [HL_GGUF_UINT32] = 4, [HL_GGUF_INT32] = 4, [HL_GGUF_FLOAT32] = 4, [HL_GGUF_BOOL] = 1,
    [HL_GGUF_STRING] = 8, /* the length; the text comes on top */
    [HL_GGUF_UINT64] = 8, [HL_GGUF_INT64] = 8, [HL_GGUF_FLOAT64] = 8,
};

static int count_kept(struct hl_gguf_parser *parser, uint64_t bytes)
{
    parser->kept += bytes;
    if (parser->kept <= parser->caps.kept_bytes)
        return HOMELAB_OK;
    return HL_GGUF_FAIL(parser, HOMELAB_E_LIMIT, parser->at,
                        "found more than %llu bytes of keys to keep",
                        (unsigned long long)parser->caps.kept_bytes);
}

/* --- The entry --- */

static enum hl_gguf_state state_of_value(const struct hl_gguf_parser *parser)
{
    const struct hl_gguf_key *key = &parser->key;
    if (key->type == HL_GGUF_STRING)
        return key->is_array ? HL_GGUF_TEXTS : HL_GGUF_TEXT;
    return key->count > parser->caps.items ? HL_GGUF_PASSED : HL_GGUF_NUMBERS;
}

/* The type is there, and of an array the items' type and count. */
static int take_type(struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor)
{
    struct hl_gguf_key *key = &parser->key;
    uint64_t offset = hl_gguf_offset(cursor);
    uint32_t type = hl_gguf_u32(cursor->at, cursor->swap);
    key->is_array = type == HL_GGUF_ARRAY;
    cursor->at += 4;
    if (key->is_array) {
        offset += 4;
        type = hl_gguf_u32(cursor->at, cursor->swap);
        key->count = hl_gguf_u64(cursor->at + 4, cursor->swap);
        cursor->at += 12;
    }
    if (type >= HL_GGUF_TYPES || type == HL_GGUF_ARRAY)
        return HL_GGUF_FAIL(parser, HOMELAB_E_FORMAT, offset, "type: found %u, expected %s", type,
                            key->is_array ? "0 to 8 or 10 to 12 for an item" : "0 to 12");
    key->type = (enum hl_gguf_type)type;
    uint64_t bytes;
    if (__builtin_mul_overflow(key->count, (uint64_t)item_bytes[type], &bytes))
        bytes = UINT64_MAX;
    int code = hl_gguf_check_room(parser, offset + 4, hl_gguf_offset(cursor), bytes,
                                  key->is_array ? "item count" : "value bytes",
                                  key->is_array ? key->count : bytes);
    if (code)
        return code;
    parser->items_left = key->count;
    parser->state = (int)state_of_value(parser);
    if (parser->state == HL_GGUF_PASSED)
        parser->skip = bytes;
    return 1;
}

int hl_gguf_step_key(struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor)
{
    struct hl_gguf_cursor ahead = *cursor;
    const unsigned char *name;
    size_t length;
    uint64_t offset = hl_gguf_offset(cursor);
    int code = hl_gguf_step_name(parser, &ahead, parser->caps.key_bytes, 4, &name, &length);
    if (code != 1)
        return code;
    if (!length)
        return HL_GGUF_FAIL(parser, HOMELAB_E_FORMAT, offset,
                            "name length: found 0, expected a name");
    if (hl_gguf_u32(ahead.at, ahead.swap) == HL_GGUF_ARRAY && hl_gguf_left(&ahead) < 16)
        return 0;
    *cursor = ahead;
    code = count_kept(parser, sizeof parser->key + length + 1);
    if (code)
        return code;
    parser->key = (struct hl_gguf_key){.offset = offset, .count = 1};
    parser->key.name = hl_gguf_keep_text(parser, name, length);
    if (!parser->key.name)
        return HOMELAB_E_NOMEM;
    parser->state = HL_GGUF_NUMBERS; /* from here on errors name the key */
    return take_type(parser, cursor);
}

/* --- The end of an entry --- */

static bool whole_number(const struct hl_gguf_key *key, int64_t *out)
{
    *out = hl_gguf_int(key, 0, -1);
    return !key->is_array && *out >= 0;
}

/* Keys that the reading itself goes by. */
static int heed(struct hl_gguf_parser *parser)
{
    const struct hl_gguf_key *key = &parser->key;
    static const char *const splits[] = {"split.no", "split.count", "split.tensors.count"};
    int64_t *const to[] = {&parser->split_no, &parser->split_count, &parser->split_tensors};
    int64_t value;
    if (strcmp(key->name, "general.alignment") == 0) {
        if (key->type != HL_GGUF_UINT32 || !whole_number(key, &value) || value < 1 ||
            (value & (value - 1)) != 0)
            return HL_GGUF_FAIL(parser, HOMELAB_E_FORMAT, key->offset,
                                "expected a power of two of type 4");
        parser->alignment = (uint32_t)value;
        return HOMELAB_OK;
    }
    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++)
        if (strcmp(key->name, splits[i]) == 0 && !whole_number(key, to[i]))
            return HL_GGUF_FAIL(parser, HOMELAB_E_FORMAT, key->offset,
                                "expected a whole number of 0 or more");
    return HOMELAB_OK;
}

static int end_key(struct hl_gguf_parser *parser)
{
    homelab_gguf *gguf = parser->gguf;
    int code = heed(parser);
    if (code)
        return code;
    if (hl_grow((void **)&gguf->keys, &gguf->key_capacity, gguf->key_count, sizeof *gguf->keys))
        return hl_error_nomem();
    gguf->keys[gguf->key_count++] = parser->key;
    parser->key_done++;
    parser->state = parser->key_done < parser->key_total ? HL_GGUF_KEY : HL_GGUF_TENSOR;
    return 1;
}

/* --- Values --- */

/* Values are anybody's bytes; what is handed out is UTF-8 without NUL. */
static void make_valid(char *text, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t sequence = text[i] ? hl_utf8_sequence(text + i, length - i) : 0;
        if (!sequence)
            text[i] = '?';
        i += sequence ? sequence : 1;
    }
}

static int step_text(struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor)
{
    if (hl_gguf_left(cursor) < 8)
        return 0;
    uint64_t length = hl_gguf_u64(cursor->at, cursor->swap), offset = hl_gguf_offset(cursor);
    int code = hl_gguf_check_room(parser, offset, offset + 8, length, "text length", length);
    if (code)
        return code;
    if (length > parser->caps.text_bytes) {
        cursor->at += 8;
        parser->state = HL_GGUF_PASSED;
        parser->skip = length;
        return 1;
    }
    if (hl_gguf_left(cursor) - 8 < length)
        return 0;
    code = count_kept(parser, length + 1);
    if (code)
        return code;
    char *text = hl_gguf_keep_text(parser, cursor->at + 8, (size_t)length);
    if (!text)
        return HOMELAB_E_NOMEM;
    make_valid(text, (size_t)length);
    parser->key.text = text;
    cursor->at += 8 + length;
    return end_key(parser);
}

static union hl_gguf_number number_at(const unsigned char *at, enum hl_gguf_type type, bool swap)
{
    unsigned char bytes[8] = {0};
    uint16_t half;
    uint32_t word;
    uint64_t whole;
    float single;
    double real;
    size_t length = item_bytes[type];
    for (size_t i = 0; i < length; i++)
        bytes[i] = at[swap ? length - 1 - i : i];
    memcpy(&half, bytes, sizeof half);
    memcpy(&word, bytes, sizeof word);
    memcpy(&whole, bytes, sizeof whole);
    memcpy(&single, bytes, sizeof single);
    memcpy(&real, bytes, sizeof real);
    switch (type) {
    case HL_GGUF_BOOL:
        return (union hl_gguf_number){.u = bytes[0] != 0};
    case HL_GGUF_INT8:
        return (union hl_gguf_number){.i = (int8_t)bytes[0]};
    case HL_GGUF_INT16:
        return (union hl_gguf_number){.i = (int16_t)half};
    case HL_GGUF_INT32:
        return (union hl_gguf_number){.i = (int32_t)word};
    case HL_GGUF_FLOAT32:
        return (union hl_gguf_number){.f = (double)single};
    case HL_GGUF_FLOAT64:
        return (union hl_gguf_number){.f = real};
    default:
        return (union hl_gguf_number){.u = whole};
    }
}

static int step_numbers(struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor)
{
    struct hl_gguf_key *key = &parser->key;
    if (parser->items_left && !key->numbers) {
        int code = count_kept(parser, key->count * sizeof *key->numbers);
        if (code)
            return code;
        key->numbers = hl_gguf_keep(parser->gguf, (size_t)key->count * sizeof *key->numbers);
        if (!key->numbers)
            return HOMELAB_E_NOMEM;
    }
    size_t each = item_bytes[key->type];
    while (parser->items_left && hl_gguf_left(cursor) >= each) {
        key->numbers[key->count - parser->items_left] =
            number_at(cursor->at, key->type, cursor->swap);
        cursor->at += each;
        parser->items_left--;
    }
    return parser->items_left ? 0 : end_key(parser);
}

/* Passes over texts, each with its length in front, as long as they are whole; false at one that is
 * longer than the piece. A vocabulary is most of a header, so this is where the time goes. */
static inline __attribute__((always_inline)) bool pass_texts(struct hl_gguf_cursor *cursor,
                                                             uint64_t *items, bool swap)
{
    const unsigned char *at = cursor->at, *const end = cursor->end;
    uint64_t count = *items;
    bool whole = true;
    while (count && end - at >= 8) {
        uint64_t length = hl_gguf_u64(at, swap);
        whole = length <= (uint64_t)(end - at) - 8;
        if (!whole)
            break;
        at += 8 + length;
        count--;
    }
    cursor->at = at;
    *items = count;
    return whole;
}

static int step_texts(struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor)
{
    bool whole = cursor->swap ? pass_texts(cursor, &parser->items_left, true)
                              : pass_texts(cursor, &parser->items_left, false);
    if (whole)
        return parser->items_left ? 0 : end_key(parser);
    uint64_t offset = hl_gguf_offset(cursor), length = hl_gguf_u64(cursor->at, cursor->swap);
    int code = hl_gguf_check_room(parser, offset, offset + 8, length, "text length", length);
    if (code)
        return code;
    cursor->at += 8;
    parser->skip = length;
    parser->items_left--;
    return 1;
}

int hl_gguf_step_value(struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor)
{
    switch ((enum hl_gguf_state)parser->state) {
    case HL_GGUF_TEXT:
        return step_text(parser, cursor);
    case HL_GGUF_TEXTS:
        return step_texts(parser, cursor);
    case HL_GGUF_NUMBERS:
        return step_numbers(parser, cursor);
    default:
        return end_key(parser);
    }
}
