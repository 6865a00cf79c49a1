#include "support/store_suite.h"

#include "store/memory/memory_store.h"
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- comparing ---- */

static void assert_str(struct str got, struct str expected)
{
    if (!str_eq(got, expected))
        fail_msg("got \"" STR_FMT "\", not \"" STR_FMT "\"", STR_ARG(got), STR_ARG(expected));
}

static void assert_execution(const struct execution_row *got, const struct execution_row *expected)
{
    assert_int_equal(got->key, expected->key);
    assert_memory_equal(&got->id, &expected->id, sizeof(got->id));
    assert_str(got->name, expected->name);
    assert_int_equal(got->client_named, expected->client_named);
    assert_str(got->arn, expected->arn);
    assert_str(got->machine_arn, expected->machine_arn);
    assert_str(got->machine_name, expected->machine_name);
    assert_memory_equal(got->definition, expected->definition, SHA256_SIZE);
    assert_int_equal(got->shard, expected->shard);
    assert_int_equal(got->status, expected->status);
    assert_int_equal(got->started_at.ms, expected->started_at.ms);
    assert_int_equal(got->stopped_at.ms, expected->stopped_at.ms);
    assert_int_equal(got->wake_at.ms, expected->wake_at.ms);
    assert_int_equal(got->turns, expected->turns);
    assert_int_equal(got->parent, expected->parent);
    assert_int_equal(got->parent_task, expected->parent_task);
    assert_int_equal(got->map_run, expected->map_run);
    assert_str(got->role_arn, expected->role_arn);
    assert_str(got->origin, expected->origin);
    assert_int_equal(got->express, expected->express);
    assert_int_equal(got->redrive_count, expected->redrive_count);
    assert_int_equal(got->redriven_at.ms, expected->redriven_at.ms);
    assert_int_equal(got->related, expected->related);
    assert_int_equal(got->relation, expected->relation);
}

static void assert_turn(const struct turn_row *got, const struct turn_row *expected)
{
    assert_int_equal(got->key, expected->key);
    assert_int_equal(got->turn, expected->turn);
    assert_int_equal(got->rules_version, expected->rules_version);
    assert_int_equal(got->cause, expected->cause);
    assert_int_equal(got->at.ms, expected->at.ms);
    assert_str(got->body, expected->body);
    assert_int_equal(got->checksum, expected->checksum);
}

static void assert_machine(const struct machine_row *got, const struct machine_row *expected)
{
    assert_str(got->name, expected->name);
    assert_str(got->arn, expected->arn);
    assert_memory_equal(got->definition, expected->definition, SHA256_SIZE);
    assert_int_equal(got->created_at.ms, expected->created_at.ms);
    assert_int_equal(got->updated_at.ms, expected->updated_at.ms);
    assert_str(got->body, expected->body);
}

static void assert_object(const struct object_row *got, const struct object_row *expected)
{
    assert_str(got->kind, expected->kind);
    assert_str(got->name, expected->name);
    assert_int_equal(got->revision, expected->revision);
    assert_str(got->body, expected->body);
    assert_int_equal(got->created_at.ms, expected->created_at.ms);
}

#define assert_kept(f, w, count) assert_int_equal(commit_now((f), (w), (count), NULL), ERR_NONE)
#define assert_read(f, r) assert_int_equal(read_now((f), (r), NULL), ERR_NONE)

/* RUNNING executions first..last-1 of org 0 without names, in one commit. */
static void start_some(struct store_fixture *f, uint32_t first, uint32_t last)
{
    struct store_write *writes = calloc(last - first, sizeof(*writes));
    assert_non_null(writes);
    for (uint32_t n = first; n < last; n++)
        writes[n - first] = write_start(f, 0, n, NULL, 0);
    assert_kept(f, writes, last - first);
    free(writes);
}

static bool execution_exists(struct store_fixture *f, org_id org, uint32_t n)
{
    struct store_read r = read_of(f, STORE_GET_EXECUTION, org, key_of(n));
    enum err_code code = read_now(f, &r, NULL);
    assert_true(code == ERR_NONE || code == ERR_NOT_FOUND);
    assert_int_equal(r.found, code == ERR_NONE);
    return r.found;
}

/* ---- definitions and machines ---- */

static void definitions_are_found_by_hash(void **state)
{
    struct store_fixture *f = *state;
    struct store_write w = write_definition(0, STR("{\"StartAt\":\"A\"}"));
    assert_kept(f, &w, 1);
    assert_kept(f, &w, 1);
    struct store_read r = read_of(f, STORE_GET_DEFINITION, 0, 0);
    memcpy(r.hash, w.u.definition.hash, SHA256_SIZE);
    assert_read(f, &r);
    assert_true(r.found);
    assert_str(r.text, w.u.definition.text);
    r.hash[0] ^= 1;
    struct err err;
    assert_int_equal(read_now(f, &r, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "hash"));
    assert_false(r.found);
    assert_int_equal(r.text.len, 0);
}

static void machines_are_replaced_by_name(void **state)
{
    struct store_fixture *f = *state;
    struct store_write w = write_machine(f, 0, "orders", "first");
    assert_kept(f, &w, 1);
    struct store_read r = read_of(f, STORE_GET_MACHINE, 0, 0);
    r.name = STR("orders");
    assert_read(f, &r);
    assert_int_equal(r.count, 1);
    assert_machine(&r.machines[0], &w.u.machine);
    w = write_machine(f, 0, "orders", "second");
    w.u.machine.updated_at.ms++;
    assert_kept(f, &w, 1);
    assert_read(f, &r);
    assert_machine(&r.machines[0], &w.u.machine);
    r.name = STR("Orders");
    assert_int_equal(read_now(f, &r, NULL), ERR_NOT_FOUND);
    assert_int_equal(r.count, 0);
}

static void machines_are_listed_by_name(void **state)
{
    struct store_fixture *f = *state;
    static const char *const names[] = {"d", "a", "e", "c", "b"};
    struct store_write writes[COUNT_OF(names)];
    for (size_t i = 0; i < COUNT_OF(names); i++)
        writes[i] = write_machine(f, 0, names[i], names[i]);
    assert_kept(f, writes, COUNT_OF(names));
    struct store_read r = read_of(f, STORE_LIST_MACHINES, 0, 0);
    r.rows_max = 2;
    struct buf seen = BUF_INIT(0);
    do {
        assert_read(f, &r);
        assert_true(r.count <= 2);
        for (size_t i = 0; i < r.count; i++)
            buf_append(&seen, r.machines[i].name);
        r.name = r.machines[r.count - 1].name;
    } while (r.more);
    assert_str(buf_str(&seen), STR("abcde"));
    buf_release(&seen);
    r.name = STR("c!");
    r.rows_max = 0;
    assert_read(f, &r);
    assert_int_equal(r.count, 2);
    assert_false(r.more);
}

/* ---- executions ---- */

static void a_machine_put_without_a_body_keeps_its_body(void **state)
{
    struct store_fixture *f = *state;
    struct store_write w = write_machine(f, 0, "orders", "first");
    struct str body = w.u.machine.body;
    assert_kept(f, &w, 1);
    w = write_machine(f, 0, "orders", "second");
    w.u.machine.body = STR("");
    assert_kept(f, &w, 1);
    struct store_read r = read_of(f, STORE_GET_MACHINE, 0, 0);
    r.name = STR("orders");
    assert_read(f, &r);
    assert_memory_equal(r.machines[0].definition, w.u.machine.definition, SHA256_SIZE);
    assert_str(r.machines[0].body, body);
    w = write_machine(f, 0, "bare", "first");
    w.u.machine.body = STR("");
    assert_kept(f, &w, 1);
    r.name = STR("bare");
    assert_read(f, &r);
    assert_str(r.machines[0].body, STR(""));
}

