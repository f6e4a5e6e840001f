#include "cli.h"

#include <getopt.h>

static int run(const struct command *self, int argc, char **argv)
{
    static const struct option longs[] = {
        {"eval", required_argument, NULL, 'e'},
        {"headers", required_argument, NULL, 'd'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *rows = NULL, *folder = NULL;
    for (int option; (option = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
        switch (option) {
        case 'e':
            rows = optarg;
            break;
        case 'd':
            folder = optarg;
            break;
        default:
            return usage_end(self, option);
        }
    }
    if (!rows || !folder || optind < argc)
        return usage_end(self, '?');
    return plan_eval(rows, folder);
}

const struct command command_plan = {
    .name = "plan",
    .summary = "tell what models need",
    .usage = "--eval ROWS.jsonl --headers DIR\n\n"
             "Says what the memory model makes of each row of a file of measured runs, one JSON "
             "line a row;\nwhat a row measured is never looked at.\n\n"
             "  --eval ROWS    the rows; - for standard input\n"
             "  --headers DIR  a row's header is DIR/GGUF.hdr\n",
    .run = run,
};
