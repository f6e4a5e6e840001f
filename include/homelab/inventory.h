/**
 * @file
 * @brief The inventory: which tiers, nodes, GPUs, endpoints, containers and models a cluster has.
 *
 * An inventory is immutable and free of any context; any thread may read it. It comes from a JSON
 * or YAML file (schema: schema/inventory.schema.json), from text, or from a builder; all three pass
 * the same checks.
 */
#ifndef HOMELAB_INVENTORY_H
#define HOMELAB_INVENTORY_H

#include <homelab/export.h>
#include <homelab/options.h>

HOMELAB_BEGIN_DECLS

/** An immutable inventory. Reference-counted. @since 0.1.0 */
typedef struct homelab_inventory homelab_inventory;
/** Collects values for an inventory. One thread at a time. @since 0.1.0 */
typedef struct homelab_builder homelab_builder;
/** All problems found in an inventory text. Immutable. @since 0.1.0 */
typedef struct homelab_report homelab_report;

/** The text is JSON (RFC 8259). @since 0.1.0 */
#define HOMELAB_FORMAT_JSON 1
/** The text is YAML 1.1, one document, without aliases and tags. @since 0.1.0 */
#define HOMELAB_FORMAT_YAML 2
/** JSON when the first character that is not white space is `{`, else YAML. @since 0.1.0 */
#define HOMELAB_FORMAT_AUTO 0

/** The endpoint's backend is told from its path and answers. @since 0.1.0 */
#define HOMELAB_BACKEND_AUTO      0
/** Ollama. @since 0.1.0 */
#define HOMELAB_BACKEND_OLLAMA    1
/** llama.cpp's llama-server, also in router mode. @since 0.1.0 */
#define HOMELAB_BACKEND_LLAMACPP  2
/** LiteLLM proxy. @since 0.1.0 */
#define HOMELAB_BACKEND_LITELLM   3
/** vLLM. @since 0.1.0 */
#define HOMELAB_BACKEND_VLLM      4
/** LM Studio. @since 0.1.0 */
#define HOMELAB_BACKEND_LMSTUDIO  5
/** TabbyAPI. @since 0.1.0 */
#define HOMELAB_BACKEND_TABBYAPI  6
/** llama-swap. @since 0.1.0 */
#define HOMELAB_BACKEND_LLAMASWAP 7
/** Any other server with OpenAI's `/v1/models`. @since 0.1.0 */
#define HOMELAB_BACKEND_OPENAI    8
/** Plain HTTP: a 2xx answer to the URL is all that is looked at. @since 0.1.0 */
#define HOMELAB_BACKEND_HTTP      9
/** Plain TCP: an accepted connection is all that is looked at. @since 0.1.0 */
#define HOMELAB_BACKEND_TCP       10

/**
 * @brief Reads and checks an inventory file.
 * @param[out] out The inventory; untouched on failure.
 * @param path The file; `.json`, `.yaml` and `.yml` fix the format, any other name means
 * HOMELAB_FORMAT_AUTO.
 * @param opts Options (`inventory.*`, `json.max_depth`), or NULL.
 *
 * `${NAME}` in an address is read from the environment, which no other thread may change meanwhile.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM, HOMELAB_E_SYSTEM (the file cannot be
 * read), HOMELAB_E_LIMIT, HOMELAB_E_SYNTAX or HOMELAB_E_INVENTORY; the record holds the first
 * problem with file, line and column. homelab_report_file() gives them all.
 * @since 0.1.0
 */
HOMELAB_API int homelab_inventory_load_file(homelab_inventory **out, const char *path,
                                            const homelab_opts *opts);

/**
 * @brief Reads and checks an inventory text.
 * @param text UTF-8, length bytes.
 * @param name Stands for the file in messages, or NULL for "inventory".
 * @param format HOMELAB_FORMAT_…
 * @return As homelab_inventory_load_file().
 * @since 0.1.0
 */
HOMELAB_API int homelab_inventory_load_text(homelab_inventory **out, const char *text,
                                            size_t length, int format, const char *name,
                                            const homelab_opts *opts);

/** @brief Takes a reference. @return The same inventory; NULL for NULL. @since 0.1.0 */
HOMELAB_API homelab_inventory *homelab_inventory_ref(homelab_inventory *inventory);

/** @brief Drops a reference; NULL is allowed. @since 0.1.0 */
HOMELAB_API void homelab_inventory_unref(homelab_inventory *inventory);

/**
 * @brief Writes the inventory back: what was given, in a fixed order, without what was defaulted;
 * `${NAME}` stays.
 * @param format HOMELAB_FORMAT_JSON or HOMELAB_FORMAT_YAML.
 * @return Text for homelab_free(), or NULL with an error record. Reading it gives an equal
 * inventory.
 * @since 0.1.0
 */
