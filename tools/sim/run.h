/* run.h - the command that is run against the simulated cluster. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include "loop.h"

struct sim_run {
    struct sim_loop *loop;
    int pid; /* 0 = none */
    int pid_fd;
    struct sim_watch *watch;
    int status; /* exit status as a shell would give it */
};

/* Starts argv; stops the loop when it ends. False after complaining. */
bool sim_run_start(struct sim_run *run, struct sim_loop *loop, char *const argv[]);
void sim_run_signal(const struct sim_run *run, int number);
/* Waits for it, after SIGTERM when it still runs. */
void sim_run_end(struct sim_run *run);

#endif
