/* The scenario parser: what it takes, what it fills in, what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "endpoint.h"

static struct sim_scenario parse(const char *text)
{
    struct sim_scenario scenario;
    struct sim_reader reader = {.name = "test"};
    if (!sim_scenario_parse(&reader, text, strlen(text), &scenario))
        fail_msg("%s", reader.problems.data);
    sim_reader_free(&reader);
    return scenario;
}

static void defaults(void **state)
{
    (void)state;
    struct sim_scenario scenario =
        parse("{\"nodes\":{\"g\":{\"gpus\":[{}]},\"c\":{}},\"endpoints\":{"
              "\"o\":{\"tier\":\"t\",\"backend\":\"ollama\",\"node\":\"g\",\"models\":[{\"name\":"
              "\"m\"}]},"
              "\"l\":{\"tier\":\"t\",\"backend\":\"llamacpp\",\"node\":\"c\",\"models\":[{\"name\":"
              "\"m\"}]},"
              "\"r\":{\"tier\":\"t\",\"backend\":\"llamacpp\",\"router\":true,"
              "\"models\":[{\"name\":\"m\",\"capabilities\":[\"embedding\"]}]}}}");
    const struct sim_endpoint_config *o = &scenario.endpoints[0];
    const struct sim_endpoint_config *l = &scenario.endpoints[1];
    const struct sim_endpoint_config *r = &scenario.endpoints[2];
    assert_int_equal(scenario.endpoint_count, 3);
    assert_string_equal(o->id, "o");
    assert_string_equal(o->host, "127.0.0.1");
    assert_int_equal(o->port, 0);
    assert_true(o->gpu);
    assert_false(l->gpu);
    assert_false(o->models[0].loaded);
    assert_true(l->models[0].loaded);
    assert_false(r->models[0].loaded);
    assert_int_equal(l->slots, 4);
    assert_int_equal(o->keep_alive_ms, 300000);
    assert_int_equal(l->sleep_after_ms, SIM_NEVER);
    assert_int_equal(o->models[0].capabilities, SIM_CAN_COMPLETE);
    assert_int_equal(r->models[0].capabilities, SIM_CAN_EMBED);
    assert_int_equal(strlen(o->models[0].digest), 64);
    sim_scenario_free(&scenario);
}

static void everything_set(void **state)
{
    (void)state;
    struct sim_scenario scenario = parse(
        "{\"$schema\":\"s\",\"name\":\"n\",\"nodes\":{},\"env\":{\"A\":\"b\"},\"inventory\":{},"
        "\"endpoints\":{"
        "\"a\":{\"tier\":\"t\",\"backend\":\"ollama\",\"host\":\"127.9.9.9\",\"port\":4321,"
        "\"version\":\"1\",\"tls\":\"expired\",\"scheme\":\"https\",\"probe_path\":\"/api/tags\","
        "\"api_key\":\"k\",\"api_key_env\":\"K\",\"slots\":2,\"token\":0.01,\"keep_alive\":1.5,"
        "\"max_loaded\":1,\"inventory\":{\"timeout\":3},\"faults\":[{\"fault\":\"hang\"}],"
        "\"models\":[{\"name\":\"m:1\",\"family\":\"f\",\"architecture\":\"a\",\"parameter_size\":"
        "\"1B\","
        "\"quantization\":\"Q8_0\",\"size_bytes\":5,\"vram_bytes\":3,\"context\":10,"
        "\"context_train\":20,\"parameters\":7,\"embedding_length\":9,\"loaded\":true,"
        "\"required\":true,\"load\":0.25,\"remote_host\":\"h\","
        "\"digest\":\"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}]},"
        "\"g\":{\"tier\":\"t\",\"backend\":\"litellm\",\"form\":\"prisma\",\"deployments\":["
        "{\"name\":\"x\",\"model\":\"ollama_chat/m\",\"endpoint\":\"a\"},"
        "{\"name\":\"y\",\"model\":\"openai/z\",\"api_base\":\"http://far\"}]},"
        "\"w\":{\"tier\":\"t\",\"backend\":\"http\",\"routes\":{\"/"
        "a\":{\"status\":201,\"body\":\"b\"}}},"
        "\"s\":{\"tier\":\"t\",\"backend\":\"tcp\",\"host\":\"::1\",\"banner\":\"hi\"}}}");
    const struct sim_endpoint_config *a = &scenario.endpoints[0];
    assert_int_equal(a->port, 4321);
    assert_int_equal(a->tls, SIM_TLS_EXPIRED);
    assert_string_equal(a->client_key, "k");
    assert_int_equal(a->keep_alive_ms, 1500);
    assert_int_equal(a->token_ms, 10);
    assert_int_equal(a->faults.count, 1);
    assert_true(a->models[0].required);
    assert_int_equal(a->models[0].vram_bytes, 3);
    assert_int_equal(a->models[0].load_ms, 250);
    assert_memory_equal(a->models[0].digest, "0011", 4);
    assert_true(scenario.endpoints[1].prisma);
    assert_int_equal(scenario.endpoints[1].deployment_count, 2);
    assert_int_equal(scenario.endpoints[2].routes[0].status, 201);
    assert_string_equal(scenario.endpoints[3].banner, "hi");
    sim_scenario_free(&scenario);
}

#define ENDPOINT(rest) "{\"endpoints\":{\"a\":{\"tier\":\"t\",\"backend\":" rest "}}}"

static void bad_scenarios_are_refused(void **state)
{
    static const struct {
        const char *text, *problem;
    } cases[] = {
        {"", "test: 1:1: found no valid JSON"},
        {"{\n \"endpoints\": {,}}", "test: 2:"},
        {"{} {}", "test: 1:4: found no valid JSON"},
        {"[]", "found a list, expected an object"},
        {"{}", "found no key \"endpoints\""},
        {"{\"endpoint\":{}}", "the nearest is \"endpoints\""},
        {"{\"endpoints\":{}}", "found 0, expected 1 to 512"},
        {"{\"endpoints\":{\"a\":3}}", "endpoints.a: found a number"},
        {"{\"endpoints\":{\"a\":{\"tier\":\"t\"}}}", "found no key \"backend\""},
        {"{\"endpoints\":{\"a\":{\"backend\":\"tcp\"}}}", "found no key \"tier\""},
        {ENDPOINT("\"tcp\",\"models\":[]"),
         "endpoints.a.models: found this key on backend \"tcp\""},
        {ENDPOINT("\"ollama\",\"node\":\"n\""), "expected a node of this scenario"},
        {ENDPOINT("\"ollama\",\"host\":\"localhost\""), "expected a loopback address"},
        {ENDPOINT("\"ollama\",\"host\":\"128.0.0.1\""), "expected a loopback address"},
        {ENDPOINT("\"ollama\",\"port\":65536"), "expected an integer from 0 to 65535"},
        {ENDPOINT("\"ollama\",\"tls\":\"yes\""), "expected one of none, ca"},
        {ENDPOINT("\"ollama\",\"models\":{}"), "expected a list of models"},
        {ENDPOINT("\"ollama\",\"models\":[{}]"), "found no key \"name\""},
        {ENDPOINT("\"ollama\",\"models\":[{\"name\":\"m\"},{\"name\":\"m\"}]"), "twice"},
        {ENDPOINT("\"ollama\",\"models\":[{\"name\":\"m\",\"digest\":\"x\"}]"), "hexadecimal"},
        {ENDPOINT("\"ollama\",\"models\":[{\"name\":\"m\",\"capabilities\":[\"fly\"]}]"),
         "found \"fly\", expected completion"},
        {ENDPOINT("\"litellm\",\"deployments\":[{}]"), "expected either \"endpoint\" or"},
        {ENDPOINT("\"litellm\",\"deployments\":[{\"name\":\"x\",\"endpoint\":\"b\"}]"),
         "expected the id of an endpoint"},
        {ENDPOINT("\"http\",\"routes\":{\"a\":{}}"), "leading slash"},
        {ENDPOINT("\"ollama\",\"tls\":\"ca\",\"faults\":[{\"fault\":\"slow_body\"}]"),
         "expected one at stage accept or request"},
        {ENDPOINT("\"tcp\",\"faults\":[{\"fault\":\"busy\"}]"), "on backend \"tcp\""},
        {ENDPOINT("\"ollama\",\"inventory\":[]"), "endpoints.a.inventory: found a list"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sim_scenario scenario;
        struct sim_reader reader = {.name = "test"};
        assert_false(sim_scenario_parse(&reader, cases[i].text, strlen(cases[i].text), &scenario));
        if (strstr(reader.problems.data, cases[i].problem) == NULL)
            fail_msg("%s: found %s, expected %s", cases[i].text, reader.problems.data,
                     cases[i].problem);
        sim_scenario_free(&scenario);
        sim_reader_free(&reader);
    }
}

/* Every beginning of a valid scenario is refused without a leak or a crash. */
static void cut_scenarios_are_refused(void **state)
{
    static const char text[] =
        ENDPOINT("\"ollama\",\"models\":[{\"name\":\"m\"}],\"faults\":[{\"fault\":\"hang\"}]");
    (void)state;
    for (size_t length = 0; length < sizeof text - 1; length++) {
        struct sim_scenario scenario;
        struct sim_reader reader = {.name = "test"};
        assert_false(sim_scenario_parse(&reader, text, length, &scenario));
        sim_scenario_free(&scenario);
        sim_reader_free(&reader);
    }
}

