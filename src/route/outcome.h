/* What a failed attempt says. Pure. */
#ifndef HL_ROUTE_OUTCOME_H
#define HL_ROUTE_OUTCOME_H

#include "net/http.h"

/* HOMELAB_OUTCOME_… of HOMELAB_E_…, and of a status that is no success. */
int hl_outcome_of_code(int code);
int hl_outcome_of_status(int status);
/* Says that the request is too long for this model; it may fit the next one. */
bool hl_says_too_long(const char *body);
/* After how many milliseconds it is of use to ask the same server again: when it says so, or while
 * it loads its model. -1: not known to be. waited_ms: so far; who loads for long, or says "at once"
 * again and again, is asked less often. */
int64_t hl_again_ms(const struct hl_http_result *result, int64_t waited_ms);

#endif
