#include "route/table.h"

#include "core/error.h"
#include "core/options.h"
#include "health/forecast.h"
#include "route/approx.h"
#include "route/facts.h"

#include <stdio.h>
#include <string.h>

#define EXPERTS_MAX 60000

/* Steps of preference. */
#define TIER_STEP   0.5
#define MAINTENANCE (-6.0)
#define BLIND       8.0

/* What is usual where nothing is known. */
#define USUAL_BYTES     4.7e9
#define USUAL_FIRST_S   0.3
#define USUAL_ANSWER    300
#define USUAL_SERVICE_S 8.0
#define LOAD_BYTES      500e6 /* a second */
#define LOAD_OVERHEAD_S 1.0

uint64_t hl_route_hash(const char *text, size_t length)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * UINT64_C(1099511628211);
    /* Spreads the last bytes over all bits; 0 stands for none. */
    hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
    hash ^= hash >> 31;
    return hash ? hash : 1;
}

void hl_route_settings_read(struct hl_route_settings *settings, const homelab_opts *opts)
{
    *settings = (struct hl_route_settings){
        .top = (unsigned)hl_opt_int(opts, HL_OPT_ROUTER_TOP_K),
        .temperature = hl_opt_double(opts, HL_OPT_ROUTER_TEMPERATURE),
        .patience = hl_opt_double(opts, HL_OPT_ROUTER_PATIENCE),
        .breaker = {.failures = (unsigned)hl_opt_int(opts, HL_OPT_ROUTER_BREAKER_FAILURES),
                    .open_ms = hl_opt_int(opts, HL_OPT_ROUTER_BREAKER_OPEN_MS),
                    .max_ms = hl_opt_int(opts, HL_OPT_ROUTER_BREAKER_MAX_MS)},
        .affinity_ttl_ms = hl_opt_int(opts, HL_OPT_ROUTER_AFFINITY_TTL_MS),
        .affinity_band = hl_opt_double(opts, HL_OPT_ROUTER_AFFINITY_BAND),
        .connect_ms = hl_opt_int(opts, HL_OPT_ROUTER_CONNECT_MS),
        .first_byte_ms = hl_opt_int(opts, HL_OPT_ROUTER_FIRST_BYTE_MS),
        .stall_ms = hl_opt_int(opts, HL_OPT_ROUTER_STALL_MS),
        .total_ms = hl_opt_int(opts, HL_OPT_ROUTER_TOTAL_MS),
        .slow_load_bytes = (double)hl_opt_int(opts, HL_OPT_ROUTER_SLOW_LOAD_BYTES),
        .abstain_below = hl_opt_double(opts, HL_OPT_CLASSIFY_ABSTAIN_BELOW),
    };
}

struct hl_classifier *hl_classifier_ref(struct hl_classifier *classifier)
{
    if (classifier)
        atomic_fetch_add_explicit(&classifier->references, 1, memory_order_relaxed);
    return classifier;
}

void hl_classifier_unref(struct hl_classifier *classifier)
{
    if (!classifier ||
        atomic_fetch_sub_explicit(&classifier->references, 1, memory_order_acq_rel) != 1)
        return;
    if (classifier->destroy)
        classifier->destroy(classifier->userdata);
    hl_free(classifier);
}

/* --- Endpoints --- */

static bool serves_inference(int backend)
{
    return backend != HOMELAB_BACKEND_HTTP && backend != HOMELAB_BACKEND_TCP;
}

static float usual_slots(int backend)
{
    switch (backend) {
    case HOMELAB_BACKEND_OLLAMA:
    case HOMELAB_BACKEND_LLAMASWAP:
        return 2;
    case HOMELAB_BACKEND_VLLM:
    case HOMELAB_BACKEND_LITELLM:
        return 16;
    case HOMELAB_BACKEND_LMSTUDIO:
    case HOMELAB_BACKEND_TABBYAPI:
        return 1;
    default:
        return 4;
    }
}

