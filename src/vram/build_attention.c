#include "vram/build.h"

/* --- Queries, keys, values --- */

static struct hl_node *heads_of(struct hl_builder *b, struct hl_node *x, int64_t size,
                                int64_t heads)
{
    return hl_reshape(&b->graph, x, size, heads, b->tokens, 1);
}

static struct hl_node *projected(struct hl_builder *b, struct hl_node *x, int64_t layer,
                                 enum hl_weight_id weight, enum hl_weight_id bias)
{
    x = hl_build_linear(b, hl_block_weight(b, layer, weight), hl_block_weight(b, layer, bias), x);
    if (b->model->clamp_kqv > 0)
        x = hl_map(&b->graph, HL_OP_CLAMP, x, NULL, NULL);
    return x;
}

static struct hl_node *part(struct hl_builder *b, struct hl_node *qkv, int64_t size, int64_t heads,
                            int64_t from)
{
    return hl_view_3d(&b->graph, qkv, size, heads, b->tokens, hl_row_bytes(qkv->type, size),
                      qkv->nb[1], hl_row_bytes(qkv->type, from));
}

struct hl_qkv hl_build_qkv(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    const struct hl_layer *layer = &b->model->layer[il];
    int64_t head_k = hl_model_head_k(b->model, il), head_v = hl_model_head_v(b->model, il);
    int64_t heads = layer->heads, kv_heads = layer->kv_heads;
    if (W(ATTN_QKV)) {
        struct hl_node *qkv = projected(b, x, il, HL_W_ATTN_QKV, HL_W_ATTN_QKV_B);
        return (struct hl_qkv){part(b, qkv, head_k, heads, 0),
                               part(b, qkv, head_k, kv_heads, head_k * heads),
                               part(b, qkv, head_v, kv_heads, head_k * (heads + kv_heads))};
    }
    struct hl_node *q = projected(b, x, il, HL_W_ATTN_Q, HL_W_ATTN_Q_B);
    struct hl_node *k = projected(b, x, il, HL_W_ATTN_K, HL_W_ATTN_K_B);
    struct hl_node *v = projected(b, x, il, HL_W_ATTN_V, HL_W_ATTN_V_B);
    return (struct hl_qkv){heads_of(b, q, head_k, heads), heads_of(b, k, head_k, kv_heads),
                           heads_of(b, v, head_v, kv_heads)};
}

struct hl_node *hl_build_rope(struct hl_builder *b, struct hl_node *x, struct hl_node *factors)
{
    return hl_map(&b->graph, HL_OP_ROPE, x, hl_build_positions(b), factors);
}

struct hl_node *hl_build_rope_factors(struct hl_builder *b, int64_t il)
{
    struct hl_node *factors = hl_global_weight(b, HL_G_ROPE_FREQS, il);
    if (factors)
        return factors;
    bool large = b->run->context_seq > b->model->context_original;
    return hl_global_weight(b, large ? HL_G_ROPE_LONG : HL_G_ROPE_SHORT, il);
}

/* --- The cache --- */

/* Which cells' keys a layer reads: its own, or, where it has none, those of the last layer of its
 * kind that has. */
static int64_t cache_layer(const struct hl_builder *b, int64_t layer)
{
    const struct hl_layer *layers = b->model->layer;
    for (int64_t i = layer; i >= 0; i--) {
        if (layers[i].cache && layers[i].swa == layers[layer].swa)
            return i;
    }
    return layer;
}

/* Rows of the batch: heads of a token side by side. */
static struct hl_node *token_rows(struct hl_builder *b, struct hl_node *x)
{
    return hl_view_2d(&b->graph, x, x->ne[0] * x->ne[1], x->ne[2], x->nb[2], 0);
}

static struct hl_node *all_streams(struct hl_builder *b, struct hl_node *cache)
{
    if (cache->ne[2] <= 1)
        return cache;
    return hl_reshape(&b->graph, cache, cache->ne[0], cache->ne[1] * cache->ne[2], 1, 1);
}

static void store_k(struct hl_builder *b, struct hl_node *cache, struct hl_node *k,
                    struct hl_node *rows)
{
    struct hl_node *flat = token_rows(b, k);
    hl_graph_add(&b->graph, hl_set_rows(&b->graph, all_streams(b, cache), flat, rows));
}

