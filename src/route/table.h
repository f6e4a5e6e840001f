/* The routing table: every expert that an inventory and a snapshot know, with all that a decision
 * needs worked out ahead. Immutable and reference-counted; what changes between two tables stands
 * in the ledger's lines, to which it points. */
#ifndef HL_ROUTE_TABLE_H
#define HL_ROUTE_TABLE_H

#include "core/alloc.h"
#include "inventory/inventory.h"
#include "route/breaker.h"
#include "route/ledger.h"

#include <homelab/options.h>
#include <homelab/router.h>
#include <homelab/snapshot.h>

/* What an expert offers, and what a request needs. */
#define HL_CAN_CHAT   1u
#define HL_CAN_EMBED  2u
#define HL_CAN_VISION 4u
#define HL_CAN_TOOLS  8u
#define HL_CAN_OPENAI 16u /* speaks the dialect */
#define HL_CAN_OLLAMA 32u
#define HL_CAN_SERVE  64u /* the endpoint lists it */

/* Number of HOMELAB_REQUEST_… */
#define HL_KINDS 5

/* Tasks, padded to whole vector registers. */
#define HL_TASKS 8

struct hl_expert {
    struct hl_live *live;
    uint32_t can;
    uint32_t context;     /* tokens, UINT32_MAX unknown */
    float base[HL_TASKS]; /* points by task, without what changes */
    uint16_t endpoint;
    uint16_t line;
    uint32_t generation; /* of the line */
};

/* The same in columns, for four experts at a time; padded to whole blocks with what nobody needs.
 */
#define HL_BLOCK 64
struct hl_columns {
    void *memory;
    size_t stride;          /* multiple of HL_BLOCK */
    const float *base;      /* by task, `stride` apart */
    const int32_t *cannot;  /* HL_CAN_… that it has not */
    const int32_t *context; /* INT32_MAX unknown */
    const struct hl_live *const *live;
    const uint32_t *first_group; /* of each block */
};

/* Experts of one endpoint, which stand together. */
struct hl_group {
    uint32_t endpoint, from, to;
};

/* What a decision needs of an endpoint. */
struct hl_gate {
    struct hl_live *live;
    uint64_t id_hash;
    float slots;
    float busy; /* requests of others that are under way, as far as is known */
    uint16_t line;
    uint8_t reject; /* HOMELAB_REJECT_… that holds for all its experts, or 0 */
    uint32_t generation;
};

/* Shown, not decided by. */
struct hl_expert_info {
    const char *model;                            /* as the backend knows it */
    uint64_t model_hash, bare_hash;               /* the second one without ":latest" */
    int64_t size_bytes;                           /* 0 unknown */
    int loaded;                                   /* 1, 0, -1 unknown */
    float weight;                                 /* of endpoint and model */
    float preference[HL_CAP_COUNT], tier, health; /* the parts of base */
};
struct hl_endpoint_info {
    const struct hl_endpoint *endpoint; /* of the inventory */
    const char *tier, *node;            /* node may be NULL */
    char *openai_base, *ollama_base;    /* NULL: does not speak it */
    char *urls[HL_KINDS];               /* by HOMELAB_REQUEST_…, NULL: does not take it */
    int backend, verdict, cause;
    int snapshot_index; /* of the endpoint, or negative */
};

struct hl_route_settings {
    unsigned top;
    double temperature, patience;
    struct hl_breaker_policy breaker;
    int64_t affinity_ttl_ms;
    double affinity_band;
    int64_t connect_ms, first_byte_ms, stall_ms, total_ms;
    double slow_load_bytes; /* a second */
    double abstain_below;   /* confidence of the classifier */
};
void hl_route_settings_read(struct hl_route_settings *settings, const homelab_opts *opts);

struct hl_classifier {
    atomic_uint references;
    homelab_classifier_fn fn;
    void *userdata;
    homelab_destroy_fn destroy;
};
struct hl_classifier *hl_classifier_ref(struct hl_classifier *classifier); /* NULL for NULL */
void hl_classifier_unref(struct hl_classifier *classifier);

struct hl_table {
    atomic_uint references;
    struct hl_ledger *ledger;
    homelab_inventory *inventory;
    const struct hl_inventory_data *data;
    struct hl_classifier *classifier; /* or NULL */
    struct hl_route_settings settings;
    float rate[HL_TASKS]; /* points a second of waiting costs, by task */
    struct hl_expert *experts;
    struct hl_columns columns;
    struct hl_expert_info *info;
    size_t count;
    struct hl_group *groups; /* in the experts' order */
    size_t group_count;
    struct hl_gate *gates; /* one an endpoint of the inventory */
    struct hl_endpoint_info *endpoints;
    size_t endpoint_count;
    homelab_snapshot *snapshot; /* or NULL; names are borrowed from it and from the inventory */
    bool weighted;              /* some weight is not 1 */
};

/* Needs the ledger for itself. 0, HOMELAB_E_NOMEM or HOMELAB_E_LIMIT with a record. snapshot and
 * classifier may be NULL. */
int hl_table_new(struct hl_table **out, struct hl_ledger *ledger, homelab_inventory *inventory,
                 homelab_snapshot *snapshot, struct hl_classifier *classifier,
                 const struct hl_route_settings *settings);
struct hl_table *hl_table_ref(struct hl_table *table);
void hl_table_unref(struct hl_table *table);

/* Of a name that is compared by its hash. */
uint64_t hl_route_hash(const char *text, size_t length);

#endif
