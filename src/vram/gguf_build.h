/* Making a homelab_gguf: memory, indices, and the checks that need the whole. */
#ifndef HL_VRAM_GGUF_BUILD_H
#define HL_VRAM_GGUF_BUILD_H

#include "vram/gguf_parse.h"

int hl_gguf_new(homelab_gguf **out, int source, homelab_allocator *allocator);
/* Memory that lives as long as gguf, aligned for numbers; NULL with a record. */
void *hl_gguf_keep(homelab_gguf *gguf, size_t size);
/* What is to be done when a file's infos are complete: facts of the file, keys that stand twice.
 * The keys of further parts go, since the first part has those of the model. */
int hl_gguf_end_part(struct hl_gguf_parser *parser);
/* After the last part; its parser is for messages. Makes the tensors' index and refuses names that
 * stand twice. */
int hl_gguf_finish(const struct hl_gguf_parser *parser);

#endif
