/* The thread's error record. Failing functions set it once, where the fact is known, and pass the
 * code on. */
#ifndef HL_CORE_ERROR_H
#define HL_CORE_ERROR_H

#include <homelab/error.h>

#define HL_ERROR_MESSAGE_MAX 512
#define HL_ERROR_SUBJECT_MAX 128

/* A record that outlives the call, for operations and other results that arrive later. */
struct hl_error {
    int code;
    int sub_code;
    char subject[HL_ERROR_SUBJECT_MAX];
    char message[HL_ERROR_MESSAGE_MAX];
};

void hl_error_clear(void);
/* Sets the record and returns code. subject may be NULL. Control characters become spaces; cut at a
 * UTF-8 boundary. */
int hl_error_set(int code, int sub_code, const char *subject, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
int hl_error_nomem(void);
/* "SUBJECT: expected EXPECTED": a NULL or out-of-range argument. */
int hl_error_argument(const char *subject, const char *expected);
/* A failed system call: message "SUBJECT: WHAT: strerror", sub-code errno_value. */
int hl_error_system(const char *subject, const char *what, int errno_value);
/* Unknown flag bits. */
int hl_error_flags(uint32_t flags);

#if defined(__clang_analyzer__) && !defined(HL_ERROR_IMPLEMENTATION)
/* It looks at one file at a time, and would follow paths on which these return 0. */
#define hl_error_set(code, ...) (hl_error_set((code), __VA_ARGS__), (code))
#define hl_error_nomem()        (hl_error_nomem(), HOMELAB_E_NOMEM)
#define hl_error_argument(subject, expected)                                                       \
    (hl_error_argument(subject, expected), HOMELAB_E_INVALID)
#endif

/* Copies the thread's record out, and back. */
void hl_error_save(struct hl_error *out);
int hl_error_restore(const struct hl_error *error);
/* Fills a record directly. */
void hl_error_format(struct hl_error *error, int code, int sub_code, const char *subject,
                     const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
