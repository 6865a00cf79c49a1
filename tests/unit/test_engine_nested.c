/* Nested executions under virtual time: parents, children, and crashes between them. */
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

#define MACHINE_ARN(name) "arn:aws:states:us-east-1:000000000000:stateMachine:" name
#define LAMBDA_ARN(name) "arn:aws:lambda:us-east-1:000000000000:function:" name
#define CHAIN(state) "{\"StartAt\":\"T\",\"States\":{\"T\":" state "}}"
#define TASK(function, rest)                                                                       \
    CHAIN("{\"Type\":\"Task\",\"Resource\":\"" LAMBDA_ARN(function) "\"," rest "}")
#define NESTED_STATE(way, machine, more, rest)                                                     \
    "{\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::states:startExecution" way "\","           \
    "\"Parameters\":{\"StateMachineArn\":\"" MACHINE_ARN(machine) "\"" more "}," rest "}"
#define NESTED(way, machine, more) CHAIN(NESTED_STATE(way, machine, more, "\"End\":true"))
#define WITH_INPUT ",\"Input.$\":\"$\""
#define WITH_NAME ",\"Name\":\"kid\""

static const char express[] = "{\"type\":\"EXPRESS\",\"roleArn\":\"arn:aws:iam::1:role/quick\"}";

static const struct {
    const char *name, *definition;
} machines[] = {
    {"quick", CHAIN("{\"Type\":\"Pass\",\"End\":true}")},
    {"echo", TASK("echo", "\"End\":true")},
    {"pass", CHAIN("{\"Type\":\"Pass\",\"End\":true}")},
    {"slow", TASK("slow", "\"End\":true")},
    {"never", TASK("never", "\"End\":true")},
    {"failing", TASK("fail", "\"End\":true")},
    {"wait", CHAIN("{\"Type\":\"Wait\",\"Seconds\":60,\"End\":true}")},
    {"middle", NESTED(".sync:2", "never", "")},
};

static struct store *store_with_machines(void)
{
    struct store *store = memory_store_new(secret);
    struct arena *a = arena_new(0);
    uint64_t epoch = 0;
    struct err err;
    bool good = store_claim(store, 0, &epoch, &err);
    assert_true(good);
    for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
        struct str name = str_of_cstr(machines[i].name), text = str_of_cstr(machines[i].definition);
        struct store_write writes[2] = {{.kind = STORE_PUT_DEFINITION},
                                        {.kind = STORE_PUT_MACHINE}};
        sha256(text, writes[0].u.definition.hash);
        writes[0].u.definition.text = text;
        writes[1].u.machine = (struct machine_row){
            .name = name,
            .body = str_eq(name, STR("quick")) ? STR(express) : STR(""),
            .arn = arn_of_machine(a, STR("us-east-1"), STR("000000000000"), name),
            .created_at = {1},
            .updated_at = {1},
        };
        sha256(text, writes[1].u.machine.definition);
        world_commit(store, 0, epoch, writes, 2);
    }
    arena_free(a);
    return store;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    world_init(w, store_with_machines());
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
static void reopen(struct world *w)
{
    while (store_step(w->store, (struct mono_ns){0}))
        ;
    world_close(w);
    world_open(w);
}

static execution_key started(struct world *w, const char *definition, const char *input)
{
    struct world_reply reply;
    world_start(w, "parent", definition, "", input, &reply);
    for (bool moves = true; !reply.answered; moves = world_work(w))
        assert_true(moves);
    assert_int_equal(reply.code, ERR_NONE);
    return reply.key;
}

static void assert_status(struct world *w, execution_key key, enum execution_status status)
{
    struct execution_row row = world_row(w, w->store, key);
    assert_string_equal(execution_status_name(row.status), execution_status_name(status));
}

/* ---- the executions of a machine ---- */

static struct execution_row children(struct world *w, const char *machine, size_t *ret_count)
{
    struct store_read read = {.kind = STORE_LIST_EXECUTIONS,
                              .status = STORE_ANY_STATUS,
                              .shard = STORE_ANY_SHARD,
                              .arena = w->arena};
    struct execution_row last = {0};
    *ret_count = 0;
    world_read(w->store, &read);
    for (size_t i = 0; i < read.count; i++)
        if (str_eq(read.executions[i].machine_name, str_of_cstr(machine))) {
            last = read.executions[i];
            ++*ret_count;
        }
    return last;
}

