/* ListExecutions, on a store in memory, which is walked, and on one on disk beside its
 * projection: the same answers. */
#include "support/api_house.h"

#include "base/base64.h"
#include "os/clock.h"
#include "store/visibility.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <signal.h>

#define MACHINE "arn:aws:states:us-east-1:000000000000:stateMachine:m"
#define PASS "{\"StartAt\":\"P\",\"States\":{\"P\":{\"Type\":\"Pass\",\"End\":true}}}"
#define FAIL "{\"StartAt\":\"F\",\"States\":{\"F\":{\"Type\":\"Fail\",\"Error\":\"E\"}}}"
#define WAIT                                                                                       \
    "{\"StartAt\":\"W\",\"States\":{\"W\":{\"Type\":\"Wait\",\"Seconds\":5000,\"End\":true}}}"

enum {
    EXECUTIONS = 23,
};

static struct answer list(struct house *h, const char *rest)
{
    return house_aws(
        h, "ListExecutions",
        arena_cstr(h->arena,
                   arena_printf(h->arena, "{\"stateMachineArn\":\"" MACHINE "\"%s}", rest)));
}

/* Their names, in order: "n3 n2 n1". */
static const char *names_of(struct house *h, struct answer a)
{
    if (a.status != 200)
        fail_msg(STR_FMT, STR_ARG(a.body));
    struct json items = json_get(house_json(h, a.body), STR("executions"));
    struct buf names = BUF_INIT(0);
    for (size_t i = 0; i < json_count(items); i++)
        buf_printf(&names, "%s" STR_FMT, i ? " " : "",
                   STR_ARG(json_str(json_get(json_at(items, i), STR("name")))));
    const char *text = arena_cstr(h->arena, buf_str(&names));
    buf_release(&names);
    return text;
}

static const char *token_of(struct house *h, struct answer a)
{
    struct json token = json_get(house_json(h, a.body), STR("nextToken"));
    return json_is_string(token) ? arena_cstr(h->arena, json_str(token)) : NULL;
}

static const char *named(struct house *h, const char *prefix, int n)
{
    return arena_cstr(h->arena, arena_printf(h->arena, ",\"name\":\"%s%d\"", prefix, n));
}

/* What was started and ended a moment ago is there, newest first. */
static void test_at_once(void **state)
{
    struct house *h = *state;
    h->still = true;
    house_started(h, PASS, named(h, "pass", 1));
    assert_string_equal(names_of(h, list(h, "")), "pass1");
    house_started(h, FAIL, named(h, "fail", 1));
    house_started(h, WAIT, named(h, "wait", 1));
    assert_string_equal(names_of(h, list(h, "")), "wait1 fail1 pass1");
    assert_string_equal(names_of(h, list(h, ",\"statusFilter\":\"SUCCEEDED\"")), "pass1");
    assert_string_equal(names_of(h, list(h, ",\"statusFilter\":\"FAILED\"")), "fail1");
    assert_string_equal(names_of(h, list(h, ",\"statusFilter\":\"RUNNING\"")), "wait1");
    assert_string_equal(names_of(h, list(h, ",\"statusFilter\":\"ABORTED\"")), "");
    struct answer a =
        house_aws(h, "StopExecution",
                  house_with_arn(h, "arn:aws:states:us-east-1:000000000000:execution:m:wait1", ""));
    assert_int_equal(a.status, 200);
    assert_string_equal(names_of(h, list(h, ",\"statusFilter\":\"RUNNING\"")), "");
    assert_string_equal(names_of(h, list(h, ",\"statusFilter\":\"ABORTED\"")), "wait1");
    assert_string_equal(names_of(h, list(h, ",\"redriveFilter\":\"NOT_REDRIVEN\"")),
                        "wait1 fail1 pass1");
    assert_string_equal(names_of(h, list(h, ",\"redriveFilter\":\"REDRIVEN\"")), "");
}

static void test_item(void **state)
{
    struct house *h = *state;
    house_started(h, FAIL, named(h, "n", 1));
    struct json item = json_at(json_get(house_json(h, list(h, "").body), STR("executions")), 0);
    assert_true(str_eq(json_str(json_get(item, STR("executionArn"))),
                       STR("arn:aws:states:us-east-1:000000000000:execution:m:n1")));
    assert_true(str_eq(json_str(json_get(item, STR("stateMachineArn"))), STR(MACHINE)));
    assert_true(str_eq(json_str(json_get(item, STR("status"))), STR("FAILED")));
    assert_true(json_is_number(json_get(item, STR("startDate"))));
    assert_true(json_is_number(json_get(item, STR("stopDate"))));
    assert_true(json_is_number(json_get(item, STR("redriveCount"))));
}

