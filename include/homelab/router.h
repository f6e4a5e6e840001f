/**
 * @file
 * @brief The router: which model on which endpoint answers a request, what next if that fails, and
 * why.
 *
 * A router holds an immutable table of experts (pairs of a model and an endpoint), made from an
 * inventory and a snapshot, and lines of atomic counters that feedback changes. A decision reads
 * both: it takes no lock, no memory and no system call but the clock, so that any thread, and
 * OpenResty's balancer phase, can make one. What was decided stays valid in the decision also when
 * the table is replaced meanwhile.
 *
 *     homelab_router *router;        homelab_router_new(&router, inventory, snapshot, NULL);
 *     homelab_request *request;      homelab_request_new(&request, NULL);
 *     homelab_decision *decision;    homelab_decision_new(&decision, router);
 *     if (homelab_router_decide(router, request, prompt, length, decision, 0) >= 0)
 *         printf("%s\n", homelab_decision_url(decision, 0));
 *
 * Whoever sends the request tells what came of it: homelab_router_begin() before,
 * homelab_router_finish() after. homelab_router_send() does all of that.
 *
 * No prompt and no answer stands in a decision, its JSON, a log line or an error.
 */
#ifndef HOMELAB_ROUTER_H
#define HOMELAB_ROUTER_H

#include <homelab/classify.h>
#include <homelab/ctx.h>
#include <homelab/export.h>
#include <homelab/inventory.h>
#include <homelab/prober.h>
#include <homelab/snapshot.h>

HOMELAB_BEGIN_DECLS

/** What came of a request that homelab_router_send() sent. Immutable, reference-counted; any
 * thread.
 * @since 0.2.0 */
typedef struct homelab_reply homelab_reply;

/** Chooses experts. Reference-counted; any thread. @since 0.2.0 */
typedef struct homelab_router homelab_router;
/** What is asked for, without the text. Reusable; one thread at a time. @since 0.2.0 */
typedef struct homelab_request homelab_request;
/** What was decided. Reusable; one thread at a time. @since 0.2.0 */
typedef struct homelab_decision homelab_decision;

/* Kinds of requests. */
/** A prompt as plain text, for a chat model. @since 0.2.0 */
#define HOMELAB_REQUEST_TEXT              0
/** The body of a request to OpenAI's `/v1/chat/completions`. @since 0.2.0 */
#define HOMELAB_REQUEST_OPENAI_CHAT       1
/** The body of a request to OpenAI's `/v1/embeddings`. @since 0.2.0 */
#define HOMELAB_REQUEST_OPENAI_EMBEDDINGS 2
/** The body of a request to Ollama's `/api/chat`. @since 0.2.0 */
#define HOMELAB_REQUEST_OLLAMA_CHAT       3
/** The body of a request to Ollama's `/api/embed`. @since 0.2.0 */
#define HOMELAB_REQUEST_OLLAMA_EMBED      4

/** OpenAI's API. @since 0.2.0 */
#define HOMELAB_DIALECT_OPENAI 1
/** Ollama's own API. @since 0.2.0 */
#define HOMELAB_DIALECT_OLLAMA 2

/* Why an expert was rejected. The first that applies, in this order. */
/** Its endpoint was excluded by the request. @since 0.2.0 */
#define HOMELAB_REJECT_EXCLUDED   1
/** The request asked for another endpoint or model. @since 0.2.0 */
#define HOMELAB_REJECT_PIN        2
/** It cannot do it: an image for a text model, a chat for an embedding model, … @since 0.2.0 */
#define HOMELAB_REJECT_CAPABILITY 3
/** Its API has no such request. @since 0.2.0 */
#define HOMELAB_REJECT_DIALECT    4
/** Its endpoint does not list the model. @since 0.2.0 */
#define HOMELAB_REJECT_MISSING    5
/** The request is longer than its context. @since 0.2.0 */
#define HOMELAB_REJECT_CONTEXT    6
/** Its endpoint is DOWN, WEDGED or MISCONFIGURED. @since 0.2.0 */
#define HOMELAB_REJECT_VERDICT    7
/** It failed of late, see homelab_decision_retry_ms(). @since 0.2.0 */
#define HOMELAB_REJECT_BREAKER    8

