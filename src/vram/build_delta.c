/* Source: llama.cpp, src/models/delta-net-base.cpp. */
#include "vram/build.h"

#define CHUNK 64

static struct hl_node *swap_12(struct hl_graph *g, struct hl_node *x)
{
    return hl_permute(g, x, 0, 2, 1, 3);
}

static struct hl_node *turned(struct hl_graph *g, struct hl_node *x)
{
    return hl_cont(g, hl_transpose(g, x));
}

static struct hl_node *tri(struct hl_graph *g, struct hl_node *x)
{
    return hl_map(g, HL_OP_TRI, x, NULL, NULL);
}

/* --- One token --- */

static struct hl_node *step(struct hl_builder *b, struct hl_delta *in)
{
    struct hl_graph *g = &b->graph;
    int64_t heads = in->v->ne[1], sequences = in->q->ne[3];
    struct hl_node *q = swap_12(g, hl_scale(g, in->q));
    struct hl_node *k = swap_12(g, in->k), *v = swap_12(g, in->v), *s = in->state;
    struct hl_node *decay = hl_reshape(g, in->decay, 1, in->decay->ne[0], heads, sequences);
    struct hl_node *strength = hl_reshape(g, in->strength, 1, 1, heads, sequences);
    s = hl_mul(g, s, hl_unary(g, decay));
    struct hl_node *sk = hl_reduce_rows(g, HL_OP_SUM_ROWS, hl_mul(g, s, k));
    struct hl_node *d = hl_mul(g, hl_sub(g, v, hl_transpose(g, sk)), strength);
    struct hl_node *turned_d = hl_transpose(g, d);
    k = hl_repeat(g, k, s->ne[0], s->ne[1], s->ne[2], s->ne[3]);
    s = hl_add(g, s, hl_mul(g, k, turned_d));
    in->state = s;
    struct hl_node *out = hl_reduce_rows(g, HL_OP_SUM_ROWS, hl_mul(g, s, q));
    return hl_permute(g, out, 2, 0, 1, 3);
}

/* --- Many tokens, in chunks --- */

struct chunks {
    int64_t tokens, count, heads, size; /* heads of all sequences; a head's elements */
    struct hl_node *q, *k, *v, *k_strong, *v_strong, *decay; /* decay: summed up */
    struct hl_node *kb, *kq;
};

static struct hl_node *chunked(struct hl_builder *b, struct hl_node *x, const struct chunks *c)
{
    return hl_reshape(&b->graph, x, x->ne[0], CHUNK, c->count, c->heads);
}

static struct hl_node *padded(struct hl_builder *b, struct hl_node *x, const struct chunks *c)
{
    return hl_pad(&b->graph, x, x->ne[0], c->count * CHUNK);
}

static struct hl_node *slice(struct hl_graph *g, struct hl_node *x, int64_t i)
{
    const int64_t ne[4] = {x->ne[0], x->ne[1], 1, x->ne[3]};
    return hl_view_4d(g, x, ne, x->nb[1], x->nb[2], x->nb[3], x->nb[2] * i);
}

static void cut(struct hl_builder *b, const struct hl_delta *in, struct chunks *c)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *q = padded(b, swap_12(g, hl_scale(g, in->q)), c);
    struct hl_node *k = padded(b, swap_12(g, in->k), c);
    struct hl_node *v = padded(b, swap_12(g, in->v), c);
    struct hl_node *decay = padded(b, swap_12(g, in->decay), c);
    struct hl_node *strength = padded(b, swap_12(g, in->strength), c);
    struct hl_node *v_strong = hl_mul(g, v, strength), *k_strong = hl_mul(g, k, strength);
    c->q = chunked(b, q, c);
    c->k = chunked(b, k, c);
    c->v = chunked(b, v, c);
    c->k_strong = chunked(b, k_strong, c);
    c->v_strong = chunked(b, v_strong, c);
    decay = chunked(b, decay, c);
    c->decay = hl_map(g, HL_OP_CUMSUM, turned(g, decay), NULL, NULL);
}

/* Products of keys with keys and with queries, each as far as its decay lets it. */
static void products(struct hl_builder *b, struct chunks *c)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *columns = hl_reshape(g, c->decay, 1, CHUNK, c->count, c->heads);
    columns = hl_repeat(g, columns, CHUNK, CHUNK, c->count, c->heads);
    struct hl_node *mask = hl_unary(g, tri(g, hl_sub(g, columns, c->decay)));
    c->kb = hl_mul(g, hl_mul_mat(g, c->k, c->k_strong), mask);
    c->kq = tri(g, hl_mul(g, hl_mul_mat(g, c->k, c->q), mask));
}

