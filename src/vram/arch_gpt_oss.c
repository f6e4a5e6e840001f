/* Experts in every layer, sinks in attention, a window in every second layer (source: llama.cpp,
 * src/models/openai-moe.cpp). */
#include "vram/arch_recipes.h"

void hl_facts_gpt_oss(struct hl_model *model)
{
    hl_facts_window(model, hl_gguf_arch_int(model->gguf, "attention.sliding_window", 0), 2);
}

static struct hl_node *attention(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    struct hl_qkv qkv = hl_build_qkv(b, x, il);
    const struct hl_attention attention = {.layer = il,
                                           .q = hl_build_rope(b, qkv.q, NULL),
                                           .k = hl_build_rope(b, qkv.k, NULL),
                                           .v = qkv.v,
                                           .sinks = W(ATTN_SINKS),
                                           .out = W(ATTN_OUT),
                                           .out_bias = W(ATTN_OUT_B)};
    return hl_build_attention(b, &attention);
}

void hl_arch_gpt_oss(struct hl_builder *b)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *x = hl_build_embedding(b);
    double scale = b->model->expert_scale;
    hl_build_attention_inputs(b);
    for (int64_t il = 0; il < b->model->layers; il++) {
        struct hl_node *residual = x;
        x = hl_build_norm(b, x, W(ATTN_NORM), NULL, HL_NORM_RMS, il);
        x = attention(b, x, il);
        residual = hl_add(g, x, residual);
        x = hl_build_norm(b, residual, W(ATTN_POST_NORM), NULL, HL_NORM_RMS, il);
        const struct hl_moe moe = {
            .layer = il, .gating = HL_GATING_SOFTMAX_WEIGHT, .scaled = scale != 0 && scale != 1};
        x = hl_add(g, hl_build_moe(b, x, &moe), residual);
    }
    hl_build_draft_input(x);
    x = hl_get_rows(g, x, hl_build_output_rows(b));
    hl_build_output(b, x, HL_NORM_RMS);
}
