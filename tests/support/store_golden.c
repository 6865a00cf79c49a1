#include "support/store_golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define assert_kept(f, w, count) assert_int_equal(commit_now((f), (w), (count), NULL), ERR_NONE)
#define assert_read(f, r) assert_int_equal(read_now((f), (r), NULL), ERR_NONE)

void store_golden_fill(struct store_fixture *f)
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

void store_golden_check(struct store_fixture *f)
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

const char *store_golden_path(struct arena *a, int schema)
{
    const char *root = getenv("PAWL_SOURCE_ROOT");
    return arena_printf(a, "%s/tests/golden/store/schema%d.sql", root ? root : ".", schema).ptr;
}

const char *store_golden_text(struct arena *a, int schema)
{
    const char *path = store_golden_path(a, schema);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("cannot open %s; set PAWL_SOURCE_ROOT", path);
    char *text = arena_zalloc(a, STORE_GOLDEN_SIZE_MAX, 1);
    size_t size = fread(text, 1, STORE_GOLDEN_SIZE_MAX - 1, file);
    assert_true(size > 0 && size < STORE_GOLDEN_SIZE_MAX - 1);
    fclose(file);
    return text;
}
