/* Express machines and nested executions over real sockets, as AWS answers them. */
#include "support/api_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <signal.h>
#include <unistd.h>

#define MACHINE_ARN "arn:aws:states:us-east-1:000000000000:stateMachine:"
#define EXPRESS_ARN "arn:aws:states:us-east-1:000000000000:express:"

/* Definitions as they stand in a request: quotes escaped. */
#define PASS                                                                                       \
    "{\\\"StartAt\\\":\\\"P\\\",\\\"States\\\":{\\\"P\\\":{\\\"Type\\\":\\\"Pass\\\",\\\"End\\\":" \
    "true}}}"
#define FAIL                                                                                       \
    "{\\\"StartAt\\\":\\\"F\\\",\\\"States\\\":{\\\"F\\\":{\\\"Type\\\":\\\"Fail\\\","             \
    "\\\"Error\\\":\\\"E\\\",\\\"Cause\\\":"                                                       \
    "\\\"C\\\"}}}"
#define SLOW                                                                                       \
    "{\\\"StartAt\\\":\\\"T\\\",\\\"States\\\":{\\\"T\\\":{\\\"Type\\\":\\\"Task\\\","             \
    "\\\"Resource\\\":\\\"arn:aws:lambda:"                                                         \
    "us-east-1:000000000000:function:slow\\\",\\\"End\\\":true}}}"
#define WAIT                                                                                       \
    "{\\\"StartAt\\\":\\\"W\\\",\\\"States\\\":{\\\"W\\\":{\\\"Type\\\":\\\"Wait\\\","             \
    "\\\"Seconds\\\":600,\\\"End\\\":true}}}"
#define NESTED(way, rest)                                                                          \
    "{\\\"StartAt\\\":\\\"N\\\",\\\"States\\\":{\\\"N\\\":{\\\"Type\\\":\\\"Task\\\","             \
    "\\\"Resource\\\":\\\"arn:aws:"                                                                \
    "states:::states:startExecution" way                                                           \
    "\\\",\\\"Parameters\\\":{\\\"StateMachineArn.$\\\":\\\"$.arn\\\","                            \
    "\\\"Input.$\\\":\\\"$.input\\\"" rest "},\\\"End\\\":true}}}"

static struct answer create(struct house *h, const char *name, const char *type,
                            const char *definition)
{
    return house_aws(
        h, "CreateStateMachine",
        arena_cstr(h->arena, arena_printf(h->arena,
                                          "{\"name\":\"%s\",\"type\":\"%s\",\"definition\":\"%s\","
                                          "\"roleArn\":\"arn:aws:iam::000000000000:role/r\"}",
                                          name, type, definition)));
}

static void must_create(struct house *h, const char *name, const char *type, const char *definition)
{
    struct answer a = create(h, name, type, definition);
    if (a.status != 200)
        fail_msg(STR_FMT, STR_ARG(a.body));
}

static struct answer start(struct house *h, const char *operation, const char *machine,
                           const char *rest)
{
    return house_aws(h, operation,
                     arena_cstr(h->arena, arena_printf(h->arena, "{\"stateMachineArn\":\"%s\"%s}",
                                                       machine, rest)));
}

static const char *described(struct house *h, const char *arn, const char *name)
{
    return house_member(h, house_aws(h, "DescribeExecution", house_with_arn(h, arn, "")).body,
                        name);
}

/* ---- StartSyncExecution ---- */

static void test_sync(void **state)
{
    struct house *h = *state;
    must_create(h, "quick", "EXPRESS", PASS);
    struct answer a = start(h, "StartSyncExecution", MACHINE_ARN "quick",
                            ",\"name\":\"one\",\"input\":\"{\\\"a\\\": 1}\"");
    assert_int_equal(a.status, 200);
    const char *arn = house_member(h, a.body, "executionArn");
    assert_memory_equal(arn, EXPRESS_ARN "quick:one:", strlen(EXPRESS_ARN "quick:one:"));
    assert_string_equal(house_member(h, a.body, "stateMachineArn"), MACHINE_ARN "quick");
    assert_string_equal(house_member(h, a.body, "name"), "one");
    assert_string_equal(house_member(h, a.body, "status"), "SUCCEEDED");
    assert_string_equal(house_member(h, a.body, "input"), "{\"a\":1}");
    assert_string_equal(house_member(h, a.body, "output"), "{\"a\":1}");
    assert_string_equal(house_member(h, a.body, "inputDetails"), "{\"included\":true}");
    assert_string_equal(house_member(h, a.body, "outputDetails"), "{\"included\":true}");
    assert_string_equal(house_member(h, a.body, "billingDetails"),
                        "{\"billedDurationInMilliseconds\":100,\"billedMemoryUsedInMB\":64}");
    assert_true(json_is_absent(json_get(house_json(h, a.body), STR("error"))));
}

