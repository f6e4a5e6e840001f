/* The HTTP client from the inside. The layers, lowest first: sockets (descriptors of connections in
 * the loop), shards (curl multi handles), transfers (pooled curl easy handles), the client (what is
 * to start and what ended). All of it belongs to the loop's thread. */
#ifndef HL_NET_HTTP_PRIVATE_H
#define HL_NET_HTTP_PRIVATE_H

#include "core/buf.h"
#include "core/ctx.h"
#include "core/loop.h"
#include "net/http.h"

#define HOMELAB_UNSTABLE
#include <homelab/testing.h>

#include <curl/curl.h>

#define HL_HTTP_ERROR_SIZE 256 /* CURL_ERROR_SIZE, wherever it grows to */

struct hl_http;

/* --- Sockets, by descriptor number (http_socket.c) --- */

/* A connection's descriptor stays in the loop while libcurl keeps the connection, asleep between
 * transfers: one epoll_ctl() a transfer in place of two. */
struct hl_socket {
    struct hl_shard *shard;
    struct hl_source source;
    uint64_t
        cookie; /* the kernel's name for it, so that a fork's child closes only what it means */
    uint32_t wanted; /* events libcurl waits for; 0: none */
    uint32_t armed;  /* events the loop will report, once; 0: none */
    bool in_loop;
    bool opened; /* by the client; else a helper of libcurl's, such as the resolver's */
};

struct hl_sockets {
    struct hl_socket *items;
    size_t count;
    int serving; /* descriptor whose event is being handled, or -1 */
};

int hl_socket_reserve(struct hl_http *http, int fd);
curl_socket_t hl_socket_open(void *userdata, curlsocktype purpose, struct curl_sockaddr *address);
int hl_socket_close(void *userdata, curl_socket_t fd);
/* What libcurl waits for on fd from now on. False: out of memory or descriptors. */
bool hl_socket_want(struct hl_http *http, struct hl_shard *shard, int fd, int what);
/* In the child of a fork: closes the descriptors and leaves everything else. */
void hl_socket_abandon(struct hl_http *http);

/* --- Shards (http_shard.c) --- */

struct hl_shard {
    struct hl_http *http;
    CURLM *multi;
    size_t origins;   /* that are assigned to it */
    size_t transfers; /* in it */
    struct hl_timer timer;
    int64_t due_us; /* when libcurl wants to be called, -1: not at all */
    bool driving;   /* inside libcurl: the timer is set afterwards */
};

/* A shard with room for one more origin; NULL with a record. */
struct hl_shard *hl_shard_with_room(struct hl_http *http);
/* Puts a configured transfer into its shard and starts it; HOMELAB_E_NOMEM or HOMELAB_E_SYSTEM with
 * a record. */
int hl_shard_add(struct hl_shard *shard, struct hl_transfer *transfer);
void hl_shard_take_out(struct hl_transfer *transfer);
/* Tells libcurl of events on fd, or of the time (CURL_SOCKET_TIMEOUT), and collects what ended. */
void hl_shard_drive(struct hl_shard *shard, curl_socket_t fd, int events);
/* Frees shards without origins and transfers. */
void hl_shard_trim(struct hl_http *http);
void hl_shard_free_all(struct hl_http *http);

/* --- Where requests go (http_target.c) --- */

/* A host and port. Always in the same shard, so that its kept connection is found. */
struct hl_origin {
    struct hl_origin *next;
    uint64_t hash;
    struct hl_shard *shard;
    size_t targets;
    char key[];
};

/* A URL that was asked before, parsed: libcurl takes as long for that as for all else in a request
 * over a kept connection. */
struct hl_target {
    struct hl_target *next;
    uint64_t hash;
    struct hl_origin *origin;
    CURLU *parsed; /* NULL: libcurl shall say what is wrong with it */
    int64_t used_us;
    size_t transfers; /* that use it */
    char url[];
};

struct hl_targets {
    struct hl_target **buckets;
    struct hl_origin **origin_buckets;
    size_t bucket_count, origin_bucket_count; /* powers of two, or 0 */
    size_t count, origin_count;
    int64_t trimmed_us;
};

/* The URL's target, to be given back; NULL with a record. */
struct hl_target *hl_target_take(struct hl_http *http, const char *url, const char *unix_socket);
void hl_target_give(struct hl_target *target);
/* Forgets targets that were not used for a while, then origins and shards without one. */
void hl_target_trim(struct hl_http *http, int64_t now_us);
void hl_target_free_all(struct hl_http *http);

/* --- Transfers (http_transfer.c) --- */

enum hl_transfer_state {
    HL_TRANSFER_FREE,
    HL_TRANSFER_QUEUED, /* waits for its start */
    HL_TRANSFER_ACTIVE, /* in a shard, or with the test's transport */
    HL_TRANSFER_ENDED,  /* waits for its callback */
};

/* Why we ended it, where it was not libcurl. */
enum hl_transfer_stop {
    HL_STOP_NONE,
    HL_STOP_NOT_STARTED, /* its deadline came first */
    HL_STOP_TOO_LARGE,
    HL_STOP_ENOUGH,   /* whoever takes the pieces wants no more */
    HL_STOP_NOT_HTTP, /* no status line; the start of what came is in the body */
    HL_STOP_SYSTEM,   /* no descriptor; errno in stop_errno */
    HL_STOP_NOMEM,
    HL_STOP_CLOSED, /* the context closes */
    HL_STOP_TEST,   /* the test's transport answered; code in test_code */
};

