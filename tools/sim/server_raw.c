/* Connections below HTTP: bytes at a chosen pace, and every way to end or not to end. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

enum {
    LINGER_MS = 2000, /* how long a closed connection's further input is read */
    SETTLE_MS = 30    /* before an RST, so that what was sent arrives first */
};

struct sim_raw {
    struct sim_net *net;
    int fd;
    struct sim_plan plan;
    size_t sent;
    size_t allowed; /* may be sent by now */
    enum {
        RAW_SENDING,
        RAW_SETTLING,
        RAW_READING,
        RAW_SILENT
    } phase;
    struct sim_watch *watch;
    struct sim_timer timer;
    struct sim_raw *next, *previous;
};

static void unlink_raw(struct sim_raw *raw)
{
    struct sim_net *net = raw->net;
    if (raw->next != NULL)
        raw->next->previous = raw->previous;
    if (raw->previous != NULL)
        raw->previous->next = raw->next;
    else
        net->raws = raw->next;
}

/* Frees all but the descriptor. */
static void forget(struct sim_raw *raw)
{
    struct sim_loop *loop = raw->net->endpoint->sim->loop;
    unlink_raw(raw);
    sim_timer_clear(loop, &raw->timer);
    sim_watch_remove(loop, raw->watch);
    sim_buf_free(&raw->plan.bytes);
    free(raw);
}

static void finish(struct sim_raw *raw)
{
    int fd = raw->fd;
    forget(raw);
    close(fd);
}

static void reset(struct sim_raw *raw)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(raw->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    finish(raw);
}

static void listen_for(struct sim_raw *raw, uint32_t events)
{
    sim_watch_change(raw->net->endpoint->sim->loop, raw->watch, events | EPOLLRDHUP);
}

static void wait_until(struct sim_raw *raw, int64_t delay_ms)
{
    sim_timer_set(raw->net->endpoint->sim->loop, &raw->timer, sim_monotonic_ms() + delay_ms);
}

static void begin_end(struct sim_raw *raw)
{
    switch (raw->plan.end) {
    case SIM_END_RESET:
        raw->phase = RAW_SETTLING;
        if (raw->sent == 0)
            reset(raw);
        else
            wait_until(raw, SETTLE_MS);
        break;
    case SIM_END_CLOSE:
        wait_until(raw, LINGER_MS);
        shutdown(raw->fd, SHUT_WR);
        raw->phase = RAW_READING;
        listen_for(raw, EPOLLIN);
        break;
    case SIM_END_HALF_CLOSE:
        shutdown(raw->fd, SHUT_WR);
        raw->phase = RAW_READING;
        listen_for(raw, EPOLLIN);
        break;
    case SIM_END_STAY:
        raw->phase = RAW_READING;
        listen_for(raw, EPOLLIN);
        break;
    default:
        raw->phase = RAW_SILENT;
        listen_for(raw, 0);
        break;
    }
}

static void send_some(struct sim_raw *raw)
{
    while (raw->sent < raw->allowed) {
        ssize_t done =
            send(raw->fd, raw->plan.bytes.data + raw->sent, raw->allowed - raw->sent, MSG_NOSIGNAL);
        if (done < 0 && errno == EAGAIN) {
            listen_for(raw, EPOLLOUT);
            return;
        }
        if (done < 0) {
            finish(raw);
            return;
        }
        raw->sent += (size_t)done;
    }
    if (raw->sent == raw->plan.bytes.length) {
        begin_end(raw);
        return;
    }
    listen_for(raw, 0);
    wait_until(raw, raw->plan.interval_ms);
}

static void on_timer(void *arg)
{
    struct sim_raw *raw = arg;
    if (raw->phase == RAW_SETTLING) {
        reset(raw);
        return;
    }
    if (raw->phase != RAW_SENDING) {
        finish(raw);
        return;
    }
    size_t left = raw->plan.bytes.length - raw->allowed;
    raw->allowed += raw->plan.piece < left ? raw->plan.piece : left;
    send_some(raw);
}

/* False when the other side is done. */
static bool read_away(int fd)
{
    char waste[16384];
    for (;;) {
        ssize_t count = recv(fd, waste, sizeof waste, 0);
        if (count < 0)
            return errno == EAGAIN;
        if (count == 0)
            return false;
    }
}

static void on_event(void *arg, uint32_t events)
{
    struct sim_raw *raw = arg;
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        finish(raw);
        return;
    }
    if (raw->phase == RAW_READING) {
        if (!read_away(raw->fd))
            finish(raw);
        return;
    }
    if ((events & EPOLLRDHUP) != 0) {
        finish(raw);
        return;
    }
    if (raw->phase == RAW_SENDING && (events & EPOLLOUT) != 0)
        send_some(raw);
}

void sim_raw_start(struct sim_net *net, int fd, struct sim_plan *plan)
{
    struct sim_raw *raw = sim_calloc(1, sizeof *raw);
    *raw = (struct sim_raw){.net = net, .fd = fd, .plan = *plan, .next = net->raws};
    *plan = (struct sim_plan){0};
    raw->allowed = raw->plan.first;
    sim_timer_init(&raw->timer, on_timer, raw);
    if (net->raws != NULL)
        net->raws->previous = raw;
    net->raws = raw;
    raw->watch = sim_watch_add(net->endpoint->sim->loop, fd, EPOLLRDHUP, on_event, raw);
    if (raw->watch == NULL) {
        finish(raw);
        return;
    }
    send_some(raw);
}

static bool still_parked(const struct sim_raw *raw)
{
    const struct sim_endpoint *endpoint = raw->net->endpoint;
    const struct sim_fault *fault =
        sim_faults_strike(&endpoint->faults, sim_now(endpoint->sim), raw->plan.attempt, NULL);
    return fault != NULL && fault->kind == SIM_FAULT_HANG;
}

void sim_raw_unpark(struct sim_net *net)
{
    struct sim_raw *next = NULL;
    for (struct sim_raw *raw = net->raws; raw != NULL; raw = next) {
        next = raw->next;
        if (raw->plan.end != SIM_END_PARK || still_parked(raw))
            continue;
        int fd = raw->fd;
        forget(raw);
        if (net->endpoint->config->backend == SIM_TCP) {
            struct sim_plan plan = {.end = SIM_END_STAY};
            sim_raw_start(net, fd, &plan);
        } else {
            sim_http_adopt(net, fd);
        }
    }
}

void sim_raw_drop_all(struct sim_net *net)
{
    struct sim_raw *next = NULL;
    for (struct sim_raw *raw = net->raws; raw != NULL; raw = next) {
        next = raw->next;
        finish(raw);
    }
}

size_t sim_raw_count(const struct sim_net *net)
{
    size_t count = 0;
    for (const struct sim_raw *raw = net->raws; raw != NULL; raw = raw->next)
        count++;
    return count;
}
