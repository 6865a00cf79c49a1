/* An old store is brought forward, and killed, or its power cut, before every change
 * that this makes on the disk, or its disk too full for any of them: then it is the
 * old store or the new one, whole, and the next opening finishes. At no time is there
 * a new store without a copy of the old one, and never more than one copy.
 */
#include "store/sqlite/sqlite_store.h"
#include "support/cut_vfs.h"
#include "support/store_golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PATH "/pawl.db"
#define COPY PATH ".schema-1"
#define SECOND_COPY COPY ".2"

enum {
    OLD_SCHEMA = 1,
    MIXED_SEEDS = 3,
    AGAIN_EACH = 5, /* of so many cuts one is followed by one at each change of the next opening */
};

struct scene {
    const char *sql; /* of the old store */
    uint64_t changes, cuts;
    uint64_t old, new; /* what was found after them */
    bool again;        /* this is an opening after a cut */
};

static struct cut_disk *old_disk(const struct scene *s)
{
    struct cut_disk *d = cut_disk_new();
    sqlite3 *db;
    cut_disk_use(d);
    assert_int_equal(sqlite3_open(PATH, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, s->sql, NULL, NULL, NULL), SQLITE_OK);
    /* So that its content has more than a few pages. */
    assert_int_equal(
        sqlite3_exec(db, "INSERT INTO meta VALUES ('large', zeroblob(40000))", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    return d;
}

static bool open_store(struct cut_disk *d, struct store **ret_store, struct err *reterr)
{
    struct sqlite_store_options options = {
        .mode = SQLITE_STORE_READ_WRITE, .secret = test_secret, .vfs = "cut"};
    cut_disk_use(d);
    return sqlite_store_open_with(PATH, &options, ret_store, reterr);
}

static int64_t ask(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    int64_t answer = -1;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return answer;
}

static void check_copy(struct cut_disk *d)
{
    assert_true(cut_disk_has(d, COPY));
    assert_false(cut_disk_has(d, SECOND_COPY));
    assert_false(cut_disk_has(d, COPY "-journal"));
    assert_int_equal(ask(COPY, "PRAGMA user_version"), OLD_SCHEMA);
    assert_int_equal(ask(COPY, "SELECT count(*) FROM pragma_integrity_check"
                               " WHERE integrity_check = 'ok'"),
                     1);
    assert_int_equal(ask(COPY, "SELECT count(*) FROM execution"), 3);
    assert_int_equal(ask(COPY, "SELECT length(value) FROM meta WHERE name = 'large'"), 40000);
}

static void cut_here(void *arg, struct cut_disk *d);

/* The next process opens what the cut left. Ends with the disk. */
static void examine(struct scene *s, struct cut_disk *after, bool again)
{
    struct store_fixture f = {.arena = arena_new(0)};
    struct err err;
    cut_disk_use(after);
    int64_t schema = ask(PATH, "PRAGMA user_version");
    assert_true(schema == OLD_SCHEMA || schema == SQLITE_STORE_SCHEMA);
    *(schema == OLD_SCHEMA ? &s->old : &s->new) += 1;
    if (schema == SQLITE_STORE_SCHEMA)
        check_copy(after);
    struct scene next = {.again = true};
    if (again)
        cut_disk_watch_changes(after, cut_here, &next);
    if (!open_store(after, &f.store, &err))
        fail_msg("%s (%s)", err.message, err.detail);
    cut_disk_watch_changes(after, NULL, NULL);
    store_golden_check(&f);
    store_close(f.store);
    assert_int_equal(ask(PATH, "PRAGMA user_version"), SQLITE_STORE_SCHEMA);
    check_copy(after);
    s->cuts += 1 + next.cuts;
    arena_free(f.arena);
    cut_disk_free(after);
}

static void cut_here(void *arg, struct cut_disk *d)
{
    static const enum cut_fate fates[] = {CUT_NOT, CUT_LOST, CUT_KEPT};
    struct scene *s = arg;
    s->changes++;
    for (size_t i = 0; i < COUNT_OF(fates); i++) {
        bool again = !s->again && (s->changes + i) % AGAIN_EACH == 0;
        examine(s, cut_disk_after(d, fates[i], s->changes), again);
    }
    for (uint64_t seed = 0; seed < MIXED_SEEDS && !s->again; seed++)
        examine(s, cut_disk_after(d, CUT_MIXED, s->changes * MIXED_SEEDS + seed), false);
    cut_disk_use(d);
}

static void killed_and_cut_before_every_change(void **state)
{
    struct scene *s = *state;
    struct cut_disk *d = old_disk(s);
    struct store *store;
    struct err err;
    cut_disk_watch_changes(d, cut_here, s);
    if (!open_store(d, &store, &err))
        fail_msg("%s", err.message);
    /* What was not synced yet is now. */
    examine(s, cut_disk_after(d, CUT_LOST, 0), false);
    cut_disk_use(d);
    store_close(store); /* which moves the WAL into the file */
    cut_disk_watch_changes(d, NULL, NULL);
    check_copy(d);
    cut_disk_free(d);
    printf(
        "# migration: changes=%llu cuts and kills=%llu, after which there was the old store %llu "
        "times, the new one %llu times\n",
        (unsigned long long)s->changes, (unsigned long long)s->cuts, (unsigned long long)s->old,
        (unsigned long long)s->new);
    assert_true(s->changes > 40 && s->old > 50 && s->new > 20);
}

/* A migration that was committed is not lost, and neither is its copy. */
static void power_is_cut_after_it(void **state)
{
    struct scene *s = *state;
    struct cut_disk *d = old_disk(s);
    struct store *store;
    struct err err;
    if (!open_store(d, &store, &err))
        fail_msg("%s", err.message);
    s->old = 0;
    examine(s, cut_disk_after(d, CUT_LOST, 0), false);
    for (uint64_t seed = 0; seed < 20; seed++)
        examine(s, cut_disk_after(d, CUT_MIXED, seed), false);
    assert_int_equal(s->old, 0);
    cut_disk_use(d);
    store_close(store);
    cut_disk_free(d);
}

/* More and more room, until it is enough. */
static void a_disk_too_full_changes_nothing(void **state)
{
    struct scene *s = *state;
    struct store *store;
    struct err err;
    unsigned refused = 0, for_the_copy = 0;
    for (int64_t room = 0;; room += 5000) {
        struct cut_disk *d = old_disk(s);
        int64_t size = cut_disk_size(d);
        cut_disk_limit(d, size + room + 1);
        bool ok = open_store(d, &store, &err);
        if (ok)
            store_close(store);
        cut_disk_limit(d, 0);
        if (!ok) {
            assert_int_equal(err.code, ERR_DISK_FULL);
            refused++;
            if (strstr(err.message, "copied before")) {
                for_the_copy++;
                assert_non_null(strstr(err.message, "free 1 MiB; nothing was changed"));
                assert_false(cut_disk_has(d, COPY));
                assert_false(cut_disk_has(d, COPY "-journal"));
            }
            assert_int_equal(ask(PATH, "PRAGMA user_version"), OLD_SCHEMA);
        }
        examine(s, d, false);
        if (ok)
            break;
    }
    printf("# full disk: refused=%u, of these for the copy=%u\n", refused, for_the_copy);
    assert_true(for_the_copy > 10 && refused > for_the_copy);
}

static int setup(void **state)
{
    static struct scene scene;
    struct arena *a = arena_new(0);
    scene = (struct scene){.sql = strdup(store_golden_text(a, OLD_SCHEMA))};
    arena_free(a);
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;
    free((void *)(uintptr_t)s->sql);
    return 0;
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(killed_and_cut_before_every_change),
        EACH(power_is_cut_after_it),
        EACH(a_disk_too_full_changes_nothing),
    };
    return cmocka_run_group_tests_name("migration", tests, NULL, NULL);
}
