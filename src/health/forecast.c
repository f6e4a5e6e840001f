#include "health/forecast.h"

#include "core/alloc.h"
#include "core/buf.h"
#include "core/error.h"
#include "health/state.h"

#include <string.h>

/* Endpoints or tiers named one by one in a text before the rest is counted. */
#define NAMED_MAX 3

int hl_tally_init(struct hl_tally *tally, size_t tier_count)
{
    *tally = (struct hl_tally){.tier_count = tier_count};
    tally->tiers = hl_calloc(tier_count ? tier_count : 1, sizeof *tally->tiers);
    return tally->tiers ? 0 : HOMELAB_E_NOMEM;
}

void hl_tally_clear(struct hl_tally *tally)
{
    hl_free(tally->tiers);
    *tally = (struct hl_tally){0};
}

static void count_one(size_t *sum, bool counts, bool add)
{
    if (counts)
        *sum = add ? *sum + 1 : *sum - 1;
}

static void tally(struct hl_tally *tally, const struct hl_forecast_endpoint *endpoint, bool add)
{
    bool known = endpoint->verdict != HOMELAB_VERDICT_UNKNOWN;
    bool usable = hl_verdict_usable(endpoint->verdict);
    struct hl_tally_tier *tier = &tally->tiers[endpoint->tier];
    count_one(&tier->total, true, add);
    count_one(&tier->known, known, add);
    count_one(&tier->usable, usable, add);
    count_one(&tier->healthy, endpoint->verdict == HOMELAB_VERDICT_HEALTHY, add);
    for (size_t i = 0; i < HL_CAP_COUNT; i++) {
        if (!(endpoint->can & 1u << i))
            continue;
        count_one(&tally->could[i], !endpoint->gateway, add);
        count_one(&tally->usable[i], usable && !endpoint->gateway, add);
        count_one(&tally->gateway[i], usable && endpoint->gateway, add);
        count_one(&tally->unknown[i], !known, add);
    }
}

void hl_tally_add(struct hl_tally *sums, const struct hl_forecast_endpoint *endpoint)
{
    tally(sums, endpoint, true);
}

void hl_tally_remove(struct hl_tally *sums, const struct hl_forecast_endpoint *endpoint)
{
    tally(sums, endpoint, false);
}

/* The rule, the same for endpoints of a tier and for tiers. */
static int rule(size_t healthy, size_t usable, size_t known)
{
    if (!known)
        return HOMELAB_VERDICT_UNKNOWN;
    if (healthy == known)
        return HOMELAB_VERDICT_HEALTHY;
    return usable ? HOMELAB_VERDICT_DEGRADED : HOMELAB_VERDICT_DOWN;
}

int hl_tally_tier_verdict(const struct hl_tally *sums, size_t tier)
{
    const struct hl_tally_tier *of = &sums->tiers[tier];
    return rule(of->healthy, of->usable, of->known);
}

int hl_tally_verdict(const struct hl_tally *sums)
{
    size_t healthy = 0, usable = 0, known = 0;
    for (size_t i = 0; i < sums->tier_count; i++) {
        int verdict = hl_tally_tier_verdict(sums, i);
        known += verdict != HOMELAB_VERDICT_UNKNOWN;
        healthy += verdict == HOMELAB_VERDICT_HEALTHY;
        usable += verdict == HOMELAB_VERDICT_HEALTHY || verdict == HOMELAB_VERDICT_DEGRADED;
    }
    return rule(healthy, usable, known);
}

uint32_t hl_tally_served(const struct hl_tally *sums)
{
    uint32_t served = 0;
    for (size_t i = 0; i < HL_CAP_COUNT; i++)
        if (sums->usable[i] || (sums->gateway[i] && !sums->could[i]))
            served |= 1u << i;
    return served;
}

