/* A model's compute graph as far as memory is concerned: which tensors exist, their shapes, what
 * they are computed from, and in which order. Nothing is computed.
 *
 * The functions that make nodes follow the shapes and the sharing of memory of ggml's operators
 * (source: llama.cpp, ggml/src/ggml.c). They never return NULL: when memory runs out or shapes do
 * not fit together the graph is marked, and a spare node stands in, so builders need no checks. */
#ifndef HL_VRAM_GRAPH_H
#define HL_VRAM_GRAPH_H

#include "vram/arena.h"
#include "vram/ggml_type.h"

#include <stdint.h>

#define HL_NODE_SRC  10
#define HL_NODE_DIMS 4
#define HL_NOWHERE   (-1)

/* What a node does, as far as placement and sharing of memory depend on it. */
enum hl_op {
    HL_OP_NONE, /* a leaf: a weight, a cache, an input */
    /* Views: no memory of their own. */
    HL_OP_VIEW,
    HL_OP_RESHAPE,
    HL_OP_PERMUTE,
    HL_OP_TRANSPOSE,
    /* These may overwrite a source; keep ADD_ID last, see hl_op_in_place(). */
    HL_OP_ADD,
    HL_OP_SUB,
    HL_OP_MUL,
    HL_OP_DIV,
    HL_OP_SCALE,
    HL_OP_SQR,
    HL_OP_SQRT,
    HL_OP_UNARY,
    HL_OP_CLAMP,
    HL_OP_FILL,
    HL_OP_RMS_NORM,
    HL_OP_ROPE,
    HL_OP_SOFT_MAX,
    HL_OP_ADD_ID,
    /* These may not. */
    HL_OP_NORM,
    HL_OP_L2_NORM,
    HL_OP_GLU,
    HL_OP_MUL_MAT,
    HL_OP_MUL_MAT_ID,
    HL_OP_GET_ROWS,
    HL_OP_SET_ROWS,
    HL_OP_CPY,
    HL_OP_SET,
    HL_OP_CONT,
    HL_OP_CONCAT,
    HL_OP_REPEAT,
    HL_OP_ARGSORT,
    HL_OP_SUM_ROWS,
    HL_OP_MEAN,
    HL_OP_PAD,
    HL_OP_CUMSUM,
    HL_OP_TRI,
    HL_OP_DIAG,
    HL_OP_SOLVE_TRI,
    HL_OP_SSM_CONV,
    HL_OP_SSM_SCAN,
    HL_OP_GATED_DELTA_NET,
    HL_OP_FLASH_ATTN,
    HL_OP_IM2COL,
    HL_OP_POOL_2D,
    HL_OP_UPSCALE,
};

enum hl_node_flags {
    HL_NODE_INPUT = 1,    /* set from outside before each run */
    HL_NODE_OUTPUT = 2,   /* read from outside after each run, so never overwritten */
    HL_NODE_WEIGHT = 4,   /* lies in a buffer of weights */
    HL_NODE_CPU_ONLY = 8, /* the CUDA backend has no kernel for this use of the operator */
    HL_NODE_ALIBI = 16,   /* attention with a bias by distance */
};

struct hl_node {
    uint8_t op;
    uint8_t flags;
    uint8_t type;            /* enum hl_ggml_type */
    int16_t home;            /* backend whose memory holds it already, or HL_NOWHERE */
    int16_t backend;         /* where it runs; filled by the scheduler */
    int16_t buffer;          /* where it was allocated; filled by the allocator */
    bool seen;               /* already in the graph */
    bool used;               /* a node that is no view reads it; filled by the scheduler */
    bool own;                /* allocated and not yet freed */
    int32_t children, views; /* uses still to come */
    uint64_t at;             /* place in its buffer */
    int64_t ne[HL_NODE_DIMS];
    int64_t nb[HL_NODE_DIMS]; /* strides in bytes */
    struct hl_node *src[HL_NODE_SRC];
    struct hl_node *view;    /* whose memory it shares, never itself a view */
    int64_t view_at;         /* where in that memory */
    struct hl_node **copies; /* on other backends; owned by the scheduler */
};

struct hl_graph {
    struct hl_arena *arena;
    struct hl_node **nodes, **leafs; /* in the order of evaluation */
    size_t node_count, node_max, leaf_count, leaf_max;
    bool bad; /* shapes that do not fit together */
    struct hl_node spare;
};

void hl_graph_init(struct hl_graph *graph, struct hl_arena *arena);
/* Puts node and all it depends on that is not there yet behind what is there, sources first. */
void hl_graph_add(struct hl_graph *graph, struct hl_node *node);
/* Appends without a look at sources. */
void hl_graph_append_node(struct hl_graph *graph, struct hl_node *node);
void hl_graph_append_leaf(struct hl_graph *graph, struct hl_node *node);
/* 0, or HOMELAB_E_NOMEM, or HOMELAB_E_INVALID, without an error record. */
int hl_graph_status(const struct hl_graph *graph);

bool hl_op_is_view(enum hl_op op);
bool hl_op_in_place(enum hl_op op);
int64_t hl_node_elements(const struct hl_node *node);
uint64_t hl_node_bytes(const struct hl_node *node); /* from the first to the last element */
bool hl_node_contiguous(const struct hl_node *node, int from); /* dimensions from on, 0 all */
bool hl_node_rows_contiguous(const struct hl_node *node);
bool hl_node_same_layout(const struct hl_node *a, const struct hl_node *b);
int64_t hl_row_bytes(uint32_t type, int64_t elements);
bool hl_type_quantized(uint32_t type);

