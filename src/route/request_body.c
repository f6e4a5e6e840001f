#include "route/request_body.h"

#include "route/json_walk.h"

#include <homelab/classify.h>
#include <string.h>

enum role {
    ROLE_USER,
    ROLE_OTHER
};

/* One message under way. Its role may come after its content, so it is kept until its end. */
struct message {
    struct reader *reader;
    struct hl_sample text;
    enum role role;
};

struct reader {
    struct hl_request *request;
    struct hl_sample before; /* the user's message before the last */
    bool input_is_text;      /* "input" holds texts or token numbers, no messages */
    bool has_input, has_prompt, has_messages;
};

/* --- Texts --- */

static void add_message(void *to, const void *bytes, size_t length)
{
    struct message *message = to;
    hl_sample_add(&message->text, bytes, length);
    message->reader->request->text_bytes += length;
}

static void add_other(void *to, const void *bytes, size_t length)
{
    (void)bytes;
    *(uint64_t *)to += length;
}

static void read_string(struct hl_walk *walk, struct message *message)
{
    if (message->text.total)
        hl_sample_add(&message->text, "\n", 1);
    hl_walk_string(walk, add_message, message);
}

static void end_message(struct message *message)
{
    struct reader *reader = message->reader;
    reader->request->messages++;
    if (message->role != ROLE_USER || !message->text.total)
        return;
    if (reader->request->text.total >= HL_SHORT_MESSAGE)
        reader->before = reader->request->text;
    reader->request->text = message->text;
}

static void begin_message(struct message *message, struct reader *reader)
{
    message->reader = reader;
    message->role = ROLE_USER;
    hl_sample_reset(&message->text);
}

/* --- Images --- */

static void need_image(struct hl_request *request, size_t count)
{
    request->images += count;
    if (count)
        request->needs |= HOMELAB_NEED_VISION;
}

static void skip_element(struct hl_walk *walk, const char *key, void *userdata)
{
    (void)key;
    (void)userdata;
    hl_walk_skip(walk);
}

static size_t count_elements(struct hl_walk *walk)
{
    if (hl_walk_peek(walk) == '[')
        return hl_walk_array(walk, skip_element, NULL);
    hl_walk_skip(walk);
    return 0;
}

/* --- Messages --- */

static void read_part_member(struct hl_walk *walk, const char *key, void *userdata)
{
    struct message *message = userdata;
    if (strcmp(key, "text") == 0 && hl_walk_peek(walk) == '"') {
        read_string(walk, message);
        return;
    }
    if (strcmp(key, "type") == 0 && hl_walk_peek(walk) == '"') {
        char type[32];
        hl_walk_text(walk, type, sizeof type);
        if (strcmp(type, "image_url") == 0 || strcmp(type, "input_image") == 0 ||
            strcmp(type, "image") == 0)
            need_image(message->reader->request, 1);
        return;
    }
    hl_walk_skip(walk);
}

static void read_part(struct hl_walk *walk, const char *key, void *userdata)
{
    (void)key;
    switch (hl_walk_peek(walk)) {
    case '"':
        read_string(walk, userdata);
        break;
    case '{':
        hl_walk_object(walk, read_part_member, userdata);
        break;
    default:
        hl_walk_skip(walk);
    }
}

static void read_content(struct hl_walk *walk, struct message *message)
{
    if (hl_walk_peek(walk) == '[')
        hl_walk_array(walk, read_part, message);
    else
        read_part(walk, NULL, message);
}

static void read_message_member(struct hl_walk *walk, const char *key, void *userdata)
{
    struct message *message = userdata;
    if (strcmp(key, "content") == 0) {
        read_content(walk, message);
    } else if (strcmp(key, "role") == 0 && hl_walk_peek(walk) == '"') {
        char role[16];
        hl_walk_text(walk, role, sizeof role);
        message->role = strcmp(role, "user") == 0 ? ROLE_USER : ROLE_OTHER;
    } else if (strcmp(key, "images") == 0) {
        need_image(message->reader->request, count_elements(walk));
    } else {
        hl_walk_skip(walk);
    }
}

static void read_message(struct hl_walk *walk, const char *key, void *userdata)
{
    (void)key;
    if (hl_walk_peek(walk) != '{') {
        hl_walk_skip(walk);
        return;
    }
    struct message message;
    begin_message(&message, userdata);
    hl_walk_object(walk, read_message_member, &message);
    end_message(&message);
}

/* --- "prompt" and "input": a text, a list of texts or token numbers, or messages --- */

static void read_text(struct hl_walk *walk, struct reader *reader)
{
    struct message message;
    begin_message(&message, reader);
    read_string(walk, &message);
    end_message(&message);
}

static void read_input_element(struct hl_walk *walk, const char *key, void *userdata)
{
    struct reader *reader = userdata;
    unsigned char c = hl_walk_peek(walk);
    if (c == '{') {
        read_message(walk, key, reader);
        return;
    }
    reader->input_is_text = true;
    if (c == '"')
        read_text(walk, reader);
    else
        hl_walk_skip(walk);
}

static void read_input(struct hl_walk *walk, struct reader *reader)
{
    switch (hl_walk_peek(walk)) {
    case '"':
        reader->input_is_text = true;
        read_text(walk, reader);
        break;
    case '[':
        hl_walk_array(walk, read_input_element, reader);
        break;
    default:
        hl_walk_skip(walk);
    }
}

/* --- The body --- */

