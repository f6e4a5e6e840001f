/**
 * @file
 * @brief What a GGUF file says of its model: metadata and tensor infos, without the vocabulary and
 * without the tensors.
 *
 * Reading takes the header only, in one pass through a 64 KiB window; a file that is cut where the
 * tensor data begin is read all the same. A model of several files (`…-00001-of-00003.gguf`) is
 * read by the name of any of them. Arrays of texts, such as the vocabulary, are counted; texts and
 * arrays of numbers are kept up to the lengths of options `gguf.max_text_bytes` and
 * `gguf.max_items`.
 *
 * The result is immutable and reference-counted; any thread may use it, without a context and after
 * a fork. Strings are borrowed from it. Source of the format: ggml's docs/gguf.md, and what
 * llama.cpp's ggml/src/gguf.cpp accepts (b10470).
 */
#ifndef HOMELAB_GGUF_H
#define HOMELAB_GGUF_H

#include <homelab/ctx.h>
#include <homelab/export.h>
#include <homelab/options.h>

HOMELAB_BEGIN_DECLS

/** A model's header. Immutable, reference-counted. @since 0.2.0 */
typedef struct homelab_gguf homelab_gguf;

/** Read from a file. @since 0.2.0 */
#define HOMELAB_GGUF_SOURCE_FILE     0
/** Read from memory. @since 0.2.0 */
#define HOMELAB_GGUF_SOURCE_MEMORY   1
/** Read over HTTP. @since 0.2.0 */
#define HOMELAB_GGUF_SOURCE_URL      2
/** Put together from Ollama's `/api/show`. @since 0.2.0 */
#define HOMELAB_GGUF_SOURCE_OLLAMA   3
/** Put together from llama.cpp's `/v1/models`. @since 0.2.0 */
#define HOMELAB_GGUF_SOURCE_LLAMACPP 4

/**
 * @brief Reads a file and, where it is one of several parts, the others beside it.
 * @param[out] out The header; untouched on failure.
 * @param path The file, which may be a pipe.
 * @param opts Options (`gguf.*`), or NULL for the defaults.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM, HOMELAB_E_SYSTEM, HOMELAB_E_FORMAT for
 * what is no GGUF file or a broken one, HOMELAB_E_UNSUPPORTED for another version than 2 and 3, or
 * HOMELAB_E_LIMIT. Messages name offset and field.
 * @since 0.2.0
 */
HOMELAB_API int homelab_gguf_load_file(homelab_gguf **out, const char *path,
                                       const homelab_opts *opts);

/**
 * @brief Reads bytes in memory: a whole file, or at least all that comes before its tensor data.
 * @param[out] out The header; untouched on failure.
 * @param data, length The bytes, copied as far as they are kept. NULL only with length 0.
 * @param name What messages call it; NULL for `gguf`.
 * @param opts Options (`gguf.*`), or NULL for the defaults.
 * @return As homelab_gguf_load_file(), but for HOMELAB_E_SYSTEM. One part of several is read alone
 * and is not complete.
 * @since 0.2.0
 */
HOMELAB_API int homelab_gguf_load_memory(homelab_gguf **out, const char *data, size_t length,
                                         const char *name, const homelab_opts *opts);

/**
 * @brief Takes what Ollama tells of a model: its keys but for long arrays, and its tensors.
 * @param[out] out The facts; untouched on failure. homelab_gguf_is_certain() is false of them.
 * @param json, length The answer to `POST /api/show`.
 * @param opts Options (`gguf.*`, `json.max_depth`), or NULL for the defaults.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM, HOMELAB_E_SYNTAX, HOMELAB_E_FORMAT for
 * another answer, or HOMELAB_E_LIMIT.
 * @since 0.2.0
 */
HOMELAB_API int homelab_gguf_load_show(homelab_gguf **out, const char *json, size_t length,
                                       const homelab_opts *opts);

/**
 * @brief Takes what llama.cpp's server tells of a model: bytes, width, vocabulary and context, but
 * neither architecture nor layers, so that no estimate can be worked out from it.
 * @param[out] out The facts; untouched on failure. homelab_gguf_is_certain() is false of them.
 * @param json, length The answer to `GET /v1/models`.
 * @param model Id or alias of the model; NULL for the first.
 * @param opts Options (`gguf.*`, `json.max_depth`), or NULL for the defaults.
 * @return As homelab_gguf_load_show(), or HOMELAB_E_NOT_FOUND without such a model.
 * @since 0.2.0
 */
HOMELAB_API int homelab_gguf_load_models(homelab_gguf **out, const char *json, size_t length,
                                         const char *model, const homelab_opts *opts);

