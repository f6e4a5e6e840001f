/* Reading an inventory through the public API. */
#include "core/api.h"
#include "inventory/load.h"

const struct hl_inventory_data *hl_inventory_data(const homelab_inventory *inventory)
{
    return &inventory->data;
}

homelab_allocator *hl_inventory_allocator(const homelab_inventory *inventory)
{
    return inventory->allocator;
}

static const struct hl_node *node_at(const homelab_inventory *inventory, size_t i)
{
    hl_error_clear();
    return inventory && i < inventory->data.node_count ? &inventory->data.nodes[i] : NULL;
}

static const struct hl_gpu *gpu_at(const homelab_inventory *inventory, size_t node, size_t gpu)
{
    const struct hl_node *owner = node_at(inventory, node);
    return owner && gpu < owner->gpu_count ? &owner->gpus[gpu] : NULL;
}

static const struct hl_endpoint *endpoint_at(const homelab_inventory *inventory, size_t i)
{
    hl_error_clear();
    return inventory && i < inventory->data.endpoint_count ? &inventory->data.endpoints[i] : NULL;
}

static const struct hl_container *container_at(const homelab_inventory *inventory, size_t i)
{
    hl_error_clear();
    return inventory && i < inventory->data.container_count ? &inventory->data.containers[i] : NULL;
}

size_t homelab_inventory_tier_count(const homelab_inventory *inventory)
{
    hl_error_clear();
    return inventory ? inventory->data.tier_count : 0;
}

const char *homelab_inventory_tier_name(const homelab_inventory *inventory, size_t i)
{
    hl_error_clear();
    return inventory && i < inventory->data.tier_count ? inventory->data.tiers[i].name : NULL;
}

size_t homelab_inventory_node_count(const homelab_inventory *inventory)
{
    hl_error_clear();
    return inventory ? inventory->data.node_count : 0;
}

const char *homelab_inventory_node_id(const homelab_inventory *inventory, size_t i)
{
    const struct hl_node *node = node_at(inventory, i);
    return node ? node->id : NULL;
}

const char *homelab_inventory_node_host(const homelab_inventory *inventory, size_t i)
{
    const struct hl_node *node = node_at(inventory, i);
    return node ? node->host : NULL;
}

const char *homelab_inventory_node_os(const homelab_inventory *inventory, size_t i)
{
    const struct hl_node *node = node_at(inventory, i);
    return node ? node->os : NULL;
}

int64_t homelab_inventory_node_ram_bytes(const homelab_inventory *inventory, size_t i)
{
    const struct hl_node *node = node_at(inventory, i);
    return node ? node->ram_bytes : 0;
}

size_t homelab_inventory_gpu_count(const homelab_inventory *inventory, size_t node)
{
    const struct hl_node *owner = node_at(inventory, node);
    return owner ? owner->gpu_count : 0;
}

const char *homelab_inventory_gpu_name(const homelab_inventory *inventory, size_t node, size_t gpu)
{
    const struct hl_gpu *found = gpu_at(inventory, node, gpu);
    return found ? found->name : NULL;
}

int64_t homelab_inventory_gpu_memory_bytes(const homelab_inventory *inventory, size_t node,
                                           size_t gpu)
{
    const struct hl_gpu *found = gpu_at(inventory, node, gpu);
    return found ? found->memory_bytes : 0;
}

int64_t homelab_inventory_gpu_bandwidth_bytes(const homelab_inventory *inventory, size_t node,
                                              size_t gpu)
{
    const struct hl_gpu *found = gpu_at(inventory, node, gpu);
    return found ? found->bandwidth_bytes : 0;
}

size_t homelab_inventory_endpoint_count(const homelab_inventory *inventory)
{
    hl_error_clear();
    return inventory ? inventory->data.endpoint_count : 0;
}

int homelab_inventory_endpoint_find(const homelab_inventory *inventory, const char *id)
{
    hl_error_clear();
    if (!inventory || !id)
        return hl_error_argument(inventory ? "id" : "inventory",
                                 inventory ? "an endpoint's id" : "an inventory");
    size_t found;
    if (hl_index_find(&inventory->endpoints, id, &found, NULL))
        return (int)found;
    return hl_error_set(HOMELAB_E_NOT_FOUND, 0, id, "endpoint '%s': not in the inventory", id);
}

const char *homelab_inventory_endpoint_id(const homelab_inventory *inventory, size_t i)
{
    const struct hl_endpoint *endpoint = endpoint_at(inventory, i);
    return endpoint ? endpoint->id : NULL;
}

const char *homelab_inventory_endpoint_url(const homelab_inventory *inventory, size_t i)
{
    const struct hl_endpoint *endpoint = endpoint_at(inventory, i);
    return endpoint ? endpoint->url : NULL;
}

const char *homelab_inventory_endpoint_tier(const homelab_inventory *inventory, size_t i)
{
    const struct hl_endpoint *endpoint = endpoint_at(inventory, i);
    return endpoint ? inventory->data.tiers[endpoint->tier].name : NULL;
}

const char *homelab_inventory_endpoint_node(const homelab_inventory *inventory, size_t i)
{
    const struct hl_endpoint *endpoint = endpoint_at(inventory, i);
    bool placed = endpoint && endpoint->node != HL_NONE;
    return placed ? inventory->data.nodes[endpoint->node].id : NULL;
}

int homelab_inventory_endpoint_backend(const homelab_inventory *inventory, size_t i)
{
    const struct hl_endpoint *endpoint = endpoint_at(inventory, i);
    return endpoint ? endpoint->backend : HOMELAB_BACKEND_AUTO;
}

int64_t homelab_inventory_endpoint_timeout_ms(const homelab_inventory *inventory, size_t i)
{
    const struct hl_endpoint *endpoint = endpoint_at(inventory, i);
    return endpoint ? endpoint->timeout_us / 1000 : 0;
}

size_t homelab_inventory_container_count(const homelab_inventory *inventory)
{
    hl_error_clear();
    return inventory ? inventory->data.container_count : 0;
}

const char *homelab_inventory_container_name(const homelab_inventory *inventory, size_t i)
{
    const struct hl_container *container = container_at(inventory, i);
    return container ? container->name : NULL;
}

const char *homelab_inventory_container_node(const homelab_inventory *inventory, size_t i)
{
    const struct hl_container *container = container_at(inventory, i);
    return container ? inventory->data.nodes[container->node].id : NULL;
}

size_t homelab_inventory_model_count(const homelab_inventory *inventory)
{
    hl_error_clear();
    return inventory ? inventory->data.model_count : 0;
}

const char *homelab_inventory_model_name(const homelab_inventory *inventory, size_t i)
{
    hl_error_clear();
    return inventory && i < inventory->data.model_count ? inventory->data.models[i].name : NULL;
}

const char *homelab_inventory_model_file(const homelab_inventory *inventory, size_t i)
{
    hl_error_clear();
    return inventory && i < inventory->data.model_count ? inventory->data.models[i].file : NULL;
}

const char *homelab_inventory_model_mmproj(const homelab_inventory *inventory, size_t i)
{
    hl_error_clear();
    return inventory && i < inventory->data.model_count ? inventory->data.models[i].mmproj : NULL;
}

const char *homelab_inventory_model_draft(const homelab_inventory *inventory, size_t i)
{
    hl_error_clear();
    return inventory && i < inventory->data.model_count ? inventory->data.models[i].draft : NULL;
}