static void machines_are_deleted(void **state)
{
    struct store_fixture *f = *state;
    struct store_write writes[] = {write_machine(f, 0, "a", "x"), write_machine(f, 0, "b", "x"),
                                   write_start(f, 0, 1, NULL, 0)};
    assert_kept(f, writes, COUNT_OF(writes));
    struct store_write w = {.kind = STORE_DELETE_MACHINE, .u.machine_name = STR("a")};
    struct store_write other = w;
    other.org = 1;
    struct err err;
    assert_int_equal(commit_now(f, &other, 1, NULL), ERR_NOT_FOUND);
    assert_kept(f, &w, 1);
    assert_int_equal(commit_now(f, &w, 1, &err), ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "named a"));
    struct store_read r = read_of(f, STORE_LIST_MACHINES, 0, 0);
    assert_read(f, &r);
    assert_int_equal(r.count, 1);
    assert_str(r.machines[0].name, STR("b"));
    assert_true(execution_exists(f, 0, 1));
    assert_kept(f, &writes[0], 1);
    assert_read(f, &r);
    assert_int_equal(r.count, 2);
}

/* ---- objects ---- */

static struct store_read object_read(struct store_fixture *f, const char *kind, const char *name)
{
    struct store_read r = read_of(f, STORE_GET_OBJECT, 0, 0);
    r.object_kind = str_of_cstr(kind);
    r.name = str_of_cstr(name);
    return r;
}

static void objects_are_written_by_whoever_saw_them_last(void **state)
{
    struct store_fixture *f = *state;
    struct err err;
    struct store_write w = write_object("alias", "m:live", 0, "one");
    assert_kept(f, &w, 1);
    assert_int_equal(commit_now(f, &w, 1, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.message, "m:live"));
    struct store_read r = object_read(f, "alias", "m:live");
    assert_read(f, &r);
    w.u.object.revision = 1;
    assert_object(&r.objects[0], &w.u.object);
    w.u.object.body = STR("two");
    w.u.object.created_at.ms = 9; /* stays as it was */
    assert_kept(f, &w, 1);
    assert_int_equal(commit_now(f, &w, 1, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.message, "revision 2, not 1"));
    assert_read(f, &r);
    assert_int_equal(r.objects[0].revision, 2);
    assert_str(r.objects[0].body, STR("two"));
    assert_int_equal(r.objects[0].created_at.ms, 1750000000003);
    w = write_object("alias", "m:other", 3, "never was");
    assert_int_equal(commit_now(f, &w, 1, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.message, "gone"));
    r = object_read(f, "version", "m:live");
    assert_int_equal(read_now(f, &r, NULL), ERR_NOT_FOUND);
    assert_false(r.found);
}

static void objects_are_deleted(void **state)
{
    struct store_fixture *f = *state;
    struct store_write w = write_object("alias", "a", 0, "one");
    struct store_write gone = write_object("alias", "a", 2, "");
    gone.kind = STORE_DELETE_OBJECT;
    assert_kept(f, &w, 1);
    assert_int_equal(commit_now(f, &gone, 1, NULL), ERR_CONFLICT);
    gone.u.object.revision = 1;
    struct store_write other = gone;
    other.org = 1;
    assert_int_equal(commit_now(f, &other, 1, NULL), ERR_NOT_FOUND);
    assert_kept(f, &gone, 1);
    assert_int_equal(commit_now(f, &gone, 1, NULL), ERR_NOT_FOUND);
    assert_kept(f, &w, 1); /* new again, at revision 1 */
    gone.u.object.revision = 0;
    assert_kept(f, &gone, 1);
    struct store_read r = object_read(f, "alias", "a");
    assert_int_equal(read_now(f, &r, NULL), ERR_NOT_FOUND);
}

static void a_refused_commit_changes_no_object(void **state)
{
    struct store_fixture *f = *state;
    struct store_write kept[] = {write_object("k", "a", 0, "a1"), write_object("k", "b", 0, "b1"),
                                 write_machine(f, 0, "m", "m1")};
    assert_kept(f, kept, COUNT_OF(kept));
    struct store_write writes[] = {
        write_object("k", "a", 1, "a2"),
        write_object("k", "b", 1, ""),
        write_object("k", "c", 0, "c1"),
        {.kind = STORE_DELETE_MACHINE, .u.machine_name = STR("m")},
        write_object("k", "c", 0, "again"),
    };
    writes[1].kind = STORE_DELETE_OBJECT;
    assert_int_equal(commit_now(f, writes, COUNT_OF(writes), NULL), ERR_CONFLICT);
    struct store_read r = read_of(f, STORE_LIST_OBJECTS, 0, 0);
    r.object_kind = STR("k");
    assert_read(f, &r);
    assert_int_equal(r.count, 2);
    kept[0].u.object.revision = kept[1].u.object.revision = 1;
    assert_object(&r.objects[0], &kept[0].u.object);
    assert_object(&r.objects[1], &kept[1].u.object);
    r = read_of(f, STORE_GET_MACHINE, 0, 0);
    r.name = STR("m");
    assert_read(f, &r);
    assert_machine(&r.machines[0], &kept[2].u.machine);
}

/* All pages of a list, each name behind a blank. */
static void assert_listed(struct store_fixture *f, struct store_read r, const char *expected)
{
    struct buf seen = BUF_INIT(0);
    do {
        assert_read(f, &r);
        for (size_t i = 0; i < r.count; i++)
            buf_printf(&seen, " " STR_FMT, STR_ARG(r.objects[i].name));
        if (r.count)
            r.name = r.objects[r.count - 1].name;
    } while (r.more);
    assert_str(buf_str(&seen), str_of_cstr(expected));
    buf_release(&seen);
}

static void assert_counted(struct store_fixture *f, enum store_read_kind kind, const char *of,
                           size_t expected)
{
    struct store_read r = read_of(f, kind, 0, 0);
    r.object_kind = str_of_cstr(of);
    assert_read(f, &r);
    assert_int_equal(r.count, expected);
    assert_false(r.machines || r.objects || r.more);
}

static void machines_and_objects_are_counted(void **state)
{
    struct store_fixture *f = *state;
    assert_counted(f, STORE_COUNT_MACHINES, "", 0);
    assert_counted(f, STORE_COUNT_OBJECTS, "activity", 0);
    struct store_write writes[] = {
        write_machine(f, 0, "m", "{}"),         write_machine(f, 0, "n", "{}"),
        write_machine(f, 1, "m", "{}"),         write_object("activity", "a", 0, "{}"),
        write_object("activity", "b", 0, "{}"), write_object("activitz", "a", 0, "{}"),
        write_object("activit", "a", 0, "{}"),
    };
    assert_kept(f, writes, COUNT_OF(writes));
    assert_counted(f, STORE_COUNT_MACHINES, "", 2);
    assert_counted(f, STORE_COUNT_OBJECTS, "activity", 2);
    assert_counted(f, STORE_COUNT_OBJECTS, "alias", 0);
    struct store_write ends[] = {
        {.kind = STORE_DELETE_MACHINE, .u.machine_name = STR("m")},
        write_object("activity", "a", 1, ""),
    };
    ends[1].kind = STORE_DELETE_OBJECT;
    assert_kept(f, ends, COUNT_OF(ends));
    assert_counted(f, STORE_COUNT_MACHINES, "", 1);
    assert_counted(f, STORE_COUNT_OBJECTS, "activity", 1);
}

