#include "core/alloc.h"
#include "core/error.h"
#include "core/value.h"

#include <string.h>
#include <yaml.h>

static void indent(struct hl_buf *buf, size_t depth)
{
    hl_buf_putc(buf, '\n');
    for (size_t i = 0; i < depth; i++)
        hl_buf_puts(buf, "  ");
}

static bool is_container(const struct hl_value *value)
{
    return value->type == HL_VALUE_LIST || value->type == HL_VALUE_MAP;
}

/* Lists of scalars stand in one line. */
static bool is_flat(const struct hl_value *value)
{
    if (value->type != HL_VALUE_LIST)
        return false;
    for (size_t i = 0; i < value->count; i++)
        if (is_container(value->items[i]))
            return false;
    return true;
}

static void put_json(struct hl_buf *buf, const struct hl_value *value, size_t depth);

static void put_json_items(struct hl_buf *buf, const struct hl_value *value, size_t depth)
{
    bool map = value->type == HL_VALUE_MAP;
    bool flat = is_flat(value);
    hl_buf_putc(buf, map ? '{' : '[');
    for (size_t i = 0; i < value->count; i++) {
        if (i)
            hl_buf_puts(buf, flat ? ", " : ",");
        if (!flat)
            indent(buf, depth + 1);
        if (map) {
            hl_buf_json(buf, value->items[i]->key);
            hl_buf_puts(buf, ": ");
        }
        put_json(buf, value->items[i], depth + 1);
    }
    if (value->count && !flat)
        indent(buf, depth);
    hl_buf_putc(buf, map ? '}' : ']');
}

static void put_json(struct hl_buf *buf, const struct hl_value *value, size_t depth)
{
    switch (value->type) {
    case HL_VALUE_NULL:
        hl_buf_puts(buf, "null");
        break;
    case HL_VALUE_BOOL:
        hl_buf_puts(buf, value->boolean ? "true" : "false");
        break;
    case HL_VALUE_NUMBER:
        hl_buf_puts(buf, value->text);
        break;
    case HL_VALUE_STRING:
        hl_buf_json(buf, value->text);
        break;
    case HL_VALUE_LIST:
    case HL_VALUE_MAP:
        put_json_items(buf, value, depth);
        break;
    }
}

char *hl_value_write_json(const struct hl_value *value)
{
    struct hl_buf buf;
    hl_buf_init(&buf, HL_VALUE_MAX_TEXT);
    put_json(&buf, value, 0);
    hl_buf_putc(&buf, '\n');
    return hl_buf_take(&buf);
}

static int append(void *buf, unsigned char *text, size_t length)
{
    hl_buf_append(buf, text, length);
    return !((struct hl_buf *)buf)->failed;
}

static bool emit(yaml_emitter_t *emitter, yaml_event_t *event, int made)
{
    /* The emitter takes the event, also when it fails. */
    return made && yaml_emitter_emit(emitter, event);
}

/* Whether a plain scalar of this text reads back as that text. Sure cases only; everything else is
 * quoted. */
static bool plain_safe(const char *text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    static const char safe[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:+@-";
    bool letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
    size_t length = strlen(text);
    if (!letter || text[strspn(text, safe)] || strchr(text, '#') || text[length - 1] == ':')
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(words[i], text) == 0)
            return false;
    return length <= 100;
}

static bool emit_scalar(yaml_emitter_t *emitter, const char *text, bool plain)
{
    yaml_event_t event;
    yaml_scalar_style_t style = plain ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    return emit(emitter, &event,
                yaml_scalar_event_initialize(&event, NULL, NULL, (const unsigned char *)text,
                                             (int)strlen(text), plain, 1, style));
}

static bool emit_value(yaml_emitter_t *emitter, const struct hl_value *value);

static bool emit_items(yaml_emitter_t *emitter, const struct hl_value *value)
{
    yaml_event_t event;
    bool map = value->type == HL_VALUE_MAP;
    int made =
        map ? yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE)
            : yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                                   is_flat(value) ? YAML_FLOW_SEQUENCE_STYLE
                                                                  : YAML_BLOCK_SEQUENCE_STYLE);
    if (!emit(emitter, &event, made))
        return false;
    for (size_t i = 0; i < value->count; i++) {
        const struct hl_value *item = value->items[i];
        if (map && !emit_scalar(emitter, item->key, plain_safe(item->key)))
            return false;
        if (!emit_value(emitter, item))
            return false;
    }
    made = map ? yaml_mapping_end_event_initialize(&event)
               : yaml_sequence_end_event_initialize(&event);
    return emit(emitter, &event, made);
}

static bool emit_value(yaml_emitter_t *emitter, const struct hl_value *value)
{
    switch (value->type) {
    case HL_VALUE_NULL:
        return emit_scalar(emitter, "null", true);
    case HL_VALUE_BOOL:
        return emit_scalar(emitter, value->boolean ? "true" : "false", true);
    case HL_VALUE_NUMBER:
        return emit_scalar(emitter, value->text, true);
    case HL_VALUE_STRING:
        return emit_scalar(emitter, value->text, plain_safe(value->text));
    case HL_VALUE_LIST:
    case HL_VALUE_MAP:
        break;
    }
    return emit_items(emitter, value);
}

static bool emit_document(yaml_emitter_t *emitter, const struct hl_value *value)
{
    yaml_event_t event;
    return emit(emitter, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)) &&
           emit(emitter, &event,
                yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1)) &&
           emit_value(emitter, value) &&
           emit(emitter, &event, yaml_document_end_event_initialize(&event, 1)) &&
           emit(emitter, &event, yaml_stream_end_event_initialize(&event));
}

char *hl_value_write_yaml(const struct hl_value *value)
{
    struct hl_buf buf;
    hl_buf_init(&buf, HL_VALUE_MAX_TEXT);
    yaml_emitter_t emitter;
    if (!yaml_emitter_initialize(&emitter)) {
        hl_error_nomem();
        return NULL;
    }
    yaml_emitter_set_output(&emitter, append, &buf);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    bool written = emit_document(&emitter, value);
    /* What the sink refused stands in the buffer; anything else is the emitter's memory. */
    if (!written && !buf.failed)
        buf.failed = HOMELAB_E_NOMEM;
    yaml_emitter_delete(&emitter);
    return hl_buf_take(&buf);
}
