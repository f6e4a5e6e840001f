#include "core/api.h"
#include "core/buf.h"
#include "core/options.h"
#include "route/classify.h"

#include <string.h>

#define JSON_MAX 4096
#define ALL_NEEDS                                                                                  \
    (HOMELAB_NEED_VISION | HOMELAB_NEED_TOOLS | HOMELAB_NEED_JSON | HOMELAB_NEED_EMBEDDING)

static const char *const task_names[HOMELAB_TASK_COUNT + 1] = {"none", "code",   "reason", "chat",
                                                               "fast", "vision", "embed"};
static const char *const deciders[] = {"none", "embedding", "image", "text"};
static const char *const need_names[] = {"vision", "tools", "json", "embedding"};

const char *homelab_task_name(int task)
{
    return task_names[task > 0 && task <= HOMELAB_TASK_COUNT ? task : HOMELAB_TASK_NONE];
}

int homelab_task_find(const char *name)
{
    for (int task = 1; name && task <= HOMELAB_TASK_COUNT; task++)
        if (strcmp(task_names[task], name) == 0)
            return task;
    return HOMELAB_TASK_NONE;
}

int homelab_classification_new(homelab_classification **out, const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    if (!out)
        return hl_error_argument("out", "not NULL");
    homelab_classification *self = hl_calloc(1, sizeof *self);
    if (!self)
        return hl_error_nomem();
    self->abstain_below = hl_opt_double(opts, HL_OPT_CLASSIFY_ABSTAIN_BELOW);
    *out = self;
    return HOMELAB_OK;
}

void homelab_classification_free(homelab_classification *self)
{
    hl_free(self);
}

/* --- Filling --- */

static int check(const homelab_classification *self, const char *text, size_t length,
                 const char *subject, uint32_t needs)
{
    if (!self)
        return hl_error_argument("classification", "not NULL");
    if (!text && length)
        return hl_error_argument(subject, "not NULL with a length above 0");
    if (needs & ~(uint32_t)ALL_NEEDS)
        return hl_error_flags(needs & ~(uint32_t)ALL_NEEDS);
    return HOMELAB_OK;
}

int homelab_classify_text(homelab_classification *self, const char *text, size_t length,
                          uint32_t needs)
{
    HL_API(NULL);
    int code = check(self, text, length, "text", needs);
    if (code == HOMELAB_OK)
        hl_class_of_text(&self->is, text, length, needs);
    return code;
}

int homelab_classify_request(homelab_classification *self, const char *target, const char *body,
                             size_t length, uint32_t needs)
{
    HL_API(NULL);
    int code = check(self, body, length, "body", needs);
    if (code != HOMELAB_OK)
        return code;
    struct hl_request request;
    self->is = (struct hl_class){0};
    if (!hl_request_read(&request, body ? body : "", length, hl_request_kind(target)))
        return hl_error_set(HOMELAB_E_SYNTAX, 0, "body",
                            "body: expected a JSON object, found %zu bytes that are none", length);
    hl_class_of_request(&self->is, &request, needs);
    return HOMELAB_OK;
}

/* --- Reading --- */

int homelab_classification_task(const homelab_classification *self)
{
    HL_API(NULL);
    return self ? self->is.task : HOMELAB_TASK_NONE;
}

double homelab_classification_probability(const homelab_classification *self, int task)
{
    HL_API(NULL);
    return self && task > 0 && task <= HOMELAB_TASK_COUNT ? self->is.probability[task] : 0;
}

double homelab_classification_confidence(const homelab_classification *self)
{
    HL_API(NULL);
    return self ? self->is.probability[self->is.task] : 0;
}

static bool abstains(const homelab_classification *self)
{
    return self->is.task != HOMELAB_TASK_NONE &&
           self->is.probability[self->is.task] < self->abstain_below;
}

bool homelab_classification_abstains(const homelab_classification *self)
{
    HL_API(NULL);
    return self && abstains(self);
}

uint32_t homelab_classification_needs(const homelab_classification *self)
{
    HL_API(NULL);
    return self ? self->is.needs : 0;
}

int64_t homelab_classification_prompt_tokens(const homelab_classification *self)
{
    HL_API(NULL);
    return self ? (int64_t)self->is.prompt_tokens : 0;
}

int64_t homelab_classification_answer_tokens(const homelab_classification *self)
{
    HL_API(NULL);
    return self ? (int64_t)self->is.answer_tokens : 0;
}

int64_t homelab_classification_context_tokens(const homelab_classification *self)
{
    HL_API(NULL);
    return self ? (int64_t)(self->is.prompt_tokens + self->is.answer_tokens) : 0;
}

const char *homelab_classification_decided_by(const homelab_classification *self)
{
    HL_API(NULL);
    return deciders[self ? self->is.by : HL_BY_NONE];
}

static void put_needs(struct hl_buf *out, uint32_t needs)
{
    bool first = true;
    hl_buf_puts(out, ",\"needs\":[");
    for (size_t i = 0; i < sizeof need_names / sizeof *need_names; i++) {
        if (!(needs & 1u << i))
            continue;
        hl_buf_printf(out, "%s\"%s\"", first ? "" : ",", need_names[i]);
        first = false;
    }
    hl_buf_putc(out, ']');
}

char *homelab_classification_json(const homelab_classification *self)
{
    HL_API(NULL);
    if (!self) {
        hl_error_argument("classification", "not NULL");
        return NULL;
    }
    struct hl_buf out;
    hl_buf_init(&out, JSON_MAX);
    hl_buf_printf(&out, "{\"schema\":1,\"task\":\"%s\",\"decided_by\":\"%s\",\"confidence\":",
                  task_names[self->is.task], deciders[self->is.by]);
    hl_buf_number(&out, self->is.probability[self->is.task]);
    hl_buf_printf(&out, ",\"abstains\":%s,\"probabilities\":{", abstains(self) ? "true" : "false");
    for (int task = 1; task <= HOMELAB_TASK_COUNT; task++) {
        hl_buf_printf(&out, "%s\"%s\":", task > 1 ? "," : "", task_names[task]);
        hl_buf_number(&out, self->is.probability[task]);
    }
    hl_buf_putc(&out, '}');
    put_needs(&out, self->is.needs);
    hl_buf_printf(&out, ",\"prompt_tokens\":%llu,\"answer_tokens\":%llu}",
                  (unsigned long long)self->is.prompt_tokens,
                  (unsigned long long)self->is.answer_tokens);
    return hl_buf_take(&out);
}
