#include "core/ctx_private.h"

#include "core/buf.h"
#include "core/options.h"
#include "core/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE_MAX_BYTES 512
#define LEAST_LINES    64 /* also with an empty ring: lines on their way to the callback */

int hl_log_init(homelab_ctx *ctx)
{
    struct hl_log *log = &ctx->log;
    atomic_init(&log->level, HOMELAB_LOG_INFO);
    log->kept = (size_t)hl_opt_int(ctx->opts, HL_OPT_LOG_RING);
    log->capacity = log->kept > LEAST_LINES ? log->kept : LEAST_LINES;
    log->lines = hl_calloc(log->capacity, sizeof *log->lines);
    return log->lines ? HOMELAB_OK : hl_error_nomem();
}

void hl_log_free(homelab_ctx *ctx)
{
    struct hl_log *log = &ctx->log;
    for (size_t i = 0; log->lines && i < log->capacity; i++)
        hl_free(log->lines[i].text);
    hl_free(log->lines);
    log->lines = NULL;
    hl_hook_unref(log->hook);
    log->hook = NULL;
}

static struct hl_log_line *line_at(struct hl_log *log, uint64_t number)
{
    return &log->lines[number % log->capacity];
}

static uint64_t oldest(const struct hl_log *log, size_t count)
{
    return log->next > count ? log->next - count : 0;
}

static void clean(char *text)
{
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
}

static void keep(struct hl_log *log, int64_t wall_us, int level, const char *subsystem,
                 const char *text)
{
    struct hl_log_line *line = line_at(log, log->next);
    size_t size = strlen(text) + 1;
    if (line->capacity < size) {
        char *grown = hl_realloc(line->text, size);
        if (!grown) {
            log->lost++;
            return;
        }
        line->text = grown;
        line->capacity = size;
    }
    memcpy(line->text, text, size);
    line->wall_us = wall_us;
    line->level = level;
    line->subsystem = subsystem;
    log->next++;
    if (!log->hook)
        log->undelivered = log->next;
    if (log->next - log->undelivered > log->capacity) {
        log->undelivered++;
        log->lost++;
    }
}

void hl_log(homelab_ctx *ctx, int level, const char *subsystem, const char *format, ...)
{
    if (!ctx || level > atomic_load_explicit(&ctx->log.level, memory_order_relaxed))
        return;
    char text[LINE_MAX_BYTES + 4];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    text[hl_utf8_cut(text, strlen(text), LINE_MAX_BYTES - 1)] = '\0';
    clean(text);
    hl_ctx_lock(ctx);
    keep(&ctx->log, hl_clock_wall(&ctx->clock), level, subsystem, text);
    hl_ctx_unlock(ctx);
}

/* --- Delivery --- */

bool hl_log_due(const homelab_ctx *ctx)
{
    const struct hl_log *log = &ctx->log;
    return log->hook && log->undelivered < log->next;
}

struct delivery {
    struct hl_hook *hook;
    int level;
    const char *subsystem;
    char text[LINE_MAX_BYTES];
};

/* Takes the next line below `until` that the callback wants. False without one. */
static bool take(homelab_ctx *ctx, uint64_t until, struct delivery *out)
{
    struct hl_log *log = &ctx->log;
    bool found = false;
    hl_ctx_lock(ctx);
    while (!found && log->hook && log->undelivered < until) {
        const struct hl_log_line *line = line_at(log, log->undelivered++);
        if (line->level > log->wanted)
            continue;
        found = true;
        out->hook = hl_hook_ref(log->hook);
        out->level = line->level;
        out->subsystem = line->subsystem;
        memcpy(out->text, line->text, strlen(line->text) + 1);
    }
    if (!found && log->hook && log->lost && HOMELAB_LOG_WARN <= log->wanted) {
        found = true;
        out->hook = hl_hook_ref(log->hook);
        out->level = HOMELAB_LOG_WARN;
        out->subsystem = "log";
        snprintf(out->text, sizeof out->text, "%llu lines were lost",
                 (unsigned long long)log->lost);
        log->lost = 0;
    }
    hl_ctx_unlock(ctx);
    return found;
}

void hl_log_deliver(homelab_ctx *ctx)
{
    hl_ctx_lock(ctx);
    uint64_t until = ctx->log.next; /* lines that the callback causes wait for the next dispatch */
    hl_ctx_unlock(ctx);
    struct delivery line;
    while (take(ctx, until, &line)) {
        line.hook->fn.log(line.level, line.subsystem, line.text, line.hook->userdata);
        hl_hook_unref(line.hook);
    }
}

/* --- Public --- */

int homelab_ctx_set_log(homelab_ctx *ctx, int level, homelab_log_fn fn, void *userdata,
                        homelab_destroy_fn destroy)
{
    HL_API(hl_ctx_allocator(ctx));
    struct hl_hook hook = {.fn.log = fn, .userdata = userdata, .destroy = destroy};
    int code = hl_hook_set(ctx, ctx ? &ctx->log.hook : NULL, &hook, fn != NULL);
    if (code || !ctx)
        return code;
    hl_ctx_lock(ctx);
    ctx->log.wanted = fn ? level : HOMELAB_LOG_OFF;
    atomic_store(&ctx->log.level,
                 ctx->log.wanted > HOMELAB_LOG_INFO ? ctx->log.wanted : HOMELAB_LOG_INFO);
    hl_ctx_unlock(ctx);
    return HOMELAB_OK;
}

static const char *level_name(int level)
{
    if (level <= HOMELAB_LOG_ERROR)
        return "error";
    if (level <= HOMELAB_LOG_WARN)
        return "warn";
    return level <= HOMELAB_LOG_INFO ? "info" : "debug";
}

static void put_line(struct hl_buf *text, const struct hl_log_line *line)
{
    char second[32];
    struct tm parts;
    time_t time = (time_t)(line->wall_us / 1000000);
    if (!gmtime_r(&time, &parts) || !strftime(second, sizeof second, "%Y-%m-%dT%H:%M:%S", &parts))
        second[0] = '\0';
    hl_buf_printf(text, "%s.%03dZ %s %s: %s\n", second, (int)(line->wall_us / 1000 % 1000),
                  level_name(line->level), line->subsystem, line->text);
}

char *homelab_ctx_log_text(homelab_ctx *ctx)
{
    HL_API(hl_ctx_allocator(ctx));
    if (!ctx || hl_ctx_forked(ctx)) {
        hl_ctx_check(ctx);
        return NULL;
    }
    struct hl_buf text;
    hl_ctx_lock(ctx);
    hl_buf_init(&text, ctx->log.capacity * (LINE_MAX_BYTES + 64));
    for (uint64_t i = oldest(&ctx->log, ctx->log.kept); i < ctx->log.next; i++)
        put_line(&text, line_at(&ctx->log, i));
    hl_ctx_unlock(ctx);
    return hl_buf_take(&text);
}
