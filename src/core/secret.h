/* Asking for a secret. The answer comes through the callback, possibly before hl_secret_ask()
 * returns, exactly once unless cancelled. Asked on the loop's thread; in thread mode the host's
 * provider runs in the host's dispatch. */
#ifndef HL_CORE_SECRET_H
#define HL_CORE_SECRET_H

#include "core/error.h"

#include <homelab/ctx.h>

struct hl_secret_wait;

/* secret is valid during the call, NULL when error says why there is none. */
typedef void (*hl_secret_done_fn)(const char *secret, const struct hl_error *error, void *userdata);

/* 0, or a negative code with a record and no callback. *out is NULL when the answer came at once.
 */
int hl_secret_ask(homelab_ctx *ctx, int kind, const char *reference, const char *subject,
                  int attempt, hl_secret_done_fn fn, void *userdata, struct hl_secret_wait **out);
/* No callback after this. NULL is allowed. */
void hl_secret_cancel(struct hl_secret_wait *wait);
/* Whether the text is a reference of a known scheme, such as `env:NAME`; pure. On false *expected
 * says what is. */
bool hl_secret_reference_valid(const char *text, const char **expected);

#endif
