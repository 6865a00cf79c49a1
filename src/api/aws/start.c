/* StartExecution, StopExecution. */
#include "api/aws/operations.h"

#include "asl/compile.h"
#include "engine/names.h"

enum {
    ARN_MAX = 256,
    ERROR_MAX = 256,
    CAUSE_MAX = 32768,
    INPUT_MAX = ENGINE_INPUT_SIZE_MAX,
};

/* ---- StartExecution ---- */

struct start {
    struct str arn; /* of the machine */
    struct engine_start command;
};

static void no_machine(struct call *c, struct str arn)
{
    call_fail_aws(c, "StateMachineDoesNotExist", "State Machine Does Not Exist: '" STR_FMT "'",
                  STR_ARG(arn));
}

static void started(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    const struct start *s = c->work;
    if (err && err->code == ERR_CONFLICT) {
        size_t prefix = str_find(s->arn, STR(":stateMachine:"));
        call_fail_aws(c, "ExecutionAlreadyExists",
                      "Execution Already Exists: '" STR_FMT ":execution:" STR_FMT ":" STR_FMT "'",
                      STR_ARG(str_slice(s->arn, 0, prefix)), STR_ARG(s->command.machine_name),
                      STR_ARG(s->command.name));
        return;
    }
    if (err && err->code == ERR_BUSY) {
        call_fail_aws(c, "ExecutionLimitExceeded", "%s", err->message);
        return;
    }
    if (err) {
        call_fail(c, err);
        return;
    }
    const struct execution_row *row = e->reply->execution;
    struct json_object_builder b = json_object_builder(c->arena);
    json_object_add(&b, STR("executionArn"), json_string(row->arn));
    json_object_add(&b, STR("startDate"), aws_time(row->started_at));
    call_answer(c, 200, json_object_done(&b));
}

static void definition_read(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    struct start *s = c->work;
    if (err) {
        call_fail(c, err);
        return;
    }
    s->command.definition = e->read.text;
    errand_start(call_errand(c, started), &s->command);
}

static void machine_read(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    struct start *s = c->work;
    bool missing = err && err->code == ERR_NOT_FOUND;
    if (missing || (!err && !str_eq(e->read.machines[0].arn, s->arn))) {
        no_machine(c, s->arn);
        return;
    }
    if (err) {
        call_fail(c, err);
        return;
    }
    struct errand *next = call_errand(c, definition_read);
    memcpy(next->read.hash, e->read.machines[0].definition, SHA256_SIZE);
    errand_read(next, STORE_GET_DEFINITION);
}

static bool check_name(struct call *c, struct str name)
{
    struct err err;
    if (name.len == 0 || name_check(name, "the execution's name", &err))
        return true;
    call_fail_aws(c, "InvalidName", "Invalid Name: '" STR_FMT "'", STR_ARG(name));
    return false;
}

static bool check_input(struct call *c, struct str input)
{
    struct json value;
    struct err err;
    if (json_parse(c->arena, input, (struct json_limits){0}, JSON_DUPLICATES_LAST, &value, &err))
        return true;
    call_fail_aws(c, "InvalidExecutionInput", "Invalid State Machine Execution Input: '%s'",
                  err.message);
    return false;
}

/* The name in "arn:aws:states:us-east-1:000000000000:stateMachine:NAME". */
static bool machine_name(struct str arn, struct str *ret_name)
{
    static const char kind[] = ":stateMachine:";
    size_t at = str_find(arn, STR(":stateMachine:"));
    if (!str_starts_with(arn, STR("arn:")) || at == SIZE_MAX)
        return false;
    *ret_name = str_slice(arn, at + sizeof(kind) - 1, arn.len);
    return ret_name->len > 0;
}

void aws_start_execution(struct call *c)
{
    struct start *s = c->work = ARENA_NEW(c->arena, struct start);
    struct engine_start *command = &s->command;
    if (!argument_text(c, STR("stateMachineArn"), ARGUMENT_REQUIRED, ARN_MAX, &s->arn) ||
        !argument_text(c, STR("name"), ARGUMENT_OPTIONAL, STORE_NAME_MAX, &command->name) ||
        !argument_text(c, STR("input"), ARGUMENT_OPTIONAL, INPUT_MAX, &command->input))
        return;
    if (command->input.len == 0)
        command->input = STR("{}");
    if (!check_name(c, command->name) || !check_input(c, command->input))
        return;
    if (!machine_name(s->arn, &command->machine_name)) {
        call_fail_aws(c, "InvalidArn", "Invalid Arn: '" STR_FMT "'", STR_ARG(s->arn));
        return;
    }
    struct errand *e = call_errand(c, machine_read);
    e->read.name = command->machine_name;
    errand_read(e, STORE_GET_MACHINE);
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
    struct str arn;
    if (argument_text(c, STR("executionArn"), ARGUMENT_REQUIRED, ARN_MAX, &arn) &&
        argument_text(c, STR("error"), ARGUMENT_OPTIONAL, ERROR_MAX, &s->error) &&
        argument_text(c, STR("cause"), ARGUMENT_OPTIONAL, CAUSE_MAX, &s->cause))
        call_find(c, arn, stop_found);
}
