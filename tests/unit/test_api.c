/* The API over real sockets, on an engine under virtual time. */
#include "api/api.h"
#include "support/api_house.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define FUNCTION "arn:aws:lambda:us-east-1:000000000000:function:"
#define PASS "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\",\"End\":true}}}"
#define TASK(function)                                                                             \
    "{\"StartAt\":\"T\",\"States\":{\"T\":{\"Type\":\"Task\",\"Resource\":\"" FUNCTION function    \
    "\",\"End\":true}}}"
#define FLAKY                                                                                      \
    "{\"StartAt\":\"T\",\"States\":{\"T\":{\"Type\":\"Task\",\"Resource\":\"" FUNCTION "flaky\","  \
    "\"Retry\":[{\"ErrorEquals\":[\"States.ALL\"]}],\"Next\":\"W\"},"                              \
    "\"W\":{\"Type\":\"Wait\",\"Seconds\":5,\"End\":true}}}"
#define EACH                                                                                       \
    "{\"StartAt\":\"M\",\"States\":{\"M\":{\"Type\":\"Map\",\"MaxConcurrency\":2,\"End\":true,"    \
    "\"ItemProcessor\":{\"StartAt\":\"T\",\"States\":{\"T\":{\"Type\":\"Task\",\"Resource\":"      \
    "\"" FUNCTION "slow\",\"End\":true}}}}}}"
/* A hundred rounds, each with a minute of rest and much to tell. */
#define BIG                                                                                        \
    "{\"StartAt\":\"W\",\"States\":{\"W\":{\"Type\":\"Wait\",\"Seconds\":60,\"Next\":\"T\"},"      \
    "\"T\":{\"Type\":\"Task\",\"Resource\":\"" FUNCTION "big\","                                   \
    "\"ResultPath\":\"$.last\",\"Next\":\"A\"},\"A\":{\"Type\":\"Pass\",\"Parameters\":{"          \
    "\"n.$\":\"States.MathAdd($.n, 1)\"},\"Next\":\"C\"},\"C\":{\"Type\":\"Choice\",\"Choices\":[" \
    "{\"Variable\":\"$.n\",\"NumericGreaterThanEquals\":100,\"Next\":\"E\"}],\"Default\":\"W\"},"  \
    "\"E\":{\"Type\":\"Succeed\"}}}"

/* ---- run ---- */

static void test_run(void **state)
{
    struct house *h = *state;
    struct answer a = house_run(h, PASS, ",\"input\":{\"n\":1.0},\"name\":\"one\"");
    assert_int_equal(a.status, 200);
    assert_string_equal(house_member(h, a.body, "execution_arn"),
                        "arn:aws:states:us-east-1:000000000000:execution:m:one");
    assert_string_equal(house_member(h, a.body, "name"), "one");
    assert_string_equal(house_member(h, a.body, "machine_name"), "m");
    assert_string_equal(house_member(h, a.body, "status"), "completed");
    assert_string_equal(house_member(h, a.body, "already"), "false");
    assert_int_equal(strlen(house_member(h, a.body, "id")), UUID_TEXT_LEN);
    /* The text of a definition, and the number as it was written. */
    a = house_run(h, "\"StartAt: P\\nStates:\\n  P:\\n    Type: Pass\\n    End: true\\n\"",
                  ",\"input\":[1.50]");
    assert_int_equal(a.status, 200);
    a = house_aws(h, "DescribeExecution",
                  house_with_arn(h, house_member(h, a.body, "execution_arn"), ""));
    assert_string_equal(house_member(h, a.body, "output"), "[1.50]");
}

