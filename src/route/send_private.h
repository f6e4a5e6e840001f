/* A request on its way: send.c chooses whose turn it is, attempt.c asks one candidate. */
#ifndef HL_ROUTE_SEND_PRIVATE_H
#define HL_ROUTE_SEND_PRIVATE_H

#include "core/ctx.h"
#include "core/event.h"
#include "core/secret.h"
#include "net/http.h"
#include "route/answer.h"
#include "route/reply.h"
#include "route/splice.h"

struct hl_sends;

struct hl_send {
    struct hl_send *next, *previous;
    struct hl_sends *all;
    homelab_ctx *ctx;
    homelab_router *router;
    homelab_op *op;       /* the worker's reference, until it completes */
    homelab_reply *reply; /* the operation's */
    int kind;             /* of the body */
    bool raw;
    char *body;
    size_t length;
    struct hl_body_shape shape;
    size_t buffer_bytes, max_answer;
    int max_depth;

    int64_t started_us, deadline_us;
    struct hl_timer limit; /* at the deadline */
    size_t candidate;      /* the next one */
    int tries;
    uint32_t later;   /* a bit for each candidate that is of use to be asked again */
    int64_t later_us; /* since when this request waits for one of them; 0: not at all */
    bool waits;       /* now, until the timer */

    /* The attempt under way */
    int64_t ticket; /* 0: none */
    int64_t attempt_us;
    struct hl_secret_wait *secret;
    struct hl_transfer *transfer;
    struct hl_timer timer; /* waiting, key, first byte, stall */
    struct hl_answer answer;
    struct hl_buf unheard; /* raw bytes, until it is known that they are no error */
    int code;              /* of what went wrong while a piece was taken */
    bool spoke;            /* a piece was handed out: no other candidate from here */
    bool held;
};

/* All sends of a context: for its close, and for going on when pieces were taken. */
struct hl_sends {
    homelab_ctx *ctx;
    struct hl_send *first;
    struct hl_task taken;
    struct hl_closer closer;
};

static inline struct hl_loop *hl_send_loop(const struct hl_send *send)
{
    return hl_ctx_loop(send->ctx);
}
static inline int64_t hl_send_now(const struct hl_send *send)
{
    return hl_loop_now(hl_send_loop(send));
}
/* Of the candidate that is being asked. */
static inline const char *hl_send_endpoint(const struct hl_send *send)
{
    return homelab_decision_endpoint(send->reply->decision, send->candidate - 1);
}

/* The next candidate's turn, or the end. */
void hl_send_next(struct hl_send *send);
/* The end. NULL: success. */
void hl_send_complete(struct hl_send *send, const struct hl_error *error);
void hl_send_complete_with(struct hl_send *send, int code, int sub_code, const char *what);

/* --- An attempt --- */
/* Asks candidate - 1, of which send holds a ticket. */
void hl_attempt_begin(struct hl_send *send);
/* Its time is over. */
void hl_attempt_late(struct hl_send *send);
/* Reads on when enough of what came was taken. */
void hl_attempt_go_on(struct hl_send *send);
/* Tells the counters what came of it, and notes it. */
void hl_attempt_end(struct hl_send *send, int outcome, int64_t retry_ms, const char *message);
void hl_attempt_clear(struct hl_send *send);

#endif
