/* A pattern, a line feed, and a text: compiles or not, and matches the same whatever stands around.
 */
#include "core/pattern.h"
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t length = end ? (size_t)(end - data) : size;
    char *text = malloc(length + 1);
    struct hl_pattern *pattern = NULL;
    if (!text)
        return 0;
    if (length)
        memcpy(text, data, length);
    text[length] = '\0';
    const char *subject = end ? (const char *)end + 1 : "";
    size_t left = end ? size - length - 1 : 0;
    if (left < 4096 && hl_pattern_new(&pattern, text, size & 1) == 0) {
        bool found = hl_pattern_match(pattern, subject, left, 0);
        FUZZ_EXPECT(found == hl_pattern_match(pattern, subject, left, 0));
        /* Without anchors there is no more to find. */
        bool inside =
            hl_pattern_match(pattern, subject, left, HL_PATTERN_NOT_START | HL_PATTERN_NOT_END);
        FUZZ_EXPECT(found || !inside);
    }
    hl_pattern_free(pattern);
    free(text);
    return 0;
}