/* The only one. */
static struct execution_row child(struct world *w, const char *machine)
{
    size_t count = 0;
    struct execution_row row = children(w, machine, &count);
    assert_int_equal(count, 1);
    return row;
}

/* ---- the history as text ---- */

static void take_event(void *arg, const struct flow_event *event)
{
    buf_printf(arg, "%s%s", ((struct buf *)arg)->len ? " " : "", event_name(event->kind));
}

static void assert_history(struct world *w, execution_key key, const char *due)
{
    struct buf text = BUF_INIT(0);
    world_history(w, w->store, key, take_event, &text);
    struct str have = arena_str(w->arena, buf_str(&text));
    buf_release(&text);
    assert_string_equal(arena_cstr(w->arena, have), due);
}

struct ending {
    struct arena *arena;
    struct str error, cause;
};

static void take_ending(void *arg, const struct flow_event *event)
{
    struct ending *e = arg;
    if (event->kind == EVENT_EXECUTION_FAILED || event->kind == EVENT_EXECUTION_ABORTED) {
        e->error = arena_str(e->arena, event->error);
        e->cause = arena_str(e->arena, event->cause);
    }
}

static void assert_failed(struct world *w, execution_key key, const char *error, const char *part)
{
    struct ending e = {.arena = w->arena};
    world_history(w, w->store, key, take_ending, &e);
    assert_string_equal(arena_cstr(w->arena, e.error), error);
    if (str_find(e.cause, str_of_cstr(part)) == SIZE_MAX)
        fail_msg("\"%s\" is not in: %s", part, arena_cstr(w->arena, e.cause));
}

static void assert_in_output(struct world *w, execution_key key, const char *part)
{
    struct str output = world_output(w, w->store, key);
    if (str_find(output, str_of_cstr(part)) == SIZE_MAX)
        fail_msg("%s is not in: %s", part, arena_cstr(w->arena, output));
}

/* ---- the ways to call ---- */

static const char awaited_history[] =
    "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSubmitted TaskSucceeded "
    "TaskStateExited ExecutionSucceeded";

static void test_request_response(void **state)
{
    struct world *w = *state;
    execution_key parent = started(w, NESTED("", "never", ""), "{}");
    world_settle(w);
    struct execution_row row = child(w, "never");
    assert_status(w, parent, EXECUTION_SUCCEEDED);
    assert_int_equal(row.status, EXECUTION_RUNNING);
    assert_true(row.parent == parent);
    assert_int_equal(row.parent_task, 0);
    assert_in_output(w, parent,
                     "{\"ExecutionArn\":\"arn:aws:states:us-east-1:000000000000:"
                     "execution:never:");
    assert_in_output(w, parent, "\"StartDate\":\"2023-");
    assert_history(w, parent,
                   "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSucceeded "
                   "TaskStateExited ExecutionSucceeded");
}

static void test_sync(void **state)
{
    struct world *w = *state;
    execution_key parent = started(w, NESTED(".sync", "slow", WITH_INPUT WITH_NAME), "{\"a\":1}");
    world_settle(w);
    struct execution_row row = child(w, "slow");
    assert_status(w, parent, EXECUTION_SUCCEEDED);
    assert_int_equal(row.status, EXECUTION_SUCCEEDED);
    assert_true(row.parent == parent);
    assert_int_equal(row.parent_task, 1);
    assert_true(str_eq(row.name, STR("kid")));
    assert_in_output(w, parent, "\"Input\":\"{\\\"a\\\":1}\"");
    assert_in_output(w, parent, "\"Output\":\"{\\\"a\\\":1}\"");
    assert_in_output(w, parent, "\"Status\":\"SUCCEEDED\"");
    assert_history(w, parent, awaited_history);
}

static void test_sync_2(void **state)
{
    struct world *w = *state;
    execution_key parent = started(w, NESTED(".sync:2", "pass", WITH_INPUT), "[1]");
    world_settle(w);
    assert_status(w, parent, EXECUTION_SUCCEEDED);
    assert_in_output(w, parent, "\"Input\":[1]");
    assert_in_output(w, parent, "\"Output\":[1]");
    assert_history(w, parent, awaited_history);
}

/* No input is an empty object; a text is the input's own text. */
static void test_inputs(void **state)
{
    struct world *w = *state;
    execution_key none = started(w, NESTED(".sync:2", "pass", ",\"Input\":null"), "{}");
    execution_key text = started(w, NESTED(".sync:2", "pass", ",\"Input\":\"[2]\""), "{}");
    execution_key bad = started(w, NESTED(".sync:2", "pass", ",\"Input\":\"[2\""), "{}");
    world_settle(w);
    assert_in_output(w, none, "\"Output\":{}");
    assert_in_output(w, text, "\"Output\":[2]");
    assert_failed(w, bad, "StepFunctions.InvalidExecutionInputException",
                  "Error Code: InvalidExecutionInput");
}

