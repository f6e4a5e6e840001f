#include "health/snapshot.h"

#include "core/api.h"
#include "core/json.h"
#include "core/options.h"

#include <stdio.h>
#include <string.h>

/* Most endpoints and tiers of a snapshot text. */
#define ENDPOINTS_MAX 1000000u

static const int percents[] = {50, 90, 99};
#define PERCENT_COUNT (sizeof percents / sizeof *percents)

/* Where in the text a problem is, for the message. */
struct place {
    const char *list; /* "endpoints", "tiers", "prognosis" */
    size_t index;
};

static int wrong(const struct place *place, const char *key, const char *expected)
{
    char path[96];
    snprintf(path, sizeof path, "%s[%zu].%s", place->list, place->index, key);
    return hl_error_set(HOMELAB_E_SYNTAX, 0, path, "snapshot: %s: expected %s", path, expected);
}

static size_t length_of(const cJSON *array)
{
    size_t count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, array) count++;
    return count;
}

static int read_verdict(const cJSON *object, const struct place *place, int *out)
{
    *out = hl_verdict_from_name(hl_json_string(object, "verdict"));
    return *out < 0 ? wrong(place, "verdict", "the name of a verdict") : 0;
}

static int read_cause(const cJSON *object, const struct place *place, int *out)
{
    *out = hl_cause_from_name(hl_json_string(object, "cause"));
    return *out < 0 ? wrong(place, "cause", "the name of a cause") : 0;
}

/* A set of names; unknown ones are left out, since a later release may know more. */
static uint32_t read_set(const cJSON *object, const char *key, bool abilities)
{
    uint32_t set = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, hl_json_array(object, key))
    {
        if (!cJSON_IsString(item))
            continue;
        if (!abilities) {
            int capability = hl_capability_from_name(item->valuestring);
            set |= capability < 0 ? 0 : 1u << capability;
            continue;
        }
        for (size_t i = 0; i < HL_ABILITY_COUNT; i++)
            if (strcmp(item->valuestring, hl_ability_name(i)) == 0)
                set |= 1u << i;
    }
    return set;
}

/* Milliseconds as microseconds; -1 where absent, negative or beyond reason. */
static int64_t read_ms(const cJSON *object, const char *key)
{
    double ms = hl_json_number(object, key, -1);
    return ms >= 0 && ms < 1e12 ? (int64_t)(ms * 1000 + 0.5) : -1;
}

static int64_t read_size(const cJSON *object, const char *key)
{
    int64_t value = hl_json_int(object, key, -1);
    return value < 0 ? -1 : value;
}

static int read_small(const cJSON *object, const char *key)
{
    int64_t value = hl_json_int(object, key, -1);
    return value < 0 || value > INT32_MAX ? -1 : (int)value;
}

static const char *read_text(const cJSON *object, const char *key)
{
    const char *text = hl_json_string(object, key);
    return text ? text : "";
}

/* --- One endpoint --- */

struct lists {
    struct hl_record_evidence *evidence;
    struct hl_model_state *models;
    struct hl_latency_point points[PERCENT_COUNT];
};

static int read_evidence(const cJSON *array, const struct place *place, struct lists *lists,
                         struct hl_facts *facts)
{
    size_t count = length_of(array);
    lists->evidence = hl_calloc(count + 1, sizeof *lists->evidence);
    if (!lists->evidence)
        return hl_error_nomem();
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        struct hl_record_evidence *evidence = &lists->evidence[facts->evidence_count++];
        int layer = hl_layer_from_name(hl_json_string(item, "layer"));
        if (layer < 0)
            return wrong(place, "evidence[].layer", "the name of a layer");
        int code = read_small(item, "code");
        int64_t elapsed = read_ms(item, "elapsed_ms");
        evidence->layer = (enum hl_layer)layer;
        evidence->code = code < 0 ? 0 : code;
        evidence->elapsed_us = elapsed < 0 ? 0 : elapsed;
        evidence->text = read_text(item, "text");
        if (read_cause(item, place, &evidence->cause))
            return HOMELAB_E_SYNTAX;
    }
    facts->evidence = lists->evidence;
    return 0;
}

