/* Tasks that must show signs of life: when the next one is due of each.
 *
 * Only in memory: after a restart each begins anew. A sign of life costs a look into a
 * table; the heap learns of it when the old time has come.
 * Ownership: heartbeats_release. Threads: one.
 */
#ifndef PAWL_ENGINE_HEARTBEATS_H
#define PAWL_ENGINE_HEARTBEATS_H

#include "base/heap.h"
#include "store/store.h"

struct heartbeat {
    struct heartbeat *next; /* of its bucket */
    execution_key key;
    uint32_t step, attempt;
    int64_t seconds;
    struct wall_ms due;                         /* when it is lost */
    struct heap_node looked;                    /* when it is looked at: not above due */
    struct heartbeat *next_shown, **shown_link; /* among those that showed life; link NULL: no */
};

struct heartbeats {
    struct heartbeat **buckets;
    size_t bucket_count;
    struct heap looked;
    struct heartbeat *shown; /* since the time was known last */
};

void heartbeats_release(struct heartbeats *h);

/* From now on; anew when it is known. */
void heartbeat_begin(struct heartbeats *h, execution_key key, uint32_t step, uint32_t attempt,
                     int64_t seconds, struct wall_ms now);
/* A sign of life, which counts from the time that heartbeats_pass tells next. False: none
 * is waited for. */
bool heartbeat_take(struct heartbeats *h, execution_key key, uint32_t step, uint32_t attempt);
/* It is now so late. */
void heartbeats_pass(struct heartbeats *h, struct wall_ms now);
/* None is waited for any more. */
void heartbeat_end(struct heartbeats *h, execution_key key, uint32_t step, uint32_t attempt);

/* When to look; .ms 0: there are none. */
struct wall_ms heartbeats_wake(const struct heartbeats *h);
/* One that is lost, which ends by this. False: none. */
bool heartbeat_pop_lost(struct heartbeats *h, struct wall_ms now, struct heartbeat *ret_lost);

#endif
