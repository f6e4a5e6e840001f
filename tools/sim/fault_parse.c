/* The table of faults and the reading of scripts. */
#include "fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_FAULTS = 1024
};

static const int64_t largest_count = INT64_C(1) << 53;

/* Which keys a fault takes besides `fault`, the window and `paths`. */
enum {
    KEY_STAGE = 1 << 0,
    KEY_STATUS = 1 << 1,
    KEY_RETRY_AFTER = 1 << 2,
    KEY_SECONDS = 1 << 3,
    KEY_BYTES = 1 << 4,
    KEY_BODY = 1 << 5,
    KEY_LOCATION = 1 << 6,
    KEY_FRACTION = 1 << 7,
    KEY_MODEL = 1 << 8,
    KEY_SLOTS = 1 << 9,
    KEY_IN_FLIGHT = 1 << 10,
    KEY_PATHS = 1 << 11
};

struct fault_spec {
    const char *name;
    enum sim_fault_class group;
    unsigned keys;
    enum sim_stage stage; /* default, without `paths` */
    int64_t interval_ms;
    int64_t bytes;
    int status;
};

#define SPEC_WIRE(label, options, where)                                                           \
    {                                                                                              \
        .name = (label), .group = SIM_CLASS_WIRE, .keys = (options) | KEY_PATHS, .stage = (where), \
        .interval_ms = 250, .bytes = 1                                                             \
    }
#define SPEC_ANSWER(label, options, code)                                                          \
    {                                                                                              \
        .name = (label), .group = SIM_CLASS_ANSWER, .keys = (options) | KEY_PATHS,                 \
        .stage = SIM_STAGE_REQUEST, .interval_ms = 1500, .bytes = INT64_C(1) << 30,                \
        .status = (code)                                                                           \
    }
#define SPEC_STATE(label, kind, options)                                                           \
    {                                                                                              \
        .name = (label), .group = (kind), .keys = (options)                                        \
    }

static const struct fault_spec specs[SIM_FAULT_KINDS] = {
    [SIM_FAULT_REFUSED] = SPEC_STATE("refused", SIM_CLASS_LISTENER, 0),
    [SIM_FAULT_DROP_SYN] = SPEC_STATE("drop_syn", SIM_CLASS_LISTENER, 0),
    [SIM_FAULT_HANG] = SPEC_WIRE("hang", KEY_STAGE, SIM_STAGE_ACCEPT),
    [SIM_FAULT_RESET] = SPEC_WIRE("reset", KEY_STAGE, SIM_STAGE_ACCEPT),
    [SIM_FAULT_CLOSE] = SPEC_WIRE("close", KEY_STAGE, SIM_STAGE_ACCEPT),
    [SIM_FAULT_HALF_CLOSE] = SPEC_WIRE("half_close", KEY_STAGE, SIM_STAGE_BODY),
    [SIM_FAULT_GARBAGE] = SPEC_WIRE("garbage", KEY_BODY, SIM_STAGE_REQUEST),
    [SIM_FAULT_SLOW_HEADER] = SPEC_WIRE("slow_header", KEY_SECONDS | KEY_BYTES, SIM_STAGE_HEADER),
    [SIM_FAULT_SLOW_BODY] = SPEC_WIRE("slow_body", KEY_SECONDS | KEY_BYTES, SIM_STAGE_BODY),
    [SIM_FAULT_LATENCY] = SPEC_ANSWER("latency", KEY_SECONDS, 0),
    [SIM_FAULT_STATUS] = SPEC_ANSWER("status", KEY_STATUS | KEY_RETRY_AFTER | KEY_BODY, 500),
    [SIM_FAULT_QUEUE_FULL] = SPEC_ANSWER("queue_full", 0, 503),
    [SIM_FAULT_WRONG_BODY] = SPEC_ANSWER("wrong_body", KEY_BODY | KEY_STATUS, 200),
    [SIM_FAULT_BAD_JSON] = SPEC_ANSWER("bad_json", 0, 200),
    [SIM_FAULT_HUGE_BODY] = SPEC_ANSWER("huge_body", KEY_BYTES, 200),
    [SIM_FAULT_ENDLESS_BODY] = SPEC_ANSWER("endless_body", 0, 200),
    [SIM_FAULT_REDIRECT] = SPEC_ANSWER("redirect", KEY_LOCATION | KEY_STATUS, 302),
    [SIM_FAULT_REDIRECT_LOOP] = SPEC_ANSWER("redirect_loop", KEY_STATUS, 302),
    [SIM_FAULT_LOADING] = SPEC_STATE("loading", SIM_CLASS_STATE, 0),
    [SIM_FAULT_BUSY] = SPEC_STATE("busy", SIM_CLASS_STATE, KEY_SLOTS),
    [SIM_FAULT_WEDGE] = SPEC_STATE("wedge", SIM_CLASS_STATE, KEY_IN_FLIGHT),
    [SIM_FAULT_SLEEPING] = SPEC_STATE("sleeping", SIM_CLASS_STATE, 0),
    [SIM_FAULT_CPU_FALLBACK] = SPEC_STATE("cpu_fallback", SIM_CLASS_STATE, KEY_FRACTION),
    [SIM_FAULT_MODEL_MISSING] = SPEC_STATE("model_missing", SIM_CLASS_STATE, KEY_MODEL),
};

