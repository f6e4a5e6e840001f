#include "vram/build.h"

#include <homelab/error.h>

/* --- The builder --- */

static bool take_lists(struct hl_builder *b, struct hl_arena *arena)
{
    size_t layers = (size_t)b->model->layers, node = sizeof(struct hl_node *);
    size_t backends = (size_t)b->run->backends.count;
    b->block_nodes = hl_arena_take(arena, layers * HL_W_COUNT, node);
    b->every_nodes = hl_arena_take(arena, HL_G_COUNT * backends, node);
    b->cache_k = hl_arena_take(arena, layers, node);
    b->cache_v = hl_arena_take(arena, layers, node);
    b->state_r = hl_arena_take(arena, layers, node);
    b->state_s = hl_arena_take(arena, layers, node);
    b->flash_nodes = hl_arena_take(arena, layers, node);
    b->delta_nodes = hl_arena_take(arena, layers, node);
    return !arena->failed;
}

static struct hl_node *memory_leaf(struct hl_builder *b, int64_t layer, uint32_t type, int64_t ne0,
                                   int64_t ne1, int64_t ne2)
{
    struct hl_node *leaf = hl_leaf(&b->graph, type, ne0, ne1, ne2, 1);
    bool offloaded = b->run->request->kv_offload;
    leaf->home = offloaded ? b->run->home[layer] : (int16_t)(b->run->backends.count - 1);
    return leaf;
}

static void make_caches(struct hl_builder *b)
{
    const struct hl_model *model = b->model;
    const struct hl_run *run = b->run;
    if (model->arch->flags & HL_ARCH_ENCODER)
        return;
    for (int64_t il = 0; il < model->layers; il++) {
        const struct hl_layer *layer = &model->layer[il];
        int64_t cells = layer->swa ? run->cells_swa : run->cells;
        if (layer->cache) {
            b->cache_k[il] = memory_leaf(b, il, run->request->type_k, hl_model_k_width(model, il),
                                         cells, run->streams);
            int64_t width =
                run->v_transposed ? hl_model_v_width_max(model) : hl_model_v_width(model, il);
            if (!model->mla)
                b->cache_v[il] =
                    memory_leaf(b, il, run->request->type_v, width, cells, run->streams);
        }
        if (layer->recurrent) {
            b->state_r[il] = memory_leaf(b, il, HL_GGML_F32, model->state_r, run->sequences, 1);
            b->state_s[il] = memory_leaf(b, il, HL_GGML_F32, model->state_s, run->sequences, 1);
        }
    }
}

int hl_builder_init(struct hl_builder *builder, const struct hl_run *run, struct hl_arena *arena,
                    int64_t tokens, int64_t outputs, bool pinned)
{
    int64_t sequences = run->sequences;
    *builder = (struct hl_builder){.run = run,
                                   .model = run->model,
                                   .sequences = sequences,
                                   .outputs = outputs,
                                   .flash = run->flash,
                                   .fused_step = run->fused_step,
                                   .fused_chunk = run->fused_chunk,
                                   .pinned = pinned};
    builder->tokens = (tokens + sequences - 1) / sequences * sequences;
    hl_graph_init(&builder->graph, arena);
    if (!take_lists(builder, arena))
        return HOMELAB_E_NOMEM;
    make_caches(builder);
    return arena->failed ? HOMELAB_E_NOMEM : 0;
}

/* Pooling of the tokens' embeddings into one a sequence. */
static struct hl_node *pool(struct hl_builder *b, struct hl_node *x)
{
    struct hl_graph *g = &b->graph;
    switch (b->model->pooling) {
    case HL_POOLING_MEAN: {
        struct hl_node *mean = hl_input(g, HL_GGML_F32, b->tokens, b->sequences, 1, 1);
        return hl_mul_mat(g, hl_cont(g, hl_transpose(g, x)), mean);
    }
    case HL_POOLING_CLS:
    case HL_POOLING_LAST:
    case HL_POOLING_RANK:
        return hl_get_rows(g, x, hl_input(g, HL_GGML_I32, b->sequences, 1, 1, 1));
    case HL_POOLING_NONE:
        break;
    }
    return x;
}

