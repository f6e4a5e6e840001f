/* What the two searches share. One run maximises one level while the levels above it keep the
 * values that earlier runs proved best. */
#ifndef HL_PLACE_SEARCH_H
#define HL_PLACE_SEARCH_H

#include "place/place.h"

struct hl_search {
    const struct hl_place_problem *problem;
    int level;                                     /* maximised by this run */
    int64_t target[HL_PLACE_LEVELS];               /* of the levels above */
    int64_t unit[HL_PLACE_LEVELS];                 /* greatest common divisor of the gains */
    double *price[HL_PLACE_LEVELS];                /* by resource and level: see bound.c */
    double toll[HL_PLACE_LEVELS][HL_PLACE_LEVELS]; /* of falling short of the levels above */
    double *scratch;                               /* two numbers a resource */
    struct hl_place_result *best;
    int64_t max_steps;
};

/* Gains of an option at a level, with what the tolls add. */
static inline double hl_search_gain(const struct hl_search *search,
                                    const struct hl_place_option *option, int level)
{
    double gain = (double)option->gain[level];
    for (int above = 1; above < level; above++)
        gain += search->toll[level][above] * (double)option->gain[above];
    return gain;
}

/* Sets price and toll of the level so that the bound is low, and returns the bound. Targets of the
 * levels above are known; best holds a solution. */
double hl_search_price(struct hl_search *search, int level);

/* Whether a bound on the level still allows for something better than best, or at levels above for
 * the target. Half a unit of rounding is forgiven. */
static inline bool hl_search_reaches(const struct hl_search *search, int level, double bound)
{
    if (level == search->level)
        return bound > (double)(search->best->level[level] + search->unit[level]) - 0.5;
    return bound > (double)search->target[level] - 0.5;
}

/* Number of distinct needs. */
static inline int hl_search_needs(uint64_t needs)
{
    return __builtin_popcountll(needs);
}

/* What no choice can exceed at a level from 1 on, whatever the capacities. */
int64_t hl_search_ceiling(const struct hl_place_problem *problem, int level);

/* Takes over choice when it is better from level 0 down to the last. */
void hl_search_offer(struct hl_search *search, const int *choice);

/* 0 when the run is complete, 1 when the budget ran out, HOMELAB_E_NOMEM. */
int hl_search_items(struct hl_search *search);

#endif
