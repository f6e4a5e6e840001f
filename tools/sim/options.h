/* options.h - the command line. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include "util.h"

struct sim_options {
    const char *scenario; /* file; NULL with demo */
    bool demo, check, print_demo, die_with_parent;
    const char *inventory; /* where to write it */
    int ready_fd;          /* -1 = standard output */
    int control_port;      /* -1 = no control channel */
    double seconds;        /* 0 = no end */
    char *const *command;  /* of --run, NULL-terminated */
    int64_t scale;         /* number of trivial endpoints; 0 = play a scenario */
    double dead_percent;
    bool scale_openai;
    int threads;
};

enum sim_parsed {
    SIM_PARSED_RUN,
    SIM_PARSED_DONE,
    SIM_PARSED_WRONG
};

/* Complains, or prints help or version, itself. */
enum sim_parsed sim_options_parse(int argc, char *argv[], struct sim_options *out);

#endif
