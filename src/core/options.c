#include "core/options.h"

#include "core/api.h"
#include "core/nearest.h"
#include "core/utf8.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRING_MAX 4096

static const struct entry {
    const char *key;
    int type;
    double min, max;
    const char *def, *unit, *since, *text;
} table[HL_OPT_COUNT] = {
#define HL_OPTION(symbol, key, type, min, max, def, unit, since, text)                             \
    {key, type, min, max, def, unit, since, text},
#include "core/options.def"
#undef HL_OPTION
};

static const char *const keys[HL_OPT_COUNT] = {
#define HL_OPTION(symbol, key, type, min, max, def, unit, since, text) key,
#include "core/options.def"
#undef HL_OPTION
};

/* Value of an option that was set. */
struct value {
    bool set;
    int64_t integer; /* a boolean too */
    double number;
    char *string;
};

struct homelab_opts {
    homelab_allocator *allocator;
    struct value values[HL_OPT_COUNT];
};

/* --- Text to value; the locale has no say in it --- */

static bool parse_bool(const char *text, int64_t *out)
{
    static const char *const words[2][4] = {{"false", "no", "off", "0"},
                                            {"true", "yes", "on", "1"}};
    for (int value = 0; value < 2; value++) {
        for (size_t i = 0; i < 4; i++) {
            if (strcmp(text, words[value][i]) == 0) {
                *out = value;
                return true;
            }
        }
    }
    return false;
}

static bool parse_int(const char *text, int64_t *out)
{
    const char *digits = text + (*text == '-');
    if (!*digits || digits[strspn(digits, "0123456789")])
        return false;
    errno = 0;
    *out = strtoll(text, NULL, 10);
    return errno == 0;
}

