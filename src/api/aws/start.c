/* StartExecution, StopExecution. */
#include "api/aws/operations.h"

#include "engine/names.h"

/* ---- StartExecution ---- */

struct start {
    struct str arn; /* as it was asked for */
    struct engine_start command;
};

static void bad_input(struct call *c, const char *why)
{
    call_fail_aws(c, "InvalidExecutionInput", "Invalid State Machine Execution Input: '%s'", why);
}

void aws_start_failed(struct call *c, const struct err *err)
{
    if (err->code == ERR_BUSY)
        call_fail_aws(c, "ExecutionLimitExceeded", "%s", err->message);
    else if (err->code == ERR_INVALID_JSON || err->code == ERR_TOO_DEEP)
        bad_input(c, err->message);
    else
        call_fail(c, err);
}

static void started(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    const struct start *s = c->work;
    if (err && err->code == ERR_CONFLICT) {
        struct str arn = arn_of_execution(c->arena, s->command.machine_arn, s->command.name);
        call_fail_aws(c, "ExecutionAlreadyExists", "Execution Already Exists: '" STR_FMT "'",
                      STR_ARG(arn));
        return;
    }
    if (err) {
        aws_start_failed(c, err);
        return;
    }
    const struct execution_row *row = e->reply->execution;
    struct json_object_builder b = json_object_builder(c->arena);
    json_object_add(&b, STR("executionArn"), json_string(row->arn));
    json_object_add(&b, STR("startDate"), aws_time(row->started_at));
    call_answer(c, 200, json_object_done(&b));
}

void aws_fill_start(struct call *c, const struct catalog_answer *answer, struct engine_start *start)
{
    const struct catalog_machine *m = &answer->machine;
    start->machine_name = arena_str(c->arena, m->name);
    start->machine_arn = arena_str(c->arena, m->arn);
    start->role_arn = m->settings.role_arn;
    start->definition = m->text;
    start->origin = catalog_origin(c->arena, answer, aws_text(c, "traceHeader"));
    start->cataloged = true;
    start->express = m->settings.express;
}

static void machine_found(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    struct start *s = c->work;
    if (answer->outcome != CATALOG_DONE) {
        aws_no_machine(c, answer, s->arn);
        return;
    }
    aws_fill_start(c, answer, &s->command);
    errand_start(call_errand(c, started), &s->command);
}

static bool check_name(struct call *c, struct str name)
{
    struct err err;
    if (name.len == 0 || name_check(name, "the execution's name", &err))
        return true;
    call_fail_aws(c, "InvalidName", "Invalid Name: '" STR_FMT "'", STR_ARG(name));
    return false;
}

/* A large one is not read twice: the engine says what is wrong with it. */
static bool check_input(struct call *c, struct str input)
{
    enum {
        SMALL = 64 << 10
    };
    struct json value;
    struct err err;
    if (input.len > SMALL ||
        json_parse(c->arena, input, (struct json_limits){0}, JSON_DUPLICATES_LAST, &value, &err))
        return true;
    bad_input(c, err.message);
    return false;
}

bool aws_take_start(struct call *c, struct engine_start *start, struct arn *ret_arn)
{
    start->name = aws_text(c, "name");
    start->input = aws_given(c, "input") ? aws_text(c, "input") : STR("{}");
    return check_name(c, start->name) && check_input(c, start->input) &&
           aws_take_whole_machine(c, ret_arn);
}

void aws_start_execution(struct call *c)
{
    struct start *s = c->work = ARENA_NEW(c->arena, struct start);
    struct catalog_asker who = aws_asker(c, machine_found);
    struct arn arn;
    if (!aws_take_start(c, &s->command, &arn))
        return;
    s->arn = arn.text;
    catalog_find_machine(c->api->catalog, &who, &arn);
}

/* ---- StopExecution ---- */

struct stop {
    struct str error, cause;
};

static void stopped(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    if (err) {
        call_fail(c, err);
        return;
    }
    struct json_object_builder b = json_object_builder(c->arena);
    json_object_add(&b, STR("stopDate"), aws_time(e->reply->execution->stopped_at));
    call_answer(c, 200, json_object_done(&b));
}

static void stop_found(struct call *c, const struct execution_row *row)
{
    const struct stop *s = c->work;
    errand_stop(call_errand(c, stopped), row->key, s->error, s->cause);
}

void aws_stop_execution(struct call *c)
{
    struct stop *s = c->work = ARENA_NEW(c->arena, struct stop);
    struct arn arn;
    s->error = aws_text(c, "error");
    s->cause = aws_text(c, "cause");
    if (aws_take_arn(c, "executionArn", ARN_IS_EXECUTION, &arn))
        call_find(c, arn.text, stop_found);
}
