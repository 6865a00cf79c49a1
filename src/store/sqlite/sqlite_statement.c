#include "store/sqlite/sqlite_internal.h"

static const char *const texts[SQL_COUNT] = {
#define SQL_TEXT(name, text) [SQL_##name] = text,
    SQL_TABLE(SQL_TEXT)
#undef SQL_TEXT
};

bool statements_prepare(struct connection *c, struct err *reterr)
{
    for (int i = 0; i < SQL_COUNT; i++) {
        int rc = sqlite3_prepare_v3(c->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &c->statements[i], NULL);
        if (rc == SQLITE_ERROR) { /* a table or column is missing */
            err_set(reterr, ERR_CORRUPT, "the store %s does not have the schema that it says",
                    c->path);
            err_detail(reterr, "%s", sqlite3_errmsg(c->db));
            return false;
        }
        if (rc != SQLITE_OK)
            return sqlite_fail(c, rc, reterr);
    }
    return true;
}

void statements_finalize(struct connection *c)
{
    for (int i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(c->statements[i]);
}

bool sqlite_run_text(struct connection *c, const char *sql, struct err *reterr)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? true : sqlite_fail(c, rc, reterr);
}

int sqlite_finish(sqlite3_stmt *statement)
{
    int rc = sqlite3_step(statement);
    sqlite3_reset(statement);
    return rc;
}

bool sqlite_run(struct connection *c, enum sql which, struct err *reterr)
{
    int rc = sqlite_finish(c->statements[which]);
    return rc == SQLITE_DONE ? true : sqlite_fail(c, rc, reterr);
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

void bind_text_or_null(sqlite3_stmt *statement, int at, struct str text)
{
    if (text.len)
        bind_text(statement, at, text);
    else
        bound(sqlite3_bind_null(statement, at));
}

void bind_hash(sqlite3_stmt *statement, int at, const uint8_t hash[static SHA256_SIZE])
{
    bound(sqlite3_bind_blob(statement, at, hash, SHA256_SIZE, SQLITE_STATIC));
}
