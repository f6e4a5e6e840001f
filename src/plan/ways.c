/* Which ways there are to run a model on a node, as if nothing else were there: all of it with the
 * most wanted type of KV cache that fits, on one GPU or, where none has room, split over several;
 * where it is not whole on one, also parts of it; and on the CPU. */
#include "plan/plan.h"

#include "core/alloc.h"
#include "core/error.h"
#include "core/options.h"

#include <stdio.h>
#include <string.h>

/* A context that was not asked for is made no smaller than this to fit, as by llama.cpp's --fit. */
#define LEAST_CONTEXT 4096

struct finder {
    struct hl_ways *ways;
    const homelab_planner *planner;
    const struct hl_plan_device *devices;
    size_t device_count;
    const struct hl_model *model;
    const homelab_gguf *header; /* of the model */
    int64_t layers;             /* without the output layer; -1: unknown */
    const char *kv[8];
    size_t kv_count;
    int64_t least_share; /* percent of the layers, on GPUs */
    int64_t weights;     /* on GPUs at least, when all layers asked for are there; 0: unknown */
    struct hl_ask ask;
};

static int add(struct hl_ways *ways, const struct hl_way *way)
{
    if (ways->count == ways->room) {
        size_t room = ways->room ? ways->room * 2 : 16;
        struct hl_way *more = hl_realloc(ways->ways, room * sizeof *more);
        if (!more)
            return hl_error_nomem();
        ways->ways = more;
        ways->room = room;
    }
    ways->ways[ways->count++] = *way;
    return HOMELAB_OK;
}

void hl_ways_free(struct hl_ways *ways)
{
    hl_free(ways->ways);
    *ways = (struct hl_ways){.ways = NULL};
}

static size_t cpu_of(const struct hl_plan_device *devices, size_t node)
{
    size_t device = 0;
    while (devices[device].node != node || devices[device].gpu >= 0)
        device++;
    return device;
}

static bool allowed(const struct finder *finder, size_t device)
{
    const char *pin = finder->model->pin;
    if (!pin)
        return true;
    const char *id = finder->devices[device].id;
    size_t length = strlen(pin);
    return strcmp(id, pin) == 0 || (strncmp(id, pin, length) == 0 && id[length] == '/' &&
                                    strchr(id + length + 1, '/') == NULL);
}

static void read_kv(struct finder *finder)
{
    static const char *const names[] = {"", "f16", "q8_0", "q4_0"};
    uint32_t types = finder->model->kv_types;
    if (!types)
        types = HL_KV_F16 | HL_KV_Q8_0 << 4;
    for (; types & 15; types >>= 4)
        finder->kv[finder->kv_count++] = names[types & 3];
}

/* Whether trying is worth the time. */
static bool may_hold(const struct finder *finder)
{
    int64_t room = 0;
    for (size_t g = 0; g < finder->ask.gpu_count; g++)
        room += hl_device_room(&finder->devices[finder->ask.gpus[g]]);
    return room >= finder->weights;
}

static bool has_fact(const homelab_gguf *header, const char *name)
{
    char key[256];
    const char *architecture = homelab_gguf_architecture(header);
    snprintf(key, sizeof key, "%s.%s", architecture ? architecture : "", name);
    int64_t at = homelab_gguf_key_find(header, key);
    return at >= 0 && homelab_gguf_key_int(header, (size_t)at, 0, 0) > 0;
}

static bool is_encoder(const homelab_gguf *header)
{
    const char *architecture = homelab_gguf_architecture(header);
    return (architecture && strstr(architecture, "bert")) || has_fact(header, "pooling_type");
}

bool hl_model_embeds(const struct hl_model *model, const homelab_gguf *header,
                     const homelab_opts *opts)
{
    uint32_t makes = model->abilities & (HL_ABILITY_COMPLETION | HL_ABILITY_EMBEDDING);
    if (hl_opt_bool(opts, HL_OPT_VRAM_EMBEDDINGS) || model->roles == 1u << HL_CAP_EMBED)
        return true;
    if (makes)
        return makes == HL_ABILITY_EMBEDDING;
    return header && is_encoder(header);
}

/* The way with all layers asked for, with the first type of cache that fits; else what it would
 * have needed is kept. */
