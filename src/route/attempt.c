/* Asks one candidate, from the key to the last piece. */
#include "net/refusal.h"
#include "route/outcome.h"
#include "route/send_private.h"

#include <stdio.h>
#include <string.h>

#define ERROR_BODY_MAX 65536
/* Of waiting for an API key. */
#define KEY_US         INT64_C(30000000)
/* Of waiting for the end of HTTP's answer after that of the model's, to keep the connection. */
#define ENDED_US       INT64_C(100000)
/* The request's own deadline comes first: it ends all attempts. */
#define AFTER_LIMIT_US INT64_C(1000000)

/* --- How it ends --- */

void hl_attempt_clear(struct hl_send *send)
{
    hl_secret_cancel(send->secret);
    send->secret = NULL;
    hl_http_cancel(send->transfer);
    send->transfer = NULL;
    hl_timer_disarm(hl_send_loop(send), &send->timer);
    hl_buf_free(&send->unheard);
    hl_answer_clear(&send->answer);
    send->answer = (struct hl_answer){0};
    send->held = false;
}

void hl_attempt_end(struct hl_send *send, int outcome, int64_t retry_ms, const char *message)
{
    homelab_reply *reply = send->reply;
    struct hl_attempt *attempt = &reply->attempts[reply->attempt_count - 1];
    int64_t total_us = hl_send_now(send) - send->attempt_us;
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
    hl_attempt_end(send, outcome, retry_ms, message);
    hl_attempt_clear(send);
    hl_send_next(send);
}

/* After a word there is no other candidate. */
static void cut_attempt(struct hl_send *send, int outcome, const char *message)
{
    hl_attempt_end(send, outcome, -1, message);
    hl_send_complete_with(send, HOMELAB_E_ROUTE_CUT, send->reply->status, message);
}

static void give_up(struct hl_send *send, int outcome, int code, const char *message)
{
    hl_attempt_end(send, outcome, -1, message);
    hl_send_complete_with(send, code, send->reply->status, message);
}

/* --- The answer --- */

static int64_t stall_us(const struct hl_send *send)
{
    return 1000 * homelab_decision_stall_ms(send->reply->decision, send->candidate - 1);
}

