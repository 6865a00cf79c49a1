#include "store/memory/memory_internal.h"

#include <stdlib.h>

static void copy_execution(struct arena *a, const struct kept_execution *from,
                           struct execution_row *to)
{
    *to = from->row;
    to->name = arena_str(a, from->row.name);
    to->arn = arena_str(a, from->row.arn);
    to->machine_arn = arena_str(a, from->row.machine_arn);
    to->machine_name = arena_str(a, from->row.machine_name);
    to->role_arn = arena_str(a, from->row.role_arn);
    to->origin = arena_str(a, from->row.origin);
}

static void copy_machine(struct arena *a, const struct kept_machine *from, struct machine_row *to)
{
    *to = from->row;
    to->name = arena_str(a, from->row.name);
    to->arn = arena_str(a, from->row.arn);
    to->body = arena_str(a, from->row.body);
}

static void copy_object(struct arena *a, const struct kept_object *from, struct object_row *to)
{
    *to = from->row;
    to->kind = arena_str(a, from->row.kind);
    to->name = arena_str(a, from->row.name);
    to->body = arena_str(a, from->row.body);
}

/* ---- one row ---- */

static bool get_definition(const struct memory_store *m, struct store_read *r, struct err *reterr)
{
    bool there;
    size_t at = kept_definition_at(m, r->org, r->hash, &there);
    if (!there)
        return store_err_no_definition(r->hash, reterr);
    const struct kept_definition *d = m->definitions.items[at];
    if (store_page_room(r, 0, d->text.len, reterr) != PAGE_ROOM)
        return false;
    r->text = arena_str(r->arena, d->text);
    r->found = true;
    return true;
}

static bool get_machine(const struct memory_store *m, struct store_read *r, struct err *reterr)
{
    bool there;
    size_t at = kept_machine_at(m, r->org, r->name, &there), capacity = 0;
    if (!there)
        return store_err_no_machine(r->name, reterr);
    const struct kept_machine *kept = m->machines.items[at];
    if (store_page_room(r, 0, kept->row.body.len, reterr) != PAGE_ROOM)
        return false;
    copy_machine(r->arena, kept, store_add_machine(r, &capacity));
    r->found = true;
    return true;
}

static bool get_object(const struct memory_store *m, struct store_read *r, struct err *reterr)
{
    bool there;
    size_t at = kept_object_at(m, r->org, r->object_kind, r->name, &there), capacity = 0;
    if (!there)
        return store_err_no_object(r->object_kind, r->name, reterr);
    const struct kept_object *kept = m->objects.items[at];
    if (store_page_room(r, 0, kept->row.body.len, reterr) != PAGE_ROOM)
        return false;
    copy_object(r->arena, kept, store_add_object(r, &capacity));
    r->found = true;
    return true;
}

static bool get_execution(const struct memory_store *m, struct store_read *r, struct err *reterr)
{
    const struct kept_execution *e = kept_execution_find(m, r->org, r->key);
    if (!e)
        return store_err_no_execution(r->key, reterr);
    size_t capacity = 0;
    copy_execution(r->arena, e, store_add_execution(r, &capacity));
    r->found = true;
    return true;
}

static bool get_snapshot(const struct memory_store *m, struct store_read *r, struct err *reterr)
{
    const struct kept_execution *e = kept_execution_find(m, r->org, r->key);
    if (!e || !e->has_snapshot)
        return true;
    if (store_page_room(r, 0, e->snapshot.body.len, reterr) != PAGE_ROOM)
        return false;
    r->snapshot = e->snapshot;
    r->snapshot.body = arena_str(r->arena, e->snapshot.body);
    r->found = true;
    return true;
}

/* ---- lists ---- */

/* Is there room for one more row with this body? A page that is full has more. */
static enum page_room list_room(struct store_read *r, size_t *bytes, struct str body,
                                struct err *reterr)
{
    enum page_room room =
        r->count == store_rows_max(r) ? PAGE_FULL : store_page_room(r, *bytes, body.len, reterr);
    r->more = room == PAGE_FULL;
    *bytes += body.len;
    return room;
}

static bool list_machines(const struct memory_store *m, struct store_read *r, struct err *reterr)
{
    bool there;
    size_t capacity = 0, bytes = 0, at = kept_machine_at(m, r->org, r->name, &there);
    if (there && !str_is_empty(r->name))
        at++;
    for (; at < m->machines.count; at++) {
        const struct kept_machine *kept = m->machines.items[at];
        if (kept->org != r->org)
            return true;
        enum page_room room = list_room(r, &bytes, kept->row.body, reterr);
        if (room != PAGE_ROOM)
            return room == PAGE_FULL;
        copy_machine(r->arena, kept, store_add_machine(r, &capacity));
    }
    return true;
}

