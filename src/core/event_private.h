/* What events and operations know of each other. */
#ifndef HL_CORE_EVENT_PRIVATE_H
#define HL_CORE_EVENT_PRIVATE_H

#include "core/event.h"

#include <stdatomic.h>

struct homelab_event {
    atomic_uint refs;
    homelab_allocator *allocator;
    homelab_event *next; /* in the queue */
    uint64_t number;
    bool limited; /* counts against the queue's cap */
    int type;
    int64_t time_us, generation;
    int before, after, cause;
    const char *before_name, *after_name, *cause_name;
    const char *data; /* behind the event, or NULL */
    size_t data_length;
    homelab_op *op;      /* referenced */
    const char *subject; /* behind the event, like the text, or static, or the operation's */
    const char *text;
};

/* An empty event of a type. NULL without memory. */
homelab_event *hl_event_make(homelab_ctx *ctx, int type);
/* Hands an event to the queue, past its cap. */
void hl_event_append(homelab_ctx *ctx, homelab_event *event);

#endif
