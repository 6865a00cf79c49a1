/* Nested executions: tasks that start executions of other machines, which the engine
 * carries out itself, and their children's way back to them.
 *
 * A child that its parent waits for (.sync) carries the parent's key and the step's
 * order (step + 1) in its row; its end is told to the parent, in memory or not. One that
 * nobody waits for carries the parent's key alone. Everything here can be done again
 * after a crash: the child's name and id follow from the key of the task.
 * Included only inside engine/. Threads: one.
 * Source: docs/adr/0014-nested-and-express.md.
 */
#ifndef PAWL_ENGINE_NESTED_H
#define PAWL_ENGINE_NESTED_H

#include "engine/engine_internal.h"

enum {
    NESTED_ACTIVE_MAX = 256, /* being started or looked for at once; others wait */
};

/* Does this effect belong here rather than to the task port? */
bool effect_is_nested(const struct flow_effect *effect);

/* The task is outstanding: starts its child, or finds the one that was started. */
void nested_begin(const struct run_slot *s, const struct flow_effect *effect);
/* It is not wanted any more: a child that was waited for is stopped. */
void nested_cancel(const struct run_slot *s, const struct flow_effect *effect);

/* Does what can be done. */
void nested_step(struct engine *e);
/* Would a step do something now? */
bool nested_ready(const struct engine *e);
/* When the store is to be asked again; .ms 0: nothing waits for that. */
struct wall_ms nested_wake(const struct engine *e);
void nested_release(struct engine *e);

/* The run has ended, durably, and is in memory: whoever waits for it is told. */
void nested_ended(const struct run_slot *s);

/* The run was loaded from the store for the first time: does its parent still wait for it? */
void nested_check(const struct run_slot *s);

/* A FLOW_CHILD_ENDED of this run's task: which attempt's child was it? */
void nested_resolve(const struct run_slot *s, struct pending *p);

/* Answers p->ask of a run that is in memory, nothing of it being on its way. */
void nested_answer(struct run_slot *s, struct pending *p);
/* ... of one that has ended or cannot be loaded (err). */
void nested_answer_ended(struct run_slot *s, struct pending *p, const struct err *err);

/* The id of the execution of this key as the child of that task. */
struct uuid nested_row_id(execution_key key, const struct uuid *nested);

/* ---- between nested.c and nested_tell.c ---- */

/* Names the child of a task that gives it no name, and marks every child's id. */
struct uuid nested_id(struct uuid parent, uint32_t step, uint32_t attempt);
/* Is the execution the child of the task of that nested id? */
bool nested_is_child(execution_key key, struct uuid id, struct uuid nested);

/* A parent that is neither here nor has tasks out from here hears nothing: it asks when
 * it is loaded. Takes over the pending. */
void nested_give_parent(struct engine *e, execution_key parent, struct pending *p);
/* The run has ended. attempt 0: the parent finds out whose child it was. */
void nested_tell_ended(const struct run_slot *s, execution_key parent, uint32_t step,
                       uint32_t attempt);
/* Those that wait for what they did not start. */
void nested_tell_watchers(const struct run_slot *s);

/* Has the child ended? Then the parent is told how; else it is loaded, and goes on. */
void nested_ask_outcome(struct engine *e, execution_key child, execution_key parent, uint32_t step,
                        uint32_t attempt);
void nested_stop(struct engine *e, execution_key child);

#endif
