/* The inventory as other parts read it: plain, immutable, validated. All strings are owned by the
 * inventory; absent ones are NULL, absent numbers 0 (or -1 where 0 means something). Indices, not
 * pointers, connect the arrays. */
#ifndef HL_INVENTORY_INVENTORY_H
#define HL_INVENTORY_INVENTORY_H

#include "core/pattern.h"

#include <homelab/inventory.h>

#define HL_NONE ((size_t)-1)

/* Capabilities in their fixed order; a set is a bit mask of 1u << index. */
enum hl_capability {
    HL_CAP_CODE,
    HL_CAP_REASON,
    HL_CAP_CHAT,
    HL_CAP_VISION,
    HL_CAP_FAST,
    HL_CAP_EMBED,
    HL_CAP_COUNT
};
const char *hl_capability_name(size_t capability);
int hl_capability_from_name(const char *name); /* or -1 */

/* How far a probe looks. */
enum hl_depth {
    HL_DEPTH_UNSET,
    HL_DEPTH_TCP,
    HL_DEPTH_HTTP,
    HL_DEPTH_SCHEDULER,
    HL_DEPTH_PROGRESS,
    HL_DEPTH_CANARY
};
const char *hl_depth_name(enum hl_depth depth);
int hl_depth_from_name(const char *name); /* or -1 */

struct hl_tier {
    char *name;   /* lower case */
    bool gateway; /* the tier `gateway`, or one declared as such: adds no capability of its own to
                     n-1 questions */
};

struct hl_gpu {
    char *name;
    char *vendor; /* nvidia, amd, intel, apple */
    int64_t memory_bytes;
    int64_t used_bytes;      /* kept by others */
    int64_t reserve_bytes;   /* left free by plans */
    int64_t bandwidth_bytes; /* a second */
};

struct hl_node {
    char *id;
    char *host; /* variables filled in */
    char *os;   /* linux, windows, macos, synology */
    char *mac;  /* lower case, with colons */
    int64_t ram_bytes, ram_used_bytes;
    struct hl_gpu *gpus;
    size_t gpu_count;
    /* Settings of ssh, docker and rdp stay in the value tree until the parts that use them exist.
     */
};

struct hl_endpoint {
    char *id;
    char *url;  /* variables filled in */
    char *base; /* scheme://host:port */
    char *path; /* probe path given in the URL, "/" where none */
    char *host; /* of the URL, lower case */
    int port;
    size_t tier; /* index */
    size_t node; /* index, HL_NONE: none; from key `node`, else from the one node with that host */
    int backend; /* HOMELAB_BACKEND_… as declared or told from the path, AUTO if neither */
    bool backend_declared;
    enum hl_depth depth; /* UNSET: progress */
    int64_t timeout_us;  /* whole probe */
    int64_t interval_us; /* 0: option; so are the next two */
    int64_t fast_interval_us;
    int64_t down_interval_us;
    int64_t patience_us; /* 0: option */
    char *api_key;       /* reference */
    char *ca_file;
    bool insecure;
    char **models; /* names that must be there */
    size_t model_count;
    double weight; /* share of requests beside its equals, above 0 */
};

struct hl_mount {
    char *source, *target;
    bool read_only;
};
struct hl_container {
    char *name, *image, *gpu;
    size_t node;
    size_t gate; /* endpoint, HL_NONE */
    int port;
    int start_order; /* -1: unset */
    struct hl_mount *mounts;
    size_t mount_count;
};

struct hl_model {
    char *name;
    uint32_t roles;     /* capabilities declared, 0: none */
    uint32_t abilities; /* bits of HL_ABILITY_ */
    int64_t context;    /* tokens, 0: unknown */
    char *file, *mmproj, *draft;
    int64_t size_bytes;
    /* Of plans. */
    int64_t vram_bytes; /* as seen, 0: unknown */
    int layers;         /* 0: unknown */
    int gpu_layers;     /* -1: unset */
    uint32_t kv_types;  /* most wanted in the lowest four bits, as HL_KV_…; 0: unset */
    int parallel, priority, replicas;
    bool required, cpu;
    char *pin;
    char **apart; /* names of models */
    size_t apart_count;
    char **sets;
    size_t set_count;
    size_t *endpoints; /* where it is declared to be served */
    size_t endpoint_count;
    double weight; /* share of requests beside its equals, above 0 */
};
/* Types of KV caches in hl_model.kv_types. */
#define HL_KV_F16             1u
#define HL_KV_Q8_0            2u
#define HL_KV_Q4_0            3u
#define HL_ABILITY_COMPLETION 1u
#define HL_ABILITY_EMBEDDING  2u
#define HL_ABILITY_VISION     4u
#define HL_ABILITY_TOOLS      8u

/* A step of a task's preference. */
struct hl_choice {
    char *model;
    size_t endpoint; /* HL_NONE: wherever it is served */
};

/* Makes requests that meet all of it ones of a task. */
struct hl_rule {
    char *contains, *tag;       /* NULL: any */
    struct hl_pattern *matches; /* NULL: any */
    bool ignore_case;
    int task; /* HL_CAP_… */
};

struct hl_inventory_data {
    struct hl_tier *tiers; /* most preferred first */
    size_t tier_count;
    struct hl_node *nodes;
    size_t node_count;
    struct hl_endpoint *endpoints; /* in file order */
    size_t endpoint_count;
    struct hl_container *containers;
    size_t container_count;
    struct hl_model *models;
    size_t model_count;
    struct hl_choice *routes[HL_CAP_COUNT]; /* best first */
    size_t route_count[HL_CAP_COUNT];
    struct hl_rule *rules; /* the first that is met decides */
    size_t rule_count;
};
const struct hl_inventory_data *hl_inventory_data(const homelab_inventory *inventory);
homelab_allocator *hl_inventory_allocator(const homelab_inventory *inventory);

#endif
