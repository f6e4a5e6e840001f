/* The commands that run a model as planned (options: llama.cpp, tools/server/README.md, b10470;
 * Ollama, envconfig/config.go; Docker, docs/reference/commandline/container_run.md). */
#include "plan/plan.h"

#include "core/alloc.h"
#include "core/error.h"
#include "core/options.h"

#include <string.h>

/* Of llama-server. */
#define SERVER_BATCH  2048
#define SERVER_UBATCH 512

/* What runs. */
struct run {
    const homelab_plan *plan;
    const struct hl_plan_model *model;
    const struct hl_model *from;
    const homelab_opts *opts;
    bool embeds;
};

/* A word for a POSIX shell. */
static void put_word(struct hl_buf *buf, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_@%+=:,./-";
    if (*word && strspn(word, plain) == strlen(word)) {
        hl_buf_puts(buf, word);
        return;
    }
    hl_buf_putc(buf, '\'');
    for (; *word; word++)
        if (*word == '\'')
            hl_buf_puts(buf, "'\\''");
        else
            hl_buf_putc(buf, *word);
    hl_buf_putc(buf, '\'');
}

/* A driver counts the cards of its vendor on the node. */
static int number_of(const homelab_plan *plan, size_t device)
{
    int number = 0;
    for (size_t d = 0; d < device; d++)
        number += plan->devices[d].node == plan->devices[device].node &&
                  plan->devices[d].gpu >= 0 &&
                  hl_same_vendor(&plan->devices[d], &plan->devices[device]);
    return number;
}

static void put_gpus(struct hl_buf *buf, const homelab_plan *plan, const struct hl_way *way)
{
    for (size_t p = 0; p < way->gpu_count; p++)
        hl_buf_printf(buf, "%s%d", p ? "," : "", number_of(plan, way->parts[p].device));
}

static void put_split(struct hl_buf *buf, const struct hl_way *way)
{
    hl_buf_puts(buf, " --tensor-split ");
    for (size_t p = 0; p < way->gpu_count; p++)
        hl_buf_printf(buf, "%s%lld", p ? "," : "", (long long)way->parts[p].share);
}

/* llama.cpp numbers devices as the driver does; a container sees its own only, from 0. */
static void put_device(struct hl_buf *buf, const homelab_plan *plan, size_t device, bool container)
{
    hl_buf_printf(buf, "%s%d", hl_is_amd(&plan->devices[device]) ? "ROCm" : "CUDA",
                  container ? 0 : number_of(plan, device));
}

static void put_devices(struct hl_buf *buf, const homelab_plan *plan, const struct hl_way *way)
{
    hl_buf_puts(buf, " --device ");
    for (size_t p = 0; p < way->gpu_count; p++) {
        hl_buf_puts(buf, p ? "," : "");
        put_device(buf, plan, way->parts[p].device, false);
    }
}

/* As the inventory names it, or where a container has it. */
static void put_file(struct hl_buf *buf, const char *file, bool container)
{
    const char *slash = strrchr(file, '/');
    struct hl_buf path;
    hl_buf_init(&path, HL_PLAN_MAX_TEXT);
    if (container)
        hl_buf_printf(&path, "/models/%s", slash ? slash + 1 : file);
    else
        hl_buf_puts(&path, file);
    if (path.failed)
        buf->failed = path.failed;
    else
        put_word(buf, path.data);
    hl_buf_free(&path);
}

static bool is_url(const char *file)
{
    return strncmp(file, "http://", 7) == 0 || strncmp(file, "https://", 8) == 0;
}

/* "--model FILE" or "--model-url URL". */
static void put_source(struct hl_buf *buf, const char *argument, const char *file, bool container)
{
    hl_buf_printf(buf, "%s%s ", argument, is_url(file) ? "-url" : "");
    if (is_url(file))
        put_word(buf, file);
    else
        put_file(buf, file, container);
}

/* What is loaded beside the model: the projector goes where the model begins by itself. */
static void put_beside(struct hl_buf *buf, const struct run *run, bool container)
{
    const struct hl_way *way = &run->model->way;
    const struct hl_model *from = run->from;
    if (from->mmproj && (way->projector || way->given)) {
        put_source(buf, " --mmproj", from->mmproj, container);
        hl_buf_puts(buf, way->gpu_count ? "" : " --no-mmproj-offload");
    }
    if (!from->draft || !(way->draft || way->given))
        return;
    hl_buf_puts(buf, " --spec-type draft-simple --model-draft ");
    put_file(buf, from->draft, container);
    hl_buf_puts(buf, " --device-draft ");
    if (way->gpu_count)
        put_device(buf, run->plan, way->parts[0].device, container);
    else
        hl_buf_puts(buf, "none");
    hl_buf_puts(buf, way->gpu_count ? " --n-gpu-layers-draft 999" : " --n-gpu-layers-draft 0");
}

static void put_flash_attention(struct hl_buf *buf, const struct run *run)
{
    const struct hl_way *way = &run->model->way;
    bool quantized = strcmp(way->kv, "f16") != 0;
    const char *flash = hl_opt_string(run->opts, HL_OPT_VRAM_FLASH_ATTENTION);
    if (quantized || strcmp(flash, "auto") != 0)
        hl_buf_printf(buf, " --flash-attn %s", quantized ? "on" : flash);
    if (quantized)
        hl_buf_printf(buf, " --cache-type-k %s --cache-type-v %s", way->kv, way->kv);
}

/* Options that the estimate was made with, where the server would do otherwise by itself. With the
 * number of slots given, each has a cache of its own. */
