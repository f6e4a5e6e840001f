/* What a transfer's end means. */
#include "core/utf8.h"
#include "net/http_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char tls_expected[] = "the peer speaks TLS, not plain HTTP";

/* One printable line. */
static void clean(char *to, size_t size, const char *text)
{
    size_t at = 0;
    for (size_t length = strlen(text), i = 0; i < length;) {
        size_t step = hl_utf8_sequence(text + i, length - i);
        unsigned char c = (unsigned char)text[i];
        bool plain = step > 0 && c >= 0x20 && c != 0x7f;
        step = step ? step : 1;
        if (at + step >= size)
            break;
        if (plain)
            memcpy(to + at, text + i, step);
        else
            memset(to + at, c == '\r' || c == '\n' || c == '\t' ? ' ' : '?', step);
        at += step;
        i += step;
    }
    while (at > 0 && to[at - 1] == ' ')
        at--;
    to[at] = '\0';
}

struct verdict {
    const struct hl_http_facts *facts;
    int sys_errno;
    char *detail;
    size_t size;
};

static int say(struct verdict *verdict, int code, const char *text)
{
    clean(verdict->detail, verdict->size, text);
    return code;
}

/* libcurl's text, or its name for the code. */
static int quote(struct verdict *verdict, int code)
{
    const struct hl_http_facts *facts = verdict->facts;
    const char *text =
        facts->error && facts->error[0] ? facts->error : curl_easy_strerror(facts->curl_code);
    return say(verdict, code, text);
}

static int with_errno(struct verdict *verdict, int code, int errno_value)
{
    char buffer[128];
    verdict->sys_errno = errno_value;
    return say(verdict, code, strerror_r(errno_value, buffer, sizeof buffer));
}

static int no_connection(struct verdict *verdict)
{
    int errno_value = verdict->facts->sys_errno;
    switch (errno_value) {
    case 0:
        return quote(verdict, HOMELAB_E_NET_REFUSED);
    case ETIMEDOUT:
        return with_errno(verdict, HOMELAB_E_NET_CONNECT_TIMEOUT, errno_value);
    case ECONNRESET:
        return with_errno(verdict, HOMELAB_E_NET_RESET, errno_value);
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return with_errno(verdict, HOMELAB_E_SYSTEM, errno_value);
    case ECONNREFUSED:
    case ENOENT: /* no such unix socket */
    case ENOTSOCK:
    case ENOTDIR:
        return with_errno(verdict, HOMELAB_E_NET_REFUSED, errno_value);
    default: /* EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, EACCES of a filter, ... */
        return with_errno(verdict, HOMELAB_E_NET_NO_ROUTE, errno_value);
    }
}

static int timed_out(struct verdict *verdict)
{
    const struct hl_http_facts *facts = verdict->facts;
    char text[96];
    long long ms = (long long)(facts->waited_us / 1000);
    if (!facts->resolved) {
        snprintf(text, sizeof text, "name look-up did not end within %lld ms", ms);
        return say(verdict, HOMELAB_E_NET_DNS, text);
    }
    if (!facts->connected) {
        snprintf(text, sizeof text, "no connection within %lld ms", ms);
        return say(verdict, HOMELAB_E_NET_CONNECT_TIMEOUT, text);
    }
    snprintf(text, sizeof text, "connected, but %s within %lld ms",
             facts->first_byte ? "no complete answer" : "no answer", ms);
    return say(verdict, HOMELAB_E_NET_TIMEOUT, text);
}

/* The connection ended while the answer was read, the request was sent or TLS was set up. */
static int cut(struct verdict *verdict)
{
    switch (verdict->facts->sys_errno) {
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
        return with_errno(verdict, HOMELAB_E_NET_RESET, verdict->facts->sys_errno);
    case EHOSTUNREACH:
    case ENETUNREACH:
        return with_errno(verdict, HOMELAB_E_NET_NO_ROUTE, verdict->facts->sys_errno);
    case ETIMEDOUT:
        return with_errno(verdict, HOMELAB_E_NET_TIMEOUT, verdict->facts->sys_errno);
    default:
        if (strstr(verdict->facts->error, "chunk"))
            return quote(verdict, HOMELAB_E_NET_PROTOCOL);
        /* What GnuTLS and OpenSSL call a reset. */
        if (strstr(verdict->facts->error, "eset by peer"))
            return quote(verdict, HOMELAB_E_NET_RESET);
        return quote(verdict, HOMELAB_E_NET_CLOSED);
    }
}

/* Something that is not HTTP answered. */
static int not_http(struct verdict *verdict)
{
    const struct hl_http_facts *facts = verdict->facts;
    const unsigned char *body = (const unsigned char *)facts->body;
    if (facts->body_length >= 2 && (body[0] == 0x15 || body[0] == 0x16) && body[1] == 0x03)
        return say(verdict, HOMELAB_E_NET_TLS, tls_expected);
    char start[64], text[96];
    clean(start, sizeof start, facts->body);
    snprintf(text, sizeof text, "the answer is not HTTP: '%s'", start);
    return say(verdict, HOMELAB_E_NET_PROTOCOL, text);
}

