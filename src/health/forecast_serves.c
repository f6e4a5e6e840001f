#include "health/forecast.h"

#include <string.h>
#include <strings.h>

#define COMPLETION_SERVES                                                                          \
    (1u << HL_CAP_CHAT | 1u << HL_CAP_FAST | 1u << HL_CAP_REASON | 1u << HL_CAP_CODE)

bool hl_model_name_meets(const char *has, const char *wanted)
{
    size_t length = strlen(wanted);
    if (strncmp(has, wanted, length) != 0)
        return false;
    return has[length] == '\0' || (!strchr(wanted, ':') && strcmp(has + length, ":latest") == 0);
}

static uint32_t of_abilities(uint32_t abilities)
{
    uint32_t set = 0;
    if (abilities & HL_ABILITY_COMPLETION)
        set |= COMPLETION_SERVES;
    if (abilities & HL_ABILITY_VISION)
        set |= 1u << HL_CAP_VISION;
    if (abilities & HL_ABILITY_EMBEDDING)
        set |= 1u << HL_CAP_EMBED;
    return set;
}

/* A backend that lists names only: those of embedding and reranking models say so in practice. */
static uint32_t of_name(const char *name)
{
    if (strcasestr(name, "embed"))
        return 1u << HL_CAP_EMBED;
    return strcasestr(name, "rerank") ? 0 : COMPLETION_SERVES;
}

static uint32_t of_reported(const struct hl_model_state *model)
{
    return model->abilities ? of_abilities(model->abilities) : of_name(model->name);
}

static uint32_t of_declared(const struct hl_model *model)
{
    return model->roles ? model->roles : of_abilities(model->abilities);
}

static bool serves_by_declaration(const struct hl_model *model, size_t endpoint)
{
    for (size_t i = 0; i < model->endpoint_count; i++)
        if (model->endpoints[i] == endpoint)
            return true;
    return false;
}

/* Whether the inventory speaks of this endpoint when it declares the model. */
static bool concerns(const struct hl_model *model, size_t endpoint)
{
    return !model->endpoint_count || serves_by_declaration(model, endpoint);
}

static const struct hl_model *declaration_of(const struct hl_inventory_data *inventory,
                                             size_t endpoint, const char *name)
{
    for (size_t i = 0; i < inventory->model_count; i++)
        if (hl_model_name_meets(name, inventory->models[i].name) &&
            concerns(&inventory->models[i], endpoint))
            return &inventory->models[i];
    return NULL;
}

static uint32_t of_known(const struct hl_inventory_data *inventory, size_t endpoint,
                         const struct hl_model_state *models, size_t count)
{
    uint32_t set = 0;
    for (size_t i = 0; i < count; i++) {
        const struct hl_model *declared = declaration_of(inventory, endpoint, models[i].name);
        uint32_t of = declared ? of_declared(declared) : 0;
        set |= of ? of : of_reported(&models[i]);
    }
    return set;
}

static bool plain(int backend)
{
    return backend == HOMELAB_BACKEND_HTTP || backend == HOMELAB_BACKEND_TCP;
}

struct hl_serves hl_serves_of(const struct hl_inventory_data *inventory, size_t endpoint,
                              int backend, const struct hl_model_state *models, size_t count,
                              bool models_known)
{
    if (models_known && !plain(backend)) {
        uint32_t set = of_known(inventory, endpoint, models, count);
        return (struct hl_serves){set, set};
    }
    uint32_t declared = 0;
    bool any = false;
    for (size_t i = 0; i < inventory->model_count; i++) {
        if (!serves_by_declaration(&inventory->models[i], endpoint))
            continue;
        declared |= of_declared(&inventory->models[i]);
        any = any || of_declared(&inventory->models[i]);
    }
    if (any || plain(backend) || hl_declared_capabilities(inventory))
        return (struct hl_serves){declared, declared};
    return (struct hl_serves){COMPLETION_SERVES, 0};
}

uint32_t hl_declared_capabilities(const struct hl_inventory_data *inventory)
{
    uint32_t set = 0;
    for (size_t i = 0; i < inventory->model_count; i++)
        set |= of_declared(&inventory->models[i]);
    return set;
}

bool hl_is_gateway(const struct hl_inventory_data *inventory, size_t endpoint, int backend)
{
    return backend == HOMELAB_BACKEND_LITELLM ||
           inventory->tiers[inventory->endpoints[endpoint].tier].gateway;
}
