/* Norms before and behind each part, and layers that see a window only (sources: llama.cpp,
 * src/models/gemma2.cpp, gemma3.cpp). */
#include "vram/arch_recipes.h"

#define GEMMA2_WINDOW 4096

void hl_facts_gemma2(struct hl_model *model)
{
    int64_t window = hl_gguf_arch_int(model->gguf, "attention.sliding_window", GEMMA2_WINDOW);
    hl_facts_window(model, window, 2);
    if (model->attention_softcap == 0)
        model->attention_softcap = 50;
    if (model->final_softcap == 0)
        model->final_softcap = 30;
}

void hl_facts_gemma3(struct hl_model *model)
{
    int64_t window = hl_gguf_arch_int(model->gguf, "attention.sliding_window", 0);
    if (window > 0)
        hl_facts_window(model, window, 6);
    model->attention_softcap = 0;
}

static struct hl_node *attention(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    struct hl_qkv qkv = hl_build_qkv(b, x, il);
    if (W(ATTN_Q_NORM))
        qkv.q = hl_build_norm(b, qkv.q, W(ATTN_Q_NORM), NULL, HL_NORM_RMS, il);
    qkv.q = hl_build_rope(b, qkv.q, NULL);
    if (W(ATTN_K_NORM))
        qkv.k = hl_build_norm(b, qkv.k, W(ATTN_K_NORM), NULL, HL_NORM_RMS, il);
    qkv.k = hl_build_rope(b, qkv.k, NULL);
    const struct hl_attention attention = {
        .layer = il, .q = hl_scale(&b->graph, qkv.q), .k = qkv.k, .v = qkv.v, .out = W(ATTN_OUT)};
    return hl_build_attention(b, &attention);
}

void hl_arch_gemma(struct hl_builder *b)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *x = hl_scale(g, hl_build_embedding(b));
    hl_build_attention_inputs(b);
    for (int64_t il = 0; il < b->model->layers; il++) {
        struct hl_node *residual = x;
        x = hl_build_norm(b, x, W(ATTN_NORM), NULL, HL_NORM_RMS, il);
        x = attention(b, x, il);
        hl_build_keep_outputs(b, il, &x, &residual);
        x = hl_build_norm(b, x, W(ATTN_POST_NORM), NULL, HL_NORM_RMS, il);
        residual = hl_add(g, x, residual);
        x = hl_build_norm(b, residual, W(FFN_NORM), NULL, HL_NORM_RMS, il);
        x = hl_build_layer_ffn(b, x, il);
        x = hl_build_norm(b, x, W(FFN_POST_NORM), NULL, HL_NORM_RMS, -1);
        x = hl_add(g, x, residual);
    }
    hl_build_output(b, x, HL_NORM_RMS);
}