static void test_run_refuses(void **state)
{
    struct house *h = *state;
    assert_problem(h, house_ask(h, "POST", "/api/v1/run", "", "{"), 400, "INVALID_JSON");
    assert_problem(h, house_ask(h, "POST", "/api/v1/run", "", "[]"), 400, "USAGE");
    assert_problem(h, house_ask(h, "POST", "/api/v1/run", "", ""), 400, "USAGE");
    assert_problem(h, house_ask(h, "POST", "/api/v1/run", "", "{\"definition\":{}}"), 400, "USAGE");
    assert_problem(h, house_run(h, "7", ""), 400, "USAGE");
    assert_problem(h, house_run(h, PASS, ",\"name\":7"), 400, "USAGE");
    assert_problem(h, house_run(h, PASS, ",\"Name\":\"a\""), 400, "USAGE");
    assert_problem(h, house_run(h, PASS, ",\"name\":\"a b\""), 400, "INVALID_INPUT");
    struct answer a = house_run(h, "\"{\\n \\\"StartAt\\\": 1}\"", "");
    assert_problem(h, a, 400, "INVALID_DEFINITION");
    assert_string_equal(house_member(h, a.body, "line"), "1");
    char *deep = calloc(1, 2001);
    memset(deep, '[', 2000);
    assert_problem(h, house_ask(h, "POST", "/api/v1/run", "", deep), 400, "TOO_DEEP");
    free(deep);
}

static void test_run_again(void **state)
{
    struct house *h = *state;
    h->still = true;
    const char *first = house_started(h, TASK("never"), ",\"name\":\"n\",\"input\":1");
    struct answer a = house_run(h, TASK("never"), ",\"name\":\"n\",\"input\":1");
    assert_int_equal(a.status, 200);
    assert_string_equal(house_member(h, a.body, "already"), "true");
    assert_string_equal(house_member(h, a.body, "execution_arn"), first);
    assert_problem(h, house_run(h, TASK("never"), ",\"name\":\"n\",\"input\":2"), 409, "CONFLICT");
}

/* ---- resources ---- */

static void test_paths(void **state)
{
    struct house *h = *state;
    assert_problem(h, house_ask(h, "GET", "/", "", ""), 404, "NO_SUCH_PATH");
    assert_problem(h, house_ask(h, "GET", "/api/v1/executions", "", ""), 404, "NO_SUCH_PATH");
    assert_problem(h, house_ask(h, "GET", "/api/v1/executions//follow", "", ""), 404,
                   "NO_SUCH_PATH");
    assert_problem(h, house_ask(h, "GET", "/api/v1/executions/%zz/follow", "", ""), 404,
                   "NO_SUCH_PATH");
    struct answer a = house_ask(h, "DELETE", "/api/v1/run", "", "");
    assert_problem(h, a, 405, "METHOD_NOT_ALLOWED");
    assert_true(str_find(a.head, STR("\r\nAllow: POST\r\n")) != SIZE_MAX);
    assert_problem(h, house_ask(h, "GET", "/api/v1/executions/x/follow?from=-1", "", ""), 400,
                   "USAGE");
    assert_problem(h, house_ask(h, "GET", "/api/v1/executions/x/follow?data=1", "", ""), 400,
                   "USAGE");
}

/* Any page may send such a request to an address of this machine, without asking first. */
static void test_pages_of_others(void **state)
{
    struct house *h = *state;
    const char *body = "{\"machine_name\":\"m\",\"definition\":" PASS "}";
    const char *const foreign[] = {"Origin: http://elsewhere.example\r\n", "Origin: null\r\n",
                                   "Origin: http://x:80\r\n", "Origin: http://\r\n"};
    for (size_t i = 0; i < COUNT_OF(foreign); i++)
        assert_problem(h, house_ask(h, "POST", "/api/v1/run", foreign[i], body), 403,
                       "FOREIGN_PAGE");
    assert_problem(h,
                   house_ask(h, "POST", "/",
                             "Origin: https://elsewhere.example\r\n"
                             "X-Amz-Target: AWSStepFunctions.ListStateMachines\r\n",
                             "{}"),
                   403, "FOREIGN_PAGE");
    struct answer a = house_aws(h, "ListStateMachines", "{}");
    assert_string_equal(house_member(h, a.body, "stateMachines"), "[]");
    a = house_ask(h, "POST", "/api/v1/run", "Origin: http://x\r\n", body); /* its own */
    assert_int_equal(a.status, 200);
}

static struct answer stop(struct house *h, const char *id)
{
    char path[512];
    snprintf(path, sizeof(path), "/api/v1/executions/%s/stop", id);
    return house_ask(h, "POST", path, "", "{\"error\":\"Enough\"}");
}

