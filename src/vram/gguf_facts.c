/* Model facts from what servers tell, where no file is at hand: Ollama's /api/show, which has the
 * keys without long arrays and the tensors' shapes, and llama.cpp's /v1/models, which has a few
 * numbers. */
#include "vram/gguf_build.h"

#include "core/alloc.h"
#include "core/api.h"
#include "core/json.h"

#include <stdio.h>
#include <string.h>

#define WHOLE_MAX 9007199254740992.0 /* 2^53 */
#define ALIGNMENT UINT64_C(32)

struct facts {
    struct hl_gguf_parser parser; /* for its messages and caps */
    homelab_gguf *gguf;
    uint64_t kept;
};

static int fail(const struct facts *facts, int code, const char *field, const char *text)
{
    return hl_error_set(code, 0, facts->parser.name, "%s: %.100s: %s", facts->parser.name, field,
                        text);
}

/* --- Keys --- */

static char *keep_text(struct facts *facts, const char *text)
{
    size_t length = strlen(text);
    char *copy = hl_gguf_keep(facts->gguf, length + 1);
    if (copy)
        memcpy(copy, text, length + 1);
    return copy;
}

/* A new key at the end, without a value. */
static int add_key(struct facts *facts, const char *name, uint64_t bytes, struct hl_gguf_key **out)
{
    homelab_gguf *gguf = facts->gguf;
    size_t length = strlen(name);
    facts->kept += sizeof **out + length + 1 + bytes;
    if (!length || length > facts->parser.caps.key_bytes)
        return fail(facts, HOMELAB_E_LIMIT, name, "expected a name of a length within the limit");
    if (gguf->key_count >= facts->parser.caps.keys || facts->kept > facts->parser.caps.kept_bytes)
        return fail(facts, HOMELAB_E_LIMIT, name, "found more keys than are kept");
    if (hl_grow((void **)&gguf->keys, &gguf->key_capacity, gguf->key_count, sizeof *gguf->keys))
        return hl_error_nomem();
    struct hl_gguf_key *key = &gguf->keys[gguf->key_count];
    *key = (struct hl_gguf_key){.count = 1, .name = keep_text(facts, name)};
    if (!key->name)
        return HOMELAB_E_NOMEM;
    gguf->key_count++;
    *out = key;
    return HOMELAB_OK;
}

static int add_text(struct facts *facts, const char *name, const char *text)
{
    struct hl_gguf_key *key;
    bool keep = strlen(text) <= facts->parser.caps.text_bytes;
    int code = add_key(facts, name, keep ? strlen(text) + 1 : 0, &key);
    if (code)
        return code;
    key->type = HL_GGUF_STRING;
    if (!keep)
        return HOMELAB_OK;
    key->text = keep_text(facts, text);
    return key->text ? HOMELAB_OK : HOMELAB_E_NOMEM;
}

static bool is_whole(double value)
{
    return value >= -WHOLE_MAX && value <= WHOLE_MAX && value == (double)(int64_t)value;
}

static bool is_scalar(const cJSON *item)
{
    return cJSON_IsBool(item) || cJSON_IsNumber(item);
}

/* The type that all items have, or none. */
static enum hl_gguf_type type_of_items(const cJSON *array)
{
    enum hl_gguf_type type = HL_GGUF_TYPES;
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        enum hl_gguf_type one =
            cJSON_IsString(item) ? HL_GGUF_STRING
            : cJSON_IsBool(item) ? HL_GGUF_BOOL
            : !cJSON_IsNumber(item)
                ? HL_GGUF_TYPES
                : (is_whole(item->valuedouble) ? HL_GGUF_INT64 : HL_GGUF_FLOAT64);
        bool mixed = type == HL_GGUF_INT64 && one == HL_GGUF_FLOAT64;
        if (type == HL_GGUF_FLOAT64 && one == HL_GGUF_INT64)
            continue;
        if (type != HL_GGUF_TYPES && one != type && !mixed)
            return HL_GGUF_TYPES;
        type = one;
        if (type == HL_GGUF_TYPES)
            return type;
    }
    return type;
}

