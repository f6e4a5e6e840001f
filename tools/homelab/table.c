#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_LEAST 20 /* columns of the last one, however narrow the terminal */

static const char *colour_of(int verdict)
{
    switch (verdict) {
    case HOMELAB_VERDICT_HEALTHY:
        return "\033[32m";
    case HOMELAB_VERDICT_DEGRADED:
    case HOMELAB_VERDICT_LOADING:
    case HOMELAB_VERDICT_BUSY:
        return "\033[33m";
    case HOMELAB_VERDICT_MISCONFIGURED:
        return "\033[35m";
    case HOMELAB_VERDICT_WEDGED:
    case HOMELAB_VERDICT_DOWN:
        return "\033[1;31m";
    default:
        return "\033[2m";
    }
}

void put_verdict(FILE *stream, const struct look *look, int verdict, int pad)
{
    const char *name = homelab_verdict_name(verdict);
    if (look->colours)
        fputs(colour_of(verdict), stream);
    fputs(name, stream);
    if (look->colours)
        fputs("\033[0m", stream);
    for (int used = (int)strlen(name); used < pad; used++)
        fputc(' ', stream);
}

void put_dim(FILE *stream, const struct look *look, const char *text)
{
    if (look->colours)
        fputs("\033[2m", stream);
    put_text(stream, text, -1, 0);
    if (look->colours)
        fputs("\033[0m", stream);
}

static void put_strong(FILE *stream, const struct look *look, const char *text, int pad)
{
    if (look->colours)
        fputs("\033[1m", stream);
    put_text(stream, text, -1, 0);
    if (look->colours)
        fputs("\033[0m", stream);
    for (int used = text_width(text); used < pad; used++)
        fputc(' ', stream);
}

/* --- Endpoints --- */

/* What stands in the columns of one endpoint. */
struct row {
    const char *id, *text;
    char backend[80], cause[32], latency[24];
};

struct widths {
    int tier, id, backend, verdict, cause, latency;
};

static void write_latency(char *out, size_t size, int64_t us)
{
    if (us < 0)
        snprintf(out, size, "%s", "-");
    else if (us < 10000)
        snprintf(out, size, "%.1f ms", (double)us / 1000);
    else if (us < 1000000)
        snprintf(out, size, "%.0f ms", (double)us / 1000);
    else
        snprintf(out, size, "%.1f s", (double)us / 1e6);
}

static struct row row_of(const homelab_snapshot *snapshot, size_t i)
{
    struct row row = {.id = homelab_snapshot_endpoint_id(snapshot, i),
                      .text = homelab_snapshot_endpoint_text(snapshot, i)};
    int backend = homelab_snapshot_endpoint_backend(snapshot, i);
    const char *version = homelab_snapshot_endpoint_version(snapshot, i);
    snprintf(row.backend, sizeof row.backend, "%s%s%.40s",
             backend == HOMELAB_BACKEND_AUTO ? "-" : homelab_backend_name(backend),
             version ? " " : "", version ? version : "");
    int cause = homelab_snapshot_endpoint_cause(snapshot, i);
    snprintf(row.cause, sizeof row.cause, "%s",
             cause == HOMELAB_CAUSE_NONE ? "-" : homelab_cause_name(cause));
    write_latency(row.latency, sizeof row.latency,
                  homelab_snapshot_endpoint_latency_us(snapshot, i));
    return row;
}

static void widen(int *width, const char *text)
{
    int columns = text_width(text);
    if (columns > *width)
        *width = columns;
}

/* Also one that could not be looked at though it was meant to. */
static bool is_shown(const homelab_snapshot *snapshot, size_t i)
{
    return homelab_snapshot_endpoint_verdict(snapshot, i) != HOMELAB_VERDICT_UNKNOWN ||
           homelab_snapshot_endpoint_probed_us(snapshot, i) > 0;
}

static bool any_shown(const homelab_snapshot *snapshot, const char *tier)
{
    for (size_t i = 0; i < homelab_snapshot_endpoint_count(snapshot); i++)
        if (is_shown(snapshot, i) && strcmp(homelab_snapshot_endpoint_tier(snapshot, i), tier) == 0)
            return true;
    return false;
}

