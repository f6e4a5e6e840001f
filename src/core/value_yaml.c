/* YAML through libyaml's events. Kept to what an inventory needs: one document of mappings with
 * text keys, sequences and scalars. Aliases, anchors and tags are refused, so that nothing in a
 * file is larger or of another kind than it looks.
 *
 * A plain scalar is null (`null`, `Null`, `NULL`, `~`, nothing), a boolean (`true`, `True`, `TRUE`
 * and the like for false; not yes, no, on, off), a number as JSON writes it, else text: 012, 0x1F,
 * 1_000, 12:30 and .5 are texts. Quoted and block scalars are texts. */
#include "core/error.h"
#include "core/value_reader.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct yaml {
    struct hl_value_reader reader;
    yaml_parser_t parser;
    const char *text;
    size_t length;
    bool document; /* one was there */
};

static struct hl_position position_of(yaml_mark_t mark)
{
    return (struct hl_position){(int)mark.line + 1, (int)mark.column + 1};
}

static bool refuse(struct yaml *yaml, yaml_mark_t mark, const char *found, const char *wanted)
{
    return hl_reader_fail(&yaml->reader, HOMELAB_E_SYNTAX, position_of(mark),
                          "found %s, expected %s", found, wanted);
}

static bool is_word(const char *text, size_t length, const char *lower)
{
    size_t size = strlen(lower);
    if (length != size)
        return false;
    /* lower, Capital or UPPER, as the core schema has it. */
    bool all_lower = true;
    bool all_upper = true;
    bool capital = true;
    for (size_t i = 0; i < size; i++) {
        char upper = (char)(lower[i] - 'a' + 'A');
        all_lower &= text[i] == lower[i];
        all_upper &= text[i] == upper;
        capital &= text[i] == (i ? lower[i] : upper);
    }
    return all_lower || all_upper || capital;
}

static bool put_plain(struct yaml *yaml, struct hl_position at, const char *text, size_t length)
{
    struct hl_value_reader *reader = &yaml->reader;
    double number;
    if (length == 0 || (length == 1 && *text == '~') || is_word(text, length, "null"))
        return hl_reader_null(reader, at);
    if (is_word(text, length, "true"))
        return hl_reader_bool(reader, at, true);
    if (is_word(text, length, "false"))
        return hl_reader_bool(reader, at, false);
    /* libyaml ends its scalars with a NUL. */
    if (hl_value_number(text, &number))
        return hl_reader_number(reader, at, text, length);
    return hl_reader_string(reader, at, text, length);
}

/* Whether the next node stands where a key does. */
static bool key_due(const struct yaml *yaml)
{
    const struct hl_value *container = hl_reader_container(&yaml->reader);
    return container && container->type == HL_VALUE_MAP && !yaml->reader.keyed;
}

static bool check_node(struct yaml *yaml, const yaml_event_t *event, const void *anchor,
                       const void *tag)
{
    if (anchor)
        return refuse(yaml, event->start_mark, "an anchor", "a value without one");
    if (tag)
        return refuse(yaml, event->start_mark, "a tag", "a value without one");
    if (key_due(yaml) && event->type != YAML_SCALAR_EVENT)
        return refuse(yaml, event->start_mark,
                      event->type == YAML_MAPPING_START_EVENT ? "a mapping as a key"
                                                              : "a list as a key",
                      "a text as a key");
    return true;
}

static bool take_scalar(struct yaml *yaml, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    struct hl_position at = position_of(event->start_mark);
    if (!check_node(yaml, event, event->data.scalar.anchor, event->data.scalar.tag))
        return false;
    if (strlen(text) != length)
        return refuse(yaml, event->start_mark, "the character U+0000", "a text without it");
    if (key_due(yaml))
        return hl_reader_key(&yaml->reader, at, text, length);
    if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return put_plain(yaml, at, text, length);
    return hl_reader_string(&yaml->reader, at, text, length);
}

