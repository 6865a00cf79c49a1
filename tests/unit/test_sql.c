/* The views for people show what the journal's own views say: every execution of
 * tests/golden/flow/ is played, kept in a store of its own and looked at both ways. */
#include "journal/sql.h"

#include "store/sqlite/sqlite_store.h"
#include "support/game.h"
#include "support/store_suite.h"

#include <dirent.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    FILE_SIZE_MAX = 1 << 20,
    TEXT_SIZE_MAX = 64 << 20,
    FLOWS_MIN = 80, /* there are more */
};

static struct store *open_sqlite(struct store_fixture *f)
{
    struct store *s;
    struct err err;
    struct buf views = BUF_INIT(0);
    journal_views(&views);
    struct sqlite_store_options options = {
        .mode = SQLITE_STORE_READ_WRITE, .secret = test_secret, .views = buf_cstr(&views)};
    if (!sqlite_store_open_with(store_fixture_path(f, "pawl.db"), &options, &s, &err))
        panic(__FILE__, __LINE__, err.message);
    buf_release(&views);
    return s;
}

static const char *source_path(struct arena *a, const char *name)
{
    const char *root = getenv("PAWL_SOURCE_ROOT");
    return arena_printf(a, "%s/%s", root ? root : ".", name).ptr;
}

static struct str read_source(struct arena *a, const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("cannot open %s; set PAWL_SOURCE_ROOT", path);
    char *text = arena_zalloc(a, FILE_SIZE_MAX, 1);
    size_t size = fread(text, 1, FILE_SIZE_MAX - 1, file);
    assert_true(size > 0 && size < FILE_SIZE_MAX - 1);
    fclose(file);
    return str_of(text, size);
}

/* ---- an execution in the store ---- */

struct kept {
    struct store_fixture *f;
    uint32_t number;
    const struct run *run; /* NULL until the first turn is kept */
    struct store_write writes[PLAYER_TURNS_MAX / 100];
    size_t count;
};

static void keep_turn(void *arg, const struct journal_row *row)
{
    struct kept *k = arg;
    assert_true(k->count < COUNT_OF(k->writes));
    k->writes[k->count++] = (struct store_write){
        .kind = STORE_APPEND_TURN,
        .u.turn = {.key = key_of(k->number),
                   .turn = row->turn,
                   .rules_version = row->rules_version,
                   .cause = row->cause,
                   .at = row->at,
                   .body = arena_str(k->f->arena, row->body),
                   .checksum = row->checksum},
    };
}

static void put_execution(struct kept *k, const struct player *p)
{
    const struct machine *m = run_machine(p->live);
    struct store_write begin[] = {
        write_definition(0, m->definition),
        write_start(k->f, 0, k->number, NULL, 0),
    };
    begin[0].u.definition.outline = machine_outline(m, k->f->arena);
    memcpy(begin[1].u.start.definition, begin[0].u.definition.hash, SHA256_SIZE);
    begin[1].u.start.started_at.ms = GAME_CLOCK_START_MS;
    struct store_write end = write_progress(
        0, k->number, (enum execution_status)run_status(p->live), flow_wake(p->live).ms);
    end.u.progress.stopped_at.ms = run_status(p->live) == FLOW_RUNNING ? 0 : p->now.ms;
    struct err err;
    if (commit_now(k->f, begin, COUNT_OF(begin), &err) != ERR_NONE ||
        commit_now(k->f, k->writes, k->count, &err) != ERR_NONE ||
        commit_now(k->f, &end, 1, &err) != ERR_NONE)
        fail_msg("%s", err.message);
}

/* ---- what the journal says, as text ---- */

static void add_text(struct buf *to, const char *name, bool has, struct str text)
{
    if (has)
        buf_printf(to, " %s=" STR_FMT, name, STR_ARG(text));
}

static void add_json(struct buf *to, const char *name, struct json value)
{
    if (json_is_absent(value))
        return;
    buf_printf(to, " %s=", name);
    json_write(to, value);
}

static void add_count(struct buf *to, const char *name, int64_t count)
{
    if (count)
        buf_printf(to, " %s=%lld", name, (long long)count);
}

static void say_steps(const struct player *p, struct buf *to)
{
    for (size_t i = 0; i < p->steps.count; i++) {
        const struct step *s = &p->steps.items[i];
        struct str type = state_type_name(s->state->type);
        buf_printf(to, "%u " STR_FMT " " STR_FMT " " STR_FMT " %s", s->index + 1,
                   STR_ARG(s->state->name), STR_ARG(type), STR_ARG(s->path),
                   step_status_name(s->status));
        add_count(to, "started", s->started_at.ms);
        add_count(to, "stopped", s->stopped_at.ms);
        add_count(to, "attempts", (int64_t)s->attempt_count);
        add_json(to, "input", s->input);
        add_json(to, "output", s->output);
        add_text(to, "error", s->has_error, s->error);
        add_text(to, "cause", s->has_cause, s->cause);
        if (s->children_total)
            buf_printf(to, " %lld/%lld", (long long)s->children_done, (long long)s->children_total);
        buf_append_char(to, '\n');
    }
}

