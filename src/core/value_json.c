/* Strict JSON through YAJL, which decides what is well-formed. Around it: positions (YAJL tells
 * offsets only), the checks that it leaves out (UTF-8, control characters as white space, lone
 * surrogates, U+0000), and messages that name what was found and expected. See
 * docs/decisions/0010-json-reader.md. */
#include "core/alloc.h"
#include "core/error.h"
#include "core/utf8.h"
#include "core/value_reader.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <yajl/yajl_parse.h>

/* YAJL does not check what its allocator returns, so the allocator does not return on failure. It
 * jumps out of YAJL, which holds nothing but the blocks listed here. */
struct block {
    struct block *next, *before;
    _Alignas(max_align_t) unsigned char data[];
};

enum expect {
    EXPECT_VALUE,       /* the document, or after ',' in a list, or after ':' */
    EXPECT_FIRST_VALUE, /* or ']' */
    EXPECT_FIRST_KEY,   /* or '}' */
    EXPECT_SEPARATOR,   /* after a value */
    EXPECT_COLON,       /* after a key */
};

struct json {
    struct hl_value_reader reader;
    const char *text, *end;
    const char *at; /* end of the last token told by YAJL */
    const char *counted;
    struct hl_position position; /* of counted */
    enum expect expect;
    struct block *blocks;
    jmp_buf nomem;
};

static void *json_malloc(void *context, size_t size)
{
    struct json *json = context;
    struct block *block = size > SIZE_MAX - sizeof *block ? NULL : hl_malloc(sizeof *block + size);
    if (!block)
        longjmp(json->nomem, 1);
    block->before = NULL;
    block->next = json->blocks;
    if (block->next)
        block->next->before = block;
    json->blocks = block;
    return block->data;
}

static struct block *block_of(void *data)
{
    return (struct block *)((unsigned char *)data - offsetof(struct block, data));
}

static void *json_realloc(void *context, void *data, size_t size)
{
    struct json *json = context;
    if (!data)
        return json_malloc(context, size);
    struct block *grown =
        size > SIZE_MAX - sizeof *grown ? NULL : hl_realloc(block_of(data), sizeof *grown + size);
    if (!grown)
        longjmp(json->nomem, 1);
    if (grown->next)
        grown->next->before = grown;
    if (grown->before)
        grown->before->next = grown;
    else
        json->blocks = grown;
    return grown->data;
}

static void json_free(void *context, void *data)
{
    struct json *json = context;
    if (!data)
        return;
    struct block *block = block_of(data);
    if (block->next)
        block->next->before = block->before;
    if (block->before)
        block->before->next = block->next;
    else
        json->blocks = block->next;
    hl_free(block);
}

