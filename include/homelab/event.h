/**
 * @file
 * @brief Events that a context queues, and operations that complete exactly once.
 */
#ifndef HOMELAB_EVENT_H
#define HOMELAB_EVENT_H

#include <homelab/export.h>

HOMELAB_BEGIN_DECLS

/** Something that happened. Immutable, reference-counted, any thread. @since 0.1.0 */
typedef struct homelab_event homelab_event;

/** Work that was started and will complete exactly once. Reference-counted; belongs to its
 * context's thread. @since 0.1.0 */
typedef struct homelab_op homelab_op;

/** Events were dropped because the queue was full (option `queue.events`) or memory was short;
 * homelab_event_after() is how many. It stands where they would have stood. @since 0.1.0 */
#define HOMELAB_EVENT_OVERFLOW   1
/** An operation completed; homelab_event_op() is it, homelab_event_after() its result and
 * homelab_event_text() its message. Never dropped. @since 0.1.0 */
#define HOMELAB_EVENT_OP_DONE    2
/** An endpoint's verdict or cause changed; the subject is its id. @since 0.1.0 */
#define HOMELAB_EVENT_ENDPOINT   20
/** A tier's verdict changed; the subject is its name. @since 0.1.0 */
#define HOMELAB_EVENT_TIER       21
/** The overall prognosis changed. @since 0.1.0 */
#define HOMELAB_EVENT_PROGNOSIS  22
/** A capability was lost or came back; the subject is its name. @since 0.1.0 */
#define HOMELAB_EVENT_CAPABILITY 23
/** A running prober took a changed inventory. @since 0.1.0 */
#define HOMELAB_EVENT_INVENTORY  24

/** A piece of an answer arrived for homelab_router_send(): homelab_event_data() is it,
 * homelab_event_op() the operation. Never dropped: while option `router.buffer_bytes` of them wait,
 * no more is read. @since 0.2.0 */
#define HOMELAB_EVENT_ANSWER  30
/** homelab_router_send() turns to an endpoint: the subject is its id, the text the model,
 * homelab_event_after() the number of the attempt, from 1. @since 0.2.0 */
#define HOMELAB_EVENT_ATTEMPT 31

/** @brief Takes a reference. @return The same event; NULL for NULL. @since 0.1.0 */
HOMELAB_API homelab_event *homelab_event_ref(homelab_event *event);

/** @brief Drops a reference; NULL is allowed. @since 0.1.0 */
HOMELAB_API void homelab_event_unref(homelab_event *event);

/** @brief Kind of the event, HOMELAB_EVENT_…; 0 for NULL. @since 0.1.0 */
HOMELAB_API int homelab_event_type(const homelab_event *event);

/** @brief Wall-clock time of the event, microseconds since 1970-01-01 UTC; 0 for NULL. @since 0.1.0
 */
HOMELAB_API int64_t homelab_event_time_us(const homelab_event *event);

/** @brief Generation of the snapshot that first shows it; 0 where none does. @since 0.1.0 */
HOMELAB_API int64_t homelab_event_generation(const homelab_event *event);

/** @brief What it is about: an endpoint id, a tier, a capability; "" where nothing is named, NULL
 * for NULL. Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_event_subject(const homelab_event *event);

/** @brief Value before: a HOMELAB_VERDICT_ number, or 1 and 0 for a capability served and lost.
 * @since 0.1.0 */
HOMELAB_API int homelab_event_before(const homelab_event *event);

/** @brief Value after, as homelab_event_before(); the number of lost events of an overflow, the
 * result of an operation. @since 0.1.0 */
HOMELAB_API int homelab_event_after(const homelab_event *event);

/** @brief Cause after, a HOMELAB_CAUSE_ number; 0 where it has none. @since 0.1.0 */
HOMELAB_API int homelab_event_cause(const homelab_event *event);

/** @brief One line a person understands; "" where there is none, NULL for NULL. Borrowed. @since
 * 0.1.0 */
HOMELAB_API const char *homelab_event_text(const homelab_event *event);

/** @brief What a HOMELAB_EVENT_ANSWER brought, homelab_event_data_length() bytes with a NUL behind
 * them; "" for other events, NULL for NULL. Borrowed. It stands nowhere else, not in the event's
 * JSON either. @since 0.2.0 */
HOMELAB_API const char *homelab_event_data(const homelab_event *event);

/** @brief Number of bytes of homelab_event_data(). @since 0.2.0 */
HOMELAB_API size_t homelab_event_data_length(const homelab_event *event);

/** @brief The operation that completed or that a piece of an answer belongs to, borrowed from the
 * event; NULL for other events. @since 0.1.0 */
HOMELAB_API homelab_op *homelab_event_op(const homelab_event *event);

/** @brief The event as one JSON object. @return Text for homelab_free(), or NULL with an error
 * record. @since 0.1.0 */
HOMELAB_API char *homelab_event_json(const homelab_event *event);

/** @brief Takes a reference. @return The same operation; NULL for NULL. @since 0.1.0 */
HOMELAB_API homelab_op *homelab_op_ref(homelab_op *op);

/** @brief Drops a reference; the operation goes on. NULL is allowed. @since 0.1.0 */
HOMELAB_API void homelab_op_unref(homelab_op *op);

/**
 * @brief Asks the operation to end; it completes with HOMELAB_E_CANCELLED unless it was done
 * already.
 * @return HOMELAB_OK also when it was done, or a negative code.
 * @since 0.1.0
 */
HOMELAB_API int homelab_op_cancel(homelab_op *op);

/** @brief Whether it completed. @since 0.1.0 */
HOMELAB_API bool homelab_op_is_done(const homelab_op *op);

/** @brief Its result: HOMELAB_OK, HOMELAB_E_PENDING while it runs, or what it failed with. @since
 * 0.1.0 */
HOMELAB_API int homelab_op_result(const homelab_op *op);

/** @brief One line on its failure; "" while it runs or when it succeeded, NULL for NULL. Borrowed.
 * @since 0.1.0 */
HOMELAB_API const char *homelab_op_message(const homelab_op *op);

HOMELAB_END_DECLS

#endif