static bool is_asked(const struct store_read *r, const struct kept_object *o)
{
    return o->org == r->org && str_eq(o->row.kind, r->object_kind) &&
           str_starts_with(o->row.name, r->prefix);
}

/* Between which names: of the kind, with the prefix, and on the side of `name` that is
 * asked for. */
static void object_range(const struct memory_store *m, const struct store_read *r,
                         size_t *ret_first, size_t *ret_end)
{
    bool there, forwards = !r->backwards && r->name.len, backwards = r->backwards && r->name.len;
    size_t first = kept_object_at(m, r->org, r->object_kind, r->prefix, &there), end = first;
    while (end < m->objects.count && is_asked(r, m->objects.items[end]))
        end++;
    size_t at = kept_object_at(m, r->org, r->object_kind, r->name, &there);
    if (forwards && at + there > first)
        first = at + there;
    if (backwards && at < end)
        end = at;
    *ret_first = first;
    *ret_end = end;
}

static bool list_objects(const struct memory_store *m, struct store_read *r, struct err *reterr)
{
    size_t first, end, capacity = 0, bytes = 0;
    object_range(m, r, &first, &end);
    while (first < end) {
        const struct kept_object *kept = m->objects.items[r->backwards ? --end : first++];
        enum page_room room = list_room(r, &bytes, kept->row.body, reterr);
        if (room != PAGE_ROOM)
            return room == PAGE_FULL;
        copy_object(r->arena, kept, store_add_object(r, &capacity));
    }
    return true;
}

static bool only_running(const struct store_read *r)
{
    return r->kind == STORE_LIST_RUNNING || r->status == EXECUTION_RUNNING;
}

/* One row looked at by a list by key. false: the page ends before it. What is not
 * RUNNING does not count in lists of what is: other stores have an index there. */
static bool list_one(struct store_read *r, const struct kept_execution *e, bool wanted,
                     size_t *looked_at, size_t *capacity)
{
    if (*looked_at == STORE_READ_SCAN_MAX || (wanted && r->count == store_rows_max(r))) {
        r->more = true;
        return false;
    }
    *looked_at += wanted || !only_running(r);
    r->next = e->row.key;
    if (wanted)
        copy_execution(r->arena, e, store_add_execution(r, capacity));
    return true;
}

static void list_executions(const struct memory_store *m, struct store_read *r)
{
    bool there;
    size_t looked_at = 0, capacity = 0;
    size_t at = r->key ? kept_execution_at(m, r->key, &there) : m->executions.count;
    while (at--) {
        const struct kept_execution *e = m->executions.items[at];
        bool wanted =
            e->org == r->org && (r->status == STORE_ANY_STATUS || (int)e->row.status == r->status);
        if (!list_one(r, e, wanted, &looked_at, &capacity))
            return;
    }
}

/* Other stores have an index here too. */
static void list_related(const struct memory_store *m, struct store_read *r)
{
    bool there;
    size_t looked_at = 0, capacity = 0, at = kept_execution_at(m, r->key, &there);
    for (at += there; at < m->executions.count; at++) {
        const struct kept_execution *e = m->executions.items[at];
        if (r->related && e->org == r->org && e->row.related == r->related &&
            !list_one(r, e, true, &looked_at, &capacity))
            return;
    }
}

static void list_running(const struct memory_store *m, struct store_read *r)
{
    bool there;
    size_t looked_at = 0, capacity = 0, at = kept_execution_at(m, r->key, &there);
    for (at += there; at < m->executions.count; at++) {
        const struct kept_execution *e = m->executions.items[at];
        bool wanted = e->org == r->org && e->row.status == EXECUTION_RUNNING &&
                      (r->shard == STORE_ANY_SHARD || e->row.shard == r->shard);
        if (!list_one(r, e, wanted, &looked_at, &capacity))
            return;
    }
}

/* Those found out of order, sorted and cut to a page. */
static void answer_sorted(struct store_read *r, struct kept_list *found,
                          int (*compare)(const void *, const void *))
{
    if (found->count)
        qsort(found->items, found->count, sizeof(*found->items), compare);
    size_t capacity = 0;
    r->more = found->count > store_rows_max(r);
    for (size_t i = 0; i < found->count && i < store_rows_max(r); i++)
        copy_execution(r->arena, found->items[i], store_add_execution(r, &capacity));
    free(found->items);
}

