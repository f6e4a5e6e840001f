/* Sends a request to the candidates of a decision, one after the other until one speaks. */
#include "core/ctx.h"
#include "core/event.h"
#include "core/options.h"
#include "core/secret.h"
#include "net/http.h"
#include "route/answer.h"
#include "route/reply.h"
#include "route/splice.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ERROR_BODY_MAX 65536
/* Of waiting for an API key. */
#define KEY_US         INT64_C(30000000)

struct hl_sends;

struct hl_send {
    struct hl_send *next, *previous;
    struct hl_sends *all;
    homelab_ctx *ctx;
    homelab_router *router;
    homelab_op *op;       /* the worker's reference, until it completes */
    homelab_reply *reply; /* the operation's */
    int kind;             /* of the body */
    bool raw;
    char *body;
    size_t length;
    struct hl_body_shape shape;
    size_t buffer_bytes, max_answer;
    int max_depth;

    int64_t started_us, deadline_us;
    size_t candidate; /* the next one */

    /* The attempt under way */
    int64_t ticket; /* 0: none */
    int64_t attempt_us;
    struct hl_secret_wait *secret;
    struct hl_transfer *transfer;
    struct hl_timer timer; /* key, first byte, stall */
    struct hl_answer answer;
    int code;   /* of what went wrong while a piece was taken */
    bool spoke; /* a piece was handed out: no other candidate from here */
    bool held;
};

/* All sends of a context: for its close, and for going on when pieces were taken. */
struct hl_sends {
    homelab_ctx *ctx;
    struct hl_send *first;
    struct hl_task taken;
    struct hl_closer closer;
};

static void try_next(struct hl_send *send);

static struct hl_loop *loop_of(const struct hl_send *send)
{
    return hl_ctx_loop(send->ctx);
}

static int64_t now_of(const struct hl_send *send)
{
    return hl_loop_now(loop_of(send));
}

/* --- The end --- */

static void clear_attempt(struct hl_send *send)
{
    hl_secret_cancel(send->secret);
    send->secret = NULL;
    hl_http_cancel(send->transfer);
    send->transfer = NULL;
    hl_timer_disarm(loop_of(send), &send->timer);
    hl_answer_clear(&send->answer);
    send->held = false;
}

static void free_send(struct hl_send *send)
{
    if (send->previous || send->all->first == send) {
        *(send->previous ? &send->previous->next : &send->all->first) = send->next;
        if (send->next)
            send->next->previous = send->previous;
    }
    hl_loop_release_timer(loop_of(send));
    homelab_router_unref(send->router);
    hl_free(send->body);
    hl_free(send);
}

static void complete(struct hl_send *send, const struct hl_error *error)
{
    clear_attempt(send);
    send->reply->total_us = now_of(send) - send->started_us;
    homelab_op *op = send->op;
    free_send(send);
    hl_op_complete(op, error && error->code ? error : NULL);
}

static void complete_with(struct hl_send *send, int code, int sub_code, const char *what)
{
    struct hl_error error;
    const char *endpoint = homelab_reply_endpoint(send->reply);
    hl_error_format(&error, code, sub_code, endpoint, "%s", what);
    complete(send, &error);
}

/* --- Attempts --- */

/* Tells the counters, and notes it. */
static void end_attempt(struct hl_send *send, int outcome, int64_t retry_ms, const char *message)
{
    homelab_reply *reply = send->reply;
    struct hl_attempt *attempt = &reply->attempts[reply->attempt_count - 1];
    int64_t total_us = now_of(send) - send->attempt_us;
    int64_t tokens = reply->answer_tokens >= 0 ? reply->answer_tokens : send->answer.pieces;
    attempt->outcome = outcome;
    snprintf(attempt->message, sizeof attempt->message, "%s", message);
    if (send->ticket > 0)
        homelab_router_finish(send->router, send->ticket, outcome, reply->first_byte_us, total_us,
                              tokens > 0 ? tokens : -1, retry_ms);
    send->ticket = 0;
}

/* The attempt failed before a word: the next candidate, or the end. */
static void fail_attempt(struct hl_send *send, int outcome, int64_t retry_ms, const char *message)
{
    hl_log(send->ctx, HOMELAB_LOG_INFO, "router", "%s", message);
    end_attempt(send, outcome, retry_ms, message);
    clear_attempt(send);
    try_next(send);
}

