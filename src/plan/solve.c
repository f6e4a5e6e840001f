/* From ways to a placement problem and back. Memory is counted in units of 64 KiB, needs rounded up
 * and room rounded down. The levels, after the needs met (roles that must be served, and required
 * models):
 *
 *   1            sum of priority, by the share of the model's bytes that is on GPUs, in thousandths
 *   2            sum of priority of the models placed anywhere
 *   3            weights on GPUs
 *   4 …          weights on the GPUs with the highest bandwidth, then on those with the next, …
 *   the last     less memory taken on GPUs, so more of it free */
#include "plan/solver.h"

#include "core/alloc.h"
#include "core/error.h"
#include "core/options.h"

#include <stdlib.h>
#include <string.h>

#define UNIT 65536

static int64_t units_up(int64_t bytes)
{
    return (bytes + UNIT - 1) / UNIT;
}

static int read_sets(struct hl_solver *solver)
{
    for (size_t m = 0; m < solver->data->model_count; m++)
        for (size_t s = 0; s < solver->data->models[m].set_count; s++) {
            const char *name = solver->data->models[m].sets[s];
            size_t at = 0;
            while (at < solver->set_count && strcmp(solver->sets[at], name) != 0)
                at++;
            if (at < solver->set_count)
                continue;
            if (at == HL_PLAN_MAX_SETS)
                return hl_error_set(HOMELAB_E_LIMIT, 0, "sets",
                                    "sets: found more than %d sets of models", HL_PLAN_MAX_SETS);
            solver->sets[solver->set_count++] = name;
        }
    if (solver->set_count == 0)
        solver->set_count = 1;
    return HOMELAB_OK;
}

bool hl_solver_in_set(const struct hl_solver *solver, const struct hl_model *model, size_t set)
{
    for (size_t s = 0; s < model->set_count; s++)
        if (strcmp(model->sets[s], solver->sets[set]) == 0)
            return true;
    return model->set_count == 0;
}

/* Bandwidths from the highest down; from the eighth on they count as one. */
static void read_speeds(struct hl_solver *solver)
{
    for (size_t d = 0; d < solver->plan->device_count; d++) {
        const struct hl_plan_device *device = &solver->plan->devices[d];
        size_t at = 0;
        if (device->gpu < 0)
            continue;
        while (at < solver->speed_count && solver->speeds[at] > device->bandwidth)
            at++;
        if (at == HL_PLAN_MAX_SPEEDS ||
            (at < solver->speed_count && solver->speeds[at] == device->bandwidth))
            continue;
        size_t moved = solver->speed_count - at;
        if (solver->speed_count == HL_PLAN_MAX_SPEEDS)
            moved--;
        else
            solver->speed_count++;
        memmove(&solver->speeds[at + 1], &solver->speeds[at], moved * sizeof *solver->speeds);
        solver->speeds[at] = device->bandwidth;
    }
}

/* Main memory counts only where all models together might not find room. */
static void read_cpus(struct hl_solver *solver)
{
    for (size_t d = 0; d < solver->plan->device_count; d++) {
        const struct hl_plan_device *device = &solver->plan->devices[d];
        int64_t sum = 0;
        if (device->gpu >= 0 || device->capacity == 0)
            continue;
        for (size_t m = 0; m < solver->data->model_count; m++) {
            int64_t most = 0;
            for (size_t w = 0; w < solver->ways[m].count; w++)
                for (size_t p = 0; p < solver->ways[m].ways[w].part_count; p++) {
                    const struct hl_plan_part *part = &solver->ways[m].ways[w].parts[p];
                    if (part->device == d && hl_part_total(part) > most)
                        most = hl_part_total(part);
                }
            sum += most * solver->data->models[m].replicas;
        }
        solver->cpu_counts[d] = sum > hl_device_room(device);
    }
}

static bool counts(const struct hl_solver *solver, size_t device)
{
    return solver->plan->devices[device].gpu >= 0 || solver->cpu_counts[device];
}

