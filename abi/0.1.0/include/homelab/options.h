/**
 * @file
 * @brief A bag of options for constructors.
 *
 * Every option has a key, a type, a range, a default and a text, all in one table that this header
 * lets a program read. The keys also exist as HOMELAB_OPT_ macros in homelab/option_keys.h,
 * generated from the same table.
 */
#ifndef HOMELAB_OPTIONS_H
#define HOMELAB_OPTIONS_H

#include <homelab/export.h>
#include <homelab/memory.h>
#include <homelab/option_keys.h>

HOMELAB_BEGIN_DECLS

/** A bag of options. One thread at a time; constructors copy from it. @since 0.1.0 */
typedef struct homelab_opts homelab_opts;

/** The option is a boolean. @since 0.1.0 */
#define HOMELAB_OPTION_BOOL   1
/** The option is a 64-bit integer with a range. @since 0.1.0 */
#define HOMELAB_OPTION_INT    2
/** The option is a double with a range. @since 0.1.0 */
#define HOMELAB_OPTION_DOUBLE 3
/** The option is UTF-8 text. @since 0.1.0 */
#define HOMELAB_OPTION_STRING 4

/**
 * @brief Makes an empty bag: every option has its default.
 * @return HOMELAB_OK, HOMELAB_E_INVALID or HOMELAB_E_NOMEM. Freed with homelab_opts_free().
 * @since 0.1.0
 */
HOMELAB_API int homelab_opts_new(homelab_opts **out);

/** @brief Frees a bag; NULL is allowed. @since 0.1.0 */
HOMELAB_API void homelab_opts_free(homelab_opts *opts);

/**
 * @brief Sets a boolean.
 * @return HOMELAB_OK, HOMELAB_E_INVALID, HOMELAB_E_NOMEM, HOMELAB_E_OPTION_UNKNOWN (the message
 * names the nearest known key) or HOMELAB_E_OPTION_VALUE (the option has another type).
 * @since 0.1.0
 */
HOMELAB_API int homelab_opts_set_bool(homelab_opts *opts, const char *key, bool value);

/** @brief Sets an integer; errors as homelab_opts_set_bool(), also for a value out of range. @since
 * 0.1.0 */
HOMELAB_API int homelab_opts_set_int(homelab_opts *opts, const char *key, int64_t value);

/** @brief Sets a double; errors as homelab_opts_set_int(). An integer option refuses it. @since
 * 0.1.0 */
HOMELAB_API int homelab_opts_set_double(homelab_opts *opts, const char *key, double value);

/** @brief Sets a text, which is copied; errors as homelab_opts_set_bool(). @since 0.1.0 */
HOMELAB_API int homelab_opts_set_string(homelab_opts *opts, const char *key, const char *value);

/**
 * @brief Sets an option of any type from text, as a command line gives it: "true" (or yes, on, 1;
 * false, no, off, 0), "5000", "0.5", whatever the locale.
 * @return As the typed setters; HOMELAB_E_OPTION_VALUE names what was found and what was expected.
 * @since 0.1.0
 */
HOMELAB_API int homelab_opts_set_text(homelab_opts *opts, const char *key, const char *text);

/**
 * @brief Objects made with these options take their memory from this allocator; NULL means libc.
 *
 * The bag keeps the pointer, so the allocator must outlive the bag and every object made with it.
 * @return HOMELAB_OK, or HOMELAB_E_INVALID for opts NULL.
 * @since 0.1.0
 */
HOMELAB_API int homelab_opts_set_allocator(homelab_opts *opts, homelab_allocator *allocator);

/** @brief Value of a boolean option, set or default; false with an error record for a wrong key.
 * @since 0.1.0 */
HOMELAB_API bool homelab_opts_get_bool(const homelab_opts *opts, const char *key);

/** @brief Value of an integer option, set or default; 0 with an error record for a wrong key.
 * @since 0.1.0 */
HOMELAB_API int64_t homelab_opts_get_int(const homelab_opts *opts, const char *key);

/** @brief Value of a double option, set or default; 0 with an error record for a wrong key. @since
 * 0.1.0 */
HOMELAB_API double homelab_opts_get_double(const homelab_opts *opts, const char *key);

/** @brief Value of a text option, set or default; NULL with an error record for a wrong key.
 * Borrowed. @since 0.1.0 */
HOMELAB_API const char *homelab_opts_get_string(const homelab_opts *opts, const char *key);

/** @brief Number of options in the table. Any thread. @since 0.1.0 */
HOMELAB_API size_t homelab_option_count(void);

/** @brief Key of option i, or NULL past the end. Static. Any thread. @since 0.1.0 */
HOMELAB_API const char *homelab_option_key(size_t i);

/** @brief Type of option i (HOMELAB_OPTION_…), or 0 past the end. Any thread. @since 0.1.0 */
HOMELAB_API int homelab_option_type(size_t i);

/** @brief Default of option i as text, or NULL past the end. Static. Any thread. @since 0.1.0 */
HOMELAB_API const char *homelab_option_default(size_t i);

/** @brief Smallest value of a numeric option, 0 for others. Any thread. @since 0.1.0 */
HOMELAB_API double homelab_option_min(size_t i);

/** @brief Largest value of a numeric option, 0 for others. Any thread. @since 0.1.0 */
HOMELAB_API double homelab_option_max(size_t i);

/** @brief Unit of option i, such as "ms" or "bytes"; "" where it has none, NULL past the end.
 * Static. @since 0.1.0 */
HOMELAB_API const char *homelab_option_unit(size_t i);

/** @brief One sentence on option i, or NULL past the end. Static. Any thread. @since 0.1.0 */
HOMELAB_API const char *homelab_option_text(size_t i);

/** @brief Release that brought option i, or NULL past the end. Static. Any thread. @since 0.1.0 */
HOMELAB_API const char *homelab_option_since(size_t i);

HOMELAB_END_DECLS

#endif
