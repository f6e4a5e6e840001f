#include "probe_lab.h"

#define DIGEST_A          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B          "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define TAG(name, digest) "{\"name\":\"" name "\",\"size\":100,\"digest\":\"" digest "\"}"
#define PS(more)                                                                                   \
    "{\"models\":[{\"name\":\"a:latest\",\"size\":1000,\"digest\":\"" DIGEST_A "\"," more "}]}"

static const struct lab_route ps_silent[] = {
    {"/api/ps", .code = HOMELAB_E_NET_TIMEOUT, .us = 5000000}, {0}};
static const struct lab_route ps_error[] = {{"/api/ps", 500, "{\"error\":\"oops\"}"}, {0}};
static const struct lab_route ps_hello[] = {{"/api/ps", 200, "hello"}, {0}};
static const struct lab_route host_refused[] = {{"/api/tags", 403, ""}, {0}};
static const struct lab_route queue_full[] = {
    {"/api/tags", 503,
     "{\"error\":\"server busy, please try again.  maximum pending requests exceeded\"}"},
    {0}};
static const struct lab_route show_silent[] = {
    {"/api/show", .code = HOMELAB_E_NET_TIMEOUT, .us = 5000000}, {0}};
static const struct lab_route show_broken[] = {{"/api/show", 200, "{\"capabilities\":7}"}, {0}};
static const struct lab_route half_gpu[] = {
    {"/api/tags", 200, "{\"models\":[" TAG("a:latest", DIGEST_A) "]}"},
    {"/api/ps", 200, PS("\"size_vram\":400,\"expires_at\":\"2318-01-01T00:00:00Z\"")},
    {0}};
static const struct lab_route whole_gpu[] = {
    {"/api/tags", 200, "{\"models\":[" TAG("a:latest", DIGEST_A) "]}"},
    {"/api/ps", 200, PS("\"size_vram\":1000,\"expires_at\":\"2318-01-01T00:00:00Z\"")},
    {0}};
static const struct lab_route llama_instead[] = {
    {"/v1/models", 200, "{\"data\":[{\"id\":\"x\",\"owned_by\":\"llamacpp\"}]}", "llama.cpp"},
    {"*", 200, "{\"models\":[{\"name\":\"x\"}]}", "llama.cpp"},
    {0}};
static const struct lab_route open_api_only[] = {
    {"/v1/models", 200, "{\"data\":[{\"id\":\"x\",\"owned_by\":\"somebody\"}]}"},
    {"*", 404, "{\"detail\":\"Not Found\"}"},
    {0}};