struct hl_transfer_list {
    struct hl_transfer *first, *last;
};

struct homelab_testing_request {
    struct hl_transfer *transfer;
};

struct hl_transfer {
    struct hl_transfer *next, *previous; /* in a list of the client, as its state says */
    struct hl_http *http;
    struct hl_shard *shard;
    CURL *easy;
    enum hl_transfer_state state;
    struct hl_timer timer;
    int64_t start_us, deadline_us, connect_deadline_us;
    hl_http_done_fn fn;
    void *userdata;

    struct hl_target *target;
    struct curl_slist *headers; /* holds the key; wiped */
    char *body;                 /* of a POST */
    size_t body_length;
    bool held; /* no more pieces for now */
    char *unix_socket, *ca_file;
    bool insecure, connect_only, fresh, tls, posts;
    size_t max_body;
    bool usual; /* the handle has the usual options and no others */

    CURLcode curl_code;
    enum hl_transfer_stop stop;
    int stop_errno;
    bool opened_socket; /* the name is resolved */
    int requests;       /* that libcurl sent: more than one where kept connections died */
    size_t header_bytes;
    bool headers_ended;
    struct hl_buf answer;
    char server[64], content_type[64], location[256], content_range[64];
    bool has_server, has_content_type, has_location, has_content_range;
    hl_http_piece_fn piece_fn;
    void *piece_userdata;
    char date[40]; /* Date header, "" without one */
    int64_t retry_after_s;
    char error[HL_HTTP_ERROR_SIZE];

    /* A plain request that got no byte back is followed by a TLS greeting, for many TLS servers
     * just hang up on plain HTTP. */
    bool greeting;
    struct hl_http_result plain; /* what came of the request */

    struct homelab_testing_request request;
    int test_code, test_status;
};

/* A transfer from the pool, with a copy of the request; NULL with a record. */
struct hl_transfer *hl_transfer_new(struct hl_http *http, const struct hl_http_request *request);
/* The headers of every request, put before *headers; HOMELAB_E_NOMEM with a record. */
int hl_transfer_usual_headers(struct curl_slist **headers);
/* Back into the pool; the key is wiped. */
void hl_transfer_release(struct hl_transfer *transfer);
void hl_transfer_free(struct hl_transfer *transfer);
/* Sets the easy handle's options; HOMELAB_E_NOMEM with a record. */
int hl_transfer_configure(struct hl_transfer *transfer, int64_t now_us);
/* Turns a plain request into a TLS greeting to the same port; HOMELAB_E_NOMEM with a record. */
int hl_transfer_to_greeting(struct hl_transfer *transfer);

void hl_list_append(struct hl_transfer_list *list, struct hl_transfer *transfer);
void hl_list_remove(struct hl_transfer_list *list, struct hl_transfer *transfer);

/* --- Results (http_result.c) --- */

/* What is known when a transfer ended, for its classification. */
struct hl_http_facts {
    CURLcode curl_code;
    enum hl_transfer_stop stop;
    int sys_errno;
    bool tls;
    bool resolved, connected, first_byte;
    bool headers_cut; /* libcurl takes an end amid the headers for that of the answer */
    int status;
    const char *error; /* libcurl's text */
    const char *body;  /* as far as it came */
    size_t body_length;
    int64_t waited_us;
};
/* HOMELAB_OK or HOMELAB_E_…, with *sys_errno where it tells more, and one line in detail. Pure. */
int hl_http_classify(const struct hl_http_facts *facts, int *sys_errno, char *detail, size_t size);
/* The result of a transfer that ended. */
void hl_http_fill(struct hl_transfer *transfer, struct hl_http_result *result);
/* Whether a TLS greeting could tell more. */
bool hl_http_may_be_tls(const struct hl_transfer *transfer, const struct hl_http_result *result);

/* --- The client (http.c) --- */

struct hl_http {
    homelab_ctx *ctx;
    struct hl_loop *loop;

    size_t max_body;
    char *ca_file, *ca_path; /* NULL: libcurl's own default */
    char *proxy;
    struct curl_slist *headers; /* of every request */
    long idle_s;
    bool insecure;

    struct hl_sockets sockets;
    struct hl_shard **shards;
    size_t shard_count, shard_capacity;
    struct hl_targets targets;

    struct hl_transfer_list pool, queued, active, ended;
    size_t pooled, in_use, most_in_use; /* most since the last trim */
    struct hl_task start_task, end_task;

    homelab_testing_transport_fn transport;
    void *transport_userdata;
    homelab_destroy_fn transport_destroy;
};

/* NULL with a record. */
struct hl_http *hl_http_of(homelab_ctx *ctx);
/* The transfer is over; its callback comes from the loop. */
void hl_http_end(struct hl_transfer *transfer);
/* Its deadline, or that of its connection, has come. */
void hl_http_deadline(struct hl_transfer *transfer);
/* Delivers what ended: a few at once, the rest from a task. Not from inside libcurl. */
void hl_http_settle(struct hl_http *http);

#endif
