/* The compute graphs of image projectors (sources: llama.cpp, tools/mtmd/clip.cpp and
 * tools/mtmd/models/). As in graph.h nothing returns NULL, except weights that a file lacks. */
#ifndef HL_VRAM_PROJECTOR_BUILD_H
#define HL_VRAM_PROJECTOR_BUILD_H

#include "vram/gguf.h"
#include "vram/graph.h"

enum hl_vision_norm {
    HL_VISION_NORM_LAYER,
    HL_VISION_NORM_RMS,
};

struct hl_vision {
    const homelab_gguf *gguf;
    struct hl_graph graph;
    int64_t image;                /* side of the warm-up image in pixels */
    int64_t patch, side, patches; /* a patch's side in pixels, patches a side, and in all */
    int64_t embd, heads, head_size, layers, merge, projection;
    int64_t window_pattern; /* every so many layers see all, the others a window; 0: all do */
    bool flash;
};

/* How a kind of projector is built, and the image it warms up with. */
struct hl_projector_kind {
    const char *name;      /* clip.projector_type */
    const char *merge_key; /* of the patches of a side that become one token */
    int64_t merge;         /* where the key is missing */
    int64_t warm_up_side;  /* tokens a side; 0: the model's own image size */
    struct hl_node *(*build)(struct hl_vision *v); /* the image's embeddings */
};

/* NULL: unknown. */
const struct hl_projector_kind *hl_projector_kind(const char *name);

/* --- Blocks --- */

struct hl_node *hl_vision_weight(struct hl_vision *v, const char *name);
/* Of a layer of the encoder: what is such as "attn_q.weight". */
struct hl_node *hl_vision_layer_weight(struct hl_vision *v, int64_t layer, const char *what);
struct hl_node *hl_vision_linear(struct hl_vision *v, struct hl_node *weight, struct hl_node *bias,
                                 struct hl_node *x);
struct hl_node *hl_vision_norm(struct hl_vision *v, struct hl_node *x, struct hl_node *weight,
                               struct hl_node *bias, enum hl_vision_norm kind);
/* Two linear layers, named "mm.0" or so, with an activation in between. */
struct hl_node *hl_vision_mlp(struct hl_vision *v, struct hl_node *x, const char *first,
                              const char *second);
struct hl_node *hl_vision_pixels(struct hl_vision *v);
/* The convolution that makes patches of pixels. */
struct hl_node *hl_vision_convolve(struct hl_vision *v, struct hl_node *kernel,
                                   struct hl_node *pixels);
struct hl_node *hl_vision_patches(struct hl_vision *v); /* [embd, patches] */

struct hl_encoder {
    int64_t positions, layers;
    enum hl_vision_norm norm;
    struct hl_node *learned; /* added to the patches; may be NULL */
    /* Applied to queries and to keys; may be NULL. */
    struct hl_node *(*rotate)(struct hl_vision *v, struct hl_node *x, struct hl_node *positions);
    struct hl_node *rotations; /* the last argument of rotate */
    struct hl_node *mask;      /* of layers that see a window */
    /* Sees each layer's result; may be NULL. */
    void (*after_layer)(struct hl_vision *v, struct hl_node *x, int64_t layer, void *userdata);
    void *userdata;
};

struct hl_node *hl_vision_encode(struct hl_vision *v, struct hl_node *x,
                                 const struct hl_encoder *encoder);

#endif
