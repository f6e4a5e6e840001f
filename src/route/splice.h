/* A request's body with another model's name in it, and nothing else changed. Pure. */
#ifndef HL_ROUTE_SPLICE_H
#define HL_ROUTE_SPLICE_H

#include "core/buf.h"

/* Bytes that another name may add at most. */
#define HL_SPLICE_ROOM 4096

/* Where the body names its model, and whether it asks for a stream. */
struct hl_body_shape {
    bool named;
    size_t from, to; /* value of "model" at the top */
    size_t open;     /* behind the first brace */
    bool empty;      /* no member */
    int streamed;    /* 1, 0, -1 not said */
};
/* 0, or HOMELAB_E_SYNTAX with a record: no JSON object, or the model is named twice, of
 * which servers take the one or the other. */
int hl_body_shape(struct hl_body_shape *out, const char *body, size_t length);
/* Appends the body; a body that names no model gets one. */
void hl_body_splice(struct hl_buf *out, const struct hl_body_shape *shape, const char *body,
                    size_t length, const char *model);

#endif
