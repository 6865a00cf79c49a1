/* A run as JSON text, so that a long journal need not be folded from its start.
 *
 * A snapshot refers to journaled values as [turn, index] and copies none, so it
 * is small whatever the data, and restoring one needs the turns it refers to.
 * It is a cache of the journal and never the truth: one that does not read well
 * is dropped and the journal is folded instead.
 *
 * Shape: an object; `version` is SNAPSHOT_VERSION. Fields are only added.
 * Errors: CORRUPT (what does not fit), NEWER_SCHEMA (a later version).
 */
#ifndef PAWL_FLOW_SNAPSHOT_H
#define PAWL_FLOW_SNAPSHOT_H

#include "flow/flow.h"

enum {
    SNAPSHOT_VERSION = 1
};

/* The values of one turn, in the order of its slots' indexes. */
struct turn_values {
    const struct json *items;
    size_t count;
};

/* Appends the snapshot of a run between two turns. */
void run_save(const struct run *run, struct buf *to);

/* Makes a run from run_new what it was. values[turn] for each turn before the
 * snapshot's; the values must outlive the run. On failure the run is of no use. */
MUST_CHECK bool run_restore(struct run *run, struct json snapshot, const struct turn_values *values,
                            size_t turns, struct err *reterr);

/* Marks the turns, below `turns`, whose values the snapshot refers to: the others
 * need not be read to restore it. */
void snapshot_turns(struct json snapshot, bool *wanted, size_t turns);

#endif
