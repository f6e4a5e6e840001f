#include "net/http_private.h"

#include "core/options.h"

#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define START_SLICE     64   /* transfers */
#define START_SLICE_US  1000 /* or this long, before the loop gets to answers again */
#define SETTLE_SLICE    8
#define GREETING_MAX_US 500000

static void drop(struct hl_transfer *transfer)
{
    struct hl_http *http = transfer->http;
    struct hl_transfer_list *list = transfer->state == HL_TRANSFER_QUEUED   ? &http->queued
                                    : transfer->state == HL_TRANSFER_ACTIVE ? &http->active
                                                                            : &http->ended;
    hl_timer_disarm(http->loop, &transfer->timer);
    hl_list_remove(list, transfer);
    hl_shard_take_out(transfer);
}

/* --- The end of transfers --- */

void hl_http_end(struct hl_transfer *transfer)
{
    struct hl_http *http = transfer->http;
    if (transfer->state == HL_TRANSFER_ENDED)
        return;
    hl_list_remove(transfer->state == HL_TRANSFER_QUEUED ? &http->queued : &http->active, transfer);
    transfer->state = HL_TRANSFER_ENDED;
    hl_list_append(&http->ended, transfer);
    hl_timer_disarm(http->loop, &transfer->timer);
}

static void count(struct hl_transfer *transfer, const struct hl_http_result *result)
{
    struct hl_http *http = transfer->http;
    struct hl_counters *counters = hl_ctx_counters(http->ctx);
    counters->transfers++;
    if (!result->connected || result->reused)
        return;
    counters->connections++;
    if (transfer->insecure && transfer->tls)
        hl_log(http->ctx, HOMELAB_LOG_WARN, "http", "%s: the certificate was not verified",
               transfer->target->url);
}

/* A greeting takes a small part of the time that is left: the server may swallow it in silence. */
static int64_t greeting_deadline(const struct hl_transfer *transfer, int64_t now_us)
{
    int64_t share_us = (transfer->deadline_us - now_us) / 4;
    return now_us + (share_us < GREETING_MAX_US ? share_us : GREETING_MAX_US);
}

/* True when the transfer goes on. */
static bool greet(struct hl_transfer *transfer, const struct hl_http_result *result)
{
    struct hl_http *http = transfer->http;
    int64_t now_us = hl_loop_now(http->loop);
    if (transfer->stop != HL_STOP_NONE || !hl_http_may_be_tls(transfer, result) ||
        now_us >= transfer->deadline_us || hl_transfer_to_greeting(transfer) != HOMELAB_OK)
        return false;
    transfer->plain = *result;
    transfer->deadline_us = greeting_deadline(transfer, now_us);
    transfer->connect_deadline_us = transfer->deadline_us;
    transfer->state = HL_TRANSFER_QUEUED;
    hl_list_append(&http->queued, transfer);
    hl_timer_arm(http->loop, &transfer->timer, transfer->deadline_us);
    hl_loop_post(http->loop, &http->start_task);
    return true;
}

static void deliver(struct hl_transfer *transfer)
{
    struct hl_http_result result;
    hl_http_fill(transfer, &result);
    drop(transfer);
    if (greet(transfer, &result))
        return;
    count(transfer, &result);
    if (transfer->stop == HL_STOP_TEST && transfer->piece_fn && result.status / 100 == 2) {
        /* The injected transport's body comes in one piece. */
        struct hl_http_piece piece = {.status = result.status,
                                      .content_length = -1,
                                      .data = result.body,
                                      .length = result.body_length};
        transfer->piece_fn(&piece, transfer->piece_userdata);
        result.body = "";
        result.body_length = 0;
    }
    transfer->fn(&result, transfer->userdata);
    hl_transfer_release(transfer);
}

void hl_http_settle(struct hl_http *http)
{
    for (int i = 0; i < SETTLE_SLICE && http->ended.first; i++)
        deliver(http->ended.first);
    if (http->ended.first)
        hl_loop_post(http->loop, &http->end_task);
}

static void on_end_task(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    hl_http_settle(userdata);
}

static bool is_connected(struct hl_transfer *transfer)
{
    if (transfer->http->transport || !transfer->shard)
        return transfer->state == HL_TRANSFER_ACTIVE;
    curl_off_t connect_us = 0;
    long made = 0, request_size = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
    curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &made);
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &request_size);
    return connect_us > 0 || made > 0 || request_size > 0;
}

