/* The recipes of the table in arch.c, each of the file that its name says. */
#ifndef HL_VRAM_ARCH_RECIPES_H
#define HL_VRAM_ARCH_RECIPES_H

#include "vram/arch.h"
#include "vram/build.h"

/* arch_llama.c */
void hl_arch_llama(struct hl_builder *b);
void hl_arch_phi3(struct hl_builder *b);
void hl_facts_deepstack(struct hl_model *model);

/* arch_dense.c */
void hl_facts_every_fourth(struct hl_model *model);
void hl_facts_exaone4(struct hl_model *model);
void hl_arch_gemma1(struct hl_builder *b);
void hl_arch_starcoder2(struct hl_builder *b);
void hl_arch_command_r(struct hl_builder *b);
void hl_arch_glm4(struct hl_builder *b);
void hl_arch_exaone4(struct hl_builder *b);
void hl_arch_olmo2(struct hl_builder *b);
void hl_arch_smollm3(struct hl_builder *b);
void hl_arch_qwen2moe(struct hl_builder *b);

/* arch_gemma.c */
void hl_facts_gemma2(struct hl_model *model);
void hl_facts_gemma3(struct hl_model *model);
void hl_arch_gemma(struct hl_builder *b);

/* arch_gemma3n.c */
void hl_facts_gemma3n(struct hl_model *model);
void hl_arch_gemma3n(struct hl_builder *b);

/* arch_bert.c */
void hl_facts_encoder(struct hl_model *model);
void hl_arch_bert(struct hl_builder *b);
void hl_arch_nomic_bert(struct hl_builder *b);

/* arch_deepseek.c */
void hl_facts_deepseek2(struct hl_model *model);
void hl_arch_deepseek2(struct hl_builder *b);

/* arch_lfm2.c */
void hl_facts_lfm2(struct hl_model *model);
void hl_arch_lfm2(struct hl_builder *b);

/* arch_gpt_oss.c */
void hl_facts_gpt_oss(struct hl_model *model);
void hl_arch_gpt_oss(struct hl_builder *b);

/* arch_state.c */
void hl_facts_recurrent(struct hl_model *model);
void hl_facts_beside(struct hl_model *model);
void hl_arch_mamba(struct hl_builder *b);
void hl_arch_mamba2(struct hl_builder *b);
void hl_arch_granite(struct hl_builder *b);
void hl_arch_falcon_h1(struct hl_builder *b);

/* arch_delta.c */
void hl_facts_delta(struct hl_model *model);
void hl_arch_qwen35(struct hl_builder *b);
void hl_arch_qwen3next(struct hl_builder *b);

#endif
