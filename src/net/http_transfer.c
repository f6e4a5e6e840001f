/* Pooled transfers. Their easy handles keep the usual options; those that had others are reset. */
#include "net/http_private.h"

#include "core/utf8.h"

#include <homelab/version.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define POOL_MIN         64
#define KEPT_ANSWER      65536 /* a larger buffer is not kept for the next transfer */
#define HEADERS_MAX      262144
#define CONNECT_GRACE_MS 50 /* our own deadline comes first and tells the phases apart */

void hl_list_append(struct hl_transfer_list *list, struct hl_transfer *transfer)
{
    transfer->next = NULL;
    transfer->previous = list->last;
    *(list->last ? &list->last->next : &list->first) = transfer;
    list->last = transfer;
}

void hl_list_remove(struct hl_transfer_list *list, struct hl_transfer *transfer)
{
    *(transfer->previous ? &transfer->previous->next : &list->first) = transfer->next;
    *(transfer->next ? &transfer->next->previous : &list->last) = transfer->previous;
    transfer->next = transfer->previous = NULL;
}

/* --- What comes in --- */

/* True: the piece was taken. */
static bool give_piece(struct hl_transfer *transfer, const char *data, size_t length)
{
    long status = 0;
    curl_off_t body_length = -1;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!transfer->piece_fn || status < 200 || status >= 300)
        return false;
    curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &body_length);
    struct hl_http_piece piece = {
        .status = (int)status,
        .content_range = transfer->has_content_range ? transfer->content_range : NULL,
        .content_length = body_length,
        .data = data,
        .length = length,
    };
    if (!transfer->piece_fn(&piece, transfer->piece_userdata))
        transfer->stop = HL_STOP_ENOUGH;
    return true;
}

static size_t on_body(char *data, size_t size, size_t count, void *userdata)
{
    struct hl_transfer *transfer = userdata;
    size_t length = size * count;
    long status = 0;
    if (transfer->held)
        return CURL_WRITEFUNC_PAUSE;
    if (give_piece(transfer, data, length))
        return transfer->stop == HL_STOP_NONE ? length : 0;
    if (transfer->answer.length == 0)
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    else
        status = 1;
    if (status == 0) {
        hl_buf_append(&transfer->answer, data, length < 64 ? length : 64);
        transfer->stop = HL_STOP_NOT_HTTP;
        return 0;
    }
    size_t room = transfer->max_body - transfer->answer.length;
    hl_buf_append(&transfer->answer, data, length < room ? length : room);
    if (transfer->answer.failed)
        transfer->stop = HL_STOP_NOMEM;
    else if (length > room)
        transfer->stop = HL_STOP_TOO_LARGE;
    return transfer->stop == HL_STOP_NONE ? length : 0;
}

/* The value of a header line that has this name. */
static bool header_value(const char *line, size_t length, const char *name, char *to, size_t size)
{
    size_t name_length = strlen(name);
    if (length <= name_length || line[name_length] != ':' ||
        strncasecmp(line, name, name_length) != 0)
        return false;
    const char *value = line + name_length + 1;
    const char *end = line + length;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (unsigned char)end[-1] <= ' ')
        end--;
    size_t kept = hl_utf8_cut(value, (size_t)(end - value), size - 1);
    memcpy(to, value, kept);
    to[kept] = '\0';
    return true;
}

static void take_header(struct hl_transfer *transfer, const char *line, size_t length)
{
    char number[24];
    switch (line[0] | 0x20) {
    case 'h':
        /* A status line: what an interim answer said is void. */
        if (length > 5 && memcmp(line, "HTTP/", 5) == 0) {
            transfer->has_server = transfer->has_content_type = transfer->has_location = false;
            transfer->has_content_range = false;
            transfer->retry_after_s = -1;
            transfer->date[0] = '\0';
            transfer->headers_ended = false;
        }
        break;
    case '\r' | 0x20:
    case '\n' | 0x20:
        transfer->headers_ended = true;
        break;
    case 's':
        transfer->has_server |=
            header_value(line, length, "server", transfer->server, sizeof transfer->server);
        break;
    case 'c':
        transfer->has_content_type |= header_value(
            line, length, "content-type", transfer->content_type, sizeof transfer->content_type);
        transfer->has_content_range |= header_value(
            line, length, "content-range", transfer->content_range, sizeof transfer->content_range);
        break;
    case 'd':
        header_value(line, length, "date", transfer->date, sizeof transfer->date);
        break;
    case 'l':
        transfer->has_location |=
            header_value(line, length, "location", transfer->location, sizeof transfer->location);
        break;
    case 'r':
        if (header_value(line, length, "retry-after", number, sizeof number)) {
            int64_t seconds = 0;
            const char *c = number;
            for (; *c >= '0' && *c <= '9' && seconds < 1000000; c++)
                seconds = seconds * 10 + (*c - '0');
            transfer->retry_after_s = c > number && !*c ? seconds : -1;
        }
        break;
    default:
        break;
    }
}