void hl_solver_gains(const struct hl_solver *solver, const struct hl_model *model,
                     const struct hl_way *way, int64_t *gain)
{
    int64_t gpu_weights = 0, weights = 0, taken = 0;
    memset(gain, 0, HL_PLACE_LEVELS * sizeof *gain);
    for (size_t p = 0; p < way->part_count; p++) {
        const struct hl_plan_part *part = &way->parts[p];
        const struct hl_plan_device *device = &solver->plan->devices[part->device];
        int64_t units = units_up(part->weights);
        /* What stays in main memory of a model that is wholly on GPUs, such as the token
         * embedding, is read row by row and costs no time. */
        weights += units;
        if (device->gpu < 0)
            continue;
        gpu_weights += units;
        taken += units_up(hl_part_total(part));
        for (size_t s = 0; s + 1 < solver->speed_count; s++)
            if (device->bandwidth == solver->speeds[s])
                gain[4 + s] += units;
    }
    int64_t share = way->whole ? 1000 : weights ? gpu_weights * 1000 / weights : 0;
    gain[1] = model->priority * share;
    gain[2] = model->priority + 1; /* one of no priority is better placed than not */
    gain[3] = gpu_weights;
    gain[solver->problem.level_count - 1] = -taken;
}

bool hl_way_stands_on(const struct hl_way *way, size_t device)
{
    for (size_t p = 0; p < (way->gpu_count ? way->gpu_count : way->part_count); p++)
        if (way->parts[p].device == device)
            return true;
    return false;
}

static bool any_stands_on(const struct hl_ways *ways, size_t device)
{
    for (size_t w = 0; w < ways->count; w++)
        if (hl_way_stands_on(&ways->ways[w], device))
            return true;
    return false;
}

/* Two models meet only where a way of one that is kept apart, or is there more than once, stands.
 */
static bool is_site(const struct hl_solver *solver, size_t device)
{
    for (size_t m = 0; m < solver->data->model_count; m++) {
        const struct hl_model *model = &solver->data->models[m];
        if ((model->apart_count || model->replicas > 1) && any_stands_on(&solver->ways[m], device))
            return true;
    }
    return false;
}

static int number_sites(struct hl_solver *solver)
{
    unsigned count = 0;
    for (size_t d = 0; d < solver->plan->device_count; d++) {
        if (!is_site(solver, d))
            continue;
        if (count == HL_PLACE_MAX_SITES)
            return hl_error_set(HOMELAB_E_LIMIT, 0, "models",
                                "models: those with apart or replicas can be on more than %d "
                                "devices, expected a pin to fewer",
                                HL_PLACE_MAX_SITES);
        solver->sites[d] = (uint64_t)1 << count++;
    }
    return HOMELAB_OK;
}

static uint64_t sites_of(const struct hl_solver *solver, const struct hl_way *way)
{
    uint64_t sites = 0;
    for (size_t p = 0; p < (way->gpu_count ? way->gpu_count : way->part_count); p++)
        sites |= solver->sites[way->parts[p].device];
    return sites;
}

static void add_uses(struct hl_solver *solver, const struct hl_model *model,
                     const struct hl_way *way, struct hl_place_option *option)
{
    option->sites = sites_of(solver, way);
    for (size_t p = 0; p < way->part_count; p++) {
        const struct hl_plan_part *part = &way->parts[p];
        int64_t amount = units_up(hl_part_total(part));
        for (size_t set = 0; counts(solver, part->device) && set < solver->set_count; set++)
            if (amount && hl_solver_in_set(solver, model, set)) {
                solver->uses[solver->use_count++] =
                    (struct hl_place_use){part->device * solver->set_count + set, amount};
                option->use_count++;
            }
    }
}