static const struct {
    const char *name;
    unsigned bit;
} option_keys[] = {
    {"stage", KEY_STAGE},       {"status", KEY_STATUS},       {"retry_after", KEY_RETRY_AFTER},
    {"seconds", KEY_SECONDS},   {"bytes", KEY_BYTES},         {"body", KEY_BODY},
    {"location", KEY_LOCATION}, {"fraction", KEY_FRACTION},   {"model", KEY_MODEL},
    {"slots", KEY_SLOTS},       {"in_flight", KEY_IN_FLIGHT}, {"paths", KEY_PATHS},
};
enum {
    OPTION_KEYS = sizeof option_keys / sizeof option_keys[0]
};

static const char *const window_keys[] = {
    "fault",
    "at",
    "for",
    "period",
    "duty",
    "after_requests",
    "for_requests",
    "every_requests",
    "burst_requests",
};
enum {
    WINDOW_KEYS = sizeof window_keys / sizeof window_keys[0]
};

static const char *const stage_names[] = {"accept", "request", "header", "body", NULL};

const char *sim_fault_name(enum sim_fault_kind kind)
{
    return specs[kind].name;
}

enum sim_fault_class sim_fault_class(enum sim_fault_kind kind)
{
    return specs[kind].group;
}

static int kind_of(struct sim_reader *reader, const cJSON *json, const char *where)
{
    const char *names[SIM_FAULT_KINDS + 1] = {NULL};
    for (int i = 0; i < SIM_FAULT_KINDS; i++)
        names[i] = specs[i].name;
    struct sim_object object;
    if (!sim_object_open(&object, reader, json, where, NULL))
        return -1;
    if (cJSON_GetObjectItemCaseSensitive(json, "fault") == NULL)
        sim_problem(reader, where, "found no key \"fault\", expected the fault's name there");
    return sim_get_choice(&object, "fault", names);
}

static void read_window(struct sim_object *object, struct sim_fault *fault)
{
    fault->at_ms = sim_get_seconds(object, "at", 0);
    fault->for_ms = sim_get_seconds(object, "for", SIM_NEVER);
    fault->period_ms = sim_get_seconds(object, "period", 0);
    fault->duty = sim_get_number(object, "duty", 0, 1, 0.5);
    fault->after = sim_get_integer(object, "after_requests", 0, largest_count, 0);
    fault->count = sim_get_integer(object, "for_requests", 0, largest_count, SIM_NEVER);
    fault->every = sim_get_integer(object, "every_requests", 1, largest_count, 0);
    fault->burst = sim_get_integer(object, "burst_requests", 0, largest_count, 1);
}