static int find_whole(struct finder *finder, bool *found)
{
    *found = false;
    for (size_t k = 0; k < finder->kv_count && !*found; k++) {
        struct hl_way way;
        finder->ask.kv = finder->kv[k];
        int code = hl_needs_estimate(&way, &finder->ask, finder->planner->opts);
        if (code == HOMELAB_E_UNSUPPORTED) {
            hl_error_clear();
            continue;
        }
        if (code)
            return code;
        int64_t total = 0, weights = 0;
        for (size_t p = 0; p < way.gpu_count; p++) {
            total += hl_part_total(&way.parts[p]);
            weights += way.parts[p].weights;
        }
        if (finder->weights == 0 || weights < finder->weights)
            finder->weights = weights;
        if (finder->ways->smallest == 0 || total < finder->ways->smallest)
            finder->ways->smallest = total;
        if (!hl_way_fits(&way, finder->devices))
            continue;
        *found = true;
        code = add(finder->ways, &way);
        if (code)
            return code;
    }
    finder->ask.kv = finder->kv[0];
    return HOMELAB_OK;
}

/* A part of the model: without experts of as few layers as possible, else whole with less context
 * where that may be, else with as many layers as fit. */
static int find_part(struct finder *finder, bool less_context)
{
    struct hl_way way;
    bool found = false;
    int code = HOMELAB_OK;
    finder->ask.kv = finder->kv[finder->kv_count - 1];
    if (has_fact(finder->header, "expert_count"))
        code = hl_fit_experts(&way, &found, finder->ask, finder->layers, hl_needs_estimate,
                              finder->planner->opts);
    if (!code && !found && less_context && !finder->model->context && may_hold(finder)) {
        code = hl_fit_context(&way, &found, finder->ask, finder->ask.context, hl_needs_estimate,
                              finder->planner->opts);
        found = found && way.context >= LEAST_CONTEXT;
    }
    if (!code && !found) {
        code = hl_fit_layers(&way, &found, finder->ask, finder->layers, hl_needs_estimate,
                             finder->planner->opts);
        found = found && way.layers * 100 >= finder->least_share * (finder->layers + 1);
    }
    finder->ask.kv = finder->kv[0];
    return code || !found ? code : add(finder->ways, &way);
}

static bool is_gpu_of(const struct finder *finder, size_t device, size_t node)
{
    return finder->devices[device].node == node && finder->devices[device].gpu >= 0 &&
           allowed(finder, device);
}

static size_t drop_fullest(const struct hl_plan_device *devices, size_t *gpus, size_t count)
{
    size_t fullest = 0;
    for (size_t g = 1; g < count; g++)
        if (hl_device_room(&devices[gpus[g]]) < hl_device_room(&devices[gpus[fullest]]))
            fullest = g;
    memmove(&gpus[fullest], &gpus[fullest + 1], (count - 1 - fullest) * sizeof *gpus);
    return count - 1;
}

static bool is_first_of_vendor(const struct finder *finder, size_t device, size_t node)
{
    for (size_t d = 0; d < device; d++)
        if (is_gpu_of(finder, d, node) &&
            hl_same_vendor(&finder->devices[d], &finder->devices[device]))
            return false;
    return is_gpu_of(finder, device, node);
}

/* Those of the vendor that a model may be split over: the ones with the most room. */
static size_t list_gpus(const struct finder *finder, size_t first, size_t *gpus)
{
    size_t listed[HL_PLAN_MAX_GPUS + 1], count = 0;
    for (size_t d = first; d < finder->device_count; d++) {
        if (!is_gpu_of(finder, d, finder->devices[first].node) ||
            !hl_same_vendor(&finder->devices[d], &finder->devices[first]))
            continue;
        listed[count++] = d;
        if (count > HL_PLAN_MAX_GPUS)
            count = drop_fullest(finder->devices, listed, count);
    }
    memcpy(gpus, listed, count * sizeof *gpus);
    return count;
}

/* Every set of two or more of the GPUs, small ones first; none that holds one that fits. */
static int find_splits(struct finder *finder, const size_t *gpus, size_t count, bool *found)
{
    unsigned fitting[1 << HL_PLAN_MAX_GPUS], fitting_count = 0;
    for (int size = 2; size <= (int)count; size++)
        for (unsigned set = 1; set < 1u << count; set++) {
            bool holds = false, fits;
            for (unsigned k = 0; k < fitting_count && !holds; k++)
                holds = (set & fitting[k]) == fitting[k];
            if (__builtin_popcount(set) != size || holds)
                continue;
            finder->ask.gpu_count = 0;
            for (size_t g = 0; g < count; g++)
                if (set >> g & 1)
                    finder->ask.gpus[finder->ask.gpu_count++] = gpus[g];
            if (!may_hold(finder))
                continue;
            int code = find_whole(finder, &fits);
            if (code)
                return code;
            if (fits)
                fitting[fitting_count++] = set;
            *found = *found || fits;
        }
    return HOMELAB_OK;
}

