/* Lines `key=value`, or `N=value` for option number N of the table, are set in one bag. */
#include "fuzz/fuzz.h"

#include <homelab/error.h>
#include <homelab/options.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_back(const homelab_opts *opts, const char *key)
{
    for (size_t i = 0; i < homelab_option_count(); i++) {
        if (strcmp(homelab_option_key(i), key) != 0)
            continue;
        switch (homelab_option_type(i)) {
        case HOMELAB_OPTION_BOOL:
            (void)homelab_opts_get_bool(opts, key);
            break;
        case HOMELAB_OPTION_INT:
            FUZZ_EXPECT((double)homelab_opts_get_int(opts, key) >= homelab_option_min(i));
            FUZZ_EXPECT((double)homelab_opts_get_int(opts, key) <= homelab_option_max(i));
            break;
        case HOMELAB_OPTION_DOUBLE:
            FUZZ_EXPECT(homelab_opts_get_double(opts, key) >= homelab_option_min(i));
            FUZZ_EXPECT(homelab_opts_get_double(opts, key) <= homelab_option_max(i));
            break;
        default:
            FUZZ_EXPECT(homelab_opts_get_string(opts, key));
        }
        FUZZ_EXPECT(homelab_error_code() == HOMELAB_OK);
        return;
    }
    FUZZ_EXPECT(false); /* A key that is not in the table was taken. */
}

static void set(homelab_opts *opts, const char *key, const char *value)
{
    char *end = NULL;
    unsigned long number = strtoul(key, &end, 10);
    if (end != key && *end == '\0' && homelab_option_count() > 0)
        key = homelab_option_key(number % homelab_option_count());
    int code = homelab_opts_set_text(opts, key, value);
    FUZZ_EXPECT(homelab_error_code() == code);
    FUZZ_EXPECT((homelab_error_message()[0] == '\0') == (code == HOMELAB_OK));
    if (code == HOMELAB_OK)
        read_back(opts, key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    homelab_opts *opts = NULL;
    char *text = malloc(size + 1);
    if (!text || homelab_opts_new(&opts) != HOMELAB_OK) {
        free(text);
        return 0;
    }
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    for (char *line = text; *line;) {
        char *end = strchrnul(line, '\n');
        char *next = *end ? end + 1 : end;
        *end = '\0';
        char *value = strchr(line, '=');
        if (value) {
            *value = '\0';
            set(opts, line, value + 1);
        }
        line = next;
    }
    homelab_opts_free(opts);
    free(text);
    return 0;
}
