#include "core/error.h"
#include "health/dates.h"
#include "health/model_list.h"
#include "health/plan.h"
#include "net/refusal.h"

#include <stdio.h>
#include <string.h>

/* Most models asked for their capabilities in one probe. */
#define SHOWS_MAX        64
/* An idle model is gone this long after its expires_at at the latest. */
#define UNLOAD_GRACE_US  2000000
/* A model that expires within this time might be gone when a canary arrives, which would load it.
 */
#define CANARY_MARGIN_US 15000000

static int64_t server_now(const struct hl_probe *probe)
{
    int64_t told_us = hl_http_date_us(probe->server_date);
    return told_us ? told_us : probe->target.wall_us + probe->spent_us;
}

/* --- /api/version --- */

static bool ask_version(struct hl_probe *probe)
{
    return hl_ask_version(probe, "/api/version", true);
}

/* --- /api/tags --- */

static bool ask_tags(struct hl_probe *probe)
{
    return hl_ask_get(probe, "/api/tags", true);
}

static bool tags_fit(const cJSON *root)
{
    const cJSON *models = hl_json_array(root, "models"), *item;
    if (!models)
        return false;
    cJSON_ArrayForEach(item, models)
    {
        if (!hl_json_string(item, "name"))
            return false;
    }
    return true;
}

static void take_known(struct hl_probe *probe, struct hl_model_state *model, const cJSON *item)
{
    const char *digest = hl_json_string(item, "digest");
    const struct hl_known_model *known =
        hl_memory_find(probe->memory, digest && *digest ? digest : model->name);
    if (known) {
        model->abilities = known->abilities;
        model->context = known->context;
        return;
    }
    const cJSON *capabilities = hl_json_array(item, "capabilities");
    if (!capabilities)
        return;
    model->abilities = hl_abilities_of(capabilities);
    model->context = hl_json_int(hl_json_get(item, "details"), "context_length", -1);
}

static void take_tag(struct hl_probe *probe, const cJSON *item)
{
    const char *name = hl_json_string(item, "name");
    bool cloud = hl_json_string(item, "remote_model") || hl_json_string(item, "remote_host");
    /* Another machine's, so not what this endpoint has, unless the inventory wants it. */
    if (cloud && !hl_is_required(probe, name))
        return;
    struct hl_model_state *model = hl_found_model(probe, name);
    if (!model)
        return;
    model->size_bytes = hl_json_int(item, "size", -1);
    take_known(probe, model, item);
}

static void take_tags(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (result->code == HOMELAB_OK && result->status == 403 && !result->body_length) {
        hl_say(probe, result, HOMELAB_CAUSE_AUTH, "it refuses this host name (OLLAMA_HOST)");
        hl_stop(probe);
        return;
    }
    if (!hl_accept(probe, result))
        return;
    cJSON *root = hl_answer_json(probe, result);
    const cJSON *item;
    if (tags_fit(root)) {
        probe->seen.models_known = true;
        cJSON_ArrayForEach(item, hl_json_array(root, "models")) take_tag(probe, item);
        hl_say_models(probe, result);
        cJSON_Delete(probe->tags);
        probe->tags = root;
        return;
    }
    hl_wrong_body(probe, result, "Ollama's list of models was expected");
    cJSON_Delete(root);
}

/* --- /api/ps --- */

static bool ask_ps(struct hl_probe *probe)
{
    return hl_ask_get(probe, "/api/ps", true);
}

static void note_processor(struct hl_probe *probe, const struct hl_http_result *result,
                           const struct hl_model_state *model)
{
    if (model->vram_bytes < 0 || model->size_bytes <= 0 || model->vram_bytes >= model->size_bytes)
        return;
    int percent = (int)((double)model->vram_bytes * 100 / (double)model->size_bytes);
    int cause = probe->target.gpu_declared ? HOMELAB_CAUSE_CPU_FALLBACK : HOMELAB_CAUSE_NONE;
    hl_say(probe, result, cause, "%.60s has %d %% of its memory on a GPU%s", model->name, percent,
           cause ? ", though one is declared" : "");
}

/* Ollama stops listing an idle model when it expires; one that stays listed has a request in
 * flight. Its expires_at moves when that request completes, so it is a counter of a kind. */
