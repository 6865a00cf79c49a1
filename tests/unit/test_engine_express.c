/* Express executions under virtual time. */
#include "engine/names.h"
#include "store/memory/memory_store.h"
#include "support/engine_world.h"
#include "support/faulty_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const uint8_t secret[STORE_SECRET_SIZE] = {7};

#define CHAIN(state) "{\"StartAt\":\"T\",\"States\":{\"T\":" state "}}"
#define LAMBDA(function, rest)                                                                     \
    "{\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:000000000000:function:" function   \
    "\"," rest "}"
#define TASK(function) CHAIN(LAMBDA(function, "\"End\":true"))

static const char pass[] = CHAIN("{\"Type\":\"Pass\",\"End\":true}");
static const char wait[] = CHAIN("{\"Type\":\"Wait\",\"Seconds\":60,\"End\":true}");
static const char forever[] = CHAIN("{\"Type\":\"Wait\",\"Seconds\":6000,\"End\":true}");
static const char flaky[] = CHAIN(
    LAMBDA("flaky", "\"Retry\":[{\"ErrorEquals\":[\"Boom\"],\"IntervalSeconds\":2}],\"End\":true"));
static const char context[] =
    CHAIN("{\"Type\":\"Pass\",\"Parameters\":{\"e.$\":\"$$.Execution\"},\"End\":true}");
static const char endless[] =
    "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\",\"Next\":\"Q\"},"
    "\"Q\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.never\","
    "\"IsPresent\":true,\"Next\":\"R\"}],\"Default\":\"P\"},"
    "\"R\":{\"Type\":\"Succeed\"}}}";

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    world_init(w, memory_store_new(secret));
    world_open(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    world_release(w);
    store_close(w->store);
    free(w);
    return 0;
}

/* What a reply said, kept. */
struct heard {
    struct arena *arena;
    bool answered;
    enum err_code code;
    char message[ERR_MESSAGE_MAX];
    execution_key key;
    enum execution_status status;
    struct str arn, name, output, error;
    int64_t ms;
};

static void hear(void *arg, const struct engine_reply *reply)
{
    struct heard *h = arg;
    assert_false(h->answered);
    h->answered = true;
    if (reply->err) {
        h->code = reply->err->code;
        memcpy(h->message, reply->err->message, sizeof(h->message));
        return;
    }
    h->key = reply->execution->key;
    h->status = reply->execution->status;
    h->arn = arena_str(h->arena, reply->execution->arn);
    h->name = arena_str(h->arena, reply->execution->name);
    if (!reply->run)
        return;
    struct str text = {0};
    assert_int_equal(h->status, run_status(reply->run));
    h->ms = run_stopped_at(reply->run).ms - run_started_at(reply->run).ms;
    if (!json_is_absent(run_output(reply->run)))
        h->output = json_text(h->arena, run_output(reply->run));
    if (run_error(reply->run, &text))
        h->error = arena_str(h->arena, text);
}

static void start(struct world *w, const char *definition, const char *name, bool sync,
                  struct heard *heard)
{
    struct engine_start s = {
        .machine_name = STR("m"),
        .definition = str_of_cstr(definition),
        .name = str_of_cstr(name),
        .input = STR("{\"a\":1}"),
        .express = true,
        .sync = sync,
    };
    *heard = (struct heard){.arena = w->arena};
    engine_start(w->engine, &s, hear, heard);
}

static size_t rows(struct world *w)
{
    struct store_read read = {.kind = STORE_LIST_EXECUTIONS,
                              .status = STORE_ANY_STATUS,
                              .shard = STORE_ANY_SHARD,
                              .arena = w->arena};
    world_read(w->store, &read);
    return read.count;
}

static size_t turns(struct world *w, execution_key key)
{
    struct store_read read = {.kind = STORE_GET_TURNS, .key = key, .arena = w->arena};
    world_read(w->store, &read);
    return read.count;
}

