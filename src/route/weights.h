/* The trained model: one row of five weights a feature row, in the order of hl_weight_tasks. Made
 * by tools/classifier, see its README.md. */
#ifndef HL_ROUTE_WEIGHTS_H
#define HL_ROUTE_WEIGHTS_H

#include "route/features.h"

#define HL_WEIGHT_CLASSES 5 /* code, reason, chat, fast, vision */

extern const int8_t hl_weights[HL_FEATURE_ROWS][HL_WEIGHT_CLASSES];
extern const double hl_weight_bias[HL_WEIGHT_CLASSES];
/* One step of a weight, calibration included. */
extern const double hl_weight_step;

#endif
