#include "cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct question {
    const homelab_inventory *inventory;
    const homelab_snapshot *before;
    struct look look;
    bool json;
};

/* --- What is lost --- */

static bool is_lost(const struct question *question, const homelab_snapshot *after, size_t i)
{
    return homelab_snapshot_server_count(question->before, i) > 0 &&
           homelab_snapshot_capability_lost(after, i);
}

static void put_lost_json(FILE *stream, const struct question *question,
                          const homelab_snapshot *after)
{
    bool first = true;
    fputc('[', stream);
    for (size_t i = 0; i < homelab_snapshot_capability_count(after); i++) {
        if (!is_lost(question, after, i))
            continue;
        fprintf(stream, "%s\"%s\"", first ? "" : ",", homelab_snapshot_capability_name(after, i));
        first = false;
    }
    fputc(']', stream);
}

static void put_lost(FILE *stream, const struct question *question, const homelab_snapshot *after)
{
    bool any = false;
    for (size_t i = 0; i < homelab_snapshot_capability_count(after); i++) {
        if (!is_lost(question, after, i))
            continue;
        fprintf(stream, "%s%s", any ? ", " : "loses ", homelab_snapshot_capability_name(after, i));
        any = true;
    }
    if (!any)
        fputs("loses nothing", stream);
}

static void put_names_json(FILE *stream, const char *names)
{
    fputc('[', stream);
    for (const char *at = names; *at;) {
        size_t length = strcspn(at, ",");
        char *name = strndup(at, length);
        fputs(at == names ? "" : ",", stream);
        put_json(stream, name ? name : "");
        free(name);
        at += length + (at[length] == ',');
    }
    fputc(']', stream);
}

/* --- Given failures --- */

/* The snapshot after the failures, with what failed and what it costs on top. */
static int put_down_json(FILE *stream, const struct question *question,
                         const homelab_snapshot *after, const char *names)
{
    static const char head[] = "{\"schema\":1,";
    char *json = homelab_snapshot_json(after);
    if (!json || strncmp(json, head, sizeof head - 1) != 0) {
        homelab_free(json);
        return fail_library("snapshot");
    }
    fprintf(stream, "%s\"down\":", head);
    put_names_json(stream, names);
    fputs(",\"lost\":", stream);
    put_lost_json(stream, question, after);
    fprintf(stream, ",%s", json + sizeof head - 1);
    homelab_free(json);
    return 0;
}

static void put_down(FILE *stream, const struct question *question, const homelab_snapshot *after,
                     const char *names)
{
    fputs("Without ", stream);
    put_text(stream, names, -1, 0);
    fputs(" the cluster ", stream);
    put_lost(stream, question, after);
    fputs(".\n\n", stream);
    put_prognosis(stream, &question->look, after);
}

static int answer_down(FILE *stream, const struct question *question, const char *names)
{
    homelab_snapshot *after = NULL;
    if (homelab_snapshot_without(&after, question->before, names))
        return fail("--down: %s", homelab_error_message());
    int code = 0;
    if (question->json)
        code = put_down_json(stream, question, after, names);
    else
        put_down(stream, question, after, names);
    homelab_snapshot_unref(after);
    return code;
}

/* --- Each single failure --- */

static bool has_endpoint(const homelab_inventory *inventory, const char *node)
{
    for (size_t i = 0; i < homelab_inventory_endpoint_count(inventory); i++) {
        const char *of = homelab_inventory_endpoint_node(inventory, i);
        if (of && strcmp(of, node) == 0)
            return true;
    }
    return false;
}

/* What may fail alone, by number: nodes with endpoints, then endpoints on no node; NULL for numbers
 * of others. */
static const char *single(const homelab_inventory *inventory, size_t i)
{
    size_t nodes = homelab_inventory_node_count(inventory);
    if (i < nodes) {
        const char *node = homelab_inventory_node_id(inventory, i);
        return has_endpoint(inventory, node) ? node : NULL;
    }
    return homelab_inventory_endpoint_node(inventory, i - nodes)
               ? NULL
               : homelab_inventory_endpoint_id(inventory, i - nodes);
}

static size_t single_count(const homelab_inventory *inventory)
{
    return homelab_inventory_node_count(inventory) + homelab_inventory_endpoint_count(inventory);
}

static void put_single_json(FILE *stream, const struct question *question,
                            const homelab_snapshot *after, const char *name)
{
    fputs("{\"down\":", stream);
    put_json(stream, name);
    fprintf(stream,
            ",\"verdict\":\"%s\",\"text\":", homelab_verdict_name(homelab_snapshot_verdict(after)));
    put_json(stream, homelab_snapshot_text(after));
    fputs(",\"lost\":", stream);
    put_lost_json(stream, question, after);
    fputc('}', stream);
}

