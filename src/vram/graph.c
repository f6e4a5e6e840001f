#include "vram/graph.h"

#include <homelab/error.h>

#include <string.h>

/* No tensor of a sane model comes near; products below stay within 64 bits by it. */
#define MAX_ELEMENTS ((int64_t)1 << 40)

void hl_graph_init(struct hl_graph *graph, struct hl_arena *arena)
{
    *graph = (struct hl_graph){.arena = arena};
    graph->spare.home = HL_NOWHERE;
}

int hl_graph_status(const struct hl_graph *graph)
{
    if (graph->arena->failed)
        return HOMELAB_E_NOMEM;
    return graph->bad ? HOMELAB_E_INVALID : 0;
}

/* --- Facts about nodes --- */

bool hl_op_is_view(enum hl_op op)
{
    return op >= HL_OP_VIEW && op <= HL_OP_TRANSPOSE;
}

bool hl_op_in_place(enum hl_op op)
{
    return op >= HL_OP_ADD && op <= HL_OP_ADD_ID;
}

bool hl_type_quantized(uint32_t type)
{
    const struct hl_ggml_type_info *info = hl_ggml_type(type);
    return info && info->block > 1;
}

int64_t hl_row_bytes(uint32_t type, int64_t elements)
{
    const struct hl_ggml_type_info *info = hl_ggml_type(type);
    return info ? elements / info->block * info->bytes : 0;
}

int64_t hl_node_elements(const struct hl_node *node)
{
    return node->ne[0] * node->ne[1] * node->ne[2] * node->ne[3];
}

uint64_t hl_node_bytes(const struct hl_node *node)
{
    const struct hl_ggml_type_info *info = hl_ggml_type(node->type);
    int64_t block = info ? info->block : 1;
    for (int i = 0; i < HL_NODE_DIMS; i++) {
        if (node->ne[i] <= 0)
            return 0;
    }
    int64_t bytes;
    int first;
    if (block == 1) {
        bytes = info ? info->bytes : 0;
        first = 0;
    } else {
        bytes = node->ne[0] * node->nb[0] / block;
        first = 1;
    }
    for (int i = first; i < HL_NODE_DIMS; i++)
        bytes += (node->ne[i] - 1) * node->nb[i];
    return bytes > 0 ? (uint64_t)bytes : 0;
}

/* Dimensions beyond `from` follow each other without gaps; the ones below it may have any. */
bool hl_node_contiguous(const struct hl_node *node, int from)
{
    const struct hl_ggml_type_info *info = hl_ggml_type(node->type);
    if (!info)
        return false;
    int64_t next = info->bytes;
    if (node->ne[0] != info->block && node->nb[0] != next)
        return false;
    next *= node->ne[0] / info->block;
    for (int i = 1; i < HL_NODE_DIMS; i++) {
        if (i > from) {
            if (node->ne[i] != 1 && node->nb[i] != next)
                return false;
            next *= node->ne[i];
        } else {
            next = node->ne[i] * node->nb[i];
        }
    }
    return true;
}

bool hl_node_rows_contiguous(const struct hl_node *node)
{
    const struct hl_ggml_type_info *info = hl_ggml_type(node->type);
    return info && (node->ne[0] == info->block || node->nb[0] == info->bytes);
}

bool hl_node_same_layout(const struct hl_node *a, const struct hl_node *b)
{
    return a->type == b->type && memcmp(a->ne, b->ne, sizeof(a->ne)) == 0 &&
           memcmp(a->nb, b->nb, sizeof(a->nb)) == 0;
}

static bool same_shape(const struct hl_node *a, const struct hl_node *b)
{
    return memcmp(a->ne, b->ne, sizeof(a->ne)) == 0;
}

/* --- Order --- */

static bool room(struct hl_graph *graph, struct hl_node ***list, size_t count, size_t *max)
{
    if (count < *max)
        return true;
    size_t larger = *max ? *max * 2 : 4096;
    struct hl_node **grown = hl_arena_take(graph->arena, larger, sizeof(struct hl_node *));
    if (!grown)
        return false;
    if (count)
        memcpy(grown, *list, count * sizeof(struct hl_node *));
    *list = grown;
    *max = larger;
    return true;
}

