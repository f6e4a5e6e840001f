/* A canary is never cut short: cutting a request may abort a load. So it belongs to the context,
 * not to the look that asked for it, and at most one an endpoint is in flight. */
#include "health/prober_private.h"

/* "Never" in terms of a deadline. */
#define NEVER_US (24 * 3600 * (int64_t)1000000)

struct hl_canary {
    homelab_ctx *ctx;
    struct hl_runner *runner; /* NULL: nobody asks any more */
    struct hl_transfer *transfer;
    struct hl_closer closer;
};

static void forget(struct hl_canary *canary)
{
    hl_ctx_remove_closer(canary->ctx, &canary->closer);
    if (canary->runner)
        canary->runner->canary = NULL;
    hl_free(canary);
}

static void on_done(const struct hl_http_result *result, void *userdata)
{
    struct hl_canary *canary = userdata;
    struct hl_runner *runner = canary->runner;
    forget(canary);
    if (runner && runner->phase == HL_PHASE_CANARY)
        hl_run_answer(runner, result);
}

static void on_close(void *userdata)
{
    struct hl_canary *canary = userdata;
    hl_http_cancel(canary->transfer);
    forget(canary);
}

int hl_canary_start(struct hl_runner *runner, const struct hl_http_request *request)
{
    homelab_prober *prober = runner->prober;
    struct hl_canary *canary = hl_calloc(1, sizeof *canary);
    if (!canary)
        return hl_error_nomem();
    struct hl_http_request patient = *request;
    int64_t now_us = hl_prober_now(prober);
    patient.connect_deadline_us = patient.deadline_us;
    patient.deadline_us = now_us + NEVER_US;
    canary->ctx = prober->ctx;
    canary->closer = (struct hl_closer){.fn = on_close, .userdata = canary};
    int code = hl_http_start(prober->ctx, &patient, on_done, canary, &canary->transfer);
    if (code) {
        hl_free(canary);
        return code;
    }
    hl_ctx_add_closer(prober->ctx, &canary->closer);
    canary->runner = runner;
    runner->canary = canary;
    runner->phase = HL_PHASE_CANARY;
    hl_timer_arm(hl_prober_loop(prober), &runner->timer,
                 now_us + prober->settings.canary_timeout_us);
    return 0;
}

void hl_canary_detach(struct hl_runner *runner)
{
    if (!runner->canary)
        return;
    runner->canary->runner = NULL;
    runner->canary = NULL;
}
