/* The room that is left after the search. A model that is not wholly on GPUs is offered what the
 * others leave there, those that a need waits for first, then by priority: the ways that it would
 * have if nothing more were there. A way is taken when it is better than the model's present one
 * by the levels of the objective, so no level of the plan gets worse. It goes on until nothing
 * changes, since who moves to a GPU makes room in main memory. */
#include "plan/solver.h"

#include "core/alloc.h"
#include "core/error.h"

#include <string.h>

struct fill {
    struct hl_solver *solver;
    struct hl_plan_device *left; /* the plan's devices, as the other models leave them */
    bool *taken;                 /* by device: a model that must be apart is there */
};

static int64_t load_of(const struct fill *fill, size_t device, size_t set, size_t without)
{
    const struct hl_solver *solver = fill->solver;
    int64_t load = 0;
    for (size_t i = 0; i < solver->plan->model_count; i++) {
        const struct hl_plan_model *model = &solver->plan->models[i];
        if (i == without || !model->placed ||
            !hl_solver_in_set(solver, &solver->data->models[model->model], set))
            continue;
        for (size_t p = 0; p < model->way.part_count; p++)
            if (model->way.parts[p].device == device)
                load += hl_part_total(&model->way.parts[p]);
    }
    return load;
}

/* The most that is taken in any set of the model. */
static int64_t most_load(const struct fill *fill, size_t device, size_t i)
{
    const struct hl_solver *solver = fill->solver;
    const struct hl_model *model = &solver->data->models[solver->plan->models[i].model];
    int64_t most = 0;
    for (size_t set = 0; set < solver->set_count; set++) {
        int64_t load = hl_solver_in_set(solver, model, set) ? load_of(fill, device, set, i) : 0;
        if (load > most)
            most = load;
    }
    return most;
}

static bool is_taken(const struct fill *fill, size_t device, size_t i)
{
    for (uint64_t rest = fill->solver->items[i].apart; rest; rest &= rest - 1) {
        const struct hl_plan_model *other = &fill->solver->plan->models[__builtin_ctzll(rest)];
        if (other->placed && hl_way_stands_on(&other->way, device))
            return true;
    }
    return false;
}

static void leave_room(struct fill *fill, size_t i)
{
    const homelab_plan *plan = fill->solver->plan;
    memcpy(fill->left, plan->devices, plan->device_count * sizeof *fill->left);
    for (size_t d = 0; d < plan->device_count; d++) {
        struct hl_plan_device *device = &fill->left[d];
        device->used += most_load(fill, d, i);
        fill->taken[d] = is_taken(fill, d, i);
        if (device->gpu >= 0 && fill->taken[d])
            device->used = device->capacity;
    }
}

static bool is_better(const int64_t *gain, const int64_t *than)
{
    for (int level = 1; level < HL_PLACE_LEVELS; level++)
        if (gain[level] != than[level])
            return gain[level] > than[level];
    return false;
}

static bool is_apart(const struct fill *fill, const struct hl_way *way)
{
    for (size_t d = 0; d < fill->solver->plan->device_count; d++)
        if (fill->taken[d] && hl_way_stands_on(way, d))
            return false;
    return true;
}

static bool take_best(const struct fill *fill, size_t i, const struct hl_ways *ways)
{
    struct hl_plan_model *model = &fill->solver->plan->models[i];
    const struct hl_model *from = &fill->solver->data->models[model->model];
    int64_t best[HL_PLACE_LEVELS] = {0}, gain[HL_PLACE_LEVELS];
    bool taken = false;
    if (model->placed)
        hl_solver_gains(fill->solver, from, &model->way, best);
    for (size_t w = 0; w < ways->count; w++) {
        hl_solver_gains(fill->solver, from, &ways->ways[w], gain);
        if (!is_apart(fill, &ways->ways[w]) || !is_better(gain, best))
            continue;
        memcpy(best, gain, sizeof best);
        model->way = ways->ways[w];
        model->way.rest = true;
        model->placed = true;
        taken = true;
    }
    return taken;
}

static int offer(struct fill *fill, size_t i, bool *changed)
{
    const struct hl_solver *solver = fill->solver;
    struct hl_ways ways = {.ways = NULL};
    leave_room(fill, i);
    int code = hl_ways_find(&ways, solver->planner, fill->left, solver->plan->device_count,
                            solver->plan->models[i].model);
    if (!code && take_best(fill, i, &ways))
        *changed = true;
    hl_ways_free(&ways);
    return code;
}

/* A size that is given is all that is known: such a model is whole or not there. */
static bool is_offered(const struct hl_solver *solver, size_t i)
{
    const struct hl_plan_model *model = &solver->plan->models[i];
    return !(model->placed && model->way.whole) &&
           solver->planner->headers[model->model].of[HL_ROLE_MODEL] &&
           !solver->data->models[model->model].vram_bytes;
}

static bool is_needed(const struct hl_solver *solver, size_t i)
{
    uint64_t met = 0;
    for (size_t other = 0; other < solver->plan->model_count; other++)
        met |= solver->plan->models[other].placed ? solver->items[other].needs : 0;
    return solver->items[i].needs & ~met;
}

/* Before the other: what is needed, then by priority, then in the inventory's order. */
static bool comes_before(const struct hl_solver *solver, size_t i, size_t other)
{
    bool needed = is_needed(solver, i);
    if (needed != is_needed(solver, other))
        return needed;
    return solver->data->models[solver->item_model[i]].priority >
           solver->data->models[solver->item_model[other]].priority;
}

static size_t list_offered(const struct hl_solver *solver, size_t *order)
{
    size_t count = 0;
    for (size_t i = 0; i < solver->plan->model_count; i++) {
        if (!is_offered(solver, i))
            continue;
        size_t at = count++;
        for (; at > 0 && comes_before(solver, i, order[at - 1]); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return count;
}

static int run(struct fill *fill)
{
    size_t order[HL_PLACE_MAX_ITEMS];
    bool changed = true;
    int code = HOMELAB_OK;
    while (changed && !code) {
        size_t count = list_offered(fill->solver, order);
        changed = false;
        for (size_t k = 0; k < count && !code; k++)
            code = offer(fill, order[k], &changed);
    }
    return code;
}

int hl_plan_fill(struct hl_solver *solver)
{
    const size_t devices = solver->plan->device_count;
    struct fill fill = {.solver = solver};
    fill.left = hl_calloc(devices + 1, sizeof *fill.left);
    fill.taken = hl_calloc(devices + 1, sizeof *fill.taken);
    int code = fill.left && fill.taken ? run(&fill) : hl_error_nomem();
    hl_free(fill.left);
    hl_free(fill.taken);
    return code;
}
