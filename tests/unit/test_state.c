#include "health/state.h"

#include <homelab/prober.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define S 1000000 /* a second */

static const struct hl_state_policy monitor = {.rise = 2,
                                               .fall = 3,
                                               .patience_us = 90 * (int64_t)S,
                                               .monitor = true,
                                               .interval_us = 15 * (int64_t)S,
                                               .fast_interval_us = 2 * (int64_t)S,
                                               .down_interval_us = 30 * (int64_t)S};

static struct hl_state_policy sweep_policy(int64_t patience_us)
{
    struct hl_state_policy policy = monitor;
    policy.monitor = false;
    policy.patience_us = patience_us;
    return policy;
}

static struct hl_observation look_of(int verdict, int cause)
{
    struct hl_observation look;
    hl_observation_init(&look);
    look.latency_us = 1000;
    look.elapsed_us = 2000;
    hl_observation_add_as(&look, HL_LAYER_HTTP, verdict, cause, 200, 1000, "seen");
    look.verdict = verdict;
    look.cause = cause;
    look.deciding = cause ? 0 : HL_NONE;
    return look;
}

static struct hl_observation silent(int64_t elapsed_us)
{
    struct hl_observation look = look_of(HOMELAB_VERDICT_BUSY, HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT);
    look.elapsed_us = elapsed_us;
    return look;
}

static struct hl_observation working(uint64_t counter)
{
    struct hl_observation look = look_of(HOMELAB_VERDICT_BUSY, HOMELAB_CAUSE_BUSY);
    look.progress = (struct hl_progress){
        .known = true, .working = true, .has_counter = true, .counter = counter};
    return look;
}

static struct hl_observation look_of_letter(char letter)
{
    switch (letter) {
    case 'H':
        return look_of(HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE);
    case 'D':
        return look_of(HOMELAB_VERDICT_DEGRADED, HOMELAB_CAUSE_MODEL_MISSING);
    case 'L':
        return look_of(HOMELAB_VERDICT_LOADING, HOMELAB_CAUSE_LOADING);
    case 'B':
        return look_of(HOMELAB_VERDICT_BUSY, HOMELAB_CAUSE_BUSY);
    case 'M':
        return look_of(HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_AUTH);
    case 'R': /* a hard failure */
        return look_of(HOMELAB_VERDICT_DOWN, HOMELAB_CAUSE_REFUSED);
    case 'U':
        return look_of(HOMELAB_VERDICT_UNKNOWN, HOMELAB_CAUSE_NONE);
    default: /* 'E', a soft one */
        return look_of(HOMELAB_VERDICT_DOWN, HOMELAB_CAUSE_SERVER_ERROR);
    }
}

static char letter_of(const struct hl_state *state)
{
    if (state->cause == HOMELAB_CAUSE_FLAPPING)
        return 'F';
    return "?HDLBMWX"[state->verdict];
}

/* looks → reported, X = DOWN, F = flapping, W = wedged, ? = UNKNOWN; rise 2, fall 3. */
struct script {
    const char *looks, *reported;
};
static const struct script scripts[] = {
    {"H", "H"},
    {"R", "X"},
    {"E", "X"},
    {"U", "?"},
    {"UH", "?H"},
    {"HHUH", "HHHH"},
    /* Soft failures need three in a row. */
    {"HE", "HH"},
    {"HEEE", "HHHX"},
    {"HEEH", "HHHH"},
    /* What nothing can be sent to is down at once. */
    {"HR", "HX"},
    /* Up again after two good looks. */
    {"HRRHHH", "HXXXHH"},
    {"EHH", "XXH"},
    {"RHEHH", "XXFFF"},
    /* Alive though not at work is reported at once, and one good look then suffices. */
    {"RLLH", "XLLH"},
    {"RBH", "XBH"},
    {"RMH", "XMH"},
    {"HLBMDH", "HLBMDH"},
    {"HELEHEH", "HHLFFFF"},
    /* Now and then: flapping, until it calms down or fails for good. */
    {"HRHHHRH", "HXXHHFF"},
    {"HEHEHHHHHHH", "HHHFFFFFFHH"},
    {"HRHRRRRHH", "HXXFFXXXH"},
    {"HRHRHRHRHR", "HXXFFFFFFF"},
};