static void test_finding(void **state)
{
    struct house *h = *state;
    h->still = true;
    struct answer a = house_run(h, TASK("never"), ",\"name\":\"by-name\"");
    assert_string_equal(house_member(h, stop(h, "by-name").body, "status"), "canceled");
    /* Stopped already: it says so. */
    assert_string_equal(house_member(h, stop(h, house_member(h, a.body, "id")).body, "status"),
                        "canceled");
    a = house_run(h, TASK("never"), "");
    assert_string_equal(house_member(h, stop(h, house_member(h, a.body, "id")).body, "status"),
                        "canceled");
    a = house_run(h, TASK("never"), "");
    assert_string_equal(
        house_member(h, stop(h, house_member(h, a.body, "execution_arn")).body, "status"),
        "canceled");
    assert_problem(h, stop(h, "nobody"), 404, "NOT_FOUND");
    assert_problem(h, stop(h, "00000000-0000-7000-8000-000000000000"), 404, "NOT_FOUND");
    assert_problem(h, stop(h, "arn:aws:states:eu-west-1:000000000000:execution:m:by-name"), 404,
                   "NOT_FOUND");
    /* The same name on another machine. */
    a = house_ask(h, "POST", "/api/v1/run", "",
                  "{\"machine_name\":\"other\",\"name\":\"by-name\",\"definition\":" PASS "}");
    assert_int_equal(a.status, 200);
    assert_problem(h, stop(h, "by-name"), 409, "AMBIGUOUS");
}

/* ---- the Step Functions API ---- */

#define MACHINE "arn:aws:states:us-east-1:000000000000:stateMachine:"

static void test_aws_start(void **state)
{
    struct house *h = *state;
    house_started(h, TASK("slow"), ",\"name\":\"first\"");
    h->still = true;
    struct answer a = house_aws(h, "StartExecution",
                                "{\"stateMachineArn\":\"" MACHINE
                                "m\",\"name\":\"x\",\"input\":\"{\\\"a\\\": 1}\"}");
    assert_int_equal(a.status, 200);
    assert_true(str_find(a.head, STR("application/x-amz-json-1.0")) != SIZE_MAX);
    const char *arn = house_member(h, a.body, "executionArn");
    assert_string_equal(arn, "arn:aws:states:us-east-1:000000000000:execution:m:x");
    const char *date = house_member(h, a.body, "startDate");
    assert_true(strtod(date, NULL) > 1e9);
    /* The same again is the same. */
    a = house_aws(h, "StartExecution",
                  "{\"stateMachineArn\":\"" MACHINE
                  "m\",\"name\":\"x\",\"input\":\"{\\\"a\\\":1}\"}");
    assert_string_equal(house_member(h, a.body, "startDate"), date);
    assert_exception(h,
                     house_aws(h, "StartExecution",
                               "{\"stateMachineArn\":\"" MACHINE
                               "m\",\"name\":\"x\",\"input\":\"2\"}"),
                     "ExecutionAlreadyExists",
                     "Execution Already Exists: "
                     "'arn:aws:states:us-east-1:000000000000:execution:m:x'");
    h->still = false;
    a = house_aws(h, "DescribeExecution", house_with_arn(h, arn, ""));
    assert_string_equal(house_member(h, a.body, "input"), "{\"a\":1}");
}

