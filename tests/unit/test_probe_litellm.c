#include "probe_lab.h"

#define ALIVE                                                                                      \
    {                                                                                              \
        "/health/liveliness", 200, "\"I'm alive!\""                                                \
    }
#define READY(body)                                                                                \
    {                                                                                              \
        "/health/readiness", 200, body                                                             \
    }
#define INFO(data)                                                                                 \
    {                                                                                              \
        "/model/info", 200, "{\"data\":[" data "]}"                                                \
    }
#define AT(name, url)                                                                              \
    "{\"model_name\":\"" name "\",\"litellm_params\":{\"api_base\":\"" url "\"},\"model_info\":{"  \
    "\"mode\":\"chat\",\"max_input_tokens\":4096,\"supports_vision\":true}}"

static const struct lab_route compromised[] = {
    READY("{\"status\":\"healthy\",\"db\":\"connected\",\"litellm_version\":\"1.82.8\"}"), {0}};
static const struct lab_route db_down[] = {
    {"/health/readiness", 503, "{\"detail\":\"Service Unhealthy (db)\"}"}, {0}};
static const struct lab_route prisma_no_key[] = {
    {"/model/info", 401,
     "{\"error\":{\"message\":\"Authentication Error, No api key passed in.\","
     "\"type\":\"auth_error\",\"param\":\"None\",\"code\":\"401\"}}"},
    {"/v1/models", 401,
     "{\"error\":{\"message\":\"Authentication Error, No api key passed in.\","
     "\"type\":\"auth_error\",\"param\":\"None\",\"code\":\"401\"}}"},
    {0}};
static const struct lab_route virtual_key[] = {
    {"/model/info", 403, "{\"error\":{\"message\":\"only proxy admins\"}}"}, {0}};
static const struct lab_route keyed_500[] = {{"/model/info", 500, "Internal Server Error"},
                                             {"/v1/models", 500, "Internal Server Error"},
                                             {0}};
static const struct lab_route hello[] = {{"/health/liveliness", 200, "hello"}, {0}};
static const struct lab_route wild[] = {ALIVE,
                                        READY("{\"status\":\"healthy\",\"db\":\"Not connected\"}"),
                                        INFO(AT("openai/*", "http://127.0.0.1:1")),
                                        {0}};

static const struct lab_situation situations[] = {
    {"right key", "litellm/keyed-right-key", NULL, 1, 0, "remote/small", 0, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, "all 2 backends"},
    {"open", "litellm/open", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE,
     NULL},
    {"no key", "litellm/keyed-no-key", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_AUTH, "a key is wanted"},
    {"no key, depth http", "litellm/keyed-no-key", NULL, 0, HL_DEPTH_HTTP, NULL, 0,
     HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_AUTH, NULL},
    {"key variable unset", "litellm/keyed-no-key", NULL, -1, 0, NULL, 0,
     HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_AUTH, "env:LAB_KEY"},
    {"wrong key", "litellm/keyed-wrong-key", NULL, 1, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_AUTH, "No connected db."},
    {"no key, with a database", "litellm/open", prisma_no_key, 0, 0, NULL, 0,
     HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_AUTH, "Authentication Error"},
    {"a key that may not read deployments", "litellm/keyed-right-key", virtual_key, 1, 0, NULL, 0,
     HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE, "may not read /model/info"},
    {"500 in spite of a key", "litellm/keyed-right-key", keyed_500, 1, 0, NULL, 0,
     HOMELAB_VERDICT_DOWN, HOMELAB_CAUSE_SERVER_ERROR, NULL},
    {"model missing", "litellm/keyed-right-key", NULL, 1, 0, "gpt-9", 0, HOMELAB_VERDICT_DEGRADED,
     HOMELAB_CAUSE_MODEL_MISSING, "gpt-9"},
    {"wildcard", NULL, wild, 1, 0, "openai/gpt-4o", 0, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE,
     NULL},
    {"compromised release", "litellm/open", compromised, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, "compromised"},
    {"database down", "litellm/open", db_down, 0, 0, NULL, 0, HOMELAB_VERDICT_DOWN,
     HOMELAB_CAUSE_SERVER_ERROR, "Service Unhealthy"},
    {"not alive", "litellm/open", hello, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BODY, "hello"},
    {"llama.cpp instead", "llamacpp/ready", NULL, 1, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BACKEND, "llama.cpp"},
    {"Ollama instead", "ollama/idle", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BACKEND, "Ollama"},
};

