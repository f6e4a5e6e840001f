#include "cli.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* No sweep takes that long: each probe has its own limit. */
#define SWEEP_MS 86400000

enum format {
    FORMAT_TABLE,
    FORMAT_JSON,
    FORMAT_PROMETHEUS
};

struct arguments {
    const char *inventory;
    enum format format;
    bool watch, verbose;
    homelab_opts *opts;
    struct text only; /* ids, separated by commas */
};

/* --- Output --- */

static char *write_table(const homelab_snapshot *snapshot, bool verbose)
{
    struct text text;
    struct look look = stdout_look();
    look.verbose = verbose;
    if (!text_open(&text))
        return NULL;
    put_status(text.stream, &look, snapshot);
    return text_close(&text);
}

static int put_snapshot(const homelab_snapshot *snapshot, const struct arguments *arguments)
{
    char *text;
    int code;
    if (arguments->format == FORMAT_TABLE) {
        text = write_table(snapshot, arguments->verbose);
        code = text ? put_document(text) : fail("out of memory");
        free(text);
        return code;
    }
    text = arguments->format == FORMAT_JSON ? homelab_snapshot_json(snapshot)
                                            : homelab_snapshot_prometheus(snapshot);
    code = text ? put_document(text) : fail_library("snapshot");
    homelab_free(text);
    return code;
}

/* --- Once --- */

static int show(homelab_prober *prober, const struct arguments *arguments)
{
    homelab_snapshot *snapshot = NULL;
    if (homelab_prober_snapshot(prober, &snapshot))
        return fail_library("snapshot");
    int code = put_snapshot(snapshot, arguments);
    if (!code)
        code = verdict_exit(homelab_snapshot_verdict(snapshot));
    homelab_snapshot_unref(snapshot);
    return code;
}

static int once(homelab_prober *prober, const struct arguments *arguments)
{
    if (homelab_prober_check_now(prober, SWEEP_MS))
        return fail_library("sweep");
    return show(prober, arguments);
}

/* --- Until interrupted --- */

static homelab_ctx *watched;
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
    homelab_ctx_wakeup(watched);
}

static void catch_signals(homelab_ctx *ctx)
{
    struct sigaction action = {.sa_handler = on_signal};
    watched = ctx;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* One JSON document a line: line feeds stand only between the tokens of the library's text. */
static int put_line(const homelab_snapshot *snapshot)
{
    char *text = homelab_snapshot_json(snapshot);
    if (!text)
        return fail_library("snapshot");
    size_t kept = 0;
    for (const char *at = text; *at; at++)
        if (*at != '\n')
            text[kept++] = *at;
    text[kept] = '\0';
    int code = put_document(text);
    homelab_free(text);
    return code ? code : put_document("\n");
}

static int redraw(homelab_prober *prober, const struct arguments *arguments, int *verdict)
{
    homelab_snapshot *snapshot = NULL;
    if (homelab_prober_snapshot(prober, &snapshot))
        return fail_library("snapshot");
    *verdict = homelab_snapshot_verdict(snapshot);
    int code = 0;
    if (arguments->format == FORMAT_JSON) {
        code = put_line(snapshot);
    } else {
        if (stdout_look().width)
            code = put_document("\033[H\033[2J");
        if (!code)
            code = put_snapshot(snapshot, arguments);
        if (!code && !stdout_look().width)
            code = put_document("\n");
    }
    homelab_snapshot_unref(snapshot);
    return code;
}

/* Takes all events; whether any of them shows in a snapshot. */
static bool take_events(homelab_ctx *ctx)
{
    bool changed = false;
    homelab_event *event;
    while (homelab_ctx_next_event(ctx, &event) == 1) {
        changed = changed || homelab_event_type(event) != HOMELAB_EVENT_OP_DONE;
        homelab_event_unref(event);
    }
    return changed;
}

static int watch(homelab_ctx *ctx, homelab_prober *prober, const struct arguments *arguments)
{
    int verdict = HOMELAB_VERDICT_UNKNOWN;
    catch_signals(ctx);
    if (homelab_prober_start(prober, 0))
        return fail_library("monitor");
    while (!interrupted) {
        if (homelab_ctx_wait(ctx, -1) < 0)
            return fail_library("monitor");
        /* Changes that come together are shown together, without waiting for ever. */
        for (int turn = 0; !interrupted && take_events(ctx); turn++) {
            if (homelab_ctx_wait(ctx, 50) > 0 && turn < 10)
                continue;
            int code = redraw(prober, arguments, &verdict);
            if (code)
                return code;
        }
    }
    return verdict_exit(verdict);
}

/* --- Arguments --- */

static int run(const struct arguments *arguments)
{
    homelab_inventory *inventory = NULL;
    homelab_ctx *ctx = NULL;
    homelab_prober *prober = NULL;
    int code = load_inventory(&inventory, arguments->inventory, arguments->opts);
    if (!code && homelab_ctx_new(&ctx, arguments->opts))
        code = fail_library("context");
    if (!code && homelab_prober_new(&prober, ctx, inventory, arguments->opts))
        code = fail_library("prober");
    if (!code)
        code = arguments->watch ? watch(ctx, prober, arguments) : once(prober, arguments);
    homelab_prober_unref(prober);
    homelab_ctx_unref(ctx);
    homelab_inventory_unref(inventory);
    return code;
}

/* Seconds with fractions, whatever the locale. */
static int set_confirm(homelab_opts *opts, const char *text)
{
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || !(seconds >= 0 && seconds <= 3600))
        return fail("--confirm %s: expected seconds from 0 to 3600", text);
    if (homelab_opts_set_int(opts, "probe.confirm_ms", (int64_t)(seconds * 1000 + 0.5)))
        return fail_library("--confirm");
    return 0;
}

