#include "store/memory/memory_internal.h"

#include <stdlib.h>

/* What a write did, so that it can be taken back. Taken back in reverse order,
 * so positions are still right. */
struct undo {
    enum store_write_kind kind;
    bool inserted;
    size_t at;                    /* in its list, when inserted or removed */
    struct kept_machine *machine; /* with its former row, when replaced */
    struct machine_row former_machine;
    struct kept_object *object;
    struct object_row former_object;
    struct kept_execution *execution; /* with what was changed of it */
    enum execution_status status;
    struct wall_ms stopped_at, wake_at, redriven_at;
    uint32_t redrive_count;
    bool had_snapshot;
    struct snapshot_row snapshot;
};

static struct undo *remember(struct memory_store *m, enum store_write_kind kind)
{
    if (m->undo_count == m->undo_capacity) {
        m->undo_capacity = m->undo_capacity ? 2 * m->undo_capacity : 16;
        m->undo = reallocarray(m->undo, m->undo_capacity, sizeof(*m->undo));
        if (!m->undo)
            panic(__FILE__, __LINE__, "out of memory");
    }
    struct undo *u = &m->undo[m->undo_count++];
    *u = (struct undo){.kind = kind};
    return u;
}

void memory_undo_release(struct memory_store *m)
{
    free(m->undo);
}

/* ---- the writes ---- */

static void put_definition(struct memory_store *m, const struct store_write *w)
{
    bool there;
    size_t at = kept_definition_at(m, w->org, w->u.definition.hash, &there);
    if (there)
        return;
    struct kept_definition *d = ARENA_NEW(m->arena, struct kept_definition);
    d->org = w->org;
    memcpy(d->hash, w->u.definition.hash, SHA256_SIZE);
    d->text = arena_str(m->arena, w->u.definition.text);
    kept_list_insert(&m->definitions, at, d);
    struct undo *u = remember(m, w->kind);
    u->inserted = true;
    u->at = at;
}

static void put_machine(struct memory_store *m, const struct store_write *w)
{
    bool there;
    size_t at = kept_machine_at(m, w->org, w->u.machine.name, &there);
    struct kept_machine *kept =
        there ? m->machines.items[at] : ARENA_NEW(m->arena, struct kept_machine);
    struct undo *u = remember(m, w->kind);
    u->inserted = !there;
    u->at = at;
    u->machine = kept;
    u->former_machine = kept->row;
    kept->org = w->org;
    kept->row = w->u.machine;
    kept->row.name = arena_str(m->arena, w->u.machine.name);
    kept->row.arn = arena_str(m->arena, w->u.machine.arn);
    kept->row.body =
        w->u.machine.body.len ? arena_str(m->arena, w->u.machine.body) : u->former_machine.body;
    if (!there)
        kept_list_insert(&m->machines, at, kept);
}

static bool delete_machine(struct memory_store *m, const struct store_write *w, struct err *reterr)
{
    bool there;
    size_t at = kept_machine_at(m, w->org, w->u.machine_name, &there);
    if (!there)
        return store_err_no_machine(w->u.machine_name, reterr);
    struct undo *u = remember(m, w->kind);
    u->at = at;
    u->machine = m->machines.items[at];
    kept_list_remove(&m->machines, at);
    return true;
}

static bool put_object(struct memory_store *m, const struct store_write *w, struct err *reterr)
{
    const struct object_row *row = &w->u.object;
    bool there;
    size_t at = kept_object_at(m, w->org, row->kind, row->name, &there);
    struct kept_object *kept =
        there ? m->objects.items[at] : ARENA_NEW(m->arena, struct kept_object);
    if (row->revision != kept->row.revision)
        return store_err_wrong_revision(row, kept->row.revision, reterr);
    struct undo *u = remember(m, w->kind);
    u->inserted = !there;
    u->at = at;
    u->object = kept;
    u->former_object = kept->row;
    kept->org = w->org;
    kept->row.revision++;
    kept->row.body = arena_str(m->arena, row->body);
    if (there)
        return true;
    kept->row.kind = arena_str(m->arena, row->kind);
    kept->row.name = arena_str(m->arena, row->name);
    kept->row.created_at = row->created_at;
    kept_list_insert(&m->objects, at, kept);
    return true;
}

