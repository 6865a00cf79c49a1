/* Who carries out the tasks of which execution: crews, one a configuration.
 *
 * The process's own crew works for every execution that was not given another.
 * Those that other processes start here bring their own configuration; the same
 * one is one crew, however often it is brought. An execution that another began is
 * carried out by that one's crew. A crew that was replaced finishes what it has.
 *
 * Ownership: crews_free, when the loop has run out after crews_end. Errors: those of
 * config_parse, BUSY (CREWS_MAX). Threads: the loop's only.
 */
#ifndef PAWL_CLI_CREWS_H
#define PAWL_CLI_CREWS_H

#include "store/store.h"
#include "task/bindings.h"
#include "task/task.h"

enum {
    CREWS_MAX = 8, /* limit crews_max: configurations at once, the process's own besides */
};

struct crews;
struct children;

/* Borrows all of it; `own` until the loop has run out. */
struct crews *crews_new(uv_loop_t *loop, const struct bindings *own, struct children *children,
                        task_done *done, void *arg);
void crews_free(struct crews *c); /* accepts NULL */

/* As tasks_listen, for every crew; before any task is started. */
void crews_listen(struct crews *c, task_heard *heard, void *arg);

/* The process's own is this one from now on. Owned: what the arena holds, and it. */
void crews_replace_own(struct crews *c, struct arena *arena, const struct bindings *own);

/* Gives the number of a configuration's crew. */
MUST_CHECK bool crews_take(struct crews *c, struct str text, struct str folder, int *ret_crew,
                           struct err *reterr);

/* replace: even when it has one already. */
void crews_assign(struct crews *c, execution_key key, int crew, bool replace);
/* It has ended. */
void crews_forget(struct crews *c, execution_key key);

/* Where its commands run. */
struct str crews_folder(struct crews *c, const struct execution_row *execution);

void crews_start(struct crews *c, const struct execution_row *execution,
                 const struct task_request *request);
void crews_cancel(struct crews *c, struct task_key key);

/* Starts nothing more: what would be started is started by whoever holds the
 * directory next. What runs goes on. */
void crews_hold(struct crews *c);

/* Nothing of what was started is still to come back. */
bool crews_are_quiet(const struct crews *c);

/* Cancels everything; nothing is started any more. */
void crews_end(struct crews *c);

#endif
