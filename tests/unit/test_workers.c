/* Activities and task tokens on an engine under virtual time: what workers and holders
 * of tokens see, and what stands in the journal. */
#include "store/memory/memory_store.h"
#include "support/engine_world.h"
#include "support/faulty_store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const uint8_t secret[STORE_SECRET_SIZE] = {7};

#define PAINT "arn:aws:states:us-east-1:000000000000:activity:paint"
#define ACTIVITY(rest)                                                                             \
    "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":\"" PAINT "\"" rest      \
    ",\"End\":true}}}"
#define CALLBACK(function, rest)                                                                   \
    "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":"                        \
    "\"arn:aws:states:::lambda:invoke.waitForTaskToken\",\"Parameters\":{\"FunctionName\":"        \
    "\"" function "\",\"Payload\":{\"token.$\":\"$$.Task.Token\"}}" rest ",\"End\":true}}}"

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

/* ---- a worker ---- */

struct worker {
    struct world *world;
    struct engine_poll *waits;
    bool answered, has_task;
    enum err_code code;
    execution_key key;
    uint32_t step, attempt;
    char payload[256], token[128];
};

static void polled(void *arg, const struct engine_reply *reply)
{
    struct worker *k = arg;
    assert_false(k->answered);
    k->answered = true;
    k->waits = NULL;
    k->has_task = reply->task != NULL;
    if (reply->err)
        k->code = reply->err->code;
    if (!reply->task)
        return;
    k->key = reply->execution->key;
    k->step = reply->task->step;
    k->attempt = reply->task->attempt;
    snprintf(k->payload, sizeof(k->payload), STR_FMT,
             STR_ARG(json_text(k->world->arena, reply->task->payload)));
    snprintf(k->token, sizeof(k->token), STR_FMT, STR_ARG(reply->task->token));
}

static void poll_as(struct world *w, struct worker *k, const char *activity, const char *name)
{
    *k = (struct worker){.world = w};
    k->waits = engine_poll_begin(w->engine, str_of_cstr(activity), str_of_cstr(name), polled, k);
}

/* Until nothing moves; the clocks do not jump. */
static void work(struct world *w)
{
    while (world_work(w))
        ;
}

static bool take(struct world *w, struct worker *k)
{
    poll_as(w, k, PAINT, "ann");
    work(w);
    if (!k->answered)
        engine_poll_end(k->waits, false);
    assert_true(k->answered);
    return k->has_task;
}

/* ---- answers ---- */

struct said {
    bool answered, accepted;
    enum err_code code;
};

static void replied(void *arg, const struct engine_reply *reply)
{
    struct said *s = arg;
    assert_false(s->answered);
    s->answered = true;
    s->accepted = reply->accepted;
    s->code = reply->err ? reply->err->code : 0;
}

static struct said answer(struct world *w, const char *token, bool ok, const char *text)
{
    struct flow_task_key key;
    struct said said = {0};
    bool good = flow_token_read(w->arena, str_of_cstr(token), secret, &key);
    assert_true(good);
    struct engine_task_result r = {
        .execution = key.execution, .step = key.step, .attempt = key.attempt, .ok = ok};
    if (ok) {
        good = json_parse(w->arena, str_of_cstr(text), (struct json_limits){0},
                          JSON_DUPLICATES_LAST, &r.output, NULL);
        assert_true(good);
    } else {
        r.has_error = true;
        r.error = str_of_cstr(text);
    }
    engine_token_result(w->engine, &r, replied, &said);
    work(w);
    assert_true(said.answered);
    return said;
}

static struct said beat(struct world *w, const char *token)
{
    struct flow_task_key key;
    struct said said = {0};
    bool good = flow_token_read(w->arena, str_of_cstr(token), secret, &key);
    assert_true(good);
    engine_token_heartbeat(w->engine, key.execution, key.step, key.attempt, replied, &said);
    work(w);
    assert_true(said.answered);
    return said;
}

static execution_key start(struct world *w, const char *definition, const char *input)
{
    struct world_reply reply;
    world_start(w, "m", definition, "", input, &reply);
    work(w);
    if (!reply.answered || reply.code)
        fail_msg("not started: %s", reply.message);
    return reply.key;
}

/* ---- histories ---- */

