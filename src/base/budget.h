/* A budget of bytes that several draw on: a counter that can say no.
 *
 * It counts promises and allocates nothing. One thing always fits, however large, when
 * nothing else is taken: so whoever waits for room gets it in the end, and what a limit
 * elsewhere lets through is never refused for ever.
 *
 * memory_shares says how the one limit of a process, memory_max, is shared out. The shares
 * are fixed, so that a request which waits for a run never waits for memory that requests
 * hold.
 * Threads: one at a time. Source: DESIGN.md section 8, docs/adr/0016-memory.md.
 */
#ifndef PAWL_BASE_BUDGET_H
#define PAWL_BASE_BUDGET_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

struct budget {
    size_t size, taken;
};

/* False, and nothing is taken, when there is no room. */
static inline bool budget_take(struct budget *b, size_t bytes)
{
    if (b->taken && (b->taken > b->size || bytes > b->size - b->taken))
        return false;
    b->taken += bytes;
    return true;
}

static inline void budget_give(struct budget *b, size_t bytes)
{
    ASSERT(bytes <= b->taken);
    b->taken -= bytes;
}

enum {
    MEMORY_MAX = 512 << 20, /* limit memory_max, by default */
};

/* name, sixteenths of memory_max, what for. What is left is for caches, connections and
 * the program itself. */
#define MEMORY_SHARE_TABLE(X)                                                                      \
    X(bodies, 4, "large bodies on their way in")                                                   \
    X(handling, 6, "what requests take from their last byte to their answer, about")               \
    X(runs, 4, "executions in memory, and their commits on the way")

struct memory_shares {
#define MEMORY_SHARE_MEMBER(name, part, what) size_t name;
    MEMORY_SHARE_TABLE(MEMORY_SHARE_MEMBER)
#undef MEMORY_SHARE_MEMBER
};

/* 0: the default. */
static inline struct memory_shares memory_shares(size_t memory_max)
{
    size_t all = memory_max ? memory_max : (size_t)MEMORY_MAX;
    return (struct memory_shares){
#define MEMORY_SHARE_OF(name, part, what) .name = all / 16 * (part),
        MEMORY_SHARE_TABLE(MEMORY_SHARE_OF)
#undef MEMORY_SHARE_OF
    };
}

#endif
