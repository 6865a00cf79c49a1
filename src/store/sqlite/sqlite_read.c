#include "store/sqlite/sqlite_internal.h"

/* A statement is always reset before its read is answered, so that no read
 * transaction outlives its read. */

/* ---- errors that name the place ---- */

static bool bad_execution(const struct connection *c, execution_key key, const char *column,
                          struct err *reterr)
{
    return err_set(reterr, ERR_CORRUPT,
                   "the store %s: execution %lld is damaged (table execution, column %s)", c->path,
                   (long long)key, column);
}

static bool bad_turn(const struct connection *c, const struct store_read *r, uint32_t turn,
                     const char *column, struct err *reterr)
{
    return err_set(reterr, ERR_CORRUPT,
                   "the store %s: turn %u of execution %lld is damaged (table journal, column %s)",
                   c->path, turn, (long long)r->key, column);
}

/* What sqlite3_step answered, when it is an error. */
static bool step_failed(const struct connection *c, int rc, const struct store_read *r,
                        struct err *reterr)
{
    sqlite_fail(c, rc, reterr);
    if (r->kind == STORE_GET_TURNS)
        err_context(reterr, "execution %lld, turn %zu", (long long)r->key, r->turn + r->count);
    else if (r->kind == STORE_GET_EXECUTION || r->kind == STORE_GET_SNAPSHOT)
        err_context(reterr, "execution %lld", (long long)r->key);
    return false;
}

/* ---- definitions and machines ---- */

static bool get_definition(struct connection *c, struct store_read *r, struct err *reterr)
{
    sqlite3_stmt *get = c->statements[SQL_GET_DEFINITION];
    bind_int(get, 1, r->org);
    bind_hash(get, 2, r->hash);
    int rc = sqlite3_step(get);
    if (rc == SQLITE_DONE)
        return store_err_no_definition(r->hash, reterr);
    if (rc != SQLITE_ROW)
        return step_failed(c, rc, r, reterr);
    struct row row = {.statement = get, .arena = r->arena};
    struct str text = row_body(&row, 0);
    if (row.bad)
        return err_set(reterr, ERR_CORRUPT, "the store %s: a definition is damaged", c->path);
    if (store_page_room(r, 0, text.len, reterr) != PAGE_ROOM)
        return false;
    r->text = arena_str(r->arena, text);
    r->found = true;
    return true;
}

/* Copies a borrowed body when it fits in the page. False: the page ends before this row,
 * or *ret_ok is false. */
static bool keep_body(struct store_read *r, size_t *bytes, struct str *body, bool *ret_ok,
                      struct err *reterr)
{
    r->count--; /* the row itself is there already */
    enum page_room room = store_page_room(r, *bytes, body->len, reterr);
    *ret_ok = room != PAGE_NEVER;
    r->more = room == PAGE_FULL;
    if (room != PAGE_ROOM)
        return false;
    r->count++;
    *bytes += body->len;
    *body = arena_str(r->arena, *body);
    return true;
}

/* False as keep_body. */
static bool take_machine(const struct connection *c, struct store_read *r, sqlite3_stmt *get,
                         size_t *capacity, size_t *bytes, bool *ret_ok, struct err *reterr)
{
    struct row row = {.statement = get, .arena = r->arena};
    struct machine_row *machine = store_add_machine(r, capacity);
    row_machine(&row, machine);
    if (!row.bad)
        return keep_body(r, bytes, &machine->body, ret_ok, reterr);
    *ret_ok = false;
    return err_set(reterr, ERR_CORRUPT,
                   "the store %s: the state machine " STR_FMT
                   " is damaged (table machine, column %s)",
                   c->path, STR_ARG(machine->name), row.bad);
}

static bool take_object(const struct connection *c, struct store_read *r, sqlite3_stmt *get,
                        size_t *capacity, size_t *bytes, bool *ret_ok, struct err *reterr)
{
    struct row row = {.statement = get, .arena = r->arena};
    struct object_row *object = store_add_object(r, capacity);
    row_object(&row, object);
    if (!row.bad)
        return keep_body(r, bytes, &object->body, ret_ok, reterr);
    *ret_ok = false;
    return err_set(reterr, ERR_CORRUPT,
                   "the store %s: the " STR_FMT " " STR_FMT " is damaged (table object, column %s)",
                   c->path, STR_ARG(object->kind), STR_ARG(object->name), row.bad);
}

