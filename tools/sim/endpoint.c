#include "endpoint.h"

#include <stdlib.h>
#include <string.h>

void sim_endpoint_init(struct sim_endpoint *endpoint, struct sim_endpoint_config *config,
                       struct sim *sim)
{
    *endpoint = (struct sim_endpoint){.config = config, .sim = sim, .sleep_ms = SIM_NEVER};
    endpoint->faults = config->faults;
    config->faults = (struct sim_faults){0};
    endpoint->models = sim_calloc(config->model_count, sizeof *endpoint->models);
    for (size_t i = 0; i < config->model_count; i++) {
        endpoint->models[i] = (struct sim_model_run){
            .config = &config->models[i],
            .loaded = config->models[i].loaded,
            .load_until_ms = SIM_NEVER,
            .expires_us = sim_wall_us() + config->keep_alive_ms * 1000,
            .first = i == 0,
        };
    }
}

void sim_endpoint_release(struct sim_endpoint *endpoint)
{
    for (size_t i = 0; i < endpoint->stats.path_count; i++)
        free(endpoint->stats.paths[i].key);
    free(endpoint->models);
    sim_faults_free(&endpoint->faults);
}

static bool works(const struct sim_endpoint *endpoint)
{
    bool occupied = endpoint->state.busy || endpoint->running > 0;
    return occupied && !endpoint->state.wedged && !endpoint->state.loading;
}

/* Work done since the last update, under the state that held until now. */
static void pass_time(struct sim_endpoint *endpoint, int64_t now_ms)
{
    double seconds = (double)(now_ms - endpoint->updated_ms) / 1000;
    endpoint->updated_ms = now_ms;
    if (!works(endpoint))
        return;
    endpoint->active_ms = now_ms;
    endpoint->counters.decodes += seconds * endpoint->config->decode_rate;
    if (!endpoint->state.busy)
        return;
    endpoint->counters.prompt_tokens += seconds * endpoint->config->decode_rate * 21;
    endpoint->counters.prompt_seconds += seconds;
}

static void set_expiry(struct sim_endpoint *endpoint, int64_t expires_us)
{
    for (size_t i = 0; i < endpoint->config->model_count; i++)
        endpoint->models[i].expires_us = expires_us;
}

static bool in_flight(const struct sim_state *state)
{
    return state->busy || (state->wedged && state->in_flight);
}

static bool expires(const struct sim_endpoint *endpoint)
{
    return endpoint->config->backend == SIM_OLLAMA && !in_flight(&endpoint->state) &&
           !endpoint->state.wedged;
}

static void expire_models(struct sim_endpoint *endpoint)
{
    if (!expires(endpoint))
        return;
    int64_t wall_us = sim_wall_us();
    for (size_t i = 0; i < endpoint->config->model_count; i++) {
        struct sim_model_run *model = &endpoint->models[i];
        if (model->loaded && model->users == 0 && model->expires_us <= wall_us)
            model->loaded = false;
    }
}

/* While a request is in flight Ollama's expires_at stays where the last one put it, soon in the
 * past, and moves on when the request ends. */
static void take_over(struct sim_endpoint *endpoint, const struct sim_state *next)
{
    bool before = in_flight(&endpoint->state);
    bool after = in_flight(next);
    if (!before && after)
        set_expiry(endpoint, sim_wall_us() - 1000000);
    if (before && !after)
        set_expiry(endpoint, sim_wall_us() + endpoint->config->keep_alive_ms * 1000);
    if (!next->sleeping)
        endpoint->sleep_ms = SIM_NEVER;
    endpoint->state = *next;
}

static bool same_state(const struct sim_state *a, const struct sim_state *b)
{
    return a->listener == b->listener && a->loading == b->loading && a->busy == b->busy &&
           a->wedged == b->wedged && a->sleeping == b->sleeping &&
           a->cpu_fallback == b->cpu_fallback && a->in_flight == b->in_flight &&
           a->busy_slots == b->busy_slots;
}

