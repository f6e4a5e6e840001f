/* A circuit breaker in one word, so that a compare-and-swap changes it and a plain load reads it.
 * Pure: time is passed in. 0 is a closed breaker without failures, which is what a decision meets
 * nearly always.
 *
 * Closed, it lets all through. It opens after so many failures in a row and lets nothing through
 * until its time is over; then it lets one request through, the trial, which is claimed when that
 * request begins. The trial's success closes it, its failure opens it for twice as long. */
#ifndef HL_ROUTE_BREAKER_H
#define HL_ROUTE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum hl_breaker_state {
    HL_BREAKER_CLOSED,
    HL_BREAKER_OPEN,  /* lets nothing through */
    HL_BREAKER_READY, /* open, and its time is over: one request may try */
    HL_BREAKER_TRIAL, /* that request is under way */
};

struct hl_breaker_policy {
    unsigned failures;       /* in a row that open it, 1 or more */
    int64_t open_ms, max_ms; /* how long at first, and at most */
};

enum hl_breaker_state hl_breaker_state(uint64_t word, int64_t now_ms);
/* When it will let a request through; 0 when it does now. */
int64_t hl_breaker_until_ms(uint64_t word, int64_t now_ms);
uint64_t hl_breaker_success(void);
/* at_once: the first failure is proof enough. */
uint64_t hl_breaker_failure(uint64_t word, const struct hl_breaker_policy *policy, bool at_once,
                            int64_t now_ms);
/* Told to come back later: open for so long, without counting as a failure. */
uint64_t hl_breaker_pause(uint64_t word, int64_t pause_ms, int64_t now_ms);
/* Open, or on trial, for nothing but that. */
bool hl_breaker_is_pause(uint64_t word);
/* Claims the trial of a breaker that is ready. */
uint64_t hl_breaker_claim(uint64_t word, int64_t now_ms);
/* The trial ended without telling anything: the next one may come at once. */
uint64_t hl_breaker_give_back(uint64_t word, int64_t now_ms);

#endif
