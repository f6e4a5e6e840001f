/* One tree of values with line and column, read from strict JSON (RFC 8259) or YAML 1.1 (mappings,
 * sequences and core scalars). Duplicate keys are errors in both. Owned by its document;
 * immutable after reading but through the edit functions, which a builder uses. */
#ifndef HL_CORE_VALUE_H
#define HL_CORE_VALUE_H

#include "core/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Values in one tree; further ones are HOMELAB_E_LIMIT. A text of zeros and commas would otherwise
 * take a hundred times its size in memory. */
#define HL_VALUE_MAX_COUNT 1000000

/* Longest text of a tree; positions are ints. */
#define HL_VALUE_MAX_TEXT ((size_t)1 << 30)

enum hl_value_type {
    HL_VALUE_NULL,
    HL_VALUE_BOOL,
    HL_VALUE_NUMBER,
    HL_VALUE_STRING,
    HL_VALUE_LIST,
    HL_VALUE_MAP,
};

struct hl_value {
    enum hl_value_type type;
    int line, column; /* from 1; 0 when it comes from a builder */
    bool boolean;
    double number;
    char *text; /* of a string; of a number as it was written; UTF-8 without NUL */
    char *key;  /* in a map; NULL elsewhere */
    int key_line, key_column;
    struct hl_value **items; /* of a list or map, in order */
    size_t count, capacity;
};

const char *hl_value_type_name(enum hl_value_type type); /* "a number", "a mapping", … */
/* NULL when absent or map is no mapping. */
const struct hl_value *hl_value_get(const struct hl_value *map, const char *key);
void hl_value_free(struct hl_value *value);

/* A problem found while reading: syntax, duplicate key, depth, UTF-8. The path is the key path of
 * the container or value, "" for the document; the message has the form "found X, expected Y". */
typedef void (*hl_problem_fn)(int line, int column, const char *path, const char *message,
                              void *userdata);

/* Both read the whole text. 0, or HOMELAB_E_SYNTAX (told through fn, at least once),
 * HOMELAB_E_NOMEM, HOMELAB_E_LIMIT (nesting or number of values; told through fn too). Syntax
 * errors end the reading; duplicate keys do not, but make it fail in the end. With duplicates as
 * the only problem *out is set all the same, without the later ones, so that its meaning can be
 * checked as well. */
int hl_value_read_json(struct hl_value **out, const char *text, size_t length, int max_depth,
                       hl_problem_fn fn, void *userdata);
int hl_value_read_yaml(struct hl_value **out, const char *text, size_t length, int max_depth,
                       hl_problem_fn fn, void *userdata);

/* Appends a step to a key path: `.key`, `."odd key"`, `[index]`. */
void hl_value_path_key(struct hl_buf *path, const char *key);
void hl_value_path_index(struct hl_buf *path, size_t index);

/* Whether the text is a number as JSON writes it; *number is its value, infinite beyond the range
 * of a double. Independent of the locale. */
bool hl_value_number(const char *text, double *number);

/* Editing. All copy; 0 or HOMELAB_E_NOMEM with a record. */
int hl_value_new(struct hl_value **out, enum hl_value_type type);
int hl_value_new_string(struct hl_value **out, const char *text);
/* number is finite. */
int hl_value_new_number(struct hl_value **out, double number);
int hl_value_copy(struct hl_value **out, const struct hl_value *value);
/* Puts value (taken over on success) under key, in place of what was there, or appends it to a list
 * (key NULL). */
int hl_value_put(struct hl_value *container, const char *key, struct hl_value *value);
void hl_value_remove(struct hl_value *container, size_t index);

/* Text of a tree; hl_free(). NULL with a record. Reading it gives an equal tree. */
char *hl_value_write_json(const struct hl_value *value);
char *hl_value_write_yaml(const struct hl_value *value);

#endif
