/* How ggml's graph allocator lays out the tensors of a graph (source: llama.cpp,
 * ggml/src/ggml-alloc.c): leaves first, then node by node, each in the smallest hole that fits, in
 * a parent's memory where the operator allows it, and given back after the last use. What it
 * yields is the highest byte ever used in each buffer. */
#ifndef HL_VRAM_GALLOC_H
#define HL_VRAM_GALLOC_H

#include "vram/backend.h"

/* A graph with the backend of every node and leaf, as the scheduler hands it over. */
struct hl_galloc_graph {
    struct hl_node **nodes, **leafs;
    const int16_t *node_backends, *leaf_backends;
    size_t node_count, leaf_count;
};

/* sizes has one place for every backend. 0, or HOMELAB_E_NOMEM, or HOMELAB_E_LIMIT when memory
 * falls into more pieces than ggml could handle. */
int hl_galloc_sizes(const struct hl_backends *backends, const struct hl_galloc_graph *graph,
                    struct hl_arena *arena, uint64_t sizes[HL_BACKENDS]);

#endif
