/* Sending over an injected transport: what is sent, which candidate comes next, what is told. */
#define HOMELAB_UNSTABLE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/failmalloc.h"

#include <homelab/homelab.h>
#include <homelab/testing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLD 1
#define GOOD                                                                                       \
    "{\"choices\":[{\"message\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}],\"usage\":"      \
    "{\"prompt_tokens\":3,\"completion_tokens\":2}}"
#define STREAM                                                                                     \
    "data: {\"choices\":[{\"delta\":{\"content\":\"one \"}}]}\n\n"                                 \
    "data: {\"choices\":[{\"delta\":{\"content\":\"two\"},\"finish_reason\":\"stop\"}]}\n\n"       \
    "data: [DONE]\n\n"

struct lab {
    homelab_ctx *ctx;
    homelab_inventory *inventory;
    homelab_router *router;
    homelab_request *request;
    int does[3]; /* by host: a status, HOLD, or a negative code */
    const char *says[3];
    int asked[3];
    char body[512], url[128];
    homelab_testing_request *held;
    char text[256];
    int attempts;
    int64_t max_answer; /* option router.max_answer_bytes, 0: its default */
};

static void play(homelab_testing_request *request, void *userdata)
{
    struct lab *lab = userdata;
    int host = -1;
    assert_int_equal(sscanf(homelab_testing_request_url(request), "http://h%d", &host), 1);
    lab->asked[host]++;
    snprintf(lab->body, sizeof lab->body, "%s", homelab_testing_request_body(request));
    snprintf(lab->url, sizeof lab->url, "%s", homelab_testing_request_url(request));
    if (lab->does[host] == HOLD)
        lab->held = request;
    else if (lab->does[host] < 0)
        homelab_testing_request_fail(request, lab->does[host]);
    else
        homelab_testing_request_answer(request, lab->does[host], NULL, lab->says[host]);
}

static int make_ctx(struct lab *lab)
{
    homelab_opts *opts = NULL;
    int code = lab->max_answer ? homelab_opts_new(&opts) : 0;
    if (!code && opts)
        code = homelab_opts_set_int(opts, "router.max_answer_bytes", lab->max_answer);
    if (!code)
        code = homelab_ctx_new(&lab->ctx, opts);
    homelab_opts_free(opts);
    return code;
}

static int open_lab(struct lab *lab)
{
    static const char text[] =
        "{\"endpoints\":{\"a\":{\"url\":\"http://h0:80\",\"tier\":\"local\",\"backend\":\"vllm\","
        "\"models\":[\"m-7b\"]},\"b\":{\"url\":\"http://h1:80\",\"tier\":\"remote\",\"backend\":"
        "\"vllm\",\"models\":[\"n-7b\"]},\"c\":{\"url\":\"http://h2:80\",\"tier\":\"nas\","
        "\"backend\":\"vllm\",\"models\":[\"o-7b\"]}}}";
    int code = make_ctx(lab);
    if (!code)
        code = homelab_testing_freeze_clock(lab->ctx, 1000000, INT64_C(1764000000000000));
    if (!code)
        code = homelab_testing_set_transport(lab->ctx, play, lab, NULL);
    if (!code)
        code = homelab_inventory_load_text(&lab->inventory, text, sizeof text - 1,
                                           HOMELAB_FORMAT_JSON, NULL, NULL);
    if (!code)
        code = homelab_router_new(&lab->router, lab->inventory, NULL, NULL);
    if (!code)
        code = homelab_request_new(&lab->request, NULL);
    if (!code) {
        homelab_request_set_task(lab->request, HOMELAB_TASK_CHAT);
        homelab_request_set_kind(lab->request, HOMELAB_REQUEST_OPENAI_CHAT);
    }
    for (int i = 0; i < 3; i++) {
        lab->does[i] = 200;
        lab->says[i] = GOOD;
    }
    return code;
}

static void close_lab(struct lab *lab)
{
    homelab_request_free(lab->request);
    homelab_router_unref(lab->router);
    homelab_inventory_unref(lab->inventory);
    homelab_ctx_unref(lab->ctx);
}

static void run(struct lab *lab)
{
    homelab_event *event;
    for (int i = 0; i < 30; i++) {
        homelab_ctx_dispatch(lab->ctx, 0);
        while (homelab_ctx_next_event(lab->ctx, &event) == 1) {
            if (homelab_event_type(event) == HOMELAB_EVENT_ANSWER)
                strncat(lab->text, homelab_event_data(event),
                        sizeof lab->text - strlen(lab->text) - 1);
            lab->attempts += homelab_event_type(event) == HOMELAB_EVENT_ATTEMPT;
            homelab_event_unref(event);
        }
    }
}

