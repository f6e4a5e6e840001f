#include "vram/projector_build.h"

#include <string.h>

static struct hl_node *named(struct hl_vision *v, const char *name)
{
    struct hl_node *weight = hl_vision_weight(v, name);
    if (weight)
        return weight;
    v->graph.bad = true;
    return &v->graph.spare;
}

/* Squares of merge by merge patches become one row each. Source: build_patch_merge_permute(). */
static struct hl_node *merge_squares(struct hl_vision *v, struct hl_node *x)
{
    struct hl_graph *graph = &v->graph;
    int64_t rest = v->side % v->merge, padded = v->side + (rest ? v->merge - rest : 0);
    x = hl_reshape(graph, x, v->embd, v->side, v->side, 1);
    if (padded != v->side) {
        struct hl_node *unpadded = x;
        x = hl_make(graph, HL_OP_PAD, v->embd, padded, padded, 1);
        x->src[0] = unpadded;
    }
    int64_t tokens = padded / v->merge;
    x = hl_reshape(graph, x, v->embd * v->merge, tokens, padded, 1);
    x = hl_permute(graph, x, 0, 2, 1, 3);
    x = hl_cont_4d(graph, x, v->embd * v->merge * v->merge, tokens, tokens, 1);
    x = hl_permute(graph, x, 0, 2, 1, 3);
    return hl_cont_4d(graph, x, x->ne[0], x->ne[1] * x->ne[2], 1, 1);
}

/* --- SigLIP. Source: models/siglip.cpp --- */

static struct hl_node *siglip(struct hl_vision *v)
{
    const struct hl_encoder encoder = {
        .positions = v->patches,
        .layers = v->layers,
        .learned = named(v, "v.position_embd.weight"),
    };
    return hl_vision_encode(v, hl_vision_patches(v), &encoder);
}

static struct hl_node *gemma3(struct hl_vision *v)
{
    struct hl_graph *graph = &v->graph;
    struct hl_node *x = hl_transpose(graph, siglip(v));
    x = hl_cont_4d(graph, x, v->side, v->side, v->embd, 1);
    int64_t pooled = v->side / v->merge;
    struct hl_node *pool = hl_make(graph, HL_OP_POOL_2D, pooled, pooled, v->embd, 1);
    pool->src[0] = x;
    x = hl_reshape(graph, pool, pooled * pooled, v->embd, 1, 1);
    x = hl_cont(graph, hl_transpose(graph, x));
    x = hl_vision_norm(v, x, named(v, "mm.soft_emb_norm.weight"), NULL, HL_VISION_NORM_RMS);
    struct hl_node *projection = named(v, "mm.input_projection.weight");
    return hl_mul_mat(graph, hl_cont(graph, hl_transpose(graph, projection)), x);
}

static struct hl_node *idefics3(struct hl_vision *v)
{
    return hl_mul_mat(&v->graph, named(v, "mm.model.fc.weight"), merge_squares(v, siglip(v)));
}

/* --- CLIP with LLaVA's projector. Source: models/llava.cpp --- */

static struct hl_node *llava(struct hl_vision *v)
{
    struct hl_graph *graph = &v->graph;
    struct hl_node *x = hl_vision_patches(v);
    struct hl_node *class = hl_vision_weight(v, "v.class_embd");
    if (class)
        x = hl_concat(graph, x, class, 1);
    struct hl_encoder encoder = {.positions = v->patches + (class ? 1 : 0)};
    encoder.layers = v->layers - 1; /* the features of the last layer but one are taken */
    struct hl_node *positions = hl_input(graph, HL_GGML_I32, encoder.positions, 1, 1, 1);
    encoder.learned = hl_get_rows(graph, named(v, "v.position_embd.weight"), positions);
    x = hl_vision_encode(v, x, &encoder);
    x = hl_reshape(graph, x, x->ne[0], x->ne[1], 1, 1);
    x = hl_get_rows(graph, x, hl_input(graph, HL_GGML_I32, v->patches, 1, 1, 1));
    x = hl_unary(graph,
                 hl_vision_linear(v, named(v, "mm.0.weight"), hl_vision_weight(v, "mm.0.bias"), x));
    struct hl_node *second = hl_vision_weight(v, "mm.2.weight");
    return second ? hl_vision_linear(v, second, hl_vision_weight(v, "mm.2.bias"), x) : x;
}

/* --- Qwen-VL. Sources: models/qwen2vl.cpp, models/qwen3vl.cpp --- */

static struct hl_node *rotate_once(struct hl_vision *v, struct hl_node *x,
                                   struct hl_node *positions)
{
    return hl_map(&v->graph, HL_OP_ROPE, x, positions, NULL);
}

