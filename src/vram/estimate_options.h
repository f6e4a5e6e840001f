/* From options to a request. */
#ifndef HL_VRAM_ESTIMATE_OPTIONS_H
#define HL_VRAM_ESTIMATE_OPTIONS_H

#include "core/options.h"
#include "vram/run.h"

#define HL_DEVICE_NAME 96

struct hl_wish {
    struct hl_request request;
    char names[HL_BACKENDS][HL_DEVICE_NAME]; /* of the devices, and last the host */
    uint64_t overhead[HL_BACKENDS];
    uint64_t limits[HL_BACKENDS]; /* what a fit may take of each device */
};

/* 0 or a code with an error record. */
int hl_wish_read(struct hl_wish *wish, const homelab_opts *opts, int64_t context_trained);

#endif