/* Parts of a candidate's score, in points: a point is one step of preference. */
/** The task's preference, or how well the model suits the task. @since 0.2.0 */
#define HOMELAB_TERM_PREFERENCE 0
/** The order of tiers. @since 0.2.0 */
#define HOMELAB_TERM_TIER       1
/** The endpoint's verdict. @since 0.2.0 */
#define HOMELAB_TERM_HEALTH     2
/** Waiting for the model to be loaded. @since 0.2.0 */
#define HOMELAB_TERM_LOAD       3
/** Waiting for requests that came before. @since 0.2.0 */
#define HOMELAB_TERM_QUEUE      4
/** Waiting for the first byte. @since 0.2.0 */
#define HOMELAB_TERM_LATENCY    5
/** Waiting for the answer's tokens. @since 0.2.0 */
#define HOMELAB_TERM_SPEED      6
/** Number of terms. @since 0.2.0 */
#define HOMELAB_TERM_COUNT      7

/** Fill in the list of rejected experts too. @since 0.2.0 */
#define HOMELAB_DECIDE_EXPLAIN 1u

/* More outcomes for homelab_router_finish(), beside HOMELAB_OUTCOME_OK and its like. */
/** It was answered that the model is not there or cannot be loaded. @since 0.2.0 */
#define HOMELAB_OUTCOME_MODEL     5
/** The key was missing or refused. @since 0.2.0 */
#define HOMELAB_OUTCOME_AUTH      6
/** The request itself was wrong; says nothing about the server. @since 0.2.0 */
#define HOMELAB_OUTCOME_REJECTED  7
/** The caller gave up; says nothing about the server. @since 0.2.0 */
#define HOMELAB_OUTCOME_CANCELLED 8

/**
 * @brief Tells the task of a request in place of the built-in classifier. Called inside
 * homelab_router_decide(), on its caller's thread, for requests whose task nothing else fixed.
 * @param text The prompt or body as it was given, length bytes, any bytes.
 * @param kind HOMELAB_REQUEST_…
 * @return HOMELAB_TASK_…, or HOMELAB_TASK_NONE to leave it to the built-in classifier.
 * @since 0.2.0
 */
typedef int (*homelab_classifier_fn)(const char *text, size_t length, int kind, void *userdata);

/** @brief Name of a HOMELAB_REJECT_ number, such as "capability"; NULL for an unknown one. Static.
 * @since 0.2.0 */
HOMELAB_API const char *homelab_reject_name(int reject);
/** @brief Name of a HOMELAB_TERM_ number, such as "preference"; NULL for an unknown one. Static.
 * @since 0.2.0 */
HOMELAB_API const char *homelab_term_name(int term);

/* --- The router --- */

/**
 * @brief Makes a router.
 * @param inventory Says what there is, what to prefer and by which rules.
 * @param snapshot Says how it is, or NULL: then nothing was looked at yet.
 * @param opts Options (`router.*`), copied; NULL for the defaults.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM, or HOMELAB_E_LIMIT for more than 60,000
 * experts.
 * @since 0.2.0
 */
HOMELAB_API int homelab_router_new(homelab_router **out, homelab_inventory *inventory,
                                   homelab_snapshot *snapshot, const homelab_opts *opts);
/** @brief Takes a reference. @return The same router; NULL for NULL. @since 0.2.0 */
HOMELAB_API homelab_router *homelab_router_ref(homelab_router *router);
/** @brief Drops a reference; NULL is allowed. Decisions keep what they need. @since 0.2.0 */
HOMELAB_API void homelab_router_unref(homelab_router *router);

/**
 * @brief Replaces the table. Decisions under way keep the old one; counters go on. Any thread, also
 * while others decide.
 * @param inventory, snapshot The new one, or NULL to keep the present one.
 * @return As homelab_router_new(); on failure the old table stays.
 * @since 0.2.0
 */
