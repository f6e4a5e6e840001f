/* Lets the library watch in a thread of its own, and asks it for the present state whenever that is
 * wanted: here a program that has better things to do, and looks five times.
 *
 *     cc 03-background-thread.c $(pkg-config --cflags --libs homelab) && ./a.out inventory.yaml
 */
#include <homelab/homelab.h>
#include <stdio.h>
#include <time.h>

static void work_on_something_else(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
}

static int look(homelab_prober *prober)
{
    homelab_snapshot *snapshot;
    /* Never waits for the network. The snapshot does not change any more; any thread may read it.
     */
    if (homelab_prober_snapshot(prober, &snapshot) != HOMELAB_OK)
        return 1;
    printf("generation %lld: %s\n", (long long)homelab_snapshot_generation(snapshot),
           homelab_snapshot_text(snapshot));
    homelab_snapshot_unref(snapshot);
    return 0;
}

int main(int argc, char **argv)
{
    homelab_inventory *inventory = NULL;
    homelab_ctx *ctx = NULL;
    homelab_prober *prober = NULL;
    int failed = 1;

    if (argc == 2 && homelab_inventory_load_file(&inventory, argv[1], NULL) == HOMELAB_OK &&
        homelab_ctx_new(&ctx, NULL) == HOMELAB_OK &&
        homelab_prober_new(&prober, ctx, inventory, NULL) == HOMELAB_OK &&
        homelab_ctx_start_thread(ctx) == HOMELAB_OK &&
        homelab_prober_start(prober, 0) == HOMELAB_OK)
        failed = 0;

    for (int i = 0; i < 5 && !failed; i++) {
        work_on_something_else();
        failed = look(prober);
    }
    if (failed)
        fprintf(stderr, "%s\n",
                argc == 2 ? homelab_error_message() : "usage: 03-background-thread INVENTORY");

    homelab_prober_unref(prober);
    homelab_ctx_unref(ctx); /* ends the thread */
    homelab_inventory_unref(inventory);
    return failed;
}
