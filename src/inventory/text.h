/* Texts of an inventory that have a form of their own. All pure but for the environment. */
#ifndef HL_INVENTORY_TEXT_H
#define HL_INVENTORY_TEXT_H

#include "core/buf.h"

/* Longest text after filling in. */
#define HL_EXPANDED_MAX 4096

/* Puts text into out with each `${NAME}` replaced by that environment variable; a `$` before
 * anything but `{` stays. 0, HOMELAB_E_NOMEM, or HOMELAB_E_INVALID with "found X, expected Y" in
 * wrong; values of variables stand in no message. */
int hl_env_expand(struct hl_buf *out, const char *text, struct hl_buf *wrong);

/* A host name (RFC 1123, underscores allowed) or an IP address without brackets. */
bool hl_host_valid(const char *host);
/* Makes two writings of one host equal: lower case, shortest form of IPv6. False when it does not
 * fit. */
bool hl_host_normalize(char *to, size_t size, const char *host);

#define HL_MAC_SIZE 18
/* Six pairs of hexadecimal digits with ':' or '-' between them; to gets lower case with colons. */
bool hl_mac_normalize(char to[HL_MAC_SIZE], const char *text);

#endif