typedef bool take_row(const struct connection *c, struct store_read *r, sqlite3_stmt *get,
                      size_t *capacity, size_t *bytes, bool *ret_ok, struct err *reterr);

/* A page of rows with bodies. */
static bool take_page(struct connection *c, struct store_read *r, sqlite3_stmt *list,
                      take_row *take, struct err *reterr)
{
    size_t capacity = 0, bytes = 0;
    bool ok = true;
    int rc;
    while ((rc = sqlite3_step(list)) == SQLITE_ROW) {
        r->more = r->count == store_rows_max(r);
        if (r->more || !take(c, r, list, &capacity, &bytes, &ok, reterr))
            return ok;
    }
    return rc == SQLITE_DONE ? true : step_failed(c, rc, r, reterr);
}

static bool get_machine(struct connection *c, struct store_read *r, struct err *reterr)
{
    sqlite3_stmt *get = c->statements[SQL_GET_MACHINE];
    bind_int(get, 1, r->org);
    bind_text(get, 2, r->name);
    if (!take_page(c, r, get, take_machine, reterr))
        return false;
    r->found = r->count == 1;
    return r->found ? true : store_err_no_machine(r->name, reterr);
}

static bool list_machines(struct connection *c, struct store_read *r, struct err *reterr)
{
    sqlite3_stmt *list = c->statements[SQL_LIST_MACHINES];
    bind_int(list, 1, r->org);
    bind_text(list, 2, r->name);
    return take_page(c, r, list, take_machine, reterr);
}

static bool get_object(struct connection *c, struct store_read *r, struct err *reterr)
{
    sqlite3_stmt *get = c->statements[SQL_GET_OBJECT];
    bind_int(get, 1, r->org);
    bind_text(get, 2, r->object_kind);
    bind_text(get, 3, r->name);
    if (!take_page(c, r, get, take_object, reterr))
        return false;
    r->found = r->count == 1;
    return r->found ? true : store_err_no_object(r->object_kind, r->name, reterr);
}

/* No UTF-8 has the byte 0xff: behind a prefix it is behind all that begins with it. */
static struct str behind(struct arena *a, struct str prefix)
{
    return arena_printf(a, STR_FMT "\xff", STR_ARG(prefix));
}

static bool list_objects(struct connection *c, struct store_read *r, struct err *reterr)
{
    enum sql which = r->backwards ? SQL_LIST_OBJECTS_BACK : SQL_LIST_OBJECTS;
    sqlite3_stmt *list = c->statements[which];
    struct str end = behind(r->arena, r->prefix);
    bind_int(list, 1, r->org);
    bind_text(list, 2, r->object_kind);
    bind_text(list, 3, r->prefix);
    bind_text(list, 4, r->backwards && r->name.len == 0 ? end : r->name);
    bind_text(list, 5, end);
    bool ok = take_page(c, r, list, take_object, reterr);
    sqlite3_reset(list);
    return ok;
}

/* ---- counts ---- */

static bool count_rows(struct connection *c, struct store_read *r, sqlite3_stmt *count,
                       struct err *reterr)
{
    int rc = sqlite3_step(count);
    if (rc != SQLITE_ROW)
        return step_failed(c, rc, r, reterr);
    r->count = (size_t)sqlite3_column_int64(count, 0);
    return true;
}

static bool count_machines(struct connection *c, struct store_read *r, struct err *reterr)
{
    sqlite3_stmt *count = c->statements[SQL_COUNT_MACHINES];
    bind_int(count, 1, r->org);
    return count_rows(c, r, count, reterr);
}

