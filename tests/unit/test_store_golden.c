/* Stores written by every schema there was stay readable: each lies as SQL text
 * in tests/golden/store/. UPDATE=1 rewrites that of the current schema; review
 * the difference: when only the code changed, there must be none. */
#include "store/sqlite/sqlite_store.h"
#include "base/buf.h"
#include "support/store_golden.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define assert_kept(f, w, count) assert_int_equal(commit_now((f), (w), (count), NULL), ERR_NONE)

static struct store *open_sqlite(struct store_fixture *f)
{
    struct store *s;
    struct err err;
    if (!sqlite_store_open(store_fixture_path(f, "pawl.db"), SQLITE_STORE_READ_WRITE, test_secret,
                           &s, &err))
        panic(__FILE__, __LINE__, err.message);
    return s;
}

/* ---- a store as SQL text ---- */

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    return statement;
}

static void dump_rows(sqlite3 *db, const char *table, struct buf *out)
{
    char sql[128];
    snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\"", table);
    sqlite3_stmt *rows = prepare(db, sql), *quote = prepare(db, "SELECT quote(?1)");
    while (sqlite3_step(rows) == SQLITE_ROW) {
        buf_printf(out, "INSERT INTO %s VALUES (", table);
        for (int i = 0; i < sqlite3_column_count(rows); i++) {
            sqlite3_bind_value(quote, 1, sqlite3_column_value(rows, i));
            sqlite3_step(quote);
            buf_printf(out, "%s%s", i ? ", " : "", (const char *)sqlite3_column_text(quote, 0));
            sqlite3_reset(quote);
        }
        buf_printf(out, ");\n");
    }
    sqlite3_finalize(quote);
    sqlite3_finalize(rows);
}

static void dump(struct store_fixture *f, struct buf *out)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(store_fixture_path(f, "pawl.db"), &db), SQLITE_OK);
    buf_printf(out,
               "-- A store of schema %d. Rewritten by UPDATE=1, read by test_store_golden.\n"
               "PRAGMA application_id = %d;\nPRAGMA user_version = %d;\n",
               SQLITE_STORE_SCHEMA, SQLITE_STORE_APPLICATION_ID, SQLITE_STORE_SCHEMA);
    sqlite3_stmt *objects = prepare(
        db, "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid");
    while (sqlite3_step(objects) == SQLITE_ROW)
        buf_printf(out, "%s;\n", (const char *)sqlite3_column_text(objects, 2));
    sqlite3_reset(objects);
    while (sqlite3_step(objects) == SQLITE_ROW)
        if (strcmp((const char *)sqlite3_column_text(objects, 0), "table") == 0)
            dump_rows(db, (const char *)sqlite3_column_text(objects, 1), out);
    sqlite3_finalize(objects);
    sqlite3_close(db);
}

static void todays_store_is_the_golden_one(void **state)
{
    struct store_fixture *f = *state;
    store_golden_fill(f);
    struct buf now = BUF_INIT(STORE_GOLDEN_SIZE_MAX);
    dump(f, &now);
    if (getenv("UPDATE")) {
        FILE *file = fopen(store_golden_path(f->arena, SQLITE_STORE_SCHEMA), "w");
        assert_non_null(file);
        assert_int_equal(fwrite(now.ptr, 1, now.len, file), now.len);
        fclose(file);
    }
    assert_string_equal(buf_cstr(&now), store_golden_text(f->arena, SQLITE_STORE_SCHEMA));
    buf_release(&now);
}

