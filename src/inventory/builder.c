#include "core/api.h"
#include "core/options.h"
#include "core/utf8.h"
#include "inventory/load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STEPS 8
#define MAX_STEP  64

struct homelab_builder {
    homelab_allocator *allocator;
    homelab_opts *opts;
    struct hl_value *root;
};

/* One step of a key such as gpus[0].memory_gib: into a mapping by name, or into a list by index. */
struct step {
    char name[MAX_STEP + 1];
    size_t index; /* HL_NONE: by name */
};

static void clear_positions(struct hl_value *value)
{
    value->line = value->column = value->key_line = value->key_column = 0;
    for (size_t i = 0; i < value->count; i++)
        clear_positions(value->items[i]);
}

static int make_root(homelab_builder *builder, const homelab_inventory *from)
{
    if (!from)
        return hl_value_new(&builder->root, HL_VALUE_MAP);
    int error = hl_value_copy(&builder->root, from->tree);
    if (error)
        return error;
    if (builder->root->type == HL_VALUE_NULL)
        builder->root->type = HL_VALUE_MAP;
    clear_positions(builder->root);
    return HOMELAB_OK;
}

int homelab_builder_new(homelab_builder **out, const homelab_inventory *from,
                        const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    if (!out)
        return hl_error_argument("out", "a pointer");
    homelab_builder *builder = hl_calloc(1, sizeof *builder);
    if (!builder)
        return hl_error_nomem();
    builder->allocator = hl_opt_allocator(opts);
    int error = hl_opts_copy(&builder->opts, opts);
    if (!error)
        error = make_root(builder, from);
    if (error) {
        homelab_builder_free(builder);
        return hl_error_nomem();
    }
    *out = builder;
    return HOMELAB_OK;
}

void homelab_builder_free(homelab_builder *builder)
{
    if (!builder)
        return;
    hl_value_free(builder->root);
    homelab_opts_free(builder->opts);
    hl_free(builder);
}

static bool take_index(const char **at, struct step *step)
{
    size_t index = 0;
    const char *c = *at + 1;
    const char *first = c;
    for (; *c >= '0' && *c <= '9' && c - first < 6; c++)
        index = index * 10 + (size_t)(*c - '0');
    if (c == first || *c != ']')
        return false;
    step->index = index;
    *at = c + 1;
    return true;
}

static bool take_name(const char **at, struct step *step)
{
    size_t length = strcspn(*at, ".[]");
    if (length == 0 || length > MAX_STEP)
        return false;
    memcpy(step->name, *at, length);
    step->name[length] = '\0';
    step->index = HL_NONE;
    *at += length;
    return true;
}

/* Number of steps, or 0 when key is none. */
static size_t parse_key(struct step steps[MAX_STEPS], const char *key)
{
    size_t count = 0;
    const char *at = key;
    if (!take_name(&at, &steps[count++]))
        return 0;
    while (*at) {
        if (count == MAX_STEPS)
            return 0;
        bool index = *at == '[';
        if (!index && *at++ != '.')
            return 0;
        if (!(index ? take_index(&at, &steps[count]) : take_name(&at, &steps[count])))
            return 0;
        count++;
    }
    return count;
}

static size_t position_in(const struct hl_value *container, const char *key)
{
    for (size_t i = 0; i < container->count; i++)
        if (strcmp(container->items[i]->key, key) == 0)
            return i;
    return HL_NONE;
}

/* Where step leads to in the container, HL_NONE if it is not there. */
static size_t position_of(const struct hl_value *container, const struct step *step)
{
    if (step->index == HL_NONE)
        return container->type == HL_VALUE_MAP ? position_in(container, step->name) : HL_NONE;
    bool there = container->type == HL_VALUE_LIST && step->index < container->count;
    return there ? step->index : HL_NONE;
}

static int refuse_key(const char *key, const char *expected)
{
    return hl_error_set(HOMELAB_E_INVALID, 0, key, "key '%s': expected %s", key, expected);
}

