/* The projection answers what a walk through the whole store would answer, whatever
 * happened to it meanwhile. */
#include "store/visibility.h"

#include "base/rng.h"
#include "store/sqlite/sqlite_store.h"
#include "support/store_suite.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    EXECUTIONS = 300,
    MACHINES = 3,
    PAGE = 7,
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

static struct visibility *open_visibility(struct store_fixture *f)
{
    struct visibility *v;
    struct err err;
    if (!visibility_open(store_fixture_path(f, "visibility.db"), store_fixture_path(f, "pawl.db"),
                         &v, &err))
        fail_msg("%s (%s)", err.message, err.detail);
    return v;
}

/* Returns the number of steps. */
static unsigned catch_up(struct visibility *v, size_t rows_max)
{
    struct err err;
    unsigned steps = 0;
    bool more = true;
    for (; more; steps++)
        if (!visibility_step(v, rows_max, &more, &err))
            fail_msg("%s", err.message);
    return steps;
}

/* ---- a store with much in it ---- */

static void start_some(struct store_fixture *f, uint32_t from, uint32_t to)
{
    for (uint32_t n = from; n < to; n++) {
        struct arena_mark before = arena_mark(f->arena);
        const char *name =
            n % 3 ? NULL : arena_printf(f->arena, "%s-%u", n % 2 ? "order" : "mail", n).ptr;
        struct store_write w[] = {write_start(f, n % 50 == 49 ? 7 : 0, n, name, n % MACHINES),
                                  write_turn(f, n % 50 == 49 ? 7 : 0, n, 0)};
        if (n % 4 == 0)
            w[0].u.start.status = EXECUTION_SUCCEEDED;
        struct err err;
        if (commit_now(f, w, COUNT_OF(w), &err) != ERR_NONE)
            fail_msg("%s", err.message);
        arena_rewind(f->arena, before);
    }
}

/* Some go on, some end. */
static void advance_some(struct store_fixture *f, struct rng *rng, uint32_t turn)
{
    for (uint32_t n = 0; n < EXECUTIONS; n++) {
        struct arena_mark before = arena_mark(f->arena);
        org_id org = n % 50 == 49 ? 7 : 0;
        enum execution_status status =
            (enum execution_status)rng_below(rng, EXECUTION_STATUS_COUNT);
        struct store_write w[] = {write_turn(f, org, n, turn), write_progress(org, n, status, 0)};
        w[1].u.progress.redrive_count = 1;
        w[1].u.progress.redriven_at.ms = n % 7 == turn ? 1750000004000 : 0;
        assert_int_equal(commit_now(f, w, rng_below(rng, 2) ? 2 : 1, NULL), ERR_NONE);
        arena_rewind(f->arena, before);
    }
}

/* ---- both ways ---- */

static bool matches(const struct visibility_query *q, const struct execution_row *row)
{
    return (!q->machine_arn.len || str_eq(row->machine_arn, q->machine_arn)) &&
           (q->status < 0 || row->status == (enum execution_status)q->status) &&
           (!q->name_prefix.len ||
            (row->client_named && str_starts_with(row->name, q->name_prefix))) &&
           (!q->since.ms || row->key >= execution_key_make(q->since, 0)) &&
           (q->redrive == REDRIVE_ANY || (row->redrive_count > 0) == (q->redrive == REDRIVE_YES)) &&
           (!q->until.ms || row->key < execution_key_make(q->until, 0)) &&
           (!q->below || row->key < q->below);
}

static size_t walk(struct store_fixture *f, const struct visibility_query *q, execution_key *keys)
{
    size_t count = 0;
    struct store_read r = read_of(f, STORE_LIST_EXECUTIONS, q->org, 0);
    do {
        assert_int_equal(read_now(f, &r, NULL), ERR_NONE);
        for (size_t i = 0; i < r.count; i++)
            if (matches(q, &r.executions[i]))
                keys[count++] = r.executions[i].key;
        r.key = r.next;
    } while (r.more);
    return count;
}

static size_t list_in_pages(struct visibility *v, struct visibility_query q, execution_key *keys,
                            size_t page)
{
    size_t count = 0, got;
    bool more = true;
    struct err err;
    while (more) {
        if (!visibility_list(v, &q, keys + count, page, &got, &more, &err))
            fail_msg("%s", err.message);
        assert_true(got == page || !more);
        count += got;
        if (got)
            q.below = keys[count - 1];
    }
    return count;
}

static unsigned compare(struct store_fixture *f, struct visibility *v,
                        const struct visibility_query *q)
{
    execution_key expected[EXECUTIONS + PAGE], got[EXECUTIONS + PAGE];
    size_t count = walk(f, q, expected);
    assert_int_equal(list_in_pages(v, *q, got, PAGE), count);
    assert_memory_equal(got, expected, count * sizeof(*got));
    return count > 0;
}

