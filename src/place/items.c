/* Branch and bound over items for any options: the item for which the wrong choice costs most is
 * decided first, each of its options in turn. The Lagrangian bound looks at each step only at the
 * options that still fit. */
#include "place/search.h"

#include "core/alloc.h"
#include "core/error.h"

#include <string.h>

struct items {
    struct hl_search *search;
    int64_t *room; /* by resource */
    double *value; /* by level, then option: gain minus price of what it uses */
    int choice[HL_PLACE_MAX_ITEMS];
    uint64_t sites[HL_PLACE_MAX_ITEMS];
    int64_t last_step;
    bool exhausted;
};

struct state {
    uint64_t undecided, needs;
    double bound[HL_PLACE_LEVELS]; /* of what is decided, with all prices of the capacities */
};

static double value_of(const struct items *items, int level, size_t option)
{
    return items->value[(size_t)level * items->search->problem->option_count + option];
}

static bool apart(const struct items *items, size_t i, uint64_t sites)
{
    uint64_t others = items->search->problem->items[i].apart;
    for (; others; others &= others - 1)
        if (items->sites[__builtin_ctzll(others)] & sites)
            return false;
    return true;
}

/* Replicas take their options in order, outside last. */
static bool in_order(const struct items *items, size_t i, int choice)
{
    const struct hl_place_item *item = &items->search->problem->items[i];
    if (item->alike < 0)
        return true;
    int before = items->choice[item->alike];
    return before < 0 ? choice < 0 : choice < 0 || choice >= before;
}

static bool possible(const struct items *items, size_t i, size_t o)
{
    const struct hl_place_problem *problem = items->search->problem;
    const struct hl_place_option *option = &problem->options[problem->items[i].option + o];
    for (size_t u = 0; u < option->use_count; u++) {
        const struct hl_place_use *use = &problem->uses[option->use + u];
        if (use->amount > items->room[use->resource])
            return false;
    }
    return apart(items, i, option->sites);
}

struct outlook {
    double best[HL_PLACE_LEVELS];
    double second; /* at the level of this run */
    bool any;
};

static void look(const struct items *items, size_t i, struct outlook *outlook)
{
    const struct hl_place_item *item = &items->search->problem->items[i];
    int last = items->search->level;
    *outlook = (struct outlook){.any = false};
    for (size_t o = 0; o < item->option_count; o++) {
        if (!possible(items, i, o))
            continue;
        outlook->any = true;
        for (int level = 1; level <= last; level++) {
            double value = value_of(items, level, item->option + o);
            if (value > outlook->best[level]) {
                if (level == last)
                    outlook->second = outlook->best[level];
                outlook->best[level] = value;
            } else if (level == last && value > outlook->second) {
                outlook->second = value;
            }
        }
    }
}

static bool reaches(const struct items *items, const double *bound, uint64_t needs)
{
    const struct hl_search *search = items->search;
    int most = hl_search_needs(needs);
    if (search->level == 0 ? most <= search->best->level[0] : most < search->target[0])
        return false;
    for (int level = 1; level <= search->level; level++)
        if (!hl_search_reaches(search, level, bound[level]))
            return false;
    return true;
}

/* The next item, or -1 when nothing better can come of this state; item_count: none is left. */
static int choose(const struct items *items, const struct state *state)
{
    const struct hl_place_problem *problem = items->search->problem;
    double bound[HL_PLACE_LEVELS], most = -1;
    uint64_t needs = state->needs;
    int chosen = (int)problem->item_count;
    memcpy(bound, state->bound, sizeof bound);
    for (uint64_t rest = state->undecided; rest; rest &= rest - 1) {
        size_t i = (size_t)__builtin_ctzll(rest);
        struct outlook outlook;
        look(items, i, &outlook);
        for (int level = 1; level <= items->search->level; level++)
            bound[level] += outlook.best[level];
        if (outlook.any)
            needs |= problem->items[i].needs;
        int before = problem->items[i].alike;
        bool free = before < 0 || !(state->undecided >> before & 1);
        double regret = outlook.best[items->search->level] - outlook.second;
        if (free && regret > most) {
            most = regret;
            chosen = (int)i;
        }
    }
    return reaches(items, bound, needs) ? chosen : -1;
}

static void occupy(struct items *items, const struct hl_place_option *option, int64_t sign)
{
    const struct hl_place_use *uses = &items->search->problem->uses[option->use];
    for (size_t u = 0; u < option->use_count; u++)
        items->room[uses[u].resource] -= sign * uses[u].amount;
}

