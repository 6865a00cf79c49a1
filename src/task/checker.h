/* Checks: commands of x-verify, which look whether what a step left is still there and
 * change nothing.
 *
 * A check is a child process in the folder of the configuration, with the inherited
 * environment and the identity of its execution and state over it, as a command that
 * carries out a task has (task/command.h). It reads nothing. What it says is the end of
 * what it wrote to stderr, or, when that is empty, to stdout.
 * Limits: below. A check that takes longer is ended, and counts as not made.
 *
 * Ownership: a request is borrowed during checker_start, an outcome during `done`, which
 * is called from the loop, once a check unless the checker ends before. Threads: the
 * loop's only.
 */
#ifndef PAWL_TASK_CHECKER_H
#define PAWL_TASK_CHECKER_H

#include "base/str.h"

#include <uv.h>

enum {
    CHECK_OUTPUT_SIZE_MAX = 64 << 10, /* limit check_output_max: bytes on stdout */
};

struct check_request {
    uint64_t id;
    const struct str *command; /* words */
    size_t command_count;
    struct str folder;
    int64_t timeout_seconds;
    struct str execution_arn, execution_id, state_name;
};

struct check_outcome {
    uint64_t id;
    bool ran;        /* false: `said` tells why not */
    int exit_status; /* 128 + signal when one ended it */
    struct str said;
};

typedef void checker_done(void *arg, const struct check_outcome *outcome);

struct checker;
struct children;

/* Borrows all of it until the loop has ended; children NULL: commands are not noted.
 * Owned: checker_free. */
struct checker *checker_new(uv_loop_t *loop, struct children *children, checker_done *done,
                            void *arg);
/* Ends what runs, and reports nothing more; its memory goes when the last of it is gone.
 * Accepts NULL. */
void checker_free(struct checker *c);

void checker_start(struct checker *c, const struct check_request *request);

/* Nothing runs. */
bool checker_idle(const struct checker *c);

#endif
