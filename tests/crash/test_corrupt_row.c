/* A damaged row: the execution and the turn are named, that execution stays as it
 * is, and all the others go on.
 *
 * An engine makes the data, dies, and another hand changes the file by plain SQL.
 */
#include "base/buf.h"
#include "store/sqlite/sqlite_store.h"
#include "support/engine_world.h"
#include "support/store_suite.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    RUNS = 5,
    VICTIM = 2,
    TROUBLES_MAX = 8,
    SHORT = 1,
    LONG = 20, /* worth a snapshot */
};

struct scene {
    struct store_fixture f; /* only its folder and arena */
    struct world w;
    int steps; /* before the one that waits: SHORT or LONG */
    const char *definition, *victims_definition;
    execution_key keys[RUNS];
    struct {
        execution_key key;
        struct err err;
    } troubles[TROUBLES_MAX];
    size_t trouble_count;
};

/* ---- the data ---- */

static const char *db_path(struct scene *s)
{
    return store_fixture_path(&s->f, "pawl.db");
}

static void note_trouble(void *arg, execution_key key, const struct err *err,
                         struct wall_ms again_at)
{
    struct scene *s = arg;
    (void)again_at;
    assert_true(s->trouble_count < TROUBLES_MAX);
    s->troubles[s->trouble_count].key = key;
    s->troubles[s->trouble_count++].err = *err;
}

static void begin(struct scene *s)
{
    struct store *store;
    struct err err;
    if (!sqlite_store_open(db_path(s), SQLITE_STORE_READ_WRITE, test_secret, &store, &err))
        fail_msg("%s", err.message);
    world_init(&s->w, store);
    s->w.options.troubled = note_trouble;
    s->w.options.troubled_arg = s;
    s->w.options.snapshot_min = 1;
    world_open(&s->w);
}

static void end(struct scene *s)
{
    world_release(&s->w);
    store_close(s->w.store);
}

static const char *name_of(struct scene *s, int run)
{
    return arena_printf(s->f.arena, "run-%d", run).ptr;
}

/* Steps that echo, then one that answers after five seconds, then one more. */
static const char *make_definition(struct scene *s, const char *comment)
{
    static const char task[] =
        "\"%d\":{\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:000000000000:function:"
        "%s\",\"Next\":\"%d\"},";
    struct buf text = BUF_INIT(0);
    buf_printf(&text, "{\"Comment\":\"%s\",\"StartAt\":\"0\",\"States\":{", comment);
    for (int i = 0; i <= s->steps; i++)
        buf_printf(&text, task, i, i < s->steps ? "echo" : "slow", i + 1);
    buf_printf(&text, "\"%d\":{\"Type\":\"Pass\",\"End\":true}}}", s->steps + 1);
    const char *kept = arena_cstr(s->f.arena, buf_str(&text));
    buf_release(&text);
    return kept;
}

static struct scene *scene_new(int steps)
{
    struct scene *s = calloc(1, sizeof(*s));
    struct world_reply replies[RUNS];
    assert_non_null(s);
    s->steps = steps;
    s->f.arena = arena_new(0);
    s->definition = make_definition(s, "of all");
    s->victims_definition = make_definition(s, "of the victim");
    memcpy(s->f.folder, "/tmp/pawl-row-XXXXXX", sizeof("/tmp/pawl-row-XXXXXX"));
    assert_non_null(mkdtemp(s->f.folder));
    begin(s);
    for (int i = 0; i < RUNS; i++)
        world_start(&s->w, i == VICTIM ? "other" : "m",
                    i == VICTIM ? s->victims_definition : s->definition, name_of(s, i),
                    arena_printf(s->f.arena, "{\"run\":%d}", i).ptr, &replies[i]);
    world_pass(&s->w, 1000);
    for (int i = 0; i < RUNS; i++) {
        assert_int_equal(replies[i].code, ERR_NONE);
        s->keys[i] = replies[i].key;
        assert_int_equal(world_row(&s->w, s->w.store, s->keys[i]).turns, steps + 1);
    }
    end(s);
    return s;
}

static void scene_free(struct scene *s)
{
    unlink(db_path(s));
    rmdir(s->f.folder);
    arena_free(s->f.arena);
    free(s);
}

