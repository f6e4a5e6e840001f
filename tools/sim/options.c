#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <homelab/version.h>

enum {
    OPT_HELP = 256,
    OPT_VERSION,
    OPT_DEMO,
    OPT_CHECK,
    OPT_PRINT_DEMO,
    OPT_INVENTORY,
    OPT_READY_FD,
    OPT_CONTROL,
    OPT_SECONDS,
    OPT_RUN,
    OPT_DIE,
    OPT_SCALE,
    OPT_DEAD,
    OPT_BACKEND,
    OPT_THREADS
};

static const struct option long_options[] = {
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {"demo", no_argument, NULL, OPT_DEMO},
    {"check", no_argument, NULL, OPT_CHECK},
    {"print-demo", no_argument, NULL, OPT_PRINT_DEMO},
    {"write-inventory", required_argument, NULL, OPT_INVENTORY},
    {"ready-fd", required_argument, NULL, OPT_READY_FD},
    {"control", required_argument, NULL, OPT_CONTROL},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"run", no_argument, NULL, OPT_RUN},
    {"die-with-parent", no_argument, NULL, OPT_DIE},
    {"scale", required_argument, NULL, OPT_SCALE},
    {"dead-percent", required_argument, NULL, OPT_DEAD},
    {"scale-backend", required_argument, NULL, OPT_BACKEND},
    {"threads", required_argument, NULL, OPT_THREADS},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "Usage: homelab-sim SCENARIO.json [OPTION...] [--run COMMAND [ARGUMENT...]]\n"
    "       homelab-sim --demo [OPTION...] [--run COMMAND [ARGUMENT...]]\n"
    "       homelab-sim --scale N [OPTION...] [--run COMMAND [ARGUMENT...]]\n"
    "Plays a described cluster of AI servers, with scripted faults, on loopback ports.\n"
    "\n"
    "  --demo                  play the built-in cluster\n"
    "  --print-demo            print its scenario and exit\n"
    "  --check                 check the scenario and exit\n"
    "  --write-inventory FILE  write the inventory that names the endpoints\n"
    "  --ready-fd N            write the line \"ready\" there instead of to standard output\n"
    "  --control PORT          control channel on 127.0.0.1; 0 takes a free port\n"
    "  --seconds N             stop after N seconds\n"
    "  --run COMMAND...        play while COMMAND runs, with HOMELAB_INVENTORY set to the\n"
    "                          inventory, and end with its exit status; must come last\n"
    "  --die-with-parent       stop when the parent process ends\n"
    "  --scale N               N trivial servers, each on an address of its own in 127/8\n"
    "  --dead-percent P        P percent of them never answer, half silent after accept,\n"
    "                          half dropping SYNs (default 0)\n"
    "  --scale-backend NAME    ollama (default) or openai\n"
    "  --threads N             threads that serve them (default 1)\n"
    "  --help, --version\n";

static bool number(const char *name, const char *text, double low, double high, double *out)
{
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (end != text && *end == '\0' && errno == 0 && value >= low && value <= high) {
        *out = value;
        return true;
    }
    sim_complain("--%s: found '%s', expected a number from %g to %g", name, text, low, high);
    return false;
}

static bool whole(const char *name, const char *text, int low, int high, int *out)
{
    double value = 0;
    if (!number(name, text, low, high, &value))
        return false;
    *out = (int)value;
    if ((double)*out == value)
        return true;
    sim_complain("--%s: found '%s', expected a whole number", name, text);
    return false;
}

static bool take_backend(const char *text, struct sim_options *out)
{
    out->scale_openai = strcmp(text, "openai") == 0;
    if (out->scale_openai || strcmp(text, "ollama") == 0)
        return true;
    sim_complain("--scale-backend: found '%s', expected ollama or openai", text);
    return false;
}

static bool take_value(int option, const char *value, struct sim_options *out)
{
    int count = 0;
    switch (option) {
    case OPT_INVENTORY:
        out->inventory = value;
        return true;
    case OPT_READY_FD:
        return whole("ready-fd", value, 0, 1 << 20, &out->ready_fd);
    case OPT_CONTROL:
        return whole("control", value, 0, 65535, &out->control_port);
    case OPT_SECONDS:
        return number("seconds", value, 0.001, 1e7, &out->seconds);
    case OPT_SCALE:
        if (!whole("scale", value, 1, 60000, &count))
            return false;
        out->scale = count;
        return true;
    case OPT_DEAD:
        return number("dead-percent", value, 0, 100, &out->dead_percent);
    case OPT_BACKEND:
        return take_backend(value, out);
    default:
        return whole("threads", value, 1, 64, &out->threads);
    }
}

static void take_flag(int option, struct sim_options *out)
{
    out->demo = out->demo || option == OPT_DEMO;
    out->check = out->check || option == OPT_CHECK;
    out->print_demo = out->print_demo || option == OPT_PRINT_DEMO;
    out->die_with_parent = out->die_with_parent || option == OPT_DIE;
}

static enum sim_parsed check_together(const char *extra, const struct sim_options *out)
{
    int kinds = (out->scenario != NULL) + out->demo + (out->scale > 0) + out->print_demo;
    if (extra != NULL)
        sim_complain("found argument '%s', expected one scenario", extra);
    else if (out->command != NULL && out->command[0] == NULL)
        sim_complain("--run: found no command");
    else if (kinds != 1)
        sim_complain("expected exactly one of a scenario, --demo and --scale; see --help");
    else if (out->scale > 0 && out->control_port >= 0)
        sim_complain("--control: expected a scenario; --scale has no control channel");
    else
        return SIM_PARSED_RUN;
    return SIM_PARSED_WRONG;
}

enum sim_parsed sim_options_parse(int argc, char *argv[], struct sim_options *out)
{
    *out = (struct sim_options){.ready_fd = -1, .control_port = -1, .threads = 1};
    /* '-': what is no option comes in order, as option 1, so that a scenario may stand first. */
    for (;;) {
        int option = getopt_long(argc, argv, "-", long_options, NULL);
        if (option < 0)
            break;
        if (option == '?')
            return SIM_PARSED_WRONG;
        if (option == OPT_HELP || option == OPT_VERSION) {
            fputs(option == OPT_HELP ? help : "homelab-sim " HOMELAB_VERSION "\n", stdout);
            return SIM_PARSED_DONE;
        }
        if (option == OPT_RUN) {
            out->command = argv + optind;
            break;
        }
        if (option == 1 && out->scenario == NULL)
            out->scenario = optarg;
        else if (option == 1)
            return check_together(optarg, out);
        else if (optarg == NULL)
            take_flag(option, out);
        else if (!take_value(option, optarg, out))
            return SIM_PARSED_WRONG;
    }
    const char *extra = out->command == NULL && optind < argc ? argv[optind] : NULL;
    return check_together(extra, out);
}
