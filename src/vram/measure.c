/* Source: llama.cpp, src/llama-context.cpp (sched_reserve, graph_reserve, output_reserve). */
#include "vram/measure.h"

#include "core/error.h"
#include "vram/arch.h"
#include "vram/build.h"
#include "vram/sched.h"

#define PIPELINE_COPIES 4 /* GGML_SCHED_MAX_COPIES */
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
    if (run->request->flash == HL_AUTO) {
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

/* --- All of it --- */

static int check_cache(const struct hl_run *run)
{
    bool encoder = run->model->arch->flags & HL_ARCH_ENCODER;
    if (!run->flash && hl_type_quantized(run->request->type_v) && !encoder)
        return hl_error_set(HOMELAB_E_UNSUPPORTED, 0, "type_v",
                            "KV cache: found a quantised type for values without flash attention, "
                            "expected f16, bf16 or f32");
    return 0;
}

static int measure(struct measuring *m, struct hl_measure *out, const struct hl_model *model,
                   const struct hl_request *request)
{
    struct hl_run *run = &m->run;
    int code = hl_run_init(run, request, model, &m->settings);
    if (code)
        return code;
    out->backends = run->backends.count;
    hl_run_weights(run, &out->usage);
    hl_run_caches(run, &out->usage);
    code = settle_fused(m);
    if (!code)
        code = check_cache(run);
    if (!code)
        code = measure_compute(m, &out->usage);
    out->context = run->context;
    out->context_seq = run->context_seq;
    out->batch = run->batch;
    out->ubatch = run->ubatch;
    out->flash = run->flash;
    out->pipeline = run->pipeline;
    int64_t floats = model->vocab + (request->embeddings ? model->embd : 0);
    out->output_buffer = (uint64_t)floats * 4 * (uint64_t)run->sequences;
    return code;
}

int hl_measure_run(struct hl_measure *out, const struct hl_model *model,
                   const struct hl_request *request)
{
    struct measuring m = {0};
    hl_arena_init(&m.settings);
    hl_arena_init(&m.graphs);
    *out = (struct hl_measure){0};
    int code = measure(&m, out, model, request);
    hl_arena_free(&m.settings);
    hl_arena_free(&m.graphs);
    return code;
}