static void read_options(struct sim_object *object, const struct fault_spec *spec,
                         struct sim_fault *fault)
{
    int stage = sim_get_choice(object, "stage", stage_names);
    bool has_paths = fault->path_count > 0;
    fault->stage = spec->stage;
    if (stage >= 0)
        fault->stage = (enum sim_stage)stage;
    else if (has_paths && fault->stage == SIM_STAGE_ACCEPT)
        fault->stage = SIM_STAGE_REQUEST;
    if (has_paths && fault->stage == SIM_STAGE_ACCEPT)
        sim_problem(object->reader, object->where,
                    "found stage \"accept\" with paths, expected a later stage: no path is known "
                    "before the request");
    fault->status = (int)sim_get_integer(object, "status", 200, 599, spec->status);
    fault->retry_after = sim_get_number(object, "retry_after", 0, 1e6, -1);
    fault->interval_ms = sim_get_seconds(object, "seconds", spec->interval_ms);
    fault->bytes = sim_get_integer(object, "bytes", 1, INT64_C(1) << 50, spec->bytes);
    fault->fraction = sim_get_number(object, "fraction", 0, 1, 0);
    fault->slots = sim_get_integer(object, "slots", 1, 1024, 0);
    fault->in_flight = sim_get_bool(object, "in_flight", true);
}

static void free_fault(struct sim_fault *fault)
{
    sim_strings_free(fault->paths, fault->path_count);
    free(fault->text);
    free(fault->model);
}

bool sim_fault_parse(struct sim_reader *reader, const cJSON *json, const char *where,
                     struct sim_fault *out)
{
    size_t before = reader->count;
    int kind = kind_of(reader, json, where);
    if (kind < 0)
        return false;
    const struct fault_spec *spec = &specs[kind];
    const char *known[WINDOW_KEYS + OPTION_KEYS + 1] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < WINDOW_KEYS; i++)
        known[count++] = window_keys[i];
    for (size_t i = 0; i < OPTION_KEYS; i++) {
        if ((spec->keys & option_keys[i].bit) != 0)
            known[count++] = option_keys[i].name;
    }
    if (reader->count != before)
        return false;
    struct sim_object object;
    sim_object_open(&object, reader, json, where, known);
    struct sim_fault fault = {.kind = (enum sim_fault_kind)kind};
    fault.paths = sim_get_strings(&object, "paths", &fault.path_count);
    read_window(&object, &fault);
    read_options(&object, spec, &fault);
    const char *text = sim_get_string(&object, "body", sim_get_string(&object, "location", NULL));
    const char *model = sim_get_string(&object, "model", NULL);
    fault.text = text != NULL ? sim_strdup(text) : NULL;
    fault.model = model != NULL ? sim_strdup(model) : NULL;
    if (reader->count == before) {
        *out = fault;
        return true;
    }
    free_fault(&fault);
    return false;
}

static void append(struct sim_faults *faults, const struct sim_fault *fault)
{
    faults->items = sim_realloc(faults->items, (faults->count + 1) * sizeof *faults->items);
    faults->items[faults->count++] = *fault;
}

static void parse_list(struct sim_reader *reader, const cJSON *list, const char *where,
                       struct sim_faults *faults)
{
    int index = 0;
    for (const cJSON *item = list->child; item != NULL; item = item->next, index++) {
        char place[256];
        struct sim_fault fault;
        snprintf(place, sizeof place, "%.240s[%d]", where, index);
        if (sim_fault_parse(reader, item, place, &fault))
            append(faults, &fault);
    }
}

bool sim_faults_parse(struct sim_reader *reader, const cJSON *json, const char *where,
                      struct sim_faults *faults)
{
    struct sim_faults fresh = {0};
    size_t before = reader->count;
    struct sim_fault one;
    if (cJSON_IsArray(json))
        parse_list(reader, json, where, &fresh);
    else if (sim_fault_parse(reader, json, where, &one))
        append(&fresh, &one);
    if (reader->count == before && faults->count + fresh.count > MAX_FAULTS)
        sim_problem(reader, where, "found %zu faults, expected at most %d",
                    faults->count + fresh.count, MAX_FAULTS);
    if (reader->count != before) {
        sim_faults_free(&fresh);
        return false;
    }
    for (size_t i = 0; i < fresh.count; i++)
        append(faults, &fresh.items[i]);
    free(fresh.items);
    return true;
}

void sim_faults_free(struct sim_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        free_fault(&faults->items[i]);
    free(faults->items);
    *faults = (struct sim_faults){0};
}
