#include "base/heap.h"

#include <stdlib.h>

void heap_release(struct heap *h)
{
    if (!h->arena)
        free(h->nodes);
    *h = (struct heap){.arena = h->arena};
}

static bool is_before(const struct heap_node *a, const struct heap_node *b)
{
    return a->at != b->at ? a->at < b->at : a->came < b->came;
}

static void put(struct heap *h, size_t place, struct heap_node *n)
{
    h->nodes[place] = n;
    n->place = place;
}

/* From this place up or down to where it belongs. */
static void settle(struct heap *h, struct heap_node *n, size_t place)
{
    while (place > 1 && is_before(n, h->nodes[place / 2])) {
        put(h, place, h->nodes[place / 2]);
        place /= 2;
    }
    for (size_t child = place * 2; child <= h->count; child = place * 2) {
        if (child < h->count && is_before(h->nodes[child + 1], h->nodes[child]))
            child++;
        if (is_before(n, h->nodes[child]))
            break;
        put(h, place, h->nodes[child]);
        place = child;
    }
    put(h, place, n);
}

/* Place 0 stays free. */
static void make_room(struct heap *h)
{
    enum {
        CAPACITY_FIRST = 64
    };
    if (h->count + 1 < h->capacity)
        return;
    size_t larger = h->capacity ? h->capacity * 2 : CAPACITY_FIRST;
    if (h->arena) {
        struct heap_node **nodes = ARENA_ARRAY(h->arena, struct heap_node *, larger);
        if (h->count)
            memcpy(nodes, h->nodes, (h->count + 1) * sizeof(struct heap_node *));
        h->nodes = nodes;
    } else {
        h->nodes = reallocarray(h->nodes, larger, sizeof(struct heap_node *));
        if (!h->nodes)
            panic(__FILE__, __LINE__, "out of memory");
        h->nodes[0] = NULL;
    }
    h->capacity = larger;
}

void heap_set(struct heap *h, struct heap_node *n, int64_t at)
{
    n->at = at;
    n->came = h->came++;
    if (!n->place) {
        make_room(h);
        n->place = ++h->count;
    }
    settle(h, n, n->place);
}

void heap_remove(struct heap *h, struct heap_node *n)
{
    size_t place = n->place;
    if (!place)
        return;
    struct heap_node *last = h->nodes[h->count--];
    n->place = 0;
    if (last != n)
        settle(h, last, place);
}
