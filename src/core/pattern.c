/* Thompson's construction and Pike's machine, without captures. */
#include "core/pattern.h"

#include "core/alloc.h"
#include "core/error.h"

#include <string.h>

#define PROGRAM_MAX 1024
#define RANGES_MAX  512
#define REPEAT_MAX  255
#define DEPTH_MAX   64
/* Bytes that are no UTF-8 become these, which no pattern can name but `.` and negations match. */
#define STRAY       0x110000u

enum operation {
    OP_CHAR,  /* one character within ranges [x, y) */
    OP_ANY,   /* one character */
    OP_SPLIT, /* goes on at x and at y */
    OP_JUMP,  /* goes on at x */
    OP_START,
    OP_END,
    OP_WORD_EDGE,
    OP_MATCH,
};

struct instruction {
    uint8_t operation;
    bool negated;
    uint16_t x, y;
};

struct range {
    uint32_t from, to; /* both included */
};

struct hl_pattern {
    bool fold;
    uint16_t count, range_count;
    struct instruction program[PROGRAM_MAX + 1]; /* the last one only while a pattern is too long */
    struct range ranges[RANGES_MAX];
};

/* --- Characters --- */

/* Reads one character; a byte that begins none is a stray of its own. */
static uint32_t next_character(const char *text, size_t length, size_t *at)
{
    const unsigned char *bytes = (const unsigned char *)text + *at;
    size_t left = length - *at;
    uint32_t first = bytes[0];
    size_t more = first < 0x80 ? 0 : first >> 5 == 6 ? 1 : first >> 4 == 14 ? 2 : 3;
    (*at)++;
    if (more == 0)
        return first;
    if (first < 0xc2 || first > 0xf4 || left <= more)
        return STRAY + first;
    uint32_t character = first & (0x3fu >> more);
    for (size_t i = 1; i <= more; i++) {
        if (bytes[i] >> 6 != 2)
            return STRAY + first;
        character = character << 6 | (bytes[i] & 0x3fu);
    }
    *at += more;
    return character;
}

static bool is_word(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static uint32_t other_case(uint32_t c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return c ^ 0x20;
    return c;
}

/* --- Compiling --- */

struct parser {
    struct hl_pattern *pattern;
    const char *text;
    size_t length, at;
    int depth;
    int code;
};

/* A piece of the program: [from, count at its end). */
static void parse_choice(struct parser *parser);

static void refuse(struct parser *parser, const char *found, const char *expected)
{
    if (parser->code == HOMELAB_OK)
        parser->code =
            hl_error_set(HOMELAB_E_SYNTAX, 0, "pattern", "found %s, expected %s", found, expected);
    parser->at = parser->length;
}

static size_t emit(struct parser *parser, enum operation operation, size_t x, size_t y)
{
    struct hl_pattern *pattern = parser->pattern;
    if (pattern->count == PROGRAM_MAX) {
        refuse(parser, "a pattern that is too long", "1,024 steps at most");
        return PROGRAM_MAX - 1;
    }
    pattern->program[pattern->count] =
        (struct instruction){.operation = (uint8_t)operation, .x = (uint16_t)x, .y = (uint16_t)y};
    return pattern->count++;
}

static void add_range(struct parser *parser, uint32_t from, uint32_t to)
{
    struct hl_pattern *pattern = parser->pattern;
    if (pattern->range_count == RANGES_MAX) {
        refuse(parser, "a pattern that is too long", "512 ranges of characters at most");
        return;
    }
    pattern->ranges[pattern->range_count++] = (struct range){from, to};
}

static void emit_one(struct parser *parser, uint32_t c)
{
    size_t from = parser->pattern->range_count;
    add_range(parser, c, c);
    emit(parser, OP_CHAR, from, from + 1);
}

static bool is_next(const struct parser *parser, char c)
{
    return parser->at < parser->length && parser->text[parser->at] == c;
}

static bool take(struct parser *parser, char c)
{
    if (!is_next(parser, c))
        return false;
    parser->at++;
    return true;
}

static uint32_t take_character(struct parser *parser)
{
    return next_character(parser->text, parser->length, &parser->at);
}

static void add_set(struct parser *parser, const char *ranges)
{
    for (; *ranges; ranges += 2)
        add_range(parser, (unsigned char)ranges[0], (unsigned char)ranges[1]);
}

/* After "[:". */
static void parse_named_class(struct parser *parser)
{
    static const struct {
        const char *name, *ranges;
    } classes[] = {
        {"alpha:]", "azAZ"},    {"digit:]", "09"},
        {"alnum:]", "azAZ09"},  {"upper:]", "AZ"},
        {"lower:]", "az"},      {"space:]", "\t\r  "},
        {"blank:]", "\t\t  "},  {"punct:]", "!/:@[`{~"},
        {"xdigit:]", "09afAF"}, {"cntrl:]", "\001\037\177\177"},
        {"print:]", " ~"},      {"graph:]", "!~"},
    };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        size_t length = strlen(classes[i].name);
        if (parser->length - parser->at < length ||
            memcmp(parser->text + parser->at, classes[i].name, length) != 0)
            continue;
        parser->at += length;
        add_set(parser, classes[i].ranges);
        return;
    }
    refuse(parser, "an unknown class in '[: :]'", "one such as [:alpha:]");
}

