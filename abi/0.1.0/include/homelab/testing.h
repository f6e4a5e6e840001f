/**
 * @file
 * @brief A clock and a transport for tests. Outside the ABI promise: define HOMELAB_UNSTABLE to use
 * it.
 *
 * With both injected, everything that the library decides is repeatable: time stands still until it
 * is advanced, and requests are answered by the test.
 */
#ifndef HOMELAB_TESTING_H
#define HOMELAB_TESTING_H

#ifndef HOMELAB_UNSTABLE
#error "homelab/testing.h is outside the ABI promise; define HOMELAB_UNSTABLE to use it"
#endif

#include <homelab/ctx.h>
#include <homelab/export.h>

HOMELAB_BEGIN_DECLS

/** An HTTP request that waits for the test's answer. Owned by the library until it is answered or
 * cancelled. @since 0.1.0 */
typedef struct homelab_testing_request homelab_testing_request;

/**
 * @brief Sees a request, inside dispatch. It may answer at once or keep the pointer and answer
 * later.
 * @since 0.1.0
 */
typedef void (*homelab_testing_transport_fn)(homelab_testing_request *request, void *userdata);

/**
 * @brief Replaces the clock by one that stands still. To be called before anything is made from the
 * context.
 * @param now_us Monotonic start, microseconds.
 * @param wall_us Wall-clock start, microseconds since 1970-01-01 UTC.
 * @return HOMELAB_OK or a negative code.
 * @since 0.1.0
 */
HOMELAB_API int homelab_testing_freeze_clock(homelab_ctx *ctx, int64_t now_us, int64_t wall_us);

/** @brief Advances a frozen clock; timers that became due fire in the next dispatch.
 * HOMELAB_E_STATE without one. @since 0.1.0 */
HOMELAB_API int homelab_testing_advance_clock(homelab_ctx *ctx, int64_t by_us);

/** @brief Microseconds until the next timer of the context, or -1 without one. @since 0.1.0 */
HOMELAB_API int64_t homelab_testing_next_timer_us(homelab_ctx *ctx);

/**
 * @brief Replaces HTTP by a callback.
 * @param fn Sees every request from now on; NULL puts HTTP back.
 * @param userdata, destroy Handed to fn; destroy is called with it exactly once, also on failure.
 * @return HOMELAB_OK or a negative code.
 * @since 0.1.0
 */
HOMELAB_API int homelab_testing_set_transport(homelab_ctx *ctx, homelab_testing_transport_fn fn,
                                              void *userdata, homelab_destroy_fn destroy);

/** @brief Method of a request. Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_testing_request_method(const homelab_testing_request *request);
/** @brief URL of a request. Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_testing_request_url(const homelab_testing_request *request);
/** @brief Body of a request, "" without one. Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_testing_request_body(const homelab_testing_request *request);

/**
 * @brief Answers a request, which is gone afterwards.
 * @param status HTTP status, 100 to 599.
 * @param server_header Value of the Server header, or NULL for none. Copied.
 * @param body Body; NULL means an empty one. Copied.
 * @return HOMELAB_OK or a negative code.
 * @since 0.1.0
 */
HOMELAB_API int homelab_testing_request_answer(homelab_testing_request *request, int status,
                                               const char *server_header, const char *body);
/** @brief Fails the request with a HOMELAB_E_NET_ code. @since 0.1.0 */
HOMELAB_API int homelab_testing_request_fail(homelab_testing_request *request, int code);

HOMELAB_END_DECLS

#endif