static size_t on_header(char *line, size_t size, size_t count, void *userdata)
{
    struct hl_transfer *transfer = userdata;
    size_t length = size * count;
    transfer->header_bytes += length;
    if (transfer->header_bytes > HEADERS_MAX) {
        transfer->stop = HL_STOP_TOO_LARGE;
        return 0;
    }
    if (length > 0)
        take_header(transfer, line, length);
    return length;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's */
static int on_request(void *userdata, char *peer, char *own, int peer_port, int own_port)
{
    (void)peer, (void)own, (void)peer_port, (void)own_port;
    struct hl_transfer *transfer = userdata;
    transfer->requests++;
    return CURL_PREREQFUNC_OK;
}

/* --- The handle --- */

/* What all transfers have in common. */
static int set_usual(struct hl_transfer *transfer)
{
    struct hl_http *http = transfer->http;
    CURL *easy = transfer->easy;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
#define SET(option, value)                                                                         \
    if (code == CURLE_OK)                                                                          \
    code = curl_easy_setopt(easy, CURLOPT_##option, value)
    SET(ERRORBUFFER, transfer->error);
    SET(PROTOCOLS_STR, "http,https");
    SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    /* An answer without a status line comes as a body, to be looked at and refused. */
    SET(HTTP09_ALLOWED, 1L);
    SET(FOLLOWLOCATION, 0L);
    SET(NETRC, (long)CURL_NETRC_IGNORED);
    SET(DISALLOW_USERNAME_IN_URL, 1L);
    SET(PROXY, http->proxy ? http->proxy : "");
    SET(NOPROXY, "");
    SET(NOSIGNAL, 1L);
    /* Without it a hanging getaddrinfo() blocks whoever ends the transfer. */
    SET(QUICK_EXIT, 1L);
    /* Each new connection looks its name up; and the cache is walked after each transfer. */
    SET(DNS_CACHE_TIMEOUT, 0L);
    SET(SSL_SESSIONID_CACHE, 0L);
    SET(MAXAGE_CONN, http->idle_s);
    SET(PREREQFUNCTION, on_request);
    SET(PREREQDATA, transfer);
    SET(OPENSOCKETFUNCTION, hl_socket_open);
    SET(OPENSOCKETDATA, transfer);
    SET(CLOSESOCKETFUNCTION, hl_socket_close);
    SET(CLOSESOCKETDATA, http);
    SET(WRITEFUNCTION, on_body);
    SET(WRITEDATA, transfer);
    SET(HEADERFUNCTION, on_header);
    SET(HEADERDATA, transfer);
#undef SET
    return code == CURLE_OK ? HOMELAB_OK : hl_error_nomem();
}

static const char *default_ca_file(const struct hl_http *http)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    return http->ca_path ? NULL : info->cainfo;
}

static bool has_own(const struct hl_transfer *transfer)
{
    return transfer->headers || transfer->posts || transfer->unix_socket ||
           transfer->connect_only || transfer->fresh || transfer->ca_file || transfer->insecure;
}

/* What a transfer may have of its own. */
static int set_own(struct hl_transfer *transfer)
{
    struct hl_http *http = transfer->http;
    CURL *easy = transfer->easy;
    const char *ca_file = transfer->ca_file ? transfer->ca_file : http->ca_file;
    bool once = transfer->fresh && transfer->posts;
    CURLcode code = CURLE_OK;
#define SET(option, value)                                                                         \
    if (code == CURLE_OK)                                                                          \
    code = curl_easy_setopt(easy, CURLOPT_##option, value)
    if (transfer->posts) {
        SET(POST, 1L);
        SET(POSTFIELDS, transfer->body);
        SET(POSTFIELDSIZE, (long)transfer->body_length);
    }
    SET(HTTPHEADER, transfer->headers ? transfer->headers : http->headers);
    SET(UNIX_SOCKET_PATH, transfer->unix_socket);
    SET(CONNECT_ONLY, transfer->connect_only ? 1L : 0L);
    SET(FRESH_CONNECT, transfer->fresh ? 1L : 0L);
    /* It is the endpoint's second connection; the one that probes use all the time stays. */
    SET(FORBID_REUSE, http->idle_s == 0 || once ? 1L : 0L);
    SET(SSL_VERIFYPEER, transfer->insecure ? 0L : 1L);
    SET(SSL_VERIFYHOST, transfer->insecure ? 0L : 2L);
    SET(CAINFO, ca_file ? ca_file : default_ca_file(http));
    SET(CAPATH, ca_file ? NULL : http->ca_path);
#undef SET
    return code == CURLE_OK ? HOMELAB_OK : hl_error_nomem();
}

static long until_ms(int64_t deadline_us, int64_t now_us)
{
    int64_t left_ms = (deadline_us - now_us + 999) / 1000;
    return (long)(left_ms < 1 ? 1 : left_ms > 86400000 ? 86400000 : left_ms);
}

int hl_transfer_configure(struct hl_transfer *transfer, int64_t now_us)
{
    CURL *easy = transfer->easy;
    const char *url = transfer->target->url;
    /* libcurl shares this time out among the addresses of a name. */
    long connect_ms = until_ms(transfer->connect_deadline_us, now_us) + CONNECT_GRACE_MS;
    /* The text is what libcurl quotes, the parsed form what it goes by. */
    if (curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK)
        return hl_error_nomem();
    curl_easy_setopt(easy, CURLOPT_CURLU, transfer->target->parsed);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
    bool own = has_own(transfer);
    int code = transfer->usual ? HOMELAB_OK : set_usual(transfer);
    if (!code && (own || !transfer->usual))
        code = set_own(transfer);
    transfer->usual = !code && !own;
    return code;
}

static void wipe_headers(struct hl_transfer *transfer)
{
    for (struct curl_slist *header = transfer->headers; header; header = header->next)
        explicit_bzero(header->data, strlen(header->data));
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
}

static void reset(struct hl_transfer *transfer)
{
    curl_easy_reset(transfer->easy);
    transfer->usual = false;
    wipe_headers(transfer);
}

int hl_transfer_to_greeting(struct hl_transfer *transfer)
{
    /* The URL is "http:" and more. */
    const char *rest = transfer->target->url + 4;
    size_t length = strlen(rest);
    char *url = hl_malloc(length + sizeof "https");
    if (!url)
        return hl_error_nomem();
    memcpy(url, "https", 5);
    memcpy(url + 5, rest, length + 1);
    struct hl_target *target = hl_target_take(transfer->http, url, NULL);
    hl_free(url);
    if (!target)
        return HOMELAB_E_NOMEM;
    hl_target_give(transfer->target);
    transfer->target = target;
    reset(transfer);
    transfer->greeting = transfer->connect_only = transfer->fresh = transfer->insecure = true;
    transfer->posts = false;
    return HOMELAB_OK;
}

/* --- The pool --- */

static void forget_request(struct hl_transfer *transfer)
{
    /* libcurl counts the kept connections that died, over the life of a handle, and gives up at the
     * sixth. One whose only request was answered met none. */
    if (transfer->easy &&
        (!transfer->usual || transfer->requests != 1 || transfer->header_bytes == 0))
        reset(transfer);
    hl_target_give(transfer->target);
    hl_free(transfer->body);
    hl_free(transfer->unix_socket);
    hl_free(transfer->ca_file);
    transfer->body = transfer->unix_socket = transfer->ca_file = NULL;
    transfer->target = NULL;
}

void hl_transfer_free(struct hl_transfer *transfer)
{
    forget_request(transfer);
    if (transfer->easy)
        curl_easy_cleanup(transfer->easy);
    hl_buf_free(&transfer->answer);
    hl_loop_release_timer(transfer->http->loop);
    hl_free(transfer);
}

static void on_timer(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    hl_http_deadline(userdata);
}

static struct hl_transfer *make(struct hl_http *http)
{
    if (hl_loop_reserve_timer(http->loop) != HOMELAB_OK)
        return NULL;
    struct hl_transfer *transfer = hl_calloc(1, sizeof *transfer);
    if (!transfer) {
        hl_loop_release_timer(http->loop);
        hl_error_nomem();
        return NULL;
    }
    transfer->http = http;
    hl_timer_init(&transfer->timer, on_timer, transfer);
    hl_buf_init(&transfer->answer, SIZE_MAX / 4);
    transfer->easy = curl_easy_init();
    if (!transfer->easy) {
        hl_transfer_free(transfer);
        hl_error_nomem();
        return NULL;
    }
    return transfer;
}

static int copy(char **to, const char *text)
{
    if (!text)
        return HOMELAB_OK;
    *to = hl_strdup(text);
    return *to ? HOMELAB_OK : hl_error_nomem();
}

static int add_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);
    if (!longer)
        return hl_error_nomem();
    *headers = longer;
    return HOMELAB_OK;
}

