/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef HL_CORE_UTF8_H
#define HL_CORE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

bool hl_utf8_valid(const char *text, size_t length);
/* Length of the valid sequence at text, 0 for an invalid one. */
size_t hl_utf8_sequence(const char *text, size_t length);
/* Largest length up to max that does not split a sequence. */
size_t hl_utf8_cut(const char *text, size_t length, size_t max);

/* Makes text from a server fit for a terminal and a log: control characters become spaces, bytes
 * that are no UTF-8 become '?'. Never grows. */
void hl_text_clean(char *text, size_t size);

#endif
