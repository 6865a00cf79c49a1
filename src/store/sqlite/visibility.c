#include "store/visibility.h"

#include "store/sqlite/sqlite_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    VISIBILITY_SCHEMA = 3,
    VISIBILITY_APPLICATION_ID = 0x50574c56, /* "PWLV" */
};

/* Keys ascend with time, so each index appends for each of its values. */
static const char schema[] =
    "CREATE TABLE position (\n"
    "  one INTEGER PRIMARY KEY CHECK (one = 1),\n"
    "  seq INTEGER NOT NULL,             -- of the journal: up to here all is projected\n"
    "  checksum INTEGER NOT NULL         -- of that row: is it still the same store?\n"
    ") STRICT;\n"
    "CREATE TABLE machine (id INTEGER PRIMARY KEY, org INTEGER NOT NULL, arn TEXT NOT NULL,\n"
    "  UNIQUE (org, arn)) STRICT;\n"
    "CREATE TABLE tally (machine INTEGER NOT NULL, status INTEGER NOT NULL,\n"
    "  count INTEGER NOT NULL, PRIMARY KEY (machine, status)) STRICT, WITHOUT ROWID;\n"
    "CREATE TABLE seen (\n"
    "  key INTEGER PRIMARY KEY,\n"
    "  org INTEGER NOT NULL,\n"
    "  machine INTEGER NOT NULL,\n"
    "  status INTEGER NOT NULL,\n"
    "  name TEXT,                        -- the client's\n"
    "  express INTEGER,                  -- 1: of an Express machine\n"
    "  redriven INTEGER                  -- 1: it went on after it had ended\n"
    ") STRICT;\n"
    "CREATE INDEX seen_machine_status ON seen (machine, status);\n"
    "CREATE INDEX seen_status ON seen (org, status);\n"
    "CREATE INDEX seen_live ON seen (key) WHERE express = 1 AND status = 0;\n"
    "CREATE INDEX seen_redriven ON seen (org) WHERE redriven = 1;\n"
    "CREATE INDEX seen_name ON seen (org, name) WHERE name IS NOT NULL;\n"
    "INSERT INTO position VALUES (1, 0, 0);\n";

