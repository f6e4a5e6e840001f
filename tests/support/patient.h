/* A context whose dispatch has all the time it wants, so that the number of dispatches does not
 * depend on the speed of the machine (or of valgrind). */
#ifndef TESTS_SUPPORT_PATIENT_H
#define TESTS_SUPPORT_PATIENT_H

#include <homelab/ctx.h>

static inline int patient_ctx_new(homelab_ctx **out)
{
    homelab_opts *opts;
    int code = homelab_opts_new(&opts);
    if (code)
        return code;
    code = homelab_opts_set_int(opts, HOMELAB_OPT_DISPATCH_BUDGET_US, 1000000);
    if (!code)
        code = homelab_ctx_new(out, opts);
    homelab_opts_free(opts);
    return code;
}

#endif
