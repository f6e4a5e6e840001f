/* Which items of a packable set go into the group of bins that its level prefers, group after
 * group: of the parts of the set that pack into the group while the rest packs into the bins after
 * it, one with the highest gain. All that tie are followed. */
#include "place/subset.h"

#include "core/alloc.h"
#include "core/error.h"

#include <string.h>

#define MAX_NODES 1024

/* A way to fill the groups so far. */
struct node {
    uint32_t set, left;
    uint32_t part[HL_SUBSET_MAX_BINS]; /* by group */
};

struct nodes {
    struct node *list;
    size_t count, capacity;
};

struct assign {
    const struct hl_subset *subset;
    struct hl_search *search;
    struct nodes nodes, next;
    bool overflow, no_memory;
};

static bool in_order(const struct hl_subset *subset, uint32_t part, uint32_t of)
{
    for (uint32_t rest = part & subset->twins; rest; rest &= rest - 1) {
        uint32_t twin = 1u << subset->twin[__builtin_ctz(rest)];
        if (of & twin && !(part & twin))
            return false;
    }
    return true;
}

static void add(struct assign *assign, const struct node *node)
{
    struct nodes *next = &assign->next;
    for (size_t n = 0; n < next->count; n++)
        if (next->list[n].left == node->left && next->list[n].set == node->set)
            return;
    if (next->count == MAX_NODES)
        assign->overflow = true;
    else if (hl_grow((void **)&next->list, &next->capacity, next->count, sizeof *next->list))
        assign->no_memory = true;
    else
        next->list[next->count++] = *node;
}

static void advance(struct assign *assign)
{
    struct nodes nodes = assign->nodes;
    assign->nodes = assign->next;
    assign->next = nodes;
    assign->next.count = 0;
}

/* The sets that reach the best levels above the groups'. */
static void start(struct assign *assign)
{
    const struct hl_subset *subset = assign->subset;
    size_t half = subset->item_count / 2;
    for (uint32_t set = 0; set < 1u << subset->item_count; set++) {
        int64_t level[HL_PLACE_LEVELS];
        if (!subset->table[set] || subset->outside[1] +
                                           subset->sums[0][set & ((1u << half) - 1)].gain[1] +
                                           subset->sums[1][set >> half].gain[1] !=
                                       subset->most[1])
            continue;
        hl_subset_levels(subset, set, level);
        if (memcmp(level, subset->most, (size_t)subset->mixed * sizeof *level) == 0 &&
            in_order(subset, set, (1u << subset->item_count) - 1))
            add(assign, &(struct node){.set = set, .left = set});
    }
    advance(assign);
}

struct group {
    size_t index, first, end;
    int level;
    int64_t volume, most;
    int64_t least[HL_SUBSET_MAX_ITEMS]; /* size in any of its bins */
    size_t order[HL_SUBSET_MAX_ITEMS];  /* items, biggest first */
};

static int64_t least_size(const struct hl_subset *subset, const struct group *group, size_t i)
{
    int64_t least = INT32_MAX;
    for (size_t bin = group->first; bin < group->end; bin++)
        if (subset->cells[bin][i].size && subset->cells[bin][i].size < least)
            least = subset->cells[bin][i].size;
    return least;
}

static struct group group_at(const struct hl_subset *subset, size_t index)
{
    struct group group = {.index = index,
                          .first = index ? subset->group_end[index - 1] : 0,
                          .end = subset->group_end[index],
                          .level = subset->mixed + (int)index,
                          .most = INT64_MIN};
    for (size_t bin = group.first; bin < group.end; bin++)
        group.volume += subset->problem->capacities[subset->resource[bin]];
    for (size_t i = 0; i < subset->item_count; i++) {
        size_t at = i;
        group.least[i] = least_size(subset, &group, i);
        for (; at > 0 && group.least[group.order[at - 1]] < group.least[i]; at--)
            group.order[at] = group.order[at - 1];
        group.order[at] = i;
    }
    return group;
}

struct halves {
    int64_t size[2][1 << (HL_SUBSET_MAX_ITEMS / 2)]; /* the least in any bin of the group */
};

static void read_halves(const struct hl_subset *subset, const struct group *group,
                        struct halves *halves)
{
    size_t half = subset->item_count / 2;
    for (size_t part = 0; part < 2; part++) {
        size_t from = part ? half : 0, count = part ? subset->item_count - half : half;
        halves->size[part][0] = 0;
        for (uint32_t set = 1; set < 1u << count; set++) {
            size_t i = from + (size_t)__builtin_ctz(set);
            halves->size[part][set] = halves->size[part][set & (set - 1)] + group->least[i];
        }
    }
}

/* A part of the items on its way into the bins of a group, biggest first. */
struct packing {
    const struct assign *assign;
    const struct group *group;
    int64_t room[HL_SUBSET_MAX_BINS];
    int64_t smallest; /* of the part */
    int *choice;
};

