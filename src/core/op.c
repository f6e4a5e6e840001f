#include "core/event_private.h"

#include "core/ctx_private.h"

struct homelab_op {
    atomic_uint refs;
    homelab_ctx *ctx; /* its memory, for the lock; the whole of it until done */
    hl_op_cancel_fn cancel;
    void *userdata;
    atomic_bool done;
    struct hl_error error; /* written before done is set */
    homelab_event *event;  /* made ahead, so that completing cannot fail */
    void *payload;         /* written before done is set */
    void (*release)(void *payload);
};

int hl_op_new(homelab_op **out, homelab_ctx *ctx, hl_op_cancel_fn cancel, void *userdata)
{
    homelab_op *op = hl_calloc(1, sizeof *op);
    homelab_event *event = hl_event_make(ctx, HOMELAB_EVENT_OP_DONE);
    if (!op || !event) {
        hl_free(op);
        homelab_event_unref(event);
        return hl_error_nomem();
    }
    atomic_init(&op->refs, 1);
    op->ctx = homelab_ctx_ref(ctx);
    hl_ctx_hold(ctx);
    op->cancel = cancel;
    op->userdata = userdata;
    op->event = event;
    *out = op;
    return HOMELAB_OK;
}

void hl_op_complete(homelab_op *op, const struct hl_error *error)
{
    homelab_ctx *ctx = op->ctx;
    homelab_event *event = op->event;
    if (error)
        op->error = *error;
    op->event = NULL;
    event->after = op->error.code;
    event->text = op->error.message;
    event->op = op; /* with the worker's reference */
    atomic_store(&op->done, true);
    hl_event_append(ctx, event);
    homelab_ctx_unref(ctx);
}

void hl_op_set_payload(homelab_op *op, void *payload, void (*release)(void *payload))
{
    op->payload = payload;
    op->release = release;
}

void *hl_op_payload(const homelab_op *op, void (*release)(void *payload))
{
    return atomic_load(&op->done) && op->release == release ? op->payload : NULL;
}

void hl_op_discard(homelab_op *op)
{
    homelab_ctx *ctx = op->ctx;
    atomic_store(&op->done, true);
    homelab_op_unref(op);
    homelab_ctx_unref(ctx);
}

homelab_op *homelab_op_ref(homelab_op *op)
{
    if (op)
        atomic_fetch_add(&op->refs, 1);
    return op;
}

void homelab_op_unref(homelab_op *op)
{
    if (!op || atomic_fetch_sub(&op->refs, 1) != 1)
        return;
    homelab_event_unref(op->event);
    if (op->payload)
        op->release(op->payload);
    hl_ctx_release(op->ctx);
    hl_free(op);
}

int homelab_op_cancel(homelab_op *op)
{
    HL_API(op ? hl_ctx_allocator(op->ctx) : NULL);
    if (!op)
        return hl_error_argument("op", "an operation");
    if (atomic_load(&op->done))
        return HOMELAB_OK;
    int code = hl_ctx_check(op->ctx);
    if (code)
        return code == HOMELAB_E_CLOSED && atomic_load(&op->done) ? HOMELAB_OK : code;
    /* Cancelling may drop the last other references. While the operation runs it holds the context,
     * so taking one more is sound. */
    homelab_op_ref(op);
    homelab_ctx *held = NULL;
    hl_ctx_lock(op->ctx);
    if (!atomic_load(&op->done)) {
        held = homelab_ctx_ref(op->ctx);
        if (op->cancel)
            op->cancel(op, op->userdata);
    }
    hl_ctx_unlock(op->ctx);
    homelab_ctx_unref(held);
    homelab_op_unref(op);
    hl_error_clear();
    return HOMELAB_OK;
}

bool homelab_op_is_done(const homelab_op *op)
{
    return op && atomic_load(&op->done);
}

int homelab_op_result(const homelab_op *op)
{
    HL_API(NULL);
    if (!op)
        return hl_error_argument("op", "an operation");
    return atomic_load(&op->done) ? op->error.code : HOMELAB_E_PENDING;
}

const char *homelab_op_message(const homelab_op *op)
{
    if (!op)
        return NULL;
    return atomic_load(&op->done) ? op->error.message : "";
}
