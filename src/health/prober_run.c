#include "health/prober_private.h"

#include <stdio.h>
#include <string.h>

/* Left of the time-out that makes a second try worth while. */
#define SECOND_TRY_US 2000

static void ask_next(struct hl_runner *runner);
static void begin_probe(struct hl_runner *runner);

/* --- The end of a look --- */

static void clear(struct hl_runner *runner)
{
    hl_http_cancel(runner->transfer);
    runner->transfer = NULL;
    hl_secret_cancel(runner->secret);
    runner->secret = NULL;
    hl_probe_free(runner->probe);
    runner->probe = NULL;
    homelab_inventory_unref(runner->inventory);
    runner->inventory = NULL;
    hl_timer_disarm(hl_prober_loop(runner->prober), &runner->timer);
}

static void leave(struct hl_runner *runner, bool looked)
{
    clear(runner);
    hl_scheduler_ended(runner);
    hl_sweep_looked(runner, looked);
    hl_scheduler_next(runner);
}

/* Without memory there is no look; the state stays and the next one is planned. */
static void give_up(struct hl_runner *runner)
{
    hl_log(runner->prober->ctx, HOMELAB_LOG_ERROR, "prober", "%s: no memory for a probe",
           runner->endpoint->id);
    leave(runner, false);
}

void hl_run_cancel(struct hl_runner *runner)
{
    clear(runner);
    hl_scheduler_ended(runner);
}

static bool try_again(struct hl_runner *runner, const struct hl_observation *seen)
{
    return seen->early_failure && !runner->second_try &&
           runner->deadline_us - hl_prober_now(runner->prober) > SECOND_TRY_US;
}

static void remember_first_try(struct hl_runner *runner, const struct hl_observation *seen)
{
    bool known = seen->deciding < seen->evidence_count;
    runner->first_cause = seen->cause;
    runner->first_layer = known ? seen->evidence[seen->deciding].layer : HL_LAYER_TCP;
    snprintf(runner->first_text, sizeof runner->first_text, "%.95s",
             known ? seen->evidence[seen->deciding].text : homelab_cause_name(seen->cause));
}

/* The verdict is the second try's; what the first one met is evidence all the same. */
static void tell_first_try(const struct hl_runner *runner, struct hl_observation *seen)
{
    if (!runner->second_try)
        return;
    seen->retried = true;
    if (seen->cause != runner->first_cause)
        hl_observation_add(seen, runner->first_layer, HOMELAB_CAUSE_NONE, 0, 0,
                           "a first try failed (%s): %s", homelab_cause_name(runner->first_cause),
                           runner->first_text);
}

/* A key that was refused is asked for again next time: it may have been changed. */
static void check_key(struct hl_runner *runner, const struct hl_observation *seen)
{
    if (seen->cause == HOMELAB_CAUSE_AUTH)
        hl_run_forget_key(runner);
    else if (runner->key)
        runner->key_attempt = 0;
}

static void complete(struct hl_runner *runner)
{
    homelab_prober *prober = runner->prober;
    struct hl_observation *seen = &prober->seen;
    int64_t elapsed_us = hl_prober_now(prober) - runner->started_us;
    hl_probe_finish(runner->probe, elapsed_us, seen);
    hl_probe_free(runner->probe);
    runner->probe = NULL;
    if (try_again(runner, seen)) {
        remember_first_try(runner, seen);
        hl_observation_clear(seen);
        runner->second_try = true;
        begin_probe(runner);
        return;
    }
    tell_first_try(runner, seen);
    hl_ctx_counters(prober->ctx)->probes++;
    check_key(runner, seen);
    runner->slow_to_fail = 2 * elapsed_us > runner->endpoint->timeout_us;
    hl_report_look(runner, seen);
    hl_probe_pool_take(&prober->probes, seen);
    leave(runner, true);
}

/* --- Questions and answers --- */

static void on_answer(const struct hl_http_result *result, void *userdata)
{
    struct hl_runner *runner = userdata;
    runner->transfer = NULL;
    hl_run_answer(runner, result);
}

static int64_t deadline_of(const struct hl_runner *runner)
{
    int64_t limit_us = hl_prober_now(runner->prober) + runner->ask.limit_us;
    return runner->ask.limit_us && limit_us < runner->deadline_us ? limit_us : runner->deadline_us;
}

