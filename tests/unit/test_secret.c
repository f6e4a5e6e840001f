#include "core/secret.h"

#include "core/ctx.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failmalloc.h"
#include "support/patient.h"
#include "support/readable.h"

static int with_ctx(void **state)
{
    return patient_ctx_new((homelab_ctx **)state);
}

static int without_ctx(void **state)
{
    homelab_ctx_unref(*state);
    return 0;
}

struct asking {
    struct hl_secret_wait *wait;
    int calls;
    char secret[64];
    struct hl_error error;
};

static void on_done(const char *secret, const struct hl_error *error, void *userdata)
{
    struct asking *asking = userdata;
    asking->calls++;
    asking->wait = NULL;
    snprintf(asking->secret, sizeof asking->secret, "%s", secret ? secret : "(none)");
    assert_true((secret == NULL) == (error != NULL));
    if (error)
        asking->error = *error;
}

static void ask(homelab_ctx *ctx, struct asking *asking, const char *reference)
{
    *asking = (struct asking){0};
    assert_int_equal(hl_ctx_enter(ctx), 0);
    assert_int_equal(hl_secret_ask(ctx, HOMELAB_SECRET_KIND_API_KEY, reference, "local/ollama", 2,
                                   on_done, asking, &asking->wait),
                     0);
    hl_ctx_leave(ctx);
    assert_int_equal(asking->calls, 0);
}

/* What the host's provider does with a request. */
struct provider {
    enum does {
        ANSWER,
        ANSWER_TWICE,
        REFUSE,
        REFUSE_WITHOUT_REASON,
        PASS,
        LATER,
        LATER_WITHOUT_REFERENCE,
        NOTHING,
        FAIL,
        OUT_OF_MEMORY,
        NONSENSE,
    } does;
    int calls, destroyed;
    homelab_secret_request *kept;
};

static int provide(homelab_secret_request *request, void *userdata)
{
    struct provider *provider = userdata;
    provider->calls++;
    assert_int_equal(homelab_secret_request_kind(request), HOMELAB_SECRET_KIND_API_KEY);
    assert_string_equal(homelab_secret_request_subject(request), "local/ollama");
    assert_int_equal(homelab_secret_request_attempt(request), 2);
    switch (provider->does) {
    case ANSWER:
        assert_int_equal(homelab_secret_request_answer(request, "hush"), 0);
        return HOMELAB_SECRET_DONE;
    case ANSWER_TWICE:
        assert_int_equal(homelab_secret_request_answer(request, "hush"), 0);
        assert_int_equal(homelab_secret_request_answer(request, "other"), HOMELAB_E_STATE);
        assert_int_equal(homelab_secret_request_refuse(request, "no"), HOMELAB_E_STATE);
        return HOMELAB_SECRET_DONE;
    case REFUSE:
        assert_int_equal(homelab_secret_request_refuse(request, "the vault is sealed"), 0);
        return HOMELAB_SECRET_DONE;
    case REFUSE_WITHOUT_REASON:
        assert_int_equal(homelab_secret_request_refuse(request, NULL), 0);
        return HOMELAB_SECRET_DONE;
    case PASS:
        return HOMELAB_SECRET_PASS;
    case LATER:
        provider->kept = homelab_secret_request_ref(request);
        return HOMELAB_SECRET_LATER;
    case LATER_WITHOUT_REFERENCE:
        return HOMELAB_SECRET_LATER;
    case NOTHING:
        return HOMELAB_SECRET_DONE;
    case FAIL:
        return HOMELAB_E_USER;
    case OUT_OF_MEMORY:
        return HOMELAB_E_NOMEM;
    default:
        return 77;
    }
}

static void on_destroy(void *userdata)
{
    ((struct provider *)userdata)->destroyed++;
}

