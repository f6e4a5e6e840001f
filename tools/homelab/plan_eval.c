/* homelab plan --eval: what the memory model says of rows of a file in the format of measured
 * ones: truth rows (a run of llama.cpp), and rows of a fit. What a row measured is never looked
 * at. */
#include "cli.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_BYTES 4096
#define LIST_MAX_BYTES 1024
#define NAME_MAX_BYTES 200
#define DEVICES_MAX    16

/* The header that was read last; rows of a model follow each other. */
struct headers {
    const char *folder;
    char name[NAME_MAX_BYTES];
    homelab_gguf *gguf;
};

struct row {
    cJSON *json;
    const cJSON *opts; /* of a truth row */
    const char *id;    /* may be NULL */
    const char *gguf;  /* NULL: nothing is to be worked out */
};

/* --- Reading --- */

/* A file's name, and nothing that leads out of the folder. */
static bool is_plain_name(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/') && strlen(name) < NAME_MAX_BYTES;
}

static const char *text_of(const cJSON *object, const char *key, const char *other)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(item) ? item->valuestring : other;
}

static bool is_kind(const struct row *row, const char *kind)
{
    return strcmp(text_of(row->json, "kind", ""), kind) == 0;
}

static const char *read_row(struct row *row, const char *line)
{
    const char *end = NULL;
    *row = (struct row){.json = cJSON_ParseWithOpts(line, &end, true)};
    if (!cJSON_IsObject(row->json))
        return "expected a JSON object";
    const cJSON *gguf = cJSON_GetObjectItemCaseSensitive(row->json, "gguf");
    row->id = text_of(row->json, "id", NULL);
    row->opts = cJSON_GetObjectItemCaseSensitive(row->json, "opts");
    if (is_kind(row, "llama_fit"))
        return NULL;
    if (!cJSON_IsString(gguf) || !is_plain_name(gguf->valuestring))
        return "gguf: expected the name of a header";
    row->gguf = gguf->valuestring;
    return NULL;
}

static int64_t number_of(const cJSON *object, const char *key, int64_t other)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsNumber(item) || !(item->valuedouble > -1e15 && item->valuedouble < 1e15))
        return other;
    return (int64_t)item->valuedouble;
}

static int load_header(struct headers *headers, const char *name)
{
    if (headers->gguf && strcmp(headers->name, name) == 0)
        return HOMELAB_OK;
    homelab_gguf_unref(headers->gguf);
    headers->gguf = NULL;
    char path[PATH_MAX_BYTES];
    if (snprintf(path, sizeof(path), "%s/%s.hdr", headers->folder, name) >= (int)sizeof(path))
        return HOMELAB_E_LIMIT;
    snprintf(headers->name, sizeof(headers->name), "%s", name);
    return homelab_gguf_load_file(&headers->gguf, path, NULL);
}

/* --- Options --- */

struct setting {
    const char *key, *option;
    int64_t other;
};

/* In a row 0 outputs are the whole batch, and what is absent has the measuring program's value. */
static const struct setting numbers[] = {
    {"ngl", "vram.gpu_layers", -1},       {"ctx", "vram.context", 0},
    {"batch", "vram.batch", 2048},        {"ubatch", "vram.ubatch", 512},
    {"par", "vram.parallel", 1},          {"nout", "vram.outputs", 0},
    {"cpu_moe_n", "vram.cpu_experts", 0},
};

static const struct setting flags[] = {
    {"kvo", "vram.kv_offload", 1},    {"opo", "vram.op_offload", 1},
    {"swa_full", "vram.swa_full", 0}, {"emb", "vram.embeddings", 0},
    {"mmap", "vram.mmap", 1},         {"no_alloc", "vram.fit_figures", 1},
};

static int set_numbers(homelab_opts *opts, const cJSON *from)
{
    int code = HOMELAB_OK;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers) && !code; i++)
        code = homelab_opts_set_int(opts, numbers[i].option,
                                    number_of(from, numbers[i].key, numbers[i].other));
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags) && !code; i++)
        code = homelab_opts_set_bool(opts, flags[i].option,
                                     number_of(from, flags[i].key, flags[i].other) != 0);
    return code;
}

