/* The list of GET /v1/models, which every OpenAI-compatible server answers with additions of its
 * own. */
#ifndef HL_HEALTH_MODEL_LIST_H
#define HL_HEALTH_MODEL_LIST_H

#include "health/plan.h"

enum hl_list_owner {
    HL_OWNER_LLAMACPP = 1,
    HL_OWNER_VLLM = 2,
    HL_OWNER_SGLANG = 4,
    HL_OWNER_TABBYAPI = 8,
    HL_OWNER_LMSTUDIO = 16,
    HL_OWNER_LLAMASWAP = 32,
};
struct hl_list_facts {
    size_t count;
    unsigned owners;    /* bits of the owned_by that are known */
    bool max_model_len; /* vLLM's own field */
};
/* Whether the document has the common shape; fills *facts. */
bool hl_model_list_facts(const cJSON *root, struct hl_list_facts *facts);
/* Takes the models over into the observation, with what llama.cpp, vLLM and others add. False when
 * the shape is not the common one. */
bool hl_model_list_take(struct hl_probe *probe, const cJSON *root);
/* Abilities from an array of names such as "completion", "vision", "multimodal". */
uint32_t hl_abilities_of(const cJSON *names);

#endif
