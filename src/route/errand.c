/* Requests, and what they come to with their text. */
#include "route/router_private.h"

#include "core/options.h"
#include "route/classify.h"

#include <string.h>

#define ALL_NEEDS                                                                                  \
    (HOMELAB_NEED_VISION | HOMELAB_NEED_TOOLS | HOMELAB_NEED_JSON | HOMELAB_NEED_EMBEDDING)

/* Servers cut answers to what fits, so a large limit is no need of a large context. */
#define ANSWER_USUAL 256
#define ANSWER_MOST  1024

static const int capability_of[HOMELAB_TASK_COUNT + 1] = {[HOMELAB_TASK_NONE] = -1,
                                                          [HOMELAB_TASK_CODE] = HL_CAP_CODE,
                                                          [HOMELAB_TASK_REASON] = HL_CAP_REASON,
                                                          [HOMELAB_TASK_CHAT] = HL_CAP_CHAT,
                                                          [HOMELAB_TASK_FAST] = HL_CAP_FAST,
                                                          [HOMELAB_TASK_VISION] = HL_CAP_VISION,
                                                          [HOMELAB_TASK_EMBED] = HL_CAP_EMBED};

int hl_capability_of_task(int task)
{
    return task > 0 && task <= HOMELAB_TASK_COUNT ? capability_of[task] : -1;
}

int hl_task_of_capability(int capability)
{
    for (int task = 1; task <= HOMELAB_TASK_COUNT; task++)
        if (capability_of[task] == capability)
            return task;
    return HOMELAB_TASK_NONE;
}

/* --- The request --- */

static void clear(homelab_request *request)
{
    homelab_allocator *allocator = request->allocator;
    *request = (homelab_request){.allocator = allocator, .task = -1};
}

int homelab_request_new(homelab_request **out, const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    if (!out)
        return hl_error_argument("out", "a place for the result");
    homelab_request *request = hl_calloc(1, sizeof *request);
    if (!request)
        return hl_error_nomem();
    request->allocator = hl_opt_allocator(opts);
    clear(request);
    *out = request;
    return HOMELAB_OK;
}

void homelab_request_free(homelab_request *request)
{
    hl_free(request);
}

static int need_request(const homelab_request *request)
{
    return request ? HOMELAB_OK : hl_error_argument("request", "a request");
}

int homelab_request_reset(homelab_request *request)
{
    HL_API(NULL);
    int code = need_request(request);
    if (!code)
        clear(request);
    return code;
}

int homelab_request_set_kind(homelab_request *request, int kind)
{
    HL_API(NULL);
    int code = need_request(request);
    if (code)
        return code;
    if (kind < 0 || kind >= HL_KINDS)
        return hl_error_argument("kind", "one of HOMELAB_REQUEST_");
    request->kind = kind;
    return HOMELAB_OK;
}

int homelab_request_set_task(homelab_request *request, int task)
{
    HL_API(NULL);
    int code = need_request(request);
    if (code)
        return code;
    if (task < 0 || task > HOMELAB_TASK_COUNT)
        return hl_error_argument("task", "one of HOMELAB_TASK_");
    request->task = hl_capability_of_task(task);
    return HOMELAB_OK;
}

int homelab_request_set_tag(homelab_request *request, const char *tag)
{
    HL_API(NULL);
    int code = need_request(request);
    if (code)
        return code;
    size_t length = tag ? strlen(tag) : 0;
    if (length >= sizeof request->tag)
        return hl_error_set(HOMELAB_E_LIMIT, 0, "tag", "tag: found %zu bytes, expected at most %zu",
                            length, sizeof request->tag - 1);
    memcpy(request->tag, tag ? tag : "", length + 1);
    return HOMELAB_OK;
}

int homelab_request_set_affinity(homelab_request *request, const char *key)
{
    HL_API(NULL);
    int code = need_request(request);
    if (!code)
        request->affinity = key ? hl_route_hash(key, strlen(key)) : 0;
    return code;
}

