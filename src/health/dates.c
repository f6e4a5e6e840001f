#include "health/dates.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A number of exactly so many digits followed by the separator (0: anything). */
static bool number(const char **at, int digits, char separator, int *out)
{
    *out = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *out = *out * 10 + (**at - '0');
    }
    if (!separator)
        return true;
    return *(*at)++ == separator;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int of_era = year % 400;
    int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t fraction_us(const char **at)
{
    int64_t us = 0;
    if (**at != '.')
        return 0;
    (*at)++;
    for (int64_t unit = 100000; **at >= '0' && **at <= '9'; (*at)++, unit /= 10)
        us += (**at - '0') * unit;
    return us;
}

static bool offset_minutes(const char *at, int *out)
{
    *out = 0;
    if (*at == 'Z' || *at == 'z')
        return at[1] == '\0';
    bool west = *at == '-';
    if (!west && *at != '+')
        return false;
    at++;
    int hours, minutes;
    if (!number(&at, 2, ':', &hours) || !number(&at, 2, 0, &minutes) || *at)
        return false;
    *out = (west ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

/* Microseconds of a date and time, 0 when it is none. */
static int64_t moment_us(int year, int month, int day, int hour, int minute, int second)
{
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
        second > 60)
        return 0;
    return (days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second) * 1000000;
}

int64_t hl_rfc3339_us(const char *text)
{
    int year, month, day, hour, minute, second, offset;
    if (!text || !number(&text, 4, '-', &year) || !number(&text, 2, '-', &month) ||
        !number(&text, 2, 'T', &day) || !number(&text, 2, ':', &hour) ||
        !number(&text, 2, ':', &minute) || !number(&text, 2, 0, &second))
        return 0;
    int64_t us = moment_us(year, month, day, hour, minute, second);
    int64_t fraction = fraction_us(&text);
    if (!us || !offset_minutes(text, &offset))
        return 0;
    us += fraction - (int64_t)offset * 60 * 1000000;
    return us > 0 ? us : 0;
}

static int month_of(const char *text)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++)
        if (!memcmp(text, names + (ptrdiff_t)3 * i, 3))
            return i + 1;
    return 0;
}

int64_t hl_http_date_us(const char *text)
{
    int year, day, hour, minute, second;
    if (!text || strlen(text) != 29 || strcmp(text + 25, " GMT"))
        return 0;
    int month = month_of(text + 8);
    text += 5;
    if (!number(&text, 2, ' ', &day) || *(text += 4) == '\0' || !number(&text, 4, ' ', &year) ||
        !number(&text, 2, ':', &hour) || !number(&text, 2, ':', &minute) ||
        !number(&text, 2, 0, &second))
        return 0;
    return moment_us(year, month, day, hour, minute, second);
}
