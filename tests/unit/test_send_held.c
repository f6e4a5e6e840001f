/* Back pressure: a stream whose pieces nobody takes is not read on, and nothing of it is lost. The
 * server is the test itself, on a socket that does not wait, so that what it could write is known.
 */
#define HOMELAB_UNSTABLE
#include "core/event.h"
#include "support/http_ask.h"

#include <errno.h>
#include <homelab/testing.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT     2048
#define ONE_WRITE 16384 /* the most that libcurl hands over at once */
#define PIECES    40000
#define STALL_MS  1000
/* Rounds in which either side may do what it can; one takes a millisecond at most. */
#define ROUNDS    60000
#define IDLE      20

static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
static const char piece[] = "data: {\"choices\":[{\"delta\":{\"content\":\"%07d \"}}]}\n\n";
static const char end[] = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
                          "data: [DONE]\n\n";

struct lab {
    homelab_ctx *ctx;
    homelab_inventory *inventory;
    homelab_router *router;
    homelab_request *request;
    homelab_op *op;
    int listener, fd;
    char *answer;
    size_t length, sent, until; /* until: no more is written for now */
    char *taken;                /* the data of all pieces */
    size_t taken_length;
    bool gone; /* the other side closed */
};

static void make_answer(struct lab *lab, int pieces)
{
    FILE *out = open_memstream(&lab->answer, &lab->length);
    assert_non_null(out);
    fputs(head, out);
    for (int i = 0; i < pieces; i++)
        fprintf(out, piece, i);
    fputs(end, out);
    fclose(out);
    lab->until = lab->length;
    lab->taken = calloc(1, lab->length + 1);
    assert_non_null(lab->taken);
}

static int listen_small(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), bytes = 4096;
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void open_lab(struct lab *lab, int pieces, uint32_t flags)
{
    char text[256];
    int port;
    homelab_opts *opts = NULL;
    *lab = (struct lab){.fd = -1};
    lab->listener = listen_small(&port);
    make_answer(lab, pieces);
    snprintf(
        text, sizeof text,
        "{\"endpoints\":{\"a\":{\"url\":\"http://127.0.0.1:%d\",\"tier\":\"local\",\"backend\":"
        "\"vllm\",\"models\":[\"m-7b\"]}}}",
        port);
    assert_int_equal(homelab_opts_new(&opts), 0);
    homelab_opts_set_int(opts, "router.buffer_bytes", LIMIT);
    homelab_opts_set_int(opts, "router.stall_ms", STALL_MS);
    lab->ctx = make_ctx(opts);
    assert_int_equal(homelab_testing_freeze_clock(lab->ctx, 1000000, INT64_C(1764000000000000)), 0);
    assert_int_equal(homelab_inventory_load_text(&lab->inventory, text, strlen(text),
                                                 HOMELAB_FORMAT_JSON, NULL, NULL),
                     0);
    assert_int_equal(homelab_router_new(&lab->router, lab->inventory, NULL, opts), 0);
    assert_int_equal(homelab_request_new(&lab->request, NULL), 0);
    homelab_request_set_kind(lab->request, HOMELAB_REQUEST_OPENAI_CHAT);
    homelab_request_set_task(lab->request, HOMELAB_TASK_CHAT);
    assert_int_equal(homelab_router_send(lab->router, lab->ctx, lab->request, "{\"stream\":true}",
                                         15, flags, &lab->op),
                     0);
    homelab_opts_free(opts);
}

static void close_lab(struct lab *lab)
{
    assert_int_equal(homelab_router_in_flight(lab->router, "a"), 0);
    homelab_op_unref(lab->op);
    homelab_request_free(lab->request);
    homelab_router_unref(lab->router);
    homelab_inventory_unref(lab->inventory);
    homelab_ctx_unref(lab->ctx);
    close(lab->fd);
    close(lab->listener);
    free(lab->answer);
    free(lab->taken);
}