static void objects_are_listed_by_name(void **state)
{
    struct store_fixture *f = *state;
    static const char *const names[] = {"b:1", "a:2", "b:3", "b:2", "c:1", "a:\xf4\x8f\xbf\xbf"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct store_write w[] = {write_object("version", names[i], 0, "{}"),
                                  write_object("versiom", names[i], 0, "{}"),
                                  write_object("versioo", names[i], 0, "{}")};
        assert_kept(f, w, COUNT_OF(w));
    }
    for (size_t rows = 1; rows < 4; rows++) {
        struct store_read r = read_of(f, STORE_LIST_OBJECTS, 0, 0);
        r.object_kind = STR("version");
        r.rows_max = rows;
        assert_listed(f, r, " a:2 a:\xf4\x8f\xbf\xbf b:1 b:2 b:3 c:1");
        r.prefix = STR("b:");
        assert_listed(f, r, " b:1 b:2 b:3");
        r.name = STR("a:9");
        assert_listed(f, r, " b:1 b:2 b:3");
        r.name = STR("b:2");
        assert_listed(f, r, " b:3");
        r.name = STR("c");
        assert_listed(f, r, "");
        r.backwards = true;
        assert_listed(f, r, " b:3 b:2 b:1");
        r.name = STR("b:3");
        assert_listed(f, r, " b:2 b:1");
        r.name = STR("a");
        assert_listed(f, r, "");
        r.name = STR("");
        assert_listed(f, r, " b:3 b:2 b:1");
        r.prefix = STR("a:");
        assert_listed(f, r, " a:\xf4\x8f\xbf\xbf a:2");
        r.prefix = STR("");
        assert_listed(f, r, " c:1 b:3 b:2 b:1 a:\xf4\x8f\xbf\xbf a:2");
    }
}

static void executions_come_back_as_they_went_in(void **state)
{
    struct store_fixture *f = *state;
    for (uint32_t n = 0; n < 16; n++) {
        struct store_write w = write_start(f, 0, n, n % 2 ? "na\xc3\xafve" : NULL, n);
        if (n >= 8) {
            w.u.start.status = EXECUTION_SUCCEEDED;
            w.u.start.stopped_at.ms = 1750000000999;
        }
        if (n % 4 == 1)
            w.u.start.wake_at.ms = 1750000001234;
        assert_kept(f, &w, 1);
        struct store_read r = read_of(f, STORE_GET_EXECUTION, 0, key_of(n));
        assert_read(f, &r);
        assert_true(r.found);
        assert_int_equal(r.count, 1);
        assert_execution(&r.executions[0], &w.u.start);
    }
    struct store_read r = read_of(f, STORE_GET_EXECUTION, 0, key_of(99));
    assert_int_equal(read_now(f, &r, NULL), ERR_NOT_FOUND);
}

static void names_are_unique_on_their_machine(void **state)
{
    struct store_fixture *f = *state;
    struct store_write w = write_start(f, 0, 1, "monday", 1);
    assert_kept(f, &w, 1);
    w = write_start(f, 0, 2, "monday", 1);
    struct err err;
    assert_int_equal(commit_now(f, &w, 1, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.message, "machine-1"));
    assert_non_null(strstr(err.message, "monday"));
    assert_false(execution_exists(f, 0, 2));
    w = write_start(f, 0, 3, "monday", 2);
    assert_kept(f, &w, 1);
    w = write_start(f, 1, 4, "monday", 1);
    assert_kept(f, &w, 1);

    struct store_read r = read_of(f, STORE_FIND_NAMED, 0, 0);
    r.name = STR("monday");
    assert_read(f, &r);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.executions[0].key, key_of(1));
    assert_int_equal(r.executions[1].key, key_of(3));
    r.machine_arn = STR("arn:test:stateMachine:machine-2");
    assert_read(f, &r);
    assert_int_equal(r.count, 1);
    assert_int_equal(r.executions[0].key, key_of(3));
    r.machine_arn = STR("");
    r.rows_max = 1;
    assert_read(f, &r);
    assert_true(r.more);
    r.name = STR("tuesday");
    assert_read(f, &r);
    assert_int_equal(r.count, 0);
}

static void ids_are_no_names(void **state)
{
    struct store_fixture *f = *state;
    struct store_write w = write_start(f, 0, 1, NULL, 1);
    assert_kept(f, &w, 1);
    struct store_read r = read_of(f, STORE_FIND_NAMED, 0, 0);
    r.name = w.u.start.name;
    assert_read(f, &r);
    assert_int_equal(r.count, 0);
}

static void keys_are_unique(void **state)
{
    struct store_fixture *f = *state;
    start_some(f, 1, 2);
    struct store_write w = write_start(f, 0, 1, "other", 1);
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_CONFLICT);
    w.org = 5;
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_CONFLICT);
    struct store_read r = read_of(f, STORE_FIND_NAMED, 0, 0);
    r.name = STR("other");
    assert_read(f, &r);
    assert_int_equal(r.count, 0);
}

static void progress_is_kept(void **state)
{
    struct store_fixture *f = *state;
    struct store_write w = write_start(f, 0, 1, NULL, 1), p;
    assert_kept(f, &w, 1);
    for (int status = EXECUTION_STATUS_COUNT - 1; status >= 0; status--) {
        p = write_progress(0, 1, (enum execution_status)status, 1750000005000 + status);
        assert_kept(f, &p, 1);
        struct store_read r = read_of(f, STORE_GET_EXECUTION, 0, key_of(1));
        assert_read(f, &r);
        w.u.start.status = p.u.progress.status;
        w.u.start.stopped_at = p.u.progress.stopped_at;
        w.u.start.wake_at = p.u.progress.wake_at;
        assert_execution(&r.executions[0], &w.u.start);
    }
    p = write_progress(0, 2, EXECUTION_FAILED, 0);
    assert_int_equal(commit_now(f, &p, 1, NULL), ERR_NOT_FOUND);
}

static struct store_write write_redriven(uint32_t n, uint32_t count)
{
    struct store_write w = write_progress(0, n, EXECUTION_RUNNING, 1750000007000);
    w.u.progress.redrive_count = count;
    w.u.progress.redriven_at.ms = 1750000006000 + count;
    return w;
}

static void what_has_ended_goes_on(void **state)
{
    struct store_fixture *f = *state;
    struct store_write w[] = {write_start(f, 0, 1, NULL, 1), write_turn(f, 0, 1, 0),
                              write_progress(0, 1, EXECUTION_FAILED, 0), write_turn(f, 0, 1, 1)};
    struct store_write on = write_redriven(1, 1), end = write_progress(0, 1, EXECUTION_FAILED, 0);
    assert_kept(f, w, 3);
    struct store_read running = read_of(f, STORE_LIST_RUNNING, 0, 0);
    struct store_read wakes = read_of(f, STORE_LIST_WAKES, 0, 0);
    struct store_read r = read_of(f, STORE_GET_EXECUTION, 0, key_of(1));
    wakes.until.ms = INT64_MAX;
    for (uint32_t count = 1; count < 4; count++) {
        assert_read(f, &running);
        assert_int_equal(running.count, 0);
        struct store_write both[] = {write_turn(f, 0, 1, count), write_redriven(1, count)};
        struct store_write refused[] = {both[0], write_redriven(1, 77), write_turn(f, 0, 1, 0)};
        assert_int_equal(commit_now(f, refused, 3, NULL), ERR_CONFLICT);
        assert_kept(f, both, 2);
        assert_read(f, &running);
        assert_int_equal(running.count, 1);
        assert_read(f, &wakes);
        assert_int_equal(wakes.count, 1);
        assert_kept(f, &end, 1); /* which keeps how often */
        assert_read(f, &r);
        assert_int_equal(r.executions[0].status, EXECUTION_FAILED);
        assert_int_equal(r.executions[0].redrive_count, count);
        assert_int_equal(r.executions[0].redriven_at.ms, 1750000006000 + count);
    }
    on.org = 3;
    assert_int_equal(commit_now(f, &on, 1, NULL), ERR_NOT_FOUND);
}

