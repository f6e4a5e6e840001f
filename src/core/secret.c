/* A request is what the provider holds, from any thread and for as long as it likes; a wait is what
 * the asking part holds, on the loop's thread. The request's mutex guards the link between them: it
 * is taken after the context's lock and before the loop's. */
#include "core/secret.h"

#include "core/ctx_private.h"

#include <string.h>

#define SECRET_MAX 16384

struct homelab_secret_request {
    atomic_uint handles; /* of the provider, and ours while it is asked */
    atomic_uint refs;    /* of the memory; the handles count as one */
    homelab_allocator *allocator;
    int kind, attempt;
    char *reference, *subject;
    pthread_mutex_t mutex;
    struct hl_secret_wait *wait; /* NULL when nobody waits */
    bool answered;
};

struct hl_secret_wait {
    homelab_ctx *ctx;
    homelab_secret_request *request;
    hl_secret_done_fn fn;
    void *userdata;
    char *secret; /* the answer; without one the error says why */
    struct hl_error error;
    struct hl_task ask, done;
    bool handed; /* the request's first handle was taken over by who asks the provider */
    struct hl_secret_wait *next, *previous;                 /* all of the context */
    struct hl_secret_wait *next_pending, *previous_pending; /* for the host's dispatch */
    bool pending;
};

bool hl_secret_reference_valid(const char *text, const char **expected)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char digits[] = "0123456789";
    *expected = "a reference such as env:NAME";
    if (strncmp(text, "env:", 4) != 0)
        return false;
    const char *name = text + 4;
    if (!*name || !strchr(letters, *name))
        return false;
    while (*name && (strchr(letters, *name) || strchr(digits, *name)))
        name++;
    return !*name;
}

/* --- The request --- */

static void release_request(homelab_secret_request *request)
{
    if (atomic_fetch_sub(&request->refs, 1) != 1)
        return;
    pthread_mutex_destroy(&request->mutex);
    hl_free(request->reference);
    hl_free(request->subject);
    hl_free(request);
}

static homelab_secret_request *new_request(homelab_ctx *ctx, int kind, const char *reference,
                                           const char *subject, int attempt)
{
    homelab_secret_request *request = hl_calloc(1, sizeof *request);
    if (!request)
        return NULL;
    atomic_init(&request->handles, 1);
    atomic_init(&request->refs, 1);
    pthread_mutex_init(&request->mutex, NULL);
    request->allocator = ctx->allocator;
    request->kind = kind;
    request->attempt = attempt;
    request->reference = hl_strdup(reference);
    request->subject = hl_strdup(subject);
    if (!request->reference || !request->subject) {
        release_request(request);
        return NULL;
    }
    return request;
}

static int taken(const homelab_secret_request *request)
{
    return hl_error_set(HOMELAB_E_STATE, 0, request->reference, "secret '%s': %s",
                        request->reference,
                        request->answered ? "answered before" : "nobody waits for it any more");
}

/* Gives the wait its answer; secret is taken over on success. */
static int settle(homelab_secret_request *request, char *secret, const struct hl_error *error)
{
    pthread_mutex_lock(&request->mutex);
    struct hl_secret_wait *wait = request->wait;
    if (request->answered || !wait) {
        int code = taken(request);
        pthread_mutex_unlock(&request->mutex);
        return code;
    }
    request->answered = true;
    wait->secret = secret;
    if (error)
        wait->error = *error;
    hl_loop_post(hl_ctx_loop(wait->ctx), &wait->done);
    pthread_mutex_unlock(&request->mutex);
    return HOMELAB_OK;
}

static void settle_error(homelab_secret_request *request, int code, const char *reason)
{
    struct hl_error error, before;
    hl_error_save(&before);
    hl_error_format(&error, code, 0, request->subject, "%s", reason);
    settle(request, NULL, &error);
    hl_error_restore(&before);
}

homelab_secret_request *homelab_secret_request_ref(homelab_secret_request *request)
{
    if (request)
        atomic_fetch_add(&request->handles, 1);
    return request;
}

void homelab_secret_request_unref(homelab_secret_request *request)
{
    if (!request || atomic_fetch_sub(&request->handles, 1) != 1)
        return;
    settle_error(request, HOMELAB_E_SECRET_REFUSED, "the provider dropped the request unanswered");
    release_request(request);
}

int homelab_secret_request_kind(const homelab_secret_request *request)
{
    return request ? request->kind : 0;
}