/* Puts value, which is taken in any case, where step leads from the container. */
static int put_at(struct hl_value *container, const struct step *step, struct hl_value *value,
                  const char *key)
{
    bool list = step->index != HL_NONE;
    int error = HOMELAB_OK;
    if (container->type == HL_VALUE_NULL)
        container->type = list ? HL_VALUE_LIST : HL_VALUE_MAP;
    if (container->type != (list ? HL_VALUE_LIST : HL_VALUE_MAP)) {
        error =
            refuse_key(key, list ? "no index there: it is no list" : "an index or nothing there");
    } else if (list && step->index < container->count) {
        hl_value_free(container->items[step->index]);
        container->items[step->index] = value;
        return HOMELAB_OK;
    } else if (list && step->index > container->count) {
        error = refuse_key(key, "an index up to the length of the list");
    } else {
        error = hl_value_put(container, list ? NULL : step->name, value);
    }
    if (error)
        hl_value_free(value);
    return error;
}

/* Makes the whole chain first, so that a failure leaves the builder as it was. */
static int make_chain(struct hl_value **out, const struct step *steps, size_t count,
                      struct hl_value *leaf, const char *key)
{
    struct hl_value *value = leaf;
    for (size_t i = count; i > 0; i--) {
        struct hl_value *container = NULL;
        int error = hl_value_new(&container, HL_VALUE_NULL);
        if (error) {
            hl_value_free(value);
            return error;
        }
        error = put_at(container, &steps[i - 1], value, key);
        if (error) {
            hl_value_free(container);
            return error;
        }
        value = container;
    }
    *out = value;
    return HOMELAB_OK;
}

/* Goes as far as the tree has the path, then hangs the rest in. Takes leaf. */
static int put_path(struct hl_value *container, const struct step *steps, size_t count,
                    struct hl_value *leaf, const char *key)
{
    size_t at = 0;
    for (; at + 1 < count; at++) {
        size_t position = position_of(container, &steps[at]);
        if (position == HL_NONE)
            break;
        container = container->items[position];
    }
    struct hl_value *rest = NULL;
    int error = make_chain(&rest, steps + at + 1, count - at - 1, leaf, key);
    return error ? error : put_at(container, &steps[at], rest, key);
}

static int check_text(const char *what, const char *text)
{
    if (!text || !*text)
        return hl_error_argument(what, "a text that is not empty");
    if (!hl_utf8_valid(text, strlen(text)))
        return hl_error_set(HOMELAB_E_UTF8, 0, what, "%s: expected UTF-8", what);
    return HOMELAB_OK;
}

static int check_section(const char *section)
{
    static const char *const sections[] = {"tiers", "nodes", "endpoints", "containers", "models"};
    for (size_t i = 0; section && i < sizeof sections / sizeof *sections; i++)
        if (strcmp(sections[i], section) == 0)
            return HOMELAB_OK;
    return hl_error_argument("section", "tiers, nodes, endpoints, containers or models");
}

static int check_place(const homelab_builder *builder, const char *section, const char *id)
{
    if (!builder)
        return hl_error_argument("builder", "a builder");
    int error = check_section(section);
    return error ? error : check_text("id", id);
}

/* The item, made when it is not there. */
static int find_item(homelab_builder *builder, struct hl_value **out, const char *section,
                     const char *id)
{
    struct hl_value *container = builder->root;
    const char *const keys[] = {section, id};
    for (size_t i = 0; i < 2; i++) {
        size_t position = position_in(container, keys[i]);
        if (position == HL_NONE) {
            struct hl_value *map = NULL;
            int error = hl_value_new(&map, HL_VALUE_MAP);
            if (!error)
                error = hl_value_put(container, keys[i], map);
            if (error) {
                hl_value_free(map);
                return error;
            }
            position = container->count - 1;
        }
        container = container->items[position];
        if (container->type == HL_VALUE_NULL)
            container->type = HL_VALUE_MAP;
    }
    *out = container;
    return HOMELAB_OK;
}

/* The items of a section, NULL without one, and where the item stands in it, HL_NONE if nowhere. */
static struct hl_value *look_up(homelab_builder *builder, const char *section, const char *id,
                                size_t *position)
{
    size_t at = position_in(builder->root, section);
    struct hl_value *items = at == HL_NONE ? NULL : builder->root->items[at];
    *position = items ? position_in(items, id) : HL_NONE;
    return items;
}

/* Takes leaf. */
static int set(homelab_builder *builder, const char *section, const char *id, const char *key,
               struct hl_value *leaf)
{
    struct step steps[MAX_STEPS];
    size_t count = parse_key(steps, key);
    struct hl_value *item = NULL;
    size_t position;
    look_up(builder, section, id, &position);
    bool made = position == HL_NONE;
    int error = count ? find_item(builder, &item, section, id)
                      : refuse_key(key, "names with dots and indices, such as gpus[0].memory_gib");
    if (error) {
        hl_value_free(leaf);
        return error;
    }
    error = put_path(item, steps, count, leaf, key);
    if (error && made) {
        struct hl_value *items = look_up(builder, section, id, &position);
        hl_value_remove(items, position);
    }
    return error;
}