static int hash_name(uint64_t *out, const char *name, const char *subject)
{
    size_t length = name ? strlen(name) : 0;
    if (length >= HL_NAME_MAX)
        return hl_error_set(HOMELAB_E_LIMIT, 0, subject, "%s: found %zu bytes, expected at most %d",
                            subject, length, HL_NAME_MAX - 1);
    *out = name ? hl_route_hash(name, length) : 0;
    return HOMELAB_OK;
}

int homelab_request_set_pin(homelab_request *request, const char *endpoint, const char *model)
{
    HL_API(NULL);
    uint64_t at = 0, which = 0;
    int code = need_request(request);
    if (!code)
        code = hash_name(&at, endpoint, "endpoint");
    if (!code)
        code = hash_name(&which, model, "model");
    if (code)
        return code;
    request->pin_endpoint = at;
    request->pin_model = which;
    return HOMELAB_OK;
}

int homelab_request_exclude(homelab_request *request, const char *endpoint)
{
    HL_API(NULL);
    uint64_t hash;
    int code = need_request(request);
    if (!code && !endpoint)
        code = hl_error_argument("endpoint", "the id of an endpoint");
    if (!code)
        code = hash_name(&hash, endpoint, "endpoint");
    if (code)
        return code;
    if (request->excluded_count == HL_EXCLUDED_MAX)
        return hl_error_set(HOMELAB_E_LIMIT, 0, "endpoint",
                            "endpoint: found more than %d exclusions, expected fewer",
                            HL_EXCLUDED_MAX);
    request->excluded[request->excluded_count++] = hash;
    return HOMELAB_OK;
}

int homelab_request_require(homelab_request *request, uint32_t needs)
{
    HL_API(NULL);
    int code = need_request(request);
    if (code)
        return code;
    if (needs & ~(uint32_t)ALL_NEEDS)
        return hl_error_flags(needs & ~(uint32_t)ALL_NEEDS);
    request->needs |= needs;
    return HOMELAB_OK;
}

int homelab_request_set_tokens(homelab_request *request, int64_t context, int64_t answer)
{
    HL_API(NULL);
    int code = need_request(request);
    if (code)
        return code;
    if (context < 0 || answer < 0 || context > INT32_MAX || answer > INT32_MAX)
        return hl_error_argument("tokens", "0 or more");
    request->context = context;
    request->answer = answer;
    return HOMELAB_OK;
}

/* --- The errand --- */

static bool contains(const char *text, size_t length, const char *part, bool fold)
{
    size_t wanted = strlen(part);
    if (!fold)
        return memmem(text, length, part, wanted) != NULL;
    for (size_t i = 0; wanted <= length && i <= length - wanted; i++) {
        size_t j = 0;
        for (; j < wanted; j++) {
            unsigned char a = (unsigned char)text[i + j], b = (unsigned char)part[j];
            bool letter = (a | 0x20) >= 'a' && (a | 0x20) <= 'z';
            if (a != b && !(letter && (a ^ b) == 0x20))
                break;
        }
        if (j == wanted)
            return true;
    }
    return false;
}

/* The beginning and the end of the prompt, one after the other, or the whole of it. */
struct excerpt {
    char text[HL_SAMPLE_MAX];
    size_t length;
    bool cut; /* something is left out after the beginning */
};

static bool meets_text(const struct hl_rule *rule, const struct excerpt *excerpt)
{
    const char *parts[2] = {excerpt->text, excerpt->text + HL_SAMPLE_HEAD};
    size_t lengths[2] = {excerpt->cut ? HL_SAMPLE_HEAD : excerpt->length,
                         excerpt->cut ? excerpt->length - HL_SAMPLE_HEAD : 0};
    size_t count = excerpt->cut ? 2 : 1;
    bool found = !rule->contains, matched = !rule->matches;
    for (size_t i = 0; i < count; i++) {
        unsigned flags =
            (i > 0 ? HL_PATTERN_NOT_START : 0) | (i + 1 < count ? HL_PATTERN_NOT_END : 0);
        found = found || contains(parts[i], lengths[i], rule->contains, rule->ignore_case);
        matched = matched || hl_pattern_match(rule->matches, parts[i], lengths[i], flags);
    }
    return found && matched;
}

