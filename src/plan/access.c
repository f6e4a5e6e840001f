#include "plan/plan.h"

#include "core/alloc.h"
#include "core/api.h"

homelab_plan *homelab_plan_ref(homelab_plan *plan)
{
    if (plan)
        atomic_fetch_add_explicit(&plan->references, 1, memory_order_relaxed);
    return plan;
}

void homelab_plan_unref(homelab_plan *plan)
{
    if (!plan || atomic_fetch_sub_explicit(&plan->references, 1, memory_order_acq_rel) != 1)
        return;
    HL_API(plan->allocator);
    for (size_t d = 0; d < plan->device_count; d++) {
        hl_free(plan->devices[d].id);
        hl_free(plan->devices[d].name);
        hl_free(plan->devices[d].vendor);
    }
    for (size_t i = 0; i < plan->model_count; i++) {
        hl_free(plan->models[i].name);
        hl_free(plan->models[i].why);
        hl_free(plan->models[i].server);
        hl_free(plan->models[i].docker);
        hl_free(plan->models[i].environment);
    }
    for (size_t set = 0; set < plan->set_count; set++)
        hl_free(plan->sets[set]);
    hl_free(plan->devices);
    hl_free(plan->models);
    hl_free(plan);
}

int homelab_plan_status(const homelab_plan *plan)
{
    return plan ? plan->status : -1;
}

bool homelab_plan_is_optimal(const homelab_plan *plan)
{
    return plan && plan->result.proven;
}

size_t homelab_plan_level_count(const homelab_plan *plan)
{
    return plan ? (size_t)plan->level_count : 0;
}

int64_t homelab_plan_level(const homelab_plan *plan, size_t level)
{
    return level < homelab_plan_level_count(plan) ? plan->result.level[level] : 0;
}

int64_t homelab_plan_bound(const homelab_plan *plan, size_t level)
{
    return level < homelab_plan_level_count(plan) ? plan->result.bound[level] : 0;
}

static const struct hl_plan_device *device_at(const homelab_plan *plan, size_t device)
{
    return plan && device < plan->device_count ? &plan->devices[device] : NULL;
}

size_t homelab_plan_device_count(const homelab_plan *plan)
{
    return plan ? plan->device_count : 0;
}

const char *homelab_plan_device_id(const homelab_plan *plan, size_t device)
{
    const struct hl_plan_device *at = device_at(plan, device);
    return at ? at->id : NULL;
}

const char *homelab_plan_device_name(const homelab_plan *plan, size_t device)
{
    const struct hl_plan_device *at = device_at(plan, device);
    return at ? at->name : NULL;
}

bool homelab_plan_device_is_gpu(const homelab_plan *plan, size_t device)
{
    const struct hl_plan_device *at = device_at(plan, device);
    return at && at->gpu >= 0;
}

int64_t homelab_plan_device_capacity(const homelab_plan *plan, size_t device)
{
    const struct hl_plan_device *at = device_at(plan, device);
    return at ? at->capacity : 0;
}

int64_t homelab_plan_device_others(const homelab_plan *plan, size_t device)
{
    const struct hl_plan_device *at = device_at(plan, device);
    return at ? at->used : 0;
}

bool homelab_plan_device_was_read(const homelab_plan *plan, size_t device)
{
    const struct hl_plan_device *at = device_at(plan, device);
    return at && at->used_read;
}

int64_t homelab_plan_device_planned(const homelab_plan *plan, size_t device)
{
    const struct hl_plan_device *at = device_at(plan, device);
    return at ? at->planned : 0;
}

static const struct hl_plan_model *model_at(const homelab_plan *plan, size_t i)
{
    return plan && i < plan->model_count ? &plan->models[i] : NULL;
}

/* Only of a model that has a place. */
static const struct hl_plan_model *placed_at(const homelab_plan *plan, size_t i)
{
    const struct hl_plan_model *model = model_at(plan, i);
    return model && model->placed ? model : NULL;
}

size_t homelab_plan_model_count(const homelab_plan *plan)
{
    return plan ? plan->model_count : 0;
}

const char *homelab_plan_model_name(const homelab_plan *plan, size_t i)
{
    const struct hl_plan_model *model = model_at(plan, i);
    return model ? model->name : NULL;
}

bool homelab_plan_model_is_placed(const homelab_plan *plan, size_t i)
{
    return placed_at(plan, i) != NULL;
}

bool homelab_plan_model_on_cpu(const homelab_plan *plan, size_t i)
{
    const struct hl_plan_model *model = placed_at(plan, i);
    return model && model->way.gpu_count == 0;
}

int64_t homelab_plan_model_layers(const homelab_plan *plan, size_t i)
{
    const struct hl_plan_model *model = placed_at(plan, i);
    return model ? model->way.layers : -1;
}

int64_t homelab_plan_model_context(const homelab_plan *plan, size_t i)
{
    const struct hl_plan_model *model = placed_at(plan, i);
    return model ? model->way.context : 0;
}

const char *homelab_plan_model_kv(const homelab_plan *plan, size_t i)
{
    const struct hl_plan_model *model = placed_at(plan, i);
    return model && !model->way.given ? model->way.kv : NULL;
}

const char *homelab_plan_model_why(const homelab_plan *plan, size_t i)
{
    const struct hl_plan_model *model = model_at(plan, i);
    return model ? model->why : NULL;
}

size_t homelab_plan_part_count(const homelab_plan *plan, size_t i)
{
    const struct hl_plan_model *model = placed_at(plan, i);
    return model ? model->way.part_count : 0;
}

static const struct hl_plan_part *part_at(const homelab_plan *plan, size_t i, size_t part)
{
    const struct hl_plan_model *model = placed_at(plan, i);
    return model && part < model->way.part_count ? &model->way.parts[part] : NULL;
}

int homelab_plan_part_device(const homelab_plan *plan, size_t i, size_t part)
{
    HL_API(plan ? plan->allocator : NULL);
    const struct hl_plan_part *at = part_at(plan, i, part);
    if (!at)
        return hl_error_set(HOMELAB_E_NOT_FOUND, 0, "part", "model %zu: no part %zu", i, part);
    return (int)at->device;
}

int64_t homelab_plan_part_weights(const homelab_plan *plan, size_t i, size_t part)
{
    const struct hl_plan_part *at = part_at(plan, i, part);
    return at ? at->weights : -1;
}

int64_t homelab_plan_part_context(const homelab_plan *plan, size_t i, size_t part)
{
    const struct hl_plan_part *at = part_at(plan, i, part);
    return at ? at->context : -1;
}

int64_t homelab_plan_part_compute(const homelab_plan *plan, size_t i, size_t part)
{
    const struct hl_plan_part *at = part_at(plan, i, part);
    return at ? at->compute : -1;
}

int64_t homelab_plan_part_overhead(const homelab_plan *plan, size_t i, size_t part)
{
    const struct hl_plan_part *at = part_at(plan, i, part);
    return at ? at->overhead : -1;
}

const char *homelab_plan_model_llama_server(const homelab_plan *plan, size_t i)
{
    const struct hl_plan_model *model = placed_at(plan, i);
    return model ? model->server : NULL;
}

const char *homelab_plan_model_docker(const homelab_plan *plan, size_t i)
{
    const struct hl_plan_model *model = placed_at(plan, i);
    return model ? model->docker : NULL;
}

const char *homelab_plan_model_ollama(const homelab_plan *plan, size_t i)
{
    const struct hl_plan_model *model = placed_at(plan, i);
    return model ? model->environment : NULL;
}