static int read_models(const cJSON *array, const struct place *place, struct lists *lists,
                       struct hl_facts *facts)
{
    size_t count = length_of(array);
    lists->models = hl_calloc(count + 1, sizeof *lists->models);
    if (!lists->models)
        return hl_error_nomem();
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        struct hl_model_state *model = &lists->models[facts->model_count++];
        const char *name = hl_json_string(item, "name");
        if (!name)
            return wrong(place, "models[].name", "a text");
        /* Copied by hl_record_write() before the document goes. */
        model->name = (char *)(uintptr_t)name;
        model->loaded = hl_json_bool(item, "loaded");
        model->abilities = read_set(item, "capabilities", true);
        model->context = read_size(item, "context");
        model->size_bytes = read_size(item, "size_bytes");
        model->vram_bytes = read_size(item, "vram_bytes");
    }
    facts->models = lists->models;
    return 0;
}

static void read_latency(const cJSON *object, struct lists *lists, struct hl_facts *facts)
{
    const cJSON *percentiles = hl_json_get(object, "latency_percentiles_ms");
    for (size_t i = 0; i < PERCENT_COUNT; i++) {
        char key[8];
        snprintf(key, sizeof key, "%d", percents[i]);
        int64_t us = read_ms(percentiles, key);
        if (us < 0)
            continue;
        lists->points[facts->latency_count++] = (struct hl_latency_point){
            us < UINT32_MAX ? (uint32_t)us : UINT32_MAX, (float)percents[i] / 100};
    }
    facts->latency = lists->points;
}

static int read_backend(const cJSON *object, const struct place *place, int *out)
{
    const char *name = hl_json_string(object, "backend");
    int backend = name ? homelab_backend_from_name(name) : HOMELAB_BACKEND_AUTO;
    if (backend < 0)
        return wrong(place, "backend", "the name of a backend or null");
    *out = backend;
    return 0;
}

static int read_facts(const cJSON *object, const struct place *place, struct lists *lists,
                      struct hl_record **out)
{
    double uptime = hl_json_number(object, "uptime", -1);
    int64_t probed = read_size(object, "probed_us");
    struct hl_facts facts = {.text = read_text(object, "text"),
                             .version = hl_json_string(object, "version"),
                             .latency_us = read_ms(object, "latency_ms"),
                             .probed_us = probed < 0 ? 0 : probed,
                             .slots = read_small(object, "slots"),
                             .uptime = uptime >= 0 && uptime <= 1 ? uptime : -1,
                             .maintenance = hl_json_bool(object, "maintenance") == 1,
                             .gateway = hl_json_bool(object, "gateway") == 1,
                             .can = read_set(object, "serves", false)};
    int code = read_backend(object, place, &facts.backend);
    if (!code)
        code = read_verdict(object, place, &facts.verdict);
    if (!code)
        code = read_cause(object, place, &facts.cause);
    if (!code)
        code = read_evidence(hl_json_array(object, "evidence"), place, lists, &facts);
    if (!code)
        code = read_models(hl_json_array(object, "models"), place, lists, &facts);
    if (code)
        return code;
    read_latency(object, lists, &facts);
    return hl_record_write(out, &facts);
}

static int read_record(const cJSON *object, const struct place *place, struct hl_record **out)
{
    struct lists lists = {0};
    int code = read_facts(object, place, &lists, out);
    hl_free(lists.evidence);
    hl_free(lists.models);
    return code;
}

/* --- The whole --- */

struct reading {
    const char **tiers;
    size_t tier_count;
    struct hl_roster_entry *entries;
    struct hl_record **records;
    size_t count;
    struct hl_roster *roster;
};

static int read_tiers(struct reading *reading, const cJSON *array)
{
    size_t count = length_of(array);
    if (count > ENDPOINTS_MAX)
        return hl_error_set(HOMELAB_E_LIMIT, 0, "tiers", "snapshot: %zu tiers, at most %u", count,
                            ENDPOINTS_MAX);
    reading->tiers = hl_calloc(count + 1, sizeof *reading->tiers);
    if (!reading->tiers)
        return hl_error_nomem();
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        struct place place = {"tiers", reading->tier_count};
        const char *name = hl_json_string(item, "name");
        if (!name)
            return wrong(&place, "name", "a text");
        reading->tiers[reading->tier_count++] = name;
    }
    return 0;
}

static int find_tier(const struct reading *reading, const char *name, size_t *out)
{
    for (size_t i = 0; name && i < reading->tier_count; i++) {
        if (strcmp(reading->tiers[i], name) == 0) {
            *out = i;
            return 0;
        }
    }
    return -1;
}

