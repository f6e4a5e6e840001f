/* Why each model is where it is, and what would make room. */
#include "plan/plan.h"

#include "core/alloc.h"
#include "core/error.h"

#include <string.h>

void hl_plan_put_size(struct hl_buf *buf, int64_t bytes)
{
    if (bytes < (int64_t)1 << 30)
        hl_buf_printf(buf, "%lld MiB", (long long)((bytes + (1 << 20) - 1) >> 20));
    else
        hl_buf_printf(buf, "%.1f GiB", (double)bytes / (1 << 30));
}

static const struct hl_plan_device *roomiest(const homelab_plan *plan, bool gpu)
{
    const struct hl_plan_device *best = NULL;
    for (size_t d = 0; d < plan->device_count; d++) {
        const struct hl_plan_device *device = &plan->devices[d];
        if ((device->gpu >= 0) != gpu || device->capacity == 0)
            continue;
        if (!best ||
            hl_device_room(device) - device->planned > hl_device_room(best) - best->planned)
            best = device;
    }
    return best;
}

static void put_room(struct hl_buf *buf, const homelab_plan *plan, int64_t needs, bool gpu)
{
    const struct hl_plan_device *device = roomiest(plan, gpu);
    if (!device) {
        hl_buf_printf(buf, "; there is no %s with memory of known size", gpu ? "GPU" : "CPU");
        return;
    }
    int64_t room = hl_device_room(device) - device->planned;
    hl_buf_printf(buf, "; most room is on %s: ", device->id);
    hl_plan_put_size(buf, room > 0 ? room : 0);
    if (needs > room) {
        hl_buf_puts(buf, "; ");
        hl_plan_put_size(buf, needs - room);
        hl_buf_puts(buf, " more there would do");
    }
}

static void put_gpu_place(struct hl_buf *buf, const homelab_plan *plan,
                          const struct hl_plan_model *model)
{
    const struct hl_way *way = &model->way;
    const char *device = plan->devices[way->parts[0].device].id;
    bool part = way->layers >= 0 && model->layer_count >= 0 && way->layers <= model->layer_count;
    if (way->gpu_count > 1)
        hl_buf_printf(buf, "split over %zu GPUs, since no one of the node has room for it",
                      way->gpu_count);
    else
        hl_buf_printf(buf, "%s %s", part || way->cpu_experts ? "on" : "fits", device);
    if (way->cpu_experts)
        hl_buf_printf(buf, ", the experts of %lld layers in main memory",
                      (long long)way->cpu_experts);
    else if (part)
        hl_buf_printf(buf, " with %lld of %lld layers", (long long)way->layers,
                      (long long)model->layer_count + 1);
    if (way->rest)
        hl_buf_puts(buf, ", in the room that the others leave");
    if (way->given)
        hl_buf_puts(buf, "; size as given, without KV cache and buffers");
    else if (way->bound)
        hl_buf_puts(buf, "; an upper bound, since not all is known of the model");
}

/* --- Not on GPUs --- */

/* What is asked of each model that is not wholly on GPUs. */
struct question {
    const homelab_plan *plan;
    const struct hl_model *model;
    const struct hl_ways *ways;
    bool sized; /* by its header, or as given */
    bool apart; /* from another model, or from its replicas */
};

static bool has_gpu(const homelab_plan *plan)
{
    for (size_t d = 0; d < plan->device_count; d++)
        if (plan->devices[d].gpu >= 0)
            return true;
    return false;
}

static bool is_pinned_to_cpu(const struct hl_model *model)
{
    const char *slash = model->pin ? strrchr(model->pin, '/') : NULL;
    return slash && strcmp(slash, "/cpu") == 0;
}

/* Whether it is kept from the devices that have room by its neighbours. */
static bool is_kept_off(const struct question *of, int64_t needs, bool gpu)
{
    const struct hl_plan_device *device = roomiest(of->plan, gpu);
    return of->apart && device && needs <= hl_device_room(device) - device->planned;
}

