/* What the public header promises, over what was read. */
#include "core/api.h"
#include "core/buf.h"
#include "vram/gguf.h"

#define JSON_MAX 65536

int homelab_gguf_source(const homelab_gguf *gguf)
{
    return gguf ? gguf->source : -1;
}

bool homelab_gguf_is_certain(const homelab_gguf *gguf)
{
    return gguf && gguf->source <= HOMELAB_GGUF_SOURCE_URL;
}

int homelab_gguf_version(const homelab_gguf *gguf)
{
    return gguf ? (int)gguf->version : 0;
}

bool homelab_gguf_is_big_endian(const homelab_gguf *gguf)
{
    return gguf && gguf->big_endian;
}

const char *homelab_gguf_architecture(const homelab_gguf *gguf)
{
    return gguf && *gguf->architecture ? gguf->architecture : NULL;
}

const char *homelab_gguf_name(const homelab_gguf *gguf)
{
    return hl_gguf_text(hl_gguf_key(gguf, "general.name"));
}

int64_t homelab_gguf_file_type(const homelab_gguf *gguf)
{
    return hl_gguf_int(hl_gguf_key(gguf, "general.file_type"), 0, -1);
}

int64_t homelab_gguf_layer_count(const homelab_gguf *gguf)
{
    return hl_gguf_arch_int(gguf, "block_count", -1);
}

int64_t homelab_gguf_trained_context(const homelab_gguf *gguf)
{
    return hl_gguf_arch_int(gguf, "context_length", -1);
}

int64_t homelab_gguf_embedding_length(const homelab_gguf *gguf)
{
    return hl_gguf_arch_int(gguf, "embedding_length", -1);
}

int64_t homelab_gguf_vocabulary_size(const homelab_gguf *gguf)
{
    int64_t tokens = hl_gguf_vocabulary(gguf);
    return tokens > 0 ? tokens : -1;
}

int64_t homelab_gguf_alignment(const homelab_gguf *gguf)
{
    return gguf ? gguf->alignment : 0;
}

int64_t homelab_gguf_data_offset(const homelab_gguf *gguf)
{
    return gguf ? (int64_t)gguf->data_offset : 0;
}

int64_t homelab_gguf_tensor_total_bytes(const homelab_gguf *gguf)
{
    return gguf ? (int64_t)gguf->tensor_bytes : 0;
}

int64_t homelab_gguf_file_bytes(const homelab_gguf *gguf)
{
    return gguf && gguf->file_bytes ? (int64_t)gguf->file_bytes : -1;
}

bool homelab_gguf_is_complete(const homelab_gguf *gguf)
{
    return gguf && gguf->complete;
}

size_t homelab_gguf_part_count(const homelab_gguf *gguf)
{
    return gguf ? gguf->parts : 0;
}

/* --- Keys --- */

static const struct hl_gguf_key *key_at(const homelab_gguf *gguf, size_t i)
{
    return gguf && i < gguf->key_count ? &gguf->keys[i] : NULL;
}

size_t homelab_gguf_key_count(const homelab_gguf *gguf)
{
    return gguf ? gguf->key_count : 0;
}

const char *homelab_gguf_key_name(const homelab_gguf *gguf, size_t i)
{
    const struct hl_gguf_key *key = key_at(gguf, i);
    return key ? key->name : NULL;
}

int64_t homelab_gguf_key_find(const homelab_gguf *gguf, const char *name)
{
    const struct hl_gguf_key *key = name ? hl_gguf_key(gguf, name) : NULL;
    return key ? key - gguf->keys : -1;
}

int homelab_gguf_key_type(const homelab_gguf *gguf, size_t i)
{
    const struct hl_gguf_key *key = key_at(gguf, i);
    return key ? (int)key->type : -1;
}

bool homelab_gguf_key_is_array(const homelab_gguf *gguf, size_t i)
{
    const struct hl_gguf_key *key = key_at(gguf, i);
    return key && key->is_array;
}

uint64_t homelab_gguf_key_length(const homelab_gguf *gguf, size_t i)
{
    const struct hl_gguf_key *key = key_at(gguf, i);
    return key ? key->count : 0;
}

int64_t homelab_gguf_key_int(const homelab_gguf *gguf, size_t i, size_t item, int64_t other)
{
    return hl_gguf_int(key_at(gguf, i), item, other);
}

double homelab_gguf_key_double(const homelab_gguf *gguf, size_t i, size_t item, double other)
{
    return hl_gguf_real(key_at(gguf, i), item, other);
}

const char *homelab_gguf_key_text(const homelab_gguf *gguf, size_t i)
{
    return hl_gguf_text(key_at(gguf, i));
}

/* --- Tensors --- */

static const struct hl_gguf_tensor *tensor_at(const homelab_gguf *gguf, size_t i)
{
    return gguf && i < gguf->tensor_count ? &gguf->tensors[i] : NULL;
}

