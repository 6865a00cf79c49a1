/* Flights: commits on their way to the store, in the order of their slot's turns. */
#include "engine/engine_internal.h"

#include <stdlib.h>

static struct flight *take_spare(struct engine *e)
{
    struct flight *f = e->spare_flights;
    if (f) {
        e->spare_flights = f->next;
        e->spare_flight_count--;
        return f;
    }
    f = calloc(1, sizeof(*f));
    if (!f)
        panic(__FILE__, __LINE__, "out of memory");
    f->arena = arena_new(0);
    f->body = BUF_INIT(STORE_BODY_SIZE_MAX);
    f->snapshot = BUF_INIT(STORE_BODY_SIZE_MAX);
    return f;
}

struct flight *flight_new(struct run_slot *s)
{
    struct flight *f = take_spare(s->engine);
    f->next = NULL;
    f->slot = s;
    f->pending = NULL;
    f->commit.count = 0;
    f->status = s->row.status;
    f->stopped_at = s->row.stopped_at;
    f->wake_at = s->stored;
    f->redrive_count = s->row.redrive_count;
    f->redriven_at = s->row.redriven_at;
    f->bytes = 0;
    f->submitted = f->answered = f->failed = false;
    f->machine_put = NULL;
    f->writes_machine = false;
    f->err = NULL;
    return f;
}

static void buf_forget(struct buf *b)
{
    if (b->capacity > SPARE_BYTES_MAX)
        buf_release(b);
    buf_clear(b);
    b->over = false;
}

void flight_free(struct engine *e, struct flight *f)
{
    pending_free(e, f->pending);
    buf_forget(&f->body);
    buf_forget(&f->snapshot);
    if (e->spare_flight_count == SPARE_MAX || arena_used(f->arena) > SPARE_BYTES_MAX) {
        buf_release(&f->body);
        buf_release(&f->snapshot);
        arena_free(f->arena);
        free(f);
        return;
    }
    arena_rewind(f->arena, (struct arena_mark){0});
    f->next = e->spare_flights;
    e->spare_flights = f;
    e->spare_flight_count++;
}

struct store_write *flight_write(struct flight *f, enum store_write_kind kind)
{
    ASSERT(f->commit.count < TURN_WRITES_MAX);
    struct store_write *w = &f->writes[f->commit.count++];
    *w = (struct store_write){.kind = kind, .org = f->slot->engine->options.org};
    return w;
}

void flight_snapshot(struct flight *f)
{
    struct run_slot *s = f->slot;
    run_save(s->run, &f->snapshot);
    s->snapshot_bytes = f->snapshot.len;
    s->journal_bytes = 0;
    flight_write(f, STORE_PUT_SNAPSHOT)->u.snapshot = (struct snapshot_row){
        .key = s->key,
        .turn = run_turns(s->run),
        .body = buf_str(&f->snapshot),
        .checksum = checksum64(buf_str(&f->snapshot)),
    };
}

static void append(struct flight *f)
{
    struct flight_list *list = &f->slot->flights;
    f->bytes = sizeof(*f) + f->body.len + f->snapshot.len + arena_used(f->arena);
    if (list->last)
        list->last->next = f;
    else
        list->first = f;
    list->last = f;
    list->count++;
    list->bytes += f->bytes;
    f->slot->engine->flight_bytes += f->bytes;
    f->slot->engine->flight_count++;
}

static void landed(void *arg, const struct err *err)
{
    struct flight *f = arg;
    struct run_slot *s = f->slot;
    ASSERT(!f->answered && s->waits > 0);
    s->waits--;
    s->engine->store_waits--;
    f->answered = true;
    f->failed = err != NULL;
    if (err)
        f->err = arena_dup(f->arena, err, sizeof(*err));
    known_put_done(f->machine_put, !err);
    f->machine_put = NULL;
    if (f->writes_machine)
        catalog_forget(s->engine->catalog);
    if (f->writes_machine && s->engine->machine_written)
        s->engine->machine_written(s->engine->machine_written_arg);
    /* Others may land before the first does; only that one lets the slot go on. */
    if (s->flights.first == f || s->phase == SLOT_VOID)
        slot_make_ready(s);
}

void flight_submit(struct flight *f)
{
    flight_submit_writes(f, f->writes, f->commit.count);
}

void flight_submit_writes(struct flight *f, const struct store_write *writes, size_t count)
{
    struct run_slot *s = f->slot;
    struct engine *e = s->engine;
    append(f);
    f->submitted = true;
    s->waits++;
    e->store_waits++;
    f->commit = (struct store_commit){
        .shard = s->row.shard,
        .epoch = e->epochs[s->row.shard],
        .writes = writes,
        .count = count,
        .done = landed,
        .arg = f,
    };
    store_commit(e->options.store, &f->commit);
}

void flight_fail(struct flight *f, const struct err *err)
{
    append(f);
    f->answered = f->failed = true;
    f->err = arena_dup(f->arena, err, sizeof(*err));
    slot_make_ready(f->slot);
}

struct flight *flight_pop(struct run_slot *s)
{
    struct flight_list *list = &s->flights;
    struct flight *f = list->first;
    list->first = f->next;
    if (!list->first)
        list->last = NULL;
    list->count--;
    list->bytes -= f->bytes;
    s->engine->flight_bytes -= f->bytes;
    s->engine->flight_count--;
    return f;
}

/* One turn may always be on its way, however large. */
bool flight_has_room(const struct run_slot *s)
{
    if (s->flights.count == 0)
        return true;
    return s->flights.count < FLIGHTS_MAX && s->flights.bytes < FLIGHTS_BYTES_MAX &&
           s->engine->flight_bytes < ENGINE_FLIGHTS_BYTES_MAX;
}