static void what_is_made_of_another_is_found(void **state)
{
    struct store_fixture *f = *state;
    start_some(f, 0, 3);
    for (uint32_t n = 3; n < 13; n++) {
        struct store_write w = write_start(f, n == 12 ? 1 : 0, n, NULL, n);
        w.u.start.related = key_of(n % 2 ? 1 : 2);
        w.u.start.relation = n % 3 ? RELATION_REUSES : RELATION_RESTARTS;
        assert_kept(f, &w, 1);
        struct store_read r = read_of(f, STORE_GET_EXECUTION, w.org, key_of(n));
        assert_read(f, &r);
        assert_execution(&r.executions[0], &w.u.start);
    }
    struct store_read r = read_of(f, STORE_LIST_RELATED, 0, 0);
    r.related = key_of(1);
    r.rows_max = 2;
    uint32_t expected = 3;
    do {
        assert_read(f, &r);
        for (size_t i = 0; i < r.count; i++, expected += 2)
            assert_int_equal(r.executions[i].key, key_of(expected));
        r.key = r.next;
    } while (r.more);
    assert_int_equal(expected, 13);
    r.related = key_of(2);
    r.key = 0;
    r.rows_max = 0;
    assert_read(f, &r);
    assert_int_equal(r.count, 4); /* the fifth is another organization's */
    r.related = key_of(0);
    assert_read(f, &r);
    assert_int_equal(r.count, 0);
}

/* ---- turns and snapshots ---- */

static void turns_come_in_order_without_gaps(void **state)
{
    struct store_fixture *f = *state;
    start_some(f, 1, 2);
    struct store_write w = write_turn(f, 0, 1, 1);
    struct err err;
    assert_int_equal(commit_now(f, &w, 1, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.message, "turn 0"));
    for (uint32_t turn = 0; turn < 5; turn++) {
        w = write_turn(f, 0, 1, turn);
        assert_kept(f, &w, 1);
        assert_int_equal(commit_now(f, &w, 1, NULL), ERR_CONFLICT);
    }
    w = write_turn(f, 0, 1, 6);
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_CONFLICT);
    w = write_turn(f, 0, 2, 0);
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_NOT_FOUND);

    struct store_read r = read_of(f, STORE_GET_TURNS, 0, key_of(1));
    assert_read(f, &r);
    assert_int_equal(r.count, 5);
    assert_false(r.more);
    for (uint32_t turn = 0; turn < 5; turn++) {
        w = write_turn(f, 0, 1, turn);
        assert_turn(&r.turns[turn], &w.u.turn);
    }
    r = read_of(f, STORE_GET_EXECUTION, 0, key_of(1));
    assert_read(f, &r);
    assert_int_equal(r.executions[0].turns, 5);
}

static void turns_are_paged_by_rows(void **state)
{
    struct store_fixture *f = *state;
    start_some(f, 1, 3);
    struct store_write writes[12];
    for (uint32_t turn = 0; turn < 10; turn++)
        writes[turn] = write_turn(f, 0, 1, turn);
    writes[10] = write_turn(f, 0, 2, 0);
    writes[11] = write_turn(f, 0, 2, 1);
    assert_kept(f, writes, 12);
    struct store_read r = read_of(f, STORE_GET_TURNS, 0, key_of(1));
    r.rows_max = 4;
    uint32_t seen = 0;
    do {
        r.turn = seen;
        assert_read(f, &r);
        for (size_t i = 0; i < r.count; i++)
            assert_int_equal(r.turns[i].turn, seen++);
        assert_int_equal(r.more, seen < 10);
    } while (r.more);
    assert_int_equal(seen, 10);
    r.turn = 10;
    assert_read(f, &r);
    assert_int_equal(r.count, 0);
    r.key = key_of(77);
    assert_read(f, &r);
    assert_int_equal(r.count, 0);
}

static struct str long_text(struct store_fixture *f, size_t size)
{
    char *text = arena_alloc_text(f->arena, size);
    memset(text, 'x', size);
    text[0] = text[size - 1] = '"';
    return str_of(text, size);
}

static void turns_are_paged_by_bytes(void **state)
{
    struct store_fixture *f = *state;
    start_some(f, 1, 2);
    struct str body = long_text(f, STORE_READ_BYTES_MAX / 2);
    for (uint32_t turn = 0; turn < 4; turn++) {
        struct store_write w = write_turn(f, 0, 1, turn);
        w.u.turn.body = turn == 3 ? long_text(f, STORE_READ_BYTES_MAX + 10) : body;
        assert_kept(f, &w, 1);
    }
    struct store_read r = read_of(f, STORE_GET_TURNS, 0, key_of(1));
    assert_read(f, &r);
    assert_int_equal(r.count, 2);
    assert_true(r.more);
    assert_str(r.turns[1].body, body);
    r.turn = 3; /* larger than a page: one row at least */
    assert_read(f, &r);
    assert_int_equal(r.count, 1);
    assert_false(r.more);
    assert_int_equal(r.turns[0].body.len, STORE_READ_BYTES_MAX + 10);
}

static void a_body_respects_the_arena(void **state)
{
    struct store_fixture *f = *state;
    start_some(f, 1, 2);
    struct store_write writes[] = {write_turn(f, 0, 1, 0), write_turn(f, 0, 1, 1)};
    writes[1].u.turn.body = long_text(f, 1 << 20);
    assert_kept(f, writes, 2);
    struct store_read r = read_of(f, STORE_GET_TURNS, 0, key_of(1));
    r.arena = arena_new(64 << 10);
    assert_read(f, &r);
    assert_int_equal(r.count, 1);
    assert_true(r.more);
    r.turn = 1;
    struct err err;
    assert_int_equal(read_now(f, &r, &err), ERR_MEMORY_LIMIT);
    assert_non_null(strstr(err.message, "1048576"));
    arena_free(r.arena);
}

static void snapshots_are_replaced(void **state)
{
    struct store_fixture *f = *state;
    start_some(f, 1, 2);
    struct store_read r = read_of(f, STORE_GET_SNAPSHOT, 0, key_of(1));
    assert_read(f, &r);
    assert_false(r.found);
    static const char *const bodies[] = {"{\"a\":1}", "{}", "{\"longer\":[1,2,3]}"};
    for (uint32_t i = 0; i < COUNT_OF(bodies); i++) {
        struct store_write w = write_snapshot(0, 1, i + 4, str_of_cstr(bodies[i]));
        assert_kept(f, &w, 1);
        assert_read(f, &r);
        assert_true(r.found);
        assert_int_equal(r.snapshot.key, key_of(1));
        assert_int_equal(r.snapshot.turn, i + 4);
        assert_int_equal(r.snapshot.checksum, w.u.snapshot.checksum);
        assert_str(r.snapshot.body, w.u.snapshot.body);
    }
    struct store_write w = write_snapshot(0, 2, 0, STR("{}"));
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_NOT_FOUND);
}

/* ---- commits ---- */

static void a_commit_sees_its_own_writes(void **state)
{
    struct store_fixture *f = *state;
    struct store_write writes[] = {
        write_start(f, 0, 1, "chain", 1),
        write_turn(f, 0, 1, 0),
        write_turn(f, 0, 1, 1),
        write_snapshot(0, 1, 2, STR("{}")),
        write_progress(0, 1, EXECUTION_SUCCEEDED, 0),
    };
    assert_kept(f, writes, COUNT_OF(writes));
    struct store_read r = read_of(f, STORE_GET_EXECUTION, 0, key_of(1));
    assert_read(f, &r);
    assert_int_equal(r.executions[0].turns, 2);
    assert_int_equal(r.executions[0].status, EXECUTION_SUCCEEDED);
    assert_kept(f, NULL, 0);
}

