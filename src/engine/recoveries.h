/* Recoveries on their way: the story of an execution is read, a plan is made of it, what
 * stays is checked, and the plan is carried out by a turn of the execution itself, or by
 * the start of a new one.
 *
 * The story, the whole journal with its steps, is apart from any run in memory: it is of
 * the journal as it was read. The turn that carries out the plan is taken only by a run
 * with as many turns (struct pending.turns), so that nothing comes between.
 * A few stories are in memory at once; others wait.
 * Included only inside engine/. Threads: one.
 */
#ifndef PAWL_ENGINE_RECOVERIES_H
#define PAWL_ENGINE_RECOVERIES_H

#include "engine/engine.h"

enum {
    RECOVERIES_ACTIVE_MAX = 4, /* stories in memory at once; others wait */
};

struct recovery;
struct run_slot;
struct start_command;

struct recovery_list {
    struct recovery *first, *last;
};

struct recoveries {
    struct recovery_list waiting; /* for their turn */
    struct recovery_list active;  /* being read, checked or committed */
    struct recovery_list watched; /* carried out: their checks are made again at the end */
    size_t checking_again;
    bool answered; /* one of the active ones has something to do */
    uint64_t check_last;
};

/* Does what can be done. */
void recoveries_step(struct engine *e);
bool recoveries_ready(const struct engine *e);
/* Is one of them on its way, but for those that only watch? */
bool recoveries_at_work(const struct engine *e);
/* Everybody who waits hears why; NULL: nobody hears. */
void recoveries_end(struct engine *e, const struct err *why);

/* A start that is made of another execution: takes over the command. */
void recoveries_start(struct engine *e, struct start_command *command, engine_planned *planned,
                      void *arg, bool dry);

/* The run has ended, durably. */
void recoveries_ended(const struct run_slot *s);

#endif
