#include "net/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    int port; /* 0: must be given */
} schemes[] = {{"http", 80}, {"https", 443}, {"tcp", 0}};

static const char expected_scheme[] = "expected http://, https://, tcp:// or unix://";

/* A URL may carry a password, so no message repeats one. */
static int wrong(const char *what)
{
    return hl_error_set(HOMELAB_E_INVALID, 0, "url", "url: %s", what);
}

static bool copy(char *to, size_t size, const char *from)
{
    size_t length = strlen(from);
    if (length >= size)
        return false;
    memcpy(to, from, length + 1);
    return true;
}

static bool visible_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= 0x20 || (unsigned char)*text >= 0x7f)
            return false;
    return true;
}

static const char *problem(CURLUcode code)
{
    switch (code) {
    case CURLUE_BAD_PORT_NUMBER:
        return "expected a port from 1 to 65535";
    case CURLUE_BAD_HOSTNAME:
    case CURLUE_NO_HOST:
        return "expected a host name or address";
    case CURLUE_BAD_IPV6:
        return "expected an IPv6 address in brackets";
    case CURLUE_OUT_OF_MEMORY:
        return NULL;
    default:
        return curl_url_strerror(code);
    }
}

/* Copies one part; absent is "". */
static int part(CURLU *handle, CURLUPart which, CURLUcode absent, char *to, size_t size)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(handle, which, &text, 0);
    if (code == absent && code != CURLUE_OK) {
        to[0] = '\0';
        return HOMELAB_OK;
    }
    if (code == CURLUE_OUT_OF_MEMORY)
        return hl_error_nomem();
    if (code != CURLUE_OK)
        return wrong(problem(code));
    bool fits = copy(to, size, text);
    curl_free(text);
    return fits ? HOMELAB_OK : wrong("a part of it is too long");
}