/* After a word there is no other candidate. */
static void cut_attempt(struct hl_send *send, int outcome, const char *message)
{
    end_attempt(send, outcome, -1, message);
    complete_with(send, HOMELAB_E_ROUTE_CUT, send->reply->status, message);
}

static void give_up(struct hl_send *send, int outcome, int code, const char *message)
{
    end_attempt(send, outcome, -1, message);
    complete_with(send, code, send->reply->status, message);
}

/* --- The answer --- */

static const char *endpoint_of(const struct hl_send *send)
{
    return homelab_decision_endpoint(send->reply->decision, send->candidate - 1);
}

static int64_t stall_us(const struct hl_send *send)
{
    return 1000 * homelab_decision_stall_ms(send->reply->decision, send->candidate - 1);
}

static int hand_out(const char *data, size_t length, void *userdata)
{
    struct hl_send *send = userdata;
    struct hl_event_fields fields = {.type = HOMELAB_EVENT_ANSWER, .subject = endpoint_of(send)};
    int code = hl_event_queue_data(send->ctx, send->op, &fields, data, length);
    send->spoke |= !code;
    return code;
}

static int take_text(const char *text, size_t length, void *userdata)
{
    struct hl_send *send = userdata;
    if (!send->answer.streamed) {
        hl_buf_append(&send->reply->text, text, length);
        return send->reply->text.failed ? hl_error_nomem() : HOMELAB_OK;
    }
    return send->raw ? HOMELAB_OK : hand_out(text, length, send);
}

static int take_piece(struct hl_send *send, const char *data, size_t length)
{
    struct hl_answer *answer = &send->answer;
    if (!answer->streamed) {
        hl_buf_append(&send->reply->body, data, length);
        if (send->reply->body.failed == HOMELAB_E_LIMIT)
            return hl_error_set(HOMELAB_E_LIMIT, 0, endpoint_of(send),
                                "answer: found more than %zu bytes, expected fewer",
                                send->max_answer);
        if (send->reply->body.failed)
            return hl_error_nomem();
        return HOMELAB_OK;
    }
    int code = hl_answer_feed(answer, data, length);
    /* An error in place of a first word is none: the next candidate may have one. */
    if (!code && send->raw && (!answer->failed || send->spoke))
        code = hand_out(data, length, send);
    return code;
}

static bool on_piece(const struct hl_http_piece *piece, void *userdata)
{
    struct hl_send *send = userdata;
    if (send->reply->first_byte_us < 0)
        send->reply->first_byte_us = now_of(send) - send->attempt_us;
    send->reply->status = piece->status;
    send->code = take_piece(send, piece->data, piece->length);
    if (send->code || send->answer.failed)
        return false;
    hl_timer_arm(loop_of(send), &send->timer, now_of(send) + stall_us(send));
    if (hl_event_data_waiting(send->ctx) >= send->buffer_bytes) {
        hl_http_hold(send->transfer);
        hl_timer_disarm(loop_of(send), &send->timer);
        send->held = true;
    }
    return true;
}

static void on_taken(struct hl_loop *loop, void *userdata)
{
    struct hl_sends *all = userdata;
    for (struct hl_send *next, *send = all->first; send; send = next) {
        next = send->next;
        if (!send->held || hl_event_data_waiting(all->ctx) >= send->buffer_bytes / 2 + 1)
            continue;
        send->held = false;
        hl_timer_arm(loop, &send->timer, hl_loop_now(loop) + stall_us(send));
        hl_http_resume(send->transfer);
    }
}

static void note_answer(struct hl_send *send)
{
    homelab_reply *reply = send->reply;
    reply->prompt_tokens = send->answer.prompt_tokens;
    reply->answer_tokens = send->answer.answer_tokens;
    memcpy(reply->finish, send->answer.finish, sizeof reply->finish);
}

/* --- How an attempt ended --- */

static int outcome_of_code(int code)
{
    switch (code) {
    case HOMELAB_E_NET_DNS:
    case HOMELAB_E_NET_REFUSED:
    case HOMELAB_E_NET_NO_ROUTE:
    case HOMELAB_E_NET_CONNECT_TIMEOUT:
    case HOMELAB_E_NET_CERTIFICATE:
    case HOMELAB_E_NET_TLS:
        return HOMELAB_OUTCOME_UNREACHABLE;
    case HOMELAB_E_NET_TIMEOUT:
        return HOMELAB_OUTCOME_TIMEOUT;
    case HOMELAB_E_NOMEM:
    case HOMELAB_E_TIMEOUT:
        return HOMELAB_OUTCOME_CANCELLED;
    default:
        return HOMELAB_OUTCOME_SERVER_ERROR;
    }
}