static void test_builtin(void **state)
{
    static const struct {
        const char *reference, *secret;
        int code;
        const char *message;
    } cases[] = {
        {"env:HL_TEST_KEY", "value", 0, ""},
        {"env:HL_TEST_UNSET", "(none)", HOMELAB_E_SECRET_REFUSED,
         "environment variable HL_TEST_UNSET is not set"},
        {"env:HL_TEST_EMPTY", "(none)", HOMELAB_E_SECRET_REFUSED,
         "environment variable HL_TEST_EMPTY is empty"},
        {"vault:x", "(none)", HOMELAB_E_SECRET_UNAVAILABLE, "no provider knows this reference"},
    };
    setenv("HL_TEST_KEY", "value", 1);
    setenv("HL_TEST_EMPTY", "", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct asking asking;
        ask(*state, &asking, cases[i].reference);
        assert_true(readable(homelab_ctx_fd(*state)));
        assert_int_equal(homelab_ctx_dispatch(*state, 0), 0);
        assert_int_equal(asking.calls, 1);
        assert_string_equal(asking.secret, cases[i].secret);
        assert_int_equal(asking.error.code, cases[i].code);
        assert_string_equal(asking.error.message, cases[i].message);
        assert_string_equal(asking.error.subject, cases[i].code ? "local/ollama" : "");
        assert_false(readable(homelab_ctx_fd(*state)));
    }
}

static void test_provider(void **state)
{
    static const struct {
        enum does does;
        const char *secret;
        int code;
        const char *message;
    } cases[] = {
        {ANSWER, "hush", 0, ""},
        {ANSWER_TWICE, "hush", 0, ""},
        {REFUSE, "(none)", HOMELAB_E_SECRET_REFUSED, "the vault is sealed"},
        {REFUSE_WITHOUT_REASON, "(none)", HOMELAB_E_SECRET_REFUSED, "the provider refused it"},
        {PASS, "value", 0, ""},
        {LATER_WITHOUT_REFERENCE, "(none)", HOMELAB_E_SECRET_REFUSED,
         "the provider dropped the request unanswered"},
        {NOTHING, "(none)", HOMELAB_E_SECRET_REFUSED, "the provider gave no answer"},
        {FAIL, "(none)", HOMELAB_E_SECRET_REFUSED, "the provider failed"},
        {OUT_OF_MEMORY, "(none)", HOMELAB_E_NOMEM, "out of memory"},
        {NONSENSE, "(none)", HOMELAB_E_SECRET_REFUSED, "the provider failed"},
    };
    setenv("HL_TEST_KEY", "value", 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct provider provider = {.does = cases[i].does};
        struct asking asking;
        assert_int_equal(homelab_ctx_set_secret_provider(*state, provide, &provider, on_destroy),
                         0);
        ask(*state, &asking, "env:HL_TEST_KEY");
        assert_int_equal(provider.calls, 0);
        /* One dispatch for the question, the answer, and what the asking part does with it. */
        assert_true(readable(homelab_ctx_fd(*state)));
        assert_int_equal(homelab_ctx_dispatch(*state, 0), 0);
        assert_int_equal(provider.calls, 1);
        assert_int_equal(asking.calls, 1);
        assert_string_equal(asking.secret, cases[i].secret);
        assert_int_equal(asking.error.code, cases[i].code);
        assert_string_equal(asking.error.message, cases[i].message);
        assert_false(readable(homelab_ctx_fd(*state)));
        homelab_ctx_set_secret_provider(*state, NULL, NULL, NULL);
        assert_int_equal(provider.destroyed, 1);
    }
}

static void *answer_later(void *userdata)
{
    struct provider *provider = userdata;
    assert_int_equal(homelab_secret_request_answer(provider->kept, "late"), 0);
    homelab_secret_request_unref(provider->kept);
    return NULL;
}

static void test_later_from_a_thread(void **state)
{
    struct provider provider = {.does = LATER};
    struct asking asking;
    homelab_ctx_set_secret_provider(*state, provide, &provider, NULL);
    ask(*state, &asking, "env:HL_TEST_KEY");
    homelab_ctx_dispatch(*state, 0);
    assert_int_equal(asking.calls, 0);
    assert_false(readable(homelab_ctx_fd(*state)));
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer_later, &provider), 0);
    assert_true(readable_within(homelab_ctx_fd(*state), 5000));
    homelab_ctx_dispatch(*state, 0);
    pthread_join(thread, NULL);
    assert_int_equal(asking.calls, 1);
    assert_string_equal(asking.secret, "late");
}