HOMELAB_API char *homelab_inventory_write(const homelab_inventory *inventory, int format);

/** @brief Number of tiers, most preferred first. @since 0.1.0 */
HOMELAB_API size_t homelab_inventory_tier_count(const homelab_inventory *inventory);
/** @brief Name of tier i in lower case; NULL past the end. Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_inventory_tier_name(const homelab_inventory *inventory, size_t i);

/** @brief Number of nodes, in the order of the file. @since 0.1.0 */
HOMELAB_API size_t homelab_inventory_node_count(const homelab_inventory *inventory);
/** @brief Id of node i; NULL past the end. Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_inventory_node_id(const homelab_inventory *inventory, size_t i);
/** @brief Address of node i with variables filled in; NULL past the end or where it has none.
 * Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_inventory_node_host(const homelab_inventory *inventory, size_t i);
/** @brief Operating system of node i (linux, windows, macos, synology); NULL where unknown.
 * Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_inventory_node_os(const homelab_inventory *inventory, size_t i);
/** @brief Memory of node i in bytes; 0 where unknown. @since 0.1.0 */
HOMELAB_API int64_t homelab_inventory_node_ram_bytes(const homelab_inventory *inventory, size_t i);
/** @brief Number of GPUs of node i. @since 0.1.0 */
HOMELAB_API size_t homelab_inventory_gpu_count(const homelab_inventory *inventory, size_t node);
/** @brief Name of a GPU; NULL past the end. Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_inventory_gpu_name(const homelab_inventory *inventory, size_t node,
                                                   size_t gpu);
/** @brief Memory of a GPU in bytes; 0 past the end. @since 0.1.0 */
HOMELAB_API int64_t homelab_inventory_gpu_memory_bytes(const homelab_inventory *inventory,
                                                       size_t node, size_t gpu);
/** @brief Memory bandwidth of a GPU in bytes a second; 0 where unknown. @since 0.1.0 */
HOMELAB_API int64_t homelab_inventory_gpu_bandwidth_bytes(const homelab_inventory *inventory,
                                                          size_t node, size_t gpu);

/** @brief Number of endpoints, in the order of the file. @since 0.1.0 */
HOMELAB_API size_t homelab_inventory_endpoint_count(const homelab_inventory *inventory);
/** @brief Index of the endpoint with that id, or a negative code (HOMELAB_E_NOT_FOUND). @since
 * 0.1.0 */
HOMELAB_API int homelab_inventory_endpoint_find(const homelab_inventory *inventory, const char *id);
/** @brief Id of endpoint i; NULL past the end. Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_inventory_endpoint_id(const homelab_inventory *inventory, size_t i);
/** @brief URL of endpoint i with variables filled in; NULL past the end. Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_inventory_endpoint_url(const homelab_inventory *inventory,
                                                       size_t i);
/** @brief Tier of endpoint i in lower case; NULL past the end. Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_inventory_endpoint_tier(const homelab_inventory *inventory,
                                                        size_t i);
/** @brief Id of the node of endpoint i; NULL past the end or where it is on none. Borrowed. @since
 * 0.1.0 */
HOMELAB_API const char *homelab_inventory_endpoint_node(const homelab_inventory *inventory,
                                                        size_t i);
/** @brief Backend of endpoint i as declared or told from its URL, HOMELAB_BACKEND_…; AUTO where
 * neither says. @since 0.1.0 */
HOMELAB_API int homelab_inventory_endpoint_backend(const homelab_inventory *inventory, size_t i);
/** @brief Time a whole probe of endpoint i may take, in milliseconds. @since 0.1.0 */
HOMELAB_API int64_t homelab_inventory_endpoint_timeout_ms(const homelab_inventory *inventory,
                                                          size_t i);

/** @brief Number of containers, in the order of the file. @since 0.1.0 */
HOMELAB_API size_t homelab_inventory_container_count(const homelab_inventory *inventory);
/** @brief Name of container i; NULL past the end. Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_inventory_container_name(const homelab_inventory *inventory,
                                                         size_t i);
/** @brief Node of container i; NULL past the end. Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_inventory_container_node(const homelab_inventory *inventory,
                                                         size_t i);

/** @brief Number of models, in the order of the file. @since 0.1.0 */
HOMELAB_API size_t homelab_inventory_model_count(const homelab_inventory *inventory);
/** @brief Name of model i as its backend knows it; NULL past the end. Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_inventory_model_name(const homelab_inventory *inventory, size_t i);
/** @brief File of model i as the inventory names it; NULL past the end or where it names none.
 * Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_inventory_model_file(const homelab_inventory *inventory, size_t i);
/** @brief File of model i's image projector; NULL past the end or where the inventory names none.
 * Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_inventory_model_mmproj(const homelab_inventory *inventory,
                                                       size_t i);
/** @brief File of model i's draft model; NULL past the end or where the inventory names none.
 * Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_inventory_model_draft(const homelab_inventory *inventory, size_t i);

/** @brief Name of a backend (`ollama`, `llamacpp`, …), or NULL for an unknown number. Static.
 * @since 0.1.0 */