static void test_aws_start_refuses(void **state)
{
    struct house *h = *state;
    house_started(h, PASS, "");
    assert_exception(h, house_aws(h, "StartExecution", "{\"stateMachineArn\":\"" MACHINE "no\"}"),
                     "StateMachineDoesNotExist", "State Machine Does Not Exist: '" MACHINE "no'");
    assert_exception(
        h,
        house_aws(h, "StartExecution",
                  "{\"stateMachineArn\":\"arn:aws:states:us-east-1:111111111111:stateMachine:m\"}"),
        "StateMachineDoesNotExist", "111111111111");
    assert_exception(h, house_aws(h, "StartExecution", "{\"stateMachineArn\":\"m\"}"), "InvalidArn",
                     "Invalid Arn: 'Invalid ARN prefix: m'");
    assert_exception(
        h,
        house_aws(h, "StartExecution", "{\"stateMachineArn\":\"" MACHINE "m\",\"name\":\"a b\"}"),
        "InvalidName", "Invalid Name: 'a b'");
    assert_exception(
        h, house_aws(h, "StartExecution", "{\"stateMachineArn\":\"" MACHINE "m\",\"input\":\"{\"}"),
        "InvalidExecutionInput", "Invalid State Machine Execution Input: '");
    assert_exception(h, house_aws(h, "StartExecution", "{}"), "ValidationException",
                     "Member must not be null");
    assert_exception(h, house_aws(h, "StartExecution", "{\"stateMachineArn\":5}"),
                     "SerializationException", "stateMachineArn");
    assert_exception(h, house_aws(h, "StartExecution", "{\"stateMachineArn\""),
                     "SerializationException", "");
}

static void test_aws_protocol(void **state)
{
    struct house *h = *state;
    assert_exception(h, house_aws(h, "MakeCoffee", "{}"), "UnknownOperationException",
                     "MakeCoffee");
    assert_exception(h, house_ask(h, "POST", "/", "", "{}"), "UnknownOperationException",
                     "X-Amz-Target");
    assert_exception(h,
                     house_ask(h, "POST", "/", "X-Amz-Target: DynamoDB.StartExecution\r\n", "{}"),
                     "UnknownOperationException", "DynamoDB");
    assert_exception(h, house_aws(h, "DescribeExecution", "{\"executionArn\":\"x\"}"), "InvalidArn",
                     "x");
    assert_exception(
        h,
        house_aws(h, "DescribeExecution",
                  "{\"executionArn\":\"arn:aws:states:us-east-1:000000000000:execution:m:none\"}"),
        "ExecutionDoesNotExist",
        "Execution Does Not Exist: 'arn:aws:states:us-east-1:000000000000:execution:m:none'");
}

static void test_aws_describe(void **state)
{
    struct house *h = *state;
    h->still = true;
    const char *arn = house_started(h, TASK("slow"), ",\"input\":{\"a\":[1,2]}");
    struct answer a = house_aws(h, "DescribeExecution", house_with_arn(h, arn, ""));
    assert_string_equal(house_member(h, a.body, "status"), "RUNNING");
    assert_string_equal(house_member(h, a.body, "input"), "{\"a\":[1,2]}");
    assert_string_equal(house_member(h, a.body, "inputDetails"), "{\"included\":true}");
    assert_string_equal(house_member(h, a.body, "stopDate"), "null");
    assert_string_equal(house_member(h, a.body, "stateMachineArn"), MACHINE "m");
    h->still = false;
    house_aws(h, "DescribeExecution", house_with_arn(h, arn, ""));
    a = house_aws(h, "DescribeExecution", house_with_arn(h, arn, ""));
    assert_string_equal(house_member(h, a.body, "status"), "SUCCEEDED");
    assert_string_equal(house_member(h, a.body, "output"), "{\"a\":[1,2]}");
    a = house_aws(h, "DescribeExecution",
                  house_with_arn(h, arn, ",\"includedData\":\"METADATA_ONLY\""));
    assert_string_equal(house_member(h, a.body, "output"), "null");
    assert_string_equal(house_member(h, a.body, "outputDetails"), "{\"included\":false}");
    arn = house_started(h, TASK("fail"), "");
    a = house_aws(h, "DescribeExecution", house_with_arn(h, arn, ""));
    assert_string_equal(house_member(h, a.body, "status"), "FAILED");
    assert_string_equal(house_member(h, a.body, "error"), "Boom");
    assert_string_equal(house_member(h, a.body, "cause"), "it went boom");
}