uint32_t hl_tally_lost(const struct hl_tally *sums, uint32_t declared)
{
    uint32_t lost = declared & ~hl_tally_served(sums);
    for (size_t i = 0; i < HL_CAP_COUNT; i++)
        if (sums->unknown[i])
            lost &= ~(1u << i);
    return lost;
}

/* --- Texts --- */

/* The head of text that fits, cut where a character ends. */
static void fit(char *out, size_t size, struct hl_buf *text)
{
    size_t length = text->length < size ? text->length : size - 1;
    while (length < text->length && length && ((unsigned char)text->data[length] & 0xc0) == 0x80)
        length--;
    if (length)
        memcpy(out, text->data, length);
    out[length] = '\0';
}

static void put_endpoint(struct hl_buf *text, const struct hl_forecast_endpoint *endpoint)
{
    hl_buf_printf(text, "%s %s", endpoint->id, homelab_verdict_name(endpoint->verdict));
    if (endpoint->cause != HOMELAB_CAUSE_NONE)
        hl_buf_printf(text, " (%s)", homelab_cause_name(endpoint->cause));
}

static bool is_trouble(int verdict)
{
    return verdict != HOMELAB_VERDICT_HEALTHY && verdict != HOMELAB_VERDICT_UNKNOWN;
}

static void put_count(struct hl_buf *text, size_t healthy, size_t known, const char *noun)
{
    if (!known)
        hl_buf_printf(text, "no %s looked at", noun);
    else if (healthy == known)
        hl_buf_printf(text, "all %zu %ss healthy", known, noun);
    else if (!healthy)
        hl_buf_printf(text, "none of %zu %ss healthy", known, noun);
    else
        hl_buf_printf(text, "%zu of %zu %ss healthy", healthy, known, noun);
}

struct trouble {
    size_t named, more;
};

/* One pass over the endpoints writes the texts of all tiers. */
static void write_tiers(struct hl_forecast *out, const struct hl_tally *sums, struct hl_buf *texts,
                        struct trouble *troubles, const struct hl_forecast_endpoint *endpoints,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t tier = endpoints[i].tier;
        bool only = sums->tiers[tier].known == 1;
        if (only && endpoints[i].verdict != HOMELAB_VERDICT_UNKNOWN)
            put_endpoint(&texts[tier], &endpoints[i]);
        if (only || !is_trouble(endpoints[i].verdict))
            continue;
        if (troubles[tier].named == NAMED_MAX) {
            troubles[tier].more++;
            continue;
        }
        hl_buf_puts(&texts[tier], troubles[tier].named++ ? ", " : "; ");
        put_endpoint(&texts[tier], &endpoints[i]);
    }
    for (size_t i = 0; i < out->tier_count; i++) {
        if (troubles[i].more)
            hl_buf_printf(&texts[i], " and %zu more", troubles[i].more);
        fit(out->tiers[i].text, sizeof out->tiers[i].text, &texts[i]);
    }
}

static int make_tiers(struct hl_forecast *out, const struct hl_tally *sums,
                      const struct hl_forecast_endpoint *endpoints, size_t count)
{
    out->tiers = hl_calloc(sums->tier_count ? sums->tier_count : 1, sizeof *out->tiers);
    struct hl_buf *texts = hl_calloc(sums->tier_count ? sums->tier_count : 1, sizeof *texts);
    struct trouble *troubles = hl_calloc(sums->tier_count ? sums->tier_count : 1, sizeof *troubles);
    int code = out->tiers && texts && troubles ? 0 : HOMELAB_E_NOMEM;
    if (!code) {
        out->tier_count = sums->tier_count;
        for (size_t i = 0; i < sums->tier_count; i++) {
            out->tiers[i].verdict = hl_tally_tier_verdict(sums, i);
            hl_buf_init(&texts[i], 4096);
            if (sums->tiers[i].known != 1)
                put_count(&texts[i], sums->tiers[i].healthy, sums->tiers[i].known, "endpoint");
        }
        write_tiers(out, sums, texts, troubles, endpoints, count);
        for (size_t i = 0; i < sums->tier_count; i++) {
            code = texts[i].failed == HOMELAB_E_NOMEM ? HOMELAB_E_NOMEM : code;
            hl_buf_free(&texts[i]);
        }
    }
    hl_free(troubles);
    hl_free(texts);
    return code;
}