static void test_pages(void **state)
{
    struct house *h = *state;
    struct buf all = BUF_INIT(0), paged = BUF_INIT(0);
    for (int n = 0; n < EXECUTIONS; n++) {
        house_started(h, n % 3 ? PASS : FAIL, named(h, "n", n));
        buf_printf(&all, "n%d ", EXECUTIONS - 1 - n);
    }
    const char *token = NULL;
    unsigned pages = 0;
    do {
        const char *rest = ",\"maxResults\":5";
        if (token)
            rest = arena_cstr(h->arena,
                              arena_printf(h->arena, "%s,\"nextToken\":\"%s\"", rest, token));
        struct answer a = list(h, rest);
        buf_printf(&paged, "%s ", names_of(h, a));
        token = token_of(h, a);
        pages++;
    } while (token);
    assert_int_equal(pages, (EXECUTIONS + 4) / 5);
    assert_string_equal(buf_cstr(&paged), buf_cstr(&all));
    assert_null(token_of(h, list(h, "")));
    assert_null(token_of(h, list(h, ",\"maxResults\":0")));
    assert_null(token_of(h, list(h, ",\"maxResults\":23")));
    assert_non_null(token_of(h, list(h, ",\"maxResults\":22")));
    buf_release(&all);
    buf_release(&paged);
}

static const char *forged(struct house *h, const char *filters, long long key, long long at)
{
    struct str token = base64_encode(
        h->arena, arena_printf(h->arena, "executions " MACHINE ",%s %lld:%lld", filters, key, at));
    return arena_cstr(h->arena,
                      arena_printf(h->arena, ",\"nextToken\":\"" STR_FMT "\"", STR_ARG(token)));
}

static void test_tokens(void **state)
{
    struct house *h = *state;
    long long now = clock_wall().ms / 1000, day = 24 * 60 * 60;
    house_started(h, PASS, named(h, "n", 1));
    struct answer a = list(h, forged(h, ",", 5, now));
    assert_string_equal(names_of(h, a), "");
    assert_exception(h, list(h, forged(h, ",", 5, now - day - 60)), "InvalidToken",
                     "Invalid Token");
    assert_exception(h, list(h, forged(h, "FAILED,", 5, now)), "InvalidToken", "Invalid Token");
    assert_exception(h, list(h, forged(h, ",", -5, now)), "InvalidToken", "Invalid Token");
    assert_exception(h, list(h, ",\"nextToken\":\"AAAA\""), "InvalidToken", "Invalid Token");
    assert_exception(h, list(h, ",\"nextToken\":\"%%\""), "InvalidToken", "Invalid Token");
}

static void test_refusals(void **state)
{
    struct house *h = *state;
    house_started(h, PASS, "");
    assert_exception(h, list(h, ",\"statusFilter\":\"PENDING_REDRIVE\""), "ValidationException",
                     "PENDING_REDRIVE");
    assert_exception(h, list(h, ",\"statusFilter\":\"DONE\""), "ValidationException",
                     "statusFilter");
    assert_exception(h, list(h, ",\"maxResults\":1001"), "ValidationException", "maxResults");
    assert_exception(h, list(h, ",\"mapRunArn\":\"x\""), "ValidationException", "Exactly one");
    assert_exception(h, house_aws(h, "ListExecutions", "{}"), "ValidationException", "Exactly one");
    assert_exception(h, house_aws(h, "ListExecutions", "{\"stateMachineArn\":\"m\"}"), "InvalidArn",
                     "Invalid ARN prefix: m");
    assert_exception(h, house_aws(h, "ListExecutions", "{\"stateMachineArn\":\"" MACHINE "x\"}"),
                     "StateMachineDoesNotExist", MACHINE "x");
}

