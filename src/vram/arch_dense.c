/* Dense models that differ from llama in where they normalise, which layers turn by position, and
 * what they scale (sources: llama.cpp, src/models/gemma.cpp, starcoder2.cpp, command-r.cpp,
 * cohere2.cpp, glm4.cpp, exaone4.cpp, olmo2.cpp, smollm3.cpp, seed-oss.cpp, qwen2moe.cpp). */
#include "vram/arch_recipes.h"

struct style {
    enum hl_norm norm;
    bool parallel;       /* the feed-forward network reads what attention reads */
    bool fused_ffn;      /* gate and up in one matrix */
    bool window_rope;    /* only layers with a window turn, if there are any */
    bool scaled;         /* the embedding and the queries */
    int64_t plain_every; /* this one does not turn; 0: all do */
};

/* Norms of queries and keys over all heads at once. */
static struct hl_node *projected(struct hl_builder *b, struct hl_node *x, int64_t il,
                                 enum hl_weight_id id, struct hl_node *norm, int64_t heads)
{
    struct hl_node *y = hl_build_linear(b, hl_block_weight(b, il, id), NULL, x);
    if (norm)
        y = hl_build_norm(b, y, norm, NULL, HL_NORM_RMS, il);
    return hl_reshape(&b->graph, y, b->model->head_k, heads, b->tokens, 1);
}

static bool is_wide(const struct hl_builder *b, const struct hl_node *norm)
{
    return norm && norm->ne[0] != b->model->head_k && norm->ne[1] == 1;
}

static struct hl_qkv queries(struct hl_builder *b, const struct style *style, struct hl_node *x,
                             int64_t il)
{
    const struct hl_layer *layer = &b->model->layer[il];
    struct hl_node *norm_q = W(ATTN_Q_NORM), *norm_k = W(ATTN_K_NORM);
    if (is_wide(b, norm_q))
        return (struct hl_qkv){
            projected(b, x, il, HL_W_ATTN_Q, norm_q, layer->heads),
            projected(b, x, il, HL_W_ATTN_K, norm_k, layer->kv_heads),
            projected(b, x, il, HL_W_ATTN_V, NULL, layer->kv_heads),
        };
    struct hl_qkv qkv = hl_build_qkv(b, x, il);
    if (norm_q)
        qkv.q = hl_build_norm(b, qkv.q, norm_q, NULL, style->norm, il);
    if (norm_k)
        qkv.k = hl_build_norm(b, qkv.k, norm_k, NULL, style->norm, il);
    return qkv;
}

static bool turns(const struct hl_builder *b, const struct style *style, int64_t il)
{
    if (style->plain_every > 0)
        return (il + 1) % style->plain_every != 0;
    return !style->window_rope || b->model->window == 0 || b->model->layer[il].swa;
}

static struct hl_node *attention(struct hl_builder *b, const struct style *style, struct hl_node *x,
                                 int64_t il)
{
    struct hl_qkv qkv = queries(b, style, x, il);
    if (turns(b, style, il)) {
        struct hl_node *factors = hl_build_rope_factors(b, il);
        qkv.q = hl_build_rope(b, qkv.q, factors);
        qkv.k = hl_build_rope(b, qkv.k, factors);
    }
    if (style->scaled)
        qkv.q = hl_scale(&b->graph, qkv.q);
    const struct hl_attention attention = {.layer = il,
                                           .q = qkv.q,
                                           .k = qkv.k,
                                           .v = qkv.v,
                                           .out = W(ATTN_OUT),
                                           .out_bias = W(ATTN_OUT_B)};
    return hl_build_attention(b, &attention);
}

static struct hl_node *feed_forward(struct hl_builder *b, const struct style *style,
                                    struct hl_node *x, int64_t il)
{
    if (!style->fused_ffn)
        return hl_build_layer_ffn(b, x, il);
    const struct hl_ffn ffn = {
        .up = W(FFN_UP), .down = W(FFN_DOWN), .activation = HL_ACT_FUSED_GATE};
    return hl_build_ffn(b, x, &ffn);
}

/* A norm that some models have. */
static struct hl_node *norm(struct hl_builder *b, const struct style *style, struct hl_node *x,
                            struct hl_node *weight, struct hl_node *bias, int64_t il)
{
    return weight ? hl_build_norm(b, x, weight, bias, style->norm, il) : x;
}

static void keep_outputs(struct hl_builder *b, int64_t il, struct hl_node **x,
                         struct hl_node **residual, struct hl_node **read)
{
    hl_build_keep_outputs(b, il, x, residual);
    if (il == b->model->layers - 1)
        *read = hl_get_rows(&b->graph, *read, hl_build_output_rows(b));
}

