/* The search for up to twenty items that each need one resource at most; see subset.c. */
#ifndef HL_PLACE_SUBSET_H
#define HL_PLACE_SUBSET_H

#include "place/search.h"

#define HL_SUBSET_MAX_ITEMS 20
#define HL_SUBSET_MAX_BINS  8

/* An item in a bin. */
struct hl_subset_cell {
    uint32_t size;                 /* 0: does not go there */
    int choice;                    /* the option */
    int64_t gain[HL_PLACE_LEVELS]; /* more than outside */
};

struct hl_subset_sum {
    uint64_t needs;
    int64_t gain[HL_PLACE_LEVELS];
};

struct hl_subset {
    const struct hl_place_problem *problem;
    size_t item_count, bin_count;
    size_t resource[HL_SUBSET_MAX_BINS]; /* by bin */
    struct hl_subset_cell cells[HL_SUBSET_MAX_BINS][HL_SUBSET_MAX_ITEMS];
    int64_t outside[HL_PLACE_LEVELS];
    uint64_t outside_needs;
    int outside_choice[HL_SUBSET_MAX_ITEMS];
    /* By item and bin reached: room needed there, and the state when the item opens another. */
    uint32_t size[HL_SUBSET_MAX_ITEMS][HL_SUBSET_MAX_BINS];
    uint32_t next[HL_SUBSET_MAX_ITEMS][HL_SUBSET_MAX_BINS];
    uint32_t *table;               /* by subset */
    struct hl_subset_sum *sums[2]; /* by subset of the lower and the upper half of the items */
    int64_t most[HL_PLACE_LEVELS]; /* the best levels up to mixed */
    int mixed; /* first level that tells bins apart: one for each of the groups below */
    size_t group_count;
    uint32_t group[HL_SUBSET_MAX_BINS];       /* resources */
    size_t group_end[HL_SUBSET_MAX_BINS + 1]; /* first bin after those of the group */
    int twin[HL_SUBSET_MAX_ITEMS];            /* the item before it with equal cells, or -1 */
    uint32_t twins;                           /* items that have one */
};

/* 0 proven, 1 the budget ran out, HL_SUBSET_OTHER: not a problem of this kind, or a budget too
 * small for it; HOMELAB_E_NOMEM. Sets best. */
#define HL_SUBSET_OTHER 2
int hl_search_subsets(struct hl_search *search);

/* For the assignment: levels of a set, with what it gains where it gains; whether a set packs into
 * the bins from one on; where the items of a set that packs are put by the table. */
void hl_subset_levels(const struct hl_subset *subset, uint32_t set, int64_t *level);
bool hl_subset_packs(const struct hl_subset *subset, uint32_t set, size_t bin);
void hl_subset_trace(const struct hl_subset *subset, uint32_t set, int *choice);
/* Maximises the levels from subset->mixed on over the sets that reach subset->most. */
int hl_subset_assign(struct hl_subset *subset, struct hl_search *search);

#endif