static void compare_all(struct store_fixture *f, struct visibility *v)
{
    static const char *const arns[] = {"", "arn:test:stateMachine:machine-0",
                                       "arn:test:stateMachine:machine-2", "arn:of:none"};
    static const char *const names[] = {"", "order", "order-1", "x"};
    static const int64_t ends[][2] = {{0, 0}, {1750000000000, 0}, {0, 1750000000001}};
    unsigned lists = 0, with_rows = 0;
    for (org_id org = 0; org <= 7; org += 7)
        for (size_t m = 0; m < COUNT_OF(arns); m++)
            for (int status = STORE_ANY_STATUS; status < EXECUTION_STATUS_COUNT; status++)
                for (size_t n = 0; n < COUNT_OF(names); n++)
                    for (size_t t = 0; t < COUNT_OF(ends); t++) {
                        struct visibility_query q = {.org = org,
                                                     .machine_arn = str_of_cstr(arns[m]),
                                                     .status = status,
                                                     .name_prefix = str_of_cstr(names[n]),
                                                     .since = {ends[t][0]},
                                                     .until = {ends[t][1]}};
                        for (int r = REDRIVE_ANY; r <= REDRIVE_NO; r++, lists++) {
                            q.redrive = (enum visibility_redrive)r;
                            with_rows += compare(f, v, &q);
                        }
                    }
    printf("# lists=%u, of these with rows=%u\n", lists, with_rows);
    assert_true(lists > 1500 && with_rows > 150);
}

static void compare_counts(struct store_fixture *f, struct visibility *v)
{
    static const char *const arns[] = {"", "arn:test:stateMachine:machine-1", "arn:of:none"};
    execution_key keys[EXECUTIONS];
    int64_t counts[EXECUTION_STATUS_COUNT];
    for (size_t m = 0; m < COUNT_OF(arns); m++) {
        struct str arn = str_of_cstr(arns[m]);
        assert_true(visibility_count(v, 0, arn, counts, NULL));
        for (int status = 0; status < EXECUTION_STATUS_COUNT; status++) {
            struct visibility_query q = {.machine_arn = arn, .status = status};
            assert_int_equal(counts[status], walk(f, &q, keys));
        }
    }
}

static void assert_lag(struct visibility *v, int64_t rows)
{
    struct visibility_lag lag;
    assert_true(visibility_lag(v, &lag, NULL));
    assert_int_equal(lag.rows, rows);
    assert_int_equal(lag.since.ms != 0, rows != 0);
}

/* ---- the tests ---- */

static void it_answers_as_a_walk_does(void **state)
{
    struct store_fixture *f = *state;
    struct rng rng = rng_seeded(3);
    struct visibility *v = open_visibility(f);
    assert_lag(v, 0);
    start_some(f, 0, EXECUTIONS);
    assert_lag(v, EXECUTIONS);
    assert_true(catch_up(v, 50) > 5);
    assert_lag(v, 0);
    compare_all(f, v);
    for (uint32_t turn = 1; turn < 4; turn++) {
        advance_some(f, &rng, turn);
        catch_up(v, 0);
        compare_counts(f, v);
    }
    compare_all(f, v);
    assert_lag(v, 0);
    visibility_close(v);
}

static void it_goes_on_where_it_was(void **state)
{
    struct store_fixture *f = *state;
    struct rng rng = rng_seeded(4);
    struct visibility *v = open_visibility(f);
    start_some(f, 0, EXECUTIONS);
    bool more;
    assert_true(visibility_step(v, 150, &more, NULL));
    assert_true(more);
    visibility_close(v);
    v = open_visibility(f);
    assert_lag(v, EXECUTIONS - 150);
    advance_some(f, &rng, 1);
    catch_up(v, 0);
    compare_counts(f, v);
    visibility_close(v);
}

static void write_garbage(struct store_fixture *f, const char *name)
{
    FILE *file = fopen(store_fixture_path(f, name), "w");
    assert_non_null(file);
    unlink(arena_printf(f->arena, "%s-wal", store_fixture_path(f, name)).ptr);
    fputs("this is no database, and far from one", file);
    fclose(file);
}