static union hl_gguf_number number_of(const cJSON *item, enum hl_gguf_type type)
{
    if (type == HL_GGUF_BOOL)
        return (union hl_gguf_number){.u = cJSON_IsTrue(item) ? 1 : 0};
    if (type == HL_GGUF_INT64)
        return (union hl_gguf_number){.i = (int64_t)item->valuedouble};
    return (union hl_gguf_number){.f = item->valuedouble};
}

static enum hl_gguf_type type_of(const cJSON *item)
{
    return cJSON_IsBool(item)            ? HL_GGUF_BOOL
           : is_whole(item->valuedouble) ? HL_GGUF_INT64
                                         : HL_GGUF_FLOAT64;
}

static int add_number(struct facts *facts, const char *name, const cJSON *item)
{
    struct hl_gguf_key *key;
    int code = add_key(facts, name, sizeof *key->numbers, &key);
    if (code)
        return code;
    key->type = type_of(item);
    key->numbers = hl_gguf_keep(facts->gguf, sizeof *key->numbers);
    if (!key->numbers)
        return HOMELAB_E_NOMEM;
    *key->numbers = number_of(item, key->type);
    return HOMELAB_OK;
}

static int add_array(struct facts *facts, const char *name, const cJSON *array)
{
    enum hl_gguf_type type = type_of_items(array);
    uint64_t count = (uint64_t)cJSON_GetArraySize(array);
    bool keep = type != HL_GGUF_STRING && count <= facts->parser.caps.items;
    struct hl_gguf_key *key;
    if (type == HL_GGUF_TYPES)
        return HOMELAB_OK;
    int code = add_key(facts, name, keep ? count * sizeof *key->numbers : 0, &key);
    if (code)
        return code;
    key->type = type;
    key->is_array = true;
    key->count = count;
    if (!keep)
        return HOMELAB_OK;
    key->numbers = hl_gguf_keep(facts->gguf, (size_t)count * sizeof *key->numbers);
    if (!key->numbers)
        return HOMELAB_E_NOMEM;
    size_t i = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, array) key->numbers[i++] = number_of(item, type);
    return HOMELAB_OK;
}

/* Ollama leaves out long values as null. */
static int add_value(struct facts *facts, const cJSON *item)
{
    if (cJSON_IsString(item))
        return add_text(facts, item->string, item->valuestring);
    if (is_scalar(item))
        return add_number(facts, item->string, item);
    return cJSON_IsArray(item) ? add_array(facts, item->string, item) : HOMELAB_OK;
}

/* --- Tensors --- */

static int take_shape(const struct facts *facts, const cJSON *shape, struct hl_gguf_tensor *tensor,
                      uint64_t *elements)
{
    int dims = cJSON_IsArray(shape) ? cJSON_GetArraySize(shape) : 0;
    if (dims < 1 || dims > HL_GGUF_DIMS)
        return fail(facts, HOMELAB_E_FORMAT, tensor->name, "expected a shape of 1 to 4 numbers");
    tensor->dims = (uint32_t)dims;
    *elements = 1;
    for (int i = 0; i < HL_GGUF_DIMS; i++) {
        const cJSON *item = i < dims ? cJSON_GetArrayItem(shape, i) : NULL;
        double value = item && cJSON_IsNumber(item) ? item->valuedouble : item ? -1 : 1;
        if (!is_whole(value) || value < 0 ||
            __builtin_mul_overflow(*elements, (uint64_t)value, elements) || *elements > INT64_MAX)
            return fail(facts, HOMELAB_E_FORMAT, tensor->name,
                        "expected a shape that can be counted");
        tensor->ne[i] = (int64_t)value;
    }
    return HOMELAB_OK;
}

