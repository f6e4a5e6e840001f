/**
 * @file
 * @brief Error codes and the thread's error record.
 *
 * A function that can fail returns 0 (or a non-negative result) on success and one of the negative
 * codes below on failure. Functions that return a pointer return NULL on failure. A failing call
 * leaves a record (code, sub-code, subject, one-line message) for the calling thread; each call of
 * the library clears the record on entry, so it is set exactly when the last call failed. Results
 * that arrive later (operations, events) carry their own code and message.
 *
 * The codes come in families with gaps; a family grows, numbers never change.
 */
#ifndef HOMELAB_ERROR_H
#define HOMELAB_ERROR_H

#include <homelab/export.h>

HOMELAB_BEGIN_DECLS

/** Success. @since 0.1.0 */
#define HOMELAB_OK 0

/* Family -1..-19: the call itself. */
/** An argument is NULL, out of range, or carries unknown flag bits. @since 0.1.0 */
#define HOMELAB_E_INVALID     (-1)
/** Memory could not be allocated. @since 0.1.0 */
#define HOMELAB_E_NOMEM       (-2)
/** A system call failed; the sub-code is errno. @since 0.1.0 */
#define HOMELAB_E_SYSTEM      (-3)
/** The object was closed. @since 0.1.0 */
#define HOMELAB_E_CLOSED      (-4)
/** The object was made before a fork and this is the child. @since 0.1.0 */
#define HOMELAB_E_FORKED      (-5)
/** The call does not fit the object's state. @since 0.1.0 */
#define HOMELAB_E_STATE       (-6)
/** Nothing has that name. @since 0.1.0 */
#define HOMELAB_E_NOT_FOUND   (-7)
/** Something has that name already. @since 0.1.0 */
#define HOMELAB_E_EXISTS      (-8)
/** This build or platform cannot do it. @since 0.1.0 */
#define HOMELAB_E_UNSUPPORTED (-9)
/** A documented limit would be exceeded. @since 0.1.0 */
#define HOMELAB_E_LIMIT       (-10)
/** The time given ran out. @since 0.1.0 */
#define HOMELAB_E_TIMEOUT     (-11)
/** The operation was cancelled. @since 0.1.0 */
#define HOMELAB_E_CANCELLED   (-12)
/** The operation has not ended yet. @since 0.1.0 */
#define HOMELAB_E_PENDING     (-13)
/** A callback of the host failed. @since 0.1.0 */
#define HOMELAB_E_USER        (-14)

/* Family -20..-39: what was handed in. */
/** No option has that key. @since 0.1.0 */
#define HOMELAB_E_OPTION_UNKNOWN (-20)
/** An option's value is of the wrong type or out of range. @since 0.1.0 */
#define HOMELAB_E_OPTION_VALUE   (-21)
/** A text is not well-formed JSON or YAML. @since 0.1.0 */
#define HOMELAB_E_SYNTAX         (-22)
/** An inventory is well-formed but wrong. @since 0.1.0 */
#define HOMELAB_E_INVENTORY      (-23)
/** A text is not valid UTF-8. @since 0.1.0 */
#define HOMELAB_E_UTF8           (-24)
/** A file or an answer is not in the format that was expected. @since 0.2.0 */
#define HOMELAB_E_FORMAT         (-25)

/* Family -40..-59: the network. */
/** A name could not be resolved. @since 0.1.0 */
#define HOMELAB_E_NET_DNS             (-40)
/** The connection was refused. @since 0.1.0 */
#define HOMELAB_E_NET_REFUSED         (-41)
/** No route to the host or network. @since 0.1.0 */
#define HOMELAB_E_NET_NO_ROUTE        (-42)
/** No connection within the time given. @since 0.1.0 */
#define HOMELAB_E_NET_CONNECT_TIMEOUT (-43)
/** Connected, but no (complete) answer within the time given. @since 0.1.0 */
#define HOMELAB_E_NET_TIMEOUT         (-44)
/** The connection was reset. @since 0.1.0 */
#define HOMELAB_E_NET_RESET           (-45)
/** The connection was closed before the answer was complete. @since 0.1.0 */
#define HOMELAB_E_NET_CLOSED          (-46)
/** The peer's certificate was not accepted. @since 0.1.0 */
#define HOMELAB_E_NET_CERTIFICATE     (-47)
/** The TLS handshake failed for another reason, such as a peer that does not speak TLS. @since
 * 0.1.0 */
#define HOMELAB_E_NET_TLS             (-48)
/** The answer exceeds the size cap. @since 0.1.0 */
#define HOMELAB_E_NET_TOO_LARGE       (-49)
/** The answer is not the protocol that was expected. @since 0.1.0 */
#define HOMELAB_E_NET_PROTOCOL        (-50)

/* Family -60..-69: secrets. */
/** No provider answered the secret request. @since 0.1.0 */
#define HOMELAB_E_SECRET_UNAVAILABLE (-60)
/** A provider refused the secret request. @since 0.1.0 */
#define HOMELAB_E_SECRET_REFUSED     (-61)

/* Family -70..-79: routing. */
/** No model on any endpoint passed the filters. @since 0.2.0 */
#define HOMELAB_E_ROUTE_NONE     (-70)
/** Every candidate failed before it said anything. @since 0.2.0 */
#define HOMELAB_E_ROUTE_FAILED   (-71)
/** A server refused the request itself; the sub-code is its HTTP status. @since 0.2.0 */
#define HOMELAB_E_ROUTE_REJECTED (-72)
/** The answer broke off after its first byte. @since 0.2.0 */
#define HOMELAB_E_ROUTE_CUT      (-73)

/** @brief Code of the last failure of this thread, or HOMELAB_OK. @since 0.1.0 */
HOMELAB_API int homelab_error_code(void);

/**
 * @brief Clears this thread's record.
 *
 * Calls that can fail clear it themselves; plain accessors leave it alone. A binding that clears it
 * before any call may take a record that is there afterwards for a failure of that call.
 * @since 0.2.0
 */
HOMELAB_API void homelab_error_clear(void);

/** @brief Detail of the last failure of this thread: an errno, an HTTP status or 0, as its code
 * says. @since 0.1.0 */
HOMELAB_API int homelab_error_sub_code(void);

/**
 * @brief What the last failure of this thread was about: an option key, a file, an endpoint id.
 * @return A string valid until the thread's next call of the library; "" where nothing is named.
 * @since 0.1.0
 */
HOMELAB_API const char *homelab_error_subject(void);

/**
 * @brief One line that names the subject and the observed fact.
 * @return A string valid until the thread's next call of the library; "" when the last call
 * succeeded.
 * @since 0.1.0
 */
HOMELAB_API const char *homelab_error_message(void);

/**
 * @brief Name of a code, such as "HOMELAB_E_TIMEOUT".
 * @return A static string; "HOMELAB_E_?" for an unknown code. Any thread; leaves the error record
 * alone.
 * @since 0.1.0
 */
HOMELAB_API const char *homelab_error_name(int code);

/** @brief Whether the same call may succeed later without a change by the caller. Any thread.
 * @since 0.1.0 */
HOMELAB_API bool homelab_error_is_retryable(int code);

/** @brief Whether the code says that time ran out. Any thread. @since 0.1.0 */
HOMELAB_API bool homelab_error_is_timeout(int code);

/** @brief Whether the code says that credentials are missing or were refused. Any thread. @since
 * 0.1.0 */
HOMELAB_API bool homelab_error_is_auth(int code);

HOMELAB_END_DECLS

#endif
