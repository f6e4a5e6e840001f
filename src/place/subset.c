/* Items that each need one resource, up to twenty of them: all subsets at once. Resources are taken
 * in a fixed order; of the ways to pack a subset, the one that has come least far, with the most
 * room left in the resource it has reached, dominates the others (a packing goes on from it at
 * least as well). So one number describes a subset: how many resources are still to come above
 * ROOM_BITS of room left plus 1; 0 when it does not pack. The same table answers whether a rest
 * packs into the last resources, which is what the assignment search asks. */
#include "place/subset.h"

#include "core/alloc.h"
#include "core/error.h"

#include <string.h>

#define ROOM_BITS 27
#define ROOM_MASK ((1u << ROOM_BITS) - 1)

static bool fits(const struct hl_place_problem *problem)
{
    if (problem->item_count > HL_SUBSET_MAX_ITEMS || problem->resource_count > HL_SUBSET_MAX_BINS ||
        problem->item_count == 0 || problem->resource_count == 0)
        return false;
    for (size_t r = 0; r < problem->resource_count; r++)
        if (problem->capacities[r] >= ROOM_MASK)
            return false;
    for (size_t o = 0; o < problem->option_count; o++)
        if (problem->options[o].use_count > 1)
            return false;
    for (size_t i = 0; i < problem->item_count; i++) {
        const struct hl_place_item *item = &problem->items[i];
        uint64_t used = 0;
        for (size_t o = 0; o < item->option_count; o++) {
            const struct hl_place_option *option = &problem->options[item->option + o];
            uint64_t bit =
                option->use_count ? (uint64_t)1 << problem->uses[option->use].resource : 0;
            if (used & bit)
                return false;
            used |= bit;
        }
        if (item->apart)
            return false;
    }
    return true;
}

static int compare(const int64_t *a, const int64_t *b, int first, int end)
{
    for (int level = first; level < end; level++)
        if (a[level] != b[level])
            return a[level] > b[level] ? 1 : -1;
    return 0;
}

/* The best option that uses nothing. Being placed goes first where it meets a need. */
static const int64_t *read_outside(struct hl_subset *subset, size_t i)
{
    static const int64_t none[HL_PLACE_LEVELS];
    const struct hl_place_problem *problem = subset->problem;
    const struct hl_place_item *item = &problem->items[i];
    const int64_t *gain = none;
    subset->outside_choice[i] = -1;
    for (size_t o = 0; o < item->option_count; o++) {
        const struct hl_place_option *option = &problem->options[item->option + o];
        if (option->use_count)
            continue;
        bool first = subset->outside_choice[i] < 0 && item->needs;
        if (first || compare(option->gain, gain, 1, HL_PLACE_LEVELS) > 0) {
            gain = option->gain;
            subset->outside_choice[i] = (int)o;
        }
    }
    return gain;
}

static void read_item(struct hl_subset *subset, size_t i)
{
    const struct hl_place_problem *problem = subset->problem;
    const struct hl_place_item *item = &problem->items[i];
    const int64_t *outside = read_outside(subset, i);
    if (subset->outside_choice[i] >= 0)
        subset->outside_needs |= item->needs;
    for (int level = 1; level < HL_PLACE_LEVELS; level++)
        subset->outside[level] += outside[level];
    for (size_t o = 0; o < item->option_count; o++) {
        const struct hl_place_option *option = &problem->options[item->option + o];
        if (!option->use_count)
            continue;
        const struct hl_place_use *use = &problem->uses[option->use];
        if (use->amount > problem->capacities[use->resource])
            continue;
        struct hl_subset_cell *cell = &subset->cells[use->resource][i];
        cell->size = (uint32_t)use->amount;
        cell->choice = (int)o;
        for (int level = 1; level < HL_PLACE_LEVELS; level++)
            cell->gain[level] = option->gain[level] - outside[level];
    }
}

/* Resources where an item gains at the level, if all items gain the same in all of these and
 * nothing elsewhere; false where the level is of another kind. 0 where the level does not tell
 * resources apart. */
