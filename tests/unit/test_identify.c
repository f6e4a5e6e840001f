#include "probe_lab.h"

#define TAGS                                                                                       \
    {                                                                                              \
        "/api/tags", 200,                                                                          \
            "{\"models\":[{\"name\":\"a:latest\",\"digest\":"                                      \
            "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"                                          \
            "aaaaaaaaaaaaaaaaaaaaaaa\",\"details\":{}}]}"                                          \
    }
#define OPENAI_LIST(owner)                                                                         \
    {                                                                                              \
        "/v1/models", 200,                                                                         \
            "{\"object\":\"list\",\"data\":[{\"id\":\"m\",\"owned_by\":\"" owner "\"}]}"           \
    }

/* Servers that imitate Ollama's paths. */
static const struct lab_route koboldcpp[] = {
    {"/", 200, "<!DOCTYPE html><html>KoboldAI Lite</html>"},
    {"/api/version", 200, "{\"version\":\"0.7.0\"}"},
    TAGS,
    {"/api/ps", 200, "{\"models\":[]}"},
    {"/api/extra/version", 200, "{\"result\":\"KoboldCpp\",\"version\":\"1.99\"}"},
    OPENAI_LIST("koboldcpp"),
    {0}};
static const struct lab_route localai[] = {{"/", 200, "<html>LocalAI</html>"},
                                           {"/api/version", 200, "{\"version\":\"0.9.0\"}"},
                                           TAGS,
                                           {"/version", 200, "{\"version\":\"v3\"}"},
                                           OPENAI_LIST(""),
                                           {0}};
static const struct lab_route model_runner[] = {
    {"/", 200, "Docker Model Runner is running"}, TAGS, {"/api/ps", 200, "{\"models\":[]}"}, {0}};
static const struct lab_route text_only[] = {{"/", 200, "Ollama is running"}, {0}};
static const struct lab_route llama_imitates[] = {
    {"/", 200, "Ollama is running", "llama.cpp"},
    {"/api/tags", 200, "{\"models\":[]}", "llama.cpp"},
    {"/v1/models", 200, "{\"data\":[{\"id\":\"m\",\"owned_by\":\"llamacpp\"}]}", "llama.cpp"},
    {"/props", 200, "{\"total_slots\":1}", "llama.cpp"},
    {"/metrics", 501, "{}", "llama.cpp"},
    {0}};

static const struct lab_route slow_guess[] = {
    {"/.well-known/serviceinfo", 404, "{\"detail\":\"Not Found\"}", .us = 1200000}, {0}};
static const struct lab_route vllm[] = {
    {"/v1/models", 200, "{\"data\":[{\"id\":\"m\",\"owned_by\":\"vllm\",\"max_model_len\":1024}]}"},
    {"/health", 200, ""},
    {"/version", 200, "{\"version\":\"0.11\"}"},
    {"/metrics", 200, "vllm:num_requests_running 0\n"},
    {0}};
static const struct lab_route vllm_keyed[] = {{"/v1/models", 401, "{\"error\":\"Unauthorized\"}"},
                                              {"/version", 200, "{\"version\":\"0.11\"}"},
                                              {0}};
static const struct lab_route sglang[] = {
    {"/v1/models", 200,
     "{\"data\":[{\"id\":\"m\",\"owned_by\":\"sglang\",\"max_model_len\":1024}]}"},
    {0}};
static const struct lab_route lmstudio[] = {
    {"/api/v1/models", 200,
     "{\"models\":[{\"type\":\"llm\",\"key\":\"q\",\"loaded_instances\":[]}]}"},
    {"/v1/models", 200, "{\"data\":[{\"id\":\"q\",\"owned_by\":\"organization_owner\"}]}"},
    {"*", 200, "{\"error\":\"Unexpected endpoint or method. (GET /)\"}"},
    {0}};
static const struct lab_route tabby[] = {
    {"/.well-known/serviceinfo", 200, "{\"software\":{\"name\":\"TabbyAPI\"}}"},
    {"/v1/models", 200, "{\"data\":[{\"id\":\"q\",\"owned_by\":\"tabbyAPI\"}]}"},
    {"/health", 200, "{\"status\":\"healthy\",\"issues\":[]}"},
    {"/v1/model", 200, "{\"id\":\"q\",\"parameters\":{}}"},
    {0}};
static const struct lab_route swap[] = {
    {"/running", 200, "{\"running\":[]}"},
    {"/", 302, "", .location = "/ui"},
    {"/v1/models", 200, "{\"data\":[{\"id\":\"q\",\"owned_by\":\"llama-swap\"}]}"},
    {"/api/version", 200, "{\"version\":\"250\",\"commit\":\"c\",\"build_date\":\"d\"}"},
    {0}};
static const struct lab_route page[] = {{"*", 200, "<html>a NAS</html>"}, {0}};
static const struct lab_route hello[] = {{"*", 200, "hello"}, {0}};
static const struct lab_route loading[] = {
    {"*", 503, "{\"error\":{\"message\":\"Loading model\"}}", "llama.cpp"}, {0}};

