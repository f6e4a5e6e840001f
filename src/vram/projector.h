/* What an image projector (an mmproj file) takes: llama.cpp's mtmd loads it on one device and
 * reserves memory for one warm-up image (source: llama.cpp, tools/mtmd/clip.cpp). */
#ifndef HL_VRAM_PROJECTOR_H
#define HL_VRAM_PROJECTOR_H

#include "vram/gguf.h"
#include "vram/measure.h"

/* Whether a file holds a projector instead of a language model. */
bool hl_projector_is(const homelab_gguf *gguf);
/* It goes on the first of backends; the last is the CPU. Fills out's usage, backends, flash and
 * confidence. 0 or a code with an error record. */
int hl_projector_measure(struct hl_measure *out, const homelab_gguf *gguf,
                         const struct hl_backends *backends, enum hl_switch flash);

#endif
