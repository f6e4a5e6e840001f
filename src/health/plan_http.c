#include "core/error.h"
#include "health/guard.h"
#include "net/refusal.h"

#include <string.h>

static void take(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_accept(probe, result))
        return;
    struct hl_refusal error;
    hl_refusal_read(&error, result->body, result->body_length);
    if (!strncmp(error.message, "Unexpected endpoint or method", 29)) {
        hl_say(probe, result, HOMELAB_CAUSE_WRONG_BODY, "LM Studio answers 200 to anything: %s",
               error.message);
        return;
    }
    hl_say(probe, result, HOMELAB_CAUSE_NONE, "%zu bytes", result->body_length);
}

static const struct hl_step steps[] = {
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, hl_guard_ask, hl_guard_take},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, hl_guard_own, take},
};
const struct hl_plan hl_plan_http = {HOMELAB_BACKEND_HTTP, steps, 2, NULL};
