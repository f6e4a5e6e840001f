/* Collects what the readers of value.h tell, as one text: a line "LINE:COLUMN: PATH: MESSAGE" a
 * problem. */
#ifndef TESTS_UNIT_VALUE_PROBLEMS_H
#define TESTS_UNIT_VALUE_PROBLEMS_H

#include "core/value.h"

#include <stdio.h>
#include <string.h>

struct problems {
    char text[8192];
    size_t length;
    int count;
};

static inline void take_problem(int line, int column, const char *path, const char *message,
                                void *userdata)
{
    struct problems *problems = userdata;
    int written =
        snprintf(problems->text + problems->length, sizeof problems->text - problems->length,
                 "%s%d:%d: %s: %s", problems->count ? "\n" : "", line, column, path, message);
    if (written > 0 && (size_t)written < sizeof problems->text - problems->length)
        problems->length += (size_t)written;
    problems->count++;
}

/* Whether two trees hold the same, positions apart. */
static inline bool same_value(const struct hl_value *a, const struct hl_value *b)
{
    if (a->type != b->type || a->count != b->count || a->boolean != b->boolean)
        return false;
    if (!a->key != !b->key || (a->key && strcmp(a->key, b->key) != 0))
        return false;
    if (!a->text != !b->text || (a->text && strcmp(a->text, b->text) != 0))
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!same_value(a->items[i], b->items[i]))
            return false;
    return a->type != HL_VALUE_NUMBER || (a->number >= b->number && a->number <= b->number);
}

#endif
