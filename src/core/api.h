/* What each public function does first: clear the thread's error record and take new memory from
 * the object's allocator.
 *
 *     HL_API(ctx->allocator);
 *
 * puts the former allocator back when the function returns, whatever path it takes. */
#ifndef HL_CORE_API_H
#define HL_CORE_API_H

#include "core/alloc.h"
#include "core/error.h"

static inline void hl_api_leave(homelab_allocator **before)
{
    hl_allocator_swap(*before);
}

#define HL_API(allocator)                                                                          \
    hl_error_clear();                                                                              \
    __attribute__((cleanup(hl_api_leave), unused)) homelab_allocator *hl_api_before =              \
        hl_allocator_swap(allocator)

#endif
