#include "route/features.h"

#include <stdbool.h>
#include <string.h>

/* FNV-1a's numbers; any good odd ones would do, but they are part of the trained model. */
#define HASH_BYTES 0x811C9DC5u
#define HASH_WORD  0x01234567u
#define HASH_PRIME 0x01000193u
#define HASH_MIX   0x9E3779B1u

struct rows {
    uint16_t *out;
    size_t count;
    uint32_t seen[HL_FEATURE_ROWS / 32];
};

/* Without a branch: whether a row was seen cannot be foretold. */
static inline void put(struct rows *rows, uint32_t hash)
{
    uint32_t row = (hash * HASH_MIX) >> (32 - HL_FEATURE_BITS);
    uint32_t word = rows->seen[row >> 5];
    rows->seen[row >> 5] = word | 1u << (row & 31);
    rows->out[rows->count] = (uint16_t)row;
    rows->count += ~(word >> (row & 31)) & 1;
}

static inline uint32_t step(uint32_t hash, unsigned char byte)
{
    return (hash ^ byte) * HASH_PRIME;
}

/* --- Normal form: lower case, one space, full-width forms as ASCII --- */

static inline bool is_space(unsigned char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline unsigned char lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

/* U+FF01 to U+FF5E are ASCII, drawn wide; 0 for anything else. */
static unsigned char full_width(const unsigned char *at, size_t left)
{
    if (left < 3 || at[0] != 0xEF || (at[1] != 0xBC && at[1] != 0xBD))
        return 0;
    unsigned low = (unsigned)(at[1] & 0x3F) << 6 | (at[2] & 0x3Fu);
    return low >= 0xF01 && low <= 0xF5E ? lower((unsigned char)(low - 0xF01 + '!')) : 0;
}

static bool is_wide_space(const unsigned char *at, size_t left)
{
    return left >= 3 && at[0] == 0xE3 && at[1] == 0x80 && at[2] == 0x80;
}

/* U+00C0 to U+00DE, but for the multiplication sign, have their small letter 32 further on. */
static bool is_latin_capital(const unsigned char *at, size_t left)
{
    return left >= 2 && at[0] == 0xC3 && at[1] >= 0x80 && at[1] <= 0x9E && at[1] != 0x97;
}

static size_t normalise(const unsigned char *text, size_t length, unsigned char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = text[i];
        if (c < 0x80 && !is_space(c)) {
            out[n++] = lower(c);
            continue;
        }
        bool wide = c >= 0x80 && is_wide_space(text + i, length - i);
        if (c < 0x80 || wide) {
            if (n && out[n - 1] != ' ')
                out[n++] = ' ';
            i += wide ? 2 : 0;
            continue;
        }
        unsigned char ascii = full_width(text + i, length - i);
        if (ascii) {
            out[n++] = ascii;
            i += 2;
        } else if (is_latin_capital(text + i, length - i)) {
            out[n++] = c;
            out[n++] = (unsigned char)(text[++i] + 0x20);
        } else {
            out[n++] = c;
        }
    }
    while (n && out[n - 1] == ' ')
        n--;
    return n;
}

/* --- Runs of bytes --- */

static void put_grams(struct rows *rows, const unsigned char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        size_t end = i + HL_GRAM_MAX < length ? i + HL_GRAM_MAX : length;
        uint32_t hash = HASH_BYTES;
        for (size_t j = i; j < end; j++) {
            hash = step(hash, text[j]);
            put(rows, hash);
        }
    }
}

/* --- Words: letters and digits, one CJK character, or one sign --- */

static inline bool is_cjk(unsigned char c)
{
    return c >= 0xE3 && c <= 0xEF;
}

static inline bool is_word(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 0x80 && !is_cjk(c));
}

static size_t word_end(const unsigned char *text, size_t at, size_t length)
{
    if (is_cjk(text[at]))
        return at + 3 < length ? at + 3 : length;
    if (!is_word(text[at]))
        return at + 1;
    while (at < length && is_word(text[at]))
        at++;
    return at;
}