bool sim_endpoint_update(struct sim_endpoint *endpoint, int64_t now_ms)
{
    struct sim_state next;
    pass_time(endpoint, now_ms);
    sim_faults_state(&endpoint->faults, now_ms, endpoint->attempts, &next);
    bool changed = !same_state(&endpoint->state, &next);
    take_over(endpoint, &next);
    expire_models(endpoint);
    return changed;
}

int64_t sim_endpoint_next_change(const struct sim_endpoint *endpoint, int64_t now_ms)
{
    return sim_faults_next_change(&endpoint->faults, now_ms);
}

bool sim_endpoint_asleep(const struct sim_endpoint *endpoint, int64_t now_ms)
{
    if (endpoint->state.sleeping && endpoint->sleep_ms == SIM_NEVER)
        return true;
    int64_t idle = endpoint->config->sleep_after_ms;
    return idle != SIM_NEVER && now_ms - endpoint->active_ms >= idle;
}

int64_t sim_endpoint_processing(const struct sim_endpoint *endpoint)
{
    int64_t slots = endpoint->config->slots;
    int64_t taken = endpoint->running;
    if (endpoint->state.busy)
        taken += endpoint->state.busy_slots > 0 ? endpoint->state.busy_slots : slots;
    else if (endpoint->state.wedged && endpoint->state.in_flight)
        taken += 1;
    return taken < slots ? taken : slots;
}

void sim_endpoint_count(struct sim_endpoint *endpoint, const char *method, const char *path)
{
    struct sim_stats *stats = &endpoint->stats;
    stats->requests++;
    char *key = sim_printf("%.16s %.200s", method, path);
    for (size_t i = 0; i < stats->path_count; i++) {
        if (strcmp(stats->paths[i].key, key) == 0) {
            stats->paths[i].count++;
            free(key);
            return;
        }
    }
    /* The last place counts whatever did not fit. */
    if (stats->path_count == SIM_MAX_PATHS) {
        stats->paths[SIM_MAX_PATHS - 1].count++;
        free(key);
        return;
    }
    if (stats->path_count == SIM_MAX_PATHS - 1) {
        free(key);
        key = sim_strdup("other");
    }
    stats->paths[stats->path_count++] = (struct sim_path_count){.key = key, .count = 1};
}

static bool hidden(const struct sim_endpoint *endpoint, const struct sim_model_run *model)
{
    return sim_faults_hide_model(&endpoint->faults, endpoint->updated_ms, endpoint->attempts,
                                 model->config->name, model->first);
}

size_t sim_endpoint_models(const struct sim_endpoint *endpoint, struct sim_model_run **out,
                           size_t capacity)
{
    size_t count = 0;
    for (size_t i = 0; i < endpoint->config->model_count && count < capacity; i++) {
        if (!hidden(endpoint, &endpoint->models[i]))
            out[count++] = &endpoint->models[i];
    }
    return count;
}

static bool same_model(const char *known, const char *wanted)
{
    size_t length = strlen(wanted);
    if (strncmp(known, wanted, length) != 0)
        return false;
    return known[length] == '\0' || strcmp(known + length, ":latest") == 0;
}

struct sim_model_run *sim_endpoint_find_model(struct sim_endpoint *endpoint, const char *name)
{
    for (size_t i = 0; i < endpoint->config->model_count; i++) {
        struct sim_model_run *model = &endpoint->models[i];
        bool wanted = name == NULL || name[0] == '\0' || same_model(model->config->name, name);
        if (wanted && !hidden(endpoint, model))
            return model;
    }
    return NULL;
}

int64_t sim_model_vram(const struct sim_endpoint *endpoint, const struct sim_model_run *model)
{
    const struct sim_model *config = model->config;
    int64_t normal = config->vram_bytes;
    if (normal < 0)
        normal = endpoint->config->gpu ? config->size_bytes : 0;
    if (!endpoint->state.cpu_fallback)
        return normal;
    return (int64_t)((double)config->size_bytes * endpoint->state.vram_fraction);
}

void sim_model_unload(struct sim_endpoint *endpoint, struct sim_model_run *model)
{
    if (!model->loaded)
        return;
    model->loaded = false;
    endpoint->stats.unloads++;
}
