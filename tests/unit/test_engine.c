/* The engine over a store in memory, under virtual time, every committed turn
 * folded into a second run and compared. */
#include "store/memory/memory_store.h"
#include "support/engine_world.h"
#include "support/faulty_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const uint8_t secret[STORE_SECRET_SIZE] = {7};

#define TASK(function, rest)                                                                       \
    "{\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:000000000000:function:" function   \
    "\"," rest "}"

static const char pass[] =
    "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\",\"End\":true}}}";
static const char echo[] =
    "{\"StartAt\":\"T\",\"States\":{\"T\":" TASK("echo", "\"End\":true") "}}";
static const char slow[] =
    "{\"StartAt\":\"T\",\"States\":{\"T\":" TASK("slow", "\"End\":true") "}}";
static const char never[] =
    "{\"StartAt\":\"T\",\"States\":{\"T\":" TASK("never", "\"End\":true") "}}";
static const char wait[] =
    "{\"StartAt\":\"W\",\"States\":{\"W\":{\"Type\":\"Wait\",\"Seconds\":60,\"End\":true}}}";
static const char flaky[] = "{\"StartAt\":\"T\",\"States\":{\"T\":" TASK(
    "flaky", "\"Retry\":[{\"ErrorEquals\":[\"Boom\"],\"IntervalSeconds\":2}],\"End\":true") "}}";
static const char failing[] =
    "{\"StartAt\":\"T\",\"States\":{\"T\":" TASK("fail", "\"End\":true") "}}";
static const char endless[] =
    "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\",\"Next\":\"Q\"},"
    "\"Q\":{\"Type\":\"Choice\",\"Choices\":[{\"Variable\":\"$.never\","
    "\"IsPresent\":true,\"Next\":\"R\"}],\"Default\":\"P\"},"
    "\"R\":{\"Type\":\"Succeed\"}}}";
/* Everything at once: branches, items, a retry, a timer, tasks. */
static const char busy[] =
    "{\"StartAt\":\"First\",\"States\":{"
    "\"First\":" TASK(
        "echo",
        "\"Next\":\"Both\"") ","
                             "\"Both\":{\"Type\":\"Parallel\",\"Next\":\"Each\",\"Branches\":["
                             "{\"StartAt\":\"A\",\"States\":{\"A\":" TASK(
                                 "slow",
                                 "\"Next\":\"A2\"") ","
                                                    "\"A2\":{\"Type\":\"Wait\","
                                                    "\"Seconds\":3,\"End\":true}}},"
                                                    "{\"StartAt\":\"B\",\"States\":{"
                                                    "\"B\":" TASK("flaky",
                                                                  "\"Retry\":[{\"ErrorEquals\":["
                                                                  "\"States.ALL\"]}],\"End\":"
                                                                  "true") "}}]},"
                                                                          "\"Each\":{\"Type\":"
                                                                          "\"Map\",\"ItemsPath\":"
                                                                          "\"$[0].items\","
                                                                          "\"MaxConcurrency\":2,"
                                                                          "\"End\":true,"
                                                                          "\"ItemProcessor\":{"
                                                                          "\"StartAt\":\"I\","
                                                                          "\"States\":{"
                                                                          "\"I\":" TASK(
                                                                              "echo",
                                                                              "\"End\":true") "}}"
                                                                                              "}}"
                                                                                              "}";

/* A hundred rounds through a task with 64 KiB of result each. */
static const char bloating[] = "{\"StartAt\":\"T\",\"States\":{\"T\":" TASK(
    "big",
    "\"ResultPath\":\"$.last\",\"Next\":\"Add\"") ","
                                                  "\"Add\":{\"Type\":\"Pass\",\"Parameters\":{\"n.$"
                                                  "\":\"States.MathAdd($.n, 1)\"},\"Next\":\"C\"},"
                                                  "\"C\":{\"Type\":\"Choice\",\"Choices\":[{"
                                                  "\"Variable\":\"$.n\","
                                                  "\"NumericGreaterThanEquals\":100,"
                                                  "\"Next\":\"E\"}],\"Default\":\"T\"},\"E\":{"
                                                  "\"Type\":\"Succeed\"}}}";

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

/* What the store holds of the engine is let through first, since it stays. */
static void close_engine(struct world *w)
{
    while (store_step(w->store, (struct mono_ns){0}))
        ;
    world_close(w);
}

static void reopen(struct world *w)
{
    close_engine(w);
    world_open(w);
}

/* Moves until the start is answered, and no further. */
static execution_key started(struct world *w, const char *definition, const char *name,
                             const char *input)
{
    struct world_reply reply;
    world_start(w, "m", definition, name, input, &reply);
    for (bool moves = true; !reply.answered; moves = world_work(w))
        assert_true(moves);
    assert_int_equal(reply.code, ERR_NONE);
    assert_false(reply.already);
    return reply.key;
}

static void assert_ended(struct world *w, execution_key key, enum execution_status status)
{
    struct execution_row row = world_row(w, w->store, key);
    assert_string_equal(execution_status_name(row.status), execution_status_name(status));
    assert_true(row.stopped_at.ms >= row.started_at.ms);
    assert_int_equal(row.wake_at.ms, 0);
}