static int outcome_of_status(int status)
{
    switch (status) {
    case 401:
    case 403:
        return HOMELAB_OUTCOME_AUTH;
    case 404:
        return HOMELAB_OUTCOME_MODEL;
    case 408:
    case 425:
    case 429:
    case 503:
        return HOMELAB_OUTCOME_BUSY;
    default:
        return status >= 500 ? HOMELAB_OUTCOME_SERVER_ERROR : HOMELAB_OUTCOME_REJECTED;
    }
}

/* A request too long for one model may fit the next one. */
static bool is_too_long(const char *body)
{
    return strstr(body, "exceed_context_size") || strstr(body, "context_length_exceeded");
}

static void on_refusal(struct hl_send *send, const struct hl_http_result *result)
{
    char message[256];
    int outcome = outcome_of_status(result->status);
    int64_t retry_ms = result->retry_after_s >= 0 ? 1000 * result->retry_after_s : -1;
    snprintf(message, sizeof message, "endpoint '%.128s': answered %d", endpoint_of(send),
             result->status);
    if (outcome != HOMELAB_OUTCOME_REJECTED || is_too_long(result->body)) {
        fail_attempt(send, outcome, retry_ms, message);
        return;
    }
    hl_buf_append(&send->reply->body, result->body, result->body_length);
    give_up(send, outcome, HOMELAB_E_ROUTE_REJECTED, message);
}

/* The transfer failed, or what it brought did. */
static void on_failure(struct hl_send *send, int code, const char *detail)
{
    char message[256];
    snprintf(message, sizeof message, "endpoint '%.128s': %s%s", endpoint_of(send),
             send->spoke ? "the answer broke off: " : "", detail);
    if (code == HOMELAB_E_NOMEM || code == HOMELAB_E_LIMIT)
        give_up(send, HOMELAB_OUTCOME_CANCELLED, code, message);
    else if (send->spoke)
        cut_attempt(send, outcome_of_code(code), message);
    else
        fail_attempt(send, outcome_of_code(code), -1, message);
}

static void on_end(struct hl_send *send)
{
    int code = HOMELAB_OK;
    if (!send->answer.streamed) {
        code = hl_answer_feed(&send->answer, homelab_reply_body(send->reply),
                              send->reply->body.length);
        /* What is no chat, such as embeddings, is the caller's to read. */
    }
    if (!code)
        code = hl_answer_end(&send->answer);
    note_answer(send);
    if (code) {
        on_failure(send, code, homelab_error_message());
        return;
    }
    if (send->answer.failed) {
        on_failure(send, HOMELAB_E_NET_PROTOCOL, "it told of an error in place of an answer");
        return;
    }
    end_attempt(send, HOMELAB_OUTCOME_OK, -1, "");
    complete(send, NULL);
}

static void on_done(const struct hl_http_result *result, void *userdata)
{
    struct hl_send *send = userdata;
    send->transfer = NULL;
    hl_timer_disarm(loop_of(send), &send->timer);
    if (result->status)
        send->reply->status = result->status;
    if (send->code) {
        note_answer(send);
        on_failure(send, send->code, "the answer could not be read");
    } else if (send->answer.failed) {
        note_answer(send);
        on_failure(send, HOMELAB_E_NET_PROTOCOL, "it told of an error in place of an answer");
    } else if (result->status && (result->status < 200 || result->status > 299)) {
        on_refusal(send, result);
    } else if (result->code == HOMELAB_E_CLOSED) {
        give_up(send, HOMELAB_OUTCOME_CANCELLED, HOMELAB_E_CLOSED, "the context was closed");
    } else if (result->code != HOMELAB_OK) {
        note_answer(send);
        on_failure(send, result->code, result->detail);
    } else {
        on_end(send);
    }
}

/* --- Starting an attempt --- */

