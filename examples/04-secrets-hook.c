/* Answers requests for API keys from a place of one's own. The inventory says `api_key:
 * env:LITELLM_KEY` at an endpoint; the library asks for that reference when it first needs the key,
 * keeps it only while it probes, and never shows it.
 *
 *     cc 04-secrets-hook.c $(pkg-config --cflags --libs homelab) && ./a.out inventory.yaml keys.txt
 */
#include <homelab/homelab.h>
#include <stdio.h>
#include <string.h>

/* A file with lines REFERENCE KEY stands for the place where secrets are kept. */
static int answer_from_file(homelab_secret_request *request, void *userdata)
{
    const char *wanted = homelab_secret_request_reference(request);
    char reference[256], key[256];
    int result = HOMELAB_SECRET_PASS; /* not here: the built-in provider is asked */

    FILE *file = fopen(userdata, "r");
    if (!file)
        return result;
    while (result == HOMELAB_SECRET_PASS && fscanf(file, "%255s %255s", reference, key) == 2) {
        if (strcmp(reference, wanted) != 0)
            continue;
        homelab_secret_request_answer(request, key);
        result = HOMELAB_SECRET_DONE;
    }
    fclose(file);
    memset(key, 0, sizeof key);
    printf("key %s for %s: %s\n", wanted, homelab_secret_request_subject(request),
           result == HOMELAB_SECRET_DONE ? "given" : "not in the file");
    return result;
}

int main(int argc, char **argv)
{
    homelab_inventory *inventory = NULL;
    homelab_ctx *ctx = NULL;
    homelab_prober *prober = NULL;
    homelab_snapshot *snapshot = NULL;
    int failed = 1;

    if (argc == 3 && homelab_inventory_load_file(&inventory, argv[1], NULL) == HOMELAB_OK &&
        homelab_ctx_new(&ctx, NULL) == HOMELAB_OK &&
        homelab_ctx_set_secret_provider(ctx, answer_from_file, argv[2], NULL) == HOMELAB_OK &&
        homelab_prober_new(&prober, ctx, inventory, NULL) == HOMELAB_OK &&
        homelab_prober_check_now(prober, 60000) == HOMELAB_OK &&
        homelab_prober_snapshot(prober, &snapshot) == HOMELAB_OK)
        failed = 0;

    if (failed)
        fprintf(stderr, "%s\n",
                argc == 3 ? homelab_error_message() : "usage: 04-secrets-hook INVENTORY KEYS");
    else
        printf("%s\n", homelab_snapshot_text(snapshot));

    homelab_snapshot_unref(snapshot);
    homelab_prober_unref(prober);
    homelab_ctx_unref(ctx);
    homelab_inventory_unref(inventory);
    return failed;
}
