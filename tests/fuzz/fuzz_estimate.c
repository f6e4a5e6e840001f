/* What a model needs, by a header and options from anywhere. */
#include "fuzz.h"

#include <homelab/error.h>
#include <homelab/vram.h>
#include <stddef.h>
#include <stdint.h>

#define CHOICES 8

static void choose(homelab_opts *opts, const uint8_t *byte)
{
    static const char *const devices[] = {"", "cuda", "cuda,cuda", "cuda:6.1", "rpc,rpc", "rocm"};
    static const char *const types[] = {"f16", "q8_0", "q4_0", "f32"};
    static const char *const flash[] = {"auto", "on", "off"};
    homelab_opts_set_string(opts, "vram.devices", devices[byte[0] % 6]);
    homelab_opts_set_string(opts, "vram.type_k", types[byte[1] % 4]);
    homelab_opts_set_string(opts, "vram.type_v", types[byte[1] / 4 % 4]);
    homelab_opts_set_string(opts, "vram.flash_attention", flash[byte[2] % 3]);
    homelab_opts_set_int(opts, "vram.gpu_layers", byte[3] - 1);
    homelab_opts_set_int(opts, "vram.context", byte[4] * 97 + 1);
    homelab_opts_set_int(opts, "vram.ubatch", byte[5] * 5 + 1);
    homelab_opts_set_int(opts, "vram.parallel", byte[6] % 9);
    homelab_opts_set_bool(opts, "vram.embeddings", byte[7] & 1);
    homelab_opts_set_bool(opts, "vram.fit_figures", byte[7] & 2);
    homelab_opts_set_bool(opts, "vram.kv_offload", byte[7] & 4);
    homelab_opts_set_int(opts, "vram.cpu_experts", byte[7] & 8);
    if (byte[7] & 16)
        homelab_opts_set_string(opts, "vram.runtime_date", "2026-10-06");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    homelab_gguf *gguf = NULL;
    homelab_opts *opts = NULL;
    homelab_estimate *estimate = NULL;
    if (size < CHOICES || homelab_opts_new(&opts))
        return 0;
    choose(opts, data);
    if (homelab_gguf_load_memory(&gguf, (const char *)data + CHOICES, size - CHOICES, NULL, NULL) ==
            HOMELAB_OK &&
        homelab_estimate_new(&estimate, gguf, opts) == HOMELAB_OK) {
        for (size_t i = 0; i < homelab_estimate_device_count(estimate); i++) {
            FUZZ_EXPECT(homelab_estimate_weights_bytes(estimate, i) >= 0);
            FUZZ_EXPECT(homelab_estimate_context_bytes(estimate, i) >= 0);
            FUZZ_EXPECT(homelab_estimate_compute_bytes(estimate, i) >= 0);
        }
    }
    homelab_estimate_unref(estimate);
    homelab_gguf_unref(gguf);
    homelab_opts_free(opts);
    return 0;
}