/* Runs SQL without any check; gives the first value of the first row, if any. */
static int64_t run_sql(struct scene *s, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    int64_t answer = 0;
    assert_int_equal(sqlite3_open(db_path(s), &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA ignore_check_constraints = ON", NULL, NULL, NULL);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        answer = sqlite3_column_int64(statement, 0);
    assert_true(rc == SQLITE_ROW || rc == SQLITE_DONE);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return answer;
}

/* Of all that is stored of the victim. */
static int64_t victim_state(struct scene *s)
{
    return run_sql(s, arena_printf(s->f.arena,
                                   "SELECT sum(seq * 31 + turn * 7 + length(body) + checksum %% "
                                   "1000003) FROM journal WHERE execution = %lld",
                                   (long long)s->keys[VICTIM])
                          .ptr);
}

/* ---- afterwards ---- */

static void check_named(struct scene *s, const struct err *err, const char *turn)
{
    const char *key = arena_printf(s->f.arena, "%lld", (long long)s->keys[VICTIM]).ptr;
    bool named = strstr(err->message, name_of(s, VICTIM)) || strstr(err->message, key);
    if (!named || !strstr(err->message, turn))
        fail_msg("names not the execution, or not %s: %s", turn, err->message);
}

static void check_trouble(struct scene *s, enum err_code code, const char *turn)
{
    assert_int_equal(s->trouble_count, 1);
    assert_int_equal(s->troubles[0].key, s->keys[VICTIM]);
    if (code != ERR_NONE)
        assert_string_equal(err_name(s->troubles[0].err.code), err_name(code));
    check_named(s, &s->troubles[0].err, turn);
}

static void check_others(struct scene *s)
{
    struct err why;
    struct world_reply reply;
    assert_false(engine_dead(s->w.engine, &why));
    for (int i = 0; i < RUNS; i++) {
        if (i == VICTIM)
            continue;
        assert_int_equal(world_row(&s->w, s->w.store, s->keys[i]).status, EXECUTION_SUCCEEDED);
        assert_true(str_eq(world_output(&s->w, s->w.store, s->keys[i]),
                           arena_printf(s->f.arena, "{\"run\":%d}", i)));
    }
    world_start(&s->w, "m", s->definition, "new", "{}", &reply);
    world_settle(&s->w);
    assert_int_equal(reply.code, ERR_NONE);
    assert_int_equal(world_row(&s->w, s->w.store, reply.key).status, EXECUTION_SUCCEEDED);
}

/* Whoever asks for it hears why it does not go on. */
static void check_asked(struct scene *s, enum err_code code, const char *turn)
{
    struct world_reply reply[2] = {0};
    engine_resume(s->w.engine, s->keys[VICTIM], world_replied, &reply[0]);
    world_settle(&s->w);
    engine_stop(s->w.engine, s->keys[VICTIM], STR(""), STR(""), world_replied, &reply[1]);
    world_settle(&s->w);
    for (size_t i = 0; i < COUNT_OF(reply); i++) {
        struct err err = {0};
        assert_true(reply[i].answered);
        assert_true(code == ERR_NONE || reply[i].code == code);
        memcpy(err.message, reply[i].message, sizeof(err.message));
        check_named(s, &err, turn);
    }
}

struct damage {
    const char *change; /* before "execution = <key>" */
    enum err_code code; /* ERR_NONE: any */
    const char *turn;   /* that must be named */
};

static void damage(const struct damage *d)
{
    struct scene *s = scene_new(SHORT);
    long long key = s->keys[VICTIM];
    run_sql(s, arena_printf(s->f.arena, "%s execution = %lld", d->change, key).ptr);
    int64_t before = victim_state(s);
    begin(s);
    world_settle(&s->w);
    check_trouble(s, d->code, d->turn);
    check_others(s);
    check_asked(s, d->code, d->turn);
    assert_int_equal(world_row(&s->w, s->w.store, key).status, EXECUTION_RUNNING);
    end(s);
    assert_int_equal(victim_state(s), before);
    scene_free(s);
}

static void damaged_turns_are_set_apart(void **state)
{
    static const struct damage cases[] = {
        {"UPDATE journal SET body = replace(body, '2', '3') WHERE turn = 0 AND", ERR_CORRUPT,
         "turn 0"},
        {"UPDATE journal SET body = substr(body, 1, length(body) / 2) WHERE turn = 1 AND",
         ERR_CORRUPT, "turn 1"},
        {"UPDATE journal SET body = '' WHERE turn = 1 AND", ERR_CORRUPT, "turn 1"},
        {"UPDATE journal SET body = body || ' ' WHERE turn = 0 AND", ERR_CORRUPT, "turn 0"},
        {"UPDATE journal SET checksum = checksum + 1 WHERE turn = 1 AND", ERR_CORRUPT, "turn 1"},
        {"UPDATE journal SET cause = 256 WHERE turn = 1 AND", ERR_CORRUPT, "turn 1"},
        {"UPDATE journal SET rules_version = 9999 WHERE turn = 1 AND", ERR_NEWER_SCHEMA, "turn 1"},
        {"UPDATE journal SET turn = 7 WHERE turn = 1 AND", ERR_CORRUPT, "turn 1"},
        {"DELETE FROM journal WHERE turn = 0 AND", ERR_CORRUPT, "turn 0"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        print_message("# %s\n", cases[i].change);
        damage(&cases[i]);
    }
    printf("# damaged rows: ways=%zu; each time one execution set apart and %d ended\n",
           COUNT_OF(cases), RUNS);
}

/* A definition that cannot be compiled, which only the victim uses. */
static void a_damaged_definition_sets_its_executions_apart(void **state)
{
    static const struct damage cut_short = {
        "WITH j AS (SELECT * FROM journal) UPDATE definition SET text = substr(text, 1, 20)"
        " FROM j WHERE text LIKE '%of the victim%' AND",
        ERR_NONE, ""};
    (void)state;
    damage(&cut_short);
}

/* It only saves reading: the journal is read instead, and all go on. */
static void damaged_snapshots_do_no_harm(void **state)
{
    static const char *const changes[] = {
        "UPDATE snapshot SET body = substr(body, 1, length(body) / 2)",
        "UPDATE snapshot SET body = replace(body, '1', '2')",
        "UPDATE snapshot SET checksum = checksum + 1",
        "UPDATE snapshot SET turn = turn + 1",
        "DELETE FROM snapshot",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        struct scene *s = scene_new(LONG);
        assert_int_equal(run_sql(s, "SELECT count(*) FROM snapshot"), RUNS);
        run_sql(s, changes[i]);
        begin(s);
        world_settle(&s->w);
        for (int run = 0; run < RUNS; run++)
            assert_true(str_eq(world_output(&s->w, s->w.store, s->keys[run]),
                               arena_printf(s->f.arena, "{\"run\":%d}", run)));
        end(s);
        scene_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_turns_are_set_apart),
        cmocka_unit_test(a_damaged_definition_sets_its_executions_apart),
        cmocka_unit_test(damaged_snapshots_do_no_harm),
    };
    return cmocka_run_group_tests_name("corrupt row", tests, NULL, NULL);
}
