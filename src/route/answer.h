/* Answers as they come: OpenAI's server-sent events, Ollama's JSON lines, or one JSON document. Fed
 * piece by piece; what is found is kept and told. Pure but for memory. */
#ifndef HL_ROUTE_ANSWER_H
#define HL_ROUTE_ANSWER_H

#include "core/buf.h"

/* Gets text that the model says. Nonzero ends the feeding and is passed on. */
typedef int (*hl_answer_text_fn)(const char *text, size_t length, void *userdata);

struct hl_answer {
    bool ollama, streamed;
    int max_depth;
    hl_answer_text_fn fn; /* or NULL */
    void *userdata;
    struct hl_buf pending;  /* the present line, or the whole document */
    struct hl_buf document; /* whose end is in a later line */
    bool began;             /* there was a line */
    bool after_cr;          /* a line feed that follows belongs to the line before */
    bool bare;              /* a document that is the whole answer */
    bool whole;             /* a message came, not only changes to one */
    int64_t documents;
    bool ended;  /* the end was told: "[DONE]", "done", or a whole document */
    bool failed; /* the server told of an error in place of more */
    int64_t prompt_tokens, answer_tokens; /* -1 unknown */
    int64_t pieces;                       /* of text */
    char finish[32];                      /* "stop", "length", … or "" */
};

void hl_answer_init(struct hl_answer *answer, bool ollama, bool streamed, size_t max_bytes,
                    int max_depth, hl_answer_text_fn fn, void *userdata);
void hl_answer_clear(struct hl_answer *answer);
/* What comes after the end is passed over. 0; HOMELAB_E_NOMEM; HOMELAB_E_LIMIT when a line is too
 * long; HOMELAB_E_NET_PROTOCOL when it is not what was expected; or what fn returned. With a
 * record, but for the last. */
int hl_answer_feed(struct hl_answer *answer, const char *data, size_t length);
/* After the last piece. As feed; HOMELAB_E_NET_CLOSED when the end is missing. */
int hl_answer_end(struct hl_answer *answer);

#endif