int hl_transfer_usual_headers(struct curl_slist **headers)
{
    /* libcurl composes a request character by character, and those of CURLOPT_USERAGENT twice. */
    int code = add_header(headers, "User-Agent: homelab/" HOMELAB_VERSION);
    return code ? code : add_header(headers, "Accept:");
}

static int add_bearer(struct hl_transfer *transfer, const char *key)
{
    static const char name[] = "Authorization: Bearer ";
    size_t length = strlen(key);
    char *line = hl_malloc(sizeof name + length);
    if (!line)
        return hl_error_nomem();
    memcpy(line, name, sizeof name - 1);
    memcpy(line + sizeof name - 1, key, length + 1);
    int code = add_header(&transfer->headers, line);
    hl_free_secret(line);
    return code;
}

static int add_range(struct hl_transfer *transfer, int64_t first, int64_t last)
{
    char line[80];
    (void)snprintf(line, sizeof line, "Range: bytes=%lld-%lld", (long long)first, (long long)last);
    return add_header(&transfer->headers, line);
}

static int copy_body(struct hl_transfer *transfer, const struct hl_http_request *request)
{
    const char *body = transfer->posts && !request->body ? "" : request->body;
    if (!body)
        return HOMELAB_OK;
    transfer->body_length = request->body_length ? request->body_length : strlen(body);
    transfer->body = hl_malloc(transfer->body_length + 1);
    if (!transfer->body)
        return hl_error_nomem();
    memcpy(transfer->body, body, transfer->body_length);
    transfer->body[transfer->body_length] = '\0';
    return HOMELAB_OK;
}

