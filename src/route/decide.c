/* The decision: one pass over the experts. */
#include "route/approx.h"
#include "route/best.h"

#include <string.h>
#include <time.h>

/* Requests at work slow each other down a little before all slots are taken. */
#define SHARING      0.05f
/* A trial may well fail. */
#define TRIAL_POINTS 1.0f
#define INFINITE_S   1e36f /* of waiting, whatever a second costs */

int64_t hl_route_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- Filters --- */

static bool is_excluded(const struct hl_errand *errand, const struct hl_gate *gate)
{
    for (size_t i = 0; i < errand->excluded_count; i++)
        if (errand->excluded[i] == gate->id_hash)
            return true;
    return false;
}

/* What the endpoint says to this request, for all its models. */
struct door {
    float queue_s;
    uint8_t reject; /* that comes before what the expert says, or after it */
    bool trial;
};

/* Seconds until a slot is free, as far as is known. */
static float queue_of(const struct hl_gate *gate, uint32_t ours)
{
    float service_s = hl_get(&gate->live->service_s);
    float at_work = (float)ours > gate->busy ? (float)ours : gate->busy;
    float waiting = at_work + 1 - gate->slots;
    float turns = waiting > 0 ? waiting / gate->slots : 0;
    return service_s * (turns + SHARING * at_work / gate->slots);
}

static inline float queue_seconds(const struct hl_gate *gate)
{
    uint32_t ours = atomic_load_explicit(&gate->live->in_flight, memory_order_relaxed);
    return ours == 0 && gate->busy <= 0 ? 0 : queue_of(gate, ours);
}

static inline uint64_t breaker_word(const struct hl_live *live)
{
    return atomic_load_explicit(&live->breaker, memory_order_relaxed);
}

static bool breaker_lets(const struct hl_live *live, enum hl_heed heed, int64_t now_ms, bool *trial)
{
    uint64_t word = breaker_word(live);
    if (!word)
        return true;
    enum hl_breaker_state state = hl_breaker_state(word, now_ms);
    if (heed == HL_HEED_FAILURES && hl_breaker_is_pause(word))
        return true;
    *trial |= state == HL_BREAKER_READY;
    return state == HL_BREAKER_CLOSED || state == HL_BREAKER_READY;
}

static inline struct door open_door(const struct hl_gate *gate, const struct hl_errand *errand,
                                    enum hl_heed heed, int64_t now_ms)
{
    struct door door = {.queue_s = queue_seconds(gate), .reject = gate->reject};
    if (errand->excluded_count && is_excluded(errand, gate))
        door.reject = HOMELAB_REJECT_EXCLUDED;
    else if (errand->pin_endpoint && errand->pin_endpoint != gate->id_hash)
        door.reject = HOMELAB_REJECT_PIN;
    else if (heed && !door.reject && !breaker_lets(gate->live, heed, now_ms, &door.trial))
        door.reject = HOMELAB_REJECT_BREAKER;
    return door;
}

static uint8_t missing(uint32_t lacks)
{
    if (lacks & (HL_CAN_CHAT | HL_CAN_EMBED | HL_CAN_VISION | HL_CAN_TOOLS))
        return HOMELAB_REJECT_CAPABILITY;
    return lacks & HL_CAN_SERVE ? HOMELAB_REJECT_MISSING : HOMELAB_REJECT_DIALECT;
}

static bool suits(const struct hl_expert *expert, const struct hl_errand *errand)
{
    return !(errand->needs & ~expert->can) && expert->context >= errand->context;
}

static bool is_pinned(const struct hl_expert_info *info, const struct hl_errand *errand)
{
    return errand->pin_model == info->model_hash || errand->pin_model == info->bare_hash;
}

/* The first filter that applies, of an expert that some filter rejects. */
static uint8_t reason(const struct hl_table *table, size_t i, const struct hl_errand *errand,
                      const struct door *door)
{
    const struct hl_expert *expert = &table->experts[i];
    const struct hl_expert_info *info = &table->info[i];
    uint32_t lacks = errand->needs & ~expert->can;
    if (door->reject == HOMELAB_REJECT_EXCLUDED || door->reject == HOMELAB_REJECT_PIN)
        return door->reject;
    if (errand->pin_model && !is_pinned(info, errand))
        return HOMELAB_REJECT_PIN;
    if (lacks)
        return missing(lacks);
    if (expert->context < errand->context)
        return HOMELAB_REJECT_CONTEXT;
    return door->reject ? door->reject : HOMELAB_REJECT_BREAKER;
}