static homelab_op *send_body(struct lab *lab, const char *body)
{
    homelab_op *op = NULL;
    if (homelab_router_send(lab->router, lab->ctx, lab->request, body, strlen(body), 0, &op))
        fail_msg("%s", homelab_error_message());
    return op;
}

static void assert_in_flight(const struct lab *lab, int expected)
{
    int sum = homelab_router_in_flight(lab->router, "a") +
              homelab_router_in_flight(lab->router, "b") +
              homelab_router_in_flight(lab->router, "c");
    assert_int_equal(sum, expected);
}

static void test_passes_through(void **state)
{
    (void)state;
    struct lab lab = {0};
    assert_int_equal(open_lab(&lab), 0);
    homelab_op *op = send_body(&lab, "{\"model\": \"any\", \"messages\":[],  \"x\":1.0e0}");
    homelab_reply *reply = NULL;
    assert_int_equal(homelab_reply_of(&reply, op), HOMELAB_E_PENDING);
    assert_in_flight(&lab, 1);
    run(&lab);
    assert_string_equal(lab.body, "{\"model\": \"m-7b\", \"messages\":[],  \"x\":1.0e0}");
    assert_int_equal(homelab_op_result(op), HOMELAB_OK);
    assert_int_equal(homelab_reply_of(&reply, op), HOMELAB_OK);
    assert_string_equal(homelab_reply_body(reply), GOOD);
    assert_string_equal(homelab_reply_text(reply), "hi");
    assert_string_equal(homelab_reply_endpoint(reply), "a");
    assert_string_equal(homelab_reply_finish(reply), "stop");
    assert_int_equal(homelab_reply_status(reply), 200);
    assert_int_equal(homelab_reply_prompt_tokens(reply), 3);
    assert_int_equal(homelab_reply_answer_tokens(reply), 2);
    assert_int_equal(homelab_reply_attempt_count(reply), 1);
    assert_int_equal(lab.attempts, 1);
    assert_in_flight(&lab, 0);
    homelab_op_unref(op);
    close_lab(&lab);
    /* The reply needs none of them. */
    assert_string_equal(homelab_reply_model(reply), "m-7b");
    homelab_reply_unref(reply);
}

static void test_streams(void **state)
{
    (void)state;
    struct lab lab = {0};
    assert_int_equal(open_lab(&lab), 0);
    lab.says[0] = STREAM;
    homelab_op *op = send_body(&lab, "{\"stream\":true}");
    run(&lab);
    assert_int_equal(homelab_op_result(op), HOMELAB_OK);
    assert_string_equal(lab.text, "one two");
    homelab_op_unref(op);
    lab.text[0] = '\0';
    assert_int_equal(homelab_router_send(lab.router, lab.ctx, lab.request, "{\"stream\":true}", 15,
                                         HOMELAB_SEND_RAW, &op),
                     0);
    run(&lab);
    assert_string_equal(lab.text, STREAM);
    homelab_op_unref(op);
    /* A plain text becomes a streamed chat. */
    homelab_request_set_kind(lab.request, HOMELAB_REQUEST_TEXT);
    lab.text[0] = '\0';
    op = send_body(&lab, "say \"x\"");
    run(&lab);
    assert_string_equal(lab.text, "one two");
    assert_string_equal(lab.body,
                        "{\"model\":\"m-7b\",\"messages\":[{\"role\":\"user\",\"content\":"
                        "\"say \\\"x\\\"\"}],\"stream\":true,\"stream_options\":"
                        "{\"include_usage\":true}}");
    homelab_op_unref(op);
    close_lab(&lab);
}

static void test_sends_all_of_a_text(void **state)
{
    (void)state;
    struct lab lab = {0};
    assert_int_equal(open_lab(&lab), 0);
    homelab_request_set_kind(lab.request, HOMELAB_REQUEST_TEXT);
    lab.says[0] = STREAM;
    homelab_op *op = NULL;
    assert_int_equal(homelab_router_send(lab.router, lab.ctx, lab.request, "a\0b\xff\0", 5, 0, &op),
                     0);
    run(&lab);
    assert_int_equal(homelab_op_result(op), HOMELAB_OK);
    assert_non_null(strstr(lab.body, "\"a\\u0000b\xef\xbf\xbd\\u0000\""));
    homelab_op_unref(op);
    close_lab(&lab);
}