/* Without flash attention the cache of values is transposed, and each element is a row. */
static void store_v(struct hl_builder *b, struct hl_node *cache, struct hl_node *v,
                    struct hl_node *rows)
{
    struct hl_graph *g = &b->graph;
    if (!b->run->v_transposed) {
        struct hl_node *flat = token_rows(b, v);
        hl_graph_add(g, hl_set_rows(g, all_streams(b, cache), flat, rows));
        return;
    }
    int64_t width = v->ne[0] * v->ne[1], tokens = v->ne[2];
    if (v->nb[2] == hl_row_bytes(v->type, width))
        v = hl_reshape(g, v, width, tokens, 1, 1);
    else
        v = hl_cont_4d(g, v, width, tokens, 1, 1);
    if (width < cache->ne[0])
        v = hl_pad(g, v, cache->ne[0], tokens);
    struct hl_node *cells = hl_reshape(g, cache, 1, hl_node_elements(cache), 1, 1);
    v = hl_reshape(g, v, 1, hl_node_elements(v), 1, 1);
    hl_graph_add(g, hl_set_rows(g, cells, v, rows));
}

static struct hl_node *load_k(struct hl_builder *b, struct hl_node *cache, int64_t layer)
{
    int64_t head = hl_model_head_k(b->model, layer), heads = b->model->layer[layer].kv_heads;
    const int64_t ne[4] = {head, heads, cache->ne[1], cache->ne[2]};
    return hl_view_4d(&b->graph, cache, ne, hl_row_bytes(cache->type, head), cache->nb[1],
                      cache->nb[2], 0);
}

static struct hl_node *load_v(struct hl_builder *b, struct hl_node *cache, int64_t layer)
{
    int64_t head = hl_model_head_v(b->model, layer), heads = b->model->layer[layer].kv_heads;
    int64_t cells = cache->ne[1];
    if (!b->run->v_transposed) {
        const int64_t ne[4] = {head, heads, cells, cache->ne[2]};
        return hl_view_4d(&b->graph, cache, ne, hl_row_bytes(cache->type, head), cache->nb[1],
                          cache->nb[2], 0);
    }
    const int64_t ne[4] = {cells, heads, head, cache->ne[2]};
    return hl_view_4d(&b->graph, cache, ne, hl_row_bytes(cache->type, cells * head),
                      hl_row_bytes(cache->type, cells), cache->nb[2], 0);
}

/* --- Attention --- */

static struct hl_node *as_f16(struct hl_builder *b, struct hl_node *x)
{
    return x->type == HL_GGML_F32 ? hl_cast(&b->graph, x, HL_GGML_F16) : x;
}

static struct hl_node *flash(struct hl_builder *b, const struct hl_attention *attention,
                             struct hl_qkv qkv, struct hl_node *mask)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *x =
        hl_flash_attn(g, qkv.q, as_f16(b, qkv.k), as_f16(b, qkv.v), mask, attention->sinks);
    if (b->model->alibi > 0)
        x->flags |= HL_NODE_ALIBI;
    b->flash_nodes[attention->layer] = x;
    if (attention->v_mla) {
        x = hl_mul_mat(g, attention->v_mla, hl_permute(g, x, 0, 2, 1, 3));
        x = hl_cont(g, hl_permute(g, x, 0, 2, 1, 3));
    }
    return hl_reshape(g, x, x->ne[0] * x->ne[1], x->ne[2] * x->ne[3], 1, 1);
}

static struct hl_node *in_steps(struct hl_builder *b, const struct hl_attention *attention,
                                struct hl_qkv qkv, struct hl_node *mask, bool transposed)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *scores = hl_mul_mat(g, qkv.k, qkv.q);
    if (b->model->attention_softcap != 0)
        scores = hl_scale(g, hl_unary(g, hl_scale(g, scores)));
    scores = hl_soft_max(g, scores, mask, attention->sinks);
    struct hl_node *v = transposed ? qkv.v : hl_cont(g, hl_transpose(g, qkv.v));
    struct hl_node *x = hl_mul_mat(g, v, scores);
    if (attention->v_mla)
        x = hl_mul_mat(g, attention->v_mla, x);
    x = hl_permute(g, x, 0, 2, 1, 3);
    x = hl_cont_4d(g, x, x->ne[0] * x->ne[1], x->ne[2] * x->ne[3], 1, 1);
    if (b->pinned && !b->run->request->kv_offload)
        x->backend = (int16_t)(b->run->backends.count - 1);
    return x;
}

