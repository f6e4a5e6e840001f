#include "cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_BYTES 4096
#define URL_TIMEOUT_MS 60000
#define USED_MAX       64

struct plan_arguments {
    const char *inventory, *models, *svg, *rows, *headers;
    bool json, explain;
    char *used[USED_MAX];
    size_t used_count;
    homelab_opts *opts;
    homelab_ctx *ctx; /* for files on web servers, once there is one */
};

/* --- Inputs --- */

static bool is_url(const char *file)
{
    return strncmp(file, "http://", 7) == 0 || strncmp(file, "https://", 8) == 0;
}

/* A file as the inventory names it: in the models' folder, or beside the inventory. */
static void model_path(char *out, const struct plan_arguments *arguments, const char *file)
{
    const char *slash = strrchr(arguments->inventory, '/'), *models = arguments->models;
    if (*file == '/' || is_url(file))
        snprintf(out, PATH_MAX_BYTES, "%s", file);
    else if (models)
        snprintf(out, PATH_MAX_BYTES, "%s%s%s", models,
                 *models && models[strlen(models) - 1] == '/' ? "" : "/", file);
    else if (slash)
        snprintf(out, PATH_MAX_BYTES, "%.*s/%s", (int)(slash - arguments->inventory),
                 arguments->inventory, file);
    else
        snprintf(out, PATH_MAX_BYTES, "%s", file);
}

static int load_header(homelab_gguf **out, struct plan_arguments *arguments, const char *file)
{
    char path[PATH_MAX_BYTES];
    int code = HOMELAB_OK;
    model_path(path, arguments, file);
    if (!is_url(path))
        return homelab_gguf_load_file(out, path, arguments->opts);
    if (!arguments->ctx)
        code = homelab_ctx_new(&arguments->ctx, arguments->opts);
    return code ? code
                : homelab_gguf_load_url(out, arguments->ctx, path, URL_TIMEOUT_MS, arguments->opts);
}

/* What may be loaded for a model: where the inventory names the file, where the header goes, and
 * what comes of one that cannot be read, which is a line on stderr. */
struct role {
    const char *(*file)(const homelab_inventory *inventory, size_t i);
    int (*set)(homelab_planner *planner, const char *model, homelab_gguf *gguf);
    const char *before, *after; /* the name of the model */
};
static const struct role roles[] = {
    {homelab_inventory_model_file, homelab_planner_set_header, "the size of",
     "is taken as the inventory gives it"},
    {homelab_inventory_model_mmproj, homelab_planner_set_projector, "the projector of",
     "is left out"},
    {homelab_inventory_model_draft, homelab_planner_set_draft, "the draft model of", "is left out"},
};

static int add_header(homelab_planner *planner, const homelab_inventory *inventory, size_t i,
                      const struct role *role, struct plan_arguments *arguments)
{
    const char *file = role->file(inventory, i), *name = homelab_inventory_model_name(inventory, i);
    homelab_gguf *header = NULL;
    if (!file)
        return CLI_HEALTHY;
    int code = load_header(&header, arguments, file);
    bool loaded = code == HOMELAB_OK;
    if (loaded)
        code = role->set(planner, name, header);
    if (code == HOMELAB_OK || (loaded && code != HOMELAB_E_UNSUPPORTED)) {
        homelab_gguf_unref(header);
        return code ? fail_library("plan") : CLI_HEALTHY;
    }
    fprintf(stderr, "homelab: plan: %s; %s '%s' %s\n", homelab_error_message(), role->before, name,
            role->after);
    homelab_gguf_unref(header);
    return CLI_HEALTHY;
}

static int add_headers(homelab_planner *planner, const homelab_inventory *inventory,
                       struct plan_arguments *arguments)
{
    int code = CLI_HEALTHY;
    for (size_t i = 0; i < homelab_inventory_model_count(inventory) && !code; i++)
        for (size_t r = 0; r < sizeof roles / sizeof *roles && !code; r++)
            code = add_header(planner, inventory, i, &roles[r], arguments);
    return code;
}

/* NODE/gpuNUMBER=GIB */
static int add_reading(homelab_planner *planner, const char *text)
{
    char node[256];
    const char *slash = strrchr(text, '/'), *equals = strrchr(text, '=');
    char *end = NULL, *number_end = NULL;
    if (!slash || !equals || equals < slash || strncmp(slash, "/gpu", 4) != 0 ||
        (size_t)(slash - text) >= sizeof node)
        return fail("plan: --used: found '%s', expected NODE/gpuNUMBER=GIB", text);
    memcpy(node, text, (size_t)(slash - text));
    node[slash - text] = '\0';
    unsigned long gpu = strtoul(slash + 4, &end, 10);
    double gib = strtod(equals + 1, &number_end);
    if (end != equals || end == slash + 4 || *number_end || number_end == equals + 1 ||
        !(gib >= 0 && gib <= 1e6))
        return fail("plan: --used: found '%s', expected NODE/gpuNUMBER=GIB", text);
    if (homelab_planner_set_used(planner, node, gpu, (int64_t)(gib * 1073741824.0)))
        return fail_library("plan");
    return CLI_HEALTHY;
}

