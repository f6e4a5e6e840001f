#include "vram/sched.h"

#include "vram/galloc.h"

#include <homelab/error.h>

#define COPIES_MAX   4
#define SPLIT_COPIES 30 /* of tensors in one split at most: GGML_SCHED_MAX_SPLIT_INPUTS */

static int cpu_of(const struct hl_sched *sched)
{
    return sched->backends->count - 1;
}

static const struct hl_node *owner(const struct hl_node *node)
{
    return node->view ? node->view : node;
}

/* The backend that holds tensor's memory, if it can also run op; HL_NOWHERE otherwise. */
static int from_memory(const struct hl_sched *sched, const struct hl_node *tensor,
                       const struct hl_node *op)
{
    int home = owner(tensor)->home;
    if (home == HL_NOWHERE || !hl_backend_supports(sched->backends, home, op))
        return HL_NOWHERE;
    return home;
}

static int from_weight(const struct hl_sched *sched, const struct hl_node *node,
                       const struct hl_node *weight)
{
    int at = from_memory(sched, weight, node);
    if (!sched->op_offload || at != cpu_of(sched))
        return at;
    for (int b = 0; b < at; b++) {
        if (hl_backend_supports(sched->backends, b, node) &&
            hl_backend_offloads(sched->backends, b, node))
            return b;
    }
    return at;
}

/* Where a node has to run because of where its memory or its weights are. */
static int from_surroundings(const struct hl_sched *sched, const struct hl_node *node)
{
    int at = from_memory(sched, node, node);
    if (at != HL_NOWHERE)
        return at;
    if (node->flags & HL_NODE_INPUT)
        return cpu_of(sched);
    /* Their weights (frequencies, sinks) are too small to decide it. */
    if (node->op == HL_OP_ROPE || node->op == HL_OP_FLASH_ATTN)
        return HL_NOWHERE;
    for (int i = 0; i < HL_NODE_SRC; i++) {
        const struct hl_node *src = node->src[i];
        if (src && (src->flags & HL_NODE_WEIGHT))
            return from_weight(sched, node, src);
    }
    return HL_NOWHERE;
}

/* Carries backends from assigned nodes to the unassigned ones beside them; the CPU is carried on
 * only with cpu. */
static void spread_step(const struct hl_sched *sched, struct hl_node *node, bool cpu, int *current)
{
    if (hl_op_is_view((enum hl_op)node->op))
        return;
    if (node->backend != HL_NOWHERE)
        *current = !cpu && node->backend == cpu_of(sched) ? HL_NOWHERE : node->backend;
    else if (*current != HL_NOWHERE && hl_backend_supports(sched->backends, *current, node))
        node->backend = (int16_t)*current;
}

static void spread(const struct hl_sched *sched, const struct hl_graph *graph, bool cpu)
{
    int current = HL_NOWHERE;
    for (size_t i = 0; i < graph->node_count; i++)
        spread_step(sched, graph->nodes[i], cpu, &current);
    current = HL_NOWHERE;
    for (size_t i = graph->node_count; i > 0; i--)
        spread_step(sched, graph->nodes[i - 1], cpu, &current);
}

/* Whether backend can read a tensor where it lies, or will lie. */
static bool reaches(const struct hl_node *tensor, int backend)
{
    int at = owner(tensor)->home;
    if (at == HL_NOWHERE)
        at = tensor->backend;
    if (at == HL_NOWHERE && tensor->view)
        at = tensor->view->backend;
    return at != HL_NOWHERE && hl_backend_reaches(backend, at);
}

/* The first backend of those that can run it which has most of its sources at hand. */
static void assign_by_sources(const struct hl_sched *sched, struct hl_node *node)
{
    int best = -1;
    for (int b = 0; b < sched->backends->count; b++) {
        if (!hl_backend_supports(sched->backends, b, node))
            continue;
        int near = 0;
        for (int i = 0; i < HL_NODE_SRC; i++) {
            const struct hl_node *src = node->src[i];
            if (src &&
                (src->backend != HL_NOWHERE || (src->view && src->view->backend != HL_NOWHERE)))
                near += reaches(src, b);
        }
        if (near > best) {
            best = near;
            node->backend = (int16_t)b;
        }
    }
}

static void assign_sources(struct hl_node *node)
{
    for (int i = 0; i < HL_NODE_SRC; i++) {
        struct hl_node *src = node->src[i];
        if (src && src->backend == HL_NOWHERE)
            src->backend = src->view ? src->view->backend : node->backend;
    }
}

