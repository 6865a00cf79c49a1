/* The store on a disk that loses power at any write or sync: nothing that was
 * acknowledged is lost, and nothing is there in part. */
#include "store/sqlite/sqlite_internal.h"
#include "support/lossy_disk.h"
#include "support/store_suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    CUTS = 120,
    OPERATIONS_MAX = 1200,
    CHECKPOINT_PAGES = 40, /* of WAL, so that checkpoints are cut too */
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

/* Every commit starts an execution and gives an earlier one a turn and a snapshot. */
static enum err_code commit_next(struct store_fixture *f, uint32_t n)
{
    struct store_write writes[] = {
        write_start(f, 0, n, arena_printf(f->arena, "name-%u", n).ptr, 0),
        write_turn(f, 0, n, 0),
        write_turn(f, 0, n, 1),
        write_turn(f, 0, n / 2, 2),
        write_snapshot(0, n / 2, 3, STR("{\"snapshot\":true}")),
    };
    return commit_now(f, writes, n % 2 ? COUNT_OF(writes) : 3, NULL);
}

static void check_turns(struct store_fixture *f, uint32_t n, bool has_third)
{
    struct store_read r = read_of(f, STORE_GET_TURNS, 0, key_of(n));
    assert_int_equal(read_now(f, &r, NULL), ERR_NONE);
    assert_int_equal(r.count, has_third ? 3 : 2);
    for (size_t i = 0; i < r.count; i++) {
        struct store_write w = write_turn(f, 0, n, (uint32_t)i);
        assert_true(str_eq(r.turns[i].body, w.u.turn.body));
    }
    r = read_of(f, STORE_GET_SNAPSHOT, 0, key_of(n));
    assert_int_equal(read_now(f, &r, NULL), ERR_NONE);
    assert_int_equal(r.found, has_third);
    r = read_of(f, STORE_FIND_NAMED, 0, 0);
    r.name = arena_printf(f->arena, "name-%u", n);
    assert_int_equal(read_now(f, &r, NULL), ERR_NONE);
    assert_int_equal(r.count, 1);
}

static void check_integrity(const char *path)
{
    sqlite3 *db;
    sqlite3_stmt *check;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &check, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(check), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(check, 0), "ok");
    sqlite3_finalize(check);
    sqlite3_close(db);
}

/* Commits until the cut, which comes at an operation that the seed chooses. */
static uint32_t acknowledged_before_cut(struct store_fixture *f, const struct lossy_disk *disk)
{
    uint32_t acknowledged = 0;
    for (uint32_t n = 0;; n++) {
        ((struct sqlite_store *)f->store)->checkpoint_at_pages = CHECKPOINT_PAGES;
        assert_int_equal(commit_next(f, n), ERR_NONE);
        if (lossy_disk_was_cut(disk))
            return acknowledged;
        acknowledged = n + 1;
    }
}

static void cut_once(struct store_fixture *f, uint64_t seed)
{
    struct rng rng = rng_seeded(seed);
    struct store_fixture left = {.arena = f->arena};
    strcpy(stpcpy(left.folder, f->folder), "/left");
    assert_int_equal(mkdir(left.folder, 0700), 0);

    struct lossy_disk *disk =
        lossy_disk_new(seed, 1 + rng_below(&rng, OPERATIONS_MAX), left.folder);
    f->store = open_sqlite(f);
    assert_true(store_claim_all(f->store, f->epochs, NULL));
    uint32_t acknowledged = acknowledged_before_cut(f, disk);
    store_close(f->store);
    lossy_disk_free(disk);
    unlink(store_fixture_path(f, "pawl.db"));

    left.store = open_sqlite(&left);
    assert_true(store_claim_all(left.store, left.epochs, NULL));
    struct store_read r = read_of(&left, STORE_LIST_EXECUTIONS, 0, 0);
    assert_int_equal(read_now(&left, &r, NULL), ERR_NONE);
    size_t there = r.count;
    assert_true(there == acknowledged || there == acknowledged + 1);
    for (uint32_t n = 0; n < there; n++)
        check_turns(&left, n, 2 * n + 1 < there);
    assert_int_equal(commit_next(&left, (uint32_t)there), ERR_NONE);
    store_close(left.store);
    check_integrity(store_fixture_path(&left, "pawl.db"));
    unlink(store_fixture_path(&left, "pawl.db"));
    rmdir(left.folder);
}

static void power_may_fail_at_any_write(void **state)
{
    struct store_fixture *f = *state;
    store_close(f->store);
    unlink(store_fixture_path(f, "pawl.db"));
    for (uint64_t seed = 0; seed < CUTS; seed++) {
        struct arena_mark before = arena_mark(f->arena);
        cut_once(f, seed);
        arena_rewind(f->arena, before);
    }
    f->store = open_sqlite(f);
}

int main(void)
{
    struct store_kind kind = {.name = "store without power", .open = open_sqlite};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate_setup_teardown(power_may_fail_at_any_write, store_fixture_setup,
                                                 store_fixture_teardown, &kind),
    };
    return cmocka_run_group_tests_name(kind.name, tests, NULL, NULL);
}