static bool delete_object(struct memory_store *m, const struct store_write *w, struct err *reterr)
{
    const struct object_row *row = &w->u.object;
    bool there;
    size_t at = kept_object_at(m, w->org, row->kind, row->name, &there);
    if (!there)
        return store_err_no_object(row->kind, row->name, reterr);
    struct kept_object *kept = m->objects.items[at];
    if (row->revision && row->revision != kept->row.revision)
        return store_err_wrong_revision(row, kept->row.revision, reterr);
    struct undo *u = remember(m, w->kind);
    u->at = at;
    u->object = kept;
    kept_list_remove(&m->objects, at);
    return true;
}

static bool name_taken(const struct memory_store *m, const struct store_write *w)
{
    const struct execution_row *row = &w->u.start;
    for (const struct kept_execution *e = kept_bucket(m, w->org, row->name); e; e = e->same_bucket)
        if (e->org == w->org && str_eq(e->row.name, row->name) &&
            str_eq(e->row.machine_arn, row->machine_arn))
            return true;
    return false;
}

static bool start(struct memory_store *m, const struct store_write *w, struct err *reterr)
{
    const struct execution_row *row = &w->u.start;
    bool there;
    size_t at = kept_execution_at(m, row->key, &there);
    if (there)
        return store_err_key_taken(row->key, reterr);
    if (row->client_named && name_taken(m, w))
        return store_err_name_taken(row, reterr);
    struct kept_execution *e = ARENA_NEW(m->arena, struct kept_execution);
    e->org = w->org;
    e->row = *row;
    e->row.turns = 0;
    e->row.name = arena_str(m->arena, row->name);
    e->row.arn = arena_str(m->arena, row->arn);
    e->row.machine_arn = arena_str(m->arena, row->machine_arn);
    e->row.machine_name = arena_str(m->arena, row->machine_name);
    e->row.role_arn = arena_str(m->arena, row->role_arn);
    e->row.origin = arena_str(m->arena, row->origin);
    kept_list_insert(&m->executions, at, e);
    if (row->client_named)
        kept_bucket_add(m, e);
    struct undo *u = remember(m, w->kind);
    u->at = at;
    u->execution = e;
    return true;
}

static bool append_turn(struct memory_store *m, const struct store_write *w, struct err *reterr)
{
    const struct turn_row *row = &w->u.turn;
    struct kept_execution *e = kept_execution_find(m, w->org, row->key);
    if (!e)
        return store_err_no_execution(row->key, reterr);
    if (row->turn != e->row.turns)
        return store_err_wrong_turn(row, e->row.turns, reterr);
    if (e->row.turns == e->turn_capacity) {
        e->turn_capacity = e->turn_capacity ? 2 * e->turn_capacity : 4;
        e->turns = reallocarray(e->turns, e->turn_capacity, sizeof(*e->turns));
        if (!e->turns)
            panic(__FILE__, __LINE__, "out of memory");
    }
    struct turn_row *kept = &e->turns[e->row.turns++];
    *kept = *row;
    kept->body = arena_str(m->arena, row->body);
    remember(m, w->kind)->execution = e;
    return true;
}

static bool set_progress(struct memory_store *m, const struct store_write *w, struct err *reterr)
{
    struct kept_execution *e = kept_execution_find(m, w->org, w->u.progress.key);
    if (!e)
        return store_err_no_execution(w->u.progress.key, reterr);
    struct undo *u = remember(m, w->kind);
    u->execution = e;
    u->status = e->row.status;
    u->stopped_at = e->row.stopped_at;
    u->wake_at = e->row.wake_at;
    u->redriven_at = e->row.redriven_at;
    u->redrive_count = e->row.redrive_count;
    e->row.status = w->u.progress.status;
    e->row.stopped_at = w->u.progress.stopped_at;
    e->row.wake_at = w->u.progress.wake_at;
    if (w->u.progress.redriven_at.ms == 0)
        return true;
    e->row.redriven_at = w->u.progress.redriven_at;
    e->row.redrive_count = w->u.progress.redrive_count;
    return true;
}

