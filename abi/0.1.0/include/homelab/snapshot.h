/**
 * @file
 * @brief The state of a cluster at one time: immutable, reference-counted, free of any context,
 * readable by any thread.
 *
 * Indices are those of the endpoints in the inventory's order. Strings are borrowed from the
 * snapshot.
 */
#ifndef HOMELAB_SNAPSHOT_H
#define HOMELAB_SNAPSHOT_H

#include <homelab/export.h>
#include <homelab/inventory.h>

HOMELAB_BEGIN_DECLS

/** The state of a cluster at one time. @since 0.1.0 */
typedef struct homelab_snapshot homelab_snapshot;

/* Verdicts. The numbers order nothing. */
/** Not probed yet. @since 0.1.0 */
#define HOMELAB_VERDICT_UNKNOWN       0
/** Works as declared; a sleeping server counts, it wakes on use. @since 0.1.0 */
#define HOMELAB_VERDICT_HEALTHY       1
/** Usable, but less than declared. @since 0.1.0 */
#define HOMELAB_VERDICT_DEGRADED      2
/** Loads a model; usable later without help. @since 0.1.0 */
#define HOMELAB_VERDICT_LOADING       3
/** Alive and occupied. @since 0.1.0 */
#define HOMELAB_VERDICT_BUSY          4
/** Up, but it or the inventory is set up wrongly; a person must act. @since 0.1.0 */
#define HOMELAB_VERDICT_MISCONFIGURED 5
/** Answers, but its work stands still. @since 0.1.0 */
#define HOMELAB_VERDICT_WEDGED        6
/** Not usable. @since 0.1.0 */
#define HOMELAB_VERDICT_DOWN          7

/* Causes. The list is closed: a release that adds one says so. */
/** Nothing to report. @since 0.1.0 */
#define HOMELAB_CAUSE_NONE                 0
/** HEALTHY: put to sleep by its idle timer. @since 0.1.0 */
#define HOMELAB_CAUSE_SLEEPING             1
/** DEGRADED: answers slower than option `health.slow_ms`. @since 0.1.0 */
#define HOMELAB_CAUSE_SLOW                 10
/** DEGRADED: a required model is not there. @since 0.1.0 */
#define HOMELAB_CAUSE_MODEL_MISSING        11
/** DEGRADED: a loaded model is on the CPU though the node declares a GPU. @since 0.1.0 */
#define HOMELAB_CAUSE_CPU_FALLBACK         12
/** DEGRADED or, for the only one, DOWN: a gateway's backend does not accept connections. @since
 * 0.1.0 */
#define HOMELAB_CAUSE_BACKEND_DEAD         13
/** DEGRADED: a canary request failed. @since 0.1.0 */
#define HOMELAB_CAUSE_CANARY_FAILED        14
/** DEGRADED: fails now and then. @since 0.1.0 */
#define HOMELAB_CAUSE_FLAPPING             15
/** LOADING: a model is being loaded. @since 0.1.0 */
#define HOMELAB_CAUSE_LOADING              20
/** BUSY: says that it is busy (work in progress, 429, Ollama's 503). @since 0.1.0 */
#define HOMELAB_CAUSE_BUSY                 30
/** BUSY or, beyond the patience, WEDGED: accepted the connection, then silence. @since 0.1.0 */
#define HOMELAB_CAUSE_TIMEOUT_AFTER_ACCEPT 31
/** MISCONFIGURED: credentials missing or refused. @since 0.1.0 */
#define HOMELAB_CAUSE_AUTH                 40
/** MISCONFIGURED: the path is not there. @since 0.1.0 */
#define HOMELAB_CAUSE_NOT_FOUND            41
/** MISCONFIGURED: the body is not what this backend answers. @since 0.1.0 */
#define HOMELAB_CAUSE_WRONG_BODY           42
/** MISCONFIGURED: another backend than the declared one answers. @since 0.1.0 */
#define HOMELAB_CAUSE_WRONG_BACKEND        43
/** MISCONFIGURED: a redirect, which a probe does not follow. @since 0.1.0 */
#define HOMELAB_CAUSE_REDIRECT             44
/** MISCONFIGURED: the answer exceeds option `http.max_body_bytes`. @since 0.1.0 */
#define HOMELAB_CAUSE_TOO_LARGE            45
/** MISCONFIGURED: TLS where there is none or the other way round; DOWN: the certificate is refused.
 * @since 0.1.0 */
