/* Servers that say "later", or nothing: whom a request waits for, how long, and that it goes on.
 * Over real HTTP, by a server that goes through a script. */
#define HOMELAB_UNSTABLE
#include "support/fault_server.h"
#include "support/http_ask.h"

#include <homelab/testing.h>

#define SILENT ""
#define EMPTY  "Content-Length: 0\r\n\r\n"
#define LOADING                                                                                    \
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 75\r\n\r\n"                               \
    "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}"
#define CLOSED     "HTTP/1.1 503 Service Unavailable\r\n" EMPTY
#define LATER      "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n" EMPTY
#define MUCH_LATER "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 86400\r\n" EMPTY
#define AT_ONCE    "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\n" EMPTY
#define BAD        "HTTP/1.1 500 Internal Server Error\r\n" EMPTY
#define GOOD                                                                                       \
    "HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n"                                                \
    "{\"choices\":[{\"message\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}"

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
#define SPOKEN                                                                                     \
    "53\r\n"                                                                                       \
    "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":null}]}\n\n"            \
    "data: [DONE]\n\n\r\n"

struct lab {
    struct fault_server servers[2];
    const char *scripts[2][4]; /* answers in turn, the last one again and again */
    homelab_ctx *ctx;
    homelab_inventory *inventory;
    homelab_router *router;
    homelab_request *request;
    int64_t total_ms; /* option router.total_ms, 0: its default */
    int attempts;     /* events */
    char text[512];   /* of the answer */
};

/* "|" parts what is to arrive apart. */
static void say_in_parts(int fd, const char *text)
{
    char part[1024];
    for (const char *end; (end = strchr(text, '|')); text = end + 1) {
        snprintf(part, sizeof part, "%.*s", (int)(end - text), text);
        fault_send(fd, part);
        usleep(50000);
    }
    fault_send(fd, text);
}

static bool play(struct fault_server *server, int fd, const char *request)
{
    (void)request;
    const char *const *script = (const void *)server->text;
    pthread_mutex_lock(&server->mutex);
    int turn = server->request_count - 1;
    pthread_mutex_unlock(&server->mutex);
    for (int i = 0; i < turn && script[1] && i < 3; i++)
        script++;
    say_in_parts(fd, script[0]);
    return !strstr(script[0], "Connection: close");
}

static int asked(struct lab *lab, int server)
{
    pthread_mutex_lock(&lab->servers[server].mutex);
    int count = lab->servers[server].request_count;
    pthread_mutex_unlock(&lab->servers[server].mutex);
    return count;
}

static void open_lab(struct lab *lab, bool frozen)
{
    char text[512];
    for (int i = 0; i < 2; i++)
        assert_true(fault_start(&lab->servers[i], play, (const void *)lab->scripts[i]));
    snprintf(
        text, sizeof text,
        "{\"endpoints\":{\"a\":{\"url\":\"http://127.0.0.1:%d\",\"tier\":\"local\",\"backend\":"
        "\"llamacpp\",\"models\":[\"m-7b\"]},\"b\":{\"url\":\"http://127.0.0.1:%d\",\"tier\":"
        "\"remote\",\"backend\":\"llamacpp\",\"models\":[\"m-7b\"]}}}",
        lab->servers[0].port, lab->servers[1].port);
    lab->ctx = make_ctx(NULL);
    if (frozen)
        assert_int_equal(homelab_testing_freeze_clock(lab->ctx, 1000000, INT64_C(1764000000000000)),
                         0);
    assert_int_equal(homelab_inventory_load_text(&lab->inventory, text, strlen(text),
                                                 HOMELAB_FORMAT_JSON, NULL, NULL),
                     0);
    homelab_opts *opts = NULL;
    assert_int_equal(homelab_opts_new(&opts), 0);
    if (lab->total_ms)
        assert_int_equal(homelab_opts_set_int(opts, "router.total_ms", lab->total_ms), 0);
    assert_int_equal(homelab_router_new(&lab->router, lab->inventory, NULL, opts), 0);
    homelab_opts_free(opts);
    assert_int_equal(homelab_request_new(&lab->request, NULL), 0);
    homelab_request_set_kind(lab->request, HOMELAB_REQUEST_OPENAI_CHAT);
    homelab_request_set_task(lab->request, HOMELAB_TASK_CHAT);
}

static void close_lab(struct lab *lab)
{
    assert_int_equal(homelab_router_in_flight(lab->router, "a"), 0);
    assert_int_equal(homelab_router_in_flight(lab->router, "b"), 0);
    homelab_request_free(lab->request);
    homelab_router_unref(lab->router);
    homelab_inventory_unref(lab->inventory);
    homelab_ctx_unref(lab->ctx);
    for (int i = 0; i < 2; i++)
        fault_stop(&lab->servers[i]);
}