static int by_rules(const struct hl_inventory_data *data, const struct excerpt *excerpt,
                    const char *tag)
{
    for (size_t i = 0; i < data->rule_count; i++) {
        const struct hl_rule *rule = &data->rules[i];
        if (rule->tag && strcmp(rule->tag, tag) != 0)
            continue;
        if (meets_text(rule, excerpt))
            return rule->task;
    }
    return -1;
}

static void be_sure(struct hl_errand *errand, int task, enum hl_task_source source)
{
    memset(errand->probability, 0, sizeof errand->probability);
    errand->probability[task] = 1;
    errand->task = task;
    errand->source = source;
    errand->mixed = false;
}

static void by_class(struct hl_errand *errand, const struct hl_class *class, double abstain_below)
{
    for (int task = 1; task <= HOMELAB_TASK_COUNT; task++)
        errand->probability[capability_of[task]] = (float)class->probability[task];
    errand->task = capability_of[class->task];
    errand->source = HL_TASK_CLASSIFIER;
    errand->mixed = class->by == HL_BY_TEXT && class->probability[class->task] < abstain_below;
}

static bool embeds(int kind)
{
    return kind == HOMELAB_REQUEST_OPENAI_EMBEDDINGS || kind == HOMELAB_REQUEST_OLLAMA_EMBED;
}

static uint32_t offers_needed(const struct hl_errand *errand, uint32_t needs)
{
    uint32_t can = HL_CAN_SERVE;
    bool vector =
        embeds(errand->kind) || needs & HOMELAB_NEED_EMBEDDING || errand->task == HL_CAP_EMBED;
    can |= vector ? HL_CAN_EMBED : HL_CAN_CHAT;
    bool asked = errand->source == HL_TASK_REQUEST || errand->source == HL_TASK_RULE;
    if (needs & HOMELAB_NEED_VISION || (asked && errand->task == HL_CAP_VISION))
        can |= HL_CAN_VISION;
    if (needs & HOMELAB_NEED_TOOLS && !vector)
        can |= HL_CAN_TOOLS;
    if (errand->kind == HOMELAB_REQUEST_OLLAMA_CHAT || errand->kind == HOMELAB_REQUEST_OLLAMA_EMBED)
        can |= HL_CAN_OLLAMA;
    else
        can |= HL_CAN_OPENAI;
    return can;
}

static uint32_t usual_answer(int task)
{
    static const uint32_t tokens[HL_CAP_COUNT] = {
        [HL_CAP_CODE] = 400,   [HL_CAP_REASON] = 1200, [HL_CAP_CHAT] = 300,
        [HL_CAP_VISION] = 300, [HL_CAP_FAST] = 60,     [HL_CAP_EMBED] = 0};
    return tokens[task];
}

static void set_lengths(struct hl_errand *errand, const homelab_request *request,
                        const struct hl_class *class)
{
    uint64_t most = class->answer_tokens ? class->answer_tokens : ANSWER_USUAL;
    uint64_t context = class->prompt_tokens + (most < ANSWER_MOST ? most : ANSWER_MOST);
    if (errand->task == HL_CAP_EMBED)
        context = class->prompt_tokens;
    if (class->by == HL_BY_NONE)
        context = 0;
    if (request->context)
        context = (uint64_t)request->context;
    uint64_t answer = usual_answer(errand->task);
    if (class->answer_tokens && class->answer_tokens < answer)
        answer = class->answer_tokens;
    if (request->answer)
        answer = (uint64_t)request->answer;
    errand->context = context < UINT32_MAX ? (uint32_t)context : UINT32_MAX - 1;
    errand->answer = (uint32_t)answer;
}