static struct widths measure(const homelab_snapshot *snapshot)
{
    struct widths widths = {0};
    for (size_t i = 0; i < homelab_snapshot_endpoint_count(snapshot); i++) {
        if (!is_shown(snapshot, i))
            continue;
        struct row row = row_of(snapshot, i);
        widen(&widths.id, row.id);
        widen(&widths.backend, row.backend);
        widen(&widths.verdict,
              homelab_verdict_name(homelab_snapshot_endpoint_verdict(snapshot, i)));
        widen(&widths.cause, row.cause);
        widen(&widths.latency, row.latency);
    }
    for (size_t i = 0; i < homelab_snapshot_tier_count(snapshot); i++)
        widen(&widths.tier, homelab_snapshot_tier_name(snapshot, i));
    return widths;
}

static int text_room(const struct look *look, const struct widths *widths)
{
    if (!look->width)
        return -1;
    int used = 2 + widths->id + 2 + widths->backend + 2 + widths->verdict + 2 + widths->cause + 2 +
               widths->latency + 2;
    int left = look->width - used;
    return left > TEXT_LEAST ? left : TEXT_LEAST;
}

static void put_evidence(FILE *stream, const struct look *look, const homelab_snapshot *snapshot,
                         size_t i)
{
    for (size_t j = 0; j < homelab_snapshot_evidence_count(snapshot, i); j++) {
        char head[96];
        int cause = homelab_snapshot_evidence_cause(snapshot, i, j);
        snprintf(head, sizeof head, "      %-9s %-20s ",
                 homelab_snapshot_evidence_layer(snapshot, i, j), homelab_cause_name(cause));
        put_dim(stream, look, head);
        put_text(stream, homelab_snapshot_evidence_text(snapshot, i, j), -1, 0);
        fputc('\n', stream);
    }
}

static void put_model(FILE *stream, const struct look *look, const homelab_snapshot *snapshot,
                      size_t i, size_t j)
{
    static const char *const abilities[] = {"completion", "embedding", "vision", "tools"};
    int loaded = homelab_snapshot_model_loaded(snapshot, i, j);
    int64_t context = homelab_snapshot_model_context(snapshot, i, j);
    int64_t size = homelab_snapshot_model_size_bytes(snapshot, i, j);
    int64_t vram = homelab_snapshot_model_vram_bytes(snapshot, i, j);
    put_dim(stream, look, "      model     ");
    put_text(stream, homelab_snapshot_model_name(snapshot, i, j), -1, 0);
    fputs(loaded == 1 ? ", loaded" : "", stream);
    for (size_t k = 0; k < sizeof abilities / sizeof *abilities; k++)
        if (homelab_snapshot_model_has(snapshot, i, j, abilities[k]))
            fprintf(stream, ", %s", abilities[k]);
    if (context > 0)
        fprintf(stream, ", context %" PRId64, context);
    if (size > 0)
        fprintf(stream, ", %.1f GiB", (double)size / (1 << 30));
    if (vram >= 0)
        fprintf(stream, " (%.1f GiB on GPU)", (double)vram / (1 << 30));
    fputc('\n', stream);
}

/* Word by word, in lines of their own as wide as the terminal. */
static void put_wrapped(FILE *stream, const char *text, int indent, int width)
{
    int used = width;
    for (const char *at = text; *at;) {
        char word[256];
        size_t length = strcspn(at, " ");
        size_t kept = length < sizeof word ? length : sizeof word - 1;
        memcpy(word, at, kept);
        word[kept] = '\0';
        if (used + 1 + text_width(word) > width) {
            fprintf(stream, "\n%*s", indent, "");
            used = indent;
        } else {
            fputc(' ', stream);
            used++;
        }
        put_text(stream, word, -1, 0);
        used += text_width(word);
        at += length;
        at += strspn(at, " ");
    }
}