/* The part of a declared path that OpenAI's paths follow: a reverse proxy's prefix and "/v1". */
static size_t api_prefix(const char *path)
{
    const char *version = strstr(path, "/v1");
    bool native = strncmp(path, "/api/", 5) == 0;
    bool whole = version && (version[3] == '\0' || version[3] == '/' || version[3] == '?');
    return whole && !native ? (size_t)(version - path) + 3 : 0;
}

static char *join(const char *base, const char *middle, size_t length, const char *end)
{
    size_t first = strlen(base), last = strlen(end);
    char *text = hl_malloc(first + length + last + 1);
    if (!text)
        return NULL;
    memcpy(text, base, first);
    memcpy(text + first, middle, length);
    memcpy(text + first + length, end, last + 1);
    return text;
}

static int make_urls(struct hl_endpoint_info *info)
{
    const struct hl_endpoint *endpoint = info->endpoint;
    size_t prefix = api_prefix(endpoint->path);
    const char *version = prefix ? endpoint->path : "/v1";
    size_t length = prefix ? prefix : 3;
    info->openai_base = join(endpoint->base, version, length, "");
    info->urls[HOMELAB_REQUEST_OPENAI_CHAT] =
        join(endpoint->base, version, length, "/chat/completions");
    info->urls[HOMELAB_REQUEST_OPENAI_EMBEDDINGS] =
        join(endpoint->base, version, length, "/embeddings");
    bool made = info->openai_base && info->urls[HOMELAB_REQUEST_OPENAI_CHAT] &&
                info->urls[HOMELAB_REQUEST_OPENAI_EMBEDDINGS];
    if (made && info->backend == HOMELAB_BACKEND_OLLAMA) {
        info->ollama_base = join(endpoint->base, "", 0, "");
        info->urls[HOMELAB_REQUEST_OLLAMA_CHAT] = join(endpoint->base, "", 0, "/api/chat");
        info->urls[HOMELAB_REQUEST_OLLAMA_EMBED] = join(endpoint->base, "", 0, "/api/embed");
        made = info->ollama_base && info->urls[HOMELAB_REQUEST_OLLAMA_CHAT] &&
               info->urls[HOMELAB_REQUEST_OLLAMA_EMBED];
    }
    return made ? HOMELAB_OK : hl_error_nomem();
}

static bool unusable(int verdict)
{
    return verdict == HOMELAB_VERDICT_DOWN || verdict == HOMELAB_VERDICT_WEDGED ||
           verdict == HOMELAB_VERDICT_MISCONFIGURED;
}

static int make_endpoint(struct hl_table *table, size_t i)
{
    struct hl_endpoint_info *info = &table->endpoints[i];
    struct hl_gate *gate = &table->gates[i];
    const struct hl_endpoint *endpoint = &table->data->endpoints[i];
    const homelab_snapshot *snapshot = table->snapshot;
    int at = snapshot ? homelab_snapshot_endpoint_find(snapshot, endpoint->id) : -1;
    info->endpoint = endpoint;
    info->tier = table->data->tiers[endpoint->tier].name;
    info->node = endpoint->node == HL_NONE ? NULL : table->data->nodes[endpoint->node].id;
    info->snapshot_index = at;
    info->backend = at >= 0 ? homelab_snapshot_endpoint_backend(snapshot, (size_t)at) : 0;
    if (info->backend == HOMELAB_BACKEND_AUTO)
        info->backend = endpoint->backend;
    info->verdict =
        at >= 0 ? homelab_snapshot_endpoint_verdict(snapshot, (size_t)at) : HOMELAB_VERDICT_UNKNOWN;
    info->cause = at >= 0 ? homelab_snapshot_endpoint_cause(snapshot, (size_t)at) : 0;
    int slots = at >= 0 ? homelab_snapshot_endpoint_slots(snapshot, (size_t)at) : -1;
    gate->slots = slots > 0 ? (float)slots : usual_slots(info->backend);
    gate->busy = info->verdict == HOMELAB_VERDICT_BUSY ? gate->slots : 0;
    gate->reject = unusable(info->verdict) ? HOMELAB_REJECT_VERDICT : 0;
    gate->id_hash = hl_route_hash(endpoint->id, strlen(endpoint->id));
    uint32_t line;
    int code = hl_ledger_take(table->ledger, endpoint->id, "", &line);
    if (code)
        return code;
    gate->line = (uint16_t)line;
    gate->live = hl_ledger_at(table->ledger, line);
    if (hl_get(&gate->live->service_s) <= 0)
        hl_put(&gate->live->service_s, USUAL_SERVICE_S);
    gate->generation = atomic_load_explicit(&gate->live->generation, memory_order_relaxed);
    return serves_inference(info->backend) ? make_urls(info) : HOMELAB_OK;
}

