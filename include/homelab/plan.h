/**
 * @file
 * @brief Which models go where: an exact search for the best placement of an inventory's models on
 * its GPUs and CPUs.
 *
 * A planner takes an inventory, the headers of its models where they are at hand, and readings of
 * memory in use. What it makes, a plan, is immutable and reference-counted; any thread may use it,
 * without a context and after a fork. docs/plan.md says what a plan maximises.
 */
#ifndef HOMELAB_PLAN_H
#define HOMELAB_PLAN_H

#include <homelab/export.h>
#include <homelab/gguf.h>
#include <homelab/inventory.h>
#include <homelab/options.h>

HOMELAB_BEGIN_DECLS

/** Collects what a plan is made from. One thread at a time. @since 0.2.0 */
typedef struct homelab_planner homelab_planner;
/** Which models go where. Immutable, reference-counted. @since 0.2.0 */
typedef struct homelab_plan homelab_plan;

/** All models are placed. @since 0.2.0 */
#define HOMELAB_PLAN_COMPLETE 0
/** Something optional is left out. @since 0.2.0 */
#define HOMELAB_PLAN_PARTIAL  1
/** A required model is left out, or a role that must be served is not. @since 0.2.0 */
#define HOMELAB_PLAN_FAILED   2

/**
 * @brief Makes a planner.
 * @param[out] out The planner; freed with homelab_planner_free().
 * @param inventory Nodes, GPUs and models; a reference is kept.
 * @param opts Options (`plan.*`, `vram.*`), copied; NULL for the defaults.
 * @return HOMELAB_OK, HOMELAB_E_INVALID or HOMELAB_E_NOMEM.
 * @since 0.2.0
 */
HOMELAB_API int homelab_planner_new(homelab_planner **out, homelab_inventory *inventory,
                                    const homelab_opts *opts);
/** @brief Frees a planner; its plans stay. NULL is allowed. @since 0.2.0 */
HOMELAB_API void homelab_planner_free(homelab_planner *planner);

/**
 * @brief Gives a model its header, so that what it takes is worked out. Without one, and for a
 * model with `vram_gib`, sizes are taken as the inventory gives them.
 * @param model Name of the model.
 * @param gguf The header; a reference is kept.
 * @return HOMELAB_OK, HOMELAB_E_INVALID also for a projector, HOMELAB_E_UNSUPPORTED for a header
 * without layers or tensors, or HOMELAB_E_NOT_FOUND that names the unknown model.
 * @since 0.2.0
 */
HOMELAB_API int homelab_planner_set_header(homelab_planner *planner, const char *model,
                                           homelab_gguf *gguf);

/**
 * @brief Gives a model the header of its image projector, which is loaded with it: on the first of
 * its GPUs, or in main memory. Not looked at where the model's size is taken as given.
 * @param model Name of the model.
 * @param gguf The projector's header; a reference is kept.
 * @return HOMELAB_OK, HOMELAB_E_INVALID also for one that is no projector, or HOMELAB_E_NOT_FOUND
 * that names the unknown model.
 * @since 0.2.0
 */
HOMELAB_API int homelab_planner_set_projector(homelab_planner *planner, const char *model,
                                              homelab_gguf *gguf);

/**
 * @brief Gives a model the header of its draft model, which the same server loads with it, with all
 * its layers on the first of the model's GPUs or in main memory, and with a cache for the same
 * contexts. Not looked at where the model's size is taken as given.
 * @param model Name of the model that the other drafts for.
 * @param gguf The draft model's header; a reference is kept.
 * @return HOMELAB_OK, HOMELAB_E_INVALID also for a projector, or HOMELAB_E_NOT_FOUND that names the
 * unknown model.
 * @since 0.2.0
 */
HOMELAB_API int homelab_planner_set_draft(homelab_planner *planner, const char *model,
                                          homelab_gguf *gguf);

/**
 * @brief Gives a reading of memory in use on a GPU, which goes before the inventory's `used_gib`.
 * @param node Id of the node.
 * @param gpu Number of the GPU on the node, from 0.
 * @param used_bytes What others than the planned models take, 0 to 2^50.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM, or HOMELAB_E_NOT_FOUND.
 * @since 0.2.0
 */
