/* A GGUF file's metadata and tensor infos, as other parts read them. Immutable and reference-
 * counted; strings are owned by the object. */
#ifndef HL_VRAM_GGUF_H
#define HL_VRAM_GGUF_H

#include "vram/ggml_type.h"

#include <homelab/gguf.h>
#include <stdatomic.h>

#define HL_GGUF_DIMS 4
#define HL_GGUF_NONE ((size_t)-1)

/* Types of values as the format numbers them. */
enum hl_gguf_type {
    HL_GGUF_UINT8,
    HL_GGUF_INT8,
    HL_GGUF_UINT16,
    HL_GGUF_INT16,
    HL_GGUF_UINT32,
    HL_GGUF_INT32,
    HL_GGUF_FLOAT32,
    HL_GGUF_BOOL,
    HL_GGUF_STRING,
    HL_GGUF_ARRAY,
    HL_GGUF_UINT64,
    HL_GGUF_INT64,
    HL_GGUF_FLOAT64,
    HL_GGUF_TYPES
};

/* A number as its type has it: signed types in i, unsigned ones and booleans in u, floats in f. */
union hl_gguf_number {
    int64_t i;
    uint64_t u;
    double f;
};

struct hl_gguf_key {
    char *name;
    enum hl_gguf_type type; /* of the value; of an array, its items' */
    bool is_array;
    uint64_t count;  /* items; 1 where it is no array */
    uint64_t offset; /* of the entry in the file */
    /* What was kept. An array of texts and what is larger than its cap is counted only. */
    char *text;
    union hl_gguf_number *numbers;
};

struct hl_gguf_tensor {
    char *name;
    uint32_t type; /* enum hl_ggml_type */
    uint32_t dims;
    uint32_t part;            /* which file, from 0 */
    int64_t ne[HL_GGUF_DIMS]; /* elements along each dimension, 1 beyond dims */
    uint64_t offset;          /* from the start of its part's tensor data */
    uint64_t bytes;           /* without padding */
    uint64_t at;              /* of the info in the file */
};

/* Names in the order of strcmp(), for look-ups. */
struct hl_gguf_index {
    uint32_t *order;
    size_t count;
};

struct homelab_gguf {
    atomic_uint references;
    homelab_allocator *allocator;
    int source; /* HOMELAB_GGUF_SOURCE_… */
    uint32_t version;
    bool big_endian;
    uint32_t alignment;
    uint64_t data_offset; /* of the first part's tensor data */
    uint64_t file_bytes;  /* of all parts, 0 where unknown */
    uint64_t tensor_bytes;
    bool complete;
    uint32_t parts;
    struct hl_gguf_key *keys;
    size_t key_count, key_capacity;
    struct hl_gguf_tensor *tensors; /* in the order of the file, part by part */
    size_t tensor_count, tensor_capacity;
    struct hl_gguf_index key_index, tensor_index;
    struct hl_gguf_block *blocks; /* names, texts and numbers live in these */
    const char *architecture;     /* "" without one */
};

/* --- Keys. A NULL gguf has none. --- */

/* NULL without such a key. */
const struct hl_gguf_key *hl_gguf_key(const homelab_gguf *gguf, const char *name);
/* The same with the architecture in front: "block_count" finds "llama.block_count". */
const struct hl_gguf_key *hl_gguf_arch_key(const homelab_gguf *gguf, const char *name);
/* Item i of an array, or the scalar whatever i is: keys such as head_count are one number or one a
 * layer. `other` where there is no key, no such item, none was kept, or it is no such number (a
 * float is no integer; an integer is a real). */
int64_t hl_gguf_int(const struct hl_gguf_key *key, size_t i, int64_t other);
double hl_gguf_real(const struct hl_gguf_key *key, size_t i, double other);
bool hl_gguf_flag(const struct hl_gguf_key *key, size_t i, bool other);
const char *hl_gguf_text(const struct hl_gguf_key *key); /* NULL where it is none */
/* Shorthands over hl_gguf_arch_key(). */
int64_t hl_gguf_arch_int(const homelab_gguf *gguf, const char *name, int64_t other);
int64_t hl_gguf_arch_layer(const homelab_gguf *gguf, const char *name, size_t layer, int64_t other);

/* --- Tensors --- */

/* NULL without such a tensor. */
const struct hl_gguf_tensor *hl_gguf_tensor(const homelab_gguf *gguf, const char *name);

/* --- The model --- */

int64_t hl_gguf_layers(const homelab_gguf *gguf); /* block_count, 0 without one */
/* Tokens of the vocabulary: the list's length, else vocab_size, else the rows of token_embd; 0
 * where unknown. */
int64_t hl_gguf_vocabulary(const homelab_gguf *gguf);

#endif
