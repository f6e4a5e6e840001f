/* Level after level: a bound, then a search only where the bound leaves room for better. */
#include "place/place.h"

#include "core/alloc.h"
#include "core/error.h"
#include "place/subset.h"

#include <string.h>

static const struct hl_place_option *option_of(const struct hl_place_problem *problem, size_t i,
                                               int choice)
{
    return choice < 0 ? NULL : &problem->options[problem->items[i].option + (size_t)choice];
}

static void measure(const struct hl_place_problem *problem, const int *choice, int64_t *level)
{
    uint64_t needs = 0;
    memset(level, 0, HL_PLACE_LEVELS * sizeof *level);
    for (size_t i = 0; i < problem->item_count; i++) {
        const struct hl_place_option *option = option_of(problem, i, choice[i]);
        if (!option)
            continue;
        needs |= problem->items[i].needs;
        for (int l = 1; l < problem->level_count; l++)
            level[l] += option->gain[l];
    }
    level[0] = hl_search_needs(needs);
}

void hl_search_offer(struct hl_search *search, const int *choice)
{
    int64_t level[HL_PLACE_LEVELS];
    measure(search->problem, choice, level);
    for (int l = 0; l < HL_PLACE_LEVELS; l++) {
        if (level[l] < search->best->level[l])
            return;
        if (level[l] > search->best->level[l])
            break;
    }
    memcpy(search->best->level, level, sizeof level);
    memcpy(search->best->choice, choice, search->problem->item_count * sizeof *choice);
}

/* First fit: what meets a need nothing placed meets, then by gain a share of capacity. */
struct greedy {
    const struct hl_place_problem *problem;
    int64_t *room;
    uint64_t sites[HL_PLACE_MAX_ITEMS];
    int choice[HL_PLACE_MAX_ITEMS];
    uint64_t done, needs;
};

static bool fits(const struct greedy *greedy, size_t i, const struct hl_place_option *option)
{
    for (size_t u = 0; u < option->use_count; u++) {
        const struct hl_place_use *use = &greedy->problem->uses[option->use + u];
        if (use->amount > greedy->room[use->resource])
            return false;
    }
    for (uint64_t rest = greedy->problem->items[i].apart; rest; rest &= rest - 1)
        if (greedy->sites[__builtin_ctzll(rest)] & option->sites)
            return false;
    return true;
}

static bool better(const struct hl_place_option *a, const struct hl_place_option *b)
{
    for (int l = 1; l < HL_PLACE_LEVELS; l++)
        if (a->gain[l] != b->gain[l])
            return a->gain[l] > b->gain[l];
    return false;
}

static int best_fit(const struct greedy *greedy, size_t i)
{
    const struct hl_place_item *item = &greedy->problem->items[i];
    int best = -1;
    for (size_t o = 0; o < item->option_count; o++) {
        const struct hl_place_option *option = &greedy->problem->options[item->option + o];
        if (fits(greedy, i, option) &&
            (best < 0 || better(option, option_of(greedy->problem, i, best))))
            best = (int)o;
    }
    return best;
}

static double density(const struct hl_place_problem *problem, size_t i)
{
    const struct hl_place_item *item = &problem->items[i];
    double most = 0;
    for (size_t o = 0; o < item->option_count; o++) {
        const struct hl_place_option *option = &problem->options[item->option + o];
        double share = 1e-6;
        for (size_t u = 0; u < option->use_count; u++) {
            const struct hl_place_use *use = &problem->uses[option->use + u];
            share += (double)use->amount / (double)(problem->capacities[use->resource] + 1);
        }
        if ((double)option->gain[1] / share > most)
            most = (double)option->gain[1] / share;
    }
    return most;
}

static size_t next_of(const struct greedy *greedy)
{
    const struct hl_place_problem *problem = greedy->problem;
    size_t next = problem->item_count;
    bool next_needed = false;
    double most = -1;
    for (size_t i = 0; i < problem->item_count; i++) {
        if (greedy->done >> i & 1)
            continue;
        bool needed = problem->items[i].needs & ~greedy->needs;
        double value = density(problem, i);
        if (next == problem->item_count || needed > next_needed ||
            (needed == next_needed && value > most)) {
            next = i;
            next_needed = needed;
            most = value;
        }
    }
    return next;
}

