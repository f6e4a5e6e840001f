/* Runs a monitor until the endpoint "end/marker" is down and prints one line per event:
 *
 *     driver wait|poll|thread INVENTORY [KEY=VALUE...]
 *
 * The drivers of the other hosts do and print the same. */
#include <homelab/homelab.h>

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(bool fine)
{
    if (fine)
        return;
    fprintf(stderr, "driver: %s\n", homelab_error_message());
    exit(1);
}

/* Takes what is queued; true at the end of the script. */
static bool take_events(homelab_ctx *ctx)
{
    bool end = false;
    homelab_event *event;
    while (homelab_ctx_next_event(ctx, &event) == 1) {
        const char *subject = homelab_event_subject(event);
        int type = homelab_event_type(event), after = homelab_event_after(event);
        printf("event %d %d %d %d %s\n", type, homelab_event_before(event), after,
               homelab_event_cause(event), subject);
        end = end || (type == HOMELAB_EVENT_ENDPOINT && after == HOMELAB_VERDICT_DOWN &&
                      strcmp(subject, "end/marker") == 0);
        homelab_event_unref(event);
    }
    fflush(stdout);
    return end;
}

static void drive_waiting(homelab_ctx *ctx)
{
    do
        require(homelab_ctx_wait(ctx, -1) >= 0);
    while (!take_events(ctx));
}

static void drive_polling(homelab_ctx *ctx)
{
    struct pollfd wanted = {.fd = homelab_ctx_fd(ctx), .events = POLLIN};
    do {
        if (poll(&wanted, 1, homelab_ctx_timeout_ms(ctx)) < 0 && errno != EINTR)
            exit(1);
        require(homelab_ctx_dispatch(ctx, 0) >= 0);
    } while (!take_events(ctx));
}

/* The library works by itself: the host only takes events, when the descriptor says so. */
static void drive_taking(homelab_ctx *ctx)
{
    struct pollfd wanted = {.fd = homelab_ctx_fd(ctx), .events = POLLIN};
    do
        if (poll(&wanted, 1, -1) < 0 && errno != EINTR)
            exit(1);
    while (!take_events(ctx));
}

static homelab_opts *options(int count, char **settings)
{
    homelab_opts *opts;
    require(homelab_opts_new(&opts) == HOMELAB_OK);
    for (int i = 0; i < count; i++) {
        char *value = strchr(settings[i], '=');
        if (!value)
            exit(2);
        *value++ = '\0';
        require(homelab_opts_set_text(opts, settings[i], value) == HOMELAB_OK);
    }
    return opts;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s wait|poll|thread INVENTORY [KEY=VALUE...]\n", argv[0]);
        return 2;
    }
    const char *mode = argv[1];
    homelab_opts *opts = options(argc - 3, argv + 3);
    homelab_inventory *inventory;
    homelab_ctx *ctx;
    homelab_prober *prober;
    require(homelab_inventory_load_file(&inventory, argv[2], opts) == HOMELAB_OK);
    require(homelab_ctx_new(&ctx, opts) == HOMELAB_OK);
    require(homelab_prober_new(&prober, ctx, inventory, NULL) == HOMELAB_OK);
    if (strcmp(mode, "thread") == 0)
        require(homelab_ctx_start_thread(ctx) == HOMELAB_OK);
    require(homelab_prober_start(prober, 0) == HOMELAB_OK);
    if (strcmp(mode, "wait") == 0)
        drive_waiting(ctx);
    else if (strcmp(mode, "poll") == 0)
        drive_polling(ctx);
    else
        drive_taking(ctx);
    require(homelab_prober_close(prober) == HOMELAB_OK);
    require(homelab_ctx_close(ctx) == HOMELAB_OK);
    homelab_prober_unref(prober);
    homelab_ctx_unref(ctx);
    homelab_inventory_unref(inventory);
    homelab_opts_free(opts);
    return 0;
}
