#include "core/event_private.h"

#include "core/buf.h"
#include "core/ctx_private.h"
#include "core/options.h"
#include "core/utf8.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define SUBJECT_MAX 512
#define TEXT_MAX    1024
#define JSON_MAX    16384

static homelab_event *make(homelab_ctx *ctx, int type, size_t extra)
{
    homelab_event *event = hl_calloc(1, sizeof *event + extra);
    if (!event)
        return NULL;
    atomic_init(&event->refs, 1);
    event->allocator = ctx->allocator;
    event->type = type;
    event->subject = event->text = "";
    return event;
}

homelab_event *hl_event_make(homelab_ctx *ctx, int type)
{
    return make(ctx, type, 0);
}

/* Copies text behind the event, cut at max, and moves *at on. */
static const char *put(char **at, const char *text, size_t length)
{
    char *copy = *at;
    memcpy(copy, text, length);
    copy[length] = '\0';
    *at += length + 1;
    return copy;
}

static homelab_event *from_fields(homelab_ctx *ctx, const struct hl_event_fields *fields)
{
    const char *subject = fields->subject ? fields->subject : "";
    const char *text = fields->text ? fields->text : "";
    size_t subject_length = hl_utf8_cut(subject, strlen(subject), SUBJECT_MAX);
    size_t text_length = hl_utf8_cut(text, strlen(text), TEXT_MAX);
    homelab_event *event = make(ctx, fields->type, subject_length + text_length + 2);
    if (!event)
        return NULL;
    char *at = (char *)(event + 1);
    event->subject = put(&at, subject, subject_length);
    event->text = put(&at, text, text_length);
    event->generation = fields->generation;
    event->before = fields->before;
    event->after = fields->after;
    event->cause = fields->cause;
    event->before_name = fields->before_name;
    event->after_name = fields->after_name;
    event->cause_name = fields->cause_name;
    return event;
}

/* --- The queue --- */

int hl_events_init(homelab_ctx *ctx)
{
    ctx->events.overflow = hl_event_make(ctx, HOMELAB_EVENT_OVERFLOW);
    return ctx->events.overflow ? HOMELAB_OK : hl_error_nomem();
}

static homelab_event *pop(struct hl_event_list *list)
{
    homelab_event *event = list->first;
    list->first = event->next;
    if (!list->first)
        list->last = NULL;
    list->count--;
    list->limited -= event->limited;
    list->data_bytes -= event->data_length;
    event->next = NULL;
    return event;
}

void hl_events_free(homelab_ctx *ctx)
{
    while (ctx->events.first)
        homelab_event_unref(pop(&ctx->events));
    homelab_event_unref(ctx->events.overflow);
    ctx->events.overflow = NULL;
}

size_t hl_events_waiting(const homelab_ctx *ctx)
{
    return ctx->events.count + (ctx->events.dropped > 0);
}

void hl_event_append(homelab_ctx *ctx, homelab_event *event)
{
    struct hl_event_list *list = &ctx->events;
    event->time_us = hl_clock_wall(&ctx->clock);
    event->number = list->next_number++;
    *(list->last ? &list->last->next : &list->first) = event;
    list->last = event;
    list->count++;
    list->limited += event->limited;
    ctx->counters.events++;
}

static void drop(homelab_ctx *ctx)
{
    struct hl_event_list *list = &ctx->events;
    if (list->dropped++ == 0)
        list->dropped_after = list->next_number;
    ctx->counters.events_dropped++;
}

void hl_event_queue(homelab_ctx *ctx, const struct hl_event_fields *fields)
{
    size_t cap = (size_t)hl_opt_int(ctx->opts, HL_OPT_QUEUE_EVENTS);
    homelab_event *event = ctx->events.limited < cap ? from_fields(ctx, fields) : NULL;
    if (!event) {
        drop(ctx);
        return;
    }
    event->limited = true;
    hl_event_append(ctx, event);
}

int hl_event_queue_data(homelab_ctx *ctx, homelab_op *op, const struct hl_event_fields *fields,
                        const char *data, size_t length)
{
    const char *subject = fields->subject ? fields->subject : "";
    const char *text = fields->text ? fields->text : "";
    size_t subject_length = hl_utf8_cut(subject, strlen(subject), SUBJECT_MAX);
    size_t text_length = hl_utf8_cut(text, strlen(text), TEXT_MAX);
    homelab_event *event = make(ctx, fields->type, subject_length + text_length + length + 3);
    if (!event)
        return hl_error_nomem();
    char *at = (char *)(event + 1);
    event->subject = put(&at, subject, subject_length);
    event->text = put(&at, text, text_length);
    event->data = put(&at, data, length);
    event->data_length = length;
    event->before = fields->before;
    event->after = fields->after;
    event->op = homelab_op_ref(op);
    ctx->events.data_bytes += length;
    hl_event_append(ctx, event);
    return HOMELAB_OK;
}

size_t hl_event_data_waiting(const homelab_ctx *ctx)
{
    return ctx->events.data_bytes;
}

void hl_event_on_data_taken(homelab_ctx *ctx, struct hl_task *task)
{
    ctx->events.data_taken = task;
}