static void assert_output(struct world *w, execution_key key, const char *json)
{
    struct str output = world_output(w, w->store, key);
    assert_true(str_eq(output, str_of_cstr(json)));
}

static void assert_refused(const struct world_reply *reply, enum err_code code, const char *part)
{
    assert_true(reply->answered);
    assert_string_equal(err_name(reply->code), err_name(code));
    if (!strstr(reply->message, part))
        fail_msg("\"%s\" lacks \"%s\"", reply->message, part);
}

/* ---- running ---- */

static void test_runs_to_its_end(void **state)
{
    struct world *w = *state;
    execution_key key = started(w, echo, "", "{\"a\":1.0}");
    struct execution_row row = world_row(w, w->store, key);
    assert_int_equal(row.status, EXECUTION_RUNNING);
    assert_false(row.client_named);
    assert_true(
        str_starts_with(row.arn, STR("arn:aws:states:us-east-1:000000000000:execution:m:")));
    world_settle(w);
    assert_ended(w, key, EXECUTION_SUCCEEDED);
    assert_output(w, key, "{\"a\":1.0}");
    assert_true(engine_idle(w->engine));
    assert_null(engine_execution(w->engine, key));
}

static void test_ends_in_its_first_turn(void **state)
{
    struct world *w = *state;
    struct world_reply reply;
    world_start(w, "m", pass, "one", "[1]", &reply);
    world_settle(w);
    assert_int_equal(reply.code, ERR_NONE);
    assert_int_equal(reply.status, EXECUTION_SUCCEEDED);
    assert_output(w, reply.key, "[1]");
}

static const char who[] =
    "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\",\"Next\":\"W\",\"Parameters\":{"
    "\"role.$\":\"$$.Execution.RoleArn\",\"id.$\":\"$$.Execution.Id\"}},"
    "\"W\":{\"Type\":\"Wait\",\"Seconds\":5,\"End\":true}}}";

static void set_true(void *arg, const struct err *err)
{
    assert_null(err);
    *(bool *)arg = true;
}

static size_t machines_stored(struct world *w)
{
    bool done = false;
    struct store_read r = {
        .kind = STORE_LIST_MACHINES, .arena = w->arena, .done = set_true, .arg = &done};
    store_read(w->store, &r);
    while (!done)
        store_step(w->store, (struct mono_ns){0});
    return r.count;
}

/* What a catalog knows of the machine goes with the execution, and the machine is
 * left alone. */
static void test_starts_what_the_catalog_has(void **state)
{
    struct world *w = *state;
    struct world_reply reply = {0};
    struct engine_start start = {
        .machine_name = STR("listed"),
        .machine_arn = STR("arn:aws:states:eu-west-9:123456789012:stateMachine:listed"),
        .definition = STR(who),
        .name = STR("one"),
        .input = STR("{}"),
        .role_arn = STR("arn:aws:iam::123456789012:role/r"),
        .origin = STR("{\"revision\":\"r1\"}"),
        .cataloged = true,
        .parent = 7,
    };
    /* The catalog's own writes, which only the definition of matters here. */
    struct store_write write = {.kind = STORE_PUT_DEFINITION};
    write.u.definition.text = start.definition;
    sha256(start.definition, write.u.definition.hash);
    uint64_t epoch = 0;
    assert_true(store_claim(w->store, 200, &epoch, NULL));
    world_commit(w->store, 200, epoch, &write, 1);
    reopen(w);
    engine_start(w->engine, &start, world_replied, &reply);
    for (bool moves = true; !reply.answered; moves = world_work(w))
        assert_true(moves);
    assert_int_equal(reply.code, ERR_NONE);
    reopen(w);
    world_settle(w);
    struct execution_row row = world_row(w, w->store, reply.key);
    assert_true(str_eq(row.arn, STR("arn:aws:states:eu-west-9:123456789012:execution:listed:one")));
    assert_true(str_eq(row.machine_arn, start.machine_arn));
    assert_true(str_eq(row.role_arn, start.role_arn));
    assert_true(str_eq(row.origin, start.origin));
    assert_int_equal(row.parent, 7);
    assert_int_equal(row.parent_task, 0);
    assert_output(w, reply.key,
                  "{\"role\":\"arn:aws:iam::123456789012:role/r\",\"id\":"
                  "\"arn:aws:states:eu-west-9:123456789012:execution:listed:one\"}");
    assert_int_equal(machines_stored(w), 0);
}

static void test_waits_for_timers(void **state)
{
    struct world *w = *state;
    execution_key key = started(w, wait, "", "{}");
    struct wall_ms began = engine_execution(w->engine, key)->started_at;
    assert_int_equal(world_row(w, w->store, key).wake_at.ms, began.ms + 60000);
    assert_int_equal(engine_wake(w->engine).ms, began.ms + 60000);
    world_settle(w);
    assert_ended(w, key, EXECUTION_SUCCEEDED);
    assert_true(world_row(w, w->store, key).stopped_at.ms - began.ms >= 60000);
}

