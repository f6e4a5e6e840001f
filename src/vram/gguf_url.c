/* GGUF over HTTP: the start of the file in ranges, as much as the header takes. A server that knows
 * no ranges sends the file from its start, and the connection is closed when the header is there.
 */
#include "vram/gguf_loader.h"

#include "core/alloc.h"
#include "core/ctx.h"
#include "core/event.h"
#include "net/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_RANGE   (INT64_C(1) << 18)
#define LARGEST_RANGE (INT64_C(1) << 22)

struct waiter {
    bool ended;
    struct hl_error error;
    homelab_gguf *gguf;
};

struct fetch {
    struct hl_gguf_loader loader;
    homelab_ctx *ctx;
    struct hl_closer closer;
    homelab_op *op;        /* or NULL, and */
    struct waiter *waiter; /* who waits */
    struct hl_transfer *transfer;
    char *moved_to; /* where the file was found, NULL: under its name */
    int redirects;
    int64_t deadline_us, range;
    struct hl_error error; /* of what went wrong, code 0: nothing yet */

    uint64_t total; /* of this file, UINT64_MAX where unknown */
    bool begun;     /* an answer for this file came */
    bool complete;  /* its infos are */
    /* Of this transfer. */
    uint64_t first;
    bool answered, whole; /* whole: the file from its start */
    uint64_t came;
    size_t held;
    unsigned char window[HL_GGUF_WINDOW]; /* what an entry began with */
};

static const char *where(const struct fetch *fetch)
{
    return fetch->moved_to ? fetch->moved_to : fetch->loader.name;
}

/* --- The end --- */

static void release(void *gguf)
{
    homelab_gguf_unref(gguf);
}

static void end(struct fetch *fetch, int code)
{
    homelab_gguf *gguf = code ? NULL : hl_gguf_loader_take(&fetch->loader);
    hl_http_cancel(fetch->transfer);
    hl_ctx_remove_closer(fetch->ctx, &fetch->closer);
    if (fetch->waiter) {
        *fetch->waiter = (struct waiter){true, fetch->error, gguf};
        hl_ctx_poke(fetch->ctx);
    }
    if (fetch->op) {
        hl_op_set_payload(fetch->op, gguf, release);
        hl_op_complete(fetch->op, code ? &fetch->error : NULL);
    }
    hl_gguf_loader_clear(&fetch->loader);
    hl_free(fetch->moved_to);
    hl_free(fetch);
}

/* With the thread's record. */
static void give_up(struct fetch *fetch)
{
    hl_error_save(&fetch->error);
    end(fetch, fetch->error.code);
}

static void on_cancel(homelab_op *op, void *userdata)
{
    struct fetch *fetch = userdata;
    (void)op;
    hl_error_format(&fetch->error, HOMELAB_E_CANCELLED, 0, fetch->loader.name, "%s: cancelled",
                    fetch->loader.name);
    end(fetch, HOMELAB_E_CANCELLED);
}

static void on_close(void *userdata)
{
    struct fetch *fetch = userdata;
    hl_error_format(&fetch->error, HOMELAB_E_CLOSED, 0, fetch->loader.name,
                    "%s: the context was closed", fetch->loader.name);
    end(fetch, HOMELAB_E_CLOSED);
}

/* --- What comes in --- */

/* "bytes FIRST-LAST/TOTAL", the total UINT64_MAX for '*'. */
static bool read_range(const char *text, uint64_t *first, uint64_t *total)
{
    char *at;
    if (!text || strncmp(text, "bytes ", 6) != 0 || text[6] < '0' || text[6] > '9')
        return false;
    *first = strtoull(text + 6, &at, 10);
    if (*at != '-' || at[1] < '0' || at[1] > '9')
        return false;
    (void)strtoull(at + 1, &at, 10);
    if (strcmp(at, "/*") == 0) {
        *total = UINT64_MAX;
        return true;
    }
    if (*at != '/' || at[1] < '0' || at[1] > '9')
        return false;
    *total = strtoull(at + 1, &at, 10);
    return !*at;
}

