#include "route/splice.h"

#include "core/error.h"
#include "route/json_walk.h"

#include <string.h>

struct scan {
    struct hl_body_shape *shape;
    const unsigned char *start;
    bool twice;
};

static void on_member(struct hl_walk *walk, const char *key, void *userdata)
{
    struct scan *scan = userdata;
    struct hl_body_shape *shape = scan->shape;
    unsigned char first = hl_walk_peek(walk);
    const unsigned char *from = walk->at;
    hl_walk_skip(walk);
    shape->empty = false;
    if (walk->bad)
        return;
    if (strcmp(key, "stream") == 0)
        shape->streamed = first == 't' ? 1 : first == 'f' ? 0 : shape->streamed;
    if (strcmp(key, "model") != 0)
        return;
    scan->twice |= shape->named;
    shape->named = true;
    shape->from = (size_t)(from - scan->start);
    shape->to = (size_t)(walk->at - scan->start);
}

int hl_body_shape(struct hl_body_shape *out, const char *body, size_t length)
{
    struct hl_walk walk = {(const unsigned char *)body, (const unsigned char *)body + length,
                           false};
    struct scan scan = {.shape = out, .start = walk.at};
    *out = (struct hl_body_shape){.empty = true, .streamed = -1};
    hl_walk_peek(&walk);
    out->open = (size_t)(walk.at - scan.start) + 1;
    hl_walk_object(&walk, on_member, &scan);
    hl_walk_peek(&walk);
    if (walk.bad || walk.at != walk.end || scan.twice)
        return hl_error_set(HOMELAB_E_SYNTAX, 0, "body",
                            "body: expected a JSON object that names its model once, found %zu "
                            "bytes that are none",
                            length);
    return HOMELAB_OK;
}

void hl_body_splice(struct hl_buf *out, const struct hl_body_shape *shape, const char *body,
                    size_t length, const char *model)
{
    size_t from = shape->named ? shape->from : shape->open;
    size_t to = shape->named ? shape->to : shape->open;
    hl_buf_append(out, body, from);
    hl_buf_puts(out, shape->named ? "" : "\"model\":");
    hl_buf_json(out, model);
    hl_buf_puts(out, shape->named || shape->empty ? "" : ",");
    hl_buf_append(out, body + to, length - to);
}