static struct hl_node *classify(struct hl_builder *b, struct hl_node *x)
{
    struct hl_graph *g = &b->graph;
    if (G(CLS)) {
        x = hl_unary(g, hl_build_linear(b, G(CLS), G(CLS_B), x));
        if (G(CLS_NORM))
            x = hl_build_norm(b, x, G(CLS_NORM), NULL, HL_NORM_LAYER, -1);
    }
    return G(CLS_OUT) ? hl_build_linear(b, G(CLS_OUT), G(CLS_OUT_B), x) : x;
}

int hl_builder_run(struct hl_builder *builder)
{
    struct hl_graph *g = &builder->graph;
    builder->model->arch->build(builder);
    if (builder->run->request->embeddings && builder->embeddings) {
        struct hl_node *pooled = pool(builder, builder->embeddings);
        if (builder->model->pooling == HL_POOLING_RANK)
            pooled = classify(builder, pooled);
        hl_graph_add(g, pooled);
        pooled->flags |= HL_NODE_OUTPUT;
    }
    if (builder->embeddings)
        builder->embeddings->flags |= HL_NODE_OUTPUT;
    if (builder->logits)
        builder->logits->flags |= HL_NODE_OUTPUT;
    return hl_graph_status(g);
}

/* --- Weights --- */

static struct hl_node *weight_leaf(struct hl_builder *b, const struct hl_weight *weight, int home)
{
    const struct hl_gguf_tensor *tensor = weight->tensor;
    struct hl_node *leaf = hl_leaf(&b->graph, tensor->type, tensor->ne[0], tensor->ne[1],
                                   tensor->ne[2], tensor->ne[3]);
    leaf->home = (int16_t)home;
    leaf->flags |= HL_NODE_WEIGHT;
    return leaf;
}

struct hl_node *hl_block_weight(struct hl_builder *b, int64_t layer, enum hl_weight_id id)
{
    const struct hl_weight *weight = hl_model_block_weight(b->model, layer, id);
    if (!weight)
        return NULL;
    struct hl_node **node = &b->block_nodes[layer * HL_W_COUNT + id];
    if (!*node)
        *node = weight_leaf(b, weight, hl_run_weight_home(b->run, weight, layer));
    return *node;
}

struct hl_node *hl_global_weight(struct hl_builder *b, enum hl_global_id id, int64_t layer)
{
    const struct hl_weight *weight = hl_model_global_weight(b->model, id);
    if (!weight)
        return NULL;
    int home = hl_run_weight_home(b->run, weight, layer);
    struct hl_node **node = &b->global_nodes[id];
    if (weight->place == HL_PLACE_EVERY)
        node = &b->every_nodes[(size_t)id * (size_t)b->run->backends.count + (size_t)home];
    if (!*node)
        *node = weight_leaf(b, weight, home);
    return *node;
}

struct hl_node *hl_output_weight(struct hl_builder *b)
{
    bool tied = b->model->arch->flags & HL_ARCH_TIED;
    struct hl_node *output = tied ? NULL : G(OUTPUT);
    if (output)
        return output;
    const struct hl_weight *embedding = hl_model_global_weight(b->model, HL_G_TOKEN_EMBD);
    if (!embedding) {
        b->graph.bad = true;
        return &b->graph.spare;
    }
    if (!b->tied_output)
        b->tied_output = weight_leaf(b, embedding, b->run->home[b->model->layers]);
    return b->tied_output;
}

/* --- Inputs --- */

/* Rows of tokens written into a copy of rows from outside (source: build_inp_embd); a graph has it
 * whether a batch needs it or not. */
static void build_mixed_embedding(struct hl_builder *b, struct hl_node *embedding, int64_t width)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *tokens = hl_input(g, HL_GGML_I32, b->tokens, 1, 1, 1);
    struct hl_node *slots = hl_input(g, HL_GGML_I64, b->tokens, 1, 1, 1);
    struct hl_node *outside = hl_input(g, HL_GGML_F32, width, b->tokens, 1, 1);
    struct hl_node *rows = hl_get_rows(g, embedding, tokens);
    if (width != b->model->embd)
        rows = hl_pad(g, rows, width, b->tokens);
    hl_graph_add(g, hl_set_rows(g, hl_cont(g, outside), rows, slots));
}

