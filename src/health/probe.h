/* One probe of one endpoint as a pure machine: it says what to ask next, is told the answer, and
 * ends with an observation. It does no I/O, and a given sequence of answers always gives the same
 * observation. */
#ifndef HL_HEALTH_PROBE_H
#define HL_HEALTH_PROBE_H

#include "health/observation.h"
#include "net/http.h"

/* Probes that ended, kept so that the next ones take no memory. Zeroed at first. */
#define HL_PROBE_SPARES 32
struct hl_probe;
struct hl_probe_pool {
    struct hl_probe *spares[HL_PROBE_SPARES];
    size_t count;
};
void hl_probe_pool_clear(struct hl_probe_pool *pool);
/* Takes the memory of an observation that was read, instead of hl_observation_clear(). */
void hl_probe_pool_take(struct hl_probe_pool *pool, struct hl_observation *observation);

/* What the probe needs to know about its endpoint; borrowed for the probe's life. */
struct hl_probe_target {
    const struct hl_endpoint *endpoint;
    const struct hl_inventory_data *inventory;
    enum hl_depth depth;
    int key_state; /* 0 none needed, 1 at hand, -1 wanted but not to be had (evidence: auth) */
    const char *key_error; /* why not */
    const char *key;       /* only to be kept out of what is told; NULL: none */
    int64_t slow_us;
    bool gpu_declared;
    bool foreign_backends;
    int max_json_depth;
    int64_t wall_us;            /* wall clock at the start */
    struct hl_probe_pool *pool; /* outlives the probe; NULL: none */
};

/* What is remembered of an endpoint from one probe to the next, so that facts that rarely change
 * are not asked each time: identified backend, version, capabilities per model digest. Opaque to
 * the prober; freed with the endpoint. */
struct hl_probe_memory;
struct hl_probe_memory *hl_probe_memory_new(void);
void hl_probe_memory_free(struct hl_probe_memory *memory);

struct hl_probe;

enum hl_probe_ask_kind {
    HL_ASK_HTTP,    /* to the endpoint itself: base + path */
    HL_ASK_CONNECT, /* TCP connect to host:port (the endpoint's or a gateway backend's) */
};
struct hl_probe_ask {
    enum hl_probe_ask_kind kind;
    const char *method;
    const char *path; /* of HL_ASK_HTTP, from "/" on */
    const char *body;
    const char *connect_host; /* of HL_ASK_CONNECT */
    int connect_port;
    bool send_key;
    bool canary;      /* own, long time-out; not cut short */
    int64_t limit_us; /* give up after this long (a connection timed out), 0: at the deadline */
};

int hl_probe_new(struct hl_probe **out, const struct hl_probe_target *target,
                 struct hl_probe_memory *memory);
void hl_probe_free(struct hl_probe *probe);
/* True: *ask is the next question (strings valid until the answer). False: the probe is complete.
 * One question at a time. */
bool hl_probe_next(struct hl_probe *probe, struct hl_probe_ask *ask);
/* The answer; HOMELAB_E_NOMEM only. A result whose code is HOMELAB_E_NET_TIMEOUT ran into the
 * endpoint's deadline. */
int hl_probe_answer(struct hl_probe *probe, const struct hl_http_result *answer);
/* The observation with this look's verdict and cause; moved out, valid until
 * hl_observation_clear(). */
void hl_probe_finish(struct hl_probe *probe, int64_t elapsed_us, struct hl_observation *out);

#endif