static int add_tensor(struct facts *facts, const cJSON *item, uint64_t *end)
{
    homelab_gguf *gguf = facts->gguf;
    const char *name = hl_json_string(item, "name");
    struct hl_gguf_tensor tensor = {.offset = *end};
    uint64_t elements = 0;
    if (!name || strlen(name) > facts->parser.caps.name_bytes)
        return fail(facts, HOMELAB_E_FORMAT, "tensors", "expected a name within the limit");
    if (gguf->tensor_count >= facts->parser.caps.tensors)
        return fail(facts, HOMELAB_E_LIMIT, name, "found more tensors than the limit");
    tensor.name = keep_text(facts, name);
    if (!tensor.name)
        return HOMELAB_E_NOMEM;
    int type = hl_ggml_type_from_name(hl_json_string(item, "type"));
    if (type < 0)
        return fail(facts, HOMELAB_E_FORMAT, name, "expected a ggml type");
    tensor.type = (uint32_t)type;
    int code = take_shape(facts, hl_json_get(item, "shape"), &tensor, &elements);
    if (code)
        return code;
    const struct hl_ggml_type_info *info = hl_ggml_type(tensor.type);
    if (tensor.ne[0] % info->block != 0 ||
        __builtin_mul_overflow(elements / info->block, info->bytes, &tensor.bytes) ||
        __builtin_add_overflow(*end, (tensor.bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, end) ||
        *end > INT64_MAX)
        return fail(facts, HOMELAB_E_FORMAT, name, "expected whole blocks of its type");
    if (hl_grow((void **)&gguf->tensors, &gguf->tensor_capacity, gguf->tensor_count,
                sizeof *gguf->tensors))
        return hl_error_nomem();
    gguf->tensors[gguf->tensor_count++] = tensor;
    return HOMELAB_OK;
}

/* --- The whole --- */

static int begin(struct facts *facts, const char *name, int source, const homelab_opts *opts)
{
    struct hl_gguf_caps caps;
    *facts = (struct facts){.kept = 0};
    int code = hl_gguf_new(&facts->gguf, source, hl_opt_allocator(opts));
    if (code)
        return code;
    hl_gguf_caps(&caps, opts);
    hl_gguf_parser_init(&facts->parser, facts->gguf, name, &caps, 0, UINT64_MAX);
    return HOMELAB_OK;
}

static int end(struct facts *facts, int code, homelab_gguf **out)
{
    if (!code)
        code = hl_gguf_end_part(&facts->parser);
    if (!code)
        code = hl_gguf_finish(&facts->parser);
    if (code)
        homelab_gguf_unref(facts->gguf);
    else
        *out = facts->gguf;
    return code;
}

static int parse(cJSON **out, const char *json, size_t length, const char *name,
                 const homelab_opts *opts)
{
    *out = hl_json_parse(json, length, (int)hl_opt_int(opts, HL_OPT_JSON_MAX_DEPTH));
    if (*out)
        return HOMELAB_OK;
    return hl_error_set(HOMELAB_E_SYNTAX, 0, name, "%s: found no JSON, or one that nests too deep",
                        name);
}

/* --- Ollama --- */

static int take_show(struct facts *facts, const cJSON *root)
{
    const cJSON *info = hl_json_get(root, "model_info"), *item;
    uint64_t bytes = 0;
    int code = HOMELAB_OK;
    if (!cJSON_IsObject(info))
        return fail(facts, HOMELAB_E_FORMAT, "model_info", "found none, expected an object");
    cJSON_ArrayForEach(item, info)
    {
        code = add_value(facts, item);
        if (code)
            return code;
    }
    cJSON_ArrayForEach(item, hl_json_array(root, "tensors"))
    {
        code = add_tensor(facts, item, &bytes);
        if (code)
            return code;
    }
    return code;
}

int homelab_gguf_load_show(homelab_gguf **out, const char *json, size_t length,
                           const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    struct facts facts;
    cJSON *root;
    if (!out || !json)
        return hl_error_argument(out ? "json" : "out", out ? "a text" : "a pointer");
    int code = parse(&root, json, length, "/api/show", opts);
    if (code)
        return code;
    code = begin(&facts, "/api/show", HOMELAB_GGUF_SOURCE_OLLAMA, opts);
    if (!code)
        code = end(&facts, take_show(&facts, root), out);
    cJSON_Delete(root);
    return code;
}

/* --- llama.cpp --- */

static bool has_alias(const cJSON *entry, const char *model)
{
    const cJSON *alias;
    cJSON_ArrayForEach(alias, hl_json_array(entry, "aliases"))
    {
        if (cJSON_IsString(alias) && strcmp(alias->valuestring, model) == 0)
            return true;
    }
    return false;
}

static const cJSON *find_model(const cJSON *root, const char *model)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, hl_json_array(root, "data"))
    {
        const char *id = hl_json_string(entry, "id");
        if (id && (!model || strcmp(id, model) == 0 || has_alias(entry, model)))
            return entry;
    }
    return NULL;
}

