/* Headers from web servers of all kinds. */
#include "support/fault_server.h"
#include "support/gguf_model.h"

#include <homelab/homelab.h>
#include <setjmp.h>
#include <stdarg.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define TOKENS 60000

/* The file that is served: a vocabulary that takes several ranges, and some tensor data. */
static struct gguf_writer file;
static atomic_llong sent;

static void write_model_file(void)
{
    char token[24];
    gguf_begin(&file, 3, 1, 4);
    gguf_key_text(&file, "general.architecture", "llama");
    gguf_key_array(&file, "tokenizer.ggml.tokens", 8, TOKENS);
    for (int i = 0; i < TOKENS; i++) {
        (void)snprintf(token, sizeof token, "token %d", i);
        gguf_text(&file, token);
    }
    gguf_key_array(&file, "tokenizer.ggml.scores", 6, 10 * TOKENS);
    for (int i = 0; i < 10 * TOKENS; i++)
        gguf_number(&file, 0, 4);
    gguf_key_u32(&file, "llama.block_count", 7);
    gguf_tensor(&file, "t", 1 << 20, 0, 0, 0);
    gguf_pad(&file, 32);
    for (int i = 0; i < 1 << 19; i++)
        gguf_number(&file, 0, 8);
}

static void send_bytes(int fd, const unsigned char *data, size_t length)
{
    while (length) {
        ssize_t done = send(fd, data, length, MSG_NOSIGNAL);
        if (done <= 0)
            return;
        atomic_fetch_add(&sent, done);
        data += done;
        length -= (size_t)done;
    }
}

static void answer(int fd, const char *head, const unsigned char *data, size_t length)
{
    fault_send(fd, head);
    send_bytes(fd, data, length);
}

static bool range_of(const char *request, size_t *first, size_t *last)
{
    const char *at = strstr(request, "Range: bytes=");
    return at && sscanf(at, "Range: bytes=%zu-%zu", first, last) == 2;
}