static int handshake_failed(struct verdict *verdict)
{
    const struct hl_http_facts *facts = verdict->facts;
    bool ended = facts->sys_errno == ECONNRESET || facts->sys_errno == EPIPE ||
                 strstr(facts->error, "eset by peer");
    return ended ? cut(verdict) : quote(verdict, HOMELAB_E_NET_TLS);
}

static int of_curl(struct verdict *verdict)
{
    switch (verdict->facts->curl_code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return quote(verdict, HOMELAB_E_NET_DNS);
    case CURLE_COULDNT_CONNECT:
        return no_connection(verdict);
    case CURLE_OPERATION_TIMEDOUT:
        return timed_out(verdict);
    case CURLE_GOT_NOTHING:
        return say(verdict, HOMELAB_E_NET_CLOSED, "closed without an answer");
    case CURLE_PARTIAL_FILE:
        return quote(verdict, HOMELAB_E_NET_CLOSED);
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return cut(verdict);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return quote(verdict, HOMELAB_E_NET_CERTIFICATE);
    case CURLE_SSL_CONNECT_ERROR:
        return handshake_failed(verdict);
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_USE_SSL_FAILED:
        return quote(verdict, HOMELAB_E_NET_TLS);
    case CURLE_FILESIZE_EXCEEDED:
        return quote(verdict, HOMELAB_E_NET_TOO_LARGE);
    case CURLE_OUT_OF_MEMORY:
        /* libcurl's word also for a header line longer than it takes. */
        return verdict->facts->first_byte
                   ? say(verdict, HOMELAB_E_NET_TOO_LARGE, "a header line is too long")
                   : say(verdict, HOMELAB_E_NOMEM, "out of memory");
    case CURLE_URL_MALFORMAT:
        return quote(verdict, HOMELAB_E_INVALID);
    case CURLE_LOGIN_DENIED:
        return say(verdict, HOMELAB_E_INVALID, "the URL holds a user or password");
    default:
        return quote(verdict, HOMELAB_E_NET_PROTOCOL);
    }
}

/* What nginx and Go answer to plain HTTP on a TLS port. */
static bool wants_tls(const struct hl_http_facts *facts)
{
    return !facts->tls && facts->status == 400 &&
           (strstr(facts->body, "plain HTTP request was sent to HTTPS port") ||
            strstr(facts->body, "HTTP request to an HTTPS server"));
}

int hl_http_classify(const struct hl_http_facts *facts, int *sys_errno, char *detail, size_t size)
{
    struct verdict verdict = {.facts = facts, .detail = detail, .size = size};
    detail[0] = '\0';
    *sys_errno = 0;
    int code;
    if (facts->stop == HL_STOP_CLOSED)
        return say(&verdict, HOMELAB_E_CLOSED, "the context was closed");
    if (wants_tls(facts))
        return say(&verdict, HOMELAB_E_NET_TLS, tls_expected);
    if (facts->curl_code == CURLE_OK && facts->headers_cut)
        return say(&verdict, HOMELAB_E_NET_CLOSED, "closed amid the headers of the answer");
    if (facts->curl_code == CURLE_OK || facts->stop == HL_STOP_ENOUGH)
        return HOMELAB_OK;
    switch (facts->stop) {
    case HL_STOP_TOO_LARGE:
        code = say(&verdict, HOMELAB_E_NET_TOO_LARGE, "the answer exceeds the size cap");
        break;
    case HL_STOP_NOT_HTTP:
        code = not_http(&verdict);
        break;
    case HL_STOP_NOT_STARTED:
        code = say(&verdict, HOMELAB_E_TIMEOUT, "its turn did not come in time");
        break;
    case HL_STOP_NOMEM:
        code = say(&verdict, HOMELAB_E_NOMEM, "out of memory");
        break;
    case HL_STOP_SYSTEM:
        if (facts->curl_code == CURLE_COULDNT_CONNECT) {
            code = no_connection(&verdict);
            break;
        }
        /* fall through */
    default:
        code = of_curl(&verdict);
        break;
    }
    *sys_errno = verdict.sys_errno;
    return code;
}

static int64_t info_us(CURL *easy, CURLINFO info)
{
    curl_off_t value = 0;
    return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? (int64_t)value : 0;
}

static long info_long(CURL *easy, CURLINFO info)
{
    long value = 0;
    return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}

static const char *info_text(CURL *easy, CURLINFO info)
{
    const char *text = NULL;
    return curl_easy_getinfo(easy, info, &text) == CURLE_OK ? text : NULL;
}

