#include "probe_lab.h"

#define LLAMA "llama.cpp"

static const struct lab_route metrics_silent[] = {
    {"/metrics", .code = HOMELAB_E_NET_TIMEOUT, .us = 5000000}, {0}};
static const struct lab_route metrics_501[] = {
    {"/metrics", 501,
     "{\"error\":{\"message\":\"This server does not support metrics endpoint.\","
     "\"type\":\"not_supported_error\",\"code\":501}}",
     LLAMA},
    {0}};
static const struct lab_route metrics_hello[] = {{"/metrics", 200, "hello", LLAMA}, {0}};
static const struct lab_route props_broken[] = {{"/props", 200, "{\"total_slots\":", LLAMA}, {0}};
static const struct lab_route props_404[] = {{"/props", 404, "{}", LLAMA}, {0}};
static const struct lab_route slow[] = {
    {"/props", 200, "{\"total_slots\":3,\"build_info\":\"b5-x\"}", LLAMA, .us = 1500000}, {0}};
static const struct lab_route old_slots_busy[] = {
    {"*", 503, "{\"status\":\"no slot available\",\"slots_idle\":0}", LLAMA}, {0}};
static const struct lab_route ollama_instead[] = {
    {"/", 200, "Ollama is running"},
    {"/api/version", 200, "{\"version\":\"0.17.4\"}"},
    {"/v1/models", 200, "{\"object\":\"list\",\"data\":[{\"id\":\"a\",\"owned_by\":\"library\"}]}"},
    {0}};
static const struct lab_route vllm_instead[] = {
    {"/v1/models", 200,
     "{\"object\":\"list\",\"data\":[{\"id\":\"a\",\"owned_by\":\"vllm\",\"max_model_len\":4096}]}",
     "uvicorn"},
    {0}};
static const struct lab_route no_header[] = {
    {"/v1/models", 200, "{\"data\":[{\"id\":\"a\",\"owned_by\":\"llamacpp\"}]}", "nginx"},
    {"/health", 200, "{\"status\":\"ok\"}", "nginx"},
    {"/props", 200, "{\"total_slots\":1}", "nginx"},
    {"/metrics", 200, "llamacpp:requests_processing 0\nllamacpp:n_decode_total 1.5e+03\n", "nginx"},
    {0}};
static const struct lab_route busy_old[] = {
    {"/metrics", 200,
     "llamacpp:requests_processing 1\nllamacpp:requests_deferred 2\n"
     "llamacpp:prompt_tokens_total 100\nllamacpp:tokens_predicted_total 7\n",
     LLAMA},
    {0}};

