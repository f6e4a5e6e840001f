/* Models, with what plans are told of them. */
#include "inventory/freeze_private.h"

#include "core/alloc.h"

#include <stdio.h>
#include <string.h>

static void clear_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hl_free(texts[i]);
    hl_free(texts);
}

void hl_freeze_clear_model(struct hl_model *model)
{
    hl_free(model->name);
    hl_free(model->file);
    hl_free(model->mmproj);
    hl_free(model->draft);
    hl_free(model->pin);
    clear_texts(model->apart, model->apart_count);
    clear_texts(model->sets, model->set_count);
    hl_free(model->endpoints);
}

static uint32_t words_mask(const struct hl_value *map, const char *key, const char *(*name)(size_t),
                           size_t count)
{
    const struct hl_value *list = hl_freeze_key(map, key, HL_VALUE_LIST);
    uint32_t mask = 0;
    for (size_t i = 0; list && i < list->count; i++)
        for (size_t word = 0; list->items[i]->type == HL_VALUE_STRING && word < count; word++)
            if (strcmp(list->items[i]->text, name(word)) == 0)
                mask |= 1u << word;
    return mask;
}

static const char *ability_name(size_t index)
{
    static const char *const names[] = {"completion", "embedding", "vision", "tools"};
    return names[index];
}

static void freeze_servers(struct hl_freeze *freeze, struct hl_model *model,
                           const struct hl_value *map)
{
    const struct hl_value *list = hl_freeze_key(map, "endpoints", HL_VALUE_LIST);
    size_t count = list ? list->count : 0;
    model->endpoints = hl_freeze_array(freeze, count, sizeof *model->endpoints);
    for (size_t i = 0; model->endpoints && i < count; i++) {
        if (list->items[i]->type != HL_VALUE_STRING)
            continue;
        size_t endpoint = hl_freeze_reference(freeze, freeze->endpoints, list->items[i],
                                              "an endpoint", "models", map->key, "endpoints", i);
        if (endpoint != HL_NONE)
            model->endpoints[model->endpoint_count++] = endpoint;
    }
}

static size_t freeze_texts(struct hl_freeze *freeze, char ***out, const struct hl_value *map,
                           const char *key)
{
    const struct hl_value *list = hl_freeze_key(map, key, HL_VALUE_LIST);
    size_t count = list ? list->count : 0, kept = 0;
    *out = hl_freeze_array(freeze, count, sizeof **out);
    for (size_t i = 0; *out && i < count; i++) {
        if (list->items[i]->type != HL_VALUE_STRING)
            continue;
        hl_freeze_copy(freeze, &(*out)[kept], list->items[i]->text);
        if ((*out)[kept])
            kept++;
    }
    return kept;
}

static uint32_t kv_types(const struct hl_value *map)
{
    static const char *const names[] = {"f16", "q8_0", "q4_0"};
    const struct hl_value *list = hl_freeze_key(map, "kv_types", HL_VALUE_LIST);
    uint32_t types = 0;
    unsigned shift = 0;
    for (size_t i = 0; list && i < list->count && shift < 32; i++)
        for (uint32_t word = 0; list->items[i]->type == HL_VALUE_STRING && word < 3; word++)
            if (strcmp(list->items[i]->text, names[word]) == 0 && shift < 32) {
                types |= (word + 1) << shift;
                shift += 4;
            }
    return types;
}

/* What plans are told of a model. */
static void freeze_wishes(struct hl_freeze *freeze, struct hl_model *model,
                          const struct hl_value *map)
{
    model->vram_bytes = hl_freeze_number(map, "vram_gib", GIB, 0);
    model->layers = (int)hl_freeze_number(map, "layers", 1, 0);
    model->gpu_layers = (int)hl_freeze_number(map, "gpu_layers", 1, -1);
    model->kv_types = kv_types(map);
    model->parallel = (int)hl_freeze_number(map, "parallel", 1, 1);
    model->priority = (int)hl_freeze_number(map, "priority", 1, 100);
    model->replicas = (int)hl_freeze_number(map, "replicas", 1, 1);
    model->required = hl_freeze_bool(map, "required", false);
    model->cpu = hl_freeze_bool(map, "cpu", true);
    hl_freeze_text(freeze, &model->pin, map, "pin");
    model->apart_count = freeze_texts(freeze, &model->apart, map, "apart");
    model->set_count = freeze_texts(freeze, &model->sets, map, "sets");
}

