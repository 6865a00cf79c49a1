/* The engine on the SQLite store with threads: how many fsyncs starts take, and that one
 * alone waits for nothing but its own. */
#include "engine/engine.h"
#include "store/sqlite/sqlite_store.h"
#include "support/gate_vfs.h"
#include "support/store_suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    STARTS = 64
};

static const char pass[] =
    "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\",\"End\":true}}}";

struct scene {
    struct store_fixture *f;
    struct engine *engine;
    size_t acknowledged, ended;
};

static struct store *open_threads(struct store_fixture *f)
{
    struct store *s;
    struct err err;
    struct sqlite_store_options options = {
        .mode = SQLITE_STORE_READ_WRITE,
        .secret = test_secret,
        .vfs = gate_vfs(),
        .threads = true,
    };
    if (!sqlite_store_open_with(store_fixture_path(f, "pawl.db"), &options, &s, &err))
        panic(__FILE__, __LINE__, err.message);
    return s;
}

static void start_task(void *arg, const struct execution_row *row, const struct flow_identity *who,
                       const struct flow_effect *task)
{
    (void)arg, (void)row, (void)who, (void)task;
    fail_msg("there are no tasks here");
}

static void cancel_task(void *arg, execution_key key, uint32_t step, uint32_t attempt)
{
    (void)arg, (void)key, (void)step, (void)attempt;
}

static void replied(void *arg, const struct engine_reply *reply)
{
    struct scene *s = arg;
    assert_null(reply->err);
    s->acknowledged++;
}

static void followed(void *arg, const struct run *run, const struct execution_row *execution,
                     const struct flow_event *events, size_t count, struct wall_ms at)
{
    struct scene *s = arg;
    (void)run, (void)events, (void)count, (void)at;
    s->ended += execution->status == EXECUTION_SUCCEEDED;
}

static void start(struct scene *s)
{
    struct engine_start request = {
        .machine_name = STR("m"), .definition = STR(pass), .input = STR("{}")};
    engine_start(s->engine, &request, replied, s);
}

/* The engine's clocks stand still: nothing that waits for a time goes on. */
static bool step(struct scene *s)
{
    bool more =
        engine_step(s->engine, (struct wall_ms){1700000000000}, (struct mono_ns){1000000000});
    assert_int_equal(engine_wake(s->engine).ms, 0);
    return more;
}

static void step_until(struct scene *s, size_t acknowledged)
{
    while (s->acknowledged < acknowledged)
        if (!step(s))
            store_wait(s->f->store, -1);
}

static struct scene scene_of(void **state)
{
    struct scene s = {.f = *state};
    struct err err;
    struct engine_options options = {.store = s.f->store,
                                     .seed = 1,
                                     .limits = flow_limits_default(),
                                     .tasks = {.start = start_task, .cancel = cancel_task}};
    if (!engine_new(&options, &s.engine, &err))
        fail_msg("%s", err.message);
    return s;
}

static void many_starts_share_syncs(void **state)
{
    struct scene s = scene_of(state);
    engine_follow(s.engine, followed, &s);
    start(&s);
    step_until(&s, 1); /* its machine is in the store now */
    size_t before = gate_syncs();
    for (size_t i = 0; i < STARTS; i++)
        start(&s);
    step_until(&s, 1 + STARTS);
    size_t syncs = gate_syncs() - before;
    printf("# %d starts at once took %zu fsyncs\n", STARTS, syncs);
    assert_true(syncs < STARTS / 2);
    assert_int_equal(s.ended, 1 + STARTS);
    engine_free(s.engine);
}

/* They come one by one while an fsync runs: all that came meanwhile share the next. */
static void starts_during_a_sync_share_the_next(void **state)
{
    struct scene s = scene_of(state);
    start(&s);
    step_until(&s, 1);
    gate_close();
    start(&s);
    while (step(&s))
        ;
    gate_wait_for_sync();
    size_t before = gate_syncs();
    for (size_t i = 1; i < STARTS; i++) {
        start(&s);
        step(&s);
    }
    assert_int_equal(s.acknowledged, 1);
    gate_open();
    step_until(&s, 1 + STARTS);
    assert_int_equal(gate_syncs() - before, 2);
    engine_free(s.engine);
}

/* Neither for a timer nor for others to come. */
static void a_start_alone_takes_one_sync(void **state)
{
    struct scene s = scene_of(state);
    start(&s);
    step_until(&s, 1);
    for (size_t i = 0; i < 10; i++) {
        size_t before = gate_syncs();
        start(&s);
        step_until(&s, 2 + i);
        assert_int_equal(gate_syncs() - before, 1);
    }
    engine_free(s.engine);
}

#define EACH(f) cmocka_unit_test_setup_teardown(f, store_fixture_setup, store_fixture_teardown)

int main(void)
{
    struct store_kind kind = {.name = "SQLite store with threads", .open = open_threads};
    struct CMUnitTest tests[] = {
        EACH(many_starts_share_syncs),
        EACH(starts_during_a_sync_share_the_next),
        EACH(a_start_alone_takes_one_sync),
    };
    for (size_t i = 0; i < COUNT_OF(tests); i++)
        tests[i].initial_state = &kind;
    return cmocka_run_group_tests_name("engine and fsync", tests, NULL, NULL);
}
