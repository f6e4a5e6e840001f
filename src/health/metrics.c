#include "health/metrics.h"

#include <stdint.h>
#include <string.h>

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static double power_of_ten(int exponent)
{
    double value = 1;
    for (int i = 0; i < (exponent < 0 ? -exponent : exponent); i++)
        value *= 10;
    return exponent < 0 ? 1 / value : value;
}

/* A decimal number whatever the locale says; false for NaN, infinities and nonsense. */
static bool read_number(const char *at, const char *end, double *out)
{
    bool negative = at < end && *at == '-', any = false;
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    double value = 0;
    int exponent = 0;
    for (; at < end && digit(*at); at++, any = true)
        value = value * 10 + (*at - '0');
    if (at < end && *at == '.')
        for (at++; at < end && digit(*at); at++, any = true, exponent--)
            value = value * 10 + (*at - '0');
    if (!any)
        return false;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        bool less = at < end && *at == '-';
        if (at < end && (*at == '-' || *at == '+'))
            at++;
        int power = 0;
        for (; at < end && digit(*at); at++)
            power = power < 1000 ? power * 10 + (*at - '0') : power;
        exponent += less ? -power : power;
    }
    if (exponent < -300 || exponent > 300 || value > 1e300)
        return false;
    value *= power_of_ten(exponent);
    *out = negative ? -value : value;
    return true;
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || digit(c) || c == '_' || c == ':';
}

/* Steps over {label="value",…}, in whose values anything may stand. */
static const char *skip_labels(const char *at, const char *end)
{
    bool quoted = false;
    for (; at < end; at++) {
        if (quoted && *at == '\\')
            at++;
        else if (*at == '"')
            quoted = !quoted;
        else if (!quoted && *at == '}')
            return at + 1;
    }
    return end;
}

static bool read_line(const char *line, const char *end, struct hl_metric *metrics, size_t count)
{
    const char *at = line;
    while (at < end && name_char(*at))
        at++;
    size_t length = (size_t)(at - line);
    if (!length)
        return false;
    if (at < end && *at == '{')
        at = skip_labels(at, end);
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    if (at == end)
        return false;
    for (size_t i = 0; i < count; i++) {
        double value;
        if (strlen(metrics[i].name) != length || memcmp(metrics[i].name, line, length) ||
            !read_number(at, end, &value))
            continue;
        metrics[i].sum += value;
        metrics[i].found = true;
    }
    return true;
}

bool hl_metrics_read(const char *text, size_t length, struct hl_metric *metrics, size_t count)
{
    const char *end = text + length;
    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        const char *next = stop ? stop + 1 : end;
        stop = stop ? stop : end;
        if (stop > line && stop[-1] == '\r')
            stop--;
        if (stop > line && *line != '#' && !read_line(line, stop, metrics, count))
            return false;
        line = next;
    }
    return true;
}