HOMELAB_API int homelab_router_update(homelab_router *router, homelab_inventory *inventory,
                                      homelab_snapshot *snapshot);

/**
 * @brief Replaces the built-in classifier.
 * @param fn The classifier, or NULL for the built-in one again.
 * @param destroy Called with userdata exactly once.
 * @return HOMELAB_OK or a negative code.
 * @since 0.2.0
 */
HOMELAB_API int homelab_router_set_classifier(homelab_router *router, homelab_classifier_fn fn,
                                              void *userdata, homelab_destroy_fn destroy);

/** @brief Number of experts in the present table. @since 0.2.0 */
HOMELAB_API size_t homelab_router_expert_count(homelab_router *router);

/* --- The request --- */

/**
 * @brief Makes an empty request: a plain text of which nothing is known.
 * @param opts For the allocator; NULL for the defaults.
 * @return HOMELAB_OK, HOMELAB_E_INVALID or HOMELAB_E_NOMEM.
 * @since 0.2.0
 */
HOMELAB_API int homelab_request_new(homelab_request **out, const homelab_opts *opts);
/** @brief Frees a request; NULL is allowed. @since 0.2.0 */
HOMELAB_API void homelab_request_free(homelab_request *request);
/** @brief Makes it empty again. @since 0.2.0 */
HOMELAB_API int homelab_request_reset(homelab_request *request);

/** @brief What the text of homelab_router_decide() is: HOMELAB_REQUEST_… @return HOMELAB_OK or
 * HOMELAB_E_INVALID. @since 0.2.0 */
HOMELAB_API int homelab_request_set_kind(homelab_request *request, int kind);
/**
 * @brief Fixes the task, which then nothing else decides.
 * @param task HOMELAB_TASK_…; HOMELAB_TASK_NONE leaves it open.
 * @return HOMELAB_OK or HOMELAB_E_INVALID.
 * @since 0.2.0
 */
HOMELAB_API int homelab_request_set_task(homelab_request *request, int task);
/**
 * @brief Says who asks, for rules of the inventory.
 * @param tag At most 127 bytes; NULL for none.
 * @return HOMELAB_OK, HOMELAB_E_INVALID or HOMELAB_E_LIMIT.
 * @since 0.2.0
 */
HOMELAB_API int homelab_request_set_tag(homelab_request *request, const char *tag);
/**
 * @brief Requests with the same key and task go to the same expert while it is healthy, which keeps
 * its prompt cache of use.
 * @param key Such as the id of a conversation; any length; NULL for none.
 * @return HOMELAB_OK or HOMELAB_E_INVALID.
 * @since 0.2.0
 */
HOMELAB_API int homelab_request_set_affinity(homelab_request *request, const char *key);
/**
 * @brief Allows only one endpoint, one model, or both.
 * @param endpoint Its id; NULL for any.
 * @param model Its name (`x` is met by `x:latest`); NULL for any.
 * @return HOMELAB_OK, HOMELAB_E_INVALID or HOMELAB_E_LIMIT (255 bytes each).
 * @since 0.2.0
 */
HOMELAB_API int homelab_request_set_pin(homelab_request *request, const char *endpoint,
                                        const char *model);
/** @brief Excludes an endpoint; up to 32. @return HOMELAB_OK, HOMELAB_E_INVALID or HOMELAB_E_LIMIT.
 * @since 0.2.0 */
HOMELAB_API int homelab_request_exclude(homelab_request *request, const char *endpoint);
/** @brief Adds needs that the text does not show: bits of HOMELAB_NEED_…; HOMELAB_NEED_JSON, which
 * every server has, filters nothing. @since 0.2.0 */
HOMELAB_API int homelab_request_require(homelab_request *request, uint32_t needs);
/**
 * @brief Says how long it is, where the caller knows better than an estimate from the text.
 * @param context Tokens of prompt and answer; 0: estimate.
 * @param answer Tokens of the answer that are expected; 0: what is usual for the task.
 * @return HOMELAB_OK or HOMELAB_E_INVALID.
 * @since 0.2.0
 */
