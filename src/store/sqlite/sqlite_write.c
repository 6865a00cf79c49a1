#include "store/sqlite/sqlite_internal.h"

/* ---- the turn that an execution goes on with ---- */

static struct next_turn *next_turn_place(struct committer *w, execution_key key)
{
    uint64_t mixed = (uint64_t)key * UINT64_C(0x9e3779b97f4a7c15);
    return &w->next_turns[mixed >> (64 - NEXT_TURNS_BITS)];
}

static void next_turn_is(struct committer *w, org_id org, execution_key key, uint64_t turn)
{
    *next_turn_place(w, key) = (struct next_turn){key, turn, org};
}

/* The journal itself is asked, so that no count has to be kept beside it; mostly it
 * was this committer that wrote the last one. */
static bool next_turn(struct committer *w, org_id org, execution_key key, uint64_t *ret_turn,
                      struct err *reterr)
{
    const struct next_turn *known = next_turn_place(w, key);
    if (known->key == key && known->org == org) {
        *ret_turn = known->turn;
        return true;
    }
    sqlite3_stmt *ask = w->connection->statements[SQL_LAST_TURN];
    bind_int(ask, 1, key);
    bind_int(ask, 2, org);
    int rc = sqlite3_step(ask);
    if (rc == SQLITE_ROW)
        *ret_turn = sqlite3_column_type(ask, 0) == SQLITE_NULL
                        ? 0
                        : (uint64_t)sqlite3_column_int64(ask, 0) + 1;
    sqlite3_reset(ask);
    if (rc == SQLITE_DONE)
        return store_err_no_execution(key, reterr);
    return rc == SQLITE_ROW ? true : sqlite_fail(w->connection, rc, reterr);
}

/* ---- the writes ---- */

/* A constraint that stands in the way means what `conflict` says; it was set
 * beforehand by whoever calls. */
static bool put(struct committer *w, sqlite3_stmt *statement, bool *ret_conflict,
                struct err *reterr)
{
    int rc = sqlite_finish(statement);
    *ret_conflict = rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_UNIQUE ||
                    rc == SQLITE_CONSTRAINT_ROWID;
    if (rc == SQLITE_DONE)
        return true;
    return *ret_conflict ? false : sqlite_fail(w->connection, rc, reterr);
}

static bool put_definition(struct committer *w, const struct store_write *write, struct err *reterr)
{
    sqlite3_stmt *put_it = w->connection->statements[SQL_PUT_DEFINITION];
    bind_int(put_it, 1, write->org);
    bind_hash(put_it, 2, write->u.definition.hash);
    bind_text(put_it, 3, write->u.definition.text);
    bind_text_or_null(put_it, 4, write->u.definition.outline);
    return sqlite_run(w->connection, SQL_PUT_DEFINITION, reterr);
}

static bool put_machine(struct committer *w, const struct store_write *write, struct err *reterr)
{
    const struct machine_row *row = &write->u.machine;
    sqlite3_stmt *put_it = w->connection->statements[SQL_PUT_MACHINE];
    bind_int(put_it, 1, write->org);
    bind_text(put_it, 2, row->name);
    bind_text(put_it, 3, row->arn);
    bind_hash(put_it, 4, row->definition);
    bind_int(put_it, 5, row->created_at.ms);
    bind_int(put_it, 6, row->updated_at.ms);
    bind_text_or_null(put_it, 7, row->body);
    return sqlite_run(w->connection, SQL_PUT_MACHINE, reterr);
}

/* How many rows the statement has changed. */
static bool run_counted(struct committer *w, enum sql which, int *ret_changes, struct err *reterr)
{
    if (!sqlite_run(w->connection, which, reterr))
        return false;
    *ret_changes = sqlite3_changes(w->connection->db);
    return true;
}

static bool delete_machine(struct committer *w, const struct store_write *write, struct err *reterr)
{
    sqlite3_stmt *delete_it = w->connection->statements[SQL_DELETE_MACHINE];
    int changes;
    bind_int(delete_it, 1, write->org);
    bind_text(delete_it, 2, write->u.machine_name);
    if (!run_counted(w, SQL_DELETE_MACHINE, &changes, reterr))
        return false;
    return changes == 1 ? true : store_err_no_machine(write->u.machine_name, reterr);
}

