/* Stores written by every schema there was stay readable: each lies as SQL text
 * in tests/golden/store/. UPDATE=1 rewrites that of the current schema; review
 * the difference: when only the code changed, there must be none. */
#include "store/sqlite/sqlite_store.h"
#include "base/buf.h"
#include "support/store_suite.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define assert_kept(f, w, count) assert_int_equal(commit_now((f), (w), (count), NULL), ERR_NONE)
#define assert_read(f, r) assert_int_equal(read_now((f), (r), NULL), ERR_NONE)

enum {
    GOLDEN_SIZE_MAX = 1 << 20
};

static struct store *open_sqlite(struct store_fixture *f)
{
    struct store *s;
    struct err err;
    if (!sqlite_store_open(store_fixture_path(f, "pawl.db"), SQLITE_STORE_READ_WRITE, test_secret,
                           &s, &err))
        panic(__FILE__, __LINE__, err.message);
    return s;
}

/* ---- the content of every golden store ---- */

static void fill(struct store_fixture *f)
{
    struct store_write writes[] = {
        write_definition(0, STR("{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Succeed\"}}}")),
        write_machine(f, 0, "orders", "{}"),
        write_start(f, 0, 0, "monday", 0),
        write_turn(f, 0, 0, 0),
        write_turn(f, 0, 0, 1),
        write_progress(0, 0, EXECUTION_SUCCEEDED, 0),
        write_start(f, 0, 1, NULL, 1),
        write_turn(f, 0, 1, 0),
        write_snapshot(0, 1, 1, STR("{\"waits\":\"it's\"}")),
        write_progress(0, 1, EXECUTION_RUNNING, 1750000001000),
        write_start(f, 7, 2, "monday", 0),
    };
    assert_kept(f, writes, COUNT_OF(writes));
}

static void check_content(struct store_fixture *f)
{
    struct store_read r = read_of(f, STORE_GET_DEFINITION, 0, 0);
    struct store_write definition =
        write_definition(0, STR("{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Succeed\"}}}"));
    memcpy(r.hash, definition.u.definition.hash, SHA256_SIZE);
    assert_read(f, &r);
    assert_true(str_eq(r.text, definition.u.definition.text));
    r = read_of(f, STORE_GET_MACHINE, 0, 0);
    r.name = STR("orders");
    assert_read(f, &r);
    assert_int_equal(r.machines[0].created_at.ms, 1750000000001);

    r = read_of(f, STORE_LIST_EXECUTIONS, 0, 0);
    assert_read(f, &r);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.executions[0].turns, 1);
    assert_int_equal(r.executions[0].wake_at.ms, 1750000001000);
    assert_false(r.executions[0].client_named);
    assert_int_equal(r.executions[1].status, EXECUTION_SUCCEEDED);
    assert_true(str_eq(r.executions[1].name, STR("monday")));
    assert_int_equal(r.executions[1].parent, key_of(1));
    r = read_of(f, STORE_GET_TURNS, 0, key_of(0));
    assert_read(f, &r);
    assert_int_equal(r.count, 2);
    struct store_write turn = write_turn(f, 0, 0, 1);
    assert_true(str_eq(r.turns[1].body, turn.u.turn.body));
    assert_int_equal(r.turns[1].checksum, checksum64(r.turns[1].body));
    r = read_of(f, STORE_GET_SNAPSHOT, 0, key_of(1));
    assert_read(f, &r);
    assert_true(str_eq(r.snapshot.body, STR("{\"waits\":\"it's\"}")));
    r = read_of(f, STORE_FIND_NAMED, 7, 0);
    r.name = STR("monday");
    assert_read(f, &r);
    assert_int_equal(r.count, 1);
    assert_memory_equal(store_secret(f->store), test_secret, STORE_SECRET_SIZE);
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

/* ---- the golden files ---- */

static const char *golden_path(struct store_fixture *f, int schema)
{
    const char *root = getenv("PAWL_SOURCE_ROOT");
    return arena_printf(f->arena, "%s/tests/golden/store/schema%d.sql", root ? root : ".", schema)
        .ptr;
}

static const char *read_golden(struct store_fixture *f, int schema)
{
    const char *path = golden_path(f, schema);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("cannot open %s; set PAWL_SOURCE_ROOT", path);
    char *text = arena_zalloc(f->arena, GOLDEN_SIZE_MAX, 1);
    size_t size = fread(text, 1, GOLDEN_SIZE_MAX - 1, file);
    assert_true(size > 0 && size < GOLDEN_SIZE_MAX - 1);
    fclose(file);
    return text;
}

static void todays_store_is_the_golden_one(void **state)
{
    struct store_fixture *f = *state;
    fill(f);
    struct buf now = BUF_INIT(GOLDEN_SIZE_MAX);
    dump(f, &now);
    if (getenv("UPDATE")) {
        FILE *file = fopen(golden_path(f, SQLITE_STORE_SCHEMA), "w");
        assert_non_null(file);
        assert_int_equal(fwrite(now.ptr, 1, now.len, file), now.len);
        fclose(file);
    }
    assert_string_equal(buf_cstr(&now), read_golden(f, SQLITE_STORE_SCHEMA));
    buf_release(&now);
}

static void every_golden_store_is_readable(void **state)
{
    struct store_fixture *f = *state;
    for (int schema = 1; schema <= SQLITE_STORE_SCHEMA; schema++) {
        store_close(f->store);
        remove(store_fixture_path(f, "pawl.db"));
        sqlite3 *db;
        char *message = NULL;
        assert_int_equal(sqlite3_open(store_fixture_path(f, "pawl.db"), &db), SQLITE_OK);
        if (sqlite3_exec(db, read_golden(f, schema), NULL, NULL, &message) != SQLITE_OK)
            fail_msg("schema %d: %s", schema, message);
        sqlite3_close(db);
        f->store = open_sqlite(f);
        check_content(f);
        assert_true(store_claim_all(f->store, f->epochs, NULL));
        struct store_write more = write_turn(f, 0, 1, 1);
        assert_kept(f, &more, 1);
    }
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    struct store_kind kind = {.name = "golden stores", .open = open_sqlite};
    struct CMUnitTest tests[] = {
        EACH(todays_store_is_the_golden_one),
        EACH(every_golden_store_is_readable),
    };
    for (size_t i = 0; i < COUNT_OF(tests); i++)
        tests[i].initial_state = &kind;
    return cmocka_run_group_tests_name(kind.name, tests, NULL, NULL);
}