const char *homelab_secret_request_reference(const homelab_secret_request *request)
{
    return request ? request->reference : NULL;
}

const char *homelab_secret_request_subject(const homelab_secret_request *request)
{
    return request ? request->subject : NULL;
}

int homelab_secret_request_attempt(const homelab_secret_request *request)
{
    return request ? request->attempt : 0;
}

int homelab_secret_request_answer(homelab_secret_request *request, const char *secret)
{
    HL_API(request ? request->allocator : NULL);
    if (!request)
        return hl_error_argument("request", "a secret request");
    if (!secret)
        return hl_error_argument("secret", "a text");
    size_t length = strnlen(secret, SECRET_MAX + 1);
    if (length > SECRET_MAX)
        return hl_error_set(HOMELAB_E_LIMIT, 0, request->reference,
                            "secret '%s': found more than %d bytes", request->reference,
                            SECRET_MAX);
    char *copy = hl_strndup(secret, length);
    if (!copy)
        return hl_error_nomem();
    int code = settle(request, copy, NULL);
    if (code)
        hl_free_secret(copy);
    return code;
}

int homelab_secret_request_refuse(homelab_secret_request *request, const char *reason)
{
    HL_API(request ? request->allocator : NULL);
    if (!request)
        return hl_error_argument("request", "a secret request");
    struct hl_error error;
    hl_error_format(&error, HOMELAB_E_SECRET_REFUSED, 0, request->subject, "%s",
                    reason ? reason : "the provider refused it");
    return settle(request, NULL, &error);
}

/* --- The wait --- */

static void unlink_pending(struct hl_secret_wait *wait)
{
    struct hl_secret_list *list = &wait->ctx->secrets;
    if (!wait->pending)
        return;
    struct hl_secret_wait *next = wait->next_pending, *previous = wait->previous_pending;
    *(previous ? &previous->next_pending : &list->pending) = next;
    *(next ? &next->previous_pending : &list->pending_last) = previous;
    wait->pending = false;
}

static void link_pending(struct hl_secret_wait *wait)
{
    struct hl_secret_list *list = &wait->ctx->secrets;
    wait->next_pending = NULL;
    wait->previous_pending = list->pending_last;
    *(list->pending_last ? &list->pending_last->next_pending : &list->pending) = wait;
    list->pending_last = wait;
    wait->pending = true;
}

static void link_wait(struct hl_secret_wait *wait)
{
    struct hl_secret_list *list = &wait->ctx->secrets;
    wait->next = list->first;
    if (list->first)
        list->first->previous = wait;
    list->first = wait;
}

static void unlink_wait(struct hl_secret_wait *wait)
{
    *(wait->previous ? &wait->previous->next : &wait->ctx->secrets.first) = wait->next;
    if (wait->next)
        wait->next->previous = wait->previous;
}

/* Hands the request's first handle to who asks the provider. */
static homelab_secret_request *hand(struct hl_secret_wait *wait)
{
    wait->handed = true;
    return wait->request;
}

void hl_secret_cancel(struct hl_secret_wait *wait)
{
    if (!wait)
        return;
    homelab_secret_request *request = wait->request;
    pthread_mutex_lock(&request->mutex);
    request->wait = NULL; /* from here on nobody posts */
    pthread_mutex_unlock(&request->mutex);
    hl_loop_unpost(hl_ctx_loop(wait->ctx), &wait->ask);
    hl_loop_unpost(hl_ctx_loop(wait->ctx), &wait->done);
    unlink_pending(wait);
    unlink_wait(wait);
    if (!wait->handed)
        homelab_secret_request_unref(request);
    hl_free_secret(wait->secret);
    hl_free(wait);
    release_request(request);
}

static void on_done(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    struct hl_secret_wait *wait = userdata;
    hl_secret_done_fn fn = wait->fn;
    void *owner = wait->userdata;
    char *secret = wait->secret;
    struct hl_error error = wait->error;
    wait->secret = NULL;
    hl_secret_cancel(wait);
    fn(secret, secret ? NULL : &error, owner);
    hl_free_secret(secret);
}