static void test_retries(void **state)
{
    struct world *w = *state;
    execution_key key = started(w, flaky, "", "7");
    world_settle(w);
    assert_ended(w, key, EXECUTION_SUCCEEDED);
    assert_output(w, key, "7");
    assert_int_equal(w->started, 3);
}

static void test_fails(void **state)
{
    struct world *w = *state;
    execution_key key = started(w, failing, "", "{}");
    world_settle(w);
    assert_ended(w, key, EXECUTION_FAILED);
}

static void test_runs_many_at_once(void **state)
{
    enum {
        RUNS = 200
    };
    struct world *w = *state;
    struct world_reply *replies = calloc(RUNS, sizeof(*replies));
    for (size_t i = 0; i < RUNS; i++)
        world_start(w, "m", busy, "", "{\"items\":[1,2,3]}", &replies[i]);
    world_settle(w);
    for (size_t i = 0; i < RUNS; i++) {
        assert_int_equal(replies[i].code, ERR_NONE);
        assert_ended(w, replies[i].key, EXECUTION_SUCCEEDED);
        assert_output(w, replies[i].key, "[1,2,3]");
        assert_true(i == 0 || replies[i].key > replies[i - 1].key);
    }
    free(replies);
}

static void test_long_run_sheds_its_garbage(void **state)
{
    struct world *w = *state;
    execution_key key = started(w, bloating, "", "{\"n\":0}");
    world_settle(w);
    assert_ended(w, key, EXECUTION_SUCCEEDED);
    assert_output(w, key, "{\"n\":100}");
    assert_int_equal(w->started, 100);
}

/* ---- starts ---- */

static void test_same_name_again(void **state)
{
    struct world *w = *state;
    struct world_reply first, second, third, other;
    world_start(w, "m", slow, "order", "{\"a\":1,\"b\":2}", &first);
    world_start(w, "m", slow, "order", "{ \"b\": 2, \"a\": 1 }", &second);
    world_start(w, "m", slow, "order", "{\"a\":2}", &third);
    world_start(w, "n", slow, "order", "{\"a\":2}", &other);
    world_pass(w, 1000);
    assert_int_equal(first.code, ERR_NONE);
    assert_false(first.already);
    assert_int_equal(second.code, ERR_NONE);
    assert_true(second.already);
    assert_int_equal(second.key, first.key);
    assert_refused(&third, ERR_CONFLICT, "with another input");
    assert_int_equal(other.code, ERR_NONE);
    assert_true(other.key != first.key);
    assert_int_equal(w->started, 2);
    world_settle(w);
    world_start(w, "m", slow, "order", "{\"a\":1,\"b\":2}", &second);
    world_settle(w);
    assert_refused(&second, ERR_CONFLICT, "SUCCEEDED");
}

static void test_bad_starts(void **state)
{
    struct world *w = *state;
    struct world_reply r;
    world_start(w, "m", pass, "", "{\"a\":", &r);
    world_settle(w);
    assert_refused(&r, ERR_INVALID_JSON, "the input");
    world_start(w, "a b", pass, "", "{}", &r);
    world_settle(w);
    assert_refused(&r, ERR_INVALID_INPUT, "white space");
    world_start(w, "m", pass, "x/y", "{}", &r);
    world_settle(w);
    assert_refused(&r, ERR_INVALID_INPUT, "the execution's name");
    world_start(w, "", pass, "", "{}", &r);
    world_settle(w);
    assert_refused(&r, ERR_INVALID_INPUT, "1 to 80");
    world_start(w, "m", "{\"StartAt\":\"A\",\"States\":{}}", "", "{}", &r);
    world_settle(w);
    assert_refused(&r, ERR_INVALID_DEFINITION, "error");
    world_start(w, "m", "{", "", "{}", &r);
    world_settle(w);
    assert_refused(&r, ERR_INVALID_DEFINITION, "cannot be read");
    assert_int_equal(w->started, 0);
}

/* A machine is put when it is new or has another definition, and keeps its age. */
static void test_machines_are_kept_up_to_date(void **state)
{
    struct world *w = *state;
    execution_key first = started(w, wait, "", "{}");
    struct machine_row made = world_machine(w, w->store, "m");
    assert_int_equal(made.created_at.ms, made.updated_at.ms);
    world_pass(w, 1000);
    started(w, wait, "", "{}");
    assert_int_equal(world_machine(w, w->store, "m").updated_at.ms, made.updated_at.ms);
    world_pass(w, 1000);
    reopen(w);
    world_pass(w, 1000);
    started(w, wait, "", "{}");
    assert_int_equal(world_machine(w, w->store, "m").updated_at.ms, made.updated_at.ms);
    started(w, pass, "", "{}");
    struct machine_row changed = world_machine(w, w->store, "m");
    assert_int_equal(changed.created_at.ms, made.created_at.ms);
    assert_true(changed.updated_at.ms > made.updated_at.ms);
    assert_memory_not_equal(changed.definition, made.definition, SHA256_SIZE);
    assert_memory_equal(world_row(w, w->store, first).definition, made.definition, SHA256_SIZE);
    started(w, wait, "", "{}");
    assert_memory_equal(world_machine(w, w->store, "m").definition, made.definition, SHA256_SIZE);
}