static void test_later_dropped(void **state)
{
    struct provider provider = {.does = LATER};
    struct asking asking;
    homelab_ctx_set_secret_provider(*state, provide, &provider, NULL);
    ask(*state, &asking, "env:HL_TEST_KEY");
    homelab_ctx_dispatch(*state, 0);
    homelab_secret_request_unref(provider.kept);
    assert_true(readable(homelab_ctx_fd(*state)));
    homelab_ctx_dispatch(*state, 0);
    assert_int_equal(asking.error.code, HOMELAB_E_SECRET_REFUSED);
}

/* Whoever asked lost interest: before the provider was asked, while it thinks, after it answered.
 */
static void test_cancel(void **state)
{
    struct provider provider = {.does = LATER};
    struct asking asking;
    homelab_ctx_set_secret_provider(*state, provide, &provider, NULL);
    ask(*state, &asking, "env:HL_TEST_KEY");
    hl_secret_cancel(asking.wait);
    homelab_ctx_dispatch(*state, 0);
    assert_int_equal(provider.calls, 0);

    ask(*state, &asking, "env:HL_TEST_KEY");
    homelab_ctx_dispatch(*state, 0);
    hl_secret_cancel(asking.wait);
    assert_int_equal(homelab_secret_request_answer(provider.kept, "x"), HOMELAB_E_STATE);
    assert_string_equal(homelab_error_message(),
                        "secret 'env:HL_TEST_KEY': nobody waits for it any more");
    homelab_secret_request_unref(provider.kept);

    ask(*state, &asking, "env:HL_TEST_KEY");
    homelab_ctx_dispatch(*state, 0);
    assert_int_equal(homelab_secret_request_answer(provider.kept, "x"), HOMELAB_OK);
    hl_secret_cancel(asking.wait);
    homelab_secret_request_unref(provider.kept);

    homelab_ctx_set_secret_provider(*state, NULL, NULL, NULL);
    ask(*state, &asking, "env:HL_TEST_KEY");
    hl_secret_cancel(asking.wait);
    hl_secret_cancel(NULL);
    homelab_ctx_dispatch(*state, 0);
    assert_int_equal(asking.calls, 0);
}

static void test_close(void **state)
{
    struct provider provider = {.does = LATER};
    struct asking asked, waiting;
    homelab_ctx_set_secret_provider(*state, provide, &provider, NULL);
    ask(*state, &asked, "env:HL_TEST_KEY");
    homelab_ctx_dispatch(*state, 0);
    ask(*state, &waiting, "env:HL_TEST_KEY");
    assert_int_equal(homelab_ctx_close(*state), 0);
    assert_int_equal(asked.error.code, HOMELAB_E_CLOSED);
    assert_int_equal(waiting.error.code, HOMELAB_E_CLOSED);
    assert_int_equal(homelab_secret_request_answer(provider.kept, "x"), HOMELAB_E_STATE);
    homelab_secret_request_unref(provider.kept);
    assert_int_equal(hl_secret_ask(*state, HOMELAB_SECRET_KIND_API_KEY, "env:A", "x", 1, on_done,
                                   &asked, &asked.wait),
                     HOMELAB_E_CLOSED);
}

static void test_request_outlives_the_context(void **state)
{
    (void)state;
    homelab_ctx *ctx;
    struct provider provider = {.does = LATER};
    struct asking asking;
    assert_int_equal(homelab_ctx_new(&ctx, NULL), 0);
    homelab_ctx_set_secret_provider(ctx, provide, &provider, on_destroy);
    ask(ctx, &asking, "env:HL_TEST_KEY");
    homelab_ctx_dispatch(ctx, 0);
    homelab_ctx_unref(ctx);
    assert_int_equal(provider.destroyed, 1);
    assert_string_equal(homelab_secret_request_reference(provider.kept), "env:HL_TEST_KEY");
    assert_int_equal(homelab_secret_request_refuse(provider.kept, NULL), HOMELAB_E_STATE);
    homelab_secret_request_unref(provider.kept);
}

