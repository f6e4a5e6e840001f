/* What a model can do and suits, from what is known of it: declared, reported by its backend, or
 * told by its name. Pure. */
#ifndef HL_ROUTE_FACTS_H
#define HL_ROUTE_FACTS_H

#include "inventory/inventory.h"

struct hl_model_facts {
    const char *name;
    int backend;        /* HOMELAB_BACKEND_… */
    uint32_t declared;  /* HL_ABILITY_, 0: nothing */
    uint32_t roles;     /* declared tasks, 0: nothing */
    uint32_t reported;  /* HL_ABILITY_, 0: nothing */
    int64_t size_bytes; /* 0 unknown */
};

/* What it can do: HL_ABILITY_ bits. Declared abilities hold; else what its backend reports; else
 * what its name says. A model whose name says embedding never completes unless that is declared. */
uint32_t hl_model_abilities(const struct hl_model_facts *facts);
/* Whether the backend would have said so if it could call tools. */
bool hl_tools_known(const struct hl_model_facts *facts);
/* Parameters in 10^9, from the name (7b, 8x7b, 135m), else from the size; 0 unknown. */
double hl_model_parameters(const struct hl_model_facts *facts);
/* How well it suits a task, in steps of preference: 0 is a general model of 7 billion parameters.
 */
double hl_model_fit(const struct hl_model_facts *facts, int task);

/* Tokens a second that may be expected before any was measured. */
struct hl_speed_facts {
    int64_t size_bytes;      /* of the model, 0 unknown */
    int64_t vram_bytes;      /* of it on a GPU, -1 unknown */
    int64_t bandwidth_bytes; /* a second, of the node's best GPU, 0 unknown */
    bool gpu;                /* the node has one */
    bool elsewhere;          /* a gateway: nothing is known */
};
double hl_expected_speed(const struct hl_speed_facts *facts);

#endif