static bool gaining_bins(const struct hl_subset *subset, int level, uint32_t *bins)
{
    uint32_t gaining = 0;
    bool apart = false;
    for (size_t i = 0; i < subset->item_count; i++)
        for (size_t bin = 0; bin < subset->bin_count; bin++)
            if (subset->cells[bin][i].size && subset->cells[bin][i].gain[level])
                gaining |= 1u << bin;
    for (size_t i = 0; i < subset->item_count; i++) {
        const struct hl_subset_cell *in = NULL;
        bool out = false;
        for (size_t bin = 0; bin < subset->bin_count; bin++) {
            const struct hl_subset_cell *cell = &subset->cells[bin][i];
            if (!cell->size)
                continue;
            if (!(gaining >> bin & 1)) {
                out = true;
                continue;
            }
            if (in && in->gain[level] != cell->gain[level])
                return false;
            in = cell;
        }
        apart = apart || (out && in && in->gain[level]);
    }
    *bins = apart ? gaining : 0;
    return true;
}

/* Levels that tell resources apart come one after the other, each for a group of its own. */
static bool read_groups(struct hl_subset *subset)
{
    uint32_t grouped = 0, gaining;
    subset->mixed = subset->problem->level_count;
    for (int level = 1; level < subset->problem->level_count; level++) {
        if (!gaining_bins(subset, level, &gaining))
            return false;
        if (!gaining)
            continue;
        if (subset->group_count == 0)
            subset->mixed = level;
        if (gaining & grouped || subset->mixed + (int)subset->group_count != level)
            return false;
        grouped |= gaining;
        subset->group[subset->group_count++] = gaining;
    }
    return true;
}

/* Bins of the first group first; within a group the last resource first, since the table packs from
 * the last bin down, and of equal resources the first is to be used first. */
static void order_bins(struct hl_subset *subset)
{
    struct hl_subset_cell cells[HL_SUBSET_MAX_BINS][HL_SUBSET_MAX_ITEMS];
    uint32_t taken = 0;
    size_t at = 0;
    memcpy(cells, subset->cells, sizeof cells);
    for (size_t g = 0; g <= subset->group_count; g++) {
        for (size_t r = subset->bin_count; r-- > 0;) {
            if (taken >> r & 1 || (g < subset->group_count && !(subset->group[g] >> r & 1)))
                continue;
            taken |= 1u << r;
            memcpy(subset->cells[at], cells[r], sizeof cells[r]);
            subset->resource[at++] = r;
        }
        subset->group_end[g] = at;
    }
}

/* Bins to come are numbered as the assignment takes them: the table packs bin_count - 1 first and
 * bin 0 last. */
static void read_tables(struct hl_subset *subset)
{
    for (size_t i = 0; i < subset->item_count; i++) {
        for (size_t bin = 0; bin < HL_SUBSET_MAX_BINS; bin++) {
            bool goes = bin < subset->bin_count && subset->cells[bin][i].size;
            subset->size[i][bin] = goes ? subset->cells[bin][i].size : ROOM_MASK;
            subset->next[i][bin] = 0;
        }
        uint32_t next = 0;
        for (size_t bin = 0; bin < subset->bin_count; bin++) {
            subset->next[i][bin] = next;
            uint32_t size = subset->cells[bin][i].size;
            uint32_t capacity = (uint32_t)subset->problem->capacities[subset->resource[bin]];
            if (size)
                next = (uint32_t)bin << ROOM_BITS | (capacity + 1 - size);
        }
    }
}

static uint32_t put(const struct hl_subset *subset, uint32_t state, size_t i)
{
    uint32_t bin = state >> ROOM_BITS, size = subset->size[i][bin];
    return (state & ROOM_MASK) > size ? state - size : subset->next[i][bin];
}

static uint32_t start_of(const struct hl_subset *subset)
{
    size_t last = subset->bin_count - 1;
    return (uint32_t)last << ROOM_BITS |
           (uint32_t)(subset->problem->capacities[subset->resource[last]] + 1);
}

static void fill_narrow(struct hl_subset *subset)
{
    uint32_t *table = subset->table;
    table[0] = start_of(subset);
    for (uint32_t set = 1; set < 1u << subset->item_count; set++) {
        uint32_t most = 0;
        for (uint32_t rest = set; rest; rest &= rest - 1) {
            size_t i = (size_t)__builtin_ctz(rest);
            uint32_t state = put(subset, table[set ^ 1u << i], i);
            most = state > most ? state : most;
        }
        table[set] = most;
    }
}

#if defined(__x86_64__)
#include <immintrin.h>