static int read_endpoints(struct reading *reading, const cJSON *array)
{
    size_t count = length_of(array);
    if (count > ENDPOINTS_MAX)
        return hl_error_set(HOMELAB_E_LIMIT, 0, "endpoints", "snapshot: %zu endpoints, at most %u",
                            count, ENDPOINTS_MAX);
    reading->entries = hl_calloc(count + 1, sizeof *reading->entries);
    reading->records = hl_calloc(count + 1, sizeof *reading->records);
    if (!reading->entries || !reading->records)
        return hl_error_nomem();
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        struct place place = {"endpoints", reading->count};
        struct hl_roster_entry *entry = &reading->entries[reading->count];
        entry->id = hl_json_string(item, "id");
        entry->node = hl_json_string(item, "node");
        if (!entry->id)
            return wrong(&place, "id", "a text");
        if (find_tier(reading, hl_json_string(item, "tier"), &entry->tier))
            return wrong(&place, "tier", "the name of one of the tiers");
        int code = read_record(item, &place, &reading->records[reading->count]);
        if (code)
            return code;
        reading->count++;
    }
    return 0;
}

static int check_ids(const struct hl_roster *roster)
{
    for (size_t i = 1; i < roster->count; i++) {
        const char *id = roster->entries[roster->by_id[i]].id;
        if (strcmp(id, roster->entries[roster->by_id[i - 1]].id) == 0)
            return hl_error_set(HOMELAB_E_SYNTAX, 0, id, "snapshot: endpoint '%s' is there twice",
                                id);
    }
    return 0;
}

static int read_document(homelab_snapshot **out, const cJSON *root, homelab_allocator *allocator,
                         struct reading *reading)
{
    if (hl_json_int(root, "schema", -1) != 1)
        return hl_error_set(HOMELAB_E_SYNTAX, 0, "schema", "snapshot: schema: expected 1");
    const cJSON *tiers = hl_json_array(root, "tiers");
    const cJSON *endpoints = hl_json_array(root, "endpoints");
    if (!tiers || !endpoints)
        return hl_error_set(HOMELAB_E_SYNTAX, 0, tiers ? "endpoints" : "tiers",
                            "snapshot: %s: expected a list", tiers ? "endpoints" : "tiers");
    int code = read_tiers(reading, tiers);
    if (!code)
        code = read_endpoints(reading, endpoints);
    if (!code)
        code = hl_roster_new(&reading->roster, reading->tiers, reading->tier_count,
                             reading->entries, reading->count);
    if (!code)
        code = check_ids(reading->roster);
    if (code)
        return code;
    int64_t generation = hl_json_int(root, "generation", 0);
    int64_t time_us = hl_json_int(root, "time_us", 0);
    return hl_snapshot_make(out, allocator, reading->roster, reading->records,
                            read_set(hl_json_get(root, "prognosis"), "declared", false),
                            generation < 0 ? 0 : generation, time_us < 0 ? 0 : time_us);
}

int homelab_snapshot_parse(homelab_snapshot **out, const char *json, size_t length,
                           const homelab_opts *opts)
{
    homelab_allocator *allocator = hl_opt_allocator(opts);
    HL_API(allocator);
    if (!out || !json)
        return hl_error_argument(out ? "json" : "out", "not NULL");
    if (length > HL_SNAPSHOT_TEXT_MAX)
        return hl_error_set(HOMELAB_E_LIMIT, 0, "json", "snapshot: %zu bytes, at most %u", length,
                            HL_SNAPSHOT_TEXT_MAX);
    cJSON *root = hl_json_parse(json, length, (int)hl_opt_int(opts, HL_OPT_JSON_MAX_DEPTH));
    if (!root)
        return hl_error_set(HOMELAB_E_SYNTAX, 0, "json", "snapshot: not JSON within the limits");
    struct reading reading = {0};
    int code = read_document(out, root, allocator, &reading);
    for (size_t i = 0; reading.records && i <= reading.count; i++)
        hl_record_unref(reading.records[i]);
    hl_free(reading.records);
    hl_roster_unref(reading.roster);
    hl_free(reading.entries);
    hl_free(reading.tiers);
    cJSON_Delete(root);
    return code;
}
