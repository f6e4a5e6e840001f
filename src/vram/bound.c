/* Every graph that llama.cpp has is, block by block, some of these: inputs, the residual stream,
 * the widest matrices' results with what is made of them, attention, and last the logits. The bound
 * takes all of them at once, and each generously. */
#include "vram/bound.h"

#define WIDE_RESULTS 4  /* of the widest matrix at one time: gate, up, their product, its input */
#define STREAMS      28 /* copies of the residual stream: some models have several of them */
#define COPIES       4  /* of inputs, and of what crosses devices, in a pipeline */
#define CROSSING     16 /* residual streams' worth of tensors that cross */
#define MOST         0x1p60

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Elements a token of the widest result of a block's matrices. */
static int64_t widest(const struct hl_model *model)
{
    int64_t most = model->embd;
    for (size_t i = 0; i < model->weight_count; i++) {
        const struct hl_weight *weight = &model->weights[i];
        if (weight->place != HL_PLACE_BLOCK)
            continue;
        int64_t times = weight->expert ? larger(1, model->layer[weight->block].experts_used) : 1;
        most = larger(most, times * larger(weight->tensor->ne[0], weight->tensor->ne[1]));
    }
    return most;
}

static double input_bytes(const struct hl_run *run)
{
    double batch = (double)run->ubatch;
    int64_t masks = run->model->window > 0 ? 2 : 1;
    return batch * (4.0 * (double)run->cells * (double)masks + 64 + 4.0 * (double)run->model->embd);
}

static double attention_bytes(const struct hl_run *run)
{
    int64_t heads = 0, width = 0;
    for (int64_t i = 0; i < run->model->layers; i++) {
        int64_t k = hl_model_k_width(run->model, i), v = hl_model_v_width(run->model, i);
        heads = larger(heads, run->model->layer[i].heads);
        width = larger(width, k + v);
    }
    double head = (double)larger(run->model->head_k, run->model->head_v);
    double batch = (double)run->ubatch, cells = (double)run->cells;
    double bytes =
        16 * batch * (double)heads * head + 2.0 * (double)width * cells * (double)run->streams;
    return run->flash ? bytes : bytes + 8 * batch * cells * (double)heads;
}

/* What recurrent layers read and write, if the model has such. */
static double state_bytes(const struct hl_run *run)
{
    const struct hl_model *model = run->model;
    double states = (double)(model->state_r + model->state_s) * (double)run->sequences;
    double channels = (double)model->inner + 2.0 * (double)model->groups * (double)model->state;
    return 4 * (2 * states + 4 * (double)run->ubatch * channels);
}

/* With blocks on the CPU, large products go to a device, and their weights with them. */
static uint64_t copied_weight(const struct hl_run *run)
{
    int cpu = run->backends.count - 1;
    uint64_t largest = 0;
    if (!run->request->op_offload)
        return 0;
    for (size_t i = 0; i < run->model->weight_count; i++) {
        const struct hl_weight *weight = &run->model->weights[i];
        bool host = hl_run_weight_home(run, weight, 0) == cpu;
        bool gathered = weight->place == HL_PLACE_INPUT && run->home[run->model->layers] != cpu;
        if (host && !gathered && weight->tensor->bytes > largest)
            largest = weight->tensor->bytes;
    }
    return largest;
}

void hl_bound_compute(const struct hl_run *run, struct hl_usage *usage)
{
    const struct hl_model *model = run->model;
    double batch = (double)run->ubatch, embd = (double)model->embd;
    double outputs = run->outputs < run->ubatch ? (double)run->outputs : batch;
    double logits = 4 * (double)model->vocab * outputs * (model->final_softcap != 0 ? 2 : 1);
    double inputs = input_bytes(run);
    if (run->pipeline)
        inputs = COPIES * (inputs + CROSSING * 4 * batch * embd);
    double bytes = inputs + attention_bytes(run) + state_bytes(run) + logits +
                   4 * batch * (WIDE_RESULTS * (double)widest(model) + STREAMS * embd);
    int cpu = run->backends.count - 1;
    for (int i = 0; i < run->backends.count; i++)
        usage->compute[i] = (uint64_t)(bytes < MOST ? bytes : MOST);
    if (cpu > 0)
        usage->compute[0] += copied_weight(run);
}
