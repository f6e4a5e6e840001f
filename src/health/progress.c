/* Signs of work read from a server's counters. */
#include "core/error.h"
#include "health/plan.h"

void hl_found_progress(struct hl_probe *probe, const struct hl_http_result *result, double counter,
                       bool has_counter)
{
    struct hl_progress *progress = &probe->seen.progress;
    progress->known = true;
    probe->working = probe->processing > 0 || probe->waiting > 0;
    progress->working = probe->working;
    progress->has_counter = has_counter && counter >= 0 && counter < 1.8e19;
    progress->counter = progress->has_counter ? (uint64_t)counter : 0;
    if (!probe->working)
        hl_say(probe, result, HOMELAB_CAUSE_NONE, "idle");
    else
        hl_say(probe, result, HOMELAB_CAUSE_BUSY, "%.0f request%s at work, %.0f waiting",
               probe->processing, probe->processing == 1 ? "" : "s", probe->waiting);
}

bool hl_metrics_absent(struct hl_probe *probe, const struct hl_http_result *result)
{
    if (result->code != HOMELAB_OK || (result->status != 501 && result->status != 404))
        return false;
    hl_say(probe, result, HOMELAB_CAUSE_NONE,
           "no metrics: progress cannot be seen, judged at http");
    return true;
}