struct row {
    const char *name, *fixture;
    const struct lab_route *routes;
    int hint; /* told from the path, not declared */
    const char *path;
    int backend, verdict, cause;
    const char *says;
};
static const struct row rows[] = {
    {"llama.cpp", "llamacpp/ready", NULL, 0, "/", HOMELAB_BACKEND_LLAMACPP, HOMELAB_VERDICT_HEALTHY,
     0, "recognised as llama.cpp by"},
    {"llama.cpp keyed", "llamacpp/keyed-no-key", NULL, 0, "/v1/models", HOMELAB_BACKEND_LLAMACPP,
     HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_AUTH, NULL},
    {"llama.cpp hinted as OpenAI", "llamacpp/ready", NULL, HOMELAB_BACKEND_OPENAI, "/v1/models",
     HOMELAB_BACKEND_LLAMACPP, HOMELAB_VERDICT_HEALTHY, 0, NULL},
    {"llama.cpp loading", NULL, loading, 0, "/", HOMELAB_BACKEND_LLAMACPP, HOMELAB_VERDICT_LOADING,
     HOMELAB_CAUSE_LOADING, "Loading model"},
    {"llama.cpp sleeping", "llamacpp/sleeping", NULL, 0, "/health", HOMELAB_BACKEND_LLAMACPP,
     HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_SLEEPING, NULL},
    {"Ollama", "ollama/idle", NULL, 0, "/", HOMELAB_BACKEND_OLLAMA, HOMELAB_VERDICT_HEALTHY, 0,
     "recognised as Ollama by text of / and"},
    {"Ollama hinted", "ollama/loaded", NULL, HOMELAB_BACKEND_OLLAMA, "/api/tags",
     HOMELAB_BACKEND_OLLAMA, HOMELAB_VERDICT_HEALTHY, 0, NULL},
    {"LiteLLM", "litellm/keyed-right-key", NULL, 0, "/", HOMELAB_BACKEND_LITELLM,
     HOMELAB_VERDICT_HEALTHY, 0, NULL},
    {"LiteLLM hinted", "litellm/open", NULL, HOMELAB_BACKEND_LITELLM, "/health/liveliness",
     HOMELAB_BACKEND_LITELLM, HOMELAB_VERDICT_HEALTHY, 0, NULL},
    {"LiteLLM without a key", "litellm/keyed-no-key", NULL, 0, "/health", HOMELAB_BACKEND_LITELLM,
     HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_AUTH, NULL},
    {"LiteLLM, slow over a path it lacks", "litellm/open", slow_guess, 0, "/",
     HOMELAB_BACKEND_LITELLM, HOMELAB_VERDICT_HEALTHY, 0, NULL},
    {"vLLM", NULL, vllm, 0, "/", HOMELAB_BACKEND_VLLM, HOMELAB_VERDICT_HEALTHY, 0, NULL},
    {"vLLM keyed", NULL, vllm_keyed, HOMELAB_BACKEND_OPENAI, "/v1/models", HOMELAB_BACKEND_VLLM,
     HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_AUTH, NULL},
    {"SGLang", NULL, sglang, 0, "/v1", HOMELAB_BACKEND_OPENAI, HOMELAB_VERDICT_HEALTHY, 0,
     "not recognised"},
    {"LM Studio", NULL, lmstudio, 0, "/", HOMELAB_BACKEND_LMSTUDIO, HOMELAB_VERDICT_HEALTHY, 0,
     NULL},
    {"TabbyAPI", NULL, tabby, 0, "/", HOMELAB_BACKEND_TABBYAPI, HOMELAB_VERDICT_HEALTHY, 0, NULL},
    {"llama-swap", NULL, swap, 0, "/", HOMELAB_BACKEND_LLAMASWAP, HOMELAB_VERDICT_HEALTHY, 0, NULL},
    {"KoboldCpp", NULL, koboldcpp, 0, "/", HOMELAB_BACKEND_OPENAI, HOMELAB_VERDICT_HEALTHY, 0,
     NULL},
    {"KoboldCpp at an Ollama path", NULL, koboldcpp, HOMELAB_BACKEND_OLLAMA, "/api/tags",
     HOMELAB_BACKEND_OPENAI, HOMELAB_VERDICT_HEALTHY, 0, "like an imitator"},
    {"LocalAI at an Ollama path", NULL, localai, HOMELAB_BACKEND_OLLAMA, "/api/tags",
     HOMELAB_BACKEND_OPENAI, HOMELAB_VERDICT_HEALTHY, 0, "like an imitator"},
    {"Docker Model Runner", NULL, model_runner, HOMELAB_BACKEND_OLLAMA, "/api/tags",
     HOMELAB_BACKEND_HTTP, HOMELAB_VERDICT_HEALTHY, 0, "like an imitator"},
    {"only a text", NULL, text_only, 0, "/", HOMELAB_BACKEND_HTTP, HOMELAB_VERDICT_HEALTHY, 0,
     "like an imitator"},
    {"llama.cpp imitates Ollama", NULL, llama_imitates, HOMELAB_BACKEND_OLLAMA, "/api/tags",
     HOMELAB_BACKEND_LLAMACPP, HOMELAB_VERDICT_HEALTHY, 0, NULL},
    {"a page whatever is asked", NULL, page, 0, "/", HOMELAB_BACKEND_OPENAI,
     HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_WRONG_BODY, "a list of models"},
    {"a page of one's own", NULL, page, 0, "/status.html", HOMELAB_BACKEND_HTTP,
     HOMELAB_VERDICT_HEALTHY, 0, "not recognised"},
    {"LM Studio at an Ollama path", NULL, lmstudio, HOMELAB_BACKEND_OLLAMA, "/api/tags",
     HOMELAB_BACKEND_LMSTUDIO, HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_WRONG_BACKEND,
     "LM Studio answers"},
    {"hello where Ollama should be", NULL, hello, HOMELAB_BACKEND_OLLAMA, "/api/tags",
     HOMELAB_BACKEND_OLLAMA, HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_WRONG_BODY, "hello"},
    {"hello where models should be", NULL, hello, HOMELAB_BACKEND_OPENAI, "/v1/models",
     HOMELAB_BACKEND_OPENAI, HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_WRONG_BODY, "hello"},
    {"hello where LiteLLM should be", NULL, hello, HOMELAB_BACKEND_LITELLM, "/health/liveliness",
     HOMELAB_BACKEND_LITELLM, HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_WRONG_BODY, "hello"},
};

