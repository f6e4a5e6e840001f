/* Sources: llama.cpp, src/llama-model.cpp (load_hparams), src/llama-hparams.cpp, src/llama-arch.cpp
 * (which tensor belongs to which layer). */
#include "vram/model.h"

#include "core/error.h"
#include "vram/arch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAYERS_MAX 512 /* LLAMA_MAX_LAYERS */
#define FACT_MAX   ((int64_t)1 << 24)
#define WIDTH_MAX  ((int64_t)1 << 18) /* of one layer's keys, or values */
#define STATE_MAX  ((int64_t)1 << 26) /* of one layer's state */
#define TOKENS_MAX ((int64_t)1 << 31)

static const char *const block_names[] = {
#define HL_WEIGHT(symbol, name) name,
#include "vram/weights.def"
#undef HL_WEIGHT
};

static const struct {
    const char *name;
    enum hl_weight_place place;
} globals[] = {
#define HL_GLOBAL(symbol, name, place) {name, HL_PLACE_##place},
#include "vram/weights_global.def"
#undef HL_GLOBAL
};

/* --- Facts --- */

/* Numbers beyond all reason count as 0, which no shape allows. With these bounds no sum of bytes
 * leaves 63 bits. */
static int64_t bounded(int64_t value)
{
    return value >= 0 && value <= FACT_MAX ? value : 0;
}

static int64_t tokens(const struct hl_model *model, const char *key, int64_t other)
{
    int64_t value = hl_gguf_arch_int(model->gguf, key, other);
    return value >= 0 && value <= TOKENS_MAX ? value : 0;
}

static int64_t fact(const struct hl_model *model, const char *key, int64_t other)
{
    return bounded(hl_gguf_arch_int(model->gguf, key, other));
}

static double real_fact(const struct hl_model *model, const char *key, double other)
{
    return hl_gguf_real(hl_gguf_arch_key(model->gguf, key), 0, other);
}

static void layer_facts(struct hl_model *model)
{
    const homelab_gguf *gguf = model->gguf;
    for (int64_t i = 0; i < model->layers; i++) {
        struct hl_layer *layer = &model->layer[i];
        size_t at = (size_t)i;
        layer->heads = bounded(hl_gguf_arch_layer(gguf, "attention.head_count", at, 0));
        layer->kv_heads =
            bounded(hl_gguf_arch_layer(gguf, "attention.head_count_kv", at, layer->heads));
        layer->ff = bounded(hl_gguf_arch_layer(gguf, "feed_forward_length", at, 0));
        layer->experts_used = bounded(hl_gguf_arch_layer(gguf, "expert_used_count", at, 0));
        layer->attention = layer->cache = layer->heads > 0;
    }
}

static void head_facts(struct hl_model *model)
{
    int64_t heads = model->layer[0].heads;
    int64_t size = heads > 0 ? model->embd / heads : 0;
    model->head_k = heads > 0 ? fact(model, "attention.key_length", size) : 0;
    model->head_v = heads > 0 ? fact(model, "attention.value_length", size) : 0;
    model->rot = heads > 0 ? fact(model, "rope.dimension_count", model->head_k) : 0;
    model->head_k_swa = fact(model, "attention.key_length_swa", model->head_k);
    model->head_v_swa = fact(model, "attention.value_length_swa", model->head_v);
    model->rot_swa = fact(model, "rope.dimension_count_swa", model->rot);
    model->head_k_mla = fact(model, "attention.key_length_mla", 0);
    model->head_v_mla = fact(model, "attention.value_length_mla", 0);
    model->mla = model->head_k_mla > 0 && model->head_v_mla > 0;
    model->lora_q = fact(model, "attention.q_lora_rank", 0);
    model->lora_kv = fact(model, "attention.kv_lora_rank", 0);
}

static void expert_facts(struct hl_model *model)
{
    model->experts = fact(model, "expert_count", 0);
    model->expert_ff = fact(model, "expert_feed_forward_length", 0);
    model->experts_shared = fact(model, "expert_shared_count", 0);
    model->expert_groups = fact(model, "expert_group_count", 0);
    model->expert_groups_used = fact(model, "expert_group_used_count", 0);
    model->expert_gating = fact(model, "expert_gating_func", 0);
    model->expert_scale = real_fact(model, "expert_weights_scale", 0);
    model->expert_norm =
        hl_gguf_flag(hl_gguf_arch_key(model->gguf, "expert_weights_norm"), 0, false);
    model->dense_lead = fact(model, "leading_dense_block_count", 0);
}

