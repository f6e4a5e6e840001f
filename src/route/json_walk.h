/* Steps over JSON text without building anything. A step that meets something else than it wants
 * sets bad and moves to the end, so that a caller may check once at the end. */
#ifndef HL_ROUTE_JSON_WALK_H
#define HL_ROUTE_JSON_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hl_walk {
    const unsigned char *at, *end;
    bool bad;
};

/* Gets decoded bytes of a string, in pieces. */
typedef void (*hl_walk_sink)(void *to, const void *bytes, size_t length);
/* Takes the value of a member or element: must step over it. */
typedef void (*hl_walk_member)(struct hl_walk *walk, const char *key, void *userdata);

/* Over white space; the byte that follows, 0 at the end. */
unsigned char hl_walk_peek(struct hl_walk *walk);
void hl_walk_skip(struct hl_walk *walk);
/* sink may be NULL. */
void hl_walk_string(struct hl_walk *walk, hl_walk_sink sink, void *to);
/* The string's beginning, NUL-terminated; a longer one is cut, a NUL in it becomes a space. */
void hl_walk_text(struct hl_walk *walk, char *out, size_t size);
/* A whole number of 0 or more, cut at 2^53; 0 for any other value, which is skipped. */
uint64_t hl_walk_number(struct hl_walk *walk);
void hl_walk_object(struct hl_walk *walk, hl_walk_member member, void *userdata);
/* member's key is NULL. Returns the number of elements. */
size_t hl_walk_array(struct hl_walk *walk, hl_walk_member member, void *userdata);

#endif
