/* Plays a server to the probe machine: recorded answers of real servers (tests/data/wire) with
 * routes of the test's own before them, and checks the no-harm contract on every question. */
#ifndef TESTS_PROBE_LAB_H
#define TESTS_PROBE_LAB_H

#include "core/alloc.h"
#include "core/error.h"
#include "health/observation.h"
#include "health/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Tables leave out what is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define LAB_ASKS_MAX 160
#define LAB_WALL_US  1795467700000000 /* 2026-11-23, as the recordings */

struct lab_route {
    const char *path; /* without query; "*" is any; NULL ends the table */
    int status;
    const char *body;
    const char *server;
    int code;   /* HOMELAB_E_NET_…: the transport fails */
    int64_t us; /* how long it takes, 0: 2 ms */
    const char *location;
    const char *query; /* must be in the query, NULL: any */
};

struct lab {
    struct hl_inventory_data inventory;
    struct hl_endpoint endpoint;
    struct hl_endpoint others[2];
    struct hl_model declared[1];
    char *required[4];
    struct hl_probe_target target;
    struct hl_probe_memory *memory;
    const struct lab_route *routes;
    const char *fixture; /* "llamacpp/ready" */
    const char *dead;    /* "host:port host:port" that accept no connection */
    bool is_gateway;     /* /health would call every model */
    uint32_t chaos;      /* not 0: answers are drawn from the routes, whatever is asked */
    char *page;          /* of the fixture */
    size_t ask_count;
    char asks[LAB_ASKS_MAX][512];
    char bodies[LAB_ASKS_MAX][512];
    bool keyed[LAB_ASKS_MAX];
};

/* All but the memory. */
static inline void lab_prepare(struct lab *lab, int backend, const char *path)
{
    memset(lab, 0, sizeof *lab);
    lab->endpoint = (struct hl_endpoint){.id = (char *)"lab",
                                         .url = (char *)"http://127.0.0.1:8080",
                                         .base = (char *)"http://127.0.0.1:8080",
                                         .path = (char *)path,
                                         .host = (char *)"127.0.0.1",
                                         .port = 8080,
                                         .node = HL_NONE,
                                         .backend = backend,
                                         .backend_declared = backend != HOMELAB_BACKEND_AUTO,
                                         .timeout_us = 5000000,
                                         .api_key = (char *)"env:LAB_KEY",
                                         .models = lab->required};
    lab->inventory.endpoints = &lab->endpoint;
    lab->inventory.endpoint_count = 1;
    lab->target = (struct hl_probe_target){.endpoint = &lab->endpoint,
                                           .inventory = &lab->inventory,
                                           .depth = HL_DEPTH_PROGRESS,
                                           .slow_us = 1000000,
                                           .max_json_depth = 32,
                                           .wall_us = LAB_WALL_US};
}

static inline void lab_init(struct lab *lab, int backend, const char *path)
{
    lab_prepare(lab, backend, path);
    lab->memory = hl_probe_memory_new();
    assert_non_null(lab->memory);
}

static inline void lab_clear(struct lab *lab)
{
    hl_probe_memory_free(lab->memory);
    free(lab->page);
}

static inline void lab_require(struct lab *lab, const char *model)
{
    if (model)
        lab->required[lab->endpoint.model_count++] = (char *)model;
}

/* --- Recorded answers --- */

static inline void lab_file_name(char *out, size_t size, const char *fixture, const char *method,
                                 const char *path)
{
    size_t used = (size_t)snprintf(out, size, "%s/wire/%s__%s", TESTS_DATA, fixture,
                                   strcmp(method, "POST") ? "" : "post-");
    size_t start = used;
    for (path += *path == '/'; *path && *path != '?' && used < size - 8; path++) {
        if (isalnum((unsigned char)*path) || *path == '.')
            out[used++] = *path;
        else if (used > start && out[used - 1] != '-')
            out[used++] = '-';
    }
    snprintf(out + used, size - used, "%s.http", used == start ? "root" : "");
}

static inline char *lab_read(const char *name)
{
    FILE *file = fopen(name, "rb");
    if (!file)
        return NULL;
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    size_t length = fread(text, 1, (1 << 20) - 1, file);
    text[length] = '\0';
    fclose(file);
    return text;
}