static void test_too_many_live(void **state)
{
    struct world *w = *state;
    struct world_reply first, second, third;
    close_engine(w);
    w->options.runs_live_max = 2;
    world_open(w);
    world_start(w, "m", slow, "", "1", &first);
    world_start(w, "m", slow, "", "2", &second);
    world_start(w, "m", slow, "", "3", &third);
    world_settle(w);
    assert_int_equal(first.code, ERR_NONE);
    assert_int_equal(second.code, ERR_NONE);
    assert_refused(&third, ERR_BUSY, "runs_live_max");
    world_start(w, "m", slow, "", "3", &third);
    world_settle(w);
    assert_int_equal(third.code, ERR_NONE);
}

/* ---- stop ---- */

static void test_stop(void **state)
{
    struct world *w = *state;
    struct world_reply stop = {0}, again = {0}, unknown = {0};
    execution_key key = started(w, never, "", "{}");
    world_settle(w);
    engine_stop(w->engine, key, STR("Enough"), STR("changed my mind"), world_replied, &stop);
    world_settle(w);
    assert_int_equal(stop.code, ERR_NONE);
    assert_int_equal(stop.status, EXECUTION_ABORTED);
    assert_int_equal(w->cancelled, 1);
    assert_ended(w, key, EXECUTION_ABORTED);
    engine_stop(w->engine, key, STR(""), STR(""), world_replied, &again);
    engine_stop(w->engine, key + 1, STR(""), STR(""), world_replied, &unknown);
    world_settle(w);
    assert_int_equal(again.code, ERR_NONE);
    assert_int_equal(again.status, EXECUTION_ABORTED);
    assert_refused(&unknown, ERR_NOT_FOUND, "");
}

static void test_stop_reaches_an_endless_loop(void **state)
{
    struct world *w = *state;
    struct world_reply stop = {0};
    execution_key other, key = started(w, endless, "", "{}");
    for (int i = 0; i < 20; i++)
        assert_true(world_step(w));
    other = started(w, pass, "", "{}");
    assert_ended(w, other, EXECUTION_SUCCEEDED);
    engine_stop(w->engine, key, STR(""), STR(""), world_replied, &stop);
    world_settle(w);
    assert_int_equal(stop.status, EXECUTION_ABORTED);
    assert_ended(w, key, EXECUTION_ABORTED);
}

/* ---- recovery ---- */

static void test_recovers_all(void **state)
{
    struct world *w = *state;
    execution_key a = started(w, busy, "", "{\"items\":[1,2]}"), b = started(w, wait, "", "{}");
    execution_key c = started(w, never, "", "{}");
    world_pass(w, 2000);
    size_t handed = w->started;
    reopen(w);
    world_settle(w);
    assert_true(w->started > handed);
    assert_ended(w, a, EXECUTION_SUCCEEDED);
    assert_output(w, a, "[1,2]");
    assert_ended(w, b, EXECUTION_SUCCEEDED);
    assert_int_equal(world_row(w, w->store, c).status, EXECUTION_RUNNING);
}

static void test_recovers_more_than_fit(void **state)
{
    enum {
        RUNS = 30
    };
    struct world *w = *state;
    execution_key keys[RUNS];
    for (size_t i = 0; i < RUNS; i++)
        keys[i] = started(w, wait, "", "{}");
    close_engine(w);
    w->options.runs_live_max = 4;
    world_open(w);
    world_settle(w);
    for (size_t i = 0; i < RUNS; i++)
        assert_ended(w, keys[i], EXECUTION_SUCCEEDED);
}

static void test_resumes_one(void **state)
{
    struct world *w = *state;
    struct world_reply resumed = {0}, ended = {0}, unknown = {0};
    execution_key a = started(w, slow, "", "1"), b = started(w, slow, "", "2");
    close_engine(w);
    w->options.advance_all = false;
    world_open(w);
    world_settle(w);
    assert_int_equal(world_row(w, w->store, a).status, EXECUTION_RUNNING);
    engine_resume(w->engine, a, world_replied, &resumed);
    world_settle(w);
    assert_int_equal(resumed.code, ERR_NONE);
    assert_ended(w, a, EXECUTION_SUCCEEDED);
    assert_int_equal(world_row(w, w->store, b).status, EXECUTION_RUNNING);
    engine_resume(w->engine, a, world_replied, &ended);
    engine_resume(w->engine, a + 1000, world_replied, &unknown);
    world_settle(w);
    assert_int_equal(ended.status, EXECUTION_SUCCEEDED);
    assert_refused(&unknown, ERR_NOT_FOUND, "");
}

/* Stopping a parked execution hands none of its tasks out. */
static void test_stop_without_running(void **state)
{
    struct world *w = *state;
    struct world_reply stop = {0};
    execution_key key = started(w, never, "", "{}");
    close_engine(w);
    w->options.advance_all = false;
    world_open(w);
    size_t handed = w->started;
    engine_stop(w->engine, key, STR(""), STR(""), world_replied, &stop);
    world_settle(w);
    assert_int_equal(stop.status, EXECUTION_ABORTED);
    assert_int_equal(w->started, handed);
}

