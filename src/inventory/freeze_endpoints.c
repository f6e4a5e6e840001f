/* Tiers and endpoints. */
#include "core/alloc.h"
#include "core/error.h"
#include "inventory/freeze_private.h"
#include "inventory/text.h"
#include "net/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECOND             1e6
#define DEFAULT_TIMEOUT_US 5000000

static const char *const standard_tiers[] = {"local", "remote", "nas", "gateway"};
#define STANDARD_TIERS (sizeof standard_tiers / sizeof *standard_tiers)

/* The order in which tiers stand: declared ones by their order, then the standard ones, then others
 * as endpoints name them. */
struct rank {
    int group;
    int64_t order;
    size_t place;
};

static int compare_ranks(const struct rank *a, const struct rank *b)
{
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

struct tier_list {
    struct hl_tier tiers[HL_MAX_TIERS];
    struct rank ranks[HL_MAX_TIERS];
    size_t count;
};

static size_t standard_place(const char *name)
{
    size_t i = 0;
    while (i < STANDARD_TIERS && strcasecmp(standard_tiers[i], name) != 0)
        i++;
    return i;
}

static size_t find_tier(const struct hl_tier *tiers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(tiers[i].name, name) == 0)
            return i;
    return HL_NONE;
}

static void tier_problem(struct hl_freeze *freeze, const struct hl_value *value,
                         const char *section, const char *id, const char *key, const char *text)
{
    struct hl_buf message;
    hl_buf_init(&message, HL_VALUE_MAX_TEXT);
    hl_buf_puts(&message, text);
    hl_freeze_problem(freeze, value, section, id, key, HL_NONE, &message);
}

/* False when there is no room or memory. */
static bool add_tier(struct hl_freeze *freeze, struct tier_list *list, const char *name,
                     bool gateway, struct rank rank)
{
    if (list->count == HL_MAX_TIERS)
        return false;
    struct hl_tier *tier = &list->tiers[list->count];
    hl_freeze_copy(freeze, &tier->name, name);
    if (!tier->name)
        return false;
    for (char *c = tier->name; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    tier->gateway = gateway;
    list->ranks[list->count++] = rank;
    return true;
}

static bool declare_tiers(struct hl_freeze *freeze, struct tier_list *list)
{
    const struct hl_value *section = hl_freeze_section(freeze, "tiers");
    freeze->tiers_declared = section && section->count;
    for (size_t i = 0; section && i < section->count; i++) {
        const struct hl_value *map = section->items[i];
        if (find_tier(list->tiers, list->count, map->key) != HL_NONE) {
            tier_problem(freeze, map, "tiers", map->key, NULL,
                         "found the tier a second time (case does not matter), expected it once");
            continue;
        }
        bool gateway =
            hl_freeze_bool(map, "gateway", standard_place(map->key) == STANDARD_TIERS - 1);
        struct rank rank = {0, hl_freeze_number(map, "order", 1, (int64_t)i + 1), i};
        if (add_tier(freeze, list, map->key, gateway, rank))
            continue;
        if (!freeze->nomem)
            tier_problem(freeze, map, "tiers", map->key, NULL,
                         "found more than 64 tiers, expected fewer");
        return false;
    }
    return true;
}

static void refuse_tier(struct hl_freeze *freeze, const struct tier_list *list,
                        const struct hl_value *value, const char *id)
{
    struct hl_buf message;
    hl_buf_init(&message, HL_VALUE_MAX_TEXT);
    hl_buf_puts(&message, "found ");
    hl_report_quote(&message, value->text);
    hl_buf_puts(&message, ", expected one of the declared tiers, local, remote, nas or gateway");
    const char *names[HL_MAX_TIERS + STANDARD_TIERS];
    size_t count = 0;
    for (; count < list->count; count++)
        names[count] = list->tiers[count].name;
    for (size_t i = 0; i < STANDARD_TIERS; i++)
        names[count++] = standard_tiers[i];
    hl_report_suggest(&message, value->text, names, count);
    hl_freeze_problem(freeze, value, "endpoints", id, "tier", HL_NONE, &message);
}

static bool tier_name_valid(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name);
    return length > 0 && length <= 64 && strspn(name, allowed) == length;
}

