/* Sources: llama.cpp, ggml/src/ggml-cuda/ggml-cuda.cu (supports_op, offload_op, get_alloc_size),
 * ggml/src/ggml-cuda/fattn.cu (the choice of kernel), ggml/src/ggml-cpu/ggml-cpu.cpp,
 * ggml/src/ggml-rpc/ggml-rpc.cpp. */
#include "vram/backend.h"

#define CUDA_ALIGNMENT   128
#define HOST_ALIGNMENT   32
#define CUDA_ROW_PADDING 512 /* MATRIX_ROW_PADDING */
#define OFFLOAD_BATCH    32
#define KV_STRIDE        256 /* FATTN_KQ_STRIDE */

#define CC_VOLTA  700
#define CC_TURING 750
#define CC_ADA    890

uint64_t hl_backend_alignment(enum hl_backend_kind kind)
{
    return kind == HL_BACKEND_CUDA ? CUDA_ALIGNMENT : HOST_ALIGNMENT;
}

/* --- CUDA's flash attention --- */

enum kernel {
    KERNEL_NONE,
    KERNEL_VECTOR,
    KERNEL_MATRIX,
};

/* Whether queries that share a head of K can be taken together. */
static bool grouped(const struct hl_node *q, const struct hl_node *k, const struct hl_node *v,
                    const struct hl_node *mask)
{
    if (q->ne[2] / k->ne[2] < 2 || !mask || k->ne[1] % KV_STRIDE != 0)
        return false;
    const struct hl_node *const all[] = {q, k, v, mask};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        if (hl_type_quantized(all[i]->type))
            continue;
        for (int dim = 1; dim < HL_NODE_DIMS; dim++) {
            if (all[i]->nb[dim] % 16 != 0)
                return false;
        }
    }
    return true;
}

static bool head_size_supported(const struct hl_node *q, const struct hl_node *k,
                                const struct hl_node *v, bool groups)
{
    int64_t ratio = q->ne[2] / k->ne[2];
    switch (k->ne[0]) {
    case 40:
    case 64:
    case 72:
    case 80:
    case 96:
    case 112:
    case 128:
    case 256:
        return v->ne[0] == k->ne[0];
    case 192:
        return v->ne[0] == 128 && groups && ratio % 8 == 0;
    case 320:
        return v->ne[0] == 256 && groups && ratio % 32 == 0;
    case 512:
        return v->ne[0] == k->ne[0] && groups;
    case 576:
        return v->ne[0] == 512 && groups;
    default:
        return false;
    }
}

static bool kv_types_supported(const struct hl_backends *backends, uint32_t k, uint32_t v)
{
    if (k != v && !backends->mixed_kv)
        return false;
    switch (k) {
    case HL_GGML_F32:
    case HL_GGML_F16:
    case HL_GGML_BF16:
    case HL_GGML_Q4_0:
    case HL_GGML_Q8_0:
        return true;
    case HL_GGML_Q4_1:
    case HL_GGML_Q5_0:
    case HL_GGML_Q5_1:
        return backends->mixed_kv;
    default:
        return false;
    }
}

static enum kernel pick(const struct hl_node *q, const struct hl_node *k, bool quantized,
                        bool groups, int capability)
{
    int64_t tokens = q->ne[1], head = q->ne[0];
    bool vector = head <= 256 && head % 64 == 0 && head != 192 && k->ne[1] % KV_STRIDE == 0;
    if (!vector)
        return KERNEL_MATRIX;
    int64_t ratio = q->ne[2] / k->ne[2];
    if (capability >= CC_TURING) {
        if (!groups && tokens == 1)
            return KERNEL_VECTOR;
        if (quantized)
            return tokens <= (capability >= CC_ADA ? 2 : 1) ? KERNEL_VECTOR : KERNEL_MATRIX;
        bool wide = ratio > 4 && (head >= 256 || k->ne[1] >= 8192);
        return capability >= CC_ADA && tokens == 1 && q->ne[3] == 1 && !wide ? KERNEL_VECTOR
                                                                             : KERNEL_MATRIX;
    }
    if (capability >= CC_VOLTA) {
        int64_t together = 1;
        while (together < 8 && ratio % (2 * together) == 0)
            together *= 2;
        return tokens * together <= 2 ? KERNEL_VECTOR : KERNEL_MATRIX;
    }
    if (quantized)
        return tokens <= 2 ? KERNEL_VECTOR : KERNEL_MATRIX;
    return tokens == 1 && !groups ? KERNEL_VECTOR : KERNEL_MATRIX;
}

