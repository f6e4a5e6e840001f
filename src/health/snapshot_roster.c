#include "health/snapshot.h"

#include "core/error.h"

#include <stdlib.h>
#include <string.h>

struct sizes {
    size_t tiers, entries, order, strings, total;
};

static struct sizes measure(const char *const *tiers, size_t tier_count,
                            const struct hl_roster_entry *entries, size_t count)
{
    struct sizes size = {.tiers = tier_count * sizeof *tiers,
                         .entries = count * sizeof *entries,
                         .order = count * sizeof(uint32_t)};
    for (size_t i = 0; i < tier_count; i++)
        size.strings += strlen(tiers[i]) + 1;
    for (size_t i = 0; i < count; i++)
        size.strings +=
            strlen(entries[i].id) + 1 + (entries[i].node ? strlen(entries[i].node) + 1 : 0);
    size.total = sizeof(struct hl_roster) + size.tiers + size.entries + size.order + size.strings;
    return size;
}

static const char *put(char **at, const char *text)
{
    if (!text)
        return NULL;
    size_t length = strlen(text) + 1;
    char *copy = memcpy(*at, text, length);
    *at += length;
    return copy;
}

static int compare(const void *a, const void *b, void *userdata)
{
    const struct hl_roster_entry *entries = userdata;
    return strcmp(entries[*(const uint32_t *)a].id, entries[*(const uint32_t *)b].id);
}

int hl_roster_new(struct hl_roster **out, const char *const *tiers, size_t tier_count,
                  const struct hl_roster_entry *entries, size_t count)
{
    struct sizes size = measure(tiers, tier_count, entries, count);
    struct hl_roster *roster = hl_malloc(size.total);
    if (!roster)
        return hl_error_nomem();
    char *at = (char *)(roster + 1);
    *roster = (struct hl_roster){
        .tiers = (const char **)(void *)at, .tier_count = tier_count, .count = count};
    atomic_init(&roster->references, 1);
    at += size.tiers;
    roster->entries = (struct hl_roster_entry *)(void *)at;
    at += size.entries;
    roster->by_id = (uint32_t *)(void *)at;
    at += size.order;
    for (size_t i = 0; i < tier_count; i++)
        roster->tiers[i] = put(&at, tiers[i]);
    for (size_t i = 0; i < count; i++) {
        roster->entries[i] = (struct hl_roster_entry){put(&at, entries[i].id),
                                                      put(&at, entries[i].node), entries[i].tier};
        roster->by_id[i] = (uint32_t)i;
    }
    qsort_r(roster->by_id, count, sizeof *roster->by_id, compare, roster->entries);
    *out = roster;
    return 0;
}

int hl_roster_of(struct hl_roster **out, const struct hl_inventory_data *inventory)
{
    const char **tiers = hl_calloc(inventory->tier_count + 1, sizeof *tiers);
    struct hl_roster_entry *entries = hl_calloc(inventory->endpoint_count + 1, sizeof *entries);
    int code = tiers && entries ? 0 : hl_error_nomem();
    if (!code) {
        for (size_t i = 0; i < inventory->tier_count; i++)
            tiers[i] = inventory->tiers[i].name;
        for (size_t i = 0; i < inventory->endpoint_count; i++) {
            const struct hl_endpoint *endpoint = &inventory->endpoints[i];
            entries[i] = (struct hl_roster_entry){
                endpoint->id,
                endpoint->node == HL_NONE ? NULL : inventory->nodes[endpoint->node].id,
                endpoint->tier};
        }
        code = hl_roster_new(out, tiers, inventory->tier_count, entries, inventory->endpoint_count);
    }
    hl_free(entries);
    hl_free(tiers);
    return code;
}

struct hl_roster *hl_roster_ref(struct hl_roster *roster)
{
    atomic_fetch_add_explicit(&roster->references, 1, memory_order_relaxed);
    return roster;
}

void hl_roster_unref(struct hl_roster *roster)
{
    if (roster && atomic_fetch_sub_explicit(&roster->references, 1, memory_order_acq_rel) == 1)
        hl_free(roster);
}

size_t hl_roster_find(const struct hl_roster *roster, const char *id)
{
    size_t low = 0, high = roster->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(id, roster->entries[roster->by_id[middle]].id);
        if (order == 0)
            return roster->by_id[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return HL_NONE;
}