static void test_sync_fails(void **state)
{
    struct house *h = *state;
    must_create(h, "failing", "EXPRESS", FAIL);
    struct answer a = start(h, "StartSyncExecution", MACHINE_ARN "failing", "");
    assert_int_equal(a.status, 200);
    assert_string_equal(house_member(h, a.body, "status"), "FAILED");
    assert_string_equal(house_member(h, a.body, "error"), "E");
    assert_string_equal(house_member(h, a.body, "cause"), "C");
    assert_true(json_is_absent(json_get(house_json(h, a.body), STR("output"))));
}

static void test_sync_waits(void **state)
{
    struct house *h = *state;
    must_create(h, "slow", "EXPRESS", SLOW);
    must_create(h, "endless", "EXPRESS", WAIT);
    struct answer a = start(h, "StartSyncExecution", MACHINE_ARN "slow",
                            ",\"input\":\"7\",\"includedData\":\"METADATA_ONLY\"");
    assert_string_equal(house_member(h, a.body, "status"), "SUCCEEDED");
    assert_string_equal(house_member(h, a.body, "outputDetails"), "{\"included\":false}");
    assert_true(json_is_absent(json_get(house_json(h, a.body), STR("output"))));
    assert_string_equal(house_member(h, a.body, "billingDetails"),
                        "{\"billedDurationInMilliseconds\":5000,\"billedMemoryUsedInMB\":64}");
    a = start(h, "StartSyncExecution", MACHINE_ARN "endless", "");
    assert_string_equal(house_member(h, a.body, "status"), "TIMED_OUT");
}

static void test_sync_refuses(void **state)
{
    struct house *h = *state;
    must_create(h, "quick", "EXPRESS", PASS);
    must_create(h, "standard", "STANDARD", PASS);
    assert_exception(h, start(h, "StartSyncExecution", MACHINE_ARN "standard", ""),
                     "StateMachineTypeNotSupported",
                     "This operation is not supported by this type of state machine");
    assert_exception(h, start(h, "StartSyncExecution", MACHINE_ARN "none", ""),
                     "StateMachineDoesNotExist",
                     "State Machine Does Not Exist: '" MACHINE_ARN "none'");
    assert_exception(h, start(h, "StartSyncExecution", "none", ""), "InvalidArn", "none");
    assert_exception(h, start(h, "StartSyncExecution", MACHINE_ARN "quick", ",\"input\":\"{\""),
                     "InvalidExecutionInput", "Invalid State Machine Execution Input");
    assert_exception(h, start(h, "StartSyncExecution", MACHINE_ARN "quick", ",\"name\":\"a b\""),
                     "InvalidName", "Invalid Name: 'a b'");
    assert_exception(h, house_aws(h, "StartSyncExecution", "{}"), "ValidationException",
                     "stateMachineArn");
}

/* The client goes; the execution goes on, and nobody is told. */
static void test_sync_client_goes(void **state)
{
    struct house *h = *state;
    must_create(h, "slow", "EXPRESS", SLOW);
    h->still = true;
    int fd =
        house_begin_aws(h, "StartSyncExecution", "{\"stateMachineArn\":\"" MACHINE_ARN "slow\"}");
    while (engine_stats(h->world.engine).express == 0)
        house_turn(h);
    close(fd);
    h->still = false;
    while (engine_stats(h->world.engine).express)
        house_turn(h);
}

/* ---- what Express executions do not have ---- */

static void test_async(void **state)
{
    struct house *h = *state;
    must_create(h, "quick", "EXPRESS", PASS);
    struct answer a = start(h, "StartExecution", MACHINE_ARN "quick", ",\"name\":\"one\"");
    assert_int_equal(a.status, 200);
    const char *arn = house_member(h, a.body, "executionArn");
    assert_memory_equal(arn, EXPRESS_ARN "quick:one:", strlen(EXPRESS_ARN "quick:one:"));
    assert_int_equal(start(h, "StartExecution", MACHINE_ARN "quick", ",\"name\":\"one\"").status,
                     200);
    static const char *const refused[] = {"DescribeExecution", "StopExecution",
                                          "GetExecutionHistory",
                                          "DescribeStateMachineForExecution"};
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_exception(h, house_aws(h, refused[i], house_with_arn(h, arn, "")), "InvalidArn",
                         "Invalid Arn: 'Resource type not valid in this context: express'");
}

