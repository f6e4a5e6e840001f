/* What feedback changes and decisions read: one line of atomic counters for each endpoint and each
 * expert, found by name when a table is built and by number afterwards. Lines stay where they are
 * until the ledger goes, so tables old and new share them. */
#ifndef HL_ROUTE_LEDGER_H
#define HL_ROUTE_LEDGER_H

#include "route/breaker.h"

#include <stdatomic.h>
#include <stddef.h>

/* What a decision reads of an expert, in one load. */
union hl_pace {
    struct {
        float wait_s;      /* for the first byte, with loading */
        float per_token_s; /* average time of a generated token */
    };
    uint64_t both;
};

/* All loads and stores are relaxed: each field stands for itself. */
struct hl_live {
    _Alignas(64) _Atomic uint64_t breaker;
    _Atomic uint64_t pace; /* union hl_pace, of the averages below */
    _Atomic uint32_t in_flight;
    _Atomic uint32_t samples;   /* successes that the averages are made of */
    _Atomic float first_byte_s; /* average of a loaded model */
    _Atomic float per_token_s;
    _Atomic float service_s;     /* average of whole requests */
    _Atomic float cold_s;        /* what loading it would add now; 0 when it is loaded */
    _Atomic float load_s;        /* average of what loading took, 0 unknown */
    _Atomic uint32_t generation; /* changes when the line is given to another name */
    _Atomic uint32_t parent;     /* of an expert: its endpoint's line */
    _Atomic uint64_t seen;       /* of an endpoint: outcomes that no prober was told of yet */
};

struct hl_ledger;

#define HL_LEDGER_MAX 65535u

int hl_ledger_new(struct hl_ledger **out); /* 0 or HOMELAB_E_NOMEM */
struct hl_ledger *hl_ledger_ref(struct hl_ledger *ledger);
void hl_ledger_unref(struct hl_ledger *ledger);
/* The line, which must exist. Any thread. */
struct hl_live *hl_ledger_at(const struct hl_ledger *ledger, uint32_t number);
/* How many lines there are; numbers below it exist. Any thread. */
uint32_t hl_ledger_count(const struct hl_ledger *ledger);

/* Changes a breaker's word from *before, which is reloaded on failure; counts the lines whose word
 * is not 0, so that decisions need not look while there is none. */
bool hl_ledger_set_breaker(struct hl_ledger *ledger, struct hl_live *live, uint64_t *before,
                           uint64_t to);
bool hl_ledger_troubled(const struct hl_ledger *ledger);

/* --- By one thread at a time --- */
/* From here to the next call, lines that are taken count as in use. */
void hl_ledger_begin(struct hl_ledger *ledger);
/* The line of that name, made when it is not there; when there is no room, in place of one that is
 * not in use. 0, HOMELAB_E_NOMEM or HOMELAB_E_LIMIT with a record. */
int hl_ledger_take(struct hl_ledger *ledger, const char *endpoint, const char *model,
                   uint32_t *number);

/* --- Outcomes on their way to a prober: the last eight, oldest first --- */
void hl_live_tell(struct hl_live *endpoint, int outcome, int64_t elapsed_us);
struct hl_outcome {
    int outcome;
    int64_t elapsed_us; /* to a factor of four */
};
size_t hl_live_told(struct hl_live *endpoint, struct hl_outcome outcomes[8]);

static inline float hl_get(const _Atomic float *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}
static inline void hl_put(_Atomic float *value, double to)
{
    atomic_store_explicit(value, (float)to, memory_order_relaxed);
}
static inline uint64_t hl_get_pace(const struct hl_live *live)
{
    return atomic_load_explicit(&live->pace, memory_order_relaxed);
}
/* After a change to the averages. */
static inline void hl_set_pace(struct hl_live *live)
{
    union hl_pace pace = {.wait_s = hl_get(&live->first_byte_s) + hl_get(&live->cold_s),
                          .per_token_s = hl_get(&live->per_token_s)};
    atomic_store_explicit(&live->pace, pace.both, memory_order_relaxed);
}

#endif
