#include "core/clock.h"

#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec time;
    clock_gettime(id, &time);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

int64_t hl_clock_now(const struct hl_clock *clock)
{
    return clock->frozen ? clock->now_us : read_clock(CLOCK_MONOTONIC);
}

int64_t hl_clock_wall(const struct hl_clock *clock)
{
    return clock->frozen ? clock->wall_us : read_clock(CLOCK_REALTIME);
}

int64_t hl_clock_real(void)
{
    return read_clock(CLOCK_MONOTONIC);
}
