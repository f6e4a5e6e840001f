/* Shared by the fuzz targets of the probe plans: the input is a byte of settings and then answers,
 * separated by 0x1e, that are given to whatever the plan asks: "200 body", "200L body" with
 * llama.cpp's Server header, or "!n" for a failure of the transport. Whatever a server says, the
 * plan ends, asks only what does no harm, and its findings are well-formed. */
#ifndef FUZZ_PROBE_ANSWERS_H
#define FUZZ_PROBE_ANSWERS_H

#include "core/error.h"
#include "core/utf8.h"
#include "fuzz/fuzz.h"
#include "health/probe.h"
#include "health/state.h"
#include "health/verdict.h"

#include <stdlib.h>
#include <string.h>

#define PROBE_ASKS_MAX 200

struct probe_answers {
    const uint8_t *at, *end;
    char *body; /* of the present answer */
};

static inline bool probe_starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static inline void probe_check_ask(const struct hl_probe_ask *ask, enum hl_depth depth)
{
    if (ask->kind == HL_ASK_CONNECT) {
        FUZZ_EXPECT(ask->connect_host && ask->connect_host[0]);
        FUZZ_EXPECT(ask->connect_port >= 1 && ask->connect_port <= 65535);
        return;
    }
    FUZZ_EXPECT(ask->path[0] == '/');
    FUZZ_EXPECT(!probe_starts(ask->path, "/slots") && !probe_starts(ask->path, "/upstream"));
    FUZZ_EXPECT(!probe_starts(ask->path, "/unload") && !probe_starts(ask->path, "/models/"));
    FUZZ_EXPECT(!strstr(ask->path, "model=") || strstr(ask->path, "autoload=false"));
    for (const char *c = ask->path; *c; c++)
        FUZZ_EXPECT((unsigned char)*c > ' ' && (unsigned char)*c < 0x7f);
    bool post = strcmp(ask->method, "POST") == 0;
    FUZZ_EXPECT(post || strcmp(ask->method, "GET") == 0);
    FUZZ_EXPECT(!ask->canary || depth == HL_DEPTH_CANARY);
    FUZZ_EXPECT(!post || ask->canary || strcmp(ask->path, "/api/show") == 0);
}

