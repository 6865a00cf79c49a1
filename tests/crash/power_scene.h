/* A store on a disk whose power is cut at every sync, and what is left examined
 * by opening it as the next process would.
 *
 * A memory store is given the same commits: what a disk holds after a cut must
 * read the same as that did after some number of batches, and no fewer than were
 * acknowledged. Then the survivor is used: shards are claimed, an execution is
 * started, the store is closed, which moves its WAL, and often opened again. The power
 * may be cut at each sync of that as well.
 */
#ifndef PAWL_TESTS_CRASH_POWER_SCENE_H
#define PAWL_TESTS_CRASH_POWER_SCENE_H

#include "store/store.h"
#include "support/cut_vfs.h"
#include "support/store_suite.h"

enum {
    STATES_MAX = 512,
    PROBLEM_SIZE = 1536,
};

/* What was promised when the power was cut. */
struct promise {
    bool made;                    /* the store was opened: its secret is kept */
    uint64_t epoch;               /* that was claimed */
    size_t least, most;           /* batches acknowledged; submitted */
    size_t more_least, more_most; /* of the executions started after the first cut: 0 or 1 */
};

struct scene {
    /* Set before scene_open. */
    uint64_t seeds;           /* mixed cuts at each sync; 0: no cuts but those of scene_cut */
    uint64_t again_each;      /* of so many cuts one is followed by more; 0: none */
    const char *mutation_sql; /* run on each new connection; NULL: nothing */
    bool lying;               /* disks that sync nothing */
    /* Counted. */
    uint64_t cuts, cuts_again, lost, torn, refused;
    size_t commits;             /* acknowledged, of those of the workload */
    char problem[PROBLEM_SIZE]; /* the first; "" when all is well */
    /* Its own. */
    char folder[256], path[300];
    struct cut_disk *disk;
    struct store *store, *model;
    struct store_fixture rows; /* only its arena is used, by the write_ functions */
    uint64_t epochs[SHARD_COUNT], model_epochs[SHARD_COUNT];
    struct promise promise;
    uint8_t states[STATES_MAX][SHA256_SIZE]; /* [n]: after n batches */
};

/* Makes the disk and the model; no store yet. */
void scene_open(struct scene *s);
void scene_close(struct scene *s);

/* Opens the store and claims its shards; false: an I/O error, so that there is no
 * store, or a dead one. */
MUST_CHECK bool scene_boot(struct scene *s);
void scene_halt(struct scene *s);

/* One batch: these commits, all in one transaction, to the model and the store.
 * False: an I/O error, after which the store is dead. */
struct scene_commit {
    const struct store_write *writes;
    size_t count;
};
MUST_CHECK bool scene_batch(struct scene *s, const struct scene_commit *commits, size_t count);

/* The next batch is followed by a checkpoint. */
void scene_checkpoint_soon(struct scene *s);

/* One cut, here and now; what is left is examined. */
void scene_cut(struct scene *s, const char *when, enum cut_fate fate, uint64_t seed);

#endif