static const struct lab_situation situations[] = {
    {"ready", "llamacpp/ready", NULL, 0, 0, "smollm2", 0, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, "idle"},
    {"used", "llamacpp/used", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE,
     "idle"},
    {"loading", "llamacpp/loading", NULL, 1, 0, NULL, 0, HOMELAB_VERDICT_LOADING,
     HOMELAB_CAUSE_LOADING, "Loading model"},
    {"sleeping", "llamacpp/sleeping", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_SLEEPING, "asleep"},
    {"busy", "llamacpp/busy", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_BUSY, HOMELAB_CAUSE_BUSY,
     "1 request at work"},
    {"busy, old counters", "llamacpp/ready", busy_old, 0, 0, NULL, 0, HOMELAB_VERDICT_BUSY,
     HOMELAB_CAUSE_BUSY, "2 waiting"},
    {"busy at depth http", "llamacpp/busy", NULL, 0, HL_DEPTH_HTTP, NULL, 0,
     HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE, NULL},
    {"no key", "llamacpp/keyed-no-key", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_AUTH, "Invalid API Key"},
    {"wrong key", "llamacpp/keyed-wrong-key", NULL, 1, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_AUTH, "answered 401"},
    {"right key", "llamacpp/keyed-right-key", NULL, 1, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, NULL},
    {"key variable unset", "llamacpp/keyed-no-key", NULL, -1, 0, NULL, 0,
     HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_AUTH, "LAB_KEY is not set"},
    {"no metrics", "llamacpp/no-metrics", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, "progress cannot be seen"},
    {"metrics 501", "llamacpp/ready", metrics_501, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, "progress cannot be seen"},
    {"embedding", "llamacpp/embedding", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, NULL},
    {"model missing", "llamacpp/ready", NULL, 0, 0, "qwen3", 0, HOMELAB_VERDICT_DEGRADED,
     HOMELAB_CAUSE_MODEL_MISSING, "model 'qwen3' is not among the 1"},
    {"model missing while busy", "llamacpp/busy", NULL, 0, 0, "qwen3", 0, HOMELAB_VERDICT_DEGRADED,
     HOMELAB_CAUSE_MODEL_MISSING, NULL},
    {"metrics silent, old build", "llamacpp/ready", metrics_silent, 0, 0, NULL, 0,
     HOMELAB_VERDICT_BUSY, HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT, "/metrics"},
    {"metrics of somebody else", "llamacpp/ready", metrics_hello, 0, 0, NULL, 0,
     HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_WRONG_BODY, "'hello'"},
    {"props cut", "llamacpp/ready", props_broken, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BODY, "/props"},
    {"props not there", "llamacpp/ready", props_404, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, "slots and sleep cannot be seen"},
    {"slow", "llamacpp/ready", slow, 0, 0, NULL, 0, HOMELAB_VERDICT_DEGRADED, HOMELAB_CAUSE_SLOW,
     "slower than 1000 ms"},
    {"slow and missing", "llamacpp/ready", slow, 0, 0, "qwen3", 0, HOMELAB_VERDICT_DEGRADED,
     HOMELAB_CAUSE_MODEL_MISSING, NULL},
    {"2024 build, no slot", NULL, old_slots_busy, 0, 0, NULL, 0, HOMELAB_VERDICT_BUSY,
     HOMELAB_CAUSE_BUSY, "no slot available"},
    {"behind a proxy", NULL, no_header, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE,
     "idle"},
    {"Ollama instead", NULL, ollama_instead, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BACKEND, "declared as llama.cpp, but Ollama answers"},
    {"vLLM instead", NULL, vllm_instead, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BACKEND, "vLLM"},
    {"LiteLLM instead", "litellm/open", NULL, 1, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BACKEND, "LiteLLM"},
};

static void test_situations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof situations / sizeof *situations; i++) {
        lab_run(&situations[i], HOMELAB_BACKEND_LLAMACPP, "/");
        lab_run(&situations[i], HOMELAB_BACKEND_LLAMACPP, "/health");
    }
}

static void test_common(void **state)
{
    (void)state;
    lab_run_common(HOMELAB_BACKEND_LLAMACPP, "/");
    lab_run_wrong_bodies(HOMELAB_BACKEND_LLAMACPP, "/v1");
}

static void test_facts(void **state)
{
    (void)state;
    struct lab lab;
    struct hl_observation seen;
    lab_init(&lab, HOMELAB_BACKEND_LLAMACPP, "/v1/models");
    lab.fixture = "llamacpp/busy";
    lab_probe(&lab, &seen);
    assert_int_equal(seen.slots, 1);
    assert_string_equal(seen.version, "b0-unknown");
    assert_int_equal(seen.model_count, 1);
    assert_string_equal(seen.models[0].name, "smollm2");
    assert_int_equal(seen.models[0].loaded, 1);
    assert_int_equal(seen.models[0].context, 8192);
    assert_int_equal(seen.models[0].size_bytes, 96576768);
    assert_int_equal(seen.models[0].vram_bytes, -1);
    assert_int_equal(seen.models[0].abilities, HL_ABILITY_COMPLETION);
    assert_true(seen.progress.known && seen.progress.working && seen.progress.has_counter);
    assert_int_equal(seen.latency_us, 2000);
    assert_int_equal(lab.ask_count, 3);
    hl_observation_clear(&seen);
    lab.fixture = "llamacpp/sleeping";
    lab_probe(&lab, &seen);
    assert_int_equal(seen.models[0].loaded, 0);
    assert_false(lab_asked(&lab, "/metrics?autoload=false"));
    hl_observation_clear(&seen);
    lab_clear(&lab);
}

#define ROUTER_LIST                                                                                \
    "{\"object\":\"list\",\"data\":["                                                              \
    "{\"id\":\"a\",\"owned_by\":\"llamacpp\",\"status\":{\"value\":\"%s\"}},"                      \
    "{\"id\":\"b b&c\",\"owned_by\":\"llamacpp\",\"status\":{\"value\":\"%s\"}},"                  \
    "{\"id\":\"c\",\"owned_by\":\"llamacpp\",\"status\":{\"value\":\"unloaded\",\"failed\":true,"  \
    "\"exit_code\":1}}]}"