/* --- Leaves --- */

struct hl_node *hl_leaf(struct hl_graph *graph, uint32_t type, int64_t a, int64_t b, int64_t c,
                        int64_t d);
struct hl_node *hl_input(struct hl_graph *graph, uint32_t type, int64_t a, int64_t b, int64_t c,
                         int64_t d);
/* The same layout as of, with no op. */
struct hl_node *hl_duplicate(struct hl_graph *graph, const struct hl_node *of);

/* --- Views --- */

struct hl_node *hl_view_of(struct hl_graph *graph, struct hl_node *a); /* op NONE */
struct hl_node *hl_view_1d(struct hl_graph *graph, struct hl_node *a, int64_t ne0, int64_t at);
struct hl_node *hl_view_2d(struct hl_graph *graph, struct hl_node *a, int64_t ne0, int64_t ne1,
                           int64_t nb1, int64_t at);
struct hl_node *hl_view_3d(struct hl_graph *graph, struct hl_node *a, int64_t ne0, int64_t ne1,
                           int64_t ne2, int64_t nb1, int64_t nb2, int64_t at);
struct hl_node *hl_view_4d(struct hl_graph *graph, struct hl_node *a, const int64_t ne[4],
                           int64_t nb1, int64_t nb2, int64_t nb3, int64_t at);
struct hl_node *hl_reshape(struct hl_graph *graph, struct hl_node *a, int64_t ne0, int64_t ne1,
                           int64_t ne2, int64_t ne3);
struct hl_node *hl_permute(struct hl_graph *graph, struct hl_node *a, int i, int j, int k, int l);
struct hl_node *hl_transpose(struct hl_graph *graph, struct hl_node *a);

/* --- Operators --- */

/* Result shaped like a: UNARY, SCALE, RMS_NORM, CLAMP, … and, with b and c, ADD, MUL, ROPE. */
struct hl_node *hl_map(struct hl_graph *graph, enum hl_op op, struct hl_node *a, struct hl_node *b,
                       struct hl_node *c);
struct hl_node *hl_add(struct hl_graph *graph, struct hl_node *a, struct hl_node *b);
struct hl_node *hl_sub(struct hl_graph *graph, struct hl_node *a, struct hl_node *b);
struct hl_node *hl_mul(struct hl_graph *graph, struct hl_node *a, struct hl_node *b);
struct hl_node *hl_div(struct hl_graph *graph, struct hl_node *a, struct hl_node *b);
struct hl_node *hl_scale(struct hl_graph *graph, struct hl_node *a);
struct hl_node *hl_unary(struct hl_graph *graph, struct hl_node *a);
/* A result in a's own memory. */
struct hl_node *hl_scale_here(struct hl_graph *graph, struct hl_node *a);
struct hl_node *hl_mul_mat(struct hl_graph *graph, struct hl_node *a, struct hl_node *b);
struct hl_node *hl_mul_mat_id(struct hl_graph *graph, struct hl_node *as, struct hl_node *b,
                              struct hl_node *ids);
struct hl_node *hl_get_rows(struct hl_graph *graph, struct hl_node *a, struct hl_node *rows);
struct hl_node *hl_set_rows(struct hl_graph *graph, struct hl_node *a, struct hl_node *b,
                            struct hl_node *rows);
struct hl_node *hl_cpy(struct hl_graph *graph, struct hl_node *a, struct hl_node *to);
struct hl_node *hl_cast(struct hl_graph *graph, struct hl_node *a, uint32_t type);
struct hl_node *hl_cont(struct hl_graph *graph, struct hl_node *a);
struct hl_node *hl_cont_4d(struct hl_graph *graph, struct hl_node *a, int64_t ne0, int64_t ne1,
                           int64_t ne2, int64_t ne3);
struct hl_node *hl_concat(struct hl_graph *graph, struct hl_node *a, struct hl_node *b, int dim);
struct hl_node *hl_repeat(struct hl_graph *graph, struct hl_node *a, int64_t ne0, int64_t ne1,
                          int64_t ne2, int64_t ne3);
/* Gate and up in two tensors, or, with b NULL, in the halves of a's rows. */
struct hl_node *hl_glu(struct hl_graph *graph, struct hl_node *a, struct hl_node *b);
struct hl_node *hl_soft_max(struct hl_graph *graph, struct hl_node *a, struct hl_node *mask,
                            struct hl_node *sinks);
/* A view of the first k of an order. */
struct hl_node *hl_top_k(struct hl_graph *graph, struct hl_node *a, int64_t k);
/* The row's sum, or mean: one element a row. */
struct hl_node *hl_reduce_rows(struct hl_graph *graph, enum hl_op op, struct hl_node *a);
struct hl_node *hl_flash_attn(struct hl_graph *graph, struct hl_node *q, struct hl_node *k,
                              struct hl_node *v, struct hl_node *mask, struct hl_node *sinks);
/* b into a part of a, in a's own memory. */
struct hl_node *hl_set_here(struct hl_graph *graph, struct hl_node *a, struct hl_node *b);
struct hl_node *hl_pad(struct hl_graph *graph, struct hl_node *a, int64_t ne0, int64_t ne1);
/* An operator whose result has a shape of its own, F32. */
struct hl_node *hl_make(struct hl_graph *graph, enum hl_op op, int64_t ne0, int64_t ne1,
                        int64_t ne2, int64_t ne3);

#endif
