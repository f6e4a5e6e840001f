/* What one probe of one endpoint found out: the contract between the backends' probe plans, which
 * fill it, and the verdict, which reads it. Plain data, owned by whoever holds it. */
#ifndef HL_HEALTH_OBSERVATION_H
#define HL_HEALTH_OBSERVATION_H

#include "inventory/inventory.h"

#include <homelab/snapshot.h>

enum hl_layer {
    HL_LAYER_TCP,
    HL_LAYER_HTTP,
    HL_LAYER_SCHEDULER,
    HL_LAYER_PROGRESS,
    HL_LAYER_CANARY,
    HL_LAYER_PASSIVE,
    HL_LAYER_COUNT
};
const char *hl_layer_name(enum hl_layer layer);
int hl_layer_from_name(const char *name); /* or -1 */

#define HL_EVIDENCE_TEXT 192
#define HL_EVIDENCE_MAX  24

/* One thing seen. The cause is what it speaks for, NONE when all is well or it only informs. */
struct hl_evidence {
    enum hl_layer layer;
    int verdict; /* that the cause stands for here: some causes have two */
    int cause;
    int code; /* HTTP status, else errno, else 0 */
    int64_t elapsed_us;
    char text[HL_EVIDENCE_TEXT];
};

/* A model as the backend reports it. */
struct hl_model_state {
    char *name;
    int loaded;                              /* 1, 0, -1 unknown */
    uint32_t abilities;                      /* HL_ABILITY_ */
    int64_t context, size_bytes, vram_bytes; /* -1 unknown */
    int64_t trained;                         /* context it was trained with, -1 unknown */
    int64_t expires_us;                      /* Ollama's expires_at, wall clock; 0 unknown */
};

/* Signs of work, for telling busy from wedged over several probes. */
struct hl_progress {
    bool known;       /* a progress source was read */
    bool working;     /* work was in progress */
    uint64_t counter; /* advances while work proceeds (n_decode_total or the like), only comparable
                         when has_counter */
    bool has_counter;
    bool overdue;             /* Ollama: a listed model whose expires_at is past */
    int64_t overdue_since_us; /* wall clock of that expires_at, 0 unknown */
};

struct hl_observation {
    int verdict; /* of this one look, before history: HOMELAB_VERDICT_… */
    int cause;
    size_t deciding;    /* index of the evidence that decided, HL_NONE */
    bool early_failure; /* refused, reset, closed or cut: worth one more try within the time-out */
    bool retried;       /* a first try failed early, this is what the second one saw */
    int backend;        /* found, or as declared */
    char version[64];
    int slots;          /* -1 unknown */
    int64_t latency_us; /* first complete answer, -1 none */
    int64_t elapsed_us; /* the whole probe */
    struct hl_progress progress;
    struct hl_evidence evidence[HL_EVIDENCE_MAX];
    size_t evidence_count;
    struct hl_model_state *models;
    size_t model_count, model_capacity;
    size_t model_kept; /* entries whose names' memory is there, also beyond model_count */
    bool models_known; /* the list was read completely */
};

void hl_observation_init(struct hl_observation *observation);
void hl_observation_clear(struct hl_observation *observation);
/* Empties it too, but keeps its memory for the next look, which mostly sees the same models. */
void hl_observation_recycle(struct hl_observation *observation);
/* Gives the memory of a recycled one to another that has none. */
void hl_observation_lend(struct hl_observation *to, struct hl_observation *from);
/* to takes over what from holds; what to held is not freed. */
void hl_observation_move(struct hl_observation *to, struct hl_observation *from);
/* Beyond HL_EVIDENCE_MAX further evidence is left out, but for a worse cause, which replaces the
 * last. */
void hl_observation_add(struct hl_observation *observation, enum hl_layer layer, int cause,
                        int code, int64_t elapsed_us, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/* The same with another verdict than the cause's usual one. */
void hl_observation_add_as(struct hl_observation *observation, enum hl_layer layer, int verdict,
                           int cause, int code, int64_t elapsed_us, const char *format, ...)
    __attribute__((format(printf, 7, 8)));
/* A model by name, or NULL. */
struct hl_model_state *hl_observation_find(const struct hl_observation *observation,
                                           const char *name);
/* A model by name, made when it is not there; NULL without memory. */
struct hl_model_state *hl_observation_model(struct hl_observation *observation, const char *name);

#endif
