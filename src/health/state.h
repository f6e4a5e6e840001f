/* The state of one endpoint over time, as a pure function: former state + observation + time gives
 * new state. */
#ifndef HL_HEALTH_STATE_H
#define HL_HEALTH_STATE_H

#include "health/observation.h"

struct hl_state_policy {
    int rise, fall;
    int64_t patience_us;
    bool monitor; /* rise and fall count; a single sweep believes its one look */
    int64_t interval_us, fast_interval_us, down_interval_us;
};

struct hl_state {
    int verdict, cause; /* what is reported */
    char text[HL_EVIDENCE_TEXT];
    /* Of the last look, and what patience makes of it. */
    int look_verdict, look_cause;
    char look_text[HL_EVIDENCE_TEXT];
    int down_cause; /* of the last look that failed */
    char down_text[HL_EVIDENCE_TEXT];
    int health; /* 0 … rise + fall - 1, usable from rise on (the counter of HAProxy's checks) */
    bool probed;
    int64_t changed_us; /* monotonic, when verdict or cause changed last */
    /* Progress: since when the same counter is seen with work in progress, or nothing but silence.
     */
    bool unclear;                 /* busy or silent: worth another look soon */
    int64_t no_progress_since_us; /* monotonic, 0: progress is seen or not asked */
    uint64_t last_counter;
    bool has_counter;
    /* Flapping: the last looks, newest in bit 0, 1 = failed. */
    uint32_t recent_failures;
    int recent_count;
    /* What callers reported since the last request of theirs that succeeded. */
    int passive_timeouts;
    bool passive_busy;
    int64_t passive_since_us, passive_last_us; /* start of the first time-out, end of the last */
};

void hl_state_init(struct hl_state *state);
/* Takes a look into account. DOWN looks are what rise and fall count; a look that found the
 * endpoint alive but not at work (LOADING, BUSY, MISCONFIGURED) counts as neither and is reported
 * at once. Refused, no route and no address are believed at once, since nothing sent there can
 * succeed; the prober has confirmed them by a second try. Returns true when the reported verdict or
 * cause changed. */
bool hl_state_look(struct hl_state *state, const struct hl_state_policy *policy,
                   const struct hl_observation *observation, int64_t now_us, int64_t wall_us);
/* Takes a caller's own experience into account (HOMELAB_OUTCOME_…). */
bool hl_state_observe(struct hl_state *state, const struct hl_state_policy *policy, int outcome,
                      int64_t elapsed_us, int64_t now_us);
/* Time to wait until the next probe, before jitter. */
int64_t hl_state_interval(const struct hl_state *state, const struct hl_state_policy *policy);
/* Whether an endpoint with this verdict can serve requests now or soon. */
bool hl_verdict_usable(int verdict);

#endif
