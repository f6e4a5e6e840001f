#include "core/loop.h"

#include "core/heap.h"

#include <homelab/error.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failmalloc.h"
#include "support/readable.h"

#define BUDGET 1000000 /* never the reason, also under valgrind */
#define LITTLE 3000
#define COUNT  500

static struct hl_clock frozen;

static int with_frozen_loop(void **state)
{
    frozen = (struct hl_clock){.frozen = true, .now_us = 1000};
    return hl_loop_new((struct hl_loop **)state, &frozen);
}

static struct hl_clock real;

static int with_real_loop(void **state)
{
    return hl_loop_new((struct hl_loop **)state, &real);
}

static int without_loop(void **state)
{
    hl_loop_free(*state);
    return 0;
}

static void advance(struct hl_loop *loop, int64_t by_us)
{
    frozen.now_us += by_us;
    hl_loop_clock_changed(loop);
}

static char journal[64];

struct alarm {
    struct hl_timer timer;
    char name;
    int64_t again_us; /* armed again in the callback for this time from now */
    int left;
    struct alarm *disarms;
};

static void on_alarm(struct hl_loop *loop, void *userdata)
{
    struct alarm *alarm = userdata;
    size_t length = strlen(journal);
    assert_true(length < sizeof journal - 1);
    journal[length] = alarm->name;
    journal[length + 1] = '\0';
    assert_int_equal(alarm->timer.position, 0);
    if (alarm->left-- > 0)
        hl_timer_arm(loop, &alarm->timer, hl_loop_now(loop) + alarm->again_us);
    if (alarm->disarms)
        hl_timer_disarm(loop, &alarm->disarms->timer);
}

static void set(struct hl_loop *loop, struct alarm *alarm, char name)
{
    *alarm = (struct alarm){.name = name};
    hl_timer_init(&alarm->timer, on_alarm, alarm);
    assert_int_equal(hl_loop_reserve_timer(loop), 0);
}

static void test_order(void **state)
{
    struct hl_loop *loop = *state;
    struct alarm a, b, c, d;
    set(loop, &a, 'a');
    set(loop, &b, 'b');
    set(loop, &c, 'c');
    set(loop, &d, 'd');
    journal[0] = '\0';
    assert_int_equal(hl_loop_next_due(loop), -1);
    hl_timer_arm(loop, &a.timer, 3000);
    hl_timer_arm(loop, &b.timer, 2000);
    hl_timer_arm(loop, &c.timer, 2000);
    hl_timer_arm(loop, &d.timer, 9000);
    hl_timer_arm(loop, &d.timer, 1500); /* moves it */
    assert_int_equal(hl_loop_next_due(loop), 1500);
    assert_false(readable(hl_loop_fd(loop)));
    hl_loop_dispatch(loop, BUDGET);
    assert_string_equal(journal, "");

    advance(loop, 500);
    assert_true(readable(hl_loop_fd(loop)));
    hl_loop_dispatch(loop, BUDGET);
    assert_string_equal(journal, "d");
    assert_false(readable(hl_loop_fd(loop)));

    /* Equal deadlines: in the order of arming. One dispatch for all that is due. */
    advance(loop, 10000);
    hl_loop_dispatch(loop, BUDGET);
    assert_string_equal(journal, "dbca");
    assert_int_equal(hl_loop_next_due(loop), -1);
    assert_false(readable(hl_loop_fd(loop)));
    struct hl_loop_stats stats;
    hl_loop_stats(loop, &stats);
    assert_int_equal(stats.dispatches, 2);
    assert_int_equal(stats.spurious, 1);
}

static void test_changes_inside_a_callback(void **state)
{
    struct hl_loop *loop = *state;
    struct alarm a, b, c;
    set(loop, &a, 'a');
    set(loop, &b, 'b');
    set(loop, &c, 'c');
    journal[0] = '\0';
    a.disarms = &b;
    c.left = 2;
    c.again_us = 100;
    hl_timer_arm(loop, &a.timer, 1000);
    hl_timer_arm(loop, &b.timer, 1000);
    hl_timer_arm(loop, &c.timer, 1000);
    hl_loop_dispatch(loop, BUDGET);
    assert_string_equal(journal, "ac");
    assert_int_equal(hl_loop_next_due(loop), 1100);
    advance(loop, 99);
    hl_loop_dispatch(loop, BUDGET);
    assert_string_equal(journal, "ac");
    advance(loop, 1);
    hl_loop_dispatch(loop, BUDGET);
    assert_string_equal(journal, "acc");
    hl_timer_disarm(loop, &b.timer);
    hl_timer_disarm(loop, &c.timer);
    hl_timer_disarm(loop, &c.timer);
    assert_int_equal(hl_loop_next_due(loop), -1);
}

static void on_endless(struct hl_loop *loop, void *userdata)
{
    hl_timer_arm(loop, userdata, hl_loop_now(loop));
}

static void test_due_at_once_leaves_the_budget(void **state)
{
    struct hl_loop *loop = *state;
    struct alarm plain;
    struct hl_timer endless;
    set(loop, &plain, 'p');
    hl_timer_init(&endless, on_endless, &endless);
    assert_int_equal(hl_loop_reserve_timer(loop), 0);
    journal[0] = '\0';
    hl_timer_arm(loop, &endless, 0);
    hl_timer_arm(loop, &plain.timer, 1);
    assert_true(hl_loop_dispatch(loop, LITTLE));
    assert_string_equal(journal, "p");
    assert_true(readable(hl_loop_fd(loop)));
    hl_timer_disarm(loop, &endless);
    hl_loop_dispatch(loop, BUDGET);
    assert_false(readable(hl_loop_fd(loop)));
}

