/* HTTP through libcurl's multi-socket interface, folded into the context's loop. Several multi
 * handles share the work, since libcurl 7.88 is quadratic in the connections of one. */
#ifndef HL_NET_HTTP_H
#define HL_NET_HTTP_H

#include "core/error.h"

#include <homelab/ctx.h>

struct hl_http;
struct hl_transfer;

/* A piece of a body, as it comes. Valid during the call. */
struct hl_http_piece {
    int status;
    const char *content_range; /* header, or NULL */
    int64_t content_length;    /* of the body, -1 where unknown */
    const char *data;
    size_t length;
};
/* Takes a piece; false ends the transfer, which then counts as read completely. Called from inside
 * libcurl: it may start and cancel nothing. */
typedef bool (*hl_http_piece_fn)(const struct hl_http_piece *piece, void *userdata);

/* What to ask. Strings are copied. */
struct hl_http_request {
    const char *method; /* "GET" or "POST" */
    const char *url;
    const char *unix_socket; /* path, or NULL */
    const char *body;        /* JSON, or NULL */
    size_t body_length;      /* 0: up to its NUL */
    const char *bearer;      /* key, or NULL; wiped afterwards */
    const char *ca_file;     /* or NULL: the context's option */
    bool insecure;           /* accept any certificate, logged */
    bool connect_only; /* TCP (and nothing else): done when connected; url is http://host:port */
    bool fresh_connection; /* do not reuse one; for what must not be sent twice too, since libcurl
                              repeats a request when a kept connection died under it */
    int64_t deadline_us;   /* monotonic, for the whole transfer with name look-up; required */
    int64_t connect_deadline_us; /* monotonic, 0: as deadline_us */
    size_t max_body;             /* 0: the context's option */
    int64_t range_first;         /* of a Range header, with range_last; */
    int64_t range_last;          /* 0: no such header */
    hl_http_piece_fn piece_fn;   /* gets the body of a 2xx in place of the result */
    void *piece_userdata;
};

/* What came back. Valid during the callback. */
struct hl_http_result {
    int code;         /* HOMELAB_OK: an answer was read completely; else HOMELAB_E_NET_…,
                         HOMELAB_E_CANCELLED, … */
    int sys_errno;    /* of the connection failure, else 0 */
    char detail[160]; /* of a failure: what libcurl or TLS said, one line */
    int status;       /* HTTP status, 0 without one; also set when the body was cut */
    bool connected;   /* TCP was established */
    bool reused;      /* on a kept connection */
    bool sent;        /* the request went out completely */
    const char *body; /* NUL-terminated, may be cut when code is not OK; "" without one */
    size_t body_length;
    const char *server;       /* Server header, or NULL */
    const char *content_type; /* or NULL */
    const char *location;     /* of a redirect, or NULL */
    const char *redirect_url; /* the same as a whole URL, or NULL */
    int64_t retry_after_s;    /* -1 without one */
    const char *date;         /* Date header, or NULL */
    int64_t connect_us;    /* from the start until TCP stood; 0 when reused, -1 if it never did */
    int64_t first_byte_us; /* from the start, -1 if none */
    int64_t total_us;
};
typedef void (*hl_http_done_fn)(const struct hl_http_result *result, void *userdata);

/* Makes the context's client now: libcurl's and OpenSSL's start takes longer than a dispatch may.
 * 0, or a negative code with a record. */
int hl_http_prepare(homelab_ctx *ctx);
/* Starts a transfer; fn is called exactly once, from a later dispatch, unless the transfer is
 * cancelled. */
int hl_http_start(homelab_ctx *ctx, const struct hl_http_request *request, hl_http_done_fn fn,
                  void *userdata, struct hl_transfer **out);
/* No more pieces until hl_http_resume(); also from inside piece_fn. What libcurl read already it
 * keeps; the peer is held up. */
void hl_http_hold(struct hl_transfer *transfer);
void hl_http_resume(struct hl_transfer *transfer); /* not from inside libcurl */
/* Whether transfers wait for their start, so that starting more would only let them wait longer. */
bool hl_http_is_behind(homelab_ctx *ctx);
/* Ends it without a callback; never blocks, also not on a hanging name look-up. NULL is allowed. */
void hl_http_cancel(struct hl_transfer *transfer);

/* Parts of a URL, from libcurl's own parser; pure. */
struct hl_url {
    char scheme[16];
    char host[256];   /* without brackets, lower case */
    int port;         /* explicit or the scheme's */
    char path[1024];  /* with query, "/" at least */
    char base[512];   /* scheme://host:port, brackets as needed, no slash at the end */
    bool credentials; /* user or password present */
};
/* 0, or HOMELAB_E_INVALID with a record that says what is wrong with it. Schemes: http, https, tcp,
 * unix. */
int hl_url_parse(struct hl_url *out, const char *url);

#endif
