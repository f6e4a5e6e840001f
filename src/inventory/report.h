/* Problems of one inventory text, collected and then put into the order of the text. */
#ifndef HL_INVENTORY_REPORT_H
#define HL_INVENTORY_REPORT_H

#include "core/buf.h"
#include "core/value.h"

#include <homelab/inventory.h>

/* name stands for the file in messages. 0 or HOMELAB_E_NOMEM. */
int hl_report_new(homelab_report **out, const char *name, size_t max);
/* "NAME:LINE:COLUMN: PATH: MESSAGE", without the position where line is 0 and without an empty
 * path. Running out of memory is remembered. */
void hl_report_add(homelab_report *report, int line, int column, const char *path,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Whether one more problem would only be counted, which this does: asked before a message is put
 * together, so that a hostile text with a million problems takes no longer than a large one. */
bool hl_report_full(homelab_report *report);
void hl_report_nomem(homelab_report *report);
/* Sorts; says how many problems were left out. 0, or HOMELAB_E_NOMEM if any call before it ran out
 * of memory. */
int hl_report_finish(homelab_report *report);
/* Sets the error record from the first problem and returns code. */
int hl_report_fail(const homelab_report *report, int code);

/* A value for a message: type and, where it is short and printable, content; never of a container.
 */
void hl_report_describe(struct hl_buf *buf, const struct hl_value *value);
/* 'TEXT' with control characters as spaces, cut when long. */
void hl_report_quote(struct hl_buf *buf, const char *text);
/* "; did you mean 'X'?" where one of the names is near. */
void hl_report_suggest(struct hl_buf *buf, const char *text, const char *const *names,
                       size_t count);

#endif
