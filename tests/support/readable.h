/* Whether a descriptor is readable now, or becomes so within some milliseconds. */
#ifndef TESTS_SUPPORT_READABLE_H
#define TESTS_SUPPORT_READABLE_H

#include <poll.h>
#include <stdbool.h>

static inline bool readable_within(int fd, int timeout_ms)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    return poll(&wanted, 1, timeout_ms) == 1 && (wanted.revents & POLLIN);
}

static inline bool readable(int fd)
{
    return readable_within(fd, 0);
}

#endif
