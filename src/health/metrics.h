/* Values out of a Prometheus text, as llama.cpp and vLLM write it. */
#ifndef HL_HEALTH_METRICS_H
#define HL_HEALTH_METRICS_H

#include <stdbool.h>
#include <stddef.h>

struct hl_metric {
    const char *name;
    double sum; /* over all series of that name */
    bool found;
};
/* One pass over the text. False when it is not of that format at all. */
bool hl_metrics_read(const char *text, size_t length, struct hl_metric *metrics, size_t count);

#endif
