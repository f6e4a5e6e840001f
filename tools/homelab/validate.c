#include "cli.h"

#include <getopt.h>

static int validate(const char *path)
{
    homelab_report *report = NULL;
    if (homelab_report_file(&report, path, NULL))
        return fail("%s", homelab_error_message());
    size_t count = homelab_report_count(report);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "%s\n", homelab_report_message(report, i));
    homelab_report_free(report);
    return count ? CLI_ERROR : CLI_HEALTHY;
}

static int run_validate(const struct command *self, int argc, char **argv)
{
    static const struct option options[] = {{"inventory", required_argument, NULL, 'i'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *path = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "i:h", options, NULL)) != -1) {
        if (option != 'i')
            return usage_end(self, option);
        path = optarg;
    }
    if (optind < argc && !path)
        path = argv[optind++];
    if (!path || optind < argc)
        return fail("validate: expected one FILE");
    int code = validate(path);
    return code ? code : printf("%s: no problems\n", path) < 0 ? CLI_ERROR : CLI_HEALTHY;
}

const struct command command_validate = {
    "validate", "Checks an inventory file, without any network access.",
    "FILE\n\nNames every problem with file, line and column, one a line on stderr.\n"
    "Exit status: 0 without problems, 3 with any.\n",
    run_validate};
