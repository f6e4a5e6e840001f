/* Each of our allocations of a request fails once; and the child of a fork. libcurl's own are left
 * alone: 7.88 divides by zero when one of its socket table's fails. */
#include "support/fault_server.h"
#include "support/http_ask.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static const char head_and_body[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

/* A process of its own, so that its memory does not count. */
static pid_t serve(int *port)
{
    int listener = fault_listen(AF_INET, 16, port);
    pid_t pid = fork();
    if (pid != 0) {
        close(listener);
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; close(fd)) {
        char request[8192];
        while (fault_read(fd, request, sizeof request))
            fault_send(fd, head_and_body);
    }
    _exit(0);
}

static void count_result(const struct hl_http_result *result, void *userdata)
{
    int *counts = userdata;
    counts[0]++;
    counts[1] += result->code == HOMELAB_OK;
}

static void drive(homelab_ctx *ctx, const int *count)
{
    int64_t until = now_us() + 2000000;
    while (!*count && now_us() < until) {
        struct pollfd fd = {.fd = homelab_ctx_fd(ctx), .events = POLLIN};
        if (poll(&fd, 1, 20) > 0)
            homelab_ctx_dispatch(ctx, 0);
    }
}

static int request(homelab_ctx *ctx, int port, bool post)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/%d", port, post);
    struct hl_http_request wanted = {.method = post ? "POST" : "GET",
                                     .url = url,
                                     .body = post ? "{}" : NULL,
                                     .bearer = post ? "key" : NULL,
                                     .deadline_us = now_us() + 300000};
    int counts[2] = {0, 0};
    struct hl_transfer *transfer;
    int code = hl_ctx_enter(ctx);
    if (code)
        return code;
    homelab_allocator *before = hl_allocator_swap(hl_ctx_allocator(ctx));
    code = hl_http_start(ctx, &wanted, count_result, counts, &transfer);
    hl_allocator_swap(before);
    hl_ctx_leave(ctx);
    if (code)
        return code;
    drive(ctx, counts);
    assert_int_equal(counts[0], 1);
    return 0;
}

static int run(homelab_opts *opts, int port)
{
    homelab_ctx *ctx;
    int code = homelab_ctx_new(&ctx, opts);
    if (code)
        return code;
    code = request(ctx, port, false);
    if (!code)
        code = request(ctx, port, true);
    homelab_ctx_unref(ctx);
    return code;
}

/* The library's own memory, which must all come back. */
static struct {
    size_t asked, fail_at;
    long live;
} ours;

static bool fails(void)
{
    return ++ours.asked == ours.fail_at;
}

static void *our_malloc(size_t size, void *userdata)
{
    (void)userdata;
    void *block = fails() ? NULL : malloc(size);
    ours.live += block != NULL;
    return block;
}

static void *our_realloc(void *block, size_t size, void *userdata)
{
    (void)userdata;
    void *resized = fails() ? NULL : realloc(block, size);
    ours.live += resized && !block;
    return resized;
}

static void our_free(void *block, void *userdata)
{
    (void)userdata;
    ours.live--;
    free(block);
}

static void each_of_ours_fails(void **state)
{
    (void)state;
    int port = 0;
    pid_t server = serve(&port);
    assert_true(server > 0);
    homelab_allocator *allocator;
    homelab_opts *opts;
    assert_int_equal(homelab_allocator_new(&allocator, our_malloc, our_realloc, our_free, NULL), 0);
    assert_int_equal(homelab_opts_new(&opts), 0);
    assert_int_equal(homelab_opts_set_allocator(opts, allocator), 0);
    long live = ours.live;
    bool reached = true;
    for (size_t n = 1; reached; n++) {
        ours.asked = 0;
        ours.fail_at = n;
        run(opts, port);
        reached = ours.asked >= n;
        assert_int_equal(ours.live, live);
    }
    print_message("%zu allocations\n", ours.asked);
    ours.fail_at = 0;
    assert_int_equal(run(opts, port), 0);
    homelab_opts_free(opts);
    homelab_allocator_free(allocator);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

/* What the child closes stays open in the parent, and the peer hears nothing of it. */
static void fork_is_quiet(void **state)
{
    (void)state;
    int port = 0;
    char url[64];
    pid_t server = serve(&port);
    assert_true(server > 0);
    homelab_ctx *ctx = make_ctx(NULL);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    struct hl_http_request wanted = {.url = url};
    assert_int_equal(ask(ctx, wanted, 2000).result.code, HOMELAB_OK);

    struct answer waiting;
    struct hl_transfer *transfer;
    assert_int_equal(start(ctx, wanted, 3000, &waiting, &transfer), HOMELAB_OK);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        hl_http_cancel(transfer);
        homelab_ctx_unref(ctx);
        /* libcurl's memory stays behind in a child, which is no leak to look for. */
        const char *verdict = waiting.count == 0 ? "true" : "false";
        execlp(verdict, verdict, (char *)NULL);
        _exit(1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);

    run_for(ctx, &waiting.count, 1, 3000);
    assert_int_equal(waiting.result.code, HOMELAB_OK);
    assert_true(waiting.result.reused);
    assert_true(ask(ctx, wanted, 2000).result.reused);
    homelab_ctx_unref(ctx);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_ours_fails),
        cmocka_unit_test(fork_is_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
