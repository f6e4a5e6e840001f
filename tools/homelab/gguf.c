#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 60000
#define TYPES_MAX  64

struct arguments {
    const char *file;
    homelab_opts *opts;
    int64_t ctx; /* 0: what the model was trained with */
    int timeout_ms;
    bool json;
};

/* --- For people --- */

static void put_number(FILE *stream, const char *name, int64_t value, const char *unit)
{
    if (value >= 0)
        fprintf(stream, "  %-12s %lld%s\n", name, (long long)value, unit);
}

static void put_bytes(FILE *stream, const char *name, int64_t bytes)
{
    if (bytes >= 1 << 20)
        fprintf(stream, "  %-12s %lld bytes (%.2f GiB)\n", name, (long long)bytes,
                (double)bytes / (1 << 30));
    else
        put_number(stream, name, bytes, " bytes");
}

static void put_types(FILE *stream, const homelab_gguf *gguf)
{
    int64_t bytes[TYPES_MAX] = {0};
    const char *names[TYPES_MAX] = {NULL};
    for (size_t i = 0; i < homelab_gguf_tensor_count(gguf); i++) {
        int type = homelab_gguf_tensor_type(gguf, i);
        if (type < 0 || type >= TYPES_MAX)
            continue;
        bytes[type] += homelab_gguf_tensor_bytes(gguf, i);
        names[type] = homelab_gguf_tensor_type_name(gguf, i);
    }
    fprintf(stream, "  %-12s", "types");
    for (int i = 0; i < TYPES_MAX; i++)
        if (names[i])
            fprintf(stream, " %s %.1f MiB", names[i], (double)bytes[i] / (1 << 20));
    fputc('\n', stream);
}

static void put_gguf(FILE *stream, const homelab_gguf *gguf)
{
    const char *name = homelab_gguf_name(gguf);
    const char *architecture = homelab_gguf_architecture(gguf);
    const char *type = homelab_gguf_file_type_name(homelab_gguf_file_type(gguf));
    put_text(stream, name ? name : "(no name)", -1, 0);
    fputs(" · ", stream);
    put_text(stream, architecture ? architecture : "no architecture", -1, 0);
    fprintf(stream, "%s%s\n", type ? " · " : "", type ? type : "");
    put_number(stream, "layers", homelab_gguf_layer_count(gguf), "");
    put_number(stream, "context", homelab_gguf_trained_context(gguf), " tokens in training");
    put_number(stream, "embedding", homelab_gguf_embedding_length(gguf), "");
    put_number(stream, "vocabulary", homelab_gguf_vocabulary_size(gguf), " tokens");
    fprintf(stream, "  %-12s %zu, and %zu keys\n", "tensors", homelab_gguf_tensor_count(gguf),
            homelab_gguf_key_count(gguf));
    put_types(stream, gguf);
    put_bytes(stream, "weights", homelab_gguf_tensor_total_bytes(gguf));
    put_bytes(stream, "file", homelab_gguf_file_bytes(gguf));
    fprintf(stream, "  %-12s GGUF %d, %s-endian, tensor data from byte %lld, %zu part%s, %s\n",
            "format", homelab_gguf_version(gguf),
            homelab_gguf_is_big_endian(gguf) ? "big" : "little",
            (long long)homelab_gguf_data_offset(gguf), homelab_gguf_part_count(gguf),
            homelab_gguf_part_count(gguf) == 1 ? "" : "s",
            homelab_gguf_is_complete(gguf) ? "complete" : "tensor data missing");
}

/* --- What it needs --- */

struct needs {
    int64_t ctx, weights, context, compute, output_buffer;
};

/* Of the devices together; of the host where there are none. */
static int64_t sum(const homelab_estimate *estimate,
                   int64_t (*bytes)(const homelab_estimate *estimate, size_t device))
{
    size_t devices = homelab_estimate_device_count(estimate);
    int64_t total = 0;
    for (size_t i = 0; i < devices && (devices == 1 || i + 1 < devices); i++)
        total += bytes(estimate, i);
    return total;
}

/* Without an estimate it says why and returns NULL. */
static const struct needs *estimate(struct needs *needs, const struct arguments *arguments,
                                    const homelab_gguf *gguf)
{
    homelab_estimate *made = NULL;
    if ((arguments->ctx && homelab_opts_set_int(arguments->opts, "vram.context", arguments->ctx)) ||
        homelab_estimate_new(&made, gguf, arguments->opts)) {
        fail("%s: no estimate: %s", arguments->file, homelab_error_message());
        return NULL;
    }
    needs->ctx = arguments->ctx ? arguments->ctx : homelab_estimate_context_tokens(made);
    needs->weights = sum(made, homelab_estimate_weights_bytes);
    needs->context = sum(made, homelab_estimate_context_bytes);
    needs->compute = sum(made, homelab_estimate_compute_bytes);
    needs->output_buffer = homelab_estimate_output_buffer_bytes(made);
    homelab_estimate_unref(made);
    return needs;
}

static void put_needs(FILE *stream, const struct needs *needs)
{
    fprintf(stream, "needs on one GPU with all layers, at a context of %lld\n",
            (long long)needs->ctx);
    put_bytes(stream, "weights", needs->weights);
    put_bytes(stream, "context", needs->context);
    put_bytes(stream, "compute", needs->compute);
    put_bytes(stream, "together", needs->weights + needs->context + needs->compute);
    put_bytes(stream, "output", needs->output_buffer);
}

