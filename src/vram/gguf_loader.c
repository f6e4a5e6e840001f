#include "vram/gguf_loader.h"

#include "core/alloc.h"
#include "core/error.h"

#include <stdio.h>
#include <string.h>

#define PATTERN     "-%05u-of-%05u.gguf"
#define PATTERN_MAX 48

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

char *hl_gguf_part_name(const char *name, uint32_t no, uint32_t count, bool *nomem)
{
    size_t length = strstr(name, "://") ? strcspn(name, "?#") : strlen(name);
    char of[PATTERN_MAX], suffix[PATTERN_MAX];
    *nomem = false;
    (void)snprintf(of, sizeof of, "-of-%05u.gguf", count);
    size_t tail = strlen(of), digits = 0;
    if (length < tail || memcmp(name + length - tail, of, tail) != 0)
        return NULL;
    while (digits < length - tail && is_digit(name[length - tail - 1 - digits]))
        digits++;
    if (digits < 5 || length - tail - digits < 2 || name[length - tail - digits - 1] != '-')
        return NULL;
    size_t prefix = length - tail - digits - 1;
    (void)snprintf(suffix, sizeof suffix, PATTERN, no + 1, count);
    size_t rest = strlen(name + length), middle = strlen(suffix);
    char *made = hl_malloc(prefix + middle + rest + 1);
    *nomem = !made;
    if (!made)
        return NULL;
    memcpy(made, name, prefix);
    memcpy(made + prefix, suffix, middle);
    memcpy(made + prefix + middle, name + length, rest + 1);
    return made;
}

int hl_gguf_loader_init(struct hl_gguf_loader *loader, const char *name, int source,
                        const homelab_opts *opts)
{
    *loader =
        (struct hl_gguf_loader){.source = source, .allocator = hl_opt_allocator(opts), .count = 1};
    hl_gguf_caps(&loader->caps, opts);
    loader->name = hl_strdup(name);
    if (!loader->name)
        return hl_error_nomem();
    return hl_gguf_new(&loader->gguf, source, loader->allocator);
}

void hl_gguf_loader_begin(struct hl_gguf_loader *loader, uint64_t total)
{
    hl_gguf_parser_init(&loader->parser, loader->gguf, loader->name, &loader->caps, loader->part,
                        total);
}

static int fail(const struct hl_gguf_loader *loader, const char *field, int64_t found,
                uint32_t expected)
{
    return hl_gguf_fail(&loader->parser, HOMELAB_E_FORMAT, 0, field, "found %lld, expected %u",
                        (long long)found, expected);
}

/* Turns to part no. */
static int turn_to(struct hl_gguf_loader *loader, uint32_t no)
{
    bool nomem;
    char *name = hl_gguf_part_name(loader->name, no, loader->count, &nomem);
    if (!name)
        return nomem ? hl_error_nomem()
                     : hl_gguf_fail(&loader->parser, HOMELAB_E_FORMAT, 0, "file name",
                                    "found one part of %u, expected a name that ends in "
                                    "-00001-of-%05u.gguf",
                                    loader->count, loader->count);
    hl_free(loader->name);
    loader->name = name;
    loader->part = no;
    return 1;
}

/* The file that was asked for says how many there are, and may be any of them. */
static int begin_parts(struct hl_gguf_loader *loader)
{
    const struct hl_gguf_parser *parser = &loader->parser;
    if (loader->found_first && parser->split_count != loader->count)
        return fail(loader, "split.count", parser->split_count, loader->count);
    if (parser->split_count > (int64_t)loader->caps.parts)
        return hl_gguf_fail(parser, HOMELAB_E_LIMIT, 0, "split.count",
                            "found %lld, expected at most %llu", (long long)parser->split_count,
                            (unsigned long long)loader->caps.parts);
    loader->count = (uint32_t)parser->split_count;
    if (parser->split_no < 0 || parser->split_no >= parser->split_count)
        return hl_gguf_fail(parser, HOMELAB_E_FORMAT, 0, "split.no", "found %lld, expected 0 to %u",
                            (long long)parser->split_no, loader->count - 1);
    if (parser->split_no == 0)
        return HOMELAB_OK;
    if (loader->found_first)
        return fail(loader, "split.no", parser->split_no, 0);
    loader->found_first = true;
    homelab_gguf_unref(loader->gguf);
    loader->gguf = NULL;
    int code = hl_gguf_new(&loader->gguf, loader->source, loader->allocator);
    return code ? code : turn_to(loader, 0);
}

static int check_part(const struct hl_gguf_loader *loader)
{
    const struct hl_gguf_parser *parser = &loader->parser;
    if (parser->split_no != loader->part)
        return fail(loader, "split.no", parser->split_no, loader->part);
    if (parser->split_count != loader->count)
        return fail(loader, "split.count", parser->split_count, loader->count);
    return HOMELAB_OK;
}

static int check_whole(const struct hl_gguf_loader *loader)
{
    const struct hl_gguf_key *key = hl_gguf_key(loader->gguf, "split.tensors.count");
    int64_t expected = hl_gguf_int(key, 0, -1), found = (int64_t)loader->gguf->tensor_count;
    if (loader->count > 1 && expected >= 0 && expected != found)
        return hl_gguf_fail(&loader->parser, HOMELAB_E_FORMAT, 0, "split.tensors.count",
                            "found %lld tensors in all parts, expected %lld", (long long)found,
                            (long long)expected);
    return hl_gguf_finish(&loader->parser);
}

int hl_gguf_loader_end(struct hl_gguf_loader *loader)
{
    struct hl_gguf_parser *parser = &loader->parser;
    int code = hl_gguf_end_part(parser);
    if (code)
        return code;
    bool first = loader->part == 0 && loader->count == 1;
    if ((first && parser->split_count > 1) || (loader->found_first && loader->part == 0)) {
        code = begin_parts(loader);
    } else if (loader->part > 0) {
        code = check_part(loader);
    }
    if (code)
        return code;
    if (loader->part + 1 < loader->count)
        return turn_to(loader, loader->part + 1);
    return check_whole(loader);
}

homelab_gguf *hl_gguf_loader_take(struct hl_gguf_loader *loader)
{
    homelab_gguf *gguf = loader->gguf;
    loader->gguf = NULL;
    return gguf;
}

void hl_gguf_loader_clear(struct hl_gguf_loader *loader)
{
    homelab_gguf_unref(loader->gguf);
    hl_free(loader->name);
    loader->gguf = NULL;
    loader->name = NULL;
}
