/*
 * reader.h - typed access to the keys of a JSON object; problems are collected, one line each, that
 * name the key path, what was found and what was expected.
 */
#ifndef SIM_READER_H
#define SIM_READER_H

#include <cjson/cJSON.h>

#include "util.h"

struct sim_reader {
    const char *name; /* of the text, for messages */
    struct sim_buf problems;
    size_t count;
};

/* An object being read and its place in the document. */
struct sim_object {
    struct sim_reader *reader;
    const cJSON *json;
    char where[256];
};

void sim_reader_free(struct sim_reader *reader);
void sim_problem(struct sim_reader *reader, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* NULL (a problem with line and column) when the text is no JSON value. Freed by the caller. */
cJSON *sim_read_text(struct sim_reader *reader, const char *text, size_t length);

/* Checks that `json` is an object with no key but the known ones (NULL: any), none twice. */
bool sim_object_open(struct sim_object *object, struct sim_reader *reader, const cJSON *json,
                     const char *where, const char *const *known);
/* The place of a key of the object. */
void sim_object_where(const struct sim_object *object, const char *key, char out[static 256]);

/* Each returns the fallback when the key is absent, or wrong (a problem). */
const char *sim_get_string(struct sim_object *object, const char *key, const char *fallback);
bool sim_get_bool(struct sim_object *object, const char *key, bool fallback);
double sim_get_number(struct sim_object *object, const char *key, double low, double high,
                      double fallback);
int64_t sim_get_integer(struct sim_object *object, const char *key, int64_t low, int64_t high,
                        int64_t fallback);
/* Seconds in the text, milliseconds in the result. */
int64_t sim_get_seconds(struct sim_object *object, const char *key, int64_t fallback_ms);
/* Index into names (NULL-terminated), or -1 when absent or wrong. */
int sim_get_choice(struct sim_object *object, const char *key, const char *const *names);
/* A list of strings, or NULL; *count is set. Freed with sim_strings_free(). */
char **sim_get_strings(struct sim_object *object, const char *key, size_t *count);
void sim_strings_free(char **strings, size_t count);

#endif
