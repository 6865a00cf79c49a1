/* Events as GetExecutionHistory shows them: each shape, as AWS was recorded. */
#include "asl/compile.h"
#include "journal/journal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

static const char definition[] =
    "{\"StartAt\":\"Call\",\"States\":{"
    "\"Call\":{\"Type\":\"Task\",\"Next\":\"Invoke\","
    "\"Resource\":\"arn:aws:lambda:us-east-1:000000000000:function:add\"},"
    "\"Invoke\":{\"Type\":\"Task\",\"Next\":\"Work\","
    "\"Resource\":\"arn:aws:states:::lambda:invoke.waitForTaskToken\"},"
    "\"Work\":{\"Type\":\"Task\",\"Next\":\"Trusted\","
    "\"Resource\":\"arn:aws:states:eu-west-1:000000000000:activity:paint\"},"
    "\"Trusted\":{\"Type\":\"Task\",\"Next\":\"Each\","
    "\"Credentials\":{\"RoleArn\":\"arn:aws:iam::000000000000:role/other\"},"
    "\"Resource\":\"arn:aws:states:::lambda:invoke\"},"
    "\"Each\":{\"Type\":\"Map\",\"Next\":\"Far\",\"ItemProcessor\":{\"StartAt\":\"Near\","
    "\"States\":{\"Near\":{\"Type\":\"Pass\",\"End\":true}}}},"
    "\"Far\":{\"Type\":\"Map\",\"End\":true,\"ItemProcessor\":{"
    "\"ProcessorConfig\":{\"Mode\":\"DISTRIBUTED\",\"ExecutionType\":\"STANDARD\"},"
    "\"StartAt\":\"Fork\",\"States\":{\"Fork\":{\"Type\":\"Parallel\",\"End\":true,\"Branches\":["
    "{\"StartAt\":\"Hidden\",\"States\":{\"Hidden\":{\"Type\":\"Pass\",\"End\":true}}}]}}}}}}";

static const uint8_t secret[32];

static const struct flow_identity identity = {
    .execution_arn = STR_INIT("arn:aws:states:us-east-1:000000000000:execution:m:x"),
    .name = STR_INIT("x"),
    .machine_arn = STR_INIT("arn:aws:states:us-east-1:000000000000:stateMachine:m"),
    .machine_name = STR_INIT("m"),
    .role_arn = STR_INIT("arn:aws:iam::000000000000:role/pawl"),
    .region = STR_INIT("us-east-1"),
    .account = STR_INIT("000000000000"),
    .secret = secret,
};

struct fixture {
    struct arena *arena;
    const struct machine *machine;
    struct run *run;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err syntax;
    struct flow_limits limits = flow_limits_default();
    f->arena = arena_new(0);
    struct diag_list diags = diag_list(f->arena);
    if (!asl_compile(f->arena, STR(definition), &diags, &f->machine, &syntax))
        fail_msg(STR_FMT, STR_ARG(diags.items[0].message));
    f->run = run_new(f->machine, &identity, &limits);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    run_free(f->run);
    arena_free(f->arena);
    free(f);
    return 0;
}

/* An event with everything in it, so that a shape shows just what is its own. */
static struct flow_event full(const struct fixture *f, enum event_kind kind, const char *state)
{
    enum event_shape shape = event_shape(kind);
    struct flow_event e = {
        .kind = kind,
        .state = STATE_NO_NONE,
        .step = 3,
        .attempt = 1,
        .next = STATE_NO_NONE,
        .index = 4,
        .length = 5,
        .timeout = 60,
        .heartbeat = 7,
        .has_error = true,
        .has_cause = true,
        .error = STR("E"),
        .cause = STR("C"),
        .text = shape == SHAPE_LAMBDA_SCHEDULED || shape == SHAPE_TASK_SCHEDULED
                    ? STR("") /* no computed role */
                    : STR("T"),
        .id = 2,
        .previous_id = 1,
    };
    struct json_object_builder b = json_object_builder(f->arena);
    json_object_add(&b, STR("a"), json_number_text(STR("1.0")));
    e.value.value = json_object_done(&b);
    for (uint32_t i = 0; i < f->machine->state_count; i++) {
        if (str_eq(f->machine->states[i].name, str_of_cstr(state)))
            e.state = i;
    }
    return e;
}

