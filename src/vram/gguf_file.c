/* GGUF from files. They are read through a window, never mapped: a map of a file on a share that
 * goes away kills the process. */
#include "vram/gguf_build.h"

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

static int load_part(struct hl_gguf_parser *parser, homelab_gguf *gguf, const char *path,
                     const struct hl_gguf_caps *caps, uint32_t part)
{
    struct file file;
    uint64_t total;
    int code = open_file(&file, path, &total);
    if (code)
        return code;
    unsigned char *window = hl_malloc(HL_GGUF_WINDOW);
    hl_gguf_parser_init(parser, gguf, path, caps, part, total);
    code = window ? parse_file(parser, &file, window) : hl_error_nomem();
    if (!code)
        code = hl_gguf_end_part(parser);
    hl_free(window);
    close(file.fd);
    return code;
}

int homelab_gguf_load_file(homelab_gguf **out, const char *path, const homelab_opts *opts)
{
    HL_API(hl_opt_allocator(opts));
    if (!out || !path)
        return hl_error_argument(out ? "path" : "out", out ? "a file" : "a pointer");
    struct hl_gguf_parser parser;
    struct hl_gguf_caps caps;
    homelab_gguf *gguf;
    hl_gguf_caps(&caps, opts);
    int code = hl_gguf_new(&gguf, HOMELAB_GGUF_SOURCE_FILE, hl_opt_allocator(opts));
    if (code)
        return code;
    code = load_part(&parser, gguf, path, &caps, 0);
    if (!code)
        code = hl_gguf_finish(&parser);
    if (code)
        homelab_gguf_unref(gguf);
    else
        *out = gguf;
    return code;
}
