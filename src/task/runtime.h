/* Warm workers: processes that ask for their work through the AWS Lambda Runtime API.
 *
 * A worker is started when an invocation finds none that is free, serves one after
 * another, and is ended when it had nothing to do for idle_ms. Of one binding there
 * are never more than its concurrency, of all RUNTIME_WORKERS_MAX; a worker serves
 * one function, so that an idle one of another function makes room.
 *
 * Each worker has a listener of its own on a port of 127.0.0.1 that the system
 * chooses, so that who asks is known by where it asks. Only sockets of this user and
 * of root are admitted, and no web browser.
 *
 * What fails: a worker that exits, or is not done in timeout_ms, fails the invocation
 * it has; it counts as running until its process group is gone, so that nothing
 * overlaps. One that ends before it asks for work fails the invocation that has
 * waited longest. After that the next is started later and later, one at a time; after
 * RUNTIME_INIT_TRIES in a row everything that waits for the function, and everything
 * that comes before the next try, fails with the same error.
 *
 * Ownership: runtimes_free. Bindings, the loop and the register are borrowed until the
 * loop has ended; the texts of a request until its done. Threads: the loop's only.
 * Source: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html;
 * docs/adr/0015-warm-workers.md.
 */
#ifndef PAWL_TASK_RUNTIME_H
#define PAWL_TASK_RUNTIME_H

#include "base/err.h"
#include "os/children.h"
#include "task/bindings.h"

#include <uv.h>

enum {
    RUNTIME_INIT_TRIES = 3,
    RUNTIME_BACKOFF_MS = 100,       /* before the start after the first that failed; it doubles */
    RUNTIME_BACKOFF_MAX_MS = 10000, /* and stays here */
    /* A worker that has answered asks again soon; later another one is started. */
    RUNTIME_RETURN_MS = 50,
    RUNTIME_DEADLINE_MS = 86400000,     /* told to a worker whose binding has no timeout_seconds */
    RUNTIME_ERROR_SIZE_MAX = 256 << 10, /* kept of an error object */
};

/* The function is the callee; a resource of another kind is called by its last part. */
struct invocation_request {
    const struct callee *callee;
    struct str request_id; /* at most 64 letters, digits and '-' */
    struct str idempotency_key;
    struct str payload; /* JSON */
};

enum invocation_end {
    INVOCATION_ANSWERED,
    INVOCATION_FAILED,    /* the function says so itself: an error object */
    INVOCATION_TOO_LARGE, /* the answer */
    INVOCATION_EXITED,    /* the worker, meanwhile */
    INVOCATION_LEFT,      /* the worker asked for other work without an answer, and was ended */
    INVOCATION_TIMED_OUT,
    INVOCATION_CANCELLED,
    /* Of a worker that did not come to ask for work: */
    INVOCATION_NOT_STARTED,
    INVOCATION_INIT_FAILED, /* it says so itself: an error object */
    INVOCATION_INIT_EXITED,
    INVOCATION_INIT_TIMED_OUT,
};

struct invocation_result {
    enum invocation_end end;
    struct str request_id;
    struct str body;       /* the answer or the error object, any bytes */
    struct str error_type; /* Lambda-Runtime-Function-Error-Type; may be empty */
    struct err failure;    /* NOT_STARTED */
    uint64_t limit_ms;     /* TIMED_OUT, INIT_TIMED_OUT */
    bool exited;           /* the worker has, and: */
    int exit_status;       /* when signal is 0 */
    int signal;
    struct str out, err; /* tails of what the worker said since the invocation before */
};

/* The result is borrowed. Never called from within runtime_invoke or invocation_cancel. */
typedef void invocation_done(void *arg, const struct invocation_result *result);

struct runtimes;   /* all warm workers of a set of tasks */
struct runtime;    /* those of one binding */
struct invocation; /* one call; good until its done */

/* folder: the workers' own. children may be NULL. */
struct runtimes *runtimes_new(uv_loop_t *loop, struct children *children, struct str folder);

/* Ends every worker; complete when the loop has run out. An invocation that has a
 * worker still gets its done, as cancelled; no other may be left. Accepts NULL. */
void runtimes_free(struct runtimes *set);

/* A line that a worker wrote (task/lines.h). function: the name it serves. */
typedef void runtime_heard(void *arg, struct str function, bool is_error, struct str line);
/* For a log; besides, what was said stays with its invocation. */
void runtimes_listen(struct runtimes *set, runtime_heard *heard, void *arg);

/* Nobody comes again: each worker is ended as soon as nothing waits for it. */
void runtimes_retire(struct runtimes *set);

/* The binding is of kind RUNTIME. Lives as long as the set. */
struct runtime *runtime_of(struct runtimes *set, const struct binding *binding);

struct invocation *runtime_invoke(struct runtime *r, const struct invocation_request *request,
                                  invocation_done *done, void *arg);

/* True: it had no worker yet and is gone, without a done. Else its worker is ended and
 * its done follows, as cancelled, when that is gone. */
bool invocation_cancel(struct invocation *i);

/* Workers whose process has not gone yet. */
size_t runtimes_workers(const struct runtimes *set);

#endif