static int by_machine(const void *a, const void *b)
{
    const struct kept_execution *x = *(void *const *)a, *y = *(void *const *)b;
    return str_compare(x->row.machine_arn, y->row.machine_arn);
}

static void find_named(const struct memory_store *m, struct store_read *r)
{
    struct kept_list found = {0};
    for (struct kept_execution *e = kept_bucket(m, r->org, r->name); e; e = e->same_bucket)
        if (e->org == r->org && str_eq(e->row.name, r->name) &&
            (str_is_empty(r->machine_arn) || str_eq(e->row.machine_arn, r->machine_arn)))
            kept_list_insert(&found, found.count, e);
    answer_sorted(r, &found, by_machine);
}

static int by_wake(const void *a, const void *b)
{
    const struct kept_execution *x = *(void *const *)a, *y = *(void *const *)b;
    if (x->row.wake_at.ms != y->row.wake_at.ms)
        return x->row.wake_at.ms < y->row.wake_at.ms ? -1 : 1;
    return x->row.key < y->row.key ? -1 : 1;
}

static bool wakes(const struct store_read *r, const struct kept_execution *e)
{
    int64_t at = e->row.wake_at.ms;
    if (e->org != r->org || e->row.status != EXECUTION_RUNNING || at <= 0 || at > r->until.ms)
        return false;
    return at > r->since.ms || (at == r->since.ms && e->row.key > r->key);
}

static void list_wakes(const struct memory_store *m, struct store_read *r)
{
    struct kept_list found = {0};
    for (size_t i = 0; i < m->executions.count; i++)
        if (wakes(r, m->executions.items[i]))
            kept_list_insert(&found, found.count, m->executions.items[i]);
    answer_sorted(r, &found, by_wake);
}

static bool get_turns(const struct memory_store *m, struct store_read *r, struct err *reterr)
{
    const struct kept_execution *e = kept_execution_find(m, r->org, r->key);
    size_t bytes = 0, capacity = 0;
    for (uint32_t turn = r->turn; e && turn < e->row.turns; turn++) {
        const struct turn_row *kept = &e->turns[turn];
        enum page_room room = store_page_room(r, bytes, kept->body.len, reterr);
        if (room == PAGE_NEVER)
            return false;
        if (room == PAGE_FULL || r->count == store_rows_max(r)) {
            r->more = true;
            return true;
        }
        bytes += kept->body.len;
        struct turn_row *row = store_add_turn(r, &capacity);
        *row = *kept;
        row->body = arena_str(r->arena, kept->body);
    }
    return true;
}

static void count_machines(const struct memory_store *m, struct store_read *r)
{
    for (size_t i = 0; i < m->machines.count; i++) {
        const struct kept_machine *kept = m->machines.items[i];
        r->count += kept->org == r->org;
    }
}

static void count_objects(const struct memory_store *m, struct store_read *r)
{
    for (size_t i = 0; i < m->objects.count; i++) {
        const struct kept_object *kept = m->objects.items[i];
        r->count += kept->org == r->org && str_eq(kept->row.kind, r->object_kind);
    }
}

bool memory_answer(const struct memory_store *m, struct store_read *r, struct err *reterr)
{
    switch (r->kind) {
    case STORE_GET_DEFINITION:
        return get_definition(m, r, reterr);
    case STORE_GET_MACHINE:
        return get_machine(m, r, reterr);
    case STORE_GET_EXECUTION:
        return get_execution(m, r, reterr);
    case STORE_GET_SNAPSHOT:
        return get_snapshot(m, r, reterr);
    case STORE_GET_TURNS:
        return get_turns(m, r, reterr);
    case STORE_GET_OBJECT:
        return get_object(m, r, reterr);
    case STORE_LIST_MACHINES:
        return list_machines(m, r, reterr);
    case STORE_LIST_OBJECTS:
        return list_objects(m, r, reterr);
    case STORE_LIST_EXECUTIONS:
        list_executions(m, r);
        return true;
    case STORE_LIST_RELATED:
        list_related(m, r);
        return true;
    case STORE_LIST_RUNNING:
        list_running(m, r);
        return true;
    case STORE_FIND_NAMED:
        find_named(m, r);
        return true;
    case STORE_LIST_WAKES:
        list_wakes(m, r);
        return true;
    case STORE_COUNT_MACHINES:
        count_machines(m, r);
        return true;
    case STORE_COUNT_OBJECTS:
        count_objects(m, r);
        return true;
    case STORE_READ_KIND_COUNT:
        break;
    }
    UNREACHABLE("a kind of read");
}
