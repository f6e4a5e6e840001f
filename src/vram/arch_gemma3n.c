/* Several streams of which one is computed and the others follow, inputs for each layer, and
 * layers that use the caches of others (source: llama.cpp, src/models/gemma3n.cpp). */
#include "vram/arch_recipes.h"

#define OWN_CACHES    20 /* layers from the first */
#define SPARSE_LAYERS 10
#define STREAMS       4
#define PER_LAYER     256

void hl_facts_gemma3n(struct hl_model *model)
{
    hl_facts_window(model, hl_gguf_arch_int(model->gguf, "attention.sliding_window", 0), 5);
    for (int64_t i = OWN_CACHES; i < model->layers; i++)
        model->layer[i].cache = false;
    if (model->final_softcap == 0)
        model->final_softcap = 30;
    model->attention_softcap = 0;
}

struct gemma {
    struct hl_builder *b;
    int64_t streams, active, per_layer;
    struct hl_node *inputs; /* of all layers: [per_layer, tokens, layers] */
};

static struct hl_node *slice(struct hl_graph *g, struct hl_node *x, int64_t i)
{
    int64_t row = hl_row_bytes(x->type, x->ne[0]);
    return hl_view_2d(g, x, x->ne[0], x->ne[1], row, i * x->ne[0] * x->ne[1] * x->nb[0]);
}

/* All but the first stream. */
static struct hl_node *others(struct hl_graph *g, struct hl_node *x)
{
    int64_t row = hl_row_bytes(x->type, x->ne[0]);
    return hl_view_3d(g, x, x->ne[0], x->ne[1], x->ne[2] - 1, row, row * x->ne[1], row * x->ne[1]);
}

static struct hl_node *magnitude(struct hl_graph *g, struct hl_node *x)
{
    x = hl_map(g, HL_OP_SQR, x, NULL, NULL);
    return hl_map(g, HL_OP_SQRT, hl_reduce_rows(g, HL_OP_SUM_ROWS, x), NULL, NULL);
}

static struct hl_node *weight(struct hl_builder *b, struct hl_node *weight)
{
    if (!weight)
        b->graph.bad = true;
    return weight ? weight : &b->graph.spare;
}

/* --- Before the layers --- */

static struct hl_node *layer_inputs(struct gemma *gemma, struct hl_node *x)
{
    struct hl_builder *b = gemma->b;
    struct hl_graph *g = &b->graph;
    int64_t layers = b->model->layers;
    struct hl_node *tokens = hl_input(g, HL_GGML_I32, b->tokens, 1, 1, 1);
    struct hl_node *chosen = hl_get_rows(g, weight(b, G(PER_LAYER_TOKEN_EMBD)), tokens);
    chosen = hl_scale(g, hl_reshape(g, chosen, gemma->per_layer, layers, b->tokens, 1));
    hl_graph_add(g, chosen);
    struct hl_node *projected = hl_build_linear(b, G(PER_LAYER_MODEL_PROJ), NULL, x);
    projected = hl_scale(g, projected);
    projected = hl_reshape(g, projected, gemma->per_layer, layers, b->tokens, 1);
    projected = hl_build_norm(b, projected, G(PER_LAYER_PROJ_NORM), NULL, HL_NORM_RMS, -1);
    struct hl_node *sum = hl_scale(g, hl_add(g, projected, chosen));
    return hl_cont(g, hl_permute(g, sum, 0, 2, 1, 3));
}

/* The other streams start as projections of the first, of the same magnitude. */
static struct hl_node *stack(struct gemma *gemma, struct hl_node *x)
{
    struct hl_builder *b = gemma->b;
    struct hl_graph *g = &b->graph;
    struct hl_node *target = magnitude(g, x);
    struct hl_node *repeated = hl_repeat(g, x, x->ne[0], b->tokens, gemma->streams - 1, 1);
    struct hl_node *added = hl_build_linear(b, G(ALTUP_PROJ), NULL, repeated);
    struct hl_node *size = magnitude(g, added);
    added = hl_div(g, hl_mul(g, added, target), size);
    return hl_concat(g, x, added, 2);
}

/* --- A layer --- */

