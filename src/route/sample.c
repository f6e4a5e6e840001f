#include "route/sample.h"

#include <string.h>

void hl_sample_reset(struct hl_sample *sample)
{
    sample->total = 0;
}

static void add_tail(struct hl_sample *sample, const unsigned char *bytes, size_t length)
{
    if (length > HL_SAMPLE_TAIL) {
        sample->total += length - HL_SAMPLE_TAIL;
        bytes += length - HL_SAMPLE_TAIL;
        length = HL_SAMPLE_TAIL;
    }
    size_t at = (size_t)(sample->total - HL_SAMPLE_HEAD) % HL_SAMPLE_TAIL;
    size_t first = HL_SAMPLE_TAIL - at < length ? HL_SAMPLE_TAIL - at : length;
    memcpy(sample->tail + at, bytes, first);
    memcpy(sample->tail, bytes + first, length - first);
    sample->total += length;
}

void hl_sample_add(struct hl_sample *sample, const void *bytes, size_t length)
{
    const unsigned char *from = bytes;
    if (sample->total < HL_SAMPLE_HEAD) {
        size_t room = HL_SAMPLE_HEAD - (size_t)sample->total;
        size_t some = length < room ? length : room;
        if (some)
            memcpy(sample->head + sample->total, from, some);
        sample->total += some;
        from += some;
        length -= some;
    }
    if (length)
        add_tail(sample, from, length);
}

size_t hl_sample_text(const struct hl_sample *sample, unsigned char out[HL_SAMPLE_MAX])
{
    if (sample->total <= HL_SAMPLE_HEAD) {
        memcpy(out, sample->head, (size_t)sample->total);
        return (size_t)sample->total;
    }
    memcpy(out, sample->head, HL_SAMPLE_HEAD);
    uint64_t beyond = sample->total - HL_SAMPLE_HEAD;
    if (beyond <= HL_SAMPLE_TAIL) {
        memcpy(out + HL_SAMPLE_HEAD, sample->tail, (size_t)beyond);
        return HL_SAMPLE_HEAD + (size_t)beyond;
    }
    size_t at = (size_t)beyond % HL_SAMPLE_TAIL;
    memcpy(out + HL_SAMPLE_HEAD, sample->tail + at, HL_SAMPLE_TAIL - at);
    memcpy(out + HL_SAMPLE_MAX - at, sample->tail, at);
    return HL_SAMPLE_MAX;
}
