/* Keeps a key out of what is told: a server may echo it in an error, a name or a redirect. */
#ifndef HL_HEALTH_MASK_H
#define HL_HEALTH_MASK_H

#include "net/http.h"

struct hl_mask {
    char *body; /* hl_free() */
    char location[32];
};
/* Gives *out the answer with each occurrence of the key, in the body, the redirect or the failure's
 * detail, overwritten by '*'. Copies only what holds one. HOMELAB_E_NOMEM. */
int hl_mask_answer(struct hl_mask *mask, const struct hl_http_result *result, const char *key,
                   struct hl_http_result *out);

#endif