void hl_graph_append_node(struct hl_graph *graph, struct hl_node *node)
{
    if (room(graph, &graph->nodes, graph->node_count, &graph->node_max))
        graph->nodes[graph->node_count++] = node;
}

void hl_graph_append_leaf(struct hl_graph *graph, struct hl_node *node)
{
    if (room(graph, &graph->leafs, graph->leaf_count, &graph->leaf_max))
        graph->leafs[graph->leaf_count++] = node;
}

void hl_graph_add(struct hl_graph *graph, struct hl_node *node)
{
    if (node->seen)
        return;
    node->seen = true;
    for (int i = 0; i < HL_NODE_SRC; i++) {
        if (node->src[i])
            hl_graph_add(graph, node->src[i]);
    }
    if (node->op == HL_OP_NONE)
        hl_graph_append_leaf(graph, node);
    else
        hl_graph_append_node(graph, node);
}

/* --- Making nodes --- */

static struct hl_node *node_new(struct hl_graph *graph, enum hl_op op, uint32_t type)
{
    struct hl_node *node = hl_arena_take(graph->arena, 1, sizeof(*node));
    if (!node)
        node = &graph->spare;
    *node = (struct hl_node){
        .op = (uint8_t)op, .type = (uint8_t)type, .home = HL_NOWHERE, .backend = HL_NOWHERE};
    return node;
}

static void expect(struct hl_graph *graph, bool holds)
{
    if (!holds)
        graph->bad = true;
}

/* Sets a shape without gaps. Shapes beyond all reason become one element and mark the graph. */
static void shape(struct hl_graph *graph, struct hl_node *node, const int64_t ne[4])
{
    const struct hl_ggml_type_info *info = hl_ggml_type(node->type);
    int64_t elements = 1;
    bool fits = info != NULL;
    for (int i = 0; i < HL_NODE_DIMS && fits; i++) {
        fits = ne[i] >= 0 && ne[i] <= MAX_ELEMENTS &&
               !__builtin_mul_overflow(elements, ne[i] ? ne[i] : 1, &elements) &&
               elements <= MAX_ELEMENTS;
    }
    expect(graph, fits && ne[0] % info->block == 0);
    if (!fits)
        info = hl_ggml_type(node->type = HL_GGML_F32);
    for (int i = 0; i < HL_NODE_DIMS; i++)
        node->ne[i] = fits ? ne[i] : 1;
    node->nb[0] = info->bytes;
    node->nb[1] = info->bytes * (node->ne[0] / info->block);
    node->nb[2] = node->nb[1] * node->ne[1];
    node->nb[3] = node->nb[2] * node->ne[2];
}

static struct hl_node *shaped(struct hl_graph *graph, enum hl_op op, uint32_t type, int64_t ne0,
                              int64_t ne1, int64_t ne2, int64_t ne3)
{
    struct hl_node *node = node_new(graph, op, type);
    shape(graph, node, (const int64_t[4]){ne0, ne1, ne2, ne3});
    return node;
}

struct hl_node *hl_leaf(struct hl_graph *graph, uint32_t type, int64_t a, int64_t b, int64_t c,
                        int64_t d)
{
    return shaped(graph, HL_OP_NONE, type, a, b, c, d);
}

struct hl_node *hl_input(struct hl_graph *graph, uint32_t type, int64_t a, int64_t b, int64_t c,
                         int64_t d)
{
    struct hl_node *node = hl_leaf(graph, type, a, b, c, d);
    node->flags |= HL_NODE_INPUT;
    return node;
}

struct hl_node *hl_duplicate(struct hl_graph *graph, const struct hl_node *of)
{
    struct hl_node *node = node_new(graph, HL_OP_NONE, of->type);
    memcpy(node->ne, of->ne, sizeof(node->ne));
    memcpy(node->nb, of->nb, sizeof(node->nb));
    return node;
}

struct hl_node *hl_make(struct hl_graph *graph, enum hl_op op, int64_t ne0, int64_t ne1,
                        int64_t ne2, int64_t ne3)
{
    return shaped(graph, op, HL_GGML_F32, ne0, ne1, ne2, ne3);
}

