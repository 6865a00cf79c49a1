#include "store/sqlite/sqlite_internal.h"

#include <stdlib.h>

/* ---- what is known of the file ---- */

static void know_nothing(struct committer *w)
{
    w->known = false;
    memset(w->next_turns, 0, sizeof(w->next_turns));
}

static bool read_epochs(struct committer *w, struct err *reterr)
{
    sqlite3_stmt *ask = w->connection->statements[SQL_EPOCHS];
    uint32_t got = 0;
    int rc;
    bind_int(ask, 1, 0);
    bind_int(ask, 2, SHARD_COUNT);
    while ((rc = sqlite3_step(ask)) == SQLITE_ROW && got < SHARD_COUNT)
        w->epochs[got++] = (uint64_t)sqlite3_column_int64(ask, 1);
    sqlite3_reset(ask);
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        return sqlite_fail(w->connection, rc, reterr);
    if (got != SHARD_COUNT)
        return err_set(reterr, ERR_CORRUPT, "the store %s has lost some of its shards",
                       w->connection->path);
    return true;
}

/* Inside a transaction. What was known is good until another connection writes,
 * which the data version tells. */
static bool know_epochs(struct committer *w, struct err *reterr)
{
    sqlite3_stmt *ask = w->connection->statements[SQL_DATA_VERSION];
    int rc = sqlite3_step(ask);
    int64_t version = rc == SQLITE_ROW ? sqlite3_column_int64(ask, 0) : 0;
    sqlite3_reset(ask);
    if (rc != SQLITE_ROW)
        return sqlite_fail(w->connection, rc, reterr);
    if (w->known && version == w->data_version)
        return true;
    know_nothing(w);
    if (!read_epochs(w, reterr))
        return false;
    w->data_version = version;
    w->known = true;
    return true;
}

/* ---- one transaction ---- */

static void roll_back(struct committer *w)
{
    if (!sqlite3_get_autocommit(w->connection->db))
        sqlite_finish(w->connection->statements[SQL_ROLLBACK]);
    know_nothing(w);
}

static bool begin(struct committer *w, struct err *reterr)
{
    struct connection *c = w->connection;
    if (sqlite3_db_readonly(c->db, "main")) /* BEGIN IMMEDIATE would not say so */
        return sqlite_fail(c, SQLITE_READONLY, reterr);
    return sqlite_run(c, SQL_BEGIN, reterr) && know_epochs(w, reterr);
}

static bool apply(struct committer *w, const struct store_commit *commit, struct err *reterr)
{
    uint64_t epoch = w->epochs[commit->shard];
    if (commit->epoch != epoch)
        return store_err_stale(commit->shard, commit->epoch, epoch, reterr);
    if (!store_check_commit(commit, reterr))
        return false;
    for (size_t i = 0; i < commit->count; i++)
        if (!committer_write(w, &commit->writes[i], reterr))
            return false;
    return true;
}

static bool apply_alone(struct committer *w, const struct store_commit *commit, struct err *reterr)
{
    struct connection *c = w->connection;
    if (!sqlite_run(c, SQL_SAVEPOINT, reterr))
        return false;
    bool ok = apply(w, commit, reterr);
    if (sqlite3_get_autocommit(c->db))
        return ok;
    if (!ok) {
        know_nothing(w);
        if (!sqlite_run(c, SQL_ROLLBACK_TO, reterr) || !know_epochs(w, reterr))
            return false;
    }
    return sqlite_run(c, SQL_RELEASE, reterr) && ok;
}

/* ---- a batch ---- */

static bool spoils_batch(const struct committer *w, const struct err *err)
{
    return err->code == ERR_DISK_FULL || err->code == ERR_PERMISSION || err->code == ERR_BUSY ||
           err->code == ERR_IO || sqlite3_get_autocommit(w->connection->db);
}

enum outcome {
    BATCH_KEPT,
    BATCH_REFUSED,  /* as a whole */
    BATCH_ENTANGLED /* a refused commit has left something behind */
};

/* Without savepoints (docs/adr/0005-store.md has what they cost), a refused commit
 * is rid of only when it had not written anything yet. Most have not: what is
 * refused is a name, an epoch, a turn. */
static enum outcome transact(struct committer *w, struct store_commit *first, size_t count,
                             bool each_alone, struct err *reterr)
{
    sqlite3 *db = w->connection->db;
    if (!begin(w, reterr))
        return BATCH_REFUSED;
    struct store_commit *commit = first;
    for (size_t i = 0; i < count; i++, commit = commit->next) {
        struct err err;
        int64_t changes = sqlite3_total_changes64(db);
        if (each_alone ? apply_alone(w, commit, &err) : apply(w, commit, &err))
            continue;
        if (spoils_batch(w, &err)) {
            *reterr = err;
            return BATCH_REFUSED;
        }
        if (!each_alone && sqlite3_total_changes64(db) != changes)
            return BATCH_ENTANGLED;
        commit->refusal = sqlite_keep_err(&err);
    }
    return sqlite_run(w->connection, SQL_COMMIT, reterr) ? BATCH_KEPT : BATCH_REFUSED;
}