/* The last write conflicts with each kind of write before it done. */
static void a_refused_commit_leaves_nothing(void **state)
{
    struct store_fixture *f = *state;
    struct store_write before[] = {
        write_machine(f, 0, "kept", "old"),
        write_start(f, 0, 1, "taken", 1),
        write_turn(f, 0, 1, 0),
        write_snapshot(0, 1, 1, STR("{\"old\":1}")),
        write_progress(0, 1, EXECUTION_RUNNING, 1750000001000),
    };
    assert_kept(f, before, COUNT_OF(before));
    struct store_write refused[] = {
        write_definition(0, STR("{\"new\":1}")),
        write_machine(f, 0, "kept", "new"),
        write_machine(f, 0, "added", "new"),
        write_start(f, 0, 2, "free", 1),
        write_turn(f, 0, 2, 0),
        write_turn(f, 0, 1, 1),
        write_snapshot(0, 1, 2, STR("{\"new\":1}")),
        write_snapshot(0, 1, 2, STR("{\"newer\":1}")),
        write_snapshot(0, 2, 1, STR("{\"new\":1}")),
        write_progress(0, 1, EXECUTION_FAILED, 0),
        write_start(f, 0, 3, "taken", 1),
    };
    for (int again = 0; again < 2; again++)
        assert_int_equal(commit_now(f, refused, COUNT_OF(refused), NULL), ERR_CONFLICT);

    struct store_read r = read_of(f, STORE_GET_DEFINITION, 0, 0);
    memcpy(r.hash, refused[0].u.definition.hash, SHA256_SIZE);
    assert_int_equal(read_now(f, &r, NULL), ERR_NOT_FOUND);
    r = read_of(f, STORE_LIST_MACHINES, 0, 0);
    assert_read(f, &r);
    assert_int_equal(r.count, 1);
    assert_machine(&r.machines[0], &before[0].u.machine);
    assert_false(execution_exists(f, 0, 2));
    assert_false(execution_exists(f, 0, 3));
    r = read_of(f, STORE_FIND_NAMED, 0, 0);
    r.name = STR("free");
    assert_read(f, &r);
    assert_int_equal(r.count, 0);
    r = read_of(f, STORE_GET_EXECUTION, 0, key_of(1));
    assert_read(f, &r);
    before[1].u.start.turns = 1;
    before[1].u.start.wake_at.ms = 1750000001000;
    assert_execution(&r.executions[0], &before[1].u.start);
    r = read_of(f, STORE_GET_SNAPSHOT, 0, key_of(1));
    assert_read(f, &r);
    assert_str(r.snapshot.body, STR("{\"old\":1}"));
    assert_kept(f, &refused[3], 1);
}

struct submitted {
    struct store_commit commit;
    struct store_write write;
    struct flight *flight;
    uint32_t number; /* in its shard */
    enum err_code code;
};

struct flight {
    uint32_t next_number[SHARD_COUNT];
    size_t complete;
    bool inside_submit, overtaken;
    uint32_t latest_shard;
};

static void landed(void *arg, const struct err *err)
{
    struct submitted *s = arg;
    assert_false(s->flight->inside_submit);
    s->code = err ? err->code : ERR_NONE;
    assert_int_equal(s->flight->next_number[s->commit.shard]++, s->number);
    s->flight->complete++;
}

static void submit_writes(struct store_fixture *f, struct submitted *s, uint32_t shard,
                          const struct store_write *writes, size_t count)
{
    s->commit = (struct store_commit){
        .shard = shard,
        .epoch = f->epochs[shard],
        .writes = writes,
        .count = count,
        .done = landed,
        .arg = s,
    };
    s->flight->inside_submit = true;
    store_commit(f->store, &s->commit);
    s->flight->inside_submit = false;
}

static void submit(struct store_fixture *f, struct submitted *s, uint32_t shard)
{
    submit_writes(f, s, shard, &s->write, 1);
}

static void step_all(struct store_fixture *f)
{
    bool more;
    do {
        f->now_ns += 100000;
        store_wait(f->store, -1);
        more = store_step(f->store, (struct mono_ns){f->now_ns});
    } while (more);
}

static void commits_of_a_shard_keep_their_order(void **state)
{
    struct store_fixture *f = *state;
    enum {
        SHARDS = 8,
        EACH = 50
    };
    struct flight flight = {0};
    struct submitted *all = calloc(SHARDS * EACH, sizeof(*all));
    assert_non_null(all);
    for (uint32_t i = 0; i < SHARDS * EACH; i++) {
        uint32_t shard = i % SHARDS, number = i / SHARDS;
        all[i].flight = &flight;
        all[i].number = number;
        all[i].write = number == 0 ? write_start(f, 0, 1 + shard, NULL, 0)
                                   : write_turn(f, 0, 1 + shard, number - 1);
        submit(f, &all[i], shard);
    }
    step_all(f);
    assert_int_equal(flight.complete, SHARDS * EACH);
    for (size_t i = 0; i < SHARDS * EACH; i++)
        assert_int_equal(all[i].code, ERR_NONE);
    free(all);
}

static void a_refused_commit_spoils_no_other(void **state)
{
    struct store_fixture *f = *state;
    enum {
        COUNT = 30
    };
    struct flight flight = {0};
    struct submitted all[COUNT] = {0};
    for (uint32_t i = 0; i < COUNT; i++) {
        all[i].flight = &flight;
        all[i].number = i;
        all[i].write = write_start(f, 0, 1 + i, i % 3 ? NULL : "same", 1);
        submit(f, &all[i], 9);
    }
    step_all(f);
    for (uint32_t i = 0; i < COUNT; i++) {
        bool refused = i % 3 == 0 && i > 0;
        assert_int_equal(all[i].code, refused ? ERR_CONFLICT : ERR_NONE);
        assert_int_equal(execution_exists(f, 0, 1 + i), !refused);
    }
}

/* As above, but the refused ones have written something before they are. */
static void a_refused_commit_is_rid_of_whole(void **state)
{
    struct store_fixture *f = *state;
    enum {
        COUNT = 30
    };
    struct flight flight = {0};
    struct submitted all[COUNT] = {0};
    struct store_write pairs[COUNT][2];
    for (uint32_t i = 0; i < COUNT; i++) {
        all[i].flight = &flight;
        all[i].number = i;
        pairs[i][0] = write_start(f, 0, 1 + i, NULL, 1);
        pairs[i][1] = write_turn(f, 0, 1 + i, i % 3 == 1);
        submit_writes(f, &all[i], 9, pairs[i], 2);
    }
    step_all(f);
    for (uint32_t i = 0; i < COUNT; i++) {
        bool refused = i % 3 == 1;
        assert_int_equal(all[i].code, refused ? ERR_CONFLICT : ERR_NONE);
        assert_int_equal(execution_exists(f, 0, 1 + i), !refused);
        struct store_write again = write_turn(f, 0, 1 + i, 1);
        assert_int_equal(commit_now(f, &again, 1, NULL), refused ? ERR_NOT_FOUND : ERR_NONE);
    }
}

struct relay {
    struct store_fixture *f;
    struct submitted first, second;
};

static void submit_the_next(void *arg, const struct err *err)
{
    struct relay *relay = arg;
    assert_null(err);
    submit(relay->f, &relay->second, 3);
}

static void a_completion_may_submit(void **state)
{
    struct store_fixture *f = *state;
    struct flight flight = {0};
    struct relay relay = {.f = f};
    relay.first.flight = relay.second.flight = &flight;
    relay.first.write = write_start(f, 0, 1, NULL, 0);
    relay.second.write = write_turn(f, 0, 1, 0);
    submit(f, &relay.first, 3);
    relay.first.commit.done = submit_the_next;
    relay.first.commit.arg = &relay;
    step_all(f);
    assert_int_equal(flight.complete, 1);
    assert_int_equal(relay.second.code, ERR_NONE);
}

