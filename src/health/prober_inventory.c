#include "health/prober_private.h"

#include <string.h>

/* All that a new inventory needs, made before anything of the old one goes. */
struct adoption {
    const struct hl_inventory_data *data;
    struct hl_roster *roster;
    struct hl_runner **runners;
    size_t count;
    struct hl_tally tally;
    size_t *selected;
    int *told_tiers;
};

/* --- Runners --- */

static void on_timer(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    struct hl_runner *runner = userdata;
    if (runner->phase == HL_PHASE_IDLE)
        hl_scheduler_request(runner);
    else
        hl_run_limit(runner);
}

static void free_runner(struct hl_runner *runner)
{
    hl_canary_detach(runner);
    hl_run_forget_key(runner);
    hl_history_clear(&runner->history);
    hl_probe_memory_free(runner->memory);
    hl_record_unref(runner->record);
    hl_loop_release_timer(hl_prober_loop(runner->prober));
    hl_free(runner);
}

static int make_runner(struct hl_runner **out, homelab_prober *prober)
{
    struct hl_runner *runner = hl_calloc(1, sizeof *runner);
    if (!runner)
        return hl_error_nomem();
    int code = hl_loop_reserve_timer(hl_prober_loop(prober));
    if (code) {
        hl_free(runner);
        return code;
    }
    runner->prober = prober;
    hl_state_init(&runner->state);
    hl_history_init(&runner->history, prober->settings.history);
    hl_timer_init(&runner->timer, on_timer, runner);
    runner->memory = hl_probe_memory_new();
    if (!runner->memory) {
        free_runner(runner);
        return hl_error_nomem();
    }
    *out = runner;
    return 0;
}

static void drop(struct hl_runner *runner)
{
    hl_scheduler_stop(runner);
    hl_sweep_looked(runner, false);
    free_runner(runner);
}

void hl_prober_drop_all(homelab_prober *prober)
{
    for (size_t i = 0; i < prober->count; i++)
        drop(prober->runners[i]);
    prober->count = 0;
}

/* --- Option probe.only --- */

static bool lists(const char *only, const char *id)
{
    size_t length = strlen(id);
    for (const char *at = only; *at;) {
        size_t part = strcspn(at, ",");
        if (part == length && memcmp(at, id, length) == 0)
            return true;
        at += part + (at[part] == ',');
    }
    return false;
}

static bool is_selected(const homelab_prober *prober, const char *id)
{
    return !prober->only[0] || lists(prober->only, id);
}

static int check_only(const homelab_prober *prober, const struct hl_inventory_data *data)
{
    for (const char *at = prober->only; *at;) {
        size_t part = strcspn(at, ","), i = 0;
        while (i < data->endpoint_count && (strlen(data->endpoints[i].id) != part ||
                                            memcmp(data->endpoints[i].id, at, part) != 0))
            i++;
        if (i == data->endpoint_count) {
            char id[128];
            size_t shown = part < sizeof id ? part : sizeof id - 1;
            memcpy(id, at, shown);
            id[shown] = '\0';
            return hl_error_set(HOMELAB_E_NOT_FOUND, 0, id, "endpoint '%s' is not in the inventory",
                                id);
        }
        at += part + (at[part] == ',');
    }
    return 0;
}

/* --- Adoption --- */

static bool same(const struct hl_endpoint *a, const struct hl_endpoint *b)
{
    return strcmp(a->url, b->url) == 0 && a->backend == b->backend &&
           a->backend_declared == b->backend_declared;
}

static bool same_key(const struct hl_endpoint *a, const struct hl_endpoint *b)
{
    if (!a->api_key || !b->api_key)
        return a->api_key == b->api_key;
    return strcmp(a->api_key, b->api_key) == 0;
}

static struct hl_runner *find_kept(const homelab_prober *prober, const struct hl_endpoint *endpoint)
{
    size_t i = prober->roster ? hl_roster_find(prober->roster, endpoint->id) : HL_NONE;
    if (i == HL_NONE || !same(prober->runners[i]->endpoint, endpoint))
        return NULL;
    return prober->runners[i];
}

static void discard(struct adoption *adoption)
{
    for (size_t i = 0; i < adoption->count; i++) {
        if (!adoption->runners[i]->kept)
            free_runner(adoption->runners[i]);
        else
            adoption->runners[i]->kept = false;
    }
    hl_free(adoption->runners);
    hl_free(adoption->selected);
    hl_free(adoption->told_tiers);
    hl_tally_clear(&adoption->tally);
    hl_roster_unref(adoption->roster);
}

