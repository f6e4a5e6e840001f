#include "route/breaker.h"

/* Fields of the word: time in milliseconds, failures in a row, times it was opened in a row, state.
 */
#define TIME_BITS  44
#define TIME_MASK  ((UINT64_C(1) << TIME_BITS) - 1)
#define OPEN_BIT   (UINT64_C(1) << 62)
#define TRIAL_BIT  (UINT64_C(1) << 63)
#define COUNT_MAX  255u
#define OPENED_MAX 63u
/* A trial whose end nobody tells is given up. */
#define TRIAL_MS   600000

struct fields {
    int64_t until_ms;
    unsigned failures, opened;
    bool open, trial;
};

static struct fields unpack(uint64_t word)
{
    return (struct fields){.until_ms = (int64_t)(word & TIME_MASK),
                           .failures = (unsigned)(word >> TIME_BITS) & COUNT_MAX,
                           .opened = (unsigned)(word >> (TIME_BITS + 8)) & OPENED_MAX,
                           .open = (word & OPEN_BIT) != 0,
                           .trial = (word & TRIAL_BIT) != 0};
}

static uint64_t pack(const struct fields *fields)
{
    return ((uint64_t)fields->until_ms & TIME_MASK) |
           (uint64_t)(fields->failures & COUNT_MAX) << TIME_BITS |
           (uint64_t)(fields->opened & OPENED_MAX) << (TIME_BITS + 8) |
           (fields->open ? OPEN_BIT : 0) | (fields->trial ? TRIAL_BIT : 0);
}

enum hl_breaker_state hl_breaker_state(uint64_t word, int64_t now_ms)
{
    struct fields fields = unpack(word);
    if (!fields.open && !fields.trial)
        return HL_BREAKER_CLOSED;
    if (now_ms >= fields.until_ms)
        return HL_BREAKER_READY;
    return fields.trial ? HL_BREAKER_TRIAL : HL_BREAKER_OPEN;
}

int64_t hl_breaker_until_ms(uint64_t word, int64_t now_ms)
{
    enum hl_breaker_state state = hl_breaker_state(word, now_ms);
    bool shut = state == HL_BREAKER_OPEN || state == HL_BREAKER_TRIAL;
    return shut ? unpack(word).until_ms : 0;
}

uint64_t hl_breaker_success(void)
{
    return 0;
}

static int64_t open_for(const struct hl_breaker_policy *policy, unsigned opened)
{
    int64_t time_ms = policy->open_ms;
    for (unsigned i = 0; i < opened && time_ms < policy->max_ms; i++)
        time_ms *= 2;
    return time_ms < policy->max_ms ? time_ms : policy->max_ms;
}

uint64_t hl_breaker_failure(uint64_t word, const struct hl_breaker_policy *policy, bool at_once,
                            int64_t now_ms)
{
    struct fields fields = unpack(word);
    enum hl_breaker_state state = hl_breaker_state(word, now_ms);
    fields.failures += fields.failures < COUNT_MAX;
    /* What began before it opened tells nothing new. */
    if (state == HL_BREAKER_OPEN)
        return pack(&fields);
    bool opens = at_once || fields.failures >= policy->failures || state != HL_BREAKER_CLOSED;
    if (!opens)
        return pack(&fields);
    fields.until_ms = now_ms + open_for(policy, fields.opened);
    fields.opened += fields.opened < OPENED_MAX;
    fields.open = true;
    fields.trial = false;
    return pack(&fields);
}

uint64_t hl_breaker_pause(uint64_t word, int64_t pause_ms, int64_t now_ms)
{
    struct fields fields = unpack(word);
    if (fields.open && fields.until_ms > now_ms + pause_ms)
        return word;
    fields.until_ms = now_ms + pause_ms;
    fields.open = true;
    fields.trial = false;
    return pack(&fields);
}

bool hl_breaker_is_pause(uint64_t word)
{
    struct fields fields = unpack(word);
    return (fields.open || fields.trial) && fields.opened == 0;
}

uint64_t hl_breaker_claim(uint64_t word, int64_t now_ms)
{
    struct fields fields = unpack(word);
    fields.open = false;
    fields.trial = true;
    fields.until_ms = now_ms + TRIAL_MS;
    return pack(&fields);
}

uint64_t hl_breaker_give_back(uint64_t word, int64_t now_ms)
{
    struct fields fields = unpack(word);
    if (!fields.trial)
        return word;
    fields.trial = false;
    fields.open = true;
    fields.until_ms = now_ms;
    return pack(&fields);
}
