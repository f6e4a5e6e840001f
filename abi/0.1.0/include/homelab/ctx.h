/**
 * @file
 * @brief The context: one event loop behind one pollable descriptor.
 *
 * Three ways to drive it, which may not be mixed at one time:
 * - wait for homelab_ctx_fd() to become readable in a loop of your own, call
 * homelab_ctx_dispatch(), take events with homelab_ctx_next_event() until there is none;
 * - call homelab_ctx_wait(), which polls and dispatches, and take events;
 * - call homelab_ctx_start_thread(): the library works in a thread of its own, the descriptor
 * becomes readable when events or callbacks are due, and dispatch, wait and next_event work as
 * before.
 *
 * Every callback of the host runs inside dispatch or wait, on the caller's thread. A context and
 * what is made from it belong to one thread at a time, but for homelab_ctx_wakeup() and
 * homelab_secret_request_* which any thread may call.
 *
 * After a fork, calls in the child give HOMELAB_E_FORKED; close and unref are quiet there: no byte
 * goes to a peer.
 */
#ifndef HOMELAB_CTX_H
#define HOMELAB_CTX_H

#include <homelab/event.h>
#include <homelab/export.h>
#include <homelab/options.h>
#include <homelab/secret.h>

HOMELAB_BEGIN_DECLS

/** An event loop with what it works on. Reference-counted. @since 0.1.0 */
typedef struct homelab_ctx homelab_ctx;

/** Log levels, most severe first. @since 0.1.0 */
#define HOMELAB_LOG_OFF   0
/** Something failed that the library cannot work around. @since 0.1.0 */
#define HOMELAB_LOG_ERROR 10
/** Something is wrong or unsafe, such as TLS verification switched off. @since 0.1.0 */
#define HOMELAB_LOG_WARN  20
/** Milestones. @since 0.1.0 */
#define HOMELAB_LOG_INFO  30
/** Every step. @since 0.1.0 */
#define HOMELAB_LOG_DEBUG 40

/**
 * @brief Receives one finished log line, inside dispatch or wait.
 * @param level HOMELAB_LOG_ERROR … HOMELAB_LOG_DEBUG.
 * @param subsystem Short name of the part, such as "http".
 * @param message One line without secrets, valid during the call.
 * @since 0.1.0
 */
typedef void (*homelab_log_fn)(int level, const char *subsystem, const char *message,
                               void *userdata);

/** Releases userdata of a callback; called exactly once, also when registering failed. May be NULL.
 * @since 0.1.0 */
typedef void (*homelab_destroy_fn)(void *userdata);

/**
 * @brief Makes a context.
 * @param[out] out The context; untouched on failure.
 * @param opts Options, copied; NULL for the defaults.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM or HOMELAB_E_SYSTEM.
 * @since 0.1.0
 */
HOMELAB_API int homelab_ctx_new(homelab_ctx **out, const homelab_opts *opts);

/** @brief Takes a reference. @return The same context; NULL for NULL. @since 0.1.0 */
HOMELAB_API homelab_ctx *homelab_ctx_ref(homelab_ctx *ctx);

/**
 * @brief Drops a reference; the last one closes and frees. NULL is allowed.
 *
 * Children (operations, probers) hold a reference of their own, so they may be dropped in any
 * order.
 * @since 0.1.0
 */
HOMELAB_API void homelab_ctx_unref(homelab_ctx *ctx);

/**
 * @brief Stops all work: transfers end, operations complete with HOMELAB_E_CLOSED, the thread is
 * joined, descriptors close.
 *
 * Idempotent. Events already queued may still be taken. Afterwards calls that would do work give
 * HOMELAB_E_CLOSED.
 * @return HOMELAB_OK, HOMELAB_E_INVALID for NULL, or HOMELAB_E_STATE inside a callback of this
 * context.
 * @since 0.1.0
 */
HOMELAB_API int homelab_ctx_close(homelab_ctx *ctx);

/**
 * @brief The one descriptor to wait on: readable while homelab_ctx_dispatch() has something to do
 * or an event was not taken. Constant until close.
 * @return The descriptor, owned by the context, or a negative code. Never read, write or close it.
 * @since 0.1.0
 */
