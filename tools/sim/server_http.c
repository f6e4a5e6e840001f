/* The HTTP side, on libmicrohttpd: our loop accepts and hands connections to its daemon, whose
 * epoll set is nested in ours. Exchanges that wait are suspended there; those that a fault breaks
 * below HTTP are taken out and go on in server_raw.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"

enum {
    MAX_BODY = 16 << 20,
    MAX_CONNECTIONS = 4096,
    RUNS_A_TURN = 64
};

static struct sim_loop *loop_of(const struct sim_net *net)
{
    return net->endpoint->sim->loop;
}

/* ---- the daemon on the loop ---- */

static void run_daemon(struct sim_net *net)
{
    for (int i = 0; i < RUNS_A_TURN; i++) {
        MHD_UNSIGNED_LONG_LONG wait_ms = 1;
        MHD_run(net->daemon);
        if (MHD_get_timeout(net->daemon, &wait_ms) != MHD_YES || wait_ms > 0)
            return;
    }
    sim_timer_set(loop_of(net), &net->daemon_again, sim_monotonic_ms() + 1);
}

static void on_daemon(void *arg, uint32_t events)
{
    (void)events;
    run_daemon(arg);
}

static void on_again(void *arg)
{
    run_daemon(arg);
}

void sim_http_kick(struct sim_net *net)
{
    if (net->daemon != NULL && !net->stopping)
        sim_timer_set(loop_of(net), &net->daemon_again, sim_monotonic_ms());
}

/* ---- waiting and going on ---- */

static int descriptor(const struct sim_exchange *exchange)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info != NULL ? info->connect_fd : -1;
}

static void end_wait(struct sim_exchange *exchange)
{
    sim_watch_remove(loop_of(exchange->net), exchange->leave_watch);
    exchange->leave_watch = NULL;
    sim_timer_clear(loop_of(exchange->net), &exchange->timer);
    if (!exchange->suspended)
        return;
    exchange->suspended = false;
    MHD_resume_connection(exchange->connection);
    sim_http_kick(exchange->net);
}

static void on_leave(void *arg, uint32_t events)
{
    struct sim_exchange *exchange = arg;
    (void)events;
    sim_job_abort(exchange->net->endpoint, &exchange->job);
    exchange->phase = SIM_GONE;
    end_wait(exchange);
}

static void begin_wait(struct sim_exchange *exchange, int64_t until_ms)
{
    struct sim_loop *loop = loop_of(exchange->net);
    if (!exchange->suspended) {
        MHD_suspend_connection(exchange->connection);
        exchange->suspended = true;
        exchange->leave_watch =
            sim_watch_add(loop, descriptor(exchange), EPOLLRDHUP, on_leave, exchange);
    }
    int64_t at_ms = until_ms;
    if (until_ms != SIM_NEVER)
        at_ms += exchange->net->endpoint->sim->start_ms;
    sim_timer_set(loop, &exchange->timer, at_ms);
}

/* The library's descriptor is made to mean one end of a dead socket pair, and the real connection
 * goes on elsewhere. Suspended, it is in none of the library's sets. */
static void take_out(struct sim_exchange *exchange, struct sim_plan *plan)
{
    int pair[2];
    int fd = descriptor(exchange);
    if (!exchange->suspended) {
        MHD_suspend_connection(exchange->connection);
        exchange->suspended = true;
    }
    sim_watch_remove(loop_of(exchange->net), exchange->leave_watch);
    exchange->leave_watch = NULL;
    int real = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (real >= 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
        dup3(pair[0], fd, O_CLOEXEC);
        close(pair[0]);
        close(pair[1]);
        sim_raw_start(exchange->net, real, plan);
    } else {
        sim_complain("endpoint '%s': cannot play a fault: %s", exchange->net->endpoint->config->id,
                     strerror(errno));
        sim_buf_free(&plan->bytes);
        sim_close(&real);
    }
    exchange->phase = SIM_GONE;
    end_wait(exchange);
}