/* What the decision names: of a text the API that the server speaks at its best. */
static void test_sends_a_text_where_the_decision_says(void **state)
{
    (void)state;
    static const char text[] =
        "{\"endpoints\":{\"a\":{\"url\":\"http://h0:80\",\"tier\":\"local\",\"backend\":\"ollama\","
        "\"models\":[\"m-7b\",\"nomic-embed-text\"]}},"
        "\"rules\":[{\"contains\":\"a passage\",\"task\":\"embed\"}]}";
    static const struct {
        const char *text, *says, *url, *body, *heard;
    } cases[] = {
        {"hello",
         "{\"message\":{\"content\":\"one \"}}\n"
         "{\"message\":{\"content\":\"two\"},\"done\":true}\n",
         "http://h0:80/api/chat", "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}]",
         "one two"},
        {"a passage", "{\"data\":[{\"embedding\":[1]}]}", "http://h0:80/v1/embeddings",
         "\"input\":\"a passage\"", ""},
    };
    homelab_inventory *inventory = NULL;
    struct lab lab = {0};
    assert_int_equal(open_lab(&lab), 0);
    assert_int_equal(homelab_inventory_load_text(&inventory, text, sizeof text - 1,
                                                 HOMELAB_FORMAT_JSON, NULL, NULL),
                     0);
    assert_int_equal(homelab_router_update(lab.router, inventory, NULL), 0);
    homelab_inventory_unref(inventory);
    homelab_decision *decision = NULL;
    assert_int_equal(homelab_decision_new(&decision, lab.router), 0);
    homelab_request_reset(lab.request);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *given = cases[i].text;
        assert_int_equal(
            homelab_router_decide(lab.router, lab.request, given, strlen(given), decision, 0), 1);
        lab.says[0] = cases[i].says;
        lab.text[0] = '\0';
        homelab_op *op = send_body(&lab, given);
        run(&lab);
        assert_int_equal(homelab_op_result(op), HOMELAB_OK);
        assert_string_equal(lab.url, cases[i].url);
        assert_string_equal(lab.url, homelab_decision_url(decision, 0));
        assert_non_null(strstr(lab.body, cases[i].body));
        assert_string_equal(lab.text, cases[i].heard);
        homelab_op_unref(op);
    }
    homelab_decision_free(decision);
    close_lab(&lab);
}

static void test_next_candidate(void **state)
{
    (void)state;
    static const struct {
        int does;
        const char *says;
        int outcome;
    } cases[] = {
        {HOMELAB_E_NET_REFUSED, NULL, HOMELAB_OUTCOME_UNREACHABLE},
        {HOMELAB_E_NET_TIMEOUT, NULL, HOMELAB_OUTCOME_TIMEOUT},
        {HOMELAB_E_NET_RESET, NULL, HOMELAB_OUTCOME_SERVER_ERROR},
        {500, "x", HOMELAB_OUTCOME_SERVER_ERROR},
        {503, "x", HOMELAB_OUTCOME_BUSY},
        {404, "x", HOMELAB_OUTCOME_MODEL},
        {302, "", HOMELAB_OUTCOME_MODEL},
        {401, "x", HOMELAB_OUTCOME_AUTH},
        {400, "{\"error\":{\"type\":\"exceed_context_size_error\"}}", HOMELAB_OUTCOME_REJECTED},
        {200, "<html>", HOMELAB_OUTCOME_SERVER_ERROR},
        {200, "{\"error\":\"x\"}", HOMELAB_OUTCOME_SERVER_ERROR},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lab lab = {0};
        assert_int_equal(open_lab(&lab), 0);
        lab.does[0] = cases[i].does;
        lab.says[0] = cases[i].says;
        homelab_op *op = send_body(&lab, "{\"model\":\"q\"}");
        run(&lab);
        homelab_reply *reply = NULL;
        assert_int_equal(homelab_op_result(op), HOMELAB_OK);
        assert_int_equal(homelab_reply_of(&reply, op), 0);
        assert_int_equal(homelab_reply_attempt_count(reply), 2);
        assert_string_equal(homelab_reply_attempt_endpoint(reply, 0), "a");
        if (homelab_reply_attempt_outcome(reply, 0) != cases[i].outcome)
            fail_msg("case %zu: found outcome %d", i, homelab_reply_attempt_outcome(reply, 0));
        assert_true(homelab_reply_attempt_message(reply, 0)[0]);
        assert_string_equal(homelab_reply_endpoint(reply), "b");
        assert_string_equal(homelab_reply_body(reply), GOOD);
        assert_string_equal(lab.body, "{\"model\":\"n-7b\"}");
        assert_in_flight(&lab, 0);
        homelab_reply_unref(reply);
        homelab_op_unref(op);
        close_lab(&lab);
    }
}