void hl_http_deadline(struct hl_transfer *transfer)
{
    struct hl_http *http = transfer->http;
    if (transfer->stop == HL_STOP_NONE && hl_loop_now(http->loop) < transfer->deadline_us &&
        is_connected(transfer)) {
        hl_timer_arm(http->loop, &transfer->timer, transfer->deadline_us);
        return;
    }
    transfer->curl_code = CURLE_OPERATION_TIMEDOUT;
    if (transfer->state == HL_TRANSFER_QUEUED) {
        transfer->stop = HL_STOP_NOT_STARTED;
    } else if (http->transport && transfer->stop == HL_STOP_NONE) {
        transfer->stop = HL_STOP_TEST;
        transfer->test_code = HOMELAB_E_NET_TIMEOUT;
        transfer->test_status = 0;
    }
    hl_http_end(transfer);
    hl_http_settle(http);
}

/* --- The start --- */

static void start_one(struct hl_http *http)
{
    struct hl_transfer *transfer = http->queued.first;
    hl_list_remove(&http->queued, transfer);
    hl_list_append(&http->active, transfer);
    transfer->state = HL_TRANSFER_ACTIVE;
    if (http->transport) {
        transfer->request.transfer = transfer;
        http->transport(&transfer->request, http->transport_userdata);
        return;
    }
    int code = hl_transfer_configure(transfer, hl_loop_now(http->loop));
    if (code == HOMELAB_OK)
        code = hl_shard_add(transfer->target->origin->shard, transfer);
    if (code == HOMELAB_OK)
        return;
    transfer->curl_code = CURLE_OUT_OF_MEMORY;
    transfer->stop = HL_STOP_NOMEM;
    hl_http_end(transfer);
}

static int64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Between two slices the loop reads answers, or those of a long queue would look late. */
static void on_start_task(struct hl_loop *loop, void *userdata)
{
    struct hl_http *http = userdata;
    hl_target_trim(http, hl_loop_now(loop));
    int64_t until_us = clock_us() + START_SLICE_US;
    for (int i = 0; http->queued.first && i < START_SLICE; i++) {
        start_one(http);
        if (i % 8 == 7 && clock_us() >= until_us)
            break;
    }
    if (http->queued.first)
        hl_loop_post(loop, &http->start_task);
    hl_http_settle(http);
}

