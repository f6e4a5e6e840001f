/* The injected transport. */
#include "core/utf8.h"
#include "net/http_private.h"

#include <string.h>

int homelab_testing_set_transport(homelab_ctx *ctx, homelab_testing_transport_fn fn, void *userdata,
                                  homelab_destroy_fn destroy)
{
    HL_API(hl_ctx_allocator(ctx));
    int code = fn ? hl_ctx_enter(ctx) : hl_error_argument("transport", "a function");
    struct hl_http *http = code == HOMELAB_OK ? hl_http_of(ctx) : NULL;
    if (http) {
        if (http->transport_destroy)
            http->transport_destroy(http->transport_userdata);
        http->transport = fn;
        http->transport_userdata = userdata;
        http->transport_destroy = destroy;
        hl_ctx_leave(ctx);
        return HOMELAB_OK;
    }
    if (code == HOMELAB_OK) {
        code = homelab_error_code();
        hl_ctx_leave(ctx);
    }
    if (destroy)
        destroy(userdata);
    return code;
}

const char *homelab_testing_request_method(const homelab_testing_request *request)
{
    return !request ? NULL : request->transfer->posts ? "POST" : "GET";
}

const char *homelab_testing_request_url(const homelab_testing_request *request)
{
    return request ? request->transfer->target->url : NULL;
}

const char *homelab_testing_request_body(const homelab_testing_request *request)
{
    return !request ? NULL : request->transfer->body ? request->transfer->body : "";
}

static void answer(struct hl_transfer *transfer, int code, int status)
{
    transfer->stop = HL_STOP_TEST;
    transfer->test_code = code;
    transfer->test_status = status;
    hl_http_end(transfer);
    hl_loop_post(transfer->http->loop, &transfer->http->end_task);
}

static int copy_answer(struct hl_transfer *transfer, const char *server, const char *body)
{
    transfer->has_server = server != NULL;
    if (server) {
        size_t length = hl_utf8_cut(server, strlen(server), sizeof transfer->server - 1);
        memcpy(transfer->server, server, length);
        transfer->server[length] = '\0';
    }
    size_t length = body ? strlen(body) : 0;
    hl_buf_append(&transfer->answer, body ? body : "",
                  length < transfer->max_body ? length : transfer->max_body);
    if (transfer->answer.failed)
        return HOMELAB_E_NOMEM;
    return length > transfer->max_body ? HOMELAB_E_NET_TOO_LARGE : HOMELAB_OK;
}

int homelab_testing_request_answer(homelab_testing_request *request, int status,
                                   const char *server_header, const char *body)
{
    if (!request || status < 100 || status > 999)
        return hl_error_argument("request", "a request and a status from 100 to 999");
    struct hl_transfer *transfer = request->transfer;
    homelab_ctx *ctx = transfer->http->ctx;
    HL_API(hl_ctx_allocator(ctx));
    int code = hl_ctx_enter(ctx);
    if (code != HOMELAB_OK)
        return code;
    if (transfer->state == HL_TRANSFER_ACTIVE)
        answer(transfer, copy_answer(transfer, server_header, body), status);
    else
        code = hl_error_set(HOMELAB_E_STATE, 0, "request", "request: answered already");
    hl_ctx_leave(ctx);
    return code;
}

int homelab_testing_request_fail(homelab_testing_request *request, int failure)
{
    if (!request || failure > HOMELAB_E_NET_DNS || failure < HOMELAB_E_NET_PROTOCOL)
        return hl_error_argument("request", "a request and a HOMELAB_E_NET_ code");
    struct hl_transfer *transfer = request->transfer;
    homelab_ctx *ctx = transfer->http->ctx;
    HL_API(hl_ctx_allocator(ctx));
    int code = hl_ctx_enter(ctx);
    if (code != HOMELAB_OK)
        return code;
    if (transfer->state == HL_TRANSFER_ACTIVE)
        answer(transfer, failure, 0);
    else
        code = hl_error_set(HOMELAB_E_STATE, 0, "request", "request: answered already");
    hl_ctx_leave(ctx);
    return code;
}
