/*
 * scenario.h - the description of a simulated cluster, read from JSON into plain structs. What each
 * key means stands in docs/simulator.md.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "fault.h"

enum sim_backend_kind {
    SIM_OLLAMA,
    SIM_LLAMACPP,
    SIM_LITELLM,
    SIM_VLLM,
    SIM_LMSTUDIO,
    SIM_TABBYAPI,
    SIM_LLAMASWAP,
    SIM_OPENAI,
    SIM_HTTP,
    SIM_TCP,
    SIM_BACKEND_KINDS
};

enum {
    SIM_CAN_COMPLETE = 1 << 0,
    SIM_CAN_TOOLS = 1 << 1,
    SIM_CAN_INSERT = 1 << 2,
    SIM_CAN_SEE = 1 << 3,
    SIM_CAN_EMBED = 1 << 4,
    SIM_CAN_THINK = 1 << 5
};

enum sim_tls {
    SIM_TLS_NONE,
    SIM_TLS_CA,
    SIM_TLS_SELF_SIGNED,
    SIM_TLS_EXPIRED,
    SIM_TLS_WRONG_HOST
};

struct sim_model {
    char *name;
    char *family, *architecture, *parameter_size, *quantization;
    char *remote_host; /* Ollama cloud models; NULL = local */
    char digest[65];
    int64_t size_bytes;
    int64_t vram_bytes; /* -1 = all of it where the node has a GPU, else 0 */
    int64_t context, context_train, embedding_length, parameters;
    unsigned capabilities;
    bool loaded;   /* at the start */
    bool required; /* named in the written inventory */
    int64_t load_ms;
};

/* One entry of a gateway's model list. */
struct sim_deployment {
    char *name, *model;
    char *api_base; /* NULL = the URL of `endpoint` */
    char *endpoint; /* id; NULL with api_base */
};

/* A path of a plain HTTP server. */
struct sim_route {
    char *path, *body, *content_type;
    int status;
};

struct sim_endpoint_config {
    char *id, *tier, *node, *host;
    int port; /* 0 = a free one */
    enum sim_backend_kind backend;
    char *version;
    struct sim_model *models;
    size_t model_count;
    struct sim_deployment *deployments;
    size_t deployment_count;
    struct sim_route *routes;
    size_t route_count;
    struct sim_faults faults;
    char *api_key, *api_key_env, *client_key;
    enum sim_tls tls;
    char *scheme; /* of the written URL; NULL = what the listener speaks */
    char *probe_path;
    char *banner;
    cJSON *inventory; /* further keys of the written endpoint; owned */
    bool metrics, slots_route, router, prisma, gpu;
    int64_t slots, max_loaded;
    int64_t keep_alive_ms, token_ms, sleep_after_ms;
    double decode_rate; /* decode calls a second while working */
};

struct sim_scenario {
    cJSON *json; /* the whole document; nodes, inventory and env are taken from it */
    struct sim_endpoint_config *endpoints;
    size_t endpoint_count;
};

const char *sim_backend_name(enum sim_backend_kind kind);

/* False with problems in the reader; *out is to be freed either way. */
bool sim_scenario_parse(struct sim_reader *reader, const char *text, size_t length,
                        struct sim_scenario *out);
void sim_scenario_free(struct sim_scenario *scenario);

/* Whether faults can be played on an endpoint; a problem for each that cannot. */
bool sim_faults_fit(struct sim_reader *reader, const char *where,
                    const struct sim_endpoint_config *endpoint, const struct sim_faults *faults);

/* Parts of the above. */
void sim_models_parse(struct sim_object *endpoint, struct sim_endpoint_config *out);
void sim_model_free(struct sim_model *model);

#endif