#define HOMELAB_CAUSE_TLS                  46
/** WEDGED: work is in progress and no counter advances. @since 0.1.0 */
#define HOMELAB_CAUSE_STALLED              50
/** DOWN: the connection is refused. @since 0.1.0 */
#define HOMELAB_CAUSE_REFUSED              60
/** DOWN: no route to the host or network. @since 0.1.0 */
#define HOMELAB_CAUSE_NO_ROUTE             61
/** DOWN: the name has no address. @since 0.1.0 */
#define HOMELAB_CAUSE_DNS                  62
/** DOWN: no connection within the time-out. @since 0.1.0 */
#define HOMELAB_CAUSE_CONNECT_TIMEOUT      63
/** DOWN: the connection was reset. @since 0.1.0 */
#define HOMELAB_CAUSE_RESET                64
/** DOWN: the connection was closed before the answer was complete. @since 0.1.0 */
#define HOMELAB_CAUSE_CLOSED               65
/** DOWN: answers 5xx. @since 0.1.0 */
#define HOMELAB_CAUSE_SERVER_ERROR         66

/** @brief Name of a verdict in capitals, such as "HEALTHY"; NULL for an unknown number. Static.
 * @since 0.1.0 */
HOMELAB_API const char *homelab_verdict_name(int verdict);
/** @brief Name of a cause, such as "timeout-after-accept"; NULL for an unknown number. Static.
 * @since 0.1.0 */
HOMELAB_API const char *homelab_cause_name(int cause);

/** @brief Takes a reference. @return The same snapshot; NULL for NULL. @since 0.1.0 */
HOMELAB_API homelab_snapshot *homelab_snapshot_ref(homelab_snapshot *snapshot);
/** @brief Drops a reference; NULL is allowed. @since 0.1.0 */
HOMELAB_API void homelab_snapshot_unref(homelab_snapshot *snapshot);

/**
 * @brief Reads a snapshot from its JSON, as homelab_snapshot_json() writes it
 * (schema/snapshot.schema.json).
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM, HOMELAB_E_LIMIT or HOMELAB_E_SYNTAX.
 * @since 0.1.0
 */
HOMELAB_API int homelab_snapshot_parse(homelab_snapshot **out, const char *json, size_t length,
                                       const homelab_opts *opts);

/**
 * @brief The snapshot of a cluster in which everything works as the inventory declares; touches no
 * network.
 * @return HOMELAB_OK, HOMELAB_E_INVALID or HOMELAB_E_NOMEM.
 * @since 0.1.0
 */
HOMELAB_API int homelab_snapshot_assume(homelab_snapshot **out, const homelab_inventory *inventory);

/**
 * @brief What a snapshot would become without some nodes.
 * @param nodes Ids of nodes, or of endpoints that are on none, separated by commas.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM, or HOMELAB_E_NOT_FOUND that names the
 * unknown id.
 * @since 0.1.0
 */
HOMELAB_API int homelab_snapshot_without(homelab_snapshot **out, const homelab_snapshot *snapshot,
                                         const char *nodes);

/** @brief Generation: grows by at least one with every change of a prober's state. @since 0.1.0 */
HOMELAB_API int64_t homelab_snapshot_generation(const homelab_snapshot *snapshot);
/** @brief Wall-clock time it was taken, microseconds since 1970-01-01 UTC. @since 0.1.0 */
HOMELAB_API int64_t homelab_snapshot_time_us(const homelab_snapshot *snapshot);
/** @brief Overall verdict, HOMELAB_VERDICT_… @since 0.1.0 */
HOMELAB_API int homelab_snapshot_verdict(const homelab_snapshot *snapshot);
/** @brief The prognosis in one line a person understands; NULL for NULL. @since 0.1.0 */
HOMELAB_API const char *homelab_snapshot_text(const homelab_snapshot *snapshot);

/** @brief Number of capabilities: code, reason, chat, vision, fast, embed. @since 0.1.0 */
HOMELAB_API size_t homelab_snapshot_capability_count(const homelab_snapshot *snapshot);
/** @brief Name of capability i; NULL past the end. @since 0.1.0 */
HOMELAB_API const char *homelab_snapshot_capability_name(const homelab_snapshot *snapshot,
                                                         size_t i);
/** @brief Number of usable endpoints that serve capability i, most preferred tier first. @since
 * 0.1.0 */
