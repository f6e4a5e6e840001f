#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

int fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("homelab: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return CLI_ERROR;
}

int fail_library(const char *tried)
{
    return fail("%s: %s", tried, homelab_error_message());
}

int set_option(homelab_opts *opts, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    if (!equals)
        return fail("--option %s: expected KEY=VALUE", assignment);
    char key[64];
    size_t length = (size_t)(equals - assignment);
    if (length >= sizeof key)
        return fail("--option %s: no such key", assignment);
    memcpy(key, assignment, length);
    key[length] = '\0';
    if (homelab_opts_set_text(opts, key, equals + 1))
        return fail("--option %s: %s", assignment, homelab_error_message());
    return 0;
}

static int tell_problems(const char *path, const homelab_opts *opts)
{
    homelab_report *report = NULL;
    if (homelab_report_file(&report, path, opts))
        return fail("%s", homelab_error_message());
    for (size_t i = 0; i < homelab_report_count(report); i++)
        fprintf(stderr, "%s\n", homelab_report_message(report, i));
    homelab_report_free(report);
    return CLI_ERROR;
}

int load_inventory(homelab_inventory **out, const char *path, const homelab_opts *opts)
{
    const char *from = path ? path : getenv("HOMELAB_INVENTORY");
    if (!from || !*from)
        return fail("no inventory: give --inventory FILE or set HOMELAB_INVENTORY");
    int code = homelab_inventory_load_file(out, from, opts);
    if (code == HOMELAB_E_SYNTAX || code == HOMELAB_E_INVENTORY)
        return tell_problems(from, opts);
    return code ? fail("%s", homelab_error_message()) : 0;
}

int put_document(const char *text)
{
    size_t length = strlen(text);
    if (fwrite(text, 1, length, stdout) != length || fflush(stdout) != 0)
        return fail("standard output: %s", strerror(errno));
    return 0;
}

bool text_open(struct text *text)
{
    *text = (struct text){0};
    text->stream = open_memstream(&text->data, &text->length);
    return text->stream != NULL;
}

char *text_close(struct text *text)
{
    if (fclose(text->stream) == 0)
        return text->data;
    free(text->data);
    return NULL;
}

/* One character of text: its bytes and columns. What a terminal must not get is one '?'. */
static size_t next_character(const char *at, int *columns, bool *printable)
{
    wchar_t wide;
    mbstate_t state = {0};
    size_t length = mbrtowc(&wide, at, strlen(at), &state);
    int width = length == (size_t)-1 || length == (size_t)-2 ? -1 : wcwidth(wide);
    *printable = width >= 0;
    *columns = width >= 0 ? width : 1;
    return length == (size_t)-1 || length == (size_t)-2 || !length ? 1 : length;
}

int text_width(const char *text)
{
    int width = 0, columns;
    bool printable;
    for (const char *at = text; *at; width += columns)
        at += next_character(at, &columns, &printable);
    return width;
}

void put_text(FILE *stream, const char *text, int width, int pad)
{
    int used = 0, columns;
    bool printable, cut = width >= 0 && text_width(text) > width;
    for (const char *at = text; *at;) {
        size_t length = next_character(at, &columns, &printable);
        if (cut && used + columns > width - 1)
            break;
        if (printable)
            fwrite(at, 1, length, stream);
        else
            fputc('?', stream);
        used += columns;
        at += length;
    }
    if (cut) {
        fputs("…", stream);
        used++;
    }
    for (; used < pad; used++)
        fputc(' ', stream);
}

struct look stdout_look(void)
{
    struct look look = {0};
    struct winsize size;
    if (!isatty(STDOUT_FILENO))
        return look;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
        look.width = size.ws_col;
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    look.colours = !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
    return look;
}

void put_json(FILE *stream, const char *text)
{
    fputc('"', stream);
    for (const char *at = text; *at; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '"' || c == '\\')
            fprintf(stream, "\\%c", c);
        else if (c < 0x20)
            fprintf(stream, "\\u%04x", c);
        else
            fputc(c, stream);
    }
    fputc('"', stream);
}

int verdict_exit(int verdict)
{
    switch (verdict) {
    case HOMELAB_VERDICT_HEALTHY:
        return CLI_HEALTHY;
    case HOMELAB_VERDICT_DOWN:
        return CLI_DOWN;
    default:
        return CLI_DEGRADED;
    }
}
