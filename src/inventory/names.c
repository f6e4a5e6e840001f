#include "core/error.h"
#include "inventory/inventory.h"

#include <string.h>

static const char *const capabilities[HL_CAP_COUNT] = {"code",   "reason", "chat",
                                                       "vision", "fast",   "embed"};
static const char *const depths[] = {[HL_DEPTH_TCP] = "tcp",
                                     [HL_DEPTH_HTTP] = "http",
                                     [HL_DEPTH_SCHEDULER] = "scheduler",
                                     [HL_DEPTH_PROGRESS] = "progress",
                                     [HL_DEPTH_CANARY] = "canary"};
static const char *const backends[] = {
    [HOMELAB_BACKEND_AUTO] = "auto",         [HOMELAB_BACKEND_OLLAMA] = "ollama",
    [HOMELAB_BACKEND_LLAMACPP] = "llamacpp", [HOMELAB_BACKEND_LITELLM] = "litellm",
    [HOMELAB_BACKEND_VLLM] = "vllm",         [HOMELAB_BACKEND_LMSTUDIO] = "lmstudio",
    [HOMELAB_BACKEND_TABBYAPI] = "tabbyapi", [HOMELAB_BACKEND_LLAMASWAP] = "llamaswap",
    [HOMELAB_BACKEND_OPENAI] = "openai",     [HOMELAB_BACKEND_HTTP] = "http",
    [HOMELAB_BACKEND_TCP] = "tcp",
};

static int find(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; name && i < count; i++)
        if (names[i] && strcmp(names[i], name) == 0)
            return (int)i;
    return -1;
}

const char *hl_capability_name(size_t capability)
{
    return capability < HL_CAP_COUNT ? capabilities[capability] : NULL;
}

int hl_capability_from_name(const char *name)
{
    return find(capabilities, HL_CAP_COUNT, name);
}

const char *hl_depth_name(enum hl_depth depth)
{
    return (size_t)depth < sizeof depths / sizeof *depths ? depths[depth] : NULL;
}

int hl_depth_from_name(const char *name)
{
    return find(depths, sizeof depths / sizeof *depths, name);
}

const char *homelab_backend_name(int backend)
{
    hl_error_clear();
    bool known = backend >= 0 && (size_t)backend < sizeof backends / sizeof *backends;
    return known ? backends[backend] : NULL;
}

int homelab_backend_from_name(const char *name)
{
    hl_error_clear();
    if (!name)
        return hl_error_argument("name", "a backend's name");
    int backend = find(backends, sizeof backends / sizeof *backends, name);
    if (backend >= 0)
        return backend;
    return hl_error_set(HOMELAB_E_NOT_FOUND, 0, name, "backend '%s': not known", name);
}