static int set_depth(homelab_opts *opts, const char *text)
{
    static const char *const depths[] = {"tcp", "http", "scheduler", "progress", "canary"};
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
        if (strcmp(text, depths[i]) == 0)
            return homelab_opts_set_string(opts, "probe.depth", text) ? fail_library("--depth") : 0;
    return fail("--depth %s: expected tcp, http, scheduler, progress or canary", text);
}

static int set_format(struct arguments *arguments, enum format format)
{
    if (arguments->format != FORMAT_TABLE && arguments->format != format)
        return fail("--json and --prometheus exclude each other");
    arguments->format = format;
    return 0;
}

static int take(struct arguments *arguments, int option, const char *value)
{
    switch (option) {
    case 'i':
        arguments->inventory = value;
        return 0;
    case 'j':
        return set_format(arguments, FORMAT_JSON);
    case 'p':
        return set_format(arguments, FORMAT_PROMETHEUS);
    case 'w':
        arguments->watch = true;
        return 0;
    case 'v':
        arguments->verbose = true;
        return 0;
    case 'd':
        return set_depth(arguments->opts, value);
    case 'n':
        fprintf(arguments->only.stream, "%s%s", ftell(arguments->only.stream) > 0 ? "," : "",
                value);
        return 0;
    case 'c':
        return set_confirm(arguments->opts, value);
    default:
        return set_option(arguments->opts, value);
    }
}

static int parse(const struct command *self, int argc, char **argv, struct arguments *arguments,
                 bool *stop)
{
    static const struct option options[] = {{"inventory", required_argument, NULL, 'i'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"prometheus", no_argument, NULL, 'p'},
                                            {"watch", no_argument, NULL, 'w'},
                                            {"depth", required_argument, NULL, 'd'},
                                            {"only", required_argument, NULL, 'n'},
                                            {"confirm", required_argument, NULL, 'c'},
                                            {"option", required_argument, NULL, 'o'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "i:jpwd:n:c:o:vh", options, NULL)) != -1) {
        if (option == '?' || option == 'h') {
            *stop = true;
            return usage_end(self, option);
        }
        int code = take(arguments, option, optarg);
        if (code)
            return code;
    }
    if (optind < argc)
        return fail("status: unexpected argument '%s'", argv[optind]);
    if (arguments->watch && arguments->format == FORMAT_PROMETHEUS)
        return fail("--watch and --prometheus exclude each other");
    return 0;
}

static int run_status(const struct command *self, int argc, char **argv)
{
    struct arguments arguments = {0};
    bool stop = false;
    if (homelab_opts_new(&arguments.opts) || !text_open(&arguments.only)) {
        homelab_opts_free(arguments.opts);
        return fail("out of memory");
    }
    int code = parse(self, argc, argv, &arguments, &stop);
    char *only = text_close(&arguments.only);
    if (!code && !stop && homelab_opts_set_string(arguments.opts, "probe.only", only ? only : ""))
        code = fail_library("--only");
    if (!code && !stop)
        code = run(&arguments);
    free(only);
    homelab_opts_free(arguments.opts);
    return code;
}

const struct command command_status = {
    "status", "Looks at every endpoint and says what the cluster can do.",
    "[OPTION…]\n\n"
    "  -i, --inventory FILE   the inventory (default: HOMELAB_INVENTORY)\n"
    "  -j, --json             as JSON\n"
    "  -p, --prometheus       in Prometheus' text format\n"
    "  -w, --watch            go on looking and show every change, until interrupted;\n"
    "                         with --json one document a line\n"
    "  -d, --depth DEPTH      tcp, http, scheduler, progress or canary, for all endpoints\n"
    "  -n, --only ID          only this endpoint; may be repeated\n"
    "  -c, --confirm SECONDS  go on looking at busy or silent endpoints for so long, to tell\n"
    "                         busy from wedged\n"
    "  -o, --option KEY=VALUE any option of the library; 'homelab options' lists them\n"
    "  -v, --verbose          with evidence and models\n\n"
    "Exit status: 0 healthy, 1 degraded, 2 down, 3 usage or inventory error.\n",
    run_status};
