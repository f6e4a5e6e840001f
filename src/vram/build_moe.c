#include "vram/build.h"

static struct hl_node *probabilities(struct hl_builder *b, struct hl_node *logits,
                                     enum hl_gating gating)
{
    switch (gating) {
    case HL_GATING_SIGMOID:
        return hl_unary(&b->graph, logits);
    case HL_GATING_SOFTMAX_WEIGHT:
        return logits;
    case HL_GATING_SOFTMAX:
        break;
    }
    return hl_soft_max(&b->graph, logits, NULL, NULL);
}

/* Only experts of the best groups stay candidates. */
static struct hl_node *best_groups(struct hl_builder *b, struct hl_node *candidates)
{
    struct hl_graph *g = &b->graph;
    int64_t groups = b->model->expert_groups, experts = b->model->experts;
    if (groups <= 1)
        return candidates;
    int64_t size = experts / groups, tokens = candidates->ne[1];
    struct hl_node *grouped = hl_reshape(g, candidates, size, groups, tokens, 1);
    struct hl_node *best = hl_top_k(g, grouped, 2);
    struct hl_node *scores = hl_get_rows(g, hl_reshape(g, grouped, 1, size, groups, tokens), best);
    scores = hl_reshape(g, scores, scores->ne[1], scores->ne[2], scores->ne[3], 1);
    scores = hl_reduce_rows(g, HL_OP_SUM_ROWS, scores);
    scores = hl_reshape(g, scores, scores->ne[1], scores->ne[2], 1, 1);
    struct hl_node *chosen = hl_top_k(g, scores, b->model->expert_groups_used);
    struct hl_node *kept = hl_get_rows(g, grouped, chosen);
    struct hl_node *none = hl_map(g, HL_OP_FILL, grouped, NULL, NULL);
    kept = hl_set_rows(g, none, kept, chosen);
    return hl_reshape(g, kept, experts, tokens, 1, 1);
}

static struct hl_node *weights_of(struct hl_builder *b, struct hl_node *probs,
                                  struct hl_node *chosen, const struct hl_moe *moe)
{
    struct hl_graph *g = &b->graph;
    int64_t used = chosen->ne[0], tokens = chosen->ne[1];
    probs = hl_reshape(g, probs, 1, b->model->experts, tokens, 1);
    struct hl_node *weights = hl_get_rows(g, probs, chosen);
    if (moe->gating == HL_GATING_SOFTMAX_WEIGHT) {
        weights = hl_reshape(g, weights, used, tokens, 1, 1);
        weights = hl_soft_max(g, weights, NULL, NULL);
        weights = hl_reshape(g, weights, 1, used, tokens, 1);
    }
    if (moe->norm) {
        weights = hl_reshape(g, weights, used, tokens, 1, 1);
        struct hl_node *sum = hl_reduce_rows(g, HL_OP_SUM_ROWS, weights);
        sum = hl_map(g, HL_OP_CLAMP, sum, NULL, NULL);
        weights = hl_div(g, weights, sum);
        weights = hl_reshape(g, weights, 1, used, tokens, 1);
    }
    if (moe->scaled)
        weights = hl_scale(g, weights);
    hl_graph_add(g, weights);
    return weights;
}

static struct hl_node *expert_linear(struct hl_builder *b, struct hl_node *weight,
                                     struct hl_node *bias, struct hl_node *x,
                                     struct hl_node *chosen)
{
    if (!weight) {
        b->graph.bad = true;
        return x;
    }
    x = hl_mul_mat_id(&b->graph, weight, x, chosen);
    return bias ? hl_map(&b->graph, HL_OP_ADD_ID, x, bias, chosen) : x;
}