static void assert_text(struct str have, const char *due)
{
    if (!str_eq(have, str_of_cstr(due)))
        fail_msg(STR_FMT " is not %s", STR_ARG(have), due);
}

/* ---- synchronous ---- */

static void test_sync_is_answered_at_its_end(void **state)
{
    struct world *w = *state;
    struct heard quick, slow, failed;
    start(w, pass, "one", true, &quick);
    start(w, TASK("slow"), "one", true, &slow);
    start(w, TASK("fail"), "", true, &failed);
    for (int i = 0; i < 3 && !quick.answered; i++)
        world_work(w);
    assert_true(quick.answered);
    assert_false(slow.answered);
    world_settle(w);
    assert_int_equal(quick.status, EXECUTION_SUCCEEDED);
    assert_text(quick.output, "{\"a\":1}");
    assert_text(quick.name, "one");
    assert_int_equal(slow.status, EXECUTION_SUCCEEDED);
    assert_int_equal(slow.ms, 5000);
    assert_int_equal(failed.status, EXECUTION_FAILED);
    assert_text(failed.error, "Boom");
    assert_int_equal(rows(w), 0);
    assert_int_equal(engine_stats(w->engine).runs, 0);
}

static void test_arn(void **state)
{
    struct world *w = *state;
    struct heard h;
    start(w, context, "one", true, &h);
    world_settle(w);
    size_t prefix = str_find(h.arn, STR(":express:m:one:"));
    assert_true(prefix != SIZE_MAX);
    assert_int_equal(h.arn.len, prefix + strlen(":express:m:one:") + UUID_TEXT_LEN);
    assert_true(str_find(h.output, h.arn) != SIZE_MAX);
    assert_true(str_find(h.output, STR("RedriveCount")) == SIZE_MAX);
    assert_true(str_find(h.output, STR("\"RoleArn\":\"arn:aws:iam::000000000000:role/pawl\"")) !=
                SIZE_MAX);
}

static void test_waits_and_retries_in_memory(void **state)
{
    struct world *w = *state;
    struct heard a, b;
    start(w, wait, "", true, &a);
    start(w, flaky, "", true, &b);
    world_settle(w);
    assert_int_equal(a.status, EXECUTION_SUCCEEDED);
    assert_int_equal(a.ms, 60000);
    assert_int_equal(b.status, EXECUTION_SUCCEEDED);
}

static void test_five_minutes_are_all(void **state)
{
    struct world *w = *state;
    struct heard h;
    start(w, forever, "", true, &h);
    world_settle(w);
    assert_int_equal(h.status, EXECUTION_TIMED_OUT);
    assert_int_equal(h.ms, 300000);
}

static void test_sync_ends_with_the_process(void **state)
{
    struct world *w = *state;
    struct heard h;
    start(w, TASK("slow"), "", true, &h);
    world_pass(w, 1000);
    world_close(w);
    world_open(w);
    world_settle(w);
    assert_false(h.answered);
    assert_int_equal(rows(w), 0);
    assert_int_equal(w->started, 1);
}

static void test_bounds(void **state)
{
    struct world *w = *state;
    struct heard h[3];
    struct world_reply standard;
    world_close(w);
    w->options.runs_live_max = 4;
    w->options.express_live_max = 2;
    world_open(w);
    for (size_t i = 0; i < 3; i++)
        start(w, wait, "", i != 0, &h[i]);
    world_start(w, "s", wait, "", "{}", &standard);
    world_pass(w, 1000);
    assert_int_equal(h[2].code, ERR_BUSY);
    assert_non_null(strstr(h[2].message, "express_live_max"));
    assert_int_equal(standard.code, ERR_NONE);
    assert_int_equal(engine_stats(w->engine).express, 2);
    world_settle(w);
    assert_int_equal(h[0].code, ERR_NONE);
    assert_int_equal(h[1].status, EXECUTION_SUCCEEDED);
    assert_int_equal(engine_stats(w->engine).express, 0);
}