/* ---- epochs ---- */

static void count_wakeup(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

static void it_says_when_to_step(void **state)
{
    struct store_fixture *f = *state;
    atomic_int wakeups = 0;
    struct flight flight = {0};
    struct submitted one = {.flight = &flight, .write = write_start(f, 0, 1, NULL, 0)};
    store_set_wakeup(f->store, count_wakeup, &wakeups);
    assert_false(store_ready(f->store));
    assert_false(store_wait(f->store, -1));
    assert_int_equal(atomic_load(&wakeups), 0);
    submit(f, &one, 3);
    assert_true(store_wait(f->store, -1));
    assert_true(store_ready(f->store));
    assert_int_equal(atomic_load(&wakeups), 1);
    step_all(f);
    assert_int_equal(flight.complete, 1);
    assert_false(store_ready(f->store));
    store_set_wakeup(f->store, NULL, NULL);
    one.number = 1;
    one.write = write_turn(f, 0, 1, 0);
    submit(f, &one, 3);
    store_wait(f->store, -1);
    int before = atomic_load(&wakeups);
    store_set_wakeup(f->store, count_wakeup, &wakeups); /* at once: there is something */
    assert_int_equal(atomic_load(&wakeups), before + 1);
    step_all(f);
    assert_int_equal(flight.complete, 2);
    store_set_wakeup(f->store, NULL, NULL);
}

static void never_complete(void *arg, const struct err *err)
{
    (void)arg, (void)err;
    fail_msg("what was abandoned completed");
}

static void what_is_abandoned_never_completes(void **state)
{
    struct store_fixture *f = *state;
    enum {
        COUNT = 20
    };
    for (uint32_t round = 0; round < 2; round++) {
        struct store_write *writes = calloc(COUNT, sizeof(*writes));
        struct store_commit *commits = calloc(COUNT, sizeof(*commits));
        struct store_read *read = calloc(1, sizeof(*read));
        struct arena *a = arena_new(0);
        assert_true(writes && commits && read);
        for (uint32_t i = 0; i < COUNT; i++) {
            writes[i] = write_start(f, 0, round * COUNT + i, NULL, 0);
            commits[i] = (struct store_commit){.shard = i,
                                               .epoch = f->epochs[i],
                                               .writes = &writes[i],
                                               .count = 1,
                                               .done = never_complete};
            store_commit(f->store, &commits[i]);
        }
        *read = read_of(f, STORE_LIST_EXECUTIONS, 0, 0);
        read->arena = a;
        read->done = never_complete;
        store_read(f->store, read);
        if (round == 1) /* what is on its way, too */
            store_wait(f->store, -1);
        store_abandon(f->store);
        memset(writes, 0xa5, COUNT * sizeof(*writes));
        free(writes);
        free(commits);
        free(read);
        arena_free(a);
        assert_false(store_ready(f->store));
        assert_false(store_step(f->store, (struct mono_ns){f->now_ns}));
    }
    start_some(f, 100, 101);
    assert_true(execution_exists(f, 0, 100));
}

static void an_old_epoch_is_stale(void **state)
{
    struct store_fixture *f = *state;
    uint64_t old = f->epochs[7], epoch;
    struct store_write w = write_start(f, 0, 1, NULL, 0);
    struct err err;
    assert_true(store_claim(f->store, 7, &epoch, &err));
    assert_true(epoch > old);
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_STALE);
    assert_false(execution_exists(f, 0, 1));
    f->epochs[7] = epoch + 1;
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_STALE);
    f->epochs[7] = epoch;
    assert_kept(f, &w, 1);
}

static void a_claim_is_of_one_shard(void **state)
{
    struct store_fixture *f = *state;
    uint64_t epoch, all[SHARD_COUNT];
    struct err err;
    assert_true(store_claim(f->store, 8, &epoch, &err));
    struct store_write w = write_start(f, 0, 1, NULL, 0);
    assert_kept(f, &w, 1);
    assert_true(store_claim_all(f->store, all, &err));
    for (uint32_t shard = 0; shard < SHARD_COUNT; shard++)
        assert_int_equal(all[shard], f->epochs[shard] + (shard == 8 ? 2 : 1));
    w = write_turn(f, 0, 1, 0);
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_STALE);
}

static void the_secret_is_kept(void **state)
{
    struct store_fixture *f = *state;
    assert_memory_equal(store_secret(f->store), test_secret, STORE_SECRET_SIZE);
    assert_false(store_dead(f->store, NULL));
}

/* ---- lists ---- */

static void executions_are_listed_newest_first(void **state)
{
    struct store_fixture *f = *state;
    start_some(f, 0, 25);
    for (uint32_t n = 0; n < 25; n += 5) {
        struct store_write w = write_progress(0, n, EXECUTION_FAILED, 0);
        assert_kept(f, &w, 1);
    }
    struct store_read r = read_of(f, STORE_LIST_EXECUTIONS, 0, 0);
    r.rows_max = 7;
    uint32_t expected = 25;
    do {
        assert_read(f, &r);
        for (size_t i = 0; i < r.count; i++)
            assert_int_equal(r.executions[i].key, key_of(--expected));
        r.key = r.next;
    } while (r.more);
    assert_int_equal(expected, 0);

    r = read_of(f, STORE_LIST_EXECUTIONS, 0, key_of(20));
    r.status = EXECUTION_FAILED;
    r.rows_max = 3;
    assert_read(f, &r);
    assert_int_equal(r.count, 3);
    assert_int_equal(r.executions[0].key, key_of(15));
    assert_int_equal(r.executions[2].key, key_of(5));
    assert_true(r.more);
    r.key = r.next;
    assert_read(f, &r);
    assert_int_equal(r.count, 1);
    assert_false(r.more);
}

static void running_ones_are_listed_oldest_first(void **state)
{
    struct store_fixture *f = *state;
    start_some(f, 0, 30);
    for (uint32_t n = 0; n < 30; n += 2) {
        struct store_write w = write_progress(0, n, EXECUTION_ABORTED, 0);
        assert_kept(f, &w, 1);
    }
    struct store_read r = read_of(f, STORE_LIST_RUNNING, 0, 0);
    r.rows_max = 4;
    uint32_t expected = 1;
    do {
        assert_read(f, &r);
        for (size_t i = 0; i < r.count; i++, expected += 2)
            assert_int_equal(r.executions[i].key, key_of(expected));
        r.key = r.next;
    } while (r.more);
    assert_int_equal(expected, 31);
    r = read_of(f, STORE_LIST_RUNNING, 0, 0);
    r.shard = 5;
    assert_read(f, &r);
    assert_int_equal(r.count, 1);
    assert_int_equal(r.executions[0].key, key_of(5));
    r.shard = 6;
    assert_read(f, &r);
    assert_int_equal(r.count, 0);
}

static void wakes_are_listed_by_time(void **state)
{
    struct store_fixture *f = *state;
    start_some(f, 0, 12);
    static const int64_t wakes[12] = {500, 100, 0, 300, 300, 900, 200, 0, 700, 300, 100, 400};
    struct store_write writes[12];
    for (uint32_t n = 0; n < 12; n++)
        writes[n] =
            write_progress(0, n, n == 8 ? EXECUTION_SUCCEEDED : EXECUTION_RUNNING, wakes[n]);
    assert_kept(f, writes, 12);
    static const uint32_t order[] = {1, 10, 6, 3, 4, 9, 11, 0};
    struct store_read r = read_of(f, STORE_LIST_WAKES, 0, 0);
    r.until.ms = 700;
    r.rows_max = 2;
    size_t seen = 0;
    do {
        assert_read(f, &r);
        for (size_t i = 0; i < r.count; i++)
            assert_int_equal(r.executions[i].key, key_of(order[seen++]));
        r.since = r.executions[r.count - 1].wake_at;
        r.key = r.executions[r.count - 1].key;
    } while (r.more);
    assert_int_equal(seen, COUNT_OF(order));
    r = read_of(f, STORE_LIST_WAKES, 0, 0);
    r.until.ms = 99;
    assert_read(f, &r);
    assert_int_equal(r.count, 0);
}