/* gpuNUMBER or cpu */
static bool has_device(const struct hl_node *node, const char *device)
{
    char name[32];
    if (strcmp(device, "cpu") == 0)
        return true;
    for (size_t gpu = 0; gpu < node->gpu_count; gpu++) {
        snprintf(name, sizeof name, "gpu%zu", gpu);
        if (strcmp(device, name) == 0)
            return true;
    }
    return false;
}

static bool is_place(const struct hl_inventory_data *data, const char *pin)
{
    for (size_t n = 0; n < data->node_count; n++) {
        const char *id = data->nodes[n].id;
        size_t length = id ? strlen(id) : 0;
        if (!length || strncmp(pin, id, length) != 0)
            continue;
        if (!pin[length] || (pin[length] == '/' && has_device(&data->nodes[n], pin + length + 1)))
            return true;
    }
    return false;
}

static void check_pin(struct hl_freeze *freeze, const struct hl_model *model,
                      const struct hl_value *map)
{
    if (!model->pin || is_place(freeze->data, model->pin))
        return;
    struct hl_buf message;
    hl_buf_init(&message, HL_VALUE_MAX_TEXT);
    hl_buf_puts(&message, "found ");
    hl_report_quote(&message, model->pin);
    hl_buf_puts(&message, ", expected a node, NODE/gpuNUMBER or NODE/cpu");
    hl_freeze_problem(freeze, hl_value_get(map, "pin"), "models", map->key, "pin", HL_NONE,
                      &message);
}

static void check_apart(struct hl_freeze *freeze, const struct hl_index *models,
                        const struct hl_value *map)
{
    const struct hl_value *list = hl_freeze_key(map, "apart", HL_VALUE_LIST);
    for (size_t i = 0; list && i < list->count; i++) {
        const struct hl_value *other = list->items[i];
        if (other->type != HL_VALUE_STRING)
            continue;
        if (strcmp(other->text, map->key) != 0) {
            hl_freeze_reference(freeze, models, other, "a model", "models", map->key, "apart", i);
            continue;
        }
        struct hl_buf message;
        hl_buf_init(&message, HL_VALUE_MAX_TEXT);
        hl_buf_puts(&message, "found the model itself, expected another one; see replicas");
        hl_freeze_problem(freeze, other, "models", map->key, "apart", i, &message);
    }
}

/* What models say of each other, once all are known. */
static void check_models(struct hl_freeze *freeze, const struct hl_value *section)
{
    const struct hl_inventory_data *data = freeze->data;
    struct hl_index models;
    if (hl_index_init(&models, data->model_count)) {
        freeze->nomem = true;
        return;
    }
    for (size_t i = 0; i < data->model_count; i++)
        if (data->models[i].name)
            hl_index_add(&models, data->models[i].name, i);
    hl_index_sort(&models);
    for (size_t i = 0; i < data->model_count; i++) {
        check_pin(freeze, &data->models[i], section->items[i]);
        check_apart(freeze, &models, section->items[i]);
    }
    hl_index_free(&models);
}

void hl_freeze_models(struct hl_freeze *freeze)
{
    const struct hl_value *section = hl_freeze_section(freeze, "models");
    size_t count = section ? section->count : 0;
    struct hl_inventory_data *data = freeze->data;
    data->models = hl_freeze_array(freeze, count, sizeof *data->models);
    data->model_count = data->models ? count : 0;
    for (size_t i = 0; i < data->model_count; i++) {
        const struct hl_value *map = section->items[i];
        struct hl_model *model = &data->models[i];
        hl_freeze_copy(freeze, &model->name, map->key);
        model->roles = words_mask(map, "roles", hl_capability_name, HL_CAP_COUNT);
        /* Bits of HL_ABILITY_ in the order of these names. */
        model->abilities = words_mask(map, "capabilities", ability_name, 4);
        model->context = hl_freeze_number(map, "context", 1, 0);
        model->size_bytes = hl_freeze_number(map, "size_gib", GIB, 0);
        hl_freeze_text(freeze, &model->file, map, "file");
        hl_freeze_text(freeze, &model->mmproj, map, "mmproj");
        hl_freeze_text(freeze, &model->draft, map, "draft");
        freeze_wishes(freeze, model, map);
        model->weight = hl_freeze_weight(map);
        freeze_servers(freeze, model, map);
    }
    if (section)
        check_models(freeze, section);
}
