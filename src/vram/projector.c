#include "vram/projector.h"

#include "core/error.h"
#include "vram/projector_build.h"
#include "vram/sched.h"

#include <string.h>

/* Of a projector of an unknown kind: its layers' activations for its own image size, without
 * flash attention, as if nothing were ever given back within a layer. */
#define BOUND_ACTIVATIONS 16

bool hl_projector_is(const homelab_gguf *gguf)
{
    return strcmp(gguf->architecture, "clip") == 0;
}

static int64_t vision_int(const homelab_gguf *gguf, const char *name, int64_t other)
{
    return hl_gguf_int(hl_gguf_key(gguf, name), 0, other);
}

static int64_t warm_up_image(const struct hl_vision *v, const struct hl_projector_kind *kind)
{
    if (kind && kind->warm_up_side)
        return kind->warm_up_side * v->patch * v->merge;
    return vision_int(v->gguf, "clip.vision.image_size", 0);
}

static int check(const char *name, int64_t value, int64_t most)
{
    if (value > 0 && value <= most)
        return 0;
    return hl_error_set(HOMELAB_E_INVALID, 0, name,
                        "projector: found %s = %lld, expected 1 to %lld", name, (long long)value,
                        (long long)most);
}

static int vision_init(struct hl_vision *v, const homelab_gguf *gguf,
                       const struct hl_projector_kind *kind)
{
    *v = (struct hl_vision){.gguf = gguf};
    v->patch = vision_int(gguf, "clip.vision.patch_size", 0);
    v->embd = vision_int(gguf, "clip.vision.embedding_length", 0);
    v->heads = vision_int(gguf, "clip.vision.attention.head_count", 0);
    v->layers = vision_int(gguf, "clip.vision.block_count", 0);
    v->projection = vision_int(gguf, "clip.vision.projection_dim", 0);
    v->window_pattern = vision_int(gguf, "clip.vision.n_wa_pattern", 0);
    v->merge = kind ? vision_int(gguf, kind->merge_key, kind->merge) : 1;
    int code = check("clip.vision.patch_size", v->patch, 1024);
    if (!code)
        code = check("clip.vision.embedding_length", v->embd, 1 << 20);
    if (!code)
        code = check("clip.vision.attention.head_count", v->heads, v->embd);
    if (!code)
        code = check("clip.vision.block_count", v->layers, 1024);
    if (!code && kind)
        code = check(kind->merge_key, v->merge, 64);
    if (code)
        return code;
    v->head_size = vision_int(gguf, "clip.vision.attention.head_dim", v->embd / v->heads);
    v->image = warm_up_image(v, kind);
    code = check("clip.vision.image_size", v->image, 1 << 14);
    if (code)
        return code;
    v->side = v->image / v->patch;
    v->patches = v->side * v->side;
    return check("clip.vision.patch_size", v->patches, 1 << 20);
}

static uint64_t weights_of(const homelab_gguf *gguf)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < gguf->tensor_count; i++)
        bytes += gguf->tensors[i].bytes;
    return bytes;
}

/* Lets the kind's graph be made with or without flash attention, and measures it. on_device tells
 * whether all flash attention runs where the weights are. */
static int measure_graph(struct hl_vision *v, const struct hl_projector_kind *kind,
                         const struct hl_backends *backends, struct hl_arena *arena,
                         uint64_t sizes[HL_BACKENDS], bool *on_device)
{
    hl_arena_reset(arena);
    hl_graph_init(&v->graph, arena);
    hl_graph_add(&v->graph, kind->build(v));
    int code = hl_graph_status(&v->graph);
    if (code)
        return code;
    const struct hl_node *const *nodes = (const struct hl_node *const *)v->graph.nodes;
    *on_device = true;
    for (size_t i = 0; i < v->graph.node_count; i++) {
        if (nodes[i]->op == HL_OP_FLASH_ATTN && !hl_backend_supports(backends, 0, nodes[i]))
            *on_device = false;
    }
    struct hl_sched sched = {.backends = backends, .copies = 1, .op_offload = true};
    return hl_sched_measure(&sched, &v->graph, sizes);
}

static int measure_kind(struct hl_measure *out, struct hl_vision *v,
                        const struct hl_projector_kind *kind, const struct hl_backends *backends,
                        enum hl_switch flash)
{
    struct hl_arena arena;
    hl_arena_init(&arena);
    bool on_device;
    v->flash = flash != HL_OFF;
    int code = measure_graph(v, kind, backends, &arena, out->usage.compute, &on_device);
    if (!code && flash == HL_AUTO && !on_device) {
        v->flash = false;
        memset(out->usage.compute, 0, sizeof(out->usage.compute));
        code = measure_graph(v, kind, backends, &arena, out->usage.compute, &on_device);
    }
    out->flash = v->flash;
    hl_arena_free(&arena);
    if (code == HOMELAB_E_NOMEM)
        return hl_error_nomem();
    if (code)
        return hl_error_set(code, 0, kind->name,
                            "projector '%s': its tensors do not fit its kind's graph", kind->name);
    return 0;
}

static void bound(struct hl_measure *out, const struct hl_vision *v)
{
    int64_t tokens = v->patches + 1;
    int64_t scores = tokens * tokens * v->heads * 2;
    int64_t activations = tokens * v->embd * BOUND_ACTIVATIONS;
    out->usage.compute[0] += (uint64_t)(scores + activations) * 4;
    out->confidence = HL_CONFIDENCE_BOUND;
}

int hl_projector_measure(struct hl_measure *out, const homelab_gguf *gguf,
                         const struct hl_backends *backends, enum hl_switch flash)
{
    const char *name = hl_gguf_text(hl_gguf_key(gguf, "clip.projector_type"));
    if (!name)
        name = hl_gguf_text(hl_gguf_key(gguf, "clip.vision.projector_type"));
    const struct hl_projector_kind *kind = name ? hl_projector_kind(name) : NULL;
    struct hl_vision v;
    *out = (struct hl_measure){.backends = backends->count};
    int code = vision_init(&v, gguf, kind);
    if (code)
        return code;
    out->usage.weights[0] = weights_of(gguf);
    if (kind)
        return measure_kind(out, &v, kind, backends, flash);
    bound(out, &v);
    return 0;
}