/* "Q4_K - Medium" is Q4_K_M. */
static int64_t file_type_of(const char *text)
{
    static const char *const sizes[][2] = {
        {" - Small", "_S"}, {" - Medium", "_M"}, {" - Large", "_L"}};
    char name[48];
    (void)snprintf(name, sizeof name, "%s", text);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *at = strstr(name, sizes[i][0]);
        if (at)
            memcpy(at, sizes[i][1], 3);
    }
    for (int64_t i = 0; i < 64; i++) {
        const char *known = homelab_gguf_file_type_name(i);
        if (known && strcmp(known, name) == 0)
            return i;
    }
    return -1;
}

static int add_meta(struct facts *facts, const cJSON *meta)
{
    static const char *const names[][2] = {{"n_ctx_train", "context_length"},
                                           {"n_embd", "embedding_length"},
                                           {"n_vocab", "vocab_size"},
                                           {"n_params", "general.parameter_count"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const cJSON *item = hl_json_get(meta, names[i][0]);
        int code = cJSON_IsNumber(item) ? add_number(facts, names[i][1], item) : HOMELAB_OK;
        if (code)
            return code;
    }
    const char *type = hl_json_string(meta, "ftype");
    int64_t file_type = type ? file_type_of(type) : -1;
    if (file_type < 0)
        return HOMELAB_OK;
    cJSON number = {.type = cJSON_Number, .valuedouble = (double)file_type};
    return add_number(facts, "general.file_type", &number);
}

static int take_model(struct facts *facts, const cJSON *root, const char *model)
{
    const cJSON *entry = find_model(root, model);
    if (!entry)
        return fail(facts, HOMELAB_E_NOT_FOUND, model ? model : "data", "found no such model");
    const cJSON *meta = hl_json_get(entry, "meta");
    if (!cJSON_IsObject(meta))
        return fail(facts, HOMELAB_E_FORMAT, hl_json_string(entry, "id"),
                    "found no meta, as of a model that is not loaded");
    int code = add_text(facts, "general.name", hl_json_string(entry, "id"));
    return code ? code : add_meta(facts, meta);
}

int homelab_gguf_load_models(homelab_gguf **out, const char *json, size_t length, const char *model,
                             const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    struct facts facts;
    cJSON *root;
    if (!out || !json)
        return hl_error_argument(out ? "json" : "out", out ? "a text" : "a pointer");
    int code = parse(&root, json, length, "/v1/models", opts);
    if (code)
        return code;
    code = begin(&facts, "/v1/models", HOMELAB_GGUF_SOURCE_LLAMACPP, opts);
    if (!code) {
        code = end(&facts, take_model(&facts, root, model), out);
        const cJSON *meta = hl_json_get(find_model(root, model), "meta");
        int64_t bytes = hl_json_int(meta, "size", 0);
        if (!code && bytes > 0)
            (*out)->tensor_bytes = (uint64_t)bytes;
    }
    cJSON_Delete(root);
    return code;
}
