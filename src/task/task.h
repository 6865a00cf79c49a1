/* What a Task state can call: work is handed out, and its result comes back once.
 *
 * task_start only begins; the result arrives through `done` from the event loop,
 * exactly once per started task unless it was cancelled, and never from within
 * task_start or task_cancel. A task is named by its key (execution, task,
 * attempt): starting it twice after a crash is expected, and the key goes along
 * as an idempotency key (X-Pawl-Idempotency-Key: execution-task-attempt).
 * Starting it again while it runs changes nothing.
 *
 * Which resource does what is bound in the configuration (task/bindings.h);
 * nothing else can ever be run. An unbound resource fails the task at once with
 * a clear error; that too is a result. task/errors.h names the failures.
 *
 * A command reads the payload on stdin and prints its result on stdout as JSON
 * (nothing printed: null); a non-zero exit is a failure. An HTTP service is
 * POSTed the payload; a 2xx body is the result. A warm worker asks for the payload
 * and posts the result (task/runtime.h). What waits for the bound of its
 * binding starts in order. A cancelled command counts as running until its
 * process group is gone, so that a next attempt never overlaps it. With a register
 * (os/children.h) it is noted there while it runs, so that this also holds when
 * Pawl is killed: the next one ends it before it starts anything.
 *
 * Ownership: the request is borrowed during task_start; the result is borrowed
 * during done. Threads: the event loop's only. The program ignores SIGPIPE.
 */
#ifndef PAWL_TASK_TASK_H
#define PAWL_TASK_TASK_H

#include "base/time.h"
#include "json/json.h"

#include <uv.h>

enum {
    TASK_OUTPUT_SIZE_MAX = 16 << 20, /* limit task_output_max: stdout or HTTP body, bytes */
    TASK_LOG_SIZE_MAX =
        16 << 10, /* limit task_log_max: kept of stdout and of stderr each, the tail */
    TASK_LOGGED_SIZE_MAX = 1 << 20, /* limit task_logged_max: of one command's stderr, by lines */
    TASK_KILL_GRACE_MS = 2000,      /* from SIGTERM to SIGKILL of the process group */
    TASK_RUNNING_MAX =
        256, /* limit tasks_running_max: children and requests at once; others queue */
    TASK_QUEUED_MAX =
        100000, /* limit tasks_queued_max: beyond it tasks fail as AWS's throttled ones do */
};

struct task_key {
    int64_t execution;
    uint32_t task;    /* number of the task in its execution */
    uint32_t attempt; /* 1, 2, ... */
};

struct task_request {
    struct task_key key;
    struct str resource; /* the state's Resource: an ARN, or a bare name */
    struct str function; /* the function's name or ARN (FunctionName); may be empty */
    struct str payload;  /* JSON text */
    struct str execution_arn, execution_id, state_name, correlation_id, token;
};

struct task_result {
    struct task_key key;
    bool ok;
    struct json output;      /* when ok */
    struct str error, cause; /* when not: as Lambda reports them; cause is usually JSON text */
    /* How the attempt went, kept with the step whatever the outcome. */
    bool has_exit_status;
    int exit_status;     /* of a command; 128 + signal when it was killed by one */
    struct str out, err; /* tails, UTF-8 (bad bytes replaced), at most TASK_LOG_SIZE_MAX each */
    int64_t duration_ms;
};

typedef void task_done(void *arg, const struct task_result *result);

struct tasks; /* the set of running and queued tasks */
struct bindings;
struct children;

/* Borrows loop, bindings and children (NULL: commands are not noted) until the
 * loop has ended. Owned: tasks_free. */
struct tasks *tasks_new(uv_loop_t *loop, const struct bindings *bindings, struct children *children,
                        task_done *done, void *arg);

/* A line that was written while work was done (task/lines.h): by a command on its stderr, or
 * by a warm worker on either output. Borrowed. */
struct task_line {
    const struct task_request *task; /* the command's; NULL: of a warm worker */
    struct str function;             /* that the worker serves */
    bool is_error;                   /* of stderr */
    struct str text;
};
typedef void task_heard(void *arg, const struct task_line *line);

/* For a log; besides, what was said stays with its step. Of one attempt of a command it gets
 * TASK_LOGGED_SIZE_MAX bytes, and then a line that says how much more there was. */
void tasks_listen(struct tasks *t, task_heard *heard, void *arg);

/* Cancels everything. Its memory goes when the last of it is gone: run the loop
 * to its end (uv_run gives 0) before uv_loop_close. May be called from done. */
void tasks_free(struct tasks *t);

void task_start(struct tasks *t, const struct task_request *request);

/* Others take over: what is started still runs and reports, but each warm worker is
 * ended as soon as it has nothing to do. */
void tasks_retire(struct tasks *t);

/* The task will report nothing. A command's process group gets SIGTERM, then
 * SIGKILL; a request is dropped. No such task: nothing happens. */
void task_cancel(struct tasks *t, struct task_key key);

/* It was started here, and is neither done nor cancelled. */
bool tasks_have(struct tasks *t, struct task_key key);

/* Nothing running, queued or dying. */
bool tasks_idle(const struct tasks *t);

#endif