static int find_on_one(struct finder *finder, size_t node, bool *found)
{
    bool fits;
    int code = HOMELAB_OK;
    *found = false;
    finder->ask.gpu_count = 1;
    for (size_t d = 0; d < finder->device_count && !code; d++) {
        if (!is_gpu_of(finder, d, node))
            continue;
        finder->ask.gpus[0] = d;
        code = find_whole(finder, &fits);
        *found = *found || fits;
    }
    return code;
}

/* A part on all of them, less the fullest ones where those have no room for a process. */
static int find_part_on_most(struct finder *finder, const size_t *gpus, size_t count)
{
    const size_t before = finder->ways->count;
    int code = HOMELAB_OK;
    memcpy(finder->ask.gpus, gpus, count * sizeof *gpus);
    for (; count > 1; count = drop_fullest(finder->devices, finder->ask.gpus, count)) {
        finder->ask.gpu_count = count;
        code = find_part(finder, true);
        if (code || finder->ways->count > before)
            break;
    }
    return code;
}

/* For the room of others a part on one GPU is also there where the model can be split. */
static int find_part_on_one(struct finder *finder, size_t node, bool less_context)
{
    int code = HOMELAB_OK;
    finder->ask.gpu_count = 1;
    for (size_t d = 0; d < finder->device_count && !code; d++) {
        if (!is_gpu_of(finder, d, node))
            continue;
        finder->ask.gpus[0] = d;
        code = find_part(finder, less_context);
    }
    return code;
}

/* On GPUs of one vendor at a time. */
static int find_on_several(struct finder *finder, size_t node, bool whole, bool *found)
{
    int code = HOMELAB_OK;
    for (size_t d = 0; d < finder->device_count && !code; d++) {
        if (!is_first_of_vendor(finder, d, node))
            continue;
        size_t gpus[HL_PLAN_MAX_GPUS], count = list_gpus(finder, d, gpus);
        code = whole ? find_splits(finder, gpus, count, found)
                     : find_part_on_most(finder, gpus, count);
    }
    return code;
}

static int find_on_gpus(struct finder *finder, size_t node)
{
    bool found, split = false;
    int code = find_on_one(finder, node, &found);
    if (code || found || finder->model->gpu_layers >= 0)
        return code;
    code = find_on_several(finder, node, true, &split);
    if (!code)
        code = find_part_on_one(finder, node, !split);
    return code || split ? code : find_on_several(finder, node, false, &found);
}

static int try_on_cpu(struct finder *finder, struct hl_way *way, bool *fits)
{
    int code = hl_needs_estimate(way, &finder->ask, finder->planner->opts);
    if (code == HOMELAB_E_UNSUPPORTED) {
        hl_error_clear();
        return HOMELAB_OK;
    }
    if (code)
        return code;
    int64_t total = hl_part_total(&way->parts[0]);
    if (finder->ways->on_cpu == 0 || total < finder->ways->on_cpu)
        finder->ways->on_cpu = total;
    *fits = hl_way_fits(way, finder->devices);
    return HOMELAB_OK;
}

/* With the first type of cache that fits. */
static int find_on_cpu(struct finder *finder, struct hl_way *way, bool *found)
{
    int code = HOMELAB_OK;
    *found = false;
    if (!finder->model->cpu || finder->devices[finder->ask.cpu].capacity == 0 ||
        !allowed(finder, finder->ask.cpu))
        return HOMELAB_OK;
    finder->ask.gpu_count = 0;
    for (size_t k = 0; k < finder->kv_count && !code && !*found; k++) {
        finder->ask.kv = finder->kv[k];
        code = try_on_cpu(finder, way, found);
    }
    finder->ask.kv = finder->kv[0];
    return code;
}

/* A model that may run on the CPU but has no room there goes on GPUs with however few layers. */
static int find_on_node(struct finder *finder, size_t node)
{
    struct hl_way on_cpu;
    bool found;
    finder->ask.cpu = cpu_of(finder->devices, node);
    int code = find_on_cpu(finder, &on_cpu, &found);
    finder->least_share = finder->model->cpu && !found
                              ? 0
                              : hl_opt_int(finder->planner->opts, HL_OPT_PLAN_LEAST_SHARE);
    if (!code && finder->model->gpu_layers != 0)
        code = find_on_gpus(finder, node);
    return code || !found ? code : add(finder->ways, &on_cpu);
}

