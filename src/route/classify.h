/* The classification proper: a pure function from what came to what it is. */
#ifndef HL_ROUTE_CLASSIFY_H
#define HL_ROUTE_CLASSIFY_H

#include "route/request_body.h"

#include <homelab/classify.h>

enum hl_decided_by {
    HL_BY_NONE,
    HL_BY_EMBEDDING,
    HL_BY_IMAGE,
    HL_BY_TEXT
};

struct hl_class {
    int task;
    enum hl_decided_by by;
    uint32_t needs;
    double probability[HOMELAB_TASK_COUNT + 1]; /* by task; [HOMELAB_TASK_NONE] is 0 */
    uint64_t prompt_tokens;
    uint64_t answer_tokens;
};

/* What a text alone looks like. */
void hl_class_of_text(struct hl_class *out, const char *text, size_t length, uint32_t needs);
void hl_class_of_request(struct hl_class *out, const struct hl_request *request, uint32_t needs);

struct homelab_classification {
    struct hl_class is;
    double abstain_below;
};

#endif