static void launch(struct hl_send *send, const char *key)
{
    homelab_reply *reply = send->reply;
    size_t i = send->candidate - 1;
    const struct hl_endpoint *endpoint = hl_endpoint_of(reply->decision, i)->endpoint;
    struct hl_buf body;
    hl_buf_init(&body, send->length + HL_SPLICE_MAX * 4096);
    hl_body_splice(&body, &send->shape, send->body, send->length,
                   homelab_decision_model(reply->decision, i));
    bool ollama = homelab_decision_dialect(reply->decision, i) == HOMELAB_DIALECT_OLLAMA;
    bool embeds = send->kind == HOMELAB_REQUEST_OPENAI_EMBEDDINGS ||
                  send->kind == HOMELAB_REQUEST_OLLAMA_EMBED;
    bool streams = !embeds && (send->shape.streamed == 1 || (ollama && send->shape.streamed < 0));
    hl_answer_init(&send->answer, ollama, streams, send->max_answer, send->max_depth, take_text,
                   send);
    int64_t now_us = now_of(send);
    struct hl_http_request request = {
        .method = "POST",
        .url = homelab_decision_url(reply->decision, i),
        .body = body.data,
        .body_length = body.length,
        .bearer = key,
        .ca_file = endpoint->ca_file,
        .insecure = endpoint->insecure,
        .deadline_us = send->deadline_us,
        .connect_deadline_us = now_us + 1000 * homelab_decision_connect_ms(reply->decision, i),
        .max_body = ERROR_BODY_MAX,
        .piece_fn = on_piece,
        .piece_userdata = send,
    };
    int code = body.failed ? hl_error_nomem()
                           : hl_http_start(send->ctx, &request, on_done, send, &send->transfer);
    hl_buf_free(&body);
    if (code) {
        char message[256];
        snprintf(message, sizeof message, "%s", homelab_error_message());
        fail_attempt(send, HOMELAB_OUTCOME_CANCELLED, -1, message);
        return;
    }
    hl_timer_arm(loop_of(send), &send->timer,
                 now_us + 1000 * hl_candidate_first_byte_ms(reply->decision, i));
}

static void on_key(const char *secret, const struct hl_error *error, void *userdata)
{
    struct hl_send *send = userdata;
    send->secret = NULL;
    hl_timer_disarm(loop_of(send), &send->timer);
    if (secret) {
        launch(send, secret);
        return;
    }
    char message[256];
    snprintf(message, sizeof message, "endpoint '%.128s': no API key: %.80s", endpoint_of(send),
             error ? error->message : "no answer");
    fail_attempt(send, HOMELAB_OUTCOME_CANCELLED, -1, message);
}

static void begin_attempt(struct hl_send *send)
{
    size_t i = send->candidate - 1;
    const char *key = homelab_decision_key_reference(send->reply->decision, i);
    if (!key) {
        launch(send, NULL);
        return;
    }
    hl_timer_arm(loop_of(send), &send->timer, now_of(send) + KEY_US);
    struct hl_secret_wait *wait = NULL;
    int code = hl_secret_ask(send->ctx, HOMELAB_SECRET_KIND_API_KEY, key, endpoint_of(send), 1,
                             on_key, send, &wait);
    /* When the answer came at once, the attempt may be over by now. */
    if (code)
        fail_attempt(send, HOMELAB_OUTCOME_CANCELLED, -1, "the API key could not be asked for");
    else if (wait)
        send->secret = wait;
}

static void tell_attempt(struct hl_send *send)
{
    struct hl_event_fields fields = {
        .type = HOMELAB_EVENT_ATTEMPT,
        .subject = endpoint_of(send),
        .text = homelab_decision_model(send->reply->decision, send->candidate - 1),
        .after = (int)send->reply->attempt_count};
    /* Told on a best effort: the reply lists all attempts. */
    if (hl_event_queue_data(send->ctx, send->op, &fields, "", 0))
        hl_error_clear();
}

static void all_failed(struct hl_send *send)
{
    const homelab_reply *reply = send->reply;
    char message[HL_ERROR_MESSAGE_MAX];
    if (reply->attempt_count == 0) {
        complete_with(send, HOMELAB_E_ROUTE_FAILED, 0,
                      "route: all candidates failed of late and are being tried by others");
        return;
    }
    snprintf(message, sizeof message,
             "route: %zu of %zu candidates tried, all failed; the last: %s", reply->attempt_count,
             homelab_decision_count(reply->decision),
             reply->attempts[reply->attempt_count - 1].message);
    complete_with(send, HOMELAB_E_ROUTE_FAILED, reply->status, message);
}

