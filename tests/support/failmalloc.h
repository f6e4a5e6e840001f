/* Allocation failure as a dimension of tests.
 *
 * A test program whose source includes this header is linked with a malloc() of its own that can
 * make the n-th allocation fail, ours as well as those of cJSON, libyaml, yajl or libcurl. Only
 * allocations of the thread that armed it count.
 *
 *     static int build(void *userdata)
 *     {
 *         homelab_opts *opts;
 *         int code = homelab_opts_new(&opts);
 *         if (code)
 *             return failmalloc_failed(code);
 *         code = homelab_opts_set_string(opts, "http.proxy", userdata);
 *         if (code)
 *             failmalloc_failed(code);
 *         homelab_opts_free(opts);
 *         return code;
 *     }
 *     ...
 *     fail_each_allocation(build, "http://127.0.0.1:1");
 *
 * The function is one complete run that gives back everything. Whatever fails in it goes through
 * failmalloc_failed() at once, while the error record is fresh. It may also succeed in spite of a
 * failure where the library works around one.
 *
 * valgrind replaces malloc() in the program too and so bypasses this, unless it is told
 * --soname-synonyms=somalloc=nouserintercepts. */
#ifndef TESTS_SUPPORT_FAILMALLOC_H
#define TESTS_SUPPORT_FAILMALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* Runs fn with the 1st, 2nd, 3rd ... allocation failing, first alone, then with all later ones,
 * until a run has fewer. After each the number of live blocks must be what it was, and a run that
 * failed must have set the error record. A run without failures goes first, for what libraries
 * keep for good. */
void fail_each_allocation(int (*fn)(void *userdata), void *userdata);
/* Asserts that the error record says `code` and has a message. Returns code. */
int failmalloc_failed(int code);

/* The parts, for tests with a shape of their own. The n-th allocation from now on fails, and with
 * `onwards` all later ones; 0 only counts. */
void failmalloc_arm(size_t n, bool onwards);
/* Number of allocations that this thread asked for since. */
size_t failmalloc_disarm(void);
/* Blocks that are allocated now, by any thread. */
long failmalloc_live(void);

#endif