static bool one_line(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

static int check(const struct hl_http_request *request)
{
    if (!request->url || (strncasecmp(request->url, "http://", 7) != 0 &&
                          strncasecmp(request->url, "https://", 8) != 0))
        return hl_error_argument("url", "http:// or https://");
    if (!one_line(request->url))
        return hl_error_argument("url", "no control characters");
    if (request->method && strcmp(request->method, "GET") != 0 &&
        strcmp(request->method, "POST") != 0)
        return hl_error_argument("method", "GET or POST");
    if (request->bearer && !one_line(request->bearer))
        return hl_error_argument("key", "no control characters");
    if (request->deadline_us <= 0)
        return hl_error_argument("deadline", "a time");
    return HOMELAB_OK;
}

int hl_http_start(homelab_ctx *ctx, const struct hl_http_request *request, hl_http_done_fn fn,
                  void *userdata, struct hl_transfer **out)
{
    int code = check(request);
    struct hl_http *http = code == HOMELAB_OK ? hl_http_of(ctx) : NULL;
    if (!http)
        return code == HOMELAB_OK ? homelab_error_code() : code;
    struct hl_transfer *transfer = hl_transfer_new(http, request);
    if (!transfer)
        return homelab_error_code();
    transfer->fn = fn;
    transfer->userdata = userdata;
    transfer->start_us = hl_loop_now(http->loop);
    transfer->deadline_us = request->deadline_us;
    transfer->connect_deadline_us = request->deadline_us;
    if (request->connect_deadline_us > 0 && request->connect_deadline_us < request->deadline_us)
        transfer->connect_deadline_us = request->connect_deadline_us;
    transfer->state = HL_TRANSFER_QUEUED;
    hl_list_append(&http->queued, transfer);
    hl_timer_arm(http->loop, &transfer->timer, transfer->connect_deadline_us);
    hl_loop_post(http->loop, &http->start_task);
    *out = transfer;
    return HOMELAB_OK;
}

bool hl_http_is_behind(homelab_ctx *ctx)
{
    const struct hl_http *http = hl_http_of(ctx);
    return http && http->queued.first;
}

void hl_http_hold(struct hl_transfer *transfer)
{
    transfer->held = true;
}

void hl_http_resume(struct hl_transfer *transfer)
{
    if (!transfer->held || hl_ctx_forked(transfer->http->ctx))
        return;
    transfer->held = false;
    if (transfer->shard)
        curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

void hl_http_cancel(struct hl_transfer *transfer)
{
    /* In the child of a fork libcurl's objects are left alone, see close_service(). */
    if (!transfer || hl_ctx_forked(transfer->http->ctx))
        return;
    drop(transfer);
    hl_transfer_release(transfer);
}

/* --- The client of a context --- */

static int copy_option(char **to, const char *text)
{
    if (!text || !*text)
        return HOMELAB_OK;
    *to = hl_strdup(text);
    return *to ? HOMELAB_OK : hl_error_nomem();
}

/* OpenSSL reads a directory of certificates when it needs one, but the bundle of all at once, which
 * takes longer than a dispatch may. */
static int choose_ca_path(struct hl_http *http)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    if (info->age < CURLVERSION_SEVENTH || !info->capath || !info->ssl_version ||
        strncmp(info->ssl_version, "OpenSSL", 7) != 0 || access(info->capath, R_OK | X_OK) != 0)
        return HOMELAB_OK;
    return copy_option(&http->ca_path, info->capath);
}

static void free_service(void *service)
{
    struct hl_http *http = service;
    if (http->transport_destroy)
        http->transport_destroy(http->transport_userdata);
    while (http->pool.first) {
        struct hl_transfer *transfer = http->pool.first;
        hl_list_remove(&http->pool, transfer);
        hl_transfer_free(transfer);
    }
    curl_slist_free_all(http->headers);
    hl_target_free_all(http);
    hl_shard_free_all(http);
    hl_free(http->sockets.items);
    hl_free(http->ca_file);
    hl_free(http->ca_path);
    hl_free(http->proxy);
    hl_free(http);
}

static void end_all(struct hl_transfer_list *list)
{
    while (list->first) {
        list->first->stop = HL_STOP_CLOSED;
        deliver(list->first);
    }
}

/* libcurl has no way to forget a connection: it would say goodbye over TLS, and join threads that
 * the child of a fork does not have. So the child closes the descriptors and leaves libcurl's
 * memory where it is; callbacks are the parent's affair. */
static void close_service(void *service)
{
    struct hl_http *http = service;
    if (hl_ctx_forked(http->ctx)) {
        hl_socket_abandon(http);
        return;
    }
    hl_loop_unpost(http->loop, &http->start_task);
    hl_loop_unpost(http->loop, &http->end_task);
    end_all(&http->queued);
    end_all(&http->active);
    end_all(&http->ended);
    free_service(http);
}

static int make_service(void **out, homelab_ctx *ctx)
{
    const homelab_opts *opts = hl_ctx_opts(ctx);
    struct hl_http *http = hl_calloc(1, sizeof *http);
    if (!http)
        return hl_error_nomem();
    http->ctx = ctx;
    http->loop = hl_ctx_loop(ctx);
    http->max_body = (size_t)hl_opt_int(opts, HL_OPT_HTTP_MAX_BODY);
    http->idle_s = (long)((hl_opt_int(opts, HL_OPT_HTTP_IDLE_MS) + 999) / 1000);
    http->insecure = hl_opt_bool(opts, HL_OPT_HTTP_INSECURE);
    http->sockets.serving = -1;
    http->targets.trimmed_us = hl_loop_now(http->loop);
    http->start_task = (struct hl_task){.fn = on_start_task, .userdata = http};
    http->end_task = (struct hl_task){.fn = on_end_task, .userdata = http};
    /* Thread-safe from 7.84 on. Never undone: others in the process may use libcurl. */
    int code = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? HOMELAB_OK : hl_error_nomem();
    if (!code)
        code = copy_option(&http->ca_file, hl_opt_string(opts, HL_OPT_HTTP_CA_FILE));
    if (!code && !http->ca_file)
        code = choose_ca_path(http);
    if (!code)
        code = hl_transfer_usual_headers(&http->headers);
    if (!code)
        code = copy_option(&http->proxy, hl_opt_string(opts, HL_OPT_HTTP_PROXY));
    if (code) {
        free_service(http);
        return code;
    }
    *out = http;
    return HOMELAB_OK;
}

struct hl_http *hl_http_of(homelab_ctx *ctx)
{
    static const struct hl_service service = {"http", make_service, close_service};
    void *http = NULL;
    return hl_ctx_service(ctx, &service, &http) == HOMELAB_OK ? http : NULL;
}

int hl_http_prepare(homelab_ctx *ctx)
{
    return hl_http_of(ctx) ? HOMELAB_OK : homelab_error_code();
}
