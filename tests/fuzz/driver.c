/* driver PATH…: runs a fuzz target on every file named and every file in every folder named. */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return -1;
    }
    uint8_t *data = NULL;
    size_t size = 0;
    size_t capacity = 0;
    int result = -1;
    for (;;) {
        if (size == capacity) {
            capacity = capacity ? capacity * 2 : 4096;
            uint8_t *grown = realloc(data, capacity);
            if (!grown)
                goto out;
            data = grown;
        }
        size_t count = fread(data + size, 1, capacity - size, file);
        if (count == 0)
            break;
        size += count;
    }
    /* A block of exactly that size, so that a sanitizer sees the first byte too many. */
    uint8_t *exact = realloc(data, size ? size : 1);
    if (!exact)
        goto out;
    data = exact;
    LLVMFuzzerTestOneInput(data, size);
    result = 0;
out:
    free(data);
    fclose(file);
    return result;
}

static int only_files(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int run_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, only_files, alphasort);
    if (count < 0) {
        perror(folder);
        return -1;
    }
    int result = 0;
    for (int i = 0; i < count; i++) {
        char path[4096];
        int length = snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        if (length < 0 || (size_t)length >= sizeof(path) || run_file(path) != 0)
            result = -1;
        free(entries[i]);
    }
    free(entries);
    printf("%s: %d inputs\n", folder, count);
    return result;
}

int main(int argc, char **argv)
{
    int result = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        struct stat status;
        if (stat(argv[i], &status) != 0) {
            perror(argv[i]);
            result = -1;
        } else if ((S_ISDIR(status.st_mode) ? run_folder(argv[i]) : run_file(argv[i])) != 0) {
            result = -1;
        }
    }
    return result ? EXIT_FAILURE : EXIT_SUCCESS;
}
