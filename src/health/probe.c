#include "core/alloc.h"
#include "core/error.h"
#include "health/guard.h"
#include "health/verdict.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define PATH_MAX_BYTES 4096
#define BODY_MAX_BYTES 8192

static const struct hl_plan *const plans[] = {
    &hl_plan_ollama,   &hl_plan_llamacpp,  &hl_plan_litellm, &hl_plan_vllm, &hl_plan_lmstudio,
    &hl_plan_tabbyapi, &hl_plan_llamaswap, &hl_plan_openai,  &hl_plan_http, &hl_plan_tcp};

const struct hl_plan *hl_plan_of(int backend)
{
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        if (plans[i]->backend == backend)
            return plans[i];
    return &hl_plan_identify;
}

const char *hl_backend_title(int backend)
{
    static const char *const titles[] = {"an unknown backend",
                                         "Ollama",
                                         "llama.cpp",
                                         "LiteLLM",
                                         "vLLM",
                                         "LM Studio",
                                         "TabbyAPI",
                                         "llama-swap",
                                         "an OpenAI-compatible server",
                                         "plain HTTP",
                                         "plain TCP"};
    return (unsigned)backend < sizeof titles / sizeof *titles ? titles[backend] : titles[0];
}

/* Paths that say what is asked rather than where the server is mounted; longer before their own
 * ends. */
static const char *const probe_paths[] = {"/api/v1/models",
                                          "/api/v0/models",
                                          "/v1/models",
                                          "/api/tags",
                                          "/api/ps",
                                          "/api/version",
                                          "/health/liveliness",
                                          "/health/liveness",
                                          "/health/readiness",
                                          "/v1/health",
                                          "/health",
                                          "/healthz",
                                          "/readyz",
                                          "/metrics",
                                          "/props",
                                          "/running",
                                          "/.well-known/serviceinfo",
                                          "/v1/model",
                                          "/version",
                                          "/ping",
                                          "/slots",
                                          "/models"};

/* Splits the path of the URL into where the server is mounted and what was asked of it there. */
static void split_path(struct hl_probe *probe)
{
    const struct hl_endpoint *endpoint = probe->target.endpoint;
    const char *path = endpoint->path ? endpoint->path : "/";
    size_t length = strcspn(path, "?#");
    if (hl_path_is_work(path)) {
        probe->own_path = true;
        return;
    }
    for (size_t i = 0; i < sizeof probe_paths / sizeof *probe_paths; i++) {
        size_t tail = strlen(probe_paths[i]);
        if (length < tail || memcmp(path + length - tail, probe_paths[i], tail))
            continue;
        probe->prefix = length - tail;
        probe->own_path = true;
        return;
    }
    while (length && path[length - 1] == '/')
        length--;
    if (length >= 3 && !memcmp(path + length - 3, "/v1", 3)) {
        probe->prefix = length - 3;
        return;
    }
    bool plain = endpoint->backend == HOMELAB_BACKEND_HTTP || !endpoint->backend_declared;
    probe->own_path = plain && length > 0;
    probe->prefix = plain ? 0 : length;
}

const char *hl_own_path(const struct hl_probe *probe)
{
    return probe->own_path ? probe->target.endpoint->path + probe->prefix : "";
}

void hl_run_plan(struct hl_probe *probe, const struct hl_plan *plan)
{
    probe->plan = plan;
    probe->step = 0;
    probe->cursor = 0;
    probe->problem = probe->done = false;
    probe->moved = true;
    if (plan != &hl_plan_identify)
        probe->seen.backend = plan->backend;
}

static const struct hl_plan *first_plan(const struct hl_probe *probe)
{
    const struct hl_endpoint *endpoint = probe->target.endpoint;
    if (probe->target.depth == HL_DEPTH_TCP)
        return &hl_plan_tcp;
    if (endpoint->backend_declared && endpoint->backend != HOMELAB_BACKEND_AUTO)
        return hl_plan_of(endpoint->backend);
    if (endpoint->backend == HOMELAB_BACKEND_TCP || endpoint->backend == HOMELAB_BACKEND_HTTP)
        return hl_plan_of(endpoint->backend);
    bool stale = !probe->memory->recognised && probe->memory->probes % HL_REVIEW_EVERY == 0;
    return stale ? &hl_plan_identify : hl_plan_of(probe->memory->backend);
}