/* Of a machine with versions: only those that were started by one. */
static void test_versions(void **state)
{
    struct house *h = *state;
    struct answer a = house_aws(h, "CreateStateMachine",
                                "{\"name\":\"m\",\"roleArn\":\"arn:aws:iam::000000000000:role/r\","
                                "\"publish\":true,\"definition\":"
                                "\"{\\\"StartAt\\\":\\\"P\\\",\\\"States\\\":{\\\"P\\\":"
                                "{\\\"Type\\\":\\\"Pass\\\",\\\"End\\\":true}}}\"}");
    if (a.status != 200)
        fail_msg(STR_FMT, STR_ARG(a.body));
    a = house_aws(h, "StartExecution", "{\"stateMachineArn\":\"" MACHINE "\",\"name\":\"plain\"}");
    assert_int_equal(a.status, 200);
    a = house_aws(h, "StartExecution", "{\"stateMachineArn\":\"" MACHINE ":1\",\"name\":\"one\"}");
    assert_int_equal(a.status, 200);
    assert_string_equal(names_of(h, list(h, "")), "one plain");
    a = house_aws(h, "ListExecutions", "{\"stateMachineArn\":\"" MACHINE ":1\"}");
    assert_string_equal(names_of(h, a), "one");
    struct json item = json_at(json_get(house_json(h, a.body), STR("executions")), 0);
    assert_true(str_eq(json_str(json_get(item, STR("stateMachineVersionArn"))), STR(MACHINE ":1")));
    a = house_aws(h, "ListExecutions", "{\"stateMachineArn\":\"" MACHINE ":2\"}");
    assert_int_equal(a.status, 400);
}

/* Like `row`, but newer. */
static void add_executions(struct house *h, const struct execution_row *row, size_t count)
{
    struct store_write *writes = ARENA_ARRAY(h->arena, struct store_write, 2 * count);
    for (size_t i = 0; i < count; i++) {
        struct execution_row *start = &writes[2 * i].u.start;
        struct turn_row *turn = &writes[2 * i + 1].u.turn;
        writes[2 * i].kind = STORE_START;
        *start = *row;
        start->key += (execution_key)i + 1;
        start->id = execution_uuid(start->key, i);
        start->name = arena_printf(h->arena, "more%zu", i);
        start->arn =
            arena_printf(h->arena, "arn:aws:states:us-east-1:000000000000:execution:m:%zu", i);
        start->origin = STR("{}");
        writes[2 * i + 1].kind = STORE_APPEND_TURN;
        *turn = (struct turn_row){.key = start->key, .at = row->started_at, .body = STR("{}")};
    }
    world_commit(h->world.store, 0, engine_epoch(h->world.engine, 0), writes, 2 * count);
}

/* However many are left out, a page costs no more than so much, and the next goes on. */
static void test_few_among_many(void **state)
{
    enum {
        MANY = 4500,
        PAGES_MAX = 4
    };
    struct house *h = *state;
    h->still = true;
    struct answer a = house_aws(
        h, "CreateStateMachine",
        "{\"name\":\"m\",\"roleArn\":\"arn:aws:iam::000000000000:role/r\",\"publish\":true,"
        "\"definition\":\"{\\\"StartAt\\\":\\\"P\\\",\\\"States\\\":{\\\"P\\\":"
        "{\\\"Type\\\":\\\"Pass\\\",\\\"End\\\":true}}}\"}");
    assert_int_equal(a.status, 200);
    a = house_aws(h, "StartExecution", "{\"stateMachineArn\":\"" MACHINE ":1\",\"name\":\"one\"}");
    assert_int_equal(a.status, 200);
    struct world_rows rows = world_named(&h->world, h->world.store, "one");
    assert_int_equal(rows.count, 1);
    add_executions(h, &rows.items[0], MANY);
    if (h->visibility)
        visibility_refresh(h->visibility, 2 * MANY);
    const char *token = NULL;
    unsigned pages = 0;
    do {
        const char *next =
            token ? arena_cstr(h->arena, arena_printf(h->arena, ",\"nextToken\":\"%s\"", token))
                  : "";
        a = house_aws(
            h, "ListExecutions",
            arena_cstr(h->arena,
                       arena_printf(h->arena, "{\"stateMachineArn\":\"" MACHINE ":1\"%s}", next)));
        pages++;
        token = token_of(h, a);
        assert_string_equal(names_of(h, a), token ? "" : "one");
    } while (token && pages < PAGES_MAX);
    assert_int_equal(pages, 3);
}

#define EACH(f)                                                                                    \
    cmocka_unit_test_setup_teardown(f, house_setup, house_teardown),                               \
        cmocka_unit_test_setup_teardown(f, house_setup_on_disk, house_teardown)

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        EACH(test_at_once),  EACH(test_item),     EACH(test_pages),          EACH(test_tokens),
        EACH(test_refusals), EACH(test_versions), EACH(test_few_among_many),
    };
    return cmocka_run_group_tests_name("lists", tests, NULL, NULL);
}