/* {"xEventDetails": {...}} of an event, or absent. */
static struct json details_of(struct json event)
{
    const struct json_member *members = json_members(event);
    for (size_t i = 0; i < json_count(event); i++)
        if (str_ends_with(json_str(members[i].key), STR("EventDetails")))
            return members[i].value;
    return JSON_NONE;
}

static void add_detail(struct buf *to, const char *name, struct json details)
{
    struct json value = json_get(details, str_of_cstr(name));
    if (json_is_string(value))
        buf_printf(to, " %s=" STR_FMT, name, STR_ARG(json_str(value)));
}

static void say_events(const struct player *p, struct buf *to)
{
    for (size_t i = 0; i < p->history.count; i++) {
        struct json event = p->history.items[i], details = details_of(event);
        json_write(to, json_get(event, STR("id")));
        buf_printf(to, " " STR_FMT " %.3f", STR_ARG(json_str(json_get(event, STR("type")))),
                   json_to_double(json_get(event, STR("timestamp"))));
        add_detail(to, "name", details);
        add_detail(to, "input", details);
        add_detail(to, "parameters", details);
        add_detail(to, "output", details);
        add_detail(to, "error", details);
        add_detail(to, "cause", details);
        buf_append_char(to, '\n');
    }
}

static void say_execution(const struct player *p, struct buf *to)
{
    struct str text;
    buf_printf(to, "%s", execution_status_name((enum execution_status)run_status(p->live)));
    add_json(to, "output", run_output(p->live));
    if (run_error(p->live, &text))
        add_text(to, "error", true, text);
    if (run_cause(p->live, &text))
        add_text(to, "cause", true, text);
    buf_printf(to, " turns=%u\n", p->turns);
}

/* ---- what the views say, in the same words ---- */

/* Each row one line; a NULL adds nothing. */
static void ask(struct store_fixture *f, const char *sql, execution_key key, struct buf *to)
{
    sqlite3 *db;
    sqlite3_stmt *rows;
    assert_int_equal(
        sqlite3_open_v2(store_fixture_path(f, "pawl.db"), &db, SQLITE_OPEN_READONLY, NULL),
        SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    if (key)
        sqlite3_bind_int64(rows, 1, key);
    int rc;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(rows); i++)
            if (sqlite3_column_type(rows, i) != SQLITE_NULL)
                buf_append(to, str_of((const char *)sqlite3_column_text(rows, i),
                                      (size_t)sqlite3_column_bytes(rows, i)));
        buf_append_char(to, '\n');
    }
    if (rc != SQLITE_DONE)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_finalize(rows);
    sqlite3_close(db);
}

#define STEPS_SQL                                                                                  \
    "SELECT step || ' ' || state || ' ' || type || ' ' || path || ' ' || status,"                  \
    " ' started=' || started_ms, ' stopped=' || stopped_ms, ' attempts=' || attempts,"             \
    " ' input=' || input, ' output=' || output, ' error=' || error, ' cause=' || cause,"           \
    " ' ' || children_done || '/' || nullif(children, 0) FROM steps WHERE key = ?1"

/* Names and values as the API shows them, which does not show all that is journaled. */
#define EVENTS_SQL                                                                                 \
    "SELECT id || ' ' || type || printf(' %.3f', time_ms / 1000.0),"                               \
    " CASE WHEN type GLOB '*Entered' OR type GLOB '*Exited' OR type GLOB 'MapIteration*'"          \
    "  THEN ' name=' || state END,"                                                                \
    " CASE WHEN type NOT IN ('ParallelStateStarted', 'MapStateStarted', 'MapIterationStarted')"    \
    "  THEN iif(type = 'TaskScheduled', ' parameters=', ' input=') || input END,"                  \
    " ' output=' || output,"                                                                       \
    " CASE WHEN type NOT GLOB '*Exited' AND type NOT GLOB 'MapIteration*' THEN"                    \
    "  coalesce(' error=' || error, '') || coalesce(' cause=' || cause, '') END"                   \
    " FROM events WHERE key = ?1 AND id IS NOT NULL"

#define EXECUTION_SQL                                                                              \
    "SELECT status, ' output=' || output, ' error=' || error, ' cause=' || cause,"                 \
    " ' turns=' || turns FROM executions WHERE key = ?1"

