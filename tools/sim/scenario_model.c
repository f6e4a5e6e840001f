/* The `models` of an endpoint. */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t largest = INT64_C(1) << 50;

static const char *const model_keys[] = {
    "name",       "family",           "architecture", "parameter_size", "quantization",
    "digest",     "size_bytes",       "vram_bytes",   "context",        "context_train",
    "parameters", "embedding_length", "capabilities", "loaded",         "required",
    "load",       "remote_host",      NULL,
};

static const struct {
    const char *name;
    unsigned bit;
} capabilities[] = {
    {"completion", SIM_CAN_COMPLETE}, {"tools", SIM_CAN_TOOLS},     {"insert", SIM_CAN_INSERT},
    {"vision", SIM_CAN_SEE},          {"embedding", SIM_CAN_EMBED}, {"thinking", SIM_CAN_THINK},
};
enum {
    CAPABILITIES = sizeof capabilities / sizeof capabilities[0]
};

static unsigned capability_bit(struct sim_object *object, const char *word)
{
    for (size_t i = 0; i < CAPABILITIES; i++) {
        if (strcmp(capabilities[i].name, word) == 0)
            return capabilities[i].bit;
    }
    char where[256];
    sim_object_where(object, "capabilities", where);
    sim_problem(object->reader, where,
                "found \"%.40s\", expected completion, tools, insert, vision, embedding or "
                "thinking",
                word);
    return 0;
}

static unsigned read_capabilities(struct sim_object *object)
{
    size_t count = 0;
    unsigned bits = 0;
    char **words = sim_get_strings(object, "capabilities", &count);
    for (size_t i = 0; i < count; i++)
        bits |= capability_bit(object, words[i]);
    sim_strings_free(words, count);
    return words != NULL ? bits : SIM_CAN_COMPLETE;
}

/* A stable stand-in for a SHA-256: FNV-1a over the name, stretched to 64 digits. */
static void make_digest(const char *name, char out[static 65])
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *c = name; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    for (int i = 0; i < 4; i++) {
        snprintf(out + i * 16, 17, "%016llx", (unsigned long long)hash);
        hash = (hash ^ (uint64_t)i) * UINT64_C(1099511628211);
        hash ^= hash >> 29;
    }
}

static char *copy_string(struct sim_object *object, const char *key, const char *fallback)
{
    const char *text = sim_get_string(object, key, fallback);
    return text != NULL ? sim_strdup(text) : NULL;
}

static void read_digest(struct sim_object *object, struct sim_model *model)
{
    const char *digest = sim_get_string(object, "digest", NULL);
    make_digest(model->name, model->digest);
    if (digest == NULL)
        return;
    if (strlen(digest) == 64 && strspn(digest, "0123456789abcdef") == 64) {
        memcpy(model->digest, digest, 65);
        return;
    }
    char where[256];
    sim_object_where(object, "digest", where);
    sim_problem(object->reader, where, "found \"%.70s\", expected 64 hexadecimal digits", digest);
}

static void read_model(struct sim_object *object, const struct sim_endpoint_config *endpoint,
                       struct sim_model *model)
{
    if (sim_get_string(object, "name", NULL) == NULL)
        sim_problem(object->reader, object->where, "found no key \"name\", expected the model's");
    model->name = copy_string(object, "name", "?");
    model->capabilities = read_capabilities(object);
    bool embeds = (model->capabilities & SIM_CAN_EMBED) != 0;
    model->family = copy_string(object, "family", embeds ? "nomic-bert" : "llama");
    model->architecture = copy_string(object, "architecture", model->family);
    model->parameter_size = copy_string(object, "parameter_size", embeds ? "137M" : "7.6B");
    model->quantization = copy_string(object, "quantization", embeds ? "F16" : "Q4_K_M");
    model->remote_host = copy_string(object, "remote_host", NULL);
    read_digest(object, model);
    model->parameters =
        sim_get_integer(object, "parameters", 0, largest, embeds ? 136727040 : 7615616512);
    model->size_bytes =
        sim_get_integer(object, "size_bytes", 0, largest, embeds ? 274302450 : 4683087332);
    model->vram_bytes = sim_get_integer(object, "vram_bytes", 0, largest, -1);
    model->context_train = sim_get_integer(object, "context_train", 1, 1 << 30, 32768);
    model->context = sim_get_integer(object, "context", 1, 1 << 30, 4096);
    model->embedding_length =
        sim_get_integer(object, "embedding_length", 1, 1 << 20, embeds ? 768 : 3584);
    /* Ollama and routers load on demand; the others serve what they were started with. */
    bool on_demand = endpoint->backend == SIM_OLLAMA || endpoint->backend == SIM_LLAMASWAP ||
                     endpoint->backend == SIM_LMSTUDIO || endpoint->router;
    model->loaded = sim_get_bool(object, "loaded", !on_demand);
    model->required = sim_get_bool(object, "required", false);
    model->load_ms = sim_get_seconds(object, "load", 500);
}

static void check_unique(struct sim_object *object, const struct sim_endpoint_config *endpoint)
{
    const struct sim_model *last = &endpoint->models[endpoint->model_count - 1];
    for (size_t i = 0; i + 1 < endpoint->model_count; i++) {
        if (strcmp(endpoint->models[i].name, last->name) == 0)
            sim_problem(object->reader, object->where,
                        "found model \"%.60s\" twice, expected unique names", last->name);
    }
}

void sim_models_parse(struct sim_object *endpoint, struct sim_endpoint_config *out)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(endpoint->json, "models");
    char where[256];
    if (list == NULL)
        return;
    sim_object_where(endpoint, "models", where);
    if (!cJSON_IsArray(list)) {
        sim_problem(endpoint->reader, where, "found no list, expected a list of models");
        return;
    }
    out->models = sim_calloc((size_t)cJSON_GetArraySize(list), sizeof *out->models);
    for (const cJSON *item = list->child; item != NULL; item = item->next) {
        struct sim_object object;
        char place[256];
        snprintf(place, sizeof place, "%.240s[%zu]", where, out->model_count);
        if (!sim_object_open(&object, endpoint->reader, item, place, model_keys))
            continue;
        read_model(&object, out, &out->models[out->model_count++]);
        check_unique(&object, out);
    }
}

void sim_model_free(struct sim_model *model)
{
    free(model->name);
    free(model->family);
    free(model->architecture);
    free(model->parameter_size);
    free(model->quantization);
    free(model->remote_host);
}
