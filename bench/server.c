/* The endpoints: one process, an address of its own in 127/8 for each, keep-alive. Of the dead ones
 * half accept and stay silent, half drop SYNs (their accept queue is full).
 *
 *     server COUNT DEAD_PERCENT     prints the port, serves until its standard input ends */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] =
    "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: application/json\r\n"
    "Content-Length: %zu\r\n\r\n" BENCH_BODY;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int listen_on(struct in_addr address, int port, int backlog)
{
    struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = address};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) != 0 || listen(fd, backlog) != 0)
        fail("listen");
    return fd;
}

static struct in_addr address_of(int i)
{
    char text[32];
    struct in_addr address;
    bench_address(i, text, sizeof text);
    inet_pton(AF_INET, text, &address);
    return address;
}

/* Fills the accept queue; the descriptors are meant to stay. */
static void drop_syns(int i, int port)
{
    struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = address_of(i)};
    listen_on(name.sin_addr, port, 0);
    for (int filler = 0; filler < 2; filler++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
            fail("socket");
        connect(fd, (struct sockaddr *)&name, sizeof name);
    }
}

static bool is_silent(int fd, const bool *silent, int count)
{
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &size) != 0)
        return true;
    uint32_t address = ntohl(name.sin_addr.s_addr);
    int i = (int)((address >> 16 & 255) - 1) * 62500 + (int)(address >> 8 & 255) * 250 +
            (int)(address & 255) - 1;
    return i < 0 || i >= count || silent[i];
}

static void accept_all(int listener, int epoll, const bool *silent, int count)
{
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        int on = 1;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (is_silent(fd, silent, count))
            continue;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
            close(fd);
    }
}

/* The clients' requests come in one piece. */
static void serve(int fd, const char *text, size_t length)
{
    char request[4096];
    ssize_t got = recv(fd, request, sizeof request, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN)
            close(fd);
        return;
    }
    if (send(fd, text, length, MSG_NOSIGNAL) != (ssize_t)length)
        close(fd);
}

int main(int argument_count, char **arguments)
{
    if (argument_count != 3) {
        fprintf(stderr, "usage: %s COUNT DEAD_PERCENT\n", arguments[0]);
        return 2;
    }
    struct bench bench = {.count = atoi(arguments[1]), .dead_percent = atoi(arguments[2])};
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);

    char text[2048];
    int length = snprintf(text, sizeof text, answer, sizeof BENCH_BODY - 1);
    struct sockaddr_in name;
    socklen_t size = sizeof name;
    int listener = listen_on((struct in_addr){htonl(INADDR_ANY)}, 0, 4096);
    getsockname(listener, (struct sockaddr *)&name, &size);
    int port = ntohs(name.sin_port);
    bool *silent = calloc((size_t)bench.count, sizeof *silent);
    if (!silent)
        fail("calloc");
    for (int i = 0, dead = 0; i < bench.count; i++) {
        if (!bench_dead(&bench, i))
            continue;
        silent[i] = dead++ % 2 == 0;
        if (!silent[i])
            drop_syns(i, port);
    }

    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[256];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = 0;
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);
    printf("%d\n", port);
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(epoll, ready, 256, -1);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.fd == 0)
                return 0;
            if (ready[i].data.fd == listener)
                accept_all(listener, epoll, silent, bench.count);
            else
                serve(ready[i].data.fd, text, (size_t)length);
        }
    }
}