/* More layers than there are, the output layer included, are all of them. layers is without it, and
 * below 1 where unknown. */
static int64_t layers_given(const struct hl_model *model, int64_t layers)
{
    return layers > 0 && model->gpu_layers > layers + 1 ? layers + 1 : model->gpu_layers;
}

/* Sizes as given: nothing else is known. */
static int find_given(struct finder *finder)
{
    const struct hl_model *model = finder->model;
    int64_t whole = model->size_bytes ? model->size_bytes : model->vram_bytes;
    int64_t on_gpu = model->vram_bytes ? model->vram_bytes : model->size_bytes;
    finder->ways->smallest = on_gpu;
    finder->ways->on_cpu = whole;
    for (size_t d = 0; d < finder->device_count; d++) {
        const struct hl_plan_device *device = &finder->devices[d];
        bool cpu = device->gpu < 0;
        if (!allowed(finder, d) || (cpu ? !model->cpu : model->gpu_layers == 0))
            continue;
        struct hl_way way = {.part_count = 1,
                             .gpu_count = !cpu,
                             .layers = cpu ? 0 : layers_given(model, model->layers),
                             .context = model->context,
                             .kv = "f16",
                             .given = true,
                             .whole = !cpu};
        way.parts[0] = (struct hl_plan_part){.device = d, .weights = cpu ? whole : on_gpu};
        int code = hl_way_fits(&way, finder->devices) ? add(finder->ways, &way) : HOMELAB_OK;
        if (code)
            return code;
    }
    return HOMELAB_OK;
}

static int64_t context_of(const struct finder *finder)
{
    if (finder->model->context)
        return finder->model->context;
    int64_t trained = homelab_gguf_trained_context(finder->header);
    int64_t usual = hl_opt_int(finder->planner->opts, HL_OPT_PLAN_CONTEXT);
    return trained > 0 && trained < usual ? trained : usual;
}

/* By the endpoints that serve it; where those do not tell, by the option. */
static bool runs_in_ollama(const struct finder *finder, const struct hl_inventory_data *data)
{
    const struct hl_model *model = finder->model;
    bool ollama = false, other = false;
    for (size_t e = 0; e < model->endpoint_count; e++) {
        int backend = data->endpoints[model->endpoints[e]].backend;
        ollama = ollama || backend == HOMELAB_BACKEND_OLLAMA;
        other = other || backend == HOMELAB_BACKEND_LLAMACPP;
    }
    if (ollama != other)
        return ollama;
    return strcmp(hl_opt_string(finder->planner->opts, HL_OPT_VRAM_RUNTIME), "ollama") == 0;
}

int hl_ways_find(struct hl_ways *ways, const homelab_planner *planner,
                 const struct hl_plan_device *devices, size_t device_count, size_t model)
{
    const struct hl_inventory_data *data = hl_inventory_data(planner->inventory);
    struct finder finder = {.ways = ways,
                            .planner = planner,
                            .devices = devices,
                            .device_count = device_count,
                            .model = &data->models[model],
                            .header = planner->headers[model].of[HL_ROLE_MODEL]};
    if (finder.model->vram_bytes || !finder.header)
        return finder.model->vram_bytes || finder.model->size_bytes ? find_given(&finder)
                                                                    : HOMELAB_OK;
    read_kv(&finder);
    finder.layers = homelab_gguf_layer_count(finder.header);
    finder.ask = (struct hl_ask){.header = finder.header,
                                 .projector = planner->headers[model].of[HL_ROLE_PROJECTOR],
                                 .draft = planner->headers[model].of[HL_ROLE_DRAFT],
                                 .devices = devices,
                                 .context = context_of(&finder),
                                 .parallel = finder.model->parallel,
                                 .kv = finder.kv[0]};
    finder.ask.embeds = hl_model_embeds(finder.model, finder.header, planner->opts);
    finder.ask.ollama = runs_in_ollama(&finder, data);
    if (finder.ask.ollama)
        finder.ask.draft = NULL; /* it has none */
    finder.ask.layers = finder.model->gpu_layers >= 0 ? layers_given(finder.model, finder.layers)
                                                      : finder.layers + 1;
    int code = HOMELAB_OK;
    for (size_t node = 0; node < data->node_count && !code; node++)
        code = find_on_node(&finder, node);
    return code;
}
