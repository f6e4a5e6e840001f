#include "vram/projector_build.h"

#include <stdio.h>

struct hl_node *hl_vision_weight(struct hl_vision *v, const char *name)
{
    const struct hl_gguf_tensor *tensor = hl_gguf_tensor(v->gguf, name);
    if (!tensor)
        return NULL;
    struct hl_node *node = hl_leaf(&v->graph, tensor->type, tensor->ne[0], tensor->ne[1],
                                   tensor->ne[2], tensor->ne[3]);
    node->flags |= HL_NODE_WEIGHT;
    node->home = 0;
    return node;
}

struct hl_node *hl_vision_layer_weight(struct hl_vision *v, int64_t layer, const char *what)
{
    char name[96];
    snprintf(name, sizeof(name), "v.blk.%lld.%s", (long long)layer, what);
    return hl_vision_weight(v, name);
}

/* A weight that the kind cannot do without. */
static struct hl_node *needed(struct hl_vision *v, struct hl_node *weight)
{
    if (weight)
        return weight;
    v->graph.bad = true;
    return &v->graph.spare;
}

struct hl_node *hl_vision_linear(struct hl_vision *v, struct hl_node *weight, struct hl_node *bias,
                                 struct hl_node *x)
{
    x = hl_mul_mat(&v->graph, needed(v, weight), x);
    return bias ? hl_add(&v->graph, x, bias) : x;
}

struct hl_node *hl_vision_norm(struct hl_vision *v, struct hl_node *x, struct hl_node *weight,
                               struct hl_node *bias, enum hl_vision_norm kind)
{
    x = hl_map(&v->graph, kind == HL_VISION_NORM_RMS ? HL_OP_RMS_NORM : HL_OP_NORM, x, NULL, NULL);
    if (weight)
        x = hl_mul(&v->graph, x, weight);
    return bias ? hl_add(&v->graph, x, bias) : x;
}

static struct hl_node *named(struct hl_vision *v, const char *layer, const char *what)
{
    char name[96];
    snprintf(name, sizeof(name), "%s.%s", layer, what);
    return hl_vision_weight(v, name);
}

struct hl_node *hl_vision_mlp(struct hl_vision *v, struct hl_node *x, const char *first,
                              const char *second)
{
    x = hl_vision_linear(v, named(v, first, "weight"), named(v, first, "bias"), x);
    x = hl_unary(&v->graph, x);
    return hl_vision_linear(v, named(v, second, "weight"), named(v, second, "bias"), x);
}

/* --- From pixels to patches --- */

struct hl_node *hl_vision_pixels(struct hl_vision *v)
{
    return hl_input(&v->graph, HL_GGML_F32, v->image, v->image, 3, 1);
}

/* Source: ggml_conv_2d(), ggml/src/ggml.c. */
struct hl_node *hl_vision_convolve(struct hl_vision *v, struct hl_node *kernel,
                                   struct hl_node *pixels)
{
    struct hl_graph *graph = &v->graph;
    kernel = needed(v, kernel);
    int64_t taps = kernel->ne[0] * kernel->ne[1] * kernel->ne[2];
    struct hl_node *columns = hl_cast(graph, hl_make(graph, HL_OP_NONE, taps, v->side, v->side, 1),
                                      kernel->type == HL_GGML_BF16 ? HL_GGML_F32 : HL_GGML_F16);
    columns->op = HL_OP_IM2COL;
    columns->src[0] = kernel;
    columns->src[1] = pixels;
    struct hl_node *x = hl_mul_mat(graph, hl_reshape(graph, columns, taps, v->patches, 1, 1),
                                   hl_reshape(graph, kernel, taps, kernel->ne[3], 1, 1));
    x = hl_reshape(graph, x, v->side, v->side, 1, kernel->ne[3]);
    return hl_cont(graph, hl_permute(graph, x, 0, 1, 3, 2));
}

struct hl_node *hl_vision_patches(struct hl_vision *v)
{
    struct hl_graph *graph = &v->graph;
    struct hl_node *x =
        hl_vision_convolve(v, hl_vision_weight(v, "v.patch_embd.weight"), hl_vision_pixels(v));
    x = hl_reshape(graph, x, v->patches, v->embd, 1, 1);
    x = hl_cont(graph, hl_transpose(graph, x));
    struct hl_node *bias = hl_vision_weight(v, "v.patch_embd.bias");
    return bias ? hl_add(graph, x, bias) : x;
}

/* --- The encoder --- */

static struct hl_node *linear(struct hl_vision *v, struct hl_node *x, int64_t layer,
                              const char *name)
{
    char weight[48], bias[48];
    snprintf(weight, sizeof(weight), "%s.weight", name);
    snprintf(bias, sizeof(bias), "%s.bias", name);
    return hl_vision_linear(v, hl_vision_layer_weight(v, layer, weight),
                            hl_vision_layer_weight(v, layer, bias), x);
}

static struct hl_node *norm(struct hl_vision *v, struct hl_node *x, int64_t layer, const char *name,
                            enum hl_vision_norm kind)
{
    char weight[48], bias[48];
    snprintf(weight, sizeof(weight), "%s.weight", name);
    snprintf(bias, sizeof(bias), "%s.bias", name);
    return hl_vision_norm(v, x, hl_vision_layer_weight(v, layer, weight),
                          hl_vision_layer_weight(v, layer, bias), kind);
}

