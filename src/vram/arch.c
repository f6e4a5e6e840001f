#include "vram/arch.h"

#include "vram/arch_recipes.h"

#include <string.h>

static const struct hl_arch archs[] = {
    {"llama", 0, NULL, hl_arch_llama},
    {"qwen2", 0, NULL, hl_arch_llama},
    {"qwen2vl", HL_ARCH_MROPE, NULL, hl_arch_llama},
    {"qwen3", 0, NULL, hl_arch_llama},
    {"qwen3moe", 0, NULL, hl_arch_llama},
    {"gemma2", HL_ARCH_TIED, hl_facts_gemma2, hl_arch_gemma},
    {"gemma3", 0, hl_facts_gemma3, hl_arch_gemma},
    {"gpt-oss", 0, hl_facts_gpt_oss, hl_arch_gpt_oss},
    {"phi3", 0, NULL, hl_arch_phi3},
};

const struct hl_arch *hl_arch_find(const char *name)
{
    for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++) {
        if (strcmp(archs[i].name, name) == 0)
            return &archs[i];
    }
    return NULL;
}