/* base is scheme://host:port, or unix:///path of a socket. */
static void write_url(const struct hl_runner *runner, char *url, size_t size)
{
    const struct hl_probe_ask *ask = &runner->ask;
    const char *base = runner->endpoint->base;
    if (ask->kind == HL_ASK_CONNECT)
        snprintf(url, size, strchr(ask->connect_host, ':') ? "http://[%s]:%d" : "http://%s:%d",
                 ask->connect_host, ask->connect_port);
    else if (strncmp(base, "unix://", 7) == 0)
        snprintf(url, size, "http://localhost%s", ask->path);
    else
        snprintf(url, size, "%s%s", base, ask->path);
}

static int send_ask(struct hl_runner *runner, bool afresh)
{
    const struct hl_probe_ask *ask = &runner->ask;
    const struct hl_endpoint *endpoint = runner->endpoint;
    bool local = strncmp(endpoint->base, "unix://", 7) == 0;
    char url[2048];
    write_url(runner, url, sizeof url);
    struct hl_http_request request = {
        .method = ask->method ? ask->method : "GET",
        .url = url,
        .unix_socket = local ? endpoint->base + 7 : NULL,
        .body = ask->body,
        .bearer = ask->send_key ? runner->key : NULL,
        .ca_file = endpoint->ca_file,
        .insecure = endpoint->insecure,
        .connect_only = ask->kind == HL_ASK_CONNECT,
        .fresh_connection = afresh || ask->canary,
        .deadline_us = deadline_of(runner),
    };
    if (ask->canary)
        return hl_canary_start(runner, &request);
    runner->phase = HL_PHASE_ASKING;
    return hl_http_start(runner->prober->ctx, &request, on_answer, runner, &runner->transfer);
}

/* A server that answers slowly but surely is slow. Asked with less time left than it took before,
 * it would look silent. */
static bool out_of_time(const struct hl_runner *runner)
{
    return runner->deadline_us - hl_prober_now(runner->prober) <= runner->slowest_us;
}

static struct hl_http_result no_answer(int code, const char *why)
{
    struct hl_http_result result = {.code = code,
                                    .connected = code == HOMELAB_E_NET_TIMEOUT,
                                    .sent = code == HOMELAB_E_NET_TIMEOUT,
                                    .body = "",
                                    .retry_after_s = -1,
                                    .connect_us = -1,
                                    .first_byte_us = -1};
    snprintf(result.detail, sizeof result.detail, "%s", why);
    return result;
}

/* Sends the question, or says at once why it cannot be asked. True when an answer will come. */
static bool pose(struct hl_runner *runner, struct hl_http_result *instead)
{
    if (runner->ask.canary && runner->canary) {
        *instead = no_answer(HOMELAB_E_NET_TIMEOUT, "an earlier canary is still unanswered");
        return false;
    }
    if (out_of_time(runner)) {
        *instead = no_answer(HOMELAB_E_TIMEOUT, "no time left");
        return false;
    }
    runner->asked_afresh = false;
    int code = send_ask(runner, runner->second_try);
    if (code)
        *instead = no_answer(code, homelab_error_message());
    return code == 0;
}

static void ask_next(struct hl_runner *runner)
{
    while (hl_probe_next(runner->probe, &runner->ask)) {
        struct hl_http_result instead;
        if (pose(runner, &instead))
            return;
        if (instead.code == HOMELAB_E_NOMEM || hl_probe_answer(runner->probe, &instead)) {
            give_up(runner);
            return;
        }
    }
    complete(runner);
}

/* A kept connection that the server closed meanwhile says nothing about the server. */
static bool was_stale(const struct hl_runner *runner, const struct hl_http_result *result)
{
    return result->reused && !runner->asked_afresh && !runner->ask.canary && !result->status &&
           (result->code == HOMELAB_E_NET_RESET || result->code == HOMELAB_E_NET_CLOSED);
}

void hl_run_answer(struct hl_runner *runner, const struct hl_http_result *result)
{
    if (runner->phase == HL_PHASE_CANARY)
        hl_timer_disarm(hl_prober_loop(runner->prober), &runner->timer);
    if (was_stale(runner, result)) {
        runner->asked_afresh = true;
        if (send_ask(runner, true) == 0)
            return;
    }
    if (result->code == HOMELAB_OK && result->total_us > runner->slowest_us)
        runner->slowest_us = result->total_us;
    if (hl_probe_answer(runner->probe, result)) {
        give_up(runner);
        return;
    }
    ask_next(runner);
}

