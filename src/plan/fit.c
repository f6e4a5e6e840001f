/* The most that fits. What a model takes grows with its layers on GPUs, its context, and with fewer
 * experts on the CPU; only full offload can take less than one layer fewer, since nothing is
 * computed for the CPU's layers then, so it is tried first. */
#include "plan/plan.h"

#include "core/error.h"

#define CONTEXT_STEP 256 /* llama.cpp rounds contexts up to it */

bool hl_way_fits(const struct hl_way *way, const struct hl_plan_device *devices)
{
    for (size_t p = 0; p < way->part_count; p++) {
        const struct hl_plan_device *device = &devices[way->parts[p].device];
        if (device->gpu < 0 && device->capacity == 0 && way->gpu_count)
            continue; /* memory of unknown size, which holds what every server needs there */
        if (hl_part_total(&way->parts[p]) > hl_device_room(device))
            return false;
    }
    return true;
}

static int try_one(struct hl_way *way, bool *fits, const struct hl_ask *ask, hl_needs_fn *needs,
                   const homelab_opts *opts)
{
    struct hl_way one;
    *fits = false;
    int code = needs(&one, ask, opts);
    if (code == HOMELAB_E_UNSUPPORTED) {
        hl_error_clear();
        return HOMELAB_OK;
    }
    if (code)
        return code;
    *fits = hl_way_fits(&one, ask->devices);
    if (*fits)
        *way = one;
    return HOMELAB_OK;
}

int hl_fit_layers(struct hl_way *way, bool *found, struct hl_ask ask, int64_t layer_count,
                  hl_needs_fn *needs, const homelab_opts *opts)
{
    ask.layers = layer_count + 1;
    int code = try_one(way, found, &ask, needs, opts);
    int64_t low = 0, high = layer_count + 1; /* low fits or is 0, high does not */
    while (!code && !(*found && low == 0) && high - low > 1) {
        bool fits;
        ask.layers = low + (high - low) / 2;
        code = try_one(way, &fits, &ask, needs, opts);
        if (fits)
            low = ask.layers;
        else
            high = ask.layers;
    }
    *found = *found || low > 0;
    return code;
}

int hl_fit_experts(struct hl_way *way, bool *found, struct hl_ask ask, int64_t layer_count,
                   hl_needs_fn *needs, const homelab_opts *opts)
{
    bool fits;
    ask.cpu_experts = layer_count;
    int code = try_one(way, found, &ask, needs, opts);
    int64_t low = 0, high = layer_count; /* low does not fit, high does */
    while (!code && *found && high - low > 1) {
        ask.cpu_experts = low + (high - low) / 2;
        code = try_one(way, &fits, &ask, needs, opts);
        if (fits)
            high = ask.cpu_experts;
        else
            low = ask.cpu_experts;
    }
    return code;
}

int hl_fit_context(struct hl_way *way, bool *found, struct hl_ask ask, int64_t most,
                   hl_needs_fn *needs, const homelab_opts *opts)
{
    int64_t low = 0, high = (most + CONTEXT_STEP - 1) / CONTEXT_STEP;
    bool fits;
    ask.context = most;
    int code = try_one(way, found, &ask, needs, opts);
    while (!code && !*found && high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        ask.context = middle * CONTEXT_STEP;
        code = try_one(way, &fits, &ask, needs, opts);
        if (fits)
            low = middle;
        else
            high = middle;
    }
    *found = *found || low > 0;
    return code;
}