/* put() for eight subsets. */
__attribute__((target("avx2"))) static inline __m256i put_wide(__m256i state, __m256i size,
                                                               __m256i next)
{
    __m256i bin = _mm256_srli_epi32(state, ROOM_BITS);
    __m256i room = _mm256_and_si256(state, _mm256_set1_epi32((int)ROOM_MASK));
    __m256i needed = _mm256_permutevar8x32_epi32(size, bin);
    __m256i on = _mm256_permutevar8x32_epi32(next, bin);
    return _mm256_blendv_epi8(on, _mm256_sub_epi32(state, needed),
                              _mm256_cmpgt_epi32(room, needed));
}

/* Blocks of eight subsets, which the three lowest items tell apart. */
__attribute__((target("avx2"))) static void fill_wide(struct hl_subset *subset)
{
    static const uint8_t low_order[] = {0, 1, 2, 0, 1, 2, 0};
    uint32_t *table = subset->table;
    __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (uint32_t block = 0; block < 1u << subset->item_count; block += 8) {
        __m256i most = _mm256_setzero_si256();
        if (block == 0)
            most = _mm256_insert_epi32(most, (int)start_of(subset), 0);
        for (uint32_t rest = block; rest; rest &= rest - 1) {
            size_t i = (size_t)__builtin_ctz(rest);
            __m256i from = _mm256_loadu_si256((const void *)(table + (block ^ 1u << i)));
            __m256i size = _mm256_loadu_si256((const void *)subset->size[i]);
            __m256i next = _mm256_loadu_si256((const void *)subset->next[i]);
            most = _mm256_max_epi32(most, put_wide(from, size, next));
        }
        for (size_t k = 0; k < sizeof low_order; k++) {
            size_t i = low_order[k];
            __m256i bit = _mm256_set1_epi32(1 << i);
            __m256i size = _mm256_loadu_si256((const void *)subset->size[i]);
            __m256i next = _mm256_loadu_si256((const void *)subset->next[i]);
            __m256i from = _mm256_permutevar8x32_epi32(most, _mm256_xor_si256(lane, bit));
            __m256i has = _mm256_cmpeq_epi32(_mm256_and_si256(lane, bit), bit);
            most = _mm256_max_epi32(most, _mm256_and_si256(has, put_wide(from, size, next)));
        }
        _mm256_storeu_si256((void *)(table + block), most);
    }
}
#endif

static void fill(struct hl_subset *subset)
{
#if defined(__x86_64__)
    if (subset->item_count >= 3 && __builtin_cpu_supports("avx2")) {
        fill_wide(subset);
        return;
    }
#endif
    fill_narrow(subset);
}

/* Sums of gains over the subsets of each half of the items; of a group those there. */
static void sum_halves(struct hl_subset *subset)
{
    size_t half = subset->item_count / 2;
    for (size_t part = 0; part < 2; part++) {
        size_t first = part ? half : 0, count = part ? subset->item_count - half : half;
        for (uint32_t set = 1; set < 1u << count; set++) {
            size_t i = first + (size_t)__builtin_ctz(set);
            struct hl_subset_sum *sum = &subset->sums[part][set];
            *sum = subset->sums[part][set & (set - 1)];
            sum->needs |= subset->problem->items[i].needs;
            for (int level = 1; level < subset->problem->level_count; level++) {
                int64_t gain = 0;
                for (size_t bin = 0; bin < subset->bin_count && !gain; bin++)
                    gain = subset->cells[bin][i].gain[level];
                sum->gain[level] += gain;
            }
        }
    }
}

void hl_subset_levels(const struct hl_subset *subset, uint32_t set, int64_t *level)
{
    size_t half = subset->item_count / 2;
    const struct hl_subset_sum *low = &subset->sums[0][set & ((1u << half) - 1)];
    const struct hl_subset_sum *high = &subset->sums[1][set >> half];
    level[0] = hl_search_needs(subset->outside_needs | low->needs | high->needs);
    for (int l = 1; l < HL_PLACE_LEVELS; l++)
        level[l] = subset->outside[l] + low->gain[l] + high->gain[l];
}

