/*
 * util.h - memory, text and clock helpers of the simulator.
 *
 * The simulator is a test tool in a process of its own: when memory runs out it says so and ends
 * with status 70, so nothing here returns NULL. cJSON is put on the same allocator in main().
 */
#ifndef SIM_UTIL_H
#define SIM_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_NEVER       INT64_MAX
#define SIM_EXIT_MEMORY 70

void *sim_alloc(size_t size);
void *sim_calloc(size_t count, size_t size);
void *sim_realloc(void *old, size_t size);
char *sim_strdup(const char *text);
char *sim_strndup(const char *text, size_t length);
char *sim_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Growable text; always NUL-terminated once something was added. */
struct sim_buf {
    char *data;
    size_t length;
    size_t capacity;
};

void sim_buf_add(struct sim_buf *buf, const void *data, size_t length);
void sim_buf_puts(struct sim_buf *buf, const char *text);
void sim_buf_printf(struct sim_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sim_buf_free(struct sim_buf *buf);

/* Milliseconds of the monotonic clock. */
int64_t sim_monotonic_ms(void);
/* Microseconds of the wall clock since 1970. */
int64_t sim_wall_us(void);
/* RFC 3339 with microseconds in UTC, the form Ollama writes. */
void sim_format_time(char out[static 40], int64_t wall_us);

/* Closes *fd when open and marks it closed. */
void sim_close(int *fd);

/* One line on standard error, prefixed with the program's name. */
void sim_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

bool sim_starts_with(const char *text, const char *prefix);
bool sim_ends_with(const char *text, const char *suffix);

/* The entry of `known` (NULL-terminated) nearest to `word`, or NULL when none is near. */
const char *sim_nearest(const char *word, const char *const *known);

#endif
