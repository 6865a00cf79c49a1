#include "store/sqlite/sqlite_internal.h"

/* ---- the six writes ---- */

/* A constraint that stands in the way means what `conflict` says; it was set
 * beforehand by whoever calls. */
static bool put(const struct sqlite_store *s, sqlite3_stmt *statement, bool *ret_conflict,
                struct err *reterr)
{
    int rc = sqlite_finish(statement);
    *ret_conflict = rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_UNIQUE ||
                    rc == SQLITE_CONSTRAINT_ROWID;
    if (rc == SQLITE_DONE)
        return true;
    return *ret_conflict ? false : sqlite_fail(s, rc, reterr);
}

static bool put_definition(struct sqlite_store *s, const struct store_write *w, struct err *reterr)
{
    sqlite3_stmt *put_it = s->statements[SQL_PUT_DEFINITION];
    bind_int(put_it, 1, w->org);
    bind_hash(put_it, 2, w->u.definition.hash);
    bind_text(put_it, 3, w->u.definition.text);
    return sqlite_run(s, SQL_PUT_DEFINITION, reterr);
}

static bool put_machine(struct sqlite_store *s, const struct store_write *w, struct err *reterr)
{
    const struct machine_row *row = &w->u.machine;
    sqlite3_stmt *put_it = s->statements[SQL_PUT_MACHINE];
    bind_int(put_it, 1, w->org);
    bind_text(put_it, 2, row->name);
    bind_text(put_it, 3, row->arn);
    bind_hash(put_it, 4, row->definition);
    bind_int(put_it, 5, row->created_at.ms);
    bind_int(put_it, 6, row->updated_at.ms);
    return sqlite_run(s, SQL_PUT_MACHINE, reterr);
}

static bool put_name(struct sqlite_store *s, const struct store_write *w, struct err *reterr)
{
    const struct execution_row *row = &w->u.start;
    if (!row->client_named)
        return true;
    sqlite3_stmt *put_it = s->statements[SQL_PUT_NAME];
    bind_int(put_it, 1, w->org);
    bind_text(put_it, 2, row->name);
    bind_text(put_it, 3, row->machine_arn);
    bind_int(put_it, 4, row->key);
    bool conflict;
    if (put(s, put_it, &conflict, reterr))
        return true;
    return conflict ? store_err_name_taken(row, reterr) : false;
}

static bool start(struct sqlite_store *s, const struct store_write *w, struct err *reterr)
{
    if (!put_name(s, w, reterr))
        return false;
    const struct execution_row *row = &w->u.start;
    sqlite3_stmt *put_it = s->statements[SQL_PUT_EXECUTION];
    char id[UUID_TEXT_LEN];
    uuid_format(row->id, id);
    bind_int(put_it, 1, row->key);
    bind_int(put_it, 2, w->org);
    bind_text(put_it, 3, str_of_cstr(execution_status_name(row->status)));
    bind_int(put_it, 4, row->shard);
    bind_text(put_it, 5, str_of(id, sizeof(id)));
    if (row->client_named)
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
    bool conflict;
    if (put(s, put_it, &conflict, reterr))
        return true;
    return conflict ? store_err_key_taken(row->key, reterr) : false;
}

/* The turn that an execution of this organization goes on with: the journal
 * itself is asked, so that no count has to be kept beside it. */
static bool next_turn(struct sqlite_store *s, org_id org, execution_key key, uint64_t *ret_turn,
                      struct err *reterr)
{
    sqlite3_stmt *ask = s->statements[SQL_LAST_TURN];
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
    return rc == SQLITE_ROW ? true : sqlite_fail(s, rc, reterr);
}

static bool append_turn(struct sqlite_store *s, const struct store_write *w, struct err *reterr)
{
    const struct turn_row *row = &w->u.turn;
    uint64_t expected = 0;
    if (!next_turn(s, w->org, row->key, &expected, reterr))
        return false;
    if (row->turn != expected)
        return store_err_wrong_turn(row, expected, reterr);
    sqlite3_stmt *put_it = s->statements[SQL_PUT_TURN];
    bind_int(put_it, 1, row->key);
    bind_int(put_it, 2, row->turn);
    bind_int(put_it, 3, w->org);
    bind_int(put_it, 4, row->rules_version);
    bind_int(put_it, 5, row->cause);
    bind_int(put_it, 6, row->at.ms);
    bind_int(put_it, 7, (int64_t)row->checksum);
    bind_text(put_it, 8, row->body);
    return sqlite_run(s, SQL_PUT_TURN, reterr);
}