static int check_set(const homelab_builder *builder, const char *section, const char *id,
                     const char *key)
{
    int error = check_place(builder, section, id);
    return error ? error : check_text("key", key);
}

int homelab_builder_set_string(homelab_builder *builder, const char *section, const char *id,
                               const char *key, const char *value)
{
    HL_API(builder ? builder->allocator : NULL);
    int error = check_set(builder, section, id, key);
    if (error)
        return error;
    if (!value)
        return hl_error_argument("value", "a text");
    if (!hl_utf8_valid(value, strlen(value)))
        return hl_error_set(HOMELAB_E_UTF8, 0, key, "%s: expected UTF-8", key);
    struct hl_value *leaf = NULL;
    error = hl_value_new_string(&leaf, value);
    return error ? error : set(builder, section, id, key, leaf);
}

int homelab_builder_set_number(homelab_builder *builder, const char *section, const char *id,
                               const char *key, double value)
{
    HL_API(builder ? builder->allocator : NULL);
    int error = check_set(builder, section, id, key);
    if (error)
        return error;
    if (!isfinite(value))
        return hl_error_argument("value", "a finite number");
    struct hl_value *leaf = NULL;
    error = hl_value_new_number(&leaf, value);
    return error ? error : set(builder, section, id, key, leaf);
}

int homelab_builder_set_bool(homelab_builder *builder, const char *section, const char *id,
                             const char *key, bool value)
{
    HL_API(builder ? builder->allocator : NULL);
    int error = check_set(builder, section, id, key);
    if (error)
        return error;
    struct hl_value *leaf = NULL;
    error = hl_value_new(&leaf, HL_VALUE_BOOL);
    if (error)
        return error;
    leaf->boolean = value;
    return set(builder, section, id, key, leaf);
}

static int not_found(const char *section, const char *id, const char *key)
{
    return hl_error_set(HOMELAB_E_NOT_FOUND, 0, id, "%s '%s'%s%s: not there", section, id,
                        key ? ": " : "", key ? key : "");
}

static int remove_key(struct hl_value *item, const char *section, const char *id, const char *key)
{
    struct step steps[MAX_STEPS];
    size_t count = parse_key(steps, key);
    size_t position = HL_NONE;
    for (size_t i = 0; i < count; i++) {
        position = position_of(item, &steps[i]);
        if (position == HL_NONE)
            break;
        if (i + 1 < count)
            item = item->items[position];
    }
    if (position == HL_NONE)
        return not_found(section, id, key);
    hl_value_remove(item, position);
    return HOMELAB_OK;
}

int homelab_builder_remove(homelab_builder *builder, const char *section, const char *id,
                           const char *key)
{
    HL_API(builder ? builder->allocator : NULL);
    int error = check_place(builder, section, id);
    if (error)
        return error;
    size_t position;
    struct hl_value *items = look_up(builder, section, id, &position);
    if (position == HL_NONE)
        return not_found(section, id, NULL);
    if (key)
        return remove_key(items->items[position], section, id, key);
    hl_value_remove(items, position);
    return HOMELAB_OK;
}

int homelab_builder_build(const homelab_builder *builder, homelab_inventory **out)
{
    HL_API(builder ? builder->allocator : NULL);
    if (!builder || !out)
        return hl_error_argument(builder ? "out" : "builder", builder ? "a pointer" : "a builder");
    struct hl_value *tree = NULL;
    homelab_report *report = NULL;
    homelab_inventory *inventory = NULL;
    size_t problems = (size_t)hl_opt_int(builder->opts, HL_OPT_INVENTORY_MAX_PROBLEMS);
    int error = hl_report_new(&report, "inventory", problems);
    if (!error)
        error = hl_value_copy(&tree, builder->root);
    if (!error)
        error = hl_inventory_from_tree(&inventory, report, tree, builder->allocator);
    if (!error)
        error = hl_report_finish(report);
    if (error)
        homelab_inventory_unref(inventory);
    else if (!inventory)
        error = hl_report_fail(report, HOMELAB_E_INVENTORY);
    else
        *out = inventory;
    homelab_report_free(report);
    if (!error)
        hl_error_clear();
    return error;
}