static void note_key(struct hl_probe *probe)
{
    if (probe->target.key_state >= 0)
        return;
    const char *reference = probe->target.endpoint->api_key;
    const char *why = probe->target.key_error;
    hl_observation_add(&probe->seen, HL_LAYER_HTTP, HOMELAB_CAUSE_AUTH, 0, 0,
                       "the key '%s' is not to be had%s%s", reference ? reference : "?",
                       why && *why ? ": " : "", why ? why : "");
}

void hl_start_over(struct hl_probe *probe)
{
    int64_t latency_us = probe->seen.latency_us;
    hl_observation_clear(&probe->seen);
    probe->seen.latency_us = latency_us;
    note_key(probe);
}

void hl_note_identity(struct hl_probe *probe)
{
    if (probe->memory->identity[0])
        hl_note(probe, HL_LAYER_HTTP, "%s", probe->memory->identity);
}

/* A probe with an empty observation; all else in it is to be set anew. */
static struct hl_probe *take_spare(struct hl_probe_pool *pool, struct hl_buf *path,
                                   struct hl_buf *body)
{
    if (pool && pool->count) {
        struct hl_probe *probe = pool->spares[--pool->count];
        *path = probe->path;
        *body = probe->body;
        return probe;
    }
    struct hl_probe *probe = hl_malloc(sizeof *probe);
    if (!probe)
        return NULL;
    hl_buf_init(path, PATH_MAX_BYTES);
    hl_buf_init(body, BODY_MAX_BYTES);
    hl_observation_init(&probe->seen);
    return probe;
}

static void destroy(struct hl_probe *probe)
{
    hl_buf_free(&probe->path);
    hl_buf_free(&probe->body);
    hl_observation_clear(&probe->seen);
    hl_free(probe);
}

void hl_probe_pool_clear(struct hl_probe_pool *pool)
{
    while (pool->count)
        destroy(pool->spares[--pool->count]);
}

void hl_probe_pool_take(struct hl_probe_pool *pool, struct hl_observation *observation)
{
    struct hl_probe *spare = pool->count ? pool->spares[pool->count - 1] : NULL;
    if (!spare || spare->seen.models) {
        hl_observation_clear(observation);
        return;
    }
    hl_observation_recycle(observation);
    hl_observation_lend(&spare->seen, observation);
}

int hl_probe_new(struct hl_probe **out, const struct hl_probe_target *target,
                 struct hl_probe_memory *memory)
{
    *out = NULL;
    struct hl_buf path, body;
    struct hl_probe *probe = take_spare(target->pool, &path, &body);
    if (!probe)
        return hl_error_nomem();
    const size_t behind = offsetof(struct hl_probe, seen) + sizeof probe->seen;
    memset(probe, 0, offsetof(struct hl_probe, seen));
    memset((char *)probe + behind, 0, sizeof *probe - behind);
    probe->target = *target;
    if (probe->target.depth == HL_DEPTH_UNSET)
        probe->target.depth = HL_DEPTH_PROGRESS;
    probe->memory = memory;
    memory->probes++;
    probe->path = path;
    probe->body = body;
    probe->seen.backend = target->endpoint->backend;
    split_path(probe);
    hl_run_plan(probe, first_plan(probe));
    probe->moved = false;
    if (probe->plan != &hl_plan_tcp)
        note_key(probe);
    if (probe->plan != &hl_plan_identify && !target->endpoint->backend_declared)
        hl_note_identity(probe);
    *out = probe;
    return HOMELAB_OK;
}

