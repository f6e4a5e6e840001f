#include "health/prober_private.h"

#include <string.h>

/* Looks started in one turn of the loop. */
#define SLICE 64

/* --- The queue --- */

static void append(struct hl_runner *runner)
{
    homelab_prober *prober = runner->prober;
    runner->next = NULL;
    runner->previous = prober->last;
    if (prober->last)
        prober->last->next = runner;
    else
        prober->first = runner;
    prober->last = runner;
    runner->phase = HL_PHASE_QUEUED;
}

static void unqueue(struct hl_runner *runner)
{
    homelab_prober *prober = runner->prober;
    if (runner->previous)
        runner->previous->next = runner->next;
    else
        prober->first = runner->next;
    if (runner->next)
        runner->next->previous = runner->previous;
    else
        prober->last = runner->previous;
    runner->next = runner->previous = NULL;
    runner->phase = HL_PHASE_IDLE;
}

/* Looks start from a timer that is always due, since timers run when every ready descriptor was
 * served: what is under way comes first, and no answer waits behind thousands of starts until it
 * looks late. */
static void go_on(homelab_prober *prober)
{
    if (prober->first && prober->in_flight < prober->settings.max_in_flight &&
        !prober->pump.position)
        hl_timer_arm(hl_prober_loop(prober), &prober->pump, hl_prober_now(prober));
}

static void pump(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    homelab_prober *prober = userdata;
    int room = hl_http_is_behind(prober->ctx) ? 0 : SLICE;
    while (room-- > 0 && prober->first && prober->in_flight < prober->settings.max_in_flight) {
        struct hl_runner *runner = prober->first;
        unqueue(runner);
        prober->in_flight++;
        hl_run_start(runner);
    }
    go_on(prober);
}

int hl_scheduler_init(homelab_prober *prober)
{
    hl_timer_init(&prober->pump, pump, prober);
    return hl_loop_reserve_timer(hl_prober_loop(prober));
}

void hl_scheduler_end(homelab_prober *prober)
{
    hl_timer_disarm(hl_prober_loop(prober), &prober->pump);
}

void hl_scheduler_request(struct hl_runner *runner)
{
    if (runner->phase != HL_PHASE_IDLE)
        return;
    hl_timer_disarm(hl_prober_loop(runner->prober), &runner->timer);
    append(runner);
    go_on(runner->prober);
}

void hl_scheduler_ended(struct hl_runner *runner)
{
    runner->phase = HL_PHASE_IDLE;
    runner->prober->in_flight--;
    go_on(runner->prober);
}

void hl_scheduler_stop(struct hl_runner *runner)
{
    if (runner->phase == HL_PHASE_QUEUED)
        unqueue(runner);
    else if (runner->phase != HL_PHASE_IDLE)
        hl_run_cancel(runner);
    hl_timer_disarm(hl_prober_loop(runner->prober), &runner->timer);
}

/* --- Intervals --- */

struct hl_state_policy hl_scheduler_policy(const struct hl_runner *runner)
{
    const homelab_prober *prober = runner->prober;
    const struct hl_settings *settings = &prober->settings;
    const struct hl_endpoint *endpoint = runner->endpoint;
    struct hl_state_policy policy = {
        .rise = settings->rise,
        .fall = settings->fall,
        .patience_us = endpoint->patience_us ? endpoint->patience_us : settings->patience_us,
        .monitor = prober->running,
        .interval_us = endpoint->interval_us ? endpoint->interval_us : settings->interval_us,
        .fast_interval_us =
            endpoint->fast_interval_us ? endpoint->fast_interval_us : settings->fast_interval_us,
        .down_interval_us =
            endpoint->down_interval_us ? endpoint->down_interval_us : settings->down_interval_us,
    };
    if (settings->confirm_us && !prober->running)
        policy.patience_us = settings->confirm_us;
    if (policy.fast_interval_us > policy.interval_us)
        policy.fast_interval_us = policy.interval_us;
    return policy;
}

/* A number from 0 to below 1, the same for the same endpoint and look in every run. */
static double dice(const struct hl_runner *runner)
{
    uint64_t hash = 1469598103934665603u;
    for (const char *at = runner->endpoint->id; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    hash += runner->looks * 0x9e3779b97f4a7c15u;
    hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ hash >> 27) * 0x94d049bb133111ebu;
    return (double)((hash ^ hash >> 31) >> 11) / 9007199254740992.0;
}

/* All endpoints are looked at once when monitoring starts; the second looks are spread over the
 * interval, so that the later ones never come in step. */
static int64_t spread(const struct hl_runner *runner, int64_t interval_us)
{
    double of = runner->looks <= 1 ? 0.1 + 0.9 * dice(runner)
                                   : 1 + runner->prober->settings.jitter * (2 * dice(runner) - 1);
    return (int64_t)((double)interval_us * of);
}

static void arm(struct hl_runner *runner, int64_t due_us)
{
    hl_timer_arm(hl_prober_loop(runner->prober), &runner->timer, due_us);
}

void hl_scheduler_next(struct hl_runner *runner)
{
    if (runner->phase != HL_PHASE_IDLE || runner->prober->closed)
        return;
    int64_t due_us = INT64_MAX, again_us;
    if (runner->prober->running && runner->selected) {
        struct hl_state_policy policy = hl_scheduler_policy(runner);
        due_us = hl_prober_now(runner->prober) +
                 spread(runner, hl_state_interval(&runner->state, &policy));
    }
    if (hl_sweep_wants(runner, &again_us) && again_us < due_us)
        due_us = again_us;
    if (due_us < INT64_MAX)
        arm(runner, due_us);
}

void hl_scheduler_hurry(struct hl_runner *runner)
{
    if (!runner->prober->running || !runner->selected || runner->phase != HL_PHASE_IDLE)
        return;
    int64_t soon_us = hl_prober_now(runner->prober) + hl_scheduler_policy(runner).fast_interval_us;
    if (!runner->timer.position || runner->timer.due_us > soon_us)
        arm(runner, soon_us);
}