static struct hl_node *with_flash(struct hl_vision *v, struct hl_node *q, struct hl_node *k,
                                  struct hl_node *value, struct hl_node *mask)
{
    struct hl_graph *graph = &v->graph;
    value = hl_permute(graph, value, 0, 2, 1, 3);
    k = hl_cast(graph, k, HL_GGML_F16);
    value = hl_cast(graph, value, HL_GGML_F16);
    struct hl_node *x = hl_flash_attn(graph, q, k, value, mask, NULL);
    return hl_reshape(graph, x, x->ne[0] * x->ne[1], x->ne[2] * x->ne[3], 1, 1);
}

static struct hl_node *without_flash(struct hl_vision *v, struct hl_node *q, struct hl_node *k,
                                     struct hl_node *value, struct hl_node *mask)
{
    struct hl_graph *graph = &v->graph;
    value = hl_cont(graph, hl_permute(graph, value, 1, 2, 0, 3));
    struct hl_node *scores = hl_soft_max(graph, hl_mul_mat(graph, k, q), mask, NULL);
    struct hl_node *x = hl_permute(graph, hl_mul_mat(graph, value, scores), 0, 2, 1, 3);
    return hl_cont_4d(graph, x, x->ne[0] * x->ne[1], x->ne[2] * x->ne[3], 1, 1);
}

static struct hl_node *attend(struct hl_vision *v, struct hl_node *q, struct hl_node *k,
                              struct hl_node *value, struct hl_node *mask)
{
    struct hl_graph *graph = &v->graph;
    hl_graph_add(graph, q);
    hl_graph_add(graph, k);
    hl_graph_add(graph, value);
    q = hl_permute(graph, q, 0, 2, 1, 3);
    k = hl_permute(graph, k, 0, 2, 1, 3);
    return (v->flash ? with_flash : without_flash)(v, q, k, value, mask);
}

static struct hl_node *rotated(struct hl_vision *v, const struct hl_encoder *encoder,
                               struct hl_node *x)
{
    return encoder->rotate ? encoder->rotate(v, x, encoder->rotations) : x;
}

/* A third of the fused projection's rows. */
static struct hl_node *part(struct hl_vision *v, struct hl_node *qkv, int64_t positions, int64_t i)
{
    return hl_view_3d(&v->graph, qkv, v->head_size, v->heads, positions,
                      hl_row_bytes(qkv->type, v->head_size), qkv->nb[1],
                      hl_row_bytes(qkv->type, i * v->heads * v->head_size));
}

static struct hl_node *split_heads(struct hl_vision *v, struct hl_node *x, int64_t positions)
{
    return hl_reshape(&v->graph, x, v->head_size, v->heads, positions, 1);
}

static struct hl_node *self_attention(struct hl_vision *v, const struct hl_encoder *encoder,
                                      struct hl_node *x, int64_t layer)
{
    struct hl_node *q, *k, *value;
    if (hl_vision_layer_weight(v, layer, "attn_qkv.weight")) {
        struct hl_node *qkv = linear(v, x, layer, "attn_qkv");
        q = part(v, qkv, encoder->positions, 0);
        k = part(v, qkv, encoder->positions, 1);
        value = part(v, qkv, encoder->positions, 2);
    } else {
        q = linear(v, x, layer, "attn_q");
        k = linear(v, x, layer, "attn_k");
        value = linear(v, x, layer, "attn_v");
        q = split_heads(v, q, encoder->positions);
        k = split_heads(v, k, encoder->positions);
        value = split_heads(v, value, encoder->positions);
    }
    q = rotated(v, encoder, q);
    k = rotated(v, encoder, k);
    bool windowed = v->window_pattern > 0 && (layer + 1) % v->window_pattern != 0;
    x = attend(v, q, k, value, windowed ? encoder->mask : NULL);
    return linear(v, x, layer, "attn_out");
}

static struct hl_node *feed_forward(struct hl_vision *v, struct hl_node *x, int64_t layer)
{
    struct hl_node *up = linear(v, x, layer, "ffn_up");
    if (hl_vision_layer_weight(v, layer, "ffn_gate.weight"))
        x = hl_glu(&v->graph, linear(v, x, layer, "ffn_gate"), up);
    else
        x = hl_unary(&v->graph, up);
    return linear(v, x, layer, "ffn_down");
}

static struct hl_node *scaled(struct hl_vision *v, struct hl_node *x, int64_t layer,
                              const char *name)
{
    struct hl_node *scale = hl_vision_layer_weight(v, layer, name);
    return scale ? hl_mul(&v->graph, x, scale) : x;
}

struct hl_node *hl_vision_encode(struct hl_vision *v, struct hl_node *x,
                                 const struct hl_encoder *encoder)
{
    struct hl_graph *graph = &v->graph;
    if (encoder->learned)
        x = hl_add(graph, x, encoder->learned);
    struct hl_node *before = hl_vision_weight(v, "v.pre_ln.weight");
    if (before)
        x = hl_vision_norm(v, x, before, hl_vision_weight(v, "v.pre_ln.bias"), encoder->norm);
    for (int64_t layer = 0; layer < encoder->layers; layer++) {
        struct hl_node *y = norm(v, x, layer, "ln1", encoder->norm);
        y = scaled(v, self_attention(v, encoder, y, layer), layer, "ls1.weight");
        x = hl_add(graph, y, x);
        y = norm(v, x, layer, "ln2", encoder->norm);
        y = scaled(v, feed_forward(v, y, layer), layer, "ls2.weight");
        x = hl_add(graph, x, y);
        if (encoder->after_layer)
            encoder->after_layer(v, x, layer, encoder->userdata);
    }
    struct hl_node *after = hl_vision_weight(v, "v.post_ln.weight");
    if (after)
        x = hl_vision_norm(v, x, after, hl_vision_weight(v, "v.post_ln.bias"), encoder->norm);
    return x;
}