static void test_child_fails(void **state)
{
    struct world *w = *state;
    execution_key parent = started(w, NESTED(".sync", "failing", WITH_INPUT), "{}");
    world_settle(w);
    assert_status(w, parent, EXECUTION_FAILED);
    assert_failed(w, parent, "States.TaskFailed",
                  "{\"Cause\":\"it went boom\",\"Error\":\"Boom\",\"ExecutionArn\":");
    assert_failed(w, parent, "States.TaskFailed", "\"Input\":\"{}\"");
    assert_failed(w, parent, "States.TaskFailed", "\"Status\":\"FAILED\"");
    assert_history(w, parent,
                   "ExecutionStarted TaskStateEntered TaskScheduled TaskStarted TaskSubmitted "
                   "TaskFailed ExecutionFailed");
}

static void test_child_is_stopped(void **state)
{
    struct world *w = *state;
    execution_key parent = started(w, NESTED(".sync", "never", ""), "{}");
    world_settle(w);
    engine_stop(w->engine, child(w, "never").key, STR(""), STR(""), NULL, NULL);
    world_settle(w);
    assert_failed(w, parent, "States.TaskFailed", "\"Status\":\"ABORTED\"");
}

static void test_no_such_machine(void **state)
{
    struct world *w = *state;
    execution_key none = started(w, NESTED("", "nobody", ""), "{}");
    execution_key bad =
        started(w,
                CHAIN("{\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::states:startExecution\","
                      "\"Parameters\":{\"StateMachineArn.$\":\"$\"},\"End\":true}"),
                "\"not an arn\"");
    execution_key name = started(w, NESTED("", "pass", ",\"Name\":\"a b\""), "{}");
    world_settle(w);
    assert_failed(w, none, "StepFunctions.StateMachineDoesNotExistException",
                  "State Machine Does Not Exist: '" MACHINE_ARN(
                      "nobody") "' (Service: AWSStepFunctions; Status Code: 400; Error Code: "
                                "StateMachineDoesNotExist; Request ID: ");
    assert_failed(w, bad, "StepFunctions.InvalidArnException",
                  "Invalid Arn: 'Invalid ARN prefix: not an arn'");
    assert_failed(w, name, "StepFunctions.InvalidNameException", "Invalid Name: 'a b'");
}

/* A child has the role of its machine and keeps its revision. An Express one is started,
 * and cannot be waited for. */
static void test_express_child(void **state)
{
    struct world *w = *state;
    execution_key parent = started(w, NESTED("", "quick", WITH_NAME), "{}");
    execution_key awaited = started(w, NESTED(".sync", "quick", WITH_NAME), "{}");
    world_settle(w);
    struct execution_row row = child(w, "quick");
    assert_status(w, parent, EXECUTION_SUCCEEDED);
    assert_in_output(w, parent, ":express:quick:kid:");
    assert_int_equal(row.status, EXECUTION_SUCCEEDED);
    assert_true(row.express);
    assert_true(str_eq(row.role_arn, STR("arn:aws:iam::1:role/quick")));
    assert_true(str_starts_with(row.origin, STR("{\"revision\":\"")));
    assert_failed(w, awaited, "StepFunctions.StateMachineTypeNotSupportedException",
                  "This operation is not supported by this type of state machine (Service");
}

/* ---- the same service through its SDK ---- */

#define SDK(action, parameters)                                                                    \
    CHAIN("{\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::aws-sdk:sfn:" action                 \
          "\",\"Parameters\":{" parameters "},\"End\":true}")