void hl_probe_free(struct hl_probe *probe)
{
    if (!probe)
        return;
    hl_free(probe->mask.body);
    cJSON_Delete(probe->tags);
    hl_free(probe->backends);
    struct hl_probe_pool *pool = probe->target.pool;
    if (!pool || pool->count == HL_PROBE_SPARES) {
        destroy(probe);
        return;
    }
    hl_buf_reset(&probe->path);
    hl_buf_reset(&probe->body);
    hl_observation_recycle(&probe->seen);
    pool->spares[pool->count++] = probe;
}

/* --- Questions --- */

static void ask(struct hl_probe *probe, enum hl_probe_ask_kind kind, const char *method)
{
    probe->ask = (struct hl_probe_ask){.kind = kind, .method = method};
    probe->own_asked = false;
    hl_buf_reset(&probe->path);
    hl_buf_reset(&probe->body);
}

bool hl_ask_get(struct hl_probe *probe, const char *path, bool keyed)
{
    ask(probe, HL_ASK_HTTP, "GET");
    probe->ask.send_key = keyed && probe->target.key_state > 0;
    if (probe->prefix)
        hl_buf_append(&probe->path, probe->target.endpoint->path, probe->prefix);
    hl_buf_puts(&probe->path, path);
    return true;
}

bool hl_ask_post(struct hl_probe *probe, const char *path, bool keyed)
{
    hl_ask_get(probe, path, keyed);
    probe->ask.method = "POST";
    return true;
}

bool hl_ask_own(struct hl_probe *probe)
{
    hl_ask_get(probe, probe->own_path ? hl_own_path(probe) : "/", true);
    probe->own_asked = true;
    return true;
}

bool hl_ask_connect(struct hl_probe *probe, const char *host, int port, int64_t limit_us)
{
    ask(probe, HL_ASK_CONNECT, NULL);
    probe->ask.connect_host = host;
    probe->ask.connect_port = port;
    probe->ask.limit_us = limit_us;
    return true;
}

void hl_buf_query(struct hl_buf *buf, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    static const char digits[] = "0123456789ABCDEF";
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (strchr(plain, *text)) {
            hl_buf_putc(buf, *text);
            continue;
        }
        hl_buf_putc(buf, '%');
        hl_buf_putc(buf, digits[c >> 4]);
        hl_buf_putc(buf, digits[c & 15]);
    }
}

/* --- The machine --- */

/* After the last step: identification chooses a plan, any other is complete. */
static void conclude(struct hl_probe *probe)
{
    probe->moved = false;
    if (probe->plan->conclude)
        probe->plan->conclude(probe);
    if (!probe->moved)
        probe->done = true;
    probe->moved = false;
}

static bool question_ready(struct hl_probe *probe)
{
    if (probe->path.failed == HOMELAB_E_NOMEM || probe->body.failed == HOMELAB_E_NOMEM)
        probe->no_memory = true;
    if (probe->path.failed || probe->body.failed)
        return false;
    if (probe->ask.kind == HL_ASK_HTTP) {
        probe->ask.path = probe->path.data;
        probe->ask.body = probe->body.length ? probe->body.data : NULL;
    }
    return true;
}

bool hl_probe_next(struct hl_probe *probe, struct hl_probe_ask *out)
{
    while (!probe->done) {
        if (probe->step >= probe->plan->step_count) {
            conclude(probe);
            continue;
        }
        const struct hl_step *step = &probe->plan->steps[probe->step];
        if (probe->target.depth >= step->depth && step->prepare(probe) && question_ready(probe)) {
            *out = probe->ask;
            return true;
        }
        probe->step++;
    }
    return false;
}

static void note_latency(struct hl_probe *probe, const struct hl_step *step,
                         const struct hl_http_result *result)
{
    if (result->code != HOMELAB_OK || step->aside)
        return;
    if (probe->seen.latency_us < 0)
        probe->seen.latency_us = result->total_us;
    if (result->date)
        snprintf(probe->server_date, sizeof probe->server_date, "%s", result->date);
    /* A server may take its time over a path that it does not have; LiteLLM does the first time. */
    bool guess = probe->plan == &hl_plan_identify && result->status == 404;
    if (result->total_us > probe->target.slow_us && probe->target.slow_us > 0 &&
        !probe->ask.canary && !guess)
        hl_say(probe, result, HOMELAB_CAUSE_SLOW, "slower than %s",
               hl_duration(probe->target.slow_us).text);
}