static inline const char *lab_header(const char *page, const char *name, char *out, size_t size)
{
    const char *end = strstr(page, "\r\n\r\n");
    for (const char *line = strstr(page, "\r\n"); line && line < end; line = strstr(line, "\r\n")) {
        line += 2;
        size_t length = strlen(name);
        if (strncasecmp(line, name, length) || line[length] != ':')
            continue;
        line += length + 1 + strspn(line + length + 1, " ");
        snprintf(out, size, "%.*s", (int)strcspn(line, "\r\n"), line);
        return out;
    }
    return NULL;
}

static inline bool lab_fixture(struct lab *lab, const char *method, const char *path,
                               struct hl_http_result *result)
{
    static char server[64], date[64];
    char name[1024];
    if (!lab->fixture)
        return false;
    static const char *const others[] = {"", "llamacpp/ready", "ollama/loaded"};
    free(lab->page);
    lab->page = NULL;
    for (size_t i = 0; i < sizeof others / sizeof *others && !lab->page; i++) {
        /* What a recording leaves out is as in the plain situation. */
        if (i && strncmp(others[i], lab->fixture, 6))
            continue;
        lab_file_name(name, sizeof name, i ? others[i] : lab->fixture, method, path);
        lab->page = lab_read(name);
    }
    if (!lab->page) {
        lab_file_name(name, sizeof name, lab->fixture, "GET",
                      strncmp(lab->fixture, "ollama", 6) ? "/nope" : "/api/nope");
        lab->page = lab_read(name);
    }
    if (!lab->page)
        return false;
    result->status = atoi(lab->page + 9);
    result->server = lab_header(lab->page, "Server", server, sizeof server);
    result->date = lab_header(lab->page, "Date", date, sizeof date);
    result->body = strstr(lab->page, "\r\n\r\n") + 4;
    return true;
}

/* --- The no-harm contract --- */