/* After '['. */
static void parse_bracket(struct parser *parser)
{
    size_t from = parser->pattern->range_count;
    bool negated = take(parser, '^');
    for (bool first = true; first || !is_next(parser, ']'); first = false) {
        if (parser->at >= parser->length) {
            refuse(parser, "a '[' without its ']'", "one");
            return;
        }
        if (parser->length - parser->at > 2 && memcmp(parser->text + parser->at, "[:", 2) == 0) {
            parser->at += 2;
            parse_named_class(parser);
            continue;
        }
        uint32_t low = take_character(parser), high = low;
        bool spans = parser->length - parser->at > 1 && is_next(parser, '-') &&
                     parser->text[parser->at + 1] != ']';
        if (spans) {
            parser->at++;
            high = take_character(parser);
        }
        if (high < low) {
            refuse(parser, "a range that ends before it begins", "one such as [a-z]");
            return;
        }
        add_range(parser, low, high);
    }
    parser->at++;
    size_t at = emit(parser, OP_CHAR, from, parser->pattern->range_count);
    parser->pattern->program[at].negated = negated;
}

static void emit_set(struct parser *parser, const char *ranges, bool negated)
{
    size_t from = parser->pattern->range_count;
    add_set(parser, ranges);
    size_t at = emit(parser, OP_CHAR, from, parser->pattern->range_count);
    parser->pattern->program[at].negated = negated;
}

/* After '\'. */
static void parse_escape(struct parser *parser)
{
    if (parser->at >= parser->length) {
        refuse(parser, "a '\\' at the end", "a character after it");
        return;
    }
    uint32_t c = take_character(parser);
    switch (c) {
    case 'd':
    case 'D':
        emit_set(parser, "09", c == 'D');
        break;
    case 'w':
    case 'W':
        emit_set(parser, "azAZ09__", c == 'W');
        break;
    case 's':
    case 'S':
        emit_set(parser, "\t\r  ", c == 'S');
        break;
    case 'b':
        emit(parser, OP_WORD_EDGE, 0, 0);
        break;
    case 'n':
        emit_one(parser, '\n');
        break;
    case 't':
        emit_one(parser, '\t');
        break;
    default:
        if (c >= '1' && c <= '9')
            refuse(parser, "a back-reference", "none");
        else
            emit_one(parser, c);
        break;
    }
}

static void parse_group(struct parser *parser)
{
    if (++parser->depth > DEPTH_MAX) {
        refuse(parser, "too many nested '('", "64 at most");
        return;
    }
    parse_choice(parser);
    parser->depth--;
    if (!take(parser, ')'))
        refuse(parser, "a '(' without its ')'", "one");
}

static void parse_atom(struct parser *parser)
{
    uint32_t c = take_character(parser);
    switch (c) {
    case '.':
        emit(parser, OP_ANY, 0, 0);
        break;
    case '^':
        emit(parser, OP_START, 0, 0);
        break;
    case '$':
        emit(parser, OP_END, 0, 0);
        break;
    case '[':
        parse_bracket(parser);
        break;
    case '\\':
        parse_escape(parser);
        break;
    case '(':
        parse_group(parser);
        break;
    case '*':
    case '+':
    case '?':
    case '{':
        refuse(parser, "a repetition of nothing", "something to repeat before it");
        break;
    default:
        emit_one(parser, c);
        break;
    }
}

/* Moves the program from `from` on by one, for an instruction before it. */
static void insert(struct parser *parser, size_t from, enum operation operation, size_t x, size_t y)
{
    struct hl_pattern *pattern = parser->pattern;
    size_t end = pattern->count;
    if (emit(parser, operation, 0, 0) != end)
        return;
    memmove(&pattern->program[from + 1], &pattern->program[from],
            (end - from) * sizeof *pattern->program);
    for (size_t i = from + 1; i <= end; i++) {
        struct instruction *moved = &pattern->program[i];
        bool jumps = moved->operation == OP_SPLIT || moved->operation == OP_JUMP;
        if (jumps && moved->x >= from)
            moved->x++;
        if (moved->operation == OP_SPLIT && moved->y >= from)
            moved->y++;
    }
    pattern->program[from] =
        (struct instruction){.operation = (uint8_t)operation, .x = (uint16_t)x, .y = (uint16_t)y};
}