HOMELAB_API int homelab_planner_set_used(homelab_planner *planner, const char *node, size_t gpu,
                                         int64_t used_bytes);

/**
 * @brief Searches for the best plan. The same input gives the same plan; option `plan.max_steps`
 * ends a long search with the best found and a bound.
 * @param[out] out The plan; untouched on failure.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM, HOMELAB_E_OPTION_VALUE, what
 * homelab_estimate_new() gives, or HOMELAB_E_LIMIT for more than
 * - 64 models and replicas, 58 required models, 8 sets of models;
 * - 64 devices that models with `apart` or `replicas` can be on;
 * - 256 ways to place a model.
 * @since 0.2.0
 */
HOMELAB_API int homelab_planner_plan(const homelab_planner *planner, homelab_plan **out);

/** @brief Takes a reference. @return The same plan; NULL for NULL. Any thread. @since 0.2.0 */
HOMELAB_API homelab_plan *homelab_plan_ref(homelab_plan *plan);
/** @brief Drops a reference; the last one frees. NULL is allowed. Any thread. @since 0.2.0 */
HOMELAB_API void homelab_plan_unref(homelab_plan *plan);

/** @brief HOMELAB_PLAN_…; -1 for NULL. @since 0.2.0 */
HOMELAB_API int homelab_plan_status(const homelab_plan *plan);
/** @brief Whether no other choice of the ways that docs/plan.md lists is better; what fills the
 * room that is left is not searched for. @since 0.2.0 */
HOMELAB_API bool homelab_plan_is_optimal(const homelab_plan *plan);
/** @brief Number of the objective's levels, most important first. @since 0.2.0 */
HOMELAB_API size_t homelab_plan_level_count(const homelab_plan *plan);
/** @brief Value of a level: needs met; priority on GPUs, in thousandths; priority placed; 64 KiB
 * units of weights on GPUs, then on those of the highest bandwidth, and so on; last, units taken,
 * negative. 0 past the end. @since 0.2.0 */
HOMELAB_API int64_t homelab_plan_level(const homelab_plan *plan, size_t level);
/** @brief What no choice of ways exceeds at a level while the levels above are at their best, and
 * at least the plan's value; equals it in an optimal plan. @since 0.2.0 */
HOMELAB_API int64_t homelab_plan_bound(const homelab_plan *plan, size_t level);

/** @brief Number of devices: the GPUs of each node, then its CPU. @since 0.2.0 */
HOMELAB_API size_t homelab_plan_device_count(const homelab_plan *plan);
/** @brief Id of a device, `NODE/gpuNUMBER` or `NODE/cpu`; NULL past the end. Borrowed. @since
 * 0.2.0 */
HOMELAB_API const char *homelab_plan_device_id(const homelab_plan *plan, size_t device);
/** @brief Name of a device; NULL past the end or where it has none. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_plan_device_name(const homelab_plan *plan, size_t device);
/** @brief Whether it is a GPU. @since 0.2.0 */
HOMELAB_API bool homelab_plan_device_is_gpu(const homelab_plan *plan, size_t device);
/** @brief Memory of a device in bytes; 0 where unknown. @since 0.2.0 */
HOMELAB_API int64_t homelab_plan_device_capacity(const homelab_plan *plan, size_t device);
/** @brief Bytes that others keep of it. @since 0.2.0 */
HOMELAB_API int64_t homelab_plan_device_others(const homelab_plan *plan, size_t device);
/** @brief Whether that is a reading handed in; else it is the inventory's. @since 0.2.0 */
HOMELAB_API bool homelab_plan_device_was_read(const homelab_plan *plan, size_t device);
/** @brief Bytes that the planned models take of it, in the set of models that takes most. @since
 * 0.2.0 */
HOMELAB_API int64_t homelab_plan_device_planned(const homelab_plan *plan, size_t device);

/** @brief Number of models and replicas, also those left out, in the inventory's order. @since
 * 0.2.0 */
