/* Asks through a context's HTTP client and waits for the answer. */
#ifndef TESTS_HTTP_ASK_H
#define TESTS_HTTP_ASK_H

#include "core/ctx.h"
#include "net/http.h"

#include <homelab/homelab.h>

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct answer {
    int count; /* callbacks */
    struct hl_http_result result;
    char body[256], server[64], content_type[64], location[256];
};

static inline void keep(const struct hl_http_result *result, void *userdata)
{
    struct answer *answer = userdata;
    answer->count++;
    answer->result = *result;
    snprintf(answer->body, sizeof answer->body, "%s", result->body);
    snprintf(answer->server, sizeof answer->server, "%s", result->server ? result->server : "-");
    snprintf(answer->content_type, sizeof answer->content_type, "%s",
             result->content_type ? result->content_type : "-");
    snprintf(answer->location, sizeof answer->location, "%s",
             result->location ? result->location : "-");
}

static inline int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline homelab_ctx *make_ctx(homelab_opts *opts)
{
    homelab_ctx *ctx = NULL;
    assert_int_equal(homelab_ctx_new(&ctx, opts), HOMELAB_OK);
    return ctx;
}

static inline void run_for(homelab_ctx *ctx, const int *count, int wanted, int ms)
{
    int64_t until = now_us() + ms * 1000;
    while (*count < wanted && now_us() < until) {
        struct pollfd fd = {.fd = homelab_ctx_fd(ctx), .events = POLLIN};
        if (poll(&fd, 1, 50) > 0)
            assert_true(homelab_ctx_dispatch(ctx, 0) >= 0);
    }
}

static inline int start(homelab_ctx *ctx, struct hl_http_request request, int timeout_ms,
                        struct answer *answer, struct hl_transfer **transfer)
{
    *answer = (struct answer){.count = 0};
    if (!request.method)
        request.method = "GET";
    request.deadline_us = now_us() + timeout_ms * 1000;
    assert_int_equal(hl_ctx_enter(ctx), HOMELAB_OK);
    int code = hl_http_start(ctx, &request, keep, answer, transfer);
    hl_ctx_leave(ctx);
    return code;
}

static inline struct answer ask(homelab_ctx *ctx, struct hl_http_request request, int timeout_ms)
{
    static struct answer answer;
    struct hl_transfer *transfer = NULL;
    assert_int_equal(start(ctx, request, timeout_ms, &answer, &transfer), HOMELAB_OK);
    assert_int_equal(answer.count, 0);
    run_for(ctx, &answer.count, 1, timeout_ms + 3000);
    print_message("    %s: %s (errno %d, status %d)\n", homelab_error_name(answer.result.code),
                  answer.result.detail, answer.result.sys_errno, answer.result.status);
    assert_int_equal(answer.count, 1);
    assert_null(strchr(answer.result.detail, '\n'));
    return answer;
}

#endif
