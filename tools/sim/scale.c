#include "scale.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "inventory.h"
#include "scale_answer.h"

/* One accept queue holds at most net.core.somaxconn connections, so a burst is spread over several
 * listeners on the same port. */
enum {
    LISTENERS = 8,
    BACKLOG = 4096,
    EVENTS = 256,
    INPUT = 8192
};

/* Endpoint i is 127.16.x.y. */
static const uint32_t first_address = (127U << 24) | (16U << 16);
enum {
    HOSTS_A_NET = 254
};

struct connection {
    int fd;
    struct sim_buf partial;
    struct connection *next, *previous;
};

struct worker {
    struct sim_scale *scale;
    pthread_t thread;
    bool started;
    int epoll_fd;
    int listeners[LISTENERS];
    struct connection entries[LISTENERS]; /* what epoll names the listeners by */
    struct connection ring; /* of the open connections; its own entry is none of them */
};

struct sim_scale {
    int count;
    double dead_percent;
    bool openai;
    uint16_t port;
    int stop_fd;
    struct worker *workers;
    int worker_count;
    int *droppers; /* listeners and the connections that fill them */
    size_t dropper_count;
    struct sim_scale_answers answers;
};

enum fate {
    ALIVE,
    SILENT,
    DROPPING
};

static uint32_t address_of(int index)
{
    return first_address + (uint32_t)(index / HOSTS_A_NET) * 256 + (uint32_t)(index % HOSTS_A_NET) +
           1;
}

static int index_of(uint32_t address)
{
    uint32_t offset = address - first_address;
    return (int)(offset / 256) * HOSTS_A_NET + (int)(offset % 256) - 1;
}

/* The dead are spread evenly, silent and dropping ones in turn. */
static enum fate fate_of(const struct sim_scale *scale, int index)
{
    int before = (int)((double)index * scale->dead_percent / 100);
    int after = (int)((double)(index + 1) * scale->dead_percent / 100);
    if (before == after)
        return ALIVE;
    return before % 2 == 0 ? SILENT : DROPPING;
}

/* ---- connections ---- */

static void drop(struct connection *connection)
{
    connection->next->previous = connection->previous;
    connection->previous->next = connection->next;
    close(connection->fd);
    sim_buf_free(&connection->partial);
    free(connection);
}

static bool answer_all(struct worker *worker, struct connection *connection, const char *input,
                       size_t length)
{
    size_t taken = 0;
    while (taken < length) {
        const struct sim_buf *answer = NULL;
        size_t one =
            sim_scale_take(&worker->scale->answers, input + taken, length - taken, &answer);
        if (one == 0)
            break;
        taken += one;
        if (send(connection->fd, answer->data, answer->length, MSG_NOSIGNAL) !=
            (ssize_t)answer->length)
            return false;
    }
    if (taken == length) {
        connection->partial.length = 0;
        return true;
    }
    struct sim_buf rest = {0};
    sim_buf_add(&rest, input + taken, length - taken);
    sim_buf_free(&connection->partial);
    connection->partial = rest;
    return rest.length < INPUT;
}

/* False when the connection is over. */
static bool serve(struct worker *worker, struct connection *connection)
{
    char input[INPUT];
    ssize_t count = recv(connection->fd, input, sizeof input, 0);
    if (count < 0)
        return errno == EAGAIN;
    if (count == 0)
        return false;
    if (connection->partial.length == 0)
        return answer_all(worker, connection, input, (size_t)count);
    sim_buf_add(&connection->partial, input, (size_t)count);
    struct sim_buf whole = connection->partial;
    connection->partial = (struct sim_buf){0};
    bool good = answer_all(worker, connection, whole.data, whole.length);
    sim_buf_free(&whole);
    return good;
}

/* EPOLLRDHUP alone: a silent one reads nothing, and is closed when its client leaves. */
static void adopt(struct worker *worker, int fd)
{
    struct sockaddr_in local = {0};
    socklen_t length = sizeof local;
    int one = 1;
    if (getsockname(fd, (struct sockaddr *)&local, &length) != 0 ||
        (ntohl(local.sin_addr.s_addr) >> 24) != IN_LOOPBACKNET) {
        close(fd);
        return;
    }
    int index = index_of(ntohl(local.sin_addr.s_addr));
    bool silent =
        index < 0 || index >= worker->scale->count || fate_of(worker->scale, index) != ALIVE;
    struct connection *connection = sim_calloc(1, sizeof *connection);
    connection->fd = fd;
    connection->next = worker->ring.next;
    connection->previous = &worker->ring;
    worker->ring.next->previous = connection;
    worker->ring.next = connection;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = silent ? EPOLLRDHUP : EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        drop(connection);
}

static void accept_all(struct worker *worker, int listener)
{
    enum {
        A_TURN = 256
    };
    for (int i = 0; i < A_TURN; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        adopt(worker, fd);
    }
}

static void on_event(struct worker *worker, const struct epoll_event *event)
{
    struct connection *connection = event->data.ptr;
    ptrdiff_t place = connection - worker->entries;
    if (place >= 0 && place < LISTENERS) {
        accept_all(worker, worker->listeners[place]);
        return;
    }
    bool over = (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (over || !serve(worker, connection))
        drop(connection);
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct epoll_event events[EVENTS];
    for (;;) {
        int count = epoll_wait(worker->epoll_fd, events, EVENTS, -1);
        if (count < 0 && errno != EINTR)
            return NULL;
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                return NULL;
            on_event(worker, &events[i]);
        }
    }
}

/* ---- listeners ---- */

