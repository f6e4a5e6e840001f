#include "probe_lab.h"

/* --- vLLM --- */

#define VLLM_LIST                                                                                  \
    {                                                                                              \
        "/v1/models", 200,                                                                         \
            "{\"object\":\"list\",\"data\":[{\"id\":\"qwen\",\"object\":\"model\",\"owned_by\":"   \
            "\"vllm\","                                                                            \
            "\"root\":\"qwen\",\"parent\":null,\"max_model_len\":32768}]}",                        \
            "uvicorn"                                                                              \
    }
#define VLLM_VERSION                                                                               \
    {                                                                                              \
        "/version", 200, "{\"version\":\"0.11.0\"}", "uvicorn"                                     \
    }
#define VLLM_HEALTH                                                                                \
    {                                                                                              \
        "/health", 200, "", "uvicorn"                                                              \
    }
#define VLLM_METRICS(running, waiting, tokens)                                                     \
    {                                                                                              \
        "/metrics", 200,                                                                           \
            "# HELP vllm:num_requests_running x\n# TYPE vllm:num_requests_running gauge\n"         \
            "vllm:num_requests_running{engine=\"0\",model_name=\"a \\\"}b\"} " running             \
            "\nvllm:num_requests_waiting{engine=\"0\"} " waiting                                   \
            "\nvllm:generation_tokens_total{engine=\"0\"} " tokens                                 \
            "\nvllm:generation_tokens_total{engine=\"1\"} 1\nvllm:prompt_tokens_total{} 2.0\n",    \
            "uvicorn"                                                                              \
    }

static const struct lab_route vllm_idle[] = {
    VLLM_LIST, VLLM_HEALTH, VLLM_VERSION, VLLM_METRICS("0.0", "0.0", "1e3"), {0}};
static const struct lab_route vllm_busy[] = {
    VLLM_LIST, VLLM_HEALTH, VLLM_VERSION, VLLM_METRICS("3.0", "2.0", "1e3"), {0}};
static const struct lab_route vllm_dead[] = {
    VLLM_LIST, {"/health", 503, "", "uvicorn"}, VLLM_VERSION, {0}};
static const struct lab_route vllm_bare[] = {VLLM_LIST, VLLM_HEALTH, {0}};
static const struct lab_route vllm_key[] = {
    {"/v1/models", 401, "{\"error\":\"Unauthorized\"}"}, VLLM_HEALTH, {0}};
static const struct lab_route vllm_sglang[] = {
    {"/v1/models", 200,
     "{\"object\":\"list\",\"data\":[{\"id\":\"a\",\"owned_by\":\"sglang\",\"max_model_len\":9}]}"},
    {0}};
static const struct lab_situation vllm[] = {
    {"idle", NULL, vllm_idle, 0, 0, "qwen", 0, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE, "idle"},
    {"busy", NULL, vllm_busy, 0, 0, NULL, 0, HOMELAB_VERDICT_BUSY, HOMELAB_CAUSE_BUSY,
     "3 requests at work, 2 waiting"},
    {"engine dead", NULL, vllm_dead, 0, 0, NULL, 0, HOMELAB_VERDICT_DOWN,
     HOMELAB_CAUSE_SERVER_ERROR, "/health answered 503"},
    {"no metrics", NULL, vllm_bare, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE,
     "progress cannot be seen"},
    {"key wanted", NULL, vllm_key, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_AUTH,
     "Unauthorized"},
    {"SGLang instead", NULL, vllm_sglang, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BODY, NULL},
    {"llama.cpp instead", "llamacpp/ready", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BACKEND, "llama.cpp"},
    {"LiteLLM instead", "litellm/open", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BACKEND, "LiteLLM"},
};

/* --- LM Studio --- */

#define UNEXPECTED "{\"error\":\"Unexpected endpoint or method. (GET /x). Returning 200 anyway\"}"
static const struct lab_route lms_native[] = {
    {"/api/v1/models", 200,
     "{\"models\":[{\"type\":\"llm\",\"key\":\"qwen\",\"size_bytes\":5,\"max_context_length\":9000,"
     "\"loaded_instances\":[{\"id\":\"qwen\",\"config\":{\"context_length\":4096}}],"
     "\"capabilities\":{\"vision\":true,\"trained_for_tool_use\":true}},"
     "{\"type\":\"embedding\",\"key\":\"nomic\",\"loaded_instances\":[]}]}"},
    {"*", 200, UNEXPECTED},
    {0}};