/* The one tier that serves capability, HL_NONE when several or none do. */
static size_t only_tier(const struct hl_forecast *out, size_t capability,
                        const struct hl_forecast_endpoint *endpoints)
{
    size_t tier = HL_NONE;
    for (size_t i = 0; i < out->server_count[capability]; i++) {
        const struct hl_forecast_endpoint *server = &endpoints[out->servers[capability][i]];
        if (server->gateway && tier != HL_NONE)
            continue;
        if (tier != HL_NONE && server->tier != tier)
            return HL_NONE;
        tier = server->tier;
    }
    return tier;
}

/* Which of the capabilities another tier would serve too, if its endpoints were usable. */
static uint32_t wider(const struct hl_forecast_endpoint *endpoints, size_t count,
                      const size_t only[HL_CAP_COUNT])
{
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < HL_CAP_COUNT; c++)
            if (!endpoints[i].gateway && (endpoints[i].can & 1u << c) && only[c] != HL_NONE &&
                endpoints[i].tier != only[c])
                found |= 1u << c;
    return found;
}

static void put_set(struct hl_buf *text, uint32_t set)
{
    bool first = true;
    for (size_t i = 0; i < HL_CAP_COUNT; i++) {
        if (!(set & 1u << i))
            continue;
        hl_buf_printf(text, "%s%s", first ? "" : ", ", hl_capability_name(i));
        first = false;
    }
}

static void put_only(struct hl_buf *text, const struct hl_forecast *out, const char *const *tiers,
                     const struct hl_forecast_endpoint *endpoints, size_t count)
{
    size_t only[HL_CAP_COUNT];
    for (size_t i = 0; i < HL_CAP_COUNT; i++)
        only[i] = only_tier(out, i, endpoints);
    uint32_t left = wider(endpoints, count, only);
    for (size_t i = 0; i < HL_CAP_COUNT; i++) {
        if (!(left & 1u << i))
            continue;
        uint32_t same = 0;
        for (size_t j = i; j < HL_CAP_COUNT; j++)
            if (left & 1u << j && only[j] == only[i])
                same |= 1u << j;
        left &= ~same;
        hl_buf_puts(text, "; ");
        put_set(text, same);
        hl_buf_printf(text, " only on %s", tiers[only[i]]);
    }
}

static const char *word_of(int tier_verdict)
{
    if (tier_verdict == HOMELAB_VERDICT_HEALTHY)
        return "healthy";
    return tier_verdict == HOMELAB_VERDICT_DOWN ? "down" : "degraded";
}

static void put_only_tier(struct hl_buf *text, const struct hl_forecast *out,
                          const char *const *tiers)
{
    for (size_t i = 0; i < out->tier_count; i++)
        if (out->tiers[i].verdict != HOMELAB_VERDICT_UNKNOWN)
            hl_buf_printf(text, "%s is %s", tiers[i], word_of(out->tiers[i].verdict));
}

static void put_tier_troubles(struct hl_buf *text, const struct hl_forecast *out,
                              const char *const *tiers)
{
    size_t named = 0, more = 0;
    for (size_t i = 0; i < out->tier_count; i++) {
        if (!is_trouble(out->tiers[i].verdict))
            continue;
        if (named == NAMED_MAX) {
            more++;
            continue;
        }
        hl_buf_printf(text, ", %s %s", tiers[i], word_of(out->tiers[i].verdict));
        named++;
    }
    if (more)
        hl_buf_printf(text, " and %zu more", more);
}