static void a_page_has_a_maximum(void **state)
{
    struct store_fixture *f = *state;
    start_some(f, 0, STORE_READ_ROWS_MAX + 1);
    struct store_read r = read_of(f, STORE_LIST_EXECUTIONS, 0, 0);
    r.rows_max = SIZE_MAX;
    assert_read(f, &r);
    assert_int_equal(r.count, STORE_READ_ROWS_MAX);
    assert_true(r.more);
}

/* ---- organizations ---- */

static void organizations_see_nothing_of_each_other(void **state)
{
    struct store_fixture *f = *state;
    struct store_write writes[] = {
        write_definition(0, STR("{}")),     write_machine(f, 0, "m", "{}"),
        write_start(f, 0, 1, "secret", 1),  write_turn(f, 0, 1, 0),
        write_snapshot(0, 1, 1, STR("{}")), write_progress(0, 1, EXECUTION_RUNNING, 1000),
        write_object("", "m", 0, "{}"),
    };
    assert_kept(f, writes, COUNT_OF(writes));
    static const enum store_read_kind lists[] = {
        STORE_LIST_MACHINES,  STORE_FIND_NAMED,    STORE_LIST_EXECUTIONS, STORE_LIST_WAKES,
        STORE_LIST_RUNNING,   STORE_GET_TURNS,     STORE_GET_SNAPSHOT,    STORE_LIST_OBJECTS,
        STORE_COUNT_MACHINES, STORE_COUNT_OBJECTS,
    };
    for (org_id org = 0; org < 2; org++) {
        for (size_t i = 0; i < COUNT_OF(lists); i++) {
            bool by_key = lists[i] == STORE_GET_TURNS || lists[i] == STORE_GET_SNAPSHOT;
            struct store_read r = read_of(f, lists[i], org, by_key ? key_of(1) : 0);
            if (lists[i] == STORE_FIND_NAMED)
                r.name = STR("secret");
            r.until.ms = INT64_MAX;
            assert_read(f, &r);
            assert_int_equal(r.count + r.found, org == 0);
        }
        static const enum store_read_kind gets[] = {STORE_GET_DEFINITION, STORE_GET_MACHINE,
                                                    STORE_GET_EXECUTION, STORE_GET_OBJECT};
        for (size_t i = 0; i < COUNT_OF(gets); i++) {
            struct store_read r = read_of(f, gets[i], org, key_of(1));
            memcpy(r.hash, writes[0].u.definition.hash, SHA256_SIZE);
            r.name = STR("m");
            assert_int_equal(read_now(f, &r, NULL), org == 0 ? ERR_NONE : ERR_NOT_FOUND);
        }
    }
    struct store_write strange[] = {
        write_turn(f, 1, 1, 1),
        write_snapshot(1, 1, 1, STR("{\"x\":1}")),
        write_progress(1, 1, EXECUTION_ABORTED, 0),
    };
    for (size_t i = 0; i < COUNT_OF(strange); i++)
        assert_int_equal(commit_now(f, &strange[i], 1, NULL), ERR_NOT_FOUND);
    struct store_read r = read_of(f, STORE_GET_SNAPSHOT, 0, key_of(1));
    assert_read(f, &r);
    assert_str(r.snapshot.body, STR("{}"));
}

/* ---- limits ---- */

static void limits_are_refused_clearly(void **state)
{
    struct store_fixture *f = *state;
    struct err err;
    struct str longest = long_text(f, STORE_NAME_MAX);
    struct store_write w = write_start(f, 0, 1, "", 1);
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_INVALID_INPUT);
    w.u.start.name = long_text(f, STORE_NAME_MAX + 1);
    assert_int_equal(commit_now(f, &w, 1, &err), ERR_INVALID_INPUT);
    assert_non_null(strstr(err.message, "80"));
    w.u.start.name = STR("\xff\xfe");
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_INVALID_INPUT);
    w.u.start.name = longest;
    w.u.start.arn = long_text(f, STORE_TEXT_SIZE_MAX + 1);
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_TOO_LARGE);
    w.u.start.arn = long_text(f, STORE_TEXT_SIZE_MAX);
    assert_kept(f, &w, 1);
    w = write_start(f, 0, 2, NULL, 1);
    w.u.start.key++;
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_INVALID_INPUT);
    w = write_start(f, 0, 2, NULL, 1);
    w.u.start.shard = SHARD_COUNT;
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_INVALID_INPUT);
    w = write_turn(f, 0, 1, 0);
    w.u.turn.body.len = (size_t)STORE_BODY_SIZE_MAX + 1; /* never looked at */
    assert_int_equal(commit_now(f, &w, 1, &err), ERR_TOO_LARGE);
    assert_non_null(strstr(err.message, "268435456"));
    w = write_object("kind", "name", 0, "");
    w.u.object.body.len = (size_t)STORE_OBJECT_SIZE_MAX + 1;
    assert_int_equal(commit_now(f, &w, 1, &err), ERR_TOO_LARGE);
    assert_non_null(strstr(err.message, "1048576"));
    w = write_object("kind", "\xff", 0, "");
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_INVALID_INPUT);
    w = write_machine(f, 0, "m", "x");
    w.u.machine.body.len = (size_t)STORE_OBJECT_SIZE_MAX + 1;
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_TOO_LARGE);
    w = write_start(f, 0, 2, NULL, 1);
    w.u.start.origin = long_text(f, STORE_TEXT_SIZE_MAX + 1);
    assert_int_equal(commit_now(f, &w, 1, NULL), ERR_TOO_LARGE);
}

/* ---- many ---- */

enum {
    MANY = 100000,
    MANY_AT_ONCE = 500,
};

static void a_hundred_thousand_rows(void **state)
{
    struct store_fixture *f = *state;
    struct store_write writes[2 * MANY_AT_ONCE];
    struct arena_mark before = arena_mark(f->arena);
    for (uint32_t n = 0; n < MANY; n += MANY_AT_ONCE) {
        for (uint32_t i = 0; i < MANY_AT_ONCE; i++) {
            writes[2 * i] = write_start(f, 0, n + i, NULL, 0);
            writes[2 * i].u.start.status = (n + i) % 1000 ? EXECUTION_SUCCEEDED : EXECUTION_RUNNING;
            writes[2 * i + 1] = write_turn(f, 0, n + i, 0);
        }
        assert_kept(f, writes, 2 * MANY_AT_ONCE);
        arena_rewind(f->arena, before);
    }
    struct store_read r = read_of(f, STORE_LIST_RUNNING, 0, 0);
    assert_read(f, &r);
    assert_int_equal(r.count, MANY / 1000);
    r = read_of(f, STORE_GET_TURNS, 0, key_of(MANY / 2));
    assert_read(f, &r);
    assert_int_equal(r.count, 1);

    /* A filtered list ends its page after STORE_READ_SCAN_MAX rows. */
    r = read_of(f, STORE_LIST_EXECUTIONS, 0, 0);
    r.status = EXECUTION_TIMED_OUT;
    for (uint32_t seen = STORE_READ_SCAN_MAX; seen < MANY; seen += STORE_READ_SCAN_MAX) {
        assert_read(f, &r);
        assert_int_equal(r.count, 0);
        assert_true(r.more);
        assert_int_equal(r.next, key_of(MANY - seen));
        r.key = r.next;
    }
    assert_read(f, &r);
    assert_false(r.more);
    r = read_of(f, STORE_LIST_EXECUTIONS, 0, 0);
    r.status = EXECUTION_RUNNING;
    assert_read(f, &r);
    assert_int_equal(r.count, MANY / 1000);
    assert_int_equal(r.executions[0].key, key_of(MANY - 1000));
}