static void read_type(struct hl_walk *walk, const char *key, void *userdata)
{
    if (strcmp(key, "type") != 0 || hl_walk_peek(walk) != '"') {
        hl_walk_skip(walk);
        return;
    }
    char type[16];
    hl_walk_text(walk, type, sizeof type);
    if (strncmp(type, "json", 4) == 0)
        *(uint32_t *)userdata |= HOMELAB_NEED_JSON;
}

/* OpenAI: {"type":"json_object"} or "json_schema". Ollama: "json" or the schema itself. */
static void read_format(struct hl_walk *walk, const char *key, uint32_t *needs)
{
    bool ollama = strcmp(key, "format") == 0;
    unsigned char c = hl_walk_peek(walk);
    if (c == '{' && !ollama) {
        hl_walk_object(walk, read_type, needs);
    } else if (c == '"') {
        char text[8];
        hl_walk_text(walk, text, sizeof text);
        if (strcmp(text, "json") == 0)
            *needs |= HOMELAB_NEED_JSON;
    } else {
        hl_walk_skip(walk);
        if (c == '{')
            *needs |= HOMELAB_NEED_JSON;
    }
}

static void read_tools(struct hl_walk *walk, struct hl_request *request)
{
    const unsigned char *from = walk->at;
    if (!count_elements(walk))
        return;
    request->needs |= HOMELAB_NEED_TOOLS;
    request->tool_bytes += (uint64_t)(walk->at - from);
}

static void read_option(struct hl_walk *walk, const char *key, void *userdata)
{
    struct hl_request *request = userdata;
    if (strcmp(key, "num_predict") == 0)
        request->answer_tokens = hl_walk_number(walk);
    else
        hl_walk_skip(walk);
}

static bool is_one_of(const char *key, const char *const *names)
{
    while (*names && strcmp(key, *names) != 0)
        names++;
    return *names != NULL;
}

static void read_member(struct hl_walk *walk, const char *key, void *userdata)
{
    static const char *const lengths[] = {"max_tokens", "max_completion_tokens",
                                          "max_output_tokens", NULL};
    static const char *const tools[] = {"tools", "functions", NULL};
    static const char *const formats[] = {"response_format", "format", NULL};
    static const char *const others[] = {"system", "instructions", NULL};
    struct reader *reader = userdata;
    struct hl_request *request = reader->request;
    unsigned char c = hl_walk_peek(walk);
    if (strcmp(key, "messages") == 0 && c == '[') {
        reader->has_messages = true;
        hl_walk_array(walk, read_message, reader);
    } else if (strcmp(key, "prompt") == 0) {
        reader->has_prompt = true;
        read_input(walk, reader);
    } else if (strcmp(key, "input") == 0) {
        reader->has_input = true;
        read_input(walk, reader);
    } else if (strcmp(key, "images") == 0) {
        need_image(request, count_elements(walk));
    } else if (is_one_of(key, tools)) {
        read_tools(walk, request);
    } else if (is_one_of(key, formats)) {
        read_format(walk, key, &request->needs);
    } else if (is_one_of(key, lengths)) {
        request->answer_tokens = hl_walk_number(walk);
    } else if (strcmp(key, "options") == 0 && c == '{') {
        hl_walk_object(walk, read_option, request);
    } else if (is_one_of(key, others) && c == '"') {
        hl_walk_string(walk, add_other, &request->text_bytes);
    } else {
        hl_walk_skip(walk);
    }
}

static bool is_embedding(const struct reader *reader, enum hl_request_kind kind)
{
    if (kind != HL_REQUEST_UNKNOWN)
        return kind == HL_REQUEST_EMBEDDING;
    return reader->has_input && reader->input_is_text && !reader->has_messages &&
           !reader->has_prompt;
}

/* "go on" says nothing; what it goes on with does. */
static void join_short(struct reader *reader)
{
    struct hl_sample *last = &reader->request->text;
    reader->request->last = *last;
    if (last->total >= HL_SHORT_MESSAGE || !reader->before.total)
        return;
    unsigned char text[HL_SAMPLE_MAX];
    size_t length = hl_sample_text(last, text);
    hl_sample_add(&reader->before, "\n", 1);
    hl_sample_add(&reader->before, text, length);
    *last = reader->before;
}

bool hl_request_read(struct hl_request *request, const char *body, size_t length,
                     enum hl_request_kind kind)
{
    struct reader reader = {.request = request};
    struct hl_walk walk = {(const unsigned char *)body, (const unsigned char *)body + length,
                           false};
    *request = (struct hl_request){0};
    hl_walk_object(&walk, read_member, &reader);
    hl_walk_peek(&walk);
    if (walk.bad || walk.at != walk.end)
        return false;
    join_short(&reader);
    if (is_embedding(&reader, kind))
        request->needs |= HOMELAB_NEED_EMBEDDING;
    return true;
}

enum hl_request_kind hl_request_kind(const char *path)
{
    if (!path)
        return HL_REQUEST_UNKNOWN;
    size_t length = strcspn(path, "?#");
    while (length && path[length - 1] == '/')
        length--;
    size_t from = length;
    while (from && path[from - 1] != '/')
        from--;
    static const char *const names[] = {"embeddings", "embed", "embedding"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (length - from == strlen(names[i]) && strncmp(path + from, names[i], length - from) == 0)
            return HL_REQUEST_EMBEDDING;
    return HL_REQUEST_CHAT;
}
