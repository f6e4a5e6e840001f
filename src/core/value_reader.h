/* What the JSON and the YAML reader share: the tree as it grows, key paths, duplicate keys, limits,
 * positions. */
#ifndef HL_CORE_VALUE_READER_H
#define HL_CORE_VALUE_READER_H

#include "core/value.h"

struct hl_position {
    int line, column;
};

struct hl_value_reader {
    struct hl_value *root;
    struct hl_value **open; /* containers around the next value, outermost first */
    size_t depth, max_depth;
    size_t values;
    char *key; /* of the next value in the innermost mapping */
    struct hl_position key_position;
    bool keyed;
    int error; /* the first one; reading stops */
    bool duplicates;
    hl_problem_fn fn;
    void *userdata;
};

/* 0 or HOMELAB_E_NOMEM. */
int hl_reader_init(struct hl_value_reader *reader, int max_depth, hl_problem_fn fn, void *userdata);
/* Ends the reading; as the read functions of value.h return. */
int hl_reader_finish(struct hl_value_reader *reader, struct hl_value **out);

/* True: go on. False: reader->error says why not. */
bool hl_reader_key(struct hl_value_reader *reader, struct hl_position at, const char *text,
                   size_t length);
bool hl_reader_open(struct hl_value_reader *reader, struct hl_position at, enum hl_value_type type);
bool hl_reader_close(struct hl_value_reader *reader);
bool hl_reader_string(struct hl_value_reader *reader, struct hl_position at, const char *text,
                      size_t length);
bool hl_reader_number(struct hl_value_reader *reader, struct hl_position at, const char *text,
                      size_t length);
bool hl_reader_bool(struct hl_value_reader *reader, struct hl_position at, bool value);
bool hl_reader_null(struct hl_value_reader *reader, struct hl_position at);

/* Innermost open container, NULL outside of all. */
const struct hl_value *hl_reader_container(const struct hl_value_reader *reader);
/* Tells a problem at the next value, ends the reading with that code, returns false. */
bool hl_reader_fail(struct hl_value_reader *reader, int code, struct hl_position at,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));
bool hl_reader_nomem(struct hl_value_reader *reader);

/* Line and column, in characters, of the byte at `to`, counted on from `from`, whose position is
 * `position`. LF, CR and CR LF end a line. */
struct hl_position hl_position_advance(struct hl_position position, const char *from,
                                       const char *to);

/* A text that is no UTF-8, or too long for positions, is refused before any parser sees it. */
bool hl_reader_check_text(struct hl_value_reader *reader, const char *text, size_t length);

#endif
