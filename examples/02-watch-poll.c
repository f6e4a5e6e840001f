/* Watches a cluster from an event loop of one's own: one descriptor to wait for, one call to do
 * what is due, then the events. Prints each change until Enter is pressed or input ends.
 *
 *     cc 02-watch-poll.c $(pkg-config --cflags --libs homelab) && ./a.out inventory.yaml
 */
#include <homelab/homelab.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

static void print_events(homelab_ctx *ctx)
{
    homelab_event *event;
    while (homelab_ctx_next_event(ctx, &event) == 1) {
        printf("%s\n", homelab_event_text(event));
        homelab_event_unref(event);
    }
    fflush(stdout);
}

static int loop(homelab_ctx *ctx)
{
    struct pollfd fds[] = {
        {.fd = homelab_ctx_fd(ctx), .events = POLLIN}, /* constant for the context's life */
        {.fd = STDIN_FILENO, .events = POLLIN},
    };
    for (;;) {
        /* Timers live behind the descriptor, so there is no time-out to work out. */
        if (poll(fds, 2, -1) < 0)
            return 1;
        if (fds[0].revents && homelab_ctx_dispatch(ctx, 0) < 0)
            return 1;
        print_events(ctx);
        if (fds[1].revents)
            return 0;
    }
}

int main(int argc, char **argv)
{
    homelab_inventory *inventory = NULL;
    homelab_ctx *ctx = NULL;
    homelab_prober *prober = NULL;
    int failed = 1;

    if (argc != 2)
        fprintf(stderr, "usage: 02-watch-poll INVENTORY\n");
    else if (homelab_inventory_load_file(&inventory, argv[1], NULL) != HOMELAB_OK ||
             homelab_ctx_new(&ctx, NULL) != HOMELAB_OK ||
             homelab_prober_new(&prober, ctx, inventory, NULL) != HOMELAB_OK ||
             homelab_prober_start(prober, 0) != HOMELAB_OK || (failed = loop(ctx)) != 0)
        fprintf(stderr, "%s\n", homelab_error_message());

    homelab_prober_unref(prober);
    homelab_ctx_unref(ctx);
    homelab_inventory_unref(inventory);
    return failed;
}