static homelab_op *send_one(struct lab *lab)
{
    homelab_op *op = NULL;
    if (homelab_router_send(lab->router, lab->ctx, lab->request, "{}", 2, 0, &op))
        fail_msg("%s", homelab_error_message());
    return op;
}

static homelab_op *send_stream(struct lab *lab, uint32_t flags)
{
    homelab_op *op = NULL;
    static const char body[] = "{\"stream\":true}";
    if (homelab_router_send(lab->router, lab->ctx, lab->request, body, sizeof body - 1, flags, &op))
        fail_msg("%s", homelab_error_message());
    return op;
}

static void take_events(struct lab *lab)
{
    homelab_event *event;
    while (homelab_ctx_next_event(lab->ctx, &event) == 1) {
        if (homelab_event_type(event) == HOMELAB_EVENT_ANSWER)
            strncat(lab->text, homelab_event_data(event), sizeof lab->text - strlen(lab->text) - 1);
        lab->attempts += homelab_event_type(event) == HOMELAB_EVENT_ATTEMPT;
        homelab_event_unref(event);
    }
}

static homelab_reply *finish(struct lab *lab, homelab_op *op, int result)
{
    homelab_reply *reply = NULL;
    for (int i = 0; i < 1000 && !homelab_op_is_done(op); i++) {
        homelab_ctx_wait(lab->ctx, 50);
        take_events(lab);
    }
    if (homelab_op_result(op) != result)
        fail_msg("found %d: %s", homelab_op_result(op), homelab_op_message(op));
    assert_int_equal(homelab_reply_of(&reply, op), 0);
    homelab_op_unref(op);
    return reply;
}

/* Until the server was asked so often, and its last answer has been dealt with. */
static void await_asked(struct lab *lab, int server, int count)
{
    while (asked(lab, server) < count || homelab_router_in_flight(lab->router, server ? "b" : "a"))
        homelab_ctx_wait(lab->ctx, 10);
    take_events(lab);
}

static void test_waits_while_it_loads(void **state)
{
    (void)state;
    struct lab lab = {.scripts = {{LOADING, LOADING, GOOD}}};
    open_lab(&lab, false);
    homelab_request_set_pin(lab.request, "a", NULL);
    homelab_reply *reply = finish(&lab, send_one(&lab), HOMELAB_OK);
    assert_string_equal(homelab_reply_text(reply), "hi");
    assert_int_equal(asked(&lab, 0), 3);
    assert_int_equal(lab.attempts, 3);
    /* A candidate counts once. */
    assert_int_equal(homelab_reply_attempt_count(reply), 1);
    assert_int_equal(homelab_reply_attempt_outcome(reply, 0), HOMELAB_OUTCOME_OK);
    assert_string_equal(homelab_reply_attempt_message(reply, 0), "");
    /* The first byte is that of the attempt, the total is all of it. */
    assert_true(homelab_reply_total_us(reply) > 900000);
    assert_true(homelab_reply_first_byte_us(reply) < homelab_reply_total_us(reply) - 900000);
    homelab_reply_unref(reply);
    close_lab(&lab);
}

static void test_others_come_first(void **state)
{
    (void)state;
    struct lab lab = {.scripts = {{LOADING}, {GOOD}}};
    open_lab(&lab, false);
    homelab_reply *reply = finish(&lab, send_one(&lab), HOMELAB_OK);
    assert_string_equal(homelab_reply_endpoint(reply), "b");
    assert_int_equal(asked(&lab, 0), 1);
    homelab_reply_unref(reply);
    close_lab(&lab);
}

/* Who failed otherwise is not asked again. */
static void test_only_who_said_so(void **state)
{
    (void)state;
    struct lab lab = {.scripts = {{LATER, GOOD}, {BAD}}};
    open_lab(&lab, false);
    homelab_reply *reply = finish(&lab, send_one(&lab), HOMELAB_OK);
    assert_string_equal(homelab_reply_endpoint(reply), "a");
    assert_int_equal(asked(&lab, 0), 2);
    assert_int_equal(asked(&lab, 1), 1);
    assert_int_equal(homelab_reply_attempt_count(reply), 2);
    assert_string_equal(homelab_reply_attempt_endpoint(reply, 0), "b");
    assert_string_equal(homelab_reply_attempt_endpoint(reply, 1), "a");
    homelab_reply_unref(reply);
    close_lab(&lab);
}