static void prepare(struct lab *lab, const struct row *row)
{
    lab_init(lab, HOMELAB_BACKEND_AUTO, row->path);
    lab->endpoint.backend = row->hint;
    lab->fixture = row->fixture;
    lab->routes = row->routes;
    lab->is_gateway = row->fixture && lab_starts(row->fixture, "litellm");
    lab->target.key_state = row->fixture && strstr(row->fixture, "right-key");
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        struct lab lab;
        prepare(&lab, row);
        for (int round = 0; round < 12; round++) {
            struct hl_observation seen;
            const struct lab_situation expected = {
                .name = row->name, .verdict = row->verdict, .cause = row->cause, .says = row->says};
            lab_probe(&lab, &seen);
            lab_expect(&lab, &seen, &expected);
            if (seen.backend != row->backend) {
                lab_dump(&lab, &seen);
                fail_msg("%s: backend %d", row->name, seen.backend);
            }
            assert_in_range(lab.ask_count, 1, 24);
            /* Once known, it is not asked who it is. */
            if (round == 1 && row->verdict == HOMELAB_VERDICT_HEALTHY)
                assert_in_range(lab.ask_count, 1, 5);
            hl_observation_clear(&seen);
        }
        lab_clear(&lab);
    }
}

static void test_common(void **state)
{
    (void)state;
    lab_run_common(HOMELAB_BACKEND_AUTO, "/");
    lab_run_common(HOMELAB_BACKEND_AUTO, "/v1/models");
    lab_run_common(HOMELAB_BACKEND_AUTO, "/health");
}

/* Another server takes the place of the one that was recognised. */
static void test_replaced(void **state)
{
    (void)state;
    struct lab lab;
    struct hl_observation seen;
    lab_init(&lab, HOMELAB_BACKEND_AUTO, "/");
    static const char *const fixtures[] = {"ollama/idle", "llamacpp/ready", "litellm/open",
                                           "ollama/loaded"};
    static const int backends[] = {HOMELAB_BACKEND_OLLAMA, HOMELAB_BACKEND_LLAMACPP,
                                   HOMELAB_BACKEND_LITELLM, HOMELAB_BACKEND_OLLAMA};
    for (size_t i = 0; i < sizeof fixtures / sizeof *fixtures; i++) {
        lab.fixture = fixtures[i];
        lab.is_gateway = lab_starts(fixtures[i], "litellm");
        lab_probe(&lab, &seen);
        if (seen.backend != backends[i])
            lab_dump(&lab, &seen);
        assert_int_equal(seen.backend, backends[i]);
        assert_int_equal(seen.verdict, HOMELAB_VERDICT_HEALTHY);
        hl_observation_clear(&seen);
    }
    lab_clear(&lab);
}

/* An outage does not make it forget who was there. */
static void test_down_keeps_backend(void **state)
{
    (void)state;
    struct lab lab;
    struct hl_observation seen;
    lab_init(&lab, HOMELAB_BACKEND_AUTO, "/");
    lab.fixture = "ollama/idle";
    lab_probe(&lab, &seen);
    hl_observation_clear(&seen);
    lab.routes = (const struct lab_route[]){{"*", .code = HOMELAB_E_NET_REFUSED}, {0}};
    for (int i = 0; i < 3; i++) {
        lab_probe(&lab, &seen);
        assert_int_equal(seen.backend, HOMELAB_BACKEND_OLLAMA);
        assert_int_equal(seen.verdict, HOMELAB_VERDICT_DOWN);
        assert_int_equal(lab.ask_count, 1);
        hl_observation_clear(&seen);
    }
    lab_clear(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_common),
        cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_down_keeps_backend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
