#include "engine/heartbeats.h"

#include <stdlib.h>

enum {
    BUCKETS_FIRST = 64
};

static struct heartbeat *of_node(struct heap_node *n)
{
    return HEAP_THING(n, struct heartbeat, looked);
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
    if (!h->looked.count)
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
    struct heartbeats old = *h;
    if (h->looked.count < h->bucket_count)
        return;
    h->bucket_count = h->bucket_count ? h->bucket_count * 2 : BUCKETS_FIRST;
    h->buckets = calloc(h->bucket_count, sizeof(struct heartbeat *));
    if (!h->buckets)
        panic(__FILE__, __LINE__, "out of memory");
    for (size_t i = 0; i < old.bucket_count; i++) {
        struct heartbeat *next;
        for (struct heartbeat *b = old.buckets[i]; b; b = next) {
            next = b->next;
            put(h, b);
        }
    }
    free(old.buckets);
}

void heartbeats_release(struct heartbeats *h)
{
    for (size_t i = 0; i < h->bucket_count; i++) {
        struct heartbeat *next;
        for (struct heartbeat *b = h->buckets[i]; b; b = next) {
            next = b->next;
            free(b);
        }
    }
    heap_release(&h->looked);
    free(h->buckets);
    *h = (struct heartbeats){0};
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
    heap_remove(&h->looked, &b->looked);
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
    b->due = later(now, seconds);
    put(h, b);
    heap_set(&h->looked, &b->looked, b->due.ms);
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
    const struct heap_node *first = heap_first(&h->looked);
    return (struct wall_ms){first ? first->at : 0};
}

bool heartbeat_pop_lost(struct heartbeats *h, struct wall_ms now, struct heartbeat *ret_lost)
{
    struct heap_node *first;
    while ((first = heap_first(&h->looked)) && first->at <= now.ms) {
        struct heartbeat *b = of_node(first);
        if (b->due.ms <= now.ms) {
            *ret_lost = *b;
            free(take_out(h, find(h, b->key, b->step, b->attempt)));
            return true;
        }
        heap_set(&h->looked, first, b->due.ms);
    }
    return false;
}