static bool place(struct packing *packing, uint32_t part, int64_t size, size_t k)
{
    const struct group *group = packing->group;
    struct hl_search *search = packing->assign->search;
    int64_t usable = 0;
    if (!part)
        return true;
    for (size_t bin = group->first; bin < group->end; bin++)
        usable += packing->room[bin] < packing->smallest ? 0 : packing->room[bin];
    if (size > usable || ++search->best->steps > search->max_steps)
        return false;
    while (!(part >> group->order[k] & 1))
        k++;
    size_t i = group->order[k];
    for (size_t bin = group->end; bin-- > group->first;) {
        const struct hl_subset_cell *cell = &packing->assign->subset->cells[bin][i];
        if (!cell->size || cell->size > packing->room[bin])
            continue;
        packing->room[bin] -= cell->size;
        packing->choice[i] = cell->choice;
        if (place(packing, part & ~(1u << i), size - group->least[i], k + 1))
            return true;
        packing->room[bin] += cell->size;
    }
    return false;
}

/* Puts the items of a part into the bins of the group. */
static bool place_part(const struct assign *assign, const struct group *group, uint32_t part,
                       int *choice)
{
    const struct hl_subset *subset = assign->subset;
    struct packing packing = {.assign = assign, .group = group, .smallest = INT64_MAX};
    packing.choice = choice;
    int64_t size = 0;
    for (size_t bin = group->first; bin < group->end; bin++)
        packing.room[bin] = subset->problem->capacities[subset->resource[bin]];
    for (uint32_t rest = part; rest; rest &= rest - 1) {
        int64_t least = group->least[__builtin_ctz(rest)];
        size += least;
        packing.smallest = least < packing.smallest ? least : packing.smallest;
    }
    return place(&packing, part, size, 0);
}

static bool part_packs(const struct assign *assign, const struct group *group, uint32_t part)
{
    int choice[HL_SUBSET_MAX_ITEMS];
    return group->end - group->first == 1 || /* its volume fits */
           place_part(assign, group, part, choice);
}

static void split(struct assign *assign, const struct node *node, struct group *group,
                  const struct halves *halves)
{
    const struct hl_subset *subset = assign->subset;
    size_t half = subset->item_count / 2;
    uint32_t low_mask = (1u << half) - 1;
    assign->search->best->steps += (int64_t)1 << __builtin_popcount(node->left);
    for (uint32_t part = node->left;; part = (part - 1) & node->left) {
        uint32_t low = part & low_mask, high = part >> half;
        int64_t gain =
            subset->sums[0][low].gain[group->level] + subset->sums[1][high].gain[group->level];
        if (gain >= group->most && halves->size[0][low] + halves->size[1][high] <= group->volume &&
            hl_subset_packs(subset, node->left ^ part, group->end) &&
            in_order(subset, part, node->left) && part_packs(assign, group, part)) {
            if (gain > group->most)
                assign->next.count = 0;
            group->most = gain;
            struct node next = *node;
            next.left ^= part;
            next.part[group->index] = part;
            add(assign, &next);
        }
        if (!part)
            return;
    }
}

static void offer(const struct assign *assign, const struct node *node)
{
    const struct hl_subset *subset = assign->subset;
    int choice[HL_PLACE_MAX_ITEMS];
    memcpy(choice, subset->outside_choice, subset->item_count * sizeof *choice);
    hl_subset_trace(subset, node->left, choice);
    for (size_t g = 0; g < subset->group_count; g++) {
        struct group group = group_at(subset, g);
        place_part(assign, &group, node->part[g], choice);
    }
    hl_search_offer(assign->search, choice);
}

static int run(struct assign *assign, struct halves *halves)
{
    const struct hl_subset *subset = assign->subset;
    start(assign);
    for (size_t g = 0; g < subset->group_count; g++) {
        struct group group = group_at(subset, g);
        read_halves(subset, &group, halves);
        for (size_t n = 0; n < assign->nodes.count; n++) {
            split(assign, &assign->nodes.list[n], &group, halves);
            if (assign->search->best->steps > assign->search->max_steps)
                return 1;
        }
        advance(assign);
    }
    for (size_t n = 0; n < assign->nodes.count; n++)
        offer(assign, &assign->nodes.list[n]);
    if (assign->no_memory)
        return hl_error_nomem();
    return assign->overflow ? 1 : 0;
}

int hl_subset_assign(struct hl_subset *subset, struct hl_search *search)
{
    struct assign assign = {.subset = subset, .search = search};
    struct halves *halves = hl_malloc(sizeof *halves);
    int code = halves ? run(&assign, halves) : hl_error_nomem();
    hl_free(assign.nodes.list);
    hl_free(assign.next.list);
    hl_free(halves);
    return code;
}
