#include "vram/gguf_build.h"

#include "core/alloc.h"
#include "core/error.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BLOCK   4096
#define LARGEST_BLOCK 65536

struct hl_gguf_block {
    struct hl_gguf_block *next;
    size_t used, size;
    _Alignas(max_align_t) char bytes[];
};

int hl_gguf_new(homelab_gguf **out, int source, homelab_allocator *allocator)
{
    homelab_gguf *gguf = hl_calloc(1, sizeof *gguf);
    if (!gguf)
        return hl_error_nomem();
    atomic_init(&gguf->references, 1);
    gguf->allocator = allocator;
    gguf->source = source;
    gguf->architecture = "";
    gguf->complete = true;
    *out = gguf;
    return HOMELAB_OK;
}

static struct hl_gguf_block *add_block(homelab_gguf *gguf, size_t size)
{
    size_t room = gguf->blocks ? 2 * gguf->blocks->size : FIRST_BLOCK;
    if (room > LARGEST_BLOCK)
        room = LARGEST_BLOCK;
    if (room < size)
        room = size;
    struct hl_gguf_block *block = hl_malloc(sizeof *block + room);
    if (!block) {
        hl_error_nomem();
        return NULL;
    }
    block->next = gguf->blocks;
    block->used = 0;
    block->size = room;
    gguf->blocks = block;
    return block;
}

void *hl_gguf_keep(homelab_gguf *gguf, size_t size)
{
    const size_t mask = sizeof(union hl_gguf_number) - 1;
    struct hl_gguf_block *block = gguf->blocks;
    size_t needed = (size + mask) & ~mask;
    if (!block || needed > block->size - block->used)
        block = add_block(gguf, needed);
    if (!block)
        return NULL;
    void *kept = block->bytes + block->used;
    block->used += needed;
    return kept;
}

homelab_gguf *homelab_gguf_ref(homelab_gguf *gguf)
{
    if (gguf)
        atomic_fetch_add(&gguf->references, 1);
    return gguf;
}

void homelab_gguf_unref(homelab_gguf *gguf)
{
    if (!gguf || atomic_fetch_sub(&gguf->references, 1) != 1)
        return;
    for (struct hl_gguf_block *next, *block = gguf->blocks; block; block = next) {
        next = block->next;
        hl_free(block);
    }
    hl_free(gguf->keys);
    hl_free(gguf->tensors);
    hl_free(gguf->key_index.order);
    hl_free(gguf->tensor_index.order);
    hl_free(gguf);
}

/* --- Indices: sorted, not hashed, so that no choice of names makes them slow --- */

struct named {
    const char *name;
    uint32_t index;
};

static int compare(const void *a, const void *b)
{
    const struct named *one = a, *two = b;
    int order = strcmp(one->name, two->name);
    return order ? order : one->index < two->index ? -1 : 1;
}

/* Sorts names; *twice is the index of a name's second occurrence, or HL_GGUF_NONE. */
static int make_index(struct hl_gguf_index *index, struct named *names, size_t count, size_t *twice)
{
    *twice = HL_GGUF_NONE;
    if (!count)
        return HOMELAB_OK;
    index->order = hl_reallocarray(NULL, count, sizeof *index->order);
    if (!index->order)
        return hl_error_nomem();
    index->count = count;
    qsort(names, count, sizeof *names, compare);
    for (size_t i = 0; i < count; i++) {
        index->order[i] = names[i].index;
        if (i && strcmp(names[i].name, names[i - 1].name) == 0 && names[i].index < *twice)
            *twice = names[i].index;
    }
    return HOMELAB_OK;
}

static int index_keys(const homelab_gguf *gguf, size_t first, struct hl_gguf_index *index,
                      size_t *twice)
{
    size_t count = gguf->key_count - first;
    struct named *names = hl_reallocarray(NULL, count + 1, sizeof *names);
    if (!names)
        return hl_error_nomem();
    for (size_t i = 0; i < count; i++)
        names[i] = (struct named){gguf->keys[first + i].name, (uint32_t)(first + i)};
    int code = make_index(index, names, count, twice);
    hl_free(names);
    return code;
}

static int index_tensors(homelab_gguf *gguf, size_t *twice)
{
    struct named *names = hl_reallocarray(NULL, gguf->tensor_count + 1, sizeof *names);
    if (!names)
        return hl_error_nomem();
    for (size_t i = 0; i < gguf->tensor_count; i++)
        names[i] = (struct named){gguf->tensors[i].name, (uint32_t)i};
    int code = make_index(&gguf->tensor_index, names, gguf->tensor_count, twice);
    hl_free(names);
    return code;
}

/* --- The ends --- */

static void take_file_facts(const struct hl_gguf_parser *parser)
{
    homelab_gguf *gguf = parser->gguf;
    bool known = parser->total != UINT64_MAX;
    if (parser->part == 0) {
        gguf->version = parser->version;
        gguf->big_endian = parser->swap != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
        gguf->alignment = parser->alignment;
        gguf->data_offset = parser->data_offset;
    }
    gguf->parts++;
    gguf->complete &= known && parser->total >= parser->data_offset + parser->end;
    gguf->file_bytes =
        known && (gguf->file_bytes || parser->part == 0) ? gguf->file_bytes + parser->total : 0;
    for (size_t i = gguf->tensor_count; i > 0 && gguf->tensors[i - 1].part == parser->part; i--)
        gguf->tensor_bytes += gguf->tensors[i - 1].bytes;
}

int hl_gguf_end_part(struct hl_gguf_parser *parser)
{
    homelab_gguf *gguf = parser->gguf;
    struct hl_gguf_index index = {NULL, 0};
    size_t twice;
    int code = index_keys(gguf, parser->first_key, &index, &twice);
    if (!code && twice != HL_GGUF_NONE)
        code = hl_gguf_fail(parser, HOMELAB_E_FORMAT, gguf->keys[twice].offset, "key",
                            "found '%s' a second time", gguf->keys[twice].name);
    if (code || parser->part > 0) {
        gguf->key_count = parser->first_key;
        hl_free(index.order);
    } else {
        gguf->key_index = index;
        const char *architecture = hl_gguf_text(hl_gguf_key(gguf, "general.architecture"));
        gguf->architecture = architecture ? architecture : "";
    }
    if (!code)
        take_file_facts(parser);
    return code;
}

int hl_gguf_finish(const struct hl_gguf_parser *parser)
{
    homelab_gguf *gguf = parser->gguf;
    size_t twice;
    int code = index_tensors(gguf, &twice);
    if (!code && twice != HL_GGUF_NONE)
        code = hl_gguf_fail(parser, HOMELAB_E_FORMAT, gguf->tensors[twice].at, "tensor",
                            "found '%s' a second time", gguf->tensors[twice].name);
    return code;
}
