#include "route/weights.h"

#include "route/weights.inc"