/* A loop without an end is ended by its memory, if not by its time. */
static void test_memory_is_bounded(void **state)
{
    struct world *w = *state;
    struct heard h;
    world_close(w);
    w->options.express_memory_max = 4 << 20;
    world_open(w);
    start(w, endless, "", true, &h);
    size_t most = 0;
    for (size_t i = 0; i < 100000 && !h.answered; i++) {
        engine_step(w->engine, (struct wall_ms){(int64_t)w->now_ms}, (struct mono_ns){0});
        size_t memory = engine_stats(w->engine).memory;
        most = memory > most ? memory : most;
    }
    assert_int_equal(h.status, EXECUTION_ABORTED);
    assert_text(h.error, "States.DataLimitExceeded");
    assert_true(most > 2 << 20);
    assert_true(most < 8 << 20);
}

static void test_keep_history_of_sync(void **state)
{
    struct world *w = *state;
    struct heard h;
    world_close(w);
    w->options.express_keep = true;
    world_open(w);
    start(w, TASK("slow"), "one", true, &h);
    world_pass(w, 1000);
    assert_int_equal(rows(w), 0);
    world_settle(w);
    assert_int_equal(rows(w), 1);
    assert_int_equal(world_row(w, w->store, h.key).status, EXECUTION_SUCCEEDED);
    assert_int_equal(turns(w, h.key), 2);
    assert_text(world_output(w, w->store, h.key), "{\"a\":1}");
}

/* ---- asynchronous ---- */

static void test_async_start_is_durable(void **state)
{
    struct world *w = *state;
    struct heard h;
    start(w, flaky, "one", false, &h);
    for (bool moves = true; !h.answered; moves = world_work(w))
        assert_true(moves);
    assert_int_equal(world_row(w, w->store, h.key).status, EXECUTION_RUNNING);
    world_settle(w);
    struct execution_row row = world_row(w, w->store, h.key);
    assert_int_equal(row.status, EXECUTION_SUCCEEDED);
    assert_true(row.express);
    assert_true(row.stopped_at.ms - row.started_at.ms >= 6000);
    assert_int_equal(row.wake_at.ms, 0);
    assert_int_equal(turns(w, h.key), 1);
}

/* The name of an Express execution is not unique. */
static void test_async_names(void **state)
{
    struct world *w = *state;
    struct heard a, b;
    start(w, pass, "one", false, &a);
    start(w, pass, "one", false, &b);
    world_settle(w);
    assert_int_equal(a.code, ERR_NONE);
    assert_int_equal(b.code, ERR_NONE);
    assert_int_equal(rows(w), 2);
}

static void test_async_begins_again(void **state)
{
    struct world *w = *state;
    struct heard h;
    start(w, CHAIN(LAMBDA("echo", "\"Next\":\"S\"") ",\"S\":" LAMBDA("slow", "\"End\":true")), "",
          false, &h);
    world_pass(w, 4000);
    assert_int_equal(w->started, 2);
    w->now_ms += 3600 * 1000; /* its five minutes begin again, too */
    world_close(w);
    world_open(w);
    world_settle(w);
    assert_int_equal(w->started, 4);
    assert_int_equal(world_row(w, w->store, h.key).status, EXECUTION_SUCCEEDED);
    size_t started = w->started;
    world_close(w);
    world_open(w);
    world_settle(w);
    assert_int_equal(w->started, started);
}

static void test_async_is_stopped(void **state)
{
    struct world *w = *state;
    struct heard h, stopped = {.arena = w->arena}, parked = {.arena = w->arena};
    start(w, TASK("never"), "", false, &h);
    world_pass(w, 1000);
    engine_stop(w->engine, h.key, STR("E"), STR("C"), hear, &stopped);
    world_pass(w, 1000);
    assert_int_equal(stopped.status, EXECUTION_ABORTED);
    assert_int_equal(w->cancelled, 1);
    assert_int_equal(world_row(w, w->store, h.key).status, EXECUTION_ABORTED);
    start(w, TASK("never"), "", false, &h);
    world_pass(w, 1000);
    world_close(w);
    w->options.advance_all = false;
    world_open(w);
    size_t started = w->started;
    engine_stop(w->engine, h.key, STR("E"), STR("C"), hear, &parked);
    world_settle(w);
    assert_int_equal(parked.status, EXECUTION_ABORTED);
    assert_int_equal(w->started, started);
    assert_int_equal(world_row(w, w->store, h.key).status, EXECUTION_ABORTED);
}

