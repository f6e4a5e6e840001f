#include "core/utf8.h"
#include "health/dates.h"
#include "health/metrics.h"
#include "health/plan.h"
#include "health/verdict.h"
#include "net/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

struct mark {
    enum hl_layer layer;
    int verdict, cause;
};
#define USUAL (-1)
struct row {
    const char *name;
    struct mark marks[4];
    int count;
    int decides; /* index, -1: none */
};
#define HTTP(cause)                                                                                \
    {                                                                                              \
        HL_LAYER_HTTP, USUAL, HOMELAB_CAUSE_##cause                                                \
    }
#define SCHED(cause)                                                                               \
    {                                                                                              \
        HL_LAYER_SCHEDULER, USUAL, HOMELAB_CAUSE_##cause                                           \
    }
#define AS(verdict, cause)                                                                         \
    {                                                                                              \
        HL_LAYER_HTTP, HOMELAB_VERDICT_##verdict, HOMELAB_CAUSE_##cause                            \
    }

static const struct row rows[] = {
    {"nothing blames", {HTTP(NONE), HTTP(NONE)}, 2, -1},
    {"the first of equals", {HTTP(AUTH), HTTP(AUTH)}, 2, 0},
    {"loading beats the key", {HTTP(AUTH), HTTP(LOADING)}, 2, 1},
    {"loading beats a server error", {HTTP(SERVER_ERROR), HTTP(LOADING)}, 2, 1},
    {"a refused connection beats all", {HTTP(LOADING), HTTP(AUTH), HTTP(REFUSED)}, 3, 2},
    {"the key beats a missing model", {HTTP(MODEL_MISSING), HTTP(AUTH)}, 2, 1},
    {"another backend beats its body", {HTTP(WRONG_BODY), HTTP(WRONG_BACKEND)}, 2, 1},
    {"another backend beats not found", {HTTP(WRONG_BACKEND), HTTP(NOT_FOUND)}, 2, 0},
    {"silence from the start beats the key", {HTTP(AUTH), HTTP(TIMEOUT_AFTER_ACCEPT)}, 2, 1},
    {"later silence does not", {HTTP(AUTH), SCHED(TIMEOUT_AFTER_ACCEPT)}, 2, 0},
    {"silence beats a missing model", {HTTP(MODEL_MISSING), SCHED(TIMEOUT_AFTER_ACCEPT)}, 2, 1},
    {"a missing model beats work in progress", {SCHED(BUSY), HTTP(MODEL_MISSING)}, 2, 1},
    {"a missing model beats slowness", {HTTP(SLOW), HTTP(MODEL_MISSING)}, 2, 1},
    {"a missing model beats the CPU", {SCHED(CPU_FALLBACK), HTTP(MODEL_MISSING)}, 2, 1},
    {"work in progress beats slowness", {HTTP(SLOW), SCHED(BUSY)}, 2, 1},
    {"slowness beats sleep", {HTTP(SLEEPING), HTTP(SLOW)}, 2, 1},
    {"a dead canary beats a missing model", {HTTP(MODEL_MISSING), HTTP(CANARY_FAILED)}, 2, 1},
    {"all backends dead beats the key", {AS(DOWN, BACKEND_DEAD), HTTP(AUTH)}, 2, 0},
    {"some backends dead does not", {AS(DEGRADED, BACKEND_DEAD), HTTP(AUTH)}, 2, 1},
    {"the certificate beats loading", {HTTP(LOADING), AS(DOWN, TLS)}, 2, 1},
    {"no TLS is a matter of setup", {AS(MISCONFIGURED, TLS), HTTP(LOADING)}, 2, 1},
    {"a wedge beats loading", {HTTP(LOADING), HTTP(STALLED)}, 2, 1},
};

static void test_precedence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct hl_observation seen;
        hl_observation_init(&seen);
        seen.latency_us = 1;
        for (int j = 0; j < rows[i].count; j++) {
            const struct mark *mark = &rows[i].marks[j];
            int verdict = mark->verdict == USUAL ? hl_verdict_of_cause(mark->cause) : mark->verdict;
            hl_observation_add_as(&seen, mark->layer, verdict, mark->cause, 0, 0, "x");
        }
        hl_verdict_decide(&seen);
        size_t expected = rows[i].decides < 0 ? HL_NONE : (size_t)rows[i].decides;
        if (seen.deciding != expected)
            fail_msg("%s: decided by %zu", rows[i].name, seen.deciding);
        assert_int_equal(seen.cause, rows[i].decides < 0 ? HOMELAB_CAUSE_NONE
                                                         : rows[i].marks[rows[i].decides].cause);
        hl_observation_clear(&seen);
    }
}