static void test_no_other_one_after_a_word(void **state)
{
    (void)state;
    struct lab lab = {0};
    assert_int_equal(open_lab(&lab), 0);
    lab.says[0] = "data: {\"choices\":[{\"delta\":{\"content\":\"one \"}}]}\n\n";
    homelab_op *op = send_body(&lab, "{\"stream\":true}");
    run(&lab);
    assert_int_equal(homelab_op_result(op), HOMELAB_E_ROUTE_CUT);
    assert_non_null(strstr(homelab_op_message(op), "endpoint 'a': the answer broke off"));
    assert_string_equal(lab.text, "one ");
    assert_int_equal(lab.asked[1], 0);
    assert_in_flight(&lab, 0);
    homelab_op_unref(op);
    close_lab(&lab);
}

static void test_too_much(void **state)
{
    (void)state;
    char endless[3000], after_a_word[4000];
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    snprintf(after_a_word, sizeof after_a_word,
             "data: {\"choices\":[{\"delta\":{\"content\":\"one \"}}]}\n\n%s", endless);
    struct {
        const char *body, *says, *good, *text;
        int result;
    } cases[] = {
        {"{}", endless, GOOD, "", HOMELAB_OK},
        {"{\"stream\":true}", endless, STREAM, "one two", HOMELAB_OK},
        {"{\"stream\":true}", after_a_word, STREAM, "one ", HOMELAB_E_ROUTE_CUT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lab lab = {.max_answer = 1024};
        homelab_reply *reply = NULL;
        assert_int_equal(open_lab(&lab), 0);
        lab.says[0] = cases[i].says;
        lab.says[1] = cases[i].good;
        homelab_op *op = send_body(&lab, cases[i].body);
        run(&lab);
        assert_int_equal(homelab_op_result(op), cases[i].result);
        assert_string_equal(lab.text, cases[i].text);
        assert_int_equal(homelab_reply_of(&reply, op), 0);
        assert_int_equal(homelab_reply_attempt_outcome(reply, 0), HOMELAB_OUTCOME_SERVER_ERROR);
        assert_non_null(strstr(homelab_reply_attempt_message(reply, 0), "max_answer_bytes"));
        assert_in_flight(&lab, 0);
        homelab_reply_unref(reply);
        homelab_op_unref(op);
        close_lab(&lab);
    }
}

static void test_refusal_and_failure(void **state)
{
    (void)state;
    struct lab lab = {0};
    homelab_reply *reply = NULL;
    assert_int_equal(open_lab(&lab), 0);
    lab.does[0] = 400;
    lab.says[0] = "bad temperature";
    homelab_op *op = send_body(&lab, "{}");
    run(&lab);
    assert_int_equal(homelab_op_result(op), HOMELAB_E_ROUTE_REJECTED);
    assert_int_equal(homelab_reply_of(&reply, op), 0);
    assert_string_equal(homelab_reply_body(reply), "bad temperature");
    assert_null(strstr(homelab_op_message(op), "temperature"));
    assert_int_equal(lab.asked[1], 0);
    homelab_reply_unref(reply);
    homelab_op_unref(op);
    for (int i = 0; i < 3; i++)
        lab.does[i] = HOMELAB_E_NET_REFUSED;
    op = send_body(&lab, "{}");
    run(&lab);
    assert_int_equal(homelab_op_result(op), HOMELAB_E_ROUTE_FAILED);
    assert_non_null(strstr(homelab_op_message(op), "3 of 3 candidates tried"));
    homelab_op_unref(op);
    /* They are left alone for a while now. */
    assert_int_equal(homelab_router_send(lab.router, lab.ctx, lab.request, "{}", 2, 0, NULL),
                     HOMELAB_E_ROUTE_NONE);
    assert_non_null(strstr(homelab_error_message(), "try again in"));
    close_lab(&lab);
}

static void test_time(void **state)
{
    (void)state;
    struct lab lab = {0};
    assert_int_equal(open_lab(&lab), 0);
    lab.does[0] = HOLD;
    homelab_op *op = send_body(&lab, "{}");
    run(&lab);
    /* Nothing says that it is loaded: a load from a slow disk has time. */
    homelab_testing_advance_clock(lab.ctx, INT64_C(300) * 1000000);
    run(&lab);
    assert_false(homelab_op_is_done(op));
    homelab_testing_advance_clock(lab.ctx, INT64_C(100) * 1000000);
    run(&lab);
    assert_int_equal(homelab_op_result(op), HOMELAB_OK);
    assert_int_equal(lab.asked[1], 1);
    homelab_op_unref(op);
    close_lab(&lab);
}

static void test_cancel_and_close(void **state)
{
    (void)state;
    struct lab lab = {0};
    assert_int_equal(open_lab(&lab), 0);
    lab.does[0] = HOLD;
    homelab_op *op = send_body(&lab, "{}");
    run(&lab);
    assert_int_equal(homelab_op_cancel(op), 0);
    run(&lab);
    assert_int_equal(homelab_op_result(op), HOMELAB_E_CANCELLED);
    assert_in_flight(&lab, 0);
    homelab_op_unref(op);
    op = send_body(&lab, "{}");
    run(&lab);
    homelab_ctx_close(lab.ctx);
    assert_int_equal(homelab_op_result(op), HOMELAB_E_CLOSED);
    assert_int_equal(homelab_router_send(lab.router, lab.ctx, lab.request, "{}", 2, 0, NULL),
                     HOMELAB_E_CLOSED);
    assert_in_flight(&lab, 0);
    homelab_op_unref(op);
    close_lab(&lab);
}

static void test_wrong_arguments(void **state)
{
    (void)state;
    struct lab lab = {0};
    homelab_reply *reply = NULL;
    assert_int_equal(open_lab(&lab), 0);
    assert_int_equal(homelab_router_send(NULL, lab.ctx, lab.request, "{}", 2, 0, NULL),
                     HOMELAB_E_INVALID);
    assert_int_equal(homelab_router_send(lab.router, NULL, lab.request, "{}", 2, 0, NULL),
                     HOMELAB_E_INVALID);
    assert_int_equal(homelab_router_send(lab.router, lab.ctx, lab.request, "{}", 2, 8, NULL),
                     HOMELAB_E_INVALID);
    assert_int_equal(homelab_router_send(lab.router, lab.ctx, lab.request, "[]", 2, 0, NULL),
                     HOMELAB_E_SYNTAX);
    assert_int_equal(
        homelab_router_send(lab.router, lab.ctx, lab.request, "{}", (size_t)1 << 40, 0, NULL),
        HOMELAB_E_LIMIT);
    assert_int_equal(homelab_reply_of(&reply, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_reply_status(NULL), 0);
    assert_null(homelab_reply_attempt_endpoint(NULL, 0));
    close_lab(&lab);
}

static int send_once(void *flags)
{
    struct lab lab = {0};
    homelab_op *op = NULL;
    int code = open_lab(&lab);
    lab.does[0] = 500;
    lab.says[0] = "x";
    lab.says[1] = STREAM;
    if (!code)
        code = homelab_router_send(lab.router, lab.ctx, lab.request, "{\"stream\":true}", 15,
                                   *(uint32_t *)flags, &op);
    if (code) {
        failmalloc_failed(code);
    } else {
        run(&lab);
        /* Without memory it may fail, but it always ends. */
        assert_true(homelab_op_is_done(op));
    }
    homelab_op_unref(op);
    close_lab(&lab);
    return code;
}

static void test_failing_allocations(void **state)
{
    (void)state;
    fail_each_allocation(send_once, &(uint32_t){0});
    fail_each_allocation(send_once, &(uint32_t){HOMELAB_SEND_RAW});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes_through),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_sends_all_of_a_text),
        cmocka_unit_test(test_sends_a_text_where_the_decision_says),
        cmocka_unit_test(test_next_candidate),
        cmocka_unit_test(test_no_other_one_after_a_word),
        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_refusal_and_failure),
        cmocka_unit_test(test_time),
        cmocka_unit_test(test_cancel_and_close),
        cmocka_unit_test(test_wrong_arguments),
        cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