/* --- Views --- */

static struct hl_node *view_new(struct hl_graph *graph, enum hl_op op, struct hl_node *a,
                                int64_t at)
{
    struct hl_node *node = hl_duplicate(graph, a);
    node->op = (uint8_t)op;
    node->view = a->view ? a->view : a;
    node->view_at = a->view_at + at;
    if (op != HL_OP_NONE)
        node->src[0] = a;
    return node;
}

struct hl_node *hl_view_of(struct hl_graph *graph, struct hl_node *a)
{
    return view_new(graph, HL_OP_NONE, a, 0);
}

struct hl_node *hl_view_4d(struct hl_graph *graph, struct hl_node *a, const int64_t ne[4],
                           int64_t nb1, int64_t nb2, int64_t nb3, int64_t at)
{
    struct hl_node *node = view_new(graph, HL_OP_VIEW, a, at);
    shape(graph, node, ne);
    node->nb[1] = nb1;
    node->nb[2] = nb2;
    node->nb[3] = nb3;
    return node;
}

struct hl_node *hl_view_3d(struct hl_graph *graph, struct hl_node *a, int64_t ne0, int64_t ne1,
                           int64_t ne2, int64_t nb1, int64_t nb2, int64_t at)
{
    return hl_view_4d(graph, a, (const int64_t[4]){ne0, ne1, ne2, 1}, nb1, nb2, nb2 * ne2, at);
}

struct hl_node *hl_view_2d(struct hl_graph *graph, struct hl_node *a, int64_t ne0, int64_t ne1,
                           int64_t nb1, int64_t at)
{
    return hl_view_3d(graph, a, ne0, ne1, 1, nb1, nb1 * ne1, at);
}

struct hl_node *hl_view_1d(struct hl_graph *graph, struct hl_node *a, int64_t ne0, int64_t at)
{
    return hl_view_2d(graph, a, ne0, 1, hl_row_bytes(a->type, ne0), at);
}

struct hl_node *hl_reshape(struct hl_graph *graph, struct hl_node *a, int64_t ne0, int64_t ne1,
                           int64_t ne2, int64_t ne3)
{
    struct hl_node *node = view_new(graph, HL_OP_RESHAPE, a, 0);
    shape(graph, node, (const int64_t[4]){ne0, ne1, ne2, ne3});
    expect(graph, hl_node_contiguous(a, 0) && hl_node_elements(a) == hl_node_elements(node));
    return node;
}

struct hl_node *hl_permute(struct hl_graph *graph, struct hl_node *a, int i, int j, int k, int l)
{
    struct hl_node *node = view_new(graph, HL_OP_PERMUTE, a, 0);
    const int axes[HL_NODE_DIMS] = {i, j, k, l};
    for (int axis = 0; axis < HL_NODE_DIMS; axis++) {
        node->ne[axes[axis]] = a->ne[axis];
        node->nb[axes[axis]] = a->nb[axis];
    }
    return node;
}

struct hl_node *hl_transpose(struct hl_graph *graph, struct hl_node *a)
{
    struct hl_node *node = hl_permute(graph, a, 1, 0, 2, 3);
    node->op = HL_OP_TRANSPOSE;
    return node;
}

/* --- Operators --- */

struct hl_node *hl_map(struct hl_graph *graph, enum hl_op op, struct hl_node *a, struct hl_node *b,
                       struct hl_node *c)
{
    struct hl_node *node = shaped(graph, op, a->type, a->ne[0], a->ne[1], a->ne[2], a->ne[3]);
    node->src[0] = a;
    node->src[1] = b;
    node->src[2] = c;
    return node;
}

/* b repeats until it has a's shape. */
static struct hl_node *broadcast(struct hl_graph *graph, enum hl_op op, struct hl_node *a,
                                 struct hl_node *b)
{
    for (int i = 0; i < HL_NODE_DIMS; i++)
        expect(graph, b->ne[i] > 0 && a->ne[i] % b->ne[i] == 0);
    return hl_map(graph, op, a, b, NULL);
}

struct hl_node *hl_add(struct hl_graph *graph, struct hl_node *a, struct hl_node *b)
{
    return broadcast(graph, HL_OP_ADD, a, b);
}

