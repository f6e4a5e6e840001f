#include "health/memory.h"

#include "core/alloc.h"
#include "core/error.h"
#include "health/probe.h"

#include <string.h>

struct hl_probe_memory *hl_probe_memory_new(void)
{
    return hl_calloc(1, sizeof(struct hl_probe_memory));
}

void hl_probe_memory_free(struct hl_probe_memory *memory)
{
    if (!memory)
        return;
    for (size_t i = 0; i < memory->model_count; i++)
        hl_free(memory->models[i].key);
    hl_free(memory->models);
    hl_free(memory);
}

void hl_memory_forget(struct hl_probe_memory *memory)
{
    memory->impostor = 0;
    memory->no_gateway = false;
    memory->version[0] = '\0';
    memory->version_asked = false;
    memory->slots = 0;
}

struct hl_known_model *hl_memory_find(struct hl_probe_memory *memory, const char *key)
{
    for (size_t i = 0; i < memory->model_count; i++) {
        if (strcmp(memory->models[i].key, key))
            continue;
        memory->models[i].used = memory->probes;
        return &memory->models[i];
    }
    return NULL;
}

static struct hl_known_model *oldest(struct hl_probe_memory *memory)
{
    struct hl_known_model *least = &memory->models[0];
    for (size_t i = 1; i < memory->model_count; i++)
        if (memory->models[i].used < least->used)
            least = &memory->models[i];
    return least;
}

int hl_memory_learn(struct hl_probe_memory *memory, const char *key, uint32_t abilities,
                    int64_t context)
{
    struct hl_known_model *model = hl_memory_find(memory, key);
    if (!model) {
        char *copy = hl_strdup(key);
        if (!copy)
            return HOMELAB_E_NOMEM;
        if (!memory->models)
            memory->models = hl_calloc(HL_MEMORY_MODELS, sizeof *memory->models);
        if (!memory->models) {
            hl_free(copy);
            return HOMELAB_E_NOMEM;
        }
        model = memory->model_count < HL_MEMORY_MODELS ? &memory->models[memory->model_count++]
                                                       : oldest(memory);
        hl_free(model->key);
        model->key = copy;
    }
    model->abilities = abilities;
    model->context = context;
    model->used = memory->probes;
    return HOMELAB_OK;
}