/* The line that begins at or before a place. */
static struct str line_at(struct str text, size_t at)
{
    while (at > 0 && text.ptr[at - 1] != '\n')
        at--;
    struct str rest = str_slice(text, at, text.len);
    return str_slice(rest, 0, str_find_char(rest, '\n'));
}

static void compare(struct store_fixture *f, const char *name, const char *sql, execution_key key,
                    const struct buf *said)
{
    struct buf shown = BUF_INIT(TEXT_SIZE_MAX);
    ask(f, sql, key, &shown);
    size_t same = 0;
    while (same < shown.len && same < said->len && shown.ptr[same] == said->ptr[same])
        same++;
    if (same < shown.len || same < said->len) {
        printf("# journal: " STR_FMT "\n", STR_ARG(line_at(buf_str(said), same)));
        printf("# view:    " STR_FMT "\n", STR_ARG(line_at(buf_str(&shown), same)));
        fail_msg("%s: the view shows another thing", name);
    }
    buf_release(&shown);
}

static void check_views(struct kept *k, const char *name, const struct player *p)
{
    static void (*const sayers[])(const struct player *, struct buf *) = {say_execution, say_steps,
                                                                          say_events};
    static const char *const queries[] = {EXECUTION_SQL, STEPS_SQL, EVENTS_SQL};
    for (size_t i = 0; i < COUNT_OF(queries); i++) {
        struct buf said = BUF_INIT(TEXT_SIZE_MAX);
        sayers[i](p, &said);
        compare(k->f, name, queries[i], key_of(k->number), &said);
        buf_release(&said);
    }
}

static void play_and_check(struct store_fixture *f, const char *name, struct str text,
                           uint32_t number)
{
    struct kept *k = calloc(1, sizeof(*k));
    struct buf problem = BUF_INIT(0);
    struct arena *a = arena_new(0);
    *k = (struct kept){.f = f, .number = number};
    struct player *p = game_play(a, text, keep_turn, k, &problem);
    if (!p)
        fail_msg("%s: %s", name, buf_cstr(&problem));
    assert_null(p->problem);
    put_execution(k, p);
    check_views(k, name, p);
    player_free(p);
    buf_release(&problem);
    arena_free(a);
    free(k);
}

static int is_flow(const struct dirent *entry)
{
    return str_ends_with(str_of_cstr(entry->d_name), STR(".json"));
}

static void views_say_what_the_journal_says(void **state)
{
    struct store_fixture *f = *state;
    struct dirent **names;
    int count = scandir(source_path(f->arena, "tests/golden/flow"), &names, is_flow, alphasort);
    assert_true(count >= FLOWS_MIN);
    for (int i = 0; i < count; i++) {
        const char *path =
            arena_printf(f->arena, "%s/%s", source_path(f->arena, "tests/golden/flow"),
                         names[i]->d_name)
                .ptr;
        play_and_check(f, names[i]->d_name, read_source(f->arena, path), (uint32_t)i);
        free(names[i]);
    }
    free(names);
    printf("# %d executions\n", count);
}

/* ---- the document ---- */

#define DOCUMENT "docs/sql.md"

static void fill_with_some(struct store_fixture *f)
{
    static const char *const names[] = {"parallel_failed", "map_retry", "fail_texts",
                                        "task_lambda"};
    for (uint32_t i = 0; i < COUNT_OF(names); i++) {
        const char *path = arena_printf(f->arena, "%s/%s.json",
                                        source_path(f->arena, "tests/golden/flow"), names[i])
                               .ptr;
        play_and_check(f, names[i], read_source(f->arena, path), i);
    }
}