HOMELAB_API int homelab_ctx_fd(homelab_ctx *ctx);

/**
 * @brief How long a loop may wait without the descriptor becoming readable.
 * @return -1, without limit: timers live inside the descriptor. 0 after close and in the child of a
 * fork, so that no loop waits for what never comes.
 * @since 0.1.0
 */
HOMELAB_API int homelab_ctx_timeout_ms(homelab_ctx *ctx);

/**
 * @brief Does what is due, at most a slice of work under 5 ms; never blocks. What is left keeps the
 * descriptor readable.
 * @param flags 0.
 * @return Number of events waiting to be taken, or a negative code (HOMELAB_E_STATE when called
 * from a callback).
 * @since 0.1.0
 */
HOMELAB_API int homelab_ctx_dispatch(homelab_ctx *ctx, uint32_t flags);

/**
 * @brief Takes the oldest event.
 * @param[out] out The event, freed with homelab_event_unref(); untouched when there is none.
 * @return 1 when an event was taken, 0 when there is none, or a negative code. Works after close.
 * @since 0.1.0
 */
HOMELAB_API int homelab_ctx_next_event(homelab_ctx *ctx, homelab_event **out);

/**
 * @brief Waits until there is an event to take, a wake-up or the time-out, dispatching meanwhile.
 * @param timeout_ms Milliseconds, 0 or more; -1 waits without limit.
 * @return Number of events waiting to be taken (0 on time-out or wake-up), or a negative code.
 * @since 0.1.0
 */
HOMELAB_API int homelab_ctx_wait(homelab_ctx *ctx, int timeout_ms);

/**
 * @brief Makes a running or the next homelab_ctx_wait() return. Any thread; async-signal-safe.
 * @return HOMELAB_OK or HOMELAB_E_INVALID.
 * @since 0.1.0
 */
HOMELAB_API int homelab_ctx_wakeup(homelab_ctx *ctx);

/**
 * @brief Moves the work into a thread of the library.
 * @return HOMELAB_OK, HOMELAB_E_SYSTEM, HOMELAB_E_CLOSED, or HOMELAB_E_STATE when it runs already
 * or inside a callback.
 * @since 0.1.0
 */
HOMELAB_API int homelab_ctx_start_thread(homelab_ctx *ctx);

/**
 * @brief Hands log lines to the host.
 * @param level The least severe level wanted; HOMELAB_LOG_OFF for none.
 * @param fn The callback; NULL removes the present one.
 * @param destroy Called with userdata exactly once.
 * @return HOMELAB_OK or a negative code.
 *
 * The last lines are also kept in a ring (option `log.ring`): those of HOMELAB_LOG_INFO and more
 * severe, and whatever the callback asked for. A callback that is slower than the log loses the
 * oldest lines and is told how many.
 * @since 0.1.0
 */
HOMELAB_API int homelab_ctx_set_log(homelab_ctx *ctx, int level, homelab_log_fn fn, void *userdata,
                                    homelab_destroy_fn destroy);

/**
 * @brief The lines in the log ring, oldest first, one a line, such as
 * `2026-01-31T12:00:00.123Z warn http: …` (UTC).
 * @return Text for homelab_free(), or NULL with an error record.
 * @since 0.1.0
 */
HOMELAB_API char *homelab_ctx_log_text(homelab_ctx *ctx);

/**
 * @brief Sets who answers secret requests; the provider is asked before the built-in ones.
 * @param fn The callback; NULL removes the present one.
 * @param destroy Called with userdata exactly once.
 * @return HOMELAB_OK or a negative code.
 * @since 0.1.0
 */
HOMELAB_API int homelab_ctx_set_secret_provider(homelab_ctx *ctx, homelab_secret_fn fn,
                                                void *userdata, homelab_destroy_fn destroy);

/**
 * @brief Counters of the context as JSON: dispatches, wake-ups, longest dispatch, transfers,
 * connections, allocations.
 * @return Text for homelab_free(), or NULL with an error record.
 * @since 0.1.0
 */
HOMELAB_API char *homelab_ctx_stats_json(homelab_ctx *ctx);

HOMELAB_END_DECLS

#endif
