/* Headers of a model and of an image projector that take little time and few allocations to
 * estimate. */
#ifndef TESTS_SUPPORT_GGUF_SMALL_H
#define TESTS_SUPPORT_GGUF_SMALL_H

#include "support/gguf_writer.h"

#include <homelab/gguf.h>
#include <stdio.h>

/* NULL where memory runs out. */
static inline homelab_gguf *gguf_small_load(struct gguf_writer *writer)
{
    homelab_gguf *gguf = NULL;
    homelab_gguf_load_memory(&gguf, (const char *)writer->data, writer->length, NULL, NULL);
    free(writer->data);
    return gguf;
}

/* Of two layers of 8 MiB, so that an estimate takes little time and few allocations. */
static inline homelab_gguf *gguf_small_model(void)
{
    static const struct {
        const char *name;
        uint64_t columns, rows;
    } tensors[] = {
        {"attn_norm.weight", 1024, 0},      {"attn_q.weight", 1024, 1024},
        {"attn_k.weight", 1024, 1024},      {"attn_v.weight", 1024, 1024},
        {"ffn_norm.weight", 1024, 0},       {"ffn_up.weight", 1024, 256},
        {"ffn_gate.weight", 1024, 256},     {"ffn_down.weight", 256, 1024},
        {"attn_output.weight", 1024, 1024},
    };
    struct gguf_writer writer = {.data = NULL};
    const size_t count = sizeof tensors / sizeof *tensors;
    uint64_t offset = 2 * 1024 * 64;
    gguf_begin(&writer, 3, 2 + 2 * count, 8);
    gguf_key_text(&writer, "general.architecture", "llama");
    gguf_key_u32(&writer, "llama.block_count", 2);
    gguf_key_u32(&writer, "llama.context_length", 512);
    gguf_key_u32(&writer, "llama.embedding_length", 1024);
    gguf_key_u32(&writer, "llama.feed_forward_length", 256);
    gguf_key_u32(&writer, "llama.attention.head_count", 16);
    gguf_key_u32(&writer, "llama.vocab_size", 64);
    gguf_key_text(&writer, "tokenizer.ggml.model", "no_vocab");
    gguf_tensor(&writer, "token_embd.weight", 1024, 64, 1, 0);
    gguf_tensor(&writer, "output_norm.weight", 1024, 0, 0, offset);
    offset += 1024 * 4;
    for (unsigned layer = 0; layer < 2; layer++)
        for (size_t t = 0; t < count; t++) {
            char name[64];
            snprintf(name, sizeof name, "blk.%u.%s", layer, tensors[t].name);
            gguf_tensor(&writer, name, tensors[t].columns, tensors[t].rows, tensors[t].rows ? 1 : 0,
                        offset);
            offset += tensors[t].columns * (tensors[t].rows ? tensors[t].rows * 2 : 4);
        }
    gguf_pad(&writer, 32);
    return gguf_small_load(&writer);
}

/* Of no kind that is known. */
static inline homelab_gguf *gguf_small_projector(void)
{
    struct gguf_writer writer = {.data = NULL};
    gguf_begin(&writer, 3, 1, 6);
    gguf_key_text(&writer, "general.architecture", "clip");
    gguf_key_u32(&writer, "clip.vision.patch_size", 14);
    gguf_key_u32(&writer, "clip.vision.image_size", 28);
    gguf_key_u32(&writer, "clip.vision.embedding_length", 64);
    gguf_key_u32(&writer, "clip.vision.attention.head_count", 4);
    gguf_key_u32(&writer, "clip.vision.block_count", 1);
    gguf_tensor(&writer, "mm.0.weight", 64, 1024, 1, 0);
    gguf_pad(&writer, 32);
    return gguf_small_load(&writer);
}

#endif