static void assert_shown(const struct fixture *f, const struct flow_event *e, bool data,
                         const char *expected)
{
    struct json shown = history_event(f->arena, f->run, e, (struct wall_ms){1700000000123}, data);
    assert_string_equal(arena_cstr(f->arena, json_text(f->arena, shown)), expected);
}

#define SHOWN(type)                                                                                \
    "{\"id\":2,\"previousEventId\":1,\"timestamp\":1700000000.123,\"type\":\"" type "\""

/* ---- each shape ---- */

static const struct {
    enum event_kind kind;
    const char *state, *shown;
} shapes[] = {
    {EVENT_EXECUTION_STARTED, "",
     SHOWN("ExecutionStarted") ",\"executionStartedEventDetails\":{\"input\":\"{\\\"a\\\":1.0}\","
                               "\"inputDetails\":{\"truncated\":false},"
                               "\"roleArn\":\"arn:aws:iam::000000000000:role/pawl\"}}"},
    {EVENT_EXECUTION_SUCCEEDED, "",
     SHOWN("ExecutionSucceeded") ",\"executionSucceededEventDetails\":"
                                 "{\"output\":\"{\\\"a\\\":1.0}\",\"outputDetails\":{\"truncated\":"
                                 "false}}}"},
    {EVENT_EXECUTION_FAILED, "Call",
     SHOWN(
         "ExecutionFailed") ",\"executionFailedEventDetails\":{\"error\":\"E\",\"cause\":\"C\"}}"},
    {EVENT_EXECUTION_FAILED, "Hidden",
     SHOWN(
         "ExecutionFailed") ",\"executionFailedEventDetails\":{\"error\":\"E\",\"cause\":\"C\"}}"},
    {EVENT_TASK_ENTERED, "Call",
     SHOWN("TaskStateEntered") ",\"stateEnteredEventDetails\":{\"name\":\"Call\","
                               "\"input\":\"{\\\"a\\\":1.0}\",\"inputDetails\":{\"truncated\":"
                               "false}}}"},
    {EVENT_TASK_EXITED, "Call",
     SHOWN("TaskStateExited") ",\"stateExitedEventDetails\":{\"name\":\"Call\","
                              "\"output\":\"{\\\"a\\\":1.0}\",\"outputDetails\":{\"truncated\":"
                              "false}}}"},
    {EVENT_LAMBDA_SCHEDULED, "Call",
     SHOWN("LambdaFunctionScheduled") ",\"lambdaFunctionScheduledEventDetails\":{"
                                      "\"resource\":\"arn:aws:lambda:us-east-1:000000000000:"
                                      "function:add\","
                                      "\"input\":\"{\\\"a\\\":1.0}\",\"inputDetails\":{"
                                      "\"truncated\":false},"
                                      "\"timeoutInSeconds\":60,\"heartbeatInSeconds\":7}}"},
    {EVENT_LAMBDA_STARTED, "Call", SHOWN("LambdaFunctionStarted") "}"},
    {EVENT_LAMBDA_FAILED, "Call",
     SHOWN("LambdaFunctionFailed") ",\"lambdaFunctionFailedEventDetails\":"
                                   "{\"error\":\"E\",\"cause\":\"C\"}}"},
    {EVENT_TASK_SCHEDULED, "Invoke",
     SHOWN("TaskScheduled") ",\"taskScheduledEventDetails\":{\"resourceType\":\"lambda\","
                            "\"resource\":\"invoke.waitForTaskToken\",\"region\":\"us-east-1\","
                            "\"parameters\":\"{\\\"a\\\":1.0}\",\"timeoutInSeconds\":60,"
                            "\"heartbeatInSeconds\":7}}"},
    {EVENT_TASK_SCHEDULED, "Trusted",
     SHOWN("TaskScheduled") ",\"taskScheduledEventDetails\":{\"resourceType\":\"lambda\","
                            "\"resource\":\"invoke\",\"region\":\"us-east-1\",\"parameters\":\"{"
                            "\\\"a\\\":1.0}\","
                            "\"timeoutInSeconds\":60,\"heartbeatInSeconds\":7,"
                            "\"taskCredentials\":{\"roleArn\":\"arn:aws:iam::000000000000:role/"
                            "other\"}}}"},
    {EVENT_TASK_STARTED, "Invoke",
     SHOWN("TaskStarted") ",\"taskStartedEventDetails\":{\"resourceType\":\"lambda\","
                          "\"resource\":\"invoke.waitForTaskToken\"}}"},
    {EVENT_TASK_SUBMITTED, "Invoke",
     SHOWN(
         "TaskSubmitted") ",\"taskSubmittedEventDetails\":{\"resourceType\":\"lambda\","
                          "\"resource\":\"invoke.waitForTaskToken\",\"output\":\"{\\\"a\\\":1.0}\","
                          "\"outputDetails\":{\"truncated\":false}}}"},
    {EVENT_TASK_TIMED_OUT, "Invoke",
     SHOWN("TaskTimedOut") ",\"taskTimedOutEventDetails\":{\"resourceType\":\"lambda\","
                           "\"resource\":\"invoke.waitForTaskToken\",\"error\":\"E\",\"cause\":"
                           "\"C\"}}"},
    {EVENT_TASK_ABORTED, "Each", SHOWN("TaskStateAborted") "}"},
    {EVENT_ACTIVITY_SCHEDULED, "Work",
     SHOWN("ActivityScheduled") ",\"activityScheduledEventDetails\":{"
                                "\"resource\":\"arn:aws:states:eu-west-1:000000000000:activity:"
                                "paint\","
                                "\"input\":\"{\\\"a\\\":1.0}\",\"inputDetails\":{\"truncated\":"
                                "false},"
                                "\"timeoutInSeconds\":60,\"heartbeatInSeconds\":7}}"},
    {EVENT_ACTIVITY_STARTED, "Work",
     SHOWN("ActivityStarted") ",\"activityStartedEventDetails\":{\"workerName\":\"T\"}}"},
    {EVENT_PARALLEL_STARTED, "Fork", "null"},
    {EVENT_MAP_STARTED, "Each",
     SHOWN("MapStateStarted") ",\"mapStateStartedEventDetails\":{\"length\":5}}"},
    {EVENT_MAP_ITERATION_STARTED, "Each",
     SHOWN("MapIterationStarted") ",\"mapIterationStartedEventDetails\":"
                                  "{\"name\":\"Each\",\"index\":4}}"},
    {EVENT_PASS_ENTERED, "Near",
     SHOWN("PassStateEntered") ",\"stateEnteredEventDetails\":{\"name\":\"Near\","
                               "\"input\":\"{\\\"a\\\":1.0}\",\"inputDetails\":{\"truncated\":"
                               "false}}}"},
    {EVENT_MAP_RUN_STARTED, "Far",
     SHOWN("MapRunStarted") ",\"mapRunStartedEventDetails\":{\"mapRunArn\":\"T\"}}"},
    {EVENT_MAP_RUN_SUCCEEDED, "Far", SHOWN("MapRunSucceeded") "}"},
    {EVENT_PASS_ENTERED, "Hidden", "null"},
    {EVENT_RETRY_ARMED, "Call", "null"},
};

