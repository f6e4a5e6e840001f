/* Where models go: an exact search over options. Pure and deterministic; its budget counts steps.
 *
 * Each item (a model, or one replica of it) takes one of its options or is left out. An option uses
 * amounts of resources (the memory of a device, for one set of models loaded together), and brings
 * gains. The objective is lexicographic:
 *
 *   level 0  needs met: the number of distinct needs among the placed items
 *   level 1, 2, …  sums of the gains of the options taken
 *
 * Gains may be negative; leaving an item out gains nothing. */
#ifndef HL_PLACE_PLACE_H
#define HL_PLACE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HL_PLACE_LEVELS      12 /* at most */
#define HL_PLACE_MAX_ITEMS   64
#define HL_PLACE_MAX_SITES   64
#define HL_PLACE_MAX_OPTIONS 256 /* of an item */
/* Sums of gains must stay below it at each level; bounds are computed in doubles. */
#define HL_PLACE_MAX_GAIN    ((int64_t)1 << 44)

struct hl_place_use {
    size_t resource;
    int64_t amount; /* above 0 */
};

struct hl_place_option {
    int64_t gain[HL_PLACE_LEVELS]; /* entry 0 is not read */
    size_t use, use_count;         /* in the problem's uses; each resource at most once */
    uint64_t sites;                /* devices it stands on, for what must be apart */
};

struct hl_place_item {
    size_t option, option_count; /* in the problem's options */
    uint64_t needs;              /* what it meets when placed */
    uint64_t apart;              /* items whose sites may not meet its own; symmetric */
    int alike; /* an earlier item with equal options, needs and gains, which it may change places
                  with; -1: none */
};

struct hl_place_problem {
    const int64_t *capacities;
    size_t resource_count;
    const struct hl_place_use *uses;
    const struct hl_place_option *options;
    size_t option_count;
    const struct hl_place_item *items;
    size_t item_count;
    int level_count; /* 2 to HL_PLACE_LEVELS; further levels are 0 */
};

struct hl_place_result {
    int choice[HL_PLACE_MAX_ITEMS]; /* index of the option within the item, -1: left out */
    int64_t level[HL_PLACE_LEVELS];
    int64_t bound[HL_PLACE_LEVELS]; /* no solution is better than this; equals level when proven */
    bool proven;
    int64_t steps;
};

/* 0 or HOMELAB_E_NOMEM. The problem is well-formed; max_steps above 0. */
int hl_place_solve(struct hl_place_result *result, const struct hl_place_problem *problem,
                   int64_t max_steps);

#endif