void hl_sched_assign(const struct hl_sched *sched, struct hl_graph *graph)
{
    for (size_t i = 0; i < graph->leaf_count; i++) {
        if (graph->leafs[i]->backend == HL_NOWHERE)
            graph->leafs[i]->backend = (int16_t)from_surroundings(sched, graph->leafs[i]);
    }
    for (size_t i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i]->backend == HL_NOWHERE)
            graph->nodes[i]->backend = (int16_t)from_surroundings(sched, graph->nodes[i]);
    }
    spread(sched, graph, false);
    spread(sched, graph, true);
    for (size_t i = 0; i < graph->node_count; i++) {
        struct hl_node *node = graph->nodes[i];
        if (node->backend == HL_NOWHERE && !hl_op_is_view((enum hl_op)node->op))
            assign_by_sources(sched, node);
    }
    for (size_t i = 0; i < graph->node_count; i++) {
        struct hl_node *node = graph->nodes[i];
        if (node->backend == HL_NOWHERE && node->view)
            node->backend = node->view->backend;
        assign_sources(node);
        for (int b = 0; b < sched->backends->count && node->backend == HL_NOWHERE; b++) {
            if (hl_backend_supports(sched->backends, b, node))
                node->backend = (int16_t)b;
        }
        if (node->backend == HL_NOWHERE)
            node->backend = (int16_t)cpu_of(sched);
    }
}

/* --- Splits --- */

/* The graph with its copies, being put together. */
struct plan {
    struct hl_sched *sched;
    struct hl_graph *graph; /* of which it was made */
    struct hl_graph out;
    int16_t *node_backends, *leaf_backends;
    struct hl_node **copied; /* sources copied for a split, one after the other */
    int16_t *copied_to;
    size_t copied_count, copied_max;
};

static struct hl_node **copies_of(struct plan *plan, struct hl_node *node, int backend)
{
    size_t count = (size_t)plan->sched->backends->count * COPIES_MAX;
    if (!node->copies)
        node->copies = hl_arena_take(plan->graph->arena, count, sizeof(*node->copies));
    return node->copies ? &node->copies[(size_t)backend * COPIES_MAX] : NULL;
}

/* A node's source on another backend becomes a copy on this one. */
static void copy_source(struct plan *plan, struct hl_node *node, int source, int backend)
{
    struct hl_node *src = node->src[source];
    struct hl_node **copies = copies_of(plan, src, backend);
    if (!copies)
        return;
    if (!copies[0]) {
        for (int c = 0; c < plan->sched->copies; c++) {
            copies[c] = hl_duplicate(plan->graph, src);
            copies[c]->backend = (int16_t)backend;
            if (plan->sched->copies > 1)
                copies[c]->flags |= HL_NODE_INPUT | HL_NODE_OUTPUT;
        }
        if (plan->copied_count < plan->copied_max) {
            plan->copied[plan->copied_count] = src;
            plan->copied_to[plan->copied_count++] = (int16_t)backend;
        }
    }
    node->src[source] = copies[0];
}

static void emit(struct plan *plan, struct hl_node *node, int backend)
{
    size_t at = plan->out.node_count;
    hl_graph_append_node(&plan->out, node);
    if (plan->out.node_count > at)
        plan->node_backends[at] = (int16_t)backend;
}

static void emit_leaf(struct plan *plan, struct hl_node *leaf, int backend)
{
    size_t at = plan->out.leaf_count;
    hl_graph_append_leaf(&plan->out, leaf);
    if (plan->out.leaf_count > at)
        plan->leaf_backends[at] = (int16_t)backend;
}

/* What a split copies comes first in it: a use of the source, which keeps that until then, and the
 * copy. */
static void emit_split(struct plan *plan, size_t from, size_t to, size_t copied_from)
{
    for (size_t i = copied_from; i < plan->copied_count; i++) {
        struct hl_node *src = plan->copied[i];
        struct hl_node *use = hl_view_of(plan->graph, src);
        use->src[0] = src;
        emit(plan, use, src->backend);
        emit(plan, copies_of(plan, src, plan->copied_to[i])[0], plan->copied_to[i]);
    }
    for (size_t i = from; i < to; i++)
        emit(plan, plan->graph->nodes[i], plan->graph->nodes[i]->backend);
}

/* A weight that would have to be copied starts a new split, so that the memory of the one copied
 * before is free again; and so does any copy when a split has all it can have. */
static bool starts_split(const struct hl_node *node, int backend, size_t copied)
{
    for (int i = 0; i < HL_NODE_SRC && copied > 0; i++) {
        const struct hl_node *src = node->src[i];
        if (!src || src->backend == backend || reaches(src, backend))
            continue;
        if (src->flags & HL_NODE_WEIGHT)
            return true;
        bool there = src->copies && src->copies[(size_t)backend * COPIES_MAX];
        if (copied == SPLIT_COPIES && !there)
            return true;
    }
    return false;
}