static int take_host(struct hl_url *out, CURLU *handle)
{
    char host[sizeof out->host];
    char zone[64];
    int code = part(handle, CURLUPART_HOST, CURLUE_NO_HOST, host, sizeof host);
    if (code == HOMELAB_OK)
        code = part(handle, CURLUPART_ZONEID, CURLUE_NO_ZONEID, zone, sizeof zone);
    if (code != HOMELAB_OK)
        return code;
    size_t length = strlen(host);
    if (length == 0)
        return wrong("expected a host name or address");
    bool bracketed = host[0] == '[' && host[length - 1] == ']';
    if (bracketed) {
        memmove(host, host + 1, length);
        host[length - 2] = '\0';
    }
    for (char *c = host; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    if (!visible_ascii(host))
        return wrong("expected a host in ASCII (xn--… for an international name)");
    int wrote = snprintf(out->host, sizeof out->host, "%s%s%s", host, zone[0] ? "%" : "", zone);
    if (wrote < 0 || (size_t)wrote >= sizeof out->host)
        return wrong("the host is too long");
    wrote = bracketed
                ? snprintf(out->base, sizeof out->base, "%s://[%s%s%s]:%d", out->scheme, host,
                           zone[0] ? "%25" : "", zone, out->port)
                : snprintf(out->base, sizeof out->base, "%s://%s:%d", out->scheme, host, out->port);
    if (wrote < 0 || (size_t)wrote >= sizeof out->base)
        return wrong("the host is too long");
    return HOMELAB_OK;
}

static int take_port(struct hl_url *out, CURLU *handle, int default_port)
{
    char text[16];
    int code = part(handle, CURLUPART_PORT, CURLUE_NO_PORT, text, sizeof text);
    if (code != HOMELAB_OK)
        return code;
    int port = text[0] ? 0 : default_port;
    for (const char *c = text; *c; c++)
        port = port * 10 + (*c - '0');
    if (port < 1 || port > 65535)
        return wrong(text[0] ? "expected a port from 1 to 65535"
                             : "expected a port after the host of tcp://");
    out->port = port;
    return HOMELAB_OK;
}

static int take_path(struct hl_url *out, CURLU *handle)
{
    char query[sizeof out->path];
    int code = part(handle, CURLUPART_PATH, CURLUE_OK, out->path, sizeof out->path);
    if (code == HOMELAB_OK)
        code = part(handle, CURLUPART_QUERY, CURLUE_NO_QUERY, query, sizeof query);
    if (code != HOMELAB_OK || !query[0])
        return code;
    size_t length = strlen(out->path);
    if (length + 1 >= sizeof out->path)
        return wrong("path and query are too long");
    out->path[length] = '?';
    if (!copy(out->path + length + 1, sizeof out->path - length - 1, query))
        return wrong("path and query are too long");
    return HOMELAB_OK;
}

static int take_credentials(struct hl_url *out, CURLU *handle)
{
    static const struct {
        CURLUPart part;
        CURLUcode absent;
    } parts[] = {{CURLUPART_USER, CURLUE_NO_USER}, {CURLUPART_PASSWORD, CURLUE_NO_PASSWORD}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char *text = NULL;
        CURLUcode code = curl_url_get(handle, parts[i].part, &text, 0);
        if (code == CURLUE_OUT_OF_MEMORY)
            return hl_error_nomem();
        if (code == CURLUE_OK) {
            out->credentials = true;
            explicit_bzero(text, strlen(text));
            curl_free(text);
        }
    }
    return HOMELAB_OK;
}

static int take_parts(struct hl_url *out, CURLU *handle, const char *url, int default_port)
{
    /* tcp is no scheme of libcurl's. */
    CURLUcode set = curl_url_set(handle, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    if (set == CURLUE_OUT_OF_MEMORY)
        return hl_error_nomem();
    if (set != CURLUE_OK)
        return wrong(problem(set));
    int code = take_port(out, handle, default_port);
    if (code == HOMELAB_OK)
        code = take_host(out, handle);
    if (code == HOMELAB_OK)
        code = take_path(out, handle);
    if (code == HOMELAB_OK)
        code = take_credentials(out, handle);
    return code;
}

/* unix:///path/of.sock: the path is the socket. */
static int parse_unix(struct hl_url *out, const char *path)
{
    if (path[0] != '/' || path[1] == '\0')
        return wrong("expected an absolute path after unix://");
    if (!copy(out->path, sizeof out->path, path))
        return wrong("the path is too long");
    int wrote = snprintf(out->base, sizeof out->base, "unix://%s", path);
    if (wrote < 0 || (size_t)wrote >= sizeof out->base)
        return wrong("the path is too long");
    return HOMELAB_OK;
}

/* libcurl would decode it, and a host written in two ways would count as two. */
static bool host_is_escaped(const char *authority)
{
    size_t length = strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', length);
    const char *host = at ? at + 1 : authority;
    return host[0] != '[' && memchr(host, '%', length - (size_t)(host - authority));
}

static int parse(struct hl_url *out, const char *url)
{
    const char *colon = strstr(url, "://");
    size_t length = colon ? (size_t)(colon - url) : 0;
    if (!colon || length >= sizeof out->scheme)
        return wrong(expected_scheme);
    if (length == 4 && strncasecmp(url, "unix", 4) == 0) {
        memcpy(out->scheme, "unix", 5);
        return parse_unix(out, colon + 3);
    }
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        if (strlen(schemes[i].name) != length || strncasecmp(url, schemes[i].name, length) != 0)
            continue;
        memcpy(out->scheme, schemes[i].name, length + 1);
        /* libcurl would overlook the third slash. */
        if (colon[3] == '/')
            return wrong("expected a host name or address");
        if (host_is_escaped(colon + 3))
            return wrong("expected a host without % escapes");
        CURLU *handle = curl_url();
        if (!handle)
            return hl_error_nomem();
        int code = take_parts(out, handle, url, schemes[i].port);
        curl_url_cleanup(handle);
        return code;
    }
    return wrong(expected_scheme);
}

int hl_url_parse(struct hl_url *out, const char *url)
{
    struct hl_url parsed = {.port = 0};
    if (!out || !url)
        return hl_error_argument("url", "a text");
    for (const char *c = url; *c; c++)
        if ((unsigned char)*c <= 0x20 || *c == 0x7f)
            return wrong("found a space or control character");
    int code = parse(&parsed, url);
    if (code == HOMELAB_OK)
        *out = parsed;
    return code;
}
