/* What is active when, as a pure function of script, time and attempt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fault.h"

static struct sim_faults parse(const char *text)
{
    struct sim_faults faults = {0};
    struct sim_reader reader = {.name = "test"};
    cJSON *json = sim_read_text(&reader, text, strlen(text));
    assert_non_null(json);
    if (!sim_faults_parse(&reader, json, "faults", &faults))
        fail_msg("%s", reader.problems.data);
    cJSON_Delete(json);
    sim_reader_free(&reader);
    return faults;
}

static void windows_in_time(void **state)
{
    static const struct {
        const char *script;
        int64_t on[4], off[4]; /* -1 ends */
    } cases[] = {
        {"{\"fault\":\"hang\"}", {0, 1, 1000000, -1}, {-1}},
        {"{\"fault\":\"hang\",\"at\":1.5}", {1500, 9000, -1}, {0, 1499, -1}},
        {"{\"fault\":\"hang\",\"at\":1,\"for\":0.5}", {1000, 1499, -1}, {0, 999, 1500, -1}},
        {"{\"fault\":\"hang\",\"for\":0}", {-1}, {0, 1, -1}},
        {"{\"fault\":\"hang\",\"period\":1,\"duty\":0.25}",
         {0, 249, 1000, -1},
         {250, 999, 1250, -1}},
        {"{\"fault\":\"hang\",\"at\":2,\"for\":1.1,\"period\":1}",
         {2000, 2499, 3099, -1},
         {1999, 2500, 3100, -1}},
        {"{\"fault\":\"hang\",\"period\":1,\"duty\":0}", {-1}, {0, 500, -1}},
        {"{\"fault\":\"hang\",\"period\":1,\"duty\":1}", {0, 999, 1000, -1}, {-1}},
        {"{\"fault\":\"hang\",\"period\":0.001,\"duty\":0.5}", {-1}, {0, 1, 2, -1}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim_faults faults = parse(cases[i].script);
        for (size_t j = 0; j < 4 && cases[i].on[j] >= 0; j++)
            assert_true(sim_fault_active(&faults.items[0], cases[i].on[j], 0));
        for (size_t j = 0; j < 4 && cases[i].off[j] >= 0; j++)
            assert_false(sim_fault_active(&faults.items[0], cases[i].off[j], 0));
        sim_faults_free(&faults);
    }
}

