#include "support/fault_server.h"
#include "support/http_ask.h"

#include <errno.h>
#include <sys/un.h>

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: test/1\r\n"

static const char *url_of(int port, const char *path)
{
    static char url[256];
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", port, path);
    return url;
}

static struct answer get(homelab_ctx *ctx, int port, int timeout_ms)
{
    return ask(ctx, (struct hl_http_request){.url = url_of(port, "/x")}, timeout_ms);
}

/* --- Faults --- */

static bool say_text(struct fault_server *server, int fd, const char *request)
{
    (void)request;
    fault_send(fd, server->text);
    return true;
}

static bool say_text_and_close(struct fault_server *server, int fd, const char *request)
{
    (void)request;
    fault_send(fd, server->text);
    return false;
}

static bool reset(struct fault_server *server, int fd, const char *request)
{
    (void)request;
    struct linger linger = {.l_onoff = 1};
    fault_send(fd, server->text);
    /* The descriptor itself stays, for the server to close. */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    int null = socket(AF_INET, SOCK_STREAM, 0);
    dup2(null, fd);
    close(null);
    return false;
}

static bool say_without_end(struct fault_server *server, int fd, const char *request)
{
    (void)request;
    fault_send(fd, server->text);
    char block[4096];
    memset(block, 'a', sizeof block);
    for (int i = 0; i < 25600; i++) {
        if (strstr(server->text, "\r\n\r\n") == NULL && i % 2)
            memcpy(block, "\r\nX-More: ", 10);
        if (send(fd, block, sizeof block, MSG_NOSIGNAL) <= 0)
            break;
    }
    return false;
}

static const char plain_answer[] = OK_HEAD "Content-Length: 11\r\n\r\n{\"ok\":true}";

static void answers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code, status;
        const char *body;
        int64_t retry_after_s;
    } cases[] = {
        {plain_answer, HOMELAB_OK, 200, "{\"ok\":true}", -1},
        {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"o\r\n8\r\nk\":true}\r\n0\r\n\r\n",
         HOMELAB_OK, 200, "{\"ok\":true}", -1},
        {"HTTP/1.1 103 Early\r\nServer: x\r\nRetry-After: 9\r\n\r\n" OK_HEAD
         "Content-Length: 2\r\n\r\n{}",
         HOMELAB_OK, 200, "{}", -1},
        {"HTTP/1.1 503 No\r\nServer: test/1\r\nContent-Type: application/json\r\n"
         "Retry-After:  17 \r\nContent-Length: 0\r\n\r\n",
         HOMELAB_OK, 503, "", 17},
        {"HTTP/1.1 429 No\r\nServer: test/1\r\nContent-Type: application/json\r\n"
         "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n",
         HOMELAB_OK, 429, "", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fault_server server;
        assert_true(fault_start(&server, say_text, cases[i].text));
        homelab_ctx *ctx = make_ctx(NULL);
        struct answer answer = get(ctx, server.port, 2000);
        assert_int_equal(answer.result.code, cases[i].code);
        assert_int_equal(answer.result.status, cases[i].status);
        assert_string_equal(answer.body, cases[i].body);
        assert_int_equal(answer.result.body_length, strlen(cases[i].body));
        assert_string_equal(answer.server, "test/1");
        assert_string_equal(answer.content_type, "application/json");
        assert_int_equal(answer.result.retry_after_s, cases[i].retry_after_s);
        assert_true(answer.result.connected && answer.result.sent && !answer.result.reused);
        assert_true(answer.result.connect_us > 0);
        assert_true(answer.result.first_byte_us >= answer.result.connect_us);
        assert_true(answer.result.total_us >= answer.result.first_byte_us);
        homelab_ctx_unref(ctx);
        fault_stop(&server);
    }
}

