/* What an exit or a response means: errors and causes as Lambda reports them. */
#include "task/answer.h"
#include "task/task.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

static struct arena *a;

static int setup(void **state)
{
    (void)state;
    a = arena_new(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(a);
    return 0;
}

static void assert_str(struct str s, const char *expected)
{
    if (!str_eq(s, str_of_cstr(expected)))
        fail_msg("got " STR_FMT ", expected %s", STR_ARG(s), expected);
}

static void assert_contains(struct str s, const char *part)
{
    if (str_find(s, str_of_cstr(part)) == SIZE_MAX)
        fail_msg("%s is not in " STR_FMT, part, STR_ARG(s));
}

static struct answer of_exit(int status, const char *out, const char *err)
{
    struct child_result r = {
        .exit_status = status, .output = str_of_cstr(out), .error = str_of_cstr(err)};
    return answer_of_child(a, &r, 0);
}

static void test_output(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"", "null"},     {" \n", "null"},      {"null\n", "null"},
        {"1.0", "1.0"},   {"\"x\"\n", "\"x\""}, {"{\"a\": [1, 2]}\n", "{\"a\":[1,2]}"},
        {"\r\n 3 ", "3"},
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct answer answer = of_exit(0, texts[i][0], "warning");
        assert_true(answer.ok);
        assert_str(json_text(a, answer.output), texts[i][1]);
    }
}

static void test_output_that_is_no_json(void **state)
{
    (void)state;
    static const char *const texts[] = {"done", "{\"a\": 1} {}", "{'a': 1}", "\"\xff\"", "NaN"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct answer answer = of_exit(0, texts[i], "");
        assert_false(answer.ok);
        assert_str(answer.error, "Pawl.OutputInvalid");
        struct json cause;
        assert_true(json_parse(a, answer.cause, (struct json_limits){0}, 0, &cause, NULL));
        assert_str(json_str(json_get(cause, STR("errorType"))), "Pawl.OutputInvalid");
        assert_contains(answer.cause, "Print one JSON value on stdout");
    }
}

static const struct {
    const char *out, *err, *error, *cause;
} objects[] = {
    {"{\"errorMessage\": \"Bad\", \"errorType\": \"MyError\", \"x\": 1}\n", "noise", "MyError",
     "{\"errorMessage\":\"Bad\",\"errorType\":\"MyError\",\"x\":1}"},
    {"{\n  \"errorType\": \"E\"\n}\n", "", "E", "{\"errorType\":\"E\"}"},
    {"loading\nloaded\n{\"errorType\":\"E\"}\n\n", "", "E", "{\"errorType\":\"E\"}"},
    {"", "Traceback\n{\"errorType\":\"E\",\"errorMessage\":\"\"}\n", "E",
     "{\"errorType\":\"E\",\"errorMessage\":\"\"}"},
    {"{\"errorType\":\"A\"}", "{\"errorType\":\"B\"}", "A", "{\"errorType\":\"A\"}"},
    {"{\"errorMessage\":\"why\"}", "", "Unhandled", "{\"errorMessage\":\"why\"}"},
    {"{\"errorType\":7,\"errorMessage\":\"why\"}", "", "Unhandled",
     "{\"errorType\":7,\"errorMessage\":\"why\"}"},
};

static void test_error_objects(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(objects); i++) {
        struct answer answer = of_exit(1, objects[i].out, objects[i].err);
        assert_false(answer.ok);
        assert_str(answer.error, objects[i].error);
        assert_str(answer.cause, objects[i].cause);
    }
    /* With exit status 0 it is a result like any other. */
    assert_true(of_exit(0, "{\"errorType\":\"A\"}", "").ok);
}