static void repeat_any(struct parser *parser, size_t from)
{
    insert(parser, from, OP_SPLIT, from + 1, 0);
    size_t back = emit(parser, OP_JUMP, from, 0);
    parser->pattern->program[from].y = (uint16_t)(back + 1);
}

static void repeat_some(struct parser *parser, size_t from)
{
    size_t at = emit(parser, OP_SPLIT, from, 0);
    parser->pattern->program[at].y = (uint16_t)(at + 1);
}

static void make_optional(struct parser *parser, size_t from)
{
    insert(parser, from, OP_SPLIT, from + 1, 0);
    parser->pattern->program[from].y = parser->pattern->count;
}

/* Appends a copy of the piece [from, to). */
static size_t copy_piece(struct parser *parser, size_t from, size_t to)
{
    struct hl_pattern *pattern = parser->pattern;
    size_t start = pattern->count, shift = start - from;
    for (size_t i = from; i < to && parser->code == HOMELAB_OK; i++) {
        struct instruction piece = pattern->program[i];
        bool jumps = piece.operation == OP_SPLIT || piece.operation == OP_JUMP;
        size_t at = emit(parser, piece.operation, piece.x + (jumps ? shift : 0),
                         piece.y + (piece.operation == OP_SPLIT ? shift : 0));
        pattern->program[at].negated = piece.negated;
    }
    return start;
}

static bool take_number(struct parser *parser, unsigned *number)
{
    size_t before = parser->at;
    *number = 0;
    while (parser->at < parser->length && parser->text[parser->at] >= '0' &&
           parser->text[parser->at] <= '9' && *number <= REPEAT_MAX)
        *number = *number * 10 + (unsigned)(parser->text[parser->at++] - '0');
    return parser->at > before;
}

/* After '{': the piece [from, end) so often. */
static void repeat_counted(struct parser *parser, size_t from)
{
    unsigned least, most;
    bool open = false;
    if (!take_number(parser, &least)) {
        refuse(parser, "'{' without a number", "a repetition such as {2,3}");
        return;
    }
    most = least;
    if (take(parser, ','))
        open = !take_number(parser, &most);
    if (!take(parser, '}') || least > REPEAT_MAX || most > REPEAT_MAX || (!open && most < least)) {
        refuse(parser, "a wrong repetition", "one such as {2,3}, 255 at most");
        return;
    }
    size_t end = parser->pattern->count;
    if (least == 0 && !open && most == 0) {
        parser->pattern->count = (uint16_t)from;
        return;
    }
    size_t last = from;
    for (unsigned i = 1; i < least; i++)
        last = copy_piece(parser, from, end);
    if (open) {
        if (least == 0)
            repeat_any(parser, from);
        else
            repeat_some(parser, last);
        return;
    }
    /* The first copy is there already; where none is required, it becomes optional last, since that
     * moves what follows. */
    for (unsigned i = least ? least : 1; i < most; i++) {
        size_t piece = copy_piece(parser, from, end);
        make_optional(parser, piece);
    }
    if (least == 0)
        make_optional(parser, from);
}

static void parse_repetition(struct parser *parser)
{
    size_t from = parser->pattern->count;
    parse_atom(parser);
    while (parser->at < parser->length && parser->code == HOMELAB_OK) {
        if (take(parser, '*'))
            repeat_any(parser, from);
        else if (take(parser, '+'))
            repeat_some(parser, from);
        else if (take(parser, '?'))
            make_optional(parser, from);
        else if (take(parser, '{'))
            repeat_counted(parser, from);
        else
            break;
    }
}

static void parse_sequence(struct parser *parser)
{
    while (parser->at < parser->length && !is_next(parser, '|') &&
           !(is_next(parser, ')') && parser->depth > 0))
        parse_repetition(parser);
}

static void parse_choice(struct parser *parser)
{
    size_t from = parser->pattern->count;
    parse_sequence(parser);
    while (parser->code == HOMELAB_OK && take(parser, '|')) {
        insert(parser, from, OP_SPLIT, from + 1, 0);
        size_t jump = emit(parser, OP_JUMP, 0, 0);
        parser->pattern->program[from].y = parser->pattern->count;
        parse_sequence(parser);
        if (parser->code == HOMELAB_OK)
            parser->pattern->program[jump].x = parser->pattern->count;
    }
}