static void faults(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        fault_fn fn;
        const char *text;
        int code, sys_errno, status;
        const char *detail;
    } cases[] = {
        {"silent", say_text, "", HOMELAB_E_NET_TIMEOUT, 0, 0, "connected, but no answer"},
        {"slow header", say_text, "HTTP/1.1 200", HOMELAB_E_NET_TIMEOUT, 0, 0, "no complete"},
        {"slow body", say_text, OK_HEAD "Content-Length: 9\r\n\r\nabc", HOMELAB_E_NET_TIMEOUT, 0,
         200, "no complete answer"},
        {"closed", say_text_and_close, "", HOMELAB_E_NET_CLOSED, 0, 0, "without an answer"},
        {"cut header", say_text_and_close, "HTTP/1.1 200 OK\r\nContent-Le", HOMELAB_E_NET_CLOSED, 0,
         200, "amid"},
        {"cut body", say_text_and_close, OK_HEAD "Content-Length: 9\r\n\r\nabc",
         HOMELAB_E_NET_CLOSED, 0, 200, ""},
        {"cut chunks", say_text_and_close, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
         HOMELAB_E_NET_CLOSED, 0, 200, ""},
        {"reset", reset, "", HOMELAB_E_NET_RESET, ECONNRESET, 0, "reset"},
        {"bad chunk", say_text, OK_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
         HOMELAB_E_NET_PROTOCOL, 0, 200, "chunk"},
        {"garbage", say_text_and_close, "SSH-2.0-OpenSSH_9.2p1\r\n\x01\xff", HOMELAB_E_NET_PROTOCOL,
         0, 0, "not HTTP: 'SSH-2.0-OpenSSH_9.2p1"},
        {"TLS alert", say_text_and_close, "\x15\x03\x01", HOMELAB_E_NET_TLS, 0, 0, "speaks TLS"},
        {"nginx on TLS", say_text_and_close,
         "HTTP/1.1 400 Bad Request\r\nContent-Length: 52\r\n\r\n"
         "The plain HTTP request was sent to HTTPS port, sorry",
         HOMELAB_E_NET_TLS, 0, 400, "speaks TLS"},
        {"endless body", say_without_end, OK_HEAD "\r\n", HOMELAB_E_NET_TOO_LARGE, 0, 200,
         "size cap"},
        {"endless headers", say_without_end, OK_HEAD "X-More: ", HOMELAB_E_NET_TOO_LARGE, 0, 200,
         ""},
        {"bad status line", say_text_and_close, "HTTP/9.9 abc\r\n\r\n", HOMELAB_E_NET_PROTOCOL, 0,
         0, ""},
        {"negative length", say_text_and_close, OK_HEAD "Content-Length: -5\r\n\r\nabc",
         HOMELAB_E_NET_PROTOCOL, 0, 200, ""},
        {"length out of range", say_text_and_close,
         OK_HEAD "Content-Length: 99999999999999999999\r\n\r\nabc", HOMELAB_OK, 0, 200, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fault_server server;
        print_message("%s\n", cases[i].name);
        assert_true(fault_start(&server, cases[i].fn, cases[i].text));
        homelab_ctx *ctx = make_ctx(NULL);
        struct answer answer = get(ctx, server.port, 600);
        assert_int_equal(answer.result.code, cases[i].code);
        assert_int_equal(answer.result.sys_errno, cases[i].sys_errno);
        assert_int_equal(answer.result.status, cases[i].status);
        assert_non_null(strstr(answer.result.detail, cases[i].detail));
        assert_true(answer.result.connected && answer.result.sent);
        assert_true(answer.result.connect_us > 0);
        homelab_ctx_unref(ctx);
        fault_stop(&server);
    }
}

