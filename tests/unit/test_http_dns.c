/* Name look-ups that hang: nothing waits for them. */
#include "support/fault_server.h"
#include "support/http_ask.h"

#include <netdb.h>
#include <unistd.h>

#define HANG_S 3

/* In place of libc's, also for libcurl. Any name but "quick.test" hangs. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    (void)hints;
    if (!node || strcmp(node, "quick.test") != 0) {
        sleep(HANG_S);
        return EAI_AGAIN;
    }
    struct addrinfo *info = calloc(1, sizeof *info + sizeof(struct sockaddr_in));
    if (!info)
        return EAI_MEMORY;
    struct sockaddr_in *address = (struct sockaddr_in *)(info + 1);
    *address = (struct sockaddr_in){.sin_family = AF_INET,
                                    .sin_port = htons((uint16_t)(service ? atoi(service) : 0)),
                                    .sin_addr = {htonl(INADDR_LOOPBACK)}};
    *info = (struct addrinfo){.ai_family = AF_INET,
                              .ai_socktype = SOCK_STREAM,
                              .ai_addrlen = sizeof *address,
                              .ai_addr = (struct sockaddr *)address};
    *result = info;
    return 0;
}

void freeaddrinfo(struct addrinfo *info)
{
    free(info);
}

static int64_t longest_us;

static void timed_run(homelab_ctx *ctx, const int *count, int ms)
{
    int64_t until = now_us() + ms * 1000;
    while (!*count && now_us() < until) {
        struct pollfd fd = {.fd = homelab_ctx_fd(ctx), .events = POLLIN};
        poll(&fd, 1, 20);
        int64_t before = now_us();
        assert_true(homelab_ctx_dispatch(ctx, 0) >= 0);
        if (now_us() - before > longest_us)
            longest_us = now_us() - before;
    }
}

static void nothing_waits(void **state)
{
    (void)state;
    enum {
        COUNT = 6
    };
    homelab_ctx *ctx = make_ctx(NULL);
    struct answer results[COUNT];
    struct hl_transfer *transfers[COUNT];
    char url[64];
    longest_us = 0;
    int64_t begin = now_us();
    for (int i = 0; i < COUNT; i++) {
        snprintf(url, sizeof url, "http://hanging%d.test/", i);
        assert_int_equal(start(ctx, (struct hl_http_request){.url = url}, i < 3 ? 300 : 60000,
                               &results[i], &transfers[i]),
                         HOMELAB_OK);
    }
    timed_run(ctx, &results[2].count, 2000);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(results[i].count, 1);
        assert_int_equal(results[i].result.code, HOMELAB_E_NET_DNS);
        assert_false(results[i].result.connected);
    }
    print_message("%s\n", results[0].result.detail);

    int64_t before = now_us();
    hl_ctx_lock(ctx);
    hl_http_cancel(transfers[3]);
    hl_http_cancel(transfers[4]);
    hl_ctx_unlock(ctx);
    if (now_us() - before > longest_us)
        longest_us = now_us() - before;

    before = now_us();
    assert_int_equal(homelab_ctx_close(ctx), HOMELAB_OK);
    int64_t close_us = now_us() - before;
    assert_int_equal(results[5].count, 1);
    assert_int_equal(results[5].result.code, HOMELAB_E_CLOSED);
    homelab_ctx_unref(ctx);
    assert_true(now_us() - begin < HANG_S * 1000000);
    print_message("longest call %lld us, close %lld us\n", (long long)longest_us,
                  (long long)close_us);
    /* A bound that a busy machine and sanitizers keep too, far below the hang. */
    assert_true(longest_us < 100000);
    assert_true(close_us < 500000);
    /* The look-ups end in a process that still has their code. */
    sleep(HANG_S + 1);
}

static bool say_text(struct fault_server *server, int fd, const char *request)
{
    (void)request;
    fault_send(fd, server->text);
    return true;
}

static void names_work(void **state)
{
    (void)state;
    struct fault_server server;
    char url[64];
    assert_true(fault_start(&server, say_text, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    homelab_ctx *ctx = make_ctx(NULL);
    snprintf(url, sizeof url, "http://quick.test:%d/", server.port);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(ctx, (struct hl_http_request){.url = url}, 3000).result.status, 200);
    homelab_ctx_unref(ctx);
    fault_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_work),
        cmocka_unit_test(nothing_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
