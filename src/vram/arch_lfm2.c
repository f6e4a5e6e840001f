/* Short convolutions in turn with attention (source: llama.cpp, src/models/lfm2.cpp,
 * lfm2moe.cpp). */
#include "vram/arch_recipes.h"

void hl_facts_lfm2(struct hl_model *model)
{
    hl_facts_recurrent_without_heads(model);
    int64_t window = hl_gguf_arch_int(model->gguf, "attention.sliding_window", 0);
    if (window <= 0)
        return;
    model->window = window;
    for (int64_t i = 0; i < model->layers; i++)
        model->layer[i].swa = !model->layer[i].recurrent;
}

static struct hl_node *third(struct hl_graph *g, struct hl_node *x, int64_t i)
{
    int64_t width = x->ne[0] / 3;
    return hl_view_3d(g, x, width, x->ne[1], x->ne[2], x->nb[1], x->nb[2], i * width * x->nb[0]);
}

static struct hl_node *short_conv(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    struct hl_graph *g = &b->graph;
    x = hl_reshape(g, x, x->ne[0], b->tokens / b->sequences, b->sequences, 1);
    struct hl_node *all = hl_build_linear(b, W(SHORTCONV_IN), NULL, x);
    struct hl_node *gated = hl_mul(g, third(g, all, 0), third(g, all, 2));
    struct hl_node *input = hl_build_conv_input(b, il, gated);
    x = hl_mul(g, third(g, all, 1), hl_build_conv(b, input, W(SHORTCONV_CONV)));
    x = hl_build_linear(b, W(SHORTCONV_OUT), NULL, x);
    return hl_reshape(g, x, x->ne[0], b->tokens, 1, 1);
}

static struct hl_node *attention(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    struct hl_qkv qkv = hl_build_qkv(b, x, il);
    qkv.q = hl_build_norm(b, qkv.q, W(ATTN_Q_NORM), NULL, HL_NORM_RMS, il);
    qkv.k = hl_build_norm(b, qkv.k, W(ATTN_K_NORM), NULL, HL_NORM_RMS, il);
    const struct hl_attention attention = {.layer = il,
                                           .q = hl_build_rope(b, qkv.q, NULL),
                                           .k = hl_build_rope(b, qkv.k, NULL),
                                           .v = qkv.v,
                                           .out = W(ATTN_OUT)};
    return hl_build_attention(b, &attention);
}

static struct hl_node *feed_forward(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    if (!W(FFN_GATE_INP))
        return hl_build_layer_ffn(b, x, il);
    double scale = b->model->expert_scale;
    int64_t gating = b->model->expert_gating;
    const struct hl_moe moe = {.layer = il,
                               .gating = gating ? (enum hl_gating)gating : HL_GATING_SIGMOID,
                               .norm = true,
                               .scaled = scale != 0 && scale != 1};
    return hl_build_moe(b, x, &moe);
}

void hl_arch_lfm2(struct hl_builder *b)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *x = hl_build_embedding(b);
    hl_build_state_inputs(b);
    hl_build_attention_inputs(b);
    for (int64_t il = 0; il < b->model->layers; il++) {
        struct hl_node *residual = x;
        x = hl_build_norm(b, x, W(ATTN_NORM), NULL, HL_NORM_RMS, il);
        x = b->model->layer[il].recurrent ? short_conv(b, x, il) : attention(b, x, il);
        hl_build_keep_outputs(b, il, &x, &residual);
        x = hl_add(g, residual, x);
        struct hl_node *norm = hl_build_norm(b, x, W(FFN_NORM), NULL, HL_NORM_RMS, il);
        x = hl_add(g, x, feed_forward(b, norm, il));
    }
    struct hl_node *norm = G(OUTPUT_NORM) ? G(OUTPUT_NORM) : G(TOKEN_EMBD_NORM);
    x = hl_build_norm(b, x, norm, NULL, HL_NORM_RMS, -1);
    if (b->run->request->embeddings) {
        b->embeddings = x;
        hl_graph_add(g, x);
    } else {
        hl_build_logits(b, x);
    }
}
