/* Any inventory gives a plan or an error, and its texts can be made. Models that name files have
 * the headers of small ones. */
#include "fuzz.h"

#include "support/gguf_small.h"

#include <homelab/homelab.h>

static void use(homelab_plan *plan)
{
    homelab_free(homelab_plan_json(plan));
    homelab_free(homelab_plan_svg(plan));
    homelab_free(homelab_plan_diff(plan, plan));
    homelab_plan_unref(plan);
}

static void give_headers(homelab_planner *planner, const homelab_inventory *inventory)
{
    homelab_gguf *model = gguf_small_model(), *projector = gguf_small_projector();
    for (size_t i = 0; i < homelab_inventory_model_count(inventory); i++) {
        const char *name = homelab_inventory_model_name(inventory, i);
        if (homelab_inventory_model_file(inventory, i))
            homelab_planner_set_header(planner, name, model);
        if (homelab_inventory_model_mmproj(inventory, i))
            homelab_planner_set_projector(planner, name, projector);
        if (homelab_inventory_model_draft(inventory, i))
            homelab_planner_set_draft(planner, name, model);
    }
    homelab_gguf_unref(model);
    homelab_gguf_unref(projector);
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
        !homelab_opts_set_int(opts, "vram.overhead_cuda_mib", 1) &&
        !homelab_planner_new(&planner, inventory, opts)) {
        give_headers(planner, inventory);
        if (!homelab_planner_plan(planner, &plan))
            use(plan);
    }
    homelab_planner_free(planner);
    homelab_opts_free(opts);
    homelab_inventory_unref(inventory);
    return 0;
}
