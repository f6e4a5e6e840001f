/* Reading a decision. */
#include "route/router_private.h"

#include "core/error.h"
#include "route/splice.h"

/* Room for tables that grow afterwards. */
#define ROOM_LEAST 256

/* A load may need so long before a byte is read. */
#define LOAD_MARGIN_MS 30000
#define USUAL_BYTES    4.7e9
#define TRIAL_MS       500

int homelab_decision_new(homelab_decision **out, homelab_router *router)
{
    HL_API(router ? router->allocator : NULL);
    if (!out || !router)
        return hl_error_argument(out ? "router" : "out",
                                 out ? "a router" : "a place for the result");
    size_t count = 2 * homelab_router_expert_count(router);
    size_t room = count > ROOM_LEAST ? count : ROOM_LEAST;
    homelab_decision *decision = hl_calloc(1, sizeof *decision + room);
    if (!decision)
        return hl_error_nomem();
    decision->allocator = router->allocator;
    decision->room = room;
    *out = decision;
    return HOMELAB_OK;
}

void homelab_decision_free(homelab_decision *decision)
{
    if (!decision)
        return;
    hl_table_unref(decision->table);
    hl_free(decision);
}

/* --- The whole --- */

static bool has(const homelab_decision *decision, size_t i)
{
    return decision && decision->decided && i < decision->verdict.count;
}

int homelab_decision_task(const homelab_decision *decision)
{
    return decision && decision->decided ? hl_task_of_capability(decision->errand.task)
                                         : HOMELAB_TASK_NONE;
}

const char *homelab_decision_task_source(const homelab_decision *decision)
{
    static const char *const names[] = {[HL_TASK_DEFAULT] = "default",
                                        [HL_TASK_REQUEST] = "request",
                                        [HL_TASK_RULE] = "rule",
                                        [HL_TASK_CALLBACK] = "callback",
                                        [HL_TASK_CLASSIFIER] = "classifier"};
    return decision && decision->decided ? names[decision->errand.source] : NULL;
}

bool homelab_decision_mixed(const homelab_decision *decision)
{
    return decision && decision->decided && decision->errand.mixed;
}

double homelab_decision_probability(const homelab_decision *decision, int task)
{
    int capability = hl_capability_of_task(task);
    if (!decision || !decision->decided || capability < 0)
        return 0;
    return (double)decision->errand.probability[capability];
}

int64_t homelab_decision_context(const homelab_decision *decision)
{
    return decision && decision->decided ? (int64_t)decision->errand.context : 0;
}

int64_t homelab_decision_generation(const homelab_decision *decision)
{
    if (!decision || !decision->table || !decision->table->snapshot)
        return 0;
    return homelab_snapshot_generation(decision->table->snapshot);
}

size_t homelab_decision_count(const homelab_decision *decision)
{
    return decision && decision->decided ? decision->verdict.count : 0;
}

size_t homelab_decision_eligible(const homelab_decision *decision)
{
    return decision && decision->decided ? decision->verdict.eligible : 0;
}

/* --- Candidates --- */

struct hl_candidate hl_candidate_of(const homelab_decision *decision, size_t i)
{
    struct hl_candidate candidate = decision->verdict.top[i];
    if (!decision->explained)
        hl_candidate_detail(&candidate, decision->table, &decision->errand);
    return candidate;
}

const char *homelab_decision_endpoint(const homelab_decision *decision, size_t i)
{
    return has(decision, i) ? hl_endpoint_of(decision, i)->endpoint->id : NULL;
}

const char *homelab_decision_model(const homelab_decision *decision, size_t i)
{
    return has(decision, i) ? hl_info_of(decision, i)->model : NULL;
}

int homelab_decision_dialect(const homelab_decision *decision, size_t i)
{
    if (!has(decision, i))
        return 0;
    switch (decision->errand.kind) {
    case HOMELAB_REQUEST_OLLAMA_CHAT:
    case HOMELAB_REQUEST_OLLAMA_EMBED:
        return HOMELAB_DIALECT_OLLAMA;
    case HOMELAB_REQUEST_TEXT:
        /* Vectors are to have one shape, whoever makes them. */
        if (decision->errand.needs & HL_CAN_EMBED)
            return HOMELAB_DIALECT_OPENAI;
        return hl_endpoint_of(decision, i)->ollama_base ? HOMELAB_DIALECT_OLLAMA
                                                        : HOMELAB_DIALECT_OPENAI;
    default:
        return HOMELAB_DIALECT_OPENAI;
    }
}

const char *homelab_decision_url(const homelab_decision *decision, size_t i)
{
    if (!has(decision, i))
        return NULL;
    int kind = decision->errand.kind;
    bool ollama = homelab_decision_dialect(decision, i) == HOMELAB_DIALECT_OLLAMA;
    if (kind == HOMELAB_REQUEST_TEXT && decision->errand.needs & HL_CAN_EMBED)
        kind = HOMELAB_REQUEST_OPENAI_EMBEDDINGS;
    else if (kind == HOMELAB_REQUEST_TEXT)
        kind = ollama ? HOMELAB_REQUEST_OLLAMA_CHAT : HOMELAB_REQUEST_OPENAI_CHAT;
    return hl_endpoint_of(decision, i)->urls[kind];
}