static const struct lab_situation situations[] = {
    {"idle", "ollama/idle", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE,
     "not looked at: the runner"},
    {"loaded on a CPU node", "ollama/loaded", NULL, 0, 0, "smollm2", 0, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, "has 0 % of its memory on a GPU"},
    {"loaded on the CPU of a GPU node", "ollama/loaded", NULL, 0, 0, NULL, 1,
     HOMELAB_VERDICT_DEGRADED, HOMELAB_CAUSE_CPU_FALLBACK, "though one is declared"},
    {"partly on the GPU", NULL, half_gpu, 0, 0, NULL, 1, HOMELAB_VERDICT_DEGRADED,
     HOMELAB_CAUSE_CPU_FALLBACK, "40 %"},
    {"wholly on the GPU", NULL, whole_gpu, 0, 0, "a", 1, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, NULL},
    {"unloaded", "ollama/unloaded", NULL, 0, 0, NULL, 1, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, NULL},
    {"request in flight", "ollama/expired-in-flight", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_BUSY,
     HOMELAB_CAUSE_BUSY, "a request is in flight"},
    {"in flight, depth http", "ollama/expired-in-flight", NULL, 0, HL_DEPTH_HTTP, NULL, 0,
     HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE, NULL},
    {"in flight and missing", "ollama/expired-in-flight", NULL, 0, 0, "llava", 0,
     HOMELAB_VERDICT_DEGRADED, HOMELAB_CAUSE_MODEL_MISSING, NULL},
    {"required with its tag", "ollama/idle", NULL, 0, 0, "qwen2.5-coder:7b", 0,
     HOMELAB_VERDICT_HEALTHY, HOMELAB_CAUSE_NONE, NULL},
    {"required, other tag", "ollama/idle", NULL, 0, 0, "qwen2.5-coder", 0, HOMELAB_VERDICT_DEGRADED,
     HOMELAB_CAUSE_MODEL_MISSING, "qwen2.5-coder"},
    {"scheduler silent", "ollama/idle", ps_silent, 0, 0, NULL, 0, HOMELAB_VERDICT_LOADING,
     HOMELAB_CAUSE_LOADING, "loaded or unloaded"},
    {"scheduler broken", "ollama/idle", ps_error, 0, 0, NULL, 0, HOMELAB_VERDICT_DOWN,
     HOMELAB_CAUSE_SERVER_ERROR, "oops"},
    {"scheduler of somebody else", "ollama/idle", ps_hello, 0, 0, NULL, 0,
     HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_WRONG_BODY, "hello"},
    {"host name refused", "ollama/idle", host_refused, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_AUTH, "host name"},
    {"queue full", "ollama/idle", queue_full, 0, 0, NULL, 0, HOMELAB_VERDICT_BUSY,
     HOMELAB_CAUSE_BUSY, "server busy"},
    {"disk slow", "ollama/idle", show_silent, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, "could not be read"},
    {"show broken", "ollama/idle", show_broken, 0, 0, NULL, 0, HOMELAB_VERDICT_HEALTHY,
     HOMELAB_CAUSE_NONE, NULL},
    {"llama.cpp instead", NULL, llama_instead, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BACKEND, "llama.cpp"},
    {"real llama.cpp instead", "llamacpp/ready", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BACKEND, "llama.cpp"},
    {"LiteLLM instead", "litellm/keyed-no-key", NULL, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_WRONG_BACKEND, "LiteLLM"},
    {"some OpenAI API instead", NULL, open_api_only, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
     HOMELAB_CAUSE_NOT_FOUND, NULL},
};

static void test_situations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof situations / sizeof *situations; i++)
        lab_run(&situations[i], HOMELAB_BACKEND_OLLAMA, "/api/tags");
}

static void test_common(void **state)
{
    (void)state;
    lab_run_common(HOMELAB_BACKEND_OLLAMA, "/");
    lab_run_wrong_bodies(HOMELAB_BACKEND_OLLAMA, "/");
}

static void test_facts(void **state)
{
    (void)state;
    struct lab lab;
    struct hl_observation seen;
    lab_init(&lab, HOMELAB_BACKEND_OLLAMA, "/api/tags");
    lab.fixture = "ollama/loaded";
    lab_probe(&lab, &seen);
    assert_string_equal(seen.version, "0.17.4");
    assert_true(seen.models_known);
    const struct hl_model_state *model = hl_observation_find(&seen, "smollm2:latest");
    assert_non_null(model);
    assert_int_equal(model->loaded, 1);
    assert_int_equal(model->vram_bytes, 0);
    assert_int_equal(model->context, 8192);
    assert_true(model->abilities & HL_ABILITY_COMPLETION);
    assert_true(seen.progress.known);
    assert_false(seen.progress.working);
    hl_observation_clear(&seen);
    /* What rarely changes is not asked again. */
    lab_probe(&lab, &seen);
    assert_int_equal(lab.ask_count, 2);
    assert_string_equal(lab.asks[0], "/api/tags");
    assert_string_equal(lab.asks[1], "/api/ps");
    model = hl_observation_find(&seen, "smollm2:latest");
    assert_true(model->abilities & HL_ABILITY_COMPLETION);
    assert_string_equal(seen.version, "0.17.4");
    hl_observation_clear(&seen);
    /* After an outage it may be another version. */
    lab.routes = (const struct lab_route[]){{"*", .code = HOMELAB_E_NET_REFUSED}, {0}};
    lab_probe(&lab, &seen);
    hl_observation_clear(&seen);
    lab.routes = NULL;
    lab_probe(&lab, &seen);
    assert_string_equal(lab.asks[1], "/api/version");
    hl_observation_clear(&seen);
    lab_clear(&lab);
}

