/* Sources: llama.cpp, src/llama-context.cpp (the constructor), src/llama-model.cpp (load_tensors),
 * src/llama-kv-cache-iswa.cpp. */
#include "vram/run.h"

#include "core/error.h"
#include "vram/arch.h"

#include <stdlib.h>

#define CELLS 256 /* contexts are multiples of it */

static int64_t pad(int64_t value, int64_t to)
{
    return (value + to - 1) / to * to;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void hl_request_init(struct hl_request *request)
{
    *request = (struct hl_request){
        .gpu_layers = -1,
        .context = 4096,
        .batch = 2048,
        .ubatch = 512,
        .parallel = 1,
        .outputs = 1,
        .kv_offload = true,
        .op_offload = true,
        .flash = HL_AUTO,
        .type_k = HL_GGML_F16,
        .type_v = HL_GGML_F16,
        .mapped = true,
        .behaviour = {true, true, true, true, true, false},
    };
}

/* --- Devices of layers --- */

/* Shares summed up and normalised, in the same precision as llama.cpp's. */
static void split_points(const struct hl_request *request, float points[HL_BACKENDS])
{
    bool given = false;
    for (int i = 0; i < request->devices; i++)
        given = given || request->split[i] != 0;
    float sum = 0;
    for (int i = 0; i < request->devices; i++) {
        double share = given ? request->split[i] : request->free_bytes[i];
        if (!given && share == 0)
            share = 1;
        sum += (float)share;
        points[i] = sum;
    }
    for (int i = 0; i < request->devices; i++)
        points[i] = sum > 0 ? points[i] / sum : 1;
}

static int device_at(const float *points, int devices, float position)
{
    int device = 0;
    while (device < devices - 1 && !(position < points[device]))
        device++;
    return device;
}

static void place_layers(struct hl_run *run)
{
    const struct hl_request *request = run->request;
    int64_t all = run->model->layers + 1;
    int64_t wanted = request->gpu_layers < 0 ? all : request->gpu_layers;
    int64_t active = request->devices ? least(wanted, all) : 0;
    int64_t first = all - active;
    if (!request->behaviour.output_first)
        first = wanted >= all ? 0 : all - 1 - active;
    int cpu = run->backends.count - 1;
    float points[HL_BACKENDS] = {0};
    split_points(request, points);
    for (int64_t i = 0; i < all; i++) {
        run->home[i] = (int16_t)cpu;
        if (i >= first && i - first < active)
            run->home[i] =
                (int16_t)device_at(points, request->devices, (float)(i - first) / (float)active);
    }
    run->full_offload = wanted >= all && request->devices > 0;
}

/* --- Numbers --- */

static int settle_context(struct hl_run *run)
{
    const struct hl_request *request = run->request;
    int64_t unit = request->behaviour.context_padded ? CELLS : 1;
    int64_t context = request->context > 0 ? request->context : run->model->context_trained;
    run->sequences = request->parallel > 1 ? request->parallel : 1;
    run->batch = run->model->causal ? least(context, request->batch) : request->batch;
    run->ubatch = least(run->batch, request->ubatch > 0 ? request->ubatch : request->batch);
    run->context = pad(context, unit);
    run->context_seq = run->context;
    if (!request->unified) {
        run->context_seq = pad(run->context / run->sequences, unit);
        run->context = run->context_seq * run->sequences;
    }
    if (run->context_seq < 1 || run->ubatch < 1)
        return hl_error_set(HOMELAB_E_INVALID, 0, "context",
                            "context: found %lld for %lld sequences, expected one cell at least",
                            (long long)context, (long long)run->sequences);
    run->streams = request->unified ? 1 : run->sequences;
    run->cells = run->context_seq;
    int64_t window = run->model->window * (request->unified ? run->sequences : 1) + run->ubatch;
    run->cells_swa = pad(least(run->cells, window), unit);
    if (request->swa_full)
        run->cells_swa = run->cells;
    run->outputs =
        request->outputs > 0 && request->behaviour.outputs_capped ? request->outputs : run->batch;
    return 0;
}

static void settle_pipeline(struct hl_run *run)
{
    const struct hl_request *request = run->request;
    run->tensors_moved = request->cpu_experts > 0;
    run->pipeline =
        request->devices > 1 && run->full_offload && request->kv_offload && !run->tensors_moved;
    for (int i = 0; i < request->devices; i++) {
        if (request->device[i].kind != HL_BACKEND_CUDA)
            run->pipeline = false;
    }
}

int hl_run_init(struct hl_run *run, const struct hl_request *request, const struct hl_model *model,
                struct hl_arena *arena)
{
    *run = (struct hl_run){.request = request, .model = model};
    run->backends.count = request->devices + 1;
    for (int i = 0; i < request->devices; i++)
        run->backends.at[i] = request->device[i];
    run->backends.at[request->devices] = (struct hl_backend){.kind = HL_BACKEND_CPU};
    run->backends.mixed_kv = request->mixed_kv;
    run->backends.reserve_f16_kv = request->behaviour.f16_in_buffer;
    run->home = hl_arena_take(arena, (size_t)model->layers + 1, sizeof(*run->home));
    if (!run->home)
        return hl_error_nomem();
    place_layers(run);
    int code = settle_context(run);
    if (code)
        return code;
    settle_pipeline(run);
    run->flash = request->flash != HL_OFF;
    run->fused_step = run->fused_chunk = true;
    run->v_transposed = !run->flash;
    return 0;
}

/* --- Weights --- */

int hl_run_weight_home(const struct hl_run *run, const struct hl_weight *weight, int64_t layer)
{
    int cpu = run->backends.count - 1;
    switch (weight->place) {
    case HL_PLACE_BLOCK:
        if (weight->expert && weight->block < run->request->cpu_experts)
            return cpu;
        return run->home[weight->block];
    case HL_PLACE_FIRST:
        return run->home[0];
    case HL_PLACE_OUTPUT:
        return run->home[run->model->layers];
    case HL_PLACE_EVERY:
        return run->home[layer];
    case HL_PLACE_INPUT:
    case HL_PLACE_UNUSED:
        break;
    }
    return cpu;
}

static uint64_t bytes_on(const struct hl_run *run, int backend, const struct hl_gguf_tensor *tensor)
{
    struct hl_node node = {.op = HL_OP_NONE, .type = (uint8_t)tensor->type, .home = HL_NOWHERE};
    const struct hl_ggml_type_info *info = hl_ggml_type(tensor->type);
    if (!info)
        return tensor->bytes;
    node.nb[0] = info->bytes;
    node.nb[1] = hl_row_bytes(tensor->type, tensor->ne[0]);
    for (int i = 0; i < HL_NODE_DIMS; i++)
        node.ne[i] = tensor->ne[i];
    node.nb[2] = node.nb[1] * node.ne[1];
    node.nb[3] = node.nb[2] * node.ne[2];
    uint64_t alignment = hl_backend_alignment(run->backends.at[backend].kind);
    uint64_t bytes = hl_backend_bytes(&run->backends, backend, &node);
    return (bytes + alignment - 1) / alignment * alignment;
}

static void add_weight(const struct hl_run *run, struct hl_usage *usage, int backend,
                       const struct hl_weight *weight)
{
    usage->weights[backend] += bytes_on(run, backend, weight->tensor);
}

static void add_everywhere(const struct hl_run *run, struct hl_usage *usage,
                           const struct hl_weight *weight)
{
    bool done[HL_BACKENDS] = {false};
    for (int64_t i = 0; i < run->model->layers; i++) {
        int home = run->home[i];
        if (!done[home])
            add_weight(run, usage, home, weight);
        done[home] = true;
    }
}

/* A tied output layer is the token embedding, loaded once more unless it would lie beside it. */
static bool output_is_tied(const struct hl_model *model)
{
    if (model->arch && (model->arch->flags & HL_ARCH_ENCODER))
        return false;
    if (model->arch && (model->arch->flags & HL_ARCH_TIED))
        return true;
    return !hl_model_global_weight(model, HL_G_OUTPUT);
}

/* Of a mapped file all from the first to the last tensor of the host counts, file by file. */
static uint64_t mapped_bytes(const struct hl_run *run)
{
    const struct hl_model *model = run->model;
    int cpu = run->backends.count - 1;
    uint64_t bytes = 0, from = UINT64_MAX, to = 0;
    for (size_t i = 0; i < model->weight_count; i++) {
        const struct hl_weight *weight = &model->weights[i];
        const struct hl_gguf_tensor *tensor = weight->tensor;
        bool next_part = i > 0 && tensor->part != model->weights[i - 1].tensor->part;
        if (next_part && from < to)
            bytes += to - from;
        if (next_part) {
            from = UINT64_MAX;
            to = 0;
        }
        if (weight->place == HL_PLACE_UNUSED || hl_run_weight_home(run, weight, 0) != cpu)
            continue;
        from = tensor->offset < from ? tensor->offset : from;
        to = tensor->offset + tensor->bytes > to ? tensor->offset + tensor->bytes : to;
    }
    return from < to ? bytes + to - from : bytes;
}

void hl_run_weights(const struct hl_run *run, struct hl_usage *usage)
{
    const struct hl_model *model = run->model;
    int cpu = run->backends.count - 1;
    for (size_t i = 0; i < model->weight_count; i++) {
        const struct hl_weight *weight = &model->weights[i];
        if (weight->place == HL_PLACE_UNUSED)
            continue;
        if (weight->place == HL_PLACE_EVERY)
            add_everywhere(run, usage, weight);
        else
            add_weight(run, usage, hl_run_weight_home(run, weight, 0), weight);
    }
    const struct hl_weight *embedding = hl_model_global_weight(model, HL_G_TOKEN_EMBD);
    bool twice = run->home[model->layers] != cpu ||
                 (model->arch && (model->arch->flags & HL_ARCH_OUTPUT_FIRST));
    if (embedding && output_is_tied(model) && twice)
        add_weight(run, usage, run->home[model->layers], embedding);
    if (run->request->mapped && !run->request->no_alloc)
        usage->weights[cpu] = mapped_bytes(run);
}

/* --- Caches --- */

static void add_cache(const struct hl_run *run, struct hl_usage *usage, int64_t layer,
                      uint32_t type, int64_t width, int64_t rows)
{
    int backend = run->request->kv_offload ? run->home[layer] : run->backends.count - 1;
    const struct hl_gguf_tensor tensor = {
        .type = type, .dims = 2, .ne = {width, rows, 1, 1}, .bytes = 0};
    usage->context[backend] += bytes_on(run, backend, &tensor);
}

void hl_run_caches(const struct hl_run *run, struct hl_usage *usage)
{
    const struct hl_model *model = run->model;
    if (model->arch && (model->arch->flags & HL_ARCH_ENCODER))
        return;
    for (int64_t i = 0; i < model->layers; i++) {
        const struct hl_layer *layer = &model->layer[i];
        int64_t cells = (layer->swa ? run->cells_swa : run->cells) * run->streams;
        if (layer->cache) {
            add_cache(run, usage, i, run->request->type_k, hl_model_k_width(model, i), cells);
            int64_t v =
                run->v_transposed ? hl_model_v_width_max(model) : hl_model_v_width(model, i);
            if (!model->mla)
                add_cache(run, usage, i, run->request->type_v, v, cells);
        }
        if (layer->recurrent) {
            add_cache(run, usage, i, HL_GGML_F32, model->state_r, run->sequences);
            add_cache(run, usage, i, HL_GGML_F32, model->state_s, run->sequences);
        }
    }
}
