#include "scenario.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_ENDPOINTS = 512
};

static const char *const backend_names[] = {"ollama",   "llamacpp", "litellm",   "vllm",
                                            "lmstudio", "tabbyapi", "llamaswap", "openai",
                                            "http",     "tcp",      NULL};
static const char *const default_versions[SIM_BACKEND_KINDS] = {
    "0.17.4", "b11549-5f6c0a1", "1.106.2", "0.11.0", "0.3.30", "0.1.0", "v250", "1.0", "1.0", "",
};

#define ON(kind)  (1U << (kind))
#define EVERY     ((1U << SIM_BACKEND_KINDS) - 1)
#define OVER_HTTP (EVERY & ~ON(SIM_TCP))
#define INFERENCE (OVER_HTTP & ~ON(SIM_HTTP))

/* Which keys an endpoint takes, and with which backends. */
static const struct {
    const char *name;
    unsigned backends;
} endpoint_keys[] = {
    {"tier", EVERY},
    {"backend", EVERY},
    {"node", EVERY},
    {"host", EVERY},
    {"port", EVERY},
    {"faults", EVERY},
    {"inventory", EVERY},
    {"version", OVER_HTTP},
    {"tls", OVER_HTTP},
    {"scheme", OVER_HTTP},
    {"probe_path", OVER_HTTP},
    {"api_key", OVER_HTTP},
    {"api_key_env", OVER_HTTP},
    {"client_key", OVER_HTTP},
    {"models", INFERENCE & ~ON(SIM_LITELLM)},
    {"slots", INFERENCE & ~ON(SIM_LITELLM)},
    {"token", INFERENCE & ~ON(SIM_LITELLM)},
    {"decode_rate", ON(SIM_LLAMACPP) | ON(SIM_VLLM)},
    {"metrics", ON(SIM_LLAMACPP) | ON(SIM_VLLM)},
    {"slots_route", ON(SIM_LLAMACPP)},
    {"router", ON(SIM_LLAMACPP)},
    {"sleep_after", ON(SIM_LLAMACPP)},
    {"keep_alive", ON(SIM_OLLAMA)},
    {"max_loaded", ON(SIM_OLLAMA) | ON(SIM_LLAMACPP) | ON(SIM_LLAMASWAP)},
    {"form", ON(SIM_LITELLM)},
    {"deployments", ON(SIM_LITELLM)},
    {"routes", ON(SIM_HTTP)},
    {"banner", ON(SIM_TCP)},
};
enum {
    ENDPOINT_KEYS = sizeof endpoint_keys / sizeof endpoint_keys[0]
};

static const char *const document_keys[] = {"$schema",   "name", "nodes", "endpoints",
                                            "inventory", "env",  NULL};

const char *sim_backend_name(enum sim_backend_kind kind)
{
    return backend_names[kind];
}

static char *copy(struct sim_object *object, const char *key, const char *fallback)
{
    const char *text = sim_get_string(object, key, fallback);
    return text != NULL ? sim_strdup(text) : NULL;
}

static void check_key_backends(struct sim_object *object, enum sim_backend_kind backend)
{
    for (size_t i = 0; i < ENDPOINT_KEYS; i++) {
        const char *name = endpoint_keys[i].name;
        if (cJSON_GetObjectItemCaseSensitive(object->json, name) == NULL)
            continue;
        if ((endpoint_keys[i].backends & ON(backend)) != 0)
            continue;
        char where[256];
        sim_object_where(object, name, where);
        sim_problem(object->reader, where, "found this key on backend \"%s\", expected it not to",
                    backend_names[backend]);
    }
}

static void read_address(struct sim_object *object, struct sim_endpoint_config *out)
{
    struct in_addr address;
    out->host = copy(object, "host", "127.0.0.1");
    out->port = (int)sim_get_integer(object, "port", 0, 65535, 0);
    bool loopback = inet_pton(AF_INET, out->host, &address) == 1 &&
                    (ntohl(address.s_addr) >> 24) == IN_LOOPBACKNET;
    if (loopback || strcmp(out->host, "::1") == 0)
        return;
    char where[256];
    sim_object_where(object, "host", where);
    sim_problem(object->reader, where,
                "found \"%.60s\", expected a loopback address: 127.x.y.z or ::1", out->host);
}