/* On CPUs whose memory cannot run out one way is as good as another: the node with most memory. */
static bool redundant(const struct hl_solver *solver, size_t m, size_t w)
{
    const struct hl_ways *ways = &solver->ways[m];
    const struct hl_way *way = &ways->ways[w];
    size_t device = way->parts[0].device;
    if (way->gpu_count || solver->cpu_counts[device])
        return false;
    for (size_t other = 0; other < ways->count; other++) {
        size_t there = ways->ways[other].parts[0].device;
        if (other == w || ways->ways[other].gpu_count || solver->cpu_counts[there])
            continue;
        int64_t here_room = hl_device_room(&solver->plan->devices[device]);
        int64_t there_room = hl_device_room(&solver->plan->devices[there]);
        if (there_room > here_room || (there_room == here_room && other < w))
            return solver->data->models[m].replicas == 1 &&
                   solver->data->models[m].apart_count == 0;
    }
    return false;
}

static int add_options(struct hl_solver *solver, size_t m, struct hl_place_item *item)
{
    item->option = solver->problem.option_count;
    for (size_t w = 0; w < solver->ways[m].count; w++) {
        if (redundant(solver, m, w))
            continue;
        const char *name = solver->data->models[m].name;
        if (item->option_count == HL_PLACE_MAX_OPTIONS)
            return hl_error_set(HOMELAB_E_LIMIT, 0, name,
                                "model '%s': found more than %d ways to place it, expected a pin "
                                "to a node with fewer",
                                name, HL_PLACE_MAX_OPTIONS);
        struct hl_place_option *option = &solver->options[solver->problem.option_count];
        solver->option_way[solver->problem.option_count++] = w;
        item->option_count++;
        option->use = solver->use_count;
        hl_solver_gains(solver, &solver->data->models[m], &solver->ways[m].ways[w], option->gain);
        add_uses(solver, &solver->data->models[m], &solver->ways[m].ways[w], option);
    }
    return HOMELAB_OK;
}

static int add_item(struct hl_solver *solver, size_t m, int replica, uint64_t needs)
{
    size_t i = solver->problem.item_count;
    if (i == HL_PLACE_MAX_ITEMS)
        return hl_error_set(HOMELAB_E_LIMIT, 0, "models",
                            "models: found more than %d models and replicas", HL_PLACE_MAX_ITEMS);
    struct hl_place_item *item = &solver->items[i];
    *item = (struct hl_place_item){.alike = -1, .needs = needs};
    solver->item_model[i] = m;
    solver->problem.item_count++;
    if (replica == 0)
        return add_options(solver, m, item);
    item->option = solver->items[i - 1].option;
    item->option_count = solver->items[i - 1].option_count;
    for (size_t other = i - (size_t)replica; other < i; other++) {
        item->apart |= (uint64_t)1 << other;
        solver->items[other].apart |= (uint64_t)1 << i;
    }
    if (replica > 1)
        item->alike = (int)i - 1;
    return HOMELAB_OK;
}

static int add_items(struct hl_solver *solver)
{
    unsigned next = HL_CAP_COUNT;
    for (size_t m = 0; m < solver->data->model_count; m++) {
        const struct hl_model *model = &solver->data->models[m];
        uint64_t needs = model->roles & solver->roles;
        if (model->required && next == 64)
            return hl_error_set(HOMELAB_E_LIMIT, 0, "models",
                                "models: found more than %d required models", 64 - HL_CAP_COUNT);
        if (model->required)
            needs |= (uint64_t)1 << next++;
        for (int replica = 0; replica < model->replicas; replica++) {
            int code = add_item(solver, m, replica, replica ? model->roles & solver->roles : needs);
            if (code)
                return code;
        }
    }
    return HOMELAB_OK;
}

