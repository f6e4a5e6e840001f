/* The servers behind a gateway, as far as a TCP connection can tell. */
#ifndef HL_HEALTH_GATEWAY_H
#define HL_HEALTH_GATEWAY_H

#include "health/plan.h"

/* A deployment's base URL, or NULL where the provider's own is used. */
void hl_gateway_add(struct hl_probe *probe, const char *url);
/* A step that connects to one backend after the other. */
bool hl_gateway_ask(struct hl_probe *probe);
void hl_gateway_take(struct hl_probe *probe, const struct hl_http_result *result);
void hl_gateway_conclude(struct hl_probe *probe);

#endif
