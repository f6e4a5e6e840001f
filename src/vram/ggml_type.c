#include "vram/ggml_type.h"

#include <strings.h>

/* Blocks of the K, I and T types are 256 elements long. */
static const struct hl_ggml_type_info types[HL_GGML_COUNT] = {
    [HL_GGML_F32] = {"f32", 1, 4},
    [HL_GGML_F16] = {"f16", 1, 2},
    [HL_GGML_Q4_0] = {"q4_0", 32, 18},
    [HL_GGML_Q4_1] = {"q4_1", 32, 20},
    [HL_GGML_Q5_0] = {"q5_0", 32, 22},
    [HL_GGML_Q5_1] = {"q5_1", 32, 24},
    [HL_GGML_Q8_0] = {"q8_0", 32, 34},
    [HL_GGML_Q8_1] = {"q8_1", 32, 36},
    [HL_GGML_Q2_K] = {"q2_K", 256, 84},
    [HL_GGML_Q3_K] = {"q3_K", 256, 110},
    [HL_GGML_Q4_K] = {"q4_K", 256, 144},
    [HL_GGML_Q5_K] = {"q5_K", 256, 176},
    [HL_GGML_Q6_K] = {"q6_K", 256, 210},
    [HL_GGML_Q8_K] = {"q8_K", 256, 292},
    [HL_GGML_IQ2_XXS] = {"iq2_xxs", 256, 66},
    [HL_GGML_IQ2_XS] = {"iq2_xs", 256, 74},
    [HL_GGML_IQ3_XXS] = {"iq3_xxs", 256, 98},
    [HL_GGML_IQ1_S] = {"iq1_s", 256, 50},
    [HL_GGML_IQ4_NL] = {"iq4_nl", 32, 18},
    [HL_GGML_IQ3_S] = {"iq3_s", 256, 110},
    [HL_GGML_IQ2_S] = {"iq2_s", 256, 82},
    [HL_GGML_IQ4_XS] = {"iq4_xs", 256, 136},
    [HL_GGML_I8] = {"i8", 1, 1},
    [HL_GGML_I16] = {"i16", 1, 2},
    [HL_GGML_I32] = {"i32", 1, 4},
    [HL_GGML_I64] = {"i64", 1, 8},
    [HL_GGML_F64] = {"f64", 1, 8},
    [HL_GGML_IQ1_M] = {"iq1_m", 256, 56},
    [HL_GGML_BF16] = {"bf16", 1, 2},
    [HL_GGML_TQ1_0] = {"tq1_0", 256, 54},
    [HL_GGML_TQ2_0] = {"tq2_0", 256, 66},
    [HL_GGML_MXFP4] = {"mxfp4", 32, 17},
    [HL_GGML_NVFP4] = {"nvfp4", 64, 36},
    [HL_GGML_Q1_0] = {"q1_0", 128, 18},
    [HL_GGML_Q2_0] = {"q2_0", 64, 18},
};

const struct hl_ggml_type_info *hl_ggml_type(uint32_t type)
{
    return type < HL_GGML_COUNT && types[type].name ? &types[type] : NULL;
}

int hl_ggml_type_from_name(const char *name)
{
    for (int i = 0; name && i < HL_GGML_COUNT; i++)
        if (types[i].name && strcasecmp(types[i].name, name) == 0)
            return i;
    return -1;
}

uint64_t hl_ggml_row_bytes(uint32_t type, uint64_t elements)
{
    const struct hl_ggml_type_info *info = hl_ggml_type(type);
    return info ? elements / info->block * info->bytes : 0;
}