static void keep_apart(struct hl_solver *solver)
{
    for (size_t i = 0; i < solver->problem.item_count; i++) {
        const struct hl_model *model = &solver->data->models[solver->item_model[i]];
        for (size_t a = 0; a < model->apart_count; a++)
            for (size_t other = 0; other < solver->problem.item_count; other++)
                if (other != i && strcmp(solver->data->models[solver->item_model[other]].name,
                                         model->apart[a]) == 0) {
                    solver->items[i].apart |= (uint64_t)1 << other;
                    solver->items[other].apart |= (uint64_t)1 << i;
                }
    }
}

static int take(struct hl_solver *solver)
{
    size_t devices = solver->plan->device_count, ways = 1;
    for (size_t m = 0; m < solver->data->model_count; m++)
        ways += solver->ways[m].count;
    solver->way_count = ways;
    solver->cpu_counts = hl_calloc(devices + 1, sizeof *solver->cpu_counts);
    solver->sites = hl_calloc(devices + 1, sizeof *solver->sites);
    solver->capacities = hl_calloc(devices * solver->set_count + 1, sizeof *solver->capacities);
    solver->options = hl_calloc(ways, sizeof *solver->options);
    solver->option_way = hl_calloc(ways, sizeof *solver->option_way);
    solver->uses =
        hl_calloc(ways * (HL_PLAN_MAX_GPUS + 1) * solver->set_count, sizeof *solver->uses);
    return solver->cpu_counts && solver->sites && solver->capacities && solver->options &&
                   solver->option_way && solver->uses
               ? HOMELAB_OK
               : hl_error_nomem();
}

static void drop(struct hl_solver *solver)
{
    hl_free(solver->cpu_counts);
    hl_free(solver->sites);
    hl_free(solver->capacities);
    hl_free(solver->options);
    hl_free(solver->option_way);
    hl_free(solver->uses);
}

/* Only resources that something uses, so that few are left. */
static void number_resources(struct hl_solver *solver, size_t *resource_count)
{
    size_t count = 0, all = solver->plan->device_count * solver->set_count;
    for (size_t r = 0; r < all; r++) {
        bool used = false;
        for (size_t u = 0; u < solver->use_count && !used; u++)
            used = solver->uses[u].resource == r;
        if (!used)
            continue;
        for (size_t u = 0; u < solver->use_count; u++)
            if (solver->uses[u].resource == r)
                solver->uses[u].resource = count;
        solver->capacities[count++] =
            hl_device_room(&solver->plan->devices[r / solver->set_count]) / UNIT;
    }
    *resource_count = count;
}

static void add_planned(struct hl_solver *solver, int64_t *loads)
{
    homelab_plan *plan = solver->plan;
    for (size_t set = 0; set < solver->set_count; set++) {
        memset(loads, 0, plan->device_count * sizeof *loads);
        for (size_t i = 0; i < plan->model_count; i++) {
            const struct hl_plan_model *model = &plan->models[i];
            for (size_t p = 0; model->placed && p < model->way.part_count; p++)
                if (hl_solver_in_set(solver, &solver->data->models[model->model], set))
                    loads[model->way.parts[p].device] += hl_part_total(&model->way.parts[p]);
        }
        for (size_t d = 0; d < plan->device_count; d++)
            if (loads[d] > plan->devices[d].planned)
                plan->devices[d].planned = loads[d];
    }
}

static const struct hl_way *chosen(const struct hl_solver *solver, size_t i)
{
    int choice = solver->plan->result.choice[i];
    const struct hl_ways *ways = &solver->ways[solver->item_model[i]];
    return choice < 0 ? NULL
                      : &ways->ways[solver->option_way[solver->items[i].option + (size_t)choice]];
}

