#include "health/observation.h"

#include "core/alloc.h"
#include "core/error.h"
#include "core/utf8.h"
#include "health/verdict.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const layer_names[HL_LAYER_COUNT] = {"tcp",      "http",   "scheduler",
                                                        "progress", "canary", "passive"};

const char *hl_layer_name(enum hl_layer layer)
{
    return (unsigned)layer < HL_LAYER_COUNT ? layer_names[layer] : NULL;
}

int hl_layer_from_name(const char *name)
{
    for (int i = 0; name && i < HL_LAYER_COUNT; i++)
        if (!strcmp(name, layer_names[i]))
            return i;
    return -1;
}

/* Evidence beyond evidence_count is never read, so the array is not touched: it is most of the
 * structure, and this runs several times a probe. */
void hl_observation_init(struct hl_observation *observation)
{
    const size_t behind = offsetof(struct hl_observation, evidence_count);
    memset(observation, 0, offsetof(struct hl_observation, evidence));
    memset((char *)observation + behind, 0, sizeof *observation - behind);
    observation->deciding = HL_NONE;
    observation->slots = -1;
    observation->latency_us = -1;
}

void hl_observation_move(struct hl_observation *to, struct hl_observation *from)
{
    const size_t behind = offsetof(struct hl_observation, evidence_count);
    memcpy(to, from, offsetof(struct hl_observation, evidence));
    memcpy(to->evidence, from->evidence, from->evidence_count * sizeof *from->evidence);
    memcpy((char *)to + behind, (const char *)from + behind, sizeof *from - behind);
    hl_observation_init(from);
}

static size_t kept_models(const struct hl_observation *observation)
{
    return observation->model_count > observation->model_kept ? observation->model_count
                                                              : observation->model_kept;
}

void hl_observation_clear(struct hl_observation *observation)
{
    for (size_t i = 0; i < kept_models(observation); i++)
        hl_free(observation->models[i].name);
    hl_free(observation->models);
    hl_observation_init(observation);
}

void hl_observation_recycle(struct hl_observation *observation)
{
    struct hl_model_state *models = observation->models;
    size_t capacity = observation->model_capacity, kept = kept_models(observation);
    hl_observation_init(observation);
    observation->models = models;
    observation->model_capacity = capacity;
    observation->model_kept = kept;
}

void hl_observation_lend(struct hl_observation *to, struct hl_observation *from)
{
    to->models = from->models;
    to->model_capacity = from->model_capacity;
    to->model_kept = from->model_kept;
    from->models = NULL;
    from->model_capacity = from->model_kept = 0;
}

__attribute__((format(printf, 2, 0))) static void format_text(char *out, const char *format,
                                                              va_list arguments)
{
    char whole[2 * HL_EVIDENCE_TEXT];
    vsnprintf(whole, sizeof whole, format, arguments);
    hl_text_clean(whole, sizeof whole);
    size_t length = strlen(whole);
    if (length >= HL_EVIDENCE_TEXT)
        length = hl_utf8_cut(whole, length, HL_EVIDENCE_TEXT - 1);
    memcpy(out, whole, length);
    out[length] = '\0';
}

static struct hl_evidence *place(struct hl_observation *observation, int verdict, int cause)
{
    if (observation->evidence_count < HL_EVIDENCE_MAX)
        return &observation->evidence[observation->evidence_count++];
    struct hl_evidence *last = &observation->evidence[HL_EVIDENCE_MAX - 1];
    int rank = hl_verdict_rank(HL_LAYER_PASSIVE, verdict, cause);
    return rank > hl_verdict_rank(HL_LAYER_PASSIVE, last->verdict, last->cause) ? last : NULL;
}

__attribute__((format(printf, 7, 0))) static void add(struct hl_observation *observation,
                                                      enum hl_layer layer, int verdict, int cause,
                                                      int code, int64_t elapsed_us,
                                                      const char *format, va_list arguments)
{
    struct hl_evidence *evidence = place(observation, verdict, cause);
    if (!evidence)
        return;
    evidence->layer = layer;
    evidence->verdict = verdict;
    evidence->cause = cause;
    evidence->code = code;
    evidence->elapsed_us = elapsed_us;
    format_text(evidence->text, format, arguments);
}

void hl_observation_add(struct hl_observation *observation, enum hl_layer layer, int cause,
                        int code, int64_t elapsed_us, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(observation, layer, hl_verdict_of_cause(cause), cause, code, elapsed_us, format, arguments);
    va_end(arguments);
}

void hl_observation_add_as(struct hl_observation *observation, enum hl_layer layer, int verdict,
                           int cause, int code, int64_t elapsed_us, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(observation, layer, verdict, cause, code, elapsed_us, format, arguments);
    va_end(arguments);
}

struct hl_model_state *hl_observation_find(const struct hl_observation *observation,
                                           const char *name)
{
    for (size_t i = 0; i < observation->model_count; i++)
        if (!strcmp(observation->models[i].name, name))
            return &observation->models[i];
    return NULL;
}

/* In the memory of the name that stood there in the look before, where it is long enough. */
static char *copy_name(struct hl_observation *observation, const char *name)
{
    size_t i = observation->model_count, length = strlen(name);
    if (i >= observation->model_kept)
        return hl_strdup(name);
    char *kept = observation->models[i].name;
    if (strlen(kept) < length) {
        kept = hl_realloc(kept, length + 1);
        if (!kept)
            return NULL;
    }
    return memcpy(kept, name, length + 1);
}

struct hl_model_state *hl_observation_model(struct hl_observation *observation, const char *name)
{
    struct hl_model_state *known = hl_observation_find(observation, name);
    if (known)
        return known;
    if (hl_grow((void **)&observation->models, &observation->model_capacity,
                observation->model_count, sizeof *observation->models))
        return NULL;
    char *copy = copy_name(observation, name);
    if (!copy)
        return NULL;
    hl_text_clean(copy, strlen(copy) + 1);
    struct hl_model_state *model = &observation->models[observation->model_count++];
    *model = (struct hl_model_state){.name = copy,
                                     .loaded = -1,
                                     .context = -1,
                                     .trained = -1,
                                     .size_bytes = -1,
                                     .vram_bytes = -1};
    return model;
}
