/* How ggml's scheduler spreads a graph over backends (source: llama.cpp,
 * ggml/src/ggml-backend.cpp): it gives each node a backend, cuts the order into splits that run on
 * one backend each, and adds copies of what a split needs from elsewhere. */
#ifndef HL_VRAM_SCHED_H
#define HL_VRAM_SCHED_H

#include "vram/backend.h"

struct hl_sched {
    const struct hl_backends *backends;
    int copies;      /* of every input: 4 when devices work in a pipeline, else 1 */
    bool op_offload; /* large operators on weights in host memory run on a device */
    size_t splits;   /* found; filled by both functions */
};

/* Gives every node and leaf its backend. Those that have one keep it. */
void hl_sched_assign(const struct hl_sched *sched, struct hl_graph *graph);
/* Assigns, splits, adds the copies and measures. sizes has one place for every backend. 0 or a
 * code, without an error record. The graph is used up by it. */
int hl_sched_measure(struct hl_sched *sched, struct hl_graph *graph, uint64_t sizes[HL_BACKENDS]);

#endif
