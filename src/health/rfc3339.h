/* Times as Ollama writes them: 2026-11-23T21:01:48.123456789+01:00. */
#ifndef HL_HEALTH_RFC3339_H
#define HL_HEALTH_RFC3339_H

#include <stdint.h>

/* Microseconds since 1970-01-01 UTC; 0 for NULL, another format or a time before that. */
int64_t hl_rfc3339_us(const char *text);

#endif
