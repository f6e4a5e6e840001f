#include "health/state.h"

#include "core/utf8.h"

#include <homelab/prober.h>

#include <stdio.h>
#include <string.h>

/* Looks within which separate failures make an endpoint flapping, and good looks in a row that end
 * it. */
#define FLAP_WINDOW      16
#define FLAP_CALM        6
/* Time-outs of callers in a row before they count: one may have been a caller in a hurry. */
#define PASSIVE_TIMEOUTS 2

bool hl_verdict_usable(int verdict)
{
    return verdict == HOMELAB_VERDICT_HEALTHY || verdict == HOMELAB_VERDICT_DEGRADED ||
           verdict == HOMELAB_VERDICT_LOADING || verdict == HOMELAB_VERDICT_BUSY;
}

void hl_state_init(struct hl_state *state)
{
    memset(state, 0, sizeof *state);
    snprintf(state->text, sizeof state->text, "not probed yet");
}

/* --- Rise and fall --- */

static int full(const struct hl_state_policy *policy)
{
    return policy->rise + policy->fall - 1;
}

/* Nothing sent there can succeed. */
static bool is_hard(int cause)
{
    return cause == HOMELAB_CAUSE_REFUSED || cause == HOMELAB_CAUSE_NO_ROUTE ||
           cause == HOMELAB_CAUSE_DNS;
}

static void count_failure(struct hl_state *state, const struct hl_state_policy *policy, bool hard)
{
    state->health = hard || state->health <= policy->rise ? 0 : state->health - 1;
}

static void count_success(struct hl_state *state, const struct hl_state_policy *policy)
{
    bool was_down = state->health < policy->rise;
    state->health++;
    if ((was_down && state->health >= policy->rise) || state->health > full(policy))
        state->health = full(policy);
}

/* Alive, though not at work: one good look shall suffice then. */
static void count_neither(struct hl_state *state, const struct hl_state_policy *policy)
{
    if (state->health < policy->rise)
        state->health = policy->rise - 1;
}

static void remember(struct hl_state *state, bool failed)
{
    state->recent_failures = state->recent_failures << 1 | failed;
    if (state->recent_count < FLAP_WINDOW)
        state->recent_count++;
}

static void count_look(struct hl_state *state, const struct hl_state_policy *policy, bool retried)
{
    bool failed = state->look_verdict == HOMELAB_VERDICT_DOWN;
    /* A failure and a success are both part of the pattern. */
    if (retried && !failed)
        remember(state, true);
    remember(state, failed);
    if (!state->probed)
        state->health = failed ? 0 : full(policy);
    else if (failed)
        count_failure(state, policy, is_hard(state->look_cause));
    else if (state->look_verdict == HOMELAB_VERDICT_HEALTHY ||
             state->look_verdict == HOMELAB_VERDICT_DEGRADED)
        count_success(state, policy);
    else
        count_neither(state, policy);
}

/* --- Flapping --- */

struct flaps {
    int failures, episodes;
    int good_run;    /* at the newest end */
    int last_outage; /* looks of the newest run of failures */
};

static struct flaps flaps_of(const struct hl_state *state)
{
    struct flaps flaps = {0};
    bool later = false;
    for (int i = 0; i < state->recent_count; i++) {
        bool failed = state->recent_failures >> i & 1;
        flaps.failures += failed;
        flaps.episodes += failed && !later;
        if (flaps.good_run == i && !failed)
            flaps.good_run++;
        flaps.last_outage += failed && flaps.episodes == 1;
        later = failed;
    }
    return flaps;
}

static bool is_flapping(const struct flaps *flaps, const struct hl_state_policy *policy)
{
    int run = policy->fall > 2 ? policy->fall : 2;
    return flaps->episodes >= 2 && flaps->good_run < FLAP_CALM && flaps->last_outage < run;
}

/* --- Busy or wedged --- */

/* Whether the look shows work that did not move since the last one. Silence began when the silent
 * question was put; a counter stands still from when it was first read. */
static bool stands_still(struct hl_state *state, const struct hl_observation *look, int64_t now_us)
{
    const struct hl_progress *progress = &look->progress;
    bool silent = look->cause == HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT;
    bool counted = progress->known && progress->working && progress->has_counter;
    bool moved = counted && (!state->has_counter || state->last_counter != progress->counter);
    bool before = state->no_progress_since_us != 0;
    if (counted) {
        state->last_counter = progress->counter;
        state->has_counter = true;
    } else if (!silent) {
        state->has_counter = false;
    }
    if (!silent && !counted) {
        state->no_progress_since_us = 0;
        return false;
    }
    if (!before || moved)
        state->no_progress_since_us = now_us - (silent ? look->elapsed_us : 0);
    if (!state->no_progress_since_us)
        state->no_progress_since_us = 1; /* 0 says that there is progress */
    return before && !moved;
}