static bool set_progress(struct sqlite_store *s, const struct store_write *w, struct err *reterr)
{
    sqlite3_stmt *set = s->statements[SQL_SET_PROGRESS];
    bind_int(set, 1, w->u.progress.key);
    bind_int(set, 2, w->org);
    bind_text(set, 3, str_of_cstr(execution_status_name(w->u.progress.status)));
    bind_int_or_null(set, 4, w->u.progress.stopped_at.ms);
    bind_int_or_null(set, 5, w->u.progress.wake_at.ms);
    if (!sqlite_run(s, SQL_SET_PROGRESS, reterr))
        return false;
    return sqlite3_changes(s->db) == 1 ? true : store_err_no_execution(w->u.progress.key, reterr);
}

static bool put_snapshot(struct sqlite_store *s, const struct store_write *w, struct err *reterr)
{
    const struct snapshot_row *row = &w->u.snapshot;
    uint64_t ignored;
    if (!next_turn(s, w->org, row->key, &ignored, reterr))
        return false;
    sqlite3_stmt *put_it = s->statements[SQL_PUT_SNAPSHOT];
    bind_int(put_it, 1, row->key);
    bind_int(put_it, 2, w->org);
    bind_int(put_it, 3, row->turn);
    bind_int(put_it, 4, (int64_t)row->checksum);
    bind_text(put_it, 5, row->body);
    return sqlite_run(s, SQL_PUT_SNAPSHOT, reterr);
}

static bool apply_write(struct sqlite_store *s, const struct store_write *w, struct err *reterr)
{
    switch (w->kind) {
    case STORE_PUT_DEFINITION:
        return put_definition(s, w, reterr);
    case STORE_PUT_MACHINE:
        return put_machine(s, w, reterr);
    case STORE_START:
        return start(s, w, reterr);
    case STORE_APPEND_TURN:
        return append_turn(s, w, reterr);
    case STORE_SET_PROGRESS:
        return set_progress(s, w, reterr);
    case STORE_PUT_SNAPSHOT:
        return put_snapshot(s, w, reterr);
    }
    UNREACHABLE("a kind of write");
}

/* ---- one commit ---- */

static bool check_epoch(struct sqlite_store *s, const struct store_commit *c, struct err *reterr)
{
    sqlite3_stmt *ask = s->statements[SQL_EPOCH];
    bind_int(ask, 1, c->shard);
    int rc = sqlite3_step(ask);
    uint64_t current = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(ask, 0) : 0;
    sqlite3_reset(ask);
    if (rc == SQLITE_DONE)
        return err_set(reterr, ERR_CORRUPT, "the store %s has lost its shard %u", s->path,
                       c->shard);
    if (rc != SQLITE_ROW)
        return sqlite_fail(s, rc, reterr);
    return c->epoch == current ? true : store_err_stale(c->shard, c->epoch, current, reterr);
}

static bool apply(struct sqlite_store *s, const struct store_commit *c, struct err *reterr)
{
    if (!check_epoch(s, c, reterr))
        return false;
    for (size_t i = 0; i < c->count; i++)
        if (!apply_write(s, &c->writes[i], reterr))
            return false;
    return true;
}

/* Savepoints cost nothing that could be measured: docs/adr/0005-store.md. */
static bool apply_alone(struct sqlite_store *s, const struct store_commit *c, struct err *reterr)
{
    if (!store_check_commit(c, reterr) || !sqlite_run(s, SQL_SAVEPOINT, reterr))
        return false;
    bool ok = apply(s, c, reterr);
    if (!ok && !sqlite3_get_autocommit(s->db) && !sqlite_run(s, SQL_ROLLBACK_TO, reterr))
        return false;
    if (!sqlite3_get_autocommit(s->db) && !sqlite_run(s, SQL_RELEASE, reterr))
        return false;
    return ok;
}

/* ---- a batch ---- */

static bool spoils_batch(const struct sqlite_store *s, const struct err *err)
{
    return err->code == ERR_DISK_FULL || err->code == ERR_PERMISSION || err->code == ERR_BUSY ||
           err->code == ERR_IO || sqlite3_get_autocommit(s->db);
}

static size_t body_size(const struct store_commit *c)
{
    size_t size = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct store_write *w = &c->writes[i];
        if (w->kind == STORE_APPEND_TURN)
            size += w->u.turn.body.len;
        else if (w->kind == STORE_PUT_SNAPSHOT)
            size += w->u.snapshot.body.len;
        else if (w->kind == STORE_PUT_DEFINITION)
            size += w->u.definition.text.len;
    }
    return size;
}