static void go_on(struct sim_exchange *exchange)
{
    struct sim_plan plan;
    int64_t again_ms = sim_exchange_step(exchange);
    if (exchange->phase != SIM_READY) {
        begin_wait(exchange, again_ms);
        return;
    }
    if (sim_exchange_plan(exchange, &plan)) {
        sim_job_finish(exchange->net->endpoint, &exchange->job,
                       sim_now(exchange->net->endpoint->sim));
        take_out(exchange, &plan);
        return;
    }
    end_wait(exchange);
}

static void on_wait_over(void *arg)
{
    struct sim_exchange *exchange = arg;
    if (exchange->phase == SIM_STREAMING) {
        end_wait(exchange);
        return;
    }
    sim_endpoint_update(exchange->net->endpoint, sim_now(exchange->net->endpoint->sim));
    go_on(exchange);
}

void sim_http_poke(struct sim_net *net)
{
    struct sim_exchange *next = NULL;
    for (struct sim_exchange *exchange = net->exchanges; exchange != NULL; exchange = next) {
        next = exchange->next;
        if (exchange->suspended && exchange->phase == SIM_WAITING)
            go_on(exchange);
        else if (exchange->suspended && exchange->phase == SIM_STREAMING)
            end_wait(exchange);
    }
}

/* ---- answers ---- */

static ssize_t read_filler(struct sim_exchange *exchange, uint64_t position, char *out, size_t max)
{
    const struct sim_buf *start = &exchange->answer.body;
    size_t count = 0;
    if (position < start->length) {
        count = start->length - (size_t)position;
        count = count < max ? count : max;
        memcpy(out, start->data + position, count);
        return (ssize_t)count;
    }
    memset(out, 'a', max);
    return (ssize_t)max;
}

static bool stream_held(const struct sim_exchange *exchange)
{
    const struct sim_endpoint *endpoint = exchange->net->endpoint;
    return endpoint->state.wedged || endpoint->state.listener == SIM_DROP;
}