static double health_term(const struct hl_table *table, const struct hl_endpoint_info *info)
{
    int at = info->snapshot_index;
    if (at >= 0 && homelab_snapshot_endpoint_in_maintenance(table->snapshot, (size_t)at))
        return MAINTENANCE;
    switch (info->verdict) {
    case HOMELAB_VERDICT_UNKNOWN:
        return -1;
    case HOMELAB_VERDICT_LOADING:
        return -0.5;
    case HOMELAB_VERDICT_BUSY:
        return info->cause == HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT ? -2 : 0;
    case HOMELAB_VERDICT_DEGRADED:
        break;
    default:
        return 0;
    }
    switch (info->cause) {
    case HOMELAB_CAUSE_MODEL_MISSING:
        return -0.25;
    case HOMELAB_CAUSE_SLOW:
    case HOMELAB_CAUSE_CPU_FALLBACK:
        return -1;
    case HOMELAB_CAUSE_CANARY_FAILED:
        return -4;
    default:
        return -3;
    }
}

/* --- Models --- */

/* What is known of one expert while it is made. */
struct candidate {
    size_t endpoint;
    const char *name;
    bool listed; /* the endpoint reports it, or was not asked yet */
    int loaded;
    struct hl_model_facts facts;
    int64_t context, vram_bytes;
    double weight;
};

static bool concerns(const struct hl_model *model, size_t endpoint)
{
    if (!model->endpoint_count)
        return true;
    for (size_t i = 0; i < model->endpoint_count; i++)
        if (model->endpoints[i] == endpoint)
            return true;
    return false;
}

static const struct hl_model *declaration_of(const struct hl_table *table, size_t endpoint,
                                             const char *name)
{
    for (size_t i = 0; i < table->data->model_count; i++)
        if (hl_model_name_meets(name, table->data->models[i].name) &&
            concerns(&table->data->models[i], endpoint))
            return &table->data->models[i];
    return NULL;
}

static void declare(struct candidate *candidate, const struct hl_table *table)
{
    const struct hl_model *declared = declaration_of(table, candidate->endpoint, candidate->name);
    candidate->facts.name = candidate->name;
    candidate->facts.backend = table->endpoints[candidate->endpoint].backend;
    candidate->weight = table->data->endpoints[candidate->endpoint].weight;
    if (!declared)
        return;
    candidate->facts.declared = declared->abilities;
    candidate->facts.roles = declared->roles;
    candidate->weight *= declared->weight;
    if (candidate->facts.size_bytes <= 0)
        candidate->facts.size_bytes = declared->size_bytes;
    if (candidate->context <= 0)
        candidate->context = declared->context;
}

static struct candidate reported(const struct hl_table *table, size_t endpoint, size_t model)
{
    static const char *const abilities[] = {"completion", "embedding", "vision", "tools"};
    const homelab_snapshot *snapshot = table->snapshot;
    size_t at = (size_t)table->endpoints[endpoint].snapshot_index;
    struct candidate candidate = {
        .endpoint = endpoint,
        .name = homelab_snapshot_model_name(snapshot, at, model),
        .listed = true,
        .loaded = homelab_snapshot_model_loaded(snapshot, at, model),
        .facts.size_bytes = homelab_snapshot_model_size_bytes(snapshot, at, model),
        .context = homelab_snapshot_model_context(snapshot, at, model),
        .vram_bytes = homelab_snapshot_model_vram_bytes(snapshot, at, model),
    };
    for (size_t i = 0; i < sizeof abilities / sizeof *abilities; i++)
        if (homelab_snapshot_model_has(snapshot, at, model, abilities[i]))
            candidate.facts.reported |= 1u << i;
    if (candidate.facts.size_bytes < 0)
        candidate.facts.size_bytes = 0;
    declare(&candidate, table);
    return candidate;
}

