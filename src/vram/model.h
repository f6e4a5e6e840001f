/* What a model file says about its model, and where its weights go. Immutable once loaded; the
 * gguf has to outlive it. */
#ifndef HL_VRAM_MODEL_H
#define HL_VRAM_MODEL_H

#include "vram/arena.h"
#include "vram/gguf.h"

enum hl_weight_id {
#define HL_WEIGHT(symbol, name) HL_W_##symbol,
#include "vram/weights.def"
#undef HL_WEIGHT
    HL_W_COUNT
};

enum hl_global_id {
#define HL_GLOBAL(symbol, name, place) HL_G_##symbol,
#include "vram/weights_global.def"
#undef HL_GLOBAL
    HL_G_COUNT
};

enum hl_weight_place {
    HL_PLACE_BLOCK,
    HL_PLACE_INPUT,
    HL_PLACE_FIRST,
    HL_PLACE_OUTPUT,
    HL_PLACE_EVERY,
    HL_PLACE_UNUSED, /* in the file, but not loaded */
};

struct hl_weight {
    const struct hl_gguf_tensor *tensor;
    enum hl_weight_place place;
    int block;   /* of HL_PLACE_BLOCK */
    bool expert; /* moved to the CPU by --n-cpu-moe */
};

/* What differs from layer to layer. */
struct hl_layer {
    int64_t heads, kv_heads, ff;
    bool swa;       /* attends to a window only */
    bool attention; /* has keys and values, of its own or another layer's */
    bool cache;     /* has them of its own */
    bool recurrent; /* has a state */
    int64_t experts_used;
};

enum hl_pooling {
    HL_POOLING_NONE = 0,
    HL_POOLING_MEAN = 1,
    HL_POOLING_CLS = 2,
    HL_POOLING_LAST = 3,
    HL_POOLING_RANK = 4,
};

struct hl_arch;

struct hl_model {
    struct hl_arena arena;
    const homelab_gguf *gguf;
    const struct hl_arch *arch; /* NULL: unknown */
    int64_t layers, embd, vocab, context_trained;
    struct hl_layer *layer; /* one each */
    int64_t head_k, head_v, head_k_swa, head_v_swa, rot, rot_swa;
    int64_t window;           /* of sliding-window layers; 0: there are none */
    int64_t positions;        /* numbers per token's position */
    int64_t context_original; /* from which long-context factors apply */
    int64_t experts, expert_ff, experts_shared, expert_groups, expert_groups_used;
    int64_t expert_gating; /* as the file numbers it, 0 where it does not say */
    double expert_scale;
    bool expert_norm;
    int64_t dense_lead; /* leading layers without experts */
    int64_t lora_q, lora_kv, head_k_mla, head_v_mla;
    bool mla;
    int64_t conv, inner, state, rank, groups; /* ssm.… */
    int64_t deepstack;        /* first layers that get an input of their own from outside */
    int64_t shortconv;        /* taps of short convolutions */
    int64_t state_r, state_s; /* floats of a recurrent layer's two states */
    bool causal;
    enum hl_pooling pooling;
    double attention_softcap, final_softcap, embedding_scale, residual_scale, logit_scale;
    double attention_scale, attention_temperature, clamp_kqv, alibi;
    struct hl_weight *weights; /* in the order of the file */
    size_t weight_count;
    int32_t *block_weights; /* [layers * HL_W_COUNT], -1: not there */
    int32_t global_weights[HL_G_COUNT];
};

/* 0 or a code with an error record. */
int hl_model_init(struct hl_model *model, const homelab_gguf *gguf);
void hl_model_free(struct hl_model *model);

/* NULL: the model has no such tensor. */
const struct hl_weight *hl_model_block_weight(const struct hl_model *model, int64_t layer,
                                              enum hl_weight_id id);
const struct hl_weight *hl_model_global_weight(const struct hl_model *model, enum hl_global_id id);

/* Head sizes and cache widths of a layer, in elements. */
int64_t hl_model_head_k(const struct hl_model *model, int64_t layer);
int64_t hl_model_head_v(const struct hl_model *model, int64_t layer);
int64_t hl_model_rot(const struct hl_model *model, int64_t layer);
int64_t hl_model_k_width(const struct hl_model *model, int64_t layer);
int64_t hl_model_v_width(const struct hl_model *model, int64_t layer);
int64_t hl_model_v_width_max(const struct hl_model *model);

#endif
