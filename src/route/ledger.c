#include "route/ledger.h"

#include "core/alloc.h"
#include "core/error.h"

#include <string.h>

#define CHUNK       64u
#define CHUNK_COUNT ((HL_LEDGER_MAX + CHUNK) / CHUNK)

struct name {
    char *text; /* endpoint, line feed, model */
    uint64_t hash;
    uint64_t used; /* in which build */
    uint32_t next; /* in the bucket, number + 1 */
};

struct chunk {
    void *memory;
    struct hl_live *lines; /* on a boundary of cache lines */
    struct name names[CHUNK];
};

struct hl_ledger {
    atomic_uint references;
    atomic_uint count;
    atomic_uint troubled; /* lines whose breaker is not 0 */
    _Atomic(struct chunk *) chunks[CHUNK_COUNT];
    uint64_t build;
    uint32_t *buckets; /* number + 1 of the first */
    uint32_t bucket_count;
};

int hl_ledger_new(struct hl_ledger **out)
{
    struct hl_ledger *ledger = hl_calloc(1, sizeof *ledger);
    if (!ledger)
        return hl_error_nomem();
    atomic_init(&ledger->references, 1);
    *out = ledger;
    return HOMELAB_OK;
}

struct hl_ledger *hl_ledger_ref(struct hl_ledger *ledger)
{
    atomic_fetch_add_explicit(&ledger->references, 1, memory_order_relaxed);
    return ledger;
}

static void free_chunk(struct chunk *chunk)
{
    for (size_t i = 0; i < CHUNK; i++)
        hl_free(chunk->names[i].text);
    hl_free(chunk->memory);
    hl_free(chunk);
}

void hl_ledger_unref(struct hl_ledger *ledger)
{
    if (!ledger || atomic_fetch_sub_explicit(&ledger->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < CHUNK_COUNT && ledger->chunks[i]; i++)
        free_chunk(ledger->chunks[i]);
    hl_free(ledger->buckets);
    hl_free(ledger);
}

static struct chunk *chunk_at(const struct hl_ledger *ledger, uint32_t number)
{
    return atomic_load_explicit(&ledger->chunks[number / CHUNK], memory_order_acquire);
}

struct hl_live *hl_ledger_at(const struct hl_ledger *ledger, uint32_t number)
{
    return &chunk_at(ledger, number)->lines[number % CHUNK];
}

uint32_t hl_ledger_count(const struct hl_ledger *ledger)
{
    return atomic_load_explicit(&ledger->count, memory_order_acquire);
}

bool hl_ledger_set_breaker(struct hl_ledger *ledger, struct hl_live *live, uint64_t *before,
                           uint64_t to)
{
    uint64_t found = *before;
    bool changed = atomic_compare_exchange_weak_explicit(
        &live->breaker, &found, to, memory_order_relaxed, memory_order_relaxed);
    *before = found;
    if (!changed)
        return false;
    if (!*before && to)
        atomic_fetch_add_explicit(&ledger->troubled, 1, memory_order_relaxed);
    else if (*before && !to)
        atomic_fetch_sub_explicit(&ledger->troubled, 1, memory_order_relaxed);
    return true;
}

bool hl_ledger_troubled(const struct hl_ledger *ledger)
{
    return atomic_load_explicit(&ledger->troubled, memory_order_relaxed) > 0;
}

void hl_ledger_begin(struct hl_ledger *ledger)
{
    ledger->build++;
}

static struct name *name_at(const struct hl_ledger *ledger, uint32_t number)
{
    return &chunk_at(ledger, number)->names[number % CHUNK];
}

static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return hash ^ hash >> 32;
}

static void link_name(struct hl_ledger *ledger, uint32_t number)
{
    struct name *name = name_at(ledger, number);
    uint32_t *bucket = &ledger->buckets[name->hash & (ledger->bucket_count - 1)];
    name->next = *bucket;
    *bucket = number + 1;
}

static void unlink_name(struct hl_ledger *ledger, uint32_t number)
{
    struct name *name = name_at(ledger, number);
    uint32_t *at = &ledger->buckets[name->hash & (ledger->bucket_count - 1)];
    while (*at != number + 1)
        at = &name_at(ledger, *at - 1)->next;
    *at = name->next;
}

static int reserve_buckets(struct hl_ledger *ledger)
{
    uint32_t count = hl_ledger_count(ledger);
    if (count < ledger->bucket_count)
        return HOMELAB_OK;
    uint32_t wanted = ledger->bucket_count ? 2 * ledger->bucket_count : 128;
    uint32_t *buckets = hl_calloc(wanted, sizeof *buckets);
    if (!buckets)
        return hl_error_nomem();
    hl_free(ledger->buckets);
    ledger->buckets = buckets;
    ledger->bucket_count = wanted;
    for (uint32_t i = 0; i < count; i++)
        link_name(ledger, i);
    return HOMELAB_OK;
}

static int reserve_chunk(struct hl_ledger *ledger, uint32_t number)
{
    if (chunk_at(ledger, number))
        return HOMELAB_OK;
    struct chunk *chunk = hl_calloc(1, sizeof *chunk);
    void *memory = hl_calloc(CHUNK + 1, sizeof(struct hl_live));
    if (!chunk || !memory) {
        hl_free(chunk);
        hl_free(memory);
        return hl_error_nomem();
    }
    uintptr_t start = ((uintptr_t)memory + 63) & ~(uintptr_t)63;
    chunk->memory = memory;
    chunk->lines = (struct hl_live *)start;
    atomic_store_explicit(&ledger->chunks[number / CHUNK], chunk, memory_order_release);
    return HOMELAB_OK;
}

