/* What a server says in the body of a refusal: {"error":{"message","type"}}, {"error":"…"},
 * {"detail":"…"}, {"status":"…"} or plain text. */
#ifndef HL_NET_REFUSAL_H
#define HL_NET_REFUSAL_H

#include "net/http.h"

struct hl_refusal {
    char message[120]; /* one line, "" when there is none */
    char type[48];     /* "" when there is none */
};
void hl_refusal_read(struct hl_refusal *out, const char *body, size_t length);
/* Whether status and body say that a model is being loaded. */
bool hl_says_loading(const struct hl_http_result *result);
/* What a body starts with, for a message: `"hello"`, "an HTML page", "an empty body". */
void hl_body_sample(char *out, size_t size, const char *body, size_t length);

#endif