static void add_event(void *arg, const struct flow_event *event)
{
    struct buf *to = arg;
    if (to->len)
        buf_append_char(to, ' ');
    buf_append(to, str_of_cstr(event_name(event->kind)));
    if (event->kind == EVENT_ACTIVITY_STARTED)
        buf_printf(to, "(" STR_FMT ")", STR_ARG(event->text));
    if (event->has_error)
        buf_printf(to, "(" STR_FMT ")", STR_ARG(event->error));
}

static void assert_history(struct world *w, execution_key key, const char *expected)
{
    struct buf text = BUF_INIT(0);
    world_history(w, w->store, key, add_event, &text);
    assert_string_equal(buf_cstr(&text), expected);
    buf_release(&text);
}

static void assert_output(struct world *w, execution_key key, const char *expected)
{
    assert_string_equal(arena_cstr(w->arena, world_output(w, w->store, key)), expected);
}

/* ---- activities ---- */

static void test_task_is_taken_and_answered(void **state)
{
    struct world *w = *state;
    struct worker k;
    execution_key key = start(w, ACTIVITY(""), "{\"a\":1}");
    assert_history(w, key, "ExecutionStarted TaskStateEntered ActivityScheduled");
    assert_true(take(w, &k));
    assert_int_equal(k.key, key);
    assert_string_equal(k.payload, "{\"a\":1}");
    assert_history(w, key,
                   "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted(ann)");
    assert_true(answer(w, k.token, true, "{\"b\":2}").accepted);
    assert_history(w, key,
                   "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted(ann) "
                   "ActivitySucceeded TaskStateExited ExecutionSucceeded");
    assert_output(w, key, "{\"b\":2}");
    assert_int_equal(w->started, 0); /* nothing went through the port */
    assert_int_equal(engine_polls(w->engine, STR(PAINT)), 0);
}

/* First come, first served, on both sides. */
static void test_order(void **state)
{
    enum {
        COUNT = 5
    };
    struct world *w = *state;
    struct worker k[COUNT];
    char input[16];
    for (int i = 0; i < COUNT; i++)
        poll_as(w, &k[i], PAINT, "w");
    assert_int_equal(engine_polls(w->engine, STR(PAINT)), COUNT);
    for (int i = 0; i < COUNT; i++) {
        snprintf(input, sizeof(input), "%d", i);
        start(w, ACTIVITY(""), input);
        assert_true(k[i].answered && k[i].has_task);
        assert_string_equal(k[i].payload, input);
        assert_true(i + 1 == COUNT || !k[i + 1].answered);
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(input, sizeof(input), "%d", i + COUNT);
        start(w, ACTIVITY(""), input);
    }
    for (int i = 0; i < COUNT; i++) {
        snprintf(input, sizeof(input), "%d", i + COUNT);
        assert_true(take(w, &k[i]));
        assert_string_equal(k[i].payload, input);
    }
    assert_false(take(w, &k[0]));
}

/* Another activity's worker gets nothing. */
static void test_activities_are_apart(void **state)
{
    struct world *w = *state;
    struct worker other, k;
    poll_as(w, &other, "arn:aws:states:us-east-1:000000000000:activity:other", "w");
    start(w, ACTIVITY(""), "1");
    assert_false(other.answered);
    assert_true(take(w, &k));
    engine_poll_end(other.waits, false);
    assert_true(other.answered && !other.has_task && !other.code);
}

static void test_gone_before_the_task(void **state)
{
    struct world *w = *state;
    struct worker gone, k;
    poll_as(w, &gone, PAINT, "gone");
    engine_poll_end(gone.waits, true);
    execution_key key = start(w, ACTIVITY(""), "1");
    assert_true(take(w, &k));
    assert_false(gone.answered);
    assert_history(w, key,
                   "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted(ann)");
}

/* Gone while its task was on its way: the history says so, and another gets it. */
static void test_gone_with_the_task(void **state)
{
    struct world *w = *state;
    struct worker gone, k;
    execution_key key = start(w, ACTIVITY(""), "1");
    poll_as(w, &gone, PAINT, "gone");
    engine_poll_end(gone.waits, true);
    work(w);
    assert_false(gone.answered);
    assert_true(take(w, &k));
    assert_history(w, key,
                   "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted(gone) "
                   "ActivityStarted(ann)");
    assert_true(answer(w, k.token, true, "1").accepted);
}

