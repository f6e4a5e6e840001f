/* Gated delta networks in turn with gated attention (sources: llama.cpp, src/models/qwen35.cpp,
 * qwen35moe.cpp, qwen3next.cpp, delta-net-base.cpp). */
#include "vram/arch_recipes.h"

#define FULL_ATTENTION_INTERVAL 4

void hl_facts_delta(struct hl_model *model)
{
    int64_t interval =
        hl_gguf_arch_int(model->gguf, "full_attention_interval", FULL_ATTENTION_INTERVAL);
    const struct hl_gguf_key *list = hl_gguf_arch_key(model->gguf, "attention.recurrent_layers");
    for (int64_t i = 0; i < model->layers; i++) {
        struct hl_layer *layer = &model->layer[i];
        layer->recurrent = interval > 0 && (i + 1) % interval != 0;
        if (list)
            layer->recurrent = hl_gguf_flag(list, (size_t)i, hl_gguf_int(list, (size_t)i, 0) != 0);
        layer->attention = layer->cache = !layer->recurrent;
    }
}

/* --- Attention whose result is gated --- */

static struct hl_node *half(struct hl_builder *b, struct hl_node *both, int64_t head, int64_t heads,
                            int64_t from)
{
    int64_t element = both->nb[0], row = element * head * 2;
    return hl_view_3d(&b->graph, both, head, heads, b->tokens, row, row * heads, from * element);
}

static struct hl_node *gated_attention(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    struct hl_graph *g = &b->graph;
    const struct hl_layer *layer = &b->model->layer[il];
    int64_t head = b->model->head_k;
    struct hl_node *both = hl_build_linear(b, W(ATTN_Q), W(ATTN_Q_B), x);
    struct hl_node *k = hl_build_linear(b, W(ATTN_K), W(ATTN_K_B), x);
    struct hl_node *v = hl_build_linear(b, W(ATTN_V), W(ATTN_V_B), x);
    struct hl_node *q = half(b, both, head, layer->heads, 0);
    q = hl_build_norm(b, q, W(ATTN_Q_NORM), NULL, HL_NORM_RMS, il);
    k = hl_reshape(g, k, head, layer->kv_heads, b->tokens, 1);
    k = hl_build_norm(b, k, W(ATTN_K_NORM), NULL, HL_NORM_RMS, il);
    v = hl_reshape(g, v, head, layer->kv_heads, b->tokens, 1);
    const struct hl_attention attention = {
        .layer = il, .q = hl_build_rope(b, q, NULL), .k = hl_build_rope(b, k, NULL), .v = v};
    x = hl_build_attention(b, &attention);
    struct hl_node *gate = half(b, both, head, layer->heads, head);
    gate = hl_cont_4d(g, gate, head * layer->heads, b->tokens, 1, 1);
    x = hl_mul(g, x, hl_unary(g, gate));
    return hl_build_linear(b, W(ATTN_OUT), NULL, x);
}

/* --- The delta network --- */

/* Sizes of its heads, and of a batch. */
struct delta {
    int64_t key, value, key_heads, value_heads, tokens, sequences;
};

static struct hl_node *conv_part(struct hl_builder *b, struct hl_node *mixed, const struct delta *d,
                                 int64_t size, int64_t heads, int64_t from)
{
    int64_t element = mixed->nb[0];
    int64_t row = (2 * d->key * d->key_heads + d->value * d->value_heads) * element;
    const int64_t ne[4] = {size, heads, d->tokens, d->sequences};
    return hl_view_4d(&b->graph, mixed, ne, size * element, row, row * d->tokens, from * element);
}

static struct hl_node *unit_length(struct hl_builder *b, struct hl_node *x)
{
    return hl_scale(&b->graph, hl_map(&b->graph, HL_OP_RMS_NORM, x, NULL, NULL));
}

/* One operator, whose result holds the output and behind it the new state. */
static struct hl_node *fused(struct hl_builder *b, int64_t il, const struct delta *d,
                             struct hl_delta *net)
{
    struct hl_graph *g = &b->graph;
    int64_t rows = d->tokens * d->sequences + d->value * d->sequences;
    struct hl_node *x = hl_make(g, HL_OP_GATED_DELTA_NET, d->value * d->value_heads, rows, 1, 1);
    struct hl_node *const src[] = {net->q, net->k, net->v, net->decay, net->strength, net->state};
    for (size_t i = 0; i < sizeof(src) / sizeof(*src); i++)
        x->src[i] = src[i];
    b->delta_nodes[il] = x;
    int64_t row = d->value * x->nb[0];
    const int64_t ne[4] = {d->value, d->value_heads, d->tokens, d->sequences};
    const int64_t state_ne[4] = {d->value, d->value, d->value_heads, d->sequences};
    net->state = hl_view_4d(g, x, state_ne, row, row * d->value, row * d->value * d->value_heads,
                            row * d->value_heads * d->tokens * d->sequences);
    return hl_view_4d(g, x, ne, row, row * d->value_heads, row * d->value_heads * d->tokens, 0);
}

