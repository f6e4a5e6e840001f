/* Models with state-space layers: alone, in turn with attention, or beside it (sources: llama.cpp,
 * src/models/mamba.cpp, granite-hybrid.cpp, falcon-h1.cpp). */
#include "vram/arch_recipes.h"

void hl_facts_recurrent(struct hl_model *model)
{
    for (int64_t i = 0; i < model->layers; i++) {
        model->layer[i].recurrent = true;
        model->layer[i].attention = model->layer[i].cache = false;
    }
}

void hl_facts_beside(struct hl_model *model)
{
    for (int64_t i = 0; i < model->layers; i++)
        model->layer[i].recurrent = true;
}

static void mamba(struct hl_builder *b,
                  struct hl_node *(*layer)(struct hl_builder *, struct hl_node *, int64_t))
{
    struct hl_graph *g = &b->graph;
    struct hl_node *x = hl_build_embedding(b);
    hl_build_state_inputs(b);
    for (int64_t il = 0; il < b->model->layers; il++) {
        struct hl_node *residual = x;
        x = hl_build_norm(b, x, W(ATTN_NORM), NULL, HL_NORM_RMS, il);
        x = layer(b, x, il);
        hl_build_keep_outputs(b, il, &x, &residual);
        x = hl_add(g, x, residual);
    }
    hl_build_output(b, x, HL_NORM_RMS);
}

void hl_arch_mamba(struct hl_builder *b)
{
    mamba(b, hl_build_mamba);
}

void hl_arch_mamba2(struct hl_builder *b)
{
    mamba(b, hl_build_mamba2);
}

/* --- Granite --- */

static struct hl_node *granite_attention(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    struct hl_qkv qkv = hl_build_qkv(b, x, il);
    bool rope = hl_gguf_flag(hl_gguf_arch_key(b->model->gguf, "rope.scaling.finetuned"), 0, true);
    if (rope) {
        struct hl_node *factors = hl_build_rope_factors(b, il);
        qkv.q = hl_build_rope(b, qkv.q, factors);
        qkv.k = hl_build_rope(b, qkv.k, factors);
    }
    const struct hl_attention attention = {.layer = il,
                                           .q = qkv.q,
                                           .k = qkv.k,
                                           .v = qkv.v,
                                           .out = W(ATTN_OUT),
                                           .out_bias = W(ATTN_OUT_B)};
    return hl_build_attention(b, &attention);
}

static struct hl_node *granite_ffn(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    if (!W(FFN_GATE_INP))
        return hl_build_layer_ffn(b, x, il);
    double scale = b->model->expert_scale;
    const struct hl_moe moe = {
        .layer = il, .gating = HL_GATING_SOFTMAX, .norm = true, .scaled = scale != 0 && scale != 1};
    struct hl_node *experts = hl_build_moe(b, x, &moe);
    return W(FFN_UP_SHEXP) ? hl_add(&b->graph, experts, hl_build_shared_expert(b, x, il)) : experts;
}

void hl_arch_granite(struct hl_builder *b)
{
    struct hl_graph *g = &b->graph;
    bool scaled = b->model->residual_scale != 0;
    struct hl_node *x = hl_build_embedding(b);
    hl_build_state_inputs(b);
    hl_build_attention_inputs(b);
    for (int64_t il = 0; il < b->model->layers; il++) {
        struct hl_node *residual = x;
        x = hl_build_norm(b, x, W(ATTN_NORM), NULL, HL_NORM_RMS, il);
        x = b->model->layer[il].recurrent ? hl_build_mamba2(b, x, il) : granite_attention(b, x, il);
        hl_build_keep_outputs(b, il, &x, &residual);
        x = scaled ? hl_scale(g, x) : x;
        residual = hl_add(g, x, residual);
        x = hl_build_norm(b, residual, W(FFN_NORM), NULL, HL_NORM_RMS, il);
        x = granite_ffn(b, x, il);
        x = scaled ? hl_scale(g, x) : x;
        x = hl_add(g, x, residual);
    }
    hl_build_output(b, x, HL_NORM_RMS);
}

/* --- Falcon-H1 --- */

static struct hl_node *falcon_attention(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    struct hl_qkv qkv = hl_build_qkv(b, x, il);
    const struct hl_attention attention = {.layer = il,
                                           .q = hl_build_rope(b, qkv.q, NULL),
                                           .k = hl_build_rope(b, qkv.k, NULL),
                                           .v = qkv.v,
                                           .out = W(ATTN_OUT)};
    return hl_build_attention(b, &attention);
}

void hl_arch_falcon_h1(struct hl_builder *b)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *x = hl_build_embedding(b);
    hl_build_state_inputs(b);
    hl_build_attention_inputs(b);
    for (int64_t il = 0; il < b->model->layers; il++) {
        struct hl_node *norm = W(FFN_NORM) ? W(FFN_NORM) : W(FFN_NORM_BARE), *residual = x;
        x = hl_build_norm(b, residual, W(ATTN_NORM), NULL, HL_NORM_RMS, il);
        struct hl_node *attention = falcon_attention(b, x, il);
        x = hl_build_norm(b, residual, W(ATTN_NORM), NULL, HL_NORM_RMS, il);
        x = hl_build_mamba2(b, x, il);
        x = hl_add(g, attention, x);
        residual = hl_add(g, x, residual);
        hl_build_keep_outputs(b, il, &x, &residual);
        x = hl_build_norm(b, residual, norm, NULL, HL_NORM_RMS, il);
        x = hl_build_layer_ffn(b, x, il);
        x = hl_add(g, x, residual);
    }
    hl_build_output(b, x, HL_NORM_RMS);
}
