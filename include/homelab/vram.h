/**
 * @file
 * @brief What a model needs on each device: weights, KV cache and states, compute buffers, and what
 * the runtime takes beside them.
 *
 * An estimate is worked out, not fitted: the model's compute graph is built from its header, and
 * llama.cpp's scheduler and allocator are followed step by step (docs/vram.md). It is immutable and
 * reference-counted; any thread may use it, without a context and after a fork.
 */
#ifndef HOMELAB_VRAM_H
#define HOMELAB_VRAM_H

#include <homelab/export.h>
#include <homelab/gguf.h>
#include <homelab/options.h>

HOMELAB_BEGIN_DECLS

/** What a model needs. Immutable, reference-counted. @since 0.2.0 */
typedef struct homelab_estimate homelab_estimate;

/** Worked out from the graph of a known architecture. @since 0.2.0 */
#define HOMELAB_CONFIDENCE_EXACT 0
/** An upper bound: the architecture is unknown, or the facts come from a server that leaves some
 * out (homelab_gguf_is_certain()). @since 0.2.0 */
#define HOMELAB_CONFIDENCE_BOUND 1

/**
 * @brief Works out what a model, or an image projector, needs.
 * @param[out] out The estimate; untouched on failure.
 * @param gguf The model's header.
 * @param opts Options (`vram.*`), or NULL for the defaults.
 * @return HOMELAB_OK; HOMELAB_E_INVALID for a NULL gguf, one whose facts contradict each other, or
 * one without tensors;
 * HOMELAB_E_OPTION_VALUE for a text option that cannot be read; HOMELAB_E_UNSUPPORTED where
 * llama.cpp refuses these settings; HOMELAB_E_LIMIT where its allocator would give up;
 * HOMELAB_E_NOMEM. Any thread.
 * @since 0.2.0
 */
HOMELAB_API int homelab_estimate_new(homelab_estimate **out, const homelab_gguf *gguf,
                                     const homelab_opts *opts);

/**
 * @brief Works out what a model needs with the largest number of layers on devices for which
 * weights, caches and compute buffers of each stay within its free memory (`vram.free_mib`) less
 * `vram.margin_mib`.
 * @param[out] out The estimate; untouched on failure.
 * @param gguf The model's header.
 * @param opts Options (`vram.*`); `vram.gpu_layers` is not looked at, `vram.free_mib` is needed.
 * @return As homelab_estimate_new(); HOMELAB_E_NOT_FOUND where even without layers on devices their
 * memory is too small. Any thread.
 * @since 0.2.0
 */
HOMELAB_API int homelab_estimate_fit_layers(homelab_estimate **out, const homelab_gguf *gguf,
                                            const homelab_opts *opts);

/**
 * @brief Corrects the overhead of a device by what was observed, such as a reading of nvidia-smi
 * for the process, or Ollama's size_vram.
 * @param[out] out A corrected copy; untouched on failure.
 * @param estimate The estimate.
 * @param device Which device, from 0.
 * @param observed_bytes What the process was seen to take on it, 0 or more.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM. Any thread.
 * @since 0.2.0
 */
HOMELAB_API int homelab_estimate_calibrate(homelab_estimate **out, const homelab_estimate *estimate,
                                           size_t device, int64_t observed_bytes);

/** @brief Takes a reference. @return The same; NULL for NULL. Any thread. @since 0.2.0 */
HOMELAB_API homelab_estimate *homelab_estimate_ref(homelab_estimate *estimate);

/** @brief Drops a reference; the last one frees. NULL is allowed. Any thread. @since 0.2.0 */
HOMELAB_API void homelab_estimate_unref(homelab_estimate *estimate);

/** @brief How sure it is. @return A HOMELAB_CONFIDENCE_… number; -1 for NULL. @since 0.2.0 */
HOMELAB_API int homelab_estimate_confidence(const homelab_estimate *estimate);

/** @brief Name of a HOMELAB_CONFIDENCE_… number: "exact", "bound". @return A static text; "?" for
 * any other. @since 0.2.0 */
HOMELAB_API const char *homelab_confidence_name(int confidence);

/** @brief Number of layers on devices, the output layer included. @return -1 for NULL. @since
 * 0.2.0 */
HOMELAB_API int64_t homelab_estimate_gpu_layers(const homelab_estimate *estimate);

/** @brief Number of places where memory is taken: the devices, and last the host. @return 0 for
 * NULL. @since 0.2.0 */
HOMELAB_API size_t homelab_estimate_device_count(const homelab_estimate *estimate);

/** @brief Name of a device as llama.cpp has it: CUDA0, ROCm0, RPC0[HOST:PORT], HOST. @return
 * Borrowed; NULL beyond the last. @since 0.2.0 */
HOMELAB_API const char *homelab_estimate_device_name(const homelab_estimate *estimate,
                                                     size_t device);

/** @brief Weights on a device, bytes. @return -1 for NULL or beyond the last. @since 0.2.0 */
HOMELAB_API int64_t homelab_estimate_weights_bytes(const homelab_estimate *estimate, size_t device);

/** @brief KV cache and states on a device, bytes. @return -1 for NULL or beyond the last. @since
 * 0.2.0 */
HOMELAB_API int64_t homelab_estimate_context_bytes(const homelab_estimate *estimate, size_t device);

/** @brief Compute buffer on a device, bytes. @return -1 for NULL or beyond the last. @since 0.2.0
 */
HOMELAB_API int64_t homelab_estimate_compute_bytes(const homelab_estimate *estimate, size_t device);

/** @brief What the process takes beside its buffers on a device, bytes, correction included.
 * @return -1 for NULL or beyond the last. @since 0.2.0 */
HOMELAB_API int64_t homelab_estimate_overhead_bytes(const homelab_estimate *estimate,
                                                    size_t device);

/** @brief By how much homelab_estimate_calibrate() changed the overhead of a device, bytes, which
 * may be negative. @return 0 for NULL or beyond the last. @since 0.2.0 */
HOMELAB_API int64_t homelab_estimate_correction_bytes(const homelab_estimate *estimate,
                                                      size_t device);

/** @brief All of these on a device, bytes. @return -1 for NULL or beyond the last. @since 0.2.0 */
HOMELAB_API int64_t homelab_estimate_total_bytes(const homelab_estimate *estimate, size_t device);

/** @brief Buffer for logits and embeddings in host memory, which is not part of the host's compute
 * buffer, bytes. @return -1 for NULL. @since 0.2.0 */
HOMELAB_API int64_t homelab_estimate_output_buffer_bytes(const homelab_estimate *estimate);

/** @brief Context of all slots together as the runtime rounds it, tokens. @return -1 for NULL.
 * @since 0.2.0 */
HOMELAB_API int64_t homelab_estimate_context_tokens(const homelab_estimate *estimate);

/** @brief Context of one slot, tokens. @return -1 for NULL. @since 0.2.0 */
HOMELAB_API int64_t homelab_estimate_slot_tokens(const homelab_estimate *estimate);

/** @brief Whether flash attention is used, which "auto" decides by device and model. @return false
 * for NULL. @since 0.2.0 */
HOMELAB_API bool homelab_estimate_flash_attention(const homelab_estimate *estimate);

/** @brief All of it as JSON with a schema number, bytes as integers. @return Yours,
 * homelab_free(); NULL on failure. @since 0.2.0 */
HOMELAB_API char *homelab_estimate_json(const homelab_estimate *estimate);

HOMELAB_END_DECLS

#endif
