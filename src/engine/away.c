#include "engine/away.h"

#include <stdlib.h>

void away_release(struct away *a)
{
    free(a->stored.items);
    free(a->own.items);
    free(a->handed);
    *a = (struct away){0};
}

/* ---- wakes ---- */

static int compare(const void *x, const void *y)
{
    const struct away_wake *a = x, *b = y;
    if (a->at.ms != b->at.ms)
        return a->at.ms < b->at.ms ? -1 : 1;
    return (a->key > b->key) - (a->key < b->key);
}

static void heap_add(struct away_heap *h, struct away_wake wake)
{
    if (h->count == h->capacity) {
        h->capacity = h->capacity ? h->capacity * 2 : 64;
        h->items = reallocarray(h->items, h->capacity, sizeof(*h->items));
        if (!h->items)
            panic(__FILE__, __LINE__, "out of memory");
    }
    size_t place = h->count++;
    while (place && compare(&wake, &h->items[(place - 1) / 2]) < 0) {
        h->items[place] = h->items[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    h->items[place] = wake;
}

static void heap_pop(struct away_heap *h)
{
    struct away_wake last = h->items[--h->count];
    size_t place = 0;
    for (size_t child = 1; child < h->count; child = place * 2 + 1) {
        if (child + 1 < h->count && compare(&h->items[child + 1], &h->items[child]) < 0)
            child++;
        if (compare(&last, &h->items[child]) <= 0)
            break;
        h->items[place] = h->items[child];
        place = child;
    }
    h->items[place] = last;
}

bool away_add(struct away *a, struct away_wake wake, bool is_stored)
{
    if (is_stored && compare(&wake, &a->horizon) > 0)
        return false;
    heap_add(is_stored ? &a->stored : &a->own, wake);
    return true;
}

static const struct away_heap *earlier(const struct away *a)
{
    if (!a->own.count)
        return &a->stored;
    if (!a->stored.count)
        return &a->own;
    return compare(&a->own.items[0], &a->stored.items[0]) < 0 ? &a->own : &a->stored;
}

bool away_first(const struct away *a, struct away_wake *ret_wake)
{
    const struct away_heap *h = earlier(a);
    if (!h->count)
        return false;
    *ret_wake = h->items[0];
    return true;
}

void away_pop(struct away *a)
{
    heap_pop(earlier(a) == &a->own ? &a->own : &a->stored);
}

/* Sorted items are a heap as well. */
void away_trim(struct away *a)
{
    struct away_heap *h = &a->stored;
    if (h->count <= AWAY_WAKES_MAX)
        return;
    qsort(h->items, h->count, sizeof(*h->items), compare);
    h->count = AWAY_WAKES_MAX / 2;
    a->horizon = h->items[h->count - 1];
}

/* ---- tasks that are out ---- */

static size_t place_of(const struct away *a, execution_key key)
{
    size_t mask = a->handed_capacity - 1;
    size_t at = (size_t)(((uint64_t)key * 0x9e3779b97f4a7c15u) >> 20) & mask;
    while (a->handed[at] && a->handed[at] != key)
        at = (at + 1) & mask;
    return at;
}

static void grow(struct away *a)
{
    struct away larger = {.handed_capacity = a->handed_capacity ? a->handed_capacity * 2 : 64};
    larger.handed = calloc(larger.handed_capacity, sizeof(execution_key));
    if (!larger.handed)
        panic(__FILE__, __LINE__, "out of memory");
    for (size_t i = 0; i < a->handed_capacity; i++)
        if (a->handed[i])
            larger.handed[place_of(&larger, a->handed[i])] = a->handed[i];
    free(a->handed);
    a->handed = larger.handed;
    a->handed_capacity = larger.handed_capacity;
}

void away_hand(struct away *a, execution_key key)
{
    if (a->handed_count * 2 >= a->handed_capacity)
        grow(a);
    size_t at = place_of(a, key);
    a->handed_count += a->handed[at] == 0;
    a->handed[at] = key;
}

bool away_has_handed(const struct away *a, execution_key key)
{
    return a->handed_count && a->handed[place_of(a, key)] == key;
}

/* Those that stand behind it move up where they may, so that no gap ends a search. */
bool away_take_handed(struct away *a, execution_key key)
{
    if (!away_has_handed(a, key))
        return false;
    size_t mask = a->handed_capacity - 1, gap = place_of(a, key);
    a->handed[gap] = 0;
    a->handed_count--;
    for (size_t at = (gap + 1) & mask; a->handed[at]; at = (at + 1) & mask) {
        execution_key moved = a->handed[at];
        a->handed[at] = 0;
        a->handed[place_of(a, moved)] = moved;
    }
    return true;
}