static struct hl_node *parallel_layer(struct hl_builder *b, const struct style *style,
                                      struct hl_node *x, int64_t il)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *residual = x;
    struct hl_node *read = hl_build_norm(b, x, W(ATTN_NORM), W(ATTN_NORM_B), style->norm, il);
    struct hl_node *attended = attention(b, style, read, il);
    keep_outputs(b, il, &attended, &residual, &read);
    x = feed_forward(b, style, read, il);
    return hl_add(g, hl_add(g, x, residual), attended);
}

static struct hl_node *layer(struct hl_builder *b, const struct style *style, struct hl_node *x,
                             int64_t il)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *residual = x;
    bool between = W(FFN_NORM) || W(FFN_POST_NORM); /* else the norm behind attention is the next */
    x = norm(b, style, x, W(ATTN_NORM), W(ATTN_NORM_B), il);
    x = attention(b, style, x, il);
    hl_build_keep_outputs(b, il, &x, &residual);
    if (between)
        x = norm(b, style, x, W(ATTN_POST_NORM), NULL, il);
    residual = hl_add(g, x, residual);
    x = between ? norm(b, style, residual, W(FFN_NORM), W(FFN_NORM_B), il)
                : norm(b, style, residual, W(ATTN_POST_NORM), NULL, il);
    x = feed_forward(b, style, x, il);
    x = norm(b, style, x, W(FFN_POST_NORM), NULL, W(FFN_NORM) ? il : -1);
    return hl_add(g, x, residual);
}

static void dense(struct hl_builder *b, const struct style *style)
{
    struct hl_node *x = hl_build_embedding(b);
    if (style->scaled)
        x = hl_scale(&b->graph, x);
    hl_build_attention_inputs(b);
    for (int64_t il = 0; il < b->model->layers; il++)
        x = style->parallel ? parallel_layer(b, style, x, il) : layer(b, style, x, il);
    hl_build_output(b, x, style->norm);
}

void hl_arch_gemma1(struct hl_builder *b)
{
    dense(b, &(struct style){.norm = HL_NORM_RMS, .scaled = true});
}

void hl_arch_starcoder2(struct hl_builder *b)
{
    dense(b, &(struct style){.norm = HL_NORM_LAYER});
}

void hl_arch_command_r(struct hl_builder *b)
{
    dense(b, &(struct style){.norm = HL_NORM_LAYER, .parallel = true, .window_rope = true});
}

void hl_arch_glm4(struct hl_builder *b)
{
    dense(b, &(struct style){.norm = HL_NORM_RMS, .fused_ffn = true});
}

void hl_arch_exaone4(struct hl_builder *b)
{
    dense(b, &(struct style){.norm = HL_NORM_RMS, .window_rope = true});
}

void hl_arch_olmo2(struct hl_builder *b)
{
    dense(b, &(struct style){.norm = HL_NORM_RMS});
}

void hl_arch_smollm3(struct hl_builder *b)
{
    dense(b, &(struct style){.norm = HL_NORM_RMS, .plain_every = 4});
}

void hl_facts_every_fourth(struct hl_model *model)
{
    int64_t window = hl_gguf_arch_int(model->gguf, "attention.sliding_window", 0);
    if (window > 0)
        hl_facts_window(model, window, 4);
}

void hl_facts_exaone4(struct hl_model *model)
{
    if (model->layers == 64)
        hl_facts_window(model, hl_gguf_arch_int(model->gguf, "attention.sliding_window", 4096), 4);
}

/* --- Experts beside which one is gated by itself --- */

static struct hl_node *gated_experts(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    struct hl_graph *g = &b->graph;
    double scale = b->model->expert_scale;
    const struct hl_moe moe = {
        .layer = il, .gating = HL_GATING_SOFTMAX, .scaled = scale != 0 && scale != 1};
    struct hl_node *experts = hl_build_moe(b, x, &moe);
    struct hl_node *logits = hl_build_linear(b, W(FFN_GATE_INP_SHEXP), NULL, x);
    struct hl_node *gate = hl_div(g, hl_unary(g, logits), logits);
    struct hl_node *shared = hl_build_shared_expert(b, x, il);
    return hl_add(g, experts, hl_mul(g, shared, gate));
}

void hl_arch_qwen2moe(struct hl_builder *b)
{
    static const struct style style = {.norm = HL_NORM_RMS};
    struct hl_graph *g = &b->graph;
    struct hl_node *x = hl_build_embedding(b);
    hl_build_attention_inputs(b);
    for (int64_t il = 0; il < b->model->layers; il++) {
        struct hl_node *residual = x;
        x = hl_build_norm(b, x, W(ATTN_NORM), NULL, HL_NORM_RMS, il);
        x = attention(b, &style, x, il);
        hl_build_keep_outputs(b, il, &x, &residual);
        residual = hl_add(g, x, residual);
        x = hl_build_norm(b, residual, W(FFN_NORM), NULL, HL_NORM_RMS, il);
        x = hl_add(g, gated_experts(b, x, il), residual);
    }
    hl_build_output(b, x, HL_NORM_RMS);
}