/* Reads a text as it is meant: what it needs, how long it is, and what stands in it. */
static int read_text(struct hl_class *class, struct excerpt *excerpt, int kind, uint32_t needs,
                     const char *text, size_t length)
{
    struct hl_request body;
    if (kind == HOMELAB_REQUEST_TEXT) {
        hl_sample_reset(&body.last);
        hl_sample_add(&body.last, text, length);
        hl_class_of_text(class, text, length, needs);
    } else {
        enum hl_request_kind of = embeds(kind) ? HL_REQUEST_EMBEDDING : HL_REQUEST_CHAT;
        if (!hl_request_read(&body, text, length, of))
            return hl_error_set(HOMELAB_E_SYNTAX, 0, "body",
                                "body: expected a JSON object, found %zu bytes that are none",
                                length);
        hl_class_of_request(class, &body, needs);
    }
    excerpt->length = hl_sample_text(&body.last, (unsigned char *)excerpt->text);
    excerpt->cut = body.last.total > HL_SAMPLE_MAX;
    return HOMELAB_OK;
}

static int ask_host(const struct hl_table *table, const homelab_request *request, const char *text,
                    size_t length)
{
    const struct hl_classifier *classifier = table->classifier;
    if (!classifier)
        return -1;
    return hl_capability_of_task(
        classifier->fn(text ? text : "", length, request->kind, classifier->userdata));
}

/* Who knows best comes first. Flags of the body (an image, an embedding) come before the host's
 * classifier, which sees the text. */
static void choose_task(struct hl_errand *errand, const struct hl_table *table,
                        const homelab_request *request, const char *text, size_t length,
                        const struct hl_class *class, const struct excerpt *excerpt)
{
    bool flagged = class->by == HL_BY_EMBEDDING || class->by == HL_BY_IMAGE;
    int task;
    if (embeds(request->kind)) {
        be_sure(errand, HL_CAP_EMBED, HL_TASK_REQUEST);
    } else if (request->task >= 0) {
        be_sure(errand, request->task, HL_TASK_REQUEST);
    } else if ((task = by_rules(table->data, excerpt, request->tag)) >= 0) {
        be_sure(errand, task, HL_TASK_RULE);
    } else if (!flagged && (task = ask_host(table, request, text, length)) >= 0) {
        be_sure(errand, task, HL_TASK_CALLBACK);
    } else if (class->by != HL_BY_NONE) {
        by_class(errand, class, table->settings.abstain_below);
    } else if (class->needs & HOMELAB_NEED_EMBEDDING) {
        be_sure(errand, HL_CAP_EMBED, HL_TASK_DEFAULT);
    } else {
        be_sure(errand, class->needs & HOMELAB_NEED_VISION ? HL_CAP_VISION : HL_CAP_CHAT,
                HL_TASK_DEFAULT);
    }
}

int hl_errand_read(struct hl_errand *errand, const struct hl_table *table,
                   const homelab_request *request, const char *text, size_t length)
{
    /* Field by field: without a text this is most of the work. */
    struct hl_class class;
    struct excerpt excerpt;
    class.task = HOMELAB_TASK_NONE;
    class.by = HL_BY_NONE;
    class.needs = request->needs;
    class.prompt_tokens = class.answer_tokens = 0;
    excerpt.length = 0;
    excerpt.cut = false;
    int code = text ? read_text(&class, &excerpt, request->kind, request->needs, text, length)
                    : HOMELAB_OK;
    if (code)
        return code;
    errand->kind = request->kind;
    choose_task(errand, table, request, text, length, &class, &excerpt);
    errand->needs = offers_needed(errand, class.needs);
    set_lengths(errand, request, &class);
    errand->affinity = request->affinity;
    errand->pin_endpoint = request->pin_endpoint;
    errand->pin_model = request->pin_model;
    errand->excluded = request->excluded;
    errand->excluded_count = request->excluded_count;
    errand->bound = -1;
    errand->spread = 0;
    return HOMELAB_OK;
}