static void refused(void **state)
{
    (void)state;
    int port = 0;
    close(fault_listen(AF_INET, 1, &port));
    homelab_ctx *ctx = make_ctx(NULL);
    struct answer answer = get(ctx, port, 1000);
    assert_int_equal(answer.result.code, HOMELAB_E_NET_REFUSED);
    assert_int_equal(answer.result.sys_errno, ECONNREFUSED);
    assert_false(answer.result.connected || answer.result.sent);
    assert_int_equal(answer.result.connect_us, -1);
    assert_int_equal(answer.result.first_byte_us, -1);
    answer = ask(ctx, (struct hl_http_request){.url = "http://h/", .unix_socket = "/nonexistent/s"},
                 1000);
    assert_int_equal(answer.result.code, HOMELAB_E_NET_REFUSED);
    assert_int_equal(answer.result.sys_errno, ENOENT);
    homelab_ctx_unref(ctx);
}

static void unknown_name(void **state)
{
    (void)state;
    homelab_ctx *ctx = make_ctx(NULL);
    struct answer answer =
        ask(ctx, (struct hl_http_request){.url = "http://no-such-host.invalid:1/"}, 5000);
    assert_int_equal(answer.result.code, HOMELAB_E_NET_DNS);
    assert_false(answer.result.connected);
    homelab_ctx_unref(ctx);
}

/* A full accept queue drops SYNs. */
static int fill(int port, int *fds, int count)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int filled = 0;
    for (; filled < count; filled++) {
        fds[filled] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        assert_true(fds[filled] >= 0);
        connect(fds[filled], (struct sockaddr *)&address, sizeof address);
    }
    return filled;
}

static void black_hole(void **state)
{
    (void)state;
    int port = 0, fds[8];
    int listener = fault_listen(AF_INET, 0, &port);
    int filled = fill(port, fds, 8);
    homelab_ctx *ctx = make_ctx(NULL);
    int64_t before = now_us();
    struct answer answer = get(ctx, port, 400);
    int64_t took_ms = (now_us() - before) / 1000;
    assert_int_equal(answer.result.code, HOMELAB_E_NET_CONNECT_TIMEOUT);
    assert_false(answer.result.connected || answer.result.sent);
    assert_int_equal(answer.result.connect_us, -1);
    assert_in_range(took_ms, 395, 600);

    struct hl_transfer *transfer;
    struct hl_http_request request = {.method = "GET", .url = url_of(port, "/")};
    request.connect_deadline_us = now_us() + 200000;
    before = now_us();
    assert_int_equal(start(ctx, request, 5000, &answer, &transfer), HOMELAB_OK);
    run_for(ctx, &answer.count, 1, 3000);
    assert_int_equal(answer.result.code, HOMELAB_E_NET_CONNECT_TIMEOUT);
    assert_in_range((now_us() - before) / 1000, 195, 500);
    homelab_ctx_unref(ctx);
    for (int i = 0; i < filled; i++)
        close(fds[i]);
    close(listener);
}

static void connect_deadline_leaves_answers_alone(void **state)
{
    (void)state;
    struct fault_server server;
    assert_true(fault_start(&server, say_text, ""));
    homelab_ctx *ctx = make_ctx(NULL);
    struct answer answer;
    struct hl_transfer *transfer;
    struct hl_http_request request = {.url = url_of(server.port, "/"),
                                      .connect_deadline_us = now_us() + 100000};
    int64_t before = now_us();
    assert_int_equal(start(ctx, request, 500, &answer, &transfer), HOMELAB_OK);
    run_for(ctx, &answer.count, 1, 3000);
    assert_int_equal(answer.result.code, HOMELAB_E_NET_TIMEOUT);
    assert_in_range((now_us() - before) / 1000, 495, 800);
    homelab_ctx_unref(ctx);
    fault_stop(&server);
}