static int write_text(struct hl_forecast *out, const char *const *tiers,
                      const struct hl_forecast_endpoint *endpoints, size_t count)
{
    size_t healthy = 0, known = 0;
    for (size_t i = 0; i < out->tier_count; i++) {
        healthy += out->tiers[i].verdict == HOMELAB_VERDICT_HEALTHY;
        known += out->tiers[i].verdict != HOMELAB_VERDICT_UNKNOWN;
    }
    struct hl_buf text;
    hl_buf_init(&text, 8192);
    if (known == 1) {
        put_only_tier(&text, out, tiers);
    } else {
        put_count(&text, healthy, known, "tier");
        put_tier_troubles(&text, out, tiers);
    }
    put_only(&text, out, tiers, endpoints, count);
    if (out->lost) {
        hl_buf_puts(&text, "; ");
        put_set(&text, out->lost);
        hl_buf_puts(&text, " lost");
    }
    fit(out->text, sizeof out->text, &text);
    int code = text.failed == HOMELAB_E_NOMEM ? HOMELAB_E_NOMEM : 0;
    hl_buf_free(&text);
    return code;
}

/* --- Servers --- */

/* Counting sort by tier: first how many of each, then each to its place. */
static int list_servers(struct hl_forecast *out, size_t capability, uint32_t served,
                        const struct hl_forecast_endpoint *endpoints, size_t count, size_t *starts)
{
    uint32_t bit = 1u << capability;
    if (!(served & bit))
        return 0;
    /* Two places a tier: its own endpoints, then its gateways. */
    memset(starts, 0, (2 * out->tier_count + 1) * sizeof *starts);
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(endpoints[i].can & bit) || !hl_verdict_usable(endpoints[i].verdict))
            continue;
        starts[2 * endpoints[i].tier + endpoints[i].gateway + 1]++;
        total++;
    }
    for (size_t i = 1; i <= 2 * out->tier_count; i++)
        starts[i] += starts[i - 1];
    uint32_t *servers = hl_reallocarray(NULL, total, sizeof *servers);
    if (!servers)
        return HOMELAB_E_NOMEM;
    for (size_t i = 0; i < count; i++)
        if (endpoints[i].can & bit && hl_verdict_usable(endpoints[i].verdict))
            servers[starts[2 * endpoints[i].tier + endpoints[i].gateway]++] = (uint32_t)i;
    out->servers[capability] = servers;
    out->server_count[capability] = total;
    return 0;
}

static int make_servers(struct hl_forecast *out, uint32_t served,
                        const struct hl_forecast_endpoint *endpoints, size_t count)
{
    size_t *starts = hl_calloc(2 * out->tier_count + 1, sizeof *starts);
    int code = starts ? 0 : HOMELAB_E_NOMEM;
    for (size_t i = 0; i < HL_CAP_COUNT && !code; i++)
        code = list_servers(out, i, served, endpoints, count, starts);
    hl_free(starts);
    return code;
}

int hl_forecast_make(struct hl_forecast *out, const char *const *tiers, size_t tier_count,
                     const struct hl_forecast_endpoint *endpoints, size_t count, uint32_t declared)
{
    *out = (struct hl_forecast){.declared = declared};
    struct hl_tally sums;
    int code = hl_tally_init(&sums, tier_count);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++)
        hl_tally_add(&sums, &endpoints[i]);
    out->verdict = hl_tally_verdict(&sums);
    out->lost = hl_tally_lost(&sums, declared);
    code = make_tiers(out, &sums, endpoints, count);
    if (!code)
        code = make_servers(out, hl_tally_served(&sums), endpoints, count);
    if (!code)
        code = write_text(out, tiers, endpoints, count);
    hl_tally_clear(&sums);
    if (code)
        hl_forecast_clear(out);
    return code;
}

void hl_forecast_clear(struct hl_forecast *forecast)
{
    hl_free(forecast->tiers);
    for (size_t i = 0; i < HL_CAP_COUNT; i++)
        hl_free(forecast->servers[i]);
    *forecast = (struct hl_forecast){0};
}
