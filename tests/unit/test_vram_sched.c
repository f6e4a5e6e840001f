/* What the scheduler makes of small graphs on CUDA devices and the CPU. */
#include "vram/sched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* After what it needs. */
#include <cmocka.h>

#define TOKENS 64
#define WIDTH  128
#define ROW    (TOKENS * WIDTH * 4) /* bytes of an activation */

struct world {
    struct hl_arena arena;
    struct hl_graph graph;
    struct hl_backends backends;
    struct hl_sched sched;
    uint64_t sizes[HL_BACKENDS];
};

static void world_init(struct world *world, int devices)
{
    *world = (struct world){0};
    hl_arena_init(&world->arena);
    hl_graph_init(&world->graph, &world->arena);
    world->backends.count = devices + 1;
    for (int i = 0; i < devices; i++)
        world->backends.at[i] = (struct hl_backend){HL_BACKEND_CUDA, 890};
    world->sched = (struct hl_sched){.backends = &world->backends, .copies = 1, .op_offload = true};
}

static struct hl_node *weight(struct world *world, int home)
{
    struct hl_node *leaf = hl_leaf(&world->graph, HL_GGML_F32, WIDTH, WIDTH, 1, 1);
    leaf->home = (int16_t)home;
    leaf->flags |= HL_NODE_WEIGHT;
    return leaf;
}

static struct hl_node *input(struct world *world, int64_t tokens)
{
    return hl_input(&world->graph, HL_GGML_F32, WIDTH, tokens, 1, 1);
}

static struct hl_node *layer(struct world *world, struct hl_node *x, int home)
{
    return hl_mul_mat(&world->graph, weight(world, home), x);
}

static void measure(struct world *world, struct hl_node *last)
{
    hl_graph_add(&world->graph, last);
    assert_int_equal(hl_sched_measure(&world->sched, &world->graph, world->sizes), 0);
}

static void test_one_device(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    struct hl_node *x = layer(&world, input(&world, TOKENS), 0);
    measure(&world, hl_unary(&world.graph, x));
    assert_int_equal(x->backend, 0);
    assert_int_equal(world.sched.splits, 1);
    assert_int_equal(world.sizes[0], 2 * ROW); /* the input's copy, and the result in place */
    assert_int_equal(world.sizes[1], ROW);     /* the input */
    hl_arena_free(&world.arena);
}

static void test_two_devices(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    struct hl_node *a = layer(&world, input(&world, TOKENS), 0);
    struct hl_node *b = layer(&world, a, 1);
    measure(&world, b);
    assert_int_equal(a->backend, 0);
    assert_int_equal(b->backend, 1);
    assert_int_equal(world.sched.splits, 2);
    assert_int_equal(world.sizes[1], 2 * ROW); /* a's copy and b */
    hl_arena_free(&world.arena);
}

static void test_pipeline_has_four_copies(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world.sched.copies = 4;
    measure(&world, layer(&world, layer(&world, input(&world, TOKENS), 0), 1));
    assert_int_equal(world.sizes[0], 4 * ROW + ROW);
    assert_int_equal(world.sizes[1], 4 * ROW + ROW);
    assert_int_equal(world.sizes[2], 4 * ROW);
    hl_arena_free(&world.arena);
}

static void test_large_batches_of_cpu_layers_go_to_a_device(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    struct hl_node *a = layer(&world, input(&world, 32), 1);
    measure(&world, layer(&world, a, 1));
    assert_int_equal(a->backend, 0);
    assert_int_equal(world.sched.splits, 2); /* so that the first weight's copy is free again */
    int64_t copy = WIDTH * WIDTH * 4, row = 32 * WIDTH * 4;
    assert_int_equal(world.sizes[0], copy + 2 * row);
    hl_arena_free(&world.arena);

    world_init(&world, 1);
    a = layer(&world, input(&world, 31), 1);
    measure(&world, a);
    assert_int_equal(a->backend, 1);
    assert_int_equal(world.sizes[0], 0);
    hl_arena_free(&world.arena);

    world_init(&world, 1);
    world.sched.op_offload = false;
    a = layer(&world, input(&world, 64), 1);
    measure(&world, a);
    assert_int_equal(a->backend, 1);
    hl_arena_free(&world.arena);
}

static void test_unassigned_nodes_follow_devices(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    struct hl_node *x = hl_unary(&world.graph, input(&world, TOKENS));
    measure(&world, layer(&world, x, 0));
    assert_int_equal(x->backend, 0);
    hl_arena_free(&world.arena);
}

static void test_unsupported_operators_fall_to_the_cpu(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    struct hl_node *x = layer(&world, input(&world, TOKENS), 0);
    struct hl_node *odd = hl_unary(&world.graph, x);
    odd->flags |= HL_NODE_CPU_ONLY;
    measure(&world, layer(&world, odd, 0));
    assert_int_equal(odd->backend, 1);
    assert_int_equal(world.sched.splits, 3);
    hl_arena_free(&world.arena);
}

static void test_a_split_copies_thirty_tensors(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    struct hl_graph *g = &world.graph;
    struct hl_node *x = layer(&world, input(&world, TOKENS), 0);
    for (int i = 0; i < 40; i++)
        x = hl_add(g, x, input(&world, TOKENS));
    measure(&world, layer(&world, x, 0));
    assert_int_equal(world.sched.splits, 2);
    hl_arena_free(&world.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_device),
        cmocka_unit_test(test_two_devices),
        cmocka_unit_test(test_pipeline_has_four_copies),
        cmocka_unit_test(test_large_batches_of_cpu_layers_go_to_a_device),
        cmocka_unit_test(test_unassigned_nodes_follow_devices),
        cmocka_unit_test(test_unsupported_operators_fall_to_the_cpu),
        cmocka_unit_test(test_a_split_copies_thirty_tensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
