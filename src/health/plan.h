/* Probe plans, from the inside: a plan is a list of questions to one kind of backend, cheapest
 * first; the machine in probe.c asks them in order until one of them settles the matter. */
#ifndef HL_HEALTH_PLAN_H
#define HL_HEALTH_PLAN_H

#include "core/buf.h"
#include "core/json.h"
#include "health/mask.h"
#include "health/memory.h"
#include "health/probe.h"

/* Guesses and impostors are looked at again every so many probes. */
#define HL_REVIEW_EVERY 8

struct hl_step {
    enum hl_layer layer;
    enum hl_depth depth; /* asked from this depth on */
    bool aside;          /* not a service of the endpoint that could be slow: files, other hosts */
    /* True: probe->ask (and path, body) hold the question. False: nothing to ask here. */
    bool (*prepare)(struct hl_probe *probe);
    /* Takes the answer, whatever it was. */
    void (*take)(struct hl_probe *probe, const struct hl_http_result *result);
};
struct hl_plan {
    int backend;
    const struct hl_step *steps;
    size_t step_count;
    void (*conclude)(struct hl_probe *probe); /* after the last step, unless a problem ended it */
};
extern const struct hl_plan hl_plan_identify, hl_plan_ollama, hl_plan_llamacpp, hl_plan_litellm,
    hl_plan_vllm, hl_plan_lmstudio, hl_plan_tabbyapi, hl_plan_llamaswap, hl_plan_openai,
    hl_plan_http, hl_plan_tcp;
const struct hl_plan *hl_plan_of(int backend);
const char *hl_backend_title(int backend); /* "llama.cpp", "Ollama", … */

/* A gateway's backend, as far as a connection can tell. */
struct hl_gateway_backend {
    char host[256];
    int port;
    bool tried, dead;
};
#define HL_GATEWAY_BACKENDS_MAX 64

/* What was seen while identifying. */
struct hl_identify {
    uint32_t signals; /* bits, see identify.c */
    unsigned useless; /* answers in a row that only redirect or fail */
    bool openai_list; /* /v1/models has the common shape */
    bool refused;     /* /v1/models wants a key */
    bool no_list;     /* /v1/models answers 2xx with something else */
    bool own_fits;    /* the endpoint's own path gave a signal */
    bool own_serves;  /* where it was asked: 2xx, and no error in the body */
};

struct hl_probe {
    struct hl_probe_target target;
    struct hl_probe_memory *memory;
    struct hl_observation seen;
    const struct hl_plan *plan;
    const struct hl_plan *suspect; /* whose answer did not fit, while identifying who it was */
    size_t step;
    bool again; /* take(): ask this step once more */
    bool moved; /* take() chose the plan or step itself */
    bool done;
    bool problem;    /* a problem ended the plan */
    bool identified; /* identification ran in this probe */
    bool no_memory;
    struct hl_probe_ask ask;
    struct hl_buf path, body;
    struct hl_mask mask;
    bool own_asked; /* the question is the user's own path, whose query is not told */
    size_t prefix;  /* length of the part of the endpoint's path before a known probe path */
    bool own_path;  /* the rest of the path is a probe path of the user's */
    int64_t spent_us;
    char server_date[40]; /* the server's own clock as its last answer tells it, "" unknown */

    /* Of the running plan. */
    size_t cursor;
    struct hl_identify identify;
    cJSON *tags;          /* Ollama's list, while models are shown */
    const cJSON *showing; /* the one that is shown */
    bool router, sleeping, working, gateway_found, fell_back;
    struct {
        unsigned awake, asleep, loading, read;
    } children; /* of a router or swapper */
    double processing, waiting;
    struct hl_gateway_backend *backends;
    size_t backend_count;
    size_t backends_untried; /* deployments that may not or cannot be tried */
    char untried[64];
};

/* --- Questions --- */
/* GET of prefix + path; keyed questions carry the key if there is one. Return true for prepare().
 */
