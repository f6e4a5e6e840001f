/* A plan, from the inside. Parts: needs.c (what a way of running a model takes), ways.c (which ways
 * there are), solve.c (which one each model gets), fill.c (what goes into the room that is left),
 * text files (json.c, svg.c, flags.c, explain.c). */
#ifndef HL_PLAN_PLAN_H
#define HL_PLAN_PLAN_H

#include <homelab/plan.h>

#include "core/buf.h"
#include "inventory/inventory.h"
#include "place/place.h"

#include <stdatomic.h>
#include <string.h>

#define HL_PLAN_MAX_GPUS 8 /* that a model is split over */
#define HL_PLAN_MAX_SETS 8
#define HL_PLAN_MAX_TEXT ((size_t)1 << 24)

struct hl_plan_device {
    char *id; /* NODE/gpuNUMBER, NODE/cpu */
    char *name;
    char *vendor;
    size_t node;
    int gpu; /* -1: the node's CPU */
    int64_t capacity, used, reserve, bandwidth;
    bool used_read;  /* used is a reading handed in, not the inventory's */
    int64_t planned; /* in the set of models that takes most */
};

struct hl_plan_part {
    size_t device;
    int64_t weights, context, compute, overhead;
    int64_t share; /* MiB by which a split gives it layers */
};

/* A way of running a model: which devices hold how much. */
struct hl_way {
    struct hl_plan_part parts[HL_PLAN_MAX_GPUS + 1]; /* GPUs first, the CPU last where it is used */
    size_t part_count, gpu_count;
    int64_t layers; /* on GPUs, the output layer included; -1: all, number unknown */
    int64_t context;
    int64_t cpu_experts;
    int64_t projector, draft; /* bytes of the first part that are theirs */
    const char *kv;
    bool bound; /* an upper bound, not exact */
    bool given; /* a size as given, without context and buffers */
    bool whole; /* all on GPUs but what is read row by row */
    bool rest;  /* in the room that the search left */
};

struct hl_ways {
    struct hl_way *ways;
    size_t count, room;
    int64_t smallest; /* bytes that the model wants on GPUs at least; 0: it was not tried there */
    int64_t on_cpu;   /* in main memory, without GPU; 0: likewise */
};

struct hl_plan_model {
    char *name, *why;
    size_t model;  /* in the inventory */
    uint32_t sets; /* a bit each of the plan's */
    int replica, replicas;
    bool placed;
    int64_t needs; /* bytes, where it is left out */
    struct hl_way way;
    int64_t layer_count; /* -1: unknown */
    int parallel;
    char *server, *docker, *environment;
};

struct homelab_plan {
    atomic_uint references;
    homelab_allocator *allocator;
    struct hl_plan_device *devices;
    size_t device_count;
    struct hl_plan_model *models;
    size_t model_count, placed_count;
    char *sets[HL_PLAN_MAX_SETS]; /* names of the sets of models; none: all are loaded together */
    size_t set_count;
    struct hl_place_result result;
    int level_count;
    int status;
    uint32_t roles_missing;
};

struct hl_reading {
    size_t node, gpu;
    int64_t used;
};

/* What a server loads together. */
enum hl_role {
    HL_ROLE_MODEL,
    HL_ROLE_PROJECTOR,
    HL_ROLE_DRAFT,
    HL_ROLES
};

struct hl_headers {
    homelab_gguf *of[HL_ROLES]; /* NULL: none */
};

struct homelab_planner {
    homelab_allocator *allocator;
    homelab_inventory *inventory;
    homelab_opts *opts;
    struct hl_headers *headers; /* by model */
    struct hl_reading *readings;
    size_t reading_count;
};

static inline int64_t hl_part_total(const struct hl_plan_part *part)
{
    return part->weights + part->context + part->compute + part->overhead;
}

static inline int64_t hl_device_room(const struct hl_plan_device *device)
{
    int64_t room = device->capacity - device->used; /* neither is negative */
    return room > device->reserve ? room - device->reserve : 0;
}

static inline bool hl_is_amd(const struct hl_plan_device *device)
{
    return device->vendor && strcmp(device->vendor, "amd") == 0;
}

/* No build of llama.cpp drives two vendors' GPUs; those of unknown vendor are taken for NVIDIA's.
 */
static inline bool hl_same_vendor(const struct hl_plan_device *one,
                                  const struct hl_plan_device *other)
{
    return strcmp(one->vendor ? one->vendor : "nvidia", other->vendor ? other->vendor : "nvidia") ==
           0;
}

/* The devices of an inventory with the readings put in. 0 or a code. */
int hl_plan_devices(homelab_plan *plan, const homelab_planner *planner);

/* What to ask of a model's header. */
struct hl_ask {
    const homelab_gguf *header;
    const homelab_gguf *projector, *draft; /* NULL: none */
    const struct hl_plan_device *devices;  /* all of the plan's */
    size_t gpus[HL_PLAN_MAX_GPUS];
    size_t gpu_count;
    size_t cpu; /* the device for what is in host memory */
    int64_t layers, context, cpu_experts;
    int parallel;
    bool ollama; /* runs it, else llama-server */
    bool embeds; /* it makes embeddings */
    const char *kv;
};

/* 0; HOMELAB_E_UNSUPPORTED where llama.cpp refuses it; or another code. */
typedef int hl_needs_fn(struct hl_way *way, const struct hl_ask *ask, const homelab_opts *opts);
int hl_needs_estimate(struct hl_way *way, const struct hl_ask *ask, const homelab_opts *opts);

/* Whether the server of a model makes embeddings, by the option, the inventory or the header (NULL:
 * none). */
bool hl_model_embeds(const struct hl_model *model, const homelab_gguf *header,
                     const homelab_opts *opts);
/* Tokens in a batch of llama-server: one for embeddings is computed at once. */
int64_t hl_server_batch(const homelab_opts *opts, bool embeds);

/* Whether each device of the way has that much room when nothing else is planned there. */
bool hl_way_fits(const struct hl_way *way, const struct hl_plan_device *devices);

/* Searches for a fit; each sets *way and *found. layer_count is without the output layer. */
int hl_fit_layers(struct hl_way *way, bool *found, struct hl_ask ask, int64_t layer_count,
                  hl_needs_fn *needs, const homelab_opts *opts);
int hl_fit_experts(struct hl_way *way, bool *found, struct hl_ask ask, int64_t layer_count,
                   hl_needs_fn *needs, const homelab_opts *opts);
int hl_fit_context(struct hl_way *way, bool *found, struct hl_ask ask, int64_t most,
                   hl_needs_fn *needs, const homelab_opts *opts);

/* All ways of a model on the devices when nothing else is planned there. */
int hl_ways_find(struct hl_ways *ways, const homelab_planner *planner,
                 const struct hl_plan_device *devices, size_t device_count, size_t model);
void hl_ways_free(struct hl_ways *ways);

/* Chooses a way for each model. ways by model of the inventory. */
int hl_plan_solve(homelab_plan *plan, const homelab_planner *planner, const struct hl_ways *ways);
/* Sets why of each model, and the commands. */
int hl_plan_explain(homelab_plan *plan, const homelab_planner *planner, const struct hl_ways *ways);
int hl_plan_flags(homelab_plan *plan, const homelab_planner *planner);

/* "4.4 GiB". */
void hl_plan_put_size(struct hl_buf *buf, int64_t bytes);

#endif
