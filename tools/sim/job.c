/* Inference work: queueing for a slot, loading on demand, generating. */
#include <stddef.h>

#include "endpoint.h"

/* Seen with llama.cpp: 0.75 to 1.4 s from a request to awake. */
enum {
    WAKE_MS = 800
};

static struct sim_model_run *least_recent(struct sim_endpoint *endpoint, int64_t *loaded)
{
    struct sim_model_run *oldest = NULL;
    *loaded = 0;
    for (size_t i = 0; i < endpoint->config->model_count; i++) {
        struct sim_model_run *model = &endpoint->models[i];
        if (!model->loaded)
            continue;
        (*loaded)++;
        if (model->users == 0 && (oldest == NULL || model->used_ms < oldest->used_ms))
            oldest = model;
    }
    return oldest;
}

static void make_room(struct sim_endpoint *endpoint)
{
    int64_t loaded = 0;
    struct sim_model_run *victim = least_recent(endpoint, &loaded);
    if (loaded < endpoint->config->max_loaded || victim == NULL)
        return;
    victim->loaded = false;
    endpoint->stats.evictions++;
}

static bool slot_free(const struct sim_endpoint *endpoint)
{
    return sim_endpoint_processing(endpoint) < endpoint->config->slots;
}

static bool held_back(const struct sim_endpoint *endpoint)
{
    return endpoint->state.wedged || endpoint->state.loading;
}

static void wake(struct sim_endpoint *endpoint, int64_t now_ms)
{
    endpoint->stats.wakes++;
    endpoint->active_ms = now_ms;
    if (endpoint->state.sleeping)
        endpoint->sleep_ms = now_ms;
}

static int64_t start_load(struct sim_endpoint *endpoint, struct sim_job *job, int64_t now_ms)
{
    struct sim_model_run *model = job->model;
    job->phase = SIM_PHASE_LOADING;
    if (model->load_until_ms != SIM_NEVER)
        return model->load_until_ms;
    make_room(endpoint);
    endpoint->stats.loads++;
    job->loads = true;
    job->load_ms = model->config->load_ms;
    model->load_until_ms = now_ms + job->load_ms;
    return model->load_until_ms;
}

static int64_t start_wake(struct sim_endpoint *endpoint, struct sim_job *job, int64_t now_ms)
{
    wake(endpoint, now_ms);
    job->phase = SIM_PHASE_LOADING;
    job->until_ms = now_ms + WAKE_MS;
    return job->until_ms;
}

static int64_t start_run(struct sim_endpoint *endpoint, struct sim_job *job, int64_t now_ms)
{
    if (job->kind == SIM_JOB_LOAD || job->kind == SIM_JOB_WAKE) {
        sim_job_finish(endpoint, job, now_ms);
        return 0;
    }
    if (!slot_free(endpoint))
        return SIM_NEVER;
    job->phase = SIM_PHASE_RUNNING;
    endpoint->running++;
    endpoint->waiting--;
    endpoint->active_ms = now_ms;
    if (job->kind == SIM_JOB_EMBED)
        endpoint->stats.embeddings++;
    else
        endpoint->stats.generations++;
    job->until_ms = now_ms + job->tokens * endpoint->config->token_ms;
    return job->stream ? 0 : job->until_ms;
}

static int64_t step_queued(struct sim_endpoint *endpoint, struct sim_job *job, int64_t now_ms)
{
    if (held_back(endpoint))
        return SIM_NEVER;
    if (sim_endpoint_asleep(endpoint, now_ms))
        return start_wake(endpoint, job, now_ms);
    if (job->model != NULL && !job->model->loaded)
        return start_load(endpoint, job, now_ms);
    return start_run(endpoint, job, now_ms);
}

static int64_t step_loading(struct sim_endpoint *endpoint, struct sim_job *job, int64_t now_ms)
{
    struct sim_model_run *model = job->model;
    if (held_back(endpoint))
        return SIM_NEVER;
    int64_t until =
        model != NULL && model->load_until_ms != SIM_NEVER ? model->load_until_ms : job->until_ms;
    if (now_ms < until)
        return until;
    if (model != NULL && job->loads) {
        model->loaded = true;
        model->load_until_ms = SIM_NEVER;
        job->loads = false;
    }
    endpoint->active_ms = now_ms;
    job->phase = SIM_PHASE_QUEUED;
    return step_queued(endpoint, job, now_ms);
}

static int64_t step_running(struct sim_endpoint *endpoint, struct sim_job *job, int64_t now_ms)
{
    if (held_back(endpoint))
        return SIM_NEVER;
    if (now_ms < job->until_ms)
        return job->until_ms;
    sim_job_finish(endpoint, job, now_ms);
    return 0;
}

static void enter(struct sim_endpoint *endpoint, struct sim_job *job)
{
    endpoint->waiting++;
    if (job->model != NULL)
        job->model->users++;
    job->entered = true;
}

int64_t sim_job_step(struct sim_endpoint *endpoint, struct sim_job *job, int64_t now_ms)
{
    if (job->kind == SIM_JOB_NONE || job->phase == SIM_PHASE_DONE)
        return 0;
    if (!job->entered)
        enter(endpoint, job);
    if (job->phase == SIM_PHASE_QUEUED)
        return step_queued(endpoint, job, now_ms);
    if (job->phase == SIM_PHASE_LOADING)
        return step_loading(endpoint, job, now_ms);
    return step_running(endpoint, job, now_ms);
}

static void leave(struct sim_endpoint *endpoint, struct sim_job *job)
{
    if (job->phase == SIM_PHASE_RUNNING)
        endpoint->running--;
    else
        endpoint->waiting--;
    if (job->model != NULL)
        job->model->users--;
    job->phase = SIM_PHASE_DONE;
}

void sim_job_finish(struct sim_endpoint *endpoint, struct sim_job *job, int64_t now_ms)
{
    if (!job->entered || job->phase == SIM_PHASE_DONE)
        return;
    leave(endpoint, job);
    endpoint->active_ms = now_ms;
    if (job->model != NULL) {
        int64_t keep =
            job->keep_alive_ms != SIM_NEVER ? job->keep_alive_ms : endpoint->config->keep_alive_ms;
        job->model->used_ms = now_ms;
        job->model->expires_us = sim_wall_us() + keep * 1000;
    }
    if (job->kind != SIM_JOB_GENERATE && job->kind != SIM_JOB_EMBED)
        return;
    endpoint->counters.decodes += job->tokens;
    endpoint->counters.prompt_tokens += job->prompt_tokens;
    endpoint->counters.prompt_seconds += job->prompt_tokens / 214.0;
    if (job->kind == SIM_JOB_GENERATE) {
        endpoint->counters.predicted_tokens += job->tokens;
        endpoint->counters.predicted_seconds += job->tokens / 92.0;
    }
}

void sim_job_abort(struct sim_endpoint *endpoint, struct sim_job *job)
{
    if (!job->entered || job->phase == SIM_PHASE_DONE)
        return;
    /* Seen with Ollama: a client that goes away during a load aborts the load. */
    if (job->loads) {
        endpoint->stats.load_aborts++;
        job->model->load_until_ms = SIM_NEVER;
        job->loads = false;
    }
    leave(endpoint, job);
}
