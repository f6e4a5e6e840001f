/* Router, request and decision from the inside. */
#ifndef HL_ROUTE_ROUTER_PRIVATE_H
#define HL_ROUTE_ROUTER_PRIVATE_H

#include "core/api.h"
#include "route/table.h"

#include <pthread.h>

/* --- Affinity: which key went where, in words that a store replaces and a load reads. Keys that
 * fall on one place displace each other; a displaced one finds a home again as a new one does. ---
 */
#define HL_AFFINITY_COUNT 4096

struct hl_affinity {
    _Atomic uint64_t words[HL_AFFINITY_COUNT];
};
/* The line that a key is bound to, or -1. */
int32_t hl_affinity_find(const struct hl_affinity *affinity, uint64_t key, int64_t ttl_ms,
                         int64_t now_ms);
void hl_affinity_bind(struct hl_affinity *affinity, uint64_t key, uint16_t line, int64_t now_ms);

/* --- The router ---
 *
 * Readers and the table: a reader that has a reference to the present table, which is the case
 * whenever it decided since the last replacement, compares one pointer and is done. Else it takes a
 * reference between entering and leaving `entering`. Who replaces the table puts the old one on the
 * list of retired ones, whose references are dropped at a time when `entering` is seen to be 0
 * after the replacement: then every reader that could have seen the old pointer has its own
 * reference. Neither side ever waits for the other. All of it sequentially consistent. */
struct homelab_router {
    atomic_uint references;
    homelab_allocator *allocator;
    _Atomic(struct hl_table *) table;
    atomic_uint entering;
    _Atomic uint64_t begun; /* requests so far */
    struct hl_affinity affinity;

    pthread_mutex_t mutex; /* among those who replace the table */
    struct hl_ledger *ledger;
    struct hl_classifier *classifier;
    struct hl_route_settings settings;
    struct hl_table **retired;
    size_t retired_count, retired_capacity;
};

/* The present table in *held, which holds one of before or NULL. No wait, no lock. */
void hl_router_acquire(homelab_router *router, struct hl_table **held);

/* --- The request --- */
#define HL_EXCLUDED_MAX 32
#define HL_NAME_MAX     256

struct homelab_request {
    homelab_allocator *allocator;
    int kind;
    int task; /* HL_CAP_…, -1: open */
    char tag[128];
    uint64_t affinity;     /* 0: none */
    uint64_t pin_endpoint; /* hashes, 0: any */
    uint64_t pin_model;
    uint64_t excluded[HL_EXCLUDED_MAX];
    size_t excluded_count;
    uint32_t needs;
    int64_t context, answer; /* tokens, 0: estimate */
};

/* --- What is to be decided, worked out of request and text --- */
enum hl_task_source {
    HL_TASK_DEFAULT,
    HL_TASK_REQUEST,
    HL_TASK_RULE,
    HL_TASK_CALLBACK,
    HL_TASK_CLASSIFIER,
};

struct hl_errand {
    int task; /* the likeliest */
    enum hl_task_source source;
    bool mixed; /* no task is sure: all count, by probability */
    float probability[HL_TASKS];
    uint32_t needs; /* HL_CAN_… */
    uint32_t context, answer;
    int kind;
    uint64_t affinity, pin_endpoint, pin_model;
    const uint64_t *excluded;
    size_t excluded_count;
    int32_t bound;   /* line that affinity names, or -1 */
    uint64_t spread; /* what new keys, or requests, are spread by */
};
/* Reads the request and its text. 0, or HOMELAB_E_SYNTAX with a record. Pure but for a classifier
 * of the host's. */
int hl_errand_read(struct hl_errand *errand, const struct hl_table *table,
                   const homelab_request *request, const char *text, size_t length);
/* HOMELAB_TASK_… of HL_CAP_…, and back (-1 for none). */
int hl_task_of_capability(int capability);
int hl_capability_of_task(int task);

/* --- The decision --- */
#define HL_TOP_MAX 16