struct router_case {
    const char *a, *b;
    const char *required;
    int verdict, cause;
};
static const struct router_case router_cases[] = {
    {"loaded", "loaded", NULL, HOMELAB_VERDICT_BUSY, HOMELAB_CAUSE_BUSY},
    {"unloaded", "unloaded", NULL, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE},
    {"unloaded", "unloaded", "a", HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE},
    {"loading", "unloaded", NULL, HOMELAB_VERDICT_LOADING, HOMELAB_CAUSE_LOADING},
    {"loading", "loaded", NULL, HOMELAB_VERDICT_BUSY, HOMELAB_CAUSE_BUSY},
    {"loading", "loaded", "a", HOMELAB_VERDICT_LOADING, HOMELAB_CAUSE_LOADING},
    {"sleeping", "unloaded", NULL, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_SLEEPING},
    {"unloaded", "unloaded", "c", HOMELAB_VERDICT_DEGRADED, HOMELAB_CAUSE_MODEL_MISSING},
    {"unloaded", "unloaded", "d", HOMELAB_VERDICT_DEGRADED, HOMELAB_CAUSE_MODEL_MISSING},
};

static void test_router(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof router_cases / sizeof *router_cases; i++) {
        const struct router_case *row = &router_cases[i];
        char list[1024];
        snprintf(list, sizeof list, ROUTER_LIST, row->a, row->b);
        const struct lab_route routes[] = {
            {"/v1/models", 200, list, LLAMA},
            {"/props", 200, "{\"role\":\"router\",\"max_instances\":4}", LLAMA},
            {"/metrics", 400, "{\"error\":{\"message\":\"model is not loaded\",\"code\":400}}",
             LLAMA, .query = "model=a&autoload=false"},
            {"/metrics", 200, "llamacpp:requests_processing 1\nllamacpp:n_decode_total 9\n", LLAMA,
             .query = "model=b%20b%26c&autoload=false"},
            {"*", 500, "asked what it should not", LLAMA},
            {0}};
        const struct lab_situation situation = {
            row->a, NULL, routes, 0, 0, row->required, 0, row->verdict, row->cause, NULL};
        lab_run(&situation, HOMELAB_BACKEND_LLAMACPP, "/");
    }
}

static void test_canary(void **state)
{
    (void)state;
    struct lab lab;
    struct hl_observation seen;
    lab_init(&lab, HOMELAB_BACKEND_LLAMACPP, "/");
    lab.target.depth = HL_DEPTH_CANARY;
    lab.fixture = "llamacpp/ready";
    lab.routes = (const struct lab_route[]){
        {"/v1/completions", 200, "{\"choices\":[{\"text\":\"a\"}]}", LLAMA}, {0}};
    lab_probe(&lab, &seen);
    assert_int_equal(seen.verdict, HOMELAB_VERDICT_HEALTHY);
    assert_true(lab_says(&seen, "the canary lives"));
    assert_string_equal(lab.asks[3], "/v1/completions?autoload=false");
    assert_non_null(strstr(lab.bodies[3], "\"max_tokens\":1"));
    hl_observation_clear(&seen);

    lab.routes = (const struct lab_route[]){
        {"/v1/completions", 500, "{\"error\":{\"message\":\"CUDA error\"}}", LLAMA}, {0}};
    lab_probe(&lab, &seen);
    assert_int_equal(seen.cause, HOMELAB_CAUSE_CANARY_FAILED);
    assert_non_null(strstr(lab_text(&seen), "CUDA error"));
    hl_observation_clear(&seen);

    static const char *const never[] = {"llamacpp/sleeping", "llamacpp/busy", "llamacpp/loading"};
    lab.routes = NULL;
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        lab.fixture = never[i];
        lab_probe(&lab, &seen);
        assert_false(lab_asked(&lab, "/v1/completions?autoload=false"));
        hl_observation_clear(&seen);
    }
    lab_clear(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_situations), cmocka_unit_test(test_common),
        cmocka_unit_test(test_facts),      cmocka_unit_test(test_router),
        cmocka_unit_test(test_canary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
