/*
 * scale.h - very many trivial endpoints for benchmarks: each on an address of its own in 127/8,
 * all on one port, answered with fixed bytes by a few threads.
 */
#ifndef SIM_SCALE_H
#define SIM_SCALE_H

#include "options.h"

struct sim_scale;

/* NULL after complaining. */
struct sim_scale *sim_scale_start(const struct sim_options *options);
bool sim_scale_write_inventory(const struct sim_scale *scale, const char *path);
void sim_scale_stop(struct sim_scale *scale);

#endif