/* What does not fit is cut where all is well, and told in full where it is not. */
static void put_seen(FILE *stream, const struct look *look, const struct widths *widths,
                     const char *text, int verdict)
{
    int room = text_room(look, widths);
    bool fits = room < 0 || text_width(text) <= room;
    if (look->verbose || fits || verdict == HOMELAB_VERDICT_HEALTHY)
        put_text(stream, text, look->verbose ? -1 : room, 0);
    else
        put_wrapped(stream, text, 6, look->width);
}

static void put_endpoint(FILE *stream, const struct look *look, const struct widths *widths,
                         const homelab_snapshot *snapshot, size_t i)
{
    struct row row = row_of(snapshot, i);
    fputs("  ", stream);
    put_text(stream, row.id, -1, widths->id + 2);
    put_text(stream, row.backend, -1, widths->backend + 2);
    put_verdict(stream, look, homelab_snapshot_endpoint_verdict(snapshot, i), widths->verdict + 2);
    put_text(stream, row.cause, -1, widths->cause + 2);
    fprintf(stream, "%*s  ", widths->latency, row.latency);
    put_seen(stream, look, widths, row.text, homelab_snapshot_endpoint_verdict(snapshot, i));
    fputs(homelab_snapshot_endpoint_in_maintenance(snapshot, i) ? " (maintenance)\n" : "\n",
          stream);
    if (!look->verbose)
        return;
    put_evidence(stream, look, snapshot, i);
    for (size_t j = 0; j < homelab_snapshot_model_count(snapshot, i); j++)
        put_model(stream, look, snapshot, i, j);
}

static void put_tier(FILE *stream, const struct look *look, const struct widths *widths,
                     const homelab_snapshot *snapshot, size_t tier)
{
    const char *name = homelab_snapshot_tier_name(snapshot, tier);
    int verdict = homelab_snapshot_tier_verdict(snapshot, tier);
    if (!any_shown(snapshot, name))
        return;
    put_strong(stream, look, name, widths->tier + 2);
    put_verdict(stream, look, verdict, 0);
    fputc('\n', stream);
    for (size_t i = 0; i < homelab_snapshot_endpoint_count(snapshot); i++)
        if (is_shown(snapshot, i) && strcmp(homelab_snapshot_endpoint_tier(snapshot, i), name) == 0)
            put_endpoint(stream, look, widths, snapshot, i);
    fputc('\n', stream);
}

/* --- Prognosis --- */

static void put_servers(FILE *stream, const homelab_snapshot *snapshot, size_t capability)
{
    for (size_t j = 0; j < homelab_snapshot_server_count(snapshot, capability); j++) {
        int server = homelab_snapshot_server_at(snapshot, capability, j);
        fputs(j ? ", " : "", stream);
        put_text(stream, homelab_snapshot_endpoint_id(snapshot, (size_t)server), -1, 0);
    }
    fputc('\n', stream);
}

void put_prognosis(FILE *stream, const struct look *look, const homelab_snapshot *snapshot)
{
    for (size_t i = 0; i < homelab_snapshot_capability_count(snapshot); i++) {
        const char *name = homelab_snapshot_capability_name(snapshot, i);
        if (homelab_snapshot_capability_lost(snapshot, i)) {
            fprintf(stream, "  %-7s ", name);
            fputs(look->colours ? "\033[1;31mlost\033[0m\n" : "lost\n", stream);
        } else if (homelab_snapshot_server_count(snapshot, i)) {
            fprintf(stream, "  %-7s ", name);
            put_servers(stream, snapshot, i);
        }
    }
    put_verdict(stream, look, homelab_snapshot_verdict(snapshot), 0);
    fputs("  ", stream);
    put_text(stream, homelab_snapshot_text(snapshot), -1, 0);
    fputc('\n', stream);
}

void put_status(FILE *stream, const struct look *look, const homelab_snapshot *snapshot)
{
    struct widths widths = measure(snapshot);
    for (size_t i = 0; i < homelab_snapshot_tier_count(snapshot); i++)
        put_tier(stream, look, &widths, snapshot, i);
    put_prognosis(stream, look, snapshot);
}
