/* TLS against `openssl s_server`. */
#include "support/fault_server.h"
#include "support/http_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/hl-tls-XXXXXX";
static bool usable;

static const char *in_directory(const char *name)
{
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static bool run(const char *command)
{
    int status = system(command);
    return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* good: for localhost and 127.0.0.1; other: for another name; expired. */
static int make_certificates(void **state)
{
    (void)state;
    char command[1024];
    if (!mkdtemp(directory))
        return -1;
    static const struct {
        const char *name, *alternatives, *validity;
    } certificates[] = {
        {"good", "DNS:localhost,IP:127.0.0.1", "-days 2"},
        {"other", "DNS:other.example", "-days 2"},
        {"expired", "DNS:localhost,IP:127.0.0.1", "-days -1"},
    };
    usable = true;
    for (size_t i = 0; i < sizeof certificates / sizeof *certificates && usable; i++) {
        snprintf(command, sizeof command,
                 "cd %s && openssl req -new -newkey rsa:2048 -nodes -subj /CN=%s -addext "
                 "subjectAltName=%s -keyout %s.key -out %s.csr 2>/dev/null && openssl x509 -req "
                 "-in %s.csr -signkey %s.key %s -copy_extensions copy -out %s.pem 2>/dev/null",
                 directory, certificates[i].name, certificates[i].alternatives,
                 certificates[i].name, certificates[i].name, certificates[i].name,
                 certificates[i].name, certificates[i].validity, certificates[i].name);
        usable = run(command);
    }
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return run(command) ? 0 : -1;
}

struct tls_server {
    pid_t pid;
    int port, output;
};

static void start_server(struct tls_server *server, const char *certificate)
{
    char key[64], pem[64], line[256];
    int fds[2];
    size_t length = 0;
    snprintf(key, sizeof key, "%s/%s.key", directory, certificate);
    snprintf(pem, sizeof pem, "%s/%s.pem", directory, certificate);
    assert_int_equal(pipe(fds), 0);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0) {
        dup2(fds[1], 1);
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
        close(fds[0]);
        close(fds[1]);
        execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-key", key,
               "-cert", pem, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    server->output = fds[0];
    server->port = 0;
    /* It says "ACCEPT address:port". */
    while (server->port == 0 && length + 1 < sizeof line) {
        ssize_t got = read(fds[0], line + length, sizeof line - 1 - length);
        assert_true(got > 0);
        length += (size_t)got;
        line[length] = '\0';
        const char *accept = strstr(line, "ACCEPT 127.0.0.1:");
        if (accept && strchr(accept, '\n'))
            server->port = atoi(accept + 17);
    }
    assert_true(server->port > 0);
}

static void stop_server(struct tls_server *server)
{
    kill(server->pid, SIGTERM);
    waitpid(server->pid, NULL, 0);
    close(server->output);
}

static const char *https_url(const char *host, int port)
{
    static char url[128];
    snprintf(url, sizeof url, "https://%s:%d/", host, port);
    return url;
}

static void certificates(void **state)
{
    (void)state;
    if (!usable)
        skip();
    static const struct {
        const char *certificate, *host, *ca;
        bool insecure;
        int code;
    } cases[] = {
        {"good", "127.0.0.1", "good.pem", false, HOMELAB_OK},
        {"good", "localhost", "good.pem", false, HOMELAB_OK},
        {"good", "127.0.0.1", NULL, false, HOMELAB_E_NET_CERTIFICATE},
        {"good", "127.0.0.1", "other.pem", false, HOMELAB_E_NET_CERTIFICATE},
        {"good", "127.0.0.1", "absent.pem", false, HOMELAB_E_NET_CERTIFICATE},
        {"good", "127.0.0.1", NULL, true, HOMELAB_OK},
        {"other", "127.0.0.1", "other.pem", false, HOMELAB_E_NET_CERTIFICATE},
        {"other", "127.0.0.1", NULL, true, HOMELAB_OK},
        {"expired", "127.0.0.1", "expired.pem", false, HOMELAB_E_NET_CERTIFICATE},
        {"expired", "127.0.0.1", NULL, true, HOMELAB_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_server server;
        start_server(&server, cases[i].certificate);
        homelab_ctx *ctx = make_ctx(NULL);
        print_message("%s, %s, CA %s\n", cases[i].certificate, cases[i].host,
                      cases[i].ca ? cases[i].ca : "-");
        struct hl_http_request request = {.url = https_url(cases[i].host, server.port),
                                          .ca_file = cases[i].ca ? in_directory(cases[i].ca) : NULL,
                                          .insecure = cases[i].insecure};
        struct answer answer = ask(ctx, request, 5000);
        assert_int_equal(answer.result.code, cases[i].code);
        assert_true(answer.result.connected);
        assert_int_equal(answer.result.sent, cases[i].code == HOMELAB_OK);
        char *log = homelab_ctx_log_text(ctx);
        assert_int_equal(strstr(log, "not verified") != NULL,
                         cases[i].insecure && cases[i].code == HOMELAB_OK);
        homelab_free(log);
        /* A connection made without verification serves no verified request. */
        request.insecure = false;
        if (cases[i].insecure)
            assert_int_equal(ask(ctx, request, 5000).result.code, HOMELAB_E_NET_CERTIFICATE);
        homelab_ctx_unref(ctx);
        stop_server(&server);
    }
}

static void ca_option(void **state)
{
    (void)state;
    if (!usable)
        skip();
    struct tls_server server;
    homelab_opts *opts;
    start_server(&server, "good");
    assert_int_equal(homelab_opts_new(&opts), HOMELAB_OK);
    assert_int_equal(homelab_opts_set_string(opts, "http.ca_file", in_directory("good.pem")),
                     HOMELAB_OK);
    homelab_ctx *ctx = make_ctx(opts);
    homelab_opts_free(opts);
    struct hl_http_request request = {.url = https_url("localhost", server.port)};
    assert_int_equal(ask(ctx, request, 5000).result.code, HOMELAB_OK);
    homelab_ctx_unref(ctx);
    stop_server(&server);
}

static bool say_text(struct fault_server *server, int fd, const char *request)
{
    (void)request;
    fault_send(fd, server->text);
    return false;
}

/* Speaks before it is asked, so that also a TLS greeting gets this answer. */
static void *speak(void *argument)
{
    int fd = accept(*(int *)argument, NULL, NULL);
    char greeting[512];
    if (recv(fd, greeting, sizeof greeting, 0) > 0)
        fault_send(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    close(fd);
    return NULL;
}

static void wrong_protocols(void **state)
{
    (void)state;
    int port = 0;
    int listener = fault_listen(AF_INET, 4, &port);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, speak, &listener), 0);
    homelab_ctx *ctx = make_ctx(NULL);
    struct hl_http_request request = {.url = https_url("127.0.0.1", port)};
    assert_int_equal(ask(ctx, request, 3000).result.code, HOMELAB_E_NET_TLS);
    pthread_join(thread, NULL);
    close(listener);

    if (usable) {
        struct tls_server server;
        char url[64];
        start_server(&server, "good");
        snprintf(url, sizeof url, "http://127.0.0.1:%d/", server.port);
        assert_int_equal(ask(ctx, (struct hl_http_request){.url = url}, 3000).result.code,
                         HOMELAB_E_NET_TLS);
        stop_server(&server);
    }
    /* One that closes without a word in either protocol is just closed. */
    struct fault_server closing;
    char url[64];
    assert_true(fault_start(&closing, say_text, ""));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", closing.port);
    assert_int_equal(ask(ctx, (struct hl_http_request){.url = url}, 3000).result.code,
                     HOMELAB_E_NET_CLOSED);
    fault_stop(&closing);
    homelab_ctx_unref(ctx);
}

/* Reading the system's certificates must not hold a dispatch up. */
static void dispatches_stay_short(void **state)
{
    (void)state;
    if (!usable)
        skip();
    struct tls_server server;
    start_server(&server, "good");
    homelab_ctx *ctx = make_ctx(NULL);
    struct hl_http_request request = {.url = https_url("127.0.0.1", server.port)};
    assert_int_equal(ask(ctx, request, 5000).result.code, HOMELAB_E_NET_CERTIFICATE);
    char *stats = homelab_ctx_stats_json(ctx);
    const char *longest = strstr(stats, "\"longest_dispatch_us\":");
    assert_non_null(longest);
    print_message("%s\n", stats);
    /* Sanitizers and a busy machine take their time; reading the whole bundle takes far longer. */
    assert_true(strtol(longest + 22, NULL, 10) < 20000);
    homelab_free(stats);
    homelab_ctx_unref(ctx);
    stop_server(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates),
        cmocka_unit_test(ca_option),
        cmocka_unit_test(wrong_protocols),
        cmocka_unit_test(dispatches_stay_short),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
