#include "health/snapshot.h"

#include <string.h>

static const char *const verdict_names[] = {
    [HOMELAB_VERDICT_UNKNOWN] = "UNKNOWN",   [HOMELAB_VERDICT_HEALTHY] = "HEALTHY",
    [HOMELAB_VERDICT_DEGRADED] = "DEGRADED", [HOMELAB_VERDICT_LOADING] = "LOADING",
    [HOMELAB_VERDICT_BUSY] = "BUSY",         [HOMELAB_VERDICT_MISCONFIGURED] = "MISCONFIGURED",
    [HOMELAB_VERDICT_WEDGED] = "WEDGED",     [HOMELAB_VERDICT_DOWN] = "DOWN",
};

static const char *const cause_names[] = {
    [HOMELAB_CAUSE_NONE] = "none",
    [HOMELAB_CAUSE_SLEEPING] = "sleeping",
    [HOMELAB_CAUSE_SLOW] = "slow",
    [HOMELAB_CAUSE_MODEL_MISSING] = "model-missing",
    [HOMELAB_CAUSE_CPU_FALLBACK] = "cpu-fallback",
    [HOMELAB_CAUSE_BACKEND_DEAD] = "backend-dead",
    [HOMELAB_CAUSE_CANARY_FAILED] = "canary-failed",
    [HOMELAB_CAUSE_FLAPPING] = "flapping",
    [HOMELAB_CAUSE_LOADING] = "loading",
    [HOMELAB_CAUSE_BUSY] = "busy",
    [HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT] = "timeout-after-accept",
    [HOMELAB_CAUSE_AUTH] = "auth",
    [HOMELAB_CAUSE_NOT_FOUND] = "not-found",
    [HOMELAB_CAUSE_WRONG_BODY] = "wrong-body",
    [HOMELAB_CAUSE_WRONG_BACKEND] = "wrong-backend",
    [HOMELAB_CAUSE_REDIRECT] = "redirect",
    [HOMELAB_CAUSE_TOO_LARGE] = "too-large",
    [HOMELAB_CAUSE_TLS] = "tls",
    [HOMELAB_CAUSE_STALLED] = "stalled",
    [HOMELAB_CAUSE_REFUSED] = "refused",
    [HOMELAB_CAUSE_NO_ROUTE] = "no-route",
    [HOMELAB_CAUSE_DNS] = "dns",
    [HOMELAB_CAUSE_CONNECT_TIMEOUT] = "connect-timeout",
    [HOMELAB_CAUSE_RESET] = "reset",
    [HOMELAB_CAUSE_CLOSED] = "closed",
    [HOMELAB_CAUSE_SERVER_ERROR] = "server-error",
};

static const char *const ability_names[HL_ABILITY_COUNT] = {"completion", "embedding", "vision",
                                                            "tools"};

#define COUNT(names) (sizeof(names) / sizeof *(names))

const char *homelab_verdict_name(int verdict)
{
    return verdict >= 0 && (size_t)verdict < COUNT(verdict_names) ? verdict_names[verdict] : NULL;
}

const char *homelab_cause_name(int cause)
{
    return cause >= 0 && (size_t)cause < COUNT(cause_names) ? cause_names[cause] : NULL;
}

static int find(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; name && i < count; i++)
        if (names[i] && strcmp(names[i], name) == 0)
            return (int)i;
    return -1;
}

int hl_verdict_from_name(const char *name)
{
    return find(verdict_names, COUNT(verdict_names), name);
}

int hl_cause_from_name(const char *name)
{
    return find(cause_names, COUNT(cause_names), name);
}

const char *hl_ability_name(size_t i)
{
    return i < HL_ABILITY_COUNT ? ability_names[i] : NULL;
}
