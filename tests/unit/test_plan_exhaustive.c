/* Whole plans, from the text of an inventory on, against all placements: up to six models on up to
 * three GPUs, with priorities, required models, roles, replicas, models apart and sets. */
#include <homelab/homelab.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define MAX_GPUS   3
#define MAX_MODELS 6
#define MAX_LEVELS 8
#define SETS       2
#define UNITS      16384 /* of 64 KiB, in a GiB */

struct model {
    int64_t size, priority; /* GiB */
    bool required, code;
    int apart;     /* another model, -1: none */
    unsigned sets; /* a bit each */
    int replicas;
};

/* One model or replica. */
struct item {
    int model;
    bool first; /* of its model */
};

struct lab {
    size_t gpus, models, items;
    int64_t memory[MAX_GPUS], bandwidth[MAX_GPUS];
    struct model model[MAX_MODELS];
    struct item item[MAX_MODELS];
    char text[4096];
    size_t length;
};

static uint64_t seed;

static int draw(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (int)((seed * UINT64_C(0x2545F4914F6CDD1D) >> 20) % below);
}

__attribute__((format(printf, 2, 3))) static void put(struct lab *lab, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int length = vsnprintf(lab->text + lab->length, sizeof lab->text - lab->length, format, list);
    va_end(list);
    lab->length += (size_t)length;
    assert_true(lab->length < sizeof lab->text);
}

static void put_model(struct lab *lab, size_t m)
{
    const struct model *model = &lab->model[m];
    put(lab, "  m%zu: {size_gib: %d, priority: %d, cpu: false, replicas: %d", m, (int)model->size,
        (int)model->priority, model->replicas);
    if (model->required)
        put(lab, ", required: true");
    if (model->code)
        put(lab, ", roles: [code]");
    if (model->apart >= 0)
        put(lab, ", apart: [m%d]", model->apart);
    if (model->sets != (1u << SETS) - 1)
        put(lab, ", sets: [%s]", model->sets == 1 ? "day" : "night");
    put(lab, "}\n");
}

/* No model is larger than a GPU, so that each goes onto one or nowhere. */
static void generate(struct lab *lab, uint64_t number)
{
    seed = number * UINT64_C(0x9E3779B97F4A7C15) + 1;
    for (int k = 0; k < 20; k++)
        draw(2);
    memset(lab, 0, sizeof *lab);
    lab->gpus = (size_t)(1 + draw(MAX_GPUS));
    put(lab, "nodes:\n");
    for (size_t j = 0; j < lab->gpus; j++) {
        lab->memory[j] = 10 + draw(15);
        lab->bandwidth[j] = 300 * (1 + draw(3));
        put(lab, "  n%zu: {gpus: [{memory_gib: %d, bandwidth_gbs: %d}]}\n", j, (int)lab->memory[j],
            (int)lab->bandwidth[j]);
    }
    put(lab, "models:\n");
    size_t wanted = (size_t)(2 + draw(MAX_MODELS - 1));
    bool with_sets = draw(2);
    while (lab->items < wanted) {
        size_t m = lab->models++;
        int most = (int)(wanted - lab->items);
        lab->model[m] = (struct model){.size = 1 + draw(10),
                                       .priority = draw(5),
                                       .required = draw(4) == 0,
                                       .code = draw(3) == 0,
                                       .apart = m && draw(2) ? draw(m) : -1,
                                       .sets = with_sets ? 1 + (unsigned)draw(3) : 3,
                                       .replicas = draw(4) ? 1 : 1 + draw((uint64_t)most)};
        for (int replica = 0; replica < lab->model[m].replicas; replica++)
            lab->item[lab->items++] = (struct item){(int)m, replica == 0};
        put_model(lab, m);
    }
}

static bool meet(const struct lab *lab, size_t a, size_t b)
{
    int one = lab->item[a].model, other = lab->item[b].model;
    return one != other && lab->model[one].apart != other && lab->model[other].apart != one;
}

/* Room for each set by itself, and nothing together that is to be apart; -1: left out. */
static bool allowed(const struct lab *lab, const int *at)
{
    for (int set = 0; set < SETS; set++) {
        int64_t room[MAX_GPUS];
        memcpy(room, lab->memory, sizeof room);
        for (size_t i = 0; i < lab->items; i++) {
            const struct model *model = &lab->model[lab->item[i].model];
            if (at[i] >= 0 && model->sets >> set & 1)
                room[at[i]] -= model->size;
            if (at[i] >= 0 && room[at[i]] < 0)
                return false;
        }
    }
    for (size_t i = 0; i < lab->items; i++)
        for (size_t other = 0; other < i; other++)
            if (at[i] >= 0 && at[i] == at[other] && !meet(lab, i, other))
                return false;
    return true;
}

/* Bandwidths above this one. */
static int faster(const struct lab *lab, int64_t bandwidth)
{
    int count = 0;
    for (int64_t speed = 300; speed <= 900; speed += 300) {
        bool there = false;
        for (size_t j = 0; j < lab->gpus; j++)
            there = there || lab->bandwidth[j] == speed;
        count += there && speed > bandwidth;
    }
    return count;
}

static int level_count(const struct lab *lab)
{
    return 4 + faster(lab, 0);
}

