#include "store/sqlite/sqlite_internal.h"

#include <stdio.h>

/* SQLite keeps these texts with their comments: `.schema` shows them to whoever
 * opens the file. Why so few indexes: docs/adr/0005-store.md. */
#define OBJECT_TABLE                                                                               \
    "CREATE TABLE object (               -- revisions, versions, aliases, activities, tags\n"      \
    "  org INTEGER NOT NULL,\n"                                                                    \
    "  kind TEXT NOT NULL,\n"                                                                      \
    "  name TEXT NOT NULL,\n"                                                                      \
    "  revision INTEGER NOT NULL,        -- grows with each change\n"                              \
    "  body TEXT NOT NULL,               -- JSON\n"                                                \
    "  created_at INTEGER NOT NULL,\n"                                                             \
    "  PRIMARY KEY (org, kind, name)\n"                                                            \
    ") STRICT, WITHOUT ROWID;\n"

#define RELATED_INDEX                                                                              \
    "CREATE INDEX execution_related ON execution (related) WHERE related IS NOT NULL"

static const char schema[] =
    "CREATE TABLE meta (\n"
    "  name TEXT PRIMARY KEY,\n"
    "  value BLOB NOT NULL\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE shard (\n"
    "  shard INTEGER PRIMARY KEY,\n"
    "  epoch INTEGER NOT NULL            -- grows whenever a process takes the shard over\n"
    ") STRICT;\n"

    "CREATE TABLE definition (\n"
    "  org INTEGER NOT NULL,\n"
    "  hash BLOB NOT NULL CHECK (length(hash) = 32), -- SHA-256 of the text\n"
    "  text TEXT NOT NULL,\n"
    "  outline TEXT,                     -- JSON, for the views: the states by their numbers\n"
    "  PRIMARY KEY (org, hash)\n"
    ") STRICT;\n"

    "CREATE TABLE machine (\n"
    "  org INTEGER NOT NULL,\n"
    "  name TEXT NOT NULL,\n"
    "  arn TEXT NOT NULL,\n"
    "  definition BLOB NOT NULL CHECK (length(definition) = 32), -- hash of the current revision\n"
    "  created_at INTEGER NOT NULL,      -- all times are UTC milliseconds since 1970\n"
    "  updated_at INTEGER NOT NULL,\n"
    "  body TEXT,                        -- JSON: type, role, description, configurations\n"
    "  PRIMARY KEY (org, name)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE execution (\n"
    "  key INTEGER PRIMARY KEY,          -- started_at * 32768 + a counter\n"
    "  org INTEGER NOT NULL,\n"
    "  status TEXT NOT NULL\n"
    "    CHECK (status IN ('RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED')),\n"
    "  shard INTEGER NOT NULL,\n"
    "  id TEXT NOT NULL,                 -- UUIDv7 that holds the key\n"
    "  name TEXT,                        -- the client's; NULL: named by its id\n"
    "  arn TEXT NOT NULL,\n"
    "  machine_arn TEXT NOT NULL,\n"
    "  machine_name TEXT NOT NULL,\n"
    "  definition BLOB NOT NULL CHECK (length(definition) = 32),\n"
    "  started_at INTEGER NOT NULL,\n"
    "  stopped_at INTEGER,\n"
    "  wake_at INTEGER,                  -- the earliest deadline\n"
    "  parent INTEGER,                   -- key of the execution that started this one\n"
    "  parent_task INTEGER,\n"
    "  map_run INTEGER,\n"
    "  role_arn TEXT,                    -- NULL: the account's own\n"
    "  origin TEXT,                      -- JSON: version, alias and revision it was started by\n"
    "  express INTEGER,                  -- 1: of an Express machine\n"
    "  redrive_count INTEGER,            -- how often it went on after it had ended\n"
    "  redriven_at INTEGER,              -- the last time\n"
    "  related INTEGER,                  -- key of the execution that it was made of\n"
    "  relation TEXT                     -- reuses, restarts: what it is to it\n"
    ") STRICT;\n"

    "CREATE INDEX execution_running ON execution (org) WHERE status = 'RUNNING';\n"
    "CREATE INDEX execution_wake ON execution (org, wake_at)\n"
    "  WHERE status = 'RUNNING' AND wake_at IS NOT NULL;\n" //
    RELATED_INDEX ";\n"

    "CREATE TABLE execution_name (       -- only names that clients chose\n"
    "  org INTEGER NOT NULL,\n"
    "  name TEXT NOT NULL,\n"
    "  machine_arn TEXT NOT NULL,\n"
    "  execution INTEGER NOT NULL,\n"
    "  PRIMARY KEY (org, name, machine_arn)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE journal (\n"
    "  seq INTEGER PRIMARY KEY,          -- the order of commits\n"
    "  execution INTEGER NOT NULL,\n"
    "  turn INTEGER NOT NULL,            -- 0, 1, 2 ... in each execution\n"
    "  org INTEGER NOT NULL,\n"
    "  rules_version INTEGER NOT NULL,\n"
    "  cause INTEGER NOT NULL,\n"
    "  at INTEGER NOT NULL,\n"
    "  checksum INTEGER NOT NULL,        -- XXH3 of the body\n"
    "  body TEXT NOT NULL,               -- JSON: the turn's values and events\n"
    "  UNIQUE (execution, turn)\n"
    ") STRICT;\n"

    "CREATE TABLE snapshot (             -- saves folding a long journal; may be deleted\n"
    "  execution INTEGER PRIMARY KEY,\n"
    "  org INTEGER NOT NULL,\n"
    "  turn INTEGER NOT NULL,            -- the first turn that is not in it\n"
    "  checksum INTEGER NOT NULL,\n"
    "  body TEXT NOT NULL                -- JSON\n"
    ") STRICT;\n"

    OBJECT_TABLE;

