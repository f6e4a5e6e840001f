#include "cli.h"

#include <getopt.h>

static int run(const struct command *self, int argc, char **argv)
{
    static const struct option longs[] = {
        {"eval", required_argument, NULL, 'e'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *eval = NULL;
    for (int option; (option = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        if (option != 'e')
            return usage_end(self, option);
        eval = optarg;
    }
    if (!eval || optind < argc)
        return usage_end(self, '?');
    return route_eval(eval);
}

const struct command command_route = {
    .name = "route",
    .summary = "tell what kind of work requests are",
    .usage = "--eval FILE.jsonl\n\n"
             "Labels each row of a file (id, text, has_image, request_kind, label) and writes one "
             "line a\nrow to stdout; how many were right goes to stderr. No inventory is read.\n\n"
             "  --eval FILE  the rows; - for standard input\n",
    .run = run,
};
