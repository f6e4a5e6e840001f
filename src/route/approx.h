/* Powers and logarithms to a part in a thousand: enough for weights, in a few nanoseconds, without
 * the mathematics library. */
#ifndef HL_ROUTE_APPROX_H
#define HL_ROUTE_APPROX_H

#include <stdint.h>
#include <string.h>

#define HL_LN2 0.693147180559945

/* Of a normal number above 0. */
static inline double hl_log2(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int64_t exponent = (int64_t)(bits >> 52 & 0x7ff) - 1023;
    bits = (bits & UINT64_C(0xfffffffffffff)) | UINT64_C(1023) << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    /* The series of the inverse hyperbolic tangent, around the square root of two. */
    double k = m / 1.4142135623730951, t = (k - 1) / (k + 1), square = t * t;
    return (double)exponent + 0.5 + 2 / HL_LN2 * t * (1 + square * (1.0 / 3 + square / 5));
}

/* e to a power of 0 or less; 0 far below. */
static inline double hl_exp(double power)
{
    if (power < -40)
        return 0;
    double doublings = power / HL_LN2;
    int64_t whole = (int64_t)doublings - (doublings < (double)(int64_t)doublings);
    double part = doublings - (double)whole;
    /* Taylor's series of 2^part around a half. */
    double x = (part - 0.5) * HL_LN2;
    double power_of_part =
        1.4142135623730951 * (1 + x * (1 + x * (0.5 + x * (1.0 / 6 + x * (1.0 / 24)))));
    uint64_t bits = (uint64_t)(whole + 1023) << 52;
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    return scale * power_of_part;
}

#endif