/* Makes the tier that an endpoint names without it being declared. */
static bool name_tier(struct hl_freeze *freeze, struct tier_list *list,
                      const struct hl_value *value, const char *id)
{
    size_t place = standard_place(value->text);
    bool standard = place < STANDARD_TIERS;
    if (!tier_name_valid(value->text)) {
        tier_problem(freeze, value, "endpoints", id, "tier",
                     "found what is no name of a tier, expected 1 to 64 letters, digits, '.', '_' "
                     "or '-'");
        return true;
    }
    if (!standard && freeze->tiers_declared) {
        refuse_tier(freeze, list, value, id);
        return true;
    }
    struct rank rank = {standard ? 1 : 2, 0, standard ? place : list->count};
    if (add_tier(freeze, list, value->text, place == STANDARD_TIERS - 1, rank))
        return true;
    if (!freeze->nomem)
        tier_problem(freeze, value, "endpoints", id, "tier",
                     "found more than 64 tiers, expected fewer");
    return false;
}

static void sort_tiers(struct tier_list *list)
{
    for (size_t i = 1; i < list->count; i++) {
        struct hl_tier tier = list->tiers[i];
        struct rank rank = list->ranks[i];
        size_t at = i;
        for (; at > 0 && compare_ranks(&list->ranks[at - 1], &rank) > 0; at--) {
            list->tiers[at] = list->tiers[at - 1];
            list->ranks[at] = list->ranks[at - 1];
        }
        list->tiers[at] = tier;
        list->ranks[at] = rank;
    }
}

void hl_freeze_tiers(struct hl_freeze *freeze)
{
    struct tier_list list = {.count = 0};
    const struct hl_value *section = hl_freeze_section(freeze, "endpoints");
    bool more = declare_tiers(freeze, &list);
    for (size_t i = 0; more && section && i < section->count; i++) {
        const struct hl_value *map = section->items[i];
        const struct hl_value *tier = hl_freeze_key(map, "tier", HL_VALUE_STRING);
        if (tier && *tier->text && find_tier(list.tiers, list.count, tier->text) == HL_NONE)
            more = name_tier(freeze, &list, tier, map->key);
    }
    sort_tiers(&list);
    struct hl_inventory_data *data = freeze->data;
    data->tiers = hl_freeze_array(freeze, list.count, sizeof *data->tiers);
    if (data->tiers) {
        memcpy(data->tiers, list.tiers, list.count * sizeof *data->tiers);
        data->tier_count = list.count;
        return;
    }
    for (size_t i = 0; i < list.count; i++)
        hl_free(list.tiers[i].name);
}

/* Whether the path, without query and closing slash, is that one. */
static bool is_path(const char *path, const char *wanted)
{
    size_t length = strcspn(path, "?");
    while (length > 1 && path[length - 1] == '/')
        length--;
    return strlen(wanted) == length && memcmp(path, wanted, length) == 0;
}

/* Paths that only one kind of server has. A path that several have, such as /v1/models, says
 * nothing. */