static void test_real_clock(void **state)
{
    struct hl_loop *loop = *state;
    struct alarm a, b;
    set(loop, &a, 'a');
    set(loop, &b, 'b');
    journal[0] = '\0';
    int64_t start_us = hl_loop_now(loop);
    hl_timer_arm(loop, &a.timer, start_us + 20000);
    hl_timer_arm(loop, &b.timer, start_us + 3600000000);
    assert_false(readable(hl_loop_fd(loop)));
    assert_true(readable_within(hl_loop_fd(loop), 5000));
    assert_true(hl_loop_now(loop) >= start_us + 20000);
    hl_loop_dispatch(loop, BUDGET);
    assert_string_equal(journal, "a");
    assert_false(readable(hl_loop_fd(loop)));

    /* One that is disarmed or moved after it fired leaves nothing readable behind. */
    hl_timer_arm(loop, &a.timer, 0);
    assert_true(readable_within(hl_loop_fd(loop), 5000));
    hl_timer_disarm(loop, &a.timer);
    assert_false(readable(hl_loop_fd(loop)));
    hl_timer_arm(loop, &a.timer, -5);
    assert_true(readable_within(hl_loop_fd(loop), 5000));
    hl_timer_arm(loop, &a.timer, start_us + 3600000000);
    assert_false(readable(hl_loop_fd(loop)));
    hl_loop_dispatch(loop, BUDGET);
    assert_string_equal(journal, "a");
}

static void test_batch(void **state)
{
    struct hl_loop *loop = *state;
    struct alarm a;
    set(loop, &a, 'a');
    journal[0] = '\0';
    hl_loop_begin(loop);
    hl_timer_arm(loop, &a.timer, 0);
    assert_false(readable_within(hl_loop_fd(loop), 1));
    hl_loop_end(loop);
    assert_true(readable_within(hl_loop_fd(loop), 5000));
}

static void test_frozen_later(void **state)
{
    struct hl_loop *loop = *state;
    struct alarm a;
    set(loop, &a, 'a');
    journal[0] = '\0';
    hl_timer_arm(loop, &a.timer, hl_loop_now(loop) + 2000);
    real = (struct hl_clock){.frozen = true, .now_us = 1};
    hl_loop_clock_changed(loop);
    assert_false(readable_within(hl_loop_fd(loop), 10));
    real.frozen = false;
    hl_loop_clock_changed(loop);
    assert_true(readable_within(hl_loop_fd(loop), 5000));
}

/* --- The heap against a plain search --- */

static int64_t smallest(const struct hl_timer *timers, size_t count)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < count; i++)
        if (timers[i].position && timers[i].due_us < least)
            least = timers[i].due_us;
    return least;
}

static void test_heap(void **state)
{
    (void)state;
    struct hl_heap heap = {0};
    struct hl_timer *timers = calloc(COUNT, sizeof *timers);
    unsigned seed = 12345;
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(hl_heap_reserve(&heap), 0);
    for (int round = 0; round < 20000; round++) {
        struct hl_timer *timer = &timers[(unsigned)rand_r(&seed) % COUNT];
        if (rand_r(&seed) % 3)
            hl_heap_put(&heap, timer, rand_r(&seed) % 1000);
        else
            hl_heap_take(&heap, timer);
        if (heap.count)
            assert_int_equal(heap.entries[0].due_us, smallest(timers, COUNT));
        for (size_t i = 0; round % 500 == 0 && i < heap.count; i++)
            assert_int_equal(heap.entries[i].timer->position, i + 1);
    }
    int64_t last = INT64_MIN;
    while (heap.count) {
        assert_true(heap.entries[0].due_us >= last);
        last = heap.entries[0].due_us;
        hl_heap_take(&heap, heap.entries[0].timer);
    }
    hl_heap_free(&heap);
    free(timers);
}

static void test_heap_without_room(void **state)
{
    (void)state;
    struct hl_heap heap = {0};
    struct hl_timer timers[9] = {0};
    hl_heap_put(&heap, &timers[0], 1);
    assert_int_equal(heap.count, 0);
    assert_int_equal(hl_heap_reserve(&heap), 0);
    for (size_t i = 0; i < 9; i++)
        hl_heap_put(&heap, &timers[i], 1);
    assert_int_equal(heap.count, heap.capacity);
    hl_heap_release(&heap);
    hl_heap_release(&heap);
    assert_int_equal(heap.reserved, 0);
    hl_heap_free(&heap);
}

static int reserve_many(void *userdata)
{
    (void)userdata;
    struct hl_loop *loop;
    int code = hl_loop_new(&loop, &real);
    if (code)
        return failmalloc_failed(code);
    for (int i = 0; i < 40 && !code; i++)
        code = hl_loop_reserve_timer(loop);
    if (code)
        failmalloc_failed(code);
    hl_loop_free(loop);
    return code;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(reserve_many, NULL);
}

#define FROZEN(test) cmocka_unit_test_setup_teardown(test, with_frozen_loop, without_loop)
#define REAL(test)   cmocka_unit_test_setup_teardown(test, with_real_loop, without_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FROZEN(test_order),
        FROZEN(test_changes_inside_a_callback),
        FROZEN(test_due_at_once_leaves_the_budget),
        REAL(test_real_clock),
        REAL(test_batch),
        REAL(test_frozen_later),
        cmocka_unit_test(test_heap),
        cmocka_unit_test(test_heap_without_room),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