static bool take_document(struct yaml *yaml, const yaml_event_t *event)
{
    if (yaml->document)
        return refuse(yaml, event->start_mark, "a second document", "the end of the text");
    yaml->document = true;
    if (event->data.document_start.tag_directives.start !=
        event->data.document_start.tag_directives.end)
        return refuse(yaml, event->start_mark, "a %TAG directive", "a document without one");
    return true;
}

static bool take_event(struct yaml *yaml, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return take_document(yaml, event);
    case YAML_ALIAS_EVENT:
        return refuse(yaml, event->start_mark, "an alias", "the value itself");
    case YAML_SCALAR_EVENT:
        return take_scalar(yaml, event);
    case YAML_SEQUENCE_START_EVENT:
        return check_node(yaml, event, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag) &&
               hl_reader_open(&yaml->reader, position_of(event->start_mark), HL_VALUE_LIST);
    case YAML_MAPPING_START_EVENT:
        return check_node(yaml, event, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag) &&
               hl_reader_open(&yaml->reader, position_of(event->start_mark), HL_VALUE_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return hl_reader_close(&yaml->reader);
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return true;
}

/* Characters that YAML does not allow are met by libyaml's reader, which knows their offset in
 * bytes only. */
static bool fail_in_reader(struct yaml *yaml)
{
    size_t offset = yaml->parser.problem_offset;
    if (offset > yaml->length) /* it would be libyaml's slip, but not our crash */
        offset = yaml->length;
    const char *start = yaml->text;
    if (yaml->length >= 3 && memcmp(start, "\xEF\xBB\xBF", 3) == 0 && offset >= 3)
        start += 3;
    struct hl_position at =
        hl_position_advance((struct hl_position){1, 1}, start, yaml->text + offset);
    return hl_reader_fail(
        &yaml->reader, HOMELAB_E_SYNTAX, at,
        "found the character U+%04X, expected printable characters",
        (unsigned)(yaml->parser.problem_value < 0 ? 0 : yaml->parser.problem_value));
}

static bool fail_parser(struct yaml *yaml)
{
    const yaml_parser_t *parser = &yaml->parser;
    switch (parser->error) {
    case YAML_MEMORY_ERROR:
        return hl_reader_nomem(&yaml->reader);
    case YAML_READER_ERROR:
        return fail_in_reader(yaml);
    default:
        break;
    }
    const char *problem = parser->problem ? parser->problem : "malformed text";
    return hl_reader_fail(&yaml->reader, HOMELAB_E_SYNTAX, position_of(parser->problem_mark),
                          "found what is no YAML (%s%s%s), expected YAML 1.1",
                          parser->context ? parser->context : "", parser->context ? ": " : "",
                          problem);
}

static void run_events(struct yaml *yaml)
{
    bool more = true;
    while (more) {
        yaml_event_t event;
        if (!yaml_parser_parse(&yaml->parser, &event)) {
            fail_parser(yaml);
            return;
        }
        more = event.type != YAML_STREAM_END_EVENT && take_event(yaml, &event);
        yaml_event_delete(&event);
    }
    if (!yaml->reader.error && !yaml->reader.root)
        hl_reader_fail(&yaml->reader, HOMELAB_E_SYNTAX, (struct hl_position){1, 1},
                       "found an empty text, expected a value");
}

int hl_value_read_yaml(struct hl_value **out, const char *text, size_t length, int max_depth,
                       hl_problem_fn fn, void *userdata)
{
    struct yaml yaml = {.text = text, .length = length};
    int error = hl_reader_init(&yaml.reader, max_depth, fn, userdata);
    if (error)
        return error;
    if (hl_reader_check_text(&yaml.reader, text, length)) {
        if (!yaml_parser_initialize(&yaml.parser)) {
            hl_reader_nomem(&yaml.reader);
        } else {
            yaml_parser_set_encoding(&yaml.parser, YAML_UTF8_ENCODING);
            yaml_parser_set_input_string(&yaml.parser, (const unsigned char *)text, length);
            run_events(&yaml);
            yaml_parser_delete(&yaml.parser);
        }
    }
    return hl_reader_finish(&yaml.reader, out);
}
