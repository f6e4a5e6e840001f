#include "inventory/freeze.h"

#include "core/alloc.h"
#include "core/error.h"
#include "inventory/freeze_private.h"
#include "inventory/schema.h"
#include "inventory/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define GB 1e9

const struct hl_value *hl_freeze_key(const struct hl_value *map, const char *key,
                                     enum hl_value_type type)
{
    const struct hl_value *value = hl_value_get(map, key);
    return value && value->type == type ? value : NULL;
}

const struct hl_value *hl_freeze_section(const struct hl_freeze *freeze, const char *name)
{
    return hl_freeze_key(freeze->root, name, HL_VALUE_MAP);
}

void hl_freeze_copy(struct hl_freeze *freeze, char **out, const char *text)
{
    *out = hl_strdup(text);
    if (!*out)
        freeze->nomem = true;
}

void hl_freeze_text(struct hl_freeze *freeze, char **out, const struct hl_value *map,
                    const char *key)
{
    const struct hl_value *value = hl_freeze_key(map, key, HL_VALUE_STRING);
    if (value)
        hl_freeze_copy(freeze, out, value->text);
}

int64_t hl_freeze_number(const struct hl_value *map, const char *key, double unit, int64_t other)
{
    const struct hl_value *value = hl_freeze_key(map, key, HL_VALUE_NUMBER);
    double number = value ? value->number * unit : 0;
    /* Out of range was reported; it must not overflow here. */
    bool fits = value && number > -9e18 && number < 9e18;
    return fits ? (int64_t)(number < 0 ? number - 0.5 : number + 0.5) : other;
}

bool hl_freeze_bool(const struct hl_value *map, const char *key, bool other)
{
    const struct hl_value *value = hl_freeze_key(map, key, HL_VALUE_BOOL);
    return value ? value->boolean : other;
}

void *hl_freeze_array(struct hl_freeze *freeze, size_t count, size_t size)
{
    void *array = count ? hl_calloc(count, size) : NULL;
    if (count && !array)
        freeze->nomem = true;
    return array;
}

void hl_freeze_problem(struct hl_freeze *freeze, const struct hl_value *value, const char *section,
                       const char *id, const char *key, size_t index, struct hl_buf *message)
{
    struct hl_buf path;
    hl_buf_init(&path, HL_VALUE_MAX_TEXT);
    hl_value_path_key(&path, section);
    hl_value_path_key(&path, id);
    if (key)
        hl_buf_printf(&path, ".%s", key);
    if (index != HL_NONE)
        hl_value_path_index(&path, index);
    if (path.failed || message->failed)
        freeze->nomem = true;
    else
        hl_report_add(freeze->report, key ? value->line : value->key_line,
                      key ? value->column : value->key_column, path.data, "%s", message->data);
    hl_buf_free(&path);
    hl_buf_free(message);
}

char *hl_freeze_expand(struct hl_freeze *freeze, const struct hl_value *value, const char *section,
                       const char *id, const char *key)
{
    struct hl_buf out;
    struct hl_buf wrong;
    hl_buf_init(&out, HL_EXPANDED_MAX);
    hl_buf_init(&wrong, HL_VALUE_MAX_TEXT);
    int error = hl_env_expand(&out, value->text, &wrong);
    if (error == HOMELAB_OK) {
        hl_buf_free(&wrong);
        char *text = hl_buf_take(&out);
        freeze->nomem |= !text;
        return text;
    }
    hl_buf_free(&out);
    if (error == HOMELAB_E_NOMEM) {
        freeze->nomem = true;
        hl_buf_free(&wrong);
        return NULL;
    }
    hl_freeze_problem(freeze, value, section, id, key, HL_NONE, &wrong);
    return NULL;
}

size_t hl_freeze_reference(struct hl_freeze *freeze, const struct hl_index *index,
                           const struct hl_value *value, const char *what, const char *section,
                           const char *id, const char *key, size_t at)
{
    size_t found;
    if (hl_index_find(index, value->text, &found, NULL))
        return found;
    if (hl_report_full(freeze->report))
        return HL_NONE;
    struct hl_buf message;
    hl_buf_init(&message, HL_VALUE_MAX_TEXT);
    hl_buf_puts(&message, "found ");
    hl_report_quote(&message, value->text);
    hl_buf_printf(&message, ", expected the id of %s%s", what,
                  index->count ? "" : " (there are none)");
    const char *names[256];
    size_t count = 0;
    for (; count < index->count && count < sizeof names / sizeof *names; count++)
        names[count] = index->entries[count].text;
    hl_report_suggest(&message, value->text, names, count);
    hl_freeze_problem(freeze, value, section, id, key, at, &message);
    return HL_NONE;
}

