/* Multi-head latent attention and experts beside which some are shared (source: llama.cpp,
 * src/models/deepseek2.cpp). */
#include "vram/arch_recipes.h"

void hl_facts_deepseek2(struct hl_model *model)
{
    if (model->expert_gating == 0)
        model->expert_gating = HL_GATING_SOFTMAX;
}

static struct hl_node *queries(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    if (W(ATTN_Q))
        return hl_build_linear(b, W(ATTN_Q), NULL, x);
    x = hl_build_linear(b, W(ATTN_Q_A), NULL, x);
    x = hl_build_norm(b, x, W(ATTN_Q_A_NORM), NULL, HL_NORM_RMS, il);
    return hl_build_linear(b, W(ATTN_QB), NULL, x);
}

/* What keys and values are made from, and the part of keys that turns with the position. */
struct latent {
    struct hl_node *q, *kv, *k_rope;
    int64_t rope, rest; /* elements of a query or key that turn, and that do not */
};

static struct latent latent(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    struct hl_graph *g = &b->graph;
    const struct hl_model *model = b->model;
    int64_t rank = model->lora_kv, heads = model->layer[il].heads;
    int64_t key = model->mla ? model->head_k_mla : model->head_k;
    struct latent l = {.rope = model->rot, .rest = key - model->rot};
    l.q = hl_reshape(g, queries(b, x, il), key, heads, b->tokens, 1);
    struct hl_node *both = hl_build_linear(b, W(ATTN_KV_A_MQA), NULL, x);
    int64_t row = hl_row_bytes(both->type, rank + l.rope);
    l.kv = hl_view_2d(g, both, rank, b->tokens, row, 0);
    l.k_rope = hl_view_3d(g, both, l.rope, 1, b->tokens, row, row, hl_row_bytes(both->type, rank));
    l.k_rope = hl_build_rope(b, l.k_rope, NULL);
    l.kv = hl_build_norm(b, l.kv, W(ATTN_KV_A_NORM), NULL, HL_NORM_RMS, il);
    return l;
}

/* The cache holds what keys and values are made from; queries come to it. */
static struct hl_node *absorbed(struct hl_builder *b, const struct latent *l, int64_t il)
{
    struct hl_graph *g = &b->graph;
    int64_t heads = b->model->layer[il].heads, rank = b->model->lora_kv;
    struct hl_node *rest =
        hl_view_3d(g, l->q, l->rest, heads, b->tokens, l->q->nb[1], l->q->nb[2], 0);
    struct hl_node *turning = hl_view_3d(g, l->q, l->rope, heads, b->tokens, l->q->nb[1],
                                         l->q->nb[2], hl_row_bytes(l->q->type, l->rest));
    turning = hl_build_rope(b, turning, NULL);
    rest = hl_build_linear(b, W(ATTN_KB), NULL, hl_permute(g, rest, 0, 2, 1, 3));
    rest = hl_permute(g, rest, 0, 2, 1, 3);
    struct hl_node *q = hl_concat(g, rest, turning, 0);
    if (b->model->attention_temperature != 0)
        q = hl_mul(g, q, hl_build_attention_scale(b));
    struct hl_node *v = hl_reshape(g, l->kv, rank, 1, b->tokens, 1);
    const struct hl_attention attention = {.layer = il,
                                           .q = q,
                                           .k = hl_concat(g, v, l->k_rope, 0),
                                           .v = v,
                                           .v_mla = W(ATTN_VB),
                                           .out = W(ATTN_OUT)};
    return hl_build_attention(b, &attention);
}

/* Keys and values in full, as older files have it. */
static struct hl_node *expanded(struct hl_builder *b, const struct latent *l, int64_t il)
{
    struct hl_graph *g = &b->graph;
    int64_t heads = b->model->layer[il].heads, head_v = b->model->head_v;
    struct hl_node *kv = hl_build_linear(b, W(ATTN_KV_B), NULL, l->kv);
    int64_t row = hl_row_bytes(kv->type, l->rest + head_v);
    struct hl_node *rest = hl_view_3d(g, kv, l->rest, heads, b->tokens, row, row * heads, 0);
    struct hl_node *v = hl_cont(g, hl_view_3d(g, kv, head_v, heads, b->tokens, row, row * heads,
                                              hl_row_bytes(kv->type, l->rest)));
    struct hl_node *turning = hl_repeat(g, l->k_rope, l->rope, heads, b->tokens, 1);
    const struct hl_attention attention = {.layer = il,
                                           .q = hl_build_rope(b, l->q, NULL),
                                           .k = hl_concat(g, rest, turning, 0),
                                           .v = v,
                                           .out = W(ATTN_OUT)};
    return hl_build_attention(b, &attention);
}

static struct hl_node *feed_forward(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    const struct hl_model *model = b->model;
    if (!W(FFN_GATE_INP))
        return hl_build_layer_ffn(b, x, il);
    const struct hl_moe moe = {.layer = il,
                               .gating = (enum hl_gating)model->expert_gating,
                               .norm = model->expert_norm,
                               .scaled = model->expert_scale != 0 && model->expert_scale != 1};
    struct hl_node *experts = hl_build_moe(b, x, &moe);
    return W(FFN_UP_SHEXP) ? hl_add(&b->graph, experts, hl_build_shared_expert(b, x, il)) : experts;
}

void hl_arch_deepseek2(struct hl_builder *b)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *x = hl_build_embedding(b);
    hl_build_attention_inputs(b);
    for (int64_t il = 0; il < b->model->layers; il++) {
        struct hl_node *residual = x;
        x = hl_build_norm(b, x, W(ATTN_NORM), NULL, HL_NORM_RMS, il);
        struct latent l = latent(b, x, il);
        x = b->model->mla ? absorbed(b, &l, il) : expanded(b, &l, il);
        hl_build_keep_outputs(b, il, &x, &residual);
        residual = hl_add(g, x, residual);
        x = hl_build_norm(b, residual, W(FFN_NORM), NULL, HL_NORM_RMS, il);
        x = hl_add(g, feed_forward(b, x, il), residual);
    }
    hl_build_output(b, x, HL_NORM_RMS);
}