/* The closed list: each cause under the verdicts that the public header names. */
static void test_verdicts_of_causes(void **state)
{
    (void)state;
    for (int cause = 0; cause < 80; cause++) {
        bool known = homelab_cause_name(cause) != NULL;
        assert_int_equal(hl_verdict_of_cause(cause) != HOMELAB_VERDICT_UNKNOWN, known);
    }
    assert_int_equal(hl_verdict_of_cause(HOMELAB_CAUSE_BUSY), HOMELAB_VERDICT_BUSY);
    assert_int_equal(hl_verdict_of_cause(HOMELAB_CAUSE_SLEEPING), HOMELAB_VERDICT_HEALTHY);
    assert_int_equal(hl_verdict_of_cause(HOMELAB_CAUSE_STALLED), HOMELAB_VERDICT_WEDGED);
    assert_int_equal(hl_verdict_of_cause(HOMELAB_CAUSE_SERVER_ERROR), HOMELAB_VERDICT_DOWN);
}

static void test_no_answer_is_unknown(void **state)
{
    (void)state;
    struct hl_observation seen;
    hl_observation_init(&seen);
    hl_verdict_decide(&seen);
    assert_int_equal(seen.verdict, HOMELAB_VERDICT_UNKNOWN);
    seen.latency_us = 5;
    hl_verdict_decide(&seen);
    assert_int_equal(seen.verdict, HOMELAB_VERDICT_HEALTHY);
    hl_observation_clear(&seen);
}

static void test_evidence_is_bounded(void **state)
{
    (void)state;
    struct hl_observation seen;
    char text[2048];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    hl_observation_init(&seen);
    for (int i = 0; i < 100; i++)
        hl_observation_add(&seen, HL_LAYER_HTTP, HOMELAB_CAUSE_NONE, 0, 0, "%s", text);
    hl_observation_add(&seen, HL_LAYER_HTTP, HOMELAB_CAUSE_AUTH, 401, 0, "auth");
    hl_observation_add(&seen, HL_LAYER_HTTP, HOMELAB_CAUSE_SLOW, 200, 0, "slow");
    hl_observation_add(&seen, HL_LAYER_HTTP, HOMELAB_CAUSE_REFUSED, 111, 0, "refused");
    assert_int_equal(seen.evidence_count, HL_EVIDENCE_MAX);
    assert_int_equal(seen.evidence[HL_EVIDENCE_MAX - 1].cause, HOMELAB_CAUSE_REFUSED);
    assert_int_equal(strlen(seen.evidence[0].text), HL_EVIDENCE_TEXT - 1);
    hl_observation_clear(&seen);
}

static void test_text_clean(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } texts[] = {
        {"plain", "plain"},
        {"a\x1b[31mb\n\t", "a [31mb  "},
        {"\xc2\x9b"
         "31m",
         " 31m"},
        {"caf\xc3\xa9 \xe2\x80\xa6", "caf\xc3\xa9 \xe2\x80\xa6"},
        {"\xff\xfe\xc3", "???"},
        {"", ""},
        {"\x7f", " "},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[64];
        strcpy(text, texts[i].in);
        hl_text_clean(text, sizeof text);
        assert_string_equal(text, texts[i].out);
    }
}

static void test_layers(void **state)
{
    (void)state;
    for (int i = 0; i < HL_LAYER_COUNT; i++)
        assert_int_equal(hl_layer_from_name(hl_layer_name((enum hl_layer)i)), i);
    assert_int_equal(hl_layer_from_name("x"), -1);
    assert_int_equal(hl_layer_from_name(NULL), -1);
    assert_null(hl_layer_name(HL_LAYER_COUNT));
}

