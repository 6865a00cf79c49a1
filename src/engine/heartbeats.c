#include "engine/heartbeats.h"

#include <stdlib.h>

enum {
    BUCKETS_FIRST = 64
};

void heartbeats_release(struct heartbeats *h)
{
    for (size_t i = 1; i <= h->count; i++)
        free(h->heap[i]);
    free(h->heap);
    free(h->buckets);
    *h = (struct heartbeats){0};
}

/* ---- the heap ---- */

static void heap_set(struct heartbeats *h, size_t place, struct heartbeat *b)
{
    h->heap[place] = b;
    b->place = place;
}

static void heap_settle(struct heartbeats *h, size_t place)
{
    struct heartbeat *b = h->heap[place];
    while (place > 1 && h->heap[place / 2]->looked.ms > b->looked.ms) {
        heap_set(h, place, h->heap[place / 2]);
        place /= 2;
    }
    for (size_t child = place * 2; child <= h->count; child = place * 2) {
        if (child < h->count && h->heap[child + 1]->looked.ms < h->heap[child]->looked.ms)
            child++;
        if (h->heap[child]->looked.ms >= b->looked.ms)
            break;
        heap_set(h, place, h->heap[child]);
        place = child;
    }
    heap_set(h, place, b);
}

static void heap_add(struct heartbeats *h, struct heartbeat *b)
{
    if (h->count + 1 >= h->capacity) {
        h->capacity = h->capacity ? h->capacity * 2 : BUCKETS_FIRST;
        h->heap = reallocarray(h->heap, h->capacity, sizeof(struct heartbeat *));
        if (!h->heap)
            panic(__FILE__, __LINE__, "out of memory");
    }
    h->count++;
    heap_set(h, h->count, b);
    heap_settle(h, h->count);
}

static void heap_remove(struct heartbeats *h, const struct heartbeat *b)
{
    size_t place = b->place;
    struct heartbeat *last = h->heap[h->count--];
    if (last == b)
        return;
    heap_set(h, place, last);
    heap_settle(h, place);
}

/* ---- the table ---- */

static struct heartbeat **bucket_of(const struct heartbeats *h, execution_key key, uint32_t step)
{
    uint64_t mixed = ((uint64_t)key + step) * 0x9e3779b97f4a7c15u;
    return &h->buckets[(mixed >> 32) & (h->bucket_count - 1)];
}

/* Where the pointer to it stands; NULL: nowhere. */
static struct heartbeat **find(const struct heartbeats *h, execution_key key, uint32_t step,
                               uint32_t attempt)
{
    if (!h->count)
        return NULL;
    for (struct heartbeat **at = bucket_of(h, key, step); *at; at = &(*at)->next)
        if ((*at)->key == key && (*at)->step == step && (*at)->attempt == attempt)
            return at;
    return NULL;
}

static void put(const struct heartbeats *h, struct heartbeat *b)
{
    struct heartbeat **bucket = bucket_of(h, b->key, b->step);
    b->next = *bucket;
    *bucket = b;
}

static void make_buckets(struct heartbeats *h)
{
    if (h->count < h->bucket_count)
        return;
    free(h->buckets);
    h->bucket_count = h->bucket_count ? h->bucket_count * 2 : BUCKETS_FIRST;
    h->buckets = calloc(h->bucket_count, sizeof(struct heartbeat *));
    if (!h->buckets)
        panic(__FILE__, __LINE__, "out of memory");
    for (size_t i = 1; i <= h->count; i++)
        put(h, h->heap[i]);
}

static void shown_end(struct heartbeat *b)
{
    if (!b->shown_link)
        return;
    *b->shown_link = b->next_shown;
    if (b->next_shown)
        b->next_shown->shown_link = b->shown_link;
    b->shown_link = NULL;
}

/* Takes it out of all; it is still to be freed. */
static struct heartbeat *take_out(struct heartbeats *h, struct heartbeat **at)
{
    struct heartbeat *b = *at;
    *at = b->next;
    shown_end(b);
    heap_remove(h, b);
    return b;
}

/* ---- from outside ---- */

static struct wall_ms later(struct wall_ms now, int64_t seconds)
{
    return (struct wall_ms){now.ms + seconds * 1000};
}

void heartbeat_begin(struct heartbeats *h, execution_key key, uint32_t step, uint32_t attempt,
                     int64_t seconds, struct wall_ms now)
{
    heartbeat_end(h, key, step, attempt);
    make_buckets(h);
    struct heartbeat *b = malloc(sizeof(*b));
    if (!b)
        panic(__FILE__, __LINE__, "out of memory");
    *b = (struct heartbeat){.key = key, .step = step, .attempt = attempt, .seconds = seconds};
    b->due = b->looked = later(now, seconds);
    put(h, b);
    heap_add(h, b);
}

bool heartbeat_take(struct heartbeats *h, execution_key key, uint32_t step, uint32_t attempt)
{
    struct heartbeat **at = find(h, key, step, attempt);
    struct heartbeat *b = at ? *at : NULL;
    if (b && !b->shown_link) {
        b->next_shown = h->shown;
        b->shown_link = &h->shown;
        if (b->next_shown)
            b->next_shown->shown_link = &b->next_shown;
        h->shown = b;
    }
    return b;
}

void heartbeats_pass(struct heartbeats *h, struct wall_ms now)
{
    while (h->shown) {
        struct heartbeat *b = h->shown;
        b->due = later(now, b->seconds);
        shown_end(b);
    }
}

void heartbeat_end(struct heartbeats *h, execution_key key, uint32_t step, uint32_t attempt)
{
    struct heartbeat **at = find(h, key, step, attempt);
    if (at)
        free(take_out(h, at));
}

struct wall_ms heartbeats_wake(const struct heartbeats *h)
{
    return h->count ? h->heap[1]->looked : (struct wall_ms){0};
}

bool heartbeat_pop_lost(struct heartbeats *h, struct wall_ms now, struct heartbeat *ret_lost)
{
    while (h->count && h->heap[1]->looked.ms <= now.ms) {
        struct heartbeat *b = h->heap[1];
        if (b->due.ms <= now.ms) {
            *ret_lost = *b;
            free(take_out(h, find(h, b->key, b->step, b->attempt)));
            return true;
        }
        b->looked = b->due;
        heap_settle(h, 1);
    }
    return false;
}