/* "Retry-After: 0" is no leave to ask without a pause. */
static void test_at_once(void **state)
{
    (void)state;
    struct lab lab = {.scripts = {{AT_ONCE, AT_ONCE, GOOD}}};
    open_lab(&lab, false);
    homelab_request_set_pin(lab.request, "a", NULL);
    homelab_reply *reply = finish(&lab, send_one(&lab), HOMELAB_OK);
    assert_int_equal(asked(&lab, 0), 3);
    assert_true(homelab_reply_total_us(reply) > 900000);
    homelab_reply_unref(reply);
    close_lab(&lab);
}

static void test_no_use_in_waiting(void **state)
{
    (void)state;
    static const char *const says[] = {CLOSED, MUCH_LATER};
    for (size_t i = 0; i < 2; i++) {
        struct lab lab = {.scripts = {{says[i]}, {BAD}}};
        open_lab(&lab, true);
        homelab_reply *reply = finish(&lab, send_one(&lab), HOMELAB_E_ROUTE_FAILED);
        assert_int_equal(asked(&lab, 0), 1);
        assert_int_equal(homelab_reply_total_us(reply), 0);
        homelab_reply_unref(reply);
        close_lab(&lab);
    }
}

static void test_not_for_ever(void **state)
{
    (void)state;
    struct lab lab = {.scripts = {{LOADING}}};
    open_lab(&lab, true);
    homelab_request_set_pin(lab.request, "a", NULL);
    homelab_op *op = send_one(&lab);
    await_asked(&lab, 0, 1);
    assert_false(homelab_op_is_done(op));
    /* Two minutes for the first byte, and time for a load from a slow disk. */
    assert_int_equal(homelab_testing_advance_clock(lab.ctx, INT64_C(300) * 1000000), 0);
    for (int i = 0; i < 20; i++)
        homelab_ctx_dispatch(lab.ctx, 0);
    assert_false(homelab_op_is_done(op));
    assert_int_equal(homelab_testing_advance_clock(lab.ctx, INT64_C(100) * 1000000), 0);
    homelab_reply *reply = finish(&lab, op, HOMELAB_E_ROUTE_FAILED);
    assert_int_equal(homelab_reply_status(reply), 503);
    assert_non_null(strstr(homelab_reply_attempt_message(reply, 0), "it loads its model"));
    homelab_reply_unref(reply);
    close_lab(&lab);
}

/* Whatever a candidate may take: the whole is limited. */
static void test_no_longer_than_allowed(void **state)
{
    (void)state;
    struct lab lab = {.scripts = {{SILENT}, {GOOD}}, .total_ms = 5000};
    open_lab(&lab, true);
    homelab_op *op = send_one(&lab);
    while (asked(&lab, 0) == 0)
        homelab_ctx_wait(lab.ctx, 10);
    assert_int_equal(homelab_testing_advance_clock(lab.ctx, 4999000), 0);
    homelab_ctx_dispatch(lab.ctx, 0);
    assert_false(homelab_op_is_done(op));
    assert_int_equal(homelab_testing_advance_clock(lab.ctx, 1000), 0);
    homelab_reply *reply = finish(&lab, op, HOMELAB_E_TIMEOUT);
    assert_int_equal(homelab_reply_total_us(reply), 5000000);
    assert_int_equal(homelab_reply_attempt_outcome(reply, 0), HOMELAB_OUTCOME_CANCELLED);
    assert_int_equal(asked(&lab, 1), 0);
    homelab_reply_unref(reply);
    close_lab(&lab);
}

/* Requests that come while a server is left alone wait as the first one does, and the first answer
 * lets all of them through. */
static void test_several_at_a_time(void **state)
{
    (void)state;
    struct lab lab = {.scripts = {{LOADING, LOADING, GOOD}}};
    homelab_op *ops[4];
    open_lab(&lab, false);
    homelab_request_set_pin(lab.request, "a", NULL);
    ops[0] = send_one(&lab);
    await_asked(&lab, 0, 1);
    for (int i = 1; i < 4; i++)
        ops[i] = send_one(&lab);
    for (int i = 0; i < 4; i++)
        homelab_reply_unref(finish(&lab, ops[i], HOMELAB_OK));
    assert_int_equal(asked(&lab, 0), 6);
    close_lab(&lab);
}

static void test_cancel_and_close(void **state)
{
    (void)state;
    struct lab lab = {.scripts = {{LOADING}}};
    open_lab(&lab, true);
    homelab_request_set_pin(lab.request, "a", NULL);
    homelab_op *op = send_one(&lab);
    await_asked(&lab, 0, 1);
    assert_int_equal(homelab_op_cancel(op), 0);
    homelab_reply_unref(finish(&lab, op, HOMELAB_E_CANCELLED));
    op = send_one(&lab);
    homelab_ctx_close(lab.ctx);
    assert_int_equal(homelab_op_result(op), HOMELAB_E_CLOSED);
    homelab_op_unref(op);
    assert_int_equal(asked(&lab, 0), 1);
    close_lab(&lab);
}