/* The best packable set by the levels that depend on the set alone. */
static uint32_t scan(struct hl_subset *subset)
{
    size_t half = subset->item_count / 2;
    uint32_t best = 0, low_count = 1u << half;
    int64_t most[HL_PLACE_LEVELS], level[HL_PLACE_LEVELS];
    bool needs_matter = false;
    for (size_t i = 0; i < subset->item_count; i++)
        if (subset->problem->items[i].needs & ~subset->outside_needs)
            needs_matter = true;
    hl_subset_levels(subset, 0, most);
    for (uint32_t high = 0; high < 1u << (subset->item_count - half); high++) {
        const uint32_t *row = subset->table + ((size_t)high << half);
        int64_t base = subset->outside[1] + subset->sums[1][high].gain[1];
        for (uint32_t low = 0; low < low_count; low++) {
            if (!row[low] || (!needs_matter && base + subset->sums[0][low].gain[1] < most[1]))
                continue;
            hl_subset_levels(subset, high << half | low, level);
            if (level[0] > most[0] ||
                (level[0] == most[0] && compare(level, most, 1, subset->mixed) > 0)) {
                memcpy(most, level, sizeof most);
                best = high << half | low;
            }
        }
    }
    memcpy(subset->most, most, sizeof most);
    return best;
}

/* Which item was put last, back to the empty set. */
void hl_subset_trace(const struct hl_subset *subset, uint32_t set, int *choice)
{
    while (set) {
        uint32_t rest = set;
        size_t i = (size_t)__builtin_ctz(rest);
        while (put(subset, subset->table[set ^ 1u << i], i) != subset->table[set]) {
            rest &= rest - 1;
            i = (size_t)__builtin_ctz(rest);
        }
        choice[i] = subset->cells[subset->table[set] >> ROOM_BITS][i].choice;
        set ^= 1u << i;
    }
}

bool hl_subset_packs(const struct hl_subset *subset, uint32_t set, size_t bin)
{
    uint32_t state = subset->table[set];
    return !set || (state && state >> ROOM_BITS >= bin);
}

/* Items with equal cells are taken in order. */
static void read_twins(struct hl_subset *subset)
{
    for (size_t i = 0; i < subset->item_count; i++) {
        subset->twin[i] = -1;
        for (size_t other = 0; other < i; other++) {
            bool equal = subset->problem->items[i].needs == subset->problem->items[other].needs;
            for (size_t bin = 0; bin < subset->bin_count && equal; bin++) {
                const struct hl_subset_cell *a = &subset->cells[bin][i];
                const struct hl_subset_cell *b = &subset->cells[bin][other];
                equal = a->size == b->size && memcmp(a->gain, b->gain, sizeof a->gain) == 0;
            }
            if (equal) {
                subset->twin[i] = (int)other;
                subset->twins |= 1u << i;
            }
        }
    }
}

static int solve(struct hl_subset *subset, struct hl_search *search)
{
    int choice[HL_PLACE_MAX_ITEMS];
    search->best->steps += (int64_t)1 << subset->item_count;
    read_twins(subset);
    order_bins(subset);
    read_tables(subset);
    fill(subset);
    sum_halves(subset);
    uint32_t best = scan(subset);
    memcpy(choice, subset->outside_choice, subset->item_count * sizeof *choice);
    hl_subset_trace(subset, best, choice);
    hl_search_offer(search, choice);
    return subset->group_count ? hl_subset_assign(subset, search) : HOMELAB_OK;
}

int hl_search_subsets(struct hl_search *search)
{
    const struct hl_place_problem *problem = search->problem;
    if (!fits(problem) || search->max_steps >> problem->item_count == 0)
        return HL_SUBSET_OTHER;
    struct hl_subset *subset = hl_calloc(1, sizeof *subset);
    if (!subset)
        return hl_error_nomem();
    subset->problem = problem;
    subset->item_count = problem->item_count;
    subset->bin_count = problem->resource_count;
    for (size_t i = 0; i < subset->item_count; i++)
        read_item(subset, i);
    int code = HL_SUBSET_OTHER;
    if (read_groups(subset)) {
        size_t low = subset->item_count / 2, high = subset->item_count - low;
        subset->table = hl_malloc(sizeof *subset->table << subset->item_count);
        subset->sums[0] = hl_calloc((size_t)1 << low, sizeof *subset->sums[0]);
        subset->sums[1] = hl_calloc((size_t)1 << high, sizeof *subset->sums[1]);
        bool taken = subset->table && subset->sums[0] && subset->sums[1];
        code = taken ? solve(subset, search) : hl_error_nomem();
    }
    hl_free(subset->table);
    hl_free(subset->sums[0]);
    hl_free(subset->sums[1]);
    hl_free(subset);
    return code;
}