static struct hl_node *attend(struct hl_builder *b, const struct hl_attention *attention,
                              struct hl_qkv qkv, struct hl_node *mask)
{
    struct hl_graph *g = &b->graph;
    bool transposed = qkv.v->nb[1] > qkv.v->nb[2];
    int64_t streams = qkv.k->ne[3] > 0 ? qkv.k->ne[3] : 1;
    int64_t tokens = qkv.q->ne[2] / streams;
    const int64_t ne[4] = {qkv.q->ne[0], qkv.q->ne[1], tokens, streams};
    qkv.q = hl_view_4d(g, qkv.q, ne, qkv.q->nb[1], qkv.q->nb[2], qkv.q->nb[2] * tokens, 0);
    qkv.q = hl_permute(g, qkv.q, 0, 2, 1, 3);
    qkv.k = hl_permute(g, qkv.k, 0, 2, 1, 3);
    qkv.v = hl_permute(g, qkv.v, 0, 2, 1, 3);
    struct hl_node *x;
    if (b->flash) {
        if (transposed)
            qkv.v = hl_transpose(g, qkv.v);
        x = flash(b, attention, qkv, mask);
    } else {
        x = in_steps(b, attention, qkv, mask, transposed);
    }
    hl_graph_add(g, x);
    return x;
}

static struct hl_node *rotate(struct hl_builder *b, struct hl_node *x, struct hl_node *matrix)
{
    struct hl_graph *g = &b->graph;
    if (!matrix || !x)
        return x;
    int64_t size = matrix->ne[0], rows = hl_node_elements(x) / size;
    struct hl_node *flat = hl_node_contiguous(x, 0) ? hl_reshape(g, x, size, rows, 1, 1)
                                                    : hl_cont_4d(g, x, size, rows, 1, 1);
    return hl_reshape(g, hl_mul_mat(g, matrix, flat), x->ne[0], x->ne[1], x->ne[2], x->ne[3]);
}

/* What is computed first is computed together, which keeps the number of splits low. */
static void compute_first(struct hl_builder *b, const struct hl_qkv *qkv)
{
    struct hl_graph *g = &b->graph;
    bool window = b->model->window > 0, encoder = b->model->arch->flags & HL_ARCH_ENCODER;
    hl_graph_add(g, qkv->q);
    if (qkv->k && (window || encoder))
        hl_graph_add(g, qkv->k);
    if (qkv->v)
        hl_graph_add(g, qkv->v);
    if (qkv->k)
        hl_graph_add(g, qkv->k);
}

static struct hl_node *through_cache(struct hl_builder *b, const struct hl_attention *attention)
{
    struct hl_graph *g = &b->graph;
    int64_t layer = attention->layer, kept = cache_layer(b, layer);
    const struct hl_attention_inputs *inputs = b->model->layer[layer].swa ? &b->window : &b->all;
    struct hl_node *cache_k = b->cache_k[kept], *cache_v = b->cache_v[kept];
    if (!cache_k || !inputs->made || (!cache_v && !attention->v_mla) ||
        (attention->v_mla && !attention->v)) {
        g->bad = true;
        return attention->q;
    }
    struct hl_qkv qkv = {rotate(b, attention->q, inputs->k_rotation),
                         rotate(b, attention->k, inputs->k_rotation), attention->v};
    if (!attention->v_mla)
        qkv.v = rotate(b, attention->v, inputs->v_rotation);
    compute_first(b, &qkv);
    if (qkv.k)
        store_k(b, cache_k, qkv.k, inputs->k_rows);
    if (qkv.v && cache_v)
        store_v(b, cache_v, qkv.v, inputs->v_rows);
    qkv.k = load_k(b, cache_k, layer);
    if (attention->v_mla) {
        const int64_t ne[4] = {attention->v->ne[0], qkv.k->ne[1], qkv.k->ne[2], qkv.k->ne[3]};
        qkv.v = hl_view_4d(g, qkv.k, ne, qkv.k->nb[1], qkv.k->nb[2], qkv.k->nb[3], 0);
    } else {
        qkv.v = load_v(b, cache_v, layer);
    }
    struct hl_node *x = attend(b, attention, qkv, inputs->mask);
    return attention->v_mla ? x : rotate(b, x, inputs->v_rotation);
}

struct hl_node *hl_build_attention(struct hl_builder *b, const struct hl_attention *attention)
{
    struct hl_node *x;
    if (b->none.made) {
        struct hl_qkv qkv = {attention->q, attention->k, attention->v};
        compute_first(b, &qkv);
        x = attend(b, attention, qkv, b->none.mask);
    } else {
        x = through_cache(b, attention);
    }
    return attention->out ? hl_build_linear(b, attention->out, attention->out_bias, x) : x;
}