/* What Pawl's own face shows: the state, and no more. */
static void test_async_state(void **state)
{
    struct house *h = *state;
    must_create(h, "slow", "EXPRESS", SLOW);
    struct answer a = start(h, "StartExecution", MACHINE_ARN "slow", ",\"name\":\"one\"");
    const char *arn = house_member(h, a.body, "executionArn");
    const char *id = arn + strlen(EXPRESS_ARN "slow:one:");
    const char *path = arena_cstr(h->arena, arena_printf(h->arena, "/api/v1/executions/%s", id));
    while (engine_stats(h->world.engine).express)
        house_turn(h);
    a = house_ask(h, "GET", path, "", "");
    assert_int_equal(a.status, 200);
    assert_string_equal(house_member(h, a.body, "status"), "completed");
    assert_string_equal(house_member(h, a.body, "name"), "one");
    path = arena_cstr(h->arena, arena_printf(h->arena, "%s/follow", path));
    assert_problem(h, house_ask(h, "GET", path, "", ""), 400, "USAGE");
}

static void test_machines_that_cannot_be(void **state)
{
    struct house *h = *state;
    assert_exception(h, create(h, "m", "EXPRESS", NESTED(".sync", "")), "InvalidDefinition",
                     "Express state machine does not support '.sync' service integration");
    assert_exception(h, create(h, "m", "EXPRESS", NESTED(".waitForTaskToken", "")),
                     "InvalidDefinition",
                     "Express state machine does not support '.waitForTaskToken' service");
}

/* ---- nested executions ---- */

static void test_nested(void **state)
{
    struct house *h = *state;
    must_create(h, "kid", "STANDARD", PASS);
    must_create(h, "top", "STANDARD", NESTED(".sync:2", ",\\\"Name\\\":\\\"k\\\""));
    struct answer a =
        start(h, "StartExecution", MACHINE_ARN "top",
              ",\"input\":\"{\\\"arn\\\":\\\"" MACHINE_ARN "kid\\\",\\\"input\\\":[1]}\"");
    const char *top = house_member(h, a.body, "executionArn");
    while (strcmp(described(h, top, "status"), "RUNNING") == 0)
        house_turn(h);
    const char *output = described(h, top, "output");
    assert_non_null(strstr(output, "\"Input\":[1]"));
    assert_non_null(strstr(output, "\"Output\":[1]"));
    assert_string_equal(
        described(h, "arn:aws:states:us-east-1:000000000000:execution:kid:k", "status"),
        "SUCCEEDED");
}

/* The token goes to the child with its input, and whoever has it answers for the child. */
static void test_nested_token(void **state)
{
    struct house *h = *state;
    must_create(h, "kid", "STANDARD", WAIT);
    must_create(h, "top", "STANDARD",
                NESTED(".waitForTaskToken",
                       ",\\\"Name\\\":\\\"k\\\",\\\"Token.$\\\":\\\"$$.Task.Token\\\""));
    h->still = true;
    struct answer a =
        start(h, "StartExecution", MACHINE_ARN "top",
              ",\"input\":\"{\\\"arn\\\":\\\"" MACHINE_ARN "kid\\\",\\\"input\\\":{}}\"");
    const char *top = house_member(h, a.body, "executionArn");
    const char *kid = "arn:aws:states:us-east-1:000000000000:execution:kid:k";
    while (house_aws(h, "DescribeExecution", house_with_arn(h, kid, "")).status != 200)
        house_turn(h);
    struct answer history = house_aws(h, "GetExecutionHistory", house_with_arn(h, top, ""));
    size_t at = str_find(history.body, STR("Token\\\":\\\""));
    assert_true(at != SIZE_MAX);
    struct str token = str_slice(history.body, at + 10, history.body.len);
    token = str_slice(token, 0, str_find_char(token, '\\'));
    assert_string_equal(described(h, top, "status"), "RUNNING");
    a = house_aws(
        h, "SendTaskSuccess",
        arena_cstr(h->arena,
                   arena_printf(h->arena, "{\"taskToken\":\"" STR_FMT "\",\"output\":\"42\"}",
                                STR_ARG(token))));
    assert_int_equal(a.status, 200);
    assert_string_equal(described(h, top, "status"), "SUCCEEDED");
    assert_string_equal(described(h, top, "output"), "42");
    assert_string_equal(described(h, kid, "status"), "RUNNING");
    history = house_aws(h, "GetExecutionHistory", house_with_arn(h, top, ""));
    assert_true(str_find(history.body, STR("TaskSubmitted")) != SIZE_MAX);
}

