/* Looks at a cluster once and says what it can do right now.
 *
 *     cc 01-status.c $(pkg-config --cflags --libs homelab) && ./a.out inventory.yaml
 */
#include <homelab/homelab.h>
#include <stdio.h>

static void print(const homelab_snapshot *snapshot)
{
    for (size_t i = 0; i < homelab_snapshot_endpoint_count(snapshot); i++)
        printf("%-20s %-13s %s\n", homelab_snapshot_endpoint_id(snapshot, i),
               homelab_verdict_name(homelab_snapshot_endpoint_verdict(snapshot, i)),
               homelab_snapshot_endpoint_text(snapshot, i));
    printf("%s: %s\n", homelab_verdict_name(homelab_snapshot_verdict(snapshot)),
           homelab_snapshot_text(snapshot));
}

int main(int argc, char **argv)
{
    homelab_inventory *inventory = NULL;
    homelab_ctx *ctx = NULL;
    homelab_prober *prober = NULL;
    homelab_snapshot *snapshot = NULL;
    int failed = 1;

    /* A sweep ends with its slowest endpoint; the minute is only a last resort. */
    if (argc == 2 && homelab_inventory_load_file(&inventory, argv[1], NULL) == HOMELAB_OK &&
        homelab_ctx_new(&ctx, NULL) == HOMELAB_OK &&
        homelab_prober_new(&prober, ctx, inventory, NULL) == HOMELAB_OK &&
        homelab_prober_check_now(prober, 60000) == HOMELAB_OK &&
        homelab_prober_snapshot(prober, &snapshot) == HOMELAB_OK)
        failed = 0;

    if (failed)
        fprintf(stderr, "%s\n", argc == 2 ? homelab_error_message() : "usage: 01-status INVENTORY");
    else
        print(snapshot);

    /* NULL is fine, and so is any order. */
    homelab_snapshot_unref(snapshot);
    homelab_prober_unref(prober);
    homelab_ctx_unref(ctx);
    homelab_inventory_unref(inventory);
    return failed;
}