struct hl_candidate {
    uint32_t expert;
    float score;
    float load_s, queue_s, first_s, answer_s; /* what waiting it knew of, where that was wanted */
    bool sticky, trial;
};

struct hl_verdict {
    struct hl_candidate top[HL_TOP_MAX];
    uint32_t count, eligible;
    uint32_t rejected[HOMELAB_REJECT_BREAKER + 1]; /* by filter; [0]: all */
    int64_t retry_ms;                              /* -1 */
    float rate;
};
/* Which breakers are heeded. */
enum hl_heed {
    HL_HEED_NONE,     /* all are closed */
    HL_HEED_FAILURES, /* who was told to come back later may wait for that */
    HL_HEED_ALL,
};
/* Pure, but for the ledger's counters that it reads. why:
 * HOMELAB_REJECT_… of the first `room` experts, and what waiting the candidates knew of; or NULL.
 */
void hl_decide(struct hl_verdict *out, const struct hl_table *table, const struct hl_errand *errand,
               enum hl_heed heed, int64_t now_ms, uint8_t *why, size_t room);
/* The candidate's waiting as it is now. */
void hl_candidate_detail(struct hl_candidate *candidate, const struct hl_table *table,
                         const struct hl_errand *errand);
/* Its share among the candidates. */
double hl_candidate_weight(const struct hl_verdict *verdict, const struct hl_table *table,
                           uint32_t i);

struct homelab_decision {
    homelab_allocator *allocator;
    struct hl_table *table; /* referenced; NULL before the first decision */
    bool decided, explained;
    struct hl_errand errand; /* its borrowed parts are gone */
    struct hl_verdict verdict;
    size_t room;
    uint8_t why[];
};

static inline const struct hl_expert *hl_expert_of(const homelab_decision *decision, size_t i)
{
    return &decision->table->experts[decision->verdict.top[i].expert];
}
static inline const struct hl_expert_info *hl_info_of(const homelab_decision *decision, size_t i)
{
    return &decision->table->info[decision->verdict.top[i].expert];
}
static inline const struct hl_endpoint_info *hl_endpoint_of(const homelab_decision *decision,
                                                            size_t i)
{
    return &decision->table->endpoints[hl_expert_of(decision, i)->endpoint];
}
/* With its waiting: as it was if the decision was explained, else as it is now. */
struct hl_candidate hl_candidate_of(const homelab_decision *decision, size_t i);
/* In points. */
double hl_candidate_term(const homelab_decision *decision, size_t i, int term);
/* Time for the first byte, with a load from a slow disk. */
int64_t hl_candidate_first_byte_ms(const homelab_decision *decision, size_t i);

/* Until when its server asked to be left alone, in milliseconds from now, 0: it may be asked. -1:
 * it is left alone for its failures. */
int64_t hl_candidate_pause_ms(const homelab_decision *decision, size_t i);

/* homelab_router_decide(), where who is only asked to be left alone for a while is a candidate. */
int hl_router_decide_patiently(homelab_router *router, const homelab_request *request,
                               const char *text, size_t length, homelab_decision *decision,
                               uint32_t flags);

/* Milliseconds of a clock that never goes back; coarse, without a system call. */
int64_t hl_route_now_ms(void);

/* --- Feedback --- */
/* A ticket, or HOMELAB_E_STATE without a record. */
int64_t hl_feedback_begin(struct hl_ledger *ledger, const struct hl_expert *expert,
                          const struct hl_gate *gate, int64_t now_ms);
/* It answers: if this is a trial, it succeeded, and others need not wait for the end of a long
 * answer. */
void hl_feedback_answers(struct hl_ledger *ledger, int64_t ticket);
struct hl_feedback {
    int outcome;
    int64_t first_byte_us, total_us, tokens, retry_ms; /* -1 unknown */
};
int hl_feedback_end(struct hl_ledger *ledger, int64_t ticket, const struct hl_feedback *feedback,
                    const struct hl_breaker_policy *policy, int64_t now_ms);

#endif