/* A version, and what an alias leads to, may be started too. */
static void test_nested_alias(void **state)
{
    struct house *h = *state;
    must_create(h, "kid", "STANDARD", PASS);
    must_create(h, "top", "STANDARD", NESTED(".sync:2", ",\\\"Name\\\":\\\"k\\\""));
    assert_int_equal(
        house_aws(h, "PublishStateMachineVersion", "{\"stateMachineArn\":\"" MACHINE_ARN "kid\"}")
            .status,
        200);
    assert_int_equal(house_aws(h, "CreateStateMachineAlias",
                               "{\"name\":\"live\",\"routingConfiguration\":[{"
                               "\"stateMachineVersionArn\":\"" MACHINE_ARN
                               "kid:1\",\"weight\":100}]}")
                         .status,
                     200);
    struct answer a =
        start(h, "StartExecution", MACHINE_ARN "top",
              ",\"input\":\"{\\\"arn\\\":\\\"" MACHINE_ARN "kid:live\\\",\\\"input\\\":[1]}\"");
    const char *top = house_member(h, a.body, "executionArn");
    while (strcmp(described(h, top, "status"), "RUNNING") == 0)
        house_turn(h);
    assert_string_equal(described(h, top, "status"), "SUCCEEDED");
    const char *kid = "arn:aws:states:us-east-1:000000000000:execution:kid:k";
    assert_string_equal(described(h, kid, "stateMachineAliasArn"), MACHINE_ARN "kid:live");
    assert_string_equal(described(h, kid, "stateMachineVersionArn"), MACHINE_ARN "kid:1");
}

/* How a child of "top" ends; kid: with its qualifier, if any. */
static const char *nested_end(struct house *h, const char *kid, const char *name)
{
    struct answer a = start(
        h, "StartExecution", MACHINE_ARN "top",
        arena_cstr(h->arena, arena_printf(h->arena,
                                          ",\"input\":\"{\\\"arn\\\":\\\"" MACHINE_ARN "%s\\\","
                                          "\\\"input\\\":{\\\"name\\\":\\\"%s\\\"}}\"",
                                          kid, name)));
    const char *top = house_member(h, a.body, "executionArn");
    while (strcmp(described(h, top, "status"), "RUNNING") == 0)
        house_turn(h);
    return strcmp(described(h, top, "status"), "SUCCEEDED") == 0 ? "SUCCEEDED"
                                                                 : described(h, top, "error");
}

/* A parent starts what its child's machine is now, also when it has started it before. */
static void test_nested_sees_changes(void **state)
{
    struct house *h = *state;
    must_create(h, "kid", "STANDARD", PASS);
    must_create(h, "top", "STANDARD", NESTED(".sync:2", ""));
    assert_int_equal(
        house_aws(h, "PublishStateMachineVersion", "{\"stateMachineArn\":\"" MACHINE_ARN "kid\"}")
            .status,
        200);
    assert_string_equal(nested_end(h, "kid", "a"), "SUCCEEDED");
    assert_string_equal(nested_end(h, "kid:1", "b"), "SUCCEEDED");
    assert_int_equal(house_aws(h, "UpdateStateMachine",
                               "{\"stateMachineArn\":\"" MACHINE_ARN "kid\",\"definition\":\"" FAIL
                               "\"}")
                         .status,
                     200);
    assert_string_equal(nested_end(h, "kid", "c"), "States.TaskFailed");
    assert_string_equal(nested_end(h, "kid:1", "d"), "SUCCEEDED");
    assert_int_equal(house_aws(h, "DeleteStateMachineVersion",
                               "{\"stateMachineVersionArn\":\"" MACHINE_ARN "kid:1\"}")
                         .status,
                     200);
    assert_string_equal(nested_end(h, "kid:1", "e"),
                        "StepFunctions.StateMachineDoesNotExistException");
}

/* A start by definition changes the machine too. */
static void test_nested_sees_runs(void **state)
{
    struct house *h = *state;
    must_create(h, "m", "STANDARD", PASS);
    must_create(h, "top", "STANDARD", NESTED(".sync:2", ""));
    assert_string_equal(nested_end(h, "m", "a"), "SUCCEEDED");
    house_started(h, "{\"StartAt\":\"F\",\"States\":{\"F\":{\"Type\":\"Fail\"}}}", "");
    assert_string_equal(nested_end(h, "m", "b"), "States.TaskFailed");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sync),
        TEST(test_sync_fails),
        TEST(test_sync_waits),
        TEST(test_sync_refuses),
        TEST(test_sync_client_goes),
        TEST(test_async),
        TEST(test_nested),
        TEST(test_nested_token),
        TEST(test_nested_alias),
        TEST(test_nested_sees_changes),
        TEST(test_nested_sees_runs),
        TEST(test_async_state),
        TEST(test_machines_that_cannot_be),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("api express", tests, NULL, NULL);
}