static void put_no_room(struct hl_buf *buf, const struct question *of, int64_t needs, bool gpu)
{
    const char *pin = of->model->pin;
    if (is_kept_off(of, needs, gpu)) {
        hl_buf_printf(buf, "each %s with room for ", gpu ? "GPU" : "CPU");
        hl_plan_put_size(buf, needs);
        hl_buf_puts(buf, " has what it must be apart from");
        return;
    }
    hl_buf_printf(buf, "no %s%s%s has room for ", gpu ? "GPU" : "CPU", pin ? " at its pin " : "",
                  pin ? pin : "");
    hl_plan_put_size(buf, needs);
    put_room(buf, of->plan, needs, gpu);
}

static void put_why_on_cpu(struct hl_buf *buf, const struct question *of)
{
    hl_buf_puts(buf, "on the CPU: ");
    if (of->model->gpu_layers == 0)
        hl_buf_puts(buf, "gpu_layers is 0");
    else if (!has_gpu(of->plan))
        hl_buf_puts(buf, "there is no GPU");
    else if (is_pinned_to_cpu(of->model))
        hl_buf_puts(buf, "it is pinned there");
    else
        put_no_room(buf, of, of->ways->smallest, true);
}

static void put_why_out(struct hl_buf *buf, const struct question *of)
{
    const struct hl_model *model = of->model;
    bool gpu = model->gpu_layers != 0 && has_gpu(of->plan) && !is_pinned_to_cpu(model);
    int64_t needs = gpu ? of->ways->smallest : of->ways->on_cpu;
    hl_buf_puts(buf, "left out: ");
    if (!of->sized)
        hl_buf_puts(buf, "its size is unknown; give size_gib or its file");
    else if (!gpu && !model->cpu)
        hl_buf_puts(buf, "there is no GPU for it, and it may not run on a CPU");
    else if (!needs)
        hl_buf_printf(buf, "no %s has memory of known size", gpu ? "GPU" : "CPU");
    else
        put_no_room(buf, of, needs, gpu);
    if (gpu && !model->cpu)
        hl_buf_puts(buf, "; it may not run on a CPU");
}

static bool is_apart(const struct hl_inventory_data *data, const struct hl_model *model)
{
    if (model->apart_count || model->replicas > 1)
        return true;
    for (size_t m = 0; m < data->model_count; m++)
        for (size_t a = 0; a < data->models[m].apart_count; a++)
            if (strcmp(data->models[m].apart[a], model->name) == 0)
                return true;
    return false;
}

static void put_why(struct hl_buf *buf, const homelab_plan *plan, const homelab_planner *planner,
                    const struct hl_ways *ways, const struct hl_plan_model *model)
{
    const struct hl_inventory_data *data = hl_inventory_data(planner->inventory);
    const struct hl_model *from = &data->models[model->model];
    struct question of = {.plan = plan, .model = from, .ways = &ways[model->model]};
    of.sized = from->vram_bytes || from->size_bytes ||
               planner->headers[model->model].of[HL_ROLE_MODEL] != NULL;
    of.apart = is_apart(data, from);
    if (model->placed && model->way.gpu_count)
        put_gpu_place(buf, plan, model);
    else if (model->placed)
        put_why_on_cpu(buf, &of);
    else
        put_why_out(buf, &of);
}

static void put_beside(struct hl_buf *buf, const struct hl_way *way)
{
    const struct {
        const char *name;
        int64_t bytes;
    } beside[] = {{"projector", way->projector}, {"draft model", way->draft}};
    const char *before = "; with its ";
    for (size_t b = 0; b < sizeof beside / sizeof *beside; b++) {
        if (!beside[b].bytes)
            continue;
        hl_buf_printf(buf, "%s%s (", before, beside[b].name);
        hl_plan_put_size(buf, beside[b].bytes);
        hl_buf_putc(buf, ')');
        before = " and its ";
    }
}

int hl_plan_explain(homelab_plan *plan, const homelab_planner *planner, const struct hl_ways *ways)
{
    for (size_t i = 0; i < plan->model_count; i++) {
        struct hl_plan_model *model = &plan->models[i];
        struct hl_buf buf;
        hl_buf_init(&buf, HL_PLAN_MAX_TEXT);
        put_why(&buf, plan, planner, ways, model);
        if (model->placed)
            put_beside(&buf, &model->way);
        model->why = hl_buf_take(&buf);
        if (!model->why)
            return hl_error_nomem();
    }
    return HOMELAB_OK;
}