static const struct lab_route lms_legacy[] = {
    {"/api/v0/models", 200,
     "{\"data\":[{\"id\":\"qwen\",\"type\":\"vlm\",\"state\":\"loaded\",\"max_context_length\":"
     "9000},"
     "{\"id\":\"nomic\",\"type\":\"embeddings\",\"state\":\"not-loaded\"}]}"},
    {"*", 200, UNEXPECTED},
    {0}};
static const struct lab_route lms_nothing[] = {{"*", 200, UNEXPECTED}, {0}};
static const struct lab_situation lmstudio[] = {
    {"native", NULL, lms_native, 0, 0, "qwen", 0, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE,
     "2 models"},
    {"legacy", NULL, lms_legacy, 0, 0, "nomic", 0, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE,
     "2 models"},
    {"missing", NULL, lms_native, 0, 0, "llama", 0, HOMELAB_VERDICT_DEGRADED,
     HOMELAB_CAUSE_MODEL_MISSING, NULL},
    {"neither", NULL, lms_nothing, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BODY, "Unexpected endpoint"},
    {"Ollama instead", "ollama/idle", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BACKEND, "Ollama"},
};

/* --- TabbyAPI --- */

#define TABBY_INFO                                                                                 \
    {                                                                                              \
        "/.well-known/serviceinfo", 200,                                                           \
            "{\"version\":0.1,\"software\":{\"name\":\"TabbyAPI\",\"repository\":\"x\"},\"api\":{" \
            "}}"                                                                                   \
    }
#define TABBY_LIST                                                                                 \
    {                                                                                              \
        "/v1/models", 200,                                                                         \
            "{\"object\":\"list\",\"data\":[{\"id\":\"m1\",\"owned_by\":\"tabbyAPI\"},"            \
            "{\"id\":\"m2\",\"owned_by\":\"tabbyAPI\"}]}"                                          \
    }
#define TABBY_FINE                                                                                 \
    {                                                                                              \
        "/health", 200, "{\"status\":\"healthy\",\"issues\":[]}"                                   \
    }
static const struct lab_route tabby_loaded[] = {
    TABBY_INFO,
    TABBY_LIST,
    TABBY_FINE,
    {"/v1/model", 200, "{\"id\":\"m2\",\"parameters\":{\"max_seq_len\":8192,\"use_vision\":true}}"},
    {0}};
static const struct lab_route tabby_empty[] = {
    TABBY_INFO,
    TABBY_LIST,
    TABBY_FINE,
    {"/v1/model", 503, "{\"detail\":\"No models are currently loaded.\"}"},
    {0}};
static const struct lab_route tabby_issues[] = {
    TABBY_INFO,
    TABBY_LIST,
    {"/health", 503,
     "{\"status\":\"unhealthy\",\"issues\":[{\"time\":\"x\",\"description\":\"CUDA out of "
     "memory\"}]}"},
    {"/v1/model", 200, "{\"id\":\"m2\",\"parameters\":{}}"},
    {0}};
static const struct lab_route tabby_503[] = {TABBY_INFO, TABBY_LIST, {"/health", 503, "oops"}, {0}};
static const struct lab_route tabby_key[] = {
    TABBY_INFO, TABBY_FINE, {"/v1/models", 401, "{\"detail\":\"Please provide an API key\"}"}, {0}};
static const struct lab_situation tabby[] = {
    {"loaded", NULL, tabby_loaded, 0, 0, "m2", 0, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE,
     "m2 is loaded"},
    {"nothing loaded", NULL, tabby_empty, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, "no model is loaded"},
    {"issues are kept for ever", NULL, tabby_issues, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, "CUDA out of memory"},
    {"503 of another kind", NULL, tabby_503, 0, 0, NULL, 0, HOMELAB_VERDICT_DOWN,
     HOMELAB_CAUSE_SERVER_ERROR, "oops"},
    {"key wanted", NULL, tabby_key, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_AUTH, "API key"},
    {"LiteLLM instead", "litellm/open", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BACKEND, "LiteLLM"},
};

/* --- llama-swap --- */

#define SWAP_LIST                                                                                  \
    {                                                                                              \
        "/v1/models", 200,                                                                         \
            "{\"data\":[{\"id\":\"a\",\"owned_by\":\"llama-swap\"},"                               \
            "{\"id\":\"b\",\"owned_by\":\"llama-swap\"}]}"                                         \
    }
#define SWAP_VERSION                                                                               \
    {                                                                                              \
        "/api/version", 200, "{\"version\":\"250\",\"commit\":\"x\",\"build_date\":\"y\"}"         \
    }
