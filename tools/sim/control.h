/*
 * control.h - the control channel: faults set and statistics read over HTTP on 127.0.0.1 while the
 * cluster plays. No authorisation: it is for tests on one machine.
 */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "cluster.h"

/* Port 0 takes a free one; NULL after complaining. */
struct sim_control *sim_control_start(struct sim *sim, int port);
int sim_control_port(const struct sim_control *control);
void sim_control_stop(struct sim_control *control);

#endif
