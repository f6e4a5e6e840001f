/* What a request body says about the work, read in one pass over its bytes: no tree, no memory,
 * a fixed stack. Covers OpenAI's and Ollama's bodies; unknown keys are skipped. Only the frame is
 * checked (strings, brackets), not each skipped value: the body goes to a server that will. */
#ifndef HL_ROUTE_REQUEST_BODY_H
#define HL_ROUTE_REQUEST_BODY_H

#include "route/sample.h"

#include <stdbool.h>

/* A message of the user shorter than this is read together with the one before it. */
#define HL_SHORT_MESSAGE 16

struct hl_request {
    struct hl_sample text; /* what is classified */
    struct hl_sample last; /* the user's last message, as it is */
    uint32_t needs;        /* HOMELAB_NEED_… */
    uint64_t text_bytes;   /* of all texts, whoever says them */
    uint64_t tool_bytes;
    uint64_t images;
    uint64_t messages;
    uint64_t answer_tokens; /* 0: not said */
};

enum hl_request_kind {
    HL_REQUEST_UNKNOWN,
    HL_REQUEST_CHAT,
    HL_REQUEST_EMBEDDING
};

/* From the last segment of a path or URL; NULL is unknown. */
enum hl_request_kind hl_request_kind(const char *path);
/* False when the body is no whole JSON object. */
bool hl_request_read(struct hl_request *request, const char *body, size_t length,
                     enum hl_request_kind kind);

#endif