static struct hl_node *modalities(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    struct hl_graph *g = &b->graph;
    x = hl_build_norm(b, x, W(ALTUP_ROUTER_NORM), NULL, HL_NORM_RMS, il);
    return hl_unary(g, hl_build_linear(b, W(ALTUP_ROUTER), NULL, hl_scale(g, x)));
}

static struct hl_node *predict(struct gemma *gemma, struct hl_node *x, int64_t il)
{
    struct hl_builder *b = gemma->b;
    struct hl_graph *g = &b->graph;
    int64_t streams = gemma->streams;
    struct hl_node *router = modalities(b, slice(g, x, gemma->active), il);
    struct hl_node *factors = hl_build_linear(b, W(ALTUP_PREDICT_COEF), NULL, router);
    factors = hl_reshape(g, factors, streams, streams, b->tokens, 1);
    struct hl_node *turned = hl_cont(g, hl_permute(g, x, 1, 2, 0, 3));
    struct hl_node *predicted = hl_mul_mat(g, turned, factors);
    predicted = hl_cont(g, hl_permute(g, predicted, 0, 2, 1, 3));
    return hl_add(g, predicted, x);
}

static struct hl_node *correct(struct gemma *gemma, struct hl_node *predicted, struct hl_node *x,
                               int64_t il)
{
    struct hl_builder *b = gemma->b;
    struct hl_graph *g = &b->graph;
    struct hl_node *router = modalities(b, x, il);
    struct hl_node *news = hl_sub(g, x, slice(g, predicted, gemma->active));
    struct hl_node *factors = hl_build_linear(b, W(ALTUP_CORRECT_COEF), NULL, router);
    factors = hl_transpose(g, hl_scale(g, factors));
    factors = hl_cont_4d(g, factors, 1, b->tokens, gemma->streams, 1);
    news = hl_repeat(g, news, news->ne[0], b->tokens, gemma->streams, 1);
    return hl_add(g, hl_mul(g, news, factors), predicted);
}

static struct hl_node *laurel(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    struct hl_node *y = hl_build_linear(b, W(LAUREL_L), NULL, x);
    y = hl_build_linear(b, W(LAUREL_R), NULL, y);
    y = hl_build_norm(b, y, W(LAUREL_POST_NORM), NULL, HL_NORM_RMS, il);
    return hl_add(&b->graph, y, x);
}

static struct hl_node *attention(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    struct hl_graph *g = &b->graph;
    struct hl_attention attention = {.layer = il, .out = W(ATTN_OUT)};
    if (b->model->layer[il].cache) {
        struct hl_qkv qkv = hl_build_qkv(b, x, il);
        qkv.q = hl_build_norm(b, qkv.q, W(ATTN_Q_NORM), NULL, HL_NORM_RMS, il);
        qkv.k = hl_build_norm(b, qkv.k, W(ATTN_K_NORM), NULL, HL_NORM_RMS, il);
        attention.v = hl_map(g, HL_OP_RMS_NORM, qkv.v, NULL, NULL);
        attention.q = hl_build_rope(b, qkv.q, NULL);
        attention.k = hl_build_rope(b, qkv.k, NULL);
    } else {
        struct hl_node *q = hl_build_linear(b, W(ATTN_Q), NULL, x);
        q = hl_reshape(g, q, b->model->head_k, b->model->layer[il].heads, b->tokens, 1);
        q = hl_build_norm(b, q, W(ATTN_Q_NORM), NULL, HL_NORM_RMS, il);
        attention.q = hl_build_rope(b, q, NULL);
    }
    return hl_build_attention(b, &attention);
}

/* Only what lies well above a row's mean goes on. */
static struct hl_node *sparse(struct hl_graph *g, struct hl_node *x)
{
    struct hl_node *mean = hl_reduce_rows(g, HL_OP_MEAN, x);
    struct hl_node *spread = hl_map(g, HL_OP_SQR, hl_sub(g, x, mean), NULL, NULL);
    spread = hl_scale(g, hl_reduce_rows(g, HL_OP_SUM_ROWS, spread));
    spread = hl_map(g, HL_OP_SQRT, spread, NULL, NULL);
    struct hl_node *limit = hl_add(g, mean, hl_scale(g, spread));
    return hl_unary(g, hl_sub(g, x, limit));
}

