/* Building blocks of the models' compute graphs: what llama.cpp's models share, in terms of
 * graph.h (sources: llama.cpp, src/llama-graph.cpp, src/llama-kv-cache.cpp). Recipes in arch_*.c
 * put them together. As in graph.h nothing returns NULL, except weights that a model lacks. */
#ifndef HL_VRAM_BUILD_H
#define HL_VRAM_BUILD_H

#include "vram/arch.h"
#include "vram/graph.h"
#include "vram/run.h"

/* What attention over one cache takes from outside. */
struct hl_attention_inputs {
    bool made;
    struct hl_node *k_rows, *v_rows, *mask;
    struct hl_node *k_rotation, *v_rotation; /* of quantised caches; may be NULL */
};

struct hl_builder {
    struct hl_graph graph;
    const struct hl_run *run;
    const struct hl_model *model;
    int64_t tokens, sequences, outputs;
    bool flash, fused_step, fused_chunk; /* one operator for attention; for a delta network */
    bool pinned; /* nodes that llama.cpp wants on their layer's device are put there */
    struct hl_node **block_nodes, *global_nodes[HL_G_COUNT], *tied_output;
    struct hl_node **every_nodes; /* [HL_G_COUNT * backends] of weights with several copies */
    struct hl_node **cache_k, **cache_v, **state_r, **state_s; /* one a layer, or NULL */
    struct hl_node *positions, *output_rows, *attention_scale, *embedded;
    struct hl_attention_inputs all, window, none; /* of the two caches; of models without one */
    struct hl_node *state_rows, *state_rows_main, *state_rows_extra;
    struct hl_node **flash_nodes, **delta_nodes; /* one a layer, or NULL */
    struct hl_node *embeddings, *logits;         /* results */
};

/* A builder for a batch of tokens. The graph's memory comes from the arena. 0 or
 * HOMELAB_E_NOMEM. */
int hl_builder_init(struct hl_builder *builder, const struct hl_run *run, struct hl_arena *arena,
                    int64_t tokens, int64_t outputs, bool pinned);
/* Runs the model's recipe and adds what follows it. 0 or a code, without an error record. */
int hl_builder_run(struct hl_builder *builder);

/* --- Weights: NULL where the model has none --- */

struct hl_node *hl_block_weight(struct hl_builder *b, int64_t layer, enum hl_weight_id id);
/* layer: for weights with a copy on each device, the one of its layer. */
struct hl_node *hl_global_weight(struct hl_builder *b, enum hl_global_id id, int64_t layer);
/* The output layer's matrix, which may be the token embedding's second copy. */
struct hl_node *hl_output_weight(struct hl_builder *b);

/* Shorthand for recipes, which call the builder b and the layer il. */
#define W(id) hl_block_weight(b, il, HL_W_##id)
#define G(id) hl_global_weight(b, HL_G_##id, 0)

/* --- Inputs --- */

struct hl_node *hl_build_embedding(struct hl_builder *b);
struct hl_node *hl_build_positions(struct hl_builder *b);
struct hl_node *hl_build_output_rows(struct hl_builder *b);
/* A factor for the queries of each token. */
struct hl_node *hl_build_attention_scale(struct hl_builder *b);
/* What comes from outside for a layer, beside the embedding. */
struct hl_node *hl_build_deepstack(struct hl_builder *b, int64_t layer);
/* Of the cache that layers without, or with, a window use. */
void hl_build_attention_inputs(struct hl_builder *b);

/* --- Blocks --- */

enum hl_norm {
    HL_NORM_LAYER,
    HL_NORM_RMS,
};

/* Normalises x; layer -1 for what belongs to none. weight and bias may be NULL. */
struct hl_node *hl_build_norm(struct hl_builder *b, struct hl_node *x, struct hl_node *weight,
                              struct hl_node *bias, enum hl_norm kind, int64_t layer);
/* Keeps node on the device of its layer, as llama.cpp does. */
void hl_build_pin(struct hl_builder *b, struct hl_node *node, int64_t layer);
/* weight times x, plus bias unless that is NULL. */
struct hl_node *hl_build_linear(struct hl_builder *b, struct hl_node *weight, struct hl_node *bias,
                                struct hl_node *x);

struct hl_qkv {
    struct hl_node *q, *k, *v;
};

