#include "vram/estimate_options.h"

#include "core/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB            1048576.0
#define CC_DEFAULT     890
#define SERVER_SLOTS   4 /* of llama-server when none are named */
#define OLLAMA_BATCH   512
#define TOKENS_MAX     2147483647
#define DATE_LENGTH    10 /* YYYY-MM-DD */
#define GIB_TOKENS_MID 23 /* Ollama's default contexts by total memory, GiB */
#define GIB_TOKENS_TOP 47

static int bad(const char *key, const char *found, const char *expected)
{
    return hl_error_set(HOMELAB_E_OPTION_VALUE, 0, key, "option '%s': found '%s', expected %s", key,
                        found, expected);
}

/* --- Lists --- */

/* Digits and at most one point, whatever the locale. */
static bool read_number(const char *text, size_t length, double *value)
{
    double number = 0, unit = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '.' && unit == 0) {
            unit = 1;
            continue;
        }
        if (text[i] < '0' || text[i] > '9' || i > 15)
            return false;
        number = number * 10 + (text[i] - '0');
        unit *= 10;
    }
    *value = unit > 0 ? number / unit : number;
    return length > 0 && !(length == 1 && text[0] == '.');
}

static int read_list(const char *key, const char *text, double *values, int count)
{
    int found = 0;
    while (*text) {
        size_t length = strcspn(text, ",");
        if (found >= count || !read_number(text, length, &values[found]))
            return bad(key, text, "one number for each device, with commas between");
        found++;
        text += length + (text[length] == ',');
    }
    return 0;
}

/* --- Devices --- */

static bool is_word(const char *text, size_t length, const char *word, const char **rest)
{
    size_t word_length = strlen(word);
    if (length < word_length || strncmp(text, word, word_length) != 0)
        return false;
    if (length == word_length) {
        *rest = NULL;
        return true;
    }
    *rest = text + word_length + 1;
    return text[word_length] == ':';
}

/* How many devices before have a name that begins so. */
static int count(const struct hl_wish *wish, const char *prefix)
{
    int found = 0;
    for (int i = 0; i < wish->request.devices; i++)
        found += strncmp(wish->names[i], prefix, strlen(prefix)) == 0;
    return found;
}

static bool read_rpc(struct hl_wish *wish, struct hl_backend *device, const char *endpoint,
                     size_t length)
{
    char *name = wish->names[wish->request.devices];
    *device = (struct hl_backend){.kind = HL_BACKEND_RPC};
    if (!endpoint)
        return snprintf(name, HL_DEVICE_NAME, "RPC%d", count(wish, "RPC")) > 0;
    return snprintf(name, HL_DEVICE_NAME, "RPC0[%.*s]", (int)length, endpoint) < HL_DEVICE_NAME;
}

static bool read_device(struct hl_wish *wish, const char *text, size_t length)
{
    int i = wish->request.devices;
    struct hl_backend *device = &wish->request.device[i];
    const char *rest;
    double capability = CC_DEFAULT / 100.0;
    if (length >= HL_DEVICE_NAME)
        return false;
    if (is_word(text, length, "rpc", &rest))
        return read_rpc(wish, device, rest, rest ? length - (size_t)(rest - text) : 0);
    if (is_word(text, length, "rocm", &rest) && !rest) {
        *device = (struct hl_backend){.kind = HL_BACKEND_CUDA, .compute_capability = 0};
        snprintf(wish->names[i], HL_DEVICE_NAME, "ROCm%d", count(wish, "ROCm"));
        return true;
    }
    if (!is_word(text, length, "cuda", &rest))
        return false;
    if (rest && (!read_number(rest, length - (size_t)(rest - text), &capability) ||
                 capability < 1 || capability > 100))
        return false;
    *device = (struct hl_backend){.kind = HL_BACKEND_CUDA,
                                  .compute_capability = (int)(capability * 100 + 0.5)};
    snprintf(wish->names[i], HL_DEVICE_NAME, "CUDA%d", count(wish, "CUDA"));
    return true;
}

