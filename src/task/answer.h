/* What an answer means: from a command's exit, a service's response or a worker's
 * answer to the task's result, as Lambda and Step Functions report them. Pure.
 *
 * A failure is named by the error object {"errorType", "errorMessage", ...} that
 * the function gave: Error is its errorType and Cause the object's own text.
 * A command gives it on stdout, as all of it or its last line, or as the last
 * line of stderr. Otherwise Error is one of task/errors.h.
 *
 * Ownership: answers lie in the arena or borrow from the arguments.
 */
#ifndef PAWL_TASK_ANSWER_H
#define PAWL_TASK_ANSWER_H

#include "json/json.h"
#include "os/child.h"
#include "task/callee.h"
#include "task/errors.h"
#include "task/fetch.h"
#include "task/runtime.h"

enum {
    TASK_ERROR_SIZE_MAX = 256,    /* bytes of an Error: AWS's limit */
    TASK_CAUSE_SIZE_MAX = 32768,  /* bytes of a Cause: AWS's limit; longer ones are cut */
    TASK_CAUSE_OUTPUT_MAX = 4096, /* of stderr or a body quoted in a Cause of ours: the tail */
    TASK_OUTPUT_MEMORY_MAX = 256 << 20, /* bytes that a parsed output may take */
};

struct answer {
    bool ok;
    struct json output;
    struct str error, cause;
};

struct answer answer_of_output(struct arena *a, struct str output);
struct answer answer_of_child(struct arena *a, const struct child_result *r, uint64_t timeout_ms);
struct answer answer_of_fetch(struct arena *a, const struct fetch_result *r, uint64_t timeout_ms,
                              const struct callee *callee, const char *request_id);

struct answer answer_of_invocation(struct arena *a, const struct invocation_result *r);

/* A failure of ours: Cause {"errorType", "errorMessage"}. */
struct answer answer_failed(struct arena *a, enum task_error error, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* In AWS's words, which definitions' tests compare. */
struct answer answer_no_function(struct arena *a, const struct callee *callee,
                                 const char *request_id);

/* The last size_max bytes as UTF-8: what is not, and NUL, becomes U+FFFD. */
struct str text_tail(struct arena *a, struct str bytes, size_t size_max);

#endif
