/*
 * backend.h - how each kind of server answers. A backend fills in an answer, or starts a job and
 * fills in the answer when the job is done.
 */
#ifndef SIM_BACKEND_H
#define SIM_BACKEND_H

#include "endpoint.h"

struct sim_call {
    struct sim_endpoint *endpoint;
    const struct sim_request *request;
    struct sim_answer *answer;
    struct sim_job *job;
    int64_t now_ms; /* since the start */
};

struct sim_backend {
    void (*handle)(const struct sim_call *call);
    void (*complete)(const struct sim_call *call);
    /* The body of a bare status in this backend's form, for scripted faults. */
    void (*refuse)(const struct sim_call *call, int status);
    /* Nothing listens until the model is loaded. */
    bool closed_while_loading;
};

extern const struct sim_backend sim_backend_ollama, sim_backend_llamacpp, sim_backend_litellm,
    sim_backend_vllm, sim_backend_lmstudio, sim_backend_tabbyapi, sim_backend_llamaswap,
    sim_backend_openai, sim_backend_http;

/* NULL for plain TCP. */
const struct sim_backend *sim_backend_of(enum sim_backend_kind kind);

typedef void sim_call_fn(const struct sim_call *call);
struct sim_path {
    const char *method;
    const char *path;
    sim_call_fn *answer;
};
enum sim_dispatch {
    SIM_DISPATCHED,
    SIM_WRONG_METHOD,
    SIM_UNKNOWN_PATH
};
/* Calls the function of the path; `paths` ends with a NULL path. */
enum sim_dispatch sim_dispatch(const struct sim_call *call, const struct sim_path *paths);

/* Key sent as Bearer or X-Api-Key, or none needed. */
bool sim_key_accepted(const struct sim_call *call);

/* Strings as they differ between the servers that speak OpenAI's protocol. */
struct sim_openai_style {
    const char *owned_by;
    const char *type; /* Content-Type */
    const char *fingerprint;
};

enum sim_openai_result {
    SIM_OPENAI_OTHER,   /* not a path of that protocol */
    SIM_OPENAI_STARTED, /* the job is set up */
    SIM_OPENAI_NO_MODEL,
    SIM_OPENAI_BAD_REQUEST
};

/* {"id","object":"model","created","owned_by"} */
cJSON *sim_openai_model(const struct sim_call *call, const char *name, const char *owned_by);
/* {"object":"list","data":[...]} of the visible models. */
cJSON *sim_openai_list(const struct sim_call *call, const char *owned_by);
/* Chat, completion and embedding requests. */
enum sim_openai_result sim_openai_start(const struct sim_call *call);
void sim_openai_complete(const struct sim_call *call, const struct sim_openai_style *style);
/* {"error":{"message","type","param":null,"code"}} */
void sim_openai_error(const struct sim_call *call, int status, const char *type,
                      const char *message, const char *content_type);

/* Words of the canned reply; NULL past the end. */
const char *sim_reply_word(const struct sim_call *call, int index);
/* Sets up a generation for the request's prompt. */
void sim_start_job(const struct sim_call *call, enum sim_job_kind kind, struct sim_model_run *model,
                   int max_tokens, bool stream);
/* A vector that is the same for the same endpoint and model. */
cJSON *sim_embedding(const struct sim_call *call);
/* Adds a JSON text to a stream between prefix and suffix; takes the JSON over. */
void sim_stream_json(struct sim_answer *answer, const char *prefix, cJSON *json,
                     const char *suffix);

double sim_unix_now(void);
cJSON *sim_strings(const char *first, ...) __attribute__((sentinel));

#endif
