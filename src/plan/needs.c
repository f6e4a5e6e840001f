/* What a way of running a model takes: the model's own estimate, and beside it in the same process
 * what is loaded with it. Sources of that, as seen of llama.cpp b11549: the projector goes on the
 * first device (tools/mtmd/clip.cpp); the draft model has the slots and the context of the model
 * that it drafts for, and a cache of f16; the model then has DRAFT_TOKENS more outputs a slot
 * (common/speculative.cpp, tools/server/server-context.cpp). */
#include "plan/plan.h"

#include <homelab/vram.h>

#include "core/error.h"
#include "core/options.h"

#include <stdio.h>
#include <string.h>

#define MIB          (1 << 20)
#define DRAFT_TOKENS 3 /* of --spec-draft-n-max */

static int set_devices(homelab_opts *opts, const struct hl_ask *ask)
{
    struct hl_buf devices;
    hl_buf_init(&devices, 4096);
    for (size_t g = 0; g < ask->gpu_count; g++) {
        bool amd = hl_is_amd(&ask->devices[ask->gpus[g]]);
        hl_buf_printf(&devices, "%s%s", g ? "," : "", amd ? "rocm" : "cuda");
    }
    int code = devices.failed ? hl_error_nomem() : HOMELAB_OK;
    if (!code)
        code = homelab_opts_set_string(opts, "vram.devices", devices.data ? devices.data : "");
    hl_buf_free(&devices);
    return code;
}

static int set_split(homelab_opts *opts, const struct hl_way *way)
{
    struct hl_buf shares;
    hl_buf_init(&shares, 4096);
    for (size_t g = 0; g < way->gpu_count; g++)
        hl_buf_printf(&shares, "%s%lld", g ? "," : "", (long long)way->parts[g].share);
    int code = shares.failed ? hl_error_nomem() : HOMELAB_OK;
    if (!code)
        code = homelab_opts_set_string(opts, "vram.free_mib", shares.data);
    hl_buf_free(&shares);
    return code;
}

int64_t hl_server_batch(const homelab_opts *opts, bool embeds)
{
    int64_t batch = hl_opt_int(opts, HL_OPT_VRAM_BATCH);
    int64_t ubatch = hl_opt_int(opts, HL_OPT_VRAM_UBATCH);
    return embeds && ubatch < batch ? ubatch : batch;
}

static int set_options(homelab_opts *opts, const struct hl_ask *ask)
{
    int code = set_devices(opts, ask);
    if (!code) /* shares are by the room of the plan's devices */
        code = homelab_opts_set_string(opts, "vram.tensor_split", "");
    if (!code)
        code = homelab_opts_set_int(opts, "vram.gpu_layers", ask->gpu_count ? ask->layers : 0);
    if (!code)
        code = homelab_opts_set_string(opts, "vram.runtime", ask->ollama ? "ollama" : "llama.cpp");
    /* Ollama is told the context of a slot, llama-server that of all. */
    if (!code)
        code = homelab_opts_set_int(opts, "vram.context",
                                    ask->ollama ? ask->context : ask->context * ask->parallel);
    if (!code)
        code = homelab_opts_set_int(opts, "vram.parallel", ask->parallel);
    if (!code)
        code = homelab_opts_set_int(opts, "vram.cpu_experts", ask->cpu_experts);
    if (!code)
        code = homelab_opts_set_string(opts, "vram.type_k", ask->kv);
    if (!code)
        code = homelab_opts_set_string(opts, "vram.type_v", ask->kv);
    if (!code)
        code = homelab_opts_set_bool(opts, "vram.embeddings", ask->embeds);
    if (!code)
        code = homelab_opts_set_int(opts, "vram.batch", hl_server_batch(opts, ask->embeds));
    if (!code && ask->draft && hl_opt_int(opts, HL_OPT_VRAM_OUTPUTS) < 0)
        code = homelab_opts_set_int(opts, "vram.outputs", ask->parallel * (1 + DRAFT_TOKENS));
    return code;
}