struct hl_node *hl_build_embedding(struct hl_builder *b)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *embedding = G(TOKEN_EMBD);
    if (!embedding) {
        g->bad = true;
        return &g->spare;
    }
    struct hl_node *tokens = hl_input(g, HL_GGML_I32, b->tokens, 1, 1, 1);
    struct hl_node *x = hl_get_rows(g, embedding, tokens);
    int64_t width = b->model->embd * (1 + b->model->deepstack);
    if (b->model->deepstack > 0)
        x = hl_pad(g, x, width, b->tokens);
    hl_graph_add(g, x);
    if (b->run->request->behaviour.inputs_twice)
        hl_graph_add(g, hl_input(g, HL_GGML_F32, width, b->tokens, 1, 1));
    if (b->run->request->behaviour.inputs_mixed)
        build_mixed_embedding(b, embedding, width);
    if (b->model->deepstack > 0)
        x = hl_view_2d(g, x, b->model->embd, b->tokens, x->nb[1], 0);
    b->embedded = x;
    if (b->model->embedding_scale != 0)
        x = hl_scale(g, x);
    hl_graph_add(g, x);
    return x;
}

struct hl_node *hl_build_positions(struct hl_builder *b)
{
    if (!b->positions)
        b->positions = hl_input(&b->graph, HL_GGML_I32, b->tokens * b->model->positions, 1, 1, 1);
    return b->positions;
}

struct hl_node *hl_build_output_rows(struct hl_builder *b)
{
    if (!b->output_rows)
        b->output_rows = hl_input(&b->graph, HL_GGML_I32, b->outputs, 1, 1, 1);
    return b->output_rows;
}

struct hl_node *hl_build_attention_scale(struct hl_builder *b)
{
    if (!b->attention_scale)
        b->attention_scale = hl_input(&b->graph, HL_GGML_F32, 1, 1, b->tokens, 1);
    return b->attention_scale;
}

struct hl_node *hl_build_deepstack(struct hl_builder *b, int64_t layer)
{
    struct hl_node *x = b->embedded;
    return hl_view_2d(&b->graph, x, b->model->embd, b->tokens, x->nb[1],
                      (layer + 1) * b->model->embd * x->nb[0]);
}

/* Quantised caches keep keys and values turned by a matrix, where heads are multiples of 64. */
static struct hl_node *rotation(struct hl_builder *b, uint32_t type, int64_t head, bool largest)
{
    if (!hl_type_quantized(type) || head <= 0 || head % 64 != 0)
        return NULL;
    int64_t size = 64;
    while (largest && head % (size * 2) == 0)
        size *= 2;
    return hl_input(&b->graph, HL_GGML_F32, size, size, 1, 1);
}

static void attention_inputs(struct hl_builder *b, struct hl_attention_inputs *inputs, bool swa)
{
    struct hl_graph *g = &b->graph;
    const struct hl_run *run = b->run;
    int64_t cells = swa ? run->cells_swa : run->cells;
    int64_t v_rows = run->v_transposed ? b->tokens * hl_model_v_width_max(b->model) : b->tokens;
    inputs->made = true;
    inputs->k_rows = hl_input(g, HL_GGML_I64, b->tokens, 1, 1, 1);
    if (!b->model->mla)
        inputs->v_rows = hl_input(g, HL_GGML_I64, v_rows, 1, 1, 1);
    inputs->mask = hl_input(g, b->flash ? HL_GGML_F16 : HL_GGML_F32, cells,
                            b->tokens / run->streams, 1, run->streams);
    if (b->model->mla)
        return;
    int64_t head_k = swa ? b->model->head_k_swa : b->model->head_k;
    int64_t head_v = swa ? b->model->head_v_swa : b->model->head_v;
    inputs->k_rotation = rotation(b, run->request->type_k, head_k, true);
    inputs->v_rotation = rotation(b, run->request->type_v, head_v, false);
}

void hl_build_attention_inputs(struct hl_builder *b)
{
    if (b->model->arch->flags & HL_ARCH_ENCODER) {
        b->none.made = true;
        b->none.mask =
            hl_input(&b->graph, b->flash ? HL_GGML_F16 : HL_GGML_F32, b->tokens, b->tokens, 1, 1);
        return;
    }
    attention_inputs(b, &b->all, false);
    if (b->model->window > 0)
        attention_inputs(b, &b->window, true);
}