HOMELAB_API int homelab_request_set_tokens(homelab_request *request, int64_t context,
                                           int64_t answer);

/* --- The decision --- */

/**
 * @brief Makes an empty decision with room for the experts of the router's present table and more.
 * @return HOMELAB_OK, HOMELAB_E_INVALID or HOMELAB_E_NOMEM.
 * @since 0.2.0
 */
HOMELAB_API int homelab_decision_new(homelab_decision **out, homelab_router *router);
/** @brief Frees a decision; NULL is allowed. @since 0.2.0 */
HOMELAB_API void homelab_decision_free(homelab_decision *decision);

/**
 * @brief Decides. Any thread; no lock, no memory, no input or output.
 * @param text The prompt or body that the request's kind names, length bytes, any bytes; may be
 * NULL when the task is fixed. It is not kept.
 * @param decision Filled in; what it held before is gone.
 * @param flags 0 or HOMELAB_DECIDE_EXPLAIN.
 * @return Number of candidates, 1 or more; HOMELAB_E_INVALID; HOMELAB_E_SYNTAX when a body is no
 * JSON object; or HOMELAB_E_ROUTE_NONE when every expert was rejected: the message says by which
 * filters and when to try again.
 * @since 0.2.0
 */
HOMELAB_API int homelab_router_decide(homelab_router *router, const homelab_request *request,
                                      const char *text, size_t length, homelab_decision *decision,
                                      uint32_t flags);

/** @brief Task, HOMELAB_TASK_…; HOMELAB_TASK_NONE before the first decision. @since 0.2.0 */
HOMELAB_API int homelab_decision_task(const homelab_decision *decision);
/** @brief What fixed the task: `request`, `rule`, `callback`, `classifier` or `default`; NULL
 * before the first decision. Static. @since 0.2.0 */
HOMELAB_API const char *homelab_decision_task_source(const homelab_decision *decision);
/** @brief Whether the classifier was not sure, so that all tasks count by their probability. @since
 * 0.2.0 */
HOMELAB_API bool homelab_decision_mixed(const homelab_decision *decision);
/** @brief Probability of a task, HOMELAB_TASK_…, 0 to 1. @since 0.2.0 */
HOMELAB_API double homelab_decision_probability(const homelab_decision *decision, int task);
/** @brief Tokens that prompt and answer need, as estimated. @since 0.2.0 */
HOMELAB_API int64_t homelab_decision_context(const homelab_decision *decision);
/** @brief Generation of the snapshot that it goes by; 0 without one. @since 0.2.0 */
HOMELAB_API int64_t homelab_decision_generation(const homelab_decision *decision);

/** @brief Number of candidates, at most option `router.top_k`. @since 0.2.0 */
HOMELAB_API size_t homelab_decision_count(const homelab_decision *decision);
/** @brief Number of experts that passed all filters, candidates and others. @since 0.2.0 */
HOMELAB_API size_t homelab_decision_eligible(const homelab_decision *decision);
/** @brief Endpoint of candidate i, best first; NULL past the end. Valid until the next decision,
 * like all texts below; borrowed.
 * @since 0.2.0 */
HOMELAB_API const char *homelab_decision_endpoint(const homelab_decision *decision, size_t i);
/** @brief Model of candidate i as its backend knows it. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_decision_model(const homelab_decision *decision, size_t i);
/** @brief Where to send the request: `http://gpu0:11434/v1/chat/completions`. Borrowed. @since
 * 0.2.0 */
HOMELAB_API const char *homelab_decision_url(const homelab_decision *decision, size_t i);
/** @brief Base URL as clients of the dialect want it: with `/v1` for OpenAI, without a path for
 * Ollama. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_decision_base_url(const homelab_decision *decision, size_t i);
/** @brief HOMELAB_DIALECT_…: that of the request's kind; of a plain text the one that the backend
 * speaks at its best, OpenAI's for embeddings. 0 past the end. @since 0.2.0 */