static void read_security(struct sim_object *object, struct sim_endpoint_config *out)
{
    static const char *const tls[] = {"none", "ca", "self_signed", "expired", "wrong_host", NULL};
    static const char *const schemes[] = {"http", "https", NULL};
    int kind = sim_get_choice(object, "tls", tls);
    int scheme = sim_get_choice(object, "scheme", schemes);
    out->tls = kind > 0 ? (enum sim_tls)kind : SIM_TLS_NONE;
    out->scheme = scheme >= 0 ? sim_strdup(schemes[scheme]) : NULL;
    out->api_key = copy(object, "api_key", NULL);
    out->api_key_env = copy(object, "api_key_env", NULL);
    out->client_key = copy(object, "client_key", out->api_key);
}

static void read_behaviour(struct sim_object *object, struct sim_endpoint_config *out)
{
    static const char *const forms[] = {"pip", "prisma", NULL};
    out->version = copy(object, "version", default_versions[out->backend]);
    out->probe_path = copy(object, "probe_path", "");
    out->banner = copy(object, "banner", NULL);
    out->metrics = sim_get_bool(object, "metrics", true);
    out->slots_route = sim_get_bool(object, "slots_route", true);
    out->router = sim_get_bool(object, "router", false);
    out->prisma = sim_get_choice(object, "form", forms) == 1;
    out->slots = sim_get_integer(object, "slots", 1, 1024, out->backend == SIM_LLAMACPP ? 4 : 1);
    out->max_loaded = sim_get_integer(object, "max_loaded", 1, 1024, 1024);
    out->keep_alive_ms = sim_get_seconds(object, "keep_alive", 300000);
    out->token_ms = sim_get_seconds(object, "token", 5);
    out->sleep_after_ms = sim_get_seconds(object, "sleep_after", SIM_NEVER);
    out->decode_rate = sim_get_number(object, "decode_rate", 0, 1e6, 10);
}

static void read_deployment(struct sim_object *object, struct sim_deployment *out)
{
    out->name = copy(object, "name", "?");
    out->model = copy(object, "model", "openai/?");
    out->endpoint = copy(object, "endpoint", NULL);
    out->api_base = copy(object, "api_base", NULL);
    if ((out->endpoint == NULL) == (out->api_base == NULL))
        sim_problem(object->reader, object->where,
                    "found %s, expected either \"endpoint\" or \"api_base\"",
                    out->endpoint == NULL ? "neither" : "both");
}

static void read_deployments(struct sim_object *object, struct sim_endpoint_config *out)
{
    static const char *const keys[] = {"name", "model", "endpoint", "api_base", NULL};
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object->json, "deployments");
    char where[256];
    if (list == NULL)
        return;
    sim_object_where(object, "deployments", where);
    if (!cJSON_IsArray(list)) {
        sim_problem(object->reader, where, "found no list, expected a list of deployments");
        return;
    }
    out->deployments = sim_calloc((size_t)cJSON_GetArraySize(list), sizeof *out->deployments);
    for (const cJSON *item = list->child; item != NULL; item = item->next) {
        struct sim_object entry;
        char place[256];
        snprintf(place, sizeof place, "%.240s[%zu]", where, out->deployment_count);
        if (sim_object_open(&entry, object->reader, item, place, keys))
            read_deployment(&entry, &out->deployments[out->deployment_count++]);
    }
}

static void read_route(struct sim_object *object, const char *path, struct sim_route *out)
{
    out->path = sim_strdup(path);
    out->status = (int)sim_get_integer(object, "status", 100, 599, 200);
    out->body = copy(object, "body", "");
    out->content_type = copy(object, "content_type", "text/plain");
    if (path[0] != '/')
        sim_problem(object->reader, object->where, "found a path without a leading slash");
}

