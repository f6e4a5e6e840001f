/* How the allocator lays out small graphs, on the CPU with its alignment of 32. */
#include "vram/galloc.h"

#include <homelab/error.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* After what it needs. */
#include <cmocka.h>

struct world {
    struct hl_arena arena;
    struct hl_graph graph;
    struct hl_backends backends;
};

static int setup(void **state)
{
    static struct world world;
    hl_arena_init(&world.arena);
    hl_graph_init(&world.graph, &world.arena);
    world.backends = (struct hl_backends){.count = 1};
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    hl_arena_free(&world->arena);
    return 0;
}

static uint64_t size_of(struct world *world)
{
    static const int16_t zeros[64];
    const struct hl_galloc_graph graph = {
        world->graph.nodes,      world->graph.leafs,      zeros, zeros,
        world->graph.node_count, world->graph.leaf_count,
    };
    uint64_t sizes[HL_BACKENDS] = {0};
    assert_int_equal(hl_graph_status(&world->graph), 0);
    assert_int_equal(hl_galloc_sizes(&world->backends, &graph, &world->arena, sizes), 0);
    return sizes[0];
}

static struct hl_node *input(struct world *world, int64_t floats)
{
    return hl_input(&world->graph, HL_GGML_F32, floats, 1, 1, 1);
}

static struct hl_node *copy(struct world *world, struct hl_node *x)
{
    return hl_cont(&world->graph, x);
}

static void test_in_place(void **state)
{
    struct world *world = *state;
    hl_graph_add(&world->graph,
                 hl_scale(&world->graph, hl_unary(&world->graph, input(world, 100))));
    assert_int_equal(size_of(world), 416); /* 400 rounded up, all three in one place */
}

static void test_no_place_of_what_is_used_again(void **state)
{
    struct world *world = *state;
    struct hl_node *x = input(world, 100);
    hl_graph_add(&world->graph, hl_add(&world->graph, hl_unary(&world->graph, x), x));
    assert_int_equal(size_of(world), 2 * 416);
}

static void test_copies_never_share(void **state)
{
    struct world *world = *state;
    hl_graph_add(&world->graph, copy(world, copy(world, input(world, 100))));
    /* The second takes the input's place, which is free by then. */
    assert_int_equal(size_of(world), 2 * 416);
}

static void test_smallest_hole(void **state)
{
    struct world *world = *state;
    struct hl_graph *g = &world->graph;
    struct hl_node *large = input(world, 256), *small = input(world, 64);
    struct hl_node *kept = input(world, 8);
    struct hl_node *first = hl_concat(g, large, small, 0); /* frees both inputs */
    hl_graph_add(g, first);
    hl_graph_add(g, hl_concat(g, first, kept, 0));
    /* 1024 + 256 + 1280 (first) + 32 (kept) + 1312 (last, no hole is large enough). */
    assert_int_equal(size_of(world), 1024 + 256 + 1280 + 32 + 1312);
}

static void test_view_keeps_its_owner(void **state)
{
    struct world *world = *state;
    struct hl_graph *g = &world->graph;
    struct hl_node *x = copy(world, input(world, 128));
    struct hl_node *view = hl_view_1d(g, x, 8, 0);
    hl_graph_add(g, view);
    struct hl_node *other = copy(world, copy(world, input(world, 128)));
    hl_graph_add(g, other);
    hl_graph_add(g, copy(world, view));
    /* Both inputs, x until its view is read, and a copy beside it; the last copies fit in holes. */
    assert_int_equal(size_of(world), 3 * 512);
}

static void test_output_is_never_given_back(void **state)
{
    struct world *world = *state;
    struct hl_node *x = copy(world, input(world, 128));
    x->flags |= HL_NODE_OUTPUT;
    hl_graph_add(&world->graph, copy(world, copy(world, hl_unary(&world->graph, x))));
    /* The input's place is free for one of the three that follow; the output's never is. */
    assert_int_equal(size_of(world), 3 * 512);
}

static void test_memory_elsewhere_costs_nothing(void **state)
{
    struct world *world = *state;
    struct hl_node *weight = hl_leaf(&world->graph, HL_GGML_F32, 64, 1000, 1, 1);
    weight->home = 0;
    hl_graph_add(&world->graph, hl_mul_mat(&world->graph, weight, input(world, 64)));
    assert_int_equal(size_of(world), 256 + 4000);
}

static void test_too_many_pieces(void **state)
{
    struct world *world = *state;
    struct hl_graph *g = &world->graph;
    struct hl_node *inputs[600];
    for (size_t i = 0; i < 600; i++) {
        inputs[i] = input(world, 8);
        hl_graph_add(g, inputs[i]);
    }
    for (size_t i = 0; i < 600; i += 2) /* each leaves a hole of its own */
        hl_graph_add(g, hl_repeat(g, inputs[i], 8000, 1, 1, 1));
    int16_t *zeros = hl_arena_take(&world->arena, 4096, sizeof(*zeros));
    const struct hl_galloc_graph graph = {g->nodes, g->leafs,      zeros,
                                          zeros,    g->node_count, g->leaf_count};
    uint64_t sizes[HL_BACKENDS] = {0};
    assert_int_equal(hl_galloc_sizes(&world->backends, &graph, &world->arena, sizes),
                     HOMELAB_E_LIMIT);
}

static void test_shapes_that_do_not_fit(void **state)
{
    struct world *world = *state;
    struct hl_graph *g = &world->graph;
    hl_graph_add(g, hl_mul_mat(g, input(world, 3), input(world, 4)));
    assert_int_equal(hl_graph_status(g), HOMELAB_E_INVALID);
    hl_graph_init(g, &world->arena);
    hl_leaf(g, HL_GGML_Q4_K, 255, 1, 1, 1); /* no whole block */
    assert_int_equal(hl_graph_status(g), HOMELAB_E_INVALID);
    hl_graph_init(g, &world->arena);
    struct hl_node *huge = hl_leaf(g, HL_GGML_F32, INT64_MAX, INT64_MAX, 2, 2);
    assert_int_equal(hl_graph_status(g), HOMELAB_E_INVALID);
    assert_int_equal(hl_node_bytes(huge), 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_in_place),
        TEST(test_no_place_of_what_is_used_again),
        TEST(test_copies_never_share),
        TEST(test_smallest_hole),
        TEST(test_view_keeps_its_owner),
        TEST(test_output_is_never_given_back),
        TEST(test_memory_elsewhere_costs_nothing),
        TEST(test_too_many_pieces),
        TEST(test_shapes_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
