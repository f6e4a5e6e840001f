/* Preferences of tasks, and the rules that make requests ones of a task. */
#include "inventory/freeze_private.h"

#include "core/alloc.h"
#include "core/error.h"

#include <stdio.h>
#include <string.h>

double hl_freeze_weight(const struct hl_value *map)
{
    const struct hl_value *value = hl_freeze_key(map, "weight", HL_VALUE_NUMBER);
    return value && value->number > 0 ? value->number : 1;
}

/* Takes the message. */
static void problem(struct hl_freeze *freeze, const struct hl_value *value, const char *path,
                    struct hl_buf *message)
{
    if (message->failed)
        freeze->nomem = true;
    else
        hl_report_add(freeze->report, value->line, value->column, path, "%s", message->data);
    hl_buf_free(message);
}

static void unknown_endpoint(struct hl_freeze *freeze, const struct hl_value *value,
                             const char *path, const char *id)
{
    if (hl_report_full(freeze->report))
        return;
    struct hl_buf message;
    hl_buf_init(&message, HL_VALUE_MAX_TEXT);
    hl_buf_puts(&message, "found ");
    hl_report_quote(&message, id);
    hl_buf_puts(&message, " after ' @ ', expected the id of an endpoint");
    const char *names[256];
    size_t count = 0;
    for (; count < freeze->endpoints->count && count < sizeof names / sizeof *names; count++)
        names[count] = freeze->endpoints->entries[count].text;
    hl_report_suggest(&message, id, names, count);
    problem(freeze, value, path, &message);
}

/* The last " @ " of the text, or NULL. */
static const char *find_at(const char *text)
{
    const char *found = NULL;
    for (const char *at = strstr(text, " @ "); at; at = strstr(at + 1, " @ "))
        found = at;
    return found;
}

static void freeze_choice(struct hl_freeze *freeze, struct hl_choice *choice,
                          const struct hl_value *value, const char *path)
{
    const char *at = find_at(value->text);
    choice->endpoint = HL_NONE;
    choice->model =
        at ? hl_strndup(value->text, (size_t)(at - value->text)) : hl_strdup(value->text);
    if (!choice->model)
        freeze->nomem = true;
    if (at && !hl_index_find(freeze->endpoints, at + 3, &choice->endpoint, NULL))
        unknown_endpoint(freeze, value, path, at + 3);
}

static void freeze_preference(struct hl_freeze *freeze, size_t task, const struct hl_value *list)
{
    struct hl_inventory_data *data = freeze->data;
    size_t count = list ? list->count : 0;
    data->routes[task] = hl_freeze_array(freeze, count, sizeof **data->routes);
    for (size_t i = 0; data->routes[task] && i < count && !freeze->nomem; i++) {
        char path[64];
        snprintf(path, sizeof path, "routes.%s[%zu]", hl_capability_name(task), i);
        if (list->items[i]->type == HL_VALUE_STRING)
            freeze_choice(freeze, &data->routes[task][data->route_count[task]++], list->items[i],
                          path);
    }
}

static void freeze_pattern(struct hl_freeze *freeze, struct hl_rule *rule,
                           const struct hl_value *map, size_t index)
{
    const struct hl_value *value = hl_freeze_key(map, "matches", HL_VALUE_STRING);
    if (!value || !*value->text)
        return;
    int code = hl_pattern_new(&rule->matches, value->text, rule->ignore_case);
    if (code == HOMELAB_E_NOMEM)
        freeze->nomem = true;
    if (code != HOMELAB_E_SYNTAX || hl_report_full(freeze->report))
        return;
    char path[64];
    struct hl_buf message;
    snprintf(path, sizeof path, "rules[%zu].matches", index);
    hl_buf_init(&message, HL_VALUE_MAX_TEXT);
    hl_buf_puts(&message, homelab_error_message());
    problem(freeze, value, path, &message);
}

static void freeze_rule(struct hl_freeze *freeze, struct hl_rule *rule, const struct hl_value *map,
                        size_t index)
{
    const struct hl_value *task = hl_freeze_key(map, "task", HL_VALUE_STRING);
    hl_freeze_text(freeze, &rule->contains, map, "contains");
    hl_freeze_text(freeze, &rule->tag, map, "tag");
    rule->ignore_case = hl_freeze_bool(map, "ignore_case", false);
    rule->task = task ? hl_capability_from_name(task->text) : -1;
    freeze_pattern(freeze, rule, map, index);
    if (hl_value_get(map, "contains") || hl_value_get(map, "matches") || hl_value_get(map, "tag"))
        return;
    char path[64];
    struct hl_buf message;
    snprintf(path, sizeof path, "rules[%zu]", index);
    hl_buf_init(&message, HL_VALUE_MAX_TEXT);
    hl_buf_puts(&message, "found no condition, expected contains, matches or tag");
    problem(freeze, map, path, &message);
}

static void freeze_rules(struct hl_freeze *freeze)
{
    const struct hl_value *list = hl_freeze_key(freeze->root, "rules", HL_VALUE_LIST);
    size_t count = list ? list->count : 0;
    struct hl_inventory_data *data = freeze->data;
    data->rules = hl_freeze_array(freeze, count, sizeof *data->rules);
    data->rule_count = data->rules ? count : 0;
    for (size_t i = 0; i < data->rule_count && !freeze->nomem; i++)
        if (list->items[i]->type == HL_VALUE_MAP)
            freeze_rule(freeze, &data->rules[i], list->items[i], i);
}

void hl_freeze_routes(struct hl_freeze *freeze)
{
    const struct hl_value *section = hl_freeze_section(freeze, "routes");
    for (size_t task = 0; section && task < HL_CAP_COUNT && !freeze->nomem; task++)
        freeze_preference(freeze, task,
                          hl_freeze_key(section, hl_capability_name(task), HL_VALUE_LIST));
    if (!freeze->nomem)
        freeze_rules(freeze);
}

void hl_freeze_routes_clear(struct hl_inventory_data *data)
{
    for (size_t task = 0; task < HL_CAP_COUNT; task++) {
        for (size_t i = 0; i < data->route_count[task]; i++)
            hl_free(data->routes[task][i].model);
        hl_free(data->routes[task]);
    }
    for (size_t i = 0; i < data->rule_count; i++) {
        hl_free(data->rules[i].contains);
        hl_free(data->rules[i].tag);
        hl_pattern_free(data->rules[i].matches);
    }
    hl_free(data->rules);
}