static void wait_long_enough(struct hl_state *state, const struct hl_state_policy *policy,
                             int64_t now_us)
{
    int64_t still_us = now_us - state->no_progress_since_us;
    if (still_us < policy->patience_us)
        return;
    bool silent = state->look_cause == HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT;
    char seen[HL_EVIDENCE_TEXT];
    memcpy(seen, state->look_text, sizeof seen);
    snprintf(state->look_text, sizeof state->look_text, "%s for %lld s; %.128s",
             silent ? "silent" : "work in flight without progress", (long long)(still_us / 1000000),
             seen);
    hl_text_clean(state->look_text, sizeof state->look_text); /* the cut may split a character */
    state->look_verdict = HOMELAB_VERDICT_WEDGED;
    state->look_cause = silent ? HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT : HOMELAB_CAUSE_STALLED;
}

/* --- What is reported --- */

static bool report(struct hl_state *state, int verdict, int cause, const char *text, int64_t now_us)
{
    bool changed = verdict != state->verdict || cause != state->cause;
    state->verdict = verdict;
    state->cause = cause;
    if (text != state->text)
        snprintf(state->text, sizeof state->text, "%s", text);
    if (changed)
        state->changed_us = now_us;
    return changed;
}

static bool report_look(struct hl_state *state, int64_t now_us)
{
    return report(state, state->look_verdict, state->look_cause, state->look_text, now_us);
}

static bool report_flapping(struct hl_state *state, const struct flaps *flaps, int64_t now_us)
{
    char text[HL_EVIDENCE_TEXT];
    snprintf(text, sizeof text, "failed %d of its last %d looks, last: %.140s", flaps->failures,
             state->recent_count, state->down_text);
    hl_text_clean(text, sizeof text);
    return report(state, HOMELAB_VERDICT_DEGRADED, HOMELAB_CAUSE_FLAPPING, text, now_us);
}

/* Callers' time-outs say more than a shallow answer that all is well. */
static bool report_passive(struct hl_state *state, const struct hl_state_policy *policy,
                           int64_t now_us)
{
    char text[HL_EVIDENCE_TEXT];
    int64_t waited_us = state->passive_last_us - state->passive_since_us;
    bool wedged = state->passive_timeouts >= PASSIVE_TIMEOUTS && waited_us >= policy->patience_us;
    snprintf(text, sizeof text, "%d requests of callers in a row timed out, the first %lld s ago",
             state->passive_timeouts, (long long)((now_us - state->passive_since_us) / 1000000));
    return report(state, wedged ? HOMELAB_VERDICT_WEDGED : HOMELAB_VERDICT_BUSY,
                  wedged ? HOMELAB_CAUSE_STALLED : HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT, text,
                  now_us);
}

/* Reports of callers fade when none follow. */
static bool passive_counts(const struct hl_state *state, const struct hl_state_policy *policy,
                           int64_t now_us)
{
    int64_t longest_us =
        policy->patience_us > policy->interval_us ? policy->patience_us : policy->interval_us;
    return state->passive_timeouts >= PASSIVE_TIMEOUTS &&
           now_us - state->passive_last_us <= 2 * longest_us;
}

static bool settle(struct hl_state *state, const struct hl_state_policy *policy, int64_t now_us)
{
    struct flaps flaps = flaps_of(state);
    int look = state->look_verdict;
    bool fine = look == HOMELAB_VERDICT_HEALTHY || look == HOMELAB_VERDICT_DEGRADED;
    bool failed = look == HOMELAB_VERDICT_DOWN;
    if (!policy->monitor)
        return report_look(state, now_us);
    if (!fine && !failed)
        return report_look(state, now_us);
    if (is_flapping(&flaps, policy))
        return report_flapping(state, &flaps, now_us);
    if (state->health < policy->rise)
        return report(state, HOMELAB_VERDICT_DOWN, state->down_cause, state->down_text, now_us);
    if (failed) /* not often enough in a row yet */
        return report(state, state->verdict, state->cause, state->text, now_us);
    if (passive_counts(state, policy, now_us))
        return report_passive(state, policy, now_us);
    if (state->passive_busy)
        return report(state, HOMELAB_VERDICT_BUSY, HOMELAB_CAUSE_BUSY,
                      "a caller's request was answered that it is busy", now_us);
    return report_look(state, now_us);
}

static const char *text_of(const struct hl_observation *look)
{
    if (look->deciding < look->evidence_count)
        return look->evidence[look->deciding].text;
    for (size_t i = 0; i < look->evidence_count; i++)
        if (look->evidence[i].code)
            return look->evidence[i].text;
    return look->evidence_count ? look->evidence[0].text : "";
}

