/* A request's body with another model's name in it, and nothing else changed. Pure. */
#ifndef HL_ROUTE_SPLICE_H
#define HL_ROUTE_SPLICE_H

#include "core/buf.h"

#define HL_SPLICE_MAX 8

/* Where the body names its model, and whether it asks for a stream. */
struct hl_body_shape {
    size_t from[HL_SPLICE_MAX], to[HL_SPLICE_MAX]; /* values of "model" at the top, in order */
    size_t count;
    size_t open;  /* behind the first brace */
    bool empty;   /* no member */
    int streamed; /* 1, 0, -1 not said */
};
/* 0, or HOMELAB_E_SYNTAX with a record: no JSON object, or the model is named over and over. */
int hl_body_shape(struct hl_body_shape *out, const char *body, size_t length);
/* Appends the body; a body that names no model gets one. */
void hl_body_splice(struct hl_buf *out, const struct hl_body_shape *shape, const char *body,
                    size_t length, const char *model);

#endif
