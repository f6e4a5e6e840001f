/*
 * endpoint.h - the state of one simulated server: faults in force, models, counters, what was done
 * to it. No sockets here.
 */
#ifndef SIM_ENDPOINT_H
#define SIM_ENDPOINT_H

#include "answer.h"
#include "scenario.h"

enum {
    SIM_MAX_PATHS = 256
};

/* What a model does at the moment. */
struct sim_model_run {
    const struct sim_model *config;
    bool loaded;
    int64_t load_until_ms; /* SIM_NEVER = not being loaded */
    int64_t expires_us;    /* wall clock; Ollama */
    int64_t used_ms;
    int users;
    bool first;
};

struct sim_path_count {
    char *key; /* "GET /api/tags" */
    uint64_t count;
};

struct sim_stats {
    uint64_t connections, requests, faulted;
    uint64_t generations, embeddings, loads, load_aborts, unloads, evictions, wakes;
    uint64_t slots_reads, gateway_health;
    struct sim_path_count paths[SIM_MAX_PATHS];
    size_t path_count;
};

/* Kept as doubles: they grow by fractions with time. */
struct sim_counters {
    double decodes, prompt_tokens, predicted_tokens, prompt_seconds, predicted_seconds;
};

struct sim_endpoint {
    const struct sim_endpoint_config *config;
    struct sim *sim;
    int port; /* the one listened on */
    struct sim_faults faults;
    int64_t attempts;
    struct sim_state state; /* as of updated_ms */
    int64_t updated_ms;
    int64_t active_ms; /* last time something kept it awake */
    int64_t sleep_ms;  /* a fault's sleep that was interrupted; SIM_NEVER = none */
    struct sim_model_run *models;
    struct sim_counters counters;
    int running; /* jobs on slots */
    int waiting;
    struct sim_stats stats;
    struct sim_net *net; /* listener and connections; the servers' own */
};

/* A piece of inference work that an answer waits for. */
enum sim_job_kind {
    SIM_JOB_NONE,
    SIM_JOB_GENERATE,
    SIM_JOB_EMBED,
    SIM_JOB_LOAD,
    SIM_JOB_WAKE
};
enum sim_job_phase {
    SIM_PHASE_QUEUED,
    SIM_PHASE_LOADING,
    SIM_PHASE_RUNNING,
    SIM_PHASE_DONE
};
struct sim_job {
    enum sim_job_kind kind;
    enum sim_job_phase phase;
    struct sim_model_run *model;
    bool stream;
    bool chat;
    bool entered; /* counted as waiting or running */
    bool loads;   /* this job's load is the one in progress */
    int64_t until_ms;
    int64_t keep_alive_ms; /* SIM_NEVER = the default */
    int prompt_tokens, tokens;
    int64_t load_ms; /* how long loading took */
};

void sim_endpoint_init(struct sim_endpoint *endpoint, struct sim_endpoint_config *config,
                       struct sim *sim);
void sim_endpoint_release(struct sim_endpoint *endpoint);

/* Lets time pass and takes over what the faults say now; true when the state changed. */
bool sim_endpoint_update(struct sim_endpoint *endpoint, int64_t now_ms);
/* When it should be updated next without any request. */
int64_t sim_endpoint_next_change(const struct sim_endpoint *endpoint, int64_t now_ms);

bool sim_endpoint_asleep(const struct sim_endpoint *endpoint, int64_t now_ms);
/* Slots in use: jobs at work plus those that a busy or wedge fault occupies. */
int64_t sim_endpoint_processing(const struct sim_endpoint *endpoint);

void sim_endpoint_count(struct sim_endpoint *endpoint, const char *method, const char *path);

/* Visible models only: a model_missing fault hides one. */
size_t sim_endpoint_models(const struct sim_endpoint *endpoint, struct sim_model_run **out,
                           size_t capacity);
/* By name; NULL or "" means the first; `x` finds `x:latest`. */
struct sim_model_run *sim_endpoint_find_model(struct sim_endpoint *endpoint, const char *name);
int64_t sim_model_vram(const struct sim_endpoint *endpoint, const struct sim_model_run *model);
void sim_model_unload(struct sim_endpoint *endpoint, struct sim_model_run *model);

/* Lets a job go on; 0 = done (or may start to stream), else when to ask again, SIM_NEVER = after
 * the next change of the endpoint or of another job. */
int64_t sim_job_step(struct sim_endpoint *endpoint, struct sim_job *job, int64_t now_ms);
void sim_job_finish(struct sim_endpoint *endpoint, struct sim_job *job, int64_t now_ms);
/* The client left. */
void sim_job_abort(struct sim_endpoint *endpoint, struct sim_job *job);

#endif