static int new_listener(uint32_t address, uint16_t port, bool any, int backlog)
{
    int one = 1;
    struct sockaddr_in bound = {.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(any ? INADDR_ANY : address)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    /* Where this is not allowed, connections from elsewhere are closed when they are accepted. */
    if (any)
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
    if (bind(fd, (struct sockaddr *)&bound, sizeof bound) == 0 && listen(fd, backlog) == 0)
        return fd;
    int problem = errno;
    close(fd);
    errno = problem;
    return -1;
}

static bool open_worker(struct sim_scale *scale, struct worker *worker)
{
    struct epoll_event stop = {.events = EPOLLIN, .data.ptr = NULL};
    worker->scale = scale;
    worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (worker->epoll_fd < 0 ||
        epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, scale->stop_fd, &stop) != 0)
        return false;
    for (int i = 0; i < LISTENERS; i++) {
        struct sockaddr_in bound = {0};
        socklen_t length = sizeof bound;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &worker->entries[i]};
        worker->listeners[i] = new_listener(0, scale->port, true, BACKLOG);
        if (worker->listeners[i] < 0 ||
            getsockname(worker->listeners[i], (struct sockaddr *)&bound, &length) != 0 ||
            epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, worker->listeners[i], &event) != 0)
            return false;
        scale->port = ntohs(bound.sin_port);
    }
    return true;
}

/* As in listener.c: no backlog, and one connection in it. */
static bool open_dropper(struct sim_scale *scale, int index)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(scale->port),
                                  .sin_addr.s_addr = htonl(address_of(index))};
    int listener = new_listener(address_of(index), scale->port, false, 0);
    int filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    scale->droppers =
        sim_realloc(scale->droppers, (scale->dropper_count + 2) * sizeof *scale->droppers);
    scale->droppers[scale->dropper_count++] = listener;
    scale->droppers[scale->dropper_count++] = filler;
    return listener >= 0 && filler >= 0 &&
           connect(filler, (struct sockaddr *)&address, sizeof address) == 0;
}

static bool open_all(struct sim_scale *scale)
{
    for (int i = 0; i < scale->worker_count; i++) {
        if (!open_worker(scale, &scale->workers[i]))
            return false;
    }
    for (int i = 0; i < scale->count; i++) {
        if (fate_of(scale, i) == DROPPING && !open_dropper(scale, i))
            return false;
    }
    for (int i = 0; i < scale->worker_count; i++) {
        struct worker *worker = &scale->workers[i];
        int code = pthread_create(&worker->thread, NULL, work, worker);
        errno = code;
        worker->started = code == 0;
        if (code != 0)
            return false;
    }
    return true;
}

struct sim_scale *sim_scale_start(const struct sim_options *options)
{
    struct sim_scale *scale = sim_calloc(1, sizeof *scale);
    scale->count = (int)options->scale;
    scale->dead_percent = options->dead_percent;
    scale->openai = options->scale_openai;
    scale->worker_count = options->threads;
    scale->workers = sim_calloc((size_t)options->threads, sizeof *scale->workers);
    for (int i = 0; i < scale->worker_count; i++) {
        struct connection *ring = &scale->workers[i].ring;
        ring->next = ring->previous = ring;
        scale->workers[i].epoll_fd = -1;
        for (int j = 0; j < LISTENERS; j++)
            scale->workers[i].listeners[j] = -1;
    }
    sim_scale_answers_make(&scale->answers, scale->openai);
    scale->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (scale->stop_fd >= 0 && open_all(scale))
        return scale;
    sim_complain("cannot open %d endpoints: %s", scale->count, strerror(errno));
    sim_scale_stop(scale);
    return NULL;
}

static void close_worker(struct worker *worker)
{
    if (worker->started)
        pthread_join(worker->thread, NULL);
    struct connection *next = NULL;
    for (struct connection *one = worker->ring.next; one != &worker->ring; one = next) {
        next = one->next;
        drop(one);
    }
    for (int i = 0; i < LISTENERS; i++)
        sim_close(&worker->listeners[i]);
    sim_close(&worker->epoll_fd);
}

void sim_scale_stop(struct sim_scale *scale)
{
    if (scale == NULL)
        return;
    if (scale->stop_fd >= 0)
        eventfd_write(scale->stop_fd, 1);
    for (int i = 0; i < scale->worker_count; i++)
        close_worker(&scale->workers[i]);
    for (size_t i = 0; i < scale->dropper_count; i++)
        sim_close(&scale->droppers[i]);
    sim_close(&scale->stop_fd);
    sim_scale_answers_free(&scale->answers);
    free(scale->droppers);
    free(scale->workers);
    free(scale);
}

bool sim_scale_write_inventory(const struct sim_scale *scale, const char *path)
{
    struct sim_buf text = {0};
    sim_buf_puts(&text, "{\"endpoints\": {\n");
    for (int i = 0; i < scale->count; i++) {
        uint32_t address = address_of(i);
        sim_buf_printf(&text,
                       "\"scale/%05d\": {\"url\": \"http://127.%u.%u.%u:%u\", \"tier\": \"local\", "
                       "\"backend\": \"%s\", \"timeout\": 2}%s\n",
                       i, (address >> 16) & 255, (address >> 8) & 255, address & 255, scale->port,
                       scale->openai ? "openai" : "ollama", i + 1 < scale->count ? "," : "");
    }
    sim_buf_puts(&text, "}}\n");
    bool good = sim_write_file(path, text.data);
    sim_buf_free(&text);
    return good;
}
