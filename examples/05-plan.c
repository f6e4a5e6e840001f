/* Which models go on which GPU: a plan from an inventory, printed with the reasons.
 *
 *     05-plan INVENTORY [MODEL=FILE.gguf …]
 */
#include <homelab/homelab.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, homelab_error_message());
    return EXIT_FAILURE;
}

static int add_header(homelab_planner *planner, char *argument)
{
    char *equals = strchr(argument, '=');
    homelab_gguf *header = NULL;
    if (!equals)
        return 0;
    *equals = '\0';
    int code = homelab_gguf_load_file(&header, equals + 1, NULL);
    if (!code)
        code = homelab_planner_set_header(planner, argument, header);
    homelab_gguf_unref(header);
    return code;
}

static void show(const homelab_plan *plan)
{
    for (size_t i = 0; i < homelab_plan_model_count(plan); i++)
        printf("%s: %s\n", homelab_plan_model_name(plan, i), homelab_plan_model_why(plan, i));
    for (size_t d = 0; d < homelab_plan_device_count(plan); d++)
        printf("%s: %lld MiB of %lld MiB planned\n", homelab_plan_device_id(plan, d),
               (long long)(homelab_plan_device_planned(plan, d) >> 20),
               (long long)(homelab_plan_device_capacity(plan, d) >> 20));
}

int main(int count, char **values)
{
    homelab_inventory *inventory = NULL;
    homelab_planner *planner = NULL;
    homelab_plan *plan = NULL;
    if (count < 2) {
        fprintf(stderr, "usage: %s INVENTORY [MODEL=FILE.gguf …]\n", values[0]);
        return EXIT_FAILURE;
    }
    if (homelab_inventory_load_file(&inventory, values[1], NULL))
        return failed(values[1]);
    int code = homelab_planner_new(&planner, inventory, NULL);
    for (int i = 2; i < count && !code; i++)
        code = add_header(planner, values[i]);
    if (!code)
        code = homelab_planner_plan(planner, &plan);
    if (code)
        code = failed("plan");
    else
        show(plan);
    homelab_plan_unref(plan);
    homelab_planner_free(planner);
    homelab_inventory_unref(inventory);
    return code;
}