static bool count_objects(struct connection *c, struct store_read *r, struct err *reterr)
{
    sqlite3_stmt *count = c->statements[SQL_COUNT_OBJECTS];
    bind_int(count, 1, r->org);
    bind_text(count, 2, r->object_kind);
    return count_rows(c, r, count, reterr);
}

/* ---- executions ---- */

/* Asked only of rows that go into the answer, inside the same read transaction. */
static bool count_turns(struct connection *c, struct store_read *r, struct execution_row *to,
                        struct err *reterr)
{
    sqlite3_stmt *ask = c->statements[SQL_LAST_TURN];
    bind_int(ask, 1, to->key);
    bind_int(ask, 2, r->org);
    int rc = sqlite3_step(ask);
    struct row row = {.statement = ask};
    if (rc == SQLITE_ROW && sqlite3_column_type(ask, 0) != SQLITE_NULL)
        to->turns = (uint32_t)row_int(&row, 0, 0, UINT32_MAX - 1) + 1;
    sqlite3_reset(ask);
    if (row.bad)
        return bad_execution(c, to->key, "turn of journal", reterr);
    if (rc == SQLITE_ROW)
        return true;
    sqlite_fail(c, rc == SQLITE_DONE ? SQLITE_CORRUPT : rc, reterr);
    err_context(reterr, "execution %lld", (long long)to->key);
    return false;
}

static bool take_execution(struct connection *c, struct store_read *r, sqlite3_stmt *get,
                           size_t *capacity, struct err *reterr)
{
    struct row row = {.statement = get, .arena = r->arena};
    struct execution_row *to = store_add_execution(r, capacity);
    row_execution(&row, to);
    if (row.bad)
        return bad_execution(c, to->key, row.bad, reterr);
    return count_turns(c, r, to, reterr);
}

static bool get_by_key(struct connection *c, struct store_read *r, execution_key key,
                       size_t *capacity, struct err *reterr)
{
    sqlite3_stmt *get = c->statements[SQL_GET_EXECUTION];
    bind_int(get, 1, key);
    int rc = sqlite3_step(get);
    bool ok;
    struct row row = {.statement = get};
    if (rc == SQLITE_ROW && row_matches(&row, r))
        ok = take_execution(c, r, get, capacity, reterr);
    else if (row.bad)
        ok = bad_execution(c, key, row.bad, reterr);
    else if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        ok = store_err_no_execution(key, reterr);
    else
        ok = step_failed(c, rc, r, reterr);
    sqlite3_reset(get);
    return ok;
}

static bool get_execution(struct connection *c, struct store_read *r, struct err *reterr)
{
    size_t capacity = 0;
    r->found = get_by_key(c, r, r->key, &capacity, reterr);
    return r->found;
}

static bool find_named(struct connection *c, struct store_read *r, struct err *reterr)
{
    sqlite3_stmt *find = c->statements[SQL_FIND_NAMED];
    bind_int(find, 1, r->org);
    bind_text(find, 2, r->name);
    bind_text(find, 3, r->machine_arn);
    size_t capacity = 0;
    int rc;
    while ((rc = sqlite3_step(find)) == SQLITE_ROW) {
        if (r->count == store_rows_max(r)) {
            r->more = true;
            return true;
        }
        struct row row = {.statement = find};
        execution_key key = row_int(&row, 0, 1, INT64_MAX);
        if (get_by_key(c, r, key, &capacity, reterr))
            continue;
        if (reterr->code == ERR_NOT_FOUND)
            bad_execution(c, key, "execution of execution_name", reterr);
        return false;
    }
    return rc == SQLITE_DONE ? true : step_failed(c, rc, r, reterr);
}

/* A list by key looks at no more than STORE_READ_SCAN_MAX rows. `next` always
 * stands at the row looked at last: also after an error, so that whoever lists
 * can go on behind a damaged row. */
