/* scale.h - very many trivial endpoints for benchmarks. */
#ifndef SIM_SCALE_H
#define SIM_SCALE_H

#include "options.h"

/* Plays them until a signal, the end of --seconds, or of the command; an exit status. */
int sim_scale_run(const struct sim_options *options);

#endif