static void state_facts(struct hl_model *model)
{
    model->conv = fact(model, "ssm.conv_kernel", 0);
    model->inner = fact(model, "ssm.inner_size", 0);
    model->state = fact(model, "ssm.state_size", 0);
    model->rank = fact(model, "ssm.time_step_rank", 0);
    model->groups = fact(model, "ssm.group_count", 0);
    model->shortconv = fact(model, "shortconv.l_cache", 0);
    int64_t taps = model->conv > 0 ? model->conv - 1 : 0;
    model->state_r = taps * (model->inner + 2 * model->groups * model->state);
    model->state_s = model->state * model->inner;
    if (model->shortconv > 0)
        model->state_r = model->embd * (model->shortconv - 1);
}

static void other_facts(struct hl_model *model)
{
    model->context_trained = tokens(model, "context_length", 0);
    model->context_original =
        tokens(model, "rope.scaling.original_context_length", model->context_trained);
    model->causal = hl_gguf_flag(hl_gguf_arch_key(model->gguf, "attention.causal"), 0, true);
    model->pooling = (enum hl_pooling)fact(model, "pooling_type", HL_POOLING_NONE);
    model->attention_softcap = real_fact(model, "attn_logit_softcapping", 0);
    model->final_softcap = real_fact(model, "final_logit_softcapping", 0);
    model->embedding_scale = real_fact(model, "embedding_scale", 0);
    model->residual_scale = real_fact(model, "residual_scale", 0);
    model->logit_scale = real_fact(model, "logit_scale", 0);
    model->attention_scale = real_fact(model, "attention.scale", 0);
    model->attention_temperature = real_fact(model, "attention.temperature_scale", 0);
    model->clamp_kqv = real_fact(model, "attention.clamp_kqv", 0);
    model->alibi = real_fact(model, "attention.max_alibi_bias", 0);
    model->positions = model->arch && (model->arch->flags & HL_ARCH_MROPE) ? 4 : 1;
}

/* --- Weights --- */

static int find_block_name(const char *name)
{
    for (int i = 0; i < HL_W_COUNT; i++) {
        if (strcmp(block_names[i], name) == 0)
            return i;
    }
    return -1;
}

static int find_global_name(const char *name)
{
    for (int i = 0; i < HL_G_COUNT; i++) {
        if (strcmp(globals[i].name, name) == 0)
            return i;
    }
    return -1;
}

static bool is_expert(const char *name)
{
    return strstr(name, "_exps.") != NULL;
}

static void sort_block_weight(struct hl_model *model, struct hl_weight *weight, int32_t at)
{
    char *rest;
    long block = strtol(weight->tensor->name + 4, &rest, 10);
    if (block < 0 || block >= model->layers || *rest != '.') {
        weight->place = HL_PLACE_UNUSED; /* of layers that only draft tokens */
        return;
    }
    weight->place = HL_PLACE_BLOCK;
    weight->block = (int)block;
    weight->expert = is_expert(rest);
    int id = find_block_name(rest + 1);
    if (id >= 0)
        model->block_weights[block * HL_W_COUNT + id] = at;
}

static void sort_weights(struct hl_model *model)
{
    for (size_t i = 0; i < model->weight_count; i++) {
        struct hl_weight *weight = &model->weights[i];
        weight->tensor = &model->gguf->tensors[i];
        if (strncmp(weight->tensor->name, "blk.", 4) == 0) {
            sort_block_weight(model, weight, (int32_t)i);
            continue;
        }
        int id = find_global_name(weight->tensor->name);
        weight->place = id >= 0 ? globals[id].place : HL_PLACE_OUTPUT;
        if (id == HL_G_TOKEN_EMBD_NORM && model->arch && (model->arch->flags & HL_ARCH_NORM_LAST))
            weight->place = HL_PLACE_OUTPUT;
        if (id >= 0)
            model->global_weights[id] = (int32_t)i;
    }
}

const struct hl_weight *hl_model_block_weight(const struct hl_model *model, int64_t layer,
                                              enum hl_weight_id id)
{
    int32_t at = model->block_weights[layer * HL_W_COUNT + id];
    return at >= 0 ? &model->weights[at] : NULL;
}

const struct hl_weight *hl_model_global_weight(const struct hl_model *model, enum hl_global_id id)
{
    int32_t at = model->global_weights[id];
    return at >= 0 ? &model->weights[at] : NULL;
}

/* --- Widths --- */

int64_t hl_model_head_k(const struct hl_model *model, int64_t layer)
{
    return model->layer[layer].swa ? model->head_k_swa : model->head_k;
}

int64_t hl_model_head_v(const struct hl_model *model, int64_t layer)
{
    return model->layer[layer].swa ? model->head_v_swa : model->head_v;
}

int64_t hl_model_rot(const struct hl_model *model, int64_t layer)
{
    return model->layer[layer].swa ? model->rot_swa : model->rot;
}