HOMELAB_API int homelab_decision_dialect(const homelab_decision *decision, size_t i);
/** @brief HOMELAB_BACKEND_… of its endpoint. @since 0.2.0 */
HOMELAB_API int homelab_decision_backend(const homelab_decision *decision, size_t i);
/** @brief Tier of its endpoint. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_decision_tier(const homelab_decision *decision, size_t i);
/** @brief Node of its endpoint; NULL also where it is on none. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_decision_node(const homelab_decision *decision, size_t i);
/** @brief Reference to its API key, never the key; NULL also where it needs none. Borrowed. @since
 * 0.2.0 */
HOMELAB_API const char *homelab_decision_key_reference(const homelab_decision *decision, size_t i);
/** @brief Share among the candidates by the gate, 0 to 1; they add up to 1. @since 0.2.0 */
HOMELAB_API double homelab_decision_weight(const homelab_decision *decision, size_t i);
/** @brief Score in points; the best one is first, unless affinity says otherwise. @since 0.2.0 */
HOMELAB_API double homelab_decision_score(const homelab_decision *decision, size_t i);
/** @brief Part of the score, HOMELAB_TERM_…, in points; 0 past the end. @since 0.2.0 */
HOMELAB_API double homelab_decision_term(const homelab_decision *decision, size_t i, int term);
/** @brief Seconds that loading the model is expected to take first; 0 when it is loaded. @since
 * 0.2.0 */
HOMELAB_API double homelab_decision_load_s(const homelab_decision *decision, size_t i);
/** @brief 1 the model is loaded, 0 not, -1 unknown. @since 0.2.0 */
HOMELAB_API int homelab_decision_loaded(const homelab_decision *decision, size_t i);
/** @brief Whether affinity put it first. @since 0.2.0 */
HOMELAB_API bool homelab_decision_sticky(const homelab_decision *decision, size_t i);
/** @brief Whether it failed of late and this would be its trial. @since 0.2.0 */
HOMELAB_API bool homelab_decision_trial(const homelab_decision *decision, size_t i);
/** @brief Milliseconds to wait for a connection. @since 0.2.0 */
HOMELAB_API int64_t homelab_decision_connect_ms(const homelab_decision *decision, size_t i);
/** @brief Milliseconds to wait for the first byte: with time for a cold load from a slow disk,
 * since giving up would abort the load. @since 0.2.0 */
HOMELAB_API int64_t homelab_decision_first_byte_ms(const homelab_decision *decision, size_t i);
/** @brief Milliseconds to wait between two pieces of an answer. @since 0.2.0 */
HOMELAB_API int64_t homelab_decision_stall_ms(const homelab_decision *decision, size_t i);
/** @brief Milliseconds that the whole request may take. @since 0.2.0 */
HOMELAB_API int64_t homelab_decision_total_ms(const homelab_decision *decision, size_t i);

/**
 * @brief The body as candidate i wants it: another model's name in it, and nothing else changed.
 * @param text The body, length bytes, as given to homelab_router_decide().
 * @return Text for homelab_free(); NULL with an error record, HOMELAB_E_SYNTAX when it is no JSON
 * object.
 * @since 0.2.0
 */
HOMELAB_API char *homelab_decision_rewrite(const homelab_decision *decision, size_t i,
                                           const char *text, size_t length);

/** @brief Number of experts that a filter rejected, HOMELAB_REJECT_…; 0 counts all of them. Known
 * also without HOMELAB_DECIDE_EXPLAIN. @since 0.2.0 */
HOMELAB_API size_t homelab_decision_reject_count(const homelab_decision *decision, int reject);
/** @brief Number of rejected experts in the list; 0 without HOMELAB_DECIDE_EXPLAIN. @since 0.2.0 */
HOMELAB_API size_t homelab_decision_rejected_count(const homelab_decision *decision);
/** @brief Endpoint of rejected expert i; NULL past the end. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_decision_rejected_endpoint(const homelab_decision *decision,
                                                           size_t i);
/** @brief Model of rejected expert i; NULL past the end. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_decision_rejected_model(const homelab_decision *decision, size_t i);
/** @brief Why, HOMELAB_REJECT_…; 0 past the end. @since 0.2.0 */
HOMELAB_API int homelab_decision_rejected_why(const homelab_decision *decision, size_t i);
/** @brief Milliseconds after which an expert that only its failures exclude may be tried again; -1
 * where there is none. @since 0.2.0 */
