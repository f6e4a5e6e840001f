/* Asks the right model and prints its answer as it comes: the next candidate takes over if the
 * first one fails before it said anything.
 *
 *     cc 07-ask.c $(pkg-config --cflags --libs homelab) && ./a.out inventory.yaml "Why is the sky
 * blue?"
 */
#include <homelab/homelab.h>
#include <stdio.h>
#include <string.h>

static void take_events(homelab_ctx *ctx)
{
    homelab_event *event;
    while (homelab_ctx_next_event(ctx, &event) == 1) {
        if (homelab_event_type(event) == HOMELAB_EVENT_ANSWER)
            fwrite(homelab_event_data(event), 1, homelab_event_data_length(event), stdout);
        else if (homelab_event_type(event) == HOMELAB_EVENT_ATTEMPT)
            fprintf(stderr, "[%s on %s]\n", homelab_event_text(event),
                    homelab_event_subject(event));
        homelab_event_unref(event);
    }
    fflush(stdout);
}

static int ask(homelab_ctx *ctx, homelab_router *router, homelab_request *request, const char *text)
{
    homelab_op *op = NULL;
    if (homelab_router_send(router, ctx, request, text, strlen(text), 0, &op) != HOMELAB_OK) {
        fprintf(stderr, "%s\n", homelab_error_message());
        return 1;
    }
    while (!homelab_op_is_done(op) && homelab_ctx_wait(ctx, -1) >= 0)
        take_events(ctx);
    take_events(ctx);
    int failed = homelab_op_result(op) != HOMELAB_OK;
    if (failed)
        fprintf(stderr, "%s\n", homelab_op_message(op));
    else
        printf("\n");
    homelab_op_unref(op);
    return failed;
}

int main(int argc, char **argv)
{
    homelab_inventory *inventory = NULL;
    homelab_ctx *ctx = NULL;
    homelab_prober *prober = NULL;
    homelab_snapshot *snapshot = NULL;
    homelab_router *router = NULL;
    homelab_request *request = NULL;
    int failed = 1;

    if (argc != 3)
        fprintf(stderr, "usage: 07-ask INVENTORY TEXT\n");
    else if (homelab_inventory_load_file(&inventory, argv[1], NULL) != HOMELAB_OK ||
             homelab_ctx_new(&ctx, NULL) != HOMELAB_OK ||
             homelab_prober_new(&prober, ctx, inventory, NULL) != HOMELAB_OK ||
             homelab_prober_check_now(prober, 60000) != HOMELAB_OK ||
             homelab_prober_snapshot(prober, &snapshot) != HOMELAB_OK ||
             homelab_router_new(&router, inventory, snapshot, NULL) != HOMELAB_OK ||
             homelab_request_new(&request, NULL) != HOMELAB_OK)
        fprintf(stderr, "%s\n", homelab_error_message());
    else
        failed = ask(ctx, router, request, argv[2]);

    homelab_request_free(request);
    homelab_router_unref(router);
    homelab_snapshot_unref(snapshot);
    homelab_prober_unref(prober);
    homelab_ctx_unref(ctx);
    homelab_inventory_unref(inventory);
    return failed;
}
