/**
 * @file
 * @brief Requests for secrets, answered by the host at once, later, or not at all.
 *
 * A secret is named by a reference such as `env:OLLAMA_KEY`. When one is needed, the provider set
 * with homelab_ctx_set_secret_provider() gets a request inside dispatch. It answers with
 * homelab_secret_request_answer() or homelab_secret_request_refuse() and returns
 * HOMELAB_SECRET_DONE; or returns HOMELAB_SECRET_PASS, and the built-in provider for the scheme is
 * asked; or takes a reference, returns HOMELAB_SECRET_LATER and answers from any thread. The
 * library wipes its copies, and no secret stands in a log line, error, event or snapshot.
 */
#ifndef HOMELAB_SECRET_H
#define HOMELAB_SECRET_H

#include <homelab/export.h>

HOMELAB_BEGIN_DECLS

/** A request for one secret. Reference-counted; may be used from any thread. @since 0.1.0 */
typedef struct homelab_secret_request homelab_secret_request;

/** The request was answered or refused. @since 0.1.0 */
#define HOMELAB_SECRET_DONE  0
/** As if no provider were set: the built-in provider of the scheme is asked. @since 0.1.0 */
#define HOMELAB_SECRET_PASS  1
/** The answer comes later; the provider holds a reference. @since 0.1.0 */
#define HOMELAB_SECRET_LATER 2

/** The secret is an API key sent as a bearer token. @since 0.1.0 */
#define HOMELAB_SECRET_KIND_API_KEY 1

/**
 * @brief Answers one request.
 * @return HOMELAB_SECRET_DONE, HOMELAB_SECRET_PASS, HOMELAB_SECRET_LATER, or a negative code, which
 * refuses.
 * @since 0.1.0
 */
typedef int (*homelab_secret_fn)(homelab_secret_request *request, void *userdata);

/** @brief Takes a reference. @return The same request; NULL for NULL. @since 0.1.0 */
HOMELAB_API homelab_secret_request *homelab_secret_request_ref(homelab_secret_request *request);

/** @brief Drops a reference; dropping the last one unanswered refuses. NULL is allowed. @since
 * 0.1.0 */
HOMELAB_API void homelab_secret_request_unref(homelab_secret_request *request);

/** @brief Kind of secret, HOMELAB_SECRET_KIND_…; 0 for NULL. @since 0.1.0 */
HOMELAB_API int homelab_secret_request_kind(const homelab_secret_request *request);

/** @brief The reference, such as `env:OLLAMA_KEY`. Borrowed; NULL for NULL. @since 0.1.0 */
HOMELAB_API const char *homelab_secret_request_reference(const homelab_secret_request *request);

/** @brief Who needs it: an endpoint id or node. Borrowed; NULL for NULL. @since 0.1.0 */
HOMELAB_API const char *homelab_secret_request_subject(const homelab_secret_request *request);

/** @brief 1 for the first time this secret is asked for, more after it was refused by the peer.
 * @since 0.1.0 */
HOMELAB_API int homelab_secret_request_attempt(const homelab_secret_request *request);

/**
 * @brief Answers with the secret, which is copied. The first answer counts.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM, HOMELAB_E_LIMIT (over 16 KiB), or
 * HOMELAB_E_STATE when it was answered before or nobody waits for it any more.
 * @since 0.1.0
 */
HOMELAB_API int homelab_secret_request_answer(homelab_secret_request *request, const char *secret);

/**
 * @brief Answers that there is no such secret. Errors as answer.
 * @param reason One line without secrets, or NULL for none.
 * @since 0.1.0
 */
HOMELAB_API int homelab_secret_request_refuse(homelab_secret_request *request, const char *reason);

HOMELAB_END_DECLS

#endif