static int make_plan(homelab_plan **plan, const homelab_inventory *inventory,
                     struct plan_arguments *arguments)
{
    homelab_planner *planner = NULL;
    if (homelab_planner_new(&planner, (homelab_inventory *)inventory, arguments->opts))
        return fail_library("plan");
    int code = add_headers(planner, inventory, arguments);
    for (size_t r = 0; r < arguments->used_count && !code; r++)
        code = add_reading(planner, arguments->used[r]);
    if (!code && homelab_planner_plan(planner, plan))
        code = fail_library("plan");
    homelab_planner_free(planner);
    return code;
}

/* --- The document --- */

static double gib(int64_t bytes)
{
    return (double)bytes / 1073741824.0;
}

static int64_t part_total(const homelab_plan *plan, size_t i, size_t part)
{
    return homelab_plan_part_weights(plan, i, part) + homelab_plan_part_context(plan, i, part) +
           homelab_plan_part_compute(plan, i, part) + homelab_plan_part_overhead(plan, i, part);
}

static void put_bar(FILE *stream, const homelab_plan *plan, size_t device, int width)
{
    double capacity = (double)homelab_plan_device_capacity(plan, device);
    double others = (double)homelab_plan_device_others(plan, device);
    double planned = (double)homelab_plan_device_planned(plan, device);
    if (capacity <= 0)
        return;
    int kept = (int)(others / capacity * width + 0.5);
    int full = (int)((others + planned) / capacity * width + 0.5);
    fputc('[', stream);
    for (int k = 0; k < width; k++)
        fputc(k < kept ? '+' : k < full ? '#' : '.', stream);
    fputc(']', stream);
}

static void put_device(FILE *stream, const homelab_plan *plan, size_t device, int pad)
{
    int64_t capacity = homelab_plan_device_capacity(plan, device);
    int64_t others = homelab_plan_device_others(plan, device);
    int64_t taken = others + homelab_plan_device_planned(plan, device);
    const char *name = homelab_plan_device_name(plan, device);
    put_text(stream, homelab_plan_device_id(plan, device), -1, pad);
    fputs("  ", stream);
    put_bar(stream, plan, device, 40);
    if (capacity)
        fprintf(stream, " %5.1f of %.1f GiB, %.0f %%", gib(taken), gib(capacity),
                100.0 * (double)taken / (double)capacity);
    else
        fprintf(stream, "memory unknown, %.1f GiB planned", gib(taken));
    if (name) {
        fputs("  ", stream);
        put_text(stream, name, -1, 0);
    }
    if (others || homelab_plan_device_was_read(plan, device))
        fprintf(stream, "  (%.1f GiB kept by others, %s)", gib(others),
                homelab_plan_device_was_read(plan, device) ? "as read" : "as the inventory says");
    fputc('\n', stream);
}

static int columns(const homelab_plan *plan, bool models)
{
    int pad = 5;
    size_t count = models ? homelab_plan_model_count(plan) : homelab_plan_device_count(plan);
    for (size_t i = 0; i < count; i++) {
        int width =
            text_width(models ? homelab_plan_model_name(plan, i) : homelab_plan_device_id(plan, i));
        if (width > pad)
            pad = width;
    }
    return pad;
}

static void put_part(FILE *stream, const homelab_plan *plan, size_t i, size_t part, int pad)
{
    int device = homelab_plan_part_device(plan, i, part);
    put_text(stream, homelab_plan_device_id(plan, (size_t)device), -1, pad);
    fprintf(stream, " %9.2f %9.2f %9.2f %9.2f %9.2f", gib(homelab_plan_part_weights(plan, i, part)),
            gib(homelab_plan_part_context(plan, i, part)),
            gib(homelab_plan_part_compute(plan, i, part)),
            gib(homelab_plan_part_overhead(plan, i, part)), gib(part_total(plan, i, part)));
}