static void test_cloud_and_capabilities(void **state)
{
    (void)state;
    struct lab lab;
    struct hl_observation seen;
    lab_init(&lab, HOMELAB_BACKEND_OLLAMA, "/");
    lab.routes = (const struct lab_route[]){
        {"/api/version", 200, "{\"version\":\"0.33.0\"}"},
        {"/api/tags", 200,
         "{\"models\":[{\"name\":\"big:cloud\",\"remote_host\":\"https://ollama.com\"},"
         "{\"name\":\"eye\",\"size\":5,\"capabilities\":[\"completion\",\"vision\",\"tools\"],"
         "\"details\":{\"context_length\":4096}}]}"},
        {"/api/ps", 200, "{\"models\":[]}"},
        {0}};
    lab_probe(&lab, &seen);
    assert_int_equal(seen.model_count, 1);
    assert_string_equal(seen.models[0].name, "eye");
    assert_int_equal(seen.models[0].abilities,
                     HL_ABILITY_COMPLETION | HL_ABILITY_VISION | HL_ABILITY_TOOLS);
    assert_int_equal(seen.models[0].context, 4096);
    assert_int_equal(lab.ask_count, 3);
    hl_observation_clear(&seen);
    lab_clear(&lab);
}

/* Models that count most are shown first, and a slow server is not asked on and on. */
static void test_show_budget(void **state)
{
    (void)state;
    struct lab lab;
    struct hl_observation seen;
    lab_init(&lab, HOMELAB_BACKEND_OLLAMA, "/");
    lab_require(&lab, "b");
    lab.routes = (const struct lab_route[]){
        {"/api/version", 200, "{\"version\":\"1\"}"},
        {"/api/tags", 200,
         "{\"models\":[" TAG("a:latest", DIGEST_A) "," TAG("b:latest", DIGEST_B) "]}"},
        {"/api/ps", 200, "{\"models\":[]}"},
        {"/api/show", 200, "{\"capabilities\":[\"embedding\"]}", .us = 3000000},
        {0}};
    lab_probe(&lab, &seen);
    assert_int_equal(lab.ask_count, 4);
    assert_string_equal(lab.bodies[3], "{\"model\":\"b:latest\"}");
    assert_int_equal(seen.verdict, HOMELAB_VERDICT_HEALTHY);
    assert_int_equal(hl_observation_find(&seen, "b:latest")->abilities, HL_ABILITY_EMBEDDING);
    hl_observation_clear(&seen);
    lab_probe(&lab, &seen);
    assert_string_equal(lab.bodies[2], "{\"model\":\"a:latest\"}");
    hl_observation_clear(&seen);
    lab_clear(&lab);
}

/* `ollama cp` gives a model a second name: shown once, known under both. */
static void test_copied_names(void **state)
{
    (void)state;
    struct lab lab;
    struct hl_observation seen;
    lab_init(&lab, HOMELAB_BACKEND_OLLAMA, "/");
    lab.routes = (const struct lab_route[]){
        {"/api/version", 200, "{\"version\":\"1\"}"},
        {"/api/tags", 200,
         "{\"models\":[" TAG("a:latest", DIGEST_A) "," TAG("b:latest", DIGEST_A) "]}"},
        {"/api/ps", 200, "{\"models\":[]}"},
        {"/api/show", 200, "{\"capabilities\":[\"embedding\"]}"},
        {0}};
    lab_probe(&lab, &seen);
    assert_int_equal(lab.ask_count, 4);
    assert_int_equal(hl_observation_find(&seen, "a:latest")->abilities, HL_ABILITY_EMBEDDING);
    assert_int_equal(hl_observation_find(&seen, "b:latest")->abilities, HL_ABILITY_EMBEDDING);
    hl_observation_clear(&seen);
    lab_clear(&lab);
}