static struct candidate declared_only(const struct hl_table *table, size_t endpoint,
                                      const char *name, bool listed)
{
    struct candidate candidate = {
        .endpoint = endpoint, .name = name, .listed = listed, .loaded = -1, .vram_bytes = -1};
    declare(&candidate, table);
    return candidate;
}

/* Where it stands in the task's list, counted from its end; 0: not in it. */
static double place(const struct hl_table *table, size_t task, const struct candidate *candidate)
{
    size_t count = table->data->route_count[task];
    for (size_t i = 0; i < count; i++) {
        const struct hl_choice *choice = &table->data->routes[task][i];
        if ((choice->endpoint == HL_NONE || choice->endpoint == candidate->endpoint) &&
            hl_model_name_meets(candidate->name, choice->model))
            return (double)(count - i);
    }
    return 0;
}

/* In steps: the list's last model is a step above all that are not named. */
static double preference(const struct hl_table *table, size_t task,
                         const struct candidate *candidate)
{
    double fit = hl_model_fit(&candidate->facts, (int)task);
    /* Talk of an image without one is no reason to reject, but to look elsewhere. */
    if (task == HL_CAP_VISION && !(hl_model_abilities(&candidate->facts) & HL_ABILITY_VISION))
        fit -= BLIND;
    if (table->data->route_count[task] == 0)
        return fit;
    double listed = place(table, task, candidate);
    return listed > 0 ? listed : fit < 6 ? fit - 6 : 0;
}

static uint32_t offers(const struct hl_table *table, const struct candidate *candidate)
{
    uint32_t abilities = hl_model_abilities(&candidate->facts), can = HL_CAN_OPENAI;
    if (abilities & HL_ABILITY_COMPLETION)
        can |= HL_CAN_CHAT;
    if (abilities & HL_ABILITY_EMBEDDING)
        can |= HL_CAN_EMBED;
    if (abilities & HL_ABILITY_VISION)
        can |= HL_CAN_VISION;
    bool may_call = can & HL_CAN_CHAT && !hl_tools_known(&candidate->facts);
    if (abilities & HL_ABILITY_TOOLS || may_call)
        can |= HL_CAN_TOOLS;
    if (table->endpoints[candidate->endpoint].ollama_base)
        can |= HL_CAN_OLLAMA;
    return can | (candidate->listed ? HL_CAN_SERVE : 0);
}

static double load_seconds(const struct hl_live *live, const struct candidate *candidate)
{
    double measured = hl_get(&live->load_s);
    if (measured > 0)
        return measured;
    double size =
        candidate->facts.size_bytes > 0 ? (double)candidate->facts.size_bytes : USUAL_BYTES;
    return LOAD_OVERHEAD_S + size / LOAD_BYTES;
}

static int64_t best_bandwidth(const struct hl_table *table, const struct hl_endpoint *endpoint)
{
    int64_t best = 0;
    if (endpoint->node == HL_NONE)
        return 0;
    const struct hl_node *node = &table->data->nodes[endpoint->node];
    for (size_t i = 0; i < node->gpu_count; i++)
        if (node->gpus[i].bandwidth_bytes > best)
            best = node->gpus[i].bandwidth_bytes;
    return best;
}

static bool is_gateway(const struct hl_table *table, size_t endpoint)
{
    return hl_is_gateway(table->data, endpoint, table->endpoints[endpoint].backend);
}