static void windows_in_attempts(void **state)
{
    static const struct {
        const char *script, *active; /* one character an attempt */
    } cases[] = {
        {"{\"fault\":\"hang\",\"after_requests\":2}", "..XXXX"},
        {"{\"fault\":\"hang\",\"for_requests\":2}", "XX...."},
        {"{\"fault\":\"hang\",\"after_requests\":1,\"for_requests\":1}", ".X...."},
        {"{\"fault\":\"hang\",\"every_requests\":3}", "X..X.."},
        {"{\"fault\":\"hang\",\"every_requests\":3,\"burst_requests\":2}", "XX.XX."},
        {"{\"fault\":\"hang\",\"after_requests\":1,\"every_requests\":2}", ".X.X.X"},
        {"{\"fault\":\"hang\",\"for_requests\":0}", "......"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim_faults faults = parse(cases[i].script);
        for (int64_t attempt = 0; attempt < 6; attempt++)
            assert_int_equal(sim_fault_active(&faults.items[0], 0, attempt),
                             cases[i].active[attempt] == 'X');
        sim_faults_free(&faults);
    }
}

static void both_windows_must_be_open(void **state)
{
    (void)state;
    struct sim_faults faults = parse("{\"fault\":\"hang\",\"at\":1,\"after_requests\":1}");
    assert_false(sim_fault_active(&faults.items[0], 999, 5));
    assert_false(sim_fault_active(&faults.items[0], 1000, 0));
    assert_true(sim_fault_active(&faults.items[0], 1000, 1));
    sim_faults_free(&faults);
}

static void windows_set_later_count_from_then(void **state)
{
    (void)state;
    struct sim_faults faults = parse("{\"fault\":\"hang\",\"at\":1,\"for_requests\":2}");
    faults.items[0].base_ms = 5000;
    faults.items[0].base_attempts = 10;
    assert_false(sim_fault_active(&faults.items[0], 5999, 10));
    assert_true(sim_fault_active(&faults.items[0], 6000, 11));
    assert_false(sim_fault_active(&faults.items[0], 6000, 12));
    assert_false(sim_fault_active(&faults.items[0], 6000, 9));
    sim_faults_free(&faults);
}

/* No change of activity in time goes unannounced. */
static void next_change_is_never_late(void **state)
{
    static const char *const scripts[] = {
        "{\"fault\":\"hang\"}",
        "{\"fault\":\"hang\",\"at\":0.05,\"for\":0.1}",
        "{\"fault\":\"hang\",\"period\":0.01,\"duty\":0.3}",
        "{\"fault\":\"hang\",\"period\":0.007,\"duty\":0.5}",
        "{\"fault\":\"hang\",\"at\":0.013,\"for\":0.1,\"period\":0.03,\"duty\":0.333}",
        "{\"fault\":\"hang\",\"period\":0.003,\"duty\":0.1}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct sim_faults faults = parse(scripts[i]);
        const struct sim_fault *fault = &faults.items[0];
        for (int64_t now = 0; now < 300; now++) {
            int64_t next = sim_faults_next_change(&faults, now);
            assert_true(next > now);
            for (int64_t t = now; t < next && t < 300; t++)
                assert_int_equal(sim_fault_active(fault, t, 0), sim_fault_active(fault, now, 0));
        }
        sim_faults_free(&faults);
    }
}

static void state_adds_up(void **state)
{
    struct sim_state out;
    (void)state;
    struct sim_faults faults = parse(
        "[{\"fault\":\"busy\",\"slots\":3},{\"fault\":\"cpu_fallback\",\"fraction\":0.5},"
        "{\"fault\":\"loading\",\"at\":1,\"for\":1},{\"fault\":\"drop_syn\",\"at\":3},"
        "{\"fault\":\"wedge\",\"in_flight\":false,\"at\":4},{\"fault\":\"sleeping\",\"at\":4}]");
    sim_faults_state(&faults, 0, 0, &out);
    assert_true(out.busy && out.cpu_fallback && !out.loading && !out.wedged && !out.sleeping);
    assert_int_equal(out.busy_slots, 3);
    assert_true(out.vram_fraction == 0.5);
    assert_int_equal(out.listener, SIM_LISTEN);
    sim_faults_state(&faults, 1500, 0, &out);
    assert_true(out.loading);
    sim_faults_state(&faults, 4000, 0, &out);
    assert_int_equal(out.listener, SIM_DROP);
    assert_true(out.wedged && !out.in_flight && out.sleeping);
    sim_faults_free(&faults);
}

static void the_first_that_matches_strikes(void **state)
{
    (void)state;
    struct sim_faults faults = parse("[{\"fault\":\"busy\"},"
                                     "{\"fault\":\"status\",\"paths\":[\"/api/*\"]},"
                                     "{\"fault\":\"hang\",\"at\":1},"
                                     "{\"fault\":\"latency\"}]");
    assert_int_equal(sim_faults_strike(&faults, 0, 0, "/api/tags")->kind, SIM_FAULT_STATUS);
    assert_int_equal(sim_faults_strike(&faults, 0, 0, "/apix")->kind, SIM_FAULT_LATENCY);
    assert_int_equal(sim_faults_strike(&faults, 1000, 0, "/apix")->kind, SIM_FAULT_HANG);
    assert_null(sim_faults_strike(&faults, 0, 0, NULL));
    assert_int_equal(sim_faults_strike(&faults, 1000, 0, NULL)->kind, SIM_FAULT_HANG);
    sim_faults_free(&faults);
}

static void stages_have_sensible_defaults(void **state)
{
    static const struct {
        const char *script;
        enum sim_stage stage;
    } cases[] = {
        {"{\"fault\":\"hang\"}", SIM_STAGE_ACCEPT},
        {"{\"fault\":\"hang\",\"paths\":[\"/\"]}", SIM_STAGE_REQUEST},
        {"{\"fault\":\"reset\",\"stage\":\"body\"}", SIM_STAGE_BODY},
        {"{\"fault\":\"half_close\"}", SIM_STAGE_BODY},
        {"{\"fault\":\"slow_header\"}", SIM_STAGE_HEADER},
        {"{\"fault\":\"garbage\"}", SIM_STAGE_REQUEST},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim_faults faults = parse(cases[i].script);
        assert_int_equal(faults.items[0].stage, cases[i].stage);
        sim_faults_free(&faults);
    }
}

static void models_are_hidden(void **state)
{
    (void)state;
    struct sim_faults first = parse("{\"fault\":\"model_missing\"}");
    assert_true(sim_faults_hide_model(&first, 0, 0, "a", true));
    assert_false(sim_faults_hide_model(&first, 0, 0, "b", false));
    sim_faults_free(&first);
    struct sim_faults named = parse("{\"fault\":\"model_missing\",\"model\":\"b\",\"at\":1}");
    assert_false(sim_faults_hide_model(&named, 0, 0, "b", false));
    assert_true(sim_faults_hide_model(&named, 1000, 0, "b", false));
    assert_false(sim_faults_hide_model(&named, 1000, 0, "a", true));
    sim_faults_free(&named);
}

static void bad_scripts_are_refused(void **state)
{
    static const struct {
        const char *script, *problem;
    } cases[] = {
        {"3", "found a number, expected an object"},
        {"[3]", "faults[0]: found a number, expected an object"},
        {"{}", "found no key \"fault\""},
        {"{\"fault\":3}", "faults.fault: found a number, expected a string"},
        {"{\"fault\":\"resets\"}", "faults.fault: found \"resets\", expected one of refused"},
        {"{\"fault\":\"reset\",\"stages\":\"body\"}", "the nearest is \"stage\""},
        {"{\"fault\":\"reset\",\"status\":500}", "faults.status: found an unknown key"},
        {"{\"fault\":\"reset\",\"fault\":\"hang\"}", "found this key twice"},
        {"{\"fault\":\"reset\",\"stage\":\"begin\"}",
         "expected one of accept, request, header, body"},
        {"{\"fault\":\"reset\",\"stage\":\"accept\",\"paths\":[\"/\"]}", "no path is known"},
        {"{\"fault\":\"reset\",\"paths\":\"/\"}", "found a string, expected a list of strings"},
        {"{\"fault\":\"reset\",\"paths\":[1]}", "only strings in the list"},
        {"{\"fault\":\"reset\",\"at\":-1}", "faults.at: found -1, expected a number from 0"},
        {"{\"fault\":\"reset\",\"at\":\"1\"}", "found a string, expected a number"},
        {"{\"fault\":\"reset\",\"duty\":1.5}", "expected a number from 0 to 1"},
        {"{\"fault\":\"reset\",\"for_requests\":1.5}", "expected an integer from 0"},
        {"{\"fault\":\"reset\",\"every_requests\":0}", "expected an integer from 1"},
        {"{\"fault\":\"status\",\"status\":99}", "expected an integer from 200 to 599"},
        {"{\"fault\":\"busy\",\"paths\":[\"/\"]}", "faults.paths: found an unknown key"},
        {"{\"fault\":\"wedge\",\"in_flight\":1}", "found a number, expected true or false"},
        {"{\"fault\":\"huge_body\",\"bytes\":1e300}", "found 1e+300, expected an integer"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim_faults faults = {0};
        struct sim_reader reader = {.name = "test"};
        cJSON *json = sim_read_text(&reader, cases[i].script, strlen(cases[i].script));
        assert_non_null(json);
        assert_false(sim_faults_parse(&reader, json, "faults", &faults));
        assert_int_equal(faults.count, 0);
        if (strstr(reader.problems.data, cases[i].problem) == NULL)
            fail_msg("%s: found %s, expected %s", cases[i].script, reader.problems.data,
                     cases[i].problem);
        cJSON_Delete(json);
        sim_reader_free(&reader);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_in_time),
        cmocka_unit_test(windows_in_attempts),
        cmocka_unit_test(both_windows_must_be_open),
        cmocka_unit_test(windows_set_later_count_from_then),
        cmocka_unit_test(next_change_is_never_late),
        cmocka_unit_test(state_adds_up),
        cmocka_unit_test(the_first_that_matches_strikes),
        cmocka_unit_test(stages_have_sensible_defaults),
        cmocka_unit_test(models_are_hidden),
        cmocka_unit_test(bad_scripts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
