#include "core/error.h"
#include "health/plan.h"
#include "net/refusal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct hl_duration hl_duration(int64_t us)
{
    struct hl_duration duration;
    int64_t tenths = (us + 50) / 100;
    if (tenths < 100)
        snprintf(duration.text, sizeof duration.text, "%" PRId64 ".%" PRId64 " ms", tenths / 10,
                 tenths % 10);
    else
        snprintf(duration.text, sizeof duration.text, "%" PRId64 " ms", (us + 500) / 1000);
    return duration;
}

static enum hl_layer layer_of(const struct hl_probe *probe)
{
    return probe->step < probe->plan->step_count ? probe->plan->steps[probe->step].layer
                                                 : HL_LAYER_HTTP;
}

static int code_of(const struct hl_http_result *result)
{
    return result->status ? result->status : result->sys_errno;
}

/* "GET /health answered 503 after 41 ms" */
static void head_of(const struct hl_probe *probe, const struct hl_http_result *result, char *out,
                    size_t size)
{
    struct hl_duration took = hl_duration(result->total_us);
    const char *path = probe->ask.path;
    size_t length = probe->ask.kind != HL_ASK_HTTP ? 0
                    : probe->own_asked             ? strcspn(path, "?")
                                                   : strlen(path);
    int shown = length < 80 ? (int)length : 80;
    if (probe->ask.kind == HL_ASK_CONNECT)
        snprintf(out, size, "TCP %s:%d", probe->ask.connect_host, probe->ask.connect_port);
    else if (result->code == HOMELAB_OK)
        snprintf(out, size, "%s %.*s answered %d after %s", probe->ask.method, shown, path,
                 result->status, took.text);
    else
        snprintf(out, size, "%s %.*s", probe->ask.method, shown, path);
}

__attribute__((format(printf, 5, 0))) static void say(struct hl_probe *probe,
                                                      const struct hl_http_result *result,
                                                      int verdict, int cause, const char *format,
                                                      va_list arguments)
{
    char head[160], tail[HL_EVIDENCE_TEXT];
    head_of(probe, result, head, sizeof head);
    vsnprintf(tail, sizeof tail, format, arguments);
    const char *colon = result->code == HOMELAB_OK && probe->ask.kind == HL_ASK_HTTP ? ": " : " ";
    if (verdict >= 0)
        hl_observation_add_as(&probe->seen, layer_of(probe), verdict, cause, code_of(result),
                              result->total_us, "%s%s%s", head, tail[0] ? colon : "", tail);
    else
        hl_observation_add(&probe->seen, layer_of(probe), cause, code_of(result), result->total_us,
                           "%s%s%s", head, tail[0] ? colon : "", tail);
}

void hl_say(struct hl_probe *probe, const struct hl_http_result *result, int cause,
            const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(probe, result, -1, cause, format, arguments);
    va_end(arguments);
}

void hl_say_as(struct hl_probe *probe, const struct hl_http_result *result, int verdict, int cause,
               const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(probe, result, verdict, cause, format, arguments);
    va_end(arguments);
}

void hl_note(struct hl_probe *probe, enum hl_layer layer, const char *format, ...)
{
    char text[HL_EVIDENCE_TEXT];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    hl_observation_add(&probe->seen, layer, HOMELAB_CAUSE_NONE, 0, 0, "%s", text);
}

cJSON *hl_answer_json(const struct hl_probe *probe, const struct hl_http_result *result)
{
    return hl_json_parse(result->body, result->body_length, probe->target.max_json_depth);
}

int hl_tell_tale(const struct hl_http_result *result)
{
    return result->server && !strcmp(result->server, "llama.cpp") ? HOMELAB_BACKEND_LLAMACPP : 0;
}

/* --- Transport --- */

struct failure {
    int code;
    int cause;
    bool early;
    const char *text;
};
static const struct failure failures[] = {
    {HOMELAB_E_NET_DNS, HOMELAB_CAUSE_DNS, false, "the name has no address"},
    {HOMELAB_E_NET_REFUSED, HOMELAB_CAUSE_REFUSED, true, "connection refused"},
    {HOMELAB_E_NET_NO_ROUTE, HOMELAB_CAUSE_NO_ROUTE, false, "no route to the host"},
    {HOMELAB_E_NET_CONNECT_TIMEOUT, HOMELAB_CAUSE_CONNECT_TIMEOUT, false, "no connection"},
    {HOMELAB_E_NET_RESET, HOMELAB_CAUSE_RESET, true, "connection reset"},
    {HOMELAB_E_NET_CLOSED, HOMELAB_CAUSE_CLOSED, true, "closed before the answer was complete"},
    {HOMELAB_E_NET_CERTIFICATE, HOMELAB_CAUSE_TLS, false, "the certificate is refused"},
    {HOMELAB_E_NET_TOO_LARGE, HOMELAB_CAUSE_TOO_LARGE, false, "the answer is too large"},
};

static void say_silence(struct hl_probe *probe, const struct hl_http_result *result)
{
    struct hl_duration took = hl_duration(result->total_us);
    if (!result->connected) {
        hl_say(probe, result, HOMELAB_CAUSE_CONNECT_TIMEOUT, "no connection within %s", took.text);
        return;
    }
    if (result->status)
        hl_say(probe, result, HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT,
               "answered %d with %zu bytes, then fell silent; gave up after %s", result->status,
               result->body_length, took.text);
    else
        hl_say(probe, result, HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT,
               "was accepted, then nothing came within %s", took.text);
}

