/* Sends a request to the candidates of a decision, one after the other until one speaks. */
#include "route/send_private.h"

#include "core/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The breakers' clock is a coarse one. */
#define WAIT_LEAST_MS 20

/* --- Timers --- */

/* One for the attempts, one for the limit. */
static int reserve_timers(struct hl_loop *loop)
{
    int code = hl_loop_reserve_timer(loop);
    if (code)
        return code;
    code = hl_loop_reserve_timer(loop);
    if (code)
        hl_loop_release_timer(loop);
    return code;
}

static void release_timers(struct hl_loop *loop)
{
    hl_loop_release_timer(loop);
    hl_loop_release_timer(loop);
}

/* --- The end --- */

static void free_send(struct hl_send *send)
{
    if (send->previous || send->all->first == send) {
        *(send->previous ? &send->previous->next : &send->all->first) = send->next;
        if (send->next)
            send->next->previous = send->previous;
    }
    release_timers(hl_send_loop(send));
    homelab_router_unref(send->router);
    hl_free(send->body);
    hl_free(send);
}

void hl_send_complete(struct hl_send *send, const struct hl_error *error)
{
    hl_attempt_clear(send);
    hl_timer_disarm(hl_send_loop(send), &send->limit);
    send->reply->total_us = hl_send_now(send) - send->started_us;
    homelab_op *op = send->op;
    free_send(send);
    hl_op_complete(op, error && error->code ? error : NULL);
}

void hl_send_complete_with(struct hl_send *send, int code, int sub_code, const char *what)
{
    struct hl_error error;
    const char *endpoint = homelab_reply_endpoint(send->reply);
    hl_error_format(&error, code, sub_code, endpoint, "%s", what);
    hl_send_complete(send, &error);
}

/* --- Whose turn it is --- */

static void tell_attempt(struct hl_send *send)
{
    struct hl_event_fields fields = {
        .type = HOMELAB_EVENT_ATTEMPT,
        .subject = hl_send_endpoint(send),
        .text = homelab_decision_model(send->reply->decision, send->candidate - 1),
        .after = send->tries};
    /* Told on a best effort: the reply lists all attempts. */
    if (hl_event_queue_data(send->ctx, send->op, &fields, "", 0))
        hl_error_clear();
}

static void all_failed(struct hl_send *send)
{
    const homelab_reply *reply = send->reply;
    char message[HL_ERROR_MESSAGE_MAX];
    if (reply->attempt_count == 0) {
        hl_send_complete_with(
            send, HOMELAB_E_ROUTE_FAILED, 0,
            "route: all candidates failed of late, or asked to be left alone for long");
        return;
    }
    snprintf(message, sizeof message,
             "route: %zu of %zu candidates tried, all failed; the last: %s", reply->attempt_count,
             homelab_decision_count(reply->decision),
             reply->attempts[reply->attempt_count - 1].message);
    hl_send_complete_with(send, HOMELAB_E_ROUTE_FAILED, reply->status, message);
}

/* The candidate's entry among the attempts, as the last one. */
static void note_attempt(homelab_reply *reply, size_t candidate)
{
    size_t i = 0;
    while (i < reply->attempt_count && reply->attempts[i].candidate != candidate)
        i++;
    if (i < reply->attempt_count)
        memmove(&reply->attempts[i], &reply->attempts[i + 1],
                (--reply->attempt_count - i) * sizeof *reply->attempts);
    reply->attempts[reply->attempt_count++].candidate = candidate;
    reply->status = 0;
    reply->first_byte_us = reply->prompt_tokens = reply->answer_tokens = -1;
    hl_buf_reset(&reply->body);
}

/* Who was told to come back later waits for that, when there is nobody else: no longer than an
 * answer may take to begin, with time for loading. False when there is no use in it. */
static bool wait_for_later(struct hl_send *send)
{
    const homelab_decision *decision = send->reply->decision;
    int64_t now_us = hl_send_now(send), least_ms = -1, most_ms = 0;
    for (size_t i = 0; i < homelab_decision_count(decision); i++) {
        int64_t wait_ms = send->later >> i & 1 ? hl_candidate_pause_ms(decision, i) : -1;
        if (wait_ms < 0 || (least_ms >= 0 && wait_ms >= least_ms))
            continue;
        least_ms = wait_ms;
        most_ms = hl_candidate_first_byte_ms(decision, i);
    }
    if (least_ms < 0)
        return false;
    if (!send->later_us)
        send->later_us = now_us;
    int64_t at_us = now_us + 1000 * (least_ms > WAIT_LEAST_MS ? least_ms : WAIT_LEAST_MS);
    if (at_us > send->later_us + 1000 * most_ms || at_us > send->deadline_us)
        return false;
    hl_timer_arm(hl_send_loop(send), &send->timer, at_us);
    send->waits = true;
    return true;
}

