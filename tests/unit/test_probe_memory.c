/* Every allocation of a probe may fail, ours and cJSON's: the probe then ends without a leak. */
#include "probe_lab.h"

#include "support/failmalloc.h"

static const struct lab_route ollama[] = {
    {"/", 200, "Ollama is running"},
    {"/api/tags", 200,
     "{\"models\":[{\"name\":\"a:latest\",\"size\":9,\"digest\":"
     "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}]}"},
    {"/api/version", 200, "{\"version\":\"0.17.4\"}"},
    {"/api/ps", 200,
     "{\"models\":[{\"name\":\"a:latest\",\"size\":9,\"size_vram\":3,\"context_length\":8,"
     "\"expires_at\":\"2318-01-01T00:00:00Z\"},{\"name\":\"b\",\"expires_at\":"
     "\"2020-01-01T00:00:00Z\"}]}"},
    {"/api/show", 200,
     "{\"capabilities\":[\"completion\"],\"model_info\":{\"general.architecture\":\"x\","
     "\"x.context_length\":16}}"},
    {"/api/generate", 200, "{\"response\":\"x\"}"},
    {0}};
static const struct lab_route llamacpp[] = {
    {"/v1/models", 200,
     "{\"models\":[{\"name\":\"a\",\"capabilities\":[\"completion\"]}],\"data\":[{\"id\":\"a\","
     "\"aliases\":[\"need\"],\"owned_by\":\"llamacpp\",\"meta\":{\"n_ctx\":5}}]}",
     "llama.cpp"},
    {"/props", 200, "{\"total_slots\":2,\"build_info\":\"b1\"}", "llama.cpp"},
    {"/metrics", 200, "llamacpp:requests_processing 0\nllamacpp:n_decode_total 3\n", "llama.cpp"},
    {"/v1/completions", 500, "{\"error\":{\"message\":\"CUDA error\"}}", "llama.cpp"},
    {0}};
static const struct lab_route litellm[] = {
    {"/health/liveliness", 200, "\"I'm alive!\""},
    {"/health/readiness", 200, "{\"status\":\"healthy\",\"db\":\"Not connected\"}"},
    {"/health/readiness/details", 200, "{\"litellm_version\":\"1.106.2\"}"},
    {"/model/info", 200,
     "{\"data\":[{\"model_name\":\"a\",\"litellm_params\":{\"api_base\":\"http://10.0.0.9:1/v1\"}},"
     "{\"model_name\":\"b\",\"litellm_params\":{\"api_base\":\"http://127.0.0.1:2\"}}]}"},
    {0}};
static const struct lab_route vllm[] = {
    {"/v1/models", 200, "{\"data\":[{\"id\":\"a\",\"owned_by\":\"vllm\",\"max_model_len\":9}]}"},
    {"/health", 200, ""},
    {"/version", 200, "{\"version\":\"0.11\"}"},
    {"/metrics", 200, "vllm:num_requests_running 1\n"},
    {0}};
static const struct lab_route tabby[] = {
    {"/.well-known/serviceinfo", 200, "{\"software\":{\"name\":\"TabbyAPI\"}}"},
    {"/health", 200, "{\"status\":\"healthy\",\"issues\":[]}"},
    {"/v1/models", 200, "{\"data\":[{\"id\":\"a\"}]}"},
    {"/v1/model", 200, "{\"id\":\"b\",\"parameters\":{}}"},
    {0}};
static const struct lab_route swap[] = {
    {"/running", 200, "{\"running\":[{\"model\":\"a\",\"state\":\"ready\"}]}"},
    {"/v1/models", 200, "{\"data\":[{\"id\":\"b\"}]}"},
    {0}};
static const struct lab_route studio[] = {
    {"/api/v1/models", 200,
     "{\"models\":[{\"type\":\"llm\",\"key\":\"a\",\"loaded_instances\":[{}]}]}"},
    {0}};
static const struct lab_route refusal[] = {
    {"*", 401, "{\"error\":{\"message\":\"no\",\"type\":\"authentication_error\"}}"}, {0}};

struct row {
    int backend;
    const struct lab_route *routes;
};
static const struct row rows[] = {
    {HOMELAB_BACKEND_OLLAMA, ollama},    {HOMELAB_BACKEND_LLAMACPP, llamacpp},
    {HOMELAB_BACKEND_LITELLM, litellm},  {HOMELAB_BACKEND_VLLM, vllm},
    {HOMELAB_BACKEND_TABBYAPI, tabby},   {HOMELAB_BACKEND_LLAMASWAP, swap},
    {HOMELAB_BACKEND_LMSTUDIO, studio},  {HOMELAB_BACKEND_OPENAI, vllm},
    {HOMELAB_BACKEND_HTTP, refusal},     {HOMELAB_BACKEND_AUTO, ollama},
    {HOMELAB_BACKEND_AUTO, llamacpp},    {HOMELAB_BACKEND_AUTO, litellm},
    {HOMELAB_BACKEND_AUTO, refusal},     {HOMELAB_BACKEND_OLLAMA, llamacpp},
    {HOMELAB_BACKEND_LLAMACPP, refusal},
};

static int probe_once(struct lab *lab)
{
    struct hl_probe *probe = NULL;
    struct hl_probe_ask ask;
    struct hl_http_result result;
    struct hl_observation seen;
    int code = hl_probe_new(&probe, &lab->target, lab->memory);
    if (code)
        return failmalloc_failed(code);
    while (!code && hl_probe_next(probe, &ask)) {
        lab_check_ask(lab, &ask);
        lab_answer(lab, &ask, &result);
        code = hl_probe_answer(probe, &result);
        if (code)
            failmalloc_failed(code);
    }
    if (!code) {
        hl_probe_finish(probe, 1, &seen);
        hl_observation_clear(&seen);
    }
    hl_probe_free(probe);
    return code;
}

/* Twice, the second time with what is remembered. */
static int probe_twice(void *userdata)
{
    const struct row *row = userdata;
    struct lab lab;
    lab_prepare(&lab, row->backend, "/");
    lab.routes = row->routes;
    lab.target.depth = HL_DEPTH_CANARY;
    lab.target.key_state = 1;
    lab.target.foreign_backends = true;
    lab_require(&lab, "need");
    lab.memory = hl_probe_memory_new();
    if (!lab.memory)
        return failmalloc_failed(hl_error_nomem());
    int code = probe_once(&lab);
    if (!code)
        code = probe_once(&lab);
    lab_clear(&lab);
    return code;
}

static void test_failing_allocations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fail_each_allocation(probe_twice, (void *)(uintptr_t)&rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_failing_allocations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
