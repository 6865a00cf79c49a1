#include "engine/engine_internal.h"

#include "engine/express.h"
#include "engine/nested.h"

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

struct run_slot *slot_next(const struct engine *e, size_t *bucket, const struct run_slot *after)
{
    if (after && after->bucket_next)
        return after->bucket_next;
    for (*bucket += after ? 1 : 0; *bucket < e->bucket_count; ++*bucket)
        if (e->buckets[*bucket])
            return e->buckets[*bucket];
    return NULL;
}

struct run_slot *slot_new(struct engine *e, execution_key key)
{
    if (!park_make_room(e))
        return NULL;
    struct arena *arena = spare_arena(e);
    struct run_slot *s = ARENA_NEW(arena, struct run_slot);
    struct run_slot **bucket = bucket_of(e, key);
    s->engine = e;
    s->key = key;
    s->arena = arena;
    s->handed = away_take_handed(&e->away, key);
    s->bucket_next = *bucket;
    *bucket = s;
    e->slot_count++;
    slot_account(s);
    return s;
}

void slot_account(struct run_slot *s)
{
    size_t memory = SLOT_BYTES + (s->run ? arena_used(run_arena(s->run)) : 0) +
                    (s->beginning ? s->beginning->memory : 0);
    s->engine->memory += memory - s->memory;
    s->memory = memory;
}

void slot_drop_run(struct run_slot *s)
{
    ASSERT(s->waits == 0);
    loading_free(s);
    mirror_free(s->mirror);
    run_free(s->run);
    arena_free(s->work);
    s->mirror = NULL;
    s->run = NULL;
    s->work = NULL;
    s->reader = NULL;
    s->shedding = false;
    slot_wake_at(s, (struct wall_ms){0});
}

static void leave_ready(struct run_slot *s)
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
    slot_unpark(s);
    slot_drop_run(s);
    leave_ready(s);
    while (s->flights.first)
        flight_free(e, flight_pop(s));
    for (struct pending *p; (p = pending_pop(&s->queue));)
        pending_free(e, p);
    machine_release(&e->machines, s->machine);
    struct run_slot **at = bucket_of(e, s->key);
    while (*at != s)
        at = &(*at)->bucket_next;
    *at = s->bucket_next;
    e->slot_count--;
    e->express_count -= s->express != NULL;
    e->leaving_count -= s->leaving;
    e->memory -= s->memory;
    spare_arena_keep(e, s->arena);
}

void slot_end(struct run_slot *s, const struct err *err)
{
    for (struct flight *f = s->flights.first; f; f = f->next)
        if (f->pending)
            asker_answer(&f->pending->asker, &s->row, false, err);
    for (struct pending *p = s->queue.first; p; p = p->next) {
        if (p->ask)
            nested_answer_ended(s, p, err);
        struct err why;
        bool refused = !err && pending_refusal(p, s, &why);
        asker_answer(&p->asker, &s->row, false, refused ? &why : err);
    }
    if (s->express)
        express_abandon(s, err);
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

void slot_push(struct run_slot *s, struct pending *p)
{
    pending_push(&s->queue, p);
    slot_unpark(s);
    if (s->phase == SLOT_NEW || s->phase == SLOT_LIVE)
        slot_make_ready(s);
}

/* ---- the store ---- */

static void read_done(void *arg, const struct err *err)
{
    struct run_slot *s = arg;
    ASSERT(s->waits == 1);
    s->waits--;
    s->engine->store_waits--;
    s->failed = err != NULL;
    if (err)
        s->err = *err;
    slot_make_ready(s);
}

void slot_read(struct run_slot *s, enum store_read_kind kind)
{
    ASSERT(s->waits == 0);
    s->waits++;
    s->engine->store_waits++;
    s->read.kind = kind;
    s->read.org = s->engine->options.org;
    s->read.done = read_done;
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