/* The injected transport's answer. */
static void fill_test(struct hl_transfer *transfer, struct hl_http_result *result)
{
    int64_t took_us = hl_loop_now(transfer->http->loop) - transfer->start_us;
    result->code = transfer->test_code;
    result->status = transfer->test_status;
    result->connected =
        result->code != HOMELAB_E_NET_DNS && result->code != HOMELAB_E_NET_REFUSED &&
        result->code != HOMELAB_E_NET_NO_ROUTE && result->code != HOMELAB_E_NET_CONNECT_TIMEOUT;
    result->sent = result->connected && !transfer->connect_only;
    result->connect_us = result->connected ? 0 : -1;
    result->first_byte_us = result->status ? took_us : -1;
    result->total_us = took_us;
    if (result->code != HOMELAB_OK)
        snprintf(result->detail, sizeof result->detail, "%s", homelab_error_name(result->code));
}

static void fill_real(struct hl_transfer *transfer, struct hl_http_result *result)
{
    CURL *easy = transfer->easy;
    int64_t connect_us = info_us(easy, CURLINFO_CONNECT_TIME_T);
    int64_t first_us = info_us(easy, CURLINFO_STARTTRANSFER_TIME_T);
    long made = info_long(easy, CURLINFO_NUM_CONNECTS);
    long request_size = info_long(easy, CURLINFO_REQUEST_SIZE);
    result->status = (int)info_long(easy, CURLINFO_RESPONSE_CODE);
    result->redirect_url = info_text(easy, CURLINFO_REDIRECT_URL);
    result->reused = made == 0 && request_size > 0;
    result->connected = made > 0 || result->reused || connect_us > 0;
    result->sent = request_size > 0 && (!transfer->posts || info_us(easy, CURLINFO_SIZE_UPLOAD_T) >=
                                                                (int64_t)transfer->body_length);
    result->connect_us = result->reused ? 0 : result->connected ? connect_us : -1;
    result->first_byte_us = first_us > 0 && transfer->header_bytes > 0 ? first_us : -1;
    /* libcurl's figure stands where it last looked, which for a silent peer is long ago. */
    result->total_us = transfer->curl_code == CURLE_OPERATION_TIMEDOUT
                           ? hl_loop_now(transfer->http->loop) - transfer->start_us
                           : info_us(easy, CURLINFO_TOTAL_TIME_T);
    struct hl_http_facts facts = {
        .curl_code = transfer->curl_code,
        .stop = transfer->stop,
        .sys_errno = transfer->stop == HL_STOP_SYSTEM ? transfer->stop_errno
                                                      : (int)info_long(easy, CURLINFO_OS_ERRNO),
        .tls = transfer->tls,
        .resolved = transfer->opened_socket || result->connected,
        .connected = result->connected,
        .first_byte = first_us > 0,
        .headers_cut = !transfer->connect_only && !transfer->headers_ended,
        .status = result->status,
        .error = transfer->error,
        .body = result->body,
        .body_length = result->body_length,
        .waited_us = hl_loop_now(transfer->http->loop) - transfer->start_us,
    };
    result->code =
        hl_http_classify(&facts, &result->sys_errno, result->detail, sizeof result->detail);
}

/* What the request itself met, and what the greeting told about it. */
static void fill_greeting(struct hl_transfer *transfer, struct hl_http_result *result)
{
    *result = transfer->plain;
    result->body = "";
    if (transfer->curl_code != CURLE_OK || transfer->stop != HL_STOP_NONE)
        return;
    struct verdict verdict = {.detail = result->detail, .size = sizeof result->detail};
    result->code = say(&verdict, HOMELAB_E_NET_TLS, tls_expected);
    result->sys_errno = 0;
}

bool hl_http_may_be_tls(const struct hl_transfer *transfer, const struct hl_http_result *result)
{
    return (result->code == HOMELAB_E_NET_CLOSED || result->code == HOMELAB_E_NET_RESET) &&
           result->sent && !result->reused && transfer->header_bytes == 0 &&
           transfer->answer.length == 0 && !transfer->tls && !transfer->greeting &&
           !transfer->unix_socket && !transfer->http->transport && !transfer->http->proxy;
}

void hl_http_fill(struct hl_transfer *transfer, struct hl_http_result *result)
{
    *result = (struct hl_http_result){
        .body = transfer->answer.length ? transfer->answer.data : "",
        .body_length = transfer->answer.length,
        .server = transfer->has_server ? transfer->server : NULL,
        .content_type = transfer->has_content_type ? transfer->content_type : NULL,
        .location = transfer->has_location ? transfer->location : NULL,
        .retry_after_s = transfer->retry_after_s,
        .date = transfer->date[0] ? transfer->date : NULL,
    };
    if (transfer->greeting)
        fill_greeting(transfer, result);
    else if (transfer->stop == HL_STOP_TEST)
        fill_test(transfer, result);
    else
        fill_real(transfer, result);
}