static void keeps_connections(void **state)
{
    (void)state;
    struct fault_server servers[3];
    homelab_ctx *ctx = make_ctx(NULL);
    for (size_t i = 0; i < 3; i++)
        assert_true(fault_start(&servers[i], say_text, plain_answer));
    for (int round = 0; round < 10; round++) {
        for (size_t i = 0; i < 3; i++) {
            struct answer answer = get(ctx, servers[i].port, 2000);
            assert_int_equal(answer.result.code, HOMELAB_OK);
            assert_int_equal(answer.result.reused, round > 0);
            assert_true(round == 0 || answer.result.connect_us == 0);
        }
    }
    struct answer fresh =
        ask(ctx,
            (struct hl_http_request){.url = url_of(servers[0].port, "/"), .fresh_connection = true},
            2000);
    assert_false(fresh.result.reused);
    assert_int_equal(fault_connections(&servers[0]), 2);
    assert_int_equal(fault_connections(&servers[1]), 1);
    homelab_ctx_unref(ctx);
    for (size_t i = 0; i < 3; i++)
        fault_stop(&servers[i]);
}

/* A kept connection that the server closed meanwhile is no failure. */
static void replaces_dead_connections(void **state)
{
    (void)state;
    struct fault_server server;
    assert_true(fault_start(&server, say_text_and_close, plain_answer));
    homelab_ctx *ctx = make_ctx(NULL);
    for (int i = 0; i < 3; i++) {
        struct answer answer = get(ctx, server.port, 2000);
        assert_int_equal(answer.result.code, HOMELAB_OK);
        assert_false(answer.result.reused);
        usleep(50000);
    }
    homelab_ctx_unref(ctx);
    fault_stop(&server);
}

/* Has just given the connection up when its second request comes. */
static bool answer_once(struct fault_server *server, int fd, const char *request)
{
    (void)request;
    char second[8192];
    fault_send(fd, server->text);
    fault_read(fd, second, sizeof second);
    return false;
}

/* Nor is one that dies under the request, however often that happened before. */
static void repeats_what_met_a_dying_connection(void **state)
{
    (void)state;
    static const char *const bodies[] = {NULL, "{}"};
    for (size_t i = 0; i < 2; i++) {
        struct fault_server server;
        assert_true(fault_start(&server, answer_once, plain_answer));
        homelab_ctx *ctx = make_ctx(NULL);
        for (int k = 0; k < 15; k++) {
            struct hl_http_request request = {.url = url_of(server.port, "/x"), .body = bodies[i]};
            struct answer answer = ask(ctx, request, 2000);
            assert_int_equal(answer.result.code, HOMELAB_OK);
            assert_string_equal(answer.body, "{\"ok\":true}");
        }
        assert_int_equal(fault_connections(&server), 15);
        homelab_ctx_unref(ctx);
        fault_stop(&server);
    }
}

static void idle_limit(void **state)
{
    (void)state;
    struct fault_server server;
    homelab_opts *opts;
    assert_true(fault_start(&server, say_text, plain_answer));
    assert_int_equal(homelab_opts_new(&opts), HOMELAB_OK);
    assert_int_equal(homelab_opts_set_int(opts, "http.idle_ms", 0), HOMELAB_OK);
    homelab_ctx *ctx = make_ctx(opts);
    homelab_opts_free(opts);
    for (int i = 0; i < 3; i++)
        assert_false(get(ctx, server.port, 2000).result.reused);
    assert_int_equal(fault_connections(&server), 3);
    homelab_ctx_unref(ctx);
    fault_stop(&server);
}

static void redirects_are_not_followed(void **state)
{
    (void)state;
    struct fault_server other, server;
    char text[256];
    assert_true(fault_start(&other, say_text, plain_answer));
    snprintf(text, sizeof text,
             "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/y\r\nContent-Length: 0\r\n\r\n",
             other.port);
    assert_true(fault_start(&server, say_text, text));
    homelab_ctx *ctx = make_ctx(NULL);
    struct answer answer =
        ask(ctx, (struct hl_http_request){.url = url_of(server.port, "/"), .bearer = "k"}, 2000);
    assert_int_equal(answer.result.code, HOMELAB_OK);
    assert_int_equal(answer.result.status, 302);
    assert_string_equal(answer.location, url_of(other.port, "/y"));
    assert_int_equal(fault_connections(&other), 0);
    homelab_ctx_unref(ctx);
    fault_stop(&server);
    fault_stop(&other);
}