static int read_choices(struct hl_solver *solver)
{
    homelab_plan *plan = solver->plan;
    plan->models = hl_calloc(solver->problem.item_count + 1, sizeof *plan->models);
    if (!plan->models)
        return hl_error_nomem();
    for (size_t i = 0; i < solver->problem.item_count; i++) {
        size_t m = solver->item_model[i];
        const struct hl_model *from = &solver->data->models[m];
        const homelab_gguf *header = solver->planner->headers[m].of[HL_ROLE_MODEL];
        struct hl_plan_model *model = &plan->models[plan->model_count++];
        const struct hl_way *way = chosen(solver, i);
        model->name = hl_strdup(from->name);
        if (!model->name)
            return hl_error_nomem();
        model->model = m;
        model->replicas = from->replicas;
        model->replica = i > 0 && solver->item_model[i - 1] == m ? model[-1].replica + 1 : 0;
        model->parallel = from->parallel;
        model->layer_count = header         ? homelab_gguf_layer_count(header)
                             : from->layers ? from->layers
                                            : -1;
        model->needs = solver->ways[m].smallest ? solver->ways[m].smallest : solver->ways[m].on_cpu;
        model->placed = way;
        if (way)
            model->way = *way;
    }
    return HOMELAB_OK;
}

/* For those who show what is loaded together. */
static int keep_sets(const struct hl_solver *solver)
{
    homelab_plan *plan = solver->plan;
    for (size_t set = 0; set < solver->set_count && solver->sets[set]; set++) {
        plan->sets[set] = hl_strdup(solver->sets[set]);
        if (!plan->sets[set])
            return hl_error_nomem();
        plan->set_count++;
        for (size_t i = 0; i < plan->model_count; i++)
            if (hl_solver_in_set(solver, &solver->data->models[plan->models[i].model], set))
                plan->models[i].sets |= 1u << set;
    }
    return HOMELAB_OK;
}

/* The levels of the plan as it is now; what filled the room may be above the search's bounds. */
static void measure(struct hl_solver *solver)
{
    struct hl_place_result *result = &solver->plan->result;
    uint64_t needs = 0;
    memset(result->level, 0, sizeof result->level);
    for (size_t i = 0; i < solver->plan->model_count; i++) {
        const struct hl_plan_model *model = &solver->plan->models[i];
        int64_t gain[HL_PLACE_LEVELS];
        if (!model->placed)
            continue;
        needs |= solver->items[i].needs;
        hl_solver_gains(solver, &solver->data->models[model->model], &model->way, gain);
        for (int level = 1; level < solver->problem.level_count; level++)
            result->level[level] += gain[level];
    }
    result->level[0] = __builtin_popcountll(needs);
    for (int level = 0; level < solver->problem.level_count; level++)
        if (result->proven || result->bound[level] < result->level[level])
            result->bound[level] = result->level[level];
}

static void read_status(struct hl_solver *solver)
{
    homelab_plan *plan = solver->plan;
    uint32_t served = 0;
    bool required_missing = false;
    for (size_t i = 0; i < plan->model_count; i++) {
        const struct hl_plan_model *model = &plan->models[i];
        const struct hl_model *from = &solver->data->models[model->model];
        plan->placed_count += model->placed;
        served |= model->placed ? from->roles : 0;
        required_missing =
            required_missing || (!model->placed && from->required && model->replica == 0);
    }
    plan->roles_missing = solver->roles & ~served;
    plan->status = plan->roles_missing || required_missing  ? HOMELAB_PLAN_FAILED
                   : plan->placed_count < plan->model_count ? HOMELAB_PLAN_PARTIAL
                                                            : HOMELAB_PLAN_COMPLETE;
}

static int read_result(struct hl_solver *solver)
{
    solver->plan->level_count = solver->problem.level_count;
    int code = read_choices(solver);
    if (!code)
        code = keep_sets(solver);
    if (!code)
        code = hl_plan_fill(solver);
    if (code)
        return code;
    int64_t *loads = hl_calloc(solver->plan->device_count + 1, sizeof *loads);
    if (!loads)
        return hl_error_nomem();
    add_planned(solver, loads);
    hl_free(loads);
    measure(solver);
    read_status(solver);
    return HOMELAB_OK;
}

