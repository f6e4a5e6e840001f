/* A monitor in the library's own thread, over real sockets, while the host does all that it may. */
#include <homelab/homelab.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ENDPOINTS 12

/* Answers every request with 200, one after the other, until its listening socket is shut down. */
struct server {
    int fd, port;
    pthread_t thread;
    atomic_int requests;
};

static void answer(struct server *server, int client)
{
    static const char text[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    char request[4096];
    size_t length = 0;
    struct timeval patience = {.tv_sec = 2};
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    request[0] = '\0';
    while (!strstr(request, "\r\n\r\n")) {
        ssize_t got = recv(client, request + length, sizeof request - 1 - length, 0);
        if (got <= 0)
            return;
        length += (size_t)got;
        request[length] = '\0';
    }
    if (send(client, text, sizeof text - 1, MSG_NOSIGNAL) > 0)
        atomic_fetch_add(&server->requests, 1);
}

static void *serve(void *userdata)
{
    struct server *server = userdata;
    int client;
    while ((client = accept(server->fd, NULL, NULL)) >= 0 || errno == ECONNABORTED) {
        answer(server, client);
        shutdown(client, SHUT_WR);
        close(client);
    }
    return NULL;
}

static int start_server(void **state)
{
    struct server *server = calloc(1, sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->fd, (struct sockaddr *)&address, size) || listen(server->fd, 128) ||
        getsockname(server->fd, (struct sockaddr *)&address, &size))
        return -1;
    server->port = ntohs(address.sin_port);
    *state = server;
    return pthread_create(&server->thread, NULL, serve, server);
}

static int stop_server(void **state)
{
    struct server *server = *state;
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
    free(server);
    return 0;
}

static homelab_inventory *inventory(const struct server *server, int count, const char *key)
{
    char text[ENDPOINTS * 160];
    homelab_inventory *made = NULL;
    size_t at = (size_t)snprintf(text, sizeof text, "{\"endpoints\":{");
    for (int i = 0; i < count; i++)
        at += (size_t)snprintf(text + at, sizeof text - at,
                               "%s\"local/e%d\":{\"url\":\"http://127.0.0.1:%d/%d\",\"tier\":"
                               "\"local\",\"backend\":\"http\"%s}",
                               i ? "," : "", i, server->port, i, key);
    snprintf(text + at, sizeof text - at, "}}");
    if (homelab_inventory_load_text(&made, text, strlen(text), HOMELAB_FORMAT_JSON, NULL, NULL))
        fail_msg("%s", homelab_error_message());
    return made;
}

struct host {
    pthread_t thread;
    int lines, keys, elsewhere;
};

static void on_log(int level, const char *subsystem, const char *message, void *userdata)
{
    (void)level, (void)subsystem, (void)message;
    struct host *host = userdata;
    host->lines++;
    host->elsewhere += !pthread_equal(pthread_self(), host->thread);
}

static int on_secret(homelab_secret_request *request, void *userdata)
{
    struct host *host = userdata;
    host->keys++;
    host->elsewhere += !pthread_equal(pthread_self(), host->thread);
    homelab_secret_request_answer(request, "hush");
    return HOMELAB_SECRET_DONE;
}

static homelab_ctx *threaded_ctx(struct host *host)
{
    homelab_ctx *ctx;
    host->thread = pthread_self();
    assert_int_equal(homelab_ctx_new(&ctx, NULL), 0);
    assert_int_equal(homelab_ctx_set_log(ctx, HOMELAB_LOG_DEBUG, on_log, host, NULL), 0);
    assert_int_equal(homelab_ctx_set_secret_provider(ctx, on_secret, host, NULL), 0);
    assert_int_equal(homelab_ctx_start_thread(ctx), 0);
    return ctx;
}

static homelab_prober *prober_of(homelab_ctx *ctx, homelab_inventory *inventory)
{
    homelab_opts *opts;
    homelab_prober *prober;
    assert_int_equal(homelab_opts_new(&opts), 0);
    assert_int_equal(homelab_opts_set_int(opts, HOMELAB_OPT_HEALTH_INTERVAL_MS, 100), 0);
    assert_int_equal(homelab_opts_set_int(opts, HOMELAB_OPT_HEALTH_FAST_INTERVAL_MS, 100), 0);
    assert_int_equal(homelab_prober_new(&prober, ctx, inventory, opts), 0);
    homelab_opts_free(opts);
    homelab_inventory_unref(inventory);
    return prober;
}