static void sends_what_was_asked(void **state)
{
    (void)state;
    struct fault_server server;
    assert_true(fault_start(&server, say_text, plain_answer));
    homelab_ctx *ctx = make_ctx(NULL);
    setenv("http_proxy", "http://127.0.0.1:9", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:9", 1);

    struct hl_http_request post = {.method = "POST",
                                   .url = url_of(server.port, "/p?q=1"),
                                   .body = "{\"a\":1}",
                                   .bearer = "s3cret"};
    assert_true(ask(ctx, post, 2000).result.sent);
    assert_non_null(strstr(server.last_request, "POST /p?q=1 HTTP/1.1\r\n"));
    assert_non_null(strstr(server.last_request, "\r\nAuthorization: Bearer s3cret\r\n"));
    assert_non_null(strstr(server.last_request, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(server.last_request, "\r\n\r\n{\"a\":1}"));

    /* Nothing of it is left in the pooled handle. */
    assert_int_equal(get(ctx, server.port, 2000).result.code, HOMELAB_OK);
    assert_non_null(strstr(server.last_request, "GET /x HTTP/1.1\r\n"));
    assert_non_null(strstr(server.last_request, "\r\nUser-Agent: homelab/"));
    assert_null(strstr(server.last_request, "Authorization"));
    assert_null(strstr(server.last_request, "Content-Type"));
    assert_null(strstr(server.last_request, "Content-Length"));
    assert_null(strstr(server.last_request, "Accept-Encoding"));
    assert_null(strstr(server.last_request, "Cookie"));
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    homelab_ctx_unref(ctx);
    fault_stop(&server);
}

static void no_cookies(void **state)
{
    (void)state;
    struct fault_server server;
    assert_true(
        fault_start(&server, say_text, OK_HEAD "Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"));
    homelab_ctx *ctx = make_ctx(NULL);
    for (int i = 0; i < 2; i++)
        assert_int_equal(get(ctx, server.port, 2000).result.code, HOMELAB_OK);
    assert_null(strstr(server.last_request, "Cookie"));
    homelab_ctx_unref(ctx);
    fault_stop(&server);
}

static void body_caps(void **state)
{
    (void)state;
    struct fault_server server;
    assert_true(fault_start(&server, say_text, plain_answer));
    homelab_ctx *ctx = make_ctx(NULL);
    static const struct {
        size_t max_body;
        int code;
        const char *body;
    } cases[] = {{11, HOMELAB_OK, "{\"ok\":true}"},
                 {10, HOMELAB_E_NET_TOO_LARGE, "{\"ok\":true"},
                 {1, HOMELAB_E_NET_TOO_LARGE, "{"},
                 {0, HOMELAB_OK, "{\"ok\":true}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer answer = ask(ctx,
                                   (struct hl_http_request){.url = url_of(server.port, "/"),
                                                            .max_body = cases[i].max_body},
                                   2000);
        assert_int_equal(answer.result.code, cases[i].code);
        assert_int_equal(answer.result.status, 200);
        assert_string_equal(answer.body, cases[i].body);
    }
    homelab_ctx_unref(ctx);
    fault_stop(&server);
}

static void connects_only(void **state)
{
    (void)state;
    struct fault_server server;
    assert_true(fault_start(&server, say_text, plain_answer));
    homelab_ctx *ctx = make_ctx(NULL);
    struct hl_http_request request = {.url = url_of(server.port, ""), .connect_only = true};
    for (int i = 0; i < 3; i++) {
        struct answer answer = ask(ctx, request, 2000);
        assert_int_equal(answer.result.code, HOMELAB_OK);
        assert_true(answer.result.connected && !answer.result.sent && !answer.result.reused);
        assert_int_equal(answer.result.status, 0);
        assert_true(answer.result.connect_us > 0);
    }
    assert_int_equal(get(ctx, server.port, 2000).result.status, 200);
    assert_int_equal(server.request_count, 1);
    homelab_ctx_unref(ctx);
    fault_stop(&server);
}

static void tries_every_address(void **state)
{
    (void)state;
    homelab_ctx *ctx = make_ctx(NULL);
    for (int i = 0; i < 2; i++) {
        struct fault_server server = {.text = plain_answer};
        int family = i ? AF_INET6 : AF_INET;
        int listener = fault_listen(family, 8, &server.port);
        if (listener < 0) {
            print_message("no IPv6 here\n");
            continue;
        }
        assert_true(fault_start_on(&server, listener, say_text));
        char url[64];
        snprintf(url, sizeof url, "http://localhost:%d/", server.port);
        assert_int_equal(ask(ctx, (struct hl_http_request){.url = url}, 2000).result.status, 200);
        if (family == AF_INET6) {
            snprintf(url, sizeof url, "http://[::1]:%d/", server.port);
            assert_int_equal(ask(ctx, (struct hl_http_request){.url = url}, 2000).result.status,
                             200);
        }
        fault_stop(&server);
    }
    homelab_ctx_unref(ctx);
}

static void unix_sockets(void **state)
{
    (void)state;
    char directory[] = "/tmp/hl-http-XXXXXX";
    assert_non_null(mkdtemp(directory));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", directory);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    struct fault_server server = {.text = plain_answer};
    assert_true(fault_start_on(&server, listener, say_text));
    homelab_ctx *ctx = make_ctx(NULL);
    struct hl_http_request request = {.url = "http://docker/v1.41/version",
                                      .unix_socket = address.sun_path};
    assert_int_equal(ask(ctx, request, 2000).result.status, 200);
    assert_true(ask(ctx, request, 2000).result.reused);
    assert_non_null(strstr(server.last_request, "GET /v1.41/version HTTP/1.1\r\nHost: docker\r\n"));
    homelab_ctx_unref(ctx);
    fault_stop(&server);
    unlink(address.sun_path);
    rmdir(directory);
}

static void refuses_bad_requests(void **state)
{
    (void)state;
    static const struct hl_http_request cases[] = {
        {.method = "GET"},
        {.url = "ftp://h/"},
        {.url = "file:///etc/passwd"},
        {.url = "http://h/\r\nX: y"},
        {.url = "http://h/", .method = "DELETE"},
        {.url = "http://h/", .bearer = "a\r\nX: y"},
    };
    homelab_ctx *ctx = make_ctx(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct answer answer;
        struct hl_transfer *transfer;
        assert_int_equal(start(ctx, cases[i], 1000, &answer, &transfer), HOMELAB_E_INVALID);
    }
    struct answer answer =
        ask(ctx, (struct hl_http_request){.url = "http://u:p@127.0.0.1:1/"}, 500);
    assert_int_equal(answer.result.code, HOMELAB_E_INVALID);
    homelab_ctx_unref(ctx);
}

static void cancels(void **state)
{
    (void)state;
    struct fault_server silent;
    assert_true(fault_start(&silent, say_text, ""));
    homelab_ctx *ctx = make_ctx(NULL);
    struct answer answers_[8];
    struct hl_transfer *transfers[8];
    struct hl_http_request request = {.url = url_of(silent.port, "/")};
    for (int i = 0; i < 8; i++) {
        assert_int_equal(start(ctx, request, 400, &answers_[i], &transfers[i]), HOMELAB_OK);
        if (i < 4)
            run_for(ctx, &answers_[i].count, 1, 30); /* some are under way, others queued */
    }
    assert_int_equal(hl_ctx_enter(ctx), HOMELAB_OK);
    for (int i = 0; i < 8; i += 2)
        hl_http_cancel(transfers[i]);
    hl_http_cancel(NULL);
    hl_ctx_leave(ctx);
    run_for(ctx, &answers_[7].count, 1, 2000);
    for (int i = 0; i < 8; i++)
        assert_int_equal(answers_[i].count, i % 2);
    homelab_ctx_unref(ctx);
    fault_stop(&silent);
}

static void close_ends_transfers(void **state)
{
    (void)state;
    struct fault_server silent;
    assert_true(fault_start(&silent, say_text, ""));
    homelab_ctx *ctx = make_ctx(NULL);
    struct answer active, queued;
    struct hl_transfer *transfer;
    struct hl_http_request request = {.url = url_of(silent.port, "/")};
    assert_int_equal(start(ctx, request, 5000, &active, &transfer), HOMELAB_OK);
    run_for(ctx, &active.count, 1, 50);
    assert_int_equal(start(ctx, request, 5000, &queued, &transfer), HOMELAB_OK);
    assert_int_equal(homelab_ctx_close(ctx), HOMELAB_OK);
    assert_int_equal(active.count, 1);
    assert_int_equal(active.result.code, HOMELAB_E_CLOSED);
    assert_int_equal(queued.count, 1);
    assert_int_equal(queued.result.code, HOMELAB_E_CLOSED);
    homelab_ctx_unref(ctx);
    fault_stop(&silent);
}

static void many_at_once(void **state)
{
    (void)state;
    struct fault_server server;
    assert_true(fault_start(&server, say_text, plain_answer));
    homelab_ctx *ctx = make_ctx(NULL);
    /* The second round goes over kept connections. */
    for (int round = 0; round < 2; round++) {
        static struct answer results[48];
        for (int i = 0; i < 48; i++) {
            struct hl_transfer *transfer;
            struct hl_http_request request = {.url = url_of(server.port, "/")};
            assert_int_equal(start(ctx, request, 20000, &results[i], &transfer), HOMELAB_OK);
        }
        for (int i = 0; i < 48; i++) {
            run_for(ctx, &results[i].count, 1, 20000);
            assert_int_equal(results[i].count, 1);
            assert_int_equal(results[i].result.code, HOMELAB_OK);
        }
    }
    assert_true(fault_connections(&server) <= 48);
    homelab_ctx_unref(ctx);
    fault_stop(&server);
}

/* After a transfer the descriptor is quiet: no wake-up until something happens. */
static void quiet_between_transfers(void **state)
{
    (void)state;
    struct fault_server server;
    assert_true(fault_start(&server, say_text_and_close, plain_answer));
    homelab_ctx *ctx = make_ctx(NULL);
    assert_int_equal(get(ctx, server.port, 2000).result.code, HOMELAB_OK);
    for (int i = 0; i < 3; i++)
        homelab_ctx_dispatch(ctx, 0);
    struct pollfd fd = {.fd = homelab_ctx_fd(ctx), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 300), 0);
    homelab_ctx_unref(ctx);
    fault_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(faults),
        cmocka_unit_test(refused),
        cmocka_unit_test(unknown_name),
        cmocka_unit_test(black_hole),
        cmocka_unit_test(connect_deadline_leaves_answers_alone),
        cmocka_unit_test(keeps_connections),
        cmocka_unit_test(replaces_dead_connections),
        cmocka_unit_test(repeats_what_met_a_dying_connection),
        cmocka_unit_test(idle_limit),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(sends_what_was_asked),
        cmocka_unit_test(no_cookies),
        cmocka_unit_test(body_caps),
        cmocka_unit_test(connects_only),
        cmocka_unit_test(tries_every_address),
        cmocka_unit_test(unix_sockets),
        cmocka_unit_test(refuses_bad_requests),
        cmocka_unit_test(cancels),
        cmocka_unit_test(close_ends_transfers),
        cmocka_unit_test(many_at_once),
        cmocka_unit_test(quiet_between_transfers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
