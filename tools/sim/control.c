#include "control.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "net.h"

enum {
    MAX_BODY = 1 << 20
};

static const char endpoint_prefix[] = "/sim/endpoint/";
static const char fault_suffix[] = "/fault";

struct sim_control {
    struct sim *sim;
    struct MHD_Daemon *daemon;
    struct sim_watch *watch;
    struct sim_timer again;
    int port;
};

struct control_request {
    struct sim_buf body;
    bool too_large;
};

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, cJSON *json)
{
    char *text = cJSON_Print(json);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_COPY);
    cJSON_free(text);
    cJSON_Delete(json);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *text)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "error", text);
    return reply(connection, status, json);
}

static enum MHD_Result agree(struct MHD_Connection *connection)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddBoolToObject(json, "ok", true);
    return reply(connection, 200, json);
}

static const char *mode_name(enum sim_listener_mode mode)
{
    static const char *const names[] = {"listening", "refusing", "dropping"};
    return names[mode];
}

static cJSON *describe(struct sim *sim)
{
    cJSON *json = cJSON_CreateObject();
    for (size_t i = 0; i < sim->endpoint_count; i++) {
        struct sim_endpoint *endpoint = &sim->endpoints[i];
        cJSON *entry = cJSON_AddObjectToObject(json, endpoint->config->id);
        char *url = sim_endpoint_url(endpoint);
        cJSON_AddStringToObject(entry, "url", url);
        free(url);
        cJSON_AddStringToObject(entry, "backend", sim_backend_name(endpoint->config->backend));
        cJSON_AddStringToObject(entry, "listener", mode_name(endpoint->net->mode));
        cJSON_AddNumberToObject(entry, "attempts", (double)endpoint->attempts);
        cJSON *faults = cJSON_AddArrayToObject(entry, "active");
        for (size_t j = 0; j < endpoint->faults.count; j++) {
            const struct sim_fault *fault = &endpoint->faults.items[j];
            if (sim_fault_active(fault, sim_now(sim), endpoint->attempts))
                cJSON_AddItemToArray(faults, cJSON_CreateString(sim_fault_name(fault->kind)));
        }
    }
    return json;
}

static bool read_faults(struct sim_endpoint *endpoint, const struct sim_buf *body,
                        struct sim_faults *out, struct sim_reader *reader)
{
    cJSON *json = sim_read_text(reader, body->data != NULL ? body->data : "", body->length);
    bool good = json != NULL && sim_faults_parse(reader, json, "fault", out) &&
                sim_faults_fit(reader, "fault", endpoint->config, out);
    cJSON_Delete(json);
    return good;
}

/* Windows of faults that are set at run time count from now. */
static void add_faults(struct sim_endpoint *endpoint, struct sim_faults *fresh)
{
    struct sim_faults *all = &endpoint->faults;
    all->items = sim_realloc(all->items, (all->count + fresh->count) * sizeof *all->items);
    for (size_t i = 0; i < fresh->count; i++) {
        struct sim_fault *fault = &all->items[all->count++];
        *fault = fresh->items[i];
        fault->base_ms = sim_now(endpoint->sim);
        fault->base_attempts = endpoint->attempts;
    }
    free(fresh->items);
}

static enum MHD_Result set_faults(struct MHD_Connection *connection, struct sim_endpoint *endpoint,
                                  const char *method, const struct sim_buf *body)
{
    struct sim_faults fresh = {0};
    struct sim_reader reader = {.name = "request"};
    bool clear = strcmp(method, "DELETE") == 0;
    bool replace = strcmp(method, "PUT") == 0;
    if (!clear && !replace && strcmp(method, "POST") != 0)
        return refuse(connection, 405, "expected POST, PUT or DELETE");
    if (!clear && !read_faults(endpoint, body, &fresh, &reader)) {
        enum MHD_Result result = refuse(connection, 400, reader.problems.data);
        sim_faults_free(&fresh);
        sim_reader_free(&reader);
        return result;
    }
    if (clear || replace)
        sim_faults_free(&endpoint->faults);
    if (fresh.count > 0)
        add_faults(endpoint, &fresh);
    else
        free(fresh.items);
    sim_net_refresh(endpoint);
    return agree(connection);
}