/* Whether it passes what is not looked at while all is well. */
static bool passes_more(const struct hl_table *table, size_t i, const struct hl_errand *errand,
                        enum hl_heed heed, int64_t now_ms, bool *trial)
{
    if (errand->pin_model && !is_pinned(&table->info[i], errand))
        return false;
    return breaker_lets(table->experts[i].live, heed, now_ms, trial);
}

static bool lets(const struct hl_table *table, size_t i, const struct hl_errand *errand,
                 const struct door *door, enum hl_heed heed, int64_t now_ms)
{
    bool trial = false;
    if (door->reject || !suits(&table->experts[i], errand))
        return false;
    return (!heed && !errand->pin_model) || passes_more(table, i, errand, heed, now_ms, &trial);
}

/* When the first expert that only its failures exclude may be tried again. */
static void find_retry(struct hl_verdict *out, const struct hl_table *table, size_t i,
                       int64_t now_ms)
{
    const struct hl_expert *expert = &table->experts[i];
    const struct hl_live *lines[] = {expert->live, table->gates[expert->endpoint].live};
    int64_t until_ms = 0;
    for (size_t j = 0; j < 2; j++) {
        int64_t until = hl_breaker_until_ms(breaker_word(lines[j]), now_ms);
        until_ms = until > until_ms ? until : until_ms;
    }
    int64_t wait_ms = until_ms > now_ms ? until_ms - now_ms : 0;
    if (out->retry_ms < 0 || wait_ms < out->retry_ms)
        out->retry_ms = wait_ms;
}

static void to_front(struct hl_verdict *out, uint32_t from)
{
    struct hl_candidate chosen = out->top[from];
    for (; from > 0; from--)
        out->top[from] = out->top[from - 1];
    out->top[0] = chosen;
}

/* --- Affinity --- */

/* The expert that the key is bound to goes first, also where others are better now. */
static void keep(struct hl_verdict *out, unsigned top, const struct hl_candidate *bound)
{
    uint32_t at = 0;
    while (at < out->count && out->top[at].expert != bound->expert)
        at++;
    if (at == out->count) {
        at = out->count < top ? out->count++ : top - 1;
        out->top[at] = *bound;
    }
    out->top[at].sticky = true;
    to_front(out, at);
}

/* Weighted rendezvous: each expert draws a number from key and name, the best one wins; so a key
 * moves only if its own expert goes, and each process draws the same. */
static double draw(const struct hl_table *table, uint32_t expert, uint64_t key)
{
    const struct hl_expert_info *info = &table->info[expert];
    uint64_t mixed =
        key ^ info->model_hash * 3 ^ table->gates[table->experts[expert].endpoint].id_hash;
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    mixed ^= mixed >> 31;
    double unit = ((double)(mixed >> 11) + 0.5) / 9007199254740992.0;
    return hl_log2(unit) / (double)info->weight;
}

static void spread(struct hl_verdict *out, const struct hl_table *table, uint64_t key)
{
    float least = out->top[0].score - (float)table->settings.affinity_band;
    uint32_t chosen = 0;
    double best = draw(table, out->top[0].expert, key);
    for (uint32_t i = 1; i < out->count && out->top[i].score >= least; i++) {
        double drawn = draw(table, out->top[i].expert, key);
        if (drawn <= best)
            continue;
        best = drawn;
        chosen = i;
    }
    to_front(out, chosen);
}

/* --- Shares and reasons, for those who ask --- */

double hl_candidate_weight(const struct hl_verdict *verdict, const struct hl_table *table,
                           uint32_t i)
{
    double best = (double)verdict->top[0].score, sum = 0, own = 0;
    for (uint32_t j = 1; j < verdict->count; j++)
        best = (double)verdict->top[j].score > best ? (double)verdict->top[j].score : best;
    for (uint32_t j = 0; j < verdict->count; j++) {
        double cold = ((double)verdict->top[j].score - best) / table->settings.temperature;
        double weight = hl_exp(cold) * (double)table->info[verdict->top[j].expert].weight;
        sum += weight;
        own = j == i ? weight : own;
    }
    return own / sum;
}

void hl_candidate_detail(struct hl_candidate *candidate, const struct hl_table *table,
                         const struct hl_errand *errand)
{
    const struct hl_expert *expert = &table->experts[candidate->expert];
    candidate->load_s = hl_get(&expert->live->cold_s);
    candidate->first_s = hl_get(&expert->live->first_byte_s);
    candidate->answer_s = (float)errand->answer * hl_get(&expert->live->per_token_s);
    candidate->queue_s = queue_seconds(&table->gates[expert->endpoint]);
}

