/* A plain walk over a GGUF header: what reading one costs at least. */
#ifndef BENCH_GGUF_WALK_H
#define BENCH_GGUF_WALK_H

#include <stdint.h>

struct walk_result {
    uint64_t keys, tensors, texts, data_offset, tensor_bytes;
};

/* Reads path through a 64 KiB window; checks every key, type, length and tensor info; keeps
 * nothing. 0, or -1 for a file that is not right. */
int gguf_walk(const char *path, struct walk_result *result);

#endif