static void test_arguments(void **state)
{
    assert_null(homelab_secret_request_ref(NULL));
    homelab_secret_request_unref(NULL);
    assert_int_equal(homelab_secret_request_kind(NULL), 0);
    assert_null(homelab_secret_request_reference(NULL));
    assert_null(homelab_secret_request_subject(NULL));
    assert_int_equal(homelab_secret_request_attempt(NULL), 0);
    assert_int_equal(homelab_secret_request_answer(NULL, "x"), HOMELAB_E_INVALID);
    assert_int_equal(homelab_secret_request_refuse(NULL, "x"), HOMELAB_E_INVALID);
    assert_int_equal(homelab_ctx_set_secret_provider(NULL, NULL, NULL, NULL), HOMELAB_E_INVALID);

    struct provider provider = {.does = LATER};
    struct asking asking;
    homelab_ctx_set_secret_provider(*state, provide, &provider, NULL);
    ask(*state, &asking, "env:HL_TEST_KEY");
    homelab_ctx_dispatch(*state, 0);
    char *huge = calloc(1, 16386);
    memset(huge, 's', 16385);
    assert_int_equal(homelab_secret_request_answer(provider.kept, NULL), HOMELAB_E_INVALID);
    assert_int_equal(homelab_secret_request_answer(provider.kept, huge), HOMELAB_E_LIMIT);
    assert_null(strstr(homelab_error_message(), "sss"));
    huge[16384] = '\0';
    assert_int_equal(homelab_secret_request_answer(provider.kept, huge), HOMELAB_OK);
    free(huge);
    homelab_secret_request_unref(provider.kept);
    homelab_ctx_dispatch(*state, 0);
    assert_int_equal(asking.calls, 1);
}

/* No log line, however detailed, and no event has the secret. */
static void test_nothing_is_told(void **state)
{
    struct provider provider = {.does = ANSWER};
    struct asking asking;
    homelab_ctx_set_secret_provider(*state, provide, &provider, NULL);
    ask(*state, &asking, "env:HL_TEST_KEY");
    homelab_ctx_dispatch(*state, 0);
    char *log = homelab_ctx_log_text(*state);
    char *stats = homelab_ctx_stats_json(*state);
    assert_null(strstr(log, "hush"));
    assert_null(strstr(stats, "hush"));
    homelab_free(log);
    homelab_free(stats);
}

static void test_references(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"env:OLLAMA_KEY", true}, {"env:_", true},    {"env:a1", true},   {"env:", false},
        {"env:1A", false},        {"env:A B", false}, {"env:A-B", false}, {"ENV:A", false},
        {"sk-1234", false},       {"", false},        {"env", false},     {"vault:a", false},
        {"env:\xc3\xa9", false},  {"env:A\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *expected = NULL;
        assert_int_equal(hl_secret_reference_valid(cases[i].text, &expected), cases[i].valid);
        assert_non_null(expected);
    }
}

static int one_run(void *userdata)
{
    homelab_ctx *ctx = userdata;
    struct asking asking = {0};
    hl_error_clear();
    int code = hl_secret_ask(ctx, HOMELAB_SECRET_KIND_API_KEY, "env:HL_TEST_KEY", "local/ollama", 2,
                             on_done, &asking, &asking.wait);
    if (code)
        return failmalloc_failed(code);
    assert_int_equal(homelab_ctx_dispatch(ctx, 0), 0);
    assert_int_equal(asking.calls, 1);
    return HOMELAB_OK;
}

static void test_out_of_memory(void **state)
{
    setenv("HL_TEST_KEY", "value", 1);
    fail_each_allocation(one_run, *state);
}

#define ON_CTX(test) cmocka_unit_test_setup_teardown(test, with_ctx, without_ctx)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_CTX(test_builtin),
        ON_CTX(test_provider),
        ON_CTX(test_later_from_a_thread),
        ON_CTX(test_later_dropped),
        ON_CTX(test_cancel),
        ON_CTX(test_close),
        cmocka_unit_test(test_request_outlives_the_context),
        ON_CTX(test_arguments),
        ON_CTX(test_nothing_is_told),
        cmocka_unit_test(test_references),
        ON_CTX(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