static void note_overdue(struct hl_probe *probe, const struct hl_http_result *result,
                         const struct hl_model_state *model)
{
    struct hl_progress *progress = &probe->seen.progress;
    int64_t overdue_us = server_now(probe) - model->expires_us;
    if (model->expires_us <= 0 || overdue_us < UNLOAD_GRACE_US)
        return;
    if (!progress->overdue || model->expires_us < progress->overdue_since_us)
        progress->overdue_since_us = model->expires_us;
    progress->overdue = progress->working = progress->has_counter = true;
    progress->counter += (uint64_t)model->expires_us;
    hl_say(probe, result, HOMELAB_CAUSE_BUSY,
           "%.60s expired %s ago and is still listed: a request is in flight", model->name,
           hl_duration(overdue_us).text);
}

static void take_loaded(struct hl_probe *probe, const struct hl_http_result *result,
                        const cJSON *item)
{
    const char *name = hl_json_string(item, "name");
    struct hl_model_state *model = name ? hl_found_model(probe, name) : NULL;
    if (!model)
        return;
    model->loaded = 1;
    int64_t size = hl_json_int(item, "size", -1), context = hl_json_int(item, "context_length", -1);
    if (size > 0)
        model->size_bytes = size;
    model->trained = model->context;
    if (context > 0)
        model->context = context;
    model->vram_bytes = hl_json_int(item, "size_vram", -1);
    model->expires_us = hl_rfc3339_us(hl_json_string(item, "expires_at"));
    note_processor(probe, result, model);
    note_overdue(probe, result, model);
}

static void take_ps(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (result->code == HOMELAB_E_NET_TIMEOUT && result->connected) {
        hl_say(probe, result, HOMELAB_CAUSE_LOADING,
               "fell silent though /api/tags answered: a model is being loaded or unloaded");
        hl_stop(probe);
        return;
    }
    if (!hl_accept(probe, result))
        return;
    cJSON *root = hl_answer_json(probe, result);
    const cJSON *models = hl_json_array(root, "models"), *item;
    if (models) {
        probe->seen.progress.known = true;
        for (size_t i = 0; i < probe->seen.model_count; i++)
            probe->seen.models[i].loaded = 0;
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "%d loaded", cJSON_GetArraySize(models));
        cJSON_ArrayForEach(item, models) take_loaded(probe, result, item);
        probe->working = probe->seen.progress.working;
    } else {
        hl_wrong_body(probe, result, "Ollama's list of loaded models was expected");
    }
    cJSON_Delete(root);
}

/* --- /api/show, once per model and digest --- */

static const char *digest_of(const cJSON *item)
{
    const char *digest = hl_json_string(item, "digest");
    return digest && *digest ? digest : hl_json_string(item, "name");
}

static bool worth_showing(struct hl_probe *probe, const cJSON *item, bool first_round)
{
    const char *name = hl_json_string(item, "name");
    const struct hl_model_state *model = hl_observation_find(&probe->seen, name);
    if (!model || hl_json_array(item, "capabilities") ||
        hl_memory_find(probe->memory, digest_of(item)))
        return false;
    return !first_round || model->loaded == 1 || hl_is_required(probe, name);
}

/* Models that matter most come first; the rest waits for the next probe when time runs short. */
static const cJSON *next_to_show(struct hl_probe *probe)
{
    const cJSON *item;
    for (int round = 0; round < 2; round++)
        cJSON_ArrayForEach(item, hl_json_array(probe->tags, "models"))
        {
            if (worth_showing(probe, item, round == 0))
                return item;
        }
    return NULL;
}

static bool ask_show(struct hl_probe *probe)
{
    bool late = probe->spent_us > probe->target.endpoint->timeout_us / 2;
    if (late || probe->cursor >= SHOWS_MAX)
        return false;
    probe->showing = next_to_show(probe);
    if (!probe->showing)
        return false;
    probe->cursor++;
    hl_ask_post(probe, "/api/show", true);
    hl_buf_puts(&probe->body, "{\"model\":");
    hl_buf_json(&probe->body, hl_json_string(probe->showing, "name"));
    hl_buf_puts(&probe->body, "}");
    return true;
}

static int64_t trained_context(const cJSON *info)
{
    const char *architecture = hl_json_string(info, "general.architecture");
    char key[96];
    if (!architecture)
        return -1;
    snprintf(key, sizeof key, "%.60s.context_length", architecture);
    return hl_json_int(info, key, -1);
}

