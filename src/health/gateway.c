#include "health/gateway.h"

#include "core/alloc.h"
#include "core/error.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Shortest time given to one connection when many are to be tried. */
#define CONNECT_LEAST_US 100000

static bool is_loopback(const char *host)
{
    return !strcasecmp(host, "localhost") || !strcmp(host, "127.0.0.1") || !strcmp(host, "::1");
}

static bool is_this_machine(const char *host)
{
    return is_loopback(host) || !strncmp(host, "127.", 4);
}

static bool in_inventory(const struct hl_inventory_data *inventory, const char *host)
{
    for (size_t i = 0; inventory && i < inventory->endpoint_count; i++)
        if (inventory->endpoints[i].host && !strcasecmp(inventory->endpoints[i].host, host))
            return true;
    for (size_t i = 0; inventory && i < inventory->node_count; i++)
        if (inventory->nodes[i].host && !strcasecmp(inventory->nodes[i].host, host))
            return true;
    return false;
}

/* A loopback address is the gateway's own machine: ours only if the gateway is on ours. */
static bool may_connect(const struct hl_probe *probe, const char *host)
{
    if (is_loopback(host))
        return is_this_machine(probe->target.endpoint->host);
    return probe->target.foreign_backends || in_inventory(probe->target.inventory, host);
}

static void leave_out(struct hl_probe *probe, const char *host)
{
    probe->backends_untried++;
    if (!probe->untried[0])
        snprintf(probe->untried, sizeof probe->untried, "%.*s", (int)sizeof probe->untried - 1,
                 host);
}

static struct hl_gateway_backend *find(struct hl_probe *probe, const char *host, int port)
{
    for (size_t i = 0; i < probe->backend_count; i++)
        if (probe->backends[i].port == port && !strcasecmp(probe->backends[i].host, host))
            return &probe->backends[i];
    return NULL;
}

void hl_gateway_add(struct hl_probe *probe, const char *url)
{
    struct hl_url parts;
    if (!url || hl_url_parse(&parts, url) || !parts.host[0]) {
        hl_error_clear();
        leave_out(probe, url ? "a URL that cannot be read" : "the provider's own address");
        return;
    }
    if (find(probe, parts.host, parts.port))
        return;
    if (!may_connect(probe, parts.host) || probe->backend_count == HL_GATEWAY_BACKENDS_MAX) {
        leave_out(probe, parts.host);
        return;
    }
    if (!probe->backends)
        probe->backends = hl_calloc(HL_GATEWAY_BACKENDS_MAX, sizeof *probe->backends);
    if (!probe->backends) {
        probe->no_memory = true;
        return;
    }
    struct hl_gateway_backend *backend = &probe->backends[probe->backend_count++];
    memcpy(backend->host, parts.host, sizeof backend->host);
    backend->port = parts.port;
}

bool hl_gateway_ask(struct hl_probe *probe)
{
    int64_t left_us = probe->target.endpoint->timeout_us - probe->spent_us;
    if (probe->cursor >= probe->backend_count || left_us <= 0)
        return false;
    int64_t share_us = left_us / (int64_t)(probe->backend_count - probe->cursor);
    const struct hl_gateway_backend *backend = &probe->backends[probe->cursor];
    return hl_ask_connect(probe, backend->host, backend->port,
                          share_us > CONNECT_LEAST_US ? share_us : CONNECT_LEAST_US);
}

static bool is_dead(int code)
{
    return code == HOMELAB_E_NET_REFUSED || code == HOMELAB_E_NET_DNS ||
           code == HOMELAB_E_NET_NO_ROUTE || code == HOMELAB_E_NET_CONNECT_TIMEOUT ||
           code == HOMELAB_E_NET_TIMEOUT || code == HOMELAB_E_NET_RESET ||
           code == HOMELAB_E_NET_CLOSED;
}

static const char *death_of(int code)
{
    switch (code) {
    case HOMELAB_E_NET_REFUSED:
        return "refuses connections";
    case HOMELAB_E_NET_DNS:
        return "has no address";
    case HOMELAB_E_NET_NO_ROUTE:
        return "has no route";
    default:
        return "accepts no connection in time";
    }
}

void hl_gateway_take(struct hl_probe *probe, const struct hl_http_result *result)
{
    struct hl_gateway_backend *backend = &probe->backends[probe->cursor++];
    backend->tried = result->code == HOMELAB_OK || is_dead(result->code);
    backend->dead = is_dead(result->code);
    if (backend->dead)
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "%s: a backend of this gateway",
               death_of(result->code));
    probe->again = true;
}

void hl_gateway_conclude(struct hl_probe *probe)
{
    size_t dead = 0, untried = probe->backends_untried, alive = 0;
    const char *host = "";
    int port = 0;
    for (size_t i = 0; i < probe->backend_count; i++) {
        const struct hl_gateway_backend *backend = &probe->backends[i];
        if (!backend->tried)
            leave_out(probe, backend->host);
        untried += !backend->tried;
        alive += backend->tried && !backend->dead;
        if (backend->dead && !dead++) {
            host = backend->host;
            port = backend->port;
        }
    }
    if (untried)
        hl_note(probe, HL_LAYER_SCHEDULER,
                "%zu deployments not tried, on hosts outside the inventory or without an address: "
                "%s",
                untried, probe->untried);
    if (!dead && alive)
        hl_note(probe, HL_LAYER_SCHEDULER, "all %zu backends that may be tried accept connections",
                alive);
    if (!dead)
        return;
    bool all = !alive && !untried;
    hl_observation_add_as(
        &probe->seen, HL_LAYER_SCHEDULER, all ? HOMELAB_VERDICT_DOWN : HOMELAB_VERDICT_DEGRADED,
        HOMELAB_CAUSE_BACKEND_DEAD, 0, 0, "%zu of %zu backends accept no connection, %s:%d for one",
        dead, dead + alive + untried, host, port);
}