static int fail_answer(const struct fetch *fetch, int status, const char *text)
{
    return hl_error_set(HOMELAB_E_NET_PROTOCOL, status, where(fetch),
                        "%s: byte %llu: answered %d, %s", where(fetch),
                        (unsigned long long)fetch->first, status, text);
}

/* What the answer says of the file. */
static int check_answer(struct fetch *fetch, const struct hl_http_piece *piece)
{
    uint64_t first = 0;
    uint64_t total = piece->content_length >= 0 ? (uint64_t)piece->content_length : UINT64_MAX;
    fetch->whole = piece->status == 200;
    if (!fetch->whole && !read_range(piece->content_range, &first, &total))
        return fail_answer(fetch, piece->status, "without a Content-Range that says which bytes");
    if (first != fetch->first)
        return fail_answer(fetch, piece->status, "with other bytes than asked for");
    if (fetch->begun && total != fetch->total)
        return fail_answer(fetch, piece->status, "the file changed while it was read");
    if (!fetch->begun)
        hl_gguf_loader_begin(&fetch->loader, total);
    fetch->begun = true;
    fetch->total = total;
    return HOMELAB_OK;
}

/* Puts as much as fits to what is held. The bytes that were taken from the piece. */
static size_t hold(struct fetch *fetch, const unsigned char *data, size_t length)
{
    size_t room = sizeof fetch->window - fetch->held;
    if (length > room)
        length = room;
    memcpy(fetch->window + fetch->held, data, length);
    fetch->held += length;
    return length;
}

/* 0: goes on; 1: the infos are complete; or a code. */
static int feed(struct fetch *fetch, const unsigned char *data, size_t length)
{
    struct hl_gguf_parser *parser = &fetch->loader.parser;
    while (length) {
        size_t used, taken;
        int code;
        if (!fetch->held) {
            code = hl_gguf_parse(parser, data, length, &used);
            taken = code ? 0 : used + hold(fetch, data + used, length - used);
        } else {
            taken = hold(fetch, data, length);
            code = hl_gguf_parse(parser, fetch->window, fetch->held, &used);
            fetch->held -= used;
            memmove(fetch->window, fetch->window + used, fetch->held);
        }
        if (code)
            return code;
        data += taken;
        length -= taken;
    }
    return 0;
}

static bool on_piece(const struct hl_http_piece *piece, void *userdata)
{
    struct fetch *fetch = userdata;
    int code = fetch->answered ? HOMELAB_OK : check_answer(fetch, piece);
    fetch->answered = true;
    fetch->came += piece->length;
    if (!code)
        code = feed(fetch, (const unsigned char *)piece->data, piece->length);
    if (code < 0)
        hl_error_save(&fetch->error);
    fetch->complete = code == 1;
    /* A value that is passed over and reaches beyond the range need not be waited for. */
    bool beyond = !fetch->whole && fetch->loader.parser.skip > (uint64_t)fetch->range;
    return code == 0 && !beyond;
}

/* --- Requests --- */

static void on_done(const struct hl_http_result *result, void *userdata);

static int ask(struct fetch *fetch)
{
    struct hl_http_request request = {
        .url = where(fetch),
        .deadline_us = fetch->deadline_us,
        .range_first = (int64_t)fetch->first,
        .range_last = (int64_t)fetch->first + fetch->range - 1,
        .piece_fn = on_piece,
        .piece_userdata = fetch,
    };
    fetch->answered = false;
    fetch->came = 0;
    return hl_http_start(fetch->ctx, &request, on_done, fetch, &fetch->transfer);
}

static int begin_file(struct fetch *fetch)
{
    hl_free(fetch->moved_to);
    fetch->moved_to = NULL;
    fetch->redirects = 0;
    fetch->first = 0;
    fetch->held = 0;
    fetch->range = FIRST_RANGE;
    fetch->begun = fetch->complete = false;
    return ask(fetch);
}