static void test_sdk_starts(void **state)
{
    struct world *w = *state;
    execution_key async = started(
        w,
        SDK("startExecution", "\"StateMachineArn\":\"" MACHINE_ARN("pass") "\",\"Input.$\":\"$\""),
        "{\"a\":1}");
    execution_key sync =
        started(w,
                SDK("startSyncExecution",
                    "\"StateMachineArn\":\"" MACHINE_ARN("quick") "\",\"Input.$\":\"$\""),
                "{\"a\":1}");
    execution_key standard = started(
        w, SDK("startSyncExecution", "\"StateMachineArn\":\"" MACHINE_ARN("pass") "\""), "{}");
    world_settle(w);
    assert_in_output(w, async,
                     "{\"ExecutionArn\":\"arn:aws:states:us-east-1:000000000000:execution:"
                     "pass:");
    assert_int_equal(child(w, "pass").status, EXECUTION_SUCCEEDED);
    assert_in_output(w, sync, "\"Output\":\"{\\\"a\\\":1}\"");
    assert_in_output(w, sync, "\"Status\":\"SUCCEEDED\"");
    assert_in_output(w, sync, ":express:quick:");
    assert_failed(w, standard, "Sfn.StateMachineTypeNotSupportedException",
                  "This operation is not supported by this type of state machine (Service: Sfn, "
                  "Status Code: 400, Request ID: ");
    assert_failed(w, standard, "Sfn.StateMachineTypeNotSupportedException",
                  ") (SDK Attempt Count: 1)");
}

/* One execution waits for its token, another one answers it. */
static void test_sdk_tokens(void **state)
{
    struct world *w = *state;
    static const char waiting[] =
        CHAIN("{\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::lambda:invoke.waitForTaskToken\","
              "\"Parameters\":{\"FunctionName\":\"never\",\"Payload\":{\"t.$\":\"$$.Task.Token\"}},"
              "\"End\":true}");
    static const char answering[] =
        SDK("sendTaskSuccess", "\"TaskToken.$\":\"$.t\",\"Output.$\":\"$.o\"");
    execution_key waits = started(w, waiting, "{}");
    world_settle(w);
    struct str payload = w->tasks[0].payload;
    struct str input = arena_printf(w->arena, "{\"o\":{\"x\":1}," STR_FMT,
                                    STR_ARG(str_slice(payload, 1, payload.len)));
    execution_key answers = started(w, answering, arena_cstr(w->arena, input));
    world_settle(w);
    execution_key again = started(w, answering, arena_cstr(w->arena, input));
    execution_key forged = started(w, answering, "{\"t\":\"no token\",\"o\":1}");
    world_settle(w);
    assert_in_output(w, answers, "{}");
    assert_in_output(w, waits, "{\"x\":1}");
    assert_failed(w, again, "Sfn.TaskTimedOutException", "Task Timed Out: 'Provided task");
    assert_failed(w, forged, "Sfn.InvalidTokenException",
                  "Invalid Token: 'Invalid token' (Service: Sfn, Status Code: 400, Request ID: ");
}

/* ---- names that are taken ---- */

static void test_name_is_taken(void **state)
{
    struct world *w = *state;
    execution_key first = started(w, NESTED(".sync", "pass", WITH_NAME), "{}");
    world_settle(w);
    execution_key second = started(w, NESTED(".sync", "pass", WITH_NAME), "{}");
    world_settle(w);
    assert_status(w, first, EXECUTION_SUCCEEDED);
    assert_failed(w, second, "StepFunctions.ExecutionAlreadyExistsException",
                  "Execution Already Exists: 'arn:aws:states:us-east-1:000000000000:execution:"
                  "pass:kid' (Service");
    (void)child(w, "pass");
}

/* StartExecution is idempotent: two that start the same wait for the same. */
static void test_waits_for_what_another_started(void **state)
{
    struct world *w = *state;
    execution_key first = started(w, NESTED(".sync", "slow", WITH_NAME), "{}");
    execution_key second = started(w, NESTED(".sync", "slow", WITH_NAME), "{}");
    world_pass(w, 1000);
    (void)child(w, "slow");
    reopen(w);
    world_settle(w);
    assert_int_equal(child(w, "slow").status, EXECUTION_SUCCEEDED);
    assert_status(w, first, EXECUTION_SUCCEEDED);
    assert_status(w, second, EXECUTION_SUCCEEDED);
    assert_history(w, second, awaited_history);
}

/* Each attempt has a child of its own. */
static void test_retries(void **state)
{
    struct world *w = *state;
    size_t count = 0;
    execution_key parent =
        started(w,
                CHAIN(NESTED_STATE(".sync", "failing", "",
                                   "\"Retry\":[{\"ErrorEquals\":[\"States.TaskFailed\"],"
                                   "\"MaxAttempts\":2}],\"End\":true")),
                "{}");
    world_settle(w);
    (void)children(w, "failing", &count);
    assert_int_equal(count, 3);
    assert_status(w, parent, EXECUTION_FAILED);
}

/* ---- parents that end first ---- */

