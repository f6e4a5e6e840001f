#include "health/identify_signals.h"

#include <stdio.h>

static const struct {
    int backend;
    const char *text;
} signals[HL_SIGNAL_SIGNAL_COUNT] = {
    [HL_SIGNAL_LLAMA_SERVER_HEADER] = {HOMELAB_BACKEND_LLAMACPP, "Server header"},
    [HL_SIGNAL_LLAMA_OWNER] = {HOMELAB_BACKEND_LLAMACPP, "owned_by"},
    [HL_SIGNAL_LLAMA_ERROR] = {HOMELAB_BACKEND_LLAMACPP, "form of its errors"},
    [HL_SIGNAL_LLAMA_PROPS] = {HOMELAB_BACKEND_LLAMACPP, "/props"},
    [HL_SIGNAL_OLLAMA_ROOT] = {HOMELAB_BACKEND_OLLAMA, "text of /"},
    [HL_SIGNAL_OLLAMA_VERSION] = {HOMELAB_BACKEND_OLLAMA, "/api/version"},
    [HL_SIGNAL_OLLAMA_TAGS] = {HOMELAB_BACKEND_OLLAMA, "/api/tags"},
    [HL_SIGNAL_TABBY_INFO] = {HOMELAB_BACKEND_TABBYAPI, "/.well-known/serviceinfo"},
    [HL_SIGNAL_TABBY_OWNER] = {HOMELAB_BACKEND_TABBYAPI, "owned_by"},
    [HL_SIGNAL_LMSTUDIO_NATIVE] = {HOMELAB_BACKEND_LMSTUDIO, "/api/v1/models"},
    [HL_SIGNAL_LMSTUDIO_LEGACY] = {HOMELAB_BACKEND_LMSTUDIO, "/api/v0/models"},
    [HL_SIGNAL_LMSTUDIO_ERROR] = {HOMELAB_BACKEND_LMSTUDIO, "form of its errors"},
    [HL_SIGNAL_LMSTUDIO_OWNER] = {HOMELAB_BACKEND_LMSTUDIO, "owned_by"},
    [HL_SIGNAL_VLLM_OWNER] = {HOMELAB_BACKEND_VLLM, "owned_by"},
    [HL_SIGNAL_VLLM_FIELD] = {HOMELAB_BACKEND_VLLM, "max_model_len"},
    [HL_SIGNAL_VLLM_REFUSAL] = {HOMELAB_BACKEND_VLLM, "form of its errors"},
    [HL_SIGNAL_VLLM_VERSION] = {HOMELAB_BACKEND_VLLM, "/version"},
    [HL_SIGNAL_SWAP_OWNER] = {HOMELAB_BACKEND_LLAMASWAP, "owned_by"},
    [HL_SIGNAL_SWAP_RUNNING] = {HOMELAB_BACKEND_LLAMASWAP, "/running"},
    [HL_SIGNAL_SWAP_VERSION] = {HOMELAB_BACKEND_LLAMASWAP, "/api/version"},
    [HL_SIGNAL_LITELLM_ALIVE] = {HOMELAB_BACKEND_LITELLM, "/health/liveliness"},
    [HL_SIGNAL_LITELLM_READY] = {HOMELAB_BACKEND_LITELLM, "/health/readiness"},
    [HL_SIGNAL_LITELLM_REFUSAL] = {HOMELAB_BACKEND_LITELLM, "form of its errors"},
};

bool hl_signal_seen(const struct hl_probe *probe, enum hl_signal signal)
{
    return probe->identify.signals >> signal & 1;
}

void hl_signal_note(struct hl_probe *probe, enum hl_signal signal)
{
    probe->identify.signals |= 1u << signal;
}

int hl_signals_of(const struct hl_probe *probe, int backend)
{
    int count = 0;
    for (int i = 0; i < HL_SIGNAL_SIGNAL_COUNT; i++)
        count += signals[i].backend == backend && hl_signal_seen(probe, (enum hl_signal)i);
    return count;
}

int hl_recognised(const struct hl_probe *probe)
{
    for (int backend = HOMELAB_BACKEND_OLLAMA; backend < HOMELAB_BACKEND_OPENAI; backend++) {
        if (hl_signals_of(probe, backend) < 2)
            continue;
        /* Imitators answer Ollama's paths, but do not call themselves Ollama. */
        if (backend == HOMELAB_BACKEND_OLLAMA && (!hl_signal_seen(probe, HL_SIGNAL_OLLAMA_ROOT) ||
                                                  hl_signals_of(probe, HOMELAB_BACKEND_LLAMACPP)))
            continue;
        return backend;
    }
    return HOMELAB_BACKEND_AUTO;
}

/* "recognised as Ollama by text of / and /api/version" */
void hl_describe_identity(struct hl_probe *probe, int backend)
{
    struct hl_probe_memory *memory = probe->memory;
    const char *first = NULL, *second = NULL;
    for (int i = 0; i < HL_SIGNAL_SIGNAL_COUNT && !second; i++) {
        if (signals[i].backend != backend || !hl_signal_seen(probe, (enum hl_signal)i))
            continue;
        second = first ? signals[i].text : NULL;
        first = first ? first : signals[i].text;
    }
    snprintf(memory->identity, sizeof memory->identity, "recognised as %s by %s and %s",
             hl_backend_title(backend), first, second);
}