size_t homelab_gguf_tensor_count(const homelab_gguf *gguf)
{
    return gguf ? gguf->tensor_count : 0;
}

const char *homelab_gguf_tensor_name(const homelab_gguf *gguf, size_t i)
{
    const struct hl_gguf_tensor *tensor = tensor_at(gguf, i);
    return tensor ? tensor->name : NULL;
}

int64_t homelab_gguf_tensor_find(const homelab_gguf *gguf, const char *name)
{
    const struct hl_gguf_tensor *tensor = name ? hl_gguf_tensor(gguf, name) : NULL;
    return tensor ? tensor - gguf->tensors : -1;
}

int homelab_gguf_tensor_type(const homelab_gguf *gguf, size_t i)
{
    const struct hl_gguf_tensor *tensor = tensor_at(gguf, i);
    return tensor ? (int)tensor->type : -1;
}

const char *homelab_gguf_tensor_type_name(const homelab_gguf *gguf, size_t i)
{
    const struct hl_gguf_tensor *tensor = tensor_at(gguf, i);
    const struct hl_ggml_type_info *type = tensor ? hl_ggml_type(tensor->type) : NULL;
    return type ? type->name : NULL;
}

int64_t homelab_gguf_tensor_elements(const homelab_gguf *gguf, size_t i, size_t dimension)
{
    const struct hl_gguf_tensor *tensor = tensor_at(gguf, i);
    return tensor && dimension < HL_GGUF_DIMS ? tensor->ne[dimension] : 0;
}

int64_t homelab_gguf_tensor_bytes(const homelab_gguf *gguf, size_t i)
{
    const struct hl_gguf_tensor *tensor = tensor_at(gguf, i);
    return tensor ? (int64_t)tensor->bytes : -1;
}

int64_t homelab_gguf_tensor_offset(const homelab_gguf *gguf, size_t i)
{
    const struct hl_gguf_tensor *tensor = tensor_at(gguf, i);
    return tensor ? (int64_t)tensor->offset : -1;
}

size_t homelab_gguf_tensor_part(const homelab_gguf *gguf, size_t i)
{
    const struct hl_gguf_tensor *tensor = tensor_at(gguf, i);
    return tensor ? tensor->part : 0;
}

/* --- JSON --- */

static void put_int(struct hl_buf *buf, const char *name, int64_t value)
{
    if (value < 0)
        hl_buf_printf(buf, ",\"%s\":null", name);
    else
        hl_buf_printf(buf, ",\"%s\":%lld", name, (long long)value);
}

static void put_text(struct hl_buf *buf, const char *name, const char *text)
{
    hl_buf_printf(buf, ",\"%s\":", name);
    hl_buf_json(buf, text);
}

/* What a file has, and an answer about a model has not. */
static int64_t of_file(const homelab_gguf *gguf, int64_t value)
{
    return homelab_gguf_is_certain(gguf) ? value : -1;
}

char *homelab_gguf_json(const homelab_gguf *gguf)
{
    HL_API(gguf ? gguf->allocator : NULL);
    if (!gguf) {
        hl_error_argument("gguf", "a header");
        return NULL;
    }
    bool certain = homelab_gguf_is_certain(gguf);
    struct hl_buf buf;
    hl_buf_init(&buf, JSON_MAX);
    hl_buf_puts(&buf, "{\"schema\":1");
    put_int(&buf, "version", of_file(gguf, gguf->version));
    put_text(&buf, "byte_order", !certain ? NULL : gguf->big_endian ? "big" : "little");
    put_text(&buf, "architecture", homelab_gguf_architecture(gguf));
    put_text(&buf, "name", homelab_gguf_name(gguf));
    put_int(&buf, "file_type", homelab_gguf_file_type(gguf));
    put_int(&buf, "n_layer", homelab_gguf_layer_count(gguf));
    put_int(&buf, "n_ctx_train", homelab_gguf_trained_context(gguf));
    put_int(&buf, "n_embd", homelab_gguf_embedding_length(gguf));
    put_int(&buf, "n_vocab", homelab_gguf_vocabulary_size(gguf));
    put_int(&buf, "n_tensors", (int64_t)gguf->tensor_count);
    put_int(&buf, "n_kv", (int64_t)gguf->key_count);
    put_int(&buf, "alignment", of_file(gguf, gguf->alignment));
    put_int(&buf, "data_offset", of_file(gguf, (int64_t)gguf->data_offset));
    put_int(&buf, "tensor_bytes", (int64_t)gguf->tensor_bytes);
    put_int(&buf, "file_bytes", homelab_gguf_file_bytes(gguf));
    hl_buf_printf(&buf, ",\"complete\":%s", gguf->complete ? "true" : "false");
    put_int(&buf, "parts", gguf->parts);
    if (!certain)
        hl_buf_puts(&buf, ",\"certain\":false");
    hl_buf_puts(&buf, "}\n");
    return hl_buf_take(&buf);
}