int hl_probe_answer(struct hl_probe *probe, const struct hl_http_result *answer)
{
    struct hl_http_result masked;
    const struct hl_http_result *result = &masked;
    if (hl_mask_answer(&probe->mask, answer, probe->target.key, &masked))
        return hl_error_nomem();
    const struct hl_step *step = &probe->plan->steps[probe->step];
    probe->spent_us += result->total_us;
    probe->again = probe->moved = false;
    note_latency(probe, step, result);
    step->take(probe, result);
    if (!probe->again && !probe->moved)
        probe->step++;
    probe->moved = false;
    return probe->no_memory ? hl_error_nomem() : HOMELAB_OK;
}

void hl_stop(struct hl_probe *probe)
{
    probe->problem = true;
    probe->done = true;
}

/* --- What was found --- */

static bool is_listed(const struct hl_observation *seen, const char *name)
{
    for (size_t i = 0; i < seen->model_count; i++)
        if (hl_name_meets(seen->models[i].name, name))
            return true;
    return false;
}

static void check_required(struct hl_probe *probe)
{
    const struct hl_endpoint *endpoint = probe->target.endpoint;
    struct hl_observation *seen = &probe->seen;
    if (!seen->models_known && endpoint->model_count && !probe->problem)
        hl_note(probe, HL_LAYER_HTTP, "not looked at: the required models; %s told no whole list",
                hl_backend_title(seen->backend));
    for (size_t i = 0; seen->models_known && i < endpoint->model_count; i++)
        if (!is_listed(seen, endpoint->models[i]))
            hl_observation_add(seen, HL_LAYER_HTTP, HOMELAB_CAUSE_MODEL_MISSING, 0, 0,
                               "model '%s' is not among the %zu that %s lists", endpoint->models[i],
                               seen->model_count, hl_backend_title(seen->backend));
}

static int64_t known_or_not(int64_t value)
{
    return value < 0 ? -1 : value;
}

/* Who reports sight or tools and no embedding means a model that completes; a negative size is
 * none. */
static void tidy_models(struct hl_observation *seen)
{
    for (size_t i = 0; i < seen->model_count; i++) {
        struct hl_model_state *model = &seen->models[i];
        if (model->abilities & (HL_ABILITY_VISION | HL_ABILITY_TOOLS) &&
            !(model->abilities & HL_ABILITY_EMBEDDING))
            model->abilities |= HL_ABILITY_COMPLETION;
        model->context = known_or_not(model->context);
        model->size_bytes = known_or_not(model->size_bytes);
        model->vram_bytes = known_or_not(model->vram_bytes);
    }
}

/* A server that went away may come back as another version, with other settings. */
static void remember(struct hl_probe *probe)
{
    if (probe->seen.verdict == HOMELAB_VERDICT_DOWN ||
        probe->seen.verdict == HOMELAB_VERDICT_LOADING)
        hl_memory_forget(probe->memory);
    if (probe->seen.verdict == HOMELAB_VERDICT_HEALTHY)
        probe->memory->impostor = 0;
    else if (!probe->memory->recognised)
        probe->memory->backend = HOMELAB_BACKEND_AUTO;
}

/* A look that memory cut short proves nothing, whatever it saw. */
static void disown(struct hl_observation *seen)
{
    seen->verdict = HOMELAB_VERDICT_UNKNOWN;
    seen->cause = HOMELAB_CAUSE_NONE;
    seen->deciding = HL_NONE;
}

void hl_probe_finish(struct hl_probe *probe, int64_t elapsed_us, struct hl_observation *out)
{
    probe->seen.elapsed_us = elapsed_us;
    tidy_models(&probe->seen);
    check_required(probe);
    hl_verdict_decide(&probe->seen);
    if (probe->no_memory)
        disown(&probe->seen);
    remember(probe);
    hl_observation_move(out, &probe->seen);
}