const char *homelab_decision_base_url(const homelab_decision *decision, size_t i)
{
    if (!has(decision, i))
        return NULL;
    const struct hl_endpoint_info *info = hl_endpoint_of(decision, i);
    return homelab_decision_dialect(decision, i) == HOMELAB_DIALECT_OLLAMA ? info->ollama_base
                                                                           : info->openai_base;
}

int homelab_decision_backend(const homelab_decision *decision, size_t i)
{
    return has(decision, i) ? hl_endpoint_of(decision, i)->backend : HOMELAB_BACKEND_AUTO;
}

const char *homelab_decision_tier(const homelab_decision *decision, size_t i)
{
    return has(decision, i) ? hl_endpoint_of(decision, i)->tier : NULL;
}

const char *homelab_decision_node(const homelab_decision *decision, size_t i)
{
    return has(decision, i) ? hl_endpoint_of(decision, i)->node : NULL;
}

const char *homelab_decision_key_reference(const homelab_decision *decision, size_t i)
{
    return has(decision, i) ? hl_endpoint_of(decision, i)->endpoint->api_key : NULL;
}

double homelab_decision_weight(const homelab_decision *decision, size_t i)
{
    return has(decision, i) ? hl_candidate_weight(&decision->verdict, decision->table, (uint32_t)i)
                            : 0;
}

double homelab_decision_score(const homelab_decision *decision, size_t i)
{
    return has(decision, i) ? (double)decision->verdict.top[i].score : 0;
}

double homelab_decision_load_s(const homelab_decision *decision, size_t i)
{
    return has(decision, i) ? (double)hl_candidate_of(decision, i).load_s : 0;
}

int homelab_decision_loaded(const homelab_decision *decision, size_t i)
{
    return has(decision, i) ? hl_info_of(decision, i)->loaded : -1;
}

bool homelab_decision_sticky(const homelab_decision *decision, size_t i)
{
    return has(decision, i) && decision->verdict.top[i].sticky;
}

bool homelab_decision_trial(const homelab_decision *decision, size_t i)
{
    return has(decision, i) && decision->verdict.top[i].trial;
}

/* --- Terms --- */

const char *homelab_term_name(int term)
{
    static const char *const names[HOMELAB_TERM_COUNT] = {[HOMELAB_TERM_PREFERENCE] = "preference",
                                                          [HOMELAB_TERM_TIER] = "tier",
                                                          [HOMELAB_TERM_HEALTH] = "health",
                                                          [HOMELAB_TERM_LOAD] = "load",
                                                          [HOMELAB_TERM_QUEUE] = "queue",
                                                          [HOMELAB_TERM_LATENCY] = "latency",
                                                          [HOMELAB_TERM_SPEED] = "speed"};
    return term >= 0 && term < HOMELAB_TERM_COUNT ? names[term] : NULL;
}

static double preference_of(const struct hl_errand *errand, const struct hl_expert_info *info)
{
    if (!errand->mixed)
        return (double)info->preference[errand->task];
    double sum = 0;
    for (size_t task = 0; task < HL_CAP_COUNT; task++)
        sum += (double)(errand->probability[task] * info->preference[task]);
    return sum;
}

double hl_candidate_term(const homelab_decision *decision, size_t i, int term)
{
    struct hl_candidate candidate = hl_candidate_of(decision, i);
    const struct hl_expert_info *info = hl_info_of(decision, i);
    double rate = (double)decision->verdict.rate;
    switch (term) {
    case HOMELAB_TERM_PREFERENCE:
        return preference_of(&decision->errand, info);
    case HOMELAB_TERM_TIER:
        return (double)info->tier;
    case HOMELAB_TERM_HEALTH:
        return (double)info->health - (candidate.trial ? 1 : 0);
    case HOMELAB_TERM_LOAD:
        return -rate * (double)candidate.load_s;
    case HOMELAB_TERM_QUEUE:
        return -rate * (double)candidate.queue_s;
    case HOMELAB_TERM_LATENCY:
        return -rate * (double)candidate.first_s;
    case HOMELAB_TERM_SPEED:
        return -rate * (double)candidate.answer_s;
    default:
        return 0;
    }
}

double homelab_decision_term(const homelab_decision *decision, size_t i, int term)
{
    return has(decision, i) ? hl_candidate_term(decision, i, term) : 0;
}

/* --- Time-outs --- */

int64_t homelab_decision_connect_ms(const homelab_decision *decision, size_t i)
{
    return has(decision, i) ? decision->table->settings.connect_ms : 0;
}