HOMELAB_API size_t homelab_plan_model_count(const homelab_plan *plan);
/** @brief Name of model i; NULL past the end. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_plan_model_name(const homelab_plan *plan, size_t i);
/** @brief Whether model i has a place. @since 0.2.0 */
HOMELAB_API bool homelab_plan_model_is_placed(const homelab_plan *plan, size_t i);
/** @brief Whether model i runs on a CPU alone. @since 0.2.0 */
HOMELAB_API bool homelab_plan_model_on_cpu(const homelab_plan *plan, size_t i);
/** @brief Layers of model i on GPUs, the output layer included; -1 where unknown. @since 0.2.0 */
HOMELAB_API int64_t homelab_plan_model_layers(const homelab_plan *plan, size_t i);
/** @brief Context of a request to model i in tokens; 0 where unknown. @since 0.2.0 */
HOMELAB_API int64_t homelab_plan_model_context(const homelab_plan *plan, size_t i);
/** @brief Type of model i's KV cache; NULL past the end, where it has no place, and where its size
 * is taken as given. Static. @since 0.2.0 */
HOMELAB_API const char *homelab_plan_model_kv(const homelab_plan *plan, size_t i);
/** @brief One line: why model i is where it is, or is left out and what would make room. NULL past
 * the end. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_plan_model_why(const homelab_plan *plan, size_t i);
/** @brief Number of devices that model i is on. @since 0.2.0 */
HOMELAB_API size_t homelab_plan_part_count(const homelab_plan *plan, size_t i);
/** @brief Index of the device of a part, or HOMELAB_E_NOT_FOUND. @since 0.2.0 */
HOMELAB_API int homelab_plan_part_device(const homelab_plan *plan, size_t i, size_t part);
/** @brief Weights of a part in bytes; -1 past the end. @since 0.2.0 */
HOMELAB_API int64_t homelab_plan_part_weights(const homelab_plan *plan, size_t i, size_t part);
/** @brief KV cache and states of a part in bytes; -1 past the end. @since 0.2.0 */
HOMELAB_API int64_t homelab_plan_part_context(const homelab_plan *plan, size_t i, size_t part);
/** @brief Compute buffers of a part in bytes; -1 past the end. @since 0.2.0 */
HOMELAB_API int64_t homelab_plan_part_compute(const homelab_plan *plan, size_t i, size_t part);
/** @brief What the process takes beside them in bytes; -1 past the end. @since 0.2.0 */
HOMELAB_API int64_t homelab_plan_part_overhead(const homelab_plan *plan, size_t i, size_t part);
/** @brief Arguments of llama-server that run model i as planned, quoted for a shell; NULL where it
 * has no place. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_plan_model_llama_server(const homelab_plan *plan, size_t i);
/** @brief A docker command that runs it; NULL where it has no place. Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_plan_model_docker(const homelab_plan *plan, size_t i);
/** @brief Environment of an Ollama server for it, `NAME=VALUE` separated by spaces; NULL where it
 * has no place. num_ctx is homelab_plan_model_context(), num_gpu homelab_plan_model_layers().
 * Borrowed. @since 0.2.0 */
HOMELAB_API const char *homelab_plan_model_ollama(const homelab_plan *plan, size_t i);

/** @brief The plan as JSON (schema/plan.schema.json). @return Text for homelab_free(), or NULL.
 * @since 0.2.0 */
HOMELAB_API char *homelab_plan_json(const homelab_plan *plan);
/** @brief A picture of each device's memory by model and part. @return An SVG 1.1 document for
 * homelab_free(), or NULL. @since 0.2.0 */
HOMELAB_API char *homelab_plan_svg(const homelab_plan *plan);
/**
 * @brief What changes from one plan to another, one line a change; empty when nothing does.
 * @param plan The new plan.
 * @param before The old one.
 * @return Text for homelab_free(), or NULL with an error record.
 * @since 0.2.0
 */
HOMELAB_API char *homelab_plan_diff(const homelab_plan *plan, const homelab_plan *before);

HOMELAB_END_DECLS

#endif
