/* Who answers here? A backend is recognised by at least two agreeing signals, since many servers
 * imitate the paths of others. Every question is one that no known backend takes as work. */
#include "core/error.h"
#include "health/identify_signals.h"
#include "health/model_list.h"
#include "health/plan.h"
#include "net/refusal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Redirects or failures in a row after which asking on is of no use. */
#define USELESS_MAX 3

static bool wanted(const struct hl_probe *probe)
{
    return !hl_recognised(probe) && probe->identify.useless < USELESS_MAX;
}

/* --- What an answer gives away --- */

/* An answer complete enough to learn from, also a refusal. */
static bool usable(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (result->code == HOMELAB_E_NET_TOO_LARGE)
        return false;
    if (!hl_answered(probe, result))
        return false;
    if (hl_tell_tale(result) == HOMELAB_BACKEND_LLAMACPP)
        hl_signal_note(probe, HL_SIGNAL_LLAMA_SERVER_HEADER);
    if (hl_says_loading(result)) {
        probe->seen.backend = hl_signal_seen(probe, HL_SIGNAL_LLAMA_SERVER_HEADER)
                                  ? HOMELAB_BACKEND_LLAMACPP
                                  : probe->target.endpoint->backend;
        hl_accept(probe, result);
        return false;
    }
    bool useless = (result->status >= 300 && result->status < 400) || result->status >= 500;
    probe->identify.useless = useless ? probe->identify.useless + 1 : 0;
    return true;
}

static void note_error(struct hl_probe *probe, const struct hl_http_result *result)
{
    struct hl_refusal error;
    hl_refusal_read(&error, result->body, result->body_length);
    if (!strncmp(error.message, "Unexpected endpoint or method", 29))
        hl_signal_note(probe, HL_SIGNAL_LMSTUDIO_ERROR);
    if (result->status == 401 && !strcmp(error.type, "authentication_error"))
        hl_signal_note(probe, HL_SIGNAL_LLAMA_ERROR);
    if (result->status == 404 && !strcmp(error.type, "not_found_error") &&
        !strcmp(error.message, "File Not Found"))
        hl_signal_note(probe, HL_SIGNAL_LLAMA_ERROR);
    if (result->status == 401 && !strcmp(error.message, "Unauthorized") && !error.type[0])
        hl_signal_note(probe, HL_SIGNAL_VLLM_REFUSAL);
    if (!strcmp(error.type, "no_db_connection") ||
        (result->status == 401 && strstr(error.message, "LiteLLM")) ||
        (result->status == 401 && !strcmp(error.type, "auth_error")))
        hl_signal_note(probe, HL_SIGNAL_LITELLM_REFUSAL);
}

static void note_list(struct hl_probe *probe, const cJSON *root)
{
    struct hl_list_facts facts;
    if (!hl_model_list_facts(root, &facts))
        return;
    probe->identify.openai_list = true;
    if (facts.owners & HL_OWNER_LLAMACPP)
        hl_signal_note(probe, HL_SIGNAL_LLAMA_OWNER);
    if (facts.owners & HL_OWNER_VLLM)
        hl_signal_note(probe, HL_SIGNAL_VLLM_OWNER);
    if (facts.max_model_len && !(facts.owners & HL_OWNER_SGLANG))
        hl_signal_note(probe, HL_SIGNAL_VLLM_FIELD);
    if (facts.owners & HL_OWNER_TABBYAPI)
        hl_signal_note(probe, HL_SIGNAL_TABBY_OWNER);
    if (facts.owners & HL_OWNER_LMSTUDIO)
        hl_signal_note(probe, HL_SIGNAL_LMSTUDIO_OWNER);
    if (facts.owners & HL_OWNER_LLAMASWAP)
        hl_signal_note(probe, HL_SIGNAL_SWAP_OWNER);
}

