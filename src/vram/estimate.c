#include <homelab/vram.h>

#include "core/api.h"
#include "core/buf.h"
#include "core/options.h"
#include "vram/estimate_options.h"
#include "vram/measure.h"
#include "vram/projector.h"

#include <stdatomic.h>
#include <string.h>

#define JSON_MAX 65536

struct homelab_estimate {
    atomic_uint references;
    homelab_allocator *allocator;
    struct hl_measure measure;
    char names[HL_BACKENDS][HL_DEVICE_NAME];
    int64_t overhead[HL_BACKENDS], correction[HL_BACKENDS];
};

/* --- Making one --- */

static homelab_estimate *make(homelab_allocator *allocator)
{
    homelab_estimate *estimate = hl_calloc(1, sizeof(*estimate));
    if (!estimate) {
        hl_error_nomem();
        return NULL;
    }
    atomic_init(&estimate->references, 1);
    estimate->allocator = allocator;
    return estimate;
}

static void take_wish(homelab_estimate *estimate, const struct hl_wish *wish)
{
    memcpy(estimate->names, wish->names, sizeof(estimate->names));
    for (int i = 0; i < HL_BACKENDS; i++)
        estimate->overhead[i] = (int64_t)wish->overhead[i];
}

static int measure_projector(struct hl_measure *measure, const homelab_gguf *gguf,
                             const struct hl_request *request)
{
    struct hl_backends backends = {.count = request->devices + 1,
                                   .mixed_kv = request->mixed_kv,
                                   .reserve_f16_kv = request->behaviour.f16_in_buffer};
    for (int i = 0; i < request->devices; i++)
        backends.at[i] = request->device[i];
    backends.at[request->devices] = (struct hl_backend){.kind = HL_BACKEND_CPU};
    return hl_projector_measure(measure, gguf, &backends, request->flash);
}

static int fit(struct hl_measure *measure, const struct hl_model *model, const struct hl_wish *wish)
{
    int64_t layers;
    int code = hl_measure_fit(measure, &layers, model, &wish->request, wish->limits);
    if (!code && layers < 0)
        return hl_error_set(HOMELAB_E_NOT_FOUND, 0, "vram.free_mib",
                            "fit: found too little free memory for compute buffers alone, "
                            "expected room for them");
    return code;
}

static int measure_model(struct hl_measure *measure, const homelab_gguf *gguf,
                         const struct hl_wish *wish, bool fitted)
{
    struct hl_model model;
    int code = hl_model_init(&model, gguf);
    if (code)
        return code;
    code = fitted ? fit(measure, &model, wish) : hl_measure_run(measure, &model, &wish->request);
    hl_model_free(&model);
    return code;
}

static int estimate_new(homelab_estimate **out, const homelab_gguf *gguf, const homelab_opts *opts,
                        bool fitted)
{
    if (!out || !gguf)
        return hl_error_argument(out ? "gguf" : "out", "a pointer");
    struct hl_wish wish;
    int code = hl_wish_read(&wish, opts, homelab_gguf_trained_context(gguf));
    if (code)
        return code;
    homelab_estimate *estimate = make(hl_opt_allocator(opts));
    if (!estimate)
        return HOMELAB_E_NOMEM;
    take_wish(estimate, &wish);
    if (!fitted && hl_projector_is(gguf))
        code = measure_projector(&estimate->measure, gguf, &wish.request);
    else
        code = measure_model(&estimate->measure, gguf, &wish, fitted);
    if (code)
        hl_free(estimate);
    else
        *out = estimate;
    return code;
}

int homelab_estimate_new(homelab_estimate **out, const homelab_gguf *gguf, const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    return estimate_new(out, gguf, opts, false);
}

int homelab_estimate_fit_layers(homelab_estimate **out, const homelab_gguf *gguf,
                                const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    if (!*hl_opt_string(opts, HL_OPT_VRAM_FREE_MIB))
        return hl_error_set(HOMELAB_E_OPTION_VALUE, 0, "vram.free_mib",
                            "option 'vram.free_mib': found nothing, expected each device's free "
                            "memory, which a fit is about");
    return estimate_new(out, gguf, opts, true);
}

static int64_t buffers(const homelab_estimate *estimate, size_t i)
{
    const struct hl_usage *usage = &estimate->measure.usage;
    return (int64_t)(usage->weights[i] + usage->context[i] + usage->compute[i]);
}

int homelab_estimate_calibrate(homelab_estimate **out, const homelab_estimate *estimate,
                               size_t device, int64_t observed_bytes)
{
    HL_API(estimate ? estimate->allocator : NULL);
    if (!out || !estimate)
        return hl_error_argument(out ? "estimate" : "out", "a pointer");
    if (device >= homelab_estimate_device_count(estimate))
        return hl_error_argument("device", "one of the estimate's");
    if (observed_bytes < 0)
        return hl_error_argument("observed_bytes", "0 or more");
    homelab_estimate *copy = make(estimate->allocator);
    if (!copy)
        return HOMELAB_E_NOMEM;
    copy->measure = estimate->measure;
    memcpy(copy->names, estimate->names, sizeof(copy->names));
    memcpy(copy->overhead, estimate->overhead, sizeof(copy->overhead));
    memcpy(copy->correction, estimate->correction, sizeof(copy->correction));
    int64_t difference = observed_bytes - buffers(estimate, device) - estimate->overhead[device];
    copy->overhead[device] += difference;
    copy->correction[device] += difference;
    *out = copy;
    return HOMELAB_OK;
}

