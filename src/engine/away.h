/* What is remembered of runs that are not in memory: when to wake them, and whose
 * tasks are out.
 *
 * Wakes stand in the store. Here are only the earliest of them, up to a *horizon*
 * (a time and a key, the order in which the store lists them); those behind it
 * are read when these are used up. A wake that the store does not have, since the
 * row says something earlier, is kept whatever its time.
 *
 * Waking too early or twice is harmless; so an entry may be out of date.
 * Ownership: away_release. Threads: one.
 */
#ifndef PAWL_ENGINE_AWAY_H
#define PAWL_ENGINE_AWAY_H

#include "store/store.h"

enum {
    AWAY_WAKES_LOW = 256,   /* fewer: the store is asked for more */
    AWAY_WAKES_MAX = 16384, /* more: the later half is forgotten */
};

struct away_wake {
    struct wall_ms at;
    execution_key key;
};

struct away_heap {
    struct away_wake *items; /* a binary heap from 0 */
    size_t count, capacity;
};

struct away {
    struct away_heap stored;  /* up to the horizon */
    struct away_heap own;     /* that the store does not have */
    struct away_wake horizon; /* all stored wakes up to it are in the heap */
    execution_key *handed;    /* a hash table; 0: free */
    size_t handed_count, handed_capacity;
};

void away_release(struct away *a);

/* The run's wake, which the store has or not. False: behind the horizon, no entry made. */
bool away_add(struct away *a, struct away_wake wake, bool is_stored);

/* The earliest; false: none. */
bool away_first(const struct away *a, struct away_wake *ret_wake);
void away_pop(struct away *a);

/* Forgets the later half of the stored ones when there are too many. */
void away_trim(struct away *a);

/* Runs whose outstanding tasks were handed out before they left memory. */
void away_hand(struct away *a, execution_key key);
bool away_has_handed(const struct away *a, execution_key key);
/* True: it stood there, and does no more. */
bool away_take_handed(struct away *a, execution_key key);

#endif