static enum kernel attention_kernel(const struct hl_backends *backends, int backend,
                                    const struct hl_node *node)
{
    const struct hl_node *q = node->src[0], *k = node->src[1], *v = node->src[2];
    const struct hl_node *mask = node->src[3];
    if (k->ne[2] <= 0)
        return KERNEL_NONE;
    bool groups = !(node->flags & HL_NODE_ALIBI) && grouped(q, k, v, mask);
    if (!head_size_supported(q, k, v, groups) || !kv_types_supported(backends, k->type, v->type) ||
        (mask && mask->ne[2] != 1))
        return KERNEL_NONE;
    bool quantized = hl_type_quantized(k->type) || hl_type_quantized(v->type);
    return pick(q, k, quantized, groups, backends->at[backend].compute_capability);
}

static uint64_t pad(uint64_t bytes, uint64_t to)
{
    return (bytes + to - 1) / to * to;
}

/* The result, and behind it copies of K and V as f16 where the kernel reads no other type. */
static uint64_t attention_bytes(const struct hl_backends *backends, int backend,
                                const struct hl_node *node)
{
    uint64_t bytes = hl_node_bytes(node);
    if (!backends->reserve_f16_kv)
        return bytes;
    enum kernel kernel = attention_kernel(backends, backend, node);
    if (kernel == KERNEL_NONE)
        return bytes;
    const struct hl_node *k = node->src[1], *v = node->src[2];
    bool all = kernel == KERNEL_MATRIX;
    bool copy_k = all ? k->type != HL_GGML_F16 : k->type == HL_GGML_F32;
    bool copy_v = all ? v->type != HL_GGML_F16 : v->type == HL_GGML_F32;
    if (copy_k)
        bytes = pad(bytes, CUDA_ALIGNMENT) + (uint64_t)hl_node_elements(k) * 2;
    bool shared = v->view && (v->view == k || (v->view == k->view && v->view_at == k->view_at));
    if (copy_v && !shared)
        bytes = pad(bytes, CUDA_ALIGNMENT) + (uint64_t)hl_node_elements(v) * 2;
    return bytes;
}

uint64_t hl_backend_bytes(const struct hl_backends *backends, int backend,
                          const struct hl_node *node)
{
    if (backends->at[backend].kind != HL_BACKEND_CUDA)
        return hl_node_bytes(node);
    uint64_t bytes = node->op == HL_OP_FLASH_ATTN ? attention_bytes(backends, backend, node)
                                                  : hl_node_bytes(node);
    int64_t rest = node->ne[0] % CUDA_ROW_PADDING;
    if (rest != 0 && hl_type_quantized(node->type))
        bytes += (uint64_t)hl_row_bytes(node->type, CUDA_ROW_PADDING - rest);
    return bytes;
}

/* --- What runs where --- */

static bool cuda_mul_mat(const struct hl_node *node)
{
    const struct hl_node *a = node->src[0], *b = node->src[1];
    const struct hl_ggml_type_info *type = hl_ggml_type(a->type);
    if (!type || a->nb[0] != type->bytes || !hl_node_rows_contiguous(b))
        return false;
    if (b->type == HL_GGML_F16 && a->type != HL_GGML_F16)
        return false;
    return a->type != HL_GGML_I32 && a->type != HL_GGML_TQ1_0 && a->type != HL_GGML_TQ2_0;
}

static bool cuda_copy(uint32_t from, uint32_t to)
{
    bool plain_from = from == HL_GGML_F32 || from == HL_GGML_F16 || from == HL_GGML_BF16;
    bool plain_to = to == HL_GGML_F32 || to == HL_GGML_F16 || to == HL_GGML_BF16;
    return from == to || (plain_from && plain_to) || from == HL_GGML_F32 || to == HL_GGML_F32;
}