static void forget_refusals(struct store_commit *first, size_t count)
{
    for (struct store_commit *commit = first; count > 0; count--, commit = commit->next) {
        free(commit->refusal);
        commit->refusal = NULL;
    }
}

bool committer_run(struct committer *w, struct store_commit *first, size_t count,
                   struct err *reterr)
{
    struct err err;
    enum outcome outcome = transact(w, first, count, false, &err);
    if (outcome == BATCH_ENTANGLED) {
        roll_back(w);
        forget_refusals(first, count);
        outcome = transact(w, first, count, true, &err);
    }
    if (outcome == BATCH_KEPT)
        return true;
    roll_back(w);
    forget_refusals(first, count);
    for (struct store_commit *commit = first; count > 0; count--, commit = commit->next)
        commit->refusal = sqlite_keep_err(&err);
    if (err.code != ERR_IO)
        return true;
    *reterr = err;
    return false;
}

static size_t body_size(const struct store_commit *commit)
{
    size_t size = 0;
    for (size_t i = 0; i < commit->count; i++) {
        const struct store_write *w = &commit->writes[i];
        if (w->kind == STORE_APPEND_TURN)
            size += w->u.turn.body.len;
        else if (w->kind == STORE_PUT_SNAPSHOT)
            size += w->u.snapshot.body.len;
        else if (w->kind == STORE_PUT_DEFINITION)
            size += w->u.definition.text.len;
    }
    return size;
}

size_t committer_batch(const struct store_commit *first)
{
    size_t count = 0, size = 0;
    for (; first; first = first->next) {
        if (count == SQLITE_STORE_BATCH_COMMITS_MAX || size >= SQLITE_STORE_BATCH_SIZE_MAX)
            break;
        size += body_size(first);
        count++;
    }
    return count;
}

/* ---- the WAL ---- */

static int count_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    ((struct committer *)arg)->wal_pages = pages;
    return SQLITE_OK;
}

bool committer_init(struct committer *w, struct connection *c, struct err *reterr)
{
    *w = (struct committer){.connection = c};
    if (!connection_ask(c, "PRAGMA page_size", &w->page_size, reterr))
        return false;
    w->checkpoint_at_pages = SQLITE_STORE_CHECKPOINT_SIZE / w->page_size;
    sqlite3_wal_hook(c->db, count_wal, w);
    return true;
}

/* Moves the WAL into the file when it has grown. A reader that still uses the
 * WAL's beginning makes this incomplete; then it is tried again after the next
 * stretch, and past the cap the reader is waited for, but not for long: one that
 * never moves on would stop everything. Only an I/O error counts: what is committed
 * is safe in the WAL. */
bool committer_checkpoint(struct committer *w, struct err *reterr)
{
    if (w->wal_pages < w->checkpoint_at_pages)
        return true;
    int64_t stretch = SQLITE_STORE_CHECKPOINT_SIZE / w->page_size;
    bool above_cap = w->wal_pages > SQLITE_STORE_WAL_SIZE_MAX / w->page_size;
    int in_wal = 0, moved = 0;
    sqlite3_busy_timeout(w->connection->db, SQLITE_STORE_READERS_WAIT_MS);
    int rc = sqlite3_wal_checkpoint_v2(
        w->connection->db, NULL, above_cap ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE,
        &in_wal, &moved);
    sqlite3_busy_timeout(w->connection->db, SQLITE_STORE_BUSY_MS);
    w->checkpoint_at_pages = in_wal == moved ? stretch : w->wal_pages + stretch;
    return (rc & 0xff) == SQLITE_IOERR ? sqlite_fail(w->connection, rc, reterr) : true;
}

/* ---- epochs ---- */

static bool claim_in_transaction(struct committer *w, uint32_t first, uint32_t count,
                                 struct err *reterr)
{
    sqlite3_stmt *claim = w->connection->statements[SQL_CLAIM];
    bind_int(claim, 1, first);
    bind_int(claim, 2, first + count);
    return begin(w, reterr) && sqlite_run(w->connection, SQL_CLAIM, reterr) &&
           read_epochs(w, reterr) && sqlite_run(w->connection, SQL_COMMIT, reterr);
}

bool committer_claim(struct committer *w, uint32_t first, uint32_t count, uint64_t *ret_epochs,
                     struct err *reterr)
{
    if (!claim_in_transaction(w, first, count, reterr)) {
        roll_back(w);
        return false;
    }
    memcpy(ret_epochs, w->epochs + first, count * sizeof(*ret_epochs));
    return true;
}
