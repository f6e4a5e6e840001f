#include "support/failmalloc.h"

#include <homelab/error.h>

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_ALLOCATIONS 200000

/* Under AddressSanitizer strdup() and its like take memory without malloc(), so the count is off;
 * leaks are found by LeakSanitizer there. */
#ifdef HOMELAB_SANITIZED
#define COUNTS_ALL false
#else
#define COUNTS_ALL true
#endif

static _Thread_local struct {
    bool armed, onwards;
    size_t at, seen;
} plan;
static _Thread_local bool record_seen;
static atomic_long live;

static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);

/* dlsym() itself allocates before there is anybody to ask. */
static _Alignas(max_align_t) char early[8192];
static size_t early_used;
static bool resolving;

static bool is_early(const void *block)
{
    return (uintptr_t)block >= (uintptr_t)early &&
           (uintptr_t)block < (uintptr_t)(early + sizeof early);
}

static void *early_take(size_t size)
{
    size_t room = (size + 15) & ~(size_t)15;
    if (room > sizeof early - early_used)
        return NULL;
    early_used += room;
    return early + early_used - room;
}

static void resolve(void)
{
    resolving = true;
    *(void **)&next_calloc = dlsym(RTLD_NEXT, "calloc");
    *(void **)&next_realloc = dlsym(RTLD_NEXT, "realloc");
    *(void **)&next_free = dlsym(RTLD_NEXT, "free");
    *(void **)&next_malloc = dlsym(RTLD_NEXT, "malloc");
    resolving = false;
}

static bool ready(void)
{
    if (!next_malloc && !resolving)
        resolve();
    return next_malloc != NULL;
}

static bool fails(void)
{
    if (!plan.armed)
        return false;
    plan.seen++;
    bool fail = plan.at && (plan.onwards ? plan.seen >= plan.at : plan.seen == plan.at);
    if (fail)
        errno = ENOMEM;
    return fail;
}

static void *counted(void *block)
{
    if (block)
        atomic_fetch_add(&live, 1);
    return block;
}

void *malloc(size_t size)
{
    if (!ready())
        return early_take(size);
    return fails() ? NULL : counted(next_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    if (!ready())
        return early_take(count * size);
    return fails() ? NULL : counted(next_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
    if (!ready() || is_early(block))
        return NULL;
    if (fails())
        return NULL;
    void *grown = next_realloc(block, size);
    return block ? grown : counted(grown);
}

void free(void *block)
{
    if (!block || is_early(block) || !ready())
        return;
    atomic_fetch_sub(&live, 1);
    next_free(block);
}

/* A sanitizer's own would not come by malloc(). */
char *strndup(const char *text, size_t most)
{
    size_t length = strnlen(text, most);
    char *copy = malloc(length + 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *strdup(const char *text)
{
    return strndup(text, SIZE_MAX - 1);
}

void failmalloc_arm(size_t n, bool onwards)
{
    plan.at = n;
    plan.onwards = onwards;
    plan.seen = 0;
    plan.armed = true;
}

size_t failmalloc_disarm(void)
{
    plan.armed = false;
    return plan.seen;
}

long failmalloc_live(void)
{
    return atomic_load(&live);
}

int failmalloc_failed(int code)
{
    bool armed = plan.armed;
    plan.armed = false;
    assert_true(code < 0);
    assert_int_equal(homelab_error_code(), code);
    assert_true(homelab_error_message()[0] != '\0');
    record_seen = true;
    plan.armed = armed;
    return code;
}

/* Whether the allocation that was to fail was reached. */
static bool run(int (*fn)(void *userdata), void *userdata, size_t n, bool onwards)
{
    long before = failmalloc_live();
    record_seen = false;
    failmalloc_arm(n, onwards);
    int code = fn(userdata);
    size_t seen = failmalloc_disarm();
    if (COUNTS_ALL && failmalloc_live() != before)
        fail_msg("allocation %zu failed%s: %ld blocks leaked", n,
                 onwards ? " and all after it" : "", failmalloc_live() - before);
    if (seen < n || n == 0)
        assert_int_equal(code, HOMELAB_OK);
    if (code && !record_seen)
        fail_msg("allocation %zu failed: code %d without failmalloc_failed()", n, code);
    return seen >= n;
}

void fail_each_allocation(int (*fn)(void *userdata), void *userdata)
{
    assert_int_equal(fn(userdata), HOMELAB_OK);
    run(fn, userdata, 0, false);
    for (int onwards = 0; onwards < 2; onwards++) {
        size_t n = 1;
        while (run(fn, userdata, n, onwards != 0))
            if (++n > MOST_ALLOCATIONS)
                fail_msg("more than %d allocations in one run", MOST_ALLOCATIONS);
    }
}
