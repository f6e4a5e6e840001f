/* What stands before a path that a user gave and that is work for some backend. */
#include "health/guard.h"

#include "core/error.h"

#include <string.h>

static bool starts(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

static bool is_health(const char *path)
{
    return starts(path, "/health") &&
           (path[7] == '\0' || path[7] == '?' || (path[7] == '/' && path[8] == '\0'));
}

bool hl_path_is_work(const char *path)
{
    return starts(path, "/slots") || starts(path, "/upstream/") || strstr(path, "model=") ||
           starts(path, "/unload") || starts(path, "/api/generate") || starts(path, "/api/chat");
}

bool hl_guard_ask(struct hl_probe *probe)
{
    if (!is_health(hl_own_path(probe)) || probe->memory->no_gateway)
        return false;
    return hl_ask_get(probe, "/health/liveliness", false);
}

void hl_guard_take(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_answered(probe, result))
        return;
    probe->gateway_found = result->status == 200 && strstr(result->body, "I'm alive!");
    probe->memory->no_gateway = !probe->gateway_found;
}

bool hl_guard_own(struct hl_probe *probe)
{
    const char *path = hl_own_path(probe);
    if (hl_path_is_work(path)) {
        hl_note(probe, HL_LAYER_HTTP,
                "%.*s is not asked: reading it can be work for a backend; "
                "asked / instead",
                (int)strcspn(path, "?"), path);
        return hl_ask_get(probe, "/", true);
    }
    if (probe->gateway_found) {
        hl_note(probe, HL_LAYER_HTTP,
                "%s is not asked: LiteLLM would call every model; asked "
                "/health/liveliness instead",
                path);
        return hl_ask_get(probe, "/health/liveliness", false);
    }
    return hl_ask_own(probe);
}
