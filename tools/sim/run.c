#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    NOT_FOUND = 127,
    NOT_RUNNABLE = 126
};

static void be_command(char *const argv[], pid_t parent)
{
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(NOT_RUNNABLE);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    execvp(argv[0], argv);
    int problem = errno;
    fprintf(stderr, "homelab-sim: cannot run %s: %s\n", argv[0], strerror(problem));
    _exit(problem == ENOENT ? NOT_FOUND : NOT_RUNNABLE);
}

static void reap(struct sim_run *run)
{
    int status = 0;
    if (run->pid == 0)
        return;
    while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR) {
    }
    run->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    run->pid = 0;
}

static void on_end(void *arg, uint32_t events)
{
    struct sim_run *run = arg;
    (void)events;
    reap(run);
    sim_watch_remove(run->loop, run->watch);
    run->watch = NULL;
    sim_loop_stop(run->loop);
}

bool sim_run_start(struct sim_run *run, struct sim_loop *loop, char *const argv[])
{
    pid_t parent = getpid();
    *run = (struct sim_run){.loop = loop, .pid_fd = -1};
    fflush(NULL);
    run->pid = fork();
    if (run->pid == 0)
        be_command(argv, parent);
    if (run->pid < 0) {
        run->pid = 0;
        sim_complain("cannot fork: %s", strerror(errno));
        return false;
    }
    run->pid_fd = pidfd_open(run->pid, 0);
    if (run->pid_fd >= 0)
        run->watch = sim_watch_add(loop, run->pid_fd, EPOLLIN, on_end, run);
    if (run->watch != NULL)
        return true;
    sim_complain("cannot watch the command: %s", strerror(errno));
    sim_run_end(run);
    return false;
}

void sim_run_signal(const struct sim_run *run, int number)
{
    if (run->pid > 0)
        kill(run->pid, number);
}

void sim_run_end(struct sim_run *run)
{
    sim_run_signal(run, SIGTERM);
    reap(run);
    sim_watch_remove(run->loop, run->watch);
    run->watch = NULL;
    sim_close(&run->pid_fd);
}
