#include "engine/engine_internal.h"

#include <stdlib.h>

/* ---- the table ---- */

static struct run_slot **bucket_of(const struct engine *e, execution_key key)
{
    uint64_t mixed = (uint64_t)key * 0x9e3779b97f4a7c15u;
    return &e->buckets[(mixed >> 32) & (e->bucket_count - 1)];
}

struct run_slot *slot_find(const struct engine *e, execution_key key)
{
    for (struct run_slot *s = *bucket_of(e, key); s; s = s->bucket_next)
        if (s->key == key)
            return s;
    return NULL;
}

struct run_slot *slot_new(struct engine *e, execution_key key)
{
    if (e->slot_count >= e->options.runs_live_max)
        return NULL;
    struct arena *arena = arena_new(0);
    struct run_slot *s = ARENA_NEW(arena, struct run_slot);
    struct run_slot **bucket = bucket_of(e, key);
    s->engine = e;
    s->key = key;
    s->arena = arena;
    s->body = BUF_INIT(STORE_BODY_SIZE_MAX);
    s->bucket_next = *bucket;
    *bucket = s;
    e->slot_count++;
    return s;
}

void slot_drop_run(struct run_slot *s)
{
    ASSERT(!s->waiting);
    mirror_free(s->mirror);
    run_free(s->run);
    arena_free(s->work);
    s->mirror = NULL;
    s->run = NULL;
    s->work = NULL;
    s->reader = NULL;
    slot_wake_at(s, (struct wall_ms){0});
}

static void slot_leave_ready(struct run_slot *s)
{
    struct engine *e = s->engine;
    if (!s->ready)
        return;
    struct run_slot *before = NULL;
    for (struct run_slot *at = e->ready_first; at != s; at = at->ready_next)
        before = at;
    if (before)
        before->ready_next = s->ready_next;
    else
        e->ready_first = s->ready_next;
    if (e->ready_last == s)
        e->ready_last = before;
    e->ready_count--;
    s->ready = false;
}

void slot_free(struct run_slot *s)
{
    struct engine *e = s->engine;
    slot_drop_run(s);
    slot_leave_ready(s);
    struct pending *p;
    while ((p = slot_pop(s)))
        pending_free(p);
    pending_free(s->current);
    buf_release(&s->body);
    machine_release(&e->machines, s->machine);
    struct run_slot **at = bucket_of(e, s->key);
    while (*at != s)
        at = &(*at)->bucket_next;
    *at = s->bucket_next;
    e->slot_count--;
    arena_free(s->arena);
}

void slot_end(struct run_slot *s, const struct err *err)
{
    struct pending *p = s->current;
    s->current = NULL;
    for (p = p ? p : slot_pop(s); p; p = slot_pop(s)) {
        asker_answer(&p->asker, &s->row, false, err);
        pending_free(p);
    }
    slot_free(s);
}

/* ---- the ready list: first come, first served ---- */

void slot_make_ready(struct run_slot *s)
{
    struct engine *e = s->engine;
    if (s->ready)
        return;
    s->ready = true;
    s->ready_next = NULL;
    if (e->ready_last)
        e->ready_last->ready_next = s;
    else
        e->ready_first = s;
    e->ready_last = s;
    e->ready_count++;
}

struct run_slot *slot_take_ready(struct engine *e)
{
    struct run_slot *s = e->ready_first;
    if (!s)
        return NULL;
    e->ready_first = s->ready_next;
    if (!e->ready_first)
        e->ready_last = NULL;
    e->ready_count--;
    s->ready = false;
    return s;
}

/* ---- wakes ---- */

static void heap_set(struct wakes *w, size_t place, struct run_slot *s)
{
    w->items[place] = s;
    s->wake_place = place;
}

static void heap_settle(struct wakes *w, size_t place)
{
    struct run_slot *s = w->items[place];
    while (place > 1 && w->items[place / 2]->wake.ms > s->wake.ms) {
        heap_set(w, place, w->items[place / 2]);
        place /= 2;
    }
    for (size_t child = place * 2; child <= w->count; child = place * 2) {
        if (child < w->count && w->items[child + 1]->wake.ms < w->items[child]->wake.ms)
            child++;
        if (w->items[child]->wake.ms >= s->wake.ms)
            break;
        heap_set(w, place, w->items[child]);
        place = child;
    }
    heap_set(w, place, s);
}