static void read_routes(struct sim_object *object, struct sim_endpoint_config *out)
{
    static const char *const keys[] = {"status", "body", "content_type", NULL};
    const cJSON *map = cJSON_GetObjectItemCaseSensitive(object->json, "routes");
    struct sim_object all;
    char where[256];
    sim_object_where(object, "routes", where);
    if (map == NULL || !sim_object_open(&all, object->reader, map, where, NULL))
        return;
    out->routes = sim_calloc((size_t)cJSON_GetArraySize(map), sizeof *out->routes);
    for (const cJSON *item = map->child; item != NULL; item = item->next) {
        struct sim_object entry;
        char place[256];
        sim_object_where(&all, item->string, place);
        if (sim_object_open(&entry, object->reader, item, place, keys))
            read_route(&entry, item->string, &out->routes[out->route_count++]);
    }
}

/* Bytes below HTTP cannot be put into a TLS stream that the HTTP library owns; plain TCP has no
 * requests. */
static const char *unfit(const struct sim_endpoint_config *endpoint, const struct sim_fault *fault)
{
    enum sim_fault_class group = sim_fault_class(fault->kind);
    bool wire = group == SIM_CLASS_WIRE;
    bool accepts = wire && fault->stage == SIM_STAGE_ACCEPT;
    if (endpoint->tls != SIM_TLS_NONE && wire &&
        (fault->stage > SIM_STAGE_REQUEST || fault->kind == SIM_FAULT_GARBAGE))
        return "one at stage accept or request on an endpoint with tls";
    if (endpoint->backend == SIM_TCP && !accepts && group != SIM_CLASS_LISTENER &&
        fault->kind != SIM_FAULT_LOADING)
        return "refused, drop_syn, loading, or one at stage accept on backend \"tcp\"";
    return NULL;
}

bool sim_faults_fit(struct sim_reader *reader, const char *where,
                    const struct sim_endpoint_config *endpoint, const struct sim_faults *faults)
{
    size_t before = reader->count;
    for (size_t i = 0; i < faults->count; i++) {
        const char *expected = unfit(endpoint, &faults->items[i]);
        if (expected != NULL)
            sim_problem(reader, where, "found fault \"%s\", expected %s",
                        sim_fault_name(faults->items[i].kind), expected);
    }
    return reader->count == before;
}

static void read_faults(struct sim_object *object, struct sim_endpoint_config *out)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object->json, "faults");
    char where[256];
    sim_object_where(object, "faults", where);
    if (list != NULL && sim_faults_parse(object->reader, list, where, &out->faults))
        sim_faults_fit(object->reader, where, out, &out->faults);
}

static bool node_has_gpu(const cJSON *document, const char *node)
{
    const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(document, "nodes");
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(nodes, node);
    const cJSON *gpus = cJSON_GetObjectItemCaseSensitive(found, "gpus");
    return cJSON_GetArraySize(gpus) > 0;
}

static void read_place(struct sim_object *object, const cJSON *document,
                       struct sim_endpoint_config *out)
{
    out->tier = copy(object, "tier", NULL);
    out->node = copy(object, "node", NULL);
    if (out->tier == NULL)
        sim_problem(object->reader, object->where, "found no key \"tier\", expected a tier's name");
    if (out->node == NULL)
        return;
    out->gpu = node_has_gpu(document, out->node);
    const cJSON *nodes = cJSON_GetObjectItemCaseSensitive(document, "nodes");
    if (cJSON_GetObjectItemCaseSensitive(nodes, out->node) != NULL)
        return;
    char where[256];
    sim_object_where(object, "node", where);
    sim_problem(object->reader, where, "found \"%.60s\", expected a node of this scenario",
                out->node);
}

static void read_endpoint(struct sim_object *object, const cJSON *document,
                          struct sim_endpoint_config *out)
{
    int backend = sim_get_choice(object, "backend", backend_names);
    if (cJSON_GetObjectItemCaseSensitive(object->json, "backend") == NULL)
        sim_problem(object->reader, object->where, "found no key \"backend\", expected its name");
    if (backend < 0)
        return;
    out->backend = (enum sim_backend_kind)backend;
    check_key_backends(object, out->backend);
    read_place(object, document, out);
    read_address(object, out);
    read_security(object, out);
    read_behaviour(object, out);
    sim_models_parse(object, out);
    read_deployments(object, out);
    read_routes(object, out);
    read_faults(object, out);
    const cJSON *extra = cJSON_GetObjectItemCaseSensitive(object->json, "inventory");
    struct sim_object check;
    char where[256];
    sim_object_where(object, "inventory", where);
    if (extra != NULL && sim_object_open(&check, object->reader, extra, where, NULL))
        out->inventory = cJSON_Duplicate(extra, 1);
}

