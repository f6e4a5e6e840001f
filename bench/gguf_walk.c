#include "gguf_walk.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define WINDOW 65536

struct walk {
    int fd;
    size_t at, end;
    uint64_t before; /* bytes of the file before the window */
    bool failed;
    unsigned char window[WINDOW];
};

/* So many bytes at the window's start, at most WINDOW of them. */
static const unsigned char *need(struct walk *walk, size_t length)
{
    if (walk->end - walk->at >= length)
        return walk->window + walk->at;
    memmove(walk->window, walk->window + walk->at, walk->end - walk->at);
    walk->before += walk->at;
    walk->end -= walk->at;
    walk->at = 0;
    while (walk->end < length) {
        ssize_t got = read(walk->fd, walk->window + walk->end, WINDOW - walk->end);
        if (got <= 0) {
            walk->failed = true;
            return NULL;
        }
        walk->end += (size_t)got;
    }
    return walk->window;
}

static uint64_t number(struct walk *walk, size_t length)
{
    uint64_t value = 0;
    const unsigned char *at = need(walk, length);
    if (!at)
        return 0;
    memcpy(&value, at, length);
    walk->at += length;
    return value;
}

static void pass(struct walk *walk, uint64_t length)
{
    while (length && !walk->failed) {
        size_t left = walk->end - walk->at;
        if (length <= left) {
            walk->at += (size_t)length;
            return;
        }
        length -= left;
        walk->at = walk->end;
        need(walk, 1);
    }
}

static void pass_texts(struct walk *walk, uint64_t count)
{
    while (count && !walk->failed) {
        const unsigned char *at = walk->window + walk->at, *end = walk->window + walk->end;
        while (count && end - at >= 8) {
            uint64_t length;
            memcpy(&length, at, 8);
            if (length > (uint64_t)(end - at) - 8)
                break;
            at += 8 + length;
            count--;
        }
        walk->at = (size_t)(at - walk->window);
        if (!count)
            return;
        uint64_t length = number(walk, 8);
        walk->failed |= length > UINT32_MAX;
        pass(walk, length);
        count--;
    }
}

static void walk_key(struct walk *walk, struct walk_result *result)
{
    static const uint8_t bytes[13] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    uint64_t length = number(walk, 8);
    walk->failed |= !length || length > 1024;
    pass(walk, length);
    uint64_t type = number(walk, 4), count = 1;
    bool is_array = type == 9;
    if (is_array) {
        type = number(walk, 4);
        count = number(walk, 8);
    }
    walk->failed |= type > 12 || type == 9 || count > UINT32_MAX;
    if (walk->failed)
        return;
    if (type == 8) {
        pass_texts(walk, count);
        result->texts += count;
    } else {
        pass(walk, count * bytes[type]);
    }
}

static void walk_tensor(struct walk *walk, struct walk_result *result)
{
    /* Elements and bytes of a block; of the types that the benchmark's file has. */
    static const struct {
        uint32_t block, bytes;
    } types[15] = {[0] = {1, 4}, [1] = {1, 2}, [12] = {256, 144}, [14] = {256, 210}};
    uint64_t length = number(walk, 8);
    walk->failed |= length > 63;
    pass(walk, length);
    uint64_t dims = number(walk, 4), elements = 1;
    walk->failed |= dims > 4;
    uint64_t first = 1;
    for (uint64_t i = 0; i < dims && !walk->failed; i++) {
        uint64_t ne = number(walk, 8);
        first = i == 0 ? ne : first;
        walk->failed |= ne > INT64_MAX || __builtin_mul_overflow(elements, ne, &elements);
    }
    uint64_t type = number(walk, 4), offset = number(walk, 8);
    walk->failed |= type > 14 || !types[type].block || offset != result->tensor_bytes;
    if (walk->failed)
        return;
    walk->failed |= first % types[type].block != 0;
    uint64_t bytes = elements / types[type].block * types[type].bytes;
    result->tensor_bytes += (bytes + 31) / 32 * 32;
}

int gguf_walk(const char *path, struct walk_result *result)
{
    static struct walk walk;
    walk.fd = open(path, O_RDONLY | O_CLOEXEC);
    walk.at = walk.end = 0;
    walk.before = 0;
    walk.failed = walk.fd < 0;
    *result = (struct walk_result){0};
    walk.failed |= number(&walk, 8) != UINT64_C(0x346554747);
    result->tensors = number(&walk, 8);
    result->keys = number(&walk, 8);
    for (uint64_t i = 0; i < result->keys && !walk.failed; i++)
        walk_key(&walk, result);
    for (uint64_t i = 0; i < result->tensors && !walk.failed; i++)
        walk_tensor(&walk, result);
    result->data_offset = (walk.before + walk.at + 31) / 32 * 32;
    if (walk.fd >= 0)
        close(walk.fd);
    return walk.failed ? -1 : 0;
}
