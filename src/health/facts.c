#include "core/alloc.h"
#include "core/utf8.h"
#include "health/plan.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MODELS_MAX     2048
#define MODEL_NAME_MAX 512

struct hl_model_state *hl_found_model(struct hl_probe *probe, const char *name)
{
    size_t length = strlen(name);
    if (!length || length > MODEL_NAME_MAX || probe->seen.model_count >= MODELS_MAX) {
        probe->seen.models_known = false;
        return NULL;
    }
    struct hl_model_state *model = hl_observation_model(&probe->seen, name);
    if (!model)
        probe->no_memory = true;
    return model;
}

void hl_say_models(struct hl_probe *probe, const struct hl_http_result *result)
{
    size_t count = probe->seen.model_count;
    hl_say(probe, result, HOMELAB_CAUSE_NONE, "%zu model%s", count, count == 1 ? "" : "s");
}

void hl_found_version(struct hl_probe *probe, const char *version)
{
    if (!version)
        return;
    snprintf(probe->seen.version, sizeof probe->seen.version, "%s", version);
    hl_text_clean(probe->seen.version, sizeof probe->seen.version);
    memcpy(probe->memory->version, probe->seen.version, sizeof probe->memory->version);
}

bool hl_ask_version(struct hl_probe *probe, const char *path, bool keyed)
{
    if (!probe->memory->version[0])
        return hl_ask_get(probe, path, keyed);
    hl_found_version(probe, probe->memory->version);
    return false;
}

void hl_version_take(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_answered(probe, result))
        return;
    cJSON *root = hl_answer_json(probe, result);
    const char *version = result->status == 200 ? hl_json_string(root, "version") : NULL;
    if (version)
        hl_found_version(probe, version);
    else
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "no version is told");
    cJSON_Delete(root);
}

void hl_progress_unseen(struct hl_probe *probe, const char *why)
{
    if (probe->target.depth == HL_DEPTH_SCHEDULER || probe->target.depth == HL_DEPTH_PROGRESS)
        hl_note(probe, HL_LAYER_PROGRESS, "%s", why);
}

/* Length of name without directories in front, and where it starts. */
static const char *base_name(const char *name)
{
    const char *slash = strrchr(name, '/');
    const char *backslash = strrchr(name, '\\');
    const char *last = slash > backslash ? slash : backslash;
    return last ? last + 1 : name;
}

static bool equal_but_for(const char *longer, const char *shorter, const char *tail)
{
    size_t length = strlen(shorter);
    return !strncmp(longer, shorter, length) && !strcmp(longer + length, tail);
}

bool hl_name_meets(const char *have, const char *want)
{
    size_t length = strlen(have);
    if (!strcmp(have, want) || equal_but_for(have, want, ":latest"))
        return true;
    if (length && have[length - 1] == '*')
        return !strncmp(have, want, length - 1);
    const char *base = base_name(have);
    size_t base_length = strlen(base);
    bool file = base_length > 5 && !strcasecmp(base + base_length - 5, ".gguf");
    if (!file)
        return false;
    return !strcmp(base, want) ||
           (strlen(want) == base_length - 5 && !strncmp(base, want, base_length - 5));
}

bool hl_is_required(const struct hl_probe *probe, const char *name)
{
    const struct hl_endpoint *endpoint = probe->target.endpoint;
    for (size_t i = 0; i < endpoint->model_count; i++)
        if (hl_name_meets(name, endpoint->models[i]))
            return true;
    return false;
}

uint32_t hl_declared_abilities(const struct hl_probe *probe, const char *name)
{
    const struct hl_inventory_data *inventory = probe->target.inventory;
    for (size_t i = 0; inventory && i < inventory->model_count; i++) {
        const struct hl_model *model = &inventory->models[i];
        if (!hl_name_meets(name, model->name))
            continue;
        uint32_t abilities = model->abilities;
        if (model->roles & (1u << HL_CAP_EMBED))
            abilities |= HL_ABILITY_EMBEDDING;
        if (model->roles & ~(1u << HL_CAP_EMBED))
            abilities |= HL_ABILITY_COMPLETION;
        return abilities;
    }
    return 0;
}