static void measure(const struct lab *lab, const int *at, int64_t *level)
{
    int last = level_count(lab) - 1;
    bool code = false;
    memset(level, 0, MAX_LEVELS * sizeof *level);
    for (size_t i = 0; i < lab->items; i++) {
        const struct model *model = &lab->model[lab->item[i].model];
        if (at[i] < 0)
            continue;
        int group = 4 + faster(lab, lab->bandwidth[at[i]]);
        code = code || model->code;
        level[0] += model->required && lab->item[i].first;
        level[1] += model->priority * 1000;
        level[2] += model->priority + 1;
        level[3] += model->size * UNITS;
        if (group < last)
            level[group] += model->size * UNITS;
        level[last] -= model->size * UNITS;
    }
    level[0] += code;
}

static void try_all(const struct lab *lab, int *at, size_t i, int64_t *best)
{
    int64_t level[MAX_LEVELS];
    if (i == lab->items) {
        if (!allowed(lab, at))
            return;
        measure(lab, at, level);
        for (int l = 0; l < MAX_LEVELS; l++) {
            if (level[l] > best[l])
                memcpy(best, level, sizeof level);
            if (level[l] != best[l])
                return;
        }
        return;
    }
    for (at[i] = -1; at[i] < (int)lab->gpus; at[i]++)
        try_all(lab, at, i + 1, best);
}

static homelab_plan *plan_of(const char *text, const homelab_opts *opts)
{
    homelab_inventory *inventory = NULL;
    homelab_planner *planner = NULL;
    homelab_plan *plan = NULL;
    if (homelab_inventory_load_text(&inventory, text, strlen(text), HOMELAB_FORMAT_YAML, NULL,
                                    NULL) ||
        homelab_planner_new(&planner, inventory, opts) || homelab_planner_plan(planner, &plan))
        fail_msg("%s\n%s", homelab_error_message(), text);
    homelab_planner_free(planner);
    homelab_inventory_unref(inventory);
    return plan;
}

/* Each node has its GPU, then its CPU. */
static void read_places(const homelab_plan *plan, const struct lab *lab, int *at)
{
    assert_int_equal(homelab_plan_model_count(plan), lab->items);
    for (size_t i = 0; i < lab->items; i++) {
        at[i] = -1;
        if (!homelab_plan_model_is_placed(plan, i))
            continue;
        int device = homelab_plan_part_device(plan, i, 0);
        assert_true(homelab_plan_device_is_gpu(plan, (size_t)device));
        at[i] = device / 2;
    }
}

static void against_all_placements(void **state)
{
    (void)state;
    static struct lab lab;
    for (uint64_t number = 1; number <= 300; number++) {
        int at[MAX_MODELS];
        int64_t best[MAX_LEVELS] = {0}, level[MAX_LEVELS];
        generate(&lab, number);
        try_all(&lab, at, 0, best);
        homelab_plan *plan = plan_of(lab.text, NULL);
        read_places(plan, &lab, at);
        assert_true(allowed(&lab, at));
        measure(&lab, at, level);
        assert_true(homelab_plan_is_optimal(plan));
        assert_int_equal(homelab_plan_level_count(plan), level_count(&lab));
        for (int l = 0; l < level_count(&lab); l++) {
            assert_int_equal(homelab_plan_level(plan, (size_t)l), level[l]);
            assert_int_equal(homelab_plan_bound(plan, (size_t)l), level[l]);
            if (level[l] != best[l])
                fail_msg("instance %d, level %d: planned %lld, best %lld\n%s", (int)number, l,
                         (long long)level[l], (long long)best[l], lab.text);
        }
        homelab_plan_unref(plan);
    }
}

/* Replicas apart from each other, more than all subsets could be tried for. */
static void budget(void **state)
{
    (void)state;
    static struct lab lab;
    homelab_opts *opts = NULL;
    memset(&lab, 0, sizeof lab);
    put(&lab, "nodes:\n");
    for (int j = 0; j < 6; j++)
        put(&lab, "  n%d: {gpus: [{memory_gib: %d}]}\n", j, 21 + j);
    put(&lab, "models:\n");
    for (int m = 0; m < 14; m++)
        put(&lab, "  m%d: {size_gib: %d.%d, priority: %d, cpu: false, replicas: 2}\n", m, 3 + m / 2,
            m * 7 % 10, 10 + m * m % 17);
    assert_int_equal(homelab_opts_new(&opts), 0);
    assert_int_equal(homelab_opts_set_int(opts, "plan.max_steps", 200), 0);
    homelab_plan *plan = plan_of(lab.text, opts), *again = plan_of(lab.text, opts);
    char *json = homelab_plan_json(plan), *same = homelab_plan_json(again);
    assert_false(homelab_plan_is_optimal(plan));
    assert_non_null(strstr(json, "\"optimal\":false"));
    assert_string_equal(json, same);
    assert_true(homelab_plan_level(plan, 1) > 0);
    assert_true(homelab_plan_bound(plan, 1) > homelab_plan_level(plan, 1));
    homelab_free(json);
    homelab_free(same);
    homelab_plan_unref(again);
    homelab_plan_unref(plan);
    homelab_opts_free(opts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_all_placements),
        cmocka_unit_test(budget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