bool hl_ask_get(struct hl_probe *probe, const char *path, bool keyed);
bool hl_ask_post(struct hl_probe *probe, const char *path, bool keyed);
bool hl_ask_connect(struct hl_probe *probe, const char *host, int port, int64_t limit_us);
/* The endpoint's own path as it stands. */
bool hl_ask_own(struct hl_probe *probe);
/* The endpoint's own path behind the prefix. */
const char *hl_own_path(const struct hl_probe *probe);
/* Appends text percent-encoded as a query value. */
void hl_buf_query(struct hl_buf *buf, const char *text);

/* --- Answers --- */
/* True when it is a complete 2xx; else the problem is recorded and the plan ended. */
bool hl_accept(struct hl_probe *probe, const struct hl_http_result *result);
/* Only the transport: true when a complete answer of any status came. */
bool hl_answered(struct hl_probe *probe, const struct hl_http_result *result);
/* Records that the answer is of the wrong shape and ends the plan (or asks who answers). */
void hl_wrong_body(struct hl_probe *probe, const struct hl_http_result *result, const char *what);
/* One line "GET /path answered 200 after 3 ms: …"; a cause other than NONE does not end the plan.
 */
void hl_say(struct hl_probe *probe, const struct hl_http_result *result, int cause,
            const char *format, ...) __attribute__((format(printf, 4, 5)));
void hl_say_as(struct hl_probe *probe, const struct hl_http_result *result, int verdict, int cause,
               const char *format, ...) __attribute__((format(printf, 5, 6)));
/* One line without a question of its own. */
void hl_note(struct hl_probe *probe, enum hl_layer layer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void hl_run_plan(struct hl_probe *probe, const struct hl_plan *plan);
/* What the identification found, as evidence. */
void hl_note_identity(struct hl_probe *probe);
/* Says that another backend answers than the declared one. */
void hl_note_impostor(struct hl_probe *probe, int backend);
/* Drops what was seen so far: it was judged as another backend. */
void hl_start_over(struct hl_probe *probe);
/* Ends the plan: what follows would tell nothing. */
void hl_stop(struct hl_probe *probe);
/* The other backend that this answer gives away, or 0. */
int hl_tell_tale(const struct hl_http_result *result);
/* The body as JSON, or NULL; cJSON_Delete(). */
cJSON *hl_answer_json(const struct hl_probe *probe, const struct hl_http_result *result);
/* "41 ms", "0.4 ms" */
struct hl_duration {
    char text[24];
};
struct hl_duration hl_duration(int64_t us);

/* --- Facts --- */
/* A model found; NULL without memory or when there are too many. */
struct hl_model_state *hl_found_model(struct hl_probe *probe, const char *name);
/* "…: 3 models" */
void hl_say_models(struct hl_probe *probe, const struct hl_http_result *result);
void hl_found_version(struct hl_probe *probe, const char *version);
/* Asks for the version unless it is known; hl_version_take() takes `version` of the answer. */
bool hl_ask_version(struct hl_probe *probe, const char *path, bool keyed);
void hl_version_take(struct hl_probe *probe, const struct hl_http_result *result);
/* Whether the inventory requires a model of that name. */
bool hl_is_required(const struct hl_probe *probe, const char *name);
bool hl_name_meets(const char *have, const char *want);
/* Abilities that the inventory declares for a model of that name. */
uint32_t hl_declared_abilities(const struct hl_probe *probe, const char *name);

/* Work in progress as processing and waiting say, and the counter that advances meanwhile. */
void hl_found_progress(struct hl_probe *probe, const struct hl_http_result *result, double counter,
                       bool has_counter);
/* Says why this backend shows nothing of its progress, where that was to be looked at. */
void hl_progress_unseen(struct hl_probe *probe, const char *why);
/* Whether the answer says that there are no metrics here, which is then said in the evidence. */
bool hl_metrics_absent(struct hl_probe *probe, const struct hl_http_result *result);

/* --- Canary --- */
/* Prepares one token (or embedding) of a loaded model through the OpenAI routes. */
bool hl_canary_openai(struct hl_probe *probe, const char *model, uint32_t abilities,
                      const char *query);
/* The same of the first model that is loaded; else says that none was sent. */
bool hl_canary_loaded(struct hl_probe *probe, const char *query, const char *otherwise);
void hl_canary_take(struct hl_probe *probe, const struct hl_http_result *result);
void hl_canary_not_sent(struct hl_probe *probe, const char *why);

#endif
