#include "route/json_walk.h"

#include <string.h>

#define KEY_MAX    32 /* longest known key and more */
#define NUMBER_MAX 9007199254740992u

static void fail(struct hl_walk *walk)
{
    walk->bad = true;
    walk->at = walk->end;
}

unsigned char hl_walk_peek(struct hl_walk *walk)
{
    while (walk->at < walk->end &&
           (*walk->at == ' ' || *walk->at == '\n' || *walk->at == '\r' || *walk->at == '\t'))
        walk->at++;
    return walk->at < walk->end ? *walk->at : 0;
}

static bool take(struct hl_walk *walk, unsigned char c)
{
    if (hl_walk_peek(walk) != c || walk->at == walk->end) {
        fail(walk);
        return false;
    }
    walk->at++;
    return true;
}

/* --- Strings --- */

static int hex(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits after \u, or -1. */
static int32_t code_unit(const struct hl_walk *walk)
{
    if (walk->end - walk->at < 4)
        return -1;
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex(walk->at[i]);
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static size_t put_utf8(uint32_t code, unsigned char out[4])
{
    if (code < 0x80) {
        out[0] = (unsigned char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (unsigned char)(0xC0 | code >> 6);
        out[1] = (unsigned char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (unsigned char)(0xE0 | code >> 12);
        out[1] = (unsigned char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (unsigned char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (unsigned char)(0xF0 | code >> 18);
    out[1] = (unsigned char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (unsigned char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (unsigned char)(0x80 | (code & 0x3F));
    return 4;
}

/* After \u; a lone surrogate becomes U+FFFD. */
static size_t decode_unicode(struct hl_walk *walk, unsigned char out[4])
{
    int32_t unit = code_unit(walk);
    if (unit < 0) {
        fail(walk);
        return 0;
    }
    walk->at += 4;
    if (unit < 0xD800 || unit > 0xDFFF)
        return put_utf8((uint32_t)unit, out);
    if (unit > 0xDBFF || walk->end - walk->at < 6 || walk->at[0] != '\\' || walk->at[1] != 'u')
        return put_utf8(0xFFFD, out);
    struct hl_walk ahead = {walk->at + 2, walk->end, false};
    int32_t low = code_unit(&ahead);
    if (low < 0xDC00 || low > 0xDFFF)
        return put_utf8(0xFFFD, out);
    walk->at += 6;
    return put_utf8(0x10000 + ((uint32_t)(unit - 0xD800) << 10 | (uint32_t)(low - 0xDC00)), out);
}

/* After the backslash. */
static size_t decode_escape(struct hl_walk *walk, unsigned char out[4])
{
    static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    if (walk->at == walk->end) {
        fail(walk);
        return 0;
    }
    unsigned char c = *walk->at++;
    if (c == 'u')
        return decode_unicode(walk, out);
    const char *letter = c ? strchr(letters, c) : NULL;
    if (!letter) {
        fail(walk);
        return 0;
    }
    out[0] = (unsigned char)bytes[letter - letters];
    return 1;
}

void hl_walk_string(struct hl_walk *walk, hl_walk_sink sink, void *to)
{
    if (!take(walk, '"'))
        return;
    for (;;) {
        const unsigned char *from = walk->at;
        while (walk->at < walk->end && *walk->at != '"' && *walk->at != '\\')
            walk->at++;
        if (sink && walk->at > from)
            sink(to, from, (size_t)(walk->at - from));
        if (walk->at == walk->end) {
            fail(walk);
            return;
        }
        if (*walk->at++ == '"')
            return;
        unsigned char decoded[4];
        size_t length = decode_escape(walk, decoded);
        if (walk->bad)
            return;
        if (sink)
            sink(to, decoded, length);
    }
}

struct text {
    char *out;
    size_t size, length;
};

static void add_text(void *to, const void *bytes, size_t length)
{
    struct text *text = to;
    size_t room = text->size - 1 - text->length;
    size_t some = length < room ? length : room;
    memcpy(text->out + text->length, bytes, some);
    text->length += some;
}

void hl_walk_text(struct hl_walk *walk, char *out, size_t size)
{
    struct text text = {out, size, 0};
    hl_walk_string(walk, add_text, &text);
    out[text.length] = '\0';
    /* Or what ends there would be taken for it. */
    for (char *nul; (nul = memchr(out, '\0', text.length));)
        *nul = ' ';
}

/* --- Other values --- */

static bool is_scalar(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' ||
           c == 'E';
}

static void skip_scalar(struct hl_walk *walk)
{
    const unsigned char *from = walk->at;
    while (walk->at < walk->end && is_scalar(*walk->at))
        walk->at++;
    if (walk->at == from)
        fail(walk);
}

/* A loop with a count, so that no nesting can use up the stack. */
void hl_walk_skip(struct hl_walk *walk)
{
    size_t depth = 0;
    do {
        unsigned char c = hl_walk_peek(walk);
        if (c == '"') {
            hl_walk_string(walk, NULL, NULL);
        } else if (c == '{' || c == '[') {
            depth++;
            walk->at++;
        } else if (depth && (c == '}' || c == ']')) {
            depth--;
            walk->at++;
        } else if (depth && (c == ',' || c == ':')) {
            walk->at++;
        } else {
            skip_scalar(walk);
        }
    } while (depth && !walk->bad);
}

uint64_t hl_walk_number(struct hl_walk *walk)
{
    unsigned char c = hl_walk_peek(walk);
    if (c < '0' || c > '9') {
        hl_walk_skip(walk);
        return 0;
    }
    uint64_t value = 0;
    while (walk->at < walk->end && *walk->at >= '0' && *walk->at <= '9') {
        if (value < NUMBER_MAX)
            value = value * 10 + (uint64_t)(*walk->at - '0');
        walk->at++;
    }
    if (walk->at < walk->end && is_scalar(*walk->at))
        skip_scalar(walk);
    return value < NUMBER_MAX ? value : NUMBER_MAX;
}

void hl_walk_object(struct hl_walk *walk, hl_walk_member member, void *userdata)
{
    if (!take(walk, '{'))
        return;
    if (hl_walk_peek(walk) == '}') {
        walk->at++;
        return;
    }
    do {
        char key[KEY_MAX];
        hl_walk_peek(walk);
        hl_walk_text(walk, key, sizeof key);
        if (!take(walk, ':'))
            return;
        member(walk, key, userdata);
        if (hl_walk_peek(walk) == '}') {
            walk->at++;
            return;
        }
    } while (take(walk, ','));
}

size_t hl_walk_array(struct hl_walk *walk, hl_walk_member member, void *userdata)
{
    size_t count = 0;
    if (!take(walk, '['))
        return 0;
    if (hl_walk_peek(walk) == ']') {
        walk->at++;
        return 0;
    }
    do {
        count++;
        member(walk, NULL, userdata);
        if (hl_walk_peek(walk) == ']') {
            walk->at++;
            return count;
        }
    } while (take(walk, ','));
    return count;
}