static bool list_by_key(struct connection *c, struct store_read *r, sqlite3_stmt *list,
                        struct err *reterr)
{
    size_t capacity = 0, looked_at = 0;
    int rc;
    while ((rc = sqlite3_step(list)) == SQLITE_ROW) {
        struct row row = {.statement = list};
        execution_key key = row_int(&row, 0, INT64_MIN, INT64_MAX);
        bool matches = row_matches(&row, r);
        if (looked_at++ == STORE_READ_SCAN_MAX || (matches && r->count == store_rows_max(r))) {
            r->more = true;
            return true;
        }
        r->next = key;
        if (row.bad)
            return bad_execution(c, key, row.bad, reterr);
        if (matches && !take_execution(c, r, list, &capacity, reterr))
            return false;
    }
    return rc == SQLITE_DONE ? true : step_failed(c, rc, r, reterr);
}

/* Only RUNNING has an index. */
static bool list_newest_running(struct connection *c, struct store_read *r, struct err *reterr)
{
    sqlite3_stmt *list = c->statements[SQL_LIST_RUNNING_NEWEST];
    bind_int(list, 1, r->org);
    bind_int(list, 2, r->key ? r->key : INT64_MAX);
    bool ok = list_by_key(c, r, list, reterr);
    sqlite3_reset(list);
    return ok;
}

static bool list_executions(struct connection *c, struct store_read *r, struct err *reterr)
{
    if (r->status == EXECUTION_RUNNING)
        return list_newest_running(c, r, reterr);
    sqlite3_stmt *list = c->statements[SQL_LIST_EXECUTIONS];
    bind_int(list, 1, r->key ? r->key : INT64_MAX);
    return list_by_key(c, r, list, reterr);
}

static bool list_running(struct connection *c, struct store_read *r, struct err *reterr)
{
    sqlite3_stmt *list = c->statements[SQL_LIST_RUNNING];
    bind_int(list, 1, r->org);
    bind_int(list, 2, r->key);
    return list_by_key(c, r, list, reterr);
}

static bool list_related(struct connection *c, struct store_read *r, struct err *reterr)
{
    sqlite3_stmt *list = c->statements[SQL_LIST_RELATED];
    bind_int(list, 1, r->related);
    bind_int(list, 2, r->key);
    return list_by_key(c, r, list, reterr);
}

static bool list_wakes(struct connection *c, struct store_read *r, struct err *reterr)
{
    sqlite3_stmt *list = c->statements[SQL_LIST_WAKES];
    bind_int(list, 1, r->org);
    bind_int(list, 2, r->since.ms > 0 ? r->since.ms : 0);
    bind_int(list, 3, r->since.ms > 0 ? r->key : INT64_MAX);
    bind_int(list, 4, r->until.ms);
    return list_by_key(c, r, list, reterr);
}

/* ---- turns and snapshots ---- */

static bool take_turn(const struct connection *c, struct store_read *r, struct row *row,
                      struct turn_row *to, struct err *reterr)
{
    uint32_t expected = r->turn + (uint32_t)(r->count - 1);
    to->key = r->key;
    to->turn = (uint32_t)row_int(row, 0, 0, UINT32_MAX);
    to->rules_version = (uint16_t)row_int(row, 1, 0, UINT16_MAX);
    to->cause = (uint8_t)row_int(row, 2, 0, UINT8_MAX);
    to->at.ms = row_int(row, 3, INT64_MIN, INT64_MAX);
    to->checksum = (uint64_t)row_int(row, 4, INT64_MIN, INT64_MAX);
    if (row->bad)
        return bad_turn(c, r, expected, row->bad, reterr);
    if (to->turn != expected)
        return err_set(reterr, ERR_CORRUPT,
                       "the store %s: turn %u of execution %lld is missing (table journal)",
                       c->path, expected, (long long)r->key);
    return true;
}