static inline void probe_check_text(const char *text)
{
    size_t length = strlen(text);
    FUZZ_EXPECT(hl_utf8_valid(text, length));
    for (size_t i = 0; i < length; i++)
        FUZZ_EXPECT((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
}

static inline void probe_check_seen(const struct hl_observation *seen)
{
    FUZZ_EXPECT(homelab_verdict_name(seen->verdict) && homelab_cause_name(seen->cause));
    FUZZ_EXPECT(seen->evidence_count <= HL_EVIDENCE_MAX);
    FUZZ_EXPECT(seen->deciding == HL_NONE || seen->deciding < seen->evidence_count);
    FUZZ_EXPECT((seen->deciding == HL_NONE) == (seen->cause == HOMELAB_CAUSE_NONE));
    FUZZ_EXPECT(seen->slots >= -1);
    probe_check_text(seen->version);
    for (size_t i = 0; i < seen->evidence_count; i++)
        probe_check_text(seen->evidence[i].text);
    for (size_t i = 0; i < seen->model_count; i++) {
        probe_check_text(seen->models[i].name);
        FUZZ_EXPECT(seen->models[i].context >= -1 && seen->models[i].size_bytes >= -1);
        FUZZ_EXPECT(seen->models[i].vram_bytes >= -1);
    }
}

static inline void probe_take_answer(struct probe_answers *answers, struct hl_http_result *result)
{
    static const int failures[] = {HOMELAB_E_NET_TIMEOUT,     HOMELAB_E_NET_REFUSED,
                                   HOMELAB_E_NET_RESET,       HOMELAB_E_NET_CLOSED,
                                   HOMELAB_E_NET_CERTIFICATE, HOMELAB_E_NET_TLS,
                                   HOMELAB_E_NET_TOO_LARGE,   HOMELAB_E_NET_PROTOCOL,
                                   HOMELAB_E_NET_DNS,         HOMELAB_E_CANCELLED};
    const uint8_t *stop = memchr(answers->at, 0x1e, (size_t)(answers->end - answers->at));
    size_t length = (size_t)((stop ? stop : answers->end) - answers->at);
    free(answers->body);
    answers->body = malloc(length + 1);
    FUZZ_EXPECT(answers->body);
    if (length)
        memcpy(answers->body, answers->at, length);
    answers->body[length] = '\0';
    answers->at += length + (stop != NULL);
    *result = (struct hl_http_result){
        .connected = true, .body = "", .retry_after_s = -1, .total_us = 1000};
    const char *text = answers->body;
    if (!length || text[0] == '!') {
        result->code = length > 1 ? failures[(unsigned char)text[1] % 10] : HOMELAB_E_NET_TIMEOUT;
        return;
    }
    size_t skip = 0;
    while (skip < length && skip < 3 && text[skip] >= '0' && text[skip] <= '9')
        result->status = result->status * 10 + (text[skip++] - '0');
    if (skip < length && text[skip] == 'L') {
        result->server = "llama.cpp";
        skip++;
    }
    if (skip < length && text[skip] == ' ')
        skip++;
    result->date = "Mon, 23 Nov 2026 21:01:39 GMT";
    result->body = text + skip;
    result->body_length = length - skip;
}

static inline void probe_once(struct hl_probe_target *target, struct hl_probe_memory *memory,
                              struct probe_answers *answers, struct hl_state *state)
{
    static const struct hl_state_policy policy = {.rise = 2,
                                                  .fall = 2,
                                                  .patience_us = 1000000,
                                                  .monitor = true,
                                                  .interval_us = 1000000,
                                                  .fast_interval_us = 100000,
                                                  .down_interval_us = 2000000};
    struct hl_probe *probe;
    struct hl_probe_ask ask;
    struct hl_http_result result;
    struct hl_observation seen;
    int asks = 0;
    FUZZ_EXPECT(hl_probe_new(&probe, target, memory) == HOMELAB_OK);
    while (hl_probe_next(probe, &ask)) {
        FUZZ_EXPECT(++asks < PROBE_ASKS_MAX);
        probe_check_ask(&ask, target->depth);
        probe_take_answer(answers, &result);
        FUZZ_EXPECT(hl_probe_answer(probe, &result) == HOMELAB_OK);
    }
    hl_probe_finish(probe, 5000, &seen);
    hl_probe_free(probe);
    probe_check_seen(&seen);
    hl_state_look(state, &policy, &seen, 5000000, target->wall_us);
    probe_check_text(state->text);
    hl_observation_clear(&seen);
}

static inline int probe_fuzz(int backend, const uint8_t *data, size_t size)
{
    static char *models[] = {(char *)"smollm2", (char *)"a"};
    if (size < 1)
        return 0;
    struct hl_endpoint endpoint = {.id = (char *)"fuzz",
                                   .base = (char *)"http://127.0.0.1:8080",
                                   .path = (char *)(data[0] & 8 ? "/health" : "/"),
                                   .host = (char *)"127.0.0.1",
                                   .port = 8080,
                                   .node = HL_NONE,
                                   .backend = backend,
                                   .backend_declared = backend != HOMELAB_BACKEND_AUTO,
                                   .timeout_us = 5000000,
                                   .api_key = (char *)"env:KEY",
                                   .models = models,
                                   .model_count = data[0] & 4 ? 2 : 0};
    struct hl_inventory_data inventory = {.endpoints = &endpoint, .endpoint_count = 1};
    struct hl_probe_target target = {.endpoint = &endpoint,
                                     .inventory = &inventory,
                                     .depth = data[0] & 1 ? HL_DEPTH_CANARY : HL_DEPTH_PROGRESS,
                                     .key_state = data[0] & 2 ? 1 : 0,
                                     .slow_us = 1000000,
                                     .gpu_declared = true,
                                     .foreign_backends = true,
                                     .max_json_depth = 32,
                                     .wall_us = 1795467700000000};
    struct probe_answers answers = {.at = data + 1, .end = data + size};
    struct hl_probe_memory *memory = hl_probe_memory_new();
    struct hl_state state;
    FUZZ_EXPECT(memory);
    hl_state_init(&state);
    /* Twice, the second time with what is remembered. */
    probe_once(&target, memory, &answers, &state);
    probe_once(&target, memory, &answers, &state);
    hl_probe_memory_free(memory);
    free(answers.body);
    return 0;
}

#endif
