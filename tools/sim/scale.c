#include "scale.h"

int sim_scale_run(const struct sim_options *options)
{
    sim_complain("--scale %lld: not available in this build", (long long)options->scale);
    return 64;
}