static int ask_further(struct fetch *fetch)
{
    struct hl_gguf_parser *parser = &fetch->loader.parser;
    hl_gguf_parse_skip(parser);
    fetch->first = parser->at + fetch->held;
    if (fetch->whole || fetch->first >= fetch->total)
        return hl_gguf_parse_end(parser, fetch->held);
    if (!fetch->came)
        return fail_answer(fetch, 206, "without any byte");
    if (fetch->range < LARGEST_RANGE)
        fetch->range *= 4;
    return ask(fetch);
}

static int follow(struct fetch *fetch, const struct hl_http_result *result)
{
    if (fetch->redirects >= fetch->loader.caps.redirects)
        return hl_error_set(HOMELAB_E_NET_PROTOCOL, result->status, where(fetch),
                            "%s: answered %d to %s, after %d redirects", where(fetch),
                            result->status, result->redirect_url, fetch->redirects);
    if (strncmp(where(fetch), "https:", 6) == 0 && strncmp(result->redirect_url, "https:", 6) != 0)
        return hl_error_set(HOMELAB_E_NET_PROTOCOL, result->status, where(fetch),
                            "%s: answered %d away from TLS, to %s", where(fetch), result->status,
                            result->redirect_url);
    char *moved_to = hl_strdup(result->redirect_url);
    if (!moved_to)
        return hl_error_nomem();
    hl_free(fetch->moved_to);
    fetch->moved_to = moved_to;
    fetch->redirects++;
    return ask(fetch);
}

static int fail_status(const struct fetch *fetch, int status)
{
    return hl_error_set(status == 404 ? HOMELAB_E_NOT_FOUND : HOMELAB_E_NET_PROTOCOL, status,
                        where(fetch), "%s: answered %d, expected a file", where(fetch), status);
}

/* An empty file has no byte to send. */
static int end_empty(struct fetch *fetch)
{
    hl_gguf_loader_begin(&fetch->loader, 0);
    return hl_gguf_parse_end(&fetch->loader.parser, 0);
}

/* 0: a further request is under way; 1: all is read; or a code. */
static int go_on(struct fetch *fetch, const struct hl_http_result *result)
{
    if (fetch->error.code)
        return hl_error_restore(&fetch->error);
    if (fetch->complete) {
        int code = hl_gguf_loader_end(&fetch->loader);
        return code == 1 ? begin_file(fetch) : code ? code : 1;
    }
    if (result->code != HOMELAB_OK)
        return hl_error_set(result->code, result->sys_errno, where(fetch), "%s: %s", where(fetch),
                            result->detail);
    if (result->status >= 300 && result->status < 400 && result->redirect_url)
        return follow(fetch, result);
    if (result->status != 200 && result->status != 206 && result->status != 416)
        return fail_status(fetch, result->status);
    return fetch->begun ? ask_further(fetch) : end_empty(fetch);
}

static void on_done(const struct hl_http_result *result, void *userdata)
{
    struct fetch *fetch = userdata;
    fetch->transfer = NULL;
    int code = go_on(fetch, result);
    if (code == 1)
        end(fetch, HOMELAB_OK);
    else if (code < 0)
        give_up(fetch);
}

/* --- The API --- */

static int check_arguments(const char *url, int timeout_ms)
{
    struct hl_url parts;
    if (!url)
        return hl_error_argument("url", "a URL");
    if (timeout_ms < 1)
        return hl_error_argument("timeout_ms", "1 or more");
    int code = hl_url_parse(&parts, url);
    if (code)
        return code;
    if (strcmp(parts.scheme, "http") != 0 && strcmp(parts.scheme, "https") != 0)
        return hl_error_argument("url", "http:// or https://");
    return HOMELAB_OK;
}

/* Inside enter and leave. */
static int start(struct fetch **out, homelab_ctx *ctx, const char *url, const homelab_opts *opts,
                 int timeout_ms)
{
    struct fetch *fetch = hl_calloc(1, sizeof *fetch);
    if (!fetch)
        return hl_error_nomem();
    fetch->ctx = ctx;
    fetch->deadline_us = hl_loop_now(hl_ctx_loop(ctx)) + timeout_ms * INT64_C(1000);
    int code = hl_gguf_loader_init(&fetch->loader, url, HOMELAB_GGUF_SOURCE_URL,
                                   opts ? opts : hl_ctx_opts(ctx));
    if (!code)
        code = begin_file(fetch);
    if (code) {
        hl_gguf_loader_clear(&fetch->loader);
        hl_free(fetch);
        return code;
    }
    fetch->closer = (struct hl_closer){.fn = on_close, .userdata = fetch};
    hl_ctx_add_closer(ctx, &fetch->closer);
    *out = fetch;
    return HOMELAB_OK;
}