static struct hl_node *delta_net(struct hl_builder *b, int64_t il, const struct delta *d,
                                 struct hl_delta *net)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *all = b->state_s[il];
    bool one = d->tokens == 1 ? b->fused_step : b->fused_chunk;
    struct hl_node *x = one ? fused(b, il, d, net) : hl_build_delta(b, net);
    struct hl_node *to = hl_view_2d(g, all, all->ne[0], d->sequences, all->nb[1], 0);
    hl_graph_add(g, hl_cpy(g, net->state, to));
    return x;
}

/* Decay and strength of the update, of two matrices or of one that holds both. */
static void gates(struct hl_builder *b, struct hl_node *x, int64_t il, const struct delta *d,
                  struct hl_node **decay, struct hl_node **strength)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *alpha, *beta;
    if (W(SSM_BA)) {
        int64_t each = d->value_heads / d->key_heads;
        struct hl_node *both = hl_build_linear(b, W(SSM_BA), NULL, x);
        both = hl_reshape(g, both, 2 * each, d->key_heads, d->tokens, d->sequences);
        const int64_t ne[4] = {each, d->key_heads, d->tokens, d->sequences};
        beta = hl_view_4d(g, both, ne, both->nb[1], both->nb[2], both->nb[3], 0);
        alpha = hl_view_4d(g, both, ne, both->nb[1], both->nb[2], both->nb[3], each * both->nb[0]);
        beta = hl_unary(g, hl_cont(g, beta));
        alpha = hl_cont_4d(g, alpha, d->value_heads, d->tokens, d->sequences, 1);
        beta = hl_reshape(g, beta, 1, d->value_heads, d->tokens, d->sequences);
    } else {
        beta = hl_build_linear(b, W(SSM_BETA), NULL, x);
        beta = hl_unary(g, hl_reshape(g, beta, 1, d->value_heads, d->tokens, d->sequences));
        alpha = hl_build_linear(b, W(SSM_ALPHA), NULL, x);
        alpha = hl_reshape(g, alpha, d->value_heads, d->tokens, d->sequences, 1);
    }
    alpha = hl_mul(g, hl_unary(g, hl_add(g, alpha, W(SSM_DT_B))), W(SSM_A));
    *decay = hl_reshape(g, alpha, 1, d->value_heads, d->tokens, d->sequences);
    *strength = beta;
}

/* Older files of Qwen3-Next hold what is mixed and its gate in one matrix, head by head. */
static struct hl_node *unmix(struct hl_builder *b, struct hl_node *x, int64_t il,
                             const struct delta *d, struct hl_node **z)
{
    struct hl_graph *g = &b->graph;
    int64_t each = d->value * d->value_heads / d->key_heads;
    struct hl_node *all = hl_build_linear(b, W(SSM_IN), NULL, x);
    all = hl_reshape(g, all, 2 * d->key + 2 * each, d->key_heads, d->tokens, d->sequences);
    const int64_t sizes[4] = {d->key, d->key, each, each};
    const int64_t widths[3] = {d->key * d->key_heads, d->key * d->key_heads,
                               d->value * d->value_heads};
    struct hl_node *parts[4];
    int64_t from = 0;
    for (int i = 0; i < 4; i++) {
        const int64_t ne[4] = {sizes[i], d->key_heads, d->tokens, d->sequences};
        parts[i] = hl_view_4d(g, all, ne, all->nb[1], all->nb[2], all->nb[3], from * all->nb[0]);
        from += sizes[i];
    }
    *z = hl_cont(g, parts[3]);
    for (int i = 0; i < 3; i++)
        parts[i] = hl_cont_4d(g, parts[i], widths[i], d->tokens, d->sequences, 1);
    return hl_concat(g, hl_concat(g, parts[0], parts[1], 0), parts[2], 0);
}

/* Keys and queries repeat until each value head has its own: side by side, or one round after the
 * other. */
static struct hl_node *for_each_value(struct hl_builder *b, struct hl_node *x,
                                      const struct delta *d, bool side_by_side)
{
    struct hl_graph *g = &b->graph;
    if (!side_by_side)
        return hl_repeat(g, x, d->key, d->value_heads, d->tokens, d->sequences);
    int64_t times = d->value_heads / d->key_heads, all = d->tokens * d->sequences;
    x = hl_reshape(g, x, d->key, 1, d->key_heads, all);
    x = hl_repeat(g, x, d->key, times, d->key_heads, all);
    return hl_reshape(g, x, d->key, d->value_heads, d->tokens, d->sequences);
}