static void freeze_gpu(struct hl_freeze *freeze, struct hl_gpu *gpu, const struct hl_value *map,
                       const char *node, size_t at)
{
    hl_freeze_text(freeze, &gpu->name, map, "name");
    hl_freeze_text(freeze, &gpu->vendor, map, "vendor");
    gpu->memory_bytes = hl_freeze_number(map, "memory_gib", GIB, 0);
    gpu->used_bytes = hl_freeze_number(map, "used_gib", GIB, 0);
    gpu->reserve_bytes = hl_freeze_number(map, "reserve_gib", GIB, 0);
    gpu->bandwidth_bytes = hl_freeze_number(map, "bandwidth_gbs", GB, 0);
    const struct hl_value *used = hl_freeze_key(map, "used_gib", HL_VALUE_NUMBER);
    if (!used || gpu->memory_bytes == 0 || gpu->used_bytes <= gpu->memory_bytes)
        return;
    struct hl_buf message;
    char key[64];
    hl_buf_init(&message, HL_VALUE_MAX_TEXT);
    hl_buf_printf(&message, "found the number %s, expected at most the GPU's memory_gib",
                  used->text);
    snprintf(key, sizeof key, "gpus[%zu].used_gib", at);
    hl_freeze_problem(freeze, used, "nodes", node, key, HL_NONE, &message);
}

static void freeze_gpus(struct hl_freeze *freeze, struct hl_node *node, const struct hl_value *map)
{
    const struct hl_value *list = hl_freeze_key(map, "gpus", HL_VALUE_LIST);
    size_t count = list ? list->count : 0;
    node->gpus = hl_freeze_array(freeze, count, sizeof *node->gpus);
    node->gpu_count = node->gpus ? count : 0;
    for (size_t i = 0; i < node->gpu_count; i++)
        freeze_gpu(freeze, &node->gpus[i], list->items[i], node->id, i);
}

/* key is host, or that of a part of the node such as ssh.host. */
static char *freeze_host(struct hl_freeze *freeze, const struct hl_value *map, const char *id,
                         const char *key)
{
    const struct hl_value *value = hl_freeze_key(map, "host", HL_VALUE_STRING);
    if (!value || !*value->text)
        return NULL;
    char *host = hl_freeze_expand(freeze, value, "nodes", id, key);
    if (!host || hl_host_valid(host))
        return host;
    hl_free(host);
    struct hl_buf message;
    hl_buf_init(&message, HL_VALUE_MAX_TEXT);
    hl_buf_puts(&message, "found ");
    if (strchr(value->text, '@'))
        hl_buf_puts(&message, "a text with '@'");
    else
        hl_report_describe(&message, value);
    hl_buf_puts(&message, ", expected a host name or IP address");
    if (strchr(value->text, '/'))
        hl_buf_puts(&message, " without scheme and path");
    hl_freeze_problem(freeze, value, "nodes", id, key, HL_NONE, &message);
    return NULL;
}

static void freeze_mac(struct hl_freeze *freeze, struct hl_node *node, const struct hl_value *map)
{
    const struct hl_value *value = hl_freeze_key(map, "mac", HL_VALUE_STRING);
    char mac[HL_MAC_SIZE];
    if (value && hl_mac_normalize(mac, value->text))
        hl_freeze_copy(freeze, &node->mac, mac);
}

static void freeze_node(struct hl_freeze *freeze, struct hl_node *node, const struct hl_value *map)
{
    node->host = freeze_host(freeze, map, map->key, "host");
    hl_freeze_text(freeze, &node->os, map, "os");
    freeze_mac(freeze, node, map);
    node->ram_bytes = hl_freeze_number(map, "ram_gib", GIB, 0);
    node->ram_used_bytes = hl_freeze_number(map, "ram_used_gib", GIB, 0);
    freeze_gpus(freeze, node, map);
    /* Checked here, kept in the tree. */
    hl_free(freeze_host(freeze, hl_value_get(map, "ssh"), map->key, "ssh.host"));
    hl_free(freeze_host(freeze, hl_value_get(map, "docker"), map->key, "docker.host"));
}