static bool put_snapshot(struct memory_store *m, const struct store_write *w, struct err *reterr)
{
    const struct snapshot_row *row = &w->u.snapshot;
    struct kept_execution *e = kept_execution_find(m, w->org, row->key);
    if (!e)
        return store_err_no_execution(row->key, reterr);
    char *body = malloc(row->body.len + 1);
    if (!body)
        panic(__FILE__, __LINE__, "out of memory");
    if (row->body.len)
        memcpy(body, row->body.ptr, row->body.len);
    struct undo *u = remember(m, w->kind);
    u->execution = e;
    u->had_snapshot = e->has_snapshot;
    u->snapshot = e->snapshot;
    e->has_snapshot = true;
    e->snapshot = *row;
    e->snapshot.body = str_of(body, row->body.len);
    return true;
}

static bool apply_write(struct memory_store *m, const struct store_write *w, struct err *reterr)
{
    switch (w->kind) {
    case STORE_PUT_DEFINITION:
        put_definition(m, w);
        return true;
    case STORE_PUT_MACHINE:
        put_machine(m, w);
        return true;
    case STORE_START:
        return start(m, w, reterr);
    case STORE_APPEND_TURN:
        return append_turn(m, w, reterr);
    case STORE_SET_PROGRESS:
        return set_progress(m, w, reterr);
    case STORE_PUT_SNAPSHOT:
        return put_snapshot(m, w, reterr);
    case STORE_DELETE_MACHINE:
        return delete_machine(m, w, reterr);
    case STORE_PUT_OBJECT:
        return put_object(m, w, reterr);
    case STORE_DELETE_OBJECT:
        return delete_object(m, w, reterr);
    }
    UNREACHABLE("a kind of write");
}

/* ---- all or nothing ---- */

static void free_body(const struct snapshot_row *snapshot)
{
    free((void *)(uintptr_t)snapshot->body.ptr);
}

static void take_back(struct memory_store *m, const struct undo *u)
{
    struct kept_execution *e = u->execution;
    switch (u->kind) {
    case STORE_PUT_DEFINITION:
        kept_list_remove(&m->definitions, u->at);
        return;
    case STORE_PUT_MACHINE:
        u->machine->row = u->former_machine;
        if (u->inserted)
            kept_list_remove(&m->machines, u->at);
        return;
    case STORE_START:
        if (e->row.client_named)
            kept_bucket_remove(m, e);
        kept_list_remove(&m->executions, u->at);
        free(e->turns);
        return;
    case STORE_APPEND_TURN:
        e->row.turns--;
        return;
    case STORE_SET_PROGRESS:
        e->row.status = u->status;
        e->row.stopped_at = u->stopped_at;
        e->row.wake_at = u->wake_at;
        e->row.redriven_at = u->redriven_at;
        e->row.redrive_count = u->redrive_count;
        return;
    case STORE_PUT_SNAPSHOT:
        free_body(&e->snapshot);
        e->has_snapshot = u->had_snapshot;
        e->snapshot = u->snapshot;
        return;
    case STORE_DELETE_MACHINE:
        kept_list_insert(&m->machines, u->at, u->machine);
        return;
    case STORE_PUT_OBJECT:
        u->object->row = u->former_object;
        if (u->inserted)
            kept_list_remove(&m->objects, u->at);
        return;
    case STORE_DELETE_OBJECT:
        kept_list_insert(&m->objects, u->at, u->object);
        return;
    }
}

bool memory_apply(struct memory_store *m, const struct store_commit *c, struct err *reterr)
{
    if (c->epoch != m->epochs[c->shard])
        return store_err_stale(c->shard, c->epoch, m->epochs[c->shard], reterr);
    if (!store_check_commit(c, reterr))
        return false;
    struct arena_mark before = arena_mark(m->arena);
    m->undo_count = 0;
    for (size_t i = 0; i < c->count; i++)
        if (!apply_write(m, &c->writes[i], reterr)) {
            while (m->undo_count)
                take_back(m, &m->undo[--m->undo_count]);
            arena_rewind(m->arena, before);
            return false;
        }
    for (size_t i = 0; i < m->undo_count; i++)
        if (m->undo[i].kind == STORE_PUT_SNAPSHOT && m->undo[i].had_snapshot)
            free_body(&m->undo[i].snapshot);
    return true;
}
