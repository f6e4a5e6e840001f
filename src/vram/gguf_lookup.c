#include "core/alloc.h"
#include "vram/gguf.h"

#include <stdio.h>
#include <string.h>

#define ARCH_KEY_MAX 256

static size_t find_key(const homelab_gguf *gguf, const char *name)
{
    size_t low = 0, high = gguf->key_index.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2, i = gguf->key_index.order[middle];
        int order = strcmp(gguf->keys[i].name, name);
        if (!order)
            return i;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return HL_GGUF_NONE;
}

static size_t find_tensor(const homelab_gguf *gguf, const char *name)
{
    size_t low = 0, high = gguf->tensor_index.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2, i = gguf->tensor_index.order[middle];
        int order = strcmp(gguf->tensors[i].name, name);
        if (!order)
            return i;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return HL_GGUF_NONE;
}

const struct hl_gguf_key *hl_gguf_key(const homelab_gguf *gguf, const char *name)
{
    size_t i = gguf ? find_key(gguf, name) : HL_GGUF_NONE;
    return i == HL_GGUF_NONE ? NULL : &gguf->keys[i];
}

const struct hl_gguf_key *hl_gguf_arch_key(const homelab_gguf *gguf, const char *name)
{
    char whole[ARCH_KEY_MAX];
    if (!gguf)
        return NULL;
    /* What a server tells of a model may lack the architecture; its keys stand for themselves. */
    if (!*gguf->architecture)
        return hl_gguf_key(gguf, name);
    int length = snprintf(whole, sizeof whole, "%s.%s", gguf->architecture, name);
    return length > 0 && length < ARCH_KEY_MAX ? hl_gguf_key(gguf, whole) : NULL;
}

/* NULL where item i was not kept. */
static const union hl_gguf_number *number(const struct hl_gguf_key *key, size_t i)
{
    if (!key || !key->numbers)
        return NULL;
    if (!key->is_array)
        return key->numbers;
    return i < key->count ? &key->numbers[i] : NULL;
}

int64_t hl_gguf_int(const struct hl_gguf_key *key, size_t i, int64_t other)
{
    const union hl_gguf_number *found = number(key, i);
    if (!found)
        return other;
    switch (key->type) {
    case HL_GGUF_INT8:
    case HL_GGUF_INT16:
    case HL_GGUF_INT32:
    case HL_GGUF_INT64:
        return found->i;
    case HL_GGUF_UINT8:
    case HL_GGUF_UINT16:
    case HL_GGUF_UINT32:
    case HL_GGUF_UINT64:
    case HL_GGUF_BOOL:
        return found->u <= INT64_MAX ? (int64_t)found->u : other;
    default:
        return other;
    }
}

double hl_gguf_real(const struct hl_gguf_key *key, size_t i, double other)
{
    const union hl_gguf_number *found = number(key, i);
    if (!found)
        return other;
    if (key->type == HL_GGUF_FLOAT32 || key->type == HL_GGUF_FLOAT64)
        return found->f;
    int64_t whole = hl_gguf_int(key, i, INT64_MIN);
    return whole == INT64_MIN ? other : (double)whole;
}

bool hl_gguf_flag(const struct hl_gguf_key *key, size_t i, bool other)
{
    const union hl_gguf_number *found = number(key, i);
    return found && key->type == HL_GGUF_BOOL ? found->u != 0 : other;
}

const char *hl_gguf_text(const struct hl_gguf_key *key)
{
    return key ? key->text : NULL;
}

int64_t hl_gguf_arch_int(const homelab_gguf *gguf, const char *name, int64_t other)
{
    return hl_gguf_int(hl_gguf_arch_key(gguf, name), 0, other);
}

int64_t hl_gguf_arch_layer(const homelab_gguf *gguf, const char *name, size_t layer, int64_t other)
{
    return hl_gguf_int(hl_gguf_arch_key(gguf, name), layer, other);
}

const struct hl_gguf_tensor *hl_gguf_tensor(const homelab_gguf *gguf, const char *name)
{
    size_t i = gguf ? find_tensor(gguf, name) : HL_GGUF_NONE;
    return i == HL_GGUF_NONE ? NULL : &gguf->tensors[i];
}

int64_t hl_gguf_layers(const homelab_gguf *gguf)
{
    return hl_gguf_arch_int(gguf, "block_count", 0);
}

int64_t hl_gguf_vocabulary(const homelab_gguf *gguf)
{
    const struct hl_gguf_key *tokens = hl_gguf_key(gguf, "tokenizer.ggml.tokens");
    if (tokens && tokens->is_array)
        return (int64_t)tokens->count;
    const struct hl_gguf_tensor *embedding = hl_gguf_tensor(gguf, "token_embd.weight");
    return hl_gguf_arch_int(gguf, "vocab_size", embedding ? embedding->ne[1] : 0);
}