/* The model's last word ends the answer, whatever becomes of the connection. */
static void test_the_last_word(void **state)
{
    (void)state;
    static const char *const says[] = {CHUNKED "\r\n" SPOKEN,
                                       CHUNKED "Connection: close\r\n\r\n" SPOKEN,
                                       CHUNKED "\r\n" SPOKEN "nonsense\r\n",
                                       "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" SPOKEN};
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        struct lab lab = {.scripts = {{says[i]}}};
        open_lab(&lab, false);
        homelab_request_set_pin(lab.request, "a", NULL);
        homelab_reply *reply = finish(&lab, send_stream(&lab, 0), HOMELAB_OK);
        assert_int_equal(homelab_reply_attempt_outcome(reply, 0), HOMELAB_OUTCOME_OK);
        assert_true(homelab_reply_total_us(reply) < 5000000);
        homelab_reply_unref(reply);
        close_lab(&lab);
    }
}

/* Where HTTP's end follows, the connection stays. */
static void test_keeps_the_connection(void **state)
{
    (void)state;
    struct lab lab = {.scripts = {{CHUNKED "\r\n" SPOKEN "0\r\n\r\n"}}};
    open_lab(&lab, false);
    homelab_request_set_pin(lab.request, "a", NULL);
    for (int i = 0; i < 3; i++)
        homelab_reply_unref(finish(&lab, send_stream(&lab, 0), HOMELAB_OK));
    assert_int_equal(asked(&lab, 0), 3);
    assert_int_equal(fault_connections(&lab.servers[0]), 1);
    close_lab(&lab);
}

/* Raw bytes of an error are held back also when it comes in several pieces. */
static void test_raw_error_in_pieces(void **state)
{
    (void)state;
    static const char *const says[] = {
        CHUNKED "\r\n11\r\ndata: {\"error\":{\"\r\n|f\r\nmessage\":\"x\"}}\n\r\n0\r\n\r\n",
        CHUNKED "\r\n8\r\n: ping\n\n\r\n|17\r\ndata: {\"error\":\"boom\"}\n\r\n0\r\n\r\n",
        CHUNKED "\r\n2\r\n{\n\r\n|11\r\n\"error\": \"boom\"\n}\r\n0\r\n\r\n"};
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        struct lab lab = {.scripts = {{says[i]}, {CHUNKED "\r\n" SPOKEN "0\r\n\r\n"}}};
        open_lab(&lab, false);
        homelab_reply *reply = finish(&lab, send_stream(&lab, HOMELAB_SEND_RAW), HOMELAB_OK);
        assert_string_equal(homelab_reply_endpoint(reply), "b");
        assert_int_equal(strncmp(lab.text, "data: {\"choices\"", 16), 0);
        assert_non_null(strstr(lab.text, "[DONE]\n\n"));
        homelab_reply_unref(reply);
        close_lab(&lab);
    }
}

/* And what is none is not lost. */
static void test_raw_answer_in_pieces(void **state)
{
    (void)state;
    static const char *const says[] = {
        CHUNKED "\r\n8\r\n: ping\n\n\r\n|" SPOKEN "0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 44\r\n\r\n{\n\"choices\":|[{\"message\":{\"content\":"
        "\"a\"}}]}\n\n"};
    static const char *const text[] = {
        ": ping\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"hi\"},"
        "\"finish_reason\":null}]}\n\ndata: [DONE]\n\n",
        "{\n\"choices\":[{\"message\":{\"content\":\"a\"}}]}\n\n"};
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        struct lab lab = {.scripts = {{says[i]}}};
        open_lab(&lab, false);
        homelab_request_set_pin(lab.request, "a", NULL);
        homelab_reply_unref(finish(&lab, send_stream(&lab, HOMELAB_SEND_RAW), HOMELAB_OK));
        assert_string_equal(lab.text, text[i]);
        close_lab(&lab);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_while_it_loads),
        cmocka_unit_test(test_others_come_first),
        cmocka_unit_test(test_only_who_said_so),
        cmocka_unit_test(test_no_use_in_waiting),
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_not_for_ever),
        cmocka_unit_test(test_no_longer_than_allowed),
        cmocka_unit_test(test_several_at_a_time),
        cmocka_unit_test(test_cancel_and_close),
        cmocka_unit_test(test_the_last_word),
        cmocka_unit_test(test_keeps_the_connection),
        cmocka_unit_test(test_raw_error_in_pieces),
        cmocka_unit_test(test_raw_answer_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