static void test_aws_stop(void **state)
{
    struct house *h = *state;
    h->still = true;
    const char *arn = house_started(h, TASK("never"), "");
    struct answer a =
        house_aws(h, "StopExecution",
                  house_with_arn(h, arn, ",\"error\":\"Enough\",\"cause\":\"is enough\""));
    assert_int_equal(a.status, 200);
    const char *date = house_member(h, a.body, "stopDate");
    assert_true(strtod(date, NULL) > 1e9);
    a = house_aws(h, "DescribeExecution", house_with_arn(h, arn, ""));
    assert_string_equal(house_member(h, a.body, "status"), "ABORTED");
    assert_string_equal(house_member(h, a.body, "error"), "Enough");
    assert_string_equal(house_member(h, a.body, "cause"), "is enough");
    a = house_aws(h, "StopExecution", house_with_arn(h, arn, ""));
    assert_string_equal(house_member(h, a.body, "stopDate"), date);
}

/* The ids of a page, joined; *ret_token is "null" after the last page. */
static const char *page(struct house *h, const char *arn, const char *rest, const char *token,
                        const char **ret_token)
{
    struct str more = strcmp(token, "null") == 0
                          ? STR("")
                          : arena_printf(h->arena, ",\"nextToken\":\"%s\"", token);
    struct str arguments = arena_printf(h->arena, "%s" STR_FMT, rest, STR_ARG(more));
    struct answer a = house_aws(h, "GetExecutionHistory",
                                house_with_arn(h, arn, arena_cstr(h->arena, arguments)));
    if (a.status != 200)
        fail_msg(STR_FMT, STR_ARG(a.body));
    struct buf ids = BUF_INIT(0);
    struct json events = json_get(house_json(h, a.body), STR("events"));
    for (size_t i = 0; i < json_count(events); i++) {
        json_write(&ids, json_get(json_at(events, i), STR("id")));
        buf_append_char(&ids, ' ');
    }
    *ret_token = house_member(h, a.body, "nextToken");
    const char *text = arena_cstr(h->arena, buf_str(&ids));
    buf_release(&ids);
    return text;
}

static const char *all_pages(struct house *h, const char *arn, const char *rest)
{
    const char *token = "null";
    struct buf ids = BUF_INIT(0);
    do
        buf_append(&ids, str_of_cstr(page(h, arn, rest, token, &token)));
    while (strcmp(token, "null") != 0);
    const char *text = arena_cstr(h->arena, buf_str(&ids));
    buf_release(&ids);
    return text;
}

