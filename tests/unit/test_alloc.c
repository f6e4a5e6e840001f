#include "core/alloc.h"

#include "core/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failmalloc.h"

struct account {
    int mallocs, reallocs, frees;
};

static void *count_malloc(size_t size, void *userdata)
{
    ((struct account *)userdata)->mallocs++;
    return malloc(size);
}

static void *count_realloc(void *block, size_t size, void *userdata)
{
    ((struct account *)userdata)->reallocs++;
    return realloc(block, size);
}

static void count_free(void *block, void *userdata)
{
    assert_non_null(block);
    ((struct account *)userdata)->frees++;
    free(block);
}

static void test_blocks_remember_their_allocator(void **state)
{
    (void)state;
    struct account account = {0};
    homelab_allocator *allocator;
    assert_int_equal(
        homelab_allocator_new(&allocator, count_malloc, count_realloc, count_free, &account), 0);
    char *before = hl_malloc(1);
    homelab_allocator *former = hl_allocator_swap(allocator);
    assert_null(former);
    char *block = hl_calloc(3, 5);
    assert_int_equal(account.mallocs, 2);
    for (int i = 0; i < 15; i++)
        assert_int_equal(block[i], 0);
    assert_int_equal((uintptr_t)block % _Alignof(max_align_t), 0);
    before = hl_realloc(before, 100); /* stays libc's */
    assert_int_equal(account.reallocs, 0);
    hl_free(before);
    assert_int_equal(account.frees, 0);
    assert_ptr_equal(hl_allocator_swap(NULL), allocator);
    block = hl_realloc(block, 1000);
    assert_int_equal(account.reallocs, 1);
    homelab_free(block);
    assert_int_equal(account.frees, 1);
    homelab_allocator_free(allocator);
    assert_int_equal(account.frees, 2);
    homelab_allocator_free(NULL);
    homelab_free(NULL);
}

static int scoped(homelab_allocator *allocator, bool early)
{
    HL_API(allocator);
    assert_int_equal(homelab_error_code(), 0);
    if (early)
        return hl_error_nomem();
    hl_free(hl_malloc(1));
    return HOMELAB_OK;
}

static void test_scope_of_a_call(void **state)
{
    (void)state;
    struct account account = {0};
    homelab_allocator *allocator;
    homelab_allocator_new(&allocator, count_malloc, count_realloc, count_free, &account);
    assert_int_equal(scoped(allocator, true), HOMELAB_E_NOMEM);
    assert_int_equal(scoped(allocator, false), HOMELAB_OK);
    assert_int_equal(account.mallocs, 2);
    hl_free(hl_malloc(1));
    assert_int_equal(account.mallocs, 2);
    homelab_allocator_free(allocator);
}

static void test_sizes(void **state)
{
    (void)state;
    assert_null(hl_malloc(SIZE_MAX));
    assert_null(hl_malloc(SIZE_MAX - 8));
    assert_null(hl_calloc(SIZE_MAX / 2, 3));
    assert_null(hl_reallocarray(NULL, SIZE_MAX / 2, 3));
    char *block = hl_malloc(0);
    assert_non_null(block);
    assert_null(hl_realloc(block, SIZE_MAX));
    assert_null(hl_strndup("x", SIZE_MAX));
    hl_free(block);
    hl_free(hl_calloc(0, 0));
    hl_free(hl_reallocarray(NULL, 0, 8));
}

static void test_texts(void **state)
{
    (void)state;
    char *copy = hl_strdup("hello");
    assert_string_equal(copy, "hello");
    hl_free(copy);
    copy = hl_strndup("hello", 2);
    assert_string_equal(copy, "he");
    hl_free_secret(copy);
    hl_free_secret(NULL);
}

static void test_grow(void **state)
{
    (void)state;
    int *items = NULL;
    size_t capacity = 0;
    uint64_t before = hl_alloc_count();
    for (size_t count = 0; count < 1000; count++) {
        assert_int_equal(hl_grow((void **)&items, &capacity, count, sizeof *items), 0);
        items[count] = (int)count;
    }
    assert_int_equal(items[999], 999);
    assert_true(hl_alloc_count() - before <= 9);
    hl_free(items);
    items = NULL;
    capacity = SIZE_MAX / 2 + 1;
    assert_int_equal(hl_grow((void **)&items, &capacity, capacity, sizeof *items), HOMELAB_E_NOMEM);
}

static void test_arguments(void **state)
{
    (void)state;
    homelab_allocator *allocator = NULL;
    assert_int_equal(homelab_allocator_new(NULL, count_malloc, count_realloc, count_free, NULL),
                     HOMELAB_E_INVALID);
    assert_int_equal(homelab_allocator_new(&allocator, NULL, count_realloc, count_free, NULL),
                     HOMELAB_E_INVALID);
    assert_null(allocator);
}

static int one_run(void *userdata)
{
    (void)userdata;
    hl_error_clear();
    char *text = hl_strdup("a");
    void *array = hl_reallocarray(NULL, 4, 4);
    void *grown = array ? hl_realloc(array, 4000) : NULL;
    if (grown)
        array = grown;
    bool complete = text && array && grown;
    hl_free(text);
    hl_free(array);
    return complete ? HOMELAB_OK : failmalloc_failed(hl_error_nomem());
}

static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(one_run, NULL);
}

static void test_harness(void **state)
{
    (void)state;
    failmalloc_arm(2, false);
    void *volatile first = malloc(1);
    void *volatile second = malloc(1);
    void *volatile third = calloc(1, 1);
    assert_int_equal(failmalloc_disarm(), 3);
    assert_true(first && !second && third);
    long live = failmalloc_live();
    free(first);
    free(third);
    assert_int_equal(failmalloc_live(), live - 2);
    failmalloc_arm(1, true);
    first = realloc(NULL, 5);
    second = strdup("allocated inside libc");
    assert_int_equal(failmalloc_disarm(), 2);
    assert_true(!first && !second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_remember_their_allocator),
        cmocka_unit_test(test_scope_of_a_call),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_grow),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_harness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