static void test_scripts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct hl_state now;
        char got[32] = "";
        hl_state_init(&now);
        for (size_t j = 0; scripts[i].looks[j]; j++) {
            struct hl_observation look = look_of_letter(scripts[i].looks[j]);
            int before = now.verdict, cause = now.cause;
            bool changed = hl_state_look(&now, &monitor, &look, (int64_t)(j + 1) * 15 * S, 0);
            assert_int_equal(changed, before != now.verdict || cause != now.cause);
            got[j] = letter_of(&now);
            hl_observation_clear(&look);
        }
        if (strcmp(got, scripts[i].reported))
            fail_msg("%s: reported %s, expected %s", scripts[i].looks, got, scripts[i].reported);
    }
}

/* A sweep believes its one look, whatever came before. */
static void test_sweep(void **state)
{
    (void)state;
    struct hl_state_policy policy = sweep_policy(5 * (int64_t)S);
    struct hl_state now;
    const char *looks = "HRHEHRLBMDH", *reported = "HXHXHXLBMDH";
    hl_state_init(&now);
    for (size_t j = 0; looks[j]; j++) {
        struct hl_observation look = look_of_letter(looks[j]);
        hl_state_look(&now, &policy, &look, (int64_t)(j + 1) * S, 0);
        assert_int_equal(letter_of(&now), reported[j]);
        hl_observation_clear(&look);
    }
}

struct step {
    int64_t at_s;
    int kind; /* 0 silent, 1 working with the counter, 2 healthy, 3 busy without a counter, 4 model
                 missing while working */
    uint64_t counter;
    char verdict;
    int cause;
};
struct story {
    const char *name;
    struct step steps[8];
};
static const struct story stories[] = {
    {"silent until it is wedged",
     {{6, 0, 0, 'B', HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT},
      {60, 0, 0, 'B', HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT},
      {90, 0, 0, 'B', HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT},
      {91, 0, 0, 'W', HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT},
      {100, 0, 0, 'W', HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT},
      {110, 2, 0, 'H', HOMELAB_CAUSE_NONE}}},
    {"one look, however long, is no proof", {{200, 0, 0, 'B', HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT}}},
    {"silence broken by an answer begins anew",
     {{5, 0, 0, 'B', HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT},
      {60, 2, 0, 'H', HOMELAB_CAUSE_NONE},
      {70, 0, 0, 'B', HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT},
      {120, 0, 0, 'B', HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT},
      {156, 0, 0, 'W', HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT}}},
    {"the counter stands still",
     {{10, 1, 7, 'B', HOMELAB_CAUSE_BUSY},
      {50, 1, 7, 'B', HOMELAB_CAUSE_BUSY},
      {99, 1, 7, 'B', HOMELAB_CAUSE_BUSY},
      {100, 1, 7, 'W', HOMELAB_CAUSE_STALLED},
      {110, 1, 8, 'B', HOMELAB_CAUSE_BUSY},
      {199, 1, 8, 'B', HOMELAB_CAUSE_BUSY},
      {200, 1, 8, 'W', HOMELAB_CAUSE_STALLED}}},
    {"the counter moves for hours",
     {{10, 1, 1, 'B', HOMELAB_CAUSE_BUSY},
      {99, 1, 2, 'B', HOMELAB_CAUSE_BUSY},
      {188, 1, 3, 'B', HOMELAB_CAUSE_BUSY},
      {1000, 1, 4, 'B', HOMELAB_CAUSE_BUSY},
      {9000, 1, 5, 'B', HOMELAB_CAUSE_BUSY}}},
    {"a restarted server counts from 0",
     {{10, 1, 500, 'B', HOMELAB_CAUSE_BUSY}, {150, 1, 0, 'B', HOMELAB_CAUSE_BUSY}}},
    {"idle between two batches of work",
     {{10, 1, 7, 'B', HOMELAB_CAUSE_BUSY},
      {20, 2, 0, 'H', HOMELAB_CAUSE_NONE},
      {110, 1, 7, 'B', HOMELAB_CAUSE_BUSY}}},
    {"a standing counter, then silence",
     {{10, 1, 7, 'B', HOMELAB_CAUSE_BUSY},
      {60, 0, 0, 'B', HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT},
      {100, 0, 0, 'W', HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT}}},
    {"saying that it is busy is no silence",
     {{10, 3, 0, 'B', HOMELAB_CAUSE_BUSY}, {500, 3, 0, 'B', HOMELAB_CAUSE_BUSY}}},
    {"wedged whatever else is wrong",
     {{10, 4, 7, 'D', HOMELAB_CAUSE_MODEL_MISSING}, {100, 4, 7, 'W', HOMELAB_CAUSE_STALLED}}},
};

