/* Snapshots, from the inside. What never changes between two snapshots is shared: the roster by all
 * of one inventory, an endpoint's record by all snapshots between two of its probes. */
#ifndef HL_HEALTH_SNAPSHOT_H
#define HL_HEALTH_SNAPSHOT_H

#include "core/alloc.h"
#include "health/forecast.h"
#include "health/history.h"

#include <homelab/snapshot.h>
#include <stdatomic.h>

/* Most bytes of a snapshot as JSON or Prometheus text. */
#define HL_SNAPSHOT_TEXT_MAX (256u * 1024 * 1024)

/* --- Who is there: immutable, one block --- */
struct hl_roster_entry {
    const char *id;
    const char *node; /* or NULL */
    size_t tier;
};
struct hl_roster {
    atomic_uint references;
    const char **tiers;
    size_t tier_count;
    struct hl_roster_entry *entries; /* in file order */
    size_t count;
    uint32_t *by_id; /* entries' indices in the order of their ids */
};
/* Copies the strings. 0, or HOMELAB_E_NOMEM. */
int hl_roster_new(struct hl_roster **out, const char *const *tiers, size_t tier_count,
                  const struct hl_roster_entry *entries, size_t count);
int hl_roster_of(struct hl_roster **out, const struct hl_inventory_data *inventory);
struct hl_roster *hl_roster_ref(struct hl_roster *roster);
void hl_roster_unref(struct hl_roster *roster);
size_t hl_roster_find(const struct hl_roster *roster, const char *id); /* or HL_NONE */

/* --- What is known of one endpoint: one block, immutable while a snapshot shares it --- */
struct hl_record_evidence {
    enum hl_layer layer;
    int cause, code;
    int64_t elapsed_us;
    const char *text;
};
struct hl_facts {
    int backend, verdict, cause;
    const char *text;
    const char *version; /* or NULL */
    int64_t latency_us;  /* -1 unknown */
    int64_t probed_us;   /* wall clock, 0 never */
    int slots;           /* -1 unknown */
    double uptime;       /* -1 without history */
    bool maintenance, gateway;
    uint32_t can;
    const struct hl_record_evidence *evidence;
    size_t evidence_count;
    const struct hl_model_state *models;
    size_t model_count;
    const struct hl_latency_point *latency;
    size_t latency_count;
};
struct hl_record {
    atomic_uint references;
    size_t capacity; /* bytes behind the record */
    struct hl_facts facts;
};
/* Copies the facts into *record, in place when nobody shares it and they fit, else into a new one
 * in its stead (NULL is allowed). The facts must not point into *record unless it is shared. 0, or
 * HOMELAB_E_NOMEM with *record as it was. */
int hl_record_write(struct hl_record **record, const struct hl_facts *facts);
struct hl_record *hl_record_ref(struct hl_record *record);
void hl_record_unref(struct hl_record *record);

/* --- The snapshot --- */
struct homelab_snapshot {
    atomic_uint references;
    homelab_allocator *allocator;
    int64_t generation, time_us;
    struct hl_roster *roster;
    struct hl_record **records; /* one an entry of the roster */
    struct hl_forecast forecast;
};
/* Takes references to roster and records. 0, or HOMELAB_E_NOMEM. */
int hl_snapshot_make(homelab_snapshot **out, homelab_allocator *allocator, struct hl_roster *roster,
                     struct hl_record *const *records, uint32_t declared, int64_t generation,
                     int64_t time_us);
struct hl_forecast_endpoint hl_snapshot_forecast_endpoint(const struct hl_roster *roster, size_t i,
                                                          const struct hl_facts *facts);

int hl_verdict_from_name(const char *name); /* or -1 */
int hl_cause_from_name(const char *name);   /* or -1 */
/* Names of HL_ABILITY_ bits, in this order. */
#define HL_ABILITY_COUNT 4
const char *hl_ability_name(size_t i);

#endif
