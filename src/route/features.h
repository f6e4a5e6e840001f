/* Turns a prompt into the rows of the weight table that it touches. The training script calls this
 * very code, so that what is learnt and what is computed cannot differ. */
#ifndef HL_ROUTE_FEATURES_H
#define HL_ROUTE_FEATURES_H

#include "route/sample.h"

#define HL_FEATURE_BITS 16
#define HL_FEATURE_ROWS (1u << HL_FEATURE_BITS)
#define HL_GRAM_MAX     5 /* longest run of bytes */
/* Per byte: the runs that begin there, a word and a pair of words; the first and last words; the
 * shape. */
#define HL_FEATURES_MAX (HL_SAMPLE_MAX * (HL_GRAM_MAX + 2) + 16)

/* Distinct rows, at most HL_FEATURES_MAX, in no order that matters. length is at most
 * HL_SAMPLE_MAX; what is beyond is not read. */
size_t hl_features(const unsigned char *text, size_t length, uint16_t out[HL_FEATURES_MAX]);

#endif