int64_t hl_model_k_width(const struct hl_model *model, int64_t layer)
{
    return hl_model_head_k(model, layer) * model->layer[layer].kv_heads;
}

int64_t hl_model_v_width(const struct hl_model *model, int64_t layer)
{
    return hl_model_head_v(model, layer) * model->layer[layer].kv_heads;
}

int64_t hl_model_v_width_max(const struct hl_model *model)
{
    int64_t widest = 0;
    for (int64_t i = 0; i < model->layers; i++) {
        int64_t width = hl_model_v_width(model, i);
        if (width > widest)
            widest = width;
    }
    return widest;
}

/* --- Loading --- */

void hl_facts_window(struct hl_model *model, int64_t window, int64_t pattern)
{
    const struct hl_gguf_key *key =
        hl_gguf_arch_key(model->gguf, "attention.sliding_window_pattern");
    model->window = window;
    if (key && !key->is_array)
        pattern = bounded(hl_gguf_int(key, 0, pattern));
    for (int64_t i = 0; i < model->layers; i++) {
        bool local = pattern == 0 || i % pattern < pattern - 1;
        if (key && key->is_array)
            local = hl_gguf_flag(key, (size_t)i, hl_gguf_int(key, (size_t)i, 0) != 0);
        model->layer[i].swa = local;
    }
}

void hl_facts_recurrent_without_heads(struct hl_model *model)
{
    for (int64_t i = 0; i < model->layers; i++) {
        struct hl_layer *layer = &model->layer[i];
        layer->recurrent = layer->kv_heads == 0;
        layer->attention = layer->cache = !layer->recurrent;
    }
}

static int take_memory(struct hl_model *model)
{
    size_t layers = (size_t)model->layers;
    model->weight_count = model->gguf->tensor_count;
    model->layer = hl_arena_take(&model->arena, layers, sizeof(*model->layer));
    model->weights = hl_arena_take(&model->arena, model->weight_count + 1, sizeof(*model->weights));
    model->block_weights =
        hl_arena_take(&model->arena, layers * HL_W_COUNT, sizeof(*model->block_weights));
    if (model->arena.failed)
        return hl_error_nomem();
    memset(model->block_weights, -1, layers * HL_W_COUNT * sizeof(*model->block_weights));
    memset(model->global_weights, -1, sizeof(model->global_weights));
    return 0;
}

static bool is_sane(const struct hl_model *model)
{
    for (int64_t i = 0; i < model->layers; i++) {
        if (hl_model_k_width(model, i) > WIDTH_MAX || hl_model_v_width(model, i) > WIDTH_MAX)
            return false;
    }
    return model->state_r <= STATE_MAX && model->state_s <= STATE_MAX;
}

int hl_model_init(struct hl_model *model, const homelab_gguf *gguf)
{
    *model = (struct hl_model){.gguf = gguf};
    hl_arena_init(&model->arena);
    int64_t drafting = bounded(hl_gguf_arch_int(gguf, "nextn_predict_layers", 0));
    model->layers = hl_gguf_layers(gguf) - drafting;
    model->embd = fact(model, "embedding_length", 0);
    model->vocab = bounded(hl_gguf_vocabulary(gguf));
    if (model->layers < 1 || model->layers > LAYERS_MAX)
        return hl_error_set(HOMELAB_E_INVALID, 0, gguf->architecture,
                            "model '%s': found %lld layers, expected 1 to %d", gguf->architecture,
                            (long long)model->layers, LAYERS_MAX);
    if (model->embd < 1)
        return hl_error_set(HOMELAB_E_INVALID, 0, gguf->architecture,
                            "model '%s': found no embedding_length in range, expected 1 or more",
                            gguf->architecture);
    if (!gguf->tensor_count)
        return hl_error_set(HOMELAB_E_INVALID, 0, gguf->architecture,
                            "model '%s': found no tensors, so its weights are unknown",
                            gguf->architecture);
    int code = take_memory(model);
    if (code) {
        hl_model_free(model);
        return code;
    }
    model->arch = hl_arch_find(gguf->architecture);
    layer_facts(model);
    head_facts(model);
    expert_facts(model);
    state_facts(model);
    other_facts(model);
    sort_weights(model);
    if (model->arch && model->arch->facts)
        model->arch->facts(model);
    if (model->window < 0 || model->window > TOKENS_MAX)
        model->window = 0;
    if (is_sane(model))
        return 0;
    hl_model_free(model);
    return hl_error_set(HOMELAB_E_INVALID, 0, gguf->architecture,
                        "model '%s': found caches or states of absurd size, expected at most %lld "
                        "keys a token and layer",
                        gguf->architecture, (long long)WIDTH_MAX);
}

void hl_model_free(struct hl_model *model)
{
    hl_arena_free(&model->arena);
}