static void test_detach(void **state)
{
    struct world *w = *state;
    struct world_reply late = {0};
    execution_key key = started(w, busy, "", "{\"items\":[1]}");
    world_pass(w, 2000);
    size_t pending = w->task_count;
    assert_true(pending > 0);
    engine_detach(w->engine);
    assert_int_equal(w->cancelled, pending);
    world_start(w, "m", pass, "", "{}", &late);
    assert_refused(&late, ERR_INTERRUPTED, "");
    world_settle(w);
    assert_int_equal(world_row(w, w->store, key).status, EXECUTION_RUNNING);
    reopen(w);
    world_settle(w);
    assert_ended(w, key, EXECUTION_SUCCEEDED);
}

static void test_results_nobody_waits_for(void **state)
{
    struct world *w = *state;
    execution_key key = started(w, never, "", "{}");
    world_settle(w);
    uint32_t turns = world_row(w, w->store, key).turns;
    struct engine_task_result wrong[] = {
        {.execution = key, .step = 0, .attempt = 2, .ok = true, .output = json_null()},
        {.execution = key, .step = 9, .attempt = 1, .ok = true, .output = json_null()},
        {.execution = key + 1, .step = 0, .attempt = 1, .ok = true, .output = json_null()},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        engine_task_result(w->engine, &wrong[i]);
    world_settle(w);
    assert_int_equal(world_row(w, w->store, key).turns, turns);
    struct engine_task_result right = wrong[0];
    right.attempt = 1;
    engine_task_result(w->engine, &right);
    engine_task_result(w->engine, &right);
    world_settle(w);
    assert_ended(w, key, EXECUTION_SUCCEEDED);
}

/* ---- clocks that jump ---- */

enum {
    HOUR_MS = 3600000
};

/* No turn is dated before the one before it. */
static struct wall_ms last_turn_at(struct world *w, execution_key key)
{
    struct wall_ms last = {0};
    for (uint32_t turn = 0; turn < world_row(w, w->store, key).turns; turn++) {
        struct wall_ms at = world_turn_at(w->store, key, turn);
        assert_true(at.ms >= last.ms);
        last = at;
    }
    return last;
}

/* Forward: whatever is due meanwhile is due now. */
static void test_clock_jumps_forward(void **state)
{
    struct world *w = *state;
    execution_key waiting = started(w, wait, "", "{}");
    execution_key working = started(w, busy, "", "{\"items\":[1,2]}");
    world_pass(w, 1000);
    w->skew_ms = 24 * HOUR_MS;
    while (world_row(w, w->store, waiting).status == EXECUTION_RUNNING)
        assert_true(world_work(w));
    assert_ended(w, waiting, EXECUTION_SUCCEEDED);
    int64_t now = (int64_t)w->now_ms + 24 * HOUR_MS, ended = last_turn_at(w, waiting).ms;
    assert_true(ended <= now && ended > now - 1000);
    world_settle(w);
    assert_ended(w, working, EXECUTION_SUCCEEDED);
    assert_output(w, working, "[1,2]");
    last_turn_at(w, working);
}

/* Back: times of turns and keys never do, timers keep their time of the wall, and
 * what has to do with no time goes on. */
static void test_clock_jumps_back(void **state)
{
    struct world *w = *state;
    execution_key waiting = started(w, wait, "", "{}");
    int64_t due = (int64_t)w->now_ms + 60000;
    execution_key working = started(w, busy, "", "{\"items\":[1,2]}");
    world_pass(w, 1000);
    w->skew_ms = -HOUR_MS;
    execution_key later = started(w, echo, "", "{}");
    assert_true(later > working);
    world_pass(w, 60000);
    assert_ended(w, later, EXECUTION_SUCCEEDED);
    assert_int_equal(world_row(w, w->store, waiting).status, EXECUTION_RUNNING);
    reopen(w);
    assert_true(started(w, echo, "", "{}") > later);
    assert_int_equal(world_row(w, w->store, waiting).status, EXECUTION_RUNNING);
    world_settle(w);
    assert_ended(w, waiting, EXECUTION_SUCCEEDED);
    assert_ended(w, working, EXECUTION_SUCCEEDED);
    assert_output(w, working, "[1,2]");
    assert_true(last_turn_at(w, waiting).ms >= due);
    last_turn_at(w, working);
}

/* ---- runs that leave memory ---- */

static void open_small(struct world *w, size_t runs)
{
    close_engine(w);
    w->options.runs_live_max = runs;
    world_open(w);
}

static void test_waiting_runs_leave_memory(void **state)
{
    enum {
        RUNS = 300,
        LIVE = 16
    };
    struct world *w = *state;
    execution_key keys[RUNS];
    open_small(w, LIVE);
    for (size_t i = 0; i < RUNS; i++) {
        keys[i] = started(w, wait, "", "{}");
        assert_true(engine_stats(w->engine).runs <= LIVE);
    }
    assert_true(engine_stats(w->engine).wakes >= RUNS - LIVE);
    world_settle(w);
    for (size_t i = 0; i < RUNS; i++)
        assert_ended(w, keys[i], EXECUTION_SUCCEEDED);
    assert_int_equal(engine_stats(w->engine).runs, 0);
    assert_int_equal(engine_stats(w->engine).memory, 0);
    assert_int_equal(engine_stats(w->engine).commits_memory, 0);
}

static void test_memory_is_bounded(void **state)
{
    enum {
        RUNS = 50,
        MEMORY = 200000
    };
    struct world *w = *state;
    execution_key keys[RUNS];
    close_engine(w);
    w->options.memory_max = MEMORY;
    world_open(w);
    for (size_t i = 0; i < RUNS; i++)
        keys[i] = started(w, slow, "", "{}");
    world_work(w);
    assert_true(engine_stats(w->engine).memory <= MEMORY);
    assert_true(engine_stats(w->engine).runs < RUNS);
    world_settle(w);
    for (size_t i = 0; i < RUNS; i++)
        assert_ended(w, keys[i], EXECUTION_SUCCEEDED);
    assert_int_equal(w->started, RUNS);
}

/* More wakes than the store tells at once, and than are kept: each in its time. */
static void test_wakes_are_read_bit_by_bit(void **state)
{
    enum {
        RUNS = 2600
    };
    struct world *w = *state;
    execution_key *keys = calloc(RUNS, sizeof(*keys));
    for (size_t i = 0; i < RUNS; i++) {
        char definition[128];
        snprintf(definition, sizeof(definition),
                 "{\"StartAt\":\"W\",\"States\":{\"W\":{\"Type\":\"Wait\",\"Seconds\":%zu,"
                 "\"End\":true}}}",
                 100 + i * 7919 % 1000);
        keys[i] = started(w, definition, "", "{}");
    }
    open_small(w, 16);
    world_work(w);
    assert_true(engine_stats(w->engine).wakes < RUNS);
    world_settle(w);
    for (size_t i = 0; i < RUNS; i++) {
        struct execution_row row = world_row(w, w->store, keys[i]);
        int64_t took = row.stopped_at.ms - row.started_at.ms;
        int64_t due = 1000 * (100 + (int64_t)(i * 7919 % 1000));
        assert_int_equal(row.status, EXECUTION_SUCCEEDED);
        assert_true(took >= due && took < due + 2000);
    }
    free(keys);
}

static void put_snapshot(struct world *w, execution_key key, const char *body)
{
    struct execution_row row = world_row(w, w->store, key);
    uint64_t epoch;
    struct err err;
    struct store_write write = {.kind = STORE_PUT_SNAPSHOT};
    write.u.snapshot = (struct snapshot_row){.key = key,
                                             .turn = row.turns,
                                             .body = str_of_cstr(body),
                                             .checksum = checksum64(str_of_cstr(body))};
    assert_true(store_claim(w->store, row.shard, &epoch, &err));
    world_commit(w->store, row.shard, epoch, &write, 1);
}

/* A long run comes back by its snapshot, and by its journal when that is damaged. */
static void test_snapshots(void **state)
{
    static const char *const bad[] = {NULL,
                                      "",
                                      "{\"version\":1}",
                                      "{\"version\":99}",
                                      "[]",
                                      "{\"version\":1,\"turns\":12,\"frames\":[{\"ph\":1}]}"};
    struct world *w = *state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        size_t troubles = w->troubles, answered = w->answered;
        close_engine(w);
        w->options.verify = i % 2;
        world_open(w);
        execution_key key = started(w, bloating, "", "{\"n\":0}");
        while (w->answered < answered + 12)
            assert_true(world_step(w));
        close_engine(w);
        assert_true(world_has_snapshot(w->store, key));
        if (bad[i])
            put_snapshot(w, key, bad[i]);
        world_open(w);
        world_settle(w);
        assert_ended(w, key, EXECUTION_SUCCEEDED);
        assert_output(w, key, "{\"n\":100}");
        assert_int_equal(w->troubles - troubles, bad[i] != NULL);
    }
}

