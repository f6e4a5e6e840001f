/* The listening socket of an endpoint, in its three modes: listening, refusing, dropping SYNs. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

enum {
    FILL_WAIT_MS = 200
};

struct address {
    struct sockaddr_storage data;
    socklen_t length;
};

static struct address make_address(const char *host, int port)
{
    struct address address = {0};
    if (strchr(host, ':') != NULL) {
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
        inet_pton(AF_INET6, host, &v6.sin6_addr);
        memcpy(&address.data, &v6, sizeof v6);
        address.length = sizeof v6;
        return address;
    }
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, host, &v4.sin_addr);
    memcpy(&address.data, &v4, sizeof v4);
    address.length = sizeof v4;
    return address;
}

static int new_socket(const struct address *address)
{
    int one = 1;
    int fd = socket(address->data.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    return fd;
}

static int bound_socket(const struct address *address)
{
    int fd = new_socket(address);
    if (fd < 0)
        return -1;
    if (bind(fd, (const struct sockaddr *)&address->data, address->length) == 0)
        return fd;
    int problem = errno;
    close(fd);
    errno = problem;
    return -1;
}

static int port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } name = {0};
    socklen_t length = sizeof name;
    if (getsockname(fd, &name.any, &length) != 0)
        return -1;
    return ntohs(name.any.sa_family == AF_INET6 ? name.v6.sin6_port : name.v4.sin_port);
}

/* A listener without backlog holds one finished connection; with that in place the kernel drops
 * every further SYN. */
static bool fill_queue(struct sim_net *net, const struct address *address)
{
    net->filler_fd = new_socket(address);
    if (net->filler_fd < 0)
        return false;
    if (connect(net->filler_fd, (const struct sockaddr *)&address->data, address->length) == 0)
        return true;
    if (errno != EINPROGRESS)
        return false;
    /* Not connected in time means that somebody else took the place, which is as good. */
    struct pollfd wait = {.fd = net->filler_fd, .events = POLLOUT};
    return poll(&wait, 1, FILL_WAIT_MS) >= 0;
}

static void stop_listening(struct sim_net *net)
{
    sim_watch_remove(net->endpoint->sim->loop, net->listen_watch);
    net->listen_watch = NULL;
    sim_close(&net->listen_fd);
    sim_close(&net->filler_fd);
}

static struct sim_watch *watch_listener(struct sim_net *net, sim_watch_fn *accept_some)
{
    return sim_watch_add(net->endpoint->sim->loop, net->listen_fd, EPOLLIN, accept_some, net);
}

static void accept_one(struct sim_net *net, int fd)
{
    struct sim_endpoint *endpoint = net->endpoint;
    int64_t now_ms = sim_now(endpoint->sim);
    endpoint->stats.connections++;
    sim_endpoint_update(endpoint, now_ms);
    const struct sim_fault *fault =
        sim_faults_strike(&endpoint->faults, now_ms, endpoint->attempts, NULL);
    struct sim_plan plan = {.end = SIM_END_STAY};
    if (fault != NULL) {
        endpoint->stats.faulted++;
        plan.attempt = endpoint->attempts++;
        plan.end = fault->kind == SIM_FAULT_HANG    ? SIM_END_PARK
                   : fault->kind == SIM_FAULT_RESET ? SIM_END_RESET
                   : fault->kind == SIM_FAULT_CLOSE ? SIM_END_CLOSE
                                                    : SIM_END_HALF_CLOSE;
        sim_raw_start(net, fd, &plan);
        sim_net_refresh(endpoint);
        return;
    }
    if (endpoint->config->backend != SIM_TCP) {
        sim_http_adopt(net, fd);
        return;
    }
    if (endpoint->config->banner != NULL)
        sim_buf_puts(&plan.bytes, endpoint->config->banner);
    plan.first = plan.bytes.length;
    sim_raw_start(net, fd, &plan);
}

static void accept_some(void *arg, uint32_t events)
{
    enum {
        A_TURN = 64
    };
    struct sim_net *net = arg;
    (void)events;
    for (int i = 0; i < A_TURN && net->listen_fd >= 0 && net->mode == SIM_LISTEN; i++) {
        int fd = accept4(net->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE))
            sim_complain("endpoint '%s': out of file descriptors", net->endpoint->config->id);
        if (fd < 0)
            return;
        accept_one(net, fd);
    }
}

bool sim_listener_set(struct sim_net *net, enum sim_listener_mode mode)
{
    struct sim_endpoint *endpoint = net->endpoint;
    struct address address = make_address(endpoint->config->host, endpoint->port);
    stop_listening(net);
    net->mode = mode;
    if (mode == SIM_REFUSE)
        return true;
    net->listen_fd = bound_socket(&address);
    bool good = net->listen_fd >= 0 && listen(net->listen_fd, mode == SIM_DROP ? 0 : 1024) == 0;
    if (good && mode == SIM_DROP)
        good = fill_queue(net, &address);
    if (good && mode == SIM_LISTEN)
        good = (net->listen_watch = watch_listener(net, accept_some)) != NULL;
    if (!good)
        sim_complain("endpoint '%s': cannot listen on %s:%d: %s", endpoint->config->id,
                     endpoint->config->host, endpoint->port, strerror(errno));
    return good;
}

bool sim_listener_open(struct sim_net *net)
{
    struct sim_endpoint *endpoint = net->endpoint;
    struct address address = make_address(endpoint->config->host, endpoint->config->port);
    net->hold_fd = bound_socket(&address);
    if (net->hold_fd < 0) {
        sim_complain("endpoint '%s': cannot bind %s:%d: %s", endpoint->config->id,
                     endpoint->config->host, endpoint->config->port, strerror(errno));
        return false;
    }
    endpoint->port = port_of(net->hold_fd);
    return true;
}

void sim_listener_close(struct sim_net *net)
{
    stop_listening(net);
    sim_close(&net->hold_fd);
}
