/* Says which model on which endpoint would answer each line of input, and what comes next if that
 * fails. The cluster is looked at once; deciding takes no lock and no memory.
 *
 *     cc 06-route.c $(pkg-config --cflags --libs homelab) && echo "sort a list in C" | ./a.out
 * inventory.yaml
 */
#include <homelab/homelab.h>
#include <stdio.h>
#include <string.h>

static void print_decision(const homelab_decision *decision)
{
    printf("%s\n", homelab_task_name(homelab_decision_task(decision)));
    for (size_t i = 0; i < homelab_decision_count(decision); i++)
        printf("  %3.0f %%  %s at %s\n", 100 * homelab_decision_weight(decision, i),
               homelab_decision_model(decision, i), homelab_decision_url(decision, i));
}

static int route_lines(homelab_router *router, homelab_request *request, homelab_decision *decision)
{
    char line[4096];
    while (fgets(line, sizeof line, stdin)) {
        if (homelab_router_decide(router, request, line, strlen(line), decision, 0) < 0)
            printf("%s\n", homelab_error_message());
        else
            print_decision(decision);
    }
    return 0;
}

int main(int argc, char **argv)
{
    homelab_inventory *inventory = NULL;
    homelab_ctx *ctx = NULL;
    homelab_prober *prober = NULL;
    homelab_snapshot *snapshot = NULL;
    homelab_router *router = NULL;
    homelab_request *request = NULL;
    homelab_decision *decision = NULL;
    int failed = 1;

    if (argc != 2)
        fprintf(stderr, "usage: 06-route INVENTORY\n");
    else if (homelab_inventory_load_file(&inventory, argv[1], NULL) != HOMELAB_OK ||
             homelab_ctx_new(&ctx, NULL) != HOMELAB_OK ||
             homelab_prober_new(&prober, ctx, inventory, NULL) != HOMELAB_OK ||
             homelab_prober_check_now(prober, 60000) != HOMELAB_OK ||
             homelab_prober_snapshot(prober, &snapshot) != HOMELAB_OK ||
             homelab_router_new(&router, inventory, snapshot, NULL) != HOMELAB_OK ||
             homelab_request_new(&request, NULL) != HOMELAB_OK ||
             homelab_decision_new(&decision, router) != HOMELAB_OK)
        fprintf(stderr, "%s\n", homelab_error_message());
    else
        failed = route_lines(router, request, decision);

    homelab_decision_free(decision);
    homelab_request_free(request);
    homelab_router_unref(router);
    homelab_snapshot_unref(snapshot);
    homelab_prober_unref(prober);
    homelab_ctx_unref(ctx);
    homelab_inventory_unref(inventory);
    return failed;
}
