/* What `route` and `ask` share: arguments, the text, and a router that knows how the cluster is. */
#ifndef ASKING_H
#define ASKING_H

#include "cli.h"

#include <getopt.h>

#define ASK_NONE 2 /* no model for the request, or every one failed */

struct asking {
    const char *inventory, *file, *endpoint, *model;
    char *text; /* the prompt, length bytes */
    size_t length;
    bool json, assume, verbose;
    homelab_opts *opts;
    homelab_request *request;
    homelab_ctx *ctx;
    homelab_inventory *cluster;
    homelab_snapshot *snapshot;
    homelab_router *router;
};

/* The options of both; those of one are the caller's. */
#define ASKING_SHORT "i:t:g:f:e:m:o:avh"
#define ASKING_LONG                                                                                \
    {"inventory", required_argument, NULL, 'i'}, {"task", required_argument, NULL, 't'},           \
        {"tag", required_argument, NULL, 'g'}, {"file", required_argument, NULL, 'f'},             \
        {"endpoint", required_argument, NULL, 'e'}, {"model", required_argument, NULL, 'm'},       \
        {"option", required_argument, NULL, 'o'}, {"assume", no_argument, NULL, 'a'},              \
        {"verbose", no_argument, NULL, 'v'},                                                       \
    {                                                                                              \
        "help", no_argument, NULL, 'h'                                                             \
    }
#define ASKING_USAGE                                                                               \
    "  -i, --inventory FILE   the inventory (default: HOMELAB_INVENTORY)\n"                        \
    "  -t, --task TASK        code, reason, chat, vision, fast or embed, whatever the text is\n"   \
    "  -g, --tag TAG          who asks, for rules of the inventory\n"                              \
    "  -e, --endpoint ID      only this endpoint\n"                                                \
    "  -m, --model NAME       only this model\n"                                                   \
    "  -f, --file PATH        the text is in this file; - is standard input\n"                     \
    "  -a, --assume           take the cluster to work as declared; touch no network first\n"      \
    "  -o, --option KEY=VALUE any option of the library; 'homelab options' lists them\n"

int asking_open(struct asking *asking);
int asking_take(struct asking *asking, int option, const char *value);
/* The text from --file, from the argument that is left, or from standard input for "-". */
int asking_read(struct asking *asking, int argc, char **argv);
/* Looks at the cluster, and makes the router. */
int asking_look(struct asking *asking);
void asking_close(struct asking *asking);

#endif
