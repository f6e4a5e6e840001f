/* What a run takes on each backend. Pure: from facts to bytes. */
#ifndef HL_VRAM_MEASURE_H
#define HL_VRAM_MEASURE_H

#include "vram/run.h"

enum hl_confidence {
    HL_CONFIDENCE_EXACT, /* worked out from the graph of a known architecture */
    HL_CONFIDENCE_BOUND, /* unknown architecture: not less than this, by reasoning */
};

struct hl_measure {
    struct hl_usage usage;
    int backends; /* the last is the CPU */
    int64_t gpu_layers, context, context_seq, batch, ubatch;
    uint64_t output_buffer;
    bool flash;
    bool pipeline;
    enum hl_confidence confidence;
};

/* 0, or a code with an error record: HOMELAB_E_UNSUPPORTED where llama.cpp would not start. */
int hl_measure_run(struct hl_measure *out, const struct hl_model *model,
                   const struct hl_request *request);
/* Weights and caches alone, which takes a small part of the time; compute buffers are 0. */
int hl_measure_static(struct hl_measure *out, const struct hl_model *model,
                      const struct hl_request *request);
/* The largest number of layers on devices with which each device but the CPU stays within its
 * limit, and what that takes; -1 where none does. */
int hl_measure_fit(struct hl_measure *out, int64_t *layers, const struct hl_model *model,
                   const struct hl_request *request, const uint64_t *limits);

#endif
