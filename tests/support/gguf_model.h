/* A small whole model for tests, in either version and byte order, and its parts. */
#ifndef TESTS_SUPPORT_GGUF_MODEL_H
#define TESTS_SUPPORT_GGUF_MODEL_H

#include "support/gguf_writer.h"

#include <stdio.h>

#define GGUF_MODEL_KEYS    17
#define GGUF_MODEL_TENSORS 4
#define GGUF_MODEL_TOKENS  3
#define GGUF_MODEL_BYTES   (144 * 8 + 32 * 4 + 34 * 8 + 4)

static inline void gguf_model_keys(struct gguf_writer *writer)
{
    gguf_key_text(writer, "general.architecture", "llama");
    gguf_key_text(writer, "general.name", "Small \xff model");
    gguf_key_u32(writer, "general.alignment", 64);
    gguf_key_u32(writer, "general.file_type", 15);
    gguf_key_u32(writer, "llama.block_count", 2);
    gguf_key_u32(writer, "llama.context_length", 4096);
    gguf_key_u32(writer, "llama.embedding_length", 256);
    gguf_key_array(writer, "llama.attention.head_count_kv", 5, 2);
    gguf_number(writer, 8, 4);
    gguf_number(writer, (uint64_t)-1, 4);
    gguf_key_array(writer, "llama.attention.sliding_window_pattern", 7, 2);
    gguf_number(writer, 1, 1);
    gguf_number(writer, 0, 1);
    gguf_key(writer, "llama.rope.freq_base", 6);
    gguf_number(writer, 0x461c4000, 4); /* 10000 */
    gguf_key_array(writer, "tokenizer.ggml.tokens", 8, GGUF_MODEL_TOKENS);
    gguf_text(writer, "a");
    gguf_text(writer, "");
    gguf_text(writer, "\xe2\x82\xac");
    gguf_key(writer, "test.int8", 1);
    gguf_number(writer, (uint64_t)-5, 1);
    gguf_key(writer, "test.int16", 3);
    gguf_number(writer, (uint64_t)-500, 2);
    gguf_key(writer, "test.uint64", 10);
    gguf_number(writer, UINT64_MAX, 8);
    gguf_key(writer, "test.int64", 11);
    gguf_number(writer, (uint64_t)-7000000000, 8);
    gguf_key(writer, "test.float64", 12);
    gguf_number(writer, UINT64_C(0x3ff8000000000000), 8); /* 1.5 */
    gguf_key(writer, "test.uint8", 0);
    gguf_number(writer, 200, 1);
}

static inline void gguf_model_header(struct gguf_writer *writer, uint32_t version)
{
    gguf_begin(writer, version, GGUF_MODEL_TENSORS, GGUF_MODEL_KEYS);
    gguf_model_keys(writer);
    gguf_tensor(writer, "token_embd.weight", 256, 8, 12, 0); /* q4_K */
    gguf_tensor(writer, "blk.0.attn_norm.weight", 32, 0, 0, 1152);
    gguf_tensor(writer, "blk.1.ffn_up.weight", 64, 4, 8, 1280); /* q8_0 */
    gguf_tensor(writer, "rope_freqs.weight", 1, 0, 0, 1600);
    gguf_pad(writer, 64);
}

/* Part no of count: one tensor each, the keys in the first. */
static inline void gguf_model_part(struct gguf_writer *writer, uint16_t no, uint16_t count)
{
    char name[32];
    gguf_begin(writer, 3, 1, no == 0 ? 5 : 3);
    if (no == 0) {
        gguf_key_text(writer, "general.architecture", "llama");
        gguf_key_u32(writer, "llama.block_count", count);
    }
    gguf_key_u16(writer, "split.no", no);
    gguf_key_u16(writer, "split.count", count);
    gguf_key(writer, "split.tensors.count", 5);
    gguf_number(writer, count, 4);
    (void)snprintf(name, sizeof name, "blk.%u.attn_norm.weight", no);
    gguf_tensor(writer, name, 16, 0, 0, 0);
    gguf_pad(writer, 32);
    for (int i = 0; i < 16; i++)
        gguf_number(writer, 0, 4);
}

#endif