static inline bool lab_starts(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

static inline void lab_check_ask(const struct lab *lab, const struct hl_probe_ask *ask)
{
    if (ask->kind == HL_ASK_CONNECT) {
        assert_non_null(ask->connect_host);
        assert_in_range(ask->connect_port, 1, 65535);
        return;
    }
    assert_int_equal(ask->path[0], '/');
    assert_null(strstr(ask->path, "/slots"));
    assert_null(strstr(ask->path, "/upstream"));
    assert_null(strstr(ask->path, "/unload"));
    assert_null(strstr(ask->path, "/load"));
    if (strstr(ask->path, "model="))
        assert_non_null(strstr(ask->path, "autoload=false"));
    if (lab->is_gateway)
        assert_false(lab_starts(ask->path, "/health") &&
                     (ask->path[7] == '\0' || ask->path[7] == '?'));
    if (!strcmp(ask->method, "POST"))
        assert_true(strstr(ask->path, "/api/show") ||
                    (ask->canary && lab->target.depth == HL_DEPTH_CANARY));
    else
        assert_string_equal(ask->method, "GET");
    if (ask->body)
        assert_null(strstr(ask->body, "keep_alive"));
    if (ask->send_key)
        assert_true(lab->target.key_state > 0);
}

/* --- Playing --- */

static inline bool lab_route_fits(const struct lab_route *route, const char *path)
{
    size_t length = strcspn(path, "?");
    if (route->query && !strstr(path, route->query))
        return false;
    return !strcmp(route->path, "*") ||
           (strlen(route->path) == length && !memcmp(route->path, path, length));
}

static inline const struct lab_route *lab_draw(struct lab *lab)
{
    size_t count = 0;
    while (lab->routes[count].path)
        count++;
    lab->chaos = lab->chaos * 1664525u + 1013904223u;
    return &lab->routes[(lab->chaos >> 8) % count];
}

static inline void lab_answer(struct lab *lab, const struct hl_probe_ask *ask,
                              struct hl_http_result *result)
{
    *result = (struct hl_http_result){.connected = true,
                                      .sent = true,
                                      .body = "",
                                      .retry_after_s = -1,
                                      .first_byte_us = 1000,
                                      .total_us = 2000};
    if (ask->kind == HL_ASK_CONNECT) {
        char address[300];
        snprintf(address, sizeof address, "%s:%d", ask->connect_host, ask->connect_port);
        if (lab->dead && strstr(lab->dead, address)) {
            result->code = HOMELAB_E_NET_REFUSED;
            result->sys_errno = ECONNREFUSED;
            result->connected = false;
        }
        return;
    }
    for (const struct lab_route *route = lab->routes; route && route->path; route++) {
        if (lab->chaos)
            route = lab_draw(lab);
        else if (!lab_route_fits(route, ask->path))
            continue;
        result->status = route->status;
        result->body = route->body ? route->body : "";
        result->server = route->server;
        result->code = route->code;
        result->location = route->location;
        if (route->us)
            result->total_us = route->us;
        result->connected =
            route->code != HOMELAB_E_NET_REFUSED && route->code != HOMELAB_E_NET_DNS &&
            route->code != HOMELAB_E_NET_NO_ROUTE && route->code != HOMELAB_E_NET_CONNECT_TIMEOUT;
        result->body_length = strlen(result->body);
        return;
    }
    if (!lab_fixture(lab, ask->method, ask->path, result)) {
        result->status = 404;
        result->body = "404 page not found";
    }
    result->body_length = strlen(result->body);
}

/* One probe; the observation is to be cleared. */
static inline void lab_probe(struct lab *lab, struct hl_observation *out)
{
    struct hl_probe *probe = NULL;
    struct hl_probe_ask ask;
    struct hl_http_result result;
    lab->ask_count = 0;
    assert_int_equal(hl_probe_new(&probe, &lab->target, lab->memory), HOMELAB_OK);
    while (hl_probe_next(probe, &ask)) {
        assert_true(lab->ask_count < LAB_ASKS_MAX);
        lab_check_ask(lab, &ask);
        snprintf(lab->asks[lab->ask_count], sizeof *lab->asks, "%s",
                 ask.kind == HL_ASK_HTTP ? ask.path : ask.connect_host);
        snprintf(lab->bodies[lab->ask_count], sizeof *lab->bodies, "%s", ask.body ? ask.body : "");
        lab->keyed[lab->ask_count++] = ask.send_key;
        lab_answer(lab, &ask, &result);
        assert_int_equal(hl_probe_answer(probe, &result), HOMELAB_OK);
    }
    hl_probe_finish(probe, 10000, out);
    hl_probe_free(probe);
}

static inline bool lab_asked(const struct lab *lab, const char *path)
{
    for (size_t i = 0; i < lab->ask_count; i++)
        if (!strcmp(lab->asks[i], path))
            return true;
    return false;
}

static inline const char *lab_text(const struct hl_observation *seen)
{
    return seen->deciding < seen->evidence_count ? seen->evidence[seen->deciding].text : "";
}

static inline bool lab_says(const struct hl_observation *seen, const char *text)
{
    for (size_t i = 0; i < seen->evidence_count; i++)
        if (strstr(seen->evidence[i].text, text))
            return true;
    return false;
}

static inline void lab_dump(const struct lab *lab, const struct hl_observation *seen)
{
    for (size_t i = 0; i < lab->ask_count; i++)
        print_error("  asked %s\n", lab->asks[i]);
    for (size_t i = 0; i < seen->evidence_count; i++)
        print_error("  seen cause %d: %s\n", seen->evidence[i].cause, seen->evidence[i].text);
}

/* --- Tables of situations --- */

struct lab_situation {
    const char *name;
    const char *fixture;
    const struct lab_route *routes;
    int key_state;
    enum hl_depth depth; /* UNSET: progress */
    const char *model;   /* required */
    bool gpu;
    int verdict, cause;
    const char *says; /* in the evidence that decides, else in any */
};

static inline void lab_expect(const struct lab *lab, const struct hl_observation *seen,
                              const struct lab_situation *situation)
{
    bool says = !situation->says || strstr(lab_text(seen), situation->says) ||
                (seen->deciding == HL_NONE && lab_says(seen, situation->says));
    if (seen->verdict == situation->verdict && seen->cause == situation->cause && says)
        return;
    lab_dump(lab, seen);
    fail_msg("%s: verdict %d cause %d text '%s'; expected %d %d '%s'", situation->name,
             seen->verdict, seen->cause, lab_text(seen), situation->verdict, situation->cause,
             situation->says ? situation->says : "");
}

/* Each situation twice, the second time with what is remembered of the first. */
static inline void lab_run(const struct lab_situation *situation, int backend, const char *path)
{
    struct lab lab;
    lab_init(&lab, backend, path);
    lab.fixture = situation->fixture;
    lab.routes = situation->routes;
    lab.is_gateway = lab.fixture && lab_starts(lab.fixture, "litellm");
    lab.target.key_state = situation->key_state;
    lab.target.key_error = "LAB_KEY is not set";
    lab.target.gpu_declared = situation->gpu;
    if (situation->depth)
        lab.target.depth = situation->depth;
    lab_require(&lab, situation->model);
    for (int round = 0; round < 2; round++) {
        struct hl_observation seen;
        lab_probe(&lab, &seen);
        lab_expect(&lab, &seen, situation);
        hl_observation_clear(&seen);
    }
    lab_clear(&lab);
}

/* What any HTTP backend may meet: failures below and at HTTP. first: the path of its first
 * question. */
static inline void lab_run_common(int backend, const char *path)
{
    static const struct lab_route refused[] = {{"*", .code = HOMELAB_E_NET_REFUSED}, {0}};
    static const struct lab_route dns[] = {{"*", .code = HOMELAB_E_NET_DNS}, {0}};
    static const struct lab_route route[] = {{"*", .code = HOMELAB_E_NET_NO_ROUTE}, {0}};
    static const struct lab_route drop[] = {{"*", .code = HOMELAB_E_NET_CONNECT_TIMEOUT}, {0}};
    static const struct lab_route silent[] = {{"*", .code = HOMELAB_E_NET_TIMEOUT, .us = 5000000},
                                              {0}};
    static const struct lab_route half[] = {
        {"*", 200, "{\"models\":[", .code = HOMELAB_E_NET_TIMEOUT, .us = 5000000}, {0}};
    static const struct lab_route reset[] = {{"*", .code = HOMELAB_E_NET_RESET}, {0}};
    static const struct lab_route closed[] = {{"*", .code = HOMELAB_E_NET_CLOSED}, {0}};
    static const struct lab_route cut[] = {{"*", 200, "{\"mod", .code = HOMELAB_E_NET_CLOSED}, {0}};
    static const struct lab_route cert[] = {{"*", .code = HOMELAB_E_NET_CERTIFICATE}, {0}};
    static const struct lab_route tls[] = {{"*", .code = HOMELAB_E_NET_TLS}, {0}};
    static const struct lab_route https[] = {
        {"*", 400, "Client sent an HTTP request to an HTTPS server.\n"}, {0}};
    static const struct lab_route proto[] = {{"*", .code = HOMELAB_E_NET_PROTOCOL}, {0}};
    static const struct lab_route large[] = {{"*", 200, "[[[[", .code = HOMELAB_E_NET_TOO_LARGE},
                                             {0}};
    static const struct lab_route away[] = {{"*", 302, "", .location = "http://elsewhere/"}, {0}};
    static const struct lab_route none[] = {{"*", 404, "404 page not found"}, {0}};
    static const struct lab_route key[] = {{"*", 401, "{\"detail\":\"who are you\"}"}, {0}};
    static const struct lab_route error[] = {{"*", 500, "<html>oops</html>"}, {0}};
    static const struct lab_route gateway[] = {{"*", 502, "Bad Gateway"}, {0}};
    static const struct lab_route limit[] = {{"*", 429, "slow down"}, {0}};
    static const struct lab_route load[] = {
        {"*", 503,
         "{\"error\":{\"message\":\"Loading model\",\"type\":\"unavailable_error\",\"code\":503}}"},
        {0}};
    const struct lab_situation situations[] = {
        {"refused", NULL, refused, 0, 0, NULL, 0, HOMELAB_VERDICT_DOWN, HOMELAB_CAUSE_REFUSED,
         "refused"},
        {"dns", NULL, dns, 0, 0, NULL, 0, HOMELAB_VERDICT_DOWN, HOMELAB_CAUSE_DNS, "address"},
        {"no route", NULL, route, 0, 0, NULL, 0, HOMELAB_VERDICT_DOWN, HOMELAB_CAUSE_NO_ROUTE,
         "route"},
        {"dropped", NULL, drop, 0, 0, NULL, 0, HOMELAB_VERDICT_DOWN, HOMELAB_CAUSE_CONNECT_TIMEOUT,
         NULL},
        {"silent", NULL, silent, 0, 0, NULL, 0, HOMELAB_VERDICT_BUSY,
         HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT, "nothing came within 5000 ms"},
        {"silent, no key", NULL, silent, -1, 0, NULL, 0, HOMELAB_VERDICT_BUSY,
         HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT, NULL},
        {"half a body", NULL, half, 0, 0, NULL, 0, HOMELAB_VERDICT_BUSY,
         HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT, "then fell silent"},
        {"reset", NULL, reset, 0, 0, NULL, 0, HOMELAB_VERDICT_DOWN, HOMELAB_CAUSE_RESET, "reset"},
        {"closed", NULL, closed, 0, 0, NULL, 0, HOMELAB_VERDICT_DOWN, HOMELAB_CAUSE_CLOSED,
         "closed"},
        {"cut", NULL, cut, 0, 0, NULL, 0, HOMELAB_VERDICT_DOWN, HOMELAB_CAUSE_CLOSED, "complete"},
        {"certificate", NULL, cert, 0, 0, NULL, 0, HOMELAB_VERDICT_DOWN, HOMELAB_CAUSE_TLS,
         "certificate"},
        {"no TLS there", NULL, tls, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_TLS,
         NULL},
        {"TLS there", NULL, https, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_TLS,
         "https"},
        {"no HTTP", NULL, proto, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
         HOMELAB_CAUSE_WRONG_BODY, "HTTP"},
        {"too large", NULL, large, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
         HOMELAB_CAUSE_TOO_LARGE, NULL},
        {"redirect", NULL, away, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
         HOMELAB_CAUSE_REDIRECT, "http://elsewhere/"},
        {"nothing there", NULL, none, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
         HOMELAB_CAUSE_NOT_FOUND, NULL},
        {"no key", NULL, key, 0, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_AUTH,
         "who are you"},
        {"key not set", NULL, key, -1, 0, NULL, 0, HOMELAB_VERDICT_MISCONFIGURED,
         HOMELAB_CAUSE_AUTH, "env:LAB_KEY"},
        {"server error", NULL, error, 0, 0, NULL, 0, HOMELAB_VERDICT_DOWN,
         HOMELAB_CAUSE_SERVER_ERROR, "answered 500"},
        {"bad gateway", NULL, gateway, 0, 0, NULL, 0, HOMELAB_VERDICT_DOWN,
         HOMELAB_CAUSE_SERVER_ERROR, "502"},
        {"rate limit", NULL, limit, 0, 0, NULL, 0, HOMELAB_VERDICT_BUSY, HOMELAB_CAUSE_BUSY,
         "slow down"},
        {"loading", NULL, load, 0, 0, NULL, 0, HOMELAB_VERDICT_LOADING, HOMELAB_CAUSE_LOADING,
         "answered 503 after 2.0 ms: Loading model"},
        {"loading, no key", NULL, load, -1, 0, NULL, 0, HOMELAB_VERDICT_LOADING,
         HOMELAB_CAUSE_LOADING, NULL},
    };
    for (size_t i = 0; i < sizeof situations / sizeof *situations; i++)
        lab_run(&situations[i], backend, path);
}

/* Bodies that are no answer of any backend: 200, and yet not healthy. */
static inline void lab_run_wrong_bodies(int backend, const char *path)
{
    static const char *const bodies[] = {
        "hello",
        "",
        "<!DOCTYPE html><html><body>Welcome to nginx</body></html>",
        "{\"error\":\"Unexpected endpoint or method. (GET /x). Returning 200 anyway\"}",
        "{\"models\":[{\"name\":\"a\"",
        "{\"data\":[{\"id\":\"a\"",
        "[]",
        "null",
        "42",
        "{}",
        "{\"models\":{}}",
        "{\"models\":[null]}",
        "{\"models\":[{\"name\":5}],\"data\":[{\"id\":{}}]}",
        "{\"data\":7,\"models\":\"x\",\"running\":{},\"software\":[]}",
        "\xff\xfe{\"models\":[]}",
        "{\"models\":[]}trailing",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
        "\x1b[31mred\x1b[0m\a",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct lab_route routes[] = {{"*", 200, bodies[i]}, {0}};
        struct lab_situation situation = {bodies[i],
                                          NULL,
                                          routes,
                                          0,
                                          0,
                                          NULL,
                                          0,
                                          HOMELAB_VERDICT_MISCONFIGURED,
                                          HOMELAB_CAUSE_WRONG_BODY,
                                          NULL};
        lab_run(&situation, backend, path);
    }
}

#endif