#define SWAP_RUNNING(processes)                                                                    \
    {                                                                                              \
        "/running", 200, "{\"running\":[" processes "]}"                                           \
    }
static const struct lab_route swap_idle[] = {SWAP_LIST, SWAP_VERSION, SWAP_RUNNING(""), {0}};
static const struct lab_route swap_ready[] = {
    SWAP_LIST, SWAP_VERSION, SWAP_RUNNING("{\"model\":\"a\",\"state\":\"ready\"}"), {0}};
static const struct lab_route swap_starting[] = {
    SWAP_LIST, SWAP_VERSION, SWAP_RUNNING("{\"model\":\"a\",\"state\":\"starting\"}"), {0}};
static const struct lab_route swap_both[] = {
    SWAP_LIST,
    SWAP_VERSION,
    SWAP_RUNNING("{\"model\":\"a\",\"state\":\"ready\"},{\"model\":\"b\",\"state\":\"starting\"}"),
    {0}};
static const struct lab_situation swap[] = {
    {"idle", NULL, swap_idle, 0, 0, "b", 0, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE, NULL},
    {"ready", NULL, swap_ready, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE, NULL},
    {"starting", NULL, swap_starting, 0, 0, NULL, 0, HOMELAB_VERDICT_LOADING, HOMELAB_CAUSE_LOADING,
     NULL},
    {"another starts", NULL, swap_both, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE,
     NULL},
    {"the required one starts", NULL, swap_both, 0, 0, "b", 0, HOMELAB_VERDICT_LOADING,
     HOMELAB_CAUSE_LOADING, "b"},
    {"missing", NULL, swap_ready, 0, 0, "z", 0, HOMELAB_VERDICT_DEGRADED,
     HOMELAB_CAUSE_MODEL_MISSING, NULL},
};

/* --- OpenAI-compatible, plain HTTP --- */

static const struct lab_route openai_fine[] = {
    {"/v1/models", 200, "{\"object\":\"list\",\"data\":[{\"id\":\"m\",\"object\":\"model\"}]}"},
    {0}};
static const struct lab_situation openai[] = {
    {"fine", NULL, openai_fine, 0, 0, "m", 0, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE,
     "1 model"},
    {"LiteLLM", "litellm/open", NULL, 0, 0, "local/small", 0, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, "2 models"},
    {"llama.cpp", "llamacpp/ready", NULL, 0, 0, "smollm2", 0, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, NULL},
    {"missing", NULL, openai_fine, 0, 0, "z", 0, HOMELAB_VERDICT_DEGRADED,
     HOMELAB_CAUSE_MODEL_MISSING, NULL},
};
static const struct lab_route web_page[] = {{"*", 200, "<html>hi</html>"}, {0}};
static const struct lab_route slow_page[] = {{"*", 200, "x", .us = 1000001}, {0}};
static const struct lab_situation http[] = {
    {"a page", NULL, web_page, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE, "bytes"},
    {"a slow page", NULL, slow_page, 0, 0, NULL, 0, HOMELAB_VERDICT_DEGRADED, HOMELAB_CAUSE_SLOW,
     "slower than"},
    {"LM Studio's 200", NULL, lms_nothing, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BODY, "200 to anything"},
};

static void run(const struct lab_situation *situations, size_t count, int backend, const char *path)
{
    for (size_t i = 0; i < count; i++)
        lab_run(&situations[i], backend, path);
    lab_run_common(backend, path);
}
#define RUN(table, backend, path) run(table, sizeof table / sizeof *table, backend, path)

static void test_vllm(void **state)
{
    (void)state;
    RUN(vllm, HOMELAB_BACKEND_VLLM, "/v1");
    lab_run_wrong_bodies(HOMELAB_BACKEND_VLLM, "/health");
}

static void test_lmstudio(void **state)
{
    (void)state;
    RUN(lmstudio, HOMELAB_BACKEND_LMSTUDIO, "/");
}

static void test_tabbyapi(void **state)
{
    (void)state;
    RUN(tabby, HOMELAB_BACKEND_TABBYAPI, "/");
    lab_run_wrong_bodies(HOMELAB_BACKEND_TABBYAPI, "/");
}

static void test_llamaswap(void **state)
{
    (void)state;
    RUN(swap, HOMELAB_BACKEND_LLAMASWAP, "/");
    lab_run_wrong_bodies(HOMELAB_BACKEND_LLAMASWAP, "/");
}

