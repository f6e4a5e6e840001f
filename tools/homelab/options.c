#include "cli.h"

#include <string.h>

static const char *type_name(int type)
{
    switch (type) {
    case HOMELAB_OPTION_BOOL:
        return "boolean";
    case HOMELAB_OPTION_INT:
        return "integer";
    case HOMELAB_OPTION_DOUBLE:
        return "number";
    default:
        return "text";
    }
}

static int run_options(const struct command *self, int argc, char **argv)
{
    (void)self;
    if (argc > 1)
        return fail("options: unexpected argument '%s'", argv[1]);
    for (size_t i = 0; i < homelab_option_count(); i++) {
        int type = homelab_option_type(i);
        const char *preset = homelab_option_default(i), *unit = homelab_option_unit(i);
        printf("%s\n    %s", homelab_option_key(i), type_name(type));
        if (type == HOMELAB_OPTION_INT || type == HOMELAB_OPTION_DOUBLE)
            printf(" from %.10g to %.10g%s%s", homelab_option_min(i), homelab_option_max(i),
                   *unit ? " " : "", unit);
        printf(", default %s\n    %s\n", *preset ? preset : "empty", homelab_option_text(i));
    }
    return CLI_HEALTHY;
}

const struct command command_options = {
    "options", "Lists the options of the library, for --option KEY=VALUE.", "\n", run_options};