static int start_op(struct fetch **fetch, homelab_op **op, homelab_ctx *ctx, const char *url,
                    const homelab_opts *opts, int timeout_ms)
{
    int code = start(fetch, ctx, url, opts, timeout_ms);
    if (code)
        return code;
    code = hl_op_new(&(*fetch)->op, ctx, on_cancel, *fetch);
    if (code)
        end(*fetch, code);
    else
        *op = homelab_op_ref((*fetch)->op);
    return code;
}

int homelab_ctx_fetch_gguf(homelab_ctx *ctx, const char *url, int timeout_ms,
                           const homelab_opts *opts, uint32_t flags, homelab_op **op)
{
    HL_API(hl_ctx_allocator(ctx));
    struct fetch *fetch;
    if (!op)
        return hl_error_argument("op", "a pointer");
    int code = flags ? hl_error_flags(flags) : check_arguments(url, timeout_ms);
    if (!code)
        code = hl_ctx_enter(ctx);
    if (code)
        return code;
    code = start_op(&fetch, op, ctx, url, opts, timeout_ms);
    hl_ctx_leave(ctx);
    return code;
}

int homelab_gguf_take(homelab_gguf **out, const homelab_op *op)
{
    HL_API(NULL);
    if (!out || !op)
        return hl_error_argument(out ? "op" : "out", out ? "an operation" : "a pointer");
    homelab_gguf *gguf = hl_op_payload(op, release);
    if (gguf) {
        *out = homelab_gguf_ref(gguf);
        return HOMELAB_OK;
    }
    int code = homelab_op_result(op);
    if (code == HOMELAB_E_PENDING)
        return hl_error_set(code, 0, "op", "op: has not ended yet");
    if (code)
        return hl_error_set(code, 0, "op", "%s", homelab_op_message(op));
    return hl_error_set(HOMELAB_E_STATE, 0, "op", "op: is none of homelab_ctx_fetch_gguf()");
}

static bool has_ended(void *userdata)
{
    return ((const struct waiter *)userdata)->ended;
}

static void stop_waiting(struct fetch *fetch, int code, int timeout_ms)
{
    const char *name = fetch->loader.name;
    if (code == HOMELAB_E_TIMEOUT || code == HOMELAB_OK)
        hl_error_format(&fetch->error, HOMELAB_E_TIMEOUT, 0, name, "%s: not read after %d ms", name,
                        timeout_ms);
    else
        hl_error_save(&fetch->error);
    end(fetch, fetch->error.code);
}

int homelab_gguf_load_url(homelab_gguf **out, homelab_ctx *ctx, const char *url, int timeout_ms,
                          const homelab_opts *opts)
{
    HL_API(hl_ctx_allocator(ctx));
    struct waiter waiter = {0};
    struct fetch *fetch;
    if (!out)
        return hl_error_argument("out", "a pointer");
    int code = check_arguments(url, timeout_ms);
    if (!code)
        code = hl_ctx_enter(ctx);
    if (code)
        return code;
    code = start(&fetch, ctx, url, opts, timeout_ms);
    if (!code)
        fetch->waiter = &waiter;
    hl_ctx_leave(ctx);
    if (code)
        return code;
    code = hl_ctx_wait_until(ctx, has_ended, &waiter, timeout_ms);
    hl_ctx_lock(ctx);
    if (!waiter.ended)
        stop_waiting(fetch, code, timeout_ms);
    hl_ctx_unlock(ctx);
    if (waiter.error.code)
        return hl_error_restore(&waiter.error);
    hl_error_clear();
    *out = waiter.gguf;
    return HOMELAB_OK;
}