static void gather(struct sqlite_store *s)
{
    s->batch_count = 0;
    size_t size = 0;
    while (s->batch_count < SQLITE_STORE_BATCH_COMMITS_MAX && size < SQLITE_STORE_BATCH_SIZE_MAX) {
        struct store_commit *c = store_take_commit(&s->base);
        if (!c)
            break;
        size += body_size(c);
        s->refused[s->batch_count] = NULL;
        s->batch[s->batch_count++] = c;
    }
}

static bool transact(struct sqlite_store *s, struct err *reterr)
{
    if (sqlite3_db_readonly(s->db, "main")) /* BEGIN IMMEDIATE would not say so */
        return sqlite_fail(s, SQLITE_READONLY, reterr);
    if (!sqlite_run(s, SQL_BEGIN, reterr))
        return false;
    struct err err;
    for (size_t i = 0; i < s->batch_count; i++) {
        if (apply_alone(s, s->batch[i], &err))
            continue;
        if (spoils_batch(s, &err)) {
            *reterr = err;
            return false;
        }
        s->refused[i] = arena_dup(s->scratch, &err, sizeof(err));
    }
    return sqlite_run(s, SQL_COMMIT, reterr);
}

/* Moves the WAL into the file when it has grown. A reader that still uses the
 * WAL's beginning makes this incomplete; then it is tried again after the next
 * stretch, and past the cap the reader is waited for. Only an I/O error counts:
 * what is committed is safe in the WAL. */
static void checkpoint(struct sqlite_store *s)
{
    if (s->wal_pages < s->checkpoint_at_pages)
        return;
    int64_t stretch = SQLITE_STORE_CHECKPOINT_SIZE / s->page_size;
    bool above_cap = s->wal_pages > SQLITE_STORE_WAL_SIZE_MAX / s->page_size;
    int in_wal = 0, moved = 0;
    int rc = sqlite3_wal_checkpoint_v2(
        s->db, NULL, above_cap ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, &in_wal,
        &moved);
    s->checkpoint_at_pages = in_wal == moved ? stretch : s->wal_pages + stretch;
    if ((rc & 0xff) == SQLITE_IOERR) {
        struct err err;
        sqlite_fail(s, rc, &err);
        store_die(&s->base, &err);
    }
}

void sqlite_commit_batch(struct sqlite_store *s)
{
    gather(s);
    if (s->batch_count == 0)
        return;
    struct arena_mark before = arena_mark(s->scratch);
    struct err err;
    bool ok = transact(s, &err);
    if (!ok && !sqlite3_get_autocommit(s->db))
        sqlite_finish(s->statements[SQL_ROLLBACK]);
    if (!ok && err.code == ERR_IO)
        store_die(&s->base, &err);
    for (size_t i = 0; i < s->batch_count; i++) {
        struct store_commit *c = s->batch[i];
        c->done(c->arg, ok ? s->refused[i] : &err);
    }
    arena_rewind(s->scratch, before);
    if (ok)
        checkpoint(s);
}

/* ---- epochs ---- */

static bool claim_in_transaction(struct sqlite_store *s, uint32_t first, uint32_t count,
                                 uint64_t *epochs, struct err *reterr)
{
    sqlite3_stmt *claim = s->statements[SQL_CLAIM], *ask = s->statements[SQL_EPOCHS];
    bind_int(claim, 1, first);
    bind_int(claim, 2, first + count);
    if (!sqlite_run(s, SQL_CLAIM, reterr))
        return false;
    bind_int(ask, 1, first);
    bind_int(ask, 2, first + count);
    uint32_t got = 0;
    int rc;
    while ((rc = sqlite3_step(ask)) == SQLITE_ROW && got < count)
        epochs[got++] = (uint64_t)sqlite3_column_int64(ask, 1);
    sqlite3_reset(ask);
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        return sqlite_fail(s, rc, reterr);
    if (got != count)
        return err_set(reterr, ERR_CORRUPT, "the store %s has lost some of its shards", s->path);
    return sqlite_run(s, SQL_COMMIT, reterr);
}

bool sqlite_claim(struct sqlite_store *s, uint32_t first, uint32_t count, uint64_t *ret_epochs,
                  struct err *reterr)
{
    struct err err;
    uint64_t epochs[SHARD_COUNT];
    if (sqlite_run(s, SQL_BEGIN, &err) && claim_in_transaction(s, first, count, epochs, &err)) {
        memcpy(ret_epochs, epochs, count * sizeof(*epochs));
        return true;
    }
    if (!sqlite3_get_autocommit(s->db))
        sqlite_finish(s->statements[SQL_ROLLBACK]);
    if (err.code == ERR_IO)
        store_die(&s->base, &err);
    if (reterr)
        *reterr = err;
    return false;
}
