#include "health/verdict.h"

struct row {
    int cause;
    int verdict;
    int rank;
};

/* Highest rank decides. The order is that of docs/health.md: what makes all else untellable first,
 * then what only a person can mend, then silence, then lasting defects, then passing ones. */
static const struct row rows[] = {
    {HOMELAB_CAUSE_DNS, HOMELAB_VERDICT_DOWN, 990},
    {HOMELAB_CAUSE_NO_ROUTE, HOMELAB_VERDICT_DOWN, 980},
    {HOMELAB_CAUSE_REFUSED, HOMELAB_VERDICT_DOWN, 970},
    {HOMELAB_CAUSE_CONNECT_TIMEOUT, HOMELAB_VERDICT_DOWN, 960},
    {HOMELAB_CAUSE_TLS, HOMELAB_VERDICT_DOWN, 950},
    {HOMELAB_CAUSE_RESET, HOMELAB_VERDICT_DOWN, 940},
    {HOMELAB_CAUSE_CLOSED, HOMELAB_VERDICT_DOWN, 930},
    {HOMELAB_CAUSE_STALLED, HOMELAB_VERDICT_WEDGED, 900},
    {HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT, HOMELAB_VERDICT_WEDGED, 890},
    {HOMELAB_CAUSE_LOADING, HOMELAB_VERDICT_LOADING, 850},
    {HOMELAB_CAUSE_SERVER_ERROR, HOMELAB_VERDICT_DOWN, 830},
    {HOMELAB_CAUSE_BACKEND_DEAD, HOMELAB_VERDICT_DOWN, 820},
    {HOMELAB_CAUSE_WRONG_BACKEND, HOMELAB_VERDICT_MISCONFIGURED, 770},
    {HOMELAB_CAUSE_TLS, HOMELAB_VERDICT_MISCONFIGURED, 760},
    {HOMELAB_CAUSE_REDIRECT, HOMELAB_VERDICT_MISCONFIGURED, 750},
    {HOMELAB_CAUSE_TOO_LARGE, HOMELAB_VERDICT_MISCONFIGURED, 740},
    {HOMELAB_CAUSE_WRONG_BODY, HOMELAB_VERDICT_MISCONFIGURED, 730},
    {HOMELAB_CAUSE_AUTH, HOMELAB_VERDICT_MISCONFIGURED, 720},
    {HOMELAB_CAUSE_NOT_FOUND, HOMELAB_VERDICT_MISCONFIGURED, 710},
    {HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT, HOMELAB_VERDICT_BUSY, 650},
    {HOMELAB_CAUSE_CANARY_FAILED, HOMELAB_VERDICT_DEGRADED, 560},
    {HOMELAB_CAUSE_BACKEND_DEAD, HOMELAB_VERDICT_DEGRADED, 550},
    {HOMELAB_CAUSE_MODEL_MISSING, HOMELAB_VERDICT_DEGRADED, 540},
    {HOMELAB_CAUSE_CPU_FALLBACK, HOMELAB_VERDICT_DEGRADED, 530},
    {HOMELAB_CAUSE_BUSY, HOMELAB_VERDICT_BUSY, 450},
    {HOMELAB_CAUSE_FLAPPING, HOMELAB_VERDICT_DEGRADED, 350},
    {HOMELAB_CAUSE_SLOW, HOMELAB_VERDICT_DEGRADED, 340},
    {HOMELAB_CAUSE_SLEEPING, HOMELAB_VERDICT_HEALTHY, 100},
};
#define ROW_COUNT (sizeof rows / sizeof *rows)

/* Silence to the very first questions outranks what only a person can mend: nothing that was seen
 * is credible while nobody answers. */
#define RANK_SILENT_FROM_THE_START 800

int hl_verdict_of_cause(int cause)
{
    if (cause == HOMELAB_CAUSE_NONE)
        return HOMELAB_VERDICT_HEALTHY;
    if (cause == HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT)
        return HOMELAB_VERDICT_BUSY;
    if (cause == HOMELAB_CAUSE_BACKEND_DEAD)
        return HOMELAB_VERDICT_DEGRADED;
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].cause == cause)
            return rows[i].verdict;
    return HOMELAB_VERDICT_UNKNOWN;
}

int hl_verdict_rank(enum hl_layer layer, int verdict, int cause)
{
    if (cause == HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT && verdict == HOMELAB_VERDICT_BUSY &&
        layer <= HL_LAYER_HTTP)
        return RANK_SILENT_FROM_THE_START;
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (rows[i].cause == cause && rows[i].verdict == verdict)
            return rows[i].rank;
    return 0;
}

void hl_verdict_decide(struct hl_observation *observation)
{
    int best = 0;
    observation->deciding = HL_NONE;
    observation->cause = HOMELAB_CAUSE_NONE;
    observation->verdict =
        observation->latency_us >= 0 ? HOMELAB_VERDICT_HEALTHY : HOMELAB_VERDICT_UNKNOWN;
    for (size_t i = 0; i < observation->evidence_count; i++) {
        const struct hl_evidence *evidence = &observation->evidence[i];
        int rank = hl_verdict_rank(evidence->layer, evidence->verdict, evidence->cause);
        if (rank <= best)
            continue;
        best = rank;
        observation->deciding = i;
        observation->verdict = evidence->verdict;
        observation->cause = evidence->cause;
    }
}
