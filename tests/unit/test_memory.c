/* A whole program, run again and again with one more allocation failing: inventory in, a sweep over
 * several backends, events, snapshot, texts out. Nothing may leak or hang, and what fails says so.
 */
#define HOMELAB_UNSTABLE
#include <homelab/homelab.h>
#include <homelab/testing.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failmalloc.h"

static const char json_inventory[] =
    "{\"nodes\":{\"gpu0\":{\"host\":\"gpu0.test\",\"gpus\":[{\"name\":\"RTX\",\"memory_gib\":24}]}}"
    ","
    "\"endpoints\":{"
    "\"local/ollama\":{\"url\":\"http://gpu0.test:11434\",\"tier\":\"local\",\"node\":\"gpu0\","
    "\"backend\":\"ollama\",\"models\":[\"qwen3\"],\"api_key\":\"env:HL_TEST_KEY\"},"
    "\"local/llama\":{\"url\":\"http://gpu0.test:8080\",\"tier\":\"local\"},"
    "\"nas/plain\":{\"url\":\"http://nas.test/status\",\"tier\":\"nas\",\"backend\":\"http\"},"
    "\"nas/dead\":{\"url\":\"http://dead.test/\",\"tier\":\"nas\",\"backend\":\"http\"}}}";

static const char yaml_inventory[] = "endpoints:\n"
                                     "  local/ollama:\n"
                                     "    url: http://gpu0.test:11434/api/tags\n"
                                     "    tier: LOCAL\n"
                                     "    timeout: 8\n";

static const struct {
    const char *url; /* its end */
    int status;
    const char *body;
} answers[] = {
    {":11434/api/version", 200, "{\"version\":\"0.17.4\"}"},
    {":11434/api/tags", 200,
     "{\"models\":[{\"name\":\"qwen3:latest\",\"model\":\"qwen3:latest\",\"size\":5200000000}]}"},
    {":11434/api/ps", 200,
     "{\"models\":[{\"name\":\"qwen3:latest\",\"model\":\"qwen3:latest\",\"size\":6000000000,"
     "\"size_vram\":6000000000,\"expires_at\":\"2099-01-01T00:00:00Z\",\"context_length\":4096}]}"},
    {":11434/api/show", 200, "{\"capabilities\":[\"completion\"],\"model_info\":{}}"},
    {":11434/", 200, "Ollama is running"},
    {":8080/health", 200, "{\"status\":\"ok\"}"},
    {":8080/props", 200, "{\"total_slots\":4,\"model_path\":\"m.gguf\",\"build_info\":\"b1-a\"}"},
    {":8080/v1/models", 200,
     "{\"object\":\"list\",\"data\":[{\"id\":\"m\",\"object\":\"model\",\"owned_by\":"
     "\"llamacpp\",\"meta\":{\"n_ctx_train\":4096,\"size\":1000}}]}"},
    {":8080/metrics", 200, "llamacpp:requests_processing 0\nllamacpp:n_decode_total 7\n"},
    {"/status", 200, "fine"},
};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* An answer for which there is no memory is one that never comes. */
static void transport(homelab_testing_request *request, void *userdata)
{
    (void)userdata;
    const char *url = homelab_testing_request_url(request);
    if (strstr(url, "dead.test")) {
        homelab_testing_request_fail(request, HOMELAB_E_NET_REFUSED);
        return;
    }
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        if (ends_with(url, answers[i].url)) {
            homelab_testing_request_answer(request, answers[i].status, "test", answers[i].body);
            return;
        }
    }
    homelab_testing_request_answer(request, 404, NULL, "{\"error\":\"not found\"}");
}

static int texts(homelab_prober *prober)
{
    homelab_snapshot *snapshot, *parsed;
    int code = homelab_prober_snapshot(prober, &snapshot);
    if (code)
        return failmalloc_failed(code);
    char *json = homelab_snapshot_json(snapshot);
    if (!json)
        code = failmalloc_failed(homelab_error_code());
    char *metrics = code ? NULL : homelab_snapshot_prometheus(snapshot);
    if (!code && !metrics)
        code = failmalloc_failed(homelab_error_code());
    homelab_snapshot_unref(snapshot);
    if (!code) {
        code = homelab_snapshot_parse(&parsed, json, strlen(json), NULL);
        if (code)
            failmalloc_failed(code);
        else
            homelab_snapshot_unref(parsed);
    }
    homelab_free(json);
    homelab_free(metrics);
    return code;
}

static int take_events(homelab_ctx *ctx)
{
    homelab_event *event;
    int got;
    while ((got = homelab_ctx_next_event(ctx, &event)) == 1) {
        char *json = homelab_event_json(event);
        int code = json ? HOMELAB_OK : failmalloc_failed(homelab_error_code());
        homelab_free(json);
        homelab_event_unref(event);
        if (code)
            return code;
    }
    return got < 0 ? failmalloc_failed(got) : HOMELAB_OK;
}

/* However short memory is, the sweep ends: at the latest when its time is up. */
static int sweep(homelab_ctx *ctx, homelab_prober *prober)
{
    homelab_op *op;
    int code = homelab_prober_check(prober, 0, &op);
    if (code)
        return failmalloc_failed(code);
    for (int i = 0; i < 400 && !homelab_op_is_done(op); i++) {
        code = homelab_ctx_dispatch(ctx, 0);
        if (code < 0)
            fail_msg("dispatch: %d %s", code, homelab_error_message());
        if (i % 10 == 9)
            assert_int_equal(homelab_testing_advance_clock(ctx, 500000), HOMELAB_OK);
    }
    assert_true(homelab_op_is_done(op));
    homelab_op_unref(op);
    code = take_events(ctx);
    return code ? code : texts(prober);
}

static int with_prober(homelab_ctx *ctx, homelab_inventory *inventory)
{
    homelab_prober *prober;
    int code = homelab_prober_new(&prober, ctx, inventory, NULL);
    if (code)
        return failmalloc_failed(code);
    code = sweep(ctx, prober);
    homelab_prober_unref(prober);
    return code;
}

static int with_ctx(homelab_inventory *inventory)
{
    homelab_ctx *ctx;
    int code = homelab_ctx_new(&ctx, NULL);
    if (code)
        return failmalloc_failed(code);
    code = homelab_testing_freeze_clock(ctx, 1000000, 1764000000000000);
    assert_int_equal(code, HOMELAB_OK);
    code = homelab_testing_set_transport(ctx, transport, NULL, NULL);
    if (code)
        failmalloc_failed(code);
    else
        code = with_prober(ctx, inventory);
    homelab_ctx_unref(ctx);
    return code;
}

static int program(void *userdata)
{
    const char *text = userdata;
    homelab_inventory *inventory;
    int code = homelab_inventory_load_text(&inventory, text, strlen(text), HOMELAB_FORMAT_AUTO,
                                           "test", NULL);
    if (code)
        return failmalloc_failed(code);
    char *written = homelab_inventory_write(inventory, HOMELAB_FORMAT_JSON);
    if (!written)
        code = failmalloc_failed(homelab_error_code());
    homelab_free(written);
    if (!code)
        code = with_ctx(inventory);
    homelab_inventory_unref(inventory);
    return code;
}

static void test_json_program(void **state)
{
    (void)state;
    setenv("HL_TEST_KEY", "hush", 1);
    fail_each_allocation(program, (void *)json_inventory);
}

static void test_yaml_program(void **state)
{
    (void)state;
    fail_each_allocation(program, (void *)yaml_inventory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_program),
        cmocka_unit_test(test_yaml_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