static void look(homelab_prober *prober)
{
    homelab_snapshot *snapshot;
    assert_int_equal(homelab_prober_snapshot(prober, &snapshot), 0);
    char *json = homelab_snapshot_json(snapshot);
    assert_non_null(json);
    homelab_free(json);
    homelab_snapshot_unref(snapshot);
}

static void test_sweep(void **state)
{
    struct host host = {0};
    homelab_ctx *ctx = threaded_ctx(&host);
    homelab_prober *prober = prober_of(ctx, inventory(*state, ENDPOINTS, ""));
    homelab_snapshot *snapshot;
    for (int i = 0; i < 5; i++)
        assert_int_equal(homelab_prober_check_now(prober, 30000), HOMELAB_OK);
    assert_int_equal(homelab_prober_snapshot(prober, &snapshot), 0);
    assert_int_equal(homelab_snapshot_verdict(snapshot), HOMELAB_VERDICT_HEALTHY);
    homelab_snapshot_unref(snapshot);
    homelab_prober_unref(prober);
    homelab_ctx_unref(ctx);
    assert_int_equal(host.elsewhere, 0);
}

static void test_monitor(void **state)
{
    struct host host = {0};
    homelab_ctx *ctx = threaded_ctx(&host);
    homelab_prober *prober =
        prober_of(ctx, inventory(*state, ENDPOINTS, ",\"api_key\":\"env:HL_TEST_KEY\""));
    assert_int_equal(homelab_prober_start(prober, 0), 0);
    for (int i = 0; i < 40; i++) {
        assert_true(homelab_ctx_wait(ctx, 25) >= 0);
        homelab_event *event;
        while (homelab_ctx_next_event(ctx, &event) == 1)
            homelab_event_unref(event);
        look(prober);
        assert_int_equal(
            homelab_prober_observe(prober, "local/e0", HOMELAB_OUTCOME_SERVER_ERROR, 1000), 0);
        char *stats = homelab_ctx_stats_json(ctx);
        assert_non_null(stats);
        homelab_free(stats);
        if (i == 20) {
            homelab_inventory *fewer = inventory(*state, ENDPOINTS / 2, "");
            assert_int_equal(homelab_prober_set_inventory(prober, fewer), 0);
            homelab_inventory_unref(fewer);
        }
    }
    assert_true(atomic_load(&((struct server *)*state)->requests) > 2 * ENDPOINTS);
    assert_int_equal(host.elsewhere, 0);
    assert_true(host.keys > 0);
    homelab_prober_unref(prober);
    homelab_ctx_unref(ctx);
}

/* Whatever runs at that moment. */
static void test_close_at_any_time(void **state)
{
    for (int i = 0; i < 30; i++) {
        struct host host = {0};
        homelab_ctx *ctx = threaded_ctx(&host);
        homelab_prober *prober = prober_of(ctx, inventory(*state, ENDPOINTS, ""));
        homelab_op *op;
        assert_int_equal(homelab_prober_check(prober, 0, &op), 0);
        assert_int_equal(homelab_prober_start(prober, 0), 0);
        nanosleep(&(struct timespec){.tv_nsec = i * 300000L}, NULL);
        if (i % 3 == 0) {
            assert_int_equal(homelab_op_cancel(op), 0);
        } else if (i % 3 == 1) {
            assert_int_equal(homelab_ctx_close(ctx), 0);
            assert_true(homelab_op_is_done(op));
        }
        homelab_ctx_unref(ctx);
        homelab_prober_unref(prober);
        assert_true(homelab_op_is_done(op));
        homelab_op_unref(op);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sweep, start_server, stop_server),
        cmocka_unit_test_setup_teardown(test_monitor, start_server, stop_server),
        cmocka_unit_test_setup_teardown(test_close_at_any_time, start_server, stop_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