/* stub:2 with compute capability 750 is cuda:7.50,cuda:7.50; rpc:A,B is rpc:A,rpc:B. */
static int set_devices(homelab_opts *opts, const cJSON *from)
{
    const char *text = text_of(from, "dev", "cpu");
    char list[LIST_MAX_BYTES] = "";
    size_t length = 0;
    if (strncmp(text, "stub:", 5) == 0) {
        long count = strtol(text + 5, NULL, 10);
        int64_t capability = number_of(from, "cc", 890);
        for (long i = 0; i < count && i <= DEVICES_MAX && length < sizeof(list) - 32; i++)
            length += (size_t)snprintf(list + length, sizeof(list) - length, "%scuda:%d.%02d",
                                       i ? "," : "", (int)(capability / 100) % 1000,
                                       (int)(capability % 100));
    } else if (strncmp(text, "rpc:", 4) == 0 && strlen(text) < sizeof(list) / 4) {
        for (const char *at = text + 4; *at; at += at[0] == ',') {
            size_t part = strcspn(at, ",");
            length += (size_t)snprintf(list + length, sizeof(list) - length, "%srpc:%.*s",
                                       length ? "," : "", (int)part, at);
            at += part;
        }
    } else if (strcmp(text, "cpu") != 0) {
        snprintf(list, sizeof(list), "?");
    }
    return homelab_opts_set_string(opts, "vram.devices", list);
}

static int set_all(homelab_opts *opts, const cJSON *from)
{
    bool unified = number_of(from, "unified", 0) != 0;
    int code = set_numbers(opts, from);
    if (!code)
        code = set_devices(opts, from);
    if (!code)
        code = homelab_opts_set_string(opts, "vram.unified", unified ? "on" : "off");
    if (!code)
        code = homelab_opts_set_string(opts, "vram.flash_attention", text_of(from, "fa", "auto"));
    if (!code)
        code = homelab_opts_set_string(opts, "vram.type_k", text_of(from, "ctk", "f16"));
    if (!code)
        code = homelab_opts_set_string(opts, "vram.type_v", text_of(from, "ctv", "f16"));
    if (!code)
        code = homelab_opts_set_string(opts, "vram.tensor_split", text_of(from, "ts", ""));
    return code ? code : homelab_opts_set_string(opts, "vram.free_mib", text_of(from, "mem", ""));
}

/* A fit's row means one CUDA device, and the same type for keys and values. */
static int set_fit(homelab_opts *opts, const struct row *row)
{
    char free_mib[32];
    const char *type = text_of(row->json, "kv", "f16");
    snprintf(free_mib, sizeof(free_mib), "%lld",
             (long long)number_of(row->json, "gpu_free_MiB", 0));
    int code = set_numbers(opts, row->json);
    if (!code)
        code = homelab_opts_set_string(opts, "vram.unified", "off");
    if (!code)
        code = homelab_opts_set_string(opts, "vram.type_k", type);
    if (!code)
        code = homelab_opts_set_string(opts, "vram.type_v", type);
    if (!code)
        code =
            homelab_opts_set_int(opts, "vram.margin_mib", number_of(row->json, "margin_MiB", 1024));
    return code ? code : homelab_opts_set_string(opts, "vram.free_mib", free_mib);
}

/* --- Writing --- */

static void put_id(const struct row *row)
{
    printf("{");
    if (row->id) {
        printf("\"id\":");
        put_json(stdout, row->id);
        printf(",");
    }
}

static void put_error(const struct row *row)
{
    put_id(row);
    printf("\"error\":");
    put_json(stdout, homelab_error_message());
    printf("}\n");
}

static void put_device(const homelab_estimate *estimate, size_t i, const char *name)
{
    put_json(stdout, name);
    printf(":{\"weights\":%lld,\"context\":%lld,\"compute\":%lld}",
           (long long)homelab_estimate_weights_bytes(estimate, i),
           (long long)homelab_estimate_context_bytes(estimate, i),
           (long long)homelab_estimate_compute_bytes(estimate, i));
}

