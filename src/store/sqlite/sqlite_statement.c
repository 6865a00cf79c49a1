#include "store/sqlite/sqlite_internal.h"

static const char *const texts[SQL_COUNT] = {
#define SQL_TEXT(name, text) [SQL_##name] = text,
    SQL_TABLE(SQL_TEXT)
#undef SQL_TEXT
};

bool statements_prepare(struct sqlite_store *s, struct err *reterr)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        int rc = sqlite3_prepare_v3(s->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &s->statements[i], NULL);
        if (rc == SQLITE_ERROR) { /* a table or column is missing */
            err_set(reterr, ERR_CORRUPT, "the store %s does not have the schema that it says",
                    s->path);
            err_detail(reterr, "%s", sqlite3_errmsg(s->db));
            return false;
        }
        if (rc != SQLITE_OK)
            return sqlite_fail(s, rc, reterr);
    }
    return true;
}

void statements_finalize(struct sqlite_store *s)
{
    for (int i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(s->statements[i]);
}

bool sqlite_run_text(struct sqlite_store *s, const char *sql, struct err *reterr)
{
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? true : sqlite_fail(s, rc, reterr);
}

int sqlite_finish(sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    sqlite3_reset(statement);
    return rc;
}

bool sqlite_run(struct sqlite_store *s, enum sql which, struct err *reterr)
{
    int rc = sqlite_finish(s->statements[which]);
    return rc == SQLITE_DONE ? true : sqlite_fail(s, rc, reterr);
}

/* A parameter that is not there, or a text above SQLite's own limit, is a bug. */
static void bound(int rc)
{
    if (rc == SQLITE_NOMEM)
        panic(__FILE__, __LINE__, "out of memory");
    ASSERT(rc == SQLITE_OK);
}

void bind_int(sqlite3_stmt *statement, int at, int64_t value)
{
    bound(sqlite3_bind_int64(statement, at, value));
}

void bind_int_or_null(sqlite3_stmt *statement, int at, int64_t value)
{
    bound(value ? sqlite3_bind_int64(statement, at, value) : sqlite3_bind_null(statement, at));
}

void bind_text(sqlite3_stmt *statement, int at, struct str text)
{
    bound(sqlite3_bind_text64(statement, at, text.len ? text.ptr : "", text.len, SQLITE_STATIC,
                              SQLITE_UTF8));
}

void bind_hash(sqlite3_stmt *statement, int at, const uint8_t hash[static SHA256_SIZE])
{
    bound(sqlite3_bind_blob(statement, at, hash, SHA256_SIZE, SQLITE_STATIC));
}