/* Ranges of a file as a good server gives them; `claimed` is the total it says. */
static bool answer_range(int fd, const char *request, const unsigned char *data, size_t length,
                         size_t claimed)
{
    char head[256];
    size_t first, last;
    if (!range_of(request, &first, &last)) {
        fault_send(fd, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        return true;
    }
    if (first >= length) {
        fault_send(fd, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n");
        return true;
    }
    if (last >= length)
        last = length - 1;
    (void)snprintf(head, sizeof head,
                   "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %zu-%zu/%zu\r\n"
                   "Content-Length: %zu\r\n\r\n",
                   first, last, claimed, last - first + 1);
    answer(fd, head, data + first, last - first + 1);
    return true;
}

static bool ranges(struct fault_server *server, int fd, const char *request)
{
    (void)server;
    return answer_range(fd, request, file.data, file.length, file.length);
}

static bool whole(struct fault_server *server, int fd, const char *request)
{
    char head[128];
    (void)server, (void)request;
    (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                   file.length);
    answer(fd, head, file.data, file.length);
    return true;
}

static bool whole_until_closed(struct fault_server *server, int fd, const char *request)
{
    (void)server, (void)request;
    answer(fd, "HTTP/1.1 200 OK\r\n\r\n", file.data, file.length);
    return false;
}

static bool chunked(struct fault_server *server, int fd, const char *request)
{
    char head[32];
    (void)server, (void)request;
    fault_send(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < file.length;) {
        size_t length = file.length - at < 9973 ? file.length - at : 9973;
        (void)snprintf(head, sizeof head, "%zx\r\n", length);
        answer(fd, head, file.data + at, length);
        fault_send(fd, "\r\n");
        at += length;
    }
    fault_send(fd, "0\r\n\r\n");
    return true;
}

static bool cut(struct fault_server *server, int fd, const char *request)
{
    (void)server;
    return answer_range(fd, request, file.data, 400000, 400000);
}

static bool growing(struct fault_server *server, int fd, const char *request)
{
    return answer_range(fd, request, file.data, file.length,
                        file.length + (size_t)server->request_count);
}

static bool other_bytes(struct fault_server *server, int fd, const char *request)
{
    (void)server, (void)request;
    fault_send(fd, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/100\r\n"
                   "Content-Length: 5\r\n\r\nGGUF.");
    return true;
}

static bool no_content_range(struct fault_server *server, int fd, const char *request)
{
    (void)server, (void)request;
    fault_send(fd, "HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\n\r\nGGUF");
    return true;
}

static bool empty_file(struct fault_server *server, int fd, const char *request)
{
    (void)server;
    return answer_range(fd, request, file.data, 0, 0);
}

static bool missing(struct fault_server *server, int fd, const char *request)
{
    (void)server, (void)request;
    fault_send(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone");
    return true;
}

static bool silent(struct fault_server *server, int fd, const char *request)
{
    (void)server, (void)fd, (void)request;
    return true;
}

static bool moved(struct fault_server *server, int fd, const char *request)
{
    if (strstr(request, "GET /store/"))
        return ranges(server, fd, request);
    fault_send(fd, "HTTP/1.1 302 Found\r\nLocation: /store/1?key=2\r\nContent-Length: 0\r\n\r\n");
    return true;
}

static bool moved_in_a_circle(struct fault_server *server, int fd, const char *request)
{
    (void)server, (void)request;
    fault_send(fd, "HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n");
    return true;
}

static bool parts(struct fault_server *server, int fd, const char *request)
{
    const char *at = strstr(request, "/m-0000");
    struct gguf_writer part = {0};
    (void)server;
    gguf_model_part(&part, (uint16_t)(at[7] - '1'), 3);
    answer_range(fd, request, part.data, part.length, part.length);
    free(part.data);
    return true;
}

/* --- --- */

static int load(homelab_gguf **gguf, fault_fn fn, const char *path, int timeout_ms,
                const homelab_opts *opts, int *requests)
{
    struct fault_server server;
    homelab_ctx *ctx;
    char url[128];
    atomic_store(&sent, 0);
    assert_true(fault_start(&server, fn, NULL));
    assert_int_equal(homelab_ctx_new(&ctx, NULL), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server.port, path);
    int code = homelab_gguf_load_url(gguf, ctx, url, timeout_ms, opts);
    char message[600];
    (void)snprintf(message, sizeof message, "%s", homelab_error_message());
    homelab_ctx_unref(ctx);
    if (requests)
        *requests = server.request_count;
    fault_stop(&server);
    if (code) /* What came in between has cleared the record. */
        print_message("%s\n", message);
    return code;
}

static void check_file(const homelab_gguf *gguf, bool size_known)
{
    assert_int_equal(homelab_gguf_source(gguf), HOMELAB_GGUF_SOURCE_URL);
    assert_true(homelab_gguf_is_certain(gguf));
    assert_int_equal(homelab_gguf_layer_count(gguf), 7);
    assert_int_equal(homelab_gguf_vocabulary_size(gguf), TOKENS);
    assert_int_equal(homelab_gguf_tensor_count(gguf), 1);
    assert_int_equal(homelab_gguf_is_complete(gguf), size_known);
    assert_int_equal(homelab_gguf_file_bytes(gguf), size_known ? (int64_t)file.length : -1);
}

static void good_servers(void **state)
{
    static const struct {
        fault_fn fn;
        bool size_known;
        int requests;
    } cases[] = {{ranges, true, 3},
                 {whole, true, 1},
                 {whole_until_closed, false, 1},
                 {chunked, false, 1},
                 {moved, true, 4}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        homelab_gguf *gguf = NULL;
        int requests;
        assert_int_equal(load(&gguf, cases[i].fn, "/model.gguf", 20000, NULL, &requests), 0);
        check_file(gguf, cases[i].size_known);
        assert_int_equal(requests, cases[i].requests);
        homelab_gguf_unref(gguf);
    }
}

/* The scores need not come, nor the tensors. */
static void what_is_not_needed_is_not_asked_for(void **state)
{
    (void)state;
    homelab_gguf *gguf = NULL;
    assert_int_equal(load(&gguf, ranges, "/model.gguf", 20000, NULL, NULL), 0);
    assert_true(atomic_load(&sent) < (long long)file.length - (1 << 21));
    homelab_gguf_unref(gguf);
}

static void several_parts(void **state)
{
    static const char *const paths[] = {"/m-00001-of-00003.gguf", "/m-00002-of-00003.gguf?x=1",
                                        "/m-00003-of-00003.gguf#y"};
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        homelab_gguf *gguf = NULL;
        assert_int_equal(load(&gguf, parts, paths[i], 20000, NULL, NULL), 0);
        assert_int_equal(homelab_gguf_part_count(gguf), 3);
        assert_int_equal(homelab_gguf_tensor_count(gguf), 3);
        assert_true(homelab_gguf_is_complete(gguf));
        homelab_gguf_unref(gguf);
    }
}

static void bad_servers(void **state)
{
    static const struct {
        fault_fn fn;
        int code;
    } cases[] = {{cut, HOMELAB_E_FORMAT},
                 {growing, HOMELAB_E_NET_PROTOCOL},
                 {other_bytes, HOMELAB_E_NET_PROTOCOL},
                 {no_content_range, HOMELAB_E_NET_PROTOCOL},
                 {empty_file, HOMELAB_E_FORMAT},
                 {missing, HOMELAB_E_NOT_FOUND},
                 {moved_in_a_circle, HOMELAB_E_NET_PROTOCOL}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        homelab_gguf *gguf = NULL;
        assert_int_equal(load(&gguf, cases[i].fn, "/model.gguf", 20000, NULL, NULL), cases[i].code);
        assert_null(gguf);
    }
}

static void redirects_may_be_refused(void **state)
{
    (void)state;
    homelab_gguf *gguf = NULL;
    homelab_opts *opts;
    assert_int_equal(homelab_opts_new(&opts), 0);
    assert_int_equal(homelab_opts_set_int(opts, "gguf.max_redirects", 0), 0);
    assert_int_equal(load(&gguf, moved, "/model.gguf", 20000, opts, NULL), HOMELAB_E_NET_PROTOCOL);
    homelab_opts_free(opts);
}

static void a_silent_server(void **state)
{
    (void)state;
    homelab_gguf *gguf = NULL;
    int code = load(&gguf, silent, "/model.gguf", 100, NULL, NULL);
    assert_true(homelab_error_is_timeout(code));
}

static void wrong_arguments(void **state)
{
    (void)state;
    homelab_gguf *gguf = NULL;
    homelab_ctx *ctx;
    homelab_op *op = NULL;
    assert_int_equal(homelab_ctx_new(&ctx, NULL), 0);
    assert_int_equal(homelab_gguf_load_url(&gguf, ctx, "file:///x", 1000, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_gguf_load_url(&gguf, ctx, NULL, 1000, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_gguf_load_url(&gguf, NULL, "http://x/", 1000, NULL),
                     HOMELAB_E_INVALID);
    assert_int_equal(homelab_gguf_load_url(&gguf, ctx, "http://x/", 0, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_gguf_load_url(NULL, ctx, "http://x/", 1, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_ctx_fetch_gguf(ctx, "http://x/", 1, NULL, 1, &op), HOMELAB_E_INVALID);
    assert_int_equal(homelab_ctx_fetch_gguf(ctx, "http://x/", 1, NULL, 0, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_gguf_take(&gguf, NULL), HOMELAB_E_INVALID);
    assert_null(op);
    homelab_ctx_unref(ctx);
}

/* --- As an operation --- */

struct lab {
    struct fault_server server;
    homelab_ctx *ctx;
    homelab_op *op;
};

static void start(struct lab *lab, fault_fn fn)
{
    char url[64];
    assert_true(fault_start(&lab->server, fn, NULL));
    assert_int_equal(homelab_ctx_new(&lab->ctx, NULL), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/model", lab->server.port);
    assert_int_equal(homelab_ctx_fetch_gguf(lab->ctx, url, 20000, NULL, 0, &lab->op), 0);
}

static void stop(struct lab *lab)
{
    homelab_op_unref(lab->op);
    homelab_ctx_unref(lab->ctx);
    fault_stop(&lab->server);
}

static void as_an_operation(void **state)
{
    (void)state;
    struct lab lab;
    homelab_gguf *gguf = NULL, *again = NULL;
    start(&lab, ranges);
    assert_int_equal(homelab_gguf_take(&gguf, lab.op), HOMELAB_E_PENDING);
    while (!homelab_op_is_done(lab.op))
        assert_true(homelab_ctx_wait(lab.ctx, 5000) >= 0);
    assert_int_equal(homelab_gguf_take(&gguf, lab.op), 0);
    assert_int_equal(homelab_gguf_take(&again, lab.op), 0);
    assert_ptr_equal(gguf, again);
    homelab_gguf_unref(again);
    stop(&lab);
    check_file(gguf, true);
    homelab_gguf_unref(gguf);
}

static void cancelled(void **state)
{
    (void)state;
    struct lab lab;
    homelab_gguf *gguf = NULL;
    start(&lab, silent);
    homelab_ctx_wait(lab.ctx, 50);
    assert_int_equal(homelab_op_cancel(lab.op), 0);
    assert_int_equal(homelab_op_result(lab.op), HOMELAB_E_CANCELLED);
    assert_int_equal(homelab_gguf_take(&gguf, lab.op), HOMELAB_E_CANCELLED);
    stop(&lab);
}

static void closed(void **state)
{
    (void)state;
    struct lab lab;
    start(&lab, silent);
    homelab_ctx_wait(lab.ctx, 50);
    assert_int_equal(homelab_ctx_close(lab.ctx), 0);
    assert_int_equal(homelab_op_result(lab.op), HOMELAB_E_CLOSED);
    stop(&lab);
}

static void in_thread_mode(void **state)
{
    (void)state;
    struct fault_server server;
    homelab_ctx *ctx;
    homelab_gguf *gguf = NULL;
    char url[64];
    assert_true(fault_start(&server, ranges, NULL));
    assert_int_equal(homelab_ctx_new(&ctx, NULL), 0);
    assert_int_equal(homelab_ctx_start_thread(ctx), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/model", server.port);
    assert_int_equal(homelab_gguf_load_url(&gguf, ctx, url, 20000, NULL), 0);
    check_file(gguf, true);
    homelab_gguf_unref(gguf);
    homelab_ctx_unref(ctx);
    fault_stop(&server);
}

/* --- No memory. libcurl's own allocations are left alone: 7.88 does not survive all of them. ---
 */

struct scarce {
    size_t left; /* allocations that succeed */
    long live;
};

static void *scarce_malloc(size_t size, void *userdata)
{
    struct scarce *scarce = userdata;
    void *block = scarce->left ? malloc(size) : NULL;
    scarce->left -= scarce->left > 0;
    scarce->live += block != NULL;
    return block;
}

static void *scarce_realloc(void *block, size_t size, void *userdata)
{
    struct scarce *scarce = userdata;
    void *moved = scarce->left ? realloc(block, size) : NULL;
    scarce->left -= scarce->left > 0;
    scarce->live += moved && !block;
    return moved;
}

static void scarce_free(void *block, void *userdata)
{
    ((struct scarce *)userdata)->live--;
    free(block);
}

static int load_scarcely(struct scarce *scarce, size_t left, homelab_opts *opts, int port)
{
    homelab_ctx *ctx;
    homelab_gguf *gguf = NULL;
    char url[64];
    long live = scarce->live;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/m-00002-of-00003.gguf", port);
    scarce->left = left;
    int code = homelab_ctx_new(&ctx, opts);
    if (code)
        return code;
    code = homelab_gguf_load_url(&gguf, ctx, url, 5000, NULL);
    assert_int_equal(code == HOMELAB_OK, gguf != NULL);
    homelab_gguf_unref(gguf);
    homelab_ctx_unref(ctx);
    assert_int_equal(scarce->live, live);
    return code;
}

static void without_memory(void **state)
{
    (void)state;
    struct scarce scarce = {.left = SIZE_MAX};
    struct fault_server server;
    homelab_allocator *allocator;
    homelab_opts *opts;
    int code = HOMELAB_E_NOMEM;
    size_t n = 0;
    assert_true(fault_start(&server, parts, NULL));
    assert_int_equal(
        homelab_allocator_new(&allocator, scarce_malloc, scarce_realloc, scarce_free, &scarce), 0);
    assert_int_equal(homelab_opts_new(&opts), 0);
    assert_int_equal(homelab_opts_set_allocator(opts, allocator), 0);
    for (; code && n < 2000; n++) {
        code = load_scarcely(&scarce, n, opts, server.port);
        assert_true(code == HOMELAB_OK || code == HOMELAB_E_NOMEM);
        /* The server has room for so many connections only. */
        if (n % 10 == 9) {
            fault_stop(&server);
            assert_true(fault_start(&server, parts, NULL));
        }
    }
    assert_int_equal(code, HOMELAB_OK);
    assert_true(n > 50);
    scarce.left = SIZE_MAX;
    homelab_opts_free(opts);
    homelab_allocator_free(allocator);
    fault_stop(&server);
}

static int set_up(void **state)
{
    (void)state;
    write_model_file();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(file.data);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_servers),
        cmocka_unit_test(what_is_not_needed_is_not_asked_for),
        cmocka_unit_test(several_parts),
        cmocka_unit_test(bad_servers),
        cmocka_unit_test(redirects_may_be_refused),
        cmocka_unit_test(a_silent_server),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(as_an_operation),
        cmocka_unit_test(cancelled),
        cmocka_unit_test(closed),
        cmocka_unit_test(in_thread_mode),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