/* Queries, keys and values of a layer as [head size, heads, tokens]. */
struct hl_qkv hl_build_qkv(struct hl_builder *b, struct hl_node *x, int64_t il);
struct hl_node *hl_build_rope(struct hl_builder *b, struct hl_node *x, struct hl_node *factors);
/* The factors for long contexts that a layer uses; may be NULL. */
struct hl_node *hl_build_rope_factors(struct hl_builder *b, int64_t il);

struct hl_attention {
    int64_t layer;
    struct hl_node *q, *k, *v;      /* k and v NULL: another layer's cache is used as it is */
    struct hl_node *sinks;          /* may be NULL */
    struct hl_node *v_mla;          /* keys are values, expanded by this; NULL: not so */
    struct hl_node *out, *out_bias; /* projection of the result; may be NULL */
};

/* Attention through the cache of the layer; in models without one, within the batch. */
struct hl_node *hl_build_attention(struct hl_builder *b, const struct hl_attention *attention);

enum hl_activation {
    HL_ACT_PLAIN,      /* one element, one result: SiLU, GELU, ReLU */
    HL_ACT_SQUARED,    /* ReLU, squared */
    HL_ACT_FUSED_GATE, /* gate and up in the halves of a row */
};

struct hl_ffn {
    struct hl_node *up, *up_bias, *gate, *gate_bias, *down, *down_bias;
    enum hl_activation activation;
    bool gate_after_up; /* the gate is computed from up, and not multiplied with it */
};

struct hl_node *hl_build_ffn(struct hl_builder *b, struct hl_node *x, const struct hl_ffn *ffn);
/* The layer's gate, up and down. */
struct hl_node *hl_build_layer_ffn(struct hl_builder *b, struct hl_node *x, int64_t il);

enum hl_gating {
    HL_GATING_SOFTMAX = 1,
    HL_GATING_SIGMOID = 2,
    HL_GATING_SOFTMAX_WEIGHT = 3, /* of the chosen only */
};

struct hl_moe {
    int64_t layer;
    enum hl_gating gating;
    bool norm;         /* weights of the chosen add up to one */
    bool scaled;       /* and are scaled */
    bool weight_first; /* inputs are weighted instead of results */
    enum hl_activation activation;
};

/* Experts of a layer. */
struct hl_node *hl_build_moe(struct hl_builder *b, struct hl_node *x, const struct hl_moe *moe);
/* The experts that all tokens use. */
struct hl_node *hl_build_shared_expert(struct hl_builder *b, struct hl_node *x, int64_t il);

/* --- States of recurrent layers --- */

/* Which sequences' states are read and written. */
void hl_build_state_inputs(struct hl_builder *b);
/* What reads the states of the batch's sequences from all there are. */
typedef struct hl_node *hl_read_states(struct hl_builder *b, struct hl_node *states,
                                       struct hl_node *rows, void *userdata);
/* Clears the states of new sequences, reads those of the batch, and moves the others. read NULL:
 * rows are taken as they are. */
struct hl_node *hl_build_states(struct hl_builder *b, struct hl_node *all, hl_read_states *read,
                                void *userdata);
/* Mixes each channel with its last values, which it puts into the state; x is [channels, tokens of
 * a sequence, sequences], the result the input of the convolution. */
struct hl_node *hl_build_conv_input(struct hl_builder *b, int64_t layer, struct hl_node *x);
struct hl_node *hl_build_conv(struct hl_builder *b, struct hl_node *input, struct hl_node *kernel);
/* State-space layers of the first and of the second kind. */
struct hl_node *hl_build_mamba(struct hl_builder *b, struct hl_node *x, int64_t il);
struct hl_node *hl_build_mamba2(struct hl_builder *b, struct hl_node *x, int64_t il);

/* A delta network step by step, or chunk by chunk, where there is no operator for all of it: new
 * state in *state, which holds the old one. */
struct hl_delta {
    struct hl_node *q, *k, *v, *decay, *strength, *state;
};

struct hl_node *hl_build_delta(struct hl_builder *b, struct hl_delta *delta);

/* --- Ends --- */

/* At the last layer only the rows that will be read go on. */
void hl_build_keep_outputs(struct hl_builder *b, int64_t layer, struct hl_node **x,
                           struct hl_node **residual);
/* What a drafting layer would start from is kept, so that it can be read. */
void hl_build_draft_input(struct hl_node *x);
/* The output layer, behind the last norm. */
void hl_build_logits(struct hl_builder *b, struct hl_node *x);
/* The last norm and the output layer. */
void hl_build_output(struct hl_builder *b, struct hl_node *x, enum hl_norm kind);

#endif