/* The server's own clock counts, not ours. */
static void test_clock_skew(void **state)
{
    (void)state;
    struct lab lab;
    struct hl_observation seen;
    lab_init(&lab, HOMELAB_BACKEND_OLLAMA, "/");
    lab.fixture = "ollama/expired-in-flight";
    lab.target.wall_us = 1000000;
    lab_probe(&lab, &seen);
    assert_int_equal(seen.verdict, HOMELAB_VERDICT_BUSY);
    assert_true(seen.progress.overdue && seen.progress.has_counter);
    hl_observation_clear(&seen);
    lab.fixture = "ollama/loaded";
    lab.target.wall_us = INT64_C(4000000000000000);
    lab_probe(&lab, &seen);
    assert_int_equal(seen.verdict, HOMELAB_VERDICT_HEALTHY);
    hl_observation_clear(&seen);
    lab_clear(&lab);
}

struct canary_case {
    const char *ps;
    const char *show;
    const char *path; /* asked, or NULL */
    const char *why;
};
#define SHOW(ability, context)                                                                     \
    "{\"capabilities\":[\"" ability                                                                \
    "\"],\"model_info\":{\"general.architecture\":\"llama\",\"llama.context_length\":" context     \
    "}}"
static const struct canary_case canary_cases[] = {
    {PS("\"context_length\":2048,\"expires_at\":\"2318-01-01T00:00:00Z\""),
     SHOW("completion", "8192"), "/api/generate", "the canary lives"},
    {PS("\"context_length\":2048,\"expires_at\":\"2318-01-01T00:00:00Z\""),
     SHOW("embedding", "8192"), "/api/embed", "the canary lives"},
    {PS("\"context_length\":8192,\"expires_at\":\"2318-01-01T00:00:00Z\""),
     SHOW("completion", "8192"), NULL, "could reload"},
    {PS("\"context_length\":2048,\"expires_at\":\"2026-11-23T21:01:45Z\""),
     SHOW("completion", "8192"), NULL, "about to be unloaded"},
    {PS("\"expires_at\":\"2318-01-01T00:00:00Z\""), SHOW("completion", "8192"), NULL,
     "could reload"},
    {PS("\"context_length\":2048,\"expires_at\":\"2318-01-01T00:00:00Z\""), SHOW("image", "8192"),
     NULL, "not known"},
    {"{\"models\":[]}", SHOW("completion", "8192"), NULL, "no model is loaded"},
};

static void test_canary(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof canary_cases / sizeof *canary_cases; i++) {
        const struct canary_case *row = &canary_cases[i];
        struct lab lab;
        struct hl_observation seen;
        lab_init(&lab, HOMELAB_BACKEND_OLLAMA, "/");
        lab.target.depth = HL_DEPTH_CANARY;
        lab.routes = (const struct lab_route[]){
            {"/api/version", 200, "{\"version\":\"1\"}"},
            {"/api/tags", 200, "{\"models\":[" TAG("a:latest", DIGEST_A) "]}"},
            {"/api/ps", 200, row->ps},
            {"/api/show", 200, row->show},
            {"/api/generate", 200, "{\"response\":\"x\",\"done\":true}"},
            {"/api/embed", 200, "{\"embeddings\":[[0.1]]}"},
            {0}};
        lab_probe(&lab, &seen);
        if (!lab_says(&seen, row->why))
            lab_dump(&lab, &seen);
        assert_true(lab_says(&seen, row->why));
        assert_true(!row->path ==
                    !(lab_asked(&lab, "/api/generate") || lab_asked(&lab, "/api/embed")));
        if (row->path) {
            assert_true(lab_asked(&lab, row->path));
            assert_non_null(strstr(lab.bodies[lab.ask_count - 1], "\"num_ctx\":2048"));
        }
        hl_observation_clear(&seen);
        lab_clear(&lab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_situations),  cmocka_unit_test(test_common),
        cmocka_unit_test(test_facts),       cmocka_unit_test(test_cloud_and_capabilities),
        cmocka_unit_test(test_show_budget), cmocka_unit_test(test_copied_names),
        cmocka_unit_test(test_clock_skew),  cmocka_unit_test(test_canary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