static void test_stop_stops_the_tree(void **state)
{
    struct world *w = *state;
    struct world_reply reply = {0};
    execution_key parent = started(w, NESTED(".sync", "middle", ""), "{}");
    world_settle(w);
    assert_int_equal(child(w, "never").status, EXECUTION_RUNNING);
    engine_stop(w->engine, parent, STR("E"), STR("C"), world_replied, &reply);
    world_settle(w);
    assert_status(w, parent, EXECUTION_ABORTED);
    assert_int_equal(child(w, "middle").status, EXECUTION_ABORTED);
    assert_int_equal(child(w, "never").status, EXECUTION_ABORTED);
    assert_int_equal(w->cancelled, 1);
    assert_true(engine_idle(w->engine));
}

static void test_time_out_stops_the_child(void **state)
{
    struct world *w = *state;
    execution_key parent = started(
        w,
        CHAIN(NESTED_STATE(".sync", "never", "",
                           "\"TimeoutSeconds\":5,\"Catch\":[{\"ErrorEquals\":[\"States.Timeout\"],"
                           "\"Next\":\"After\"}],\"End\":true") ",\"After\":{\"Type\":\"Pass\","
                                                                "\"End\":true}"),
        "{}");
    world_settle(w);
    assert_status(w, parent, EXECUTION_SUCCEEDED);
    assert_int_equal(child(w, "never").status, EXECUTION_ABORTED);
}

/* Stopped in the very moment in which the child is being started. */
static void test_stop_meets_the_start(void **state)
{
    struct world *w = *state;
    for (int moves = 0; moves < 12; moves++) {
        execution_key parent = started(w, NESTED(".sync", "never", ""), "{}");
        for (int i = 0; i < moves; i++)
            world_work(w);
        engine_stop(w->engine, parent, STR(""), STR(""), NULL, NULL);
        world_settle(w);
        assert_status(w, parent, EXECUTION_ABORTED);
        size_t count = 0;
        struct execution_row row = children(w, "never", &count);
        assert_true(count == 0 || row.status == EXECUTION_ABORTED);
    }
}

/* ---- memory and crashes ---- */

/* Parents and children that wait leave memory, and come back for each other. */
static void test_leave_memory(void **state)
{
    enum {
        PARENTS = 40
    };
    struct world *w = *state;
    execution_key keys[PARENTS];
    world_close(w);
    w->options.runs_live_max = 6;
    world_open(w);
    for (size_t i = 0; i < PARENTS; i++) {
        keys[i] = started(w, NESTED(".sync:2", "wait", WITH_INPUT), "7");
        world_work(w);
    }
    world_settle(w);
    assert_true(engine_stats(w->engine).runs <= 6);
    for (size_t i = 0; i < PARENTS; i++) {
        assert_status(w, keys[i], EXECUTION_SUCCEEDED);
        assert_in_output(w, keys[i], "\"Output\":7");
    }
}

/* The child ends, and the process before the parent hears of it; at every move. */
static void test_crash_at_every_move(void **state)
{
    (void)state;
    bool ended = false;
    for (uint64_t moves = 0; !ended; moves++) {
        struct world w;
        struct world_reply reply;
        size_t count = 0;
        struct faulty_options options = {.seed = moves + 1};
        world_init(&w, faulty_store_new(store_with_machines(), &options));
        world_open(&w);
        world_start(&w, "parent", NESTED(".sync:2", "echo", WITH_INPUT), "top", "3", &reply);
        for (uint64_t i = 0; i < moves && !ended; i++)
            ended = !world_step(&w);
        world_close(&w);
        w.store = faulty_store_crash(w.store);
        world_open(&w);
        world_settle(&w);
        if (reply.answered) {
            assert_status(&w, reply.key, EXECUTION_SUCCEEDED);
            assert_in_output(&w, reply.key, "\"Output\":3");
            assert_history(&w, reply.key, awaited_history);
            assert_int_equal(children(&w, "echo", &count).status, EXECUTION_SUCCEEDED);
            assert_int_equal(count, 1);
        }
        world_release(&w);
        store_close(w.store);
    }
}