/* Hosts are compared in their normalized form, which the node itself keeps as well. */
static void normalize_host(struct hl_freeze *freeze, struct hl_node *node)
{
    char host[HL_EXPANDED_MAX + 1];
    if (!node->host || !hl_host_normalize(host, sizeof host, node->host))
        return;
    char *copy = NULL;
    hl_freeze_copy(freeze, &copy, host);
    if (!copy)
        return;
    hl_free(node->host);
    node->host = copy;
}

static void freeze_nodes(struct hl_freeze *freeze)
{
    const struct hl_value *section = hl_freeze_section(freeze, "nodes");
    size_t count = section ? section->count : 0;
    struct hl_inventory_data *data = freeze->data;
    data->nodes = hl_freeze_array(freeze, count, sizeof *data->nodes);
    data->node_count = data->nodes ? count : 0;
    if (hl_index_init(&freeze->nodes, count) || hl_index_init(&freeze->hosts, count)) {
        freeze->nomem = true;
        return;
    }
    for (size_t i = 0; i < data->node_count; i++) {
        struct hl_node *node = &data->nodes[i];
        hl_freeze_copy(freeze, &node->id, section->items[i]->key);
        if (!node->id)
            return;
        freeze_node(freeze, node, section->items[i]);
        normalize_host(freeze, node);
        hl_index_add(&freeze->nodes, node->id, i);
        if (node->host)
            hl_index_add(&freeze->hosts, node->host, i);
    }
    hl_index_sort(&freeze->nodes);
    hl_index_sort(&freeze->hosts);
}

static bool gpu_exists(const struct hl_node *node, const char *name)
{
    if (strcmp(name, "all") == 0)
        return true;
    for (size_t i = 0; i < node->gpu_count; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        if (strcmp(name, number) == 0)
            return true;
        if (node->gpus[i].name && strcmp(name, node->gpus[i].name) == 0)
            return true;
    }
    return false;
}

static void check_gpu(struct hl_freeze *freeze, const struct hl_container *container,
                      const struct hl_value *map)
{
    if (!container->gpu || container->node == HL_NONE)
        return;
    const struct hl_node *node = &freeze->data->nodes[container->node];
    if (gpu_exists(node, container->gpu))
        return;
    const struct hl_value *value = hl_value_get(map, "gpu");
    struct hl_buf message;
    hl_buf_init(&message, HL_VALUE_MAX_TEXT);
    hl_buf_puts(&message, "found ");
    hl_report_quote(&message, value->text);
    hl_buf_printf(&message, ", expected a GPU of node '%s' by name or number, or 'all'", node->id);
    const char *names[16];
    size_t count = 0;
    for (size_t i = 0; i < node->gpu_count && count < sizeof names / sizeof *names; i++)
        if (node->gpus[i].name)
            names[count++] = node->gpus[i].name;
    hl_report_suggest(&message, value->text, names, count);
    hl_freeze_problem(freeze, value, "containers", map->key, "gpu", HL_NONE, &message);
}

static void freeze_mounts(struct hl_freeze *freeze, struct hl_container *container,
                          const struct hl_value *map)
{
    const struct hl_value *list = hl_freeze_key(map, "mounts", HL_VALUE_LIST);
    size_t count = list ? list->count : 0;
    container->mounts = hl_freeze_array(freeze, count, sizeof *container->mounts);
    container->mount_count = container->mounts ? count : 0;
    for (size_t i = 0; i < container->mount_count; i++) {
        struct hl_mount *mount = &container->mounts[i];
        hl_freeze_text(freeze, &mount->source, list->items[i], "source");
        hl_freeze_text(freeze, &mount->target, list->items[i], "target");
        mount->read_only = hl_freeze_bool(list->items[i], "read_only", false);
    }
}