static void test_exit_status(void **state)
{
    (void)state;
    struct answer answer = of_exit(3, "{\"done\": 1}", "line 1\nno space left\n\n");
    assert_false(answer.ok);
    assert_str(answer.error, "Pawl.ExitStatus");
    assert_str(answer.cause,
               "{\"errorType\":\"Pawl.ExitStatus\",\"errorMessage\":\"The command failed with exit "
               "status 3: no space left\",\"stderr\":\"line 1\\nno space left\\n\\n\"}");
    assert_str(of_exit(1, "", "").cause, "{\"errorType\":\"Pawl.ExitStatus\",\"errorMessage\":"
                                         "\"The command failed with exit status 1\"}");
    struct child_result killed = {.signal = 9, .error = STR("x")};
    answer = answer_of_child(a, &killed, 0);
    assert_str(answer.error, "Pawl.Signal");
    assert_contains(answer.cause, "ended by signal 9 (Killed): x");
}

static void test_ended_by_pawl(void **state)
{
    (void)state;
    struct child_result r = {.timed_out = true, .signal = 15};
    struct answer answer = answer_of_child(a, &r, 1500);
    assert_str(answer.error, "Sandbox.Timedout");
    assert_contains(answer.cause, "Task timed out after 1.50 seconds");
    r = (struct child_result){.output_over = true, .signal = 15};
    assert_str(answer_of_child(a, &r, 0).error, "Function.ResponseSizeTooLarge");
    struct err e;
    err_set(&e, ERR_NOT_FOUND, "cannot start \"x\"");
    r = (struct child_result){.failure = &e};
    answer = answer_of_child(a, &r, 0);
    assert_str(answer.error, "Pawl.CommandNotStarted");
    assert_contains(answer.cause, "cannot start \\\"x\\\"");
}

static void test_errors_and_causes_are_bounded(void **state)
{
    (void)state;
    struct buf b = BUF_INIT(0);
    buf_append(&b, STR("{\"errorType\":\""));
    for (size_t i = 0; i < 50000; i++)
        buf_append(&b, STR("\xc3\xa9"));
    buf_append(&b, STR("\"}"));
    struct child_result r = {.exit_status = 1, .output = buf_str(&b)};
    struct answer answer = answer_of_child(a, &r, 0);
    assert_int_equal(answer.error.len, TASK_ERROR_SIZE_MAX);
    assert_int_equal(utf8_valid_up_to(answer.error), answer.error.len);
    assert_in_range(answer.cause.len, TASK_CAUSE_SIZE_MAX - 3, TASK_CAUSE_SIZE_MAX);
    assert_int_equal(utf8_valid_up_to(answer.cause), answer.cause.len);
    buf_clear(&b);
    for (size_t i = 0; i < 100000; i++)
        buf_append_char(&b, '\x01'); /* each six bytes in JSON */
    r = (struct child_result){.exit_status = 1, .error = buf_str(&b)};
    answer = answer_of_child(a, &r, 0);
    assert_true(answer.cause.len <= TASK_CAUSE_SIZE_MAX);
    buf_release(&b);
}

static void test_tails(void **state)
{
    (void)state;
    static const struct {
        struct str bytes;
        size_t size_max;
        const char *tail;
    } cases[] = {
        {STR_INIT(""), 8, ""},
        {STR_INIT("abc"), 8, "abc"},
        {STR_INIT("abcdefgh"), 3, "fgh"},
        {STR_INIT("a\xff"
                  "b"),
         8,
         "a\xef\xbf\xbd"
         "b"},
        {STR_INIT("a\0b"), 8,
         "a\xef\xbf\xbd"
         "b"},
        {STR_INIT("xx\xc3\xa9"
                  "b"),
         2, "b"},                                              /* not half a character */
        {STR_INIT("\xff\xff\xff\xff"), 4, "\xef\xbf\xbd"},     /* grows, still bounded */
        {STR_INIT("\xe2\x82"), 8, "\xef\xbf\xbd\xef\xbf\xbd"}, /* cut short */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct str tail = text_tail(a, cases[i].bytes, cases[i].size_max);
        assert_str(tail, cases[i].tail);
        assert_true(tail.len <= cases[i].size_max);
    }
}