static void try_next(struct hl_send *send)
{
    homelab_reply *reply = send->reply;
    while (send->candidate < homelab_decision_count(reply->decision)) {
        int64_t ticket = homelab_router_begin(send->router, reply->decision, send->candidate);
        send->candidate++;
        if (ticket < 0)
            continue;
        reply->attempts[reply->attempt_count++].candidate = send->candidate - 1;
        reply->status = 0;
        reply->first_byte_us = reply->prompt_tokens = reply->answer_tokens = -1;
        hl_buf_reset(&reply->body);
        send->ticket = ticket;
        send->attempt_us = now_of(send);
        send->code = HOMELAB_OK;
        tell_attempt(send);
        begin_attempt(send);
        return;
    }
    all_failed(send);
}

/* --- Time, cancel, close --- */

static void on_timer(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    struct hl_send *send = userdata;
    bool began = send->reply->first_byte_us >= 0;
    char message[256];
    snprintf(message, sizeof message, "endpoint '%.128s': %s", endpoint_of(send),
             send->secret ? "no API key in time"
             : began      ? "the answer stands still"
                          : "no first byte in time");
    int outcome = send->secret ? HOMELAB_OUTCOME_CANCELLED : HOMELAB_OUTCOME_TIMEOUT;
    if (send->spoke)
        cut_attempt(send, outcome, message);
    else
        fail_attempt(send, outcome, -1, message);
}

static void stop(struct hl_send *send, int code, const char *message)
{
    if (send->ticket)
        end_attempt(send, HOMELAB_OUTCOME_CANCELLED, -1, message);
    complete_with(send, code, 0, message);
}

static void on_cancel(homelab_op *op, void *userdata)
{
    (void)op;
    stop(userdata, HOMELAB_E_CANCELLED, "the request was cancelled");
}

static void on_close(void *userdata)
{
    struct hl_sends *all = userdata;
    hl_event_on_data_taken(all->ctx, NULL);
    while (all->first)
        stop(all->first, HOMELAB_E_CLOSED, "the context was closed");
}

static void free_sends(void *service)
{
    struct hl_sends *all = service;
    hl_event_on_data_taken(all->ctx, NULL);
    hl_ctx_remove_closer(all->ctx, &all->closer);
    hl_loop_unpost(hl_ctx_loop(all->ctx), &all->taken);
    hl_free(all);
}

static int make_sends(void **out, homelab_ctx *ctx)
{
    struct hl_sends *all = hl_calloc(1, sizeof *all);
    if (!all)
        return hl_error_nomem();
    all->ctx = ctx;
    all->taken = (struct hl_task){.fn = on_taken, .userdata = all};
    all->closer = (struct hl_closer){.fn = on_close, .userdata = all};
    hl_ctx_add_closer(ctx, &all->closer);
    hl_event_on_data_taken(ctx, &all->taken);
    *out = all;
    return HOMELAB_OK;
}

/* --- The start --- */

