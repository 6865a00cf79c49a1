/* What only a store in a file can do: last, be shared, be damaged, be refused. */
#include "store/sqlite/sqlite_internal.h"
#include "support/store_suite.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    NOBODY = 65534
};

#define assert_kept(f, w, count) assert_int_equal(commit_now((f), (w), (count), NULL), ERR_NONE)
#define assert_read(f, r) assert_int_equal(read_now((f), (r), NULL), ERR_NONE)

static const char *db_path(struct store_fixture *f)
{
    return store_fixture_path(f, "pawl.db");
}

static struct store *open_sqlite(struct store_fixture *f)
{
    struct store *s;
    struct err err;
    if (!sqlite_store_open(db_path(f), SQLITE_STORE_READ_WRITE, test_secret, &s, &err))
        panic(__FILE__, __LINE__, err.message);
    return s;
}

static void reopen(struct store_fixture *f)
{
    store_close(f->store);
    f->store = open_sqlite(f);
    assert_true(store_claim_all(f->store, f->epochs, NULL));
}

/* Another hand in the file: plain SQL, all checks off. */
static void tamper(struct store_fixture *f, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(db_path(f), &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL);
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

static int64_t ask(struct store_fixture *f, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(db_path(f), &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return answer;
}

static enum err_code open_code(struct store_fixture *f, enum sqlite_store_mode mode,
                               struct err *ret_err)
{
    struct store *s;
    struct err err;
    if (!sqlite_store_open(db_path(f), mode, test_secret, &s, &err)) {
        assert_true(strlen(err.message) > 0);
        if (ret_err)
            *ret_err = err;
        return err.code;
    }
    store_close(s);
    return ERR_NONE;
}

/* One execution with two turns and its name, in one commit. */
static enum err_code commit_chain(struct store_fixture *f, uint32_t n)
{
    struct store_write writes[] = {
        write_start(f, 0, n, arena_printf(f->arena, "name-%u", n).ptr, 0),
        write_turn(f, 0, n, 0),
        write_turn(f, 0, n, 1),
        write_progress(0, n, EXECUTION_SUCCEEDED, 0),
    };
    return commit_now(f, writes, COUNT_OF(writes), NULL);
}

static bool chain_is_there(struct store_fixture *f, uint32_t n)
{
    struct store_read r = read_of(f, STORE_GET_EXECUTION, 0, key_of(n));
    enum err_code code = read_now(f, &r, NULL);
    if (code == ERR_NOT_FOUND)
        return false;
    assert_int_equal(code, ERR_NONE);
    assert_int_equal(r.executions[0].turns, 2);
    assert_int_equal(r.executions[0].status, EXECUTION_SUCCEEDED);
    r = read_of(f, STORE_GET_TURNS, 0, key_of(n));
    assert_read(f, &r);
    for (uint32_t turn = 0; turn < 2; turn++) {
        struct store_write w = write_turn(f, 0, n, turn);
        assert_true(str_eq(r.turns[turn].body, w.u.turn.body));
        assert_int_equal(r.turns[turn].checksum, checksum64(r.turns[turn].body));
    }
    r = read_of(f, STORE_FIND_NAMED, 0, 0);
    r.name = arena_printf(f->arena, "name-%u", n);
    assert_read(f, &r);
    assert_int_equal(r.count, 1);
    return true;
}

/* ---- the file ---- */

static void a_new_file_is_private_and_marked(void **state)
{
    struct store_fixture *f = *state;
    struct stat about;
    assert_int_equal(stat(db_path(f), &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    assert_int_equal(ask(f, "PRAGMA application_id"), SQLITE_STORE_APPLICATION_ID);
    assert_int_equal(ask(f, "PRAGMA user_version"), SQLITE_STORE_SCHEMA);
    assert_int_equal(ask(f, "PRAGMA page_size"), 4096);
    assert_int_equal(ask(f, "PRAGMA auto_vacuum"), 2);
    assert_int_equal(ask(f, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main'"
                            " AND type = 'table' AND name NOT LIKE 'sqlite_%' AND NOT strict"),
                     0);
    assert_int_equal(ask(f, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"),
                     1);
}

static void everything_lasts(void **state)
{
    struct store_fixture *f = *state;
    assert_int_equal(commit_chain(f, 1), ERR_NONE);
    struct store_write writes[] = {write_definition(0, STR("{}")), write_machine(f, 0, "m", "{}"),
                                   write_snapshot(0, 1, 2, STR("{}"))};
    assert_kept(f, writes, COUNT_OF(writes));
    uint64_t before = f->epochs[3];
    reopen(f);
    assert_true(f->epochs[3] > before);
    assert_memory_equal(store_secret(f->store), test_secret, STORE_SECRET_SIZE);
    assert_true(chain_is_there(f, 1));
    struct store_read r = read_of(f, STORE_GET_DEFINITION, 0, 0);
    memcpy(r.hash, writes[0].u.definition.hash, SHA256_SIZE);
    assert_read(f, &r);
    r = read_of(f, STORE_GET_MACHINE, 0, 0);
    r.name = STR("m");
    assert_read(f, &r);
    r = read_of(f, STORE_GET_SNAPSHOT, 0, key_of(1));
    assert_read(f, &r);
    assert_true(r.found);
}

static void another_writer_makes_the_first_stale(void **state)
{
    struct store_fixture *f = *state;
    struct store_fixture second = {.arena = f->arena};
    memcpy(second.folder, f->folder, sizeof(second.folder));
    second.store = open_sqlite(&second);
    assert_int_equal(commit_chain(f, 1), ERR_NONE);
    assert_true(store_claim_all(second.store, second.epochs, NULL));
    assert_int_equal(commit_chain(f, 2), ERR_STALE);
    assert_int_equal(commit_chain(&second, 3), ERR_NONE);
    assert_true(chain_is_there(&second, 1));
    assert_false(chain_is_there(&second, 2));
    store_close(second.store);
}

static void nothing_scans_or_sorts(void **state)
{
    struct store_fixture *f = *state;
    const struct sqlite_store *s = (struct sqlite_store *)f->store;
    for (int i = SQL_EPOCHS; i < SQL_COUNT; i++) {
        const char *sql = sqlite3_sql(s->writer.statements[i]);
        sqlite3_stmt *plan;
        const char *text = arena_printf(f->arena, "EXPLAIN QUERY PLAN %s", sql).ptr;
        assert_int_equal(sqlite3_prepare_v2(s->writer.db, text, -1, &plan, NULL), SQLITE_OK);
        while (sqlite3_step(plan) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(plan, 3);
            if (strncmp(detail, "SCAN", 4) == 0 || strstr(detail, "TEMP B-TREE"))
                fail_msg("%s: %s", sql, detail);
        }
        sqlite3_finalize(plan);
    }
}

static int64_t file_size(struct store_fixture *f, const char *name)
{
    struct stat about;
    return stat(store_fixture_path(f, name), &about) == 0 ? (int64_t)about.st_size : -1;
}

static void the_wal_is_moved_to_the_file(void **state)
{
    struct store_fixture *f = *state;
    enum {
        BODY_SIZE = 1 << 20,
        TURNS = 50
    };
    struct store_write w = write_start(f, 0, 1, NULL, 0);
    assert_kept(f, &w, 1);
    char *body = arena_alloc_text(f->arena, BODY_SIZE);
    memset(body, 'x', BODY_SIZE);
    for (uint32_t turn = 0; turn < TURNS; turn++) {
        w = write_turn(f, 0, 1, turn);
        w.u.turn.body = str_of(body, BODY_SIZE);
        assert_kept(f, &w, 1);
    }
    assert_true(file_size(f, "pawl.db") > 2 * SQLITE_STORE_CHECKPOINT_SIZE);
    assert_true(file_size(f, "pawl.db-wal") < SQLITE_STORE_CHECKPOINT_SIZE + 4 * BODY_SIZE);
    store_close(f->store);
    assert_int_equal(file_size(f, "pawl.db-wal"), -1);
    f->store = open_sqlite(f);
}

/* ---- reading beside ---- */

static struct store *open_reader(struct store_fixture *f)
{
    struct store *s;
    struct err err;
    if (!sqlite_store_open(db_path(f), SQLITE_STORE_READ_ONLY, NULL, &s, &err))
        fail_msg("%s", err.message);
    return s;
}

static void a_reader_follows_a_writer(void **state)
{
    struct store_fixture *f = *state;
    struct store_fixture reader = {.arena = f->arena, .store = open_reader(f)};
    memcpy(reader.epochs, f->epochs, sizeof(reader.epochs));
    for (uint32_t n = 1; n < 4; n++) {
        assert_false(chain_is_there(&reader, n));
        assert_int_equal(commit_chain(f, n), ERR_NONE);
        assert_true(chain_is_there(&reader, n));
    }
    assert_int_equal(commit_chain(&reader, 9), ERR_PERMISSION);
    uint64_t epoch;
    struct err err;
    assert_false(store_claim(reader.store, 0, &epoch, &err));
    assert_int_equal(err.code, ERR_PERMISSION);
    assert_memory_equal(store_secret(reader.store), test_secret, STORE_SECRET_SIZE);
    assert_true(chain_is_there(&reader, 3));
    assert_false(store_dead(reader.store, NULL));
    store_close(reader.store);
    assert_int_equal(commit_chain(f, 4), ERR_NONE);
}

static void a_reader_makes_nothing(void **state)
{
    struct store_fixture *f = *state;
    store_close(f->store);
    unlink(db_path(f));
    struct err err;
    assert_int_equal(open_code(f, SQLITE_STORE_READ_ONLY, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "pawl.db"));
    assert_int_equal(file_size(f, "pawl.db"), -1);
    fclose(fopen(db_path(f), "w"));
    assert_int_equal(open_code(f, SQLITE_STORE_READ_ONLY, NULL), ERR_NOT_FOUND);
    f->store = open_sqlite(f); /* an empty file is taken as a new one */
}

/* Runs `what` in a child, as an ordinary user when the test is root. */
static int in_child(struct store_fixture *f, int (*what)(struct store_fixture *f))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0)
            _exit(100);
        _exit(what(f));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int read_first(struct store_fixture *f)
{
    struct err err;
    struct store_fixture reader = {.arena = f->arena};
    if (!sqlite_store_open(db_path(f), SQLITE_STORE_READ_ONLY, NULL, &reader.store, &err))
        return (int)err.code;
    struct store_read r = read_of(&reader, STORE_GET_EXECUTION, 0, key_of(1));
    enum err_code code = read_now(&reader, &r, NULL);
    store_close(reader.store);
    return (int)code;
}

static int write_first(struct store_fixture *f)
{
    return (int)open_code(f, SQLITE_STORE_READ_WRITE, NULL);
}

static void let_all_read(struct store_fixture *f, mode_t folder_mode)
{
    static const char *const names[] = {"pawl.db", "pawl.db-wal", "pawl.db-shm"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        chmod(store_fixture_path(f, names[i]), 0444);
    assert_int_equal(chmod(f->folder, folder_mode), 0);
}

/* Clean: the file holds everything, and is read as one that nobody changes. */
static void a_read_only_directory_can_be_read(void **state)
{
    struct store_fixture *f = *state;
    assert_int_equal(commit_chain(f, 1), ERR_NONE);
    store_close(f->store);
    let_all_read(f, 0555);
    assert_int_equal(in_child(f, read_first), ERR_NONE);
    assert_int_equal(in_child(f, write_first), ERR_PERMISSION);
    assert_int_equal(file_size(f, "pawl.db-shm"), -1);
    chmod(f->folder, 0700);
    chmod(db_path(f), 0600);
    f->store = open_sqlite(f);
}

/* Beside a writer: its shared memory is there to lock by, if only for reading. */
static void a_user_who_may_only_read_reads_beside_a_writer(void **state)
{
    struct store_fixture *f = *state;
    assert_int_equal(commit_chain(f, 1), ERR_NONE);
    let_all_read(f, 0555);
    assert_int_equal(in_child(f, read_first), ERR_NONE);
    chmod(f->folder, 0700);
}

static int commit_and_die(struct store_fixture *f)
{
    if (commit_chain(f, 1) == ERR_NONE)
        kill(getpid(), SIGKILL);
    return 1;
}

/* A writer that was killed leaves what it committed in the WAL: reading around
 * it would show a store without it. */
static void an_unmoved_wal_is_not_read_around(void **state)
{
    struct store_fixture *f = *state;
    store_close(f->store);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        f->store = open_sqlite(f);
        if (!store_claim_all(f->store, f->epochs, NULL))
            _exit(1);
        _exit(commit_and_die(f));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    unlink(store_fixture_path(f, "pawl.db-shm"));
    let_all_read(f, 0555);
    assert_int_equal(in_child(f, read_first), ERR_PERMISSION);
    chmod(f->folder, 0700);
    chmod(db_path(f), 0600);
    chmod(store_fixture_path(f, "pawl.db-wal"), 0600);
    assert_int_equal(read_first(f), ERR_NONE);
    f->store = open_sqlite(f);
    assert_true(chain_is_there(f, 1));
}

static void a_file_read_without_locks_is_watched(void **state)
{
    struct store_fixture *f = *state;
    assert_int_equal(commit_chain(f, 1), ERR_NONE);
    reopen(f);
    store_close(f->store);
    struct store_fixture reader = {.arena = f->arena, .store = open_reader(f)};
    struct sqlite_store *s = (struct sqlite_store *)reader.store;
    struct stat about;
    assert_int_equal(stat(db_path(f), &about), 0);
    unlink(store_fixture_path(f, "pawl.db-wal"));
    s->reader.immutable = true;
    s->reader.mark = (struct file_mark){about.st_dev, about.st_ino, about.st_size, about.st_mtim};
    struct store_read r = read_of(&reader, STORE_GET_EXECUTION, 0, key_of(1));
    assert_read(&reader, &r);
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, db_path(f), times, 0), 0);
    struct err err;
    assert_int_equal(read_now(&reader, &r, &err), ERR_BUSY);
    assert_non_null(strstr(err.message, "read again"));
    assert_int_equal(r.count, 0);
    store_close(reader.store);
    f->store = open_sqlite(f);
}

/* ---- files that are not ours ---- */

static void a_newer_schema_is_refused(void **state)
{
    struct store_fixture *f = *state;
    store_close(f->store);
    tamper(f, "PRAGMA user_version = 99");
    struct err err;
    assert_int_equal(open_code(f, SQLITE_STORE_READ_WRITE, &err), ERR_NEWER_SCHEMA);
    assert_non_null(strstr(err.message, "schema 99"));
    assert_non_null(strstr(err.message, "newer"));
    assert_int_equal(open_code(f, SQLITE_STORE_READ_ONLY, NULL), ERR_NEWER_SCHEMA);
    tamper(f, "PRAGMA user_version = 0");
    assert_int_equal(open_code(f, SQLITE_STORE_READ_WRITE, NULL), ERR_CORRUPT);
    tamper(f, arena_printf(f->arena, "PRAGMA user_version = %d", SQLITE_STORE_SCHEMA).ptr);
    f->store = open_sqlite(f);
}

static void foreign_files_are_refused(void **state)
{
    struct store_fixture *f = *state;
    store_close(f->store);
    tamper(f, "PRAGMA application_id = 7");
    struct err err;
    assert_int_equal(open_code(f, SQLITE_STORE_READ_WRITE, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.message, "another program"));
    tamper(f, "PRAGMA application_id = 1346459468; DROP TABLE snapshot");
    assert_int_equal(open_code(f, SQLITE_STORE_READ_WRITE, NULL), ERR_CORRUPT);
    unlink(db_path(f));
    FILE *file = fopen(db_path(f), "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database\n", file);
    fclose(file);
    assert_int_equal(open_code(f, SQLITE_STORE_READ_WRITE, NULL), ERR_CORRUPT);
    assert_int_equal(open_code(f, SQLITE_STORE_READ_ONLY, NULL), ERR_CORRUPT);
    unlink(db_path(f));
    f->store = open_sqlite(f);
}

static void a_lost_secret_is_refused(void **state)
{
    struct store_fixture *f = *state;
    store_close(f->store);
    tamper(f, "UPDATE meta SET value = x'00'");
    struct err err;
    assert_int_equal(open_code(f, SQLITE_STORE_READ_WRITE, &err), ERR_CORRUPT);
    assert_non_null(strstr(err.message, "secret"));
    unlink(db_path(f));
    f->store = open_sqlite(f);
}

/* ---- damaged rows ---- */

struct damage {
    const char *change, *rest; /* of a statement, around "<key column> = <key>" */
    const char *named;         /* what the error must name */
};

/* Three chains, damage to the second: it alone is CORRUPT, by name. */
static void damage(struct store_fixture *f, enum store_read_kind kind, const char *key_column,
                   const struct damage *d)
{
    for (uint32_t n = 1; n <= 3; n++)
        assert_int_equal(commit_chain(f, n), ERR_NONE);
    long long key = key_of(2);
    tamper(
        f,
        arena_printf(f->arena, "%s WHERE %s = %lld %s", d->change, key_column, key, d->rest).ptr);
    struct store_read r = read_of(f, kind, 0, key_of(2));
    struct err err;
    if (read_now(f, &r, &err) != ERR_CORRUPT)
        fail_msg("not found out: %s", d->change);
    const char *name = arena_printf(f->arena, "execution %lld", key).ptr;
    if (!strstr(err.message, name) || !strstr(err.message, d->named))
        fail_msg("%s: \"%s\" names neither %s nor %s", d->change, err.message, name, d->named);
    assert_int_equal(r.count, 0);
    for (uint32_t n = 1; n <= 3; n += 2) {
        r = read_of(f, kind, 0, key_of(n));
        assert_read(f, &r);
    }
    assert_false(store_dead(f->store, NULL));
    tamper(f, "DELETE FROM execution; DELETE FROM execution_name; DELETE FROM journal");
}

static void damaged_executions_are_named(void **state)
{
    static const struct damage cases[] = {
        {"UPDATE execution SET status = 'LOST'", "", "status"},
        {"UPDATE execution SET definition = x'0102'", "", "definition"},
        {"UPDATE execution SET id = 'nonsense'", "", "id"},
        {"UPDATE execution SET id = (SELECT id FROM execution LIMIT 1)", "", "id"},
        {"UPDATE execution SET shard = 256", "", "shard"},
        {"UPDATE execution SET parent = -1", "", "parent"},
        {"UPDATE execution SET arn = CAST(x'ff' AS TEXT)", "", "arn"},
        {"UPDATE execution SET machine_name = printf('%.3000c', 'x')", "", "machine_name"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        damage(*state, STORE_GET_EXECUTION, "key", &cases[i]);
}

static void damaged_turns_are_named(void **state)
{
    static const struct damage cases[] = {
        {"DELETE FROM journal", "AND turn = 0", "turn 0"},
        {"UPDATE journal SET turn = 7", "AND turn = 1", "turn 1"},
        {"UPDATE journal SET turn = 5000000000", "AND turn = 1", "turn 1"},
        {"UPDATE journal SET cause = 256", "AND turn = 1", "turn 1"},
        {"UPDATE journal SET rules_version = -1", "AND turn = 0", "turn 0"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        damage(*state, STORE_GET_TURNS, "execution", &cases[i]);
}

static void a_list_goes_on_behind_a_damaged_row(void **state)
{
    struct store_fixture *f = *state;
    for (uint32_t n = 1; n <= 3; n++)
        assert_int_equal(commit_chain(f, n), ERR_NONE);
    tamper(f, arena_printf(f->arena, "UPDATE execution SET status = 'LOST' WHERE key = %lld",
                           (long long)key_of(2))
                  .ptr);
    struct store_read r = read_of(f, STORE_LIST_EXECUTIONS, 0, 0);
    assert_int_equal(read_now(f, &r, NULL), ERR_CORRUPT);
    assert_int_equal(r.next, key_of(2));
    r.key = r.next;
    assert_read(f, &r);
    assert_int_equal(r.count, 1);
    assert_int_equal(r.executions[0].key, key_of(1));
}

/* A page of the journal is overwritten: its rows are CORRUPT, others are not. */
static void a_damaged_page_does_not_spoil_the_rest(void **state)
{
    struct store_fixture *f = *state;
    for (uint32_t n = 0; n < 400; n++) {
        struct store_write w[] = {write_start(f, 0, n, NULL, 0), write_turn(f, 0, n, 0)};
        assert_kept(f, w, 2);
    }
    int64_t leaf = ask(f, "SELECT max(pageno) FROM dbstat WHERE name = 'journal'"
                          " AND pagetype = 'leaf' AND pageno < (SELECT max(pageno) FROM dbstat"
                          " WHERE name = 'journal' AND pagetype = 'leaf')");
    store_close(f->store);
    FILE *file = fopen(db_path(f), "r+");
    fseek(file, (leaf - 1) * 4096, SEEK_SET);
    for (int i = 0; i < 4096; i++)
        fputc(0xa5, file);
    fclose(file);
    f->store = open_sqlite(f);
    assert_true(store_claim_all(f->store, f->epochs, NULL));
    uint32_t lost = 0;
    struct err err;
    for (uint32_t n = 0; n < 400; n++) {
        struct store_read r = read_of(f, STORE_GET_TURNS, 0, key_of(n));
        enum err_code code = read_now(f, &r, &err);
        assert_true(code == ERR_NONE || code == ERR_CORRUPT);
        if (code == ERR_CORRUPT && lost++ == 0)
            assert_non_null(strstr(err.message, "turn 0"));
    }
    assert_true(lost > 0 && lost < 100);
    assert_int_equal(commit_chain(f, 500), ERR_NONE);
}

/* ---- refusals and the end ---- */

static void a_full_disk_refuses_and_passes(void **state)
{
    struct store_fixture *f = *state;
    struct sqlite_store *s = (struct sqlite_store *)f->store;
    assert_int_equal(commit_chain(f, 1), ERR_NONE);
    assert_int_equal(sqlite3_exec(s->writer.db, "PRAGMA max_page_count = 1", NULL, NULL, NULL),
                     SQLITE_OK);
    char *body = arena_alloc_text(f->arena, 100000);
    memset(body, 'x', 100000);
    struct store_write w = write_turn(f, 0, 1, 2);
    w.u.turn.body = str_of(body, 100000);
    struct err err;
    assert_int_equal(commit_now(f, &w, 1, &err), ERR_DISK_FULL);
    assert_non_null(strstr(err.message, "disk is full"));
    assert_false(store_dead(f->store, NULL));
    assert_true(chain_is_there(f, 1));
    sqlite3_exec(s->writer.db, "PRAGMA max_page_count = 1000000", NULL, NULL, NULL);
    assert_kept(f, &w, 1);
}

static void a_foreign_lock_refuses_and_passes(void **state)
{
    struct store_fixture *f = *state;
    sqlite3_busy_timeout(((struct sqlite_store *)f->store)->writer.db, 0);
    sqlite3 *other;
    assert_int_equal(sqlite3_open(db_path(f), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(commit_chain(f, 1), ERR_BUSY);
    assert_false(chain_is_there(f, 1));
    sqlite3_close(other);
    assert_int_equal(commit_chain(f, 1), ERR_NONE);
}

/* The file may not grow: that is an error of the disk which is not "full". */
static int fail_the_disk(struct store_fixture *f)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {200 << 10, 200 << 10};
    f->store = open_sqlite(f);
    if (!store_claim_all(f->store, f->epochs, NULL) || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    uint32_t kept = 0;
    enum err_code code;
    while ((code = commit_chain(f, kept)) == ERR_NONE)
        kept++;
    struct err why;
    if (code != ERR_IO || !store_dead(f->store, &why) || why.code != ERR_IO)
        return 2;
    struct store_read r = read_of(f, STORE_GET_EXECUTION, 0, key_of(0));
    uint64_t epoch;
    if (commit_chain(f, 1000) != ERR_IO || read_now(f, &r, NULL) != ERR_IO ||
        store_claim(f->store, 0, &epoch, NULL))
        return 3;
    store_close(f->store);
    return kept < 100 ? (int)kept + 10 : 4;
}

static void an_io_error_is_the_end(void **state)
{
    struct store_fixture *f = *state;
    store_close(f->store);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(fail_the_disk(f));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) >= 10);
    uint32_t kept = (uint32_t)WEXITSTATUS(status) - 10;
    f->store = open_sqlite(f);
    for (uint32_t n = 0; n < kept; n++)
        assert_true(chain_is_there(f, n));
}

/* ---- kill -9 ---- */

enum {
    KILL_ROUNDS = 10,
    KILL_BATCH = 8,
};

struct ack {
    int pipe;
    uint32_t n;
};

static void acknowledge(void *arg, const struct err *err)
{
    const struct ack *ack = arg;
    if (err || write(ack->pipe, &ack->n, sizeof(ack->n)) != sizeof(ack->n))
        _exit(2);
}

/* Commits for ever, several in each transaction, and tells of each. */
__attribute__((noreturn)) static void commit_until_killed(struct store_fixture *f, uint32_t n,
                                                          int pipe)
{
    f->store = open_sqlite(f);
    if (!store_claim_all(f->store, f->epochs, NULL))
        _exit(1);
    for (;; n += KILL_BATCH) {
        struct arena_mark before = arena_mark(f->arena);
        struct store_write writes[KILL_BATCH][4];
        struct store_commit commits[KILL_BATCH];
        struct ack acks[KILL_BATCH];
        for (uint32_t i = 0; i < KILL_BATCH; i++) {
            uint32_t at = n + i;
            writes[i][0] = write_start(f, 0, at, arena_printf(f->arena, "name-%u", at).ptr, 0);
            writes[i][1] = write_turn(f, 0, at, 0);
            writes[i][2] = write_turn(f, 0, at, 1);
            writes[i][3] = write_progress(0, at, EXECUTION_SUCCEEDED, 0);
            acks[i] = (struct ack){pipe, at};
            commits[i] = (struct store_commit){
                .epoch = f->epochs[0],
                .writes = writes[i],
                .count = 4,
                .done = acknowledge,
                .arg = &acks[i],
            };
            store_commit(f->store, &commits[i]);
        }
        store_step(f->store, (struct mono_ns){0});
        arena_rewind(f->arena, before);
    }
}

/* Returns the number after the last one acknowledged. */
static uint32_t kill_after(struct store_fixture *f, uint32_t first, uint32_t acks)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        commit_until_killed(f, first, ends[1]);
    close(ends[1]);
    uint32_t n, next = first;
    while (read(ends[0], &n, sizeof(n)) == sizeof(n)) {
        assert_int_equal(n, next++);
        if (next - first == acks)
            kill(child, SIGKILL);
    }
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_true(next - first >= acks);
    return next;
}

static void a_killed_writer_loses_nothing_acknowledged(void **state)
{
    struct store_fixture *f = *state;
    struct rng rng = rng_seeded(99);
    uint32_t next = 0;
    for (int round = 0; round < KILL_ROUNDS; round++) {
        store_close(f->store);
        uint32_t first = next;
        uint32_t acknowledged = kill_after(f, first, 1 + (uint32_t)rng_below(&rng, 100));
        f->store = open_sqlite(f);
        for (next = first; chain_is_there(f, next); next++)
            ;
        assert_true(next >= acknowledged);
    }
}

static void keys_and_ids_hold_the_same(void **state)
{
    (void)state;
    struct rng rng = rng_seeded(5);
    execution_key before = 0;
    for (int i = 0; i < 1000; i++) {
        struct wall_ms at = {1750000000000 + i / 10};
        execution_key key = execution_key_make(at, (uint32_t)i), back;
        assert_true(key > before);
        before = key;
        struct uuid id = execution_uuid(key, rng_next(&rng));
        char text[UUID_TEXT_LEN];
        uuid_format(id, text);
        assert_int_equal(text[14], '7');
        assert_true(execution_key_of_uuid(id, &back));
        assert_int_equal(back, key);
        id.bytes[6] ^= 0x10;
        assert_false(execution_key_of_uuid(id, &back));
    }
    struct uuid older = execution_uuid(execution_key_make((struct wall_ms){5}, 8), UINT64_MAX);
    struct uuid newer = execution_uuid(execution_key_make((struct wall_ms){5}, 9), 0);
    assert_true(memcmp(&older, &newer, sizeof(older)) < 0);
    execution_key key;
    assert_true(execution_key_make((struct wall_ms){INT64_MIN}, 0) > 0);
    assert_true(execution_key_make((struct wall_ms){INT64_MAX}, UINT32_MAX) > 0);
    assert_false(execution_key_of_uuid((struct uuid){0}, &key));
}

static void shards_never_change(void **state)
{
    (void)state;
    /* Stored in every store: another value would be another store. */
    assert_int_equal(
        shard_of(STR("arn:aws:states:us-east-1:000000000000:stateMachine:a"), STR("x")), 198);
    assert_true(shard_of(STR("ab"), STR("c")) != shard_of(STR("a"), STR("bc")));
    uint32_t seen[SHARD_COUNT] = {0};
    char name[16];
    for (int i = 0; i < 25600; i++) {
        snprintf(name, sizeof(name), "n%d", i);
        seen[shard_of(STR("m"), str_of_cstr(name))]++;
    }
    for (size_t i = 0; i < SHARD_COUNT; i++)
        assert_in_range(seen[i], 50, 160);
}

static void statuses_have_names(void **state)
{
    (void)state;
    assert_string_equal(execution_status_name(EXECUTION_RUNNING), "RUNNING");
    assert_string_equal(execution_status_name(EXECUTION_TIMED_OUT), "TIMED_OUT");
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    struct store_kind kind = {.name = "store file", .open = open_sqlite};
    struct CMUnitTest tests[] = {
        EACH(a_new_file_is_private_and_marked),
        EACH(everything_lasts),
        EACH(another_writer_makes_the_first_stale),
        EACH(nothing_scans_or_sorts),
        EACH(the_wal_is_moved_to_the_file),
        EACH(a_reader_follows_a_writer),
        EACH(a_reader_makes_nothing),
        EACH(a_read_only_directory_can_be_read),
        EACH(a_user_who_may_only_read_reads_beside_a_writer),
        EACH(an_unmoved_wal_is_not_read_around),
        EACH(a_file_read_without_locks_is_watched),
        EACH(a_newer_schema_is_refused),
        EACH(foreign_files_are_refused),
        EACH(a_lost_secret_is_refused),
        EACH(damaged_executions_are_named),
        EACH(damaged_turns_are_named),
        EACH(a_list_goes_on_behind_a_damaged_row),
        EACH(a_damaged_page_does_not_spoil_the_rest),
        EACH(a_full_disk_refuses_and_passes),
        EACH(a_foreign_lock_refuses_and_passes),
        EACH(an_io_error_is_the_end),
        EACH(a_killed_writer_loses_nothing_acknowledged),
        cmocka_unit_test(keys_and_ids_hold_the_same),
        cmocka_unit_test(shards_never_change),
        cmocka_unit_test(statuses_have_names),
    };
    for (size_t i = 0; i < COUNT_OF(tests); i++)
        tests[i].initial_state = &kind;
    return cmocka_run_group_tests_name(kind.name, tests, NULL, NULL);
}