static void test_situations(void **state)
{
    static const char *const paths[] = {"/", "/health/liveliness", "/health", "/v1/models",
                                        "/gateway/health/liveliness"};
    (void)state;
    for (size_t i = 0; i < sizeof situations / sizeof *situations; i++)
        for (size_t j = 0; j + 1 < sizeof paths / sizeof *paths; j++)
            lab_run(&situations[i], HOMELAB_BACKEND_LITELLM, paths[j]);
}

static void test_common(void **state)
{
    (void)state;
    lab_run_common(HOMELAB_BACKEND_LITELLM, "/");
    lab_run_wrong_bodies(HOMELAB_BACKEND_LITELLM, "/");
}

struct dead_case {
    const char *name;
    const char *info; /* deployments */
    const char *dead;
    const char *gateway_host;
    bool foreign;
    int verdict, cause;
    const char *says;
    size_t connects;
};
static const struct dead_case dead_cases[] = {
    {"the only one", AT("a", "http://127.0.0.1:1/v1"), "127.0.0.1:1", "127.0.0.1", false,
     HOMELAB_VERDICT_DOWN, HOMELAB_CAUSE_BACKEND_DEAD, "1 of 1", 1},
    {"two names, one backend", AT("a", "http://127.0.0.1:1/v1") "," AT("b", "http://127.0.0.1:1"),
     "127.0.0.1:1", "127.0.0.1", false, HOMELAB_VERDICT_DOWN, HOMELAB_CAUSE_BACKEND_DEAD, "1 of 1",
     1},
    {"one of two", AT("a", "http://127.0.0.1:1") "," AT("b", "http://127.0.0.1:2"), "127.0.0.1:1",
     "127.0.0.1", false, HOMELAB_VERDICT_DEGRADED, HOMELAB_CAUSE_BACKEND_DEAD, "1 of 2", 2},
    {"both", AT("a", "http://127.0.0.1:1") "," AT("b", "http://127.0.0.1:2"),
     "127.0.0.1:1 127.0.0.1:2", "127.0.0.1", false, HOMELAB_VERDICT_DOWN,
     HOMELAB_CAUSE_BACKEND_DEAD, "2 of 2", 2},
    {"dead, another not tried", AT("a", "http://127.0.0.1:1") "," AT("b", "http://10.0.0.9:2"),
     "127.0.0.1:1", "127.0.0.1", false, HOMELAB_VERDICT_DEGRADED, HOMELAB_CAUSE_BACKEND_DEAD,
     "1 of 2", 1},
    {"outside the inventory", AT("a", "http://10.0.0.9:2"), "10.0.0.9:2", "127.0.0.1", false,
     HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE, "10.0.0.9", 0},
    {"outside, but allowed", AT("a", "http://10.0.0.9:2"), "10.0.0.9:2", "127.0.0.1", true,
     HOMELAB_VERDICT_DOWN, HOMELAB_CAUSE_BACKEND_DEAD, "10.0.0.9:2", 1},
    {"loopback of a gateway elsewhere", AT("a", "http://localhost:1"), "localhost:1", "10.0.0.7",
     true, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE, "not tried", 0},
    {"localhost by another name", AT("a", "http://[::1]:1") "," AT("b", "http://localhost:2"),
     "::1:1", "127.0.0.1", false, HOMELAB_VERDICT_DEGRADED, HOMELAB_CAUSE_BACKEND_DEAD, "1 of 2",
     2},
    {"another loopback address", AT("a", "http://127.0.0.2:1"), "127.0.0.2:1", "127.0.0.1", false,
     HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE, "not tried", 0},
    {"in the inventory", AT("a", "http://gpu0:8080/v1"), "gpu0:8080", "10.0.0.7", false,
     HOMELAB_VERDICT_DOWN, HOMELAB_CAUSE_BACKEND_DEAD, "gpu0:8080", 1},
    {"a provider", "{\"model_name\":\"a\",\"litellm_params\":{\"model\":\"openai/gpt\"}}", NULL,
     "127.0.0.1", false, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE, "provider", 0},
    {"no URL", AT("a", "file:///etc/passwd"), NULL, "127.0.0.1", true, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, "cannot be read", 0},
};

