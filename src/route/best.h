/* The best of many scores, in blocks of 64, four at a time. */
#ifndef HL_ROUTE_BEST_H
#define HL_ROUTE_BEST_H

#include "route/router_private.h"

typedef int32_t hl_four __attribute__((vector_size(16)));
typedef float hl_four_floats __attribute__((vector_size(16)));

#define HL_QUADS (HL_BLOCK / 4)
#define HL_NEVER 1e30f /* minus this is no score */

static inline bool hl_is_score(float score)
{
    return score > -HL_NEVER / 2;
}

/* Scores of experts that stand together in the table; those of rejected ones are -HL_NEVER. */
struct hl_block {
    union {
        hl_four quad[HL_QUADS];
        float score[HL_BLOCK];
    };
    uint32_t from, count;
    uint64_t trials; /* a bit each */
};

/* Merges the block's best into the best `top`; equal ones stay in their order. Goes on to the next
 * block. */
void hl_take_best(struct hl_verdict *out, unsigned top, struct hl_block *block);

#endif
