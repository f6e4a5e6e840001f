/* Scores get keys: whole numbers that order as the scores do and whose last six bits tell the
 * earlier expert, so that no two are equal. A fixed network of comparisons sorts four keys a lane
 * at a time, without a branch: a sorted list that better ones are inserted into costs a wrong guess
 * of the processor for each change to it. */
#include "route/best.h"

#define PLACES (HL_BLOCK - 1)

/* The four largest keys of each lane, in order. */
struct ladder {
    hl_four first, second, third, fourth;
};

/* However many are wanted, there are as many keys. */
_Static_assert(HL_TOP_MAX <= 16, "blocks are filled up to a multiple of 16");

static inline hl_four pick(hl_four where, hl_four yes, hl_four no)
{
    return no ^ ((no ^ yes) & where);
}

static inline hl_four larger(hl_four a, hl_four b)
{
    return pick(a > b, a, b);
}

static inline void order(hl_four *high, hl_four *low)
{
    hl_four change = (*high ^ *low) & (*low > *high);
    *high ^= change;
    *low ^= change;
}

static inline struct ladder sorted(const hl_four quad[4])
{
    struct ladder all = {quad[0], quad[1], quad[2], quad[3]};
    order(&all.first, &all.second);
    order(&all.third, &all.fourth);
    order(&all.first, &all.third);
    order(&all.second, &all.fourth);
    order(&all.second, &all.third);
    return all;
}

/* One rises while the other falls, so the larger of each pair are the largest of all. */
static inline struct ladder merged(struct ladder a, struct ladder b)
{
    struct ladder all = {larger(a.first, b.fourth), larger(a.second, b.third),
                         larger(a.third, b.second), larger(a.fourth, b.first)};
    order(&all.first, &all.third);
    order(&all.second, &all.fourth);
    order(&all.first, &all.second);
    order(&all.third, &all.fourth);
    return all;
}

/* The largest of all lanes, in each of them. */
static inline hl_four widest(hl_four keys)
{
    keys = larger(keys, __builtin_shufflevector(keys, keys, 2, 3, 0, 1));
    return larger(keys, __builtin_shufflevector(keys, keys, 1, 0, 3, 2));
}

static inline void take_out(struct ladder *best, hl_four key)
{
    const hl_four none = {INT32_MIN, INT32_MIN, INT32_MIN, INT32_MIN};
    hl_four hit = best->first == key;
    best->first = pick(hit, best->second, best->first);
    best->second = pick(hit, best->third, best->second);
    best->third = pick(hit, best->fourth, best->third);
    best->fourth = pick(hit, none, best->fourth);
}

static void make_keys(hl_four keys[HL_QUADS], const struct hl_block *block, size_t quads)
{
    hl_four place = {PLACES, PLACES - 1, PLACES - 2, PLACES - 3};
    for (size_t i = 0; i < quads; i++, place -= 4) {
        hl_four bits = block->quad[i];
        keys[i] = ((bits ^ ((bits >> 31) & INT32_MAX)) & ~PLACES) | place;
    }
}

static struct ladder best_of(const hl_four keys[HL_QUADS], size_t quads)
{
    struct ladder best = sorted(keys);
    for (size_t i = 4; i < quads; i += 4)
        best = merged(best, sorted(keys + i));
    return best;
}

/* Where a score belongs among the candidates; equal ones stay in their order. */
static inline void insert(struct hl_verdict *out, unsigned top, uint32_t expert, float score,
                          bool trial)
{
    uint32_t at = out->count < top ? out->count++ : top - 1;
    for (; at > 0 && score > out->top[at - 1].score; at--)
        out->top[at] = out->top[at - 1];
    out->top[at].expert = expert;
    out->top[at].score = score;
    out->top[at].sticky = false;
    out->top[at].trial = trial;
}

/* Up to four of them. False when there are no more that are wanted. */
static bool take_four(struct hl_verdict *out, unsigned top, const struct hl_block *block,
                      struct ladder best, hl_four *last, unsigned wanted)
{
    for (unsigned i = 0; i < wanted && i < 4; i++) {
        *last = widest(best.first);
        uint32_t place = PLACES - ((uint32_t)(*last)[0] & PLACES);
        float score = block->score[place];
        if (!hl_is_score(score) || (out->count == top && score <= out->top[top - 1].score))
            return false;
        insert(out, top, block->from + place, score, block->trials >> place & 1);
        take_out(&best, *last);
    }
    return wanted > 4;
}

void hl_take_best(struct hl_verdict *out, unsigned top, struct hl_block *block)
{
    hl_four keys[HL_QUADS], last;
    size_t quads = (block->count + 15) / 16 * 4;
    for (size_t i = block->count; i < 4 * quads; i++)
        block->score[i] = -HL_NEVER;
    make_keys(keys, block, quads);
    for (unsigned left = top; take_four(out, top, block, best_of(keys, quads), &last, left);
         left -= 4)
        for (size_t i = 0; i < quads; i++)
            keys[i] = pick(keys[i] < last, keys[i], (hl_four){0} + INT32_MIN);
    block->from += block->count;
    block->count = 0;
    block->trials = 0;
}