/* Brings the patches of each square of two by two together. */
static struct hl_node *gather_squares(struct hl_vision *v, struct hl_node *x)
{
    struct hl_graph *graph = &v->graph;
    x = hl_cont_4d(graph, x, v->embd * 2, v->side / 2, v->side, 1);
    x = hl_reshape(graph, x, v->embd * 2, v->side / 2, 2, v->side / 2);
    x = hl_permute(graph, x, 0, 2, 1, 3);
    return hl_cont_4d(graph, x, v->embd, v->patches, 1, 1);
}

/* The same picture twice, since the kernel spans two frames of a film. */
static struct hl_node *qwen_patches(struct hl_vision *v)
{
    struct hl_graph *graph = &v->graph;
    struct hl_node *pixels = hl_vision_pixels(v);
    struct hl_node *x = hl_vision_convolve(v, hl_vision_weight(v, "v.patch_embd.weight"), pixels);
    x = hl_add(graph, x,
               hl_vision_convolve(v, hl_vision_weight(v, "v.patch_embd.weight.1"), pixels));
    return gather_squares(v, hl_permute(graph, x, 1, 2, 0, 3));
}

static struct hl_node *by_fours(struct hl_vision *v, struct hl_node *x)
{
    return hl_reshape(&v->graph, x, v->embd * 4, v->patches / 4, 1, 1);
}

static struct hl_node *qwen2(struct hl_vision *v, enum hl_vision_norm norm)
{
    struct hl_graph *graph = &v->graph;
    struct hl_node *x = qwen_patches(v);
    struct hl_encoder encoder = {
        .positions = v->patches, .layers = v->layers, .norm = norm, .rotate = rotate_once};
    encoder.rotations = hl_input(graph, HL_GGML_I32, v->patches * 4, 1, 1, 1);
    bool windows = v->window_pattern > 0;
    if (windows) {
        struct hl_node *order = hl_input(graph, HL_GGML_I32, v->patches / 4, 1, 1, 1);
        encoder.mask = hl_input(graph, HL_GGML_F32, v->patches, v->patches, 1, 1);
        if (v->flash)
            encoder.mask = hl_cast(graph, encoder.mask, HL_GGML_F16);
        x = hl_get_rows(graph, by_fours(v, x), order);
        x = hl_reshape(graph, x, v->embd, v->patches, 1, 1);
    }
    x = by_fours(v, hl_vision_encode(v, x, &encoder));
    x = hl_vision_mlp(v, x, "mm.0", "mm.2");
    if (windows)
        x = hl_get_rows(graph, x, hl_input(graph, HL_GGML_I32, v->patches / 4, 1, 1, 1));
    return x;
}

static struct hl_node *qwen2_vl(struct hl_vision *v)
{
    return qwen2(v, HL_VISION_NORM_LAYER);
}

static struct hl_node *qwen25_vl(struct hl_vision *v)
{
    return qwen2(v, HL_VISION_NORM_RMS);
}

/* --- InternVL. Source: models/internvl.cpp --- */

static struct hl_node *internvl(struct hl_vision *v)
{
    struct hl_graph *graph = &v->graph;
    struct hl_node *class = named(v, "v.class_embd");
    class = hl_repeat(graph, class, class->ne[0], 1, 1, 1);
    struct hl_node *x = hl_concat(graph, hl_vision_patches(v), class, 1);
    /* The large encoder is known by its size only. */
    bool large = v->embd == 3200 && v->layers == 45;
    const struct hl_encoder encoder = {
        .positions = v->patches + 1,
        .layers = v->layers,
        .norm = large ? HL_VISION_NORM_RMS : HL_VISION_NORM_LAYER,
        .learned = named(v, "v.position_embd.weight"),
    };
    x = hl_vision_encode(v, x, &encoder);
    x = hl_view_3d(graph, x, v->embd, v->patches, 1, x->nb[1], x->nb[2], 0);
    x = merge_squares(v, hl_cont(graph, x));
    x = hl_vision_norm(v, x, named(v, "mm.model.mlp.0.weight"),
                       hl_vision_weight(v, "mm.model.mlp.0.bias"), HL_VISION_NORM_LAYER);
    return hl_vision_mlp(v, x, "mm.model.mlp.1", "mm.model.mlp.3");
}

/* --- All --- */

static const struct hl_projector_kind kinds[] = {
    {"mlp", "clip.vision.projector.scale_factor", 1, 0, llava},
    {"gemma3", "clip.vision.projector.scale_factor", 4, 0, gemma3},
    {"idefics3", "clip.vision.projector.scale_factor", 1, 0, idefics3},
    {"internvl", "clip.vision.projector.scale_factor", 1, 0, internvl},
    {"qwen2vl_merger", "clip.vision.spatial_merge_size", 2, 46, qwen2_vl},
    {"qwen2.5vl_merger", "clip.vision.spatial_merge_size", 2, 46, qwen25_vl},
};

const struct hl_projector_kind *hl_projector_kind(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    }
    return NULL;
}