static bool sizes_of(struct hl_builder *b, int64_t il, struct delta *d)
{
    const struct hl_model *model = b->model;
    bool all = b->state_r[il] && b->state_s[il] && W(SSM_CONV1D) && W(SSM_DT_B) && W(SSM_A) &&
               model->rank > 0 && model->groups > 0;
    if (!all) {
        b->graph.bad = true;
        return false;
    }
    *d = (struct delta){.key = model->state,
                        .value = model->inner / model->rank,
                        .key_heads = model->groups,
                        .value_heads = model->rank,
                        .tokens = b->tokens / b->sequences,
                        .sequences = b->sequences};
    return true;
}

static struct hl_node *linear_attention(struct hl_builder *b, struct hl_node *x, int64_t il,
                                        bool repeated)
{
    struct hl_graph *g = &b->graph;
    struct delta d;
    if (!sizes_of(b, il, &d))
        return x;
    struct hl_node *mixed, *z, *decay, *strength;
    if (W(ATTN_QKV)) {
        mixed = hl_build_linear(b, W(ATTN_QKV), NULL, x);
        mixed = hl_reshape(g, mixed, mixed->ne[0], d.tokens, d.sequences, 1);
        z = hl_build_linear(b, W(ATTN_GATE), NULL, x);
    } else {
        mixed = unmix(b, x, il, &d, &z);
    }
    gates(b, x, il, &d, &decay, &strength);
    struct hl_node *input = hl_build_conv_input(b, il, mixed);
    struct hl_node *state = hl_build_states(b, b->state_s[il], NULL, NULL);
    state = hl_reshape(g, state, d.value, d.value, d.value_heads, d.sequences);
    mixed = hl_unary(g, hl_build_conv(b, input, W(SSM_CONV1D)));
    int64_t keys = d.key * d.key_heads;
    struct hl_node *q = unit_length(b, conv_part(b, mixed, &d, d.key, d.key_heads, 0));
    struct hl_node *k = unit_length(b, conv_part(b, mixed, &d, d.key, d.key_heads, keys));
    struct hl_node *v = conv_part(b, mixed, &d, d.value, d.value_heads, 2 * keys);
    bool stepwise = !b->fused_step || !b->fused_chunk;
    if (d.key_heads != d.value_heads && (repeated || stepwise)) {
        q = for_each_value(b, q, &d, repeated);
        k = for_each_value(b, k, &d, repeated);
    }
    struct hl_delta net = {q, k, v, decay, strength, state};
    x = delta_net(b, il, &d, &net);
    x = hl_build_norm(b, x, W(SSM_NORM), NULL, HL_NORM_RMS, il);
    z = hl_reshape(g, z, d.value, d.value_heads, d.tokens, d.sequences);
    x = hl_mul(g, x, hl_unary(g, z));
    x = hl_reshape(g, x, d.value * d.value_heads, d.tokens, d.sequences, 1);
    x = hl_build_linear(b, W(SSM_OUT), NULL, x);
    return hl_reshape(g, x, x->ne[0], b->tokens, 1, 1);
}

/* --- The model --- */

static struct hl_node *feed_forward(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    struct hl_graph *g = &b->graph;
    if (!W(FFN_GATE_INP))
        return hl_build_layer_ffn(b, x, il);
    double scale = b->model->expert_scale;
    const struct hl_moe moe = {
        .layer = il, .gating = HL_GATING_SOFTMAX, .norm = true, .scaled = scale != 0 && scale != 1};
    struct hl_node *experts = hl_build_moe(b, x, &moe);
    if (!W(FFN_UP_SHEXP))
        return experts;
    struct hl_node *shared = hl_build_shared_expert(b, x, il);
    struct hl_node *gate = hl_unary(g, hl_build_linear(b, W(FFN_GATE_INP_SHEXP), NULL, x));
    return hl_add(g, experts, hl_mul(g, shared, gate));
}

static void delta_model(struct hl_builder *b, bool repeated)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *x = hl_build_embedding(b);
    hl_build_state_inputs(b);
    hl_build_attention_inputs(b);
    for (int64_t il = 0; il < b->model->layers; il++) {
        struct hl_node *residual = x;
        x = hl_build_norm(b, x, W(ATTN_NORM), NULL, HL_NORM_RMS, il);
        hl_graph_add(g, x);
        x = b->model->layer[il].recurrent ? linear_attention(b, x, il, repeated)
                                          : gated_attention(b, x, il);
        residual = hl_add(g, x, residual);
        x = hl_build_norm(b, residual, W(ATTN_POST_NORM), NULL, HL_NORM_RMS, il);
        x = hl_add(g, feed_forward(b, x, il), residual);
    }
    x = hl_build_norm(b, x, G(OUTPUT_NORM), NULL, HL_NORM_RMS, -1);
    hl_build_draft_input(x);
    hl_build_logits(b, hl_get_rows(g, x, hl_build_output_rows(b)));
}

void hl_arch_qwen35(struct hl_builder *b)
{
    delta_model(b, false);
}

void hl_arch_qwen3next(struct hl_builder *b)
{
    delta_model(b, true);
}
