/* The best placement by trying all of them: what the search is compared with. */
#ifndef TESTS_SUPPORT_PLACE_EXHAUSTIVE_H
#define TESTS_SUPPORT_PLACE_EXHAUSTIVE_H

#include "place/place.h"

#include <string.h>

struct exhaustive {
    const struct hl_place_problem *problem;
    int64_t room[256];
    int choice[HL_PLACE_MAX_ITEMS];
    int64_t level[HL_PLACE_LEVELS];
    bool any;
};

static inline void exhaustive_offer(struct exhaustive *all)
{
    const struct hl_place_problem *problem = all->problem;
    int64_t level[HL_PLACE_LEVELS] = {0};
    uint64_t needs = 0;
    for (size_t i = 0; i < problem->item_count; i++) {
        if (all->choice[i] < 0)
            continue;
        needs |= problem->items[i].needs;
        for (int l = 1; l < problem->level_count; l++)
            level[l] += problem->options[problem->items[i].option + (size_t)all->choice[i]].gain[l];
    }
    level[0] = __builtin_popcountll(needs);
    for (int l = 0; all->any && l < problem->level_count; l++) {
        if (level[l] < all->level[l])
            return;
        if (level[l] > all->level[l])
            break;
    }
    all->any = true;
    memcpy(all->level, level, sizeof level);
}

static inline bool exhaustive_allowed(const struct exhaustive *all, size_t i,
                                      const struct hl_place_option *option)
{
    const struct hl_place_problem *problem = all->problem;
    for (size_t u = 0; u < option->use_count; u++)
        if (problem->uses[option->use + u].amount >
            all->room[problem->uses[option->use + u].resource])
            return false;
    for (size_t other = 0; other < i; other++)
        if (problem->items[i].apart >> other & 1 && all->choice[other] >= 0 &&
            problem->options[problem->items[other].option + (size_t)all->choice[other]].sites &
                option->sites)
            return false;
    return true;
}

static inline void exhaustive_step(struct exhaustive *all, size_t i)
{
    const struct hl_place_problem *problem = all->problem;
    if (i == problem->item_count) {
        exhaustive_offer(all);
        return;
    }
    all->choice[i] = -1;
    exhaustive_step(all, i + 1);
    for (size_t o = 0; o < problem->items[i].option_count; o++) {
        const struct hl_place_option *option = &problem->options[problem->items[i].option + o];
        if (!exhaustive_allowed(all, i, option))
            continue;
        const struct hl_place_use *uses = &problem->uses[option->use];
        for (size_t u = 0; u < option->use_count; u++)
            all->room[uses[u].resource] -= uses[u].amount;
        all->choice[i] = (int)o;
        exhaustive_step(all, i + 1);
        for (size_t u = 0; u < option->use_count; u++)
            all->room[uses[u].resource] += uses[u].amount;
    }
    all->choice[i] = -1;
}

/* Sets all->level. */
static inline void exhaustive_solve(struct exhaustive *all, const struct hl_place_problem *problem)
{
    *all = (struct exhaustive){.problem = problem};
    memcpy(all->room, problem->capacities, problem->resource_count * sizeof *all->room);
    exhaustive_step(all, 0);
}

#endif
