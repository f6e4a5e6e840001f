/* Shared by the targets for inventories: the readers keep their promises on any text, an inventory
 * that is taken can be written and read again, and nothing that is refused goes without a reason.
 */
#ifndef TESTS_FUZZ_INVENTORY_TARGET_H
#define TESTS_FUZZ_INVENTORY_TARGET_H

#include "core/error.h"
#include "core/utf8.h"
#include "core/value.h"
#include "fuzz/fuzz.h"

#include <homelab/inventory.h>
#include <homelab/memory.h>
#include <string.h>

#define FUZZ_DEPTH 32

static inline void count_problem(int line, int column, const char *path, const char *message,
                                 void *userdata)
{
    FUZZ_EXPECT(line >= 1 && column >= 1);
    FUZZ_EXPECT(hl_utf8_valid(path, strlen(path)));
    FUZZ_EXPECT(hl_utf8_valid(message, strlen(message)));
    FUZZ_EXPECT(strncmp(message, "found ", 6) == 0);
    ++*(int *)userdata;
}

static inline bool same_tree(const struct hl_value *a, const struct hl_value *b)
{
    if (a->type != b->type || a->count != b->count || a->boolean != b->boolean)
        return false;
    if (!a->text != !b->text || (a->text && strcmp(a->text, b->text) != 0))
        return false;
    if (!a->key != !b->key || (a->key && strcmp(a->key, b->key) != 0))
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!same_tree(a->items[i], b->items[i]))
            return false;
    return true;
}

static inline int read_tree(struct hl_value **out, const char *text, size_t size, int format,
                            int *problems)
{
    return format == HOMELAB_FORMAT_JSON
               ? hl_value_read_json(out, text, size, FUZZ_DEPTH, count_problem, problems)
               : hl_value_read_yaml(out, text, size, FUZZ_DEPTH, count_problem, problems);
}

static inline void check_tree_round_trip(const struct hl_value *tree, int format)
{
    int problems = 0;
    struct hl_value *again = NULL;
    char *text =
        format == HOMELAB_FORMAT_JSON ? hl_value_write_json(tree) : hl_value_write_yaml(tree);
    FUZZ_EXPECT(text);
    FUZZ_EXPECT(read_tree(&again, text, strlen(text), format, &problems) == HOMELAB_OK);
    FUZZ_EXPECT(same_tree(tree, again));
    hl_value_free(again);
    homelab_free(text);
}

static inline void check_reader(const char *text, size_t size, int format)
{
    int problems = 0;
    struct hl_value *tree = NULL;
    int code = read_tree(&tree, text, size, format, &problems);
    FUZZ_EXPECT((code == HOMELAB_OK) == (problems == 0));
    FUZZ_EXPECT(code != HOMELAB_OK || tree);
    if (code == HOMELAB_OK) {
        check_tree_round_trip(tree, HOMELAB_FORMAT_JSON);
        check_tree_round_trip(tree, HOMELAB_FORMAT_YAML);
    }
    hl_value_free(tree);
}

static inline void check_report(const homelab_report *report)
{
    int line = 0;
    for (size_t i = 0; i < homelab_report_count(report); i++) {
        const char *message = homelab_report_message(report, i);
        int now = homelab_report_line(report, i);
        FUZZ_EXPECT(now == 0 || now >= line);
        line = now;
        FUZZ_EXPECT(hl_utf8_valid(message, strlen(message)));
        FUZZ_EXPECT(strlen(message) < 4096 && !strpbrk(message, "\r\n\t\x1b"));
    }
}

static inline void check_written(const homelab_inventory *inventory, int format)
{
    homelab_inventory *again = NULL;
    char *text = homelab_inventory_write(inventory, format);
    FUZZ_EXPECT(text);
    FUZZ_EXPECT(homelab_inventory_load_text(&again, text, strlen(text), format, NULL, NULL) ==
                HOMELAB_OK);
    char *same = homelab_inventory_write(again, format);
    FUZZ_EXPECT(same && strcmp(text, same) == 0);
    homelab_free(same);
    homelab_free(text);
    homelab_inventory_unref(again);
}

static inline void check_inventory(const char *text, size_t size, int format)
{
    homelab_report *report = NULL;
    homelab_inventory *inventory = NULL;
    FUZZ_EXPECT(homelab_report_text(&report, text, size, format, "f", NULL) == HOMELAB_OK);
    int code = homelab_inventory_load_text(&inventory, text, size, format, "f", NULL);
    /* The record is that of the last call. */
    FUZZ_EXPECT((code == HOMELAB_OK) == (homelab_error_message()[0] == '\0'));
    FUZZ_EXPECT((code == HOMELAB_OK) == (homelab_report_count(report) == 0));
    check_report(report);
    if (inventory) {
        check_written(inventory, HOMELAB_FORMAT_JSON);
        check_written(inventory, HOMELAB_FORMAT_YAML);
    }
    homelab_inventory_unref(inventory);
    homelab_report_free(report);
}

#endif
