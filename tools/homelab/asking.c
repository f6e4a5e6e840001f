#include "asking.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_MS 86400000
#define TEXT_MAX ((size_t)64 << 20)

int asking_open(struct asking *asking)
{
    if (homelab_opts_new(&asking->opts) || homelab_request_new(&asking->request, NULL))
        return fail("out of memory");
    return 0;
}

void asking_close(struct asking *asking)
{
    homelab_router_unref(asking->router);
    homelab_ctx_unref(asking->ctx);
    homelab_snapshot_unref(asking->snapshot);
    homelab_inventory_unref(asking->cluster);
    homelab_request_free(asking->request);
    homelab_opts_free(asking->opts);
    free(asking->text);
}

static int set_task(struct asking *asking, const char *name)
{
    int task = homelab_task_find(name);
    if (task == HOMELAB_TASK_NONE)
        return fail("--task %s: expected code, reason, chat, vision, fast or embed", name);
    return homelab_request_set_task(asking->request, task) ? fail_library("--task") : 0;
}

int asking_take(struct asking *asking, int option, const char *value)
{
    switch (option) {
    case 'i':
        asking->inventory = value;
        return 0;
    case 't':
        return set_task(asking, value);
    case 'g':
        return homelab_request_set_tag(asking->request, value) ? fail_library("--tag") : 0;
    case 'e':
        asking->endpoint = value;
        return 0;
    case 'm':
        asking->model = value;
        return 0;
    case 'f':
        asking->file = value;
        return 0;
    case 'a':
        asking->assume = true;
        return 0;
    case 'v':
        asking->verbose = true;
        return 0;
    default:
        return set_option(asking->opts, value);
    }
}

static int read_stream(struct asking *asking, FILE *stream, const char *name)
{
    size_t capacity = 0;
    for (;;) {
        if (asking->length + 1 >= capacity) {
            capacity = capacity ? 2 * capacity : 65536;
            char *longer = capacity <= 2 * TEXT_MAX ? realloc(asking->text, capacity) : NULL;
            if (!longer)
                return fail("%s: more than can be read", name);
            asking->text = longer;
        }
        size_t some =
            fread(asking->text + asking->length, 1, capacity - asking->length - 1, stream);
        asking->length += some;
        if (some == 0)
            break;
    }
    asking->text[asking->length] = '\0';
    return ferror(stream) ? fail("%s: %s", name, strerror(errno)) : 0;
}

static int read_file(struct asking *asking, const char *path)
{
    if (strcmp(path, "-") == 0)
        return read_stream(asking, stdin, "standard input");
    FILE *stream = fopen(path, "r");
    if (!stream)
        return fail("%s: %s", path, strerror(errno));
    int code = read_stream(asking, stream, path);
    fclose(stream);
    return code;
}

int asking_read(struct asking *asking, int argc, char **argv)
{
    const char *given = optind < argc ? argv[optind] : NULL;
    if (optind + 1 < argc)
        return fail("unexpected argument '%s'; put the text in quotes", argv[optind + 1]);
    if ((given != NULL) == (asking->file != NULL))
        return fail("expected either TEXT or --file PATH");
    int code = 0;
    if (asking->file || strcmp(given, "-") == 0) {
        code = read_file(asking, asking->file ? asking->file : "-");
    } else {
        asking->text = strdup(given);
        asking->length = strlen(given);
        code = asking->text ? 0 : fail("out of memory");
    }
    if (!code && homelab_request_set_pin(asking->request, asking->endpoint, asking->model))
        code = fail_library("--endpoint, --model");
    return code;
}

static int sweep(struct asking *asking)
{
    homelab_prober *prober = NULL;
    int code = 0;
    if (homelab_prober_new(&prober, asking->ctx, asking->cluster, asking->opts))
        code = fail_library("prober");
    if (!code && homelab_prober_check_now(prober, SWEEP_MS))
        code = fail_library("sweep");
    if (!code && homelab_prober_snapshot(prober, &asking->snapshot))
        code = fail_library("snapshot");
    homelab_prober_unref(prober);
    return code;
}

int asking_look(struct asking *asking)
{
    int code = load_inventory(&asking->cluster, asking->inventory, asking->opts);
    if (!code && asking->endpoint &&
        homelab_inventory_endpoint_find(asking->cluster, asking->endpoint) < 0)
        code = fail_library("--endpoint");
    if (!code && homelab_ctx_new(&asking->ctx, asking->opts))
        code = fail_library("context");
    if (!code && asking->assume && homelab_snapshot_assume(&asking->snapshot, asking->cluster))
        code = fail_library("snapshot");
    if (!code && !asking->assume)
        code = sweep(asking);
    if (!code &&
        homelab_router_new(&asking->router, asking->cluster, asking->snapshot, asking->opts))
        code = fail_library("router");
    return code;
}
