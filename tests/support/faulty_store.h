/* A store that is slow, reorders, refuses and breaks, all by one seed.
 *
 * Wraps another store. Every call waits 1 to 5 ms of the virtual time that
 * store_step is given, once before it reaches the inner store and once more
 * before it completes; so calls of different shards overtake one another, and a
 * read may see a turn whose completion has not come yet. Commits of one shard
 * keep their order. The faults are drawn per commit:
 *   refused  it completes with DISK_FULL and leaves nothing
 *   taken    another process claims its shard just before: STALE, from now on
 *   io       the store dies; whether this commit was kept, the seed decides
 */
#ifndef PAWL_TESTS_SUPPORT_FAULTY_STORE_H
#define PAWL_TESTS_SUPPORT_FAULTY_STORE_H

#include "store/store.h"

struct faulty_options {
    uint64_t seed;
    uint32_t refused_ppm, taken_ppm, io_ppm; /* of a million commits */
};

/* Takes over `inner`. Owned: store_close closes both. */
struct store *faulty_store_new(struct store *inner, const struct faulty_options *options);

/* The process dies: what has not reached the inner store is lost, nothing
 * completes any more. Frees the wrapper and gives the inner store back, owned. */
struct store *faulty_store_crash(struct store *s);

/* When the next call is due; false: none waits. For schedulers that skip idle time. */
bool faulty_store_next_due(const struct store *s, struct mono_ns *ret_at);

#endif
