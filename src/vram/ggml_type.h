/* The tensor types of ggml: how many elements a block holds and how many bytes it takes. Numbers
 * are those of a GGUF file (source: llama.cpp, ggml/include/ggml.h and gguf-py/gguf/constants.py,
 * b10470). */
#ifndef HL_VRAM_GGML_TYPE_H
#define HL_VRAM_GGML_TYPE_H

#include <stddef.h>
#include <stdint.h>

enum hl_ggml_type {
    HL_GGML_F32 = 0,
    HL_GGML_F16 = 1,
    HL_GGML_Q4_0 = 2,
    HL_GGML_Q4_1 = 3,
    HL_GGML_Q5_0 = 6,
    HL_GGML_Q5_1 = 7,
    HL_GGML_Q8_0 = 8,
    HL_GGML_Q8_1 = 9,
    HL_GGML_Q2_K = 10,
    HL_GGML_Q3_K = 11,
    HL_GGML_Q4_K = 12,
    HL_GGML_Q5_K = 13,
    HL_GGML_Q6_K = 14,
    HL_GGML_Q8_K = 15,
    HL_GGML_IQ2_XXS = 16,
    HL_GGML_IQ2_XS = 17,
    HL_GGML_IQ3_XXS = 18,
    HL_GGML_IQ1_S = 19,
    HL_GGML_IQ4_NL = 20,
    HL_GGML_IQ3_S = 21,
    HL_GGML_IQ2_S = 22,
    HL_GGML_IQ4_XS = 23,
    HL_GGML_I8 = 24,
    HL_GGML_I16 = 25,
    HL_GGML_I32 = 26,
    HL_GGML_I64 = 27,
    HL_GGML_F64 = 28,
    HL_GGML_IQ1_M = 29,
    HL_GGML_BF16 = 30,
    HL_GGML_TQ1_0 = 34,
    HL_GGML_TQ2_0 = 35,
    HL_GGML_MXFP4 = 39,
    HL_GGML_NVFP4 = 40,
    HL_GGML_Q1_0 = 41,
    HL_GGML_Q2_0 = 42,
    HL_GGML_COUNT = 43
};

struct hl_ggml_type_info {
    const char *name; /* as llama.cpp writes it; NULL where the number stands for no type, or for
                         one that llama.cpp removed */
    uint32_t block;   /* elements in a block */
    uint32_t bytes;   /* of a block */
};

/* NULL for a number that is no type that can be loaded. */
const struct hl_ggml_type_info *hl_ggml_type(uint32_t type);
/* The number of a name such as "q8_0", in any case, or -1. */
int hl_ggml_type_from_name(const char *name);
/* Bytes of elements (a multiple of the block) of a type; 0 for an unknown type. */
uint64_t hl_ggml_row_bytes(uint32_t type, uint64_t elements);

#endif
