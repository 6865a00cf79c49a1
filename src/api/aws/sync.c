/* StartSyncExecution: an Express execution from its start to its end. Nothing of it is
 * stored, and it ends with the process. */
#include "api/aws/operations.h"

enum {
    BILLED_MS = 100, /* AWS bills time and memory in these */
    BILLED_MB = 64,
};

struct sync {
    struct str arn; /* as it was asked for */
    bool data;
    struct engine_start command;
};

static int64_t rounded_up(int64_t value, int64_t unit)
{
    return value <= 0 ? unit : (value + unit - 1) / unit * unit;
}

static struct json billing(struct arena *a, const struct run *run)
{
    struct json_object_builder b = json_object_builder(a);
    int64_t ms = run_stopped_at(run).ms - run_started_at(run).ms;
    json_object_add(&b, STR("billedDurationInMilliseconds"), json_int(rounded_up(ms, BILLED_MS)));
    json_object_add(&b, STR("billedMemoryUsedInMB"), json_int(BILLED_MB));
    return json_object_done(&b);
}

/* "input" as JSON text, and "inputDetails". */
static void add_data(struct json_object_builder *b, bool data, struct str name, struct str details,
                     struct json value)
{
    struct json_object_builder included = json_object_builder(b->arena);
    if (json_is_absent(value))
        return;
    json_object_add(&included, STR("included"), json_bool(data));
    if (data)
        json_object_add(b, name, json_string(json_text(b->arena, value)));
    json_object_add(b, details, json_object_done(&included));
}

static struct json text_if(bool has, struct str text)
{
    return has ? json_string(text) : JSON_NONE;
}

static void ended(struct call *c, const struct execution_row *row, const struct run *run)
{
    const struct sync *s = c->work;
    struct json_object_builder b = json_object_builder(c->arena);
    struct str error = {0}, cause = {0};
    bool has_error = run_error(run, &error), has_cause = run_cause(run, &cause);
    json_object_add(&b, STR("executionArn"), json_string(row->arn));
    json_object_add(&b, STR("stateMachineArn"), json_string(row->machine_arn));
    json_object_add(&b, STR("name"), json_string(row->name));
    json_object_add(&b, STR("startDate"), aws_time(run_started_at(run)));
    json_object_add(&b, STR("stopDate"), aws_time(run_stopped_at(run)));
    json_object_add(&b, STR("status"),
                    json_string(str_of_cstr(execution_status_name(row->status))));
    json_object_add(&b, STR("error"), text_if(has_error, error));
    json_object_add(&b, STR("cause"), text_if(has_cause, cause));
    add_data(&b, s->data, STR("input"), STR("inputDetails"), run_input(run));
    add_data(&b, s->data, STR("output"), STR("outputDetails"), run_output(run));
    json_object_add(&b, STR("traceHeader"),
                    text_if(aws_given(c, "traceHeader"), aws_text(c, "traceHeader")));
    json_object_add(&b, STR("billingDetails"), billing(c->arena, run));
    call_answer(c, 200, json_object_done(&b));
}

static void replied(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    if (err)
        aws_start_failed(c, err);
    else
        ended(c, e->reply->execution, e->reply->run);
}

static void machine_found(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    struct sync *s = c->work;
    if (answer->outcome != CATALOG_DONE) {
        aws_no_machine(c, answer, s->arn);
        return;
    }
    if (!answer->machine.settings.express) {
        call_fail_aws(c, "StateMachineTypeNotSupported",
                      "This operation is not supported by this type of state machine");
        return;
    }
    aws_fill_start(c, answer, &s->command);
    s->command.sync = true;
    errand_start(call_errand(c, replied), &s->command);
}

void aws_start_sync_execution(struct call *c)
{
    struct sync *s = c->work = ARENA_NEW(c->arena, struct sync);
    struct catalog_asker who = aws_asker(c, machine_found);
    struct arn arn;
    s->data = !str_eq(aws_text(c, "includedData"), STR("METADATA_ONLY"));
    if (!aws_take_start(c, &s->command, &arn))
        return;
    s->arn = arn.text;
    catalog_find_machine(c->api->catalog, &who, &arn);
}
