/* The recipes of the table in arch.c, each of the file that its name says. */
#ifndef HL_VRAM_ARCH_RECIPES_H
#define HL_VRAM_ARCH_RECIPES_H

#include "vram/arch.h"
#include "vram/build.h"

/* arch_llama.c */
void hl_arch_llama(struct hl_builder *b);
void hl_arch_phi3(struct hl_builder *b);

/* arch_gemma.c */
void hl_facts_gemma2(struct hl_model *model);
void hl_facts_gemma3(struct hl_model *model);
void hl_arch_gemma(struct hl_builder *b);

/* arch_gpt_oss.c */
void hl_facts_gpt_oss(struct hl_model *model);
void hl_arch_gpt_oss(struct hl_builder *b);

#endif