/* Sets what feedback has not told yet. */
static void estimate(const struct hl_table *table, struct hl_live *live,
                     const struct candidate *candidate)
{
    const struct hl_endpoint_info *info = &table->endpoints[candidate->endpoint];
    const struct hl_endpoint *endpoint = info->endpoint;
    bool placed = endpoint->node != HL_NONE;
    bool sleeps = info->cause == HOMELAB_CAUSE_SLEEPING;
    bool cold = candidate->loaded == 0 || sleeps || info->verdict == HOMELAB_VERDICT_LOADING;
    hl_put(&live->cold_s, cold ? load_seconds(live, candidate) : 0);
    hl_set_pace(live);
    if (atomic_load_explicit(&live->samples, memory_order_relaxed))
        return;
    struct hl_speed_facts facts = {
        .size_bytes = candidate->facts.size_bytes,
        .vram_bytes = candidate->loaded == 1 ? candidate->vram_bytes : -1,
        .bandwidth_bytes = best_bandwidth(table, endpoint),
        /* Without a node nothing says that there is none. */
        .gpu = !placed || table->data->nodes[endpoint->node].gpu_count > 0,
        .elsewhere = is_gateway(table, candidate->endpoint),
    };
    int64_t latency_us = info->snapshot_index >= 0
                             ? homelab_snapshot_endpoint_percentile_us(
                                   table->snapshot, (size_t)info->snapshot_index, 50)
                             : -1;
    double per_token = 1 / hl_expected_speed(&facts);
    hl_put(&live->per_token_s, per_token);
    hl_put(&live->first_byte_s, USUAL_FIRST_S + (latency_us > 0 ? (double)latency_us / 1e6 : 0));
    hl_put(&live->service_s, USUAL_FIRST_S + USUAL_ANSWER * per_token);
    hl_set_pace(live);
}

static size_t bare_length(const char *name)
{
    size_t length = strlen(name);
    return length > 7 && strcmp(name + length - 7, ":latest") == 0 ? length - 7 : length;
}

static int reserve(struct hl_table *table, size_t *capacity)
{
    if (table->count < *capacity)
        return HOMELAB_OK;
    if (table->count >= EXPERTS_MAX)
        return hl_error_set(HOMELAB_E_LIMIT, 0, "router", "router: more than %d experts",
                            EXPERTS_MAX);
    size_t wanted = *capacity ? 2 * *capacity : 16;
    struct hl_expert_info *info = hl_reallocarray(table->info, wanted, sizeof *info);
    if (!info)
        return hl_error_nomem();
    table->info = info;
    struct hl_expert *experts = hl_reallocarray(table->experts, wanted, sizeof *experts);
    if (!experts)
        return hl_error_nomem();
    table->experts = experts;
    *capacity = wanted;
    return HOMELAB_OK;
}

static int add_expert(struct hl_table *table, size_t *capacity, const struct candidate *candidate)
{
    int code = reserve(table, capacity);
    uint32_t line;
    const struct hl_endpoint_info *at = &table->endpoints[candidate->endpoint];
    if (!code)
        code = hl_ledger_take(table->ledger, at->endpoint->id, candidate->name, &line);
    if (code)
        return code;
    struct hl_live *live = hl_ledger_at(table->ledger, line);
    struct hl_expert *expert = &table->experts[table->count];
    struct hl_expert_info *info = &table->info[table->count++];
    *expert = (struct hl_expert){
        .can = offers(table, candidate),
        .context = candidate->context > 0 && candidate->context < UINT32_MAX
                       ? (uint32_t)candidate->context
                       : UINT32_MAX,
        .endpoint = (uint16_t)candidate->endpoint,
        .line = (uint16_t)line,
        .generation = atomic_load_explicit(&live->generation, memory_order_relaxed),
        .live = live,
    };
    *info = (struct hl_expert_info){
        .model = candidate->name,
        .model_hash = hl_route_hash(candidate->name, strlen(candidate->name)),
        .bare_hash = hl_route_hash(candidate->name, bare_length(candidate->name)),
        .size_bytes = candidate->facts.size_bytes,
        .loaded = candidate->loaded,
        .weight = (float)candidate->weight,
        .tier = (float)(-TIER_STEP * (double)at->endpoint->tier),
        .health = (float)health_term(table, at),
    };
    table->weighted |= candidate->weight < 1 || candidate->weight > 1;
    for (size_t task = 0; task < HL_CAP_COUNT; task++) {
        info->preference[task] = (float)preference(table, task, candidate);
        expert->base[task] = info->preference[task] + info->tier + info->health;
    }
    atomic_store_explicit(&live->parent, table->gates[candidate->endpoint].line,
                          memory_order_relaxed);
    estimate(table, live, candidate);
    return HOMELAB_OK;
}