static void put_options(struct hl_buf *buf, const struct run *run)
{
    const homelab_opts *opts = run->opts;
    int64_t batch = hl_server_batch(opts, run->embeds);
    int64_t ubatch = hl_opt_int(opts, HL_OPT_VRAM_UBATCH);
    if (batch != SERVER_BATCH)
        hl_buf_printf(buf, " --batch-size %lld", (long long)batch);
    if (ubatch != SERVER_UBATCH)
        hl_buf_printf(buf, " --ubatch-size %lld", (long long)ubatch);
    put_flash_attention(buf, run);
    if (strcmp(hl_opt_string(opts, HL_OPT_VRAM_UNIFIED), "on") == 0)
        hl_buf_puts(buf, " --kv-unified");
    if (!hl_opt_bool(opts, HL_OPT_VRAM_KV_OFFLOAD))
        hl_buf_puts(buf, " --no-kv-offload");
    if (!hl_opt_bool(opts, HL_OPT_VRAM_OP_OFFLOAD))
        hl_buf_puts(buf, " --no-op-offload");
    if (hl_opt_bool(opts, HL_OPT_VRAM_SWA_FULL))
        hl_buf_puts(buf, " --swa-full");
    if (!hl_opt_bool(opts, HL_OPT_VRAM_MMAP))
        hl_buf_puts(buf, " --load-mode none"); /* was --no-mmap before b10105 */
    if (run->embeds)
        hl_buf_puts(buf, " --embeddings");
}

static void put_arguments(struct hl_buf *buf, const struct run *run, bool container)
{
    const struct hl_plan_model *model = run->model;
    const struct hl_way *way = &model->way;
    put_source(buf, "--model", run->from->file ? run->from->file : model->name, container);
    if (way->gpu_count && !container)
        put_devices(buf, run->plan, way);
    if (way->gpu_count == 0)
        hl_buf_puts(buf, " --device none --n-gpu-layers 0");
    else if (way->layers >= 0)
        hl_buf_printf(buf, " --n-gpu-layers %lld", (long long)way->layers);
    else
        hl_buf_puts(buf, " --n-gpu-layers 999");
    if (way->gpu_count > 1)
        put_split(buf, way);
    if (way->cpu_experts)
        hl_buf_printf(buf, " --n-cpu-moe %lld", (long long)way->cpu_experts);
    if (way->context)
        hl_buf_printf(buf, " --ctx-size %lld", (long long)way->context * model->parallel);
    hl_buf_printf(buf, " --parallel %d", model->parallel);
    put_options(buf, run);
    put_beside(buf, run, container);
    hl_buf_puts(buf, " --fit off");
}

static void put_docker(struct hl_buf *buf, const struct run *run)
{
    const homelab_plan *plan = run->plan;
    const struct hl_way *way = &run->model->way;
    bool amd = hl_is_amd(&plan->devices[way->parts[0].device]);
    hl_buf_puts(buf, "docker run -d -v models:/models -p 8080:8080");
    if (way->gpu_count && amd) {
        hl_buf_puts(buf, " --device /dev/kfd --device /dev/dri -e HIP_VISIBLE_DEVICES=");
        put_gpus(buf, plan, way);
    } else if (way->gpu_count) {
        hl_buf_puts(buf, " --gpus '\"device=");
        put_gpus(buf, plan, way);
        hl_buf_puts(buf, "\"'");
    }
    hl_buf_printf(buf, " ghcr.io/ggml-org/llama.cpp:server%s --host 0.0.0.0 ",
                  !way->gpu_count ? ""
                  : amd           ? "-rocm"
                                  : "-cuda");
    put_arguments(buf, run, true);
}

static void put_environment(struct hl_buf *buf, const homelab_plan *plan,
                            const struct hl_plan_model *model)
{
    const struct hl_way *way = &model->way;
    hl_buf_printf(buf, "OLLAMA_NUM_PARALLEL=%d", model->parallel);
    if (strcmp(way->kv, "f16") != 0)
        hl_buf_printf(buf, " OLLAMA_FLASH_ATTENTION=1 OLLAMA_KV_CACHE_TYPE=%s", way->kv);
    if (way->gpu_count > 1)
        hl_buf_puts(buf, " OLLAMA_SCHED_SPREAD=1");
    if (way->gpu_count == 0)
        return;
    hl_buf_puts(buf, hl_is_amd(&plan->devices[way->parts[0].device]) ? " ROCR_VISIBLE_DEVICES="
                                                                     : " CUDA_VISIBLE_DEVICES=");
    put_gpus(buf, plan, way);
}

int hl_plan_flags(homelab_plan *plan, const homelab_planner *planner)
{
    const struct hl_inventory_data *data = hl_inventory_data(planner->inventory);
    for (size_t i = 0; i < plan->model_count; i++) {
        struct hl_plan_model *model = &plan->models[i];
        if (!model->placed)
            continue;
        const homelab_gguf *header = planner->headers[model->model].of[HL_ROLE_MODEL];
        struct run run = {.plan = plan,
                          .model = model,
                          .from = &data->models[model->model],
                          .opts = planner->opts};
        run.embeds = hl_model_embeds(run.from, header, run.opts);
        struct hl_buf server, docker, environment;
        hl_buf_init(&server, HL_PLAN_MAX_TEXT);
        hl_buf_init(&docker, HL_PLAN_MAX_TEXT);
        hl_buf_init(&environment, HL_PLAN_MAX_TEXT);
        put_arguments(&server, &run, false);
        put_docker(&docker, &run);
        put_environment(&environment, plan, model);
        model->server = hl_buf_take(&server);
        model->docker = hl_buf_take(&docker);
        model->environment = hl_buf_take(&environment);
        if (!model->server || !model->docker || !model->environment)
            return hl_error_nomem();
    }
    return HOMELAB_OK;
}
