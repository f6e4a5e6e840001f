#include "inventory/load.h"
#include "core/api.h"
#include "core/options.h"
#include "inventory/validate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* What is read, from where. */
struct source {
    const char *text;
    size_t length;
    int format;
    const char *name;
};

static void free_inventory(homelab_inventory *inventory)
{
    hl_index_free(&inventory->endpoints);
    hl_inventory_data_clear(&inventory->data);
    hl_value_free(inventory->tree);
    hl_free(inventory);
}

int hl_inventory_from_tree(homelab_inventory **out, homelab_report *report, struct hl_value *tree,
                           homelab_allocator *allocator)
{
    *out = NULL;
    homelab_inventory *inventory = hl_calloc(1, sizeof *inventory);
    if (!inventory) {
        hl_value_free(tree);
        return hl_error_nomem();
    }
    atomic_init(&inventory->references, 1);
    inventory->allocator = allocator;
    inventory->tree = tree;
    hl_inventory_validate(report, tree);
    int error = hl_inventory_freeze(&inventory->data, &inventory->endpoints, report, tree);
    if (error || homelab_report_count(report)) {
        free_inventory(inventory);
        return error;
    }
    hl_schema_sort(tree, &hl_schema_document);
    *out = inventory;
    return HOMELAB_OK;
}

static void take_problem(int line, int column, const char *path, const char *message,
                         void *userdata)
{
    hl_report_add(userdata, line, column, path, "%s", message);
}

static int detect_format(const struct source *source)
{
    const char *text = source->text;
    size_t at = 0;
    if (source->format != HOMELAB_FORMAT_AUTO)
        return source->format;
    if (source->length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        at = 3;
    while (at < source->length && memchr(" \t\r\n", text[at], 4))
        at++;
    return at < source->length && text[at] == '{' ? HOMELAB_FORMAT_JSON : HOMELAB_FORMAT_YAML;
}

/* Everything but the file. *status says what an inventory with problems is: HOMELAB_E_SYNTAX,
 * HOMELAB_E_LIMIT or HOMELAB_E_INVENTORY. */
static int check(homelab_inventory **inventory, homelab_report *report, int *status,
                 const struct source *source, const homelab_opts *opts)
{
    struct hl_value *tree = NULL;
    int depth = (int)hl_opt_int(opts, HL_OPT_JSON_MAX_DEPTH);
    bool json = detect_format(source) == HOMELAB_FORMAT_JSON;
    *inventory = NULL;
    int error =
        json ? hl_value_read_json(&tree, source->text, source->length, depth, take_problem, report)
             : hl_value_read_yaml(&tree, source->text, source->length, depth, take_problem, report);
    *status = error ? error : HOMELAB_E_INVENTORY;
    if (error == HOMELAB_E_NOMEM)
        return error;
    if (tree) {
        error = hl_inventory_from_tree(inventory, report, tree, hl_opt_allocator(opts));
        if (error)
            return error;
    }
    return hl_report_finish(report);
}

static int run(homelab_inventory **inventory, homelab_report **out, int *status,
               const struct source *source, const homelab_opts *opts)
{
    int64_t max = hl_opt_int(opts, HL_OPT_INVENTORY_MAX_BYTES);
    if (source->length > (size_t)max)
        return hl_error_set(HOMELAB_E_LIMIT, 0, source->name,
                            "%s: found more than %lld bytes, expected at most that", source->name,
                            (long long)max);
    homelab_report *report = NULL;
    size_t problems = (size_t)hl_opt_int(opts, HL_OPT_INVENTORY_MAX_PROBLEMS);
    int error = hl_report_new(&report, source->name, problems);
    if (error)
        return error;
    error = check(inventory, report, status, source, opts);
    if (error) {
        homelab_inventory_unref(*inventory);
        homelab_report_free(report);
        return error == HOMELAB_E_NOMEM ? hl_error_nomem() : error;
    }
    *out = report;
    return HOMELAB_OK;
}

static int load(homelab_inventory **out, const struct source *source, const homelab_opts *opts)
{
    homelab_report *report = NULL;
    homelab_inventory *inventory = NULL;
    int status = HOMELAB_OK;
    int error = run(&inventory, &report, &status, source, opts);
    if (error)
        return error;
    if (inventory) {
        hl_error_clear();
        *out = inventory;
    } else {
        error = hl_report_fail(report, status);
    }
    homelab_report_free(report);
    return error;
}

static int report_on(homelab_report **out, const struct source *source, const homelab_opts *opts)
{
    homelab_inventory *inventory = NULL;
    int status = HOMELAB_OK;
    int error = run(&inventory, out, &status, source, opts);
    if (error)
        return error;
    homelab_inventory_unref(inventory);
    hl_error_clear();
    return HOMELAB_OK;
}

static int check_arguments(const void *out, const struct source *source)
{
    if (!out)
        return hl_error_argument("out", "a pointer");
    if (!source->text && source->length)
        return hl_error_argument("text", "a text");
    if (source->format < HOMELAB_FORMAT_AUTO || source->format > HOMELAB_FORMAT_YAML)
        return hl_error_argument("format", "HOMELAB_FORMAT_AUTO, _JSON or _YAML");
    return HOMELAB_OK;
}

static int format_of_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot && strcasecmp(dot, ".json") == 0)
        return HOMELAB_FORMAT_JSON;
    if (dot && (strcasecmp(dot, ".yaml") == 0 || strcasecmp(dot, ".yml") == 0))
        return HOMELAB_FORMAT_YAML;
    return HOMELAB_FORMAT_AUTO;
}

