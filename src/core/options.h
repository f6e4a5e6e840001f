/* Options, from the inside: a frozen copy that objects keep, read by index without a look-up. */
#ifndef HL_CORE_OPTIONS_H
#define HL_CORE_OPTIONS_H

#include <homelab/options.h>

enum hl_option {
#define HL_OPTION(symbol, key, type, min, max, def, unit, since, text) HL_OPT_##symbol,
#include "core/options.def"
#undef HL_OPTION
    HL_OPT_COUNT
};

/* NULL opts: the default. */
int64_t hl_opt_int(const homelab_opts *opts, enum hl_option option);
double hl_opt_double(const homelab_opts *opts, enum hl_option option);
bool hl_opt_bool(const homelab_opts *opts, enum hl_option option);
const char *hl_opt_string(const homelab_opts *opts, enum hl_option option);
homelab_allocator *hl_opt_allocator(const homelab_opts *opts);
/* A copy; NULL copies the defaults. */
int hl_opts_copy(homelab_opts **out, const homelab_opts *opts);

#endif
