/* POSIX extended regular expressions over UTF-8, matched in time proportional to text times pattern
 * by following all paths at once. Matching takes no lock and no memory, which regexec() does, and
 * no pattern makes it slow. Independent of the locale: classes and case are those of ASCII.
 *
 * Known: literals, `.`, `[a-z]`, `[^…]`, `[[:alpha:]]`, `*`, `+`, `?`, `{m,n}`, `( )`, `|`, `^`,
 * `$`, `\d \w \s \b`, and `\` before any sign. No back-references. */
#ifndef HL_CORE_PATTERN_H
#define HL_CORE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hl_pattern;

/* 0; HOMELAB_E_NOMEM; or HOMELAB_E_SYNTAX with a record "found X, expected Y" that does not repeat
 * the pattern. fold: letters match in both cases. */
int hl_pattern_new(struct hl_pattern **out, const char *text, bool fold);
void hl_pattern_free(struct hl_pattern *pattern);

/* Where the text stands in a longer one, of which it is a part. */
#define HL_PATTERN_NOT_START 1u /* `^` does not match at its start */
#define HL_PATTERN_NOT_END   2u /* `$` does not match at its end */
/* Whether it matches anywhere in the text. Any thread; any bytes. */
bool hl_pattern_match(const struct hl_pattern *pattern, const char *text, size_t length,
                      unsigned flags);

#endif
