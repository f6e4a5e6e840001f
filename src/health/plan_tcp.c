#include "core/error.h"
#include "health/plan.h"

static bool ask(struct hl_probe *probe)
{
    const struct hl_endpoint *endpoint = probe->target.endpoint;
    return hl_ask_connect(probe, endpoint->host, endpoint->port, 0);
}

static void take(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (hl_answered(probe, result))
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "accepted a connection after %s",
               hl_duration(result->total_us).text);
}

static const struct hl_step steps[] = {{HL_LAYER_TCP, HL_DEPTH_TCP, false, ask, take}};
const struct hl_plan hl_plan_tcp = {HOMELAB_BACKEND_TCP, steps, 1, NULL};