static void put_single(FILE *stream, const struct question *question, const homelab_snapshot *after,
                       const char *name, int width)
{
    put_text(stream, name, -1, width + 2);
    put_verdict(stream, &question->look, homelab_snapshot_verdict(after), 10);
    put_lost(stream, question, after);
    fputc('\n', stream);
}

static int widest(const homelab_inventory *inventory)
{
    int width = 0;
    for (size_t i = 0; i < single_count(inventory); i++) {
        const char *name = single(inventory, i);
        if (name && text_width(name) > width)
            width = text_width(name);
    }
    return width;
}

static int answer_singles(FILE *stream, const struct question *question)
{
    bool first = true;
    int width = widest(question->inventory);
    fputs(question->json ? "{\"schema\":1,\"failures\":[" : "", stream);
    for (size_t i = 0; i < single_count(question->inventory); i++) {
        const char *name = single(question->inventory, i);
        homelab_snapshot *after = NULL;
        if (!name)
            continue;
        if (homelab_snapshot_without(&after, question->before, name))
            return fail_library("--n-1");
        if (question->json) {
            fputs(first ? "\n" : ",\n", stream);
            put_single_json(stream, question, after, name);
        } else {
            put_single(stream, question, after, name, width);
        }
        first = false;
        homelab_snapshot_unref(after);
    }
    fputs(question->json ? "]}\n" : "", stream);
    return 0;
}

/* --- Arguments --- */

static int answer(struct question *question, const char *names)
{
    homelab_snapshot *before = NULL;
    struct text text;
    if (homelab_snapshot_assume(&before, question->inventory))
        return fail_library("whatif");
    if (!text_open(&text)) {
        homelab_snapshot_unref(before);
        return fail("out of memory");
    }
    question->before = before;
    question->look = stdout_look();
    int code =
        names ? answer_down(text.stream, question, names) : answer_singles(text.stream, question);
    char *document = text_close(&text);
    if (!code)
        code = document ? put_document(document) : fail("out of memory");
    free(document);
    homelab_snapshot_unref(before);
    return code;
}

struct arguments {
    const char *path;
    bool n_1, json;
    struct text down;
    bool any_down;
};

static void add_down(struct arguments *arguments, const char *names)
{
    fprintf(arguments->down.stream, "%s%s", arguments->any_down ? "," : "", names);
    arguments->any_down = true;
}

static int parse(const struct command *self, int argc, char **argv, struct arguments *arguments,
                 bool *stop)
{
    static const struct option options[] = {{"inventory", required_argument, NULL, 'i'},
                                            {"down", required_argument, NULL, 'd'},
                                            {"n-1", no_argument, NULL, '1'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "i:d:jh", options, NULL)) != -1) {
        if (option == 'i') {
            arguments->path = optarg;
        } else if (option == 'd') {
            add_down(arguments, optarg);
        } else if (option == '1') {
            arguments->n_1 = true;
        } else if (option == 'j') {
            arguments->json = true;
        } else {
            *stop = true;
            return usage_end(self, option);
        }
    }
    for (; optind < argc && arguments->any_down; optind++)
        add_down(arguments, argv[optind]);
    if (optind < argc)
        return fail("whatif: unexpected argument '%s'", argv[optind]);
    if (arguments->any_down == arguments->n_1)
        return fail("whatif: expected --down NODE… or --n-1");
    return 0;
}

static int run_whatif(const struct command *self, int argc, char **argv)
{
    struct arguments arguments = {0};
    homelab_inventory *inventory = NULL;
    bool stop = false;
    if (!text_open(&arguments.down))
        return fail("out of memory");
    int code = parse(self, argc, argv, &arguments, &stop);
    char *names = text_close(&arguments.down);
    if (!code && !stop && !names)
        code = fail("out of memory");
    if (!code && !stop)
        code = load_inventory(&inventory, arguments.path, NULL);
    if (!code && !stop) {
        struct question question = {.inventory = inventory, .json = arguments.json};
        code = answer(&question, arguments.n_1 ? NULL : names);
    }
    free(names);
    homelab_inventory_unref(inventory);
    return code;
}

const struct command command_whatif = {
    "whatif", "Says what a failure would cost, without any network access.",
    "[OPTION…] (--down NODE… | --n-1)\n\n"
    "  -i, --inventory FILE  the inventory (default: HOMELAB_INVENTORY)\n"
    "  -d, --down NODE…      nodes that fail, or endpoints that are on none\n"
    "      --n-1             each single failure, and what it would lose\n"
    "  -j, --json            as JSON\n\n"
    "Exit status: 0, or 3 for a usage or inventory error.\n",
    run_whatif};
