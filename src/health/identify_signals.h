/* Signs by which a backend is recognised. Two that agree are needed, since many servers imitate the
 * paths of others. */
#ifndef HL_HEALTH_IDENTIFY_SIGNALS_H
#define HL_HEALTH_IDENTIFY_SIGNALS_H

#include "health/plan.h"

enum hl_signal {
    HL_SIGNAL_LLAMA_SERVER_HEADER,
    HL_SIGNAL_LLAMA_OWNER,
    HL_SIGNAL_LLAMA_ERROR,
    HL_SIGNAL_LLAMA_PROPS,
    HL_SIGNAL_OLLAMA_ROOT,
    HL_SIGNAL_OLLAMA_VERSION,
    HL_SIGNAL_OLLAMA_TAGS,
    HL_SIGNAL_TABBY_INFO,
    HL_SIGNAL_TABBY_OWNER,
    HL_SIGNAL_LMSTUDIO_NATIVE,
    HL_SIGNAL_LMSTUDIO_LEGACY,
    HL_SIGNAL_LMSTUDIO_ERROR,
    HL_SIGNAL_LMSTUDIO_OWNER,
    HL_SIGNAL_VLLM_OWNER,
    HL_SIGNAL_VLLM_FIELD,
    HL_SIGNAL_VLLM_REFUSAL,
    HL_SIGNAL_VLLM_VERSION,
    HL_SIGNAL_SWAP_OWNER,
    HL_SIGNAL_SWAP_RUNNING,
    HL_SIGNAL_SWAP_VERSION,
    HL_SIGNAL_LITELLM_ALIVE,
    HL_SIGNAL_LITELLM_READY,
    HL_SIGNAL_LITELLM_REFUSAL,
    HL_SIGNAL_SIGNAL_COUNT
};

bool hl_signal_seen(const struct hl_probe *probe, enum hl_signal signal);
void hl_signal_note(struct hl_probe *probe, enum hl_signal signal);
/* Number of different signals that speak for a backend. */
int hl_signals_of(const struct hl_probe *probe, int backend);
/* The backend that is recognised, or HOMELAB_BACKEND_AUTO. */
int hl_recognised(const struct hl_probe *probe);
/* Remembers "recognised as Ollama by text of / and /api/version". */
void hl_describe_identity(struct hl_probe *probe, int backend);

#endif