/* From the schema of this number to the next. What a released schema becomes never
 * changes: a new schema is one more text. */
static const char *const changes[SQLITE_STORE_SCHEMA] = {
    [1] = "ALTER TABLE definition ADD COLUMN outline TEXT;"
          "ALTER TABLE machine ADD COLUMN body TEXT;"
          "ALTER TABLE execution ADD COLUMN role_arn TEXT;"
          "ALTER TABLE execution ADD COLUMN origin TEXT;"
          "ALTER TABLE execution ADD COLUMN express INTEGER;" //
    OBJECT_TABLE,
    [2] = "ALTER TABLE execution ADD COLUMN redrive_count INTEGER;"
          "ALTER TABLE execution ADD COLUMN redriven_at INTEGER;"
          "ALTER TABLE execution ADD COLUMN related INTEGER;"
          "ALTER TABLE execution ADD COLUMN relation TEXT;" //
    RELATED_INDEX,
};

bool schema_change(struct connection *c, int64_t from_version, struct err *reterr)
{
    char mark[64];
    snprintf(mark, sizeof(mark), "PRAGMA user_version = %d", (int)from_version + 1);
    return sqlite_run_text(c, changes[from_version], reterr) && sqlite_run_text(c, mark, reterr);
}

bool schema_check(struct connection *c, enum schema_state *ret_state, int64_t *ret_version,
                  struct err *reterr)
{
    int64_t objects = 0, application = 0, version = 0;
    if (!connection_ask(c, "SELECT count(*) FROM sqlite_schema", &objects, reterr) ||
        !connection_ask(c, "PRAGMA application_id", &application, reterr) ||
        !connection_ask(c, "PRAGMA user_version", &version, reterr))
        return false;
    if (objects == 0 && application == 0 && version == 0) {
        *ret_state = SCHEMA_EMPTY;
        return true;
    }
    if (application != SQLITE_STORE_APPLICATION_ID)
        return err_set(reterr, ERR_CORRUPT,
                       "%s is an SQLite file of another program: choose another data directory",
                       c->path);
    if (version > SQLITE_STORE_SCHEMA)
        return err_set(reterr, ERR_NEWER_SCHEMA,
                       "the store %s has schema %lld, and this release of Pawl knows those up to "
                       "%d: use the release that wrote it, or a newer one",
                       c->path, (long long)version, SQLITE_STORE_SCHEMA);
    if (version < 1)
        return err_set(reterr, ERR_CORRUPT, "the store %s has no schema that ever was: %lld",
                       c->path, (long long)version);
    *ret_state = version < SQLITE_STORE_SCHEMA ? SCHEMA_OLD : SCHEMA_CURRENT;
    *ret_version = version;
    return true;
}

static bool put_secret(struct connection *c, const uint8_t *secret, struct err *reterr)
{
    sqlite3_stmt *statement;
    int rc = sqlite3_prepare_v2(c->db, "INSERT INTO meta (name, value) VALUES ('secret', ?1)", -1,
                                &statement, NULL);
    if (rc != SQLITE_OK)
        return sqlite_fail(c, rc, reterr);
    sqlite3_bind_blob(statement, 1, secret, STORE_SECRET_SIZE, SQLITE_STATIC);
    rc = sqlite3_step(statement);
    bool ok = rc == SQLITE_DONE || sqlite_fail(c, rc, reterr);
    sqlite3_finalize(statement);
    return ok;
}