/* Which roles must be served: those named, or all that a model has. */
static int read_roles(struct hl_solver *solver)
{
    char name[32];
    const char *text = hl_opt_string(solver->planner->opts, HL_OPT_PLAN_ROLES);
    for (size_t m = 0; !*text && m < solver->data->model_count; m++)
        solver->roles |= solver->data->models[m].roles;
    if (strcmp(text, "none") == 0)
        return HOMELAB_OK;
    while (*text) {
        size_t length = strcspn(text, ",");
        int role = -1;
        if (length < sizeof name) {
            memcpy(name, text, length);
            name[length] = '\0';
            role = hl_capability_from_name(name);
        }
        if (role < 0)
            return hl_error_set(HOMELAB_E_OPTION_VALUE, 0, "plan.roles",
                                "plan.roles: found '%.*s', expected none or some of code, reason, "
                                "chat, vision, fast, embed",
                                (int)length, text);
        solver->roles |= 1u << role;
        text += length + (text[length] == ',');
    }
    return HOMELAB_OK;
}

static int place(struct hl_solver *solver, int64_t max_steps)
{
    int speeds = solver->speed_count ? (int)solver->speed_count : 1;
    solver->problem = (struct hl_place_problem){.level_count = 4 + speeds};
    solver->use_count = 0;
    memset(solver->options, 0, solver->way_count * sizeof *solver->options);
    int code = add_items(solver);
    if (code)
        return code;
    keep_apart(solver);
    number_resources(solver, &solver->problem.resource_count);
    solver->problem.capacities = solver->capacities;
    solver->problem.uses = solver->uses;
    solver->problem.options = solver->options;
    solver->problem.items = solver->items;
    return hl_place_solve(&solver->plan->result, &solver->problem, max_steps);
}

/* Whether main memory suffices for the choices, in each set. */
static bool has_main_memory(const struct hl_solver *solver, size_t device, size_t set)
{
    int64_t room = hl_device_room(&solver->plan->devices[device]);
    for (size_t i = 0; i < solver->problem.item_count; i++) {
        const struct hl_way *way = chosen(solver, i);
        const struct hl_model *model = &solver->data->models[solver->item_model[i]];
        for (size_t p = 0; way && p < way->part_count; p++)
            if (way->parts[p].device == device && hl_solver_in_set(solver, model, set))
                room -= hl_part_total(&way->parts[p]);
    }
    return room >= 0;
}

static bool has_all_main_memory(const struct hl_solver *solver)
{
    for (size_t d = 0; d < solver->plan->device_count; d++)
        for (size_t set = 0; solver->cpu_counts[d] && set < solver->set_count; set++)
            if (!has_main_memory(solver, d, set))
                return false;
    return true;
}

/* Without main memory first, which leaves most ways on one device each, for a part of the steps:
 * the best choice is the best with it too, where it has room there. */
static int solve(struct hl_solver *solver)
{
    int code = read_roles(solver);
    if (!code)
        code = read_sets(solver);
    if (!code)
        code = take(solver);
    if (!code)
        code = number_sites(solver);
    if (code)
        return code;
    read_speeds(solver);
    int64_t max_steps = hl_opt_int(solver->planner->opts, HL_OPT_PLAN_MAX_STEPS);
    code = place(solver, max_steps / 4 + 1);
    if (code)
        return code;
    read_cpus(solver);
    if (!solver->plan->result.proven || !has_all_main_memory(solver))
        code = place(solver, max_steps);
    return code ? code : read_result(solver);
}

int hl_plan_solve(homelab_plan *plan, const homelab_planner *planner, const struct hl_ways *ways)
{
    struct hl_solver *solver = hl_calloc(1, sizeof *solver);
    if (!solver)
        return hl_error_nomem();
    solver->plan = plan;
    solver->planner = planner;
    solver->data = hl_inventory_data(planner->inventory);
    solver->ways = ways;
    int code = solve(solver);
    drop(solver);
    hl_free(solver);
    return code;
}