static int copy_request(struct hl_transfer *transfer, const struct hl_http_request *request)
{
    transfer->posts = request->body || (request->method && strcmp(request->method, "POST") == 0);
    transfer->target = hl_target_take(transfer->http, request->url, request->unix_socket);
    int code = transfer->target ? HOMELAB_OK : homelab_error_code();
    if (!code)
        code = copy_body(transfer, request);
    if (!code)
        code = copy(&transfer->unix_socket, request->unix_socket);
    if (!code)
        code = copy(&transfer->ca_file, request->ca_file);
    if (!code && (transfer->posts || request->bearer || request->range_last))
        code = hl_transfer_usual_headers(&transfer->headers);
    if (!code && transfer->posts)
        code = add_header(&transfer->headers, "Content-Type: application/json");
    /* No waiting for an interim answer before a long body. */
    if (!code && transfer->posts)
        code = add_header(&transfer->headers, "Expect:");
    if (!code && request->bearer)
        code = add_bearer(transfer, request->bearer);
    if (!code && request->range_last)
        code = add_range(transfer, request->range_first, request->range_last);
    return code;
}

struct hl_transfer *hl_transfer_new(struct hl_http *http, const struct hl_http_request *request)
{
    struct hl_transfer *transfer = http->pool.last;
    if (transfer) {
        hl_list_remove(&http->pool, transfer);
        http->pooled--;
    } else {
        transfer = make(http);
        if (!transfer)
            return NULL;
    }
    transfer->insecure = request->insecure || http->insecure;
    transfer->connect_only = request->connect_only;
    transfer->tls = strncasecmp(request->url, "https:", 6) == 0;
    transfer->max_body = request->max_body ? request->max_body : http->max_body;
    transfer->curl_code = CURLE_OK;
    transfer->stop = HL_STOP_NONE;
    transfer->stop_errno = 0;
    transfer->opened_socket = transfer->greeting = false;
    transfer->requests = 0;
    transfer->held = false;
    transfer->header_bytes = 0;
    transfer->headers_ended = false;
    transfer->has_server = transfer->has_content_type = transfer->has_location = false;
    transfer->has_content_range = false;
    transfer->piece_fn = request->piece_fn;
    transfer->piece_userdata = request->piece_userdata;
    transfer->retry_after_s = -1;
    transfer->date[0] = '\0';
    transfer->error[0] = '\0';
    hl_buf_reset(&transfer->answer);
    int code = copy_request(transfer, request);
    transfer->fresh = request->fresh_connection || request->connect_only;
    if (++http->in_use > http->most_in_use)
        http->most_in_use = http->in_use;
    if (code == HOMELAB_OK)
        return transfer;
    hl_transfer_release(transfer);
    return NULL;
}

void hl_transfer_release(struct hl_transfer *transfer)
{
    struct hl_http *http = transfer->http;
    forget_request(transfer);
    transfer->state = HL_TRANSFER_FREE;
    http->in_use--;
    if (transfer->answer.capacity > KEPT_ANSWER)
        hl_buf_free(&transfer->answer);
    if (http->pooled >= POOL_MIN && http->pooled >= http->most_in_use) {
        hl_transfer_free(transfer);
        return;
    }
    hl_list_append(&http->pool, transfer);
    http->pooled++;
}
