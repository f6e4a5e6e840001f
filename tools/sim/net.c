#include "net.h"

#include <stdlib.h>

static enum sim_listener_mode wanted_mode(const struct sim_endpoint *endpoint)
{
    const struct sim_backend *backend = sim_backend_of(endpoint->config->backend);
    bool closed = backend == NULL || backend->closed_while_loading;
    if (endpoint->state.listener == SIM_LISTEN && endpoint->state.loading && closed)
        return SIM_REFUSE;
    return endpoint->state.listener;
}

static void schedule(struct sim_net *net)
{
    struct sim_endpoint *endpoint = net->endpoint;
    int64_t next_ms = sim_endpoint_next_change(endpoint, endpoint->updated_ms);
    if (next_ms != SIM_NEVER)
        next_ms += endpoint->sim->start_ms;
    sim_timer_set(endpoint->sim->loop, &net->change, next_ms);
}

void sim_net_follow(struct sim_endpoint *endpoint)
{
    struct sim_net *net = endpoint->net;
    sim_endpoint_update(endpoint, sim_now(endpoint->sim));
    enum sim_listener_mode mode = wanted_mode(endpoint);
    if (mode == net->mode)
        return;
    sim_listener_set(net, mode);
    /* A process that died takes its connections with it; a host that vanished does not say. */
    net->drop_due = mode == SIM_REFUSE;
}

void sim_net_refresh(struct sim_endpoint *endpoint)
{
    struct sim_net *net = endpoint->net;
    if (net == NULL || net->stopping)
        return;
    sim_net_follow(endpoint);
    if (net->drop_due) {
        net->drop_due = false;
        sim_raw_drop_all(net);
        sim_http_drop_all(net);
    }
    sim_raw_unpark(net);
    sim_http_poke(net);
    schedule(net);
}

static void on_change(void *arg)
{
    struct sim_net *net = arg;
    sim_net_refresh(net->endpoint);
}

void sim_net_refresh_soon(struct sim_endpoint *endpoint)
{
    struct sim_net *net = endpoint->net;
    if (net != NULL && !net->stopping)
        sim_timer_set(endpoint->sim->loop, &net->change, sim_monotonic_ms());
}

bool sim_net_open(struct sim_endpoint *endpoint)
{
    struct sim_net *net = sim_calloc(1, sizeof *net);
    *net = (struct sim_net){.endpoint = endpoint, .hold_fd = -1, .listen_fd = -1, .filler_fd = -1};
    sim_timer_init(&net->change, on_change, net);
    endpoint->net = net;
    return sim_listener_open(net);
}

void sim_net_close(struct sim_endpoint *endpoint)
{
    struct sim_net *net = endpoint->net;
    if (net == NULL)
        return;
    net->stopping = true;
    sim_timer_clear(endpoint->sim->loop, &net->change);
    sim_http_stop(net);
    sim_raw_drop_all(net);
    sim_listener_close(net);
    sim_tls_pair_free(&net->tls);
    free(net);
    endpoint->net = NULL;
}