/* Both sides do what they can. True when the server could write. */
static bool step(struct lab *lab)
{
    char request[4096];
    size_t before = lab->sent;
    struct pollfd server = {.fd = lab->fd < 0 ? lab->listener : lab->fd, .events = POLLIN};
    if (lab->sent < lab->until && lab->fd >= 0)
        server.events |= POLLOUT;
    homelab_ctx_dispatch(lab->ctx, 0);
    /* The kernel opens a window in its own time. */
    poll(&server, 1, 1);
    if (lab->fd < 0) {
        lab->fd = accept4(lab->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        return false;
    }
    ssize_t read = recv(lab->fd, request, sizeof request, 0);
    lab->gone |= read == 0 || (read < 0 && errno != EAGAIN);
    while (lab->sent < lab->until) {
        ssize_t some = send(lab->fd, lab->answer + lab->sent, lab->until - lab->sent, MSG_NOSIGNAL);
        lab->gone |= some < 0 && errno != EAGAIN;
        if (some <= 0)
            break;
        lab->sent += (size_t)some;
        if (lab->sent == lab->length)
            shutdown(lab->fd, SHUT_WR);
    }
    return lab->sent > before;
}

static size_t waiting(const struct lab *lab)
{
    return hl_event_data_waiting(lab->ctx);
}

/* Goes on until the limit is reached and neither side can do anything. */
static void fill(struct lab *lab)
{
    int idle = 0;
    for (int i = 0; i < ROUNDS && idle < IDLE; i++)
        idle = step(lab) || waiting(lab) < LIMIT ? 0 : idle + 1;
    assert_int_equal(idle, IDLE);
    assert_true(waiting(lab) >= LIMIT);
    assert_true(waiting(lab) < LIMIT + ONE_WRITE);
    assert_false(homelab_op_is_done(lab->op));
}

static bool take_one(struct lab *lab)
{
    homelab_event *event;
    if (homelab_ctx_next_event(lab->ctx, &event) != 1)
        return false;
    if (homelab_event_type(event) == HOMELAB_EVENT_ANSWER) {
        size_t length = homelab_event_data_length(event);
        assert_true(lab->taken_length + length <= lab->length);
        memcpy(lab->taken + lab->taken_length, homelab_event_data(event), length);
        lab->taken_length += length;
    }
    homelab_event_unref(event);
    return true;
}

static void take(struct lab *lab)
{
    while (take_one(lab))
        continue;
}

/* Takes whatever comes, never letting more wait than is allowed. */
static void drain(struct lab *lab)
{
    for (int i = 0; i < ROUNDS && !homelab_op_is_done(lab->op); i++) {
        step(lab);
        assert_true(waiting(lab) < LIMIT + ONE_WRITE);
        take(lab);
    }
    take(lab);
}

static void assert_whole(const struct lab *lab, int pieces, uint32_t flags)
{
    assert_int_equal(homelab_op_result(lab->op), HOMELAB_OK);
    if (flags & HOMELAB_SEND_RAW) {
        assert_int_equal(lab->taken_length, lab->length - strlen(head));
        assert_memory_equal(lab->taken, lab->answer + strlen(head), lab->taken_length);
        return;
    }
    assert_int_equal(lab->taken_length, 8 * pieces);
    for (int i = 0; i < pieces; i++)
        assert_int_equal(atoi(lab->taken + (ptrdiff_t)8 * i), i);
}

static void test_nothing_is_read_on(void **state)
{
    (void)state;
    static const uint32_t flags[] = {0, HOMELAB_SEND_RAW};
    for (size_t i = 0; i < 2; i++) {
        struct lab lab;
        open_lab(&lab, PIECES, flags[i]);
        fill(&lab);
        size_t held = waiting(&lab);
        /* The clock between pieces does not count what the reader takes. */
        assert_int_equal(homelab_testing_advance_clock(lab.ctx, 100 * STALL_MS * INT64_C(1000)), 0);
        fill(&lab);
        assert_int_equal(waiting(&lab), held);
        /* The server has what the kernel's buffers hold on its hands, and the rest of it. */
        assert_true(lab.sent < lab.length / 2);
        drain(&lab);
        assert_whole(&lab, PIECES, flags[i]);
        close_lab(&lab);
    }
}

/* A reader that takes a little now and then: it is read on below half of the limit only. */
static void test_little_by_little(void **state)
{
    (void)state;
    struct lab lab;
    open_lab(&lab, PIECES / 4, 0);
    for (int times = 0; times < 20; times++) {
        fill(&lab);
        while (waiting(&lab) > LIMIT / 2 + 8)
            assert_true(take_one(&lab));
        size_t held = waiting(&lab);
        for (int i = 0; i < IDLE; i++)
            step(&lab);
        assert_int_equal(waiting(&lab), held);
        assert_true(take_one(&lab));
    }
    drain(&lab);
    assert_whole(&lab, PIECES / 4, 0);
    close_lab(&lab);
}

/* All of it was sent, and the connection closed, while nobody read. */
static void test_end_while_held(void **state)
{
    (void)state;
    struct lab lab;
    open_lab(&lab, 600, 0);
    fill(&lab);
    assert_int_equal(lab.sent, lab.length);
    drain(&lab);
    assert_whole(&lab, 600, 0);
    close_lab(&lab);
}

/* Once it is read on, the clock between pieces goes on too. */
static void test_stall_after_being_held(void **state)
{
    (void)state;
    struct lab lab;
    open_lab(&lab, PIECES, 0);
    lab.until = 40000;
    fill(&lab);
    for (int i = 0; i < IDLE; i++) {
        take(&lab);
        step(&lab);
    }
    take(&lab);
    assert_int_equal(lab.sent, lab.until);
    assert_false(homelab_op_is_done(lab.op));
    assert_int_equal(homelab_testing_advance_clock(lab.ctx, (STALL_MS - 1) * INT64_C(1000)), 0);
    step(&lab);
    assert_false(homelab_op_is_done(lab.op));
    assert_int_equal(homelab_testing_advance_clock(lab.ctx, 2000), 0);
    step(&lab);
    assert_int_equal(homelab_op_result(lab.op), HOMELAB_E_ROUTE_CUT);
    assert_non_null(strstr(homelab_op_message(lab.op), "stands still"));
    close_lab(&lab);
}

static void await_gone(struct lab *lab)
{
    for (int i = 0; i < ROUNDS && !lab->gone; i++)
        step(lab);
    assert_true(lab->gone);
}

static void test_cancel_while_held(void **state)
{
    (void)state;
    struct lab lab;
    open_lab(&lab, PIECES, 0);
    fill(&lab);
    size_t held = waiting(&lab);
    assert_int_equal(homelab_op_cancel(lab.op), 0);
    await_gone(&lab);
    assert_int_equal(homelab_op_result(lab.op), HOMELAB_E_CANCELLED);
    /* What came before may still be taken, and nothing came since. */
    take(&lab);
    assert_int_equal(lab.taken_length, held);
    step(&lab);
    assert_int_equal(waiting(&lab), 0);
    close_lab(&lab);
}

static void test_close_while_held(void **state)
{
    (void)state;
    struct lab lab;
    open_lab(&lab, PIECES, 0);
    fill(&lab);
    size_t held = waiting(&lab);
    assert_int_equal(homelab_ctx_close(lab.ctx), 0);
    await_gone(&lab);
    assert_int_equal(homelab_op_result(lab.op), HOMELAB_E_CLOSED);
    take(&lab);
    assert_int_equal(lab.taken_length, held);
    close_lab(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_read_on), cmocka_unit_test(test_little_by_little),
        cmocka_unit_test(test_end_while_held),     cmocka_unit_test(test_stall_after_being_held),
        cmocka_unit_test(test_cancel_while_held),  cmocka_unit_test(test_close_while_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
