/* What a server says in the body of a refusal: {"error":{"message","type"}}, {"error":"…"},
 * {"detail":"…"}, {"status":"…"} or plain text. */
#ifndef HL_HEALTH_ERROR_BODY_H
#define HL_HEALTH_ERROR_BODY_H

#include <stddef.h>

struct hl_error_body {
    char message[120]; /* one line, "" when there is none */
    char type[48];     /* "" when there is none */
};
void hl_error_body_read(struct hl_error_body *out, const char *body, size_t length);
/* What a body starts with, for a message: `"hello"`, "an HTML page", "an empty body". */
void hl_body_sample(char *out, size_t size, const char *body, size_t length);

#endif
