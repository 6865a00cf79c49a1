/* One error object for two audiences: the person and the engineer.
 *
 * Functions return success (bool, MUST_CHECK) and fill a struct err on failure.
 * `message` is one sentence for a person: what failed and what to do; it is
 * safe to show. `detail` is for engineers (errno text, SQLite codes): it goes
 * to logs and behind --verbose only. `code` is stable; the table below gives
 * its name, its exit status and what to do when nothing more exact is known.
 *
 * Three kinds never mix: bugs (ASSERT), operating errors (this), and failures
 * of a workflow (data inside the core, journaled; see flow/).
 *
 * Ownership: the texts live in the object itself (fixed size, cut at a
 * character boundary with "..."), so an err outlives every arena.
 */
#ifndef PAWL_BASE_ERR_H
#define PAWL_BASE_ERR_H

#include "base/macros.h"
#include "base/str.h"

#include <stdarg.h>

/* code, exit status of the CLI, HTTP status, what to do by default */
#define ERR_TABLE(X)                                                                               \
    X(NONE, 0, 200, "")                                                                            \
    X(USAGE, 2, 400, "See --help.")                                                                \
    X(INVALID_JSON, 2, 400, "Correct the JSON text.")                                              \
    X(INVALID_YAML, 2, 400, "Correct the YAML text.")                                              \
    X(INVALID_PATH, 2, 400, "Correct the JSONPath expression.")                                    \
    X(INVALID_INTRINSIC, 2, 400, "Correct the intrinsic function call.")                           \
    X(INVALID_DEFINITION, 1, 400, "Correct the definition; pawl validate lists everything.")       \
    X(INVALID_CONFIG, 2, 400, "Correct the configuration file.")                                   \
    X(INVALID_INPUT, 2, 400, "Correct the input.")                                                 \
    X(NOT_FOUND, 4, 404, "List what exists with pawl ls.")                                         \
    X(AMBIGUOUS, 4, 409, "Give more of the id.")                                                   \
    X(CONFLICT, 5, 409, "Choose another name, or look at what holds it.")                          \
    X(NOT_REDRIVABLE, 5, 409, "Look at it with pawl show, or start it anew with pawl restart.")    \
    X(BUSY, 5, 409, "Wait for the other process, or choose another --data.")                       \
    X(PERMISSION, 6, 403, "Check the owner and the permissions of the path.")                      \
    X(TOO_LARGE, 2, 413, "Make it smaller, or raise the limit named.")                             \
    X(TOO_DEEP, 2, 400, "Nest less deeply, or raise the limit named.")                             \
    X(MEMORY_LIMIT, 2, 413, "Make the data smaller, or raise the limit named.")                    \
    X(STEP_LIMIT, 2, 400, "Make the expression do less, or raise the limit named.")                \
    X(UNREACHABLE, 6, 502, "Check that the server runs, and its address.")                         \
    X(STALE, 5, 409, "Another process took over; this one must stop.")                             \
    X(OLDER_SCHEMA, 6, 500, "Let a command that may change the store bring it forward.")           \
    X(NEWER_SCHEMA, 6, 500, "Use the release of Pawl that wrote it, or a newer one.")              \
    X(CORRUPT, 7, 500, "Restore from a backup; the rest stays readable.")                          \
    X(DISK_FULL, 6, 507, "Free space on the disk.")                                                \
    X(IO, 6, 500, "Check the disk and the path.")                                                  \
    X(EVALUATION, 1, 400, "Correct the expression or the data it reads.")                          \
    X(INTERRUPTED, 130, 503, "Go on later with the command printed.")                              \
    X(INTERNAL, 70, 500, "Report this with the detail.")

enum err_code {
#define ERR_ENUM(name, exit_status, http_status, remedy) ERR_##name,
    ERR_TABLE(ERR_ENUM)
#undef ERR_ENUM
    ERR_COUNT
};

enum {
    ERR_MESSAGE_MAX = 1024,
    ERR_DETAIL_MAX = 256,
};

struct err {
    enum err_code code;
    size_t offset;         /* byte offset in the input it speaks of, or SIZE_MAX */
    uint32_t line, column; /* 1-based where known, else 0; column counts bytes */
    const char *file;      /* where it was raised */
    int file_line;
    char message[ERR_MESSAGE_MAX];
    char detail[ERR_DETAIL_MAX];
};

/* Fills e and returns false, so that `return err_set(...)` reads well.
 * e may be NULL when the caller does not care. */
#define err_set(e, error_code, ...) err_set_at((e), (error_code), __FILE__, __LINE__, __VA_ARGS__)
bool err_set_at(struct err *e, enum err_code code, const char *file, int line, const char *format,
                ...) PRINTF_LIKE(5, 6);

/* Adds the engineers' part; printf-like, appended after "; ". */
void err_detail(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);

/* Puts "what: " before the message: a layer adds context, never overwrites. */
void err_context(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);

/* "ERR_..."-less name such as "INVALID_JSON". */
const char *err_name(enum err_code code);
/* INTERNAL when no code is named so. */
enum err_code err_of_name(struct str name);
int err_exit_status(enum err_code code);
int err_http_status(enum err_code code);
const char *err_remedy(enum err_code code);

#endif
