#include "health/snapshot.h"

#include "core/api.h"
#include "health/state.h"

#include <string.h>

/* --- Everything works as declared --- */

static struct hl_model_state declared_model(const struct hl_model *model)
{
    return (struct hl_model_state){.name = model->name,
                                   .loaded = -1,
                                   .abilities = model->abilities,
                                   .context = model->context ? model->context : -1,
                                   .size_bytes = -1,
                                   .vram_bytes = -1};
}

static bool serves(const struct hl_model *model, size_t endpoint)
{
    for (size_t i = 0; i < model->endpoint_count; i++)
        if (model->endpoints[i] == endpoint)
            return true;
    return false;
}

static int assume_endpoint(struct hl_record **out, const struct hl_inventory_data *inventory,
                           size_t i)
{
    struct hl_model_state *models = hl_calloc(inventory->model_count + 1, sizeof *models);
    if (!models)
        return hl_error_nomem();
    size_t count = 0;
    for (size_t j = 0; j < inventory->model_count; j++)
        if (serves(&inventory->models[j], i))
            models[count++] = declared_model(&inventory->models[j]);
    int backend = inventory->endpoints[i].backend;
    struct hl_facts facts = {
        .backend = backend,
        .verdict = HOMELAB_VERDICT_HEALTHY,
        .text = "assumed to work as declared",
        .latency_us = -1,
        .slots = -1,
        .uptime = -1,
        .gateway = hl_is_gateway(inventory, i, backend),
        .can = hl_serves_of(inventory, i, backend, NULL, 0, false).can,
        .models = models,
        .model_count = count,
    };
    int code = hl_record_write(out, &facts);
    hl_free(models);
    return code;
}

/* What the cluster has when everything works is what may be lost. */
static uint32_t all_it_can(struct hl_record *const *records, size_t count)
{
    uint32_t set = 0;
    for (size_t i = 0; i < count; i++)
        if (hl_verdict_usable(records[i]->facts.verdict))
            set |= records[i]->facts.can;
    return set;
}

int homelab_snapshot_assume(homelab_snapshot **out, const homelab_inventory *inventory)
{
    HL_API(inventory ? hl_inventory_allocator(inventory) : NULL);
    if (!out || !inventory)
        return hl_error_argument(out ? "inventory" : "out", "not NULL");
    const struct hl_inventory_data *data = hl_inventory_data(inventory);
    struct hl_roster *roster = NULL;
    struct hl_record **records = hl_calloc(data->endpoint_count + 1, sizeof *records);
    int code = records ? hl_roster_of(&roster, data) : hl_error_nomem();
    for (size_t i = 0; i < data->endpoint_count && !code; i++)
        code = assume_endpoint(&records[i], data, i);
    if (!code)
        code = hl_snapshot_make(
            out, hl_inventory_allocator(inventory), roster, records,
            hl_declared_capabilities(data) | all_it_can(records, data->endpoint_count), 0, 0);
    for (size_t i = 0; records && i < data->endpoint_count; i++)
        hl_record_unref(records[i]);
    hl_free(records);
    hl_roster_unref(roster);
    return code;
}

/* --- Some of it fails --- */

static bool is_named(const char *name, const char *part, size_t length)
{
    return name && strlen(name) == length && memcmp(name, part, length) == 0;
}

static int fail_endpoint(struct hl_record **record)
{
    /* Held, so that it is not written in place: the facts point into it. */
    struct hl_record *old = hl_record_ref(*record);
    struct hl_facts facts = old->facts;
    facts.verdict = HOMELAB_VERDICT_DOWN;
    facts.cause = HOMELAB_CAUSE_NO_ROUTE;
    facts.text = "assumed to be gone";
    facts.latency_us = -1;
    facts.evidence_count = 0;
    facts.model_count = 0;
    int code = hl_record_write(record, &facts);
    hl_record_unref(old);
    return code;
}

/* Fails what one name stands for: a node, else an endpoint. */
static int fail_named(const struct hl_roster *roster, struct hl_record **records, const char *part,
                      size_t length)
{
    bool node = false, found = false;
    for (size_t i = 0; i < roster->count && !node; i++)
        node = is_named(roster->entries[i].node, part, length);
    for (size_t i = 0; i < roster->count; i++) {
        if (!is_named(node ? roster->entries[i].node : roster->entries[i].id, part, length))
            continue;
        found = true;
        int code = fail_endpoint(&records[i]);
        if (code)
            return code;
    }
    if (found)
        return 0;
    int shown = length < 100 ? (int)length : 100;
    char subject[104];
    memcpy(subject, part, (size_t)shown);
    subject[shown] = '\0';
    return hl_error_set(HOMELAB_E_NOT_FOUND, 0, subject,
                        "'%s' is neither a node nor an endpoint of the snapshot", subject);
}

static int fail_all(const struct hl_roster *roster, struct hl_record **records, const char *names)
{
    for (const char *at = names;;) {
        at += strspn(at, " ");
        size_t length = strcspn(at, ",");
        size_t used = length;
        while (used && at[used - 1] == ' ')
            used--;
        int code = fail_named(roster, records, at, used);
        if (code || !at[length])
            return code;
        at += length + 1;
    }
}

int homelab_snapshot_without(homelab_snapshot **out, const homelab_snapshot *snapshot,
                             const char *nodes)
{
    HL_API(snapshot ? snapshot->allocator : NULL);
    if (!out || !snapshot || !nodes)
        return hl_error_argument(!out ? "out" : snapshot ? "nodes" : "snapshot", "not NULL");
    const struct hl_roster *roster = snapshot->roster;
    struct hl_record **records = hl_calloc(roster->count + 1, sizeof *records);
    if (!records)
        return hl_error_nomem();
    for (size_t i = 0; i < roster->count; i++)
        records[i] = hl_record_ref(snapshot->records[i]);
    uint32_t declared = snapshot->forecast.declared | all_it_can(records, roster->count);
    int code = fail_all(roster, records, nodes);
    if (!code)
        code = hl_snapshot_make(out, snapshot->allocator, snapshot->roster, records, declared,
                                snapshot->generation, snapshot->time_us);
    for (size_t i = 0; i < roster->count; i++)
        hl_record_unref(records[i]);
    hl_free(records);
    return code;
}
