/* The one table that orders causes: which verdict a cause speaks for, and which of several pieces
 * of evidence decides. */
#ifndef HL_HEALTH_VERDICT_H
#define HL_HEALTH_VERDICT_H

#include "health/observation.h"

/* The usual verdict of a cause; `backend-dead`, `tls` and `timeout-after-accept` may be told apart
 * further by whoever adds the evidence. */
int hl_verdict_of_cause(int cause);
/* A higher rank decides; 0 never does. */
int hl_verdict_rank(enum hl_layer layer, int verdict, int cause);
/* Fills verdict, cause and deciding from the evidence; without any that blames, HEALTHY when a
 * complete answer was seen and UNKNOWN when not. */
void hl_verdict_decide(struct hl_observation *observation);

#endif
