#include "inventory/report.h"

#include "core/api.h"
#include "core/nearest.h"
#include "core/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_QUOTE   80
#define LONGEST_PATH    240
#define LONGEST_STORED  1024
#define LONGEST_MESSAGE 1024

struct problem {
    int line, column;
    size_t index; /* keeps the order of discovery within a position */
    char *path;
    char *message;
};

struct homelab_report {
    char *name;
    struct problem *problems;
    size_t count, capacity, max;
    size_t dropped;
    bool nomem;
};

int hl_report_new(homelab_report **out, const char *name, size_t max)
{
    homelab_report *report = hl_calloc(1, sizeof *report);
    if (!report)
        return hl_error_nomem();
    report->max = max;
    report->name = hl_strdup(name);
    if (!report->name) {
        hl_free(report);
        return hl_error_nomem();
    }
    *out = report;
    return HOMELAB_OK;
}

static void one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7F)
            *text = ' ';
}

static void put_cut(struct hl_buf *buf, const char *text, size_t longest)
{
    size_t length = strlen(text);
    size_t cut = hl_utf8_cut(text, length, longest);
    hl_buf_append(buf, text, cut);
    if (cut < length)
        hl_buf_puts(buf, "…");
}

static void put_place(struct hl_buf *buf, const homelab_report *report, int line, int column,
                      const char *path)
{
    put_cut(buf, report->name, LONGEST_PATH);
    if (line)
        hl_buf_printf(buf, ":%d:%d", line, column);
    hl_buf_puts(buf, ": ");
    if (!*path)
        return;
    put_cut(buf, path, LONGEST_PATH);
    hl_buf_puts(buf, ": ");
}

static void keep(homelab_report *report, int line, int column, char *path, char *message)
{
    bool room = path && message &&
                hl_grow((void **)&report->problems, &report->capacity, report->count,
                        sizeof *report->problems) == HOMELAB_OK;
    if (!room) {
        report->nomem = true;
        hl_free(path);
        hl_free(message);
        return;
    }
    one_line(message);
    report->problems[report->count] = (struct problem){line, column, report->count, path, message};
    report->count++;
}

bool hl_report_full(homelab_report *report)
{
    bool full = report->count >= report->max;
    report->dropped += full;
    return full;
}

void hl_report_add(homelab_report *report, int line, int column, const char *path,
                   const char *format, ...)
{
    if (hl_report_full(report))
        return;
    char text[LONGEST_MESSAGE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof text)
        text[hl_utf8_cut(text, sizeof text - 1, sizeof text - 4)] = '\0';
    struct hl_buf message;
    hl_buf_init(&message, HL_VALUE_MAX_TEXT);
    put_place(&message, report, line, column, path);
    hl_buf_puts(&message, text);
    char *copy = hl_strndup(path, hl_utf8_cut(path, strlen(path), LONGEST_STORED));
    keep(report, line, column, copy, hl_buf_take(&message));
}

void hl_report_nomem(homelab_report *report)
{
    report->nomem = true;
}

static int compare(const void *a, const void *b)
{
    const struct problem *one = a;
    const struct problem *two = b;
    if (one->line != two->line)
        return one->line < two->line ? -1 : 1;
    if (one->column != two->column)
        return one->column < two->column ? -1 : 1;
    return one->index < two->index ? -1 : 1;
}

int hl_report_finish(homelab_report *report)
{
    if (report->count)
        qsort(report->problems, report->count, sizeof *report->problems, compare);
    if (report->dropped) {
        struct hl_buf message;
        hl_buf_init(&message, HL_VALUE_MAX_TEXT);
        put_place(&message, report, 0, 0, "");
        hl_buf_printf(&message, "found %zu more problems", report->dropped);
        keep(report, 0, 0, hl_strdup(""), hl_buf_take(&message));
    }
    return report->nomem ? hl_error_nomem() : HOMELAB_OK;
}

int hl_report_fail(const homelab_report *report, int code)
{
    size_t others = report->count - 1 + (report->dropped ? report->dropped - 1 : 0);
    const char *message = report->problems[0].message;
    if (others == 0)
        return hl_error_set(code, 0, report->name, "%s", message);
    /* The count must not be what is cut off. */
    size_t cut = hl_utf8_cut(message, strlen(message), HL_ERROR_MESSAGE_MAX - 48);
    return hl_error_set(code, 0, report->name, "%.*s (and %zu more)", (int)cut, message, others);
}

void hl_report_quote(struct hl_buf *buf, const char *text)
{
    hl_buf_putc(buf, '\'');
    put_cut(buf, text, LONGEST_QUOTE);
    hl_buf_putc(buf, '\'');
}

void hl_report_describe(struct hl_buf *buf, const struct hl_value *value)
{
    switch (value->type) {
    case HL_VALUE_BOOL:
        hl_buf_puts(buf, value->boolean ? "true" : "false");
        return;
    case HL_VALUE_NUMBER:
        hl_buf_puts(buf, "the number ");
        put_cut(buf, value->text, LONGEST_QUOTE);
        return;
    case HL_VALUE_STRING:
        hl_buf_puts(buf, "the text ");
        hl_report_quote(buf, value->text);
        return;
    case HL_VALUE_NULL:
    case HL_VALUE_LIST:
    case HL_VALUE_MAP:
        break;
    }
    hl_buf_puts(buf, hl_value_type_name(value->type));
}

void hl_report_suggest(struct hl_buf *buf, const char *text, const char *const *names, size_t count)
{
    const char *nearest = hl_nearest(text, names, count);
    if (nearest)
        hl_buf_printf(buf, "; did you mean '%s'?", nearest);
}

void homelab_report_free(homelab_report *report)
{
    if (!report)
        return;
    for (size_t i = 0; i < report->count; i++) {
        hl_free(report->problems[i].path);
        hl_free(report->problems[i].message);
    }
    hl_free(report->problems);
    hl_free(report->name);
    hl_free(report);
}

static const struct problem *problem_at(const homelab_report *report, size_t i)
{
    hl_error_clear();
    return report && i < report->count ? &report->problems[i] : NULL;
}

size_t homelab_report_count(const homelab_report *report)
{
    hl_error_clear();
    return report ? report->count : 0;
}

int homelab_report_line(const homelab_report *report, size_t i)
{
    const struct problem *problem = problem_at(report, i);
    return problem ? problem->line : 0;
}

int homelab_report_column(const homelab_report *report, size_t i)
{
    const struct problem *problem = problem_at(report, i);
    return problem ? problem->column : 0;
}

const char *homelab_report_path(const homelab_report *report, size_t i)
{
    const struct problem *problem = problem_at(report, i);
    return problem ? problem->path : NULL;
}

const char *homelab_report_message(const homelab_report *report, size_t i)
{
    const struct problem *problem = problem_at(report, i);
    return problem ? problem->message : NULL;
}