/* A body for a plain text. */
static int compose(struct hl_send *send, bool embeds, const char *text, size_t length)
{
    struct hl_buf out;
    char *copy = hl_strndup(text, length);
    if (!copy)
        return hl_error_nomem();
    hl_buf_init(&out, 6 * length + 256);
    hl_buf_puts(&out, embeds ? "{\"input\":" : "{\"messages\":[{\"role\":\"user\",\"content\":");
    hl_buf_json(&out, copy);
    hl_buf_puts(&out,
                embeds ? "}" : "}],\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
    hl_free(copy);
    send->kind = embeds ? HOMELAB_REQUEST_OPENAI_EMBEDDINGS : HOMELAB_REQUEST_OPENAI_CHAT;
    send->length = out.length;
    send->body = hl_buf_take(&out);
    return send->body ? HOMELAB_OK : homelab_error_code();
}

static int take_body(struct hl_send *send, const homelab_request *request, const char *text,
                     size_t length)
{
    int code;
    if (request->kind == HOMELAB_REQUEST_TEXT) {
        code = compose(send, request->task == HL_CAP_EMBED, text, length);
    } else {
        send->kind = request->kind;
        send->length = length;
        send->body = hl_strndup(text, length);
        code = send->body ? HOMELAB_OK : hl_error_nomem();
    }
    return code ? code : hl_body_shape(&send->shape, send->body, send->length);
}

/* The text decides; the body that was made of it is what is sent. */
static int decide(struct hl_send *send, homelab_decision *decision, const homelab_request *request,
                  const char *text, size_t length)
{
    int found = homelab_router_decide(send->router, request, text, length, decision,
                                      HOMELAB_DECIDE_EXPLAIN);
    if (found < 0)
        return found;
    decision->errand.kind = send->kind;
    return HOMELAB_OK;
}

static int prepare(struct hl_send *send, const homelab_request *request, const char *text,
                   size_t length)
{
    homelab_decision *decision = NULL;
    int code = take_body(send, request, text, length);
    if (!code)
        code = homelab_decision_new(&decision, send->router);
    if (!code)
        code = decide(send, decision, request, text, length);
    if (!code)
        code = hl_reply_new(&send->reply, decision, send->max_answer);
    if (code) {
        struct hl_error error;
        hl_error_save(&error);
        homelab_decision_free(decision);
        return hl_error_restore(&error);
    }
    return HOMELAB_OK;
}

static struct hl_send *make_send(homelab_router *router, homelab_ctx *ctx, uint32_t flags)
{
    struct hl_send *send = hl_calloc(1, sizeof *send);
    const homelab_opts *opts = hl_ctx_opts(ctx);
    if (!send) {
        hl_error_nomem();
        return NULL;
    }
    send->ctx = ctx;
    send->router = homelab_router_ref(router);
    send->raw = flags & HOMELAB_SEND_RAW;
    send->buffer_bytes = (size_t)hl_opt_int(opts, HL_OPT_ROUTER_BUFFER_BYTES);
    send->max_answer = (size_t)hl_opt_int(opts, HL_OPT_ROUTER_MAX_ANSWER_BYTES);
    send->max_depth = (int)hl_opt_int(opts, HL_OPT_JSON_MAX_DEPTH);
    hl_timer_init(&send->timer, on_timer, send);
    return send;
}

static void discard(struct hl_send *send)
{
    homelab_reply_unref(send->reply);
    homelab_router_unref(send->router);
    hl_free(send->body);
    hl_free(send);
}

static int start(struct hl_send *send, const homelab_request *request, const char *text,
                 size_t length)
{
    static const struct hl_service service = {"router", make_sends, free_sends};
    void *all = NULL;
    int code = prepare(send, request, text, length);
    if (!code)
        code = hl_ctx_service(send->ctx, &service, &all);
    if (!code)
        code = hl_http_prepare(send->ctx);
    if (!code)
        code = hl_loop_reserve_timer(loop_of(send));
    if (code)
        return code;
    code = hl_op_new(&send->op, send->ctx, on_cancel, send);
    if (code) {
        hl_loop_release_timer(loop_of(send));
        return code;
    }
    hl_op_set_payload(send->op, send->reply, hl_reply_release);
    send->all = all;
    send->next = send->all->first;
    if (send->next)
        send->next->previous = send;
    send->all->first = send;
    send->started_us = now_of(send);
    send->deadline_us =
        send->started_us + 1000 * homelab_decision_total_ms(send->reply->decision, 0);
    return HOMELAB_OK;
}

int homelab_router_send(homelab_router *router, homelab_ctx *ctx, const homelab_request *request,
                        const char *text, size_t length, uint32_t flags, homelab_op **op)
{
    HL_API(hl_ctx_allocator(ctx));
    if (!router || !ctx || !request || !text)
        return hl_error_argument(!router    ? "router"
                                 : !ctx     ? "ctx"
                                 : !request ? "request"
                                            : "text",
                                 "not NULL");
    if (flags & ~HOMELAB_SEND_RAW)
        return hl_error_flags(flags & ~HOMELAB_SEND_RAW);
    int64_t most = hl_opt_int(hl_ctx_opts(ctx), HL_OPT_ROUTER_MAX_REQUEST_BYTES);
    if (length > (size_t)most)
        return hl_error_set(HOMELAB_E_LIMIT, 0, "text",
                            "text: found %zu bytes, expected at most %" PRId64, length, most);
    int code = hl_ctx_enter(ctx);
    if (code)
        return code;
    struct hl_send *send = make_send(router, ctx, flags);
    code = send ? start(send, request, text, length) : HOMELAB_E_NOMEM;
    if (code && send) {
        struct hl_error error;
        hl_error_save(&error);
        discard(send);
        hl_error_restore(&error);
    }
    if (!code) {
        homelab_op *mine = homelab_op_ref(send->op);
        try_next(send);
        if (op)
            *op = mine;
        else
            homelab_op_unref(mine);
        hl_error_clear();
    }
    hl_ctx_leave(ctx);
    return code;
}