/* ---- objects ---- */

static void bind_object(sqlite3_stmt *statement, const struct store_write *write)
{
    bind_int(statement, 1, write->org);
    bind_text(statement, 2, write->u.object.kind);
    bind_text(statement, 3, write->u.object.name);
}

/* Why nothing changed: it is gone, or at another revision. */
static bool wrong_revision(struct committer *w, const struct store_write *write, struct err *reterr)
{
    const struct object_row *row = &write->u.object;
    sqlite3_stmt *ask = w->connection->statements[SQL_OBJECT_REVISION];
    bind_object(ask, write);
    int rc = sqlite3_step(ask);
    uint64_t current = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(ask, 0) : 0;
    sqlite3_reset(ask);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return sqlite_fail(w->connection, rc, reterr);
    if (write->kind == STORE_DELETE_OBJECT && current == 0)
        return store_err_no_object(row->kind, row->name, reterr);
    return store_err_wrong_revision(row, current, reterr);
}

static bool put_object(struct committer *w, const struct store_write *write, struct err *reterr)
{
    const struct object_row *row = &write->u.object;
    enum sql which = row->revision ? SQL_REPLACE_OBJECT : SQL_PUT_OBJECT;
    sqlite3_stmt *put_it = w->connection->statements[which];
    int changes;
    bind_object(put_it, write);
    bind_text(put_it, 4, row->body);
    bind_int(put_it, 5, row->revision ? (int64_t)row->revision : row->created_at.ms);
    if (!run_counted(w, which, &changes, reterr))
        return false;
    return changes == 1 ? true : wrong_revision(w, write, reterr);
}

static bool delete_object(struct committer *w, const struct store_write *write, struct err *reterr)
{
    sqlite3_stmt *delete_it = w->connection->statements[SQL_DELETE_OBJECT];
    int changes;
    bind_object(delete_it, write);
    bind_int(delete_it, 4, (int64_t)write->u.object.revision);
    if (!run_counted(w, SQL_DELETE_OBJECT, &changes, reterr))
        return false;
    return changes == 1 ? true : wrong_revision(w, write, reterr);
}

/* ---- executions ---- */

static bool put_name(struct committer *w, const struct store_write *write, struct err *reterr)
{
    const struct execution_row *row = &write->u.start;
    if (!row->client_named)
        return true;
    sqlite3_stmt *put_it = w->connection->statements[SQL_PUT_NAME];
    bind_int(put_it, 1, write->org);
    bind_text(put_it, 2, row->name);
    bind_text(put_it, 3, row->machine_arn);
    bind_int(put_it, 4, row->key);
    bool conflict;
    if (put(w, put_it, &conflict, reterr))
        return true;
    return conflict ? store_err_name_taken(row, reterr) : false;
}

static bool start(struct committer *w, const struct store_write *write, struct err *reterr)
{
    if (!put_name(w, write, reterr))
        return false;
    const struct execution_row *row = &write->u.start;
    sqlite3_stmt *put_it = w->connection->statements[SQL_PUT_EXECUTION];
    char id[UUID_TEXT_LEN];
    uuid_format(row->id, id);
    bind_int(put_it, 1, row->key);
    bind_int(put_it, 2, write->org);
    bind_text(put_it, 3, str_of_cstr(execution_status_name(row->status)));
    bind_int(put_it, 4, row->shard);
    bind_text(put_it, 5, str_of(id, sizeof(id)));
    if (row->client_named || row->express)
        bind_text(put_it, 6, row->name);
    else
        sqlite3_bind_null(put_it, 6);
    bind_text(put_it, 7, row->arn);
    bind_text(put_it, 8, row->machine_arn);
    bind_text(put_it, 9, row->machine_name);
    bind_hash(put_it, 10, row->definition);
    bind_int(put_it, 11, row->started_at.ms);
    bind_int_or_null(put_it, 12, row->stopped_at.ms);
    bind_int_or_null(put_it, 13, row->wake_at.ms);
    bind_int_or_null(put_it, 14, row->parent);
    bind_int_or_null(put_it, 15, row->parent_task);
    bind_int_or_null(put_it, 16, row->map_run);
    bind_text_or_null(put_it, 17, row->role_arn);
    bind_text_or_null(put_it, 18, row->origin);
    bind_int_or_null(put_it, 19, row->express);
    bind_int_or_null(put_it, 20, row->redrive_count);
    bind_int_or_null(put_it, 21, row->redriven_at.ms);
    bind_int_or_null(put_it, 22, row->related);
    bind_text_or_null(put_it, 23, str_of_cstr(execution_relation_name(row->relation)));
    bool conflict;
    if (!put(w, put_it, &conflict, reterr))
        return conflict ? store_err_key_taken(row->key, reterr) : false;
    next_turn_is(w, write->org, row->key, 0);
    return true;
}

