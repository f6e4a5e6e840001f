#include "route/reply.h"

#include "core/event.h"

int hl_reply_new(homelab_reply **out, homelab_decision *decision, size_t max_body)
{
    homelab_reply *reply = hl_calloc(1, sizeof *reply);
    if (!reply)
        return hl_error_nomem();
    atomic_init(&reply->references, 1);
    reply->decision = decision;
    reply->prompt_tokens = reply->answer_tokens = reply->first_byte_us = -1;
    hl_buf_init(&reply->body, max_body);
    hl_buf_init(&reply->text, max_body);
    *out = reply;
    return HOMELAB_OK;
}

homelab_reply *homelab_reply_ref(homelab_reply *reply)
{
    if (reply)
        atomic_fetch_add_explicit(&reply->references, 1, memory_order_relaxed);
    return reply;
}

void homelab_reply_unref(homelab_reply *reply)
{
    if (!reply || atomic_fetch_sub_explicit(&reply->references, 1, memory_order_acq_rel) != 1)
        return;
    homelab_decision_free(reply->decision);
    hl_buf_free(&reply->body);
    hl_buf_free(&reply->text);
    hl_free(reply);
}

void hl_reply_release(void *reply)
{
    homelab_reply_unref(reply);
}

int homelab_reply_of(homelab_reply **out, const homelab_op *op)
{
    HL_API(NULL);
    if (!out || !op)
        return hl_error_argument(out ? "op" : "out", "not NULL");
    if (!homelab_op_is_done(op))
        return hl_error_set(HOMELAB_E_PENDING, 0, "op", "op: the request has not ended yet");
    homelab_reply *reply = hl_op_payload(op, hl_reply_release);
    if (!reply)
        return hl_error_set(HOMELAB_E_NOT_FOUND, 0, "op",
                            "op: expected one of homelab_router_send(), found another");
    *out = homelab_reply_ref(reply);
    return HOMELAB_OK;
}

static const struct hl_attempt *last_of(const homelab_reply *reply)
{
    return reply && reply->attempt_count ? &reply->attempts[reply->attempt_count - 1] : NULL;
}

static const char *text_of(const struct hl_buf *buf)
{
    return buf->data ? buf->data : "";
}

int homelab_reply_status(const homelab_reply *reply)
{
    return reply ? reply->status : 0;
}

const char *homelab_reply_endpoint(const homelab_reply *reply)
{
    const struct hl_attempt *last = last_of(reply);
    return last ? homelab_decision_endpoint(reply->decision, last->candidate) : NULL;
}

const char *homelab_reply_model(const homelab_reply *reply)
{
    const struct hl_attempt *last = last_of(reply);
    return last ? homelab_decision_model(reply->decision, last->candidate) : NULL;
}

const char *homelab_reply_body(const homelab_reply *reply)
{
    return reply ? text_of(&reply->body) : NULL;
}

size_t homelab_reply_body_length(const homelab_reply *reply)
{
    return reply ? reply->body.length : 0;
}

const char *homelab_reply_text(const homelab_reply *reply)
{
    return reply ? text_of(&reply->text) : NULL;
}

const char *homelab_reply_finish(const homelab_reply *reply)
{
    return reply ? reply->finish : NULL;
}

int64_t homelab_reply_prompt_tokens(const homelab_reply *reply)
{
    return reply ? reply->prompt_tokens : -1;
}

int64_t homelab_reply_answer_tokens(const homelab_reply *reply)
{
    return reply ? reply->answer_tokens : -1;
}

int64_t homelab_reply_first_byte_us(const homelab_reply *reply)
{
    return reply ? reply->first_byte_us : -1;
}

int64_t homelab_reply_total_us(const homelab_reply *reply)
{
    return reply ? reply->total_us : 0;
}

size_t homelab_reply_attempt_count(const homelab_reply *reply)
{
    return reply ? reply->attempt_count : 0;
}

const char *homelab_reply_attempt_endpoint(const homelab_reply *reply, size_t i)
{
    if (!reply || i >= reply->attempt_count)
        return NULL;
    return homelab_decision_endpoint(reply->decision, reply->attempts[i].candidate);
}

int homelab_reply_attempt_outcome(const homelab_reply *reply, size_t i)
{
    return reply && i < reply->attempt_count ? reply->attempts[i].outcome : -1;
}

const char *homelab_reply_attempt_message(const homelab_reply *reply, size_t i)
{
    return reply && i < reply->attempt_count ? reply->attempts[i].message : NULL;
}