static void branch(struct items *items, const struct state *state);

static void take_option(struct items *items, const struct state *state, size_t i, int o)
{
    const struct hl_place_problem *problem = items->search->problem;
    const struct hl_place_item *item = &problem->items[i];
    if (items->exhausted || !in_order(items, i, o))
        return;
    struct state next = *state;
    next.undecided &= ~((uint64_t)1 << i);
    items->choice[i] = o;
    if (o < 0) {
        branch(items, &next);
        return;
    }
    const struct hl_place_option *option = &problem->options[item->option + (size_t)o];
    next.needs |= item->needs;
    for (int level = 1; level <= items->search->level; level++)
        next.bound[level] += value_of(items, level, item->option + (size_t)o);
    occupy(items, option, 1);
    items->sites[i] = option->sites;
    branch(items, &next);
    items->sites[i] = 0;
    occupy(items, option, -1);
    items->choice[i] = -1;
}

/* Options that are possible now, best first at the level of this run, else in their order. */
static size_t sort_options(const struct items *items, size_t i, int *order, size_t max)
{
    const struct hl_search *search = items->search;
    const struct hl_place_item *item = &search->problem->items[i];
    int level = search->level;
    size_t count = 0;
    for (size_t o = 0; o < item->option_count && count < max; o++) {
        if (!possible(items, i, o))
            continue;
        size_t at = count++;
        double value = value_of(items, level, item->option + o); /* 0 at level 0 */
        for (; at > 0 && value_of(items, level, item->option + (size_t)order[at - 1]) < value; at--)
            order[at] = order[at - 1];
        order[at] = (int)o;
    }
    return count;
}

static void branch(struct items *items, const struct state *state)
{
    const struct hl_place_problem *problem = items->search->problem;
    if (items->exhausted)
        return;
    if (++items->search->best->steps > items->last_step) {
        items->exhausted = true;
        return;
    }
    int chosen = choose(items, state);
    if (chosen < 0)
        return;
    if ((size_t)chosen == problem->item_count) {
        hl_search_offer(items->search, items->choice);
        return;
    }
    int order[HL_PLACE_MAX_OPTIONS];
    size_t count = sort_options(items, (size_t)chosen, order, HL_PLACE_MAX_OPTIONS);
    for (size_t k = 0; k < count; k++)
        take_option(items, state, (size_t)chosen, order[k]);
    take_option(items, state, (size_t)chosen, -1);
}

static void start_state(struct items *items, struct state *start)
{
    const struct hl_search *search = items->search;
    const struct hl_place_problem *problem = search->problem;
    *start = (struct state){.undecided = 0};
    for (size_t i = 0; i < problem->item_count; i++) {
        start->undecided |= (uint64_t)1 << i;
        items->choice[i] = -1;
    }
    for (int level = 1; level <= search->level; level++) {
        for (size_t r = 0; r < problem->resource_count; r++)
            start->bound[level] += search->price[level][r] * (double)problem->capacities[r];
        for (int above = 1; above < level; above++)
            start->bound[level] -= search->toll[level][above] * (double)search->target[above];
        for (size_t o = 0; o < problem->option_count; o++) {
            const struct hl_place_option *option = &problem->options[o];
            double value = hl_search_gain(search, option, level);
            for (size_t u = 0; u < option->use_count; u++) {
                const struct hl_place_use *use = &problem->uses[option->use + u];
                value -= search->price[level][use->resource] * (double)use->amount;
            }
            items->value[(size_t)level * problem->option_count + o] = value;
        }
    }
}

int hl_search_items(struct hl_search *search)
{
    const struct hl_place_problem *problem = search->problem;
    struct items items = {.search = search, .last_step = search->max_steps};
    items.room = hl_calloc(problem->resource_count + 1, sizeof *items.room);
    items.value = hl_calloc(problem->option_count * HL_PLACE_LEVELS + 1, sizeof *items.value);
    int code = HOMELAB_OK;
    if (!items.room || !items.value) {
        code = hl_error_nomem();
    } else {
        struct state start;
        if (problem->resource_count)
            memcpy(items.room, problem->capacities, problem->resource_count * sizeof *items.room);
        start_state(&items, &start);
        branch(&items, &start);
        code = items.exhausted ? 1 : 0;
    }
    hl_free(items.room);
    hl_free(items.value);
    return code;
}
