/* The words and the environment that a command is started with. Pure.
 *
 * The environment is the inherited one, the binding's over it, and over both the
 * task's identity: PAWL_EXECUTION_ARN, PAWL_STATE_NAME, PAWL_ATTEMPT,
 * PAWL_RUN_ID, PAWL_CORRELATION_ID, PAWL_TASK_TOKEN. With a mark (os/children.h)
 * PAWL_TASK_MARK is the inherited one, if any, a blank and the mark.
 *
 * A warm worker has no task when it starts. Over the inherited environment it has
 * AWS_REGION, AWS_DEFAULT_REGION and TZ as Lambda sets them, over those the binding's,
 * over all the names that Lambda reserves: AWS_LAMBDA_RUNTIME_API, _HANDLER and so on.
 *
 * Ownership: arena; lists end with NULL.
 */
#ifndef PAWL_TASK_COMMAND_H
#define PAWL_TASK_COMMAND_H

#include "task/bindings.h"
#include "task/task.h"

const char *const *command_argv(struct arena *a, const struct binding *binding, struct str name);

const char *const *command_environment(struct arena *a, const char *const *inherited,
                                       const struct binding *binding,
                                       const struct task_request *request, struct str mark);

struct worker_identity {
    struct str name, arn; /* of the function */
    const char *address;  /* HOST:PORT of its Runtime API */
    const char *folder;   /* LAMBDA_TASK_ROOT */
};

const char *const *worker_environment(struct arena *a, const char *const *inherited,
                                      const struct binding *binding,
                                      const struct worker_identity *who, struct str mark);

#endif
