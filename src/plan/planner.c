#include "plan/plan.h"

#include "core/alloc.h"
#include "core/api.h"
#include "core/options.h"

#include <stdio.h>
#include <string.h>

int homelab_planner_new(homelab_planner **out, homelab_inventory *inventory,
                        const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    if (!out)
        return hl_error_argument("out", "a pointer");
    if (!inventory)
        return hl_error_argument("inventory", "a pointer");
    homelab_planner *planner = hl_calloc(1, sizeof *planner);
    if (!planner)
        return hl_error_nomem();
    planner->allocator = hl_opt_allocator(opts);
    planner->headers =
        hl_calloc(hl_inventory_data(inventory)->model_count + 1, sizeof *planner->headers);
    int code = planner->headers ? hl_opts_copy(&planner->opts, opts) : hl_error_nomem();
    if (code) {
        hl_free(planner->headers);
        hl_free(planner);
        return code;
    }
    planner->inventory = homelab_inventory_ref(inventory);
    *out = planner;
    return HOMELAB_OK;
}

void homelab_planner_free(homelab_planner *planner)
{
    if (!planner)
        return;
    HL_API(planner->allocator);
    for (size_t m = 0; m < hl_inventory_data(planner->inventory)->model_count; m++)
        for (size_t role = 0; role < HL_ROLES; role++)
            homelab_gguf_unref(planner->headers[m].of[role]);
    hl_free(planner->headers);
    hl_free(planner->readings);
    homelab_opts_free(planner->opts);
    homelab_inventory_unref(planner->inventory);
    hl_free(planner);
}

#define USED_MAX ((int64_t)1 << 50)

static bool is_projector(const homelab_gguf *gguf)
{
    const char *architecture = homelab_gguf_architecture(gguf);
    return architecture && strcmp(architecture, "clip") == 0;
}

/* Keeps a header in its role; a projector and a model are not taken for each other. */
static int set_header(homelab_planner *planner, const char *model, homelab_gguf *gguf,
                      enum hl_role role)
{
    if (!planner || !model || !gguf)
        return hl_error_argument(!planner ? "planner" : !model ? "model" : "gguf", "a pointer");
    bool projector = is_projector(gguf);
    if (projector != (role == HL_ROLE_PROJECTOR))
        return hl_error_set(HOMELAB_E_INVALID, 0, model, "model '%s': found %s, expected %s", model,
                            projector ? "an image projector" : "a language model",
                            projector ? "a language model" : "an image projector");
    if (!projector && (homelab_gguf_layer_count(gguf) < 1 || !homelab_gguf_tensor_count(gguf)))
        return hl_error_set(HOMELAB_E_UNSUPPORTED, 0, model,
                            "model '%s': found a header without layers or tensors, from which "
                            "nothing can be worked out",
                            model);
    const struct hl_inventory_data *data = hl_inventory_data(planner->inventory);
    for (size_t m = 0; m < data->model_count; m++) {
        if (strcmp(data->models[m].name, model) != 0)
            continue;
        homelab_gguf *before = planner->headers[m].of[role];
        planner->headers[m].of[role] = homelab_gguf_ref(gguf);
        homelab_gguf_unref(before);
        return HOMELAB_OK;
    }
    return hl_error_set(HOMELAB_E_NOT_FOUND, 0, model, "model '%s': not in the inventory", model);
}

int homelab_planner_set_header(homelab_planner *planner, const char *model, homelab_gguf *gguf)
{
    HL_API(planner ? planner->allocator : NULL);
    return set_header(planner, model, gguf, HL_ROLE_MODEL);
}

int homelab_planner_set_projector(homelab_planner *planner, const char *model, homelab_gguf *gguf)
{
    HL_API(planner ? planner->allocator : NULL);
    return set_header(planner, model, gguf, HL_ROLE_PROJECTOR);
}

int homelab_planner_set_draft(homelab_planner *planner, const char *model, homelab_gguf *gguf)
{
    HL_API(planner ? planner->allocator : NULL);
    return set_header(planner, model, gguf, HL_ROLE_DRAFT);
}

static struct hl_reading *reading_of(homelab_planner *planner, size_t node, size_t gpu)
{
    for (size_t r = 0; r < planner->reading_count; r++)
        if (planner->readings[r].node == node && planner->readings[r].gpu == gpu)
            return &planner->readings[r];
    struct hl_reading *more =
        hl_realloc(planner->readings, (planner->reading_count + 1) * sizeof *more);
    if (!more)
        return NULL;
    planner->readings = more;
    more[planner->reading_count] = (struct hl_reading){.node = node, .gpu = gpu};
    return &more[planner->reading_count++];
}