/* Recent enough for "today". */
static void make_recent(struct store_fixture *f)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(store_fixture_path(f, "pawl.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE execution SET started_at = strftime('%s', 'now') * 1000",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
}

static void the_queries_of_the_document_run(void **state)
{
    struct store_fixture *f = *state;
    fill_with_some(f);
    make_recent(f);
    struct str text = read_source(f->arena, source_path(f->arena, DOCUMENT));
    const struct str fence = STR("```sql\n");
    unsigned count = 0;
    const char *from = text.ptr;
    while ((from = strstr(from, fence.ptr))) {
        from += fence.len;
        const char *end = strstr(from, "```");
        assert_non_null(end);
        struct buf rows = BUF_INIT(TEXT_SIZE_MAX);
        ask(f, arena_str(f->arena, str_of(from, (size_t)(end - from))).ptr, 0, &rows);
        if (rows.len == 0)
            fail_msg("nothing was found by %.*s", (int)(end - from), from);
        buf_release(&rows);
        count++;
    }
    assert_int_equal(count, 3);
}

/* The first cells of the table rows below a view's heading name its columns. */
static void add_documented(struct str text, const char *view, struct buf *to)
{
    char heading[32];
    snprintf(heading, sizeof(heading), "\n### %s\n", view);
    const char *line = strstr(text.ptr, heading);
    assert_non_null(line);
    line += strlen(heading);
    for (; *line && strncmp(line, "### ", 4) != 0; line = strchr(line, '\n') + 1) {
        if (strncmp(line, "| `", 3) != 0)
            continue;
        for (const char *c = line + 2; *c != '|'; c++) {
            if (*c == ',')
                buf_append_char(to, '\n');
            else if (*c != '`' && *c != ' ')
                buf_append_char(to, *c);
        }
        buf_append_char(to, '\n');
    }
}

static void the_document_names_every_column(void **state)
{
    static const char *const views[] = {"executions", "steps", "events", "logs"};
    struct store_fixture *f = *state;
    struct str text = read_source(f->arena, source_path(f->arena, DOCUMENT));
    for (size_t i = 0; i < COUNT_OF(views); i++) {
        struct buf documented = BUF_INIT(0), there = BUF_INIT(0);
        add_documented(text, views[i], &documented);
        ask(f, arena_printf(f->arena, "SELECT name FROM pragma_table_info('%s')", views[i]).ptr, 0,
            &there);
        assert_string_equal(buf_cstr(&documented), buf_cstr(&there));
        buf_release(&documented);
        buf_release(&there);
    }
}

/* ---- what else they must bear ---- */

static void a_damaged_body_spoils_nothing_else(void **state)
{
    struct store_fixture *f = *state;
    struct buf rows = BUF_INIT(0);
    fill_with_some(f);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(store_fixture_path(f, "pawl.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE journal SET body = '{\"e\":[' WHERE execution ="
                                  " (SELECT min(key) FROM execution)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    ask(f, "SELECT count(*), count(input) FROM executions", 0, &rows);
    ask(f, "SELECT count(DISTINCT execution) FROM steps", 0, &rows);
    ask(f, "SELECT count(DISTINCT execution) FROM events", 0, &rows);
    assert_string_equal(buf_cstr(&rows), "43\n3\n3\n");
    buf_release(&rows);
}

static void logs_show_how_commands_went(void **state)
{
    struct store_fixture *f = *state;
    struct buf rows = BUF_INIT(0);
    fill_with_some(f);
    ask(f,
        "SELECT step || ' ' || state || ' ' || attempt, ' ' || exit, ' ' || seconds, ' ' || stdout,"
        " ' ' || stderr, iif(time GLOB '2023-11-14T22:13:2?.*Z', ' in time', '') FROM logs",
        0, &rows);
    assert_string_equal(buf_cstr(&rows), "1 T 1 0 working in time\n");
    buf_release(&rows);
}

/* Another release's views are replaced; the same are left alone. */
static void views_follow_the_release(void **state)
{
    struct store_fixture *f = *state;
    struct buf before = BUF_INIT(0), after = BUF_INIT(0);
    ask(f, "PRAGMA schema_version", 0, &before);
    store_close(f->store);
    f->store = open_sqlite(f);
    ask(f, "PRAGMA schema_version", 0, &after);
    assert_string_equal(buf_cstr(&before), buf_cstr(&after));
    store_close(f->store);
    struct sqlite_store_options options = {
        .mode = SQLITE_STORE_READ_WRITE,
        .views = "DROP VIEW IF EXISTS logs; CREATE VIEW logs AS SELECT 'older' AS release"};
    struct err err;
    assert_true(
        sqlite_store_open_with(store_fixture_path(f, "pawl.db"), &options, &f->store, &err));
    store_close(f->store);
    buf_clear(&after);
    ask(f, "SELECT release FROM logs", 0, &after);
    assert_string_equal(buf_cstr(&after), "older\n");
    f->store = open_sqlite(f);
    buf_clear(&after);
    ask(f, "SELECT count(exit) FROM logs", 0, &after);
    assert_string_equal(buf_cstr(&after), "0\n");
    buf_release(&before);
    buf_release(&after);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    struct store_kind kind = {.name = "sql views", .open = open_sqlite};
    struct CMUnitTest tests[] = {
        EACH(views_say_what_the_journal_says), EACH(the_queries_of_the_document_run),
        EACH(the_document_names_every_column), EACH(a_damaged_body_spoils_nothing_else),
        EACH(logs_show_how_commands_went),     EACH(views_follow_the_release),
    };
    for (size_t i = 0; i < COUNT_OF(tests); i++)
        tests[i].initial_state = &kind;
    return cmocka_run_group_tests_name(kind.name, tests, NULL, NULL);
}