static void freeze_container(struct hl_freeze *freeze, struct hl_container *container,
                             const struct hl_value *map)
{
    hl_freeze_copy(freeze, &container->name, map->key);
    hl_freeze_text(freeze, &container->image, map, "image");
    hl_freeze_text(freeze, &container->gpu, map, "gpu");
    container->port = (int)hl_freeze_number(map, "port", 1, 0);
    container->start_order = (int)hl_freeze_number(map, "start_order", 1, -1);
    container->node = container->gate = HL_NONE;
    const struct hl_value *node = hl_freeze_key(map, "node", HL_VALUE_STRING);
    if (node)
        container->node = hl_freeze_reference(freeze, &freeze->nodes, node, "a node", "containers",
                                              map->key, "node", HL_NONE);
    const struct hl_value *gate = hl_freeze_key(map, "gate", HL_VALUE_STRING);
    if (gate)
        container->gate = hl_freeze_reference(freeze, freeze->endpoints, gate, "an endpoint",
                                              "containers", map->key, "gate", HL_NONE);
    check_gpu(freeze, container, map);
    freeze_mounts(freeze, container, map);
}

static void freeze_containers(struct hl_freeze *freeze)
{
    const struct hl_value *section = hl_freeze_section(freeze, "containers");
    size_t count = section ? section->count : 0;
    struct hl_inventory_data *data = freeze->data;
    data->containers = hl_freeze_array(freeze, count, sizeof *data->containers);
    data->container_count = data->containers ? count : 0;
    for (size_t i = 0; i < data->container_count; i++)
        freeze_container(freeze, &data->containers[i], section->items[i]);
}

int hl_inventory_freeze(struct hl_inventory_data *data, struct hl_index *endpoints,
                        homelab_report *report, const struct hl_value *root)
{
    struct hl_freeze freeze = {.data = data, .report = report, .root = root};
    freeze.endpoints = endpoints;
    hl_freeze_tiers(&freeze);
    freeze_nodes(&freeze);
    if (!freeze.nomem)
        hl_freeze_endpoints(&freeze);
    if (!freeze.nomem)
        freeze_containers(&freeze);
    if (!freeze.nomem)
        hl_freeze_models(&freeze);
    if (!freeze.nomem)
        hl_freeze_routes(&freeze);
    hl_index_free(&freeze.nodes);
    hl_index_free(&freeze.hosts);
    return freeze.nomem ? hl_error_nomem() : HOMELAB_OK;
}

static void clear_node(struct hl_node *node)
{
    hl_free(node->id);
    hl_free(node->host);
    hl_free(node->os);
    hl_free(node->mac);
    for (size_t i = 0; i < node->gpu_count; i++) {
        hl_free(node->gpus[i].name);
        hl_free(node->gpus[i].vendor);
    }
    hl_free(node->gpus);
}

static void clear_endpoint(struct hl_endpoint *endpoint)
{
    hl_free(endpoint->id);
    hl_free(endpoint->url);
    hl_free(endpoint->base);
    hl_free(endpoint->path);
    hl_free(endpoint->host);
    hl_free(endpoint->api_key);
    hl_free(endpoint->ca_file);
    for (size_t i = 0; i < endpoint->model_count; i++)
        hl_free(endpoint->models[i]);
    hl_free(endpoint->models);
}

static void clear_container(struct hl_container *container)
{
    hl_free(container->name);
    hl_free(container->image);
    hl_free(container->gpu);
    for (size_t i = 0; i < container->mount_count; i++) {
        hl_free(container->mounts[i].source);
        hl_free(container->mounts[i].target);
    }
    hl_free(container->mounts);
}

void hl_inventory_data_clear(struct hl_inventory_data *data)
{
    for (size_t i = 0; i < data->tier_count; i++)
        hl_free(data->tiers[i].name);
    for (size_t i = 0; i < data->node_count; i++)
        clear_node(&data->nodes[i]);
    for (size_t i = 0; i < data->endpoint_count; i++)
        clear_endpoint(&data->endpoints[i]);
    for (size_t i = 0; i < data->container_count; i++)
        clear_container(&data->containers[i]);
    for (size_t i = 0; i < data->model_count; i++)
        hl_freeze_clear_model(&data->models[i]);
    hl_freeze_routes_clear(data);
    hl_free(data->tiers);
    hl_free(data->nodes);
    hl_free(data->endpoints);
    hl_free(data->containers);
    hl_free(data->models);
    *data = (struct hl_inventory_data){.tiers = NULL};
}
