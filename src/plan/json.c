/* A plan as JSON, and what changes from one to another. */
#include "plan/plan.h"

#include "core/api.h"

#include <string.h>

static void put_levels(struct hl_buf *buf, const char *name, const int64_t *levels, int count)
{
    hl_buf_printf(buf, ",\"%s\":[", name);
    for (int l = 0; l < count; l++)
        hl_buf_printf(buf, "%s%lld", l ? "," : "", (long long)levels[l]);
    hl_buf_putc(buf, ']');
}

static void put_device(struct hl_buf *buf, const struct hl_plan_device *device)
{
    hl_buf_puts(buf, "{\"id\":");
    hl_buf_json(buf, device->id);
    hl_buf_puts(buf, ",\"name\":");
    hl_buf_json(buf, device->name);
    hl_buf_printf(buf,
                  ",\"capacity\":%lld,\"used\":%lld,\"planned\":%lld,\"others\":%lld,"
                  "\"others_from\":\"%s\",\"reserve\":%lld}",
                  (long long)device->capacity, (long long)device->planned + (long long)device->used,
                  (long long)device->planned, (long long)device->used,
                  device->used_read ? "reading" : "inventory", (long long)device->reserve);
}

static void put_part(struct hl_buf *buf, const struct hl_plan_part *part)
{
    hl_buf_printf(buf, "{\"weights\":%lld,\"context\":%lld,\"compute\":%lld,\"overhead\":%lld}",
                  (long long)part->weights, (long long)part->context, (long long)part->compute,
                  (long long)part->overhead);
}

static void put_parts(struct hl_buf *buf, const homelab_plan *plan, const struct hl_way *way)
{
    struct hl_plan_part sum = {.device = 0};
    hl_buf_puts(buf, ",\"parts\":[");
    for (size_t p = 0; p < way->part_count; p++) {
        const struct hl_plan_part *part = &way->parts[p];
        hl_buf_puts(buf, p ? ",{\"device\":" : "{\"device\":");
        hl_buf_json(buf, plan->devices[part->device].id);
        hl_buf_puts(buf, ",\"bytes\":");
        put_part(buf, part);
        hl_buf_putc(buf, '}');
        if (p < way->gpu_count || way->gpu_count == 0) {
            sum.weights += part->weights;
            sum.context += part->context;
            sum.compute += part->compute;
            sum.overhead += part->overhead;
        }
    }
    hl_buf_puts(buf, "],\"bytes\":");
    put_part(buf, &sum);
}

static void put_model(struct hl_buf *buf, const homelab_plan *plan,
                      const struct hl_plan_model *model)
{
    const struct hl_way *way = &model->way;
    hl_buf_puts(buf, "{\"name\":");
    hl_buf_json(buf, model->name);
    hl_buf_puts(buf, ",\"device\":");
    hl_buf_json(buf, plan->devices[way->parts[0].device].id);
    hl_buf_printf(buf, ",\"cpu\":%s,\"ngl\":", way->gpu_count ? "false" : "true");
    if (way->layers >= 0)
        hl_buf_printf(buf, "%lld", (long long)way->layers);
    else
        hl_buf_puts(buf, "null");
    hl_buf_puts(buf, ",\"ctx\":");
    if (way->context)
        hl_buf_printf(buf, "%lld", (long long)way->context);
    else
        hl_buf_puts(buf, "null");
    hl_buf_puts(buf, ",\"kv\":");
    hl_buf_json(buf, way->given ? NULL : way->kv);
    put_parts(buf, plan, way);
    hl_buf_printf(buf, ",\"projector_bytes\":%lld,\"draft_bytes\":%lld", (long long)way->projector,
                  (long long)way->draft);
    hl_buf_printf(buf, ",\"confidence\":\"%s\",\"why\":",
                  way->given   ? "given"
                  : way->bound ? "bound"
                               : "exact");
    hl_buf_json(buf, model->why);
    hl_buf_puts(buf, ",\"flags\":{\"llama_server\":");
    hl_buf_json(buf, model->server);
    hl_buf_puts(buf, ",\"docker\":");
    hl_buf_json(buf, model->docker);
    hl_buf_puts(buf, ",\"ollama\":{\"num_gpu\":");
    hl_buf_printf(buf, "%lld", (long long)(way->layers >= 0 ? way->layers : 999));
    if (way->context)
        hl_buf_printf(buf, ",\"num_ctx\":%lld", (long long)way->context);
    hl_buf_puts(buf, ",\"environment\":");
    hl_buf_json(buf, model->environment);
    hl_buf_puts(buf, "}}}");
}

static void put_roles(struct hl_buf *buf, uint32_t roles)
{
    bool first = true;
    hl_buf_puts(buf, ",\"roles_missing\":[");
    for (size_t role = 0; role < HL_CAP_COUNT; role++) {
        if (!(roles >> role & 1))
            continue;
        if (!first)
            hl_buf_putc(buf, ',');
        hl_buf_json(buf, hl_capability_name(role));
        first = false;
    }
    hl_buf_putc(buf, ']');
}

