/* The SQLite store's inside: the connection, its statements, rows and errors. */
#ifndef PAWL_STORE_SQLITE_SQLITE_INTERNAL_H
#define PAWL_STORE_SQLITE_SQLITE_INTERNAL_H

#include "store/sqlite/sqlite_store.h"
#include "store/store_internal.h"

#include <sqlite3.h>
#include <sys/stat.h>

#define EXECUTION_COLUMNS                                                                          \
    "key, org, status, shard, id, name, arn, machine_arn, machine_name, definition, started_at, "  \
    "stopped_at, wake_at, parent, parent_task, map_run"

/* Every statement there is, prepared once at opening. Parameters stand in the
 * order of the columns named. */
#define SQL_TABLE(X)                                                                               \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(SAVEPOINT, "SAVEPOINT one_commit")                                                           \
    X(ROLLBACK_TO, "ROLLBACK TO one_commit")                                                       \
    X(RELEASE, "RELEASE one_commit")                                                               \
    X(EPOCH, "SELECT epoch FROM shard WHERE shard = ?1")                                           \
    X(CLAIM, "UPDATE shard SET epoch = epoch + 1 WHERE shard >= ?1 AND shard < ?2")                \
    X(EPOCHS, "SELECT shard, epoch FROM shard WHERE shard >= ?1 AND shard < ?2 ORDER BY shard")    \
    X(PUT_DEFINITION,                                                                              \
      "INSERT INTO definition (org, hash, text) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")       \
    X(PUT_MACHINE, "INSERT INTO machine (org, name, arn, definition, created_at, updated_at)"      \
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6)"                                              \
                   " ON CONFLICT (org, name) DO UPDATE SET arn = excluded.arn,"                    \
                   " definition = excluded.definition, created_at = excluded.created_at,"          \
                   " updated_at = excluded.updated_at")                                            \
    X(PUT_NAME,                                                                                    \
      "INSERT INTO execution_name (org, name, machine_arn, execution) VALUES (?1, ?2, ?3, ?4)")    \
    X(PUT_EXECUTION,                                                                               \
      "INSERT INTO execution (" EXECUTION_COLUMNS ")"                                              \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)")           \
    X(LAST_TURN, "SELECT (SELECT max(turn) FROM journal WHERE execution = ?1)"                     \
                 " FROM execution WHERE key = ?1 AND org = ?2")                                    \
    X(PUT_TURN,                                                                                    \
      "INSERT INTO journal (execution, turn, org, rules_version, cause, at, checksum, body)"       \
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                                                  \
    X(SET_PROGRESS, "UPDATE execution SET status = ?3, stopped_at = ?4, wake_at = ?5"              \
                    " WHERE key = ?1 AND org = ?2")                                                \
    X(PUT_SNAPSHOT, "INSERT OR REPLACE INTO snapshot (execution, org, turn, checksum, body)"       \
                    " VALUES (?1, ?2, ?3, ?4, ?5)")                                                \
    X(GET_DEFINITION, "SELECT text FROM definition WHERE org = ?1 AND hash = ?2")                  \
    X(GET_MACHINE, "SELECT name, arn, definition, created_at, updated_at FROM machine"             \
                   " WHERE org = ?1 AND name = ?2")                                                \
    X(LIST_MACHINES, "SELECT name, arn, definition, created_at, updated_at FROM machine"           \
                     " WHERE org = ?1 AND name > ?2 ORDER BY name")                                \
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

struct sqlite_store {
    struct store base;
    sqlite3 *db;
    char *path; /* malloc */
    bool immutable;
    struct file_mark mark; /* when immutable */
    sqlite3_stmt *statements[SQL_COUNT];
    int64_t page_size, wal_pages, checkpoint_at_pages;
    struct arena *scratch; /* of one step: the errors of refused commits */
    struct store_commit *batch[SQLITE_STORE_BATCH_COMMITS_MAX];
    struct err *refused[SQLITE_STORE_BATCH_COMMITS_MAX]; /* NULL: not */
    size_t batch_count;
};

/* ---- sqlite_error.c ---- */

/* Words what SQLite answered; returns false. */
bool sqlite_fail(const struct sqlite_store *s, int rc, struct err *reterr);

/* ---- sqlite_schema.c ---- */

/* Makes the schema in an empty file, with this secret. */
MUST_CHECK bool schema_create(struct sqlite_store *s, const uint8_t *secret, struct err *reterr);

enum schema_state {
    SCHEMA_EMPTY, /* an empty file, or one whose making was interrupted */
    SCHEMA_CURRENT,
};

/* Errors: CORRUPT (not a store of ours), NEWER_SCHEMA. */
MUST_CHECK bool schema_check(struct sqlite_store *s, enum schema_state *ret_state,
                             struct err *reterr);
MUST_CHECK bool schema_read_secret(struct sqlite_store *s, struct err *reterr);

/* ---- sqlite_statement.c ---- */

MUST_CHECK bool statements_prepare(struct sqlite_store *s, struct err *reterr);
void statements_finalize(struct sqlite_store *s);

/* Runs a text of statements that give no rows. */
MUST_CHECK bool sqlite_run_text(struct sqlite_store *s, const char *sql, struct err *reterr);

/* Runs one without parameters and rows. */
MUST_CHECK bool sqlite_run(struct sqlite_store *s, enum sql which, struct err *reterr);

/* Steps one that was bound, to its end, and resets it. The result code. */
int sqlite_finish(sqlite3_stmt *statement);

/* Binding; texts and blobs are borrowed until the reset. */
void bind_int(sqlite3_stmt *statement, int at, int64_t value);
void bind_int_or_null(sqlite3_stmt *statement, int at, int64_t value); /* 0: NULL */
void bind_text(sqlite3_stmt *statement, int at, struct str text);
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
void row_hash(struct row *row, int at, uint8_t to[static SHA256_SIZE]);
/* Borrowed until the next step: a body, whose shape is journal/'s to judge. */
struct str row_body(struct row *row, int at);

void row_execution(struct row *row, struct execution_row *to);
void row_machine(struct row *row, struct machine_row *to);

/* Is the execution in the current row of EXECUTION_COLUMNS this organization's,
 * and has it this status and shard? Decodes no more than that. */
bool row_matches(struct row *row, const struct store_read *r);

/* ---- sqlite_commit.c, sqlite_read.c ---- */

/* Takes a batch from the queue, commits it, completes it. */
void sqlite_commit_batch(struct sqlite_store *s);
void sqlite_answer_reads(struct sqlite_store *s);
MUST_CHECK bool sqlite_claim(struct sqlite_store *s, uint32_t first, uint32_t count,
                             uint64_t *ret_epochs, struct err *reterr);

/* ---- sqlite_open.c ---- */

/* Still what it was when it was opened as one that nobody changes? */
MUST_CHECK bool sqlite_check_unchanged(const struct sqlite_store *s, struct err *reterr);

#endif
