/*
 * answer.h - a request as read and an answer as it is to be sent; plain data between the backends,
 * which fill answers, and the two servers, which send them.
 */
#ifndef SIM_ANSWER_H
#define SIM_ANSWER_H

#include <cjson/cJSON.h>

#include "util.h"

enum {
    SIM_MAX_HEADERS = 12
};

struct sim_request {
    const char *method, *path; /* path without the query */
    char *authorization, *x_api_key;
    char *query_model; /* ?model= */
    bool autoload;     /* unless ?autoload=false */
    bool fail_on_no_slot;
    struct sim_buf body;
    cJSON *json; /* the body, when it is JSON */
};

struct sim_header {
    const char *name; /* static */
    char *value;
};

/* How the body is made. */
enum sim_body_kind {
    SIM_BODY_WHOLE,   /* `body`, with Content-Length */
    SIM_BODY_STREAM,  /* `pieces`, chunked, piece_ms apart */
    SIM_BODY_FILLER,  /* `body`, then filler up to `length` */
    SIM_BODY_ENDLESS, /* `body`, then filler, chunked, without end */
};

struct sim_answer {
    int status;
    enum sim_body_kind kind;
    struct sim_buf body;
    struct sim_header headers[SIM_MAX_HEADERS];
    size_t header_count;
    char **pieces;
    size_t piece_count;
    int64_t piece_ms;
    int64_t length;
};

void sim_request_free(struct sim_request *request);
/* Exact method and path; "GET" matches HEAD too. */
bool sim_request_is(const struct sim_request *request, const char *method, const char *path);
/* String member of the JSON body, or the fallback. */
const char *sim_request_string(const struct sim_request *request, const char *key,
                               const char *fallback);
bool sim_request_flag(const struct sim_request *request, const char *key, bool fallback);

void sim_answer_free(struct sim_answer *answer);
/* Forgets what was filled in, as before the first call. */
void sim_answer_reset(struct sim_answer *answer);
void sim_answer_header(struct sim_answer *answer, const char *name, const char *value);
void sim_answer_text(struct sim_answer *answer, int status, const char *type, const char *text);
/* Takes the JSON over. The type is "application/json" unless given. */
void sim_answer_json(struct sim_answer *answer, int status, cJSON *json, const char *type);
/* Adds one piece of a stream. */
void sim_answer_piece(struct sim_answer *answer, const char *text);

/* The standard reason phrase. */
const char *sim_reason(int status);
/* The whole response as bytes; *header_length is where its body begins. */
void sim_answer_serialise(const struct sim_answer *answer, bool head_only, struct sim_buf *out,
                          size_t *header_length);

#endif
