/* A placement problem in the making, and what ways of models are worth in it. */
#ifndef HL_PLAN_SOLVER_H
#define HL_PLAN_SOLVER_H

#include "plan/plan.h"

#define HL_PLAN_MAX_SPEEDS 8

struct hl_solver {
    homelab_plan *plan;
    const homelab_planner *planner;
    const struct hl_inventory_data *data;
    const struct hl_ways *ways;
    struct hl_place_problem problem;
    int64_t *capacities;
    struct hl_place_item items[HL_PLACE_MAX_ITEMS]; /* in the order of the plan's models */
    size_t item_model[HL_PLACE_MAX_ITEMS];
    struct hl_place_option *options;
    size_t *option_way; /* by option: index of the way within its model */
    struct hl_place_use *uses;
    size_t way_count, use_count;
    const char *sets[HL_PLAN_MAX_SETS];
    size_t set_count; /* at least 1 */
    int64_t speeds[HL_PLAN_MAX_SPEEDS];
    size_t speed_count;
    bool *cpu_counts; /* by device: its memory can run out */
    uint64_t *sites;  /* by device: its bit where models must be apart; 0: none need be there */
    uint32_t roles;   /* that must be served */
};

bool hl_solver_in_set(const struct hl_solver *solver, const struct hl_model *model, size_t set);
/* What a way brings at each level but the first. */
void hl_solver_gains(const struct hl_solver *solver, const struct hl_model *model,
                     const struct hl_way *way, int64_t *gain);
/* Whether a way keeps a device from what must be apart: not with what a GPU's server has in main
 * memory. */
bool hl_way_stands_on(const struct hl_way *way, size_t device);

/* Offers the room that is left to models that are not wholly on GPUs. */
int hl_plan_fill(struct hl_solver *solver);

#endif