static void put_words(struct rows *rows, const unsigned char *text, size_t length)
{
    uint32_t first[3] = {0, 0, 0};
    uint32_t last = 0, before = 0;
    size_t count = 0;
    for (size_t i = 0; i < length;) {
        if (text[i] == ' ') {
            i++;
            continue;
        }
        uint32_t hash = HASH_WORD;
        for (size_t end = word_end(text, i, length); i < end; i++)
            hash = step(hash, text[i]);
        put(rows, hash * HASH_PRIME + 77);
        if (count)
            put(rows, (last * 31 + hash) * HASH_PRIME + 99);
        if (count < 3)
            first[count] = hash;
        before = last;
        last = hash;
        count++;
    }
    for (uint32_t i = 0; i < 3 && i < count; i++)
        put(rows, first[i] * HASH_PRIME + 1000 + i);
    if (count > 1)
        put(rows, (first[0] * 31 + first[1]) * HASH_PRIME + 2000);
    if (count > 2)
        put(rows, ((first[0] * 31 + first[1]) * 31 + first[2]) * HASH_PRIME + 2001);
    if (count > 0)
        put(rows, last * HASH_PRIME + 3000);
    if (count > 1)
        put(rows, before * HASH_PRIME + 3001);
}

/* --- Shape: signs of code, of formulas and of an examination --- */

enum shape {
    SHAPE_FENCE,
    SHAPE_TICK,
    SHAPE_CODE,
    SHAPE_FORMULA,
    SHAPE_CHOICES,
    SHAPE_NUMBERS,
    SHAPE_SIGNS
};

static inline bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

/* What prose hardly uses. */
static inline bool is_sign(unsigned char c)
{
    return c > ' ' && c < 0x7F && !is_word(c) && c != '.' && c != ',' && c != '?' && c != '\'';
}

static inline bool starts(const unsigned char *text, size_t length, const char *with, size_t size)
{
    return length >= size && memcmp(text, with, size) == 0;
}

static unsigned shape_of_sign(const unsigned char *at, size_t left)
{
    switch (*at) {
    case '`':
        return 1u << SHAPE_TICK | (unsigned)starts(at, left, "```", 3) << SHAPE_FENCE;
    case '{':
        return 1u << SHAPE_CODE;
    case '(':
        return (unsigned)starts(at, left, "();", 3) << SHAPE_CODE;
    case '=':
        return (unsigned)starts(at, left, "= ", 2) << SHAPE_CODE;
    case '$':
    case '\\':
        return 1u << SHAPE_FORMULA;
    default:
        return 0;
    }
}

/* A bit for each of A, B and C that marks a choice: "A.", "(A)", "A)". */
static unsigned choice(const unsigned char *text, size_t at)
{
    bool closes = text[at] == '.' || text[at] == ')';
    if (!closes || at < 1 || text[at - 1] < 'a' || text[at - 1] > 'c')
        return 0;
    return at > 1 && is_word(text[at - 2]) ? 0 : 1u << (text[at - 1] - 'a');
}

static void put_shape(struct rows *rows, const unsigned char *text, size_t length)
{
    unsigned shapes = 0, choices = 0;
    size_t numbers = 0, signs = 0;
    for (size_t i = 0; i < length; i++) {
        numbers += is_digit(text[i]) && (i == 0 || !is_digit(text[i - 1]));
        choices |= choice(text, i);
        if (is_sign(text[i])) {
            signs++;
            shapes |= shape_of_sign(text + i, length - i);
        }
    }
    shapes |= (unsigned)(choices == 7) << SHAPE_CHOICES;
    for (uint32_t shape = 0; shape < SHAPE_NUMBERS; shape++)
        if (shapes >> shape & 1)
            put(rows, shape * HASH_PRIME + 4000);
    uint32_t many = numbers > 5 ? 3 : numbers > 2 ? 2 : numbers > 0;
    uint32_t share = length ? (uint32_t)(signs * 40 / length) : 0;
    put(rows, (SHAPE_NUMBERS * 31 + many) * HASH_PRIME + 4001);
    put(rows, (SHAPE_SIGNS * 31 + (share < 6 ? share : 6)) * HASH_PRIME + 4001);
}

size_t hl_features(const unsigned char *text, size_t length, uint16_t out[HL_FEATURES_MAX])
{
    unsigned char normal[HL_SAMPLE_MAX] = {0};
    struct rows rows;
    rows.out = out;
    rows.count = 0;
    memset(rows.seen, 0, sizeof rows.seen);
    if (length > HL_SAMPLE_MAX)
        length = HL_SAMPLE_MAX;
    length = normalise(text, length, normal);
    put_grams(&rows, normal, length);
    put_words(&rows, normal, length);
    put_shape(&rows, normal, length);
    return rows.count;
}
