/**
 * @file
 * @brief What kind of work a request is: code, reasoning, talk, a quick answer, a picture, a
 * vector.
 *
 * A classification is a reusable object of the caller: make one per thread, fill it as often as
 * wanted, read it. Filling takes no memory, no lock and no locale, and its time is bounded whatever
 * the length of a prompt: of a long one the beginning and the end are read. docs/classify.md tells
 * how the model came about and how good it is.
 */
#ifndef HOMELAB_CLASSIFY_H
#define HOMELAB_CLASSIFY_H

#include <homelab/export.h>
#include <homelab/options.h>

HOMELAB_BEGIN_DECLS

/** No task. @since 0.2.0 */
#define HOMELAB_TASK_NONE   0
/** Write, mend, explain or translate code, shell, SQL, developer tooling. @since 0.2.0 */
#define HOMELAB_TASK_CODE   1
/** Mathematics and deduction in several steps with an answer that can be checked. @since 0.2.0 */
#define HOMELAB_TASK_REASON 2
/** Open talk, writing, role play, advice, explanation, summary. @since 0.2.0 */
#define HOMELAB_TASK_CHAT   3
/** A short request whose answer is one fact, number, term or line. @since 0.2.0 */
#define HOMELAB_TASK_FAST   4
/** A prompt that belongs to an image. @since 0.2.0 */
#define HOMELAB_TASK_VISION 5
/** Vectors instead of an answer. @since 0.2.0 */
#define HOMELAB_TASK_EMBED  6
/** Number of tasks; they are 1 to this. @since 0.2.0 */
#define HOMELAB_TASK_COUNT  6

/** The model must see images. @since 0.2.0 */
#define HOMELAB_NEED_VISION    1u
/** The model must call tools. @since 0.2.0 */
#define HOMELAB_NEED_TOOLS     2u
/** The answer must be JSON. @since 0.2.0 */
#define HOMELAB_NEED_JSON      4u
/** The model must make embeddings. @since 0.2.0 */
#define HOMELAB_NEED_EMBEDDING 8u

/** What a request was found to be. Belongs to one thread at a time. @since 0.2.0 */
typedef struct homelab_classification homelab_classification;

/**
 * @brief Name of a task: "code", "reason", "chat", "fast", "vision", "embed".
 * @param task A HOMELAB_TASK_… number.
 * @return A static text; "none" for any other number. May be called from any thread.
 * @since 0.2.0
 */
HOMELAB_API const char *homelab_task_name(int task);

/**
 * @brief Task of a name, as homelab_task_name() gives it.
 * @param name The name; NULL is no task.
 * @return The HOMELAB_TASK_… number, HOMELAB_TASK_NONE for an unknown name. Any thread.
 * @since 0.2.0
 */
HOMELAB_API int homelab_task_find(const char *name);

/**
 * @brief Makes an empty classification, to be filled any number of times.
 * @param[out] out The classification; untouched on failure.
 * @param opts Options, or NULL for the defaults; "classify.abstain_below" and the allocator are
 * read.
 * @return HOMELAB_OK, HOMELAB_E_INVALID or HOMELAB_E_NOMEM.
 *
 * The caller frees it with homelab_classification_free().
 * @since 0.2.0
 */
HOMELAB_API int homelab_classification_new(homelab_classification **out, const homelab_opts *opts);

/** @brief Frees a classification; NULL is allowed. @since 0.2.0 */
HOMELAB_API void homelab_classification_free(homelab_classification *self);

/**
 * @brief Classifies a plain prompt.
 * @param self The classification to fill; what it held is gone.
 * @param text The prompt, any bytes; NULL only with length 0.
 * @param length Bytes of the text.
 * @param needs What is known besides the text, HOMELAB_NEED_… bits or 0. HOMELAB_NEED_EMBEDDING
 * makes it embed and HOMELAB_NEED_VISION vision, whatever the text says.
 * @return HOMELAB_OK or HOMELAB_E_INVALID (NULL, unknown bits).
 * @since 0.2.0
 */
HOMELAB_API int homelab_classify_text(homelab_classification *self, const char *text, size_t length,
                                      uint32_t needs);

/**
 * @brief Classifies the body of a request: OpenAI chat completions, completions, responses and
 * embeddings; Ollama chat, generate, embed and embeddings.
 * @param self The classification to fill; what it held is gone, also on failure.
 * @param target Path or URL of the request, which tells embeddings from the rest, or NULL when
 * unknown: then a body with "input" and neither "messages" nor "prompt" is one for embeddings.
 * @param body The JSON text.
 * @param length Bytes of the body.
 * @param needs As for homelab_classify_text(); added to what the body says.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, or HOMELAB_E_SYNTAX when the body is no whole JSON object.
 *
 * The text that is classified is the last message of the user; when that has fewer than 16 bytes
 * ("go on"), the one before it goes along. Unknown keys are skipped. Image parts need vision,
 * "tools" and "functions" tools, "response_format" and "format" JSON.
 * @since 0.2.0
 */
HOMELAB_API int homelab_classify_request(homelab_classification *self, const char *target,
                                         const char *body, size_t length, uint32_t needs);

/** @brief The best task, also below the abstain threshold; HOMELAB_TASK_NONE while nothing was
 * classified. @since 0.2.0 */
HOMELAB_API int homelab_classification_task(const homelab_classification *self);

/** @brief Whether the confidence is below "classify.abstain_below", so that a caller had better use
 * its default. False while nothing was classified. @since 0.2.0 */
HOMELAB_API bool homelab_classification_abstains(const homelab_classification *self);

/**
 * @brief Probability of a task.
 * @param self The classification.
 * @param task A HOMELAB_TASK_… number.
 * @return 0 to 1, the six add up to 1; 0 for any other number and while nothing was classified.
 * @since 0.2.0
 */
HOMELAB_API double homelab_classification_probability(const homelab_classification *self, int task);

/** @brief Probability of the best task, 0 while nothing was classified. @since 0.2.0 */
HOMELAB_API double homelab_classification_confidence(const homelab_classification *self);

/** @brief What the request needs: HOMELAB_NEED_… bits. @since 0.2.0 */
HOMELAB_API uint32_t homelab_classification_needs(const homelab_classification *self);

/** @brief Estimated tokens of everything that goes in: all messages, tools, images. An estimate
 * from bytes, on the high side: 3.5 ASCII or 2.5 other bytes a token, 1,024 tokens an image.
 * @since 0.2.0 */
HOMELAB_API int64_t homelab_classification_prompt_tokens(const homelab_classification *self);

/** @brief Tokens that the request lets the answer have ("max_tokens" and its like), 0 when it does
 * not say. @since 0.2.0 */
HOMELAB_API int64_t homelab_classification_answer_tokens(const homelab_classification *self);

/** @brief The context that the request needs: prompt and answer tokens together. @since 0.2.0 */
HOMELAB_API int64_t homelab_classification_context_tokens(const homelab_classification *self);

/** @brief What decided: "embedding", "image", "text", or "none". A static text. @since 0.2.0 */
HOMELAB_API const char *homelab_classification_decided_by(const homelab_classification *self);

/**
 * @brief The classification as JSON, with a schema number. No text of the prompt stands in it.
 * @param self The classification.
 * @return A text for homelab_free(), or NULL without memory or self.
 * @since 0.2.0
 */
HOMELAB_API char *homelab_classification_json(const homelab_classification *self);

HOMELAB_END_DECLS

#endif