homelab_estimate *homelab_estimate_ref(homelab_estimate *estimate)
{
    if (estimate)
        atomic_fetch_add_explicit(&estimate->references, 1, memory_order_relaxed);
    return estimate;
}

void homelab_estimate_unref(homelab_estimate *estimate)
{
    if (estimate && atomic_fetch_sub_explicit(&estimate->references, 1, memory_order_acq_rel) == 1)
        hl_free(estimate);
}

/* --- Reading it --- */

static bool has(const homelab_estimate *estimate, size_t device)
{
    return device < homelab_estimate_device_count(estimate);
}

int homelab_estimate_confidence(const homelab_estimate *estimate)
{
    if (!estimate)
        return -1;
    return estimate->measure.confidence == HL_CONFIDENCE_EXACT ? HOMELAB_CONFIDENCE_EXACT
                                                               : HOMELAB_CONFIDENCE_BOUND;
}

const char *homelab_confidence_name(int confidence)
{
    switch (confidence) {
    case HOMELAB_CONFIDENCE_EXACT:
        return "exact";
    case HOMELAB_CONFIDENCE_BOUND:
        return "bound";
    default:
        return "?";
    }
}

int64_t homelab_estimate_gpu_layers(const homelab_estimate *estimate)
{
    return estimate ? estimate->measure.gpu_layers : -1;
}

size_t homelab_estimate_device_count(const homelab_estimate *estimate)
{
    return estimate ? (size_t)estimate->measure.backends : 0;
}

const char *homelab_estimate_device_name(const homelab_estimate *estimate, size_t device)
{
    return has(estimate, device) ? estimate->names[device] : NULL;
}

int64_t homelab_estimate_weights_bytes(const homelab_estimate *estimate, size_t device)
{
    return has(estimate, device) ? (int64_t)estimate->measure.usage.weights[device] : -1;
}

int64_t homelab_estimate_context_bytes(const homelab_estimate *estimate, size_t device)
{
    return has(estimate, device) ? (int64_t)estimate->measure.usage.context[device] : -1;
}

int64_t homelab_estimate_compute_bytes(const homelab_estimate *estimate, size_t device)
{
    return has(estimate, device) ? (int64_t)estimate->measure.usage.compute[device] : -1;
}

int64_t homelab_estimate_overhead_bytes(const homelab_estimate *estimate, size_t device)
{
    return has(estimate, device) ? estimate->overhead[device] : -1;
}

int64_t homelab_estimate_correction_bytes(const homelab_estimate *estimate, size_t device)
{
    return has(estimate, device) ? estimate->correction[device] : 0;
}

int64_t homelab_estimate_total_bytes(const homelab_estimate *estimate, size_t device)
{
    return has(estimate, device) ? buffers(estimate, device) + estimate->overhead[device] : -1;
}

int64_t homelab_estimate_output_buffer_bytes(const homelab_estimate *estimate)
{
    return estimate ? (int64_t)estimate->measure.output_buffer : -1;
}

int64_t homelab_estimate_context_tokens(const homelab_estimate *estimate)
{
    return estimate ? estimate->measure.context : -1;
}

int64_t homelab_estimate_slot_tokens(const homelab_estimate *estimate)
{
    return estimate ? estimate->measure.context_seq : -1;
}

bool homelab_estimate_flash_attention(const homelab_estimate *estimate)
{
    return estimate && estimate->measure.flash;
}

static void put_device(struct hl_buf *buf, const homelab_estimate *estimate, size_t i)
{
    hl_buf_puts(buf, i ? ",{\"name\":" : "{\"name\":");
    hl_buf_json(buf, estimate->names[i]);
    hl_buf_printf(buf,
                  ",\"weights\":%lld,\"context\":%lld,\"compute\":%lld,\"overhead\":%lld,"
                  "\"correction\":%lld,\"total\":%lld}",
                  (long long)homelab_estimate_weights_bytes(estimate, i),
                  (long long)homelab_estimate_context_bytes(estimate, i),
                  (long long)homelab_estimate_compute_bytes(estimate, i),
                  (long long)estimate->overhead[i], (long long)estimate->correction[i],
                  (long long)homelab_estimate_total_bytes(estimate, i));
}

char *homelab_estimate_json(const homelab_estimate *estimate)
{
    HL_API(estimate ? estimate->allocator : NULL);
    if (!estimate) {
        hl_error_argument("estimate", "a pointer");
        return NULL;
    }
    struct hl_buf buf;
    hl_buf_init(&buf, JSON_MAX);
    hl_buf_printf(&buf,
                  "{\"schema\":1,\"confidence\":\"%s\",\"gpu_layers\":%lld,"
                  "\"context_tokens\":%lld,"
                  "\"slot_tokens\":%lld,\"flash_attention\":%s,\"output_buffer\":%lld,"
                  "\"devices\":[",
                  homelab_confidence_name(homelab_estimate_confidence(estimate)),
                  (long long)estimate->measure.gpu_layers, (long long)estimate->measure.context,
                  (long long)estimate->measure.context_seq,
                  estimate->measure.flash ? "true" : "false",
                  (long long)estimate->measure.output_buffer);
    for (size_t i = 0; i < homelab_estimate_device_count(estimate); i++)
        put_device(&buf, estimate, i);
    hl_buf_puts(&buf, "]}");
    return hl_buf_take(&buf);
}
