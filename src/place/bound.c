/* Lagrangian bounds: each unit of a resource costs a price, each unit by which a higher level falls
 * short of its target a toll. For any prices and tolls of 0 or more
 *
 *   sum over resources of price * capacity - sum over levels of toll * target
 *     + sum over items of max(0, max over options of gain + toll * gain above - price * use)
 *
 * is at least the best value (Fisher 1981, "The Lagrangian relaxation method for solving integer
 * programming problems"). A subgradient descent with a fixed number of rounds looks for low ones.
 */
#include "place/search.h"

#include <string.h>

#define ROUNDS 120

struct descent {
    struct hl_search *search;
    const struct hl_place_problem *problem;
    int level;
    double *slack; /* capacity minus use in the relaxed optimum, in shares of the capacity */
    double short_of[HL_PLACE_LEVELS];
};

static double option_value(const struct descent *descent, const struct hl_place_option *option)
{
    const struct hl_place_problem *problem = descent->problem;
    const double *price = descent->search->price[descent->level];
    double value = hl_search_gain(descent->search, option, descent->level);
    for (size_t u = 0; u < option->use_count; u++) {
        const struct hl_place_use *use = &problem->uses[option->use + u];
        value -= price[use->resource] * (double)use->amount;
    }
    return value;
}

/* The bound at the present prices; fills slack and short_of. */
static double evaluate(struct descent *descent)
{
    const struct hl_place_problem *problem = descent->problem;
    struct hl_search *search = descent->search;
    double bound = 0;
    for (size_t r = 0; r < problem->resource_count; r++) {
        bound += search->price[descent->level][r] * (double)problem->capacities[r];
        descent->slack[r] = 1;
    }
    for (int above = 1; above < descent->level; above++) {
        bound -= search->toll[descent->level][above] * (double)search->target[above];
        descent->short_of[above] = -(double)search->target[above];
    }
    for (size_t i = 0; i < problem->item_count; i++) {
        const struct hl_place_item *item = &problem->items[i];
        const struct hl_place_option *best = NULL;
        double most = 0;
        for (size_t o = 0; o < item->option_count; o++) {
            const struct hl_place_option *option = &problem->options[item->option + o];
            double value = option_value(descent, option);
            if (value > most) {
                most = value;
                best = option;
            }
        }
        bound += most;
        for (size_t u = 0; best && u < best->use_count; u++) {
            const struct hl_place_use *use = &problem->uses[best->use + u];
            descent->slack[use->resource] -=
                (double)use->amount / (double)problem->capacities[use->resource];
        }
        for (int above = 1; best && above < descent->level; above++)
            descent->short_of[above] += (double)best->gain[above];
    }
    return bound;
}

static double scale_of(const struct hl_search *search, int above)
{
    double target = (double)search->target[above];
    return target > 1 ? target : target < -1 ? -target : 1;
}

static void walk(struct descent *descent, double step)
{
    struct hl_search *search = descent->search;
    const struct hl_place_problem *problem = descent->problem;
    for (size_t r = 0; r < problem->resource_count; r++) {
        double *price = &search->price[descent->level][r];
        double moved = *price - step * descent->slack[r] / (double)problem->capacities[r];
        *price = moved > 0 ? moved : 0;
    }
    for (int above = 1; above < descent->level; above++) {
        double scale = scale_of(search, above);
        double *toll = &search->toll[descent->level][above];
        double moved = *toll - step * descent->short_of[above] / scale / scale;
        *toll = moved > 0 ? moved : 0;
    }
}

static double steepness(const struct descent *descent)
{
    double sum = 0;
    for (size_t r = 0; r < descent->problem->resource_count; r++)
        sum += descent->slack[r] * descent->slack[r];
    for (int above = 1; above < descent->level; above++) {
        double share = descent->short_of[above] / scale_of(descent->search, above);
        sum += share * share;
    }
    return sum;
}

struct kept {
    double bound;
    double *price;
    double toll[HL_PLACE_LEVELS];
};

static void keep(struct kept *kept, const struct descent *descent, double bound)
{
    const struct hl_search *search = descent->search;
    kept->bound = bound;
    memcpy(kept->price, search->price[descent->level],
           descent->problem->resource_count * sizeof *kept->price);
    memcpy(kept->toll, search->toll[descent->level], sizeof kept->toll);
}

double hl_search_price(struct hl_search *search, int level)
{
    const struct hl_place_problem *problem = search->problem;
    struct descent descent = {
        .search = search, .problem = problem, .level = level, .slack = search->scratch};
    struct kept kept = {.price = search->scratch + problem->resource_count};
    memset(search->price[level], 0, problem->resource_count * sizeof(double));
    memset(search->toll[level], 0, sizeof search->toll[level]);
    double theta = 1, aim = (double)search->best->level[level];
    int idle = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double bound = evaluate(&descent);
        if (round == 0 || bound < kept.bound) {
            keep(&kept, &descent, bound);
            idle = 0;
        } else if (++idle >= 5) {
            theta /= 2;
            idle = 0;
        }
        double steep = steepness(&descent);
        if (steep <= 0 || bound - aim < 0.5)
            break;
        walk(&descent, theta * (bound - aim) / steep);
    }
    memcpy(search->price[level], kept.price, problem->resource_count * sizeof(double));
    memcpy(search->toll[level], kept.toll, sizeof kept.toll);
    return kept.bound;
}