static bool is_digest(const char *text)
{
    return text && strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static void note_tags(struct hl_probe *probe, const cJSON *root)
{
    const cJSON *models = hl_json_array(root, "models"), *item;
    if (!models || hl_json_get(root, "data") || hl_json_get(root, "object"))
        return;
    cJSON_ArrayForEach(item, models)
    {
        if (!hl_json_string(item, "name") || !is_digest(hl_json_string(item, "digest")))
            return;
    }
    hl_signal_note(probe, HL_SIGNAL_OLLAMA_TAGS);
}

static void note_version(struct hl_probe *probe, const cJSON *root)
{
    const char *version = hl_json_string(root, "version");
    if (!version)
        return;
    if (hl_json_string(root, "commit") && hl_json_string(root, "build_date"))
        hl_signal_note(probe, HL_SIGNAL_SWAP_VERSION);
    else if (version[0] >= '0' && version[0] <= '9' && cJSON_GetArraySize(root) == 1)
        hl_signal_note(probe, HL_SIGNAL_OLLAMA_VERSION);
}

static void note_native(struct hl_probe *probe, const cJSON *root)
{
    const cJSON *models = hl_json_array(root, "models"), *item;
    if (!models)
        return;
    cJSON_ArrayForEach(item, models)
    {
        if (!hl_json_string(item, "key") || !hl_json_array(item, "loaded_instances"))
            return;
    }
    hl_signal_note(probe, HL_SIGNAL_LMSTUDIO_NATIVE);
}

static void note_legacy(struct hl_probe *probe, const cJSON *root)
{
    const cJSON *data = hl_json_array(root, "data"), *item;
    if (!data)
        return;
    cJSON_ArrayForEach(item, data)
    {
        if (!hl_json_string(item, "id") || !hl_json_string(item, "state"))
            return;
    }
    hl_signal_note(probe, HL_SIGNAL_LMSTUDIO_LEGACY);
}

static void note_running(struct hl_probe *probe, const cJSON *root)
{
    if (hl_json_array(root, "running"))
        hl_signal_note(probe, HL_SIGNAL_SWAP_RUNNING);
}

static void note_props(struct hl_probe *probe, const cJSON *root)
{
    const char *role = hl_json_string(root, "role");
    if (hl_json_int(root, "total_slots", -1) >= 0 || (role && !strcmp(role, "router")))
        hl_signal_note(probe, HL_SIGNAL_LLAMA_PROPS);
}

static void note_service(struct hl_probe *probe, const cJSON *root)
{
    const char *name = hl_json_string(hl_json_get(root, "software"), "name");
    if (name && !strcmp(name, "TabbyAPI"))
        hl_signal_note(probe, HL_SIGNAL_TABBY_INFO);
}

static void note_ready(struct hl_probe *probe, const cJSON *root)
{
    if (hl_json_string(root, "status") && hl_json_get(root, "db"))
        hl_signal_note(probe, HL_SIGNAL_LITELLM_READY);
}

static void note_vllm_version(struct hl_probe *probe, const cJSON *root)
{
    if (hl_json_string(root, "version"))
        hl_signal_note(probe, HL_SIGNAL_VLLM_VERSION);
}

static void note_text(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (!strncmp(result->body, "Ollama is running", 17) && result->body_length <= 20)
        hl_signal_note(probe, HL_SIGNAL_OLLAMA_ROOT);
    if (result->body_length <= 16 && !strncmp(result->body, "\"I'm alive!\"", 12))
        hl_signal_note(probe, HL_SIGNAL_LITELLM_ALIVE);
}

typedef void (*note_fn)(struct hl_probe *probe, const cJSON *root);

static void learn(struct hl_probe *probe, const struct hl_http_result *result, note_fn fn)
{
    if (!usable(probe, result))
        return;
    note_error(probe, result);
    if (result->status < 200 || result->status >= 300)
        return;
    note_text(probe, result);
    cJSON *root = hl_answer_json(probe, result);
    if (root && fn)
        fn(probe, root);
    cJSON_Delete(root);
}

/* --- The questions, in order --- */

/* The endpoint's own path, unless reading it could be work for some backend. */
static bool ask_own(struct hl_probe *probe)
{
    static const char *const safe[] = {"/api/tags",          "/api/version",
                                       "/health/liveliness", "/health/liveness",
                                       "/health/readiness",  "/.well-known/serviceinfo",
                                       "/api/v1/models",     "/api/v0/models"};
    probe->identified = true;
    probe->identify.own_serves = true;
    for (size_t i = 0; i < sizeof safe / sizeof *safe; i++)
        if (!strcmp(hl_own_path(probe), safe[i]))
            return hl_ask_own(probe);
    return false;
}

static void note_any(struct hl_probe *probe, const cJSON *root)
{
    note_tags(probe, root);
    note_native(probe, root);
    note_legacy(probe, root);
    note_service(probe, root);
    note_ready(probe, root);
    if (!strcmp(hl_own_path(probe), "/api/version"))
        note_version(probe, root);
}

static void take_own(struct hl_probe *probe, const struct hl_http_result *result)
{
    learn(probe, result, note_any);
    struct hl_refusal error;
    hl_refusal_read(&error, result->body, result->body_length);
    probe->identify.own_fits = probe->identify.signals != 0;
    probe->identify.own_serves = result->status / 100 == 2 && !error.message[0];
}

static bool ask_readiness(struct hl_probe *probe)
{
    return wanted(probe) && hl_signal_seen(probe, HL_SIGNAL_LITELLM_ALIVE) &&
           hl_ask_get(probe, "/health/readiness", false);
}

static void take_readiness(struct hl_probe *probe, const struct hl_http_result *result)
{
    learn(probe, result, note_ready);
}

static bool ask_list(struct hl_probe *probe)
{
    return wanted(probe) && hl_ask_get(probe, "/v1/models", true);
}

static void take_list(struct hl_probe *probe, const struct hl_http_result *result)
{
    learn(probe, result, note_list);
    probe->identify.refused = result->status == 401 || result->status == 403;
    probe->identify.no_list = result->status / 100 == 2 && !probe->identify.openai_list;
}

static bool ask_root(struct hl_probe *probe)
{
    return wanted(probe) && hl_ask_get(probe, "/", false);
}

static void take_root(struct hl_probe *probe, const struct hl_http_result *result)
{
    learn(probe, result, NULL);
}

static bool ask_props(struct hl_probe *probe)
{
    return wanted(probe) && hl_signals_of(probe, HOMELAB_BACKEND_LLAMACPP) &&
           hl_ask_get(probe, "/props?autoload=false", true);
}

static void take_props(struct hl_probe *probe, const struct hl_http_result *result)
{
    learn(probe, result, note_props);
}

static bool maybe_ollama(const struct hl_probe *probe)
{
    return hl_signals_of(probe, HOMELAB_BACKEND_OLLAMA) ||
           probe->target.endpoint->backend == HOMELAB_BACKEND_OLLAMA;
}

static bool ask_version(struct hl_probe *probe)
{
    bool maybe_swap = hl_signals_of(probe, HOMELAB_BACKEND_LLAMASWAP);
    return wanted(probe) && (maybe_ollama(probe) || maybe_swap) &&
           hl_ask_get(probe, "/api/version", false);
}

static void take_version(struct hl_probe *probe, const struct hl_http_result *result)
{
    learn(probe, result, note_version);
}

static bool ask_tags(struct hl_probe *probe)
{
    return wanted(probe) && maybe_ollama(probe) && !hl_signal_seen(probe, HL_SIGNAL_OLLAMA_TAGS) &&
           hl_ask_get(probe, "/api/tags", true);
}

static void take_tags(struct hl_probe *probe, const struct hl_http_result *result)
{
    learn(probe, result, note_tags);
}

static bool ask_vllm(struct hl_probe *probe)
{
    return wanted(probe) && hl_signals_of(probe, HOMELAB_BACKEND_VLLM) &&
           hl_ask_get(probe, "/version", false);
}

static void take_vllm(struct hl_probe *probe, const struct hl_http_result *result)
{
    learn(probe, result, note_vllm_version);
}

static bool ask_service(struct hl_probe *probe)
{
    return wanted(probe) && hl_ask_get(probe, "/.well-known/serviceinfo", false);
}

static void take_service(struct hl_probe *probe, const struct hl_http_result *result)
{
    learn(probe, result, note_service);
}

static bool ask_native(struct hl_probe *probe)
{
    return wanted(probe) && !hl_signal_seen(probe, HL_SIGNAL_LMSTUDIO_NATIVE) &&
           hl_ask_get(probe, "/api/v1/models", true);
}

static void take_native(struct hl_probe *probe, const struct hl_http_result *result)
{
    learn(probe, result, note_native);
}

static bool ask_legacy(struct hl_probe *probe)
{
    return wanted(probe) && hl_signals_of(probe, HOMELAB_BACKEND_LMSTUDIO) &&
           !hl_signal_seen(probe, HL_SIGNAL_LMSTUDIO_LEGACY) &&
           hl_ask_get(probe, "/api/v0/models", true);
}

static void take_legacy(struct hl_probe *probe, const struct hl_http_result *result)
{
    learn(probe, result, note_legacy);
}

static bool ask_running(struct hl_probe *probe)
{
    return wanted(probe) && hl_ask_get(probe, "/running", true);
}

static void take_running(struct hl_probe *probe, const struct hl_http_result *result)
{
    learn(probe, result, note_running);
}

static bool ask_swap_version(struct hl_probe *probe)
{
    return wanted(probe) && hl_signal_seen(probe, HL_SIGNAL_SWAP_RUNNING) &&
           hl_ask_get(probe, "/api/version", true);
}

static bool ask_liveliness(struct hl_probe *probe)
{
    return wanted(probe) && !hl_signal_seen(probe, HL_SIGNAL_LITELLM_ALIVE) &&
           hl_ask_get(probe, "/health/liveliness", false);
}

static bool ask_readiness_late(struct hl_probe *probe)
{
    return !hl_signal_seen(probe, HL_SIGNAL_LITELLM_READY) && ask_readiness(probe);
}

/* --- The conclusion --- */

/* Whether a model server is expected though none was recognised: the URL is the common list of
 * models, or a bare address that answers this path with something else. */
static bool owes_a_list(const struct hl_probe *probe)
{
    const char *path = hl_own_path(probe);
    if (!*path)
        return probe->identify.no_list;
    return !strcmp(path, "/v1/models") || !strcmp(path, "/models");
}

/* The best that is left when no backend was recognised. */
static int fall_back(struct hl_probe *probe)
{
    const struct hl_identify *found = &probe->identify;
    int hint = probe->target.endpoint->backend;
    bool imitation = hl_signals_of(probe, HOMELAB_BACKEND_OLLAMA) > 0;
    bool model_server = found->openai_list || found->refused || owes_a_list(probe);
    int backend = model_server ? HOMELAB_BACKEND_OPENAI : HOMELAB_BACKEND_HTTP;
    /* The path names a backend whose answer it does not give: judge it as what it should be. */
    if (backend == HOMELAB_BACKEND_HTTP && hint != HOMELAB_BACKEND_AUTO && !found->own_fits)
        backend = hint;
    snprintf(probe->memory->identity, sizeof probe->memory->identity,
             "%s; no backend shows two signs of itself: judged as %s",
             imitation ? "answers Ollama's paths like an imitator" : "not recognised",
             hl_backend_title(backend));
    return backend;
}

void hl_note_impostor(struct hl_probe *probe, int backend)
{
    probe->memory->impostor = backend;
    hl_observation_add(&probe->seen, HL_LAYER_HTTP, HOMELAB_CAUSE_WRONG_BACKEND, 0, 0,
                       "declared as %s, but %s answers", hl_backend_title(probe->seen.backend),
                       hl_backend_title(backend));
}

/* The URL names a path of one backend, and the other one that was recognised does not serve it. */
static void note_foreign_path(struct hl_probe *probe, int backend)
{
    int hint = probe->target.endpoint->backend;
    if (!*hl_own_path(probe) || hint == HOMELAB_BACKEND_AUTO || hint == backend ||
        probe->identify.own_serves)
        return;
    /* Looked at again each time, until it is mended. */
    probe->memory->recognised = false;
    hl_observation_add(&probe->seen, HL_LAYER_HTTP, HOMELAB_CAUSE_WRONG_BACKEND, 0, 0,
                       "%s is a path of %s, but %s answers", hl_own_path(probe),
                       hl_backend_title(hint), hl_backend_title(backend));
}

static void settle_suspicion(struct hl_probe *probe, int backend)
{
    const struct hl_endpoint *endpoint = probe->target.endpoint;
    const struct hl_plan *suspect = probe->suspect;
    probe->suspect = NULL;
    if (!backend || backend == suspect->backend)
        return;
    if (endpoint->backend_declared) {
        hl_note_impostor(probe, backend);
        return;
    }
    hl_start_over(probe);
    probe->memory->backend = backend;
    probe->memory->recognised = true;
    hl_describe_identity(probe, backend);
    hl_note_identity(probe);
    hl_run_plan(probe, hl_plan_of(backend));
}

static void conclude(struct hl_probe *probe)
{
    int backend = hl_recognised(probe);
    if (probe->suspect) {
        settle_suspicion(probe, backend);
        return;
    }
    probe->memory->recognised = backend != HOMELAB_BACKEND_AUTO;
    if (backend) {
        hl_describe_identity(probe, backend);
        note_foreign_path(probe, backend);
    } else {
        backend = fall_back(probe);
    }
    probe->memory->backend = backend;
    hl_note_identity(probe);
    hl_run_plan(probe, hl_plan_of(backend));
}

static const struct hl_step steps[] = {
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_own, take_own},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_readiness, take_readiness},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_list, take_list},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_root, take_root},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_props, take_props},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_version, take_version},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_tags, take_tags},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_vllm, take_vllm},
    /* Before paths that LiteLLM lacks: its first 404 takes seconds on a busy machine. */
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_liveliness, take_root},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_readiness_late, take_readiness},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_service, take_service},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_native, take_native},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_legacy, take_legacy},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_running, take_running},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_swap_version, take_version},
};
const struct hl_plan hl_plan_identify = {HOMELAB_BACKEND_AUTO, steps, sizeof steps / sizeof *steps,
                                         conclude};