static void counters_move_when_busy_and_stand_still_when_wedged(void **state)
{
    struct sim_endpoint endpoint;
    (void)state;
    struct sim_scenario scenario =
        parse(ENDPOINT("\"llamacpp\",\"models\":[{\"name\":\"m\"}],\"faults\":["
                       "{\"fault\":\"busy\",\"at\":1,\"for\":2},{\"fault\":\"wedge\",\"at\":3}]"));
    sim_endpoint_init(&endpoint, &scenario.endpoints[0], NULL);
    sim_endpoint_update(&endpoint, 500);
    assert_true(endpoint.counters.decodes == 0);
    assert_true(sim_endpoint_update(&endpoint, 1000));
    assert_int_equal(sim_endpoint_processing(&endpoint), 4);
    sim_endpoint_update(&endpoint, 2000);
    double busy = endpoint.counters.decodes;
    assert_true(busy == 10);
    assert_true(sim_endpoint_update(&endpoint, 3000));
    double wedged = endpoint.counters.decodes;
    assert_true(wedged == 20);
    sim_endpoint_update(&endpoint, 60000);
    assert_true(endpoint.counters.decodes == wedged);
    assert_int_equal(sim_endpoint_processing(&endpoint), 1);
    sim_endpoint_release(&endpoint);
    sim_scenario_free(&scenario);
}