static void test_openai(void **state)
{
    (void)state;
    RUN(openai, HOMELAB_BACKEND_OPENAI, "/v1/models");
    lab_run_wrong_bodies(HOMELAB_BACKEND_OPENAI, "/v1");
}

static void test_http(void **state)
{
    (void)state;
    RUN(http, HOMELAB_BACKEND_HTTP, "/status");
    RUN(http, HOMELAB_BACKEND_HTTP, "/");
}

/* A path of the user's own that is work for some backend is not asked. */
static void test_guarded_paths(void **state)
{
    (void)state;
    static const struct {
        const char *path, *fixture, *asked;
        int backend;
    } rows[] = {
        {"/slots", "llamacpp/ready", "/", HOMELAB_BACKEND_HTTP},
        {"/slots?x=1", "llamacpp/ready", "/", HOMELAB_BACKEND_HTTP},
        {"/props?model=a", "llamacpp/ready", "/", HOMELAB_BACKEND_HTTP},
        {"/upstream/a/health", "llamacpp/ready", "/", HOMELAB_BACKEND_HTTP},
        {"/health", "litellm/open", "/health/liveliness", HOMELAB_BACKEND_HTTP},
        {"/health", "litellm/open", "/health/liveliness", HOMELAB_BACKEND_OPENAI},
        {"/health/", "litellm/open", NULL, HOMELAB_BACKEND_HTTP},
        {"/health", "litellm/open", NULL, HOMELAB_BACKEND_AUTO},
        {"/health", "llamacpp/ready", "/health", HOMELAB_BACKEND_HTTP},
        {"/health", "llamacpp/ready", "/health", HOMELAB_BACKEND_AUTO},
        {"/v1/health", "llamacpp/ready", "/v1/health", HOMELAB_BACKEND_LLAMACPP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lab lab;
        struct hl_observation seen;
        lab_init(&lab, rows[i].backend, rows[i].path);
        lab.fixture = rows[i].fixture;
        lab.is_gateway = lab_starts(rows[i].fixture, "litellm");
        lab_probe(&lab, &seen);
        if (rows[i].asked && !lab_asked(&lab, rows[i].asked))
            lab_dump(&lab, &seen);
        assert_true(!rows[i].asked || lab_asked(&lab, rows[i].asked));
        hl_observation_clear(&seen);
        lab_clear(&lab);
    }
}

/* Neither a key that a server echoes nor what stands in the query of the user's URL is told. */
static void test_secrets_are_not_told(void **state)
{
    (void)state;
    static const struct lab_route echoes[] = {
        {"*", 401, "{\"error\":{\"message\":\"bad key sk-secret-1234, again sk-secret-1234\"}}"},
        {0}};
    static const struct lab_route named[] = {
        {"*", 200, "{\"data\":[{\"id\":\"m-sk-secret-1234\"}]}"}, {0}};
    static const struct lab_route moved[] = {
        {"*", 302, "", .location = "http://elsewhere/?key=sk-secret-1234"}, {0}};
    static const struct {
        int backend;
        const char *path;
        const struct lab_route *routes;
    } rows[] = {
        {HOMELAB_BACKEND_OPENAI, "/v1/models", echoes},
        {HOMELAB_BACKEND_OLLAMA, "/", echoes},
        {HOMELAB_BACKEND_OPENAI, "/v1/models", named},
        {HOMELAB_BACKEND_HTTP, "/", moved},
        {HOMELAB_BACKEND_HTTP, "/status?token=sk-secret-1234", NULL},
        {HOMELAB_BACKEND_HTTP, "/slots?token=sk-secret-1234", NULL},
        {HOMELAB_BACKEND_AUTO, "/v1/models?token=sk-secret-1234", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lab lab;
        struct hl_observation seen;
        lab_init(&lab, rows[i].backend, rows[i].path);
        lab.routes = rows[i].routes;
        lab.target.key_state = 1;
        lab.target.key = "sk-secret-1234";
        lab_probe(&lab, &seen);
        assert_false(lab_says(&seen, "secret"));
        for (size_t j = 0; j < seen.model_count; j++)
            assert_null(strstr(seen.models[j].name, "secret"));
        hl_observation_clear(&seen);
        lab_clear(&lab);
    }
}

static void test_prefixes(void **state)
{
    (void)state;
    static const struct {
        const char *path, *asked;
        int backend;
    } rows[] = {
        {"/ollama/api/tags", "/ollama/api/tags", HOMELAB_BACKEND_OLLAMA},
        {"/ollama", "/ollama/api/tags", HOMELAB_BACKEND_OLLAMA},
        {"/llm/v1/", "/llm/v1/models", HOMELAB_BACKEND_OPENAI},
        {"/v1", "/v1/models", HOMELAB_BACKEND_LLAMACPP},
        {"/models", "/models", HOMELAB_BACKEND_LLAMACPP},
        {"/health/liveness", "/health/liveness", HOMELAB_BACKEND_LITELLM},
        {"/a/b?c=d", "/a/b?c=d", HOMELAB_BACKEND_HTTP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lab lab;
        struct hl_observation seen;
        lab_init(&lab, rows[i].backend, rows[i].path);
        lab_probe(&lab, &seen);
        assert_string_equal(lab.asks[0], rows[i].asked);
        hl_observation_clear(&seen);
        lab_clear(&lab);
    }
}

static void test_tcp(void **state)
{
    (void)state;
    static const int backends[] = {HOMELAB_BACKEND_TCP, HOMELAB_BACKEND_OLLAMA,
                                   HOMELAB_BACKEND_AUTO};
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++) {
        struct lab lab;
        struct hl_observation seen;
        lab_init(&lab, backends[i], "/");
        lab.target.depth = HL_DEPTH_TCP;
        lab_probe(&lab, &seen);
        assert_int_equal(seen.verdict, HOMELAB_VERDICT_HEALTHY);
        assert_int_equal(seen.evidence[0].layer, HL_LAYER_TCP);
        assert_int_equal(lab.ask_count, 1);
        hl_observation_clear(&seen);
        lab.dead = "127.0.0.1:8080";
        lab_probe(&lab, &seen);
        assert_int_equal(seen.cause, HOMELAB_CAUSE_REFUSED);
        assert_int_equal(seen.evidence[0].code, ECONNREFUSED);
        assert_true(seen.early_failure);
        hl_observation_clear(&seen);
        lab_clear(&lab);
    }
}

static void test_canaries(void **state)
{
    (void)state;
    static const struct {
        int backend;
        const struct lab_route *routes;
        const char *why;
    } rows[] = {
        {HOMELAB_BACKEND_VLLM, vllm_idle, "does not tell"},
        {HOMELAB_BACKEND_VLLM, vllm_busy, "at work"},
        {HOMELAB_BACKEND_LLAMASWAP, swap_ready, "declared capability"},
        {HOMELAB_BACKEND_TABBYAPI, tabby_empty, "no model is loaded"},
        {HOMELAB_BACKEND_OPENAI, openai_fine, "no canary sent"},
        {HOMELAB_BACKEND_LMSTUDIO, lms_legacy, "the canary failed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lab lab;
        struct hl_observation seen;
        lab_init(&lab, rows[i].backend, "/");
        lab.target.depth = HL_DEPTH_CANARY;
        lab.routes = rows[i].routes;
        lab_probe(&lab, &seen);
        if (!lab_says(&seen, rows[i].why))
            lab_dump(&lab, &seen);
        assert_true(lab_says(&seen, rows[i].why));
        hl_observation_clear(&seen);
        lab_clear(&lab);
    }
}

/* What the inventory declares stands in where the backend does not tell. */
static void test_declared_canary(void **state)
{
    (void)state;
    struct lab lab;
    struct hl_observation seen;
    lab_init(&lab, HOMELAB_BACKEND_VLLM, "/");
    lab.target.depth = HL_DEPTH_CANARY;
    lab.declared[0] = (struct hl_model){.name = (char *)"qwen", .roles = 1u << HL_CAP_EMBED};
    lab.inventory.models = lab.declared;
    lab.inventory.model_count = 1;
    lab.routes = (const struct lab_route[]){VLLM_LIST,
                                            VLLM_HEALTH,
                                            VLLM_VERSION,
                                            VLLM_METRICS("0", "0", "1"),
                                            {"/v1/embeddings", 200, "{\"data\":[{}]}"},
                                            {0}};
    lab_probe(&lab, &seen);
    assert_true(lab_asked(&lab, "/v1/embeddings"));
    assert_true(lab_says(&seen, "the canary lives"));
    hl_observation_clear(&seen);
    lab_clear(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vllm),          cmocka_unit_test(test_lmstudio),
        cmocka_unit_test(test_tabbyapi),      cmocka_unit_test(test_llamaswap),
        cmocka_unit_test(test_openai),        cmocka_unit_test(test_http),
        cmocka_unit_test(test_guarded_paths), cmocka_unit_test(test_secrets_are_not_told),
        cmocka_unit_test(test_prefixes),      cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_canaries),      cmocka_unit_test(test_declared_canary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