/* Split by the way's shares where there are several GPUs. */
static int make_estimate(homelab_estimate **out, const struct hl_way *way,
                         const homelab_gguf *header, const struct hl_ask *ask,
                         const homelab_opts *opts)
{
    homelab_opts *copy = NULL;
    int code = hl_opts_copy(&copy, opts);
    if (!code)
        code = set_options(copy, ask);
    if (!code && ask->gpu_count > 1)
        code = set_split(copy, way);
    if (!code)
        code = homelab_estimate_new(out, header, copy);
    homelab_opts_free(copy);
    return code;
}

/* Adds what an estimate says of the first count devices and of the host. */
static void add_estimate(struct hl_way *way, const homelab_estimate *estimate, size_t count,
                         bool overhead)
{
    for (size_t d = 0; d <= count; d++) {
        struct hl_plan_part *part = &way->parts[d < count ? d : way->part_count - 1];
        part->weights += homelab_estimate_weights_bytes(estimate, d);
        part->context += homelab_estimate_context_bytes(estimate, d);
        part->compute += homelab_estimate_compute_bytes(estimate, d);
        if (overhead)
            part->overhead += homelab_estimate_overhead_bytes(estimate, d);
        if (d == count)
            part->compute += homelab_estimate_output_buffer_bytes(estimate);
    }
    way->bound = way->bound || homelab_estimate_confidence(estimate) != HOMELAB_CONFIDENCE_EXACT;
}

/* What is loaded beside the model, on the first GPU alone. */
static int add_beside(struct hl_way *way, int64_t *bytes, const homelab_gguf *header,
                      const struct hl_ask *ask, const homelab_opts *opts)
{
    struct hl_ask beside = *ask;
    homelab_estimate *estimate = NULL;
    if (!header)
        return HOMELAB_OK;
    beside.gpu_count = ask->gpu_count ? 1 : 0;
    beside.layers = -1;
    beside.cpu_experts = 0;
    beside.kv = "f16";
    beside.draft = NULL;
    beside.embeds = false;
    int code = make_estimate(&estimate, way, header, &beside, opts);
    if (!code) {
        int64_t before = hl_part_total(&way->parts[0]);
        add_estimate(way, estimate, beside.gpu_count, false);
        *bytes = hl_part_total(&way->parts[0]) - before;
    }
    homelab_estimate_unref(estimate);
    return code;
}

static int add_model(struct hl_way *way, const struct hl_ask *ask, const homelab_opts *opts)
{
    homelab_estimate *estimate = NULL;
    int code = make_estimate(&estimate, way, ask->header, ask, opts);
    if (!code)
        add_estimate(way, estimate, ask->gpu_count, true);
    homelab_estimate_unref(estimate);
    return code;
}

static void start_way(struct hl_way *way, const struct hl_ask *ask)
{
    *way = (struct hl_way){.gpu_count = ask->gpu_count,
                           .part_count = ask->gpu_count + 1,
                           .layers = ask->gpu_count ? ask->layers : 0,
                           .context = ask->context,
                           .cpu_experts = ask->cpu_experts,
                           .kv = ask->kv,
                           .bound = !homelab_gguf_is_certain(ask->header),
                           .whole = ask->gpu_count && ask->cpu_experts == 0 &&
                                    ask->layers > homelab_gguf_layer_count(ask->header)};
    for (size_t g = 0; g < ask->gpu_count; g++)
        way->parts[g].device = ask->gpus[g];
    way->parts[ask->gpu_count].device = ask->cpu;
}

/* By free memory, as llama.cpp does, without what else of this process is on the first GPU. */
static void read_shares(struct hl_way *way, const struct hl_ask *ask)
{
    for (size_t g = 0; g < ask->gpu_count; g++) {
        struct hl_plan_part *part = &way->parts[g];
        int64_t room = hl_device_room(&ask->devices[ask->gpus[g]]) - hl_part_total(part);
        part->share = room > 0 ? room / MIB : 0;
    }
}

int hl_needs_estimate(struct hl_way *way, const struct hl_ask *ask, const homelab_opts *opts)
{
    start_way(way, ask);
    int code = add_beside(way, &way->projector, ask->projector, ask, opts);
    if (!code)
        code = add_beside(way, &way->draft, ask->draft, ask, opts);
    if (code)
        return code;
    read_shares(way, ask);
    return add_model(way, ask, opts);
}