static struct hl_observation look_of_step(const struct step *step)
{
    struct hl_observation look;
    if (step->kind == 0)
        return silent(5 * (int64_t)S);
    if (step->kind == 1)
        return working(step->counter);
    if (step->kind == 2)
        return look_of(HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE);
    if (step->kind == 3)
        return look_of(HOMELAB_VERDICT_BUSY, HOMELAB_CAUSE_BUSY);
    look = working(step->counter);
    look.verdict = HOMELAB_VERDICT_DEGRADED;
    look.cause = HOMELAB_CAUSE_MODEL_MISSING;
    return look;
}

static void tell(const struct story *story, const struct hl_state_policy *policy)
{
    struct hl_state now;
    hl_state_init(&now);
    for (size_t i = 0; i < 8 && story->steps[i].verdict; i++) {
        const struct step *step = &story->steps[i];
        struct hl_observation look = look_of_step(step);
        hl_state_look(&now, policy, &look, step->at_s * S, 0);
        if (letter_of(&now) != step->verdict || now.cause != step->cause)
            fail_msg("%s, step %zu: %c %d, expected %c %d", story->name, i, letter_of(&now),
                     now.cause, step->verdict, step->cause);
        if (step->verdict == 'B')
            assert_true(now.unclear);
        hl_observation_clear(&look);
    }
}

static void test_busy_or_wedged(void **state)
{
    (void)state;
    struct hl_state_policy sweep = sweep_policy(90 * (int64_t)S);
    for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
        tell(&stories[i], &monitor);
        tell(&stories[i], &sweep);
    }
}

static void test_wedged_text(void **state)
{
    (void)state;
    struct hl_state now;
    struct hl_observation look = working(3);
    hl_state_init(&now);
    hl_state_look(&now, &monitor, &look, S, 0);
    hl_state_look(&now, &monitor, &look, 101 * (int64_t)S, 0);
    assert_string_equal(now.text, "work in flight without progress for 100 s; seen");
    hl_observation_clear(&look);
}

static bool report(struct hl_state *now, int outcome, int64_t at_s)
{
    return hl_state_observe(now, &monitor, outcome, 10 * (int64_t)S, at_s * S);
}

static void look(struct hl_state *now, char letter, int64_t at_s)
{
    struct hl_observation seen = look_of_letter(letter);
    hl_state_look(now, &monitor, &seen, at_s * S, 0);
    hl_observation_clear(&seen);
}

