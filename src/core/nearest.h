/* The known name that a wrong one was probably meant to be; pure. */
#ifndef HL_CORE_NEAREST_H
#define HL_CORE_NEAREST_H

#include <stddef.h>

/* The nearest of the names by edits (a swap of neighbours counts as one, case as none), or NULL
 * when none is near: more than a third of the letters would change. */
const char *hl_nearest(const char *text, const char *const *names, size_t count);

#endif
