#include "health/prober_private.h"

/* --- Its end --- */

static void unlink_sweep(struct hl_sweep *sweep)
{
    if (sweep->previous)
        sweep->previous->next = sweep->next;
    else
        sweep->prober->sweeps = sweep->next;
    if (sweep->next)
        sweep->next->previous = sweep->previous;
}

static const char *reason_of(int code)
{
    if (code == HOMELAB_E_CANCELLED)
        return "sweep: cancelled";
    return code == HOMELAB_E_TIMEOUT ? "sweep: the time given ran out" : "sweep: the prober closed";
}

static bool is_wanted(const struct hl_runner *runner)
{
    return runner->prober->running || runner->waiters;
}

/* Takes the waiters of an ended sweep out of a runner's list. */
static void forget(struct hl_runner *runner, const struct hl_sweep *sweep)
{
    for (struct hl_waiter **at = &runner->waiters; *at;) {
        if ((*at)->sweep == sweep)
            *at = (*at)->next;
        else
            at = &(*at)->next;
    }
}

void hl_sweep_end(struct hl_sweep *sweep, int code)
{
    homelab_prober *prober = sweep->prober;
    unlink_sweep(sweep);
    if (sweep->remaining) {
        for (size_t i = 0; i < prober->count; i++) {
            struct hl_runner *runner = prober->runners[i];
            bool waited = runner->waiters;
            forget(runner, sweep);
            if (waited && !is_wanted(runner))
                hl_scheduler_stop(runner);
        }
    }
    if (sweep->result) {
        *sweep->result = code;
        hl_ctx_poke(prober->ctx);
    }
    if (sweep->op) {
        struct hl_error error;
        if (code)
            hl_error_format(&error, code, 0, "sweep", "%s", reason_of(code));
        hl_op_complete(sweep->op, code ? &error : NULL);
    }
    hl_free(sweep);
}

static void cancel(homelab_op *op, void *userdata)
{
    (void)op;
    hl_sweep_end(userdata, HOMELAB_E_CANCELLED);
}

/* --- Its start --- */

static int64_t longest_timeout(const homelab_prober *prober)
{
    int64_t longest_us = 0;
    for (size_t i = 0; i < prober->count; i++) {
        const struct hl_runner *runner = prober->runners[i];
        if (runner->selected && runner->endpoint->timeout_us > longest_us)
            longest_us = runner->endpoint->timeout_us;
    }
    return longest_us;
}

/* Endpoints that are likely to use up their time start first, so that their time-outs run while the
 * others answer. */
static bool likely_to_fail(const struct hl_runner *runner)
{
    return runner->slow_to_fail;
}

static void request_all(homelab_prober *prober, bool failing)
{
    for (size_t i = 0; i < prober->count; i++)
        if (prober->runners[i]->selected && likely_to_fail(prober->runners[i]) == failing)
            hl_scheduler_request(prober->runners[i]);
}

static void enlist(struct hl_sweep *sweep)
{
    homelab_prober *prober = sweep->prober;
    for (size_t i = 0; i < prober->count; i++) {
        struct hl_runner *runner = prober->runners[i];
        if (!runner->selected)
            continue;
        struct hl_waiter *waiter = &sweep->waiters[sweep->remaining++];
        waiter->sweep = sweep;
        waiter->next = runner->waiters;
        runner->waiters = waiter;
    }
    sweep->next = prober->sweeps;
    if (sweep->next)
        sweep->next->previous = sweep;
    prober->sweeps = sweep;
}

int hl_sweep_start(homelab_prober *prober, homelab_op **op, int *result, struct hl_sweep **out)
{
    struct hl_sweep *sweep = hl_calloc(1, sizeof *sweep + prober->count * sizeof *sweep->waiters);
    if (!sweep)
        return hl_error_nomem();
    sweep->prober = prober;
    sweep->result = result;
    if (op) {
        int code = hl_op_new(&sweep->op, prober->ctx, cancel, sweep);
        if (code) {
            hl_free(sweep);
            return code;
        }
        *op = homelab_op_ref(sweep->op);
    }
    sweep->limit_us = hl_prober_now(prober) + prober->settings.confirm_us + longest_timeout(prober);
    enlist(sweep);
    if (out)
        *out = sweep;
    hl_loop_begin(hl_prober_loop(prober));
    request_all(prober, true);
    request_all(prober, false);
    hl_loop_end(hl_prober_loop(prober));
    if (!sweep->remaining)
        hl_sweep_end(sweep, HOMELAB_OK);
    return HOMELAB_OK;
}

/* --- Its looks --- */

/* A look shorter than this is not worth while. */
#define SHORTEST_US 20000

/* Busy or silent, and nothing seen so far that tells busy from wedged: neither progress, which
 * moves the start of the standstill, nor a standstill as long as the patience. */
static bool is_unclear(const struct hl_runner *runner)
{
    const struct hl_state *state = &runner->state;
    return state->unclear && state->no_progress_since_us &&
           state->look_verdict != HOMELAB_VERDICT_WEDGED &&
           (!runner->still_since_us || runner->still_since_us == state->no_progress_since_us);
}

static bool goes_on(const struct hl_runner *runner, const struct hl_sweep *sweep)
{
    const homelab_prober *prober = runner->prober;
    return prober->settings.confirm_us && is_unclear(runner) &&
           hl_prober_now(prober) + SHORTEST_US < sweep->limit_us;
}

void hl_sweep_looked(struct hl_runner *runner, bool looked)
{
    bool again = false;
    for (struct hl_waiter **at = &runner->waiters; *at;) {
        struct hl_sweep *sweep = (*at)->sweep;
        if (looked && goes_on(runner, sweep)) {
            again = true;
            at = &(*at)->next;
            continue;
        }
        *at = (*at)->next;
        if (--sweep->remaining == 0)
            hl_sweep_end(sweep, HOMELAB_OK);
    }
    runner->still_since_us = again ? runner->state.no_progress_since_us : 0;
}

int64_t hl_sweep_limit(const struct hl_runner *runner)
{
    int64_t limit_us = INT64_MAX;
    for (const struct hl_waiter *at = runner->waiters; at && runner->still_since_us; at = at->next)
        if (at->sweep->limit_us < limit_us)
            limit_us = at->sweep->limit_us;
    return limit_us;
}

bool hl_sweep_wants(const struct hl_runner *runner, int64_t *at_us)
{
    if (!runner->waiters)
        return false;
    const struct hl_settings *settings = &runner->prober->settings;
    int64_t wait_us = settings->confirm_us / 5;
    if (wait_us > settings->fast_interval_us)
        wait_us = settings->fast_interval_us;
    /* The look that decides is the first one after the patience. */
    int64_t decided_us = runner->state.no_progress_since_us + settings->confirm_us + 1000;
    *at_us = hl_prober_now(runner->prober) + wait_us;
    if (*at_us > decided_us)
        *at_us = decided_us;
    return true;
}