static void test_names(void **state)
{
    (void)state;
    static const struct {
        const char *have, *want;
        bool met;
    } names[] = {
        {"x", "x", true},
        {"x:latest", "x", true},
        {"x", "x:latest", false},
        {"x:7b", "x", false},
        {"xy:latest", "x", false},
        {"X", "x", false},
        {"/models/foo.gguf", "foo.gguf", true},
        {"/models/foo.gguf", "foo", true},
        {"C:\\models\\foo.GGUF", "foo", true},
        {"/models/foo.gguf", "fo", false},
        {"org/foo", "foo", false},
        {"openai/*", "openai/gpt", true},
        {"openai/*", "azure/gpt", false},
        {"*", "anything", true},
        {"", "x", false},
        {".gguf", "", false},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (hl_name_meets(names[i].have, names[i].want) != names[i].met)
            fail_msg("'%s' for '%s'", names[i].have, names[i].want);
}

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } stamps[] = {
        {"1970-01-01T00:00:01Z", 1000000},
        {"2026-11-23T21:01:36.38680896Z", INT64_C(1795467696386808)},
        {"2026-11-23T22:01:36+01:00", INT64_C(1795467696000000)},
        {"2026-11-23T14:31:36.5-06:30", INT64_C(1795467696500000)},
        {"2318-01-01T00:00:00Z", INT64_C(10981785600000000)},
        {"0001-01-01T00:00:00Z", 0},
        {"2026-13-23T21:01:36Z", 0},
        {"2026-11-23T21:01:36", 0},
        {"2026-11-23 21:01:36Z", 0},
        {"2026-11-23T21:01:36Zx", 0},
        {"2026-11-23T21:01:36+1:00", 0},
        {"", 0},
        {NULL, 0},
    };
    for (size_t i = 0; i < sizeof stamps / sizeof *stamps; i++)
        assert_true(hl_rfc3339_us(stamps[i].text) == stamps[i].us);
    assert_true(hl_http_date_us("Mon, 23 Nov 2026 21:01:36 GMT") == INT64_C(1795467696000000));
    assert_true(hl_http_date_us("Mon, 23 Nov 2026 21:01:36 CET") == 0);
    assert_true(hl_http_date_us("Mon, 23 Foo 2026 21:01:36 GMT") == 0);
    assert_true(hl_http_date_us("Monday, 23-Nov-26 21:01:36 GMT") == 0);
    assert_true(hl_http_date_us("") == 0);
    assert_true(hl_http_date_us(NULL) == 0);
}

static void test_metrics(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool fits, found;
        double sum;
    } texts[] = {
        {"a 1\n", true, true, 1},
        {"a 1", true, true, 1},
        {"# HELP a\na{x=\"}\\\"\"} 2.5\na{y=\"z\"} 1e1 123456\r\n", true, true, 12.5},
        {"ab 3\n", true, false, 0},
        {"a NaN\na +Inf\n", true, false, 0},
        {"a -3.0\n", true, true, -3},
        {"a\n", false, false, 0},
        {"hello", false, false, 0},
        {"<html>", false, false, 0},
        {"{\"error\":1}", false, false, 0},
        {"a{x=\"", false, false, 0},
        {"a 1e999\n", true, false, 0},
        {"a 1.5e-3\n", true, true, 0.0015},
        {"", true, false, 0},
        {"\n\n", true, false, 0},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct hl_metric metric = {.name = "a"};
        bool fits = hl_metrics_read(texts[i].text, strlen(texts[i].text), &metric, 1);
        if (fits != texts[i].fits || (fits && metric.found != texts[i].found) ||
            (fits && (metric.sum < texts[i].sum - 1e-9 || metric.sum > texts[i].sum + 1e-9)))
            fail_msg("'%s': %d %d %f", texts[i].text, fits, metric.found, metric.sum);
    }
}

static void test_error_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *body, *message, *type;
    } bodies[] = {
        {"{\"error\":{\"message\":\"m\",\"type\":\"t\"}}", "m", "t"},
        {"{\"error\":\"m\"}", "m", ""},
        {"{\"detail\":\"m\"}", "m", ""},
        {"{\"error\":{\"message\":7}}", "", ""},
        {"{}", "", ""},
        {"[1]", "[1]", ""},
        {"two\nlines", "two", ""},
        {" <!DOCTYPE html><p>", "an HTML page", ""},
        {"\x1b[2J", " [2J", ""},
        {"", "", ""},
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct hl_refusal error;
        hl_refusal_read(&error, bodies[i].body, strlen(bodies[i].body));
        assert_string_equal(error.message, bodies[i].message);
        assert_string_equal(error.type, bodies[i].type);
    }
}

static void test_durations(void **state)
{
    (void)state;
    assert_string_equal(hl_duration(0).text, "0.0 ms");
    assert_string_equal(hl_duration(449).text, "0.4 ms");
    assert_string_equal(hl_duration(9949).text, "9.9 ms");
    assert_string_equal(hl_duration(9950).text, "10 ms");
    assert_string_equal(hl_duration(41400).text, "41 ms");
    assert_string_equal(hl_duration(5000000).text, "5000 ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_verdicts_of_causes),
        cmocka_unit_test(test_no_answer_is_unknown),
        cmocka_unit_test(test_evidence_is_bounded),
        cmocka_unit_test(test_text_clean),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_metrics),
        cmocka_unit_test(test_error_bodies),
        cmocka_unit_test(test_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
