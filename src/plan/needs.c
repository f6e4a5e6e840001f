#include "plan/plan.h"

#include <homelab/vram.h>

#include "core/error.h"
#include "core/options.h"

#include <stdio.h>
#include <string.h>

#define MIB (1 << 20)

static void put_devices(struct hl_buf *devices, struct hl_buf *room, const struct hl_ask *ask)
{
    for (size_t g = 0; g < ask->gpu_count; g++) {
        const struct hl_plan_device *device = &ask->devices[ask->gpus[g]];
        bool amd = device->vendor && strcmp(device->vendor, "amd") == 0;
        hl_buf_printf(devices, "%s%s", g ? "," : "", amd ? "rocm" : "cuda");
        hl_buf_printf(room, "%s%lld", g ? "," : "", (long long)(hl_device_room(device) / MIB));
    }
}

static int set_options(homelab_opts *opts, const struct hl_ask *ask)
{
    struct hl_buf devices, room;
    hl_buf_init(&devices, 4096);
    hl_buf_init(&room, 4096);
    put_devices(&devices, &room, ask);
    int code = devices.failed || room.failed ? hl_error_nomem() : HOMELAB_OK;
    if (!code)
        code = homelab_opts_set_string(opts, "vram.devices", devices.data ? devices.data : "");
    if (!code && ask->gpu_count > 1)
        code = homelab_opts_set_string(opts, "vram.free_mib", room.data);
    if (!code)
        code = homelab_opts_set_int(opts, "vram.gpu_layers", ask->gpu_count ? ask->layers : 0);
    if (!code)
        code = homelab_opts_set_int(opts, "vram.context", ask->context * ask->parallel);
    if (!code)
        code = homelab_opts_set_int(opts, "vram.parallel", ask->parallel);
    if (!code)
        code = homelab_opts_set_int(opts, "vram.cpu_experts", ask->cpu_experts);
    if (!code)
        code = homelab_opts_set_string(opts, "vram.type_k", ask->kv);
    if (!code)
        code = homelab_opts_set_string(opts, "vram.type_v", ask->kv);
    hl_buf_free(&devices);
    hl_buf_free(&room);
    return code;
}

static void read_way(struct hl_way *way, const struct hl_ask *ask, const homelab_estimate *estimate)
{
    size_t count = homelab_estimate_device_count(estimate);
    *way = (struct hl_way){.gpu_count = ask->gpu_count,
                           .layers = ask->gpu_count ? ask->layers : 0,
                           .context = ask->context,
                           .cpu_experts = ask->cpu_experts,
                           .kv = ask->kv};
    way->bound = homelab_estimate_confidence(estimate) != HOMELAB_CONFIDENCE_EXACT ||
                 !homelab_gguf_is_certain(ask->header);
    for (size_t d = 0; d < count && d <= ask->gpu_count; d++) {
        bool host = d == ask->gpu_count;
        struct hl_plan_part *part = &way->parts[way->part_count++];
        part->device = host ? ask->cpu : ask->gpus[d];
        part->weights = homelab_estimate_weights_bytes(estimate, d);
        part->context = homelab_estimate_context_bytes(estimate, d);
        part->compute = homelab_estimate_compute_bytes(estimate, d);
        part->overhead = homelab_estimate_overhead_bytes(estimate, d);
        if (host)
            part->compute += homelab_estimate_output_buffer_bytes(estimate);
    }
}

int hl_needs_estimate(struct hl_way *way, const struct hl_ask *ask, const homelab_opts *opts)
{
    homelab_opts *copy = NULL;
    homelab_estimate *estimate = NULL;
    int code = hl_opts_copy(&copy, opts);
    if (!code)
        code = set_options(copy, ask);
    if (!code)
        code = homelab_estimate_new(&estimate, ask->header, copy);
    if (!code)
        read_way(way, ask, estimate);
    homelab_estimate_unref(estimate);
    homelab_opts_free(copy);
    return code;
}
