#include "health/snapshot.h"

#include "core/error.h"

#include <string.h>

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static size_t measure(const struct hl_facts *facts)
{
    size_t size = facts->evidence_count * sizeof *facts->evidence +
                  facts->model_count * sizeof *facts->models +
                  facts->latency_count * sizeof *facts->latency + text_size(facts->text) +
                  text_size(facts->version);
    for (size_t i = 0; i < facts->evidence_count; i++)
        size += text_size(facts->evidence[i].text);
    for (size_t i = 0; i < facts->model_count; i++)
        size += text_size(facts->models[i].name);
    return size;
}

/* The arrays first, from the most strictly aligned on, then the strings. */
static void *put(char **at, const void *data, size_t size)
{
    if (!data)
        return NULL;
    void *copy = *at;
    if (size)
        memcpy(copy, data, size);
    *at += size;
    return copy;
}

static void fill(struct hl_record *record, const struct hl_facts *facts)
{
    char *at = (char *)(record + 1);
    record->facts = *facts;
    struct hl_model_state *models =
        put(&at, facts->models, facts->model_count * sizeof *facts->models);
    struct hl_record_evidence *evidence =
        put(&at, facts->evidence, facts->evidence_count * sizeof *facts->evidence);
    record->facts.latency = put(&at, facts->latency, facts->latency_count * sizeof *facts->latency);
    for (size_t i = 0; i < facts->model_count; i++)
        models[i].name = put(&at, facts->models[i].name, text_size(facts->models[i].name));
    for (size_t i = 0; i < facts->evidence_count; i++)
        evidence[i].text = put(&at, facts->evidence[i].text, text_size(facts->evidence[i].text));
    record->facts.models = models;
    record->facts.evidence = evidence;
    record->facts.text = put(&at, facts->text, text_size(facts->text));
    record->facts.version = put(&at, facts->version, text_size(facts->version));
}

int hl_record_write(struct hl_record **record, const struct hl_facts *facts)
{
    size_t size = measure(facts);
    struct hl_record *old = *record;
    /* Only the owner gives out references, so a count of one cannot rise meanwhile. */
    if (old && old->capacity >= size &&
        atomic_load_explicit(&old->references, memory_order_acquire) == 1) {
        fill(old, facts);
        return 0;
    }
    /* A little room to grow, so that one longer line next time takes no memory. */
    size_t capacity = size + size / 4 + 64;
    struct hl_record *fresh = hl_malloc(sizeof *fresh + capacity);
    if (!fresh)
        return hl_error_nomem();
    atomic_init(&fresh->references, 1);
    fresh->capacity = capacity;
    fill(fresh, facts);
    hl_record_unref(old);
    *record = fresh;
    return 0;
}

struct hl_record *hl_record_ref(struct hl_record *record)
{
    atomic_fetch_add_explicit(&record->references, 1, memory_order_relaxed);
    return record;
}

void hl_record_unref(struct hl_record *record)
{
    if (record && atomic_fetch_sub_explicit(&record->references, 1, memory_order_acq_rel) == 1)
        hl_free(record);
}