int homelab_planner_set_used(homelab_planner *planner, const char *node, size_t gpu,
                             int64_t used_bytes)
{
    HL_API(planner ? planner->allocator : NULL);
    if (!planner || !node)
        return hl_error_argument(planner ? "node" : "planner", "a pointer");
    if (used_bytes < 0 || used_bytes > USED_MAX)
        return hl_error_argument("used_bytes", "0 to 2^50");
    const struct hl_inventory_data *data = hl_inventory_data(planner->inventory);
    for (size_t n = 0; n < data->node_count; n++) {
        if (strcmp(data->nodes[n].id, node) != 0 || gpu >= data->nodes[n].gpu_count)
            continue;
        struct hl_reading *reading = reading_of(planner, n, gpu);
        if (!reading)
            return hl_error_nomem();
        reading->used = used_bytes;
        return HOMELAB_OK;
    }
    return hl_error_set(HOMELAB_E_NOT_FOUND, 0, node, "node '%s': no GPU %zu in the inventory",
                        node, gpu);
}

static int add_device(homelab_plan *plan, size_t n, const struct hl_node *node, int gpu)
{
    struct hl_plan_device *device = &plan->devices[plan->device_count++];
    struct hl_buf id;
    hl_buf_init(&id, HL_PLAN_MAX_TEXT);
    if (gpu >= 0)
        hl_buf_printf(&id, "%s/gpu%d", node->id, gpu);
    else
        hl_buf_printf(&id, "%s/cpu", node->id);
    *device = (struct hl_plan_device){.node = n, .gpu = gpu};
    device->id = hl_buf_take(&id);
    if (!device->id)
        return HOMELAB_E_NOMEM;
    if (gpu < 0) {
        device->capacity = node->ram_bytes;
        device->used = node->ram_used_bytes;
        return HOMELAB_OK;
    }
    const struct hl_gpu *from = &node->gpus[gpu];
    device->capacity = from->memory_bytes;
    device->used = from->used_bytes;
    device->reserve = from->reserve_bytes;
    device->bandwidth = from->bandwidth_bytes;
    if (from->name && !(device->name = hl_strdup(from->name)))
        return hl_error_nomem();
    if (from->vendor && !(device->vendor = hl_strdup(from->vendor)))
        return hl_error_nomem();
    return HOMELAB_OK;
}

int hl_plan_devices(homelab_plan *plan, const homelab_planner *planner)
{
    const struct hl_inventory_data *data = hl_inventory_data(planner->inventory);
    size_t count = data->node_count;
    for (size_t n = 0; n < data->node_count; n++)
        count += data->nodes[n].gpu_count;
    plan->devices = hl_calloc(count + 1, sizeof *plan->devices);
    if (!plan->devices)
        return hl_error_nomem();
    for (size_t n = 0; n < data->node_count; n++) {
        const struct hl_node *node = &data->nodes[n];
        for (int gpu = 0; gpu <= (int)node->gpu_count; gpu++) {
            int code = add_device(plan, n, node, gpu < (int)node->gpu_count ? gpu : -1);
            if (code)
                return code;
        }
    }
    for (size_t r = 0; r < planner->reading_count; r++)
        for (size_t d = 0; d < plan->device_count; d++)
            if (plan->devices[d].node == planner->readings[r].node &&
                plan->devices[d].gpu == (int)planner->readings[r].gpu) {
                plan->devices[d].used = planner->readings[r].used;
                plan->devices[d].used_read = true;
            }
    return HOMELAB_OK;
}

/* Which model the error is about, in the inventory's words. */
static void name_model(const homelab_planner *planner, size_t m)
{
    struct hl_error error;
    const char *name = hl_inventory_data(planner->inventory)->models[m].name;
    hl_error_save(&error);
    if (error.code != HOMELAB_E_NOMEM)
        hl_error_set(error.code, error.sub_code, name, "plan of '%s': %s", name, error.message);
}

static int make(homelab_plan *plan, const homelab_planner *planner)
{
    size_t count = hl_inventory_data(planner->inventory)->model_count;
    int code = hl_plan_devices(plan, planner);
    if (code)
        return code;
    struct hl_ways *ways = hl_calloc(count + 1, sizeof *ways);
    if (!ways)
        return hl_error_nomem();
    for (size_t m = 0; m < count && !code; m++) {
        code = hl_ways_find(&ways[m], planner, plan->devices, plan->device_count, m);
        if (code)
            name_model(planner, m);
    }
    if (!code)
        code = hl_plan_solve(plan, planner, ways);
    if (!code)
        code = hl_plan_explain(plan, planner, ways);
    if (!code)
        code = hl_plan_flags(plan, planner);
    for (size_t m = 0; m < count; m++)
        hl_ways_free(&ways[m]);
    hl_free(ways);
    return code;
}

int homelab_planner_plan(const homelab_planner *planner, homelab_plan **out)
{
    HL_API(planner ? planner->allocator : NULL);
    if (!planner || !out)
        return hl_error_argument(planner ? "out" : "planner", "a pointer");
    homelab_plan *plan = hl_calloc(1, sizeof *plan);
    if (!plan)
        return hl_error_nomem();
    atomic_init(&plan->references, 1);
    plan->allocator = planner->allocator;
    int code = make(plan, planner);
    if (code) {
        struct hl_error error;
        hl_error_save(&error);
        homelab_plan_unref(plan);
        return hl_error_restore(&error);
    }
    *out = plan;
    return HOMELAB_OK;
}