static void check_references(struct sim_reader *reader, const struct sim_scenario *scenario,
                             const struct sim_endpoint_config *endpoint)
{
    for (size_t i = 0; i < endpoint->deployment_count; i++) {
        const char *wanted = endpoint->deployments[i].endpoint;
        bool found = wanted == NULL;
        for (size_t j = 0; j < scenario->endpoint_count && !found; j++)
            found = strcmp(scenario->endpoints[j].id, wanted) == 0;
        if (!found)
            sim_problem(reader, endpoint->id,
                        "found deployment to \"%.60s\", expected the id of an endpoint", wanted);
    }
}

static void read_endpoints(struct sim_reader *reader, const cJSON *map, struct sim_scenario *out)
{
    const char *known[ENDPOINT_KEYS + 1] = {NULL};
    struct sim_object all;
    for (size_t i = 0; i < ENDPOINT_KEYS; i++)
        known[i] = endpoint_keys[i].name;
    if (!sim_object_open(&all, reader, map, "endpoints", NULL))
        return;
    int count = cJSON_GetArraySize(map);
    if (count < 1 || count > MAX_ENDPOINTS) {
        sim_problem(reader, "endpoints", "found %d, expected 1 to %d", count, MAX_ENDPOINTS);
        return;
    }
    out->endpoints = sim_calloc((size_t)count, sizeof *out->endpoints);
    for (const cJSON *item = map->child; item != NULL; item = item->next) {
        struct sim_object object;
        char place[256];
        sim_object_where(&all, item->string, place);
        struct sim_endpoint_config *endpoint = &out->endpoints[out->endpoint_count++];
        endpoint->id = sim_strdup(item->string);
        if (sim_object_open(&object, reader, item, place, known))
            read_endpoint(&object, out->json, endpoint);
    }
}

bool sim_scenario_parse(struct sim_reader *reader, const char *text, size_t length,
                        struct sim_scenario *out)
{
    *out = (struct sim_scenario){0};
    struct sim_object document;
    out->json = sim_read_text(reader, text, length);
    if (out->json == NULL || !sim_object_open(&document, reader, out->json, "", document_keys))
        return false;
    const cJSON *endpoints = cJSON_GetObjectItemCaseSensitive(out->json, "endpoints");
    if (endpoints == NULL)
        sim_problem(reader, "", "found no key \"endpoints\", expected an object of endpoints");
    else
        read_endpoints(reader, endpoints, out);
    for (size_t i = 0; i < out->endpoint_count; i++)
        check_references(reader, out, &out->endpoints[i]);
    return reader->count == 0;
}

static void free_endpoint(struct sim_endpoint_config *endpoint)
{
    for (size_t i = 0; i < endpoint->model_count; i++)
        sim_model_free(&endpoint->models[i]);
    for (size_t i = 0; i < endpoint->deployment_count; i++) {
        free(endpoint->deployments[i].name);
        free(endpoint->deployments[i].model);
        free(endpoint->deployments[i].api_base);
        free(endpoint->deployments[i].endpoint);
    }
    for (size_t i = 0; i < endpoint->route_count; i++) {
        free(endpoint->routes[i].path);
        free(endpoint->routes[i].body);
        free(endpoint->routes[i].content_type);
    }
    free(endpoint->models);
    free(endpoint->deployments);
    free(endpoint->routes);
    sim_faults_free(&endpoint->faults);
    char *const strings[] = {endpoint->id,          endpoint->tier,       endpoint->node,
                             endpoint->host,        endpoint->version,    endpoint->api_key,
                             endpoint->api_key_env, endpoint->client_key, endpoint->scheme,
                             endpoint->probe_path,  endpoint->banner};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        free(strings[i]);
    cJSON_Delete(endpoint->inventory);
}

void sim_scenario_free(struct sim_scenario *scenario)
{
    for (size_t i = 0; i < scenario->endpoint_count; i++)
        free_endpoint(&scenario->endpoints[i]);
    free(scenario->endpoints);
    cJSON_Delete(scenario->json);
    *scenario = (struct sim_scenario){0};
}
