/*
 * fault.h - scripted faults: what goes wrong at an endpoint, and when.
 *
 * A script is a list of faults, each with a window in time since the start, in attempts, or in
 * both. What is active is a pure function of the script, the time and the attempt number. An
 * attempt is a request, or a connection that a fault ended before its request was read.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "reader.h"

enum sim_fault_kind {
    SIM_FAULT_REFUSED,
    SIM_FAULT_DROP_SYN,
    SIM_FAULT_HANG,
    SIM_FAULT_RESET,
    SIM_FAULT_CLOSE,
    SIM_FAULT_HALF_CLOSE,
    SIM_FAULT_GARBAGE,
    SIM_FAULT_SLOW_HEADER,
    SIM_FAULT_SLOW_BODY,
    SIM_FAULT_LATENCY,
    SIM_FAULT_STATUS,
    SIM_FAULT_QUEUE_FULL,
    SIM_FAULT_WRONG_BODY,
    SIM_FAULT_BAD_JSON,
    SIM_FAULT_HUGE_BODY,
    SIM_FAULT_ENDLESS_BODY,
    SIM_FAULT_REDIRECT,
    SIM_FAULT_REDIRECT_LOOP,
    SIM_FAULT_LOADING,
    SIM_FAULT_BUSY,
    SIM_FAULT_WEDGE,
    SIM_FAULT_SLEEPING,
    SIM_FAULT_CPU_FALLBACK,
    SIM_FAULT_MODEL_MISSING,
    SIM_FAULT_KINDS
};

/* Where in the exchange a fault strikes. */
enum sim_stage {
    SIM_STAGE_ACCEPT,  /* the connection is accepted, nothing read */
    SIM_STAGE_REQUEST, /* the request was read, nothing sent */
    SIM_STAGE_HEADER,  /* in the middle of the response's header */
    SIM_STAGE_BODY,    /* half of the body was sent */
    SIM_STAGES
};

/* Which part of the simulator plays a fault. */
enum sim_fault_class {
    SIM_CLASS_LISTENER, /* before a connection exists */
    SIM_CLASS_WIRE,     /* below HTTP */
    SIM_CLASS_ANSWER,   /* a valid but unhelpful answer */
    SIM_CLASS_STATE     /* the server behind the answers */
};

struct sim_fault {
    enum sim_fault_kind kind;
    enum sim_stage stage;
    int64_t at_ms, for_ms;          /* window in time; for_ms SIM_NEVER = to the end */
    int64_t period_ms;              /* > 0: active only in the first `duty` of each period */
    double duty;                    /* 0..1 */
    int64_t after, count;           /* window in attempts; count SIM_NEVER = to the end */
    int64_t every, burst;           /* every > 0: the first `burst` of each `every` attempts */
    int64_t base_ms, base_attempts; /* what the windows count from; 0 for scenario files */
    char **paths;                   /* patterns; none = every path */
    size_t path_count;
    int status;
    double retry_after;  /* seconds; negative = no header */
    int64_t interval_ms; /* latency, or the pause between two pieces */
    int64_t bytes;       /* size of a piece, or of a huge body */
    double fraction;     /* of the model that is left in VRAM */
    int64_t slots;       /* occupied ones; 0 = all */
    bool in_flight;      /* a wedged request is visible */
    char *text;          /* body, bytes or location; NULL = the default */
    char *model;         /* which one is missing; NULL = the first */
};

struct sim_faults {
    struct sim_fault *items;
    size_t count;
};

enum sim_listener_mode {
    SIM_LISTEN,
    SIM_REFUSE,
    SIM_DROP
};

/* What the active state and listener faults add up to. */
struct sim_state {
    enum sim_listener_mode listener;
    bool loading, busy, wedged, sleeping, cpu_fallback;
    bool in_flight;       /* of the wedge */
    int64_t busy_slots;   /* 0 = all */
    double vram_fraction; /* with cpu_fallback */
};

const char *sim_fault_name(enum sim_fault_kind kind);
enum sim_fault_class sim_fault_class(enum sim_fault_kind kind);

/* Reads one fault; false when it had problems (then *out holds nothing). */
bool sim_fault_parse(struct sim_reader *reader, const cJSON *json, const char *where,
                     struct sim_fault *out);
/* Reads a fault or a list of faults and appends them; false, and nothing appended, on problems. */
bool sim_faults_parse(struct sim_reader *reader, const cJSON *json, const char *where,
                      struct sim_faults *faults);
void sim_faults_free(struct sim_faults *faults);

bool sim_fault_active(const struct sim_fault *fault, int64_t now_ms, int64_t attempt);
/* The first moment after now_ms at which the time window may open or close. */
int64_t sim_fault_next_change(const struct sim_fault *fault, int64_t now_ms);
bool sim_fault_matches(const struct sim_fault *fault, const char *path);

void sim_faults_state(const struct sim_faults *faults, int64_t now_ms, int64_t attempt,
                      struct sim_state *out);
/* The first active wire or answer fault for a path; path NULL: for a connection just accepted. */
const struct sim_fault *sim_faults_strike(const struct sim_faults *faults, int64_t now_ms,
                                          int64_t attempt, const char *path);
bool sim_faults_hide_model(const struct sim_faults *faults, int64_t now_ms, int64_t attempt,
                           const char *model, bool is_first);
int64_t sim_faults_next_change(const struct sim_faults *faults, int64_t now_ms);

#endif