/* ---- a store that misbehaves ---- */

struct faulty_world {
    struct world w;
    struct store *memory;
};

static void faulty_open(struct faulty_world *f, struct faulty_options options)
{
    f->memory = memory_store_new(secret);
    world_init(&f->w, faulty_store_new(f->memory, &options));
    world_open(&f->w);
}

static void faulty_close(struct faulty_world *f)
{
    world_release(&f->w);
    store_close(f->w.store);
}

/* No task is handed out before the turn that asks for it is in the store. */
static void check_handed(void *arg, const struct world_task *task)
{
    struct faulty_world *f = arg;
    assert_true(world_row(&f->w, f->memory, task->key).turns > 0);
}

static void test_refused_start(void **state)
{
    struct faulty_world f;
    struct world_reply reply;
    (void)state;
    faulty_open(&f, (struct faulty_options){.seed = 3, .refused_ppm = 1000000});
    world_start(&f.w, "m", echo, "", "{}", &reply);
    world_settle(&f.w);
    assert_refused(&reply, ERR_DISK_FULL, "");
    assert_int_equal(f.w.started, 0);
    assert_int_equal(f.w.events, 0);
    assert_true(engine_idle(f.w.engine));
    faulty_close(&f);
}

static void test_refused_turns_are_tried_again(void **state)
{
    enum {
        RUNS = 20
    };
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct faulty_world f;
        struct world_reply replies[RUNS];
        size_t accepted = 0;
        faulty_open(&f, (struct faulty_options){.seed = seed, .refused_ppm = 300000});
        f.w.handed = check_handed;
        f.w.handed_arg = &f;
        for (size_t i = 0; i < RUNS; i++)
            world_start(&f.w, "m", busy, "", "{\"items\":[1,2,3]}", &replies[i]);
        world_settle(&f.w);
        for (size_t i = 0; i < RUNS; i++) {
            assert_true(replies[i].answered);
            if (replies[i].code == ERR_DISK_FULL)
                continue;
            accepted++;
            assert_int_equal(world_row(&f.w, f.memory, replies[i].key).status, EXECUTION_SUCCEEDED);
            assert_true(str_eq(world_output(&f.w, f.memory, replies[i].key), STR("[1,2,3]")));
        }
        assert_true(accepted > 0 && accepted < RUNS);
        assert_true(f.w.troubles > 0);
        /* Six tasks and two failed attempts each: none was handed out twice. */
        assert_int_equal(f.w.started, accepted * 8);
        faulty_close(&f);
    }
}