/**
 * @brief Starts reading a file from a web server, without its tensor data.
 * @param ctx The context that does the transfers.
 * @param url `http://` or `https://`, without user or password. Of a model of several files, that
 * of any of them.
 * @param timeout_ms At most this long for everything, 1 or more.
 * @param opts Options (`gguf.*`), or NULL for those of the context.
 * @param flags 0.
 * @param[out] op Completes when the header was read; homelab_gguf_take() gives it out. Cancelling
 * it ends the transfer. The caller drops its reference.
 * @return HOMELAB_OK or a negative code. The operation itself may end with what
 * homelab_gguf_load_file() gives, a HOMELAB_E_NET_… code, or HOMELAB_E_NOT_FOUND for a 404.
 *
 * The header is asked for in ranges of 256 KiB to 4 MiB; of a server that does not know ranges the
 * file is read from its start, and the connection is closed when the header is there. Up to
 * `gguf.max_redirects` redirects are followed. No key is sent.
 * @since 0.2.0
 */
HOMELAB_API int homelab_ctx_fetch_gguf(homelab_ctx *ctx, const char *url, int timeout_ms,
                                       const homelab_opts *opts, uint32_t flags, homelab_op **op);

/**
 * @brief The header that an operation of homelab_ctx_fetch_gguf() read.
 * @param[out] out A reference of the caller's own; may be taken any number of times.
 * @param op The operation.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_PENDING, HOMELAB_E_STATE for an operation of
 * another kind, or what the operation failed with. Any thread.
 * @since 0.2.0
 */
HOMELAB_API int homelab_gguf_take(homelab_gguf **out, const homelab_op *op);

/**
 * @brief Reads a file from a web server and waits for it; parameters as of
 * homelab_ctx_fetch_gguf().
 * @param[out] out The header; untouched on failure.
 * @return HOMELAB_OK, HOMELAB_E_TIMEOUT, or what homelab_ctx_fetch_gguf() and its operation give.
 * @since 0.2.0
 */
HOMELAB_API int homelab_gguf_load_url(homelab_gguf **out, homelab_ctx *ctx, const char *url,
                                      int timeout_ms, const homelab_opts *opts);

/** @brief Takes a reference. @return The same header; NULL for NULL. Any thread. @since 0.2.0 */
HOMELAB_API homelab_gguf *homelab_gguf_ref(homelab_gguf *gguf);

/** @brief Drops a reference; the last one frees. NULL is allowed. Any thread. @since 0.2.0 */
HOMELAB_API void homelab_gguf_unref(homelab_gguf *gguf);

/* --- The file --- */

/** @brief HOMELAB_GGUF_SOURCE_…; -1 for NULL. @since 0.2.0 */
HOMELAB_API int homelab_gguf_source(const homelab_gguf *gguf);

/** @brief Whether it was read from the model itself. What a server told of a model lacks facts, and
 * plans from it are less certain. @since 0.2.0 */
HOMELAB_API bool homelab_gguf_is_certain(const homelab_gguf *gguf);

/** @brief Version of the format, 2 or 3; 0 where there is no file. @since 0.2.0 */
HOMELAB_API int homelab_gguf_version(const homelab_gguf *gguf);

/** @brief Whether its numbers are stored with the most significant byte first. @since 0.2.0 */
HOMELAB_API bool homelab_gguf_is_big_endian(const homelab_gguf *gguf);

/** @brief Bytes that tensors are aligned to in the file. @since 0.2.0 */
HOMELAB_API int64_t homelab_gguf_alignment(const homelab_gguf *gguf);

/** @brief Offset of the tensor data in the (first) file, in bytes. @since 0.2.0 */
HOMELAB_API int64_t homelab_gguf_data_offset(const homelab_gguf *gguf);

/** @brief Bytes of all tensors together, without padding. @since 0.2.0 */
HOMELAB_API int64_t homelab_gguf_tensor_total_bytes(const homelab_gguf *gguf);

/** @brief Bytes of the file, all parts together, as far as it is there; -1 where unknown, as of a
 * pipe. @since 0.2.0 */
HOMELAB_API int64_t homelab_gguf_file_bytes(const homelab_gguf *gguf);

/** @brief Whether the file is known to hold all tensor data. @since 0.2.0 */
HOMELAB_API bool homelab_gguf_is_complete(const homelab_gguf *gguf);

/** @brief Number of files that the model consists of. @since 0.2.0 */
HOMELAB_API size_t homelab_gguf_part_count(const homelab_gguf *gguf);

/* --- The model --- */

/** @brief `general.architecture`, such as `llama`; NULL without one. @since 0.2.0 */
HOMELAB_API const char *homelab_gguf_architecture(const homelab_gguf *gguf);

/** @brief `general.name`; NULL without one. @since 0.2.0 */
HOMELAB_API const char *homelab_gguf_name(const homelab_gguf *gguf);

/** @brief `general.file_type`, llama.cpp's number for the mix of tensor types; -1 without one.
 * @since 0.2.0 */
HOMELAB_API int64_t homelab_gguf_file_type(const homelab_gguf *gguf);

/** @brief Name of a file type, such as `Q4_K_M` for 15. @return A static string, or NULL for an
 * unknown number. @since 0.2.0 */
HOMELAB_API const char *homelab_gguf_file_type_name(int64_t file_type);

/** @brief Number of layers (`block_count`); -1 without one. @since 0.2.0 */
HOMELAB_API int64_t homelab_gguf_layer_count(const homelab_gguf *gguf);