static enum MHD_Result answer(struct sim_control *control, struct MHD_Connection *connection,
                              const char *path, const char *method, const struct sim_buf *body)
{
    bool get = strcmp(method, "GET") == 0;
    bool post = strcmp(method, "POST") == 0;
    if (get && strcmp(path, "/sim/stats") == 0)
        return reply(connection, 200, sim_cluster_stats(control->sim));
    if (get && strcmp(path, "/sim/endpoints") == 0)
        return reply(connection, 200, describe(control->sim));
    if (post && strcmp(path, "/sim/stats/reset") == 0) {
        sim_cluster_reset_stats(control->sim);
        return agree(connection);
    }
    if (post && strcmp(path, "/sim/stop") == 0) {
        enum MHD_Result result = agree(connection);
        sim_loop_stop(control->sim->loop);
        return result;
    }
    if (!sim_starts_with(path, endpoint_prefix) || !sim_ends_with(path, fault_suffix))
        return refuse(connection, 404, "unknown path");
    size_t length = strlen(path);
    size_t around = strlen(endpoint_prefix) + strlen(fault_suffix);
    if (length <= around)
        return refuse(connection, 404, "expected an endpoint's id in the path");
    char *id = sim_strndup(path + strlen(endpoint_prefix), length - around);
    struct sim_endpoint *endpoint = sim_cluster_find(control->sim, id);
    free(id);
    if (endpoint == NULL)
        return refuse(connection, 404, "no endpoint has that id");
    return set_faults(connection, endpoint, method, body);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    struct control_request *request = *state;
    (void)version;
    if (request == NULL) {
        *state = sim_calloc(1, sizeof *request);
        return MHD_YES;
    }
    if (*upload_size > 0) {
        request->too_large = request->body.length + *upload_size > MAX_BODY;
        if (!request->too_large)
            sim_buf_add(&request->body, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    if (request->too_large)
        return refuse(connection, 413, "the body is larger than 1 MiB");
    return answer(arg, connection, url, method, &request->body);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct control_request *request = *state;
    (void)arg;
    (void)connection;
    (void)code;
    if (request != NULL)
        sim_buf_free(&request->body);
    free(request);
    *state = NULL;
}

static void run(struct sim_control *control)
{
    enum {
        RUNS_A_TURN = 16
    };
    for (int i = 0; i < RUNS_A_TURN; i++) {
        MHD_UNSIGNED_LONG_LONG wait_ms = 1;
        MHD_run(control->daemon);
        if (MHD_get_timeout(control->daemon, &wait_ms) != MHD_YES || wait_ms > 0)
            return;
    }
    sim_timer_set(control->sim->loop, &control->again, sim_monotonic_ms() + 1);
}

static void on_event(void *arg, uint32_t events)
{
    (void)events;
    run(arg);
}

static void on_again(void *arg)
{
    run(arg);
}

struct sim_control *sim_control_start(struct sim *sim, int port)
{
    struct sim_control *control = sim_calloc(1, sizeof *control);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    control->sim = sim;
    sim_timer_init(&control->again, on_again, control);
    control->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, (uint16_t)port, NULL, NULL, on_request, control, MHD_OPTION_SOCK_ADDR,
        &address, MHD_OPTION_NOTIFY_COMPLETED, on_completed, control, MHD_OPTION_END);
    if (control->daemon == NULL) {
        sim_complain("cannot listen on control port %d", port);
        free(control);
        return NULL;
    }
    control->port = MHD_get_daemon_info(control->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    int fd = MHD_get_daemon_info(control->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    control->watch = sim_watch_add(sim->loop, fd, EPOLLIN, on_event, control);
    return control;
}

int sim_control_port(const struct sim_control *control)
{
    return control->port;
}

void sim_control_stop(struct sim_control *control)
{
    if (control == NULL)
        return;
    /* The answer to "stop" is still to be sent. */
    for (int i = 0; i < 4; i++)
        MHD_run(control->daemon);
    sim_timer_clear(control->sim->loop, &control->again);
    sim_watch_remove(control->sim->loop, control->watch);
    MHD_stop_daemon(control->daemon);
    free(control);
}
