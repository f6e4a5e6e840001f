/* How often this process took memory and locks, by whatever code in it: the C library's functions
 * are replaced by counting ones, which shared libraries call too. */
#ifndef BENCH_CALLS_COUNTED_H
#define BENCH_CALLS_COUNTED_H

#include <stdint.h>

struct calls_counted {
    uint64_t allocations, locks;
};
struct calls_counted calls_counted(void);

#endif
