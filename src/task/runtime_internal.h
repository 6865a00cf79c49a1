/* What the files of warm workers share. Included only inside task/.
 *
 * runtime.c decides who works on what; worker.c is one process and its listener, and
 * tells runtime.c what became of it.
 *
 * Order of life: set > runtime > pool > worker. A pool is there while it has workers,
 * invocations that wait, or failures to remember. A worker is there until its process
 * group is gone and its listener closed.
 */
#ifndef PAWL_TASK_RUNTIME_INTERNAL_H
#define PAWL_TASK_RUNTIME_INTERNAL_H

#include "base/buf.h"
#include "net/http_server.h"
#include "os/child.h"
#include "task/lines.h"
#include "task/runtime.h"
#include "task/task.h"

struct invocation {
    struct pool *pool;
    struct invocation *previous, *next; /* among those that wait */
    struct invocation_request request;
    struct worker *worker; /* NULL while it waits */
    bool cancelled;
    invocation_done *done;
    void *arg;
};

enum worker_state {
    WORKER_STARTING,  /* has not asked for work yet */
    WORKER_IDLE,      /* its request for work is kept */
    WORKER_BUSY,      /* has an invocation */
    WORKER_RETURNING, /* has answered and not asked again yet */
    WORKER_ENDING,    /* was told to end, or has ended */
};

struct worker {
    struct runtimes *set;
    struct pool *pool;              /* NULL: its process has gone */
    struct worker *previous, *next; /* in its pool */
    enum worker_state state;
    bool was_ready;  /* has asked for work once */
    bool slow;       /* RETURNING for longer than RUNTIME_RETURN_MS */
    bool init_error; /* it said so: first.body, first.error_type */
    bool timed_out;  /* why it is ENDING */
    bool left;       /* the same: it asked for work while it had some */
    uint64_t idle_since_ms;
    struct invocation *invocation; /* BUSY, or ENDING and not done with it */
    struct http_server *server;
    struct http_request *poll;      /* IDLE */
    char address[32];               /* 127.0.0.1:PORT */
    const char *name;               /* of its function */
    struct child *child;            /* NULL: it has gone, or was not started */
    struct arena *arena;            /* dies with it */
    struct invocation_result first; /* of its beginning, when that failed */
    struct buf out, err;            /* said since the last answer */
    struct lines lines[2];          /* of stdout and stderr */
    uv_timer_t timer;               /* of the state */
};

/* The workers of one function. */
struct pool {
    struct runtime *runtime;
    struct pool *next;
    struct arena *arena;
    struct str arn, name; /* of a resource of another kind, itself and its last part */
    struct str function;  /* fills {name}: empty for such a resource */
    struct worker *workers;
    struct invocation *first, *last; /* that wait */
    size_t waiting;
    uint32_t failures;                /* beginnings in a row that failed */
    size_t doomed;                    /* so many of the first that wait fail with: */
    struct invocation_result failure; /* in failure_arena */
    struct arena *failure_arena;
    uint64_t due_ms;    /* no worker is started before */
    uint64_t forget_ms; /* the failures are forgotten then */
};

struct runtime {
    struct runtimes *set;
    struct runtime *next;
    const struct binding *binding;
    struct pool *pools;
    size_t workers;
};

struct runtimes {
    uv_loop_t *loop;
    struct children *children;
    char *folder;
    struct runtime *first;
    size_t workers;   /* whose process has not gone */
    size_t objects;   /* whose memory has not */
    uv_timer_t timer; /* the next thing that pools wait for */
    bool freed, retired;
    runtime_heard *heard; /* NULL: nobody */
    void *heard_arg;
};

/* ---- worker.c ---- */

/* Never fails at once: what is wrong is told by pool_init_failed. */
struct worker *worker_start(struct pool *p);
/* Idle, and its client is still there; one whose client is not is idle no more. */
bool worker_is_free(struct worker *w);
/* To one that is free. */
void worker_give(struct worker *w, struct invocation *i);
void worker_end(struct worker *w);

/* ---- runtime.c, told by worker.c ---- */

/* One asks for work; `first`: for the first time. */
void pool_ready(struct pool *p, bool first);
/* There may be room or need for another. */
void pool_changed(struct pool *p);
/* Its process has gone. */
void pool_gone(struct pool *p, struct worker *w);
/* It went before it asked for work. `why` is borrowed. */
void pool_init_failed(struct pool *p, const struct invocation_result *why);
/* A worker's memory has gone. */
void runtimes_forget(struct runtimes *set);

#endif