/** @brief Context the model was trained with, in tokens (`context_length`); -1 without one. @since
 * 0.2.0 */
HOMELAB_API int64_t homelab_gguf_trained_context(const homelab_gguf *gguf);

/** @brief Width of the embedding (`embedding_length`); -1 without one. @since 0.2.0 */
HOMELAB_API int64_t homelab_gguf_embedding_length(const homelab_gguf *gguf);

/** @brief Tokens of the vocabulary: the length of its list, else `vocab_size`, else the rows of the
 * token embedding; -1 where unknown. @since 0.2.0 */
HOMELAB_API int64_t homelab_gguf_vocabulary_size(const homelab_gguf *gguf);

/* --- Metadata --- */

/** @brief Number of keys, in the order of the file; of several parts those of the first. @since
 * 0.2.0 */
HOMELAB_API size_t homelab_gguf_key_count(const homelab_gguf *gguf);
/** @brief Name of key i; NULL past the end. @since 0.2.0 */
HOMELAB_API const char *homelab_gguf_key_name(const homelab_gguf *gguf, size_t i);
/** @brief Index of a key by its name, or -1. @since 0.2.0 */
HOMELAB_API int64_t homelab_gguf_key_find(const homelab_gguf *gguf, const char *name);
/** @brief Type of the value, or of an array's items, as the format numbers them (4 is a 32-bit
 * number without sign, 8 a text); -1 past the end. @since 0.2.0 */
HOMELAB_API int homelab_gguf_key_type(const homelab_gguf *gguf, size_t i);
/** @brief Whether the value is an array. @since 0.2.0 */
HOMELAB_API bool homelab_gguf_key_is_array(const homelab_gguf *gguf, size_t i);
/** @brief Number of items of an array, kept or not; 1 for what is no array. @since 0.2.0 */
HOMELAB_API uint64_t homelab_gguf_key_length(const homelab_gguf *gguf, size_t i);
/**
 * @brief A whole number or a boolean.
 * @param i Index of the key.
 * @param item Index in an array; for what is no array the number itself, whatever it is.
 * @param other The result where it is no such number, was not kept, or does not fit.
 * @since 0.2.0
 */
HOMELAB_API int64_t homelab_gguf_key_int(const homelab_gguf *gguf, size_t i, size_t item,
                                         int64_t other);
/** @brief A number of any type as a floating-point one; parameters as of homelab_gguf_key_int().
 * @since 0.2.0 */
HOMELAB_API double homelab_gguf_key_double(const homelab_gguf *gguf, size_t i, size_t item,
                                           double other);
/** @brief A text, what was no UTF-8 in it replaced by '?'; NULL for what is none or was not kept.
 * @since 0.2.0 */
HOMELAB_API const char *homelab_gguf_key_text(const homelab_gguf *gguf, size_t i);

/* --- Tensors --- */

/** @brief Number of tensors of all parts, in the order of the files. @since 0.2.0 */
HOMELAB_API size_t homelab_gguf_tensor_count(const homelab_gguf *gguf);
/** @brief Name of tensor i; NULL past the end. @since 0.2.0 */
HOMELAB_API const char *homelab_gguf_tensor_name(const homelab_gguf *gguf, size_t i);
/** @brief Index of a tensor by its name, or -1. @since 0.2.0 */
HOMELAB_API int64_t homelab_gguf_tensor_find(const homelab_gguf *gguf, const char *name);
/** @brief ggml's number of its type; -1 past the end. @since 0.2.0 */
HOMELAB_API int homelab_gguf_tensor_type(const homelab_gguf *gguf, size_t i);
/** @brief llama.cpp's name of its type, such as `q4_K`; NULL past the end. @since 0.2.0 */
HOMELAB_API const char *homelab_gguf_tensor_type_name(const homelab_gguf *gguf, size_t i);
/** @brief Elements along a dimension from 0 to 3, the row first; 1 for those it has not, 0 past the
 * end. @since 0.2.0 */
HOMELAB_API int64_t homelab_gguf_tensor_elements(const homelab_gguf *gguf, size_t i,
                                                 size_t dimension);
/** @brief Its bytes, without padding; -1 past the end. @since 0.2.0 */
HOMELAB_API int64_t homelab_gguf_tensor_bytes(const homelab_gguf *gguf, size_t i);
/** @brief Its offset from the start of its file's tensor data, in bytes; -1 past the end. @since
 * 0.2.0 */
HOMELAB_API int64_t homelab_gguf_tensor_offset(const homelab_gguf *gguf, size_t i);
/** @brief Which file it is in, from 0. @since 0.2.0 */
HOMELAB_API size_t homelab_gguf_tensor_part(const homelab_gguf *gguf, size_t i);

/**
 * @brief The facts as one line of JSON (schema/gguf.schema.json); what is unknown is null.
 * @return Text for homelab_free(), or NULL with an error record.
 * @since 0.2.0
 */
HOMELAB_API char *homelab_gguf_json(const homelab_gguf *gguf);

HOMELAB_END_DECLS

#endif
