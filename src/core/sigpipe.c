#include "core/ctx_private.h"

#include <signal.h>
#include <time.h>

static sigset_t only_sigpipe(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
}

void hl_sigpipe_block(struct hl_sigpipe *guard)
{
    sigset_t set = only_sigpipe(), before;
    guard->blocked =
        pthread_sigmask(SIG_BLOCK, &set, &before) == 0 && !sigismember(&before, SIGPIPE);
}

void hl_sigpipe_restore(const struct hl_sigpipe *guard)
{
    if (!guard->blocked)
        return;
    /* One that came meanwhile is pending and is ours: taken back before it can be delivered. */
    sigset_t set = only_sigpipe();
    sigtimedwait(&set, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
