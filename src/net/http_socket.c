/* Descriptors of libcurl's connections in the loop. */
#include "net/http_private.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int hl_socket_reserve(struct hl_http *http, int fd)
{
    struct hl_sockets *sockets = &http->sockets;
    size_t wanted = (size_t)fd + 1;
    if (wanted <= sockets->count)
        return HOMELAB_OK;
    wanted = wanted < 2 * sockets->count ? 2 * sockets->count : wanted + 63;
    struct hl_socket *items = hl_reallocarray(sockets->items, wanted, sizeof *items);
    if (!items)
        return hl_error_nomem();
    memset(items + sockets->count, 0, (wanted - sockets->count) * sizeof *items);
    sockets->items = items;
    sockets->count = wanted;
    return HOMELAB_OK;
}

static void leave_loop(struct hl_http *http, struct hl_socket *socket)
{
    if (socket->in_loop)
        hl_loop_remove(http->loop, socket->source);
    *socket = (struct hl_socket){.wanted = 0};
}

static uint64_t cookie_of(int fd)
{
    uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

curl_socket_t hl_socket_open(void *userdata, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct hl_transfer *transfer = userdata;
    struct hl_http *http = transfer->http;
    transfer->opened_socket = true;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->protocol);
    if (fd < 0) {
        /* A family the kernel lacks is no failure of ours: the next address may do. */
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            transfer->stop = HL_STOP_SYSTEM;
            transfer->stop_errno = errno;
        }
        return CURL_SOCKET_BAD;
    }
    if (hl_socket_reserve(http, fd) != HOMELAB_OK) {
        transfer->stop = HL_STOP_NOMEM;
        close(fd);
        return CURL_SOCKET_BAD;
    }
    /* The number may be that of a socket that libcurl closed while its event was handled. */
    if (http->sockets.serving == fd)
        http->sockets.serving = -1;
    http->sockets.items[fd] = (struct hl_socket){.opened = true, .cookie = cookie_of(fd)};
    return fd;
}

int hl_socket_close(void *userdata, curl_socket_t fd)
{
    struct hl_http *http = userdata;
    if ((size_t)fd < http->sockets.count)
        leave_loop(http, &http->sockets.items[fd]);
    return close(fd);
}

static int to_curl(uint32_t events)
{
    int mask = 0;
    /* An error is found by reading. */
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        mask |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        mask |= CURL_CSELECT_OUT;
    return mask;
}

static bool arm(struct hl_http *http, int fd);

static void on_event(struct hl_loop *loop, int fd, uint32_t events, void *userdata)
{
    (void)loop;
    struct hl_http *http = userdata;
    struct hl_socket *socket = &http->sockets.items[fd];
    socket->armed = 0;
    /* Closed by the peer while it was kept: libcurl finds out before it uses it again. */
    if (!socket->wanted)
        return;
    http->sockets.serving = fd;
    hl_shard_drive(socket->shard, fd, to_curl(events));
    bool same = http->sockets.serving == fd;
    http->sockets.serving = -1;
    if (same && http->sockets.items[fd].wanted)
        arm(http, fd);
    hl_http_settle(http);
}

static bool arm(struct hl_http *http, int fd)
{
    struct hl_socket *socket = &http->sockets.items[fd];
    if (socket->armed == socket->wanted)
        return true;
    uint32_t events = socket->wanted | EPOLLONESHOT;
    int code = socket->in_loop
                   ? hl_loop_modify(http->loop, socket->source, events)
                   : hl_loop_add(http->loop, &socket->source, fd, events, on_event, http);
    if (code != HOMELAB_OK)
        return false;
    socket->in_loop = true;
    socket->armed = socket->wanted;
    return true;
}

bool hl_socket_want(struct hl_http *http, struct hl_shard *shard, int fd, int what)
{
    if (hl_socket_reserve(http, fd) != HOMELAB_OK)
        return false;
    struct hl_socket *socket = &http->sockets.items[fd];
    socket->wanted = 0;
    if (what == CURL_POLL_REMOVE) {
        if (!socket->opened)
            leave_loop(http, socket);
        return true;
    }
    socket->shard = shard;
    if (what & CURL_POLL_IN)
        socket->wanted |= EPOLLIN;
    if (what & CURL_POLL_OUT)
        socket->wanted |= EPOLLOUT;
    return fd == http->sockets.serving || arm(http, fd);
}

void hl_socket_abandon(struct hl_http *http)
{
    for (size_t fd = 0; fd < http->sockets.count; fd++) {
        const struct hl_socket *socket = &http->sockets.items[fd];
        if (socket->opened && socket->cookie && cookie_of((int)fd) == socket->cookie)
            close((int)fd);
    }
}