/* The event that tells of a loss, where it is its turn and there is memory for it. */
static homelab_event *take_overflow(homelab_ctx *ctx)
{
    struct hl_event_list *list = &ctx->events;
    if (!list->dropped || (list->first && list->first->number < list->dropped_after))
        return NULL;
    homelab_event *event = list->overflow;
    list->overflow = NULL;
    if (!event)
        event = hl_event_make(ctx, HOMELAB_EVENT_OVERFLOW);
    if (!event)
        return NULL;
    event->time_us = hl_clock_wall(&ctx->clock);
    event->after = list->dropped > INT_MAX ? INT_MAX : (int)list->dropped;
    list->dropped = 0;
    return event;
}

static homelab_event *take(homelab_ctx *ctx)
{
    struct hl_event_list *list = &ctx->events;
    homelab_event *event = take_overflow(ctx);
    if (event)
        return event;
    /* Kept in reserve, so that the next loss can be told also when memory is short then. */
    if (!list->overflow)
        list->overflow = hl_event_make(ctx, HOMELAB_EVENT_OVERFLOW);
    return list->first ? pop(list) : NULL;
}

int homelab_ctx_next_event(homelab_ctx *ctx, homelab_event **out)
{
    HL_API(hl_ctx_allocator(ctx));
    if (!out)
        return hl_error_argument("out", "a place for the result");
    int code = hl_ctx_check(ctx);
    if (code && code != HOMELAB_E_CLOSED)
        return code;
    hl_error_clear();
    hl_ctx_lock(ctx);
    homelab_event *event = take(ctx);
    if (event && event->data_length && ctx->events.data_taken)
        hl_loop_post(ctx->loop, ctx->events.data_taken);
    bool short_of_memory = !event && hl_events_waiting(ctx) > 0;
    hl_ctx_unlock(ctx);
    if (short_of_memory)
        return hl_error_nomem();
    if (!event)
        return 0;
    *out = event;
    return 1;
}

/* --- Public --- */

homelab_event *homelab_event_ref(homelab_event *event)
{
    if (event)
        atomic_fetch_add(&event->refs, 1);
    return event;
}

void homelab_event_unref(homelab_event *event)
{
    if (!event || atomic_fetch_sub(&event->refs, 1) != 1)
        return;
    homelab_op_unref(event->op);
    hl_free(event);
}

int homelab_event_type(const homelab_event *event)
{
    return event ? event->type : 0;
}

int64_t homelab_event_time_us(const homelab_event *event)
{
    return event ? event->time_us : 0;
}

int64_t homelab_event_generation(const homelab_event *event)
{
    return event ? event->generation : 0;
}

const char *homelab_event_subject(const homelab_event *event)
{
    return event ? event->subject : NULL;
}

int homelab_event_before(const homelab_event *event)
{
    return event ? event->before : 0;
}

int homelab_event_after(const homelab_event *event)
{
    return event ? event->after : 0;
}

int homelab_event_cause(const homelab_event *event)
{
    return event ? event->cause : 0;
}

const char *homelab_event_text(const homelab_event *event)
{
    return event ? event->text : NULL;
}

const char *homelab_event_data(const homelab_event *event)
{
    if (!event)
        return NULL;
    return event->data ? event->data : "";
}

size_t homelab_event_data_length(const homelab_event *event)
{
    return event ? event->data_length : 0;
}

homelab_op *homelab_event_op(const homelab_event *event)
{
    return event ? event->op : NULL;
}

static const char *type_name(int type)
{
    switch (type) {
    case HOMELAB_EVENT_OVERFLOW:
        return "overflow";
    case HOMELAB_EVENT_OP_DONE:
        return "op-done";
    case HOMELAB_EVENT_ENDPOINT:
        return "endpoint";
    case HOMELAB_EVENT_TIER:
        return "tier";
    case HOMELAB_EVENT_PROGNOSIS:
        return "prognosis";
    case HOMELAB_EVENT_CAPABILITY:
        return "capability";
    case HOMELAB_EVENT_INVENTORY:
        return "inventory";
    case HOMELAB_EVENT_ANSWER:
        return "answer";
    case HOMELAB_EVENT_ATTEMPT:
        return "attempt";
    default:
        return "unknown";
    }
}

static void put_value(struct hl_buf *buf, const char *key, int value, const char *name)
{
    hl_buf_printf(buf, ",\"%s\":", key);
    if (name)
        hl_buf_json(buf, name);
    else
        hl_buf_printf(buf, "%d", value);
}

char *homelab_event_json(const homelab_event *event)
{
    HL_API(event ? event->allocator : NULL);
    if (!event) {
        hl_error_argument("event", "an event");
        return NULL;
    }
    struct hl_buf buf;
    hl_buf_init(&buf, JSON_MAX);
    hl_buf_printf(&buf, "{\"schema\":1,\"type\":\"%s\",\"time_us\":%" PRId64,
                  type_name(event->type), event->time_us);
    hl_buf_printf(&buf, ",\"generation\":%" PRId64 ",\"subject\":", event->generation);
    hl_buf_json(&buf, event->subject);
    put_value(&buf, "before", event->before, event->before_name);
    put_value(&buf, "after", event->after, event->after_name);
    put_value(&buf, "cause", event->cause, event->cause_name);
    hl_buf_puts(&buf, ",\"text\":");
    hl_buf_json(&buf, event->text);
    hl_buf_puts(&buf, "}");
    return hl_buf_take(&buf);
}
