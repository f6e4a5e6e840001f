/* Headers and estimates in several threads at once, and in a child after a fork. */
#include <homelab/vram.h>

#include <homelab/error.h>
#include <homelab/memory.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS 4
#define ROUNDS  20
#define MODEL   "llama-3.2-1b.Q4_K_M"

/* What all share, and what they must all come to. */
struct shared {
    homelab_gguf *gguf;
    homelab_opts *opts;
    homelab_estimate *estimate;
    int64_t total;
    atomic_int failures;
};

static homelab_gguf *load(const char *name)
{
    char path[512];
    homelab_gguf *gguf = NULL;
    snprintf(path, sizeof(path), "%s/gguf/%s.hdr", TESTS_DATA, name);
    return homelab_gguf_load_file(&gguf, path, NULL) ? NULL : gguf;
}

static int64_t total_of(const homelab_gguf *gguf, const homelab_opts *opts)
{
    homelab_estimate *made = NULL;
    if (homelab_estimate_new(&made, gguf, opts))
        return -1;
    int64_t total = homelab_estimate_total_bytes(made, 0);
    homelab_estimate_unref(made);
    return total;
}

/* A refusal leaves its message to the thread that was refused. */
static bool refused_here(const struct shared *shared)
{
    homelab_opts *opts = NULL;
    homelab_estimate *made = NULL;
    if (homelab_opts_new(&opts) || homelab_opts_set_text(opts, "vram.type_k", "f17"))
        return false;
    int code = homelab_estimate_new(&made, shared->gguf, opts);
    homelab_opts_free(opts);
    return code == HOMELAB_E_OPTION_VALUE && strstr(homelab_error_message(), "f17");
}

static void check_round(struct shared *shared)
{
    homelab_estimate *held = homelab_estimate_ref(shared->estimate);
    homelab_gguf *own = load(MODEL);
    char *json = homelab_estimate_json(held);
    if (!own || !json || homelab_estimate_total_bytes(held, 0) != shared->total ||
        total_of(shared->gguf, shared->opts) != shared->total ||
        total_of(own, shared->opts) != shared->total || !refused_here(shared))
        atomic_fetch_add(&shared->failures, 1);
    homelab_free(json);
    homelab_gguf_unref(own);
    homelab_estimate_unref(held);
}

static void *work(void *userdata)
{
    for (int i = 0; i < ROUNDS; i++)
        check_round(userdata);
    return NULL;
}

static int with_shared(void **state)
{
    static struct shared shared;
    shared = (struct shared){.gguf = load(MODEL)};
    if (!shared.gguf || homelab_opts_new(&shared.opts) ||
        homelab_opts_set_text(shared.opts, "vram.context", "8192") ||
        homelab_estimate_new(&shared.estimate, shared.gguf, shared.opts))
        return -1;
    shared.total = homelab_estimate_total_bytes(shared.estimate, 0);
    *state = &shared;
    return 0;
}

static int without_shared(void **state)
{
    struct shared *shared = *state;
    homelab_estimate_unref(shared->estimate);
    homelab_opts_free(shared->opts);
    homelab_gguf_unref(shared->gguf);
    return 0;
}

static void test_threads(void **state)
{
    struct shared *shared = *state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, shared), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&shared->failures), 0);
}

/* Owners end in different threads: the last reference frees, whoever holds it. */
static void *drop(void *userdata)
{
    homelab_estimate_unref(userdata);
    return NULL;
}

static void test_last_reference_elsewhere(void **state)
{
    struct shared *shared = *state;
    homelab_estimate *made = NULL;
    pthread_t threads[THREADS];
    assert_int_equal(homelab_estimate_new(&made, shared->gguf, shared->opts), HOMELAB_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, drop, homelab_estimate_ref(made)), 0);
    homelab_estimate_unref(made);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void test_forked_child(void **state)
{
    struct shared *shared = *state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        check_round(shared);
        _exit(atomic_load(&shared->failures) ? 1 : 0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(total_of(shared->gguf, shared->opts), shared->total);
}

/* A fork while other threads are at work: the child has only its own thread, and no lock held. */
static void test_forked_at_work(void **state)
{
    struct shared *shared = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, work, shared), 0);
    for (int i = 0; i < 5; i++)
        test_forked_child(state);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(atomic_load(&shared->failures), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_last_reference_elsewhere),
        cmocka_unit_test(test_forked_child),
        cmocka_unit_test(test_forked_at_work),
    };
    return cmocka_run_group_tests(tests, with_shared, without_shared);
}