/* Up and gate, and the activation of both. */
static struct hl_node *activated(struct hl_builder *b, struct hl_node *x, struct hl_node *chosen,
                                 const struct hl_moe *moe)
{
    struct hl_graph *g = &b->graph;
    int64_t il = moe->layer;
    if (W(FFN_GATE_UP_EXPS)) {
        x = expert_linear(b, W(FFN_GATE_UP_EXPS), NULL, x, chosen);
        int64_t ff = x->ne[0] / 2;
        struct hl_node *gate = hl_view_3d(g, x, ff, x->ne[1], x->ne[2], x->nb[1], x->nb[2], 0);
        struct hl_node *up =
            hl_view_3d(g, x, ff, x->ne[1], x->ne[2], x->nb[1], x->nb[2], ff * x->nb[0]);
        return hl_glu(g, gate, up);
    }
    struct hl_node *up = expert_linear(b, W(FFN_UP_EXPS), W(FFN_UP_EXPS_B), x, chosen);
    if (W(FFN_GATE_EXPS)) {
        struct hl_node *gate = expert_linear(b, W(FFN_GATE_EXPS), W(FFN_GATE_EXPS_B), x, chosen);
        return hl_glu(g, gate, up);
    }
    x = hl_unary(g, up);
    return moe->activation == HL_ACT_SQUARED ? hl_map(g, HL_OP_SQR, x, NULL, NULL) : x;
}

/* The chosen experts' results, one after the other. */
static struct hl_node *added_up(struct hl_builder *b, struct hl_node *experts)
{
    struct hl_graph *g = &b->graph;
    int64_t used = experts->ne[1], width = experts->ne[0], tokens = experts->ne[2];
    struct hl_node **views = hl_arena_take(g->arena, (size_t)used, sizeof(struct hl_node *));
    if (!views)
        return &g->spare;
    for (int64_t i = 0; i < used; i++) {
        views[i] = hl_view_2d(g, experts, width, tokens, experts->nb[2], i * experts->nb[1]);
        hl_graph_add(g, views[i]);
    }
    struct hl_node *sum = views[0];
    for (int64_t i = 1; i < used; i++) {
        sum = hl_add(g, sum, views[i]);
        hl_graph_add(g, sum);
    }
    return used == 1 ? hl_cont(g, sum) : sum;
}

struct hl_node *hl_build_moe(struct hl_builder *b, struct hl_node *x, const struct hl_moe *moe)
{
    struct hl_graph *g = &b->graph;
    int64_t il = moe->layer, used = b->model->layer[il].experts_used;
    int64_t width = x->ne[0], tokens = x->ne[1];
    if (used < 1 || used > b->model->experts) {
        g->bad = true;
        return x;
    }
    struct hl_node *logits = hl_build_linear(b, W(FFN_GATE_INP), W(FFN_GATE_INP_B), x);
    struct hl_node *probs = probabilities(b, logits, moe->gating);
    struct hl_node *candidates = W(FFN_EXP_PROBS_B) ? hl_add(g, probs, W(FFN_EXP_PROBS_B)) : probs;
    if (moe->weight_first)
        candidates = logits;
    struct hl_node *chosen = hl_top_k(g, best_groups(b, candidates), used);
    struct hl_node *weights = weights_of(b, probs, chosen, moe);
    x = hl_reshape(g, x, width, 1, tokens, 1);
    if (moe->weight_first)
        x = hl_mul(g, hl_repeat(g, x, width, used, tokens, 1), weights);
    x = activated(b, x, chosen, moe);
    x = expert_linear(b, W(FFN_DOWN_EXPS), W(FFN_DOWN_EXPS_B), x, chosen);
    if (!moe->weight_first)
        x = hl_mul(g, x, weights);
    hl_graph_add(g, x);
    return added_up(b, x);
}

struct hl_node *hl_build_shared_expert(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    const struct hl_ffn ffn = {
        .up = W(FFN_UP_SHEXP), .gate = W(FFN_GATE_SHEXP), .down = W(FFN_DOWN_SHEXP)};
    return hl_build_ffn(b, x, &ffn);
}