/* ---- against the model ---- */

enum {
    MODEL_COMMITS = 1500,
    MODEL_KEYS = 40,
    MODEL_WRITES_MAX = 4,
};

static struct store_write random_write(struct store_fixture *f, struct rng *rng)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    uint32_t n = (uint32_t)rng_below(rng, MODEL_KEYS), turn = (uint32_t)rng_below(rng, 3);
    org_id org = (org_id)rng_below(rng, 2);
    enum execution_status status = (enum execution_status)rng_below(rng, EXECUTION_STATUS_COUNT);
    const char *name = names[rng_below(rng, COUNT_OF(names))];
    struct store_write w = write_object(rng_below(rng, 4) ? "k" : "l", name, turn, names[turn]);
    w.org = org;
    switch (rng_below(rng, 13)) {
    case 9:
        w.kind = STORE_DELETE_OBJECT;
        return w;
    case 10:
    case 11:
        return w;
    case 12:
        return (struct store_write){
            .kind = STORE_DELETE_MACHINE, .org = org, .u.machine_name = str_of_cstr(name)};
    case 0:
        return write_definition(org, str_of_cstr(name));
    case 1:
        return write_machine(f, org, name, names[turn]);
    case 2:
    case 3:
        w = write_start(f, org, n, rng_below(rng, 2) ? name : NULL, turn);
        w.u.start.related = turn ? key_of(turn) : 0;
        w.u.start.relation = turn ? RELATION_REUSES : RELATION_NONE;
        return w;
    case 4:
        w = write_progress(org, n, status, (int64_t)rng_below(rng, 4) * 100);
        w.u.progress.redriven_at.ms = turn;
        w.u.progress.redrive_count = turn;
        return w;
    case 5:
        return write_snapshot(org, n, turn, str_of_cstr(name));
    default:
        return write_turn(f, org, n, turn);
    }
}

static void assert_same_answer(const struct store_read *got, const struct store_read *expected)
{
    assert_int_equal(got->found, expected->found);
    assert_int_equal(got->more, expected->more);
    assert_int_equal(got->count, expected->count);
    assert_str(got->text, expected->text);
    for (size_t i = 0; i < got->count; i++) {
        if (got->executions)
            assert_execution(&got->executions[i], &expected->executions[i]);
        if (got->machines)
            assert_machine(&got->machines[i], &expected->machines[i]);
        if (got->turns)
            assert_turn(&got->turns[i], &expected->turns[i]);
        if (got->objects)
            assert_object(&got->objects[i], &expected->objects[i]);
    }
    assert_int_equal(got->snapshot.turn, expected->snapshot.turn);
    assert_str(got->snapshot.body, expected->snapshot.body);
}

static void compare_read(struct store_fixture *f, struct store_fixture *model, struct store_read r)
{
    struct store_read expected = r;
    assert_int_equal(read_now(f, &r, NULL), read_now(model, &expected, NULL));
    assert_same_answer(&r, &expected);
}

static void compare_all(struct store_fixture *f, struct store_fixture *model, struct rng *rng)
{
    for (org_id org = 0; org < 2; org++) {
        for (uint32_t n = 0; n < MODEL_KEYS; n++) {
            compare_read(f, model, read_of(f, STORE_GET_EXECUTION, org, key_of(n)));
            compare_read(f, model, read_of(f, STORE_GET_TURNS, org, key_of(n)));
            compare_read(f, model, read_of(f, STORE_GET_SNAPSHOT, org, key_of(n)));
        }
        for (enum store_read_kind kind = 0; kind < STORE_READ_KIND_COUNT; kind++) {
            struct store_read r = read_of(f, kind, org, 0);
            r.name = STR("b");
            r.object_kind = STR("k");
            r.backwards = rng_below(rng, 2);
            sha256(r.name, r.hash);
            r.until.ms = 250;
            r.related = org ? key_of(1) : 0;
            r.rows_max = 1 + rng_below(rng, 30);
            if (kind == STORE_LIST_EXECUTIONS)
                r.status = (int)rng_below(rng, EXECUTION_STATUS_COUNT);
            compare_read(f, model, r);
        }
    }
}

static void random_commits_agree_with_the_model(void **state)
{
    struct store_fixture *f = *state;
    struct store_fixture model = {.arena = f->arena};
    model.store = memory_store_new(test_secret);
    assert_true(store_claim_all(model.store, model.epochs, NULL));
    struct rng rng = rng_seeded(20260301);
    size_t kept = 0;
    for (int i = 0; i < MODEL_COMMITS; i++) {
        struct store_write writes[MODEL_WRITES_MAX];
        size_t count = 1 + rng_below(&rng, MODEL_WRITES_MAX);
        for (size_t k = 0; k < count; k++)
            writes[k] = random_write(f, &rng);
        enum err_code code = commit_now(f, writes, count, NULL);
        assert_int_equal(code, commit_now(&model, writes, count, NULL));
        kept += code == ERR_NONE;
        if (i % 300 == 299)
            compare_all(f, &model, &rng);
    }
    assert_true(kept > MODEL_COMMITS / 10 && kept < MODEL_COMMITS);
    store_close(model.store);
}

/* ---- the whole ---- */

#define EACH(f) cmocka_unit_test_setup_teardown(f, store_fixture_setup, store_fixture_teardown)

int store_suite_run(const struct store_kind *kind)
{
    struct CMUnitTest tests[] = {
        EACH(definitions_are_found_by_hash),
        EACH(machines_are_replaced_by_name),
        EACH(machines_are_listed_by_name),
        EACH(a_machine_put_without_a_body_keeps_its_body),
        EACH(machines_are_deleted),
        EACH(objects_are_written_by_whoever_saw_them_last),
        EACH(objects_are_deleted),
        EACH(a_refused_commit_changes_no_object),
        EACH(machines_and_objects_are_counted),
        EACH(objects_are_listed_by_name),
        EACH(executions_come_back_as_they_went_in),
        EACH(names_are_unique_on_their_machine),
        EACH(ids_are_no_names),
        EACH(keys_are_unique),
        EACH(progress_is_kept),
        EACH(what_has_ended_goes_on),
        EACH(what_is_made_of_another_is_found),
        EACH(turns_come_in_order_without_gaps),
        EACH(turns_are_paged_by_rows),
        EACH(turns_are_paged_by_bytes),
        EACH(a_body_respects_the_arena),
        EACH(snapshots_are_replaced),
        EACH(a_commit_sees_its_own_writes),
        EACH(a_refused_commit_leaves_nothing),
        EACH(commits_of_a_shard_keep_their_order),
        EACH(a_refused_commit_spoils_no_other),
        EACH(a_refused_commit_is_rid_of_whole),
        EACH(it_says_when_to_step),
        EACH(what_is_abandoned_never_completes),
        EACH(a_completion_may_submit),
        EACH(an_old_epoch_is_stale),
        EACH(a_claim_is_of_one_shard),
        EACH(the_secret_is_kept),
        EACH(executions_are_listed_newest_first),
        EACH(running_ones_are_listed_oldest_first),
        EACH(wakes_are_listed_by_time),
        EACH(a_page_has_a_maximum),
        EACH(organizations_see_nothing_of_each_other),
        EACH(limits_are_refused_clearly),
        EACH(a_hundred_thousand_rows),
        EACH(random_commits_agree_with_the_model),
    };
    struct store_kind copy = *kind;
    for (size_t i = 0; i < COUNT_OF(tests); i++)
        tests[i].initial_state = &copy;
    return cmocka_run_group_tests_name(kind->name, tests, NULL, NULL);
}