/* --- Blocks --- */

void hl_build_pin(struct hl_builder *b, struct hl_node *node, int64_t layer)
{
    if (!b->pinned || layer < 0 || (b->tokens >= 32 && !b->run->full_offload))
        return;
    int home = b->run->home[layer];
    if (hl_backend_supports(&b->run->backends, home, node))
        node->backend = (int16_t)home;
}

struct hl_node *hl_build_norm(struct hl_builder *b, struct hl_node *x, struct hl_node *weight,
                              struct hl_node *bias, enum hl_norm kind, int64_t layer)
{
    struct hl_graph *g = &b->graph;
    x = hl_map(g, kind == HL_NORM_RMS ? HL_OP_RMS_NORM : HL_OP_NORM, x, NULL, NULL);
    if (weight || bias)
        hl_build_pin(b, x, layer);
    if (weight)
        x = hl_mul(g, x, weight);
    return bias ? hl_add(g, x, bias) : x;
}

struct hl_node *hl_build_linear(struct hl_builder *b, struct hl_node *weight, struct hl_node *bias,
                                struct hl_node *x)
{
    if (!weight) {
        b->graph.bad = true;
        return x;
    }
    x = hl_mul_mat(&b->graph, weight, x);
    return bias ? hl_add(&b->graph, x, bias) : x;
}

struct hl_node *hl_build_ffn(struct hl_builder *b, struct hl_node *x, const struct hl_ffn *ffn)
{
    struct hl_graph *g = &b->graph;
    struct hl_node *up = ffn->up ? hl_build_linear(b, ffn->up, ffn->up_bias, x) : x;
    struct hl_node *gate = up;
    if (ffn->gate)
        gate = hl_build_linear(b, ffn->gate, ffn->gate_bias, ffn->gate_after_up ? up : x);
    if (ffn->activation == HL_ACT_FUSED_GATE)
        x = hl_glu(g, gate, NULL);
    else if (ffn->activation == HL_ACT_SQUARED)
        x = hl_map(g, HL_OP_SQR, hl_unary(g, gate), NULL, NULL);
    else if (ffn->gate && !ffn->gate_after_up)
        x = hl_glu(g, gate, up);
    else
        x = hl_unary(g, gate);
    return ffn->down ? hl_build_linear(b, ffn->down, ffn->down_bias, x) : x;
}

struct hl_node *hl_build_layer_ffn(struct hl_builder *b, struct hl_node *x, int64_t il)
{
    const struct hl_ffn ffn = {.up = W(FFN_UP),
                               .up_bias = W(FFN_UP_B),
                               .gate = W(FFN_GATE),
                               .gate_bias = W(FFN_GATE_B),
                               .down = W(FFN_DOWN),
                               .down_bias = W(FFN_DOWN_B)};
    return hl_build_ffn(b, x, &ffn);
}

void hl_build_keep_outputs(struct hl_builder *b, int64_t layer, struct hl_node **x,
                           struct hl_node **residual)
{
    if (layer != b->model->layers - 1)
        return;
    struct hl_node *rows = hl_build_output_rows(b);
    *x = hl_get_rows(&b->graph, *x, rows);
    if (residual)
        *residual = hl_get_rows(&b->graph, *residual, rows);
}

void hl_build_draft_input(struct hl_node *x)
{
    x->flags |= HL_NODE_OUTPUT;
}

void hl_build_logits(struct hl_builder *b, struct hl_node *x)
{
    struct hl_graph *g = &b->graph;
    b->embeddings = x;
    x = hl_build_linear(b, hl_output_weight(b), G(OUTPUT_B), x);
    if (b->model->logit_scale != 0)
        x = hl_scale(g, x);
    if (b->model->final_softcap != 0)
        x = hl_scale(g, hl_unary(g, hl_scale(g, x)));
    b->logits = x;
    hl_graph_add(g, x);
}

void hl_build_output(struct hl_builder *b, struct hl_node *x, enum hl_norm kind)
{
    hl_build_logits(b, hl_build_norm(b, x, G(OUTPUT_NORM), G(OUTPUT_NORM_B), kind, -1));
}