struct hl_node *hl_sub(struct hl_graph *graph, struct hl_node *a, struct hl_node *b)
{
    return broadcast(graph, HL_OP_SUB, a, b);
}

struct hl_node *hl_mul(struct hl_graph *graph, struct hl_node *a, struct hl_node *b)
{
    return broadcast(graph, HL_OP_MUL, a, b);
}

struct hl_node *hl_div(struct hl_graph *graph, struct hl_node *a, struct hl_node *b)
{
    return broadcast(graph, HL_OP_DIV, a, b);
}

struct hl_node *hl_scale(struct hl_graph *graph, struct hl_node *a)
{
    return hl_map(graph, HL_OP_SCALE, a, NULL, NULL);
}

struct hl_node *hl_unary(struct hl_graph *graph, struct hl_node *a)
{
    return hl_map(graph, HL_OP_UNARY, a, NULL, NULL);
}

struct hl_node *hl_scale_here(struct hl_graph *graph, struct hl_node *a)
{
    return view_new(graph, HL_OP_SCALE, a, 0);
}

struct hl_node *hl_set_here(struct hl_graph *graph, struct hl_node *a, struct hl_node *b)
{
    struct hl_node *node = view_new(graph, HL_OP_SET, a, 0);
    node->src[0] = a;
    node->src[1] = b;
    return node;
}

struct hl_node *hl_pad(struct hl_graph *graph, struct hl_node *a, int64_t ne0, int64_t ne1)
{
    struct hl_node *node = hl_make(graph, HL_OP_PAD, ne0, ne1, a->ne[2], a->ne[3]);
    node->src[0] = a;
    return node;
}

struct hl_node *hl_mul_mat(struct hl_graph *graph, struct hl_node *a, struct hl_node *b)
{
    expect(graph, a->ne[0] == b->ne[0] && a->ne[2] > 0 && a->ne[3] > 0 &&
                      b->ne[2] % a->ne[2] == 0 && b->ne[3] % a->ne[3] == 0);
    struct hl_node *node = hl_make(graph, HL_OP_MUL_MAT, a->ne[1], b->ne[1], b->ne[2], b->ne[3]);
    node->src[0] = a;
    node->src[1] = b;
    return node;
}

struct hl_node *hl_mul_mat_id(struct hl_graph *graph, struct hl_node *as, struct hl_node *b,
                              struct hl_node *ids)
{
    expect(graph, as->ne[0] == b->ne[0] && ids->ne[1] == b->ne[2] && b->ne[1] > 0 &&
                      ids->ne[0] % b->ne[1] == 0);
    struct hl_node *node = hl_make(graph, HL_OP_MUL_MAT_ID, as->ne[1], ids->ne[0], b->ne[2], 1);
    node->src[0] = as;
    node->src[1] = b;
    node->src[2] = ids;
    return node;
}

struct hl_node *hl_get_rows(struct hl_graph *graph, struct hl_node *a, struct hl_node *rows)
{
    expect(graph, a->ne[2] == rows->ne[1] && a->ne[3] == rows->ne[2]);
    uint32_t type = a->type == HL_GGML_I32 ? HL_GGML_I32 : HL_GGML_F32;
    struct hl_node *node =
        shaped(graph, HL_OP_GET_ROWS, type, a->ne[0], rows->ne[0], rows->ne[1], rows->ne[2]);
    node->src[0] = a;
    node->src[1] = rows;
    return node;
}

struct hl_node *hl_set_rows(struct hl_graph *graph, struct hl_node *a, struct hl_node *b,
                            struct hl_node *rows)
{
    expect(graph, a->ne[0] == b->ne[0] && b->ne[1] == rows->ne[0]);
    struct hl_node *node = view_new(graph, HL_OP_SET_ROWS, a, 0);
    node->src[0] = b;
    node->src[1] = rows;
    node->src[2] = a;
    return node;
}

struct hl_node *hl_cpy(struct hl_graph *graph, struct hl_node *a, struct hl_node *to)
{
    expect(graph, hl_node_elements(a) == hl_node_elements(to));
    struct hl_node *node = view_new(graph, HL_OP_CPY, to, 0);
    node->src[0] = a;
    node->src[1] = to;
    return node;
}