static struct hl_node *feed_forward(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *up = hl_build_linear(b, W(FFN_UP), NULL, x);
    struct hl_node *gate = hl_build_linear(b, W(FFN_GATE), NULL, x);
    if (il < SPARSE_LAYERS)
        gate = sparse(g, gate);
    x = hl_mul(g, up, hl_unary(g, gate));
    return hl_build_linear(b, W(FFN_DOWN), NULL, x);
}

/* The layer's own input, mixed in. */
static struct hl_node *mix_in(struct gemma *gemma, struct hl_node *corrected, int64_t il)
{
    struct hl_builder *b = gemma->b;
    struct hl_graph *g = &b->graph;
    struct hl_node *x = slice(g, corrected, gemma->active);
    x = hl_mul(g, x, weight(b, W(ALTUP_CORRECT_SCALE)));
    x = hl_unary(g, hl_build_linear(b, W(PER_LAYER_GATE), NULL, x));
    x = hl_mul(g, x, slice(g, gemma->inputs, il));
    x = hl_build_linear(b, W(PER_LAYER_PROJ), NULL, x);
    x = hl_build_norm(b, x, W(PER_LAYER_POST_NORM), NULL, HL_NORM_RMS, il);
    struct hl_node *first = slice(g, corrected, 0);
    struct hl_node *rest = hl_add(g, others(g, corrected), x);
    return hl_concat(g, first, rest, 2);
}

static struct hl_node *layer(struct gemma *gemma, struct hl_node *x, int64_t il)
{
    struct hl_builder *b = gemma->b;
    struct hl_graph *g = &b->graph;
    struct hl_node *predicted = predict(gemma, x, il);
    struct hl_node *active = slice(g, predicted, gemma->active);
    x = hl_build_norm(b, active, W(ATTN_NORM), NULL, HL_NORM_RMS, il);
    struct hl_node *side = laurel(b, x, il);
    x = attention(b, x, il);
    x = hl_build_norm(b, x, W(ATTN_POST_NORM), NULL, HL_NORM_RMS, il);
    x = hl_add(g, x, active);
    struct hl_node *residual = hl_scale(g, hl_add(g, x, side));
    x = hl_build_norm(b, residual, W(FFN_NORM), NULL, HL_NORM_RMS, il);
    x = feed_forward(b, x, il);
    x = hl_build_norm(b, x, W(FFN_POST_NORM), NULL, HL_NORM_RMS, -1);
    x = hl_add(g, x, residual);
    return mix_in(gemma, correct(gemma, predicted, x, il), il);
}

/* --- Behind the layers --- */

static struct hl_node *merge(struct gemma *gemma, struct hl_node *x)
{
    struct hl_builder *b = gemma->b;
    struct hl_graph *g = &b->graph;
    struct hl_node *target = magnitude(g, slice(g, x, gemma->active));
    struct hl_node *rest = hl_build_linear(b, G(ALTUP_UNEMBD_PROJ), NULL, others(g, x));
    struct hl_node *size = magnitude(g, rest);
    rest = hl_div(g, hl_mul(g, rest, target), size);
    x = slice(g, x, 0);
    for (int64_t i = 0; i < gemma->streams - 1; i++)
        x = hl_add(g, x, slice(g, rest, i));
    return hl_scale(g, x);
}

void hl_arch_gemma3n(struct hl_builder *b)
{
    struct hl_graph *g = &b->graph;
    const homelab_gguf *gguf = b->model->gguf;
    struct gemma gemma = {
        .b = b,
        .streams = hl_gguf_arch_int(gguf, "altup.num_inputs", STREAMS),
        .active = hl_gguf_arch_int(gguf, "altup.active_idx", 0),
        .per_layer = hl_gguf_arch_int(gguf, "embedding_length_per_layer_input", PER_LAYER),
    };
    if (gemma.streams < 2 || gemma.streams > 64 || gemma.active < 0 ||
        gemma.active >= gemma.streams) {
        g->bad = true;
        return;
    }
    struct hl_node *x = hl_scale(g, hl_build_embedding(b));
    hl_build_attention_inputs(b);
    gemma.inputs = layer_inputs(&gemma, x);
    x = stack(&gemma, x);
    for (int64_t il = 0; il < b->model->layers; il++)
        x = layer(&gemma, x, il);
    x = merge(&gemma, x);
    x = hl_get_rows(g, x, hl_build_output_rows(b));
    hl_build_output(b, x, HL_NORM_RMS);
}
