/* Source: llama.cpp, src/llama-context.cpp (sched_reserve, graph_reserve, output_reserve). */
#include "vram/measure.h"

#include "core/error.h"
#include "vram/arch.h"
#include "vram/bound.h"
#include "vram/build.h"
#include "vram/sched.h"

#define PIPELINE_COPIES 4  /* GGML_SCHED_MAX_COPIES */
#define DELTA_PROBE     16 /* tokens a sequence */

struct measuring {
    struct hl_run run;
    struct hl_arena settings, graphs;
};

static struct hl_sched sched_of(const struct hl_run *run)
{
    return (struct hl_sched){.backends = &run->backends,
                             .copies = run->pipeline ? PIPELINE_COPIES : 1,
                             .op_offload = run->request->op_offload};
}

static int status(const struct measuring *m, int code)
{
    if (code == HOMELAB_E_NOMEM)
        return hl_error_nomem();
    if (code)
        return hl_error_set(code, 0, m->run.model->gguf->architecture,
                            "model '%s': its tensors do not fit its architecture's graph",
                            m->run.model->gguf->architecture);
    return 0;
}

/* --- Fused operators stay on where every layer's runs on its layer's device --- */

static bool at_home(const struct hl_run *run, struct hl_node *const *nodes)
{
    for (int64_t i = 0; i < run->model->layers; i++) {
        if (nodes[i] && nodes[i]->backend != run->home[i])
            return false;
    }
    return true;
}

/* Assigns backends in the graph of a small batch, from which is seen what runs where. */
static int probe(struct measuring *m, int64_t tokens, struct hl_builder *b)
{
    hl_arena_reset(&m->graphs);
    int code = hl_builder_init(b, &m->run, &m->graphs, tokens, tokens, true);
    if (!code)
        code = hl_builder_run(b);
    if (code)
        return status(m, code);
    const struct hl_sched sched = sched_of(&m->run);
    hl_sched_assign(&sched, &b->graph);
    return 0;
}

static int settle_fused(struct measuring *m)
{
    struct hl_run *run = &m->run;
    struct hl_builder b;
    int code = 0;
    if (run->request->flash == HL_AUTO && !hl_type_quantized(run->request->type_v)) {
        code = probe(m, run->sequences, &b);
        run->flash = !code && at_home(run, b.flash_nodes);
    }
    if (code || !(run->model->arch->flags & HL_ARCH_DELTA))
        return code;
    code = probe(m, run->sequences, &b);
    if (code)
        return code;
    run->fused_step = at_home(run, b.delta_nodes);
    code = probe(m, run->sequences * DELTA_PROBE, &b);
    run->fused_chunk = !code && at_home(run, b.delta_nodes);
    return code;
}

/* --- Compute buffers --- */

/* llama.cpp's own estimate forgets the wishes of the graph's makers, so nothing is pinned in it. */
static int measure_graph(struct measuring *m, int64_t tokens, int64_t outputs,
                         uint64_t sizes[HL_BACKENDS])
{
    struct hl_run *run = &m->run;
    struct hl_builder b;
    hl_arena_reset(&m->graphs);
    int code = hl_builder_init(&b, run, &m->graphs, tokens, outputs, !run->request->no_alloc);
    if (!code)
        code = hl_builder_run(&b);
    struct hl_sched sched = sched_of(run);
    if (!code)
        code = hl_sched_measure(&sched, &b.graph, sizes);
    return status(m, code);
}

static int measure_compute(struct measuring *m, struct hl_usage *usage)
{
    const struct hl_run *run = &m->run;
    int64_t tokens = run->context < run->ubatch ? run->context : run->ubatch;
    int64_t outputs = tokens < run->outputs ? tokens : run->outputs;
    int code = measure_graph(m, tokens, outputs, usage->compute);
    if (code || run->request->no_alloc)
        return code;
    uint64_t generating[HL_BACKENDS] = {0};
    code = measure_graph(m, run->sequences, run->sequences, generating);
    for (int i = 0; i < run->backends.count; i++) {
        if (generating[i] > usage->compute[i])
            usage->compute[i] = generating[i];
    }
    return code;
}

/* --- What llama.cpp refuses --- */

static int refuse(const char *subject, const char *found, const char *expected)
{
    return hl_error_set(HOMELAB_E_UNSUPPORTED, 0, subject, "KV cache: found %s, expected %s", found,
                        expected);
}

