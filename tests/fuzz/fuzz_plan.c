/* Any inventory gives a plan or an error, and its texts can be made. */
#include "fuzz.h"

#include <homelab/homelab.h>

static void use(homelab_plan *plan)
{
    homelab_free(homelab_plan_json(plan));
    homelab_free(homelab_plan_svg(plan));
    homelab_free(homelab_plan_diff(plan, plan));
    homelab_plan_unref(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    homelab_inventory *inventory = NULL;
    homelab_planner *planner = NULL;
    homelab_plan *plan = NULL;
    homelab_opts *opts = NULL;
    if (homelab_inventory_load_text(&inventory, (const char *)data, size, HOMELAB_FORMAT_AUTO,
                                    "fuzz", NULL))
        return 0;
    if (!homelab_opts_new(&opts) && !homelab_opts_set_int(opts, "plan.max_steps", 20000) &&
        !homelab_planner_new(&planner, inventory, opts) && !homelab_planner_plan(planner, &plan))
        use(plan);
    homelab_planner_free(planner);
    homelab_opts_free(opts);
    homelab_inventory_unref(inventory);
    return 0;
}