HOMELAB_API size_t homelab_snapshot_server_count(const homelab_snapshot *snapshot,
                                                 size_t capability);
/** @brief Index of the endpoint that is server j of a capability, or HOMELAB_E_NOT_FOUND. @since
 * 0.1.0 */
HOMELAB_API int homelab_snapshot_server_at(const homelab_snapshot *snapshot, size_t capability,
                                           size_t j);
/** @brief Whether capability i is declared but served by no usable endpoint. @since 0.1.0 */
HOMELAB_API bool homelab_snapshot_capability_lost(const homelab_snapshot *snapshot, size_t i);

/** @brief Number of tiers, most preferred first. @since 0.1.0 */
HOMELAB_API size_t homelab_snapshot_tier_count(const homelab_snapshot *snapshot);
/** @brief Name of tier i; NULL past the end. @since 0.1.0 */
HOMELAB_API const char *homelab_snapshot_tier_name(const homelab_snapshot *snapshot, size_t i);
/** @brief Verdict of tier i. @since 0.1.0 */
HOMELAB_API int homelab_snapshot_tier_verdict(const homelab_snapshot *snapshot, size_t i);
/** @brief One line on tier i; NULL past the end. @since 0.1.0 */
HOMELAB_API const char *homelab_snapshot_tier_text(const homelab_snapshot *snapshot, size_t i);

/** @brief Number of endpoints. @since 0.1.0 */
HOMELAB_API size_t homelab_snapshot_endpoint_count(const homelab_snapshot *snapshot);
/** @brief Index of the endpoint with that id, or HOMELAB_E_NOT_FOUND. @since 0.1.0 */
HOMELAB_API int homelab_snapshot_endpoint_find(const homelab_snapshot *snapshot, const char *id);
/** @brief Id of endpoint i; NULL past the end. @since 0.1.0 */
HOMELAB_API const char *homelab_snapshot_endpoint_id(const homelab_snapshot *snapshot, size_t i);
/** @brief Tier of endpoint i; NULL past the end. @since 0.1.0 */
HOMELAB_API const char *homelab_snapshot_endpoint_tier(const homelab_snapshot *snapshot, size_t i);
/** @brief Node of endpoint i; NULL past the end or where it is on none. @since 0.1.0 */
HOMELAB_API const char *homelab_snapshot_endpoint_node(const homelab_snapshot *snapshot, size_t i);
/** @brief Backend of endpoint i as found or declared, HOMELAB_BACKEND_… @since 0.1.0 */
HOMELAB_API int homelab_snapshot_endpoint_backend(const homelab_snapshot *snapshot, size_t i);
/** @brief Version that endpoint i reports; NULL where it reports none. @since 0.1.0 */
HOMELAB_API const char *homelab_snapshot_endpoint_version(const homelab_snapshot *snapshot,
                                                          size_t i);
/** @brief Verdict of endpoint i. @since 0.1.0 */
HOMELAB_API int homelab_snapshot_endpoint_verdict(const homelab_snapshot *snapshot, size_t i);
/** @brief Cause of the verdict, HOMELAB_CAUSE_… @since 0.1.0 */
HOMELAB_API int homelab_snapshot_endpoint_cause(const homelab_snapshot *snapshot, size_t i);
/** @brief One line on endpoint i with what was observed; NULL past the end. @since 0.1.0 */
HOMELAB_API const char *homelab_snapshot_endpoint_text(const homelab_snapshot *snapshot, size_t i);
/** @brief Time to the first complete answer of the last probe, microseconds; -1 where unknown.
 * @since 0.1.0 */
HOMELAB_API int64_t homelab_snapshot_endpoint_latency_us(const homelab_snapshot *snapshot,
                                                         size_t i);
/** @brief Wall-clock time of the last probe, microseconds; 0 before the first. @since 0.1.0 */
HOMELAB_API int64_t homelab_snapshot_endpoint_probed_us(const homelab_snapshot *snapshot, size_t i);
/** @brief Number of requests it works on at once; -1 where unknown. @since 0.1.0 */
HOMELAB_API int homelab_snapshot_endpoint_slots(const homelab_snapshot *snapshot, size_t i);
/** @brief Share of probes in the history that found it usable, 0 to 1; -1 without history. @since
 * 0.1.0 */
HOMELAB_API double homelab_snapshot_endpoint_uptime(const homelab_snapshot *snapshot, size_t i);
/** @brief Latency percentile over the history in microseconds (percent 0 to 100); -1 without
 * history. @since 0.1.0 */