static int backend_of_path(const char *path)
{
    static const struct {
        const char *path;
        int backend;
    } known[] = {
        {"/api/tags", HOMELAB_BACKEND_OLLAMA},
        {"/api/ps", HOMELAB_BACKEND_OLLAMA},
        {"/api/version", HOMELAB_BACKEND_OLLAMA},
        {"/health/liveliness", HOMELAB_BACKEND_LITELLM},
        {"/health/liveness", HOMELAB_BACKEND_LITELLM},
        {"/health/readiness", HOMELAB_BACKEND_LITELLM},
        {"/api/v0/models", HOMELAB_BACKEND_LMSTUDIO},
        {"/api/v1/models", HOMELAB_BACKEND_LMSTUDIO},
        {"/.well-known/serviceinfo", HOMELAB_BACKEND_TABBYAPI},
        {"/running", HOMELAB_BACKEND_LLAMASWAP},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (is_path(path, known[i].path))
            return known[i].backend;
    return HOMELAB_BACKEND_AUTO;
}

static void freeze_backend(struct hl_freeze *freeze, struct hl_endpoint *endpoint,
                           const struct hl_value *map, const char *scheme)
{
    const struct hl_value *value = hl_freeze_key(map, "backend", HL_VALUE_STRING);
    int declared = value ? homelab_backend_from_name(value->text) : HOMELAB_BACKEND_AUTO;
    bool tcp = strcmp(scheme, "tcp") == 0;
    endpoint->backend_declared = declared > HOMELAB_BACKEND_AUTO;
    if (endpoint->backend_declared)
        endpoint->backend = declared;
    else
        endpoint->backend = tcp ? HOMELAB_BACKEND_TCP : backend_of_path(endpoint->path);
    if (!tcp || endpoint->backend == HOMELAB_BACKEND_TCP)
        return;
    struct hl_buf message;
    hl_buf_init(&message, HL_VALUE_MAX_TEXT);
    hl_buf_printf(&message, "found '%s', expected tcp for an address with tcp://", value->text);
    hl_freeze_problem(freeze, value, "endpoints", map->key, "backend", HL_NONE, &message);
}

/* An address for a message: as written, so without values of variables; without what may be a
 * secret. */
static void put_address(struct hl_buf *message, const char *written)
{
    if (strchr(written, '@')) {
        hl_buf_puts(message, "an address with '@' (not repeated here: it may hold a password)");
        return;
    }
    hl_buf_puts(message, "the address '");
    size_t length = strcspn(written, "?#");
    hl_buf_append(message, written, length < 120 ? length : 120);
    hl_buf_puts(message, written[length] || length > 120 ? "…'" : "'");
}

static void refuse_url(struct hl_freeze *freeze, const struct hl_value *value, const char *id,
                       const char *reason)
{
    struct hl_buf message;
    hl_buf_init(&message, HL_VALUE_MAX_TEXT);
    hl_buf_puts(&message, "found ");
    put_address(&message, value->text);
    bool wanted = strncmp(reason, "expected ", 9) == 0;
    if (wanted)
        hl_buf_printf(&message, ", %s", reason);
    else
        hl_buf_printf(&message, " (%s), expected http://HOST:PORT/PATH", reason);
    hl_freeze_problem(freeze, value, "endpoints", id, "url", HL_NONE, &message);
}

/* Why this address cannot be probed, or NULL. */
static const char *url_problem(const struct hl_url *url, const char *text)
{
    if (url->credentials)
        return "expected no user name or password in it; use api_key with a reference";
    if (strchr(text, '#'))
        return "expected none with '#'";
    if (!hl_host_valid(url->host))
        return "expected a host name or IP address in it";
    return NULL;
}

static bool scheme_known(const char *text)
{
    static const char *const schemes[] = {"http://", "https://", "tcp://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncasecmp(text, schemes[i], strlen(schemes[i])) == 0)
            return true;
    return false;
}

static bool parse_url(struct hl_freeze *freeze, struct hl_url *url, const struct hl_value *value,
                      const char *id, const char *text)
{
    if (!scheme_known(text)) {
        refuse_url(freeze, value, id, "expected http://, https:// or tcp://");
        return false;
    }
    int error = hl_url_parse(url, text);
    if (error == HOMELAB_E_NOMEM) {
        freeze->nomem = true;
        return false;
    }
    const char *reason = error ? homelab_error_message() : url_problem(url, text);
    if (!reason)
        return true;
    if (error && strncmp(reason, "url: ", 5) == 0)
        reason += 5;
    refuse_url(freeze, value, id, reason);
    return false;
}

/* An id given wins over the host. */
static size_t node_of(struct hl_freeze *freeze, const struct hl_value *map, const char *host)
{
    const struct hl_value *value = hl_freeze_key(map, "node", HL_VALUE_STRING);
    if (value)
        return hl_freeze_reference(freeze, &freeze->nodes, value, "a node", "endpoints", map->key,
                                   "node", HL_NONE);
    char normal[HL_EXPANDED_MAX + 1];
    size_t node;
    bool unique;
    if (!host || !hl_host_normalize(normal, sizeof normal, host) ||
        !hl_index_find(&freeze->hosts, normal, &node, &unique) || !unique)
        return HL_NONE;
    return node;
}

static void freeze_url(struct hl_freeze *freeze, struct hl_endpoint *endpoint,
                       const struct hl_value *map)
{
    const struct hl_value *value = hl_freeze_key(map, "url", HL_VALUE_STRING);
    if (!value || !*value->text)
        return;
    char *text = hl_freeze_expand(freeze, value, "endpoints", map->key, "url");
    struct hl_url url;
    if (!text || !parse_url(freeze, &url, value, map->key, text)) {
        hl_free(text);
        return;
    }
    endpoint->url = text;
    endpoint->port = url.port;
    hl_freeze_copy(freeze, &endpoint->base, url.base);
    hl_freeze_copy(freeze, &endpoint->path, url.path);
    hl_freeze_copy(freeze, &endpoint->host, url.host);
    if (endpoint->path)
        freeze_backend(freeze, endpoint, map, url.scheme);
}

static void freeze_required_models(struct hl_freeze *freeze, struct hl_endpoint *endpoint,
                                   const struct hl_value *map)
{
    const struct hl_value *list = hl_freeze_key(map, "models", HL_VALUE_LIST);
    size_t count = list ? list->count : 0;
    endpoint->models = hl_freeze_array(freeze, count, sizeof *endpoint->models);
    for (size_t i = 0; endpoint->models && i < count; i++) {
        if (list->items[i]->type != HL_VALUE_STRING)
            continue;
        hl_freeze_copy(freeze, &endpoint->models[endpoint->model_count], list->items[i]->text);
        if (endpoint->models[endpoint->model_count])
            endpoint->model_count++;
    }
}

static void freeze_endpoint(struct hl_freeze *freeze, struct hl_endpoint *endpoint,
                            const struct hl_value *map)
{
    freeze_url(freeze, endpoint, map);
    const struct hl_value *tier = hl_freeze_key(map, "tier", HL_VALUE_STRING);
    endpoint->tier =
        tier ? find_tier(freeze->data->tiers, freeze->data->tier_count, tier->text) : HL_NONE;
    endpoint->node = node_of(freeze, map, endpoint->host);
    const struct hl_value *depth = hl_freeze_key(map, "depth", HL_VALUE_STRING);
    int named = depth ? hl_depth_from_name(depth->text) : -1;
    endpoint->depth = named < 0 ? HL_DEPTH_UNSET : (enum hl_depth)named;
    endpoint->timeout_us = hl_freeze_number(map, "timeout", SECOND, DEFAULT_TIMEOUT_US);
    endpoint->interval_us = hl_freeze_number(map, "interval", SECOND, 0);
    endpoint->fast_interval_us = hl_freeze_number(map, "fast_interval", SECOND, 0);
    endpoint->down_interval_us = hl_freeze_number(map, "down_interval", SECOND, 0);
    endpoint->patience_us = hl_freeze_number(map, "patience", SECOND, 0);
    hl_freeze_text(freeze, &endpoint->api_key, map, "api_key");
    hl_freeze_text(freeze, &endpoint->ca_file, map, "ca");
    endpoint->insecure = hl_freeze_bool(map, "insecure", false);
    endpoint->weight = hl_freeze_weight(map);
    freeze_required_models(freeze, endpoint, map);
}

void hl_freeze_endpoints(struct hl_freeze *freeze)
{
    const struct hl_value *section = hl_freeze_section(freeze, "endpoints");
    size_t count = section ? section->count : 0;
    struct hl_inventory_data *data = freeze->data;
    data->endpoints = hl_freeze_array(freeze, count, sizeof *data->endpoints);
    data->endpoint_count = data->endpoints ? count : 0;
    if (hl_index_init(freeze->endpoints, count)) {
        freeze->nomem = true;
        return;
    }
    for (size_t i = 0; i < data->endpoint_count; i++) {
        struct hl_endpoint *endpoint = &data->endpoints[i];
        hl_freeze_copy(freeze, &endpoint->id, section->items[i]->key);
        if (!endpoint->id)
            return;
        freeze_endpoint(freeze, endpoint, section->items[i]);
        hl_index_add(freeze->endpoints, endpoint->id, i);
    }
    hl_index_sort(freeze->endpoints);
}