static bool get_turns(struct connection *c, struct store_read *r, struct err *reterr)
{
    sqlite3_stmt *get = c->statements[SQL_GET_TURNS];
    bind_int(get, 1, r->key);
    bind_int(get, 2, r->org);
    bind_int(get, 3, r->turn);
    size_t capacity = 0, bytes = 0;
    int rc;
    while ((rc = sqlite3_step(get)) == SQLITE_ROW) {
        struct row row = {.statement = get, .arena = r->arena};
        struct str body = row_body(&row, 5);
        if (row.bad)
            return bad_turn(c, r, r->turn + (uint32_t)r->count, row.bad, reterr);
        enum page_room room = store_page_room(r, bytes, body.len, reterr);
        if (room == PAGE_NEVER)
            return false;
        if (room == PAGE_FULL || r->count == store_rows_max(r)) {
            r->more = true;
            return true;
        }
        bytes += body.len;
        struct turn_row *to = store_add_turn(r, &capacity);
        if (!take_turn(c, r, &row, to, reterr))
            return false;
        to->body = arena_str(r->arena, body);
    }
    return rc == SQLITE_DONE ? true : step_failed(c, rc, r, reterr);
}

static bool get_snapshot(struct connection *c, struct store_read *r, struct err *reterr)
{
    sqlite3_stmt *get = c->statements[SQL_GET_SNAPSHOT];
    bind_int(get, 1, r->key);
    bind_int(get, 2, r->org);
    int rc = sqlite3_step(get);
    if (rc == SQLITE_DONE)
        return true;
    if (rc != SQLITE_ROW)
        return step_failed(c, rc, r, reterr);
    struct row row = {.statement = get, .arena = r->arena};
    struct snapshot_row *to = &r->snapshot;
    to->key = r->key;
    to->turn = (uint32_t)row_int(&row, 0, 0, UINT32_MAX);
    to->checksum = (uint64_t)row_int(&row, 1, INT64_MIN, INT64_MAX);
    struct str body = row_body(&row, 2);
    if (row.bad)
        return err_set(reterr, ERR_CORRUPT,
                       "the store %s: the snapshot of execution %lld is damaged (table snapshot, "
                       "column %s); it may be deleted",
                       c->path, (long long)r->key, row.bad);
    if (store_page_room(r, 0, body.len, reterr) != PAGE_ROOM)
        return false;
    to->body = arena_str(r->arena, body);
    r->found = true;
    return true;
}

/* ---- answering ---- */

static const struct {
    enum sql statement;
    bool (*answer)(struct connection *c, struct store_read *r, struct err *reterr);
} answers[] = {
    [STORE_GET_DEFINITION] = {SQL_GET_DEFINITION, get_definition},
    [STORE_GET_MACHINE] = {SQL_GET_MACHINE, get_machine},
    [STORE_LIST_MACHINES] = {SQL_LIST_MACHINES, list_machines},
    [STORE_GET_EXECUTION] = {SQL_GET_EXECUTION, get_execution},
    [STORE_FIND_NAMED] = {SQL_FIND_NAMED, find_named},
    [STORE_LIST_EXECUTIONS] = {SQL_LIST_EXECUTIONS, list_executions},
    [STORE_LIST_WAKES] = {SQL_LIST_WAKES, list_wakes},
    [STORE_LIST_RUNNING] = {SQL_LIST_RUNNING, list_running},
    [STORE_LIST_RELATED] = {SQL_LIST_RELATED, list_related},
    [STORE_GET_TURNS] = {SQL_GET_TURNS, get_turns},
    [STORE_GET_SNAPSHOT] = {SQL_GET_SNAPSHOT, get_snapshot},
    [STORE_GET_OBJECT] = {SQL_GET_OBJECT, get_object},
    [STORE_LIST_OBJECTS] = {SQL_LIST_OBJECTS, list_objects},
    [STORE_COUNT_MACHINES] = {SQL_COUNT_MACHINES, count_machines},
    [STORE_COUNT_OBJECTS] = {SQL_COUNT_OBJECTS, count_objects},
};

bool reader_answer(struct connection *c, struct store_read *r, struct err *reterr)
{
    ASSERT((size_t)r->kind < COUNT_OF(answers));
    store_read_reset(r);
    bool ok = answers[r->kind].answer(c, r, reterr);
    sqlite3_reset(c->statements[answers[r->kind].statement]);
    ok = ok && connection_check_unchanged(c, reterr);
    if (!ok) {
        execution_key reached = r->next;
        store_read_reset(r);
        r->next = reached;
    }
    return ok;
}