/* A task that came back is not lost when the store refuses its next start. */
static void test_gone_and_refused(void **state)
{
    (void)state;
    unsigned again = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct world w;
        struct world_reply reply;
        struct worker gone, k;
        world_init(&w,
                   faulty_store_new(memory_store_new(secret),
                                    &(struct faulty_options){.seed = seed, .refused_ppm = 400000}));
        world_open(&w);
        do {
            world_start(&w, "m", ACTIVITY(""), "", "1", &reply);
            world_settle(&w);
        } while (reply.code == ERR_DISK_FULL);
        poll_as(&w, &gone, PAINT, "gone");
        engine_poll_end(gone.waits, true);
        world_settle(&w);
        for (unsigned polls = 0; polls < 30; polls++) {
            poll_as(&w, &k, PAINT, "ann");
            world_settle(&w);
            assert_true(k.answered);
            if (k.has_task)
                break;
            assert_int_equal(k.code, ERR_DISK_FULL);
            again++;
        }
        assert_true(k.has_task);
        assert_int_equal(k.key, reply.key);
        world_release(&w);
        store_close(w.store);
    }
    assert_true(again > 10);
}

/* Its time is over while its task is on its way: it still gets it. */
static void test_late_with_the_task(void **state)
{
    struct world *w = *state;
    struct worker k;
    start(w, ACTIVITY(""), "1");
    poll_as(w, &k, PAINT, "ann");
    engine_poll_end(k.waits, false);
    assert_false(k.answered);
    work(w);
    assert_true(k.answered && k.has_task);
}

static void reopen(struct world *w)
{
    world_close(w);
    world_open(w);
    work(w);
}

static void test_queue_after_a_crash(void **state)
{
    struct world *w = *state;
    struct worker k, other;
    char taken[128];
    execution_key first = start(w, ACTIVITY(""), "1"), second = start(w, ACTIVITY(""), "2");
    assert_true(take(w, &k));
    assert_int_equal(k.key, first);
    snprintf(taken, sizeof(taken), "%s", k.token);
    reopen(w);
    /* The second is queued again, the first is not; its token is as good as ever. */
    assert_true(take(w, &k));
    assert_int_equal(k.key, second);
    assert_false(take(w, &other));
    assert_true(beat(w, taken).accepted);
    assert_true(answer(w, taken, true, "\"done\"").accepted);
    assert_output(w, first, "\"done\"");
    assert_false(answer(w, taken, true, "2").accepted);
}

static void test_time_begins_when_it_is_taken(void **state)
{
    struct world *w = *state;
    struct worker k;
    execution_key key = start(w, ACTIVITY(",\"TimeoutSeconds\":10"), "1");
    world_pass(w, 1000000);
    assert_true(take(w, &k));
    world_pass(w, 9000);
    reopen(w);
    assert_true(beat(w, k.token).accepted);
    world_pass(w, 2000);
    assert_history(w, key,
                   "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted(ann) "
                   "ActivityTimedOut(States.Timeout) ExecutionFailed(States.Timeout)");
    assert_false(answer(w, k.token, true, "1").accepted);
    assert_false(beat(w, k.token).accepted);
}

static void test_heartbeats(void **state)
{
    struct world *w = *state;
    struct worker k;
    execution_key key = start(w, ACTIVITY(",\"HeartbeatSeconds\":10"), "1");
    world_pass(w, 1000000);
    assert_true(take(w, &k));
    for (int i = 0; i < 5; i++) {
        world_pass(w, 9000);
        assert_true(beat(w, k.token).accepted);
    }
    world_pass(w, 9000);
    reopen(w); /* it begins anew */
    world_pass(w, 9000);
    assert_true(beat(w, k.token).accepted);
    world_pass(w, 9999);
    assert_history(w, key,
                   "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted(ann)");
    world_pass(w, 1);
    work(w);
    assert_history(w, key,
                   "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted(ann) "
                   "ActivityTimedOut(States.Timeout) ExecutionFailed(States.Timeout)");
    assert_false(beat(w, k.token).accepted);
}

/* Parked on disk, a run still hears of its heartbeats. */
static void test_heartbeat_of_a_parked_run(void **state)
{
    struct world *w = *state;
    struct worker k;
    world_close(w);
    w->options.runs_live_max = 2;
    world_open(w);
    execution_key key = start(w, ACTIVITY(",\"HeartbeatSeconds\":10"), "1");
    assert_true(take(w, &k));
    for (int i = 0; i < 8; i++)
        start(w, ACTIVITY(""), "2");
    assert_null(engine_execution(w->engine, key));
    world_pass(w, 9000);
    assert_true(beat(w, k.token).accepted);
    assert_null(engine_execution(w->engine, key)); /* it was not loaded for that */
    world_pass(w, 10001);
    work(w);
    assert_history(w, key,
                   "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted(ann) "
                   "ActivityTimedOut(States.Timeout) ExecutionFailed(States.Timeout)");
}