static bool cuda_scan(const struct hl_node *node)
{
    const struct hl_node *state = node->src[0];
    if (node->src[3]->ne[0] == 1) {
        bool size = state->ne[0] == 96 || state->ne[0] == 128 || state->ne[0] == 256;
        return size && state->ne[1] % 16 == 0;
    }
    return state->ne[0] == 16 && state->ne[1] == 1 && state->ne[2] % 128 == 0 &&
           node->src[4]->ne[1] == 1;
}

static bool cuda_get_rows(const struct hl_node *a)
{
    switch (a->type) {
    case HL_GGML_IQ4_NL:
    case HL_GGML_MXFP4:
        return a->ne[0] % 256 == 0;
    case HL_GGML_NVFP4:
    case HL_GGML_TQ1_0:
    case HL_GGML_TQ2_0:
        return false;
    default:
        return true;
    }
}

static bool cuda_supports(const struct hl_backends *backends, int backend,
                          const struct hl_node *node)
{
    if (node->flags & HL_NODE_CPU_ONLY)
        return false;
    const struct hl_node *a = node->src[0];
    switch ((enum hl_op)node->op) {
    case HL_OP_UNARY:
        return hl_node_contiguous(a, 0);
    case HL_OP_GLU:
        return hl_node_contiguous(a, 1);
    case HL_OP_MUL_MAT:
    case HL_OP_MUL_MAT_ID:
        return cuda_mul_mat(node);
    case HL_OP_GET_ROWS:
        return cuda_get_rows(a);
    case HL_OP_SET_ROWS:
        return a->type == HL_GGML_F32 || (a->type == HL_GGML_F16 && node->type == HL_GGML_F16);
    case HL_OP_CPY:
        return cuda_copy(a->type, node->type);
    case HL_OP_NORM:
    case HL_OP_RMS_NORM:
    case HL_OP_L2_NORM:
    case HL_OP_SUM_ROWS:
    case HL_OP_MEAN:
        return hl_node_rows_contiguous(a);
    case HL_OP_ROPE:
        return hl_node_contiguous(a, 2);
    case HL_OP_SSM_SCAN:
        return cuda_scan(node);
    case HL_OP_SSM_CONV:
        return a->ne[1] % 128 == 0;
    case HL_OP_IM2COL:
        return hl_node_contiguous(a, 0) && hl_node_contiguous(node->src[1], 0);
    case HL_OP_FLASH_ATTN:
        return attention_kernel(backends, backend, node) != KERNEL_NONE;
    default:
        return true;
    }
}

/* The type that the CPU's products with weights of a type take on the other side. */
static bool cpu_mul_mat(const struct hl_node *node)
{
    const struct hl_node *a = node->src[0], *b = node->src[1];
    if (b->type == HL_GGML_F32)
        return true;
    return b->type == a->type && (a->type == HL_GGML_F16 || a->type == HL_GGML_BF16);
}

bool hl_backend_supports(const struct hl_backends *backends, int backend,
                         const struct hl_node *node)
{
    switch (backends->at[backend].kind) {
    case HL_BACKEND_RPC:
        return true;
    case HL_BACKEND_CPU:
        return node->op != HL_OP_MUL_MAT || cpu_mul_mat(node);
    case HL_BACKEND_CUDA:
        break;
    }
    int cpu = backends->count - 1;
    for (int i = 0; i < HL_NODE_SRC; i++) {
        const struct hl_node *src = node->src[i];
        if (src && src->home != HL_NOWHERE && src->home != backend && src->home != cpu &&
            backends->at[src->home].kind == HL_BACKEND_CUDA)
            return false;
    }
    return cuda_supports(backends, backend, node);
}

bool hl_backend_offloads(const struct hl_backends *backends, int backend,
                         const struct hl_node *node)
{
    if (backends->at[backend].kind != HL_BACKEND_CUDA)
        return false;
    int64_t batch;
    switch ((enum hl_op)node->op) {
    case HL_OP_GET_ROWS:
        batch = 0;
        break;
    case HL_OP_MUL_MAT:
        batch = node->ne[1];
        break;
    case HL_OP_MUL_MAT_ID:
    case HL_OP_ROPE:
        batch = node->ne[2];
        break;
    default:
        batch = node->ne[1] * node->ne[2] * node->ne[3];
        break;
    }
    return batch >= OFFLOAD_BATCH;
}
