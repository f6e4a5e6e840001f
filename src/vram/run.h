/* How a model is run: a server's settings as llama.cpp resolves them, and the devices. */
#ifndef HL_VRAM_RUN_H
#define HL_VRAM_RUN_H

#include "vram/backend.h"
#include "vram/model.h"

enum hl_switch {
    HL_OFF,
    HL_ON,
    HL_AUTO,
};

/* Behaviour that changed on a known day; of the reference, b10470, all but the last are true. */
struct hl_behaviour {
    bool output_first;   /* the output layer is offloaded before the blocks */
    bool context_padded; /* contexts and windows are rounded up to 256 cells */
    bool inputs_twice;   /* embeddings can come from outside: one more input */
    bool outputs_capped; /* the server tells how many outputs it needs at most */
    bool f16_in_buffer;  /* attention's f16 copies of a quantised cache are reserved */
    bool inputs_mixed;   /* tokens and embeddings in one batch: a third way in */
};

/* What was asked for. */
struct hl_request {
    int devices; /* without the CPU */
    struct hl_backend device[HL_BACKENDS - 1];
    double split[HL_BACKENDS - 1]; /* shares of layers, all zero: by free memory */
    double free_bytes[HL_BACKENDS - 1];
    int64_t gpu_layers; /* below 0: all */
    int64_t context, batch, ubatch, parallel, outputs;
    bool unified, kv_offload, op_offload, swa_full, embeddings;
    enum hl_switch flash;
    uint32_t type_k, type_v;
    int64_t cpu_experts; /* blocks whose experts stay on the CPU */
    bool mapped;         /* the file is mapped, not read */
    bool no_alloc;       /* llama.cpp's own estimate, not what it allocates */
    bool mixed_kv;
    struct hl_behaviour behaviour;
};

/* The same as llama.cpp works it out for a model. */
struct hl_run {
    const struct hl_request *request;
    const struct hl_model *model;
    struct hl_backends backends;
    int16_t *home;      /* backend of each layer; of the output layer behind the last */
    bool full_offload;  /* all layers and the output on devices */
    bool tensors_moved; /* some tensors lie elsewhere than their layer */
    bool pipeline;
    int64_t context, context_seq, batch, ubatch, sequences, outputs;
    int64_t streams;          /* of the cache */
    int64_t cells, cells_swa; /* a stream */
    /* Operators that do many steps in one; whether they are used is found out later. */
    bool flash, fused_step, fused_chunk;
    bool v_transposed;
};

void hl_request_init(struct hl_request *request);
/* Memory is taken from the arena. 0 or a code with an error record. */
int hl_run_init(struct hl_run *run, const struct hl_request *request, const struct hl_model *model,
                struct hl_arena *arena);
/* The backend that holds a weight; of an EVERY weight the one that serves `layer`. */
int hl_run_weight_home(const struct hl_run *run, const struct hl_weight *weight, int64_t layer);

struct hl_usage {
    uint64_t weights[HL_BACKENDS], context[HL_BACKENDS], compute[HL_BACKENDS];
};

/* Adds what weights take. */
void hl_run_weights(const struct hl_run *run, struct hl_usage *usage);
/* Adds caches and states. */
void hl_run_caches(const struct hl_run *run, struct hl_usage *usage);

#endif
