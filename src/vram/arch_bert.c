/* Encoders: no cache, norms behind each part, embeddings as the result (source: llama.cpp,
 * src/models/bert.cpp). */
#include "vram/arch_recipes.h"

void hl_facts_encoder(struct hl_model *model)
{
    for (int64_t i = 0; i < model->layers; i++)
        model->layer[i].cache = false;
    model->causal = false;
}

static struct hl_node *norm_rows(struct hl_builder *b, struct hl_node *x, struct hl_node *weight,
                                 struct hl_node *bias, int64_t il)
{
    struct hl_graph *g = &b->graph;
    if (!weight)
        return x;
    int64_t head = x->ne[0], heads = x->ne[1];
    x = hl_reshape(g, x, head * heads, b->tokens, 1, 1);
    x = hl_build_norm(b, x, weight, bias, HL_NORM_LAYER, il);
    return hl_reshape(g, x, head, heads, b->tokens, 1);
}

static struct hl_node *attention(struct hl_builder *b, struct hl_node *x, int64_t il, bool rope)
{
    struct hl_qkv qkv = hl_build_qkv(b, x, il);
    qkv.q = norm_rows(b, qkv.q, W(ATTN_Q_NORM), W(ATTN_Q_NORM_B), il);
    qkv.k = norm_rows(b, qkv.k, W(ATTN_K_NORM), W(ATTN_K_NORM_B), il);
    if (rope) {
        qkv.q = hl_build_rope(b, qkv.q, NULL);
        qkv.k = hl_build_rope(b, qkv.k, NULL);
    }
    const struct hl_attention attention = {.layer = il,
                                           .q = qkv.q,
                                           .k = qkv.k,
                                           .v = qkv.v,
                                           .out = W(ATTN_OUT),
                                           .out_bias = W(ATTN_OUT_B)};
    return hl_build_attention(b, &attention);
}

static struct hl_node *feed_forward(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    if (W(FFN_GATE_INP)) {
        const struct hl_moe moe = {.layer = il, .gating = HL_GATING_SOFTMAX};
        return hl_build_moe(b, x, &moe);
    }
    return hl_build_layer_ffn(b, x, il);
}

static void encoder(struct hl_builder *b, bool rope)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *x = hl_build_embedding(b);
    if (G(TOKEN_TYPES))
        x = hl_add(g, x, hl_view_1d(g, G(TOKEN_TYPES), b->model->embd, 0));
    if (G(POSITION_EMBD))
        x = hl_add(g, hl_get_rows(g, G(POSITION_EMBD), hl_build_positions(b)), x);
    x = hl_build_norm(b, x, G(TOKEN_EMBD_NORM), G(TOKEN_EMBD_NORM_B), HL_NORM_LAYER, 0);
    hl_build_attention_inputs(b);
    for (int64_t il = 0; il < b->model->layers; il++) {
        struct hl_node *residual = x;
        x = attention(b, x, il, rope);
        hl_build_keep_outputs(b, il, &x, &residual);
        x = hl_add(g, x, residual);
        x = hl_build_norm(b, x, W(ATTN_OUT_NORM), W(ATTN_OUT_NORM_B), HL_NORM_LAYER, il);
        if (W(ATTN_NORM_2)) {
            x = hl_add(g, x, residual);
            x = hl_build_norm(b, x, W(ATTN_NORM_2), W(ATTN_NORM_2_B), HL_NORM_LAYER, il);
        }
        residual = x;
        x = hl_add(g, feed_forward(b, x, il), residual);
        x = hl_build_norm(b, x, W(LAYER_OUT_NORM), W(LAYER_OUT_NORM_B), HL_NORM_LAYER, il);
    }
    b->embeddings = x;
    hl_graph_add(g, x);
}

void hl_arch_bert(struct hl_builder *b)
{
    encoder(b, false);
}

void hl_arch_nomic_bert(struct hl_builder *b)
{
    encoder(b, true);
}