/* Asks a provider and lives up to what its answer means. True when the next one is to be asked. */
static bool consult(homelab_secret_request *request, homelab_secret_fn fn, void *userdata)
{
    int answer = fn(request, userdata);
    if (answer == HOMELAB_SECRET_PASS)
        return true;
    if (answer == HOMELAB_SECRET_LATER)
        return false;
    /* Without effect when it was answered. */
    if (answer == HOMELAB_SECRET_DONE)
        settle_error(request, HOMELAB_E_SECRET_REFUSED, "the provider gave no answer");
    else if (answer == HOMELAB_E_NOMEM)
        settle_error(request, HOMELAB_E_NOMEM, "out of memory");
    else
        settle_error(request, HOMELAB_E_SECRET_REFUSED, "the provider failed");
    return false;
}

static void consult_builtin(homelab_secret_request *request)
{
    if (consult(request, hl_secret_env, NULL))
        settle_error(request, HOMELAB_E_SECRET_UNAVAILABLE, "no provider knows this reference");
    homelab_secret_request_unref(request);
}

static void on_ask(struct hl_loop *loop, void *userdata)
{
    (void)loop;
    consult_builtin(hand(userdata));
}

int hl_secret_ask(homelab_ctx *ctx, int kind, const char *reference, const char *subject,
                  int attempt, hl_secret_done_fn fn, void *userdata, struct hl_secret_wait **out)
{
    int code = hl_ctx_check(ctx);
    if (code)
        return code;
    struct hl_secret_wait *wait = hl_calloc(1, sizeof *wait);
    if (!wait)
        return hl_error_nomem();
    wait->request = new_request(ctx, kind, reference, subject, attempt);
    if (!wait->request) {
        hl_free(wait);
        return hl_error_nomem();
    }
    atomic_fetch_add(&wait->request->refs, 1);
    wait->request->wait = wait;
    wait->ctx = ctx;
    wait->fn = fn;
    wait->userdata = userdata;
    wait->ask = (struct hl_task){.fn = on_ask, .userdata = wait};
    wait->done = (struct hl_task){.fn = on_done, .userdata = wait};
    link_wait(wait);
    if (ctx->secrets.hook)
        link_pending(wait);
    else
        hl_loop_post(hl_ctx_loop(ctx), &wait->ask);
    *out = wait;
    return HOMELAB_OK;
}

/* --- The host's provider --- */

bool hl_secrets_due(const homelab_ctx *ctx)
{
    return ctx->secrets.pending != NULL;
}

/* Takes the next request up to the last one that was there at the start. */
static homelab_secret_request *take(homelab_ctx *ctx, struct hl_hook **hook)
{
    hl_ctx_lock(ctx);
    struct hl_secret_wait *wait = ctx->secrets.pending;
    homelab_secret_request *request = NULL;
    if (wait) {
        unlink_pending(wait);
        request = hand(wait);
        *hook = hl_hook_ref(ctx->secrets.hook);
    }
    hl_ctx_unlock(ctx);
    return request;
}

bool hl_secrets_deliver(homelab_ctx *ctx)
{
    size_t count = 0;
    hl_ctx_lock(ctx);
    for (struct hl_secret_wait *wait = ctx->secrets.pending; wait; wait = wait->next_pending)
        count++;
    hl_ctx_unlock(ctx);
    struct hl_hook *hook = NULL;
    homelab_secret_request *request;
    bool any = false;
    while (count-- > 0 && (request = take(ctx, &hook)) != NULL) {
        any = true;
        if (!hook || consult(request, hook->fn.secret, hook->userdata))
            consult_builtin(request);
        else
            homelab_secret_request_unref(request);
        hl_hook_unref(hook);
    }
    return any;
}

int homelab_ctx_set_secret_provider(homelab_ctx *ctx, homelab_secret_fn fn, void *userdata,
                                    homelab_destroy_fn destroy)
{
    HL_API(hl_ctx_allocator(ctx));
    struct hl_hook hook = {.fn.secret = fn, .userdata = userdata, .destroy = destroy};
    return hl_hook_set(ctx, ctx ? &ctx->secrets.hook : NULL, &hook, fn != NULL);
}

void hl_secrets_close(homelab_ctx *ctx)
{
    struct hl_error error;
    hl_error_format(&error, HOMELAB_E_CLOSED, 0, "context", "context: closed");
    while (ctx->secrets.first) {
        struct hl_secret_wait *wait = ctx->secrets.first;
        hl_secret_done_fn fn = wait->fn;
        void *userdata = wait->userdata;
        hl_secret_cancel(wait);
        fn(NULL, &error, userdata);
    }
}

void hl_secrets_free(homelab_ctx *ctx)
{
    hl_hook_unref(ctx->secrets.hook);
    ctx->secrets.hook = NULL;
}
