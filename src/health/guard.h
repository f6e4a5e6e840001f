/* A user may give any path as what is to be probed. Some are work for some backends: llama.cpp's
 * /slots wakes it, LiteLLM's /health calls every model. These steps keep the promise all the same.
 */
#ifndef HL_HEALTH_GUARD_H
#define HL_HEALTH_GUARD_H

#include "health/plan.h"

bool hl_path_is_work(const char *path);
/* A step before the endpoint's own path, where that is /health: is this LiteLLM? */
bool hl_guard_ask(struct hl_probe *probe);
void hl_guard_take(struct hl_probe *probe, const struct hl_http_result *result);
/* Asks the own path, or something harmless in its place. */
bool hl_guard_own(struct hl_probe *probe);

#endif
