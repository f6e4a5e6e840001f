/* An HTTP server for tests that misbehaves as told: one thread per connection on a loopback port.
 */
#ifndef TESTS_FAULT_SERVER_H
#define TESTS_FAULT_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAULT_CONNECTIONS 64

struct fault_server;
/* Answers one request on fd. False: the connection is closed. */
typedef bool (*fault_fn)(struct fault_server *server, int fd, const char *request);

struct fault_connection {
    struct fault_server *server;
    int fd;
    pthread_t thread;
};

struct fault_server {
    fault_fn fn;
    const char *text; /* for the fault's use */
    int listener, port;
    pthread_t thread;
    pthread_mutex_t mutex; /* of what follows */
    struct fault_connection connections[FAULT_CONNECTIONS];
    int connection_count;
    int request_count;
    char last_request[8192];
    bool stopping;
};

static inline void fault_send(int fd, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t sent = send(fd, text, left, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        text += sent;
        left -= (size_t)sent;
    }
}

/* One request with its head and, where announced, body. False at the end of the connection. */
static inline bool fault_read(int fd, char *request, size_t size)
{
    size_t length = 0;
    while (length + 1 < size) {
        ssize_t got = recv(fd, request + length, size - 1 - length, 0);
        if (got <= 0)
            return false;
        length += (size_t)got;
        request[length] = '\0';
        const char *end = strstr(request, "\r\n\r\n");
        const char *announced = strstr(request, "Content-Length: ");
        size_t body = announced ? strtoul(announced + 16, NULL, 10) : 0;
        if (end && length >= (size_t)(end - request) + 4 + body)
            return true;
    }
    return false;
}

static inline void *fault_serve(void *argument)
{
    struct fault_connection *connection = argument;
    struct fault_server *server = connection->server;
    static _Thread_local char request[8192];
    bool open = true;
    while (open && fault_read(connection->fd, request, sizeof request)) {
        pthread_mutex_lock(&server->mutex);
        server->request_count++;
        strcpy(server->last_request, request);
        pthread_mutex_unlock(&server->mutex);
        open = server->fn(server, connection->fd, request);
    }
    shutdown(connection->fd, SHUT_WR);
    return NULL;
}

static inline void *fault_accept(void *argument)
{
    struct fault_server *server = argument;
    for (;;) {
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        pthread_mutex_lock(&server->mutex);
        if (server->stopping || server->connection_count == FAULT_CONNECTIONS) {
            close(fd);
        } else {
            struct fault_connection *connection = &server->connections[server->connection_count++];
            *connection = (struct fault_connection){.server = server, .fd = fd};
            pthread_create(&connection->thread, NULL, fault_serve, connection);
        }
        pthread_mutex_unlock(&server->mutex);
    }
}

/* A listening socket on a free loopback port; backlog as listen() has it. */
static inline int fault_listen(int family, int backlog, int *port)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    six.sin6_port = four.sin_port = htons((uint16_t)*port);
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    socklen_t size = family == AF_INET6 ? sizeof six : sizeof four;
    struct sockaddr *address =
        family == AF_INET6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (fd < 0 || bind(fd, address, size) != 0 || listen(fd, backlog) != 0 ||
        getsockname(fd, address, &size) != 0) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *port = ntohs(family == AF_INET6 ? six.sin6_port : four.sin_port);
    return fd;
}

static inline bool fault_start_on(struct fault_server *server, int listener, fault_fn fn)
{
    server->fn = fn;
    server->listener = listener;
    pthread_mutex_init(&server->mutex, NULL);
    return listener >= 0 && pthread_create(&server->thread, NULL, fault_accept, server) == 0;
}

static inline bool fault_start(struct fault_server *server, fault_fn fn, const char *text)
{
    *server = (struct fault_server){.text = text};
    return fault_start_on(server, fault_listen(AF_INET, 64, &server->port), fn);
}

static inline int fault_connections(struct fault_server *server)
{
    pthread_mutex_lock(&server->mutex);
    int count = server->connection_count;
    pthread_mutex_unlock(&server->mutex);
    return count;
}

static inline void fault_stop(struct fault_server *server)
{
    pthread_mutex_lock(&server->mutex);
    server->stopping = true;
    for (int i = 0; i < server->connection_count; i++)
        shutdown(server->connections[i].fd, SHUT_RDWR);
    pthread_mutex_unlock(&server->mutex);
    shutdown(server->listener, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->listener);
    for (int i = 0; i < server->connection_count; i++) {
        pthread_join(server->connections[i].thread, NULL);
        close(server->connections[i].fd);
    }
    pthread_mutex_destroy(&server->mutex);
}

#endif
