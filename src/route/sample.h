/* The bounded part of a prompt that is read: its beginning and its end. Filled piece by piece, any
 * bytes; a piece costs its copy and no more than the two windows. */
#ifndef HL_ROUTE_SAMPLE_H
#define HL_ROUTE_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#define HL_SAMPLE_HEAD 768
#define HL_SAMPLE_TAIL 256
#define HL_SAMPLE_MAX  (HL_SAMPLE_HEAD + HL_SAMPLE_TAIL)

struct hl_sample {
    uint64_t total; /* bytes given */
    unsigned char head[HL_SAMPLE_HEAD];
    unsigned char tail[HL_SAMPLE_TAIL]; /* a ring; the byte after the head stands at 0 */
};

void hl_sample_reset(struct hl_sample *sample);
void hl_sample_add(struct hl_sample *sample, const void *bytes, size_t length);
/* Head and tail one after the other; returns the number of bytes written. */
size_t hl_sample_text(const struct hl_sample *sample, unsigned char out[HL_SAMPLE_MAX]);

#endif