static bool parse_double(const char *text, double *out)
{
    if (!*text || text[strspn(text, "+-.0123456789eE")])
        return false;
    /* In glibc this takes no memory: it is the static C locale. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c)
        return false;
    char *end;
    *out = strtod_l(text, &end, c);
    freelocale(c);
    return !*end && isfinite(*out);
}

/* The defaults are texts in a table that the tests parse, so this cannot fail. */
static struct value default_value(enum hl_option option)
{
    struct value value = {0};
    const struct entry *entry = &table[option];
    if (entry->type == HOMELAB_OPTION_BOOL)
        parse_bool(entry->def, &value.integer);
    else if (entry->type == HOMELAB_OPTION_INT)
        parse_int(entry->def, &value.integer);
    else if (entry->type == HOMELAB_OPTION_DOUBLE)
        parse_double(entry->def, &value.number);
    return value;
}

/* --- The bag --- */

int homelab_opts_new(homelab_opts **out)
{
    HL_API(NULL);
    if (!out)
        return hl_error_argument("out", "a place for the result");
    homelab_opts *opts = hl_calloc(1, sizeof *opts);
    if (!opts)
        return hl_error_nomem();
    *out = opts;
    return HOMELAB_OK;
}

void homelab_opts_free(homelab_opts *opts)
{
    if (!opts)
        return;
    for (size_t i = 0; i < HL_OPT_COUNT; i++)
        hl_free(opts->values[i].string);
    hl_free(opts);
}

int homelab_opts_set_allocator(homelab_opts *opts, homelab_allocator *allocator)
{
    HL_API(NULL);
    if (!opts)
        return hl_error_argument("opts", "a bag of options");
    opts->allocator = allocator;
    return HOMELAB_OK;
}

static int unknown_key(const char *key)
{
    const char *near = hl_nearest(key, keys, HL_OPT_COUNT);
    if (!near)
        return hl_error_set(HOMELAB_E_OPTION_UNKNOWN, 0, key, "option '%s': unknown", key);
    return hl_error_set(HOMELAB_E_OPTION_UNKNOWN, 0, key, "option '%s': unknown, nearest is '%s'",
                        key, near);
}

/* Index of the option, or a negative code with a record. */
static int find(const char *key)
{
    if (!key)
        return hl_error_argument("key", "an option's key");
    for (int i = 0; i < HL_OPT_COUNT; i++)
        if (strcmp(keys[i], key) == 0)
            return i;
    return unknown_key(key);
}

static const char *type_name(int type)
{
    switch (type) {
    case HOMELAB_OPTION_BOOL:
        return "true or false";
    case HOMELAB_OPTION_INT:
        return "a whole number";
    case HOMELAB_OPTION_DOUBLE:
        return "a number";
    default:
        return "a text";
    }
}

static int wrong_type(int option, const char *found)
{
    return hl_error_set(HOMELAB_E_OPTION_VALUE, 0, keys[option],
                        "option '%s': found %s, expected %s", keys[option], found,
                        type_name(table[option].type));
}

static int find_typed(const homelab_opts *opts, const char *key, int type)
{
    if (!opts)
        return hl_error_argument("opts", "a bag of options");
    int option = find(key);
    if (option < 0 || table[option].type == type)
        return option;
    return wrong_type(option, type_name(type));
}

static int check_range(int option, double value)
{
    const struct entry *entry = &table[option];
    if (value >= entry->min && value <= entry->max)
        return HOMELAB_OK;
    return hl_error_set(HOMELAB_E_OPTION_VALUE, 0, entry->key,
                        "option '%s': found %.15g, expected %.15g to %.15g%s%s", entry->key, value,
                        entry->min, entry->max, *entry->unit ? " " : "", entry->unit);
}

static int store_bool(homelab_opts *opts, int option, bool value)
{
    opts->values[option].integer = value;
    opts->values[option].set = true;
    return HOMELAB_OK;
}

static int store_int(homelab_opts *opts, int option, int64_t value)
{
    /* Ranges lie within what a double holds exactly; a number outside of that is out of range. */
    int code = check_range(option, (double)value);
    if (code)
        return code;
    opts->values[option].integer = value;
    opts->values[option].set = true;
    return HOMELAB_OK;
}

static int store_double(homelab_opts *opts, int option, double value)
{
    int code = isnan(value) ? wrong_type(option, "not a number") : check_range(option, value);
    if (code)
        return code;
    opts->values[option].number = value;
    opts->values[option].set = true;
    return HOMELAB_OK;
}

static int store_string(homelab_opts *opts, int option, const char *value)
{
    size_t length = strlen(value);
    if (length > STRING_MAX)
        return hl_error_set(HOMELAB_E_OPTION_VALUE, 0, keys[option],
                            "option '%s': found %zu bytes, expected at most %d", keys[option],
                            length, STRING_MAX);
    if (!hl_utf8_valid(value, length))
        return hl_error_set(HOMELAB_E_OPTION_VALUE, 0, keys[option],
                            "option '%s': found invalid UTF-8, expected UTF-8", keys[option]);
    char *copy = hl_strndup(value, length);
    if (!copy)
        return hl_error_nomem();
    hl_free(opts->values[option].string);
    opts->values[option].string = copy;
    opts->values[option].set = true;
    return HOMELAB_OK;
}

int homelab_opts_set_bool(homelab_opts *opts, const char *key, bool value)
{
    HL_API(NULL);
    int option = find_typed(opts, key, HOMELAB_OPTION_BOOL);
    return option < 0 ? option : store_bool(opts, option, value);
}

int homelab_opts_set_int(homelab_opts *opts, const char *key, int64_t value)
{
    HL_API(NULL);
    int option = find_typed(opts, key, HOMELAB_OPTION_INT);
    return option < 0 ? option : store_int(opts, option, value);
}

int homelab_opts_set_double(homelab_opts *opts, const char *key, double value)
{
    HL_API(NULL);
    int option = find_typed(opts, key, HOMELAB_OPTION_DOUBLE);
    return option < 0 ? option : store_double(opts, option, value);
}

int homelab_opts_set_string(homelab_opts *opts, const char *key, const char *value)
{
    HL_API(NULL);
    int option = find_typed(opts, key, HOMELAB_OPTION_STRING);
    if (option < 0)
        return option;
    return value ? store_string(opts, option, value) : hl_error_argument("value", "a text");
}

static int set_from_text(homelab_opts *opts, int option, const char *text)
{
    int64_t integer = 0;
    double number = 0;
    switch (table[option].type) {
    case HOMELAB_OPTION_BOOL:
        if (parse_bool(text, &integer))
            return store_bool(opts, option, integer != 0);
        break;
    case HOMELAB_OPTION_INT:
        if (parse_int(text, &integer))
            return store_int(opts, option, integer);
        break;
    case HOMELAB_OPTION_DOUBLE:
        if (parse_double(text, &number))
            return store_double(opts, option, number);
        break;
    default:
        return store_string(opts, option, text);
    }
    char found[80];
    snprintf(found, sizeof found, "'%.*s'", (int)hl_utf8_cut(text, strlen(text), 64), text);
    return wrong_type(option, found);
}

int homelab_opts_set_text(homelab_opts *opts, const char *key, const char *text)
{
    HL_API(NULL);
    if (!opts)
        return hl_error_argument("opts", "a bag of options");
    int option = find(key);
    if (option < 0)
        return option;
    return text ? set_from_text(opts, option, text) : hl_error_argument("text", "a text");
}

bool homelab_opts_get_bool(const homelab_opts *opts, const char *key)
{
    HL_API(NULL);
    int option = find_typed(opts, key, HOMELAB_OPTION_BOOL);
    return option >= 0 && hl_opt_bool(opts, (enum hl_option)option);
}

int64_t homelab_opts_get_int(const homelab_opts *opts, const char *key)
{
    HL_API(NULL);
    int option = find_typed(opts, key, HOMELAB_OPTION_INT);
    return option < 0 ? 0 : hl_opt_int(opts, (enum hl_option)option);
}

double homelab_opts_get_double(const homelab_opts *opts, const char *key)
{
    HL_API(NULL);
    int option = find_typed(opts, key, HOMELAB_OPTION_DOUBLE);
    return option < 0 ? 0 : hl_opt_double(opts, (enum hl_option)option);
}

const char *homelab_opts_get_string(const homelab_opts *opts, const char *key)
{
    HL_API(NULL);
    int option = find_typed(opts, key, HOMELAB_OPTION_STRING);
    return option < 0 ? NULL : hl_opt_string(opts, (enum hl_option)option);
}

/* --- For the library's own parts --- */

static struct value get(const homelab_opts *opts, enum hl_option option)
{
    return opts && opts->values[option].set ? opts->values[option] : default_value(option);
}

int64_t hl_opt_int(const homelab_opts *opts, enum hl_option option)
{
    return get(opts, option).integer;
}

double hl_opt_double(const homelab_opts *opts, enum hl_option option)
{
    return get(opts, option).number;
}

bool hl_opt_bool(const homelab_opts *opts, enum hl_option option)
{
    return get(opts, option).integer != 0;
}

const char *hl_opt_string(const homelab_opts *opts, enum hl_option option)
{
    return opts && opts->values[option].set ? opts->values[option].string : table[option].def;
}

homelab_allocator *hl_opt_allocator(const homelab_opts *opts)
{
    return opts ? opts->allocator : NULL;
}

int hl_opts_copy(homelab_opts **out, const homelab_opts *opts)
{
    homelab_opts *copy = hl_calloc(1, sizeof *copy);
    if (!copy)
        return hl_error_nomem();
    copy->allocator = hl_opt_allocator(opts);
    for (int i = 0; i < HL_OPT_COUNT; i++) {
        struct value value = get(opts, (enum hl_option)i);
        copy->values[i] = (struct value){true, value.integer, value.number, NULL};
        if (table[i].type != HOMELAB_OPTION_STRING)
            continue;
        copy->values[i].string = hl_strdup(hl_opt_string(opts, (enum hl_option)i));
        if (!copy->values[i].string) {
            homelab_opts_free(copy);
            return hl_error_nomem();
        }
    }
    *out = copy;
    return HOMELAB_OK;
}

/* --- The table --- */

size_t homelab_option_count(void)
{
    return HL_OPT_COUNT;
}

const char *homelab_option_key(size_t i)
{
    return i < HL_OPT_COUNT ? table[i].key : NULL;
}

int homelab_option_type(size_t i)
{
    return i < HL_OPT_COUNT ? table[i].type : 0;
}

const char *homelab_option_default(size_t i)
{
    return i < HL_OPT_COUNT ? table[i].def : NULL;
}

double homelab_option_min(size_t i)
{
    bool numeric = i < HL_OPT_COUNT &&
                   (table[i].type == HOMELAB_OPTION_INT || table[i].type == HOMELAB_OPTION_DOUBLE);
    return numeric ? table[i].min : 0;
}

double homelab_option_max(size_t i)
{
    bool numeric = i < HL_OPT_COUNT &&
                   (table[i].type == HOMELAB_OPTION_INT || table[i].type == HOMELAB_OPTION_DOUBLE);
    return numeric ? table[i].max : 0;
}

const char *homelab_option_unit(size_t i)
{
    return i < HL_OPT_COUNT ? table[i].unit : NULL;
}

const char *homelab_option_text(size_t i)
{
    return i < HL_OPT_COUNT ? table[i].text : NULL;
}

const char *homelab_option_since(size_t i)
{
    return i < HL_OPT_COUNT ? table[i].since : NULL;
}
