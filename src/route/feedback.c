/* What came of requests: averages, counts, breakers. Any thread; relaxed atomics only. An average
 * that two threads change at one time may miss one of the two. */
#include "route/router_private.h"

#include <homelab/prober.h>

/* Share of the newest value. */
#define NEWEST 0.25

/* --- Tickets: line (16 bits), its generation (12), and what was claimed. Above 0, below 2^53. ---
 */
#define TICKET_MARK           (INT64_C(1) << 32)
#define TICKET_TRIAL          (INT64_C(1) << 33) /* of the expert */
#define TICKET_ENDPOINT_TRIAL (INT64_C(1) << 34)
#define TICKET_COLD           (INT64_C(1) << 35)
#define GENERATION_MASK       0xfffu

static int64_t make_ticket(uint16_t line, uint32_t generation, int64_t flags)
{
    return TICKET_MARK | flags | (int64_t)(generation & GENERATION_MASK) << 16 | line;
}

/* --- The beginning --- */

/* False when the breaker lets nothing through now. */
static bool pass(struct hl_ledger *ledger, struct hl_live *live, int64_t now_ms, bool *claimed)
{
    uint64_t word = atomic_load_explicit(&live->breaker, memory_order_relaxed);
    for (;;) {
        enum hl_breaker_state state = hl_breaker_state(word, now_ms);
        if (state != HL_BREAKER_READY)
            return state == HL_BREAKER_CLOSED;
        if (hl_ledger_set_breaker(ledger, live, &word, hl_breaker_claim(word, now_ms))) {
            *claimed = true;
            return true;
        }
    }
}

static void give_back(struct hl_ledger *ledger, struct hl_live *live, int64_t now_ms)
{
    uint64_t word = atomic_load_explicit(&live->breaker, memory_order_relaxed);
    while (!hl_ledger_set_breaker(ledger, live, &word, hl_breaker_give_back(word, now_ms)))
        continue;
}

int64_t hl_feedback_begin(struct hl_ledger *ledger, const struct hl_expert *expert,
                          const struct hl_gate *gate, int64_t now_ms)
{
    bool trial = false, endpoint_trial = false;
    if (!pass(ledger, expert->live, now_ms, &trial))
        return HOMELAB_E_STATE;
    if (!pass(ledger, gate->live, now_ms, &endpoint_trial)) {
        if (trial)
            give_back(ledger, expert->live, now_ms);
        return HOMELAB_E_STATE;
    }
    atomic_fetch_add_explicit(&expert->live->in_flight, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&gate->live->in_flight, 1, memory_order_relaxed);
    bool cold = hl_get(&expert->live->cold_s) > 0;
    return make_ticket(expert->line, expert->generation,
                       (trial ? TICKET_TRIAL : 0) | (endpoint_trial ? TICKET_ENDPOINT_TRIAL : 0) |
                           (cold ? TICKET_COLD : 0));
}

/* --- The end --- */

