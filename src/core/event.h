/* Events and operations, from the inside. */
#ifndef HL_CORE_EVENT_H
#define HL_CORE_EVENT_H

#include "core/error.h"

#include <homelab/ctx.h>
#include <homelab/event.h>

struct hl_event_fields {
    int type;
    int64_t generation;
    const char *subject; /* copied */
    int before, after, cause;
    const char *before_name, *after_name, *cause_name; /* for the JSON; static, or NULL */
    const char *text;                                  /* copied */
};
/* Queues an event with the context's wall time; a full queue drops it and counts, see
 * HOMELAB_EVENT_OVERFLOW. Cannot fail otherwise: without memory it counts as dropped too. Inside
 * enter and leave, like all below. */
void hl_event_queue(homelab_ctx *ctx, const struct hl_event_fields *fields);

/* Queues a piece of what an operation brings, past the queue's cap: who queues looks at
 * hl_event_data_waiting() and stops for a while. HOMELAB_E_NOMEM with a record. */
int hl_event_queue_data(homelab_ctx *ctx, homelab_op *op, const struct hl_event_fields *fields,
                        const char *data, size_t length);
/* Bytes of such pieces that nobody took yet. */
size_t hl_event_data_waiting(const homelab_ctx *ctx);
/* Posted whenever a piece was taken; NULL removes it. */
struct hl_task;
void hl_event_on_data_taken(homelab_ctx *ctx, struct hl_task *task);

/* An operation. The cancel function asks the work to stop; whoever does the work calls
 * hl_op_complete() exactly once, also after a cancel and when the context closes. Holds the context
 * until then. The reference in *out is the worker's; for the caller of a public function take
 * another with homelab_op_ref(). Completing takes no memory and its event is never dropped. */
typedef void (*hl_op_cancel_fn)(homelab_op *op, void *userdata);
int hl_op_new(homelab_op **out, homelab_ctx *ctx, hl_op_cancel_fn cancel, void *userdata);
/* Queues HOMELAB_EVENT_OP_DONE and drops the worker's reference. error NULL: success. */
void hl_op_complete(homelab_op *op, const struct hl_error *error);
/* What an operation brings, before it completes; freed with the operation. `release` also
 * says what it is. */
void hl_op_set_payload(homelab_op *op, void *payload, void (*release)(void *payload));
/* NULL while the operation runs, when it failed, and where its payload is of another kind. */
void *hl_op_payload(const homelab_op *op, void (*release)(void *payload));
/* Drops an operation that never started, for constructors that fail: no event. */
void hl_op_discard(homelab_op *op);

#endif