static int start_with_greedy(struct hl_search *search)
{
    const struct hl_place_problem *problem = search->problem;
    struct greedy greedy = {.problem = problem};
    greedy.room = hl_calloc(problem->resource_count + 1, sizeof *greedy.room);
    if (!greedy.room)
        return hl_error_nomem();
    if (problem->resource_count)
        memcpy(greedy.room, problem->capacities, problem->resource_count * sizeof *greedy.room);
    for (size_t round = 0; round < problem->item_count; round++) {
        size_t i = next_of(&greedy);
        greedy.done |= (uint64_t)1 << i;
        greedy.choice[i] = best_fit(&greedy, i);
        const struct hl_place_option *option = option_of(problem, i, greedy.choice[i]);
        if (!option)
            continue;
        greedy.needs |= problem->items[i].needs;
        greedy.sites[i] = option->sites;
        for (size_t u = 0; u < option->use_count; u++)
            greedy.room[problem->uses[option->use + u].resource] -=
                problem->uses[option->use + u].amount;
    }
    hl_search_offer(search, greedy.choice);
    hl_free(greedy.room);
    return HOMELAB_OK;
}

static int64_t divisor(int64_t a, int64_t b)
{
    a = a < 0 ? -a : a;
    b = b < 0 ? -b : b;
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void find_units(struct hl_search *search)
{
    const struct hl_place_problem *problem = search->problem;
    search->unit[0] = 1;
    for (int l = 1; l < problem->level_count; l++) {
        int64_t unit = 0;
        for (size_t o = 0; o < problem->option_count; o++)
            unit = divisor(unit, problem->options[o].gain[l]);
        search->unit[l] = unit ? unit : 1;
    }
}

int64_t hl_search_ceiling(const struct hl_place_problem *problem, int level)
{
    int64_t sum = 0;
    for (size_t i = 0; i < problem->item_count; i++) {
        const struct hl_place_item *item = &problem->items[i];
        int64_t most = 0;
        for (size_t o = 0; o < item->option_count; o++)
            if (problem->options[item->option + o].gain[level] > most)
                most = problem->options[item->option + o].gain[level];
        sum += most;
    }
    return sum;
}

static int64_t most_needs(const struct hl_place_problem *problem)
{
    uint64_t needs = 0;
    for (size_t i = 0; i < problem->item_count; i++)
        if (problem->items[i].option_count)
            needs |= problem->items[i].needs;
    return hl_search_needs(needs);
}

static int64_t whole(const struct hl_search *search, int level, double bound)
{
    int64_t most = hl_search_ceiling(search->problem, level);
    if (bound >= (double)most)
        return most;
    int64_t unit = search->unit[level], units = (int64_t)((bound + 0.5) / (double)unit);
    if ((double)units * (double)unit > bound + 0.5)
        units--;
    int64_t least = search->best->level[level];
    return units * unit > least ? units * unit : least;
}

/* 0: proven, 1: the budget ran out. */
static int solve_level(struct hl_search *search, int level)
{
    struct hl_place_result *best = search->best;
    search->level = level;
    best->bound[level] = level == 0 ? most_needs(search->problem)
                                    : whole(search, level, hl_search_price(search, level));
    if (best->bound[level] > best->level[level]) {
        int code = hl_search_items(search);
        if (code)
            return code;
        best->bound[level] = best->level[level];
    }
    search->target[level] = best->level[level];
    return 0;
}

static int solve_levels(struct hl_search *search)
{
    struct hl_place_result *best = search->best;
    for (int level = 0; level < search->problem->level_count; level++) {
        int code = solve_level(search, level);
        if (code < 0)
            return code;
        if (code == 0)
            continue;
        for (int below = level + 1; below < search->problem->level_count; below++)
            best->bound[below] = hl_search_ceiling(search->problem, below);
        return HOMELAB_OK;
    }
    best->proven = true;
    return HOMELAB_OK;
}

static int solve(struct hl_search *search)
{
    int code = hl_search_subsets(search);
    if (code == HOMELAB_OK) {
        search->best->proven = true;
        memcpy(search->best->bound, search->best->level, sizeof search->best->bound);
    }
    if (code != 1 && code != HL_SUBSET_OTHER)
        return code;
    find_units(search);
    code = start_with_greedy(search);
    return code ? code : solve_levels(search);
}

int hl_place_solve(struct hl_place_result *result, const struct hl_place_problem *problem,
                   int64_t max_steps)
{
    struct hl_search search = {.problem = problem, .best = result, .max_steps = max_steps};
    *result = (struct hl_place_result){.proven = false};
    for (size_t i = 0; i < HL_PLACE_MAX_ITEMS; i++)
        result->choice[i] = -1;
    double *numbers =
        hl_calloc((HL_PLACE_LEVELS + 2) * (problem->resource_count + 1), sizeof *numbers);
    if (!numbers)
        return hl_error_nomem();
    for (int level = 0; level < problem->level_count; level++)
        search.price[level] = numbers + (size_t)level * (problem->resource_count + 1);
    search.scratch = numbers + (size_t)HL_PLACE_LEVELS * (problem->resource_count + 1);
    int code = solve(&search);
    hl_free(numbers);
    return code;
}
