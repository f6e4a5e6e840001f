#include "health/model_list.h"

#include <string.h>

static const struct {
    const char *name;
    unsigned owner;
} owners[] = {
    {"llamacpp", HL_OWNER_LLAMACPP},
    {"vllm", HL_OWNER_VLLM},
    {"sglang", HL_OWNER_SGLANG},
    {"tabbyAPI", HL_OWNER_TABBYAPI},
    {"organization_owner", HL_OWNER_LMSTUDIO},
    {"llama-swap", HL_OWNER_LLAMASWAP},
};

static unsigned owner_of(const char *name)
{
    for (size_t i = 0; name && i < sizeof owners / sizeof *owners; i++)
        if (!strcmp(name, owners[i].name))
            return owners[i].owner;
    return 0;
}

bool hl_model_list_facts(const cJSON *root, struct hl_list_facts *facts)
{
    *facts = (struct hl_list_facts){0};
    const cJSON *data = hl_json_array(root, "data"), *item;
    if (!data)
        return false;
    cJSON_ArrayForEach(item, data)
    {
        if (!hl_json_string(item, "id"))
            return false;
        facts->count++;
        facts->owners |= owner_of(hl_json_string(item, "owned_by"));
        facts->max_model_len |= hl_json_int(item, "max_model_len", -1) > 0;
    }
    return true;
}

uint32_t hl_abilities_of(const cJSON *names)
{
    static const struct {
        const char *name;
        uint32_t ability;
    } known[] = {
        {"completion", HL_ABILITY_COMPLETION}, {"embedding", HL_ABILITY_EMBEDDING},
        {"embeddings", HL_ABILITY_EMBEDDING},  {"vision", HL_ABILITY_VISION},
        {"multimodal", HL_ABILITY_VISION},     {"tools", HL_ABILITY_TOOLS},
        {"tool_use", HL_ABILITY_TOOLS},
    };
    uint32_t abilities = 0;
    const cJSON *name;
    cJSON_ArrayForEach(name, names)
    {
        for (size_t i = 0; cJSON_IsString(name) && i < sizeof known / sizeof *known; i++)
            if (!strcmp(name->valuestring, known[i].name))
                abilities |= known[i].ability;
    }
    return abilities;
}

/* llama.cpp: n_ctx is per slot where it is told, n_ctx_train what the model was trained with. */
static void take_meta(struct hl_model_state *model, const cJSON *meta)
{
    int64_t context = hl_json_int(meta, "n_ctx", -1);
    if (context <= 0)
        context = hl_json_int(meta, "n_ctx_train", -1);
    if (context > 0)
        model->context = context;
    int64_t size = hl_json_int(meta, "size", -1);
    if (size > 0)
        model->size_bytes = size;
}

static int loaded_of(const cJSON *item)
{
    const char *status = hl_json_string(hl_json_get(item, "status"), "value");
    if (!status)
        return -1;
    return !strcmp(status, "loaded") || !strcmp(status, "sleeping");
}

static bool lists(const cJSON *array, const char *word)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        if (cJSON_IsString(item) && !strcmp(item->valuestring, word))
            return true;
    }
    return false;
}

static void take_details(struct hl_model_state *model, const cJSON *item)
{
    take_meta(model, hl_json_get(item, "meta"));
    int64_t length = hl_json_int(item, "max_model_len", -1);
    if (length > 0)
        model->context = length;
    int loaded = loaded_of(item);
    if (loaded >= 0)
        model->loaded = loaded;
    if (lists(hl_json_array(hl_json_get(item, "architecture"), "input_modalities"), "image"))
        model->abilities |= HL_ABILITY_VISION;
}

/* The aliases of a llama.cpp model are names that requests may use: a required one that is only an
 * alias is reported under that name. */
static void take_aliases(struct hl_probe *probe, const cJSON *item)
{
    const cJSON *alias;
    cJSON_ArrayForEach(alias, hl_json_array(item, "aliases"))
    {
        if (!cJSON_IsString(alias) || !hl_is_required(probe, alias->valuestring) ||
            hl_is_required(probe, hl_json_string(item, "id")))
            continue;
        struct hl_model_state *model = hl_found_model(probe, alias->valuestring);
        if (model)
            take_details(model, item);
    }
}

/* llama.cpp repeats its models in a second list, which holds the capabilities. */
static void take_capabilities(struct hl_probe *probe, const cJSON *models)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, models)
    {
        const char *name = hl_json_string(item, "name");
        struct hl_model_state *model = name ? hl_observation_find(&probe->seen, name) : NULL;
        if (model)
            model->abilities |= hl_abilities_of(hl_json_array(item, "capabilities"));
    }
}

bool hl_model_list_take(struct hl_probe *probe, const cJSON *root)
{
    struct hl_list_facts facts;
    if (!hl_model_list_facts(root, &facts))
        return false;
    const cJSON *item;
    probe->seen.models_known = true;
    cJSON_ArrayForEach(item, hl_json_array(root, "data"))
    {
        struct hl_model_state *model = hl_found_model(probe, hl_json_string(item, "id"));
        if (!model)
            continue;
        take_details(model, item);
        take_aliases(probe, item);
    }
    take_capabilities(probe, hl_json_array(root, "models"));
    return true;
}