static void test_each_shape(void **state)
{
    const struct fixture *f = *state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        struct flow_event e = full(f, shapes[i].kind, shapes[i].state);
        assert_shown(f, &e, true, shapes[i].shown);
    }
}

/* ---- what may be missing ---- */

static void test_nothing_optional(void **state)
{
    const struct fixture *f = *state;
    struct flow_event e = full(f, EVENT_TASK_FAILED, "Invoke");
    e.has_error = e.has_cause = false;
    assert_shown(f, &e, true,
                 SHOWN("TaskFailed") ",\"taskFailedEventDetails\":{\"resourceType\":\"lambda\","
                                     "\"resource\":\"invoke.waitForTaskToken\"}}");
    e = full(f, EVENT_EXECUTION_ABORTED, "");
    e.has_error = e.has_cause = false;
    assert_shown(f, &e, true, SHOWN("ExecutionAborted") ",\"executionAbortedEventDetails\":{}}");
    e = full(f, EVENT_ACTIVITY_STARTED, "Work");
    e.text = STR("");
    assert_shown(f, &e, true, SHOWN("ActivityStarted") ",\"activityStartedEventDetails\":{}}");
    e = full(f, EVENT_LAMBDA_SCHEDULED, "Call");
    e.timeout = e.heartbeat = 0;
    e.value.value = json_null();
    assert_shown(f, &e, true,
                 SHOWN("LambdaFunctionScheduled") ",\"lambdaFunctionScheduledEventDetails\":{"
                                                  "\"resource\":\"arn:aws:lambda:us-east-1:"
                                                  "000000000000:function:add\","
                                                  "\"input\":\"null\",\"inputDetails\":{"
                                                  "\"truncated\":false}}}");
}

