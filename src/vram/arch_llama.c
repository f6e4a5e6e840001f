/* Blocks of attention and a feed-forward network, each behind a norm and added to what came in
 * (sources: llama.cpp, src/models/llama.cpp, qwen2.cpp, qwen2vl.cpp, qwen3.cpp, qwen3moe.cpp,
 * qwen3vl.cpp, qwen3vlmoe.cpp, mistral3.cpp, phi3.cpp). What a model has beyond the least follows
 * from its tensors: norms of queries and keys, biases, experts, factors for long contexts. */
#include "vram/arch_recipes.h"

static struct hl_node *attention(struct hl_builder *b, struct hl_node *x, int64_t il, bool scale)
{
    struct hl_node *factors = hl_build_rope_factors(b, il);
    struct hl_qkv qkv = hl_build_qkv(b, x, il);
    if (W(ATTN_Q_NORM))
        qkv.q = hl_build_norm(b, qkv.q, W(ATTN_Q_NORM), NULL, HL_NORM_RMS, il);
    qkv.q = hl_build_rope(b, qkv.q, factors);
    if (W(ATTN_K_NORM))
        qkv.k = hl_build_norm(b, qkv.k, W(ATTN_K_NORM), NULL, HL_NORM_RMS, il);
    qkv.k = hl_build_rope(b, qkv.k, factors);
    if (scale)
        qkv.q = hl_scale(&b->graph, qkv.q);
    if (b->model->attention_temperature != 0)
        qkv.q = hl_mul(&b->graph, qkv.q, hl_build_attention_scale(b));
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
    double scale = b->model->expert_scale;
    if (!W(FFN_GATE_INP))
        return hl_build_layer_ffn(b, x, il);
    const struct hl_moe moe = {
        .layer = il, .gating = HL_GATING_SOFTMAX, .norm = true, .scaled = scale != 0 && scale != 1};
    return hl_build_moe(b, x, &moe);
}

void hl_arch_llama(struct hl_builder *b)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *x = hl_build_embedding(b);
    hl_build_attention_inputs(b);
    for (int64_t il = 0; il < b->model->layers; il++) {
        struct hl_node *residual = x;
        x = hl_build_norm(b, x, W(ATTN_NORM), NULL, HL_NORM_RMS, il);
        x = attention(b, x, il, false);
        hl_build_keep_outputs(b, il, &x, &residual);
        residual = hl_add(g, x, residual);
        x = hl_build_norm(b, residual, W(FFN_NORM), NULL, HL_NORM_RMS, il);
        x = feed_forward(b, x, il);
        x = hl_add(g, x, residual);
        if (il < b->model->deepstack)
            x = hl_add(g, x, hl_build_deepstack(b, il));
    }
    hl_build_output(b, x, HL_NORM_RMS);
}

void hl_facts_deepstack(struct hl_model *model)
{
    int64_t layers = hl_gguf_arch_int(model->gguf, "n_deepstack_layers", 0);
    model->deepstack = layers > 0 && layers < model->layers ? layers : 0;
}

void hl_arch_phi3(struct hl_builder *b)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *x = hl_build_embedding(b);
    hl_build_attention_inputs(b);
    for (int64_t il = 0; il < b->model->layers; il++) {
        struct hl_node *residual = x;
        x = hl_build_norm(b, x, W(ATTN_NORM), W(ATTN_NORM_B), HL_NORM_RMS, il);
        x = attention(b, x, il, true);
        hl_build_keep_outputs(b, il, &x, &residual);
        residual = hl_add(g, x, residual);
        x = hl_build_norm(b, residual, W(FFN_NORM), W(FFN_NORM_B), HL_NORM_RMS, il);
        if (W(FFN_GATE_INP)) {
            x = feed_forward(b, x, il);
        } else {
            const struct hl_ffn ffn = {
                .up = W(FFN_UP), .down = W(FFN_DOWN), .activation = HL_ACT_FUSED_GATE};
            x = hl_build_ffn(b, x, &ffn);
        }
        x = hl_add(g, residual, x);
    }
    hl_build_output(b, x, HL_NORM_RMS);
}
