/* Points in time as servers write them. */
#ifndef HL_HEALTH_DATES_H
#define HL_HEALTH_DATES_H

#include <stdint.h>

/* Both give microseconds since 1970-01-01 UTC; 0 for NULL, another format or a time before that. */
/* RFC 3339, as Ollama's expires_at: 2026-11-23T21:01:48.123456789+01:00. */
int64_t hl_rfc3339_us(const char *text);
/* A Date header: Mon, 23 Nov 2026 21:01:48 GMT. */
int64_t hl_http_date_us(const char *text);

#endif