HOMELAB_API int64_t homelab_decision_retry_ms(const homelab_decision *decision);

/** @brief The decision with reasons as JSON (schema/decision.schema.json). @return Text for
 * homelab_free(), or NULL. @since 0.2.0 */
HOMELAB_API char *homelab_decision_json(const homelab_decision *decision);

/* --- Feedback --- */

/**
 * @brief A request to candidate i begins. Any thread; no lock, no memory.
 *
 * Counts it as in flight, binds the request's affinity key, and claims the trial where it is one.
 * @return A ticket above 0 for homelab_router_finish(), which must follow; HOMELAB_E_INVALID; or
 * HOMELAB_E_STATE when another request has the trial: take the next candidate.
 * @since 0.2.0
 */
HOMELAB_API int64_t homelab_router_begin(homelab_router *router, const homelab_decision *decision,
                                         size_t i);
/**
 * @brief It ended. Any thread; no lock, no memory.
 * @param ticket From homelab_router_begin(), once.
 * @param outcome HOMELAB_OUTCOME_…
 * @param first_byte_us From the start to the first byte of the answer; -1 unknown.
 * @param total_us From the start to the end; -1 unknown.
 * @param tokens Tokens generated; -1 unknown.
 * @param retry_ms With HOMELAB_OUTCOME_BUSY: what its Retry-After said; -1 without one.
 * @return HOMELAB_OK or HOMELAB_E_INVALID.
 * @since 0.2.0
 */
HOMELAB_API int homelab_router_finish(homelab_router *router, int64_t ticket, int outcome,
                                      int64_t first_byte_us, int64_t total_us, int64_t tokens,
                                      int64_t retry_ms);
/**
 * @brief Tells a prober what homelab_router_finish() was told since the last time, as
 * homelab_prober_observe() would. On the prober's thread.
 * @return HOMELAB_OK or a negative code of the prober's.
 * @since 0.2.0
 */
HOMELAB_API int homelab_router_report(homelab_router *router, homelab_prober *prober);
/** @brief Requests in flight at an endpoint that this router knows of; -1 for an unknown one.
 * @since 0.2.0 */
HOMELAB_API int homelab_router_in_flight(homelab_router *router, const char *endpoint);

/* --- Sending --- */

/** Pieces are the bytes of the body as they came, in place of the text that the model says; they
 * may end amid a character. @since 0.2.0 */
#define HOMELAB_SEND_RAW 1u

/**
 * @brief Decides, and sends the request to the best candidate; to the next one when that fails
 * before it said anything. Never to another one afterwards.
 *
 * When there is no other candidate, it waits for a server that says when to come back or that it
 * loads its model, as long as for the first byte of an answer with a load.
 *
 * While it runs, the context queues a HOMELAB_EVENT_ATTEMPT each time it turns to a candidate, a
 * HOMELAB_EVENT_ANSWER for each piece of a streamed answer, and last HOMELAB_EVENT_OP_DONE; then
 * homelab_reply_of() tells the rest. Candidates that may have to load their model first are given
 * time for that, since giving up would abort the load. API keys are asked for as those of probes
 * are, and sent only to the endpoint that they belong to.
 *
 * @param ctx Does the work, on its thread.
 * @param request Copied. Of kind HOMELAB_REQUEST_TEXT a streamed chat, or embeddings if that is the
 * task, is made of the text, in the candidate's homelab_decision_dialect(); a body passes through
 * as it is, but for its model.
 * @param text The prompt or body, length bytes; copied.
 * @param flags 0 or HOMELAB_SEND_RAW.
 * @param[out] op Completes with HOMELAB_OK; HOMELAB_E_ROUTE_FAILED when every candidate failed;
 * HOMELAB_E_ROUTE_REJECTED when a server refused the request itself; HOMELAB_E_ROUTE_CUT when the
 * answer broke off; HOMELAB_E_TIMEOUT after option `router.total_ms`; HOMELAB_E_CANCELLED. May be
 * NULL.
 * @return HOMELAB_OK; what homelab_router_decide() fails with; HOMELAB_E_LIMIT (option
 * `router.max_request_bytes`), HOMELAB_E_CLOSED, HOMELAB_E_FORKED or HOMELAB_E_NOMEM.
 * @since 0.2.0
 */
