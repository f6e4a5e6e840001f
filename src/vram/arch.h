/* The architectures that the memory model knows: for each its own facts and its compute graph. */
#ifndef HL_VRAM_ARCH_H
#define HL_VRAM_ARCH_H

#include "vram/model.h"

struct hl_builder;

enum hl_arch_flags {
    HL_ARCH_ENCODER = 1,       /* no cache, and no output layer */
    HL_ARCH_RECURRENT = 2,     /* a state in every layer, no attention */
    HL_ARCH_HYBRID = 4,        /* a state in some layers or beside attention */
    HL_ARCH_MROPE = 8,         /* four numbers a position */
    HL_ARCH_TIED = 16,         /* the output layer always is the token embedding */
    HL_ARCH_OUTPUT_FIRST = 64, /* a tied output layer is loaded even beside the embedding */
    HL_ARCH_NORM_LAST = 128,   /* the norm of the token embedding is the last one */
    HL_ARCH_DELTA = 32,        /* has delta networks */
};

struct hl_arch {
    const char *name;
    unsigned flags;
    void (*facts)(struct hl_model *model); /* beyond the common ones; may be NULL */
    void (*build)(struct hl_builder *builder);
};

/* NULL: unknown. */
const struct hl_arch *hl_arch_find(const char *name);

/* --- Facts that several share --- */

/* Every pattern-th layer sees all, the others a window; a list or number in the file goes first. */
void hl_facts_window(struct hl_model *model, int64_t window, int64_t pattern);
/* Layers without KV heads have a state instead. */
void hl_facts_recurrent_without_heads(struct hl_model *model);

#endif
