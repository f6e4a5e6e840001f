/* The contract of include/homelab/prober.h: whatever is declared and whatever answers, no question
 * could load, evict, wake or abort a model. lab_check_ask() judges every one of them. */
#include "probe_lab.h"

static const int backends[] = {
    HOMELAB_BACKEND_AUTO,     HOMELAB_BACKEND_OLLAMA,    HOMELAB_BACKEND_LLAMACPP,
    HOMELAB_BACKEND_LITELLM,  HOMELAB_BACKEND_VLLM,      HOMELAB_BACKEND_LMSTUDIO,
    HOMELAB_BACKEND_TABBYAPI, HOMELAB_BACKEND_LLAMASWAP, HOMELAB_BACKEND_OPENAI,
    HOMELAB_BACKEND_HTTP,     HOMELAB_BACKEND_TCP,
};
static const char *const paths[] = {
    "/",
    "/v1",
    "/v1/models",
    "/api/tags",
    "/health/liveliness",
    "/health",
    "/health/",
    "/slots",
    "/props?model=smollm2",
    "/metrics",
    "/upstream/a/health",
    "/prefix/slots",
    "/running",
    "/models",
    "/health?x=1",
};
static const char *const fixtures[] = {
    "llamacpp/ready",
    "llamacpp/loading",
    "llamacpp/sleeping",
    "llamacpp/busy",
    "llamacpp/keyed-no-key",
    "llamacpp/no-metrics",
    "llamacpp/embedding",
    "ollama/idle",
    "ollama/loaded",
    "ollama/unloaded",
    "ollama/expired-in-flight",
    "litellm/open",
    "litellm/keyed-no-key",
    "litellm/keyed-wrong-key",
    "litellm/keyed-right-key",
    "litellm/backends-dead",
};
static const enum hl_depth depths[] = {HL_DEPTH_TCP, HL_DEPTH_HTTP, HL_DEPTH_SCHEDULER,
                                       HL_DEPTH_PROGRESS, HL_DEPTH_CANARY};
#define COUNT(array) (sizeof array / sizeof *array)

static void probe_twice(struct lab *lab)
{
    for (int round = 0; round < 2; round++) {
        struct hl_observation seen;
        lab_probe(lab, &seen);
        assert_non_null(homelab_verdict_name(seen.verdict));
        hl_observation_clear(&seen);
    }
}

static void test_recorded_servers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(fixtures); i++)
        for (size_t j = 0; j < COUNT(backends); j++)
            for (size_t k = 0; k < COUNT(paths); k++)
                for (size_t l = 0; l < COUNT(depths); l++) {
                    struct lab lab;
                    lab_init(&lab, backends[j], paths[k]);
                    lab.fixture = fixtures[i];
                    lab.is_gateway = lab_starts(fixtures[i], "litellm");
                    lab.target.depth = depths[l];
                    lab.target.key_state = (int)(k % 3) - 1;
                    probe_twice(&lab);
                    lab_clear(&lab);
                }
}

static const struct lab_route pool[] = {
    {"*", 200, "{\"object\":\"list\",\"data\":[{\"id\":\"a\",\"owned_by\":\"llamacpp\"}]}",
     "llama.cpp"},
    {"*", 200,
     "{\"data\":[{\"id\":\"a\",\"owned_by\":\"llamacpp\",\"status\":{\"value\":\"loaded\"}},"
     "{\"id\":\"b/../slots?\",\"status\":{\"value\":\"loading\"}}]}",
     "llama.cpp"},
    {"*", 200, "{\"role\":\"router\",\"total_slots\":4,\"is_sleeping\":false}", "llama.cpp"},
    {"*", 200, "{\"is_sleeping\":true,\"build_info\":\"b1\"}", "llama.cpp"},
    {"*", 200, "llamacpp:requests_processing 0\n", "llama.cpp"},
    {"*", 200, "{\"data\":[{\"id\":\"a\",\"owned_by\":\"vllm\",\"max_model_len\":5}]}"},
    {"*", 200, "vllm:num_requests_running 0\n"},
    {"*", 200, "{\"version\":\"1\"}"},
    {"*", 200,
     "{\"models\":[{\"name\":\"a\",\"key\":\"a\",\"type\":\"llm\",\"size\":1,\"digest\":\"d\","
     "\"expires_at\":\"2318-01-01T00:00:00Z\",\"context_length\":5,\"loaded_instances\":[{}]}]}"},
    {"*", 200,
     "{\"capabilities\":[\"completion\"],\"model_info\":{\"general.architecture\":\"x\","
     "\"x.context_length\":9}}"},
    {"*", 200, "Ollama is running"},
    {"*", 200, "\"I'm alive!\""},
    {"*", 200, "{\"status\":\"healthy\",\"db\":\"x\",\"issues\":[]}"},
    {"*", 200,
     "{\"data\":[{\"model_name\":\"a\",\"litellm_params\":{\"api_base\":\"http://"
     "127.0.0.1:1\"}}]}"},
    {"*", 200, "{\"software\":{\"name\":\"TabbyAPI\"}}"},
    {"*", 200, "{\"id\":\"a\",\"parameters\":{}}"},
    {"*", 200, "{\"running\":[{\"model\":\"a\",\"state\":\"ready\"}]}"},
    {"*", 200, "{\"data\":[{\"id\":\"a\",\"type\":\"llm\",\"state\":\"loaded\"}]}"},
    {"*", 200, "{\"error\":\"Unexpected endpoint or method. (GET /x)\"}"},
    {"*", 404, "{\"detail\":\"Not Found\"}"},
    {"*", 401, "{\"error\":\"Unauthorized\"}"},
    {"*", 500, "Internal Server Error"},
    {"*", 503, "{\"status\":\"unhealthy\",\"issues\":[{}]}"},
    {"*", 400, "{}", "llama.cpp"},
    {"*", 302, "", .location = "/slots"},
    {"*", 200, "hello"},
    {"*", .code = HOMELAB_E_NET_TIMEOUT},
    {0}};

/* Servers that change what they are from one answer to the next. */
static void test_chaos(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 400; seed++)
        for (size_t j = 0; j < COUNT(backends); j++) {
            struct lab lab;
            lab_init(&lab, backends[j], paths[seed % COUNT(paths)]);
            lab.routes = pool;
            lab.chaos = seed * 2654435761u;
            lab.target.depth = depths[seed % COUNT(depths)];
            lab.target.key_state = (int)(seed % 3) - 1;
            lab_require(&lab, seed % 2 ? "a" : NULL);
            for (int round = 0; round < 4; round++)
                probe_twice(&lab);
            lab_clear(&lab);
        }
}

/* A steady probe asks little. */
static void test_steady_probes_are_small(void **state)
{
    (void)state;
    static const struct {
        int backend;
        const char *fixture;
        size_t asks;
    } rows[] = {
        {HOMELAB_BACKEND_OLLAMA, "ollama/loaded", 2},
        {HOMELAB_BACKEND_LLAMACPP, "llamacpp/ready", 3},
        {HOMELAB_BACKEND_LITELLM, "litellm/open", 5}, /* of which 2 connect to its backends */
        {HOMELAB_BACKEND_OPENAI, "litellm/open", 1},
        {HOMELAB_BACKEND_HTTP, "llamacpp/ready", 1},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct lab lab;
        lab_init(&lab, rows[i].backend, "/");
        lab.fixture = rows[i].fixture;
        probe_twice(&lab);
        assert_int_equal(lab.ask_count, rows[i].asks);
        lab_clear(&lab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_servers),
        cmocka_unit_test(test_chaos),
        cmocka_unit_test(test_steady_probes_are_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