/* What each token changes, given what those before it in the chunk change. */
static struct hl_node *solved(struct hl_builder *b, const struct chunks *c)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *below = tri(g, c->kb);
    struct hl_node *ones = hl_map(g, HL_OP_FILL, hl_view_1d(g, below, CHUNK, 0), NULL, NULL);
    struct hl_node *identity = hl_make(g, HL_OP_DIAG, CHUNK, CHUNK, 1, 1);
    identity->src[0] = ones;
    struct hl_node *left = hl_add(g, below, identity);
    struct hl_node *right = hl_unary(g, below);
    struct hl_node *x = hl_map(g, HL_OP_SOLVE_TRI, right, NULL, NULL);
    x->src[0] = left;
    x->src[1] = right;
    return hl_add(g, x, identity);
}

/* The part of the decay from each token to its chunk's end, and over the whole chunk. */
static void decays(struct hl_builder *b, const struct chunks *c, struct hl_node **rest,
                   struct hl_node **whole)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *sum = c->decay;
    const int64_t ne[4] = {1, sum->ne[1], sum->ne[2], sum->ne[3]};
    struct hl_node *last = hl_cont(g, hl_view_4d(g, sum, ne, sum->nb[1], sum->nb[2], sum->nb[3],
                                                 (sum->ne[0] - 1) * sum->nb[0]));
    *whole = hl_transpose(g, hl_unary(g, last));
    struct hl_node *left = hl_unary(g, hl_sub(g, sum, last));
    *rest = turned(g, hl_unary(g, left));
}

static struct hl_node *in_chunks(struct hl_builder *b, struct hl_delta *in)
{
    struct hl_graph *g = &b->graph;
    int64_t heads = in->v->ne[1], sequences = in->v->ne[3];
    struct chunks c = {.tokens = in->q->ne[2],
                       .count = (in->q->ne[2] + CHUNK - 1) / CHUNK,
                       .heads = heads * sequences,
                       .size = in->v->ne[0]};
    cut(b, in, &c);
    products(b, &c);
    struct hl_node *attention = solved(b, &c);
    struct hl_node *v = hl_mul_mat(g, turned(g, c.v_strong), attention);
    struct hl_node *grown = hl_unary(g, c.decay);
    struct hl_node *k_grown = hl_mul(g, turned(g, c.k_strong), grown);
    struct hl_node *k_change = hl_mul_mat(g, k_grown, attention);
    struct hl_node *q_grown = hl_mul(g, c.q, turned(g, grown));
    struct hl_node *rest, *whole;
    decays(b, &c, &rest, &whole);
    struct hl_node *k_rest = turned(g, hl_mul(g, c.k, rest));
    struct hl_node *s = hl_reshape(g, in->state, c.size, c.size, 1, c.heads);
    struct hl_node *v_turned = turned(g, v);
    for (int64_t i = 0; i < c.count; i++) {
        struct hl_node *known = hl_mul_mat(g, slice(g, k_change, i), s);
        struct hl_node *fresh = hl_sub(g, slice(g, v_turned, i), known);
        struct hl_node *own = hl_mul_mat(g, fresh, slice(g, c.kq, i));
        struct hl_node *before = hl_mul_mat(g, s, slice(g, q_grown, i));
        v = hl_set_here(g, v, hl_add(g, before, own));
        struct hl_node *change = hl_mul_mat(g, slice(g, k_rest, i), fresh);
        s = hl_add(g, hl_mul(g, s, slice(g, whole, i)), change);
    }
    int64_t row = c.size * v->nb[0];
    const int64_t ne[4] = {c.size, c.tokens, heads, sequences};
    struct hl_node *out =
        hl_view_4d(g, v, ne, row, row * CHUNK * c.count, row * CHUNK * c.count * heads, 0);
    in->state = hl_reshape(g, s, c.size, c.size, heads, sequences);
    return swap_12(g, out);
}

struct hl_node *hl_build_delta(struct hl_builder *b, struct hl_delta *delta)
{
    return delta->q->ne[2] == 1 ? step(b, delta) : in_chunks(b, delta);
}
