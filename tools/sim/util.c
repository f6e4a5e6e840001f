#include "util.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void *require(void *memory)
{
    if (memory != NULL)
        return memory;
    static const char text[] = "homelab-sim: out of memory\n";
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        _exit(SIM_EXIT_MEMORY);
    _exit(SIM_EXIT_MEMORY);
}

void *sim_alloc(size_t size)
{
    return require(malloc(size > 0 ? size : 1));
}

void *sim_calloc(size_t count, size_t size)
{
    return require(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *sim_realloc(void *old, size_t size)
{
    return require(realloc(old, size > 0 ? size : 1));
}

char *sim_strdup(const char *text)
{
    return require(strdup(text));
}

char *sim_strndup(const char *text, size_t length)
{
    return require(strndup(text, length));
}

static void buf_reserve(struct sim_buf *buf, size_t more)
{
    size_t needed = buf->length + more + 1;
    if (needed <= buf->capacity)
        return;
    size_t capacity = buf->capacity > 0 ? buf->capacity : 256;
    while (capacity < needed)
        capacity *= 2;
    buf->data = sim_realloc(buf->data, capacity);
    buf->capacity = capacity;
}

void sim_buf_add(struct sim_buf *buf, const void *data, size_t length)
{
    buf_reserve(buf, length);
    if (length > 0)
        memcpy(buf->data + buf->length, data, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
}

void sim_buf_puts(struct sim_buf *buf, const char *text)
{
    sim_buf_add(buf, text, strlen(text));
}

__attribute__((format(printf, 2, 0))) static void buf_vprintf(struct sim_buf *buf,
                                                              const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length > 0) {
        buf_reserve(buf, (size_t)length);
        vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
}

void sim_buf_printf(struct sim_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    buf_vprintf(buf, format, args);
    va_end(args);
}

void sim_buf_free(struct sim_buf *buf)
{
    free(buf->data);
    *buf = (struct sim_buf){0};
}

char *sim_printf(const char *format, ...)
{
    struct sim_buf buf = {0};
    va_list args;
    va_start(args, format);
    buf_vprintf(&buf, format, args);
    va_end(args);
    return buf.data != NULL ? buf.data : sim_strdup("");
}

int64_t sim_monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t sim_wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void sim_format_time(char out[static 40], int64_t wall_us)
{
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm parts;
    char date[24];
    gmtime_r(&seconds, &parts);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out, 40, "%s.%06dZ", date, (int)(wall_us % 1000000));
}

void sim_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void sim_complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("homelab-sim: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

bool sim_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool sim_ends_with(const char *text, const char *suffix)
{
    size_t length = strlen(text);
    size_t tail = strlen(suffix);
    return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

enum {
    LONGEST_WORD = 40
};

static size_t edit_distance(const char *a, const char *b)
{
    size_t row[LONGEST_WORD + 1];
    size_t columns = strlen(b);
    for (size_t j = 0; j <= columns; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[columns];
}

const char *sim_nearest(const char *word, const char *const *known)
{
    const char *best = NULL;
    size_t limit = strlen(word) / 3 + 1;
    if (strlen(word) > LONGEST_WORD)
        return NULL;
    for (; *known != NULL; known++) {
        if (strlen(*known) > LONGEST_WORD)
            continue;
        size_t distance = edit_distance(word, *known);
        if (distance > limit)
            continue;
        if (best != NULL && distance == limit)
            continue;
        best = *known;
        limit = distance;
    }
    return best;
}