static void test_attempts_have_their_own_tokens(void **state)
{
    struct world *w = *state;
    struct worker k, again;
    execution_key key =
        start(w, ACTIVITY(",\"Retry\":[{\"ErrorEquals\":[\"Bad\"],\"IntervalSeconds\":5}]"), "1");
    assert_true(take(w, &k));
    assert_true(answer(w, k.token, false, "Bad").accepted);
    world_pass(w, 6000);
    assert_true(take(w, &again));
    assert_int_equal(again.key, key);
    assert_int_equal(again.attempt, 2);
    assert_string_not_equal(k.token, again.token);
    assert_false(answer(w, k.token, true, "0").accepted);
    assert_true(answer(w, again.token, true, "3").accepted);
    assert_output(w, key, "3");
}

/* What stands in the queue may be over: the worker gets the next. */
static void test_stopped_ones_are_passed_over(void **state)
{
    struct world *w = *state;
    struct world_reply reply = {0};
    struct worker k;
    execution_key first = start(w, ACTIVITY(""), "1"), second = start(w, ACTIVITY(""), "2");
    engine_stop(w->engine, first, STR(""), STR(""), world_replied, &reply);
    work(w);
    assert_int_equal(reply.status, EXECUTION_ABORTED);
    assert_true(take(w, &k));
    assert_int_equal(k.key, second);
    reply = (struct world_reply){0};
    engine_stop(w->engine, second, STR(""), STR(""), world_replied, &reply);
    work(w);
    assert_false(answer(w, k.token, true, "1").accepted);
    assert_false(beat(w, k.token).accepted);
}

/* Both at once: one counts, and the other hears so after that one is durable. */
static void test_two_answers_at_once(void **state)
{
    struct world *w = *state;
    struct worker k;
    struct said one = {0}, two = {0};
    execution_key key = start(w, ACTIVITY(""), "1");
    assert_true(take(w, &k));
    struct engine_task_result r = {
        .execution = k.key, .step = k.step, .attempt = k.attempt, .ok = true};
    r.output = json_int(1);
    engine_token_result(w->engine, &r, replied, &one);
    r.output = json_int(2);
    engine_token_result(w->engine, &r, replied, &two);
    work(w);
    assert_true(one.answered && one.accepted);
    assert_true(two.answered && !two.accepted && !two.code);
    assert_output(w, key, "1");
}

static void test_unknown_execution(void **state)
{
    struct world *w = *state;
    struct said said = {0};
    struct engine_task_result r = {.execution = 12345, .step = 0, .attempt = 1, .ok = true};
    engine_token_result(w->engine, &r, replied, &said);
    work(w);
    assert_true(said.answered);
    assert_int_equal(said.code, ERR_NOT_FOUND);
}

static void test_functions_are_not_answered_by_token(void **state)
{
    struct world *w = *state;
    struct said said = {0};
    execution_key key =
        start(w,
              "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":"
              "\"arn:aws:lambda:us-east-1:000000000000:function:never\",\"End\":true}}}",
              "1");
    struct engine_task_result r = {.execution = key, .step = 0, .attempt = 1, .ok = true};
    engine_token_result(w->engine, &r, replied, &said);
    work(w);
    assert_true(said.answered && !said.accepted && !said.code);
    assert_history(w, key,
                   "ExecutionStarted TaskStateEntered LambdaFunctionScheduled "
                   "LambdaFunctionStarted");
}

/* ---- more than memory holds ---- */

static void test_queue_on_disk(void **state)
{
    enum {
        COUNT = 150
    };
    struct world *w = *state;
    struct worker k;
    bool seen[COUNT] = {false};
    world_close(w);
    w->options.runs_live_max = 8;
    w->options.activity_tasks_max = 4;
    world_open(w);
    char input[16];
    for (int i = 0; i < COUNT; i++) {
        snprintf(input, sizeof(input), "%d", i);
        start(w, ACTIVITY(""), input);
        if (i == COUNT / 2)
            reopen(w);
    }
    for (int i = 0; i < COUNT; i++) {
        assert_true(take(w, &k));
        int number = atoi(k.payload);
        assert_false(seen[number]);
        seen[number] = true;
        assert_true(answer(w, k.token, true, k.payload).accepted);
    }
    assert_false(take(w, &k));
}

