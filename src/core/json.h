/* JSON from the wire, through cJSON: nesting is checked before parsing, and getters are typed so
 * that a wrong shape is an absent value, never a crash. */
#ifndef HL_CORE_JSON_H
#define HL_CORE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The document, for cJSON_Delete(); NULL when it is not JSON, nests deeper than max_depth or has
 * trailing text. Strings with invalid UTF-8 or an embedded NUL make it NULL too. */
cJSON *hl_json_parse(const char *text, size_t length, int max_depth);

const cJSON *hl_json_get(const cJSON *object,
                         const char *key); /* NULL when absent or not an object */
const char *hl_json_string(const cJSON *object,
                           const char *key); /* NULL when absent or no string */
double hl_json_number(const cJSON *object, const char *key, double other); /* finite */
int64_t hl_json_int(const cJSON *object, const char *key,
                    int64_t other);                               /* whole and within +-2^53 */
int hl_json_bool(const cJSON *object, const char *key);           /* 1, 0, or -1 when absent */
const cJSON *hl_json_array(const cJSON *object, const char *key); /* NULL when absent or no array */

#endif