static void put_model(FILE *stream, const homelab_plan *plan, size_t i, int name_pad,
                      int device_pad)
{
    put_text(stream, homelab_plan_model_name(plan, i), -1, name_pad);
    fputs("  ", stream);
    if (!homelab_plan_model_is_placed(plan, i)) {
        fputs("left out\n", stream);
        return;
    }
    int64_t layers = homelab_plan_model_layers(plan, i);
    int64_t context = homelab_plan_model_context(plan, i);
    put_part(stream, plan, i, 0, device_pad);
    if (layers >= 0)
        fprintf(stream, " %6lld", (long long)layers);
    else
        fputs("    all", stream);
    if (context)
        fprintf(stream, " %8lld", (long long)context);
    else
        fputs("        -", stream);
    const char *kv = homelab_plan_model_kv(plan, i);
    fprintf(stream, "  %s\n", kv ? kv : "-");
    for (size_t p = 1; p < homelab_plan_part_count(plan, i); p++) {
        put_text(stream, "", -1, name_pad + 2);
        put_part(stream, plan, i, p, device_pad);
        fputc('\n', stream);
    }
}

static void put_reasons(FILE *stream, const homelab_plan *plan)
{
    fputc('\n', stream);
    for (size_t i = 0; i < homelab_plan_model_count(plan); i++) {
        put_text(stream, homelab_plan_model_name(plan, i), -1, 0);
        fputs(": ", stream);
        put_text(stream, homelab_plan_model_why(plan, i), -1, 0);
        fputc('\n', stream);
        if (!homelab_plan_model_is_placed(plan, i))
            continue;
        fputs("    llama-server ", stream);
        put_text(stream, homelab_plan_model_llama_server(plan, i), -1, 0);
        fputs("\n    ", stream);
        put_text(stream, homelab_plan_model_docker(plan, i), -1, 0);
        fprintf(stream, "\n    Ollama: num_gpu %lld",
                (long long)(homelab_plan_model_layers(plan, i) < 0
                                ? 999
                                : homelab_plan_model_layers(plan, i)));
        if (homelab_plan_model_context(plan, i))
            fprintf(stream, ", num_ctx %lld", (long long)homelab_plan_model_context(plan, i));
        fputs(", ", stream);
        put_text(stream, homelab_plan_model_ollama(plan, i), -1, 0);
        fputc('\n', stream);
    }
    fputs("\nObjective, most important first (needs met; priority on GPUs; priority placed; "
          "weights on GPUs, on the fastest, … in 64 KiB; taken):\n   ",
          stream);
    for (size_t l = 0; l < homelab_plan_level_count(plan); l++)
        fprintf(stream, " %lld", (long long)homelab_plan_level(plan, l));
    if (homelab_plan_is_optimal(plan)) {
        fputs("; proven the best\n", stream);
        return;
    }
    fputs("; the search ended early, no plan is better than\n   ", stream);
    for (size_t l = 0; l < homelab_plan_level_count(plan); l++)
        fprintf(stream, " %lld", (long long)homelab_plan_bound(plan, l));
    fputc('\n', stream);
}

static char *table(const homelab_plan *plan, bool explain)
{
    struct text text;
    if (!text_open(&text))
        return NULL;
    int names = columns(plan, true), devices = columns(plan, false);
    put_text(text.stream, "MODEL", -1, names + 2);
    put_text(text.stream, "DEVICE", -1, devices > 6 ? devices : 6);
    fputs("   WEIGHTS   CONTEXT   COMPUTE  OVERHEAD       GIB  LAYERS  CONTEXT  KV\n", text.stream);
    for (size_t i = 0; i < homelab_plan_model_count(plan); i++)
        put_model(text.stream, plan, i, names, devices > 6 ? devices : 6);
    fputc('\n', text.stream);
    for (size_t d = 0; d < homelab_plan_device_count(plan); d++)
        if (homelab_plan_device_is_gpu(plan, d) || homelab_plan_device_planned(plan, d))
            put_device(text.stream, plan, d, devices);
    bool first = true;
    for (size_t i = 0; i < homelab_plan_model_count(plan); i++) {
        if (homelab_plan_model_is_placed(plan, i) || explain)
            continue;
        fputs(first ? "\n" : "", text.stream);
        first = false;
        put_text(text.stream, homelab_plan_model_name(plan, i), -1, 0);
        fputs(": ", text.stream);
        put_text(text.stream, homelab_plan_model_why(plan, i), -1, 0);
        fputc('\n', text.stream);
    }
    if (explain)
        put_reasons(text.stream, plan);
    return text_close(&text);
}

static int write_svg(const homelab_plan *plan, const char *path)
{
    char *svg = homelab_plan_svg(plan);
    if (!svg)
        return fail_library("plan");
    FILE *file = fopen(path, "w");
    bool written = file && fputs(svg, file) >= 0;
    if (file && fclose(file))
        written = false;
    homelab_free(svg);
    return written ? CLI_HEALTHY : fail("plan: %s: cannot be written", path);
}

