/* What a run of a model takes at most, as far as that can be told without knowing its graph. */
#ifndef HL_VRAM_BOUND_H
#define HL_VRAM_BOUND_H

#include "vram/run.h"

/* Sets the compute buffers. */
void hl_bound_compute(const struct hl_run *run, struct hl_usage *usage);

#endif