HOMELAB_API const char *homelab_backend_name(int backend);
/** @brief Number of a backend's name, or HOMELAB_E_NOT_FOUND. @since 0.1.0 */
HOMELAB_API int homelab_backend_from_name(const char *name);

/**
 * @brief Checks an inventory file and reports every problem; touches no network.
 * @return HOMELAB_OK also when there are problems (homelab_report_count() says), HOMELAB_E_SYSTEM
 * when the file cannot be read, HOMELAB_E_LIMIT, HOMELAB_E_INVALID or HOMELAB_E_NOMEM.
 * @since 0.1.0
 */
HOMELAB_API int homelab_report_file(homelab_report **out, const char *path,
                                    const homelab_opts *opts);

/**
 * @brief Checks an inventory text; results as homelab_report_file().
 * @param text, length, format As homelab_inventory_load_text().
 * @param name Stands for the file in messages, or NULL for "inventory".
 * @since 0.1.0
 */
HOMELAB_API int homelab_report_text(homelab_report **out, const char *text, size_t length,
                                    int format, const char *name, const homelab_opts *opts);

/** @brief Frees a report; NULL is allowed. @since 0.1.0 */
HOMELAB_API void homelab_report_free(homelab_report *report);
/** @brief Number of problems, in the order of the text. Beyond option `inventory.max_problems` one
 * more entry without a position says how many were left out. @since 0.1.0 */
HOMELAB_API size_t homelab_report_count(const homelab_report *report);
/** @brief Line of problem i, from 1; 0 past the end and where there is none. @since 0.1.0 */
HOMELAB_API int homelab_report_line(const homelab_report *report, size_t i);
/** @brief Column of problem i in characters, from 1; 0 past the end and where there is none. @since
 * 0.1.0 */
HOMELAB_API int homelab_report_column(const homelab_report *report, size_t i);
/** @brief Key path of problem i, such as `endpoints."local/ollama".timeout`; NULL past the end.
 * Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_report_path(const homelab_report *report, size_t i);
/** @brief Problem i as one line `FILE:LINE:COLUMN: PATH: found …, expected …`; NULL past the end.
 * Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_report_message(const homelab_report *report, size_t i);

/**
 * @brief Makes an empty builder, or one filled from an inventory.
 * @param from An inventory to start from, or NULL.
 * @return HOMELAB_OK, HOMELAB_E_INVALID or HOMELAB_E_NOMEM. Freed with homelab_builder_free().
 * @since 0.1.0
 */
HOMELAB_API int homelab_builder_new(homelab_builder **out, const homelab_inventory *from,
                                    const homelab_opts *opts);
/** @brief Frees a builder; NULL is allowed. @since 0.1.0 */
HOMELAB_API void homelab_builder_free(homelab_builder *builder);

/**
 * @brief Sets one value.
 * @param section `tiers`, `nodes`, `endpoints`, `containers` or `models`.
 * @param id The item, made when it is not there.
 * @param key The key inside the item, with dots and indices for nested ones: `url`, `ssh.port`,
 * `gpus[0].memory_gib`. An index equal to the length appends; at most eight steps.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM or HOMELAB_E_UTF8. Meaning is checked by
 * homelab_builder_build().
 * @since 0.1.0
 */
HOMELAB_API int homelab_builder_set_string(homelab_builder *builder, const char *section,
                                           const char *id, const char *key, const char *value);
/** @brief Sets a number; parameters and results as homelab_builder_set_string(). @since 0.1.0 */
HOMELAB_API int homelab_builder_set_number(homelab_builder *builder, const char *section,
                                           const char *id, const char *key, double value);
/** @brief Sets a boolean; parameters and results as homelab_builder_set_string(). @since 0.1.0 */
HOMELAB_API int homelab_builder_set_bool(homelab_builder *builder, const char *section,
                                         const char *id, const char *key, bool value);
/**
 * @brief Removes an item, or one key of it.
 * @param section, id As homelab_builder_set_string().
 * @param key The key inside the item, or NULL for the whole item.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM, or HOMELAB_E_NOT_FOUND when it is not
 * there.
 * @since 0.1.0
 */
HOMELAB_API int homelab_builder_remove(homelab_builder *builder, const char *section,
                                       const char *id, const char *key);
/** @brief Checks what was set and makes an inventory; errors as homelab_inventory_load_text(). The
 * builder stays. @since 0.1.0 */
HOMELAB_API int homelab_builder_build(const homelab_builder *builder, homelab_inventory **out);

HOMELAB_END_DECLS

#endif