HOMELAB_API int64_t homelab_snapshot_endpoint_percentile_us(const homelab_snapshot *snapshot,
                                                            size_t i, double percent);
/** @brief Whether a maintenance window covers it. @since 0.1.0 */
HOMELAB_API bool homelab_snapshot_endpoint_in_maintenance(const homelab_snapshot *snapshot,
                                                          size_t i);

/** @brief Number of pieces of evidence on endpoint i. @since 0.1.0 */
HOMELAB_API size_t homelab_snapshot_evidence_count(const homelab_snapshot *snapshot,
                                                   size_t endpoint);
/** @brief Layer of a piece of evidence: `tcp`, `http`, `scheduler`, `progress`, `canary`,
 * `passive`; NULL past the end. @since 0.1.0 */
HOMELAB_API const char *homelab_snapshot_evidence_layer(const homelab_snapshot *snapshot,
                                                        size_t endpoint, size_t i);
/** @brief What it speaks for, HOMELAB_CAUSE_… @since 0.1.0 */
HOMELAB_API int homelab_snapshot_evidence_cause(const homelab_snapshot *snapshot, size_t endpoint,
                                                size_t i);
/** @brief HTTP status, else errno, else 0. @since 0.1.0 */
HOMELAB_API int homelab_snapshot_evidence_code(const homelab_snapshot *snapshot, size_t endpoint,
                                               size_t i);
/** @brief How long it took to see, microseconds. @since 0.1.0 */
HOMELAB_API int64_t homelab_snapshot_evidence_elapsed_us(const homelab_snapshot *snapshot,
                                                         size_t endpoint, size_t i);
/** @brief One line with what was seen; NULL past the end. @since 0.1.0 */
HOMELAB_API const char *homelab_snapshot_evidence_text(const homelab_snapshot *snapshot,
                                                       size_t endpoint, size_t i);

/** @brief Number of models that endpoint i reports. @since 0.1.0 */
HOMELAB_API size_t homelab_snapshot_model_count(const homelab_snapshot *snapshot, size_t endpoint);
/** @brief Name of a model as its backend knows it; NULL past the end. @since 0.1.0 */
HOMELAB_API const char *homelab_snapshot_model_name(const homelab_snapshot *snapshot,
                                                    size_t endpoint, size_t i);
/** @brief 1 loaded, 0 not loaded, -1 unknown. @since 0.1.0 */
HOMELAB_API int homelab_snapshot_model_loaded(const homelab_snapshot *snapshot, size_t endpoint,
                                              size_t i);
/**
 * @brief Whether a model is reported to have a capability.
 * @param endpoint, i Index of the endpoint, and of the model there.
 * @param capability `completion`, `embedding`, `vision` or `tools`.
 * @return false also past the end and for an unknown capability.
 * @since 0.1.0
 */
HOMELAB_API bool homelab_snapshot_model_has(const homelab_snapshot *snapshot, size_t endpoint,
                                            size_t i, const char *capability);
/** @brief Context in tokens: of a loaded model what it was loaded with, else what it was trained
 * with; -1 where unknown. @since 0.1.0 */
HOMELAB_API int64_t homelab_snapshot_model_context(const homelab_snapshot *snapshot,
                                                   size_t endpoint, size_t i);
/** @brief Size of a model in bytes, loaded where known, else on disk; -1 where unknown. @since
 * 0.1.0 */
HOMELAB_API int64_t homelab_snapshot_model_size_bytes(const homelab_snapshot *snapshot,
                                                      size_t endpoint, size_t i);
/** @brief Bytes of it that are on a GPU; -1 where unknown. @since 0.1.0 */
HOMELAB_API int64_t homelab_snapshot_model_vram_bytes(const homelab_snapshot *snapshot,
                                                      size_t endpoint, size_t i);

/** @brief The snapshot as JSON (schema/snapshot.schema.json). @return Text for homelab_free(), or
 * NULL. @since 0.1.0 */
HOMELAB_API char *homelab_snapshot_json(const homelab_snapshot *snapshot);
/** @brief The snapshot in Prometheus' text format 0.0.4. @return Text for homelab_free(), or NULL.
 * @since 0.1.0 */
HOMELAB_API char *homelab_snapshot_prometheus(const homelab_snapshot *snapshot);

HOMELAB_END_DECLS

#endif
