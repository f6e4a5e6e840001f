#include "place/place.h"

#include "support/failmalloc.h"
#include "support/place_exhaustive.h"

#include <homelab/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define STEPS       INT64_C(50000000)
#define MAX_OPTIONS 512

/* A problem with memory of its own. */
struct lab {
    struct hl_place_problem problem;
    int64_t capacities[32];
    struct hl_place_item items[HL_PLACE_MAX_ITEMS];
    struct hl_place_option options[MAX_OPTIONS];
    struct hl_place_use uses[MAX_OPTIONS * 8];
    size_t use_count;
};

static void lab_init(struct lab *lab, size_t resources, int levels)
{
    memset(lab, 0, sizeof *lab);
    lab->problem = (struct hl_place_problem){.capacities = lab->capacities,
                                             .resource_count = resources,
                                             .uses = lab->uses,
                                             .options = lab->options,
                                             .items = lab->items,
                                             .level_count = levels};
}

static struct hl_place_item *lab_item(struct lab *lab, uint64_t needs)
{
    struct hl_place_item *item = &lab->items[lab->problem.item_count++];
    *item =
        (struct hl_place_item){.option = lab->problem.option_count, .needs = needs, .alike = -1};
    return item;
}

/* Of the last item. */
static struct hl_place_option *lab_option(struct lab *lab)
{
    struct hl_place_option *option = &lab->options[lab->problem.option_count++];
    *option = (struct hl_place_option){.use = lab->use_count};
    lab->items[lab->problem.item_count - 1].option_count++;
    return option;
}

static void lab_use(struct lab *lab, struct hl_place_option *option, size_t resource,
                    int64_t amount)
{
    lab->uses[lab->use_count++] = (struct hl_place_use){resource, amount};
    option->use_count++;
}

static uint64_t seed;

static int64_t draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (int64_t)((seed * UINT64_C(0x2545F4914F6CDD1D) >> 20) % below);
}

static void start(uint64_t number)
{
    seed = number * UINT64_C(0x9E3779B97F4A7C15) + 1;
    for (int k = 0; k < 20; k++)
        draw(2);
}

/* The choice is allowed and is worth what the result says. */
static void check_choice(const struct hl_place_problem *problem,
                         const struct hl_place_result *result)
{
    struct exhaustive all = {.problem = problem};
    memcpy(all.room, problem->capacities, problem->resource_count * sizeof *all.room);
    for (size_t i = 0; i < problem->item_count; i++) {
        if (result->choice[i] >= 0) {
            assert_true((size_t)result->choice[i] < problem->items[i].option_count);
            const struct hl_place_option *option =
                &problem->options[problem->items[i].option + (size_t)result->choice[i]];
            assert_true(exhaustive_allowed(&all, i, option));
            for (size_t u = 0; u < option->use_count; u++)
                all.room[problem->uses[option->use + u].resource] -=
                    problem->uses[option->use + u].amount;
        }
        all.choice[i] = result->choice[i];
    }
    exhaustive_offer(&all);
    assert_memory_equal(all.level, result->level, sizeof all.level);
}

static void compare(uint64_t number, const struct hl_place_problem *problem)
{
    static struct exhaustive all;
    struct hl_place_result result, again;
    assert_int_equal(hl_place_solve(&result, problem, STEPS), 0);
    check_choice(problem, &result);
    exhaustive_solve(&all, problem);
    for (int l = 0; l < problem->level_count; l++)
        if (all.level[l] != result.level[l])
            fail_msg("instance %llu, level %d: found %lld, exhaustive %lld",
                     (unsigned long long)number, l, (long long)result.level[l],
                     (long long)all.level[l]);
    assert_true(result.proven);
    assert_memory_equal(result.bound, result.level, sizeof result.bound);
    assert_int_equal(hl_place_solve(&again, problem, STEPS), 0);
    assert_memory_equal(again.choice, result.choice, sizeof result.choice);
    assert_true(again.steps == result.steps);
}

/* One model on one GPU or outside; GPUs of one to three speeds; sizes that may depend on the GPU.
 */