/* --- The document --- */

static int put_json_document(FILE *stream, const homelab_gguf *gguf, const struct needs *needs)
{
    char *json = homelab_gguf_json(gguf);
    char *end = json ? strrchr(json, '}') : NULL;
    if (!end)
        return fail_library("gguf");
    fprintf(stream, "%.*s,\"needs\":", (int)(end - json), json);
    homelab_free(json);
    if (needs)
        fprintf(stream,
                "{\"ctx\":%lld,\"weights\":%lld,\"context\":%lld,\"compute\":%lld,"
                "\"output_buffer\":%lld}}\n",
                (long long)needs->ctx, (long long)needs->weights, (long long)needs->context,
                (long long)needs->compute, (long long)needs->output_buffer);
    else
        fputs("null}\n", stream);
    return 0;
}

static int show(const struct arguments *arguments, const homelab_gguf *gguf)
{
    struct needs room;
    const struct needs *needs = estimate(&room, arguments, gguf);
    struct text text;
    if (!text_open(&text))
        return fail("out of memory");
    int code = 0;
    if (arguments->json)
        code = put_json_document(text.stream, gguf, needs);
    else
        put_gguf(text.stream, gguf);
    if (!arguments->json && needs)
        put_needs(text.stream, needs);
    char *document = text_close(&text);
    if (!code)
        code = document ? put_document(document) : fail("out of memory");
    free(document);
    return code;
}

/* --- Arguments --- */

static int load(homelab_gguf **gguf, const struct arguments *arguments)
{
    homelab_ctx *ctx = NULL;
    if (strncmp(arguments->file, "http://", 7) != 0 && strncmp(arguments->file, "https://", 8) != 0)
        return homelab_gguf_load_file(gguf, arguments->file, arguments->opts)
                   ? fail("%s", homelab_error_message())
                   : 0;
    if (homelab_ctx_new(&ctx, arguments->opts))
        return fail_library("context");
    int code =
        homelab_gguf_load_url(gguf, ctx, arguments->file, arguments->timeout_ms, NULL) ? 1 : 0;
    if (code)
        code = fail("%s", homelab_error_message());
    homelab_ctx_unref(ctx);
    return code;
}

static int set_ctx(struct arguments *arguments, const char *text)
{
    char *end;
    errno = 0;
    long long tokens = strtoll(text, &end, 10);
    if (errno || end == text || *end || tokens < 1 || tokens > INT32_MAX)
        return fail("--ctx %s: expected tokens from 1 to %d", text, INT32_MAX);
    arguments->ctx = tokens;
    return 0;
}

/* Seconds with fractions, whatever the locale. */
static int set_timeout(struct arguments *arguments, const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || !(seconds >= 0.001 && seconds <= 86400))
        return fail("--timeout %s: expected seconds from 0.001 to 86400", text);
    arguments->timeout_ms = (int)(seconds * 1000 + 0.5);
    return 0;
}

static int take(struct arguments *arguments, int option, const char *value)
{
    switch (option) {
    case 'c':
        return set_ctx(arguments, value);
    case 't':
        return set_timeout(arguments, value);
    case 'j':
        arguments->json = true;
        return 0;
    default:
        return set_option(arguments->opts, value);
    }
}

static int parse(const struct command *self, int argc, char **argv, struct arguments *arguments,
                 bool *stop)
{
    static const struct option options[] = {
        {"ctx", required_argument, NULL, 'c'},     {"json", no_argument, NULL, 'j'},
        {"timeout", required_argument, NULL, 't'}, {"option", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "c:jt:o:h", options, NULL)) != -1) {
        if (option == '?' || option == 'h') {
            *stop = true;
            return usage_end(self, option);
        }
        int code = take(arguments, option, optarg);
        if (code)
            return code;
    }
    if (argc - optind != 1)
        return fail("gguf: expected one file or URL");
    arguments->file = argv[optind];
    return 0;
}

static int run_gguf(const struct command *self, int argc, char **argv)
{
    struct arguments arguments = {.timeout_ms = TIMEOUT_MS};
    homelab_gguf *gguf = NULL;
    bool stop = false;
    if (homelab_opts_new(&arguments.opts))
        return fail("out of memory");
    int code = parse(self, argc, argv, &arguments, &stop);
    if (!code && !stop)
        code = load(&gguf, &arguments);
    if (!code && !stop)
        code = show(&arguments, gguf);
    homelab_gguf_unref(gguf);
    homelab_opts_free(arguments.opts);
    return code;
}

const struct command command_gguf = {
    "gguf", "Says what a model file holds and what it needs.",
    "[OPTION…] FILE|URL\n\n"
    "  -c, --ctx N            context in tokens (default: what the model was trained with)\n"
    "  -j, --json             as JSON\n"
    "  -t, --timeout SECONDS  of a URL, for everything (default: 60)\n"
    "  -o, --option KEY=VALUE any option of the library; 'homelab options' lists them\n\n"
    "What it needs is worked out for llama-server's defaults and one NVIDIA GPU that takes all\n"
    "layers; options vram.* change that. Only the header is read, of a URL only what the header\n"
    "takes. Of a model of several files any one may be named.\n\n"
    "Exit status: 0, also for a file that lacks its tensor data; 3 for a bad file or usage.\n",
    run_gguf};
