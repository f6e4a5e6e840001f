#include "fault.h"

#include <fnmatch.h>
#include <string.h>

static int64_t on_ms(const struct sim_fault *fault)
{
    return (int64_t)(fault->duty * (double)fault->period_ms);
}

static bool in_time(const struct sim_fault *fault, int64_t now_ms)
{
    int64_t since = now_ms - fault->base_ms - fault->at_ms;
    if (since < 0)
        return false;
    if (fault->for_ms != SIM_NEVER && since >= fault->for_ms)
        return false;
    return fault->period_ms <= 0 || since % fault->period_ms < on_ms(fault);
}

static bool in_attempts(const struct sim_fault *fault, int64_t attempt)
{
    int64_t since = attempt - fault->base_attempts - fault->after;
    if (since < 0)
        return false;
    if (fault->count != SIM_NEVER && since >= fault->count)
        return false;
    return fault->every <= 0 || since % fault->every < fault->burst;
}

bool sim_fault_active(const struct sim_fault *fault, int64_t now_ms, int64_t attempt)
{
    return in_time(fault, now_ms) && in_attempts(fault, attempt);
}

int64_t sim_fault_next_change(const struct sim_fault *fault, int64_t now_ms)
{
    int64_t start = fault->base_ms + fault->at_ms;
    if (now_ms < start)
        return start;
    int64_t end = fault->for_ms != SIM_NEVER ? start + fault->for_ms : SIM_NEVER;
    if (now_ms >= end)
        return SIM_NEVER;
    if (fault->period_ms <= 0)
        return end;
    int64_t turn = now_ms - (now_ms - start) % fault->period_ms;
    int64_t off = turn + on_ms(fault);
    int64_t next = now_ms < off ? off : turn + fault->period_ms;
    return next < end ? next : end;
}

bool sim_fault_matches(const struct sim_fault *fault, const char *path)
{
    if (fault->path_count == 0)
        return true;
    for (size_t i = 0; i < fault->path_count; i++) {
        if (fnmatch(fault->paths[i], path, FNM_NOESCAPE) == 0)
            return true;
    }
    return false;
}

static void add_to_state(struct sim_state *state, const struct sim_fault *fault)
{
    switch (fault->kind) {
    case SIM_FAULT_REFUSED:
        state->listener = SIM_REFUSE;
        break;
    case SIM_FAULT_DROP_SYN:
        state->listener = SIM_DROP;
        break;
    case SIM_FAULT_LOADING:
        state->loading = true;
        break;
    case SIM_FAULT_BUSY:
        state->busy = true;
        state->busy_slots = fault->slots;
        break;
    case SIM_FAULT_WEDGE:
        state->wedged = true;
        state->in_flight = fault->in_flight;
        break;
    case SIM_FAULT_SLEEPING:
        state->sleeping = true;
        break;
    case SIM_FAULT_CPU_FALLBACK:
        state->cpu_fallback = true;
        state->vram_fraction = fault->fraction;
        break;
    default:
        break;
    }
}

void sim_faults_state(const struct sim_faults *faults, int64_t now_ms, int64_t attempt,
                      struct sim_state *out)
{
    *out = (struct sim_state){.listener = SIM_LISTEN};
    for (size_t i = 0; i < faults->count; i++) {
        if (sim_fault_active(&faults->items[i], now_ms, attempt))
            add_to_state(out, &faults->items[i]);
    }
}

static bool strikes(const struct sim_fault *fault, const char *path)
{
    enum sim_fault_class group = sim_fault_class(fault->kind);
    if (group != SIM_CLASS_WIRE && group != SIM_CLASS_ANSWER)
        return false;
    if (path == NULL)
        return group == SIM_CLASS_WIRE && fault->stage == SIM_STAGE_ACCEPT;
    return sim_fault_matches(fault, path);
}

const struct sim_fault *sim_faults_strike(const struct sim_faults *faults, int64_t now_ms,
                                          int64_t attempt, const char *path)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct sim_fault *fault = &faults->items[i];
        if (strikes(fault, path) && sim_fault_active(fault, now_ms, attempt))
            return fault;
    }
    return NULL;
}

bool sim_faults_hide_model(const struct sim_faults *faults, int64_t now_ms, int64_t attempt,
                           const char *model, bool is_first)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct sim_fault *fault = &faults->items[i];
        if (fault->kind != SIM_FAULT_MODEL_MISSING || !sim_fault_active(fault, now_ms, attempt))
            continue;
        if (fault->model == NULL ? is_first : strcmp(fault->model, model) == 0)
            return true;
    }
    return false;
}

int64_t sim_faults_next_change(const struct sim_faults *faults, int64_t now_ms)
{
    int64_t first = SIM_NEVER;
    for (size_t i = 0; i < faults->count; i++) {
        int64_t next = sim_fault_next_change(&faults->items[i], now_ms);
        if (next < first)
            first = next;
    }
    return first;
}