static void test_aws_history(void **state)
{
    struct house *h = *state;
    const char *token;
    const char *arn = house_started(h, FLAKY, ",\"input\":7");
    const char *all = page(h, arn, "", "null", &token);
    assert_string_equal(all, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 ");
    assert_string_equal(token, "null");
    const char *reversed = page(h, arn, ",\"reverseOrder\":true", "null", &token);
    assert_string_equal(reversed, "15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 ");
    for (int size = 1; size < 17; size++) {
        char rest[64];
        snprintf(rest, sizeof(rest), ",\"maxResults\":%d", size);
        assert_string_equal(all_pages(h, arn, rest), all);
        snprintf(rest, sizeof(rest), ",\"maxResults\":%d,\"reverseOrder\":true", size);
        assert_string_equal(all_pages(h, arn, rest), reversed);
    }
    struct answer a =
        house_aws(h, "GetExecutionHistory",
                  house_with_arn(h, arn, ",\"maxResults\":2,\"includeExecutionData\":false"));
    assert_true(str_find(a.body, STR("ExecutionStarted")) != SIZE_MAX);
    assert_true(str_find(a.body, STR("\"input\"")) == SIZE_MAX);
    a = house_aws(h, "GetExecutionHistory", house_with_arn(h, arn, ",\"maxResults\":2"));
    assert_true(str_find(a.body, STR("\"input\":\"7\"")) != SIZE_MAX);
}

static void test_aws_history_refuses(void **state)
{
    struct house *h = *state;
    const char *token;
    const char *arn = house_started(h, FLAKY, ""), *other = house_started(h, PASS, "");
    char rest[512];
    page(h, arn, ",\"maxResults\":2", "null", &token);
    snprintf(rest, sizeof(rest), ",\"nextToken\":\"%s\"", token);
    assert_exception(h, house_aws(h, "GetExecutionHistory", house_with_arn(h, other, rest)),
                     "InvalidToken", "Invalid Token");
    snprintf(rest, sizeof(rest), ",\"reverseOrder\":true,\"nextToken\":\"%s\"", token);
    assert_exception(h, house_aws(h, "GetExecutionHistory", house_with_arn(h, arn, rest)),
                     "InvalidToken", "Invalid Token");
    assert_exception(
        h, house_aws(h, "GetExecutionHistory", house_with_arn(h, arn, ",\"nextToken\":\"??\"")),
        "InvalidToken", "Invalid Token");
    assert_exception(
        h, house_aws(h, "GetExecutionHistory", house_with_arn(h, arn, ",\"maxResults\":1001")),
        "ValidationException", "less than or equal to 1000");
    assert_exception(
        h, house_aws(h, "GetExecutionHistory", house_with_arn(h, arn, ",\"maxResults\":\"1\"")),
        "SerializationException", "maxResults");
}

/* ---- following ---- */

static int follow(struct house *h, const char *arn, const char *query)
{
    char path[512];
    snprintf(path, sizeof(path), "/api/v1/executions/%s/follow%s", arn, query);
    return house_begin(h, "GET", path, "", "");
}

struct lines {
    struct json items[512];
    size_t count;
};

static struct lines lines_of(struct house *h, struct str body)
{
    struct lines l = {.count = 0};
    while (body.len) {
        size_t end = str_find_char(body, '\n');
        struct str line = str_slice(body, 0, end);
        assert_true(end != SIZE_MAX && l.count < COUNT_OF(l.items));
        if (line.len)
            l.items[l.count++] = house_json(h, line);
        body = str_slice(body, end + 1, body.len);
    }
    return l;
}

/* Numbers follow one another from `next`, the last line is the end. */
static void check_lines(struct house *h, struct str body, int64_t next, const char *status)
{
    struct lines l = lines_of(h, body);
    int64_t number = 0, last;
    assert_true(l.count >= 2);
    assert_true(json_is_object(json_get(l.items[0], STR("execution"))));
    for (size_t i = 1; i + 1 < l.count; i++) {
        struct json events = json_get(l.items[i], STR("events"));
        for (size_t k = 0; k < json_count(events); k++) {
            assert_true(json_to_int64(json_get(json_at(events, k), STR("number")), &number));
            assert_int_equal(number, next++);
        }
        assert_true(json_to_int64(json_get(l.items[i], STR("last")), &last));
        assert_int_equal(last, next - 1);
    }
    struct json end = json_get(l.items[l.count - 1], STR("end"));
    assert_true(str_eq(json_str(json_get(end, STR("status"))), str_of_cstr(status)));
}

static void test_follow(void **state)
{
    struct house *h = *state;
    h->still = true;
    const char *arn = house_started(h, FLAKY, ",\"input\":{\"a\":1}");
    int fd = follow(h, arn, "");
    struct str head = house_hear(h, fd, "\"turn\":0,");
    assert_true(str_find(head, STR("Content-Type: application/x-ndjson\r\n")) != SIZE_MAX);
    assert_int_equal(api_followers(h->api), 1);
    h->still = false;
    struct str rest = house_hear(h, fd, NULL);
    close(fd);
    assert_int_equal(api_followers(h->api), 0);
    struct str whole = arena_printf(h->arena, STR_FMT STR_FMT, STR_ARG(head), STR_ARG(rest));
    struct str body = house_parse(whole).body;
    check_lines(h, body, 1, "completed");
    assert_true(str_find(body, STR("\"type\":\"PawlRetryArmed\"")) != SIZE_MAX);
    assert_true(str_find(body, STR("\"error\":\"Boom\"")) != SIZE_MAX);
    assert_true(str_find(body, STR("\"output\":{\"a\":1}}}\n")) != SIZE_MAX);
    /* Afterwards it is told alike. */
    fd = follow(h, arn, "");
    struct str again = house_parse(house_hear(h, fd, NULL)).body;
    close(fd);
    size_t first = str_find_char(body, '\n'), first_again = str_find_char(again, '\n');
    assert_true(str_eq(str_slice(body, first, body.len), str_slice(again, first_again, again.len)));
}

static void test_follow_on(void **state)
{
    struct house *h = *state;
    const char *arn = house_started(h, EACH, ",\"input\":[1,2,3,4,5]");
    int fd = follow(h, arn, "");
    struct str body = house_parse(house_hear(h, fd, NULL)).body;
    close(fd);
    check_lines(h, body, 1, "completed");
    struct lines l = lines_of(h, body);
    for (size_t i = 1; i + 1 < l.count; i++) {
        int64_t last;
        char query[64];
        assert_true(json_to_int64(json_get(l.items[i], STR("last")), &last));
        snprintf(query, sizeof(query), "?from=%lld", (long long)last);
        fd = follow(h, arn, query);
        struct str rest = house_parse(house_hear(h, fd, NULL)).body;
        close(fd);
        check_lines(h, rest, last + 1, "completed");
        assert_int_equal(lines_of(h, rest).count, l.count - i);
    }
}

static void test_follow_data(void **state)
{
    struct house *h = *state;
    const char *arn = house_started(h, PASS, ",\"input\":{\"secret\":1}");
    int fd = follow(h, arn, "?data=false&from=0");
    struct str body = house_parse(house_hear(h, fd, NULL)).body;
    close(fd);
    /* Only in the output. */
    assert_true(str_find(body, STR("secret")) > str_find(body, STR("\"end\"")));
    fd = follow(h, arn, "?data=true");
    body = house_parse(house_hear(h, fd, NULL)).body;
    close(fd);
    assert_true(str_find(body, STR("\"input\":{\"secret\":1}")) < str_find(body, STR("\"end\"")));
}

static void test_followers_share(void **state)
{
    enum {
        COUNT = 5
    };
    struct house *h = *state;
    int fds[COUNT];
    h->still = true;
    const char *arn = house_started(h, EACH, ",\"input\":[1,2,3]");
    for (int i = 0; i < COUNT; i++) {
        fds[i] = follow(h, arn, i % 2 ? "?data=true" : "");
        house_hear(h, fds[i], "\"turn\":0,");
    }
    /* One goes in the middle. */
    close(fds[0]);
    while (api_followers(h->api) == COUNT)
        house_turn(h);
    h->still = false;
    struct str first = house_hear(h, fds[2], NULL);
    assert_true(str_find(first, STR("\"status\":\"completed\",\"stopped_at\"")) != SIZE_MAX);
    for (int i = 1; i < COUNT; i++) {
        if (i == 2)
            continue;
        struct str other = house_hear(h, fds[i], NULL);
        assert_true(i % 2 || str_eq(first, other));
    }
    for (int i = 1; i < COUNT; i++)
        close(fds[i]);
    assert_int_equal(api_followers(h->api), 0);
}

/* Turns that were told in whole lines. */
static uint32_t turns_told(const struct buf *heard, size_t *at)
{
    static const char mark[] = "\n{\"turn\":";
    uint32_t count = 0;
    size_t end;
    while ((end = str_find_char(str_slice(buf_str(heard), *at + 1, heard->len), '\n')) !=
           SIZE_MAX) {
        count += str_starts_with(str_slice(buf_str(heard), *at, heard->len), STR(mark));
        *at += end + 1;
    }
    return count;
}

/* Everything until the end. Time passes only when all was heard that there is, so that
 * this follower is never the slow one, however busy the machine is. */
static struct str hear_in_step(struct house *h, int fd, const char *name)
{
    struct buf heard = BUF_INIT(0);
    uint32_t told = 0;
    size_t at = 0;
    while (house_receive(fd, &heard)) {
        told += turns_told(&heard, &at);
        if (told >= world_named(&h->world, h->world.store, name).items[0].turns)
            world_step(&h->world);
        house_turn(h);
    }
    struct str text = arena_str(h->arena, buf_str(&heard));
    buf_release(&heard);
    return text;
}

/* One follower takes nothing: the other gets everything, and it is told where to go on. */
static void test_slow_follower(void **state)
{
    struct house *h = *state;
    h->still = true;
    const char *arn = house_started(h, BIG, ",\"name\":\"big\",\"input\":{\"n\":0}");
    int slow = follow(h, arn, "?data=true"), fast = follow(h, arn, "?data=true");
    for (int i = 0; i < 50; i++) /* until the two share one story */
        house_turn(h);
    struct str heard = hear_in_step(h, fast, "big");
    assert_true(str_find(heard, STR("\"end\":{\"status\":\"completed\"")) != SIZE_MAX);
    close(fast);
    heard = house_hear(h, slow, NULL);
    close(slow);
    size_t end = str_find(heard, STR("\"end\":")), cut = str_find(heard, STR("\"closed\":"));
    assert_true(end == SIZE_MAX && cut != SIZE_MAX);
    h->still = false;
    struct str line = str_slice(heard, cut - 1, heard.len);
    struct json closed = json_get(house_json(h, str_trim(line)), STR("closed"));
    assert_true(str_eq(json_str(json_get(closed, STR("reason"))), STR("slow")));
    int64_t from;
    char query[64];
    assert_true(json_to_int64(json_get(closed, STR("resume_from")), &from));
    snprintf(query, sizeof(query), "?data=true&from=%lld", (long long)from);
    slow = follow(h, arn, query);
    check_lines(h, house_parse(house_hear(h, slow, NULL)).body, from + 1, "completed");
    close(slow);
}

/* A follower alone is waited for, however slow it is. */
static void test_lone_follower(void **state)
{
    struct house *h = *state;
    const char *arn = house_started(h, BIG, ",\"input\":{\"n\":0}");
    int fd = follow(h, arn, "?data=true");
    for (int i = 0; i < 50; i++)
        house_turn(h);
    check_lines(h, house_parse(house_hear(h, fd, NULL)).body, 1, "completed");
    close(fd);
}

static void test_head_of_a_stream(void **state)
{
    struct house *h = *state;
    h->still = true;
    const char *arn = house_started(h, TASK("never"), "");
    char path[512];
    snprintf(path, sizeof(path), "/api/v1/executions/%s/follow", arn);
    struct answer a = house_ask(h, "HEAD", path, "", "");
    assert_int_equal(a.status, 200);
    assert_int_equal(a.body.len, 0);
}

/* ---- stopping ---- */

static void test_stopping(void **state)
{
    struct house *h = *state;
    h->still = true;
    const char *arn = house_started(h, TASK("never"), "");
    int follower = follow(h, arn, ""), caller = -1;
    house_hear(h, follower, "\"turn\":0,");
    /* A call that waits for the store, which nobody steps any more. */
    caller = house_connect(h);
    const char *body = "{\"machine_name\":\"m\",\"definition\":" PASS "}";
    struct str text = arena_printf(
        h->arena, "POST /api/v1/run HTTP/1.0\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    assert_int_equal(send(caller, text.ptr, text.len, 0), text.len);
    for (int i = 0; i < 20; i++)
        uv_run(&h->loop, UV_RUN_NOWAIT);
    api_stop(h->api);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    struct str heard = house_hear(h, follower, NULL);
    assert_true(str_find(heard, STR("{\"closed\":{\"reason\":\"stopping\"")) != SIZE_MAX);
    struct answer a = house_parse(house_hear(h, caller, NULL));
    assert_problem(h, a, 503, "INTERRUPTED");
    close(follower);
    close(caller);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, house_setup, house_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_run),
        TEST(test_run_refuses),
        TEST(test_run_again),
        TEST(test_paths),
        TEST(test_pages_of_others),
        TEST(test_finding),
        TEST(test_aws_start),
        TEST(test_aws_start_refuses),
        TEST(test_aws_protocol),
        TEST(test_aws_describe),
        TEST(test_aws_stop),
        TEST(test_aws_history),
        TEST(test_aws_history_refuses),
        TEST(test_follow),
        TEST(test_follow_on),
        TEST(test_follow_data),
        TEST(test_followers_share),
        TEST(test_slow_follower),
        TEST(test_lone_follower),
        TEST(test_head_of_a_stream),
        TEST(test_stopping),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