static void simple_instance(struct lab *lab, uint64_t number)
{
    start(number);
    size_t gpus = (size_t)(1 + draw(4)), models = (size_t)(1 + draw(7));
    int speeds = (int)(1 + draw(3)), speed[8];
    bool needed = draw(2), coarse = draw(2);
    lab_init(lab, gpus, 3 + speeds);
    for (size_t j = 0; j < gpus; j++) {
        lab->capacities[j] = coarse ? 2 + draw(6) : 2000 + draw(6000);
        speed[j] = (int)draw((uint64_t)speeds);
    }
    for (size_t i = 0; i < models; i++) {
        lab_item(lab, needed && draw(2) ? (uint64_t)1 << draw(3) : 0);
        int64_t size = coarse ? 1 + draw(5) : 500 + draw(5000), priority = 1 + draw(9);
        if (draw(3))
            lab_option(lab);
        for (size_t j = 0; j < gpus; j++) {
            struct hl_place_option *option = lab_option(lab);
            lab_use(lab, option, j, size + (coarse ? 0 : draw(2) * 100));
            option->gain[1] = priority;
            option->gain[2] = size;
            for (int s = 0; s + 1 < speeds; s++)
                option->gain[3 + s] = speed[j] == s ? size : 0;
            option->gain[2 + speeds] = -size;
        }
    }
}

static void simple_against_exhaustive(void **state)
{
    (void)state;
    static struct lab lab;
    for (uint64_t number = 1; number <= 400; number++) {
        simple_instance(&lab, number);
        compare(number, &lab.problem);
    }
}

/* Splits, replicas, what must be apart, sets that are loaded together, and a CPU with little
 * memory: up to 6 models on 3 GPUs. */
static void rich_instance(struct lab *lab, uint64_t number)
{
    start(number + 100000);
    size_t gpus = (size_t)(1 + draw(3)), models = (size_t)(2 + draw(5)), sets = 1 + (size_t)draw(2);
    lab_init(lab, (gpus + 1) * sets, 5);
    for (size_t r = 0; r < gpus + 1; r++) {
        int64_t capacity = 4 + draw(12);
        for (size_t s = 0; s < sets; s++)
            lab->capacities[r * sets + s] = capacity;
    }
    while (lab->problem.item_count < models) {
        size_t i = lab->problem.item_count;
        if (i > 0 && draw(4) == 0) {
            struct hl_place_item *copy = &lab->items[lab->problem.item_count++];
            *copy = lab->items[i - 1];
            copy->alike = (int)i - 1;
            copy->apart = (uint64_t)1 << (i - 1);
            lab->items[i - 1].apart |= (uint64_t)1 << i;
            continue;
        }
        struct hl_place_item *item = lab_item(lab, draw(2) ? (uint64_t)1 << draw(4) : 0);
        int64_t size = 2 + draw(9), priority = draw(10);
        uint64_t in = 1 + (uint64_t)draw(3);
        for (uint64_t way = 1; way < (uint64_t)1 << gpus; way++) {
            int parts = __builtin_popcountll(way);
            if (parts > 2 || draw(5) == 0)
                continue;
            struct hl_place_option *option = lab_option(lab);
            option->sites = way;
            for (size_t r = 0; r < gpus; r++)
                for (size_t s = 0; s < sets; s++)
                    if (way >> r & 1 && (sets == 1 || in >> s & 1))
                        lab_use(lab, option, r * sets + s, (size + parts) / parts);
            option->gain[1] = priority;
            option->gain[2] = size;
            option->gain[3] = way & 1 ? size : 0;
            option->gain[4] = -size - parts;
        }
        if (draw(2)) {
            struct hl_place_option *option = lab_option(lab);
            for (size_t s = 0; s < sets; s++)
                lab_use(lab, option, gpus * sets + s, size);
        }
        if (i > 0 && draw(3) == 0) {
            uint64_t other = (uint64_t)draw(i);
            item->apart |= (uint64_t)1 << other;
            lab->items[other].apart |= (uint64_t)1 << i;
        }
    }
    /* A copy of an item must know the same others. */
    for (size_t i = 0; i < models; i++)
        if (lab->items[i].alike >= 0) {
            size_t first = (size_t)lab->items[i].alike;
            uint64_t both = lab->items[first].apart & ~((uint64_t)1 << i);
            lab->items[i].apart |= both & ~((uint64_t)1 << first);
            for (size_t other = 0; other < models; other++)
                if (lab->items[i].apart >> other & 1)
                    lab->items[other].apart |= (uint64_t)1 << i;
        }
    for (size_t i = models; i-- > 0;)
        if (lab->items[i].alike >= 0) {
            size_t first = (size_t)lab->items[i].alike;
            uint64_t pair = (uint64_t)1 << i | (uint64_t)1 << first;
            if ((lab->items[i].apart | pair) != (lab->items[first].apart | pair))
                lab->items[i].alike = -1;
        }
}

