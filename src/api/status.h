/* What an execution's status is called on each face: one table.
 *
 * The Step Functions API knows five; /api/v1 tells two more of what is RUNNING there, and
 * /admin/jobs tells less. docs/recovery.md has the same table, and a test holds them together.
 * Ownership: texts are static.
 */
#ifndef PAWL_API_STATUS_H
#define PAWL_API_STATUS_H

#include "flow/flow.h"
#include "store/store.h"

/* constant, on the Step Functions API, under /api/v1, under /admin/jobs. The first row of a word
 * of the Step Functions API is what is shown when nothing more is known. */
#define STATUS_TABLE(X)                                                                            \
    X(RUNNING, RUNNING, "running", "processing")                                                   \
    X(PAUSED, RUNNING, "paused", "processing")                                                     \
    X(NEEDS_REVIEW, RUNNING, "needs_review", "processing")                                         \
    X(COMPLETED, SUCCEEDED, "completed", "completed")                                              \
    X(FAILED, FAILED, "failed", "failed")                                                          \
    X(CANCELED, ABORTED, "canceled", "canceled")                                                   \
    X(TIMED_OUT, TIMED_OUT, "timed_out", "failed")

enum status {
#define STATUS_ENUM(constant, aws, rest, jobs) STATUS_##constant,
    STATUS_TABLE(STATUS_ENUM)
#undef STATUS_ENUM
    STATUS_COUNT
};

enum status status_of_row(enum execution_status status);
/* With what the run itself knows: whether it is paused, or waits for a person. */
enum status status_of_run(const struct run *run, struct arena *scratch);

const char *status_aws_name(enum status status);
const char *status_rest_name(enum status status);
const char *status_jobs_name(enum status status);

/* The execution's status that a word of /api/v1, or of the Step Functions API, stands for.
 * False: it is neither. */
MUST_CHECK bool status_of_word(struct str word, enum execution_status *ret_status);

#endif
