/* Why each model is where it is, and what would make room. */
#include "plan/plan.h"

#include "core/alloc.h"
#include "core/error.h"

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

static void put_why(struct hl_buf *buf, const homelab_plan *plan, const struct hl_model *from,
                    const struct hl_ways *ways, const struct hl_plan_model *model)
{
    if (model->placed && model->way.gpu_count) {
        put_gpu_place(buf, plan, model);
        return;
    }
    hl_buf_puts(buf, model->placed ? "on the CPU: " : "left out: ");
    if (ways->smallest == 0 && ways->count == 0)
        hl_buf_puts(buf, "its size is unknown; give size_gib or its file");
    else if (from->gpu_layers == 0 && model->placed)
        hl_buf_puts(buf, "gpu_layers is 0");
    else if (model->placed && from->pin)
        hl_buf_printf(buf, "no GPU at its pin %s has room", from->pin);
    else {
        hl_buf_puts(buf, from->gpu_layers == 0 ? "no CPU has room" : "no GPU has room for ");
        if (from->gpu_layers != 0)
            hl_plan_put_size(buf, ways->smallest);
        if (!model->placed && !from->cpu)
            hl_buf_puts(buf, ", and it may not run on a CPU");
        put_room(buf, plan, ways->smallest, from->gpu_layers != 0);
    }
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
    const struct hl_inventory_data *data = hl_inventory_data(planner->inventory);
    for (size_t i = 0; i < plan->model_count; i++) {
        struct hl_plan_model *model = &plan->models[i];
        struct hl_buf buf;
        hl_buf_init(&buf, HL_PLAN_MAX_TEXT);
        put_why(&buf, plan, &data->models[model->model], &ways[model->model], model);
        if (model->placed)
            put_beside(&buf, &model->way);
        model->why = hl_buf_take(&buf);
        if (!model->why)
            return hl_error_nomem();
    }
    return HOMELAB_OK;
}
