/* Workers over real sockets: GetActivityTask and SendTask*, as AWS answers them. */
#include "support/api_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <signal.h>
#include <unistd.h>

#define PAINT "arn:aws:states:us-east-1:000000000000:activity:paint"
#define ACTIVITY                                                                                   \
    "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Task\",\"Resource\":\"" PAINT                \
    "\",\"End\":true}}}"
#define POLL "{\"activityArn\":\"" PAINT "\",\"workerName\":\"ann\"}"

static const char *with_token(struct house *h, const char *token, const char *rest)
{
    return arena_cstr(h->arena, arena_printf(h->arena, "{\"taskToken\":\"%s\"%s}", token, rest));
}

static const char *status_of(struct house *h, const char *arn)
{
    return house_member(h, house_aws(h, "DescribeExecution", house_with_arn(h, arn, "")).body,
                        "status");
}

static const char *taken(struct house *h)
{
    struct answer a = house_aws(h, "GetActivityTask", POLL);
    assert_int_equal(a.status, 200);
    return house_member(h, a.body, "taskToken");
}

/* ---- */

static void test_activity(void **state)
{
    struct house *h = *state;
    const char *arn = house_started(h, ACTIVITY, ",\"input\":{\"a\": 1}");
    struct answer a = house_aws(h, "GetActivityTask", POLL);
    assert_int_equal(a.status, 200);
    assert_string_equal(house_member(h, a.body, "input"), "{\"a\":1}");
    const char *token = house_member(h, a.body, "taskToken");
    a = house_aws(h, "SendTaskHeartbeat", with_token(h, token, ""));
    assert_int_equal(a.status, 200);
    assert_true(str_eq(a.body, STR("{}")));
    a = house_aws(h, "SendTaskSuccess", with_token(h, token, ",\"output\":\"[1, 2]\""));
    assert_int_equal(a.status, 200);
    assert_true(str_eq(a.body, STR("{}")));
    a = house_aws(h, "DescribeExecution", house_with_arn(h, arn, ""));
    assert_string_equal(house_member(h, a.body, "status"), "SUCCEEDED");
    assert_string_equal(house_member(h, a.body, "output"), "[1,2]");
    /* Once and no more. */
    a = house_aws(h, "SendTaskSuccess", with_token(h, token, ",\"output\":\"3\""));
    assert_exception(h, a, "TaskTimedOut",
                     "Task Timed Out: 'Provided task does not exist anymore'");
    a = house_aws(h, "SendTaskFailure", with_token(h, token, ""));
    assert_exception(h, a, "TaskTimedOut", "Task Timed Out:");
    a = house_aws(h, "SendTaskHeartbeat", with_token(h, token, ""));
    assert_exception(h, a, "TaskTimedOut", "Task Timed Out:");
}

static void test_failure(void **state)
{
    struct house *h = *state;
    const char *arn = house_started(h, ACTIVITY, "");
    struct answer a = house_aws(h, "SendTaskFailure",
                                with_token(h, taken(h), ",\"error\":\"Bad\",\"cause\":\"luck\""));
    assert_int_equal(a.status, 200);
    a = house_aws(h, "DescribeExecution", house_with_arn(h, arn, ""));
    assert_string_equal(house_member(h, a.body, "error"), "Bad");
    assert_string_equal(house_member(h, a.body, "cause"), "luck");
}

/* A poll that comes before the task, and one that nothing comes for. */
static void test_waiting(void **state)
{
    struct house *h = *state;
    int first = house_begin_aws(h, "GetActivityTask", POLL);
    while (engine_polls(h->world.engine, STR(PAINT)) < 1)
        house_turn(h);
    int second = house_begin_aws(h, "GetActivityTask", POLL);
    const char *arn = house_started(h, ACTIVITY, ",\"input\":7");
    struct answer a = house_parse(house_hear(h, first, NULL));
    close(first);
    assert_string_equal(house_member(h, a.body, "input"), "7");
    assert_string_equal(status_of(h, arn), "RUNNING");
    a = house_parse(house_hear(h, second, NULL));
    close(second);
    assert_int_equal(a.status, 200);
    assert_true(str_eq(a.body, STR("{\"taskToken\":null,\"input\":null}")));
    assert_int_equal(engine_polls(h->world.engine, STR(PAINT)), 0);
}

/* The connection is known to be gone: the task is not given to it. */
static void test_gone(void **state)
{
    struct house *h = *state;
    int first = house_begin_aws(h, "GetActivityTask", POLL);
    while (engine_polls(h->world.engine, STR(PAINT)) < 1)
        house_turn(h);
    close(first);
    while (engine_polls(h->world.engine, STR(PAINT)) > 0)
        house_turn(h);
    house_started(h, ACTIVITY, "");
    assert_string_not_equal(taken(h), "null");
}

static void test_refusals(void **state)
{
    struct house *h = *state;
    struct answer a = house_aws(h, "GetActivityTask", "{}");
    assert_exception(h, a, "ValidationException", "'activityArn'");
    a = house_aws(h, "GetActivityTask", "{\"activityArn\":\"paint\"}");
    assert_exception(h, a, "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: paint'");
    a = house_aws(h, "GetActivityTask",
                  "{\"activityArn\":\"arn:aws:states:us-east-1:000000000000:activity:none\"}");
    assert_exception(h, a, "ActivityDoesNotExist", "Activity Does Not Exist: 'arn:aws:states:");
    a = house_aws(h, "SendTaskSuccess", "{\"output\":\"1\"}");
    assert_exception(h, a, "ValidationException", "'taskToken'");
    a = house_aws(h, "SendTaskSuccess", with_token(h, "AAAA", ",\"output\":\"1\""));
    assert_exception(h, a, "InvalidToken", "Invalid Token: 'Invalid token'");
    house_started(h, ACTIVITY, "");
    const char *token = taken(h);
    a = house_aws(h, "SendTaskSuccess", with_token(h, token, ",\"output\":\"[1\""));
    assert_exception(h, a, "InvalidOutput", "Invalid Output: '");
    a = house_aws(h, "SendTaskSuccess", with_token(h, token, ""));
    assert_exception(h, a, "ValidationException", "'output'");
    /* Forged: any other bit. */
    char *forged = arena_cstr(h->arena, str_of_cstr(token));
    for (size_t i = 0; i < 42; i++) {
        char was = forged[i];
        forged[i] = was == 'A' ? 'B' : 'A';
        a = house_aws(h, "SendTaskHeartbeat", with_token(h, forged, ""));
        assert_exception(h, a, "InvalidToken", "Invalid Token: 'Invalid token'");
        forged[i] = was;
    }
    assert_int_equal(house_aws(h, "SendTaskHeartbeat", with_token(h, token, "")).status, 200);
}

static int setup(void **state)
{
    int failed = house_setup(state);
    assert_int_equal(house_aws(*state, "CreateActivity", "{\"name\":\"paint\"}").status, 200);
    return failed;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_activity), TEST(test_failure),  TEST(test_waiting),
        TEST(test_gone),     TEST(test_refusals),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("api workers", tests, NULL, NULL);
}