static void heap_remove(struct wakes *w, struct run_slot *s)
{
    size_t place = s->wake_place;
    struct run_slot *last = w->items[w->count--];
    s->wake_place = 0;
    if (last == s)
        return;
    heap_set(w, place, last);
    heap_settle(w, place);
}

static void heap_add(struct wakes *w, struct run_slot *s)
{
    if (w->count + 1 >= w->capacity) {
        w->capacity = w->capacity ? w->capacity * 2 : 64;
        w->items = realloc(w->items, w->capacity * sizeof(struct run_slot *));
        if (!w->items)
            panic(__FILE__, __LINE__, "out of memory");
    }
    w->count++;
    heap_set(w, w->count, s);
    heap_settle(w, w->count);
}

void slot_wake_at(struct run_slot *s, struct wall_ms at)
{
    struct wakes *w = &s->engine->wakes;
    if (s->wake_place)
        heap_remove(w, s);
    s->wake = at;
    if (at.ms != 0)
        heap_add(w, s);
}

struct run_slot *slot_first_wake(const struct engine *e)
{
    return e->wakes.count ? e->wakes.items[1] : NULL;
}

void wakes_release(struct wakes *w)
{
    free(w->items);
    *w = (struct wakes){0};
}

/* ---- what waits for a run ---- */

struct pending *pending_new(enum flow_cause cause)
{
    struct arena *arena = arena_new(0);
    struct pending *p = ARENA_NEW(arena, struct pending);
    p->arena = arena;
    p->input.why = cause;
    return p;
}

void pending_free(struct pending *p)
{
    if (p)
        arena_free(p->arena);
}

void slot_push(struct run_slot *s, struct pending *p)
{
    p->next = NULL;
    if (s->last)
        s->last->next = p;
    else
        s->first = p;
    s->last = p;
    if (s->phase == SLOT_NEW || s->phase == SLOT_LIVE)
        slot_make_ready(s);
}

void slot_push_front(struct run_slot *s, struct pending *p)
{
    p->next = s->first;
    s->first = p;
    if (!s->last)
        s->last = p;
}

struct pending *slot_pop(struct run_slot *s)
{
    struct pending *p = s->first;
    if (!p)
        return NULL;
    s->first = p->next;
    if (!s->first)
        s->last = NULL;
    return p;
}

void asker_answer(const struct asker *asker, const struct execution_row *row, bool already,
                  const struct err *err)
{
    if (!asker->replied)
        return;
    struct engine_reply reply = {.err = err};
    if (!err) {
        reply.execution = row;
        reply.already = already;
    }
    asker->replied(asker->arg, &reply);
}

/* ---- the store ---- */

void slot_store_done(void *arg, const struct err *err)
{
    struct run_slot *s = arg;
    ASSERT(s->waiting);
    s->waiting = false;
    s->engine->store_waits--;
    s->failed = err != NULL;
    if (err)
        s->err = *err;
    slot_make_ready(s);
}

static void store_wait(struct run_slot *s)
{
    ASSERT(!s->waiting);
    s->waiting = true;
    s->engine->store_waits++;
}

void slot_commit(struct run_slot *s, size_t write_count)
{
    store_wait(s);
    s->commit = (struct store_commit){
        .shard = s->row.shard,
        .epoch = s->engine->epochs[s->row.shard],
        .writes = s->writes,
        .count = write_count,
        .done = slot_store_done,
        .arg = s,
    };
    store_commit(s->engine->options.store, &s->commit);
}

/* The caller has filled in what is asked. */
void slot_read(struct run_slot *s, enum store_read_kind kind)
{
    store_wait(s);
    s->read.kind = kind;
    s->read.org = s->engine->options.org;
    s->read.done = slot_store_done;
    s->read.arg = s;
    store_read(s->engine->options.store, &s->read);
}

struct journal_row journal_row_of(const struct turn_row *row)
{
    return (struct journal_row){
        .turn = row->turn,
        .rules_version = row->rules_version,
        .cause = row->cause,
        .at = row->at,
        .body = row->body,
        .checksum = row->checksum,
    };
}
