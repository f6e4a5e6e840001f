/* Sources: llama.cpp, src/llama-graph.cpp (build_rs), src/models/mamba-base.cpp,
 * src/models/delta-net-base.cpp (build_conv_state). */
#include "vram/build.h"

void hl_build_state_inputs(struct hl_builder *b)
{
    struct hl_graph *g = &b->graph;
    int64_t sequences = b->sequences;
    b->state_rows = hl_input(g, HL_GGML_I32, sequences, 1, 1, 1);
    b->state_rows_main = hl_view_1d(g, b->state_rows, sequences, 0);
    b->state_rows_extra = hl_view_1d(g, b->state_rows, 0, sequences * b->state_rows->nb[0]);
}

struct hl_node *hl_build_states(struct hl_builder *b, struct hl_node *all, hl_read_states *read,
                                void *userdata)
{
    struct hl_graph *g = &b->graph;
    int64_t size = all->ne[0];
    struct hl_node *states = hl_reshape(g, all, size, all->ne[1], 1, 1);
    hl_graph_add(g, hl_scale_here(g, hl_view_1d(g, states, size, 0)));
    struct hl_node *mine = read ? read(b, states, b->state_rows_main, userdata)
                                : hl_get_rows(g, states, b->state_rows_main);
    hl_graph_add(g, mine);
    struct hl_node *others = hl_get_rows(g, states, b->state_rows_extra);
    hl_graph_add(g, hl_cpy(g, others, hl_view_2d(g, all, size, 0, all->nb[1], 0)));
    return mine;
}

/* The last values of each channel, from a convolution's input into the state. */
static void keep_last(struct hl_builder *b, struct hl_node *input, struct hl_node *all)
{
    struct hl_graph *g = &b->graph;
    int64_t channels = input->ne[1];
    if (channels < 1) {
        g->bad = true;
        return;
    }
    int64_t taps = all->ne[0] / channels;
    struct hl_node *last = hl_view_3d(g, input, taps, channels, b->sequences, input->nb[1],
                                      input->nb[2], (input->ne[0] - taps) * input->nb[0]);
    struct hl_node *to = hl_view_2d(g, all, all->ne[0], b->sequences, all->nb[1], 0);
    hl_graph_add(g, hl_cpy(g, last, to));
}

struct hl_node *hl_build_conv_input(struct hl_builder *b, int64_t layer, struct hl_node *x)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *all = b->state_r[layer];
    int64_t channels = x->ne[0];
    if (!all || channels < 1) {
        g->bad = true;
        return x;
    }
    struct hl_node *before = hl_build_states(b, all, NULL, NULL);
    before = hl_reshape(g, before, all->ne[0] / channels, channels, b->sequences, 1);
    struct hl_node *input = hl_concat(g, before, hl_transpose(g, x), 0);
    keep_last(b, input, all);
    return input;
}

struct hl_node *hl_build_conv(struct hl_builder *b, struct hl_node *input, struct hl_node *kernel)
{
    if (!kernel) {
        b->graph.bad = true;
        return input;
    }
    struct hl_node *x = hl_make(&b->graph, HL_OP_SSM_CONV, input->ne[1],
                                input->ne[0] - kernel->ne[0] + 1, input->ne[2], 1);
    x->src[0] = input;
    x->src[1] = kernel;
    return x;
}

/* --- State-space layers --- */

struct scan {
    struct hl_node *x, *dt, *a, *b, *c;
    int64_t head, heads;
};

static struct hl_node *scan(struct hl_builder *b, struct hl_node *states, struct hl_node *rows,
                            void *userdata)
{
    const struct scan *in = userdata;
    int64_t state = b->model->state;
    struct hl_node *s =
        hl_reshape(&b->graph, states, state, in->head, in->heads, b->run->sequences);
    int64_t elements = hl_node_elements(in->x) + state * in->head * in->heads * rows->ne[0];
    struct hl_node *y = hl_make(&b->graph, HL_OP_SSM_SCAN, elements, 1, 1, 1);
    struct hl_node *const src[] = {s, in->x, in->dt, in->a, in->b, in->c, rows};
    for (size_t i = 0; i < sizeof(src) / sizeof(*src); i++)
        y->src[i] = src[i];
    return y;
}

/* Runs the scan, and puts the states behind its result where they belong. */
static struct hl_node *scanned(struct hl_builder *b, int64_t layer, struct scan *in)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *all = b->state_s[layer];
    struct hl_node *y = hl_build_states(b, all, scan, in);
    int64_t size = all->ne[0] * b->sequences;
    struct hl_node *last = hl_view_1d(g, y, size, hl_node_elements(in->x) * y->nb[0]);
    hl_graph_add(g, hl_cpy(g, last, hl_view_1d(g, all, size, 0)));
    return y;
}

static bool complete(struct hl_builder *b, int64_t il)
{
    bool all = b->state_r[il] && b->state_s[il] && W(SSM_IN) && W(SSM_CONV1D) && W(SSM_CONV1D_B) &&
               W(SSM_DT_B) && W(SSM_A) && W(SSM_D) && W(SSM_OUT);
    if (!all || b->model->rank < 1)
        b->graph.bad = true;
    return all && b->model->rank > 0;
}

static struct hl_node *activate_conv(struct hl_builder *b, struct hl_node *input, int64_t il)
{
    struct hl_graph *g = &b->graph;
    return hl_unary(g, hl_add(g, hl_build_conv(b, input, W(SSM_CONV1D)), W(SSM_CONV1D_B)));
}

