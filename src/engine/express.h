/* Express executions: in memory from their start to their end.
 *
 * Asynchronous: the start is durable before it is answered, with its first turn; later
 * turns go to no store, and the end is written as the row's status. An engine that finds
 * one RUNNING begins it again from its input: everything happens at least once.
 * Synchronous: nothing is stored, the answer is the end, and a crash ends it for good:
 * everything happens at most once.
 * Either leaves its history behind when express_keep says so: its turns stay in memory
 * and are written with the end. Only the first life of an asynchronous one does.
 *
 * They never leave memory, so express_live_max bounds them, EXPRESS_SECONDS_MAX (flow.h)
 * ends them, and one that takes more than express_memory_max is stopped.
 * Included only inside engine/. Threads: one.
 * Source: docs/adr/0014-nested-and-express.md.
 */
#ifndef PAWL_ENGINE_EXPRESS_H
#define PAWL_ENGINE_EXPRESS_H

#include "engine/engine_internal.h"

/* A slot's express part; it goes with the slot. */
void express_begin(struct run_slot *s, bool sync);

/* Is there room for one more to start? Error: BUSY. */
MUST_CHECK bool express_has_room(const struct engine *e, struct err *reterr);

/* Is anything of this run written when it starts? */
bool express_is_stored(const struct run_slot *s);
/* Is nothing of it written ever? */
bool express_leaves_nothing(const struct run_slot *s);
/* Is what is on its way to the store its end? */
bool express_is_at_its_end(const struct run_slot *s);

/* A turn that is not stored as those of others are: shows it at once, or, when it is
 * the last of an asynchronous run, submits the end. Takes over the flight. */
void express_take(struct flight *f);

/* A synchronous run that ended: answers, and leaves the slot or ends it. */
bool express_is_over(const struct run_slot *s);
void express_finish(struct run_slot *s);

/* The write of an end was refused, not for good: it is tried again. */
void express_refused(struct run_slot *s);
void express_again(struct run_slot *s);

/* The first turn of a stored one was read: it begins again with that one's input. */
MUST_CHECK bool express_restart(struct run_slot *s, struct err *reterr);

/* The run and its slot end without having come to their end. */
void express_abandon(struct run_slot *s, const struct err *err);

#endif