/* A clock that is set back by an hour does not make what was refused wait for an hour. */
static void test_refused_turns_do_not_wait_for_the_clock(void **state)
{
    struct faulty_world f;
    struct world_reply reply;
    uint64_t real_ms = 0;
    (void)state;
    faulty_open(&f, (struct faulty_options){.seed = 3, .refused_ppm = 200000});
    do {
        world_start(&f.w, "m", bloating, "", "{\"n\":80}", &reply);
        world_pass(&f.w, 100);
    } while (reply.code != ERR_NONE);
    while (f.w.troubles == 0)
        assert_true(world_step(&f.w));
    f.w.skew_ms = -HOUR_MS;
    uint32_t turns = world_row(&f.w, f.memory, reply.key).turns;
    for (; world_row(&f.w, f.memory, reply.key).turns == turns; real_ms += 100) {
        assert_true(real_ms < 20000);
        world_pass(&f.w, 100);
    }
    faulty_close(&f);
}

static void check_dead(struct faulty_options options, enum err_code code)
{
    enum {
        RUNS = 10
    };
    struct faulty_world f;
    struct world_reply replies[RUNS], late;
    struct err why;
    faulty_open(&f, options);
    for (size_t i = 0; i < RUNS; i++)
        world_start(&f.w, "m", busy, "", "{\"items\":[1]}", &replies[i]);
    world_settle(&f.w);
    assert_true(engine_dead(f.w.engine, &why));
    assert_string_equal(err_name(why.code), err_name(code));
    for (int i = 0; i < 100; i++) {
        f.w.now_ms++;
        world_step(&f.w);
    }
    for (size_t i = 0; i < RUNS; i++)
        assert_true(replies[i].answered);
    world_start(&f.w, "m", pass, "", "{}", &late);
    assert_refused(&late, code, "");
    faulty_close(&f);
}

/* The next turn is not computed after the commit of the last, but while it is on its
 * way: two hundred results need no two hundred commits in sequence. */
static void test_turns_are_pipelined(void **state)
{
    enum {
        ITEMS = 200,
        COMMIT_MS = 10 /* at most, of the faulty store */
    };
    struct faulty_world f;
    struct world_reply reply;
    struct buf input = BUF_INIT(0);
    (void)state;
    faulty_open(&f, (struct faulty_options){.seed = 7});
    f.w.handed = check_handed;
    f.w.handed_arg = &f;
    for (size_t i = 0; i < ITEMS; i++)
        buf_printf(&input, "%s%zu", i ? "," : "{\"items\":[", i);
    buf_append(&input, STR("]}"));
    world_start(&f.w, "m",
                "{\"StartAt\":\"M\",\"States\":{\"M\":{\"Type\":\"Map\",\"ItemsPath\":\"$.items\","
                "\"End\":true,\"ItemProcessor\":{\"StartAt\":\"T\",\"States\":{\"T\":" TASK(
                    "echo", "\"End\":true") "}}}}}",
                "", buf_cstr(&input), &reply);
    uint64_t began = f.w.now_ms;
    world_settle(&f.w);
    assert_int_equal(world_row(&f.w, f.memory, reply.key).status, EXECUTION_SUCCEEDED);
    assert_int_equal(world_row(&f.w, f.memory, reply.key).turns, ITEMS + 1);
    assert_true(f.w.now_ms - began < 20 * COMMIT_MS);
    buf_release(&input);
    faulty_close(&f);
}