static void free_blocks(struct json *json)
{
    while (json->blocks) {
        struct block *next = json->blocks->next;
        hl_free(json->blocks);
        json->blocks = next;
    }
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_space(const struct json *json, const char *at)
{
    while (at < json->end && is_space(*at))
        at++;
    return at;
}

static struct hl_position position_of(struct json *json, const char *at)
{
    json->position = hl_position_advance(json->position, json->counted, at);
    json->counted = at;
    return json->position;
}

/* Start of the token after the last one. Separators are not told by YAJL, so the one that is due
 * here is skipped. */
static const char *next_token(struct json *json)
{
    const char *at = skip_space(json, json->at);
    if (at == json->end)
        return at;
    bool colon = json->expect == EXPECT_COLON && *at == ':';
    bool comma = json->expect == EXPECT_SEPARATOR && *at == ',' && json->reader.depth;
    if (!colon && !comma)
        return at;
    if (comma && hl_reader_container(&json->reader)->type == HL_VALUE_MAP)
        json->expect = EXPECT_FIRST_KEY;
    else
        json->expect = EXPECT_VALUE;
    json->at = at + 1;
    return skip_space(json, json->at);
}

static void end_token(struct json *json, const char *end, enum expect expect)
{
    json->at = end;
    json->expect = expect;
}

static int json_null(void *context)
{
    struct json *json = context;
    const char *start = next_token(json);
    bool more = hl_reader_null(&json->reader, position_of(json, start));
    end_token(json, start + 4, EXPECT_SEPARATOR);
    return more;
}

static int json_boolean(void *context, int value)
{
    struct json *json = context;
    const char *start = next_token(json);
    bool more = hl_reader_bool(&json->reader, position_of(json, start), value != 0);
    end_token(json, start + (value ? 4 : 5), EXPECT_SEPARATOR);
    return more;
}

static int json_number(void *context, const char *number, size_t length)
{
    struct json *json = context;
    const char *start = next_token(json);
    bool more = hl_reader_number(&json->reader, position_of(json, start), number, length);
    end_token(json, start + length, EXPECT_SEPARATOR);
    return more;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Value of the \uXXXX at `at`, or -1. */
static int escaped_unit(const char *at, const char *end)
{
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    int unit = 0;
    for (int i = 2; i < 6; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Goes through a string that YAJL took, from its opening quote; returns the end, behind the closing
 * one, or NULL with *wrong at an escape that stands for no character of a text. YAJL would decode
 * lone surrogates to '?'. */
static const char *check_string(const char *start, const char *end, const char **wrong)
{
    const char *at = start + 1;
    while (at < end && *at != '"') {
        if (*at != '\\') {
            at++;
            continue;
        }
        int unit = escaped_unit(at, end);
        int low = unit >= 0xD800 && unit <= 0xDBFF ? escaped_unit(at + 6, end) : -1;
        bool pair = low >= 0xDC00 && low <= 0xDFFF;
        if (unit == 0 || (unit >= 0xD800 && unit <= 0xDFFF && !pair)) {
            *wrong = at;
            return NULL;
        }
        at += pair ? 12 : unit >= 0 ? 6 : 2;
    }
    return at + 1;
}

static bool refuse_escape(struct json *json, const char *wrong)
{
    return hl_reader_fail(&json->reader, HOMELAB_E_SYNTAX, position_of(json, wrong),
                          "found the escape '%.6s', expected %s", wrong,
                          escaped_unit(wrong, json->end) ? "a pair of surrogates"
                                                         : "a text without U+0000");
}

static int json_string(void *context, const unsigned char *text, size_t length)
{
    struct json *json = context;
    const char *start = next_token(json);
    struct hl_position position = position_of(json, start);
    const char *wrong = NULL;
    const char *end = check_string(start, json->end, &wrong);
    if (!end)
        return refuse_escape(json, wrong);
    end_token(json, end, EXPECT_SEPARATOR);
    return hl_reader_string(&json->reader, position, (const char *)text, length);
}

static int json_key(void *context, const unsigned char *text, size_t length)
{
    struct json *json = context;
    const char *start = next_token(json);
    struct hl_position position = position_of(json, start);
    const char *wrong = NULL;
    const char *end = check_string(start, json->end, &wrong);
    if (!end)
        return refuse_escape(json, wrong);
    end_token(json, end, EXPECT_COLON);
    return hl_reader_key(&json->reader, position, (const char *)text, length);
}

static int json_start_map(void *context)
{
    struct json *json = context;
    const char *start = next_token(json);
    bool more = hl_reader_open(&json->reader, position_of(json, start), HL_VALUE_MAP);
    end_token(json, start + 1, EXPECT_FIRST_KEY);
    return more;
}

static int json_start_array(void *context)
{
    struct json *json = context;
    const char *start = next_token(json);
    bool more = hl_reader_open(&json->reader, position_of(json, start), HL_VALUE_LIST);
    end_token(json, start + 1, EXPECT_FIRST_VALUE);
    return more;
}

static int json_end(void *context)
{
    struct json *json = context;
    const char *start = skip_space(json, json->at);
    bool more = hl_reader_close(&json->reader);
    end_token(json, start + 1, EXPECT_SEPARATOR);
    return more;
}

static const char *expected(const struct json *json)
{
    const struct hl_value *container = hl_reader_container(&json->reader);
    switch (json->expect) {
    case EXPECT_VALUE:
        return "a value";
    case EXPECT_FIRST_VALUE:
        return "a value or ']'";
    case EXPECT_FIRST_KEY:
        /* After a comma a closing brace is what JSON does not have. */
        return json->at[-1] == ',' ? "a key in double quotes" : "a key in double quotes or '}'";
    case EXPECT_COLON:
        return "':'";
    case EXPECT_SEPARATOR:
        break;
    }
    if (!container)
        return "the end of the text";
    return container->type == HL_VALUE_MAP ? "',' or '}'" : "',' or ']'";
}

static bool fail(struct json *json, const char *at, const char *found, const char *wanted)
{
    return hl_reader_fail(&json->reader, HOMELAB_E_SYNTAX, position_of(json, at),
                          "found %s, expected %s", found, wanted);
}

/* Something inside a string is wrong; which starts at its opening quote. */
static bool fail_in_string(struct json *json, const char *start)
{
    const char *at = start + 1;
    for (; at < json->end && *at != '"'; at++) {
        char found[64];
        if ((unsigned char)*at < 0x20) {
            snprintf(found, sizeof found, "the control character U+%04X in a string",
                     (unsigned)(unsigned char)*at);
            return fail(json, at, *at == '\n' || *at == '\r' ? "a line break in a string" : found,
                        "an escape such as \\n");
        }
        if (*at != '\\')
            continue;
        if (at + 1 == json->end)
            break;
        size_t step = hl_utf8_sequence(at + 1, (size_t)(json->end - at - 1));
        if (at[1] == 'u' && escaped_unit(at, json->end) < 0)
            return fail(json, at, "an unfinished escape '\\u'", "four hexadecimal digits after it");
        if (!strchr("\"\\/bfnrtu", at[1])) {
            snprintf(found, sizeof found, "the escape '\\%.*s'",
                     (unsigned char)at[1] < 0x20 ? 0 : (int)step, at + 1);
            return fail(json, at, found, "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
        }
        at++;
    }
    return fail(json, start, "a string without an end", "'\"' behind it");
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '+' || c == '-' || (unsigned char)c >= 0x80;
}

/* Text without quotes may be a secret: only words that are none are repeated. */
static const char *describe_word(const char *start, size_t length)
{
    static const char *const words[][2] = {
        {"True", "'True'"},   {"False", "'False'"},         {"None", "'None'"},
        {"NaN", "'NaN'"},     {"Infinity", "'Infinity'"},   {"-Infinity", "'-Infinity'"},
        {"null", "'null'"},   {"undefined", "'undefined'"}, {"true", "'true'"},
        {"false", "'false'"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i][0]) == length && memcmp(words[i][0], start, length) == 0)
            return words[i][1];
    if (!strchr("+-.0123456789", *start))
        return "text without quotes";
    double number;
    char copy[64];
    snprintf(copy, sizeof copy, "%.*s", (int)(length < sizeof copy ? length : 0), start);
    return hl_value_number(copy, &number) ? "a number" : "a malformed number";
}

/* YAJL refused what starts here. */
static bool fail_at_token(struct json *json)
{
    const char *start = next_token(json);
    const char *wanted = expected(json);
    bool value_due = json->expect == EXPECT_VALUE || json->expect == EXPECT_FIRST_VALUE;
    if (start == json->end)
        return fail(json, start, "the end of the text", wanted);
    if (*start == '"' && (value_due || json->expect == EXPECT_FIRST_KEY))
        return fail_in_string(json, start);
    char found[32];
    if (is_word(*start)) {
        const char *end = start;
        while (end < json->end && is_word(*end))
            end++;
        bool glued = start == json->at && start > json->text && is_word(start[-1]);
        return fail(json, start,
                    glued ? "a malformed value" : describe_word(start, (size_t)(end - start)),
                    wanted);
    }
    if (*start == '/')
        return fail(json, start, "'/' (JSON has no comments)", wanted);
    if (*start == '\'')
        return fail(json, start, "a single quote", wanted);
    if ((unsigned char)*start < 0x20)
        snprintf(found, sizeof found, "the character U+%04X", (unsigned)(unsigned char)*start);
    else
        snprintf(found, sizeof found, "'%c'", *start);
    return fail(json, start, *start == '"' ? "a string" : found, wanted);
}

static void run_yajl(struct json *json)
{
    static const yajl_callbacks callbacks = {
        .yajl_null = json_null,
        .yajl_boolean = json_boolean,
        .yajl_number = json_number,
        .yajl_string = json_string,
        .yajl_start_map = json_start_map,
        .yajl_map_key = json_key,
        .yajl_end_map = json_end,
        .yajl_start_array = json_start_array,
        .yajl_end_array = json_end,
    };
    yajl_alloc_funcs functions = {json_malloc, json_realloc, json_free, json};
    if (setjmp(json->nomem)) {
        hl_reader_nomem(&json->reader);
        return;
    }
    yajl_handle handle = yajl_alloc(&callbacks, &functions, json);
    yajl_status status =
        yajl_parse(handle, (const unsigned char *)json->text, (size_t)(json->end - json->text));
    if (status == yajl_status_ok)
        status = yajl_complete_parse(handle);
    yajl_free(handle);
    if (status != yajl_status_ok && !json->reader.error)
        fail_at_token(json);
}

/* YAJL takes form feed and vertical tab for white space. */
static bool check_controls(struct json *json)
{
    for (const char *at = json->text; at < json->end; at++) {
        if (*at != '\f' && *at != '\v')
            continue;
        struct hl_position start = {1, 1};
        return hl_reader_fail(
            &json->reader, HOMELAB_E_SYNTAX, hl_position_advance(start, json->text, at),
            "found the character U+%04X, expected a space, tab or line break", (unsigned)*at);
    }
    return true;
}

static bool check_text(struct json *json, size_t length)
{
    if (!hl_reader_check_text(&json->reader, json->text, length))
        return false;
    if (length >= 3 && memcmp(json->text, "\xEF\xBB\xBF", 3) == 0)
        return fail(json, json->text, "a byte order mark", "UTF-8 without one");
    return check_controls(json);
}

int hl_value_read_json(struct hl_value **out, const char *text, size_t length, int max_depth,
                       hl_problem_fn fn, void *userdata)
{
    struct json json = {.text = text, .end = text + length, .at = text, .counted = text};
    json.position = (struct hl_position){1, 1};
    int error = hl_reader_init(&json.reader, max_depth, fn, userdata);
    if (error)
        return error;
    if (check_text(&json, length))
        run_yajl(&json);
    free_blocks(&json);
    return hl_reader_finish(&json.reader, out);
}
