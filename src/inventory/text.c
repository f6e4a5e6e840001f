#include "inventory/text.h"

#include "core/error.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_VARIABLE 128

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t variable_length(const char *name)
{
    size_t length = 0;
    while (is_letter(name[length]) || name[length] == '_' || (length && is_digit(name[length])))
        length++;
    return length;
}

/* Appends the variable whose name starts at name; *end is behind the closing brace. */
static bool put_variable(struct hl_buf *out, const char *name, const char **end,
                         struct hl_buf *wrong)
{
    size_t length = variable_length(name);
    if (length == 0 || length >= LONGEST_VARIABLE || name[length] != '}') {
        hl_buf_puts(wrong, "found '${' without a variable name and '}', expected ${NAME}");
        return false;
    }
    char variable[LONGEST_VARIABLE];
    memcpy(variable, name, length);
    variable[length] = '\0';
    const char *value = secure_getenv(variable);
    if (!value || !*value) {
        hl_buf_printf(wrong,
                      "found the variable ${%s}, which is %s, expected a value in the "
                      "environment",
                      variable, value ? "empty" : "not set");
        return false;
    }
    hl_buf_puts(out, value);
    *end = name + length + 1;
    return true;
}

static int buf_failure(const struct hl_buf *out, struct hl_buf *wrong)
{
    if (out->failed == HOMELAB_E_LIMIT && !wrong->failed) {
        hl_buf_printf(wrong, "found more than %d bytes with variables filled in, expected fewer",
                      HL_EXPANDED_MAX);
        return HOMELAB_E_INVALID;
    }
    return out->failed || wrong->failed ? HOMELAB_E_NOMEM : HOMELAB_OK;
}

int hl_env_expand(struct hl_buf *out, const char *text, struct hl_buf *wrong)
{
    while (*text) {
        const char *dollar = strstr(text, "${");
        size_t length = dollar ? (size_t)(dollar - text) : strlen(text);
        hl_buf_append(out, text, length);
        text += length;
        if (dollar && !put_variable(out, dollar + 2, &text, wrong))
            return wrong->failed ? HOMELAB_E_NOMEM : HOMELAB_E_INVALID;
    }
    return buf_failure(out, wrong);
}

static bool is_ip(const char *host)
{
    char address[sizeof(struct in6_addr)];
    char bare[INET6_ADDRSTRLEN];
    if (inet_pton(AF_INET, host, address) == 1)
        return true;
    size_t length = strcspn(host, "%");
    bool empty_zone = host[length] == '%' && host[length + 1] == '\0';
    if (length >= sizeof bare || empty_zone)
        return false;
    memcpy(bare, host, length);
    bare[length] = '\0';
    return inet_pton(AF_INET6, bare, address) == 1;
}

static bool is_name(const char *host)
{
    size_t length = strlen(host);
    if (length == 0 || length > 253 || host[strspn(host, "0123456789.")] == '\0')
        return false;
    size_t label = 0;
    for (const char *c = host; *c; c++) {
        if (*c == '.' && label == 0)
            return false;
        if (*c != '.' && !is_letter(*c) && !is_digit(*c) && *c != '_' && (*c != '-' || !label))
            return false;
        label = *c == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return true;
}

bool hl_host_valid(const char *host)
{
    return is_ip(host) || is_name(host);
}

bool hl_host_normalize(char *to, size_t size, const char *host)
{
    struct in6_addr address;
    char bare[INET6_ADDRSTRLEN];
    size_t length = strcspn(host, "%");
    if (strlen(host) >= size)
        return false;
    memcpy(to, host, strlen(host) + 1);
    for (char *c = to; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    if (length >= sizeof bare)
        return true;
    memcpy(bare, host, length);
    bare[length] = '\0';
    if (inet_pton(AF_INET6, bare, &address) != 1 ||
        !inet_ntop(AF_INET6, &address, bare, sizeof bare))
        return true;
    int wrote = snprintf(to, size, "%s%s", bare, host + length);
    return wrote > 0 && (size_t)wrote < size;
}

bool hl_mac_normalize(char to[HL_MAC_SIZE], const char *text)
{
    if (strlen(text) != HL_MAC_SIZE - 1)
        return false;
    for (size_t i = 0; i < HL_MAC_SIZE - 1; i++) {
        char c = text[i];
        if (i % 3 == 2) {
            if ((c != ':' && c != '-') || c != text[2])
                return false;
            to[i] = ':';
            continue;
        }
        if (c >= 'A' && c <= 'F')
            c = (char)(c - 'A' + 'a');
        if (!is_digit(c) && (c < 'a' || c > 'f'))
            return false;
        to[i] = c;
    }
    to[HL_MAC_SIZE - 1] = '\0';
    return true;
}