struct hl_node *hl_build_mamba(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    struct hl_graph *g = &b->graph;
    int64_t inner = b->model->inner, state = b->model->state, rank = b->model->rank;
    int64_t sequences = b->sequences, tokens = b->tokens / sequences;
    if (!complete(b, il) || !W(SSM_X) || !W(SSM_DT)) {
        g->bad = true;
        return x;
    }
    /* Reading the states of the convolution comes first, so that it is computed first. */
    struct hl_node *before = hl_build_states(b, b->state_r[il], NULL, NULL);
    before = hl_reshape(g, before, b->model->conv - 1, inner, sequences, 1);
    x = hl_reshape(g, x, x->ne[0], tokens, sequences, 1);
    struct hl_node *xz = hl_build_linear(b, W(SSM_IN), NULL, x);
    x = hl_view_3d(g, xz, inner, tokens, sequences, xz->nb[1], xz->nb[2], 0);
    struct hl_node *z =
        hl_view_3d(g, xz, inner, tokens, sequences, xz->nb[1], xz->nb[2], inner * xz->nb[0]);
    struct hl_node *input = hl_concat(g, before, hl_transpose(g, x), 0);
    keep_last(b, input, b->state_r[il]);
    x = activate_conv(b, input, il);
    struct hl_node *mixed = hl_build_linear(b, W(SSM_X), NULL, x);
    const int64_t ne[4] = {state, 1, tokens, sequences};
    int64_t element = mixed->nb[0];
    struct hl_node *dt =
        hl_view_3d(g, mixed, rank, tokens, sequences, mixed->nb[1], mixed->nb[2], 0);
    dt = hl_build_linear(b, W(SSM_DT), W(SSM_DT_B), hl_cont(g, dt));
    struct scan in = {
        .x = hl_reshape(g, x, 1, inner, tokens, sequences),
        .dt = dt,
        .a = W(SSM_A),
        .b = hl_view_4d(g, mixed, ne, state * element, mixed->nb[1], mixed->nb[2], rank * element),
        .c = hl_view_4d(g, mixed, ne, state * element, mixed->nb[1], mixed->nb[2],
                        (rank + state) * element),
        .head = 1,
        .heads = inner,
    };
    struct hl_node *y = scanned(b, il, &in);
    y = hl_view_3d(g, y, inner, tokens, sequences, in.x->nb[2], in.x->nb[3], 0);
    y = hl_add(g, y, hl_mul(g, x, W(SSM_D)));
    y = hl_glu(g, hl_cont(g, z), y);
    y = hl_build_linear(b, W(SSM_OUT), NULL, y);
    return hl_reshape(g, y, y->ne[0], b->tokens, 1, 1);
}

struct hl_node *hl_build_mamba2(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    struct hl_graph *g = &b->graph;
    int64_t inner = b->model->inner, state = b->model->state, groups = b->model->groups;
    int64_t heads = b->model->rank, sequences = b->sequences, tokens = b->tokens / sequences;
    int64_t channels = inner + 2 * groups * state;
    if (!complete(b, il) || groups < 1)
        return x;
    int64_t head = inner / heads;
    struct hl_node *before = hl_build_states(b, b->state_r[il], NULL, NULL);
    before = hl_reshape(g, before, b->model->conv - 1, channels, sequences, 1);
    x = hl_reshape(g, x, x->ne[0], tokens, sequences, 1);
    struct hl_node *all = hl_build_linear(b, W(SSM_IN), NULL, x);
    int64_t element = all->nb[0];
    const int64_t x_ne[4] = {head, heads, tokens, sequences};
    const int64_t b_ne[4] = {state, groups, tokens, sequences};
    struct hl_node *z = hl_view_4d(g, all, x_ne, head * element, all->nb[1], all->nb[2], 0);
    struct hl_node *mixed =
        hl_view_3d(g, all, channels, tokens, sequences, all->nb[1], all->nb[2], inner * element);
    struct hl_node *dt = hl_view_3d(g, all, heads, tokens, sequences, all->nb[1], all->nb[2],
                                    (inner + channels) * element);
    struct hl_node *input = hl_concat(g, before, hl_transpose(g, mixed), 0);
    keep_last(b, input, b->state_r[il]);
    mixed = activate_conv(b, input, il);
    struct scan in = {
        .x = hl_view_4d(g, mixed, x_ne, head * element, mixed->nb[1], mixed->nb[2], 0),
        .dt = hl_add(g, hl_cont(g, dt), W(SSM_DT_B)),
        .a = W(SSM_A),
        .b = hl_view_4d(g, mixed, b_ne, state * element, mixed->nb[1], mixed->nb[2],
                        inner * element),
        .c = hl_view_4d(g, mixed, b_ne, state * element, mixed->nb[1], mixed->nb[2],
                        (inner + groups * state) * element),
        .head = head,
        .heads = heads,
    };
    struct hl_node *y = scanned(b, il, &in);
    int64_t row = in.x->nb[1];
    y = hl_view_4d(g, y, x_ne, row, heads * row, tokens * heads * row, 0);
    y = hl_add(g, y, hl_mul(g, in.x, W(SSM_D)));
    y = hl_glu(g, hl_cont(g, z), y);
    if (W(SSM_NORM)) {
        y = hl_reshape(g, y, inner / groups, groups, tokens, sequences);
        y = hl_build_norm(b, y, W(SSM_NORM), NULL, HL_NORM_RMS, il);
    }
    y = hl_reshape(g, y, inner, tokens, sequences, 1);
    y = hl_build_linear(b, W(SSM_OUT), NULL, y);
    return hl_reshape(g, y, y->ne[0], b->tokens, 1, 1);
}
