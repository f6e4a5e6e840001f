/* Tiers, prognosis and capabilities from the endpoints' verdicts: one pure rule, used for live
 * snapshots, for parsed ones and for what-if.
 *
 * A tier is HEALTHY if all its endpoints are, DOWN if none is HEALTHY, DEGRADED, BUSY or LOADING,
 * else DEGRADED; the prognosis is the same rule over tiers. What was not looked at (UNKNOWN) counts
 * for nothing: a tier of nothing else is UNKNOWN, and a capability that only it declares is not
 * called lost. A gateway passes requests on, so it serves a capability only while another usable
 * endpoint does, unless no other endpoint ever could. */
#ifndef HL_HEALTH_FORECAST_H
#define HL_HEALTH_FORECAST_H

#include "health/observation.h"

/* What the rule sees of an endpoint. */
struct hl_forecast_endpoint {
    const char *id;
    size_t tier; /* index */
    int verdict, cause;
    bool gateway;
    uint32_t can; /* capabilities that it serves when usable, bits of 1u << HL_CAP_… */
};

/* Running sums of the rule, so that one endpoint's change costs no walk over all of them. */
struct hl_tally_tier {
    size_t healthy, usable, known, total;
};
struct hl_tally {
    struct hl_tally_tier *tiers;
    size_t tier_count;
    size_t usable[HL_CAP_COUNT];  /* endpoints that serve it now, gateways apart */
    size_t gateway[HL_CAP_COUNT]; /* usable gateways that could pass it on */
    size_t could[HL_CAP_COUNT];   /* endpoints with that capability, gateways apart */
    size_t unknown[HL_CAP_COUNT]; /* those of them, and gateways, that were not looked at */
};
int hl_tally_init(struct hl_tally *tally, size_t tier_count); /* 0 or HOMELAB_E_NOMEM */
void hl_tally_clear(struct hl_tally *tally);
void hl_tally_add(struct hl_tally *sums, const struct hl_forecast_endpoint *endpoint);
void hl_tally_remove(struct hl_tally *sums, const struct hl_forecast_endpoint *endpoint);
int hl_tally_tier_verdict(const struct hl_tally *sums, size_t tier);
int hl_tally_verdict(const struct hl_tally *sums);
/* Capabilities that somebody serves, and those of declared that nobody does. */
uint32_t hl_tally_served(const struct hl_tally *sums);
uint32_t hl_tally_lost(const struct hl_tally *sums, uint32_t declared);

struct hl_forecast_tier {
    int verdict;
    char text[256];
};
struct hl_forecast {
    int verdict;
    char text[512];
    struct hl_forecast_tier *tiers; /* as given */
    size_t tier_count;
    uint32_t *servers[HL_CAP_COUNT]; /* endpoint indices, most preferred tier first, then as given,
                                        gateways last within a tier */
    size_t server_count[HL_CAP_COUNT];
    uint32_t declared; /* capabilities that the cluster has when everything works */
    uint32_t lost;     /* of them, served by none */
};
/* 0 or HOMELAB_E_NOMEM. */
int hl_forecast_make(struct hl_forecast *out, const char *const *tiers, size_t tier_count,
                     const struct hl_forecast_endpoint *endpoints, size_t count, uint32_t declared);
void hl_forecast_clear(struct hl_forecast *forecast);

/* --- Who can do what --- */

/* What an endpoint's models let it serve. */
struct hl_serves {
    uint32_t can;
    uint32_t expected; /* the part of it that is declared or was seen, not merely assumed */
};
/* Roles declared in the inventory count first; without them a completion model serves chat, fast,
 * reason and code, and reported vision or embedding their own. Where the inventory declares nothing
 * at all, an inference server whose models are not known is assumed to have a completion model; a
 * plain http or tcp endpoint serves what is declared, nothing else. */
struct hl_serves hl_serves_of(const struct hl_inventory_data *inventory, size_t endpoint,
                              int backend, const struct hl_model_state *models, size_t count,
                              bool models_known);
/* Capabilities that the inventory declares, whoever serves them. */
uint32_t hl_declared_capabilities(const struct hl_inventory_data *inventory);
bool hl_is_gateway(const struct hl_inventory_data *inventory, size_t endpoint, int backend);
/* Whether a model reported as `has` meets one asked for as `wanted`: `x` is met by `x:latest`. */
bool hl_model_name_meets(const char *has, const char *wanted);

#endif