static void explain(struct hl_verdict *out, const struct hl_table *table,
                    const struct hl_errand *errand, enum hl_heed heed, int64_t now_ms, uint8_t *why,
                    size_t room)
{
    for (size_t g = 0; g < table->group_count; g++) {
        const struct hl_group *group = &table->groups[g];
        struct door door = open_door(&table->gates[group->endpoint], errand, heed, now_ms);
        for (uint32_t i = group->from; i < group->to; i++) {
            uint8_t rejected =
                lets(table, i, errand, &door, heed, now_ms) ? 0 : reason(table, i, errand, &door);
            if (why && i < room)
                why[i] = rejected;
            out->rejected[rejected] += rejected > 0;
            if (rejected == HOMELAB_REJECT_BREAKER)
                find_retry(out, table, i, now_ms);
        }
    }
}

/* --- The decision --- */

static float rate_of(const struct hl_table *table, const struct hl_errand *errand)
{
    if (!errand->mixed)
        return table->rate[errand->task];
    float rate = 0;
    for (size_t task = 0; task < HL_CAP_COUNT; task++)
        rate += table->rate[task] * errand->probability[task];
    return rate;
}

static inline const hl_four_floats *points_of(const struct hl_columns *columns, size_t task,
                                              size_t at)
{
    return (const hl_four_floats *)(const void *)(columns->base + task * columns->stride + at);
}

/* What four experts wait for. */
static inline hl_four_floats waiting(const struct hl_live *const live[4], float answer)
{
    typedef uint64_t two __attribute__((vector_size(16)));
    hl_four_floats a = (hl_four_floats)(two){hl_get_pace(live[0]), hl_get_pace(live[1])};
    hl_four_floats b = (hl_four_floats)(two){hl_get_pace(live[2]), hl_get_pace(live[3])};
    hl_four_floats first = __builtin_shufflevector(a, b, 0, 2, 4, 6);
    hl_four_floats token = __builtin_shufflevector(a, b, 1, 3, 5, 7);
    return first + answer * token;
}

/* Of the block's experts, where no task is sure. */
static void mix_points(hl_four_floats points[HL_QUADS], const struct hl_block *block,
                       const struct hl_columns *columns, const struct hl_errand *errand)
{
    for (size_t i = 0; 4 * i < block->count; i++) {
        points[i] = (hl_four_floats){0};
        for (size_t task = 0; task < HL_CAP_COUNT; task++)
            points[i] += points_of(columns, task, block->from)[i] * errand->probability[task];
    }
}

/* doors: what the block's experts wait for before they begin. Returns how many pass. */
static uint32_t score(struct hl_block *block, const struct hl_table *table,
                      const struct hl_errand *errand, float rate,
                      const hl_four_floats doors[HL_QUADS])
{
    const struct hl_columns *columns = &table->columns;
    const hl_four *cannot = (const hl_four *)(const void *)(columns->cannot + block->from);
    const hl_four *context = (const hl_four *)(const void *)(columns->context + block->from);
    const hl_four_floats *points = points_of(columns, (size_t)errand->task, block->from);
    hl_four_floats mixed[HL_QUADS];
    const struct hl_live *const *live = columns->live + block->from;
    const hl_four never = (hl_four)((hl_four_floats){0} - HL_NEVER);
    float answer = (float)errand->answer;
    int32_t needs = (int32_t)errand->needs;
    int32_t least = errand->context < INT32_MAX ? (int32_t)errand->context - 1 : INT32_MAX - 1;
    hl_four passed = {0};
    if (errand->mixed) {
        mix_points(mixed, block, columns, errand);
        points = mixed;
    }
    for (size_t i = 0; 4 * i < block->count; i++) {
        hl_four_floats sum = points[i] - rate * (doors[i] + waiting(live + 4 * i, answer));
        hl_four fits = ((cannot[i] & needs) == 0) & (context[i] > least) & (sum > -HL_NEVER / 2);
        passed -= fits;
        block->quad[i] = ((hl_four)sum & fits) | (never & ~fits);
    }
    return (uint32_t)(passed[0] + passed[1] + passed[2] + passed[3]);
}