#define VISIBILITY_SQL(X)                                                                          \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                    \
    X(COMMIT, "COMMIT")                                                                            \
    X(SET_POSITION, "UPDATE position SET seq = ?1, checksum = ?2")                                 \
    X(PUT_MACHINE, "INSERT INTO machine (org, arn) VALUES (?1, ?2)"                                \
                   " ON CONFLICT DO UPDATE SET arn = arn RETURNING id")                            \
    X(GET_STATUS, "SELECT status FROM seen WHERE key = ?1")                                        \
    X(PUT, "INSERT INTO seen (key, org, machine, status, name, express, redriven)"                 \
           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING")                          \
    X(SET_REDRIVEN, "UPDATE seen SET redriven = 1 WHERE key = ?1 AND redriven IS NULL")            \
    X(NEXT_LIVE, "SELECT key FROM seen INDEXED BY seen_live"                                       \
                 " WHERE express = 1 AND status = 0 AND key > ?1 ORDER BY key LIMIT ?2")           \
    X(SET_STATUS, "UPDATE seen SET status = ?2 WHERE key = ?1")                                    \
    X(COUNT_UP, "INSERT INTO tally (machine, status, count) VALUES (?1, ?2, ?3)"                   \
                " ON CONFLICT DO UPDATE SET count = count + excluded.count")

enum visibility_sql {
#define VISIBILITY_SQL_ENUM(name, text) V_##name,
    VISIBILITY_SQL(VISIBILITY_SQL_ENUM)
#undef VISIBILITY_SQL_ENUM
    V_COUNT
};

/* The tallies of one machine in a batch. */
struct known_machine {
    int64_t id; /* 0: none */
    org_id org;
    struct str arn; /* malloc */
    int64_t changes[EXECUTION_STATUS_COUNT];
};

struct visibility {
    char *path, *store_path;         /* malloc */
    pthread_mutex_t step, list;      /* each guards its connections */
    struct connection writer, store; /* store: reads the journal */
    sqlite3_stmt *statements[V_COUNT], *next_turns, *row;
    int64_t position;
    execution_key looked; /* up to here Express executions that run were looked up */
    struct known_machine machines[VISIBILITY_MACHINES_MAX];
    struct connection reader; /* lists */
    struct connection truth;  /* lag: of the store, for those who list */
};

/* ---- filters ---- */

bool visibility_check_filter(struct str name, struct err *reterr)
{
#define VISIBILITY_FILTER_IS(filter, takes)                                                        \
    if (str_eq(name, STR(#filter)))                                                                \
        return true;
    VISIBILITY_FILTER_TABLE(VISIBILITY_FILTER_IS)
#undef VISIBILITY_FILTER_IS
#define VISIBILITY_FILTER_SAID(filter, takes) " " #filter " (" takes ");"
    return err_set(reterr, ERR_INVALID_INPUT,
                   "executions cannot be filtered by \"" STR_FMT
                   "\", for which there is no index; there are:" VISIBILITY_FILTER_TABLE(
                       VISIBILITY_FILTER_SAID),
                   STR_ARG(name));
#undef VISIBILITY_FILTER_SAID
}

/* ---- opening ---- */

static bool is_usable(struct connection *c, struct err *reterr)
{
    int64_t application = 0, version = 0;
    if (!connection_ask(c, "PRAGMA application_id", &application, reterr) ||
        !connection_ask(c, "PRAGMA user_version", &version, reterr))
        return false;
    return (application == VISIBILITY_APPLICATION_ID && version == VISIBILITY_SCHEMA) ||
           err_set(reterr, ERR_NOT_FOUND, "%s is not of this release", c->path);
}

/* Is it of this store? The row at its position must be the one that was there. */
static bool check_position(struct visibility *v, struct connection *c, struct connection *store,
                           struct err *reterr)
{
    int64_t checksum = 0, same = 0;
    char ask[128];
    if (!is_usable(c, reterr) ||
        !connection_ask(c, "SELECT seq FROM position", &v->position, reterr) ||
        !connection_ask(c, "SELECT checksum FROM position", &checksum, reterr))
        return false;
    snprintf(ask, sizeof(ask), "SELECT count(*) FROM journal WHERE seq = %lld AND checksum = %lld",
             (long long)v->position, (long long)checksum);
    if (!connection_ask(store, ask, &same, reterr))
        return false;
    return v->position == 0 || same == 1 ||
           err_set(reterr, ERR_NOT_FOUND, "%s is of another store", c->path);
}

static bool make_schema(struct connection *c, struct err *reterr)
{
    char mark[96];
    snprintf(mark, sizeof(mark), "PRAGMA application_id = %d; PRAGMA user_version = %d",
             VISIBILITY_APPLICATION_ID, VISIBILITY_SCHEMA);
    return sqlite_run_text(c, "BEGIN IMMEDIATE", reterr) && sqlite_run_text(c, schema, reterr) &&
           sqlite_run_text(c, mark, reterr) && sqlite_run_text(c, "COMMIT", reterr);
}

/* NORMAL syncs at checkpoints only: a power cut loses batches and never order. */
#define SETTINGS                                                                                   \
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -4096;"           \
    "PRAGMA journal_size_limit = 16777216;"

static bool open_writer(struct visibility *v, struct err *reterr)
{
    int64_t objects = 0;
    v->writer.path = v->path;
    return connection_open_file(&v->writer, NULL, reterr) &&
           sqlite_run_text(&v->writer, SETTINGS, reterr) &&
           connection_ask(&v->writer, "SELECT count(*) FROM sqlite_schema", &objects, reterr) &&
           (objects || make_schema(&v->writer, reterr)) &&
           check_position(v, &v->writer, &v->store, reterr);
}

static void remove_with_suffix(const char *path, const char *suffix)
{
    char *name;
    if (asprintf(&name, "%s%s", path, suffix) < 0)
        panic(__FILE__, __LINE__, "out of memory");
    unlink(name);
    free(name);
}

/* What cannot be used is made anew. */
static bool open_or_make(struct visibility *v, struct err *reterr)
{
    struct err err;
    if (open_writer(v, &err))
        return true;
    connection_release(&v->writer);
    if (err.code != ERR_NOT_FOUND && err.code != ERR_CORRUPT && err.code != ERR_INTERNAL) {
        *reterr = err;
        return false;
    }
    remove_with_suffix(v->path, "");
    remove_with_suffix(v->path, "-wal");
    remove_with_suffix(v->path, "-shm");
    return open_writer(v, reterr);
}

static bool prepare(const struct connection *c, const char *sql, sqlite3_stmt **ret_statement,
                    struct err *reterr)
{
    int rc = sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL);
    return rc == SQLITE_OK ? true : sqlite_fail(c, rc, reterr);
}

static bool prepare_all(struct visibility *v, struct err *reterr)
{
    static const char *const texts[V_COUNT] = {
#define VISIBILITY_SQL_TEXT(name, text) [V_##name] = text,
        VISIBILITY_SQL(VISIBILITY_SQL_TEXT)
#undef VISIBILITY_SQL_TEXT
    };
    for (int i = 0; i < V_COUNT; i++)
        if (!prepare(&v->writer, texts[i], &v->statements[i], reterr))
            return false;
    return prepare(&v->store,
                   "SELECT j.seq, j.execution, j.checksum, e.org, e.status, e.name, e.machine_arn,"
                   " e.express, j.turn, e.redrive_count > 0"
                   " FROM journal j LEFT JOIN execution e ON e.key = j.execution"
                   " WHERE j.seq > ?1 ORDER BY j.seq LIMIT ?2",
                   &v->next_turns, reterr) &&
           prepare(&v->store,
                   "SELECT 0, key, 0, org, status, name, machine_arn, express, 1, 0"
                   " FROM execution WHERE key = ?1",
                   &v->row, reterr);
}

static struct visibility *visibility_new(const char *path, const char *store_path)
{
    struct visibility *v = calloc(1, sizeof(*v));
    if (!v || !(v->path = strdup(path)) || !(v->store_path = strdup(store_path)))
        panic(__FILE__, __LINE__, "out of memory");
    v->store.path = v->truth.path = v->store_path;
    v->reader.path = v->writer.path = v->path;
    pthread_mutex_init(&v->step, NULL);
    pthread_mutex_init(&v->list, NULL);
    return v;
}

/* A reader of a file with a schema of its own. */
static bool open_list_reader(struct visibility *v, struct err *reterr)
{
    int rc =
        sqlite3_open_v2(v->path, &v->reader.db,
                        SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (!v->reader.db)
        panic(__FILE__, __LINE__, "out of memory");
    if (rc != SQLITE_OK)
        return (rc & 0xff) == SQLITE_CANTOPEN
                   ? err_set(reterr, ERR_NOT_FOUND, "there is no projection %s", v->path)
                   : sqlite_fail(&v->reader, rc, reterr);
    sqlite3_busy_timeout(v->reader.db, SQLITE_STORE_BUSY_MS);
    return true;
}

bool visibility_open(const char *path, const char *store_path, struct visibility **ret_visibility,
                     struct err *reterr)
{
    struct visibility *v = visibility_new(path, store_path);
    if (connection_open_reader(&v->store, NULL, reterr) && open_or_make(v, reterr) &&
        prepare_all(v, reterr) && connection_open_reader(&v->truth, NULL, reterr) &&
        open_list_reader(v, reterr)) {
        *ret_visibility = v;
        return true;
    }
    visibility_close(v);
    return false;
}

bool visibility_open_reader(const char *path, const char *store_path,
                            struct visibility **ret_visibility, struct err *reterr)
{
    struct visibility *v = visibility_new(path, store_path);
    if (connection_open_reader(&v->truth, NULL, reterr) && open_list_reader(v, reterr) &&
        check_position(v, &v->reader, &v->truth, reterr)) {
        *ret_visibility = v;
        return true;
    }
    visibility_close(v);
    return false;
}

void visibility_close(struct visibility *v)
{
    if (!v)
        return;
    for (int i = 0; i < V_COUNT; i++)
        sqlite3_finalize(v->statements[i]);
    sqlite3_finalize(v->next_turns);
    sqlite3_finalize(v->row);
    connection_release(&v->reader);
    connection_release(&v->truth);
    connection_release(&v->store);
    connection_release(&v->writer);
    for (size_t i = 0; i < VISIBILITY_MACHINES_MAX; i++)
        free((char *)(uintptr_t)v->machines[i].arn.ptr);
    pthread_mutex_destroy(&v->step);
    pthread_mutex_destroy(&v->list);
    free(v->path);
    free(v->store_path);
    free(v);
}

/* ---- projecting ---- */

struct seen {
    execution_key key;
    org_id org;
    enum execution_status status;
    bool begins; /* with its first turn: nothing is known of it */
    bool express, redriven;
    struct str name, machine_arn;
};

struct batch {
    struct arena *arena;
    struct seen *rows;
    size_t count, capacity, turns;
    int64_t seq, checksum; /* of the last turn */
};

static struct str column_text(struct arena *a, sqlite3_stmt *row, int at)
{
    const char *text = (const char *)sqlite3_column_text(row, at);
    return text ? arena_str(a, str_of(text, (size_t)sqlite3_column_bytes(row, at))) : STR("");
}

static int status_number(const char *name)
{
    for (int i = 0; name && i < EXECUTION_STATUS_COUNT; i++)
        if (strcmp(name, execution_status_name((enum execution_status)i)) == 0)
            return i;
    return STORE_ANY_STATUS;
}

/* One row an execution: what it is now, whatever its turns in the batch. A damaged
 * status is left out, as it is from the store's own lists. */
static void take_row(struct batch *b, sqlite3_stmt *row)
{
    execution_key key = sqlite3_column_int64(row, 1);
    int status = status_number((const char *)sqlite3_column_text(row, 4));
    if (status == STORE_ANY_STATUS || (b->count && b->rows[b->count - 1].key == key))
        return;
    b->rows = arena_grow(b->arena, b->rows, b->count, &b->capacity, sizeof(*b->rows));
    struct seen *s = &b->rows[b->count++];
    const struct seen *last = b->count > 1 ? s - 1 : NULL;
    s->key = key;
    s->express = sqlite3_column_int64(row, 7) == 1;
    s->begins = sqlite3_column_int64(row, 8) == 0;
    s->redriven = sqlite3_column_int64(row, 9) == 1;
    s->org = (org_id)sqlite3_column_int64(row, 3);
    s->status = (enum execution_status)status;
    s->name = column_text(b->arena, row, 5);
    const char *arn = (const char *)sqlite3_column_text(row, 6);
    if (last && arn && str_eq(last->machine_arn, str_of_cstr(arn)))
        s->machine_arn = last->machine_arn;
    else
        s->machine_arn = column_text(b->arena, row, 6);
}

static void take_turn(struct batch *b, sqlite3_stmt *row)
{
    b->turns++;
    b->seq = sqlite3_column_int64(row, 0);
    b->checksum = sqlite3_column_int64(row, 2);
    take_row(b, row);
}

/* One short read transaction of the store, over before anything is written. */
static bool read_turns(struct visibility *v, size_t rows_max, struct batch *b, struct err *reterr)
{
    int rc;
    bind_int(v->next_turns, 1, v->position);
    bind_int(v->next_turns, 2, (int64_t)rows_max);
    while ((rc = sqlite3_step(v->next_turns)) == SQLITE_ROW)
        take_turn(b, v->next_turns);
    sqlite3_reset(v->next_turns);
    return rc == SQLITE_DONE ? true : sqlite_fail(&v->store, rc, reterr);
}

/* Adds it when it has ended. */
static bool look_up(struct visibility *v, execution_key key, struct batch *b, struct err *reterr)
{
    bind_int(v->row, 1, key);
    int rc = sqlite3_step(v->row);
    if (rc == SQLITE_ROW &&
        status_number((const char *)sqlite3_column_text(v->row, 4)) != EXECUTION_RUNNING)
        take_row(b, v->row);
    sqlite3_reset(v->row);
    return rc == SQLITE_ROW || rc == SQLITE_DONE || sqlite_fail(&v->store, rc, reterr);
}

/* The end of an Express execution is written without a turn: those that run are looked
 * up, some in each step, and all of them one after the other. */
static bool read_live(struct visibility *v, size_t rows_max, struct batch *b, struct err *reterr)
{
    sqlite3_stmt *next = v->statements[V_NEXT_LIVE];
    execution_key last = v->looked;
    size_t count = 0;
    int rc = SQLITE_DONE;
    bool good = true;
    bind_int(next, 1, v->looked);
    bind_int(next, 2, (int64_t)rows_max);
    while (good && (rc = sqlite3_step(next)) == SQLITE_ROW) {
        last = sqlite3_column_int64(next, 0);
        good = look_up(v, last, b, reterr);
        count++;
    }
    sqlite3_reset(next);
    if (!good)
        return false;
    v->looked = count == rows_max ? last : 0;
    return rc == SQLITE_DONE ? true : sqlite_fail(&v->writer, rc, reterr);
}

static bool run(struct visibility *v, enum visibility_sql which, struct err *reterr)
{
    int rc = sqlite_finish(v->statements[which]);
    return rc == SQLITE_DONE ? true : sqlite_fail(&v->writer, rc, reterr);
}

static bool flush_tally(struct visibility *v, struct known_machine *m, struct err *reterr)
{
    for (int status = 0; status < EXECUTION_STATUS_COUNT; status++) {
        if (!m->changes[status])
            continue;
        sqlite3_stmt *count = v->statements[V_COUNT_UP];
        bind_int(count, 1, m->id);
        bind_int(count, 2, status);
        bind_int(count, 3, m->changes[status]);
        if (!run(v, V_COUNT_UP, reterr))
            return false;
        m->changes[status] = 0;
    }
    return true;
}

static bool find_machine(struct visibility *v, const struct seen *s,
                         struct known_machine **ret_machine, struct err *reterr)
{
    struct known_machine *m = &v->machines[str_hash(s->machine_arn) % VISIBILITY_MACHINES_MAX];
    *ret_machine = m;
    if (m->id && m->org == s->org && str_eq(m->arn, s->machine_arn))
        return true;
    if (!flush_tally(v, m, reterr))
        return false;
    sqlite3_stmt *put = v->statements[V_PUT_MACHINE];
    bind_int(put, 1, s->org);
    bind_text(put, 2, s->machine_arn);
    int rc = sqlite3_step(put);
    m->id = rc == SQLITE_ROW ? sqlite3_column_int64(put, 0) : 0;
    sqlite3_reset(put);
    if (rc != SQLITE_ROW)
        return sqlite_fail(&v->writer, rc, reterr);
    free((char *)(uintptr_t)m->arn.ptr);
    m->org = s->org;
    m->arn = (struct str){strndup(s->machine_arn.ptr, s->machine_arn.len), s->machine_arn.len};
    if (!m->arn.ptr)
        panic(__FILE__, __LINE__, "out of memory");
    return true;
}

/* Nothing when it is there. */
static bool insert(struct visibility *v, const struct seen *s, struct known_machine *m,
                   bool *ret_new, struct err *reterr)
{
    sqlite3_stmt *put = v->statements[V_PUT];
    bind_int(put, 1, s->key);
    bind_int(put, 2, s->org);
    bind_int(put, 3, m->id);
    bind_int(put, 4, s->status);
    bind_text_or_null(put, 5, s->name);
    bind_int_or_null(put, 6, s->express);
    bind_int_or_null(put, 7, s->redriven);
    if (!run(v, V_PUT, reterr))
        return false;
    *ret_new = sqlite3_changes(v->writer.db) > 0;
    m->changes[s->status] += *ret_new;
    return true;
}

static bool update(struct visibility *v, const struct seen *s, struct known_machine *m,
                   int64_t before, struct err *reterr)
{
    bind_int(v->statements[V_SET_REDRIVEN], 1, s->key);
    if (s->redriven && !run(v, V_SET_REDRIVEN, reterr))
        return false;
    if (before == (int64_t)s->status || before < 0 || before >= EXECUTION_STATUS_COUNT)
        return true;
    m->changes[before]--;
    m->changes[s->status]++;
    sqlite3_stmt *set = v->statements[V_SET_STATUS];
    bind_int(set, 1, s->key);
    bind_int(set, 2, s->status);
    return run(v, V_SET_STATUS, reterr);
}

static bool project(struct visibility *v, const struct seen *s, struct err *reterr)
{
    struct known_machine *m;
    bool is_new = false;
    if (!find_machine(v, s, &m, reterr) || (s->begins && !insert(v, s, m, &is_new, reterr)))
        return false;
    if (is_new)
        return true;
    sqlite3_stmt *get = v->statements[V_GET_STATUS];
    bind_int(get, 1, s->key);
    int rc = sqlite3_step(get);
    int64_t before = rc == SQLITE_ROW ? sqlite3_column_int64(get, 0) : -1;
    sqlite3_reset(get);
    if (rc == SQLITE_DONE)
        return insert(v, s, m, &is_new, reterr);
    return rc == SQLITE_ROW ? update(v, s, m, before, reterr) : sqlite_fail(&v->writer, rc, reterr);
}

static bool write_batch(struct visibility *v, const struct batch *b, struct err *reterr)
{
    if (!run(v, V_BEGIN, reterr))
        return false;
    for (size_t i = 0; i < b->count; i++)
        if (!project(v, &b->rows[i], reterr))
            return false;
    for (size_t i = 0; i < VISIBILITY_MACHINES_MAX; i++)
        if (!flush_tally(v, &v->machines[i], reterr))
            return false;
    bind_int(v->statements[V_SET_POSITION], 1, b->seq);
    bind_int(v->statements[V_SET_POSITION], 2, b->checksum);
    return (!b->turns || run(v, V_SET_POSITION, reterr)) && run(v, V_COMMIT, reterr);
}

/* After a failure nothing that was remembered of the batch is so. */
static void forget_batch(struct visibility *v)
{
    if (!sqlite3_get_autocommit(v->writer.db))
        sqlite3_exec(v->writer.db, "ROLLBACK", NULL, NULL, NULL);
    for (size_t i = 0; i < VISIBILITY_MACHINES_MAX; i++) {
        free((char *)(uintptr_t)v->machines[i].arn.ptr);
        v->machines[i] = (struct known_machine){0};
    }
}

static bool step(struct visibility *v, size_t rows_max, bool *ret_more, struct err *reterr)
{
    struct batch b = {.arena = arena_new(0)};
    if (rows_max == 0 || rows_max > VISIBILITY_BATCH_ROWS)
        rows_max = VISIBILITY_BATCH_ROWS;
    bool ok = read_live(v, rows_max, &b, reterr) && read_turns(v, rows_max, &b, reterr);
    if (ok && (b.turns || b.count)) {
        ok = write_batch(v, &b, reterr);
        if (ok && b.turns)
            v->position = b.seq;
        else if (!ok)
            forget_batch(v);
    }
    *ret_more = ok && b.turns == rows_max;
    arena_free(b.arena);
    return ok;
}

bool visibility_step(struct visibility *v, size_t rows_max, bool *ret_more, struct err *reterr)
{
    ASSERT(v->writer.db);
    pthread_mutex_lock(&v->step);
    bool ok = step(v, rows_max, ret_more, reterr);
    pthread_mutex_unlock(&v->step);
    return ok;
}

void visibility_refresh(struct visibility *v, size_t rows_max)
{
    struct err err;
    bool more;
    if (!v->writer.db || pthread_mutex_trylock(&v->step) != 0)
        return;
    bool fine = step(v, rows_max, &more, &err);
    (void)fine; /* whoever steps meets it again, and says so */
    pthread_mutex_unlock(&v->step);
}

/* ---- asking ---- */

static bool ask_lag(struct visibility *v, struct visibility_lag *ret_lag, struct err *reterr)
{
    int64_t position = 0, last = 0;
    char ask[96];
    *ret_lag = (struct visibility_lag){0};
    if (!connection_ask(&v->reader, "SELECT seq FROM position", &position, reterr) ||
        !connection_ask(&v->truth, "SELECT coalesce(max(seq), 0) FROM journal", &last, reterr))
        return false;
    if (last <= position)
        return true;
    ret_lag->rows = last - position;
    snprintf(ask, sizeof(ask), "SELECT at FROM journal WHERE seq > %lld ORDER BY seq LIMIT 1",
             (long long)position);
    return connection_ask(&v->truth, ask, &ret_lag->since.ms, reterr);
}

bool visibility_lag(struct visibility *v, struct visibility_lag *ret_lag, struct err *reterr)
{
    pthread_mutex_lock(&v->list);
    bool ok = ask_lag(v, ret_lag, reterr);
    pthread_mutex_unlock(&v->list);
    return ok;
}

/* The id of a machine; 0: nothing was seen of it. */
static bool machine_id(struct visibility *v, org_id org, struct str arn, int64_t *ret_id,
                       struct err *reterr)
{
    sqlite3_stmt *ask;
    if (!prepare(&v->reader, "SELECT id FROM machine WHERE org = ?1 AND arn = ?2", &ask, reterr))
        return false;
    bind_int(ask, 1, org);
    bind_text(ask, 2, arn);
    int rc = sqlite3_step(ask);
    *ret_id = rc == SQLITE_ROW ? sqlite3_column_int64(ask, 0) : 0;
    bool ok = rc == SQLITE_ROW || rc == SQLITE_DONE || sqlite_fail(&v->reader, rc, reterr);
    sqlite3_finalize(ask);
    return ok;
}

/* Each combination has its index, whose rows lie in the order of keys, but for that of
 * names, whose matches are sorted; all of a machine are merged from its statuses. Few
 * are redriven: those that are have their own, and the others are looked for in theirs. */
static const char *query_text(const struct visibility_query *q)
{
#define REDRIVEN " AND (?8 = 0 OR coalesce(redriven, 2) = ?8)"
#define LIST_SQL(index, where)                                                                     \
    "SELECT key FROM seen " index " WHERE " where " AND key < ?5 AND key >= ?6" REDRIVEN           \
    " ORDER BY key DESC LIMIT ?7"
#define OF_STATUS(status)                                                                          \
    "SELECT key FROM seen INDEXED BY seen_machine_status WHERE machine = ?2 AND status = " status  \
    " AND key < ?5 AND key >= ?6" REDRIVEN
    if (q->name_prefix.len)
        return LIST_SQL("INDEXED BY seen_name",
                        "org = ?1 AND name >= ?4 AND name < ?4 || char(1114111)"
                        " AND (?2 = 0 OR machine = ?2) AND (?3 < 0 OR status = ?3)");
    if (q->redrive == REDRIVE_YES)
        return LIST_SQL("INDEXED BY seen_redriven",
                        "org = ?1 AND redriven = 1 AND (?2 = 0 OR machine = ?2)"
                        " AND (?3 < 0 OR status = ?3)");
    if (q->machine_arn.len && q->status >= 0)
        return LIST_SQL("INDEXED BY seen_machine_status", "machine = ?2 AND status = ?3");
    if (q->machine_arn.len)
        return OF_STATUS("0") " UNION ALL " OF_STATUS("1") " UNION ALL " OF_STATUS(
            "2") " UNION ALL " OF_STATUS("3") " UNION ALL " OF_STATUS("4") " ORDER BY key DESC"
                                                                           " LIMIT ?7";
    if (q->status >= 0)
        return LIST_SQL("INDEXED BY seen_status", "org = ?1 AND status = ?3");
    return LIST_SQL("NOT INDEXED", "org = ?1");
#undef LIST_SQL
#undef OF_STATUS
#undef REDRIVEN
}

_Static_assert(EXECUTION_STATUS_COUNT == 5, "query_text merges that many statuses");

_Static_assert(REDRIVE_ANY == 0 && REDRIVE_YES == 1 && REDRIVE_NO == 2,
               "query_text compares these numbers");

static execution_key key_at(struct wall_ms at)
{
    return execution_key_make(at, 0);
}

static bool list(struct visibility *v, const struct visibility_query *q, execution_key *ret_keys,
                 size_t keys_max, size_t *ret_count, bool *ret_more, struct err *reterr)
{
    int64_t machine = 0;
    sqlite3_stmt *ask;
    *ret_count = 0;
    *ret_more = false;
    if (q->machine_arn.len && !machine_id(v, q->org, q->machine_arn, &machine, reterr))
        return false;
    if (q->machine_arn.len && machine == 0)
        return true;
    if (!prepare(&v->reader, query_text(q), &ask, reterr))
        return false;
    execution_key below = q->below ? q->below : INT64_MAX;
    if (q->until.ms && key_at(q->until) < below)
        below = key_at(q->until);
    int64_t values[] = {q->org,
                        machine,
                        q->status,
                        0,
                        below,
                        q->since.ms ? key_at(q->since) : 0,
                        (int64_t)keys_max + 1,
                        q->redrive};
    for (int i = 0; i < (int)COUNT_OF(values) && i < sqlite3_bind_parameter_count(ask); i++)
        if (i != 3)
            bind_int(ask, i + 1, values[i]);
    if (q->name_prefix.len)
        bind_text(ask, 4, q->name_prefix);
    int rc;
    while ((rc = sqlite3_step(ask)) == SQLITE_ROW && *ret_count < keys_max)
        ret_keys[(*ret_count)++] = sqlite3_column_int64(ask, 0);
    *ret_more = rc == SQLITE_ROW;
    bool ok = rc == SQLITE_ROW || rc == SQLITE_DONE || sqlite_fail(&v->reader, rc, reterr);
    sqlite3_finalize(ask);
    return ok;
}

bool visibility_list(struct visibility *v, const struct visibility_query *q,
                     execution_key *ret_keys, size_t keys_max, size_t *ret_count, bool *ret_more,
                     struct err *reterr)
{
    pthread_mutex_lock(&v->list);
    bool ok = list(v, q, ret_keys, keys_max, ret_count, ret_more, reterr);
    pthread_mutex_unlock(&v->list);
    return ok;
}

static bool count(struct visibility *v, org_id org, struct str machine_arn, int64_t *ret_counts,
                  struct err *reterr)
{
    sqlite3_stmt *ask;
    if (!prepare(&v->reader,
                 "SELECT t.status, sum(t.count) FROM machine m JOIN tally t ON t.machine = m.id"
                 " WHERE m.org = ?1 AND (?2 = '' OR m.arn = ?2) GROUP BY t.status",
                 &ask, reterr))
        return false;
    bind_int(ask, 1, org);
    bind_text(ask, 2, machine_arn);
    int rc;
    while ((rc = sqlite3_step(ask)) == SQLITE_ROW) {
        int64_t status = sqlite3_column_int64(ask, 0);
        if (status >= 0 && status < EXECUTION_STATUS_COUNT)
            ret_counts[status] = sqlite3_column_int64(ask, 1);
    }
    bool ok = rc == SQLITE_DONE || sqlite_fail(&v->reader, rc, reterr);
    sqlite3_finalize(ask);
    return ok;
}

bool visibility_count(struct visibility *v, org_id org, struct str machine_arn,
                      int64_t ret_counts[static EXECUTION_STATUS_COUNT], struct err *reterr)
{
    memset(ret_counts, 0, EXECUTION_STATUS_COUNT * sizeof(*ret_counts));
    pthread_mutex_lock(&v->list);
    bool ok = count(v, org, machine_arn, ret_counts, reterr);
    pthread_mutex_unlock(&v->list);
    return ok;
}