/* Names that the inventory gives to models of this endpoint. */
static int add_declared(struct hl_table *table, size_t *capacity, size_t endpoint, size_t from,
                        bool listed)
{
    const struct hl_inventory_data *data = table->data;
    int code = HOMELAB_OK;
    for (size_t i = 0; i < data->model_count && !code; i++) {
        const struct hl_model *model = &data->models[i];
        bool met = false;
        for (size_t j = from; j < table->count && !met; j++)
            met = hl_model_name_meets(table->info[j].model, model->name);
        if (met || !model->endpoint_count || !concerns(model, endpoint))
            continue;
        struct candidate candidate = declared_only(table, endpoint, model->name, listed);
        code = add_expert(table, capacity, &candidate);
    }
    const struct hl_endpoint *at = &data->endpoints[endpoint];
    for (size_t i = 0; i < at->model_count && !code; i++) {
        bool met = false;
        for (size_t j = from; j < table->count && !met; j++)
            met = hl_model_name_meets(table->info[j].model, at->models[i]);
        if (met)
            continue;
        struct candidate candidate = declared_only(table, endpoint, at->models[i], listed);
        code = add_expert(table, capacity, &candidate);
    }
    return code;
}

static int add_experts(struct hl_table *table, size_t *capacity, size_t endpoint)
{
    const struct hl_endpoint_info *info = &table->endpoints[endpoint];
    if (!serves_inference(info->backend))
        return HOMELAB_OK;
    size_t from = table->count, count = 0;
    int code = HOMELAB_OK;
    if (info->snapshot_index >= 0)
        count = homelab_snapshot_model_count(table->snapshot, (size_t)info->snapshot_index);
    for (size_t i = 0; i < count && !code; i++) {
        struct candidate candidate = reported(table, endpoint, i);
        code = add_expert(table, capacity, &candidate);
    }
    if (!code)
        code = add_declared(table, capacity, endpoint, from, count == 0);
    if (!code && table->count > from)
        table->groups[table->group_count++] =
            (struct hl_group){(uint32_t)endpoint, (uint32_t)from, (uint32_t)table->count};
    return code;
}

/* Seconds of waiting that a step of preference is worth. */
static void set_rates(struct hl_table *table)
{
    static const double seconds[HL_CAP_COUNT] = {
        [HL_CAP_CODE] = 10,   [HL_CAP_REASON] = 20, [HL_CAP_CHAT] = 6,
        [HL_CAP_VISION] = 10, [HL_CAP_FAST] = 2,    [HL_CAP_EMBED] = 4};
    for (size_t task = 0; task < HL_CAP_COUNT; task++)
        table->rate[task] = (float)(1 / (seconds[task] * table->settings.patience));
}

/* Where padding has its counters. */
static const struct hl_live nobody;

static void find_first_groups(const struct hl_table *table, uint32_t *first_group)
{
    for (size_t g = 0; g < table->group_count; g++)
        for (uint32_t i = table->groups[g].from; i < table->groups[g].to; i++)
            if (i % HL_BLOCK == 0)
                first_group[i / HL_BLOCK] = (uint32_t)g;
}