HOMELAB_API int homelab_router_send(homelab_router *router, homelab_ctx *ctx,
                                    const homelab_request *request, const char *text, size_t length,
                                    uint32_t flags, homelab_op **op);

/**
 * @brief What an operation of homelab_router_send() brought, also when it failed.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_PENDING while it runs, or HOMELAB_E_NOT_FOUND
 * for another operation.
 * @since 0.2.0
 */
HOMELAB_API int homelab_reply_of(homelab_reply **out, const homelab_op *op);
/** @brief Takes a reference. @return The same reply; NULL for NULL. @since 0.2.0 */
HOMELAB_API homelab_reply *homelab_reply_ref(homelab_reply *reply);
/** @brief Drops a reference; NULL is allowed. @since 0.2.0 */
HOMELAB_API void homelab_reply_unref(homelab_reply *reply);

/** @brief HTTP status of the last attempt; 0 where it got none. @since 0.2.0 */
HOMELAB_API int homelab_reply_status(const homelab_reply *reply);
/** @brief Endpoint of the last attempt; NULL for NULL. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_reply_endpoint(const homelab_reply *reply);
/** @brief Model of the last attempt; NULL for NULL. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_reply_model(const homelab_reply *reply);
/** @brief Body of an answer that was not streamed, or of a refusal; homelab_reply_body_length()
 * bytes with a NUL behind them. "" where there is none, NULL for NULL. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_reply_body(const homelab_reply *reply);
/** @brief Number of bytes of homelab_reply_body(). @since 0.2.0 */
HOMELAB_API size_t homelab_reply_body_length(const homelab_reply *reply);
/** @brief What the model says in an answer that was not streamed; "" where there is none, NULL for
 * NULL. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_reply_text(const homelab_reply *reply);
/** @brief Why the model stopped, such as `stop` or `length`; "" where it did not say, NULL for
 * NULL. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_reply_finish(const homelab_reply *reply);
/** @brief Tokens of the prompt as the server counted them; -1 where it did not. @since 0.2.0 */
HOMELAB_API int64_t homelab_reply_prompt_tokens(const homelab_reply *reply);
/** @brief Tokens of the answer as the server counted them; -1 where it did not. @since 0.2.0 */
HOMELAB_API int64_t homelab_reply_answer_tokens(const homelab_reply *reply);
/** @brief From the start of the last attempt to the first byte of its answer, microseconds; -1
 * without one. @since 0.2.0 */
HOMELAB_API int64_t homelab_reply_first_byte_us(const homelab_reply *reply);
/** @brief From the start of the first attempt to the end, microseconds. @since 0.2.0 */
HOMELAB_API int64_t homelab_reply_total_us(const homelab_reply *reply);
/** @brief Number of attempts: of candidates that were tried. One that was waited for and tried
 * again counts once, with what it met last. @since 0.2.0 */
HOMELAB_API size_t homelab_reply_attempt_count(const homelab_reply *reply);
/** @brief Endpoint of attempt i; NULL past the end. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_reply_attempt_endpoint(const homelab_reply *reply, size_t i);
/** @brief What attempt i met, HOMELAB_OUTCOME_…; -1 past the end. @since 0.2.0 */
HOMELAB_API int homelab_reply_attempt_outcome(const homelab_reply *reply, size_t i);
/** @brief One line on how attempt i failed; "" when it did not, NULL past the end. Borrowed. @since
 * 0.2.0 */
HOMELAB_API const char *homelab_reply_attempt_message(const homelab_reply *reply, size_t i);

HOMELAB_END_DECLS

#endif