static int hand_out(const char *data, size_t length, void *userdata)
{
    struct hl_send *send = userdata;
    struct hl_event_fields fields = {.type = HOMELAB_EVENT_ANSWER,
                                     .subject = hl_send_endpoint(send)};
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

static int keep(struct hl_send *send, struct hl_buf *buf, const char *data, size_t length)
{
    hl_buf_append(buf, data, length);
    if (buf->failed == HOMELAB_E_LIMIT)
        return hl_error_set(HOMELAB_E_LIMIT, 0, hl_send_endpoint(send),
                            "answer: found more than %zu bytes, expected fewer", send->max_answer);
    return buf->failed ? hl_error_nomem() : HOMELAB_OK;
}

static int hand_out_unheard(struct hl_send *send)
{
    int code = hand_out(send->unheard.data, send->unheard.length, send);
    hl_buf_free(&send->unheard);
    return code;
}

/* An error in place of a first word is none, since the next candidate may have one: what comes
 * before it is known which of them it is waits. */
static int take_raw(struct hl_send *send, const char *data, size_t length)
{
    if (send->spoke)
        return hand_out(data, length, send);
    if (send->answer.failed)
        return HOMELAB_OK;
    int code = keep(send, &send->unheard, data, length);
    bool judged = send->answer.documents > 0 || send->answer.ended;
    return code || !judged ? code : hand_out_unheard(send);
}

static int take_piece(struct hl_send *send, const char *data, size_t length)
{
    if (!send->answer.streamed)
        return keep(send, &send->reply->body, data, length);
    int code = hl_answer_feed(&send->answer, data, length);
    return code || !send->raw ? code : take_raw(send, data, length);
}

static bool on_piece(const struct hl_http_piece *piece, void *userdata)
{
    struct hl_send *send = userdata;
    bool ended = send->answer.ended;
    if (send->reply->first_byte_us < 0) {
        send->reply->first_byte_us = hl_send_now(send) - send->attempt_us;
        hl_feedback_answers(send->router->ledger, send->ticket);
    }
    send->reply->status = piece->status;
    send->code = take_piece(send, piece->data, piece->length);
    if (send->code || send->answer.failed)
        return false;
    if (send->answer.ended) {
        if (!ended)
            hl_timer_arm(hl_send_loop(send), &send->timer, hl_send_now(send) + ENDED_US);
        return true;
    }
    hl_timer_arm(hl_send_loop(send), &send->timer, hl_send_now(send) + stall_us(send));
    if (hl_event_data_waiting(send->ctx) >= send->buffer_bytes) {
        hl_http_hold(send->transfer);
        hl_timer_disarm(hl_send_loop(send), &send->timer);
        send->held = true;
    }
    return true;
}

void hl_attempt_go_on(struct hl_send *send)
{
    if (!send->held || hl_event_data_waiting(send->ctx) >= send->buffer_bytes / 2 + 1)
        return;
    send->held = false;
    hl_timer_arm(hl_send_loop(send), &send->timer, hl_send_now(send) + stall_us(send));
    hl_http_resume(send->transfer);
}

static void note_answer(struct hl_send *send)
{
    homelab_reply *reply = send->reply;
    reply->prompt_tokens = send->answer.prompt_tokens;
    reply->answer_tokens = send->answer.answer_tokens;
    memcpy(reply->finish, send->answer.finish, sizeof reply->finish);
}

/* --- What came of it --- */

static void on_refusal(struct hl_send *send, const struct hl_http_result *result)
{
    char message[256];
    int outcome = hl_outcome_of_status(result->status);
    int64_t waited_ms = send->later_us ? (hl_send_now(send) - send->later_us) / 1000 : 0;
    int64_t again_ms = hl_again_ms(result, waited_ms);
    snprintf(message, sizeof message, "endpoint '%.128s': answered %d%s", hl_send_endpoint(send),
             result->status, hl_says_loading(result) ? ", it loads its model" : "");
    if (again_ms >= 0)
        send->later |= UINT32_C(1) << (send->candidate - 1);
    if (outcome != HOMELAB_OUTCOME_REJECTED || hl_says_too_long(result->body)) {
        fail_attempt(send, outcome, again_ms, message);
        return;
    }
    hl_buf_append(&send->reply->body, result->body, result->body_length);
    give_up(send, outcome, HOMELAB_E_ROUTE_REJECTED, message);
}

/* The transfer failed, or what it brought did. */
static void on_failure(struct hl_send *send, int code, const char *detail)
{
    char message[256];
    snprintf(message, sizeof message, "endpoint '%.128s': %s%s", hl_send_endpoint(send),
             send->spoke ? "the answer broke off: " : "", detail);
    if (code == HOMELAB_E_NOMEM)
        give_up(send, HOMELAB_OUTCOME_CANCELLED, code, message);
    else if (send->spoke)
        cut_attempt(send, hl_outcome_of_code(code), message);
    else
        fail_attempt(send, hl_outcome_of_code(code), -1, message);
}

static void on_end(struct hl_send *send)
{
    int code = HOMELAB_OK;
    /* What is no chat in it, such as embeddings, is the caller's to read. */
    if (!send->answer.streamed)
        code = hl_answer_feed(&send->answer, homelab_reply_body(send->reply),
                              send->reply->body.length);
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
    if (send->unheard.length && hand_out_unheard(send)) {
        on_failure(send, HOMELAB_E_NOMEM, homelab_error_message());
        return;
    }
    hl_attempt_end(send, HOMELAB_OUTCOME_OK, -1, "");
    hl_send_complete(send, NULL);
}

static void on_done(const struct hl_http_result *result, void *userdata)
{
    struct hl_send *send = userdata;
    send->transfer = NULL;
    hl_timer_disarm(hl_send_loop(send), &send->timer);
    if (result->status)
        send->reply->status = result->status;
    if (send->code) {
        note_answer(send);
        on_failure(send, send->code,
                   send->code == HOMELAB_E_LIMIT ? "it answers more than router.max_answer_bytes"
                                                 : "the answer could not be read");
    } else if (send->answer.failed) {
        note_answer(send);
        on_failure(send, HOMELAB_E_NET_PROTOCOL, "it told of an error in place of an answer");
    } else if (send->answer.ended) {
        on_end(send);
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

/* --- The beginning --- */

static void launch(struct hl_send *send, const char *key)
{
    homelab_reply *reply = send->reply;
    size_t i = send->candidate - 1;
    const struct hl_endpoint *endpoint = hl_endpoint_of(reply->decision, i)->endpoint;
    struct hl_buf body;
    hl_buf_init(&body, send->length + HL_SPLICE_ROOM);
    hl_body_splice(&body, &send->shape, send->body, send->length,
                   homelab_decision_model(reply->decision, i));
    bool ollama = homelab_decision_dialect(reply->decision, i) == HOMELAB_DIALECT_OLLAMA;
    bool embeds = send->kind == HOMELAB_REQUEST_OPENAI_EMBEDDINGS ||
                  send->kind == HOMELAB_REQUEST_OLLAMA_EMBED;
    bool streams = !embeds && (send->shape.streamed == 1 || (ollama && send->shape.streamed < 0));
    hl_answer_init(&send->answer, ollama, streams, send->max_answer, send->max_depth, take_text,
                   send);
    hl_buf_init(&send->unheard, send->max_answer);
    int64_t now_us = hl_send_now(send);
    struct hl_http_request request = {
        .method = "POST",
        .url = homelab_decision_url(reply->decision, i),
        .body = body.data,
        .body_length = body.length,
        .bearer = key,
        .ca_file = endpoint->ca_file,
        .insecure = endpoint->insecure,
        .deadline_us = send->deadline_us + AFTER_LIMIT_US,
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
    hl_timer_arm(hl_send_loop(send), &send->timer,
                 now_us + 1000 * hl_candidate_first_byte_ms(reply->decision, i));
}

static void on_key(const char *secret, const struct hl_error *error, void *userdata)
{
    struct hl_send *send = userdata;
    send->secret = NULL;
    hl_timer_disarm(hl_send_loop(send), &send->timer);
    if (secret) {
        launch(send, secret);
        return;
    }
    char message[256];
    snprintf(message, sizeof message, "endpoint '%.128s': no API key: %.80s",
             hl_send_endpoint(send), error ? error->message : "no answer");
    fail_attempt(send, HOMELAB_OUTCOME_CANCELLED, -1, message);
}

void hl_attempt_begin(struct hl_send *send)
{
    size_t i = send->candidate - 1;
    const char *key = homelab_decision_key_reference(send->reply->decision, i);
    if (!key) {
        launch(send, NULL);
        return;
    }
    hl_timer_arm(hl_send_loop(send), &send->timer, hl_send_now(send) + KEY_US);
    struct hl_secret_wait *wait = NULL;
    int code = hl_secret_ask(send->ctx, HOMELAB_SECRET_KIND_API_KEY, key, hl_send_endpoint(send), 1,
                             on_key, send, &wait);
    /* When the answer came at once, the attempt may be over by now. */
    if (code)
        fail_attempt(send, HOMELAB_OUTCOME_CANCELLED, -1, "the API key could not be asked for");
    else if (wait)
        send->secret = wait;
}

void hl_attempt_late(struct hl_send *send)
{
    if (send->answer.ended) {
        on_end(send);
        return;
    }
    bool began = send->reply->first_byte_us >= 0;
    char message[256];
    snprintf(message, sizeof message, "endpoint '%.128s': %s", hl_send_endpoint(send),
             send->secret ? "no API key in time"
             : began      ? "the answer stands still"
                          : "no first byte in time");
    int outcome = send->secret ? HOMELAB_OUTCOME_CANCELLED : HOMELAB_OUTCOME_TIMEOUT;
    if (send->spoke)
        cut_attempt(send, outcome, message);
    else
        fail_attempt(send, outcome, -1, message);
}