static void take_look(struct hl_state *state, const struct hl_observation *look)
{
    state->look_verdict = look->verdict;
    state->look_cause = look->cause;
    snprintf(state->look_text, sizeof state->look_text, "%s", text_of(look));
    if (look->verdict != HOMELAB_VERDICT_DOWN)
        return;
    state->down_cause = look->cause;
    memcpy(state->down_text, state->look_text, sizeof state->down_text);
}

bool hl_state_look(struct hl_state *state, const struct hl_state_policy *policy,
                   const struct hl_observation *observation, int64_t now_us, int64_t wall_us)
{
    (void)wall_us;
    /* The probe itself could not be made: nothing was learned. */
    if (observation->verdict == HOMELAB_VERDICT_UNKNOWN)
        return false;
    take_look(state, observation);
    bool still = stands_still(state, observation, now_us);
    state->unclear =
        state->no_progress_since_us != 0 || observation->verdict == HOMELAB_VERDICT_BUSY;
    state->passive_busy = false;
    count_look(state, policy, observation->retried);
    state->probed = true;
    if (still)
        wait_long_enough(state, policy, now_us);
    return settle(state, policy, now_us);
}

/* --- Callers' own experience --- */

static void passive_failure(struct hl_state *state, const struct hl_state_policy *policy, int cause,
                            const char *text)
{
    state->look_verdict = HOMELAB_VERDICT_DOWN;
    state->look_cause = state->down_cause = cause;
    snprintf(state->look_text, sizeof state->look_text, "%s", text);
    memcpy(state->down_text, state->look_text, sizeof state->down_text);
    state->recent_failures = state->recent_failures << 1 | 1;
    if (state->recent_count < FLAP_WINDOW)
        state->recent_count++;
    count_failure(state, policy, false);
}

static void passive_success(struct hl_state *state, const struct hl_state_policy *policy)
{
    state->passive_timeouts = 0;
    state->passive_busy = false;
    state->no_progress_since_us = 0;
    state->has_counter = false;
    if (state->look_verdict == HOMELAB_VERDICT_WEDGED ||
        state->look_verdict == HOMELAB_VERDICT_DOWN) {
        state->look_verdict = HOMELAB_VERDICT_HEALTHY;
        state->look_cause = HOMELAB_CAUSE_NONE;
        snprintf(state->look_text, sizeof state->look_text, "a caller's request was served");
    }
    state->recent_failures <<= 1;
    if (state->recent_count < FLAP_WINDOW)
        state->recent_count++;
    count_success(state, policy);
}

static void passive_timeout(struct hl_state *state, int64_t elapsed_us, int64_t now_us)
{
    if (!state->passive_timeouts++)
        state->passive_since_us = now_us - elapsed_us;
    state->passive_last_us = now_us;
}

bool hl_state_observe(struct hl_state *state, const struct hl_state_policy *policy, int outcome,
                      int64_t elapsed_us, int64_t now_us)
{
    if (!state->probed) {
        state->health = full(policy);
        state->look_verdict = HOMELAB_VERDICT_HEALTHY;
        snprintf(state->look_text, sizeof state->look_text, "known from callers only");
    }
    if (outcome == HOMELAB_OUTCOME_OK)
        passive_success(state, policy);
    else if (outcome == HOMELAB_OUTCOME_TIMEOUT)
        passive_timeout(state, elapsed_us, now_us);
    else if (outcome == HOMELAB_OUTCOME_UNREACHABLE)
        passive_failure(state, policy, HOMELAB_CAUSE_REFUSED, "a caller could not connect");
    else if (outcome == HOMELAB_OUTCOME_SERVER_ERROR)
        passive_failure(state, policy, HOMELAB_CAUSE_SERVER_ERROR,
                        "a caller's request was answered 5xx or cut");
    else if (outcome == HOMELAB_OUTCOME_BUSY)
        state->passive_busy = true;
    else
        return false;
    state->probed = true;
    return settle(state, policy, now_us);
}

int64_t hl_state_interval(const struct hl_state *state, const struct hl_state_policy *policy)
{
    bool down = state->health == 0 && state->probed;
    bool between = state->health != 0 && state->health != full(policy);
    if (!state->probed)
        return policy->interval_us;
    if (state->verdict == HOMELAB_VERDICT_WEDGED)
        return policy->interval_us;
    if (state->unclear || between || state->verdict == HOMELAB_VERDICT_LOADING)
        return policy->fast_interval_us;
    return down ? policy->down_interval_us : policy->interval_us;
}