static int read_devices(struct hl_wish *wish, const homelab_opts *opts)
{
    const char *text = hl_opt_string(opts, HL_OPT_VRAM_DEVICES), *all = text;
    while (*text) {
        size_t length = strcspn(text, ",");
        if (wish->request.devices >= HL_BACKENDS - 1 || !read_device(wish, text, length))
            return bad("vram.devices", all, "up to 16 of cuda, cuda:8.9, rocm, rpc, rpc:HOST:PORT");
        wish->request.devices++;
        text += length + (text[length] == ',');
    }
    snprintf(wish->names[wish->request.devices], HL_DEVICE_NAME, "HOST");
    return 0;
}

static int read_memory(struct hl_wish *wish, const homelab_opts *opts)
{
    struct hl_request *request = &wish->request;
    const char *split = hl_opt_string(opts, HL_OPT_VRAM_TENSOR_SPLIT);
    const char *memory = hl_opt_string(opts, HL_OPT_VRAM_FREE_MIB);
    int code = read_list("vram.tensor_split", split, request->split, request->devices);
    if (!code)
        code = read_list("vram.free_mib", memory, request->free_bytes, request->devices);
    double margin = (double)hl_opt_int(opts, HL_OPT_VRAM_MARGIN_MIB);
    for (int i = 0; i < request->devices; i++) {
        double left = (request->free_bytes[i] - margin) * MIB;
        wish->limits[i] = left > 0 ? (uint64_t)left : 0;
        request->free_bytes[i] *= MIB;
        bool rocm = strncmp(wish->names[i], "ROCm", 4) == 0;
        int64_t overhead =
            hl_opt_int(opts, rocm ? HL_OPT_VRAM_OVERHEAD_ROCM_MIB : HL_OPT_VRAM_OVERHEAD_CUDA_MIB);
        if (request->device[i].kind == HL_BACKEND_CUDA)
            wish->overhead[i] = (uint64_t)overhead * (uint64_t)MIB;
    }
    return code;
}

/* --- Words --- */

static int read_switch(const homelab_opts *opts, enum hl_option option, const char *key,
                       enum hl_switch *out)
{
    const char *text = hl_opt_string(opts, option);
    if (strcmp(text, "auto") == 0)
        *out = HL_AUTO;
    else if (strcmp(text, "on") == 0)
        *out = HL_ON;
    else if (strcmp(text, "off") == 0)
        *out = HL_OFF;
    else
        return bad(key, text, "auto, on or off");
    return 0;
}

static int read_type(const homelab_opts *opts, enum hl_option option, const char *key,
                     uint32_t *out)
{
    const char *text = hl_opt_string(opts, option);
    int type = hl_ggml_type_from_name(text);
    if (type < 0)
        return bad(key, text, "a type of ggml such as f16 or q8_0");
    *out = (uint32_t)type;
    return 0;
}

static bool is_date(const char *text)
{
    static const char pattern[] = "dddd-dd-dd";
    for (size_t i = 0; i < DATE_LENGTH; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (pattern[i] == 'd' ? !digit : text[i] != pattern[i])
            return false;
    }
    return text[DATE_LENGTH] == '\0';
}

/* Days on which llama.cpp changed what it takes; each with the commit that did it. */
static int read_date(struct hl_request *request, const homelab_opts *opts)
{
    const char *date = hl_opt_string(opts, HL_OPT_VRAM_RUNTIME_DATE);
    if (!*date)
        return 0;
    if (!is_date(date))
        return bad("vram.runtime_date", date, "a day as YYYY-MM-DD, or nothing");
    struct hl_behaviour *behaviour = &request->behaviour;
    behaviour->context_padded = strcmp(date, "2025-11-07") >= 0; /* 16bcc1259 */
    behaviour->output_first = strcmp(date, "2025-12-18") >= 0;   /* 57c1e0564 */
    behaviour->inputs_twice = strcmp(date, "2026-01-23") >= 0;   /* 557515be1 */
    behaviour->outputs_capped = strcmp(date, "2026-06-01") >= 0; /* de6f727aa */
    behaviour->f16_in_buffer = strcmp(date, "2026-06-03") >= 0;  /* f8f0a47a5 */
    behaviour->inputs_mixed = strcmp(date, "2026-10-06") >= 0;   /* in b11434, not in b10470 */
    if (strcmp(date, "2025-08-30") < 0) {                        /* e81b8e4b7 */
        request->flash = request->flash == HL_AUTO ? HL_OFF : request->flash;
        request->gpu_layers = request->gpu_layers < 0 ? 0 : request->gpu_layers;
    }
    return 0;
}

