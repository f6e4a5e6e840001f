#include "inventory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_models(cJSON *json, const struct sim_endpoint_config *config)
{
    cJSON *list = NULL;
    for (size_t i = 0; i < config->model_count; i++) {
        if (!config->models[i].required)
            continue;
        if (list == NULL)
            list = cJSON_AddArrayToObject(json, "models");
        cJSON_AddItemToArray(list, cJSON_CreateString(config->models[i].name));
    }
}

static void merge(cJSON *json, const cJSON *extra)
{
    if (extra == NULL)
        return;
    for (const cJSON *item = extra->child; item != NULL; item = item->next) {
        cJSON_DeleteItemFromObjectCaseSensitive(json, item->string);
        /* null takes a key away. */
        if (!cJSON_IsNull(item))
            cJSON_AddItemToObject(json, item->string, cJSON_Duplicate(item, 1));
    }
}

static cJSON *endpoint_entry(const struct sim *sim, const struct sim_endpoint *endpoint)
{
    const struct sim_endpoint_config *config = endpoint->config;
    cJSON *json = cJSON_CreateObject();
    char *base = sim_endpoint_url(endpoint);
    char *url = sim_printf("%s%s", base, config->probe_path);
    cJSON_AddStringToObject(json, "url", url);
    cJSON_AddStringToObject(json, "tier", config->tier);
    if (config->node != NULL)
        cJSON_AddStringToObject(json, "node", config->node);
    cJSON_AddStringToObject(json, "backend", sim_backend_name(config->backend));
    add_models(json, config);
    if (config->api_key_env != NULL) {
        char *reference = sim_printf("env:%s", config->api_key_env);
        cJSON_AddStringToObject(json, "api_key", reference);
        free(reference);
    }
    if (config->tls == SIM_TLS_CA && sim->ca_file != NULL)
        cJSON_AddStringToObject(json, "ca", sim->ca_file);
    merge(json, config->inventory);
    free(base);
    free(url);
    return json;
}

static cJSON *make_inventory(struct sim *sim, const struct sim_scenario *scenario)
{
    cJSON *json = cJSON_CreateObject();
    const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(scenario->json, "nodes");
    if (nodes != NULL)
        cJSON_AddItemToObject(json, "nodes", cJSON_Duplicate(nodes, 1));
    cJSON *endpoints = cJSON_AddObjectToObject(json, "endpoints");
    for (size_t i = 0; i < sim->endpoint_count; i++)
        cJSON_AddItemToObject(endpoints, sim->endpoints[i].config->id,
                              endpoint_entry(sim, &sim->endpoints[i]));
    merge(json, cJSON_GetObjectItemCaseSensitive(scenario->json, "inventory"));
    return json;
}

bool sim_write_file(const char *path, const char *text)
{
    char *temporary = sim_printf("%s.part", path);
    FILE *file = fopen(temporary, "we");
    bool good = file != NULL && fputs(text, file) >= 0;
    if (file != NULL && fclose(file) != 0)
        good = false;
    good = good && rename(temporary, path) == 0;
    if (!good)
        sim_complain("cannot write %s: %s", path, strerror(errno));
    free(temporary);
    return good;
}

bool sim_inventory_write(struct sim *sim, const struct sim_scenario *scenario, const char *path)
{
    cJSON *json = make_inventory(sim, scenario);
    char *text = cJSON_Print(json);
    char *lines = sim_printf("%s\n", text);
    bool good = sim_write_file(path, lines);
    free(lines);
    cJSON_free(text);
    cJSON_Delete(json);
    return good;
}
