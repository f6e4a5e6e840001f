/* Time of a context: the system's clocks, or a frozen one that a test advances. Microseconds. */
#ifndef HL_CORE_CLOCK_H
#define HL_CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct hl_clock {
    bool frozen;
    int64_t now_us;  /* monotonic, when frozen */
    int64_t wall_us; /* since 1970-01-01 UTC, when frozen */
};

int64_t hl_clock_now(const struct hl_clock *clock);  /* monotonic */
int64_t hl_clock_wall(const struct hl_clock *clock); /* since 1970-01-01 UTC */
/* The system's monotonic clock also where the context's is frozen: for budgets and for time-outs of
 * blocking calls. */
int64_t hl_clock_real(void);

#endif
