#include "core/utf8.h"

#include <stdint.h>
#include <string.h>

static bool continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* Length of the ASCII at the start, counted eight bytes at a time. */
static size_t ascii_run(const char *text, size_t length)
{
    size_t at = 0;
    for (uint64_t word; length - at >= sizeof word; at += sizeof word) {
        memcpy(&word, text + at, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    return at;
}

size_t hl_utf8_sequence(const char *text, size_t length)
{
    const unsigned char *b = (const unsigned char *)text;
    if (length == 0)
        return 0;
    if (b[0] < 0x80)
        return 1;
    if (b[0] >= 0xC2 && b[0] <= 0xDF)
        return length >= 2 && continuation(b[1]) ? 2 : 0;
    if (b[0] >= 0xE0 && b[0] <= 0xEF) {
        unsigned char low = b[0] == 0xE0 ? 0xA0 : 0x80;
        unsigned char high = b[0] == 0xED ? 0x9F : 0xBF;
        return length >= 3 && b[1] >= low && b[1] <= high && continuation(b[2]) ? 3 : 0;
    }
    if (b[0] >= 0xF0 && b[0] <= 0xF4) {
        unsigned char low = b[0] == 0xF0 ? 0x90 : 0x80;
        unsigned char high = b[0] == 0xF4 ? 0x8F : 0xBF;
        bool valid =
            length >= 4 && b[1] >= low && b[1] <= high && continuation(b[2]) && continuation(b[3]);
        return valid ? 4 : 0;
    }
    return 0;
}

bool hl_utf8_valid(const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        at += ascii_run(text + at, length - at);
        if (at == length)
            break;
        size_t step = hl_utf8_sequence(text + at, length - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

size_t hl_utf8_cut(const char *text, size_t length, size_t max)
{
    if (length <= max)
        return length;
    size_t cut = max;
    while (cut > 0 && continuation((unsigned char)text[cut]))
        cut--;
    return cut;
}

void hl_text_clean(char *text, size_t size)
{
    size_t plain = 0;
    while ((unsigned char)text[plain] >= 0x20 && (unsigned char)text[plain] < 0x7f)
        plain++;
    if (!text[plain])
        return;
    size_t length = strlen(text), out = plain;
    for (size_t i = plain; i < length;) {
        unsigned char c = (unsigned char)text[i];
        size_t sequence = hl_utf8_sequence(text + i, length - i);
        bool control = c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)text[i + 1] < 0xa0);
        if (!sequence || control) {
            text[out++] = sequence ? ' ' : '?';
            i += sequence ? sequence : 1;
            continue;
        }
        memmove(text + out, text + i, sequence);
        out += sequence;
        i += sequence;
    }
    text[out < size ? out : size - 1] = '\0';
}