static void run_sql(struct store_fixture *f, const char *name, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(store_fixture_path(f, name), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void assert_made_anew(struct store_fixture *f)
{
    struct visibility *v = open_visibility(f);
    assert_lag(v, EXECUTIONS);
    catch_up(v, 0);
    compare_counts(f, v);
    visibility_close(v);
}

static void what_cannot_be_used_is_made_anew(void **state)
{
    struct store_fixture *f = *state;
    start_some(f, 0, EXECUTIONS);
    assert_made_anew(f);
    unlink(store_fixture_path(f, "visibility.db")); /* harmless */
    assert_made_anew(f);
    write_garbage(f, "visibility.db");
    assert_made_anew(f);
    run_sql(f, "visibility.db", "PRAGMA user_version = 77"); /* another release's */
    assert_made_anew(f);
    run_sql(f, "visibility.db", "UPDATE position SET checksum = 5"); /* another store's */
    assert_made_anew(f);
    run_sql(f, "visibility.db", "DROP TABLE position");
    assert_made_anew(f);
}

/* The store was replaced by an older copy of itself. */
static void an_older_store_is_noticed(void **state)
{
    struct store_fixture *f = *state;
    start_some(f, 0, EXECUTIONS);
    struct visibility *v = open_visibility(f);
    catch_up(v, 0);
    visibility_close(v);
    run_sql(f, "pawl.db",
            "DELETE FROM journal WHERE seq > 200; DELETE FROM execution"
            " WHERE key NOT IN (SELECT execution FROM journal)");
    v = open_visibility(f);
    assert_lag(v, 200);
    catch_up(v, 0);
    compare_counts(f, v);
    visibility_close(v);
}

static void a_reader_lists_beside_it(void **state)
{
    struct store_fixture *f = *state;
    struct visibility *reader;
    struct err err;
    const char *path = store_fixture_path(f, "visibility.db");
    const char *store_path = store_fixture_path(f, "pawl.db");
    assert_false(visibility_open_reader(path, store_path, &reader, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    struct visibility *v = open_visibility(f);
    assert_true(visibility_open_reader(path, store_path, &reader, NULL));
    start_some(f, 0, 100);
    assert_lag(reader, 100);
    catch_up(v, 0);
    assert_lag(reader, 0);
    compare_counts(f, reader);
    visibility_close(v);
    compare_counts(f, reader);
    visibility_close(reader);
    write_garbage(f, "visibility.db");
    assert_false(visibility_open_reader(path, store_path, &reader, &err));
}

/* Their ends are written without a turn. */
static void express_executions_end_too(void **state)
{
    enum {
        COUNT = 30,
        STEP = 7
    };
    struct store_fixture *f = *state;
    struct visibility *v = open_visibility(f);
    int64_t counts[EXECUTION_STATUS_COUNT];
    for (uint32_t n = 0; n < COUNT; n++) {
        struct store_write w[] = {write_start(f, 0, n, NULL, 0), write_turn(f, 0, n, 0)};
        w[0].u.start.express = true;
        assert_int_equal(commit_now(f, w, COUNT_OF(w), NULL), ERR_NONE);
    }
    catch_up(v, 0);
    assert_true(visibility_count(v, 0, STR(""), counts, NULL));
    assert_int_equal(counts[EXECUTION_RUNNING], COUNT);
    for (uint32_t n = 1; n < COUNT; n++) { /* but the first */
        struct store_write w = write_progress(0, n, EXECUTION_FAILED, 0);
        assert_int_equal(commit_now(f, &w, 1, NULL), ERR_NONE);
    }
    assert_lag(v, 0);
    for (int i = 0; i < (COUNT + STEP - 1) / STEP; i++)
        catch_up(v, STEP);
    assert_true(visibility_count(v, 0, STR(""), counts, NULL));
    assert_int_equal(counts[EXECUTION_RUNNING], 1);
    assert_int_equal(counts[EXECUTION_FAILED], COUNT - 1);
    compare_counts(f, v);
    visibility_close(v);
}

static void other_filters_are_refused(void **state)
{
    (void)state;
    struct err err;
    assert_true(visibility_check_filter(STR("status"), &err));
    assert_false(visibility_check_filter(STR("colour"), &err));
    assert_int_equal(err.code, ERR_INVALID_INPUT);
    assert_non_null(strstr(err.message, "\"colour\""));
    assert_non_null(strstr(err.message, "machine ("));
    assert_non_null(strstr(err.message, "until ("));
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    struct store_kind kind = {.name = "visibility", .open = open_sqlite};
    struct CMUnitTest tests[] = {
        EACH(it_answers_as_a_walk_does),
        EACH(it_goes_on_where_it_was),
        EACH(what_cannot_be_used_is_made_anew),
        EACH(an_older_store_is_noticed),
        EACH(a_reader_lists_beside_it),
        EACH(express_executions_end_too),
        cmocka_unit_test(other_filters_are_refused),
    };
    for (size_t i = 0; i < COUNT_OF(tests); i++)
        tests[i].initial_state = &kind;
    return cmocka_run_group_tests_name(kind.name, tests, NULL, NULL);
}
