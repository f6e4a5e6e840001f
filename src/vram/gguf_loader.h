/* A model of one or more files: which one to read next, and what they must agree on. Files and URLs
 * share it; the reading itself is theirs. */
#ifndef HL_VRAM_GGUF_LOADER_H
#define HL_VRAM_GGUF_LOADER_H

#include "vram/gguf_build.h"

struct hl_gguf_loader {
    struct hl_gguf_caps caps;
    struct hl_gguf_parser parser; /* of the file being read */
    homelab_gguf *gguf;
    char *name; /* of the file to read */
    int source;
    homelab_allocator *allocator;
    bool found_first; /* name is the first part's, whatever was asked for */
    uint32_t part, count;
};

/* 0 or a code with a record; clear it in any case. */
int hl_gguf_loader_init(struct hl_gguf_loader *loader, const char *name, int source,
                        const homelab_opts *opts);
/* Before each file: total is its bytes, UINT64_MAX where unknown. */
void hl_gguf_loader_begin(struct hl_gguf_loader *loader, uint64_t total);
/* After each file's infos: 1, read the file `name` next; 0, it is complete; or a code. */
int hl_gguf_loader_end(struct hl_gguf_loader *loader);
/* After 0. */
homelab_gguf *hl_gguf_loader_take(struct hl_gguf_loader *loader);
void hl_gguf_loader_clear(struct hl_gguf_loader *loader);

/* The name of part no (from 0) beside name, which is one of count parts:
 * PREFIX-00001-of-0000N.gguf, of a URL what comes before '?' or '#'. NULL without a record where it
 * has another form, else allocated; *nomem tells why it is NULL. */
char *hl_gguf_part_name(const char *name, uint32_t no, uint32_t count, bool *nomem);

#endif