static void rich_against_exhaustive(void **state)
{
    (void)state;
    static struct lab lab;
    for (uint64_t number = 1; number <= 200; number++) {
        rich_instance(&lab, number);
        compare(number, &lab.problem);
    }
}

/* Many models on many GPUs, beyond what all subsets could be tried for. */
static void large_instance(struct lab *lab, size_t models)
{
    start(7);
    lab_init(lab, 8, 4);
    for (size_t j = 0; j < 8; j++)
        lab->capacities[j] = 8000 + draw(40000);
    for (size_t i = 0; i < models; i++) {
        lab_item(lab, 0);
        int64_t size = 600 + draw(20000), priority = 1 + draw(100);
        for (size_t j = 0; j < 8; j++) {
            struct hl_place_option *option = lab_option(lab);
            lab_use(lab, option, j, size);
            option->gain[1] = priority;
            option->gain[2] = size;
            option->gain[3] = -size;
        }
    }
}

static void budget(void **state)
{
    (void)state;
    static struct lab lab;
    struct hl_place_result little, more;
    large_instance(&lab, 40);
    assert_int_equal(hl_place_solve(&little, &lab.problem, 100), 0);
    assert_int_equal(hl_place_solve(&more, &lab.problem, 20000), 0);
    check_choice(&lab.problem, &little);
    check_choice(&lab.problem, &more);
    assert_false(little.proven);
    assert_true(little.level[1] > 0 && little.level[1] <= more.level[1]);
    assert_true(more.level[1] <= little.bound[1]);
    /* The bound is no guess: not far above. */
    assert_true(little.bound[1] * 100 <= little.level[1] * 130);
}

static void nothing(void **state)
{
    (void)state;
    static struct lab lab;
    struct hl_place_result result;
    lab_init(&lab, 0, 4);
    assert_int_equal(hl_place_solve(&result, &lab.problem, STEPS), 0);
    assert_true(result.proven);
    lab_item(&lab, 1);
    assert_int_equal(hl_place_solve(&result, &lab.problem, STEPS), 0);
    assert_true(result.proven && result.choice[0] == -1 && result.level[0] == 0);
    lab_option(&lab);
    assert_int_equal(hl_place_solve(&result, &lab.problem, STEPS), 0);
    assert_true(result.proven && result.choice[0] == 0 && result.level[0] == 1);
}

static int solve_lab(void *userdata)
{
    struct lab *lab = userdata;
    struct hl_place_result result;
    int code = hl_place_solve(&result, &lab->problem, STEPS);
    return code ? failmalloc_failed(code) : 0;
}

static void memory(void **state)
{
    (void)state;
    static struct lab lab;
    for (uint64_t number = 1; number <= 5; number++) {
        simple_instance(&lab, number);
        fail_each_allocation(solve_lab, &lab);
        rich_instance(&lab, number);
        fail_each_allocation(solve_lab, &lab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simple_against_exhaustive),
        cmocka_unit_test(rich_against_exhaustive),
        cmocka_unit_test(budget),
        cmocka_unit_test(nothing),
        cmocka_unit_test(memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