static int make_columns(struct hl_table *table)
{
    struct hl_columns *columns = &table->columns;
    size_t stride = (table->count + HL_BLOCK) / HL_BLOCK * HL_BLOCK;
    size_t row = HL_TASKS * sizeof(float) + 3 * sizeof(int32_t) + sizeof(struct hl_live *);
    void *memory = hl_calloc(stride + 1, row);
    if (!memory)
        return hl_error_nomem();
    const struct hl_live **live =
        (const struct hl_live **)(((uintptr_t)memory + 15) & ~(uintptr_t)15);
    float *base = (float *)(void *)(live + stride);
    int32_t *cannot = (int32_t *)(void *)(base + HL_TASKS * stride), *context = cannot + stride;
    uint32_t *first_group = (uint32_t *)(void *)(context + stride);
    for (size_t i = 0; i < stride; i++) {
        const struct hl_expert *expert = i < table->count ? &table->experts[i] : NULL;
        live[i] = expert ? expert->live : &nobody;
        cannot[i] = expert ? (int32_t)~expert->can : -1;
        context[i] = expert && expert->context < INT32_MAX ? (int32_t)expert->context : INT32_MAX;
        for (size_t task = 0; expert && task < HL_TASKS; task++)
            base[task * stride + i] = expert->base[task];
    }
    find_first_groups(table, first_group);
    *columns = (struct hl_columns){memory, stride, base, cannot, context, live, first_group};
    return HOMELAB_OK;
}

static int fill(struct hl_table *table)
{
    size_t capacity = 0;
    table->endpoint_count = table->data->endpoint_count;
    table->endpoints = hl_calloc(table->endpoint_count + 1, sizeof *table->endpoints);
    table->gates = hl_calloc(table->endpoint_count + 1, sizeof *table->gates);
    table->groups = hl_calloc(table->endpoint_count + 1, sizeof *table->groups);
    if (!table->endpoints || !table->gates || !table->groups)
        return hl_error_nomem();
    if (table->endpoint_count > EXPERTS_MAX)
        return hl_error_set(HOMELAB_E_LIMIT, 0, "router", "router: more than %d endpoints",
                            EXPERTS_MAX);
    set_rates(table);
    hl_ledger_begin(table->ledger);
    int code = HOMELAB_OK;
    for (size_t i = 0; i < table->endpoint_count && !code; i++)
        code = make_endpoint(table, i);
    /* Ties go to the earlier one: better tier first, then the order of the file. */
    for (size_t tier = 0; tier < table->data->tier_count && !code; tier++)
        for (size_t i = 0; i < table->endpoint_count && !code; i++)
            if (table->data->endpoints[i].tier == tier)
                code = add_experts(table, &capacity, i);
    return code ? code : make_columns(table);
}

int hl_table_new(struct hl_table **out, struct hl_ledger *ledger, homelab_inventory *inventory,
                 homelab_snapshot *snapshot, struct hl_classifier *classifier,
                 const struct hl_route_settings *settings)
{
    struct hl_table *table = hl_calloc(1, sizeof *table);
    if (!table)
        return hl_error_nomem();
    atomic_init(&table->references, 1);
    table->ledger = hl_ledger_ref(ledger);
    table->inventory = homelab_inventory_ref(inventory);
    table->data = hl_inventory_data(inventory);
    table->snapshot = homelab_snapshot_ref(snapshot);
    table->classifier = hl_classifier_ref(classifier);
    table->settings = *settings;
    int code = fill(table);
    if (code) {
        struct hl_error error;
        hl_error_save(&error);
        hl_table_unref(table);
        return hl_error_restore(&error);
    }
    hl_error_clear();
    *out = table;
    return HOMELAB_OK;
}

struct hl_table *hl_table_ref(struct hl_table *table)
{
    atomic_fetch_add_explicit(&table->references, 1, memory_order_relaxed);
    return table;
}

void hl_table_unref(struct hl_table *table)
{
    if (!table || atomic_fetch_sub_explicit(&table->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; table->endpoints && i < table->endpoint_count; i++) {
        hl_free(table->endpoints[i].openai_base);
        hl_free(table->endpoints[i].ollama_base);
        for (size_t kind = 0; kind < HL_KINDS; kind++)
            hl_free(table->endpoints[i].urls[kind]);
    }
    hl_free(table->endpoints);
    hl_free(table->gates);
    hl_free(table->groups);
    hl_free(table->experts);
    hl_free(table->columns.memory);
    hl_free(table->info);
    hl_classifier_unref(table->classifier);
    homelab_snapshot_unref(table->snapshot);
    homelab_inventory_unref(table->inventory);
    hl_ledger_unref(table->ledger);
    hl_free(table);
}
