#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"

int64_t sim_now(const struct sim *sim)
{
    return sim_monotonic_ms() - sim->start_ms;
}

struct sim_endpoint *sim_cluster_find(struct sim *sim, const char *id)
{
    for (size_t i = 0; id != NULL && i < sim->endpoint_count; i++) {
        if (strcmp(sim->endpoints[i].config->id, id) == 0)
            return &sim->endpoints[i];
    }
    return NULL;
}

char *sim_endpoint_url(const struct sim_endpoint *endpoint)
{
    const struct sim_endpoint_config *config = endpoint->config;
    bool v6 = strchr(config->host, ':') != NULL;
    const char *scheme = config->tls != SIM_TLS_NONE ? "https" : "http";
    if (config->scheme != NULL)
        scheme = config->scheme;
    if (config->backend == SIM_TCP)
        scheme = "tcp";
    return sim_printf("%s://%s%s%s:%d", scheme, v6 ? "[" : "", config->host, v6 ? "]" : "",
                      endpoint->port);
}

char *sim_cluster_url(struct sim *sim, const char *id)
{
    const struct sim_endpoint *endpoint = sim_cluster_find(sim, id);
    return endpoint != NULL ? sim_endpoint_url(endpoint) : sim_strdup("");
}

bool sim_cluster_generate(struct sim *sim, const char *id)
{
    struct sim_endpoint *endpoint = sim_cluster_find(sim, id);
    /* Addresses outside the cluster are taken to work. */
    if (endpoint == NULL)
        return id == NULL;
    sim_endpoint_update(endpoint, sim_now(sim));
    if (endpoint->net->mode != SIM_LISTEN || endpoint->state.wedged || endpoint->state.loading)
        return false;
    endpoint->stats.generations++;
    struct sim_model_run *model = sim_endpoint_find_model(endpoint, NULL);
    if (model != NULL && !model->loaded) {
        endpoint->stats.loads++;
        model->loaded = true;
        model->expires_us = sim_wall_us() + endpoint->config->keep_alive_ms * 1000;
    }
    return true;
}

static bool give_certificate(struct sim *sim, struct sim_tls_authority **authority,
                             struct sim_endpoint *endpoint)
{
    const struct sim_endpoint_config *config = endpoint->config;
    if (config->tls == SIM_TLS_NONE)
        return true;
    if (*authority == NULL && (*authority = sim_tls_authority_new()) == NULL)
        return false;
    if (sim->ca_file == NULL &&
        (sim->ca_file = sim_tls_write(sim_tls_authority_pem(*authority))) == NULL)
        return false;
    return sim_tls_make(*authority, config->tls, config->host, &endpoint->net->tls);
}

static bool start_endpoint(struct sim *sim, struct sim_tls_authority **authority,
                           struct sim_endpoint *endpoint)
{
    if (!sim_net_open(endpoint) || !give_certificate(sim, authority, endpoint))
        return false;
    return endpoint->config->backend == SIM_TCP || sim_http_start(endpoint->net);
}

bool sim_cluster_start(struct sim *sim, struct sim_scenario *scenario)
{
    struct sim_tls_authority *authority = NULL;
    bool good = true;
    sim->endpoints = sim_calloc(scenario->endpoint_count, sizeof *sim->endpoints);
    for (size_t i = 0; good && i < scenario->endpoint_count; i++) {
        sim_endpoint_init(&sim->endpoints[i], &scenario->endpoints[i], sim);
        sim->endpoint_count++;
        good = start_endpoint(sim, &authority, &sim->endpoints[i]);
    }
    sim_tls_authority_free(authority);
    sim->start_ms = sim_monotonic_ms();
    for (size_t i = 0; good && i < sim->endpoint_count; i++) {
        good = sim_listener_set(sim->endpoints[i].net, SIM_LISTEN);
        sim_net_refresh(&sim->endpoints[i]);
    }
    return good;
}

void sim_cluster_stop(struct sim *sim)
{
    for (size_t i = 0; i < sim->endpoint_count; i++) {
        sim_net_close(&sim->endpoints[i]);
        sim_endpoint_release(&sim->endpoints[i]);
    }
    free(sim->endpoints);
    sim->endpoints = NULL;
    sim->endpoint_count = 0;
    if (sim->ca_file != NULL)
        remove(sim->ca_file);
    free(sim->ca_file);
    sim->ca_file = NULL;
}

static void add_count(cJSON *json, const char *key, uint64_t value)
{
    cJSON_AddNumberToObject(json, key, (double)value);
}

static size_t open_connections(const struct sim_endpoint *endpoint)
{
    return sim_raw_count(endpoint->net) + sim_http_count(endpoint->net);
}

static cJSON *endpoint_stats(const struct sim_endpoint *endpoint)
{
    const struct sim_stats *stats = &endpoint->stats;
    cJSON *json = cJSON_CreateObject();
    add_count(json, "connections", stats->connections);
    add_count(json, "open_connections", open_connections(endpoint));
    add_count(json, "requests", stats->requests);
    add_count(json, "faulted", stats->faulted);
    cJSON *paths = cJSON_AddObjectToObject(json, "paths");
    for (size_t i = 0; i < stats->path_count; i++)
        add_count(paths, stats->paths[i].key, stats->paths[i].count);
    cJSON *harm = cJSON_AddObjectToObject(json, "harm");
    add_count(harm, "generations", stats->generations);
    add_count(harm, "embeddings", stats->embeddings);
    add_count(harm, "loads", stats->loads);
    add_count(harm, "load_aborts", stats->load_aborts);
    add_count(harm, "unloads", stats->unloads);
    add_count(harm, "evictions", stats->evictions);
    add_count(harm, "wakes", stats->wakes);
    add_count(harm, "slots_reads", stats->slots_reads);
    add_count(harm, "gateway_health", stats->gateway_health);
    return json;
}

cJSON *sim_cluster_stats(struct sim *sim)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "elapsed", (double)sim_now(sim) / 1000);
    cJSON *endpoints = cJSON_AddObjectToObject(json, "endpoints");
    for (size_t i = 0; i < sim->endpoint_count; i++)
        cJSON_AddItemToObject(endpoints, sim->endpoints[i].config->id,
                              endpoint_stats(&sim->endpoints[i]));
    return json;
}

void sim_cluster_reset_stats(struct sim *sim)
{
    for (size_t i = 0; i < sim->endpoint_count; i++) {
        struct sim_stats *stats = &sim->endpoints[i].stats;
        for (size_t j = 0; j < stats->path_count; j++)
            free(stats->paths[j].key);
        *stats = (struct sim_stats){0};
    }
}