/* The file is a store of that schema, not open. */
static void put_golden(struct store_fixture *f, int schema)
{
    store_close(f->store);
    f->store = NULL;
    remove(store_fixture_path(f, "pawl.db"));
    sqlite3 *db;
    char *message = NULL;
    assert_int_equal(sqlite3_open(store_fixture_path(f, "pawl.db"), &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    if (sqlite3_exec(db, store_golden_text(f->arena, schema), NULL, NULL, &message) != SQLITE_OK)
        fail_msg("schema %d: %s", schema, message);
    sqlite3_close(db);
}

static void every_golden_store_is_readable(void **state)
{
    struct store_fixture *f = *state;
    for (int schema = 1; schema <= SQLITE_STORE_SCHEMA; schema++) {
        put_golden(f, schema);
        f->store = open_sqlite(f);
        store_golden_check(f);
        assert_true(store_claim_all(f->store, f->epochs, NULL));
        struct store_write more = write_turn(f, 0, 1, 1);
        assert_kept(f, &more, 1);
    }
}

/* ---- old schemas ---- */

static int64_t ask(struct store_fixture *f, const char *name, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(store_fixture_path(f, name), &db, SQLITE_OPEN_READWRITE, NULL),
                     SQLITE_OK);
    sqlite3_stmt *statement = prepare(db, sql);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return answer;
}

static bool is_there(struct store_fixture *f, const char *name)
{
    FILE *file = fopen(store_fixture_path(f, name), "r");
    if (file)
        fclose(file);
    return file != NULL;
}

/* What tables, columns, indexes and views there are, and what the columns take. */
static struct buf describe_schema(struct store_fixture *f)
{
    sqlite3 *db;
    struct buf text = BUF_INIT(STORE_GOLDEN_SIZE_MAX);
    assert_int_equal(sqlite3_open(store_fixture_path(f, "pawl.db"), &db), SQLITE_OK);
    sqlite3_stmt *rows = prepare(
        db, "SELECT t.type, t.name, t.wr, t.strict, x.name, x.type, x.\"notnull\", x.pk"
            " FROM pragma_table_list t, pragma_table_xinfo(t.name) x"
            " WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, x.name");
    while (sqlite3_step(rows) == SQLITE_ROW)
        for (int i = 0; i < 8; i++)
            buf_printf(&text, "%s%c", (const char *)sqlite3_column_text(rows, i),
                       i < 7 ? ' ' : '\n');
    sqlite3_finalize(rows);
    rows = prepare(db, "SELECT name, sql FROM sqlite_schema WHERE type <> 'table' ORDER BY name");
    while (sqlite3_step(rows) == SQLITE_ROW)
        buf_printf(&text, "%s: %s\n", (const char *)sqlite3_column_text(rows, 0),
                   sqlite3_column_text(rows, 1) ? (const char *)sqlite3_column_text(rows, 1) : "");
    sqlite3_finalize(rows);
    sqlite3_close(db);
    return text;
}

static void a_migrated_store_is_like_a_new_one(void **state)
{
    struct store_fixture *f = *state;
    struct buf new = describe_schema(f);
    for (int schema = 1; schema < SQLITE_STORE_SCHEMA; schema++) {
        put_golden(f, schema);
        f->store = open_sqlite(f);
        struct buf migrated = describe_schema(f);
        assert_string_equal(buf_cstr(&migrated), buf_cstr(&new));
        buf_release(&migrated);
        assert_int_equal(ask(f, "pawl.db", "PRAGMA user_version"), SQLITE_STORE_SCHEMA);
        char copy[32];
        snprintf(copy, sizeof(copy), "pawl.db.schema-%d", schema);
        assert_int_equal(ask(f, copy, "PRAGMA user_version"), schema);
        assert_int_equal(ask(f, copy, "SELECT count(*) FROM execution"), 3);
        assert_int_equal(ask(f, copy,
                             "SELECT count(*) FROM pragma_integrity_check"
                             " WHERE integrity_check = 'ok'"),
                         1);
    }
    buf_release(&new);
}

/* The copy is a store of its own: put in the place of the other one, it is migrated. */
static void a_copy_is_a_whole_store(void **state)
{
    struct store_fixture *f = *state;
    put_golden(f, 1);
    f->store = open_sqlite(f);
    store_close(f->store);
    f->store = NULL;
    assert_false(is_there(f, "pawl.db-wal"));
    assert_int_equal(
        rename(store_fixture_path(f, "pawl.db.schema-1"), store_fixture_path(f, "pawl.db")), 0);
    f->store = open_sqlite(f);
    store_golden_check(f);
}

static void no_copy_is_overwritten(void **state)
{
    struct store_fixture *f = *state;
    FILE *foreign = fopen(store_fixture_path(f, "pawl.db.schema-1"), "w");
    fputs("a letter, and no store at all", foreign);
    fclose(foreign);
    put_golden(f, 1);
    f->store = open_sqlite(f);
    assert_int_equal(ask(f, "pawl.db.schema-1.2", "PRAGMA user_version"), 1);
    /* Another store: another copy. */
    put_golden(f, 1);
    ask(f, "pawl.db", "UPDATE shard SET epoch = 77 WHERE shard = 3 RETURNING 1");
    f->store = open_sqlite(f);
    assert_int_equal(ask(f, "pawl.db.schema-1.3", "SELECT epoch FROM shard WHERE shard = 3"), 77);
    /* The same as the last one: that copy does. */
    put_golden(f, 1);
    ask(f, "pawl.db", "UPDATE shard SET epoch = 77 WHERE shard = 3 RETURNING 1");
    f->store = open_sqlite(f);
    assert_false(is_there(f, "pawl.db.schema-1.4"));
    char text[64] = "";
    foreign = fopen(store_fixture_path(f, "pawl.db.schema-1"), "r");
    assert_non_null(fgets(text, sizeof(text), foreign));
    fclose(foreign);
    assert_string_equal(text, "a letter, and no store at all");
}

static enum err_code open_code(struct store_fixture *f, enum sqlite_store_mode mode,
                               struct err *ret_err)
{
    struct store *s;
    if (!sqlite_store_open(store_fixture_path(f, "pawl.db"), mode, test_secret, &s, ret_err))
        return ret_err->code;
    store_close(s);
    return ERR_NONE;
}

static void an_old_store_is_not_opened_for_reading(void **state)
{
    struct store_fixture *f = *state;
    struct err err;
    put_golden(f, 1);
    assert_int_equal(open_code(f, SQLITE_STORE_READ_ONLY, &err), ERR_OLDER_SCHEMA);
    assert_non_null(strstr(err.message, "schema 1"));
    assert_non_null(strstr(err.message, "brings it forward"));
    assert_false(is_there(f, "pawl.db.schema-1"));
    assert_int_equal(open_code(f, SQLITE_STORE_READ_WRITE, &err), ERR_NONE);
    assert_int_equal(open_code(f, SQLITE_STORE_READ_ONLY, &err), ERR_NONE);
    f->store = open_sqlite(f);
}

/* An older release that is writing right now is not disturbed. */
static void a_store_that_is_written_is_not_migrated(void **state)
{
    struct store_fixture *f = *state;
    struct err err;
    put_golden(f, 1);
    sqlite3 *writer;
    assert_int_equal(sqlite3_open(store_fixture_path(f, "pawl.db"), &writer), SQLITE_OK);
    assert_int_equal(sqlite3_exec(writer, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(open_code(f, SQLITE_STORE_READ_WRITE, &err), ERR_BUSY);
    assert_int_equal(sqlite3_exec(writer, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(writer);
    assert_int_equal(ask(f, "pawl.db", "PRAGMA user_version"), 1);
    f->store = open_sqlite(f);
    store_golden_check(f);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    struct store_kind kind = {.name = "golden stores", .open = open_sqlite};
    struct CMUnitTest tests[] = {
        EACH(todays_store_is_the_golden_one),
        EACH(every_golden_store_is_readable),
        EACH(a_migrated_store_is_like_a_new_one),
        EACH(a_copy_is_a_whole_store),
        EACH(no_copy_is_overwritten),
        EACH(an_old_store_is_not_opened_for_reading),
        EACH(a_store_that_is_written_is_not_migrated),
    };
    for (size_t i = 0; i < COUNT_OF(tests); i++)
        tests[i].initial_state = &kind;
    return cmocka_run_group_tests_name(kind.name, tests, NULL, NULL);
}