static int check_blocks(const struct hl_model *model, uint32_t type, bool keys)
{
    const struct hl_ggml_type_info *info = hl_ggml_type(type);
    for (int64_t i = 0; i < model->layers && info; i++) {
        int64_t head = keys ? hl_model_head_k(model, i) : hl_model_head_v(model, i);
        if (head % info->block != 0)
            return refuse(keys ? "type_k" : "type_v", "heads that are no multiple of a block",
                          "a type with smaller blocks");
    }
    return 0;
}

static int check_cache(struct hl_run *run)
{
    const struct hl_request *request = run->request;
    bool v_quantized = hl_type_quantized(request->type_v);
    if (!hl_ggml_type(request->type_k) || !hl_ggml_type(request->type_v))
        return refuse("type_k", "an unknown type", "one of ggml's");
    if (run->model->mla && request->type_k != request->type_v)
        return refuse("type_v", "another type for values than for keys",
                      "the same, since this model's values are in its keys");
    if (v_quantized && request->flash == HL_OFF)
        return refuse("type_v", "a quantised type for values without flash attention",
                      "f16, bf16 or f32");
    if (request->flash == HL_OFF)
        return 0;
    int code =
        hl_type_quantized(request->type_k) ? check_blocks(run->model, request->type_k, true) : 0;
    return code || !v_quantized ? code : check_blocks(run->model, request->type_v, false);
}

/* --- All of it --- */

static int begin(struct measuring *m, struct hl_measure *out, const struct hl_model *model,
                 const struct hl_request *request)
{
    struct hl_run *run = &m->run;
    int code = hl_run_init(run, request, model, &m->settings);
    if (!code)
        code = check_cache(run);
    if (code)
        return code;
    out->backends = run->backends.count;
    hl_run_weights(run, &out->usage);
    hl_run_caches(run, &out->usage);
    for (int64_t i = 0; i <= model->layers; i++)
        out->gpu_layers += run->home[i] != out->backends - 1;
    out->context = run->context;
    out->context_seq = run->context_seq;
    out->batch = run->batch;
    out->ubatch = run->ubatch;
    out->pipeline = run->pipeline;
    out->flash = run->flash;
    int64_t floats = model->vocab + (request->embeddings ? model->embd : 0);
    out->output_buffer = (uint64_t)floats * 4 * (uint64_t)run->sequences;
    return 0;
}

static int compute(struct measuring *m, struct hl_measure *out)
{
    /* What a server tells of a model leaves out lists of layers. */
    if (!m->run.model->arch || !homelab_gguf_is_certain(m->run.model->gguf)) {
        out->confidence = HL_CONFIDENCE_BOUND;
        hl_bound_compute(&m->run, &out->usage);
        return 0;
    }
    int code = settle_fused(m);
    if (!code)
        code = measure_compute(m, &out->usage);
    out->flash = m->run.flash;
    return code;
}

static int measure(struct hl_measure *out, const struct hl_model *model,
                   const struct hl_request *request, bool with_compute)
{
    struct measuring m = {0};
    hl_arena_init(&m.settings);
    hl_arena_init(&m.graphs);
    *out = (struct hl_measure){0};
    int code = begin(&m, out, model, request);
    if (!code && with_compute)
        code = compute(&m, out);
    hl_arena_free(&m.settings);
    hl_arena_free(&m.graphs);
    return code;
}

int hl_measure_run(struct hl_measure *out, const struct hl_model *model,
                   const struct hl_request *request)
{
    return measure(out, model, request, true);
}

int hl_measure_static(struct hl_measure *out, const struct hl_model *model,
                      const struct hl_request *request)
{
    return measure(out, model, request, false);
}

static bool within(const struct hl_measure *measure, const uint64_t *limits)
{
    const struct hl_usage *usage = &measure->usage;
    for (int i = 0; i < measure->backends - 1; i++) {
        if (usage->weights[i] + usage->context[i] + usage->compute[i] > limits[i])
            return false;
    }
    return true;
}

int hl_measure_fit(struct hl_measure *out, int64_t *layers, const struct hl_model *model,
                   const struct hl_request *request, const uint64_t *limits)
{
    struct hl_request tried = *request;
    for (int64_t n = model->layers + 1; n >= 0; n--) {
        tried.gpu_layers = n;
        int code = hl_measure_static(out, model, &tried);
        if (!code && within(out, limits))
            code = hl_measure_run(out, model, &tried);
        else if (!code)
            continue;
        if (code)
            return code;
        if (within(out, limits)) {
            *layers = n;
            return 0;
        }
    }
    *layers = -1;
    return 0;
}
