#include "cli.h"

#include <locale.h>
#include <string.h>

static const struct command *const commands[] = {
    &command_status, &command_validate, &command_whatif, &command_discover,
    &command_gguf,   &command_options,  &command_plan,   &command_route,
    &command_ask,    &command_version,  &command_help,
};
#define COMMAND_COUNT (sizeof commands / sizeof *commands)

const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

void print_usage(FILE *stream, const struct command *command)
{
    fprintf(stream, "usage: homelab %s %s", command->name, command->usage);
}

int usage_end(const struct command *self, int option)
{
    if (option == 'h') {
        print_usage(stdout, self);
        return CLI_HEALTHY;
    }
    fprintf(stderr, "homelab: try 'homelab help %s'\n", self->name);
    return CLI_ERROR;
}

static void print_overview(FILE *stream)
{
    fputs("usage: homelab COMMAND [OPTION…]\n\n"
          "What a cluster of AI servers at home can do right now.\n\n",
          stream);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(stream, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n'homelab help COMMAND' tells more. HOMELAB_INVENTORY names the inventory where "
          "--inventory is\nnot given.\n",
          stream);
}

static int run_help(const struct command *self, int argc, char **argv)
{
    (void)self;
    if (argc < 2) {
        print_overview(stdout);
        return CLI_HEALTHY;
    }
    const struct command *command = find_command(argv[1]);
    if (!command)
        return fail("no command '%s'", argv[1]);
    print_usage(stdout, command);
    return CLI_HEALTHY;
}

const struct command command_help = {"help", "Explains a command.", "[COMMAND]\n", run_help};

static int run_version(const struct command *self, int argc, char **argv)
{
    (void)self, (void)argc, (void)argv;
    printf("homelab %s\n", homelab_version());
    return CLI_HEALTHY;
}

const struct command command_version = {"version", "Prints the version.", "\n", run_version};

int main(int argc, char **argv)
{
    /* For the width of characters; nothing else may depend on the locale. */
    setlocale(LC_CTYPE, "");
    if (argc < 2) {
        print_overview(stderr);
        return CLI_ERROR;
    }
    const char *name = argv[1];
    if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0)
        name = "help";
    else if (strcmp(name, "-V") == 0 || strcmp(name, "--version") == 0)
        name = "version";
    const struct command *command = find_command(name);
    if (!command) {
        fail("no command '%s'; 'homelab help' lists them", argv[1]);
        return CLI_ERROR;
    }
    return command->run(command, argc - 1, argv + 1);
}