static void test_backends(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dead_cases / sizeof *dead_cases; i++) {
        const struct dead_case *row = &dead_cases[i];
        char info[2048];
        struct lab lab;
        struct hl_observation seen;
        lab_init(&lab, HOMELAB_BACKEND_LITELLM, "/");
        lab.others[0] = lab.endpoint;
        lab.others[0].host = (char *)row->gateway_host;
        lab.others[1] = lab.endpoint;
        lab.others[1].host = (char *)"GPU0";
        lab.target.endpoint = &lab.others[0];
        lab.inventory.endpoints = lab.others;
        lab.inventory.endpoint_count = 2;
        lab.target.foreign_backends = row->foreign;
        lab.target.key_state = 1;
        lab.is_gateway = true;
        lab.dead = row->dead;
        snprintf(info, sizeof info, "{\"data\":[%s]}", row->info);
        lab.routes =
            (const struct lab_route[]){ALIVE,
                                       READY("{\"status\":\"healthy\",\"db\":\"Not connected\"}"),
                                       {"/model/info", 200, info},
                                       {0}};
        lab_probe(&lab, &seen);
        const struct lab_situation expected = {
            .name = row->name, .verdict = row->verdict, .cause = row->cause, .says = row->says};
        lab_expect(&lab, &seen, &expected);
        size_t connects = 0;
        for (size_t j = 0; j < lab.ask_count; j++)
            connects += lab.asks[j][0] != '/';
        assert_int_equal(connects, row->connects);
        hl_observation_clear(&seen);
        lab_clear(&lab);
    }
}

static void test_recorded_backends_dead(void **state)
{
    (void)state;
    struct lab lab;
    struct hl_observation seen;
    lab_init(&lab, HOMELAB_BACKEND_LITELLM, "/health/liveliness");
    lab.fixture = "litellm/backends-dead";
    lab.is_gateway = true;
    lab.target.key_state = 1;
    lab.dead = "127.0.0.1:8081 127.0.0.1:11434";
    lab_probe(&lab, &seen);
    assert_int_equal(seen.verdict, HOMELAB_VERDICT_DOWN);
    assert_int_equal(seen.cause, HOMELAB_CAUSE_BACKEND_DEAD);
    assert_true(seen.models_known);
    assert_int_equal(seen.model_count, 2);
    hl_observation_clear(&seen);
    lab.dead = "127.0.0.1:8081";
    lab_probe(&lab, &seen);
    assert_int_equal(seen.verdict, HOMELAB_VERDICT_DEGRADED);
    hl_observation_clear(&seen);
    lab_clear(&lab);
}

static void test_facts(void **state)
{
    (void)state;
    struct lab lab;
    struct hl_observation seen;
    lab_init(&lab, HOMELAB_BACKEND_LITELLM, "/");
    lab.target.key_state = 1;
    lab.target.depth = HL_DEPTH_CANARY;
    lab.routes =
        (const struct lab_route[]){ALIVE,
                                   READY("{\"status\":\"healthy\",\"db\":\"Not connected\"}"),
                                   {"/health/readiness/details", 200,
                                    "{\"status\":\"healthy\",\"litellm_version\":\"1.106.2\"}"},
                                   INFO(AT("a", "http://127.0.0.1:1")),
                                   {0}};
    lab_probe(&lab, &seen);
    assert_string_equal(seen.version, "1.106.2");
    assert_int_equal(seen.models[0].abilities, HL_ABILITY_COMPLETION | HL_ABILITY_VISION);
    assert_int_equal(seen.models[0].context, 4096);
    assert_true(lab_says(&seen, "no canary sent"));
    assert_false(lab.keyed[0]);
    assert_false(lab.keyed[1]);
    assert_true(lab.keyed[3]);
    hl_observation_clear(&seen);
    lab_probe(&lab, &seen);
    assert_int_equal(lab.ask_count, 4);
    assert_string_equal(seen.version, "1.106.2");
    hl_observation_clear(&seen);
    lab_clear(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_situations), cmocka_unit_test(test_common),
        cmocka_unit_test(test_backends),   cmocka_unit_test(test_recorded_backends_dead),
        cmocka_unit_test(test_facts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
