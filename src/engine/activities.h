/* Activities: tasks that wait for workers, and workers that wait for tasks.
 *
 * A queue is derived from the runs' state and lies in memory only, so a task in it is
 * small: what it is given comes from its run when a worker takes it. Both sides are
 * served in the order they came. What stands in the queue may be over already.
 *
 * An activity is known by its ARN, and here for as long as anything waits for it.
 * Ownership: activities_release. Threads: one.
 */
#ifndef PAWL_ENGINE_ACTIVITIES_H
#define PAWL_ENGINE_ACTIVITIES_H

#include "engine/engine.h"

enum {
    ACTIVITY_BUCKETS = 1024
};

struct activity_task {
    execution_key key;
    uint32_t step, attempt;
};

/* A task whose start is journaled but that never reached its worker comes first. */
struct activity_returned {
    struct activity_returned *next;
    struct activity_task task;
};

/* A worker that waits. */
struct engine_poll {
    struct engine *engine;
    struct activity *activity;
    struct engine_poll *before, *after; /* in one of the activity's lists */
    engine_polled *polled;
    void *arg;
    struct activity_task task; /* on its way to it */
    bool busy;                 /* a task is on its way to it */
    bool again;                /* ... whose start was journaled before */
    bool gone;                 /* nobody is there any more */
    bool over;                 /* it waits for nothing but the task on its way */
    size_t worker_len;
    char worker[];
};

struct poll_list {
    struct engine_poll *first, *last;
};

struct activity {
    struct activity *next;       /* of its bucket */
    struct activity_task *tasks; /* a ring */
    size_t task_first, task_count, task_capacity;
    bool behind;       /* further tasks did not fit: sweep.h */
    bool behind_again; /* ... since the last sweep began */
    struct activity_returned *returned;
    struct poll_list idle, busy;
    size_t polls; /* all of them */
    size_t arn_len;
    char arn[];
};

struct activities {
    struct activity *buckets[ACTIVITY_BUCKETS];
    size_t tasks, polls; /* of all of them */
};

/* Polls are freed, and nobody is told. */
void activities_release(struct activities *as);

/* NULL: nothing waits for it. */
struct activity *activity_find(const struct activities *as, struct str arn);
/* Made when it is not there. */
struct activity *activity_get(struct activities *as, struct str arn);
/* Forgets it when nothing waits for it any more. */
void activity_drop_if_idle(struct activities *as, struct activity *a);

void activity_push(struct activities *as, struct activity *a, struct activity_task task);
/* Back to the front. */
void activity_push_front(struct activities *as, struct activity *a, struct activity_task task);
/* The next; *ret_again: its start is journaled. False: there is none. */
bool activity_pop(struct activities *as, struct activity *a, struct activity_task *ret_task,
                  bool *ret_again);
void activity_return(struct activities *as, struct activity *a, struct activity_task task);

void poll_push(struct poll_list *list, struct engine_poll *p);
void poll_push_front(struct poll_list *list, struct engine_poll *p);
void poll_take_out(struct poll_list *list, struct engine_poll *p);

#endif