static void test_keep_history_of_async(void **state)
{
    struct world *w = *state;
    struct heard h;
    world_close(w);
    w->options.express_keep = true;
    world_open(w);
    start(w, flaky, "", false, &h);
    world_settle(w);
    assert_int_equal(world_row(w, w->store, h.key).status, EXECUTION_SUCCEEDED);
    assert_int_equal(turns(w, h.key), 6);
    assert_text(world_output(w, w->store, h.key), "{\"a\":1}");
}

/* Ends that the store refuses are written later, and the tasks do not run again. */
static void test_refused_ends(void **state)
{
    (void)state;
    size_t troubles = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct world w;
        struct heard h;
        struct faulty_options options = {.seed = seed, .refused_ppm = 500000};
        world_init(&w, faulty_store_new(memory_store_new(secret), &options));
        w.options.express_keep = seed % 2;
        world_open(&w);
        start(&w, TASK("echo"), "", false, &h);
        world_settle(&w);
        troubles += w.troubles;
        if (!h.code) {
            assert_int_equal(w.started, 1);
            world_close(&w);
            w.store = faulty_store_crash(w.store);
            assert_int_equal(world_row(&w, w.store, h.key).status, EXECUTION_SUCCEEDED);
        }
        world_release(&w);
        store_close(w.store);
    }
    assert_true(troubles > 0);
}

/* A crash at every move: what was answered ends, and its end is not lived twice. */
static void test_crash_at_every_move(void **state)
{
    (void)state;
    bool ended = false;
    for (uint64_t moves = 0; !ended; moves++) {
        struct world w;
        struct heard h;
        struct faulty_options options = {.seed = moves + 1};
        world_init(&w, faulty_store_new(memory_store_new(secret), &options));
        world_open(&w);
        start(&w, TASK("echo"), "", false, &h);
        for (uint64_t i = 0; i < moves && !ended; i++)
            ended = !world_step(&w);
        world_close(&w);
        w.store = faulty_store_crash(w.store);
        bool over = h.answered && world_row(&w, w.store, h.key).status != EXECUTION_RUNNING;
        size_t started = w.started;
        world_open(&w);
        world_settle(&w);
        if (h.answered)
            assert_int_equal(world_row(&w, w.store, h.key).status, EXECUTION_SUCCEEDED);
        if (over)
            assert_int_equal(w.started, started);
        world_release(&w);
        store_close(w.store);
    }
}

#define EXPRESS_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXPRESS_TEST(test_sync_is_answered_at_its_end), EXPRESS_TEST(test_arn),
        EXPRESS_TEST(test_waits_and_retries_in_memory), EXPRESS_TEST(test_five_minutes_are_all),
        EXPRESS_TEST(test_sync_ends_with_the_process),  EXPRESS_TEST(test_bounds),
        EXPRESS_TEST(test_memory_is_bounded),           EXPRESS_TEST(test_keep_history_of_sync),
        EXPRESS_TEST(test_async_start_is_durable),      EXPRESS_TEST(test_async_names),
        EXPRESS_TEST(test_async_begins_again),          EXPRESS_TEST(test_async_is_stopped),
        EXPRESS_TEST(test_keep_history_of_async),       cmocka_unit_test(test_refused_ends),
        cmocka_unit_test(test_crash_at_every_move),
    };
    return cmocka_run_group_tests_name("engine_express", tests, NULL, NULL);
}