static void split(struct plan *plan)
{
    struct hl_graph *graph = plan->graph;
    size_t start = 0, first = 0, copied_from = 0;
    while (first < graph->node_count && hl_op_is_view((enum hl_op)graph->nodes[first]->op))
        first++;
    int current = first < graph->node_count ? graph->nodes[first]->backend : 0;
    plan->sched->splits = 1;
    for (size_t i = first; i < graph->node_count; i++) {
        struct hl_node *node = graph->nodes[i];
        if (hl_op_is_view((enum hl_op)node->op))
            continue;
        size_t copied = plan->copied_count - copied_from;
        if (node->backend != current || starts_split(node, current, copied)) {
            emit_split(plan, start, i, copied_from);
            plan->sched->splits++;
            start = i;
            copied_from = plan->copied_count;
            current = node->backend;
        }
        for (int j = 0; j < HL_NODE_SRC; j++) {
            struct hl_node *src = node->src[j];
            if (!src)
                continue;
            src->used = true;
            if (src->backend != current && !reaches(src, current))
                copy_source(plan, node, j, current);
        }
    }
    emit_split(plan, start, graph->node_count, copied_from);
}

/* With a pipeline every input that a node reads, and every copy, exists several times, for good. */
static void emit_pipeline(struct plan *plan)
{
    struct hl_graph *graph = plan->graph;
    int copies = plan->sched->copies;
    for (size_t i = 0; i < graph->leaf_count; i++) {
        struct hl_node *leaf = graph->leafs[i];
        if (!(leaf->flags & HL_NODE_INPUT) || !leaf->used)
            continue;
        emit_leaf(plan, leaf, leaf->backend);
        leaf->flags |= HL_NODE_OUTPUT;
        for (int c = 1; c < copies; c++) {
            struct hl_node *copy = hl_duplicate(graph, leaf);
            copy->flags |= HL_NODE_INPUT | HL_NODE_OUTPUT;
            emit_leaf(plan, copy, leaf->backend);
        }
    }
    for (size_t i = 0; i < plan->copied_count; i++) {
        struct hl_node **made = copies_of(plan, plan->copied[i], plan->copied_to[i]);
        for (int c = 0; c < copies; c++)
            emit_leaf(plan, made[c], plan->copied_to[i]);
    }
}

static bool plan_init(struct plan *plan, struct hl_sched *sched, struct hl_graph *graph)
{
    /* A node copies each of its sources once at most, and each copy is two more nodes. */
    size_t sources = 0;
    for (size_t i = 0; i < graph->node_count; i++) {
        for (int j = 0; j < HL_NODE_SRC; j++)
            sources += graph->nodes[i]->src[j] != NULL;
    }
    size_t leafs = (graph->leaf_count + sources) * COPIES_MAX + graph->leaf_count;
    *plan = (struct plan){.sched = sched, .graph = graph, .copied_max = sources};
    hl_graph_init(&plan->out, graph->arena);
    plan->node_backends = hl_arena_take(graph->arena, graph->node_count + 2 * sources + 1,
                                        sizeof(*plan->node_backends));
    plan->leaf_backends = hl_arena_take(graph->arena, leafs + 1, sizeof(*plan->leaf_backends));
    plan->copied = hl_arena_take(graph->arena, sources + 1, sizeof(*plan->copied));
    plan->copied_to = hl_arena_take(graph->arena, sources + 1, sizeof(*plan->copied_to));
    return !graph->arena->failed;
}

int hl_sched_measure(struct hl_sched *sched, struct hl_graph *graph, uint64_t sizes[HL_BACKENDS])
{
    int code = hl_graph_status(graph);
    if (code)
        return code;
    hl_sched_assign(sched, graph);
    struct plan plan;
    if (!plan_init(&plan, sched, graph))
        return HOMELAB_E_NOMEM;
    split(&plan);
    if (sched->copies > 1 && !graph->arena->failed)
        emit_pipeline(&plan);
    for (size_t i = 0; i < graph->leaf_count; i++)
        emit_leaf(&plan, graph->leafs[i], graph->leafs[i]->backend);
    if (graph->arena->failed)
        return HOMELAB_E_NOMEM;
    const struct hl_galloc_graph laid = {plan.out.nodes,      plan.out.leafs,
                                         plan.node_backends,  plan.leaf_backends,
                                         plan.out.node_count, plan.out.leaf_count};
    return hl_galloc_sizes(sched->backends, &laid, graph->arena, sizes);
}