char *homelab_plan_json(const homelab_plan *plan)
{
    HL_API(plan ? plan->allocator : NULL);
    if (!plan) {
        hl_error_argument("plan", "a pointer");
        return NULL;
    }
    struct hl_buf buf;
    const char *comma = "";
    hl_buf_init(&buf, HL_PLAN_MAX_TEXT);
    hl_buf_printf(&buf, "{\"schema\":1,\"optimal\":%s", plan->result.proven ? "true" : "false");
    put_levels(&buf, "objective", plan->result.level, plan->level_count);
    put_levels(&buf, "bound", plan->result.bound, plan->level_count);
    hl_buf_puts(&buf, ",\"devices\":[");
    for (size_t d = 0; d < plan->device_count; d++, comma = ",") {
        hl_buf_puts(&buf, comma);
        put_device(&buf, &plan->devices[d]);
    }
    hl_buf_puts(&buf, "],\"models\":[");
    comma = "";
    for (size_t i = 0; i < plan->model_count; i++) {
        if (!plan->models[i].placed)
            continue;
        hl_buf_puts(&buf, comma);
        put_model(&buf, plan, &plan->models[i]);
        comma = ",";
    }
    hl_buf_puts(&buf, "],\"left_out\":[");
    comma = "";
    for (size_t i = 0; i < plan->model_count; i++) {
        const struct hl_plan_model *model = &plan->models[i];
        if (model->placed)
            continue;
        hl_buf_printf(&buf, "%s{\"name\":", comma);
        hl_buf_json(&buf, model->name);
        hl_buf_puts(&buf, ",\"why\":");
        hl_buf_json(&buf, model->why);
        hl_buf_printf(&buf, ",\"needs_bytes\":%lld}", (long long)model->needs);
        comma = ",";
    }
    hl_buf_putc(&buf, ']');
    put_roles(&buf, plan->roles_missing);
    hl_buf_putc(&buf, '}');
    return hl_buf_take(&buf);
}

/* --- Differences --- */

static const struct hl_plan_model *find(const homelab_plan *plan, const struct hl_plan_model *like)
{
    for (size_t i = 0; i < plan->model_count; i++)
        if (strcmp(plan->models[i].name, like->name) == 0 &&
            plan->models[i].replica == like->replica)
            return &plan->models[i];
    return NULL;
}

/* A model as one text, equal where nothing has to be done. */
static void put_place(struct hl_buf *buf, const homelab_plan *plan,
                      const struct hl_plan_model *model)
{
    if (!model || !model->placed) {
        hl_buf_puts(buf, model ? "left out" : "not there");
        return;
    }
    const struct hl_way *way = &model->way;
    for (size_t p = 0; p < way->part_count; p++)
        if (p < way->gpu_count || way->gpu_count == 0)
            hl_buf_printf(buf, "%s%s", p ? "+" : "", plan->devices[way->parts[p].device].id);
    if (way->layers >= 0)
        hl_buf_printf(buf, ", %lld layers", (long long)way->layers);
    if (way->cpu_experts)
        hl_buf_printf(buf, ", experts of %lld on the CPU", (long long)way->cpu_experts);
    if (way->context)
        hl_buf_printf(buf, ", context %lld", (long long)way->context);
    if (!way->given)
        hl_buf_printf(buf, ", %s", way->kv);
}

static void put_change(struct hl_buf *out, const char *name, const struct hl_buf *from,
                       const struct hl_buf *to)
{
    if (from->failed || to->failed)
        out->failed = HOMELAB_E_NOMEM;
    else if (strcmp(from->data, to->data) != 0)
        hl_buf_printf(out, "%s: %s -> %s\n", name, from->data, to->data);
}

static void compare(struct hl_buf *out, const struct hl_plan_model *name, const homelab_plan *plan,
                    const struct hl_plan_model *now, const homelab_plan *before,
                    const struct hl_plan_model *then)
{
    struct hl_buf from, to;
    hl_buf_init(&from, HL_PLAN_MAX_TEXT);
    hl_buf_init(&to, HL_PLAN_MAX_TEXT);
    put_place(&from, before, then);
    put_place(&to, plan, now);
    put_change(out, name->name, &from, &to);
    hl_buf_free(&from);
    hl_buf_free(&to);
}

char *homelab_plan_diff(const homelab_plan *plan, const homelab_plan *before)
{
    HL_API(plan ? plan->allocator : NULL);
    if (!plan || !before) {
        hl_error_argument(plan ? "before" : "plan", "a pointer");
        return NULL;
    }
    struct hl_buf out;
    hl_buf_init(&out, HL_PLAN_MAX_TEXT);
    for (size_t i = 0; i < plan->model_count; i++)
        compare(&out, &plan->models[i], plan, &plan->models[i], before,
                find(before, &plan->models[i]));
    for (size_t i = 0; i < before->model_count; i++)
        if (!find(plan, &before->models[i]))
            compare(&out, &before->models[i], plan, NULL, before, &before->models[i]);
    return hl_buf_take(&out);
}
