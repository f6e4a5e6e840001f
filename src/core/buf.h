/* A growable text with a mandatory cap. Appending past the cap or out of memory marks it failed;
 * later appends do nothing, so a chain of appends needs one check at the end. Always NUL-terminated
 * once anything was appended. */
#ifndef HL_CORE_BUF_H
#define HL_CORE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hl_buf {
    char *data;
    size_t length;
    size_t capacity;
    size_t max;
    int failed; /* 0, HOMELAB_E_NOMEM or HOMELAB_E_LIMIT */
};

void hl_buf_init(struct hl_buf *buf, size_t max);
void hl_buf_free(struct hl_buf *buf);
/* Keeps the memory for the next text. */
void hl_buf_reset(struct hl_buf *buf);
void hl_buf_append(struct hl_buf *buf, const void *data, size_t length);
void hl_buf_puts(struct hl_buf *buf, const char *text);
void hl_buf_putc(struct hl_buf *buf, char c);
void hl_buf_printf(struct hl_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A JSON string with quotes; NULL becomes null; invalid UTF-8 becomes U+FFFD. */
void hl_buf_json(struct hl_buf *buf, const char *text);
/* The same of length bytes, among which NUL may be. */
void hl_buf_json_bytes(struct hl_buf *buf, const char *text, size_t length);
/* A number as JSON has it: shortest form that reads back equal, '.' whatever the locale; null if
 * not finite. */
void hl_buf_number(struct hl_buf *buf, double value);
/* The text, owned by the caller (hl_free()); "" if nothing was appended. NULL with an error record
 * when failed. Empties the buffer either way. */
char *hl_buf_take(struct hl_buf *buf);

#endif
