/* A fuzz target is one file fuzz_NAME.c with this one function; its corpus is corpus/NAME/. It is
 * built twice: with libFuzzer (scripts/fuzz), and with driver.c, which replays the corpus in every
 * test run. */
#ifndef HOMELAB_FUZZ_H
#define HOMELAB_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A failed expectation ends the program as a crash does, in any build. */
#define FUZZ_EXPECT(condition)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            __builtin_trap();                                                                      \
    } while (0)

#endif