static bool in_use(const struct hl_ledger *ledger, uint32_t number)
{
    const struct hl_live *live = hl_ledger_at(ledger, number);
    return name_at(ledger, number)->used == ledger->build ||
           atomic_load_explicit(&live->in_flight, memory_order_relaxed) > 0;
}

/* Wipes a line for another name; late feedback on the former one finds another generation. */
static void wipe(struct hl_ledger *ledger, struct hl_live *live)
{
    uint64_t word = atomic_load_explicit(&live->breaker, memory_order_relaxed);
    atomic_fetch_add_explicit(&live->generation, 1, memory_order_relaxed);
    while (!hl_ledger_set_breaker(ledger, live, &word, 0))
        continue;
    atomic_store_explicit(&live->samples, 0, memory_order_relaxed);
    atomic_store_explicit(&live->seen, 0, memory_order_relaxed);
    hl_put(&live->first_byte_s, 0);
    hl_put(&live->per_token_s, 0);
    hl_put(&live->service_s, 0);
    hl_put(&live->cold_s, 0);
    hl_put(&live->load_s, 0);
    hl_set_pace(live);
}

static int find_room(struct hl_ledger *ledger, uint32_t *number)
{
    uint32_t count = hl_ledger_count(ledger);
    if (count < HL_LEDGER_MAX) {
        *number = count;
        return reserve_chunk(ledger, count);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (in_use(ledger, i))
            continue;
        unlink_name(ledger, i);
        hl_free(name_at(ledger, i)->text);
        name_at(ledger, i)->text = NULL;
        wipe(ledger, hl_ledger_at(ledger, i));
        *number = i;
        return HOMELAB_OK;
    }
    return hl_error_set(HOMELAB_E_LIMIT, 0, "router", "router: more than %u endpoints and models",
                        HL_LEDGER_MAX);
}

static char *join(const char *endpoint, const char *model)
{
    size_t first = strlen(endpoint), second = strlen(model);
    char *text = hl_malloc(first + second + 2);
    if (!text)
        return NULL;
    memcpy(text, endpoint, first);
    text[first] = '\n';
    memcpy(text + first + 1, model, second + 1);
    return text;
}

static bool find(const struct hl_ledger *ledger, const char *text, uint64_t hash, uint32_t *number)
{
    uint32_t at = ledger->buckets[hash & (ledger->bucket_count - 1)];
    while (at && (name_at(ledger, at - 1)->hash != hash ||
                  strcmp(name_at(ledger, at - 1)->text, text) != 0))
        at = name_at(ledger, at - 1)->next;
    *number = at - 1;
    return at;
}

int hl_ledger_take(struct hl_ledger *ledger, const char *endpoint, const char *model,
                   uint32_t *number)
{
    int code = reserve_buckets(ledger);
    char *text = code ? NULL : join(endpoint, model);
    if (!text)
        return code ? code : hl_error_nomem();
    uint64_t hash = hash_of(text);
    if (find(ledger, text, hash, number)) {
        hl_free(text);
        name_at(ledger, *number)->used = ledger->build;
        return HOMELAB_OK;
    }
    code = find_room(ledger, number);
    if (code) {
        hl_free(text);
        return code;
    }
    struct name *name = name_at(ledger, *number);
    *name = (struct name){.text = text, .hash = hash, .used = ledger->build};
    link_name(ledger, *number);
    if (*number == hl_ledger_count(ledger))
        atomic_store_explicit(&ledger->count, *number + 1, memory_order_release);
    return HOMELAB_OK;
}

/* --- Outcomes --- */

/* A byte each: 0x80, outcome in three bits, elapsed as a power of four of milliseconds. */
void hl_live_tell(struct hl_live *endpoint, int outcome, int64_t elapsed_us)
{
    uint64_t power = 0;
    for (int64_t ms = elapsed_us / 1000; ms >= 4 && power < 15; ms /= 4)
        power++;
    uint64_t entry = 0x80 | (uint64_t)(outcome & 7) << 4 | power;
    uint64_t before = atomic_load_explicit(&endpoint->seen, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&endpoint->seen, &before, before << 8 | entry,
                                                  memory_order_relaxed, memory_order_relaxed))
        continue;
}

size_t hl_live_told(struct hl_live *endpoint, struct hl_outcome outcomes[8])
{
    if (!atomic_load_explicit(&endpoint->seen, memory_order_relaxed))
        return 0;
    uint64_t seen = atomic_exchange_explicit(&endpoint->seen, 0, memory_order_relaxed);
    size_t count = 0;
    for (int shift = 56; shift >= 0; shift -= 8) {
        unsigned entry = (unsigned)(seen >> shift) & 0xff;
        if (!(entry & 0x80))
            continue;
        int64_t ms = INT64_C(1) << 2 * (entry & 15);
        outcomes[count++] =
            (struct hl_outcome){.outcome = (int)(entry >> 4 & 7), .elapsed_us = ms * 1000};
    }
    return count;
}