struct hl_node *hl_cast(struct hl_graph *graph, struct hl_node *a, uint32_t type)
{
    struct hl_node *node = shaped(graph, HL_OP_CPY, type, a->ne[0], a->ne[1], a->ne[2], a->ne[3]);
    node->src[0] = a;
    node->src[1] = node;
    return node;
}

struct hl_node *hl_cont(struct hl_graph *graph, struct hl_node *a)
{
    return hl_map(graph, HL_OP_CONT, a, NULL, NULL);
}

struct hl_node *hl_cont_4d(struct hl_graph *graph, struct hl_node *a, int64_t ne0, int64_t ne1,
                           int64_t ne2, int64_t ne3)
{
    struct hl_node *node = shaped(graph, HL_OP_CONT, a->type, ne0, ne1, ne2, ne3);
    expect(graph, hl_node_elements(a) == hl_node_elements(node));
    node->src[0] = a;
    return node;
}

struct hl_node *hl_concat(struct hl_graph *graph, struct hl_node *a, struct hl_node *b, int dim)
{
    int64_t ne[HL_NODE_DIMS];
    for (int i = 0; i < HL_NODE_DIMS; i++) {
        expect(graph, i == dim || a->ne[i] == b->ne[i]);
        ne[i] = a->ne[i] + (i == dim ? b->ne[i] : 0);
    }
    struct hl_node *node = node_new(graph, HL_OP_CONCAT, a->type);
    shape(graph, node, ne);
    node->src[0] = a;
    node->src[1] = b;
    return node;
}

struct hl_node *hl_repeat(struct hl_graph *graph, struct hl_node *a, int64_t ne0, int64_t ne1,
                          int64_t ne2, int64_t ne3)
{
    struct hl_node *node = shaped(graph, HL_OP_REPEAT, a->type, ne0, ne1, ne2, ne3);
    node->src[0] = a;
    return node;
}

struct hl_node *hl_glu(struct hl_graph *graph, struct hl_node *a, struct hl_node *b)
{
    expect(graph, !b || (same_shape(a, b) && a->type == b->type));
    struct hl_node *node = shaped(graph, HL_OP_GLU, a->type, b ? a->ne[0] : a->ne[0] / 2, a->ne[1],
                                  a->ne[2], a->ne[3]);
    node->src[0] = a;
    node->src[1] = b;
    return node;
}

struct hl_node *hl_soft_max(struct hl_graph *graph, struct hl_node *a, struct hl_node *mask,
                            struct hl_node *sinks)
{
    return hl_map(graph, HL_OP_SOFT_MAX, a, mask, sinks);
}

struct hl_node *hl_top_k(struct hl_graph *graph, struct hl_node *a, int64_t k)
{
    expect(graph, a->ne[0] >= k);
    struct hl_node *order =
        shaped(graph, HL_OP_ARGSORT, HL_GGML_I32, a->ne[0], a->ne[1], a->ne[2], a->ne[3]);
    order->src[0] = a;
    return hl_view_4d(graph, order, (const int64_t[4]){k, a->ne[1], a->ne[2], a->ne[3]},
                      order->nb[1], order->nb[2], order->nb[3], 0);
}

struct hl_node *hl_reduce_rows(struct hl_graph *graph, enum hl_op op, struct hl_node *a)
{
    struct hl_node *node = hl_make(graph, op, 1, a->ne[1], a->ne[2], a->ne[3]);
    node->src[0] = a;
    return node;
}

struct hl_node *hl_flash_attn(struct hl_graph *graph, struct hl_node *q, struct hl_node *k,
                              struct hl_node *v, struct hl_node *mask, struct hl_node *sinks)
{
    expect(graph, q->ne[0] == k->ne[0] && k->ne[2] > 0 && q->ne[2] % k->ne[2] == 0);
    struct hl_node *node = hl_make(graph, HL_OP_FLASH_ATTN, v->ne[0], q->ne[2], q->ne[1], q->ne[3]);
    node->src[0] = q;
    node->src[1] = k;
    node->src[2] = v;
    node->src[3] = mask;
    node->src[4] = sinks;
    return node;
}
