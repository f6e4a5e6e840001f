/* What came of a request. */
#ifndef HL_ROUTE_REPLY_H
#define HL_ROUTE_REPLY_H

#include "core/buf.h"
#include "route/router_private.h"

struct hl_attempt {
    size_t candidate;
    int outcome;
    char message[256];
};

struct homelab_reply {
    atomic_uint references;
    homelab_decision *decision; /* whose candidates the attempts are */
    struct hl_attempt attempts[HL_TOP_MAX];
    size_t attempt_count;
    int status;
    struct hl_buf body, text;
    char finish[32];
    int64_t prompt_tokens, answer_tokens, first_byte_us, total_us;
};

/* Takes the decision. 0 or HOMELAB_E_NOMEM. */
int hl_reply_new(homelab_reply **out, homelab_decision *decision, size_t max_body);
/* For hl_op_set_payload(). */
void hl_reply_release(void *reply);

#endif