/* At what is nothing to see while all is well. Returns how many fall out. */
static uint32_t look_closer(struct hl_block *block, const struct hl_table *table,
                            const struct hl_errand *errand, enum hl_heed heed, int64_t now_ms)
{
    const struct hl_live *const *live = table->columns.live + block->from;
    uint32_t out = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        bool trial = block->trials >> i & 1;
        bool plain = !trial && !errand->pin_model && !breaker_word(live[i]);
        if (plain || !hl_is_score(block->score[i]))
            continue;
        if (!passes_more(table, block->from + i, errand, heed, now_ms, &trial)) {
            block->score[i] = -HL_NEVER;
            out++;
        } else if (trial) {
            block->score[i] -= TRIAL_POINTS;
            block->trials |= UINT64_C(1) << i;
        }
    }
    return out;
}

static inline uint64_t bits(uint32_t from, uint32_t to)
{
    return (UINT64_MAX >> (HL_BLOCK - (to - from))) << from;
}

/* What the experts of the block wait for before they begin, from their endpoints. Four at a time:
 * what is too much is overwritten by the next group. */
static void find_doors(float doors[HL_BLOCK + 4], struct hl_block *block,
                       const struct hl_table *table, const struct hl_errand *errand,
                       enum hl_heed heed, int64_t now_ms)
{
    const struct hl_group *group =
        &table->groups[table->columns.first_group[block->from / HL_BLOCK]];
    /* In locals, since the copies below might change the block for all that the compiler knows. */
    uint32_t from = block->from, count = block->count;
    uint64_t trials = 0;
    for (uint32_t at = 0; at < count; group++) {
        struct door door = open_door(&table->gates[group->endpoint], errand, heed, now_ms);
        float wait_s = door.reject ? INFINITE_S : door.queue_s;
        uint32_t left = group->to - from, to = left < count ? left : count;
        if (door.trial)
            trials |= bits(at, to);
        for (; at < to; at += 4)
            memcpy(doors + at, (float[4]){wait_s, wait_s, wait_s, wait_s}, 4 * sizeof wait_s);
        at = to;
    }
    block->trials = trials;
}

/* The number of the expert with that line, or UINT32_MAX. */
static uint32_t expert_on(const struct hl_table *table, int32_t line)
{
    for (uint32_t i = 0; line >= 0 && i < table->count; i++)
        if (table->experts[i].line == line)
            return i;
    return UINT32_MAX;
}

/* The candidates; and the expert that the key is bound to, if it passes. */
static bool find_best(struct hl_verdict *out, struct hl_candidate *bound,
                      const struct hl_table *table, const struct hl_errand *errand,
                      enum hl_heed heed, int64_t now_ms)
{
    struct hl_block block;
    bool found = false;
    block.from = 0;
    block.trials = 0;
    bound->expert = expert_on(table, errand->bound);
    while (block.from < table->count) {
        union {
            hl_four_floats quad[HL_QUADS + 1];
            float each[HL_BLOCK + 4];
        } doors;
        size_t left = table->count - block.from;
        block.count = left < HL_BLOCK ? (uint32_t)left : HL_BLOCK;
        doors.quad[(block.count - 1) / 4] = (hl_four_floats){0};
        find_doors(doors.each, &block, table, errand, heed, now_ms);
        out->eligible += score(&block, table, errand, out->rate, doors.quad);
        if (heed || errand->pin_model)
            out->eligible -= look_closer(&block, table, errand, heed, now_ms);
        uint32_t at = bound->expert - block.from;
        if (at < block.count && hl_is_score(block.score[at])) {
            bound->score = block.score[at];
            bound->trial = block.trials >> at & 1;
            found = true;
        }
        hl_take_best(out, table->settings.top, &block);
    }
    return found;
}

void hl_decide(struct hl_verdict *out, const struct hl_table *table, const struct hl_errand *errand,
               enum hl_heed heed, int64_t now_ms, uint8_t *why, size_t room)
{
    memset(out->rejected, 0, sizeof out->rejected);
    out->count = out->eligible = 0;
    out->retry_ms = -1;
    out->rate = rate_of(table, errand);
    struct hl_candidate bound;
    bool keeps = find_best(out, &bound, table, errand, heed, now_ms);
    out->rejected[0] = (uint32_t)table->count - out->eligible;
    if (why || out->count == 0)
        explain(out, table, errand, heed, now_ms, why, room);
    if (out->count == 0)
        return;
    if (keeps)
        keep(out, table->settings.top, &bound);
    else if (out->count > 1 && (errand->affinity || table->weighted))
        spread(out, table, errand->spread);
    for (uint32_t i = 0; why && i < out->count; i++)
        hl_candidate_detail(&out->top[i], table, errand);
}
