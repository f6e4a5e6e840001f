/*
 * cluster.h - the running cluster: all endpoints, one loop, one clock.
 */
#ifndef SIM_CLUSTER_H
#define SIM_CLUSTER_H

#include "endpoint.h"
#include "loop.h"

struct sim {
    struct sim_loop *loop;
    struct sim_endpoint *endpoints;
    size_t endpoint_count;
    int64_t start_ms; /* monotonic; scripts count from here */
    char *ca_file;    /* of the certificates made at the start, or NULL */
    struct sim_control *control;
};

/* Milliseconds since the start. */
int64_t sim_now(const struct sim *sim);
/* NULL for an unknown id. */
struct sim_endpoint *sim_cluster_find(struct sim *sim, const char *id);
/* Base URL without a trailing slash, freed by the caller; "" for an unknown id. */
char *sim_cluster_url(struct sim *sim, const char *id);
char *sim_endpoint_url(const struct sim_endpoint *endpoint);
/* A gateway sends a request to an endpoint; false when it cannot be reached. */
bool sim_cluster_generate(struct sim *sim, const char *id);

/* Opens all listeners and starts the clock; false after complaining. */
bool sim_cluster_start(struct sim *sim, struct sim_scenario *scenario);
void sim_cluster_stop(struct sim *sim);

/* JSON of what was done to the endpoints. */
cJSON *sim_cluster_stats(struct sim *sim);
void sim_cluster_reset_stats(struct sim *sim);

#endif