static ssize_t read_stream(struct sim_exchange *exchange, char *out, size_t max)
{
    struct sim_endpoint *endpoint = exchange->net->endpoint;
    int64_t now_ms = sim_now(endpoint->sim);
    if (exchange->piece == exchange->answer.piece_count) {
        sim_job_finish(endpoint, &exchange->job, now_ms);
        sim_net_refresh_soon(endpoint);
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (stream_held(exchange) || now_ms < exchange->next_piece_ms) {
        begin_wait(exchange, stream_held(exchange) ? SIM_NEVER : exchange->next_piece_ms);
        return 0;
    }
    const char *piece = exchange->answer.pieces[exchange->piece];
    size_t left = strlen(piece) - exchange->piece_sent;
    size_t count = left < max ? left : max;
    memcpy(out, piece + exchange->piece_sent, count);
    exchange->piece_sent += count;
    if (count == left) {
        exchange->piece++;
        exchange->piece_sent = 0;
        exchange->next_piece_ms = now_ms + exchange->answer.piece_ms;
    }
    return (ssize_t)count;
}

/* libmicrohttpd 0.9.75 forgets a connection whose reader ends with an error in epoll mode, so it is
 * made to fail in sending instead. */
static ssize_t break_off(const struct sim_exchange *exchange, char *out)
{
    shutdown(descriptor(exchange), SHUT_RDWR);
    out[0] = ' ';
    return 1;
}

static ssize_t on_read(void *arg, uint64_t position, char *out, size_t max)
{
    struct sim_exchange *exchange = arg;
    if (exchange->phase == SIM_GONE)
        return break_off(exchange, out);
    if (exchange->answer.kind == SIM_BODY_STREAM)
        return read_stream(exchange, out, max);
    return read_filler(exchange, position, out, max);
}

static struct MHD_Response *make_response(struct sim_exchange *exchange)
{
    struct sim_answer *answer = &exchange->answer;
    if (answer->kind == SIM_BODY_WHOLE)
        return MHD_create_response_from_buffer(answer->body.length, answer->body.data,
                                               MHD_RESPMEM_MUST_COPY);
    uint64_t size = answer->kind == SIM_BODY_FILLER ? (uint64_t)answer->length : MHD_SIZE_UNKNOWN;
    exchange->phase = SIM_STREAMING;
    return MHD_create_response_from_callback(size, 32768, on_read, exchange, NULL);
}

static enum MHD_Result send_answer(struct sim_exchange *exchange)
{
    const struct sim_answer *answer = &exchange->answer;
    struct MHD_Response *response = make_response(exchange);
    sim_net_follow(exchange->net->endpoint);
    if (response == NULL)
        return MHD_NO;
    for (size_t i = 0; i < answer->header_count; i++)
        MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
    enum MHD_Result result =
        MHD_queue_response(exchange->connection, (unsigned)answer->status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- requests ---- */

static char *copy_value(struct MHD_Connection *connection, enum MHD_ValueKind kind, const char *key)
{
    const char *value = MHD_lookup_connection_value(connection, kind, key);
    return value != NULL ? sim_strdup(value) : NULL;
}

static bool flag_is(struct MHD_Connection *connection, const char *key, const char *text)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, key);
    return value != NULL && strcmp(value, text) == 0;
}

static struct sim_exchange *new_exchange(struct sim_net *net, struct MHD_Connection *connection,
                                         const char *path, const char *method)
{
    struct sim_exchange *exchange = sim_calloc(1, sizeof *exchange);
    struct sim_request *request = &exchange->request;
    exchange->net = net;
    exchange->connection = connection;
    exchange->method = sim_strdup(method);
    exchange->path = sim_strdup(path);
    request->method = exchange->method;
    request->path = exchange->path;
    request->authorization = copy_value(connection, MHD_HEADER_KIND, "Authorization");
    request->x_api_key = copy_value(connection, MHD_HEADER_KIND, "X-Api-Key");
    request->query_model = copy_value(connection, MHD_GET_ARGUMENT_KIND, "model");
    request->autoload = !flag_is(connection, "autoload", "false");
    request->fail_on_no_slot = flag_is(connection, "fail_on_no_slot", "1");
    sim_timer_init(&exchange->timer, on_wait_over, exchange);
    exchange->next = net->exchanges;
    if (net->exchanges != NULL)
        net->exchanges->previous = exchange;
    net->exchanges = exchange;
    return exchange;
}

static void unlink_exchange(struct sim_exchange *exchange)
{
    if (exchange->next != NULL)
        exchange->next->previous = exchange->previous;
    if (exchange->previous != NULL)
        exchange->previous->next = exchange->next;
    else
        exchange->net->exchanges = exchange->next;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    struct sim_exchange *exchange = *state;
    (void)version;
    if (exchange == NULL) {
        *state = new_exchange(arg, connection, url, method);
        return MHD_YES;
    }
    if (*upload_size > 0) {
        if (exchange->request.body.length + *upload_size > MAX_BODY)
            return MHD_NO;
        sim_buf_add(&exchange->request.body, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    if (exchange->phase == SIM_READING) {
        sim_exchange_begin(exchange);
        exchange->phase = SIM_WAITING;
        go_on(exchange);
        /* Suspended; whatever becomes of it is said when the library asks again. */
        if (exchange->phase != SIM_READY)
            return MHD_YES;
    }
    return exchange->phase == SIM_READY ? send_answer(exchange) : MHD_NO;
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct sim_net *net = arg;
    struct sim_exchange *exchange = *state;
    (void)connection;
    (void)code;
    if (exchange == NULL)
        return;
    sim_job_abort(net->endpoint, &exchange->job);
    sim_timer_clear(loop_of(net), &exchange->timer);
    sim_watch_remove(loop_of(net), exchange->leave_watch);
    unlink_exchange(exchange);
    sim_exchange_release(exchange);
    *state = NULL;
    sim_net_refresh_soon(net->endpoint);
}

/* ---- connections ---- */

static void on_connection(void *arg, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode code)
{
    struct sim_net *net = arg;
    struct sim_open *open = *state;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        open = sim_calloc(1, sizeof *open);
        *open = (struct sim_open){.fd = info != NULL ? info->connect_fd : -1, .next = net->opens};
        if (net->opens != NULL)
            net->opens->previous = open;
        net->opens = open;
        *state = open;
        return;
    }
    if (open == NULL)
        return;
    if (open->next != NULL)
        open->next->previous = open->previous;
    if (open->previous != NULL)
        open->previous->next = open->next;
    else
        net->opens = open->next;
    free(open);
    *state = NULL;
}

void sim_http_adopt(struct sim_net *net, int fd)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    if (getpeername(fd, (struct sockaddr *)&peer, &length) != 0) {
        close(fd);
        return;
    }
    /* Closes the descriptor itself when it fails. */
    if (MHD_add_connection(net->daemon, fd, (struct sockaddr *)&peer, length) == MHD_YES)
        sim_http_kick(net);
}

void sim_http_drop_all(struct sim_net *net)
{
    for (struct sim_exchange *exchange = net->exchanges; exchange != NULL;
         exchange = exchange->next) {
        if (!exchange->suspended)
            continue;
        sim_job_abort(net->endpoint, &exchange->job);
        exchange->phase = SIM_GONE;
        end_wait(exchange);
    }
    for (struct sim_open *open = net->opens; open != NULL; open = open->next)
        shutdown(open->fd, SHUT_RDWR);
    sim_http_kick(net);
}

size_t sim_http_count(const struct sim_net *net)
{
    size_t count = 0;
    for (const struct sim_open *open = net->opens; open != NULL; open = open->next)
        count++;
    return count;
}

static void stay_quiet(void *arg, const char *format, va_list args)
{
    (void)arg;
    (void)format;
    (void)args;
}

bool sim_http_start(struct sim_net *net)
{
    bool tls = net->tls.certificate != NULL;
    unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : 0U);
    struct MHD_OptionItem tls_options[] = {
        {MHD_OPTION_HTTPS_MEM_KEY, 0, net->tls.key},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, net->tls.certificate},
        {MHD_OPTION_END, 0, NULL},
    };
    sim_timer_init(&net->daemon_again, on_again, net);
    net->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, net, MHD_OPTION_EXTERNAL_LOGGER, stay_quiet, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, net, MHD_OPTION_NOTIFY_CONNECTION, on_connection, net, MHD_OPTION_ARRAY,
        tls ? tls_options : &tls_options[2], MHD_OPTION_END);
    if (net->daemon == NULL) {
        sim_complain("endpoint '%s': cannot start the HTTP library", net->endpoint->config->id);
        return false;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(net->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info != NULL)
        net->daemon_watch = sim_watch_add(loop_of(net), info->epoll_fd, EPOLLIN, on_daemon, net);
    return net->daemon_watch != NULL;
}

static bool any_waits(const struct sim_net *net)
{
    for (const struct sim_exchange *exchange = net->exchanges; exchange != NULL;
         exchange = exchange->next)
        if (exchange->suspended)
            return true;
    return false;
}

void sim_http_stop(struct sim_net *net)
{
    if (net->daemon == NULL)
        return;
    /* A request that had come when its connection was shut down may wait anew, which the library
     * takes for a fatal mistake when it stops. */
    do {
        sim_http_drop_all(net);
        MHD_run(net->daemon);
    } while (any_waits(net));
    sim_timer_clear(loop_of(net), &net->daemon_again);
    sim_watch_remove(loop_of(net), net->daemon_watch);
    MHD_stop_daemon(net->daemon);
    net->daemon = NULL;
}