/* What is at work cannot leave memory: while it takes too much, starts wait. */
static void test_starts_wait_for_memory(void **state)
{
    enum {
        RUNS = 40,
        INPUT = 1 << 20,
        MEMORY = 4 << 20,
    };
    struct faulty_world f;
    struct world_reply replies[RUNS];
    struct buf input = BUF_INIT(0);
    size_t runs_most = 0;
    (void)state;
    faulty_open(&f, (struct faulty_options){.seed = 7});
    engine_free(f.w.engine);
    f.w.options.memory_max = MEMORY;
    f.w.options.verify = false;
    world_open(&f.w);
    buf_printf(&input, "\"%*s\"", INPUT, "");
    for (size_t i = 0; i < RUNS; i++)
        world_start(&f.w, "m", echo, "", buf_cstr(&input), &replies[i]);
    while (world_step(&f.w))
        if (engine_stats(f.w.engine).runs > runs_most)
            runs_most = engine_stats(f.w.engine).runs;
    for (size_t i = 0; i < RUNS; i++) {
        assert_int_equal(replies[i].code, ERR_NONE);
        assert_int_equal(world_row(&f.w, f.memory, replies[i].key).status, EXECUTION_SUCCEEDED);
    }
    assert_true(runs_most < RUNS / 2);
    assert_int_equal(engine_stats(f.w.engine).memory, 0);
    buf_release(&input);
    faulty_close(&f);
}

static void test_stop_is_quick(void **state)
{
    struct faulty_world f;
    struct world_reply start, stop = {0};
    (void)state;
    faulty_open(&f, (struct faulty_options){.seed = 7});
    world_start(&f.w, "m", endless, "", "{}", &start);
    world_pass(&f.w, 300);
    assert_int_equal(start.code, ERR_NONE);
    uint64_t began = f.w.now_ms;
    engine_stop(f.w.engine, start.key, STR(""), STR(""), world_replied, &stop);
    for (bool moves = true; !stop.answered; moves = world_step(&f.w))
        assert_true(moves);
    assert_int_equal(stop.status, EXECUTION_ABORTED);
    assert_true(f.w.now_ms - began <= 100);
    faulty_close(&f);
}

static void test_io_error_is_the_end(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++)
        check_dead((struct faulty_options){.seed = seed, .io_ppm = 100000}, ERR_IO);
}

static void test_another_owner_is_the_end(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++)
        check_dead((struct faulty_options){.seed = seed, .taken_ppm = 100000}, ERR_STALE);
}

/* Crash at many moments: whatever was acknowledged goes on and ends right. */
static void test_crashes_lose_nothing_acknowledged(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct world_reply reply;
        struct world w;
        struct faulty_options options = {.seed = seed, .refused_ppm = 50000};
        world_init(&w, faulty_store_new(memory_store_new(secret), &options));
        world_open(&w);
        world_start(&w, "m", busy, "x", "{\"items\":[1,2]}", &reply);
        for (uint64_t i = 0; i < seed * 3 && world_step(&w); i++)
            ;
        world_close(&w);
        w.store = faulty_store_crash(w.store);
        world_open(&w);
        world_settle(&w);
        if (reply.answered && reply.code == ERR_NONE) {
            assert_int_equal(world_row(&w, w.store, reply.key).status, EXECUTION_SUCCEEDED);
            assert_true(str_eq(world_output(&w, w.store, reply.key), STR("[1,2]")));
        }
        world_release(&w);
        store_close(w.store);
    }
}

#define ENGINE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(test_runs_to_its_end),
        ENGINE_TEST(test_ends_in_its_first_turn),
        ENGINE_TEST(test_starts_what_the_catalog_has),
        ENGINE_TEST(test_waits_for_timers),
        ENGINE_TEST(test_retries),
        ENGINE_TEST(test_fails),
        ENGINE_TEST(test_runs_many_at_once),
        ENGINE_TEST(test_long_run_sheds_its_garbage),
        ENGINE_TEST(test_same_name_again),
        ENGINE_TEST(test_bad_starts),
        ENGINE_TEST(test_machines_are_kept_up_to_date),
        ENGINE_TEST(test_too_many_live),
        ENGINE_TEST(test_stop),
        ENGINE_TEST(test_stop_reaches_an_endless_loop),
        ENGINE_TEST(test_recovers_all),
        ENGINE_TEST(test_recovers_more_than_fit),
        ENGINE_TEST(test_resumes_one),
        ENGINE_TEST(test_stop_without_running),
        ENGINE_TEST(test_detach),
        ENGINE_TEST(test_results_nobody_waits_for),
        ENGINE_TEST(test_clock_jumps_forward),
        ENGINE_TEST(test_clock_jumps_back),
        ENGINE_TEST(test_waiting_runs_leave_memory),
        ENGINE_TEST(test_memory_is_bounded),
        ENGINE_TEST(test_wakes_are_read_bit_by_bit),
        ENGINE_TEST(test_snapshots),
        cmocka_unit_test(test_turns_are_pipelined),
        cmocka_unit_test(test_starts_wait_for_memory),
        cmocka_unit_test(test_stop_is_quick),
        cmocka_unit_test(test_refused_start),
        cmocka_unit_test(test_refused_turns_are_tried_again),
        cmocka_unit_test(test_refused_turns_do_not_wait_for_the_clock),
        cmocka_unit_test(test_io_error_is_the_end),
        cmocka_unit_test(test_another_owner_is_the_end),
        cmocka_unit_test(test_crashes_lose_nothing_acknowledged),
    };
    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