/* --- Runtimes --- */

/* Ollama's default by the memory of all devices (source: its scheduler). */
static int64_t ollama_context(const struct hl_request *request, int64_t trained)
{
    double memory = 0;
    for (int i = 0; i < request->devices; i++)
        memory += request->free_bytes[i];
    int64_t context = memory >= GIB_TOKENS_TOP * 1024 * MIB   ? 262144
                      : memory >= GIB_TOKENS_MID * 1024 * MIB ? 32768
                                                              : 4096;
    return trained > 0 && trained < context ? trained : context;
}

static int read_runtime(struct hl_request *request, const homelab_opts *opts, int64_t trained)
{
    const char *runtime = hl_opt_string(opts, HL_OPT_VRAM_RUNTIME);
    bool ollama = strcmp(runtime, "ollama") == 0;
    if (!ollama && strcmp(runtime, "llama.cpp") != 0)
        return bad("vram.runtime", runtime, "llama.cpp or ollama");
    enum hl_switch unified = HL_AUTO;
    int code = read_switch(opts, HL_OPT_VRAM_UNIFIED, "vram.unified", &unified);
    int64_t slots = request->parallel;
    if (slots == 0)
        request->parallel = ollama ? 1 : SERVER_SLOTS;
    request->unified = unified == HL_ON || (unified == HL_AUTO && !ollama && slots == 0);
    if (ollama) {
        if (request->context == 0)
            request->context = ollama_context(request, trained);
        request->context *= request->parallel;
        if (request->batch > OLLAMA_BATCH)
            request->batch = OLLAMA_BATCH;
    }
    if (request->context > TOKENS_MAX)
        return bad("vram.context", "more", "2147483647 tokens at most for all slots together");
    if (request->outputs < 0)
        request->outputs = request->embeddings ? 0 : request->parallel;
    return code;
}

static void read_numbers(struct hl_request *request, const homelab_opts *opts)
{
    request->gpu_layers = hl_opt_int(opts, HL_OPT_VRAM_GPU_LAYERS);
    request->context = hl_opt_int(opts, HL_OPT_VRAM_CONTEXT);
    request->batch = hl_opt_int(opts, HL_OPT_VRAM_BATCH);
    request->ubatch = hl_opt_int(opts, HL_OPT_VRAM_UBATCH);
    request->parallel = hl_opt_int(opts, HL_OPT_VRAM_PARALLEL);
    request->outputs = hl_opt_int(opts, HL_OPT_VRAM_OUTPUTS);
    request->cpu_experts = hl_opt_int(opts, HL_OPT_VRAM_CPU_EXPERTS);
    request->kv_offload = hl_opt_bool(opts, HL_OPT_VRAM_KV_OFFLOAD);
    request->op_offload = hl_opt_bool(opts, HL_OPT_VRAM_OP_OFFLOAD);
    request->swa_full = hl_opt_bool(opts, HL_OPT_VRAM_SWA_FULL);
    request->embeddings = hl_opt_bool(opts, HL_OPT_VRAM_EMBEDDINGS);
    request->mapped = hl_opt_bool(opts, HL_OPT_VRAM_MMAP);
    request->mixed_kv = hl_opt_bool(opts, HL_OPT_VRAM_MIXED_KV);
    request->no_alloc = hl_opt_bool(opts, HL_OPT_VRAM_FIT_FIGURES);
}

int hl_wish_read(struct hl_wish *wish, const homelab_opts *opts, int64_t context_trained)
{
    *wish = (struct hl_wish){0};
    struct hl_request *request = &wish->request;
    hl_request_init(request);
    read_numbers(request, opts);
    int code = read_devices(wish, opts);
    if (!code)
        code = read_memory(wish, opts);
    if (!code)
        code =
            read_switch(opts, HL_OPT_VRAM_FLASH_ATTENTION, "vram.flash_attention", &request->flash);
    if (!code)
        code = read_type(opts, HL_OPT_VRAM_TYPE_K, "vram.type_k", &request->type_k);
    if (!code)
        code = read_type(opts, HL_OPT_VRAM_TYPE_V, "vram.type_v", &request->type_v);
    if (!code)
        code = read_date(request, opts);
    if (!code)
        code = read_runtime(request, opts, context_trained);
    return code;
}
