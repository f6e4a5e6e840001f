/* Writes GGUF headers for tests, right ones and wrong ones. */
#ifndef TESTS_SUPPORT_GGUF_WRITER_H
#define TESTS_SUPPORT_GGUF_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct gguf_writer {
    unsigned char *data;
    size_t length, capacity;
    bool big_endian;
};

static inline void gguf_bytes(struct gguf_writer *writer, const void *bytes, size_t length)
{
    if (writer->length + length > writer->capacity) {
        writer->capacity = 2 * (writer->length + length);
        writer->data = realloc(writer->data, writer->capacity);
        if (!writer->data)
            abort();
    }
    if (length)
        memcpy(writer->data + writer->length, bytes, length);
    writer->length += length;
}

/* The low `length` bytes of a number. */
static inline void gguf_number(struct gguf_writer *writer, uint64_t value, size_t length)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < length; i++)
        bytes[writer->big_endian ? length - 1 - i : i] = (unsigned char)(value >> (8 * i));
    gguf_bytes(writer, bytes, length);
}

static inline void gguf_text(struct gguf_writer *writer, const char *text)
{
    gguf_number(writer, strlen(text), 8);
    gguf_bytes(writer, text, strlen(text));
}

static inline void gguf_begin(struct gguf_writer *writer, uint32_t version, uint64_t tensors,
                              uint64_t keys)
{
    gguf_bytes(writer, "GGUF", 4);
    gguf_number(writer, version, 4);
    gguf_number(writer, tensors, 8);
    gguf_number(writer, keys, 8);
}

/* Name and type of a key; the value is to follow. */
static inline void gguf_key(struct gguf_writer *writer, const char *name, uint32_t type)
{
    gguf_text(writer, name);
    gguf_number(writer, type, 4);
}

static inline void gguf_key_u32(struct gguf_writer *writer, const char *name, uint32_t value)
{
    gguf_key(writer, name, 4);
    gguf_number(writer, value, 4);
}

static inline void gguf_key_u16(struct gguf_writer *writer, const char *name, uint16_t value)
{
    gguf_key(writer, name, 2);
    gguf_number(writer, value, 2);
}

static inline void gguf_key_text(struct gguf_writer *writer, const char *name, const char *text)
{
    gguf_key(writer, name, 8);
    gguf_text(writer, text);
}

/* An array's name, items' type and count; the items are to follow. */
static inline void gguf_key_array(struct gguf_writer *writer, const char *name, uint32_t type,
                                  uint64_t count)
{
    gguf_key(writer, name, 9);
    gguf_number(writer, type, 4);
    gguf_number(writer, count, 8);
}

/* A tensor of up to two dimensions; ne1 0 makes it one. */
static inline void gguf_tensor(struct gguf_writer *writer, const char *name, uint64_t ne0,
                               uint64_t ne1, uint32_t type, uint64_t offset)
{
    gguf_text(writer, name);
    gguf_number(writer, ne1 ? 2 : 1, 4);
    gguf_number(writer, ne0, 8);
    if (ne1)
        gguf_number(writer, ne1, 8);
    gguf_number(writer, type, 4);
    gguf_number(writer, offset, 8);
}

/* Zeroes up to the alignment. */
static inline void gguf_pad(struct gguf_writer *writer, size_t alignment)
{
    while (writer->length % alignment)
        gguf_number(writer, 0, 1);
}

#endif
