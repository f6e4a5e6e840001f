/* What is remembered of an endpoint between probes. */
#ifndef HL_HEALTH_MEMORY_H
#define HL_HEALTH_MEMORY_H

#include "health/observation.h"

#define HL_MEMORY_MODELS 256

struct hl_known_model {
    char *key; /* digest, else name */
    uint32_t abilities;
    int64_t context;
    uint32_t used; /* probe that used it last */
};
struct hl_probe_memory {
    int backend;     /* identified, AUTO: not yet */
    bool recognised; /* by two signals; else the best that is left */
    char identity[96];
    int impostor;    /* found in place of the declared backend, 0 none */
    bool no_gateway; /* the endpoint was seen not to be LiteLLM */
    char version[64];
    bool version_asked; /* also when it was not told */
    int slots;          /* 0 unknown */
    uint32_t probes;
    struct hl_known_model *models;
    size_t model_count;
};

/* Drops what a restarted or replaced server may have changed. */
void hl_memory_forget(struct hl_probe_memory *memory);
struct hl_known_model *hl_memory_find(struct hl_probe_memory *memory, const char *key);
/* Adds or replaces; the least recently used goes when there are too many. HOMELAB_E_NOMEM. */
int hl_memory_learn(struct hl_probe_memory *memory, const char *key, uint32_t abilities,
                    int64_t context);

#endif