/* ---- services ---- */

static struct answer of_response(struct fetch_result r, uint64_t timeout_ms)
{
    struct callee c = callee_resolve(a, STR("arn:aws:lambda:us-east-1:000000000000:function:job"),
                                     STR(""), STR(""));
    return answer_of_fetch(a, &r, timeout_ms, &c, "id-1");
}

static void test_responses(void **state)
{
    (void)state;
    struct answer answer = of_response((struct fetch_result){.status = 200, .body = STR("[1]")}, 0);
    assert_true(answer.ok);
    assert_str(json_text(a, answer.output), "[1]");
    answer = of_response((struct fetch_result){.status = 204}, 0);
    assert_true(answer.ok && json_is_null(answer.output));
    answer = of_response((struct fetch_result){.status = 200, .body = STR("<html>")}, 0);
    assert_str(answer.error, "Pawl.OutputInvalid");
    answer = of_response((struct fetch_result){.failure = "no route"}, 0);
    assert_str(answer.error, "Pawl.HttpRequestFailed");
    assert_contains(answer.cause, "no route");
    answer = of_response((struct fetch_result){.failure = "slow", .timed_out = true}, 3000);
    assert_str(answer.error, "Sandbox.Timedout");
    answer = of_response((struct fetch_result){.failure = "slow", .timed_out = true}, 0);
    assert_str(answer.error, "Pawl.HttpRequestFailed");
    answer = of_response((struct fetch_result){.failure = "write", .over = true}, 0);
    assert_str(answer.error, "Function.ResponseSizeTooLarge");
}

static const struct {
    int status;
    const char *function_error, *error_type, *body, *error, *cause;
} refusals[] = {
    {200, "Unhandled", "", "{\"errorType\":\"E\",\"errorMessage\":\"m\"}", "E",
     "{\"errorType\":\"E\",\"errorMessage\":\"m\"}"},
    {200, "Unhandled", "", "{\"x\":1}", "Unhandled", "{\"x\":1}"},
    {200, "Unhandled", "", "oops", "Unhandled",
     "{\"errorType\":\"Unhandled\",\"errorMessage\":\"The service answered with status 200\","
     "\"body\":\"oops\"}"},
    {500, "", "", "{\"errorType\":\"E\"}", "E", "{\"errorType\":\"E\"}"},
    {500, "", "", "{\"message\":\"no\"}", "Pawl.HttpStatus", "{\"message\":\"no\"}"},
    {302, "", "", "", "Pawl.HttpStatus",
     "{\"errorType\":\"Pawl.HttpStatus\",\"errorMessage\":\"The service answered with status "
     "302\"}"},
    {404, "", "ResourceNotFoundException", "{\"Message\":\"Function not found\"}",
     "Lambda.ResourceNotFoundException",
     "Function not found: arn:aws:lambda:us-east-1:000000000000:function:job:$LATEST (Service: "
     "AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: id-1; "
     "Proxy: null)"},
    {429, "", "TooManyRequestsException:http://internal/", "{\"Reason\":\"r\"}",
     "Lambda.TooManyRequestsException", "{\"Reason\":\"r\"}"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct answer answer = of_response(
            (struct fetch_result){.status = refusals[i].status,
                                  .function_error = str_of_cstr(refusals[i].function_error),
                                  .error_type = str_of_cstr(refusals[i].error_type),
                                  .body = str_of_cstr(refusals[i].body)},
            0);
        assert_false(answer.ok);
        assert_str(answer.error, refusals[i].error);
        assert_str(answer.cause, refusals[i].cause);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output),        cmocka_unit_test(test_output_that_is_no_json),
        cmocka_unit_test(test_error_objects), cmocka_unit_test(test_exit_status),
        cmocka_unit_test(test_ended_by_pawl), cmocka_unit_test(test_errors_and_causes_are_bounded),
        cmocka_unit_test(test_tails),         cmocka_unit_test(test_responses),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("answer", tests, setup, teardown);
}