static bool fill_new(struct connection *c, const uint8_t *secret, struct err *reterr)
{
    char fill[512];
    snprintf(fill, sizeof(fill),
             "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
             " INSERT INTO shard (shard, epoch) SELECT i, 0 FROM n;"
             "PRAGMA application_id = %d;"
             "PRAGMA user_version = %d;",
             SHARD_COUNT - 1, SQLITE_STORE_APPLICATION_ID, SQLITE_STORE_SCHEMA);
    return sqlite_run_text(c, schema, reterr) && sqlite_run_text(c, fill, reterr) &&
           put_secret(c, secret, reterr);
}

bool schema_create(struct connection *c, const uint8_t *secret, struct err *reterr)
{
    ASSERT(secret);
    if (!sqlite_run_text(c, "BEGIN IMMEDIATE", reterr))
        return false;
    /* Asked again under the lock: another process may have been quicker. */
    enum schema_state state = SCHEMA_EMPTY;
    int64_t version = 0;
    bool ok = schema_check(c, &state, &version, reterr) &&
              (state != SCHEMA_EMPTY || fill_new(c, secret, reterr)) &&
              sqlite_run_text(c, "COMMIT", reterr);
    if (!ok && !sqlite3_get_autocommit(c->db))
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    return ok;
}

/* ---- views ---- */

/* They are the release's and no part of the schema: no release reads through them, and
 * each replaces those of another. What tells them apart is kept in table meta. */
static bool views_are_there(struct connection *c, const uint8_t digest[static SHA256_SIZE],
                            bool *ret_there, struct err *reterr)
{
    sqlite3_stmt *ask;
    int rc = sqlite3_prepare_v2(c->db, "SELECT 1 FROM meta WHERE name = 'views' AND value = ?1", -1,
                                &ask, NULL);
    if (rc != SQLITE_OK)
        return sqlite_fail(c, rc, reterr);
    bind_hash(ask, 1, digest);
    rc = sqlite3_step(ask);
    *ret_there = rc == SQLITE_ROW;
    bool ok = rc == SQLITE_ROW || rc == SQLITE_DONE || sqlite_fail(c, rc, reterr);
    sqlite3_finalize(ask);
    return ok;
}

static bool put_digest(struct connection *c, const uint8_t digest[static SHA256_SIZE],
                       struct err *reterr)
{
    sqlite3_stmt *put;
    int rc = sqlite3_prepare_v2(
        c->db, "INSERT OR REPLACE INTO meta (name, value) VALUES ('views', ?1)", -1, &put, NULL);
    if (rc != SQLITE_OK)
        return sqlite_fail(c, rc, reterr);
    bind_hash(put, 1, digest);
    rc = sqlite3_step(put);
    bool ok = rc == SQLITE_DONE || sqlite_fail(c, rc, reterr);
    sqlite3_finalize(put);
    return ok;
}

bool schema_put_views(struct connection *c, const char *views, struct err *reterr)
{
    uint8_t digest[SHA256_SIZE];
    bool there = false;
    sha256(str_of_cstr(views), digest);
    if (!views_are_there(c, digest, &there, reterr) || there)
        return there;
    bool ok = sqlite_run_text(c, "BEGIN IMMEDIATE", reterr) && sqlite_run_text(c, views, reterr) &&
              put_digest(c, digest, reterr) && sqlite_run_text(c, "COMMIT", reterr);
    if (!ok && !sqlite3_get_autocommit(c->db))
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    return ok;
}

bool schema_read_secret(struct connection *c, uint8_t to[static STORE_SECRET_SIZE],
                        struct err *reterr)
{
    sqlite3_stmt *statement;
    int rc = sqlite3_prepare_v2(c->db, "SELECT value FROM meta WHERE name = 'secret'", -1,
                                &statement, NULL);
    if (rc != SQLITE_OK)
        return sqlite_fail(c, rc, reterr);
    rc = sqlite3_step(statement);
    bool there = rc == SQLITE_ROW && sqlite3_column_type(statement, 0) == SQLITE_BLOB &&
                 sqlite3_column_bytes(statement, 0) == STORE_SECRET_SIZE;
    if (there)
        memcpy(to, sqlite3_column_blob(statement, 0), STORE_SECRET_SIZE);
    else if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        err_set(reterr, ERR_CORRUPT, "the store %s has lost its secret (table meta)", c->path);
    else
        sqlite_fail(c, rc, reterr);
    sqlite3_finalize(statement);
    return there;
}