int hl_pattern_new(struct hl_pattern **out, const char *text, bool fold)
{
    struct hl_pattern *pattern = hl_calloc(1, sizeof *pattern);
    if (!pattern)
        return hl_error_nomem();
    struct parser parser = {.pattern = pattern, .text = text, .length = strlen(text)};
    pattern->fold = fold;
    parse_choice(&parser);
    emit(&parser, OP_MATCH, 0, 0);
    if (parser.code != HOMELAB_OK) {
        hl_free(pattern);
        return parser.code;
    }
    *out = pattern;
    return HOMELAB_OK;
}

void hl_pattern_free(struct hl_pattern *pattern)
{
    hl_free(pattern);
}

/* --- Matching --- */

/* Steps of the program that are alive, each once. */
struct steps {
    uint16_t count;
    uint16_t list[PROGRAM_MAX];
    uint16_t place[PROGRAM_MAX]; /* in the list, where it is there */
};

struct position {
    uint32_t before, after; /* characters around it, 0 at the ends */
    bool start, end;
};

static bool has(const struct steps *steps, uint16_t step)
{
    uint16_t place = steps->place[step];
    return place < steps->count && steps->list[place] == step;
}

static bool holds(enum operation operation, const struct position *position)
{
    if (operation == OP_START)
        return position->start;
    if (operation == OP_END)
        return position->end;
    return is_word(position->before) != is_word(position->after);
}

/* Adds a step and all that can be reached from it without a character. True at a match. */
static bool add(const struct hl_pattern *pattern, struct steps *steps, uint16_t step,
                const struct position *position)
{
    /* Each step that is added takes one out and puts at most two in. */
    uint16_t pending[PROGRAM_MAX + 2];
    size_t count = 0;
    pending[count++] = step;
    while (count > 0) {
        uint16_t at = pending[--count];
        if (has(steps, at))
            continue;
        steps->place[at] = steps->count;
        steps->list[steps->count++] = at;
        const struct instruction *instruction = &pattern->program[at];
        switch (instruction->operation) {
        case OP_MATCH:
            return true;
        case OP_SPLIT:
            if (!has(steps, instruction->y))
                pending[count++] = instruction->y;
            /* fall through */
        case OP_JUMP:
            pending[count++] = instruction->x;
            break;
        case OP_START:
        case OP_END:
        case OP_WORD_EDGE:
            if (holds((enum operation)instruction->operation, position))
                pending[count++] = (uint16_t)(at + 1);
            break;
        default:
            break;
        }
    }
    return false;
}

static bool within(const struct hl_pattern *pattern, const struct instruction *instruction,
                   uint32_t c)
{
    for (size_t i = instruction->x; i < instruction->y; i++)
        if (c >= pattern->ranges[i].from && c <= pattern->ranges[i].to)
            return true;
    return false;
}

static bool accepts(const struct hl_pattern *pattern, const struct instruction *instruction,
                    uint32_t c)
{
    if (instruction->operation == OP_ANY)
        return true;
    if (instruction->operation != OP_CHAR)
        return false;
    bool in = within(pattern, instruction, c) ||
              (pattern->fold && within(pattern, instruction, other_case(c)));
    return in != instruction->negated;
}

bool hl_pattern_match(const struct hl_pattern *pattern, const char *text, size_t length,
                      unsigned flags)
{
    struct steps sets[2];
    struct steps *now = &sets[0], *then = &sets[1];
    memset(now->place, 0, pattern->count * sizeof *now->place);
    memset(then->place, 0, pattern->count * sizeof *then->place);
    now->count = then->count = 0;
    struct position position = {.start = !(flags & HL_PATTERN_NOT_START)};
    for (size_t at = 0;;) {
        size_t next = at;
        bool last = at >= length;
        uint32_t c = last ? 0 : next_character(text, length, &next);
        position.after = c;
        position.end = last && !(flags & HL_PATTERN_NOT_END);
        if (add(pattern, now, 0, &position))
            return true;
        if (last)
            return false;
        struct position ahead = {.before = c};
        size_t peek = next;
        ahead.after = next < length ? next_character(text, length, &peek) : 0;
        ahead.end = next >= length && !(flags & HL_PATTERN_NOT_END);
        then->count = 0;
        for (size_t i = 0; i < now->count; i++) {
            uint16_t step = now->list[i];
            if (accepts(pattern, &pattern->program[step], c) &&
                add(pattern, then, (uint16_t)(step + 1), &ahead))
                return true;
        }
        struct steps *swap = now;
        now = then;
        then = swap;
        position = ahead;
        at = next;
    }
}