static int prepare(struct adoption *adoption, homelab_prober *prober)
{
    const struct hl_inventory_data *data = adoption->data;
    int code = check_only(prober, data);
    if (!code)
        code = hl_roster_of(&adoption->roster, data);
    if (code)
        return code;
    adoption->runners = hl_calloc(data->endpoint_count + 1, sizeof *adoption->runners);
    adoption->selected = hl_calloc(data->tier_count + 1, sizeof *adoption->selected);
    adoption->told_tiers = hl_calloc(data->tier_count + 1, sizeof *adoption->told_tiers);
    if (!adoption->runners || !adoption->selected || !adoption->told_tiers ||
        hl_tally_init(&adoption->tally, data->tier_count))
        return hl_error_nomem();
    for (size_t i = 0; i < data->endpoint_count; i++) {
        struct hl_runner *runner = find_kept(prober, &data->endpoints[i]);
        if (runner)
            runner->kept = true;
        else if ((code = make_runner(&runner, prober)))
            return code;
        adoption->runners[adoption->count++] = runner;
    }
    return 0;
}

/* First records of new runners need the new data in place; they alone can still fail. */
static int first_records(struct adoption *adoption, homelab_prober *prober)
{
    const struct hl_inventory_data *before = prober->data;
    int code = 0;
    prober->data = adoption->data;
    for (size_t i = 0; i < adoption->count && !code; i++) {
        struct hl_runner *runner = adoption->runners[i];
        if (runner->kept)
            continue;
        runner->index = i;
        runner->endpoint = &adoption->data->endpoints[i];
        code = hl_report_first(runner);
    }
    prober->data = before;
    return code;
}

static void told_tier_of(struct adoption *adoption, const homelab_prober *prober, size_t tier)
{
    for (size_t i = 0; prober->roster && i < prober->roster->tier_count; i++)
        if (strcmp(prober->roster->tiers[i], adoption->roster->tiers[tier]) == 0)
            adoption->told_tiers[tier] = prober->told_tiers[i];
}

static void settle(struct adoption *adoption, homelab_prober *prober)
{
    prober->declared = hl_declared_capabilities(adoption->data);
    for (size_t i = 0; i < adoption->count; i++) {
        struct hl_runner *runner = adoption->runners[i];
        const struct hl_endpoint *endpoint = &adoption->data->endpoints[i];
        if (runner->kept && !same_key(runner->endpoint, endpoint))
            hl_run_renew_key(runner);
        runner->kept = false;
        runner->index = i;
        runner->endpoint = endpoint;
        runner->selected = is_selected(prober, endpoint->id);
        runner->told.id = endpoint->id;
        runner->told.tier = endpoint->tier;
        runner->told.can = runner->serves.can;
        runner->told.gateway = runner->record->facts.gateway;
        prober->declared |= runner->serves.expected;
        hl_tally_add(&adoption->tally, &runner->told);
        adoption->selected[endpoint->tier] += runner->selected;
    }
}

static void drop_others(homelab_prober *prober)
{
    for (size_t i = 0; i < prober->count; i++)
        if (!prober->runners[i]->kept)
            drop(prober->runners[i]);
    prober->count = 0;
}

static void commit(struct adoption *adoption, homelab_prober *prober, homelab_inventory *inventory)
{
    for (size_t i = 0; i < adoption->roster->tier_count; i++)
        told_tier_of(adoption, prober, i);
    drop_others(prober);
    settle(adoption, prober);
    homelab_inventory *old = prober->inventory;
    struct hl_runner **runners = prober->runners;
    prober->inventory = homelab_inventory_ref(inventory);
    prober->data = adoption->data;
    prober->runners = adoption->runners;
    prober->count = adoption->count;
    hl_roster_unref(prober->roster);
    hl_tally_clear(&prober->tally);
    hl_free(prober->selected);
    hl_free(prober->told_tiers);
    prober->roster = adoption->roster;
    prober->tally = adoption->tally;
    prober->selected = adoption->selected;
    prober->told_tiers = adoption->told_tiers;
    hl_free(runners);
    homelab_inventory_unref(old);
}

int hl_prober_adopt(homelab_prober *prober, homelab_inventory *inventory)
{
    struct adoption adoption = {.data = hl_inventory_data(inventory)};
    int code = prepare(&adoption, prober);
    if (!code)
        code = first_records(&adoption, prober);
    if (code)
        discard(&adoption);
    else
        commit(&adoption, prober, inventory);
    return code;
}
