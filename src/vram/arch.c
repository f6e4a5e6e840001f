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
    {"qwen3vl", HL_ARCH_MROPE, hl_facts_deepstack, hl_arch_llama},
    {"qwen3vlmoe", HL_ARCH_MROPE, hl_facts_deepstack, hl_arch_llama},
    {"mistral3", 0, NULL, hl_arch_llama},
    {"phi3", 0, NULL, hl_arch_phi3},
    {"gemma", HL_ARCH_TIED, NULL, hl_arch_gemma1},
    {"starcoder2", 0, NULL, hl_arch_starcoder2},
    {"command-r", HL_ARCH_TIED, NULL, hl_arch_command_r},
    {"cohere2", HL_ARCH_TIED, hl_facts_every_fourth, hl_arch_command_r},
    {"glm4", 0, NULL, hl_arch_glm4},
    {"exaone4", 0, hl_facts_exaone4, hl_arch_exaone4},
    {"olmo2", 0, hl_facts_every_fourth, hl_arch_olmo2},
    {"seed_oss", 0, NULL, hl_arch_olmo2},
    {"smollm3", 0, NULL, hl_arch_smollm3},
    {"qwen2moe", 0, NULL, hl_arch_qwen2moe},
    {"granite", 0, NULL, hl_arch_granite},
    {"granitemoe", 0, NULL, hl_arch_granite},
    {"bert", HL_ARCH_ENCODER, hl_facts_encoder, hl_arch_bert},
    {"nomic-bert", HL_ARCH_ENCODER, hl_facts_encoder, hl_arch_nomic_bert},
    {"deepseek2", 0, hl_facts_deepseek2, hl_arch_deepseek2},
    {"gemma3n", HL_ARCH_OUTPUT_FIRST, hl_facts_gemma3n, hl_arch_gemma3n},
    {"lfm2", HL_ARCH_HYBRID | HL_ARCH_NORM_LAST, hl_facts_lfm2, hl_arch_lfm2},
    {"lfm2moe", HL_ARCH_HYBRID | HL_ARCH_NORM_LAST, hl_facts_lfm2, hl_arch_lfm2},
    {"mamba", HL_ARCH_RECURRENT, hl_facts_recurrent, hl_arch_mamba},
    {"mamba2", HL_ARCH_RECURRENT, hl_facts_recurrent, hl_arch_mamba2},
    {"granitehybrid", HL_ARCH_HYBRID, hl_facts_recurrent_without_heads, hl_arch_granite},
    {"falcon-h1", HL_ARCH_HYBRID, hl_facts_beside, hl_arch_falcon_h1},
    {"qwen35", HL_ARCH_HYBRID | HL_ARCH_MROPE | HL_ARCH_DELTA, hl_facts_delta, hl_arch_qwen35},
    {"qwen35moe", HL_ARCH_HYBRID | HL_ARCH_MROPE | HL_ARCH_DELTA, hl_facts_delta, hl_arch_qwen35},
    {"qwen3next", HL_ARCH_HYBRID | HL_ARCH_DELTA, hl_facts_delta, hl_arch_qwen3next},
};

const struct hl_arch *hl_arch_find(const char *name)
{
    for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++) {
        if (strcmp(archs[i].name, name) == 0)
            return &archs[i];
    }
    return NULL;
}
