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
    const char *text; /* copied */
    homelab_op *op;   /* referenced */
};
/* Queues an event with the context's wall time; a full queue drops it and counts, see
 * HOMELAB_EVENT_OVERFLOW. Cannot fail otherwise: without memory it counts as dropped too. */
void hl_event_queue(homelab_ctx *ctx, const struct hl_event_fields *fields);

/* An operation. The cancel function asks the work to stop; whoever does the work calls
 * hl_op_complete() exactly once, also after a cancel. Holds the context. */
typedef void (*hl_op_cancel_fn)(homelab_op *op, void *userdata);
int hl_op_new(homelab_op **out, homelab_ctx *ctx, hl_op_cancel_fn cancel, void *userdata);
/* Queues HOMELAB_EVENT_OP_DONE. error NULL: success. Drops the worker's reference. */
void hl_op_complete(homelab_op *op, const struct hl_error *error);

#endif