/* What is not known to be loaded may have to be: unloading takes a server a moment only. */
int64_t hl_candidate_first_byte_ms(const homelab_decision *decision, size_t i)
{
    const struct hl_route_settings *settings = &decision->table->settings;
    const struct hl_expert_info *info = hl_info_of(decision, i);
    struct hl_candidate candidate = hl_candidate_of(decision, i);
    double wait_s = (double)(candidate.queue_s + candidate.first_s);
    int64_t limit_ms = settings->first_byte_ms + (int64_t)(1000 * wait_s);
    if (candidate.load_s <= 0 && info->loaded == 1)
        return limit_ms;
    double bytes = info->size_bytes > 0 ? (double)info->size_bytes : USUAL_BYTES;
    double load_s = bytes / settings->slow_load_bytes;
    if (load_s < 3 * (double)candidate.load_s)
        load_s = 3 * (double)candidate.load_s;
    return limit_ms + LOAD_MARGIN_MS + (int64_t)(1000 * load_s);
}

int64_t homelab_decision_first_byte_ms(const homelab_decision *decision, size_t i)
{
    return has(decision, i) ? hl_candidate_first_byte_ms(decision, i) : 0;
}

int64_t homelab_decision_stall_ms(const homelab_decision *decision, size_t i)
{
    return has(decision, i) ? decision->table->settings.stall_ms : 0;
}

int64_t homelab_decision_total_ms(const homelab_decision *decision, size_t i)
{
    return has(decision, i) ? decision->table->settings.total_ms : 0;
}

int64_t hl_candidate_pause_ms(const homelab_decision *decision, size_t i)
{
    const struct hl_expert *expert = hl_expert_of(decision, i);
    const struct hl_live *lines[] = {expert->live, decision->table->gates[expert->endpoint].live};
    int64_t now_ms = hl_route_now_ms(), most_ms = 0;
    for (size_t j = 0; j < 2; j++) {
        uint64_t word = atomic_load_explicit(&lines[j]->breaker, memory_order_relaxed);
        enum hl_breaker_state state = hl_breaker_state(word, now_ms);
        if (state == HL_BREAKER_CLOSED || state == HL_BREAKER_READY)
            continue;
        if (!hl_breaker_is_pause(word))
            return -1;
        /* How long another one's trial takes nobody knows. */
        int64_t wait_ms =
            state == HL_BREAKER_TRIAL ? TRIAL_MS : hl_breaker_until_ms(word, now_ms) - now_ms;
        most_ms = wait_ms > most_ms ? wait_ms : most_ms;
    }
    return most_ms;
}

char *homelab_decision_rewrite(const homelab_decision *decision, size_t i, const char *text,
                               size_t length)
{
    HL_API(decision ? decision->allocator : NULL);
    struct hl_body_shape shape;
    if (!has(decision, i) || !text) {
        hl_error_argument(text ? "i" : "text", text ? "a candidate of the decision" : "a body");
        return NULL;
    }
    if (hl_body_shape(&shape, text, length) != HOMELAB_OK)
        return NULL;
    struct hl_buf out;
    hl_buf_init(&out, length + HL_SPLICE_ROOM);
    hl_body_splice(&out, &shape, text, length, homelab_decision_model(decision, i));
    return hl_buf_take(&out);
}

/* --- The rejected --- */

size_t homelab_decision_reject_count(const homelab_decision *decision, int reject)
{
    if (!decision || !decision->decided || reject < 0 || reject > HOMELAB_REJECT_BREAKER)
        return 0;
    return decision->verdict.rejected[reject];
}

static size_t listed(const homelab_decision *decision)
{
    if (!decision || !decision->decided || !decision->explained)
        return 0;
    return decision->table->count < decision->room ? decision->table->count : decision->room;
}

size_t homelab_decision_rejected_count(const homelab_decision *decision)
{
    size_t count = 0, all = listed(decision);
    for (size_t i = 0; i < all; i++)
        count += decision->why[i] != 0;
    return count;
}

/* Index of the i-th rejected expert, or HL_NONE. */
static size_t rejected_at(const homelab_decision *decision, size_t i)
{
    size_t all = listed(decision);
    for (size_t at = 0; at < all; at++)
        if (decision->why[at] && i-- == 0)
            return at;
    return HL_NONE;
}

const char *homelab_decision_rejected_endpoint(const homelab_decision *decision, size_t i)
{
    size_t at = rejected_at(decision, i);
    if (at == HL_NONE)
        return NULL;
    const struct hl_table *table = decision->table;
    return table->endpoints[table->experts[at].endpoint].endpoint->id;
}

const char *homelab_decision_rejected_model(const homelab_decision *decision, size_t i)
{
    size_t at = rejected_at(decision, i);
    return at == HL_NONE ? NULL : decision->table->info[at].model;
}

int homelab_decision_rejected_why(const homelab_decision *decision, size_t i)
{
    size_t at = rejected_at(decision, i);
    return at == HL_NONE ? 0 : decision->why[at];
}

int64_t homelab_decision_retry_ms(const homelab_decision *decision)
{
    return decision && decision->decided ? decision->verdict.retry_ms : -1;
}