/* Names that were copied from one another are one model. */
static void share(struct hl_probe *probe, const char *digest, uint32_t abilities, int64_t context)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, hl_json_array(probe->tags, "models"))
    {
        const char *other = digest_of(item);
        struct hl_model_state *model =
            hl_observation_find(&probe->seen, hl_json_string(item, "name"));
        if (!model || !other || !digest || strcmp(other, digest))
            continue;
        model->abilities = abilities;
        model->trained = context;
        if (model->loaded != 1 || model->context <= 0)
            model->context = context;
    }
}

static void take_show(struct hl_probe *probe, const struct hl_http_result *result)
{
    struct hl_model_state *model =
        hl_observation_find(&probe->seen, hl_json_string(probe->showing, "name"));
    /* A file that cannot be read in time says nothing about the service. */
    if (result->code != HOMELAB_OK) {
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "what %.60s can do could not be read",
               model ? model->name : "it");
        hl_stop(probe);
        return;
    }
    cJSON *root = hl_answer_json(probe, result);
    const cJSON *capabilities = hl_json_array(root, "capabilities");
    uint32_t abilities = result->status == 200 ? hl_abilities_of(capabilities) : 0;
    int64_t context = trained_context(hl_json_get(root, "model_info"));
    if (hl_memory_learn(probe->memory, digest_of(probe->showing), abilities, context))
        probe->no_memory = true;
    share(probe, digest_of(probe->showing), abilities, context);
    cJSON_Delete(root);
    probe->again = true;
}

/* --- canary --- */

/* Why a loaded model is not asked, or NULL. Ollama reloads a model whose num_ctx differs; it tells
 * the context in use, but cut to what the model was trained with, so at that bound the number that
 * it was loaded with cannot be known. */
static const char *canary_objection(const struct hl_probe *probe,
                                    const struct hl_model_state *model)
{
    if (!(model->abilities & (HL_ABILITY_COMPLETION | HL_ABILITY_EMBEDDING)))
        return "what the loaded model can do is not known";
    if (model->context <= 0 || model->expires_us <= 0)
        return "its context or expiry is not told";
    if (model->trained <= 0 || model->context >= model->trained)
        return "its context is at the model's bound, so asking could reload it";
    if (model->expires_us - server_now(probe) < CANARY_MARGIN_US)
        return "the loaded model is about to be unloaded or has a request in flight";
    return NULL;
}

static bool ask_canary(struct hl_probe *probe)
{
    const char *objection = "no model is loaded";
    const struct hl_model_state *model = NULL;
    for (size_t i = 0; i < probe->seen.model_count && objection; i++) {
        if (probe->seen.models[i].loaded != 1)
            continue;
        model = &probe->seen.models[i];
        objection = canary_objection(probe, model);
    }
    if (objection) {
        hl_canary_not_sent(probe, objection);
        return false;
    }
    bool completion = model->abilities & HL_ABILITY_COMPLETION;
    hl_ask_post(probe, completion ? "/api/generate" : "/api/embed", true);
    hl_buf_puts(&probe->body, "{\"model\":");
    hl_buf_json(&probe->body, model->name);
    hl_buf_printf(&probe->body, ",\"%s\":\"Hi\",\"stream\":false,\"options\":{%s\"num_ctx\":%lld}}",
                  completion ? "prompt" : "input", completion ? "\"num_predict\":1," : "",
                  (long long)model->context);
    probe->ask.canary = true;
    return true;
}

static void conclude(struct hl_probe *probe)
{
    hl_progress_unseen(
        probe, "not looked at: the runner, which does the work; Ollama's API shows nothing of it");
}

static const struct hl_step steps[] = {
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_tags, take_tags},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, false, ask_version, hl_version_take},
    {HL_LAYER_SCHEDULER, HL_DEPTH_SCHEDULER, false, ask_ps, take_ps},
    {HL_LAYER_HTTP, HL_DEPTH_HTTP, true, ask_show, take_show},
    {HL_LAYER_CANARY, HL_DEPTH_CANARY, false, ask_canary, hl_canary_take},
};
const struct hl_plan hl_plan_ollama = {HOMELAB_BACKEND_OLLAMA, steps, sizeof steps / sizeof *steps,
                                       conclude};