static void test_empty_error_differs_from_none(void **state)
{
    const struct fixture *f = *state;
    struct flow_event e = full(f, EVENT_EXECUTION_FAILED, "");
    e.error = STR("");
    e.has_cause = false;
    assert_shown(f, &e, true,
                 SHOWN("ExecutionFailed") ",\"executionFailedEventDetails\":{\"error\":\"\"}}");
}

static void test_assigned_variables(void **state)
{
    const struct fixture *f = *state;
    struct flow_event e = full(f, EVENT_PASS_EXITED, "Near");
    struct json_object_builder b = json_object_builder(f->arena);
    json_object_add(&b, STR("n"), json_int(7));
    json_object_add(&b, STR("s"), json_string(STR("text")));
    e.assigned.value = json_object_done(&b);
    assert_shown(
        f, &e, true,
        SHOWN("PassStateExited") ",\"stateExitedEventDetails\":{\"name\":\"Near\","
                                 "\"output\":\"{\\\"a\\\":1.0}\",\"outputDetails\":{\"truncated\":"
                                 "false},"
                                 "\"assignedVariables\":{\"n\":\"7\",\"s\":\"\\\"text\\\"\"},"
                                 "\"assignedVariablesDetails\":{\"truncated\":false}}}");
}

static void test_without_data(void **state)
{
    const struct fixture *f = *state;
    struct flow_event e = full(f, EVENT_PASS_EXITED, "Near");
    e.assigned.value = e.value.value;
    assert_shown(f, &e, false,
                 SHOWN("PassStateExited") ",\"stateExitedEventDetails\":{\"name\":\"Near\"}}");
    e = full(f, EVENT_TASK_SCHEDULED, "Invoke");
    assert_shown(
        f, &e, false,
        SHOWN(
            "TaskScheduled") ",\"taskScheduledEventDetails\":{"
                             "\"resourceType\":\"lambda\",\"resource\":\"invoke.waitForTaskToken\","
                             "\"region\":\"us-east-1\",\"timeoutInSeconds\":60,"
                             "\"heartbeatInSeconds\":7}}");
    e = full(f, EVENT_EXECUTION_SUCCEEDED, "");
    assert_shown(f, &e, false,
                 SHOWN("ExecutionSucceeded") ",\"executionSucceededEventDetails\":{}}");
}

static void test_events_without_an_id(void **state)
{
    const struct fixture *f = *state;
    struct flow_event e = full(f, EVENT_PASS_ENTERED, "Near");
    e.id = 0;
    assert_shown(f, &e, true, "null");
}

/* ---- every kind has a shape that can be shown ---- */

static void test_every_kind(void **state)
{
    const struct fixture *f = *state;
    static const enum event_kind kinds[] = {
#define KIND(number, constant, name, details, shape) EVENT_##constant,
        EVENT_TABLE(KIND)
#undef KIND
    };
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct flow_event e = full(f, kinds[i], "Invoke");
        struct json shown = history_event(f->arena, f->run, &e, (struct wall_ms){0}, true);
        bool ours = event_shape(kinds[i]) == SHAPE_OURS;
        assert_int_equal(json_is_absent(shown), ours);
        if (!ours)
            assert_string_equal(arena_cstr(f->arena, json_str(json_get(shown, STR("type")))),
                                event_name(kinds[i]));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_each_shape),
        TEST(test_nothing_optional),
        TEST(test_empty_error_differs_from_none),
        TEST(test_assigned_variables),
        TEST(test_without_data),
        TEST(test_events_without_an_id),
        TEST(test_every_kind),
    };
    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