static void test_passive(void **state)
{
    (void)state;
    struct hl_state now;
    hl_state_init(&now);
    look(&now, 'H', 1);
    /* Time-outs of callers outweigh a shallow answer that all is well. */
    assert_false(report(&now, HOMELAB_OUTCOME_TIMEOUT, 20));
    assert_true(report(&now, HOMELAB_OUTCOME_TIMEOUT, 40));
    assert_int_equal(now.cause, HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT);
    look(&now, 'H', 45);
    assert_int_equal(now.verdict, HOMELAB_VERDICT_BUSY);
    report(&now, HOMELAB_OUTCOME_TIMEOUT, 120);
    assert_int_equal(now.verdict, HOMELAB_VERDICT_WEDGED);
    assert_int_equal(now.cause, HOMELAB_CAUSE_STALLED);
    report(&now, HOMELAB_OUTCOME_OK, 130);
    assert_int_equal(now.verdict, HOMELAB_VERDICT_HEALTHY);
    /* They fade. */
    report(&now, HOMELAB_OUTCOME_TIMEOUT, 140);
    report(&now, HOMELAB_OUTCOME_TIMEOUT, 150);
    assert_int_equal(now.verdict, HOMELAB_VERDICT_BUSY);
    look(&now, 'H', 340);
    assert_int_equal(now.verdict, HOMELAB_VERDICT_HEALTHY);
    /* Failures feed the counter of the looks. */
    report(&now, HOMELAB_OUTCOME_OK, 350);
    assert_false(report(&now, HOMELAB_OUTCOME_UNREACHABLE, 360));
    report(&now, HOMELAB_OUTCOME_SERVER_ERROR, 361);
    assert_true(report(&now, HOMELAB_OUTCOME_UNREACHABLE, 362));
    assert_int_equal(now.verdict, HOMELAB_VERDICT_DOWN);
    report(&now, HOMELAB_OUTCOME_OK, 370);
    assert_int_equal(now.verdict, HOMELAB_VERDICT_DOWN);
    report(&now, HOMELAB_OUTCOME_OK, 371);
    assert_int_equal(now.verdict, HOMELAB_VERDICT_HEALTHY);
    report(&now, HOMELAB_OUTCOME_BUSY, 380);
    assert_int_equal(now.cause, HOMELAB_CAUSE_BUSY);
    look(&now, 'H', 390);
    assert_int_equal(now.verdict, HOMELAB_VERDICT_HEALTHY);
    assert_false(report(&now, 99, 400));
}

static void test_passive_before_any_look(void **state)
{
    (void)state;
    struct hl_state now;
    hl_state_init(&now);
    assert_int_equal(now.verdict, HOMELAB_VERDICT_UNKNOWN);
    assert_true(report(&now, HOMELAB_OUTCOME_OK, 1));
    assert_int_equal(now.verdict, HOMELAB_VERDICT_HEALTHY);
}

static void test_intervals(void **state)
{
    (void)state;
    struct hl_state now;
    hl_state_init(&now);
    assert_int_equal(hl_state_interval(&now, &monitor), monitor.interval_us);
    static const struct {
        const char *looks;
        int64_t interval_us;
    } rows[] = {
        {"H", 15 * (int64_t)S}, {"HE", 2 * (int64_t)S},  {"HR", 30 * (int64_t)S},
        {"R", 30 * (int64_t)S}, {"RH", 2 * (int64_t)S},  {"RHH", 15 * (int64_t)S},
        {"L", 2 * (int64_t)S},  {"M", 15 * (int64_t)S},  {"B", 2 * (int64_t)S},
        {"D", 15 * (int64_t)S}, {"BH", 15 * (int64_t)S},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        hl_state_init(&now);
        for (size_t j = 0; rows[i].looks[j]; j++)
            look(&now, rows[i].looks[j], (int64_t)j + 1);
        if (hl_state_interval(&now, &monitor) != rows[i].interval_us)
            fail_msg("%s: %lld", rows[i].looks, (long long)hl_state_interval(&now, &monitor));
    }
}

static void test_usable(void **state)
{
    (void)state;
    static const bool usable[] = {false, true, true, true, true, false, false, false};
    for (int i = 0; i < 8; i++)
        assert_int_equal(hl_verdict_usable(i), usable[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_busy_or_wedged), cmocka_unit_test(test_wedged_text),
        cmocka_unit_test(test_passive),        cmocka_unit_test(test_passive_before_any_look),
        cmocka_unit_test(test_intervals),      cmocka_unit_test(test_usable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
