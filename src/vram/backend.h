/* What the backends of ggml can run and how much memory a tensor takes on each. */
#ifndef HL_VRAM_BACKEND_H
#define HL_VRAM_BACKEND_H

#include "vram/graph.h"

#define HL_BACKENDS 17 /* 16 devices and the CPU, which is always last */

enum hl_backend_kind {
    HL_BACKEND_CPU,
    HL_BACKEND_CUDA,
    HL_BACKEND_RPC, /* a remote server that computes on its CPU */
};

struct hl_backend {
    enum hl_backend_kind kind;
    int compute_capability; /* CUDA's, times 100: 890 */
};

struct hl_backends {
    int count; /* the CPU included */
    struct hl_backend at[HL_BACKENDS];
    bool mixed_kv;       /* the CUDA backend was built with kernels for all pairs of KV types */
    bool reserve_f16_kv; /* its attention keeps its f16 copies in the compute buffer */
};

/* Multiple of which sizes and places in a backend's buffers are. */
uint64_t hl_backend_alignment(enum hl_backend_kind kind);
uint64_t hl_backend_bytes(const struct hl_backends *backends, int backend,
                          const struct hl_node *node);
bool hl_backend_supports(const struct hl_backends *backends, int backend,
                         const struct hl_node *node);
/* Whether it would rather run an operator whose weights are in host memory than leave it to the
 * CPU. */
bool hl_backend_offloads(const struct hl_backends *backends, int backend,
                         const struct hl_node *node);
/* Whether memory of backend `home` can be used in place. */
static inline bool hl_backend_reaches(int backend, int home)
{
    return backend == home;
}

#endif