/* Rows of a projector have the first device and the host, which they call CPU. */
static void put_estimate(const struct row *row, const homelab_estimate *estimate, bool projector)
{
    size_t count = homelab_estimate_device_count(estimate);
    put_id(row);
    if (!projector)
        printf("\"n_ctx\":%lld,", (long long)homelab_estimate_context_tokens(estimate));
    printf("\"devices\":{");
    for (size_t i = 0; i < count; i++) {
        bool host = i == count - 1;
        if (projector && i > 0 && !host)
            continue;
        if (i)
            printf(",");
        put_device(estimate, i,
                   projector && host ? "CPU" : homelab_estimate_device_name(estimate, i));
    }
    printf("}");
    if (!projector)
        printf(",\"output_buffer\":%lld",
               (long long)homelab_estimate_output_buffer_bytes(estimate));
    printf("}\n");
}

/* --- Rows --- */

static bool is_projector(const homelab_gguf *gguf)
{
    return strcmp(homelab_gguf_architecture(gguf), "clip") == 0;
}

static void eval_truth(const struct row *row, const homelab_gguf *gguf, homelab_opts *opts)
{
    homelab_estimate *estimate = NULL;
    if (set_all(opts, row->opts) || homelab_estimate_new(&estimate, gguf, opts))
        put_error(row);
    else
        put_estimate(row, estimate, is_projector(gguf));
    homelab_estimate_unref(estimate);
}

static void eval_fit(const struct row *row, const homelab_gguf *gguf, homelab_opts *opts)
{
    homelab_estimate *estimate = NULL;
    int code = set_fit(opts, row);
    if (!code)
        code = homelab_estimate_fit_layers(&estimate, gguf, opts);
    if (code && code != HOMELAB_E_NOT_FOUND) {
        put_error(row);
        return;
    }
    put_id(row);
    printf("\"max_ngl\":%lld}\n", (long long)homelab_estimate_gpu_layers(estimate));
    homelab_estimate_unref(estimate);
}

/* NULL, or why the row cannot be read. */
static const char *eval_row(struct headers *headers, const struct row *row)
{
    if (!row->gguf) {
        put_id(row);
        printf("\"skipped\":true}\n");
        return NULL;
    }
    homelab_opts *opts = NULL;
    if (load_header(headers, row->gguf) || homelab_opts_new(&opts))
        return homelab_error_message();
    if (is_kind(row, "max_ngl"))
        eval_fit(row, headers->gguf, opts);
    else
        eval_truth(row, headers->gguf, opts);
    homelab_opts_free(opts);
    return NULL;
}

static int eval_lines(FILE *file, struct headers *headers)
{
    char *line = NULL;
    size_t capacity = 0, number = 0;
    int end = 0;
    while (getline(&line, &capacity, file) > 0) {
        struct row row;
        number++;
        const char *wrong = read_row(&row, line);
        if (!wrong)
            wrong = eval_row(headers, &row);
        if (wrong) {
            fail("row %zu: %s", number, wrong);
            put_id(&row);
            printf("\"error\":\"unreadable row\"}\n");
            end = CLI_ERROR;
        }
        cJSON_Delete(row.json);
    }
    free(line);
    return ferror(file) ? fail("cannot read the rows: %s", strerror(errno)) : end;
}

int plan_eval(const char *rows, const char *folder)
{
    FILE *file = strcmp(rows, "-") == 0 ? stdin : fopen(rows, "re");
    if (!file)
        return fail("cannot open '%s': %s", rows, strerror(errno));
    struct headers headers = {.folder = folder};
    int end = eval_lines(file, &headers);
    homelab_gguf_unref(headers.gguf);
    if (file != stdin)
        fclose(file);
    if (fflush(stdout) != 0)
        return fail("cannot write: %s", strerror(errno));
    return end;
}