/* The parent's end is durable, the stop of its child is not. */
static void test_crash_between_the_stops(void **state)
{
    (void)state;
    bool ended = false;
    size_t orphans = 0;
    for (uint64_t moves = 0; !ended; moves++) {
        struct world w;
        world_init(&w, store_with_machines());
        world_open(&w);
        execution_key parent = started(&w, NESTED(".sync:2", "wait", ""), "{}");
        world_pass(&w, 1000);
        execution_key kid = child(&w, "wait").key;
        engine_stop(w.engine, parent, STR(""), STR(""), NULL, NULL);
        for (uint64_t i = 0; i < moves && !ended; i++)
            ended = !world_work(&w);
        world_close(&w);
        orphans += world_row(&w, w.store, parent).status == EXECUTION_ABORTED &&
                   world_row(&w, w.store, kid).status == EXECUTION_RUNNING;
        world_open(&w);
        world_pass(&w, 2000);
        assert_int_equal(world_row(&w, w.store, kid).status, world_row(&w, w.store, parent).status);
        world_release(&w);
        store_close(w.store);
    }
    assert_true(orphans > 0);
}

/* Without advance_all a tree is advanced as a whole, and nothing else. */
static void test_resumes_a_tree(void **state)
{
    struct world *w = *state;
    struct world_reply reply = {0};
    execution_key parent = started(w, NESTED(".sync:2", "slow", ""), "{}");
    execution_key other = started(w, NESTED(".sync:2", "slow", ""), "{}");
    world_pass(w, 1000);
    w->options.advance_all = false;
    reopen(w);
    world_settle(w);
    assert_status(w, parent, EXECUTION_RUNNING);
    engine_resume(w->engine, parent, world_replied, &reply);
    world_settle(w);
    assert_status(w, parent, EXECUTION_SUCCEEDED);
    assert_status(w, other, EXECUTION_RUNNING);
}

/* A child that is gone on with alone does not take its parent along, which hears of it later. */
static void test_resumes_a_child(void **state)
{
    struct world *w = *state;
    struct world_reply reply = {0};
    execution_key parent = started(w, NESTED(".sync:2", "slow", WITH_INPUT), "5");
    world_pass(w, 1000);
    execution_key kid = child(w, "slow").key;
    w->options.advance_all = false;
    reopen(w);
    engine_resume(w->engine, kid, world_replied, &reply);
    world_settle(w);
    assert_status(w, kid, EXECUTION_SUCCEEDED);
    assert_status(w, parent, EXECUTION_RUNNING);
    engine_resume(w->engine, parent, world_replied, &reply);
    reply.answered = false;
    world_settle(w);
    assert_status(w, parent, EXECUTION_SUCCEEDED);
    assert_in_output(w, parent, "\"Output\":5");
}

/* Many at once: a Map of nested executions through a small engine. */
static void test_map_of_children(void **state)
{
    struct world *w = *state;
    size_t count = 0;
    world_close(w);
    w->options.runs_live_max = 8;
    world_open(w);
    execution_key parent = started(
        w,
        CHAIN(
            "{\"Type\":\"Map\",\"ItemProcessor\":{\"StartAt\":\"I\",\"States\":{"
            "\"I\":" NESTED_STATE(
                ".sync:2", "echo", WITH_INPUT,
                "\"End\":true") "}},\"ResultSelector\":{\"all.$\":\"$[*].Output\"},\"End\":true}"),
        "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]");
    world_settle(w);
    assert_status(w, parent, EXECUTION_SUCCEEDED);
    assert_in_output(w, parent, "{\"all\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]}");
    (void)children(w, "echo", &count);
    assert_int_equal(count, 20);
}

#define NESTED_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NESTED_TEST(test_request_response),
        NESTED_TEST(test_sync),
        NESTED_TEST(test_sync_2),
        NESTED_TEST(test_inputs),
        NESTED_TEST(test_child_fails),
        NESTED_TEST(test_child_is_stopped),
        NESTED_TEST(test_no_such_machine),
        NESTED_TEST(test_express_child),
        NESTED_TEST(test_sdk_starts),
        NESTED_TEST(test_sdk_tokens),
        NESTED_TEST(test_name_is_taken),
        NESTED_TEST(test_waits_for_what_another_started),
        NESTED_TEST(test_retries),
        NESTED_TEST(test_stop_stops_the_tree),
        NESTED_TEST(test_time_out_stops_the_child),
        NESTED_TEST(test_stop_meets_the_start),
        NESTED_TEST(test_leave_memory),
        cmocka_unit_test(test_crash_at_every_move),
        cmocka_unit_test(test_crash_between_the_stops),
        NESTED_TEST(test_resumes_a_tree),
        NESTED_TEST(test_resumes_a_child),
        NESTED_TEST(test_map_of_children),
    };
    return cmocka_run_group_tests_name("engine_nested", tests, NULL, NULL);
}
