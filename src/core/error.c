#define HL_ERROR_IMPLEMENTATION
#include "core/error.h"

#include "core/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct hl_error record;

static const struct {
    int code;
    const char *name;
} names[] = {
#define NAME(code)                                                                                 \
    {                                                                                              \
        code, #code                                                                                \
    }
    NAME(HOMELAB_OK),
    NAME(HOMELAB_E_INVALID),
    NAME(HOMELAB_E_NOMEM),
    NAME(HOMELAB_E_SYSTEM),
    NAME(HOMELAB_E_CLOSED),
    NAME(HOMELAB_E_FORKED),
    NAME(HOMELAB_E_STATE),
    NAME(HOMELAB_E_NOT_FOUND),
    NAME(HOMELAB_E_EXISTS),
    NAME(HOMELAB_E_UNSUPPORTED),
    NAME(HOMELAB_E_LIMIT),
    NAME(HOMELAB_E_TIMEOUT),
    NAME(HOMELAB_E_CANCELLED),
    NAME(HOMELAB_E_PENDING),
    NAME(HOMELAB_E_USER),
    NAME(HOMELAB_E_OPTION_UNKNOWN),
    NAME(HOMELAB_E_OPTION_VALUE),
    NAME(HOMELAB_E_SYNTAX),
    NAME(HOMELAB_E_INVENTORY),
    NAME(HOMELAB_E_UTF8),
    NAME(HOMELAB_E_FORMAT),
    NAME(HOMELAB_E_NET_DNS),
    NAME(HOMELAB_E_NET_REFUSED),
    NAME(HOMELAB_E_NET_NO_ROUTE),
    NAME(HOMELAB_E_NET_CONNECT_TIMEOUT),
    NAME(HOMELAB_E_NET_TIMEOUT),
    NAME(HOMELAB_E_NET_RESET),
    NAME(HOMELAB_E_NET_CLOSED),
    NAME(HOMELAB_E_NET_CERTIFICATE),
    NAME(HOMELAB_E_NET_TLS),
    NAME(HOMELAB_E_NET_TOO_LARGE),
    NAME(HOMELAB_E_NET_PROTOCOL),
    NAME(HOMELAB_E_SECRET_UNAVAILABLE),
    NAME(HOMELAB_E_SECRET_REFUSED),
    NAME(HOMELAB_E_ROUTE_NONE),
    NAME(HOMELAB_E_ROUTE_FAILED),
    NAME(HOMELAB_E_ROUTE_REJECTED),
    NAME(HOMELAB_E_ROUTE_CUT),
#undef NAME
};

static void copy_line(char *to, size_t size, const char *from)
{
    size_t length = hl_utf8_cut(from, strlen(from), size - 1);
    memcpy(to, from, length);
    to[length] = '\0';
    for (char *c = to; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
}

static void fill(struct hl_error *error, int code, int sub_code, const char *subject,
                 const char *format, va_list arguments)
{
    char message[2 * HL_ERROR_MESSAGE_MAX];
    if (vsnprintf(message, sizeof message, format, arguments) < 0)
        message[0] = '\0';
    error->code = code;
    error->sub_code = sub_code;
    copy_line(error->subject, sizeof error->subject, subject ? subject : "");
    copy_line(error->message, sizeof error->message, message);
}

void hl_error_clear(void)
{
    record.code = HOMELAB_OK;
    record.sub_code = 0;
    record.subject[0] = '\0';
    record.message[0] = '\0';
}

int hl_error_set(int code, int sub_code, const char *subject, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(&record, code, sub_code, subject, format, arguments);
    va_end(arguments);
    return code;
}

void hl_error_format(struct hl_error *error, int code, int sub_code, const char *subject,
                     const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(error, code, sub_code, subject, format, arguments);
    va_end(arguments);
}

int hl_error_nomem(void)
{
    return hl_error_set(HOMELAB_E_NOMEM, 0, NULL, "out of memory");
}

int hl_error_argument(const char *subject, const char *expected)
{
    return hl_error_set(HOMELAB_E_INVALID, 0, subject, "%s: expected %s", subject, expected);
}

int hl_error_system(const char *subject, const char *what, int errno_value)
{
    char text[128];
    /* The GNU form: returns the text, which need not be in the buffer. */
    const char *reason = strerror_r(errno_value, text, sizeof text);
    return hl_error_set(HOMELAB_E_SYSTEM, errno_value, subject, "%s: %s: %s", subject, what,
                        reason);
}

int hl_error_flags(uint32_t flags)
{
    return hl_error_set(HOMELAB_E_INVALID, 0, "flags", "flags: found unknown bits 0x%x",
                        (unsigned)flags);
}

void hl_error_save(struct hl_error *out)
{
    *out = record;
}

int hl_error_restore(const struct hl_error *error)
{
    record = *error;
    return record.code;
}

int homelab_error_code(void)
{
    return record.code;
}

void homelab_error_clear(void)
{
    hl_error_clear();
}

int homelab_error_sub_code(void)
{
    return record.sub_code;
}

const char *homelab_error_subject(void)
{
    return record.subject;
}

const char *homelab_error_message(void)
{
    return record.message;
}

const char *homelab_error_name(int code)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == code)
            return names[i].name;
    return "HOMELAB_E_?";
}

bool homelab_error_is_retryable(int code)
{
    return homelab_error_is_timeout(code) || code == HOMELAB_E_NOMEM ||
           (code <= HOMELAB_E_NET_DNS && code >= HOMELAB_E_NET_CLOSED) ||
           code == HOMELAB_E_SECRET_UNAVAILABLE || code == HOMELAB_E_ROUTE_NONE ||
           code == HOMELAB_E_ROUTE_FAILED || code == HOMELAB_E_ROUTE_CUT;
}

bool homelab_error_is_timeout(int code)
{
    return code == HOMELAB_E_TIMEOUT || code == HOMELAB_E_NET_CONNECT_TIMEOUT ||
           code == HOMELAB_E_NET_TIMEOUT;
}

bool homelab_error_is_auth(int code)
{
    return code == HOMELAB_E_SECRET_UNAVAILABLE || code == HOMELAB_E_SECRET_REFUSED;
}