static int put_plan(const homelab_plan *plan, const struct plan_arguments *arguments)
{
    int code = CLI_HEALTHY;
    if (arguments->svg)
        code = write_svg(plan, arguments->svg);
    if (code)
        return code;
    if (arguments->json) {
        char *json = homelab_plan_json(plan);
        if (!json)
            return fail_library("plan");
        struct text line;
        char *document = NULL;
        if (text_open(&line)) {
            fprintf(line.stream, "%s\n", json);
            document = text_close(&line);
        }
        homelab_free(json);
        code = document ? put_document(document) : fail("plan: out of memory");
        free(document);
        return code;
    }
    char *text = table(plan, arguments->explain);
    code = text ? put_document(text) : fail("plan: out of memory");
    free(text);
    return code;
}

static int run_plan(struct plan_arguments *arguments)
{
    homelab_inventory *inventory = NULL;
    homelab_plan *plan = NULL;
    int code = load_inventory(&inventory, arguments->inventory, arguments->opts);
    if (code)
        return code;
    code = make_plan(&plan, inventory, arguments);
    if (!code)
        code = put_plan(plan, arguments);
    if (!code)
        code = homelab_plan_status(plan);
    homelab_plan_unref(plan);
    homelab_inventory_unref(inventory);
    return code;
}

static int read_arguments(struct plan_arguments *arguments, const struct command *self, int argc,
                          char **argv)
{
    static const struct option longs[] = {{"inventory", required_argument, NULL, 'i'},
                                          {"models", required_argument, NULL, 'm'},
                                          {"used", required_argument, NULL, 'u'},
                                          {"option", required_argument, NULL, 'o'},
                                          {"explain", no_argument, NULL, 'x'},
                                          {"svg", required_argument, NULL, 's'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"eval", required_argument, NULL, 'e'},
                                          {"headers", required_argument, NULL, 'd'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "i:o:h", longs, NULL)) != -1;) {
        if (option == 'i')
            arguments->inventory = optarg;
        else if (option == 'm')
            arguments->models = optarg;
        else if (option == 's')
            arguments->svg = optarg;
        else if (option == 'e')
            arguments->rows = optarg;
        else if (option == 'd')
            arguments->headers = optarg;
        else if (option == 'x')
            arguments->explain = true;
        else if (option == 'j')
            arguments->json = true;
        else if (option == 'u' && arguments->used_count == USED_MAX)
            return fail("plan: --used: found more than %d readings", USED_MAX);
        else if (option == 'u')
            arguments->used[arguments->used_count++] = optarg;
        else if (option != 'o')
            return usage_end(self, option) ? CLI_ERROR : -1;
        else if (set_option(arguments->opts, optarg))
            return CLI_ERROR;
    }
    if (optind < argc)
        return fail("plan: unexpected argument '%s'", argv[optind]);
    if (!arguments->rows != !arguments->headers)
        return fail("plan: --eval and --headers go together");
    if (!arguments->inventory)
        arguments->inventory = getenv("HOMELAB_INVENTORY");
    if (!arguments->rows && !arguments->inventory)
        return fail("plan: expected --inventory FILE");
    return CLI_HEALTHY;
}

static int run(const struct command *self, int argc, char **argv)
{
    struct plan_arguments arguments = {.inventory = NULL};
    if (homelab_opts_new(&arguments.opts))
        return fail_library("plan");
    int code = read_arguments(&arguments, self, argc, argv);
    if (code == CLI_HEALTHY)
        code = arguments.rows ? plan_eval(arguments.rows, arguments.headers) : run_plan(&arguments);
    homelab_ctx_unref(arguments.ctx);
    homelab_opts_free(arguments.opts);
    return code < 0 ? CLI_HEALTHY : code;
}

const struct command command_plan = {
    .name = "plan",
    .summary = "Says which models go on which GPU, and what each takes.",
    .usage = "--inventory FILE [OPTION…]\n"
             "       homelab plan --eval ROWS.jsonl --headers DIR\n\n"
             "  -i, --inventory FILE  nodes, GPUs and models; else HOMELAB_INVENTORY\n"
             "  --models DIR|URL      where model files are; else beside the inventory\n"
             "  --used NODE/gpuN=GIB  memory in use there as just read, before the inventory's "
             "used_gib\n"
             "  --explain             why each model is where it is, and the commands that run it\n"
             "  --svg FILE            also writes a picture of each device's memory\n"
             "  --json                the plan as JSON (schema/plan.schema.json)\n"
             "  -o, --option KEY=VALUE  an option of the library, such as plan.roles=code,chat\n\n"
             "  --eval ROWS           what the memory model makes of each row of a file of "
             "measured runs,\n"
             "                        one JSON line a row; what a row measured is never looked at\n"
             "  --headers DIR         a row's header is DIR/GGUF.hdr\n\n"
             "Exit status: 0 all models are placed, 1 something optional is left out, 2 a required "
             "model\n"
             "or role is, 3 for wrong usage or input.\n",
    .run = run,
};