/* ---- .waitForTaskToken ---- */

/* The token that the world's function was called with. */
static const char *given_token(struct world *w)
{
    struct json payload;
    assert_int_equal(w->task_count, 1);
    bool good = json_parse(w->arena, w->tasks[0].payload, (struct json_limits){0},
                           JSON_DUPLICATES_LAST, &payload, NULL);
    assert_true(good);
    return arena_cstr(w->arena, json_str(json_get(payload, STR("token"))));
}

#define CALLED "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted"

static void test_callback(void **state)
{
    struct world *w = *state;
    execution_key key = start(w, CALLBACK("slow", ""), "1");
    const char *token = given_token(w);
    world_pass(w, 6000);
    assert_history(w, key, CALLED " TaskSubmitted");
    world_pass(w, 1000000);
    assert_true(answer(w, token, true, "[7]").accepted);
    assert_history(w, key,
                   CALLED " TaskSubmitted TaskSucceeded TaskStateExited ExecutionSucceeded");
    assert_output(w, key, "[7]");
}

static void test_callback_before_the_call_has_answered(void **state)
{
    struct world *w = *state;
    execution_key key = start(w, CALLBACK("slow", ""), "1");
    const char *token = given_token(w);
    assert_true(answer(w, token, true, "[7]").accepted);
    assert_history(w, key, CALLED " TaskSucceeded TaskStateExited ExecutionSucceeded");
    world_pass(w, 6000); /* what was called goes on, and nobody waits for it */
    assert_history(w, key, CALLED " TaskSucceeded TaskStateExited ExecutionSucceeded");
    assert_int_equal(w->cancelled, 0);
}

static void test_callback_of_a_call_that_fails(void **state)
{
    struct world *w = *state;
    execution_key key = start(w, CALLBACK("fail", ""), "1");
    world_pass(w, 10);
    assert_history(w, key, CALLED " TaskFailed(Boom) ExecutionFailed(Boom)");
}

static void test_callback_times_out(void **state)
{
    struct world *w = *state;
    execution_key key = start(w, CALLBACK("never", ",\"TimeoutSeconds\":10"), "1");
    const char *token = given_token(w);
    world_pass(w, 11000);
    assert_history(w, key, CALLED " TaskTimedOut(States.Timeout) ExecutionFailed(States.Timeout)");
    assert_int_equal(w->cancelled, 1);
    assert_false(answer(w, token, true, "1").accepted);
}

/* Called again when nobody knows how the call went, and not once that is known. */
static void test_callback_after_a_crash(void **state)
{
    struct world *w = *state;
    execution_key key = start(w, CALLBACK("slow", ",\"HeartbeatSeconds\":60"), "1");
    const char *token = given_token(w);
    reopen(w);
    assert_string_equal(given_token(w), token);
    world_pass(w, 6000);
    assert_history(w, key, CALLED " TaskSubmitted");
    size_t started = w->started;
    reopen(w);
    assert_int_equal(w->started, started);
    world_pass(w, 59000);
    assert_true(beat(w, token).accepted);
    world_pass(w, 59000);
    assert_true(answer(w, token, true, "[7]").accepted);
    assert_output(w, key, "[7]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_task_is_taken_and_answered),
        TEST(test_order),
        TEST(test_activities_are_apart),
        TEST(test_gone_before_the_task),
        TEST(test_gone_with_the_task),
        cmocka_unit_test(test_gone_and_refused),
        TEST(test_late_with_the_task),
        TEST(test_queue_after_a_crash),
        TEST(test_time_begins_when_it_is_taken),
        TEST(test_heartbeats),
        TEST(test_heartbeat_of_a_parked_run),
        TEST(test_attempts_have_their_own_tokens),
        TEST(test_stopped_ones_are_passed_over),
        TEST(test_two_answers_at_once),
        TEST(test_unknown_execution),
        TEST(test_functions_are_not_answered_by_token),
        TEST(test_queue_on_disk),
        TEST(test_callback),
        TEST(test_callback_before_the_call_has_answered),
        TEST(test_callback_of_a_call_that_fails),
        TEST(test_callback_times_out),
        TEST(test_callback_after_a_crash),
    };
    return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
