/* Recoveries on their way: the story of an execution is read, a plan is made of it, what
 * stays is checked, and the plan is carried out by a turn of the execution itself, or by
 * the start of a new one.
 *
 * The story, the whole journal with its steps, is apart from any run in memory: it is of
 * the journal as it was read. The turn that carries out the plan is taken only by a run
 * with as many turns (struct pending.turns), so that nothing comes between.
 * A few stories are in memory at once; others wait.
 *
 * When the execution has ended after that, its checks are made again. That they are due is
 * as durable as the recovery itself: recovery_due.c.
 * Included only inside engine/. Threads: one.
 */
#ifndef PAWL_ENGINE_RECOVERIES_H
#define PAWL_ENGINE_RECOVERIES_H

#include "engine/engine.h"

enum {
    RECOVERIES_ACTIVE_MAX = 4, /* stories in memory at once; others wait */
};

struct flight;
struct recovery;
struct run_slot;
struct start_command;

struct recovery_list {
    struct recovery *first, *last;
};

/* For marks of checks that are due, at the beginning; recoveries wait until it is over. */
struct due_search {
    struct arena *arena; /* of a page; NULL: it is over */
    struct store_read read;
    bool waiting, failed;
    struct err err;
};

struct recoveries {
    struct recovery_list waiting; /* for their turn */
    struct recovery_list due;     /* found in the store: only their checks are to be made again */
    struct recovery_list active;  /* being read, checked or committed */
    struct recovery_list watched; /* carried out: their checks are made again at the end */
    struct due_search search;
    size_t checking_again;
    bool answered; /* one of the active ones has something to do */
    uint64_t check_last;
};

/* Looks in the store for checks that were due when the process before ended. */
void recoveries_begin(struct engine *e);
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

/* Adds to a turn's commit the mark that its checks are due, or takes it away. */
void recoveries_mark(struct flight *f);

/* The run has ended, durably. */
void recoveries_ended(const struct run_slot *s);

#endif
