/* Tiers, prognosis and capabilities from the endpoints' verdicts: one pure rule, used for snapshots
 * and for what-if. */
#ifndef HL_HEALTH_FORECAST_H
#define HL_HEALTH_FORECAST_H

#include "health/observation.h"

/* What the rule sees of an endpoint. */
struct hl_forecast_endpoint {
    int verdict;
    int backend;
    const struct hl_model_state *models;
    size_t model_count;
    bool models_known;
};

struct hl_forecast_tier {
    int verdict;
    char text[256];
};
struct hl_forecast {
    int verdict;
    char text[512];
    struct hl_forecast_tier *
        tiers; /* as in the inventory; a tier without endpoints is UNKNOWN and counts for nothing */
    size_t tier_count;
    size_t
        *servers[HL_CAP_COUNT]; /* endpoint indices, most preferred tier first, file order within */
    size_t server_count[HL_CAP_COUNT];
    uint32_t declared; /* capabilities that the cluster has when everything works */
    uint32_t lost;     /* declared, but served by none */
};

/* endpoints[i] belongs to inventory endpoint i. 0 or HOMELAB_E_NOMEM. */
int hl_forecast_make(struct hl_forecast *out, const struct hl_inventory_data *inventory,
                     const struct hl_forecast_endpoint *endpoints);
void hl_forecast_clear(struct hl_forecast *forecast);

#endif