/* One byte more than max tells a file that is too large. */
static int read_all(int fd, struct hl_buf *buf, const char *path, size_t max)
{
    char block[16384];
    while (buf->length <= max) {
        ssize_t got = read(fd, block, sizeof block);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return hl_error_system(path, "cannot be read", errno);
        if (got == 0)
            return HOMELAB_OK;
        hl_buf_append(buf, block, (size_t)got);
        if (buf->failed)
            return hl_error_nomem();
    }
    return HOMELAB_OK;
}

static int read_file(struct hl_buf *buf, const char *path, const homelab_opts *opts)
{
    size_t max = (size_t)hl_opt_int(opts, HL_OPT_INVENTORY_MAX_BYTES);
    hl_buf_init(buf, max + 65536);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return hl_error_system(path, "cannot be opened", errno);
    int error = read_all(fd, buf, path, max);
    close(fd);
    return error;
}

static struct source file_source(const struct hl_buf *buf, const char *path)
{
    const char *text = buf->data ? buf->data : "";
    return (struct source){text, buf->length, format_of_name(path), path};
}

int homelab_inventory_load_file(homelab_inventory **out, const char *path, const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    if (!out || !path)
        return hl_error_argument(out ? "path" : "out", out ? "a file" : "a pointer");
    struct hl_buf buf;
    int error = read_file(&buf, path, opts);
    struct source source = file_source(&buf, path);
    if (!error)
        error = load(out, &source, opts);
    hl_buf_free(&buf);
    return error;
}

int homelab_report_file(homelab_report **out, const char *path, const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    if (!out || !path)
        return hl_error_argument(out ? "path" : "out", out ? "a file" : "a pointer");
    struct hl_buf buf;
    int error = read_file(&buf, path, opts);
    struct source source = file_source(&buf, path);
    if (!error)
        error = report_on(out, &source, opts);
    hl_buf_free(&buf);
    return error;
}

int homelab_inventory_load_text(homelab_inventory **out, const char *text, size_t length,
                                int format, const char *name, const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    struct source source = {text ? text : "", length, format, name ? name : "inventory"};
    int error = check_arguments(out, &(struct source){text, length, format, name});
    return error ? error : load(out, &source, opts);
}

int homelab_report_text(homelab_report **out, const char *text, size_t length, int format,
                        const char *name, const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    struct source source = {text ? text : "", length, format, name ? name : "inventory"};
    int error = check_arguments(out, &(struct source){text, length, format, name});
    return error ? error : report_on(out, &source, opts);
}

homelab_inventory *homelab_inventory_ref(homelab_inventory *inventory)
{
    if (inventory)
        atomic_fetch_add(&inventory->references, 1);
    return inventory;
}

void homelab_inventory_unref(homelab_inventory *inventory)
{
    if (inventory && atomic_fetch_sub(&inventory->references, 1) == 1)
        free_inventory(inventory);
}

char *homelab_inventory_write(const homelab_inventory *inventory, int format)
{
    HL_API(inventory ? inventory->allocator : NULL);
    if (!inventory) {
        hl_error_argument("inventory", "an inventory");
        return NULL;
    }
    if (format != HOMELAB_FORMAT_JSON && format != HOMELAB_FORMAT_YAML) {
        hl_error_argument("format", "HOMELAB_FORMAT_JSON or HOMELAB_FORMAT_YAML");
        return NULL;
    }
    return format == HOMELAB_FORMAT_JSON ? hl_value_write_json(inventory->tree)
                                         : hl_value_write_yaml(inventory->tree);
}