static void jobs_queue_load_and_run(void **state)
{
    struct sim_endpoint endpoint;
    (void)state;
    struct sim_scenario scenario =
        parse(ENDPOINT("\"ollama\",\"token\":0.1,\"slots\":1,\"max_loaded\":1,"
                       "\"models\":[{\"name\":\"a\",\"load\":1,\"loaded\":true},"
                       "{\"name\":\"b\",\"load\":2}]"));
    sim_endpoint_init(&endpoint, &scenario.endpoints[0], NULL);
    struct sim_job first = {.kind = SIM_JOB_GENERATE,
                            .model = &endpoint.models[0],
                            .tokens = 5,
                            .keep_alive_ms = SIM_NEVER};
    struct sim_job second = first;
    second.model = &endpoint.models[1];
    assert_int_equal(sim_job_step(&endpoint, &first, 0), 500);
    assert_int_equal(sim_job_step(&endpoint, &second, 0), 2000);
    assert_int_equal(endpoint.stats.loads, 1);
    assert_int_equal(endpoint.stats.evictions, 0); /* the only candidate is in use */
    assert_int_equal(sim_job_step(&endpoint, &first, 499), 500);
    assert_int_equal(sim_job_step(&endpoint, &first, 500), 0);
    assert_int_equal(sim_job_step(&endpoint, &second, 2000), 2500);
    assert_true(endpoint.models[1].loaded);
    struct sim_job third = {.kind = SIM_JOB_GENERATE,
                            .model = &endpoint.models[1],
                            .tokens = 1,
                            .keep_alive_ms = SIM_NEVER};
    assert_int_equal(sim_job_step(&endpoint, &third, 2100), SIM_NEVER);
    assert_int_equal(endpoint.waiting, 1);
    sim_job_abort(&endpoint, &third);
    assert_int_equal(endpoint.waiting, 0);
    assert_int_equal(sim_job_step(&endpoint, &second, 2500), 0);
    assert_int_equal(endpoint.running, 0);
    assert_int_equal(endpoint.stats.generations, 2);
    sim_endpoint_release(&endpoint);
    sim_scenario_free(&scenario);
}

static void an_aborted_load_is_counted(void **state)
{
    struct sim_endpoint endpoint;
    (void)state;
    struct sim_scenario scenario =
        parse(ENDPOINT("\"ollama\",\"models\":[{\"name\":\"a\",\"load\":1}]"));
    sim_endpoint_init(&endpoint, &scenario.endpoints[0], NULL);
    struct sim_job job = {.kind = SIM_JOB_LOAD, .model = &endpoint.models[0], .tokens = 1};
    struct sim_job other = job;
    assert_int_equal(sim_job_step(&endpoint, &job, 0), 1000);
    assert_int_equal(sim_job_step(&endpoint, &other, 100), 1000);
    sim_job_abort(&endpoint, &job);
    assert_int_equal(endpoint.stats.load_aborts, 1);
    /* The other one starts a load of its own. */
    assert_int_equal(sim_job_step(&endpoint, &other, 200), 1200);
    assert_int_equal(endpoint.stats.loads, 2);
    sim_job_abort(&endpoint, &other);
    assert_int_equal(endpoint.models[0].users, 0);
    sim_endpoint_release(&endpoint);
    sim_scenario_free(&scenario);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(everything_set),
        cmocka_unit_test(bad_scenarios_are_refused),
        cmocka_unit_test(cut_scenarios_are_refused),
        cmocka_unit_test(counters_move_when_busy_and_stand_still_when_wedged),
        cmocka_unit_test(jobs_queue_load_and_run),
        cmocka_unit_test(an_aborted_load_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