static bool append_turn(struct committer *w, const struct store_write *write, struct err *reterr)
{
    const struct turn_row *row = &write->u.turn;
    uint64_t expected = 0;
    if (!next_turn(w, write->org, row->key, &expected, reterr))
        return false;
    if (row->turn != expected)
        return store_err_wrong_turn(row, expected, reterr);
    sqlite3_stmt *put_it = w->connection->statements[SQL_PUT_TURN];
    bind_int(put_it, 1, row->key);
    bind_int(put_it, 2, row->turn);
    bind_int(put_it, 3, write->org);
    bind_int(put_it, 4, row->rules_version);
    bind_int(put_it, 5, row->cause);
    bind_int(put_it, 6, row->at.ms);
    bind_int(put_it, 7, (int64_t)row->checksum);
    bind_text(put_it, 8, row->body);
    if (!sqlite_run(w->connection, SQL_PUT_TURN, reterr))
        return false;
    next_turn_is(w, write->org, row->key, expected + 1);
    return true;
}

static bool set_progress(struct committer *w, const struct store_write *write, struct err *reterr)
{
    bool redriven = write->u.progress.redriven_at.ms != 0;
    enum sql which = redriven ? SQL_SET_REDRIVEN : SQL_SET_PROGRESS;
    sqlite3_stmt *set = w->connection->statements[which];
    bind_int(set, 1, write->u.progress.key);
    bind_int(set, 2, write->org);
    bind_text(set, 3, str_of_cstr(execution_status_name(write->u.progress.status)));
    bind_int_or_null(set, 4, write->u.progress.stopped_at.ms);
    bind_int_or_null(set, 5, write->u.progress.wake_at.ms);
    if (redriven) {
        bind_int(set, 6, write->u.progress.redrive_count);
        bind_int(set, 7, write->u.progress.redriven_at.ms);
    }
    if (!sqlite_run(w->connection, which, reterr))
        return false;
    return sqlite3_changes(w->connection->db) == 1
               ? true
               : store_err_no_execution(write->u.progress.key, reterr);
}

static bool put_snapshot(struct committer *w, const struct store_write *write, struct err *reterr)
{
    const struct snapshot_row *row = &write->u.snapshot;
    uint64_t ignored;
    if (!next_turn(w, write->org, row->key, &ignored, reterr))
        return false;
    sqlite3_stmt *put_it = w->connection->statements[SQL_PUT_SNAPSHOT];
    bind_int(put_it, 1, row->key);
    bind_int(put_it, 2, write->org);
    bind_int(put_it, 3, row->turn);
    bind_int(put_it, 4, (int64_t)row->checksum);
    bind_text(put_it, 5, row->body);
    return sqlite_run(w->connection, SQL_PUT_SNAPSHOT, reterr);
}

bool committer_write(struct committer *w, const struct store_write *write, struct err *reterr)
{
    switch (write->kind) {
    case STORE_PUT_DEFINITION:
        return put_definition(w, write, reterr);
    case STORE_PUT_MACHINE:
        return put_machine(w, write, reterr);
    case STORE_START:
        return start(w, write, reterr);
    case STORE_APPEND_TURN:
        return append_turn(w, write, reterr);
    case STORE_SET_PROGRESS:
        return set_progress(w, write, reterr);
    case STORE_PUT_SNAPSHOT:
        return put_snapshot(w, write, reterr);
    case STORE_DELETE_MACHINE:
        return delete_machine(w, write, reterr);
    case STORE_PUT_OBJECT:
        return put_object(w, write, reterr);
    case STORE_DELETE_OBJECT:
        return delete_object(w, write, reterr);
    }
    UNREACHABLE("a kind of write");
}
