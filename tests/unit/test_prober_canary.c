/* A canary is never cut short, and never more than one is in flight at an endpoint. */
#include "prober_lab.h"

#define TAGS                                                                                       \
    "{\"models\":[{\"name\":\"m:7b\",\"model\":\"m:7b\",\"size\":100,\"digest\":\"d\","            \
    "\"details\":{\"family\":\"x\"}}]}"
#define LOADED                                                                                     \
    "{\"models\":[{\"name\":\"m:7b\",\"model\":\"m:7b\",\"size\":100,\"size_vram\":100,"           \
    "\"digest\":\"d\",\"expires_at\":\"2099-01-01T00:00:00Z\",\"context_length\":4096}]}"

struct ollama {
    struct lab lab;
    homelab_testing_request *canary;
    int canaries;
    const char *answer;
};

static bool is_canary(const char *path)
{
    return strstr(path, "/api/generate") || strstr(path, "/api/chat") || strstr(path, "/api/embed");
}

static const char *body_of(const char *path)
{
    if (strstr(path, "/api/tags"))
        return TAGS;
    if (strstr(path, "/api/ps"))
        return LOADED;
    if (strstr(path, "/api/version"))
        return "{\"version\":\"0.17.4\"}";
    return strstr(path, "/api/show") ? "{\"capabilities\":[\"completion\"],\"model_info\":{"
                                       "\"general.architecture\":\"x\","
                                       "\"x.context_length\":32768}}"
                                     : NULL;
}

static void transport(homelab_testing_request *request, void *userdata)
{
    struct ollama *ollama = userdata;
    const char *url = homelab_testing_request_url(request);
    if (!is_canary(url)) {
        const char *body = body_of(url);
        homelab_testing_request_answer(request, body ? 200 : 404, NULL, body ? body : "");
        return;
    }
    ollama->canaries++;
    if (ollama->answer)
        homelab_testing_request_answer(request, 200, NULL, ollama->answer);
    else
        ollama->canary = request;
}

static void open_ollama(struct ollama *ollama)
{
    memset(ollama, 0, sizeof *ollama);
    lab_open(&ollama->lab);
    homelab_testing_set_transport(ollama->lab.ctx, transport, ollama, NULL);
    homelab_opts_set_string(ollama->lab.opts, "probe.depth", "canary");
    homelab_opts_set_int(ollama->lab.opts, "probe.canary_timeout_ms", 20000);
    lab_start(&ollama->lab,
              lab_inventory("{\"endpoints\":{\"local/o\":{\"url\":\"http://e0.test:11434\","
                            "\"tier\":\"local\",\"backend\":\"ollama\",\"timeout\":5}}}"));
}

static void answered(void **state)
{
    (void)state;
    struct ollama ollama;
    open_ollama(&ollama);
    ollama.answer = "{\"model\":\"m:7b\",\"response\":\"a\",\"done\":true,\"eval_count\":1}";
    assert_int_equal(homelab_prober_check_now(ollama.lab.prober, 1000), HOMELAB_OK);
    assert_int_equal(ollama.canaries, 1);
    assert_int_equal(lab_verdict(&ollama.lab, 0), HOMELAB_VERDICT_HEALTHY);
    lab_close(&ollama.lab);
}

static void unanswered(void **state)
{
    (void)state;
    struct ollama ollama;
    homelab_op *op = NULL;
    open_ollama(&ollama);
    assert_int_equal(homelab_prober_check(ollama.lab.prober, 0, &op), HOMELAB_OK);
    lab_settle(&ollama.lab);
    assert_non_null(ollama.canary);
    lab_advance(&ollama.lab, 19 * SECOND); /* long past the endpoint's time-out */
    assert_int_equal(homelab_op_result(op), HOMELAB_E_PENDING);
    lab_advance(&ollama.lab, 1 * SECOND);
    assert_int_equal(homelab_op_result(op), HOMELAB_OK);
    homelab_op_unref(op);
    assert_int_not_equal(lab_verdict(&ollama.lab, 0), HOMELAB_VERDICT_HEALTHY);
    /* It is still in flight, so the next look asks for none. */
    assert_int_equal(homelab_prober_check_now(ollama.lab.prober, 1000), HOMELAB_OK);
    assert_int_equal(ollama.canaries, 1);
    /* The late answer is nobody's any more; afterwards there may be another. */
    homelab_testing_request_answer(ollama.canary, 200, NULL, "{\"response\":\"a\",\"done\":true}");
    lab_settle(&ollama.lab);
    ollama.answer = "{\"model\":\"m:7b\",\"response\":\"a\",\"done\":true,\"eval_count\":1}";
    assert_int_equal(homelab_prober_check_now(ollama.lab.prober, 1000), HOMELAB_OK);
    assert_int_equal(ollama.canaries, 2);
    assert_int_equal(lab_verdict(&ollama.lab, 0), HOMELAB_VERDICT_HEALTHY);
    lab_close(&ollama.lab);
}

/* Whatever ends the look, the request goes on. */
static void outlives(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        struct ollama ollama;
        homelab_op *op = NULL;
        open_ollama(&ollama);
        assert_int_equal(homelab_prober_check(ollama.lab.prober, 0, &op), HOMELAB_OK);
        lab_settle(&ollama.lab);
        assert_non_null(ollama.canary);
        if (how == 0)
            homelab_op_cancel(op);
        if (how == 1)
            homelab_prober_close(ollama.lab.prober);
        if (how == 2 || how == 3) {
            homelab_prober_unref(ollama.lab.prober);
            ollama.lab.prober = NULL;
        }
        assert_true(homelab_op_is_done(op));
        homelab_op_unref(op);
        lab_settle(&ollama.lab);
        if (how != 3)
            assert_int_equal(
                homelab_testing_request_answer(ollama.canary, 200, NULL, "{\"done\":true}"),
                HOMELAB_OK);
        lab_settle(&ollama.lab);
        lab_close(&ollama.lab); /* with it still in flight, in the last turn */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answered),
        cmocka_unit_test(unanswered),
        cmocka_unit_test(outlives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
