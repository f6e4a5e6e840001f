/* Tensor infos: name, shape, type, and where the bytes are. What llama.cpp refuses is refused
 * (source: ggml/src/gguf.cpp, b10470): above all, each tensor begins where the one before ends,
 * padded to the alignment. */
#include "vram/gguf_parse_private.h"

#define FAIL(parser, offset, ...) HL_GGUF_FAIL(parser, HOMELAB_E_FORMAT, offset, __VA_ARGS__)

static int take_shape(const struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor,
                      struct hl_gguf_tensor *tensor, int64_t *elements)
{
    *elements = 1;
    for (uint32_t i = 0; i < HL_GGUF_DIMS; i++) {
        tensor->ne[i] = 1;
        if (i >= tensor->dims)
            continue;
        uint64_t found = hl_gguf_u64(cursor->at, cursor->swap);
        if (found > INT64_MAX || __builtin_mul_overflow(*elements, (int64_t)found, elements))
            return FAIL(parser, hl_gguf_offset(cursor),
                        "'%s': dimension %u: found %llu, more elements than can be counted",
                        tensor->name, i, (unsigned long long)found);
        tensor->ne[i] = (int64_t)found;
        cursor->at += 8;
    }
    return HOMELAB_OK;
}

static int take_type(const struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor,
                     struct hl_gguf_tensor *tensor, int64_t elements)
{
    uint64_t offset = hl_gguf_offset(cursor);
    tensor->type = hl_gguf_u32(cursor->at, cursor->swap);
    const struct hl_ggml_type_info *type = hl_ggml_type(tensor->type);
    if (!type)
        return FAIL(parser, offset, "'%s': type: found %u, which is no ggml type in use",
                    tensor->name, tensor->type);
    if (tensor->ne[0] % type->block != 0)
        return FAIL(parser, offset,
                    "'%s': type %s: found rows of %lld elements, expected a multiple of %u",
                    tensor->name, type->name, (long long)tensor->ne[0], type->block);
    if (__builtin_mul_overflow((uint64_t)elements / type->block, type->bytes, &tensor->bytes))
        return FAIL(parser, offset, "'%s': found more bytes than can be counted", tensor->name);
    cursor->at += 4;
    return HOMELAB_OK;
}

static int take_offset(struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor,
                       struct hl_gguf_tensor *tensor)
{
    uint64_t offset = hl_gguf_offset(cursor), mask = parser->alignment - 1, padded;
    tensor->offset = hl_gguf_u64(cursor->at, cursor->swap);
    cursor->at += 8;
    if (tensor->offset & mask)
        return FAIL(parser, offset, "'%s': offset: found %llu, expected a multiple of %u",
                    tensor->name, (unsigned long long)tensor->offset, parser->alignment);
    if (tensor->offset != parser->data_bytes)
        return FAIL(parser, offset, "'%s': offset: found %llu, %s; expected %llu", tensor->name,
                    (unsigned long long)tensor->offset,
                    tensor->offset < parser->data_bytes ? "which overlaps the tensor before"
                                                        : "which leaves a gap",
                    (unsigned long long)parser->data_bytes);
    if (__builtin_add_overflow(tensor->bytes, mask, &padded) ||
        __builtin_add_overflow(parser->data_bytes, padded & ~mask, &parser->data_bytes))
        return FAIL(parser, offset, "'%s': found more bytes than can be counted", tensor->name);
    parser->end = tensor->offset + tensor->bytes;
    return HOMELAB_OK;
}

static int keep(struct hl_gguf_parser *parser, const struct hl_gguf_tensor *tensor)
{
    homelab_gguf *gguf = parser->gguf;
    if (hl_grow((void **)&gguf->tensors, &gguf->tensor_capacity, gguf->tensor_count,
                sizeof *gguf->tensors))
        return hl_error_nomem();
    gguf->tensors[gguf->tensor_count++] = *tensor;
    parser->tensor_done++;
    return 1;
}

int hl_gguf_step_tensor(struct hl_gguf_parser *parser, struct hl_gguf_cursor *cursor)
{
    struct hl_gguf_cursor ahead = *cursor;
    struct hl_gguf_tensor tensor = {.part = parser->part, .at = hl_gguf_offset(cursor)};
    const unsigned char *name;
    size_t length;
    int64_t elements;
    if (parser->gguf->tensor_count >= parser->caps.tensors)
        return HL_GGUF_FAIL(parser, HOMELAB_E_LIMIT, tensor.at,
                            "found more tensors in all parts than %llu",
                            (unsigned long long)parser->caps.tensors);
    int code = hl_gguf_step_name(parser, &ahead, parser->caps.name_bytes, 4, &name, &length);
    if (code != 1)
        return code;
    tensor.dims = hl_gguf_u32(ahead.at, ahead.swap);
    if (tensor.dims > HL_GGUF_DIMS)
        return FAIL(parser, hl_gguf_offset(&ahead), "dimensions: found %u, expected at most %d",
                    tensor.dims, HL_GGUF_DIMS);
    ahead.at += 4;
    if (hl_gguf_left(&ahead) < tensor.dims * 8 + 12)
        return 0;
    tensor.name = hl_gguf_keep_text(parser, name, length);
    if (!tensor.name)
        return HOMELAB_E_NOMEM;
    code = take_shape(parser, &ahead, &tensor, &elements);
    if (!code)
        code = take_type(parser, &ahead, &tensor, elements);
    if (!code)
        code = take_offset(parser, &ahead, &tensor);
    if (code)
        return code;
    *cursor = ahead;
    return keep(parser, &tensor);
}