void hl_send_next(struct hl_send *send)
{
    homelab_reply *reply = send->reply;
    while (send->candidate < homelab_decision_count(reply->decision)) {
        size_t i = send->candidate++;
        uint32_t bit = UINT32_C(1) << i;
        if (send->later_us && !(send->later & bit))
            continue;
        int64_t ticket = homelab_router_begin(send->router, reply->decision, i);
        if (ticket < 0) {
            send->later |= hl_candidate_pause_ms(reply->decision, i) >= 0 ? bit : 0;
            continue;
        }
        send->later &= ~bit;
        note_attempt(reply, i);
        send->ticket = ticket;
        send->attempt_us = hl_send_now(send);
        send->code = HOMELAB_OK;
        send->tries++;
        tell_attempt(send);
        hl_attempt_begin(send);
        return;
    }
    if (!wait_for_later(send))
        all_failed(send);
}

/* --- Time, cancel, close --- */

static void on_timer(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    struct hl_send *send = userdata;
    if (!send->waits) {
        hl_attempt_late(send);
        return;
    }
    send->waits = false;
    send->candidate = 0;
    hl_send_next(send);
}

static void on_taken(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    struct hl_sends *all = userdata;
    for (struct hl_send *next, *send = all->first; send; send = next) {
        next = send->next;
        hl_attempt_go_on(send);
    }
}

static void stop(struct hl_send *send, int code, const char *message)
{
    if (send->ticket)
        hl_attempt_end(send, HOMELAB_OUTCOME_CANCELLED, -1, message);
    hl_send_complete_with(send, code, 0, message);
}

static void on_limit(struct hl_loop *loop, void *userdata)
{
    struct hl_send *send = userdata;
    char message[128];
    (void)loop;
    if (send->answer.ended) { /* only HTTP's own end is outstanding */
        hl_attempt_late(send);
        return;
    }
    snprintf(message, sizeof message, "route: the request took longer than %" PRId64 " ms",
             (send->deadline_us - send->started_us) / 1000);
    stop(send, HOMELAB_E_TIMEOUT, message);
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

/* A body for a plain text; Ollama's API reads it too, and skips what it does not know. */
static int compose(struct hl_send *send, bool embeds, const char *text, size_t length)
{
    struct hl_buf out;
    hl_buf_init(&out, 6 * length + 256);
    hl_buf_puts(&out, embeds ? "{\"input\":" : "{\"messages\":[{\"role\":\"user\",\"content\":");
    hl_buf_json_bytes(&out, text, length);
    hl_buf_puts(&out,
                embeds ? "}" : "}],\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
    send->kind = embeds ? HOMELAB_REQUEST_OPENAI_EMBEDDINGS : HOMELAB_REQUEST_OPENAI_CHAT;
    send->length = out.length;
    send->body = hl_buf_take(&out);
    return send->body ? HOMELAB_OK : homelab_error_code();
}

static int take_body(struct hl_send *send, const homelab_request *request,
                     const struct hl_errand *errand, const char *text, size_t length)
{
    int code;
    if (request->kind == HOMELAB_REQUEST_TEXT) {
        code = compose(send, errand->needs & HL_CAN_EMBED, text, length);
    } else {
        send->kind = request->kind;
        send->length = length;
        send->body = hl_strndup(text, length);
        code = send->body ? HOMELAB_OK : hl_error_nomem();
    }
    return code ? code : hl_body_shape(&send->shape, send->body, send->length);
}

static int decide(struct hl_send *send, homelab_decision *decision, const homelab_request *request,
                  const char *text, size_t length)
{
    int found = homelab_router_decide(send->router, request, text, length, decision,
                                      HOMELAB_DECIDE_EXPLAIN);
    if (found == HOMELAB_E_ROUTE_NONE && decision->verdict.rejected[HOMELAB_REJECT_BREAKER])
        found = hl_router_decide_patiently(send->router, request, text, length, decision,
                                           HOMELAB_DECIDE_EXPLAIN);
    return found < 0 ? found : HOMELAB_OK;
}

static int prepare(struct hl_send *send, const homelab_request *request, const char *text,
                   size_t length)
{
    homelab_decision *decision = NULL;
    int code = homelab_decision_new(&decision, send->router);
    if (!code)
        code = decide(send, decision, request, text, length);
    if (!code)
        code = take_body(send, request, &decision->errand, text, length);
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
    hl_timer_init(&send->limit, on_limit, send);
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
        code = reserve_timers(hl_send_loop(send));
    if (code)
        return code;
    code = hl_op_new(&send->op, send->ctx, on_cancel, send);
    if (code) {
        release_timers(hl_send_loop(send));
        return code;
    }
    hl_op_set_payload(send->op, send->reply, hl_reply_release);
    send->all = all;
    send->next = send->all->first;
    if (send->next)
        send->next->previous = send;
    send->all->first = send;
    send->started_us = hl_send_now(send);
    send->deadline_us =
        send->started_us + 1000 * homelab_decision_total_ms(send->reply->decision, 0);
    hl_timer_arm(hl_send_loop(send), &send->limit, send->deadline_us);
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
        hl_send_next(send);
        if (op)
            *op = mine;
        else
            homelab_op_unref(mine);
        hl_error_clear();
    }
    hl_ctx_leave(ctx);
    return code;
}
