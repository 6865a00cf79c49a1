/* A binary heap: things by the time when they are due, the earliest first, and those of one
 * time in the order in which they came.
 *
 * A thing holds a node, is found from it with HEAP_THING, and can be taken out wherever it
 * stands; so it stays where it is while it is in the heap.
 * Ownership: the things are the caller's. The heap's own table lies in `arena` where there is
 * one, else heap_release frees it. Threads: one.
 */
#ifndef PAWL_BASE_HEAP_H
#define PAWL_BASE_HEAP_H

#include "base/arena.h"

#include <stddef.h>

struct heap_node {
    int64_t at;
    uint64_t came; /* private */
    size_t place;  /* from 1; 0: it is in no heap */
};

/* Begins zeroed, but for `arena`. */
struct heap {
    struct arena *arena;
    struct heap_node **nodes; /* private: from 1 */
    size_t count, capacity;
    uint64_t came;
};

#define HEAP_THING(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* Looks at nothing that is in it. */
void heap_release(struct heap *h);

/* Puts it in, or moves it when it is in already. */
void heap_set(struct heap *h, struct heap_node *n, int64_t at);
/* Does nothing when it is not in. */
void heap_remove(struct heap *h, struct heap_node *n);

/* NULL: it is empty. */
static inline struct heap_node *heap_first(const struct heap *h)
{
    return h->count ? h->nodes[1] : NULL;
}

#endif