static void count_down(struct hl_live *live)
{
    uint32_t count = atomic_load_explicit(&live->in_flight, memory_order_relaxed);
    while (count > 0 &&
           !atomic_compare_exchange_weak_explicit(&live->in_flight, &count, count - 1,
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
}

static void average(_Atomic float *value, double newest, bool first)
{
    double before = hl_get(value);
    hl_put(value, first || before <= 0 ? newest : before + NEWEST * (newest - before));
}

static void learn(struct hl_live *live, const struct hl_feedback *feedback, bool cold)
{
    bool first = atomic_fetch_add_explicit(&live->samples, 1, memory_order_relaxed) == 0;
    double first_s = (double)feedback->first_byte_us / 1e6;
    double total_s = (double)feedback->total_us / 1e6;
    if (cold) {
        double usual_s = hl_get(&live->first_byte_s);
        if (feedback->first_byte_us >= 0 && first_s > usual_s)
            average(&live->load_s, first_s - usual_s, false);
        hl_put(&live->cold_s, 0);
    } else if (feedback->first_byte_us >= 0) {
        average(&live->first_byte_s, first_s, first);
    }
    bool timed = feedback->total_us > feedback->first_byte_us && feedback->first_byte_us >= 0;
    if (timed && feedback->tokens >= 8)
        average(&live->per_token_s, (total_s - first_s) / (double)feedback->tokens, first);
    hl_set_pace(live);
    if (feedback->total_us >= 0 && !cold)
        average(&live->service_s, total_s, first);
}

/* What an outcome says about the endpoint, and about the expert. */
enum meaning {
    MEANS_NOTHING,
    MEANS_WELL,
    MEANS_FAILURE,
    MEANS_BROKEN, /* one is enough */
    MEANS_PAUSE,
};

static enum meaning for_endpoint(int outcome)
{
    switch (outcome) {
    case HOMELAB_OUTCOME_OK:
    case HOMELAB_OUTCOME_MODEL:
    case HOMELAB_OUTCOME_REJECTED:
        return MEANS_WELL;
    case HOMELAB_OUTCOME_UNREACHABLE:
    case HOMELAB_OUTCOME_AUTH:
        return MEANS_BROKEN;
    case HOMELAB_OUTCOME_TIMEOUT:
        return MEANS_FAILURE;
    case HOMELAB_OUTCOME_BUSY:
        return MEANS_PAUSE;
    default:
        return MEANS_NOTHING;
    }
}

static enum meaning for_expert(int outcome)
{
    switch (outcome) {
    case HOMELAB_OUTCOME_OK:
    case HOMELAB_OUTCOME_REJECTED:
        return MEANS_WELL;
    case HOMELAB_OUTCOME_SERVER_ERROR:
        return MEANS_FAILURE;
    case HOMELAB_OUTCOME_MODEL:
        return MEANS_BROKEN;
    default:
        return MEANS_NOTHING;
    }
}

static uint64_t after(uint64_t word, enum meaning meaning, int64_t pause_ms, bool trial,
                      const struct hl_breaker_policy *policy, int64_t now_ms)
{
    switch (meaning) {
    case MEANS_WELL:
        /* Of requests that began before it opened, only the trial closes it. */
        return trial || hl_breaker_state(word, now_ms) == HL_BREAKER_CLOSED ? hl_breaker_success()
                                                                            : word;
    case MEANS_FAILURE:
        return hl_breaker_failure(word, policy, false, now_ms);
    case MEANS_BROKEN:
        return hl_breaker_failure(word, policy, true, now_ms);
    case MEANS_PAUSE:
        return hl_breaker_pause(word, pause_ms, now_ms);
    case MEANS_NOTHING:
        break;
    }
    return trial ? hl_breaker_give_back(word, now_ms) : word;
}

static void judge(struct hl_ledger *ledger, struct hl_live *live, enum meaning meaning,
                  int64_t pause_ms, bool trial, const struct hl_breaker_policy *policy,
                  int64_t now_ms)
{
    uint64_t word = atomic_load_explicit(&live->breaker, memory_order_relaxed), next;
    do {
        next = after(word, meaning, pause_ms, trial, policy, now_ms);
    } while (next != word && !hl_ledger_set_breaker(ledger, live, &word, next));
}

/* How long a server that has too much to do is left alone where it does not say. */
#define PAUSE_MS     1000
#define PAUSE_MAX_MS 600000

static int64_t pause_of(const struct hl_feedback *feedback)
{
    if (feedback->retry_ms < 0)
        return PAUSE_MS;
    return feedback->retry_ms < PAUSE_MAX_MS ? feedback->retry_ms : PAUSE_MAX_MS;
}

static bool is_ticket(const struct hl_ledger *ledger, int64_t ticket)
{
    return ticket >= TICKET_MARK && ticket < TICKET_COLD * 2 &&
           (uint32_t)(ticket & 0xffff) < hl_ledger_count(ledger);
}

/* The expert's line, NULL when another name has it by now. */
static struct hl_live *line_of(const struct hl_ledger *ledger, int64_t ticket)
{
    struct hl_live *live = hl_ledger_at(ledger, (uint32_t)(ticket & 0xffff));
    uint32_t generation = atomic_load_explicit(&live->generation, memory_order_relaxed);
    bool same = (generation & GENERATION_MASK) == (uint32_t)(ticket >> 16 & GENERATION_MASK);
    return same ? live : NULL;
}

static struct hl_live *parent_of(const struct hl_ledger *ledger, const struct hl_live *live)
{
    return hl_ledger_at(ledger, atomic_load_explicit(&live->parent, memory_order_relaxed));
}

static void close_breaker(struct hl_ledger *ledger, struct hl_live *live)
{
    uint64_t word = atomic_load_explicit(&live->breaker, memory_order_relaxed);
    while (!hl_ledger_set_breaker(ledger, live, &word, hl_breaker_success()))
        continue;
}

void hl_feedback_answers(struct hl_ledger *ledger, int64_t ticket)
{
    struct hl_live *live = line_of(ledger, ticket);
    if (live && ticket & TICKET_TRIAL)
        close_breaker(ledger, live);
    if (live && ticket & TICKET_ENDPOINT_TRIAL)
        close_breaker(ledger, parent_of(ledger, live));
}

int hl_feedback_end(struct hl_ledger *ledger, int64_t ticket, const struct hl_feedback *feedback,
                    const struct hl_breaker_policy *policy, int64_t now_ms)
{
    if (!is_ticket(ledger, ticket))
        return hl_error_argument("ticket", "one from homelab_router_begin()");
    struct hl_live *live = line_of(ledger, ticket);
    if (!live)
        return HOMELAB_OK;
    struct hl_live *endpoint = parent_of(ledger, live);
    bool trial = ticket & TICKET_TRIAL, endpoint_trial = ticket & TICKET_ENDPOINT_TRIAL;
    bool cold = ticket & TICKET_COLD;
    int outcome = feedback->outcome;
    count_down(live);
    count_down(endpoint);
    judge(ledger, live, for_expert(outcome), pause_of(feedback), trial, policy, now_ms);
    judge(ledger, endpoint, for_endpoint(outcome), pause_of(feedback), endpoint_trial, policy,
          now_ms);
    if (outcome == HOMELAB_OUTCOME_OK) {
        learn(live, feedback, cold);
        if (feedback->total_us >= 0 && !cold)
            average(&endpoint->service_s, (double)feedback->total_us / 1e6, false);
    }
    if (outcome <= HOMELAB_OUTCOME_BUSY)
        hl_live_tell(endpoint, outcome, feedback->total_us > 0 ? feedback->total_us : 0);
    return HOMELAB_OK;
}
