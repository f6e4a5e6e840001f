#include "vram/galloc.h"

#include <homelab/error.h>

#include <string.h>

#define FREE_BLOCKS 256

struct block {
    uint64_t at, bytes;
};

/* One buffer's free memory, by address; the last block reaches to the end of the world. */
struct space {
    struct block free[FREE_BLOCKS];
    int count;
    uint64_t alignment, highest;
};

struct galloc {
    const struct hl_backends *backends;
    struct space *spaces;
    bool crowded;
};

static uint64_t align(uint64_t bytes, uint64_t alignment)
{
    return (bytes + alignment - 1) / alignment * alignment;
}

static void remove_block(struct space *space, int i)
{
    space->count--;
    memmove(&space->free[i], &space->free[i + 1],
            (size_t)(space->count - i) * sizeof(space->free[0]));
}

/* The smallest block that fits, the last one of equals; the endless one only when none other
 * does. */
static uint64_t take(struct space *space, uint64_t bytes)
{
    bytes = align(bytes, space->alignment);
    int best = space->count - 1;
    uint64_t best_bytes = UINT64_MAX;
    for (int i = 0; i < space->count - 1; i++) {
        if (space->free[i].bytes >= bytes && space->free[i].bytes <= best_bytes) {
            best = i;
            best_bytes = space->free[i].bytes;
        }
    }
    struct block *block = &space->free[best];
    uint64_t at = block->at;
    block->at += bytes;
    block->bytes -= bytes;
    if (block->bytes == 0)
        remove_block(space, best);
    if (at + bytes > space->highest)
        space->highest = at + bytes;
    return at;
}

static void give(struct galloc *galloc, struct space *space, uint64_t at, uint64_t bytes)
{
    bytes = align(bytes, space->alignment);
    for (int i = 0; i < space->count; i++) {
        struct block *block = &space->free[i];
        if (block->at + block->bytes == at) {
            block->bytes += bytes;
            if (i + 1 < space->count && block->at + block->bytes == block[1].at) {
                block->bytes += block[1].bytes;
                remove_block(space, i + 1);
            }
            return;
        }
        if (at + bytes == block->at) {
            block->at = at;
            block->bytes += bytes;
            if (i > 0 && block[-1].at + block[-1].bytes == at) {
                block[-1].bytes += block->bytes;
                remove_block(space, i);
            }
            return;
        }
    }
    if (space->count >= FREE_BLOCKS) {
        galloc->crowded = true;
        return;
    }
    int i = 0;
    while (i < space->count && space->free[i].at < at)
        i++;
    memmove(&space->free[i + 1], &space->free[i],
            (size_t)(space->count - i) * sizeof(space->free[0]));
    space->free[i] = (struct block){at, bytes};
    space->count++;
}

static uint64_t bytes_of(const struct galloc *galloc, const struct hl_node *node)
{
    return hl_backend_bytes(galloc->backends, node->buffer, node);
}

/* A parent whose memory node may take over: of the allocator's own, needed by nothing else, of the
 * same layout. */
static struct hl_node *heir_of(struct hl_node *node)
{
    if (!hl_op_in_place((enum hl_op)node->op))
        return NULL;
    for (int i = 0; i < HL_NODE_SRC; i++) {
        struct hl_node *parent = node->src[i];
        if (parent && parent->own && !parent->view && !(parent->flags & HL_NODE_OUTPUT) &&
            hl_node_same_layout(node, parent) && parent->children == 1 && parent->views == 0)
            return parent;
    }
    return NULL;
}

static void allocate(struct galloc *galloc, struct hl_node *node, int backend)
{
    if (node->own || node->view || node->home != HL_NOWHERE)
        return;
    node->own = true;
    struct hl_node *parent = heir_of(node);
    if (parent) {
        node->buffer = parent->buffer;
        node->at = parent->at;
        parent->own = false;
        struct space *space = &galloc->spaces[node->buffer];
        uint64_t before = align(bytes_of(galloc, parent), space->alignment);
        uint64_t after = align(bytes_of(galloc, node), space->alignment);
        if (before > after)
            give(galloc, space, node->at + after, before - after);
        return;
    }
    node->buffer = (int16_t)backend;
    node->at = take(&galloc->spaces[backend], bytes_of(galloc, node));
}

static void release(struct galloc *galloc, struct hl_node *node)
{
    if (node->flags & HL_NODE_OUTPUT)
        return;
    give(galloc, &galloc->spaces[node->buffer], node->at, bytes_of(galloc, node));
    node->own = false;
}

/* Counts uses, and allocates inputs ahead of all else so that nothing overwrites them. */
static void count_uses(struct galloc *galloc, const struct hl_galloc_graph *graph)
{
    for (size_t i = 0; i < graph->node_count; i++) {
        struct hl_node *node = graph->nodes[i];
        if (node->view && node->op != HL_OP_NONE)
            node->view->views++;
        if (node->flags & HL_NODE_INPUT)
            allocate(galloc, node, graph->node_backends[i]);
        for (int j = 0; j < HL_NODE_SRC; j++) {
            struct hl_node *src = node->src[j];
            if (!src)
                continue;
            src->children++;
            if (src->flags & HL_NODE_INPUT)
                allocate(galloc, src, graph->node_backends[i]);
        }
    }
}

static void use(struct galloc *galloc, struct hl_node *parent)
{
    if (--parent->children != 0 || parent->views != 0)
        return;
    if (parent->view) {
        struct hl_node *owner = parent->view;
        owner->views--;
        if (owner->views == 0 && owner->children == 0 && owner->own)
            release(galloc, owner);
    } else if (parent->own) {
        release(galloc, parent);
    }
}

static void run(struct galloc *galloc, const struct hl_galloc_graph *graph)
{
    for (size_t i = 0; i < graph->leaf_count; i++)
        allocate(galloc, graph->leafs[i], graph->leaf_backends[i]);
    count_uses(galloc, graph);
    for (size_t i = 0; i < graph->node_count; i++) {
        struct hl_node *node = graph->nodes[i];
        for (int j = 0; j < HL_NODE_SRC; j++) {
            if (node->src[j])
                allocate(galloc, node->src[j], graph->node_backends[i]);
        }
        allocate(galloc, node, graph->node_backends[i]);
        for (int j = 0; j < HL_NODE_SRC; j++) {
            if (node->src[j])
                use(galloc, node->src[j]);
        }
    }
}

int hl_galloc_sizes(const struct hl_backends *backends, const struct hl_galloc_graph *graph,
                    struct hl_arena *arena, uint64_t sizes[HL_BACKENDS])
{
    struct galloc galloc = {.backends = backends};
    galloc.spaces = hl_arena_take(arena, (size_t)backends->count, sizeof(*galloc.spaces));
    if (!galloc.spaces)
        return HOMELAB_E_NOMEM;
    for (int i = 0; i < backends->count; i++) {
        struct space *space = &galloc.spaces[i];
        space->alignment = hl_backend_alignment(backends->at[i].kind);
        space->free[0] = (struct block){0, UINT64_MAX / 2};
        space->count = 1;
    }
    run(&galloc, graph);
    for (int i = 0; i < backends->count; i++)
        sizes[i] = galloc.spaces[i].highest;
    return galloc.crowded ? HOMELAB_E_LIMIT : 0;
}