/* --- The start of a look --- */

static bool has_gpu(const struct hl_inventory_data *data, const struct hl_endpoint *endpoint)
{
    return endpoint->node != HL_NONE && data->nodes[endpoint->node].gpu_count > 0;
}

static void begin_probe(struct hl_runner *runner)
{
    homelab_prober *prober = runner->prober;
    const struct hl_endpoint *endpoint = runner->endpoint;
    runner->slowest_us = 0;
    if (!runner->inventory)
        runner->inventory = homelab_inventory_ref(prober->inventory);
    struct hl_probe_target target = {
        .endpoint = endpoint,
        .inventory = prober->data,
        .depth = prober->settings.depth ? prober->settings.depth : endpoint->depth,
        .key_state = !endpoint->api_key ? 0
                     : runner->key      ? 1
                                        : -1,
        .key_error = runner->key_error,
        .key = runner->key,
        .slow_us = prober->settings.slow_us,
        .gpu_declared = has_gpu(prober->data, endpoint),
        .foreign_backends = prober->settings.foreign_backends,
        .max_json_depth = prober->settings.max_json_depth,
        .wall_us = hl_prober_wall(prober),
        .pool = &prober->probes,
    };
    if (hl_probe_new(&runner->probe, &target, runner->memory))
        give_up(runner);
    else
        ask_next(runner);
}

/* --- Its key --- */

void hl_run_forget_key(struct hl_runner *runner)
{
    hl_free_secret(runner->key);
    runner->key = NULL;
    runner->key_is_old = false;
}

void hl_run_renew_key(struct hl_runner *runner)
{
    if (runner->probe || runner->secret)
        runner->key_is_old = true;
    else
        hl_run_forget_key(runner);
}

static void miss_key(struct hl_runner *runner, const char *why)
{
    snprintf(runner->key_error, sizeof runner->key_error, "%s", why);
}

static void on_key(const char *secret, const struct hl_error *error, void *userdata)
{
    struct hl_runner *runner = userdata;
    bool waited = runner->secret != NULL;
    runner->secret = NULL;
    if (secret && !(runner->key = hl_strdup(secret)))
        miss_key(runner, "out of memory");
    else if (!secret)
        miss_key(runner, error ? error->message : "no answer");
    if (!waited)
        return;
    hl_timer_disarm(hl_prober_loop(runner->prober), &runner->timer);
    begin_probe(runner);
}

/* Half of the time at most goes into waiting for the key, so that there is a look without it. */
static void ask_key(struct hl_runner *runner)
{
    runner->phase = HL_PHASE_KEY;
    int code =
        hl_secret_ask(runner->prober->ctx, HOMELAB_SECRET_KIND_API_KEY, runner->endpoint->api_key,
                      runner->endpoint->id, ++runner->key_attempt, on_key, runner, &runner->secret);
    if (code)
        miss_key(runner, homelab_error_message());
    if (code || !runner->secret) {
        begin_probe(runner);
        return;
    }
    hl_timer_arm(hl_prober_loop(runner->prober), &runner->timer,
                 runner->started_us + (runner->deadline_us - runner->started_us) / 2);
}

void hl_run_start(struct hl_runner *runner)
{
    runner->started_us = hl_prober_now(runner->prober);
    runner->deadline_us = runner->started_us + runner->endpoint->timeout_us;
    int64_t limit_us = hl_sweep_limit(runner);
    if (runner->deadline_us > limit_us)
        runner->deadline_us = limit_us;
    runner->second_try = false;
    if (runner->key_is_old)
        hl_run_forget_key(runner);
    if (runner->endpoint->api_key && !runner->key)
        ask_key(runner);
    else
        begin_probe(runner);
}

void hl_run_limit(struct hl_runner *runner)
{
    if (runner->phase == HL_PHASE_KEY) {
        hl_secret_cancel(runner->secret);
        runner->secret = NULL;
        miss_key(runner, "no answer to the request for the key in time");
        begin_probe(runner);
    } else if (runner->phase == HL_PHASE_CANARY) {
        struct hl_http_result late =
            no_answer(HOMELAB_E_NET_TIMEOUT, "no answer to the canary in time");
        late.total_us = runner->prober->settings.canary_timeout_us;
        /* The answer, when it comes, finds nobody waiting. */
        runner->phase = HL_PHASE_ASKING;
        hl_run_answer(runner, &late);
    }
}