/* A TLS record where HTTP was expected: an alert, version 3.x. */
static bool is_tls_record(const struct hl_http_result *result)
{
    return result->body && result->body_length >= 2 && result->body[0] == 0x15 &&
           result->body[1] == 0x03;
}

static void say_failure(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (result->code == HOMELAB_E_NET_TIMEOUT) {
        say_silence(probe, result);
        return;
    }
    if (result->code == HOMELAB_E_NET_TLS || is_tls_record(result)) {
        hl_say_as(probe, result, HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_TLS,
                  "TLS and plain text do not meet: %s", result->detail);
        return;
    }
    if (result->code == HOMELAB_E_NET_PROTOCOL) {
        hl_say(probe, result, HOMELAB_CAUSE_WRONG_BODY, "what answers does not speak HTTP: %s",
               result->detail);
        return;
    }
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        const struct failure *failure = &failures[i];
        if (failure->code != result->code)
            continue;
        probe->seen.early_failure = failure->early;
        hl_say(probe, result, failure->cause, "%s after %s%s%s", failure->text,
               hl_duration(result->total_us).text, result->detail[0] ? ": " : "", result->detail);
        return;
    }
    hl_say(probe, result, HOMELAB_CAUSE_NONE, "could not be asked: %s", result->detail);
}

bool hl_answered(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (result->code == HOMELAB_OK)
        return true;
    say_failure(probe, result);
    hl_stop(probe);
    return false;
}

/* --- Status --- */

static bool says_busy(int status, const struct hl_refusal *error)
{
    if (status == 429)
        return true;
    return status == 503 && (strcasestr(error->message, "server busy") ||
                             strcasestr(error->message, "no slot available") ||
                             strcasestr(error->message, "maximum pending requests"));
}

static bool says_https(int status, const struct hl_http_result *result)
{
    return status == 400 &&
           (strcasestr(result->body, "HTTPS server") || strcasestr(result->body, "HTTPS port"));
}

static bool says_refused(int status, const struct hl_refusal *error)
{
    return status == 401 || status == 403 || status == 407 ||
           (status == 400 && !strcmp(error->type, "no_db_connection"));
}

static int cause_of_status(const struct hl_http_result *result, const struct hl_refusal *error)
{
    int status = result->status;
    if (hl_says_loading(result))
        return HOMELAB_CAUSE_LOADING;
    if (says_busy(status, error))
        return HOMELAB_CAUSE_BUSY;
    if (says_refused(status, error))
        return HOMELAB_CAUSE_AUTH;
    if (status >= 300 && status < 400)
        return HOMELAB_CAUSE_REDIRECT;
    if (status == 404 || status == 405 || status == 410)
        return HOMELAB_CAUSE_NOT_FOUND;
    if (status >= 500 && status < 600)
        return HOMELAB_CAUSE_SERVER_ERROR;
    return HOMELAB_CAUSE_WRONG_BODY;
}

/* Whether somebody else may be answering: worth finding out who. */
static void challenge(struct hl_probe *probe)
{
    int backend = probe->plan->backend;
    hl_stop(probe);
    if (probe->identified || probe->plan == &hl_plan_identify || backend == HOMELAB_BACKEND_HTTP ||
        backend == HOMELAB_BACKEND_TCP)
        return;
    if (probe->memory->impostor && probe->memory->probes % HL_REVIEW_EVERY) {
        hl_note_impostor(probe, probe->memory->impostor);
        return;
    }
    probe->suspect = probe->plan;
    hl_run_plan(probe, &hl_plan_identify);
}

bool hl_accept(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!hl_answered(probe, result))
        return false;
    int tale = hl_tell_tale(result);
    int backend = probe->plan->backend;
    if (tale && tale != backend && backend != HOMELAB_BACKEND_OPENAI &&
        backend != HOMELAB_BACKEND_HTTP && backend != HOMELAB_BACKEND_AUTO &&
        backend != HOMELAB_BACKEND_LLAMASWAP) {
        hl_say(probe, result, HOMELAB_CAUSE_WRONG_BODY, "its Server header says %s",
               hl_backend_title(tale));
        challenge(probe);
        return false;
    }
    if (result->status >= 200 && result->status < 300)
        return true;
    struct hl_refusal error;
    hl_refusal_read(&error, result->body, result->body_length);
    if (says_https(result->status, result)) {
        hl_say_as(probe, result, HOMELAB_VERDICT_MISCONFIGURED, HOMELAB_CAUSE_TLS,
                  "the port expects https");
        hl_stop(probe);
        return false;
    }
    int cause = cause_of_status(result, &error);
    if (cause == HOMELAB_CAUSE_REDIRECT)
        hl_say(probe, result, cause, "redirects to %.100s, not followed",
               result->location ? result->location : "nowhere");
    else
        hl_say(probe, result, cause, "%s", error.message);
    if (cause == HOMELAB_CAUSE_NOT_FOUND || cause == HOMELAB_CAUSE_WRONG_BODY)
        challenge(probe);
    else
        hl_stop(probe);
    return false;
}

void hl_wrong_body(struct hl_probe *probe, const struct hl_http_result *result, const char *what)
{
    char sample[64];
    hl_body_sample(sample, sizeof sample, result->body, result->body_length);
    hl_say(probe, result, HOMELAB_CAUSE_WRONG_BODY, "%s; found %s", what, sample);
    challenge(probe);
}
