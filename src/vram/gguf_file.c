/* GGUF from files and from memory. Files are read through a window, never mapped: a map of a file
 * on a share that goes away kills the process. */
#include "vram/gguf_loader.h"

#include "core/alloc.h"
#include "core/api.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
    int fd;
    bool regular;
    uint64_t offset;
};

static int open_file(struct file *file, const char *path, uint64_t *total)
{
    struct stat status;
    file->offset = 0;
    file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (file->fd < 0)
        return hl_error_system(path, "cannot be opened", errno);
    if (fstat(file->fd, &status) != 0) {
        int failure = errno;
        close(file->fd);
        return hl_error_system(path, "cannot be looked at", failure);
    }
    file->regular = S_ISREG(status.st_mode);
    *total = file->regular ? (uint64_t)status.st_size : UINT64_MAX;
    return HOMELAB_OK;
}

/* Up to size bytes; 0 at the end, -1 with errno. */
static ssize_t read_file(struct file *file, unsigned char *to, size_t size)
{
    ssize_t got;
    do
        got = file->regular ? pread(file->fd, to, size, (off_t)file->offset)
                            : read(file->fd, to, size);
    while (got < 0 && errno == EINTR);
    if (got > 0)
        file->offset += (uint64_t)got;
    return got;
}

static int parse_file(struct hl_gguf_parser *parser, struct file *file, unsigned char *window)
{
    size_t held = 0, used;
    for (;;) {
        ssize_t got = read_file(file, window + held, HL_GGUF_WINDOW - held);
        if (got < 0)
            return hl_error_system(parser->name, "cannot be read", errno);
        if (got == 0)
            return hl_gguf_parse_end(parser, held);
        held += (size_t)got;
        int code = hl_gguf_parse(parser, window, held, &used);
        if (code)
            return code < 0 ? code : HOMELAB_OK;
        held -= used;
        memmove(window, window + used, held);
        if (file->regular && parser->skip) {
            file->offset += parser->skip;
            hl_gguf_parse_skip(parser);
        }
    }
}

static int load_part(struct hl_gguf_loader *loader, unsigned char *window)
{
    struct file file = {0};
    uint64_t total = 0;
    int code = open_file(&file, loader->name, &total);
    if (code)
        return code;
    hl_gguf_loader_begin(loader, total);
    code = parse_file(&loader->parser, &file, window);
    close(file.fd);
    return code ? code : hl_gguf_loader_end(loader);
}

static int load_parts(struct hl_gguf_loader *loader)
{
    unsigned char *window = hl_malloc(HL_GGUF_WINDOW);
    if (!window)
        return hl_error_nomem();
    int code;
    do
        code = load_part(loader, window);
    while (code == 1);
    hl_free(window);
    return code;
}

int homelab_gguf_load_file(homelab_gguf **out, const char *path, const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    if (!out || !path)
        return hl_error_argument(out ? "path" : "out", out ? "a file" : "a pointer");
    struct hl_gguf_loader loader;
    int code = hl_gguf_loader_init(&loader, path, HOMELAB_GGUF_SOURCE_FILE, opts);
    if (!code)
        code = load_parts(&loader);
    if (!code)
        *out = hl_gguf_loader_take(&loader);
    hl_gguf_loader_clear(&loader);
    return code;
}

/* --- Memory: one piece --- */

static int parse_memory(struct hl_gguf_parser *parser, const char *data, size_t length)
{
    size_t used;
    int code = hl_gguf_parse(parser, (const unsigned char *)data, length, &used);
    if (code == 0)
        return hl_gguf_parse_end(parser, length - used);
    if (code < 0)
        return code;
    code = hl_gguf_end_part(parser);
    if (!code)
        code = hl_gguf_finish(parser);
    if (code || parser->split_count < 2)
        return code;
    /* The other parts are not at hand. */
    parser->gguf->complete = false;
    parser->gguf->parts = parser->split_count > 65535 ? 65535 : (uint32_t)parser->split_count;
    return HOMELAB_OK;
}

int homelab_gguf_load_memory(homelab_gguf **out, const char *data, size_t length, const char *name,
                             const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    if (!out || (!data && length))
        return hl_error_argument(out ? "data" : "out", out ? "bytes" : "a pointer");
    struct hl_gguf_parser parser;
    struct hl_gguf_caps caps;
    homelab_gguf *gguf;
    int code = hl_gguf_new(&gguf, HOMELAB_GGUF_SOURCE_MEMORY, hl_opt_allocator(opts));
    if (code)
        return code;
    hl_gguf_caps(&caps, opts);
    hl_gguf_parser_init(&parser, gguf, name ? name : "gguf", &caps, 0, length);
    code = parse_memory(&parser, data ? data : "", length);
    if (code)
        homelab_gguf_unref(gguf);
    else
        *out = gguf;
    return code;
}
