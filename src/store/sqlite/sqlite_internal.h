/* The SQLite store's inside: connections, their statements, rows and errors; the
 * committer; the exchange between the owner's thread and the store's own. */
#ifndef PAWL_STORE_SQLITE_SQLITE_INTERNAL_H
#define PAWL_STORE_SQLITE_SQLITE_INTERNAL_H

#include "store/sqlite/sqlite_store.h"
#include "store/store_internal.h"

#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>

#define EXECUTION_COLUMNS                                                                          \
    "key, org, status, shard, id, name, arn, machine_arn, machine_name, definition, started_at, "  \
    "stopped_at, wake_at, parent, parent_task, map_run, role_arn, origin, express, "               \
    "redrive_count, redriven_at, related, relation"

#define MACHINE_COLUMNS "name, arn, definition, created_at, updated_at, body"

#define OBJECT_COLUMNS "kind, name, revision, body, created_at"

/* Every statement there is, prepared once at opening. Parameters stand in the
 * order of the columns named. */
#define SQL_TABLE(X)                                                                               \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(SAVEPOINT, "SAVEPOINT one_commit")                                                           \
    X(ROLLBACK_TO, "ROLLBACK TO one_commit")                                                       \
    X(RELEASE, "RELEASE one_commit")                                                               \
    X(DATA_VERSION, "PRAGMA data_version")                                                         \
    X(CLAIM, "UPDATE shard SET epoch = epoch + 1 WHERE shard >= ?1 AND shard < ?2")                \
    X(EPOCHS, "SELECT shard, epoch FROM shard WHERE shard >= ?1 AND shard < ?2 ORDER BY shard")    \
    X(PUT_DEFINITION, "INSERT INTO definition (org, hash, text, outline) VALUES (?1, ?2, ?3, ?4)"  \
                      " ON CONFLICT DO UPDATE SET outline = excluded.outline"                      \
                      " WHERE outline IS NULL AND excluded.outline IS NOT NULL")                   \
    X(PUT_MACHINE, "INSERT INTO machine (org, " MACHINE_COLUMNS ")"                                \
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"                                          \
                   " ON CONFLICT (org, name) DO UPDATE SET arn = excluded.arn,"                    \
                   " definition = excluded.definition, created_at = excluded.created_at,"          \
                   " updated_at = excluded.updated_at, body = coalesce(excluded.body, body)")      \
    X(DELETE_MACHINE, "DELETE FROM machine WHERE org = ?1 AND name = ?2")                          \
    X(PUT_OBJECT, "INSERT INTO object (org, kind, name, revision, body, created_at)"               \
                  " VALUES (?1, ?2, ?3, 1, ?4, ?5) ON CONFLICT DO NOTHING")                        \
    X(REPLACE_OBJECT, "UPDATE object SET revision = revision + 1, body = ?4"                       \
                      " WHERE org = ?1 AND kind = ?2 AND name = ?3 AND revision = ?5")             \
    X(DELETE_OBJECT, "DELETE FROM object WHERE org = ?1 AND kind = ?2 AND name = ?3"               \
                     " AND (?4 = 0 OR revision = ?4)")                                             \
    X(OBJECT_REVISION, "SELECT revision FROM object WHERE org = ?1 AND kind = ?2 AND name = ?3")   \
    X(PUT_NAME,                                                                                    \
      "INSERT INTO execution_name (org, name, machine_arn, execution) VALUES (?1, ?2, ?3, ?4)")    \
    X(PUT_EXECUTION,                                                                               \
      "INSERT INTO execution (" EXECUTION_COLUMNS ")"                                              \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"  \
      " ?19, ?20, ?21, ?22, ?23)")                                                                 \
    X(LAST_TURN, "SELECT (SELECT max(turn) FROM journal WHERE execution = ?1)"                     \
                 " FROM execution WHERE key = ?1 AND org = ?2")                                    \
    X(PUT_TURN,                                                                                    \
      "INSERT INTO journal (execution, turn, org, rules_version, cause, at, checksum, body)"       \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                                                  \
    X(SET_PROGRESS, "UPDATE execution SET status = ?3, stopped_at = ?4, wake_at = ?5"              \
                    " WHERE key = ?1 AND org = ?2")                                                \
    X(SET_REDRIVEN, "UPDATE execution SET status = ?3, stopped_at = ?4, wake_at = ?5,"             \
                    " redrive_count = ?6, redriven_at = ?7 WHERE key = ?1 AND org = ?2")           \
    X(PUT_SNAPSHOT, "INSERT OR REPLACE INTO snapshot (execution, org, turn, checksum, body)"       \
                    " VALUES (?1, ?2, ?3, ?4, ?5)")                                                \
    X(GET_DEFINITION, "SELECT text FROM definition WHERE org = ?1 AND hash = ?2")                  \
    X(GET_MACHINE, "SELECT " MACHINE_COLUMNS " FROM machine WHERE org = ?1 AND name = ?2")         \
    X(LIST_MACHINES, "SELECT " MACHINE_COLUMNS " FROM machine"                                     \
                     " WHERE org = ?1 AND name > ?2 ORDER BY name")                                \
    X(GET_OBJECT, "SELECT " OBJECT_COLUMNS " FROM object"                                          \
                  " WHERE org = ?1 AND kind = ?2 AND name = ?3")                                   \
    X(LIST_OBJECTS, "SELECT " OBJECT_COLUMNS " FROM object WHERE org = ?1 AND kind = ?2"           \
                    " AND name >= ?3 AND name > ?4 AND name < ?5 ORDER BY name")                   \
    X(LIST_OBJECTS_BACK, "SELECT " OBJECT_COLUMNS " FROM object WHERE org = ?1 AND kind = ?2"      \
                         " AND name >= ?3 AND name < ?4 AND name < ?5 ORDER BY name DESC")         \
    X(COUNT_MACHINES, "SELECT count(*) FROM machine WHERE org = ?1")                               \
    X(COUNT_OBJECTS, "SELECT count(*) FROM object WHERE org = ?1 AND kind = ?2")                   \
    X(GET_EXECUTION, "SELECT " EXECUTION_COLUMNS " FROM execution WHERE key = ?1")                 \
    X(FIND_NAMED, "SELECT execution FROM execution_name WHERE org = ?1 AND name = ?2"              \
                  " AND (?3 = '' OR machine_arn = ?3) ORDER BY machine_arn")                       \
    X(LIST_EXECUTIONS,                                                                             \
      "SELECT " EXECUTION_COLUMNS " FROM execution WHERE key < ?1 ORDER BY key DESC")              \
    X(LIST_RUNNING_NEWEST,                                                                         \
      "SELECT " EXECUTION_COLUMNS " FROM execution INDEXED BY execution_running"                   \
      " WHERE org = ?1 AND status = 'RUNNING' AND key < ?2 ORDER BY key DESC")                     \
    X(LIST_RUNNING, "SELECT " EXECUTION_COLUMNS " FROM execution INDEXED BY execution_running"     \
                    " WHERE org = ?1 AND status = 'RUNNING' AND key > ?2 ORDER BY key")            \
    X(LIST_WAKES, "SELECT " EXECUTION_COLUMNS " FROM execution INDEXED BY execution_wake"          \
                  " WHERE org = ?1 AND status = 'RUNNING' AND wake_at IS NOT NULL"                 \
                  " AND (wake_at, key) > (?2, ?3) AND wake_at <= ?4 ORDER BY wake_at, key")        \
    X(LIST_RELATED, "SELECT " EXECUTION_COLUMNS " FROM execution INDEXED BY execution_related"     \
                    " WHERE related = ?1 AND key > ?2 ORDER BY key")                               \
    X(GET_TURNS, "SELECT turn, rules_version, cause, at, checksum, body FROM journal"              \
                 " WHERE execution = ?1 AND org = ?2 AND turn >= ?3 ORDER BY turn")                \
    X(GET_SNAPSHOT, "SELECT turn, checksum, body FROM snapshot WHERE execution = ?1 AND org = ?2")

enum sql {
#define SQL_ENUM(name, text) SQL_##name,
    SQL_TABLE(SQL_ENUM)
#undef SQL_ENUM
    SQL_COUNT
};

/* What a file that nobody changes keeps. */
struct file_mark {
    dev_t device;
    ino_t number;
    off_t size;
    struct timespec changed_at;
};

/* One connection with its statements. Used by one thread at a time. */
struct connection {
    sqlite3 *db;
    const char *path; /* the store's; borrowed */
    sqlite3_stmt *statements[SQL_COUNT];
    bool immutable;
    struct file_mark mark; /* when immutable */
};

/* ---- sqlite_error.c ---- */

/* Words what SQLite answered; returns false. */
bool sqlite_fail(const struct connection *c, int rc, struct err *reterr);

/* A copy that is freed by free. */
struct err *sqlite_keep_err(const struct err *err);

/* ---- sqlite_connection.c ---- */

/* Opens `path` with this VFS (NULL: SQLite's own). A new file becomes a store with
 * this secret. The errors are those of sqlite_store_open. On failure, too, the
 * connection is there to be closed. */
MUST_CHECK bool connection_open_writer(struct connection *c, const char *vfs, const uint8_t *secret,
                                       struct err *reterr);
MUST_CHECK bool connection_open_reader(struct connection *c, const char *vfs, struct err *reterr);
void connection_release(struct connection *c);

/* Less than that, and whatever the file holds: opened for writing, made, mode 0600,
 * when it is not there. */
MUST_CHECK bool connection_open_file(struct connection *c, const char *vfs, struct err *reterr);
/* The same for reading a file that nobody changes, without locks. */
MUST_CHECK bool connection_open_unchanging(struct connection *c, const char *vfs,
                                           struct err *reterr);

/* Nothing more is written through it, not even at closing. */
void connection_write_no_more(struct connection *c);

/* Still what it was when it was opened as one that nobody changes? */
MUST_CHECK bool connection_check_unchanged(const struct connection *c, struct err *reterr);

/* The integer that one row of one column says. */
MUST_CHECK bool connection_ask(struct connection *c, const char *sql, int64_t *ret_value,
                               struct err *reterr);

/* ---- sqlite_schema.c ---- */

/* Makes the schema in an empty file, with this secret. */
MUST_CHECK bool schema_create(struct connection *c, const uint8_t *secret, struct err *reterr);

enum schema_state {
    SCHEMA_EMPTY, /* an empty file, or one whose making was interrupted */
    SCHEMA_OLD,   /* of an older release: schema_migrate */
    SCHEMA_CURRENT,
};

/* Errors: CORRUPT (not a store of ours), NEWER_SCHEMA. */
MUST_CHECK bool schema_check(struct connection *c, enum schema_state *ret_state,
                             int64_t *ret_version, struct err *reterr);
MUST_CHECK bool schema_read_secret(struct connection *c, uint8_t to[static STORE_SECRET_SIZE],
                                   struct err *reterr);

/* Runs the text of views when it is not the one that was run last. */
MUST_CHECK bool schema_put_views(struct connection *c, const char *views, struct err *reterr);

/* Takes the schema a step further, inside a transaction. */
MUST_CHECK bool schema_change(struct connection *c, int64_t from_version, struct err *reterr);

/* ---- sqlite_migrate.c ---- */

/* Brings a file of an older schema forward in one transaction, after the old file was
 * copied beside it, durably, as "<path>.schema-<its schema>" (and ".2", ".3"... behind
 * that where another store's copy has the name: nothing is ever overwritten). Killed
 * or refused at any point it leaves the old store, or the new one; the next opening
 * goes on, with the copy that is there when it is a copy of this very store.
 * Errors: DISK_FULL (no room for the copy: nothing was changed), BUSY (somebody else
 * writes to it). */
MUST_CHECK bool schema_migrate(struct connection *c, const char *vfs, struct err *reterr);

/* ---- sqlite_statement.c ---- */

MUST_CHECK bool statements_prepare(struct connection *c, struct err *reterr);
void statements_finalize(struct connection *c);

/* Runs a text of statements that give no rows. */
MUST_CHECK bool sqlite_run_text(struct connection *c, const char *sql, struct err *reterr);

/* Runs one without parameters and rows. */
MUST_CHECK bool sqlite_run(struct connection *c, enum sql which, struct err *reterr);

/* Steps one that was bound, to its end, and resets it. The result code. */
int sqlite_finish(sqlite3_stmt *statement);

/* Binding; texts and blobs are borrowed until the reset. */
void bind_int(sqlite3_stmt *statement, int at, int64_t value);
void bind_int_or_null(sqlite3_stmt *statement, int at, int64_t value); /* 0: NULL */
void bind_text(sqlite3_stmt *statement, int at, struct str text);
void bind_text_or_null(sqlite3_stmt *statement, int at, struct str text); /* empty: NULL */
void bind_hash(sqlite3_stmt *statement, int at, const uint8_t hash[static SHA256_SIZE]);

/* ---- sqlite_row.c: rows are foreign bytes ---- */

/* One row being decoded. `bad` becomes the name of the first column that is not
 * what we write; the values decoded are then of no use. */
struct row {
    sqlite3_stmt *statement;
    struct arena *arena;
    const char *bad;
};

int64_t row_int(struct row *row, int at, int64_t min, int64_t max);
int64_t row_int_or_zero(struct row *row, int at, int64_t min, int64_t max); /* NULL: 0 */
/* Copied into the arena; valid UTF-8. */
struct str row_text(struct row *row, int at);
struct str row_text_or_empty(struct row *row, int at); /* NULL: empty */
void row_hash(struct row *row, int at, uint8_t to[static SHA256_SIZE]);
/* Borrowed until the next step: a body, whose shape is journal/'s to judge. */
struct str row_body(struct row *row, int at);

void row_execution(struct row *row, struct execution_row *to);
void row_machine(struct row *row, struct machine_row *to);
void row_object(struct row *row, struct object_row *to);

/* Is the execution in the current row of EXECUTION_COLUMNS this organization's,
 * and has it this status and shard? Decodes no more than that. */
bool row_matches(struct row *row, const struct store_read *r);

/* ---- sqlite_commit.c ---- */

enum {
    NEXT_TURNS_BITS = 13
};

struct committer {
    struct connection *connection;
    int64_t page_size, wal_pages, checkpoint_at_pages;
    /* What is known of the file while nobody else writes to it. */
    bool known;
    int64_t data_version;
    uint64_t epochs[SHARD_COUNT];
    struct next_turn {
        execution_key key; /* 0: none */
        uint64_t turn;
        org_id org;
    } next_turns[1 << NEXT_TURNS_BITS]; /* the place is the key's hash; the last one stays */
};

MUST_CHECK bool committer_init(struct committer *w, struct connection *c, struct err *reterr);

/* How many of them, the first at least, one transaction takes. */
size_t committer_batch(const struct store_commit *first);

/* Commits them in one transaction; c->refusal says of each how it went. False after
 * an I/O error, which is then said: no further call is allowed. */
MUST_CHECK bool committer_run(struct committer *w, struct store_commit *first, size_t count,
                              struct err *reterr);

/* Lets the WAL not grow beyond its bounds. False as above. */
MUST_CHECK bool committer_checkpoint(struct committer *w, struct err *reterr);

/* Claims shards. An I/O error is final as above. */
MUST_CHECK bool committer_claim(struct committer *w, uint32_t first, uint32_t count,
                                uint64_t *ret_epochs, struct err *reterr);

/* ---- sqlite_write.c ---- */

/* One write inside a transaction. What it did before it failed stays. */
MUST_CHECK bool committer_write(struct committer *w, const struct store_write *write,
                                struct err *reterr);

/* ---- sqlite_read.c ---- */

/* Answers one read in a read transaction of its own. */
MUST_CHECK bool reader_answer(struct connection *c, struct store_read *r, struct err *reterr);

/* ---- sqlite_exchange.c: what is submitted, what is complete, and who works ---- */

struct exchange {
    pthread_mutex_t mutex; /* guards everything below but the threads themselves */
    pthread_cond_t commit_submitted, read_submitted;
    pthread_cond_t completed; /* or a thread came to rest */
    struct commit_queue {
        struct store_commit *first, **end;
    } commits, commits_done;
    struct read_queue {
        struct store_read *first, **end;
    } reads, reads_done;
    bool committing, reading; /* right now, outside the mutex */
    bool paused;              /* nothing new is begun */
    bool closing;
    bool failed; /* by an I/O error: */
    struct err why;
    store_wakeup *wakeup;
    void *wakeup_arg;
    bool has_threads; /* never changes */
    pthread_t commit_thread, read_thread;
};

struct sqlite_store {
    struct store base;
    char *path; /* malloc */
    struct connection writer, reader;
    struct connection *reads_by; /* one of the two */
    struct committer committer;
    struct exchange exchange;
};

void exchange_init(struct exchange *x);
/* Ends the threads; what was submitted is forgotten. */
void exchange_release(struct exchange *x);

/* Without threads exchange_step does the work. */
MUST_CHECK bool exchange_start_threads(struct sqlite_store *s, struct err *reterr);

void exchange_submit_commit(struct exchange *x, struct store_commit *c);
void exchange_submit_read(struct exchange *x, struct store_read *r);
void exchange_step(struct sqlite_store *s);
bool exchange_holds(struct exchange *x);
bool exchange_ready(struct exchange *x);
bool exchange_wait(struct exchange *x, int timeout_ms);
void exchange_set_wakeup(struct exchange *x, store_wakeup *wakeup, void *arg);
void exchange_abandon(struct exchange *x);

/* Between the two no thread of the store does anything. */
void exchange_pause(struct exchange *x);
void exchange_resume(struct exchange *x);

#endif
